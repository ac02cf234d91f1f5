package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
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

// crashedAfter makes a full run whose process dies once n batches are written:
// nothing that it does after that has an effect.
func (f *feed) crashedAfter(n int) (runID string) {
	f.Helper()
	ctx, cancel := context.WithCancel(f.Context())
	defer cancel()
	dead := &corpse{Store: f.store}
	m := &meddler{Store: f.store}
	m.apply = func(ctx context.Context, b *syncer.Batch) error {
		runID = b.Run
		if dead.dead {
			return errors.New("the process is dead")
		}
		err := dead.Store.Apply(ctx, b)
		if n--; n == 0 {
			dead.dead = true
			cancel()
		}
		return err
	}
	dead.meddler = m
	f.through = dead
	_, err := f.syncer().Run(ctx, f.in.ID, syncer.RunOptions{})
	f.Logf("the dead process would have said: %v", err)
	f.through = f.store
	return runID
}

// A corpse is the store as a process sees it that has died: it writes nothing
// any more.
type corpse struct {
	*memory.Store
	meddler *meddler
	dead    bool
}

func (c *corpse) Apply(ctx context.Context, b *syncer.Batch) error { return c.meddler.Apply(ctx, b) }

func (c *corpse) SaveRun(ctx context.Context, r syncer.Run) error {
	if c.dead {
		return nil
	}
	return c.Store.SaveRun(ctx, r)
}

// later makes the clock of the next runs go so far ahead that every lease has
// ended.
func (f *feed) later() *feed {
	f.opt.Now = func() time.Time { return time.Now().Add(time.Hour) }
	return f
}

func TestAnInterruptedRunIsTakenUp(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"at its last checkpoint, as the same run": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(9, device)...)
			interrupted := mdm.interruptedAfter(2)
			s.expect(interrupted, "created 4")
			kept, err := s.store.Run(s.Context(), interrupted.ID)
			require.NoError(s, err)
			require.Equal(s, syncer.Interrupted, kept.Status)

			mdm.sendsPages(2, numbered(9, device)...)
			run := mdm.run()
			require.Equal(s, interrupted.ID, run.ID)
			require.Equal(s, 1, run.Resumed)
			require.Equal(s, interrupted.Started, run.Started)
			require.Equal(s, syncer.Succeeded, run.Status)
			require.Empty(s, run.Error)
			s.expect(run, "created 9")
			require.Equal(s, []string{"offset:4"}, mdm.cursors())
			require.Equal(s, 9, s.live())
			runs, err := s.store.Runs(s.Context(), syncer.RunQuery{})
			require.NoError(s, err)
			require.Len(s, runs, 1)
		},
		"again and again": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(9, device)...)
			var last syncer.Run
			for range 4 {
				last = mdm.interruptedAfter(1)
			}
			s.expect(last, "created 8")
			run := mdm.run()
			require.Equal(s, last.ID, run.ID)
			require.Equal(s, 4, run.Resumed)
			s.expect(run, "created 9")
		},
		"and all its numbers add up": func(s *scene) {
			in := withSoftware(assets("mdm"))
			mdm := s.launched(in)
			records := []string{
				`{"id": "v1", "serial": "S1", "apps": [{"name": "Firefox", "version": "1"}]}`, device(1),
				`{"id": "v2", "memory": "much"}`, `{"id": "v3", "serial": "S3", "apps": [{"name": "Firefox", "version": "1"}]}`,
				`{"serial": "nobody's"}`, `{"id": "v2", "serial": "S2"}`, `{"id": "v4"}`, device(5),
			}
			mdm.sendsPages(2, records...)
			mdm.interruptedAfter(2)
			run := mdm.run()
			s.expect(run, "created 3, skipped 3, failed 2")
			require.Equal(s, effects{"software": {Created: 1}, "software_installs": {Created: 2}}, run.Effects)
			require.EqualValues(s, 2, run.ProblemCount)
			require.Equal(s, []string{"v2", "record 5"}, []string{run.Problems[0].Record, run.Problems[1].Record})
			unbroken := newScene(s.T)
			other := unbroken.launched(in).sendsPages(2, records...).run()
			require.Equal(s, other.Counts, run.Counts)
			require.Equal(s, other.Problems, run.Problems)
		},
		"and what it made before is not missing, nor what it read": func(s *scene) {
			mdm := s.devices()
			mdm.sends(device(1), device(2), device(3)).run()
			mdm.sendsPages(1, device(5), device(1), device(6), device(7))
			mdm.interruptedAfter(2)
			run := mdm.run()
			s.expect(run, "created 3, unchanged 1")
			require.Equal(s, syncer.Vanished{Missing: 2}, run.Vanished)
		},
		"after it has ended the next one is a new one": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(5, device)...)
			mdm.interruptedAfter(1)
			run := mdm.run()
			next := mdm.run()
			require.NotEqual(s, run.ID, next.ID)
			require.Zero(s, next.Resumed)
			s.expect(next, "unchanged 5")
		},
		"not if the mapping has changed": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(5, device)...)
			interrupted := mdm.interruptedAfter(1)
			mdm.edit(func(in *syncer.Integration) {
				in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "hostname", From: "name"})
			})
			run := mdm.run()
			require.NotEqual(s, interrupted.ID, run.ID)
			s.expect(run, "created 3, updated 2")
			kept, err := s.store.Run(s.Context(), interrupted.ID)
			require.NoError(s, err)
			require.Equal(s, syncer.Interrupted, kept.Status)
			s.expect(kept, "created 2")
		},
		"not if the settings, the stream or the policy have changed": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(5, device)...)
			interrupted := mdm.interruptedAfter(1)
			mdm.edit(func(in *syncer.Integration) { in.Policy = syncer.CreateOnly })
			run := mdm.run()
			require.NotEqual(s, interrupted.ID, run.ID)
			s.expect(run, "created 3, skipped 2")
		},
		"if its name or its contacts have": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(5, device)...)
			interrupted := mdm.interruptedAfter(1)
			mdm.edit(func(in *syncer.Integration) { in.Name, in.Contacts = "Laptops", []string{"it@example.com"} })
			require.Equal(s, interrupted.ID, mdm.run().ID)
		},
		"not if somebody has removed it from the journal": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(5, device)...)
			interrupted := mdm.interruptedAfter(1)
			forgetful := forgetfulJournal{s.store, interrupted.ID}
			mdm.opt.Journal = forgetful
			run := mdm.run()
			require.NotEqual(s, interrupted.ID, run.ID)
			s.expect(run, "created 3, unchanged 2")
		},
		"by a failed run's next run not: that one is over": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(5, device)...).scripts(map[int]connectortest.Step{1: {Err: connector.ErrAuth, Times: 1}})
			failed, _ := mdm.fails()
			s.expect(failed, "created 2")
			run := mdm.run()
			require.NotEqual(s, failed.ID, run.ID)
			s.expect(run, "created 3, unchanged 2")
		},
	})
}

// A forgetfulJournal has lost one run.
type forgetfulJournal struct {
	*memory.Store
	lost string
}

func (j forgetfulJournal) Run(ctx context.Context, id string) (syncer.Run, error) {
	if id == j.lost {
		return syncer.Run{}, fmt.Errorf("run %q: %w", id, syncer.ErrNotFound)
	}
	return j.Store.Run(ctx, id)
}

func TestAKilledRunIsTakenUp(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 5; n++ {
		t.Run(fmt.Sprintf("after batch %d", n), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.launched(withSoftware(assets("mdm")))
			mdm.sendsPages(2, numbered(9, func(i int) string {
				return fmt.Sprintf(`{"id": "v%d", "serial": "S%d", "apps": [{"name": "App %d", "version": "1"}]}`, i, i, i%3)
			})...)
			id := mdm.crashedAfter(n)
			kept, err := s.store.Run(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, syncer.Running, kept.Status, "nobody could write down that it ended")

			run := mdm.later().run()
			require.Equal(t, id, run.ID)
			require.Equal(t, 1, run.Resumed)
			s.expect(run, "created 9")
			require.Equal(t, effects{"software": {Created: 3}, "software_installs": {Created: 9}}, run.Effects)
			require.Equal(t, 9, s.live())
			s.expect(mdm.run(), "unchanged 9")
		})
	}
	stories(t, map[string]func(s *scene){
		"one that died before its first batch is left behind, and said to be": func(s *scene) {
			mdm := s.devices().sends(device(1))
			// The process dies between taking the lease and writing anything.
			_, err := s.store.Begin(s.Context(), syncer.Claim{Integration: "mdm", Owner: "a dead process", TTL: time.Minute, Now: time.Now()})
			require.NoError(s, err)
			require.NoError(s, s.store.SaveRun(s.Context(), syncer.Run{ID: "dead", Integration: "mdm", Status: syncer.Running, Started: time.Now()}))
			run := mdm.later().run()
			require.NotEqual(s, "dead", run.ID)
			s.expect(run, "created 1")
			kept, err := s.store.Run(s.Context(), "dead")
			require.NoError(s, err)
			require.Equal(s, syncer.Interrupted, kept.Status)
			require.False(s, kept.Finished.IsZero())
		},
		"one that died after its end was sealed is ended in the journal": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(4, device)...)
			id := mdm.crashedAfter(3) // two batches, and the one that releases the lease
			kept, err := s.store.Run(s.Context(), id)
			require.NoError(s, err)
			require.Equal(s, syncer.Running, kept.Status)
			run := mdm.run()
			require.NotEqual(s, id, run.ID)
			s.expect(run, "unchanged 4")
			kept, err = s.store.Run(s.Context(), id)
			require.NoError(s, err)
			require.Equal(s, syncer.Succeeded, kept.Status)
			s.expect(kept, "created 4")
		},
	})
}

func TestAStreamWithoutCursors(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"is written in bounded batches and comes to its end": func(s *scene) {
			mdm := s.devices().sends(numbered(100, device)...)
			mdm.fake.PageSize, mdm.fake.NoCursor, mdm.opt.BatchSize = 1, true, 3
			m := s.meddles()
			run := mdm.run()
			s.expect(run, "created 100")
			require.True(s, run.Complete)
			require.Equal(s, []int{24, 24, 24, 24, 4}, m.read())
		},
		"is read from the start after a crash, and nothing counts twice": func(s *scene) {
			records := append(numbered(30, device), `{"serial": "nobody's"}`, device(3), `{"id": "v99", "memory": "much"}`)
			mdm := s.devices().sends(append(records, numbered(40, device)[30:]...)...)
			mdm.fake.PageSize, mdm.fake.NoCursor, mdm.opt.BatchSize = 1, true, 2
			id := mdm.crashedAfter(1)
			require.Equal(s, 16, s.live())
			run := mdm.later().run()
			require.Equal(s, id, run.ID)
			require.Equal(s, []string{"", ""}, mdm.cursors())
			s.expect(run, "created 40, skipped 1, failed 2")
			require.Equal(s, 40, s.live())
		},
		"is read from the start after several crashes": func(s *scene) {
			records := append(numbered(60, device), device(1), `{}`, device(2), `{}`, device(2))
			mdm := s.devices().sends(append(records, numbered(80, device)[60:]...)...)
			mdm.fake.PageSize, mdm.fake.NoCursor, mdm.opt.BatchSize = 1, true, 2
			for n := range 4 {
				mdm.interruptedAfter(n + 1)
			}
			run := mdm.run()
			s.expect(run, "created 80, skipped 3, failed 2")
			require.Equal(s, 4, run.Resumed)
		},
		"absence is acted on after it, if the stream misses nothing over a resume": func(s *scene) {
			mdm := s.inStep(syncer.ArchiveAbsent, 20)
			mdm.sends(numbered(19, device)...)
			mdm.fake.PageSize, mdm.fake.NoCursor, mdm.opt.BatchSize = 1, true, 1
			mdm.interruptedAfter(1)
			run := mdm.run()
			s.expect(run, "unchanged 19")
			require.Equal(s, syncer.Vanished{Missing: 1, Archived: 1}, run.Vanished)
		},
	})
}

func TestOneRunOfAnIntegrationAtATime(t *testing.T) {
	t.Parallel()
	deadPID := func(s *scene) int {
		cmd := exec.CommandContext(s.Context(), os.Args[0], "-test.run=^$")
		require.NoError(s, cmd.Run())
		return cmd.Process.Pid
	}
	owner := func(s *scene, host string, pid int) string {
		if host == "" {
			var err error
			host, err = os.Hostname()
			require.NoError(s, err)
		}
		return fmt.Sprintf(`{"host": %q, "pid": %s}`, host, strconv.Itoa(pid))
	}
	hold := func(s *scene, owner string) syncer.Lease {
		lease, err := s.store.Begin(s.Context(), syncer.Claim{Integration: "mdm", Owner: owner, TTL: time.Minute, Now: time.Now()})
		require.NoError(s, err)
		return lease
	}
	stories(t, map[string]func(s *scene){
		"a second one is refused, and told who holds it": func(s *scene) {
			mdm := s.devices().sendsPages(1, device(1), device(2))
			m := s.meddles()
			asked := false
			m.apply = func(ctx context.Context, b *syncer.Batch) error {
				if !asked {
					asked = true
					_, err := mdm.syncer().Run(ctx, "mdm", syncer.RunOptions{})
					var busy *syncer.BusyError
					require.ErrorAs(s, err, &busy)
					require.Equal(s, "mdm", busy.Integration)
					require.Contains(s, busy.Owner, strconv.Itoa(os.Getpid()))
					require.ErrorContains(s, err, `integration "mdm" is running already`)
				}
				return m.Store.Apply(ctx, b)
			}
			s.expect(mdm.run(), "created 2")
			require.True(s, asked)
		},
		"a holder on this host that is dead is followed at once": func(s *scene) {
			hold(s, owner(s, "", deadPID(s)))
			s.expect(s.devices().sends(device(1)).run(), "created 1")
		},
		"a process with the number of one that is dead does not stand for it": func(s *scene) {
			if runtime.GOOS != "linux" {
				return // elsewhere the system does not say when a process started
			}
			host, err := os.Hostname()
			require.NoError(s, err)
			hold(s, fmt.Sprintf(`{"host": %q, "pid": %d, "start": "1@another boot"}`, host, os.Getpid()))
			s.expect(s.devices().sends(device(1)).run(), "created 1")
		},
		"a living one is not": func(s *scene) {
			hold(s, owner(s, "", os.Getpid()))
			_, err := s.devices().sends(device(1)).fails()
			var busy *syncer.BusyError
			require.ErrorAs(s, err, &busy)
		},
		"nor one on another host, of which nobody can tell": func(s *scene) {
			hold(s, owner(s, "elsewhere.example.com", deadPID(s)))
			_, err := s.devices().sends(device(1)).fails()
			var busy *syncer.BusyError
			require.ErrorAs(s, err, &busy)
		},
		"nor one that says nothing of itself": func(s *scene) {
			hold(s, "somebody")
			_, err := s.devices().sends(device(1)).fails()
			var busy *syncer.BusyError
			require.ErrorAs(s, err, &busy)
			require.Empty(s, s.rows("assets"))
			runs, err := s.store.Runs(s.Context(), syncer.RunQuery{})
			require.NoError(s, err)
			require.Empty(s, runs)
		},
		"once its lease has ended it is followed": func(s *scene) {
			hold(s, owner(s, "elsewhere.example.com", 1))
			s.expect(s.devices().later().sends(device(1)).run(), "created 1")
		},
		"another integration is not held back": func(s *scene) {
			hold(s, "somebody")
			s.expect(s.launched(assets("edr")).sends(device(1)).run(), "created 1")
		},
	})
}

func TestARunThatHasLostItsLeaseStopsAndWritesNothing(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"noticed with the next batch": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(10, device)...)
			m := s.meddles()
			var taken syncer.Lease
			m.apply = func(ctx context.Context, b *syncer.Batch) error {
				if b.Seq == 2 {
					var err error
					taken, err = m.Store.Begin(ctx, syncer.Claim{Integration: "mdm", Owner: "another", TTL: time.Minute, Now: time.Now(), Over: b.Fence})
					require.NoError(s, err)
				}
				return m.Store.Apply(ctx, b)
			}
			run, err := mdm.fails()
			require.ErrorIs(s, err, syncer.ErrFence)
			require.Equal(s, syncer.Interrupted, run.Status)
			s.expect(run, "created 2")
			require.Equal(s, 2, s.live())
			require.Len(s, m.batches, 2, "it does not try again, nor release what is not its own")
			kept, kerr := s.store.Run(s.Context(), run.ID)
			require.NoError(s, kerr)
			require.Equal(s, syncer.Running, kept.Status, "what becomes of the run is the other's to say")

			s.through = s.store
			require.NoError(s, s.store.Renew(s.Context(), "mdm", taken.Fence, time.Now()))
			again := mdm.run()
			require.Equal(s, run.ID, again.ID)
			s.expect(again, "created 10")
		},
		"noticed while it waits for a slow vendor": func(s *scene) {
			s.inBubble(func(s *scene) {
				mdm := s.devices().sendsPages(1, device(1), device(2), device(3)).scripts(map[int]connectortest.Step{2: {Block: true, Times: 1}})
				m := s.meddles()
				m.apply = func(ctx context.Context, b *syncer.Batch) error {
					if err := m.Store.Apply(ctx, b); err != nil {
						return err
					}
					if b.Seq == 2 {
						_, err := m.Store.Begin(ctx, syncer.Claim{Integration: "mdm", Owner: "another", TTL: time.Hour, Now: time.Now(), Over: b.Fence})
						require.NoError(s, err)
					}
					return nil
				}
				start := time.Now()
				run, err := mdm.fails()
				require.ErrorIs(s, err, syncer.ErrFence)
				require.Equal(s, syncer.Interrupted, run.Status)
				require.Equal(s, 20*time.Second, time.Since(start), "a third of the lease's time")
				require.Equal(s, 2, s.live())
			})
		},
	})
}

func TestALeaseIsKeptWhileTheVendorIsSlow(t *testing.T) {
	t.Parallel()
	newScene(t).inBubble(func(s *scene) {
		mdm := s.devices().sendsPages(1, device(1), device(2))
		mdm.fake.Delay = 10 * time.Minute
		refused := make(chan int, 1)
		go func() {
			n := 0
			for range 18 {
				time.Sleep(time.Minute)
				_, err := s.store.Begin(s.Context(), syncer.Claim{Integration: "mdm", Owner: "another", TTL: time.Minute, Now: time.Now()})
				var busy *syncer.BusyError
				if errors.As(err, &busy) {
					n++
				}
			}
			refused <- n
		}()
		s.expect(mdm.run(), "created 2")
		require.Equal(s, 18, <-refused)
	})
}

// inBubble tells a story whose time runs by itself.
func (s *scene) inBubble(tell func(s *scene)) {
	s.Helper()
	synctest.Test(s.T, func(t *testing.T) { tell(newScene(t)) })
}
