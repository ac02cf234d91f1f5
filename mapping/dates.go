package mapping

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Formats returns all date formats, in the order of their declaration.
func Formats() []Format {
	return []Format{ISO8601, EpochSeconds, EpochMillis, LDAPTime, FileTime, DotNetJSON, USDate}
}

// known reports whether the format is one of those there are, or empty.
func (f Format) known() bool { return f == "" || slices.Contains(Formats(), f) }

// isDate reports whether values of the field are dates or times, so that a
// format means something.
func (f *Field) isDate() bool {
	t := f.Type
	if t == List {
		t = f.Item
	}
	return t == Date || t == DateTime
}

// date reads a date or a time in the format the source writes it in. A date of
// the year 1, or of the year 0 by its offset, is null: 0001-01-01T00:00:00Z is
// the zero time of .NET and Go, and what Microsoft Graph sends for none.
func (c *coercion) date(typ Type, s string, a *arena) (Value, string) {
	if (c.format == ISO8601 || c.format == "") && isCanonicalTime(s) {
		if typ == Date {
			s = s[:dateLength]
		}
		return TextValue(s), ""
	}
	t, ok := c.format.parse(s)
	switch {
	case !ok:
		return Value{}, "is not " + c.format.noun()
	case t.Year() == 0 || t.Year() == 1:
		return Null, ""
	case t.Year() < 0 || t.Year() > 9999:
		return Value{}, "is a date before the year 0 or after 9999"
	}
	layout := time.RFC3339Nano
	if typ == Date {
		layout = time.DateOnly
	}
	return TextValue(a.keep(t.AppendFormat(a.buffer(len(layout)), layout))), ""
}

const (
	dateLength = len("2006-01-02")
	timeLength = len("2006-01-02T15:04:05Z")
)

// isCanonicalTime reports whether a time is written as this package writes it,
// to the second, so that it can stay as it is.
func isCanonicalTime(s string) bool {
	if len(s) != timeLength || s[10] != 'T' || s[19] != 'Z' || s[13] != ':' || s[16] != ':' {
		return false
	}
	year, month, day, ok := dateFields(s)
	if !ok || year < 2 || !isDay(year, month, day) {
		return false
	}
	hour, ok1 := twoDigits(s[11:])
	minute, ok2 := twoDigits(s[14:])
	second, ok3 := twoDigits(s[17:])
	return ok1 && ok2 && ok3 && hour < 24 && minute < 60 && second < 60
}

// noun says what a format looks like, in the middle of a sentence.
func (f Format) noun() string {
	switch f {
	case EpochSeconds:
		return "a time in seconds since 1970, such as 1767366245"
	case EpochMillis:
		return "a time in milliseconds since 1970, such as 1767366245000"
	case LDAPTime:
		return "an LDAP time such as 20260102150405Z"
	case FileTime:
		return "a Windows file time such as 134118398450000000"
	case DotNetJSON:
		return "a .NET date such as /Date(1767366245000)/"
	case USDate:
		return "a date such as 01/02/2026 or 1/2/2026 3:04:05 PM"
	case ISO8601:
	}
	return "a date in ISO 8601, such as 2026-01-02 or 2026-01-02T15:04:05Z"
}

// parse reads a trimmed text. The zero time means never.
func (f Format) parse(s string) (time.Time, bool) {
	switch f {
	case EpochSeconds:
		return parseEpoch(s, 0)
	case EpochMillis:
		return parseEpoch(s, 3)
	case LDAPTime:
		return parseLDAP(s)
	case FileTime:
		return parseFileTime(s)
	case DotNetJSON:
		return parseDotNet(s)
	case USDate:
		return parseUS(s)
	case ISO8601:
	}
	return parseISO(s)
}

// isDay reports whether a month has that day.
func isDay(year, month, day int) bool {
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	switch month {
	case 4, 6, 9, 11:
		return day <= 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return day <= 29
		}
		return day <= 28
	}
	return day <= 31
}

// dateFields reads "2006-01-02" at the beginning of a text.
func dateFields(s string) (year, month, day int, ok bool) {
	if len(s) < dateLength || s[4] != '-' || s[7] != '-' {
		return 0, 0, 0, false
	}
	century, ok1 := twoDigits(s)
	rest, ok2 := twoDigits(s[2:])
	month, ok3 := twoDigits(s[5:])
	day, ok4 := twoDigits(s[8:])
	return century*100 + rest, month, day, ok1 && ok2 && ok3 && ok4
}

// twoDigits reads the two digits at the beginning of a text.
func twoDigits(s string) (int, bool) {
	if len(s) < 2 {
		return 0, false
	}
	tens, ones := s[0]-'0', s[1]-'0'
	return int(tens)*10 + int(ones), tens <= 9 && ones <= 9
}

// A clock is the part of a time that comes after the date.
type clock struct {
	hour, minute, second, nanosecond int
	offset                           int // seconds east of UTC
}

func (c clock) valid() bool {
	return c.hour < 24 && c.minute < 60 && c.second < 60
}

// on returns the time on a day that exists, in UTC.
func (c clock) on(year, month, day int) (time.Time, bool) {
	if !isDay(year, month, day) || !c.valid() {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, c.hour, c.minute, c.second, c.nanosecond, time.UTC)
	return t.Add(-time.Duration(c.offset) * time.Second), true
}

// zeroDate is what MySQL keeps, and passes on, where there is no date
// (https://dev.mysql.com/doc/refman/8.4/en/date-and-time-types.html).
const zeroDate = "0000-00-00"

// parseISO reads a date, alone or with a time after a T or a blank; a time
// without an offset is in UTC.
func parseISO(s string) (time.Time, bool) {
	if s == zeroDate || s == zeroDate+" 00:00:00" {
		return time.Time{}, true
	}
	year, month, day, ok := dateFields(s)
	if !ok {
		return time.Time{}, false
	}
	var c clock
	if rest := s[dateLength:]; rest != "" {
		if rest[0] != 'T' && rest[0] != 't' && rest[0] != ' ' {
			return time.Time{}, false
		}
		if rest, ok = c.colons(rest[1:]); !ok {
			return time.Time{}, false
		}
		if c.offset, ok = parseOffset(strings.TrimLeft(rest, " ")); !ok {
			return time.Time{}, false
		}
	}
	return c.on(year, month, day)
}

// colons reads "15:04", "15:04:05" or "15:04:05.999" and returns what follows.
func (c *clock) colons(s string) (rest string, ok bool) {
	if c.hour, ok = twoDigits(s); !ok || len(s) < 5 || s[2] != ':' {
		return "", false
	}
	if c.minute, ok = twoDigits(s[3:]); !ok {
		return "", false
	}
	if s = s[5:]; s == "" || s[0] != ':' {
		return s, true
	}
	if c.second, ok = twoDigits(s[1:]); !ok {
		return "", false
	}
	return c.fraction(s[3:])
}

// fraction reads a fraction of a second, if there is one, and returns what
// follows. What is smaller than a nanosecond is dropped.
func (c *clock) fraction(s string) (rest string, ok bool) {
	if s == "" || s[0] != '.' && s[0] != ',' {
		return s, true
	}
	end := digitsIn(s, 1)
	c.nanosecond = nanoseconds(s[1:end])
	return s[end:], end > 1
}

// nanoseconds reads the digits of a fraction of a second.
func nanoseconds(digits string) int {
	n := 0
	for i := range 9 {
		n *= 10
		if i < len(digits) {
			n += int(digits[i] - '0')
		}
	}
	return n
}

// parseOffset reads an offset from UTC in seconds: "Z", "UTC", "+01:00",
// "-0530", "+01". None at all is UTC.
func parseOffset(s string) (int, bool) {
	switch s {
	case "", "Z", "z", "UTC", "GMT":
		return 0, true
	}
	if s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, ok := twoDigits(s[1:])
	minutes := 0
	if rest := s[min(len(s), 3):]; ok && rest != "" {
		rest = strings.TrimPrefix(rest, ":")
		minutes, ok = twoDigits(rest)
		ok = ok && len(rest) == 2
	}
	if !ok || hours > 23 || minutes > 59 {
		return 0, false
	}
	offset := hours*3600 + minutes*60
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// parseEpoch reads a count since 1970, in seconds divided by ten to the power of
// scale. A fraction may follow.
func parseEpoch(s string, scale int) (time.Time, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && s[0] != '+' {
		if scale == 3 {
			return time.UnixMilli(n).UTC(), true
		}
		return unix(n, 0)
	}
	d, ok := splitDecimal(s)
	if !ok || d.exponent < -maxExponent || d.exponent > maxExponent || d.length() > maxDigits {
		return time.Time{}, false
	}
	d.exponent -= scale
	whole, fraction, _ := strings.Cut(string(d.append(nil)), ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	nsec := int64(nanoseconds(fraction))
	if d.negative {
		nsec = -nsec
	}
	return unix(seconds, nsec)
}

// unix returns the time that many seconds from 1970, if it lies within some
// 68,000 years; beyond, the calendar's own arithmetic overflows.
func unix(seconds, nsec int64) (time.Time, bool) {
	const most = 1000 * math.MaxInt32
	return time.Unix(seconds, nsec).UTC(), -most < seconds && seconds < most
}

// parseLDAP reads a generalized time: year to hour, then as much of minute,
// second and fraction as there is, then the zone (RFC 4517, section 3.3.13). A
// missing zone is UTC.
func parseLDAP(s string) (time.Time, bool) {
	end := digitsIn(s, 0)
	if end != 10 && end != 12 && end != 14 {
		return time.Time{}, false
	}
	var pairs [7]int // century, year, month, day, hour, minute, second
	for i := range end / 2 {
		pairs[i], _ = twoDigits(s[2*i:])
	}
	c := clock{hour: pairs[4], minute: pairs[5], second: pairs[6]}
	rest := s[end:]
	if end == 14 {
		var ok bool
		if rest, ok = c.fraction(rest); !ok {
			return time.Time{}, false
		}
	}
	var ok bool
	if c.offset, ok = parseOffset(rest); !ok {
		return time.Time{}, false
	}
	return c.on(pairs[0]*100+pairs[1], pairs[2], pairs[3])
}

// The Windows file time counts steps of 100 ns since 1601
// (https://learn.microsoft.com/windows/win32/sysinfo/file-times).
const (
	fileTimeSteps = 10_000_000      // in a second
	fileTimeEpoch = -11_644_473_600 // 1601 in seconds since 1970
)

// parseFileTime reads a Windows file time. 0 and the largest number mean never
// (https://learn.microsoft.com/windows/win32/adschema/a-accountexpires).
func parseFileTime(s string) (time.Time, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || s[0] == '+' {
		return time.Time{}, false
	}
	if n == 0 || n == math.MaxInt64 {
		return time.Time{}, true
	}
	return time.Unix(n/fileTimeSteps+fileTimeEpoch, n%fileTimeSteps*100).UTC(), true
}

// parseDotNet reads "/Date(1767366245000+0100)/": milliseconds since 1970 in
// UTC; the offset says only where it was written
// (https://learn.microsoft.com/dotnet/framework/wcf/feature-details/stand-alone-json-serialization,
// "DateTime Wire Format").
func parseDotNet(s string) (time.Time, bool) {
	s, ok1 := strings.CutPrefix(s, "/Date(")
	s, ok2 := strings.CutSuffix(s, ")/")
	if !ok1 || !ok2 || s == "" {
		return time.Time{}, false
	}
	if i := strings.LastIndexAny(s, "+-"); i > 0 {
		if _, ok := parseOffset(s[i:]); !ok {
			return time.Time{}, false
		}
		s = s[:i]
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return time.UnixMilli(n).UTC(), err == nil && s[0] != '+'
}

// parseUS reads month, day and year with slashes, alone or with a time of 12 or
// 24 hours, which is in UTC.
func parseUS(s string) (time.Time, bool) {
	date, rest, _ := strings.Cut(s, " ")
	var parts [3]int
	for i, most := range [3]int{2, 2, 4} {
		var text string
		text, date, _ = strings.Cut(date, "/")
		if i == 2 {
			text = strings.TrimSuffix(text, ",")
		}
		if text == "" || len(text) > most || i == 2 && len(text) != most || digitsIn(text, 0) != len(text) {
			return time.Time{}, false
		}
		parts[i], _ = strconv.Atoi(text) // at most four digits
	}
	var c clock
	rest = strings.TrimLeft(rest, " ")
	if date != "" || rest != "" && !c.twelve(rest) {
		return time.Time{}, false
	}
	return c.on(parts[2], parts[0], parts[1])
}

// twelve reads "3:04 PM", "03:04:05 pm" or "15:04:05".
func (c *clock) twelve(s string) bool {
	if digitsIn(s, 0) == 1 {
		s = "0" + s
	}
	rest, ok := c.colons(s)
	if !ok {
		return false
	}
	switch half := strings.ToUpper(strings.TrimLeft(rest, " ")); half {
	case "":
		return true
	case "AM", "PM":
		if c.hour < 1 || c.hour > 12 {
			return false
		}
		c.hour %= 12
		if half == "PM" {
			c.hour += 12
		}
		return true
	}
	return false
}
