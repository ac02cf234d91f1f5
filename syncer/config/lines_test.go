package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer/config"
)

func TestSetMappingChangesOneLineAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	entry := func(lines string) string {
		return "integrations:\n  - id: a\n    connector: files\n    mapping:\n" + lines + "\n  # the next one\n  - id: b\n    connector: files\n"
	}
	set := func(f mapping.FieldMapping) config.MappingEdit {
		return config.MappingEdit{Set: []mapping.FieldMapping{f}}
	}
	unset := func(fields ...string) config.MappingEdit { return config.MappingEdit{Unset: fields} }
	tests := map[string]struct {
		before string
		edit   config.MappingEdit
		after  string
	}{
		"another path": {
			entry("      fields:\n        # the number\n        - {to: imei, from: imei, write: if-empty}   # why\n        - {to: model, from: m}"),
			set(mapping.FieldMapping{To: "imei", From: "radio.imei"}),
			entry("      fields:\n        # the number\n        - {to: imei, from: radio.imei, write: if-empty}   # why\n        - {to: model, from: m}"),
		},
		"a template in place of a constant": {
			entry("      fields:\n        - {to: status, value: Active, write: on-create}  # why"),
			set(mapping.FieldMapping{To: "status", From: "{{ record.a ~ 'b' }}"}),
			entry("      fields:\n        - {to: status, from: '{{ record.a ~ ''b'' }}', write: on-create}  # why"),
		},
		"a setting, and a default that stays": {
			entry("      fields:\n        - {to: location, default: Here}"),
			set(mapping.FieldMapping{To: "location", Setting: "format"}),
			entry("      fields:\n        - {to: location, default: Here, setting: format}"),
		},
		"a path and its format": {
			entry("      fields:\n        - {to: enrolled_at, from: a, format: ldap, default: 2026-01-01}"),
			set(mapping.FieldMapping{To: "enrolled_at", From: "b", Format: mapping.EpochMillis}),
			entry("      fields:\n        - {to: enrolled_at, from: b, format: epoch-millis, default: 2026-01-01}"),
		},
		"a line of several lines": {
			entry("      fields:\n        - to: imei\n          from: imei  # why\n          write: if-empty\n        - to: model\n          from: m"),
			set(mapping.FieldMapping{To: "imei", From: "radio.imei"}),
			entry("      fields:\n        - to: imei\n          from: radio.imei  # why\n          write: if-empty\n        - to: model\n          from: m"),
		},
		"another kind of source in a line of several lines": {
			entry("      fields:\n        - to: imei\n          from: imei\n          write: if-empty\n        - to: model\n          from: m"),
			set(mapping.FieldMapping{To: "imei", Value: "1"}),
			entry("      fields:\n        - {to: imei, value: 1, write: if-empty}\n        - to: model\n          from: m"),
		},
		"a new line goes to the end": {
			entry("      fields:\n        - {to: imei, from: imei}  # one\n        # - {to: udid, from: udid}\n      sync_keys: [imei]"),
			set(mapping.FieldMapping{To: "model", From: "m"}),
			entry("      fields:\n        - {to: imei, from: imei}  # one\n        - {to: model, from: m}\n        # - {to: udid, from: udid}\n      sync_keys: [imei]"),
		},
		"a new line in brackets": {
			entry("      fields: [{to: imei, from: imei} ]  # all"),
			set(mapping.FieldMapping{To: "model", From: "m"}),
			entry("      fields: [{to: imei, from: imei}, {to: model, from: m} ]  # all"),
		},
		"the first line in brackets": {
			entry("      fields: []  # all"),
			set(mapping.FieldMapping{To: "model", From: "m"}),
			entry("      fields:  # all\n        - {to: model, from: m}"),
		},
		"a field by its name": {
			entry("      fields:\n        imei: imei  # why\n        model: m"),
			set(mapping.FieldMapping{To: "imei", From: "radio.imei"}),
			entry("      fields:\n        imei: radio.imei  # why\n        model: m"),
		},
		"a constant by a field's name": {
			entry("      fields:\n        imei: imei\n        model: m"),
			set(mapping.FieldMapping{To: "model", Value: "X"}),
			entry("      fields:\n        imei: imei\n        model: {value: X}"),
		},
		"a field by its name, at length": {
			entry("      fields:\n        imei:\n          from: imei\n          write: if-empty\n        model: m"),
			set(mapping.FieldMapping{To: "imei", Setting: "key"}),
			entry("      fields:\n        imei: {setting: key, write: if-empty}\n        model: m"),
		},
		"a new field by its name": {
			entry("      fields:\n        imei: imei"),
			set(mapping.FieldMapping{To: "model", From: "m"}),
			entry("      fields:\n        imei: imei\n        model: m"),
		},
		"a line less": {
			entry("      fields:\n        - {to: imei, from: imei}\n        - {to: udid, from: udid}  # gone\n        - {to: model, from: m}  # stays"),
			unset("udid"),
			entry("      fields:\n        - {to: imei, from: imei}\n        - {to: model, from: m}  # stays"),
		},
		"a line of several lines less": {
			entry("      fields:\n        - to: imei\n          from: imei\n        - to: model\n          from: m"),
			unset("imei"),
			entry("      fields:\n        - to: model\n          from: m"),
		},
		"lines in brackets less": {
			entry("      fields: [{to: imei, from: a}, {to: udid, from: b}, {to: model, from: c}]"),
			unset("model", "imei"),
			entry("      fields: [{to: udid, from: b}]"),
		},
		"the last line less": {
			entry("      fields:\n        - {to: imei, from: imei}\n      sync_keys: []"),
			unset("imei"),
			entry("      fields: []\n      sync_keys: []"),
		},
		"a field by its name less": {
			entry("      fields:\n        imei: imei\n        udid: {from: u}\n        model: m"),
			unset("udid"),
			entry("      fields:\n        imei: imei\n        model: m"),
		},
		"fields in braces less": {
			entry("      fields: {imei: a, udid: b, model: c}"),
			unset("model", "imei"),
			entry("      fields: {udid: b}"),
		},
		"the last field by its name less": {
			entry("      fields:\n        imei: imei"),
			unset("imei"),
			entry("      fields: {}"),
		},
		"sync keys": {
			entry("      fields: {imei: a, udid: b}\n      sync_keys: [imei]  # best first"),
			config.MappingEdit{SyncKeys: []mapping.SyncKey{{Field: "udid"}, {Field: "imei", Update: true}}},
			entry("      fields: {imei: a, udid: b}\n      sync_keys: [udid, {field: imei, update: true}]  # best first"),
		},
		"no sync keys": {
			entry("      fields: {imei: a, udid: b}\n      sync_keys: [imei]"),
			config.MappingEdit{SyncKeys: []mapping.SyncKey{}},
			entry("      fields: {imei: a, udid: b}\n      sync_keys: []"),
		},
		"all of it": {
			entry("      fields:\n        - {to: imei, from: a}\n        - {to: udid, from: b}"),
			config.MappingEdit{Set: []mapping.FieldMapping{{To: "model", From: "m"}, {To: "status", Value: "x"}}, Unset: []string{"imei"}, SyncKeys: []mapping.SyncKey{{Field: "udid"}}},
			entry("      fields:\n        - {to: udid, from: b}\n        - {to: model, from: m}\n        - {to: status, value: x}\n      sync_keys: [udid]"),
		},
		"a mapping that is the stream's is spelled out": {
			"integrations:\n  - id: a\n    connector: fleet\n    stream: hosts  # the machines\n",
			set(mapping.FieldMapping{To: "status", From: "state"}),
			"integrations:\n  - id: a\n    connector: fleet\n    stream: hosts  # the machines\n    mapping:\n      fields:\n        - {to: serial_number, from: serial}\n        - {to: enrolled_at, from: enrolled, format: epoch-seconds}\n        - {to: status, from: state}\n      sync_keys: [serial_number]\n      children:\n        - object: software\n          from: apps\n          fields:\n            - {to: name, from: name}\n",
		},
		"what of the mapping is written already stays": {
			"integrations:\n  - id: a\n    connector: fleet\n    stream: hosts\n    mapping:\n      children: []\n      sync_keys: []\n",
			unset("enrolled_at"),
			"integrations:\n  - id: a\n    connector: fleet\n    stream: hosts\n    mapping:\n      children: []\n      sync_keys: []\n      fields:\n        - {to: serial_number, from: serial}\n        - {to: status, value: Active}\n",
		},
		"the default role is no part of what is spelled out": {
			"integrations:\n  - id: a\n    connector: fleet\n    stream: people\n    default_role: Employee\n",
			set(mapping.FieldMapping{To: "email", From: "email"}),
			"integrations:\n  - id: a\n    connector: fleet\n    stream: people\n    default_role: Employee\n    mapping:\n      fields:\n        - {to: email, from: email}\n",
		},
		"an empty mapping": {
			entry("      fields:\n      key: id"),
			set(mapping.FieldMapping{To: "model", From: "m"}),
			entry("      fields:\n        - {to: model, from: m}\n      key: id"),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := config.SetMapping([]byte(tt.before), "a", config.Options{Registry: registry(t)}, tt.edit)
			require.NoError(t, err)
			require.Equal(t, tt.after, string(got))
			_, err = parse(t, string(got))
			require.NoError(t, err)
		})
	}
}

func TestSetMappingRefuses(t *testing.T) {
	t.Parallel()
	file := "integrations:\n  - id: laptops\n    connector: files\n    mapping: {fields: [{to: imei, from: a}, &u {to: udid, from: b}]}\n" +
		"  - {id: phones, connector: files, mapping: {fields: [*u]}}\n  - &t {id: tablets, connector: files, mapping: {fields: []}}\n  - {id: odd, connector: nope}\n  - {id: odder, connector: files, mapping: {fields: all}}\n"
	tests := map[string]struct {
		id   string
		edit config.MappingEdit
		want string
	}{
		"an entry that is not there":    {"laptop", config.MappingEdit{Unset: []string{"imei"}}, `change the mapping of laptop: the file has no integration "laptop"; did you mean "laptops"?`},
		"a field that is not mapped":    {"laptops", config.MappingEdit{Unset: []string{"model"}}, `change the mapping of laptops: model is not mapped`},
		"a field without a source":      {"laptops", config.MappingEdit{Set: []mapping.FieldMapping{{To: "model"}}}, `change the mapping of laptops: model: say where it comes from: a path or a template, a constant, or a setting`},
		"a line that is shared":         {"laptops", config.MappingEdit{Unset: []string{"udid"}}, `change the mapping of laptops: the line of udid is shared with other places of the file by an alias; change it by hand`},
		"a line that is an alias":       {"phones", config.MappingEdit{Set: []mapping.FieldMapping{{To: "udid", From: "c"}}}, `change the mapping of phones: udid: the line of udid is shared with other places of the file by an alias; change it by hand`},
		"an entry that is shared":       {"tablets", config.MappingEdit{Set: []mapping.FieldMapping{{To: "udid", From: "c"}}}, `change the mapping of tablets: udid: the entry is shared with other places of the file by an alias; change it by hand`},
		"a connector that is not there": {"odd", config.MappingEdit{Set: []mapping.FieldMapping{{To: "udid", From: "c"}}}, `change the mapping of odd: f.yaml:7:26: integrations[3].connector: there is no connector "nope"; there are files, fleet`},
		"a text that is not UTF-8":      {"laptops", config.MappingEdit{Set: []mapping.FieldMapping{{To: "imei", From: "\x93"}}}, `change the mapping of laptops: imei: "\x93" is not UTF-8`},
		"a mapping that holds no lines": {"odder", config.MappingEdit{Set: []mapping.FieldMapping{{To: "udid", From: "c"}}}, `change the mapping of odder: udid: mapping.fields holds no lines`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.SetMapping([]byte(file), tt.id, config.Options{Name: "f.yaml", Registry: registry(t)}, tt.edit)
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestSetTop(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ before, key, value, after string }{
		"the first order":                {"store: memory  # for a try\n", "precedence.assets", "okta, jamf", "store: memory  # for a try\nprecedence: {assets: [okta, jamf]}\n"},
		"another order":                  {"precedence:\n  users: [a]\n  assets: [b]  # why\nintegrations: []\n", "precedence.assets", "[c, b]", "precedence:\n  users: [a]\n  assets: [c, b]  # why\nintegrations: []\n"},
		"an order for another object":    {"precedence:\n  users: [a]\nintegrations: []\n", "precedence.assets", "c", "precedence:\n  users: [a]\n  assets: [c]\nintegrations: []\n"},
		"an order at length":             {"precedence: {assets: [a]}\n", "precedence.assets", "{order: [b], silent_after: 30d}", "precedence: {assets: {order: [b], silent_after: 30d}}\n"},
		"the first key of an empty file": {"# mine\n", "store", "memory", "# mine\nstore: memory\n"},
		"the first key of no file":       {"", "precedence.assets", "a", "precedence: {assets: [a]}\n"},
		"roles":                          {"roles: [A]\n", "roles", "A, B", "roles: [A, B]\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := config.SetTop([]byte(tt.before), config.Options{}, config.Assignment{Key: tt.key, Value: tt.value})
			require.NoError(t, err)
			require.Equal(t, tt.after, string(got))
		})
	}
	for name, tt := range map[string]struct{ key, value, want string }{
		"a key that there is not":     {"stoer", "x", `set stoer: there is no key "stoer"; did you mean "store"?`},
		"a key below a text":          {"store.x", "y", `set store.x: store holds no keys`},
		"an order that does not read": {"precedence.assets", "{order: [", `set precedence.assets: "{order: [" is no value in YAML`},
		"an entry, which Set is for":  {"integrations.a", "x", `set integrations.a: integrations holds no keys`},
		"a file that does not read":   {"", "", `set : f.yaml:1: this is not YAML: mapping values are not allowed in this context`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := "store: memory\n"
			if tt.key == "" {
				text = "a: b: c\n"
			}
			_, err := config.SetTop([]byte(text), config.Options{Name: "f.yaml"}, config.Assignment{Key: tt.key, Value: tt.value})
			require.EqualError(t, err, tt.want)
		})
	}
}

// The keys of an entry are set as the older ones are.
func TestSetKnowsTheRulesOfAnEntry(t *testing.T) {
	t.Parallel()
	for key, tt := range map[string]struct{ value, line string }{
		"filter":              {"{{ record.status == 'ACTIVE' }}", "filter: '{{ record.status == ''ACTIVE'' }}'"},
		"create_if":           {"managed", "create_if: managed"},
		"ignore_unseen":       {"90d", "ignore_unseen: 90d"},
		"default_role":        {"Employee", "default_role: Employee"},
		"absence":             {"deactivate", "absence: deactivate"},
		"saas.application":    {"Slack", "saas: {application: Slack}"},
		"saas":                {"{application: Slack, fields: {status: state}}", "saas: {application: Slack, fields: {status: state}}"},
		"mapping.fields":      {"{model: '{{ a }}'}", "mapping: {fields: {model: '{{ a }}'}}"},
		"mapping.fields.imei": {"{{ a ~ b }}", "mapping: {fields: {imei: '{{ a ~ b }}'}}"},
	} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			before := "integrations:\n  - id: a\n    connector: files\n"
			got, err := config.Set([]byte(before), "a", config.Options{Registry: registry(t)}, config.Assignment{Key: key, Value: tt.value})
			require.NoError(t, err)
			require.Equal(t, before+"    "+tt.line+"\n", string(got))
			_, err = parse(t, string(got))
			require.NoError(t, err)
		})
	}
	unseen := "integrations:\n  - id: a\n    connector: files\n    ignore_unseen: 90d\n"
	got, err := config.Set([]byte(unseen), "a", config.Options{}, config.Assignment{Key: "ignore_unseen", Value: "{field: enrolled_at, days: 9}"})
	require.NoError(t, err)
	require.Equal(t, mapping.Unseen{Field: "enrolled_at", Days: 9}, mustParse(t, string(got)).Integrations[0].Mapping.Unseen)
	_, err = config.Set([]byte(unseen), "a", config.Options{}, config.Assignment{Key: "ignore_unseen", Value: "soon"})
	require.EqualError(t, err, `set ignore_unseen of a: "soon" is no age such as 90d or 13w`)
}

// Whatever the layout, a line that was set reads back as it was set, one that was
// taken out is gone, and nothing else has changed.
func FuzzSetMapping(f *testing.F) {
	const head = "integrations:\n  - id: a\n    connector: files\n    mapping:\n"
	f.Add(head+"      fields:\n        - {to: imei, from: imei} # why\n        - to: udid\n          from: u\n", "{{ a }}")
	f.Add(head+"      fields: {imei: a, 'udid': {from: b}, model: c}\n", "a: b")
	f.Add(head+"      fields: [{to: imei,\n   value: x}, {to: udid, from: 'y]'}]\n", "# x")
	f.Add(head+"      fields:\n      -\n        to: imei\n      - ? to\n        : udid\n        from: |\n         x\n", "x\ny")
	f.Add(head+"      fields:\n        - ? to\n          : udid\n", "\x93")
	r := registry(f)
	f.Fuzz(func(t *testing.T, text, value string) {
		opt := config.Options{Registry: r}
		before, err := config.Parse([]byte(text), opt)
		if err != nil {
			return
		}
		old, ok := before.Entry("a")
		if !ok || value == "" {
			return
		}
		line := func(m mapping.Mapping, to string) int {
			for i, f := range m.Fields {
				if f.To == to {
					return i
				}
			}
			return -1
		}
		data, err := config.SetMapping([]byte(text), "a", opt, config.MappingEdit{Set: []mapping.FieldMapping{{To: "imei", From: value}}, Unset: []string{"udid"}})
		if err != nil {
			return // an alias, a value that YAML cannot hold, or a field that is not mapped
		}
		after, err := config.Parse(data, opt)
		if err != nil {
			t.Fatalf("%q set in\n%s\ngives\n%s\n%v", value, text, data, err)
		}
		now, _ := after.Entry("a")
		i := line(now.Mapping, "imei")
		if i < 0 || now.Mapping.Fields[i].From != value || now.Mapping.Fields[i].Value != "" || now.Mapping.Fields[i].Setting != "" {
			t.Fatalf("%q set in\n%s\ngives\n%s", value, text, data)
		}
		want := len(old.Mapping.Fields) - 1
		if line(old.Mapping, "imei") < 0 {
			want++
		}
		require.Len(t, now.Mapping.Fields, want)
		now.Mapping.Fields, now.Line = old.Mapping.Fields, old.Line
		require.Equal(t, old, now)
		require.Len(t, after.Integrations, len(before.Integrations))
	})
}
