package mapping_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
)

// from maps a field from a path.
func from(to, path string) mapping.FieldMapping {
	return mapping.FieldMapping{To: to, From: path}
}

// constant maps a field to a constant.
func constant(to, value string) mapping.FieldMapping {
	return mapping.FieldMapping{To: to, Value: value}
}

func keys(fields ...string) []mapping.SyncKey {
	var out []mapping.SyncKey
	for _, f := range fields {
		out = append(out, mapping.SyncKey{Field: f})
	}
	return out
}

func children(fields ...mapping.FieldMapping) []mapping.ChildMapping {
	return []mapping.ChildMapping{{Object: "software", From: "apps", Fields: fields}}
}

func compile(t testing.TB, m mapping.Mapping, fields ...connector.Field) *mapping.Program {
	t.Helper()
	p, err := mapping.Compile(m, mapping.Standard(), mapping.Options{Fields: fields})
	require.NoError(t, err)
	return p
}

func TestCompileFaults(t *testing.T) {
	t.Parallel()
	type fields = []mapping.FieldMapping
	serial := from("serial_number", "serial")
	for name, tt := range map[string]struct {
		m    mapping.Mapping
		want []string // place: part of the message
	}{
		"an unknown object":                      {mapping.Mapping{Object: "asset", Key: "id"}, []string{`object: there is no object "asset"; did you mean "assets"?`}},
		"no object":                              {mapping.Mapping{Key: "id"}, []string{`object: there is no object ""; there are users, assets, software`}},
		"an unknown object hides no bad path":    {mapping.Mapping{Object: "asset", Fields: fields{from("model", "a..b")}, Children: children()}, []string{"key: the path of the vendor id is missing", "object: ", "fields[0].from: "}},
		"no key":                                 {mapping.Mapping{Object: "assets", Fields: fields{serial}}, []string{"key: the path of the vendor id is missing"}},
		"a bad key":                              {mapping.Mapping{Object: "assets", Key: "a[", Fields: fields{serial}}, []string{`key: path "a[", column 2`}},
		"a key that is an item":                  {mapping.Mapping{Object: "assets", Key: "[0].id", Fields: fields{serial}}, []string{"key: a record is an object"}},
		"an unknown field":                       {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("seriel_number", "serial")}}, []string{`fields[0].to: assets have no field "seriel_number"; did you mean "serial_number"?`}},
		"a part of a field's name":               {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("serial", "serial")}}, []string{`did you mean "serial_number"?`}},
		"the end of a field's name":              {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("tag", "tag")}}, []string{`did you mean "asset_tag"?`}},
		"a field that is like no other":          {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("qqqqqqqq", "serial")}}, []string{`fields[0].to: assets have no field "qqqqqqqq"`}},
		"a field mapped twice":                   {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{serial, from("model", "m"), from("serial_number", "sn")}}, []string{`fields[2].to: "serial_number" is mapped already, in fields[0]`}},
		"a bad path":                             {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("model", "model..name")}}, []string{`fields[0].from: path "model..name", column 7: a key is missing here`}},
		"a path for every item":                  {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("model", "models[]")}}, []string{`fields[0].from: path "models[]", column 8: an index is missing`}},
		"both a path and a constant":             {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{{To: "model", From: "m", Value: "x"}}}, []string{`fields[0]: "model" has both`}},
		"neither a path nor a constant":          {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{{To: "model"}}}, []string{`fields[0]: "model" has neither`}},
		"a constant that does not fit":           {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{constant("memory_mb", "lots")}}, []string{`fields[0].value: "lots" is not a whole number`}},
		"a constant that is no choice":           {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{constant("asset_type", "laptop")}}, []string{`fields[0].value: "laptop" is not one of computer, mobile`}},
		"a constant that is a placeholder":       {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{constant("asset_tag", "N/A")}}, []string{`fields[0].value: "N/A" counts as no value`}},
		"a default that does not fit":            {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{{To: "managed", From: "m", Default: "perhaps"}}}, []string{`fields[0].default: "perhaps" is neither true nor false`}},
		"a default of blanks":                    {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{{To: "managed", From: "m", Default: " "}}}, []string{`fields[0].default: " " counts as no value`}},
		"an unknown write rule":                  {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{{To: "model", From: "m", Write: "sometimes"}}}, []string{`fields[0].write: there is no write rule "sometimes"; there are always, if-empty, on-create, never-clear`}},
		"an unknown date format":                 {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{{To: "enrolled_at", From: "e", Format: "epoch"}}}, []string{`fields[0].format: there is no date format "epoch"; there are iso8601, epoch-seconds`}},
		"a date format of what is no date":       {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{{To: "model", From: "m", Format: mapping.LDAPTime}}}, []string{`fields[0].format: "model" holds no date`}},
		"a sync key that there is not":           {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{serial}, SyncKeys: keys("serial")}, []string{`sync_keys[0]: assets have no field "serial"; did you mean "serial_number"?`}},
		"a sync key that is not unique":          {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("model", "m")}, SyncKeys: keys("model")}, []string{`sync_keys[0]: "model" is not unique, so that no record can be found by it; the unique ones are serial_number, asset_tag, imei, udid`}},
		"a sync key that is not mapped":          {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{serial}, SyncKeys: keys("serial_number", "asset_tag")}, []string{`sync_keys[1]: "asset_tag" is not mapped`}},
		"a sync key that is there twice":         {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{serial}, SyncKeys: keys("serial_number", "serial_number")}, []string{`sync_keys[1]: "serial_number" is there already`}},
		"a sync key that is a link":              {mapping.Mapping{Object: "saas_users", Key: "id", Fields: fields{constant("application", "Slack")}, SyncKeys: keys("application")}, []string{`sync_keys[0]: "application" is not unique, so that no record can be found by it; the unique ones are external_id`}},
		"an unknown child object":                {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{serial}, Children: []mapping.ChildMapping{{Object: "softwear", From: "apps"}}}, []string{`children[0].object: there is no object "softwear"; did you mean "software"?`}},
		"an object that is no child":             {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{serial}, Children: []mapping.ChildMapping{{Object: "users", From: "users"}}}, []string{"children[0].object: users are no child object of assets; only software are"}},
		"the object between the two":             {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{serial}, Children: []mapping.ChildMapping{{Object: "software_installs", From: "apps"}}}, []string{"children[0].object: software_installs are no child object of assets; only software are"}},
		"children of what has none":              {mapping.Mapping{Object: "users", Key: "id", Children: children()}, []string{"children[0].object: users have no child objects"}},
		"two lists for one object":               {mapping.Mapping{Object: "assets", Key: "id", Children: append(children(from("name", "name")), children(from("name", "name"))...)}, []string{"children[1].object: software are filled in children[0] already"}},
		"a bad list path":                        {mapping.Mapping{Object: "assets", Key: "id", Children: []mapping.ChildMapping{{Object: "software", From: "apps[]", Fields: fields{from("name", "n")}}}}, []string{`children[0].from: path "apps[]", column 6`}},
		"no list path":                           {mapping.Mapping{Object: "assets", Key: "id", Children: []mapping.ChildMapping{{Object: "software", Fields: fields{from("name", "n")}}}}, []string{`children[0].from: path "", column 1: the path is empty`}},
		"a child field of neither object":        {mapping.Mapping{Object: "assets", Key: "id", Children: children(from("name", "n"), from("versio", "v"))}, []string{`children[0].fields[1].to: software_installs have no field "versio"; did you mean "version"?`}},
		"a child field like no other":            {mapping.Mapping{Object: "assets", Key: "id", Children: children(from("name", "n"), from("qqqqqqqq", "v"))}, []string{`children[0].fields[1].to: software have no field "qqqqqqqq"`}},
		"a child field mapped twice":             {mapping.Mapping{Object: "assets", Key: "id", Children: children(from("name", "n"), from("name", "v"))}, []string{`children[0].fields[1].to: "name" is mapped already, in children[0].fields[0]`}},
		"a child link":                           {mapping.Mapping{Object: "assets", Key: "id", Children: children(from("name", "n"), from("asset", "v"))}, []string{`children[0].fields[1].to: "asset" is filled in by itself`}},
		"a bad child path":                       {mapping.Mapping{Object: "assets", Key: "id", Children: children(from("name", "n."))}, []string{`children[0].fields[0].from: path "n.", column 3`}},
		"a child without its name":               {mapping.Mapping{Object: "assets", Key: "id", Children: children(from("version", "v"))}, []string{`children[0].fields: software need a "name", and it is not mapped`}},
		"a default for a child's name":           {mapping.Mapping{Object: "assets", Key: "id", Children: children(mapping.FieldMapping{To: "name", From: "n", Default: "x"})}, []string{`children[0].fields[0].default: "name" tells one of the software from another`}},
		"a very long name":                       {mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from(strings.Repeat("m", 10_000), "m")}}, []string{`fields[0].to: assets have no field "mmm`}},
		"a link that no text can name":           {mapping.Mapping{Object: "software_installs", Key: "id", Fields: fields{from("asset", "a"), from("software", "s")}}, []string{`fields[0].to: "asset" cannot be mapped: no single field names one of the assets`, `fields[1].to: "software" cannot be mapped`}},
		"a default for a link":                   {mapping.Mapping{Object: "saas_users", Key: "id", Fields: fields{{To: "application", From: "app", Default: "Slack"}}}, []string{`fields[0].default: "application" points to another record`}},
		"all of a mapping's faults are together": {mapping.Mapping{Object: "assets", Fields: fields{from("nonsense", "a"), constant("managed", "x"), {To: "model", From: "[", Write: "x", Format: "y"}}, SyncKeys: keys("model"), Children: children(from("name", "]"))}, []string{"key: ", "fields[0].to: ", "fields[1].value: ", "fields[2].from: ", "fields[2].write: ", "fields[2].format: ", "sync_keys[0]: ", "children[0].fields[0].from: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := mapping.Compile(tt.m, mapping.Standard(), mapping.Options{})
			require.Nil(t, p)
			var faults *mapping.CompileError
			require.ErrorAs(t, err, &faults)
			require.Len(t, faults.Problems, len(tt.want), err)
			for i, line := range strings.Split(err.Error(), "\n") {
				require.Contains(t, line, tt.want[i])
				require.True(t, strings.HasPrefix(line, faults.Problems[i].Place+": "))
			}
		})
	}
}

// A host may bring objects of its own.
func TestCompileAgainstAModelOfTheHost(t *testing.T) {
	t.Parallel()
	link := func(name, object string) mapping.Field {
		return mapping.Field{Name: name, Type: mapping.Reference, Object: object, Link: true}
	}
	s := &mapping.Schema{Objects: []mapping.Object{
		{Name: "people", Fields: []mapping.Field{{Name: "login", Type: mapping.Text, Unique: true, Required: true}, {Name: "mail", Type: mapping.Email, Unique: true, Required: true}}},
		{Name: "rooms", Fields: []mapping.Field{{Name: "name", Type: mapping.Text}, link("owner", "people"), link("floor", "floors")}},
		{Name: "doors", Key: []string{"name"}, Fields: []mapping.Field{{Name: "name", Type: mapping.Text, Required: true}}},
		{Name: "room_doors", Key: []string{"room", "door"}, Fields: []mapping.Field{link("room", "rooms"), link("door", "doors"), {Name: "side", Type: mapping.Text, Required: true}}},
		{Name: "keys", Fields: []mapping.Field{{Name: "name", Type: mapping.Text}}},
		{Name: "room_keys", Fields: []mapping.Field{link("key", "keys"), link("room", "rooms"), {Name: "count", Type: mapping.Integer}}},
	}}
	_, err := mapping.Compile(mapping.Mapping{
		Object: "rooms", Key: "id",
		Fields:   []mapping.FieldMapping{from("owner", "owner"), from("floor", "floor")},
		SyncKeys: keys("name"),
		Children: []mapping.ChildMapping{{Object: "doors", From: "doors", Fields: []mapping.FieldMapping{from("name", "n")}}, {Object: "people", From: "people"}},
	}, s, mapping.Options{})
	for _, want := range []string{
		`fields[0].to: "owner" cannot be mapped: no single field names one of the people`,
		`fields[1].to: there is no object "floors"; did you mean "doors"?`,
		`sync_keys[0]: "name" is not unique, so that no record can be found by it; rooms have no unique field`,
		`children[0].fields: room_doors need a "side", and it is not mapped`,
		`children[1].object: people are no child object of rooms; doors, keys are`,
	} {
		require.ErrorContains(t, err, want)
	}

	p, err := mapping.Compile(mapping.Mapping{
		Object: "rooms", Key: "id",
		Children: []mapping.ChildMapping{
			{Object: "keys", From: "keys", Fields: []mapping.FieldMapping{from("name", "n"), from("count", "c")}},
			{Object: "doors", From: "doors", Fields: []mapping.FieldMapping{from("name", "n"), from("side", "side")}},
		},
	}, s, mapping.Options{})
	require.NoError(t, err)
	require.Equal(t, []string{
		"id 1", "rooms",
		"keys name=a", "room_keys room=#0 key=#1 count=2",
		"doors name=d", "room_doors room=#0 door=#3 side=left",
		"whole room_keys", "whole room_doors",
	}, mapped(t, p, `{"id":1,"doors":[{"n":"d","side":"left"}],"keys":[{"n":"a","c":2}]}`))
}

func TestALinkThatIsNotRequiredMayBeEmpty(t *testing.T) {
	t.Parallel()
	s := &mapping.Schema{Objects: []mapping.Object{
		{Name: "people", Fields: []mapping.Field{{Name: "login", Type: mapping.Text, Unique: true, Required: true}}},
		{Name: "rooms", Fields: []mapping.Field{
			{Name: "owner", Type: mapping.Reference, Object: "people", Link: true},
			{Name: "name", Type: mapping.Text},
			{Name: "cleaner", Type: mapping.Reference, Object: "people", Link: true},
		}},
	}}
	p, err := mapping.Compile(mapping.Mapping{Object: "rooms", Key: "id", Fields: []mapping.FieldMapping{from("owner", "o"), from("cleaner", "c")}}, s, mapping.Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"id 1", "rooms owner=null"}, mapped(t, p, `{"id":1,"o":null}`))
	require.Equal(t, []string{"id 1", "rooms owner=null cleaner=#1", "people login=bo"}, mapped(t, p, `{"id":1,"o":"","c":"bo"}`))
	require.Equal(t, []string{"id 1", "rooms owner=#1 cleaner=#2", "people login=al", "people login=bo"}, mapped(t, p, `{"id":1,"o":"al","c":"bo"}`))
}

func TestCompileWithoutASchema(t *testing.T) {
	t.Parallel()
	_, err := mapping.Compile(mapping.Mapping{Object: "assets", Key: "id"}, nil, mapping.Options{})
	require.ErrorContains(t, err, "there is no object")
}

func TestCompileRefusesASensitivePathThatItCannotRead(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"a[", "[0].x", ""} {
		_, err := mapping.Compile(deviceMapping(), mapping.Standard(), mapping.Options{Fields: []connector.Field{{Path: path, Sensitive: true}, {Path: "also [ bad"}}})
		require.ErrorContains(t, err, "the stream's field")
		require.NotContains(t, err.Error(), "also", "a field that is not sensitive is of no interest")
	}
}

func TestCompileTakesADraft(t *testing.T) {
	t.Parallel()
	p := compile(t, mapping.Mapping{Object: "users", Key: "id", Fields: []mapping.FieldMapping{from("email", "mail"), {To: "role", Default: "Employee"}}})
	require.Equal(t, []string{"username"}, p.Unmapped())
	p.Unmapped()[0] = "changed"
	require.Equal(t, []string{"username"}, p.Unmapped())

	p = compile(t, mapping.Mapping{Object: "users", Key: "id"})
	require.Equal(t, []string{"username", "email", "role"}, p.Unmapped())

	p = compile(t, mapping.Mapping{Object: "saas_users", Key: "id", Fields: []mapping.FieldMapping{constant("application", "Slack"), from("external_id", "id")}, SyncKeys: keys("external_id")})
	require.Empty(t, p.Unmapped())
}

func TestTargets(t *testing.T) {
	t.Parallel()
	column := func(field string) mapping.Column { return mapping.Column{Field: field, Write: mapping.Always} }
	t.Run("columns are in the order of the schema", func(t *testing.T) {
		t.Parallel()
		m := mapping.Mapping{
			Object: "assets", Key: "id",
			Fields: []mapping.FieldMapping{
				{To: "notes", From: "n", Write: mapping.NeverClear, Default: "new"}, from("model", "m"), from("asset_tag", "t"), from("serial_number", "s"), from("udid", "u"),
			},
			SyncKeys: []mapping.SyncKey{{Field: "serial_number"}, {Field: "asset_tag"}, {Field: "udid", Update: true}},
		}
		tag := column("asset_tag")
		tag.MatchOnly = true
		require.Equal(t, []mapping.Target{{Object: "assets", Role: mapping.Primary, Columns: []mapping.Column{
			column("serial_number"), tag, column("model"), column("udid"),
			{Field: "notes", Write: mapping.NeverClear, Default: text("new")},
		}}}, compile(t, m).Targets())
	})
	t.Run("children bring the shared object and the one between", func(t *testing.T) {
		t.Parallel()
		m := mapping.Mapping{Object: "assets", Key: "id", Fields: []mapping.FieldMapping{from("serial_number", "s")}, Children: children(from("version", "v"), from("name", "n"), from("publisher", "p"))}
		require.Equal(t, []mapping.Target{
			{Object: "assets", Role: mapping.Primary, Columns: []mapping.Column{column("serial_number")}},
			{Object: "software", Role: mapping.Shared, Columns: []mapping.Column{column("name"), column("publisher")}},
			{Object: "software_installs", Role: mapping.Child, Columns: []mapping.Column{column("asset"), column("software"), column("version")}},
		}, compile(t, m).Targets())
	})
	t.Run("a link brings what it names", func(t *testing.T) {
		t.Parallel()
		m := mapping.Mapping{Object: "saas_users", Key: "id", Fields: []mapping.FieldMapping{from("external_id", "id"), constant("application", "Slack")}}
		require.Equal(t, []mapping.Target{
			{Object: "saas_users", Role: mapping.Primary, Columns: []mapping.Column{{Field: "application", Write: mapping.Always, Constant: true}, column("external_id")}},
			{Object: "saas_applications", Role: mapping.Shared, Columns: []mapping.Column{column("name")}},
		}, compile(t, m).Targets())
	})
}

func TestSensitiveColumns(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sensitive, from string
		want            bool
	}{
		"the field itself":                   {"pin", "pin", true},
		"another field":                      {"pin", "pins", false},
		"a value inside it":                  {"secret", "secret.pin", true},
		"a value that holds it":              {"profile.pin", "profile", true},
		"its neighbour":                      {"profile.pin", "profile.name", false},
		"an item, where all are":             {"keys[].value", "keys[0].value", true},
		"an item, where another one is":      {"keys[1].value", "keys[-1].value", true},
		"an item, where no list is declared": {"keys.value", "keys[2].value", true},
		"another value of the item":          {"keys[].value", "keys[0].name", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mapping.Mapping{Object: "assets", Key: "id", Fields: []mapping.FieldMapping{from("model", tt.from)}}
			p := compile(t, m, connector.Field{Path: tt.sensitive, Sensitive: true}, connector.Field{Path: "neighbour"})
			require.Equal(t, tt.want, p.Targets()[0].Columns[0].Sensitive)
		})
	}
	t.Run("a child's", func(t *testing.T) {
		t.Parallel()
		m := mapping.Mapping{Object: "assets", Key: "id", Children: children(from("name", "name"), from("path", "where"))}
		p := compile(t, m, connector.Field{Path: "apps[].where", Sensitive: true})
		require.False(t, p.Targets()[1].Columns[0].Sensitive)
		require.True(t, p.Targets()[2].Columns[2].Sensitive)
	})
	t.Run("a link's", func(t *testing.T) {
		t.Parallel()
		m := mapping.Mapping{Object: "saas_users", Key: "id", Fields: []mapping.FieldMapping{from("application", "app")}}
		p := compile(t, m, connector.Field{Path: "app", Sensitive: true})
		require.True(t, p.Targets()[0].Columns[0].Sensitive)
		require.True(t, p.Targets()[1].Columns[0].Sensitive)
	})
}

func TestVersionOfAProgram(t *testing.T) {
	t.Parallel()
	base := func() mapping.Mapping {
		return mapping.Mapping{
			Object: "assets", Key: "id",
			Fields:   []mapping.FieldMapping{from("serial_number", "serial"), from("asset_tag", "tag"), {To: "enrolled_at", From: "enrolled", Default: "2026-01-02"}, constant("status", "Active")},
			SyncKeys: keys("serial_number", "asset_tag"),
			Children: children(from("name", "name"), from("version", "version")),
		}
	}
	want := compile(t, base()).Version()
	require.NotEmpty(t, want)

	for name, change := range map[string]func(m *mapping.Mapping){
		"the order of fields":           func(m *mapping.Mapping) { m.Fields[0], m.Fields[1] = m.Fields[1], m.Fields[0] },
		"the spelling of a path":        func(m *mapping.Mapping) { m.Fields[0].From = "['serial']" },
		"a write rule that is implied":  func(m *mapping.Mapping) { m.Fields[0].Write = mapping.Always },
		"a date format that is implied": func(m *mapping.Mapping) { m.Fields[2].Format = mapping.ISO8601 },
		"the spelling of a default":     func(m *mapping.Mapping) { m.Fields[2].Default = "2026-01-02 00:00:00" },
	} {
		m := base()
		change(&m)
		require.Equal(t, want, compile(t, m).Version(), "%s means nothing", name)
	}

	seen := map[string]string{want: "the mapping as it was"}
	for name, change := range map[string]func(m *mapping.Mapping){
		"the key":                func(m *mapping.Mapping) { m.Key = "uuid" },
		"a path":                 func(m *mapping.Mapping) { m.Fields[0].From = "sn" },
		"a target field":         func(m *mapping.Mapping) { m.Fields[3].To = "model" },
		"a constant":             func(m *mapping.Mapping) { m.Fields[3].Value = "Retired" },
		"a write rule":           func(m *mapping.Mapping) { m.Fields[3].Write = mapping.OnCreate },
		"a default":              func(m *mapping.Mapping) { m.Fields[2].Default = "2026-01-03" },
		"a date format":          func(m *mapping.Mapping) { m.Fields[2].Format = mapping.LDAPTime },
		"a field less":           func(m *mapping.Mapping) { m.Fields = m.Fields[:3] },
		"the order of sync keys": func(m *mapping.Mapping) { m.SyncKeys = keys("asset_tag", "serial_number") },
		"an updated sync key":    func(m *mapping.Mapping) { m.SyncKeys[1].Update = true },
		"a sync key less":        func(m *mapping.Mapping) { m.SyncKeys = m.SyncKeys[:1] },
		"a child list's path":    func(m *mapping.Mapping) { m.Children[0].From = "software" },
		"a child's path":         func(m *mapping.Mapping) { m.Children[0].Fields[0].From = "title" },
		"no children":            func(m *mapping.Mapping) { m.Children = nil },
	} {
		m := base()
		change(&m)
		v := compile(t, m).Version()
		require.NotContains(t, seen, v, "%s looks like %s", name, seen[v])
		seen[v] = name
	}

	s, err := mapping.Standard().With("assets", mapping.Field{Name: "rack", Type: mapping.Text})
	require.NoError(t, err)
	p, err := mapping.Compile(base(), s, mapping.Options{})
	require.NoError(t, err)
	require.Equal(t, want, p.Version(), "a field that is not mapped means nothing")

	p, err = mapping.Compile(base(), mapping.Standard().WithPlaceholders("spare"), mapping.Options{})
	require.NoError(t, err)
	require.NotEqual(t, want, p.Version(), "what counts as empty means something")

	require.NotEqual(t, want, compile(t, base(), connector.Field{Path: "serial", Sensitive: true}).Version(), "what is masked means something")
}

func TestFromDefaultAndPaths(t *testing.T) {
	t.Parallel()
	table := map[string]string{"phone": "mobile"}
	m := mapping.FromDefault(connector.Stream{
		Object: "assets", Key: "id",
		Mapping: connector.DefaultMapping{
			Fields: []connector.DefaultField{
				{To: "serial_number", From: "serial"},
				{To: "status", Value: "Active"},
				{To: "enrolled_at", From: "enrolled", Format: "epoch-seconds"},
				{To: "asset_type", From: "kind", Values: table, Otherwise: "other"},
				{To: "managed", From: "{{ mdm.state }}", Values: map[string]string{"on": "true"}, Unlisted: "clear", Default: "false"},
				{To: "location", Default: "Cloud"},
			},
			SyncKeys: []string{"serial_number"},
			Children: []connector.DefaultChildren{{Object: "software", From: "apps", Fields: []connector.DefaultField{{To: "name", From: "['app.name']"}, {To: "version", From: "version"}}}},
		},
	})
	require.Equal(t, mapping.Mapping{
		Object: "assets", Key: "id",
		Fields: []mapping.FieldMapping{
			from("serial_number", "serial"), constant("status", "Active"),
			{To: "enrolled_at", From: "enrolled", Format: mapping.EpochSeconds},
			{To: "asset_type", From: "kind", Values: map[string]string{"phone": "mobile"}, Otherwise: "other"},
			{To: "managed", From: "{{ mdm.state }}", Values: map[string]string{"on": "true"}, Unlisted: mapping.ClearUnlisted, Default: "false"},
			{To: "location", Default: "Cloud"},
		},
		SyncKeys: keys("serial_number"),
		Children: children(from("name", "['app.name']"), from("version", "version")),
	}, m)
	table["phone"] = "printer"
	require.Equal(t, "mobile", m.Fields[3].Values["phone"], "the mapping has a table of its own")
	require.Equal(t, []string{"id", "serial", "enrolled", "kind", "mdm.state", "apps", "apps[]['app.name']", "apps[].version"}, m.Paths())
	compile(t, m)
}
