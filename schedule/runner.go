package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrBusy is what a [Source] returns from Start if the job runs already, in this
// process or another, or has run meanwhile: no failure, it is tried again when
// due. [Runner.Trigger] returns it for a job that runs already.
var ErrBusy = errors.New("it runs already")

// ErrQuiet is the cause of a run's cancelled context when the run is to pause
// until the end of the times between which nothing may run; see
// [Spec.PauseRunning]. What it stops is started again afterwards.
var ErrQuiet = errors.New("nothing may run at this time of day")

// ErrCanceled is the cause of a run's cancelled context after [Runner.Cancel].
var ErrCanceled = errors.New("canceled on request")

// ErrUnknown is returned for a job that the Runner does not know.
var ErrUnknown = errors.New("no such job")

// A Job is what a [Source] has the Runner start.
type Job struct {
	// ID names the job. It is also what its Schedule is For.
	ID       string
	Schedule Schedule
	// Last is when the last run started, whoever asked for it. Zero means never.
	Last time.Time
	// Since is from when the schedule counts: when the job was launched, resumed or
	// given this schedule. No earlier start is due. If Last and Since are both
	// zero, the job is due at once.
	Since time.Time
	// Interrupted says that a run was cut off and is to be taken up: the job is due
	// at once, unless the schedule pauses runs at this time of day.
	Interrupted bool
	// Group is what jobs have in common that bears only so many runs at once, such
	// as a credential; see Options.PerGroup. Empty means none.
	Group string
}

// A Source knows the jobs and runs them. Its methods are called from several
// goroutines.
type Source interface {
	// Jobs returns all jobs that may be started. The Runner asks again and again,
	// one call at a time, and starts nothing but what the last answer holds. If a
	// call hangs, nothing new starts until it returns.
	Jobs(ctx context.Context) ([]Job, error)
	// Start runs a job to its end. due is when it was due. It returns ErrBusy if the
	// job runs already, or if a run of it has started at or after due, which
	// happens when several processes start the jobs of one store: only the Source
	// can tell. When ctx ends, the run stops at the next safe point and Start
	// returns soon, with nil only if the run had reached its end;
	// context.Cause(ctx) is ErrQuiet or ErrCanceled if that is why.
	//
	// After an error the job is started again when it is due next, by Last. If the
	// error left Last as it was, nothing has run: then it is tried again after
	// Options.Retry and longer, but no later than at its next start. A run that is
	// still Interrupted is tried again after Options.Retry and longer. A panic is an
	// error.
	Start(ctx context.Context, id string, due time.Time) error
}

// Options are a Runner's settings. The zero value is useful.
type Options struct {
	// Concurrency is how many jobs run at once. Defaults to 4.
	Concurrency int
	// PerGroup is how many jobs of a group run at once. 0 means that only
	// Concurrency counts.
	PerGroup int
	// Poll is how often the Source is asked for its jobs, at least. Defaults to
	// 10 s. Jobs that are added, changed or removed are seen that soon.
	Poll time.Duration
	// PollTimeout ends the context of a call of Jobs. Defaults to 30 s.
	PollTimeout time.Duration
	// Retry is how long the Runner waits after a first failure of Start, and of
	// each job; it doubles with each, up to RetryMax. Defaults to 1 min and 1 h.
	Retry, RetryMax time.Duration
	// Late is how long after its time a job that has not started is late. Defaults
	// to 15 min.
	Late time.Duration
	// OnLate is told once of each start that is late: when it was due. Time before
	// the Runner ran does not count. It is called from the Runner's goroutine and
	// must return soon. Nil means nobody.
	OnLate func(job Job, due time.Time)
	// Grace is how long Run waits for running jobs when its context ends. Defaults
	// to 30 s.
	Grace time.Duration
	// Logger receives what happened. Nil discards.
	Logger *slog.Logger
	// Now tells the time of day. Defaults to time.Now. Waiting always goes by the
	// computer's own clock.
	Now func() time.Time
}

// withDefaults fills in what is not set.
func (o Options) withDefaults() Options {
	positive := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 4
	}
	positive(&o.Poll, 10*time.Second)
	positive(&o.PollTimeout, 30*time.Second)
	positive(&o.Retry, time.Minute)
	positive(&o.RetryMax, time.Hour)
	positive(&o.Late, 15*time.Minute)
	positive(&o.Grace, 30*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// A Runner starts jobs when they are due, the one that has waited longest first,
// never one twice at a time. What is due follows from what the Source says, so
// that a restart loses nothing and neither a clock that jumps nor a computer
// that slept makes a job start twice: what was missed is started once. Its
// methods are safe for concurrent use.
type Runner struct {
	source Source
	opt    Options
	wake   chan struct{} // asks for a poll
	ended  chan struct{} // says that a run has ended

	mu      sync.Mutex
	active  bool
	began   time.Time // by Options.Now
	jobs    []Job     // of the last poll that succeeded
	known   map[string]*memory
	running map[string]*run
	waiting bool // jobs are due for which there is no room
	polled  time.Time
	pollErr error
	faults  int // polls that failed since the last that did not
}

// A memory is what the Runner remembers of a job that does not run: nothing that
// may not be lost.
type memory struct {
	noticed  time.Time // when a job without a time of its own was seen to be due
	started  time.Time // the start of the last run that ended well here
	resume   bool      // its run was paused
	canceled bool      // its run was canceled and is not to be taken up
	asked    time.Time // when Trigger asked for it
	before   time.Time // Job.Last before the attempt that failed
	failures int
	err      error
	retry    time.Time // no attempt before, by the computer's own clock
	reported time.Time // the due time of which OnLate was told
}

// A run is one call of Start.
type run struct {
	job      Job
	due      time.Time
	since    time.Time
	asked    bool
	stopping error // the cause of the cancel, if the Runner did it
	cancel   context.CancelCauseFunc
}

// An answer is what a poll brought.
type answer struct {
	jobs []Job
	err  error
}

// NewRunner returns a Runner for the jobs of a source. [Runner.Run] sets it
// going.
func NewRunner(source Source, opt Options) *Runner {
	return &Runner{
		source:  source,
		opt:     opt.withDefaults(),
		wake:    make(chan struct{}, 1),
		ended:   make(chan struct{}, 1),
		known:   map[string]*memory{},
		running: map[string]*run{},
	}
}

// Run starts what is due until ctx ends. Then it starts nothing more, ends the
// contexts of the jobs that run, and waits Options.Grace for them. It returns
// nil, or an error that names those that had not ended. A Source that fails is
// asked again, however long it takes. Only one call of Run may be under way.
func (r *Runner) Run(ctx context.Context) error {
	r.mu.Lock()
	if r.active {
		r.mu.Unlock()
		return errors.New("schedule: the runner runs already")
	}
	r.active, r.began = true, r.now()
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.active = false
		r.mu.Unlock()
	}()

	done := make(chan struct{})
	defer close(done)
	l := loop{Runner: r, done: done, answers: make(chan answer)}
	return l.run(ctx)
}

// now returns the time of day, without the reading of the computer's own clock.
func (r *Runner) now() time.Time { return r.opt.Now().Round(0) }

// Trigger starts a job as soon as there is room, whatever its schedule says. A
// run that was asked for is not paused. It returns an error that wraps ErrBusy
// for a job that runs here already, ErrUnknown for one that the Source has not
// named. What was asked for is forgotten when the Runner ends before it started.
func (r *Runner) Trigger(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running[id] != nil {
		return fmt.Errorf("schedule: start %q: %w", id, ErrBusy)
	}
	m := r.known[id]
	if m == nil {
		return fmt.Errorf("schedule: start %q: %w", id, ErrUnknown)
	}
	if m.asked.IsZero() {
		m.asked = r.now()
	}
	poke(r.wake)
	return nil
}

// poke puts a token into a channel that holds one.
func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Cancel ends the context of a job that runs, with the cause ErrCanceled. It
// does not wait for the end. The job starts again when it is due next; the Runner
// does not take up the run even if the Source says that it is Interrupted. It
// returns an error that wraps ErrUnknown for a job that does not run here.
func (r *Runner) Cancel(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	run := r.running[id]
	if run == nil {
		return fmt.Errorf("schedule: cancel %q: it does not run here: %w", id, ErrUnknown)
	}
	run.stop(ErrCanceled)
	return nil
}

// stop ends the context of a run, unless that has been done.
func (r *run) stop(cause error) {
	if r.stopping == nil {
		r.stopping = cause
		r.cancel(cause)
	}
}

// A loop is one call of Run.
type loop struct {
	*Runner
	done    chan struct{} // closed when Run returns
	answers chan answer
	asking  bool      // a call of Jobs is under way
	asked   time.Time // when it began, by the computer's own clock
	ticked  time.Time // when one was last to begin
}

// run is the loop. Whatever happens, it looks at the time of day afresh.
func (l *loop) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return l.stop()
		case <-timer.C:
			l.ask(ctx)
		case <-l.wake:
			l.ask(ctx)
		case a := <-l.answers:
			l.asking = false
			l.take(ctx, a)
		case <-l.ended:
		}
		l.pause()
		for _, late := range l.late() {
			l.opt.OnLate(late.Job, late.due)
		}
		timer.Reset(l.wait())
	}
}

// ask has Jobs called, unless that is under way.
func (l *loop) ask(ctx context.Context) {
	l.ticked = time.Now()
	if l.asking {
		if time.Since(l.asked) > l.opt.PollTimeout {
			l.missed(ctx, fmt.Errorf("the list of jobs has not come for %s", l.opt.PollTimeout))
		}
		return
	}
	l.asking, l.asked = true, time.Now()
	go func() {
		ctx, cancel := context.WithTimeout(ctx, l.opt.PollTimeout)
		defer cancel()
		var a answer
		a.err = guard(func() (err error) {
			a.jobs, err = l.source.Jobs(ctx)
			return err
		})
		select {
		case l.answers <- a:
		case <-l.done:
		}
	}()
}

// guard makes an error of a panic.
func guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return f()
}

// missed notes that a poll failed, and logs the first of a row.
func (l *loop) missed(ctx context.Context, err error) {
	l.mu.Lock()
	l.pollErr = err
	l.faults++
	first := l.faults == 1
	l.mu.Unlock()
	if first {
		l.opt.Logger.WarnContext(ctx, "The jobs cannot be listed; nothing starts until they can.", "error", err)
	}
}

// take takes over the answer of a poll and starts what is due.
func (l *loop) take(ctx context.Context, a answer) {
	if a.err != nil {
		l.missed(ctx, fmt.Errorf("list the jobs: %w", a.err))
		return
	}
	l.mu.Lock()
	recovered := l.faults > 0
	l.faults, l.pollErr, l.polled = 0, nil, l.now()
	l.jobs = unique(a.jobs)
	l.remember()
	l.startDue(ctx)
	l.mu.Unlock()
	if recovered {
		l.opt.Logger.InfoContext(ctx, "The jobs can be listed again.")
	}
}

// unique returns jobs by id, the first of each.
func unique(jobs []Job) []Job {
	jobs = slices.Clone(jobs)
	slices.SortStableFunc(jobs, func(a, b Job) int { return strings.Compare(a.ID, b.ID) })
	jobs = slices.CompactFunc(jobs, func(a, b Job) bool { return a.ID == b.ID })
	for i, job := range jobs {
		jobs[i].Schedule = job.Schedule.For(job.ID)
	}
	return jobs
}

// remember has a memory for each job, and for no other.
func (l *loop) remember() {
	known := make(map[string]*memory, len(l.jobs))
	for _, job := range l.jobs {
		m := l.known[job.ID]
		if m == nil {
			m = &memory{}
		}
		if m.failures > 0 && !job.Last.Equal(m.before) && !job.Interrupted {
			m.failures, m.err, m.retry = 0, nil, time.Time{} // it has run, if not well: its schedule counts
		}
		if run := l.running[job.ID]; run != nil {
			run.job.Schedule = job.Schedule
		}
		known[job.ID] = m
	}
	l.known = known
}

// A candidate is a job and when it is due.
type candidate struct {
	Job
	due time.Time
}

// due returns when a job is due; the zero time means never. Neither what runs
// nor what waits after a failure is told apart.
func (r *Runner) due(job Job, now time.Time) time.Time {
	m := r.known[job.ID]
	last := m.last(job, now)
	switch {
	case !m.asked.IsZero() && m.asked.After(now): // the clock was put back
		return now
	case !m.asked.IsZero():
		return m.asked
	case job.Interrupted && !m.canceled || m.resume:
		if until, ok := job.Schedule.Pauses(now); ok {
			return until
		}
		return m.notice(now)
	case last.IsZero() && !job.Schedule.Manual():
		if until, ok := job.Schedule.Quiet(now); ok {
			return until
		}
		return m.notice(now)
	default:
		return job.Schedule.Due(last, now)
	}
}

// last returns from when the next start of a job counts: its last one, or since
// when its schedule holds. What a wrong clock told counts only if nothing else
// is known.
func (m *memory) last(job Job, now time.Time) time.Time {
	last := job.Last
	if !m.started.IsZero() && !wrong(m.started, now) && (wrong(last, now) || m.started.After(last)) {
		last = m.started
	}
	if job.Since.After(last) && (last.IsZero() || !wrong(job.Since, now)) {
		last = job.Since
	}
	return last
}

// notice returns since when a job has been seen to be due.
func (m *memory) notice(now time.Time) time.Time {
	if m.noticed.IsZero() || m.noticed.After(now) {
		m.noticed = now
	}
	return m.noticed
}

// latest returns the latest of some times.
func latest(times ...time.Time) time.Time {
	return slices.MaxFunc(times, time.Time.Compare)
}

// startDue starts what is due, the oldest first, as far as there is room.
func (l *loop) startDue(ctx context.Context) {
	now := l.now()
	var due []candidate
	for _, job := range l.jobs {
		at := l.due(job, now)
		if l.running[job.ID] == nil && !at.IsZero() && !at.After(now) && !time.Now().Before(l.known[job.ID].retry) {
			due = append(due, candidate{job, at})
		}
	}
	slices.SortStableFunc(due, func(a, b candidate) int { return a.due.Compare(b.due) })
	l.waiting = false
	for _, c := range due {
		if !l.room(c.Group) {
			l.waiting = true
			continue
		}
		l.start(ctx, c, now)
	}
}

// room reports whether one more job of a group may run.
func (l *loop) room(group string) bool {
	if len(l.running) >= l.opt.Concurrency {
		return false
	}
	if group == "" || l.opt.PerGroup <= 0 {
		return true
	}
	n := 0
	for _, run := range l.running {
		if run.job.Group == group {
			n++
		}
	}
	return n < l.opt.PerGroup
}

type askedKey struct{}

// Asked reports whether the run that [Source].Start was given this context for was
// asked for, see [Runner.Trigger], and did not just come due.
func Asked(ctx context.Context) bool {
	asked, _ := ctx.Value(askedKey{}).(bool)
	return asked
}

// start starts a job.
func (l *loop) start(ctx context.Context, c candidate, now time.Time) {
	m := l.known[c.ID]
	if !m.asked.IsZero() {
		ctx = context.WithValue(ctx, askedKey{}, true)
	}
	own, cancel := context.WithCancelCause(ctx)
	l.running[c.ID] = &run{job: c.Job, due: c.due, since: now, asked: !m.asked.IsZero(), cancel: cancel}
	m.asked, m.resume, m.canceled, m.noticed = time.Time{}, false, false, time.Time{}
	go func() {
		err := guard(func() error { return l.source.Start(own, c.ID, c.due) })
		l.finish(ctx, c.ID, err)
	}()
}

// finish notes how a run ended.
func (r *Runner) finish(ctx context.Context, id string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer poke(r.ended)
	run := r.running[id]
	delete(r.running, id)
	run.cancel(nil)
	if r.waiting {
		poke(r.wake)
	}
	m := r.known[id]
	if m == nil { // removed meanwhile
		return
	}
	switch {
	case err == nil || errors.Is(run.stopping, ErrCanceled):
		*m = memory{started: run.since, reported: m.reported, canceled: err != nil}
		if run.job.Interrupted { // if it still is, there is no hurry
			m.retry = time.Now().Add(r.opt.Retry)
		}
	case ctx.Err() != nil: // stopped with the Runner
	case errors.Is(run.stopping, ErrQuiet):
		m.resume = true
	case errors.Is(err, ErrBusy):
		m.retry = time.Now().Add(r.opt.Poll)
	default:
		r.fail(ctx, run, m, err)
	}
}

// fail notes that a run failed. It is tried again after a while, or when it is
// due next.
func (r *Runner) fail(ctx context.Context, run *run, m *memory, err error) {
	delay := backoff(r.opt.Retry, m.failures, r.opt.RetryMax)
	if next := run.job.Schedule.Next(r.now()); !run.job.Interrupted && !next.IsZero() {
		delay = min(delay, next.Sub(r.now()))
	}
	m.failures++
	m.err, m.before = err, run.job.Last
	m.retry = time.Now().Add(delay)
	r.opt.Logger.WarnContext(ctx, "A job failed.", "job", run.job.ID, "due", run.due, "error", err)
}

// backoff returns the time to wait after n failures before the last one.
func backoff(first time.Duration, n int, most time.Duration) time.Duration {
	for ; n > 0 && first < most; n-- {
		first *= 2
	}
	return min(first, most)
}

// pause asks what may not run at this time of day to stop.
func (l *loop) pause() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for _, run := range l.running {
		if _, ok := run.job.Schedule.Pauses(now); ok && !run.asked {
			run.stop(ErrQuiet)
		}
	}
}

// late returns the jobs that have not started in time and of which nobody has
// been told.
func (l *loop) late() []candidate {
	if l.opt.OnLate == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	var found []candidate
	for _, job := range l.jobs {
		m := l.known[job.ID]
		due := l.due(job, now)
		if l.isLate(job, due, now) && !due.Equal(m.reported) {
			m.reported = due
			found = append(found, candidate{job, due})
		}
	}
	return found
}

// isLate reports whether a job that was due at some time should have started.
func (r *Runner) isLate(job Job, due, now time.Time) bool {
	return !due.IsZero() && r.running[job.ID] == nil && now.Sub(latest(due, r.began)) > r.opt.Late
}

// longestPoll is how long the Runner waits at most before it asks a Source again
// that fails.
const longestPoll = 5 * time.Minute

// wait returns how long to wait for the next poll: until something is due, no
// longer than Options.Poll, and longer each time that the Source fails.
func (l *loop) wait() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	shortest := l.opt.Poll / 100
	if l.faults > 0 {
		wait := backoff(l.opt.Poll, l.faults-1, max(l.opt.Poll, longestPoll))
		return max(wait-time.Since(l.ticked), shortest)
	}
	wait, now := l.opt.Poll-time.Since(l.ticked), l.now()
	for _, job := range l.jobs {
		if l.running[job.ID] != nil {
			continue
		}
		if due := l.due(job, now); due.After(now) {
			wait = min(wait, due.Sub(now))
		}
		if left := time.Until(l.known[job.ID].retry); left > 0 {
			wait = min(wait, left)
		}
	}
	return max(wait, shortest)
}

// stop ends what runs and waits for it.
func (l *loop) stop() error {
	grace := time.NewTimer(l.opt.Grace)
	defer grace.Stop()
	for {
		l.mu.Lock()
		left := len(l.running)
		l.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-l.ended:
		case <-grace.C:
			return l.abandon()
		}
	}
}

// abandon gives up waiting for what runs.
func (l *loop) abandon() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := make([]string, 0, len(l.running))
	for id := range l.running {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return fmt.Errorf("schedule: stop: after %s these jobs still run: %s", l.opt.Grace, strings.Join(ids, ", "))
}
