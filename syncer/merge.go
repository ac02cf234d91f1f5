package syncer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/nearest"
	"github.com/vendorsync/vendorsync/mapping"
)

// MergeOptions say how two records are made one. The zero value works.
type MergeOptions struct {
	By     string // who asked for it, to whom the change is attributed
	DryRun bool   // tell what would happen, and write nothing
}

// A MergeReport says what a merge does, or would do.
type MergeReport struct {
	Object string `json:"object"`
	Into   string `json:"into"` // the record that stays
	From   string `json:"from"` // the one that becomes a part of it
	// IntoLabel and FromLabel are what a person calls them.
	IntoLabel string `json:"into_label,omitempty"`
	FromLabel string `json:"from_label,omitempty"`
	// Fields are those of which From says something else than Into, in the order of
	// the object's fields.
	Fields []MergeField `json:"fields,omitempty"`
	// Links are the links to From, ordered by integration. Nil if the store does
	// not tell who has them.
	Links []MergeLink `json:"links,omitempty"`
	// References are what refers to From and will refer to Into.
	References []MergeReferences `json:"references,omitempty"`
}

// A MergeField is a field in which two records differ.
type MergeField struct {
	Field string          `json:"field"`
	Into  json.RawMessage `json:"into"`
	From  json.RawMessage `json:"from"`
	// Taken says that Into has no value and takes From's. Any other value of From's
	// stays with From.
	Taken bool `json:"taken,omitempty"`
	// Key says that the field is unique, so that From's value finds Into from now
	// on.
	Key bool `json:"key,omitempty"`
}

// A MergeLink is a link to the record that becomes a part of the other.
type MergeLink struct {
	Integration string `json:"integration"`
	VendorID    string `json:"vendor_id,omitempty"`
	// SupersededBy is the vendor id under which the integration has the other
	// record already, and which takes this one's place. Empty for a link that
	// moves.
	SupersededBy string `json:"superseded_by,omitempty"`
}

// MergeReferences are the records of one object that refer to the one that
// becomes a part of the other.
type MergeReferences struct {
	Object  string `json:"object"`
	Field   string `json:"field"`
	Records int    `json:"records"`
	// Archived counts those that the other record has, too, and that go into the
	// archive.
	Archived int `json:"archived,omitempty"`
}

// Merge makes the record from a part of the record into: links, references,
// history and keys lead to into from then on, which keeps its own values and takes
// from's where it has none. Nothing is lost, and [Syncer.Split] undoes it.
//
// The error is ErrNotFound if one of them is not there, ErrConflict if somebody
// changes one of them at the same moment, and of class connector.ErrInvalid if
// they cannot be merged. The Store must be a Merger; only where it is a Tracer
// does the report tell of links.
func (s *Syncer) Merge(ctx context.Context, object, into, from string, opt MergeOptions) (MergeReport, error) {
	op := fmt.Sprintf("merge record %s of %s into %s", from, object, into)
	merger, ok := s.store.(Merger)
	if !ok {
		return MergeReport{}, unsupported("store", op, "merge records")
	}
	schema, o, err := s.object(ctx, object)
	if err != nil {
		return MergeReport{}, fmt.Errorf("%s: %w", op, err)
	}
	a, b, err := s.twoRecords(ctx, o, op, into, from)
	if err != nil {
		return MergeReport{}, err
	}
	report := MergeReport{Object: object, Into: into, From: from, IntoLabel: recordLabel(o, a.Values), FromLabel: recordLabel(o, b.Values)}
	report.compare(o, a, b)
	if report.Links, err = s.mergeLinks(ctx, object, into, from); err != nil {
		return MergeReport{}, fmt.Errorf("%s: %w", op, err)
	}
	if report.References, err = s.mergeReferences(ctx, schema, o, into, from); err != nil {
		return MergeReport{}, fmt.Errorf("%s: %w", op, err)
	}
	if opt.DryRun {
		return report, nil
	}
	m := Merge{Object: object, Into: into, From: from, IntoRevision: a.Revision, FromRevision: b.Revision, Actor: opt.By, At: s.opt.Now().UTC()}
	if err := merger.Merge(ctx, m); err != nil {
		if errors.Is(err, ErrConflict) {
			return MergeReport{}, fmt.Errorf("somebody changed one of the two at the same moment; look at them again: %w", err)
		}
		return MergeReport{}, fmt.Errorf("the store did not make them one: %w", err)
	}
	return report, nil
}

// Split undoes the merge of the record from, as far as nobody has changed since
// what it did, and returns in a person's words what it left. The error is
// ErrNotFound if the record is not merged. The Store must be a Merger.
func (s *Syncer) Split(ctx context.Context, object, from, by string) (left []string, err error) {
	op := fmt.Sprintf("split record %s of %s", from, object)
	merger, ok := s.store.(Merger)
	if !ok {
		return nil, unsupported("store", op, "split records")
	}
	if _, _, err := s.object(ctx, object); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	into, err := mergedInto(ctx, merger, object, from)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	m := Merge{Object: object, Into: into, From: from, IntoRevision: -1, FromRevision: -1, Actor: by, At: s.opt.Now().UTC()}
	if left, err = merger.Split(ctx, m); err != nil {
		return nil, fmt.Errorf("the store did not split it off: %w", err)
	}
	return left, nil
}

// mergedInto returns the record that another one was merged into: that may be a
// part of a third by now.
func mergedInto(ctx context.Context, merger Merger, object, from string) (string, error) {
	for m, err := range merger.Merges(ctx, object) {
		if err != nil {
			return "", fmt.Errorf("read the merges: %w", err)
		}
		if m.From == from {
			return m.Into, nil
		}
	}
	return "", fmt.Errorf("it is not a part of another record: %w", ErrNotFound)
}

// Merges yields the merges of an object that stand and can be split. The Store
// must be a Merger.
func (s *Syncer) Merges(ctx context.Context, object string) iter.Seq2[Merge, error] {
	return func(yield func(Merge, error) bool) {
		merger, ok := s.store.(Merger)
		if !ok {
			yield(Merge{}, unsupported("store", "list the merges of "+object, "merge records"))
			return
		}
		if _, _, err := s.object(ctx, object); err != nil {
			yield(Merge{}, fmt.Errorf("list the merges: %w", err))
			return
		}
		for m, err := range merger.Merges(ctx, object) {
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// unsupported says what the store, or the journal, is not able to do.
func unsupported(what, op, ability string) error {
	return &connector.Error{Class: connector.ErrUnsupported, Op: op, Message: fmt.Sprintf("this %s cannot %s", what, ability), Remedy: "use a " + what + " that can"}
}

// object returns an object of the schema, with the schema.
func (s *Syncer) object(ctx context.Context, name string) (*mapping.Schema, *mapping.Object, error) {
	schema, err := s.store.Schema(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read the schema: %w", err)
	}
	o, ok := schema.Object(name)
	if ok {
		return schema, o, nil
	}
	names := make([]string, len(schema.Objects))
	for i := range schema.Objects {
		names[i] = schema.Objects[i].Name
	}
	return nil, nil, connector.Errorf(connector.ErrInvalid, "look at "+name, "there is no object %q%s", name, meant(name, names))
}

// meant asks whether another name was meant, or lists what there is.
func meant(name string, names []string) string {
	if near := nearest.Name(name, names); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	if len(names) == 0 {
		return ""
	}
	return "; there are " + orList(names)
}

// twoRecords looks up the two records of a merge.
func (s *Syncer) twoRecords(ctx context.Context, o *mapping.Object, op, into, from string) (a, b Hit, err error) {
	invalid := func(format string, args ...any) error {
		return &connector.Error{Class: connector.ErrInvalid, Op: op, Message: fmt.Sprintf(format, args...), Remedy: "name two records that can be one"}
	}
	if into == from {
		return a, b, invalid("a record cannot be merged with itself")
	}
	hits, err := s.store.Match(ctx, Query{Object: o.Name, By: ByID, Values: []string{into, from}})
	if err != nil {
		return a, b, fmt.Errorf("%s: look the records up: %w", op, err)
	}
	if len(hits) != 2 {
		return a, b, connector.Errorf(connector.ErrInternal, op, "the store answered %d of 2 questions", len(hits))
	}
	for i, id := range []string{into, from} {
		switch {
		case len(hits[i]) == 0:
			return a, b, fmt.Errorf("%s: there is no record %s: %w", op, id, ErrNotFound)
		case hits[i][0].ID != id:
			return a, b, invalid("record %s is merged into %s already", id, hits[i][0].ID)
		}
	}
	a, b = hits[0][0], hits[1][0]
	if a.Archived && !b.Archived {
		return a, b, invalid("record %s is archived, and %s would vanish in it; restore it first, or merge it into %s", into, from, from)
	}
	return a, b, nil
}

// compare lists the fields in which the records differ.
func (r *MergeReport) compare(o *mapping.Object, into, from Hit) {
	for i := range o.Fields {
		f := &o.Fields[i]
		a, b := into.Values[i], from.Values[i]
		if b.IsEmpty() || same(a, b) || f.For != "" {
			continue
		}
		r.Fields = append(r.Fields, MergeField{
			Field: f.Name, Into: f.AppendJSON(nil, a), From: f.AppendJSON(nil, b), Taken: a.IsEmpty(), Key: f.Unique && f.Normalize(b) != "",
		})
	}
}

// mergeLinks says what becomes of the links to from.
func (s *Syncer) mergeLinks(ctx context.Context, object, into, from string) ([]MergeLink, error) {
	tracer, ok := s.store.(Tracer)
	if !ok {
		return nil, nil
	}
	traces, err := tracer.Trace(ctx, object, []string{into, from})
	if err != nil {
		return nil, fmt.Errorf("ask who has links: %w", err)
	}
	if len(traces) != 2 {
		return nil, connector.Errorf(connector.ErrInternal, "ask who has links", "the store answered %d of 2 questions", len(traces))
	}
	links := []MergeLink{}
	for _, stake := range traces[1].Stakes {
		l := MergeLink{Integration: stake.Integration, VendorID: stake.VendorID}
		for _, held := range traces[0].Stakes {
			if held.Integration == stake.Integration {
				l.SupersededBy = held.VendorID
			}
		}
		links = append(links, l)
	}
	return links, nil
}

// mergeReferences says what refers to from, field by field.
func (s *Syncer) mergeReferences(ctx context.Context, schema *mapping.Schema, o *mapping.Object, into, from string) ([]MergeReferences, error) {
	var all []MergeReferences
	for i := range schema.Objects {
		user := &schema.Objects[i]
		for at := range user.Fields {
			f := &user.Fields[at]
			if !f.Link || f.Object != o.Name {
				continue
			}
			hits, err := s.store.Match(ctx, Query{Object: user.Name, By: ByParent, Fields: []string{f.Name}, Values: []string{into, from}})
			if err != nil {
				return nil, fmt.Errorf("look up what refers to it by %s of %s: %w", f.Name, user.Name, err)
			}
			if len(hits) != 2 {
				return nil, connector.Errorf(connector.ErrInternal, "look up "+user.Name, "the store answered %d of 2 questions", len(hits))
			}
			if len(hits[1]) > 0 {
				all = append(all, MergeReferences{Object: user.Name, Field: cmp.Or(f.For, f.Name), Records: len(hits[1]), Archived: clashes(user, f.Name, into, hits[0], hits[1])})
			}
		}
	}
	return all, nil
}

// clashes counts the live records of from that into has by the same key.
func clashes(o *mapping.Object, link, into string, ofInto, ofFrom []Hit) int {
	if !slices.Contains(o.Key, link) {
		return 0
	}
	at := o.Field(link)
	keyOf := func(h Hit) string {
		return KeyOf(o, o.Key, func(i int) mapping.Value {
			if i == at {
				return mapping.TextValue(into)
			}
			return h.Values[i]
		})
	}
	held := map[string]bool{}
	for _, h := range ofInto {
		held[keyOf(h)] = true
	}
	n := 0
	for _, h := range ofFrom {
		if !h.Archived && held[keyOf(h)] {
			n++
		}
	}
	return n
}

// nameFields are the fields by which people call a record, the best first.
var nameFields = []string{"full_name", "device_name", "name", "hostname", "username", "email", "serial_number", "asset_tag", "external_id"}

// recordLabel is what a person calls a record: its name and what tells it from
// others of that name.
func recordLabel(o *mapping.Object, values []mapping.Value) string {
	var parts []string
	add := func(at int) {
		if at < 0 || at >= len(values) || o.Fields[at].Link || values[at].IsEmpty() {
			return
		}
		if text := o.Fields[at].Format(values[at]); !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	for _, name := range nameFields {
		if len(parts) == 0 {
			add(o.Field(name))
		}
	}
	for _, name := range o.Key {
		add(o.Field(name))
	}
	for i := range o.Fields {
		if o.Fields[i].Unique && len(parts) < 2 {
			add(i)
		}
	}
	return strings.Join(parts, " / ")
}
