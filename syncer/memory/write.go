package memory

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// A write is one change to one record, by a run or from outside.
type write struct {
	o      *mapping.Object
	t      *table
	c      *syncer.Change
	after  []mapping.Value // the change's new values as they are stored
	origin syncer.Event    // when, by whom, in which run
}

// create makes a record and returns its id, or for an Ensure that of the record
// that has its key.
func (s *Store) create(tx *tx, w write) (id string, existed bool, err error) {
	next := &record{revision: 1, values: make([]mapping.Value, len(w.o.Fields)), created: w.origin.At, updated: w.origin.At}
	w.fill(next)
	if w.c.Op == syncer.Ensure {
		if id, ok := w.t.find(w.o, next); ok {
			return w.t.final(id), true, nil
		}
	}
	s.lastID++
	id = strconv.FormatInt(s.lastID, 10)
	return id, false, s.save(tx, w, id, nil, next)
}

// find returns the record that has the object's key: its composite one, or where
// there is none, a unique field.
func (t *table) find(o *mapping.Object, r *record) (id string, ok bool) {
	for _, k := range keysOf(o, r) {
		if len(o.Key) > 0 && k.Field != strings.Join(o.Key, ",") {
			continue
		}
		if id, ok := t.keys[k]; ok {
			return id, true
		}
	}
	return "", false
}

// update writes to a record that is there. It returns syncer.ErrConflict if the
// record is not, or not what the change expects.
func (s *Store) update(tx *tx, w write, id string) error {
	old, ok := w.t.records[id]
	if !ok || w.c.Revision >= 0 && w.c.Revision != old.revision {
		return syncer.ErrConflict
	}
	next := old.next(w.o, w.origin.At)
	w.fill(next)
	switch w.c.Op {
	case syncer.Archive:
		next.archived = w.origin.At
	case syncer.Restore:
		next.archived = time.Time{}
	case syncer.Create, syncer.Ensure, syncer.Update, syncer.Delete, syncer.Merged, syncer.Split:
	}
	return s.save(tx, w, id, old, next)
}

// next returns a copy of a record with the next revision, to be written to.
func (r *record) next(o *mapping.Object, at time.Time) *record {
	next := *r
	next.revision, next.values, next.updated = r.revision+1, r.padded(o), at
	return &next
}

// fill puts the new values into a record; absent ones are left out. A key that is
// written is the record's own, even if it had given it up.
func (w write) fill(r *record) {
	for i, col := range w.c.Columns {
		if w.after[i].Kind == mapping.KindAbsent {
			continue
		}
		r.values[col] = w.after[i]
		r.gaveUp = slices.DeleteFunc(slices.Clone(r.gaveUp), func(k syncer.Key) bool {
			return slices.Contains(strings.Split(k.Field, ","), w.o.Fields[col].Name)
		})
	}
}

// save puts a record into its table, with its history, and marks the links to it
// as stale.
func (s *Store) save(tx *tx, w write, id string, old, next *record) error {
	if err := w.t.replace(tx, w.o, id, next); err != nil {
		return err
	}
	s.spoil(tx, w.o, id, w.origin.Integration, old, next)
	s.log(tx, w, id, next.revision, func(i int) mapping.Value {
		if old == nil {
			return mapping.Value{}
		}
		return old.value(w.c.Columns[i])
	})
	return nil
}

// spoil marks the links that integrations other than the writing one have to a
// record, and to those that its versions belong to, as stale.
func (s *Store) spoil(tx *tx, o *mapping.Object, id, by string, versions ...*record) {
	stale := map[recordRef]bool{{o.Name, id}: true}
	for _, r := range versions {
		if r == nil {
			continue
		}
		for _, p := range parentsOf(o, r) {
			if f := &o.Fields[p.field]; f.Belongs() {
				stale[recordRef{f.Object, p.id}] = true
			}
		}
	}
	for ref := range stale {
		t, ok := s.tables[ref.object]
		if !ok {
			continue
		}
		for integration, l := range t.links {
			if integration != by {
				l.spoil(tx, ref.id)
			}
		}
	}
}

// log adds a write to the history of its record. before returns the value that
// the i-th column had.
func (s *Store) log(tx *tx, w write, id string, revision int64, before func(i int) mapping.Value) {
	e := w.origin
	e.Object, e.ID, e.Revision, e.Op = w.o.Name, id, revision, w.c.Op
	if e.Op == syncer.Ensure {
		e.Op = syncer.Create
	}
	for i, col := range w.c.Columns {
		f := syncer.FieldChange{Field: w.o.Fields[col].Name, Before: before(i), After: w.after[i]}
		if f.After.Kind == mapping.KindAbsent || f.Before.IsEmpty() && f.After.IsEmpty() {
			continue
		}
		if w.c.Hidden != nil && w.c.Hidden[i] {
			f.Hidden, f.Before, f.After = true, mask(f.Before), mask(f.After)
		}
		e.Changes = append(e.Changes, f)
	}
	s.record(tx, e)
}

// record adds an event to the history of its record.
func (s *Store) record(tx *tx, e syncer.Event) {
	ref := recordRef{e.Object, e.ID}
	set(tx, s.history, ref, append(slices.Clip(s.history[ref]), e))
	if e.Run == "" {
		return
	}
	if s.runs[e.Run] == nil {
		s.runs[e.Run] = map[recordRef]int64{}
	}
	s.lastEvent++
	set(tx, s.runs[e.Run], ref, s.lastEvent)
}

// mask hides a value, but not that there is one.
func mask(v mapping.Value) mapping.Value {
	if v.IsEmpty() {
		return v
	}
	return mapping.TextValue(credentials.Mask)
}
