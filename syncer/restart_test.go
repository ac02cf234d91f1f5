package syncer_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/syncer"
)

// cursors returns where the vendor was asked to begin, read by read.
func (f *feed) cursors() []string {
	var cursors []string
	for _, r := range f.fake.Requests() {
		cursors = append(cursors, string(r.Cursor))
	}
	return cursors
}

func TestAfterAFailureThatMayPassTheRunGoesOnAtTheLastCommittedCursor(t *testing.T) {
	t.Parallel()
	down := connector.Errorf(connector.ErrUnavailable, "list", "the vendor is down")
	for name, tc := range map[string]struct {
		script   map[int]connectortest.Step // pages of 2 of 10 devices, batches of 4
		restarts int                        // Options.MaxRestarts
		edit     func(f *connectortest.Fake)
		cursors  []string
		counts   string
		status   syncer.Status
		told     int // Run.Restarts
	}{
		"nothing happens": {
			cursors: []string{""}, counts: "created 10", status: syncer.Succeeded,
		},
		"once, in the middle: what was read up to there is kept": {
			script:  map[int]connectortest.Step{3: {Err: down, Times: 1}},
			cursors: []string{"", "offset:6"}, counts: "created 10", status: syncer.Succeeded, told: 1,
		},
		"before anything was read": {
			script:  map[int]connectortest.Step{0: {Err: down, Times: 2}},
			cursors: []string{"", "", ""}, counts: "created 10", status: syncer.Succeeded, told: 2,
		},
		"at several places": {
			script:  map[int]connectortest.Step{1: {Err: down, Times: 2}, 4: {Err: down, Times: 3}},
			cursors: []string{"", "offset:2", "offset:2", "offset:8", "offset:8", "offset:8"}, counts: "created 10", status: syncer.Succeeded, told: 5,
		},
		"three times at one place": {
			script:  map[int]connectortest.Step{2: {Err: down, Times: 3}},
			cursors: []string{"", "offset:4", "offset:4", "offset:4"}, counts: "created 10", status: syncer.Succeeded, told: 3,
		},
		"four times at one place: the run fails": {
			script:  map[int]connectortest.Step{2: {Err: down, Times: 4}},
			cursors: []string{"", "offset:4", "offset:4", "offset:4"}, counts: "created 4", status: syncer.Failed, told: 3,
		},
		"five times, and the host allows it": {
			script: map[int]connectortest.Step{2: {Err: down, Times: 5}}, restarts: 5,
			cursors: []string{"", "offset:4", "offset:4", "offset:4", "offset:4", "offset:4"}, counts: "created 10", status: syncer.Succeeded, told: 5,
		},
		"never, if the host says so": {
			script: map[int]connectortest.Step{2: {Err: down, Times: 1}}, restarts: -1,
			cursors: []string{""}, counts: "created 4", status: syncer.Failed,
		},
		"only to a resume point": {
			edit:    func(f *connectortest.Fake) { f.ResumeEvery = 2 },
			script:  map[int]connectortest.Step{3: {Err: down, Times: 1}},
			cursors: []string{"", "offset:4"}, counts: "created 10", status: syncer.Succeeded, told: 1,
		},
		"from the start, if there is no resume point": {
			edit:    func(f *connectortest.Fake) { f.NoCursor = true },
			script:  map[int]connectortest.Step{3: {Err: down, Times: 1}},
			cursors: []string{"", ""}, counts: "created 10", status: syncer.Succeeded, told: 1,
		},
		"an error without a class that the network made": {
			script:  map[int]connectortest.Step{1: {Err: fmt.Errorf("list: %w", context.DeadlineExceeded), Times: 1}},
			cursors: []string{"", "offset:2"}, counts: "created 10", status: syncer.Succeeded, told: 1,
		},
		"an error that will not pass is not tried again": {
			script:  map[int]connectortest.Step{1: {Err: connector.Errorf(connector.ErrAuth, "list", "expired"), Times: 1}},
			cursors: []string{""}, counts: "created 2", status: syncer.Failed,
		},
		"an expired cursor: from the start, and nothing counts twice": {
			script:  map[int]connectortest.Step{3: {Err: connector.Errorf(connector.ErrCursor, "list", "too old"), Times: 1}},
			cursors: []string{"", ""}, counts: "created 10", status: syncer.Succeeded, told: 1,
		},
		"a cursor that always expires": {
			script:  map[int]connectortest.Step{3: {Err: connector.Errorf(connector.ErrCursor, "list", "too old")}},
			cursors: []string{"", "", "", ""}, counts: "created 6", status: syncer.Failed, told: 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.devices().sends(numbered(10, device)...).scripts(tc.script)
			mdm.fake.PageSize, mdm.opt.BatchSize, mdm.opt.MaxRestarts = 2, 4, tc.restarts
			if tc.edit != nil {
				tc.edit(mdm.fake)
			}
			run, err := mdm.try(t.Context())
			require.Equal(t, tc.status == syncer.Failed, err != nil, "%v", err)
			require.Equal(t, tc.status, run.Status)
			s.expect(run, tc.counts)
			require.Equal(t, tc.cursors, mdm.cursors())
			require.Equal(t, tc.told, run.Restarts)
			require.Equal(t, len(tc.cursors), int(mdm.fake.Opens.Load()), "each time a new source is opened")
			require.Equal(t, len(tc.cursors), int(mdm.fake.Closes.Load()))
			require.EqualValues(t, run.Counts.Created, s.live())
		})
	}
}

func TestAnExpiredCursorCountsNothingTwice(t *testing.T) {
	t.Parallel()
	expired := map[int]connectortest.Step{3: {Err: connector.ErrCursor, Times: 1}}
	stories(t, map[string]func(s *scene){
		"duplicates, failures and records without vendor id": func(s *scene) {
			records := []string{device(1), device(1), `{"serial": "none"}`, `{"id": "v2", "memory": "much"}`, `{`, device(3), `[]`, device(3), device(4), `{}`}
			mdm := s.devices().sendsPages(2, records...).scripts(expired)
			run := mdm.run()
			s.expect(run, "created 3, skipped 2, failed 5")
			require.Equal(s, []string{"", ""}, mdm.cursors())
			unbroken := newScene(s.T)
			s.expect(run, tally(unbroken.devices().sendsPages(2, records...).run().Counts))
		},
		"though the vendor is down after that": func(s *scene) {
			records := []string{`{}`, device(1), `{`, device(2), device(3), `[]`, `{}`, device(4), device(4), `{}`, device(5), device(1)}
			mdm := s.devices().sendsPages(2, records...).scripts(map[int]connectortest.Step{
				3: {Err: connector.ErrCursor, Times: 1}, 2: {Err: connector.ErrUnavailable, Times: 1}, 4: {Err: connector.ErrUnavailable, Times: 1},
			})
			s.expect(mdm.run(), "created 5, skipped 2, failed 5")
			require.Equal(s, []string{"", "offset:4", "", "offset:8"}, mdm.cursors())
		},
		"though the vendor is down while it reads again": func(s *scene) {
			records := []string{`{}`, device(1), `{`, device(2), device(3), `[]`, `{}`, device(4), device(4), `{}`, device(5), device(1)}
			mdm := s.devices().sendsPages(2, records...)
			steps := 0
			mdm.scripts(map[int]connectortest.Step{4: {Err: connector.ErrCursor, Times: 1}, 2: {Do: func() {
				// The second time that the page comes, which is after the cursor expired.
				if steps++; steps == 2 {
					mdm.fake.Script[3] = connectortest.Step{Err: connector.ErrUnavailable, Times: 1}
				}
			}}})
			s.expect(mdm.run(), "created 5, skipped 2, failed 5")
			require.Equal(s, []string{"", "", "offset:6"}, mdm.cursors())
		},
		"a record that the vendor adds in between is read": func(s *scene) {
			mdm := s.devices().serves(&connectortest.Fake{PageSize: 1, Count: 4})
			mdm.opt.BatchSize = 1
			grown := false
			mdm.fake.Generate = func(i int) connector.Record {
				if grown && i == 0 {
					return connector.Record(device(99))
				}
				return connector.Record(device(i))
			}
			mdm.scripts(map[int]connectortest.Step{3: {Err: connector.ErrCursor, Times: 1, Do: func() { grown = true }}})
			s.expect(mdm.run(), "created 5")
		},
		"a record that vanishes in between does not hide one without vendor id that follows": func(s *scene) {
			reading := func(mdm *feed) *bool {
				vanished := false
				mdm.serves(&connectortest.Fake{PageSize: 1, Count: 7, Generate: func(i int) connector.Record {
					if vanished && i == 0 {
						return connector.Record(device(99))
					}
					return connector.Record([]string{device(0), `{}`, device(2), device(3), `{}`, `{}`, device(6)}[i])
				}})
				mdm.opt.BatchSize = 1
				return &vanished
			}
			for name, begins := range map[string][]string{"and the vendor stays up": {"", ""}, "and the vendor is down after that": {"", "", "offset:3"}} {
				s.Run(name, func(t *testing.T) {
					s := newScene(t)
					mdm := s.devices()
					vanished := reading(mdm)
					script := map[int]connectortest.Step{3: {Err: connector.ErrCursor, Times: 1, Do: func() { *vanished = true }}}
					if len(begins) == 3 {
						script[2] = connectortest.Step{Do: func() {
							if *vanished {
								delete(mdm.fake.Script, 2)
								mdm.fake.Script[3] = connectortest.Step{Err: connector.ErrUnavailable, Times: 2} // of which one is the cursor's
							}
						}}
					}
					s.expect(mdm.scripts(script).run(), "created 5, failed 3")
					require.Equal(t, begins, mdm.cursors())
				})
			}
		},
		"a duplicate that the vendor adds in between is skipped": func(s *scene) {
			mdm := s.devices()
			changed := false
			mdm.serves(&connectortest.Fake{PageSize: 1, Count: 5, Generate: func(i int) connector.Record {
				if changed && i == 1 {
					return connector.Record(device(0))
				}
				return connector.Record(device(i))
			}})
			mdm.opt.BatchSize = 1
			mdm.scripts(map[int]connectortest.Step{3: {Err: connector.ErrCursor, Times: 1, Do: func() { changed = true }}})
			s.expect(mdm.run(), "created 5, skipped 1")
		},
		"absence is judged over both readings": func(s *scene) {
			mdm := s.inStep(syncer.ArchiveAbsent, 10)
			run := mdm.sendsPages(2, numbered(9, device)...).scripts(expired).run()
			s.expect(run, "unchanged 9")
			require.Equal(s, syncer.Vanished{Missing: 1, Archived: 1}, run.Vanished)
		},
	})
}

// A fickle connector's cursors expire after so many pages of one record, another
// number each time.
type fickle struct {
	connectortest.Fake
	patience []int
	reads    int
}

func (f *fickle) Open(ctx context.Context, cfg connector.Config) (connector.Source, error) {
	src, err := f.Fake.Open(ctx, cfg)
	return &fickleSource{Source: src, fickle: f}, err
}

type fickleSource struct {
	connector.Source
	fickle *fickle
}

func (s *fickleSource) Read(ctx context.Context, req connector.Request) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		left := s.fickle.patience[s.fickle.reads%len(s.fickle.patience)]
		s.fickle.reads++
		for page, err := range s.Source.Read(ctx, req) {
			if left--; left < 0 {
				yield(connector.Page{}, connector.Errorf(connector.ErrCursor, "list", "too old"))
				return
			}
			if !yield(page, err) {
				return
			}
		}
	}
}

func TestCursorsThatExpireNowHereNowThereDoNotKeepARunForEver(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mdm := s.devices().sends()
	mdm.opt.BatchSize = 1
	vendor := &fickle{patience: []int{2, 3, 4}}
	vendor.ID, vendor.PageSize, vendor.Count = "mdm", 1, 10
	vendor.Generate = func(i int) connector.Record { return connector.Record(device(i)) }
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	run, err := mdm.syncerOf(vendor).Run(ctx, "mdm", syncer.RunOptions{})
	require.ErrorIs(t, err, connector.ErrCursor)
	require.Equal(t, syncer.Failed, run.Status)
	s.expect(run, "created 4")
	require.Equal(t, 6, vendor.reads, "two more records each of the first three times, then three tries for nothing")
}

func TestTheVendorsLimitIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		after time.Duration
		waits time.Duration
		told  time.Duration
	}{
		"as long as it says":                    {90 * time.Second, 90 * time.Second, 90 * time.Second},
		"or the usual pause if that is longer":  {time.Second, 2 * time.Second, 0},
		"or the usual pause if it says nothing": {0, 2 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t)
				mdm := s.devices().sendsPages(2, numbered(6, device)...).scripts(map[int]connectortest.Step{
					1: {Err: &connector.Error{Class: connector.ErrRateLimited, Op: "list", RetryAfter: tc.after}, Times: 1},
				})
				mdm.opt.RestartDelay = 2 * time.Second
				start := time.Now()
				run := mdm.run()
				require.Equal(t, tc.waits, time.Since(start))
				require.Equal(t, tc.told, run.Waited)
				s.expect(run, "created 6")
				require.Equal(t, []string{"", "offset:2"}, mdm.cursors())
			})
		})
	}
	t.Run("the pause doubles, from a second on", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t)
			mdm := s.devices().sends(device(1)).scripts(map[int]connectortest.Step{0: {Err: connector.ErrUnavailable}})
			mdm.opt.RestartDelay = 0
			start := time.Now()
			_, err := mdm.fails()
			require.ErrorIs(t, err, connector.ErrUnavailable)
			require.Equal(t, 7*time.Second, time.Since(start), "1 + 2 + 4")
		})
	})
	t.Run("a run that is told to stop does not wait on", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t)
			mdm := s.devices().sends(device(1)).scripts(map[int]connectortest.Step{0: {Err: &connector.Error{Class: connector.ErrRateLimited, RetryAfter: time.Hour}}})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			start := time.Now()
			run, err := mdm.try(ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, syncer.Interrupted, run.Status)
			require.Equal(t, time.Minute, time.Since(start))
		})
	})
}

func TestACursorThatComesBackFailsTheRun(t *testing.T) {
	t.Parallel()
	for name, pages := range map[string][]string{
		"the page's own":      {"a", "a"},
		"the one before":      {"a", "b", "a"},
		"a long way back":     {"a", "b", "c", "d", "e", "f", "g", "b"},
		"the one it began at": {"a", "b", "c", "d"}, // and so on
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.devices()
			mdm.opt.BatchSize = 1
			vendor := &looping{cursors: pages}
			vendor.ID = "mdm"
			run, err := mdm.syncerOf(vendor).Run(t.Context(), "mdm", syncer.RunOptions{})
			require.ErrorIs(t, err, connector.ErrMalformed)
			require.ErrorContains(t, err, "came back")
			require.Equal(t, syncer.Failed, run.Status)
			require.False(t, run.Complete)
			require.Less(t, vendor.yielded, 3*len(pages)+2)
		})
	}
}

// A looping connector goes through these cursors, and from the last one on as
// from where that stood first, for ever.
type looping struct {
	connectortest.Fake
	cursors []string
	yielded int
}

func (l *looping) Open(ctx context.Context, cfg connector.Config) (connector.Source, error) {
	src, err := l.Fake.Open(ctx, cfg)
	return &loopingSource{Source: src, looping: l}, err
}

type loopingSource struct {
	connector.Source
	looping *looping
}

func (s *loopingSource) Read(context.Context, connector.Request) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		l := s.looping
		for i := 0; ; i++ {
			if i == len(l.cursors) {
				i = 0
				for l.cursors[i] != l.cursors[len(l.cursors)-1] {
					i++
				}
				i = (i + 1) % len(l.cursors)
			}
			l.yielded++
			if !yield(connector.Page{Records: []connector.Record{connector.Record(device(i))}, Next: connector.Cursor(l.cursors[i])}, nil) {
				return
			}
		}
	}
}

func TestWhatASourceWaitsIsCounted(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mdm := s.devices().sends(device(1), device(2))
	mdm.fake.PageSize = 1
	waits := waiting{mdm.fake}
	run, err := mdm.syncerOf(waits).Run(t.Context(), "mdm", syncer.RunOptions{})
	require.NoError(t, err)
	require.Equal(t, 3*time.Second, run.Waited)
}

// waiting is a connector that says at each read that it waits.
type waiting struct{ *connectortest.Fake }

func (w waiting) Open(ctx context.Context, cfg connector.Config) (connector.Source, error) {
	src, err := w.Fake.Open(ctx, cfg)
	return waitingSource{src}, err
}

type waitingSource struct{ connector.Source }

func (w waitingSource) Read(ctx context.Context, req connector.Request) iter.Seq2[connector.Page, error] {
	connector.ReportWait(ctx, connector.Wait{For: time.Second, Reason: "rate limit"})
	connector.ReportWait(ctx, connector.Wait{For: 2 * time.Second, Reason: "retry"})
	return w.Source.Read(ctx, req)
}
