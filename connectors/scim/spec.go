package scim

import (
	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/credentials"
)

// UserStream is the stream of the server's users.
const UserStream = "users"

const (
	baseURLSetting  = "base_url"
	pageSizeSetting = "page_size"
)

// enterprise is the extension for people of an organization, RFC 7643, section
// 4.3. Its name has dots in it.
const enterprise = "['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User']"

// mainEmail is the address that is the main one, else the first, else the user
// name where that is an address. Some servers write what is the main one as text.
const mainEmail = "{{ (emails | selectattr('primary', 'in', [true, 'true', 'True']) | first).value or (emails | first).value or (userName if '@' in userName) }}"

func spec() connector.Spec {
	return connector.Spec{
		ID:       "scim",
		Name:     "SCIM 2.0",
		Vendor:   "IETF",
		Version:  "0.1.0",
		Category: "identity",
		Aliases:  []string{"system for cross-domain identity management", "scim2", "rfc 7644", "identity provider"},
		Summary:  "The users of any server that speaks SCIM 2.0.",
		DocsURL:  "https://www.rfc-editor.org/rfc/rfc7644",
		Auth: []connector.AuthMethod{
			{ID: "bearer", Label: "Bearer token", Help: "A token that the server issued for SCIM and that may read users; its documentation says where to create it. It is sent as a bearer token, unless the credential says otherwise.", Kind: credentials.APIToken},
			{ID: "basic", Label: "User name and password", Help: "An account that may read users by SCIM.", Kind: credentials.Basic},
			{ID: "client", Label: "OAuth 2.0 client", Help: "An application registered at the server that may read users by SCIM. The credential names its token_url, and its scope if it needs one.", Kind: credentials.ClientCredentials},
			{ID: "log_in", Label: "Log-in of a person", Help: "An application registered at the server, and a person who logs in and may read users by SCIM. The credential names its auth_url, token_url and scope; many servers give no refresh token unless offline_access is among the scopes.", Kind: credentials.AuthorizationCode},
		},
		Settings: []connector.Setting{
			{Name: baseURLSetting, Type: connector.URL, Label: "Base URL", Help: "What stands before /Users, such as https://id.example.com/scim/v2.", Required: true},
			{Name: pageSizeSetting, Label: "Page size", Help: "How many users to ask for at once. A server may send fewer; lower it if yours refuses so many.", Type: connector.Integer, Default: "100"},
			rest.ProxySetting(),
		},
		Streams: []connector.Stream{userStream()},
	}
}

func userStream() connector.Stream {
	return connector.Stream{
		Name:    UserStream,
		Label:   "Users",
		Summary: "The users of the server, the deactivated ones included as far as it lists them.",
		Object:  "users",
		Key:     "id",
		Fields: []connector.Field{
			{Path: "id", Type: connector.StringField, Label: "Id", Example: "2819c223-7f76-453a-919d-413861904646"},
			{Path: "externalId", Type: connector.StringField, Label: "Id at the one who made the user", Example: "hr-1815"},
			{Path: "userName", Type: connector.StringField, Label: "User name", Example: "ada.lovelace"},
			{Path: "displayName", Type: connector.StringField, Label: "Display name", Example: "Ada Lovelace"},
			{Path: "nickName", Type: connector.StringField, Label: "Nickname", Example: "Ada"},
			{Path: "profileUrl", Type: connector.StringField, Label: "Profile URL", Example: "https://intranet.example.com/ada"},
			{Path: "title", Type: connector.StringField, Label: "Job title", Example: "Analyst"},
			{Path: "userType", Type: connector.StringField, Label: "User type", Example: "Employee"},
			{Path: "preferredLanguage", Type: connector.StringField, Label: "Preferred language", Example: "en-GB"},
			{Path: "locale", Type: connector.StringField, Label: "Locale", Example: "en-GB"},
			{Path: "timezone", Type: connector.StringField, Label: "Time zone", Example: "Europe/London"},
			{Path: "active", Type: connector.BooleanField, Label: "Active", Example: "true"},
			{Path: "password", Type: connector.StringField, Label: "Password, which no server should send", Sensitive: true},
			{Path: "name.formatted", Type: connector.StringField, Label: "Full name", Example: "Ada Lovelace"},
			{Path: "name.givenName", Type: connector.StringField, Label: "First name", Example: "Ada"},
			{Path: "name.familyName", Type: connector.StringField, Label: "Last name", Example: "Lovelace"},
			{Path: "emails", Type: connector.ListField, Label: "E-mails"},
			{Path: "emails[].value", Type: connector.StringField, Label: "E-mail", Example: "ada@example.com"},
			{Path: "emails[].type", Type: connector.StringField, Label: "Type of e-mail", Example: "work"},
			{Path: "emails[].primary", Type: connector.BooleanField, Label: "The main e-mail", Example: "true"},
			{Path: "phoneNumbers", Type: connector.ListField, Label: "Phones"},
			{Path: "phoneNumbers[].value", Type: connector.StringField, Label: "Phone", Example: "+44 20 7946 0958"},
			{Path: "phoneNumbers[].type", Type: connector.StringField, Label: "Type of phone", Example: "work"},
			{Path: "addresses[].locality", Type: connector.StringField, Label: "City", Example: "London"},
			{Path: "addresses[].type", Type: connector.StringField, Label: "Type of address", Example: "work"},
			{Path: "groups[].value", Type: connector.StringField, Label: "Id of a group", Example: "e9e30dba-f08f-4109-8486-d5c6a331660a"},
			{Path: "groups[].display", Type: connector.StringField, Label: "Group", Example: "Analysts"},
			{Path: "roles[].value", Type: connector.StringField, Label: "Role", Example: "member"},
			{Path: "meta.created", Type: connector.StringField, Label: "Created", Example: "2026-01-02T15:04:05Z"},
			{Path: "meta.lastModified", Type: connector.StringField, Label: "Last modified", Example: "2026-01-31T09:30:00Z"},
			{Path: "meta.location", Type: connector.StringField, Label: "Address of the record", Example: "https://id.example.com/scim/v2/Users/2819c223"},
			{Path: "meta.version", Type: connector.StringField, Label: "Version", Example: `W/"3694e05e9dff590"`},
			{Path: enterprise + ".employeeNumber", Type: connector.StringField, Label: "Employee number", Example: "1815"},
			{Path: enterprise + ".costCenter", Type: connector.StringField, Label: "Cost center", Example: "4130"},
			{Path: enterprise + ".organization", Type: connector.StringField, Label: "Organization", Example: "Example Ltd"},
			{Path: enterprise + ".division", Type: connector.StringField, Label: "Division", Example: "Engines"},
			{Path: enterprise + ".department", Type: connector.StringField, Label: "Department", Example: "Analysis"},
			{Path: enterprise + ".manager.value", Type: connector.StringField, Label: "Id of the manager", Example: "26118915-6090-4610-87e4-49d8ca9f808d"},
			{Path: enterprise + ".manager.displayName", Type: connector.StringField, Label: "Manager", Example: "Charles Babbage"},
		},
		Mapping: connector.DefaultMapping{
			Fields: []connector.DefaultField{
				{To: "username", From: "userName"},
				{To: "email", From: mainEmail},
				{To: "first_name", From: "name.givenName"},
				{To: "last_name", From: "name.familyName"},
				{To: "full_name", From: "{{ name.formatted or displayName or '' }}"},
				{To: "title", From: "title"},
				{To: "company", From: enterprise + ".organization"},
				{To: "department", From: enterprise + ".department"},
				// The manager is named by an id that is nobody's outside the server.
				{To: "cost_center", From: enterprise + ".costCenter"},
				{To: "employee_id", From: enterprise + ".employeeNumber"},
				{To: "phone", From: "{{ (phoneNumbers | rejectattr('type', 'eq', 'mobile') | first).value or '' }}"},
				{To: "mobile_phone", From: "{{ (phoneNumbers | selectattr('type', 'eq', 'mobile') | first).value or '' }}"},
				{To: "location", From: "addresses[0].locality"},
				// Some servers write it as the text "True".
				{To: "status", From: "active", Values: map[string]string{"true": "active", "false": "inactive"}},
				{To: "time_zone", From: "timezone"},
				{To: "locale", From: "locale"},
				{To: "role", Default: "Employee"},
			},
			SyncKeys: []string{"username", "email", "employee_id"},
		},
		Permissions: []connector.Permission{{Name: "GET /Users", Why: "It lists the users. SCIM has no names for rights; the server's documentation says what this one is called there."}},
		Complete:    true,
		Incremental: true,
	}
}
