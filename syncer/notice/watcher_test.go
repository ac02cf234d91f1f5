package notice_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/notice"
)

const (
	failed     = "Laptops: a run has failed"
	failedOver = "Laptops: over: a run has failed"
	slow       = "Laptops: a run has not finished"
	slowOver   = "Laptops: over: a run has not finished"
	bad        = "Laptops: a run had problems"
	badOver    = "Laptops: over: a run had problems"
	late       = "Laptops: a run did not start on time"
	lateOver   = "Laptops: over: a run did not start on time"
	expires    = "Okta key: a credential is about to expire"
	expired    = "Okta key: a credential has expired"
	over       = "Okta key: over: a credential has expired"
)

// A chapter is what happens before a check, and what people are told then.
type chapter struct {
	happens func(s *scene)
	told    []string
}

func runs(statuses ...syncer.Status) func(*scene) {
	return func(s *scene) {
		for _, status := range statuses {
			s.clock = s.clock.Add(time.Hour)
			s.run(s.clock.Format("run-150405"), status)
		}
	}
}

func passes(d time.Duration) func(*scene) { return func(s *scene) { s.clock = s.clock.Add(d) } }

func state(state syncer.State) func(*scene) {
	return func(s *scene) { s.journal.integrations[0].State = state }
}

func nothing(*scene) {}

func TestWhatPeopleAreTold(t *testing.T) {
	t.Parallel()
	okta := credentials.Entry{ID: "okta", Details: credentials.Details{Name: "Okta key", ExpiresAt: start.AddDate(0, 0, 20)}}
	has := func(entries ...credentials.Entry) func(*scene) { return func(s *scene) { s.entries = entries } }
	due := func(ids ...string) func(*scene) {
		return func(s *scene) {
			s.late = nil
			for _, id := range ids {
				s.late = append(s.late, notice.Late{Integration: id, Due: start, Why: "no server runs"})
			}
		}
	}
	problems := func(s *scene) { s.opt.Problems = true }
	tests := map[string]struct {
		with  func(*scene)
		story []chapter
	}{
		"nothing has run yet":                        {story: []chapter{{nothing, nil}}},
		"a run succeeds":                             {story: []chapter{{runs(syncer.Succeeded), nil}}},
		"a run fails, once told":                     {story: []chapter{{runs(syncer.Failed), []string{failed}}, {nothing, nil}, {passes(100 * time.Hour), nil}}},
		"a failed run after a failed run is one":     {story: []chapter{{runs(syncer.Failed), []string{failed}}, {runs(syncer.Failed), nil}, {runs(syncer.Failed, syncer.Failed), nil}}},
		"a run succeeds after a failed one":          {story: []chapter{{runs(syncer.Failed), []string{failed}}, {runs(syncer.Succeeded), []string{failedOver}}, {runs(syncer.Succeeded), nil}}},
		"a run with problems ends a failure":         {story: []chapter{{runs(syncer.Failed), []string{failed}}, {runs(syncer.WithProblems), []string{failedOver}}}},
		"a run without records ends a failure":       {story: []chapter{{runs(syncer.Failed), []string{failed}}, {runs(syncer.Empty), []string{failedOver}}}},
		"it fails again later":                       {story: []chapter{{runs(syncer.Failed), []string{failed}}, {runs(syncer.Succeeded), []string{failedOver}}, {runs(syncer.Failed), []string{failed}}}},
		"a failure between two checks":               {story: []chapter{{runs(syncer.Succeeded), nil}, {runs(syncer.Failed, syncer.Succeeded), nil}}},
		"a cancelled run is no trouble":              {story: []chapter{{runs(syncer.Cancelled), nil}, {passes(48 * time.Hour), nil}}},
		"a cancelled run ends no trouble":            {story: []chapter{{runs(syncer.Failed), []string{failed}}, {runs(syncer.Cancelled), nil}}},
		"an interrupted run is no trouble":           {story: []chapter{{runs(syncer.Interrupted), nil}, {passes(time.Hour), nil}}},
		"an interrupted run ends no trouble":         {story: []chapter{{runs(syncer.Failed), []string{failed}}, {runs(syncer.Interrupted), nil}}},
		"a run under way ends no trouble":            {story: []chapter{{runs(syncer.Failed), []string{failed}}, {runs(syncer.Running), nil}}},
		"a failed test run is no trouble":            {story: []chapter{{func(s *scene) { s.run("t", syncer.Failed).Test = true }, nil}}},
		"a failed revert is no trouble":              {story: []chapter{{func(s *scene) { s.run("r", syncer.Failed).Reverts = "x" }, nil}}},
		"a revert that succeeds ends no trouble":     {story: []chapter{{runs(syncer.Failed), []string{failed}}, {func(s *scene) { s.run("r", syncer.Succeeded).Reverts = "x" }, nil}}},
		"problems are not told":                      {story: []chapter{{runs(syncer.WithProblems, syncer.Empty), nil}}},
		"problems are told on request":               {with: problems, story: []chapter{{runs(syncer.WithProblems), []string{bad}}, {runs(syncer.WithProblems), nil}, {runs(syncer.Succeeded), []string{badOver}}}},
		"a run without records is told on request":   {with: problems, story: []chapter{{runs(syncer.Empty), []string{bad}}, {runs(syncer.Succeeded), []string{badOver}}}},
		"problems that turn into a failure":          {with: problems, story: []chapter{{runs(syncer.WithProblems), []string{bad}}, {runs(syncer.Failed), []string{failed}}, {runs(syncer.Succeeded), []string{failedOver}}}},
		"a run of 24 hours":                          {story: []chapter{{runs(syncer.Running), nil}, {passes(23 * time.Hour), nil}, {passes(time.Hour), []string{slow}}, {passes(24 * time.Hour), nil}, {runs(syncer.Succeeded), []string{slowOver}}}},
		"a run of 24 hours that is cancelled":        {story: []chapter{{runs(syncer.Succeeded, syncer.Running), nil}, {passes(24 * time.Hour), []string{slow}}, {func(s *scene) { s.journal.runs[0].Status = syncer.Cancelled }, []string{slowOver}}}},
		"a run of 24 hours that fails then":          {story: []chapter{{runs(syncer.Running), nil}, {passes(24 * time.Hour), []string{slow}}, {func(s *scene) { s.journal.runs[0].Status = syncer.Failed }, []string{failed}}, {runs(syncer.Succeeded), []string{failedOver}}}},
		"an interrupted run that nobody takes up":    {story: []chapter{{runs(syncer.Interrupted), nil}, {passes(24 * time.Hour), []string{slow}}}},
		"a shorter limit":                            {with: func(s *scene) { s.opt.Unfinished = time.Hour }, story: []chapter{{runs(syncer.Running), nil}, {passes(time.Hour), []string{slow}}}},
		"paused while it fails":                      {story: []chapter{{runs(syncer.Failed), []string{failed}}, {state(syncer.Paused), []string{failedOver}}, {nothing, nil}, {state(syncer.Active), []string{failed}}}},
		"a draft, a paused and an archived one fail": {story: []chapter{{state(syncer.Draft), nil}, {runs(syncer.Failed), nil}, {state(syncer.Paused), nil}, {state(syncer.Archived), nil}}},
		"the integration is gone":                    {story: []chapter{{runs(syncer.Failed), []string{failed}}, {func(s *scene) { s.journal.integrations = nil }, []string{failedOver}}}},
		"late, and then not":                         {story: []chapter{{due("laptops"), []string{late}}, {nothing, nil}, {due(), []string{lateOver}}, {nothing, nil}}},
		"late, of an integration that is paused":     {story: []chapter{{due("laptops"), []string{late}}, {state(syncer.Paused), []string{lateOver}}, {nothing, nil}}},
		"late, of an integration that nobody knows":  {story: []chapter{{due("tablets"), nil}}},
		"late and failed":                            {story: []chapter{{func(s *scene) { due("laptops")(s); runs(syncer.Failed)(s) }, []string{late, failed}}, {due(), []string{lateOver}}}},
		"a credential that does not expire":          {story: []chapter{{has(credentials.Entry{ID: "okta"}), nil}, {passes(1e6 * time.Hour), nil}}},
		"a credential that comes to its end":         {story: []chapter{{has(okta), nil}, {passes(7 * 24 * time.Hour), []string{expires}}, {passes(24 * time.Hour), nil}, {passes(14 * 24 * time.Hour), []string{expired}}, {passes(24 * time.Hour), nil}, {has(credentials.Entry{ID: "okta"}), []string{over}}}},
		"a credential that is removed":               {story: []chapter{{func(s *scene) { has(okta)(s); passes(21 * 24 * time.Hour)(s) }, []string{expired}}, {has(), []string{over}}}},
		"a credential that nobody uses any more":     {story: []chapter{{func(s *scene) { has(okta)(s); passes(21 * 24 * time.Hour)(s) }, []string{expired}}, {func(s *scene) { s.journal.integrations[0].Credential = "other" }, []string{over}}}},
		"a credential that nobody uses":              {with: func(s *scene) { s.journal.integrations[0].Credential = "" }, story: []chapter{{func(s *scene) { has(okta)(s); passes(21 * 24 * time.Hour)(s) }, nil}}},
	}
	for name, test := range tests {
		for _, restarts := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", with restarts"}[restarts], func(t *testing.T) {
				t.Parallel()
				var change []func(*scene)
				if test.with != nil {
					change = append(change, test.with)
				}
				s := newScene(t, change...)
				for i, c := range test.story {
					c.happens(s)
					if restarts {
						s.restart()
					}
					require.ElementsMatch(t, c.told, s.check(), "chapter %d", i+1)
				}
			})
		}
	}
}

func TestAnOverTroubleIsForgotten(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	runs(syncer.Failed)(s)
	require.Equal(t, []string{failed}, s.check())
	require.Equal(t, map[string]notice.Kind{"runs/laptops": notice.RunFailed}, s.open())
	runs(syncer.Succeeded)(s)
	require.Equal(t, []string{failedOver}, s.check())
	require.Empty(t, s.open())
}

func TestWhatANoticeSays(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.run("run-1", syncer.Failed).Counts = syncer.Counts{Fetched: 3, Created: 2, Failed: 1}
	require.NoError(t, s.watcher.Check(t.Context()))
	n := s.people.take()[0]
	require.Equal(t, notice.Notice{
		Key: n.Key, Trouble: n.Key, Kind: notice.RunFailed, Integration: "laptops", Name: "Laptops", Run: "run-1",
		Since: start, At: start, What: "list devices: 401 Unauthorized", Remedy: "renew the credential",
		Counts: &syncer.Counts{Fetched: 3, Created: 2, Failed: 1}, Contacts: []string{"ada@example.com"},
	}, n)
	require.Regexp(t, `^[a-z_]+-[0-9a-f]{32}$`, n.Key)

	s.clock = s.clock.Add(2 * time.Hour)
	s.run("run-2", syncer.Succeeded).Counts = syncer.Counts{Fetched: 3, Unchanged: 3}
	require.NoError(t, s.watcher.Check(t.Context()))
	end := s.people.take()[0]
	require.Equal(t, notice.Notice{
		Key: end.Key, Trouble: n.Key, Kind: notice.RunFailed, Over: true, Integration: "laptops", Name: "Laptops", Run: "run-2",
		Since: start, At: start.Add(2 * time.Hour), What: "the run that ended Tue, 24 Nov 2026 06:00 UTC succeeded",
		Counts: &syncer.Counts{Fetched: 3, Unchanged: 3}, Contacts: []string{"ada@example.com"},
	}, end)
	require.NotEqual(t, n.Key, end.Key)
}

func TestWhatANoticeSaysOfARun(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		happens      func(s *scene)
		what, remedy string
	}{
		"one that failed and says nothing": {
			func(s *scene) {
				*s.run("r", syncer.Failed) = syncer.Run{ID: "r", Integration: "laptops", Status: syncer.Failed}
			},
			"the run failed", "look at the run's problems, and run the integration again",
		},
		"one that failed and says much": {
			func(s *scene) { s.run("r", syncer.Failed).Error = strings.Repeat("é\r\n", 1001) },
			strings.Repeat("é ", 500) + "...", "renew the credential",
		},
		"one that is slow": {
			func(s *scene) { s.run("r", syncer.Running); s.clock = s.clock.Add(36 * time.Hour) },
			"the run that began Tue, 24 Nov 2026 03:59 UTC has not come to its end within 1h30m0s; it is running", "see how far it has come and cancel it if it stands still",
		},
		"one that nobody takes up": {
			func(s *scene) { s.run("r", syncer.Interrupted); s.clock = s.clock.Add(36 * time.Hour) },
			"the run that began Tue, 24 Nov 2026 03:59 UTC has not come to its end within 1h30m0s; it is interrupted", "run the integration again: it goes on where the run stopped",
		},
		"one with a problem": {
			func(s *scene) {
				r := s.run("r", syncer.WithProblems)
				r.Problems, r.ProblemCount = []syncer.Problem{{Record: "d1", Field: "email", Reason: "no mail address"}}, 7
			},
			"the run succeeded, and had 7 problems, the first of them: d1: email: no mail address", "look at the run's problems",
		},
		"one with a problem of no field": {
			func(s *scene) {
				s.run("r", syncer.WithProblems).Problems = []syncer.Problem{{Reason: "the guard held"}}
			},
			"the run succeeded, and had a problem: the guard held", "look at the run's problems",
		},
		"one that brought nothing": {
			func(s *scene) { s.run("r", syncer.Empty) },
			"the vendor sent no record", "check the settings that say what to read, and the rights of the credential",
		},
		"one that is late": {
			func(s *scene) {
				s.late = []notice.Late{{Integration: "laptops", Due: start, Why: "the lease is\nheld", Remedy: "end the other"}}
			},
			"a run was due Tue, 24 Nov 2026 04:00 UTC and has not started: the lease is held", "end the other",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, func(s *scene) { s.opt.Problems, s.opt.Unfinished = true, 90*time.Minute })
			test.happens(s)
			require.NoError(t, s.watcher.Check(t.Context()))
			told := s.people.take()
			require.Len(t, told, 1)
			require.Equal(t, test.what, told[0].What)
			require.Equal(t, test.remedy, told[0].Remedy)
		})
	}
}

func TestTheFirstOfSeveralFailedRunsIsTold(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.run("old", syncer.Failed)
	runs(syncer.Succeeded)(s)
	s.run("first", syncer.Failed)
	runs(syncer.Cancelled, syncer.Failed, syncer.Interrupted, syncer.Failed)(s)
	require.NoError(t, s.watcher.Check(t.Context()))
	n := s.people.take()[0]
	require.Equal(t, "first", n.Run)
	require.Equal(t, start.Add(time.Hour), n.Since)
}

func TestAllWhoUseACredentialAreToldOfIt(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.journal.integrations = append(s.journal.integrations,
		syncer.Integration{ID: "phones", State: syncer.Active, Credential: "okta", Contacts: []string{"bob@example.com", "ada@example.com"}},
		syncer.Integration{ID: "tablets", State: syncer.Paused, Credential: "okta", Contacts: []string{"eve@example.com"}})
	s.entries = []credentials.Entry{{ID: "okta", Details: credentials.Details{Owner: "Ada: enter", ExpiresAt: start.Add(30 * time.Hour)}}}
	require.NoError(t, s.watcher.Check(t.Context()))
	n := s.people.take()[0]
	require.Equal(t, []string{"ada@example.com", "bob@example.com"}, n.Contacts)
	require.Equal(t, `credential "okta" of Ada: enter expires on 2026-11-25, in 1 day; it is used by laptops, phones`, n.What)
	require.Equal(t, "enter a new secret", n.Remedy)
	require.Equal(t, "okta: a credential is about to expire", n.Subject())
}

func TestWhatCannotBeToldIsTriedAgainMoreAndMoreSeldom(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	down := connector.Errorf(connector.ErrUnavailable, "send mail", "connection refused")
	s.people.fails = func(notice.Notice) error { return down }
	other := &recorder{}
	s.opt.Notifiers["other"] = other
	s.restart()
	runs(syncer.Failed)(s)
	var tried []time.Duration
	began := s.clock
	for s.clock.Before(began.Add(24 * time.Hour)) {
		before := s.people.tries
		err := s.watcher.Check(t.Context())
		if s.people.tries > before {
			tried = append(tried, s.clock.Sub(began))
			require.ErrorIs(t, err, connector.ErrUnavailable)
			require.ErrorContains(t, err, `tell "people" of run_failed-`)
		} else {
			require.NoError(t, err)
		}
		s.clock = s.clock.Add(time.Minute)
	}
	minutes := []time.Duration{0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 871, 1231}
	for i := range minutes {
		minutes[i] *= time.Minute
	}
	require.Equal(t, minutes, tried)
	require.Equal(t, 1, other.tries, "who has told it does not tell it again")

	s.people.fails = nil
	s.clock = s.clock.Add(6 * time.Hour)
	require.Equal(t, []string{failed}, s.check())
	require.Equal(t, other.take()[0].Key, func() string { runs(syncer.Succeeded)(s); s.check(); return other.take()[0].Trouble }())
}

func TestWhatNobodyHasHeardOfIsNotOver(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.people.fails = func(notice.Notice) error { return errors.New("down") }
	runs(syncer.Failed)(s)
	require.Error(t, s.watcher.Check(t.Context()))
	s.people.fails = nil
	runs(syncer.Succeeded)(s)
	require.Empty(t, s.check())
	require.Empty(t, s.open())
}

func TestOnlyThoseHearThatItIsOverWhoHaveHeardOfIt(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	other := &recorder{fails: func(notice.Notice) error { return errors.New("down") }}
	s.opt.Notifiers["other"] = other
	s.restart()
	runs(syncer.Failed)(s)
	require.Error(t, s.watcher.Check(t.Context()))
	other.fails = nil
	runs(syncer.Succeeded)(s)
	require.Equal(t, []string{failed, failedOver}, s.check())
	require.Empty(t, other.take())
	require.Empty(t, s.open())
}

func TestATroubleThatComesBackBeforeAnybodyHeardThatItWasOverIsTheSame(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	runs(syncer.Failed)(s)
	require.Equal(t, []string{failed}, s.check())
	s.people.fails = func(notice.Notice) error { return errors.New("down") }
	runs(syncer.Succeeded)(s)
	require.Error(t, s.watcher.Check(t.Context()))
	s.people.fails = nil
	runs(syncer.Failed)(s)
	require.Empty(t, s.check())
	runs(syncer.Succeeded)(s)
	require.Equal(t, []string{failedOver}, s.check())
}

func TestATroubleThatComesBackAfterSomeHeardThatItWasOverIsNew(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	other := &recorder{}
	s.opt.Notifiers["other"] = other
	s.restart()
	runs(syncer.Failed)(s)
	require.Equal(t, []string{failed}, s.check())
	other.fails = func(notice.Notice) error { return errors.New("down") }
	runs(syncer.Succeeded)(s)
	require.Error(t, s.watcher.Check(t.Context()))
	other.fails = nil
	runs(syncer.Failed)(s)
	require.Equal(t, []string{failed, failedOver}, s.check())
	require.Equal(t, []string{failed, failed}, other.subjects())
}

func TestNobodyHasToHearForAWeekThatItIsOver(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	runs(syncer.Failed)(s)
	require.Equal(t, []string{failed}, s.check())
	s.people.fails = func(notice.Notice) error { return errors.New("down") }
	runs(syncer.Succeeded)(s)
	require.Error(t, s.watcher.Check(t.Context()))
	s.clock = s.clock.Add(7*24*time.Hour + time.Minute)
	require.Empty(t, s.check())
	require.Empty(t, s.open())
}

func TestANoticeThatReachedSomeIsNotToldAgain(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	refused := errors.New("bob@example.com was refused")
	s.people.fails = func(notice.Notice) error { return &notice.PartialError{Err: refused} }
	runs(syncer.Failed)(s)
	require.ErrorIs(t, s.watcher.Check(t.Context()), refused)
	s.clock = s.clock.Add(24 * time.Hour)
	require.Empty(t, s.check())
	require.Equal(t, 1, s.people.tries)
	s.people.fails = nil
	runs(syncer.Succeeded)(s)
	require.Equal(t, []string{failedOver}, s.check())
}

func TestContactsThatAreGivenBeforeAnybodyWasToldAreTold(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.people.fails = func(n notice.Notice) error {
		if len(n.Contacts) < 2 {
			return errors.New("too few")
		}
		return nil
	}
	runs(syncer.Failed)(s)
	require.Error(t, s.watcher.Check(t.Context()))
	s.journal.integrations[0].Contacts = []string{"ada@example.com", "bob@example.com"}
	s.clock = s.clock.Add(time.Hour)
	require.Equal(t, []string{failed}, s.check())
}

func TestOfTwoServersOneTells(t *testing.T) {
	t.Parallel()
	for range 20 {
		s := newScene(t)
		runs(syncer.Failed)(s)
		checkTogether := func() {
			var group sync.WaitGroup
			errs := make([]error, 4)
			for i := range errs {
				w, err := notice.New(s.journal, s.opt)
				require.NoError(t, err)
				group.Go(func() { errs[i] = w.Check(t.Context()) })
			}
			group.Wait()
			require.NoError(t, errors.Join(errs...))
		}
		checkTogether()
		require.Equal(t, []string{failed}, s.people.subjects())
		runs(syncer.Succeeded)(s)
		checkTogether()
		require.Equal(t, []string{failedOver}, s.people.subjects())
		require.Empty(t, s.open())
	}
}

func TestAServerThatDiesInTheMiddleLeavesTheNoticeToTheNext(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	runs(syncer.Failed)(s)
	stuck := &dyingTroubles{Memory: s.troubles}
	opt := s.opt
	opt.Troubles = stuck
	dead, err := notice.New(s.journal, opt)
	require.NoError(t, err)
	stuck.only = 1 // the claim is kept, what came of it is not
	require.ErrorIs(t, dead.Check(t.Context()), errDead)
	first := s.people.take()
	require.Len(t, first, 1)

	require.Empty(t, s.check(), "somebody may be telling it")
	s.clock = s.clock.Add(8 * time.Minute)
	require.NoError(t, s.watcher.Check(t.Context()))
	second := s.people.take()
	require.Len(t, second, 1)
	require.Equal(t, first[0].Key, second[0].Key, "a receiver knows it by its key")
	s.clock = s.clock.Add(time.Hour)
	require.Empty(t, s.check())
}

func TestServersWhoseClocksDifferByMinutesDoNotBothTell(t *testing.T) {
	t.Parallel()
	for _, differs := range []time.Duration{-5 * time.Minute, -time.Second, 0, time.Second, 5 * time.Minute} {
		t.Run(differs.String(), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			runs(syncer.Failed)(s)
			opt := s.opt
			opt.Now = func() time.Time { return s.clock.Add(differs) }
			other, err := notice.New(s.journal, opt)
			require.NoError(t, err)
			s.people.fails = func(notice.Notice) error { // while it is being told
				s.people.fails = nil
				s.people.mu.Unlock()
				defer s.people.mu.Lock()
				s.clock = s.clock.Add(2 * time.Minute)
				return other.Check(t.Context())
			}
			require.Equal(t, []string{failed}, s.check())
			require.NoError(t, other.Check(t.Context()))
			require.Empty(t, s.people.take())
		})
	}
}

func TestWhatEndsWhileItIsBeingToldIsOverAfterwards(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	other, err := notice.New(s.journal, s.opt)
	require.NoError(t, err)
	runs(syncer.Failed)(s)
	s.people.fails = func(notice.Notice) error {
		s.people.fails = nil
		s.people.mu.Unlock()
		defer s.people.mu.Lock()
		s.run("r", syncer.Succeeded)
		return other.Check(t.Context())
	}
	require.Equal(t, []string{failed}, s.check())
	require.Equal(t, []string{failedOver}, s.check())
}

var errDead = errors.New("the server is dead")

// A dyingTroubles keeps so many changes and no more, and none for those who do
// not wait for it.
type dyingTroubles struct {
	*notice.Memory
	only int
}

func (s *dyingTroubles) SwapTrouble(ctx context.Context, key string, old, next []byte) (bool, error) {
	if s.only--; s.only < 0 {
		return false, errDead
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return s.Memory.SwapTrouble(ctx, key, old, next)
}

func TestAClockThatGoesBackHoldsNothingUp(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.people.fails = func(notice.Notice) error { return errors.New("down") }
	runs(syncer.Failed)(s)
	require.Error(t, s.watcher.Check(t.Context()))
	s.people.fails = nil
	s.clock = s.clock.Add(-48 * time.Hour)
	require.Equal(t, []string{failed}, s.check())
}

func TestAServerThatStopsRemembersWhatItHasTold(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(s *scene) { s.opt.Troubles = &dyingTroubles{Memory: s.troubles, only: 100} })
	runs(syncer.Failed)(s)
	ctx, stop := context.WithCancel(t.Context())
	s.people.fails = func(notice.Notice) error { stop(); return nil }
	require.NoError(t, s.watcher.Check(ctx))
	require.Equal(t, []string{failed}, s.people.subjects())
	require.Empty(t, s.check())
	runs(syncer.Succeeded)(s)
	require.ErrorIs(t, s.watcher.Check(ctx), context.Canceled)
	require.Empty(t, s.people.take())
}

func TestWhatCannotBeLookedAtChangesNothing(t *testing.T) {
	t.Parallel()
	gone := errors.New("the database is locked")
	tests := map[string]func(s *scene){
		"the journal": func(s *scene) { s.journal.err = gone },
		"the runs":    func(s *scene) { s.journal.runsErr = gone },
		"the schedule": func(s *scene) {
			s.opt.Late = func(context.Context) ([]notice.Late, error) { return nil, gone }
		},
		"the vault": func(s *scene) {
			s.opt.Credentials = func(context.Context) ([]credentials.Entry, error) { return nil, gone }
		},
		"the troubles": func(s *scene) { s.opt.Troubles = &dyingTroubles{Memory: s.troubles} },
	}
	for name, breaks := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.late = []notice.Late{{Integration: "laptops", Due: start}}
			s.entries = []credentials.Entry{{ID: "okta", Details: credentials.Details{Name: "Okta key", ExpiresAt: start}}}
			runs(syncer.Failed)(s)
			require.Len(t, s.check(), 3)
			open := s.open()
			whole := s.opt
			breaks(s)
			s.restart()
			s.clock = s.clock.Add(time.Hour)
			if name == "the troubles" {
				runs(syncer.Succeeded)(s)
				require.ErrorIs(t, s.watcher.Check(t.Context()), errDead)
			} else {
				require.ErrorIs(t, s.watcher.Check(t.Context()), gone)
			}
			if name == "the runs" { // the rest is looked at all the same
				s.late = nil
				require.ErrorIs(t, s.watcher.Check(t.Context()), gone)
				require.Equal(t, []string{lateOver}, s.people.subjects())
				return
			}
			require.Empty(t, s.people.take(), "who cannot remember does not tell")
			require.Equal(t, open, s.open())

			s.opt, s.journal.err = whole, nil
			s.restart()
			s.late, s.entries = nil, nil
			runs(syncer.Succeeded)(s)
			require.ElementsMatch(t, []string{failedOver, lateOver, over}, s.check())
		})
	}
}

func TestWhatNobodyLooksAtStaysAsItIs(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.late = []notice.Late{{Integration: "laptops", Due: start}}
	s.entries = []credentials.Entry{{ID: "okta", Details: credentials.Details{Name: "Okta key", ExpiresAt: start}}}
	require.Len(t, s.check(), 2)
	s.opt.Late, s.opt.Credentials = nil, nil
	s.restart()
	require.Empty(t, s.check())
	require.Len(t, s.open(), 2)
}

func TestARecordThatCannotBeReadKeepsNoOtherUp(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	_, err := s.troubles.SwapTrouble(t.Context(), "start/laptops", nil, []byte(`{"notice":`))
	require.NoError(t, err)
	runs(syncer.Failed)(s)
	require.ErrorContains(t, s.watcher.Check(t.Context()), "start/laptops: decode a trouble")
	require.Equal(t, []string{failed}, s.people.subjects())
}

func TestANotifierThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.opt.Now = time.Now
		s.opt.Notifiers["hangs"] = hanging{}
		s.restart()
		s.run("r", syncer.Failed)
		began := time.Now()
		require.ErrorIs(t, s.watcher.Check(t.Context()), context.DeadlineExceeded)
		require.Equal(t, 2*time.Minute, time.Since(began))
		require.Equal(t, []string{failed}, s.people.subjects(), "the other tells it meanwhile")
	})
}

type hanging struct{}

func (hanging) Notify(ctx context.Context, _ notice.Notice) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestWatchChecksAtOnceAndThenEverySoOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.opt.Now = time.Now
		var log strings.Builder
		s.opt.Logger = logTo(&log)
		s.restart()
		s.clock = time.Now()
		s.run("r", syncer.Failed)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.watcher.Watch(ctx, 0)
		}()
		synctest.Wait()
		require.Equal(t, []string{failed}, s.people.subjects())
		s.journal.change(func() { s.journal.err = errors.New("the database is locked") })
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Contains(t, log.String(), "the database is locked")
		s.journal.change(func() { s.journal.err = nil; s.run("s", syncer.Succeeded) })
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []string{failedOver}, s.people.subjects())
		stop()
		<-ended
	})
}

func TestManyNoticesAreToldAtOnceAndNotTooMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		crowd := &crowd{}
		s.opt.Notifiers = map[string]notice.Notifier{"crowd": crowd}
		s.opt.Parallel = 3
		s.restart()
		s.journal.integrations = nil
		for _, id := range strings.Split("abcdefghij", "") {
			in := laptops()
			in.ID = id
			s.journal.integrations = append(s.journal.integrations, in)
			s.run(id, syncer.Failed).Integration = id
		}
		began := time.Now()
		require.NoError(t, s.watcher.Check(t.Context()))
		require.Equal(t, 4*time.Second, time.Since(began))
		require.Equal(t, 10, crowd.told)
		require.Equal(t, 3, crowd.most)
	})
}

// A crowd takes a second for each notice, and counts how many it has at once.
type crowd struct {
	mu              sync.Mutex
	now, most, told int
}

func (c *crowd) Notify(context.Context, notice.Notice) error {
	c.mu.Lock()
	c.now++
	c.told++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	time.Sleep(time.Second)
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
	return nil
}

func TestAFailureReachesAWebhookAndAMailbox(t *testing.T) {
	t.Parallel()
	there, server := &receiver{answers: times(1, answer(503))}, &mailServer{}
	s := newScene(t, func(s *scene) {
		s.opt.Notifiers = map[string]notice.Notifier{
			"webhook": newWebhook(t, notice.WebhookOptions{Transport: there, Retries: -1}),
			"mail":    mailTo(t, server),
		}
	})
	runs(syncer.Failed)(s)
	require.ErrorIs(t, s.watcher.Check(t.Context()), connector.ErrUnavailable)
	s.clock = s.clock.Add(time.Minute)
	require.NoError(t, s.watcher.Check(t.Context()))
	require.Len(t, there.bodies, 2, "the webhook is tried again")
	require.Len(t, server.deliveries(), 1, "and the mail is not")
	runs(syncer.Succeeded)(s)
	require.NoError(t, s.watcher.Check(t.Context()))
	require.Len(t, there.bodies, 3)
	require.Len(t, server.deliveries(), 2)
	require.Empty(t, s.open())
}

func TestAWatcherNeedsWhatItNeeds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*notice.Options)
		says   string
	}{
		"no way to tell":         {func(o *notice.Options) { o.Notifiers = nil }, "no way to tell people"},
		"a notifier that is nil": {func(o *notice.Options) { o.Notifiers["x"] = nil }, `the notifier "x" is nil`},
		"nothing that remembers": {func(o *notice.Options) { o.Troubles = nil }, "keeps the open troubles"},
		"a negative time":        {func(o *notice.Options) { o.Timeout = -1 }, "negative"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			test.change(&s.opt)
			_, err := notice.New(s.journal, s.opt)
			require.ErrorIs(t, err, connector.ErrInvalid)
			require.ErrorContains(t, err, test.says)
		})
	}
	_, err := notice.New(nil, newScene(t).opt)
	require.ErrorIs(t, err, connector.ErrInvalid)
}
