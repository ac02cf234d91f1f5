package timetext

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Format writes a time, in its own zone, by a layout. The error is an [*Error]:
// an unknown directive, or a year before 1 or after 9999.
func Format(t time.Time, layout string) (string, error) {
	b, err := Append(make([]byte, 0, 64), t, layout)
	return string(b), err
}

// Append writes a time like [Format] to the end of a slice and returns the
// longer slice. After an error that is the slice as it was.
func Append(dst []byte, t time.Time, layout string) ([]byte, error) {
	w := writer{t: t}
	w.year, w.month, w.day = t.Date()
	if w.year < minYear || w.year > maxYear {
		message := fmt.Sprintf("the year %d is not from %d to %d", w.year, minYear, maxYear)
		return dst, &Error{Layout: layout, Text: t.Format(time.RFC3339), Message: message}
	}
	w.hour, w.minute, w.second = t.Clock()
	b, fault := w.layout(dst, layout)
	if fault != nil {
		return dst, fault
	}
	return b, nil
}

// A writer writes one time.
type writer struct {
	t                    time.Time
	year                 int
	month                time.Month
	day                  int
	hour, minute, second int
}

func (w *writer) layout(b []byte, layout string) ([]byte, *Error) {
	for i := 0; i < len(layout); {
		if layout[i] != '%' {
			b = append(b, layout[i])
			i++
			continue
		}
		d := next(layout[i:])
		if d.size == 0 {
			return b, unknown(layout, i)
		}
		if parts := d.expand(); parts != "" {
			b, _ = w.layout(b, parts) // of known directives
		} else {
			b = w.directive(b, d)
		}
		i += d.size
	}
	return b, nil
}

// directive writes one part of the time.
func (w *writer) directive(b []byte, d directive) []byte {
	switch d.code {
	case '%':
		return append(b, '%')
	case 'a':
		return append(b, weekdays[w.t.Weekday()][:3]...)
	case 'A':
		return append(b, weekdays[w.t.Weekday()]...)
	case 'b', 'h':
		return append(b, months[w.month-1][:3]...)
	case 'B':
		return append(b, months[w.month-1]...)
	case 'p':
		if w.hour < 12 {
			return append(b, "AM"...)
		}
		return append(b, "PM"...)
	case 'z':
		return w.offset(b, "")
	case 'Z':
		return w.zone(b)
	case epochSeconds:
		return strconv.AppendInt(b, w.t.Unix(), 10)
	case epochMillis:
		return strconv.AppendInt(b, w.t.UnixMilli(), 10)
	case epochMicros:
		return strconv.AppendInt(b, w.t.UnixMicro(), 10)
	case epochFloat:
		return w.float(b)
	}
	n, width, pad := w.number(d.code)
	if d.bare {
		width = 0
	}
	return appendNumber(b, n, width, pad)
}

// number returns a part of the time that is a number, how many digits it has at
// least, and with what it is filled up.
func (w *writer) number(code byte) (n, width int, pad byte) {
	switch code {
	case 'Y':
		return w.year, 4, '0'
	case 'G':
		year, _ := w.t.ISOWeek()
		return year, 4, '0'
	case 'y':
		return w.year % 100, 2, '0'
	case 'm':
		return int(w.month), 2, '0'
	case 'e':
		return w.day, 2, ' '
	case 'H':
		return w.hour, 2, '0'
	case 'I':
		return (w.hour+11)%12 + 1, 2, '0'
	case 'M':
		return w.minute, 2, '0'
	case 'S':
		return w.second, 2, '0'
	case 'f':
		return w.t.Nanosecond() / 1000, 6, '0'
	case milliseconds:
		return w.t.Nanosecond() / 1_000_000, 3, '0'
	case 'j':
		return w.t.YearDay(), 3, '0'
	case 'w':
		return int(w.t.Weekday()), 1, '0'
	case 'u':
		return (int(w.t.Weekday())+6)%7 + 1, 1, '0'
	case 'U':
		return (w.t.YearDay() + 6 - int(w.t.Weekday())) / 7, 2, '0'
	case 'W':
		return (w.t.YearDay() + 6 - (int(w.t.Weekday())+6)%7) / 7, 2, '0'
	case 'V':
		_, week := w.t.ISOWeek()
		return week, 2, '0'
	}
	return w.day, 2, '0'
}

// appendNumber writes a number that is not negative.
func appendNumber(b []byte, n, width int, pad byte) []byte {
	digits := 1
	for rest := n / 10; rest > 0; rest /= 10 {
		digits++
	}
	for ; digits < width; digits++ {
		b = append(b, pad)
	}
	return strconv.AppendInt(b, int64(n), 10)
}

// offset writes how far the zone is from UTC, with seconds if there are any.
func (w *writer) offset(b []byte, colon string) []byte {
	_, seconds := w.t.Zone()
	sign := byte('+')
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	b = appendNumber(append(b, sign), seconds/3600, 2, '0')
	b = appendNumber(append(b, colon...), seconds/60%60, 2, '0')
	if seconds%60 != 0 {
		b = appendNumber(append(b, colon...), seconds%60, 2, '0')
	}
	return b
}

// zone writes the name of the zone: the one it has, UTC, or UTC+01:00.
func (w *writer) zone(b []byte) []byte {
	name, seconds := w.t.Zone()
	switch {
	case name != "":
		return append(b, name...)
	case seconds == 0:
		return append(b, "UTC"...)
	}
	return w.offset(append(b, "UTC"...), ":")
}

// float writes the seconds since 1970 as the nearest float64, in its shortest
// form, as Python's str does.
func (w *writer) float(b []byte) []byte {
	f := float64(w.t.UnixMicro()) / 1e6
	if f != 0 && math.Abs(f) < 1e-4 {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	if f == math.Trunc(f) {
		b = append(b, ".0"...)
	}
	return b
}

var weekdays = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}

var months = [...]string{
	"January", "February", "March", "April", "May", "June",
	"July", "August", "September", "October", "November", "December",
}
