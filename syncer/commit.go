package syncer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vendorsync/vendorsync/connector"
)

// A pendingBatch is a batch being decided, then being applied.
type pendingBatch struct {
	Batch
	pages   []*mappedPage // whose memory the units refer to
	notes   []note        // by unit
	changes int           // so far, over all units
	patches []patch       // references into the batch before
	delta   delta

	cursor    connector.Cursor
	resumable bool
	last      bool
	// anonymousAt is how many records without vendor id came up to cursor, again
	// how many records are accounted for that come after it.
	anonymousAt, again int64

	done     chan struct{}
	next     checkpoint // as sealed
	sealed   []byte     // the same as the store has it
	outcomes []Outcome
	err      error
}

// A note says whose a unit is, should it fail.
type note struct {
	item     bool
	vendorID string
	action   Action
	object   string
	shared   *sharedParent
	effects  map[string]Effects
}

// A reference is a value or a target that is a shared parent.
type reference struct {
	change int // of the unit
	column int // -1 for the change's own Ref
	parent *sharedParent
	soft   bool // it may be left out if the parent could not be made
}

type patch struct {
	unit int
	reference
}

// A unitBuilder gathers one record's changes.
type unitBuilder struct {
	b    *pendingBatch
	unit Unit
	refs []reference
	note note
}

func (u *unitBuilder) done() {
	n := len(u.b.Units)
	u.b.add(u.unit, u.note)
	for _, ref := range u.refs {
		u.b.refer(n, ref)
	}
}

// A delta is what a batch adds to the run's numbers.
type delta struct {
	counts    Counts
	effects   map[string]Effects
	vanished  Vanished
	problems  []Problem
	problemN  int64
	anonymous int64
	records   int64
	linked    int64
	made      int64
}

func (d *delta) count(a Action) {
	d.counts.Fetched++
	*d.counts.of(a)++
}

func (c *Counts) of(a Action) *int64 {
	switch a {
	case ActionFiltered:
		return &c.Filtered
	case ActionCreated:
		return &c.Created
	case ActionUpdated:
		return &c.Updated
	case ActionUnchanged:
		return &c.Unchanged
	case ActionSkipped:
		return &c.Skipped
	case ActionFailed:
	}
	return &c.Failed
}

func (d *delta) problem(p Problem, limit int) {
	d.problemN++
	if len(d.problems) < limit {
		d.problems = append(d.problems, p)
	}
}

func (d *delta) effect(object string, e Effects) {
	if d.effects == nil {
		d.effects = map[string]Effects{}
	}
	d.effects[object] = d.effects[object].plus(e)
}

func (e Effects) plus(o Effects) Effects {
	return Effects{Created: e.Created + o.Created, Updated: e.Updated + o.Updated, Archived: e.Archived + o.Archived, Restored: e.Restored + o.Restored}
}

func (e Effects) minus(o Effects) Effects {
	return e.plus(Effects{Created: -o.Created, Updated: -o.Updated, Archived: -o.Archived, Restored: -o.Restored})
}

func (c Counts) plus(o Counts) Counts {
	return Counts{
		Fetched: c.Fetched + o.Fetched, Filtered: c.Filtered + o.Filtered, Created: c.Created + o.Created, Updated: c.Updated + o.Updated,
		Unchanged: c.Unchanged + o.Unchanged, Skipped: c.Skipped + o.Skipped, Failed: c.Failed + o.Failed,
	}
}

func (v Vanished) plus(o Vanished) Vanished {
	return Vanished{Missing: v.Missing + o.Missing, Flagged: v.Flagged + o.Flagged, Archived: v.Archived + o.Archived, Deactivated: v.Deactivated + o.Deactivated, Held: v.Held + o.Held}
}

func (r *session) newBatch(pages []*mappedPage, cursor connector.Cursor, resumable, last bool) *pendingBatch {
	return &pendingBatch{
		Batch: Batch{Integration: r.in.ID, Run: r.state.Run.ID, Actor: r.in.User, At: r.s.opt.Now().UTC()},
		pages: pages, cursor: cursor, resumable: resumable, last: last, done: make(chan struct{}),
	}
}

func (b *pendingBatch) add(u Unit, n note) {
	b.Units = append(b.Units, u)
	b.notes = append(b.notes, n)
	b.changes += len(u.Changes)
}

// refer points a change at a shared parent, which may be made in this batch or
// in the one being applied.
func (b *pendingBatch) refer(unit int, ref reference) {
	p := ref.parent
	if p.id == "" && p.batch != b {
		b.patches = append(b.patches, patch{unit: unit, reference: ref})
		return
	}
	b.point(unit, ref.change, ref.column, Ref{ID: p.id, Change: p.change})
}

func (b *pendingBatch) point(unit, change, column int, ref Ref) {
	c := &b.Units[unit].Changes[change]
	if column < 0 {
		c.Ref = ref
	} else {
		c.After[column] = ref.value()
	}
}

// errNoParent fails a unit whose shared parent could not be made.
var errNoParent = errors.New("the record it refers to could not be made")

// apply hands a batch to the store, once the one before is committed, and
// returns while it is being written.
func (r *session) apply(ctx context.Context, b *pendingBatch) error {
	if err := r.settle(ctx); err != nil {
		return err
	}
	if err := r.cancelled(ctx); err != nil {
		return err
	}
	for _, p := range b.patches {
		if p.soft && p.parent.id == "" {
			continue // it stays unresolved, and waits
		}
		if p.parent.failed || p.parent.id == "" {
			return fmt.Errorf("write a batch: %w", errNoParent)
		}
		b.point(p.unit, p.change, p.column, Ref{ID: p.parent.id})
	}
	base := r.state // the batch's own copy: Seal runs beside the next decisions
	b.Seq, b.Fence = r.lease.Seq+1, r.fence.Load()
	b.Seal = func(outcomes []Outcome) ([]byte, error) {
		next, err := r.sealed(base, b, outcomes)
		if err != nil {
			return nil, err
		}
		b.next, b.outcomes = next, outcomes
		b.sealed, err = json.Marshal(next)
		return b.sealed, err
	}
	r.pending = b
	go func() {
		defer close(b.done)
		ctx, end := r.watch.begin(context.WithoutCancel(ctx), stepApply, attrBatch.Int64(b.Seq), attrRecords.Int64(b.delta.counts.Fetched))
		b.err = r.commit(ctx, b)
		end(b.err)
	}()
	return nil
}

// commitTries is how often a batch is offered to a store that is unavailable for
// a moment.
const commitTries = 4

// commit writes the batch. After an error that does not say whether it was
// written, the checkpoint tells: if it is the one that Seal returned, it was.
func (r *session) commit(ctx context.Context, b *pendingBatch) error {
	err := r.s.store.Apply(ctx, &b.Batch)
	for try := 1; try < commitTries && connector.ClassOf(err) == connector.ErrUnavailable; try++ {
		r.log.WarnContext(ctx, "the store did not take the batch", "seq", b.Seq, "try", try, "error", err)
		time.Sleep(r.s.opt.RestartDelay / 10 << try)
		var written bool
		if written, err = r.written(ctx, b); err == nil && !written {
			err = r.s.store.Apply(ctx, &b.Batch)
		}
	}
	return err
}

// written takes the lease anew and reports whether the store has the batch.
func (r *session) written(ctx context.Context, b *pendingBatch) (bool, error) {
	lease, err := r.s.store.Begin(ctx, Claim{Integration: r.in.ID, Owner: r.s.owner, TTL: r.s.opt.LeaseTTL, Now: r.s.opt.Now(), Over: b.Fence})
	var busy *BusyError
	switch {
	case errors.As(err, &busy):
		return false, ErrFence
	case err != nil:
		return false, fmt.Errorf("take the lease anew: %w", err)
	}
	r.fence.Store(lease.Fence)
	b.Fence = lease.Fence
	if lease.Seq < b.Seq {
		return false, nil
	}
	if lease.Seq > b.Seq || !bytes.Equal(lease.Checkpoint, b.sealed) { // another run's
		return false, ErrFence
	}
	return true, nil
}

// settle waits for the batch being applied and takes over what came of it.
func (r *session) settle(ctx context.Context) error {
	b := r.pending
	if b == nil {
		return nil
	}
	<-b.done
	r.pending = nil
	if b.err != nil {
		return fmt.Errorf("write batch %d: %w", b.Seq, b.err)
	}
	for i, n := range b.notes {
		if n.shared == nil {
			continue
		}
		if i < len(b.outcomes) && b.outcomes[i].Err == nil {
			n.shared.id = b.outcomes[i].IDs[0]
		} else {
			n.shared.failed = true
		}
		n.shared.batch = nil
	}
	r.state = b.next
	r.watch.progress(ctx, r.state.Run.Counts)
	r.countWaits()
	r.lease.Seq = b.Seq
	r.recycle(b.pages)
	r.report(false)
	if r.s.opt.Now().Sub(r.saved) > saveEvery {
		return r.save(context.WithoutCancel(ctx))
	}
	return nil
}

// saveEvery is how often a run that goes on is written to the journal.
const saveEvery = 2 * time.Second

// sealed returns the checkpoint that goes with the batch, given what became of
// its units.
func (r *session) sealed(base checkpoint, b *pendingBatch, outcomes []Outcome) (checkpoint, error) {
	if len(outcomes) != len(b.Units) {
		return checkpoint{}, connector.Errorf(connector.ErrInternal, "write a batch", "the store reports %d outcomes of %d units", len(outcomes), len(b.Units))
	}
	d := b.delta
	d.effects, d.problems = maps.Clone(d.effects), slices.Clone(d.problems)
	for i, out := range outcomes {
		n := b.notes[i]
		lost := out.Err != nil || n.shared != nil && len(out.Existed) > 0 && out.Existed[0]
		if !lost {
			continue
		}
		for object, e := range n.effects {
			d.effects[object] = d.effects[object].minus(e)
		}
		if n.item && out.Err != nil {
			*d.counts.of(n.action)--
			d.counts.Failed++
			reason := ReasonRaced
			if errors.Is(out.Err, ErrRefused) {
				reason = ReasonRefused
			}
			d.problem(Problem{Record: n.vendorID, Reason: reason.because("%v; the next run will try again", out.Err)}, r.s.opt.MaxProblems)
		}
	}
	next := base
	next.add(d, r.s.opt.MaxProblems)
	if b.resumable {
		next.Cursor, next.AnonymousAt, next.Ahead = b.cursor, b.anonymousAt, b.again
	} else if len(b.pages) > 0 {
		next.Ahead += d.counts.Fetched
	}
	next.ReadDone = base.ReadDone || b.last
	return next, nil
}

// add takes a batch's numbers into the checkpoint. It shares no memory with the
// one it was copied from.
func (c *checkpoint) add(d delta, maxProblems int) {
	run := &c.Run
	run.Counts = run.Counts.plus(d.counts)
	run.Vanished = run.Vanished.plus(d.vanished)
	effects := maps.Clone(run.Effects)
	if effects == nil {
		effects = map[string]Effects{}
	}
	for object, e := range d.effects {
		if sum := effects[object].plus(e); sum != (Effects{}) {
			effects[object] = sum
		} else {
			delete(effects, object)
		}
	}
	run.Effects = effects
	if room := maxProblems - len(run.Problems); room > 0 && len(d.problems) > 0 {
		run.Problems = append(slices.Clone(run.Problems), d.problems[:min(room, len(d.problems))]...)
	}
	run.ProblemCount += d.problemN
	c.Anonymous += d.anonymous
	c.Records += d.records
	c.Linked += d.linked
	c.Made += d.made
}

// letGo ends a lease under which nothing was done.
func (r *session) letGo(ctx context.Context) error {
	b := Batch{
		Integration: r.in.ID, Actor: r.in.User, Fence: r.fence.Load(), Seq: r.lease.Seq + 1, At: r.s.opt.Now().UTC(), Release: true, Done: true,
		Seal: func([]Outcome) ([]byte, error) { return r.lease.Checkpoint, nil },
	}
	return r.s.store.Apply(ctx, &b)
}

// release ends the lease and leaves the last checkpoint.
func (r *session) release(ctx context.Context) error {
	b := Batch{
		Integration: r.in.ID, Run: r.state.Run.ID, Actor: r.in.User, Fence: r.fence.Load(), Seq: r.lease.Seq + 1, At: r.s.opt.Now().UTC(), Release: true, Done: r.state.Done,
		Seal: func([]Outcome) ([]byte, error) { return json.Marshal(r.state) },
	}
	if err := r.s.store.Apply(ctx, &b); err != nil {
		return err
	}
	r.lease.Seq = b.Seq
	return nil
}
