package report

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/syncer"
)

//go:embed page.gohtml style.css
var files embed.FS

// templates are the page and its style. Both are parts of this package, so they
// parse.
var templates = template.Must(template.ParseFS(files, "page.gohtml", "style.css"))

// openRuns is how many runs stand in a section's table; the rest are folded.
const openRuns = 5

// HTML writes the report as one HTML page that needs nothing beside itself. The
// same report gives the same bytes. Nothing is written if the page cannot be
// made; an error is otherwise that of w.
func (r Report) HTML(w io.Writer) error {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, "page.gohtml", r.page()); err != nil {
		return fmt.Errorf("make the page: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// A page is a report in the words of its page.
type page struct {
	Title       string
	Headline    string
	Made        moment
	Zone        string
	Tiles       []tile
	Sections    []section
	Credentials []credentialRow
	Totals      []totalRow
}

// A moment is a time as people and as programs read it.
type moment struct {
	Ago     string // empty if there is no time
	Shown   string
	Machine string
}

// A tile is a large number.
type tile struct {
	Health Health
	Words  string
	Count  string
}

type section struct {
	Anchor   string
	Name     string
	ID       string
	From, To string
	Health   Health
	Words    string
	State    string
	Schedule string
	Lead     string // the worst finding, else how it is
	Success  moment
	Findings []findingRow
	Missing  []string
	Facts    []fact
	Chart    *chart
	Problems []problemRow
	Unlisted string
	Recent   []runRow
	Earlier  []runRow
}

type findingRow struct {
	Health  Health
	Text    string
	Leading string // between Text and Since
	Since   moment
	Detail  string
	Remedy  string
}

// A fact is a line of what is known of an integration.
type fact struct {
	Name string
	At   moment
	None string // what stands there if there is no time
}

type problemRow struct {
	Reason, Meaning, Count string
	Since                  moment
	Record, Field, Example string
}

type runRow struct {
	At       moment
	Kind     string
	Path     string // of the mark
	Status   string
	Fetched  string
	Outcomes string
	Note     string
	Took     string
	Waited   string
}

type credentialRow struct {
	Name, Owner, UsedBy string
	Health              Health
	Words               string
	Expires             moment
}

type totalRow struct{ Object, Records, Archived string }

func (r Report) page() page {
	zone := r.location()
	p := page{
		Title:    plain(r.Title, maxName),
		Headline: r.Summary.headline(),
		Made:     r.moment(r.Made),
		Zone:     zoneName(r.Made.In(zone)),
	}
	for _, h := range []Health{Trouble, Attention, Fine, Idle} {
		p.Tiles = append(p.Tiles, tile{Health: h, Words: h.words(), Count: number(int64(r.Summary.of(h)))})
	}
	for n, i := range r.Integrations {
		p.Sections = append(p.Sections, r.section(n, i))
	}
	for _, c := range r.Credentials {
		p.Credentials = append(p.Credentials, credentialRow{
			Name: plain(cmp.Or(c.Name, c.ID), maxName), Owner: plain(c.Owner, maxName), UsedBy: plain(strings.Join(c.UsedBy, ", "), maxDetail),
			Health: c.Health, Words: expiryWords(c.Health), Expires: r.moment(c.ExpiresAt),
		})
	}
	for _, t := range r.Totals {
		p.Totals = append(p.Totals, totalRow{Object: plain(t.Object, maxName), Records: number(t.Records), Archived: number(t.Archived)})
	}
	return p
}

// expiryWords lead to the words for the time when a credential expires.
func expiryWords(h Health) string {
	switch h {
	case Trouble:
		return "expired"
	case Attention:
		return "expires soon,"
	case Fine, Idle:
	}
	return "expires"
}

// location is the zone that people read times in.
func (r Report) location() *time.Location {
	if r.zone == nil {
		return time.UTC
	}
	return r.zone
}

// shownTime is how times stand in a report.
const shownTime = "2 Jan 2006 15:04"

func (r Report) moment(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	return moment{Ago: ago(t, r.Made), Shown: t.In(r.location()).Format(shownTime), Machine: t.UTC().Format(time.RFC3339)}
}

// of is the number of integrations of a health.
func (s Summary) of(h Health) int {
	switch h {
	case Trouble:
		return s.Trouble
	case Attention:
		return s.Attention
	case Fine:
		return s.Fine
	case Idle:
	}
	return s.Idle
}

// headline is the summary in one sentence.
func (s Summary) headline() string {
	running := s.Integrations - s.Idle
	switch {
	case s.Integrations == 0:
		return "There are no integrations yet."
	case running == 0:
		return fmt.Sprintf("None of %s is meant to run.", counted(int64(s.Integrations), "integration"))
	case s.Fine == running:
		return fmt.Sprintf("All is well: %s, and no trouble.", counted(int64(running), "running integration"))
	}
	var parts []string
	for _, h := range []Health{Trouble, Attention, Fine, Idle} {
		if n := s.of(h); n > 0 {
			parts = append(parts, number(int64(n))+" "+h.phrase(n))
		}
	}
	return fmt.Sprintf("Of %s, %s.", counted(int64(s.Integrations), "integration"), listed(parts))
}

// phrase is what is said of a number of integrations.
func (h Health) phrase(n int) string {
	is, needs := "are", "need"
	if n == 1 {
		is, needs = "is", "needs"
	}
	switch h {
	case Trouble:
		return is + " in trouble"
	case Attention:
		return needs + " a look"
	case Fine:
		return is + " fine"
	case Idle:
	}
	return is + " not running"
}

// listed joins parts of a sentence: a, b and c.
func listed(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}

func (r Report) section(n int, i Integration) section {
	s := section{
		Anchor: fmt.Sprintf("integration-%d", n+1), Name: plain(i.Name, maxName), ID: plain(i.ID, maxName),
		From: plain(i.Vendor, maxName), To: plain(i.Object, maxName), Health: i.Health, Words: i.Health.words(),
		State: plain(string(i.State), maxName), Schedule: plain(i.Schedule, maxName),
		Lead: lead(i), Success: r.moment(i.LastSuccess), Facts: r.facts(i), Chart: r.chart(n, i.Runs),
	}
	for _, f := range i.Findings {
		s.Findings = append(s.Findings, r.findingRow(f))
	}
	for _, m := range i.Missing {
		s.Missing = append(s.Missing, plain(m, maxDetail))
	}
	var grouped int64
	for _, g := range i.Problems {
		grouped += int64(g.Count)
		s.Problems = append(s.Problems, r.problemRow(g))
	}
	if more := i.ProblemCount - grouped; more > 0 {
		s.Unlisted = counted(more, "more problem") + ", of which the run has kept the number alone."
	}
	for at, run := range i.Runs {
		if at < openRuns {
			s.Recent = append(s.Recent, r.runRow(run))
		} else {
			s.Earlier = append(s.Earlier, r.runRow(run))
		}
	}
	return s
}

func (r Report) findingRow(f Finding) findingRow {
	row := findingRow{Health: f.Health, Text: plain(f.Text, maxDetail), Since: r.moment(f.Since), Detail: plain(f.Detail, maxDetail), Remedy: plain(f.Remedy, maxDetail)}
	if row.Since.Ago != "" {
		row.Leading = f.leading()
	}
	return row
}

func (r Report) problemRow(g ProblemGroup) problemRow {
	row := problemRow{
		Reason: string(g.Reason), Meaning: g.Meaning, Count: number(int64(g.Count)), Since: r.moment(g.Since),
		Record: plain(g.Example.Record, maxName), Field: plain(g.Example.Field, maxName), Example: plain(because(g.Example.Reason, g.Reason), maxDetail),
	}
	if strings.Contains(row.Example, row.Field) {
		row.Field = ""
	}
	return row
}

// because is a problem's text without the reason that stands beside it.
func because(text string, reason syncer.Reason) string {
	return strings.TrimPrefix(text, string(reason)+": ")
}

// lead says in a few words how an integration is doing.
func lead(i Integration) string {
	switch {
	case len(i.Findings) > 0:
		return plain(i.Findings[0].Text, maxDetail)
	case i.Health == Fine:
		return "Works as it should"
	case i.State == syncer.Draft && len(i.Missing) > 0:
		return "A draft that lacks " + counted(int64(len(i.Missing)), "thing")
	case i.State == syncer.Draft:
		return "A draft, ready to be launched"
	}
	return "It is " + plain(string(i.State), maxName)
}

// facts are the ages of an integration.
func (r Report) facts(i Integration) []fact {
	none := "never"
	if i.Older {
		none = fmt.Sprintf("not in the last %s", counted(int64(i.LookedAt), "run"))
	}
	facts := []fact{
		{Name: "Last success", At: r.moment(i.LastSuccess), None: none},
		{Name: "Last full read", At: r.moment(i.LastFull), None: none},
	}
	if !i.LastComplete.IsZero() && !i.LastComplete.Equal(i.LastFull) {
		facts = append(facts, fact{Name: "Last complete read", At: r.moment(i.LastComplete)})
	}
	facts = append(facts, fact{Name: "Oldest problem still there", At: r.moment(i.OldestProblem), None: "none"})
	if !i.Due.IsZero() {
		name := "Next run"
		if i.Due.Before(r.Made) {
			name = "Next run was due"
		}
		facts = append(facts, fact{Name: name, At: r.moment(i.Due)})
	}
	if c := i.Credential; c != nil {
		name := "Credential expires"
		if c.Health == Trouble {
			name = "Credential expired"
		}
		facts = append(facts, fact{Name: name, At: r.moment(c.ExpiresAt)})
	}
	return facts
}

func (r Report) runRow(run Run) runRow {
	row := runRow{
		At: r.moment(run.Started), Kind: look(run.Status).class, Path: look(run.Status).mark, Status: statusWords(run.Status), Fetched: number(run.Counts.Fetched),
		Outcomes: outcomes(run.Counts), Took: took(run.Duration),
	}
	var notes []string
	switch {
	case run.Reverts != "":
		notes = append(notes, "puts back run "+plain(run.Reverts, maxName))
	case !run.Since.IsZero():
		notes = append(notes, "changes alone")
	}
	if run.Problems > 0 {
		notes = append(notes, counted(run.Problems, "problem"))
	}
	if run.Error != "" && run.Status != syncer.Cancelled {
		notes = append(notes, plain(run.Error, maxDetail))
	}
	row.Note = strings.Join(notes, "; ")
	if run.Waited > 0 {
		row.Waited = took(run.Waited)
	}
	return row
}
