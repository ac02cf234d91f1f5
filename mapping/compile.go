package mapping

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
	"github.com/vendorsync/vendorsync/internal/template"
)

// A CompileError holds every fault of a mapping.
type CompileError struct {
	Problems []Problem // in the order of the mapping; at least one
}

// A Problem is one fault of a mapping.
type Problem struct {
	Place   string // as in a configuration file: "fields[3].from", "sync_keys[0]", "children[0].fields[1].to"
	Message string // what is wrong there
}

// Error returns all faults, one a line.
func (e *CompileError) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.Place + ": " + p.Message)
	}
	return b.String()
}

// Options are what a mapping is compiled with, beside the schema. The zero value
// works for a mapping that names nothing of it.
type Options struct {
	// Fields are those that the stream declares; they tell which values are
	// sensitive.
	Fields []connector.Field
	// Settings are the integration's, for FieldMapping.Setting and for templates:
	// {{ setting.domain }}.
	Settings connector.Settings
	// Facts are what templates may say of the run and the integration:
	// {{ run.started_at }}, {{ integration.name }}.
	Facts Facts
}

// Facts are what templates may say of the run and the integration.
type Facts struct {
	RunID         string
	Started       time.Time // of the run
	IntegrationID string
	Integration   string // its name
	Connector     string
	Stream        string
	User          string // the integration user
}

// Compile makes a [Program] of a mapping against a schema. It reports all faults
// of a mapping together, in a *[CompileError]. What it does not ask for is what
// a draft may lack: sync keys, and the required fields that [Program.Unmapped]
// names.
func Compile(m Mapping, s *Schema, o Options) (*Program, error) {
	if o.Facts.Started.IsZero() {
		o.Facts.Started = time.Now()
	}
	c := compiler{schema: s, root: newNode(), settings: o.Settings, started: o.Facts.Started, facts: factsOf(o)}
	c.declare(o.Fields)
	p := c.program(m)
	if len(c.problems) > 0 {
		return nil, &CompileError{Problems: c.problems}
	}
	return p, nil
}

// A compiler gathers what becomes a Program, and the faults.
type compiler struct {
	schema    *Schema
	root      *node
	settings  connector.Settings
	started   time.Time
	facts     map[string]template.Value // by variable
	sensitive [][]string                // the keys on the way to each
	problems  []Problem
	lists     int // how many child lists there are so far
	// unseenField is the field by which a record is told to be stale.
	unseenField string
}

func (c *compiler) fault(place, format string, args ...any) {
	c.problems = append(c.problems, Problem{Place: place, Message: fmt.Sprintf(format, args...)})
}

// declare notes the sensitive fields.
func (c *compiler) declare(fields []connector.Field) {
	for _, f := range fields {
		if !f.Sensitive {
			continue
		}
		place := fmt.Sprintf("the stream's field %q", f.Path)
		p, err := path.ParsePattern(f.Path)
		switch {
		case err != nil:
			c.fault(place, "%v", err)
		case p[0].IsIndex:
			c.fault(place, notFromTheTop)
		default:
			c.sensitive = append(c.sensitive, keysOf(p))
		}
	}
}

const notFromTheTop = "a record is an object, so that its path begins with a key"

// keysOf returns a path without its indexes. What is sensitive in one item of a
// list is sensitive in all of them.
func keysOf(p path.Path) []string {
	var keys []string
	for _, step := range p {
		if !step.IsIndex {
			keys = append(keys, step.Key)
		}
	}
	return keys
}

// isSensitive reports whether the value at a path is, holds or lies in a
// sensitive one.
func (c *compiler) isSensitive(p path.Path) bool {
	keys := keysOf(p)
	return slices.ContainsFunc(c.sensitive, func(s []string) bool {
		n := min(len(s), len(keys))
		return slices.Equal(s[:n], keys[:n])
	})
}

// program compiles a whole mapping.
func (c *compiler) program(m Mapping) *Program {
	p := &Program{root: c.root, mask: maskTree(c.sensitive)}
	p.key.path = m.Key
	if m.Key == "" {
		c.fault("key", "the path of the vendor id is missing")
	} else if at, ok := c.path("key", bare(m.Key)); ok {
		p.key.node = c.root.want(at)
	}
	object, ok := c.schema.Object(m.Object)
	if !ok {
		c.fault("object", "%v", c.schema.unknownObject(m.Object))
		c.paths(m)
		return nil
	}
	primary := &filling{object: object, role: Primary, tree: c.root}
	for i, fm := range m.Fields {
		c.field(fmt.Sprintf("fields[%d]", i), fm, primary)
	}
	c.syncKeys(m.SyncKeys, primary)
	c.recordRules(p, m, primary)
	p.unmapped = primary.unmapped()
	p.add(primary)
	c.links(p)
	for i, cm := range m.Companions {
		c.companion(p, object, fmt.Sprintf("companions[%d]", i), cm, m)
	}
	for i, cm := range m.Children {
		c.child(p, object, fmt.Sprintf("children[%d]", i), cm, m.Children[:i])
	}
	if len(c.problems) > 0 {
		return nil
	}
	p.seal(c.lists)
	p.bindUnseen(c.unseenField)
	p.version = p.fingerprint(m, c.sensitive)
	return p
}

// paths checks the paths of a mapping of which nothing else can be checked.
func (c *compiler) paths(m Mapping) {
	for i, fm := range m.Fields {
		place := fmt.Sprintf("fields[%d].from", i)
		switch {
		case IsTemplate(fm.From):
			if _, err := parseTemplate(fm.From); err != nil {
				c.fault(place, "%v", err)
			}
		case fm.From != "":
			c.path(place, bare(fm.From))
		}
	}
	for i, cm := range m.Children {
		c.path(fmt.Sprintf("children[%d].from", i), bare(cm.From))
	}
}

// path reads a path from the top of a record.
func (c *compiler) path(place, text string) (path.Path, bool) {
	p, ok := c.pathInside(place, text)
	if ok && p[0].IsIndex {
		c.fault(place, notFromTheTop)
		return nil, false
	}
	return p, ok
}

func (c *compiler) pathInside(place, text string) (path.Path, bool) {
	p, err := path.Parse(text)
	if err != nil {
		c.fault(place, "%v", err)
		return nil, false
	}
	return p, true
}

// A filling is one target while it is compiled.
type filling struct {
	object  *Object
	role    Role
	tree    *node     // where the paths of its fields begin
	prefix  path.Path // where that is in the record: a child list, nil for the record itself
	columns []column
}

// find returns the column of a field, or nil.
func (t *filling) find(field string) *column {
	for i := range t.columns {
		if t.columns[i].Field == field {
			return &t.columns[i]
		}
	}
	return nil
}

// unmapped names the required fields that nothing fills.
func (t *filling) unmapped() []string {
	var names []string
	for i := range t.object.Fields {
		if f := &t.object.Fields[i]; f.Required && t.find(f.Name) == nil {
			names = append(names, f.Name)
		}
	}
	return names
}

// field compiles one field mapping into the first of the targets that has the
// field.
func (c *compiler) field(place string, fm FieldMapping, targets ...*filling) {
	target, f := targets[0], (*Field)(nil)
	for _, t := range targets {
		if i := t.object.Field(fm.To); i >= 0 {
			target, f = t, &t.object.Fields[i]
			break
		}
	}
	if f == nil {
		c.fault(place+".to", "%v", unknownAmong(fm.To, targets))
		return
	}
	if first := target.find(fm.To); first != nil {
		c.fault(place+".to", "%q is mapped already, in %s", fm.To, first.place)
		return
	}
	col := column{Column: Column{Field: f.Name, Write: fm.Write}, coercion: newCoercion(f, fm.Format), place: place, required: f.Required}
	c.source(place, fm, target, &col)
	c.rules(place, fm, &col)
	if f.Link {
		c.link(place, f, target.role, &col)
	}
	if (target.role == Shared || target.role == Child) && fm.Default != "" && slices.Contains(target.object.Key, f.Name) {
		c.fault(place+".default", "%q tells one of the %s from another and has no default; use a constant (value)", f.Name, target.object.Name)
	}
	target.columns = append(target.columns, col)
}

// unknownAmong says that none of the targets has a field.
func unknownAmong(name string, targets []*filling) error {
	for _, t := range targets[1:] {
		if err := t.object.unknownField(name); strings.Contains(err.Error(), "did you mean") {
			return err
		}
	}
	return targets[0].object.unknownField(name)
}

// source compiles where a column's values come from.
func (c *compiler) source(place string, fm FieldMapping, target *filling, col *column) {
	switch {
	case fm.From != "" && fm.Value != "":
		c.fault(place, "%q has both a path (from) and a constant (value); keep one", fm.To)
	case fm.Setting != "" && (fm.From != "" || fm.Value != ""):
		c.fault(place, "%q has a setting and another source; keep one", fm.To)
	case fm.Setting != "":
		c.settingValue(place+".setting", fm, col)
	case IsTemplate(fm.From):
		col.template = fm.From
		col.expression, col.Sensitive = c.expression(place+".from", fm.From, target)
	case fm.From != "":
		read, from := c.path, bare(fm.From)
		if target.tree != c.root {
			read, from = c.pathInside, fm.From
		}
		if p, ok := read(place+".from", from); ok {
			col.from = p
			col.node = target.tree.want(p)
			col.Sensitive = c.isSensitive(slices.Concat(target.prefix, p))
		}
	case fm.Value != "":
		v, err := col.field.Parse(fm.Value)
		if err != nil {
			c.fault(place+".value", "%v", err)
		} else if v.IsEmpty() {
			c.fault(place+".value", "%q counts as no value at all", fm.Value)
		}
		col.constant, col.Constant = v, true
	case fm.Default == "":
		c.fault(place, "%q has neither a path (from) nor a constant (value)", fm.To)
	}
	c.lookup(place, fm, col)
}

// settingValue compiles the value of a setting into a constant.
func (c *compiler) settingValue(place string, fm FieldMapping, col *column) {
	values, ok := c.settings[fm.Setting]
	switch {
	case c.settings == nil: // nothing is known of them yet
	case !ok:
		c.fault(place, "%v", c.knownFact(template.Ref{Name: varSetting, Path: path.Path{{Key: fm.Setting}}}))
	case len(values) > 1 && col.field.Type != List:
		c.fault(place, "the setting %q has several values, and %q takes one", fm.Setting, fm.To)
	default:
		v, err := settingAs(col.coercion.field, values)
		if err != nil {
			c.fault(place, "the setting %q: %v", fm.Setting, err)
		}
		col.constant, col.Constant = v, !v.IsEmpty()
	}
}

// settingAs reads the values of a setting as those of a field.
func settingAs(f *Field, values []string) (Value, error) {
	if len(values) == 1 {
		return f.Parse(values[0])
	}
	raw, err := json.Marshal(values)
	if err != nil {
		return Value{}, err
	}
	return f.FromJSON(raw, "")
}

// rules compiles how a column is written and read.
func (c *compiler) rules(place string, fm FieldMapping, col *column) {
	switch fm.Write {
	case "":
		col.Write = Always
	case Always, IfEmpty, OnCreate, NeverClear:
	default:
		c.fault(place+".write", "there is no write rule %q; there are %s", fm.Write, joined([]WriteRule{Always, IfEmpty, OnCreate, NeverClear}))
	}
	if !fm.Format.known() {
		c.fault(place+".format", "there is no date format %q; there are %s", fm.Format, joined(Formats()))
	} else if fm.Format != "" && !col.field.isDate() {
		c.fault(place+".format", "%q holds no date, so that it has no date format", fm.To)
	}
	if col.format == "" && col.field.isDate() {
		col.format = ISO8601
	}
	if fm.Default != "" {
		v, err := col.field.Parse(fm.Default)
		if err != nil {
			c.fault(place+".default", "%v", err)
		} else if v.IsEmpty() {
			c.fault(place+".default", "%q counts as no value at all", fm.Default)
		}
		col.Default = v
	}
}

// joined lists names for a message.
func joined[T ~string](names []T) string {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(n))
	}
	return b.String()
}

// link compiles a reference that is filled with another row, which the mapped
// text names: the SaaS application of an account.
func (c *compiler) link(place string, f *Field, role Role, col *column) {
	if f.For != "" {
		c.fault(place+".to", "%q is filled in by itself; map %q", f.Name, f.For)
		return
	}
	if role != Primary {
		c.fault(place+".to", "%q is filled in by itself", f.Name)
		return
	}
	object, ok := c.schema.Object(f.Object)
	if !ok {
		c.fault(place+".to", "%v", c.schema.unknownObject(f.Object))
		return
	}
	if col.linked = object.nameField(); col.linked == nil {
		c.fault(place+".to", "%q cannot be mapped: no single field names one of the %s", f.Name, f.Object)
		return
	}
	col.linkedObject = object.Name
	if col.Default.Kind != KindAbsent {
		c.fault(place+".default", "%q points to another record and has no default; use a constant (value)", f.Name)
	}
	col.coercion = newCoercion(col.linked, "") // the text is read as what it names
}

// nameField returns the one field that is required and unique, by whose text a
// record of the object is named, or nil.
func (o *Object) nameField() *Field {
	var found *Field
	for i := range o.Fields {
		if f := &o.Fields[i]; f.Unique && f.Required {
			if found != nil {
				return nil
			}
			found = f
		}
	}
	return found
}

// links adds a target for each object that the primary one's links name.
func (c *compiler) links(p *Program) {
	for i := range p.fills[0].columns {
		col := &p.fills[0].columns[i]
		if col.linked == nil {
			continue
		}
		col.target = len(p.targets)
		shared := Column{Field: col.linked.Name, Write: Always, Sensitive: col.Sensitive}
		p.targets = append(p.targets, Target{Object: col.linkedObject, Role: Shared, Columns: []Column{shared}})
		p.fills = append(p.fills, fill{})
	}
}

// syncKeys checks the sync keys and marks the columns that only match.
func (c *compiler) syncKeys(keys []SyncKey, primary *filling) {
	seen := map[string]bool{}
	for i, k := range keys {
		place := fmt.Sprintf("sync_keys[%d]", i)
		at := primary.object.Field(k.Field)
		if at < 0 {
			c.fault(place, "%v", primary.object.unknownField(k.Field))
			continue
		}
		if seen[k.Field] {
			c.fault(place, "%q is there already", k.Field)
			continue
		}
		seen[k.Field] = true
		f := &primary.object.Fields[at]
		if !f.Unique && (f.Link || !slices.Contains(primary.object.Key, f.Name)) {
			c.fault(place, "%q is not unique, so that no record can be found by it; %s", k.Field, primary.object.uniqueFields())
			continue
		}
		col := primary.find(k.Field)
		if col == nil {
			c.fault(place, "%q is not mapped, so that no record can be found by it", k.Field)
			continue
		}
		col.MatchOnly = i > 0 && !k.Update
	}
}

// uniqueFields says by which fields records can be found.
func (o *Object) uniqueFields() string {
	var names []string
	for i := range o.Fields {
		if f := &o.Fields[i]; f.Unique || !f.Link && slices.Contains(o.Key, f.Name) {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		return fmt.Sprintf("%s have no unique field", o.Name)
	}
	return "the unique ones are " + strings.Join(names, ", ")
}

// child compiles a list inside the record.
func (c *compiler) child(p *Program, primary *Object, place string, cm ChildMapping, before []ChildMapping) {
	shared, join, err := c.join(primary, cm.Object)
	if err != nil {
		c.fault(place+".object", "%v", err)
		return
	}
	for i, other := range before {
		if other.Object == cm.Object {
			c.fault(place+".object", "%s are filled in children[%d] already", cm.Object, i)
			return
		}
	}
	at, ok := c.path(place+".from", bare(cm.From))
	item := newNode().want(nil) // the item itself, too
	titles := &filling{object: shared, role: Shared, tree: item, prefix: at}
	installs := &filling{object: join.object, role: Child, tree: item, prefix: at}
	for i, fm := range cm.Fields {
		c.field(fmt.Sprintf("%s.fields[%d]", place, i), fm, titles, installs)
	}
	for _, name := range titles.unmapped() {
		c.fault(place+".fields", "%s need a %q, and it is not mapped", shared.Name, name)
	}
	installs.columns = append(installs.columns, join.columns()...)
	for _, name := range installs.unmapped() {
		c.fault(place+".fields", "%s need a %q, and it is not mapped", join.object.Name, name)
	}
	if !ok || len(c.problems) > 0 {
		return
	}
	l := &listNode{index: c.lists, item: item}
	c.lists++
	end := c.root.walk(at)
	end.lists = append(end.lists, l)
	child := childProgram{list: l, from: at, sensitive: c.isSensitive(at), titles: p.add(titles), installs: p.add(installs)}
	child.titleKey = p.fills[child.titles].positions(shared.Key)
	child.installKey = p.fills[child.installs].positions(join.rest())
	p.children = append(p.children, child)
}

// A join is the object that ties a primary object to a shared one: the installs
// between an asset and its software.
type join struct {
	object        *Object
	owner, shared *Field // its links to the two
}

// columns returns the two columns that the program fills by itself.
func (j *join) columns() []column {
	return []column{
		{Column: Column{Field: j.owner.Name, Write: Always}, automatic: true},
		{Column: Column{Field: j.shared.Name, Write: Always}, automatic: true},
	}
}

// rest returns the fields of the join's key other than its links.
func (j *join) rest() []string {
	return slices.DeleteFunc(slices.Clone(j.object.Key), func(k string) bool {
		return k == j.owner.Name || k == j.shared.Name
	})
}

// join finds the object that ties the primary object to the one that a child
// mapping names.
func (c *compiler) join(primary *Object, name string) (*Object, *join, error) {
	shared, ok := c.schema.Object(name)
	if !ok {
		return nil, nil, c.schema.unknownObject(name)
	}
	var possible []string
	for i := range c.schema.Objects {
		o := &c.schema.Objects[i]
		j := join{object: o}
		for k := range o.Fields {
			switch f := &o.Fields[k]; {
			case !f.Link || f.For != "":
			case f.Object == primary.Name && j.owner == nil:
				j.owner = f
			case j.shared == nil:
				j.shared = f
			}
		}
		if j.owner == nil || j.shared == nil {
			continue
		}
		if j.shared.Object == name {
			return shared, &j, nil
		}
		possible = append(possible, j.shared.Object)
	}
	if len(possible) == 0 {
		return nil, nil, fmt.Errorf("%s have no child objects", primary.Name)
	}
	return nil, nil, fmt.Errorf("%s are no child object of %s; %s", name, primary.Name, onlyOnes(possible))
}

func onlyOnes(names []string) string {
	if len(names) == 1 {
		return "only " + names[0] + " are"
	}
	return strings.Join(names, ", ") + " are"
}

// add appends a target with its columns in the order of the object's fields, the
// automatic ones first, and returns its index.
func (p *Program) add(t *filling) int {
	slices.SortStableFunc(t.columns, func(a, b column) int {
		if a.automatic || b.automatic {
			return cmp.Compare(btoi(b.automatic), btoi(a.automatic))
		}
		return cmp.Compare(t.object.Field(a.Field), t.object.Field(b.Field))
	})
	columns := make([]Column, len(t.columns))
	for i := range t.columns {
		columns[i] = t.columns[i].Column
	}
	p.targets = append(p.targets, Target{Object: t.object.Name, Role: t.role, Columns: columns})
	p.fills = append(p.fills, fill{columns: t.columns})
	return len(p.targets) - 1
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
