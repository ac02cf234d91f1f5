package syncer

import (
	"context"
	"errors"
	"fmt"
)

// DefaultSample is how many records a test run looks at.
const DefaultSample = 10

// A testSink takes a test run's forecast record by record.
type testSink struct {
	s       *Syncer
	run     string
	record  func(TestRecord) error
	pending []TestRecord
	kept    int
	err     error
}

// payloadChunk is how many records go to the Journal at once.
const payloadChunk = 500

func (t *testSink) take(ctx context.Context, rec TestRecord) {
	if t.err != nil {
		return
	}
	if t.record != nil {
		if t.err = t.record(rec); t.err != nil {
			return
		}
	}
	if t.kept+len(t.pending) < t.s.opt.PayloadLimit {
		t.pending = append(t.pending, rec)
	}
	if len(t.pending) >= payloadChunk {
		t.flush(ctx)
	}
}

func (t *testSink) flush(ctx context.Context) {
	if t.err != nil || len(t.pending) == 0 {
		return
	}
	if err := t.s.journal.AppendPayload(ctx, t.run, t.pending); err != nil {
		t.err = fmt.Errorf("keep the payload: %w", err)
	}
	t.kept += len(t.pending)
	t.pending = t.pending[:0]
}

// TestRun foretells what Run would do, and writes nothing to the Store: the same
// code decides over the same look-ups, and only the last step is left out. A
// draft can be tested as far as it goes. The run and the records' payload go
// into the Journal.
func (s *Syncer) TestRun(ctx context.Context, id string, opt TestOptions) (Run, error) {
	in, err := s.journal.Integration(ctx, id)
	if err != nil {
		return Run{}, fmt.Errorf("test integration %q: %w", id, err)
	}
	if err := s.readable(in, opt.Reading); err != nil {
		return Run{}, fmt.Errorf("test integration %q: %w", id, err)
	}
	switch {
	case opt.Sample == 0:
		opt.Sample = DefaultSample
	case opt.Sample < 0:
		opt.Sample = -1
	}
	r := &session{s: s, in: in, limit: opt.Sample, reading: opt.Reading, log: s.log.With("integration", in.ID)}
	r.state.Run = Run{ID: newID(), Integration: in.ID, Status: Running, Test: true, Trigger: manualTrigger, User: in.User, By: opt.By, Started: s.opt.Now().UTC(), Effects: map[string]Effects{}, Problems: []Problem{}}
	r.test = &testSink{s: s, run: r.state.Run.ID, record: opt.Record}
	r.observe = func(rec TestRecord) { r.test.take(ctx, rec) }
	if err := r.save(ctx); err != nil {
		return Run{}, fmt.Errorf("test integration %q: %w", id, err)
	}
	ctx = r.observed(ctx)
	err = r.work(ctx)
	r.test.flush(context.WithoutCancel(ctx))
	return r.finish(ctx, errors.Join(err, r.test.err))
}

// take ends a batch of a test run: its numbers count, nothing is written.
func (r *session) take(b *pendingBatch) error {
	outcomes := make([]Outcome, len(b.Units))
	next, err := r.sealed(r.state, b, outcomes)
	if err != nil {
		return err
	}
	r.state = next
	r.recycle(b.pages)
	r.report(false)
	return r.test.err
}
