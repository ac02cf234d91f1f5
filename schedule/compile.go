package schedule

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/netresearch/go-cron"
)

// day length in minutes.
const minutesPerDay = 24 * 60

// maxJitter is the longest jitter.
const maxJitter = 24 * time.Hour

// cronOptions are what a cron line may hold. The days are joined as crontab(5)
// joins them.
const cronOptions = cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor | cron.Extended | cron.DowOrDom

// cronYears is how far ahead the next time of a cron line is looked for: from
// 2096 the next 29 February but one is eight years off.
const cronYears = 12

// A plan is a Spec made ready for computing.
type plan struct {
	period  period
	at      int  // minutes since midnight
	hasAt   bool // else quiet time, or any
	on      weekdaySet
	day     int // of the month; 0 means by seed
	cron    cron.Schedule
	manual  bool
	loc     *time.Location
	windows []window
	jitter  time.Duration
	skip    bool
}

// A weekdaySet holds weekdays. The empty set means that none were named.
type weekdaySet uint8

// has reports whether d is in the set.
func (s weekdaySet) has(d time.Weekday) bool { return s&(1<<d) != 0 }

// A window is a span of the day, in minutes since midnight, that begins with
// from and ends before to. It goes over midnight if to is not after from.
type window struct{ from, to int }

// has reports whether the window holds a minute of the day.
func (w window) has(minute int) bool {
	if w.from < w.to {
		return minute >= w.from && minute < w.to
	}
	return minute >= w.from || minute < w.to
}

// A compiler makes a plan of a Spec, brings the Spec into its one form, and
// gathers what is wrong.
type compiler struct {
	spec   Spec
	plan   plan
	faults []error
}

// fault notes what is wrong.
func (c *compiler) fault(err error) { c.faults = append(c.faults, err) }

// faultf notes what is wrong.
func (c *compiler) faultf(format string, args ...any) { c.fault(fmt.Errorf(format, args...)) }

// compile does all parts.
func (c *compiler) compile() {
	c.kind()
	c.zone()
	c.windows()
	c.jitter()
	switch c.spec.Missed {
	case "", CatchUp:
		c.spec.Missed = ""
	case Skip:
		c.plan.skip = true
	default:
		c.faultf("missed %q: write catch_up or skip", c.spec.Missed)
	}
}

// kind finds out which of the kinds of schedule it is.
func (c *compiler) kind() {
	s := &c.spec
	calendar := s.Every != "" || s.At != "" || len(s.On) > 0 || s.Day != 0
	switch {
	case s.Manual:
		c.plan.manual = true
		if calendar || s.Cron != "" {
			c.faultf("manual goes with none of every, at, on, day and cron: leave out either")
		}
	case s.Cron != "":
		if calendar {
			c.faultf("cron says it all: leave out every, at, on and day")
		}
		c.cron()
	default:
		c.every()
		c.at()
		c.on()
		c.day()
	}
}

// cron reads the cron line. Its times are asked for in UTC and taken for those
// of the zone, so that the parser needs to know neither zones nor their changes.
func (c *compiler) cron() {
	line := strings.Join(strings.Fields(c.spec.Cron), " ")
	c.spec.Cron = line
	switch {
	case strings.Contains(line, "TZ="):
		c.faultf("cron %q: write the time zone as zone", line)
		return
	case strings.HasPrefix(line, "@every"):
		c.faultf("cron %q: write every, without cron", line)
		return
	case !strings.HasPrefix(line, "@") && strings.Count(line, " ") != 4:
		c.faultf("cron %q: write five fields: minute, hour, day of month, month and weekday", line)
		return
	}
	parser, err := cron.TryNewParser(cronOptions)
	if err != nil {
		c.faultf("cron: %w", err)
		return
	}
	parsed, err := parser.WithMaxSearchYears(cronYears).Parse(line)
	if err != nil {
		c.faultf("cron %q: %w: write five fields such as 0 3 * * 1-5, or @daily", line, err)
		return
	}
	if parsed.Next(time.Unix(0, 0).UTC()).IsZero() {
		c.faultf("cron %q never happens: write a day that its months have", line)
		return
	}
	c.plan.cron = parsed
}

// every reads the period.
func (c *compiler) every() {
	c.plan.period = period{1, day}
	if c.spec.Every == "" {
		return
	}
	p, err := parsePeriod(strings.TrimSpace(c.spec.Every))
	if err != nil {
		c.fault(err)
		return
	}
	c.plan.period = p
	c.spec.Every = fmt.Sprint(p.n, units[p.unit].short)
	if p == (period{1, day}) {
		c.spec.Every = ""
	}
}

// at reads the time of day.
func (c *compiler) at() {
	if c.spec.At == "" {
		return
	}
	at, err := parseClock(c.spec.At)
	if err != nil {
		c.faultf("at %w", err)
		return
	}
	c.plan.at, c.plan.hasAt, c.spec.At = at, true, clock(at)
	switch p := c.plan.period; {
	case p.unit == minute:
		c.faultf("at goes with a period of hours, days, weeks or months: leave out at, or write cron")
	case p.unit == hour && 24%p.n != 0:
		c.faultf("at goes with hours that divide the day: write 1h, 2h, 3h, 4h, 6h, 8h, 12h or 24h instead of %s, or leave out at", c.spec.Every)
	}
}

// on reads the weekdays.
func (c *compiler) on() {
	for _, text := range c.spec.On {
		d, err := parseWeekday(text)
		if err != nil {
			c.fault(err)
			return
		}
		c.plan.on |= 1 << d
	}
	if c.plan.on == 0 {
		c.spec.On = nil
		return
	}
	c.spec.On = c.plan.on.names()
	switch p := c.plan.period; {
	case p.unit == month:
		c.faultf("on goes with a period of minutes, hours, days or weeks: write day for a day of the month, or a cron such as 0 6 * * MON#1")
	case p.unit == day && p.n > 1:
		c.faultf("on goes with every day, not with every %d days: write every in weeks", p.n)
	case p.unit == hour && p.elapsed() > 24*time.Hour, p.unit == minute && p.elapsed() > 24*time.Hour:
		c.faultf("on goes with periods up to a day, and with weeks: write every in weeks")
	}
}

// names returns the days, Monday first.
func (s weekdaySet) names() []string {
	names := make([]string, 0, bits.OnesCount8(uint8(s)))
	for i := range weekdays {
		if d := time.Weekday((i + 1) % 7); s.has(d) {
			names = append(names, weekdays[d])
		}
	}
	return names
}

// day reads the day of the month.
func (c *compiler) day() {
	c.plan.day = c.spec.Day
	switch {
	case c.spec.Day == 0:
	case c.spec.Day < 0 || c.spec.Day > 31:
		c.faultf("day %d: write a day of the month from 1 to 31", c.spec.Day)
	case c.plan.period.unit != month:
		c.faultf("day goes with a period of months: write every: 1mo, or on for weekdays")
	}
}

// zone loads the time zone.
func (c *compiler) zone() {
	c.plan.loc = time.UTC
	name := strings.TrimSpace(c.spec.Zone)
	c.spec.Zone = name
	if name == "UTC" {
		c.spec.Zone = ""
	}
	if c.spec.Zone == "" {
		return
	}
	if strings.EqualFold(name, "local") {
		c.faultf("zone %q: write the name of a time zone, such as Europe/London: what is local depends on the machine", name)
		return
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		c.faultf("zone %q: write the IANA name of a time zone, such as Europe/London: %w", name, err)
		return
	}
	c.plan.loc = loc
}

// windows reads the times of day between which nothing starts.
func (c *compiler) windows() {
	texts := slices.Clone(c.spec.NotBetween)
	c.spec.NotBetween = texts
	if len(texts) == 0 {
		c.spec.NotBetween = nil
		if c.spec.PauseRunning {
			c.faultf("pause_running goes with not_between: write both or neither")
		}
		return
	}
	if len(texts)%2 != 0 {
		c.faultf(`not_between %q: write pairs of from and to, such as ["08:00", "18:00"]`, texts)
		return
	}
	minutes := make([]int, len(texts))
	for i, text := range texts {
		m, err := parseClock(text)
		if err != nil {
			c.faultf("not_between %w", err)
			return
		}
		minutes[i], texts[i] = m, clock(m)
	}
	for pair := range slices.Chunk(minutes, 2) {
		c.plan.windows = append(c.plan.windows, window{pair[0], pair[1]})
	}
	if len(c.plan.free(0, minutesPerDay)) == 0 {
		c.faultf("not_between %q leaves no time of the day: write a shorter span, or manual", texts)
	}
}

// jitter reads the jitter.
func (c *compiler) jitter() {
	text := strings.TrimSpace(c.spec.Jitter)
	c.spec.Jitter = text
	if text == "" {
		return
	}
	d, err := time.ParseDuration(text)
	switch p := c.plan.period; {
	case err != nil || d < time.Second || d > maxJitter:
		c.faultf("jitter %q: write a time from 1s to 24h, such as 10m", text)
	case c.plan.manual:
		c.faultf("jitter goes with times, not with manual: leave out either")
	case c.plan.cron == nil && p.unit <= hour && p.n > 0 && d > p.elapsed():
		c.faultf("jitter %q is longer than the period: write %s or less", text, c.spec.Every)
	}
	c.plan.jitter = d.Truncate(time.Second)
	c.spec.Jitter = shortDuration(c.plan.jitter)
}

// shortDuration writes 10m rather than 10m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
