package okta

import (
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/credentials"
)

// The streams.
const (
	UserStream    = "users"
	DeviceStream  = "devices"
	AppStream     = "apps"
	AppUserStream = "app_users" // the assignments of users to apps
)

const (
	settingDomain     = "domain"
	settingUserFilter = "user_filter"
	settingDevicePage = "devices_per_page"
)

// The scopes of a service app.
const (
	scopeUsers   = "okta.users.read"
	scopeDevices = "okta.devices.read"
	scopeApps    = "okta.apps.read"
)

// The endpoints of the org's own authorization server: that of an API Access
// Management server gives no access to this interface
// (https://developer.okta.com/docs/concepts/auth-servers/#org-authorization-server).
const (
	logInEndpoint = "https://{" + settingDomain + "}/oauth2/v1/authorize"
	grantEndpoint = "https://{" + settingDomain + "}/oauth2/v1/token"
)

// redirect is where a log-in comes back to. Okta compares the port too.
const redirect = "http://127.0.0.1:8400/callback"

// The limits, which Okta counts for each endpoint.
const (
	limitUsers    = "/api/v1/users"
	limitDevices  = "/api/v1/devices"
	limitApps     = "/api/v1/apps"
	limitAppUsers = "/api/v1/apps/{id}/users"
)

// everyone names each status that a user can have. Okta leaves deprovisioned
// users out of a list without a filter
// (https://developer.okta.com/docs/reference/user-query/#list-all-users).
const everyone = `status eq "STAGED" or status eq "PROVISIONED" or status eq "ACTIVE" or status eq "RECOVERY" or status eq "PASSWORD_EXPIRED" or status eq "LOCKED_OUT" or status eq "SUSPENDED" or status eq "DEPROVISIONED"`

func spec() connector.Spec {
	return connector.Spec{
		ID:       "okta",
		Name:     "Okta",
		Vendor:   "Okta, Inc.",
		Version:  "0.1.0",
		Category: "identity",
		Aliases:  []string{"okta workforce identity", "fastpass", "okta verify", "single sign-on", "sso"},
		Summary:  "The users, devices and apps of an Okta org, and who is assigned to which app.",
		DocsURL:  "https://developer.okta.com/docs/api/openapi/okta-management/guides/overview/",
		Auth: []connector.AuthMethod{
			{ID: "api_token", Label: "API token", Kind: credentials.APIToken, Help: "Security > API > Tokens > Create token, as an account with the Read-only Administrator role. Okta ends a token that is unused for a while."},
			{ID: "service_app", Label: "Service app", Kind: credentials.JWTBearer, Help: "Applications > Create App Integration > API Services, with public key / private key and without DPoP. Grant it the scopes under Okta API Scopes and the Read-only Administrator role under Admin roles. The issuer is its client id."},
			{
				ID: "log_in", Label: "Log-in of an administrator", Kind: credentials.AuthorizationCode,
				Help:    "Applications > Create App Integration > OIDC, Native Application, with the grant types Authorization Code and Refresh Token, the sign-in redirect URI " + redirect + ", and without DPoP. Grant it the scopes under Okta API Scopes and assign it to the administrator, who then logs in. The scopes asked for have to be granted, each of them.",
				AuthURL: logInEndpoint, TokenURL: grantEndpoint, Redirect: redirect,
				Scopes: []string{scopeUsers, scopeDevices, scopeApps, "offline_access"},
			},
		},
		Hosts: []string{"*.okta.com", "*.oktapreview.com", "*.okta-emea.com", "*.okta-gov.com", "*.okta.mil"},
		Settings: []connector.Setting{
			{Name: settingDomain, Type: connector.Host, Label: "Okta domain", Help: "Such as acme.okta.com, without -admin; also where people sign in at a domain of your own.", Required: true},
			{Name: settingUserFilter, Label: "Users to read", Help: `A filter on status, such as status eq "ACTIVE". A user that it no longer matches counts as gone.`, Default: everyone},
			{Name: settingDevicePage, Label: "Devices per page", Help: "At most 200. Okta advises 20 if requests time out.", Type: connector.Integer, Default: "200"},
			rest.ProxySetting(),
		},
		Limits: []connector.RateLimit{
			perMinute(limitUsers), perMinute(limitDevices), perMinute(limitApps), perMinute(limitAppUsers),
		},
		Streams: []connector.Stream{users(), devices(), apps(), appUsers()},
	}
}

// perMinute is a limit as most plans have it. What an org really has stands in
// the header X-Rate-Limit-Limit, and is kept to by X-Rate-Limit-Remaining.
func perMinute(endpoint string) connector.RateLimit {
	return connector.RateLimit{Name: endpoint, Requests: 600, Per: time.Minute, Source: "https://developer.okta.com/docs/reference/rl-global-mgmt/; it differs from plan to plan"}
}

const readOnly = "; the account of an API token needs a role that may, such as Read-only Administrator."

func text(path, label, example string) connector.Field {
	return connector.Field{Path: path, Type: connector.StringField, Label: label, Example: example}
}

func flag(path, label string) connector.Field {
	return connector.Field{Path: path, Type: connector.BooleanField, Label: label, Example: "true"}
}

func object(path, label string) connector.Field {
	return connector.Field{Path: path, Type: connector.ObjectField, Label: label}
}

func sensitive(f connector.Field) connector.Field {
	f.Sensitive = true
	return f
}

func users() connector.Stream {
	return connector.Stream{
		Name: UserStream, Label: "Users", Object: "users", Key: "id",
		Summary: "The users of the org with their profiles; attributes of your own are in the profile too.",
		Fields: []connector.Field{
			text("id", "Id", "00u1dnq5S0CfjlkpABCD"),
			text("status", "Status", "ACTIVE"),
			text("created", "Created", "2026-01-02T15:04:05.000Z"),
			text("activated", "Activated", "2026-01-02T15:04:05.000Z"),
			text("statusChanged", "Status changed", "2026-01-02T15:04:05.000Z"),
			text("lastLogin", "Last sign-in; null for never", "2026-01-02T15:04:05.000Z"),
			text("lastUpdated", "Last updated", "2026-01-02T15:04:05.000Z"),
			text("passwordChanged", "Password changed", "2026-01-02T15:04:05.000Z"),
			text("realmId", "Realm id", "guo1bfiNtSnZYILxO0g4"),
			text("type.id", "User type id", "oty1bfiNtSnZYILxO0g4"),
			object("profile", "Profile"),
			text("profile.login", "Username", "ada@example.com"),
			text("profile.email", "Primary email", "ada@example.com"),
			sensitive(text("profile.secondEmail", "Secondary email", "ada@home.example")),
			text("profile.firstName", "First name", "Ada"),
			text("profile.lastName", "Last name", "Lovelace"),
			text("profile.middleName", "Middle name", "King"),
			text("profile.displayName", "Display name", "Ada Lovelace"),
			text("profile.nickName", "Nickname", "Ada"),
			text("profile.title", "Title", "Analyst"),
			text("profile.department", "Department", "Engines"),
			text("profile.division", "Division", "Research"),
			text("profile.organization", "Organization", "Example Ltd"),
			text("profile.costCenter", "Cost center", "CC-300"),
			text("profile.employeeNumber", "Employee number", "07100"),
			text("profile.manager", "Manager", "Charles Babbage"),
			text("profile.managerId", "Manager id", "07104"),
			text("profile.userType", "User type", "Employee"),
			text("profile.mobilePhone", "Mobile phone", "+44 7700 900000"),
			text("profile.primaryPhone", "Primary phone", "+44 20 7946 0000"),
			sensitive(text("profile.streetAddress", "Street address", "12 St James's Square")),
			text("profile.city", "City", "London"),
			text("profile.state", "State", "England"),
			text("profile.countryCode", "Country code", "GB"),
			text("profile.zipCode", "Zip code", "SW1Y 4JH"),
			text("profile.timezone", "Time zone", "Europe/London"),
			text("profile.locale", "Locale", "en_GB"),
			sensitive(object("credentials", "How the user signs in")),
		},
		Mapping: connector.DefaultMapping{
			Fields: []connector.DefaultField{
				{To: "username", From: "profile.login"},
				{To: "email", From: "profile.email"},
				{To: "first_name", From: "profile.firstName"},
				{To: "last_name", From: "profile.lastName"},
				{To: "full_name", From: "{{ profile.displayName or [profile.firstName, profile.lastName] | join_nonempty(' ') }}"},
				{To: "title", From: "profile.title"},
				{To: "department", From: "profile.department"},
				// The name in profile.manager names nobody for sure.
				{To: "manager", From: "profile.managerId"},
				{To: "company", From: "profile.organization"},
				{To: "cost_center", From: "profile.costCenter"},
				{To: "employee_id", From: "profile.employeeNumber"},
				{To: "phone", From: "profile.primaryPhone"},
				{To: "mobile_phone", From: "profile.mobilePhone"},
				{To: "location", From: "profile.city"},
				{To: "status", From: "status", Values: userStatus(), Unlisted: "fault"},
				{To: "last_login_at", From: "lastLogin"},
				{To: "time_zone", From: "profile.timezone"},
				{To: "locale", From: "profile.locale"},
				{To: "role", Default: "Employee"},
			},
			SyncKeys: []string{"username", "email", "employee_id"},
		},
		Permissions: []connector.Permission{{Name: scopeUsers, Why: "To list the users" + readOnly}},
		Complete:    true, Incremental: true, StableResume: true,
	}
}

// userStatus is what the states in the life of a user mean. Whoever is locked out
// or must set a password is as much in the org as before.
func userStatus() map[string]string {
	return map[string]string{
		"STAGED":           "inactive",
		"PROVISIONED":      "active",
		"ACTIVE":           "active",
		"RECOVERY":         "active",
		"PASSWORD_EXPIRED": "active",
		"LOCKED_OUT":       "active",
		"SUSPENDED":        "suspended",
		"DEPROVISIONED":    "deprovisioned",
	}
}

func devices() connector.Stream {
	return connector.Stream{
		Name: DeviceStream, Label: "Devices", Object: "assets", Key: "id",
		Summary: "The devices that Okta Verify and FastPass have registered, with the people who use them.",
		Fields: []connector.Field{
			text("id", "Id", "guo8jx5vVoxfvJeLb0w4"),
			text("status", "Status", "ACTIVE"),
			text("created", "Created", "2026-01-02T15:04:05.000Z"),
			text("lastUpdated", "Last updated", "2026-01-02T15:04:05.000Z"),
			object("profile", "Profile"),
			text("profile.displayName", "Display name", "Ada's MacBook Pro"),
			text("profile.platform", "Platform", "MACOS"),
			text("profile.serialNumber", "Serial number", "C02ABCDEFGH1"),
			text("profile.sid", "Windows SID", "S-1-5-21-3992267483-1860856704-411344060"),
			text("profile.udid", "UDID", "C059DAD3-5BE6-4708-A1C7-FD5AE114B172"),
			text("profile.imei", "IMEI", "354284686358014"),
			text("profile.meid", "MEID", "A0000000000001"),
			text("profile.manufacturer", "Manufacturer", "Apple"),
			text("profile.model", "Model", "Mac14,9"),
			text("profile.osVersion", "OS version", "14.6.1"),
			flag("profile.managed", "Managed"),
			flag("profile.registered", "Registered"),
			flag("profile.secureHardwarePresent", "Secure hardware present"),
			text("profile.diskEncryptionType", "Disk encryption type", "ALL_INTERNAL_VOLUMES"),
			{Path: "_embedded.users", Type: connector.ListField, Label: "Users of the device"},
			text("_embedded.users[].managementStatus", "Management status for the user", "MANAGED"),
			text("_embedded.users[].user.id", "Id of the user", "00u1dnq5S0CfjlkpABCD"),
			text("_embedded.users[].user.profile.login", "Username of the user", "ada@example.com"),
			text("_embedded.users[].user.profile.email", "Email of the user", "ada@example.com"),
		},
		Mapping: connector.DefaultMapping{
			Fields: []connector.DefaultField{
				{To: "serial_number", From: "profile.serialNumber"},
				{To: "device_name", From: "profile.displayName"},
				{To: "asset_type", From: "profile.platform", Values: map[string]string{"MACOS": "computer", "WINDOWS": "computer", "CHROMEOS": "computer", "IOS": "mobile", "ANDROID": "mobile"}, Otherwise: "other"},
				{To: "status", From: "status"},
				{To: "manufacturer", From: "profile.manufacturer"},
				{To: "model", From: "profile.model"},
				{To: "os_name", From: "profile.platform", Values: map[string]string{"MACOS": "macOS", "WINDOWS": "Windows", "CHROMEOS": "ChromeOS", "IOS": "iOS", "ANDROID": "Android"}},
				{To: "os_version", From: "profile.osVersion"},
				{To: "imei", From: "profile.imei"},
				{To: "udid", From: "profile.udid"},
				{To: "managed", From: "profile.managed"},
				{To: "encrypted", From: "profile.diskEncryptionType", Values: map[string]string{"ALL_INTERNAL_VOLUMES": "true", "FULL": "true", "SYSTEM_VOLUME": "true", "USER": "true", "NONE": "false"}, Unlisted: "clear"},
				{To: "enrolled_at", From: "created"},
				// A device is updated with each sign-in that tells how it is.
				{To: "last_seen_at", From: "lastUpdated"},
				{To: "assigned_to", From: "_embedded.users[0].user.profile.email"},
			},
			SyncKeys: []string{"serial_number", "udid", "imei"},
		},
		Permissions: []connector.Permission{{Name: scopeDevices, Why: "To list the devices" + readOnly}},
		Complete:    true, Incremental: true, StableResume: true,
	}
}

func apps() connector.Stream {
	return connector.Stream{
		Name: AppStream, Label: "Apps", Object: "saas_applications", Key: "id",
		Summary: "The app integrations of the org, inactive ones too.",
		Fields: []connector.Field{
			text("id", "Id", "0oa1gjh63g214q0Hq0g4"),
			text("name", "Name of the app's definition", "salesforce"),
			text("label", "Label", "Salesforce.com"),
			text("status", "Status", "ACTIVE"),
			text("signOnMode", "Sign-on mode", "SAML_2_0"),
			text("created", "Created", "2026-01-02T15:04:05.000Z"),
			text("lastUpdated", "Last updated", "2026-01-02T15:04:05.000Z"),
			{Path: "features", Type: connector.ListField, Label: "Provisioning features", Example: "PUSH_NEW_USERS"},
			object("visibility", "Visibility"),
			sensitive(object("credentials", "Keys and client of the app")),
			sensitive(object("settings", "Settings of the app")),
		},
		Mapping: connector.DefaultMapping{
			Fields:   []connector.DefaultField{{To: "name", From: "label"}},
			SyncKeys: []string{"name"},
		},
		Permissions: []connector.Permission{{Name: scopeApps, Why: "To list the apps" + readOnly}},
		Complete:    true, StableResume: true,
	}
}

func appUsers() connector.Stream {
	return connector.Stream{
		Name: AppUserStream, Label: "App users", Object: "saas_users", Key: "assignment",
		Summary: "The assignments of users to apps, directly or by a group, with at least one request for each app.",
		Fields: []connector.Field{
			text("assignment", "Id: those of the app and the user", "0oa1gjh63g214q0Hq0g4/00u1dnq5S0CfjlkpABCD"),
			text("id", "Id of the user", "00u1dnq5S0CfjlkpABCD"),
			text("externalId", "Id of the account in the app", "70c14cc17d3745e8a9f98d599a68329c"),
			text("app.id", "Id of the app", "0oa1gjh63g214q0Hq0g4"),
			text("app.name", "Name of the app's definition", "salesforce"),
			text("app.label", "Label of the app", "Salesforce.com"),
			text("app.status", "Status of the app", "ACTIVE"),
			text("scope", "Assigned to the USER or by a GROUP", "USER"),
			text("status", "Status", "ACTIVE"),
			text("statusChanged", "Status changed", "2026-01-02T15:04:05.000Z"),
			text("created", "Created", "2026-01-02T15:04:05.000Z"),
			text("lastUpdated", "Last updated", "2026-01-02T15:04:05.000Z"),
			text("lastSync", "Last synchronized", "2026-01-02T15:04:05.000Z"),
			text("passwordChanged", "Password changed", "2026-01-02T15:04:05.000Z"),
			text("syncState", "Synchronization", "SYNCHRONIZED"),
			text("credentials.userName", "Username in the app", "ada@example.com"),
			sensitive(object("credentials.password", "Password in the app")),
			object("profile", "Profile in the app"),
			text("profile.email", "Email in the app", "ada@example.com"),
			text("profile.displayName", "Display name in the app", "Ada Lovelace"),
			sensitive(text("profile.secondEmail", "Secondary email in the app", "ada@home.example")),
			object("_embedded.user", "The user"),
			text("_embedded.user.profile.login", "Username of the user", "ada@example.com"),
			text("_embedded.user.profile.email", "Email of the user", "ada@example.com"),
			sensitive(text("_embedded.user.profile.secondEmail", "Secondary email of the user", "ada@home.example")),
			sensitive(object("_embedded.user.credentials", "How the user signs in")),
		},
		Mapping: connector.DefaultMapping{
			Fields: []connector.DefaultField{
				{To: "application", From: "app.label"},
				{To: "external_id", From: "id"},
				{To: "user", From: "_embedded.user.profile.email"},
				{To: "username", From: "credentials.userName"},
				{To: "email", From: "profile.email"},
				{To: "full_name", From: "profile.displayName"},
				{To: "status", From: "status"},
			},
			SyncKeys: []string{"external_id"},
		},
		Permissions: []connector.Permission{{Name: scopeApps, Why: "To list the apps and who is assigned to them" + readOnly}},
		Complete:    true, Partitioned: true,
	}
}
