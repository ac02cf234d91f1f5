package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// withApp returns a device with one application, of which there are three.
func withApp(i int) string {
	return fmt.Sprintf(`{"id": "v%d", "serial": "S%d", "apps": [{"name": "App %d", "version": "1"}]}`, i, i, i%3)
}

func TestAStoreThatIsUnavailableForAMoment(t *testing.T) {
	t.Parallel()
	locked := connector.Errorf(connector.ErrUnavailable, "write", "the database is locked")
	for name, tc := range map[string]struct {
		written bool  // the batch was written all the same
		fails   []int // offers of batches, counted from 1, that end in an error
	}{
		"at the first batch":                         {false, []int{1}},
		"at one in the middle":                       {false, []int{3}},
		"at the last one":                            {false, []int{5}},
		"three times over":                           {false, []int{2, 3, 4}},
		"the first was written, and nobody was told": {true, []int{1}},
		"one in the middle was":                      {true, []int{3}},
		"the last one was":                           {true, []int{5}},
		"several were":                               {true, []int{1, 2, 4}},
	} {
		for kind, record := range map[string]func(int) string{"devices": device, "devices with software": withApp} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				s := newScene(t)
				mdm := s.launched(withSoftware(assets("mdm"))).sendsPages(2, numbered(10, record)...)
				m := s.meddles()
				offer := 0
				m.apply = func(ctx context.Context, b *syncer.Batch) error {
					offer++
					fails := false
					for _, n := range tc.fails {
						fails = fails || n == offer
					}
					if fails && !tc.written {
						return locked
					}
					err := m.Store.Apply(ctx, b)
					if fails {
						require.NoError(t, err)
						return locked
					}
					return err
				}
				run := mdm.run()
				s.expect(run, "created 10")
				require.Equal(t, syncer.Succeeded, run.Status)
				require.Equal(t, 10, s.live())
				require.Len(t, mdm.cursors(), 1, "the vendor is not asked again")
				if kind == "devices with software" {
					require.Equal(t, effects{"software": {Created: 3}, "software_installs": {Created: 10}}, run.Effects)
					require.Len(t, s.rows("software"), 3)
					require.Len(t, s.rows("software_installs"), 10)
				}
				s.through = s.store
				s.expect(mdm.run(), "unchanged 10")
			})
		}
	}
	t.Run("it is waited for, longer each time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t)
			mdm := s.devices().sends(device(1))
			mdm.opt.RestartDelay = time.Second
			m := s.meddles()
			left := 3
			m.apply = func(ctx context.Context, b *syncer.Batch) error {
				if left--; left >= 0 {
					return locked
				}
				return m.Store.Apply(ctx, b)
			}
			start := time.Now()
			s.expect(mdm.run(), "created 1")
			require.Equal(t, 1400*time.Millisecond, time.Since(start), "0.2 + 0.4 + 0.8 s")
		})
	})
	t.Run("the lease too may not be had for a moment", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		mdm := s.devices().sendsPages(2, numbered(6, device)...)
		m := s.meddles()
		offers, claims := 0, 0
		m.apply = func(ctx context.Context, b *syncer.Batch) error {
			err := m.Store.Apply(ctx, b)
			if offers++; offers == 2 {
				require.NoError(t, err)
				return locked
			}
			return err
		}
		m.begin = func(ctx context.Context, c syncer.Claim) (syncer.Lease, error) {
			if claims++; claims == 2 || claims == 3 {
				return syncer.Lease{}, locked
			}
			return m.Store.Begin(ctx, c)
		}
		s.expect(mdm.run(), "created 6")
		require.Equal(t, 4, claims)
		require.Equal(t, 4, offers, "three batches and the end, each once")
	})
	t.Run("another run may have taken the lease meanwhile", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		mdm := s.devices().sends(device(1))
		m := s.meddles()
		m.apply = func(ctx context.Context, b *syncer.Batch) error {
			_, err := m.Store.Begin(ctx, syncer.Claim{Integration: "mdm", Owner: "another", TTL: time.Hour, Now: time.Now(), Over: b.Fence})
			require.NoError(t, err)
			return locked
		}
		run, err := mdm.fails()
		require.ErrorIs(t, err, syncer.ErrFence)
		require.Equal(t, syncer.Interrupted, run.Status)
		require.Len(t, m.batches, 1)
		require.Empty(t, s.rows("assets"))
	})
}

func TestAnotherRunsBatchIsNotTakenForTheOwn(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mdm := s.devices().sends(device(1))
	m := s.meddles()
	m.apply = func(ctx context.Context, b *syncer.Batch) error {
		if b.Release {
			return m.Store.Apply(ctx, b)
		}
		// While the store is away, the lease ends, and another run writes a batch of
		// the same number and is done.
		lease, err := m.Store.Begin(ctx, syncer.Claim{Integration: "mdm", Owner: "another", TTL: time.Minute, Now: time.Now(), Over: b.Fence})
		require.NoError(t, err)
		require.NoError(t, m.Store.Apply(ctx, &syncer.Batch{
			Integration: "mdm", Run: "another", Fence: lease.Fence, Seq: b.Seq, At: time.Now(), Release: true, Done: true,
			Seal: func([]syncer.Outcome) ([]byte, error) { return []byte(`{}`), nil },
		}))
		return connector.Errorf(connector.ErrUnavailable, "write", "the database was away")
	}
	run, err := mdm.fails()
	require.ErrorIs(t, err, syncer.ErrFence)
	require.Equal(t, syncer.Interrupted, run.Status)
	s.expect(run, "")
	require.Empty(t, s.rows("assets"))
}

func TestAStoreThatFailsForGood(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	for name, tc := range map[string]struct {
		err    error
		offers int // of the batch that fails
	}{
		"an error that will not pass":   {full, 1},
		"one that should, and does not": {connector.Errorf(connector.ErrUnavailable, "write", "%w", full), 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.devices().sendsPages(2, numbered(10, device)...)
			m := s.meddles()
			offers := 0
			m.apply = func(ctx context.Context, b *syncer.Batch) error {
				if b.Seq == 3 && !b.Release {
					offers++
					return tc.err
				}
				return m.Store.Apply(ctx, b)
			}
			run, err := mdm.fails()
			require.ErrorIs(t, err, full)
			require.ErrorContains(t, err, "write batch 3: ")
			require.Equal(t, tc.offers, offers)
			require.Equal(t, syncer.Failed, run.Status)
			s.expect(run, "created 4")
			require.Equal(t, 4, s.live())

			s.through = s.store
			s.expect(mdm.run(), "created 6, unchanged 4")
		})
	}
	t.Run("so that not even the end can be written", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		mdm := s.devices().sendsPages(2, numbered(10, device)...)
		broken := &brokenStore{Store: s.store, after: 2, err: full}
		s.through = broken
		run, err := mdm.fails()
		require.ErrorIs(t, err, full)
		require.ErrorContains(t, err, "release the lease")
		require.ErrorContains(t, err, "write the run down")
		require.Equal(t, syncer.Failed, run.Status)
		s.through = s.store

		again := mdm.later().run()
		require.Equal(t, run.ID, again.ID, "the journal knows of no end, so the run is taken up")
		s.expect(again, "created 10")
		require.Equal(t, 10, s.live())
	})
	t.Run("and the journal knows that the run is over: it is not taken up", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		mdm := s.devices().sendsPages(2, numbered(10, device)...)
		m := s.meddles()
		m.apply = func(ctx context.Context, b *syncer.Batch) error {
			if b.Seq >= 3 {
				return full
			}
			return m.Store.Apply(ctx, b)
		}
		run, err := mdm.fails()
		require.ErrorIs(t, err, full)
		s.through = s.store
		again := mdm.later().run()
		require.NotEqual(t, run.ID, again.ID)
		s.expect(again, "created 6, unchanged 4")
	})
	for name, tc := range map[string]struct {
		breaks func(m *meddler)
		says   string
	}{
		"a look-up that fails": {
			func(m *meddler) {
				m.match = func(context.Context, syncer.Query) ([][]syncer.Hit, error) { return nil, full }
			}, "look up assets: the disk is full",
		},
		"a look-up that answers too little": {
			func(m *meddler) {
				m.match = func(_ context.Context, q syncer.Query) ([][]syncer.Hit, error) {
					return make([][]syncer.Hit, len(q.Values)-1), nil
				}
			}, "the store answered 1 of 2 questions",
		},
		"a lease that cannot be had": {
			func(m *meddler) {
				m.begin = func(context.Context, syncer.Claim) (syncer.Lease, error) { return syncer.Lease{}, full }
			}, `run integration "mdm": the disk is full`,
		},
		"a checkpoint that cannot be read": {
			func(m *meddler) {
				m.begin = func(ctx context.Context, c syncer.Claim) (syncer.Lease, error) {
					lease, err := m.Store.Begin(ctx, c)
					lease.Checkpoint = []byte("{")
					return lease, err
				}
			}, "the last checkpoint cannot be read",
		},
		"outcomes that are too few": {
			func(m *meddler) {
				m.apply = func(_ context.Context, b *syncer.Batch) error {
					_, err := b.Seal(nil)
					return err
				}
			}, "the store reports 0 outcomes of 2 units",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.devices().sends(device(1), device(2))
			tc.breaks(s.meddles())
			_, err := mdm.fails()
			require.ErrorContains(t, err, tc.says)
			require.Empty(t, s.rows("assets"))
		})
	}
}

// A brokenStore writes nothing any more after so many batches.
type brokenStore struct {
	*memory.Store
	after int
	err   error
}

func (b *brokenStore) Apply(ctx context.Context, batch *syncer.Batch) error {
	if b.after--; b.after < 0 {
		return b.err
	}
	return b.Store.Apply(ctx, batch)
}

func (b *brokenStore) SaveRun(ctx context.Context, r syncer.Run) error {
	if b.after < 0 {
		return b.err
	}
	return b.Store.SaveRun(ctx, r)
}

// A bareStore has no more than a Store must have.
type bareStore struct{ store *memory.Store }

func (b bareStore) Schema(ctx context.Context) (*mapping.Schema, error) { return b.store.Schema(ctx) }

func (b bareStore) Begin(ctx context.Context, c syncer.Claim) (syncer.Lease, error) {
	lease, err := b.store.Begin(ctx, c)
	lease.Seen = nil
	return lease, err
}

func (b bareStore) Match(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
	return b.store.Match(ctx, q)
}

func (b bareStore) Apply(ctx context.Context, batch *syncer.Batch) error {
	return b.store.Apply(ctx, batch)
}

func TestAStoreWithoutAnyOptionalAbility(t *testing.T) {
	t.Parallel()
	bare := func(s *scene) *feed {
		mdm := s.drafted(withSoftware(assets("mdm")))
		s.through = bareStore{s.store}
		mdm.opt.Journal = s.store
		require.NoError(s, mdm.syncer().Launch(s.Context(), "mdm", "p"))
		return mdm
	}
	stories(t, map[string]func(s *scene){
		"syncs as any other": func(s *scene) {
			mdm := bare(s).sendsPages(3, numbered(10, withApp)...)
			s.expect(mdm.run(), "created 10")
			run := mdm.run()
			s.expect(run, "unchanged 10")
			require.True(s, run.Complete)
			require.Zero(s, run.Vanished, "it cannot tell what is missing")
			s.expect(mdm.sends(`{"id": "other", "serial": "S1"}`, withApp(1)).run(), "unchanged 1, skipped 1")
		},
		"needs a journal from somewhere": func(s *scene) {
			_, err := syncer.New(bareStore{s.store}, syncer.Options{})
			require.ErrorIs(s, err, connector.ErrUnsupported)
			require.ErrorContains(s, err, "set Options.Journal")
		},
		"cannot act on absence, and says so before the launch": func(s *scene) {
			mdm := bare(s)
			mdm.edit(func(in *syncer.Integration) { in.Absence = syncer.ArchiveAbsent })
			missing, err := mdm.syncer().Missing(s.Context(), "mdm")
			require.NoError(s, err)
			require.Equal(s, []string{"a store that can name all links, for absence: archive; this one cannot"}, missing)
		},
		"keeps its lease by its batches alone": func(s *scene) {
			s.inBubble(func(s *scene) {
				mdm := bare(s).sendsPages(1, device(1), device(2))
				mdm.fake.Delay = 40 * time.Second
				s.expect(mdm.run(), "created 2")
			})
		},
	})
}

func TestLinksBeyondTheBoundAreLookedUpByBatch(t *testing.T) {
	t.Parallel()
	for name, cache := range map[string]int{"none are held": -1, "fewer are held than there are": 5} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.launched(withSoftware(assets("mdm"))).sendsPages(4, numbered(20, withApp)...)
			mdm.opt.MatchCache = cache
			m := s.meddles()
			byLink := 0
			m.match = func(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
				if q.By == syncer.ByLink {
					byLink += len(q.Values)
				}
				return m.Store.Match(ctx, q)
			}
			s.expect(mdm.run(), "created 20")
			byLink = 0
			run := mdm.run()
			s.expect(run, "unchanged 20")
			require.Equal(t, 20, byLink)
			require.True(t, run.Complete)
			run = mdm.sendsPages(4, numbered(18, withApp)...).run()
			s.expect(run, "unchanged 18")
			require.Equal(t, syncer.Vanished{Missing: 2}, run.Vanished)
		})
	}
	t.Run("within it none is", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		mdm := s.devices().sendsPages(4, numbered(20, device)...)
		mdm.run()
		m := s.meddles()
		m.match = func(context.Context, syncer.Query) ([][]syncer.Hit, error) {
			return nil, errors.New("an unchanged run needs no look-up")
		}
		s.expect(mdm.run(), "unchanged 20")
	})
}

func TestQuestionsAreAskedByBatch(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"a few for a batch of new records": func(s *scene) {
			mdm := s.launched(withSoftware(assets("mdm"))).sends(numbered(500, withApp)...)
			m := s.meddles()
			asked := 0
			m.match = func(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
				asked++
				return m.Store.Match(ctx, q)
			}
			s.expect(mdm.run(), "created 500")
			require.Less(s, asked, 6)
		},
		"a few for a batch of changed records": func(s *scene) {
			mdm := s.launched(withSoftware(assets("mdm"))).sends(numbered(500, withApp)...)
			mdm.run()
			m := s.meddles()
			asked := 0
			m.match = func(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
				asked++
				return m.Store.Match(ctx, q)
			}
			mdm.sends(numbered(500, func(i int) string {
				return fmt.Sprintf(`{"id": "v%d", "serial": "new S%d", "apps": [{"name": "App %d", "version": "2"}]}`, i, i, i%3)
			})...)
			s.expect(mdm.run(), "updated 500")
			require.Less(s, asked, 10)
		},
		"a few for accounts, which are found by their application too": func(s *scene) {
			okta := s.launched(accounts("okta")).sends(numbered(300, func(i int) string {
				return fmt.Sprintf(`{"id": "a%d", "app": "App %d", "account": "u%d"}`, i, i%7, i)
			})...)
			s.expect(okta.run(), "created 300")
			azure := s.launched(accounts("azure"))
			azure.fake.Records = okta.fake.Records
			m := s.meddles()
			asked := 0
			m.match = func(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
				asked++
				return m.Store.Match(ctx, q)
			}
			s.expect(azure.run(), "unchanged 300")
			require.Less(s, asked, 6)
		},
		"none about keys that are surely new, once there are many": func(s *scene) {
			mdm := s.devices().sendsPages(500, numbered(4000, device)...)
			m := s.meddles()
			asked := 0
			m.match = func(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
				asked += len(q.Values)
				return m.Store.Match(ctx, q)
			}
			mdm.opt.BatchSize = 2000
			s.expect(mdm.run(), "created 4000")
			require.Less(s, asked, 200, "a few that the filter takes for known")
		},
	})
}
