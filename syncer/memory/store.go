package memory

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// Options say what a Store starts with. The zero value works.
type Options struct {
	// Schema is the target model. Nil means [mapping.Standard].
	Schema *mapping.Schema
	// Now tells the time of changes from outside of a run. Nil means [time.Now].
	Now func() time.Time
}

// A Store keeps one tenant's records in memory. It is safe for concurrent use.
// Record ids are decimal numbers, given in the order of creation and never
// again.
type Store struct {
	now    func() time.Time
	sealed credentials.MemoryKeeper

	troubling sync.Mutex
	troubles  map[string][]byte

	mu      sync.Mutex // guards all below
	schema  *mapping.Schema
	tables  map[string]*table // by object
	leases  map[string]lease  // by integration
	history map[recordRef][]syncer.Event
	// runs tells by run which records it wrote, each with the number of the last
	// event of it.
	runs      map[string]map[recordRef]int64
	lastID    int64
	lastEvent int64
	journal   journal
}

// The abilities of a Store.
var (
	_ syncer.Store            = (*Store)(nil)
	_ syncer.LinkScanner      = (*Store)(nil)
	_ syncer.KeyScanner       = (*Store)(nil)
	_ syncer.Renewer          = (*Store)(nil)
	_ syncer.SchemaEditor     = (*Store)(nil)
	_ syncer.KeyEditor        = (*Store)(nil)
	_ syncer.Reader           = (*Store)(nil)
	_ syncer.RunReader        = (*Store)(nil)
	_ syncer.ReferenceScanner = (*Store)(nil)
	_ syncer.Tracer           = (*Store)(nil)
	_ syncer.Merger           = (*Store)(nil)
	_ syncer.Journal          = (*Store)(nil)
	_ syncer.PrecedenceKeeper = (*Store)(nil)
)

// New returns an empty Store.
func New(o Options) *Store {
	if o.Schema == nil {
		o.Schema = mapping.Standard()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Store{
		now:     o.Now,
		schema:  o.Schema,
		tables:  map[string]*table{},
		leases:  map[string]lease{},
		history: map[recordRef][]syncer.Event{},
		runs:    map[string]map[recordRef]int64{},
		journal: newJournal(),
	}
}

// Schema returns the target model, custom fields included.
func (s *Store) Schema(ctx context.Context) (*mapping.Schema, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.schema, nil
}

// AddField adds a custom field to an object.
func (s *Store) AddField(ctx context.Context, object string, f mapping.Field) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	schema, err := s.schema.With(object, f)
	if err != nil {
		return err
	}
	s.schema = schema
	return nil
}

// object returns an object of the schema with its table.
func (s *Store) object(name string) (*mapping.Object, *table, error) {
	o, ok := s.schema.Object(name)
	if !ok {
		return nil, nil, fmt.Errorf("object %q: %w", name, syncer.ErrNotFound)
	}
	return o, s.table(name), nil
}

// table returns the table of an object.
func (s *Store) table(name string) *table {
	t, ok := s.tables[name]
	if !ok {
		t = newTable()
		s.tables[name] = t
	}
	return t
}

// A lease is an integration's lease and checkpoint. It outlives the run, for the
// next one's fence and sequence number follow from it.
type lease struct {
	owner      string
	fence      int64
	ttl        time.Duration
	until      time.Time // zero once released
	seq        int64
	checkpoint []byte
	run        string // whose the Seen blocks are
	seen       []seenBlock
}

type seenBlock struct {
	seq  int64
	data []byte
}

// Begin takes the integration's lease, or returns a *syncer.BusyError.
func (s *Store) Begin(ctx context.Context, c syncer.Claim) (syncer.Lease, error) {
	if err := ctx.Err(); err != nil {
		return syncer.Lease{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.leases[c.Integration]
	if l.until.After(c.Now) && (c.Over == 0 || c.Over != l.fence) {
		return syncer.Lease{}, &syncer.BusyError{Integration: c.Integration, Owner: l.owner, Fence: l.fence, Until: l.until}
	}
	l.owner, l.ttl, l.until = c.Owner, c.TTL, c.Now.Add(c.TTL)
	l.fence++
	s.leases[c.Integration] = l
	return syncer.Lease{Fence: l.fence, Seq: l.seq, Checkpoint: bytes.Clone(l.checkpoint), Seen: s.seen(c.Integration)}, nil
}

// seen returns the Lease.Seen of an integration.
func (s *Store) seen(integration string) func(context.Context, string, int64) iter.Seq2[[]byte, error] {
	return func(ctx context.Context, run string, upTo int64) iter.Seq2[[]byte, error] {
		return func(yield func([]byte, error) bool) {
			s.mu.Lock()
			l := s.leases[integration]
			s.mu.Unlock()
			if l.run != run {
				return
			}
			for _, b := range l.seen {
				if b.seq > upTo {
					continue
				}
				if err := ctx.Err(); err != nil {
					yield(nil, err)
					return
				}
				if !yield(bytes.Clone(b.data), nil) {
					return
				}
			}
		}
	}
}

// Renew prolongs a lease until the given time. It returns syncer.ErrFence if the
// lease was lost.
func (s *Store) Renew(ctx context.Context, integration string, fence int64, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.leases[integration]
	if !ok || l.fence != fence {
		return syncer.ErrFence
	}
	l.until = until
	s.leases[integration] = l
	return nil
}
