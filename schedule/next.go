package schedule

import (
	"strconv"
	"time"

	"github.com/netresearch/go-cron"
)

// allHours are the hours of a cron line that names none.
const allHours = 1<<24 - 1

// planned returns the first start after a moment, whatever the time of day, with
// jitter. A start never moves past the one after it, so that their order is that
// of the times without jitter.
func (s Schedule) planned(after time.Time) time.Time {
	p := s.compiled()
	if p.jitter == 0 {
		return s.base(after)
	}
	base := s.base(after.Add(-p.jitter))
	for !base.IsZero() {
		following := s.base(base)
		room := p.jitter
		if gap := following.Sub(base); !following.IsZero() && gap < room {
			room = gap
		}
		delay := s.pick("jitter "+strconv.FormatInt(base.Unix(), 10), int64(room/time.Second))
		if due := base.Add(time.Duration(delay) * time.Second); due.After(after) {
			return due
		}
		base = following
	}
	return time.Time{}
}

// base returns the first start after a moment, whatever the time of day, without
// jitter.
func (s Schedule) base(after time.Time) time.Time {
	p := s.compiled()
	switch {
	case p.cron != nil && everyHour(p.cron):
		return flowing(after, p.loc, p.cron.Next)
	case p.cron != nil:
		return once(after, p.loc, p.cron.Next)
	case p.period.unit <= hour && !p.hasAt:
		return s.elapsed(after)
	default:
		return once(after, p.loc, s.calendar())
	}
}

// everyHour reports whether a cron line leaves its hour open.
func everyHour(c cron.Schedule) bool {
	spec, ok := c.(*cron.SpecSchedule)
	return ok && spec.Hour&allHours == allHours
}

// elapsed returns the first start after a moment of a period of minutes or
// hours: whole periods since the start of 1970, shifted by less than one.
func (s Schedule) elapsed(after time.Time) time.Time {
	p := s.compiled()
	step := int64(p.period.elapsed() / time.Second)
	shift := s.pick("period", step)
	for {
		sec := after.Unix() - shift
		n := sec / step
		if sec < n*step { // Go divides towards zero
			n--
		}
		t := time.Unix((n+1)*step+shift, 0).In(p.loc)
		if p.on == 0 || p.on.has(t.Weekday()) {
			return t
		}
		y, m, d := t.Date()
		after = instant(time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC), p.loc).Add(-1)
	}
}

// A generator returns the first time on the clock after another. Times on the
// clock are written as times in UTC.
type generator func(time.Time) time.Time

// once returns the first moment after another at which the clock of a zone shows
// a time of next. Each of those happens once: one that is left out, when the
// clock goes forward, at that moment; one that comes twice, the first time.
func once(after time.Time, loc *time.Location, next generator) time.Time {
	for clock := next(onClock(after, loc)); !clock.IsZero(); clock = next(clock) {
		if t := instant(clock, loc); t.After(after) {
			return t
		}
	}
	return time.Time{}
}

// flowing returns the first moment after another at which the clock of a zone
// shows a time of next, be it for the second time. Times that are left out do
// not happen.
func flowing(after time.Time, loc *time.Location, next generator) time.Time {
	for {
		clock := next(onClock(after, loc))
		if clock.IsZero() {
			return time.Time{}
		}
		after = after.In(loc)
		_, offset := after.Zone()
		t := clock.Add(-time.Duration(offset) * time.Second)
		_, end := after.ZoneBounds()
		if end.IsZero() || t.Before(end) {
			return t.In(loc)
		}
		_, offset = end.Zone()
		if at := end.Add(time.Duration(offset) * time.Second).UTC(); next(at.Add(-time.Second)).Equal(at) {
			return end
		}
		after = end
	}
}

// onClock returns what the clock of a zone shows, as a time in UTC.
func onClock(t time.Time, loc *time.Location) time.Time {
	_, offset := t.In(loc).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// instant returns the first moment at which the clock of a zone shows a time or
// has gone past it.
func instant(clock time.Time, loc *time.Location) time.Time {
	t := time.Date(clock.Year(), clock.Month(), clock.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, loc)
	start, end := t.ZoneBounds()
	switch shown := onClock(t, loc); {
	case shown.After(clock): // left out, and t is past the change
		return start
	case shown.Before(clock): // left out, and t is before it
		return end
	case start.IsZero():
		return t
	}
	_, offset := start.Add(-1).Zone()
	if first := clock.Add(-time.Duration(offset) * time.Second); first.Before(start) && onClock(first, loc).Equal(clock) {
		return first.In(loc)
	}
	return t
}

// calendar returns the generator of a schedule of days, weeks or months, or of
// hours that divide the day.
func (s Schedule) calendar() generator {
	p := s.compiled()
	days, times := s.days(), s.times()
	return func(after time.Time) time.Time {
		y, m, d := after.Date()
		for midnight := date(y, m, d); midnight.Year() <= y+longest; midnight = midnight.AddDate(0, 0, 1) {
			if p.on != 0 && !p.on.has(midnight.Weekday()) || !days(midnight) {
				continue
			}
			for _, minute := range times {
				if t := midnight.Add(time.Duration(minute) * time.Minute); t.After(after) {
					return t
				}
			}
		}
		return time.Time{}
	}
}

// longest is more than the longest period, in years.
const longest = 11

// date returns midnight of a day on a clock.
func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// days returns which days are days of the schedule, weekdays apart.
func (s Schedule) days() func(time.Time) bool {
	p := s.compiled()
	n := int64(p.period.n)
	switch p.period.unit {
	case week:
		phase, own := s.pick("phase", n), time.Weekday(s.pick("weekday", 7))
		return func(t time.Time) bool {
			monday := dayNumber(t) - int64(t.Weekday()+6)%7 + 3 // 1970 began on a Thursday: its week is number 0
			return mod(monday/7, n) == phase && (p.on != 0 || t.Weekday() == own)
		}
	case month:
		own := p.day
		if own == 0 {
			own = 1 + int(s.pick("day", 28))
		}
		return func(t time.Time) bool {
			y, m, d := t.Date()
			last := date(y, m+1, 0).Day()
			return mod(int64(y-1970)*12+int64(m)-1, n) == 0 && d == min(own, last)
		}
	case day:
		phase := s.pick("phase", n)
		return func(t time.Time) bool { return mod(dayNumber(t), n) == phase }
	default:
		return func(time.Time) bool { return true }
	}
}

// dayNumber counts the days since the start of 1970.
func dayNumber(midnight time.Time) int64 { return midnight.Unix() / (24 * 60 * 60) }

// mod returns a modulo n, never negative.
func mod(a, n int64) int64 { return (a%n + n) % n }

// times returns the minutes of the day at which a schedule of the calendar
// starts, in order.
func (s Schedule) times() []int {
	p := s.compiled()
	switch {
	case p.period.unit == hour:
		step := p.period.n * 60
		times := make([]int, 0, minutesPerDay/step)
		for t := p.at % step; t < minutesPerDay; t += step {
			times = append(times, t)
		}
		return times
	case p.hasAt:
		return []int{p.at}
	default:
		return []int{s.quietTime()}
	}
}

// night ends the part of the day in which quiet times lie, in minutes since
// midnight.
const night = 5 * 60

// quietTime returns a minute of the night at which something may start, else of
// the day.
func (s Schedule) quietTime() int {
	p := s.compiled()
	if len(p.windows) == 0 {
		return int(s.pick("quiet time", night))
	}
	free := p.free(0, night)
	if len(free) == 0 {
		free = p.free(night, minutesPerDay)
	}
	return free[s.pick("quiet time", int64(len(free)))]
}

// free returns the minutes of a part of the day at which something may start.
func (p *plan) free(from, to int) []int {
	minutes := make([]int, 0, to-from)
	for m := from; m < to; m++ {
		if !p.within(m) {
			minutes = append(minutes, m)
		}
	}
	return minutes
}

// within reports whether a minute of the day lies in a window.
func (p *plan) within(minute int) bool {
	for _, w := range p.windows {
		if w.has(minute) {
			return true
		}
	}
	return false
}

// quietLimit is how far the ends of a span are looked for. A change of the clock
// that leaves out the only free minutes of a day makes the longest span: less
// than two days.
const quietLimit = 3 * minutesPerDay

// quiet returns the span around t in which nothing starts: its first moment and
// the first one after it.
func (p *plan) quiet(t time.Time) (from, to time.Time, ok bool) {
	if len(p.windows) == 0 || t.IsZero() || !p.quietAt(t) {
		return time.Time{}, time.Time{}, false
	}
	t = t.Truncate(time.Minute).In(p.loc)
	from, to = t, t
	for i := 0; i < quietLimit && p.quietAt(from.Add(-time.Minute)); i++ {
		from = p.step(from, -1)
	}
	for i := 0; i < quietLimit && p.quietAt(to); i++ {
		to = p.step(to, 1)
	}
	return from, to, true
}

// step goes from t, forward or back, to a moment before which all is quiet: the
// end of a window, or only a minute on if the clock may change before it.
func (p *plan) step(t time.Time, sign int) time.Time {
	h, m, _ := t.Clock()
	jump := t.Add(time.Duration(sign*p.left(h*60+m, sign)) * time.Minute)
	start, end := t.ZoneBounds()
	if !start.IsZero() && jump.Before(start) || !end.IsZero() && jump.After(end) {
		return t.Add(time.Duration(sign) * time.Minute)
	}
	return jump
}

// left returns how many minutes it is from a minute of the day to the end of the
// windows that hold it, or back to their beginning; at least 1.
func (p *plan) left(minute, sign int) int {
	most := 1
	for _, w := range p.windows {
		switch {
		case sign > 0 && w.has(minute):
			most = max(most, int(mod(int64(w.to-minute), minutesPerDay)))
		case sign < 0 && w.has((minute+minutesPerDay-1)%minutesPerDay):
			most = max(most, int(mod(int64(minute-w.from), minutesPerDay)))
		}
	}
	return most
}

// quietAt reports whether nothing starts at t.
func (p *plan) quietAt(t time.Time) bool {
	h, m, _ := t.In(p.loc).Clock()
	return p.within(h*60 + m)
}
