// Package timetext writes and reads times as text: by a layout of C's and
// Python's kind, in ISO 8601, and lengths of time in ISO 8601.
//
//	text, err := timetext.Format(t, "%Y-%m-%dT%H:%M:%S.%fZ")
//	t, err := timetext.Parse("31/Jan/2026 14:05", "%d/%b/%Y %H:%M")
//	t, err := timetext.ParseISO("2026-01-31T14:05:00+01:00")
//	d, err := timetext.ParseDuration("P1M")
//	next := d.AddTo(t) // the same day of the next month, or its last one
//
// A layout is text with directives in it; names are English, as in the C locale.
//
//	%Y %y      the year: 2026, 26 (69 to 99 are of the 20th century)
//	%m %B %b   the month: 01, January, Jan; %h is %b
//	%d %e %j   the day: of the month 05, with a blank for the zero, of the year 005
//	%H %I %p   the hour: 00 to 23, 01 to 12 with AM or PM
//	%M %S      the minute and the second
//	%f         the microsecond, six digits
//	%_ms       the millisecond, three digits
//	%z %Z      the zone: +0100, and its name such as UTC
//	%A %a      the weekday: Monday, Mon
//	%w %u      the weekday: 0 is Sunday, or 1 Monday and 7 Sunday
//	%U %W      the week of the year, which begins on Sunday or Monday: 00 to 53
//	%G %V      the year and the week of ISO 8601: 2026, 01 to 53
//	%F %D %x   the date: %Y-%m-%d, and twice %m/%d/%y
//	%T %X %R   the time: twice %H:%M:%S, and %H:%M
//	%c         both: %a %b %e %H:%M:%S %Y
//	%s %ms     seconds and milliseconds since 1970, rounded down
//	%epoch_microseconds   microseconds since 1970
//	%s_as_float           seconds since 1970 with a fraction: 1767366245.25
//	%%         a percent sign
//
// A hyphen, as in %-d, writes a number without the zeros before it. What
// Python's datetime module has too means the same here
// (https://docs.python.org/3/library/datetime.html#format-codes), except that
// %Y and %G always have four digits and that an unknown directive is an error,
// not text. A time is from year 1 to 9999 and exact to the microsecond: what is
// finer is dropped.
//
// The package uses the standard library and, of this module, excerpt. Its functions are safe for
// concurrent use.
package timetext

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/vendorsync/vendorsync/internal/excerpt"
)

// The years a time may have.
const (
	minYear = 1
	maxYear = 9999
)

// An Error says what is wrong with a text or a layout, and where.
type Error struct {
	Text     string // what was read; empty where InLayout is true
	Layout   string // the layout; empty where the text is ISO 8601
	InLayout bool   // the layout itself is at fault
	Column   int    // the character of the text, or of a faulty layout, from 1; 0 is the whole
	Message  string // what is wrong
}

// Error returns the fault in one line.
func (e *Error) Error() string {
	var b strings.Builder
	if !e.InLayout {
		fmt.Fprintf(&b, "text %q, ", excerpt.Of(e.Text))
	}
	if e.Layout != "" {
		fmt.Fprintf(&b, "layout %q, ", excerpt.Of(e.Layout))
	}
	if e.Column > 0 {
		fmt.Fprintf(&b, "column %d, ", e.Column)
	}
	return strings.TrimSuffix(b.String(), ", ") + ": " + e.Message
}

// column returns which character of a text begins at a byte.
func column(text string, at int) int { return utf8.RuneCountInString(text[:at]) + 1 }

// A directive is what stands for a part of a time in a layout.
type directive struct {
	code byte // the letter after the percent sign, or one of the codes below
	bare bool // without zeros in front
	size int  // the length in the layout; 0 is no directive
}

// The codes of the directives that are more than one letter.
const (
	epochSeconds byte = 's'
	epochFloat   byte = iota + 1
	epochMillis
	epochMicros
	milliseconds
)

// Which letters are directives, and which of them are numbers that may go
// without zeros.
const (
	letters = "%aAbBcdDeFfGhHIjmMpRsSTuUVwWxXyYzZ"
	numbers = "deGHIjmMSuUVwWyY"
)

// next reads the directive at the beginning of a layout that begins with a
// percent sign.
func next(layout string) directive {
	if len(layout) < 2 {
		return directive{}
	}
	rest := layout[1:]
	switch rest[0] {
	case 's':
		if strings.HasPrefix(rest, "s_as_float") {
			return directive{code: epochFloat, size: len("%s_as_float")}
		}
	case 'e':
		if strings.HasPrefix(rest, "epoch_microseconds") {
			return directive{code: epochMicros, size: len("%epoch_microseconds")}
		}
	case 'm':
		if len(rest) > 1 && rest[1] == 's' {
			return directive{code: epochMillis, size: len("%ms")}
		}
	case '_':
		if strings.HasPrefix(rest, "_ms") {
			return directive{code: milliseconds, size: len("%_ms")}
		}
	case '-':
		if len(rest) > 1 && strings.IndexByte(numbers, rest[1]) >= 0 {
			return directive{code: rest[1], bare: true, size: len("%-d")}
		}
	}
	if strings.IndexByte(letters, rest[0]) < 0 {
		return directive{}
	}
	return directive{code: rest[0], size: len("%d")}
}

// expand returns what a directive is short for, or nothing.
func (d directive) expand() string {
	switch d.code {
	case 'c':
		return "%a %b %e %H:%M:%S %Y"
	case 'D', 'x':
		return "%m/%d/%y"
	case 'F':
		return "%Y-%m-%d"
	case 'R':
		return "%H:%M"
	case 'T', 'X':
		return "%H:%M:%S"
	}
	return ""
}

// Valid returns nil, or an [*Error] with the column of the first directive of a
// layout that is none.
func Valid(layout string) error {
	for i := strings.IndexByte(layout, '%'); i < len(layout) && i >= 0; {
		d := next(layout[i:])
		if d.size == 0 {
			return unknown(layout, i)
		}
		i += d.size
		skip := strings.IndexByte(layout[i:], '%')
		if skip < 0 {
			break
		}
		i += skip
	}
	return nil
}

// unknown returns the error of a layout without a directive at a percent sign.
func unknown(layout string, at int) *Error {
	message := "a percent sign at the end; write %% for the sign itself"
	if rest := layout[at+1:]; rest != "" {
		r, size := utf8.DecodeRuneInString(rest)
		name := rest[:size]
		if r == '-' && len(rest) > size {
			_, more := utf8.DecodeRuneInString(rest[size:])
			name = rest[:size+more]
		}
		message = fmt.Sprintf("%q is no directive; write %%%% for a percent sign", "%"+name)
	}
	return &Error{Layout: layout, InLayout: true, Column: column(layout, at), Message: message}
}
