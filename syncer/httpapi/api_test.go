package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/schedule"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/httpapi"
)

var update = flag.Bool("update", false, "write the golden files anew; look at them before they are committed")

// routes are all requests that are answered well in a new scene, and the golden
// file of the answer.
var routes = []struct{ request, golden string }{
	{"GET /healthz", "healthz.json"},
	{"GET /readyz", "readyz.json"},
	{"GET /api/v1/integrations", "integrations.json"},
	{"GET /api/v1/integrations/laptops", "integration.json"},
	{"GET /api/v1/integrations/phones", "integration_draft.json"},
	{"GET /api/v1/integrations/laptops/runs?limit=1&test=true", "integration_runs.json"},
	{"GET /api/v1/runs", "runs.json"},
	{"GET /api/v1/runs/r3", "run.json"},
	{"POST /api/v1/integrations/laptops/run", "accepted_run.json"},
	{"POST /api/v1/integrations/people/cancel", "accepted_cancel.json"},
	{"POST /api/v1/runs/r4/cancel", "accepted_cancel_run.json"},
}

func TestEachRouteAnswersAsItsGoldenFileShows(t *testing.T) {
	t.Parallel()
	for _, test := range routes {
		t.Run(test.request, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			res := s.ask(test.request)
			var shown bytes.Buffer
			require.NoError(t, json.Indent(&shown, res.Body.Bytes(), "", "  "))
			got := fmt.Sprintf("%s\n%d %s\n%s", test.request, res.Code, res.Header().Get("Content-Type"), shown.String())
			file := filepath.Join("testdata", test.golden)
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}

func TestNoAnswerHoldsASecret(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.opt.Token = secretToken
	for _, test := range routes {
		res := s.ask(test.request, withToken)
		answer := fmt.Sprint(res.Header(), res.Body)
		for _, secret := range []string{token, secretSetting, contact} {
			require.NotContains(t, answer, secret, test.request)
		}
	}
}

func TestHEADIsGETWithoutABody(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for _, test := range routes {
		path, ok := strings.CutPrefix(test.request, "GET ")
		if !ok {
			continue
		}
		get, head := s.ask("GET "+path), s.ask("HEAD "+path)
		require.Equal(t, get.Code, head.Code)
		require.Equal(t, get.Header(), head.Header())
		require.Empty(t, head.Body.Bytes())
	}
}

func TestEveryAnswerKeepsABrowserFromUsingIt(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.opt.Token = secretToken
	for _, request := range []string{"GET /healthz", "GET /api/v1/runs", "GET /nowhere", "OPTIONS /api/v1/runs", "GET /metrics"} {
		for _, change := range []func(*http.Request){withToken, func(*http.Request) {}} {
			res := s.ask(request, change, withHeader("Origin", "https://evil.example"))
			require.Equal(t, "nosniff", res.Header().Get("X-Content-Type-Options"))
			require.Equal(t, "no-store", res.Header().Get("Cache-Control"))
			require.Equal(t, "DENY", res.Header().Get("X-Frame-Options"))
			require.Contains(t, res.Header().Get("Content-Security-Policy"), "default-src 'none'")
			require.Equal(t, "same-origin", res.Header().Get("Cross-Origin-Resource-Policy"))
			for name := range res.Header() {
				require.NotContains(t, name, "Access-Control")
			}
		}
	}
}

func TestWhatIsNoSuccessIsAProblem(t *testing.T) {
	t.Parallel()
	body := func(contentType, text string) func(*http.Request) {
		return func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(text))
			if contentType != "" {
				r.Header.Set("Content-Type", contentType)
			}
		}
	}
	const run = "POST /api/v1/integrations/laptops/run"
	for name, test := range map[string]struct {
		request string
		change  func(*http.Request)
		scene   func(s *scene)
		status  int
		code    string
		header  [2]string
	}{
		"an unknown path":                           {request: "GET /nowhere", status: 404, code: "not_found"},
		"the root":                                  {request: "GET /", status: 404, code: "not_found"},
		"a path that ends in a slash":               {request: "GET /api/v1/runs/", status: 404, code: "not_found"},
		"a path that is not clean":                  {request: "GET /api/v1/../v1/runs", status: 404, code: "not_found"},
		"a doubled slash":                           {request: "GET //api/v1/runs", status: 404, code: "not_found"},
		"an unknown integration":                    {request: "GET /api/v1/integrations/nobody", status: 404, code: "not_found"},
		"an id with a slash in it":                  {request: "GET /api/v1/integrations/a%2Fruns", status: 404, code: "not_found"},
		"an id with a zero byte":                    {request: "GET /api/v1/runs/%00", status: 404, code: "not_found"},
		"the runs of an unknown integration":        {request: "GET /api/v1/integrations/nobody/runs", status: 404, code: "not_found"},
		"an unknown integration to run":             {request: "POST /api/v1/integrations/nobody/run", status: 404, code: "not_found"},
		"an unknown integration to cancel":          {request: "POST /api/v1/integrations/nobody/cancel", status: 404, code: "not_found"},
		"an unknown run":                            {request: "GET /api/v1/runs/none", status: 404, code: "not_found"},
		"an unknown run to cancel":                  {request: "POST /api/v1/runs/none/cancel", status: 404, code: "not_found"},
		"metrics that nobody keeps":                 {request: "GET /metrics", status: 404, code: "no_metrics"},
		"a POST of what is read":                    {request: "POST /api/v1/runs", status: 405, code: "method", header: [2]string{"Allow", "GET, HEAD"}},
		"a DELETE":                                  {request: "DELETE /api/v1/integrations/laptops", status: 405, code: "method", header: [2]string{"Allow", "GET, HEAD"}},
		"a GET of what acts":                        {request: "GET /api/v1/integrations/laptops/run", status: 405, code: "method", header: [2]string{"Allow", "POST"}},
		"a preflight":                               {request: "OPTIONS /api/v1/integrations/laptops/run", status: 405, code: "method", header: [2]string{"Allow", "POST"}},
		"a limit of 0":                              {request: "GET /api/v1/runs?limit=0", status: 400, code: "invalid"},
		"a limit of 201":                            {request: "GET /api/v1/runs?limit=201", status: 400, code: "invalid"},
		"an empty limit":                            {request: "GET /api/v1/runs?limit=", status: 400, code: "invalid"},
		"a limit that is no number":                 {request: "GET /api/v1/runs?limit=many", status: 400, code: "invalid"},
		"a limit below zero":                        {request: "GET /api/v1/runs?limit=-1", status: 400, code: "invalid"},
		"a misspelt parameter":                      {request: "GET /api/v1/runs?limits=5", status: 400, code: "invalid"},
		"a parameter where there is none":           {request: "GET /api/v1/integrations?state=active", status: 400, code: "invalid"},
		"a parameter of one integration":            {request: "GET /api/v1/integrations/laptops?x=1", status: 400, code: "invalid"},
		"a parameter of one run":                    {request: "GET /api/v1/runs/r1?x=1", status: 400, code: "invalid"},
		"a parameter of what acts":                  {request: run + "?force=true", status: 400, code: "invalid"},
		"a parameter of what stops an integration":  {request: "POST /api/v1/integrations/people/cancel?x=1", status: 400, code: "invalid"},
		"a parameter of what stops a run":           {request: "POST /api/v1/runs/r4/cancel?x=1", status: 400, code: "invalid"},
		"a parameter twice":                         {request: "GET /api/v1/runs?limit=5&limit=6", status: 400, code: "invalid"},
		"a query that cannot be read":               {request: "GET /api/v1/runs?limit=%zz", status: 400, code: "invalid"},
		"a query with a semicolon":                  {request: "GET /api/v1/runs?limit=5;before=r1", status: 400, code: "invalid"},
		"test that is neither true nor false":       {request: "GET /api/v1/runs?test=yes", status: 400, code: "invalid"},
		"before a run that there is not":            {request: "GET /api/v1/runs?before=gone", status: 400, code: "invalid"},
		"before a test run, in a list without":      {request: "GET /api/v1/runs?before=r2", status: 400, code: "invalid"},
		"before another integration's run":          {request: "GET /api/v1/integrations/people/runs?before=r1", status: 400, code: "invalid"},
		"a draft to run":                            {request: "POST /api/v1/integrations/phones/run", status: 409, code: "not_active"},
		"a paused one to run":                       {request: "POST /api/v1/integrations/printers/run", status: 409, code: "not_active"},
		"an archived one to run":                    {request: "POST /api/v1/integrations/servers/run", status: 409, code: "not_active"},
		"one that runs, says the journal":           {request: "POST /api/v1/integrations/people/run", status: 409, code: "busy"},
		"one that runs, says the runner":            {request: run, status: 409, code: "busy", scene: triggerFails(schedule.ErrBusy)},
		"one that the runner has not seen":          {request: run, status: 503, code: "not_seen", header: [2]string{"Retry-After", "10"}, scene: triggerFails(schedule.ErrUnknown)},
		"a runner that fails":                       {request: run, status: 500, code: "internal", scene: triggerFails(errors.New("no"))},
		"one that does not run to cancel":           {request: "POST /api/v1/integrations/laptops/cancel", status: 409, code: "not_running", scene: cancelFails(schedule.ErrUnknown)},
		"a runner that fails to cancel":             {request: "POST /api/v1/integrations/laptops/cancel", status: 500, code: "internal", scene: cancelFails(errors.New("no"))},
		"a run that has ended to cancel":            {request: "POST /api/v1/runs/r1/cancel", status: 409, code: "ended"},
		"a form's body":                             {request: run, change: body("application/x-www-form-urlencoded", "a=b"), status: 415, code: "media_type"},
		"an empty form":                             {request: run, change: body("application/x-www-form-urlencoded", ""), status: 415, code: "media_type"},
		"a form of plain text that looks like JSON": {request: run, change: body("text/plain", "{}"), status: 415, code: "media_type"},
		"a body of no type":                         {request: run, change: body("", "{}"), status: 415, code: "media_type"},
		"a body of a type that cannot be read":      {request: run, change: body("; ;", "{}"), status: 415, code: "media_type"},
		"a body that is too large":                  {request: run, change: body("application/json", "{"+strings.Repeat(" ", 5000)+"}"), status: 413, code: "too_large"},
		"a body with something in it":               {request: run, change: body("application/json", `{"full": true}`), status: 400, code: "invalid"},
		"a body that is no object":                  {request: run, change: body("application/json", `null`), status: 400, code: "invalid"},
		"a body with more after the object":         {request: run, change: body("application/json", `{} {}`), status: 400, code: "invalid"},
		"a body that breaks off":                    {request: run, change: func(r *http.Request) { r.Body = io.NopCloser(brokenReader{}) }, status: 400, code: "invalid"},
		"a list that the store does not give":       {request: "GET /api/v1/integrations", status: 500, code: "internal", scene: journalFails("Integrations")},
		"an integration that it does not give":      {request: "GET /api/v1/integrations/laptops", status: 500, code: "internal", scene: journalFails("Integration")},
		"last runs that it does not give":           {request: "GET /api/v1/integrations", status: 500, code: "internal", scene: journalFails("Runs")},
		"the last run that it does not give":        {request: "GET /api/v1/integrations/laptops", status: 500, code: "internal", scene: journalFails("Runs")},
		"a last run that it does not give to run":   {request: run, status: 500, code: "internal", scene: journalFails("Runs")},
		"the same to cancel":                        {request: "POST /api/v1/integrations/laptops/cancel", status: 500, code: "internal", scene: journalFails("Runs")},
		"runs that it does not give":                {request: "GET /api/v1/runs", status: 500, code: "internal", scene: journalFails("Runs")},
		"a run that it does not give":               {request: "GET /api/v1/runs/r1", status: 500, code: "internal", scene: journalFails("Run")},
		"a request to stop that it does not tell":   {request: "GET /api/v1/runs/r4", status: 500, code: "internal", scene: journalFails("CancelRequested")},
		"a request to stop that it does not take":   {request: "POST /api/v1/runs/r4/cancel", status: 500, code: "internal", scene: journalFails("RequestCancel")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			if test.scene != nil {
				test.scene(s)
			}
			change := test.change
			if change == nil {
				change = func(*http.Request) {}
			}
			res := s.ask(test.request, change)
			p := problem(t, res, test.status)
			require.Equal(t, test.code, p.Code)
			require.NotContains(t, p.Detail, "the disk is full", "what the server lacks is its own affair")
			if test.header[0] != "" {
				require.Equal(t, test.header[1], res.Header().Get(test.header[0]))
			}
			if test.status != http.StatusInternalServerError && test.scene == nil {
				require.Empty(t, s.runner.triggered)
				require.Empty(t, s.runner.cancelled)
			}
		})
	}
}

func triggerFails(err error) func(*scene) {
	return func(s *scene) { s.runner.triggerErr = map[string]error{"laptops": fmt.Errorf("start: %w", err)} }
}

func cancelFails(err error) func(*scene) {
	return func(s *scene) { s.runner.cancelErr = map[string]error{"laptops": fmt.Errorf("cancel: %w", err)} }
}

func journalFails(method string) func(*scene) {
	return func(s *scene) {
		s.journal.fail = func(called string) error {
			if called == method {
				return errors.New("the disk is full")
			}
			return nil
		}
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestADraftThatCannotRunSaysWhatItLacks(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := problem(t, s.ask("POST /api/v1/integrations/phones/run"), http.StatusConflict)
	require.Len(t, p.Reasons, 1)
	require.Contains(t, p.Reasons[0], "integration_user")
	require.Contains(t, p.Remedy, "missing")
	in := decodeAs[httpapi.Integration](t, s.ask("GET /api/v1/integrations/phones"), http.StatusOK)
	require.Equal(t, p.Reasons, in.Missing)
}

func TestABodyMayBeAnEmptyObject(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for _, text := range []string{"", "{}", " {\n} "} {
		res := s.ask("POST /api/v1/integrations/laptops/run", withHeader("Content-Type", "application/json; charset=utf-8"),
			func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(text)) })
		a := decodeAs[httpapi.Accepted](t, res, http.StatusAccepted)
		require.Equal(t, "/api/v1/integrations/laptops", a.See)
		require.Equal(t, a.See, res.Header().Get("Location"))
	}
	require.Equal(t, []string{"laptops", "laptops", "laptops"}, s.runner.triggered)
}

func TestCancellingReachesTheRunWhereverItRuns(t *testing.T) {
	t.Parallel()
	t.Run("a run that the journal knows is asked to stop, twice too", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		require.False(t, decodeAs[httpapi.Run](t, s.ask("GET /api/v1/runs/r4"), http.StatusOK).CancelRequested)
		for range 2 {
			a := decodeAs[httpapi.Accepted](t, s.ask("POST /api/v1/integrations/people/cancel"), http.StatusAccepted)
			require.Equal(t, "r4", a.Run)
		}
		require.True(t, decodeAs[httpapi.Run](t, s.ask("GET /api/v1/runs/r4"), http.StatusOK).CancelRequested)
		require.Empty(t, s.runner.cancelled)
	})
	t.Run("a job that has no run yet has its context ended", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		a := decodeAs[httpapi.Accepted](t, s.ask("POST /api/v1/integrations/laptops/cancel"), http.StatusAccepted)
		require.Empty(t, a.Run)
		require.Equal(t, []string{"laptops"}, s.runner.cancelled)
	})
	t.Run("a run that ends while it is asked to stop has ended", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		s.journal.fail = func(method string) error {
			if method != "RequestCancel" {
				return nil
			}
			err := s.journal.SaveRun(t.Context(), syncer.Run{ID: "r4", Integration: "people", Status: syncer.Succeeded, Started: clock})
			return errors.Join(err, syncer.ErrNotFound)
		}
		require.Equal(t, "ended", problem(t, s.ask("POST /api/v1/runs/r4/cancel"), http.StatusConflict).Code)
	})
}

func TestPagesOfRunsHoldEachRunOnce(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 7, 50, 200} {
		t.Run(fmt.Sprintf("%d at a time", limit), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			want := append(s.manyRuns(60), "r3", "r1")
			var got []string
			for next := fmt.Sprintf("/api/v1/integrations/laptops/runs?limit=%d", limit); next != ""; {
				list := decodeAs[httpapi.RunList](t, s.ask("GET "+next), http.StatusOK)
				require.LessOrEqual(t, len(list.Runs), limit)
				require.NotEmpty(t, list.Runs)
				for _, r := range list.Runs {
					require.Empty(t, r.Problems)
					got = append(got, r.ID)
				}
				next = list.Next
				// A run that comes in meanwhile shifts nothing.
				require.NoError(t, s.journal.SaveRun(t.Context(), syncer.Run{ID: "new" + next, Integration: "laptops", Status: syncer.Empty, Started: clock.Add(time.Hour)}))
			}
			require.Equal(t, want, got)
		})
	}
}

func TestAListOfNoRunsIsEmptyRatherThanNull(t *testing.T) {
	t.Parallel()
	res := newScene(t).ask("GET /api/v1/integrations/phones/runs")
	require.JSONEq(t, `{"runs": []}`, res.Body.String())
}

func TestAListReachesBackOnlySoFar(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var ids []string
	for i := range 10_100 {
		ids = append(ids, fmt.Sprint("many", i))
		s.journal.all = append(s.journal.all, syncer.Run{ID: ids[i], Integration: "laptops", Status: syncer.Succeeded, Started: clock.Add(-time.Duration(i) * time.Minute)})
	}
	most := 0
	s.journal.onRuns = func(q syncer.RunQuery) { most = max(most, q.Limit) }
	require.Equal(t, "too_far", problem(t, s.ask("GET /api/v1/runs?before="+ids[10_050]), http.StatusUnprocessableEntity).Code)
	require.Equal(t, "too_far", problem(t, s.ask("GET /api/v1/runs?before="+ids[9_990]), http.StatusUnprocessableEntity).Code)
	list := decodeAs[httpapi.RunList](t, s.ask("GET /api/v1/runs?before="+ids[9_000]), http.StatusOK)
	require.Equal(t, ids[9_001], list.Runs[0].ID)
	require.Equal(t, 10_000, most)
}

func TestReadinessIsAWord(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		scene  func(s *scene)
		reason string
	}{
		"a store that answers and a runner that asks": {scene: func(*scene) {}},
		"a store that does not answer": {
			scene:  func(s *scene) { s.opt.Ready = func(context.Context) error { return errors.New("disk 7 is full") } },
			reason: "store",
		},
		"a store that hangs": {
			scene: func(s *scene) {
				s.opt.Timeout = time.Millisecond
				s.opt.Ready = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
			},
			reason: "store",
		},
		"a runner that has not begun":          {scene: func(s *scene) { s.runner.status.Polled = time.Time{} }, reason: "runner"},
		"a runner whose source fails":          {scene: func(s *scene) { s.runner.status.PollErr = errors.New("disk 7 is full") }, reason: "runner"},
		"a runner that has long asked nothing": {scene: func(s *scene) { s.runner.status.Polled = clock.Add(-6 * time.Minute) }, reason: "runner"},
		"a runner that may ask more seldom": {scene: func(s *scene) {
			s.opt.Stale = time.Hour
			s.runner.status.Polled = clock.Add(-6 * time.Minute)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.opt.Token = secretToken
			test.scene(s)
			want, status := httpapi.Health{Status: "ready"}, http.StatusOK
			if test.reason != "" {
				want, status = httpapi.Health{Status: "unready", Reason: test.reason}, http.StatusServiceUnavailable
			}
			require.Equal(t, want, decodeAs[httpapi.Health](t, s.ask("GET /readyz"), status))
			require.Equal(t, httpapi.Health{Status: "ok"}, decodeAs[httpapi.Health](t, s.ask("GET /healthz"), http.StatusOK))
		})
	}
}

func TestWhyTheServerIsNotReadyIsLoggedOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var log bytes.Buffer
	s.opt.Logger = slog.New(slog.NewTextHandler(&log, nil))
	fails := true
	s.opt.Ready = func(context.Context) error {
		if fails {
			return errors.New("disk 7 is full")
		}
		return nil
	}
	api := s.api()
	for range 3 {
		ask(t.Context(), api, "GET /readyz")
	}
	require.Equal(t, 1, strings.Count(log.String(), "disk 7 is full"))
	fails = false
	for range 3 {
		ask(t.Context(), api, "GET /readyz")
	}
	require.Equal(t, 1, strings.Count(log.String(), "ready again"))
}

func TestAPanicIsAProblemAndALineInTheLog(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var log bytes.Buffer
	s.opt.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s.opt.Metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a bug in the metrics") })
	p := problem(t, s.ask("GET /metrics"), http.StatusInternalServerError)
	require.Equal(t, "internal", p.Code)
	require.NotContains(t, p.Detail, "a bug in the metrics")
	require.Contains(t, log.String(), "a bug in the metrics")

	s.opt.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half an answer")
		panic("a bug in the metrics")
	})
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { s.ask("GET /metrics") })
	s.opt.Metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { s.ask("GET /metrics") })
}

func TestAStoreThatHangsIsNotWaitedForForever(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		ctx, leave := context.WithCancel(t.Context())
		hang := func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		s.opt.Ready = hang
		began := time.Now()
		res := s.ask("GET /readyz")
		require.Equal(t, http.StatusServiceUnavailable, res.Code)

		require.Equal(t, 10*time.Second, time.Since(began))

		s.opt.Timeout = time.Second
		s.journal.fail = func(string) error { time.Sleep(2 * time.Second); return context.DeadlineExceeded }
		require.Equal(t, "timeout", problem(t, s.ask("GET /api/v1/runs"), http.StatusServiceUnavailable).Code)

		s.journal.fail = func(string) error { leave(); return context.Canceled }
		require.Equal(t, "timeout", problem(t, ask(ctx, s.api(), "GET /api/v1/runs"), http.StatusServiceUnavailable).Code)
	})
}

func TestMetricsAreTheHosts(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.opt.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = io.WriteString(w, "vendorsync_runs_total 3\n")
	})
	res := s.ask("GET /metrics")
	require.Equal(t, "vendorsync_runs_total 3\n", res.Body.String())
	require.Equal(t, "text/plain; version=0.0.4", res.Header().Get("Content-Type"))
}

func TestWhatIsChangedIsLoggedWithoutSecrets(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var log bytes.Buffer
	s.opt.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	s.opt.Token = secretToken
	for _, test := range routes {
		s.ask(test.request, withToken)
	}
	require.Equal(t, 3, strings.Count(log.String(), `"method":"POST"`))
	require.Contains(t, log.String(), `"path":"/api/v1/integrations/laptops/run","status":202`)
	require.NotContains(t, log.String(), `"method":"GET"`)
	require.NotContains(t, log.String(), token)
}

func TestOptionsThatCannotBeAreNamedTogether(t *testing.T) {
	t.Parallel()
	_, err := httpapi.New(httpapi.Options{Token: credentials.NewSecret("hunter2"), Hosts: []string{"https://sync.example.com", "sync.example.com:443", ""}})
	require.ErrorIs(t, err, connector.ErrInvalid)
	for _, part := range []string{"Syncer", "Runner", "16 characters", "https://sync", ":443", `""`} {
		require.ErrorContains(t, err, part)
	}
	require.NotContains(t, err.Error(), "hunter2")
}

func TestARunAskedForOverHTTPRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		starter := schedule.NewRunner(s.opt.Syncer.Scheduled(), schedule.Options{Now: func() time.Time { return clock }})
		s.opt.Runner = starter
		api := s.api()
		require.Equal(t, "runner", decodeAs[httpapi.Health](t, ask(t.Context(), api, "GET /readyz"), http.StatusServiceUnavailable).Reason)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- starter.Run(ctx) }()
		synctest.Wait()
		require.Equal(t, "ready", decodeAs[httpapi.Health](t, ask(t.Context(), api, "GET /readyz"), http.StatusOK).Status)
		before := decodeAs[httpapi.RunList](t, ask(t.Context(), api, "GET /api/v1/integrations/laptops/runs"), http.StatusOK)
		decodeAs[httpapi.Accepted](t, ask(t.Context(), api, "POST /api/v1/integrations/laptops/run"), http.StatusAccepted)
		time.Sleep(time.Minute)
		synctest.Wait()
		after := decodeAs[httpapi.RunList](t, ask(t.Context(), api, "GET /api/v1/integrations/laptops/runs"), http.StatusOK)
		require.Len(t, after.Runs, len(before.Runs)+1)
		require.Equal(t, syncer.Empty, after.Runs[0].Status)
		in := decodeAs[httpapi.Integration](t, ask(t.Context(), api, "GET /api/v1/integrations/laptops"), http.StatusOK)
		require.Equal(t, after.Runs[0].ID, in.LastRun.ID)
		require.False(t, in.Next.IsZero())
		stop()
		require.NoError(t, <-ended)
	})
}

func TestARunCancelledOverHTTPStopsAndStaysStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.vendor.Count, s.vendor.PageSize, s.vendor.Delay = 1000, 1, time.Second
		s.vendor.Generate = func(i int) connector.Record {
			return connector.Record(fmt.Sprintf(`{"id": "d-%d", "serial": "C02XK%d"}`, i, i))
		}
		starter := schedule.NewRunner(s.opt.Syncer.Scheduled(), schedule.Options{Now: func() time.Time { return clock }})
		s.opt.Runner = starter
		api := s.api()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- starter.Run(ctx) }()
		synctest.Wait()
		decodeAs[httpapi.Accepted](t, ask(t.Context(), api, "POST /api/v1/integrations/laptops/run"), http.StatusAccepted)
		time.Sleep(20 * time.Second)
		require.Equal(t, "busy", problem(t, ask(t.Context(), api, "POST /api/v1/integrations/laptops/run"), http.StatusConflict).Code)
		a := decodeAs[httpapi.Accepted](t, ask(t.Context(), api, "POST /api/v1/integrations/laptops/cancel"), http.StatusAccepted)
		time.Sleep(time.Minute)
		run := decodeAs[httpapi.Run](t, ask(t.Context(), api, "GET "+a.See), http.StatusOK)
		require.Equal(t, syncer.Cancelled, run.Status)
		require.Positive(t, run.Counts.Created)
		require.Less(t, run.Counts.Created, int64(30))
		in := decodeAs[httpapi.Integration](t, ask(t.Context(), api, "GET /api/v1/integrations/laptops"), http.StatusOK)
		require.False(t, in.Running)
		require.Equal(t, run.ID, in.LastRun.ID, "nothing has started since")
		require.Equal(t, "not_running", problem(t, ask(t.Context(), api, "POST /api/v1/integrations/laptops/cancel"), http.StatusConflict).Code)
		stop()
		require.NoError(t, <-ended)
	})
}

func TestRequestsAtTheSameTimeDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.opt.Token = secretToken
	api := s.api()
	var all sync.WaitGroup
	for range 4 {
		for _, test := range routes {
			for _, change := range []func(*http.Request){withToken, func(*http.Request) {}} {
				all.Go(func() {
					for range 5 {
						res := ask(t.Context(), api, test.request, change)
						if res.Code >= http.StatusInternalServerError {
							t.Errorf("%s: %d", test.request, res.Code)
						}
					}
				})
			}
		}
	}
	all.Wait()
	require.Len(t, s.runner.triggered, 20, "those with a token")
}
