package memory

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/vendorsync/vendorsync/syncer"
)

// A journal keeps integrations, runs and precedences as JSON, so that what a caller holds and
// what is kept share nothing.
type journal struct {
	integrations map[string][]byte
	runs         map[string]run
	saved        int // how many runs were ever added
	precedences  map[string][]byte
}

type run struct {
	syncer.Run
	data      []byte
	number    int // in the order in which runs were added
	cancelled bool
	payload   [][]byte
}

func newJournal() journal {
	return journal{integrations: map[string][]byte{}, runs: map[string]run{}, precedences: map[string][]byte{}}
}

func decode[V any](data []byte) (V, error) {
	var v V
	err := json.Unmarshal(data, &v)
	return v, err
}

// SaveIntegration inserts or replaces the integration of that id.
func (s *Store) SaveIntegration(ctx context.Context, in syncer.Integration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	data, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("save integration %q: %w", in.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal.integrations[in.ID] = data
	return nil
}

// Integration returns one integration, or an error that is syncer.ErrNotFound.
func (s *Store) Integration(ctx context.Context, id string) (syncer.Integration, error) {
	if err := ctx.Err(); err != nil {
		return syncer.Integration{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.journal.integrations[id]
	if !ok {
		return syncer.Integration{}, fmt.Errorf("integration %q: %w", id, syncer.ErrNotFound)
	}
	return decode[syncer.Integration](data)
}

// Integrations returns all, ordered by id.
func (s *Store) Integrations(ctx context.Context) ([]syncer.Integration, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]syncer.Integration, 0, len(s.journal.integrations))
	for _, id := range slices.Sorted(maps.Keys(s.journal.integrations)) {
		in, err := decode[syncer.Integration](s.journal.integrations[id])
		if err != nil {
			return nil, fmt.Errorf("integration %q: %w", id, err)
		}
		all = append(all, in)
	}
	return all, nil
}

// SaveRun inserts or replaces the run of that id. It leaves a request to cancel
// as it is.
func (s *Store) SaveRun(ctx context.Context, r syncer.Run) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("save run %q: %w", r.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, ok := s.journal.runs[r.ID]
	if !ok {
		s.journal.saved++
		kept.number = s.journal.saved
	}
	kept.Run, kept.data = syncer.Run{ID: r.ID, Integration: r.Integration, Status: r.Status, Test: r.Test, Started: r.Started, Finished: r.Finished}, data
	s.journal.runs[r.ID] = kept
	return nil
}

// withRun calls do with a run, or returns an error that is syncer.ErrNotFound.
func (s *Store) withRun(ctx context.Context, id string, do func(r *run) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.journal.runs[id]
	if !ok {
		return fmt.Errorf("run %q: %w", id, syncer.ErrNotFound)
	}
	if err := do(&r); err != nil {
		return fmt.Errorf("run %q: %w", id, err)
	}
	s.journal.runs[id] = r
	return nil
}

// Run returns one run, or an error that is syncer.ErrNotFound.
func (s *Store) Run(ctx context.Context, id string) (found syncer.Run, err error) {
	err = s.withRun(ctx, id, func(r *run) error {
		found, err = decode[syncer.Run](r.data)
		return err
	})
	return found, err
}

// newest compares runs so that the newest comes first.
func newest(a, b run) int {
	return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(b.number, a.number))
}

// Runs returns the newest runs first.
func (s *Store) Runs(ctx context.Context, q syncer.RunQuery) ([]syncer.Run, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []syncer.Run{}
	for _, r := range slices.SortedFunc(maps.Values(s.journal.runs), newest) {
		if q.Integration != "" && r.Integration != q.Integration || r.Test && !q.Test {
			continue
		}
		decoded, err := decode[syncer.Run](r.data)
		if err != nil {
			return nil, fmt.Errorf("run %q: %w", r.ID, err)
		}
		found = append(found, decoded)
		if len(found) == q.Limit {
			break
		}
	}
	return found, nil
}

// RequestCancel asks the run to stop; it returns an error that is
// syncer.ErrNotFound if there is none of that id.
func (s *Store) RequestCancel(ctx context.Context, id string) error {
	return s.withRun(ctx, id, func(r *run) error {
		r.cancelled = true
		return nil
	})
}

// CancelRequested tells whether somebody has asked the run to stop.
func (s *Store) CancelRequested(ctx context.Context, id string) (cancelled bool, err error) {
	err = s.withRun(ctx, id, func(r *run) error {
		cancelled = r.cancelled
		return nil
	})
	return cancelled, err
}

// AppendPayload adds records to a test run's payload.
func (s *Store) AppendPayload(ctx context.Context, id string, records []syncer.TestRecord) error {
	return s.withRun(ctx, id, func(r *run) error {
		added := make([][]byte, len(records))
		for i, rec := range records {
			var err error
			if added[i], err = json.Marshal(rec); err != nil {
				return fmt.Errorf("append payload: %w", err)
			}
		}
		r.payload = append(slices.Clip(r.payload), added...)
		return nil
	})
}

// Payload yields a test run's payload in order.
func (s *Store) Payload(ctx context.Context, id string) iter.Seq2[syncer.TestRecord, error] {
	return func(yield func(syncer.TestRecord, error) bool) {
		var payload [][]byte
		err := s.withRun(ctx, id, func(r *run) error {
			payload = r.payload
			return nil
		})
		if err != nil {
			yield(syncer.TestRecord{}, err)
			return
		}
		for _, data := range payload {
			rec, err := decode[syncer.TestRecord](data)
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// PruneRuns removes runs that ended before the given time, with their payloads,
// but of each integration at least the newest keep.
func (s *Store) PruneRuns(ctx context.Context, before time.Time, keep int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	removed, seen := 0, map[string]int{}
	for _, r := range slices.SortedFunc(maps.Values(s.journal.runs), newest) {
		seen[r.Integration]++
		if seen[r.Integration] <= keep || !r.Status.Ended() || !r.Finished.Before(before) {
			continue
		}
		delete(s.journal.runs, r.ID)
		removed++
	}
	return removed, nil
}

// SavePrecedence inserts or replaces the precedence of an object; one that orders
// nothing removes it.
func (s *Store) SavePrecedence(ctx context.Context, p syncer.Precedence) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("save the precedence of %s: %w", p.Object, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ordersNothing(p) {
		delete(s.journal.precedences, p.Object)
		return nil
	}
	s.journal.precedences[p.Object] = data
	return nil
}

// ordersNothing reports whether a precedence names no integration.
func ordersNothing(p syncer.Precedence) bool {
	for _, order := range p.Fields {
		if len(order) > 0 {
			return false
		}
	}
	return len(p.Order) == 0
}

// Precedence returns the precedence of an object, a zero one with its name if
// there is none.
func (s *Store) Precedence(ctx context.Context, object string) (syncer.Precedence, error) {
	if err := ctx.Err(); err != nil {
		return syncer.Precedence{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.journal.precedences[object]
	if !ok {
		return syncer.Precedence{Object: object}, nil
	}
	return decode[syncer.Precedence](data)
}
