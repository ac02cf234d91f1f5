package template

import (
	"iter"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/internal/path"
)

// A Kind says what a [Value] is.
type Kind uint8

// The kinds of values. Tuple, Set and Bytes arise in the compatible mode, where
// text is read as a Python literal, and as tuples written in a template.
const (
	KindUndefined Kind = iota // nothing is there: the zero Value
	KindNull                  // JSON's null, Python's None
	KindBool
	KindInt   // a whole number of any size
	KindFloat // a number with a fraction or an exponent
	KindString
	KindList
	KindDict // keys in the order in which they came
	KindTuple
	KindSet
	KindBytes
	KindTime     // a moment, or a day without a time of day
	KindDuration // years and months apart from the rest, whose length is known

	kindMethod // a method that is named but not called
	kindAbsent // an argument that was not given
	kindCount
)

// kindNames are the names of kinds in messages.
var kindNames = [kindCount]string{
	"undefined", "null", "a boolean", "an integer", "a float", "a string", "a list", "a dict",
	"a tuple", "a set", "bytes", "a time", "a duration", "a method", "nothing",
}

// String returns the kind as a noun with its article, for messages.
func (k Kind) String() string {
	if k < kindCount {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// A Value is one of a closed set of kinds; the zero Value is undefined. Values
// are small and copied; the lists and dicts behind them are shared, and never
// changed once a Value is made, so that values may be used concurrently. Only
// lists and dicts that a template makes itself change while it is evaluated.
type Value struct {
	kind Kind
	num  uint64 // a boolean, an int64, the bits of a float64, or nanoseconds
	str  string // a string, bytes, or a number as JSON wrote it
	ref  any    // *list, *dict, *big.Int, *moment or *span
}

// A Pair is one member of a dict.
type Pair struct {
	Key, Value Value
}

type list struct {
	items []Value
}

type moment struct {
	t       time.Time
	dayOnly bool
}

// span is a duration with years and months, whose length depends on when it
// starts.
type span struct {
	years, months int
	rest          time.Duration
}

// Undefined returns the value of what is not there.
func Undefined() Value { return Value{} }

// Null returns JSON's null.
func Null() Value { return Value{kind: KindNull} }

// Bool returns a boolean.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindBool, num: 1}
	}
	return Value{kind: KindBool}
}

// Int returns a whole number.
func Int(n int64) Value { return Value{kind: KindInt, num: uint64(n)} } //nolint:gosec // the bits are kept, and read back as an int64

// Float returns a number with a fraction.
func Float(f float64) Value { return Value{kind: KindFloat, num: math.Float64bits(f)} }

// Number returns a number as JSON writes it. It keeps its digits until a
// template calculates with it: 1.10 stays 1.10. Text that is no JSON number is
// returned as a string.
func Number(text string) Value {
	n := scanNumber(text)
	switch {
	case n == 0 || n < len(text):
		return String(text)
	case strings.ContainsAny(text, ".eE"):
		return Value{kind: KindFloat, str: text}
	}
	return Value{kind: KindInt, str: text}
}

// String returns a string. It is taken as it is and never evaluated.
func String(s string) Value { return Value{kind: KindString, str: s} }

// List returns a list of items, which it keeps.
func List(items ...Value) Value { return Value{kind: KindList, ref: &list{items}} }

// Dict returns a dict of pairs, which it keeps, in their order. Of several pairs
// with one key the last one's value counts, at the first one's place. A pair
// whose key can be no key (a list or a dict) is left out.
func Dict(pairs ...Pair) Value {
	return Value{kind: KindDict, ref: newDict(pairs)}
}

// Time returns a moment in time. Templates see it in UTC.
func Time(t time.Time) Value { return Value{kind: KindTime, ref: &moment{t: t.UTC()}} }

// Day returns a day without a time of day, the one on which t is in its own zone.
func Day(t time.Time) Value {
	y, m, d := t.Date()
	return Value{kind: KindTime, ref: &moment{t: time.Date(y, m, d, 0, 0, 0, 0, time.UTC), dayOnly: true}}
}

// Duration returns a duration of calendar years and months and of a known length.
func Duration(years, months int, rest time.Duration) Value {
	if years == 0 && months == 0 {
		return Value{kind: KindDuration, num: uint64(rest)} //nolint:gosec // the bits are kept, and read back
	}
	return Value{kind: KindDuration, ref: &span{years, months, rest}}
}

func tuple(items ...Value) Value { return Value{kind: KindTuple, ref: &list{items}} }

func bytesValue(s string) Value { return Value{kind: KindBytes, str: s} }

func bigInt(n *big.Int) Value {
	if n.IsInt64() {
		return Int(n.Int64())
	}
	return Value{kind: KindInt, ref: n}
}

// Kind says what the value is.
func (v Value) Kind() Kind { return v.kind }

// IsUndefined says that nothing is there.
func (v Value) IsUndefined() bool { return v.kind == KindUndefined }

// IsNull says that the value is null.
func (v Value) IsNull() bool { return v.kind == KindNull }

// nothing says that the value is undefined or null.
func (v Value) nothing() bool { return v.kind <= KindNull }

// AsBool returns a boolean, and false for any other kind.
func (v Value) AsBool() (b, ok bool) {
	return v.kind == KindBool && v.num == 1, v.kind == KindBool
}

// AsInt returns a whole number that fits 64 bits.
func (v Value) AsInt() (int64, bool) {
	if v.kind != KindInt {
		return 0, false
	}
	v = v.plain()
	return int64(v.num), v.ref == nil //nolint:gosec // the bits of an int64
}

// AsBigInt returns a whole number of any size.
func (v Value) AsBigInt() (*big.Int, bool) {
	if v.kind != KindInt {
		return nil, false
	}
	v = v.plain()
	if n, ok := v.ref.(*big.Int); ok {
		return new(big.Int).Set(n), true
	}
	return big.NewInt(int64(v.num)), true //nolint:gosec // the bits of an int64
}

// AsFloat returns a number, whole or not, as the nearest float.
func (v Value) AsFloat() (float64, bool) {
	switch v.kind {
	case KindInt:
		v = v.plain()
		if n, ok := v.ref.(*big.Int); ok {
			f, _ := new(big.Float).SetInt(n).Float64()
			return f, true
		}
		return float64(int64(v.num)), true //nolint:gosec // the bits of an int64
	case KindFloat:
		return math.Float64frombits(v.plain().num), true
	default:
		return 0, false
	}
}

// AsString returns a string's text, and "" for any other kind.
func (v Value) AsString() (string, bool) {
	if v.kind != KindString {
		return "", false
	}
	return v.str, true
}

// AsTime returns a moment in UTC, or a day as its first moment.
func (v Value) AsTime() (time.Time, bool) {
	if m, ok := v.ref.(*moment); ok {
		return m.t, true
	}
	return time.Time{}, false
}

// IsDay says that the value is a day without a time of day.
func (v Value) IsDay() bool {
	m, ok := v.ref.(*moment)
	return ok && m.dayOnly
}

// Digits returns a number as JSON would write it, with the digits that it came
// with if a template has not calculated with it; "" for any other kind and for a
// float that JSON cannot write.
func (v Value) Digits() string {
	switch v.kind {
	case KindInt:
		if v.str != "" {
			return v.str
		}
		if n, ok := v.ref.(*big.Int); ok {
			return n.String()
		}
		return strconv.FormatInt(int64(v.num), 10) //nolint:gosec // the bits of an int64
	case KindFloat:
		if v.str != "" {
			return v.str
		}
		f := math.Float64frombits(v.num)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return ""
		}
		return string(appendFloat(nil, f))
	default:
		return ""
	}
}

// Len returns the number of items of a list, tuple or set, of members of a dict,
// of characters of a string or bytes, and 0 for any other kind.
func (v Value) Len() int {
	switch v.kind {
	case KindString:
		return runeCount(v.str)
	case KindBytes:
		return len(v.str)
	case KindDict:
		return len(v.dict().pairs)
	default:
		return len(v.items())
	}
}

// Items yields the items of a list, tuple or set, in order.
func (v Value) Items() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		for _, item := range v.items() {
			if !yield(item) {
				return
			}
		}
	}
}

// Pairs yields the members of a dict, in order.
func (v Value) Pairs() iter.Seq[Pair] {
	return func(yield func(Pair) bool) {
		if v.kind != KindDict {
			return
		}
		for _, p := range v.dict().pairs {
			if !yield(p) {
				return
			}
		}
	}
}

// Member returns the value of a dict's string key, or undefined.
func (v Value) Member(key string) Value {
	if v.kind != KindDict {
		return Value{}
	}
	found, _ := v.dict().member(key)
	return found
}

// At returns the value that a path leads to, as a template in the typed mode sees
// it: past null it is null, and past anything else that lacks the step undefined.
// A step that stands for every item leads nowhere.
func (v Value) At(p path.Path) Value {
	for _, step := range p {
		switch {
		case v.nothing():
			return v
		case step.Every:
			return Value{}
		case step.IsIndex:
			v = element(v, step.Index)
		case v.kind == KindDict:
			v, _ = v.dict().member(step.Key)
		default:
			v = attribute(v, step.Key)
		}
	}
	return v
}

// items returns the items of a list, tuple or set.
func (v Value) items() []Value {
	if l, ok := v.ref.(*list); ok {
		return l.items
	}
	return nil
}

// dict returns what is behind a dict.
func (v Value) dict() *dict {
	if d, ok := v.ref.(*dict); ok {
		return d
	}
	return &dict{}
}

// plain returns a number as one to calculate with: its digits read.
func (v Value) plain() Value {
	if v.str == "" || (v.kind != KindInt && v.kind != KindFloat) {
		return v
	}
	if v.kind == KindFloat {
		f, _ := strconv.ParseFloat(v.str, 64) // out of range is infinite, as in Python
		return Float(f)
	}
	if n, err := strconv.ParseInt(v.str, 10, 64); err == nil {
		return Int(n)
	}
	n, ok := new(big.Int).SetString(v.str, 10)
	if !ok {
		return Int(0) // cannot be: Number takes digits alone
	}
	return Value{kind: KindInt, ref: n}
}

// Truthy says whether the value counts as true in a condition: all but
// undefined, null, false, zero and what is empty.
func (v Value) Truthy() bool {
	switch v.kind {
	case KindUndefined, KindNull, kindAbsent:
		return false
	case KindBool:
		return v.num == 1
	case KindInt:
		v = v.plain()
		return v.num != 0 || v.ref != nil
	case KindFloat:
		return math.Float64frombits(v.plain().num) != 0
	case KindString, KindBytes:
		return v.str != ""
	case KindDict:
		return len(v.dict().pairs) > 0
	case KindList, KindTuple, KindSet:
		return len(v.items()) > 0
	case KindDuration:
		return v.num != 0 || v.ref != nil
	default:
		return true
	}
}

// element returns the item of a list or tuple, or the character of a string, at
// an index that counts from the end if it is negative.
func element(v Value, i int) Value {
	switch v.kind {
	case KindList, KindTuple:
		items := v.items()
		if i < 0 {
			i += len(items)
		}
		if i < 0 || i >= len(items) {
			return Value{}
		}
		return items[i]
	case KindString:
		return character(v.str, i)
	case KindDict:
		found, _ := v.dict().get(Int(int64(i)))
		return found
	default:
		return Value{}
	}
}

// character returns the character of a string at an index.
func character(s string, i int) Value {
	if isASCII(s) {
		if i < 0 {
			i += len(s)
		}
		if i < 0 || i >= len(s) {
			return Value{}
		}
		return String(s[i : i+1])
	}
	runes := []rune(s)
	if i < 0 {
		i += len(runes)
	}
	if i < 0 || i >= len(runes) {
		return Value{}
	}
	return String(string(runes[i]))
}
