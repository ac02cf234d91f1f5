package syncer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vendorsync/vendorsync/schedule"
)

// The Trigger of a run that a schedule has started, and of one that somebody asked
// for.
const (
	scheduleTrigger = "schedule"
	manualTrigger   = "manual"
)

// operator is who asks a server for a run: it does not know the person.
const operator = "operator"

// Scheduled returns the active integrations as what a [schedule.Runner] starts:
//
//	runner := schedule.NewRunner(s.Scheduled(), schedule.Options{Logger: logger})
//	err := runner.Run(ctx)
//
// When an integration ran last is in the Journal, so that a restart loses no run,
// and several processes may start the integrations of one store: the store's lease
// sees to it that each runs once at a time. A run that was interrupted, or whose
// process has died, is taken up at once. Integrations that read with one credential
// are one group.
func (s *Syncer) Scheduled() schedule.Source { return &scheduled{s: s} }

type scheduled struct {
	s *Syncer

	mu  sync.Mutex
	cut map[string]bool // what Jobs said of each: a run of it was cut off
}

// Jobs returns the active integrations.
func (d *scheduled) Jobs(ctx context.Context) ([]schedule.Job, error) {
	all, err := d.s.journal.Integrations(ctx)
	if err != nil {
		return nil, fmt.Errorf("list integrations: %w", err)
	}
	var jobs []schedule.Job
	cut := map[string]bool{}
	for _, in := range all {
		if in.State != Active {
			continue
		}
		last, err := d.last(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		cut[in.ID] = cutOff(last)
		jobs = append(jobs, schedule.Job{
			ID: in.ID, Schedule: in.Schedule.For(in.ID), Last: last.Started, Since: in.scheduledSince(), Interrupted: cut[in.ID],
			Group: strings.TrimSuffix(in.Connector+" "+in.Credential, " "),
		})
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut = cut
	return jobs, nil
}

// cutOff reports whether a run has not come to its end. One that says that it runs
// may have died with its process; if not, the lease tells.
func cutOff(r Run) bool { return r.Status == Interrupted || r.Status == Running }

// last returns the last run of an integration, the zero Run if there is none. What
// puts a run back is none of the integration's own.
func (d *scheduled) last(ctx context.Context, id string) (Run, error) {
	for limit := 5; ; limit *= 4 {
		runs, err := d.s.journal.Runs(ctx, RunQuery{Integration: id, Limit: limit})
		if err != nil {
			return Run{}, fmt.Errorf("list the runs of %q: %w", id, err)
		}
		for _, r := range runs {
			if r.Trigger != revertTrigger {
				return r, nil
			}
		}
		if len(runs) < limit {
			return Run{}, nil
		}
	}
}

// scheduledSince returns from when the integration's schedule counts.
func (in *Integration) scheduledSince() time.Time {
	since := in.LaunchedAt
	for _, e := range slices.Backward(in.Changes) {
		if e.What == scheduleEdit+" changed" && e.At.After(since) {
			since = e.At
		}
	}
	return cmp.Or(since, in.CreatedAt)
}

// Start runs an integration to its end.
func (d *scheduled) Start(ctx context.Context, id string, due time.Time) error {
	d.mu.Lock()
	resuming := d.cut[id]
	d.mu.Unlock()
	opt := RunOptions{Trigger: scheduleTrigger, By: scheduleTrigger, due: due, resuming: resuming}
	if schedule.Asked(ctx) {
		opt.Trigger, opt.By, opt.resuming = manualTrigger, operator, false
	}
	_, err := d.s.Run(ctx, id, opt)
	var busy *BusyError
	if errors.As(err, &busy) || errors.Is(err, errRanSince) {
		return fmt.Errorf("%w: %w", schedule.ErrBusy, err)
	}
	return err
}

// errRanSince says that another process has run an integration since it was due.
var errRanSince = errors.New("it has run since it was due")

// ranSince reports whether a scheduled run is not needed any more, as the lease
// tells: the last one has come to its end, and had started when it was due or later;
// or it was the one to be taken up.
func ranSince(last checkpoint, opt RunOptions) bool {
	if opt.due.IsZero() || !last.Done || last.Run.Trigger == revertTrigger {
		return false
	}
	return opt.resuming || !last.Run.Started.Before(opt.due)
}
