package mapping

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vendorsync/vendorsync/connector"
)

// traits count what the values of a column look like. A value may count in
// several of them.
type traits struct {
	total    int // all of them
	distinct int
	email    int
	mac      int
	ip       int
	url      int
	uuid     int
	hex      int // 16 hexadecimal digits or more, in one piece
	dn       int // a name in a directory: CN=...,DC=...
	date     int // in any format but plain numbers
	number   int // nothing but digits
	boolean  int
	blanks   int // several words
	letters  int // at least one letter
	digits   int // at least one digit
	phone    int
	zone     int // a time zone
	locale   int
	imei     int
	long     int // too long for a name
	device   int // a kind of device
	code     int // a model's code: letters, a number, a comma, a number
}

// maxLook is the longest text that is looked at.
const maxLook = 256

// traitsOf looks at the values of a column.
func traitsOf(cells []cell) traits {
	var t traits
	seen := map[string]bool{}
	for _, c := range cells {
		s := trim(c.text)
		seen[strings.ToLower(s[:min(len(s), maxLook)])] = true
		t.total++
		if len(s) > maxLook {
			t.long++
			continue
		}
		t.add(s)
	}
	t.distinct = len(seen)
	return t
}

// add counts one text.
func (t *traits) add(s string) {
	count := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	_, reason := (&coercion{}).email(s)
	count(&t.email, reason == "" && strings.Contains(s[strings.IndexByte(s, '@'):], "."))
	_, mac := canonicalMAC(s, &arena{})
	count(&t.mac, mac && !allDigits(s))
	_, err := netip.ParseAddr(s)
	count(&t.ip, err == nil)
	count(&t.url, strings.Contains(s, "://") || strings.HasPrefix(s, "arn:") || strings.HasPrefix(s, "/") || strings.HasPrefix(s, "www."))
	count(&t.uuid, isUUID(s))
	count(&t.hex, len(s) >= 16 && isHex(s) && !allDigits(s))
	count(&t.dn, isDN(s))
	count(&t.date, textFormat(s) != "")
	count(&t.number, allDigits(s))
	_, reason = parseBoolean(s)
	count(&t.boolean, reason == "" && !allDigits(s))
	count(&t.blanks, strings.ContainsAny(s, " \t\n"))
	count(&t.letters, strings.IndexFunc(s, unicode.IsLetter) >= 0)
	count(&t.digits, strings.IndexFunc(s, unicode.IsDigit) >= 0)
	count(&t.phone, isPhone(s))
	count(&t.zone, isZone(s))
	count(&t.locale, isLocale(s))
	count(&t.imei, isIMEI(s))
	count(&t.device, isDeviceKind(s))
	count(&t.code, isModelCode(s))
}

// most reports whether a count is more than half of all values.
func (t *traits) most(n int) bool { return 2*n > t.total }

// share returns a count as a part of all values.
func (t *traits) share(n int) float64 {
	if t.total == 0 {
		return 0
	}
	return float64(n) / float64(t.total)
}

func allDigits(s string) bool { return s != "" && digitsIn(s, 0) == len(s) }

func isHex(s string) bool {
	for i := range len(s) {
		if unhex(s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// isUUID reports whether a text is written like a UUID, in braces or not.
func isUUID(s string) bool {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
	if len(s) != 36 {
		return false
	}
	for i, part := range strings.Split(s, "-") {
		if i > 4 || len(part) != [5]int{8, 4, 4, 4, 12}[i] || !isHex(part) {
			return false
		}
	}
	return true
}

// isDN reports whether a text is a distinguished name of two parts or more.
func isDN(s string) bool {
	key, _, ok := strings.Cut(s, "=")
	return ok && len(key) <= 10 && key != "" && isASCII(key) && strings.IndexFunc(key, func(r rune) bool { return !unicode.IsLetter(r) }) < 0 &&
		strings.Contains(s, ",") && strings.Count(s, "=") > 1
}

// isPhone reports whether a text is a phone number of five digits or more.
func isPhone(s string) bool {
	digits := 0
	for _, r := range strings.ToLower(strings.TrimPrefix(s, "tel:")) {
		switch {
		case '0' <= r && r <= '9':
			digits++
		case !strings.ContainsRune(" +-./()x#", r):
			return false
		}
	}
	return 5 <= digits && digits <= 20
}

// isZone reports whether a text names a time zone: "Europe/Berlin", "UTC",
// "+01:00", "W. Europe Standard Time".
func isZone(s string) bool {
	if area, city, ok := strings.Cut(s, "/"); ok {
		return area != "" && city != "" && unicode.IsUpper(firstRune(area)) && !hasBlank(s)
	}
	switch {
	case strings.HasPrefix(s, "UTC"), strings.HasPrefix(s, "GMT"), strings.HasSuffix(s, " Time"), strings.Contains(s, "Time ("):
		return true
	case strings.HasPrefix(s, "(") && (strings.Contains(s, "UTC") || strings.Contains(s, "GMT")):
		return true
	}
	_, ok := parseOffset(s)
	return ok && s != "" && (s[0] == '+' || s[0] == '-') && len(s) > 3
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// isLocale reports whether a text is a language tag: "en", "en-GB", "zh_Hans_CN".
func isLocale(s string) bool {
	for i, part := range strings.FieldsFunc(s, func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
		if !isASCII(part) || i > 3 || i == 0 && (len(part) < 2 || len(part) > 3 || strings.ToLower(part) != part) || len(part) > 5 {
			return false
		}
	}
	return s != "" && unicode.IsLetter(firstRune(s)) && !hasBlank(s)
}

// isIMEI reports whether a text has the 15 digits of an IMEI, the 14 without its
// check digit, or the 16 with a software version, blanks and hyphens aside.
func isIMEI(s string) bool {
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case c != ' ' && c != '-' && c != '/':
			return false
		}
	}
	return 14 <= digits && digits <= 16
}

// maxKind is the longest name of a kind of device.
const maxKind = 40

// isDeviceKind reports whether a text names a kind of device.
func isDeviceKind(s string) bool {
	if len(s) > maxKind {
		return false
	}
	for _, w := range theVocabulary().split(s) {
		switch w {
		case "computer", "laptop", "notebook", "desktop", "workstation", "phone", "tablet", "server", "printer", "switch", "router", "monitor", "peripheral", "network", "vm", "smartphone", "handheld", "appliance":
			return true
		}
	}
	return false
}

// isModelCode reports whether a text is the code of a model, such as Mac14,2.
func isModelCode(s string) bool {
	major, minor, ok := strings.Cut(strings.TrimLeftFunc(s, unicode.IsLetter), ",")
	return ok && allDigits(major) && allDigits(minor)
}

// textFormat returns the format of a date that is more than a plain number, or "".
func textFormat(s string) Format {
	for _, f := range []Format{ISO8601, LDAPTime, DotNetJSON, USDate} {
		if f == LDAPTime && allDigits(s) {
			continue
		}
		if _, ok := f.parse(s); ok {
			return f
		}
	}
	return ""
}

// The years in which the dates of an inventory lie.
const (
	firstYear = 1985
	lastYear  = 2100
)

// dateFormat returns the format in which most of the values are dates, plausible
// ones, and the share of them that are.
func dateFormat(cells []cell) (format Format, share float64) {
	for _, f := range Formats() {
		good, dates := 0, 0
		for _, c := range cells {
			when, ok := f.parse(trim(c.text))
			if !ok {
				continue
			}
			switch year := when.Year(); {
			case when.IsZero() || year <= 1: // it means never
				good++
			case firstYear <= year && year <= lastYear && plausible(f, c.text):
				good++
				dates++
			case isZeroNumber(c.text): // so does 0
				good++
			}
		}
		if got := float64(good) / float64(max(len(cells), 1)); dates > 0 && got > share {
			format, share = f, got
		}
	}
	return format, share
}

// plausible reports whether a text that a format reads is not a number of
// another kind.
func plausible(f Format, s string) bool {
	switch f {
	case EpochSeconds:
		return digitsIn(trim(s), 0) >= 9
	case LDAPTime:
		return len(trim(s)) >= 14
	default:
		return true
	}
}

func isZeroNumber(s string) bool { return strings.Trim(trim(s), "0.") == "" }

// Evidence is what the values of a column say about a field: from -1, it cannot
// be, over 0, nothing, to 1, it is.
type evidence struct {
	weight float64
	why    string // what the values are, as in "the values are e-mail addresses"
	format Format
}

// against and inFavour make evidence against and for.
func against(weight float64, format string, args ...any) evidence {
	return evidence{weight: -weight, why: fmt.Sprintf(format, args...)}
}

func inFavour(weight float64, format string, args ...any) evidence {
	return evidence{weight: weight, why: fmt.Sprintf(format, args...)}
}

// A judge weighs the values of columns for the fields of an object.
type judge struct {
	table *table
	ids   map[string]bool // what identifies the users in the sample
}

// weigh returns what the values of a column say about a field.
func (j *judge) weigh(c *sourceField, f *Field, looks looks) evidence {
	if len(c.cells) == 0 {
		return j.declared(c, f, looks)
	}
	switch f.Type {
	case Date, DateTime:
		return weighDate(c)
	case Email:
		return weighEmail(c)
	case Reference:
		return j.weighReference(c)
	case Choice:
		if looks == looksAny {
			looks = looksState
		}
	case MAC, IP, Boolean, Integer, Decimal, List:
		if e := weighType(c, f); e.weight != 0 {
			return e
		}
	case Text, LongText:
	}
	e := weighLook(c, looks)
	if f.Unique && e.weight > -0.5 {
		return weighUnique(c, f, e)
	}
	return e
}

// declared says what the declared type alone does: there are no values.
func (j *judge) declared(c *sourceField, f *Field, looks looks) evidence {
	if j.table.records > 0 {
		return against(0.6, "no sampled record has a value there")
	}
	switch {
	case looks == looksDevice || looks == looksRole:
		return against(0.4, "without a sample nobody can tell whether its values fit")
	case f.Type == Reference && !c.namesIdentity():
		return against(0.4, "without a sample nobody can tell whether its values identify a user")
	case looks == looksMegabytes && !c.name.has("mb") && !c.label.has("mb"), looks == looksGigabytes && !c.name.has("gb") && !c.label.has("gb"):
		return against(0.5, "without a sample nobody can tell its unit")
	}
	switch c.typ {
	case connector.StringField:
		if f.Type == Boolean {
			return against(0.4, "it is a text")
		}
	case connector.BooleanField:
		if f.Type == Boolean || looks == looksState {
			return evidence{}
		}
		return against(0.8, "it is true or false")
	case connector.NumberField:
		switch f.Type {
		case Date, DateTime:
			return against(0.5, "it is a number, and without a sample nobody can tell in which format")
		case Email, MAC, IP, Boolean:
			return against(0.9, "it is a number")
		default:
		}
		if looks == looksWords || looks == looksPerson || looks == looksHost || looks == looksTimeZone || looks == looksLocale {
			return against(0.6, "it is a number")
		}
	default:
	}
	return evidence{}
}

// namesIdentity reports whether a column is called after what identifies a user.
func (c *sourceField) namesIdentity() bool {
	for _, n := range []*nameWords{&c.name, &c.label} {
		for _, w := range []string{"email", "upn", "login", "principal"} {
			if n.has(w) {
				return true
			}
		}
		if n.has("user") && n.has("name") && !n.has("display") && !n.has("full") {
			return true
		}
	}
	return false
}

func weighDate(c *sourceField) evidence {
	format, share := dateFormat(c.cells)
	if share < 0.5 {
		return against(1, "its values are no dates")
	}
	e := inFavour(0.2, "its values are dates")
	e.format = format
	return e
}

func weighEmail(c *sourceField) evidence {
	t := &c.traits
	switch {
	case !t.most(t.email):
		return against(1, "its values are no e-mail addresses")
	case t.distinct < t.total:
		return against(0.5, "two records have the same e-mail address")
	}
	return inFavour(0.4, "its values are e-mail addresses")
}

// weighReference looks for what identifies a user.
func (j *judge) weighReference(c *sourceField) evidence {
	t := &c.traits
	known := 0
	for _, v := range c.cells {
		if j.ids[strings.ToLower(trim(v.text))] {
			known++
		}
	}
	switch {
	case t.most(t.email):
		return inFavour(0.5, "its values are e-mail addresses")
	case t.most(known):
		return inFavour(0.5, "its values are those of users in the sample")
	case t.most(t.dn):
		return against(0.9, "its values are names in a directory, which identify no user here")
	case t.most(t.uuid), t.most(t.hex), t.most(t.number), t.most(t.boolean), t.most(t.date):
		return against(0.8, "its values are the vendor's own ids")
	case t.most(t.blanks):
		return against(0.6, "its values are names, which identify no user")
	case t.share(t.letters) == 1 && t.share(t.digits) > 0.5 && t.most(t.digits):
		return against(0.5, "its values may be the vendor's own ids")
	}
	return inFavour(0.1, "its values may be usernames")
}

// weighType tries to read the values as the field's type.
func weighType(c *sourceField, f *Field) evidence {
	good := 0
	for _, v := range c.cells {
		if got, err := f.FromJSON(v.raw, ""); err == nil && !got.IsEmpty() {
			good++
		}
	}
	typ := f.Type
	if typ == List {
		typ = f.Item
	}
	share := float64(good) / float64(len(c.cells))
	switch {
	case share < 0.5:
		return against(1, "its values are no %s", plainType(typ))
	case typ == MAC || typ == IP:
		return inFavour(0.6, "its values are %s", plainType(typ))
	case typ == Boolean:
		return inFavour(0.2, "its values are true or false")
	}
	return evidence{}
}

// plainType names many values of a type.
func plainType(t Type) string {
	switch t {
	case MAC:
		return "MAC addresses"
	case IP:
		return "IP addresses"
	case Boolean:
		return "yes or no"
	case Integer:
		return "whole numbers"
	case Decimal:
		return "plain numbers"
	default:
		return "texts that fit"
	}
}

// weighUnique looks for values that two records share.
func weighUnique(c *sourceField, f *Field, e evidence) evidence {
	seen := map[string]bool{}
	usable := 0
	for _, v := range c.cells {
		got, err := f.FromJSON(v.raw, "")
		if err != nil {
			continue
		}
		form := f.Normalize(got)
		if form == "" {
			continue
		}
		usable++
		seen[form] = true
	}
	switch {
	case usable == 0:
		return against(0.4, "its values are placeholders")
	case len(seen) < usable:
		return against(0.6, "two records have the same value")
	}
	return e
}

// weighLook compares the values with what those of a field look like.
func weighLook(c *sourceField, looks looks) evidence {
	t := &c.traits
	switch looks {
	case looksWords, looksModel, looksModelCode, looksPerson, looksPhone, looksHost, looksTimeZone, looksLocale:
		if e := weighOpaque(t); e.weight < 0 {
			return e
		}
	default:
	}
	switch looks {
	case looksPerson:
		if t.most(t.digits) {
			return against(0.7, "its values have digits in them")
		}
	case looksLogin:
		if t.most(t.uuid) || t.most(t.hex) || t.most(t.number) || t.most(t.dn) || t.most(t.date) || t.most(t.boolean) {
			return against(0.8, "its values are ids rather than names of accounts")
		}
	case looksPhone:
		if !t.most(t.phone) {
			return against(0.9, "its values are no phone numbers")
		}
		return inFavour(0.1, "its values are phone numbers")
	case looksIMEI:
		return yesIf(t.most(t.imei), 0.5, "IMEIs")
	case looksUDID:
		if !t.most(t.uuid) && !t.most(t.hex) {
			return against(0.7, "its values are no hardware identifiers")
		}
		return inFavour(0.1, "its values are hardware identifiers")
	case looksTimeZone:
		return yesIf(t.most(t.zone), 0.3, "time zones")
	case looksLocale:
		return yesIf(t.most(t.locale), 0.3, "locales")
	case looksDevice:
		return yesIf(t.most(t.device), 0.2, "kinds of device")
	case looksModel:
		if t.most(t.code) {
			return against(0.3, "its values are codes rather than names of models")
		}
	case looksModelCode:
		if t.most(t.code) {
			return inFavour(0.5, "its values are codes of models")
		}
		if t.most(t.number) {
			return against(0.6, "its values are plain numbers")
		}
	case looksSerial, looksCode, looksHost, looksVersion, looksState, looksRole, looksMegabytes, looksGigabytes:
		return weighCode(c, looks)
	case looksAny, looksWords, looksReference:
	}
	return evidence{}
}

// yesIf is evidence for what the values are, or against it.
func yesIf(ok bool, weight float64, what string) evidence {
	if ok {
		return inFavour(weight, "its values are %s", what)
	}
	return against(0.9, "its values are no %s", what)
}

// weighOpaque looks for values that no person would read as a word.
func weighOpaque(t *traits) evidence {
	for _, bad := range []struct {
		count int
		what  string
	}{
		{t.email, "e-mail addresses"},
		{t.url, "addresses of pages"},
		{t.uuid, "opaque ids"},
		{t.hex, "opaque ids"},
		{t.dn, "names in a directory"},
		{t.date, "dates"},
		{t.mac, "MAC addresses"},
		{t.ip, "IP addresses"},
		{t.boolean, "yes or no"},
	} {
		if t.most(bad.count) {
			return against(0.9, "its values are %s", bad.what)
		}
	}
	return evidence{}
}

// weighCode looks at values that are codes, states or sizes.
func weighCode(c *sourceField, looks looks) evidence {
	t := &c.traits
	switch looks {
	case looksSerial, looksCode:
		if t.most(t.email) || t.most(t.url) || t.most(t.date) || t.most(t.boolean) || t.most(t.dn) || t.most(t.mac) || t.most(t.ip) {
			return against(0.9, "its values are of another kind")
		}
	case looksHost:
		if t.most(t.blanks) {
			return against(0.5, "its values have blanks in them")
		}
	case looksVersion:
		if !t.most(t.digits) {
			return against(0.8, "its values have no digits in them")
		}
	case looksState:
		if t.most(t.date) || t.most(t.email) || t.most(t.uuid) || t.most(t.url) || t.most(t.hex) || t.total > 4 && t.distinct == t.total {
			return against(0.9, "its values are no states")
		}
	case looksMegabytes:
		return weighSize(c, 128, 16<<20, "megabytes")
	case looksGigabytes:
		return weighSize(c, 4, 200_000, "gigabytes")
	default:
	}
	return evidence{}
}

// weighSize looks whether most numbers lie between two.
func weighSize(c *sourceField, least, most int64, unit string) evidence {
	good := 0
	for _, v := range c.cells {
		d, _ := parseDecimal(trim(v.text), &arena{})
		whole, _, _ := strings.Cut(d.Text, ".")
		n, reason := parseInteger(whole, &arena{})
		if whole != "" && reason == "" && least <= n.Int && n.Int <= most {
			good++
		}
	}
	if 2*good > len(c.cells) {
		return evidence{}
	}
	return against(0.9, "its values are not in %s", unit)
}

// roleFits reports whether the values of a column are all among the choices that
// the host allows.
func roleFits(c *sourceField, f *Field) bool {
	return len(f.Choices) > 0 && len(c.cells) > 0 && !slices.ContainsFunc(c.cells, func(v cell) bool {
		_, err := f.FromJSON(v.raw, "")
		return err != nil
	})
}
