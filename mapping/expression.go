package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/internal/nearest"
	"github.com/vendorsync/vendorsync/internal/path"
	"github.com/vendorsync/vendorsync/internal/template"
)

// The variables of a template in a mapping. Any other name is a member of the
// record, or of the item in a child list.
const (
	varRecord      = "record"
	varResponse    = "response" // the same
	varItem        = "item"     // of a child list
	varRun         = "run"
	varIntegration = "integration"
	varSetting     = "setting"
)

// IsTemplate reports whether a text is a template, as in FieldMapping.From, and
// no path.
func IsTemplate(from string) bool {
	return strings.Contains(from, "{{") || strings.Contains(from, "{%")
}

// bare returns a path without the record. or response. that may stand before it.
func bare(from string) string {
	for _, prefix := range []string{varRecord, varResponse} {
		if rest, ok := strings.CutPrefix(from, prefix); ok {
			if rest, ok = strings.CutPrefix(rest, "."); ok && rest != "" {
				return rest
			}
			if strings.HasPrefix(rest, "['") || strings.HasPrefix(rest, `["`) {
				return rest
			}
		}
	}
	return from
}

// An expression is a template that was compiled into a program.
type expression struct {
	template *template.Template
	inputs   []input // by the template's Refs
}

// An input is one value that a template reads: a constant, or what stands at a
// place of the record or of the item.
type input struct {
	constant template.Value
	node     *node
	inItem   bool // the node is of the item's tree, not of the record's
}

// expression compiles a template, whose places are below tree; a target inside a
// list has a tree of its own. It reports the fields of the record that are read.
func (c *compiler) expression(place, text string, target *filling) (*expression, bool) {
	t, err := parseTemplate(text)
	if err != nil {
		c.fault(place, "%v", err)
		return nil, false
	}
	e := &expression{template: t}
	sensitive := false
	for _, ref := range t.Refs() {
		in, secret, err := c.input(ref, target)
		if err != nil {
			c.fault(place, "%v", err)
			return nil, false
		}
		sensitive = sensitive || secret
		e.inputs = append(e.inputs, in)
	}
	return e, sensitive
}

// parseTemplate reads a template, or a bare expression, as filters are often
// written.
func parseTemplate(text string) (*template.Template, error) {
	if IsTemplate(text) {
		return template.Parse(strings.TrimSpace(text), template.Options{})
	}
	return template.ParseExpression(text, template.Options{})
}

// input finds what a template's variable means.
func (c *compiler) input(ref template.Ref, target *filling) (in input, sensitive bool, err error) {
	inside := target.tree != c.root
	switch at := ref.Path; ref.Name {
	case varRun:
		in.constant = c.facts[varRun].At(at)
		return in, false, c.knownFact(ref)
	case varIntegration:
		in.constant = c.facts[varIntegration].At(at)
		return in, false, c.knownFact(ref)
	case varSetting:
		in.constant = c.facts[varSetting].At(at)
		return in, false, c.knownFact(ref)
	case varRecord, varResponse:
		in.node = c.root.want(at)
		return in, c.isSensitive(at), nil
	default:
		if ref.Name != varItem || !inside {
			at = slices.Concat(path.Path{{Key: ref.Name}}, at)
		}
		in.node, in.inItem = target.tree.want(at), inside
		return in, c.isSensitive(slices.Concat(target.prefix, at)), nil
	}
}

// knownFact reports a fact that there is not.
func (c *compiler) knownFact(ref template.Ref) error {
	if len(ref.Path) == 0 || ref.Name == varSetting && c.settings == nil {
		return nil
	}
	var names []string
	for p := range c.facts[ref.Name].Pairs() {
		name, _ := p.Key.AsString()
		if name == ref.Path[0].Key {
			return nil
		}
		names = append(names, name)
	}
	if near := nearest.Name(ref.Path[0].Key, names); near != "" {
		return fmt.Errorf("there is no %s.%s; did you mean %q?", ref.Name, ref.Path[0].Key, near)
	}
	return fmt.Errorf("there is no %s.%s; there are %s", ref.Name, ref.Path[0].Key, cmp.Or(strings.Join(names, ", "), "none"))
}

// factsOf returns the values of the variables that are no part of a record.
func factsOf(o Options) map[string]template.Value {
	pair := func(key string, v template.Value) template.Pair {
		return template.Pair{Key: template.String(key), Value: v}
	}
	text := func(key, s string) template.Pair { return pair(key, template.String(s)) }
	started := template.Undefined()
	if !o.Facts.Started.IsZero() {
		started = template.Time(o.Facts.Started)
	}
	var settings []template.Pair
	for _, name := range slices.Sorted(maps.Keys(o.Settings)) {
		values := o.Settings[name]
		if len(values) == 1 {
			settings = append(settings, text(name, values[0]))
			continue
		}
		items := make([]template.Value, len(values))
		for i, v := range values {
			items[i] = template.String(v)
		}
		settings = append(settings, pair(name, template.List(items...)))
	}
	return map[string]template.Value{
		varRun: template.Dict(text("id", o.Facts.RunID), pair("started_at", started)),
		varIntegration: template.Dict(
			text("id", o.Facts.IntegrationID), text("name", o.Facts.Integration), text("connector", o.Facts.Connector),
			text("stream", o.Facts.Stream), text("user", o.Facts.User),
		),
		varSetting: template.Dict(settings...),
	}
}

// evaluate returns what an expression makes of the record, or of the item. The
// reason says why it makes nothing.
func (r *run) evaluate(e *expression, frame []token) (v template.Value, reason string) {
	inputs := slices.Grow(r.inputs[:0], len(e.inputs))[:len(e.inputs)]
	r.inputs = inputs
	read, there := 0, 0 // values of the record
	for i := range e.inputs {
		in := &e.inputs[i]
		if in.node == nil {
			inputs[i] = in.constant
			continue
		}
		from := r.frame
		if in.inItem {
			from = frame
		}
		inputs[i], reason = r.input(from[in.node.slot])
		if read++; !inputs[i].IsUndefined() {
			there++
		}
		if reason != "" {
			return template.Undefined(), reason
		}
	}
	v, err := e.template.Eval(inputs, &r.template)
	if err != nil {
		return template.Undefined(), templateFault(err)
	}
	if s, ok := v.AsString(); ok && read > 0 && there == 0 && isBlank(s) {
		return template.Undefined(), "" // text made of nothing that the record has
	}
	return v, ""
}

// templateFault says what went wrong in a template, and where.
func templateFault(err error) string {
	var e *template.Error
	if errors.As(err, &e) {
		return "cannot be made: " + e.Error()
	}
	return "cannot be made: " + err.Error()
}

// input returns the value of a token for a template.
func (r *run) input(t token) (template.Value, string) {
	raw := r.scan.src[t.start:t.end]
	switch t.kind {
	case nullToken:
		return template.Null(), ""
	case stringToken:
		text, reason := stringOf(r.scan.src, t, &r.arena)
		return template.String(text), reason
	case numberToken:
		return template.Number(view(raw)), ""
	case trueToken, falseToken:
		return template.Bool(t.kind == trueToken), ""
	case objectToken, arrayToken:
		v, err := template.Decode(raw)
		if err != nil {
			return v, "cannot be read: " + err.Error()
		}
		return v, ""
	case absentToken:
	}
	return template.Undefined(), ""
}

// made turns what a template made into a value of a column's field; shown is
// what a fault quotes of it.
func (c *column) made(v template.Value, a *arena) (value Value, shown, reason string) {
	switch v.Kind() { //nolint:exhaustive // all else is text.
	case template.KindUndefined:
		return Value{}, "", ""
	case template.KindNull:
		return Null, "", ""
	case template.KindTime:
		at, _ := v.AsTime()
		iso := c.coercion
		iso.format = ISO8601
		text := at.Format(time.RFC3339Nano)
		if v.IsDay() {
			text = at.Format(time.DateOnly)
		}
		value, reason = iso.text(c.field.Type, text, a)
		return value, text, reason
	case template.KindList, template.KindTuple, template.KindDict, template.KindSet:
		return c.madeJSON(v, a)
	}
	text := madeText(v)
	if c.lookup != nil {
		if value, reason, listed := c.lookup.find(text); listed {
			return value, text, reason
		}
	}
	switch v.Kind() { //nolint:exhaustive // all else is text.
	case template.KindBool, template.KindInt, template.KindFloat:
		return c.madeJSON(v, a)
	}
	if reason = checkText(text); reason == "" {
		value, reason = c.coercion.text(c.field.Type, text, a)
	}
	return value, text, reason
}

// madeJSON reads what a template made as if it stood in the record.
func (c *column) madeJSON(v template.Value, a *arena) (value Value, shown, reason string) {
	raw, err := template.AppendJSON(nil, v)
	if err != nil {
		return Value{}, "", "cannot be made: " + err.Error()
	}
	var t token
	s := scanner{src: raw}
	if s.skip(0, 0, &t) < 0 {
		return Value{}, string(raw), "is nothing that JSON can say"
	}
	value, reason = c.coercion.value(raw, t, a)
	return value, string(raw), reason
}

// madeText is a single value as a person reads it.
func madeText(v template.Value) string {
	switch v.Kind() { //nolint:exhaustive // all else prints itself.
	case template.KindString:
		s, _ := v.AsString()
		return s
	case template.KindBool:
		if b, _ := v.AsBool(); b {
			return "true"
		}
		return "false"
	case template.KindInt, template.KindFloat:
		return v.Digits()
	}
	return v.String()
}

// A lookup is a table of values, by the form in which its texts are compared.
type lookup struct {
	values    map[string]Value
	names     []string // as they were given
	otherwise Value    // for what is not listed; Absent for none
	unlisted  Unlisted
}

// lookupForm is the form in which the texts of a table are compared.
func lookupForm(s string) string { return strings.ToLower(trim(s)) }

// lookup compiles a table of values.
func (c *compiler) lookup(place string, fm FieldMapping, col *column) {
	if len(fm.Values) == 0 {
		if fm.Otherwise != "" || fm.Unlisted != "" {
			c.fault(place, "%q says what becomes of an unlisted value, and lists none (values)", fm.To)
		}
		return
	}
	if fm.From == "" {
		c.fault(place+".values", "%q has no path or template (from) whose values could be looked up", fm.To)
		return
	}
	l := &lookup{values: map[string]Value{}, unlisted: cmp.Or(fm.Unlisted, KeepUnlisted), names: slices.Sorted(maps.Keys(fm.Values))}
	read := func(place, text string) Value {
		v, err := col.coercion.field.Parse(text)
		if err != nil {
			c.fault(place, "%v", err)
		}
		return v
	}
	for _, name := range l.names {
		form := lookupForm(name)
		if _, twice := l.values[form]; twice {
			c.fault(place+".values", "%q is listed twice, in another case", name)
		}
		v := Null
		if fm.Values[name] != "" {
			v = read(fmt.Sprintf("%s.values[%q]", place, name), fm.Values[name])
		}
		l.values[form] = v
	}
	if fm.Otherwise != "" {
		l.otherwise = read(place+".otherwise", fm.Otherwise)
	}
	switch {
	case !slices.Contains([]Unlisted{KeepUnlisted, FaultUnlisted, ClearUnlisted}, l.unlisted):
		c.fault(place+".unlisted", "there is no rule %q for an unlisted value; there are %s", fm.Unlisted, joined([]Unlisted{KeepUnlisted, FaultUnlisted, ClearUnlisted}))
	case fm.Otherwise != "" && fm.Unlisted != "":
		c.fault(place, "%q says twice what becomes of an unlisted value: otherwise and unlisted; keep one", fm.To)
	}
	col.lookup = l
}

// find looks a text up. It reports false where the table leaves it as it is.
func (l *lookup) find(text string) (v Value, reason string, listed bool) {
	if v, ok := l.values[lookupForm(text)]; ok {
		return v, "", true
	}
	switch {
	case l.otherwise.Kind != KindAbsent:
		return l.otherwise, "", true
	case l.unlisted == ClearUnlisted:
		return Null, "", true
	case l.unlisted == FaultUnlisted:
		if near := nearest.Name(text, l.names); near != "" {
			return Value{}, fmt.Sprintf("is not in the table of values; is %q meant? Add it to the values or say what becomes of unlisted ones (otherwise)", near), true
		}
		return Value{}, "is not in the table of values; add it or say what becomes of unlisted ones (otherwise)", true
	}
	return Value{}, "", false
}
