package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
)

// standardModel is the target model as it is documented: * unique, ! required,
// -> a reference, => a link.
const standardModel = `
users: username*! text, email*! email, first_name text, last_name text, full_name text, role! choice, title text, department text,
 manager reference -> users, manager_id reference => users, company text, cost_center text, employee_id* text, phone text, mobile_phone text, location text,
 status choice (active inactive suspended deprovisioned), start_date date, end_date date, last_login_at datetime, time_zone text, locale text, notes long_text
assets: serial_number* text ^, asset_tag* text ^, device_name text, hostname text,
 asset_type choice (computer mobile server virtual_machine network printer peripheral other), status text, manufacturer text, model text, model_identifier text,
 os_name text, os_version text, os_build text, cpu text, memory_mb integer, storage_gb decimal, mac_addresses list of mac, ip_addresses list of ip,
 imei* text ^, udid* text ^, assigned_to reference -> users, assigned_to_id reference => users, department text, location text, managed boolean, encrypted boolean,
 enrolled_at datetime, last_seen_at datetime, purchase_date date, purchase_price decimal, po_number text, vendor text, warranty_end_date date, notes long_text
software [name publisher]: name! text, publisher text, identifier text, category text
software_installs [asset software version]: software! reference => software, asset! reference => assets, version text, path text, installed_at datetime, last_used_at datetime
saas_applications: name*! text, vendor text, url text, category text
saas_users [application external_id]: application! reference => saas_applications, external_id! text, user reference -> users, user_id reference => users, username text, email email,
 full_name text, roles list of text, status text, license text, last_activity_at datetime
`

// describe writes a schema in the manner of standardModel, one field a line.
func describe(s *mapping.Schema) []string {
	var lines []string
	for _, o := range s.Objects {
		key := ""
		if len(o.Key) > 0 {
			key = " [" + strings.Join(o.Key, " ") + "]"
		}
		lines = append(lines, o.Name+key)
		for _, f := range o.Fields {
			var b strings.Builder
			b.WriteString(f.Name)
			if f.Unique {
				b.WriteString("*")
			}
			if f.Required {
				b.WriteString("!")
			}
			fmt.Fprintf(&b, " %s", f.Type)
			switch {
			case f.Link:
				fmt.Fprintf(&b, " => %s", f.Object)
			case f.Type == mapping.Reference:
				fmt.Fprintf(&b, " -> %s", f.Object)
			case f.Type == mapping.List && f.Item == "":
				b.WriteString(" of text")
			case f.Type == mapping.List:
				fmt.Fprintf(&b, " of %s", f.Item)
			}
			if len(f.Choices) > 0 {
				fmt.Fprintf(&b, " (%s)", strings.Join(f.Choices, " "))
			}
			if f.Upper {
				b.WriteString(" ^")
			}
			lines = append(lines, b.String())
		}
	}
	return lines
}

func TestStandardIsTheDocumentedModel(t *testing.T) {
	t.Parallel()
	var want []string
	for line := range strings.SplitSeq(strings.TrimSpace(strings.ReplaceAll(standardModel, "\n ", " ")), "\n") {
		object, fields, _ := strings.Cut(line, ": ")
		want = append(want, object)
		want = append(want, strings.Split(fields, ", ")...)
	}
	require.Equal(t, want, describe(mapping.Standard()))
}

func TestStandardIsReadyForPeople(t *testing.T) {
	t.Parallel()
	s := mapping.Standard()
	require.NoError(t, s.Validate())
	for _, o := range s.Objects {
		require.NotEmpty(t, o.Label)
		for _, f := range o.Fields {
			require.NotEmpty(t, f.Label, f.Name)
			require.True(t, f.Help == "" || strings.HasSuffix(f.Help, "."), f.Name)
			identifies := f.Unique && f.Type == mapping.Text && f.Name != "username" && o.Name != "saas_applications"
			require.Equal(t, identifies || f.Item == mapping.MAC, len(f.Placeholders) > 0, f.Name)
		}
	}
}

func TestWith(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		object string
		field  mapping.Field
		fault  string
	}{
		"a text field":                        {object: "assets", field: mapping.Field{Name: "rack", Type: mapping.Text}},
		"a choice":                            {object: "users", field: mapping.Field{Name: "shirt", Type: mapping.Choice, Choices: []string{"S", "M"}}},
		"a reference":                         {object: "assets", field: mapping.Field{Name: "borrowed_by", Type: mapping.Reference, Object: "users"}},
		"a list of dates":                     {object: "assets", field: mapping.Field{Name: "services", Type: mapping.List, Item: mapping.Date}},
		"a name of 63 characters":             {object: "assets", field: mapping.Field{Name: strings.Repeat("a", 63), Type: mapping.Text}},
		"a name that is too long":             {object: "assets", field: mapping.Field{Name: strings.Repeat("a", 64), Type: mapping.Text}, fault: "at most 63"},
		"an unknown object":                   {object: "asset", field: mapping.Field{Name: "rack", Type: mapping.Text}, fault: `did you mean "assets"`},
		"a name with capitals":                {object: "assets", field: mapping.Field{Name: "Rack", Type: mapping.Text}, fault: "a name consists of"},
		"a name that begins with a digit":     {object: "assets", field: mapping.Field{Name: "2nd", Type: mapping.Text}, fault: "a name consists of"},
		"no name":                             {object: "assets", field: mapping.Field{Type: mapping.Text}, fault: "a name consists of"},
		"a name with a line feed at its end":  {object: "assets", field: mapping.Field{Name: "rack\n", Type: mapping.Text}, fault: "a name consists of"},
		"a name that is there":                {object: "assets", field: mapping.Field{Name: "model", Type: mapping.Text}, fault: "of this name already"},
		"the name of a system column":         {object: "assets", field: mapping.Field{Name: "revision", Type: mapping.Text}, fault: "system column"},
		"a name that ends like a key column":  {object: "assets", field: mapping.Field{Name: "wifi_key", Type: mapping.Text}, fault: "_key is reserved"},
		"an unknown type":                     {object: "assets", field: mapping.Field{Name: "rack", Type: "string"}, fault: `no type "string"`},
		"a required field":                    {object: "assets", field: mapping.Field{Name: "rack", Type: mapping.Text, Required: true}, fault: "cannot be required"},
		"a link":                              {object: "assets", field: mapping.Field{Name: "rack", Type: mapping.Reference, Object: "users", Link: true}, fault: "cannot be a link"},
		"a reference to nothing":              {object: "assets", field: mapping.Field{Name: "rack", Type: mapping.Reference}, fault: "is no object"},
		"choices of a text":                   {object: "assets", field: mapping.Field{Name: "rack", Type: mapping.Text, Choices: []string{"a"}}, fault: "only a choice"},
		"a choice with blanks around it":      {object: "assets", field: mapping.Field{Name: "rack", Type: mapping.Choice, Choices: []string{" a"}}, fault: "blanks around it"},
		"items of a text":                     {object: "assets", field: mapping.Field{Name: "rack", Type: mapping.Text, Item: mapping.Text}, fault: "only a list"},
		"a list of lists":                     {object: "assets", field: mapping.Field{Name: "rack", Type: mapping.List, Item: mapping.List}, fault: "cannot hold items"},
		"a list of things nobody knows":       {object: "assets", field: mapping.Field{Name: "rack", Type: mapping.List, Item: "thing"}, fault: "no item type"},
		"a unique list":                       {object: "assets", field: mapping.Field{Name: "rack", Type: mapping.List, Unique: true}, fault: "cannot be unique"},
		"an object for what is no reference":  {object: "assets", field: mapping.Field{Name: "rack", Type: mapping.Text, Object: "users"}, fault: "only a reference"},
		"an object that was never there":      {object: "racks", field: mapping.Field{Name: "rack", Type: mapping.Text}, fault: "there is no object"},
		"a word that is nothing like objects": {object: "qqqqqqqqq", field: mapping.Field{Name: "rack", Type: mapping.Text}, fault: "there are users, assets"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mapping.Standard()
			before := s.Version()
			got, err := s.With(tt.object, tt.field)
			require.Equal(t, before, s.Version(), "the schema itself stays as it was")
			if tt.fault != "" {
				require.ErrorContains(t, err, tt.fault)
				return
			}
			require.NoError(t, err)
			require.NotEqual(t, before, got.Version())
			o, ok := got.Object(tt.object)
			require.True(t, ok)
			f := o.Fields[o.Field(tt.field.Name)]
			require.True(t, f.Custom)
			require.NotEmpty(t, f.Label)
			last := len(o.Fields) - 1
			if tt.field.Type == mapping.Reference { // with the link that holds what it means
				require.Equal(t, last, o.Resolved(last-1))
				last--
			}
			require.Equal(t, last, o.Field(tt.field.Name))
		})
	}
}

func TestWithGivesAUniqueTextItsPlaceholders(t *testing.T) {
	t.Parallel()
	s, err := mapping.Standard().With("assets", mapping.Field{Name: "barcode", Type: mapping.Text, Unique: true})
	require.NoError(t, err)
	require.Empty(t, fieldOf(t, s, "assets", "barcode").Normalize(mapping.TextValue("N/A")))
}

func TestWithChoices(t *testing.T) {
	t.Parallel()
	s, err := mapping.Standard().WithChoices("users", "role", []string{"Employee", "Admin"})
	require.NoError(t, err)
	require.Equal(t, []string{"Employee", "Admin"}, fieldOf(t, s, "users", "role").Choices)
	require.Empty(t, fieldOf(t, mapping.Standard(), "users", "role").Choices)

	_, err = s.WithChoices("users", "rolle", nil)
	require.ErrorContains(t, err, `did you mean "role"`)
	_, err = s.WithChoices("user", "role", nil)
	require.ErrorContains(t, err, `did you mean "users"`)
	_, err = s.WithChoices("users", "title", []string{"Dr"})
	require.ErrorContains(t, err, "only a choice")
}

func TestWithPlaceholders(t *testing.T) {
	t.Parallel()
	s := mapping.Standard()
	more := s.WithPlaceholders("Lagergerät")
	for _, field := range []string{"serial_number", "asset_tag", "imei", "udid"} {
		require.Empty(t, fieldOf(t, more, "assets", field).Normalize(mapping.TextValue("LAGERGERÄT")))
		require.NotEmpty(t, fieldOf(t, s, "assets", field).Normalize(mapping.TextValue("Lagergerät")))
	}
	require.NotEmpty(t, fieldOf(t, more, "users", "username").Normalize(mapping.TextValue("Lagergerät")))
}

func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	s := mapping.Standard()
	before := s.Version()
	c := s.Clone()
	require.Equal(t, before, c.Version())
	for i := range c.Objects {
		o := &c.Objects[i]
		o.Label += "!"
		for k := range o.Key {
			o.Key[k] += "!"
		}
		for j := range o.Fields {
			f := &o.Fields[j]
			f.Name += "!"
			for k := range f.Choices {
				f.Choices[k] += "!"
			}
			for k := range f.Placeholders {
				f.Placeholders[k] += "!"
			}
		}
	}
	require.Equal(t, before, s.Version())
	require.NotEqual(t, before, c.Version())
}

func TestVersionOfASchemaChangesWithAllOfIt(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(o *mapping.Object, f *mapping.Field){
		"an object's name":   func(o *mapping.Object, _ *mapping.Field) { o.Name = "x" },
		"an object's label":  func(o *mapping.Object, _ *mapping.Field) { o.Label = "x" },
		"an object's key":    func(o *mapping.Object, _ *mapping.Field) { o.Key = []string{"x"} },
		"a name":             func(_ *mapping.Object, f *mapping.Field) { f.Name = "x" },
		"a label":            func(_ *mapping.Object, f *mapping.Field) { f.Label = "x" },
		"a help text":        func(_ *mapping.Object, f *mapping.Field) { f.Help = "x" },
		"a type":             func(_ *mapping.Object, f *mapping.Field) { f.Type = "x" },
		"an item type":       func(_ *mapping.Object, f *mapping.Field) { f.Item = "x" },
		"what is unique":     func(_ *mapping.Object, f *mapping.Field) { f.Unique = !f.Unique },
		"what is required":   func(_ *mapping.Object, f *mapping.Field) { f.Required = !f.Required },
		"the choices":        func(_ *mapping.Object, f *mapping.Field) { f.Choices = []string{"x"} },
		"a reference":        func(_ *mapping.Object, f *mapping.Field) { f.Object = "x" },
		"a link":             func(_ *mapping.Object, f *mapping.Field) { f.Link = !f.Link },
		"what is custom":     func(_ *mapping.Object, f *mapping.Field) { f.Custom = !f.Custom },
		"how it is matched":  func(_ *mapping.Object, f *mapping.Field) { f.Upper = !f.Upper },
		"the placeholders":   func(_ *mapping.Object, f *mapping.Field) { f.Placeholders = nil },
		"an object has more": func(o *mapping.Object, _ *mapping.Field) { o.Fields = append(o.Fields, mapping.Field{Name: "x"}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mapping.Standard()
			change(&s.Objects[1], &s.Objects[1].Fields[0])
			require.NotEqual(t, mapping.Standard().Version(), s.Version())
		})
	}
	require.Equal(t, mapping.Standard().Version(), mapping.Standard().Version())
}

func TestValidateReportsAllFaults(t *testing.T) {
	t.Parallel()
	s := &mapping.Schema{Objects: []mapping.Object{
		{Name: "Racks", Fields: []mapping.Field{{Name: "a", Type: mapping.Text}, {Name: "a", Type: "blob"}}},
		{Name: "rooms", Key: []string{"floor"}},
		{Name: "rooms"},
	}}
	err := s.Validate()
	for _, want := range []string{`object "Racks": a name`, `field "a" of Racks: there is a field of this name`, `there is no type "blob"`, `its key names the field "floor"`, `object "rooms": there are two`} {
		require.ErrorContains(t, err, want)
	}
}

func TestNilSchemaHasNoObjects(t *testing.T) {
	t.Parallel()
	var s *mapping.Schema
	_, ok := s.Object("assets")
	require.False(t, ok)
}

// fieldOf returns a field of a schema.
func fieldOf(t testing.TB, s *mapping.Schema, object, field string) *mapping.Field {
	t.Helper()
	o, ok := s.Object(object)
	require.True(t, ok, object)
	i := o.Field(field)
	require.GreaterOrEqual(t, i, 0, field)
	return &o.Fields[i]
}
