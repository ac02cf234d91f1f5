package memory

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// ScanWaiting yields the records whose reference waits, in the order of their
// creation: those that are a part of another are left out.
func (s *Store) ScanWaiting(ctx context.Context, object, field string) iter.Seq2[syncer.Waiting, error] {
	return func(yield func(syncer.Waiting, error) bool) {
		all, err := s.allWaiting(ctx, object, field)
		each(all, err, yield)
	}
}

func (s *Store) allWaiting(ctx context.Context, object, field string) ([]syncer.Waiting, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, t, err := s.object(object)
	if err != nil {
		return nil, fmt.Errorf("scan waiting references: %w", err)
	}
	at := o.Field(field)
	if at < 0 || o.Resolved(at) < 0 {
		return nil, fmt.Errorf("scan waiting references: %q is no reference of %s that keeps a text", field, object)
	}
	var all []syncer.Waiting
	for _, id := range sorted(t.waiting[at]) {
		if _, merged := t.merged[id]; merged {
			continue
		}
		r := t.records[id]
		all = append(all, syncer.Waiting{ID: id, Revision: r.revision, Text: r.value(at).Text})
	}
	return all, nil
}

// Trace tells who set the values of records, and who has a link to them.
func (s *Store) Trace(ctx context.Context, object string, ids []string) ([]syncer.Trace, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, t, err := s.object(object)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	fields := make(map[string]int, len(o.Fields))
	for i := range o.Fields {
		fields[o.Fields[i].Name] = i
	}
	traces := make([]syncer.Trace, len(ids))
	for i, id := range ids {
		if _, ok := t.known(id); ok {
			traces[i] = syncer.Trace{Origins: s.origins(recordRef{object, id}, fields), Stakes: t.stakes(id)}
		}
	}
	return traces, nil
}

// origins returns who last wrote each field of a record.
func (s *Store) origins(ref recordRef, fields map[string]int) []syncer.Origin {
	origins := make([]syncer.Origin, len(fields))
	for _, e := range s.history[ref] {
		if e.Op == syncer.Merged || e.Op == syncer.Split {
			continue // what they list is no field
		}
		for _, c := range e.Changes {
			if i, ok := fields[c.Field]; ok {
				origins[i] = syncer.Origin{Integration: e.Integration, Run: e.Run, Actor: e.Actor, At: e.At}
			}
		}
	}
	return origins
}

// stakes returns the live links to a record, ordered by integration.
func (t *table) stakes(id string) []syncer.Stake {
	var stakes []syncer.Stake
	for integration, l := range t.links {
		if live, ok := l.live[id]; ok {
			stakes = append(stakes, syncer.Stake{Integration: integration, VendorID: live.vendorID, MissingSince: live.missing, Withheld: slices.Clone(live.withheld)})
		}
	}
	slices.SortFunc(stakes, func(a, b syncer.Stake) int { return strings.Compare(a.Integration, b.Integration) })
	return stakes
}

// hides reports whether the last event that lists a field of a record hides it.
func (s *Store) hides(ref recordRef, f *mapping.Field) bool {
	for _, e := range slices.Backward(s.history[ref]) {
		for _, c := range e.Changes {
			if c.Field == f.Name {
				return c.Hidden
			}
		}
	}
	return false
}

// RunEvents yields the changes that a run made, those of one record in a row and
// the newest first, as are the records by what was last done to them.
func (s *Store) RunEvents(ctx context.Context, run string) iter.Seq2[syncer.Event, error] {
	return func(yield func(syncer.Event, error) bool) {
		all, err := s.runEvents(ctx, run)
		each(all, err, yield)
	}
}

func (s *Store) runEvents(ctx context.Context, run string) ([]syncer.Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	written := s.runs[run]
	refs := slices.SortedFunc(maps.Keys(written), func(a, b recordRef) int {
		return cmp.Compare(written[b], written[a])
	})
	var all []syncer.Event
	for _, ref := range refs {
		for _, e := range slices.Backward(s.history[ref]) {
			if e.Run == run {
				e.Changes = slices.Clone(e.Changes)
				all = append(all, e)
			}
		}
	}
	return all, nil
}
