package syncer

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
)

// Provenance is where the values of one record come from.
type Provenance struct {
	Object string `json:"object"`
	ID     string `json:"id"`
	// MergedFrom is the id that was asked for, where that record has become a part
	// of this one.
	MergedFrom string `json:"merged_from,omitempty"`
	Label      string `json:"label,omitempty"` // what a person calls the record
	Archived   bool   `json:"archived,omitempty"`
	// Links are the integrations that bring the record, ordered by integration.
	Links []ProvenanceLink `json:"links"`
	// Fields are those that have a value, that somebody has cleared, or that somebody
	// gives a value for, in the order of the object's.
	Fields []FieldProvenance `json:"fields"`
}

// A ProvenanceLink is one integration's live link to a record.
type ProvenanceLink struct {
	Integration string `json:"integration"`
	VendorID    string `json:"vendor_id,omitempty"` // empty for a record that comes with another one
	// MissingSince is when a complete read of the integration first did not bring
	// it; zero if it does.
	MissingSince time.Time `json:"missing_since,omitzero"`
}

// FieldProvenance is where one value comes from. Sensitive values are masked.
type FieldProvenance struct {
	Field string          `json:"field"`
	Value json.RawMessage `json:"value"` // null if there is none
	Text  string          `json:"text"`  // the same for a person to read
	// Refers is the record that a reference means; nil for any other field, and
	// while there is none.
	Refers *Referred `json:"refers,omitempty"`
	// Integration, Run and Actor say who wrote the value last, At when, a clearing
	// included. Integration is empty for a change from outside, all are for a field
	// that nobody ever wrote.
	Integration string    `json:"integration,omitempty"`
	Run         string    `json:"run,omitempty"`
	Actor       string    `json:"actor,omitempty"`
	At          time.Time `json:"at,omitzero"`
	// Others is what the other integrations that bring the record say, as far as
	// they say anything, ordered by integration.
	Others []Statement `json:"others,omitempty"`
}

// Referred is a record that another one refers to.
type Referred struct {
	Object string `json:"object"`
	ID     string `json:"id"`
	Label  string `json:"label,omitempty"`
}

// A Statement is what an integration says about a field that another one has
// written, or a person.
type Statement struct {
	Integration string          `json:"integration"`
	Value       json.RawMessage `json:"value"` // null if it says that there is none
	Text        string          `json:"text"`
	// Withheld says that its vendor says so now, and that the precedence of another
	// integration keeps it from being written. Without it, it is what the
	// integration wrote last, at At in the run Run; its vendor may have changed its
	// mind since.
	Withheld bool      `json:"withheld,omitempty"`
	At       time.Time `json:"at,omitzero"`
	Run      string    `json:"run,omitempty"`
}

// Provenance says of each value of a record which integration set it, when and in
// which run, and what the others that bring the record say. For a record that is
// merged it tells of the one that it is a part of. The error is ErrNotFound if
// there is no such record. The Store must be a Tracer and a Reader.
func (s *Syncer) Provenance(ctx context.Context, object, id string) (Provenance, error) {
	op := fmt.Sprintf("tell where the values of record %s of %s come from", id, object)
	tracer, traces := s.store.(Tracer)
	reader, reads := s.store.(Reader)
	if !traces || !reads {
		return Provenance{}, unsupported("store", op, "tell who set a value")
	}
	schema, o, err := s.object(ctx, object)
	if err != nil {
		return Provenance{}, fmt.Errorf("%s: %w", op, err)
	}
	hit, err := s.record(ctx, object, id)
	if err != nil {
		return Provenance{}, fmt.Errorf("%s: %w", op, err)
	}
	all, err := tracer.Trace(ctx, object, []string{hit.ID})
	if err != nil {
		return Provenance{}, fmt.Errorf("%s: %w", op, err)
	}
	if len(all) != 1 {
		return Provenance{}, connector.Errorf(connector.ErrInternal, op, "the store answered %d of 1 questions", len(all))
	}
	t := &tracing{s: s, schema: schema, o: o, hit: hit, trace: all[0], last: map[said]Event{}, hidden: map[string]bool{}}
	if err := t.readHistory(ctx, reader); err != nil {
		return Provenance{}, fmt.Errorf("%s: %w", op, err)
	}
	p := Provenance{Object: object, ID: hit.ID, Label: t.label(o, hit.Values), Archived: hit.Archived, Links: []ProvenanceLink{}, Fields: []FieldProvenance{}}
	if hit.ID != id {
		p.MergedFrom = id
	}
	for _, stake := range t.trace.Stakes {
		p.Links = append(p.Links, ProvenanceLink{Integration: stake.Integration, VendorID: stake.VendorID, MissingSince: stake.MissingSince})
	}
	for at := range o.Fields {
		if o.Fields[at].For != "" {
			continue // told with its reference
		}
		f, err := t.field(ctx, at)
		if err != nil {
			return Provenance{}, fmt.Errorf("%s: %w", op, err)
		}
		if string(f.Value) != "null" || !f.At.IsZero() || len(f.Others) > 0 {
			p.Fields = append(p.Fields, f)
		}
	}
	return p, nil
}

// record looks up one record by its id, following a merge.
func (s *Syncer) record(ctx context.Context, object, id string) (Hit, error) {
	hits, err := s.store.Match(ctx, Query{Object: object, By: ByID, Values: []string{id}})
	switch {
	case err != nil:
		return Hit{}, fmt.Errorf("look up record %s of %s: %w", id, object, err)
	case len(hits) != 1:
		return Hit{}, connector.Errorf(connector.ErrInternal, "look up "+object, "the store answered %d of 1 questions", len(hits))
	case len(hits[0]) == 0:
		return Hit{}, fmt.Errorf("record %s of %s: %w", id, object, ErrNotFound)
	}
	return hits[0][0], nil
}

// A tracing puts the provenance of one record together.
type tracing struct {
	s      *Syncer
	schema *mapping.Schema
	o      *mapping.Object
	hit    Hit
	trace  Trace
	last   map[said]Event  // an integration's last change of a field
	hidden map[string]bool // fields that are sensitive to any integration
}

// said names one integration's word about one field.
type said struct{ integration, field string }

// readHistory notes what each integration wrote last, and what is sensitive.
func (t *tracing) readHistory(ctx context.Context, reader Reader) error {
	for e, err := range reader.History(ctx, t.o.Name, t.hit.ID) {
		if err != nil {
			return fmt.Errorf("read the history of record %s: %w", t.hit.ID, err)
		}
		for _, c := range e.Changes {
			t.hidden[c.Field] = t.hidden[c.Field] || c.Hidden
			if e.Integration != "" {
				one := e
				one.Changes = []FieldChange{c}
				t.last[said{e.Integration, c.Field}] = one
			}
		}
	}
	for _, stake := range t.trace.Stakes {
		for _, w := range stake.Withheld {
			if w.Hidden && w.Field < len(t.o.Fields) {
				t.hidden[t.o.Fields[w.Field].Name] = true
			}
		}
	}
	return nil
}

// field tells of one field.
func (t *tracing) field(ctx context.Context, at int) (FieldProvenance, error) {
	f := &t.o.Fields[at]
	var origin Origin
	if at < len(t.trace.Origins) {
		origin = t.trace.Origins[at]
	}
	p := FieldProvenance{Field: f.Name, Integration: origin.Integration, Run: origin.Run, Actor: origin.Actor, At: origin.At}
	p.Value, p.Text = t.shown(f, t.hit.Values[at])
	var err error
	if p.Refers, err = t.refers(ctx, at); err != nil {
		return p, err
	}
	for _, stake := range t.trace.Stakes {
		if stake.Integration == origin.Integration {
			continue
		}
		if st, ok := t.statement(stake, at); ok {
			p.Others = append(p.Others, st)
		}
	}
	return p, nil
}

// shown returns a value as JSON and for a person to read, masked if it is
// sensitive.
func (t *tracing) shown(f *mapping.Field, v mapping.Value) (json.RawMessage, string) {
	if t.hidden[f.Name] && !v.IsEmpty() {
		return masked(json.RawMessage(`""`)), credentials.Mask
	}
	return f.AppendJSON(nil, v), f.Format(v)
}

// statement returns what another integration says of a field.
func (t *tracing) statement(stake Stake, at int) (Statement, bool) {
	f := &t.o.Fields[at]
	st := Statement{Integration: stake.Integration}
	if i := slices.IndexFunc(stake.Withheld, func(w Said) bool { return w.Field == at }); i >= 0 {
		st.Withheld = true
		st.Value, st.Text = t.shown(f, stake.Withheld[i].Value)
		return st, true
	}
	e, ok := t.last[said{stake.Integration, f.Name}]
	if !ok {
		return st, false
	}
	st.At, st.Run = e.At, e.Run
	st.Value, st.Text = t.shown(f, e.Changes[0].After)
	return st, true
}

// refers returns the record that a reference means.
func (t *tracing) refers(ctx context.Context, at int) (*Referred, error) {
	f := &t.o.Fields[at]
	link := at
	if !f.Link {
		link = t.o.Resolved(at)
	}
	if link < 0 || t.hit.Values[link].IsEmpty() {
		return nil, nil //nolint:nilnil // it means no record.
	}
	ref := &Referred{Object: f.Object, ID: t.hit.Values[link].Text}
	target, ok := t.schema.Object(f.Object)
	if !ok {
		return ref, nil
	}
	hits, err := t.s.store.Match(ctx, Query{Object: f.Object, By: ByID, Values: []string{ref.ID}})
	if err != nil {
		return nil, fmt.Errorf("look up what %s refers to: %w", f.Name, err)
	}
	if len(hits) == 1 && len(hits[0]) > 0 {
		ref.ID, ref.Label = hits[0][0].ID, recordLabel(target, hits[0][0].Values)
	}
	return ref, nil
}

// label names the record, unless its name is sensitive.
func (t *tracing) label(o *mapping.Object, values []mapping.Value) string {
	shown := slices.Clone(values)
	for i := range shown {
		if i < len(o.Fields) && t.hidden[o.Fields[i].Name] {
			shown[i] = mapping.Null
		}
	}
	return strings.TrimSpace(recordLabel(o, shown))
}
