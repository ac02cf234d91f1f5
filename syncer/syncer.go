package syncer

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
)

// Options configure a Syncer. The zero value of every field but Registry works.
type Options struct {
	// Registry holds the connectors that integrations may name.
	Registry *connector.Registry
	// Journal keeps integrations and runs. Defaults to the store, if it is one.
	Journal Journal
	// Credentials returns the credential that an integration names, for the
	// connector and the hosts that its settings lead to; see [Keyring]. Nil means
	// that there are none.
	Credentials func(ctx context.Context, in Integration, b credentials.Binding) (credentials.Source, error)
	// Transport carries the connectors' HTTP requests. Nil means the connector's
	// default.
	Transport http.RoundTripper
	// Limiter returns what an integration is held back by, shared by all that use
	// one credential of one connector:
	//
	//	var limiters rest.Limiters
	//	opt.Limiter = func(in syncer.Integration) func(connector.RateLimit) connector.Limiter {
	//		return limiters.For(in.Connector, in.Credential)
	//	}
	//
	// Nil means that each run keeps the vendor's limits by itself.
	Limiter func(in Integration) func(connector.RateLimit) connector.Limiter
	// Dir is where relative paths in settings start. Defaults to the working
	// directory.
	Dir string
	// Logger receives what happened. Nil discards.
	Logger *slog.Logger
	// TracerProvider receives a span for each run and test run, and below it one
	// for each page and batch, see the package's documentation. Nil drops them.
	TracerProvider trace.TracerProvider
	// MeterProvider receives the metrics of full runs, see the package's
	// documentation. Nil drops them.
	MeterProvider metric.MeterProvider
	// Mappers replaces an integration's declared mapping by a host's own Mapper,
	// by integration id. The integration's Mapping still names object and sync
	// keys.
	Mappers map[string]mapping.Mapper
	// Filters keep a record if they return true, by integration id. Others count
	// as filtered.
	Filters map[string]func(connector.Record) bool
	// Progress is called after each batch, and at a run's start and end, from one
	// goroutine a run. It must return soon.
	Progress func(Progress)

	// BatchSize is how many records go into one transaction, more or less: a batch
	// ends at a page with a resume point. Defaults to 2,000.
	BatchSize int
	// Readahead is how many pages are fetched ahead. Defaults to 4.
	Readahead int
	// MaxRestarts is how often a run opens a new Source at the last committed
	// cursor after a failure that may pass. Defaults to 3; -1 for never.
	MaxRestarts int
	// RestartDelay is the pause before the first such restart, doubled each time.
	// Defaults to 1 s.
	RestartDelay time.Duration
	// MatchCache is how many links of an integration are held in memory, about 50
	// bytes each; with more, links are looked up batch by batch. Defaults to
	// 2,000,000; -1 for none.
	MatchCache int
	// MaxProblems is how many problems a run keeps; the rest are counted. Defaults
	// to 100.
	MaxProblems int
	// PayloadLimit is how many records of a test run go into the Journal. Defaults
	// to 10,000.
	PayloadLimit int
	// LeaseTTL is how long a run that says nothing keeps its lease. Defaults to
	// 1 min.
	LeaseTTL time.Duration
	// TimeLimit ends a run that takes longer. Defaults to 24 h.
	TimeLimit time.Duration
	// Overlap is how far before the start of the last read an incremental run
	// begins, for clocks that differ and vendors that are slow to list what has
	// changed. Defaults to 15 min; -1 for none.
	Overlap time.Duration
	// SpillDir holds the temporary files of very large runs. Defaults to
	// os.TempDir.
	SpillDir string
	// Now tells the time. Defaults to time.Now.
	Now func() time.Time
}

// A Syncer keeps a store in step with vendors. It owns all logic; what it knows
// is in its Store and Journal. It is safe for concurrent use; of one integration
// it makes one run at a time.
type Syncer struct {
	store     Store
	journal   Journal
	opt       Options
	log       *slog.Logger
	owner     string
	telemetry *telemetry
	saving    sync.Mutex // read-modify-write of integrations
	tokens    sync.Map   // *connector.Tokens by credential
}

// New returns a Syncer over store. It returns an error if neither Options nor
// the store give a Journal, or if a MeterProvider refuses a metric.
func New(store Store, opt Options) (*Syncer, error) {
	s := &Syncer{store: store, journal: opt.Journal, log: opt.Logger, owner: processOwner()}
	if s.journal == nil {
		j, ok := store.(Journal)
		if !ok {
			return nil, &connector.Error{Class: connector.ErrUnsupported, Op: "new syncer", Message: fmt.Sprintf("%T is no Journal", store), Remedy: "set Options.Journal"}
		}
		s.journal = j
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	opt.BatchSize = cmp.Or(opt.BatchSize, 2000)
	opt.Readahead = cmp.Or(opt.Readahead, 4)
	opt.MaxRestarts = cmp.Or(opt.MaxRestarts, 3)
	opt.RestartDelay = cmp.Or(opt.RestartDelay, time.Second)
	opt.MatchCache = cmp.Or(opt.MatchCache, 2_000_000)
	opt.MaxProblems = cmp.Or(opt.MaxProblems, 100)
	opt.PayloadLimit = cmp.Or(opt.PayloadLimit, 10_000)
	opt.LeaseTTL = cmp.Or(opt.LeaseTTL, time.Minute)
	opt.TimeLimit = cmp.Or(opt.TimeLimit, 24*time.Hour)
	opt.Overlap = max(0, cmp.Or(opt.Overlap, 15*time.Minute))
	if opt.Now == nil {
		opt.Now = time.Now
	}
	s.opt = opt
	var err error
	if s.telemetry, err = newTelemetry(opt.TracerProvider, opt.MeterProvider); err != nil {
		return nil, fmt.Errorf("new syncer: %w", err)
	}
	return s, nil
}

// Store returns the store that the Syncer writes to.
func (s *Syncer) Store() Store { return s.store }

// Journal returns the journal that the Syncer keeps.
func (s *Syncer) Journal() Journal { return s.journal }

// Registry returns the connectors that integrations may name.
func (s *Syncer) Registry() *connector.Registry { return s.opt.Registry }

func newID() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Save inserts or replaces an integration, on behalf of the person by. A new
// one is a draft. Saving one that exists keeps its state, its launch and its
// history of edits; a changed mapping, credential or other part is added to that
// history. What is missing does not hinder saving, see Missing; what is wrong
// in itself (an unknown policy, no id, FullEvery for a stream that is not
// Incremental) does.
func (s *Syncer) Save(ctx context.Context, in Integration, by string) (Integration, error) {
	s.saving.Lock()
	defer s.saving.Unlock()
	if err := in.validate(); err != nil {
		return Integration{}, fmt.Errorf("save integration %q: %w", in.ID, err)
	}
	if in.FullEvery > 0 {
		if err := s.readable(in, ReadChanged); err != nil {
			return Integration{}, fmt.Errorf("save integration %q: full_every: %w", in.ID, err)
		}
	}
	in.Policy = cmp.Or(in.Policy, CreateAndUpdate)
	in.Installation = cmp.Or(in.Installation, Cloud)
	in.Absence = cmp.Or(in.Absence, Keep)
	in.Name = cmp.Or(in.Name, in.ID)
	now := s.opt.Now().UTC()
	old, err := s.journal.Integration(ctx, in.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		in.State, in.CreatedAt, in.UpdatedAt = Draft, now, now
		in.LaunchedBy, in.LaunchedAt = "", time.Time{}
		in.Changes = []Edit{{At: now, By: by, What: "created"}}
	case err != nil:
		return Integration{}, fmt.Errorf("save integration %q: %w", in.ID, err)
	default:
		in.State, in.CreatedAt, in.UpdatedAt = old.State, old.CreatedAt, old.UpdatedAt
		in.LaunchedBy, in.LaunchedAt, in.Changes = old.LaunchedBy, old.LaunchedAt, old.Changes
		what := in.differences(old)
		if len(what) == 0 {
			return in, nil
		}
		in.UpdatedAt = now
		for _, w := range what {
			in.addEdit(Edit{At: now, By: by, What: w})
		}
	}
	if err := s.journal.SaveIntegration(ctx, in); err != nil {
		return Integration{}, fmt.Errorf("save integration %q: %w", in.ID, err)
	}
	return in, nil
}

// Launch makes a draft or a paused integration active. It returns a
// *MissingError if something mandatory is not there.
func (s *Syncer) Launch(ctx context.Context, id, by string) error {
	return s.move(ctx, id, by, Active, func(in *Integration) error {
		missing, err := s.missing(ctx, *in)
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			return &MissingError{Integration: id, Missing: missing}
		}
		in.LaunchedBy, in.LaunchedAt = by, s.opt.Now().UTC()
		return nil
	})
}

// Pause holds an active integration back until it is launched again. A draft
// stays a draft.
func (s *Syncer) Pause(ctx context.Context, id, by string) error {
	return s.move(ctx, id, by, Paused, nil)
}

// Archive puts an integration away for good. Its links, runs and history stay.
func (s *Syncer) Archive(ctx context.Context, id, by string) error {
	return s.move(ctx, id, by, Archived, nil)
}

var moves = map[State][]State{
	Active:   {Draft, Paused},
	Paused:   {Active},
	Archived: {Draft, Active, Paused},
}

func (s *Syncer) move(ctx context.Context, id, by string, to State, check func(*Integration) error) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	in, err := s.journal.Integration(ctx, id)
	if err != nil {
		return fmt.Errorf("integration %q: %w", id, err)
	}
	if in.State == to {
		return nil
	}
	if !slices.Contains(moves[to], in.State) {
		return fmt.Errorf("integration %q is %s and cannot become %s", id, in.State, to)
	}
	if check != nil {
		if err := check(&in); err != nil {
			return err
		}
	}
	now := s.opt.Now().UTC()
	in.State, in.UpdatedAt = to, now
	in.addEdit(Edit{At: now, By: by, What: "became " + string(to)})
	if err := s.journal.SaveIntegration(ctx, in); err != nil {
		return fmt.Errorf("integration %q: %w", id, err)
	}
	return nil
}

// Cancel asks a run to stop, whichever process it runs in. It stops between two
// batches; what is written stays.
func (s *Syncer) Cancel(ctx context.Context, run string) error {
	r, err := s.journal.Run(ctx, run)
	if err != nil {
		return fmt.Errorf("cancel run %q: %w", run, err)
	}
	if r.Status.Ended() {
		return fmt.Errorf("cancel run %q: it has ended already (%s)", run, r.Status)
	}
	if err := s.journal.RequestCancel(ctx, run); err != nil {
		return fmt.Errorf("cancel run %q: %w", run, err)
	}
	return nil
}

// Check asks the vendor what the integration's credential may do.
func (s *Syncer) Check(ctx context.Context, id string) (connector.Report, error) {
	in, err := s.journal.Integration(ctx, id)
	if err != nil {
		return connector.Report{}, fmt.Errorf("check integration %q: %w", id, err)
	}
	src, err := s.Open(ctx, in)
	if err != nil {
		return connector.Report{}, err
	}
	report, err := src.Check(ctx)
	if cerr := src.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return connector.Report{}, fmt.Errorf("check integration %q: %w", id, err)
	}
	return report, nil
}

// openSource calls Open and turns a panic into an error.
func openSource(ctx context.Context, c connector.Connector, cfg connector.Config) (src connector.Source, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = connector.Errorf(connector.ErrInternal, "open "+c.Spec().ID, "the connector panicked: %v", p)
		}
	}()
	src, err = c.Open(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c.Spec().ID, err)
	}
	if src == nil {
		return nil, connector.Errorf(connector.ErrInternal, "open "+c.Spec().ID, "the connector returned neither a source nor an error")
	}
	return src, nil
}
