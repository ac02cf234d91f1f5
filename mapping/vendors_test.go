package mapping_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
	"github.com/vendorsync/vendorsync/mapping"
)

var update = flag.Bool("update", false, "write the rows of the vendor shapes anew; they are to be read before they are committed")

// A vendorShape is one stream of one vendor as it comes from the vendor, with
// made-up records, and what a careful administrator who knows the vendor would
// map.
type vendorShape struct {
	Vendor  string
	Stream  string
	Object  string // the target object
	Key     string // path of the vendor id
	Fields  []connector.Field
	Records []json.RawMessage
	// Right lists for each target field that has a clear source the paths that are
	// as good as each other. A status is right where a table of values would make
	// it fit. A target that is not there has no clear source.
	Right map[string][]string
	// Tolerated lists what is no mistake and need not be.
	Tolerated map[string][]string
	// SyncKeys are the target fields that identify a record, the best first.
	SyncKeys []string `json:"sync_keys"`
	// Mapping fills every right target that needs no table of values, and the
	// required ones where the vendor has something for them.
	Mapping mapping.Mapping
	// Rows are what Mapping makes of Records: by object the rows, in which a link is
	// the index of a row of the object that it points to; the child lists that were
	// whole; the faults.
	Rows []json.RawMessage
}

// vendorsWithFields are the vendors that are known to answer with certain fields.
// A file and a database have whatever their owner puts in.
func vendorsWithFields() []string {
	return []string{
		"1password", "asana", "atlassian", "aws", "bamboohr", "dropbox", "entra", "fleet", "github",
		"google-workspace", "intune", "jamf-pro", "jumpcloud", "kandji", "ldap-ad", "meraki", "okta",
		"onelogin", "pagerduty", "salesforce", "scim", "simplemdm", "slack", "snipe-it",
		"workspace-one", "zendesk", "zoom",
	}
}

// vendorShapes reads all shapes, by the names of their files.
func vendorShapes(t testing.TB) map[string]vendorShape {
	t.Helper()
	folder := os.DirFS(filepath.Join("testdata", "vendors"))
	names, err := fs.Glob(folder, "*.json")
	require.NoError(t, err)
	shapes := map[string]vendorShape{}
	for _, name := range names {
		text, err := fs.ReadFile(folder, name)
		require.NoError(t, err)
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		var s vendorShape
		require.NoError(t, d.Decode(&s), name)
		shapes[name] = s
	}
	return shapes
}

func TestThereIsAShapeOfEveryVendor(t *testing.T) {
	t.Parallel()
	vendors := map[string]bool{}
	shapes := vendorShapes(t)
	for name, s := range shapes {
		vendors[s.Vendor] = true
		require.Equal(t, s.Vendor+"-"+s.Stream+".json", name)
	}
	require.Equal(t, vendorsWithFields(), slices.Sorted(maps.Keys(vendors)))
	require.GreaterOrEqual(t, len(vendors), 25)
	require.GreaterOrEqual(t, len(shapes), 32)
}

func TestVendorShapesAreSound(t *testing.T) {
	t.Parallel()
	for name, s := range vendorShapes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.GreaterOrEqual(t, len(s.Records), 6)
			require.LessOrEqual(t, len(s.Records), 10)
			records := make([]any, len(s.Records))
			for i, r := range s.Records {
				d := json.NewDecoder(bytes.NewReader(r))
				d.UseNumber()
				require.NoError(t, d.Decode(&records[i]))
			}
			s.checkFields(t, records)
			s.checkLabels(t, records)
		})
	}
}

// checkFields checks that the fields are what the records consist of.
func (s *vendorShape) checkFields(t *testing.T, records []any) {
	t.Helper()
	declared := map[string]bool{}
	for _, f := range s.Fields {
		require.False(t, declared[f.Path], "%s is there twice", f.Path)
		declared[f.Path] = true
		found := valuesAt(t, records, f.Path)
		require.NotEmpty(t, found, "no record has %s", f.Path)
		for _, v := range found {
			if f.Type != "" && v != nil {
				require.Equal(t, f.Type, typeOf(v), f.Path)
			}
		}
	}
	require.True(t, declared[s.Key], "the key %s is no field", s.Key)
	for _, r := range records {
		undeclared(t, r, "", declared)
	}
}

// undeclared fails for a value of a record that no field covers.
func undeclared(t *testing.T, v any, at string, declared map[string]bool) {
	t.Helper()
	object, ok := v.(map[string]any)
	if !ok {
		require.True(t, declared[at], "%s is no field", at)
		return
	}
	for key, member := range object {
		below := strings.TrimPrefix(at+"."+key, ".")
		if strings.ContainsAny(key, ".: ") {
			below = fmt.Sprintf("%s['%s']", at, key)
		}
		_, isObject := member.(map[string]any)
		inner := func(path string) bool {
			return strings.HasPrefix(path, below+".") || strings.HasPrefix(path, below+"[")
		}
		if isObject && slices.ContainsFunc(slices.Collect(maps.Keys(declared)), inner) {
			undeclared(t, member, below, declared)
			continue
		}
		require.True(t, declared[below], "%s is no field", below)
	}
}

// checkLabels checks what is said to be right and tolerated.
func (s *vendorShape) checkLabels(t *testing.T, records []any) {
	t.Helper()
	object, ok := mapping.Standard().Object(s.Object)
	require.True(t, ok, s.Object)
	for _, labels := range []map[string][]string{s.Right, s.Tolerated} {
		for target, paths := range labels {
			require.GreaterOrEqual(t, object.Field(target), 0, target)
			require.NotEmpty(t, paths, target)
			for _, p := range paths {
				require.True(t, slices.ContainsFunc(s.Fields, func(f connector.Field) bool { return f.Path == p }), "%s is no field", p)
				_, err := path.Parse(p)
				require.NoError(t, err)
				requireSource(t, p, valuesAt(t, records, p))
			}
		}
	}
	for target, paths := range s.Right {
		for _, p := range paths {
			require.NotContains(t, s.Tolerated[target], p, "%s is right for %s", p, target)
		}
		if f := &object.Fields[object.Field(target)]; f.Unique {
			requireDistinct(t, f, paths[0], valuesAt(t, records, paths[0]))
		}
	}
	for _, k := range s.SyncKeys {
		require.Contains(t, s.Right, k, "a sync key")
		require.True(t, object.Fields[object.Field(k)].Unique, k)
	}
}

// requireSource fails for a path that leads to a list or an object, or to nothing
// in every record.
func requireSource(t *testing.T, p string, found []any) {
	t.Helper()
	for _, v := range found {
		require.NotContains(t, []connector.FieldType{connector.ListField, connector.ObjectField}, typeOf(v), p)
	}
	says := func(v any) bool { return v != nil && v != "" }
	require.True(t, slices.ContainsFunc(found, says), "no record says anything at %s", p)
}

// requireDistinct fails for two records with one value in a unique field.
func requireDistinct(t *testing.T, f *mapping.Field, p string, found []any) {
	t.Helper()
	seen := map[string]bool{}
	for _, v := range found {
		if v == nil {
			continue
		}
		form := f.Normalize(mapping.TextValue(fmt.Sprint(v)))
		require.False(t, form != "" && seen[form], "%s has %v twice", p, v)
		seen[form] = true
	}
}

// valuesAt returns what the records have at a path, null included.
func valuesAt(t *testing.T, records []any, text string) []any {
	t.Helper()
	p, err := path.ParsePattern(text)
	require.NoError(t, err)
	found := records
	for _, step := range p {
		var next []any
		for _, v := range found {
			switch v := v.(type) {
			case map[string]any:
				if member, ok := v[step.Key]; ok && !step.IsIndex {
					next = append(next, member)
				}
			case []any:
				if step.Every {
					next = append(next, v...)
				} else if step.IsIndex && step.Index < len(v) {
					next = append(next, v[step.Index])
				}
			}
		}
		found = next
	}
	return found
}

func typeOf(v any) connector.FieldType {
	switch v.(type) {
	case string:
		return connector.StringField
	case json.Number:
		return connector.NumberField
	case bool:
		return connector.BooleanField
	case []any:
		return connector.ListField
	case map[string]any:
		return connector.ObjectField
	default:
		return ""
	}
}

func TestVendorShapesAreMapped(t *testing.T) {
	t.Parallel()
	for name, s := range vendorShapes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, s.Object, s.Mapping.Object)
			require.Equal(t, s.Key, s.Mapping.Key)
			for _, f := range s.Mapping.Fields {
				if f.From != "" {
					require.Contains(t, slices.Concat(s.Right[f.To], s.Tolerated[f.To]), f.From, "for %s", f.To)
				}
			}
			p, err := mapping.Compile(s.Mapping, mapping.Standard(), mapping.Options{Fields: s.Fields})
			require.NoError(t, err)
			var got []string
			var out mapping.Out
			for _, r := range s.Records {
				out.Reset()
				require.NoError(t, p.Map(connector.Record(r), &out))
				got = append(got, string(rowsJSON(t, p, &out)))
			}
			if *update {
				writeRows(t, name, got)
				return
			}
			require.Len(t, s.Rows, len(got))
			for i, row := range s.Rows {
				var want bytes.Buffer
				require.NoError(t, json.Compact(&want, row))
				require.Equal(t, want.String(), got[i], "record %d", i)
			}
		})
	}
}

// writeRows puts rows in the place of those in a shape's file.
func writeRows(t *testing.T, name string, rows []string) {
	t.Helper()
	folder := filepath.Join("testdata", "vendors")
	text, err := fs.ReadFile(os.DirFS(folder), name)
	require.NoError(t, err)
	head, _, ok := strings.Cut(string(text), "\n \"rows\": [")
	require.True(t, ok, "the rows come last in the file")
	text = fmt.Appendf(nil, "%s\n \"rows\": [\n  %s\n ]\n}\n", head, strings.Join(rows, ",\n  "))
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), text, 0o600))
}

// rowsJSON writes down what became of a record.
func rowsJSON(t *testing.T, p *mapping.Program, out *mapping.Out) []byte {
	t.Helper()
	var objects []string
	rows := map[string][]string{} // by object
	at := make([]int, len(out.Rows))
	for i, row := range out.Rows {
		object := p.Targets()[row.Target].Object
		if rows[object] == nil {
			objects = append(objects, object)
		}
		at[i] = len(rows[object])
		rows[object] = append(rows[object], rowJSON(t, p.Targets()[row.Target], row, at))
	}
	text := append([]byte(`{"id":`), quoted(t, out.VendorID)...)
	for _, object := range objects {
		text = fmt.Appendf(text, `,%q:[%s]`, object, strings.Join(rows[object], ","))
	}
	var whole []string
	for i, w := range out.Whole {
		if w {
			whole = append(whole, p.Targets()[i].Object)
		}
	}
	if whole != nil {
		text = append(append(text, `,"whole":`...), quoted(t, whole)...)
	}
	if len(out.Faults) > 0 {
		faults := make([]string, len(out.Faults))
		for i, f := range out.Faults {
			faults[i] = f.String()
		}
		text = append(append(text, `,"faults":`...), quoted(t, faults)...)
	}
	return append(text, '}')
}

// rowJSON writes down one row; at tells where the rows before it stand among
// those of their object.
func rowJSON(t *testing.T, target mapping.Target, row mapping.Row, at []int) string {
	t.Helper()
	object, ok := mapping.Standard().Object(target.Object)
	require.True(t, ok)
	text := []byte("{")
	for i, v := range row.Values {
		if v.Kind == mapping.KindAbsent {
			continue
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		name := target.Columns[i].Field
		text = fmt.Appendf(text, "%q:", name)
		if v.Kind == mapping.KindRow {
			text = fmt.Append(text, at[v.Int])
			continue
		}
		text = object.Fields[object.Field(name)].AppendJSON(text, v)
	}
	return string(append(text, '}'))
}

// quoted returns JSON without the escapes that are meant for HTML.
func quoted(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	require.NoError(t, e.Encode(v))
	return bytes.TrimSpace(b.Bytes())
}
