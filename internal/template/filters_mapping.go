package template

import (
	"math"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/internal/excerpt"
	"github.com/vendorsync/vendorsync/internal/nearest"
)

func filterSplit(c *run, v Value, a args) (Value, error) {
	s, err := c.text(v)
	if err != nil {
		return Value{}, err
	}
	parts, err := c.split(s, a.values[0], -1, false)
	if err != nil || !a.given(1) {
		return parts, err
	}
	i, ok := a.values[1].index()
	if !ok {
		return Value{}, typeError("an index is a whole number, not %s", a.values[1].kind)
	}
	return element(parts, i), nil
}

// empty says that a value has nothing to say: undefined, null, or text of white
// space.
func (v Value) empty() bool {
	return v.nothing() || v.kind == KindString && strings.TrimFunc(v.str, isSpace) == ""
}

func filterFirstOf(c *run, v Value, _ args) (Value, error) {
	if v.kind != KindList && v.kind != KindTuple {
		if v.empty() {
			return Value{}, nil
		}
		return v, nil
	}
	items, err := c.iterate(v)
	if err != nil {
		return Value{}, err
	}
	for _, item := range items {
		if !item.empty() {
			return item, nil
		}
	}
	return Value{}, nil
}

func filterJoinNonempty(c *run, v Value, a args) (Value, error) {
	items, err := c.iterate(v)
	if err != nil {
		return Value{}, err
	}
	separator, err := a.string(0, ", ")
	if err != nil {
		return Value{}, err
	}
	var kept []Value
	for _, item := range items {
		if !item.empty() {
			kept = append(kept, item)
		}
	}
	return c.joined(len(kept), separator, func(i int) (Value, error) { return kept[i], nil })
}

func filterStripPrefix(c *run, v Value, a args) (Value, error) {
	return c.stripEnd(v, a, func(s string, n int) (end, rest string) { return s[:n], s[n:] })
}

func filterStripSuffix(c *run, v Value, a args) (Value, error) {
	return c.stripEnd(v, a, func(s string, n int) (end, rest string) { return s[len(s)-n:], s[:len(s)-n] })
}

// stripEnd cuts the argument from one end of a text.
func (c *run) stripEnd(v Value, a args, cut func(string, int) (end, rest string)) (Value, error) {
	s, err := c.text(v)
	if err != nil {
		return Value{}, err
	}
	unwanted, err := a.string(0, "")
	if err != nil {
		return Value{}, err
	}
	if len(s) >= len(unwanted) {
		if end, rest := cut(s, len(unwanted)); strings.EqualFold(end, unwanted) {
			s = rest
		}
	}
	return String(s), c.work(len(s) / bytesAStep)
}

func filterEmailLocal(c *run, v Value, a args) (Value, error) {
	return onText(func(s string) string {
		s = strings.TrimFunc(s, isSpace)
		if i := strings.LastIndexByte(s, '@'); i >= 0 {
			return s[:i]
		}
		return s
	})(c, v, a)
}

func filterEmailDomain(c *run, v Value, a args) (Value, error) {
	return onText(func(s string) string {
		s = strings.TrimFunc(s, isSpace)
		_, domain, _ := strings.Cut(s[max(0, strings.LastIndexByte(s, '@')):], "@")
		return strings.ToLower(domain)
	})(c, v, a)
}

func filterMAC(c *run, v Value, _ args) (Value, error) {
	s, err := c.text(v)
	if err != nil {
		return Value{}, err
	}
	if s = strings.TrimFunc(s, isSpace); s == "" {
		return String(""), nil
	}
	var digits []byte
	for _, b := range []byte(s) {
		switch {
		case hexDigit(b) >= 0:
			digits = append(digits, b)
		case strings.IndexByte(":-. ", b) < 0:
			return Value{}, typeError("%q is no MAC address", excerpt.Of(s))
		}
	}
	if len(digits) != 12 {
		return Value{}, typeError("%q is no MAC address: it has %d of 12 digits", excerpt.Of(s), len(digits))
	}
	var out strings.Builder
	for i := 0; i < len(digits); i += 2 {
		if i > 0 {
			out.WriteByte(':')
		}
		out.Write(digits[i : i+2])
	}
	return String(strings.ToLower(out.String())), nil
}

func filterPhone(c *run, v Value, a args) (Value, error) { return onText(phone)(c, v, a) }

// phone writes a phone number as digits, behind + if the country's are among them,
// and its extension behind " x".
func phone(s string) string {
	s = strings.ToLower(strings.TrimFunc(s, isSpace))
	s = strings.TrimPrefix(s, "tel:")
	number, extension := s, ""
	for _, mark := range []string{";ext=", "extension", "ext", "x", "#"} {
		if before, after, ok := strings.Cut(s, mark); ok {
			number, extension = before, digitsOf(after)
			break
		}
	}
	plus := strings.HasPrefix(number, "+")
	if plus {
		number = strings.Replace(number, "(0)", "", 1) // to be dialled without the country's digits only
	}
	digits := digitsOf(number)
	if !plus && strings.HasPrefix(digits, "00") {
		plus, digits = true, digits[2:]
	}
	if digits == "" {
		return ""
	}
	if plus {
		digits = "+" + digits
	}
	if extension != "" {
		digits += " x" + extension
	}
	return digits
}

// digitsOf returns the digits of a text.
func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
}

func filterLookup(_ *run, v Value, a args) (Value, error) {
	table := a.values[0]
	if table.kind != KindDict {
		return Value{}, typeError("a value is looked up in a dict, not in %s", table.kind)
	}
	if found, ok := table.dict().get(v); ok {
		return found, nil
	}
	if v.isNumber() || v.kind == KindBool { // the keys of a table in YAML or JSON are text
		if found, ok := table.dict().member(v.Text()); ok {
			return found, nil
		}
	}
	if a.given(1) {
		return a.values[1], nil
	}
	var keys []string
	for _, p := range table.dict().pairs {
		keys = append(keys, p.Key.Text())
	}
	if n := nearest.Name(v.Text(), keys); n != "" {
		return Value{}, typeError("%q is not listed; did you mean %q?", excerpt.Of(v.Text()), n)
	}
	return Value{}, typeError("%q is not listed", excerpt.Of(v.Text()))
}

// What Active Directory writes for a date that never comes.
const (
	fileTimeNever = math.MaxInt64
	fileTimeEpoch = 11_644_473_600 // seconds from 1601 to 1970
	fileTimeUnit  = 100 * time.Nanosecond
)

const ldapLayout = "20060102150405.0Z"

func filterDate(c *run, v Value, a args) (Value, error) {
	input, err := a.string(0, "")
	if err != nil {
		return Value{}, err
	}
	output, err := a.string(1, "iso")
	if err != nil {
		return Value{}, err
	}
	if v.empty() {
		return Null(), nil
	}
	t, err := c.readDate(v, input)
	if err != nil || t.kind == KindNull {
		return t, err
	}
	return writeDate(t, output)
}

// readDate reads a date in a format, or in the one that its kind suggests.
func (c *run) readDate(v Value, format string) (Value, error) {
	if v.kind == KindTime {
		return v, nil
	}
	text, err := c.text(v)
	if err != nil {
		return Value{}, err
	}
	text = strings.TrimFunc(text, isSpace)
	if format == "" {
		format = "iso"
		if v.isNumber() {
			format = "epoch"
		}
	}
	switch format {
	case "iso", "date":
		return readTime(text)
	case "epoch", "epoch_ms", "filetime":
		return readEpoch(text, format)
	case "ldap":
		return readLDAP(text)
	}
	return readTimeAs(text, format)
}

// readEpoch reads a number as a date.
func readEpoch(text, format string) (Value, error) {
	n, ok := parseInt(text, 10)
	if ok && n.IsInt64() {
		count := n.Int64()
		switch {
		case format == "filetime" && (count == 0 || count == fileTimeNever):
			return Null(), nil
		case format == "filetime":
			return inYears(time.Unix(count/1e7-fileTimeEpoch, count%1e7*int64(fileTimeUnit)))
		case format == "epoch_ms":
			return inYears(time.UnixMilli(count))
		}
		return inYears(time.Unix(count, 0))
	}
	f, ok := parseFloat(text)
	if !ok || format == "filetime" || math.Abs(f) > 1e15 {
		return Value{}, typeError("%q is no number of a date", excerpt.Of(text))
	}
	if format == "epoch_ms" {
		f /= 1000
	}
	whole, fraction := math.Modf(f)
	return inYears(time.Unix(int64(whole), int64(math.Round(fraction*1e6))*1000))
}

// inYears returns a time within the years that dates have.
func inYears(t time.Time) (Value, error) {
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return Value{}, typeError("the date is not within the years from 1 to 9999")
	}
	return Time(t), nil
}

// readLDAP reads what a directory writes: 20260131140500.0Z.
func readLDAP(text string) (Value, error) {
	for _, layout := range []string{ldapLayout, "20060102150405Z", "20060102150405.0Z0700", "20060102150405Z0700", "20060102150405.0-0700", "20060102150405-0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			return inYears(t)
		}
	}
	return Value{}, typeError("%q is no date as a directory writes it, as 20260131140500.0Z", excerpt.Of(text))
}

// writeDate writes a date in a format.
func writeDate(v Value, format string) (Value, error) {
	t, _ := v.AsTime()
	switch format {
	case "iso":
		return String(t.Format("2006-01-02T15:04:05.999999Z07:00")), nil
	case "date":
		return String(t.Format(time.DateOnly)), nil
	case "epoch":
		return Int(t.Unix()), nil
	case "epoch_ms":
		return Int(t.UnixMilli()), nil
	case "ldap":
		return String(t.Format(ldapLayout)), nil
	case "filetime":
		return Int((t.Unix()+fileTimeEpoch)*1e7 + int64(t.Nanosecond())/int64(fileTimeUnit)), nil
	}
	text, err := formatTime(v, format)
	return String(text), err
}
