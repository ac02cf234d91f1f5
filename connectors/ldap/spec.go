package ldap

import (
	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

// The streams.
const (
	UserStream     = "users"
	ComputerStream = "computers"
)

const (
	settingURL       = "url"
	settingStartTLS  = "start_tls"
	settingDirectory = "directory"
	settingBase      = "base_dn"
	settingID        = "id_attribute"
	settingPageSize  = "page_size"
	settingTimeout   = "timeout"

	suffixBase   = "_base_dn" // of a stream
	suffixFilter = "_filter"
)

const (
	directoryAuto   = "auto"
	directoryLDAP   = "ldap"
	directoryActive = "active_directory"
)

func spec() connector.Spec {
	return connector.Spec{
		ID:       "ldap",
		Name:     "LDAP and Active Directory",
		Vendor:   "IETF, Microsoft",
		Version:  "0.1.0",
		Category: "identity",
		Aliases:  []string{"active directory", "ad", "openldap", "389 directory server", "freeipa", "samba", "directory", "rfc 4511"},
		Summary:  "Users and computers from Active Directory, OpenLDAP and any other LDAP directory.",
		DocsURL:  "https://www.rfc-editor.org/rfc/rfc4511",
		Auth: []connector.AuthMethod{
			{ID: "bind", Label: "User name and password", Kind: credentials.Basic, Help: "An account that may read and nothing else. Its user name is a DN, such as cn=reader,dc=example,dc=com; Active Directory takes reader@example.com too."},
			{ID: "anonymous", Label: "Anonymous", Kind: credentials.None, Help: "For a directory that shows its entries to everyone. Active Directory does not."},
		},
		// A directory may be anywhere; the password goes to the url of the settings
		// alone.
		Hosts: nil,
		Settings: []connector.Setting{
			{Name: settingURL, Label: "Address", Help: "ldap:// or ldaps://, the host, and its port if that is neither 389 nor 636: ldap://dc1.example.com.", Type: connector.URL, Required: true},
			{Name: settingStartTLS, Label: "StartTLS", Help: "Whether to ask for TLS on an ldap:// address. Without it no password is sent, except to this machine.", Type: connector.Boolean, Default: "true"},
			{Name: settingBase, Label: "Base DN", Help: "Below which to search, such as ou=People,dc=example,dc=com. Left out, the directory is asked for the root of its tree.", Multi: true},
			{Name: UserStream + suffixBase, Label: "Base DN of users", Help: "In place of the base DN.", Multi: true},
			{Name: UserStream + suffixFilter, Label: "Filter of users", Help: "Which entries are users. Left out, it is " + defaultFilters[UserStream].activeDirectory + " for Active Directory and " + defaultFilters[UserStream].ldap + " for others."},
			{Name: ComputerStream + suffixBase, Label: "Base DN of computers", Help: "In place of the base DN.", Multi: true},
			{Name: ComputerStream + suffixFilter, Label: "Filter of computers", Help: "Which entries are computers. Left out, it is " + defaultFilters[ComputerStream].activeDirectory + " for Active Directory and " + defaultFilters[ComputerStream].ldap + " for others."},
			{Name: settingDirectory, Label: "Kind of directory", Help: "Left at auto, the directory says itself whether it is Active Directory.", Default: directoryAuto, Choices: []string{directoryAuto, directoryLDAP, directoryActive}},
			{Name: settingID, Label: "Attribute of the id", Help: "What identifies an entry for ever, whatever it is renamed to. Left out, it is objectGUID for Active Directory and entryUUID for others; older directories have nsUniqueId, GUID or ibm-entryUuid."},
			{Name: settingPageSize, Label: "Page size", Help: "How many entries to ask for at once, 1000 at most. The directory may allow fewer.", Type: connector.Integer, Default: "500"},
			{Name: settingTimeout, Label: "Time-out", Help: "How long the directory may take to send a page.", Type: connector.Duration, Default: "2m"},
		},
		// A directory limits sizes and times, not how often it is asked.
		Streams:   []connector.Stream{userStream(), computerStream()},
		Discovers: true,
	}
}

// filters are those of a stream's entries.
type filters struct{ activeDirectory, ldap string }

var defaultFilters = map[string]filters{
	UserStream:     {activeDirectory: "(&(objectCategory=person)(objectClass=user))", ldap: "(objectClass=inetOrgPerson)"},
	ComputerStream: {activeDirectory: "(objectCategory=computer)", ldap: "(objectClass=device)"},
}

// usernames are the attributes that a person logs in with.
var usernames = []string{"sAMAccountName", "uid"}

func permissions(stream string) []connector.Permission {
	return []connector.Permission{{
		Name: "read",
		Why:  "It lists the " + stream + " below the base DN with their attributes. OpenLDAP calls it read in olcAccess; in Active Directory every account has it, as List contents and Read all properties, unless it was taken away.",
	}}
}

func userStream() connector.Stream {
	return connector.Stream{
		Name:    UserStream,
		Label:   "Users",
		Summary: "The people and accounts below the base DN.",
		Object:  "users",
		Key:     memberEntry + "." + memberID,
		Fields: append(commonFields(),
			connector.Field{Path: "entry.manager", Type: connector.StringField, Label: "User name of the manager", Example: "soren.kjaergard"},
			connector.Field{Path: "sAMAccountName", Type: connector.StringField, Label: "SAM account name", Example: "zoe.angstrom"},
			connector.Field{Path: "userPrincipalName", Type: connector.StringField, Label: "User principal name", Example: "zoe.angstrom@corp.example.com"},
			connector.Field{Path: "uid", Type: connector.ListField, Label: "User ids", Example: "zoe.angstrom"},
			connector.Field{Path: "mail", Type: connector.ListField, Label: "E-mail addresses", Example: "zoe.angstrom@example.com"},
			connector.Field{Path: "givenName", Type: connector.ListField, Label: "Given names", Example: "Zoë"},
			connector.Field{Path: "sn", Type: connector.ListField, Label: "Surnames", Example: "Ångström"},
			connector.Field{Path: "displayName", Type: connector.StringField, Label: "Display name", Example: "Zoë Ångström"},
			connector.Field{Path: "title", Type: connector.ListField, Label: "Job titles", Example: "Finance Manager"},
			connector.Field{Path: "department", Type: connector.StringField, Label: "Department", Example: "Finance"},
			connector.Field{Path: "departmentNumber", Type: connector.ListField, Label: "Department numbers", Example: "4130"},
			connector.Field{Path: "company", Type: connector.StringField, Label: "Company", Example: "Example Ltd"},
			connector.Field{Path: "o", Type: connector.ListField, Label: "Organizations", Example: "Example Ltd"},
			connector.Field{Path: "ou", Type: connector.ListField, Label: "Organizational units", Example: "People"},
			connector.Field{Path: "employeeID", Type: connector.StringField, Label: "Employee id", Example: "00810"},
			connector.Field{Path: "employeeNumber", Type: connector.StringField, Label: "Employee number", Example: "3000"},
			connector.Field{Path: "employeeType", Type: connector.ListField, Label: "Types of employment", Example: "contractor"},
			connector.Field{Path: "manager", Type: connector.ListField, Label: "DNs of the manager", Example: "uid=soren.kjaergard,ou=People,dc=example,dc=com"},
			connector.Field{Path: "telephoneNumber", Type: connector.ListField, Label: "Telephone numbers", Example: "+49 30 5550 9347"},
			connector.Field{Path: "mobile", Type: connector.ListField, Label: "Mobile numbers", Example: "+49 151 5550 0000"},
			connector.Field{Path: "l", Type: connector.ListField, Label: "Cities", Example: "Berlin"},
			connector.Field{Path: "st", Type: connector.ListField, Label: "States or provinces", Example: "Berlin"},
			connector.Field{Path: "c", Type: connector.StringField, Label: "Country", Example: "DE"},
			connector.Field{Path: "physicalDeliveryOfficeName", Type: connector.ListField, Label: "Offices", Example: "Berlin 3.12"},
			connector.Field{Path: "preferredLanguage", Type: connector.StringField, Label: "Preferred language", Example: "de-DE"},
			connector.Field{Path: "memberOf", Type: connector.ListField, Label: "DNs of groups", Example: "CN=Alle,OU=Groups,DC=corp,DC=example,DC=com"},
			connector.Field{Path: "userAccountControl", Type: connector.StringField, Label: "User account control, a number of flags", Example: "512"},
			connector.Field{Path: "accountExpires", Type: connector.StringField, Label: "End of the account; null for none", Example: "2027-01-01T00:00:00Z"},
			connector.Field{Path: "pwdLastSet", Type: connector.StringField, Label: "Password set; null if it must be changed", Example: "2026-06-13T10:16:40Z"},
			connector.Field{Path: "lastLogonTimestamp", Type: connector.StringField, Label: "Last log-in, up to 14 days late; null for never", Example: "2026-05-19T14:35:43Z"},
			connector.Field{Path: "pwdAccountLockedTime", Type: connector.StringField, Label: "Locked by the password policy", Example: "20260311093701Z"},
			connector.Field{Path: "nsAccountLock", Type: connector.StringField, Label: "Account lock of 389 Directory Server", Example: "true"},
			connector.Field{Path: "loginDisabled", Type: connector.StringField, Label: "Log-in disabled in eDirectory", Example: "TRUE"},
		),
		Mapping: connector.DefaultMapping{
			Fields: []connector.DefaultField{
				{To: "username", From: "{{ sAMAccountName or uid[0] }}"},
				{To: "email", From: "mail[0]"},
				{To: "first_name", From: "givenName[0]"},
				{To: "last_name", From: "sn[0]"},
				{To: "full_name", From: "{{ displayName or cn[0] }}"},
				{To: "title", From: "title[0]"},
				{To: "department", From: "{{ department or departmentNumber[0] }}"},
				{To: "company", From: "{{ company or o[0] }}"},
				{To: "employee_id", From: "{{ employeeID or employeeNumber }}"},
				{To: "manager", From: "entry.manager"},
				{To: "phone", From: "telephoneNumber[0]"},
				{To: "mobile_phone", From: "mobile[0]"},
				{To: "location", From: "l[0]"},
				{To: "status", From: "entry.status"},
				{To: "last_login_at", From: "lastLogonTimestamp"},
				{To: "role", Default: "Employee"},
			},
			SyncKeys: []string{"username", "email", "employee_id"},
		},
		Permissions: permissions(UserStream),
		Complete:    true,
		Incremental: true,
	}
}

func computerStream() connector.Stream {
	return connector.Stream{
		Name:    ComputerStream,
		Label:   "Computers",
		Summary: "The computers below the base DN. Active Directory seldom knows their serial numbers.",
		Object:  "assets",
		Key:     memberEntry + "." + memberID,
		Fields: append(commonFields(),
			connector.Field{Path: "sAMAccountName", Type: connector.StringField, Label: "SAM account name", Example: "PC-000$"},
			connector.Field{Path: "dNSHostName", Type: connector.StringField, Label: "DNS host name", Example: "pc-000.corp.example.com"},
			connector.Field{Path: "serialNumber", Type: connector.ListField, Label: "Serial numbers", Example: "5MWP4D5"},
			connector.Field{Path: "operatingSystem", Type: connector.StringField, Label: "Operating system", Example: "Windows 11 Pro"},
			connector.Field{Path: "operatingSystemVersion", Type: connector.StringField, Label: "Operating system version", Example: "10.0 (22631)"},
			connector.Field{Path: "lastLogonTimestamp", Type: connector.StringField, Label: "Last log-in, up to 14 days late; null for never", Example: "2026-05-09T12:59:12Z"},
			connector.Field{Path: "macAddress", Type: connector.ListField, Label: "MAC addresses", Example: "3c:58:c2:01:23:45"},
			connector.Field{Path: "ipHostNumber", Type: connector.ListField, Label: "IP addresses", Example: "192.0.2.10"},
			connector.Field{Path: "location", Type: connector.StringField, Label: "Location", Example: "Berlin"},
			connector.Field{Path: "l", Type: connector.ListField, Label: "Cities", Example: "Berlin"},
			connector.Field{Path: "managedBy", Type: connector.StringField, Label: "DN of who manages it", Example: "CN=Zoë Ångström,OU=Staff,DC=corp,DC=example,DC=com"},
			connector.Field{Path: "owner", Type: connector.ListField, Label: "DNs of its owners", Example: "uid=zoe.angstrom,ou=People,dc=example,dc=com"},
			connector.Field{Path: "userAccountControl", Type: connector.StringField, Label: "User account control, a number of flags", Example: "4096"},
		),
		Mapping: connector.DefaultMapping{
			Fields: []connector.DefaultField{
				{To: "serial_number", From: "serialNumber[0]"},
				// It identifies the computer for good, so that one without a serial number
				// is not left out.
				{To: "udid", From: "entry.id"},
				{To: "device_name", From: "cn[0]"},
				{To: "hostname", From: "dNSHostName"},
				{To: "asset_type", From: "{{ 'server' if 'Server' in (operatingSystem or '') else 'computer' }}"},
				{To: "os_name", From: "operatingSystem"},
				{To: "os_version", From: "operatingSystemVersion"},
				{To: "mac_addresses", From: "macAddress"},
				{To: "ip_addresses", From: "ipHostNumber"},
				{To: "location", From: "{{ location or l[0] }}"},
				{To: "last_seen_at", From: "lastLogonTimestamp"},
			},
			SyncKeys: []string{"serial_number", "udid"},
		},
		Permissions: permissions(ComputerStream),
		Complete:    true,
		Incremental: true,
	}
}

// commonFields are those of every stream.
func commonFields() []connector.Field {
	return []connector.Field{
		{Path: memberDN, Type: connector.StringField, Label: "DN", Example: "uid=zoe.angstrom,ou=People,dc=example,dc=com"},
		{Path: "entry.id", Type: connector.StringField, Label: "Id: objectGUID, entryUUID or the attribute of the settings", Example: "1c58751d-3149-453b-a937-37a48f34ee5d"},
		{Path: "entry.status", Type: connector.StringField, Label: "Status: active or inactive, where the directory says it", Example: "active"},
		{Path: "objectGUID", Type: connector.StringField, Label: "Object GUID", Example: "cc88bdc9-f8b3-42ff-a68c-97a83ea8c5ee"},
		{Path: "objectSid", Type: connector.StringField, Label: "Object SID", Example: "S-1-5-21-1004336348-1177238915-682003330-1100"},
		{Path: "entryUUID", Type: connector.StringField, Label: "Entry UUID", Example: "1c58751d-3149-453b-a937-37a48f34ee5d"},
		{Path: "objectClass", Type: connector.ListField, Label: "Object classes", Example: "inetOrgPerson"},
		{Path: "cn", Type: connector.ListField, Label: "Common names", Example: "Zoë Ångström"},
		{Path: "description", Type: connector.ListField, Label: "Descriptions", Example: "Head of finance"},
		{Path: "whenCreated", Type: connector.StringField, Label: "Created (Active Directory)", Example: "2021-07-01T11:15:15Z"},
		{Path: "whenChanged", Type: connector.StringField, Label: "Changed (Active Directory)", Example: "2026-03-11T09:37:01Z"},
		{Path: "createTimestamp", Type: connector.StringField, Label: "Created", Example: "2021-07-01T11:15:15Z"},
		{Path: "modifyTimestamp", Type: connector.StringField, Label: "Changed", Example: "2026-03-03T15:51:45Z"},
	}
}
