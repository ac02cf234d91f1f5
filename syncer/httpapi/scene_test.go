package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/schedule"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/httpapi"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// What must be in no answer.
const (
	token         = "correct-horse-battery"
	secretSetting = "tiger-lily-7"
	contact       = "oncall@example.com"
)

var clock = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// A runner is a Runner that does as it is told. The maps are set before it is used.
type runner struct {
	mu         sync.Mutex
	triggered  []string
	cancelled  []string
	triggerErr map[string]error
	cancelErr  map[string]error
	status     schedule.Status
}

func (r *runner) Trigger(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.triggered = append(r.triggered, id)
	return r.triggerErr[id]
}

func (r *runner) Cancel(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancelled = append(r.cancelled, id)
	return r.cancelErr[id]
}

func (r *runner) Status() schedule.Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// A journal is a Journal that fails if it is told to.
type journal struct {
	syncer.Journal
	fail func(method string) error // called by each method; nil for never
	// onRuns sees what Runs is asked for.
	onRuns func(q syncer.RunQuery)
	all    []syncer.Run // what Runs chooses from instead, the newest first
}

func (j *journal) failure(method string) error {
	if j.fail == nil {
		return nil
	}
	return j.fail(method)
}

func (j *journal) Integration(ctx context.Context, id string) (syncer.Integration, error) {
	if err := j.failure("Integration"); err != nil {
		return syncer.Integration{}, err
	}
	return j.Journal.Integration(ctx, id)
}

func (j *journal) Integrations(ctx context.Context) ([]syncer.Integration, error) {
	if err := j.failure("Integrations"); err != nil {
		return nil, err
	}
	return j.Journal.Integrations(ctx)
}

func (j *journal) Run(ctx context.Context, id string) (syncer.Run, error) {
	if err := j.failure("Run"); err != nil {
		return syncer.Run{}, err
	}
	return j.Journal.Run(ctx, id)
}

func (j *journal) Runs(ctx context.Context, q syncer.RunQuery) ([]syncer.Run, error) {
	if err := j.failure("Runs"); err != nil {
		return nil, err
	}
	if j.onRuns != nil {
		j.onRuns(q)
	}
	if j.all != nil {
		return slices.Clone(j.all[:min(len(j.all), q.Limit)]), nil
	}
	return j.Journal.Runs(ctx, q)
}

func (j *journal) RequestCancel(ctx context.Context, id string) error {
	if err := j.failure("RequestCancel"); err != nil {
		return err
	}
	return j.Journal.RequestCancel(ctx, id)
}

func (j *journal) CancelRequested(ctx context.Context, id string) (bool, error) {
	if err := j.failure("CancelRequested"); err != nil {
		return false, err
	}
	return j.Journal.CancelRequested(ctx, id)
}

// A scene is an API over a store with integrations and runs.
type scene struct {
	t       testing.TB
	runner  *runner
	journal *journal
	vendor  *connectortest.Fake
	opt     httpapi.Options
}

// newScene returns a scene with four integrations: laptops and people are active,
// phones is a draft without user, printers is paused, servers is archived. laptops
// has run three times, people runs.
func newScene(t testing.TB) *scene {
	t.Helper()
	store := memory.New(memory.Options{})
	j := &journal{Journal: store}
	vendor := &connectortest.Fake{ID: "mdm", Stream: "devices", Describe: func(s *connector.Spec) {
		s.Settings = append(s.Settings, connector.Setting{Name: "key", Label: "Key", Secret: true})
	}}
	registry, err := connector.NewRegistry(vendor)
	require.NoError(t, err)
	s, err := syncer.New(store, syncer.Options{Registry: registry, Journal: j, BatchSize: 1, Now: func() time.Time { return clock }})
	require.NoError(t, err)
	for _, id := range []string{"laptops", "people", "phones", "printers", "servers"} {
		in := syncer.Integration{
			ID: id, Name: "The " + id, Connector: "mdm", Stream: "devices", User: "it-sync@example.com",
			Settings: connector.Settings{"key": {secretSetting}}, Contacts: []string{contact},
			Mapping: mapping.Mapping{
				Object: "assets", Key: "id",
				Fields:   []mapping.FieldMapping{{To: "serial_number", From: "serial"}},
				SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
			},
		}
		in.Schedule, err = schedule.Parse("every 6h at 03:00 zone Europe/London")
		require.NoError(t, err)
		if id == "phones" {
			in.User = ""
		}
		_, err := s.Save(t.Context(), in, "ada")
		require.NoError(t, err)
	}
	for _, id := range []string{"laptops", "people", "printers", "servers"} {
		require.NoError(t, s.Launch(t.Context(), id, "ada"))
	}
	require.NoError(t, s.Pause(t.Context(), "printers", "ada"))
	require.NoError(t, s.Archive(t.Context(), "servers", "ada"))
	sc := &scene{t: t, journal: j, vendor: vendor, runner: &runner{status: schedule.Status{
		Running: []schedule.RunningJob{{ID: "people", Due: clock.Add(-time.Minute), Since: clock.Add(-time.Minute), Stopping: "pausing"}},
		Jobs: []schedule.JobStatus{
			{ID: "laptops", Next: clock.Add(-time.Hour), Late: true, Failures: 2, Error: "the store is locked"},
			{ID: "people", Next: clock.Add(5 * time.Hour)},
		},
		Polled: clock.Add(-time.Second),
	}}}
	for i, r := range []syncer.Run{
		{ID: "r1", Integration: "laptops", Status: syncer.Failed, Error: "list devices: refused", Remedy: "renew the credential"},
		{ID: "r2", Integration: "laptops", Status: syncer.Succeeded, Test: true},
		{
			ID: "r3", Integration: "laptops", Status: syncer.WithProblems, Trigger: "schedule", By: "schedule", Complete: true,
			Counts: syncer.Counts{Fetched: 3, Created: 2, Failed: 1}, Waited: 1500 * time.Millisecond, ProblemCount: 1,
			Problems: []syncer.Problem{{Record: "d-4", Field: "memory_mb", Reason: "invalid value"}},
			Effects:  map[string]syncer.Effects{"software": {Created: 7}},
			Records:  []syncer.TestRecord{{Record: "d-1", Source: connector.Record(`{"payload":"` + secretSetting + `"}`)}},
		},
		{ID: "r4", Integration: "people", Status: syncer.Running},
	} {
		r.Started = clock.Add(time.Duration(i-10) * time.Minute)
		if r.Status.Ended() {
			r.Finished = r.Started.Add(30 * time.Second)
		}
		require.NoError(t, store.SaveRun(t.Context(), r))
	}
	sc.opt = httpapi.Options{Syncer: s, Runner: sc.runner, Now: func() time.Time { return clock }}
	return sc
}

func (s *scene) api() *httpapi.API {
	s.t.Helper()
	api, err := httpapi.New(s.opt)
	require.NoError(s.t, err)
	return api
}

// ask sends a request as a program on this machine would.
func (s *scene) ask(request string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	s.t.Helper()
	return ask(s.t.Context(), s.api(), request, change...)
}

func ask(ctx context.Context, h http.Handler, request string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	method, target, _ := strings.Cut(request, " ")
	r := httptest.NewRequestWithContext(ctx, method, target, http.NoBody)
	r.Host = "127.0.0.1:8620"
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// withHeader sets a header of a request.
func withHeader(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// withToken shows the right token.
func withToken(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }

// decodeAs returns an answer's JSON, which has the given status.
func decodeAs[T any](t *testing.T, res *httptest.ResponseRecorder, status int) T {
	t.Helper()
	var v T
	require.Equal(t, status, res.Code)
	dec := json.NewDecoder(res.Body)
	dec.DisallowUnknownFields()
	require.NoError(t, dec.Decode(&v))
	return v
}

// problem returns an answer's Problem, which says what the answer's status says and
// how to go on.
func problem(t *testing.T, res *httptest.ResponseRecorder, status int) httpapi.Problem {
	t.Helper()
	require.Equal(t, "application/problem+json", res.Header().Get("Content-Type"))
	p := decodeAs[httpapi.Problem](t, res, status)
	require.Equal(t, status, p.Status)
	require.Equal(t, "about:blank", p.Type)
	require.Equal(t, http.StatusText(status), p.Title)
	require.NotEmpty(t, p.Detail)
	require.NotEmpty(t, p.Remedy)
	return p
}

// manyRuns saves runs of laptops, newer than those of the scene, and returns their
// ids, the newest first.
func (s *scene) manyRuns(n int) []string {
	s.t.Helper()
	var ids []string
	for i := range n {
		id := fmt.Sprintf("many%05d", i)
		require.NoError(s.t, s.journal.SaveRun(s.t.Context(), syncer.Run{
			ID: id, Integration: "laptops", Status: syncer.Succeeded, Started: clock.Add(time.Duration(i) * time.Second), Finished: clock.Add(time.Hour),
		}))
		ids = append(ids, id)
	}
	slices.Reverse(ids)
	return ids
}

var secretToken = credentials.NewSecret(token)
