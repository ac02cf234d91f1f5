package mapping

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits on values.
const (
	maxText     = 64 << 10 // bytes of a text, and of a list as a whole
	maxDigits   = 1000     // digits of a decimal, the zeros of its exponent included
	maxExcerpt  = 80       // characters of a value that a fault quotes
	maxExponent = 9999     // beyond it an exponent is too large to be read
)

// Parse reads a value that a person or a configuration file gives as text, as if
// it came from a vendor as a string; dates are in [ISO8601]. The error says what
// is wrong with the value.
func (f *Field) Parse(text string) (Value, error) {
	c := newCoercion(f, ISO8601)
	var a arena
	reason := checkText(text)
	var v Value
	if reason == "" {
		v, reason = c.text(f.Type, text, &a)
	}
	if reason != "" {
		return Value{}, fmt.Errorf("%q %s", excerpt(text), reason)
	}
	return v, nil
}

// FromJSON reads a value that stands in a vendor's record as this JSON; format
// says how a date is written there, and empty means [ISO8601]. The value may
// share memory with raw. The error says what is wrong with the value.
func (f *Field) FromJSON(raw []byte, format Format) (Value, error) {
	if !format.known() {
		return Value{}, fmt.Errorf("unknown date format %q", format)
	}
	s := scanner{src: raw}
	var t token
	i := s.skip(s.blank(0), 0, &t)
	if i >= 0 {
		if i = s.blank(i); i < len(raw) {
			i = s.fail(i, "there is something after the end of the value")
		}
	}
	if i < 0 {
		return Value{}, fmt.Errorf("invalid JSON at offset %d: %s", s.failAt, s.failed)
	}
	var a arena
	c := newCoercion(f, format)
	v, reason := c.value(raw, t, &a)
	if reason != "" {
		return Value{}, fmt.Errorf("%q %s", excerpt(view(raw[t.start:t.end])), reason)
	}
	return v, nil
}

// A coercion turns the JSON values of one place into values of one field: to
// the declared type only, whatever the value looks like. Its methods return the
// reason why a value is of no use, or "".
type coercion struct {
	field  *Field
	format Format
	hints  *hints // of the field's placeholders; nil where there are none
	plain  bool   // any text that is not blank is a value as it is
}

func newCoercion(f *Field, format Format) coercion {
	return coercion{
		field: f, format: format, hints: newHints(f.Placeholders),
		plain: (f.Type == Text || f.Type == LongText || f.Type == Reference) && len(f.Placeholders) == 0,
	}
}

// value reads one JSON value.
func (c *coercion) value(src []byte, t token, a *arena) (Value, string) {
	if c.plain && t.isPlain(src) {
		return TextValue(view(src[t.start:t.end])), "" // most values by far
	}
	switch t.kind {
	case absentToken:
		return Value{}, ""
	case nullToken:
		return Null, ""
	default:
	}
	if c.field.Type == List {
		return c.list(src, t, a)
	}
	return c.scalar(c.field.Type, src, t, a)
}

// isPlain reports whether a token is a string that is good as it stands: without
// escapes, all ASCII, not too long, and beginning with something to see.
func (t *token) isPlain(src []byte) bool {
	return t.kind == stringToken && !t.escaped && !t.wide && t.start < t.end && t.end-t.start <= maxText && src[t.start] > ' '
}

// scalar reads a JSON value that is a single one.
func (c *coercion) scalar(typ Type, src []byte, t token, a *arena) (Value, string) {
	switch t.kind {
	case stringToken:
		text, reason := stringOf(src, t, a)
		if reason != "" {
			return Value{}, reason
		}
		return c.text(typ, text, a)
	case numberToken:
		return c.number(typ, view(src[t.start:t.end]), a)
	case trueToken, falseToken:
		return c.boolean(typ, t.kind == trueToken)
	case objectToken:
		return Value{}, "is an object; map one of its members, as in " + exampleMember
	case arrayToken:
		return Value{}, "is a list; map one of its items, as in " + exampleItem
	case absentToken, nullToken:
	}
	return Null, ""
}

const (
	exampleMember = "model.name"
	exampleItem   = "addresses[0]"
)

// stringOf returns what a JSON string means.
func stringOf(src []byte, t token, a *arena) (text, reason string) {
	raw := src[t.start:t.end]
	if !t.escaped {
		if len(raw) > maxText {
			return "", tooLong
		}
		if t.wide && !utf8.Valid(raw) {
			return "", notUTF8
		}
		return view(raw), ""
	}
	text = a.keep(appendUnescaped(a.buffer(len(raw)), raw))
	return text, checkText(text)
}

const (
	tooLong = "is longer than 64 KiB"
	notUTF8 = "is not valid UTF-8; set the encoding that the file is really in"
)

// checkText says why a text cannot be kept in any field.
func checkText(s string) string {
	switch {
	case len(s) > maxText:
		return tooLong
	case !utf8.ValidString(s):
		return notUTF8
	case strings.IndexByte(s, 0) >= 0:
		return "has a NUL character in it"
	}
	return ""
}

// text reads a value given as text.
func (c *coercion) text(typ Type, s string, a *arena) (Value, string) {
	trimmed := trim(s)
	if trimmed == "" {
		return Null, ""
	}
	switch typ {
	case Text, LongText, Reference:
		return c.identifying(s, trimmed), ""
	case Integer:
		return parseInteger(trimmed, a)
	case Decimal:
		return parseDecimal(trimmed, a)
	case Boolean:
		return parseBoolean(trimmed)
	case Date, DateTime:
		return c.date(typ, trimmed, a)
	case Choice:
		return c.choice(trimmed)
	case Email:
		return c.email(trimmed)
	case MAC:
		return c.mac(trimmed, a)
	case IP:
		return parseIP(trimmed, a)
	case List:
		return c.oneItem(trimmed, a)
	}
	return Value{}, "belongs to a field of the unknown type " + string(typ)
}

// identifying returns a text, or null for a placeholder.
func (c *coercion) identifying(s, trimmed string) Value {
	if c.hints != nil && (c.hints.has(trimmed) && c.field.lists(trimmed) || isFiller(trimmed)) {
		return Null
	}
	return TextValue(s)
}

// number reads a JSON number, of which text keeps every digit as it is written.
func (c *coercion) number(typ Type, digits string, a *arena) (Value, string) {
	if len(digits) > maxText {
		return Value{}, tooLong
	}
	switch typ {
	case Email, MAC, IP:
		return Value{}, "is a number"
	case Date, DateTime:
		if c.format == ISO8601 || c.format == "" {
			return Value{}, "is a number; say how the date is written, as in format: epoch-seconds"
		}
	default:
	}
	return c.text(typ, digits, a)
}

// boolean reads a JSON true or false.
func (c *coercion) boolean(typ Type, b bool) (Value, string) {
	word := "false"
	if b {
		word = "true"
	}
	switch typ {
	case Boolean:
		return BoolValue(b), ""
	case Text, LongText, Reference:
		return c.identifying(word, word), ""
	case Choice:
		return c.choice(word)
	default:
		return Value{}, "is true or false, not " + typ.noun()
	}
}

// noun names a type in the middle of a sentence.
func (t Type) noun() string {
	switch t {
	case Integer:
		return "a whole number"
	case Decimal:
		return "a number"
	case Date, DateTime:
		return "a date"
	case Email:
		return "an e-mail address"
	case MAC:
		return "a MAC address"
	case IP:
		return "an IP address"
	default:
		return "text"
	}
}

// parseBoolean reads a text that means true or false.
func parseBoolean(s string) (Value, string) {
	for i, words := range [2][4]string{{"false", "no", "0", "off"}, {"true", "yes", "1", "on"}} {
		for _, word := range words {
			if strings.EqualFold(s, word) {
				return IntValue(int64(i)), ""
			}
		}
	}
	return Value{}, "is neither true nor false; true, yes, on and 1 are true, false, no, off and 0 are false"
}

// choice reads one of the field's choices, whatever its case.
func (c *coercion) choice(s string) (Value, string) {
	if len(c.field.Choices) == 0 {
		return TextValue(s), ""
	}
	for _, choice := range c.field.Choices {
		if strings.EqualFold(choice, s) {
			return TextValue(choice), ""
		}
	}
	return Value{}, "is not one of " + strings.Join(c.field.Choices, ", ")
}

const notEmail = "is not an e-mail address such as name@example.com"

// email reads an address, of which it looks at no more than that there is one @
// with something on both sides and no blank.
func (c *coercion) email(s string) (Value, string) {
	at := strings.IndexByte(s, '@')
	if at <= 0 || at == len(s)-1 || strings.IndexByte(s[at+1:], '@') >= 0 || hasBlank(s) {
		return Value{}, notEmail
	}
	return c.identifying(s, s), ""
}

// hasBlank reports whether there is a blank or a control character in a text.
func hasBlank(s string) bool {
	for i := range len(s) {
		if !isPlain(s[i]) {
			return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
		}
	}
	return false
}

// mac reads a MAC address, or null for one that stands for none.
func (c *coercion) mac(s string, a *arena) (Value, string) {
	mac, ok := canonicalMAC(s, a)
	if !ok {
		return Value{}, "is not a MAC address of 6 or 8 bytes, such as aa:bb:cc:dd:ee:ff"
	}
	return c.identifying(mac, mac), ""
}

// canonicalMAC returns the canonical spelling of a MAC address that is written
// with colons, hyphens, dots or nothing between its bytes.
func canonicalMAC(s string, a *arena) (string, bool) {
	if isCanonicalMAC(s) {
		return s, true
	}
	group := len(s) // how many digits stand between separators
	var separator byte
	switch {
	case len(s) > 2 && (s[2] == ':' || s[2] == '-'):
		group, separator = 2, s[2]
	case len(s) > 4 && s[4] == '.':
		group, separator = 4, '.'
	}
	var digits [16]byte
	count, run := 0, 0 // digits so far, and since the last separator
	for i := range len(s) {
		c := s[i]
		if run == group && c == separator {
			run = 0
			continue
		}
		if unhex(c) < 0 || run == group || count == len(digits) {
			return "", false
		}
		if c >= 'A' && c <= 'F' {
			c |= 0x20
		}
		digits[count] = c
		count++
		run++
	}
	if run < group && separator != 0 {
		return "", false
	}
	if count != 12 && count != 16 {
		return "", false
	}
	out := append(a.buffer(23), digits[:2]...)
	for i := 2; i < count; i += 2 {
		out = append(out, ':', digits[i], digits[i+1])
	}
	return a.keep(out), true
}

// isCanonicalMAC reports whether a MAC address needs no rewriting.
func isCanonicalMAC(s string) bool {
	if len(s) != 17 && len(s) != 23 {
		return false
	}
	for i := range len(s) {
		switch {
		case i%3 == 2:
			if s[i] != ':' {
				return false
			}
		case unhex(s[i]) < 0 || s[i] <= 'F' && s[i] >= 'A':
			return false
		}
	}
	return true
}

// parseIP reads an IP address of either version.
func parseIP(s string, a *arena) (Value, string) {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return Value{}, "is not an IP address"
	}
	var buf [64]byte
	text := addr.AppendTo(buf[:0])
	if string(text) == s {
		return TextValue(s), ""
	}
	return TextValue(a.keep(append(a.buffer(len(text)), text...))), ""
}

// oneItem reads a list that is given as a single item.
func (c *coercion) oneItem(s string, a *arena) (Value, string) {
	v, reason := c.text(c.itemType(), s, a)
	if reason != "" {
		return Value{}, reason
	}
	return listOf(v, a)
}

func (c *coercion) itemType() Type {
	if c.field.Item == "" || c.field.Item == List {
		return Text
	}
	return c.field.Item
}

// list reads an array of single values, or one such value. Items that are empty
// or there already are left out; nothing left is an empty list, and that is
// null.
func (c *coercion) list(src []byte, t token, a *arena) (Value, string) {
	if t.kind != arrayToken {
		v, reason := c.scalar(c.itemType(), src, t, a)
		if reason != "" {
			return Value{}, reason
		}
		return listOf(v, a)
	}
	l := itemList{texts: a.items[:0]}
	s := scanner{src: src} // the array has been found valid before
	for i := s.blank(t.start + 1); src[i] != ']'; {
		var item token
		i = s.blank(s.skip(i, 0, &item))
		v, reason := c.scalar(c.itemType(), src, item, a)
		if reason != "" {
			return Value{}, "has an item that " + reason
		}
		l.add(v, a)
		if src[i] == ',' {
			i = s.blank(i + 1)
		}
	}
	return l.value(a)
}

// fewItems is how many items are compared one by one before a map is faster.
const fewItems = 16

// An itemList gathers a list's items.
type itemList struct {
	texts []string
	seen  map[string]bool // the texts, once there are many
}

// add appends an item that is neither empty nor there already.
func (l *itemList) add(v Value, a *arena) {
	if v.IsEmpty() {
		return
	}
	text := v.itemText(a)
	if l.seen == nil && len(l.texts) == fewItems {
		l.seen = make(map[string]bool, 2*fewItems)
		for _, t := range l.texts {
			l.seen[t] = true
		}
	}
	if l.seen == nil && slices.Contains(l.texts, text) || l.seen[text] {
		return
	}
	if l.seen != nil {
		l.seen[text] = true
	}
	l.texts = append(l.texts, text)
}

// itemText returns the text that stands for a value in a list.
func (v Value) itemText(a *arena) string {
	if v.Kind == KindInt {
		return a.keep(strconv.AppendInt(a.buffer(20), v.Int, 10))
	}
	return v.Text
}

// listOf returns the list of one value in canonical form; of an empty one it is
// null.
func listOf(v Value, a *arena) (Value, string) {
	if v.IsEmpty() {
		return Null, ""
	}
	text := v.itemText(a)
	list := appendString(append(a.buffer(len(text)+4), '['), text)
	return listValue(a.keep(append(list, ']')))
}

// listValue returns the value of a list in canonical form.
func listValue(text string) (Value, string) {
	if len(text) > maxText {
		return Value{}, tooLong
	}
	return TextValue(text), ""
}

// value returns the list in canonical form.
func (l *itemList) value(a *arena) (Value, string) {
	if len(l.texts) == 0 {
		return Null, ""
	}
	size := 2
	for _, t := range l.texts {
		size += len(t) + 3
	}
	out := append(a.buffer(size), '[')
	for i, t := range l.texts {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendString(out, t)
	}
	a.items = l.texts
	return listValue(a.keep(append(out, ']')))
}

// parseInteger reads a whole number: digits, or a number whose fraction is zero.
func parseInteger(s string, a *arena) (Value, string) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil && s[0] != '+' {
		return IntValue(n), ""
	}
	v, reason := parseDecimal(s, a)
	if reason == "" {
		if n, err = strconv.ParseInt(v.Text, 10, 64); err == nil {
			return IntValue(n), ""
		}
		if !strings.Contains(v.Text, ".") {
			return Value{}, "is too large a number"
		}
	}
	return Value{}, "is not a whole number in plain digits"
}

// parseDecimal reads a number and keeps every digit of it.
func parseDecimal(s string, a *arena) (Value, string) {
	d, ok := splitDecimal(s)
	switch {
	case !ok:
		return Value{}, "is not a number in plain digits"
	case d.canonical:
		return TextValue(s), ""
	case d.exponent > maxExponent || d.exponent < -maxExponent || d.length() > maxDigits:
		return Value{}, "is too large or too small a number"
	}
	return TextValue(a.keep(d.append(a.buffer(d.length() + 3)))), ""
}

// A decimalParts is a number in its parts.
type decimalParts struct {
	negative  bool
	whole     string // without leading zeros
	fraction  string // without trailing zeros
	exponent  int
	canonical bool // the number was written canonically
}

// splitDecimal takes a number apart that is written as JSON writes it; zeros may
// lead it.
func splitDecimal(s string) (d decimalParts, ok bool) {
	rest, negative := strings.CutPrefix(s, "-")
	end := digitsIn(rest, 0)
	whole, fraction := rest[:end], ""
	if end == 0 {
		return d, false
	}
	if rest = rest[end:]; rest != "" && rest[0] == '.' {
		end = digitsIn(rest, 1)
		if end == 1 {
			return d, false
		}
		fraction, rest = rest[1:end], rest[end:]
	}
	plain := rest == ""
	if !plain {
		if d.exponent, ok = exponent(rest); !ok {
			return d, false
		}
	}
	d.negative = negative
	d.whole = strings.TrimLeft(whole, "0")
	d.fraction = strings.TrimRight(fraction, "0")
	d.canonical = plain && len(d.fraction) == len(fraction) &&
		(len(d.whole) == len(whole) || whole == "0") && (!negative || d.whole != "" || d.fraction != "")
	return d, true
}

// exponent reads what follows a number's digits.
func exponent(s string) (n int, ok bool) {
	if s[0]|0x20 != 'e' {
		return 0, false
	}
	digits := s[1:]
	if digits != "" && (digits[0] == '+' || digits[0] == '-') {
		digits = digits[1:]
	}
	if digits == "" || digitsIn(digits, 0) != len(digits) {
		return 0, false
	}
	for _, c := range []byte(digits) {
		n = min(n*10+int(c-'0'), maxExponent+1)
	}
	if s[1] == '-' {
		n = -n
	}
	return n, true
}

// digitsIn returns the index after the digits that begin at i.
func digitsIn(s string, i int) int {
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	return i
}

// length returns about how many digits the number has without its exponent.
func (d *decimalParts) length() int {
	return len(d.whole) + len(d.fraction) + max(d.exponent, -d.exponent)
}

// append writes the number canonically: no exponent, no needless zero.
func (d *decimalParts) append(dst []byte) []byte {
	digit := func(i int) byte { // the digit at the place i before the point, the first one being 0
		switch {
		case 0 <= i && i < len(d.whole):
			return d.whole[i]
		case len(d.whole) <= i && i < len(d.whole)+len(d.fraction):
			return d.fraction[i-len(d.whole)]
		}
		return '0'
	}
	point := len(d.whole) + d.exponent
	first, last := 0, len(d.whole)+len(d.fraction)
	for first < last && digit(first) == '0' {
		first++
	}
	for last > first && digit(last-1) == '0' {
		last--
	}
	if first == last {
		return append(dst, '0')
	}
	if d.negative {
		dst = append(dst, '-')
	}
	if point <= first {
		dst = append(dst, '0')
	}
	for i := first; i < point; i++ {
		dst = append(dst, digit(i))
	}
	if last <= point {
		return dst
	}
	dst = append(dst, '.')
	for i := point; i < last; i++ {
		dst = append(dst, digit(i))
	}
	return dst
}

// excerpt returns a copy of what a fault quotes of a value.
func excerpt(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), maxExcerpt*utf8.UTFMax)], "\ufffd")
	n := 0
	for i := range s {
		if n == maxExcerpt {
			s = s[:i]
			break
		}
		n++
	}
	return strings.Clone(s)
}
