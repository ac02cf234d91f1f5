package syncer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/spill"
	"github.com/vendorsync/vendorsync/mapping"
)

// RevertOptions say how a run is put back.
type RevertOptions struct {
	By string // who asked for it, to whom every change is attributed; must be given
	// Only are the ids of records of the integration's object. If there are any, the
	// run is put back for them alone, with what came along with them.
	Only []string
	// DryRun tells what would be put back, and writes nothing: the Run is marked as
	// a test and not kept in the Journal.
	DryRun bool
	// KeepActive leaves an active integration active. Its next run then writes
	// again what the vendor still says. Without it the integration is paused before
	// anything is written.
	KeepActive bool
	// Record, if set, receives what became of each record, children and shared
	// parents among them. An error ends the revert.
	Record func(RevertRecord) error
}

// A RevertRecord is what a revert does with one record.
type RevertRecord struct {
	Object string `json:"object"`
	ID     string `json:"id"`
	Label  string `json:"label,omitempty"` // what a person calls it
	// Action is ActionUpdated if something was put back, ActionUnchanged if all is
	// as it was before the run, ActionSkipped if all was left, ActionFailed if it
	// could not be written.
	Action Action `json:"action"`
	// Op is Archive for a record that went into the archive, Restore for one that
	// came back, else empty.
	Op       Op           `json:"op,omitempty"`
	Changes  []Difference `json:"changes,omitempty"`
	Problems []Problem    `json:"problems,omitempty"` // what was left, and why
}

// revertTrigger is the Trigger of a run that puts another one back.
const revertTrigger = "revert"

// outside is the integration under which a revert writes: none, so that its
// changes are what they are, changes from outside, which nobody's precedence
// protects and which make every link stale.
const outside = ""

// Revert puts back what a run changed, as a run of its own: its Trigger is
// "revert", its Counts are about the records of the integration's object, its
// Effects about all others.
//
// A field that still holds what the run wrote gets the value from before. One that
// something has changed since is left, and is a problem of the new run. A record
// that the run made is archived, unless it is in use: another integration brings
// it too, or records that stay refer to it. What the run archived is restored,
// what it restored is archived. A unique value that another record holds by now is
// a problem, too. What history does not know stays as it is: links, marks of
// absence, and sensitive values, which it masks.
//
// The integration is held by its lease and paused, see [RevertOptions]. Reverting
// a run twice does nothing more, a revert can be reverted, and one that was
// interrupted can be made again. The error is ErrNotFound for a run that is not
// there and of class connector.ErrInvalid for a test run; a *BusyError says that
// the integration is running, or that another revert is under way. The Store must
// be a RunReader; where it is a Reader, too, problems say who changed what.
func (s *Syncer) Revert(ctx context.Context, run string, opt RevertOptions) (Run, error) {
	r, err := s.newReverter(ctx, run, opt)
	if err != nil {
		return Run{}, fmt.Errorf("revert run %q: %w", run, err)
	}
	defer r.close()
	if opt.DryRun {
		err = r.undoAll(ctx)
	} else {
		if err := r.begin(ctx); err != nil {
			return Run{}, fmt.Errorf("revert run %q: %w", run, err)
		}
		err = r.work(ctx)
	}
	return r.end(ctx, err)
}

// A reverter puts one run back.
type reverter struct {
	// held has the lease of the integration, so that it makes no run meanwhile,
	// and the new run. The changes are written by outside.
	held, outside *session
	of            Run // that is put back
	opt           RevertOptions
	events        RunReader
	reader        Reader // nil if the store is none
	schema        *mapping.Schema
	waiting       []*undo    // that may be possible once others are put back
	parents       []*undo    // records that others of the run refer to; they come last
	foreseen      *spill.Map // in a dry run: keys that would be free, records that would be archived
}

func (s *Syncer) newReverter(ctx context.Context, run string, opt RevertOptions) (*reverter, error) {
	of, err := s.journal.Run(ctx, run)
	if err != nil {
		return nil, err
	}
	const op = "put back"
	events, ok := s.store.(RunReader)
	switch {
	case !ok:
		return nil, unsupported("store", op, "tell what a run wrote")
	case strings.TrimSpace(opt.By) == "":
		return nil, connector.Errorf(connector.ErrInvalid, op, "it must be said who reverts, to whom the changes are attributed")
	case of.Test:
		return nil, connector.Errorf(connector.ErrInvalid, op, "it was a test run, which wrote nothing")
	case opt.DryRun && !of.Status.Ended() && of.Status != Interrupted:
		return nil, connector.Errorf(connector.ErrInvalid, op, "it is %s; wait for its end, or cancel it", of.Status)
	}
	in, err := s.journal.Integration(ctx, of.Integration)
	if err != nil {
		return nil, err
	}
	schema, err := s.store.Schema(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	log := s.log.With("integration", in.ID)
	r := &reverter{
		held: &session{s: s, in: in, log: log}, outside: &session{s: s, in: Integration{ID: outside}, log: log},
		of: of, opt: opt, events: events, schema: schema,
	}
	r.reader, _ = s.store.(Reader)
	r.held.state = checkpoint{
		Fingerprint: revertTrigger, // of no integration, so that no run goes on here
		Run: Run{
			ID: newID(), Integration: in.ID, Status: Running, Test: opt.DryRun, Trigger: revertTrigger, User: opt.By, By: opt.By, Reverts: of.ID,
			Started: s.opt.Now().UTC(), Effects: map[string]Effects{}, Problems: []Problem{},
		},
	}
	if opt.DryRun {
		r.foreseen = spill.New(spill.Options{Dir: s.opt.SpillDir, MaxInMemory: maxInMemory})
	}
	return r, nil
}

func (r *reverter) close() {
	if r.foreseen == nil {
		return
	}
	if err := r.foreseen.Close(); err != nil {
		r.held.log.Warn("remove a temporary file", "error", err)
	}
}

// begin takes both leases. That of the integration comes second: giving it back
// ends what an interrupted run has left there.
func (r *reverter) begin(ctx context.Context) error {
	s := r.held.s
	for _, p := range []*session{r.outside, r.held} {
		lease, err := s.begin(ctx, p.in.ID)
		var busy *BusyError
		switch {
		case errors.As(err, &busy) && p == r.outside:
			return fmt.Errorf("another revert is under way (%s): %w", ownerText(busy.Owner), err)
		case err != nil && p == r.held:
			return errors.Join(err, r.release(context.WithoutCancel(ctx), r.outside))
		case err != nil:
			return err
		}
		p.lease = lease
		p.fence.Store(lease.Fence)
	}
	return nil
}

// work puts the run back under the leases.
func (r *reverter) work(ctx context.Context) error {
	limit := r.held.s.opt.TimeLimit
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the revert took longer than the limit of %s", limit))
	defer cancel()
	ctx, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	for _, p := range []*session{r.held, r.outside} {
		defer p.keepLease(ctx, lost)()
	}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	if err := r.undoAll(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	return nil
}

// prepare writes down that the revert has begun, and sees to it that no run goes
// over what it does.
func (r *reverter) prepare(ctx context.Context) error {
	s := r.held.s
	if !r.of.Status.Ended() && r.of.Status != Interrupted { // its lease was free: its process is dead
		r.of.Status, r.of.Finished, r.of.Error = Interrupted, s.opt.Now().UTC(), "its process ended; what it had written was put back by run "+r.held.state.Run.ID
		if err := s.journal.SaveRun(ctx, r.of); err != nil {
			return fmt.Errorf("write down that the run has ended: %w", err)
		}
	}
	if err := r.held.save(ctx); err != nil {
		return fmt.Errorf("write the run down: %w", err)
	}
	if r.held.in.State == Active && !r.opt.KeepActive {
		if err := s.Pause(ctx, r.held.in.ID, r.opt.By); err != nil {
			return fmt.Errorf("pause the integration: %w", err)
		}
	}
	r.held.report(false)
	_, err := r.write(ctx, r.held, nil)
	return err
}

// end gives the new run its status, releases the leases and writes the run down.
func (r *reverter) end(ctx context.Context, err error) (Run, error) {
	interrupted := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx)
	run := &r.held.state.Run
	run.Finished = r.held.s.opt.Now().UTC()
	switch {
	case err == nil && run.ProblemCount > 0:
		run.Status = WithProblems
	case err == nil:
		run.Status = Succeeded
	case errors.Is(err, errCancelled):
		run.Status = Cancelled
	case interrupted, errors.Is(err, ErrFence):
		run.Status = Interrupted
	default:
		run.Status = Failed
	}
	if err != nil {
		run.Error = err.Error()
		var e *connector.Error
		if errors.As(err, &e) {
			run.Remedy = e.Fix()
		}
	}
	if !run.Test {
		r.held.state.Done = run.Status.Ended()
		for _, p := range []*session{r.outside, r.held} {
			if rerr := r.release(ctx, p); rerr != nil && !errors.Is(err, ErrFence) {
				err = errors.Join(err, rerr)
			}
		}
		if serr := r.held.save(ctx); serr != nil {
			err = errors.Join(err, fmt.Errorf("write the run down: %w", serr))
		}
	}
	r.held.report(true)
	if err != nil {
		err = fmt.Errorf("revert run %q: %w", r.of.ID, err)
	}
	return cloneRun(*run), err
}

func (r *reverter) release(ctx context.Context, p *session) error {
	p.state = r.held.state
	if err := p.release(ctx); err != nil {
		return fmt.Errorf("release the lease: %w", err)
	}
	return nil
}

// write writes one batch under a lease.
func (r *reverter) write(ctx context.Context, p *session, units []Unit) ([]Outcome, error) {
	b := &pendingBatch{Batch: Batch{
		Integration: p.in.ID, Run: r.held.state.Run.ID, Actor: r.opt.By, Fence: p.fence.Load(), Seq: p.lease.Seq + 1, At: r.held.s.opt.Now().UTC(), Units: units,
	}}
	b.Seal = func(outcomes []Outcome) (sealed []byte, err error) {
		b.outcomes = outcomes
		b.sealed, err = json.Marshal(r.held.state)
		return b.sealed, err
	}
	if err := p.commit(context.WithoutCancel(ctx), b); err != nil {
		return nil, fmt.Errorf("write batch %d: %w", b.Seq, err)
	}
	p.lease.Seq = b.Seq
	if len(b.outcomes) != len(units) {
		return nil, connector.Errorf(connector.ErrInternal, "write a batch", "the store reports %d outcomes of %d units", len(b.outcomes), len(units))
	}
	return b.outcomes, nil
}

// undoAll puts back record by record, those that others refer to last.
func (r *reverter) undoAll(ctx context.Context) error {
	var chunk []*undo
	for u, err := range r.undos(ctx) {
		if err != nil {
			return err
		}
		if u.made && !r.primary(u.object) && len(r.users(u.object)) > 0 {
			r.parents = append(r.parents, u)
			continue
		}
		if chunk = append(chunk, u); len(chunk) >= r.held.s.opt.BatchSize {
			if err := r.putBack(ctx, chunk, false); err != nil {
				return err
			}
			chunk = chunk[:0]
		}
	}
	if err := r.putBackAll(ctx, chunk); err != nil {
		return err
	}
	return r.putBackAll(ctx, r.parents)
}

// putBackAll puts back, and what has to wait again and again, until nothing more
// comes of it.
func (r *reverter) putBackAll(ctx context.Context, undos []*undo) error {
	for before, final := -1, false; ; before = len(undos) {
		for chunk := range slices.Chunk(undos, r.held.s.opt.BatchSize) {
			if err := r.putBack(ctx, chunk, final); err != nil {
				return err
			}
		}
		if len(r.waiting) == 0 {
			return nil
		}
		undos, r.waiting = r.waiting, nil
		final = len(undos) == before
	}
}

// primary reports whether records of the object are what the integration
// brings, not what comes with them.
func (r *reverter) primary(o *mapping.Object) bool { return o.Name == r.held.in.Mapping.Object }

// users returns the structural links by which records of other objects use those
// of o.
func (r *reverter) users(o *mapping.Object) []topic {
	var links []topic
	for i := range r.schema.Objects {
		user := &r.schema.Objects[i]
		for _, f := range user.Fields {
			if f.Link && f.For == "" && f.Object == o.Name {
				links = append(links, topic{object: user.Name, by: ByParent, fields: f.Name})
			}
		}
	}
	return links
}

// putBack puts some records back in one transaction. One that cannot be yet waits,
// unless this is final.
func (r *reverter) putBack(ctx context.Context, undos []*undo, final bool) error {
	if len(undos) == 0 {
		return nil
	}
	attempts, known, err := r.attempts(ctx, undos)
	if err != nil {
		return err
	}
	var ready []*attempt
	for _, a := range attempts {
		wait, err := r.resolve(a, known)
		switch {
		case err != nil:
			return err
		case wait && !final:
			r.waiting = append(r.waiting, a.undo)
			continue
		}
		if err := r.foresee(a); err != nil {
			return err
		}
		ready = append(ready, a)
	}
	outcomes, err := r.commit(ctx, ready)
	if err != nil {
		return err
	}
	for i, a := range ready {
		if errors.Is(outcomes[i].Err, ErrConflict) && !final {
			r.waiting = append(r.waiting, a.undo)
			continue
		}
		if err := r.tell(a, outcomes[i].Err); err != nil {
			return err
		}
	}
	r.held.report(false)
	if !r.opt.DryRun && r.held.s.opt.Now().Sub(r.held.saved) > saveEvery {
		return r.held.save(context.WithoutCancel(ctx))
	}
	return nil
}

// commit writes the attempts. The integration's own batch comes first: it tells
// whether the lease still holds, and links children again that the run had let go,
// which does no harm if nothing follows.
func (r *reverter) commit(ctx context.Context, ready []*attempt) ([]Outcome, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(ready))
	if r.opt.DryRun {
		return outcomes, nil
	}
	if err := r.held.cancelled(ctx); err != nil {
		return nil, err
	}
	var links, units []Unit
	var of []int // attempts by unit
	for i, a := range ready {
		if u := a.unit(); len(u.Changes) > 0 {
			units, of = append(units, u), append(of, i)
		}
		if r.lostLink(a) {
			links = append(links, Unit{Links: []LinkChange{{Object: a.object.Name, Ref: Ref{ID: a.hit.ID}}}})
		}
	}
	if len(units) == 0 {
		return outcomes, nil
	}
	if _, err := r.write(ctx, r.held, links); err != nil {
		return nil, err
	}
	written, err := r.write(ctx, r.outside, units)
	for n, o := range written {
		outcomes[of[n]] = o
	}
	return outcomes, err
}

// tell counts what became of a record, and passes it on.
func (r *reverter) tell(a *attempt, failure error) error {
	rec := RevertRecord{Object: a.object.Name, ID: a.id, Action: ActionUnchanged}
	if a.hit != nil {
		rec.Label = recordLabel(a.object, a.hit.Values)
	}
	switch {
	case failure != nil:
		a.problems = nil
		reason := ReasonRaced
		if errors.Is(failure, ErrRefused) {
			reason = ReasonRefused
		}
		a.leave("", reason, "%v; revert the run again", failure)
		rec.Action = ActionFailed
	case a.op != "" || len(a.put) > 0:
		rec.Action, rec.Op = ActionUpdated, a.op
	case slices.ContainsFunc(a.problems, func(p Problem) bool { return strings.HasPrefix(p.Reason, string(ReasonConflict)) }):
		rec.Action = ActionFailed
	case len(a.problems) > 0:
		rec.Action = ActionSkipped
	}
	rec.Problems = a.problems
	d := delta{problemN: int64(len(a.problems)), problems: a.problems}
	if r.primary(a.object) {
		d.count(rec.Action)
	} else if rec.Action == ActionUpdated {
		d.effect(a.object.Name, effectOf(a.op))
	}
	r.held.state.add(d, r.held.s.opt.MaxProblems)
	if r.opt.Record == nil {
		return nil
	}
	if rec.Action == ActionUpdated {
		rec.Changes = a.differences()
	}
	return r.opt.Record(rec)
}

func effectOf(op Op) Effects {
	switch op {
	case Archive:
		return Effects{Archived: 1}
	case Restore:
		return Effects{Restored: 1}
	default:
		return Effects{Updated: 1}
	}
}
