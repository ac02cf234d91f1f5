package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/config"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

func TestParseReadsHowAMappingThinks(t *testing.T) {
	t.Parallel()
	entry := func(lines string) string { return "integrations:\n  - id: a\n    connector: files\n" + lines }
	first := func(f *config.File) mapping.Mapping { return f.Integrations[0].Mapping }
	tests := map[string]struct {
		text string
		want func(t *testing.T, f *config.File)
	}{
		"every key of a line": {entry("    mapping: {fields: [{to: os_name, from: '{{ os.name }}', values: {OSX: macOS, 11: Windows 11, true: x}, unlisted: fault}, {to: status, from: s, values: {a: b}, otherwise: Other}, {to: location, setting: format}]}\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, []mapping.FieldMapping{
				{To: "os_name", From: "{{ os.name }}", Values: map[string]string{"OSX": "macOS", "11": "Windows 11", "true": "x"}, Unlisted: mapping.FaultUnlisted},
				{To: "status", From: "s", Values: map[string]string{"a": "b"}, Otherwise: "Other"},
				{To: "location", Setting: "format"},
			}, first(f).Fields)
		}},
		"a path or a template by the field's name": {entry("    mapping:\n      fields:\n        serial_number: hw.serial\n        device_name: \"{{ a ~ b }}\"\n        status: {value: Active, write: on-create}\n        model:\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, []mapping.FieldMapping{
				{To: "serial_number", From: "hw.serial"}, {To: "device_name", From: "{{ a ~ b }}"}, {To: "status", Value: "Active", Write: mapping.OnCreate},
			}, first(f).Fields)
		}},
		"children by their names": {entry("    mapping: {children: [{object: software, from: apps, fields: {name: title, version: v}}]}\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, []mapping.FieldMapping{{To: "name", From: "title"}, {To: "version", From: "v"}}, first(f).Children[0].Fields)
		}},
		"the rules of an entry": {entry("    filter: \"{{ a == 'b' }}\"\n    create_if: a\n    update_if: not a\n    ignore_unseen: 13w\n    absence: deactivate\n"), func(t *testing.T, f *config.File) {
			m := first(f)
			require.Empty(t, m.Fields)
			m.Fields = nil
			require.Equal(t, mapping.Mapping{Key: "id", Filter: "{{ a == 'b' }}", CreateIf: "a", UpdateIf: "not a", Unseen: mapping.Unseen{Days: 91}}, m)
			require.Equal(t, syncer.DeactivateAbsent, f.Integrations[0].Absence)
		}},
		"a number alone counts days": {entry("    ignore_unseen: 90\n"), func(t *testing.T, f *config.File) { require.Equal(t, mapping.Unseen{Days: 90}, first(f).Unseen) }},
		"by which field a record is unseen": {entry("    ignore_unseen: {field: enrolled_at, days: 90d}\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, mapping.Unseen{Field: "enrolled_at", Days: 90}, first(f).Unseen)
		}},
		"a default role alone": {entry("    default_role: Employee\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, []mapping.FieldMapping{{To: "role", Default: "Employee"}}, first(f).Fields)
		}},
		"a default role beside a mapped one": {entry("    default_role: Employee\n    mapping: {fields: {role: job}}\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, []mapping.FieldMapping{{To: "role", From: "job", Default: "Employee"}}, first(f).Fields)
		}},
		"an account that goes with a person": {entry("    saas: {application: Slack, deactivate: true, fields: {status: account.state, roles: {value: Member}}}\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, []mapping.CompanionMapping{{
				Object: "saas_users", Application: "Slack", Deactivate: true,
				Fields: []mapping.FieldMapping{{To: "status", From: "account.state"}, {To: "roles", Value: "Member"}},
			}}, first(f).Companions)
		}},
		"an application by its id": {entry("    saas: {application_id: 7}\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, []mapping.CompanionMapping{{Object: "saas_users", ApplicationID: "7"}}, first(f).Companions)
		}},
		"precedence in short and at length": {"precedence:\n  users: [b, a]\n  assets: {order: a, silent_after: 30d, fields: {assigned_to: [b, a]}}\n  software:\n" + entry("  - {id: b, connector: files}\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, []syncer.Precedence{
				{Object: "users", Order: []string{"b", "a"}},
				{Object: "assets", Order: []string{"a"}, SilentAfter: 30, Fields: map[string][]string{"assigned_to": {"b", "a"}}},
			}, f.Precedence)
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.want(t, mustParse(t, tt.text))
		})
	}
}

// A stream's own mapping gives everybody one role; a default role is given to
// those for whom the vendor has none, so it takes that one's place.
func TestADefaultRoleStandsInForTheStreamsConstant(t *testing.T) {
	t.Parallel()
	spec := registry(t).All()[1].Spec()
	people, _ := spec.Stream("people")
	require.Empty(t, people.Mapping.Fields)
	f := mustParse(t, "integrations: [{id: a, connector: fleet, stream: people, default_role: Employee}]\n")
	require.Equal(t, []mapping.FieldMapping{{To: "role", Default: "Employee"}}, f.Integrations[0].Mapping.Fields)
}

func TestFaultsOfAMappingAreReportedWhereTheyAreWritten(t *testing.T) {
	t.Parallel()
	entry := func(lines string) string { return "integrations:\n  - id: a\n    connector: files\n" + lines }
	assets := func(lines string) string { return entry("    object: assets\n" + lines) }
	users := func(lines string) string { return entry("    object: users\n" + lines) }
	tests := map[string]struct {
		text string
		want []string // how each problem begins, and after ... what it says as well
	}{
		"a template that does not end":             {assets("    mapping:\n      fields:\n        - {to: model, from: a}\n        - to: device_name\n          from: \"{{ a ~ \"\n"), []string{`9:17: integrations[0].mapping.fields[1].from: ...column `}},
		"a filter that does not exist":             {assets("    mapping:\n      fields:\n        - {to: model, from: \"{{ a | lowr }}\"}\n"), []string{`7:29: integrations[0].mapping.fields[0].from: ...lowr`}},
		"a template by the field's name":           {assets("    mapping:\n      fields:\n        model: \"{{ a | lowr }}\"\n"), []string{`7:16: integrations[0].mapping.fields.model: ...lowr`}},
		"a template at length by the field's name": {assets("    mapping:\n      fields:\n        model: {from: \"{{ a | lowr }}\"}\n"), []string{`7:23: integrations[0].mapping.fields.model.from: ...lowr`}},
		"an unknown field by its name":             {assets("    mapping:\n      fields:\n        modell: a\n"), []string{`7:17: integrations[0].mapping.fields.modell: assets have no field "modell"; did you mean "model"?`}},
		"a template in a child":                    {assets("    mapping: {children: [{object: software, from: apps, fields: {name: \"{{ a | lowr }}\"}}]}\n"), []string{`5:72: integrations[0].mapping.children[0].fields.name: ...lowr`}},
		"a filter of records":                      {assets("    filter: \"{{ a == }}\"\n    mapping: {fields: {model: a}}\n"), []string{`5:13: integrations[0].filter: ...column `}},
		"a filter where nothing is mapped yet":     {assets("    filter: \"{{ a == }}\"\n"), []string{`5:13: integrations[0].filter: ...column `}},
		"the conditions":                           {assets("    create_if: a ==\n    update_if: \"{{\"\n    mapping: {fields: {model: a}}\n"), []string{`5:16: integrations[0].create_if: `, `6:16: integrations[0].update_if: `}},
		"a field that tells nothing of the time":   {assets("    ignore_unseen: {field: nope, days: 9}\n    mapping: {fields: {model: a}}\n"), []string{`5:20: integrations[0].ignore_unseen: `}},
		"a value of a table":                       {assets("    mapping:\n      fields:\n        asset_type:\n          from: kind\n          values:\n            Mac OS: computr\n"), []string{`10:21: integrations[0].mapping.fields.asset_type.values.Mac OS: ...computr`}},
		"a setting that there is not":              {assets("    mapping: {fields: {location: {setting: formt}}}\n"), []string{`5:44: integrations[0].mapping.fields.location.setting: ...did you mean "format"?`}},
		"an account's field":                       {users("    saas:\n      application: Slack\n      fields:\n        stauts: a\n    mapping: {fields: {username: a, email: b}}\n"), []string{`8:17: integrations[0].saas.fields.stauts: ...did you mean "status"?`}},
		"an account's template":                    {users("    saas: {application: Slack, fields: [{to: status, from: \"{{ a | lowr }}\"}]}\n    mapping: {fields: {username: a, email: b}}\n"), []string{`5:60: integrations[0].saas.fields[0].from: ...lowr`}},
		"a default role of assets":                 {assets("    default_role: Employee\n    mapping: {fields: {model: a}}\n"), []string{`5:19: integrations[0].default_role: assets have no field "role"`}},
		"an order of an object that there is not":  {"precedence: {asets: a}\n" + assets(""), []string{`1:21: precedence.asets: there is no object "asets"; did you mean "assets"?`}},
		"an order of a field that there is not":    {"precedence: {assets: {fields: {modell: a}}}\n" + assets(""), []string{`1:40: precedence.assets.fields.modell: assets have no field "modell" to order; did you mean "model"?`}},
		"an order of who fills something else":     {"precedence: {users: [a]}\n" + assets(""), []string{`1:22: precedence.users[0]: a fills assets, not users`}},
		"an order of who fills nothing":            {"precedence: {users: {order: [a]}}\n" + entry(""), []string{`1:30: precedence.users.order[0]: a fills nothing yet, not users`}},
	}
	schema, err := mapping.Standard().WithChoices("users", "role", []string{"Employee"})
	require.NoError(t, err)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mustParse(t, tt.text).Check(schema)
			requireProblems(t, err, tt.want)
		})
	}
}

// Like all that is missing for a launch, a default role that the host does not
// have makes a draft, which says so.
func TestADefaultRoleThatThereIsNotMakesADraft(t *testing.T) {
	t.Parallel()
	schema, err := mapping.Standard().WithChoices("users", "role", []string{"Employee"})
	require.NoError(t, err)
	s, err := syncer.New(memory.New(memory.Options{Schema: schema}), syncer.Options{Registry: registry(t)})
	require.NoError(t, err)
	w := world{t, s}
	people := func(role string) string {
		return "integrations:\n  - {id: a, connector: files, settings: {path: x}, object: users, integration_user: it, launch: true, " + role + "mapping: {fields: {username: a, email: b}, sync_keys: [email]}}\n"
	}
	require.Empty(t, w.apply(people("")).Launched)
	missing, err := s.Missing(t.Context(), "a")
	require.NoError(t, err)
	require.Contains(t, strings.Join(missing, "\n"), "role")
	require.Empty(t, w.apply(people("default_role: Wizard, ")).Launched)
	missing, err = s.Missing(t.Context(), "a")
	require.NoError(t, err)
	require.Contains(t, strings.Join(missing, "\n"), "Wizard")
	require.Contains(t, strings.Join(missing, "\n"), "Employee")
	require.Equal(t, []string{"a"}, w.apply(people("default_role: Employee, ")).Launched)
}

// requireProblems holds the problems of an error against how each begins and
// what it says.
func requireProblems(t *testing.T, err error, want []string) {
	t.Helper()
	var e *config.Error
	require.ErrorAs(t, err, &e)
	require.Len(t, e.Problems, len(want), "%v", err)
	for i, p := range e.Problems {
		begins, says, _ := strings.Cut(want[i], "...")
		require.True(t, strings.HasPrefix(p.String(), begins), "got  %s\nwant %s", p, begins)
		require.Contains(t, p.String(), says)
	}
}

func TestParseReportsFaultsOfTheNewKeys(t *testing.T) {
	t.Parallel()
	entry := func(lines string) string { return "integrations:\n  - id: a\n    connector: files\n" + lines }
	tests := map[string]struct {
		text string
		want []string
	}{
		"a template that is not quoted":           {entry("    filter: {{ a }}\n"), []string{`4:13: integrations[0].filter: a text that begins with {{ stands in quotes: "{{ ... }}"`}},
		"an open template in a line of a mapping": {entry("    mapping: {fields: {model: {{ a }}}}\n"), []string{`4:31: integrations[0].mapping.fields.model: a text that begins with {{ stands in quotes: "{{ ... }}"`}},
		"an open template with text after it":     {entry("    filter: {{ a }} and more\n"), []string{`1: this is not YAML: ...; in line 4, a text that begins with {{ stands in quotes: "{{ ... }}"`}},
		"an age that is none":                     {entry("    ignore_unseen: 3 months\n"), []string{`4:20: integrations[0].ignore_unseen: "3 months" is no age such as 90d or 13w`}},
		"an age beyond all measure":               {entry("    ignore_unseen: 99999w\n"), []string{`4:20: integrations[0].ignore_unseen: "99999w" is longer than a hundred years`}},
		"an age that is a list":                   {entry("    ignore_unseen: [90d]\n"), []string{`4:20: integrations[0].ignore_unseen: must be an age such as 90d, not a list`}},
		"an age without its days":                 {entry("    ignore_unseen: {field: last_seen_at}\n"), []string{`4:20: integrations[0].ignore_unseen.days: is missing: How long is too long: 90, 90d, 13w.`}},
		"a table with a value left out":           {entry("    mapping: {fields: {status: {from: a, values: {x: }}}}\n"), []string{`4:51: integrations[0].mapping.fields.status.values.x: is empty: say what is written in its place`}},
		"a rule that there is not":                {entry("    mapping: {fields: {status: {from: a, unlisted: drop}}}\n"), []string{`4:52: integrations[0].mapping.fields.status.unlisted: "drop" is none of keep, fault, clear`}},
		"a target inside a line by name":          {entry("    mapping: {fields: {status: {to: status, from: a}}}\n"), []string{`4:33: integrations[0].mapping.fields.status.to: there is no key "to" here; `}},
		"a field by its name twice":               {entry("    mapping:\n      fields:\n        status: a\n        status: b\n"), []string{`7:9: integrations[0].mapping.fields.status: this key is there already, in line 6`}},
		"an application twice":                    {entry("    saas: {application: A, application_id: 7}\n"), []string{`4:44: integrations[0].saas.application_id: application names the application already; keep one of the two`}},
		"no application":                          {entry("    saas: {deactivate: true}\n"), []string{`4:11: integrations[0].saas: say which application it is: its name (application), or its id (application_id)`}},
		"a default role beside a role's default":  {entry("    default_role: A\n    mapping: {fields: {role: {from: r, default: B}}}\n"), []string{`4:19: integrations[0].default_role: the mapping of role has a default already, "B"; keep one of the two`}},
		"a default role beside a role for all":    {entry("    default_role: A\n    mapping: {fields: {role: {value: B}}}\n"), []string{`4:19: integrations[0].default_role: the mapping gives every user the same role already; keep one of the two`}},
		"an order with somebody unknown":          {"precedence: {assets: [aa, a]}\n" + entry(""), []string{`1:23: precedence.assets[0]: there is no integration "aa"; did you mean "a"?`}},
		"an order with somebody twice":            {"precedence: {assets: {order: [a, a]}}\n" + entry(""), []string{`1:34: precedence.assets.order[1]: "a" is there already`}},
		"a field's order with somebody twice":     {"precedence: {assets: {fields: {model: [a, a]}}}\n" + entry(""), []string{`1:43: precedence.assets.fields.model[1]: "a" is there already`}},
		"a key that precedence does not have":     {"precedence: {assets: {orders: [a]}}\n" + entry(""), []string{`1:23: precedence.assets.orders: there is no key "orders" here; did you mean "order"?`}},
		"silence that is no age":                  {"precedence: {assets: {order: [a], silent_after: soon}}\n" + entry(""), []string{`1:49: precedence.assets.silent_after: "soon" is no age such as 90d or 13w`}},
		"a key in an account that there is not":   {entry("    saas: {app: Slack}\n"), []string{`4:11: integrations[0].saas: say which`, `4:12: integrations[0].saas.app: there is no key "app" here; `}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, tt.text)
			requireProblems(t, err, tt.want)
		})
	}
}
