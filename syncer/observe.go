package syncer

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	nometrics "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	nospans "go.opentelemetry.io/otel/trace/noop"

	"github.com/vendorsync/vendorsync/connector"
)

// scope is the instrumentation scope of all spans and metrics.
const scope = "github.com/vendorsync/vendorsync/syncer"

// The attributes of spans and metrics.
const (
	attrIntegration = attribute.Key("vendorsync.integration.id")
	attrConnector   = attribute.Key("vendorsync.connector.id")
	attrStream      = attribute.Key("vendorsync.stream")
	attrObject      = attribute.Key("vendorsync.object")
	attrRun         = attribute.Key("vendorsync.run.id")
	attrTrigger     = attribute.Key("vendorsync.run.trigger")
	attrTest        = attribute.Key("vendorsync.run.test")
	attrResumed     = attribute.Key("vendorsync.run.resumed")
	attrRestarts    = attribute.Key("vendorsync.run.restarts")
	attrStatus      = attribute.Key("vendorsync.run.status")
	attrProblems    = attribute.Key("vendorsync.run.problems")
	attrLeftOut     = attribute.Key("vendorsync.run.spans_left_out")
	attrOutcome     = attribute.Key("vendorsync.outcome")
	attrStep        = attribute.Key("vendorsync.step")
	attrRecords     = attribute.Key("vendorsync.records")
	attrBatch       = attribute.Key("vendorsync.batch")
	attrReason      = attribute.Key("vendorsync.wait.reason")
	attrSeconds     = attribute.Key("vendorsync.wait.seconds")
	attrErrorType   = attribute.Key("error.type")
)

// A step is what a run spends its time on.
type step int

const (
	stepFetch  step = iota // a page
	stepDecide             // a batch
	stepApply              // a batch
	steps
)

func (s step) String() string { return [steps]string{"fetch", "decide", "apply"}[s] }

// spanName returns the name of a step's span.
func (s step) spanName() string { return [steps]string{"fetch page", "decide batch", "apply batch"}[s] }

// maxSpans is how many spans of each step a run records, so that the trace of a
// run over millions of records can still be looked at.
const maxSpans = 1000

// outcomes are the parts of a run's counts, by what they are called in metrics.
var outcomes = [...]struct {
	action Action
	of     func(Counts) int64
}{
	{ActionFiltered, func(c Counts) int64 { return c.Filtered }},
	{ActionCreated, func(c Counts) int64 { return c.Created }},
	{ActionUpdated, func(c Counts) int64 { return c.Updated }},
	{ActionUnchanged, func(c Counts) int64 { return c.Unchanged }},
	{ActionSkipped, func(c Counts) int64 { return c.Skipped }},
	{ActionFailed, func(c Counts) int64 { return c.Failed }},
}

// A telemetry is where a Syncer's spans and metrics go.
type telemetry struct {
	tracer trace.Tracer
	full   *instruments
	test   *instruments // a test run writes nothing and is not counted
}

// newTelemetry takes nil providers for ones that drop everything.
func newTelemetry(spans trace.TracerProvider, metrics metric.MeterProvider) (*telemetry, error) {
	if spans == nil {
		spans = nospans.NewTracerProvider()
	}
	if metrics == nil {
		metrics = nometrics.NewMeterProvider()
	}
	full, err := newInstruments(metrics.Meter(scope))
	if err != nil {
		return nil, fmt.Errorf("make the metrics: %w", err)
	}
	test, err := newInstruments(nometrics.Meter{})
	if err != nil {
		return nil, fmt.Errorf("make the metrics: %w", err)
	}
	return &telemetry{tracer: spans.Tracer(scope), full: full, test: test}, nil
}

// instruments are the metrics of runs.
type instruments struct {
	runs        metric.Int64Counter
	duration    metric.Float64Histogram
	active      metric.Int64UpDownCounter
	lastSuccess metric.Float64Gauge
	records     metric.Int64Counter
	waits       metric.Float64Counter
	steps       metric.Float64Histogram
}

// runBuckets and stepBuckets are the bounds of histograms, in seconds.
var (
	runBuckets  = []float64{1, 5, 15, 60, 5 * 60, 15 * 60, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 24 * 3600}
	stepBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
)

func newInstruments(m metric.Meter) (*instruments, error) {
	var (
		ins  instruments
		errs [7]error
	)
	ins.runs, errs[0] = m.Int64Counter("vendorsync.runs", metric.WithUnit("{run}"),
		metric.WithDescription("Full runs that ended or were interrupted, by status."))
	ins.duration, errs[1] = m.Float64Histogram("vendorsync.run.duration", metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(runBuckets...),
		metric.WithDescription("How long full runs took, or their part in this process if they were resumed."))
	ins.active, errs[2] = m.Int64UpDownCounter("vendorsync.run.active", metric.WithUnit("{run}"),
		metric.WithDescription("Full runs that this process is making."))
	ins.lastSuccess, errs[3] = m.Float64Gauge("vendorsync.run.last_success", metric.WithUnit("s"),
		metric.WithDescription("When the last full run of this process that succeeded ended, as Unix time."))
	ins.records, errs[4] = m.Int64Counter("vendorsync.records", metric.WithUnit("{record}"),
		metric.WithDescription("Records that full runs have read, by what became of them."))
	ins.waits, errs[5] = m.Float64Counter("vendorsync.wait.time", metric.WithUnit("s"),
		metric.WithDescription("Time that full runs have waited for the vendor's limits, counted when a wait begins; requests in parallel wait each."))
	ins.steps, errs[6] = m.Float64Histogram("vendorsync.step.duration", metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(stepBuckets...),
		metric.WithDescription("How long the steps of full runs took: to fetch a page, to decide a batch, to apply a batch to the store."))
	return &ins, errors.Join(errs[:]...)
}

// An observation is what is told of one run: a span with children, and metrics.
// It costs something per page and per batch, and nothing per record. It measures
// by the process's own clock, as spans do, and not by Options.Now. Its methods are
// safe for concurrent use, but for progress and end.
type observation struct {
	*instruments
	tracer    trace.Tracer
	span      trace.Span
	began     time.Time
	told      Counts // in metrics
	spans     [steps]atomic.Int64
	common    attribute.Set
	all       metric.MeasurementOption
	byStep    [steps]metric.MeasurementOption
	byOutcome [len(outcomes)]metric.MeasurementOption
}

// observed begins to observe the run. The context it returns is that of the run's
// span, so that what a transport or a store records goes below it.
func (r *session) observed(ctx context.Context) context.Context {
	run := &r.state.Run
	o := &observation{instruments: r.s.telemetry.full, tracer: r.s.telemetry.tracer, began: time.Now(), told: run.Counts}
	if run.Test {
		o.instruments = r.s.telemetry.test
	}
	common := []attribute.KeyValue{attrIntegration.String(r.in.ID), attrConnector.String(r.in.Connector)}
	o.all = attributes(common)
	for s := range steps {
		o.byStep[s] = attributes(common, attrStep.String(s.String()))
	}
	for i, out := range outcomes {
		o.byOutcome[i] = attributes(common, attrOutcome.String(string(out.action)))
	}
	o.common = attribute.NewSet(common...)
	ctx, o.span = o.tracer.Start(ctx, "run "+r.in.ID, trace.WithAttributes(common...), trace.WithAttributes(
		attrStream.String(r.in.Stream), attrObject.String(r.in.Mapping.Object), attrRun.String(run.ID),
		attrTrigger.String(run.Trigger), attrTest.Bool(run.Test), attrResumed.Int(run.Resumed),
	))
	o.active.Add(ctx, 1, o.all)
	r.watch = o
	return ctx
}

// attributes returns attributes in the form that costs the least to give again
// and again.
func attributes(common []attribute.KeyValue, more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(common[:len(common):len(common)], more...)...))
}

// begin begins a step that is ended by the function it returns.
func (o *observation) begin(ctx context.Context, s step, attrs ...attribute.KeyValue) (context.Context, func(err error, attrs ...attribute.KeyValue)) {
	began := time.Now()
	ctx, span := o.start(ctx, s, trace.WithAttributes(attrs...))
	return ctx, func(err error, attrs ...attribute.KeyValue) {
		o.steps.Record(ctx, time.Since(began).Seconds(), o.byStep[s])
		span.SetAttributes(attrs...)
		fail(span, err)
		span.End()
	}
}

// fetched tells of a page that has come, or of the error in its place. began is
// when the source was asked for it.
func (o *observation) fetched(ctx context.Context, began time.Time, page connector.Page, err error) {
	o.steps.Record(ctx, time.Since(began).Seconds(), o.byStep[stepFetch])
	_, span := o.start(ctx, stepFetch, trace.WithTimestamp(began), trace.WithAttributes(attrRecords.Int(len(page.Records)+len(page.Faults))))
	fail(span, err)
	span.End()
}

// start starts a span, unless the run has many of that step already.
func (o *observation) start(ctx context.Context, s step, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	if o.spans[s].Add(1) > maxSpans {
		return ctx, nospans.Span{}
	}
	return o.tracer.Start(ctx, s.spanName(), opts...)
}

// wait tells of a wait that is about to begin.
func (o *observation) wait(ctx context.Context, w connector.Wait) {
	o.waits.Add(ctx, w.For.Seconds(), o.all)
	if o.span.IsRecording() {
		o.span.AddEvent("wait", trace.WithAttributes(attrReason.String(w.Reason), attrSeconds.Float64(w.For.Seconds())))
	}
}

// restart tells that the run opens a new source after a failure.
func (o *observation) restart(err error) {
	if o.span.IsRecording() {
		o.span.AddEvent("restart", trace.WithAttributes(attrErrorType.String(string(connector.ClassOf(err)))))
	}
}

// progress tells what became of the records since it was last called.
func (o *observation) progress(ctx context.Context, now Counts) {
	for i, out := range outcomes {
		if n := out.of(now) - out.of(o.told); n > 0 {
			o.records.Add(ctx, n, o.byOutcome[i])
		}
	}
	o.told = now
}

// end tells what came of the run. An error is told by its class: its text may
// hold what the vendor has said.
func (o *observation) end(ctx context.Context, run Run, err error) {
	ctx = context.WithoutCancel(ctx)
	o.progress(ctx, run.Counts)
	status := attributes(o.common.ToSlice(), attrStatus.String(string(run.Status)))
	o.active.Add(ctx, -1, o.all)
	o.runs.Add(ctx, 1, status)
	o.duration.Record(ctx, time.Since(o.began).Seconds(), status)
	if run.Status == Succeeded || run.Status == WithProblems {
		o.lastSuccess.Record(ctx, float64(run.Finished.UnixMilli())/1000, o.all)
	}
	if o.span.IsRecording() {
		o.span.SetAttributes(attrStatus.String(string(run.Status)), attrProblems.Int64(run.ProblemCount), attrRestarts.Int(run.Restarts), attrRecords.Int64(run.Counts.Fetched), attrLeftOut.Int64(o.leftOut()))
		for _, out := range outcomes {
			o.span.SetAttributes(attribute.Int64(string(attrRecords)+"."+string(out.action), out.of(run.Counts)))
		}
	}
	if run.Status != Cancelled && run.Status != Interrupted { // somebody wanted those
		fail(o.span, err)
	}
	o.span.End()
}

// leftOut is how many spans were not recorded.
func (o *observation) leftOut() (n int64) {
	for s := range steps {
		n += max(0, o.spans[s].Load()-maxSpans)
	}
	return n
}

// fail marks a span as failed by the class of err, if it is one.
func fail(span trace.Span, err error) {
	if err == nil {
		return
	}
	class := string(connector.ClassOf(err))
	span.SetAttributes(attrErrorType.String(class))
	span.SetStatus(codes.Error, class)
}
