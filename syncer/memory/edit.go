package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// Insert makes a record from outside of a run, on behalf of the actor, and
// returns its id. Values are text as a person writes it, by field; a link field
// takes the other record's id. The error is syncer.ErrConflict if another
// record has one of its keys, and syncer.ErrNotFound if there is no such object
// or linked record.
func (s *Store) Insert(ctx context.Context, actor, object string, values map[string]string) (id string, err error) {
	err = s.edit(ctx, actor, object, syncer.Create, values, func(tx *tx, w write) error {
		id, _, err = s.create(tx, w)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("insert into %s: %w", object, err)
	}
	return id, nil
}

// Edit writes fields of a record from outside of a run, on behalf of the actor.
// Values are text as a person writes it, by field; an empty one clears the
// field. The error is syncer.ErrNotFound if there is no such record, and
// syncer.ErrConflict if another record has a key that is to be written.
func (s *Store) Edit(ctx context.Context, actor, object, id string, values map[string]string) error {
	return s.change(ctx, actor, object, id, syncer.Update, values)
}

// Archive puts a record into the archive from outside of a run, on behalf of the
// actor. The error is syncer.ErrNotFound if there is no such record.
func (s *Store) Archive(ctx context.Context, actor, object, id string) error {
	return s.change(ctx, actor, object, id, syncer.Archive, nil)
}

// Restore takes a record out of the archive from outside of a run, on behalf of
// the actor. The error is syncer.ErrNotFound if there is no such record, and
// syncer.ErrConflict if it is merged: see [Store.Split].
func (s *Store) Restore(ctx context.Context, actor, object, id string) error {
	return s.change(ctx, actor, object, id, syncer.Restore, nil)
}

func (s *Store) change(ctx context.Context, actor, object, id string, op syncer.Op, values map[string]string) error {
	err := s.edit(ctx, actor, object, op, values, func(tx *tx, w write) error {
		if _, ok := w.t.records[id]; !ok {
			return syncer.ErrNotFound
		}
		letGo(&w, id)
		if op == syncer.Restore && w.t.final(id) != id {
			return fmt.Errorf("it is a part of record %s: %w", w.t.final(id), syncer.ErrConflict)
		}
		return s.update(tx, w, id)
	})
	if err != nil {
		return fmt.Errorf("%s record %s of %s: %w", op, id, object, err)
	}
	return nil
}

// letGo clears what a reference means where an edit gives it another text.
func letGo(w *write, id string) {
	old := w.t.records[id]
	for i, at := range w.c.Columns {
		link := w.o.Resolved(at)
		if link < 0 || old.value(link).IsEmpty() || old.value(at) == w.after[i] || slices.Contains(w.c.Columns, link) {
			continue
		}
		w.c.Columns = append(w.c.Columns, link)
		w.after = append(w.after, mapping.Null)
		w.c.After = w.after
	}
}

// edit makes one write from outside of a run, or undoes it.
func (s *Store) edit(ctx context.Context, actor, object string, op syncer.Op, values map[string]string, do func(*tx, write) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, t, err := s.object(object)
	if err != nil {
		return err
	}
	c := &syncer.Change{Object: object, Op: op, Revision: -1}
	if err := s.parseInto(c, o, values); err != nil {
		return err
	}
	tx := &tx{}
	w := write{o: o, t: t, c: c, after: c.After, origin: syncer.Event{At: s.now(), Actor: actor}}
	if err := do(tx, w); err != nil {
		tx.rollback(0)
		return err
	}
	return nil
}

// parseInto reads the values of a change, in the order of the object's fields.
func (s *Store) parseInto(c *syncer.Change, o *mapping.Object, values map[string]string) error {
	var errs []error
	for name := range values {
		if o.Field(name) < 0 {
			errs = append(errs, fmt.Errorf("there is no field %q", name))
		}
	}
	for i := range o.Fields {
		f := &o.Fields[i]
		text, given := values[f.Name]
		if !given {
			continue
		}
		v, err := parse(f, text)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s %q: %w", f.Name, text, err))
		case f.Link && v.Kind == mapping.KindText && !s.has(f.Object, v.Text):
			errs = append(errs, fmt.Errorf("%s: record %s of %s: %w", f.Name, v.Text, f.Object, syncer.ErrNotFound))
		}
		c.Columns = append(c.Columns, i)
		c.After = append(c.After, v)
	}
	return errors.Join(errs...)
}

// has reports whether a record is there.
func (s *Store) has(object, id string) bool {
	t, ok := s.tables[object]
	return ok && t.records[id] != nil
}

// Delete removes a record with its links, and the records that are tied to it by
// a link field, such as the installs of an asset. Their history stays, with an
// syncer.Delete event at its end. A reference that means the record waits again.
// What is merged into the record stays in the archive, on its own. The error is
// syncer.ErrNotFound if there is no such record.
func (s *Store) Delete(ctx context.Context, actor, object, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, t, err := s.object(object)
	if err == nil && t.records[id] == nil {
		err = syncer.ErrNotFound
	}
	tx := &tx{}
	if err == nil {
		err = s.remove(tx, actor, o, t, id)
	}
	if err != nil {
		tx.rollback(0)
		return fmt.Errorf("delete record %s of %s: %w", id, object, err)
	}
	return nil
}

func (s *Store) remove(tx *tx, actor string, o *mapping.Object, t *table, id string) error {
	for _, r := range s.referrers(recordRef{o.Name, id}) {
		if err := s.letGo(tx, actor, r); err != nil {
			return err
		}
	}
	old := t.records[id]
	if err := t.replace(tx, o, id, nil); err != nil {
		return err
	}
	s.spoil(tx, o, id, "", old)
	for _, l := range t.links {
		l.remove(tx, id, "")
	}
	unset(tx, t.merged, id)
	for from, m := range t.merged {
		if m.into == id {
			unset(tx, t.merged, from)
		}
	}
	s.record(tx, syncer.Event{Object: o.Name, ID: id, Revision: old.revision + 1, At: s.now(), Op: syncer.Delete, Actor: actor})
	return nil
}

// letGo removes a record that is tied to one which is removed, or clears a
// reference that means it.
func (s *Store) letGo(tx *tx, actor string, r referrer) error {
	o, t, err := s.object(r.object)
	if err != nil {
		return err
	}
	switch _, there := t.records[r.id]; {
	case !there:
		return nil // it was tied by another field, too
	case o.Fields[r.field].For == "":
		return s.remove(tx, actor, o, t, r.id)
	}
	c := &syncer.Change{Object: r.object, Op: syncer.Update, Revision: -1, Columns: []int{r.field}}
	return s.update(tx, write{o: o, t: t, c: c, after: []mapping.Value{mapping.Null}, origin: syncer.Event{At: s.now(), Actor: actor}}, r.id)
}

// A referrer is a link field of a record.
type referrer struct {
	recordRef
	field int
}

// referrers returns the link fields that hold a record, in the order of the
// schema and then of their records' creation.
func (s *Store) referrers(to recordRef) []referrer {
	var found []referrer
	for i := range s.schema.Objects {
		o := &s.schema.Objects[i]
		t, ok := s.tables[o.Name]
		if !ok {
			continue
		}
		for field := range o.Fields {
			if f := &o.Fields[field]; !f.Link || f.Object != to.object {
				continue
			}
			for _, id := range sorted(t.children[parent{field: field, id: to.id}]) {
				found = append(found, referrer{recordRef{o.Name, id}, field})
			}
		}
	}
	return found
}
