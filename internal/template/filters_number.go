package template

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

func filterInt(c *run, v Value, a args) (Value, error) {
	if c.typed && v.nothing() && !a.given(0) {
		return v, nil
	}
	byDefault := a.or(0, Int(0))
	base, err := a.int(1, 10)
	if err != nil {
		return Value{}, err
	}
	switch n := v.numeric(); n.kind {
	case KindInt:
		return n, nil
	case KindFloat:
		f := n.float()
		if math.IsNaN(f) {
			return byDefault, nil
		}
		return truncated(f)
	case KindString:
		if base != 0 && (base < 2 || base > 36) {
			return byDefault, nil
		}
		if n, ok := parseInt(v.str, base); ok {
			return bigInt(n), c.bits(n.BitLen())
		}
		if f, ok := parseFloat(v.str); ok && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return truncated(f)
		}
		return byDefault, nil
	case KindUndefined:
		if !c.typed {
			return Value{}, undefinedError("what is not there is no number")
		}
	default:
	}
	return byDefault, nil
}

// parseInt reads text as Python's int() does.
func parseInt(s string, base int) (*big.Int, bool) {
	s = strings.TrimFunc(s, isSpace)
	if len(s) > maxDigits {
		return nil, false
	}
	sign, digits := "", s
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, digits = s[:1], s[1:]
	}
	for _, prefix := range []struct {
		letter byte
		base   int
	}{{'x', 16}, {'o', 8}, {'b', 2}} {
		if len(digits) > 2 && digits[0] == '0' && digits[1]|0x20 == prefix.letter && (base == prefix.base || base == 0) {
			base, digits = prefix.base, strings.TrimPrefix(digits[2:], "_")
			break
		}
	}
	if base == 0 {
		base = 10
		if strings.HasPrefix(digits, "0") && strings.Trim(digits, "0_") != "" {
			return nil, false
		}
	}
	if digitsLength(digits, func(c byte) bool { return isDigit(c) || isLetter(c) }) != len(digits) || digits == "" {
		return nil, false
	}
	return new(big.Int).SetString(sign+strings.ReplaceAll(digits, "_", ""), base)
}

// parseFloat reads text as Python's float() does.
func parseFloat(s string) (float64, bool) {
	s = strings.TrimFunc(s, isSpace)
	if strings.ContainsAny(s, "xXpP") {
		return 0, false
	}
	if strings.IndexByte(s, '_') >= 0 {
		for i := range len(s) {
			if s[i] == '_' && (i == 0 || i+1 == len(s) || !isDigit(s[i-1]) || !isDigit(s[i+1])) {
				return 0, false
			}
		}
		s = strings.ReplaceAll(s, "_", "")
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil || math.IsInf(f, 0)
}

func filterFloat(c *run, v Value, a args) (Value, error) {
	if c.typed && v.nothing() && !a.given(0) {
		return v, nil
	}
	byDefault := a.or(0, Float(0))
	if f, ok := v.numeric().AsFloat(); ok {
		if math.IsInf(f, 0) && v.kind == KindInt {
			return Value{}, typeError("the number is too large for a float")
		}
		return Float(f), nil
	}
	switch v.kind {
	case KindString:
		if f, ok := parseFloat(v.str); ok {
			return Float(f), nil
		}
	case KindUndefined:
		if !c.typed {
			return Value{}, undefinedError("what is not there is no number")
		}
	default:
	}
	return byDefault, nil
}

func filterAbs(_ *run, v Value, _ args) (Value, error) {
	n := v.numeric()
	switch {
	case v.kind == KindDuration && v.ref == nil:
		return Duration(0, 0, v.span().rest.Abs()), nil
	case n.kind == KindFloat:
		return Float(math.Abs(n.float())), nil
	case n.kind == KindInt:
		return bigInt(new(big.Int).Abs(n.bigInt())), nil
	}
	return Value{}, typeError("%s has no sign to leave out", v.kind)
}

func filterRound(_ *run, v Value, a args) (Value, error) {
	precision, err := a.int(0, 0)
	if err != nil {
		return Value{}, err
	}
	method, err := a.string(1, "common")
	if err != nil {
		return Value{}, err
	}
	n := v.numeric()
	if !n.isNumber() {
		return Value{}, typeError("a number is rounded, not %s", v.kind)
	}
	if precision > 400 || precision < -400 {
		return Value{}, typeError("a number is rounded to at most 400 decimals")
	}
	f, _ := n.AsFloat()
	switch method {
	case "common":
		if n.kind == KindInt {
			return roundInt(n, precision), nil
		}
		return Float(roundFloat(f, precision)), nil
	case "ceil", "floor":
		power := math.Pow10(precision)
		scaled := math.Floor(f * power)
		if method == "ceil" {
			scaled = math.Ceil(f * power)
		}
		if math.IsInf(scaled, 0) || math.IsNaN(scaled) {
			return Value{}, typeError("the number is too large to be rounded so")
		}
		return Float(scaled/power + 0), nil
	}
	return Value{}, typeError("the method of rounding is common, ceil or floor, not %q", method)
}

// roundInt rounds a whole number to tens, hundreds and so on, a half to even.
func roundInt(n Value, precision int) Value {
	if precision >= 0 {
		return n
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-precision)), nil)
	quotient, rest := new(big.Int).DivMod(n.bigInt(), unit, new(big.Int))
	twice := new(big.Int).Lsh(rest, 1)
	if order := twice.Cmp(unit); order > 0 || order == 0 && quotient.Bit(0) == 1 {
		quotient.Add(quotient, big.NewInt(1))
	}
	return bigInt(quotient.Mul(quotient, unit))
}

// roundFloat rounds to the nearest decimal, exactly: 2.675 is below 2.675.
func roundFloat(f float64, precision int) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return f
	}
	if precision >= 0 {
		rounded, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', precision, 64), 64)
		if err != nil {
			return f
		}
		return rounded
	}
	unit := math.Pow10(-precision)
	return math.RoundToEven(f/unit) * unit
}
