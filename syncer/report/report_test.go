package report_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
	"github.com/vendorsync/vendorsync/syncer/report"
)

// only returns the one integration of a scene.
func (s *scene) only() report.Integration {
	s.t.Helper()
	r := s.make()
	require.Len(s.t, r.Integrations, 1)
	return r.Integrations[0]
}

func kinds(found []report.Finding) []report.Kind {
	out := []report.Kind{}
	for _, f := range found {
		out = append(out, f.Kind)
	}
	return out
}

func TestHealth(t *testing.T) {
	t.Parallel()
	some := counts(1, 0, 2, 0)
	for name, test := range map[string]struct {
		state  syncer.State
		runs   func(s *scene)
		due    time.Time
		key    time.Time // when the credential expires
		lacks  []string
		health report.Health
		kinds  []report.Kind
		text   string // of the first finding
		since  time.Duration
	}{
		"a run that succeeded is fine": {
			runs: func(s *scene) { s.run("a", time.Hour, syncer.Succeeded, some) }, health: report.Fine,
		},
		"a run under way over one that succeeded is fine": {
			runs: func(s *scene) {
				s.run("a", time.Hour, syncer.Running, some)
				s.run("a", 2*time.Hour, syncer.Succeeded, some)
			}, health: report.Fine,
		},
		"a first run under way is fine": {
			runs: func(s *scene) { s.run("a", time.Hour, syncer.Queued, some) }, health: report.Fine,
		},
		"one failure is trouble": {
			runs: func(s *scene) {
				s.run("a", time.Hour, syncer.Failed, some)
				s.run("a", 2*time.Hour, syncer.Succeeded, some)
				s.run("a", 3*time.Hour, syncer.Failed, some)
			}, health: report.Trouble, kinds: []report.Kind{report.LastFailed}, text: "The last run failed", since: 59 * time.Minute,
		},
		"failures in a row are told from the first of them, over a run under way": {
			runs: func(s *scene) {
				s.run("a", time.Minute, syncer.Running, some)
				s.run("a", time.Hour, syncer.Failed, some)
				s.run("a", 2*time.Hour, syncer.Failed, some)
				s.run("a", 3*time.Hour, syncer.Cancelled, some)
			}, health: report.Trouble, kinds: []report.Kind{report.KeepsFailing}, text: "The last 2 runs failed", since: 119 * time.Minute,
		},
		"failures beyond the runs that are looked at are not counted": {
			runs: func(s *scene) {
				for n := range 1001 {
					s.run("a", time.Duration(n+1)*time.Hour, syncer.Failed, some)
				}
			}, health: report.Trouble, kinds: []report.Kind{report.KeepsFailing}, text: "At least the last 1,000 runs failed", since: 1000*time.Hour - time.Minute,
		},
		"a run that was interrupted needs a look": {
			runs:   func(s *scene) { s.run("a", time.Hour, syncer.Interrupted, some) },
			health: report.Attention, kinds: []report.Kind{report.LastInterrupted}, text: "The last run was interrupted", since: 59 * time.Minute,
		},
		"a run that was cancelled needs a look": {
			runs:   func(s *scene) { s.run("a", time.Hour, syncer.Cancelled, some) },
			health: report.Attention, kinds: []report.Kind{report.LastCancelled}, text: "The last run was cancelled", since: 59 * time.Minute,
		},
		"a run without a record needs a look": {
			runs:   func(s *scene) { s.run("a", time.Hour, syncer.Empty, syncer.Counts{}) },
			health: report.Attention, kinds: []report.Kind{report.LastEmpty}, text: "The last run found no record at the vendor", since: 59 * time.Minute,
		},
		"a run with problems needs a look": {
			runs:   func(s *scene) { s.run("a", time.Hour, syncer.WithProblems, some, having(badMAC, conflict)) },
			health: report.Attention, kinds: []report.Kind{report.WithProblems}, text: "2 problems", since: time.Hour,
		},
		"a run of more than a day is stuck, whatever there is beside it": {
			runs: func(s *scene) {
				s.run("a", 25*time.Hour, syncer.Running, some)
				s.run("a", 26*time.Hour, syncer.Interrupted, some)
			}, due: now.Add(-day),
			health: report.Trouble, kinds: []report.Kind{report.Stuck, report.LastInterrupted}, text: "The run under way does not come to its end", since: 25 * time.Hour,
		},
		"a run that is late within the grace is fine": {
			runs: func(s *scene) { s.run("a", day, syncer.Succeeded, some) }, due: now.Add(-time.Hour), health: report.Fine,
		},
		"a run that is late by more is trouble": {
			runs: func(s *scene) { s.run("a", day, syncer.Succeeded, some) }, due: now.Add(-time.Hour - time.Second),
			health: report.Trouble, kinds: []report.Kind{report.Late}, text: "A run has not started that was due", since: time.Hour + time.Second,
		},
		"an integration that has never run needs a look": {
			runs: func(*scene) {}, health: report.Attention, kinds: []report.Kind{report.NeverRun}, text: "It has never run",
		},
		"a credential that is valid for long is fine": {
			runs: func(s *scene) { s.run("a", time.Hour, syncer.Succeeded, some) }, key: now.Add(15 * day), health: report.Fine,
		},
		"a credential that expires soon needs a look, and a failure comes first": {
			runs: func(s *scene) { s.run("a", time.Hour, syncer.Failed, some) }, key: now.Add(2 * day),
			health: report.Trouble, kinds: []report.Kind{report.LastFailed, report.Expiry}, text: "The last run failed", since: 59 * time.Minute,
		},
		"a credential that has expired is trouble": {
			runs: func(s *scene) { s.run("a", time.Hour, syncer.Succeeded, some) }, key: now,
			health: report.Trouble, kinds: []report.Kind{report.Expiry}, text: "Its credential expired",
		},
		"an active integration that lacks something is in trouble": {
			runs: func(s *scene) { s.run("a", time.Hour, syncer.Succeeded, some) }, lacks: []string{"a credential"},
			health: report.Trouble, kinds: []report.Kind{report.Lacking}, text: "It lacks what it needs to run",
		},
		"a draft that lacks something is not running": {
			state: syncer.Draft, runs: func(*scene) {}, lacks: []string{"a credential"}, health: report.Idle,
		},
		"a paused integration is not running, whatever happened": {
			state: syncer.Paused, runs: func(s *scene) { s.run("a", time.Hour, syncer.Failed, some) }, due: now.Add(-day), key: now, health: report.Idle,
		},
		"a run that puts another one back says nothing of the vendor": {
			runs: func(s *scene) {
				s.run("a", time.Minute, syncer.Failed, syncer.Counts{}, having(badMAC), func(r *syncer.Run) { r.Reverts = "a-3600" })
				s.run("a", time.Hour, syncer.Succeeded, some)
			}, health: report.Fine,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			state := test.state
			if state == "" {
				state = syncer.Active
			}
			s.add("a", "A", "okta", "users", in(state), with("key"))
			test.runs(s)
			s.opt.Credentials = []credentials.Entry{{ID: "key", Details: credentials.Details{ExpiresAt: test.key}}}
			s.opt.Schedule = func(syncer.Integration) report.Schedule { return report.Schedule{Due: test.due} }
			s.opt.Missing = func(context.Context, string) ([]string, error) { return test.lacks, nil }
			i := s.only()
			require.Equal(t, test.health, i.Health)
			require.Equal(t, append([]report.Kind{}, test.kinds...), kinds(i.Findings))
			require.Equal(t, append([]string{}, test.lacks...), i.Missing)
			if len(test.kinds) > 0 {
				require.Equal(t, test.text, i.Findings[0].Text)
			}
			if test.since > 0 {
				require.Equal(t, test.since, now.Sub(i.Findings[0].Since))
			}
		})
	}
}

func TestAges(t *testing.T) {
	t.Parallel()
	some := counts(1, 0, 2, 0)
	for name, test := range map[string]struct {
		runs                    func(s *scene)
		success, full, complete time.Duration // how long ago; 0 for never
		lookedAt                int
		older                   bool
	}{
		"no run": {runs: func(*scene) {}},
		"runs that never succeeded": {
			runs: func(s *scene) {
				s.run("a", time.Hour, syncer.Failed, some)
				s.run("a", 2*time.Hour, syncer.Empty, syncer.Counts{}, func(r *syncer.Run) { r.Complete = true })
			}, lookedAt: 2,
		},
		"a success behind failures, further back than the runs that are shown": {
			runs: func(s *scene) {
				for n := range 40 {
					s.run("a", time.Duration(n+1)*time.Hour, syncer.Failed, some)
				}
				s.run("a", 41*time.Hour, syncer.WithProblems, some)
			}, success: 41*time.Hour - time.Minute, full: 41 * time.Hour, complete: 41 * time.Hour, lookedAt: 41,
		},
		"a success that came after 1,000 failures": {
			runs: func(s *scene) {
				for n := range 1000 {
					s.run("a", time.Duration(n+1)*time.Hour, syncer.Failed, some)
				}
				s.run("a", 1001*time.Hour, syncer.Succeeded, some)
			}, lookedAt: 1000, older: true,
		},
		"changes alone over a full read that was pruned": {
			runs:    func(s *scene) { s.run("a", time.Hour, syncer.Succeeded, some, changesAlone(5*day)) },
			success: 59 * time.Minute, full: 5 * day, lookedAt: 1,
		},
		"a full read that did not name every record, over one that did": {
			runs: func(s *scene) {
				s.run("a", time.Hour, syncer.Succeeded, some, func(r *syncer.Run) { r.Complete = false })
				s.run("a", day, syncer.Succeeded, some)
			}, success: 59 * time.Minute, full: time.Hour, complete: day, lookedAt: 2,
		},
		"a run that puts another one back": {
			runs: func(s *scene) {
				s.run("a", time.Hour, syncer.Succeeded, some, func(r *syncer.Run) { r.Reverts = "a-86400" })
				s.run("a", day, syncer.Succeeded, some)
			}, success: day - time.Minute, full: day, complete: day, lookedAt: 2,
		},
		"a test run": {
			runs: func(s *scene) { s.run("a", time.Hour, syncer.Succeeded, some, func(r *syncer.Run) { r.Test = true }) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.add("a", "A", "okta", "users")
			test.runs(s)
			i := s.only()
			for what, age := range map[string]struct {
				want time.Duration
				got  time.Time
			}{"success": {test.success, i.LastSuccess}, "full": {test.full, i.LastFull}, "complete": {test.complete, i.LastComplete}} {
				if age.want == 0 {
					require.Zero(t, age.got, what)
				} else {
					require.Equal(t, age.want, now.Sub(age.got), what)
				}
			}
			require.Equal(t, test.lookedAt, i.LookedAt)
			require.Equal(t, test.older, i.Older)
			require.LessOrEqual(t, len(i.Runs), 30)
		})
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	some := counts(0, 0, 5, 0)
	type group struct {
		reason  syncer.Reason
		count   int
		age     time.Duration
		example string
	}
	for name, test := range map[string]struct {
		runs   func(s *scene)
		groups []group
		count  int64
		oldest time.Duration
	}{
		"problems that are gone are not told": {
			runs: func(s *scene) {
				s.run("a", day, syncer.Succeeded, some)
				s.run("a", 2*day, syncer.WithProblems, some, having(badMAC))
			},
		},
		"a problem is as old as the first run in a row that has it": {
			runs: func(s *scene) {
				s.run("a", day, syncer.WithProblems, some, having(conflict, badMAC))
				s.run("a", 2*day, syncer.WithProblems, some, having(badMAC))
				s.run("a", 3*day, syncer.WithProblems, some, having(badMAC))
				s.run("a", 4*day, syncer.WithProblems, some, having(conflict))
				s.run("a", 5*day, syncer.WithProblems, some, having(badMAC))
			},
			groups: []group{{syncer.ReasonConflict, 1, day, conflict.Record}, {syncer.ReasonInvalid, 1, 3 * day, badMAC.Record}},
			count:  2, oldest: 3 * day,
		},
		"those of one reason are counted, the oldest tells the age": {
			runs: func(s *scene) {
				s.run("a", day, syncer.WithProblems, some, having(badMAC, conflict, badDate))
				s.run("a", 2*day, syncer.WithProblems, some, having(badDate))
			},
			groups: []group{{syncer.ReasonInvalid, 2, 2 * day, badMAC.Record}, {syncer.ReasonConflict, 1, day, conflict.Record}},
			count:  3, oldest: 2 * day,
		},
		"runs that did not read everything add problems and take none away": {
			runs: func(s *scene) {
				s.run("a", time.Hour, syncer.Failed, some)
				s.run("a", 2*time.Hour, syncer.WithProblems, some, changesAlone(day), having(conflict))
				s.run("a", 3*time.Hour, syncer.Interrupted, some, having(badMAC))
				s.run("a", day, syncer.WithProblems, some, having(badMAC))
				s.run("a", 2*day, syncer.WithProblems, some, having(odd))
			},
			groups: []group{{syncer.ReasonConflict, 1, 2 * time.Hour, conflict.Record}, {syncer.ReasonInvalid, 1, day, badMAC.Record}},
			count:  2, oldest: day,
		},
		"a run that kept only its first problems does not say that another was not there": {
			runs: func(s *scene) {
				s.run("a", day, syncer.WithProblems, some, having(badMAC))
				s.run("a", 2*day, syncer.WithProblems, some, having(conflict), func(r *syncer.Run) { r.ProblemCount = 200 })
				s.run("a", 3*day, syncer.WithProblems, some, having(badMAC))
			},
			groups: []group{{syncer.ReasonInvalid, 1, 3 * day, badMAC.Record}}, count: 1, oldest: 3 * day,
		},
		"problems that were not kept are counted": {
			runs: func(s *scene) {
				s.run("a", day, syncer.WithProblems, some, having(badMAC), func(r *syncer.Run) { r.ProblemCount = 250 })
			},
			groups: []group{{syncer.ReasonInvalid, 1, day, badMAC.Record}}, count: 250, oldest: day,
		},
		"a host's own words are of another reason": {
			runs: func(s *scene) {
				s.run("a", day, syncer.WithProblems, some, having(odd, syncer.Problem{Record: "1", Reason: "conflicting: x"}, syncer.Problem{Record: "2"}))
			},
			groups: []group{{report.Other, 3, day, odd.Record}}, count: 3, oldest: day,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.add("a", "A", "okta", "users")
			test.runs(s)
			i := s.only()
			require.Len(t, i.Problems, len(test.groups))
			for n, g := range test.groups {
				got := i.Problems[n]
				require.Equal(t, g, group{got.Reason, got.Count, now.Sub(got.Since), got.Example.Record})
			}
			require.Equal(t, test.count, i.ProblemCount)
			if test.oldest > 0 {
				require.Equal(t, test.oldest, now.Sub(i.OldestProblem))
			} else {
				require.Zero(t, i.OldestProblem)
			}
		})
	}
}

func TestEachReasonHasItsMeaning(t *testing.T) {
	t.Parallel()
	for _, reason := range syncer.Reasons() {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.add("a", "A", "okta", "users")
			s.run("a", day, syncer.WithProblems, counts(0, 0, 0, 1), having(
				syncer.Problem{Record: "1", Reason: string(reason) + ": because"}, syncer.Problem{Record: "2", Reason: string(reason) + " 7"}))
			i := s.only()
			require.Len(t, i.Problems, 1)
			require.Equal(t, reason, i.Problems[0].Reason)
			require.Equal(t, 2, i.Problems[0].Count)
			require.NotEmpty(t, i.Problems[0].Meaning)
			html := page(t, s.make())
			require.Contains(t, html, string(reason)+`<span class="meaning">`)
			require.Contains(t, html, "<bdi>because</bdi>")
		})
	}
}

func TestASecretIsNowhere(t *testing.T) {
	t.Parallel()
	r := whole(t).make()
	data, err := json.Marshal(r)
	require.NoError(t, err)
	for name, out := range map[string]string{"page": page(t, r), "text": text(t, r), "JSON": string(data)} {
		require.NotContains(t, out, secret, name)
		require.NotContains(t, out, "svc-sync", name)
	}
}

func TestWhatAVendorSaysIsEscaped(t *testing.T) {
	t.Parallel()
	r := whole(t).make()
	html := page(t, r)
	require.Contains(t, html, "&lt;script&gt;alert(&#39;x&#39;)")
	for _, bad := range []string{"<script", "<b>about", "\u202e", "\u0007"} {
		require.NotContains(t, html, bad)
	}
	for _, bad := range []string{"\u202e", "\u0007", "\u001b"} {
		require.NotContains(t, text(t, r), bad)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	some := counts(1, 0, 2, 0)
	s := newScene(t)
	s.add("a", "A", "okta", "users", with("key"))
	s.add("b", "", "lost", "users", with("key"), func(in *syncer.Integration) { in.Installation = syncer.Local })
	s.add("c", "C", "okta", "users", in(syncer.Archived), with("key"))
	for n := range 300 {
		s.run("a", time.Duration(n+1)*time.Hour, syncer.Succeeded, some)
	}
	s.run("b", 3*day, syncer.Running, some)
	registry, err := connector.NewRegistry(vendor{})
	require.NoError(t, err)
	york, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	s.opt = report.Options{
		Title: "Fleet", Runs: 1000, Archived: true, Registry: registry, RunLimit: 4 * day, Zone: york,
		Now:         func() time.Time { return now.In(york) },
		Credentials: []credentials.Entry{{ID: "key", Details: credentials.Details{ExpiresAt: now.Add(day).In(york)}}},
		Totals:      []report.Total{{Object: "users", Records: 5}},
	}
	r := s.make()
	require.Equal(t, report.Summary{Integrations: 3, Attention: 1, Fine: 1, Idle: 1}, r.Summary)
	require.Equal(t, "Fleet", r.Title)
	require.Equal(t, now, r.Made)
	require.Equal(t, []report.Credential{{ID: "key", ExpiresAt: now.Add(day), Health: report.Attention, UsedBy: []string{"a"}}}, r.Credentials)
	a, b, c := r.Integrations[0], r.Integrations[1], r.Integrations[2]
	require.Equal(t, []string{"a", "b", "c"}, []string{a.ID, b.ID, c.ID})
	require.Len(t, a.Runs, 200, "no more are shown")
	require.Equal(t, "Okta", a.Vendor)
	require.Equal(t, "lost", b.Vendor, "a connector that is gone stands for its vendor")
	require.Equal(t, "b", b.Name)
	require.Equal(t, 3*day, b.Runs[0].Duration, "a run under way takes until now")
	require.Nil(t, b.Credential, "a credential that is kept elsewhere is another one")
	require.Equal(t, report.Idle, c.Health)
	require.Contains(t, page(t, r), "Made on <time datetime=\"2026-11-24T09:00:00Z\">24 Nov 2026 04:00</time>. All times are in the zone America/New_York.")
	require.Contains(t, text(t, r), "Fleet, 24 Nov 2026 04:00 America/New_York\n")

	s.opt.Archived = false
	require.Len(t, s.make().Integrations, 2)
}

func TestHeadlines(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		summary report.Summary
		want    string
	}{
		"nothing":     {want: "There are no integrations yet."},
		"drafts":      {summary: report.Summary{Integrations: 2, Idle: 2}, want: "None of 2 integrations is meant to run."},
		"one is fine": {summary: report.Summary{Integrations: 2, Fine: 1, Idle: 1}, want: "All is well: 1 running integration, and no trouble."},
		"some":        {summary: report.Summary{Integrations: 4, Trouble: 1, Attention: 1, Fine: 2}, want: "Of 4 integrations, 1 is in trouble, 1 needs a look and 2 are fine."},
		"one alone":   {summary: report.Summary{Integrations: 1, Trouble: 1}, want: "Of 1 integration, 1 is in trouble."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := report.Report{Title: "T", Made: now, Summary: test.summary}
			require.Equal(t, "T, 24 Nov 2026 09:00 UTC\n"+test.want+"\n", text(t, r))
			require.Contains(t, page(t, r), `<p class="headline">`+test.want+"</p>")
		})
	}
}

func TestAgesInWords(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		age  time.Duration
		want string
	}{
		"now":                   {0, "just now"},
		"half a minute":         {30 * time.Second, "just now"},
		"a minute":              {time.Minute, "1 minute ago"},
		"nearly an hour":        {59*time.Minute + 40*time.Second, "1 hour ago"},
		"nearly two hours":      {119 * time.Minute, "2 hours ago"},
		"nearly a day":          {23*time.Hour + 50*time.Minute, "1 day ago"},
		"three days":            {3*day + time.Hour, "3 days ago"},
		"two months":            {61 * day, "2 months ago"},
		"a year":                {370 * day, "1 year ago"},
		"a minute to come":      {-time.Minute, "in 1 minute"},
		"five days to come":     {-5*day - time.Hour, "in 5 days"},
		"an age beyond all use": {290 * 365 * day, "290 years ago"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := report.Report{Made: now, Credentials: []report.Credential{{ID: "key", ExpiresAt: now.Add(-test.age)}}}
			require.Contains(t, text(t, r), " "+test.want+", ")
		})
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		took time.Duration
		want string
	}{
		"nothing":          {0, "0 ms"},
		"milliseconds":     {950*time.Millisecond + 900*time.Microsecond, "950 ms"},
		"a second":         {time.Second, "1 s"},
		"tenths":           {1560 * time.Millisecond, "1.5 s"},
		"seconds":          {12900 * time.Millisecond, "12 s"},
		"minutes":          {200 * time.Second, "3 min 20 s"},
		"whole hours":      {2 * time.Hour, "2 h"},
		"hours":            {125 * time.Minute, "2 h 5 min"},
		"days":             {27 * time.Hour, "1 d 3 h"},
		"a clock set back": {-time.Hour, "0 ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.add("a", "A", "okta", "users")
			s.run("a", 5*day, syncer.Succeeded, counts(0, 0, 1, 0), lasting(test.took, 0))
			require.Contains(t, text(t, s.make()), "(1 unchanged), took "+test.want+"\n")
		})
	}
}

func TestCountRecords(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	for n := range 3 {
		id, err := store.Insert(t.Context(), "ada", "assets", map[string]string{"serial_number": fmt.Sprint("C02XK", n)})
		require.NoError(t, err)
		if n == 0 {
			require.NoError(t, store.Archive(t.Context(), "ada", "assets", id))
		}
	}
	totals, err := report.CountRecords(t.Context(), store)
	require.NoError(t, err)
	require.Len(t, totals, len(mapping.Standard().Objects))
	require.Equal(t, report.Total{Object: "users"}, totals[0])
	require.Contains(t, totals, report.Total{Object: "assets", Records: 2, Archived: 1})

	_, err = report.CountRecords(t.Context(), struct{ syncer.Store }{store})
	require.ErrorIs(t, err, connector.ErrUnsupported)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = report.CountRecords(ended, store)
	require.ErrorIs(t, err, context.Canceled)
}

func TestErrorsSayWhatWasBeingDone(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	s := newScene(t)
	s.add("a", "A", "okta", "users")
	for name, test := range map[string]struct {
		journal syncer.Journal
		opt     report.Options
		want    string
	}{
		"the integrations": {journal: faulty{Journal: s.store, integrations: broken}, want: "make a report: list integrations: the disk is gone"},
		"the runs":         {journal: faulty{Journal: s.store, runs: broken}, want: `make a report: integration "a": list runs: the disk is gone`},
		"what is missing": {
			journal: s.store,
			opt:     report.Options{Missing: func(context.Context, string) ([]string, error) { return nil, broken }},
			want:    `make a report: integration "a": ask what is missing: the disk is gone`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := report.Make(t.Context(), test.journal, test.opt)
			require.ErrorIs(t, err, broken)
			require.EqualError(t, err, test.want)
		})
	}
	r := s.make()
	require.ErrorIs(t, r.HTML(full{broken}), broken)
	require.ErrorIs(t, r.Text(full{broken}), broken)
}

// faulty is a journal that cannot list.
type faulty struct {
	syncer.Journal
	integrations, runs error
}

func (f faulty) Integrations(ctx context.Context) ([]syncer.Integration, error) {
	if f.integrations != nil {
		return nil, f.integrations
	}
	return f.Journal.Integrations(ctx)
}

func (f faulty) Runs(ctx context.Context, q syncer.RunQuery) ([]syncer.Run, error) {
	if f.runs != nil {
		return nil, f.runs
	}
	return f.Journal.Runs(ctx, q)
}

// full is a disk that takes nothing.
type full struct{ err error }

func (f full) Write([]byte) (int, error) { return 0, f.err }

// vendor is a connector of which only the name counts.
type vendor struct{}

func (vendor) Spec() connector.Spec { return connector.Spec{ID: "okta", Vendor: "Okta"} }

func (vendor) Open(context.Context, connector.Config) (connector.Source, error) {
	return nil, connector.Errorf(connector.ErrUnsupported, "open", "there is nothing to read")
}

func FuzzWhatAVendorSays(f *testing.F) {
	for _, seed := range []string{"", "a", hostile, "\xff\xfe", "]]>", "<!--", "{{.}}", strings.Repeat("x", 5000), "\ufffe\uffff", "\x00", "a\u2028b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, said string) {
		s := newScene(t)
		s.add("a", said, said, said)
		s.run("a", time.Hour, syncer.Failed, counts(0, 0, 0, 1), because(said, said), having(syncer.Problem{Record: said, Field: said, Reason: said}))
		s.run("a", 2*time.Hour, syncer.Status(said), syncer.Counts{})
		s.opt.Title = said
		s.opt.Totals = []report.Total{{Object: said}}
		s.opt.Credentials = []credentials.Entry{{ID: said, Details: credentials.Details{Owner: said, ExpiresAt: now}}}
		s.opt.Schedule = func(syncer.Integration) report.Schedule { return report.Schedule{Text: said} }
		s.opt.Missing = func(context.Context, string) ([]string, error) { return []string{said}, nil }
		r := s.make()
		names := map[string]bool{}
		for _, e := range elements(t, page(t, r)) {
			names[e.Name.Local] = true
		}
		require.False(t, names["script"] || names["img"])
		for _, c := range text(t, r) {
			require.False(t, c < ' ' && c != '\n' || c == 0x7f || c == '\u202e')
		}
	})
}
