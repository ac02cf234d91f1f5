package prometheus

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer"
)

// The metrics that are read anew.
var (
	descInfo     = describe("integration_info", "What an integration is; always 1.", "integration", "name", "connector", "stream", "state")
	descSuccess  = describe("last_success_timestamp_seconds", "When the last run that succeeded ended, with problems or without, as Unix time.", "integration")
	descStatus   = describe("last_run_status", "1 for the status of the last run that is over, 0 for the others.", "integration", "status")
	descEnd      = describe("last_run_timestamp_seconds", "When the last run that is over ended, as Unix time.", "integration")
	descDuration = describe("last_run_duration_seconds", "How long the last run that is over took, from its start over restarts of the process.", "integration")
	descRecords  = describe("last_run_records", "Records of the last run that is over, by what became of them.", "integration", "outcome")
	descProblems = describe("last_run_problems", "Problems of the last run that is over.", "integration")
	descNext     = describe("next_run_timestamp_seconds", "When the integration is to run next, as Unix time.", "integration")
	descExpiry   = describe("credential_expiry_timestamp_seconds", "When the vendor stops taking the credential, as Unix time.", "credential")
	descUp       = describe("journal_up", "1 if the journal of runs could be read, 0 if not.")
	descBuild    = describe("build_info", "The version of vendorsync and of Go; always 1.", "version", "go_version")

	descriptions = []*prom.Desc{descInfo, descSuccess, descStatus, descEnd, descDuration, descRecords, descProblems, descNext, descExpiry, descUp, descBuild}
)

func describe(name, help string, labels ...string) *prom.Desc {
	return prom.NewDesc("vendorsync_"+name, help, labels, nil)
}

// statuses are those of runs that are over.
var statuses = []syncer.Status{syncer.Succeeded, syncer.WithProblems, syncer.Empty, syncer.Failed, syncer.Cancelled, syncer.Interrupted}

// An outcome is one part of a run's counts.
type outcome struct {
	action syncer.Action
	n      int64
}

func outcomesOf(c syncer.Counts) []outcome {
	return []outcome{
		{syncer.ActionFiltered, c.Filtered},
		{syncer.ActionCreated, c.Created},
		{syncer.ActionUpdated, c.Updated},
		{syncer.ActionUnchanged, c.Unchanged},
		{syncer.ActionSkipped, c.Skipped},
		{syncer.ActionFailed, c.Failed},
	}
}

// A reader reads what the page tells beside what this process counts. One
// reading serves all who ask within MaxAge.
type reader struct {
	opt  Options
	mu   sync.Mutex
	last reading
}

// A reading is what is known at one time. It is not changed any more.
type reading struct {
	at           time.Time
	up           bool
	integrations []integration
	credentials  []credentials.Entry
	pasts        map[string]past // of the last time that the Journal could be read
}

type integration struct {
	in   syncer.Integration
	past past
	next time.Time // zero if it is not known
}

// A past is what is known of an integration's runs.
type past struct {
	newest  string      // the id of the newest run
	over    *syncer.Run // the last run that is over; nil if there is none
	success time.Time   // the end of the last that succeeded; zero if there is none
}

// read returns what is known, reading it if that is too old. Who asks meanwhile
// waits for it.
func (r *reader) read(ctx context.Context) reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	if age := r.opt.Now().Sub(r.last.at); !r.last.at.IsZero() && age >= 0 && age < r.opt.MaxAge {
		return r.last
	}
	ctx, cancel := context.WithTimeout(ctx, r.opt.Timeout)
	defer cancel()
	next := reading{up: true, pasts: map[string]past{}}
	if err := r.readJournal(ctx, &next); err != nil {
		r.opt.Logger.ErrorContext(ctx, "read the journal for metrics", "error", err)
		next.up, next.integrations, next.pasts = false, nil, r.last.pasts
	}
	if r.opt.Credentials != nil {
		var err error
		if next.credentials, err = r.opt.Credentials(ctx); err != nil {
			r.opt.Logger.ErrorContext(ctx, "list credentials for metrics", "error", err)
		}
	}
	next.at = r.opt.Now()
	r.last = next
	return next
}

func (r *reader) readJournal(ctx context.Context, into *reading) error {
	all, err := r.opt.Journal.Integrations(ctx)
	if err != nil {
		return fmt.Errorf("list integrations: %w", err)
	}
	for _, in := range all {
		if in.State == syncer.Archived {
			continue
		}
		p, err := r.pastOf(ctx, in.ID, r.last.pasts[in.ID])
		if err != nil {
			return fmt.Errorf("list the runs of integration %q: %w", in.ID, err)
		}
		into.pasts[in.ID] = p
		into.integrations = append(into.integrations, integration{in: in, past: p, next: r.nextRun(ctx, in)})
	}
	return nil
}

// nextRun returns when an active integration is to run.
func (r *reader) nextRun(ctx context.Context, in syncer.Integration) time.Time {
	if r.opt.NextRun == nil || in.State != syncer.Active {
		return time.Time{}
	}
	next, err := r.opt.NextRun(ctx, in)
	if err != nil {
		r.opt.Logger.ErrorContext(ctx, "ask for the next run for metrics", "integration", in.ID, "error", err)
		return time.Time{}
	}
	return next
}

// pastOf looks back as far as the last success, or as what was known before.
func (r *reader) pastOf(ctx context.Context, id string, before past) (past, error) {
	for limit := 1; ; limit *= 4 {
		runs, err := r.opt.Journal.Runs(ctx, syncer.RunQuery{Integration: id, Limit: limit})
		if err != nil {
			return past{}, err
		}
		if p, known := look(runs, before); known || len(runs) < limit {
			return p, nil
		}
	}
}

// look goes through runs, the newest first. Known reports whether runs before
// them would tell nothing more.
func look(runs []syncer.Run, before past) (p past, known bool) {
	for i, run := range runs {
		if i == 0 {
			p.newest = run.ID
		}
		if run.Reverts == "" && run.Status != syncer.Running && run.Status != syncer.Queued {
			if p.over == nil {
				run.Problems, run.Records = nil, nil
				p.over = &run
			}
			if run.Status == syncer.Succeeded || run.Status == syncer.WithProblems {
				p.success = run.Finished
				return p, true
			}
		}
		if run.ID == before.newest {
			if p.over == nil {
				p.over = before.over
			}
			p.success = before.success
			return p, true
		}
	}
	return p, false
}

// collect tells what is known.
func (k reading) collect(ch chan<- prom.Metric) {
	gauge := func(desc *prom.Desc, value float64, labels ...string) {
		for i, label := range labels {
			labels[i] = strings.ToValidUTF8(label, "\uFFFD")
		}
		m, err := prom.NewConstMetric(desc, prom.GaugeValue, value, labels...)
		if err != nil {
			m = prom.NewInvalidMetric(desc, err)
		}
		ch <- m
	}
	gauge(descUp, number(k.up))
	gauge(descBuild, 1, build()...)
	for _, i := range k.integrations {
		id := i.in.ID
		gauge(descInfo, 1, id, i.in.Name, i.in.Connector, i.in.Stream, string(i.in.State))
		if !i.past.success.IsZero() {
			gauge(descSuccess, unix(i.past.success), id)
		}
		if !i.next.IsZero() {
			gauge(descNext, unix(i.next), id)
		}
		run := i.past.over
		if run == nil {
			continue
		}
		for _, status := range statuses {
			gauge(descStatus, number(run.Status == status), id, string(status))
		}
		gauge(descEnd, unix(run.Finished), id)
		gauge(descDuration, run.Finished.Sub(run.Started).Seconds(), id)
		for _, o := range outcomesOf(run.Counts) {
			gauge(descRecords, float64(o.n), id, string(o.action))
		}
		gauge(descProblems, float64(run.ProblemCount), id)
	}
	for _, c := range k.credentials {
		if !c.ExpiresAt.IsZero() {
			gauge(descExpiry, unix(c.ExpiresAt), c.ID)
		}
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// build returns the versions of this module and of Go.
func build() []string {
	const module = "github.com/vendorsync/vendorsync"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return []string{"unknown", "unknown"}
	}
	version := "unknown"
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module {
			version = m.Version
		}
	}
	return []string{version, info.GoVersion}
}
