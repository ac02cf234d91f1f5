package entra

import (
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/credentials"
)

// The streams.
const (
	UsersStream   = "users"
	DevicesStream = "devices" // that are registered in the directory
)

const (
	tenantSetting  = "tenant_id"
	cloudSetting   = "cloud"
	signInSetting  = "sign_in_activity"
	leavingSetting = "leave_date"
)

// The permissions of Microsoft Graph, which has each as an application permission
// and as a delegated one.
const (
	readUsers     = "User.Read.All"
	readDevices   = "Device.Read.All"
	readAuditLog  = "AuditLog.Read.All"
	readLifeCycle = "User-LifeCycleInfo.Read.All"
)

// Where a person of the global cloud logs in. Of a redirect address on the
// person's own machine, Microsoft does not compare the port
// (https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions).
const (
	logInEndpoint = "https://login.microsoftonline.com/{" + tenantSetting + "}/oauth2/v2.0/authorize"
	grantEndpoint = "https://login.microsoftonline.com/{" + tenantSetting + "}/oauth2/v2.0/token"
	redirect      = "http://localhost/callback"
)

func spec() connector.Spec {
	return connector.Spec{
		ID:       "entra",
		Name:     "Microsoft Entra ID",
		Vendor:   "Microsoft",
		Version:  "0.1.0",
		Category: "identity",
		Aliases:  []string{"azure ad", "azure active directory", "aad", "microsoft graph", "microsoft 365", "office 365"},
		Summary:  "The users and the registered devices of a Microsoft Entra tenant, once called Azure Active Directory.",
		DocsURL:  "https://learn.microsoft.com/graph/api/user-list",
		Auth: []connector.AuthMethod{
			{ID: "app", Label: "App registration", Kind: credentials.ClientCredentials, Help: "In the Microsoft Entra admin center under App registrations register an application, add the application permissions of the streams to it and grant them admin consent, then make a client secret."},
			{
				ID: "log_in", Label: "Log-in of a person", Kind: credentials.AuthorizationCode,
				Help:    "Register an application with the platform Mobile and desktop applications, the redirect URI " + redirect + " and public client flows allowed, add the delegated permissions of the streams and grant them admin consent; it needs no secret. The person who logs in needs a role that may read all users and devices, such as Directory Readers. For another cloud than the global one, give the credential its auth_url, token_url and scope.",
				AuthURL: logInEndpoint, TokenURL: grantEndpoint, Redirect: redirect,
				Scopes: []string{"https://graph.microsoft.com/.default", "offline_access"},
			},
		},
		Hosts: hosts(),
		Settings: []connector.Setting{
			{Name: tenantSetting, Label: "Tenant", Help: "The tenant's id or one of its domains, as the overview of the admin center shows them: 72f988bf-86f1-41af-91ab-2d7cd011db47, acme.onmicrosoft.com.", Required: true},
			{Name: cloudSetting, Label: "Cloud", Help: "The cloud that the tenant is in.", Default: "global", Choices: []string{"global", "us-government", "us-dod", "china"}},
			{Name: signInSetting, Label: "Read sign-in activity", Help: "Whether users come with their last sign-in. It takes the permission AuditLog.Read.All and a Microsoft Entra ID P1 license; without either, Microsoft refuses the whole list.", Type: connector.Boolean, Default: "false"},
			{Name: leavingSetting, Label: "Read leave dates", Help: "Whether users come with the date on which they leave. It takes the permission User-LifeCycleInfo.Read.All; without it, Microsoft refuses the whole list.", Type: connector.Boolean, Default: "false"},
			rest.ProxySetting(),
		},
		// A tenant of less than 50 users has 3500 units in 10 s, and a page of
		// these lists, with selected fields and one relation, costs 2.
		Limits:  []connector.RateLimit{{Name: "directory", Requests: 1750, Per: 10 * time.Second, Source: "https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits"}},
		Streams: []connector.Stream{usersStream(), devicesStream()},
	}
}

func usersStream() connector.Stream {
	return connector.Stream{
		Name:    UsersStream,
		Label:   "Users",
		Summary: "Each member and each guest of the tenant with the manager.",
		Object:  "users",
		Key:     "id",
		Fields: []connector.Field{
			{Path: "id", Type: connector.StringField, Label: "Object id", Example: "971731b8-4fbb-497a-a899-8c43def0caf5"},
			{Path: "userPrincipalName", Type: connector.StringField, Label: "User principal name", Example: "zoe.angstrom@example.com"},
			{Path: "mail", Type: connector.StringField, Label: "Mail", Example: "zoe.angstrom@example.com"},
			{Path: "otherMails", Type: connector.ListField, Label: "Other mail addresses", Sensitive: true},
			{Path: "proxyAddresses", Type: connector.ListField, Label: "Proxy addresses"},
			{Path: "givenName", Type: connector.StringField, Label: "Given name", Example: "Zoë"},
			{Path: "surname", Type: connector.StringField, Label: "Surname", Example: "Ångström"},
			{Path: "displayName", Type: connector.StringField, Label: "Display name", Example: "Zoë Ångström"},
			{Path: "jobTitle", Type: connector.StringField, Label: "Job title", Example: "Finance Manager"},
			{Path: "department", Type: connector.StringField, Label: "Department", Example: "Finance"},
			{Path: "companyName", Type: connector.StringField, Label: "Company name", Example: "Beispiel GmbH"},
			{Path: "employeeId", Type: connector.StringField, Label: "Employee id", Example: "004200"},
			{Path: "employeeType", Type: connector.StringField, Label: "Employee type", Example: "Employee"},
			{Path: "employeeHireDate", Type: connector.StringField, Label: "Hire date", Example: "2021-01-01T00:00:00Z"},
			{Path: "employeeLeaveDateTime", Type: connector.StringField, Label: "Leave date, where the setting asks for it", Example: "2026-12-31T23:59:59Z"},
			{Path: "accountEnabled", Type: connector.BooleanField, Label: "Whether the account is enabled", Example: "true"},
			{Path: "userType", Type: connector.StringField, Label: "Type: Member or Guest", Example: "Member"},
			{Path: "businessPhones", Type: connector.ListField, Label: "Business phones"},
			{Path: "mobilePhone", Type: connector.StringField, Label: "Mobile phone", Example: "+49 151 5550 0060"},
			{Path: "officeLocation", Type: connector.StringField, Label: "Office location", Example: "Haus 1, Köln"},
			{Path: "city", Type: connector.StringField, Label: "City", Example: "Köln"},
			{Path: "state", Type: connector.StringField, Label: "State or province", Example: "NRW"},
			{Path: "country", Type: connector.StringField, Label: "Country or region", Example: "Germany"},
			{Path: "usageLocation", Type: connector.StringField, Label: "Usage location", Example: "DE"},
			{Path: "preferredLanguage", Type: connector.StringField, Label: "Preferred language", Example: "de-DE"},
			{Path: "createdDateTime", Type: connector.StringField, Label: "Created", Example: "2021-03-24T16:53:02Z"},
			{Path: "onPremisesSyncEnabled", Type: connector.BooleanField, Label: "Synchronized from premises", Example: "true"},
			{Path: "onPremisesSamAccountName", Type: connector.StringField, Label: "SAM account name on premises", Example: "zoe.angstrom"},
			{Path: "onPremisesDomainName", Type: connector.StringField, Label: "Domain on premises", Example: "corp.example.com"},
			{Path: "onPremisesImmutableId", Type: connector.StringField, Label: "Immutable id on premises", Example: "nrrby7ffix4jhbpv36icyj=="},
			{Path: "assignedLicenses", Type: connector.ListField, Label: "Assigned licenses"},
			{Path: "assignedLicenses[].skuId", Type: connector.StringField, Label: "Id of the license", Example: "138b8b95-a425-4e14-a4d3-c4a1acbc266a"},
			{Path: "externalUserState", Type: connector.StringField, Label: "External user state", Example: "Accepted"},
			{Path: "signInActivity", Type: connector.ObjectField, Label: "Sign-in activity, where the setting asks for it"},
			{Path: "signInActivity.lastSignInDateTime", Type: connector.StringField, Label: "Last interactive sign-in", Example: "2026-09-12T13:28:27Z"},
			{Path: "signInActivity.lastNonInteractiveSignInDateTime", Type: connector.StringField, Label: "Last sign-in by a client", Example: "2026-09-22T18:12:10Z"},
			{Path: "signInActivity.lastSuccessfulSignInDateTime", Type: connector.StringField, Label: "Last successful sign-in", Example: "2026-09-11T12:47:36Z"},
			{Path: "manager", Type: connector.ObjectField, Label: "Manager"},
			{Path: "manager.id", Type: connector.StringField, Label: "Manager's object id", Example: "7b76bd89-a7fc-4371-a2ee-7404e6869065"},
			{Path: "manager.mail", Type: connector.StringField, Label: "Manager's mail", Example: "soren.kjaergard@example.com"},
			{Path: "manager.userPrincipalName", Type: connector.StringField, Label: "Manager's user principal name", Example: "soren.kjaergard@example.com"},
			{Path: "manager.displayName", Type: connector.StringField, Label: "Manager's name", Example: "Søren Kjærgård"},
		},
		Mapping: connector.DefaultMapping{
			Fields: []connector.DefaultField{
				{To: "username", From: "userPrincipalName"},
				// An account without a mailbox is written to at its name.
				{To: "email", From: "{{ mail or userPrincipalName }}"},
				{To: "first_name", From: "givenName"},
				{To: "last_name", From: "surname"},
				{To: "full_name", From: "displayName"},
				{To: "title", From: "jobTitle"},
				{To: "department", From: "department"},
				{To: "manager", From: "{{ manager.mail or manager.userPrincipalName }}"},
				{To: "company", From: "companyName"},
				{To: "employee_id", From: "employeeId"},
				{To: "phone", From: "businessPhones[0]"},
				{To: "mobile_phone", From: "mobilePhone"},
				{To: "location", From: "officeLocation"},
				{To: "status", From: "accountEnabled", Values: map[string]string{"true": "active", "false": "inactive"}},
				{To: "start_date", From: "employeeHireDate"},
				{To: "end_date", From: "employeeLeaveDateTime"},
				{To: "last_login_at", From: "signInActivity.lastSignInDateTime"},
				{To: "locale", From: "preferredLanguage"},
				{To: "role", Default: "Employee"},
			},
			SyncKeys: []string{"username", "email", "employee_id"},
		},
		Permissions: []connector.Permission{
			{Name: readUsers, Why: "lists the users and their managers"},
			{Name: readAuditLog, Why: "shows the last sign-in; unknown without User.Read.All", Setting: signInSetting},
			{Name: readLifeCycle, Why: "shows the leave date; unknown without User.Read.All", Setting: leavingSetting},
		},
		Complete: true,
	}
}

func devicesStream() connector.Stream {
	return connector.Stream{
		Name:    DevicesStream,
		Label:   "Devices",
		Summary: "Each device that is registered in, joined to, or synchronized with the tenant, with its registered owner.",
		Object:  "assets",
		Key:     "id",
		Fields: []connector.Field{
			{Path: "id", Type: connector.StringField, Label: "Object id", Example: "4ce56abe-f965-4c23-a486-0f525ac00f8a"},
			{Path: "deviceId", Type: connector.StringField, Label: "Device id", Example: "99b92b2b-f906-41c2-aaaf-f6098adfb7b8"},
			{Path: "displayName", Type: connector.StringField, Label: "Name", Example: "LT-ANGSTROM"},
			{Path: "operatingSystem", Type: connector.StringField, Label: "Operating system", Example: "Windows"},
			{Path: "operatingSystemVersion", Type: connector.StringField, Label: "Version of the system", Example: "10.0.22631.4317"},
			{Path: "manufacturer", Type: connector.StringField, Label: "Manufacturer", Example: "LENOVO"},
			{Path: "model", Type: connector.StringField, Label: "Model", Example: "21HMCTO1WW"},
			{Path: "trustType", Type: connector.StringField, Label: "Trust: AzureAd, ServerAd or Workplace", Example: "AzureAd"},
			{Path: "isManaged", Type: connector.BooleanField, Label: "Managed", Example: "true"},
			{Path: "isCompliant", Type: connector.BooleanField, Label: "Compliant", Example: "true"},
			{Path: "approximateLastSignInDateTime", Type: connector.StringField, Label: "Last sign-in, about", Example: "2026-09-27T09:35:06Z"},
			{Path: "registeredOwners", Type: connector.ListField, Label: "Registered owner"},
			{Path: "registeredOwners[].id", Type: connector.StringField, Label: "Owner's object id", Example: "2207cd15-7277-480c-aacd-827508f09424"},
			{Path: "registeredOwners[].userPrincipalName", Type: connector.StringField, Label: "Owner's user principal name", Example: "zoe.angstrom@example.com"},
		},
		Mapping: connector.DefaultMapping{
			Fields: []connector.DefaultField{
				// Entra knows no serial number; the id that the registration gave the
				// device is all that tells it from others.
				{To: "udid", From: "deviceId"},
				{To: "device_name", From: "displayName"},
				{To: "asset_type", From: "operatingSystem", Values: assetTypes(), Otherwise: "other"},
				{To: "os_name", From: "operatingSystem", Values: systems()},
				{To: "os_version", From: "operatingSystemVersion"},
				{To: "manufacturer", From: "manufacturer"},
				{To: "model", From: "model"},
				{To: "managed", From: "isManaged"},
				{To: "last_seen_at", From: "approximateLastSignInDateTime"},
				{To: "assigned_to", From: "registeredOwners[0].userPrincipalName"},
			},
			SyncKeys: []string{"udid"},
		},
		Permissions: []connector.Permission{
			{Name: readDevices, Why: "lists the devices"},
			{Name: readUsers, Why: "names the registered owner"},
		},
		Complete: true,
	}
}

// assetTypes tells what a device is by the system that it was registered with.
func assetTypes() map[string]string {
	return map[string]string{
		"Windows": "computer", "MacMDM": "computer", "macOS": "computer", "Linux": "computer", "ChromeOS": "computer",
		"Windows Server": "server",
		"iOS":            "mobile", "iPhone": "mobile", "iPad": "mobile", "iPadOS": "mobile", "WindowsPhone": "mobile",
		"Android": "mobile", "AndroidForWork": "mobile", "AndroidEnterprise": "mobile",
		"Printer": "printer",
	}
}

// systems are the names of systems that the way of registering has changed.
func systems() map[string]string {
	return map[string]string{
		"MacMDM": "macOS", "iPhone": "iOS", "iPad": "iPadOS",
		"AndroidForWork": "Android", "AndroidEnterprise": "Android",
	}
}
