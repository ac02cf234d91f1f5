package template

import (
	"time"

	"github.com/vendorsync/vendorsync/internal/timetext"
)

// timeParts are the parts of a time that are members of it.
var timeParts = map[string]func(time.Time) int{
	"year":   time.Time.Year,
	"month":  func(t time.Time) int { return int(t.Month()) },
	"day":    time.Time.Day,
	"hour":   time.Time.Hour,
	"minute": time.Time.Minute,
	"second": time.Time.Second,
	"microsecond": func(t time.Time) int {
		return t.Nanosecond() / 1000
	},
}

// attribute returns the part of a time or duration that a name stands for, or
// undefined.
func attribute(v Value, name string) Value {
	switch v.kind {
	case KindTime:
		part := timeParts[name]
		if part == nil || v.IsDay() && name != "year" && name != "month" && name != "day" {
			return Value{}
		}
		t, _ := v.AsTime()
		return Int(int64(part(t)))
	case KindDuration:
		return durationPart(v, name)
	default:
		return Value{}
	}
}

func durationPart(v Value, name string) Value {
	s := v.span()
	n, rest := days(s.rest)
	switch name {
	case "days":
		return Int(int64(n))
	case "seconds":
		return Int(int64(rest / time.Second))
	case "microseconds":
		return Int(int64(rest/time.Microsecond) % 1_000_000)
	case "years":
		return Int(int64(s.years))
	case "months":
		return Int(int64(s.months))
	}
	return Value{}
}

// shift moves a time by a duration, forward or back.
func shift(v Value, s span, sign int) (Value, error) {
	t, _ := v.AsTime()
	if v.IsDay() { // as in Python, whole days count
		n, _ := days(s.rest)
		s.rest = time.Duration(n) * day
	}
	d := timetext.Duration{Years: s.years, Months: s.months, Span: s.rest}
	if sign < 0 {
		d = d.Neg()
	}
	moved := d.AddTo(t)
	if y := moved.Year(); y < 1 || y > 9999 {
		return Value{}, typeError("the time leaves the years from 1 to 9999")
	}
	if v.IsDay() {
		return Day(moved), nil
	}
	return Time(moved), nil
}

// formatTime writes a time by a layout.
func formatTime(v Value, layout string) (string, error) {
	t, _ := v.AsTime()
	return formatMoment(t, layout)
}

// maxLayout bounds the layout of a time.
const maxLayout = 1000

// formatMoment writes a moment in its own zone by a layout.
func formatMoment(t time.Time, layout string) (string, error) {
	if len(layout) > maxLayout {
		return "", limitError("a layout is longer than %d bytes", maxLayout)
	}
	text, err := timetext.Format(t, layout)
	if err != nil {
		return "", typeError("%v", err)
	}
	return text, nil
}

// readTime reads text in ISO 8601 as a time; one without a zone is in UTC.
func readTime(text string) (Value, error) {
	t, err := timetext.ParseISO(text)
	if err != nil {
		return Value{}, typeError("%v", err)
	}
	return Time(t), nil
}

// readTimeAs reads text by a layout as a time.
func readTimeAs(text, layout string) (Value, error) {
	t, err := readMoment(text, layout)
	if err != nil {
		return Value{}, err
	}
	return Time(t), nil
}

// readMoment reads text by a layout as a moment in the zone that the text gives.
func readMoment(text, layout string) (time.Time, error) {
	if len(layout) > maxLayout || len(text) > maxLayout {
		return time.Time{}, limitError("a time or its layout is longer than %d bytes", maxLayout)
	}
	t, err := timetext.Parse(text, layout)
	if err != nil {
		return time.Time{}, typeError("%v", err)
	}
	return t, nil
}

// readDuration reads a duration in ISO 8601.
func readDuration(text string) (Value, error) {
	d, err := timetext.ParseDuration(text)
	if err != nil {
		return Value{}, typeError("%v", err)
	}
	return Duration(d.Years, d.Months, d.Span), nil
}

// timestamp returns the seconds since 1970.
func timestamp(t time.Time) float64 {
	return float64(t.Unix()) + float64(t.Nanosecond()/1000)/1e6
}
