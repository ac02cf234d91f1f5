package syncer_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// inStep is launched with an integration that has synced devices 0 to n-1 and
// acts on absence.
func (s *scene) inStep(absence syncer.Absence, n int) *feed {
	s.Helper()
	in := assets("mdm")
	in.Absence = absence
	mdm := s.launched(in)
	s.expect(mdm.sends(numbered(n, device)...).run(), fmt.Sprintf("created %d", n))
	return mdm
}

// live returns how many devices are not in the archive.
func (s *scene) live() int {
	s.Helper()
	n := 0
	for _, r := range s.rows("assets") {
		if r.Archived.IsZero() {
			n++
		}
	}
	return n
}

func TestContract11AbsenceAfterACompleteRead(t *testing.T) {
	t.Parallel()
	for name, cache := range map[string]int{"links in memory": 0, "links looked up by batch": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stories(t, map[string]func(s *scene){
				"keep, the default, tells and does nothing": func(s *scene) {
					mdm := s.inStep("", 3)
					mdm.opt.MatchCache = cache
					before := dump(s, s.store)
					run := mdm.sends(device(0)).run()
					s.expect(run, "unchanged 1")
					require.True(s, run.Complete)
					require.Equal(s, syncer.Vanished{Missing: 2}, run.Vanished)
					require.Equal(s, before, dump(s, s.store))
				},
				"flag marks the record as missing since then, once": func(s *scene) {
					mdm := s.inStep(syncer.FlagAbsent, 3)
					mdm.opt.MatchCache = cache
					run := mdm.sends(device(0), device(1)).run()
					s.expect(run, "unchanged 2")
					require.Equal(s, syncer.Vanished{Missing: 1, Flagged: 1}, run.Vanished)
					since := s.asset("S2").MissingSince
					require.False(s, since.Before(run.Started))
					require.True(s, s.asset("S2").Archived.IsZero())
					require.True(s, s.asset("S1").MissingSince.IsZero())
					require.EqualValues(s, 1, s.asset("S2").Revision)
					run = mdm.run()
					require.Equal(s, syncer.Vanished{Missing: 1}, run.Vanished)
					require.Equal(s, since, s.asset("S2").MissingSince)
				},
				"archive puts the record into the archive, once, under the run": func(s *scene) {
					mdm := s.inStep(syncer.ArchiveAbsent, 3)
					mdm.opt.MatchCache = cache
					run := mdm.sends(device(0), device(1)).run()
					s.expect(run, "unchanged 2")
					require.Equal(s, syncer.Vanished{Missing: 1, Archived: 1}, run.Vanished)
					require.Equal(s, syncer.Succeeded, run.Status)
					require.Equal(s, []string{"S0", "S1", "S2 (archived)"}, s.all("assets", "serial_number"))
					events := s.history("assets", s.asset("S2").ID)
					last := events[len(events)-1]
					require.Equal(s, syncer.Archive, last.Op)
					require.Equal(s, "mdm@example.com", last.Actor)
					require.Equal(s, run.ID, last.Run)
					run = mdm.run()
					require.Equal(s, syncer.Vanished{Missing: 1}, run.Vanished)
					require.Len(s, s.history("assets", s.asset("S2").ID), len(events))
				},
				"filtered, failed and skipped records are present": func(s *scene) {
					mdm := s.inStep(syncer.ArchiveAbsent, 4)
					mdm.opt.MatchCache = cache
					mdm.opt.Filters = filterBy(func(rec connector.Record) bool { return rec.String() != device(0) })
					require.NoError(s, s.store.Archive(s.Context(), "person", "assets", s.asset("S2").ID))
					run := mdm.sends(device(0), `{"id": "v1", "serial": "S1", "memory": "much"}`, device(2), device(3)).run()
					s.expect(run, "filtered 1, unchanged 1, skipped 1, failed 1")
					require.True(s, run.Complete)
					require.Zero(s, run.Vanished)
					require.Equal(s, 3, s.live())
				},
				"a flagged record that reappears is no longer missing": func(s *scene) {
					mdm := s.inStep(syncer.FlagAbsent, 2)
					mdm.opt.MatchCache = cache
					mdm.sends(device(0)).run()
					run := mdm.sends(device(0), device(1)).run()
					s.expect(run, "unchanged 2")
					require.Zero(s, run.Vanished)
					require.True(s, s.asset("S1").MissingSince.IsZero())
				},
				"an archived record that reappears is skipped, or restored": func(s *scene) {
					mdm := s.inStep(syncer.ArchiveAbsent, 2)
					mdm.opt.MatchCache = cache
					mdm.sends(device(0)).run()
					mdm.sends(device(0), device(1))
					s.expect(mdm.run(), "unchanged 1, skipped 1")
					mdm.edit(func(in *syncer.Integration) { in.RestoreArchived = true })
					s.expect(mdm.run(), "updated 1, unchanged 1")
					require.Equal(s, 2, s.live())
					s.expect(mdm.run(), "unchanged 2")
				},
				"a record that another integration still has is marked, not archived": func(s *scene) {
					mdm := s.inStep(syncer.ArchiveAbsent, 2)
					mdm.opt.MatchCache = cache
					in := assets("edr")
					in.Absence = syncer.ArchiveAbsent
					edr := s.launched(in).sends(device(0), device(1))
					edr.run()
					run := mdm.sends(device(0)).run()
					require.Equal(s, syncer.Vanished{Missing: 1}, run.Vanished)
					require.Equal(s, 2, s.live())
					require.False(s, s.asset("S1").MissingSince.IsZero())
				},
				"a record that a person deleted is not missing": func(s *scene) {
					mdm := s.inStep(syncer.ArchiveAbsent, 2)
					mdm.opt.MatchCache = cache
					require.NoError(s, s.store.Delete(s.Context(), "person", "assets", s.asset("S1").ID))
					require.Zero(s, mdm.sends(device(0)).run().Vanished)
				},
			})
		})
	}
}

func TestContract11OnlyACompleteReadActsOnAbsence(t *testing.T) {
	t.Parallel()
	unstable := func(spec *connector.Spec) { spec.Streams[0].StableResume = false }
	for name, tc := range map[string]struct {
		read func(mdm *feed) syncer.Run // of a source that lacks device 2
		why  string                     // named by the problem; empty where the read is complete
	}{
		"an unbroken read to the last page is complete": {
			read: func(mdm *feed) syncer.Run { return mdm.sends(device(0), device(1)).run() },
		},
		"a page that could not be read whole": {
			read: func(mdm *feed) syncer.Run { return mdm.sends(device(0), device(1)).breaks().run() },
			why:  "1 record without a vendor id may be any of them",
		},
		"records without vendor ids": {
			read: func(mdm *feed) syncer.Run { return mdm.sends(device(0), `{"serial": "S1"}`, `{`).run() },
			why:  "2 records without a vendor id may be any of them",
		},
		"a resumed read of a stream that may miss records over a resume": {
			read: func(mdm *feed) syncer.Run {
				mdm.sendsPages(1, device(0), device(1)).fake.Describe = unstable
				mdm.interruptedAfter(1)
				return mdm.run()
			},
			why: "the read was interrupted, and the stream may have missed records",
		},
		"a resumed read of a stream that misses nothing is complete": {
			read: func(mdm *feed) syncer.Run {
				mdm.sendsPages(1, device(0), device(1))
				mdm.interruptedAfter(1)
				return mdm.run()
			},
		},
		"a restarted read of a stream that may miss records over a resume": {
			read: func(mdm *feed) syncer.Run {
				mdm.sendsPages(1, device(0), device(1)).scripts(map[int]connectortest.Step{1: {Err: connector.ErrUnavailable, Times: 1}}).fake.Describe = unstable
				return mdm.run()
			},
			why: "the read was interrupted, and the stream may have missed records",
		},
		"a restarted read of a stream that misses nothing is complete": {
			read: func(mdm *feed) syncer.Run {
				return mdm.sendsPages(1, device(0), device(1)).scripts(map[int]connectortest.Step{1: {Err: connector.ErrUnavailable, Times: 1}}).run()
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.inStep(syncer.ArchiveAbsent, 3)
			run := tc.read(mdm)
			require.Equal(t, tc.why == "", run.Complete)
			if tc.why == "" {
				require.Equal(t, syncer.Vanished{Missing: 1, Archived: 1}, run.Vanished)
				require.Equal(t, 2, s.live())
				return
			}
			require.Zero(t, run.Vanished)
			require.Equal(t, 3, s.live())
			require.Equal(t, syncer.WithProblems, run.Status)
			require.Contains(t, problems(run), "mdm incomplete read: nothing was archived: "+tc.why)
		})
	}
	stories(t, map[string]func(s *scene){
		"one with a record of which the mapper could say nothing is not": func(s *scene) {
			mdm := s.inStep(syncer.ArchiveAbsent, 3)
			mdm.opt.Mappers = map[string]mapping.Mapper{"mdm": faintMapper{}}
			run := mdm.sends(`v0;S0`, `v1;S1`, `v2;faint`).run()
			s.expect(run, "updated 2, failed 1")
			require.False(s, run.Complete)
			require.Zero(s, run.Vanished)
			require.Equal(s, 3, s.live())
		},
		"an empty source never is": func(s *scene) {
			mdm := s.inStep(syncer.ArchiveAbsent, 3)
			run := mdm.sends().run()
			require.Equal(s, syncer.Empty, run.Status)
			require.False(s, run.Complete)
			require.Zero(s, run.Vanished)
			require.Equal(s, 3, s.live())
		},
		"a stream that does not name every record is not": func(s *scene) {
			mdm := s.inStep(syncer.Keep, 3)
			mdm.sends(device(0)).fake.Describe = func(spec *connector.Spec) { spec.Streams[0].Complete = false }
			run := mdm.run()
			require.False(s, run.Complete)
			require.Zero(s, run.Vanished)
		},
		"a stream that stops without a last page is not, and the run fails": func(s *scene) {
			mdm := s.inStep(syncer.ArchiveAbsent, 3)
			run, err := mdm.sendsPages(1, device(0), device(1), device(2)).scripts(map[int]connectortest.Step{2: {Stop: true}}).fails()
			require.ErrorIs(s, err, connector.ErrMalformed)
			require.Equal(s, syncer.Failed, run.Status)
			require.False(s, run.Complete)
			s.expect(run, "unchanged 2")
			require.Equal(s, 3, s.live())
		},
		"a test run tells what would be archived, and archives nothing": func(s *scene) {
			mdm := s.inStep(syncer.ArchiveAbsent, 3)
			run, _ := mdm.sends(device(0)).test(syncer.TestOptions{Sample: -1})
			require.Equal(s, syncer.Vanished{Missing: 2, Archived: 2}, run.Vanished)
			require.Equal(s, 3, s.live())
		},
		"a sample says nothing about absence": func(s *scene) {
			mdm := s.inStep(syncer.ArchiveAbsent, 3)
			run, _ := mdm.sends(device(0), device(1)).test(syncer.TestOptions{Sample: 2})
			require.False(s, run.Complete)
			require.Zero(s, run.Vanished)
			require.Empty(s, run.Problems)
		},
	})
}

// A faintMapper gives up half way through some records.
type faintMapper struct{ ownMapper }

func (m faintMapper) Map(rec connector.Record, out *mapping.Out) error {
	if err := m.ownMapper.Map(rec, out); err != nil {
		return err
	}
	if strings.HasSuffix(string(rec), "faint") {
		return errors.New("it fainted")
	}
	return nil
}

func TestContract11TheGuard(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		known, gone int
		held        bool
	}{
		"5 of 6 are no more than 5":              {6, 5, false},
		"6 of 10 are too many":                   {10, 6, true},
		"6 of 60 are no more than a tenth":       {60, 6, false},
		"6 of 59 are more than a tenth":          {59, 6, true},
		"all but one of many":                    {60, 59, true},
		"10 of 1,000 are a hundredth":            {1000, 10, false},
		"101 of 1,000 are more than a tenth":     {1000, 101, true},
		"100 of 1,000 are not more than a tenth": {1000, 100, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, absence := range []syncer.Absence{syncer.ArchiveAbsent, syncer.FlagAbsent} {
				s := newScene(t)
				mdm := s.inStep(absence, tc.known)
				run := mdm.sends(numbered(tc.known-tc.gone, device)...).run()
				gone := int64(tc.gone)
				if tc.held {
					require.Equal(t, syncer.Vanished{Missing: gone, Held: gone}, run.Vanished)
					require.Equal(t, syncer.WithProblems, run.Status)
					require.Equal(t, []string{fmt.Sprintf("mdm too many vanished: %d of the %d records known are not in the source any more; nothing was done about them; check the source, then archive them by hand or set absence to keep", tc.gone, tc.known)}, problems(run))
					require.Equal(t, tc.known, s.live())
					continue
				}
				require.Equal(t, syncer.Succeeded, run.Status)
				if absence == syncer.FlagAbsent {
					require.Equal(t, syncer.Vanished{Missing: gone, Flagged: gone}, run.Vanished)
				} else {
					require.Equal(t, syncer.Vanished{Missing: gone, Archived: gone}, run.Vanished)
					require.Equal(t, tc.known-tc.gone, s.live())
				}
			}
		})
	}
	t.Run("what went missing before does not count again", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		mdm := s.inStep(syncer.ArchiveAbsent, 20)
		for left := 19; left >= 8; left-- { // one device goes after another
			run := mdm.sends(numbered(left, device)...).run()
			require.EqualValues(t, 20-left, run.Vanished.Missing)
			require.EqualValues(t, 1, run.Vanished.Archived, "with %d devices left", left)
			require.Zero(t, run.Vanished.Held)
			require.Equal(t, left, s.live())
		}
	})
	t.Run("nor does it make room for more", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		mdm := s.inStep(syncer.ArchiveAbsent, 100)
		for left := 95; left >= 50; left -= 5 {
			require.EqualValues(t, 5, mdm.sends(numbered(left, device)...).run().Vanished.Archived)
		}
		run := mdm.sends(numbered(44, device)...).run() // 6 of the 50 that were left
		require.Equal(t, syncer.Vanished{Missing: 56, Held: 6}, run.Vanished)
		require.Equal(t, 50, s.live())
	})
	t.Run("it lets go once the source is whole again", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		mdm := s.inStep(syncer.ArchiveAbsent, 20)
		require.EqualValues(t, 19, mdm.sends(device(0)).run().Vanished.Held)
		run := mdm.sends(numbered(19, device)...).run()
		require.Equal(t, syncer.Vanished{Missing: 1, Archived: 1}, run.Vanished)
	})
}

func TestContract11TheAbsenceStepIsResumed(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mdm := s.inStep(syncer.ArchiveAbsent, 100)
	mdm.sends(numbered(92, device)...)
	mdm.opt.BatchSize = 3
	mdm.fake.PageSize = 1000
	interrupted := mdm.interruptedAfter(3) // the read, then two batches of three
	require.EqualValues(t, 6, interrupted.Vanished.Archived)
	require.Equal(t, 94, s.live())
	run := mdm.run()
	require.Equal(t, interrupted.ID, run.ID)
	s.expect(run, "unchanged 92")
	require.Equal(t, syncer.Vanished{Missing: 8, Archived: 8}, run.Vanished)
	require.Equal(t, 92, s.live())
	require.EqualValues(t, 1, mdm.fake.Reads.Load(), "the last page was behind; nothing is read again")
}

func TestContract11MissingSinceIsWhenItWasFirstMissed(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mdm := s.inStep(syncer.FlagAbsent, 2)
	clock := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	mdm.opt.Now = func() time.Time { return clock }
	mdm.sends(device(0)).run()
	clock = clock.AddDate(0, 1, 0)
	mdm.run()
	require.Equal(t, "2030-01-01", s.asset("S1").MissingSince.Format(time.DateOnly))
}
