package template

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// String returns the value as Python's str() prints it, cut at the default limits
// on output and nesting.
func (v Value) String() string {
	if v.kind == KindString {
		return v.str
	}
	w := writer{}
	if err := w.text(v); err != nil {
		w.out = append(w.out, "..."...)
	}
	return string(w.out)
}

// Text returns the value as a template in the typed mode writes it: like String,
// but null is empty and a number keeps its digits.
func (v Value) Text() string {
	if v.kind == KindString {
		return v.str
	}
	w := writer{keepDigits: true}
	if err := w.text(v); err != nil {
		w.out = append(w.out, "..."...)
	}
	return string(w.out)
}

// writer writes values as Python does.
type writer struct {
	out        []byte
	run        *run // whose limits count; nil for the default ones
	keepDigits bool // as in the typed mode: numbers keep their digits, and null is empty on its own
	depth      int
	values     int
	counted    int // bytes of out that have been counted as steps
}

// written holds the limits on text of so many bytes, and counts steps.
func (c *run) written(size, steps int) error {
	if size > c.limits.Output {
		return limitError("the text becomes longer than %d bytes", c.limits.Output)
	}
	return c.work(steps)
}

// text writes a value as Python's str() does.
func (w *writer) text(v Value) error {
	switch v.kind {
	case KindString:
		w.out = append(w.out, v.str...)
		return w.check()
	case KindUndefined, kindAbsent:
		return nil
	case KindNull:
		if w.keepDigits {
			return nil
		}
	case KindTime:
		w.out = appendTime(w.out, v, ' ')
		return nil
	case KindDuration:
		w.out = appendDuration(w.out, v)
		return nil
	default:
	}
	return w.repr(v)
}

// check holds the limits.
func (w *writer) check() error {
	n := len(w.out)
	if w.run != nil {
		steps := 1 + max(0, n-w.counted)/bytesAStep
		w.counted = n
		return w.run.written(n, steps)
	}
	if w.values++; n > defaultLimits.Output || w.values > defaultLimits.Steps {
		return limitError("the text becomes longer than %d bytes", defaultLimits.Output)
	}
	return nil
}

// repr writes a value as Python's repr() does.
func (w *writer) repr(v Value) error {
	switch v.kind {
	case KindUndefined, kindAbsent:
		w.out = append(w.out, "Undefined"...)
	case KindNull:
		w.out = append(w.out, "None"...)
	case KindBool:
		if v.num == 1 {
			w.out = append(w.out, "True"...)
		} else {
			w.out = append(w.out, "False"...)
		}
	case KindInt, KindFloat:
		w.number(v)
	case KindString:
		w.out = appendQuoted(w.out, v.str)
	case KindBytes:
		w.out = appendBytes(w.out, v.str)
	case KindTime:
		w.out = appendTimeRepr(w.out, v)
	case KindDuration:
		w.out = appendDurationRepr(w.out, v)
	case kindMethod:
		w.out = fmt.Appendf(w.out, "<built-in method %s of %s object>", v.str, typeName(Kind(v.num&0xff)))
	default:
		return w.container(v)
	}
	return w.check()
}

func (w *writer) number(v Value) {
	if w.keepDigits && v.str != "" {
		w.out = append(w.out, v.str...)
		return
	}
	v = v.plain()
	if v.kind == KindFloat {
		w.out = appendFloat(w.out, math.Float64frombits(v.num))
		return
	}
	if n, ok := v.ref.(*big.Int); ok {
		w.out = n.Append(w.out, 10)
		return
	}
	w.out = strconv.AppendInt(w.out, int64(v.num), 10) //nolint:gosec // the bits of an int64
}

// container writes a list, tuple, set or dict.
func (w *writer) container(v Value) error {
	limit := defaultLimits.JSONDepth
	if w.run != nil {
		limit = w.run.limits.JSONDepth
	}
	if w.depth++; w.depth > limit {
		return limitError("more than %d lists and dicts are in one another", limit)
	}
	defer func() { w.depth-- }()
	brackets := "[]"
	items := v.items()
	switch v.kind {
	case KindTuple:
		brackets = "()"
	case KindSet:
		if brackets = "{}"; len(items) == 0 {
			w.out = append(w.out, "set()"...)
			return nil
		}
	case KindDict:
		return w.dict(v)
	default:
	}
	if v.kind == KindList && v.num > 0 {
		return w.view(v)
	}
	w.out = append(w.out, brackets[0])
	for i, item := range items {
		if i > 0 {
			w.out = append(w.out, ", "...)
		}
		if err := w.repr(item); err != nil {
			return err
		}
	}
	if v.kind == KindTuple && len(items) == 1 {
		w.out = append(w.out, ',')
	}
	w.out = append(w.out, brackets[1])
	return w.check()
}

// view writes a view of a dict.
func (w *writer) view(v Value) error {
	w.out = append(w.out, [...]string{"", "dict_keys(", "dict_values(", "dict_items("}[v.num&3]...)
	v.num = 0
	if err := w.repr(v); err != nil {
		return err
	}
	w.out = append(w.out, ')')
	return w.check()
}

func (w *writer) dict(v Value) error {
	w.out = append(w.out, '{')
	for i, p := range v.dict().pairs {
		if i > 0 {
			w.out = append(w.out, ", "...)
		}
		if err := w.repr(p.Key); err != nil {
			return err
		}
		w.out = append(w.out, ": "...)
		if err := w.repr(p.Value); err != nil {
			return err
		}
	}
	w.out = append(w.out, '}')
	return w.check()
}

// appendFloat writes a float as Python's repr() does: the fewest digits that read
// back to it, with an exponent below 1e-4 and from 1e16 on.
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if strings.IndexByte(string(dst[start:]), '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

// appendQuoted writes a string as Python's repr() does.
func appendQuoted(dst []byte, s string) []byte {
	quote := byte('\'')
	if strings.IndexByte(s, '\'') >= 0 && strings.IndexByte(s, '"') < 0 {
		quote = '"'
	}
	dst = append(dst, quote)
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			dst = append(dst, '\\', byte(r)) //nolint:gosec // one of two ASCII characters
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case unicode.IsPrint(r):
			dst = utf8.AppendRune(dst, r)
		case r < 0x100:
			dst = fmt.Appendf(dst, `\x%02x`, r)
		case r < 0x10000:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = fmt.Appendf(dst, `\U%08x`, r)
		}
	}
	return append(dst, quote)
}

// appendBytes writes bytes as Python's repr() does.
func appendBytes(dst []byte, s string) []byte {
	quote := byte('\'')
	if strings.IndexByte(s, '\'') >= 0 && strings.IndexByte(s, '"') < 0 {
		quote = '"'
	}
	dst = append(dst, 'b', quote)
	for _, c := range []byte(s) {
		switch {
		case c == quote || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < ' ' || c > '~':
			dst = fmt.Appendf(dst, `\x%02x`, c)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, quote)
}

// appendTime writes a time as Python's isoformat does, in UTC.
func appendTime(dst []byte, v Value, separator byte) []byte {
	t, _ := v.AsTime()
	dst = t.AppendFormat(dst, "2006-01-02")
	if v.IsDay() {
		return dst
	}
	dst = append(dst, separator)
	dst = t.AppendFormat(dst, "15:04:05")
	if micro := t.Nanosecond() / 1000; micro > 0 {
		dst = fmt.Appendf(dst, ".%06d", micro)
	}
	return append(dst, "+00:00"...)
}

func appendTimeRepr(dst []byte, v Value) []byte {
	t, _ := v.AsTime()
	if v.IsDay() {
		return fmt.Appendf(dst, "datetime.date(%d, %d, %d)", t.Year(), t.Month(), t.Day())
	}
	dst = fmt.Appendf(dst, "datetime.datetime(%d, %d, %d, %d, %d", t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute())
	micro := t.Nanosecond() / 1000
	if t.Second() > 0 || micro > 0 {
		dst = fmt.Appendf(dst, ", %d", t.Second())
	}
	if micro > 0 {
		dst = fmt.Appendf(dst, ", %d", micro)
	}
	return append(dst, ", tzinfo=datetime.timezone.utc)"...)
}

// split returns a duration's parts.
func (v Value) span() span {
	if s, ok := v.ref.(*span); ok {
		return *s
	}
	return span{rest: time.Duration(v.num)} //nolint:gosec // the bits of an int64
}

const day = 24 * time.Hour

// days returns a length of time as Python keeps it: whole days, rounded down, and
// what is left of one.
func days(d time.Duration) (int, time.Duration) {
	n, rest := d/day, d%day
	if rest < 0 {
		n, rest = n-1, rest+day
	}
	return int(n), rest
}

// plural writes a number and its noun.
func plural(n int, noun string) string {
	if n == 1 || n == -1 {
		return fmt.Sprintf("%d %s", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// appendDuration writes a duration as Python's str() does.
func appendDuration(dst []byte, v Value) []byte {
	s := v.span()
	if s.years != 0 {
		dst = append(append(dst, plural(s.years, "year")...), ", "...)
	}
	if s.months != 0 {
		dst = append(append(dst, plural(s.months, "month")...), ", "...)
	}
	n, rest := days(s.rest)
	if n != 0 {
		dst = append(append(dst, plural(n, "day")...), ", "...)
	}
	dst = fmt.Appendf(dst, "%d:%02d:%02d", int(rest/time.Hour), int(rest/time.Minute)%60, int(rest/time.Second)%60)
	if micro := int(rest/time.Microsecond) % 1_000_000; micro > 0 {
		dst = fmt.Appendf(dst, ".%06d", micro)
	}
	return dst
}

func appendDurationRepr(dst []byte, v Value) []byte {
	s := v.span()
	n, rest := days(s.rest)
	var parts []string
	for _, p := range []struct {
		name  string
		value int
	}{
		{"days", n}, {"seconds", int(rest / time.Second)}, {"microseconds", int(rest/time.Microsecond) % 1_000_000},
	} {
		if p.value != 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", p.name, p.value))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "0")
	}
	delta := "datetime.timedelta(" + strings.Join(parts, ", ") + ")"
	if s.years == 0 && s.months == 0 {
		return append(dst, delta...)
	}
	return fmt.Appendf(dst, "isodate.duration.Duration(%s, years=%d, months=%d)", strings.TrimSuffix(strings.TrimPrefix(delta, "datetime.timedelta("), ")"), s.years, s.months)
}

// typeNames are Python's names of the types.
var typeNames = [kindCount]string{
	"Undefined", "NoneType", "bool", "int", "float", "str", "list", "dict", "tuple", "set", "bytes",
	"datetime.datetime", "datetime.timedelta", "method", "",
}

func typeName(k Kind) string {
	if k < kindCount {
		return typeNames[k]
	}
	return ""
}
