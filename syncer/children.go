package syncer

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/mapping"
)

// writeChildren adds what becomes of the record's children to its unit. A list
// that was not read whole closes nothing; a list that was closes the children
// that this integration brought and the vendor no longer names.
func (r *session) writeChildren(ctx context.Context, q *questions, it *item, hit *Hit, self Ref, parents map[int]*sharedParent, u *unitBuilder, v *verdict) error {
	for _, g := range r.children {
		wanted, whole := g.wanted(it)
		if len(wanted) == 0 && !whole {
			continue
		}
		var existing []Hit
		if hit != nil {
			var err error
			if existing, err = q.must(ctx, g.topic(), hit.ID); err != nil {
				return err
			}
		}
		done := map[string]bool{}
		byKey := make(map[string]*Hit, len(existing))
		for i := range existing {
			byKey[g.heldKey(&existing[i])] = &existing[i]
		}
		for _, i := range wanted {
			row := it.out.Rows[i]
			key, known := r.childKey(g, row, parents)
			child := byKey[key]
			switch {
			case !known:
				child = nil
			case done[key]: // two titles of the list have become one by a merge
				continue
			default:
				done[key] = true
				delete(byKey, key)
			}
			if err := r.writePart(ctx, q, part{&r.targets[row.Target], g.parent, row, child}, self, parents, u, v); err != nil {
				return err
			}
		}
		if whole {
			for i := range existing {
				if child := byKey[g.heldKey(&existing[i])]; child == &existing[i] {
					if err := r.closeChild(ctx, q, g, child, u, v); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// wanted returns the rows of the group, and whether all its lists were read
// whole.
func (g childGroup) wanted(it *item) (rows []int, whole bool) {
	whole = true
	for _, t := range g.targets {
		whole = whole && t < len(it.out.Whole) && it.out.Whole[t]
		for i, row := range it.out.Rows {
			if row.Target == t {
				rows = append(rows, i)
			}
		}
	}
	return rows, whole
}

// heldKey returns a child's key within its parent.
func (g childGroup) heldKey(h *Hit) string {
	parts := make([]string, len(g.rest))
	for i, at := range g.rest {
		parts[i] = keyPart(&g.object.Fields[at], h.Values[at])
	}
	return strings.Join(parts, KeySeparator)
}

func keyPart(f *mapping.Field, v mapping.Value) string {
	switch {
	case v.IsEmpty():
		return ""
	case f.Link:
		return v.Text
	}
	return f.Normalize(v)
}

// childKey returns the key that a row has within its parent. It is not known
// while a record it refers to is not in the store; then no child has it.
func (r *session) childKey(g childGroup, row mapping.Row, parents map[int]*sharedParent) (key string, known bool) {
	t := &r.targets[row.Target]
	parts := make([]string, len(g.rest))
	for i, at := range g.rest {
		c := t.index[at]
		if c < 0 {
			continue
		}
		v := row.Values[c]
		if v.Kind == mapping.KindRow {
			p := parents[int(v.Int)]
			if p == nil || p.id == "" {
				return "", false
			}
			parts[i] = p.id
			continue
		}
		parts[i] = keyPart(&g.object.Fields[at], v)
	}
	return strings.Join(parts, KeySeparator), true
}

// closeChild takes this integration's claim off a child that its vendor no
// longer names, and archives it unless another integration still has it.
func (r *session) closeChild(ctx context.Context, q *questions, g childGroup, child *Hit, u *unitBuilder, v *verdict) error {
	if child.Link == nil || child.Archived {
		return nil
	}
	u.unit.Links = append(u.unit.Links, LinkChange{Object: g.object.Name, Ref: Ref{ID: child.ID}, Remove: true})
	if child.Shared {
		return nil
	}
	u.unit.Changes = append(u.unit.Changes, Change{Object: g.object.Name, Op: Archive, Ref: Ref{ID: child.ID}, Revision: child.Revision})
	e := u.note.effects[g.object.Name]
	e.Archived++
	u.note.effects[g.object.Name] = e
	if r.observe == nil {
		return nil
	}
	for _, at := range g.rest {
		f := &g.object.Fields[at]
		if child.Values[at].IsEmpty() {
			continue
		}
		before, err := r.shownHeld(ctx, q, f, child.Values[at])
		if err != nil {
			return err
		}
		if r.hidden(g, at) {
			before = masked(before)
		}
		v.changes = append(v.changes, Difference{Object: g.object.Name, Field: f.Name, Before: before, After: json.RawMessage("null")})
	}
	return nil
}

// hidden reports whether a field of the group's object is mapped from a sensitive
// value.
func (r *session) hidden(g childGroup, at int) bool {
	return slices.ContainsFunc(g.targets, func(n int) bool {
		t := &r.targets[n]
		return t.index[at] >= 0 && t.columns[t.index[at]].Sensitive
	})
}

// shownHeld returns a value that the store has as JSON; a link shows as the
// label of the record it points to.
func (r *session) shownHeld(ctx context.Context, q *questions, f *mapping.Field, v mapping.Value) (json.RawMessage, error) {
	t := slices.IndexFunc(r.targets, func(t target) bool { return t.Role == mapping.Shared && t.Object == f.Object })
	if !f.Link || t < 0 {
		return f.AppendJSON(nil, v), nil
	}
	hits, err := q.must(ctx, topic{object: f.Object, by: ByID}, v.Text)
	if err != nil || len(hits) == 0 {
		return f.AppendJSON(nil, v), err
	}
	return json.Marshal(r.targets[t].hitLabel(&hits[0]))
}

// value returns the reference as a field's value.
func (ref Ref) value() mapping.Value {
	if ref.ID != "" {
		return mapping.TextValue(ref.ID)
	}
	return mapping.RowValue(ref.Change)
}
