package timetext

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Parse reads a time by a layout, all of the text and nothing else. The error is
// an [*Error].
//
// It reads what Python's strptime reads, in the same way: a number may lack its
// leading zeros, names and all other text may be in either case, one blank in
// the layout stands for one or more, and a weekday is not checked. What the
// layout does not say is 1900-01-01 00:00:00. A week (%U, %W) counts only with a
// weekday, %G needs %V and a weekday, and no directive may come twice. %f and
// %_ms read one to six digits, as Python does, and up to nine, of which the last
// three are dropped. %z reads +0100, +01:00 and Z, and the time is in that zone;
// without it, it is in UTC. %Z reads UTC and GMT. A count since 1970 overrides
// the date and the time of day, and %f adds to it.
func Parse(text, layout string) (time.Time, error) {
	m := matcher{text: text}
	if !m.match(layout, "", 0) {
		return time.Time{}, m.error(layout)
	}
	t, message := m.time()
	if message != "" {
		return time.Time{}, &Error{Text: text, Layout: layout, Message: message}
	}
	return t, nil
}

// A matcher lays a layout over a text. A number of fewer digits than it could
// have leaves the rest to what follows, so that there may be several ways, and
// the first that fits is taken.
type matcher struct {
	text string
	parts
	furthest int // how far any way came
	wanted   want
	fault    byte // a directive the layout has twice, or a percent sign for one that is none
}

// A want is what a layout has at the place where the text has something else.
type want struct {
	code    byte // a directive; 0 where it is a literal
	literal string
}

// The parts of a time that a text says.
type parts struct {
	seen  uint64 // the directives there were, by their place in slots
	year  int
	month int
	day   int
	yearDay,
	week, weekday int // the weekday from Monday, which is 0
	isoYear, isoWeek int
	hour             int
	half             int // of the clock of twelve hours
	hour12           int
	minute, second   int
	micro            int
	epoch            int64 // in seconds
	epochMicro       int
	offset           int // in seconds
}

// slots are the directives a layout may have once each. Two that say the same
// share a name: see slot.
const slots = "YymBbdHIpMSfjaAwuUWGVzZs"

// slot returns the bit of a directive among those that were seen.
func slot(code byte) uint64 {
	switch code {
	case 'e':
		code = 'd'
	case 'h':
		code = 'b'
	case milliseconds:
		code = 'f'
	case epochMillis, epochMicros, epochFloat:
		code = epochSeconds
	}
	return 1 << strings.IndexByte(slots, code)
}

func (p *parts) has(code byte) bool { return p.seen&slot(code) != 0 }

// match lays a layout, and then what comes after it, over the text from a byte
// on. A way that fails leaves parts behind that the next way sets again.
func (m *matcher) match(layout, after string, at int) bool {
	for {
		switch {
		case layout != "":
		case after != "":
			layout, after = after, ""
			continue
		default:
			return at == len(m.text) || m.fail(at, want{})
		}
		var size int
		if layout[0] == '%' {
			d := next(layout)
			if d.size == 0 {
				m.fault = '%'
				return false
			}
			if expanded := d.expand(); expanded != "" {
				layout, after = expanded, layout[d.size:]
				continue
			}
			if d.code != '%' {
				return m.directive(d.code, layout[d.size:], after, at)
			}
			layout = layout[1:]
		}
		layout, size = m.literal(layout, at)
		if size == 0 {
			return false
		}
		at += size
	}
}

// literal reads the first character of the layout, and returns the rest of it
// and how much of the text it took.
func (m *matcher) literal(layout string, at int) (rest string, size int) {
	r, width := utf8.DecodeRuneInString(layout)
	if unicode.IsSpace(r) {
		rest = strings.TrimLeftFunc(layout, unicode.IsSpace)
		size = len(m.text[at:]) - len(strings.TrimLeftFunc(m.text[at:], unicode.IsSpace))
	} else {
		rest = layout[width:]
		if _, n := utf8.DecodeRuneInString(m.text[at:]); strings.EqualFold(m.text[at:at+n], layout[:width]) {
			size = n
		}
	}
	if size == 0 {
		m.fail(at, want{literal: layout[:width]})
	}
	return rest, size
}

// fail notes where a way ended, and returns false.
func (m *matcher) fail(at int, w want) bool {
	if at >= m.furthest {
		m.furthest, m.wanted = at, w
	}
	return false
}

// directive reads a part of the time and then matches the rest, for each length
// the part may have until one fits.
func (m *matcher) directive(code byte, layout, after string, at int) bool {
	before := m.seen
	if before&slot(code) != 0 {
		m.fault = code
		return false
	}
	m.seen |= slot(code)
	for attempt := 0; ; attempt++ {
		size := m.read(code, m.text[at:], attempt)
		if size == 0 {
			break
		}
		if m.match(layout, after, at+size) {
			return true
		}
		if m.fault != 0 {
			return false
		}
	}
	m.seen = before
	return m.fail(at, want{code: code})
}

// read reads a part of a time at the beginning of a text and returns its length.
// Further attempts try what else it could be; 0 says that there is no more.
func (m *matcher) read(code byte, text string, attempt int) int {
	switch code {
	case 'f', milliseconds:
		return m.fraction(text, attempt)
	case 'z':
		return m.zone(text, attempt)
	}
	if spec := numeric(code); spec.most > 0 {
		return m.number(code, spec, text, attempt)
	}
	if attempt > 0 {
		return 0
	}
	switch code {
	case 'A', 'a':
		day, size := name(text, weekdays[:], code == 'a')
		m.weekday = (day + 6) % 7
		return size
	case 'B', 'b', 'h':
		month, size := name(text, months[:], code != 'B')
		m.month = month + 1
		return size
	case 'p':
		half, size := name(text, halves[:], false)
		m.half = half
		return size
	case 'Z':
		_, size := name(text, zones[:], false)
		return size
	}
	return m.count(code, text)
}

var (
	halves = [...]string{"AM", "PM"}
	zones  = [...]string{"UTC", "GMT"}
)

// name reads one of several names, or its first three letters, in either case.
// It returns which, and its length.
func name(text string, names []string, short bool) (which, size int) {
	for i, n := range names {
		if short {
			n = n[:3]
		}
		if len(text) >= len(n) && strings.EqualFold(text[:len(n)], n) {
			return i, len(n)
		}
	}
	return 0, 0
}

// A span is how many digits a number has and how large it is.
type span struct{ least, most, low, high int }

// numeric returns the span of a directive that is a plain number.
func numeric(code byte) span {
	switch code {
	case 'Y', 'G':
		return span{4, 4, 0, maxYear}
	case 'y':
		return span{2, 2, 0, 99}
	case 'm', 'I':
		return span{1, 2, 1, 12}
	case 'd', 'e':
		return span{1, 2, 1, 31}
	case 'H':
		return span{1, 2, 0, 23}
	case 'M':
		return span{1, 2, 0, 59}
	case 'S':
		return span{1, 2, 0, 61}
	case 'j':
		return span{1, 3, 1, 366}
	case 'U', 'W':
		return span{1, 2, 0, 53}
	case 'V':
		return span{1, 2, 1, 53}
	case 'w':
		return span{1, 1, 0, 6}
	case 'u':
		return span{1, 1, 1, 7}
	}
	return span{}
}

// number reads a number of as many digits as fit, and of fewer each time. The
// day of the month may have a blank for its zero.
func (m *matcher) number(code byte, s span, text string, attempt int) int {
	blank := 0
	if (code == 'd' || code == 'e') && strings.HasPrefix(text, " ") {
		blank, s.most = 1, 1
	}
	for width := s.most; width >= s.least; width-- {
		n, ok := digits(text[blank:], width)
		if !ok || n < s.low || n > s.high {
			continue
		}
		if attempt > 0 {
			attempt--
			continue
		}
		m.set(code, n)
		return blank + width
	}
	return 0
}

func (m *matcher) set(code byte, n int) {
	switch code {
	case 'Y':
		m.year = n
	case 'y':
		m.year = 2000 + n
		if n > 68 {
			m.year = 1900 + n
		}
	case 'G':
		m.isoYear = n
	case 'm':
		m.month = n
	case 'd', 'e':
		m.day = n
	case 'H':
		m.hour = n
	case 'I':
		m.hour12 = n
	case 'M':
		m.minute = n
	case 'S':
		m.second = n
	case 'j':
		m.yearDay = n
	case 'U', 'W':
		m.week = n
	case 'V':
		m.isoWeek = n
	case 'w':
		m.weekday = (n + 6) % 7
	case 'u':
		m.weekday = n - 1
	}
}

// fraction reads the digits of a fraction of a second: six or fewer, and only if
// those do not fit nine to seven.
func (m *matcher) fraction(text string, attempt int) int {
	have := min(digitsIn(text), 9)
	width := min(have, 6) - attempt
	if width < 1 && have > 6 {
		width = 9 - (attempt - 6)
		if width <= 6 {
			return 0
		}
		if width > have {
			return m.fraction(text, attempt+1)
		}
	}
	if width < 1 {
		return 0
	}
	m.micro = micros(text[:width])
	return width
}

// zone reads an offset from UTC: Z, +01:00, +0100, and either with seconds.
func (m *matcher) zone(text string, attempt int) int {
	if strings.HasPrefix(text, "Z") {
		m.offset = 0
		return 1 - min(attempt, 1)
	}
	if attempt > 1 || text == "" || text[0] != '+' && text[0] != '-' {
		return 0
	}
	size, colon := 3, 0
	hours, ok := digits(text[1:], 2)
	if ok && len(text) > size && text[size] == ':' {
		colon = 1
	}
	minutes, ok2 := digits(text[min(len(text), size+colon):], 2)
	if !ok || !ok2 || minutes > 59 {
		return 0
	}
	size += colon + 2
	seconds := 0
	if n, ok := clockPart(text[size:], colon); ok {
		if attempt == 0 {
			seconds = n
			size += colon + 2
		}
	} else if attempt == 1 {
		return 0
	}
	m.offset = hours*3600 + minutes*60 + seconds
	if text[0] == '-' {
		m.offset = -m.offset
	}
	return size
}

// clockPart reads two digits up to 59, after a colon if there is to be one.
func clockPart(text string, colon int) (int, bool) {
	if colon > 0 {
		rest, ok := strings.CutPrefix(text, ":")
		if !ok {
			return 0, false
		}
		text = rest
	}
	n, ok := digits(text, 2)
	return n, ok && n < 60
}

// count reads a count since 1970, as many digits as there are.
func (m *matcher) count(code byte, text string) int {
	size := 0
	if strings.HasPrefix(text, "-") || strings.HasPrefix(text, "+") {
		size = 1
	}
	whole := digitsIn(text[size:])
	if whole == 0 {
		return 0
	}
	size += whole
	if code == epochFloat {
		return m.float(text, size)
	}
	n, err := strconv.ParseInt(text[:size], 10, 64)
	if err != nil {
		return 0
	}
	switch code {
	case epochSeconds:
		m.epoch, m.epochMicro = n, 0
	case epochMillis:
		m.epoch, m.epochMicro = floor(n, 1000)
		m.epochMicro *= 1000
	case epochMicros:
		m.epoch, m.epochMicro = floor(n, 1_000_000)
	}
	return size
}

// floor divides and rounds down, so that the rest is never negative.
func floor(n int64, by int) (int64, int) {
	q, r := n/int64(by), int(n%int64(by))
	if r < 0 {
		return q - 1, r + by
	}
	return q, r
}

// float reads seconds with a fraction and an exponent, of which the sign and the
// whole digits are already known, to the nearest microsecond.
func (m *matcher) float(text string, size int) int {
	if strings.HasPrefix(text[size:], ".") {
		size += 1 + digitsIn(text[size+1:])
	}
	if rest := text[size:]; len(rest) > 1 && (rest[0] == 'e' || rest[0] == 'E') {
		sign := 1
		if rest[1] == '-' || rest[1] == '+' {
			sign = 2
		}
		if n := digitsIn(rest[sign:]); n > 0 {
			size += sign + n
		}
	}
	f, err := strconv.ParseFloat(text[:size], 64)
	if err != nil || math.Abs(f) > maxEpoch {
		return 0
	}
	whole, fraction := math.Modf(f)
	micro := int64(whole)*1_000_000 + int64(math.RoundToEven(fraction*1e6))
	m.epoch, m.epochMicro = floor(micro, 1_000_000)
	return size
}

// The bounds of a time in seconds since 1970: year 1 to year 9999.
const (
	minEpoch = -62_135_596_800
	maxEpoch = 253_402_300_799
)

// digitsIn returns how many digits a text begins with.
func digitsIn(text string) int {
	n := 0
	for n < len(text) && isDigit(text[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// digits reads a number of exactly that many digits at the beginning of a text.
func digits(text string, width int) (int, bool) {
	if len(text) < width {
		return 0, false
	}
	n := 0
	for i := range width {
		if !isDigit(text[i]) {
			return 0, false
		}
		n = n*10 + int(text[i]-'0')
	}
	return n, true
}

// micros returns the microseconds of the digits after the point.
func micros(fraction string) int {
	n := 0
	for i := range 6 {
		n *= 10
		if i < len(fraction) {
			n += int(fraction[i] - '0')
		}
	}
	return n
}

// time puts the parts together, or says why there is no such time.
func (m *matcher) time() (time.Time, string) {
	if m.has(epochSeconds) {
		if m.epoch < minEpoch || m.epoch > maxEpoch {
			return time.Time{}, "not a time from year 1 to 9999"
		}
		return in(time.Unix(m.epoch, int64(m.epochMicro+m.micro)*1000), m.offset)
	}
	day, message := m.date()
	if message != "" {
		return time.Time{}, message
	}
	if m.second > 59 {
		return time.Time{}, "a minute has no second " + strconv.Itoa(m.second)
	}
	hour := m.hour
	if m.has('I') {
		hour = m.hour12%12 + 12*m.half
	}
	return at(day, hour, m.minute, m.second, m.micro, m.offset)
}

// at returns a time of a day in the zone of an offset.
func at(day time.Time, hour, minute, second, micro, offset int) (time.Time, string) {
	year, month, date := day.Date()
	t := time.Date(year, month, date, hour, minute, second, micro*1000, time.UTC)
	return in(t.Add(-time.Duration(offset)*time.Second), offset)
}

// in returns a time in the zone of an offset, if it has a year there that a text
// can hold.
func in(t time.Time, offset int) (time.Time, string) {
	const day = 24 * 60 * 60
	if offset <= -day || offset >= day {
		return time.Time{}, "an offset from UTC of a day or more"
	}
	if offset == 0 {
		t = t.UTC()
	} else {
		t = t.In(time.FixedZone("", offset))
	}
	if t.Year() < minYear || t.Year() > maxYear {
		return time.Time{}, "not a time from year 1 to 9999"
	}
	return t, ""
}

// date returns the day the parts say, in UTC.
func (m *matcher) date() (time.Time, string) {
	hasYear, hasWeekday := m.has('Y') || m.has('y'), m.has('a') || m.has('A') || m.has('w') || m.has('u')
	hasWeek := m.has('U') || m.has('W')
	iso := !hasYear && m.has('G')
	switch {
	case iso && (!m.has('V') || !hasWeekday):
		return time.Time{}, "%G needs %V and a weekday beside it"
	case iso && m.has('j'):
		return time.Time{}, "%j does not go with %G, but with %Y"
	case !iso && m.has('V') && !hasWeek:
		return time.Time{}, "%V does not go with %Y, but with %G and a weekday"
	}
	year := m.year
	if !hasYear {
		year = 1900
	}
	switch {
	case m.has('j'):
		return dayOfYear(year, m.yearDay), ""
	case hasWeekday && hasWeek:
		return dayOfYear(year, m.dayOfWeek(year)), ""
	case iso:
		return isoDay(m.isoYear, m.isoWeek, m.weekday+1), ""
	}
	month, day := 1, 1
	if m.has('m') || m.has('b') || m.has('B') {
		month = m.month
	}
	if m.has('d') {
		day = m.day
	}
	return calendarDay(year, month, day)
}

// dayOfWeek returns which day of a year a weekday in a week is, from 1.
func (m *matcher) dayOfWeek(year int) int {
	first := dayOfYear(year, 1)
	firstWeekday, weekday := (int(first.Weekday())+6)%7, m.weekday
	if m.has('U') {
		firstWeekday, weekday = (firstWeekday+1)%7, (weekday+1)%7
	}
	if m.week == 0 {
		return 1 + weekday - firstWeekday
	}
	return 1 + (7-firstWeekday)%7 + 7*(m.week-1) + weekday
}

// calendarDay returns a day that exists.
func calendarDay(year, month, day int) (time.Time, string) {
	if month < 1 || month > 12 {
		return time.Time{}, fmt.Sprintf("there is no month %d", month)
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if t.Day() != day {
		return time.Time{}, fmt.Sprintf("%s %d has no day %d", months[month-1], year, day)
	}
	return t, ""
}

// dayOfYear returns a day by its number in a year, from 1. One that is too high
// is in the next year.
func dayOfYear(year, day int) time.Time {
	return time.Date(year, time.January, day, 0, 0, 0, 0, time.UTC)
}

// isoDay returns a weekday, Monday is 1, of a week of ISO 8601: week 1 is the
// one with January 4.
func isoDay(year, week, weekday int) time.Time {
	fourth := time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC)
	monday := 4 - (int(fourth.Weekday())+6)%7
	return dayOfYear(year, monday+7*(week-1)+weekday-1)
}

// error says why the layout does not fit the text.
func (m *matcher) error(layout string) error {
	switch m.fault {
	case 0:
		return &Error{Text: m.text, Layout: layout, Column: column(m.text, m.furthest), Message: m.expected()}
	case '%':
		return Valid(layout)
	}
	return &Error{Layout: layout, InLayout: true, Message: "has twice what can be read once: " + noun(m.fault)}
}

// expected says what the text should have had where it stopped fitting.
func (m *matcher) expected() string {
	switch {
	case m.wanted.code != 0:
		return "expected " + noun(m.wanted.code)
	case m.wanted.literal != "":
		return fmt.Sprintf("expected %q", m.wanted.literal)
	}
	return "the layout ends before the text does"
}

// noun names what a directive stands for.
func noun(code byte) string {
	switch code {
	case 'Y', 'G':
		return "a year of four digits"
	case 'y':
		return "a year of two digits"
	case 'm':
		return "a month from 1 to 12"
	case 'B':
		return "the name of a month"
	case 'b', 'h':
		return "the name of a month, three letters"
	case 'd', 'e':
		return "a day from 1 to 31"
	case 'j':
		return "a day from 1 to 366"
	case 'H':
		return "an hour from 0 to 23"
	case 'I':
		return "an hour from 1 to 12"
	case 'p':
		return "AM or PM"
	case 'M':
		return "a minute from 0 to 59"
	case 'S':
		return "a second from 0 to 59"
	case 'f', milliseconds:
		return "the digits of a fraction of a second"
	case 'A':
		return "a weekday"
	case 'a':
		return "a weekday, three letters"
	case 'w':
		return "a weekday from 0 to 6"
	case 'u':
		return "a weekday from 1 to 7"
	case 'U', 'W':
		return "a week from 0 to 53"
	case 'V':
		return "a week from 1 to 53"
	case 'z':
		return "an offset such as +0100 or Z"
	case 'Z':
		return "UTC or GMT"
	}
	return "a count since 1970"
}
