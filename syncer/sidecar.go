package syncer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
)

// A HostTable is a table that a host has already, reached through two functions.
// See [Sidecar].
type HostTable struct {
	// Object is the object of the target model that the table holds: "users". Its
	// link fields and composite keys are not supported.
	Object string
	// Find returns, for each value, the records that have it: in the given unique
	// field, compared in the field's normal form (mapping.Field.Normalize), or as
	// their id where field is empty.
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
	Fields   map[string]string // as mapping.Field.Parse reads them, lists as JSON arrays too; an absent or empty one has no value
	Archived bool
}

// A HostWrite is one change to a host's table.
type HostWrite struct {
	Op     Op     // Create, Update, Archive or Restore
	ID     string // empty for Create
	Actor  string // the integration user
	Run    string
	Fields map[string]string // what to write, in canonical form (see mapping.Value; booleans are true and false); an empty value clears the field
}

// ErrRefused is a unit's outcome when the host did not take its write.
var ErrRefused = errors.New("the host refused the write")

// Sidecar makes a Store of a host's own table: the records stay in the table,
// and ledger, a Store such as sqlite's, keeps links, history, leases and
// checkpoints beside it. The two cannot commit together, so a record is written
// at least once, see [HostTable.Write]. A host that wants one transaction
// implements Store.
//
// Since anybody may write to the table unseen, every run compares every record.
// The target model is the ledger's. The result is a Journal and a Renewer if the
// ledger is one.
func Sidecar(ledger Store, table HostTable) (Store, error) {
	if table.Find == nil || table.Write == nil {
		return nil, connector.Errorf(connector.ErrInvalid, "sidecar", "the host table of %s needs both Find and Write", table.Object)
	}
	scanner, ok := ledger.(LinkScanner)
	if !ok {
		return nil, connector.Errorf(connector.ErrUnsupported, "sidecar", "%T cannot yield its links", ledger)
	}
	s := &sidecar{ledger: ledger, scanner: scanner, table: table}
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
}

func (s *sidecar) Schema(ctx context.Context) (*mapping.Schema, error) { return s.ledger.Schema(ctx) }

func (s *sidecar) Begin(ctx context.Context, c Claim) (Lease, error) { return s.ledger.Begin(ctx, c) }

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

// object returns the table's object; another is not supported.
func (s *sidecar) object(ctx context.Context, name string) (*mapping.Object, error) {
	schema, err := s.ledger.Schema(ctx)
	if err != nil {
		return nil, err
	}
	o, ok := schema.Object(s.table.Object)
	if !ok || name != s.table.Object {
		return nil, connector.Errorf(connector.ErrUnsupported, "look up "+name, "the host table holds %s", s.table.Object)
	}
	return o, nil
}

// Match finds records in the host's table, and their links in the ledger.
func (s *sidecar) Match(ctx context.Context, q Query) ([][]Hit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o, err := s.object(ctx, q.Object)
	if err != nil {
		return nil, err
	}
	switch {
	case q.By == ByLink:
		return s.byLink(ctx, o, q)
	case q.By == ByKey && len(q.Fields) == 1:
		return s.find(ctx, o, q.Integration, q.Fields[0], q.Values)
	case q.By == ByID:
		return s.find(ctx, o, q.Integration, "", q.Values)
	}
	return nil, connector.Errorf(connector.ErrUnsupported, "look up "+q.Object, "a host table is looked up by id and by one unique field")
}

// byLink asks the ledger for the records, then the host.
func (s *sidecar) byLink(ctx context.Context, o *mapping.Object, q Query) ([][]Hit, error) {
	linked, err := s.ledger.Match(ctx, q)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, hits := range linked {
		for _, h := range hits {
			if !slices.Contains(ids, h.ID) {
				ids = append(ids, h.ID)
			}
		}
	}
	found, err := s.find(ctx, o, q.Integration, "", ids)
	if err != nil {
		return nil, err
	}
	for i := range linked {
		for k := range linked[i] {
			hit := &linked[i][k]
			records := found[slices.Index(ids, hit.ID)]
			if len(records) == 0 {
				linked[i] = nil // a link to a deleted record is none
				break
			}
			link := *hit.Link
			link.Stale = true
			*hit = records[0]
			hit.Link = &link
		}
	}
	return linked, nil
}

func (s *sidecar) find(ctx context.Context, o *mapping.Object, integration, field string, values []string) ([][]Hit, error) {
	if len(values) == 0 {
		return nil, nil
	}
	found, err := s.table.Find(ctx, field, values)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", o.Name, err)
	}
	if len(found) != len(values) {
		return nil, connector.Errorf(connector.ErrInternal, "find "+o.Name, "Find answered %d of %d values", len(found), len(values))
	}
	var ids []string
	hits := make([][]Hit, len(found))
	for i, records := range found {
		for _, rec := range records {
			hit, err := hostHit(o, rec)
			if err != nil {
				return nil, err
			}
			hits[i] = append(hits[i], hit)
			ids = append(ids, rec.ID)
		}
	}
	slices.Sort(ids)
	return hits, s.addLinks(ctx, o, integration, slices.Compact(ids), hits)
}

// addLinks completes hits with what the ledger knows of them.
func (s *sidecar) addLinks(ctx context.Context, o *mapping.Object, integration string, ids []string, hits [][]Hit) error {
	if len(ids) == 0 {
		return nil
	}
	known, err := s.ledger.Match(ctx, Query{Integration: integration, Object: o.Name, By: ByID, Values: ids})
	if err != nil {
		return err
	}
	for i := range hits {
		for k := range hits[i] {
			hit := &hits[i][k]
			at, _ := slices.BinarySearch(ids, hit.ID)
			for _, in := range known[at] {
				hit.Shared = in.Shared
				if in.Link != nil {
					link := *in.Link
					link.Stale = true
					hit.Link = &link
				}
			}
		}
	}
	return nil
}

// hostText returns a value as a host writes it down.
func hostText(f *mapping.Field, v mapping.Value) string {
	switch {
	case v.IsEmpty():
		return ""
	case v.Kind == mapping.KindText:
		return v.Text
	case f.Type == mapping.Boolean:
		return strconv.FormatBool(v.Int != 0)
	}
	return strconv.FormatInt(v.Int, 10)
}

// hostValue reads what hostText writes, and whatever else a field parses.
func hostValue(f *mapping.Field, text string) (mapping.Value, error) {
	if f.Type == mapping.List && strings.HasPrefix(text, "[") {
		return f.FromJSON([]byte(text), mapping.ISO8601)
	}
	return f.Parse(text)
}

// hostHit returns a host's record as the engine knows it.
func hostHit(o *mapping.Object, rec HostRecord) (Hit, error) {
	hit := Hit{ID: rec.ID, Archived: rec.Archived, Values: make([]mapping.Value, len(o.Fields))}
	for name, text := range rec.Fields {
		at := o.Field(name)
		if at < 0 || text == "" {
			continue
		}
		v, err := hostValue(&o.Fields[at], text)
		if err != nil {
			return Hit{}, connector.Errorf(connector.ErrMalformed, "find "+o.Name, "record %s, field %s: %w", rec.ID, name, err)
		}
		hit.Values[at] = v
	}
	return hit, nil
}

// Apply writes the changes to the host's table one after another, then the rest
// to the ledger in one transaction.
func (s *sidecar) Apply(ctx context.Context, b *Batch) error {
	if renewer, ok := s.ledger.(Renewer); ok {
		// A run that has lost its lease must not touch the table.
		if err := renewer.Renew(ctx, b.Integration, b.Fence, b.At.Add(time.Minute)); err != nil {
			return err
		}
	}
	schema, err := s.ledger.Schema(ctx)
	if err != nil {
		return err
	}
	written := make([]Outcome, len(b.Units))
	ledger := *b
	ledger.LedgerOnly = true
	ledger.Units = make([]Unit, len(b.Units))
	ids := map[int]string{}
	n := 0
	for i, u := range b.Units {
		written[i], ledger.Units[i] = s.write(ctx, schema, b, u, n, ids)
		n += len(u.Changes)
	}
	ledger.Seal = func(outcomes []Outcome) ([]byte, error) {
		all := slices.Clone(written)
		for i := range min(len(all), len(outcomes)) {
			if all[i].Err == nil {
				all[i].Err = outcomes[i].Err
			}
		}
		return b.Seal(all)
	}
	return s.ledger.Apply(ctx, &ledger)
}

// write writes one unit to the table and returns what the ledger is to keep of
// it: nothing, if the host refused it.
func (s *sidecar) write(ctx context.Context, schema *mapping.Schema, b *Batch, u Unit, n int, ids map[int]string) (Outcome, Unit) {
	kept := Unit{Changes: slices.Clone(u.Changes), Links: slices.Clone(u.Links)}
	out := Outcome{IDs: make([]string, len(u.Changes))}
	refused := func(err error) (Outcome, Unit) {
		return Outcome{IDs: out.IDs, Err: fmt.Errorf("%w: %w", ErrRefused, err)}, Unit{}
	}
	for i := range kept.Changes {
		c := &kept.Changes[i]
		o, ok := schema.Object(c.Object)
		if !ok || c.Object != s.table.Object {
			return refused(fmt.Errorf("the host table holds %s, not %s", s.table.Object, c.Object))
		}
		w := HostWrite{Op: c.Op, ID: c.Ref.ID, Actor: b.Actor, Run: b.Run, Fields: map[string]string{}}
		for k, at := range c.Columns {
			if c.After[k].Kind != mapping.KindAbsent {
				w.Fields[o.Fields[at].Name] = hostText(&o.Fields[at], c.After[k])
			}
		}
		id, err := s.table.Write(ctx, w)
		if err != nil {
			return refused(err)
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
