package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer/config"
)

func TestSetChangesOneValueAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before     string
		key, value string
		after      string
	}{
		"a plain value, its comment stays": {
			"integrations:\n  - id: a\n    policy: create-and-update    # why\n\n    connector: files\n",
			"policy", "create-only",
			"integrations:\n  - id: a\n    policy: create-only    # why\n\n    connector: files\n",
		},
		"a value in double quotes": {
			"integrations:\n  - id: a\n    name: \"A \\\" # b\"  # why\n    connector: files\n", "integration_user", "x",
			"integrations:\n  - id: a\n    name: \"A \\\" # b\"  # why\n    connector: files\n    integration_user: x\n",
		},
		"a quoted value itself": {
			"integrations:\n  - id: a\n    name: 'it''s'  # why\n    connector: files\n", "name", "Laptops",
			"integrations:\n  - id: a\n    name: Laptops  # why\n    connector: files\n",
		},
		"a key that is left empty": {
			"integrations:\n  - id: a\n    connector: files\n    integration_user:  # who\n    launch: false\n", "integration_user", "it@example.com",
			"integrations:\n  - id: a\n    connector: files\n    integration_user: it@example.com  # who\n    launch: false\n",
		},
		"a new key goes to the entry's end": {
			"integrations:\n  - id: a\n    connector: files\n    settings:\n      path: x\n      # key: id\n\n  # the next one\n  - id: b\n    connector: files\n", "launch", "true",
			"integrations:\n  - id: a\n    connector: files\n    settings:\n      path: x\n      # key: id\n    launch: true\n\n  # the next one\n  - id: b\n    connector: files\n",
		},
		"a new key at the end of a file without a line end": {
			"integrations:\n- id: a\n  connector: files", "launch", "true",
			"integrations:\n- id: a\n  connector: files\n  launch: true",
		},
		"a setting in braces": {
			"integrations:\n  - id: a\n    connector: files\n    settings: {path: old.csv, key: id}  # here\n", "settings.path", "new, old.csv",
			"integrations:\n  - id: a\n    connector: files\n    settings: {path: 'new, old.csv', key: id}  # here\n",
		},
		"a new setting in braces": {
			"integrations:\n  - id: a\n    connector: files\n    settings: {path: x }\n", "settings.key", "serial",
			"integrations:\n  - id: a\n    connector: files\n    settings: {path: x, key: serial }\n",
		},
		"a setting in empty braces": {
			"integrations:\n  - id: a\n    connector: files\n    settings: {}\n", "settings.key", "serial",
			"integrations:\n  - id: a\n    connector: files\n    settings: {key: serial}\n",
		},
		"the first setting": {
			"integrations:\n  - id: a\n    connector: files\n", "settings.key", "serial",
			"integrations:\n  - id: a\n    connector: files\n    settings: {key: serial}\n",
		},
		"the first setting under a key left empty": {
			"integrations:\n  - id: a\n    settings:\n    connector: files\n", "settings.key", "serial",
			"integrations:\n  - id: a\n    settings: {key: serial}\n    connector: files\n",
		},
		"a setting named without its prefix": {
			"integrations:\n  - id: a\n    connector: files\n    settings:\n      path: x\n", "page_size", "7",
			"integrations:\n  - id: a\n    connector: files\n    settings:\n      path: x\n      page_size: 7\n",
		},
		"a setting of several values": {
			"integrations:\n  - id: a\n    connector: fleet\n    stream: hosts\n", "teams", "IT, Sales",
			"integrations:\n  - id: a\n    connector: fleet\n    stream: hosts\n    settings: {teams: [IT, Sales]}\n",
		},
		"sync keys in brackets": {
			"integrations:\n  - id: a\n    connector: files\n    mapping:\n      sync_keys: [imei]   # best first\n      fields:\n        - {to: imei, from: imei}\n", "mapping.sync_keys", "serial_number, imei",
			"integrations:\n  - id: a\n    connector: files\n    mapping:\n      sync_keys: [serial_number, imei]   # best first\n      fields:\n        - {to: imei, from: imei}\n",
		},
		"sync keys line by line": {
			"integrations:\n  - id: a\n    connector: files\n    mapping:\n      sync_keys:  # best first\n      - imei\n      - udid\n      key: id\n", "mapping.sync_keys", "serial_number",
			"integrations:\n  - id: a\n    connector: files\n    mapping:\n      sync_keys: [serial_number]  # best first\n      key: id\n",
		},
		"fields as YAML in one line": {
			"integrations:\n  - id: a\n    connector: files\n    mapping:\n      fields:\n        - {to: imei, from: imei}\n        # - {to: udid, from: udid}\n      key: id\n", "mapping.fields", "[{to: model, from: 'a, b'}]",
			"integrations:\n  - id: a\n    connector: files\n    mapping:\n      fields: [{to: model, from: 'a, b'}]\n      key: id\n",
		},
		"a text over several lines": {
			"integrations:\n  - id: a\n    connector: files\n    name: |\n      Lap\n      tops\n    launch: true\n", "name", "Laptops",
			"integrations:\n  - id: a\n    connector: files\n    name: Laptops\n    launch: true\n",
		},
		"a value that YAML would take for something else": {
			"integrations:\n  - id: a\n    connector: files\n    name: x\n", "name", "yes: #1",
			"integrations:\n  - id: a\n    connector: files\n    name: 'yes: #1'\n",
		},
		"a number as it is written": {
			"integrations:\n  - id: a\n    connector: files\n", "settings.key", "007",
			"integrations:\n  - id: a\n    connector: files\n    settings: {key: 007}\n",
		},
		"a text that means empty": {
			"integrations:\n  - id: a\n    connector: files\n", "settings.key", "null",
			"integrations:\n  - id: a\n    connector: files\n    settings: {key: \"null\"}\n",
		},
		"an empty value": {
			"integrations:\n  - id: a\n    connector: files\n    name: x\n", "integration_user", "",
			"integrations:\n  - id: a\n    connector: files\n    name: x\n    integration_user: \"\"\n",
		},
		"a value that is a key's name elsewhere": {
			"integrations:\n  - name: policy\n    id: a\n    connector: files\n", "policy", "create-only",
			"integrations:\n  - name: policy\n    id: a\n    connector: files\n    policy: create-only\n",
		},
		"an entry in braces": {
			"integrations: [{id: a, connector: files}] # all\n", "launch", "true",
			"integrations: [{id: a, connector: files, launch: true}] # all\n",
		},
		"Windows line ends": {
			"integrations:\r\n  - id: a\r\n    connector: files\r\n    name: x\r\n", "launch", "true",
			"integrations:\r\n  - id: a\r\n    connector: files\r\n    name: x\r\n    launch: true\r\n",
		},
		"letters beyond ASCII before it": {
			"# Geräte\nintegrations:\n  - {id: a, name: Geräte, connector: files, policy: create-only}\n", "policy", "update-only",
			"# Geräte\nintegrations:\n  - {id: a, name: Geräte, connector: files, policy: update-only}\n",
		},
		"a byte order mark": {
			"\ufeffintegrations: [{id: a, connector: files, policy: create-only}]\n", "policy", "update-only",
			"\ufeffintegrations: [{id: a, connector: files, policy: update-only}]\n",
		},
		"a fault elsewhere in the file": {
			"store: 7\nintegrations:\n  - id: a\n    connector: files\n    polcy: x\n    policy: all\n", "policy", "create-only",
			"store: 7\nintegrations:\n  - id: a\n    connector: files\n    polcy: x\n    policy: create-only\n",
		},
		"a new name leaves the id that came from the first one": {
			"integrations:\n  - name: A\n    connector: files\n", "name", "Laptops",
			"integrations:\n  - name: Laptops\n    connector: files\n    id: a\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := config.Set([]byte(tt.before), "a", config.Options{Registry: registry(t)}, config.Assignment{Key: tt.key, Value: tt.value})
			require.NoError(t, err)
			require.Equal(t, tt.after, string(got))
		})
	}
}

// A layout that the splicer does not know is laid out anew: values and comments
// are all there.
func TestSetLaysAnUnusualFileOutAnew(t *testing.T) {
	t.Parallel()
	before := "integrations:\n  - ? id\n    : a\n    connector: files # which\n    ? settings\n    : path: &p x\n      key: *p\n"
	got, err := config.Set([]byte(before), "a", config.Options{Registry: registry(t)}, config.Assignment{Key: "settings.format", Value: "csv"})
	require.NoError(t, err)
	require.Contains(t, string(got), "# which")
	f := mustParse(t, string(got))
	require.Equal(t, connector.Settings{"path": {"x"}, "key": {"x"}, "format": {"csv"}}, f.Integrations[0].Settings)
}

func TestSetTakesSeveralAssignments(t *testing.T) {
	t.Parallel()
	got, err := config.Set([]byte(laptops), "laptops", config.Options{Registry: registry(t)},
		config.Assignment{Key: "policy", Value: "update-only"}, config.Assignment{Key: "settings.path", Value: "x.csv"})
	require.NoError(t, err)
	want := strings.NewReplacer("policy: create-and-update ", "policy: update-only ", "devices.ndjson", "x.csv").Replace(laptops)
	require.Equal(t, want, string(got))
}

func TestSetRefuses(t *testing.T) {
	t.Parallel()
	file := "integrations:\n  - id: laptops\n    connector: files\n    settings: &s {path: x}\n    mapping: {key: id}\n  - id: phones\n    connector: files\n    settings: *s\n  - &e {id: tablets, connector: files}\n"
	tests := map[string]struct {
		text, id, key, value string
		want                 string
	}{
		"an entry that is not there":         {file, "laptop", "policy", "x", `set policy of laptop: the file has no integration "laptop"; did you mean "laptops"?`},
		"a file without entries":             {"store: memory\n", "laptops", "policy", "x", `set policy of laptops: the file has no integration "laptops"`},
		"a key that entries do not have":     {file, "laptops", "polcy", "x", `set polcy of laptops: there is no key or setting "polcy"; did you mean "policy"?`},
		"a key below a text":                 {file, "laptops", "policy.x", "y", `set policy.x of laptops: policy holds no keys`},
		"a key that mappings do not have":    {file, "laptops", "mapping.keys", "y", `set mapping.keys of laptops: there is no key "mapping.keys"; did you mean "key"?`},
		"another id":                         {file, "laptops", "id", "x", `set id of laptops: the id ties links and history to the integration and does not change; add a new entry instead`},
		"a truth that is none":               {file, "laptops", "launch", "yes", `set launch of laptops: "yes" is neither true nor false`},
		"fields that are not YAML":           {file, "laptops", "mapping.fields", "[{", `set mapping.fields of laptops: "[{" is no value in YAML`},
		"a value that other entries share":   {file, "laptops", "settings.path", "y", `set settings.path of laptops: settings is shared with other places of the file by an alias; change it by hand`},
		"a value that is shared by an alias": {file, "phones", "settings.path", "y", `set settings.path of phones: settings is shared with other places of the file by an alias; change it by hand`},
		"an entry that is shared":            {file, "tablets", "policy", "y", `set policy of tablets: the entry is shared with other places of the file by an alias; change it by hand`},
		"a file that is no YAML":             {"a: b: c\n", "laptops", "policy", "y", `set policy of laptops: f.yaml:1: this is not YAML: mapping values are not allowed in this context`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Set([]byte(tt.text), tt.id, config.Options{Name: "f.yaml", Registry: registry(t)}, config.Assignment{Key: tt.key, Value: tt.value})
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestAddPutsAnEntryAtTheEnd(t *testing.T) {
	t.Parallel()
	entry := "id: b\nconnector: files\n"
	tests := map[string]struct{ before, after string }{
		"of a list": {
			"integrations:\n  - id: a\n    connector: files\n    # - more\n\n# the end\n",
			"integrations:\n  - id: a\n    connector: files\n    # - more\n  - id: b\n    connector: files\n\n# the end\n",
		},
		"of a list without indentation": {
			"integrations:\n- id: a\n  connector: files\nstore: memory\n",
			"integrations:\n- id: a\n  connector: files\n- id: b\n  connector: files\nstore: memory\n",
		},
		"of a file without a line end": {
			"integrations:\n  - id: a\n    connector: files",
			"integrations:\n  - id: a\n    connector: files\n  - id: b\n    connector: files",
		},
		"of an empty list, its comment stays": {
			"integrations: []  # none yet\nstore: memory\n",
			"integrations:  # none yet\n  - id: b\n    connector: files\nstore: memory\n",
		},
		"of a key left empty": {
			"integrations:\n  # - id: sample\nstore: memory\n",
			"integrations:\n  - id: b\n    connector: files\n  # - id: sample\nstore: memory\n",
		},
		"of a file without integrations": {
			"store: memory # for a try\n",
			"store: memory # for a try\nintegrations:\n  - id: b\n    connector: files\n",
		},
		"of an empty file": {
			"# mine\n",
			"# mine\nintegrations:\n  - id: b\n    connector: files\n",
		},
		"of a list in brackets": {
			"integrations: [{id: a, connector: files}]\n",
			"integrations: [{id: a, connector: files}, {id: b, connector: files}]\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := config.Add([]byte(tt.before), []byte(entry))
			require.NoError(t, err)
			require.Equal(t, tt.after, string(got))
			_, err = parse(t, string(got))
			require.NoError(t, err)
		})
	}
}

func TestAddRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ file, entry, want string }{
		"an entry that is no object":     {"", "- a\n", "add an integration: the entry is no YAML object"},
		"an empty entry":                 {"", "", "add an integration: the entry is no YAML object"},
		"a file that is a list":          {"- a\n", "id: b\n", "add an integration: the file is no YAML object"},
		"integrations that are no list":  {"integrations: x\n", "id: b\n", "add an integration: integrations is no list"},
		"a file that is not YAML at all": {"a: b: c\n", "id: b\n", "add an integration: configuration:1: this is not YAML: mapping values are not allowed in this context"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Add([]byte(tt.file), []byte(tt.entry))
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestOutlineSpellsEverythingOut(t *testing.T) {
	t.Parallel()
	fleet := registry(t).All()[1].Spec()
	hosts, _ := fleet.Stream("hosts")
	people, _ := fleet.Stream("people")
	files := registry(t).All()[0].Spec()
	tables := hosts
	tables.Mapping.Fields = append(slices.Clone(hosts.Mapping.Fields),
		connector.DefaultField{To: "hostname", From: "{{ name ~ '.' ~ domain }}"},
		connector.DefaultField{To: "location", Default: "Cloud"},
		connector.DefaultField{To: "asset_type", From: "kind", Values: map[string]string{"Mac: laptop": "computer", "true": "mobile", "": ""}, Otherwise: "other", Default: "computer"},
		connector.DefaultField{To: "managed", From: "mdm", Values: map[string]string{"On": "true"}, Unlisted: "clear"})
	tests := map[string]config.Outline{
		"tables":          {ID: "fleet-hosts", Spec: fleet, Stream: tables, Schema: mapping.Standard()},
		"default_mapping": {ID: "fleet-hosts", Name: "Fleet: hosts", Spec: fleet, Stream: hosts, Settings: connector.Settings{"teams": {"IT", "Sales, EU"}}, Schema: mapping.Standard()},
		"declared_fields": {ID: "people", Spec: fleet, Stream: people, Schema: mapping.Standard()},
		"discovered_fields": {
			ID: "laptops", Spec: files, Stream: files.Streams[0], Object: "assets", Schema: mapping.Standard(), Settings: connector.Settings{"path": {"devices.csv"}},
			Fields: []connector.Field{
				{Path: "Serial Number", Type: connector.StringField, Example: "C02"},
				{Path: "['os.name']", Type: connector.StringField},
				{Path: "deviceName", Type: connector.StringField},
				{Path: "owner", Type: connector.ObjectField},
				{Path: "owner.email", Type: connector.StringField, Example: "a\nb: c\u2028"},
				{Path: "device_name", Type: connector.StringField, Example: "twice"},
			},
		},
		"nothing_known": {ID: "laptops", Spec: files, Stream: files.Streams[0], Schema: mapping.Standard()},
	}
	for name, outline := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, "outline_"+name+".yaml", outline.Entry())
			text, err := config.Add([]byte("integrations: []\n"), outline.Entry())
			require.NoError(t, err)
			f := mustParse(t, string(text))
			require.Equal(t, outline.Stream.Name, f.Integrations[0].Stream)
			_, err = f.Check(mapping.Standard())
			require.NoError(t, err)
			if len(outline.Stream.Mapping.Fields) > 0 {
				require.Equal(t, mapping.FromDefault(outline.Stream), f.Integrations[0].Mapping, "it means what the stream says")
			}
		})
	}
}

func TestOutlineTakesAssignmentsOfSettings(t *testing.T) {
	t.Parallel()
	o := config.Outline{Spec: registry(t).All()[1].Spec()}
	require.True(t, o.Assign(config.Assignment{Key: "software", Value: "false"}))
	require.True(t, o.Assign(config.Assignment{Key: "settings.teams", Value: "a,b"}))
	require.True(t, o.Assign(config.Assignment{Key: "teams", Value: "c"}))
	require.False(t, o.Assign(config.Assignment{Key: "policy", Value: "create-only"}))
	require.False(t, o.Assign(config.Assignment{Key: "settings.nope", Value: "x"}))
	require.Equal(t, connector.Settings{"software": {"false"}, "teams": {"a", "b", "c"}}, o.Settings)
}

func TestEditFileWritesAllOrNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "vendorsync.yaml")
	require.NoError(t, os.WriteFile(name, []byte("old"), 0o600))
	require.NoError(t, os.Chmod(name, 0o640))

	failed := errors.New("no")
	require.ErrorIs(t, config.EditFile(name, func([]byte) ([]byte, error) { return nil, failed }), failed)
	content(t, name, "old")

	require.NoError(t, config.EditFile(name, func(data []byte) ([]byte, error) { return append(data, " and new"...), nil }))
	content(t, name, "old and new")
	info, err := os.Stat(name)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)

	require.ErrorIs(t, config.EditFile(filepath.Join(dir, "none"), nil), os.ErrNotExist)
}

func TestEditFileFollowsASymbolicLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, link := filepath.Join(dir, "real.yaml"), filepath.Join(dir, "link.yaml")
	require.NoError(t, os.WriteFile(target, []byte("old"), 0o600))
	if err := os.Symlink(target, link); err != nil {
		require.Equal(t, "windows", runtime.GOOS) // needs a right there that not every account has
		return
	}
	require.NoError(t, config.EditFile(link, func([]byte) ([]byte, error) { return []byte("new"), nil }))
	content(t, target, "new")
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink)
}

func content(t *testing.T, name, want string) {
	t.Helper()
	got, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
}

// Whatever the layout, a key that was set reads back as it was set, and nothing
// else has changed.
func FuzzSet(f *testing.F) {
	f.Add(laptops, "Laptops")
	f.Add("integrations:\n  - ? id\n    : laptops\n    connector: files\n", "a: b")
	f.Add("integrations: [{id: laptops, connector: files, contacts: [a, 'b]']}]", "# x")
	f.Add("integrations:\n- id: laptops\n  name: |+\n   x\n\n  connector: files\n", "x\ny")
	r := registry(f)
	f.Fuzz(func(t *testing.T, text, value string) {
		opt := config.Options{Registry: r}
		before, err := config.Parse([]byte(text), opt)
		if err != nil {
			return
		}
		old, ok := before.Entry("laptops")
		if !ok {
			return
		}
		data, err := config.Set([]byte(text), "laptops", opt, config.Assignment{Key: "integration_user", Value: value})
		if err != nil {
			return // an alias, or a value that YAML cannot hold
		}
		after, err := config.Parse(data, opt)
		if err != nil {
			t.Fatalf("%q set in\n%s\ngives\n%s\n%v", value, text, data, err)
		}
		now, _ := after.Entry("laptops")
		require.Equal(t, value, now.User)
		now.User, now.Line = old.User, old.Line
		require.Equal(t, old, now)
		require.Len(t, after.Integrations, len(before.Integrations))
	})
}
