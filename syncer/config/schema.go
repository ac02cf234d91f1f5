package config

import (
	"encoding/json"
	"strconv"

	"github.com/vendorsync/vendorsync/connector"
)

// JSONSchema returns the JSON Schema (2020-12) of the file, for editors that
// complete and check while a person writes. It is made of the keys that Parse
// reads by. With a registry it knows the connectors, their streams and their
// settings too; nil is for any connector.
func JSONSchema(registry *connector.Registry) []byte {
	entry := entryForm()
	entrySchema := entry.schema.with("anyOf", []any{
		schema{"required": []any{"id"}, "properties": schema{"id": schema{"not": schema{"type": "null"}}}},
		schema{"required": []any{"name"}, "properties": schema{"name": schema{"not": schema{"type": "null"}}}},
	})
	if connectors := registry.All(); len(connectors) > 0 {
		entrySchema = entrySchema.with("allOf", perConnector(connectors))
	}
	root := fileForm().schema.with("$schema", "https://json-schema.org/draft/2020-12/schema").with("title", "vendorsync configuration")
	properties, ok := root["properties"].(schema)
	if list, isList := properties["integrations"].(schema); ok && isList {
		root["properties"] = properties.with("integrations", list.with("items", entrySchema))
	}
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil { // texts, numbers and lists of them always marshal
		return nil
	}
	return append(b, '\n')
}

// perConnector says what an entry may hold, by its connector.
func perConnector(connectors []connector.Connector) []any {
	ids := make([]any, len(connectors))
	for i, c := range connectors {
		ids[i] = c.Spec().ID
	}
	rules := []any{schema{"properties": schema{"connector": schema{"enum": ids}}}}
	for _, c := range connectors {
		spec := c.Spec()
		streams := []any{nil}
		for _, s := range spec.Streams {
			streams = append(streams, s.Name)
		}
		settings := schema{}
		for _, s := range spec.Settings {
			settings[s.Name] = settingSchema(s)
		}
		then := schema{"properties": schema{
			"stream":   schema{"enum": streams},
			"settings": schema{"properties": settings, "additionalProperties": false},
		}}
		if len(spec.Streams) > 1 {
			then["required"] = []any{"stream"}
		}
		rules = append(rules, schema{
			"if":   schema{"required": []any{"connector"}, "properties": schema{"connector": schema{"const": spec.ID}}},
			"then": then,
		})
	}
	return rules
}

// settingSchema says what a setting holds. The type is that of the text, since
// any scalar is taken as it is written.
func settingSchema(s connector.Setting) schema {
	out := schema{"description": s.Help}
	if s.Label != "" {
		out["title"] = s.Label
	}
	if s.Default != "" {
		out["default"] = s.Default
	}
	if one := enumOf(s); one != nil && !s.Multi {
		out["enum"] = append(one, nil, "")
	} else if s.Secret {
		out["type"] = "null"
	} else if !s.Multi {
		out["type"] = []any{"string", "number", "boolean", "null", "array"}
		out["maxItems"] = 1
	}
	return out
}

// enumOf returns the choices of a setting, nil if it has none or if YAML could
// read one of them as something else than a text.
func enumOf(s connector.Setting) []any {
	var enum []any
	for _, c := range s.Choices {
		if _, err := strconv.ParseFloat(c, 64); err == nil || c == "true" || c == "false" {
			return nil
		}
		enum = append(enum, c)
	}
	return enum
}
