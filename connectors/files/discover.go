package files

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
)

const (
	discoverRecords = 100
	discoverFields  = 1000
	discoverDepth   = 32 // levels of objects
	exampleLength   = 80 // characters
)

// Discover returns the fields of the first 100 records, in the order in which
// they come: their paths through objects, their types and the first value that
// is not empty as an example. Lists are told as a whole. A field with values of
// several types is told as a string, one that is null throughout too.
func (s *source) Discover(ctx context.Context, stream string) ([]connector.Field, error) {
	var d discovery
	left := discoverRecords
	req := connector.Request{Stream: stream, Limit: left}
	for page, err := range s.Read(ctx, req) {
		if err != nil {
			return nil, err
		}
		for _, rec := range page.Records[:min(left, len(page.Records))] {
			d.record(rec)
			left--
		}
		if left == 0 {
			break
		}
	}
	return d.list(), nil
}

// A discovery gathers the fields of records.
type discovery struct {
	fields []connector.Field
	index  map[string]int // path to index in fields
}

func (d *discovery) list() []connector.Field {
	for i := range d.fields {
		if d.fields[i].Type == "" {
			d.fields[i].Type = connector.StringField
		}
	}
	return d.fields
}

// record takes in a record. One that is not valid JSON has no fields.
func (d *discovery) record(rec connector.Record) {
	if json.Valid(rec) {
		d.object(rec, nil)
	}
}

// object takes in the members of a valid JSON object.
func (d *discovery) object(object []byte, at path.Path) {
	if len(at) == discoverDepth {
		return
	}
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil {
		return
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return
		}
		name, _ := key.(string) // in valid JSON a key is a string
		d.value(value, append(at[:len(at):len(at)], path.Step{Key: name}))
	}
}

// value takes in one value. A null tells nothing but that the field is there.
func (d *discovery) value(value json.RawMessage, at path.Path) {
	var kind connector.FieldType
	switch value[0] {
	case '{':
		d.object(value, at)
		return
	case '[':
		kind = connector.ListField
	case '"':
		kind = connector.StringField
	case 't', 'f':
		kind = connector.BooleanField
	case 'n':
	default:
		kind = connector.NumberField
	}
	f := d.field(at.String())
	switch {
	case f == nil, kind == "":
		return
	case f.Type == "":
		f.Type = kind
	case f.Type != kind:
		f.Type = connector.StringField
	}
	if f.Example == "" {
		f.Example = example(value)
	}
}

// field returns the field of that path, or nil if it is one too many.
func (d *discovery) field(at string) *connector.Field {
	i, ok := d.index[at]
	if !ok {
		if d.index == nil {
			d.index = map[string]int{}
		}
		if i = len(d.fields); i == discoverFields || len(at) > path.MaxLength {
			return nil
		}
		d.index[at] = i
		d.fields = append(d.fields, connector.Field{Path: at})
	}
	return &d.fields[i]
}

// example returns a value as a person would write it, shortened: the text of a
// string, the JSON of everything else.
func example(value json.RawMessage) string {
	text := string(value)
	if value[0] == '"' {
		if json.Unmarshal(value, &text) != nil {
			return ""
		}
	}
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > exampleLength {
		text = string([]rune(text)[:exampleLength]) + "..."
	}
	return text
}
