package mapping

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendJSON appends a value of the field as JSON: a number for an integer or a
// decimal, true or false for a boolean, an array of strings for a list, null for
// an empty value, and a string for the rest. A reference to another row is that
// row's index. A value that is not of the field's type is a number or a string.
func (f *Field) AppendJSON(dst []byte, v Value) []byte {
	switch v.Kind {
	case KindInt:
		if f.Type == Boolean {
			return strconv.AppendBool(dst, v.Int != 0)
		}
		return strconv.AppendInt(dst, v.Int, 10)
	case KindRow:
		return strconv.AppendInt(dst, v.Int, 10)
	case KindText:
		if f.Type == List && json.Valid([]byte(v.Text)) {
			return append(dst, v.Text...)
		}
		if d, ok := splitDecimal(v.Text); f.Type == Decimal && ok && d.canonical {
			return append(dst, v.Text...)
		}
		return appendString(dst, v.Text)
	case KindAbsent, KindNull:
	}
	return append(dst, "null"...)
}

// Format returns a value of the field for a person to read: yes or no for a
// boolean, the items with commas between them for a list, nothing for an empty
// value.
func (f *Field) Format(v Value) string {
	switch v.Kind {
	case KindInt:
		if f.Type == Boolean {
			if v.Int != 0 {
				return "yes"
			}
			return "no"
		}
		return strconv.FormatInt(v.Int, 10)
	case KindRow:
		return "row " + strconv.FormatInt(v.Int, 10)
	case KindText:
		var items []string
		if f.Type == List && json.Unmarshal([]byte(v.Text), &items) == nil {
			return strings.Join(items, ", ")
		}
		return v.Text
	case KindAbsent, KindNull:
	}
	return ""
}

const hexDigits = "0123456789abcdef"

// isBare holds the ASCII characters that stand in a JSON string as they are.
var isBare = func() (bare [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		bare[c] = c != '"' && c != '\\'
	}
	return bare
}()

// appendString appends a text as a JSON string, with no more escapes than the
// grammar asks for. Bytes that are not UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if isBare[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, `\ufffd`...)
				start = i + 1
			}
			i += size
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
