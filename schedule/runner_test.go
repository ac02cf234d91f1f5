package schedule_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/schedule"
)

// A begun is a start that a world has seen.
type begun struct {
	id      string
	due, at time.Time
}

// A world is a Source with a store, a clock that may be wrong, and work that
// takes time.
type world struct {
	mu     sync.Mutex
	skew   time.Duration // what its clock is wrong by
	jobs   map[string]schedule.Job
	starts []begun
	ended  []error // the causes of runs that were stopped
	now    map[string]int
	most   int // how many ran at once
	polls  int
	down   error // what Jobs returns

	work   func(ctx context.Context, id string) error // what a run does; nil means nothing
	before func(id string) error                      // fails before the run is recorded
	log    bytes.Buffer
}

// newWorld returns a world with jobs.
func newWorld(jobs ...schedule.Job) *world {
	w := &world{jobs: map[string]schedule.Job{}, now: map[string]int{}}
	for _, job := range jobs {
		w.jobs[job.ID] = job
	}
	return w
}

// time is what the clock shows.
func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.skew)
}

// set changes the world.
func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *world) Jobs(ctx context.Context) ([]schedule.Job, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.polls++
	var jobs []schedule.Job
	for _, job := range w.jobs {
		jobs = append(jobs, job)
	}
	return jobs, errors.Join(w.down, ctx.Err())
}

func (w *world) Start(ctx context.Context, id string, due time.Time) error {
	at := w.time()
	if w.before != nil {
		if err := w.before(id); err != nil {
			return err
		}
	}
	w.set(func() {
		w.starts = append(w.starts, begun{id, due, at})
		job := w.jobs[id]
		job.Last, job.Interrupted = at, false
		w.jobs[id] = job
		w.now[id]++
		w.most = max(w.most, len(w.now))
		if w.now[id] > 1 {
			panic(id + " runs twice")
		}
	})
	defer w.set(func() { delete(w.now, id) })
	if w.work == nil {
		return nil
	}
	err := w.work(ctx, id)
	if ctx.Err() != nil {
		w.set(func() { w.ended = append(w.ended, context.Cause(ctx)) })
	}
	return err
}

// seen returns the starts of a job, or of all, as times since the start of the
// bubble, with the id for all.
func (w *world) seen(id string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := []string{}
	for _, s := range w.starts {
		if id == "" {
			seen = append(seen, s.id+" "+s.at.Sub(epoch).String())
		} else if s.id == id {
			seen = append(seen, s.at.Sub(epoch).String())
		}
	}
	return seen
}

// epoch is when a bubble begins.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// options are the usual ones.
func (w *world) options() schedule.Options {
	return schedule.Options{Now: w.time, Logger: slog.New(slog.NewTextHandler(&w.log, nil))}
}

// run sets a Runner going. What it returns stops it and waits.
func (w *world) run(t *testing.T, opt schedule.Options) (*schedule.Runner, func() error) {
	t.Helper()
	r := schedule.NewRunner(w, opt)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return r, func() error {
		cancel()
		return <-done
	}
}

// pass lets time go by.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// lasting is work that takes a time, or ends with its context.
func lasting(d time.Duration) func(context.Context, string) error {
	return func(ctx context.Context, _ string) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// job returns a job launched at the start of the bubble.
func job(t *testing.T, id, text string) schedule.Job {
	t.Helper()
	return schedule.Job{ID: id, Schedule: parse(t, text), Since: epoch}
}

func TestRunnerStartsOnTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(job(t, "a", "every 8h at 06:00"), job(t, "b", "at 00:30"), job(t, "c", "manual"))
		_, stop := w.run(t, w.options())
		pass(24*time.Hour + 31*time.Minute)
		require.NoError(t, stop())
		require.Equal(t, []string{"b 30m0s", "a 6h0m0s", "a 14h0m0s", "a 22h0m0s", "b 24h30m0s"}, w.seen(""))
		for _, s := range w.starts {
			require.True(t, s.at.Equal(s.due))
		}
	})
}

// Two years of five zones, with a Runner that is stopped and made anew again
// and again, also for days.
func TestRunnerOverTheYears(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for _, zone := range []string{"Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"} {
			for _, text := range []string{"daily", "at 02:30", "cron 15 2 * * *", "every 1w", "every 2w on sun at 01:45", "every 1mo day 31"} {
				j := job(t, zone+" "+text, text+" zone "+zone)
				w.jobs[j.ID] = j
			}
		}
		opt := w.options()
		opt.Poll = 6 * time.Hour
		opt.Concurrency = 100
		w.work = lasting(20 * time.Minute)
		end := epoch.AddDate(2, 0, 0)
		for n := 1; time.Now().Before(end); n++ {
			_, stop := w.run(t, opt)
			pass(time.Duration(50+n%7) * time.Hour) // 20 min of work may be cut off: it counts as run
			require.NoError(t, stop())
			pass(time.Duration(n%3) * 40 * time.Minute)
		}
		for id, j := range w.jobs {
			s := j.Schedule.For(id)
			want := starts(s, epoch.Add(1), w.time())
			var got []time.Time
			for _, b := range w.starts {
				if b.id == id {
					got = append(got, b.due)
				}
			}
			require.Len(t, got, len(want), id)
			for i := range want {
				require.True(t, want[i].Equal(got[i]), "%s: %s, not %s", id, got[i], want[i])
			}
		}
	})
}

func TestRunnerAfterTimeAway(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		last time.Duration // before the start of the bubble
		want []string
	}{
		"a week of days is caught up once":       {"at 06:00", 7 * 24 * time.Hour, []string{"0s", "6h0m0s"}},
		"a weekly start is not lost":             {"every 1w on fri at 23:00", 6 * 24 * time.Hour, []string{"0s"}}, // the bubble begins on a Saturday
		"what is to be skipped is":               {"at 06:00 skip missed", 7 * 24 * time.Hour, []string{"6h0m0s"}},
		"nothing starts within a quiet time":     {"at 06:00 not between 23:00 and 05:00", 7 * 24 * time.Hour, []string{"5h0m0s", "6h0m0s"}},
		"what starts when asked waits":           {"manual", 7 * 24 * time.Hour, []string{}},
		"what has just run waits for its period": {"every 12h at 00:00", time.Second, []string{"0s", "12h0m0s"}},
		"what has run on time waits as well":     {"every 12h at 00:00", 0, []string{"12h0m0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j := job(t, "a", test.text)
				j.Since, j.Last = epoch.AddDate(-1, 0, 0), epoch.Add(-test.last)
				w := newWorld(j)
				_, stop := w.run(t, w.options())
				pass(23 * time.Hour)
				require.NoError(t, stop())
				require.Equal(t, test.want, w.seen("a"))
			})
		})
	}
}

func TestRunnerStartsAtOnceWhatHasNoPast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(schedule.Job{ID: "a", Schedule: parse(t, "at 06:00")}, schedule.Job{ID: "b", Schedule: parse(t, "manual")},
			schedule.Job{ID: "c", Schedule: parse(t, "at 06:00 not between 00:00 and 01:00")})
		r, stop := w.run(t, w.options())
		pass(2 * time.Hour)
		require.Equal(t, []string{"a 0s", "c 1h0m0s"}, w.seen(""))
		require.Zero(t, r.Status().Jobs[1].Next)
		require.NoError(t, stop())
	})
}

func TestRunnerClockJumps(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		skew time.Duration
		text string
		want []string // by the wrong clock
	}{
		"an hour forward catches up once":        {time.Hour, "every 30m", []string{"10m0s", "40m0s", "1h50m0s", "2h10m0s", "2h40m0s", "3h10m0s", "3h40m0s"}},
		"an hour back waits":                     {-time.Hour, "every 30m", []string{"10m0s", "40m0s", "1h10m0s", "1h40m0s"}},
		"a week of sleep catches up once":        {7 * 24 * time.Hour, "at 00:30", []string{"30m0s", "168h50m0s"}},
		"a year back goes on as if nothing were": {-365 * 24 * time.Hour, "every 30m", []string{"10m0s", "40m0s", "-8759h10m0s", "-8758h50m0s", "-8758h20m0s", "-8757h50m0s", "-8757h20m0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(job(t, jobAtTen(t), test.text))
				_, stop := w.run(t, w.options())
				pass(50*time.Minute - time.Second)
				w.set(func() { w.skew = test.skew })
				pass(2 * time.Hour)
				require.NoError(t, stop())
				seen := w.seen("")
				for i := range seen { // to the next poll it may be 10 s
					d, err := time.ParseDuration(strings.Fields(seen[i])[1])
					require.NoError(t, err)
					seen[i] = d.Round(time.Minute).String()
				}
				require.Equal(t, test.want, seen)
			})
		})
	}
}

// jobAtTen returns an id for which every 30m means ten and forty past.
func jobAtTen(t *testing.T) string {
	t.Helper()
	s := parse(t, "every 30m")
	for i := 0; ; i++ {
		id := fmt.Sprint("job_", i)
		if s.For(id).Next(epoch).Equal(epoch.Add(10 * time.Minute)) {
			return id
		}
	}
}

func TestRunnerBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for i := range 10 {
			j := job(t, fmt.Sprint("j", i), "on sat at 00:00") // the bubble begins on a Saturday
			j.Since = epoch.AddDate(0, 0, -7*(11+i)-1)         // j9 has waited longest
			w.jobs[j.ID] = j
		}
		w.work = lasting(time.Hour)
		opt := w.options()
		opt.Concurrency = 3
		r, stop := w.run(t, opt)
		pass(time.Minute)
		require.Len(t, r.Status().Running, 3)
		require.Equal(t, "j7", r.Status().Running[0].ID)
		pass(4 * time.Hour)
		require.NoError(t, stop())
		require.Equal(t, 3, w.most)
		seen := w.seen("")
		for i := range seen { // three at a time, in any order
			seen[i] = strings.Fields(seen[i])[1]
		}
		require.Equal(t, []string{"0s", "0s", "0s", "1h0m0s", "1h0m0s", "1h0m0s", "2h0m0s", "2h0m0s", "2h0m0s", "3h0m0s"}, seen)
		require.Equal(t, "j0", w.starts[9].id)
		for i, b := range w.starts {
			require.Equal(t, i/3, int('9'-b.id[1])/3)
		}
	})
}

func TestRunnerGroups(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for id, group := range map[string]string{"a1": "a", "a2": "a", "b1": "b", "x": "", "y": ""} {
			j := job(t, id, "every 1w")
			j.Since, j.Group = epoch.AddDate(0, -1, 0), group
			w.jobs[id] = j
		}
		w.work = lasting(time.Hour)
		opt := w.options()
		opt.Concurrency, opt.PerGroup = 10, 1
		_, stop := w.run(t, opt)
		pass(30 * time.Minute)
		w.set(func() { require.Equal(t, 4, w.most) })
		pass(time.Hour)
		require.NoError(t, stop())
		seen := w.seen("")
		slices.Sort(seen[:4])
		require.Regexp(t, `^a\d 0s,b1 0s,x 0s,y 0s,a\d 1h0m0s$`, strings.Join(seen, ","))
	})
}

func TestRunnerSeesWhatIsAddedAndRemoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(job(t, "a", "every 1h at 00:00"), job(t, "b", "every 1h at 00:00"))
		w.work = lasting(5 * time.Minute)
		r, stop := w.run(t, w.options())
		pass(time.Hour + time.Minute) // both run
		c := job(t, "c", "cron 2 * * * *")
		c.Since = w.time()
		w.set(func() { delete(w.jobs, "b"); w.jobs["c"] = c })
		pass(15 * time.Second)
		require.Len(t, r.Status().Jobs, 2)
		require.Len(t, r.Status().Running, 2, "what runs goes on")
		w.set(func() { // now half past
			j := w.jobs["a"]
			j.Schedule = parse(t, "cron 30 * * * *")
			w.jobs["a"] = j
		})
		pass(time.Hour)
		require.NoError(t, stop())
		require.Equal(t, []string{"1h0m0s", "1h30m0s"}, w.seen("a"))
		require.Equal(t, []string{"1h0m0s"}, w.seen("b"))
		require.Equal(t, []string{"1h2m0s"}, w.seen("c"))
	})
}

// Runs that end one after the other do not put off the next poll.
func TestRunnerPollsThoughRunsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for i := range 60 {
			j := job(t, fmt.Sprint(i), "manual")
			j.Interrupted = true
			w.jobs[j.ID] = j
		}
		var n time.Duration
		w.work = func(ctx context.Context, id string) error {
			var own time.Duration
			w.set(func() { n++; own = n * time.Second })
			return lasting(own)(ctx, id)
		}
		opt := w.options()
		opt.Concurrency = 60
		r, stop := w.run(t, opt)
		pass(15 * time.Second)
		late := job(t, "new", "manual")
		w.set(func() { w.jobs["new"] = late })
		pass(10 * time.Second)
		require.Len(t, r.Status().Jobs, 61)
		require.LessOrEqual(t, w.polls, 4)
		require.NoError(t, stop())
	})
}

func TestRunnerNeverOverlaps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(job(t, "a", "every 1h at 00:00"))
		w.work = lasting(150 * time.Minute)
		_, stop := w.run(t, w.options())
		pass(10 * time.Hour)
		require.NoError(t, stop())
		seen := w.seen("a") // a start missed by the run before follows it
		for i := range seen {
			d, err := time.ParseDuration(seen[i])
			require.NoError(t, err)
			seen[i] = d.Truncate(time.Minute).String()
		}
		require.Equal(t, []string{"1h0m0s", "3h30m0s", "6h0m0s", "8h30m0s"}, seen)
	})
}

func TestRunnerRetriesWhatDidNotStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tries []string
		w := newWorld(job(t, "a", "every 6h at 00:00"))
		w.before = func(string) error {
			w.set(func() { tries = append(tries, time.Since(epoch).Round(time.Minute).String()) })
			return errors.New("no lease")
		}
		r, stop := w.run(t, w.options())
		pass(13 * time.Hour)
		require.Equal(t, []string{
			"6h0m0s", "6h1m0s", "6h3m0s", "6h7m0s", "6h15m0s", "6h31m0s", "7h3m0s", "8h3m0s", "9h3m0s", "10h3m0s", "11h3m0s", "12h0m0s",
		}, tries[:12])
		status := r.Status().Jobs[0]
		require.Equal(t, len(tries), status.Failures)
		require.Equal(t, "no lease", status.Error)
		require.True(t, status.Late)
		w.set(func() { w.before = nil })
		pass(time.Hour)
		require.Len(t, w.seen("a"), 1)
		require.Zero(t, r.Status().Jobs[0].Failures)
		require.NoError(t, stop())
		require.Contains(t, w.log.String(), `msg="A job failed." job=a`)
	})
}

func TestRunnerGoesByTheScheduleAfterARunThatFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(job(t, "a", "every 6h at 00:00"), job(t, "p", "every 6h at 01:00"))
		w.work = func(_ context.Context, id string) error {
			if id == "p" {
				panic("a fault of the program")
			}
			return errors.New("the vendor said no")
		}
		r, stop := w.run(t, w.options())
		pass(14 * time.Hour)
		require.NoError(t, stop())
		require.Equal(t, []string{"6h0m0s", "12h0m0s"}, w.seen("a"))
		require.Equal(t, []string{"1h0m0s", "7h0m0s", "13h0m0s"}, w.seen("p"))
		require.Zero(t, r.Status().Jobs[0].Failures, "the Source knows of the run")
		require.Contains(t, w.log.String(), "panic: a fault of the program")
	})
}

func TestRunnerTriesAgainWhatIsBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(job(t, "a", "every 6h at 00:00"))
		w.before = func(string) error {
			if time.Since(epoch) < 6*time.Hour+30*time.Minute {
				return fmt.Errorf("begin: %w", schedule.ErrBusy)
			}
			return nil
		}
		r, stop := w.run(t, w.options())
		pass(6*time.Hour + 29*time.Minute)
		require.Zero(t, r.Status().Jobs[0].Failures)
		pass(2 * time.Minute)
		require.NoError(t, stop())
		require.Equal(t, []string{"6h30m0s"}, w.seen("a"))
		require.Empty(t, w.log.String())
	})
}

func TestRunnerTakesUpWhatWasCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b, c := job(t, "a", "every 1w"), job(t, "b", "manual"), job(t, "c", "every 1w not between 22:00 and 01:00 pause running")
		d := job(t, "d", "every 1w not between 22:00 and 01:00")
		for _, j := range []*schedule.Job{&a, &b, &c, &d} {
			j.Last, j.Interrupted = epoch.Add(-time.Minute), true
		}
		w := newWorld(a, b, c, d)
		_, stop := w.run(t, w.options())
		pass(2 * time.Hour)
		require.NoError(t, stop())
		seen := w.seen("")
		slices.Sort(seen)
		require.Equal(t, []string{"a 0s", "b 0s", "c 1h0m0s", "d 0s"}, seen)
	})
}

// A run that stays cut off, whatever is tried, is tried ever more rarely.
func TestRunnerHasNoHotLoop(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"with an error": errors.New("cut off again"), "without an error": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j := job(t, "a", "every 1w")
				j.Interrupted = true
				w := newWorld(j)
				w.work = func(_ context.Context, id string) error {
					w.set(func() {
						job := w.jobs[id]
						job.Interrupted = true
						w.jobs[id] = job
					})
					return err
				}
				_, stop := w.run(t, w.options())
				pass(time.Hour - time.Second)
				require.NoError(t, stop())
				if err == nil {
					require.LessOrEqual(t, len(w.starts), 60)
				} else {
					require.Equal(t, []string{"0s", "1m0s", "3m0s", "7m0s", "15m0s", "31m0s"}, w.seen("a"))
				}
			})
		})
	}
}

func TestRunnerPausesWhatRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const window = " at 06:00 not between 08:00 and 18:00"
		w := newWorld(job(t, "a", window+" pause running"), job(t, "b", window))
		w.work = func(ctx context.Context, id string) error {
			err := lasting(3*time.Hour)(ctx, id)
			if err != nil {
				time.Sleep(20 * time.Second) // the batch
			}
			return err
		}
		r, stop := w.run(t, w.options())
		pass(8*time.Hour + 10*time.Second)
		require.Equal(t, "pausing", r.Status().Running[0].Stopping)
		pass(time.Minute)
		require.Equal(t, []error{schedule.ErrQuiet}, w.ended)
		require.Len(t, r.Status().Running, 1, "b goes on")
		require.True(t, r.Status().Jobs[0].Next.Equal(epoch.Add(18*time.Hour)))
		require.Zero(t, r.Status().Jobs[0].Failures)
		pass(11 * time.Hour)
		require.Equal(t, []string{"6h0m0s", "18h0m0s"}, w.seen("a"), "goes on after the window")
		require.Equal(t, []string{"6h0m0s"}, w.seen("b"))
		require.NoError(t, stop())
		require.Empty(t, w.log.String())
	})
}

func TestRunnerPausesByTheScheduleOfTheDay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(job(t, "a", "at 06:00"))
		w.work = lasting(5 * time.Hour)
		_, stop := w.run(t, w.options())
		pass(7 * time.Hour)
		changed := job(t, "a", "at 06:00 not between 08:00 and 18:00 pause running")
		w.set(func() { changed.Last = w.jobs["a"].Last; w.jobs["a"] = changed })
		pass(12 * time.Hour)
		require.NoError(t, stop())
		require.Equal(t, []string{"6h0m0s", "18h0m0s"}, w.seen("a"))
		require.Equal(t, schedule.ErrQuiet, w.ended[0])
	})
}

func TestRunnerDoesWhatIsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(job(t, "a", "at 06:00 not between 08:00 and 18:00 pause running"), job(t, "m", "manual"))
		w.work = lasting(time.Hour)
		r, stop := w.run(t, w.options())
		require.ErrorIs(t, r.Trigger("a"), schedule.ErrUnknown, "nothing is known yet")
		pass(9 * time.Hour)
		require.NoError(t, r.Trigger("a"))
		require.NoError(t, r.Trigger("m"))
		require.NoError(t, r.Trigger("m"), "twice is once")
		require.ErrorIs(t, r.Trigger("x"), schedule.ErrUnknown)
		pass(30 * time.Minute)
		require.ErrorIs(t, r.Trigger("a"), schedule.ErrBusy)
		require.ErrorIs(t, r.Cancel("x"), schedule.ErrUnknown)
		require.NoError(t, r.Cancel("m"))
		require.Equal(t, "canceled", r.Status().Running[1].Stopping)
		pass(time.Hour)
		require.Equal(t, []error{schedule.ErrCanceled}, w.ended, "what was asked for is not paused")
		require.Equal(t, []string{"6h0m0s", "9h0m0s"}, w.seen("a"))
		require.Equal(t, []string{"9h0m0s"}, w.seen("m"))
		require.ErrorIs(t, r.Cancel("m"), schedule.ErrUnknown)
		require.NoError(t, stop())
		require.Empty(t, w.log.String(), "a canceled job has not failed")
	})
}

func TestRunnerDoesWhatIsAskedThoughTheClockIsPutBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(job(t, "a", "manual"), job(t, "b", "manual"))
		w.work = lasting(10 * time.Minute)
		opt := w.options()
		opt.Concurrency = 1
		r, stop := w.run(t, opt)
		pass(time.Minute)
		require.NoError(t, r.Trigger("a"))
		pass(time.Minute)
		require.NoError(t, r.Trigger("b"))
		w.set(func() { w.skew = -time.Hour })
		pass(10 * time.Minute)
		require.NoError(t, stop())
		require.Equal(t, []string{"a 1m0s", "b -49m0s"}, w.seen(""))
	})
}

// What was canceled is not taken up, even if the Source takes it for cut off.
func TestRunnerDoesNotTakeUpWhatWasCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(job(t, "a", "every 6h at 00:00"))
		w.work = func(ctx context.Context, id string) error {
			err := lasting(time.Hour)(ctx, id)
			w.set(func() {
				job := w.jobs[id]
				job.Interrupted = err != nil
				w.jobs[id] = job
			})
			return err
		}
		r, stop := w.run(t, w.options())
		pass(6*time.Hour + time.Minute)
		require.NoError(t, r.Cancel("a"))
		pass(7 * time.Hour)
		require.NoError(t, stop())
		require.Equal(t, []string{"6h0m0s", "12h0m0s"}, w.seen("a"))
	})
}

func TestRunnerStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(job(t, "a", "at 01:00"), job(t, "b", "at 01:00"))
		w.work = func(ctx context.Context, id string) error {
			<-ctx.Done()
			if id == "b" {
				time.Sleep(20 * time.Second) // the batch
			}
			return ctx.Err()
		}
		r, stop := w.run(t, w.options())
		pass(2 * time.Hour)
		began := time.Now()
		require.NoError(t, stop())
		require.Equal(t, 20*time.Second, time.Since(began))
		require.Empty(t, r.Status().Running)
		require.Empty(t, w.log.String(), "what is stopped has not failed")

		w.work = func(ctx context.Context, _ string) error { // does not listen
			time.Sleep(time.Hour)
			return ctx.Err()
		}
		r, stop = w.run(t, w.options())
		pass(23*time.Hour + 10*time.Second)
		require.EqualError(t, stop(), "schedule: stop: after 30s these jobs still run: a, b")
		require.Len(t, r.Status().Running, 2)
		pass(time.Hour)
		require.Empty(t, r.Status().Running)
	})
}

func TestRunnerRunsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(job(t, "a", "every 1h at 00:00"))
		r, stop := w.run(t, w.options())
		pass(time.Minute)
		require.EqualError(t, r.Run(t.Context()), "schedule: the runner runs already")
		require.NoError(t, stop())
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		require.NoError(t, r.Run(ctx), "but again afterwards")
		require.Equal(t, []string{"1h0m0s"}, w.seen("a"))
	})
}

func TestRunnerSaysWhatIsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		long, short := job(t, "long", "at 01:00"), job(t, "short", "every 3h at 02:00")
		away := job(t, "away", "at 01:30")
		away.Since = epoch.AddDate(0, 0, -7)
		behind := job(t, "behind", "at 01:30")
		behind.Since = away.Since.Add(time.Second)
		w := newWorld(long, short, away, behind)
		w.work = func(ctx context.Context, id string) error {
			return lasting(map[string]time.Duration{"long": 10 * time.Hour, "away": 10 * time.Minute}[id])(ctx, id)
		}
		opt := w.options()
		opt.Concurrency = 1
		var late []string
		var r *schedule.Runner
		opt.OnLate = func(j schedule.Job, due time.Time) {
			late = append(late, fmt.Sprint(j.ID, " ", due.Sub(epoch), " after ", time.Since(epoch).Round(time.Minute)))
			require.True(t, r.Status().Jobs[slices.IndexFunc(r.Status().Jobs, func(s schedule.JobStatus) bool { return s.ID == j.ID })].Late)
		}
		r, stop := w.run(t, opt)
		pass(12 * time.Hour)
		require.NoError(t, stop())
		require.Equal(t, []string{"away 0s", "behind 10m0s"}, w.seen("")[:2], "a start missed before the Runner ran is not late")
		require.Equal(t, []string{"away 1h30m0s after 1h45m0s", "behind 1h30m0s after 1h45m0s", "short 2h0m0s after 2h15m0s"}, late, "once each")
	})
}

func TestRunnerPollHangs(t *testing.T) {
	t.Parallel()
	for name, listens := range map[string]bool{"and ends with its context": true, "and does not listen": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(job(t, "a", "every 1h at 00:00 not between 02:30 and 02:50 pause running"))
				w.work = lasting(40 * time.Minute)
				h := &hanging{world: w, from: epoch.Add(2*time.Hour + 5*time.Minute), to: epoch.Add(5*time.Hour + 30*time.Minute), listens: listens}
				opt := w.options()
				var late []time.Duration
				opt.OnLate = func(_ schedule.Job, due time.Time) { late = append(late, due.Sub(epoch)) }
				r := schedule.NewRunner(h, opt)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- r.Run(ctx) }()
				pass(5 * time.Hour)
				require.Error(t, r.Status().PollErr)
				require.Equal(t, []error{schedule.ErrQuiet}, w.ended, "the rest goes on")
				require.Len(t, late, 1)
				require.InDelta(t, 170, late[0].Minutes(), 5)
				require.Equal(t, []string{"1h0m0s", "2h0m0s"}, w.seen("a"))
				pass(40 * time.Minute)
				require.Len(t, w.seen("a"), 3, "nothing is lost")
				require.Equal(t, 1, h.most, "one call at a time")
				cancel()
				require.NoError(t, <-done)
				require.Equal(t, 1, strings.Count(w.log.String(), "cannot be listed"))
			})
		})
	}
}

// A hanging Source answers nothing for a while.
type hanging struct {
	*world
	from, to    time.Time
	listens     bool
	calls, most int
}

func (h *hanging) Jobs(ctx context.Context) ([]schedule.Job, error) {
	h.set(func() { h.calls++; h.most = max(h.most, h.calls) })
	defer h.set(func() { h.calls-- })
	if now := time.Now(); now.After(h.from) && now.Before(h.to) {
		var over <-chan struct{}
		if h.listens {
			over = ctx.Done()
		}
		select {
		case <-time.After(h.to.Sub(now)):
		case <-over:
			return nil, ctx.Err()
		}
		return h.world.Jobs(context.WithoutCancel(ctx))
	}
	return h.world.Jobs(ctx)
}

func TestRunnerStopsThoughAPollHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{world: newWorld(), to: epoch.AddDate(0, 0, 1)}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		require.NoError(t, schedule.NewRunner(h, schedule.Options{}).Run(ctx))
		require.Equal(t, time.Hour, time.Since(epoch))
		pass(24 * time.Hour) // until it hangs no more
	})
}

// A Source that forgets to record its runs does not have them again and again.
func TestRunnerOfAForgetfulSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := job(t, "a", "every 1h at 00:00")
		w := newWorld(j)
		w.work = func(context.Context, string) error {
			w.set(func() { w.jobs["a"] = j })
			return nil
		}
		_, stop := w.run(t, w.options())
		pass(4*time.Hour + time.Minute)
		require.NoError(t, stop())
		require.Equal(t, []string{"1h0m0s", "2h0m0s", "3h0m0s", "4h0m0s"}, w.seen("a"))
	})
}

func TestRunnerListsAJobOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.jobs["1"], w.jobs["2"] = job(t, "a", "every 1h at 00:00"), job(t, "a", "every 1h at 00:00")
		r, stop := w.run(t, w.options())
		pass(time.Minute)
		require.Len(t, r.Status().Jobs, 1)
		require.NoError(t, stop())
	})
}

// Two Runners, as in two processes, share one store whose lease tells them what
// runs.
func TestTwoRunners(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for i := range 8 {
			j := job(t, fmt.Sprint("j", i), "every 1h at 00:00")
			w.jobs[j.ID] = j
		}
		w.work = lasting(7 * time.Minute)
		opt := w.options()
		opt.Concurrency = 2
		leased := &leasing{world: w}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 2)
		for range 2 {
			go func() { done <- schedule.NewRunner(leased, opt).Run(ctx) }()
		}
		pass(24*time.Hour + 30*time.Minute)
		cancel()
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		require.Len(t, w.starts, 8*24)
		require.Positive(t, leased.refused)
	})
}

// A leasing Source refuses what runs already, or has since it was due.
type leasing struct {
	*world
	refused int
}

func (l *leasing) Start(ctx context.Context, id string, due time.Time) error {
	busy := false
	l.set(func() {
		busy = l.now[id] > 0 || !l.jobs[id].Last.Before(due)
		if busy {
			l.refused++
			return
		}
		job := l.jobs[id]
		job.Last = time.Now()
		l.jobs[id] = job
	})
	if busy {
		return schedule.ErrBusy
	}
	return l.world.Start(ctx, id, due)
}

func TestRunnerPollFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(job(t, "a", "every 1h at 00:00"))
		r, stop := w.run(t, w.options())
		pass(30 * time.Minute)
		w.set(func() { w.down = errors.New("disk gone"); w.polls = 0 })
		pass(3 * time.Hour)
		require.Empty(t, w.seen("a"))
		w.set(func() { require.Less(t, w.polls, 50, "asked ever more rarely") })
		require.ErrorContains(t, r.Status().PollErr, "list the jobs: disk gone")
		require.True(t, r.Status().Polled.Equal(epoch.Add(30*time.Minute)))
		w.set(func() { w.down = nil })
		pass(6 * time.Minute)
		require.NoError(t, r.Status().PollErr)
		require.Len(t, w.seen("a"), 1, "caught up once")
		pass(time.Hour)
		require.Len(t, w.seen("a"), 2)
		require.NoError(t, stop())
		require.Equal(t, 1, strings.Count(w.log.String(), "cannot be listed"))
		require.Equal(t, 1, strings.Count(w.log.String(), "can be listed again"))
	})
}
