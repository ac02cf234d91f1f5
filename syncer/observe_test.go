package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	nometrics "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// A watcher has all spans and metrics.
type watcher struct {
	testing.TB
	spans  *tracetest.SpanRecorder
	reader *sdkmetric.ManualReader
}

// watched gives a feed's runs a tracer and a meter.
func (f *feed) watched() *watcher {
	w := &watcher{TB: f.T, spans: tracetest.NewSpanRecorder(), reader: sdkmetric.NewManualReader()}
	f.opt.TracerProvider = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(w.spans))
	f.opt.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(w.reader))
	return w
}

// names returns the spans that have ended, each as often as there are, ordered
// by name.
func (w *watcher) names() []string {
	names := []string{}
	for _, s := range w.spans.Ended() {
		names = append(names, s.Name())
	}
	slices.Sort(names)
	return names
}

// run returns the span of the one run there was.
func (w *watcher) run() sdktrace.ReadOnlySpan {
	w.Helper()
	var found []sdktrace.ReadOnlySpan
	for _, s := range w.spans.Ended() {
		if s.Name() == "run mdm" {
			found = append(found, s)
		}
	}
	require.Len(w, found, 1)
	return found[0]
}

// attributesOf returns attributes as text, by key.
func attributesOf(attrs []attribute.KeyValue) map[string]string {
	m := map[string]string{}
	for _, a := range attrs {
		m[string(a.Key)] = a.Value.String()
	}
	return m
}

// metrics returns every point of every metric as a line, as in
// "vendorsync.runs{run} mdm/mdm succeeded 1"; of a histogram the number of
// values.
func (w *watcher) metrics() []string {
	w.Helper()
	var data metricdata.ResourceMetrics
	require.NoError(w, w.reader.Collect(context.Background(), &data))
	lines := []string{}
	for _, scope := range data.ScopeMetrics {
		require.Equal(w, "github.com/vendorsync/vendorsync/syncer", scope.Scope.Name)
		for _, m := range scope.Metrics {
			require.NotEmpty(w, m.Description, m.Name)
			line := func(set attribute.Set, value any) {
				attrs := attributesOf(set.ToSlice())
				parts := []string{m.Name + "[" + m.Unit + "]", attrs["vendorsync.integration.id"] + "/" + attrs["vendorsync.connector.id"]}
				for _, key := range []string{"vendorsync.run.status", "vendorsync.outcome", "vendorsync.step"} {
					if v, ok := attrs[key]; ok {
						parts = append(parts, v)
						delete(attrs, key)
					}
				}
				require.Len(w, attrs, 2, "metrics have no other attributes")
				lines = append(lines, strings.Join(append(parts, fmt.Sprint(value)), " "))
			}
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					line(p.Attributes, p.Value)
				}
			case metricdata.Sum[float64]:
				for _, p := range d.DataPoints {
					line(p.Attributes, p.Value)
				}
			case metricdata.Gauge[float64]:
				for _, p := range d.DataPoints {
					line(p.Attributes, fmt.Sprintf("%.3f", p.Value))
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					line(p.Attributes, p.Count)
				}
			default:
				require.Failf(w, "a metric of a kind that none should have", "%s: %T", m.Name, d)
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func TestARunIsASpanWithAChildPerPageAndBatch(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"that says what it is and what came of it": func(s *scene) {
			mdm := s.devices().sends(device(1), device(2), `{"id": "v3", "memory": "much"}`)
			w := mdm.watched()
			run, err := mdm.syncer().Run(s.Context(), "mdm", syncer.RunOptions{Trigger: "schedule"})
			require.NoError(s, err)
			span := w.run()
			require.Equal(s, map[string]string{
				"vendorsync.integration.id": "mdm", "vendorsync.connector.id": "mdm", "vendorsync.stream": "records", "vendorsync.object": "assets",
				"vendorsync.run.id": run.ID, "vendorsync.run.trigger": "schedule", "vendorsync.run.test": "false",
				"vendorsync.run.resumed": "0", "vendorsync.run.restarts": "0", "vendorsync.run.status": "succeeded_with_problems", "vendorsync.run.problems": "1",
				"vendorsync.run.spans_left_out": "0", "vendorsync.records": "3",
				"vendorsync.records.filtered": "0", "vendorsync.records.created": "2", "vendorsync.records.updated": "0",
				"vendorsync.records.unchanged": "0", "vendorsync.records.skipped": "0", "vendorsync.records.failed": "1",
			}, attributesOf(span.Attributes()))
			require.Equal(s, codes.Unset, span.Status().Code)
			require.Equal(s, "github.com/vendorsync/vendorsync/syncer", span.InstrumentationScope().Name)
		},
		"below the span of its host, with what a transport or a store records below": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(5, device)...)
			w := mdm.watched()
			tracer := mdm.opt.TracerProvider.Tracer("host")
			m := s.meddles()
			m.match = func(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
				_, span := tracer.Start(ctx, "match")
				defer span.End()
				return m.Store.Match(ctx, q)
			}
			m.apply = func(ctx context.Context, b *syncer.Batch) error {
				_, span := tracer.Start(ctx, "apply")
				defer span.End()
				return m.Store.Apply(ctx, b)
			}
			mdm.opt.MatchCache = -1
			ctx, host := tracer.Start(s.Context(), "host")
			_, err := mdm.syncer().Run(ctx, "mdm", syncer.RunOptions{})
			require.NoError(s, err)
			host.End()
			byID := map[trace.SpanID]string{}
			for _, span := range w.spans.Ended() {
				byID[span.SpanContext().SpanID()] = span.Name()
			}
			parents := map[string]map[string]int{}
			for _, span := range w.spans.Ended() {
				if parents[span.Name()] == nil {
					parents[span.Name()] = map[string]int{}
				}
				parents[span.Name()][byID[span.Parent().SpanID()]]++
			}
			matches := parents["match"]
			delete(parents, "match")
			require.Equal(s, map[string]map[string]int{
				"host": {"": 1}, "run mdm": {"host": 1},
				"fetch page": {"run mdm": 3}, "decide batch": {"run mdm": 3}, "apply batch": {"run mdm": 3},
				"apply": {"apply batch": 3, "run mdm": 1}, // the one more gives the lease back
			}, parents)
			require.Contains(s, matches, "decide batch")
		},
		"whose children say how many records they hold": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(3, device)...)
			w := mdm.watched()
			mdm.run()
			held := map[string][]string{}
			for _, span := range w.spans.Ended() {
				held[span.Name()] = append(held[span.Name()], attributesOf(span.Attributes())["vendorsync.records"])
			}
			require.Equal(s, map[string][]string{"fetch page": {"2", "1"}, "decide batch": {"2", "1"}, "apply batch": {"2", "1"}, "run mdm": {"3"}}, held)
		},
		"a test run too, which applies nothing": func(s *scene) {
			mdm := s.drafted(assets("mdm")).sendsPages(2, numbered(3, device)...)
			w := mdm.watched()
			mdm.test(syncer.TestOptions{Sample: -1})
			require.Equal(s, []string{"decide batch", "decide batch", "fetch page", "fetch page", "run mdm"}, w.names())
			require.Equal(s, "true", attributesOf(w.run().Attributes())["vendorsync.run.test"])
			require.Empty(s, w.metrics(), "it is no run in the metrics")
		},
		"however long it is, with no more than 1,000 children of a kind": func(s *scene) {
			mdm := s.devices().sendsPages(1, numbered(1003, device)...)
			w := mdm.watched()
			mdm.run()
			require.Len(s, w.names(), 3001)
			require.Equal(s, "9", attributesOf(w.run().Attributes())["vendorsync.run.spans_left_out"])
			require.Contains(s, w.metrics(), "vendorsync.step.duration[s] mdm/mdm apply 1003", "metrics count all")
		},
		"unless there is nobody to run": func(s *scene) {
			mdm := s.drafted(assets("mdm"))
			w := mdm.watched()
			_, err := mdm.syncer().Run(s.Context(), "mdm", syncer.RunOptions{})
			require.Error(s, err)
			require.Empty(s, w.names())
			require.Empty(s, w.metrics())
		},
	})
}

func TestASpanTellsAnErrorByItsClass(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-of-ada@example.com"
	for name, tc := range map[string]struct {
		prepare func(s *scene, mdm *feed)
		failed  map[string]string // class by name of span
	}{
		"of the vendor, in the page and in the run": {
			func(_ *scene, mdm *feed) {
				mdm.scripts(map[int]connectortest.Step{1: {Err: connector.Errorf(connector.ErrAuth, "read "+secret, "%s", secret)}})
			},
			map[string]string{"fetch page": "auth", "run mdm": "auth"},
		},
		"of the store, in the batch and in the run": {
			func(s *scene, _ *feed) {
				m := s.meddles()
				m.apply = func(ctx context.Context, b *syncer.Batch) error {
					if b.Seq == 2 {
						return errors.New("cannot write " + secret)
					}
					return m.Store.Apply(ctx, b)
				}
			},
			map[string]string{"apply batch": "internal", "run mdm": "internal"},
		},
		"of a look-up, in the decision and in the run": {
			func(s *scene, mdm *feed) {
				mdm.opt.MatchCache = -1
				m := s.meddles()
				m.match = func(context.Context, syncer.Query) ([][]syncer.Hit, error) {
					return nil, connector.Errorf(connector.ErrUnsupported, "match", "%s", secret)
				}
			},
			map[string]string{"decide batch": "unsupported", "run mdm": "unsupported"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.devices().sendsPages(2, numbered(6, device)...)
			tc.prepare(s, mdm)
			w := mdm.watched()
			_, err := mdm.fails()
			require.ErrorContains(t, err, secret)
			failed := map[string]string{}
			for _, span := range w.spans.Ended() {
				if span.Status().Code == codes.Error {
					failed[span.Name()] = span.Status().Description
					require.Equal(t, span.Status().Description, attributesOf(span.Attributes())["error.type"])
				}
				require.NotContains(t, fmt.Sprint(span), secret)
				require.NotContains(t, fmt.Sprint(span.Attributes(), span.Events(), span.Status()), secret)
			}
			require.Equal(t, tc.failed, failed)
			require.NotContains(t, fmt.Sprint(w.metrics()), secret)
		})
	}
}

func TestARunThatIsEndedByAPersonIsNoError(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mdm := s.devices().sendsPages(2, numbered(6, device)...)
	w := mdm.watched()
	mdm.interruptedAfter(1)
	span := w.run()
	require.Equal(t, codes.Unset, span.Status().Code)
	require.Equal(t, "interrupted", attributesOf(span.Attributes())["vendorsync.run.status"])
}

func TestMetricsOfRuns(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"count runs, records and steps": func(s *scene) {
			mdm := s.devices().sendsPages(2, device(1), device(2), device(3), `{"id": "v4", "memory": "much"}`, `{"id": "v5"}`)
			mdm.opt.Now = func() time.Time { return time.Date(2030, 1, 1, 0, 0, 0, 250e6, time.UTC) }
			w := mdm.watched()
			mdm.run()
			mdm.run()
			require.Equal(s, []string{
				"vendorsync.records[{record}] mdm/mdm created 3",
				"vendorsync.records[{record}] mdm/mdm failed 2",
				"vendorsync.records[{record}] mdm/mdm skipped 2",
				"vendorsync.records[{record}] mdm/mdm unchanged 3",
				"vendorsync.run.active[{run}] mdm/mdm 0",
				"vendorsync.run.duration[s] mdm/mdm succeeded_with_problems 2",
				"vendorsync.run.last_success[s] mdm/mdm 1893456000.250",
				"vendorsync.runs[{run}] mdm/mdm succeeded_with_problems 2",
				"vendorsync.step.duration[s] mdm/mdm apply 6",
				"vendorsync.step.duration[s] mdm/mdm decide 6",
				"vendorsync.step.duration[s] mdm/mdm fetch 6",
			}, w.metrics())
		},
		"count the records of a resumed run once": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(6, device)...)
			w := mdm.watched()
			mdm.interruptedAfter(2)
			require.Contains(s, w.metrics(), "vendorsync.records[{record}] mdm/mdm created 4")
			s.expect(mdm.run(), "created 6")
			lines := w.metrics()
			require.Contains(s, lines, "vendorsync.records[{record}] mdm/mdm created 6")
			require.Contains(s, lines, "vendorsync.runs[{run}] mdm/mdm interrupted 1")
			require.Contains(s, lines, "vendorsync.runs[{run}] mdm/mdm succeeded 1")
		},
		"count what is committed as soon as it is": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(6, device)...)
			w := mdm.watched()
			seen := [][]string{}
			mdm.opt.Progress = func(syncer.Progress) {
				seen = append(seen, slices.DeleteFunc(w.metrics(), func(l string) bool {
					return !strings.HasPrefix(l, "vendorsync.records") && !strings.HasPrefix(l, "vendorsync.run.active")
				}))
			}
			mdm.run()
			const active = "vendorsync.run.active[{run}] mdm/mdm 1"
			require.Equal(s, [][]string{
				{active},
				{"vendorsync.records[{record}] mdm/mdm created 2", active},
				{"vendorsync.records[{record}] mdm/mdm created 4", active},
				{"vendorsync.records[{record}] mdm/mdm created 6", active},
				{"vendorsync.records[{record}] mdm/mdm created 6", active},
			}, seen)
		},
		"know no success of a run that failed": func(s *scene) {
			mdm := s.devices().sends(device(1))
			mdm.fake.OpenErr = connector.Errorf(connector.ErrAuth, "open", "no")
			w := mdm.watched()
			_, err := mdm.fails()
			require.Error(s, err)
			require.Equal(s, []string{
				"vendorsync.run.active[{run}] mdm/mdm 0",
				"vendorsync.run.duration[s] mdm/mdm failed 1",
				"vendorsync.runs[{run}] mdm/mdm failed 1",
			}, w.metrics())
		},
	})
}

// patient is a vendor that has its caller wait before each page.
type patient struct{ connector.Connector }

func (w patient) Open(ctx context.Context, cfg connector.Config) (connector.Source, error) {
	src, err := w.Connector.Open(ctx, cfg)
	return patientSource{src}, err
}

type patientSource struct{ connector.Source }

func (s patientSource) Read(ctx context.Context, req connector.Request) iter.Seq2[connector.Page, error] {
	connector.ReportWait(ctx, connector.Wait{For: 90 * time.Second, Reason: "rate limit"})
	return s.Source.Read(ctx, req)
}

func TestWaitsAreEventsAndCounted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		run    func(mdm *feed) (syncer.Run, error)
		events []string
		total  string
	}{
		"that the source tells of": {
			func(mdm *feed) (syncer.Run, error) {
				return mdm.syncerOf(patient{mdm.fake}).Run(mdm.Context(), "mdm", syncer.RunOptions{})
			},
			[]string{"wait rate limit 90"},
			"90",
		},
		"that the vendor asks for when it fails": {
			func(mdm *feed) (syncer.Run, error) {
				mdm.scripts(map[int]connectortest.Step{0: {Times: 1, Err: &connector.Error{Class: connector.ErrRateLimited, Op: "read", RetryAfter: 5 * time.Minute}}})
				return mdm.syncer().Run(mdm.Context(), "mdm", syncer.RunOptions{})
			},
			[]string{"restart rate_limited", "wait vendor's limit 300"},
			"300",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t)
				mdm := s.devices().sends(device(1))
				w := mdm.watched()
				run, err := tc.run(mdm)
				require.NoError(t, err)
				events := []string{}
				for _, e := range w.run().Events() {
					attrs := attributesOf(e.Attributes)
					parts := []string{e.Name, attrs["error.type"], attrs["vendorsync.wait.reason"], attrs["vendorsync.wait.seconds"]}
					events = append(events, strings.Join(strings.Fields(strings.Join(parts, " ")), " "))
				}
				require.Equal(t, tc.events, events)
				require.Contains(t, w.metrics(), "vendorsync.wait.time[s] mdm/mdm "+tc.total)
				require.Equal(t, tc.total, fmt.Sprint(run.Waited.Seconds()))
			})
		})
	}
}

// brokenMeters has no counter for anybody.
type brokenMeters struct{ nometrics.MeterProvider }

func (brokenMeters) Meter(string, ...metric.MeterOption) metric.Meter { return brokenMeter{} }

type brokenMeter struct{ nometrics.Meter }

func (brokenMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errors.New("no more counters")
}

func TestAMeterThatRefusesIsAnErrorOfNew(t *testing.T) {
	t.Parallel()
	_, err := syncer.New(memory.New(memory.Options{}), syncer.Options{MeterProvider: brokenMeters{}})
	require.ErrorContains(t, err, "new syncer: make the metrics: no more counters")
}

// BenchmarkRun makes full runs over 20,000 records of which none has changed,
// with nobody who looks at them and with spans and metrics.
func BenchmarkRun(b *testing.B) {
	const records = 20_000
	for name, opt := range map[string]syncer.Options{
		"unobserved": {},
		"observed": {
			TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(tracetest.NewSpanRecorder())),
			MeterProvider:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())),
		},
	} {
		b.Run(name, func(b *testing.B) {
			fake := &connectortest.Fake{ID: "mdm", Count: records, PageSize: 500, Generate: func(i int) connector.Record { return connector.Record(device(i)) }}
			registry, err := connector.NewRegistry(fake)
			require.NoError(b, err)
			opt.Registry = registry
			s, err := syncer.New(memory.New(memory.Options{}), opt)
			require.NoError(b, err)
			_, err = s.Save(b.Context(), assets("mdm"), "editor@example.com")
			require.NoError(b, err)
			require.NoError(b, s.Launch(b.Context(), "mdm", "editor@example.com"))
			_, err = s.Run(b.Context(), "mdm", syncer.RunOptions{})
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Run(b.Context(), "mdm", syncer.RunOptions{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(records*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
