package template

import (
	"slices"
	"strings"
)

// iterate returns what a loop over a value would see: items, keys or characters.
func (c *run) iterate(v Value) ([]Value, error) {
	switch v.kind {
	case KindList, KindTuple, KindSet:
		return v.items(), c.work(len(v.items()))
	case KindUndefined:
		return nil, nil
	case KindDict:
		pairs := v.dict().pairs
		out := make([]Value, len(pairs))
		for i, p := range pairs {
			out[i] = p.Key
		}
		return out, c.work(len(out))
	case KindString:
		if err := c.listSize(len(v.str)); err != nil {
			return nil, err
		}
		out := make([]Value, 0, len(v.str))
		for i := range v.str {
			out = append(out, String(letterAt(v.str, i)))
		}
		return out, nil
	default:
		return nil, typeError("a list is needed here, not %s", v.kind)
	}
}

func filterLength(c *run, v Value, _ args) (Value, error) {
	switch v.kind {
	case KindUndefined:
		return Int(0), nil
	case KindNull:
		if c.typed {
			return Int(0), nil
		}
	case KindString, KindBytes, KindDict, KindList, KindTuple, KindSet:
		return Int(int64(v.Len())), c.work(len(v.str) / bytesAStep)
	default:
	}
	return Value{}, typeError("%s has no length", v.kind)
}

func filterFirst(c *run, v Value, _ args) (Value, error) {
	if v.kind == KindString {
		return character(v.str, 0), nil
	}
	items, err := c.iterate(v)
	if err != nil || len(items) == 0 {
		return Value{}, err
	}
	return items[0], nil
}

func filterLast(c *run, v Value, _ args) (Value, error) {
	if v.kind == KindString {
		return character(v.str, -1), nil
	}
	if v.kind == KindSet {
		return Value{}, typeError("a set has no order")
	}
	items, err := c.iterate(v)
	if err != nil || len(items) == 0 {
		return Value{}, err
	}
	return items[len(items)-1], nil
}

func filterList(c *run, v Value, _ args) (Value, error) {
	items, err := c.iterate(v)
	return List(slices.Clone(items)...), err
}

func filterItems(c *run, v Value, _ args) (Value, error) {
	switch v.kind {
	case KindUndefined:
		return List(), nil
	case KindDict:
		items := pairsOf(v)
		return List(items...), c.listSize(len(items))
	default:
		return Value{}, typeError("a dict has items, not %s", v.kind)
	}
}

// pairsOf returns the members of a dict as tuples.
func pairsOf(v Value) []Value {
	pairs := v.dict().pairs
	out := make([]Value, len(pairs))
	for i, p := range pairs {
		out[i] = tuple(p.Key, p.Value)
	}
	return out
}

// foldCase returns text in lower case, and any other value as it is.
func foldCase(v Value) Value {
	if v.kind == KindString {
		return String(lower(v.str))
	}
	return v
}

// sortBy orders items by a key of each, as Python's sorted does.
func (c *run) sortBy(items []Value, reverse bool, keyOf func(Value) (Value, error)) ([]Value, error) {
	type keyed struct{ key, value Value }
	all := make([]keyed, len(items))
	for i, item := range items {
		k, err := keyOf(item)
		if err != nil {
			return nil, err
		}
		all[i] = keyed{k, item}
	}
	var fault error
	slices.SortStableFunc(all, func(a, b keyed) int {
		if fault != nil {
			return 0
		}
		var order int
		if order, fault = c.order(a.key, b.key); reverse {
			order = -order
		}
		return order
	})
	out := make([]Value, len(all))
	for i, k := range all {
		out[i] = k.value
	}
	return out, fault
}

func filterDictSort(c *run, v Value, a args) (Value, error) {
	if v.kind != KindDict {
		return Value{}, typeError("a dict is sorted by dictsort, not %s", v.kind)
	}
	by, err := a.string(1, "key")
	if err != nil {
		return Value{}, err
	}
	place := slices.Index([]string{"key", "value"}, by)
	if place < 0 {
		return Value{}, typeError("a dict is sorted by key or value, not by %q", by)
	}
	if err := c.listSize(v.Len()); err != nil {
		return Value{}, err
	}
	out, err := c.sortBy(pairsOf(v), a.truth(2), func(pair Value) (Value, error) {
		k := pair.items()[place]
		if !a.truth(0) {
			k = foldCase(k)
		}
		return k, nil
	})
	return List(out...), err
}

// An attribute is the path to a member, as 'profile.name' or 0.
type attributePath []Value

func attributePathOf(v Value) attributePath {
	switch v.kind {
	case kindAbsent, KindNull:
		return nil
	case KindString:
		var out attributePath
		for part := range strings.SplitSeq(v.str, ".") {
			out = append(out, attributeKey(part))
		}
		return out
	default:
		return attributePath{v}
	}
}

// of returns the member of an item, with a default in place of what is undefined.
func (p attributePath) of(c *run, item, byDefault Value) (Value, error) {
	for _, part := range p {
		switch {
		case c.typed && item.nothing():
		case item.kind == KindUndefined:
			return Value{}, undefinedError("the item is not there, so it has no member %s", part.String())
		default:
			item = c.item(item, part)
		}
		if item.kind == KindUndefined && byDefault.kind != kindAbsent && byDefault.kind != KindNull {
			item = byDefault
		}
	}
	return item, nil
}

func filterJoin(c *run, v Value, a args) (Value, error) {
	items, err := c.iterate(v)
	if err != nil {
		return Value{}, err
	}
	separator, err := c.text(a.or(0, String("")))
	if err != nil {
		return Value{}, err
	}
	path := attributePathOf(a.values[1])
	return c.joined(len(items), separator, func(i int) (Value, error) {
		return path.of(c, items[i], Value{kind: kindAbsent})
	})
}

// joined joins the texts of n values.
func (c *run) joined(n int, separator string, item func(int) (Value, error)) (Value, error) {
	base := len(c.s.buffer)
	defer func() { c.s.buffer = c.s.buffer[:base] }()
	for i := range n {
		if i > 0 {
			if err := c.writeText(separator); err != nil {
				return Value{}, err
			}
		}
		v, err := item(i)
		if err != nil {
			return Value{}, err
		}
		if err := c.write(v); err != nil {
			return Value{}, err
		}
	}
	return String(string(c.s.buffer[base:])), nil
}

// given puts the values of a call whose function is known only now in their
// places.
func (f *function) given(values []Value, names []string) (args, error) {
	positional := len(values) - len(names)
	out := args{values: make([]Value, len(f.params), len(f.params)+len(values))}
	for i := range out.values {
		out.values[i] = Value{kind: kindAbsent}
	}
	for i, v := range values {
		place := i
		if i >= positional {
			place = slices.IndexFunc(f.params, func(q param) bool { return q.name == names[i-positional] })
		}
		switch {
		case place >= 0 && place < len(f.params):
			out.values[place] = v
		case i >= positional && f.namedRest:
			out.values = append(out.values, v)
			out.names = append(out.names, names[i-positional])
		case i < positional && f.rest:
			out.values = append(out.values, v)
		default:
			return args{}, typeError("%s has too many arguments; it is written %s", f.name, f.usage())
		}
	}
	for i, q := range f.params {
		if !q.optional && out.values[i].kind == kindAbsent {
			return args{}, typeError("%s needs its argument %s; it is written %s", f.name, q.name, f.usage())
		}
	}
	return out, nil
}

// known returns the function with a constant name, at load.
func known(what string, functions map[string]*function, name Value) (any, error) {
	if name.kind != KindString {
		return nil, nil
	}
	if fn := functions[name.str]; fn != nil {
		return fn, nil
	}
	return nil, typeError("there is no %s %s", what, name.str)
}

func prepareMap(lib *library, _ *Limits, a args) (any, error) {
	if len(a.names) == len(a.values) {
		if !slices.Contains(a.names, "attribute") {
			return nil, typeError("map needs a filter, as map('lower'), or a member, as map(attribute='name')")
		}
		return nil, nil
	}
	return known("filter", lib.filters, a.values[0])
}

func filterMap(c *run, v Value, a args) (Value, error) {
	if !v.Truthy() {
		return List(), nil // as Jinja, whatever the value is
	}
	items, err := c.iterate(v)
	if err != nil {
		return Value{}, err
	}
	each, err := c.mapper(a)
	if err != nil {
		return Value{}, err
	}
	out := make([]Value, len(items))
	for i, item := range items {
		if out[i], err = each(item); err != nil {
			return Value{}, err
		}
	}
	return List(out...), nil
}

// mapper returns what map does with each item.
func (c *run) mapper(a args) (func(Value) (Value, error), error) {
	if len(a.names) == len(a.values) {
		byDefault := Value{kind: kindAbsent}
		var path attributePath
		for i, name := range a.names {
			switch name {
			case "attribute":
				path = attributePathOf(a.values[i])
			case "default":
				byDefault = a.values[i]
			default:
				return nil, typeError("map has no argument %s", name)
			}
		}
		return func(item Value) (Value, error) { return path.of(c, item, byDefault) }, nil
	}
	fn, given, err := c.named("filter", c.t.lib.filters, a)
	if err != nil {
		return nil, err
	}
	return func(item Value) (Value, error) { return c.invoke(fn, item, given) }, nil
}

// named returns the function that the first argument names, and its arguments.
func (c *run) named(what string, functions map[string]*function, a args) (*function, args, error) {
	fn, ok := a.prepared.(*function)
	if !ok {
		name, err := a.string(0, "")
		if err != nil {
			return nil, args{}, err
		}
		if fn = functions[name]; fn == nil {
			return nil, args{}, typeError("there is no %s %s", what, name)
		}
	}
	given, err := fn.given(slices.Clone(a.values[1:]), a.names)
	return fn, given, err
}

func prepareSelect(lib *library, _ *Limits, a args) (any, error) {
	if len(a.names) == len(a.values) {
		return nil, nil
	}
	return known("test", lib.tests, a.values[0])
}

func prepareSelectAttr(lib *library, limits *Limits, a args) (any, error) {
	a.values = a.values[1:]
	return prepareSelect(lib, limits, a)
}

func filterSelect(c *run, v Value, a args) (Value, error) { return c.choose(v, nil, a, true) }
func filterReject(c *run, v Value, a args) (Value, error) { return c.choose(v, nil, a, false) }

func filterSelectAttr(c *run, v Value, a args) (Value, error) {
	path := attributePathOf(a.values[0])
	a.values = a.values[1:]
	return c.choose(v, path, a, true)
}

func filterRejectAttr(c *run, v Value, a args) (Value, error) {
	path := attributePathOf(a.values[0])
	a.values = a.values[1:]
	return c.choose(v, path, a, false)
}

// choose returns the items for whose member a test holds, or does not.
func (c *run) choose(v Value, path attributePath, a args, holds bool) (Value, error) {
	if !v.Truthy() {
		return List(), nil // as Jinja, whatever the value is
	}
	items, err := c.iterate(v)
	if err != nil {
		return Value{}, err
	}
	test := func(member Value) (bool, error) { return member.Truthy(), nil }
	if len(a.values) > len(a.names) {
		fn, given, err := c.named("test", c.t.lib.tests, a)
		if err != nil {
			return Value{}, err
		}
		test = func(member Value) (bool, error) {
			result, err := c.invoke(fn, member, given)
			return result.Truthy(), err
		}
	}
	var out []Value
	for _, item := range items {
		member, err := path.of(c, item, Value{kind: kindAbsent})
		if err != nil {
			return Value{}, err
		}
		ok, err := test(member)
		if err != nil {
			return Value{}, err
		}
		if ok == holds {
			out = append(out, item)
		}
	}
	return List(out...), nil
}

func filterSort(c *run, v Value, a args) (Value, error) {
	items, err := c.iterate(v)
	if err != nil {
		return Value{}, err
	}
	paths := []attributePath{nil}
	if attribute := a.values[2]; attribute.kind == KindString {
		paths = paths[:0]
		for one := range strings.SplitSeq(attribute.str, ",") {
			paths = append(paths, attributePathOf(String(one)))
		}
	} else {
		paths[0] = attributePathOf(attribute)
	}
	out, err := c.sortBy(items, a.truth(0), func(item Value) (Value, error) {
		keys := make([]Value, len(paths))
		for i, path := range paths {
			k, err := path.of(c, item, Value{kind: kindAbsent})
			if err != nil {
				return Value{}, err
			}
			if !a.truth(1) {
				k = foldCase(k)
			}
			keys[i] = k
		}
		return List(keys...), nil
	})
	return List(out...), err
}

func filterUnique(c *run, v Value, a args) (Value, error) {
	items, err := c.iterate(v)
	if err != nil {
		return Value{}, err
	}
	path := attributePathOf(a.values[1])
	seen := map[key]bool{}
	var out []Value
	for _, item := range items {
		member, err := path.of(c, item, Value{kind: kindAbsent})
		if err != nil {
			return Value{}, err
		}
		if !a.truth(0) {
			member = foldCase(member)
		}
		k, err := keyOf(member)
		if err != nil {
			return Value{}, err
		}
		if !seen[k] {
			seen[k] = true
			out = append(out, item)
		}
	}
	return List(out...), nil
}

func filterReverse(c *run, v Value, _ args) (Value, error) {
	if v.kind == KindString {
		runes := []rune(v.str)
		slices.Reverse(runes)
		return String(string(runes)), c.work(len(v.str) / bytesAStep)
	}
	items, err := c.iterate(v)
	if err != nil {
		return Value{}, err
	}
	out := slices.Clone(items)
	slices.Reverse(out)
	return List(out...), nil
}

func filterSum(c *run, v Value, a args) (Value, error) {
	items, err := c.iterate(v)
	if err != nil {
		return Value{}, err
	}
	path := attributePathOf(a.values[0])
	sum := a.or(1, Int(0))
	for _, item := range items {
		member, err := path.of(c, item, Value{kind: kindAbsent})
		if err != nil {
			return Value{}, err
		}
		if sum, err = c.calculate("+", sum, member); err != nil {
			return Value{}, err
		}
	}
	return sum, nil
}

func filterMax(c *run, v Value, a args) (Value, error) { return c.extreme(v, a, 1) }
func filterMin(c *run, v Value, a args) (Value, error) { return c.extreme(v, a, -1) }

// extreme returns the greatest item, or the least where sign is -1.
func (c *run) extreme(v Value, a args, sign int) (Value, error) {
	items, err := c.iterate(v)
	if err != nil {
		return Value{}, err
	}
	path := attributePathOf(a.values[1])
	return c.best(items, sign, func(item Value) (Value, error) {
		member, err := path.of(c, item, Value{kind: kindAbsent})
		if !a.truth(0) {
			member = foldCase(member)
		}
		return member, err
	})
}

// best returns the item whose key is the greatest, or the least where sign is -1;
// undefined if there is none.
func (c *run) best(items []Value, sign int, keyOf func(Value) (Value, error)) (Value, error) {
	var best, bestKey Value
	for i, item := range items {
		k, err := keyOf(item)
		if err != nil {
			return Value{}, err
		}
		if i > 0 {
			order, err := c.order(k, bestKey)
			if err != nil {
				return Value{}, err
			}
			if order*sign <= 0 {
				continue
			}
		}
		best, bestKey = item, k
	}
	return best, nil
}

func filterDefault(c *run, v Value, a args) (Value, error) {
	if v.kind == KindUndefined || c.typed && v.kind == KindNull || a.truth(1) && !v.Truthy() {
		return a.or(0, String("")), nil
	}
	return v, nil
}

// jsonInHTML are the characters that Jinja's tojson escapes, because its JSON may
// stand in HTML.
var jsonInHTML = strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "'", `\u0027`)

func filterToJSON(c *run, v Value, a args) (Value, error) {
	if c.typed && v.kind == KindUndefined {
		return v, nil
	}
	w := jsonWriter{run: c, comma: ", ", colon: ": ", ascii: true, sorted: true, lenient: false}
	if indent := a.values[0]; indent.kind != kindAbsent && indent.kind != KindNull {
		n, err := a.int(0, 0)
		if err != nil {
			return Value{}, err
		}
		if n > maxWidth/10 {
			return Value{}, limitError("an indent is at most %d", maxWidth/10)
		}
		w.lines, w.indent, w.comma = true, n, ","
	}
	if err := w.value(v); err != nil {
		return Value{}, err
	}
	s := jsonInHTML.Replace(string(w.out))
	return String(s), c.textSize(len(s))
}
