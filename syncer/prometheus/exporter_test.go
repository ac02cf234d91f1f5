package prometheus_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
	"github.com/vendorsync/vendorsync/syncer/prometheus"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// A journal counts what it is asked and may be out of reach.
type journal struct {
	*memory.Store
	err    error
	hangs  bool
	asked  atomic.Int64 // for integrations
	limits []int        // of the questions for runs
}

func (j *journal) Integrations(ctx context.Context) ([]syncer.Integration, error) {
	j.asked.Add(1)
	if j.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if j.err != nil {
		return nil, j.err
	}
	return j.Store.Integrations(ctx)
}

func (j *journal) Runs(ctx context.Context, q syncer.RunQuery) ([]syncer.Run, error) {
	j.limits = append(j.limits, q.Limit)
	return j.Store.Runs(ctx, q)
}

// A scene is a journal with a page over it.
type scene struct {
	*testing.T
	journal *journal
	opt     prometheus.Options
	now     time.Time
	page    *prometheus.Exporter
	began   time.Time // of the last run
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{T: t, journal: &journal{Store: memory.New(memory.Options{})}, now: noon, began: noon.Add(-24 * time.Hour)}
	s.opt = prometheus.Options{Journal: s.journal, Now: func() time.Time { return s.now }}
	return s
}

// keeps puts an integration into the journal.
func (s *scene) keeps(id string, state syncer.State) {
	s.Helper()
	require.NoError(s, s.journal.SaveIntegration(s.Context(), syncer.Integration{ID: id, Name: "All of " + id, Connector: "jamf", Stream: "computers", State: state}))
}

// ran puts a run of a minute into the journal, one minute after the last, and
// returns when it ended.
func (s *scene) ran(integration string, status syncer.Status, change func(*syncer.Run)) time.Time {
	s.Helper()
	s.began = s.began.Add(time.Minute)
	run := syncer.Run{ID: "run-" + s.began.Format("150405"), Integration: integration, Status: status, Started: s.began, Finished: s.began.Add(time.Minute)}
	if change != nil {
		change(&run)
	}
	require.NoError(s, s.journal.SaveRun(s.Context(), run))
	return run.Finished
}

// metrics returns the lines of the page whose name begins with one of names
// after "vendorsync_".
func (s *scene) metrics(names ...string) []string {
	s.Helper()
	if s.page == nil {
		var err error
		s.page, err = prometheus.New(s.opt)
		require.NoError(s, err)
	}
	lines := []string{}
	for line := range strings.Lines(serve(s.T, s.page)) {
		for _, name := range names {
			if strings.HasPrefix(line, "vendorsync_"+name) {
				lines = append(lines, strings.TrimSpace(strings.TrimPrefix(line, "vendorsync_")))
			}
		}
	}
	return lines
}

// serve returns the page.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	require.Contains(t, w.Header().Get("Content-Type"), "text/plain; version=0.0.4")
	body, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	return string(body)
}

func stamp(name, integration string, t time.Time) string {
	return fmt.Sprintf(`%s{integration=%q} %s`, name, integration, prom10(t))
}

// prom10 writes a time as the page does.
func prom10(t time.Time) string { return fmt.Sprintf("%.9ge+09", float64(t.Unix())/1e9) }

// syncs makes a vendor of devices and a Syncer that feeds the page.
func (s *scene) syncs(records ...string) *syncer.Syncer {
	s.Helper()
	s.metrics()
	fake := &connectortest.Fake{ID: "mdm", PageSize: 2}
	for _, r := range records {
		fake.Records = append(fake.Records, connector.Record(r))
	}
	registry, err := connector.NewRegistry(fake)
	require.NoError(s, err)
	sync, err := syncer.New(s.journal, syncer.Options{Registry: registry, MeterProvider: s.page.MeterProvider(), BatchSize: 2, Now: s.opt.Now})
	require.NoError(s, err)
	_, err = sync.Save(s.Context(), syncer.Integration{
		ID: "mdm", Connector: "mdm", Stream: "records", User: "it-sync@example.com",
		Mapping: mapping.Mapping{
			Object: "assets", Key: "id",
			Fields:   []mapping.FieldMapping{{To: "serial_number", From: "serial"}},
			SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
		},
	}, "ada@example.com")
	require.NoError(s, err)
	require.NoError(s, sync.Launch(s.Context(), "mdm", "ada@example.com"))
	return sync
}

func TestThePageTellsOfARun(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	sync := s.syncs(`{"id": "v1", "serial": "S1"}`, `{"id": "v2", "serial": "S2"}`, `{"id": "v3"}`)
	_, err := sync.Run(t.Context(), "mdm", syncer.RunOptions{})
	require.NoError(t, err)
	s.now = s.now.Add(time.Minute)
	require.Equal(t, []string{
		`journal_up 1`,
		`last_run_duration_seconds{integration="mdm"} 0`,
		`last_run_problems{integration="mdm"} 0`,
		`last_run_records{integration="mdm",outcome="created"} 2`,
		`last_run_records{integration="mdm",outcome="failed"} 0`,
		`last_run_records{integration="mdm",outcome="filtered"} 0`,
		`last_run_records{integration="mdm",outcome="skipped"} 1`,
		`last_run_records{integration="mdm",outcome="unchanged"} 0`,
		`last_run_records{integration="mdm",outcome="updated"} 0`,
		`last_run_status{integration="mdm",status="cancelled"} 0`,
		`last_run_status{integration="mdm",status="empty"} 0`,
		`last_run_status{integration="mdm",status="failed"} 0`,
		`last_run_status{integration="mdm",status="interrupted"} 0`,
		`last_run_status{integration="mdm",status="succeeded"} 1`,
		`last_run_status{integration="mdm",status="succeeded_with_problems"} 0`,
		stamp("last_run_timestamp_seconds", "mdm", noon),
		stamp("last_success_timestamp_seconds", "mdm", noon),
		`records_total{integration="mdm",outcome="created"} 2`,
		`records_total{integration="mdm",outcome="failed"} 0`,
		`records_total{integration="mdm",outcome="filtered"} 0`,
		`records_total{integration="mdm",outcome="skipped"} 1`,
		`records_total{integration="mdm",outcome="unchanged"} 0`,
		`records_total{integration="mdm",outcome="updated"} 0`,
		`run_duration_seconds_count{integration="mdm",status="succeeded"} 1`,
		`running{integration="mdm"} 0`,
		`runs_total{integration="mdm",status="cancelled"} 0`,
		`runs_total{integration="mdm",status="empty"} 0`,
		`runs_total{integration="mdm",status="failed"} 0`,
		`runs_total{integration="mdm",status="interrupted"} 0`,
		`runs_total{integration="mdm",status="succeeded"} 1`,
		`runs_total{integration="mdm",status="succeeded_with_problems"} 0`,
		`step_duration_seconds_count{integration="mdm",step="apply"} 2`,
		`step_duration_seconds_count{integration="mdm",step="decide"} 2`,
		`step_duration_seconds_count{integration="mdm",step="fetch"} 2`,
		`wait_seconds_total{integration="mdm"} 0`,
	}, s.metrics("journal_up", "last_", "records_total", "run_duration_seconds_count", "running", "runs_total", "step_duration_seconds_count", "wait_"))
}

func TestThePageTellsThatARunIsUnderWay(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	sync := s.syncs(`{"id": "v1", "serial": "S1"}`)
	told := []string{}
	_, err := sync.Run(t.Context(), "mdm", syncer.RunOptions{Record: func(syncer.TestRecord) { told = s.metrics("running") }})
	require.NoError(t, err)
	require.Equal(t, []string{`running{integration="mdm"} 1`}, told)
	require.Equal(t, []string{`running{integration="mdm"} 0`}, s.metrics("running"))
}

func TestWaitsAreCountedInSeconds(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.metrics()
	waits, err := s.page.MeterProvider().Meter("any").Float64Counter("vendorsync.wait.time")
	require.NoError(t, err)
	require.True(t, waits.Enabled(t.Context()))
	waits.Add(t.Context(), 1.5)
	waits.Add(t.Context(), 2)
	waits.Add(t.Context(), -1) // no counter goes down
	require.Equal(t, []string{`wait_seconds_total{integration=""} 3.5`}, s.metrics("wait"))
}

func TestInstrumentsOfOthersAreDropped(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.metrics()
	before := series(serve(t, s.page))
	m := s.page.MeterProvider().Meter("other")
	counter, err := m.Int64Counter("http.requests")
	require.NoError(t, err)
	counter.Add(t.Context(), 1)
	floats, err := m.Float64Counter("http.time")
	require.NoError(t, err)
	floats.Add(t.Context(), 1)
	active, err := m.Int64UpDownCounter("http.active")
	require.NoError(t, err)
	active.Add(t.Context(), 1)
	duration, err := m.Float64Histogram("http.duration")
	require.NoError(t, err)
	duration.Record(t.Context(), 1)
	gauge, err := m.Float64Gauge("http.gauge")
	require.NoError(t, err)
	gauge.Record(t.Context(), 1)
	_, err = m.RegisterCallback(func(context.Context, metric.Observer) error { return nil })
	require.NoError(t, err)
	require.Equal(t, before, series(serve(t, s.page)))
}

// series returns the names on a page.
func series(page string) []string {
	names := []string{}
	for line := range strings.Lines(page) {
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			names = append(names, name)
		}
	}
	return names
}

func TestTheJournalOutlivesARestart(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		runs func(s *scene) (success time.Time) // zero for none
		last []string                           // status, as far as it is 1
	}{
		"no run at all": {
			func(*scene) time.Time { return time.Time{} }, []string{},
		},
		"a run that succeeded": {
			func(s *scene) time.Time { return s.ran("mdm", syncer.Succeeded, nil) }, []string{"succeeded"},
		},
		"one with problems is a success": {
			func(s *scene) time.Time { return s.ran("mdm", syncer.WithProblems, nil) }, []string{"succeeded_with_problems"},
		},
		"an empty one is none": {
			func(s *scene) time.Time {
				at := s.ran("mdm", syncer.Succeeded, nil)
				s.ran("mdm", syncer.Empty, nil)
				return at
			}, []string{"empty"},
		},
		"a success before many failures is found": {
			func(s *scene) time.Time {
				at := s.ran("mdm", syncer.Succeeded, nil)
				for range 150 {
					s.ran("mdm", syncer.Failed, nil)
				}
				return at
			}, []string{"failed"},
		},
		"failures alone": {
			func(s *scene) time.Time {
				for range 9 {
					s.ran("mdm", syncer.Failed, nil)
				}
				return time.Time{}
			}, []string{"failed"},
		},
		"a run under way does not count yet": {
			func(s *scene) time.Time {
				at := s.ran("mdm", syncer.Succeeded, nil)
				s.ran("mdm", syncer.Interrupted, nil)
				s.ran("mdm", syncer.Running, nil)
				return at
			}, []string{"interrupted"},
		},
		"nor does a revert": {
			func(s *scene) time.Time {
				at := s.ran("mdm", syncer.Succeeded, nil)
				s.ran("mdm", syncer.Cancelled, nil)
				s.ran("mdm", syncer.Succeeded, func(r *syncer.Run) { r.Reverts, r.Trigger = "x", "revert" })
				return at
			}, []string{"cancelled"},
		},
		"nor a test run, nor a run of another integration": {
			func(s *scene) time.Time {
				at := s.ran("mdm", syncer.Succeeded, nil)
				s.ran("mdm", syncer.Failed, func(r *syncer.Run) { r.Test = true })
				s.ran("mdm-2", syncer.Failed, nil)
				return at
			}, []string{"succeeded"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.keeps("mdm", syncer.Active)
			success := tc.runs(s)
			want := []string{}
			if !success.IsZero() {
				want = append(want, stamp("last_success_timestamp_seconds", "mdm", success))
			}
			for range 2 { // the second time from what is known
				require.Equal(t, want, s.metrics("last_success"))
				last := []string{}
				for _, line := range s.metrics("last_run_status") {
					if name, ok := strings.CutSuffix(line, `"} 1`); ok {
						last = append(last, name[strings.LastIndexByte(name, '"')+1:])
					}
				}
				require.Equal(t, tc.last, last)
				s.now = s.now.Add(time.Minute)
			}
		})
	}
}

func TestTheJournalIsReadNoFurtherThanNeeded(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.keeps("mdm", syncer.Active)
	asked := func() []int {
		s.journal.limits = nil
		s.now = s.now.Add(time.Minute)
		s.metrics()
		return s.journal.limits
	}
	require.Equal(t, []int{1}, asked(), "there is nothing")
	first := s.ran("mdm", syncer.Succeeded, nil)
	require.Equal(t, []int{1}, asked(), "the newest is a success")
	for range 6 {
		s.ran("mdm", syncer.Failed, nil)
	}
	require.Equal(t, []int{1, 4, 16}, asked(), "up to the one that was the newest")
	require.Equal(t, []int{1}, asked(), "nothing is new")
	require.Equal(t, []string{stamp("last_success_timestamp_seconds", "mdm", first)}, s.metrics("last_success"))
	s.ran("mdm", syncer.Failed, nil)
	require.Equal(t, []int{1, 4}, asked())
	require.Equal(t, []string{stamp("last_success_timestamp_seconds", "mdm", first)}, s.metrics("last_success"))

	// A run that was under way has ended.
	run := syncer.Run{ID: "long", Integration: "mdm", Status: syncer.Running, Started: noon}
	require.NoError(t, s.journal.SaveRun(t.Context(), run))
	asked()
	run.Status, run.Finished = syncer.Succeeded, noon.Add(time.Hour)
	require.NoError(t, s.journal.SaveRun(t.Context(), run))
	require.Equal(t, []int{1}, asked())
	require.Equal(t, []string{stamp("last_success_timestamp_seconds", "mdm", noon.Add(time.Hour))}, s.metrics("last_success"))
}

func TestWhatWasReadIsToldAgainForAWhile(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		maxAge, after time.Duration
		want          int64
	}{
		"for 5 seconds by default":       {0, 5*time.Second - 1, 1},
		"and no longer":                  {0, 5 * time.Second, 2},
		"or as long as the host says":    {time.Minute, 59 * time.Second, 1},
		"and no longer than that":        {time.Minute, time.Minute, 2},
		"unless the clock has gone back": {time.Minute, -time.Second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.opt.MaxAge = tc.maxAge
			s.metrics()
			s.now = s.now.Add(tc.after)
			s.metrics()
			require.Equal(t, tc.want, s.journal.asked.Load())
		})
	}
}

func TestAJournalOutOfReachIsTold(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.keeps("mdm", syncer.Active)
	at := s.ran("mdm", syncer.Succeeded, nil)
	var log strings.Builder
	s.opt.Logger = slog.New(slog.NewTextHandler(&log, nil))
	require.Equal(t, []string{"journal_up 1", stamp("last_success_timestamp_seconds", "mdm", at)}, s.metrics("journal_up", "last_success"))
	require.Empty(t, log.String())

	s.now = s.now.Add(time.Minute)
	s.journal.err = errors.New("the disk is full")
	require.Equal(t, []string{"journal_up 0"}, s.metrics("journal_up", "last_success", "integration_info"), "what is not known is not told")
	require.NotEmpty(t, s.metrics("runs_total"), "what this process counts is")
	require.Contains(t, log.String(), `error="list integrations: the disk is full"`)

	s.now = s.now.Add(time.Minute)
	s.journal.err, s.journal.limits = nil, nil
	require.Equal(t, []string{"journal_up 1", stamp("last_success_timestamp_seconds", "mdm", at)}, s.metrics("journal_up", "last_success"))
}

func TestAJournalThatHangsHoldsNobodyUpForLong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ timeout, want time.Duration }{
		"10 seconds by default":       {0, 10 * time.Second},
		"or as long as the host says": {time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t)
				s.opt.Now, s.opt.Timeout, s.journal.hangs = nil, tc.timeout, true
				start := time.Now()
				require.Equal(t, []string{"journal_up 0"}, s.metrics("journal_up"))
				require.Equal(t, tc.want, time.Since(start))
				require.Equal(t, []string{"journal_up 0"}, s.metrics("journal_up"))
				require.Equal(t, tc.want, time.Since(start), "what is known is told at once")
			})
		})
	}
}

func TestIntegrationsAreToldByTheirState(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for _, state := range []syncer.State{syncer.Draft, syncer.Active, syncer.Paused, syncer.Archived} {
		s.keeps(string(state), state)
		s.ran(string(state), syncer.Succeeded, nil)
	}
	s.opt.NextRun = func(_ context.Context, in syncer.Integration) (time.Time, error) {
		require.Equal(t, "active", in.ID, "no other runs")
		return noon.Add(time.Hour), nil
	}
	require.Equal(t, []string{
		`integration_info{connector="jamf",integration="active",name="All of active",state="active",stream="computers"} 1`,
		`integration_info{connector="jamf",integration="draft",name="All of draft",state="draft",stream="computers"} 1`,
		`integration_info{connector="jamf",integration="paused",name="All of paused",state="paused",stream="computers"} 1`,
		stamp("next_run_timestamp_seconds", "active", noon.Add(time.Hour)),
		`running{integration="active"} 0`,
	}, s.metrics("integration_info", "next_run", "running"))
	require.Len(t, s.metrics("last_success"), 3)
}

func TestWhatTheHostTells(t *testing.T) {
	t.Parallel()
	expires := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		change func(*prometheus.Options)
		want   []string
		log    string
	}{
		"nothing, if it is not asked": {
			func(*prometheus.Options) {}, []string{}, "",
		},
		"when credentials expire, those that do": {
			func(o *prometheus.Options) {
				o.Credentials = func(context.Context) ([]credentials.Entry, error) {
					return []credentials.Entry{entry("jamf", expires), entry("okta", time.Time{})}, nil
				}
			}, []string{fmt.Sprintf(`credential_expiry_timestamp_seconds{credential="jamf"} %s`, prom10(expires))}, "",
		},
		"those that can be read, if others are damaged": {
			func(o *prometheus.Options) {
				o.Credentials = func(context.Context) ([]credentials.Entry, error) {
					return []credentials.Entry{entry("jamf", expires)}, errors.New("okta is damaged")
				}
			}, []string{fmt.Sprintf(`credential_expiry_timestamp_seconds{credential="jamf"} %s`, prom10(expires))}, "okta is damaged",
		},
		"no next run where there is none": {
			func(o *prometheus.Options) {
				o.NextRun = func(context.Context, syncer.Integration) (time.Time, error) { return time.Time{}, nil }
			}, []string{}, "",
		},
		"nor where it is not known": {
			func(o *prometheus.Options) {
				o.NextRun = func(context.Context, syncer.Integration) (time.Time, error) {
					return noon, errors.New("no such time zone")
				}
			}, []string{}, "no such time zone",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.keeps("mdm", syncer.Active)
			var log strings.Builder
			s.opt.Logger = slog.New(slog.NewTextHandler(&log, nil))
			tc.change(&s.opt)
			require.Equal(t, tc.want, s.metrics("credential", "next"))
			require.Equal(t, tc.log != "", log.Len() > 0, log.String())
			require.Contains(t, log.String(), tc.log)
		})
	}
}

func entry(id string, expires time.Time) credentials.Entry {
	return credentials.Entry{ID: id, Details: credentials.Details{ExpiresAt: expires}}
}

func TestThePageHasWhatAnOperatorExpects(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	require.Len(t, s.metrics("build_info"), 1)
	names := series(serve(t, s.page))
	for _, want := range []string{"go_goroutines gauge\n", "go_memstats_heap_inuse_bytes gauge\n", "vendorsync_build_info gauge\n"} {
		require.Contains(t, names, want)
	}
}

func TestNamesThatAreNoTextAreTold(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	require.NoError(t, s.journal.SaveIntegration(t.Context(), syncer.Integration{ID: "mdm", Name: "\xff\"\n", State: syncer.Active}))
	require.Equal(t, []string{`integration_info{connector="",integration="mdm",name="` + "\uFFFD" + `\"\n",state="active",stream=""} 1`}, s.metrics("integration_info"))
}

func TestAnExporterIsACollectorWithoutFault(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.opt.Credentials = func(context.Context) ([]credentials.Entry, error) {
		return []credentials.Entry{entry("jamf", noon)}, nil
	}
	s.opt.NextRun = func(context.Context, syncer.Integration) (time.Time, error) { return noon, nil }
	sync := s.syncs(`{"id": "v1", "serial": "S1"}`)
	_, err := sync.Run(t.Context(), "mdm", syncer.RunOptions{})
	require.NoError(t, err)
	s.now = s.now.Add(time.Minute)
	registry := prom.NewPedanticRegistry()
	require.NoError(t, registry.Register(s.page))
	problems, err := testutil.GatherAndLint(registry)
	require.NoError(t, err)
	require.Empty(t, problems)
	families, err := registry.Gather()
	require.NoError(t, err)
	names := []string{}
	for _, f := range families {
		names = append(names, f.GetName())
		require.NotEmpty(t, f.GetHelp(), f.GetName())
	}
	require.True(t, slices.IsSorted(names))
	require.Len(t, names, 17, "all there are: %v", names)
}

func TestAnExporterNeedsAJournal(t *testing.T) {
	t.Parallel()
	_, err := prometheus.New(prometheus.Options{})
	require.EqualError(t, err, "new exporter of metrics: there is no Journal")
}

func TestManyAskWhileARunIsUnderWay(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	records := make([]string, 200)
	for i := range records {
		records[i] = fmt.Sprintf(`{"id": "v%d", "serial": "S%d"}`, i, i)
	}
	many := s.syncs(records...)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				serve(t, s.page)
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	_, err := many.Run(t.Context(), "mdm", syncer.RunOptions{})
	close(done)
	wg.Wait()
	require.NoError(t, err)
	require.Contains(t, s.metrics("records_total"), `records_total{integration="mdm",outcome="created"} 200`)
}
