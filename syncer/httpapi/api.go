package httpapi

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/internal/excerpt"
	"github.com/vendorsync/vendorsync/schedule"
	"github.com/vendorsync/vendorsync/syncer"
)

// A Runner starts integrations; [schedule.Runner] is one. Its methods are safe for
// concurrent use, and return at once.
type Runner interface {
	// Trigger starts an integration as soon as there is room. Its error is
	// schedule.ErrBusy for one that runs, schedule.ErrUnknown for one that the
	// Runner has not heard of.
	Trigger(id string) error
	// Cancel stops an integration. Its error is schedule.ErrUnknown for one that
	// does not run here.
	Cancel(id string) error
	// Status returns what the Runner does now.
	Status() schedule.Status
}

var _ Runner = (*schedule.Runner)(nil)

// Options configure an API. Syncer and Runner are required.
type Options struct {
	// Syncer knows the integrations and their runs.
	Syncer *syncer.Syncer
	// Runner starts the Syncer's integrations.
	Runner Runner
	// Token is what clients must show: at least 16 printable ASCII characters, no
	// spaces. Empty means that none is asked for, which only loopback addresses
	// allow.
	Token credentials.Secret
	// Hosts are the names, without port, by which clients reach the API, beside
	// localhost and the loopback addresses. A request for any other is refused.
	// Empty means that with a Token any name will do, without one no other.
	Hosts []string
	// Metrics answers /metrics. Nil means that there are none.
	Metrics http.Handler
	// Ready says whether the store answers. Defaults to reading its schema.
	Ready func(ctx context.Context) error
	// Stale is how long after the Runner last asked for work the API is not ready
	// any more. It must be longer than the Runner's Poll. Defaults to 5 min.
	Stale time.Duration
	// Timeout bounds each request's work. Defaults to 10 s.
	Timeout time.Duration
	// MaxBody is how many bytes a request's body may have. Defaults to 4 KiB.
	MaxBody int64
	// Grace is how long Serve waits for requests under way when its context ends.
	// Defaults to 5 s.
	Grace time.Duration
	// Logger receives what was asked for: what changes something as Info, what
	// only reads as Debug, faults of the server as Error. Nil discards.
	Logger *slog.Logger
	// Now tells the time. Defaults to time.Now.
	Now func() time.Time
}

// An API is an [http.Handler] that answers the routes of this package. It is safe
// for concurrent use.
type API struct {
	opt     Options
	journal syncer.Journal
	token   [sha256.Size]byte // of Options.Token
	hosts   map[string]bool
	origin  *http.CrossOriginProtection
	mux     *http.ServeMux
	unready atomic.Value // string: why it was not ready when it was last asked
}

// New returns an API. The error is of class connector.ErrInvalid and names all
// that is wrong with opt.
func New(opt Options) (*API, error) {
	var errs []error
	if opt.Syncer == nil {
		errs = append(errs, errors.New("there is no Syncer"))
	}
	if opt.Runner == nil {
		errs = append(errs, errors.New("there is no Runner"))
	}
	errs = append(errs, checkToken(opt.Token))
	hosts, err := hostNames(opt.Hosts)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, connector.Errorf(connector.ErrInvalid, "make the HTTP API", "%w", err)
	}
	if opt.Ready == nil {
		opt.Ready = func(ctx context.Context) error {
			_, err := opt.Syncer.Store().Schema(ctx)
			return err
		}
	}
	opt.Stale = cmp.Or(opt.Stale, 5*time.Minute)
	opt.Timeout = cmp.Or(opt.Timeout, 10*time.Second)
	opt.MaxBody = cmp.Or(opt.MaxBody, 4<<10)
	opt.Grace = cmp.Or(opt.Grace, 5*time.Second)
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	a := &API{
		opt: opt, journal: opt.Syncer.Journal(), token: sha256.Sum256([]byte(opt.Token.Reveal())),
		hosts: hosts, origin: http.NewCrossOriginProtection(),
	}
	a.mux = a.routes()
	return a, nil
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), a.opt.Timeout)
	defer cancel()
	r = r.WithContext(ctx)
	watched := &watchedWriter{ResponseWriter: w}
	began := time.Now()
	defer func() {
		if p := recover(); p != nil {
			a.recovered(watched, r, p)
		}
		a.logRequest(watched, r, time.Since(began))
	}()
	secure(w.Header())
	if p := a.guard(r); p != nil {
		p.write(watched, r)
		return
	}
	a.mux.ServeHTTP(watched, r)
}

// recovered answers a request whose handler panicked with p.
func (a *API) recovered(w *watchedWriter, r *http.Request, p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p) // a handler's way to break the connection off
	}
	a.opt.Logger.ErrorContext(r.Context(), "A request made the HTTP API panic.",
		"method", r.Method, "path", excerpt.Of(r.URL.Path), "panic", p, "stack", string(debug.Stack()))
	if w.status != 0 { // half an answer must not pass for a whole one
		panic(http.ErrAbortHandler)
	}
	internalProblem().write(w, r)
}

// logRequest notes what was answered.
func (a *API) logRequest(w *watchedWriter, r *http.Request, took time.Duration) {
	level := slog.LevelDebug
	if r.Method == http.MethodPost {
		level = slog.LevelInfo
	}
	a.opt.Logger.Log(r.Context(), level, "The HTTP API was asked.",
		"method", excerpt.Of(r.Method), "path", excerpt.Of(r.URL.Path), "status", w.status, "took", took, "remote", r.RemoteAddr)
}

// A watchedWriter remembers the status of an answer.
type watchedWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader sends the header.
func (w *watchedWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (w *watchedWriter) Write(p []byte) (int, error) {
	w.status = cmp.Or(w.status, http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// Unwrap serves http.ResponseController.
func (w *watchedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
