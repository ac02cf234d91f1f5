package memory

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// A merge is one that stands, with what it did, so that it can be undone.
type merge struct {
	into      string
	actor     string
	at        time.Time
	archived  time.Time // of the record that became a part, before it did
	taken     []taken
	links     []movedLink
	referrers []referrer // what was pointed elsewhere
	children  []referrer // what was archived, since the other record has its like
}

// taken is a value that the one record took from the other.
type taken struct {
	field         int
	before, value mapping.Value
}

// These stand in history where a merge or split changed no field.
const (
	mergedInto = "merged_into" // of the record that became a part
	mergedFrom = "merged"      // of the one that it became a part of
)

// A joining is one merge or split that is being made.
type joining struct {
	*Store
	tx *tx
	o  *mapping.Object
	t  *table
	m  syncer.Merge
	// done is what was done, for a split what the merge did.
	done merge
	// left is what a split left.
	left []string
}

// Merge makes one record a part of another. A reference's link is taken with its
// text alone, and no reference to one of the two records is taken. A field of the
// object's composite key is not taken if the key that comes of it is another
// record's; if it is taken, the record is found by the key it had before, too.
func (s *Store) Merge(ctx context.Context, m syncer.Merge) error {
	if err := s.join(ctx, m, (*joining).merge); err != nil {
		return fmt.Errorf("merge record %s of %s into %s: %w", m.From, m.Object, m.Into, err)
	}
	return nil
}

// Split undoes a merge, as far as nobody has changed since what it did. A record
// that was archived before it was merged is so again.
func (s *Store) Split(ctx context.Context, m syncer.Merge) (left []string, err error) {
	err = s.join(ctx, m, func(j *joining) error {
		err := j.split()
		left = j.left
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("split record %s of %s from %s: %w", m.From, m.Object, m.Into, err)
	}
	return left, nil
}

// join makes one merge or split, or undoes it.
func (s *Store) join(ctx context.Context, m syncer.Merge, do func(*joining) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, t, err := s.object(m.Object)
	if err != nil {
		return err
	}
	if m.At.IsZero() {
		m.At = s.now()
	}
	j := &joining{Store: s, tx: &tx{}, o: o, t: t, m: m}
	if err := do(j); err != nil {
		j.tx.rollback(0)
		return err
	}
	return nil
}

// Merges yields the merges of an object that stand, each for any revision, in the
// order in which the merged records were made.
func (s *Store) Merges(ctx context.Context, object string) iter.Seq2[syncer.Merge, error] {
	return func(yield func(syncer.Merge, error) bool) {
		all, err := s.allMerges(ctx, object)
		each(all, err, yield)
	}
}

func (s *Store) allMerges(ctx context.Context, object string) ([]syncer.Merge, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, t, err := s.object(object)
	if err != nil {
		return nil, fmt.Errorf("merges: %w", err)
	}
	var all []syncer.Merge
	for _, from := range sorted(t.merged) {
		m := t.merged[from]
		all = append(all, syncer.Merge{Object: object, Into: m.into, From: from, IntoRevision: -1, FromRevision: -1, Actor: m.actor, At: m.at})
	}
	return all, nil
}

// check returns the record, which must have the revision.
func (j *joining) check(id string, revision int64) (*record, error) {
	r, ok := j.t.records[id]
	if !ok {
		if _, elsewhere := j.t.known(id); elsewhere {
			return nil, &connector.Error{
				Class: connector.ErrUnsupported, Message: fmt.Sprintf("record %s is not in this store, only its links and history are", id),
				Remedy: "merge the records where they live",
			}
		}
		return nil, fmt.Errorf("record %s: %w", id, syncer.ErrNotFound)
	}
	if revision >= 0 && r.revision != revision {
		return nil, fmt.Errorf("record %s has the revision %d, not %d: %w", id, r.revision, revision, syncer.ErrConflict)
	}
	return r, nil
}

func (j *joining) merge() error {
	if j.m.Into == j.m.From {
		return invalid("it is one record", "name two records")
	}
	into, err := j.check(j.m.Into, j.m.IntoRevision)
	if err != nil {
		return err
	}
	from, err := j.check(j.m.From, j.m.FromRevision)
	if err != nil {
		return err
	}
	for _, id := range []string{j.m.Into, j.m.From} {
		if final := j.t.final(id); final != id {
			return fmt.Errorf("record %s is a part of %s already: %w", id, final, syncer.ErrConflict)
		}
	}
	j.done = merge{into: j.m.Into, actor: j.m.Actor, at: j.m.At, archived: from.archived}
	set(j.tx, j.t.merged, j.m.From, j.done) // from here on it gives its keys up to the other
	j.moveLinks()
	if err := j.moveReferrers(); err != nil {
		return err
	}
	if err := j.take(into, from); err != nil {
		return err
	}
	next := j.t.records[j.m.From].next(j.o, j.m.At) // it has given up keys
	if next.archived.IsZero() {
		next.archived = j.m.At
	}
	change := syncer.FieldChange{Field: mergedInto, After: mapping.TextValue(j.m.Into)}
	if err := j.put(j.m.From, next, syncer.Merged, change); err != nil {
		return err
	}
	set(j.tx, j.t.merged, j.m.From, j.done)
	return nil
}

// put writes one of the two records, with its history.
func (j *joining) put(id string, next *record, op syncer.Op, changes ...syncer.FieldChange) error {
	old := j.t.records[id]
	if err := j.t.replace(j.tx, j.o, id, next); err != nil {
		return err
	}
	j.spoil(j.tx, j.o, id, "", old, next)
	j.record(j.tx, syncer.Event{Object: j.o.Name, ID: id, Revision: next.revision, At: j.m.At, Op: op, Actor: j.m.Actor, Changes: changes})
	return nil
}

// moveLinks makes the live links to the one record links to the other.
func (j *joining) moveLinks() {
	for _, integration := range slices.Sorted(maps.Keys(j.t.links)) {
		if moved, ok := j.t.links[integration].move(j.tx, j.m.From, j.m.Into); ok {
			moved.integration = integration
			j.done.links = append(j.done.links, moved)
		}
	}
}

// moveReferrers points what holds the one record to the other. A child that would
// have the other's child's key is archived.
func (j *joining) moveReferrers() error {
	for _, r := range j.referrers(recordRef{j.o.Name, j.m.From}) {
		if r.object == j.o.Name && (r.id == j.m.From || r.id == j.m.Into) {
			continue // From keeps what it holds; for Into see fill
		}
		moved, err := j.point(r, j.m.Into)
		switch {
		case err != nil:
			return err
		case moved:
			j.done.referrers = append(j.done.referrers, r)
		case j.tables[r.object].records[r.id].archived.IsZero():
			j.done.children = append(j.done.children, r)
			if err := j.write(r, syncer.Archive); err != nil {
				return err
			}
		}
	}
	return nil
}

// point lets a link field hold another record, unless another child has the key
// that would come of it.
func (j *joining) point(r referrer, to string) (moved bool, err error) {
	mark := j.tx.mark()
	err = j.write(r, syncer.Update, mapping.TextValue(to))
	if errors.Is(err, syncer.ErrConflict) {
		j.tx.rollback(mark)
		return false, nil
	}
	return err == nil, err
}

// write makes one change to a record that refers to the two, with a value of the
// field by which it does so, or none.
func (j *joining) write(r referrer, op syncer.Op, after ...mapping.Value) error {
	o, t, err := j.object(r.object)
	if err != nil {
		return err
	}
	c := &syncer.Change{Object: r.object, Op: op, Revision: -1}
	if len(after) > 0 {
		c.Columns = []int{r.field}
	}
	return j.update(j.tx, write{o: o, t: t, c: c, after: after, origin: syncer.Event{At: j.m.At, Actor: j.m.Actor}}, r.id)
}

// take fills what is empty in the one record from the other.
func (j *joining) take(into, from *record) error {
	fields := j.takeable(into, from)
	for i := range j.o.Fields {
		if j.meansFrom(into, i) {
			j.done.referrers = append(j.done.referrers, referrer{recordRef{j.o.Name, j.m.Into}, i})
		}
	}
	mark := j.tx.mark()
	err := j.fill(into, from, fields)
	if errors.Is(err, syncer.ErrConflict) {
		j.tx.rollback(mark)
		fields = slices.DeleteFunc(fields, j.inKey)
		err = j.fill(into, from, fields)
	}
	for _, i := range fields {
		j.done.taken = append(j.done.taken, taken{field: i, before: into.value(i), value: from.value(i)})
	}
	if err != nil || len(j.o.Key) == 0 {
		return err
	}
	return j.keepKey(keyOf(j.o, into, j.o.Key...))
}

// keepKey gives the merged record the other's key of before, if nobody has it.
func (j *joining) keepKey(k syncer.Key) error {
	if _, taken := j.t.keys[k]; taken || k.Text == "" {
		return nil
	}
	keeper := *j.t.records[j.m.From]
	keeper.keeps = []syncer.Key{k}
	return j.t.replace(j.tx, j.o, j.m.From, &keeper)
}

// inKey reports whether a field is of the object's composite key.
func (j *joining) inKey(field int) bool { return slices.Contains(j.o.Key, j.o.Fields[field].Name) }

// takeable returns the fields that say nothing in the one record, and something
// in the other. The links beside references go with them.
func (j *joining) takeable(into, from *record) []int {
	var fields []int
	for i := range j.o.Fields {
		f := &j.o.Fields[i]
		if f.For != "" || f.Normalize(into.value(i)) != "" || f.Normalize(from.value(i)) == "" {
			continue
		}
		if link := j.o.Resolved(i); link >= 0 && f.Object == j.o.Name {
			if means := from.value(link).Text; means == j.m.Into || means == j.m.From {
				continue // nobody is their own manager by a merge
			}
		}
		if k := (syncer.Key{Field: f.Name, Text: f.Normalize(from.value(i))}); f.Unique && j.t.final(j.t.keys[k]) != j.m.Into {
			continue // the other has lost it
		}
		fields = append(fields, i)
	}
	return fields
}

// meansFrom reports whether a field of the one record holds the other.
func (j *joining) meansFrom(into *record, field int) bool {
	f := &j.o.Fields[field]
	return f.Link && f.Object == j.o.Name && into.value(field).Text == j.m.From
}

// fill writes the fields of the other record to the one.
func (j *joining) fill(into, from *record, fields []int) error {
	next := into.next(j.o, j.m.At)
	for i := range j.o.Fields {
		if j.meansFrom(into, i) {
			next.values[i] = mapping.TextValue(j.m.Into)
		}
	}
	for _, i := range fields {
		next.values[i] = from.value(i)
		if link := j.o.Resolved(i); link >= 0 {
			next.values[link] = from.value(link)
		}
	}
	changes := j.changes(into, next)
	if len(changes) == 0 {
		changes = []syncer.FieldChange{{Field: mergedFrom, After: mapping.TextValue(j.m.From)}}
	}
	return j.put(j.m.Into, next, syncer.Update, changes...)
}

// changes returns in what two versions of a record differ. What history hid stays
// hidden.
func (j *joining) changes(old, next *record) []syncer.FieldChange {
	var changes []syncer.FieldChange
	for i := range j.o.Fields {
		f := &j.o.Fields[i]
		c := syncer.FieldChange{Field: f.Name, Before: old.value(i), After: next.value(i)}
		if c.Before == c.After || c.Before.IsEmpty() && c.After.IsEmpty() {
			continue
		}
		if j.hides(recordRef{j.o.Name, j.m.From}, f) || j.hides(recordRef{j.o.Name, j.m.Into}, f) {
			c.Hidden, c.Before, c.After = true, mask(c.Before), mask(c.After)
		}
		changes = append(changes, c)
	}
	return changes
}

func (j *joining) split() error {
	done, merged := j.t.merged[j.m.From]
	if !merged || done.into != j.m.Into {
		return syncer.ErrNotFound
	}
	into, err := j.check(j.m.Into, j.m.IntoRevision)
	if err != nil {
		return err
	}
	if _, err := j.check(j.m.From, j.m.FromRevision); err != nil {
		return err
	}
	j.done = done
	holder := j.t.final(j.m.Into) // of what the merge moved: the other may be a part of a third by now
	if err := j.giveBack(into); err != nil {
		return err
	}
	unset(j.tx, j.t.merged, j.m.From) // until here it gave its keys up to the other
	next := j.t.records[j.m.From].next(j.o, j.m.At)
	next.archived = done.archived
	j.regainKeys(next)
	change := syncer.FieldChange{Field: mergedInto, Before: mapping.TextValue(j.m.Into)}
	if err := j.put(j.m.From, next, syncer.Split, change); err != nil {
		return err
	}
	for _, l := range done.links {
		if !j.t.links[l.integration].moveBack(j.tx, l, j.m.From, holder) {
			j.leave("the link of %q to %q, which is not with record %s any more", l.integration, l.link.vendorID, holder)
		}
	}
	if err := j.moveReferrersBack(holder); err != nil {
		return err
	}
	j.spoil(j.tx, j.o, j.m.From, "")
	j.spoil(j.tx, j.o, holder, "")
	return nil
}

// leave notes what a split does not undo.
func (j *joining) leave(format string, args ...any) {
	j.left = append(j.left, "left as it is: "+fmt.Sprintf(format, args...))
}

// giveBack gives back the values that the one record took from the other.
func (j *joining) giveBack(into *record) error {
	var still []taken
	for _, t := range j.done.taken {
		switch now := into.value(t.field); {
		case now == t.value:
			still = append(still, t)
		case !now.IsEmpty():
			j.leave("%s of record %s, which was changed since", j.o.Fields[t.field].Name, j.m.Into)
		}
	}
	mark := j.tx.mark()
	err := j.untake(into, still)
	if !errors.Is(err, syncer.ErrConflict) {
		return err
	}
	j.tx.rollback(mark)
	inKey := func(t taken) bool { return j.inKey(t.field) }
	for _, t := range still {
		if inKey(t) {
			j.leave("%s of record %s, without which another record would be its like", j.o.Fields[t.field].Name, j.m.Into)
		}
	}
	return j.untake(into, slices.DeleteFunc(still, inKey))
}

// untake writes what was in fields of the one record before, and clears the links
// beside them.
func (j *joining) untake(into *record, fields []taken) error {
	next := into.next(j.o, j.m.At)
	for _, t := range fields {
		next.values[t.field] = t.before
		if link := j.o.Resolved(t.field); link >= 0 {
			next.values[link] = mapping.Null
		}
	}
	changes := j.changes(into, next)
	if len(changes) == 0 {
		changes = []syncer.FieldChange{{Field: mergedFrom, Before: mapping.TextValue(j.m.From)}}
	}
	return j.put(j.m.Into, next, syncer.Update, changes...)
}

// regainKeys gives a record its keys back, but for those that others have.
func (j *joining) regainKeys(r *record) {
	r.gaveUp, r.keeps = nil, nil
	for _, k := range keysOf(j.o, r) {
		if holder, taken := j.t.keys[k]; taken && j.t.final(holder) != j.m.From {
			r.gaveUp = append(r.gaveUp, k)
			j.leave("the key %s of record %s, which record %s has now", k.Field, j.m.From, holder)
		}
	}
}

// moveReferrersBack points what the merge has pointed elsewhere to the record
// again, and takes its children out of the archive.
func (j *joining) moveReferrersBack(holder string) error {
	for _, r := range j.done.referrers {
		now, ok := j.tables[r.object].records[r.id]
		if !ok {
			continue
		}
		moved := false
		if now.value(r.field).Text == holder {
			var err error
			if moved, err = j.point(r, j.m.From); err != nil {
				return err
			}
		}
		if !moved {
			o, _ := j.schema.Object(r.object)
			j.leave("%s of record %s of %s, which was changed since", o.Fields[r.field].Name, r.id, r.object)
		}
	}
	for _, r := range j.done.children {
		t := j.tables[r.object]
		now, ok := t.records[r.id]
		if !ok || now.archived.IsZero() || now.value(r.field).Text != j.m.From || t.final(r.id) != r.id {
			continue
		}
		if err := j.write(r, syncer.Restore); err != nil {
			return err
		}
	}
	return nil
}
