package timetext

import (
	"math"
	"time"
)

// A Duration is a length of time. Years and months are of the calendar, so that
// how long they are depends on where they begin.
type Duration struct {
	Years  int
	Months int
	Span   time.Duration // the rest; a day is 24 hours
}

// The units of a duration in the order they come in, before and after the T.
var (
	dateUnits = [...]unit{{'Y', 0}, {'M', 0}, {'W', 7 * 24 * time.Hour}, {'D', 24 * time.Hour}}
	timeUnits = [...]unit{{'H', time.Hour}, {'M', time.Minute}, {'S', time.Second}}
)

// A unit is a letter and what it stands for; 0 is one of the calendar.
type unit struct {
	letter byte
	span   time.Duration
}

// maxMonths bounds the years and months of a duration: more lead out of the
// years a time may have.
const maxMonths = 12 * maxYear

// ParseDuration reads a length of time in ISO 8601, such as P1Y2M, P2W or
// -P1DT12H: a sign if it is to be one, P, and amounts of years, months, weeks
// and days, then T and amounts of hours, minutes and seconds, in this order and
// at least one. An amount of weeks or less may have a fraction, after a point or
// a comma, which counts to the microsecond. The form with hyphens, P0001-02-03,
// is not read. The error is an [*Error].
func ParseDuration(text string) (Duration, error) {
	p := durationParser{isoParser: isoParser{text: text}}
	if !p.parse() {
		return Duration{}, &Error{Text: text, Column: p.column, Message: p.message}
	}
	return p.sum, nil
}

type durationParser struct {
	isoParser
	sum       Duration
	fractions float64 // of all amounts, in microseconds
	amounts   int
}

func (p *durationParser) parse() bool {
	negative := p.next('-')
	if !negative {
		p.next('+')
	}
	if !p.next('P') {
		return p.fail("expected P, as in P1D")
	}
	if !p.units(dateUnits[:]) {
		return false
	}
	if p.next('T') {
		before := p.amounts
		if !p.units(timeUnits[:]) {
			return false
		}
		if p.amounts == before {
			return p.fail("expected hours, minutes or seconds after T")
		}
	}
	switch {
	case p.pos < len(p.text):
		return p.fail(unitOrder)
	case p.amounts == 0:
		return p.fail("expected an amount, as in P1D")
	case !p.add(int64(math.RoundToEven(p.fractions)), time.Microsecond):
		return false
	}
	if months := 12*p.sum.Years + p.sum.Months; months > maxMonths {
		return p.failWhole("longer than 9999 years")
	}
	if negative {
		p.sum = p.sum.Neg()
	}
	return true
}

// units reads as many amounts as there are, in the order of the units.
func (p *durationParser) units(units []unit) bool {
	for len(units) > 0 && p.pos < len(p.text) && isDigit(p.text[p.pos]) {
		start := p.pos
		whole, fraction, ok := p.amount()
		if !ok {
			return false
		}
		for len(units) > 0 && (p.pos == len(p.text) || units[0].letter != p.text[p.pos]) {
			units = units[1:]
		}
		if len(units) == 0 {
			return p.fail(unitOrder)
		}
		u := units[0]
		units = units[1:]
		p.pos++
		p.amounts++
		if !p.take(u, whole, fraction) {
			p.pos = start
			return p.fail(p.message)
		}
	}
	return true
}

// amount reads a number and its fraction.
func (p *durationParser) amount() (whole int64, fraction float64, ok bool) {
	const most = 15 // digits that count, so that no number overflows
	width := digitsIn(p.text[p.pos:])
	for _, c := range []byte(p.text[p.pos : p.pos+width]) {
		if whole >= 1e15 {
			return 0, 0, p.fail(tooLong)
		}
		whole = whole*10 + int64(c-'0')
	}
	p.pos += width
	if !p.next('.') && !p.next(',') {
		return whole, 0, true
	}
	width = digitsIn(p.text[p.pos:])
	if width == 0 {
		return 0, 0, p.fail("expected the digits of a fraction")
	}
	power := 1.0
	for _, c := range []byte(p.text[p.pos : p.pos+min(width, most)]) {
		fraction = fraction*10 + float64(c-'0')
		power *= 10
	}
	p.pos += width
	return whole, fraction / power, true
}

// unitOrder is the fault of a text that is no amount where one could be.
const unitOrder = "expected an amount and the letter of a unit; the order is Y, M, W, D, then T and H, M, S"

// tooLong is the fault of a duration whose span overflows.
const tooLong = "longer than 292 years; use years (Y) for that"

// take adds an amount of a unit.
func (p *durationParser) take(u unit, whole int64, fraction float64) bool {
	if u.span > 0 {
		p.fractions += fraction * float64(u.span/time.Microsecond)
		return p.add(whole, u.span)
	}
	switch {
	case fraction != 0:
		return p.failWhole("years and months have no fractions")
	case whole > maxMonths:
		return p.failWhole("longer than 9999 years")
	case u.letter == 'Y':
		p.sum.Years = int(whole)
	default:
		p.sum.Months = int(whole)
	}
	return true
}

// add adds so many spans to the sum, unless it overflows.
func (p *durationParser) add(n int64, span time.Duration) bool {
	if n > (math.MaxInt64-int64(p.sum.Span))/int64(span) {
		return p.failWhole(tooLong)
	}
	p.sum.Span += time.Duration(n) * span
	return true
}

// Neg returns the duration backwards.
func (d Duration) Neg() Duration {
	return Duration{Years: -d.Years, Months: -d.Months, Span: -d.Span}
}

// AddTo returns the time that comes so much later: first the years and months
// by the calendar of the time's zone, where a day that the month does not have
// is its last one, and then the rest. The result may lie outside the years that
// [Format] writes.
func (d Duration) AddTo(t time.Time) time.Time {
	if months := 12*d.Years + d.Months; months != 0 {
		t = addMonths(t, months)
	}
	return t.Add(d.Span)
}

// addMonths returns the same day so many months later, or that month's last.
func addMonths(t time.Time, n int) time.Time {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	first := time.Date(year, month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return time.Date(first.Year(), first.Month(), min(day, last), hour, minute, second, t.Nanosecond(), t.Location())
}
