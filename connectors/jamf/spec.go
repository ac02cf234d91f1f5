package jamf

import (
	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/credentials"
)

// The streams.
const (
	ComputersStream     = "computers"      // with their applications
	MobileDevicesStream = "mobile_devices" // iPhones, iPads, Apple TVs and their like
)

const (
	domainSetting  = "domain"
	versionSetting = "inventory_version"
)

func spec() connector.Spec {
	return connector.Spec{
		ID:       "jamf",
		Name:     "Jamf Pro",
		Vendor:   "Jamf",
		Version:  "0.1.0",
		Category: "device management",
		Aliases:  []string{"jamf pro", "casper", "jss", "mdm", "apple"},
		Summary:  "Macs with their applications, iPhones, iPads and Apple TVs from Jamf Pro, in the cloud or on premises.",
		DocsURL:  "https://developer.jamf.com/jamf-pro/docs/jamf-pro-api-overview",
		Auth: []connector.AuthMethod{
			{ID: "api_client", Label: "API client", Kind: credentials.ClientCredentials, Help: "Jamf Pro 10.49 or later: under Settings > System > API roles and clients make a role with the privileges of the streams, then a client with that role; enable it and generate its secret."},
			{ID: "account", Label: "Standard account", Kind: credentials.Session, Help: "Under Settings > System > User accounts and groups make a standard account with the privileges of the streams; an account of single sign-on cannot be used."},
		},
		// Any host may be a Jamf Pro server, since many run on premises; the
		// credential goes to the domain of the settings alone.
		Hosts: nil,
		Settings: []connector.Setting{
			{Name: domainSetting, Type: connector.Host, Label: "Domain", Help: "The server's host name, with its port if that is not 443: acme.jamfcloud.com, jamf.acme.example:8443.", Required: true},
			{Name: versionSetting, Label: "Version of the computer inventory", Help: "Which version of computers-inventory to ask; one that the server still has. The fields of v4 have other names.", Default: "v1", Choices: []string{"v1", "v2", "v3"}},
			rest.ProxySetting(),
		},
		// Jamf publishes no rate limit.
		Streams: []connector.Stream{computersStream(), mobileDevicesStream()},
	}
}

func computersStream() connector.Stream {
	return connector.Stream{
		Name:    ComputersStream,
		Label:   "Computers",
		Summary: "Each Mac with its hardware, system, user, purchase and applications. A read since a time brings those that have sent inventory since.",
		Object:  "assets",
		Key:     "id",
		Fields: []connector.Field{
			{Path: "id", Type: connector.StringField, Label: "Id", Example: "20"},
			{Path: "udid", Type: connector.StringField, Label: "UDID", Example: "CDFBF343-533C-450A-A421-6AC5A19A633F"},
			{Path: "general", Type: connector.ObjectField, Label: "General"},
			{Path: "general.name", Type: connector.StringField, Label: "Name", Example: "Zoë’s MacBook"},
			{Path: "general.lastIpAddress", Type: connector.StringField, Label: "Last IP address", Example: "198.51.100.213"},
			{Path: "general.lastReportedIp", Type: connector.StringField, Label: "Last reported IP address", Example: "10.114.15.119"},
			{Path: "general.lastReportedIpV4", Type: connector.StringField, Label: "Last reported IPv4 address", Example: "10.114.15.119"},
			{Path: "general.platform", Type: connector.StringField, Label: "Platform", Example: "Mac"},
			{Path: "general.assetTag", Type: connector.StringField, Label: "Asset tag", Example: "IT-00310"},
			{Path: "general.barcode1", Type: connector.StringField, Label: "Barcode 1"},
			{Path: "general.remoteManagement", Type: connector.ObjectField, Label: "Remote management"},
			{Path: "general.remoteManagement.managed", Type: connector.BooleanField, Label: "Managed", Example: "true"},
			{Path: "general.supervised", Type: connector.BooleanField, Label: "Supervised", Example: "true"},
			{Path: "general.mdmCapable", Type: connector.ObjectField, Label: "MDM capability"},
			{Path: "general.mdmCapable.capable", Type: connector.BooleanField, Label: "MDM capable", Example: "true"},
			{Path: "general.reportDate", Type: connector.StringField, Label: "Last inventory update", Example: "2026-01-09T17:40:42.311Z"},
			{Path: "general.lastContactTime", Type: connector.StringField, Label: "Last check-in", Example: "2026-06-06T11:48:08.418Z"},
			{Path: "general.lastEnrolledDate", Type: connector.StringField, Label: "Last enrolment", Example: "2025-05-08T09:18:43.1Z"},
			{Path: "general.initialEntryDate", Type: connector.StringField, Label: "Initial entry", Example: "2024-04-16"},
			{Path: "general.site", Type: connector.ObjectField, Label: "Site"},
			{Path: "general.site.id", Type: connector.StringField, Label: "Site id", Example: "-1"},
			{Path: "general.site.name", Type: connector.StringField, Label: "Site name", Example: "None"},
			{Path: "general.managementId", Type: connector.StringField, Label: "Management id", Example: "c43f45ed-9389-4816-a75f-2c344d2f0743"},
			{Path: "general.jamfBinaryVersion", Type: connector.StringField, Label: "Jamf binary version", Example: "11.9.2-t1726753918"},
			{Path: "general.lastLoggedInUsernameBinary", Type: connector.StringField, Label: "Last user", Example: "zoe"},
			{Path: "hardware", Type: connector.ObjectField, Label: "Hardware"},
			{Path: "hardware.make", Type: connector.StringField, Label: "Make", Example: "Apple"},
			{Path: "hardware.model", Type: connector.StringField, Label: "Model", Example: "MacBook Air (M2, 2022)"},
			{Path: "hardware.modelIdentifier", Type: connector.StringField, Label: "Model identifier", Example: "Mac14,2"},
			{Path: "hardware.serialNumber", Type: connector.StringField, Label: "Serial number", Example: "5GQH6GNJCW"},
			{Path: "hardware.macAddress", Type: connector.StringField, Label: "MAC address", Example: "AC:DE:48:9C:DE:2C"},
			{Path: "hardware.altMacAddress", Type: connector.StringField, Label: "Secondary MAC address", Example: "AC:DE:48:CC:98:76"},
			{Path: "hardware.processorType", Type: connector.StringField, Label: "Processor type", Example: "Apple M2"},
			{Path: "hardware.totalRamMegabytes", Type: connector.NumberField, Label: "Total RAM (MB)", Example: "8192"},
			{Path: "hardware.appleSilicon", Type: connector.BooleanField, Label: "Apple silicon", Example: "true"},
			{Path: "hardware.coreCount", Type: connector.NumberField, Label: "Cores", Example: "8"},
			{Path: "operatingSystem", Type: connector.ObjectField, Label: "Operating system"},
			{Path: "operatingSystem.name", Type: connector.StringField, Label: "Operating system", Example: "macOS"},
			{Path: "operatingSystem.version", Type: connector.StringField, Label: "Operating system version", Example: "14.6.1"},
			{Path: "operatingSystem.build", Type: connector.StringField, Label: "Operating system build", Example: "23G93"},
			{Path: "operatingSystem.fileVault2Status", Type: connector.StringField, Label: "FileVault 2 status", Example: "ALL_ENCRYPTED"},
			{Path: "userAndLocation", Type: connector.ObjectField, Label: "User and location"},
			{Path: "userAndLocation.username", Type: connector.StringField, Label: "Username", Example: "zoe.angstrom"},
			{Path: "userAndLocation.realname", Type: connector.StringField, Label: "Full name", Example: "Zoë Ångström"},
			{Path: "userAndLocation.email", Type: connector.StringField, Label: "E-mail address", Example: "zoe.angstrom@example.com"},
			{Path: "userAndLocation.position", Type: connector.StringField, Label: "Position", Example: "Finance Manager"},
			{Path: "userAndLocation.phone", Type: connector.StringField, Label: "Phone", Example: "+49 30 5550 7706", Sensitive: true},
			{Path: "userAndLocation.departmentId", Type: connector.StringField, Label: "Department id", Example: "4"},
			{Path: "userAndLocation.buildingId", Type: connector.StringField, Label: "Building id", Example: "2"},
			{Path: "userAndLocation.room", Type: connector.StringField, Label: "Room", Example: "3.00"},
			{Path: "purchasing", Type: connector.ObjectField, Label: "Purchasing"},
			{Path: "purchasing.poNumber", Type: connector.StringField, Label: "PO number", Example: "PO-2024-000"},
			{Path: "purchasing.poDate", Type: connector.StringField, Label: "PO date", Example: "2024-04-12"},
			{Path: "purchasing.vendor", Type: connector.StringField, Label: "Vendor", Example: "Händler & Söhne"},
			{Path: "purchasing.warrantyDate", Type: connector.StringField, Label: "Warranty expiration", Example: "2027-10-10"},
			{Path: "purchasing.purchasePrice", Type: connector.StringField, Label: "Purchase price", Example: "1299.00"},
			{Path: "applications", Type: connector.ListField, Label: "Applications"},
			{Path: "applications[].name", Type: connector.StringField, Label: "Name of the application", Example: "Slack.app"},
			{Path: "applications[].path", Type: connector.StringField, Label: "Where the application is installed", Example: "/Applications/Slack.app"},
			{Path: "applications[].version", Type: connector.StringField, Label: "Version of the application", Example: "4.39.95"},
			{Path: "applications[].bundleId", Type: connector.StringField, Label: "Bundle id", Example: "com.tinyspeck.slackmacgap"},
			{Path: "applications[].macAppStore", Type: connector.BooleanField, Label: "From the Mac App Store", Example: "false"},
			{Path: "applications[].sizeMegabytes", Type: connector.NumberField, Label: "Size (MB)", Example: "412"},
			{Path: "applications[].updateAvailable", Type: connector.BooleanField, Label: "Update available", Example: "false"},
			{Path: "applications[].externalVersionId", Type: connector.StringField, Label: "App Store version id", Example: "0"},
			{Path: "extensionAttributes", Type: connector.ListField, Label: "Extension attributes"},
			{Path: "extensionAttributes[].definitionId", Type: connector.StringField, Label: "Id of the attribute", Example: "7"},
			{Path: "extensionAttributes[].name", Type: connector.StringField, Label: "Name of the attribute", Example: "Battery health"},
			{Path: "extensionAttributes[].values", Type: connector.ListField, Label: "Values of the attribute"},
		},
		Mapping: connector.DefaultMapping{
			Fields: []connector.DefaultField{
				{To: "serial_number", From: "hardware.serialNumber"},
				{To: "asset_tag", From: "general.assetTag"},
				{To: "device_name", From: "general.name"},
				{To: "manufacturer", From: "hardware.make"},
				{To: "model", From: "hardware.model"},
				{To: "model_identifier", From: "hardware.modelIdentifier"},
				{To: "os_name", From: "operatingSystem.name"},
				{To: "os_version", From: "operatingSystem.version"},
				{To: "os_build", From: "operatingSystem.build"},
				{To: "cpu", From: "hardware.processorType"},
				{To: "memory_mb", From: "hardware.totalRamMegabytes"},
				{To: "mac_addresses", From: "{{ [hardware.macAddress, hardware.altMacAddress] if hardware is defined }}"},
				// The address that the Mac itself reports, else the one it was seen at.
				{To: "ip_addresses", From: "{{ general.lastReportedIp or general.lastIpAddress or '' }}"},
				{To: "udid", From: "udid"},
				{To: "assigned_to", From: "{{ userAndLocation.email or userAndLocation.username or '' }}"},
				{To: "managed", From: "general.remoteManagement.managed"},
				{To: "encrypted", From: "operatingSystem.fileVault2Status", Values: map[string]string{"ALL_ENCRYPTED": "true", "BOOT_ENCRYPTED": "true", "SOME_ENCRYPTED": "false", "NOT_ENCRYPTED": "false"}, Unlisted: "clear"},
				{To: "enrolled_at", From: "general.lastEnrolledDate"},
				{To: "last_seen_at", From: "general.lastContactTime"},
				{To: "purchase_date", From: "purchasing.poDate"},
				{To: "purchase_price", From: "purchasing.purchasePrice"},
				{To: "po_number", From: "purchasing.poNumber"},
				{To: "vendor", From: "purchasing.vendor"},
				{To: "warranty_end_date", From: "purchasing.warrantyDate"},
				{To: "asset_type", Value: "computer"},
			},
			SyncKeys: []string{"serial_number", "udid", "asset_tag"},
			Children: []connector.DefaultChildren{{
				Object: "software",
				From:   "applications",
				Fields: []connector.DefaultField{
					{To: "name", From: "{{ item.name | strip_suffix('.app') }}"},
					{To: "version", From: "version"},
					{To: "identifier", From: "bundleId"},
					{To: "path", From: "path"},
				},
			}},
		},
		Permissions: []connector.Permission{{Name: "Read Computers", Why: "lists the computers with their inventory"}},
		Complete:    true,
		Incremental: true,
	}
}

func mobileDevicesStream() connector.Stream {
	return connector.Stream{
		Name:    MobileDevicesStream,
		Label:   "Mobile devices",
		Summary: "Each iPhone, iPad, Apple TV and Apple Watch.",
		Object:  "assets",
		Key:     "id",
		Fields: []connector.Field{
			{Path: "id", Type: connector.StringField, Label: "Id", Example: "60"},
			{Path: "name", Type: connector.StringField, Label: "Name", Example: "iPad Zoë"},
			{Path: "serialNumber", Type: connector.StringField, Label: "Serial number", Example: "7K0YR3V7226G"},
			{Path: "udid", Type: connector.StringField, Label: "UDID", Example: "00008110-CE343F49A5923714"},
			{Path: "model", Type: connector.StringField, Label: "Model", Example: "iPad Air (5th generation)"},
			{Path: "modelIdentifier", Type: connector.StringField, Label: "Model identifier", Example: "iPad13,16"},
			{Path: "username", Type: connector.StringField, Label: "User name", Example: "zoe.angstrom"},
			{Path: "type", Type: connector.StringField, Label: "Type: ios, tvos, watchos or visionos", Example: "ios"},
			{Path: "managed", Type: connector.BooleanField, Label: "Managed", Example: "true"},
			{Path: "supervised", Type: connector.BooleanField, Label: "Supervised", Example: "true"},
			{Path: "osVersion", Type: connector.StringField, Label: "OS version", Example: "17.6.1"},
			{Path: "osBuild", Type: connector.StringField, Label: "OS build", Example: "21G93"},
			{Path: "wifiMacAddress", Type: connector.StringField, Label: "Wi-Fi MAC address", Example: "AC:DE:48:07:1C:1E"},
			{Path: "phoneNumber", Type: connector.StringField, Label: "Phone number", Sensitive: true},
		},
		Mapping: connector.DefaultMapping{
			Fields: []connector.DefaultField{
				{To: "serial_number", From: "serialNumber"},
				{To: "device_name", From: "name"},
				{To: "model", From: "model"},
				{To: "model_identifier", From: "modelIdentifier"},
				{To: "os_name", From: "type", Values: map[string]string{"ios": "iOS", "tvos": "tvOS", "watchos": "watchOS", "visionos": "visionOS"}},
				{To: "os_version", From: "osVersion"},
				{To: "os_build", From: "osBuild"},
				{To: "mac_addresses", From: "wifiMacAddress"},
				{To: "udid", From: "udid"},
				{To: "assigned_to", From: "username"},
				{To: "managed", From: "managed"},
				{To: "asset_type", From: "type", Values: map[string]string{"tvos": "other"}, Otherwise: "mobile"},
				{To: "manufacturer", Value: "Apple"},
			},
			SyncKeys: []string{"serial_number", "udid"},
		},
		Permissions: []connector.Permission{{Name: "Read Mobile Devices", Why: "lists the mobile devices"}},
		Complete:    true,
	}
}
