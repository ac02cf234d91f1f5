package mapping

// This file is what the field knows of names: how vendors of identity, device,
// HR and asset systems call what a target field holds. It is data, and speaks of
// words, not of vendors. Words are separated by blanks, names by commas; case,
// plural and the abbreviations below make no difference.

// A looks says what the values of a field look like.
type looks uint8

const (
	looksAny       looks = iota
	looksWords           // a name or a term: no address, number, date or opaque id
	looksPerson          // a person's name
	looksLogin           // the name of an account
	looksPhone           // a phone number
	looksReference       // what identifies a user: an e-mail address, a username, an employee id
	looksModel           // the name of a model
	looksModelCode       // the code of a model: Mac14,2
	looksCode            // a short code with letters or digits in it
	looksSerial          // a serial number or a tag
	looksIMEI            // 14 to 16 digits
	looksUDID            // a UUID or a long hexadecimal number
	looksHost            // a name without blanks
	looksVersion         // a version with a digit in it
	looksTimeZone        // a name or an offset
	looksLocale          // a language, with or without a country
	looksState           // one of few words, numbers or yes and no
	looksRole            // one of the host's own list
	looksDevice          // a kind of device
	looksMegabytes       // a plausible count of megabytes
	looksGigabytes       // a plausible count of gigabytes
)

// A concept is what is known of one target field.
type concept struct {
	names  string // what is called so is this
	near   string // what is called so is mostly this
	faint  string // what is called so may be this, if its values say so
	unless string // words that, anywhere in the record, give near names another meaning
	looks  looks

	context string // words that above such a name mean nothing: the part of a record where it stands
}

// synonyms returns what is known of the fields of the standard objects, by
// object and field.
func synonyms() map[string]map[string]concept {
	return map[string]map[string]concept{
		"users":             userConcepts(),
		"assets":            assetConcepts(),
		"software":          softwareConcepts(),
		"software_installs": installConcepts(),
		"saas_applications": applicationConcepts(),
		"saas_users":        accountConcepts(),
	}
}

func userConcepts() map[string]concept {
	return map[string]concept{
		"username": {
			names: "user name, login, login name, user login, sign in name, sam account name, uid, account name, account login, network id",
			near:  "user principal name, upn, handle, nt account, unix name, short name",
			faint: "user id, alias, nick name, screen name, federation identifier, mail nick name, principal name",
			looks: looksLogin,
		},
		"email": {
			names: "email, email address, mail, primary email, work email, user email, smtp address, primary smtp address, business email, company email",
			near:  "verified domain email, official email",
			faint: "saml name id, name id, user principal name, login, user name, contact",
		},
		"first_name": {names: "first name, given name, forename, name first, name given, preferred first name", near: "legal first name, first", looks: looksPerson, context: "name"},
		"last_name":  {names: "last name, family name, sur name, sn, name last, name family, preferred last name", near: "legal last name, last", looks: looksPerson, context: "name"},
		"full_name": {
			names: "full name, name, real name, cn, common name, name full, name formatted, person name, employee name, complete name",
			near:  "display name, formatted name, preferred name, name display", faint: "friendly name, label, summary", looks: looksPerson, context: "name",
		},
		"role": {names: "role, role name, user role, access role, security role", near: "permission level, user type, access level, organization access", looks: looksRole},
		"title": {
			names: "title, job title, position, job position, designation, occupation, job title name, position title",
			near:  "job, job role, business title", looks: looksWords, context: "organization employment job work position company employee hr personnel enterprise",
		},
		"department": {
			names: "department, department name",
			near:  "business unit, organization department", faint: "division, team, team name, organizational unit, department number, unit, ou", looks: looksWords, context: "organization employment job work position company employee hr personnel enterprise",
		},
		"manager": {
			names: "manager email, manager mail, manager user name, manager upn, manager user principal name, supervisor email, reports to email, manager login",
			near:  "manager, manager employee number, manager employee id, reports to, supervisor, line manager, reporting manager, manager value",
			faint: "manager id, supervisor id, reports to id, manager name, manager display name, boss, supervisor name, relation", looks: looksReference, context: "organization employment job work position company employee hr personnel enterprise",
		},
		"company": {
			names: "company, company name, employer, legal entity, legal entity name",
			near:  "organization name", faint: "organization, business, firm", looks: looksWords, context: "organization employment job work position company employee hr personnel enterprise",
		},
		"cost_center": {names: "cost center, cost center code, cost center number, cost center name, cost center id", near: "cost code, cost unit", looks: looksCode, context: "organization employment job work position company employee hr personnel enterprise"},
		"employee_id": {
			names: "employee id, employee number, employee identifier, employee unique id, personnel number, staff id, staff number, worker id, payroll number, payroll id, employee code, person number, personnel id",
			near:  "hr id, hris id, badge id, badge number, worker number, associate id", faint: "external id, external identifier", looks: looksCode, context: "organization employment job work position company employee hr personnel enterprise",
		},
		"phone": {
			names: "phone, phone number, work phone, work phone number, business phone, office phone, desk phone, primary phone, landline, direct dial, work number, phone work",
			near:  "office number, direct phone, direct number", looks: looksPhone, context: "organization employment job work position company employee hr personnel enterprise",
		},
		"mobile_phone": {
			names: "mobile phone, mobile, cell phone, cell, mobile number, mobile phone number, cell number, cell phone number, phone mobile, work mobile",
			near:  "cellular, sms number, handset number", looks: looksPhone,
		},
		"location": {
			names: "location, location name, office, office location, work location, site, site name, physical delivery office name, office name, work site",
			near:  "building, branch, work place, base location", faint: "city, town, address, work city, building id", looks: looksWords, context: "organization employment job work position company employee hr personnel enterprise",
		},
		"status": {
			names: "status, account status, user status, employment status, employee status, lifecycle status",
			near:  "state, account state, active, enabled, account enabled, login enabled, suspended, activated, user state, deactivated, disabled, account disabled, member status, membership status, life cycle state",
			faint: "archived, deleted, locked, blocked, terminated, inactive, login allowed", looks: looksState, context: "login activity account",
		},
		"start_date": {
			names: "start date, hire date, hired, employee hire date, employment start date, date of hire, hired on, joining date, join date, date joined, original hire date",
			near:  "onboarding date, first day, employment date, start", context: "organization employment job work position company employee hr personnel enterprise",
		},
		"end_date": {
			names: "end date, termination date, leave date, leaving date, employment end date, exit date, last day of work, employee leave date, date of termination, last working day, last day",
			near:  "terminated, offboarding date, contract end date, termination, departure date, employee leave", faint: "account expires, expires", context: "organization employment job work position company employee hr personnel enterprise",
		},
		"last_login_at": {
			names: "last login, last login time, last login date, last sign in, last sign in date, last login timestamp, last authentication, last authenticated, last logged in",
			near:  "last active, last activity, last seen, password last used, last access, last accessed, last used, recent login, latest login, last activity date, last session", context: "login activity account",
		},
		"time_zone": {names: "time zone, time zone id, time zone key, time zone sid key, time zone name, time zone iana, zone info, preferred time zone", near: "tz name", looks: looksTimeZone},
		"locale": {
			names: "locale, locale key, locale sid key, preferred locale, user locale, locale code",
			near:  "preferred language, language code", faint: "language, lang, language locale key", looks: looksLocale,
		},
		"notes": {names: "note, comment, remark", faint: "description, about, bio", looks: looksWords},
	}
}

func assetConcepts() map[string]concept {
	return map[string]concept{
		"serial_number": {
			names: "serial number, serial, hardware serial, hardware serial number, device serial number, system serial number, bios serial number, sn, computer serial, chassis serial number",
			near:  "service tag, instance id, vm id, machine serial", looks: looksSerial, context: "hardware spec cpu processor memory storage disk model bios",
		},
		"asset_tag": {
			names: "asset tag, asset number, inventory number, inventory tag, asset tag number, asset code, inventory id, property tag",
			near:  "asset id, barcode, annotated asset id, tag number", looks: looksSerial,
		},
		"device_name": {
			names: "device name, name, computer name, asset name, machine name, friendly name, device friendly name, display name, system name, device display name",
			near:  "cn, reported name, device label, title", faint: "host name, label, dns name",
		},
		"hostname": {
			names: "host name, local host name, dns host name, fqdn, dns name, private dns name, network name, fully qualified domain name, device host name",
			near:  "netbios name, computer dns name, host, fully qualified name, bonjour name", faint: "computer name", looks: looksHost, context: "network dns",
		},
		"asset_type": {
			names: "asset type, device type, category, category name, device category, asset category, hardware type",
			near:  "type, product type, system type, form factor, chassis type, device class, kind, machine type, device family, product category, type name", looks: looksDevice,
		},
		"status": {
			names: "status, asset status, device status, status label, lifecycle status, lifecycle state, asset state, status name, device state, life cycle status, life cycle state",
			near:  "install status, state, state name, management state, management status, power state, deployment status, enrollment status, account enabled, enrollment state",
			faint: "active, enabled, compliance state, compliance status", looks: looksState, context: "mdm management security disk enrollment encryption agent remote status",
		},
		"manufacturer": {
			names: "manufacturer, manufacturer name, make, hardware vendor, system manufacturer, maker, device manufacturer, hardware make, hardware manufacturer, device vendor, oem info",
			near:  "brand, device brand, oem", looks: looksWords, context: "hardware spec cpu processor memory storage disk model bios",
		},
		"model": {
			names: "model, model name, device model, system model, hardware model, product name, product model, model display name, hardware model name, computer model",
			near:  "marketing name, instance type, product, model description", looks: looksModel, context: "hardware spec cpu processor memory storage disk model bios",
		},
		"model_identifier": {
			names: "model identifier, model number, model code, hardware model identifier, model part number, model identification",
			near:  "part number, machine model, product number, sku", faint: "model, device model, model id, product type, product id, hardware model, product identifier", looks: looksModelCode, context: "hardware spec cpu processor memory storage disk model bios",
		},
		"os_name": {
			names: "os name, operating system, operating system name, os, platform, platform name, os platform, platform details, operating system caption, os caption",
			near:  "os type, operating system type, os family, device platform, operating system family, platform type", looks: looksWords, context: "os operating system software platform",
		},
		"os_version": {
			names: "os version, operating system version, os release, operating system release, os version name, system os version, os version number",
			near:  "version, system version, software version", faint: "os revision, platform version, firmware, firmware version, os, os release version, release", looks: looksVersion, context: "os operating system software platform",
		},
		"os_build": {
			names: "os build, os build version, build version, os build number, build number, supplemental build version, operating system build, operating system build number, operating system build version",
			near:  "build, supplemental os build, os version build", faint: "platform version", looks: looksCode, context: "os operating system software platform",
		},
		"cpu": {
			names: "cpu, processor, processor name, cpu name, cpu model, processor model, cpu brand, processor brand, cpu description, processor description",
			near:  "processor type, cpu type, chip, chip name, cpu info, chip type, soc", looks: looksWords, context: "hardware spec cpu processor memory storage disk model bios",
		},
		"memory_mb": {
			names: "memory mb, ram mb, total ram mb, memory size mb, total memory mb, total physical memory mb, physical memory mb, installed memory mb, ram size mb, memory total mb, installed ram mb",
			near:  "memory, ram, total memory, physical memory, total ram, installed memory, memory size, ram size, system memory, total physical memory, installed ram, ram total, memory total", looks: looksMegabytes, context: "hardware spec cpu processor memory storage disk model bios",
		},
		"storage_gb": {
			names: "storage gb, disk size gb, disk gb, hard drive size gb, total storage gb, storage total gb, disk capacity gb, total disk space gb, device capacity gb, capacity gb, disk total gb, storage capacity gb, total capacity gb, disk space gb, disk space total gb, hdd gb, ssd gb, drive gb, hard disk gb, hard drive gb, total disk gb",
			near:  "storage, disk size, total storage, device capacity, hard disk capacity, total disk space, storage capacity, disk capacity, hard drive size, total capacity, storage total, disk space, total disk, hdd, ssd, hard disk, hard drive", looks: looksGigabytes, context: "hardware spec cpu processor memory storage disk model bios",
		},
		"mac_addresses": {
			names: "mac address, mac, wifi mac, wifi mac address, ethernet mac address, ethernet mac, wlan mac, lan mac, primary mac address, wireless mac address, wired mac address, wireless mac, network mac address, primary mac",
			near:  "hardware address, physical address, alt mac address, alternative mac address, secondary mac address, bssid, mac address wifi", faint: "address, bluetooth mac address", context: "network interface nic wifi ethernet lan",
		},
		"ip_addresses": {
			names: "ip address, ip, private ip address, private ip, lan ip, local ip, local ip address, internal ip, last ip address, last reported ip, last reported ip address, primary ip, primary ip address, ipv4 address, last ip, ipv4, current ip address, network ip address, last lan ip, last local ip, last private ip",
			near:  "remote ip, last known ip, last known ip address, remote ip address, ipv6 address", faint: "address", context: "network interface nic wifi ethernet lan",
		},
		"imei": {names: "imei, imei number, imei 1, primary imei", near: "imei meid, imei 2, radio imei", looks: looksIMEI},
		"udid": {
			names: "udid, hardware uuid, unique device identifier, device udid, system uuid, smbios uuid, hardware udid, unique device id, platform uuid",
			near:  "uuid, device uuid, machine uuid, bios uuid", looks: looksUDID,
		},
		"assigned_to": {
			names: "assigned to, assigned user email, assigned to email, user email, user email address, owner email, primary user email, assigned to user name, assigned user name, user principal name, primary user upn, primary user principal name, assignee email, annotated user, owner user name, enrolled user email, user user name, assigned user principal name",
			near:  "email, email address, user name, assigned user, primary user, user, assignee, owner, upn, recent user email, user login, login name, enrollment user email, enrollment user name, owner upn, last enrolled user, user upn, assigned to name, mail, assigned email",
			faint: "assigned to employee number, employee number, user display name, registered user, registered owner, contact email, enrolled by, user full name, real name, used by, custodian", looks: looksReference, context: "location user assignment assigned",
		},
		"department":  {names: "department, department name, user department", near: "business unit, owner department", faint: "division, team, group name", looks: looksWords, context: "location user assignment assigned"},
		"location":    {names: "location, location name, site, site name, annotated location, office, office location, physical location, building, work location", near: "address, room, building name, branch", faint: "city, organizational unit", looks: looksWords, context: "location user assignment assigned"},
		"managed":     {names: "managed, mdm enabled, mdm managed, under management, management enabled, remote management managed", near: "has mdm, management managed, remotely managed, mdm active, mdm enrolled, is enrolled, mdm enrollment", context: "mdm management security disk enrollment encryption agent remote status"},
		"encrypted":   {names: "encrypted, disk encryption enabled, disk encrypted, filevault enabled, filevault active, bitlocker enabled, fde active, encryption enabled, full disk encryption, storage encrypted, fde enabled, file vault enabled, file vault active, bit locker enabled, drive encrypted, full disk encryption enabled, disk encryption active, data encrypted", near: "disk encryption, file vault, filevault, bitlocker, filevault 2 enabled, block encryption, encryption active, encryption, filevault status, file vault status, encryption status, hardware encryption", context: "mdm management security disk enrollment encryption agent remote status"},
		"enrolled_at": {names: "date enroll, enrolled, enrolled date, enrolled time, enrollment date, enrollment time, last enrollment, first enrollment, date enrolled, last enrolled date, last enrolled, first enrolled, enrollment, first enrollment time, last enrollment time, last enrolled time, mdm enrollment date, enrollment timestamp", near: "registration date, registered, registration time, registered date, registration, date added", faint: "first sync, first seen, created", context: "mdm management security disk enrollment encryption agent remote status"},
		"last_seen_at": {
			names: "last seen, last seen date, last seen time, last contact, last contact time, last contact date, last sync, last sync date, last sync time, last connected, last reported, last communication, last heartbeat, last online, last communicated",
			near:  "last check in, last check in date, last check in time, last checked in, last checked in date, seen time, last active, last activity, last login timestamp, last report date, approximate last sign in date, approximate last sign in, last activity time, last activity date, last report, contact time, last contacted, last seen online, check in time, last known contact, last connection, last connected time, last discovered, date check in, last discovered date",
			faint: "last updated, last login, last inventory update, last inventory update date, last inventory date", unless: "check out", context: "mdm management security disk enrollment encryption agent remote status",
		},
		"purchase_date":     {names: "purchase date, purchased, date purchased, date of purchase, acquisition date, date acquired, po date", near: "order date, bought, date of acquisition, acquired", context: "purchase purchasing order procurement financial warranty supplier finance"},
		"purchase_price":    {names: "purchase price, purchase cost, acquisition cost, purchase value, unit cost, unit price, acquisition price", near: "cost, price", context: "purchase purchasing order procurement financial warranty supplier finance"},
		"po_number":         {names: "po number, purchase order, purchase order number, order number, po", near: "order id, purchase number", looks: looksCode, context: "purchase purchasing order procurement financial warranty supplier finance"},
		"vendor":            {names: "vendor, vendor name, supplier, supplier name, reseller, seller, dealer, purchased from", near: "provider", looks: looksWords, context: "purchase purchasing order procurement financial warranty supplier finance"},
		"warranty_end_date": {names: "warranty end date, warranty end, warranty expires, warranty expiration, warranty expiration date, warranty expire date, warranty until, warranty expiry, warranty expiry date", near: "warranty date, warranty, warranty valid until, apple care expiration, coverage end date", context: "purchase purchasing order procurement financial warranty supplier finance"},
		"notes":             {names: "note, comment, remark", faint: "description", looks: looksWords},
	}
}

func softwareConcepts() map[string]concept {
	return map[string]concept{
		"name":       {names: "name, application name, software name, title, product name, app name, display name, package name", near: "program name, software title"},
		"publisher":  {names: "publisher, publisher name, vendor, developer, manufacturer, author, maker", near: "company, vendor name, signed by", looks: looksWords},
		"identifier": {names: "identifier, bundle id, bundle identifier, package id, package identifier, product code, package name, app id", near: "external version id, software id"},
		"category":   {names: "category, category name, software category", near: "type, genre, kind", looks: looksWords},
	}
}

func installConcepts() map[string]concept {
	return map[string]concept{
		"version":      {names: "version, version number, short version, bundle version, installed version, app version", near: "version name", faint: "release, build", looks: looksVersion},
		"path":         {names: "path, install path, installed path, install location, location, file path", near: "directory, folder, install directory"},
		"installed_at": {names: "installed, install date, installed date, installation date, install time", near: "date added, creation date"},
		"last_used_at": {names: "last used, last opened, last opened time, last opened date, last run, last launched, last used date", near: "last access, last started"},
	}
}

func applicationConcepts() map[string]concept {
	return map[string]concept{
		"name":     {names: "name, application name, app name, label, display name, title, product name", near: "service name"},
		"vendor":   {names: "vendor, publisher, publisher name, vendor name, developer, provider", near: "company, manufacturer", looks: looksWords},
		"url":      {names: "url, website, web site, home page, homepage url, application url, link", near: "domain, login url, web address, href"},
		"category": {names: "category, category name, application category, type", near: "kind, genre", looks: looksWords},
	}
}

func accountConcepts() map[string]concept {
	users := userConcepts()
	return map[string]concept{
		"external_id":      {names: "external id, id, account id, user id, member id, guid, uuid", near: "key, identifier, object id"},
		"user":             {names: "user, user email, person email, owner email", near: "employee number, employee id, person", faint: "email", looks: looksReference},
		"username":         users["username"],
		"email":            users["email"],
		"full_name":        users["full_name"],
		"roles":            {names: "role, role name, user role", near: "permission, permission level, access level, profile, user type"},
		"status":           users["status"],
		"license":          {names: "license, license name, license type, subscription, seat type, plan, license sku", near: "sku, edition, product, user type", looks: looksWords},
		"last_activity_at": {names: "last activity, last active, last login, last sign in, last seen, last access, last used, last login date, last login time, last activity date", near: "last accessed, recent activity, password last used"},
	}
}

// spellings returns the words that stand for others, by what vendors write.
func spellings() map[string]string {
	return map[string]string{
		"dept": "department", "departement": "department", "num": "number", "no": "number", "nr": "number", "mfr": "manufacturer", "mfg": "manufacturer",
		"addr": "address", "desc": "description", "descr": "description", "loc": "location", "org": "organization", "organisation": "organization",
		"organizational": "organization", "organisational": "organization", "ou": "ou", "tel": "phone", "telephone": "phone", "telefon": "phone", "cellular": "cell", "ver": "version", "vers": "version",
		"mgr": "manager", "emp": "employee", "fname": "first name", "lname": "last name", "surname": "sur name", "lastname": "last name", "firstname": "first name",
		"mail": "email", "logon": "login", "signin": "sign in", "signon": "sign in", "checkin": "check in", "checkout": "check out", "synced": "sync", "synchronized": "sync",
		"centre": "center", "enrolment": "enroll", "licence": "license", "img": "image", "pic": "image", "photo": "image", "picture": "image", "avatar": "image", "thumbnail": "image",
		"dt": "date", "enrolled": "enroll", "enrollment": "enroll", "tz": "time zone", "timezone": "time zone", "ipaddr": "ip address", "macaddr": "mac address", "macaddress": "mac address", "hw": "hardware", "wi-fi": "wifi", "airport": "wifi",
		"megabyte": "mb", "mib": "mb", "meg": "mb", "gigabyte": "gb", "gib": "gb", "gig": "gb", "kilobyte": "kb", "kib": "kb", "byte": "byte", "terabyte": "tb",
		"opsys": "operating system", "procesor": "processor", "supervisory": "supervisor", "fullname": "full name", "datetime": "date time", "yn": "flag",
		"pwd": "password", "passwd": "password", "cell": "cell", "guid": "guid", "modif": "modified", "lastlogin": "last login", "colour": "color",
		"timestamp": "timestamp", "vault": "vault", "homepage": "home page", "username": "user name", "hostname": "host name",
	}
}

// joints returns words that come apart where a capital letter or a hyphen
// stands, and belong together.
func joints() map[string]string {
	return map[string]string{
		"e mail": "email", "wi fi": "wifi", "d ns": "dns", "i os": "ios", "mac os": "macos", "ip v": "ip", "s n": "sn", "o s": "os", "file vault": "filevault",
		"bit locker": "bitlocker", "bar code": "barcode", "sub net": "subnet", "u uid": "uuid", "os x": "macos",
	}
}

// The words that say little about what a value is.
const (
	// noiseWords mean nothing beside others.
	noiseWords = "is has the of a an at on in utc value text string attribute current primary main default work business my raw iso eur usd gbp "
	// containerWords name parts of a record that hold values of all kinds.
	containerWords = "profile general overview detail info information attribute data inventory property metadata core base basic common extension urn schema custom field additional extra summary ietf params scim enterprise contact hardware network internal"
	// carrierWords name the value itself where its parent says what it is.
	carrierWords = "name value text display date time timestamp number address title string content"
	// dateWords mean nothing in the name of a date.
	dateWords = "date time timestamp epoch second ms milli day"
	// foreignWords turn a name into that of something else.
	foreignWords = "second secondary alternate alternative other personal home private recovery backup previous old former new temporary emergency assistant " +
		"manager supervisor parent owner creator created creation create updated update modified changed change deleted deletion requested last first next count total " +
		"reason message error url uri link href image icon color id code type kind group team role license plan policy interface saml directory sso external password token hash verified mfa factor two " +
		"locked free available used public wan external guest agent firmware bios kernel app application carrier sim battery compliance encryption lost security " +
		"formatted format index order percent rank middle nick phonetic prefix suffix alias history profile blueprint site organization company department location " +
		"integration attempt key reset expires expiration subscription support visual studio birth gender recent bluetooth subnet gateway mask admin member subscriber by user name cellular"
)

// ownWords name the thing itself in the records of an object.
func ownWords(object string) string {
	switch object {
	case "users", "saas_users":
		return "user person people employee member account contact worker staff individual personnel my"
	case "assets":
		return "device computer asset machine system host endpoint item equipment unit"
	case "software", "software_installs":
		return "software application app program package product title"
	case "saas_applications":
		return "application app service saas product"
	}
	return object
}
