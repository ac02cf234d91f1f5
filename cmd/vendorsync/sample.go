package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// sampleRecords is how many records of a source are looked at to show samples.
const sampleRecords = 20

// A sampled is what is known of a source's records.
type sampled struct {
	fields  []connector.Field  // those that the stream declares, then those that the records have
	records []connector.Record // as they came; empty if the source was not read
	leaves  *leaves            // of the records, sensitive values masked
	shown   []connector.Record // the records with sensitive values masked
	options mapping.Options    // what the integration's mapping is compiled with
}

// source gathers what is known of an integration's source, from its connector and
// from the first records. That it cannot be read is no reason to stop.
func (s *session) source(ctx context.Context, in syncer.Integration, read bool) sampled {
	src := sampled{leaves: newLeaves()}
	c, err := s.registry.Get(in.Connector)
	if err != nil {
		s.note("note: %v", err)
		return src
	}
	spec := c.Spec()
	stream, _ := spec.Stream(in.Stream)
	src.fields = slices.Clone(stream.Fields)
	src.options = mapping.Options{Fields: stream.Fields, Settings: in.Settings, Facts: mapping.Facts{
		RunID: "sample", Started: s.now(), IntegrationID: in.ID, Integration: in.Name, Connector: in.Connector, Stream: in.Stream, User: in.User,
	}}
	settings, err := spec.Resolve(in.Settings)
	if err == nil {
		src.options.Settings = settings
		if read {
			src.records, err = s.sample(ctx, in)
		}
	}
	if err != nil && read {
		s.note("note: the source cannot be read, so that there are no samples of it: %v", err)
	}
	src.look(s.schema)
	return src
}

// sample reads the first records of a source.
func (s *session) sample(ctx context.Context, in syncer.Integration) (records []connector.Record, err error) {
	src, err := s.syncer.Open(ctx, in)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	req := connector.Request{Stream: in.Stream, Limit: sampleRecords, Fields: in.Mapping.Paths()}
	for page, err := range src.Read(ctx, req) {
		if err != nil {
			return records, err
		}
		records = append(records, page.Records...)
		if len(records) >= sampleRecords {
			return records[:sampleRecords], nil
		}
	}
	return records, nil
}

// look goes over the records: what fields they have, and with what values.
func (src *sampled) look(schema *mapping.Schema) {
	mask := func(rec connector.Record) connector.Record { return rec }
	if p, err := mapping.Compile(mapping.Mapping{Object: schema.Objects[0].Name, Key: "id"}, schema, mapping.Options{Fields: src.options.Fields}); err == nil {
		mask = p.Mask
	}
	for _, rec := range src.records {
		rec = mask(rec)
		src.shown = append(src.shown, rec)
		src.leaves.walk("", json.RawMessage(rec), 0)
	}
	declared := map[string]bool{}
	for _, f := range src.fields {
		declared[itemsOf(f.Path)] = true
	}
	for _, at := range src.leaves.paths {
		if !declared[at] {
			src.fields = append(src.fields, connector.Field{Path: at, Type: src.leaves.types[at]})
		}
	}
}

// exampleOf is the example that a connector declares of a field.
func exampleOf(f connector.Field) string {
	if f.Sensitive && f.Example != "" {
		return credentials.Mask
	}
	return f.Example
}

// has reports whether any of the records has something at a path.
func (src *sampled) has(at string) bool { return src.leaves.types[itemsOf(at)] != "" }

// The bounds of what is looked at in a record.
const (
	maxLeaves = 1000
	maxDepth  = 8
	maxItems  = 3 // of a list
)

// leaves are the single values of records, by path in the order of their coming,
// [] for any item of a list.
type leaves struct {
	paths   []string
	types   map[string]connector.FieldType
	samples map[string]string
}

func newLeaves() *leaves {
	return &leaves{types: map[string]connector.FieldType{}, samples: map[string]string{}}
}

func (l *leaves) walk(at string, raw json.RawMessage, depth int) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || depth > maxDepth || len(l.paths) >= maxLeaves:
	case raw[0] == '{':
		l.object(at, raw, depth)
	case raw[0] == '[':
		l.list(at, raw, depth)
	default:
		l.leaf(at, raw)
	}
}

func (l *leaves) object(at string, raw json.RawMessage, depth int) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return
	}
	for d.More() {
		key, err := d.Token()
		name, ok := key.(string)
		var value json.RawMessage
		if err != nil || !ok || d.Decode(&value) != nil {
			return
		}
		l.walk(at+joined(at != "", name), value, depth+1)
	}
}

func (l *leaves) list(at string, raw json.RawMessage, depth int) {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return
	}
	if !slices.ContainsFunc(items, func(item json.RawMessage) bool { return len(item) > 0 && item[0] == '{' }) {
		l.leaf(at, raw)
		return
	}
	for _, item := range items[:min(len(items), maxItems)] {
		l.walk(at+"[]", item, depth+1)
	}
}

func (l *leaves) leaf(at string, raw json.RawMessage) {
	kind, text := connector.StringField, string(raw)
	switch raw[0] {
	case '"':
		if json.Unmarshal(raw, &text) != nil {
			return
		}
	case '[':
		kind = connector.ListField
	case 't', 'f':
		kind = connector.BooleanField
	case 'n':
		kind, text = "", ""
	default:
		kind = connector.NumberField
	}
	if _, known := l.types[at]; !known {
		l.paths = append(l.paths, at)
	}
	if l.types[at] == "" {
		l.types[at] = kind
	}
	if l.samples[at] == "" {
		l.samples[at] = text
	}
}
