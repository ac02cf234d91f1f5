package prometheus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/metric"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer"
)

// Options configure an Exporter. The zero value of every field but Journal
// works.
type Options struct {
	// Journal knows the integrations and their runs. It must be given.
	Journal syncer.Journal
	// Credentials returns the host's credentials, of which the page tells when they
	// expire; Entries of a [credentials.Vault] does. What it returns beside an error
	// counts. Nil tells of none.
	Credentials func(ctx context.Context) ([]credentials.Entry, error)
	// NextRun returns when an active integration is to run next; the zero time if
	// it is not. Nil tells of none.
	NextRun func(ctx context.Context, in syncer.Integration) (time.Time, error)
	// MaxAge is how long what was read from Journal, Credentials and NextRun is told
	// again. Defaults to 5 s.
	MaxAge time.Duration
	// Timeout bounds one such reading. Defaults to 10 s.
	Timeout time.Duration
	// Logger receives what could not be read. Nil discards.
	Logger *slog.Logger
	// Now tells the time. Defaults to time.Now.
	Now func() time.Time
}

// An Exporter is a page of metrics, and a Collector for a registry of the
// host's own. It is safe for concurrent use.
type Exporter struct {
	opt    Options
	meters *meters
	reader *reader
	page   http.Handler
}

var _ prom.Collector = (*Exporter)(nil)

// New returns an Exporter. It returns an error if there is no Journal.
func New(opt Options) (*Exporter, error) {
	if opt.Journal == nil {
		return nil, errors.New("new exporter of metrics: there is no Journal")
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	opt.MaxAge = cmp.Or(opt.MaxAge, 5*time.Second)
	opt.Timeout = cmp.Or(opt.Timeout, 10*time.Second)
	e := &Exporter{opt: opt, meters: newMeters(), reader: &reader{opt: opt}}
	registry := prom.NewRegistry()
	for _, c := range []prom.Collector{e, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("new exporter of metrics: %w", err)
		}
	}
	e.page = promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorLog: errorLog{opt.Logger}})
	return e, nil
}

// MeterProvider returns what goes into [syncer.Options]. Several Syncers may
// share it, as long as their integrations have different ids. It is made for
// their metrics alone: those of other packages are dropped.
func (e *Exporter) MeterProvider() metric.MeterProvider {
	return provider{meters: e.meters}
}

// ServeHTTP serves the page.
func (e *Exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.page.ServeHTTP(w, r) }

// Describe implements the Collector of Prometheus.
func (e *Exporter) Describe(ch chan<- *prom.Desc) {
	for _, c := range e.meters.collectors() {
		c.Describe(ch)
	}
	for _, d := range descriptions {
		ch <- d
	}
}

// Collect implements the Collector of Prometheus. It reads the Journal if that
// was last done longer ago than MaxAge.
func (e *Exporter) Collect(ch chan<- prom.Metric) {
	known := e.reader.read(context.Background())
	for _, s := range known.integrations {
		if s.in.State == syncer.Active {
			e.meters.begin(s.in.ID)
		}
	}
	for _, c := range e.meters.collectors() {
		c.Collect(ch)
	}
	known.collect(ch)
}

// begin starts the counters of an integration at zero.
func (m *meters) begin(integration string) {
	m.running.WithLabelValues(integration)
	m.waits.WithLabelValues(integration)
	for _, status := range statuses {
		m.runs.WithLabelValues(integration, string(status))
	}
	for _, o := range outcomesOf(syncer.Counts{}) {
		m.records.WithLabelValues(integration, string(o.action))
	}
}

// An errorLog takes what the page could not serve.
type errorLog struct{ log *slog.Logger }

// Println implements the logger of package promhttp.
func (l errorLog) Println(v ...any) { l.log.Error("serve metrics", "error", fmt.Sprint(v...)) }
