package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer"
)

// Options say what goes into a report. The zero value works.
type Options struct {
	// Title is the heading. Defaults to "Integrations".
	Title string
	// Runs is how many of the newest runs are shown of each integration. Defaults
	// to 30; more than 200 count as 200.
	Runs int
	// Archived includes archived integrations.
	Archived bool
	// Registry gives connectors the names of their vendors. Nil means that the
	// connector's id stands for the vendor.
	Registry *connector.Registry
	// Schedule tells when an integration runs. Nil means that nobody knows.
	Schedule func(in syncer.Integration) Schedule
	// Missing says what an integration needs before it can run; the method of that
	// name of [syncer.Syncer] does. It is not asked about archived integrations. Nil
	// means that nobody knows.
	Missing func(ctx context.Context, integration string) ([]string, error)
	// Credentials are what is known of the vault's credentials. The report says when
	// they expire.
	Credentials []credentials.Entry
	// Totals are the numbers of records in the store, see [CountRecords]. Empty
	// leaves them out.
	Totals []Total
	// Grace is how long after its time a run may start before it counts as late.
	// Defaults to 1 h.
	Grace time.Duration
	// RunLimit is how long a run may take before it counts as stuck. Defaults to
	// 24 h.
	RunLimit time.Duration
	// Now tells the time. Defaults to time.Now.
	Now func() time.Time
	// Zone is the time zone in which people read times. Defaults to UTC.
	Zone *time.Location
}

// The bounds of what a report looks at.
const (
	defaultRuns     = 30
	maxRuns         = 200
	lookBack        = 1000 // runs of an integration, in search of the last good one
	defaultGrace    = time.Hour
	defaultRunLimit = 24 * time.Hour
)

func (o Options) withDefaults() Options {
	o.Title = cmp.Or(o.Title, "Integrations")
	if o.Runs <= 0 {
		o.Runs = defaultRuns
	}
	o.Runs = min(o.Runs, maxRuns)
	o.Grace = cmp.Or(o.Grace, defaultGrace)
	o.RunLimit = cmp.Or(o.RunLimit, defaultRunLimit)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return o
}

// A Schedule is when an integration runs.
type Schedule struct {
	// Text is the schedule as people read it: "daily", "every 6 hours", "manual".
	Text string
	// Due is when the next run is due, counted from the last one; a time that is
	// past means that a run did not start. Zero if no run is due, or nobody knows.
	Due time.Time
}

// A Report is how integrations were doing at one moment. No list in it is nil,
// and all times are UTC.
type Report struct {
	Title   string    `json:"title"`
	Made    time.Time `json:"made"`
	Summary Summary   `json:"summary"`
	// Integrations are ordered by health, the worst first, and by id.
	Integrations []Integration `json:"integrations"`
	// Credentials are those that expire, the soonest first.
	Credentials []Credential `json:"credentials"`
	Totals      []Total      `json:"totals"`

	zone *time.Location // nil means UTC
}

// A Summary counts integrations by health.
type Summary struct {
	Integrations int `json:"integrations"`
	Trouble      int `json:"trouble"`
	Attention    int `json:"attention"`
	Fine         int `json:"fine"`
	Idle         int `json:"idle"`
}

// An Integration is how one integration is doing.
type Integration struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Vendor    string       `json:"vendor"`
	Connector string       `json:"connector"`
	Stream    string       `json:"stream"`
	Object    string       `json:"object"`
	State     syncer.State `json:"state"`
	Schedule  string       `json:"schedule,omitempty"` // empty if nobody knows
	Due       time.Time    `json:"due,omitzero"`       // when the next run is due
	Health    Health       `json:"health"`
	// Findings say why it is not fine, the worst first.
	Findings []Finding `json:"findings"`
	// Missing is what it needs before it can run.
	Missing []string `json:"missing"`
	// Runs are the last runs, the newest first. Test runs are not among them.
	Runs []Run `json:"runs"`
	// LookedAt is how many runs the ages below were looked for in; Older says that
	// there may be more.
	LookedAt int  `json:"looked_at"`
	Older    bool `json:"older"`
	// LastSuccess is when the last run that came to its end did so; a run that got
	// no record from the vendor does not count. Zero if there is none among the runs
	// looked at.
	LastSuccess time.Time `json:"last_success,omitzero"`
	// LastFull is when the last run began that read everything there was to read,
	// and came to its end. Zero if none is known.
	LastFull time.Time `json:"last_full,omitzero"`
	// LastComplete is when the last run began whose read named every record there
	// is, as only some streams can: what has vanished since is not noticed yet. Zero
	// if there is none among the runs looked at.
	LastComplete time.Time `json:"last_complete,omitzero"`
	// OldestProblem is when the run began that first had the oldest of the problems
	// that are still there. Zero if there is none.
	OldestProblem time.Time `json:"oldest_problem,omitzero"`
	// Problems are those still there, by reason, the most frequent first.
	Problems []ProblemGroup `json:"problems"`
	// ProblemCount is how many there are. Runs keep the first ones alone, so it may
	// be more than the sum of Problems.
	ProblemCount int64 `json:"problem_count"`
	// Credential is the one it reads with, if it is known and expires.
	Credential *Credential `json:"credential,omitempty"`
}

// A Run is one run in short.
type Run struct {
	ID      string        `json:"id"`
	Status  syncer.Status `json:"status"`
	Trigger string        `json:"trigger,omitempty"`
	Started time.Time     `json:"started"`
	// Duration is how long it took, of one that has not ended how long it has taken
	// until now. In JSON it is in nanoseconds, like Waited.
	Duration time.Duration `json:"duration"`
	// Waited is the part of Duration spent waiting for the vendor's limits.
	Waited   time.Duration `json:"waited,omitempty"`
	Counts   syncer.Counts `json:"counts"`
	Problems int64         `json:"problems,omitempty"`
	Complete bool          `json:"complete"`         // the read named every record there is
	Since    time.Time     `json:"since,omitzero"`   // it asked for what had changed since then alone
	Error    string        `json:"error,omitempty"`  // why it failed
	Remedy   string        `json:"remedy,omitempty"` // what to do about it
	Reverts  string        `json:"reverts,omitempty"`
}

// A Total is how many records of an object the store holds.
type Total struct {
	Object   string `json:"object"`
	Records  int64  `json:"records"` // without the archived ones
	Archived int64  `json:"archived"`
}

// A Credential is a credential that expires.
type Credential struct {
	ID        string    `json:"id"`
	Name      string    `json:"name,omitempty"`
	Owner     string    `json:"owner,omitempty"`
	ExpiresAt time.Time `json:"expires_at"`
	// Health is Trouble once it has expired, and Attention when that is near.
	Health Health `json:"health"`
	// UsedBy are the ids of the integrations that read with it, archived ones apart.
	UsedBy []string `json:"used_by"`
}

// Make gathers a report from a journal. An error is the journal's, or that of
// Options.Missing. Of each integration it reads the runs that it shows; it reads
// up to 1,000 where it must go back further for the last one that succeeded.
func Make(ctx context.Context, journal syncer.Journal, opt Options) (Report, error) {
	opt = opt.withDefaults()
	all, err := journal.Integrations(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("make a report: list integrations: %w", err)
	}
	m := maker{journal: journal, opt: opt, now: opt.Now().UTC()}
	m.credentials = m.expiring(all)
	r := Report{
		Title: opt.Title, Made: m.now, Integrations: []Integration{},
		Credentials: m.credentials, Totals: append([]Total{}, opt.Totals...), zone: opt.Zone,
	}
	for _, in := range all {
		if in.State == syncer.Archived && !opt.Archived {
			continue
		}
		i, err := m.integration(ctx, in)
		if err != nil {
			return Report{}, fmt.Errorf("make a report: integration %q: %w", in.ID, err)
		}
		r.Integrations = append(r.Integrations, i)
		r.Summary.count(i.Health)
	}
	slices.SortStableFunc(r.Integrations, func(a, b Integration) int {
		return cmp.Or(cmp.Compare(a.Health.rank(), b.Health.rank()), cmp.Compare(a.ID, b.ID))
	})
	return r, nil
}

// A maker makes one report.
type maker struct {
	journal     syncer.Journal
	opt         Options
	now         time.Time
	credentials []Credential
}

func (m *maker) integration(ctx context.Context, in syncer.Integration) (Integration, error) {
	i := Integration{
		ID: in.ID, Name: cmp.Or(in.Name, in.ID), Vendor: m.vendor(in), Connector: in.Connector, Stream: in.Stream,
		Object: in.Mapping.Object, State: cmp.Or(in.State, syncer.Draft), Missing: []string{}, Credential: m.credential(in),
	}
	if m.opt.Schedule != nil {
		s := m.opt.Schedule(in)
		i.Schedule, i.Due = s.Text, utc(s.Due)
	}
	if m.opt.Missing != nil && in.State != syncer.Archived {
		missing, err := m.opt.Missing(ctx, in.ID)
		if err != nil {
			return i, fmt.Errorf("ask what is missing: %w", err)
		}
		i.Missing = append(i.Missing, missing...)
	}
	runs, older, err := m.runs(ctx, in.ID)
	if err != nil {
		return i, fmt.Errorf("list runs: %w", err)
	}
	i.Runs = m.inShort(runs[:min(len(runs), m.opt.Runs)])
	i.LookedAt, i.Older = len(runs), older
	reads := readsOf(runs)
	i.LastSuccess, i.LastFull, i.LastComplete = lastSuccess(reads), lastFull(reads), lastComplete(reads)
	open := openProblems(reads)
	i.Problems, i.ProblemCount, i.OldestProblem = open.groups(), open.count, open.oldest()
	i.Findings = m.findings(i, reads)
	i.Health = healthOf(i)
	return i, nil
}

// vendor is who the records come from.
func (m *maker) vendor(in syncer.Integration) string {
	if m.opt.Registry != nil {
		if c, err := m.opt.Registry.Get(in.Connector); err == nil {
			return cmp.Or(c.Spec().Vendor, in.Connector)
		}
	}
	return in.Connector
}

// runs returns the newest runs: those that are shown, and as many more as it
// takes to find the last success and the last full read. Older reports whether
// there may be others before them.
func (m *maker) runs(ctx context.Context, id string) (runs []syncer.Run, older bool, err error) {
	for limit := m.opt.Runs; ; limit = min(4*limit, lookBack) {
		runs, err = m.journal.Runs(ctx, syncer.RunQuery{Integration: id, Limit: limit})
		if err != nil {
			return nil, false, err
		}
		if older = len(runs) == limit; !older || limit >= lookBack || tellAges(readsOf(runs)) {
			return runs, older, nil
		}
	}
}

// inShort returns runs as a report shows them.
func (m *maker) inShort(runs []syncer.Run) []Run {
	out := make([]Run, len(runs))
	for n, r := range runs {
		end := r.Finished
		if end.IsZero() {
			end = m.now
		}
		out[n] = Run{
			ID: r.ID, Status: r.Status, Trigger: r.Trigger, Started: utc(r.Started), Duration: max(0, end.Sub(r.Started)), Waited: r.Waited,
			Counts: r.Counts, Problems: r.ProblemCount, Complete: r.Complete, Since: utc(r.Since), Error: r.Error, Remedy: r.Remedy, Reverts: r.Reverts,
		}
	}
	return out
}

// expiring returns the credentials that expire, the soonest first.
func (m *maker) expiring(all []syncer.Integration) []Credential {
	out := []Credential{}
	for _, e := range m.opt.Credentials {
		if e.ExpiresAt.IsZero() {
			continue
		}
		c := Credential{ID: e.ID, Name: e.Name, Owner: e.Owner, ExpiresAt: utc(e.ExpiresAt), Health: Fine, UsedBy: []string{}}
		switch {
		case e.Expired(m.now):
			c.Health = Trouble
		case e.Warns(m.now):
			c.Health = Attention
		}
		for _, in := range all {
			if usesVault(in) && in.Credential == e.ID && in.State != syncer.Archived {
				c.UsedBy = append(c.UsedBy, in.ID)
			}
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Credential) int {
		return cmp.Or(a.ExpiresAt.Compare(b.ExpiresAt), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// usesVault reports whether an integration's credential is one of the vault's.
func usesVault(in syncer.Integration) bool { return in.Installation != syncer.Local }

// credential returns what an integration reads with, if that expires.
func (m *maker) credential(in syncer.Integration) *Credential {
	at := slices.IndexFunc(m.credentials, func(c Credential) bool { return c.ID == in.Credential })
	if at < 0 || !usesVault(in) {
		return nil
	}
	c := m.credentials[at]
	return &c
}

// utc returns t in UTC, and no time as it is.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}
