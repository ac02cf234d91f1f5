package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Spec is a schedule as people write it. The zero Spec runs once a day at a
// quiet time, between 00:00 and 05:00 in UTC, that follows from what it is
// [Schedule.For].
type Spec struct {
	// Every is the period: a number and a unit, as in 30m, 6h, 1d, 2w or 3mo; whole
	// words (2 weeks, month) do as well. Empty means 1d. Periods are counted from fixed
	// points, so that neither restarts nor long runs shift them: minutes and hours
	// from the start of 1970 in UTC, days and weeks (which begin on Monday) from
	// its first ones, months from its January: 3mo are January, April, July and
	// October. Which of N minutes, hours, days or weeks it is follows from what
	// the schedule is For.
	Every string `json:"every,omitempty" yaml:"every,omitempty"`
	// At is the time of day, as in 06:00. With a period of hours it is one of the
	// times of day, and the period must divide the day: {every: 6h, at: "06:00"}
	// starts at 00:00, 06:00, 12:00 and 18:00. Empty means a quiet time or, with a
	// period of hours or minutes, none.
	At string `json:"at,omitempty" yaml:"at,omitempty"`
	// On are the weekdays (mon to sun) on which a period of minutes, hours, days or
	// weeks begins runs. Empty means all; with weeks, one of the seven.
	On []string `json:"on,omitempty" yaml:"on,omitempty,flow"`
	// Day is the day of the month, with a period of months. A month that is too
	// short has it on its last day, so that 31 is the last day of each. 0 means
	// one of the first 28.
	Day int `json:"day,omitempty" yaml:"day,omitempty"`
	// Cron is a line of five fields (minute, hour, day of month, month, weekday) or
	// a word such as @daily, in place of all of the above. As ever with cron, a day
	// must satisfy either of the two day fields if both are restricted, and the
	// 31st is left out in months without one. L is the last day of a month, 15W the
	// weekday nearest the 15th, FRI#3 the third Friday.
	Cron string `json:"cron,omitempty" yaml:"cron,omitempty"`
	// Manual is true for what starts only when asked.
	Manual bool `json:"manual,omitempty" yaml:"manual,omitempty"`
	// Zone is the IANA name of the time zone of all times of day, days and
	// weekdays. Empty means UTC.
	Zone string `json:"zone,omitempty" yaml:"zone,omitempty"`
	// NotBetween are times of day from and to which nothing starts, pair by pair:
	// ["08:00", "18:00"], over midnight too: ["22:00", "05:00"]. A start that falls
	// between waits for the end; several become one.
	NotBetween []string `json:"not_between,omitempty" yaml:"not_between,omitempty,flow"`
	// PauseRunning has NotBetween apply to a run that is under way too: it stops
	// there and goes on afterwards.
	PauseRunning bool `json:"pause_running,omitempty" yaml:"pause_running,omitempty"`
	// Jitter delays each start by less than this, as in 10m, at most 24h: by how
	// much follows from what the schedule is For and from the start. A start is
	// never put off to the next one.
	Jitter string `json:"jitter,omitempty" yaml:"jitter,omitempty"`
	// Missed says what becomes of a start that was missed because nobody was there
	// to make it. Empty means CatchUp.
	Missed Missed `json:"missed,omitempty" yaml:"missed,omitempty"`
}

// Missed says what becomes of missed starts.
type Missed string

// What becomes of missed starts.
const (
	// CatchUp starts once, as soon as possible, however many were missed.
	CatchUp Missed = "catch_up"
	// Skip waits for the next start; one that is less than an hour late still
	// counts.
	Skip Missed = "skip"
)

// lateness is by how much a start may be late under Skip.
const lateness = time.Hour

// A unit is what a period is counted in.
type unit int

// The units.
const (
	minute unit = iota
	hour
	day
	week
	month
)

// units are how each unit is written and shown, and how many make the longest
// period.
var units = [...]struct {
	short, name string
	words       []string
	most        int
}{
	minute: {"m", "minute", []string{"m", "min", "minute", "minutes"}, 7 * 24 * 60},
	hour:   {"h", "hour", []string{"h", "hour", "hours"}, 365 * 24},
	day:    {"d", "day", []string{"d", "day", "days"}, 3650},
	week:   {"w", "week", []string{"w", "week", "weeks"}, 520},
	month:  {"mo", "month", []string{"mo", "month", "months"}, 120},
}

// A period is so many of a unit.
type period struct {
	n    int
	unit unit
}

// elapsed returns the length of a period of minutes or hours.
func (p period) elapsed() time.Duration {
	if p.unit == minute {
		return time.Duration(p.n) * time.Minute
	}
	return time.Duration(p.n) * time.Hour
}

// parsePeriod reads 6h, 2 weeks and the like.
func parsePeriod(text string) (period, error) {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	word := strings.ToLower(strings.TrimSpace(text[digits:]))
	for u, as := range units {
		if !slices.Contains(as.words, word) {
			continue
		}
		if text == as.name {
			return period{1, unit(u)}, nil
		}
		n, err := strconv.Atoi(text[:digits])
		if err != nil || n < 1 || n > as.most {
			return period{}, fmt.Errorf("every %q: write a number from 1 to %d before %s", text, as.most, word)
		}
		return period{n, unit(u)}, nil
	}
	return period{}, fmt.Errorf("every %q: write a number and a unit, such as 30m, 6h, 1d, 2w or 3mo", text)
}

// parseClock reads 06:00 as minutes since midnight.
func parseClock(text string) (int, error) {
	h, m, ok := strings.Cut(text, ":")
	if ok && len(h) <= 2 && len(m) == 2 {
		hours, err1 := strconv.ParseUint(h, 10, 8)
		minutes, err2 := strconv.ParseUint(m, 10, 8)
		if err1 == nil && err2 == nil && hours < 24 && minutes < 60 {
			return int(hours*60 + minutes), nil
		}
	}
	return 0, fmt.Errorf("%q is no time of day: write hours and minutes from 00:00 to 23:59", text)
}

// clock writes minutes since midnight as 06:00.
func clock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// weekdays are the names of the days, at their time.Weekday.
var weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// parseWeekday reads mon, Monday and the like.
func parseWeekday(text string) (time.Weekday, error) {
	word := strings.ToLower(text)
	for i, short := range weekdays {
		if word == short || word == strings.ToLower(time.Weekday(i).String()) {
			return time.Weekday(i), nil
		}
	}
	return 0, fmt.Errorf("on %q: write mon, tue, wed, thu, fri, sat or sun", text)
}

// New returns the schedule that spec describes. Its error names all that is
// wrong, and what to write instead. A schedule that could never start anything
// is refused. Time zones are loaded here and nowhere else.
func New(spec Spec) (Schedule, error) {
	c := compiler{spec: spec}
	c.compile()
	if err := errors.Join(c.faults...); err != nil {
		return Schedule{}, fmt.Errorf("schedule: %w", err)
	}
	if c.spec.isZero() {
		return Schedule{}, nil
	}
	return Schedule{spec: c.spec, plan: &c.plan}, nil
}

// isZero reports whether s is the zero Spec.
func (s Spec) isZero() bool {
	return s.Every == "" && s.At == "" && len(s.On) == 0 && s.Day == 0 && s.Cron == "" && !s.Manual && s.Zone == "" &&
		len(s.NotBetween) == 0 && !s.PauseRunning && s.Jitter == "" && s.Missed == ""
}
