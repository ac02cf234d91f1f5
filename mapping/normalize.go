package mapping

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Normalize returns the form of a value by which records are matched: two values
// of a unique field are the same to a person exactly if their forms are equal.
// Text is trimmed and case-folded, or upper-cased where the field is Upper; a MAC
// address is canonical; numbers are digits. It is empty for a value that cannot
// identify anything: an empty one, a placeholder, a reference to another row.
func (f *Field) Normalize(v Value) string {
	switch v.Kind {
	case KindInt:
		return strconv.FormatInt(v.Int, 10)
	case KindText:
	case KindAbsent, KindNull, KindRow:
		return ""
	}
	s := trim(v.Text)
	if s == "" || f.isPlaceholder(s) {
		return ""
	}
	switch f.Type {
	case MAC:
		if mac, ok := canonicalMAC(s, &arena{}); ok {
			return mac
		}
	case Decimal, Date, DateTime, List:
		return s
	default:
	}
	if f.Upper {
		return strings.ToUpper(s)
	}
	return strings.ToLower(s)
}

// appendNormal appends what Normalize returns, without making a string of it
// where all is ASCII.
func (f *Field) appendNormal(dst []byte, v Value) []byte {
	s := trim(v.Text)
	if v.Kind != KindText || f.Type != Text || !isASCII(s) || f.isPlaceholder(s) {
		return append(dst, f.Normalize(v)...)
	}
	first, last := byte('A'), byte('Z')
	if f.Upper {
		first, last = 'a', 'z'
	}
	for i := range len(s) {
		c := s[i]
		if first <= c && c <= last {
			c ^= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// trim removes blanks around a text, without looking at all of it.
func trim(s string) string {
	if s == "" || isPlain(s[0]) && isPlain(s[len(s)-1]) {
		return s
	}
	return strings.TrimSpace(s)
}

// isPlain reports whether a byte is ASCII and neither a blank nor a control
// character.
func isPlain(c byte) bool { return ' ' < c && c < utf8.RuneSelf && c != 0x7f }

// isBlank reports whether a text has nothing but blanks in it.
func isBlank(s string) bool { return trim(s) == "" }

// isPlaceholder reports whether a trimmed text stands for no value in this
// field.
func (f *Field) isPlaceholder(s string) bool {
	return len(f.Placeholders) > 0 && (f.lists(s) || isFiller(s))
}

// lists reports whether a trimmed text is one of the field's placeholders.
func (f *Field) lists(s string) bool {
	for _, p := range f.Placeholders {
		// Texts that fold to each other and differ in length exist, but not among
		// what hardware reports.
		if len(p) == len(s) && strings.EqualFold(p, s) {
			return true
		}
	}
	return false
}

// hints tell most texts that are no placeholders from those that may be some, at
// a glance at the length and both ends.
type hints [256]bool

// newHints returns the hints of placeholders, or nil if there are none.
func newHints(placeholders []string) *hints {
	if len(placeholders) == 0 {
		return nil
	}
	h := new(hints)
	for _, p := range placeholders {
		if at, ok := hint(p); ok {
			h[at] = true
		} else {
			*h = hints(slices.Repeat([]bool{true}, len(h)))
		}
	}
	return h
}

// has reports whether a text may be a placeholder.
func (h *hints) has(s string) bool {
	at, ok := hint(s)
	return !ok || h[at]
}

// hint returns where a text has its hint, the same for every case of it, or
// false for a text that has none.
func hint(s string) (at byte, ok bool) {
	if s == "" {
		return 0, false
	}
	first, last := s[0]|0x20, s[len(s)-1]|0x20
	return byte(len(s))*31 + first*7 + last, first < utf8.RuneSelf && last < utf8.RuneSelf //nolint:gosec // low bytes will do.
}

// The shortest runs of one character that nobody uses as a number. Owners do
// number their things 7777.
const (
	fillerDigits  = 8
	fillerLetters = 4
)

// isFiller reports whether a text is what a machine puts where a number is
// missing: no letter or digit at all, zeros alone, minus one, or one character
// over and over ("XXXXXXXX"). Punctuation and blanks between do not count, so that
// "00000000-0000-0000-0000-000000000000" is a filler.
func isFiller(s string) bool {
	var first rune
	count := 0
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			continue
		}
		r = unicode.ToLower(r)
		if count == 0 {
			first = r
		}
		if r != first {
			return false
		}
		count++
	}
	switch {
	case count == 0 || first == '0' || s == "-1": // osquery gives a virtual machine the serial number -1
		return true
	case unicode.IsDigit(first):
		return count >= fillerDigits
	}
	return count >= fillerLetters
}

// DefaultPlaceholders returns the texts that vendors ship where a serial number,
// an asset tag or another identifying number is missing. Each call returns a new
// slice.
func DefaultPlaceholders() []string {
	return []string{
		// What firmware makers leave in the SMBIOS tables.
		"To Be Filled By O.E.M.", "To Be Filled By O.E.M", "To Be Filled By OEM", "Filled By O.E.M.", "O.E.M.", "OEM", "OEM Default",
		"Default string", "Default", "System Serial Number", "Chassis Serial Number", "Base Board Serial Number",
		"Serial Number", "SerialNumber", "Serial", "System Product Name", "Not Specified", "Not Applicable", "Not Available",
		"Not Provided", "Not Defined", "Not Set", "Not Settable", "No Asset Tag", "No Asset Information", "No Serial Number", "Asset Tag", "Asset-1234567890",
		"Chassis Asset Tag", "Base Board Asset Tag", "Empty", "Invalid", "Invalid Serial Number", "Unspecified", "Undefined",
		"<BAD INDEX>", "<OUT OF SPEC>", "123456789", "1234567890", "0123456789", "0123456789ABCDEF",
		// What software writes for nothing.
		"None", "Null", "Nil", "N/A", "NA", "Unknown", "TBD", "-",
		// Hardware identifiers that whole series of boards share.
		"03000200-0400-0500-0006-000700080009", "12345678-1234-5678-90AB-CDDEEFAABBCC",
	}
}

// macPlaceholders returns the MAC addresses that stand for none. Android and iOS
// give 02:00:00:00:00:00 to whoever may not know the real one
// (https://developer.android.com/about/versions/marshmallow/android-6.0-changes,
// "Access to hardware identifier").
func macPlaceholders() []string { return []string{"00:00:00:00:00:00", "02:00:00:00:00:00"} }
