package template

import (
	"fmt"
	"math"
	"math/big"
	"strings"
)

// A dict keeps its pairs in order. Beyond a few pairs it has an index by key.
type dict struct {
	pairs []Pair
	index map[key]int
}

// indexFrom is the number of pairs from which an index pays.
const indexFrom = 9

// A key is what makes two values the same member of a dict: 1, 1.0 and true are
// one key, as in Python.
type key struct {
	kind Kind
	num  uint64
	str  string
}

// keyOf returns a value's key. It fails for what can be no key.
func keyOf(v Value) (key, error) {
	switch v.kind {
	case KindUndefined, KindNull:
		return key{kind: v.kind}, nil
	case KindBool:
		return key{kind: KindInt, num: v.num}, nil
	case KindInt:
		v = v.plain()
		if n, ok := v.ref.(*big.Int); ok {
			return key{kind: KindInt, str: n.String()}, nil
		}
		return key{kind: KindInt, num: v.num}, nil
	case KindFloat:
		v = v.plain()
		f := math.Float64frombits(v.num)
		if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
			return key{kind: KindInt, num: uint64(int64(f))}, nil //nolint:gosec // the bits of an int64
		}
		return key{kind: KindFloat, num: v.num}, nil
	case KindString, KindBytes, kindMethod:
		return key{kind: v.kind, str: v.str}, nil
	case KindTuple:
		return tupleKey(v)
	case KindTime:
		t, _ := v.AsTime()
		return key{kind: KindTime, num: uint64(t.UnixNano())}, nil
	case KindDuration:
		return key{kind: KindDuration, num: v.num, str: v.String()}, nil
	default:
		return key{}, typeError("%s cannot be the key of a dict or a member of a set", v.kind)
	}
}

// maxKey bounds the text that stands for a tuple as a key.
const maxKey = 1 << 16

func tupleKey(v Value) (key, error) {
	var b strings.Builder
	for _, item := range v.items() {
		k, err := keyOf(item)
		if err != nil {
			return key{}, err
		}
		if b.Len()+len(k.str) > maxKey {
			return key{}, limitError("a tuple is too large to be the key of a dict")
		}
		fmt.Fprintf(&b, "%d %d %q,", k.kind, k.num, k.str)
	}
	return key{kind: KindTuple, str: b.String()}, nil
}

// newDict makes a dict of pairs; the last of several pairs with one key counts.
func newDict(pairs []Pair) *dict {
	d := &dict{pairs: pairs[:0]}
	for _, p := range pairs {
		_ = d.set(p.Key, p.Value) // what can be no key is left out, as Dict says
	}
	return d
}

// find returns the place of a key, or -1.
func (d *dict) find(k key) int {
	if d.index != nil {
		if i, ok := d.index[k]; ok {
			return i
		}
		return -1
	}
	for i := range d.pairs {
		if other, err := keyOf(d.pairs[i].Key); err == nil && other == k {
			return i
		}
	}
	return -1
}

// member returns the value of a string key.
func (d *dict) member(name string) (Value, bool) {
	if d.index != nil {
		i, ok := d.index[key{kind: KindString, str: name}]
		if !ok {
			return Value{}, false
		}
		return d.pairs[i].Value, true
	}
	for i := range d.pairs {
		if p := &d.pairs[i]; p.Key.kind == KindString && p.Key.str == name {
			return p.Value, true
		}
	}
	return Value{}, false
}

// get returns the value of a key.
func (d *dict) get(k Value) (Value, bool) {
	if k.kind == KindString {
		return d.member(k.str)
	}
	hash, err := keyOf(k)
	if err != nil {
		return Value{}, false
	}
	if i := d.find(hash); i >= 0 {
		return d.pairs[i].Value, true
	}
	return Value{}, false
}

// set adds a member, or replaces its value at its place.
func (d *dict) set(k, v Value) error {
	hash, err := keyOf(k)
	if err != nil {
		return err
	}
	if i := d.find(hash); i >= 0 {
		d.pairs[i].Value = v
		return nil
	}
	d.pairs = append(d.pairs, Pair{k, v})
	switch {
	case d.index != nil:
		d.index[hash] = len(d.pairs) - 1
	case len(d.pairs) >= indexFrom:
		d.index = make(map[key]int, 2*len(d.pairs))
		for i := range d.pairs {
			if h, err := keyOf(d.pairs[i].Key); err == nil {
				d.index[h] = i
			}
		}
	}
	return nil
}
