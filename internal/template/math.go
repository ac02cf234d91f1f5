package template

import (
	"math"
	"math/big"
	"math/bits"
	"strings"
	"time"
)

// calculate applies an operator of arithmetic.
func (c *run) calculate(op string, a, b Value) (Value, error) {
	if op == "%" && a.kind == KindString {
		return c.percent(a.str, b)
	}
	if a.nothing() || b.nothing() {
		return Value{}, nothingError(op, a, b)
	}
	x, y := a.numeric(), b.numeric()
	if x.kind == KindInt && y.kind == KindInt {
		return c.integers(op, x, y)
	}
	if x.isNumber() && y.isNumber() {
		f, _ := x.AsFloat()
		g, _ := y.AsFloat()
		return floats(op, f, g)
	}
	switch op {
	case "+":
		if v, ok, err := c.join(a, b); ok {
			return v, err
		}
	case "*":
		if v, ok, err := c.repeat(a, b); ok {
			return v, err
		}
	}
	if v, ok, err := times(op, a, b); ok {
		return v, err
	}
	return Value{}, typeError("%s %s %s is no calculation%s", a.kind, op, b.kind, advice(op, a, b))
}

// advice says what to write instead.
func advice(op string, a, b Value) string {
	if op == "+" && (a.kind == KindString || b.kind == KindString) {
		return "; write ~ to join text"
	}
	if a.kind == KindString && b.isNumber() || b.kind == KindString && a.isNumber() {
		return "; write | int or | float to calculate with text"
	}
	return ""
}

// nothingError says that one side of an operator is not there.
func nothingError(op string, a, b Value) error {
	side, v := "left", a
	if !a.nothing() {
		side, v = "right", b
	}
	if a.kind == KindUndefined || b.kind == KindUndefined {
		if v.kind != KindUndefined {
			side = "right"
		}
		return undefinedError("nothing is there on the %s of %s; write | default(...) to give it a value", side, op)
	}
	return typeError("null is on the %s of %s; write | default(..., true) to give it a value", side, op)
}

// numeric returns a number to calculate with; a boolean is 0 or 1, as in Python.
func (v Value) numeric() Value {
	if v.kind == KindBool {
		return Int(int64(v.num & 1))
	}
	return v.plain()
}

func (v Value) isNumber() bool { return v.kind == KindInt || v.kind == KindFloat }

// integers calculates with whole numbers.
func (c *run) integers(op string, x, y Value) (Value, error) {
	if x.ref != nil || y.ref != nil {
		return c.bigIntegers(op, x, y)
	}
	a, b := int64(x.num), int64(y.num) //nolint:gosec // the bits of an int64
	switch op {
	case "+":
		if s := a + b; (s > a) == (b > 0) {
			return Int(s), nil
		}
	case "-":
		if s := a - b; (s < a) == (b > 0) {
			return Int(s), nil
		}
	case "*":
		if high, _ := bits.Mul64(magnitude(a), magnitude(b)); high == 0 && fits(a, b) {
			return Int(a * b), nil
		}
	case "/":
		if b == 0 {
			return Value{}, errZero
		}
		if exact(a) && exact(b) {
			return Float(float64(a) / float64(b)), nil
		}
	case "//", "%":
		if b == 0 {
			return Value{}, errZero
		}
		if b == -1 {
			break // the least integer has no positive
		}
		q, r := a/b, a%b
		if r != 0 && (r < 0) != (b < 0) {
			q, r = q-1, r+b
		}
		if op == "//" {
			return Int(q), nil
		}
		return Int(r), nil
	}
	return c.bigIntegers(op, x, y)
}

var errZero = typeError("a number is divided by zero")

func magnitude(n int64) uint64 {
	if n < 0 {
		return uint64(-n)
	}
	return uint64(n)
}

// fits says that a product of 64 bits has no more than 63.
func fits(a, b int64) bool {
	_, low := bits.Mul64(magnitude(a), magnitude(b))
	return low <= math.MaxInt64
}

// exact says that a float holds the integer as it is.
func exact(n int64) bool { return magnitude(n) <= 1<<53 }

func (v Value) bigInt() *big.Int {
	if n, ok := v.ref.(*big.Int); ok {
		return n
	}
	return big.NewInt(int64(v.num)) //nolint:gosec // the bits of an int64
}

// bigIntegers calculates with whole numbers of any size.
func (c *run) bigIntegers(op string, x, y Value) (Value, error) {
	a, b := x.bigInt(), y.bigInt()
	if err := c.work((a.BitLen() + b.BitLen()) / 64); err != nil {
		return Value{}, err
	}
	n := new(big.Int)
	switch op {
	case "+":
		n.Add(a, b)
	case "-":
		n.Sub(a, b)
	case "*":
		if err := c.bits(a.BitLen() + b.BitLen() - 1); err != nil {
			return Value{}, err
		}
		n.Mul(a, b)
	case "/":
		if b.Sign() == 0 {
			return Value{}, errZero
		}
		f, _ := new(big.Rat).SetFrac(a, b).Float64()
		if math.IsInf(f, 0) {
			return Value{}, typeError("the quotient is too large for a float")
		}
		return Float(f), nil
	case "//", "%":
		if b.Sign() == 0 {
			return Value{}, errZero
		}
		m := new(big.Int)
		n.DivMod(a, b, m) // rounds so that the rest is positive; Python's has the divisor's sign
		if m.Sign() != 0 && b.Sign() < 0 {
			n.Add(n, big.NewInt(-1))
			m.Add(m, b)
		}
		if op == "%" {
			n = m
		}
	case "**":
		return c.power(a, b)
	}
	if err := c.bits(n.BitLen()); err != nil {
		return Value{}, err
	}
	return bigInt(n), nil
}

// bits holds the limit on a number's size.
func (c *run) bits(n int) error {
	if n > c.limits.Bits {
		return limitError("a whole number becomes larger than %d bits", c.limits.Bits)
	}
	return nil
}

// power raises a whole number to another.
func (c *run) power(a, b *big.Int) (Value, error) {
	if b.Sign() < 0 {
		f, _ := new(big.Float).SetInt(a).Float64()
		g, _ := new(big.Float).SetInt(b).Float64()
		return floats("**", f, g)
	}
	if a.BitLen() <= 1 { // 0, 1 and -1 grow not
		even := b.Bit(0) == 0
		switch {
		case b.Sign() == 0 || a.Sign() < 0 && even:
			return Int(1), nil
		default:
			return bigInt(a), nil
		}
	}
	if !b.IsInt64() || b.Int64() > int64(c.limits.Bits) || (int64(a.BitLen())-1)*b.Int64() > int64(c.limits.Bits) {
		return Value{}, limitError("a whole number becomes larger than %d bits", c.limits.Bits)
	}
	n := new(big.Int).Exp(a, b, nil)
	if err := c.bits(n.BitLen()); err != nil {
		return Value{}, err
	}
	return bigInt(n), c.work(n.BitLen() / 64)
}

// floats calculates with floats.
func floats(op string, a, b float64) (Value, error) {
	switch op {
	case "+":
		return Float(a + b), nil
	case "-":
		return Float(a - b), nil
	case "*":
		return Float(a * b), nil
	}
	if op == "**" {
		return floatPower(a, b)
	}
	if b == 0 {
		return Value{}, errZero
	}
	if op == "/" {
		return Float(a / b), nil
	}
	quotient, rest := floorDivide(a, b)
	if op == "//" {
		return Float(quotient), nil
	}
	return Float(rest), nil
}

// floorDivide divides as Python does: the quotient rounded down, the rest with the
// divisor's sign.
func floorDivide(a, b float64) (quotient, rest float64) {
	rest = math.Mod(a, b)
	div := (a - rest) / b
	if rest != 0 {
		if (b < 0) != (rest < 0) {
			rest += b
			div--
		}
	} else {
		rest = math.Copysign(0, b)
	}
	if div == 0 {
		return math.Copysign(0, a/b), rest
	}
	quotient = math.Floor(div)
	if div-quotient > 0.5 {
		quotient++
	}
	return quotient, rest
}

func floatPower(a, b float64) (Value, error) {
	switch {
	case a == 0 && b < 0:
		return Value{}, errZero
	case a < 0 && b != math.Trunc(b) && !math.IsInf(a, 0) && !math.IsInf(b, 0):
		return Value{}, typeError("a negative number has no power with a fraction")
	}
	f := math.Pow(a, b)
	if math.IsInf(f, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		return Value{}, typeError("the power is too large for a float")
	}
	return Float(f), nil
}

// signed returns a number with a sign before it.
func signed(v Value, minus bool) (Value, error) {
	switch {
	case v.kind == KindUndefined:
		return Value{}, undefinedError("nothing is there behind the sign; write | default(...) to give it a value")
	case v.kind == KindDuration && minus:
		s := v.span()
		return Duration(-s.years, -s.months, -s.rest), nil
	case v.kind == KindDuration:
		return v, nil
	}
	n := v.numeric()
	switch {
	case !n.isNumber():
		return Value{}, typeError("%s has no sign", v.kind)
	case !minus:
		return n, nil
	case n.kind == KindFloat:
		return Float(-math.Float64frombits(n.num)), nil
	}
	return bigInt(new(big.Int).Neg(n.bigInt())), nil
}

// join adds strings, lists or tuples.
func (c *run) join(a, b Value) (v Value, ok bool, err error) {
	if a.kind != b.kind {
		return Value{}, false, nil
	}
	switch a.kind {
	case KindString, KindBytes:
		if err := c.textSize(len(a.str) + len(b.str)); err != nil {
			return Value{}, true, err
		}
		return Value{kind: a.kind, str: a.str + b.str}, true, nil
	case KindList, KindTuple:
		x, y := a.items(), b.items()
		if err := c.listSize(len(x) + len(y)); err != nil {
			return Value{}, true, err
		}
		items := make([]Value, 0, len(x)+len(y))
		return Value{kind: a.kind, ref: &list{append(append(items, x...), y...)}}, true, nil
	default:
		return Value{}, false, nil
	}
}

// textSize holds the limits on text that is about to be made.
func (c *run) textSize(n int) error {
	if n > c.limits.Output {
		return limitError("the text becomes longer than %d bytes", c.limits.Output)
	}
	return c.work(n / bytesAStep)
}

// listSize holds the limits on a list that is about to be made.
func (c *run) listSize(n int) error {
	if n > c.limits.Items {
		return limitError("a list becomes longer than %d items", c.limits.Items)
	}
	return c.work(n)
}

// repeat multiplies a string or list.
func (c *run) repeat(a, b Value) (v Value, ok bool, err error) {
	if b.kind == KindString || b.kind == KindList || b.kind == KindTuple || b.kind == KindBytes {
		a, b = b, a
	}
	count := b.numeric()
	if count.kind != KindInt {
		return Value{}, false, nil
	}
	size := len(a.items())
	switch a.kind {
	case KindString, KindBytes:
		size = len(a.str)
	case KindList, KindTuple:
	default:
		return Value{}, false, nil
	}
	if count.bigInt().Sign() <= 0 || size == 0 {
		return c.repeated(a, 0), true, nil
	}
	n, small := count.AsInt()
	if !small || n > int64(c.limits.Repeat) || n*int64(size) > int64(c.limits.Repeat) {
		return Value{}, true, limitError("* makes more than %d characters or items", c.limits.Repeat)
	}
	if err := c.work(int(n)*size/bytesAStep + int(n)*len(a.items())); err != nil {
		return Value{}, true, err
	}
	return c.repeated(a, int(n)), true, nil
}

func (c *run) repeated(v Value, n int) Value {
	if v.kind == KindString || v.kind == KindBytes {
		return Value{kind: v.kind, str: strings.Repeat(v.str, n)}
	}
	items := make([]Value, 0, n*len(v.items()))
	for range n {
		items = append(items, v.items()...)
	}
	return Value{kind: v.kind, ref: &list{items}}
}

// slice returns a part of a list, tuple or string, as Python does.
func (c *run) slice(v Value, bounds [3]Value) (Value, error) {
	size := 0
	switch v.kind {
	case KindString, KindBytes, KindList, KindTuple:
		size = v.Len()
	default:
		return Value{}, typeError("a part is taken of a list or of text, not of %s", v.kind)
	}
	from, step, count, err := sliceBounds(size, bounds)
	if err != nil {
		return Value{}, err
	}
	if err := c.work(count); err != nil {
		return Value{}, err
	}
	switch {
	case v.kind == KindString && step == 1 && isASCII(v.str), v.kind == KindBytes && step == 1:
		return Value{kind: v.kind, str: v.str[from : from+count]}, nil
	case v.kind == KindString:
		runes := []rune(v.str)
		out := make([]rune, count)
		for i := range out {
			out[i] = runes[from+i*step]
		}
		return String(string(out)), nil
	case v.kind == KindBytes:
		out := make([]byte, count)
		for i := range out {
			out[i] = v.str[from+i*step]
		}
		return bytesValue(string(out)), nil
	}
	items := v.items()
	out := make([]Value, count)
	for i := range out {
		out[i] = items[from+i*step]
	}
	return Value{kind: v.kind, ref: &list{out}}, nil
}

// sliceBounds returns where a slice begins, its step, and its number of items.
func sliceBounds(size int, bounds [3]Value) (from, step, count int, err error) {
	step = 1
	if !bounds[2].nothing() {
		n, ok := clampIndex(bounds[2])
		if !ok || n == 0 {
			return 0, 0, 0, typeError("the step of a slice is a whole number other than 0")
		}
		step = n
	}
	least, most := 0, size
	if step < 0 {
		least, most = -1, size-1
	}
	at := func(v Value, byDefault int) int {
		if v.nothing() {
			return byDefault
		}
		n, ok := clampIndex(v)
		if !ok {
			err = typeError("a slice is from one whole number to another, not %s", v.kind)
		}
		if n < 0 {
			n += size
		}
		return min(max(n, least), most)
	}
	var to int
	if step > 0 {
		from, to = at(bounds[0], least), at(bounds[1], most)
		count = (to - from + step - 1) / step
	} else {
		from, to = at(bounds[0], most), at(bounds[1], least)
		count = (from - to - step - 1) / -step
	}
	return from, step, max(count, 0), err
}

// clampIndex returns a whole number within the range that indexes can have.
func clampIndex(v Value) (int, bool) {
	const most = math.MaxInt32
	n := v.numeric()
	if n.kind != KindInt {
		return 0, false
	}
	b := n.bigInt()
	switch {
	case b.Cmp(big.NewInt(most)) > 0:
		return most, true
	case b.Cmp(big.NewInt(-most)) < 0:
		return -most, true
	}
	return int(b.Int64()), true
}

// times calculates with times and durations.
func times(op string, a, b Value) (v Value, ok bool, err error) {
	switch {
	case op == "+" && a.kind == KindTime && b.kind == KindDuration:
		v, err = shift(a, b.span(), 1)
	case op == "+" && a.kind == KindDuration && b.kind == KindTime:
		v, err = shift(b, a.span(), 1)
	case op == "-" && a.kind == KindTime && b.kind == KindDuration:
		v, err = shift(a, b.span(), -1)
	case op == "-" && a.kind == KindTime && b.kind == KindTime && a.IsDay() == b.IsDay():
		x, _ := a.AsTime()
		y, _ := b.AsTime()
		rest := x.Sub(y)
		if rest == math.MaxInt64 || rest == math.MinInt64 {
			return Value{}, true, errTooLong
		}
		v = Duration(0, 0, rest)
	case a.kind == KindDuration && b.kind == KindDuration && (op == "+" || op == "-"):
		x, y := a.span(), b.span()
		if op == "-" {
			y = span{-y.years, -y.months, -y.rest}
		}
		rest := x.rest + y.rest
		if (rest > x.rest) != (y.rest > 0) && y.rest != 0 || max(abs(x.years), abs(y.years), abs(x.months), abs(y.months)) > maxCalendar {
			return Value{}, true, errTooLong
		}
		v = Duration(x.years+y.years, x.months+y.months, rest)
	case op == "*" && (a.kind == KindDuration || b.kind == KindDuration):
		if b.kind == KindDuration {
			a, b = b, a
		}
		return scale(a, b.numeric())
	case op == "/" && a.kind == KindDuration && b.kind == KindDuration:
		x, y := a.span().rest, b.span().rest
		if y == 0 {
			return Value{}, true, errZero
		}
		v = Float(float64(x) / float64(y))
	default:
		return Value{}, false, nil
	}
	return v, true, err
}

// maxCalendar bounds the years and months of a duration.
const maxCalendar = 1_000_000

var errTooLong = typeError("the duration becomes too long")

func abs(n int) int { return max(n, -n) }

// scale multiplies a duration by a whole number.
func scale(d, by Value) (v Value, ok bool, err error) {
	n, whole := by.AsInt()
	if !whole {
		return Value{}, false, nil
	}
	s := d.span()
	limit := time.Duration(math.MaxInt64)
	if n > maxCalendar || n < -maxCalendar || max(abs(s.years), abs(s.months))*abs(int(n)) > maxCalendar || n != 0 && (s.rest > limit/time.Duration(max(n, -n)) || s.rest < -limit/time.Duration(max(n, -n))) {
		return Value{}, true, errTooLong
	}
	return Duration(s.years*int(n), s.months*int(n), s.rest*time.Duration(n)), true, nil
}
