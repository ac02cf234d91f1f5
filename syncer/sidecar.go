package syncer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
)

// A HostTable is a table that a host has already, reached through two functions.
// See [Sidecar].
type HostTable struct {
	// Object describes the table: its name, its fields and which of them are
	// unique. Link fields and composite keys are not supported.
	Object mapping.Object
	// Find returns, for each value, the records that have it: in the given field,
	// compared in the field's normal form, or as their id where field is empty.
	Find func(ctx context.Context, field string, values []string) ([][]HostRecord, error)
	// Write makes one change and returns the record's id. The same write may come
	// twice after a crash and must then have the same result: making a record whose
	// unique field is there already returns that record's id. An error fails the
	// record; the run goes on.
	Write func(ctx context.Context, w HostWrite) (id string, err error)
}

// A HostRecord is one record of a host's table.
type HostRecord struct {
	ID       string
	Fields   map[string]string // as mapping.Field.Parse reads them; an absent or empty one has no value
	Archived bool
}

// A HostWrite is one change to a host's table.
type HostWrite struct {
	Op     Op     // Create, Update, Archive or Restore
	ID     string // empty for Create
	Actor  string // the integration user
	Run    string
	Fields map[string]string // what to write; an empty value clears the field
}

// Sidecar makes a Store of a host's own table: the records stay in the table,
// and ledger, a Store such as sqlite's, keeps links, history, leases and
// checkpoints beside it. Both cannot commit together, so a record is written at
// least once, see [HostTable.Write]. A host that wants one transaction
// implements Store.
//
// Since anybody may write to the table unseen, every run compares every record.
// The ledger must be a LinkScanner; its links of the table are held in memory
// while a run lasts.
func Sidecar(ledger Store, table HostTable) (Store, error) {
	if table.Find == nil || table.Write == nil {
		return nil, connector.Errorf(connector.ErrInvalid, "sidecar", "the host table %s needs both Find and Write", table.Object.Name)
	}
	scanner, ok := ledger.(LinkScanner)
	if !ok {
		return nil, connector.Errorf(connector.ErrUnsupported, "sidecar", "%T cannot yield its links", ledger)
	}
	schema := &mapping.Schema{Objects: []mapping.Object{table.Object}}
	if err := schema.Validate(); err != nil {
		return nil, connector.Errorf(connector.ErrInvalid, "sidecar", "the object %s: %w", table.Object.Name, err)
	}
	s := &sidecar{ledger: ledger, scanner: scanner, table: table, schema: schema, links: map[string]map[string]Link{}}
	journal, isJournal := ledger.(Journal)
	renewer, isRenewer := ledger.(Renewer)
	switch {
	case isJournal && isRenewer:
		return struct {
			*sidecar
			Journal
			Renewer
		}{s, journal, renewer}, nil
	case isJournal:
		return struct {
			*sidecar
			Journal
		}{s, journal}, nil
	}
	return s, nil
}

type sidecar struct {
	ledger  Store
	scanner LinkScanner
	table   HostTable
	schema  *mapping.Schema

	mu    sync.Mutex
	links map[string]map[string]Link // by integration and record id
}

func (s *sidecar) Schema(context.Context) (*mapping.Schema, error) { return s.schema, nil }

func (s *sidecar) Begin(ctx context.Context, c Claim) (Lease, error) {
	lease, err := s.ledger.Begin(ctx, c)
	if err != nil {
		return Lease{}, err
	}
	ids := []string{c.Integration}
	if journal, ok := s.ledger.(Journal); ok {
		all, err := journal.Integrations(ctx)
		if err != nil {
			return Lease{}, err
		}
		for _, in := range all {
			if in.ID != c.Integration {
				ids = append(ids, in.ID)
			}
		}
	}
	for _, id := range ids {
		if err := s.load(ctx, id); err != nil {
			return Lease{}, err
		}
	}
	return lease, nil
}

// load reads an integration's links, by record.
func (s *sidecar) load(ctx context.Context, integration string) error {
	byID := map[string]Link{}
	for l, err := range s.scanner.ScanLinks(ctx, integration, s.table.Object.Name) {
		if err != nil {
			return fmt.Errorf("read the links of %q: %w", integration, err)
		}
		if l.SupersededBy == "" {
			byID[l.ID] = l
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links[integration] = byID
	return nil
}

// ScanLinks yields the ledger's links, all of them stale: the table may have
// been written to.
func (s *sidecar) ScanLinks(ctx context.Context, integration, object string) iter.Seq2[Link, error] {
	return func(yield func(Link, error) bool) {
		for l, err := range s.scanner.ScanLinks(ctx, integration, object) {
			l.Stale = true
			if !yield(l, err) {
				return
			}
		}
	}
}

func (s *sidecar) Match(ctx context.Context, q Query) ([][]Hit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o := &s.table.Object
	if q.Object != o.Name {
		return nil, connector.Errorf(connector.ErrNotFound, "look up "+q.Object, "the host table holds %s only", o.Name)
	}
	field := ""
	switch {
	case q.By == ByKey && len(q.Fields) == 1:
		field = q.Fields[0]
	case q.By == ByID:
	default:
		return nil, &connector.Error{Class: connector.ErrUnsupported, Op: "look up " + o.Name, Message: "a host table is looked up by id and by one unique field", Remedy: "raise Options.MatchCache above the number of links"}
	}
	found, err := s.table.Find(ctx, field, q.Values)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", o.Name, err)
	}
	if len(found) != len(q.Values) {
		return nil, connector.Errorf(connector.ErrInternal, "find "+o.Name, "Find answered %d of %d values", len(found), len(q.Values))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	hits := make([][]Hit, len(found))
	for i, records := range found {
		for _, rec := range records {
			hit, err := s.hit(q.Integration, rec)
			if err != nil {
				return nil, err
			}
			hits[i] = append(hits[i], hit)
		}
	}
	return hits, nil
}

// hit returns a host's record as the engine knows it. The caller holds mu.
func (s *sidecar) hit(integration string, rec HostRecord) (Hit, error) {
	o := &s.table.Object
	hit := Hit{ID: rec.ID, Archived: rec.Archived, Values: make([]mapping.Value, len(o.Fields))}
	for name, text := range rec.Fields {
		at := o.Field(name)
		if at < 0 || text == "" {
			continue
		}
		v, err := o.Fields[at].Parse(text)
		if err != nil {
			return Hit{}, connector.Errorf(connector.ErrMalformed, "find "+o.Name, "record %s, field %s: %w", rec.ID, name, err)
		}
		hit.Values[at] = v
	}
	for id, links := range s.links {
		l, ok := links[rec.ID]
		switch {
		case !ok:
		case id == integration:
			l.Stale = true
			hit.Link = &l
		default:
			hit.Shared = true
		}
	}
	return hit, nil
}

// Apply writes the changes to the host's table one after another, then the rest
// to the ledger in one transaction.
func (s *sidecar) Apply(ctx context.Context, b *Batch) error {
	if renewer, ok := s.ledger.(Renewer); ok {
		// A run that has lost its lease must not touch the table.
		if err := renewer.Renew(ctx, b.Integration, b.Fence, time.Now().Add(time.Minute)); err != nil {
			return err
		}
	}
	written := make([]Outcome, len(b.Units))
	ledger := *b
	ledger.LedgerOnly = true
	ledger.Units = make([]Unit, len(b.Units))
	ids := map[int]string{}
	n := 0
	for i, u := range b.Units {
		written[i], ledger.Units[i] = s.write(ctx, b, u, n, ids)
		n += len(u.Changes)
	}
	ledger.Seal = func(outcomes []Outcome) ([]byte, error) {
		for i := range outcomes {
			if written[i].Err == nil {
				written[i].Err = outcomes[i].Err
			}
		}
		return b.Seal(written)
	}
	if err := s.ledger.Apply(ctx, &ledger); err != nil {
		return err
	}
	s.noteLinks(b.Integration, ledger.Units)
	return nil
}

// write writes one unit to the table and returns what the ledger is to keep of
// it: nothing, if the host refused it.
func (s *sidecar) write(ctx context.Context, b *Batch, u Unit, n int, ids map[int]string) (Outcome, Unit) {
	kept := Unit{Changes: slices.Clone(u.Changes), Links: slices.Clone(u.Links)}
	out := Outcome{IDs: make([]string, len(u.Changes))}
	for i := range kept.Changes {
		c := &kept.Changes[i]
		w := HostWrite{Op: c.Op, ID: c.Ref.ID, Actor: b.Actor, Run: b.Run, Fields: map[string]string{}}
		for k, at := range c.Columns {
			if f := &s.table.Object.Fields[at]; c.After[k].Kind != mapping.KindAbsent {
				w.Fields[f.Name] = f.Format(c.After[k])
			}
		}
		id, err := s.table.Write(ctx, w)
		if err != nil {
			return Outcome{IDs: out.IDs, Err: fmt.Errorf("%w: %w", ErrRefused, err)}, Unit{}
		}
		ids[n+i], out.IDs[i] = id, id
		c.Ref, c.Revision = Ref{ID: id}, -1
	}
	for i := range kept.Links {
		if l := &kept.Links[i]; l.Ref.ID == "" {
			l.Ref = Ref{ID: ids[l.Ref.Change]}
		}
	}
	return out, kept
}

// ErrRefused is a unit's outcome when the host did not take its write.
var ErrRefused = errors.New("the host refused the write")

func (s *sidecar) noteLinks(integration string, units []Unit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	byID := s.links[integration]
	for _, u := range units {
		for _, l := range u.Links {
			switch {
			case l.Remove:
				delete(byID, l.Ref.ID)
			case !l.Forget:
				byID[l.Ref.ID] = Link{VendorID: l.VendorID, ID: l.Ref.ID, Hash: l.Hash, Missing: l.Missing}
			}
		}
	}
}
