package syncer

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/spill"
	"github.com/vendorsync/vendorsync/mapping"
)

// A companionGroup is one companion that goes with each record: its account in
// one application. It is found by its own key, wherever it went before.
type companionGroup struct {
	target     int // of the mapper
	fields     []string
	owner      int // the field that links to the record
	other      int // the other link of the key
	status     int // the field that says that an account is deactivated
	deactivate bool
}

// deactivated is the status of an account that its vendor no longer has.
var deactivated = mapping.TextValue("deactivated")

func (r *session) bindCompanions() error {
	r.companions = nil
	for i := range r.targets {
		t := &r.targets[i]
		if t.Role != mapping.Companion {
			continue
		}
		g := companionGroup{target: i, fields: t.object.Key, owner: -1, other: -1, status: t.object.Field("status")}
		for f := range t.object.Fields {
			switch field := &t.object.Fields[f]; {
			case field.Companion && field.Object == r.object.Name:
				g.owner = f
			case field.Link && slices.Contains(g.fields, field.Name):
				g.other = f
			}
		}
		if g.owner < 0 || len(g.fields) == 0 || t.index[g.owner] < 0 {
			return connector.Errorf(connector.ErrInvalid, "bind the mapping", "%s do not go with %s", t.Object, r.object.Name)
		}
		if n := len(r.companions); n < len(r.in.Mapping.Companions) {
			g.deactivate = r.in.Mapping.Companions[n].Deactivate
		}
		r.companions = append(r.companions, g)
	}
	return nil
}

func (g *companionGroup) topic(r *session) topic {
	return topic{object: r.targets[g.target].Object, by: ByKey, fields: strings.Join(g.fields, ",")}
}

// mine is the topic of the companions that go with a record now.
func (g *companionGroup) mine(r *session) topic {
	t := &r.targets[g.target]
	return topic{object: t.Object, by: ByParent, fields: t.object.Fields[g.owner].Name}
}

// row returns the item's companion, -1 for none.
func (g *companionGroup) row(it *item) int {
	return slices.IndexFunc(it.out.Rows, func(row mapping.Row) bool { return row.Target == g.target })
}

// keyText returns the key of a companion's row: view is what the view knows it
// by, store what the store does, empty while a part of it is not in the store.
func (g *companionGroup) keyText(r *session, it *item, row mapping.Row) (view, store string) {
	t := &r.targets[g.target]
	viewParts, storeParts := make([]string, len(g.fields)), make([]string, len(g.fields))
	stored := true
	for i, name := range g.fields {
		at := t.object.Field(name)
		v := row.Values[t.index[at]]
		if v.Kind == mapping.KindRow {
			viewParts[i], storeParts[i] = r.sharedText(it, v)
			stored = stored && storeParts[i] != ""
			continue
		}
		viewParts[i] = keyPart(&t.object.Fields[at], v)
		storeParts[i] = viewParts[i]
	}
	view = strings.Join(viewParts, KeySeparator)
	if stored {
		store = strings.Join(storeParts, KeySeparator)
	}
	return view, store
}

// wantCompanions puts the questions that deciding about the item's companions
// takes.
func (r *session) wantCompanions(q *questions, it *item, hit *Hit) {
	for i := range r.companions {
		g := &r.companions[i]
		if hit != nil {
			q.look(g.mine(r), hit.ID)
		}
		if n := g.row(it); n >= 0 {
			if _, text := g.keyText(r, it, it.out.Rows[n]); text != "" {
				if hits, _ := q.look(g.topic(r), text); len(hits) > 0 && !hits[0].Values[g.owner].IsEmpty() {
					q.look(topic{object: r.object.Name, by: ByID}, hits[0].Values[g.owner].Text)
				}
			}
		}
	}
}

// companionTaken fails a record whose companion another record of this run has.
func (r *session) companionTaken(ctx context.Context, q *questions, it *item, hit *Hit) (verdict, error) {
	for i := range r.companions {
		g := &r.companions[i]
		n := g.row(it)
		if n < 0 {
			continue
		}
		view, text := g.keyText(r, it, it.out.Rows[n])
		holder, ok := r.view.get(g.viewKey(r, view))
		if !ok && text != "" {
			var err error
			if holder, err = g.holder(ctx, r, q, text, hit); err != nil {
				return verdict{}, err
			}
		}
		if holder != "" && holder != it.out.VendorID {
			identity := r.targets[g.target].object.Identity()
			return failed(identity, ReasonConflict.because("its account is that of the record %s too; map another field to %s", holder, identity)), nil
		}
	}
	return verdict{}, nil
}

// holder returns the vendor id whose record has the companion of a key in the
// store, if this run has read it.
func (g *companionGroup) holder(ctx context.Context, r *session, q *questions, text string, hit *Hit) (string, error) {
	hits, err := q.must(ctx, g.topic(r), text)
	if err != nil || len(hits) == 0 || g.asReleased(r, text, &hits[0]).Link == nil {
		return "", err
	}
	owner := hits[0].Values[g.owner].Text
	if owner == "" || hit != nil && owner == hit.ID {
		return "", nil
	}
	owners, err := q.must(ctx, topic{object: r.object.Name, by: ByID}, owner)
	if err != nil || len(owners) == 0 {
		return "", err
	}
	name, err := r.nameOf(&owners[0])
	if strings.HasPrefix(name, "\x00") { // it was not read, and may lose it
		return "", err
	}
	return name, err
}

// kept reports whether a record of this run has the companion, though the store
// may not know it yet.
func (g *companionGroup) kept(r *session, hit *Hit) bool {
	_, kept := r.view.get(viewKey(viewKept, r.targets[g.target].Object, hit.ID))
	return kept
}

// release tells the view that a record of this run has let go of a companion.
func (g *companionGroup) release(r *session, old *Hit, deactivated bool) {
	o := r.targets[g.target].object
	key := KeyOf(o, g.fields, func(at int) mapping.Value { return old.Values[at] })
	r.view.set(viewKey(viewLetGo, o.Name, key), strconv.FormatBool(deactivated))
}

// asReleased returns a companion as it is once the batch in which a record let go
// of it is written.
func (g *companionGroup) asReleased(r *session, key string, hit *Hit) *Hit {
	deactivation, released := r.view.get(viewKey(viewLetGo, r.targets[g.target].Object, key))
	if !released {
		return hit
	}
	free := *hit
	free.Link, free.Revision = nil, -1
	if deactivation == strconv.FormatBool(true) {
		free.Values = slices.Clone(hit.Values)
		free.Values[g.status] = deactivated
	}
	return &free
}

func (g *companionGroup) viewKey(r *session, text string) spill.Key {
	return viewKey(viewCompanion, r.targets[g.target].Object, text)
}

// remember tells the view whose the item's companion is.
func (g *companionGroup) remember(r *session, it *item, vendorID string) {
	if n := g.row(it); n >= 0 {
		view, _ := g.keyText(r, it, it.out.Rows[n])
		r.view.set(g.viewKey(r, view), vendorID)
	}
}

// writeCompanions adds what becomes of the record's companions to its unit: each
// is made or brought up to date, and one that the record no longer has is let go,
// and deactivated if the mapping says so.
func (r *session) writeCompanions(ctx context.Context, q *questions, it *item, hit *Hit, self Ref, parents map[int]*sharedParent, u *unitBuilder, v *verdict) error {
	for i := range r.companions {
		g := &r.companions[i]
		n := g.row(it)
		var existing *Hit
		if n >= 0 {
			if _, text := g.keyText(r, it, it.out.Rows[n]); text != "" {
				hits, err := q.must(ctx, g.topic(r), text)
				if err != nil {
					return err
				}
				if len(hits) > 0 {
					existing = g.asReleased(r, text, &hits[0])
				}
			}
			if existing != nil {
				r.view.set(viewKey(viewKept, r.targets[g.target].Object, existing.ID), "")
				r.pointed(r.targets[g.target].object, g.owner, existing.ID)
			}
			if err := r.writePart(ctx, q, part{&r.targets[g.target], g.owner, it.out.Rows[n], existing}, self, parents, u, v); err != nil {
				return err
			}
		}
		if hit == nil {
			continue
		}
		mine, err := q.must(ctx, g.mine(r), hit.ID)
		if err != nil {
			return err
		}
		for m := range mine {
			old := &mine[m]
			if old.Link == nil || existing != nil && old.ID == existing.ID || g.kept(r, old) {
				continue
			}
			c, ok := g.deactivation(r, old)
			ok = ok && g.deactivate
			g.release(r, old, ok)
			if ok {
				var shown []Difference
				if r.observe != nil {
					shown = r.differences(c.Object, r.targets[g.target].object, c, nil)
				}
				u.addPart(c, nil, v, shown)
			}
			u.unit.Links = append(u.unit.Links, LinkChange{Object: r.targets[g.target].Object, Ref: Ref{ID: strings.Clone(old.ID)}, Remove: true})
		}
	}
	return nil
}

// deactivation returns the change that deactivates an account, unless it is.
func (g *companionGroup) deactivation(r *session, hit *Hit) (Change, bool) {
	return deactivation(r.targets[g.target].object, g.status, hit)
}

func deactivation(o *mapping.Object, status int, hit *Hit) (Change, bool) {
	if status < 0 || hit.Archived || same(hit.Values[status], deactivated) {
		return Change{}, false
	}
	c := Change{Object: o.Name, Op: Update, Ref: Ref{ID: strings.Clone(hit.ID)}, Revision: hit.Revision}
	c.addField(status, false, cloneValue(hit.Values[status]), deactivated)
	return c, true
}
