package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// Apply writes one batch, or nothing of it. Seal must not call the store.
func (s *Store) Apply(ctx context.Context, b *syncer.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &apply{Store: s, tx: &tx{}, b: b}
	done := false
	defer func() { // on a panic of Seal, too
		if !done {
			a.tx.rollback(0)
		}
	}()
	if err := a.run(ctx); err != nil {
		return fmt.Errorf("apply batch %d of %q: %w", b.Seq, b.Integration, err)
	}
	done = true
	return nil
}

// An apply is one batch being applied.
type apply struct {
	*Store
	tx *tx
	b  *syncer.Batch
	// ids are the records of the changes so far, counted over all units; empty for
	// a change that failed.
	ids []string
}

func (a *apply) run(ctx context.Context) error {
	l := a.leases[a.b.Integration]
	if l.fence != a.b.Fence || l.until.IsZero() {
		return syncer.ErrFence
	}
	if a.b.Seq != l.seq+1 {
		return fmt.Errorf("its number is out of turn: the last one was %d", l.seq)
	}
	outcomes := make([]syncer.Outcome, len(a.b.Units))
	for i := range a.b.Units {
		var err error
		if outcomes[i], err = a.unit(&a.b.Units[i]); err != nil {
			return fmt.Errorf("unit %d: %w", i, err)
		}
	}
	checkpoint, err := a.seal(outcomes)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	set(a.tx, a.leases, a.b.Integration, a.next(l, checkpoint))
	return nil
}

func (a *apply) seal(outcomes []syncer.Outcome) ([]byte, error) {
	if a.b.Seal == nil {
		return nil, errors.New("it has no Seal")
	}
	checkpoint, err := a.b.Seal(outcomes)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return bytes.Clone(checkpoint), nil
}

// next returns the lease as it is after the batch.
func (a *apply) next(l lease, checkpoint []byte) lease {
	l.seq, l.checkpoint = a.b.Seq, checkpoint
	l.until = a.b.At.Add(l.ttl)
	if l.run != a.b.Run {
		l.run, l.seen = a.b.Run, nil
	}
	if a.b.Seen != nil {
		l.seen = append(slices.Clip(l.seen), seenBlock{seq: a.b.Seq, data: bytes.Clone(a.b.Seen)})
	}
	if a.b.Release {
		l.until = time.Time{}
	}
	if a.b.Done {
		l.seen = nil
	}
	return l
}

// unit writes one unit, or nothing of it.
func (a *apply) unit(u *syncer.Unit) (syncer.Outcome, error) {
	mark, first := a.tx.mark(), len(a.ids)
	o := syncer.Outcome{Existed: make([]bool, len(u.Changes))}
	err := a.writeUnit(u, &o)
	if errors.Is(err, syncer.ErrConflict) {
		a.tx.rollback(mark)
		a.ids = append(a.ids[:first], make([]string, len(u.Changes))...)
		return syncer.Outcome{Err: syncer.ErrConflict}, nil
	}
	o.IDs = slices.Clone(a.ids[first:])
	return o, err
}

func (a *apply) writeUnit(u *syncer.Unit, o *syncer.Outcome) error {
	for i := range u.Changes {
		id, existed, err := a.change(&u.Changes[i])
		if err != nil {
			return err
		}
		a.ids = append(a.ids, id)
		o.Existed[i] = existed
	}
	for i := range u.Links {
		if err := a.link(&u.Links[i]); err != nil {
			return err
		}
	}
	return nil
}

// resolve returns the id of the record that a Ref names. A record that a failed
// unit would have made is a conflict.
func (a *apply) resolve(ref syncer.Ref) (string, error) {
	if ref.ID != "" {
		return strings.Clone(ref.ID), nil
	}
	return a.changed(int64(ref.Change))
}

// changed returns the id of the record of an earlier change.
func (a *apply) changed(change int64) (string, error) {
	if change < 0 || change >= int64(len(a.ids)) {
		return "", fmt.Errorf("there is no change %d before this one", change)
	}
	if a.ids[change] == "" {
		return "", syncer.ErrConflict
	}
	return a.ids[change], nil
}

// change writes one change and returns the record's id, and whether an Ensure
// found it.
func (a *apply) change(c *syncer.Change) (id string, existed bool, err error) {
	o, t, err := a.object(c.Object)
	if err != nil {
		return "", false, err
	}
	if err := checkColumns(o, c); err != nil {
		return "", false, err
	}
	after, err := a.values(c.After)
	if err != nil {
		return "", false, err
	}
	w := write{o: o, t: t, c: c, after: after, origin: syncer.Event{At: a.b.At, Actor: a.b.Actor, Integration: a.b.Integration, Run: a.b.Run}}
	if a.b.LedgerOnly {
		id, err := a.note(w)
		return id, false, err
	}
	switch c.Op {
	case syncer.Create, syncer.Ensure:
		return a.create(a.tx, w)
	case syncer.Update, syncer.Archive, syncer.Restore:
		id, err := a.resolve(c.Ref)
		if err != nil {
			return "", false, err
		}
		if t.final(id) != id {
			return "", false, syncer.ErrConflict // it has become a part of another in the meantime
		}
		return id, false, a.update(a.tx, w, id)
	case syncer.Delete, syncer.Merged, syncer.Split: // these stand in history alone
	}
	return "", false, fmt.Errorf("there is no change %q", c.Op)
}

// checkColumns keeps a malformed change from being taken for another one.
func checkColumns(o *mapping.Object, c *syncer.Change) error {
	if len(c.After) != len(c.Columns) || c.Before != nil && len(c.Before) != len(c.Columns) || c.Hidden != nil && len(c.Hidden) != len(c.Columns) {
		return fmt.Errorf("a change of %s has %d columns, but %d values after, %d before and %d marks", o.Name, len(c.Columns), len(c.After), len(c.Before), len(c.Hidden))
	}
	for _, col := range c.Columns {
		if col < 0 || col >= len(o.Fields) {
			return fmt.Errorf("%s have no column %d", o.Name, col)
		}
	}
	return nil
}

// values returns new values as they are stored.
func (a *apply) values(after []mapping.Value) ([]mapping.Value, error) {
	values := make([]mapping.Value, len(after))
	for i, v := range after {
		var err error
		if values[i], err = a.value(v); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// value returns a new value as it is stored: with the id in the place of a
// reference to an earlier change, and sharing no memory with the vendor's record,
// which would be kept alive by it.
func (a *apply) value(v mapping.Value) (mapping.Value, error) {
	switch v.Kind {
	case mapping.KindRow:
		id, err := a.changed(v.Int)
		return mapping.TextValue(id), err
	case mapping.KindText:
		v.Text = strings.Clone(v.Text)
	case mapping.KindAbsent, mapping.KindNull, mapping.KindInt:
	}
	return v, nil
}

// withheld returns what a link keeps of what its vendor says. A hidden value is
// masked from the start.
func (a *apply) withheld(said []syncer.Said) ([]syncer.Said, error) {
	var kept []syncer.Said
	for _, w := range said {
		v, err := a.value(w.Value)
		if err != nil {
			return nil, err
		}
		if w.Hidden {
			v = mask(v)
		}
		kept = append(kept, syncer.Said{Field: w.Field, Value: v, Hidden: w.Hidden})
	}
	return kept, nil
}

// note keeps the history of a change to a record that lives elsewhere, and marks
// the links to it.
func (a *apply) note(w write) (string, error) {
	if w.c.Ref.ID == "" {
		return "", fmt.Errorf("a change of %s in the ledger names no record", w.o.Name)
	}
	id := strings.Clone(w.c.Ref.ID)
	a.spoil(a.tx, w.o, id, a.b.Integration)
	revision := int64(1)
	if events := a.history[recordRef{w.o.Name, id}]; len(events) > 0 {
		revision = events[len(events)-1].Revision + 1
	}
	a.log(a.tx, w, id, revision, func(i int) mapping.Value {
		if w.c.Before == nil {
			return mapping.Value{}
		}
		v := w.c.Before[i]
		v.Text = strings.Clone(v.Text)
		return v
	})
	return id, nil
}

// link writes one link.
func (a *apply) link(c *syncer.LinkChange) error {
	_, t, err := a.object(c.Object)
	if err != nil {
		return err
	}
	id, err := a.resolve(c.Ref)
	if err != nil {
		return err
	}
	l := t.linksOf(a.b.Integration)
	if c.Missing {
		l.miss(a.tx, id, a.b.At)
	}
	if c.Forget {
		l.forget(a.tx, id)
	}
	if c.Remove {
		l.remove(a.tx, id, c.VendorID)
	}
	if c.Missing || c.Forget || c.Remove {
		return nil
	}
	if _, ok := t.records[id]; !ok && !a.b.LedgerOnly || t.final(id) != id {
		return syncer.ErrConflict // it was deleted or merged in the meantime
	}
	withheld, err := a.withheld(c.Withheld)
	if err != nil {
		return err
	}
	l.connect(a.tx, id, link{vendorID: strings.Clone(c.VendorID), hash: c.Hash, withheld: withheld}, strings.Clone(c.Supersedes))
	return nil
}
