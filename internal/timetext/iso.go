package timetext

import (
	"time"
	"unicode/utf8"
)

// ParseISO reads a time in ISO 8601, all of the text and nothing else. Without
// an offset it is in UTC, otherwise in the zone of the offset. The error is an
// [*Error].
//
// It reads the forms that isoparse of Python's dateutil reads
// (https://dateutil.readthedocs.io/en/stable/parser.html#dateutil.parser.isoparse):
//
//	2026  2026-01  2026-01-31  20260131  2026-W05-6  2026W056  2026-W05  2026-031  2026031
//
// and after any of those that name a day one character, T or another that is
// neither a digit nor a sign, and then
//
//	14  14:05  1405  14:05:06  140506  14:05:06.25  14:05:06,25
//
// and then Z, +01, +01:00, +0100 or nothing. 24:00 is the midnight that ends the
// day. A fraction of a second may have any number of digits, of which six count.
func ParseISO(text string) (time.Time, error) {
	p := isoParser{text: text}
	if t, ok := p.parse(); ok {
		return t, nil
	}
	return time.Time{}, &Error{Text: text, Column: p.column, Message: p.message}
}

// An isoParser reads one text from front to back.
type isoParser struct {
	text    string
	pos     int
	column  int    // where the text goes wrong
	message string // what is wrong
}

// fail notes what is wrong where the parser stands.
func (p *isoParser) fail(message string) bool {
	p.column, p.message = column(p.text, p.pos), message
	return false
}

// failWhole notes what is wrong with the text as a whole.
func (p *isoParser) failWhole(message string) bool {
	p.message = message
	return false
}

func (p *isoParser) parse() (time.Time, bool) {
	day, ok := p.date()
	if !ok {
		return time.Time{}, false
	}
	var c clock
	if p.pos < len(p.text) {
		if !p.separator() || !p.clock(&c) {
			return time.Time{}, false
		}
	}
	t, message := at(day, c.hour, c.minute, c.second, c.micro, c.offset)
	if message != "" {
		return time.Time{}, p.failWhole(message)
	}
	return t, true
}

// separator reads what stands between the date and the time. A sign would be
// the offset of a date, and a digit the rest of an unknown form.
func (p *isoParser) separator() bool {
	c := p.text[p.pos]
	if c == '-' || c == '+' || isDigit(c) || c >= utf8.RuneSelf {
		return p.fail("expected T and a time, or the end")
	}
	p.pos++
	return true
}

// next reports whether the text goes on with a character, and steps over it.
func (p *isoParser) next(c byte) bool {
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// number reads a number of exactly that many digits within bounds.
func (p *isoParser) number(width, low, high int, noun string) (int, bool) {
	n, ok := digits(p.text[p.pos:], width)
	if !ok || n < low || n > high {
		return 0, p.fail("expected " + noun)
	}
	p.pos += width
	return n, true
}

// date reads a date. One without a day is alone: what follows would be wrong.
func (p *isoParser) date() (day time.Time, ok bool) {
	year, ok := p.number(4, minYear, maxYear, "a year of four digits")
	if !ok {
		return time.Time{}, false
	}
	if p.pos == len(p.text) {
		return dayOfYear(year, 1), true
	}
	dash := p.next('-')
	if p.next('W') {
		return p.week(year, dash)
	}
	switch run := digitsIn(p.text[p.pos:]); {
	case run == 3:
		return p.ordinal(year)
	case dash && run == 2:
		return p.month(year)
	case !dash && run == 4:
		return p.monthAndDay(year, dash)
	}
	return time.Time{}, p.fail("expected a month, a week or the day of the year")
}

// month reads a month after a dash, and the day after another.
func (p *isoParser) month(year int) (day time.Time, ok bool) {
	if p.pos+2 < len(p.text) {
		return p.monthAndDay(year, true)
	}
	month, ok := p.number(2, 1, 12, noun('m'))
	return time.Date(year, time.Month(month), 1, 0, 0, 0, 0, time.UTC), ok
}

func (p *isoParser) monthAndDay(year int, dash bool) (day time.Time, ok bool) {
	month, ok := p.number(2, 1, 12, noun('m'))
	if !ok {
		return time.Time{}, false
	}
	if dash && !p.next('-') {
		return time.Time{}, p.fail("expected a hyphen and a day")
	}
	start := p.pos
	date, ok := p.number(2, 1, 31, noun('d'))
	if !ok {
		return time.Time{}, false
	}
	day, message := calendarDay(year, month, date)
	if message != "" {
		p.pos = start
		return time.Time{}, p.fail(message)
	}
	return day, true
}

// ordinal reads the number of a day in its year.
func (p *isoParser) ordinal(year int) (day time.Time, ok bool) {
	last := time.Date(year, time.December, 31, 0, 0, 0, 0, time.UTC).YearDay()
	n, ok := p.number(3, 1, last, "a day of the year")
	return dayOfYear(year, n), ok
}

// week reads a week after its W, and the weekday if there is one.
func (p *isoParser) week(year int, dash bool) (day time.Time, ok bool) {
	week, ok := p.number(2, 1, 53, noun('V'))
	if !ok {
		return time.Time{}, false
	}
	if p.pos == len(p.text) {
		return isoDay(year, week, 1), true
	}
	if dash && !p.next('-') {
		return time.Time{}, p.fail("expected a hyphen and a weekday")
	}
	weekday, ok := p.number(1, 1, 7, noun('u'))
	return isoDay(year, week, weekday), ok
}

// A clock is the part of a time that comes after the date.
type clock struct {
	hour, minute, second, micro int
	offset                      int // seconds east of UTC
}

// clock reads the time of day and the offset.
func (p *isoParser) clock(c *clock) (ok bool) {
	start := p.pos
	if c.hour, ok = p.number(2, 0, 24, "an hour from 00 to 24"); !ok {
		return false
	}
	if p.timeGoesOn() {
		colon := p.next(':')
		if c.minute, ok = p.number(2, 0, 59, "a minute from 00 to 59"); !ok {
			return false
		}
		if p.timeGoesOn() {
			if colon && !p.next(':') {
				return p.fail("expected a colon and a second")
			}
			if !p.second(c) {
				return false
			}
		}
	}
	if c.hour == 24 && (c.minute != 0 || c.second != 0 || c.micro != 0) {
		p.pos = start
		return p.fail("the hour 24 has no minutes")
	}
	return p.offset(c)
}

// timeGoesOn reports whether more of the time of day follows, not the offset.
func (p *isoParser) timeGoesOn() bool {
	if p.pos == len(p.text) {
		return false
	}
	switch p.text[p.pos] {
	case '+', '-', 'Z', 'z':
		return false
	}
	return true
}

// second reads a second and its fraction.
func (p *isoParser) second(c *clock) (ok bool) {
	if c.second, ok = p.number(2, 0, 59, noun('S')); !ok {
		return false
	}
	if !p.next('.') && !p.next(',') {
		return true
	}
	width := digitsIn(p.text[p.pos:])
	if width == 0 {
		return p.fail("expected " + noun('f'))
	}
	c.micro = micros(p.text[p.pos : p.pos+width])
	p.pos += width
	return true
}

// offset reads the offset from UTC, and then the end.
func (p *isoParser) offset(c *clock) (ok bool) {
	if p.pos == len(p.text) {
		return true
	}
	sign := 1
	switch {
	case p.next('Z'), p.next('z'):
		return p.end()
	case p.next('-'):
		sign = -1
	case !p.next('+'):
		return p.fail("expected an offset such as +01:00 or Z, or the end")
	}
	hours, ok := p.number(2, 0, 23, "the hours of an offset, 00 to 23")
	if !ok {
		return false
	}
	minutes := 0
	if p.pos < len(p.text) {
		p.next(':')
		if minutes, ok = p.number(2, 0, 59, "the minutes of an offset, 00 to 59"); !ok {
			return false
		}
	}
	c.offset = sign * (hours*3600 + minutes*60)
	return p.end()
}

func (p *isoParser) end() bool {
	return p.pos == len(p.text) || p.fail("expected the end")
}
