package template

import (
	"math/big"
	"unicode"
)

// testTable returns the tests: what may follow is.
func testTable() []function {
	return []function{
		{name: "defined", call: test(func(v Value) bool { return v.kind != KindUndefined }), doc: "The value is there, null or not."},
		{name: "undefined", call: test(func(v Value) bool { return v.kind == KindUndefined }), doc: "The value is not there."},
		{name: "none", call: test(Value.IsNull), doc: "The value is null."},
		{name: "true", call: test(func(v Value) bool { return v.kind == KindBool && v.num == 1 }), doc: "The value is the boolean true."},
		{name: "false", call: test(func(v Value) bool { return v.kind == KindBool && v.num == 0 }), doc: "The value is the boolean false."},
		{name: "boolean", call: test(func(v Value) bool { return v.kind == KindBool }), doc: "The value is true or false."},
		{name: "string", call: test(func(v Value) bool { return v.kind == KindString }), doc: "The value is text."},
		{name: "number", call: test(func(v Value) bool { return v.isNumber() || v.kind == KindBool }), doc: "The value is a number or, as in Python, a boolean."},
		{name: "integer", call: test(func(v Value) bool { return v.kind == KindInt }), doc: "The value is a whole number."},
		{name: "float", call: test(func(v Value) bool { return v.kind == KindFloat }), doc: "The value is a number with a fraction or an exponent."},
		{name: "mapping", call: test(func(v Value) bool { return v.kind == KindDict }), doc: "The value is a dict."},
		{name: "iterable", call: test(Value.iterable), doc: "The value has items, members or characters, or is undefined."},
		{name: "sequence", call: test(func(v Value) bool { return v.iterable() && v.kind != KindSet }), doc: "The value has items, members or characters, or is undefined."},
		{name: "callable", call: test(func(v Value) bool { return v.kind == kindMethod || v.kind == KindUndefined }), doc: "The value is a method that is not called."},
		{name: "even", call: testRest(func(n *big.Int) bool { return n.Bit(0) == 0 }), doc: "The number is even."},
		{name: "odd", call: testRest(func(n *big.Int) bool { return n.Bit(0) == 1 }), doc: "The number is odd."},
		{name: "divisibleby", signature: "num", call: testDivisible, doc: "The number is a multiple of another."},
		{name: "lower", call: testCase(unicode.IsUpper, unicode.IsLower), doc: "The text has letters, all in lower case."},
		{name: "upper", call: testCase(unicode.IsLower, unicode.IsUpper), doc: "The text has letters, all in upper case."},
		{name: "in", signature: "seq", call: testCompare(opIn), doc: "The value is in a list, dict or text."},
		{name: "eq|equalto|==", signature: "other", call: testCompare(opEqual), doc: "The value equals another."},
		{name: "ne|!=", signature: "other", call: testCompare(opNotEqual), doc: "The value does not equal another."},
		{name: "lt|lessthan|<", signature: "other", call: testCompare(opLess), doc: "The value is less than another."},
		{name: "le|<=", signature: "other", call: testCompare(opLessOrEqual), doc: "The value is less than another or equals it."},
		{name: "gt|greaterthan|>", signature: "other", call: testCompare(opGreater), doc: "The value is more than another."},
		{name: "ge|>=", signature: "other", call: testCompare(opGreaterOrEqual), doc: "The value is more than another or equals it."},
		{name: "sameas", signature: "other", call: testSame, doc: "The value is another: null, true or false, or equal and of the same kind."},
	}
}

// test makes a test of a function of the value.
func test(holds func(Value) bool) func(*run, Value, args) (Value, error) {
	return func(_ *run, v Value, _ args) (Value, error) { return Bool(holds(v)), nil }
}

// iterable says that a loop could go over the value.
func (v Value) iterable() bool {
	switch v.kind {
	case KindUndefined, KindString, KindBytes, KindList, KindDict, KindTuple, KindSet:
		return true
	default:
		return false
	}
}

// testRest makes a test of a whole number's divisibility by two.
func testRest(holds func(*big.Int) bool) func(*run, Value, args) (Value, error) {
	return func(c *run, v Value, _ args) (Value, error) {
		if c.typed && v.nothing() {
			return Bool(false), nil
		}
		if v.kind == KindUndefined {
			return Value{}, undefinedError("what is not there is no number")
		}
		n := v.numeric()
		if n.kind == KindFloat {
			rest, err := floats("%", n.float(), 2)
			if err != nil || rest.float() != 0 && rest.float() != 1 {
				return Bool(false), err
			}
			return Bool(holds(big.NewInt(int64(rest.float())))), nil
		}
		if n.kind != KindInt {
			return Value{}, typeError("a number is even or odd, not %s", v.kind)
		}
		return Bool(holds(n.bigInt())), nil
	}
}

func testDivisible(c *run, v Value, a args) (Value, error) {
	if c.typed && v.nothing() {
		return Bool(false), nil
	}
	rest, err := c.calculate("%", v, a.values[0])
	if err != nil {
		return Value{}, err
	}
	return Bool(rest.isNumber() && !rest.Truthy()), nil
}

// testCase makes a test that text has letters of one case and none of the other.
func testCase(unwanted, wanted func(rune) bool) func(*run, Value, args) (Value, error) {
	return func(c *run, v Value, _ args) (Value, error) {
		s, err := c.text(v)
		if err != nil {
			return Value{}, err
		}
		return Bool(isCase(s, unwanted, wanted)), c.work(len(s) / bytesAStep)
	}
}

func isCase(s string, unwanted, wanted func(rune) bool) bool {
	found := false
	for _, r := range s {
		if unwanted(r) || unicode.IsTitle(r) {
			return false
		}
		found = found || wanted(r)
	}
	return found
}

func testCompare(op compareOp) func(*run, Value, args) (Value, error) {
	return func(c *run, v Value, a args) (Value, error) {
		holds, err := c.compare(op, v, a.values[0])
		return Bool(holds), err
	}
}

func testSame(c *run, v Value, a args) (Value, error) {
	other := a.values[0]
	if v.kind != other.kind {
		return Bool(false), nil
	}
	equal, err := c.equal(v, other)
	return Bool(equal), err
}
