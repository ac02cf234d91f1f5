package schedule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxText is the longest text that is read, in bytes.
const maxText = 1000

// Parse reads a schedule from one line of text: daily, manual, or the fields of
// a [Spec] as words in any order:
//
//	every 6h not between 08:00 and 18:00 zone Europe/London
//	every 2w at 06:00 on sun,wed
//	every 1mo day 31 jitter 30m
//	cron 0 3 * * 1-5 not between 22:00 and 05:00 pause running skip missed
//
// Empty text is daily. The error says what is wrong, and what to write instead.
func Parse(text string) (Schedule, error) {
	if len(text) > maxText {
		return Schedule{}, fmt.Errorf("schedule: the text has %d bytes: write at most %d", len(text), maxText)
	}
	r := reader{words: strings.Fields(text)}
	for len(r.words) > 0 {
		if err := r.clause(); err != nil {
			return Schedule{}, fmt.Errorf("schedule %q: %w", text, err)
		}
	}
	return New(r.spec)
}

// A reader reads a Spec word by word.
type reader struct {
	words []string
	spec  Spec
}

// take returns the next n words as one.
func (r *reader) take(n int, after, example string) (string, error) {
	if len(r.words) < n {
		return "", fmt.Errorf("something is missing after %s: write %s", after, example)
	}
	text := strings.Join(r.words[:n], " ")
	r.words = r.words[n:]
	return text, nil
}

// clause reads a word and what belongs to it.
func (r *reader) clause() error {
	word := strings.ToLower(r.words[0])
	r.words = r.words[1:]
	switch word {
	case "daily":
		return r.once(&r.spec.Every, "every", "1d")
	case "manual":
		r.spec.Manual = true
		return nil
	case "every":
		return r.every()
	case "at":
		return r.set(&r.spec.At, 1, "at", "at 06:00")
	case "on":
		return r.weekdays()
	case "day":
		return r.day()
	case "cron":
		n := 5
		if len(r.words) > 0 && strings.HasPrefix(r.words[0], "@") {
			n = 1
		}
		return r.set(&r.spec.Cron, n, "cron", "five fields such as cron 0 3 * * 1-5, or cron @daily")
	case "zone":
		return r.set(&r.spec.Zone, 1, "zone", "zone Europe/London")
	case "jitter":
		return r.set(&r.spec.Jitter, 1, "jitter", "jitter 10m")
	case "not":
		return r.window()
	case "pause":
		r.spec.PauseRunning = true
		return r.expect("running", "pause", "pause running")
	case "skip":
		r.spec.Missed = Skip
		return r.expect("missed", "skip", "skip missed")
	default:
		return fmt.Errorf("%q is not known here: write daily, manual, every, at, on, day, cron, zone, not between, pause running, jitter or skip missed", word)
	}
}

// once sets a field that may be set once.
func (r *reader) once(field *string, name, value string) error {
	if *field != "" {
		return fmt.Errorf("%s is said twice: write it once", name)
	}
	*field = value
	return nil
}

// set reads the n words of a field.
func (r *reader) set(field *string, n int, name, example string) error {
	text, err := r.take(n, name, example)
	if err != nil {
		return err
	}
	return r.once(field, name, text)
}

// expect reads a word that must be there.
func (r *reader) expect(word, after, example string) error {
	text, err := r.take(1, after, example)
	if err == nil && !strings.EqualFold(text, word) {
		err = fmt.Errorf("%q does not go after %s: write %s", text, after, example)
	}
	return err
}

// every reads a period, whose number and unit may be two words.
func (r *reader) every() error {
	n := 1
	if len(r.words) > 1 {
		if _, err := strconv.Atoi(r.words[0]); err == nil {
			n = 2
		}
	}
	return r.set(&r.spec.Every, n, "every", "every 6h")
}

// weekdays reads weekdays with commas between.
func (r *reader) weekdays() error {
	text, err := r.take(1, "on", "on sun,wed")
	if err != nil {
		return err
	}
	r.spec.On = append(r.spec.On, strings.Split(text, ",")...)
	return nil
}

// day reads a day of the month.
func (r *reader) day() error {
	text, err := r.take(1, "day", "day 31")
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || r.spec.Day != 0 {
		return fmt.Errorf("day %q: write one day of the month from 1 to 31", text)
	}
	r.spec.Day = n
	return nil
}

// window reads what follows not.
func (r *reader) window() error {
	const example = "not between 08:00 and 18:00"
	if err := r.expect("between", "not", example); err != nil {
		return err
	}
	from, err := r.take(1, "between", example)
	if err != nil {
		return err
	}
	if err := r.expect("and", from, example); err != nil {
		return err
	}
	to, err := r.take(1, "and", example)
	r.spec.NotBetween = append(r.spec.NotBetween, from, to)
	return err
}

// Text returns the schedule in the form that [Parse] reads.
func (s Schedule) Text() string {
	spec := s.spec
	var words []string
	add := func(name, value string) {
		if value != "" {
			words = append(words, name, value)
		}
	}
	if spec.Manual {
		words = append(words, "manual")
	}
	add("cron", spec.Cron)
	if !spec.Manual && spec.Cron == "" && spec.Every == "" {
		words = append(words, "daily")
	}
	add("every", spec.Every)
	if spec.Day != 0 {
		add("day", strconv.Itoa(spec.Day))
	}
	add("at", spec.At)
	add("on", strings.Join(spec.On, ","))
	add("zone", spec.Zone)
	for i := 0; i+1 < len(spec.NotBetween); i += 2 {
		words = append(words, "not between", spec.NotBetween[i], "and", spec.NotBetween[i+1])
	}
	if spec.PauseRunning {
		words = append(words, "pause running")
	}
	add("jitter", spec.Jitter)
	if spec.Missed == Skip {
		words = append(words, "skip missed")
	}
	return strings.Join(words, " ")
}

// MarshalText returns the schedule in the form that [Parse] reads.
func (s Schedule) MarshalText() ([]byte, error) { return []byte(s.Text()), nil }

// UnmarshalText reads what [Parse] reads.
func (s *Schedule) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// MarshalJSON returns "daily", "manual", or the fields of the [Spec].
func (s Schedule) MarshalJSON() ([]byte, error) {
	if text := s.Text(); text == "daily" || text == "manual" {
		return json.Marshal(text)
	}
	return json.Marshal(s.spec)
}

// UnmarshalJSON reads a string as [Parse] does, an object as a [Spec]; fields
// that a Spec does not have are errors. null changes nothing.
func (s *Schedule) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	if len(data) == 0 || string(data) == "null" {
		return nil
	}
	if data[0] == '"' {
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return fmt.Errorf("schedule: %w", err)
		}
		return s.UnmarshalText([]byte(text))
	}
	var spec Spec
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&spec); err != nil {
		return fmt.Errorf("schedule: %w: write a word such as daily, or an object such as {\"every\": \"6h\"}", err)
	}
	parsed, err := New(spec)
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// String returns the schedule in a sentence for people, such as "every 6 hours,
// not between 08:00 and 18:00 (Europe/London)". What follows from what the
// schedule is [Schedule.For] is named once that is known.
func (s Schedule) String() string {
	p := s.compiled()
	if p.manual {
		return "only when asked"
	}
	var b strings.Builder
	b.WriteString(s.describe())
	for i, w := range p.windows {
		b.WriteString([]string{", not between ", " or "}[min(i, 1)])
		fmt.Fprintf(&b, "%s and %s", clock(w.from), clock(w.to))
	}
	if s.spec.PauseRunning {
		b.WriteString(", pausing what runs")
	}
	if p.jitter > 0 {
		fmt.Fprintf(&b, ", up to %s later", s.spec.Jitter)
	}
	if p.skip {
		b.WriteString(", missed starts skipped")
	}
	fmt.Fprintf(&b, " (%s)", p.loc)
	return b.String()
}

// describe says when a schedule starts, without what restricts it.
func (s Schedule) describe() string {
	p := s.compiled()
	if p.cron != nil {
		return "cron " + s.spec.Cron
	}
	text := "every "
	name := units[p.period.unit].name
	switch {
	case p.period == period{1, day}:
		text = "daily"
		if p.on != 0 {
			text = "weekly"
		}
	case p.period.n == 1:
		text += name
	default:
		text += fmt.Sprintf("%d %ss", p.period.n, name)
	}
	return text + s.describeDay() + s.describeTime()
}

// describeDay names the days.
func (s Schedule) describeDay() string {
	p := s.compiled()
	switch {
	case p.on != 0:
		var days []string
		for _, short := range p.on.names() {
			d, _ := parseWeekday(short)
			days = append(days, d.String())
		}
		return " on " + list(days)
	case p.period.unit == week && s.seed != "":
		return " on " + time.Weekday(s.pick("weekday", 7)).String()
	case p.period.unit == month && p.day == 31:
		return " on the last day"
	case p.period.unit == month && p.day != 0:
		return fmt.Sprintf(" on day %d", p.day)
	case p.period.unit == month && s.seed != "":
		return fmt.Sprintf(" on day %d", 1+s.pick("day", 28))
	default:
		return ""
	}
}

// describeTime names the time of day.
func (s Schedule) describeTime() string {
	p := s.compiled()
	switch {
	case p.period.unit == hour && p.hasAt:
		return " from " + clock(p.at)
	case p.period.unit <= hour:
		return ""
	case p.hasAt:
		return " at " + clock(p.at)
	case s.seed != "":
		return " at " + clock(s.quietTime())
	default:
		return " at a quiet time"
	}
}

// list joins words as a sentence does.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
