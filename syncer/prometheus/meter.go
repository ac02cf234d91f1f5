package prometheus

import (
	"context"

	prom "github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// The attributes that become labels, see package syncer. A label integration
// comes first everywhere.
var (
	integrationOnly = []attribute.Key{"vendorsync.integration.id"}
	withStatus      = append(integrationOnly[:1:1], "vendorsync.run.status")
	withOutcome     = append(integrationOnly[:1:1], "vendorsync.outcome")
	withStep        = append(integrationOnly[:1:1], "vendorsync.step")
)

// A provider has one meter for all.
type provider struct {
	noop.MeterProvider
	meters *meters
}

// Meter returns the meter.
func (p provider) Meter(string, ...metric.MeterOption) metric.Meter { return p.meters }

// meters are the metrics of this process. It is the OpenTelemetry meter of
// package syncer: an instrument of another name drops what it is given.
type meters struct {
	noop.Meter

	runs, records, waits *prom.CounterVec
	running              *prom.GaugeVec
	durations, steps     *prom.HistogramVec
}

func newMeters() *meters {
	runBuckets := []float64{1, 5, 15, 60, 5 * 60, 15 * 60, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 24 * 3600}
	return &meters{
		runs: prom.NewCounterVec(prom.CounterOpts{
			Name: "vendorsync_runs_total", Help: "Full runs of this process that ended or were interrupted, by status.",
		}, []string{"integration", "status"}),
		records: prom.NewCounterVec(prom.CounterOpts{
			Name: "vendorsync_records_total", Help: "Records that full runs of this process have read, by what became of them.",
		}, []string{"integration", "outcome"}),
		waits: prom.NewCounterVec(prom.CounterOpts{
			Name: "vendorsync_wait_seconds_total", Help: "Time that full runs of this process have waited for the vendor's limits, counted when a wait begins.",
		}, []string{"integration"}),
		running: prom.NewGaugeVec(prom.GaugeOpts{
			Name: "vendorsync_running", Help: "Full runs that this process is making: 1 or 0.",
		}, []string{"integration"}),
		durations: prom.NewHistogramVec(prom.HistogramOpts{
			Name: "vendorsync_run_duration_seconds", Help: "How long full runs took, or their part in this process if they were resumed.", Buckets: runBuckets,
		}, []string{"integration", "status"}),
		steps: prom.NewHistogramVec(prom.HistogramOpts{
			Name: "vendorsync_step_duration_seconds", Help: "How long the steps of full runs took: to fetch a page, to decide a batch, to apply a batch to the store.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"integration", "step"}),
	}
}

// collectors returns all metrics.
func (m *meters) collectors() []prom.Collector {
	return []prom.Collector{m.runs, m.records, m.waits, m.running, m.durations, m.steps}
}

// Int64Counter returns the counter of that name.
func (m *meters) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	switch name {
	case "vendorsync.runs":
		return intCounter{vec: m.runs, keys: withStatus}, nil
	case "vendorsync.records":
		return intCounter{vec: m.records, keys: withOutcome}, nil
	}
	return noop.Int64Counter{}, nil
}

// Float64Counter returns the counter of that name.
func (m *meters) Float64Counter(name string, _ ...metric.Float64CounterOption) (metric.Float64Counter, error) {
	if name == "vendorsync.wait.time" {
		return floatCounter{vec: m.waits}, nil
	}
	return noop.Float64Counter{}, nil
}

// Int64UpDownCounter returns the gauge of that name.
func (m *meters) Int64UpDownCounter(name string, _ ...metric.Int64UpDownCounterOption) (metric.Int64UpDownCounter, error) {
	if name == "vendorsync.run.active" {
		return upDownCounter{vec: m.running}, nil
	}
	return noop.Int64UpDownCounter{}, nil
}

// Float64Histogram returns the histogram of that name.
func (m *meters) Float64Histogram(name string, _ ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	switch name {
	case "vendorsync.run.duration":
		return histogram{vec: m.durations, keys: withStatus}, nil
	case "vendorsync.step.duration":
		return histogram{vec: m.steps, keys: withStep}, nil
	}
	return noop.Float64Histogram{}, nil
}

type intCounter struct {
	noop.Int64Counter
	vec  *prom.CounterVec
	keys []attribute.Key
}

func (c intCounter) Add(_ context.Context, n int64, opts ...metric.AddOption) {
	add(c.vec, float64(n), labels(metric.NewAddConfig(opts).Attributes(), c.keys))
}

func (c intCounter) Enabled(context.Context) bool { return true }

type floatCounter struct {
	noop.Float64Counter
	vec *prom.CounterVec
}

func (c floatCounter) Add(_ context.Context, n float64, opts ...metric.AddOption) {
	add(c.vec, n, labels(metric.NewAddConfig(opts).Attributes(), integrationOnly))
}

func (c floatCounter) Enabled(context.Context) bool { return true }

// add adds to one counter. What a counter cannot take is dropped, as
// OpenTelemetry has it.
func add(vec *prom.CounterVec, n float64, values []string) {
	if c, err := vec.GetMetricWithLabelValues(values...); err == nil && n >= 0 {
		c.Add(n)
	}
}

type upDownCounter struct {
	noop.Int64UpDownCounter
	vec *prom.GaugeVec
}

func (c upDownCounter) Add(_ context.Context, n int64, opts ...metric.AddOption) {
	if g, err := c.vec.GetMetricWithLabelValues(labels(metric.NewAddConfig(opts).Attributes(), integrationOnly)...); err == nil {
		g.Add(float64(n))
	}
}

func (c upDownCounter) Enabled(context.Context) bool { return true }

type histogram struct {
	noop.Float64Histogram
	vec  *prom.HistogramVec
	keys []attribute.Key
}

func (h histogram) Record(_ context.Context, v float64, opts ...metric.RecordOption) {
	if o, err := h.vec.GetMetricWithLabelValues(labels(metric.NewRecordConfig(opts).Attributes(), h.keys)...); err == nil {
		o.Observe(v)
	}
}

func (h histogram) Enabled(context.Context) bool { return true }

// labels returns the values of the given attributes, empty for one that is not
// there.
func labels(set attribute.Set, keys []attribute.Key) []string {
	values := make([]string, len(keys))
	for i, key := range keys {
		v, _ := set.Value(key)
		values[i] = v.AsString()
	}
	return values
}
