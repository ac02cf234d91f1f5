package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/syncer"
)

// The measures of the text.
const (
	textRuns = 30 // runs in a line of marks
	textName = 60 // characters of a name
	textLine = 160
)

// Text writes the report for a terminal: a line with the summary, then a few
// lines for each integration. What would control the terminal is left out. An
// error is that of w.
func (r Report) Text(w io.Writer) error {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s, %s", plain(r.Title, textName), r.exactly(r.Made))
	line("%s", r.Summary.headline())
	for _, i := range r.Integrations {
		line("")
		r.describe(line, i)
	}
	if len(r.Credentials) > 0 {
		line("")
		line("Credentials that expire")
		for _, c := range r.Credentials {
			line("  %s  %s %s", plain(cmp.Or(c.Name, c.ID), textName), expiryWords(c.Health), r.age(c.ExpiresAt))
		}
	}
	if len(r.Totals) > 0 {
		line("")
		line("Records in the store")
		for _, t := range r.Totals {
			line("  %s  %s, %s archived", plain(t.Object, textName), number(t.Records), number(t.Archived))
		}
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// describe writes the lines of one integration.
func (r Report) describe(line func(string, ...any), i Integration) {
	line("%s %s (%s)", i.Health.sign(), plain(i.Name, textName), plain(i.ID, textName))
	about := []string{strings.ToLower(i.Health.words()), plain(i.Vendor, textName) + " into " + cmp.Or(plain(i.Object, textName), "nothing yet"), string(i.State)}
	if i.Schedule != "" {
		about = append(about, "runs: "+plain(i.Schedule, textName))
	}
	line("  %s", strings.Join(about, "; "))
	for _, f := range i.Findings {
		text := plain(f.Text, textLine)
		if !f.Since.IsZero() {
			text += f.leading() + r.age(f.Since)
		}
		line("  - %s", text)
		if f.Detail != "" {
			line("    %s", plain(f.Detail, textLine))
		}
		if f.Remedy != "" {
			line("    what to do: %s", plain(f.Remedy, textLine))
		}
	}
	for _, m := range i.Missing {
		line("  - lacks %s", plain(m, textLine))
	}
	if len(i.Runs) == 0 {
		return
	}
	line("  runs %s  %s", marks(i.Runs), summaryOf(i.Runs))
	last := i.Runs[0]
	text := fmt.Sprintf("last run %s: %s, %s", ago(last.Started, r.Made), statusWords(last.Status), counted(last.Counts.Fetched, "record"))
	if made := outcomes(last.Counts); made != "" {
		text += " (" + made + ")"
	}
	text += ", took " + took(last.Duration)
	if last.Waited > 0 {
		text += ", waited " + took(last.Waited)
	}
	line("  %s", text)
	for _, f := range r.facts(i) {
		if f.At.Ago != "" {
			line("  %s: %s, %s", strings.ToLower(f.Name), f.At.Ago, f.At.Shown)
		} else if f.None != "none" {
			line("  %s: %s", strings.ToLower(f.Name), f.None)
		}
	}
	for _, g := range i.Problems {
		line("  %s %s; for example %s: %s", number(int64(g.Count)), g.Reason, plain(g.Example.Record, textName), plain(because(g.Example.Reason, g.Reason), textLine))
	}
}

// exactly is a time with its zone.
func (r Report) exactly(t time.Time) string {
	t = t.In(r.location())
	return t.Format(shownTime) + " " + zoneName(t)
}

// age is a time in words and exactly.
func (r Report) age(t time.Time) string {
	m := r.moment(t)
	return m.Ago + ", " + m.Shown
}

// sign stands before a name.
func (h Health) sign() string {
	switch h {
	case Trouble:
		return "x"
	case Attention:
		return "!"
	case Fine:
		return "+"
	case Idle:
	}
	return "-"
}

// marks is the newest runs as one letter each, the oldest first.
func marks(runs []Run) string {
	var b strings.Builder
	for _, run := range slices.Backward(runs[:min(len(runs), textRuns)]) {
		switch run.Status {
		case syncer.Succeeded:
			b.WriteByte('+')
		case syncer.WithProblems:
			b.WriteByte('!')
		case syncer.Failed:
			b.WriteByte('x')
		case syncer.Interrupted:
			b.WriteByte('/')
		case syncer.Empty:
			b.WriteByte('0')
		case syncer.Running, syncer.Queued:
			b.WriteByte('>')
		default:
			b.WriteByte('-')
		}
	}
	return b.String()
}

// summaryOf counts runs by status.
func summaryOf(runs []Run) string {
	parts := []string{}
	for _, l := range legendOf(runs) {
		parts = append(parts, l.Count+" "+l.Words)
	}
	return listed(parts)
}
