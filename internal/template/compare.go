package template

import (
	"cmp"
	"math"
	"math/big"
	"strings"
)

// compare says whether a comparison holds.
func (c *run) compare(op compareOp, a, b Value) (bool, error) {
	switch op {
	case opEqual, opNotEqual:
		equal, err := c.equal(a, b)
		return equal == (op == opEqual), err
	case opIn, opNotIn:
		in, err := c.contains(b, a)
		return in == (op == opIn), err
	default:
		return c.ordered(op, a, b)
	}
}

// ordered says whether one value is less or more than another.
func (c *run) ordered(op compareOp, a, b Value) (bool, error) {
	if a.kind == KindFloat && math.IsNaN(a.float()) || b.kind == KindFloat && math.IsNaN(b.float()) {
		return false, nil
	}
	order, err := c.order(a, b)
	if err != nil {
		return false, err
	}
	switch op {
	case opLess:
		return order < 0, nil
	case opLessOrEqual:
		return order <= 0, nil
	case opGreater:
		return order > 0, nil
	default:
		return order >= 0, nil
	}
}

// size is about how much work it is to look through a value.
func (v Value) size() int { return len(v.str)/bytesAStep + len(v.items()) }

func (v Value) float() float64 { return math.Float64frombits(v.plain().num) }

// equal compares as Python's == does.
func (c *run) equal(a, b Value) (bool, error) {
	if a.kind == KindString && b.kind == KindString {
		return a.str == b.str, nil
	}
	e := equality{run: c}
	equal := e.equal(a, b)
	return equal, e.err
}

// equality compares values of any depth within the limits.
type equality struct {
	run   *run
	depth int
	err   error
}

func (e *equality) equal(a, b Value) bool {
	if e.err != nil {
		return false
	}
	if e.err = e.run.work(1); e.err != nil {
		return false
	}
	x, y := a.numeric(), b.numeric()
	switch {
	case x.isNumber() || y.isNumber():
		return x.isNumber() && y.isNumber() && equalNumbers(x, y)
	case a.kind != b.kind:
		return false
	}
	switch a.kind {
	case KindUndefined, KindNull:
		return true
	case KindString, KindBytes, kindMethod:
		return a.str == b.str
	case KindTime:
		s, _ := a.AsTime()
		t, _ := b.AsTime()
		return s.Equal(t) && a.IsDay() == b.IsDay()
	case KindDuration:
		return a.span() == b.span()
	default:
		return e.containers(a, b)
	}
}

// containers compares lists and the like.
func (e *equality) containers(a, b Value) bool {
	if e.depth++; e.depth > e.run.limits.JSONDepth {
		e.err = limitError("more than %d lists and dicts are in one another", e.run.limits.JSONDepth)
		return false
	}
	defer func() { e.depth-- }()
	switch a.kind {
	case KindDict:
		return e.dicts(a.dict(), b.dict())
	case KindSet:
		return len(a.items()) == len(b.items()) && e.within(a.items(), b.items())
	default:
		return e.lists(a.items(), b.items())
	}
}

func (e *equality) lists(a, b []Value) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !e.equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func (e *equality) dicts(a, b *dict) bool {
	if len(a.pairs) != len(b.pairs) {
		return false
	}
	for _, p := range a.pairs {
		other, ok := b.get(p.Key)
		if !ok || !e.equal(p.Value, other) {
			return false
		}
	}
	return true
}

// within says that every item of a is one of b.
func (e *equality) within(a, b []Value) bool {
	for _, x := range a {
		found := false
		for _, y := range b {
			if e.equal(x, y) {
				found = true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func equalNumbers(a, b Value) bool {
	if a.kind == KindInt && b.kind == KindInt && a.ref == nil && b.ref == nil {
		return a.num == b.num
	}
	if a.kind == KindFloat && math.IsNaN(a.float()) || b.kind == KindFloat && math.IsNaN(b.float()) {
		return false
	}
	return compareNumbers(a, b) == 0
}

// compareNumbers orders numbers, exactly also where a float is not.
func compareNumbers(a, b Value) int {
	switch {
	case a.kind == KindFloat && b.kind == KindFloat:
		return cmp.Compare(a.float(), b.float())
	case a.kind == KindFloat:
		return -compareNumbers(b, a)
	case b.kind == KindInt && a.ref == nil && b.ref == nil:
		return cmp.Compare(int64(a.num), int64(b.num)) //nolint:gosec // the bits of an int64
	case b.kind == KindInt:
		return a.bigInt().Cmp(b.bigInt())
	}
	f := b.float()
	switch {
	case math.IsInf(f, 1) || math.IsNaN(f):
		return -1
	case math.IsInf(f, -1):
		return 1
	}
	return new(big.Float).SetInt(a.bigInt()).Cmp(big.NewFloat(f))
}

// order orders two values as Python's < does.
func (c *run) order(a, b Value) (int, error) {
	return c.orderWithin(a, b, 0)
}

// orderWithin orders two values that are so many lists deep.
func (c *run) orderWithin(a, b Value, depth int) (int, error) {
	if err := c.work(1 + min(len(a.str), len(b.str))/bytesAStep); err != nil {
		return 0, err
	}
	if a.kind == KindUndefined || b.kind == KindUndefined {
		return 0, undefinedError("what is not there cannot be compared; write | default(...) to give it a value")
	}
	x, y := a.numeric(), b.numeric()
	switch {
	case x.isNumber() && y.isNumber():
		return compareNumbers(x, y), nil
	case a.kind != b.kind:
	case a.kind == KindString || a.kind == KindBytes:
		return strings.Compare(a.str, b.str), nil
	case a.kind == KindTime && a.IsDay() == b.IsDay():
		s, _ := a.AsTime()
		t, _ := b.AsTime()
		return s.Compare(t), nil
	case a.kind == KindDuration && a.ref == nil && b.ref == nil:
		return cmp.Compare(a.span().rest, b.span().rest), nil
	case a.kind == KindList || a.kind == KindTuple:
		return c.orderLists(a.items(), b.items(), depth+1)
	}
	return 0, typeError("%s cannot be compared with %s as less or more", a.kind, b.kind)
}

// orderLists orders lists by their first items that differ.
func (c *run) orderLists(a, b []Value, depth int) (int, error) {
	if depth > c.limits.JSONDepth {
		return 0, limitError("more than %d lists are in one another", c.limits.JSONDepth)
	}
	for i := range min(len(a), len(b)) {
		if a[i].kind == b[i].kind && (a[i].nothing() || a[i].kind == KindDict) { // they have no order, and need none if they are equal
			equal, err := c.equal(a[i], b[i])
			if err != nil {
				return 0, err
			}
			if equal {
				continue
			}
		}
		if order, err := c.orderWithin(a[i], b[i], depth); err != nil || order != 0 {
			return order, err
		}
	}
	return cmp.Compare(len(a), len(b)), nil
}

// contains says whether a value is in another, as Python's in does.
func (c *run) contains(container, item Value) (bool, error) {
	if err := c.work(container.size()); err != nil {
		return false, err
	}
	switch container.kind {
	case KindUndefined:
		return false, nil
	case KindNull:
		if c.typed {
			return false, nil
		}
	case KindString:
		if item.kind == KindString {
			return strings.Contains(container.str, item.str), nil
		}
		if c.typed && item.nothing() {
			return false, nil
		}
		return false, typeError("only text can be in a string, not %s", item.kind)
	case KindDict:
		k, err := keyOf(item)
		if err != nil {
			return false, err
		}
		return container.dict().find(k) >= 0, nil
	case KindList, KindTuple, KindSet:
		for _, other := range container.items() {
			equal, err := c.equal(item, other)
			if err != nil || equal {
				return equal, err
			}
		}
		return false, nil
	default:
	}
	return false, typeError("nothing can be in %s", container.kind)
}
