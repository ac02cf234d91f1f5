package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

func journalRules() []rule {
	return []rule{
		{"integration-kept", "an integration comes back as it was saved, and again after it was replaced", integrationKept},
		{"integration-unknown", "an unknown integration is ErrNotFound", integrationUnknown},
		{"integrations", "Integrations returns all, ordered by id", integrationsAll},
		{"run-kept", "a run comes back as it was saved, and again after it was replaced", runKept},
		{"run-since", "a run comes back with the time since which it read changes, or why it read all", runSince},
		{"run-unknown", "an unknown run is ErrNotFound", runUnknown},
		{"runs", "Runs returns the newest first, of the integration asked for, with test runs only if asked to", runsNewest},
		{"cancel", "a request to cancel stays, whatever is saved of the run", cancelStays},
		{"payload", "a payload comes back whole and in order", payloadKept},
		{"prune", "PruneRuns removes runs that ended before the time, but keeps the newest of each integration", prune},
		{"prune-payload", "PruneRuns removes the payloads with the runs", prunePayload},
	}
}

func (p *probe) journal() syncer.Journal {
	return p.store.(syncer.Journal) //nolint:errcheck // the part's rules run for journals alone
}

// alike notes a fault if two values are not deeply equal.
func (p *probe) alike(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		p.errorf("%s is %s, not %s", what, show(got), show(want))
	}
}

func integration(id string) syncer.Integration {
	return syncer.Integration{
		ID: id, Name: "Lap\"tops 世界", Connector: "files", Stream: "records",
		Settings: connector.Settings{"path": {"a.csv", "b.csv"}, "key": {"id"}}, Credential: "env:TOKEN",
		Policy: syncer.UpdateOnly, User: "it-sync@example.com", Installation: syncer.Local, Contacts: []string{"one@example.com", "two@example.com"},
		Mapping: mapping.Mapping{
			Object: "assets", Key: "id",
			Fields: []mapping.FieldMapping{
				{To: "serial_number", From: "serial"},
				{To: "status", Value: "Active"},
				{To: "enrolled_at", From: "at", Default: "2026-01-02", Write: mapping.IfEmpty, Format: mapping.EpochMillis},
			},
			SyncKeys: []mapping.SyncKey{{Field: "serial_number"}, {Field: "asset_tag", Update: true}},
			Children: []mapping.ChildMapping{{Object: "software", From: "apps", Fields: []mapping.FieldMapping{{To: "name", From: "name"}}}},
		},
		Absence: syncer.FlagAbsent, RestoreArchived: true, FullEvery: 7, State: syncer.Active, CreatedAt: start, UpdatedAt: start.Add(time.Hour),
		LaunchedBy: "ada", LaunchedAt: start.Add(time.Minute),
		Changes: []syncer.Edit{{At: start, By: "ada", What: "created"}, {At: start.Add(time.Hour), By: "bob", What: "mapping changed"}},
	}
}

func (p *probe) saveIntegration(in syncer.Integration) {
	p.no(p.journal().SaveIntegration(p.ctx, in), "SaveIntegration")
}

func (p *probe) integrationIs(want syncer.Integration) {
	got, err := p.journal().Integration(p.ctx, want.ID)
	p.no(err, "Integration")
	p.alike("the integration", got, want)
}

func integrationKept(p *probe) {
	in := integration("laptops")
	p.saveIntegration(in)
	p.integrationIs(in)
	in.Settings["path"][0] = "changed by its owner"
	p.integrationIs(integration("laptops"))
	least := syncer.Integration{ID: "laptops", Name: "Least", State: syncer.Draft, CreatedAt: start, UpdatedAt: start}
	p.saveIntegration(least)
	p.integrationIs(least)
}

func integrationUnknown(p *probe) {
	p.saveIntegration(integration("laptops"))
	if _, err := p.journal().Integration(p.ctx, "laptop"); !errors.Is(err, syncer.ErrNotFound) {
		p.errorf("Integration returned %v, not ErrNotFound", err)
	}
}

func integrationsAll(p *probe) {
	all, err := p.journal().Integrations(p.ctx)
	p.no(err, "Integrations")
	equal(p, "the number of integrations of a new store", len(all), 0)
	for _, id := range []string{"c", "a-2", "b", "a", "a_1"} {
		p.saveIntegration(integration(id))
	}
	p.saveIntegration(integration("b"))
	all, err = p.journal().Integrations(p.ctx)
	p.no(err, "Integrations")
	var ids []string
	for _, in := range all {
		ids = append(ids, in.ID)
		p.alike("one of all integrations", in, integration(in.ID))
	}
	same(p, "the ids", ids, []string{"a", "a-2", "a_1", "b", "c"})
}

func run(id string) syncer.Run {
	return syncer.Run{
		ID: id, Integration: "laptops", Status: syncer.WithProblems, Trigger: "schedule", User: "it-sync@example.com", By: "ada",
		Started: start, Finished: start.Add(time.Minute), ConnectorVersion: "1.2.3", MappingVersion: "v", Complete: true, Restarts: 1, Resumed: 2,
		FullRead: start.Add(-time.Hour), Basis: "b",
		Counts:   syncer.Counts{Fetched: 21, Filtered: 1, Created: 2, Updated: 3, Unchanged: 4, Skipped: 5, Failed: 6},
		Effects:  map[string]syncer.Effects{"software_installs": {Created: 1, Updated: 2, Archived: 3, Restored: 4}},
		Vanished: syncer.Vanished{Missing: 1, Flagged: 2, Archived: 3, Held: 4},
		Problems: []syncer.Problem{{Record: "r", Field: "f", Reason: "世界"}}, ProblemCount: 1 << 40,
		Waited: time.Second, Error: "why", Remedy: "what to do",
	}
}

func (p *probe) saveRun(r syncer.Run) { p.no(p.journal().SaveRun(p.ctx, r), "SaveRun") }

func (p *probe) runIs(want syncer.Run) {
	got, err := p.journal().Run(p.ctx, want.ID)
	p.no(err, "Run")
	p.alike("the run", got, want)
}

func runKept(p *probe) {
	r := run("1")
	p.saveRun(r)
	p.runIs(r)
	r.Effects["software_installs"] = syncer.Effects{}
	r.Problems[0].Reason = "changed by its owner"
	p.runIs(run("1"))
	least := syncer.Run{ID: "1", Integration: "laptops", Status: syncer.Queued, Test: true, Started: start}
	p.saveRun(least)
	p.runIs(least)
}

// What a run has read decides what the next one reads.
func runSince(p *probe) {
	part := run("1")
	part.Complete, part.Since = false, start.Add(-15*time.Minute)
	p.saveRun(part)
	p.runIs(part)
	all := run("2")
	all.FullRead, all.ReadAll = all.Started, "the last full read is 7 days old"
	p.saveRun(all)
	p.runIs(all)
	runs, err := p.journal().Runs(p.ctx, syncer.RunQuery{Integration: part.Integration})
	p.no(err, "Runs")
	for _, r := range runs {
		if r.ID == part.ID {
			p.alike("the run of changes among all", r, part)
		} else {
			p.alike("the full run among all", r, all)
		}
	}
	equal(p, "the number of runs", len(runs), 2)
}

func runUnknown(p *probe) {
	p.saveRun(run("1"))
	if _, err := p.journal().Run(p.ctx, "2"); !errors.Is(err, syncer.ErrNotFound) {
		p.errorf("Run returned %v, not ErrNotFound", err)
	}
	if err := p.journal().RequestCancel(p.ctx, "2"); !errors.Is(err, syncer.ErrNotFound) {
		p.errorf("RequestCancel returned %v, not ErrNotFound", err)
	}
	if _, err := p.journal().Run(p.ctx, "2"); !errors.Is(err, syncer.ErrNotFound) {
		p.errorf("after RequestCancel, Run returned %v, not ErrNotFound", err)
	}
}

func (p *probe) runs(q syncer.RunQuery) []string {
	runs, err := p.journal().Runs(p.ctx, q)
	p.no(err, "Runs")
	var ids []string
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	return ids
}

func runsNewest(p *probe) {
	same(p, "the runs of a new store", p.runs(syncer.RunQuery{Test: true}), nil)
	for i, id := range []string{"old", "test", "of another", "new"} { // saved in the order of no field
		r := run(id)
		r.Started = start.Add(time.Duration((i*3)%4) * time.Hour)
		r.Test = id == "test"
		if id == "of another" {
			r.Integration = "phones"
		}
		p.saveRun(r)
	}
	p.saveRun(func() syncer.Run { // saved again, it is not newer
		r := run("old")
		r.Status = syncer.Failed
		return r
	}())
	same(p, "all runs", p.runs(syncer.RunQuery{Test: true}), []string{"test", "of another", "new", "old"})
	same(p, "the runs without test runs", p.runs(syncer.RunQuery{}), []string{"of another", "new", "old"})
	same(p, "an integration's runs", p.runs(syncer.RunQuery{Integration: "laptops", Test: true}), []string{"test", "new", "old"})
	same(p, "the newest two", p.runs(syncer.RunQuery{Test: true, Limit: 2}), []string{"test", "of another"})
	same(p, "an integration's newest, without test runs", p.runs(syncer.RunQuery{Integration: "laptops", Limit: 1}), []string{"new"})
	same(p, "the runs of an unknown integration", p.runs(syncer.RunQuery{Integration: "none"}), nil)
}

func cancelStays(p *probe) {
	requested := func(id string, want bool, when string) {
		got, err := p.journal().CancelRequested(p.ctx, id)
		p.no(err, "CancelRequested")
		equal(p, "CancelRequested "+when, got, want)
	}
	p.saveRun(run("1"))
	p.saveRun(run("2"))
	requested("1", false, "before the request")
	p.no(p.journal().RequestCancel(p.ctx, "1"), "RequestCancel")
	requested("1", true, "after the request")
	later := run("1")
	later.Status = syncer.Running
	p.saveRun(later)
	requested("1", true, "after the run was saved")
	p.runIs(later)
	p.no(p.journal().RequestCancel(p.ctx, "1"), "RequestCancel, twice,")
	requested("1", true, "after a second request")
	requested("2", false, "of another run")
}

func testRecord(n int) syncer.TestRecord {
	return syncer.TestRecord{
		Record: fmt.Sprint("record ", n), Source: connector.Record(fmt.Sprintf(`{"id":%d,"name":"世界"}`, n)),
		Mapped: map[string]any{"name": "世界", "managed": true, "model": nil}, Action: syncer.ActionUpdated, Reason: "why",
		Changes: []syncer.Difference{{Field: "name", Before: []byte(`null`), After: []byte(`"世界"`)}, {Object: "software", Field: "version", Before: []byte(`"1"`), After: []byte(`"2"`)}},
		Effects: map[string]syncer.Effects{"software": {Created: int64(n)}},
	}
}

func (p *probe) appendPayload(run string, records ...syncer.TestRecord) {
	p.no(p.journal().AppendPayload(p.ctx, run, records), "AppendPayload")
}

// payload returns how many records a payload has; the n-th must be the n-th test
// record.
func (p *probe) payload(run string) int {
	n := 0
	for rec, err := range p.journal().Payload(p.ctx, run) {
		p.no(err, "Payload")
		p.alike(fmt.Sprintf("record %d of the payload", n), rec, testRecord(n))
		n++
	}
	return n
}

func payloadKept(p *probe) {
	p.saveRun(run("1"))
	p.saveRun(run("2"))
	equal(p, "the length of a payload before the first record", p.payload("1"), 0)
	for n := 0; n < 30; n += 3 {
		p.appendPayload("1", testRecord(n), testRecord(n+1), testRecord(n+2))
	}
	p.appendPayload("1")
	p.appendPayload("2", testRecord(0))
	p.saveRun(run("1"))
	equal(p, "the length of the payload", p.payload("1"), 30)
	equal(p, "the length of another run's payload", p.payload("2"), 1)
	for _, err := range p.journal().Payload(p.ctx, "1") {
		p.no(err, "the first step of Payload")
		p.saveRun(run("1")) // the store can be used inside of the loop
		break
	}
	equal(p, "the length of the payload, read again", p.payload("1"), 30)
}

// saveRuns saves ended runs of an integration, an hour apart, the oldest first.
func (p *probe) saveRuns(integration string, ids ...string) {
	for i, id := range ids {
		r := run(id)
		r.Integration = integration
		r.Started = start.Add(time.Duration(i) * time.Hour)
		r.Finished = r.Started.Add(time.Minute)
		p.saveRun(r)
	}
}

func (p *probe) prune(before time.Time, keep, want int) {
	n, err := p.journal().PruneRuns(p.ctx, before, keep)
	p.no(err, "PruneRuns")
	equal(p, "the number of runs that PruneRuns says it removed", n, want)
}

func prune(p *probe) {
	p.saveRuns("laptops", "l1", "l2", "l3", "l4", "l5")
	p.saveRuns("phones", "p1")
	going := run("going")
	going.Status, going.Started, going.Finished = syncer.Running, start.Add(-time.Hour), time.Time{}
	interrupted := run("interrupted")
	interrupted.Status, interrupted.Started = syncer.Interrupted, start.Add(-2*time.Hour)
	p.saveRun(going)
	p.saveRun(interrupted)

	p.prune(start, 0, 0) // nothing has ended before then
	p.prune(start.Add(2*time.Hour), 4, 1)
	same(p, "the runs, the newest four of each kept,", p.runs(syncer.RunQuery{Integration: "laptops"}), []string{"l5", "l4", "l3", "l2", "going", "interrupted"})
	p.prune(start.Add(2*time.Hour), 1, 1)
	same(p, "the runs that had not ended before the time, nor were the newest,", p.runs(syncer.RunQuery{Integration: "laptops"}), []string{"l5", "l4", "l3", "going", "interrupted"})
	same(p, "the newest run of another integration", p.runs(syncer.RunQuery{Integration: "phones"}), []string{"p1"})
	p.prune(start.Add(100*time.Hour), 0, 4)
	same(p, "the runs that have not ended", p.runs(syncer.RunQuery{}), []string{"going", "interrupted"})
	if _, err := p.journal().Run(p.ctx, "l1"); !errors.Is(err, syncer.ErrNotFound) {
		p.errorf("Run of a run that was removed returned %v, not ErrNotFound", err)
	}
}

func prunePayload(p *probe) {
	p.saveRuns("laptops", "l1", "l2")
	p.appendPayload("l1", testRecord(0))
	p.appendPayload("l2", testRecord(0))
	p.no(p.journal().RequestCancel(p.ctx, "l1"), "RequestCancel")
	p.prune(start.Add(30*time.Minute), 0, 1)
	p.saveRuns("laptops", "l1")
	equal(p, "the length of the payload of a run whose predecessor of the same id was removed", p.payload("l1"), 0)
	equal(p, "the length of the payload of the run that was kept", p.payload("l2"), 1)
	cancelled, err := p.journal().CancelRequested(p.ctx, "l1")
	p.no(err, "CancelRequested")
	equal(p, "CancelRequested of that run", cancelled, false)
}
