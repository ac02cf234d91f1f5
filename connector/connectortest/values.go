package connectortest

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
)

// decode returns a record as maps, lists, text, json.Number, bool and nil; a
// record that is not JSON is nil.
func decode(rec connector.Record) any {
	var doc any
	d := json.NewDecoder(bytes.NewReader(rec))
	d.UseNumber()
	if d.Decode(&doc) != nil {
		return nil
	}
	return doc
}

// find returns the values that a path leads to, nulls left out.
func find(doc any, p path.Path) []any {
	var out []any
	walk(doc, p, func(v any) {
		if v != nil {
			out = append(out, v)
		}
	})
	return out
}

// has reports whether a path leads anywhere, to a null perhaps.
func has(doc any, p path.Path) bool {
	found := false
	walk(doc, p, func(any) { found = true })
	return found
}

func walk(value any, p path.Path, visit func(any)) {
	if len(p) == 0 {
		visit(value)
		return
	}
	switch v := value.(type) {
	case map[string]any:
		if member, ok := v[p[0].Key]; ok && !p[0].IsIndex {
			walk(member, p[1:], visit)
		}
	case []any:
		for i, item := range v {
			if p[0].IsIndex && isAt(p[0], i, len(v)) {
				walk(item, p[1:], visit)
			}
		}
	}
}

// isAt reports whether a step leads to item i of n.
func isAt(step path.Step, i, n int) bool {
	return step.Every || i == step.Index || i == step.Index+n
}

// overlaps reports whether the value at one path can be the one at the other, or
// hold it, or lie inside it.
func overlaps(p, q path.Path) bool {
	for i := range min(len(p), len(q)) {
		a, b := p[i], q[i]
		switch {
		case a.IsIndex != b.IsIndex, !a.IsIndex && a.Key != b.Key:
			return false
		case a.Every || b.Every || a.Index < 0 != (b.Index < 0):
			// They meet in a list of the right length.
		case a.Index != b.Index:
			return false
		}
	}
	return true
}

// typeOf returns the type of a value that is not null.
func typeOf(value any) connector.FieldType {
	switch value.(type) {
	case string:
		return connector.StringField
	case bool:
		return connector.BooleanField
	case []any:
		return connector.ListField
	case map[string]any:
		return connector.ObjectField
	}
	return connector.NumberField
}

// vendorID returns the id at a record's key, as text.
func vendorID(doc any, key path.Path) (string, error) {
	values := find(doc, key)
	if len(values) == 0 {
		return "", fmt.Errorf("there is no %s", key)
	}
	switch v := values[0].(type) {
	case json.Number:
		return v.String(), nil
	case string:
		if v == "" {
			return "", fmt.Errorf("%s is empty", key)
		}
		return v, nil
	default:
		return "", fmt.Errorf("%s is a %s", key, typeOf(v))
	}
}

// clip shortens a value for an error message.
func clip(v any) string {
	const most = 80
	text := fmt.Sprint(v)
	if len(text) <= most {
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprintf("%q and %d bytes more", text[:most], len(text)-most)
}
