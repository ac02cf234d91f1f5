package syncer_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// A dated record is one with the day on which it last changed at its vendor, at
// noon.
type dated struct {
	day    int
	record string
}

func day(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

// tracks makes these the vendor's records from now on; the vendor can tell which
// of them have changed since a time.
func (f *feed) tracks(records ...dated) *feed {
	texts := make([]string, len(records))
	for i, r := range records {
		texts[i] = r.record
	}
	f.sends(texts...)
	f.fake.ChangedAt = func(i int) time.Time { return day(records[i].day).Add(12 * time.Hour) }
	return f
}

// on sets the clock to the evening of a day, after what happens on it.
func (f *feed) on(n int) *feed {
	f.opt.Now = func() time.Time { return day(n).Add(18 * time.Hour) }
	return f
}

// reads makes a full run that must come to its end.
func (f *feed) reads(reading syncer.Reading) syncer.Run {
	f.Helper()
	run, err := f.syncer().Run(f.Context(), f.in.ID, syncer.RunOptions{Reading: reading})
	require.NoError(f, err)
	require.True(f, equation(run.Counts), "%+v", run.Counts)
	return run
}

// begun is launched with an integration that has read devices 0 to n-1 on day 1.
func (s *scene) begun(n int, change func(*syncer.Integration)) *feed {
	s.Helper()
	in := assets("mdm")
	if change != nil {
		change(&in)
	}
	mdm := s.launched(in)
	var records []dated
	for i := range n {
		records = append(records, dated{1, device(i)})
	}
	s.expect(mdm.tracks(records...).on(1).run(), fmt.Sprintf("created %d", n))
	return mdm
}

// renamed is device i after a change.
func renamed(i int) string {
	return fmt.Sprintf(`{"id": "v%d", "serial": "S%d", "name": "device %d, renamed"}`, i, i, i)
}

func TestIncrementalRuns(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"the first run that asks for changes reads everything and says why": func(s *scene) {
			mdm := s.devices().tracks(dated{1, device(0)}).on(1)
			run := mdm.reads(syncer.ReadChanged)
			s.expect(run, "created 1")
			require.True(s, run.Since.IsZero())
			require.True(s, run.Complete)
			require.Equal(s, "no run before it has read everything", run.ReadAll)
			require.Equal(s, run.Started, run.FullRead)
		},
		"the next one asks for what has changed since the start of the last, and a little before": func(s *scene) {
			mdm := s.begun(3, nil)
			run := mdm.tracks(dated{1, device(0)}, dated{2, renamed(1)}, dated{1, device(2)}, dated{2, device(3)}).on(2).reads(syncer.ReadChanged)
			s.expect(run, "created 1, updated 1")
			require.Equal(s, day(1).Add(18*time.Hour-15*time.Minute), run.Since)
			require.Equal(s, run.Since, mdm.fake.Requests()[0].Since)
			require.False(s, run.Complete)
			require.Empty(s, run.ReadAll)
			require.Equal(s, "device 1, renamed", s.asset("S1").fields["device_name"])
			kept, err := s.store.Run(s.Context(), run.ID)
			require.NoError(s, err)
			require.Equal(s, run, kept)
		},
		"the overlap is the host's": func(s *scene) {
			mdm := s.begun(1, nil).on(2)
			mdm.opt.Overlap = time.Hour
			require.Equal(s, day(1).Add(17*time.Hour), mdm.reads(syncer.ReadChanged).Since)
			mdm.on(3).opt.Overlap = -1
			require.Equal(s, day(2).Add(18*time.Hour), mdm.reads(syncer.ReadChanged).Since)
		},
		"one builds on the other, and knows when the last full read began": func(s *scene) {
			mdm := s.begun(1, nil)
			mdm.on(2).reads(syncer.ReadChanged)
			run := mdm.on(3).reads(syncer.ReadChanged)
			require.Equal(s, day(2).Add(18*time.Hour-15*time.Minute), run.Since)
			require.Equal(s, day(1).Add(18*time.Hour), run.FullRead)
		},
		"nothing has changed, which is a success": func(s *scene) {
			run := s.begun(1, nil).on(2).reads(syncer.ReadChanged)
			s.expect(run, "")
			require.Equal(s, syncer.Succeeded, run.Status)
		},
		"nobody asks for changes, and everything is read": func(s *scene) {
			run := s.begun(2, nil).on(2).reads(syncer.AsConfigured)
			s.expect(run, "unchanged 2")
			require.True(s, run.Complete)
			require.Empty(s, run.ReadAll)
		},
		"what does not come is not gone, and that is no problem": func(s *scene) {
			mdm := s.begun(3, func(in *syncer.Integration) { in.Absence = syncer.ArchiveAbsent })
			run := mdm.tracks(dated{2, renamed(0)}).on(2).reads(syncer.ReadChanged)
			s.expect(run, "updated 1")
			require.Equal(s, syncer.Vanished{}, run.Vanished)
			require.Equal(s, syncer.Succeeded, run.Status)
			require.Equal(s, 3, s.live())
			run = mdm.on(3).reads(syncer.ReadAll)
			require.Equal(s, syncer.Vanished{Missing: 2, Archived: 2}, run.Vanished)
		},
		"a superseded vendor id stays so, though its holder does not come": func(s *scene) {
			mdm := s.begun(1, nil)
			mdm.tracks(dated{2, `{"id": "v9", "serial": "S0"}`}).on(2).run()
			require.Equal(s, []string{"v0 -> 1, superseded by v9", "v9 -> 1"}, s.links("mdm"))
			run := mdm.tracks(dated{3, device(0)}).on(3).reads(syncer.ReadChanged)
			s.expect(run, "skipped 1")
			require.Equal(s, []string{"v0 -> 1, superseded by v9", "v9 -> 1"}, s.links("mdm"))
		},
		"a source is not silent about what has not changed": func(s *scene) {
			mdm := s.begun(2, nil)
			s.precedence(syncer.Precedence{Order: []string{"mdm"}, SilentAfter: 1})
			mdm.on(2).run()
			mdm.tracks(dated{3, renamed(0)}).on(3).reads(syncer.ReadChanged)
			require.Equal(s, []string{"v0 -> 1", "v1 -> 2"}, s.links("mdm"))
		},
		"an interrupted one goes on as it began": func(s *scene) {
			mdm := s.begun(4, nil)
			mdm.tracks(dated{2, renamed(0)}, dated{1, device(1)}, dated{2, renamed(2)}, dated{2, renamed(3)}).on(2)
			mdm.fake.PageSize, mdm.opt.BatchSize = 1, 1
			mdm.edit(func(in *syncer.Integration) { in.FullEvery = 7 })
			interrupted := mdm.interruptedAfter(1)
			require.False(s, interrupted.Since.IsZero())
			run := mdm.on(3).run()
			require.Equal(s, interrupted.ID, run.ID)
			require.Equal(s, interrupted.Since, run.Since)
			for _, r := range mdm.fake.Requests() {
				require.Equal(s, run.Since, r.Since)
			}
			s.expect(run, "updated 3")
			require.Equal(s, day(2).Add(18*time.Hour-15*time.Minute), mdm.on(4).run().Since, "it is built upon, from when it began")
		},
		"an interrupted one is left behind by who wants everything": func(s *scene) {
			mdm := s.begun(3, nil)
			mdm.tracks(dated{2, renamed(0)}, dated{2, renamed(1)}, dated{1, device(2)}).on(2)
			mdm.fake.PageSize, mdm.opt.BatchSize = 1, 1
			mdm.edit(func(in *syncer.Integration) { in.FullEvery = 7 })
			interrupted := mdm.interruptedAfter(1)
			run := mdm.on(3).reads(syncer.ReadAll)
			require.NotEqual(s, interrupted.ID, run.ID)
			s.expect(run, "updated 1, unchanged 2")
			require.True(s, run.Complete)
		},
		"an interrupted full run goes on, though changes are asked for": func(s *scene) {
			mdm := s.devices().tracks(dated{1, device(0)}, dated{1, device(1)}).on(1)
			mdm.fake.PageSize, mdm.opt.BatchSize = 1, 1
			interrupted := mdm.interruptedAfter(1)
			run := mdm.on(2).reads(syncer.ReadChanged)
			require.Equal(s, interrupted.ID, run.ID)
			require.True(s, run.Since.IsZero())
			s.expect(run, "created 2")
		},
	})
}

func TestWhatAnIncrementalRunBuildsOn(t *testing.T) {
	t.Parallel()
	changed := "the integration, its mapping or the target model has changed since the last read"
	rewrite := func(in *syncer.Integration) {
		in.Mapping.Fields[2] = mapping.FieldMapping{To: "device_name", Value: "anonymous"}
	}
	unstable := func(f *feed) { f.fake.Describe = func(spec *connector.Spec) { spec.Streams[0].StableResume = false } }
	failOnce := map[int]connectortest.Step{0: {Err: connector.Errorf(connector.ErrUnavailable, "read", "closed"), Times: 1}}
	tests := map[string]struct {
		happens func(f *feed) // on day 2, after a full read on day 1
		since   int           // the day of the run that is built upon, 0 for none
		why     string
	}{
		"nothing":                         {func(*feed) {}, 1, ""},
		"a test run":                      {func(f *feed) { f.test(syncer.TestOptions{Sample: -1}) }, 1, ""},
		"a full read":                     {func(f *feed) { f.run() }, 2, ""},
		"a full read of nothing":          {func(f *feed) { f.tracks().run(); f.tracks(dated{1, device(0)}) }, 1, ""},
		"a run that fails":                {func(f *feed) { f.isRefused() }, 1, ""},
		"a pause and a launch":            {func(f *feed) { f.pausesAndLaunches() }, 1, ""},
		"another name":                    {func(f *feed) { f.edit(func(in *syncer.Integration) { in.Name = "Macs" }) }, 1, ""},
		"another mapping":                 {func(f *feed) { f.edit(rewrite) }, 0, changed},
		"another policy":                  {func(f *feed) { f.edit(func(in *syncer.Integration) { in.Policy = syncer.UpdateOnly }) }, 0, changed},
		"another credential":              {func(f *feed) { f.edit(func(in *syncer.Integration) { in.Credential = "other" }) }, 0, changed},
		"that archived ones are restored": {func(f *feed) { f.edit(func(in *syncer.Integration) { in.RestoreArchived = true }) }, 0, changed},
		"another precedence": {func(f *feed) {
			require.NoError(f, f.store.SavePrecedence(f.Context(), syncer.Precedence{Object: "assets", Order: []string{"edr", "mdm"}}))
		}, 0, changed},
		"another mapping, a failed run by it, and the old mapping again": {func(f *feed) {
			old := f.in.Mapping.Fields[2]
			f.edit(rewrite)
			f.isRefused()
			f.edit(func(in *syncer.Integration) { in.Mapping.Fields[2] = old })
		}, 0, changed},
		"a revert": {func(f *feed) {
			run := f.tracks(dated{2, renamed(0)}).run()
			_, err := f.syncer().Revert(f.Context(), run.ID, syncer.RevertOptions{By: "ada@example.com", KeepActive: true})
			require.NoError(f, err)
		}, 0, "was reverted"},
		"a read that was broken off and may have missed records": {func(f *feed) {
			unstable(f)
			f.scripts(failOnce).run()
		}, 1, ""},
		"a read that was broken off and cannot have missed any": {func(f *feed) { f.scripts(failOnce).run() }, 2, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mdm := newScene(t).begun(1, nil).on(2)
			test.happens(mdm)
			run := mdm.on(3).reads(syncer.ReadChanged)
			if test.since == 0 {
				require.True(t, run.Since.IsZero())
				require.Contains(t, run.ReadAll, test.why)
				return
			}
			require.Empty(t, run.ReadAll)
			require.Equal(t, day(test.since).Add(18*time.Hour-15*time.Minute), run.Since)
		})
	}
}

// refusing is a vendor that turns out to be unable to tell what has changed.
type refusing struct{ *connectortest.Fake }

func (v refusing) Open(ctx context.Context, cfg connector.Config) (connector.Source, error) {
	src, err := v.Fake.Open(ctx, cfg)
	return refusingSource{src}, err
}

type refusingSource struct{ connector.Source }

func (s refusingSource) Read(ctx context.Context, req connector.Request) iter.Seq2[connector.Page, error] {
	if req.Since.IsZero() {
		return s.Source.Read(ctx, req)
	}
	return func(yield func(connector.Page, error) bool) {
		yield(connector.Page{}, connector.Errorf(connector.ErrUnsupported, "list users", "invalidFilter"))
	}
}

// isRefused makes a full run that the vendor refuses, once.
func (f *feed) isRefused() {
	f.Helper()
	f.fake.OpenErr = connector.ErrAuth
	_, err := f.fails()
	require.ErrorIs(f, err, connector.ErrAuth)
	f.fake.OpenErr = nil
}

// pausesAndLaunches takes an integration out of use and into it again.
func (f *feed) pausesAndLaunches() {
	f.Helper()
	require.NoError(f, f.syncer().Pause(f.Context(), f.in.ID, "editor@example.com"))
	require.NoError(f, f.syncer().Launch(f.Context(), f.in.ID, "editor@example.com"))
}

func TestFullEvery(t *testing.T) {
	t.Parallel()
	weekly := func(s *scene) *feed {
		mdm := s.begun(2, nil)
		mdm.edit(func(in *syncer.Integration) { in.FullEvery = 7 })
		return mdm
	}
	stories(t, map[string]func(s *scene){
		"runs ask for changes until the last full read is too old": func(s *scene) {
			mdm := weekly(s)
			for n := 2; n < 8; n++ {
				require.False(s, mdm.on(n).run().Since.IsZero(), "day %d", n)
			}
			run := mdm.on(8).run()
			require.True(s, run.Complete)
			require.Equal(s, "the last full read is 7 days old", run.ReadAll)
			require.False(s, mdm.on(9).run().Since.IsZero(), "and again")
		},
		"who asks for everything gets it": func(s *scene) {
			run := weekly(s).on(2).reads(syncer.ReadAll)
			require.True(s, run.Complete)
			require.Empty(s, run.ReadAll)
		},
		"who asks for changes gets them, however old the last full read": func(s *scene) {
			require.False(s, weekly(s).on(20).reads(syncer.ReadChanged).Since.IsZero())
		},
		"a stream that has forgotten how to tell changes is read whole": func(s *scene) {
			mdm := weekly(s).on(2)
			mdm.fake.ChangedAt = nil
			run := mdm.run()
			require.True(s, run.Complete)
			require.Equal(s, "the stream cannot tell what has changed", run.ReadAll)
		},
		"a vendor that refuses to tell changes is read whole": func(s *scene) {
			mdm := weekly(s).on(2)
			its := mdm.syncerOf(refusing{mdm.fake})
			foretold, err := its.TestRun(s.Context(), "mdm", syncer.TestOptions{Sample: -1})
			require.NoError(s, err)
			run, err := its.Run(s.Context(), "mdm", syncer.RunOptions{})
			require.NoError(s, err)
			s.expect(run, "unchanged 2")
			require.True(s, run.Complete)
			require.Contains(s, run.ReadAll, "the vendor cannot tell what has changed: list users: invalidFilter")
			require.Equal(s, run.Started, run.FullRead)
			require.Zero(s, run.Restarts)
			require.Equal(s, numbers(foretold), numbers(run))
		},
		"but who asks for changes in so many words hears that": func(s *scene) {
			mdm := weekly(s).on(2)
			run, err := mdm.syncerOf(refusing{mdm.fake}).Run(s.Context(), "mdm", syncer.RunOptions{Reading: syncer.ReadChanged})
			require.ErrorIs(s, err, connector.ErrUnsupported)
			require.Equal(s, syncer.Failed, run.Status)
		},
		"a test run foretells how much will be read": func(s *scene) {
			mdm := weekly(s).tracks(dated{1, device(0)}, dated{2, renamed(1)}).on(2)
			foretold, records := mdm.test(syncer.TestOptions{Sample: -1})
			require.Len(s, records, 1)
			require.Equal(s, "v1 updated", verdictOf(records[0]))
			run := mdm.run()
			require.Equal(s, foretold.Since, run.Since)
			require.Equal(s, numbers(foretold), numbers(run))
			all, _ := mdm.test(syncer.TestOptions{Sample: -1, Reading: syncer.ReadAll})
			s.expect(all, "unchanged 2")
		},
	})
}

func TestChangesAloneAreRefusedWhereTheyCannotBeTold(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"by a run, before it begins": func(s *scene) {
			mdm := s.devices().sends(device(0))
			_, err := mdm.syncer().Run(s.Context(), "mdm", syncer.RunOptions{Reading: syncer.ReadChanged})
			require.ErrorIs(s, err, connector.ErrUnsupported)
			require.ErrorContains(s, err, "mdm cannot tell which of its records have changed")
			_, err = mdm.syncer().TestRun(s.Context(), "mdm", syncer.TestOptions{Reading: syncer.ReadChanged})
			require.ErrorIs(s, err, connector.ErrUnsupported)
			runs, err := s.store.Runs(s.Context(), syncer.RunQuery{Test: true})
			require.NoError(s, err)
			require.Empty(s, runs)
			s.expect(mdm.run(), "created 1")
		},
		"by an integration, when it is saved": func(s *scene) {
			mdm := s.devices()
			mdm.in.FullEvery = 7
			_, err := mdm.syncer().Save(s.Context(), mdm.in, "editor@example.com")
			require.ErrorIs(s, err, connector.ErrUnsupported)
			require.EqualError(s, err, `save integration "mdm": full_every: read what has changed: mdm cannot tell which of its records have changed [unsupported: read everything]`)
		},
		"but not of a connector that is not there": func(s *scene) {
			mdm := s.devices()
			mdm.in.Connector, mdm.in.FullEvery = "elsewhere", 7
			_, err := mdm.syncer().Save(s.Context(), mdm.in, "editor@example.com")
			require.NoError(s, err)
		},
		"and a number of days is none below zero": func(s *scene) {
			mdm := s.devices()
			mdm.in.FullEvery = -1
			_, err := mdm.syncer().Save(s.Context(), mdm.in, "editor@example.com")
			require.ErrorContains(s, err, "full_every is -1")
		},
		"nor is there another way to read": func(s *scene) {
			_, err := s.devices().syncer().Run(s.Context(), "mdm", syncer.RunOptions{Reading: "some"})
			require.ErrorIs(s, err, connector.ErrInvalid)
		},
		"the edit is in the history": func(s *scene) {
			mdm := s.begun(1, nil)
			mdm.edit(func(in *syncer.Integration) { in.FullEvery = 7 })
			in, err := s.store.Integration(s.Context(), "mdm")
			require.NoError(s, err)
			require.Equal(s, "full reads changed", in.Changes[len(in.Changes)-1].What)
		},
	})
}
