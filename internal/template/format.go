package template

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxWidth bounds the width and precision that a format may ask for.
const maxWidth = 1000

// percent formats as Python's % does: '%s is %05.1f' % (name, value).
func (c *run) percent(format string, operand Value) (Value, error) {
	p := percentFormat{run: c, format: format, operand: operand, single: []Value{operand}}
	if operand.kind == KindTuple {
		p.single = operand.items()
	}
	return p.all()
}

// percentFormat fills a format with values, in turn or by name.
type percentFormat struct {
	run     *run
	format  string
	operand Value
	single  []Value // the values to be used in turn
	used    int
	out     []byte
}

func (p *percentFormat) all() (Value, error) {
	rest := p.format
	for {
		i := strings.IndexByte(rest, '%')
		if i < 0 {
			break
		}
		p.out = append(p.out, rest[:i]...)
		n, err := p.conversion(rest[i+1:])
		if err != nil {
			return Value{}, err
		}
		rest = rest[i+1+n:]
		if err := p.run.textSize(len(p.out)); err != nil {
			return Value{}, err
		}
	}
	byName := p.operand.kind == KindDict || p.operand.kind == KindList || p.operand.kind == KindUndefined
	if p.used < len(p.single) && !byName {
		return Value{}, typeError("the format uses %d of %d values", p.used, len(p.single))
	}
	p.out = append(p.out, rest...)
	return String(string(p.out)), p.run.textSize(len(p.out))
}

// take returns the next value.
func (p *percentFormat) take() (Value, error) {
	if p.used >= len(p.single) {
		return Value{}, typeError("the format needs more values than there are")
	}
	p.used++
	return p.single[p.used-1], nil
}

// conversion formats one value as what follows a percent sign says, and returns
// the length of that.
func (p *percentFormat) conversion(s string) (int, error) {
	i := 0
	named := false
	var value Value
	if strings.HasPrefix(s, "(") {
		end := strings.IndexByte(s, ')')
		if end < 0 {
			return 0, typeError("the name in the format is never closed")
		}
		if p.operand.kind != KindDict {
			return 0, typeError("the format names a value, so it needs a dict, not %s", p.operand.kind)
		}
		var ok bool
		if value, ok = p.operand.dict().member(s[1:end]); !ok {
			return 0, typeError("the format names %q, which the dict has not", s[1:end])
		}
		named = true
		i = end + 1
	}
	var f fieldFormat
	for ; i < len(s) && strings.IndexByte("#0- +", s[i]) >= 0; i++ {
		f.flag(s[i])
	}
	width, err := p.size(s, &i)
	if err != nil {
		return 0, err
	}
	if width < 0 {
		f.align, width = '<', -width
	}
	f.width = width
	f.precision = -1
	if i < len(s) && s[i] == '.' {
		i++
		if f.precision, err = p.size(s, &i); err != nil {
			return 0, err
		}
		f.precision = max(f.precision, 0)
	}
	for i < len(s) && strings.IndexByte("hlL", s[i]) >= 0 {
		i++
	}
	if i == len(s) {
		return 0, typeError("the format ends behind a percent sign")
	}
	if s[i] == '%' {
		p.out = append(p.out, '%')
		return i + 1, nil
	}
	if !named {
		if value, err = p.take(); err != nil {
			return 0, err
		}
	}
	return i + 1, p.write(s[i], value, f)
}

// size reads a width or precision.
func (p *percentFormat) size(s string, i *int) (int, error) {
	if *i < len(s) && s[*i] == '*' {
		*i++
		v, err := p.take()
		if err != nil {
			return 0, err
		}
		n, ok := clampIndex(v)
		if !ok || n > maxWidth || n < -maxWidth {
			return 0, limitError("a width or precision is a whole number up to %d", maxWidth)
		}
		return n, nil
	}
	return readSize(s, i)
}

// readSize reads a number of digits.
func readSize(s string, i *int) (int, error) {
	n := 0
	for ; *i < len(s) && isDigit(s[*i]); *i++ {
		if n = n*10 + int(s[*i]-'0'); n > maxWidth {
			return 0, limitError("a width or precision is at most %d", maxWidth)
		}
	}
	return n, nil
}

// write formats one value by the letter of its conversion.
func (p *percentFormat) write(verb byte, v Value, f fieldFormat) error {
	var (
		text string
		err  error
	)
	switch verb {
	case 's', 'r', 'a':
		w := writer{run: p.run, keepDigits: p.run.typed}
		if verb == 's' {
			err = w.text(v)
		} else {
			err = w.repr(v)
		}
		text = cutRunes(string(w.out), f.precision)
		f.zero = false
	case 'c':
		if v.kind == KindString && runeCount(v.str) == 1 {
			text = v.str
			break
		}
		n, ok := clampIndex(v)
		if !ok || n < 0 || n > utf8.MaxRune {
			return typeError("%%c needs a character")
		}
		text = string(rune(n))
	case 'd', 'i', 'u':
		v, err = wholeNumber(v)
		if err == nil {
			text, err = f.integer(v, 'd')
		}
	case 'x', 'X', 'o':
		if v = v.numeric(); v.kind != KindInt {
			return typeError("%%%c needs a whole number, not %s", verb, v.kind)
		}
		text, err = f.integer(v, verb)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		n, ok := v.numeric().AsFloat()
		if !ok {
			return typeError("%%%c needs a number, not %s", verb, v.kind)
		}
		text, err = f.float(n, verb)
	default:
		return typeError("the format has no conversion %%%c", verb)
	}
	if err != nil {
		return err
	}
	if f.align == 0 {
		f.align = '>'
	}
	p.out = append(p.out, f.pad(text)...)
	return nil
}

// wholeNumber returns a number without its fraction.
func wholeNumber(v Value) (Value, error) {
	n := v.numeric()
	switch n.kind {
	case KindInt:
		return n, nil
	case KindFloat:
		return truncated(n.float())
	default:
		return Value{}, typeError("a number is needed here, not %s", v.kind)
	}
}

// truncated returns a float without its fraction.
func truncated(f float64) (Value, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Value{}, typeError("a float that is no number cannot become a whole one")
	}
	if math.Abs(f) < 1<<62 {
		return Int(int64(f)), nil
	}
	n, _ := big.NewFloat(f).Int(nil)
	return bigInt(n), nil
}

func cutRunes(s string, most int) string {
	if most < 0 {
		return s
	}
	for i := range s {
		if most == 0 {
			return s[:i]
		}
		most--
	}
	return s
}

// fieldFormat is how one value is formatted.
type fieldFormat struct {
	fill      string // "" is a blank
	align     byte   // <, >, ^ or =; 0 is the value's own
	sign      byte   // -, + or a blank
	alternate bool   // #
	zero      bool
	width     int
	group     byte // , or _ between thousands
	precision int  // -1 is the value's own
	verb      byte // 0 is the value's own
}

func (f *fieldFormat) flag(c byte) {
	switch c {
	case '#':
		f.alternate = true
	case '0':
		f.zero = f.align != '<'
	case '-':
		f.align, f.zero = '<', false
	case '+':
		f.sign = '+'
	case ' ':
		if f.sign == 0 {
			f.sign = ' '
		}
	}
}

// signed puts the sign before digits, and the prefix of their base.
func (f *fieldFormat) signed(negative bool, prefix, digits string) string {
	sign := ""
	switch {
	case negative:
		sign = "-"
	case f.sign == '+' || f.sign == ' ':
		sign = string(f.sign)
	}
	if f.group != 0 {
		plain := digits
		digits = grouped(plain, f.group, f.verb)
		for f.zero && runeCount(sign+prefix+digits) < f.width { // the zeros have separators too
			plain = "0" + plain
			digits = grouped(plain, f.group, f.verb)
		}
	}
	if f.zero || f.align == '=' {
		fill := f.fill
		switch {
		case fill == "" && f.zero:
			fill = "0"
		case fill == "":
			fill = " "
		}
		if missing := f.width - runeCount(sign+prefix+digits); missing > 0 {
			digits = strings.Repeat(fill, missing) + digits
		}
	}
	return sign + prefix + digits
}

// grouped puts separators between thousands, or between fours of other bases.
func grouped(digits string, separator, verb byte) string {
	size, ends := 3, ".eE%"
	if strings.IndexByte("xXob", verb) >= 0 && verb != 0 {
		size, ends = 4, ""
	}
	whole, fraction := digits, ""
	if i := strings.IndexAny(digits, ends); i >= 0 {
		whole, fraction = digits[:i], digits[i:]
	}
	var b strings.Builder
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%size == 0 {
			b.WriteByte(separator)
		}
		b.WriteByte(whole[i])
	}
	return b.String() + fraction
}

// integer formats a whole number.
func (f *fieldFormat) integer(v Value, verb byte) (string, error) {
	n := v.bigInt()
	digits, prefix := "", ""
	switch verb {
	case 'x', 'X':
		digits, prefix = new(big.Int).Abs(n).Text(16), "0x"
	case 'o':
		digits, prefix = new(big.Int).Abs(n).Text(8), "0o"
	case 'b':
		digits, prefix = new(big.Int).Abs(n).Text(2), "0b"
	default:
		digits = new(big.Int).Abs(n).String()
	}
	if !f.alternate {
		prefix = ""
	}
	if len(digits) < f.precision {
		digits = strings.Repeat("0", f.precision-len(digits)) + digits
	}
	if verb == 'X' {
		digits, prefix = strings.ToUpper(digits), strings.ToUpper(prefix)
	}
	return f.signed(n.Sign() < 0, prefix, digits), nil
}

// float formats a number with a fraction.
func (f *fieldFormat) float(n float64, verb byte) (string, error) {
	precision := f.precision
	if precision < 0 {
		precision = 6
	}
	lower := verb | 0x20
	percent := ""
	if verb == '%' {
		n, lower, percent = n*100, 'f', "%"
	}
	var digits string
	a := math.Abs(n)
	switch {
	case math.IsNaN(n):
		digits = "nan"
	case math.IsInf(n, 0):
		digits = "inf"
	case lower == 'g' || lower == 'r':
		digits = general(a, max(precision, 1), f.alternate)
	default:
		digits = strconv.FormatFloat(a, lower, precision, 64)
		if f.alternate && precision == 0 {
			digits += "."
		}
	}
	if verb == 'E' || verb == 'F' || verb == 'G' {
		digits = strings.ToUpper(digits)
	}
	return f.signed(math.Signbit(n) && !math.IsNaN(n), "", digits+percent), nil
}

// general formats a float as C's %g does.
func general(a float64, precision int, alternate bool) string {
	e := strconv.FormatFloat(a, 'e', precision-1, 64)
	mark := strings.IndexByte(e, 'e')
	exponent, err := strconv.Atoi(e[mark+1:])
	if err != nil {
		return e
	}
	if exponent >= -4 && exponent < precision {
		fixed := strconv.FormatFloat(a, 'f', precision-1-exponent, 64)
		if alternate {
			return fixed
		}
		return trimZeros(fixed)
	}
	if alternate {
		return e
	}
	return trimZeros(e[:mark]) + e[mark:]
}

func trimZeros(s string) string {
	if strings.IndexByte(s, '.') < 0 {
		return s
	}
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

// pad fills text up to the width.
func (f *fieldFormat) pad(text string) string {
	missing := f.width - runeCount(text)
	if missing <= 0 {
		return text
	}
	fill := f.fill
	if fill == "" {
		fill = " "
	}
	switch f.align {
	case '<':
		return text + strings.Repeat(fill, missing)
	case '^':
		return strings.Repeat(fill, missing/2) + text + strings.Repeat(fill, missing-missing/2)
	default:
		return strings.Repeat(fill, missing) + text
	}
}

// braces formats as Python's str.format does: '{} of {name:>5}'.format(...).
func (c *run) braces(format string, a args) (Value, error) {
	positional := a.values[:len(a.values)-len(a.names)]
	named := a.values[len(positional):]
	b := braceFormat{run: c, positional: positional, named: named, names: a.names}
	out, err := b.all(format, 0)
	if err != nil {
		return Value{}, err
	}
	return String(string(out)), c.textSize(len(out))
}

type braceFormat struct {
	run        *run
	positional []Value
	named      []Value
	names      []string
	auto       int
}

func (b *braceFormat) all(format string, depth int) ([]byte, error) {
	var out []byte
	for {
		i := strings.IndexAny(format, "{}")
		if i < 0 {
			return append(out, format...), nil
		}
		out = append(out, format[:i]...)
		if strings.HasPrefix(format[i+1:], format[i:i+1]) {
			out = append(out, format[i])
			format = format[i+2:]
			continue
		}
		end := closing(format[i:])
		if format[i] == '}' || end < 0 {
			return nil, typeError("a brace in the format has no partner; two stand for one")
		}
		text, err := b.field(format[i+1:i+end], depth)
		if err != nil {
			return nil, err
		}
		out = append(out, text...)
		format = format[i+end+1:]
		if err := b.run.textSize(len(out)); err != nil {
			return nil, err
		}
	}
}

// closing returns where the brace is that closes the one a text begins with.
func closing(s string) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// field formats one value as the text between braces says.
func (b *braceFormat) field(text string, depth int) (string, error) {
	if depth > 1 {
		return "", typeError("braces in the format are nested too deeply")
	}
	name, spec, _ := strings.Cut(text, ":")
	name, conversion, converted := strings.Cut(name, "!")
	v, err := b.lookup(name)
	if err != nil {
		return "", err
	}
	if strings.IndexByte(spec, '{') >= 0 {
		inner, err := b.all(spec, depth+1)
		if err != nil {
			return "", err
		}
		spec = string(inner)
	}
	if converted {
		w := writer{run: b.run, keepDigits: b.run.typed}
		switch conversion {
		case "s":
			err = w.text(v)
		case "r", "a":
			err = w.repr(v)
		default:
			err = typeError("the format has no conversion !%s", conversion)
		}
		if err != nil {
			return "", err
		}
		v = String(string(w.out))
	}
	return b.run.formatted(v, spec)
}

// lookup returns the value that a field names: name, 0, name.member, name[key].
func (b *braceFormat) lookup(name string) (Value, error) {
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	first, rest := name[:end], name[end:]
	var v Value
	n, err := strconv.Atoi(first)
	if first == "" {
		n, err = b.auto, nil
		b.auto++
	}
	switch {
	case err == nil:
		if n < 0 || n >= len(b.positional) {
			return Value{}, typeError("the format needs more values than there are")
		}
		v = b.positional[n]
	default:
		found := false
		for i, known := range b.names {
			if known == first {
				v, found = b.named[i], true
			}
		}
		if !found {
			return Value{}, typeError("the format names %q, which is not given", first)
		}
	}
	for rest != "" {
		var key string
		if rest[0] == '[' {
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return Value{}, typeError("a bracket in the format is never closed")
			}
			key, rest = rest[1:end], rest[end+1:]
		} else {
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			key, rest = rest[1:1+end], rest[1+end:]
		}
		if v.kind == KindUndefined {
			return Value{}, undefinedError("the format names %q in what is not there", key)
		}
		v = b.run.item(v, attributeKey(key))
	}
	return v, nil
}

// attributeKey returns one part of an attribute's path: an index if it is digits.
func attributeKey(part string) Value {
	if part == "" || strings.Trim(part, "0123456789") != "" {
		return String(part)
	}
	n, err := strconv.Atoi(part)
	if err != nil {
		return String(part)
	}
	return Int(int64(n))
}

// formatted formats a value by a specification: [[fill]align][sign][#][0][width][,][.precision][type].
func (c *run) formatted(v Value, spec string) (string, error) {
	if spec == "" {
		w := writer{run: c, keepDigits: c.typed}
		err := w.text(v)
		return string(w.out), err
	}
	if v.kind == KindTime {
		return formatTime(v, spec)
	}
	f, err := readSpec(spec)
	if err != nil {
		return "", err
	}
	n := v.numeric()
	if f.verb == 's' || f.verb == 0 && !n.isNumber() {
		if v.kind != KindString {
			return "", typeError("%s has no format %q", v.kind, spec)
		}
		if f.align == '=' || f.sign != 0 || f.group != 0 {
			return "", typeError("text has no format %q", spec)
		}
		if f.zero && f.fill == "" {
			f.fill = "0"
		}
		if f.align == 0 {
			f.align = '<'
		}
		return f.pad(cutRunes(v.String(), f.precision)), nil
	}
	if !n.isNumber() {
		return "", typeError("%s has no format %q", v.kind, spec)
	}
	text, err := f.numberText(n)
	if err != nil {
		return "", err
	}
	if f.align == 0 || f.align == '=' {
		f.align = '>'
	}
	return f.pad(text), nil
}

// numberText formats a number by the verb of its specification.
func (f *fieldFormat) numberText(n Value) (string, error) {
	if f.align != 0 && f.align != '=' {
		if f.zero && f.fill == "" {
			f.fill = "0"
		}
		f.zero = false
	}
	switch f.verb {
	case 'd', 'x', 'X', 'o', 'b', 'c':
		if n.kind != KindInt || f.precision >= 0 {
			return "", typeError("a float has no format as a whole number")
		}
		if f.verb == 'c' {
			code, _ := clampIndex(n)
			if code < 0 || code > utf8.MaxRune {
				return "", typeError("there is no such character")
			}
			return string(rune(code)), nil
		}
		return f.integer(n, f.verb)
	case 'e', 'E', 'f', 'F', 'g', 'G', '%':
		x, _ := n.AsFloat()
		return f.float(x, f.verb)
	case 'n':
		f.verb = 0
		if n.kind == KindFloat {
			return f.float(n.float(), 'g')
		}
	}
	if f.verb != 0 {
		return "", typeError("a number has no format %c", f.verb)
	}
	if n.kind == KindInt {
		if f.precision >= 0 {
			return "", typeError("a whole number has no precision")
		}
		return f.integer(n, 'd')
	}
	x := n.float()
	if f.precision < 0 {
		digits := string(appendFloat(nil, math.Abs(x)))
		return f.signed(math.Signbit(x), "", digits), nil
	}
	text := general(math.Abs(x), max(f.precision, 1), false)
	if !strings.ContainsAny(text, ".ein") && x == math.Trunc(x) {
		if len(text) >= max(f.precision, 1) {
			text = trimZeros(strconv.FormatFloat(math.Abs(x), 'e', max(f.precision, 1)-1, 64))
		} else {
			text += ".0"
		}
	}
	return f.signed(math.Signbit(x), "", text), nil
}

// readSpec reads a format's specification.
func readSpec(spec string) (fieldFormat, error) {
	f := fieldFormat{precision: -1}
	isAlign := func(c byte) bool { return c == '<' || c == '>' || c == '^' || c == '=' }
	_, size := utf8.DecodeRuneInString(spec)
	i := 0
	switch {
	case len(spec) > size && isAlign(spec[size]):
		f.fill, f.align = spec[:size], spec[size]
		i = size + 1
	case isAlign(spec[0]):
		f.align = spec[0]
		i = 1
	}
	if i < len(spec) && strings.IndexByte("+- ", spec[i]) >= 0 {
		f.sign = spec[i]
		i++
	}
	if i < len(spec) && spec[i] == '#' {
		f.alternate = true
		i++
	}
	if i < len(spec) && spec[i] == '0' {
		f.zero = true
		i++
	}
	var err error
	if f.width, err = readSize(spec, &i); err != nil {
		return f, err
	}
	if i < len(spec) && (spec[i] == ',' || spec[i] == '_') {
		f.group = spec[i]
		i++
	}
	if i < len(spec) && spec[i] == '.' {
		i++
		start := i
		if f.precision, err = readSize(spec, &i); err != nil {
			return f, err
		}
		if i == start {
			return f, typeError("the format %q has no precision behind its point", spec)
		}
	}
	if i < len(spec) {
		f.verb = spec[i]
		i++
	}
	if i < len(spec) {
		return f, typeError("the format %q cannot be read", spec)
	}
	return f, nil
}
