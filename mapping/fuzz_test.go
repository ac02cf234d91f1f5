package mapping_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
	"github.com/vendorsync/vendorsync/mapping"
)

// fuzzPaths are what FuzzMap takes out of a record, into text fields.
var fuzzPaths = map[string]string{
	"model": "a", "vendor": "a.b", "cpu": "a.b.c", "location": "l[0]", "department": "l[-1].x", "notes": "l[1][-2]",
	"os_name": "['odd.key']", "os_version": "größe", "os_build": "['']", "device_name": "l[0].x",
}

// FuzzMap holds the scanner to encoding/json: it takes what that takes, and finds
// what a walk over the decoded record finds.
func FuzzMap(f *testing.F) {
	for _, seed := range []string{
		`{"a":{"b":{"c":"x"}},"l":[{"x":1.10},[1,2,"\ud83d\ude00"],{"x":"y"}]}`,
		`{"a":"5E10","odd.key":"\u0041","gr\u00f6\u00dfe":true,"":null}`,
		`{"a":{"b":1},"a":{"c":2},"l":[],"l":null}`,
		` { "l" : [ [ ] , [ 1 , 2 ] ] } `, `{"a":`, `[]`, `{"a":"\ud800"}`, `{"a":-0.0e-0,"l":[[]]}`, `{"a":"0123456789\"\\0123456789"}`,
	} {
		f.Add([]byte(seed))
	}
	m := mapping.Mapping{Object: "assets", Key: "id"}
	for field, p := range fuzzPaths {
		m.Fields = append(m.Fields, from(field, p))
	}
	m.Children = []mapping.ChildMapping{{Object: "software", From: "l", Fields: []mapping.FieldMapping{from("name", "x")}}}
	p := compile(f, m)
	columns := p.Targets()[0].Columns
	f.Fuzz(func(t *testing.T, record []byte) {
		before := bytes.Clone(record)
		var out mapping.Out
		require.NoError(t, p.Map(record, &out))
		require.Equal(t, before, record, "a record is not written to")
		if depth(record) > 1000 {
			return
		}
		decoded, err := decodeObject(record)
		require.Equal(t, err == nil, len(out.Rows) > 0, "%v, but %v", err, out.Faults)
		if err != nil {
			require.Len(t, out.Faults, 1)
			require.Empty(t, out.VendorID)
			return
		}
		if !utf8.Valid(record) {
			return // encoding/json replaces what is not UTF-8, a fault here
		}
		for i, v := range out.Rows[0].Values {
			want, usable := asText(t, decoded, fuzzPaths[columns[i].Field])
			require.Equal(t, usable, !hasFault(out.Faults, columns[i].Field), "%s: %v", columns[i].Field, out.Faults)
			if usable {
				require.Equal(t, want, v, columns[i].Field)
			}
		}
		list, there := decoded["l"]
		_, isList := list.([]any)
		require.Equal(t, there && (list == nil || isList), out.Whole[2])
	})
}

// decodeObject decodes a record with the standard library, numbers as written.
func decodeObject(record []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(record))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something after the value")
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("not an object")
	}
	return object, nil
}

// depth returns at least how deep a document is nested.
func depth(record []byte) int {
	n, most := 0, 0
	for _, c := range record {
		switch c {
		case '{', '[':
			n++
			most = max(most, n)
		case '}', ']':
			n--
		}
	}
	return most
}

func hasFault(faults []mapping.Fault, field string) bool {
	for _, f := range faults {
		if f.Field == field {
			return true
		}
	}
	return false
}

// asText returns what a text field has to hold for a path, or false for a fault.
func asText(t *testing.T, record map[string]any, text string) (mapping.Value, bool) {
	t.Helper()
	steps, err := path.Parse(text)
	require.NoError(t, err)
	var v any = record
	for _, s := range steps {
		if v == nil {
			return mapping.Null, true
		}
		switch container := v.(type) {
		case map[string]any:
			inner, ok := container[s.Key]
			if !ok || s.IsIndex {
				return mapping.Value{}, true
			}
			v = inner
		case []any:
			if !s.IsIndex {
				return mapping.Value{}, true
			}
			i := s.Index
			if i < 0 {
				i += len(container)
			}
			if i < 0 || i >= len(container) {
				return mapping.Null, true
			}
			v = container[i]
		default:
			return mapping.Value{}, true
		}
	}
	switch v := v.(type) {
	case nil:
		return mapping.Null, true
	case string:
		if strings.TrimSpace(v) == "" {
			return mapping.Null, true
		}
		return mapping.TextValue(v), !strings.Contains(v, "\x00") && len(v) <= 64<<10
	case json.Number:
		return mapping.TextValue(v.String()), true
	case bool:
		if v {
			return mapping.TextValue("true"), true
		}
		return mapping.TextValue("false"), true
	}
	return mapping.Value{}, false
}

// FuzzCoerce holds every type to values that are canonical: what comes out goes
// in again and stays, and prints as valid JSON.
func FuzzCoerce(f *testing.F) {
	for _, seed := range []string{`"5E10"`, `1.5e-3`, `-0`, `"AA-BB-CC-DD-EE-FF"`, `["a",1,null,"a"]`, `"2026-01-02 15:04:05 +0100"`, `true`, `" yes "`, `"fe80::1%eth0"`, `"a@b"`, `{"a":1}`, `"\u0000"`, `[[]]`} {
		f.Add([]byte(seed))
	}
	var fields []mapping.Field
	for _, typ := range mapping.Types() {
		fields = append(fields, mapping.Field{Type: typ}, mapping.Field{Type: mapping.List, Item: typ}, mapping.Field{Type: typ, Placeholders: mapping.DefaultPlaceholders()})
	}
	fields = append(fields, mapping.Field{Type: mapping.Choice, Choices: []string{"Yes", "no", "5E10"}})
	f.Fuzz(func(t *testing.T, raw []byte) {
		for i := range fields {
			field := &fields[i]
			v, err := field.FromJSON(raw, "")
			if !json.Valid(raw) {
				require.Error(t, err)
			}
			if err != nil {
				require.Less(t, len(err.Error()), 2000)
				continue
			}
			require.NotEqual(t, mapping.KindAbsent, v.Kind)
			shown := field.AppendJSON(nil, v)
			require.True(t, json.Valid(shown), "%s", shown)
			_ = field.Format(v)
			_ = field.Normalize(v)
			if v.Kind != mapping.KindText {
				continue
			}
			require.True(t, utf8.ValidString(v.Text))
			again, err := field.FromJSON(shown, "")
			require.NoError(t, err, "%s of %s", shown, field.Type)
			require.Equal(t, v, again, "%s", field.Type)
		}
	})
}

// FuzzNormalize holds matching forms to be forms of their own.
func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{" Ada@Example.com", "c02xk1", "To Be Filled By O.E.M.", "0000", "ÄÖÜ", "aabb.ccdd.eeff", "İ", "ſ"} {
		f.Add(seed)
	}
	s := mapping.Standard()
	serial, email := fieldOf(f, s, "assets", "serial_number"), fieldOf(f, s, "users", "email")
	mac := &mapping.Field{Type: mapping.MAC}
	name := fieldOf(f, s, "software", "name")
	program := compile(f, mapping.Mapping{Object: "assets", Key: "id", Children: children(from("name", "name"), from("version", "v"))})
	f.Fuzz(func(t *testing.T, a string) {
		if !utf8.ValidString(a) {
			return
		}
		for _, field := range []*mapping.Field{serial, email, mac, name} {
			form := field.Normalize(mapping.TextValue(a))
			if folded := field.Normalize(mapping.TextValue(" " + a + "\t")); strings.TrimSpace(a) != "" {
				require.Equal(t, form, folded, "blanks around it mean nothing")
			}
		}
		// Two titles of one record are one row exactly if their forms are equal.
		first, err := json.Marshal(a)
		require.NoError(t, err)
		second, err := json.Marshal(strings.ToUpper(a))
		require.NoError(t, err)
		var out mapping.Out
		require.NoError(t, program.Map(connector.Record(`{"id":1,"apps":[{"name":`+string(first)+`,"v":"1"},{"name":`+string(second)+`,"v":"2"}]}`), &out))
		if len(out.Faults) > 0 {
			return
		}
		rows := 5
		if name.Normalize(mapping.TextValue(a)) == name.Normalize(mapping.TextValue(strings.ToUpper(a))) {
			rows = 4
		}
		require.Len(t, out.Rows, rows)
	})
}
