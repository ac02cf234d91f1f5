package main

import (
	"bufio"
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

// pageOptions say how much a catalogue page shows.
type pageOptions struct {
	fields   bool // the fields of the streams' records
	advanced bool // what of a credential is seldom needed, and the fields
}

// showSpec writes a catalogue page for people: what to gather, what it brings,
// and what to do next.
func (a *app) showSpec(v specView, o pageOptions) error {
	p := &page{w: bufio.NewWriter(a.out), width: pageWidth}
	if a.outWidth > 0 {
		p.width = min(a.outWidth, pageWidth)
	}
	p.facts(v)
	p.credential(v, o)
	p.settings(v)
	p.limits(v)
	for _, st := range v.Streams {
		p.stream(st, v)
		if !o.fields && !o.advanced || len(st.Fields) == 0 {
			continue
		}
		if err := p.w.Flush(); err != nil {
			return err
		}
		if err := a.section(fieldTable(st)); err != nil {
			return err
		}
	}
	p.next(v)
	return p.w.Flush()
}

func (p *page) facts(v specView) {
	p.line("%s (%s)", v.Name, v.ID)
	p.text(2, v.Summary)
	p.line("")
	p.pairs(2, [][2]string{
		{"vendor", v.Vendor},
		{"category", v.Category},
		{"also called", strings.Join(v.Aliases, ", ")},
		{"documentation", v.DocsURL},
		{"runs on", cmp.Or(strings.Join(v.Platforms, ", "), "every system")},
		{"version", v.Version},
	})
}

// credential says how to prove who asks, and where the proof goes.
func (p *page) credential(v specView, o pageOptions) {
	switch len(v.Auth) {
	case 0:
		p.heading("CREDENTIAL: none is needed")
		return
	case 1:
		p.heading("CREDENTIAL")
	default:
		p.heading("CREDENTIAL: one of %d ways", len(v.Auth))
	}
	left := 0
	for _, m := range v.Auth {
		if m.Kind == string(credentials.None) {
			p.line("  %s (no credential)", m.Label)
			p.text(4, m.Help)
			continue
		}
		p.line("  %s (--kind %s)", m.Label, m.ID)
		p.text(4, m.Help)
		var values [][2]string
		for _, f := range m.Values {
			if f.Advanced && !o.advanced {
				left++
				continue
			}
			values = append(values, [2]string{f.Name, valueText(f)})
		}
		p.pairs(4, append(values, loginRows(m)...))
	}
	p.pairs(2, [][2]string{{"It is sent to", sentTo(v)}})
	if left > 0 {
		p.text(2, "What is seldom needed is left out; --all shows it.")
	}
}

// loginRows says what to register at a vendor where a person logs in.
func loginRows(m authView) [][2]string {
	if m.Kind != string(credentials.AuthorizationCode) {
		return nil
	}
	rows := [][2]string{{"(redirect)", "to register at the vendor: " + cmp.Or(m.Redirect, "http://127.0.0.1/callback")}}
	if len(m.Scopes) > 0 {
		rows = append(rows, [2]string{"(scopes)", "to grant: " + strings.Join(m.Scopes, " ")})
	}
	return rows
}

// sentTo says where a credential goes.
func sentTo(v specView) string {
	var named []string
	for _, d := range v.Settings {
		if d.Type == string(connector.Host) || d.Type == string(connector.URL) {
			named = append(named, d.Name)
		}
	}
	hosts := strings.Join(v.Hosts, ", ")
	switch {
	case len(named) > 0 && hosts != "":
		return fmt.Sprintf("the host of %s alone, which is one of %s", strings.Join(named, " and "), hosts)
	case len(named) > 0:
		return fmt.Sprintf("the host of %s alone", strings.Join(named, " and "))
	}
	return cmp.Or(hosts, "no host")
}

// valueText says what one value of a credential is.
func valueText(f valueView) string {
	var marks []string
	mark := func(is bool, text string) {
		if is {
			marks = append(marks, text)
		}
	}
	mark(f.Required && !f.Obtained, "required")
	mark(!f.Required, "optional")
	mark(f.Secret, "secret")
	mark(f.Obtained, "brought by the log-in, which `vendorsync credentials add` leads through")
	mark(f.Default != "", "default "+f.Default)
	mark(len(f.Choices) > 0, "one of "+strings.Join(f.Choices, ", "))
	return strings.Join(marks, ", ") + ". " + f.Help
}

func (p *page) settings(v specView) {
	if len(v.Settings) == 0 {
		return
	}
	p.heading("SETTINGS")
	rows := make([][2]string, len(v.Settings))
	for i, d := range v.Settings {
		rows[i] = [2]string{d.Name, settingText(d)}
	}
	p.pairs(2, rows)
}

// settingText says what one setting is.
func settingText(d settingView) string {
	marks := []string{d.Type}
	mark := func(is bool, text string) {
		if is {
			marks = append(marks, text)
		}
	}
	mark(d.Required, "required")
	mark(!d.Required && d.Default == "", "optional")
	mark(d.Secret, "secret")
	mark(d.Multi, "may be given several times")
	text := fmt.Sprintf("%s (%s). %s.", d.Label, strings.Join(marks, ", "), strings.TrimSuffix(d.Help, "."))
	if len(d.Choices) > 0 {
		text += " One of: " + strings.Join(d.Choices, " ") + "."
	}
	if d.Default != "" {
		text += " Default: " + d.Default
	}
	return text
}

func (p *page) limits(v specView) {
	if len(v.Limits) == 0 {
		return
	}
	p.heading("LIMITS OF THE VENDOR, which runs keep to")
	rows := make([][2]string, len(v.Limits))
	for i, l := range v.Limits {
		text := fmt.Sprintf("%d requests in %s", l.Requests, span(l.Seconds))
		if l.Burst != l.Requests {
			text += fmt.Sprintf(", %d at once", l.Burst)
		}
		rows[i] = [2]string{l.Name, text + "; " + l.Source}
	}
	p.pairs(2, rows)
}

// span is a time in words: "a minute", "10s".
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch d {
	case time.Second:
		return "a second"
	case time.Minute:
		return "a minute"
	case time.Hour:
		return "an hour"
	case 24 * time.Hour:
		return "a day"
	default:
		return d.String()
	}
}

// where says when a permission is needed that is not always.
func where(setting string) string {
	if setting == "" {
		return ""
	}
	return " (only if the setting " + setting + " is true)"
}

// stream says what a stream brings, what it needs and what it can.
func (p *page) stream(st streamView, v specView) {
	p.heading("STREAM %s → %s", st.Name, cmp.Or(st.Object, "an object of your choice"))
	p.text(2, st.Summary)
	rows := make([][2]string, 0, len(st.Permissions)+6)
	for _, need := range st.Permissions {
		rows = append(rows, [2]string{"permission", need.Name + ": " + need.Why + where(need.Setting)})
	}
	can := func(what string, is bool, yes, no string) {
		answer := "no: " + no
		if is {
			answer = "yes: " + yes
		}
		rows = append(rows, [2]string{what, answer})
	}
	can("complete", st.Complete, "what a full read does not name is gone, and can be flagged or archived", "that a record is not named says nothing")
	can("incremental", st.Incremental, "a run can ask for only what has changed", "each run reads all")
	can("partitioned", st.Partitioned, "its parts can be read side by side", "it is read page after page")
	can("resumable", st.StableResume, "an interrupted read goes on where it stopped, and misses nothing", "a read that was interrupted may miss a record, and does not act on what is gone")
	rows = append(rows, [2]string{"vendor id", st.Key})
	if len(st.SyncKeys) > 0 {
		rows = append(rows, [2]string{"sync keys", strings.Join(st.SyncKeys, ", ")})
	}
	if len(st.Mapping) == 0 && v.Discovers {
		rows = append(rows, [2]string{"mapping", "made of the fields that the source itself shows, once the settings are given"})
	}
	p.pairs(2, rows)
	p.mapping(st)
}

// mapping says what fills which field by default.
func (p *page) mapping(st streamView) {
	if len(st.Mapping) == 0 {
		return
	}
	p.line("  default mapping")
	rows := make([][2]string, len(st.Mapping))
	for i, m := range st.Mapping {
		to := m.To
		if m.Object != st.Object {
			to = m.Object + "." + m.To
		}
		rows[i] = [2]string{to, mappedText(m)}
	}
	p.pairs(4, rows)
}

// mappedText says where the value of a target field comes from.
func mappedText(m mappedView) string {
	var text string
	switch template := strings.Contains(m.From, "{{"); {
	case m.From == "" && m.Value != "":
		text = "= " + m.Value
	case m.From == "":
	case m.List != "" && template:
		text = "← " + m.From + " of each of " + m.List
	case m.List != "":
		text = "← " + m.List + "[]." + m.From
	default:
		text = "← " + m.From
	}
	rules := rulesText(targetView{Values: m.Values, Otherwise: m.Otherwise, Unlisted: m.Unlisted, Default: m.Default, Format: m.Format})
	if rules != "" {
		text += " (" + rules + ")"
	}
	return strings.TrimSpace(text)
}

// fieldTable lists the fields of a stream's records.
func fieldTable(st streamView) *table {
	t := newTable("FIELD OF "+strings.ToUpper(st.Name), "TYPE", "SENSITIVE", "FILLS", "EXAMPLE", "LABEL")
	for _, f := range st.Fields {
		t.add(f.Path, f.Type, yes(f.Sensitive), strings.Join(f.Fills, ", "), f.Example, f.Label)
	}
	return t
}

// next says what to do, command by command, for the first of the streams.
func (p *page) next(v specView) {
	p.heading("NEXT")
	st := v.Streams[0]
	add, id, others := "vendorsync add "+v.ID, v.ID, ""
	if len(v.Streams) > 1 {
		add += " --stream " + st.Name
		id += "-" + st.Name
		others = "  # or " + strings.Join(views(v.Streams[1:], func(other streamView) string { return other.Name }), ", ")
	}
	for _, d := range v.Settings {
		if d.Required {
			add += " --set " + d.Name + "=..."
		}
	}
	if st.Object == "" {
		add += " --set object=..."
	}
	p.line("  %s --set integration_user=...%s", add, others)
	if len(v.Auth) > 0 && v.Auth[0].Kind != string(credentials.None) {
		p.line("  vendorsync credentials add %s --for %s --kind %s", v.ID, id, v.Auth[0].ID)
	}
	p.line("  vendorsync check %s", id)
	p.line("  vendorsync test %s", id)
}

// pageWidth is how wide a page is where it may be wider.
const pageWidth = 100

// A page is text for people, in paragraphs that are broken to its width. What
// goes wrong in writing shows when w is flushed.
type page struct {
	w     *bufio.Writer
	width int
}

func (p *page) line(format string, args ...any) {
	fmt.Fprintln(p.w, printable(fmt.Sprintf(format, args...)))
}

func (p *page) heading(format string, args ...any) {
	p.line("")
	p.line(format, args...)
}

func (p *page) text(indent int, text string) {
	for _, line := range wrapped(text, p.width-indent) {
		p.line("%*s%s", indent, "", line)
	}
}

// pairs writes labels, and a paragraph beside each. A row without a paragraph is
// left out, and a label that the row above has already is not repeated.
func (p *page) pairs(indent int, rows [][2]string) {
	widest := 0
	for _, row := range rows {
		widest = max(widest, utf8.RuneCountInString(row[0]))
	}
	column, above := indent+min(widest, maxLabel)+gap, ""
	for _, row := range rows {
		lines := wrapped(row[1], p.width-column)
		if len(lines) == 0 {
			continue
		}
		label := row[0]
		if label == above {
			label = ""
		}
		above = row[0]
		if utf8.RuneCountInString(label) > maxLabel {
			p.line("%*s%s", indent, "", label)
			label = ""
		}
		for _, line := range lines {
			p.line("%*s%-*s%s", indent, "", column-indent, label, line)
			label = ""
		}
	}
}

// maxLabel is how wide a label may be to have its paragraph beside it.
const maxLabel = 30

// minText is how narrow a paragraph may get.
const minText = 24

// wrapped breaks a text into lines of a width. A word that is longer has a line
// of its own.
func wrapped(text string, width int) []string {
	width = max(width, minText)
	var lines []string
	room := 0
	for word := range strings.FieldsSeq(text) {
		size := utf8.RuneCountInString(word)
		if len(lines) == 0 || size+1 > room {
			lines, room = append(lines, word), width-size
			continue
		}
		lines[len(lines)-1] += " " + word
		room -= size + 1
	}
	return lines
}
