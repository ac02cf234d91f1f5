package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

func TestTheStatusOfARun(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		prepare func(mdm *feed)
		want    syncer.Status
		counts  string
		err     error
	}{
		"succeeded":          {func(mdm *feed) { mdm.sends(device(1)) }, syncer.Succeeded, "created 1", nil},
		"succeeded, skipped": {func(mdm *feed) { mdm.sends(device(1), device(1)) }, syncer.Succeeded, "created 1, skipped 1", nil},
		"with problems":      {func(mdm *feed) { mdm.sends(device(1), `{"id": "v2", "memory": "much"}`) }, syncer.WithProblems, "created 1, failed 1", nil},
		"empty":              {func(mdm *feed) { mdm.sends() }, syncer.Empty, "", nil},
		"failed, since it could not be opened": {
			func(mdm *feed) {
				mdm.sends(device(1)).fake.OpenErr = connector.Errorf(connector.ErrTLS, "connect", "no trust")
			}, syncer.Failed, "", connector.ErrTLS,
		},
		"failed in the middle": {
			func(mdm *feed) {
				mdm.sendsPages(1, device(1), device(2)).scripts(map[int]connectortest.Step{1: {Err: connector.Errorf(connector.ErrPermission, "list", "not allowed")}})
			}, syncer.Failed, "created 1", connector.ErrPermission,
		},
		"failed, since the connector panicked": {
			func(mdm *feed) {
				mdm.sendsPages(1, device(1), device(2)).scripts(map[int]connectortest.Step{1: {Panic: "index out of range"}})
			}, syncer.Failed, "created 1", connector.ErrInternal,
		},
		"failed, since the stream stopped": {
			func(mdm *feed) {
				mdm.sendsPages(1, device(1), device(2)).scripts(map[int]connectortest.Step{1: {Stop: true}})
			}, syncer.Failed, "created 1", connector.ErrMalformed,
		},
		"failed, since the stream stopped at once": {
			func(mdm *feed) {
				mdm.sends(device(1)).scripts(map[int]connectortest.Step{0: {Stop: true}})
			}, syncer.Failed, "", connector.ErrMalformed,
		},
		"failed, since a cursor came back": {
			func(mdm *feed) {
				mdm.sendsPages(1, device(1), device(2), device(3)).scripts(map[int]connectortest.Step{1: {Repeat: true}})
			}, syncer.Failed, "created 1", connector.ErrMalformed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.devices()
			tc.prepare(mdm)
			run, err := mdm.try(t.Context())
			if tc.err == nil {
				require.NoError(t, err)
				require.Empty(t, run.Error)
			} else {
				require.ErrorIs(t, err, tc.err)
				require.ErrorContains(t, err, `run integration "mdm": `)
				require.NotEmpty(t, run.Error)
				require.NotEmpty(t, run.Remedy)
			}
			require.Equal(t, tc.want, run.Status)
			s.expect(run, tc.counts)
			require.False(t, run.Finished.Before(run.Started))
			kept, kerr := s.store.Run(t.Context(), run.ID)
			require.NoError(t, kerr)
			require.Equal(t, run.Status, kept.Status)
			require.Equal(t, run.Counts, kept.Counts)
			require.Equal(t, run.Error, kept.Error)
			require.Equal(t, mdm.fake.Opens.Load(), mdm.fake.Closes.Load()+failedOpens(mdm), "every source is closed")
			_, err = mdm.try(t.Context())
			var busy *syncer.BusyError
			require.False(t, errors.As(err, &busy), "the lease is given back")
		})
	}
}

func failedOpens(f *feed) int64 {
	if f.fake.OpenErr != nil {
		return f.fake.Opens.Load()
	}
	return 0
}

func TestARunSaysWhoWhatAndWhen(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mdm := s.devices().sends(device(1))
	mdm.fake.Describe = func(spec *connector.Spec) { spec.Version = "1.2.3" }
	clock := time.Date(2030, 1, 1, 12, 0, 0, 0, time.FixedZone("elsewhere", 3600))
	mdm.opt.Now = func() time.Time { return clock }
	run, err := mdm.syncer().Run(t.Context(), "mdm", syncer.RunOptions{Trigger: "schedule", By: "cron"})
	require.NoError(t, err)
	require.Len(t, run.ID, 20)
	require.Equal(t, "mdm", run.Integration)
	require.Equal(t, "schedule", run.Trigger)
	require.Equal(t, "cron", run.By)
	require.Equal(t, "mdm@example.com", run.User)
	require.Equal(t, "1.2.3", run.ConnectorVersion)
	require.NotEmpty(t, run.MappingVersion)
	require.Equal(t, "2030-01-01T11:00:00Z", run.Started.Format(time.RFC3339))
	require.Equal(t, "2030-01-01T11:00:00Z", run.Finished.Format(time.RFC3339))
	require.False(t, run.Test)
	require.True(t, run.Complete)

	again := mdm.run()
	require.NotEqual(t, run.ID, again.ID)
	require.Equal(t, "manual", again.Trigger)
	require.Equal(t, run.MappingVersion, again.MappingVersion)
	mdm.edit(func(in *syncer.Integration) { in.Mapping.Fields[2].Default = "unnamed" })
	require.NotEqual(t, run.MappingVersion, mdm.run().MappingVersion)
}

func TestProblemsAreBoundedAndCounted(t *testing.T) {
	t.Parallel()
	broken := func(i int) string { return fmt.Sprintf(`{"id": "v%d", "memory": "much"}`, i) }
	stories(t, map[string]func(s *scene){
		"100 by default": func(s *scene) {
			mdm := s.devices().sendsPages(30, numbered(250, broken)...)
			run := mdm.run()
			s.expect(run, "failed 250")
			require.Len(s, run.Problems, 100)
			require.EqualValues(s, 250, run.ProblemCount)
			require.Equal(s, "v0", run.Problems[0].Record)
			require.Equal(s, "v99", run.Problems[99].Record)
			tested, _ := mdm.test(syncer.TestOptions{Sample: -1})
			require.Equal(s, run.Problems, tested.Problems)
			require.EqualValues(s, 250, tested.ProblemCount)
		},
		"or as many as the host says": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(9, broken)...)
			mdm.opt.MaxProblems = 3
			run := mdm.run()
			require.Len(s, run.Problems, 3)
			require.EqualValues(s, 9, run.ProblemCount)
		},
		"over a resume too": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(9, broken)...)
			mdm.opt.MaxProblems = 3
			mdm.interruptedAfter(2)
			run := mdm.run()
			require.Len(s, run.Problems, 3)
			require.EqualValues(s, 9, run.ProblemCount)
			s.expect(run, "failed 9")
		},
		"a value in a problem is cut to a readable length": func(s *scene) {
			run := s.devices().sends(`{"id": "v1", "memory": "` + strings.Repeat("much", 5000) + `"}`).run()
			require.Less(s, len(run.Problems[0].Reason), 400)
		},
	})
}

func TestProgressIsToldFromStartToEnd(t *testing.T) {
	t.Parallel()
	type told struct {
		fetched int64
		done    bool
		status  syncer.Status
	}
	for name, test := range map[string]bool{"full run": false, "test run": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.devices().sendsPages(2, numbered(5, device)...)
			var heard []told
			ids := map[string]bool{}
			mdm.opt.Progress = func(p syncer.Progress) {
				require.Equal(t, test, p.Test)
				require.Equal(t, "mdm", p.Integration)
				ids[p.Run] = true
				heard = append(heard, told{p.Counts.Fetched, p.Done, p.Status})
			}
			var run syncer.Run
			if test {
				run, _ = mdm.test(syncer.TestOptions{Sample: -1})
			} else {
				run = mdm.run()
			}
			require.Equal(t, map[string]bool{run.ID: true}, ids)
			require.Equal(t, []told{
				{0, false, syncer.Running}, {2, false, syncer.Running}, {4, false, syncer.Running}, {5, false, syncer.Running}, {5, true, syncer.Succeeded},
			}, heard)
		})
	}
	t.Run("a run that fails, too", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		mdm := s.devices().sends(device(1))
		mdm.fake.OpenErr = connector.Errorf(connector.ErrAuth, "open", "no")
		var heard []syncer.Progress
		mdm.opt.Progress = func(p syncer.Progress) { heard = append(heard, p) }
		_, err := mdm.fails()
		require.ErrorIs(t, err, connector.ErrAuth)
		require.Len(t, heard, 2)
		require.True(t, heard[1].Done)
		require.Equal(t, syncer.Failed, heard[1].Status)
	})
}

func TestARunHasATimeLimit(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		limit time.Duration
		want  time.Duration
	}{
		"of 24 hours by default": {0, 24 * time.Hour},
		"or what the host says":  {time.Minute, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t)
				mdm := s.devices().sendsPages(1, numbered(3, device)...).scripts(map[int]connectortest.Step{2: {Block: true, Times: 1}})
				mdm.opt.TimeLimit = tc.limit
				start := time.Now()
				run, err := mdm.fails()
				require.Equal(t, tc.want, time.Since(start))
				require.ErrorContains(t, err, "the run took longer than its limit of "+tc.want.String())
				require.Equal(t, syncer.Failed, run.Status)
				s.expect(run, "created 2")
				again := mdm.run()
				require.NotEqual(t, run.ID, again.ID)
				s.expect(again, "created 1, unchanged 2")
			})
		})
	}
}

func TestARunIsCancelledFromAnotherProcess(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"between two batches, and what is written stays": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(10, device)...)
			elsewhere := mdm.syncer()
			m := s.meddles()
			m.apply = func(ctx context.Context, b *syncer.Batch) error {
				if b.Seq == 2 {
					require.NoError(s, elsewhere.Cancel(ctx, b.Run))
				}
				return m.Store.Apply(ctx, b)
			}
			run, err := mdm.fails()
			require.EqualError(s, err, `run integration "mdm": the run was cancelled`)
			require.Equal(s, syncer.Cancelled, run.Status)
			s.expect(run, "created 4")
			require.Equal(s, 4, s.live())

			again := mdm.run()
			require.NotEqual(s, run.ID, again.ID, "a cancelled run is not taken up")
			s.expect(again, "created 6, unchanged 4")
		},
		"while it is interrupted: it is not taken up": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(6, device)...)
			interrupted := mdm.interruptedAfter(1)
			require.NoError(s, mdm.syncer().Cancel(s.Context(), interrupted.ID))
			again := mdm.run()
			require.NotEqual(s, interrupted.ID, again.ID)
			s.expect(again, "created 4, unchanged 2")
			kept, err := s.store.Run(s.Context(), interrupted.ID)
			require.NoError(s, err)
			require.Equal(s, syncer.Cancelled, kept.Status)
			require.False(s, kept.Finished.IsZero())
			s.expect(kept, "created 2")
		},
		"after its end it cannot be": func(s *scene) {
			mdm := s.devices().sends(device(1))
			run := mdm.run()
			err := mdm.syncer().Cancel(s.Context(), run.ID)
			require.EqualError(s, err, fmt.Sprintf("cancel run %q: it has ended already (succeeded)", run.ID))
		},
		"one that nobody knows cannot be": func(s *scene) {
			require.ErrorIs(s, s.devices().syncer().Cancel(s.Context(), "nobody"), syncer.ErrNotFound)
		},
	})
}

func TestARunThatCannotBe(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"of an integration that is not there": func(s *scene) {
			_, err := s.devices().syncer().Run(s.Context(), "nobody", syncer.RunOptions{})
			require.ErrorIs(s, err, syncer.ErrNotFound)
		},
		"of one that is paused or archived": func(s *scene) {
			mdm := s.devices().sends(device(1))
			require.NoError(s, mdm.syncer().Pause(s.Context(), "mdm", "p"))
			_, err := mdm.syncer().Run(s.Context(), "mdm", syncer.RunOptions{})
			require.EqualError(s, err, `integration "mdm" is paused: launch it first`)
			require.NoError(s, mdm.syncer().Archive(s.Context(), "mdm", "p"))
			_, err = mdm.syncer().Run(s.Context(), "mdm", syncer.RunOptions{})
			require.EqualError(s, err, `integration "mdm" is archived: launch it first`)
		},
		"of one that has lost something mandatory since its launch": func(s *scene) {
			mdm := s.devices().sends(device(1))
			mdm.edit(func(in *syncer.Integration) { in.User = "" })
			_, err := mdm.syncer().Run(s.Context(), "mdm", syncer.RunOptions{})
			var missing *syncer.MissingError
			require.ErrorAs(s, err, &missing)
			require.Len(s, missing.Missing, 1)
			require.Contains(s, missing.Missing[0], "an integration user")
			require.Empty(s, s.rows("assets"))
		},
		"with a schema that the store does not tell": func(s *scene) {
			mdm := s.devices().sends(device(1))
			s.through = noSchema{s.store}
			_, err := mdm.syncer().Run(s.Context(), "mdm", syncer.RunOptions{})
			require.ErrorContains(s, err, "read the schema: the store is locked")
		},
	})
}

func TestTwoIntegrationsRunSideBySide(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	left, right := s.launched(assets("left")), s.launched(assets("right"))
	left.sendsPages(3, numbered(60, device)...)
	right.sendsPages(4, numbered(60, func(i int) string { return fmt.Sprintf(`{"id": "r%d", "tag": "T%d", "serial": "R%d"}`, i, i, i) })...)
	runs := make(chan syncer.Run, 2)
	for _, f := range []*feed{left, right} {
		sync := f.syncer()
		go func() {
			run, err := sync.Run(t.Context(), f.in.ID, syncer.RunOptions{})
			if err != nil {
				t.Error(err)
			}
			runs <- run
		}()
	}
	s.expect(<-runs, "created 60")
	s.expect(<-runs, "created 60")
	require.Equal(t, 120, s.live())
}

// noSchema is a store in a bad moment.
type noSchema struct{ *memory.Store }

func (noSchema) Schema(context.Context) (*mapping.Schema, error) {
	return nil, errors.New("the store is locked")
}
