package mapping

// Standard returns the standard target model: users, assets, software and its
// installs, SaaS applications and their users. Hosts add fields of their own with
// [Schema.With], and the roles that they know with [Schema.WithChoices]. Each
// call returns a new Schema.
func Standard() *Schema {
	s := &Schema{Objects: []Object{
		users(), assets(), software(), softwareInstalls(), saasApplications(), saasUsers(),
	}}
	for i := range s.Objects {
		s.Objects[i].Fields = withResolved(s.Objects[i].Fields)
	}
	accounts := &s.Objects[len(s.Objects)-1]
	accounts.Fields[accounts.Field("user"+resolvedSuffix)].Companion = true // an account goes with its person
	return s
}

func users() Object {
	return Object{Name: "users", Label: "Users", Fields: []Field{
		{Name: "username", Label: "Username", Help: "The name the person signs in with.", Type: Text, Unique: true, Required: true},
		{Name: "email", Label: "E-mail", Help: "The person's work address.", Type: Email, Unique: true, Required: true},
		{Name: "first_name", Label: "First name", Type: Text},
		{Name: "last_name", Label: "Last name", Type: Text},
		{Name: "full_name", Label: "Full name", Type: Text},
		{Name: "role", Label: "Role", Help: "What the person may do in the host; one of the host's own list.", Type: Choice, Required: true},
		{Name: "title", Label: "Job title", Type: Text},
		{Name: "department", Label: "Department", Type: Text},
		{Name: "manager", Label: "Manager", Help: "The manager's e-mail, username or employee id.", Type: Reference, Object: "users"},
		{Name: "company", Label: "Company", Type: Text},
		{Name: "cost_center", Label: "Cost center", Type: Text},
		{Name: "employee_id", Label: "Employee id", Help: "The number the person has in the HR system.", Type: Text, Unique: true, Placeholders: DefaultPlaceholders()},
		{Name: "phone", Label: "Phone", Type: Text},
		{Name: "mobile_phone", Label: "Mobile phone", Type: Text},
		{Name: "location", Label: "Location", Type: Text},
		{Name: "status", Label: "Status", Type: Choice, Choices: []string{"active", "inactive", "suspended", "deprovisioned"}},
		{Name: "start_date", Label: "Start date", Help: "The first day of employment.", Type: Date},
		{Name: "end_date", Label: "End date", Help: "The last day of employment.", Type: Date},
		{Name: "last_login_at", Label: "Last login", Type: DateTime},
		{Name: "time_zone", Label: "Time zone", Help: "Such as Europe/Berlin.", Type: Text},
		{Name: "locale", Label: "Locale", Help: "Such as en-GB.", Type: Text},
		{Name: "notes", Label: "Notes", Type: LongText},
	}}
}

func assets() Object {
	return Object{Name: "assets", Label: "Assets", Fields: []Field{
		{Name: "serial_number", Label: "Serial number", Help: "The manufacturer's number of this one device.", Type: Text, Unique: true, Upper: true, Placeholders: DefaultPlaceholders()},
		{Name: "asset_tag", Label: "Asset tag", Help: "The owner's own number of the device.", Type: Text, Unique: true, Upper: true, Placeholders: DefaultPlaceholders()},
		{Name: "device_name", Label: "Device name", Type: Text},
		{Name: "hostname", Label: "Host name", Help: "The name on the network.", Type: Text},
		{Name: "asset_type", Label: "Asset type", Type: Choice, Choices: []string{"computer", "mobile", "server", "virtual_machine", "network", "printer", "peripheral", "other"}},
		{Name: "status", Label: "Status", Help: "Such as in use, in stock, retired.", Type: Text},
		{Name: "manufacturer", Label: "Manufacturer", Type: Text},
		{Name: "model", Label: "Model", Help: "The model's name, such as MacBook Air (M2, 2022).", Type: Text},
		{Name: "model_identifier", Label: "Model identifier", Help: "The manufacturer's code of the model, such as Mac14,2.", Type: Text},
		{Name: "os_name", Label: "OS name", Type: Text},
		{Name: "os_version", Label: "OS version", Type: Text},
		{Name: "os_build", Label: "OS build", Type: Text},
		{Name: "cpu", Label: "CPU", Type: Text},
		{Name: "memory_mb", Label: "Memory (MB)", Type: Integer},
		{Name: "storage_gb", Label: "Storage (GB)", Type: Decimal},
		{Name: "mac_addresses", Label: "MAC addresses", Type: List, Item: MAC, Placeholders: macPlaceholders()},
		{Name: "ip_addresses", Label: "IP addresses", Type: List, Item: IP},
		{Name: "imei", Label: "IMEI", Help: "The number of a mobile device's radio.", Type: Text, Unique: true, Upper: true, Placeholders: DefaultPlaceholders()},
		{Name: "udid", Label: "UDID", Help: "The hardware's universal identifier.", Type: Text, Unique: true, Upper: true, Placeholders: DefaultPlaceholders()},
		{Name: "assigned_to", Label: "Assigned to", Help: "The user's e-mail, username or employee id.", Type: Reference, Object: "users"},
		{Name: "department", Label: "Department", Type: Text},
		{Name: "location", Label: "Location", Type: Text},
		{Name: "managed", Label: "Managed", Help: "Whether a device management looks after it.", Type: Boolean},
		{Name: "encrypted", Label: "Encrypted", Help: "Whether its disk is encrypted.", Type: Boolean},
		{Name: "enrolled_at", Label: "Enrolled", Type: DateTime},
		{Name: "last_seen_at", Label: "Last seen", Type: DateTime},
		{Name: "purchase_date", Label: "Purchase date", Type: Date},
		{Name: "purchase_price", Label: "Purchase price", Type: Decimal},
		{Name: "po_number", Label: "PO number", Help: "The purchase order's number.", Type: Text},
		{Name: "vendor", Label: "Vendor", Help: "Who sold it.", Type: Text},
		{Name: "warranty_end_date", Label: "Warranty end", Type: Date},
		{Name: "notes", Label: "Notes", Type: LongText},
	}}
}

func software() Object {
	return Object{Name: "software", Label: "Software", Key: []string{"name", "publisher"}, Fields: []Field{
		{Name: "name", Label: "Name", Type: Text, Required: true},
		{Name: "publisher", Label: "Publisher", Type: Text},
		{Name: "identifier", Label: "Identifier", Help: "The bundle or package id, such as com.apple.Safari.", Type: Text},
		{Name: "category", Label: "Category", Type: Text},
	}}
}

func softwareInstalls() Object {
	return Object{Name: "software_installs", Label: "Software installs", Key: []string{"asset", "software", "version"}, Fields: []Field{
		{Name: "software", Label: "Software", Type: Reference, Object: "software", Link: true, Required: true},
		{Name: "asset", Label: "Asset", Type: Reference, Object: "assets", Link: true, Required: true},
		{Name: "version", Label: "Version", Type: Text},
		{Name: "path", Label: "Path", Help: "Where it is installed.", Type: Text},
		{Name: "installed_at", Label: "Installed", Type: DateTime},
		{Name: "last_used_at", Label: "Last used", Type: DateTime},
	}}
}

func saasApplications() Object {
	return Object{Name: "saas_applications", Label: "SaaS applications", Fields: []Field{
		{Name: "name", Label: "Name", Type: Text, Unique: true, Required: true},
		{Name: "vendor", Label: "Vendor", Type: Text},
		{Name: "url", Label: "URL", Type: Text},
		{Name: "category", Label: "Category", Type: Text},
	}}
}

func saasUsers() Object {
	return Object{Name: "saas_users", Label: "SaaS users", Key: []string{"application", "external_id"}, Fields: []Field{
		{Name: "application", Label: "Application", Type: Reference, Object: "saas_applications", Link: true, Required: true},
		{Name: "external_id", Label: "External id", Help: "The account's id in the application.", Type: Text, Required: true},
		{Name: "user", Label: "User", Help: "The person's e-mail, username or employee id.", Type: Reference, Object: "users"},
		{Name: "username", Label: "Username", Help: "The name of the account.", Type: Text},
		{Name: "email", Label: "E-mail", Type: Email},
		{Name: "full_name", Label: "Full name", Type: Text},
		{Name: "roles", Label: "Roles", Type: List},
		{Name: "status", Label: "Status", Help: "As the application calls it.", Type: Text},
		{Name: "license", Label: "License", Type: Text},
		{Name: "last_activity_at", Label: "Last activity", Type: DateTime},
	}}
}
