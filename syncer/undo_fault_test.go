package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// A brittle store fails at its nth call, and at no other.
type brittle struct {
	*memory.Store
	at, calls int
}

var errBrittle = errors.New("the store broke")

func (b *brittle) fails() bool {
	b.calls++
	return b.calls == b.at
}

func (b *brittle) Schema(ctx context.Context) (*mapping.Schema, error) {
	if b.fails() {
		return nil, errBrittle
	}
	return b.Store.Schema(ctx)
}

func (b *brittle) Match(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
	if b.fails() {
		return nil, errBrittle
	}
	return b.Store.Match(ctx, q)
}

func (b *brittle) Apply(ctx context.Context, batch *syncer.Batch) error {
	if b.fails() {
		return errBrittle
	}
	return b.Store.Apply(ctx, batch)
}

func (b *brittle) Begin(ctx context.Context, c syncer.Claim) (syncer.Lease, error) {
	if b.fails() {
		return syncer.Lease{}, errBrittle
	}
	return b.Store.Begin(ctx, c)
}

func (b *brittle) Trace(ctx context.Context, object string, ids []string) ([]syncer.Trace, error) {
	if b.fails() {
		return nil, errBrittle
	}
	return b.Store.Trace(ctx, object, ids)
}

func (b *brittle) Merge(ctx context.Context, m syncer.Merge) error {
	if b.fails() {
		return errBrittle
	}
	return b.Store.Merge(ctx, m)
}

func (b *brittle) Split(ctx context.Context, m syncer.Merge) ([]string, error) {
	if b.fails() {
		return nil, errBrittle
	}
	return b.Store.Split(ctx, m)
}

func (b *brittle) Run(ctx context.Context, id string) (syncer.Run, error) {
	if b.fails() {
		return syncer.Run{}, errBrittle
	}
	return b.Store.Run(ctx, id)
}

func (b *brittle) SaveRun(ctx context.Context, r syncer.Run) error {
	if b.fails() {
		return errBrittle
	}
	return b.Store.SaveRun(ctx, r)
}

func (b *brittle) CancelRequested(ctx context.Context, run string) (bool, error) {
	if b.fails() {
		return false, errBrittle
	}
	return b.Store.CancelRequested(ctx, run)
}

func (b *brittle) Integration(ctx context.Context, id string) (syncer.Integration, error) {
	if b.fails() {
		return syncer.Integration{}, errBrittle
	}
	return b.Store.Integration(ctx, id)
}

func (b *brittle) Integrations(ctx context.Context) ([]syncer.Integration, error) {
	if b.fails() {
		return nil, errBrittle
	}
	return b.Store.Integrations(ctx)
}

func (b *brittle) SavePrecedence(ctx context.Context, p syncer.Precedence) error {
	if b.fails() {
		return errBrittle
	}
	return b.Store.SavePrecedence(ctx, p)
}

func (b *brittle) Precedence(ctx context.Context, object string) (syncer.Precedence, error) {
	if b.fails() {
		return syncer.Precedence{}, errBrittle
	}
	return b.Store.Precedence(ctx, object)
}

// breaking yields what a store does, or, where that is the call that fails, one
// element and then the error.
func breaking[V any](fails bool, all iter.Seq2[V, error]) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		for v, err := range all {
			if !yield(v, err) {
				return
			}
			if fails {
				break
			}
		}
		if fails {
			var zero V
			yield(zero, errBrittle)
		}
	}
}

func (b *brittle) Records(ctx context.Context, q syncer.RecordQuery) iter.Seq2[syncer.Record, error] {
	return breaking(b.fails(), b.Store.Records(ctx, q))
}

func (b *brittle) History(ctx context.Context, object, id string) iter.Seq2[syncer.Event, error] {
	return breaking(b.fails(), b.Store.History(ctx, object, id))
}

func (b *brittle) RunEvents(ctx context.Context, run string) iter.Seq2[syncer.Event, error] {
	return breaking(b.fails(), b.Store.RunEvents(ctx, run))
}

func (b *brittle) Merges(ctx context.Context, object string) iter.Seq2[syncer.Merge, error] {
	if b.fails() {
		return func(yield func(syncer.Merge, error) bool) { yield(syncer.Merge{}, errBrittle) }
	}
	return b.Store.Merges(ctx, object)
}

// Wherever the store breaks, whoever asked is told, every source is closed, and
// the next try succeeds.
func TestAStoreThatBreaksIsTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		set func(s *scene) (do func(s *syncer.Syncer) error)
	}{
		"while a run is put back": {func(s *scene) func(*syncer.Syncer) error {
			mdm := s.launched(withSoftware(assets("mdm"))).sends(device(1), device(2))
			mdm.run()
			run := mdm.sends(`{"id": "v1", "serial": "S9", "name": "wrong", "apps": [{"name": "Slack", "version": "1"}]}`, `{"id": "v2", "serial": "S1"}`, device(3)).run()
			s.edits("assets", "1", map[string]string{"device_name": "by hand"})
			return func(sy *syncer.Syncer) error {
				_, err := sy.Revert(s.Context(), run.ID, syncer.RevertOptions{By: undoer})
				return err
			}
		}},
		"while it is foretold": {func(s *scene) func(*syncer.Syncer) error {
			mdm := s.devices().sends(device(1))
			run := mdm.run()
			return func(sy *syncer.Syncer) error {
				_, err := sy.Revert(s.Context(), run.ID, syncer.RevertOptions{By: undoer, DryRun: true})
				return err
			}
		}},
		"while duplicates are looked for": {func(s *scene) func(*syncer.Syncer) error {
			s.inserts("assets", map[string]string{"serial_number": "C02-X1"})
			s.inserts("assets", map[string]string{"serial_number": "C02X1"})
			return func(sy *syncer.Syncer) error {
				for _, err := range sy.Duplicates(s.Context(), "assets", syncer.DuplicateOptions{}) {
					if err != nil {
						return err
					}
				}
				return nil
			}
		}},
		"while records are made one, and two again": {func(s *scene) func(*syncer.Syncer) error {
			s.inserts("assets", map[string]string{"serial_number": "C02-X1"})
			s.inserts("assets", map[string]string{"serial_number": "C02X1"})
			return func(sy *syncer.Syncer) error {
				if _, err := sy.Merge(s.Context(), "assets", "1", "2", syncer.MergeOptions{By: "ada"}); err != nil && !errors.Is(err, connector.ErrInvalid) {
					return err // merged is merged
				}
				for _, err := range sy.Merges(s.Context(), "assets") {
					if err != nil {
						return err
					}
				}
				_, err := sy.Split(s.Context(), "assets", "2", "ada")
				return err
			}
		}},
		"while it is told where values come from": {func(s *scene) func(*syncer.Syncer) error {
			s.launched(withSoftware(assets("mdm"))).sends(`{"id": "v1", "serial": "S1", "apps": [{"name": "Slack"}]}`).run()
			id := s.rows("software_installs")[0].ID
			return func(sy *syncer.Syncer) error {
				_, err := sy.Provenance(s.Context(), "software_installs", id)
				return err
			}
		}},
		"while a precedence is set": {func(s *scene) func(*syncer.Syncer) error {
			s.drafted(assets("mdm"))
			return func(sy *syncer.Syncer) error {
				if err := sy.SetPrecedence(s.Context(), syncer.Precedence{Object: "assets", Order: []string{"mdm"}}, "ada"); err != nil {
					return err
				}
				_, err := sy.Precedence(s.Context(), "assets")
				return err
			}
		}},
		"while accounts are checked": {func(s *scene) func(*syncer.Syncer) error {
			s.chat(connector.Account{ID: "a1"}, connector.Account{ID: "a2"})
			return func(sy *syncer.Syncer) error {
				_, err := sy.CheckAccounts(s.Context(), "Chat", syncer.AccountOptions{User: "ada"})
				return err
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := 1; ; at++ {
				s := newScene(t)
				do := tc.set(s)
				b := &brittle{Store: s.store, at: at}
				s.through = b
				err := do(s.searcher())
				for _, f := range s.feeds {
					require.Equal(t, f.fake.Opens.Load(), f.fake.Closes.Load(), "every source is closed")
				}
				if b.calls < at {
					require.NoError(t, err)
					require.Greater(t, at, 3, "it was tried at each call")
					return
				}
				require.ErrorIs(t, err, errBrittle, fmt.Sprint("call ", at))
				s.through = s.store
				// A lease that could not be given back ends by itself.
				later := &feed{scene: s, opt: syncer.Options{Now: func() time.Time { return time.Now().Add(time.Hour) }}}
				require.NoError(t, do(later.syncer()), "after call %d failed", at)
			}
		})
	}
}
