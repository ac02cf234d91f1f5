package syncer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vendorsync/vendorsync/connector"
)

// readable refuses to read changes alone from a stream that cannot tell them. A
// connector or a stream that is not there is somebody else's concern.
func (s *Syncer) readable(in Integration, reading Reading) error {
	switch reading {
	case AsConfigured, ReadAll:
		return nil
	case ReadChanged:
	default:
		return connector.Errorf(connector.ErrInvalid, "read "+in.ID, "there is no way to read called %q; there are %q and %q", reading, ReadAll, ReadChanged)
	}
	if stream, ok := s.streamOf(in); ok && !stream.Incremental {
		return &connector.Error{
			Class: connector.ErrUnsupported, Op: "read what has changed", Remedy: "read everything",
			Message: fmt.Sprintf("%s cannot tell which of its %s have changed", in.Connector, stream.Name),
		}
	}
	return nil
}

// streamOf returns an integration's stream, if its connector is there and has it.
func (s *Syncer) streamOf(in Integration) (connector.Stream, bool) {
	c, err := s.opt.Registry.Get(in.Connector)
	if err != nil {
		return connector.Stream{}, false
	}
	return c.Spec().Stream(in.Stream)
}

// chooseReading decides how much the run reads: everything, or what has changed
// since the last run that read to its end. A run that is taken up again has
// decided before.
func (r *session) chooseReading(ctx context.Context, asked Reading) error {
	run := &r.state.Run
	basis := r.basis()
	if run.Basis != "" {
		if run.Basis != basis { // its records were decided by one and by the other
			run.Basis = fingerprintJSON([]string{run.Basis, basis})
		}
		return nil
	}
	run.Basis, run.FullRead = basis, run.Started
	switch {
	case asked == ReadAll, asked == AsConfigured && r.in.FullEvery == 0:
		return nil
	case !r.stream.Incremental: // it could when the integration was saved
		run.ReadAll = "the stream cannot tell what has changed"
		return nil
	}
	last, why, err := r.lastRead(ctx)
	if err != nil {
		return err
	}
	if age := run.Started.Sub(last.FullRead); why == "" && asked == AsConfigured && age >= time.Duration(r.in.FullEvery)*24*time.Hour {
		why = fmt.Sprintf("the last full read is %d days old", int(age.Hours()/24))
	}
	if why != "" {
		run.ReadAll = why
		return nil
	}
	run.Since, run.FullRead = last.Started.Add(-r.s.opt.Overlap), last.FullRead
	return nil
}

// turnToAll has the run read everything where the vendor, asked for changes by
// habit, turns out to be unable to tell them, as some servers of a protocol are.
// Who asked for changes in so many words gets the error.
func (r *session) turnToAll(err error) bool {
	run := &r.state.Run
	if !errors.Is(err, connector.ErrUnsupported) || !r.incremental() || r.reading == ReadChanged || run.Counts.Fetched > 0 {
		return false
	}
	run.Since, run.FullRead = time.Time{}, run.Started
	run.ReadAll = "the vendor cannot tell what has changed: " + err.Error()
	return true
}

// basis is the fingerprint of what records are decided by. Under another one, a
// record that has not changed may come out differently.
func (r *session) basis() string {
	return fingerprintJSON([]any{
		r.in.Connector, r.in.Stream, r.in.Settings, r.in.Credential, r.in.Policy, r.in.RestoreArchived,
		r.state.Run.ConnectorVersion, r.fingerprint,
	})
}

// recentReads is how far back a run looks for the one it can build on.
const recentReads = 100

// lastRead returns the last run that read to its end, or why nothing can be
// built on it. Each run since must have decided by the same as this one.
func (r *session) lastRead(ctx context.Context) (last Run, why string, err error) {
	runs, err := r.s.journal.Runs(ctx, RunQuery{Integration: r.in.ID, Limit: recentReads})
	if err != nil {
		return Run{}, "", fmt.Errorf("look for the last run that read to its end: %w", err)
	}
	for _, run := range runs {
		switch {
		case run.ID == r.state.Run.ID:
		case run.Trigger == revertTrigger:
			return Run{}, fmt.Sprintf("run %s was reverted", run.Reverts), nil
		case run.Basis == "": // it ended before it read anything
		case run.Basis != r.state.Run.Basis:
			return Run{}, "the integration, its mapping or the target model has changed since the last read", nil
		case r.readWhole(run):
			return run, "", nil
		}
	}
	return Run{}, "no run before it has read everything", nil
}

// readWhole reports whether a run read all that it asked for.
func (r *session) readWhole(run Run) bool {
	// An empty source has told nothing.
	ended := run.Status == Succeeded || run.Status == WithProblems
	return ended && (run.Restarts+run.Resumed == 0 || r.stream.StableResume)
}

// incremental reports whether the run asks for changes alone.
func (r *session) incremental() bool { return !r.state.Run.Since.IsZero() }
