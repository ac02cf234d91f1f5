package template

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxParentheses is how many brackets Python's reader takes in one another.
const maxParentheses = 200

// ParseLiteral reads text as Python's ast.literal_eval does: a number, string,
// bytes, tuple, list, set or dict of such, True, False or None. For text that is
// no literal ok is false; it is false too for a complex number, which the manifest
// format leaves as text, and for a character given by its name in an escape. What
// Python fails on, a set or dict with a member that can be no key, is an error, and
// so is a value past the default [Limits].
func ParseLiteral(text string) (v Value, ok bool, err error) {
	limits := defaultLimits
	return parseLiteral(text, &limits)
}

func parseLiteral(text string, limits *Limits) (v Value, ok bool, err error) {
	text = strings.TrimLeft(text, " \t")
	if text == "" || !beginsLiteral(text[0]) {
		return Value{}, false, nil
	}
	if len(text) > limits.Output {
		return Value{}, false, limitError("the text becomes longer than %d bytes", limits.Output)
	}
	if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
		return Value{}, false, nil
	}
	l := literalReader{text: newlines(text), limits: limits}
	if v, ok = l.whole(); !ok { // a fault of the text comes before one of its values
		return Value{}, false, nil
	}
	return v, l.err == nil, l.err
}

// beginsLiteral says that a literal may begin with a character.
func beginsLiteral(c byte) bool {
	return isDigit(c) || strings.IndexByte("'\"([{+-.#\n\r\\\fTFNsbBrRuU", c) >= 0
}

// literalReader reads Python literals. Its methods return false where the text is
// no literal.
type literalReader struct {
	text   string
	pos    int
	depth  int // brackets that are open: there, ends of lines are white space
	limits *Limits
	err    error // what ends the evaluation
}

func (l *literalReader) peek() byte {
	if l.pos < len(l.text) {
		return l.text[l.pos]
	}
	return 0
}

// has goes past a character if it is the next one.
func (l *literalReader) has(c byte) bool {
	if l.pos < len(l.text) && l.text[l.pos] == c {
		l.pos++
		return true
	}
	return false
}

// space skips white space and comments within a logical line.
func (l *literalReader) space() {
	for l.pos < len(l.text) {
		switch c := l.text[l.pos]; {
		case c == ' ' || c == '\t' || c == '\f':
			l.pos++
		case c == '\n' && l.depth > 0:
			l.pos++
		case c == '\\' && strings.HasPrefix(l.text[l.pos+1:], "\n") && l.pos+2 < len(l.text):
			l.pos += 2
		case c == '#':
			end := strings.IndexByte(l.text[l.pos:], '\n')
			if end < 0 {
				end = len(l.text) - l.pos
			}
			l.pos += end
		default:
			return
		}
	}
}

// whole reads the literal that the text is.
func (l *literalReader) whole() (Value, bool) {
	for { // empty lines
		start := l.pos
		l.space()
		if l.has('\n') {
			continue
		}
		if start > 0 && l.pos > start && l.text[l.pos-1] != '\n' {
			return Value{}, false // an indented line
		}
		break
	}
	v, ok := l.list()
	if !ok {
		return Value{}, false
	}
	for l.space(); l.has('\n'); l.space() {
		if rest := l.text[l.pos:]; rest != "" && strings.Trim(rest, " \t\f") == "" {
			return Value{}, false // a last line that is blanks, without an end
		}
	}
	return v, l.pos == len(l.text)
}

// list reads an expression, or several with commas between them as a tuple.
func (l *literalReader) list() (Value, bool) {
	first, ok := l.value()
	l.space()
	if !ok || !l.has(',') {
		return first, ok
	}
	items := []Value{first}
	for {
		l.space()
		if c := l.peek(); c == 0 || c == ')' || c == '\n' {
			return tuple(items...), true
		}
		v, ok := l.value()
		if !ok {
			return Value{}, false
		}
		items = append(items, v)
		if l.space(); !l.has(',') {
			return tuple(items...), true
		}
	}
}

// value reads one value with its sign.
func (l *literalReader) value() (Value, bool) {
	l.space()
	minus := l.peek() == '-'
	if !minus && l.peek() != '+' {
		v, _, ok := l.atom()
		return v, ok
	}
	l.pos++
	l.space()
	v, number, ok := l.atom()
	if !ok || !number {
		return Value{}, false
	}
	v, err := signed(v, minus)
	return v, err == nil
}

// atom reads one value, and says whether it is a number without a sign, before
// which a sign may stand.
func (l *literalReader) atom() (v Value, number, ok bool) {
	c := l.peek()
	switch {
	case isDigit(c) || c == '.':
		v, ok = l.number()
		return v, true, ok
	case c == '(':
		return l.parenthesis()
	case c == '[':
		items, ok := l.items(']')
		return List(items...), false, ok
	case c == '{':
		v, ok = l.braces()
		return v, false, ok
	case c == '\'' || c == '"':
		v, ok = l.strings()
		return v, false, ok
	}
	word := l.word()
	if next := l.after(len(word)); (next == '\'' || next == '"') && len(word) <= 2 {
		v, ok = l.strings()
		return v, false, ok
	}
	l.pos += len(word)
	switch word {
	case "None":
		return Null(), false, true
	case "True":
		return Bool(true), false, true
	case "False":
		return Bool(false), false, true
	case "set":
		return l.emptySet()
	}
	return Value{}, false, false
}

// emptySet reads the parentheses of set().
func (l *literalReader) emptySet() (v Value, number, ok bool) {
	if l.space(); !l.has('(') {
		return Value{}, false, false
	}
	l.depth++
	l.space()
	l.depth--
	return Value{kind: KindSet, ref: &list{}}, false, l.has(')')
}

func (l *literalReader) after(n int) byte {
	if l.pos+n < len(l.text) {
		return l.text[l.pos+n]
	}
	return 0
}

// word returns the name that comes next.
func (l *literalReader) word() string {
	return l.text[l.pos : l.pos+nameLength(l.text[l.pos:])]
}

// enter goes past an opening bracket.
func (l *literalReader) enter() bool {
	l.pos++
	l.depth++
	return l.depth <= maxParentheses
}

// leave goes past the closing bracket that must be there.
func (l *literalReader) leave(c byte) bool {
	l.space()
	l.depth--
	return l.has(c)
}

func (l *literalReader) parenthesis() (v Value, number, ok bool) {
	if !l.enter() {
		return Value{}, false, false
	}
	if l.space(); l.peek() == ')' {
		return tuple(), false, l.leave(')')
	}
	start := l.pos
	v, ok = l.list()
	// a sign before the parentheses is before the number in them
	number = v.isNumber() && l.text[start] != '-' && l.text[start] != '+'
	return v, number, ok && l.leave(')')
}

// items reads the items of a list or set, to its closing bracket.
func (l *literalReader) items(end byte) ([]Value, bool) {
	items := []Value{}
	if !l.enter() {
		return nil, false
	}
	for {
		if l.space(); l.peek() == end {
			return items, l.leave(end)
		}
		v, ok := l.value()
		if !ok {
			return nil, false
		}
		items = append(items, v)
		if l.space(); !l.has(',') {
			return items, l.leave(end)
		}
	}
}

// braces reads a set or a dict.
func (l *literalReader) braces() (Value, bool) {
	if !l.enter() {
		return Value{}, false
	}
	d := &dict{}
	isSet := false
	for n := 0; ; n++ {
		if l.space(); l.peek() == '}' {
			break
		}
		k, ok := l.value()
		if !ok {
			return Value{}, false
		}
		l.space()
		colon := l.has(':')
		if n == 0 {
			isSet = !colon
		}
		v := k
		if colon {
			v, ok = l.value()
		}
		if !ok || colon == isSet {
			return Value{}, false
		}
		if err := d.set(k, v); err != nil && l.err == nil {
			l.err = err
		}
		if l.space(); !l.has(',') {
			break
		}
	}
	if !l.leave('}') {
		return Value{}, false
	}
	if !isSet {
		return Value{kind: KindDict, ref: d}, true
	}
	items := make([]Value, len(d.pairs))
	for i, p := range d.pairs {
		items[i] = p.Key
	}
	return Value{kind: KindSet, ref: &list{items}}, true
}

// number reads an integer or a float.
func (l *literalReader) number() (Value, bool) {
	rest := l.text[l.pos:]
	if len(rest) > 2 && rest[0] == '0' && strings.IndexByte("xXoObB", rest[1]) >= 0 {
		return l.based(rest)
	}
	whole := decimalLength(rest)
	n := whole
	if n < len(rest) && rest[n] == '.' {
		n++
		n += decimalLength(rest[n:])
		if n == 1 {
			return Value{}, false
		}
	}
	float := n > whole
	if n < len(rest) && rest[n]|0x20 == 'e' {
		sign := n + 1
		if sign < len(rest) && (rest[sign] == '+' || rest[sign] == '-') {
			sign++
		}
		if sign < len(rest) {
			if d := decimalLength(rest[sign:]); d > 0 {
				n, float = sign+d, true
			}
		}
	}
	if !l.ends(rest, n) {
		return Value{}, false
	}
	l.pos += n
	digits := strings.ReplaceAll(rest[:n], "_", "")
	if float {
		f, _ := strconv.ParseFloat(digits, 64) // out of range is infinite, as in Python
		return Float(f), true
	}
	if digits[0] == '0' && strings.Trim(digits, "0") != "" || len(digits) > maxDigits {
		return Value{}, false
	}
	return l.integer(digits, 10)
}

// based reads an integer that says its base.
func (l *literalReader) based(rest string) (Value, bool) {
	base, is := 16, func(c byte) bool { return hexDigit(c) >= 0 }
	switch rest[1] | 0x20 {
	case 'o':
		base, is = 8, func(c byte) bool { return '0' <= c && c <= '7' }
	case 'b':
		base, is = 2, func(c byte) bool { return c == '0' || c == '1' }
	}
	start := 2
	if rest[2] == '_' {
		start = 3
	}
	n := start + digitsLength(rest[start:], is)
	if n == start || !l.ends(rest, n) {
		return Value{}, false
	}
	l.pos += n
	return l.integer(strings.ReplaceAll(rest[start:n], "_", ""), base)
}

func (l *literalReader) integer(digits string, base int) (Value, bool) {
	if n, err := strconv.ParseInt(digits, base, 64); err == nil {
		return Int(n), true
	}
	n, ok := new(big.Int).SetString(digits, base)
	if ok && n.BitLen() > l.limits.Bits && l.err == nil {
		l.err = limitError("a whole number is larger than %d bits", l.limits.Bits)
	}
	if !ok {
		return Value{}, false
	}
	return bigInt(n), true
}

// ends says that a number ends at a byte: nothing follows that would belong to it.
func (l *literalReader) ends(s string, n int) bool {
	return n >= len(s) || s[n] != '_' && s[n] != '.' && !isLetter(s[n]) && !isDigit(s[n])
}

// strings reads one string, or several in a row as one.
func (l *literalReader) strings() (Value, bool) {
	v, ok := l.string()
	for ok {
		l.space()
		prefix := len(l.word())
		if next := l.after(prefix); prefix > 2 || next != '\'' && next != '"' {
			return v, true
		}
		var more Value
		if more, ok = l.string(); ok {
			ok = more.kind == v.kind
			v.str += more.str
		}
	}
	return Value{}, false
}

// string reads one string with its prefix.
func (l *literalReader) string() (Value, bool) {
	kind, raw := KindString, false
	prefix := strings.ToLower(l.word())
	switch prefix {
	case "", "u":
	case "r":
		raw = true
	case "b":
		kind = KindBytes
	case "br", "rb":
		kind, raw = KindBytes, true
	default:
		return Value{}, false
	}
	l.pos += len(prefix)
	body, ok := l.quoted()
	if !ok || kind == KindBytes && !isASCII(body) {
		return Value{}, false
	}
	if raw {
		return Value{kind: kind, str: body}, true
	}
	if kind == KindBytes {
		s, ok := unescapeBytes(body)
		return bytesValue(s), ok
	}
	s, _, message := unescape(body)
	return String(s), message == ""
}

// quoted returns what is between quotes, single or triple.
func (l *literalReader) quoted() (string, bool) {
	quote := l.text[l.pos : l.pos+1]
	triple := strings.HasPrefix(l.text[l.pos:], strings.Repeat(quote, 3))
	if triple {
		quote = strings.Repeat(quote, 3)
	}
	start := l.pos + len(quote)
	for i := start; i < len(l.text); i++ {
		switch {
		case l.text[i] == '\\':
			i++
		case l.text[i] == '\n' && !triple:
			return "", false
		case strings.HasPrefix(l.text[i:], quote):
			l.pos = i + len(quote)
			return l.text[start:i], true
		}
	}
	return "", false
}

// unescapeBytes reads the escapes of bytes, which know no characters but bytes.
func unescapeBytes(s string) (string, bool) {
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
		if strings.IndexByte("x01234567", s[i+1]) < 0 {
			b.WriteByte('\\')
			i++
			continue
		}
		r, size, message := codeEscape(s[i+1:])
		if message != "" {
			return "", false
		}
		b.WriteByte(byte(r)) //nolint:gosec // Python keeps the low eight bits too
		i += 1 + size
	}
	return b.String(), true
}

// Boolean says whether a value counts as true where the manifest format wants a
// condition: all does but false, zero, what is empty, and the texts False, false,
// {}, [], (), 0 and 0.0. Null counts as true there, as does undefined text.
func Boolean(v Value) bool {
	switch v.kind {
	case KindString:
		switch v.str {
		case "False", "false", "{}", "[]", "()", "", "0", "0.0":
			return false
		}
		return true
	case KindBool, KindInt, KindFloat, KindList, KindDict, KindTuple, KindSet:
		return v.Truthy()
	default:
		return true
	}
}
