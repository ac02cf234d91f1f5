package mapping

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/internal/template"
)

// recordRules say which records count, and what may be done with them.
type recordRules struct {
	filter, createIf, updateIf *rule
	unseen                     int // the column of the date that counts, -1 for none
	unseenDays                 int
	seenAfter                  time.Time // what was seen before is left out
}

// A rule is a template whose truth decides.
type rule struct {
	name, text string
	expression *expression
}

// unseenFields are the dates by which a record is told to be stale, where a
// mapping names none.
var unseenFields = []string{"last_seen_at", "last_login_at", "last_activity_at"}

// recordRules compiles filter and rules.
func (c *compiler) recordRules(p *Program, m Mapping, primary *filling) {
	p.rules.filter = c.rule("filter", m.Filter, primary)
	p.rules.createIf = c.rule("create_if", m.CreateIf, primary)
	p.rules.updateIf = c.rule("update_if", m.UpdateIf, primary)
	p.rules.unseen = -1
	switch {
	case m.Unseen.Days < 0:
		c.fault("unseen", "%d days is no time", m.Unseen.Days)
		return
	case m.Unseen.Days == 0:
		if m.Unseen.Field != "" {
			c.fault("unseen", "the number of days is missing")
		}
		return
	}
	candidates := unseenFields
	if m.Unseen.Field != "" {
		candidates = []string{m.Unseen.Field}
	}
	for _, name := range candidates {
		if primary.find(name) == nil {
			continue
		}
		if f := primary.find(name).coercion.field; !f.isDate() {
			c.fault("unseen", "%q holds no date", name)
			return
		}
		p.rules.unseenDays, p.rules.seenAfter = m.Unseen.Days, c.started.AddDate(0, 0, -m.Unseen.Days)
		c.unseenField = name // its column has no number before all are there
		return
	}
	if m.Unseen.Field != "" && primary.object.Field(m.Unseen.Field) < 0 {
		c.fault("unseen", "%v", primary.object.unknownField(m.Unseen.Field))
		return
	}
	c.fault("unseen", "none of %s is mapped, so that nobody can tell when the vendor has seen a record", strings.Join(candidates, ", "))
}

// rule compiles one rule.
func (c *compiler) rule(place, text string, primary *filling) *rule {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	e, _ := c.expression(place, text, primary)
	return &rule{name: place, text: text, expression: e}
}

// bindUnseen finds the column by which a record is told to be stale.
func (p *Program) bindUnseen(field string) {
	if field != "" {
		p.rules.unseen = slices.IndexFunc(p.targets[0].Columns, func(c Column) bool { return c.Field == field })
	}
}

// passes asks the filter, then the rules. It reports false for a record that is
// left out or that a rule cannot be asked about.
func (r *run) passes() bool {
	kept, reason := r.ask(r.rules.filter)
	if reason != "" {
		return false
	}
	if !kept {
		r.out.Filtered = fmt.Sprintf("%q is not true", r.rules.filter.text)
		return false
	}
	if kept, reason = r.ask(r.rules.createIf); reason != "" {
		return false
	} else if !kept {
		r.out.NoCreate = fmt.Sprintf("it would be created, and create_if %q is not true", r.rules.createIf.text)
	}
	if kept, reason = r.ask(r.rules.updateIf); reason != "" {
		return false
	} else if !kept {
		r.out.NoUpdate = fmt.Sprintf("it is there, and update_if %q is not true", r.rules.updateIf.text)
	}
	return true
}

// ask evaluates a rule; none at all is true. A rule that fails is a fault of the
// record.
func (r *run) ask(rule *rule) (truth bool, reason string) {
	if rule == nil {
		return true, ""
	}
	v, reason := r.evaluate(rule.expression, nil)
	if reason != "" {
		r.report(Fault{Field: rule.name, Reason: reason})
		return false, reason
	}
	return isTrue(v), ""
}

// isTrue is whether a rule's result is true: the text false is not, nor is
// nothing at all.
func isTrue(v template.Value) bool {
	if s, ok := v.AsString(); ok {
		s = strings.TrimSpace(s)
		return s != "" && !strings.EqualFold(s, "false")
	}
	return v.Truthy()
}

// unseen leaves out a record that the vendor has not seen for long.
func (r *run) unseen() {
	if r.rules.unseen < 0 || len(r.out.Rows) == 0 {
		return
	}
	v := r.out.Rows[0].Values[r.rules.unseen]
	if v.Kind != KindText {
		return
	}
	field := r.targets[0].Columns[r.rules.unseen].Field
	at, err := time.Parse(time.RFC3339Nano, v.Text)
	if err != nil {
		if at, err = time.Parse(time.DateOnly, v.Text); err != nil {
			return
		}
	}
	if at.Before(r.rules.seenAfter) {
		r.out.Filtered = fmt.Sprintf("%s is %s, more than %d days ago", field, v.Text, r.rules.unseenDays)
	}
}
