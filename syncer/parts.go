package syncer

import (
	"context"
	"strings"

	"github.com/vendorsync/vendorsync/mapping"
)

// A part is a row of a child or a companion: a record that goes with the one that
// the unit is about.
type part struct {
	target *target
	owner  int // the link field that holds the unit's own record
	row    mapping.Row
	held   *Hit // the record as it is; nil for a new one
}

// writePart makes a part, or brings one up to date.
func (r *session) writePart(ctx context.Context, q *questions, p part, self Ref, parents map[int]*sharedParent, u *unitBuilder, v *verdict) error {
	t, held := p.target, p.held
	n := len(u.unit.Changes)
	ref := Ref{Change: u.b.changes + n}
	c := Change{Object: t.Object, Op: Create}
	if held != nil {
		ref = Ref{ID: strings.Clone(held.ID)}
		c.Op, c.Ref, c.Revision = Update, ref, held.Revision
		if held.Archived {
			c.Op = Restore
		}
	}
	var refs []reference
	var points []pointing
	for i, val := range p.row.Values {
		col := &t.columns[i]
		var cur mapping.Value
		if held != nil {
			cur = held.Values[col.at]
		}
		switch {
		case col.at == p.owner:
			if held == nil || self.ID == "" || cur.Text != self.ID {
				c.add(col, cur, self.value())
			}
		case val.Kind == mapping.KindRow:
			if held == nil { // else it was found by it
				refs = append(refs, reference{change: n, column: len(c.Columns), parent: parents[int(val.Int)]})
				c.add(col, cur, mapping.Value{})
			}
		default:
			after, written := col.after(val, cur, held != nil)
			if written {
				c.add(col, cur, after)
			}
			var err error
			if points, err = r.addPoint(ctx, q, points, t, i, after, held); err != nil {
				return err
			}
		}
	}
	refs = u.pointAt(r, n, &c, points, held, refs)
	if held == nil || c.Op == Restore || len(c.Columns) > 0 {
		var shown []Difference
		if r.observe != nil {
			shown = r.differencesBut(p.owner, t.object, c, refs)
		}
		u.addPart(c, refs, v, shown)
	}
	if held == nil || held.Link == nil {
		u.unit.Links = append(u.unit.Links, LinkChange{Object: t.Object, Ref: ref})
	}
	return nil
}

// addPart adds the change of a record that goes with the unit's own, and what a
// person sees of it.
func (u *unitBuilder) addPart(c Change, refs []reference, v *verdict, shown []Difference) {
	u.unit.Changes = append(u.unit.Changes, c)
	u.refs = append(u.refs, refs...)
	e := u.note.effects[c.Object]
	switch c.Op {
	case Create:
		e.Created++
	case Restore:
		e.Restored++
	case Archive:
		e.Archived++
	default:
		e.Updated++
	}
	u.note.effects[c.Object] = e
	v.changes = append(v.changes, shown...)
}

// differencesBut shows the change of a record that goes with another; to which
// one, in the field but, is plain.
func (r *session) differencesBut(but int, o *mapping.Object, c Change, refs []reference) []Difference {
	var out []Difference
	for i, d := range r.differences(o.Name, o, c, refs) {
		if c.Columns[i] != but {
			out = append(out, d)
		}
	}
	return out
}
