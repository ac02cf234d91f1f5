package template

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/internal/excerpt"
)

// functionTable returns the functions, which are those of the declarative manifest
// format, and dict.
func functionTable() []function {
	return []function{
		{name: "now_utc", impure: true, call: callNow, doc: "The time now, in UTC."},
		{name: "today_utc", impure: true, call: callToday, doc: "The day today, in UTC."},
		{name: "today_with_timezone", signature: "timezone", impure: true, call: callTodayIn, doc: "The day today in a time zone such as 'Europe/Berlin'."},
		{name: "timestamp", signature: "dt", call: callTimestamp, doc: "The seconds since 1970 of a time, or of text in ISO 8601; a number without its fraction."},
		{name: "str_to_datetime", signature: "s", call: callReadTime, doc: "Text in ISO 8601 as a time; without a zone it is in UTC."},
		{name: "day_delta", signature: "num_days, format='%Y-%m-%dT%H:%M:%S.%f%z'", impure: true, call: callDayDelta, doc: "The time now and so many days, as text."},
		{name: "duration", signature: "datestring", call: callDuration, doc: "A duration in ISO 8601, as duration('P1M'), to add to a time."},
		{name: "format_datetime", signature: "dt, format, input_format=", call: callFormatTime, doc: "A time, a number of seconds, or text in ISO 8601 or in input_format, as text in a layout."},
		{name: "max", signature: "*values", call: callMax, doc: "The greatest of several values, or of a list."},
		{name: "min", signature: "*values", call: callMin, doc: "The least of several values, or of a list."},
		{name: "sanitize_url", signature: "value", call: callSanitizeURL, doc: "Text as a value in a URL's query."},
		{name: "camel_case_to_snake_case", signature: "value", call: callSnakeCase, doc: "camelCase as camel_case."},
		{name: "generate_uuid", impure: true, call: callUUID, doc: "A new random identifier."},
		{name: "json_loads", signature: "text", call: callReadJSON, doc: "The value that is written as JSON."},
		{name: "dict", signature: "**members", call: callDict, doc: "A dict of named members, as dict(a=1)."},
	}
}

func callNow(c *run, _ Value, _ args) (Value, error) {
	return Time(c.time().Truncate(time.Microsecond)), nil
}

func callToday(c *run, _ Value, _ args) (Value, error) { return Day(c.time()), nil }

func callTodayIn(c *run, _ Value, a args) (Value, error) {
	name, err := a.string(0, "")
	if err != nil {
		return Value{}, err
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return Value{}, typeError("there is no time zone %q", excerpt.Of(name))
	}
	return Day(c.time().In(zone)), nil
}

func callTimestamp(c *run, _ Value, a args) (Value, error) {
	v := a.values[0]
	if n := v.numeric(); n.isNumber() {
		return wholeNumber(n)
	}
	if v.kind == KindString {
		var err error
		if v, err = readTime(v.str); err != nil {
			return Value{}, err
		}
	}
	t, ok := v.AsTime()
	if !ok {
		return Value{}, typeError("a timestamp is that of a time, not of %s", v.kind)
	}
	return Float(timestamp(t)), nil
}

func callReadTime(_ *run, _ Value, a args) (Value, error) {
	s, err := a.string(0, "")
	if err != nil {
		return Value{}, err
	}
	return readTime(s)
}

func callDayDelta(c *run, _ Value, a args) (Value, error) {
	n := a.values[0].numeric()
	f, ok := n.AsFloat()
	if !ok {
		return Value{}, typeError("a number of days is needed here, not %s", a.values[0].kind)
	}
	layout, err := a.string(1, "%Y-%m-%dT%H:%M:%S.%f%z")
	if err != nil {
		return Value{}, err
	}
	const most = 100_000 // days, so that none overflows
	if !(f >= -most && f <= most) {
		return Value{}, typeError("a number of days is at most %d", most)
	}
	v, err := shift(Time(c.time()), span{rest: time.Duration(f * float64(day)).Round(time.Microsecond)}, 1)
	if err != nil {
		return Value{}, err
	}
	text, err := formatTime(v, layout)
	return String(text), err
}

func callDuration(_ *run, _ Value, a args) (Value, error) {
	s, err := a.string(0, "")
	if err != nil {
		return Value{}, err
	}
	return readDuration(s)
}

func callFormatTime(_ *run, _ Value, a args) (Value, error) {
	layout, err := a.string(1, "")
	if err != nil {
		return Value{}, err
	}
	input := ""
	if v := a.values[2]; v.kind != KindNull {
		if input, err = a.string(2, ""); err != nil {
			return Value{}, err
		}
	}
	t, err := momentOf(a.values[0], input)
	if err != nil {
		return Value{}, err
	}
	text, err := formatMoment(t, layout)
	return String(text), err
}

// momentOf returns a time, or a number or text read by a layout; without one a
// number is one of seconds, and text is ISO 8601.
func momentOf(v Value, layout string) (time.Time, error) {
	switch v.kind {
	case KindTime:
		t, _ := v.AsTime()
		return t, nil
	case KindInt:
		if layout == "" {
			layout = "%s"
		}
		return readMoment(v.plain().Digits(), layout)
	case KindString:
		if layout != "" {
			return readMoment(v.str, layout)
		}
		read, err := readTime(v.str)
		t, _ := read.AsTime()
		return t, err
	default:
		return time.Time{}, typeError("a time is formatted, not %s", v.kind)
	}
}

func callMax(c *run, _ Value, a args) (Value, error) { return c.extremeOf(a, 1) }
func callMin(c *run, _ Value, a args) (Value, error) { return c.extremeOf(a, -1) }

func (c *run) extremeOf(a args, sign int) (Value, error) {
	items := a.values
	if len(items) == 1 {
		var err error
		if items, err = c.iterate(items[0]); err != nil {
			return Value{}, err
		}
	}
	if len(items) == 0 {
		return Value{}, typeError("there is no value to choose from")
	}
	return c.best(items, sign, func(v Value) (Value, error) { return v, nil })
}

func callSanitizeURL(c *run, _ Value, a args) (Value, error) {
	s, err := a.string(0, "")
	if err != nil {
		return Value{}, err
	}
	return String(quotePlus(s)), c.textSize(3 * len(s))
}

func callSnakeCase(c *run, _ Value, a args) (Value, error) {
	s, err := a.string(0, "")
	if err != nil {
		return Value{}, err
	}
	var b strings.Builder
	for i, r := range s {
		if i > 0 && 'A' <= r && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return String(strings.ToLower(b.String())), c.textSize(b.Len())
}

func callUUID(*run, Value, args) (Value, error) {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, as its documentation says
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return String(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])), nil
}

func callReadJSON(c *run, _ Value, a args) (Value, error) {
	s, err := a.string(0, "")
	if err != nil {
		return Value{}, err
	}
	if err := c.work(len(s)); err != nil {
		return Value{}, err
	}
	return decodeJSON(s, c.limits.JSONDepth)
}

func callDict(_ *run, _ Value, a args) (Value, error) {
	d := &dict{}
	for i, name := range a.names {
		if err := d.set(String(name), a.values[i]); err != nil {
			return Value{}, err
		}
	}
	return Value{kind: KindDict, ref: d}, nil
}
