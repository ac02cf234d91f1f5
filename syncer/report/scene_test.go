package report_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
	"github.com/vendorsync/vendorsync/syncer/report"
)

// secret stands in the settings of every integration of the scene.
const secret = "xoxb-9f1c77d2a4"

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// A scene is a journal and what a host knows beside it.
type scene struct {
	t     *testing.T
	store *memory.Store
	opt   report.Options
}

func newScene(t *testing.T) *scene {
	t.Helper()
	return &scene{t: t, store: memory.New(memory.Options{}), opt: report.Options{Now: func() time.Time { return now }}}
}

func (s *scene) make() report.Report {
	s.t.Helper()
	r, err := report.Make(s.t.Context(), s.store, s.opt)
	require.NoError(s.t, err)
	return r
}

// add saves an active integration, changed by edit.
func (s *scene) add(id, name, vendor, object string, edit ...func(*syncer.Integration)) {
	s.t.Helper()
	in := syncer.Integration{
		ID: id, Name: name, Connector: vendor, Stream: object, State: syncer.Active, User: "svc-sync",
		Mapping: mapping.Mapping{Object: object}, Settings: map[string][]string{"token": {secret}},
	}
	for _, e := range edit {
		e(&in)
	}
	require.NoError(s.t, s.store.SaveIntegration(s.t.Context(), in))
}

func in(state syncer.State) func(*syncer.Integration) {
	return func(in *syncer.Integration) { in.State = state }
}

func with(credential string) func(*syncer.Integration) {
	return func(in *syncer.Integration) { in.Credential = credential }
}

// run saves a run that began so long ago and took a minute, changed by edit.
func (s *scene) run(integration string, age time.Duration, status syncer.Status, c syncer.Counts, edit ...func(*syncer.Run)) {
	s.t.Helper()
	started := now.Add(-age)
	r := syncer.Run{
		ID: fmt.Sprintf("%s-%d", integration, age/time.Second), Integration: integration, Status: status, Trigger: "schedule",
		Started: started, Counts: c, FullRead: started,
	}
	if status != syncer.Running && status != syncer.Queued {
		r.Finished = started.Add(time.Minute)
	}
	r.Complete = status == syncer.Succeeded || status == syncer.WithProblems
	for _, e := range edit {
		e(&r)
	}
	r.ProblemCount = max(r.ProblemCount, int64(len(r.Problems)))
	require.NoError(s.t, s.store.SaveRun(s.t.Context(), r))
}

func having(problems ...syncer.Problem) func(*syncer.Run) {
	return func(r *syncer.Run) { r.Problems = problems }
}

func because(text, remedy string) func(*syncer.Run) {
	return func(r *syncer.Run) { r.Error, r.Remedy = text, remedy }
}

func lasting(d, waited time.Duration) func(*syncer.Run) {
	return func(r *syncer.Run) { r.Finished, r.Waited = r.Started.Add(d), waited }
}

// changesAlone makes an incremental run of it, built on a full read so long ago.
func changesAlone(full time.Duration) func(*syncer.Run) {
	return func(r *syncer.Run) {
		r.Complete, r.Since, r.FullRead = false, r.Started.Add(-day), now.Add(-full)
	}
}

// counts makes fetched what the others add up to.
func counts(created, updated, unchanged, failed int64) syncer.Counts {
	return syncer.Counts{Fetched: created + updated + unchanged + failed, Created: created, Updated: updated, Unchanged: unchanged, Failed: failed}
}

// The problems of the scene.
var (
	badDate  = syncer.Problem{Record: "CMP-104", Field: "warranty_end_date", Reason: `invalid value: warranty_end_date "31.02.2026": is no date`}
	badMAC   = syncer.Problem{Record: "CMP-221", Field: "mac_addresses", Reason: `invalid value: mac_addresses "n/a": is no MAC address`}
	conflict = syncer.Problem{Record: "CMP-377", Field: "serial_number", Reason: `conflict: serial_number "C02XK1" would go to the record 41, but record 17 holds it; correct it at the vendor or merge the records`}
	odd      = syncer.Problem{Record: "CMP-9", Reason: "a host's own words <b>about</b> a record"}
)

const hostile = "<script>alert('x')</script>\u202e\u0007\" onload=\"x"

// whole is the scene of the golden files.
func whole(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	s.add("okta-users", "Okta users", "okta", "users", with("okta-key"))
	for n := range int64(40) {
		s.run("okta-users", time.Duration(n)*day+6*time.Hour, syncer.Succeeded, counts(n%3, 4+n*7%11, 1180-n*6, 0), lasting(42*time.Second, 1500*time.Millisecond))
	}
	s.failingForDays()
	s.withProblems()
	s.add("intune-phones", "Intune phones", "intune", "assets", with("intune-key"))
	s.run("intune-phones", 2*day, syncer.Succeeded, counts(3, 0, 611, 0))
	s.run("intune-phones", day, syncer.Interrupted, counts(0, 2, 300, 0), because("the process was asked to end", ""))
	s.add("kandji-macs", "Kandji Macs", "kandji", "assets")
	s.run("kandji-macs", 3*day, syncer.Succeeded, counts(0, 1, 88, 0))
	s.run("kandji-macs", 5*time.Hour, syncer.Cancelled, counts(0, 0, 40, 0), because("the run was cancelled", ""))
	s.add("new-starters", "New starters", "bamboohr", "users")
	s.thousandsOfRuns()
	s.add("names", hostile, "acme<&>\"'", "users")
	s.run("names", 30*time.Minute, syncer.Running, counts(12, 0, 0, 0))
	s.run("names", day, syncer.Failed, syncer.Counts{}, because("malformed: "+hostile, hostile))
	s.run("names", 25*time.Hour, syncer.WithProblems, counts(0, 0, 2, 1), having(syncer.Problem{Record: hostile, Field: "email", Reason: "invalid value: " + hostile}))
	s.add("büro-münchen", "Büro München · 東京オフィスのデバイス · مكتب القاهرة", "jamf", "assets")
	s.run("büro-münchen", 2*time.Hour, syncer.Succeeded, counts(4, 1, 260, 0))
	s.run("büro-münchen", 26*time.Hour, syncer.Empty, syncer.Counts{})
	s.add("long", strings.Repeat("Warehouse-scanners-of-all-regions-", 9), "manifest", "assets", in(syncer.Paused))
	s.run("long", 400*day, syncer.Succeeded, counts(1, 0, 0, 0), lasting(26*time.Hour, 90*time.Minute))
	s.add("draft", "Google Workspace accounts", "google", "", in(syncer.Draft))
	s.add("old", "Retired feed", "ldap", "users", in(syncer.Archived))

	s.opt.Schedule = func(in syncer.Integration) report.Schedule {
		switch in.ID {
		case "okta-users":
			return report.Schedule{Text: "daily at 03:00", Due: now.Add(18 * time.Hour)}
		case "jamf-computers":
			return report.Schedule{Text: "every 6 hours, not from 08:00 to 18:00", Due: now.Add(9 * time.Hour)}
		case "kandji-macs":
			return report.Schedule{Text: "daily", Due: now.Add(-5 * time.Hour)}
		case "sensors":
			return report.Schedule{Text: "every 5 minutes", Due: now.Add(2 * time.Minute)}
		}
		return report.Schedule{Text: "manual"}
	}
	s.opt.Missing = func(_ context.Context, id string) ([]string, error) {
		if id != "draft" {
			return nil, nil
		}
		return []string{"a target object (object)", "an integration user, to whom the changes are attributed (integration_user)"}, nil
	}
	s.opt.Credentials = []credentials.Entry{
		{ID: "okta-key", Details: credentials.Details{Name: "Okta read-only key", Owner: "Ada", ExpiresAt: now.Add(200 * day)}},
		{ID: "intune-key", Details: credentials.Details{Name: "Intune client secret", Owner: "Zoë", ExpiresAt: now.Add(5*day + time.Hour)}},
		{ID: "spare", Details: credentials.Details{ExpiresAt: now.Add(-9 * day)}},
		{ID: "forever"},
	}
	s.opt.Totals = []report.Total{{Object: "users", Records: 1193, Archived: 41}, {Object: "assets", Records: 1_204_551}, {Object: "software", Records: 18_230, Archived: 2}}
	return s
}

// failingForDays is an integration that worked, with problems, until its key was
// taken away.
func (s *scene) failingForDays() {
	s.t.Helper()
	s.add("jamf-computers", "Jamf computers", "jamf", "assets")
	for n := range int64(24) {
		age := time.Duration(n)*6*time.Hour + 2*time.Hour
		switch {
		case n < 9:
			s.run("jamf-computers", age, syncer.Failed, syncer.Counts{}, lasting(800*time.Millisecond, 0),
				because("auth: read computers: the vendor refused the credential (401)", "check that the API client is enabled and its secret is current"))
		case n%5 == 0:
			s.run("jamf-computers", age, syncer.WithProblems, counts(0, 9, 640, 2), lasting(3*time.Minute+20*time.Second, 0), having(conflict, badMAC))
		case n == 12:
			s.run("jamf-computers", age, syncer.Interrupted, counts(0, 0, 200, 0))
		default:
			s.run("jamf-computers", age, syncer.Succeeded, counts(1, 3, 640+n, 0), lasting(3*time.Minute+5*time.Second, 0))
		}
	}
}

// withProblems is an integration whose problems come, stay and go.
func (s *scene) withProblems() {
	s.t.Helper()
	s.add("snipe-assets", "Snipe-IT assets", "snipeit", "assets")
	for n := range int64(12) {
		there := []syncer.Problem{badDate}
		if n < 6 {
			there = append(there, badMAC)
		}
		if n < 3 {
			there = append(there, conflict, odd)
		}
		c := counts(0, 20+n, 400+n*31, int64(len(there)))
		s.run("snipe-assets", time.Duration(n)*day+time.Hour, syncer.WithProblems, c, having(there...), lasting(95*time.Second, 20*time.Second), func(r *syncer.Run) {
			if n == 0 {
				r.ProblemCount = 1_130
			}
		})
	}
}

// thousandsOfRuns is an integration that asks for changes every 5 minutes.
func (s *scene) thousandsOfRuns() {
	s.t.Helper()
	s.add("sensors", "Sensors on the shop floor", "mqtt", "assets")
	const full = 2500
	for n := range int64(3000) {
		age := time.Duration(n)*5*time.Minute + time.Minute
		edit := changesAlone(full*5*time.Minute + time.Minute)
		if n >= full {
			edit = func(*syncer.Run) {}
		}
		s.run("sensors", age, syncer.Succeeded, counts(0, n*n%17, n%3, 0), lasting(time.Duration(400+n%7)*time.Millisecond, 0), edit)
	}
}
