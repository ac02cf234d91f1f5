package memory

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// Match answers one question about many values at once.
func (s *Store) Match(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, t, err := s.object(q.Object)
	if err != nil {
		return nil, fmt.Errorf("match: %w", err)
	}
	find, err := finder(q, o, t)
	if err != nil {
		return nil, fmt.Errorf("match %s: %w", q.Object, err)
	}
	all := make([][]syncer.Hit, len(q.Values))
	for i, v := range q.Values {
		for _, id := range t.finals(find(v)) {
			if r, ok := t.known(id); ok {
				all[i] = append(all[i], hit(q, o, t, id, r))
			}
		}
	}
	return all, nil
}

// finals returns the records that the records are a part of, each once.
func (t *table) finals(ids []string) []string {
	if len(t.merged) == 0 {
		return ids
	}
	seen := map[string]bool{}
	var finals []string
	for _, id := range ids {
		if id = t.final(id); !seen[id] {
			seen[id] = true
			finals = append(finals, id)
		}
	}
	return finals
}

// known returns a record. One that lives elsewhere, and that only the links made
// by a ledger's batch point to, has no values.
func (t *table) known(id string) (*record, bool) {
	if r, ok := t.records[id]; ok {
		return r, true
	}
	return &record{}, t.shared(id, "")
}

// finder returns the function that finds the ids of the records that one value
// asks for.
func finder(q syncer.Query, o *mapping.Object, t *table) (func(value string) []string, error) {
	switch q.By {
	case syncer.ByID:
		return func(id string) []string { return []string{id} }, nil
	case syncer.ByLink:
		records := t.linksOf(q.Integration).records
		return func(vendorID string) []string { return one(records[vendorID]) }, nil
	case syncer.ByKey:
		if !isKey(o, q.Fields) {
			return nil, fmt.Errorf("(%s) is neither a unique field nor the object's key", strings.Join(q.Fields, ", "))
		}
		field := strings.Join(q.Fields, ",")
		return func(text string) []string { return one(t.keys[syncer.Key{Field: field, Text: text}]) }, nil
	case syncer.ByParent:
		if len(q.Fields) != 1 || o.Field(q.Fields[0]) < 0 || !o.Fields[o.Field(q.Fields[0])].Link {
			return nil, fmt.Errorf("(%s) is no link field", strings.Join(q.Fields, ", "))
		}
		field := o.Field(q.Fields[0])
		return func(id string) []string { return sorted(t.children[parent{field: field, id: id}]) }, nil
	}
	return nil, fmt.Errorf("there is no look-up %d", q.By)
}

// one returns an id that an index gave, or none.
func one(id string) []string {
	if id == "" {
		return nil
	}
	return []string{id}
}

// isKey reports whether the fields are what records of the object are unique by.
func isKey(o *mapping.Object, fields []string) bool {
	if len(o.Key) > 0 && slices.Equal(fields, o.Key) {
		return true
	}
	return len(fields) == 1 && o.Field(fields[0]) >= 0 && o.Fields[o.Field(fields[0])].Unique
}

func hit(q syncer.Query, o *mapping.Object, t *table, id string, r *record) syncer.Hit {
	return syncer.Hit{
		ID:       id,
		Revision: r.revision,
		Archived: !r.archived.IsZero(),
		Values:   r.padded(o),
		Link:     t.linksOf(q.Integration).link(id),
		Shared:   t.shared(id, q.Integration),
	}
}

// ScanKeys yields all keys of all records of an object, archived ones included.
func (s *Store) ScanKeys(ctx context.Context, object string) iter.Seq2[syncer.Key, error] {
	return func(yield func(syncer.Key, error) bool) {
		all, err := s.allKeys(ctx, object)
		each(all, err, yield)
	}
}

func (s *Store) allKeys(ctx context.Context, object string) ([]syncer.Key, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, t, err := s.object(object)
	if err != nil {
		return nil, err
	}
	all := make([]syncer.Key, 0, len(t.keys))
	for k := range t.keys {
		all = append(all, k)
	}
	return all, nil
}

// Records yields the records that a query selects, in the order of their
// creation.
func (s *Store) Records(ctx context.Context, q syncer.RecordQuery) iter.Seq2[syncer.Record, error] {
	return func(yield func(syncer.Record, error) bool) {
		all, err := s.selectRecords(ctx, q)
		each(all, err, yield)
	}
}

func (s *Store) selectRecords(ctx context.Context, q syncer.RecordQuery) ([]syncer.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, t, err := s.object(q.Object)
	if err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	wanted, err := parseWhere(o, q.Where)
	if err != nil {
		return nil, fmt.Errorf("records of %s: %w", q.Object, err)
	}
	var all []syncer.Record
	for _, id := range sorted(t.records) {
		r := t.records[id]
		if !q.Archived && !r.archived.IsZero() || !wanted.match(o, r) {
			continue
		}
		all = append(all, syncer.Record{
			ID: id, Revision: r.revision, Values: r.padded(o),
			CreatedAt: r.created, UpdatedAt: r.updated, Archived: r.archived, MissingSince: t.missingSince(id),
		})
		if len(all) == q.Limit {
			break
		}
	}
	return all, nil
}

// where holds the normal forms that a record's fields must have, by field.
type where map[int]string

func parseWhere(o *mapping.Object, texts map[string]string) (where, error) {
	w := where{}
	var errs []error
	for name, text := range texts {
		i := o.Field(name)
		if i < 0 {
			errs = append(errs, fmt.Errorf("there is no field %q", name))
			continue
		}
		v, err := parse(&o.Fields[i], text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %q: %w", name, text, err))
		}
		w[i] = o.Fields[i].Normalize(v)
	}
	return w, errors.Join(errs...)
}

func (w where) match(o *mapping.Object, r *record) bool {
	for i, text := range w {
		if o.Fields[i].Normalize(r.value(i)) != text {
			return false
		}
	}
	return true
}

// parse reads a value as a person writes it. Nothing written is no value.
func parse(f *mapping.Field, text string) (mapping.Value, error) {
	if strings.TrimSpace(text) == "" {
		return mapping.Null, nil
	}
	return f.Parse(text)
}

// History yields the changes of one record, oldest first.
func (s *Store) History(ctx context.Context, object, id string) iter.Seq2[syncer.Event, error] {
	return func(yield func(syncer.Event, error) bool) {
		all, err := s.events(ctx, recordRef{object, id})
		each(all, err, yield)
	}
}

func (s *Store) events(ctx context.Context, ref recordRef) ([]syncer.Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.history[ref])
	for i := range all {
		all[i].Changes = slices.Clone(all[i].Changes)
	}
	return all, nil
}
