package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/syncer"
)

// genMixed draws devices, one that was drawn before perhaps, and where some are
// torn, what is none.
func genMixed(torn bool) func(t *rapid.T) string {
	return func(t *rapid.T) string { return mixed(t, torn) }
}

func mixed(t *rapid.T, torn bool) string {
	id := rapid.IntRange(0, 12).Draw(t, "id")
	switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
	case kind == 0 && torn:
		return `{"serial": "nobody's"}`
	case kind == 1 && torn:
		return `{"id": "torn`
	case kind == 2:
		return fmt.Sprintf(`{"id": "v%d", "memory": "much"}`, id)
	case kind == 3:
		return fmt.Sprintf(`{"id": "v%d", "name": "without a key"}`, id)
	}
	return fmt.Sprintf(`{"id": "v%d", "serial": "S%d", "apps": [{"name": "App %d", "version": "1"}]}`, id, id, id%3)
}

// genScript draws what goes wrong at the vendor, less often than the run takes.
func genScript(t *rapid.T, pages int) map[int]connectortest.Step {
	script := map[int]connectortest.Step{}
	for range rapid.IntRange(0, 3).Draw(t, "failures") {
		script[rapid.IntRange(0, max(0, pages-1)).Draw(t, "page")] = connectortest.Step{
			Err:   rapid.SampledFrom([]error{connector.ErrUnavailable, connector.ErrCursor}).Draw(t, "failure"),
			Times: rapid.IntRange(1, 2).Draw(t, "times"),
		}
	}
	return script
}

// Whatever breaks a run on its way, a vendor that is down, a cursor that expires,
// a host that ends, once and again, in the end it has done and counted what an
// unbroken run does.
func TestABrokenRunComesToWhatAnUnbrokenOneDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		records := rapid.SliceOfN(rapid.Custom(genMixed(rapid.Bool().Draw(rt, "torn"))), 0, 40).Draw(rt, "records")
		known := rapid.IntRange(0, 14).Draw(rt, "known")
		in := withSoftware(assets("mdm"))
		in.Absence = rapid.SampledFrom([]syncer.Absence{syncer.Keep, syncer.FlagAbsent, syncer.ArchiveAbsent}).Draw(rt, "absence")
		page := rapid.IntRange(1, 5).Draw(rt, "page size")
		batch := rapid.IntRange(1, 5).Draw(rt, "batch size")
		prepared := func() *feed {
			mdm := newScene(t).launched(in)
			mdm.sends(numbered(known, device)...).run()
			return mdm.sends(records...)
		}

		unbroken := prepared()
		want := unbroken.run()

		broken := prepared()
		broken.opt.BatchSize, broken.opt.MaxRestarts = batch, 10
		broken.fake.PageSize = page
		broken.fake.NoCursor = rapid.IntRange(0, 3).Draw(rt, "no cursor") == 0
		broken.fake.ResumeEvery = rapid.IntRange(0, 3).Draw(rt, "resume every")
		broken.fake.LastAlone = rapid.Bool().Draw(rt, "last alone")
		broken.scripts(genScript(rt, len(records)/page+1))
		ends := rapid.SliceOfN(rapid.IntRange(1, 6), 0, 3).Draw(rt, "the host ends after so many batches")
		got, err := broken.runOver(ends)
		if err != nil {
			rt.Fatalf("the run failed: %v", err)
		}
		if w, g := numbers(want), numbers(got); w != g {
			rt.Fatalf("an unbroken run: %s\nthe broken one: %s", w, g)
		}
		if w, g := dump(rt, unbroken.store), dump(rt, broken.store); w != g {
			rt.Fatalf("after an unbroken run:\n%s\nafter the broken one:\n%s", w, g)
		}
		if w, g := unbroken.links("mdm"), broken.links("mdm"); !slices.Equal(w, g) {
			rt.Fatalf("links after an unbroken run: %q, after the broken one: %q", w, g)
		}
	})
}

// runOver makes a full run that its host ends after so many batches, each time
// that it is taken up.
func (f *feed) runOver(ends []int) (syncer.Run, error) {
	f.Helper()
	for _, n := range ends {
		ctx, cancel := context.WithCancel(f.Context())
		m := f.meddles()
		m.apply = func(ctx context.Context, b *syncer.Batch) error {
			err := m.Store.Apply(ctx, b)
			if n--; n == 0 {
				cancel()
			}
			return err
		}
		run, err := f.syncer().Run(ctx, f.in.ID, syncer.RunOptions{})
		cancel()
		f.through = f.store
		if !errors.Is(err, context.Canceled) {
			return run, err // the end came first
		}
		require.Equal(f, syncer.Interrupted, run.Status)
	}
	return f.syncer().Run(f.Context(), f.in.ID, syncer.RunOptions{})
}
