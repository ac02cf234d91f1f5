package template

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vendorsync/vendorsync/internal/excerpt"
)

// methodTable returns the methods of each kind of value: those of Python's types.
func methodTable() []function {
	return []function{
		// Strings.
		{name: "lower", on: KindString, call: methodText(lower), doc: "Text in lower case."},
		{name: "upper", on: KindString, call: methodText(upper), doc: "Text in upper case."},
		{name: "title", on: KindString, call: methodText(titleLetters), doc: "Text with each first letter behind what is no letter in upper case."},
		{name: "capitalize", on: KindString, call: methodText(capitalize), doc: "Text with its first letter in upper case and the rest in lower."},
		{name: "swapcase", on: KindString, call: methodText(swapCase), doc: "Text with upper case for lower and the other way round."},
		{name: "strip", on: KindString, signature: "chars=", call: methodStrip(strings.TrimFunc), doc: "Text without the white space, or the characters of chars, at both ends."},
		{name: "lstrip", on: KindString, signature: "chars=", call: methodStrip(strings.TrimLeftFunc), doc: "Text without white space at its beginning."},
		{name: "rstrip", on: KindString, signature: "chars=", call: methodStrip(strings.TrimRightFunc), doc: "Text without white space at its end."},
		{name: "removeprefix", on: KindString, signature: "prefix", call: methodRemove(strings.TrimPrefix), doc: "Text without a prefix."},
		{name: "removesuffix", on: KindString, signature: "suffix", call: methodRemove(strings.TrimSuffix), doc: "Text without a suffix."},
		{name: "replace", on: KindString, signature: "old, new, count=-1", call: methodReplace, doc: "Text with old replaced by new."},
		{name: "split", on: KindString, signature: "sep=, maxsplit=-1", call: methodSplit(false), doc: "The parts between separators, or between white space."},
		{name: "rsplit", on: KindString, signature: "sep=, maxsplit=-1", call: methodSplit(true), doc: "As split, counted from the end."},
		{name: "splitlines", on: KindString, signature: "keepends=false", call: methodLines, doc: "The lines of a text."},
		{name: "partition", on: KindString, signature: "sep", call: methodPartition(strings.Index, false), doc: "What is before, at and behind the first separator."},
		{name: "rpartition", on: KindString, signature: "sep", call: methodPartition(strings.LastIndex, true), doc: "What is before, at and behind the last separator."},
		{name: "join", on: KindString, signature: "items", call: methodJoin, doc: "The texts of a list with this one between them."},
		{name: "startswith", on: KindString, signature: "prefix", call: methodAffix(strings.HasPrefix), doc: "The text begins with another, or with one of a tuple."},
		{name: "endswith", on: KindString, signature: "suffix", call: methodAffix(strings.HasSuffix), doc: "The text ends with another, or with one of a tuple."},
		{name: "find", on: KindString, signature: "sub", call: methodFind(strings.Index), doc: "Where another text is in this one, or -1."},
		{name: "rfind", on: KindString, signature: "sub", call: methodFind(strings.LastIndex), doc: "Where another text is last in this one, or -1."},
		{name: "index", on: KindString, signature: "sub", call: methodTextIndex, doc: "Where another text is in this one; a fault if it is not."},
		{name: "count", on: KindString, signature: "sub", call: methodTextCount, doc: "How often another text is in this one."},
		{name: "zfill", on: KindString, signature: "width", call: methodZeros, doc: "Text with zeros before it, up to a width."},
		{name: "ljust", on: KindString, signature: "width, fillchar=' '", call: methodPad('<'), doc: "Text with blanks behind it, up to a width."},
		{name: "rjust", on: KindString, signature: "width, fillchar=' '", call: methodPad('>'), doc: "Text with blanks before it, up to a width."},
		{name: "format", on: KindString, signature: "*values, **named", call: methodFormat, doc: "Text with each {} or {name} replaced by a value."},
		{name: "isdigit", on: KindString, call: methodAll(unicode.IsDigit), doc: "The text is digits."},
		{name: "isnumeric", on: KindString, call: methodAll(unicode.IsNumber), doc: "The text is digits or other numerals."},
		{name: "isalpha", on: KindString, call: methodAll(unicode.IsLetter), doc: "The text is letters."},
		{name: "isalnum", on: KindString, call: methodAll(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }), doc: "The text is letters and numerals."},
		{name: "isspace", on: KindString, call: methodAll(isSpace), doc: "The text is white space."},
		{name: "islower", on: KindString, call: testCase(unicode.IsUpper, unicode.IsLower), doc: "The text has letters, all in lower case."},
		{name: "isupper", on: KindString, call: testCase(unicode.IsLower, unicode.IsUpper), doc: "The text has letters, all in upper case."},

		// Lists and tuples.
		{name: "append", on: KindList, signature: "item", mutates: true, call: methodAppend, doc: "Adds an item to the list; the result is null."},
		{name: "extend", on: KindList, signature: "items", mutates: true, call: methodExtend, doc: "Adds several items to the list; the result is null."},
		{name: "pop", on: KindList, signature: "index=-1", mutates: true, call: methodPop, doc: "Takes an item from the list, and returns it."},
		{name: "copy", on: KindList, call: methodCopy, doc: "A new list of the same items."},
		{name: "index", on: KindList, signature: "item", call: methodIndex, doc: "The place of an item; a fault if it is not there."},
		{name: "count", on: KindList, signature: "item", call: methodCount, doc: "How often an item is there."},
		{name: "index", on: KindTuple, signature: "item", call: methodIndex, doc: "The place of an item; a fault if it is not there."},
		{name: "count", on: KindTuple, signature: "item", call: methodCount, doc: "How often an item is there."},

		// Dicts.
		{name: "get", on: KindDict, signature: "key, default=none", call: methodGet, doc: "The value of a key, or the default."},
		{name: "items", on: KindDict, call: methodItems, doc: "The members as pairs of key and value."},
		{name: "keys", on: KindDict, call: methodKeys, doc: "The keys."},
		{name: "values", on: KindDict, call: methodValues, doc: "The values."},
		{name: "update", on: KindDict, signature: "other=, **members", mutates: true, call: methodUpdate, doc: "Adds members to the dict; the result is null."},
		{name: "setdefault", on: KindDict, signature: "key, default=none", mutates: true, call: methodSetDefault, doc: "The value of a key, which is added if it is not there."},
		{name: "pop", on: KindDict, signature: "key, default=", mutates: true, call: methodPopKey, doc: "Takes a member from the dict, and returns its value."},
		{name: "copy", on: KindDict, call: methodCopyDict, doc: "A new dict of the same members."},

		// Times and durations.
		{name: "strftime", on: KindTime, signature: "format", call: methodFormatTime, doc: "The time as text in a layout such as '%Y-%m-%d'."},
		{name: "isoformat", on: KindTime, call: methodISO, doc: "The time as text in ISO 8601."},
		{name: "timestamp", on: KindTime, call: methodTimestamp, doc: "The seconds since 1970."},
		{name: "weekday", on: KindTime, call: methodWeekday, doc: "The day of the week: Monday is 0."},
		{name: "isoweekday", on: KindTime, call: methodISOWeekday, doc: "The day of the week: Monday is 1."},
		{name: "date", on: KindTime, call: methodDate, doc: "The day without its time."},
		{name: "total_seconds", on: KindDuration, call: methodSeconds, doc: "The length in seconds."},
	}
}

// methodText makes a method of a function of text.
func methodText(f func(string) string) func(*run, Value, args) (Value, error) { return onText(f) }

func methodStrip(trim func(string, func(rune) bool) string) func(*run, Value, args) (Value, error) {
	return func(c *run, v Value, a args) (Value, error) {
		if err := c.work(len(v.str) / bytesAStep); err != nil {
			return Value{}, err
		}
		return strip(v.str, a, trim)
	}
}

func methodRemove(trim func(s, affix string) string) func(*run, Value, args) (Value, error) {
	return func(_ *run, v Value, a args) (Value, error) {
		affix, err := a.string(0, "")
		return String(trim(v.str, affix)), err
	}
}

func methodReplace(c *run, v Value, a args) (Value, error) {
	old, err := a.string(0, "")
	if err != nil {
		return Value{}, err
	}
	replacement, err := a.string(1, "")
	if err != nil {
		return Value{}, err
	}
	return c.replace(v.str, old, replacement, a)
}

func methodSplit(fromEnd bool) func(*run, Value, args) (Value, error) {
	return func(c *run, v Value, a args) (Value, error) {
		most, err := a.int(1, -1)
		if err != nil {
			return Value{}, err
		}
		return c.split(v.str, a.values[0], most, fromEnd)
	}
}

// split cuts a text at a separator, or at white space, at most so many times.
func (c *run) split(s string, separator Value, most int, fromEnd bool) (Value, error) {
	if err := c.work(len(s) / bytesAStep); err != nil {
		return Value{}, err
	}
	var parts []string
	switch {
	case separator.kind == kindAbsent || separator.nothing():
		parts = splitSpace(s, most, fromEnd)
	case separator.kind != KindString:
		return Value{}, typeError("text is split at text, not at %s", separator.kind)
	case separator.str == "":
		return Value{}, typeError("text cannot be split at nothing")
	case strings.Count(s, separator.str) > c.limits.Items:
		return Value{}, limitError("a list becomes longer than %d items", c.limits.Items)
	case most < 0:
		parts = strings.Split(s, separator.str)
	case fromEnd:
		parts = splitLast(s, separator.str, most)
	default:
		parts = strings.SplitN(s, separator.str, most+1)
	}
	out := make([]Value, len(parts))
	for i, part := range parts {
		out[i] = String(part)
	}
	return List(out...), c.listSize(len(out))
}

// splitLast cuts a text at the last separators.
func splitLast(s, separator string, most int) []string {
	var parts []string
	for ; most > 0; most-- {
		i := strings.LastIndex(s, separator)
		if i < 0 {
			break
		}
		parts = append(parts, s[i+len(separator):])
		s = s[:i]
	}
	parts = append(parts, s)
	slices.Reverse(parts)
	return parts
}

// splitSpace cuts a text at white space, at most so many times if that is not
// negative.
func splitSpace(s string, most int, fromEnd bool) []string {
	if most < 0 {
		return strings.FieldsFunc(s, isSpace)
	}
	var parts []string
	if fromEnd {
		for s = strings.TrimRightFunc(s, isSpace); s != ""; s = strings.TrimRightFunc(s, isSpace) {
			i := strings.LastIndexFunc(s, isSpace)
			if i < 0 || most == 0 {
				parts = append(parts, s)
				break
			}
			_, size := utf8.DecodeRuneInString(s[i:])
			parts = append(parts, s[i+size:])
			s = s[:i]
			most--
		}
		slices.Reverse(parts)
		return parts
	}
	for s = strings.TrimLeftFunc(s, isSpace); s != ""; s = strings.TrimLeftFunc(s, isSpace) {
		i := strings.IndexFunc(s, isSpace)
		if i < 0 || most == 0 {
			parts = append(parts, s)
			break
		}
		parts = append(parts, s[:i])
		s = s[i:]
		most--
	}
	return parts
}

func methodLines(c *run, v Value, a args) (Value, error) {
	var out []Value
	for s := v.str; s != ""; {
		i := strings.IndexFunc(s, func(r rune) bool {
			return r >= '\n' && r <= '\r' || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
		})
		if i < 0 {
			out = append(out, String(s))
			break
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		if strings.HasPrefix(s[i:], "\r\n") {
			size = 2
		}
		end := i
		if a.truth(0) {
			end += size
		}
		out = append(out, String(s[:end]))
		s = s[i+size:]
		if len(out) > c.limits.Items {
			return Value{}, c.listSize(len(out))
		}
	}
	return List(out...), c.work(len(out) + len(v.str)/bytesAStep)
}

func methodPartition(index func(s, sep string) int, last bool) func(*run, Value, args) (Value, error) {
	return func(_ *run, v Value, a args) (Value, error) {
		sep, err := a.string(0, "")
		if err != nil {
			return Value{}, err
		}
		if sep == "" {
			return Value{}, typeError("text cannot be parted at nothing")
		}
		i := index(v.str, sep)
		switch {
		case i >= 0:
			return tuple(String(v.str[:i]), String(sep), String(v.str[i+len(sep):])), nil
		case last:
			return tuple(String(""), String(""), v), nil
		}
		return tuple(v, String(""), String("")), nil
	}
}

func methodJoin(c *run, v Value, a args) (Value, error) {
	items, err := c.iterate(a.values[0])
	if err != nil {
		return Value{}, err
	}
	return c.joined(len(items), v.str, func(i int) (Value, error) {
		if items[i].kind != KindString && !c.typed {
			return Value{}, typeError("text is joined, and item %d is %s", i, items[i].kind)
		}
		return items[i], nil
	})
}

// methodAffix makes startswith or endswith.
func methodAffix(has func(s, affix string) bool) func(*run, Value, args) (Value, error) {
	return func(c *run, v Value, a args) (Value, error) {
		if a.values[0].kind != KindTuple {
			affix, err := a.string(0, "")
			return Bool(has(v.str, affix)), err
		}
		for _, one := range a.values[0].items() {
			if one.kind != KindString {
				return Value{}, typeError("text begins and ends with text, not with %s", one.kind)
			}
			if err := c.work(1); err != nil {
				return Value{}, err
			}
			if has(v.str, one.str) {
				return Bool(true), nil
			}
		}
		return Bool(false), nil
	}
}

func methodFind(index func(s, sub string) int) func(*run, Value, args) (Value, error) {
	return func(c *run, v Value, a args) (Value, error) {
		sub, err := a.string(0, "")
		if err != nil {
			return Value{}, err
		}
		i := index(v.str, sub)
		if i > 0 {
			i = runeCount(v.str[:i])
		}
		return Int(int64(i)), c.work(len(v.str) / bytesAStep)
	}
}

func methodTextIndex(c *run, v Value, a args) (Value, error) {
	i, err := methodFind(strings.Index)(c, v, a)
	if n, _ := i.AsInt(); err == nil && n < 0 {
		return Value{}, typeError("the text is not in the other")
	}
	return i, err
}

func methodTextCount(c *run, v Value, a args) (Value, error) {
	sub, err := a.string(0, "")
	if err != nil {
		return Value{}, err
	}
	return Int(int64(strings.Count(v.str, sub))), c.work(len(v.str) / bytesAStep)
}

func methodZeros(_ *run, v Value, a args) (Value, error) {
	width, err := a.int(0, 0)
	if err != nil {
		return Value{}, err
	}
	if width > maxWidth {
		return Value{}, limitError("a width is at most %d", maxWidth)
	}
	sign, digits := "", v.str
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		sign, digits = digits[:1], digits[1:]
	}
	return String(sign + strings.Repeat("0", max(0, width-runeCount(v.str))) + digits), nil
}

func methodPad(align byte) func(*run, Value, args) (Value, error) {
	return func(_ *run, v Value, a args) (Value, error) {
		width, err := a.int(0, 0)
		if err != nil {
			return Value{}, err
		}
		fill, err := a.string(1, " ")
		if err != nil {
			return Value{}, err
		}
		if runeCount(fill) != 1 {
			return Value{}, typeError("one character fills a width, not %q", excerpt.Of(fill))
		}
		if width > maxWidth {
			return Value{}, limitError("a width is at most %d", maxWidth)
		}
		f := fieldFormat{fill: fill, align: align, width: width}
		return String(f.pad(v.str)), nil
	}
}

func methodFormat(c *run, v Value, a args) (Value, error) { return c.braces(v.str, a) }

// methodAll makes a method that says whether a text has characters, all of a kind.
func methodAll(is func(rune) bool) func(*run, Value, args) (Value, error) {
	return func(c *run, v Value, _ args) (Value, error) {
		other := strings.IndexFunc(v.str, func(r rune) bool { return !is(r) })
		return Bool(v.str != "" && other < 0), c.work(len(v.str) / bytesAStep)
	}
}

// changed returns the list behind a value, for a method that changes it.
func (v Value) changed() (*list, error) {
	if l, ok := v.ref.(*list); ok {
		return l, nil
	}
	return nil, typeError("%s cannot be changed", v.kind)
}

func methodAppend(c *run, v Value, a args) (Value, error) {
	l, err := v.changed()
	if err != nil {
		return Value{}, err
	}
	if len(l.items) >= c.limits.Items {
		return Value{}, c.listSize(len(l.items) + 1)
	}
	l.items = append(l.items, a.values[0])
	return Null(), nil
}

func methodExtend(c *run, v Value, a args) (Value, error) {
	l, err := v.changed()
	if err != nil {
		return Value{}, err
	}
	more, err := c.iterate(a.values[0])
	if err != nil {
		return Value{}, err
	}
	if err := c.listSize(len(l.items) + len(more)); err != nil {
		return Value{}, err
	}
	l.items = append(l.items, more...)
	return Null(), nil
}

func methodPop(_ *run, v Value, a args) (Value, error) {
	l, err := v.changed()
	if err != nil {
		return Value{}, err
	}
	i, err := a.int(0, -1)
	if err != nil {
		return Value{}, err
	}
	if i < 0 {
		i += len(l.items)
	}
	if i < 0 || i >= len(l.items) {
		return Value{}, typeError("the list has no such item to take")
	}
	taken := l.items[i]
	l.items = slices.Delete(l.items, i, i+1)
	return taken, nil
}

func methodCopy(c *run, v Value, _ args) (Value, error) {
	return List(slices.Clone(v.items())...), c.listSize(len(v.items()))
}

func methodIndex(c *run, v Value, a args) (Value, error) {
	for i, item := range v.items() {
		equal, err := c.equal(item, a.values[0])
		if err != nil {
			return Value{}, err
		}
		if equal {
			return Int(int64(i)), nil
		}
	}
	return Value{}, typeError("the item is not in the list")
}

func methodCount(c *run, v Value, a args) (Value, error) {
	n := int64(0)
	for _, item := range v.items() {
		equal, err := c.equal(item, a.values[0])
		if err != nil {
			return Value{}, err
		}
		if equal {
			n++
		}
	}
	return Int(n), nil
}

func methodGet(_ *run, v Value, a args) (Value, error) {
	if _, err := keyOf(a.values[0]); err != nil {
		return Value{}, err
	}
	if found, ok := v.dict().get(a.values[0]); ok {
		return found, nil
	}
	return a.or(1, Null()), nil
}

// The marks of the lists that Python prints as views of a dict.
const (
	viewKeys = iota + 1
	viewValues
	viewItems
)

// view returns items as a view of a dict.
func (c *run) view(items []Value, mark uint64) (Value, error) {
	v := List(items...)
	if !c.typed {
		v.num = mark
	}
	return v, c.listSize(len(items))
}

func methodItems(c *run, v Value, _ args) (Value, error) { return c.view(pairsOf(v), viewItems) }

func methodKeys(c *run, v Value, _ args) (Value, error) {
	keys, err := c.iterate(v)
	if err != nil {
		return Value{}, err
	}
	return c.view(keys, viewKeys)
}

func methodValues(c *run, v Value, _ args) (Value, error) {
	pairs := v.dict().pairs
	out := make([]Value, len(pairs))
	for i, p := range pairs {
		out[i] = p.Value
	}
	return c.view(out, viewValues)
}

func methodUpdate(c *run, v Value, a args) (Value, error) {
	d := v.dict()
	pairs := []Pair{}
	switch other := a.values[0]; other.kind {
	case kindAbsent:
	case KindDict:
		pairs = append(pairs, other.dict().pairs...)
	default:
		items, err := c.iterate(other)
		if err != nil {
			return Value{}, err
		}
		for _, item := range items {
			two, err := c.iterate(item)
			if err != nil {
				return Value{}, err
			}
			if len(two) != 2 {
				return Value{}, typeError("a dict is updated with a dict or with pairs")
			}
			pairs = append(pairs, Pair{two[0], two[1]})
		}
	}
	for i, name := range a.names {
		pairs = append(pairs, Pair{String(name), a.values[1+i]})
	}
	if err := c.listSize(len(d.pairs) + len(pairs)); err != nil {
		return Value{}, err
	}
	for _, p := range pairs {
		if err := d.set(p.Key, p.Value); err != nil {
			return Value{}, err
		}
	}
	return Null(), nil
}

func methodSetDefault(_ *run, v Value, a args) (Value, error) {
	d := v.dict()
	if found, ok := d.get(a.values[0]); ok {
		return found, nil
	}
	added := a.or(1, Null())
	return added, d.set(a.values[0], added)
}

func methodPopKey(_ *run, v Value, a args) (Value, error) {
	d := v.dict()
	k, err := keyOf(a.values[0])
	if err != nil {
		return Value{}, err
	}
	i := d.find(k)
	switch {
	case i >= 0:
	case a.given(1):
		return a.values[1], nil
	default:
		return Value{}, typeError("the dict has no such key to take")
	}
	taken := d.pairs[i].Value
	rest := slices.Delete(d.pairs, i, i+1)
	*d = dict{}
	for _, p := range rest {
		if err := d.set(p.Key, p.Value); err != nil {
			return Value{}, err
		}
	}
	return taken, nil
}

func methodCopyDict(c *run, v Value, _ args) (Value, error) {
	return Dict(slices.Clone(v.dict().pairs)...), c.listSize(v.Len())
}

func methodFormatTime(_ *run, v Value, a args) (Value, error) {
	layout, err := a.string(0, "")
	if err != nil {
		return Value{}, err
	}
	text, err := formatTime(v, layout)
	return String(text), err
}

func methodISO(_ *run, v Value, _ args) (Value, error) {
	return String(string(appendTime(nil, v, 'T'))), nil
}

func methodTimestamp(c *run, v Value, _ args) (Value, error) {
	if v.IsDay() && !c.typed {
		return Value{}, typeError("a day without a time of day has no timestamp")
	}
	t, _ := v.AsTime()
	return Float(timestamp(t)), nil
}

func methodWeekday(_ *run, v Value, _ args) (Value, error) {
	t, _ := v.AsTime()
	return Int((int64(t.Weekday()) + 6) % 7), nil
}

func methodISOWeekday(_ *run, v Value, _ args) (Value, error) {
	t, _ := v.AsTime()
	return Int((int64(t.Weekday())+6)%7 + 1), nil
}

func methodDate(_ *run, v Value, _ args) (Value, error) {
	t, _ := v.AsTime()
	return Day(t), nil
}

func methodSeconds(_ *run, v Value, _ args) (Value, error) {
	if v.ref != nil {
		return Value{}, typeError("how long years and months are depends on when they begin")
	}
	return Float(math.Round(float64(v.span().rest)/1e3) / 1e6), nil
}
