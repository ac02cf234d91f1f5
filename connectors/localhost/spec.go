package localhost

import (
	"github.com/vendorsync/vendorsync/connector"
)

// The streams.
const (
	AssetStream  = "asset"  // the machine itself, one record
	PeopleStream = "people" // its accounts
)

const (
	softwareSetting = "software"
	systemSetting   = "system"
)

// The permissions, by what is read.
const (
	readSerial   = "read the DMI serial number"
	readPackages = "read the package database"
	readAccounts = "read /etc/passwd"
)

func spec() connector.Spec {
	return connector.Spec{
		ID:       "localhost",
		Name:     "This machine",
		Vendor:   "Linux",
		Version:  "0.1.0",
		Category: "operating system",
		Aliases:  []string{"this machine", "linux", "dpkg", "rpm", "apk", "passwd"},
		Summary:  "The machine this runs on, with its installed software and the people who log in to it; it needs no account.",
		DocsURL:  "https://docs.kernel.org/",
		Settings: []connector.Setting{
			{Name: softwareSetting, Label: "Read installed software", Help: "Whether the asset comes with the packages that dpkg, apk and rpm have installed.", Type: connector.Boolean, Default: "true"},
			{Name: systemSetting, Label: "Include system accounts", Help: "Whether people includes root and the accounts that services run under.", Type: connector.Boolean, Default: "false"},
		},
		Streams:   []connector.Stream{assetStream(), peopleStream()},
		Platforms: []string{"linux"},
	}
}

func assetStream() connector.Stream {
	return connector.Stream{
		Name:    AssetStream,
		Label:   "This machine",
		Summary: "One record: this machine, its system, its hardware and what is installed on it.",
		Object:  "assets",
		Key:     "id",
		Fields: []connector.Field{
			{Path: "id", Type: connector.StringField, Label: "Id: the serial number, else a hash of the machine id, else the host name", Example: "machine-6c1f0a9e5b7d4c2f8e3a1d0b9c8f7e6d"},
			{Path: "name", Type: connector.StringField, Label: "Name", Example: "Ada's laptop"},
			{Path: "hostname", Type: connector.StringField, Label: "Host name", Example: "ada-laptop"},
			{Path: "serial_number", Type: connector.StringField, Label: "Serial number, where the maker set one", Example: "5CG1234XYZ"},
			{Path: "manufacturer", Type: connector.StringField, Label: "Manufacturer", Example: "Dell Inc."},
			{Path: "model", Type: connector.StringField, Label: "Model", Example: "Latitude 7440"},
			{Path: "asset_type", Type: connector.StringField, Label: "Type: computer, server or virtual_machine", Example: "computer"},
			{Path: "os.name", Type: connector.StringField, Label: "Operating system", Example: "Debian GNU/Linux"},
			{Path: "os.version", Type: connector.StringField, Label: "Version of the system", Example: "12"},
			{Path: "os.build", Type: connector.StringField, Label: "Kernel", Example: "6.1.0-28-amd64"},
			{Path: "cpu", Type: connector.StringField, Label: "Processor", Example: "13th Gen Intel(R) Core(TM) i7-1365U"},
			{Path: "memory_mb", Type: connector.NumberField, Label: "Memory in MiB, as the kernel has it", Example: "31816"},
			{Path: "storage_gb", Type: connector.NumberField, Label: "Built-in disks in GB of 10^9 bytes", Example: "512"},
			{Path: "mac_addresses", Type: connector.ListField, Label: "MAC addresses of the network cards", Example: "3c:58:c2:01:23:45"},
			{Path: "ip_addresses", Type: connector.ListField, Label: "IP addresses, without local and temporary ones", Example: "192.0.2.10"},
			{Path: "last_seen", Type: connector.StringField, Label: "When it was read", Example: "2026-01-31T09:30:00Z"},
			{Path: "applications", Type: connector.ListField, Label: "Installed packages", Example: "curl 7.88.1-10+deb12u8"},
			{Path: "applications[].name", Type: connector.StringField, Label: "Package", Example: "curl"},
			{Path: "applications[].version", Type: connector.StringField, Label: "Version of the package", Example: "7.88.1-10+deb12u8"},
			{Path: "applications[].publisher", Type: connector.StringField, Label: "Who maintains it, else its vendor", Example: "Debian Curl Maintainers"},
			{Path: "applications[].identifier", Type: connector.StringField, Label: "Package id", Example: "curl"},
			{Path: "applications[].installed_at", Type: connector.StringField, Label: "When it was installed; only rpm keeps it", Example: "2026-01-02T03:04:05Z"},
		},
		Mapping: connector.DefaultMapping{
			// last_seen is left out: it is another with each run, and would make
			// every run an update.
			Fields: []connector.DefaultField{
				{To: "serial_number", From: "serial_number"},
				{To: "asset_tag", From: "id"},
				{To: "device_name", From: "name"},
				{To: "hostname", From: "hostname"},
				{To: "asset_type", From: "asset_type"},
				{To: "manufacturer", From: "manufacturer"},
				{To: "model", From: "model"},
				{To: "os_name", From: "os.name"},
				{To: "os_version", From: "os.version"},
				{To: "os_build", From: "os.build"},
				{To: "cpu", From: "cpu"},
				{To: "memory_mb", From: "memory_mb"},
				{To: "storage_gb", From: "storage_gb"},
				{To: "mac_addresses", From: "mac_addresses"},
				{To: "ip_addresses", From: "ip_addresses"},
			},
			// The serial number is often absent, and the id never is.
			SyncKeys: []string{"asset_tag"},
			Children: []connector.DefaultChildren{{
				Object: "software",
				From:   "applications",
				Fields: []connector.DefaultField{
					{To: "name", From: "name"},
					{To: "version", From: "version"},
					{To: "publisher", From: "publisher"},
					{To: "identifier", From: "identifier"},
					{To: "installed_at", From: "installed_at"},
				},
			}},
		},
		Permissions: []connector.Permission{
			{Name: readSerial, Why: "Linux shows it to root alone; without it the machine is known by its machine id."},
			{Name: readPackages, Why: "The installed software is listed there."},
		},
		Complete:     true,
		StableResume: true,
	}
}

func peopleStream() connector.Stream {
	return connector.Stream{
		Name:    PeopleStream,
		Label:   "People",
		Summary: "The accounts of this machine that people log in with, and on request the system's own.",
		Object:  "users",
		Key:     "id",
		Fields: []connector.Field{
			{Path: "id", Type: connector.StringField, Label: "Id: the login name", Example: "ada"},
			{Path: "username", Type: connector.StringField, Label: "Login name", Example: "ada"},
			{Path: "uid", Type: connector.NumberField, Label: "User number", Example: "1000"},
			{Path: "gid", Type: connector.NumberField, Label: "Number of the primary group", Example: "1000"},
			{Path: "full_name", Type: connector.StringField, Label: "Full name", Example: "Ada Lovelace"},
			{Path: "first_name", Type: connector.StringField, Label: "First name, where the full name is just two names", Example: "Ada"},
			{Path: "last_name", Type: connector.StringField, Label: "Last name, where the full name is just two names", Example: "Lovelace"},
			{Path: "email", Type: connector.StringField, Label: "Local mail address: login name at host name", Example: "ada@ada-laptop"},
			{Path: "shell", Type: connector.StringField, Label: "Login shell", Example: "/bin/bash"},
			{Path: "home", Type: connector.StringField, Label: "Home folder", Example: "/home/ada"},
			{Path: "status", Type: connector.StringField, Label: "Status: active, or inactive for one that cannot log in", Example: "active"},
		},
		Mapping: connector.DefaultMapping{
			Fields: []connector.DefaultField{
				{To: "username", From: "username"},
				{To: "email", From: "email"},
				{To: "full_name", From: "full_name"},
				{To: "first_name", From: "first_name"},
				{To: "last_name", From: "last_name"},
				{To: "status", From: "status"},
				{To: "role", Default: "Employee"},
			},
			SyncKeys: []string{"username", "email"},
		},
		Permissions:  []connector.Permission{{Name: readAccounts, Why: "The accounts are listed there."}},
		Complete:     true,
		StableResume: true,
	}
}
