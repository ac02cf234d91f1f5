package config_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/syncer/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, got, 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func compile(t *testing.T, r *connector.Registry) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config.JSONSchema(r)))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("vendorsync.json", doc))
	s, err := c.Compile("vendorsync.json")
	require.NoError(t, err)
	return s
}

// asJSON is what an editor's YAML server hands to the schema.
func asJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	require.NoError(t, yaml.Unmarshal([]byte(text), &v))
	b, err := json.Marshal(v)
	require.NoError(t, err)
	v, err = jsonschema.UnmarshalJSON(bytes.NewReader(b))
	require.NoError(t, err)
	return v
}

func TestJSONSchemaIsTheRecordedOne(t *testing.T) {
	t.Parallel()
	golden(t, "schema.json", config.JSONSchema(nil))
	golden(t, "schema_connectors.json", config.JSONSchema(registry(t)))
}

// What the parser takes, the schema takes; what the schema refuses, the parser
// refuses.
func TestJSONSchemaAgreesWithTheParser(t *testing.T) {
	t.Parallel()
	entry := func(lines string) string { return "integrations:\n  - id: a\n    connector: files\n" + lines }
	hosts := "integrations:\n  - id: a\n    connector: fleet\n    stream: hosts\n"
	tests := map[string]struct {
		text  string
		right bool
	}{
		"the documented entry":                {laptops, true},
		"keys left empty":                     {"store:\nfields:\nintegrations:\n", true},
		"an entry with everything left empty": {entry("    stream:\n    settings:\n    policy:\n    launch:\n    contacts:\n    mapping:\n"), true},
		"settings left empty":                 {entry("    settings: {path: , format: }\n"), true},
		"numbers and booleans for texts":      {entry("    name: 7\n    settings: {path: 1, key: true}\n"), true},
		"a setting of several values":         {hosts + "    settings: {teams: [a, 7]}\n", true},
		"one value for a list":                {hosts + "    settings: {teams: a}\n    contacts: a\n", true},
		"a sync key with its update":          {entry("    mapping: {sync_keys: [imei, {field: udid, update: true}]}\n"), true},
		"custom fields":                       {"fields: {assets: [{name: rack, type: choice, choices: A}]}\n", true},
		"a name in place of an id":            {"integrations: [{name: A, connector: files}]\n", true},
		"lines by their fields' names":        {entry("    mapping: {fields: {model: a, status: {value: 7, write: on-create}, location: }, children: [{object: software, from: a, fields: {name: b}}]}\n"), true},
		"a table of values":                   {entry("    mapping: {fields: [{to: status, from: a, values: {OSX: macOS, '11': 12, 'true': yes}, unlisted: clear}]}\n"), true},
		"rules of an entry":                   {entry("    filter: '{{ a }}'\n    create_if: a\n    update_if:\n    ignore_unseen: 90d\n    default_role: A\n    absence: deactivate\n    saas:\n"), true},
		"an age as a number":                  {entry("    ignore_unseen: 90\n"), true},
		"an age at length":                    {entry("    ignore_unseen: {field: a, days: 13w}\n"), true},
		"an account":                          {entry("    saas: {application: Slack, deactivate: true, fields: {status: a}}\n"), true},
		"an account of an id":                 {entry("    saas: {application_id: 7, fields: [{to: status, from: a}]}\n"), true},
		"orders":                              {"precedence: {assets: [a], users: a, software: {order: [a], silent_after: 30d, fields: {name: [a]}}, saas_users: }\n" + entry(""), true},
		"a target inside a line by name":      {entry("    mapping: {fields: {model: {to: model, from: a}}}\n"), false},
		"a list for a path by name":           {entry("    mapping: {fields: {model: [a]}}\n"), false},
		"a table with a value left out":       {entry("    mapping: {fields: {status: {from: a, values: {x: }}}}\n"), false},
		"a rule that there is not":            {entry("    mapping: {fields: {status: {from: a, unlisted: drop}}}\n"), false},
		"an age that is none":                 {entry("    ignore_unseen: soon\n"), false},
		"an age beyond all measure":           {entry("    ignore_unseen: 36501\n"), false},
		"an age without its days":             {entry("    ignore_unseen: {field: a}\n"), false},
		"an application twice":                {entry("    saas: {application: A, application_id: B}\n"), false},
		"no application":                      {entry("    saas: {deactivate: true}\n"), false},
		"an order of objects":                 {"precedence: {assets: [{id: a}]}\n" + entry(""), false},
		"a key that precedence does not have": {"precedence: {assets: {orders: [a]}}\n" + entry(""), false},
		"an unknown key at the top":           {"stores: a\n", false},
		"an unknown key in an entry":          {entry("    polcy: create-only\n"), false},
		"an unknown key in a mapping":         {entry("    mapping: {feilds: []}\n"), false},
		"an unknown key in a field":           {entry("    mapping: {fields: [{to: a, form: b}]}\n"), false},
		"an unknown key in a sync key":        {entry("    mapping: {sync_keys: [{field: a, updates: true}]}\n"), false},
		"an unknown key in a child":           {entry("    mapping: {children: [{object: a, from: b, fields: [], to: c}]}\n"), false},
		"an unknown key in a custom field":    {"fields: {assets: [{name: a, kind: text}]}\n", false},
		"a word of a choice misspelt":         {entry("    policy: create_only\n"), false},
		"a text for a truth":                  {entry("    launch: 'true'\n"), false},
		"no connector":                        {"integrations: [{id: a}]\n", false},
		"neither id nor name":                 {"integrations: [{connector: files}]\n", false},
		"id and name left empty":              {"integrations: [{id: , name: , connector: files}]\n", false},
		"an unknown connector":                {"integrations: [{id: a, connector: nope}]\n", false},
		"an unknown stream":                   {entry("    stream: nope\n"), false},
		"a stream not chosen":                 {"integrations: [{id: a, connector: fleet}]\n", false},
		"an unknown setting":                  {entry("    settings: {pth: a}\n"), false},
		"a setting outside its choices":       {entry("    settings: {format: xml}\n"), false},
		"a setting with keys":                 {entry("    settings: {path: {a: b}}\n"), false},
		"two values for one":                  {entry("    settings: {path: [a, b]}\n"), false},
		"a secret in the file":                {hosts + "    settings: {token: abc}\n", false},
		"a text for the list of integrations": {"integrations: files\n", false},
		"an empty item":                       {"integrations: [null]\n", false},
		"a field without a target":            {entry("    mapping: {fields: [{from: a}]}\n"), false},
	}
	s := compile(t, registry(t))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bySchema := s.Validate(asJSON(t, tt.text))
			_, byParser := parse(t, tt.text)
			if tt.right {
				require.NoError(t, bySchema)
				require.NoError(t, byParser)
			} else {
				require.Error(t, bySchema)
				require.Error(t, byParser)
			}
		})
	}
}

func TestJSONSchemaWithoutARegistryTakesAnyConnector(t *testing.T) {
	t.Parallel()
	s := compile(t, nil)
	require.NoError(t, s.Validate(asJSON(t, "integrations: [{id: a, connector: own, settings: {x: 1}}]\n")))
	require.Error(t, s.Validate(asJSON(t, "integrations: [{id: a, connector: own, settings: {x: {y: 1}}}]\n")))
}
