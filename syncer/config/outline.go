package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// An Outline is an entry that is yet to be written: what Entry spells out for a
// person to go on with.
type Outline struct {
	ID       string
	Name     string // empty for none
	Spec     connector.Spec
	Stream   connector.Stream
	Settings connector.Settings
	// Credential is the name of one; empty for none yet.
	Credential string
	Object     string // empty for the stream's own
	// Fields are what the source itself says that its records hold; nil for what
	// the stream declares. They make the mapping where the stream has no default
	// one for the object.
	Fields []connector.Field
	// Schema is the target model, by which Fields are mapped.
	Schema *mapping.Schema
}

// Assign takes an assignment that names one of the connector's settings, with
// "settings." or without. It reports false for any other.
func (o *Outline) Assign(a Assignment) bool {
	name, prefixed := strings.CutPrefix(a.Key, "settings.")
	i := slices.IndexFunc(o.Spec.Settings, func(s connector.Setting) bool { return s.Name == name })
	if _, taken := entryForm().keys[a.Key]; i < 0 || taken && !prefixed {
		return false
	}
	if o.Settings == nil {
		o.Settings = connector.Settings{}
	}
	values := []string{a.Value}
	if o.Spec.Settings[i].Multi {
		values = strings.Split(a.Value, ",")
	}
	o.Settings[name] = append(o.Settings[name], values...)
	return true
}

// Entry returns the entry's lines, complete and with comments, for [Add]: every
// setting, every choice that a person may want to make, and the mapping spelled
// out field by field.
func (o Outline) Entry() []byte {
	w := &writer{}
	object := cmp.Or(o.Object, o.Stream.Object)
	w.pair(0, "id", o.ID, "")
	w.pair(0, "name", cmp.Or(o.Name, o.ID), "")
	w.pair(0, "connector", o.Spec.ID, "")
	w.pair(0, "stream", o.Stream.Name, o.Stream.Summary)
	o.settings(w)
	if o.Spec.NeedsCredential() || o.Credential != "" {
		w.pair(0, "credential", o.Credential, "the name of the credential to read with; needed to launch")
	}
	w.pair(0, "object", object, o.objects(object))
	w.pair(0, "policy", string(syncer.CreateAndUpdate), fmt.Sprintf("or %s, %s", syncer.CreateOnly, syncer.UpdateOnly))
	if o.Stream.Incremental {
		w.line(0, "# full_every: 7d  # ask the vendor only for what has changed, and for everything again after so long")
	}
	w.line(0, "# schedule: daily  # or manual, every 6h, cron 0 3 * * 1-5 zone Europe/London; for `vendorsync serve`")
	w.pair(0, "integration_user", "", "to whom every change is attributed; needed to launch")
	o.role(w, object)
	w.line(0, "launch: false  # true: active as soon as nothing is missing")
	o.mapping(w, object)
	return []byte(w.lines.String())
}

// role asks for the role of new users, where the stream does not give one.
func (o Outline) role(w *writer, object string) {
	t, ok := o.Schema.Object(object)
	if !ok || object != users {
		return
	}
	given := func(f connector.DefaultField) bool { return f.To == role && f.Value+f.Default != "" }
	if object == o.Stream.Object && slices.ContainsFunc(o.Stream.Mapping.Fields, given) {
		return
	}
	comment := "the role of a new user whose record brings none; needed to launch"
	if at := t.Field(role); at >= 0 && len(t.Fields[at].Choices) > 0 {
		comment += ": " + strings.Join(t.Fields[at].Choices, ", ")
	}
	w.pair(0, "default_role", "", comment)
}

// users is the object whose records have a role.
const users = "users"

// objects names the target objects, if none is chosen.
func (o Outline) objects(chosen string) string {
	if chosen != "" || o.Schema == nil {
		return ""
	}
	names := make([]string, len(o.Schema.Objects))
	for i := range o.Schema.Objects {
		names[i] = o.Schema.Objects[i].Name
	}
	return "the target: " + strings.Join(names, ", ") + "; needed to launch"
}

// A writer lays lines out.
type writer struct{ lines strings.Builder }

func (w *writer) line(indent int, text string) {
	w.lines.WriteString(strings.Repeat(" ", indent))
	w.lines.WriteString(text)
	w.lines.WriteByte('\n')
}

// pair writes a key with a value, empty for none, and a comment.
func (w *writer) pair(indent int, key, value, comment string) {
	text := key + ":"
	if value != "" {
		text += " " + quote(value)
	}
	w.line(indent, text+remark(comment))
}

// remark makes a comment of a text that may come from anywhere.
func remark(text string) string {
	if text == "" {
		return ""
	}
	return "  # " + strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
}

// quote writes a text as YAML in one line.
func quote(text string) string {
	n := scalarNode(text)
	s, ok := inline(n)
	if ok && strings.Contains(s, "''") {
		n.Style = yaml.DoubleQuotedStyle
		s, ok = inline(n)
	}
	if !ok {
		return fmt.Sprintf("%q", text)
	}
	return s
}

func quoteAll(texts []string) string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = quote(t)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func (o Outline) settings(w *writer) {
	if len(o.Spec.Settings) == 0 {
		return
	}
	w.line(0, "settings:")
	for _, s := range o.Spec.Settings {
		if s.Secret {
			continue
		}
		help := cmp.Or(s.Help, s.Label)
		switch values := o.Settings[s.Name]; {
		case len(values) == 1:
			w.pair(2, s.Name, values[0], help)
		case len(values) > 1:
			w.line(2, s.Name+": "+quoteAll(values)+remark(help))
		case s.Required:
			w.pair(2, s.Name, "", help+"; needed to launch")
		default:
			w.pair(2, "# "+s.Name, s.Default, help)
		}
	}
}

func (o Outline) mapping(w *writer, object string) {
	m := mapping.FromDefault(o.Stream)
	var left []connector.Field
	if object != o.Stream.Object || len(m.Fields) == 0 {
		m, left = o.guess(object)
	}
	w.line(0, "mapping:")
	w.line(2, "fields:")
	fields(w, 4, m.Fields)
	for _, f := range left {
		w.line(4, "# - {to: , from: "+quote(f.Path)+"}"+remark(cmp.Or(f.Label, f.Example)))
	}
	if len(m.Fields)+len(left) == 0 {
		w.line(4, "# - {to: serial_number, from: serial}  # one line for each target field, see `vendorsync fields`")
	}
	if len(m.SyncKeys) == 0 {
		w.line(2, "sync_keys: []  # the unique fields by which records are matched, the best first; needed to launch")
	} else {
		keys := make([]string, len(m.SyncKeys))
		for i, k := range m.SyncKeys {
			keys[i] = k.Field
		}
		w.line(2, "sync_keys: "+quoteAll(keys))
	}
	if len(m.Children) == 0 {
		return
	}
	w.line(2, "children:")
	children(w, 4, m.Children)
}

func children(w *writer, indent int, list []mapping.ChildMapping) {
	for _, c := range list {
		w.pair(indent, "- object", c.Object, "")
		w.pair(indent+2, "from", c.From, "")
		w.line(indent+2, "fields:")
		fields(w, indent+4, c.Fields)
	}
}

func fields(w *writer, indent int, fields []mapping.FieldMapping) {
	for _, f := range fields {
		if len(f.Values) > 0 {
			looked(w, indent, f)
			continue
		}
		text := "- {to: " + quote(f.To)
		switch {
		case f.From != "":
			text += ", from: " + quote(f.From)
		case f.Value != "":
			text += ", value: " + quote(f.Value)
		}
		if f.Default != "" {
			text += ", default: " + quote(f.Default)
		}
		if f.Format != "" {
			text += ", format: " + quote(string(f.Format))
		}
		w.line(indent, text+"}")
	}
}

// looked writes a field whose values are looked up in a table, a line for each.
func looked(w *writer, indent int, f mapping.FieldMapping) {
	w.pair(indent, "- to", f.To, "")
	w.pair(indent+2, "from", f.From, "")
	w.line(indent+2, "values:")
	for _, name := range slices.Sorted(maps.Keys(f.Values)) {
		w.line(indent+4, quote(name)+": "+quote(f.Values[name]))
	}
	if f.Otherwise != "" {
		w.pair(indent+2, "otherwise", f.Otherwise, "")
	}
	if f.Unlisted != "" {
		w.pair(indent+2, "unlisted", string(f.Unlisted), "")
	}
	if f.Default != "" {
		w.pair(indent+2, "default", f.Default, "")
	}
}

// guess maps the fields as smart mapping proposes, and returns the others.
func (o Outline) guess(object string) (m mapping.Mapping, left []connector.Field) {
	source := o.Fields
	if source == nil {
		source = o.Stream.Fields
	}
	p, err := mapping.Suggest(object, o.Schema, source, nil)
	if err != nil { // there is nothing to go by
		return m, source
	}
	used := map[string]bool{}
	for _, f := range p.Fields {
		used[f.From] = true
		m.Fields = append(m.Fields, mapping.FieldMapping{To: f.To, From: f.From, Format: f.Format})
	}
	for _, k := range p.SyncKeys {
		m.SyncKeys = append(m.SyncKeys, mapping.SyncKey{Field: k.Field})
	}
	for _, f := range source {
		if f.Type != connector.ObjectField && !used[f.Path] {
			left = append(left, f)
		}
	}
	return m, left
}
