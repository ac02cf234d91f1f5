package mapping

import (
	"fmt"
	"slices"
)

// A companionProgram fills the row of one companion.
type companionProgram struct {
	target      int   // of the companion
	application int   // the target of the row that its other link names; -1 if it names a record by id
	name        Value // that row's one value
	identity    int   // the column that tells one companion from another; without a value there is none
	owner       int   // the column that links to the primary row
	link        int   // the column of the other link
}

// inherited are the companion's fields that take the record's own mapping where
// they have none: the field of the companion, and those of the record, the first
// that is mapped.
var inherited = []struct {
	field string
	from  []string
}{
	{"username", []string{"username"}},
	{"email", []string{"email"}},
	{"full_name", []string{"full_name"}},
	{"user", []string{"email", "username"}},
}

// companion compiles a record that goes with the primary one.
func (c *compiler) companion(p *Program, primary *Object, place string, cm CompanionMapping, m Mapping) {
	object, ok := c.schema.Object(cm.Object)
	if !ok {
		c.fault(place+".object", "%v", c.schema.unknownObject(cm.Object))
		return
	}
	if len(m.Companions) > 1 {
		c.fault(place, "a record has one companion; make another integration for a second application")
		return
	}
	owner, other := object.companionLinks(primary.Name)
	if owner < 0 || other < 0 {
		c.fault(place+".object", "%s do not go with %s", object.Name, primary.Name)
		return
	}
	filled := &filling{object: object, role: Companion, tree: c.root}
	given := map[string]bool{}
	for i, fm := range cm.Fields {
		given[fm.To] = true
		at := fmt.Sprintf("%s.fields[%d]", place, i)
		if fm.To == object.Fields[other].Name {
			c.fault(at+".to", "%q is given once for all records, by name or id", fm.To)
			continue
		}
		c.field(at, fm, filled)
	}
	c.inherit(place, filled, given, m)
	linked, ok := c.schema.Object(object.Fields[other].Object)
	if !ok {
		c.fault(place+".object", "%v", c.schema.unknownObject(object.Fields[other].Object))
		return
	}
	cp := companionProgram{application: -1}
	link := column{Column: Column{Field: object.Fields[other].Name, Write: Always}, automatic: true}
	name := linked.nameField()
	switch {
	case cm.Application != "" && cm.ApplicationID != "":
		c.fault(place, "it has both the name of an application and an id; keep one")
	case cm.ApplicationID != "":
		link.constant = TextValue(cm.ApplicationID)
	case cm.Application == "" || name == nil:
		c.fault(place+".application", "the name of the application is missing (or its id, application_id)")
	default:
		v, err := name.Parse(cm.Application)
		if err != nil || v.IsEmpty() {
			c.fault(place+".application", "%q cannot be the %s of one of the %s", cm.Application, name.Name, linked.Name)
		}
		cp.name = v
	}
	filled.columns = append(filled.columns, link, column{Column: Column{Field: object.Fields[owner].Name, Write: Always}, automatic: true})
	if len(c.problems) > 0 {
		return
	}
	if cm.Application != "" {
		cp.application = len(p.targets)
		p.targets = append(p.targets, Target{Object: linked.Name, Role: Shared, Columns: []Column{{Field: name.Name, Write: Always}}})
		p.fills = append(p.fills, fill{})
	}
	cp.target = p.add(filled)
	columns := p.fills[cp.target].columns
	at := func(field string) int {
		return slices.IndexFunc(columns, func(c column) bool { return c.Field == field })
	}
	cp.owner, cp.link, cp.identity = at(object.Fields[owner].Name), at(object.Fields[other].Name), at(object.Identity())
	if cp.identity < 0 {
		c.fault(place+".fields", "%s need a %q, and it is not mapped", object.Name, object.Identity())
		return
	}
	columns[cp.identity].required = false // a record without one has no companion
	p.companions = append(p.companions, cp)
}

// inherit maps what the companion mapping leaves to the record's own.
func (c *compiler) inherit(place string, filled *filling, given map[string]bool, m Mapping) {
	if id := filled.object.Identity(); !given[id] && id != "" {
		c.field(place, FieldMapping{To: id, From: m.Key}, filled)
	}
	for _, in := range inherited {
		if given[in.field] || filled.object.Field(in.field) < 0 {
			continue
		}
		for _, from := range in.from {
			i := slices.IndexFunc(m.Fields, func(fm FieldMapping) bool { return fm.To == from })
			if i < 0 {
				continue
			}
			fm := m.Fields[i]
			fm.To, fm.Default, fm.Write = in.field, "", ""
			c.field(place, fm, filled)
			break
		}
	}
}

// companionLinks returns the link by which a record of the object goes with one
// of the primary object, and its other link, -1 for none.
func (o *Object) companionLinks(primary string) (owner, other int) {
	owner, other = -1, -1
	for i := range o.Fields {
		switch f := &o.Fields[i]; {
		case f.Companion && f.Object == primary:
			owner = i
		case f.Link && f.For == "":
			other = i
		}
	}
	return owner, other
}

// Identity returns the field of the object's key that is no link, such as the id
// of an account within its application; empty if there is none.
func (o *Object) Identity() string {
	for _, k := range o.Key {
		if !o.Fields[o.Field(k)].Link {
			return k
		}
	}
	return ""
}

// companion adds the row of a companion, unless the record has none.
func (r *run) companion(c *companionProgram) {
	columns := r.fills[c.target].columns
	r.row = slices.Grow(r.row[:0], len(columns))[:len(columns)]
	if !r.values(r.row, columns, r.frame, nil) || r.row[c.identity].IsEmpty() {
		return
	}
	if c.application >= 0 {
		at, values := r.out.AddRow(c.application, 1)
		values[0] = c.name
		r.row[c.link] = RowValue(at)
	}
	r.row[c.owner] = RowValue(0)
	_, values := r.out.AddRow(c.target, len(columns))
	copy(values, r.row)
}
