package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vendorsync/vendorsync/syncer"
)

// number returns n with commas: 1,234,567.
func number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return sign + digits
}

// counted returns a number of things: 1 problem, 2 problems.
func counted(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + one + "s"
}

const day = 24 * time.Hour

// scale is the units in which ages are told, the largest first. Months and years
// are those of the calendar on average.
var scale = []struct {
	span time.Duration
	name string
}{
	{8766 * time.Hour, "year"},
	{730*time.Hour + 30*time.Minute, "month"},
	{day, "day"},
	{time.Hour, "hour"},
	{time.Minute, "minute"},
}

// ago says how long before now a time is, or how long after it, in the largest
// unit that it fills, rounded: "3 days ago", "in 2 hours".
func ago(t, now time.Time) string {
	d := now.Sub(t).Round(time.Second)
	form := "%s ago"
	if d < 0 {
		d, form = -d, "in %s"
	}
	for n, u := range scale {
		rounded := d
		if n+1 < len(scale) { // 59 minutes and 40 seconds are an hour
			rounded = d.Round(scale[n+1].span)
		}
		if rounded >= u.span {
			return fmt.Sprintf(form, counted(int64(rounded.Round(u.span)/u.span), u.name))
		}
	}
	return "just now"
}

// took is a length of time in two units at most: "950 ms", "1.5 s", "12 s",
// "3 min 20 s", "2 h 5 min", "1 d 3 h".
func took(d time.Duration) string {
	two := func(large time.Duration, a string, small time.Duration, b string) string {
		text := number(int64(d/large)) + " " + a
		if rest := d % large / small; rest > 0 {
			text += fmt.Sprintf(" %d %s", rest, b)
		}
		return text
	}
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		tenths := d / (time.Second / 10)
		if tenths%10 == 0 {
			return fmt.Sprintf("%d s", tenths/10)
		}
		return fmt.Sprintf("%d.%d s", tenths/10, tenths%10)
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return two(time.Minute, "min", time.Second, "s")
	case d < day:
		return two(time.Hour, "h", time.Minute, "min")
	}
	return two(day, "d", time.Hour, "h")
}

// statusWords is a status as people read it.
func statusWords(s syncer.Status) string {
	if s == syncer.WithProblems {
		return "with problems"
	}
	return plain(string(s), maxName)
}

// outcomes says what became of a run's records, without what is zero.
func outcomes(c syncer.Counts) string {
	var parts []string
	for _, p := range []struct {
		n    int64
		what string
	}{{c.Created, "created"}, {c.Updated, "updated"}, {c.Unchanged, "unchanged"}, {c.Filtered, "filtered"}, {c.Skipped, "skipped"}, {c.Failed, "failed"}} {
		if p.n > 0 {
			parts = append(parts, number(p.n)+" "+p.what)
		}
	}
	return strings.Join(parts, ", ")
}

// The number of characters that are shown of a text.
const (
	maxName   = 120 // of a name
	maxDetail = 400 // of an error, or of what is wrong with a record
)

// plain returns a text as it can be shown: cut to a length, what controls the
// display or turns the direction of writing replaced, white space made one blank.
func plain(text string, limit int) string {
	var b strings.Builder
	shown := 0
	for _, word := range strings.Fields(text) {
		if shown > 0 {
			b.WriteByte(' ')
			shown++
		}
		for _, r := range word {
			if shown >= limit {
				return strings.TrimRight(b.String(), " ") + "…"
			}
			if hidden(r) {
				r = utf8.RuneError
			}
			b.WriteRune(r)
			shown++
		}
	}
	return b.String()
}

// hidden reports whether a display does something else with r than show it.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Noncharacter_Code_Point, r)
}

// zoneName names the time zone of a moment: as it is called, or by what it is at
// that moment where it is just that of the machine.
func zoneName(t time.Time) string {
	if name := t.Location().String(); name != time.Local.String() {
		return name
	}
	return t.Format("MST (-07:00)")
}
