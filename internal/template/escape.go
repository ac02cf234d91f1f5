package template

import (
	"strings"
	"unicode/utf8"
)

// simpleEscapes are the escapes of one letter in a string.
var simpleEscapes = map[byte]string{
	'\n': "", '\\': `\`, '\'': "'", '"': `"`, 'a': "\a", 'b': "\b", 'f': "\f",
	'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

// unescape reads the escapes of a string as Python does: an unknown one keeps its
// backslash, so that '(\d+)' needs no second one. If an escape is malformed it
// returns the byte at which, and what is wrong.
func unescape(s string) (value string, at int, message string) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, 0, ""
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		if simple, ok := simpleEscapes[s[i+1]]; ok {
			b.WriteString(simple)
			i += 2
			continue
		}
		r, size, message := codeEscape(s[i+1:])
		switch {
		case message != "":
			return "", i, message
		case size == 0:
			b.WriteByte('\\')
			i++
			continue
		}
		b.WriteRune(r)
		i += 1 + size
	}
	return b.String(), 0, ""
}

// codeEscape reads an escape that gives a character's number, behind its
// backslash. A size of 0 is none.
func codeEscape(s string) (r rune, size int, message string) {
	digits := 0
	switch s[0] {
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	case 'N':
		return 0, 0, `characters are not known by name; write \u and the four digits of its number`
	case '0', '1', '2', '3', '4', '5', '6', '7':
		for size < 3 && size < len(s) && '0' <= s[size] && s[size] <= '7' {
			r = r<<3 | rune(s[size]-'0')
			size++
		}
		return r, size, ""
	default:
		return 0, 0, ""
	}
	if len(s) < 1+digits {
		return 0, 0, `this escape is too short`
	}
	for _, c := range []byte(s[1 : 1+digits]) {
		d := hexDigit(c)
		if d < 0 {
			return 0, 0, `this escape needs hexadecimal digits`
		}
		r = r<<4 | d
	}
	if r > utf8.MaxRune || r < 0 {
		return 0, 0, `there is no such character`
	}
	return r, 1 + digits, ""
}

func hexDigit(c byte) rune {
	switch {
	case isDigit(c):
		return rune(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return -1
}

// isASCII says that a text has characters of one byte only.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func runeCount(s string) int { return utf8.RuneCountInString(s) }
