package template

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDigits bounds a number in JSON, as Python bounds an integer's.
const maxDigits = 4300

// Decode reads a JSON document. Numbers keep their digits, members their order,
// and the last of several members with one name counts. What is nested more than
// 200 deep, or a number of more than 4,300 digits, is a limit error.
func Decode(json []byte) (Value, error) {
	return decodeJSON(string(json), defaultLimits.JSONDepth)
}

func decodeJSON(text string, depth int) (Value, error) {
	d := decoder{text: text, most: depth}
	v, err := d.value()
	if err != nil {
		return Value{}, err
	}
	if d.space(); d.pos < len(text) {
		return Value{}, d.fail("there is more text behind the value")
	}
	return v, nil
}

// decoder reads JSON.
type decoder struct {
	text  string
	pos   int
	depth int
	most  int // the depth that depth may have
}

func (d *decoder) fail(message string) error {
	return typeError("this is not JSON: byte %d: %s", d.pos+1, message)
}

func (d *decoder) space() {
	for d.pos < len(d.text) {
		switch d.text[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

func (d *decoder) peek() byte {
	if d.pos < len(d.text) {
		return d.text[d.pos]
	}
	return 0
}

func (d *decoder) value() (Value, error) {
	d.space()
	switch c := d.peek(); {
	case c == '{' || c == '[':
		if d.depth++; d.depth > d.most {
			return Value{}, limitError("more than %d lists and dicts are in one another", d.most)
		}
		defer func() { d.depth-- }()
		d.pos++
		if c == '[' {
			return d.list()
		}
		return d.dict()
	case c == '"':
		s, err := d.string()
		return String(s), err
	case c == '-' || isDigit(c):
		return d.number()
	}
	for word, v := range jsonWords {
		if strings.HasPrefix(d.text[d.pos:], word) {
			d.pos += len(word)
			return v, nil
		}
	}
	return Value{}, d.fail("a value is missing")
}

var jsonWords = map[string]Value{"null": Null(), "true": Bool(true), "false": Bool(false)}

func (d *decoder) number() (Value, error) {
	n := scanNumber(d.text[d.pos:])
	if n == 0 {
		return Value{}, d.fail("a number is malformed")
	}
	text := d.text[d.pos : d.pos+n]
	if n > maxDigits {
		return Value{}, limitError("a number has more than %d digits", maxDigits)
	}
	d.pos += n
	return Number(text), nil
}

// scanNumber returns the length of the JSON number that a text begins with.
func scanNumber(s string) int {
	n := 0
	digits := func() int {
		start := n
		for n < len(s) && isDigit(s[n]) {
			n++
		}
		return n - start
	}
	if n < len(s) && s[n] == '-' {
		n++
	}
	start := n
	if digits() == 0 || s[start] == '0' && n > start+1 {
		return 0
	}
	whole := n
	if n < len(s) && s[n] == '.' {
		n++
		if digits() == 0 {
			return whole
		}
		whole = n
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		n++
		if n < len(s) && (s[n] == '+' || s[n] == '-') {
			n++
		}
		if digits() == 0 {
			return whole
		}
	}
	return n
}

func (d *decoder) list() (Value, error) {
	items := []Value{}
	if d.space(); d.peek() == ']' {
		d.pos++
		return List(items...), nil
	}
	for {
		v, err := d.value()
		if err != nil {
			return Value{}, err
		}
		items = append(items, v)
		d.space()
		switch d.peek() {
		case ',':
			d.pos++
		case ']':
			d.pos++
			return List(items...), nil
		default:
			return Value{}, d.fail("a comma or ] is missing")
		}
	}
}

func (d *decoder) dict() (Value, error) {
	out := &dict{}
	if d.space(); d.peek() == '}' {
		d.pos++
		return Value{kind: KindDict, ref: out}, nil
	}
	for {
		if d.space(); d.peek() != '"' {
			return Value{}, d.fail("a member's name is missing")
		}
		name, err := d.string()
		if err != nil {
			return Value{}, err
		}
		if d.space(); d.peek() != ':' {
			return Value{}, d.fail("a colon is missing")
		}
		d.pos++
		v, err := d.value()
		if err != nil {
			return Value{}, err
		}
		if err := out.set(String(name), v); err != nil {
			return Value{}, err
		}
		d.space()
		switch d.peek() {
		case ',':
			d.pos++
		case '}':
			d.pos++
			return Value{kind: KindDict, ref: out}, nil
		default:
			return Value{}, d.fail("a comma or } is missing")
		}
	}
}

// string reads a string, at its opening quote.
func (d *decoder) string() (string, error) {
	d.pos++
	start := d.pos
	for d.pos < len(d.text) {
		switch c := d.text[d.pos]; {
		case c == '"':
			s := d.text[start:d.pos]
			d.pos++
			return strings.ToValidUTF8(s, "\uFFFD"), nil
		case c == '\\':
			return d.escaped(start)
		case c < ' ':
			return "", d.fail("a string holds a control character")
		}
		d.pos++
	}
	return "", d.fail("a string is never closed")
}

// escaped reads a string with escapes in it, from the first one on.
func (d *decoder) escaped(start int) (string, error) {
	var b strings.Builder
	b.WriteString(d.text[start:d.pos])
	for d.pos < len(d.text) {
		c := d.text[d.pos]
		switch {
		case c == '"':
			d.pos++
			return strings.ToValidUTF8(b.String(), "\uFFFD"), nil
		case c < ' ':
			return "", d.fail("a string holds a control character")
		case c != '\\':
			b.WriteByte(c)
			d.pos++
			continue
		}
		r, n := jsonEscape(d.text[d.pos+1:])
		if n == 0 {
			return "", d.fail("an escape is malformed")
		}
		b.WriteRune(r)
		d.pos += 1 + n
	}
	return "", d.fail("a string is never closed")
}

// jsonEscape reads an escape behind its backslash; a length of 0 is none.
func jsonEscape(s string) (r rune, n int) {
	if s == "" {
		return 0, 0
	}
	if i := strings.IndexByte(`"\/bfnrt`, s[0]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 1
	}
	if r, n = jsonUnit(s); n == 0 || !utf16.IsSurrogate(r) {
		return r, n
	}
	if len(s) > n && s[n] == '\\' {
		if low, m := jsonUnit(s[n+1:]); m > 0 {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, n + 1 + m
			}
		}
	}
	return utf8.RuneError, n
}

func jsonUnit(s string) (r rune, n int) {
	if len(s) < 5 || s[0] != 'u' {
		return 0, 0
	}
	for _, c := range []byte(s[1:5]) {
		h := hexDigit(c)
		if h < 0 {
			return 0, 0
		}
		r = r<<4 | h
	}
	return r, 5
}

// AppendJSON appends a value as JSON to dst: undefined as null, a tuple or set as
// a list, a time as text in ISO 8601, a duration and bytes as text. A float that
// is no number, and what is nested too deeply, is an error.
func AppendJSON(dst []byte, v Value) ([]byte, error) {
	w := jsonWriter{out: dst, comma: ",", colon: ":", lenient: true}
	err := w.value(v)
	return w.out, err
}

// jsonWriter writes JSON in one of several manners.
type jsonWriter struct {
	out          []byte
	run          *run // whose limits count; nil for the default ones
	comma, colon string
	indent       int  // blanks by which a level is indented; -1 or less has none, as has 0 with comma ","
	lines        bool // each item on a line of its own
	ascii        bool // other characters are escaped
	sorted       bool // members by name, with a run
	lenient      bool // as AppendJSON describes; else as Python
	depth        int
	counted      int // bytes of out that have been counted as steps
}

func (w *jsonWriter) check() error {
	if w.run == nil {
		return nil
	}
	n := len(w.out)
	steps := 1 + (n-w.counted)/bytesAStep
	w.counted = n
	return w.run.written(n, steps)
}

func (w *jsonWriter) value(v Value) error {
	switch v.kind {
	case KindNull:
		w.out = append(w.out, "null"...)
	case KindBool:
		w.out = strconv.AppendBool(w.out, v.num == 1)
	case KindInt, KindFloat:
		if !w.lenient {
			v = v.plain()
		}
		digits := v.Digits()
		if digits == "" {
			return typeError("a float that is no number cannot be written as JSON")
		}
		w.out = append(w.out, digits...)
	case KindString:
		w.string(v.str)
	case KindList, KindTuple:
		return w.list(v.items())
	case KindDict:
		return w.dict(v)
	default:
		return w.other(v)
	}
	return w.check()
}

// other writes what JSON has no kind for.
func (w *jsonWriter) other(v Value) error {
	if !w.lenient {
		return typeError("%s cannot be written as JSON", v.kind)
	}
	switch v.kind {
	case KindUndefined, kindAbsent:
		w.out = append(w.out, "null"...)
	case KindSet:
		return w.list(v.items())
	case KindTime:
		w.string(string(appendTime(nil, v, 'T')))
	case KindBytes:
		w.string(strings.ToValidUTF8(v.str, "\uFFFD"))
	default:
		w.string(v.String())
	}
	return w.check()
}

func (w *jsonWriter) enter() error {
	limit := defaultLimits.JSONDepth
	if w.run != nil {
		limit = w.run.limits.JSONDepth
	}
	if w.depth++; w.depth > limit {
		return limitError("more than %d lists and dicts are in one another", limit)
	}
	return nil
}

// line begins a line, if lines are written.
func (w *jsonWriter) line() {
	if w.lines {
		w.out = append(w.out, '\n')
		w.out = append(w.out, bytes.Repeat([]byte{' '}, max(0, w.indent*w.depth))...)
	}
}

func (w *jsonWriter) list(items []Value) error {
	if len(items) == 0 {
		w.out = append(w.out, "[]"...)
		return w.check()
	}
	if err := w.enter(); err != nil {
		return err
	}
	w.out = append(w.out, '[')
	for i, item := range items {
		if i > 0 {
			w.out = append(w.out, w.comma...)
		}
		w.line()
		if err := w.value(item); err != nil {
			return err
		}
	}
	w.depth--
	w.line()
	w.out = append(w.out, ']')
	return w.check()
}

func (w *jsonWriter) dict(v Value) error {
	pairs := v.dict().pairs
	if len(pairs) == 0 {
		w.out = append(w.out, "{}"...)
		return w.check()
	}
	if err := w.enter(); err != nil {
		return err
	}
	if w.sorted {
		pairs = slices.Clone(pairs)
		var fault error
		slices.SortStableFunc(pairs, func(a, b Pair) int {
			order, err := w.run.order(a.Key, b.Key)
			if err != nil && fault == nil {
				fault = err
			}
			return order
		})
		if fault != nil {
			return fault
		}
	}
	w.out = append(w.out, '{')
	for i, p := range pairs {
		if i > 0 {
			w.out = append(w.out, w.comma...)
		}
		w.line()
		if err := w.key(p.Key); err != nil {
			return err
		}
		w.out = append(w.out, w.colon...)
		if err := w.value(p.Value); err != nil {
			return err
		}
	}
	w.depth--
	w.line()
	w.out = append(w.out, '}')
	return w.check()
}

// key writes a member's name; one that is no string becomes one.
func (w *jsonWriter) key(k Value) error {
	switch k.kind {
	case KindString:
		w.string(k.str)
	case KindNull:
		w.string("null")
	case KindBool:
		w.string(strconv.FormatBool(k.num == 1))
	case KindInt, KindFloat:
		w.string(k.plain().Digits())
	default:
		if !w.lenient {
			return typeError("%s cannot be a member's name in JSON", k.kind)
		}
		w.string(k.String())
	}
	return nil
}

const hexDigits = "0123456789abcdef"

func (w *jsonWriter) string(s string) {
	w.out = append(w.out, '"')
	start := 0
	for i, r := range s {
		size := utf8.RuneLen(r)
		switch {
		case r == '"' || r == '\\' || r < ' ' || w.ascii && r > '~':
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			size = 1
		default:
			continue
		}
		w.out = append(w.out, s[start:i]...)
		start = i + size
		w.escape(r)
	}
	w.out = append(append(w.out, s[start:]...), '"')
}

func (w *jsonWriter) escape(r rune) {
	if i := strings.IndexRune("\"\\\b\f\n\r\t", r); i >= 0 {
		w.out = append(w.out, '\\', `"\bfnrt`[i])
		return
	}
	if r == utf8.RuneError && !w.ascii {
		w.out = append(w.out, "\uFFFD"...)
		return
	}
	if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
		w.unit(high)
		r = low
	}
	w.unit(r)
}

func (w *jsonWriter) unit(r rune) {
	w.out = append(w.out, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
