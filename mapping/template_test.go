package mapping_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
)

// facts are what templates of these tests may say of the run.
func facts() mapping.Options {
	return mapping.Options{
		Settings: connector.Settings{"domain": {"acme"}, "regions": {"eu", "us"}},
		Facts: mapping.Facts{
			RunID: "r1", Started: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
			IntegrationID: "okta", Integration: "Okta users", Connector: "okta", Stream: "users", User: "sync@example.com",
		},
	}
}

func withFields(fields ...mapping.FieldMapping) mapping.Mapping {
	return mapping.Mapping{Object: "assets", Key: "id", Fields: fields}
}

func TestMapTakesValuesByTemplate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		to, from string
		record   string // without its id
		want     string // "-" for absent, "null", or the fault
	}{
		"a path in braces is the path":                        {"model", "{{ hardware.model }}", `"hardware": {"model": "X1"}`, "X1"},
		"with the record before it":                           {"model", "{{ record.hardware['model'] }}", `"hardware": {"model": "X1"}`, "X1"},
		"with the response before it":                         {"model", `{{response.hardware["model"]}}`, `"hardware": {"model": "X1"}`, "X1"},
		"a path may have the record before it, too":           {"model", "record.hardware.model", `"hardware": {"model": "X1"}`, "X1"},
		"or the response, in brackets":                        {"model", "response['odd.key']", `"odd.key": "X1"`, "X1"},
		"two values become one":                               {"device_name", "{{ record.a ~ ' ' ~ record.b }}", `"a": "Ada", "b": "L."`, "Ada L."},
		"text around is kept":                                 {"device_name", "dev-{{ a }}", `"a": "x"`, "dev-x"},
		"a filter":                                            {"model", "{{ a | upper | trim }}", `"a": " x "`, "X"},
		"a serial that looks like a number stays as it is":    {"serial_number", "{{ a }}", `"a": "5E10"`, "5E10"},
		"and keeps its zeros":                                 {"serial_number", "{{ a }}", `"a": "007"`, "007"},
		"a number keeps its digits":                           {"model", "{{ a }}", `"a": 12345678901234567890123.4500`, "12345678901234567890123.4500"},
		"a number is counted with":                            {"memory_mb", "{{ a * 1024 }}", `"a": 16`, "16384"},
		"what the record does not have is absent":             {"model", "{{ a.b.c }}", ``, "-"},
		"through a filter, too":                               {"model", "{{ a | lower }}", ``, "-"},
		"what is null is null":                                {"model", "{{ a.b | lower }}", `"a": null`, "null"},
		"nothing at all in text is nothing to see":            {"device_name", "{{ a }} {{ b }}", `"b": "x"`, " x"},
		"text of nothing that the record has is absent":       {"device_name", "{{ a }} {{ b }}", ``, "-"},
		"and null, if there is one":                           {"device_name", "{{ a }} {{ b }}", `"b": null`, "null"},
		"one thing or another":                                {"model", "{{ a if a else b }}", `"a": "", "b": "y"`, "y"},
		"the first of several that has something":             {"model", "{{ [a, b, c] | first_of }}", `"a": "", "b": null, "c": "z"`, "z"},
		"true or false":                                       {"managed", "{{ state == 'on' }}", `"state": "on"`, "1"},
		"a list for a list":                                   {"mac_addresses", "{{ [a, b] }}", `"a": "00-11-22-33-44-55", "b": null`, `["00:11:22:33:44:55"]`},
		"a list from the record":                              {"mac_addresses", "{{ nics | map(attribute='mac') | list }}", `"nics": [{"mac": "001122334455"}]`, `["00:11:22:33:44:55"]`},
		"one value for a list":                                {"mac_addresses", "{{ a }}", `"a": "001122334455"`, `["00:11:22:33:44:55"]`},
		"a list where there is one value to write":            {"model", "{{ [a] }}", `"a": "x"`, `fault model "[\"x\"]": is a list; map one of its items, as in addresses[0]`},
		"a date as it was read":                               {"last_seen_at", "{{ a | date('%d.%m.%Y') }}", `"a": "03.02.2026"`, "2026-02-03T00:00:00Z"},
		"the time of the run":                                 {"last_seen_at", "{{ run.started_at }}", ``, "2026-11-23T12:00:00Z"},
		"the integration":                                     {"notes", "{{ integration.name }} by {{ integration.user }}", ``, "Okta users by sync@example.com"},
		"a setting":                                           {"hostname", "{{ a }}.{{ setting.domain }}.com", `"a": "h"`, "h.acme.com"},
		"a setting with several values":                       {"notes", "{{ setting.regions | join('/') }}", ``, "eu/us"},
		"what cannot be counted with is a fault with a place": {"memory_mb", "{{ a * b }}", `"a": "x", "b": "y"`, ""},
		"a value that does not fit its field is a fault":      {"memory_mb", "{{ a ~ ' GB' }}", `"a": 8`, `fault memory_mb "8 GB": is not a whole number in plain digits`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := mapping.Compile(withFields(mapping.FieldMapping{To: tt.to, From: tt.from}), mapping.Standard(), facts())
			require.NoError(t, err)
			record := `{"id": "v1"}`
			if tt.record != "" {
				record = `{"id": "v1", ` + tt.record + `}`
			}
			got := mapped(t, p, record)
			switch {
			case tt.want == "":
				require.Len(t, got, 3)
				require.Contains(t, got[2], "fault "+tt.to+": cannot be made: template \""+tt.from+"\", column ")
			case tt.want == "-":
				require.Equal(t, []string{"id v1", "assets"}, got)
			case len(tt.want) > 5 && tt.want[:5] == "fault":
				require.Equal(t, []string{"id v1", "assets", tt.want}, got)
			default:
				require.Equal(t, []string{"id v1", fmt.Sprintf("assets %s=%s", tt.to, tt.want)}, got)
			}
		})
	}
}

func TestMapLooksValuesUp(t *testing.T) {
	t.Parallel()
	table := map[string]string{"OSX": "macOS", "Win32": "Windows", "none": "", "1": "one", "true": "yes"}
	for name, tt := range map[string]struct {
		field  mapping.FieldMapping
		source string
		want   string
	}{
		"a listed text is replaced, whatever its case":         {mapping.FieldMapping{From: "os", Values: table}, `" osx "`, "macOS"},
		"one that is not listed stays":                         {mapping.FieldMapping{From: "os", Values: table}, `"BeOS"`, "BeOS"},
		"or becomes another":                                   {mapping.FieldMapping{From: "os", Values: table, Otherwise: "other"}, `"BeOS"`, "other"},
		"or nothing":                                           {mapping.FieldMapping{From: "os", Values: table, Unlisted: mapping.ClearUnlisted}, `"BeOS"`, "null"},
		"or a fault that comes with a guess":                   {mapping.FieldMapping{From: "os", Values: table, Unlisted: mapping.FaultUnlisted}, `"Win23"`, `fault os_name "Win23": is not in the table of values; is "Win32" meant? Add it to the values or say what becomes of unlisted ones (otherwise)`},
		"one that is listed as empty clears":                   {mapping.FieldMapping{From: "os", Values: table}, `"None"`, "null"},
		"a number is looked up by its digits":                  {mapping.FieldMapping{From: "os", Values: table}, `1`, "one"},
		"true by its name":                                     {mapping.FieldMapping{From: "os", Values: table}, `true`, "yes"},
		"null is not looked up":                                {mapping.FieldMapping{From: "os", Values: table, Otherwise: "other"}, `null`, "null"},
		"nor is an empty text":                                 {mapping.FieldMapping{From: "os", Values: table, Otherwise: "other"}, `""`, "null"},
		"what a template makes is looked up, too":              {mapping.FieldMapping{From: "{{ os | replace('Mac ', '') }}", Values: table}, `"Mac OSX"`, "macOS"},
		"what a template makes of a number, as well":           {mapping.FieldMapping{From: "{{ os + 1 }}", Values: table}, `0`, "one"},
		"a template's unlisted value is a fault that shows it": {mapping.FieldMapping{From: "{{ os | upper }}", Values: table, Unlisted: mapping.FaultUnlisted}, `"xyz"`, `fault os_name "XYZ": is not in the table of values; add it or say what becomes of unlisted ones (otherwise)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.field.To = "os_name"
			p, err := mapping.Compile(withFields(tt.field), mapping.Standard(), facts())
			require.NoError(t, err)
			want := []string{"id v1", "assets os_name=" + tt.want}
			if len(tt.want) > 5 && tt.want[:5] == "fault" {
				want = []string{"id v1", "assets", tt.want}
			}
			require.Equal(t, want, mapped(t, p, `{"id": "v1", "os": `+tt.source+`}`))
		})
	}
}

func TestMapTakesASettingsValue(t *testing.T) {
	t.Parallel()
	p, err := mapping.Compile(withFields(mapping.FieldMapping{To: "department", Setting: "domain"}, mapping.FieldMapping{To: "ip_addresses", Setting: "none"}), mapping.Standard(), mapping.Options{
		Settings: connector.Settings{"domain": {"acme"}, "none": {}},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"id v1", "assets ip_addresses=null department=acme"}, mapped(t, p, `{"id": "v1"}`))
}

func TestRulesLeaveRecordsOut(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rules  func(m *mapping.Mapping)
		record string
		want   mapping.Out
	}{
		"a filter that is true keeps":        {func(m *mapping.Mapping) { m.Filter = "{{ record.kind == 'laptop' }}" }, `"kind": "laptop"`, mapping.Out{}},
		"one that is false leaves out":       {func(m *mapping.Mapping) { m.Filter = "{{ record.kind == 'laptop' }}" }, `"kind": "phone"`, mapping.Out{Filtered: `"{{ record.kind == 'laptop' }}" is not true`}},
		"it can stand without braces":        {func(m *mapping.Mapping) { m.Filter = "kind in ['a', 'b'] and not retired" }, `"kind": "a", "retired": true`, mapping.Out{Filtered: `"kind in ['a', 'b'] and not retired" is not true`}},
		"nothing is not true":                {func(m *mapping.Mapping) { m.Filter = "{{ kind }}" }, ``, mapping.Out{Filtered: `"{{ kind }}" is not true`}},
		"the text false is not true":         {func(m *mapping.Mapping) { m.Filter = "{% if kind %}true{% else %}False{% endif %}" }, ``, mapping.Out{Filtered: `"{% if kind %}true{% else %}False{% endif %}" is not true`}},
		"a filter that fails is a fault":     {func(m *mapping.Mapping) { m.Filter = "{{ kind < 3 }}" }, `"kind": "x"`, mapping.Out{Faults: []mapping.Fault{{Field: "filter"}}}},
		"a rule for creating":                {func(m *mapping.Mapping) { m.CreateIf = "{{ kind }}" }, ``, mapping.Out{NoCreate: `it would be created, and create_if "{{ kind }}" is not true`}},
		"a rule for updating":                {func(m *mapping.Mapping) { m.UpdateIf = "{{ kind }}" }, ``, mapping.Out{NoUpdate: `it is there, and update_if "{{ kind }}" is not true`}},
		"what was seen long ago is left out": {func(m *mapping.Mapping) { m.Unseen.Days = 30 }, `"seen": "2026-10-01T00:00:00Z"`, mapping.Out{Filtered: `last_seen_at is 2026-10-01T00:00:00Z, more than 30 days ago`}},
		"what was seen lately is kept":       {func(m *mapping.Mapping) { m.Unseen.Days = 30 }, `"seen": "2026-11-01T00:00:00Z"`, mapping.Out{}},
		"what says nothing of it is kept":    {func(m *mapping.Mapping) { m.Unseen.Days = 30 }, ``, mapping.Out{}},
		"another date can count":             {func(m *mapping.Mapping) { m.Unseen = mapping.Unseen{Field: "purchase_date", Days: 365} }, `"bought": "2020-01-01"`, mapping.Out{Filtered: `purchase_date is 2020-01-01, more than 365 days ago`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := withFields(from("last_seen_at", "seen"), from("purchase_date", "bought"))
			tt.rules(&m)
			p, err := mapping.Compile(m, mapping.Standard(), facts())
			require.NoError(t, err)
			record := `{"id": "v1"}`
			if tt.record != "" {
				record = `{"id": "v1", ` + tt.record + `}`
			}
			var out mapping.Out
			require.NoError(t, p.Map(connector.Record(record), &out))
			require.Equal(t, []string{tt.want.Filtered, tt.want.NoCreate, tt.want.NoUpdate}, []string{out.Filtered, out.NoCreate, out.NoUpdate})
			require.Len(t, out.Faults, len(tt.want.Faults))
			require.Equal(t, "v1", out.VendorID, "it is known all the same")
			for i, f := range tt.want.Faults {
				require.Equal(t, f.Field, out.Faults[i].Field)
			}
		})
	}
}

func TestCompanionRows(t *testing.T) {
	t.Parallel()
	m := mapping.Mapping{
		Object: "users", Key: "id",
		Fields: []mapping.FieldMapping{from("username", "login"), from("email", "mail"), constant("role", "member"), {To: "full_name", From: "{{ first }} {{ last }}"}},
		Companions: []mapping.CompanionMapping{{Object: "saas_users", Application: "Slack", Fields: []mapping.FieldMapping{
			from("external_id", "slack.id"), from("status", "slack.state"),
		}}},
	}
	p, err := mapping.Compile(m, mapping.Standard(), facts())
	require.NoError(t, err)
	require.Equal(t, []string{
		"id 1",
		"users username=ada email=ada@example.com full_name=Ada L. role=member",
		"saas_applications name=Slack",
		"saas_users application=#1 user_id=#0 external_id=U1 user=ada@example.com username=ada email=ada@example.com full_name=Ada L. status=on",
	}, mapped(t, p, `{"id": 1, "login": "ada", "mail": "ada@example.com", "first": "Ada", "last": "L.", "slack": {"id": "U1", "state": "on"}}`))
	require.Equal(t, []string{"id 2", "users username=bob email=bob@example.com role=member"}, mapped(t, p, `{"id": 2, "login": "bob", "mail": "bob@example.com"}`), "no account, no row")

	m.Companions[0].Application, m.Companions[0].ApplicationID, m.Companions[0].Fields = "", "17", nil
	p, err = mapping.Compile(m, mapping.Standard(), facts())
	require.NoError(t, err)
	require.Equal(t, "saas_users application=17 user_id=#0 external_id=1 user=a@example.com username=ada email=a@example.com", mapped(t, p, `{"id": 1, "login": "ada", "mail": "a@example.com"}`)[2],
		"the account's id is the record's own, where none is mapped")
}

func TestTemplateFaultsAtLoad(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		m    func(m *mapping.Mapping)
		want string
	}{
		"a template that does not end": {func(m *mapping.Mapping) { m.Fields[0].From = "{{ a " }, `fields[0].from: template "{{ a", `},
		"an unknown filter":            {func(m *mapping.Mapping) { m.Fields[0].From = "{{ a | uper }}" }, `did you mean upper?`},
		"a loop":                       {func(m *mapping.Mapping) { m.Fields[0].From = "{% for x in a %}{% endfor %}" }, `fields[0].from: template`},
		"a fact that there is not":     {func(m *mapping.Mapping) { m.Fields[0].From = "{{ run.startd_at }}" }, `fields[0].from: there is no run.startd_at; did you mean "started_at"?`},
		"a setting that there is not":  {func(m *mapping.Mapping) { m.Fields[0].From = "{{ setting.domian }}" }, `fields[0].from: there is no setting.domian; did you mean "domain"?`},
		"a setting that is not there":  {func(m *mapping.Mapping) { m.Fields[0] = mapping.FieldMapping{To: "model", Setting: "domian"} }, `fields[0].setting: there is no setting.domian; did you mean "domain"?`},
		"several values for one field": {func(m *mapping.Mapping) { m.Fields[0] = mapping.FieldMapping{To: "model", Setting: "regions"} }, `fields[0].setting: the setting "regions" has several values, and "model" takes one`},
		"a setting and a path":         {func(m *mapping.Mapping) { m.Fields[0].Setting = "domain" }, `fields[0]: "model" has a setting and another source; keep one`},
		"a filter with a fault":        {func(m *mapping.Mapping) { m.Filter = "kind ==" }, `filter: template "kind ==", `},
		"a rule with a fault":          {func(m *mapping.Mapping) { m.UpdateIf = "{{ kind | nope }}" }, `update_if: template`},
		"a table with a value of another kind": {func(m *mapping.Mapping) {
			m.Fields[0] = mapping.FieldMapping{To: "asset_type", From: "a", Values: map[string]string{"x": "toaster"}}
		}, `fields[0].values["x"]: "toaster"`},
		"a table without a source": {func(m *mapping.Mapping) {
			m.Fields[0] = mapping.FieldMapping{To: "model", Value: "x", Values: map[string]string{"x": "y"}}
		}, `fields[0].values: "model" has no path or template`},
		"a rule for unlisted values, unlisted": {func(m *mapping.Mapping) { m.Fields[0].Otherwise = "x" }, `fields[0]: "model" says what becomes of an unlisted value, and lists none (values)`},
		"a table twice the same":               {func(m *mapping.Mapping) { m.Fields[0].Values = map[string]string{"x": "1", "X": "2"} }, `fields[0].values: "x" is listed twice, in another case`},
		"an unknown rule for unlisted values": {func(m *mapping.Mapping) {
			m.Fields[0].Values, m.Fields[0].Unlisted = map[string]string{"x": "1"}, "skip"
		}, `fields[0].unlisted: there is no rule "skip"`},
		"a date that is not mapped": {func(m *mapping.Mapping) { m.Unseen.Days = 3 }, `unseen: none of last_seen_at, last_login_at, last_activity_at is mapped`},
		"a field that is no date":   {func(m *mapping.Mapping) { m.Unseen = mapping.Unseen{Field: "model", Days: 3} }, `unseen: "model" holds no date`},
		"a field that there is not": {func(m *mapping.Mapping) { m.Unseen = mapping.Unseen{Field: "sean", Days: 3} }, `unseen: assets have no field "sean"`},
		"a link that fills itself":  {func(m *mapping.Mapping) { m.Fields[0].To = "assigned_to_id" }, `fields[0].to: "assigned_to_id" is filled in by itself; map "assigned_to"`},
		"a companion of what has none": {func(m *mapping.Mapping) {
			m.Companions = []mapping.CompanionMapping{{Object: "saas_users", Application: "x"}}
		}, `companions[0].object: saas_users do not go with assets`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := withFields(from("model", "a"))
			tt.m(&m)
			_, err := mapping.Compile(m, mapping.Standard(), facts())
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestPathsOfTemplates(t *testing.T) {
	t.Parallel()
	m := mapping.Mapping{
		Object: "assets", Key: "record.id", Filter: "kind == 1", CreateIf: "{{ response.a.b }}",
		Fields:   []mapping.FieldMapping{{To: "model", From: "{{ hw.model ~ record['x y'] ~ run.id }}"}, {To: "hostname", From: "response.host"}, {To: "notes", Value: "x"}},
		Children: []mapping.ChildMapping{{Object: "software", From: "apps", Fields: []mapping.FieldMapping{{To: "name", From: "{{ item.name ~ v ~ record.id }}"}, {To: "version", From: "v"}}}},
	}
	require.Equal(t, []string{"id", "hw.model", "x y", "host", "kind", "a.b", "apps", "apps[].name", "apps[].v", "id", "apps[].v"}, m.Paths())
}

func TestATemplateOfASensitiveValueIsSensitive(t *testing.T) {
	t.Parallel()
	p, err := mapping.Compile(withFields(mapping.FieldMapping{To: "memory_mb", From: "{{ 'x' ~ pin }}"}), mapping.Standard(), mapping.Options{Fields: []connector.Field{{Path: "pin", Sensitive: true}}})
	require.NoError(t, err)
	require.True(t, p.Targets()[0].Columns[0].Sensitive)
	require.Equal(t, []string{"id 1", "assets", `fault memory_mb "********": is not a whole number in plain digits`}, mapped(t, p, `{"id": 1, "pin": "1234"}`))
}

func TestAChildsTemplateReadsItemAndRecord(t *testing.T) {
	t.Parallel()
	p, err := mapping.Compile(mapping.Mapping{
		Object: "assets", Key: "id", Fields: []mapping.FieldMapping{from("serial_number", "serial")},
		Children: []mapping.ChildMapping{{Object: "software", From: "apps", Fields: []mapping.FieldMapping{
			{To: "name", From: "{{ item.name | replace('.app', '') }}"}, {To: "version", From: "{{ version }} on {{ record.serial }}"},
		}}},
	}, mapping.Standard(), mapping.Options{})
	require.NoError(t, err)
	require.Equal(t, []string{
		"id 1", "assets serial_number=S1", "software name=Safari", "software_installs asset=#0 software=#1 version=17 on S1", "whole software_installs",
	}, mapped(t, p, `{"id": 1, "serial": "S1", "apps": [{"name": "Safari.app", "version": 17}]}`))
}
