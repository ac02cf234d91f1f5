package mapping

// A Kind says what a Value holds.
type Kind uint8

// The kinds of value.
const (
	KindAbsent Kind = iota // the source does not say: leave the target alone
	KindNull               // the source says empty: clear the target
	KindText               // Text: text, decimals in canonical digits, dates, lists as a JSON array of strings
	KindInt                // Int: integers, booleans as 0 and 1
	KindRow                // Int: the index of another row of the same Out, for a reference
)

// A Value is one value of a target field in canonical form, so that two values
// of a field are the same exactly if they are == to each other. The zero Value
// is absent.
//
// Canonical forms: integer and boolean are KindInt; decimal is KindText with
// plain digits ("12.5"); date is "2006-01-02"; datetime is UTC
// "2006-01-02T15:04:05Z", with a fraction only if there is one; a list is a JSON
// array of strings; everything else is its text.
type Value struct {
	Kind Kind
	Int  int64
	Text string
}

// Null is the value that clears a field.
var Null = Value{Kind: KindNull}

// TextValue returns a text value.
func TextValue(s string) Value { return Value{Kind: KindText, Text: s} }

// IntValue returns an integer value.
func IntValue(n int64) Value { return Value{Kind: KindInt, Int: n} }

// BoolValue returns a boolean value.
func BoolValue(b bool) Value {
	if b {
		return Value{Kind: KindInt, Int: 1}
	}
	return Value{Kind: KindInt}
}

// RowValue returns a reference to row i of the same Out.
func RowValue(i int) Value { return Value{Kind: KindRow, Int: int64(i)} }

// IsEmpty reports whether the value is absent or null.
func (v Value) IsEmpty() bool { return v.Kind == KindAbsent || v.Kind == KindNull }
