package scim_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connectors/scim"
	"github.com/vendorsync/vendorsync/internal/path"
)

var update = flag.Bool("update", false, "write the rows anew; they are to be read before they are committed")

func stream(t testing.TB) connector.Stream {
	t.Helper()
	st, ok := scim.New().Spec().Stream(scim.UserStream)
	require.True(t, ok)
	return st
}

// shapes are users as a server sends them, the first one with all its fields.
func shapes(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "mapping", "testdata", "vendors", "scim-users.json"))
	require.NoError(t, err)
	var shape struct{ Records []json.RawMessage }
	require.NoError(t, json.Unmarshal(text, &shape))
	out := make([]string, len(shape.Records))
	for i, rec := range shape.Records {
		out[i] = string(rec)
	}
	return out
}

func TestTheDefaultMappingMakesTheRightRows(t *testing.T) {
	t.Parallel()
	users := shapes(t)
	records, err := read(t.Context(), open(t, serve(t, provider{users: users, most: 3}.server())), connector.Request{})
	require.NoError(t, err)
	require.Len(t, records, len(users))
	connectortest.GoldenRows(t, filepath.Join("testdata", "rows_users.json"), *update, stream(t), records...)
}

// drop removes what a path leads to.
func drop(v any, p path.Path) {
	switch v := v.(type) {
	case map[string]any:
		if len(p) == 1 {
			delete(v, p[0].Key)
			return
		}
		drop(v[p[0].Key], p[1:])
	case []any:
		for _, item := range v {
			drop(item, p[1:])
		}
	}
}

func TestEachOptionalFieldMayBeAbsent(t *testing.T) {
	t.Parallel()
	full := shapes(t)[0]
	st := stream(t)
	fields := st.Fields[1:] // all but the id
	var list []string
	for _, f := range fields {
		var doc map[string]any
		require.NoError(t, json.Unmarshal([]byte(full), &doc))
		p, err := path.ParsePattern(f.Path)
		require.NoError(t, err)
		drop(doc, p)
		doc["id"] = "without " + f.Path
		rec, err := connector.JSON(doc)
		require.NoError(t, err)
		list = append(list, rec.String())
	}
	records, err := read(t.Context(), open(t, serve(t, provider{users: list}.server())), connector.Request{})
	require.NoError(t, err)
	require.Len(t, records, len(fields))
	for i, f := range fields {
		rows, err := connectortest.Rows(st, records[i])
		require.NoError(t, err)
		switch f.Path {
		case "userName", "emails", "emails[].value":
			require.Contains(t, string(rows), "is required", "without %s", f.Path)
		default:
			require.NotContains(t, string(rows), "faults", "without %s", f.Path)
		}
	}
}

func TestTheDefaultMappingOfSingleValues(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ record, row string }{
		"an active user is":                                    {`"active": true`, `{"status": "active"}`},
		"one who is not is inactive":                           {`"active": false`, `{"status": "inactive"}`},
		"a status may be text":                                 {`"active": "False"`, `{"status": "inactive"}`},
		"the main address counts, wherever it stands":          {`"emails": [{"value": "home@example.com"}, {"value": "work@example.com", "primary": true}]`, `{"email": "work@example.com"}`},
		"what is the main one may be text":                     {`"emails": [{"value": "home@example.com", "primary": "False"}, {"value": "work@example.com", "primary": "True"}]`, `{"email": "work@example.com"}`},
		"the first address counts if none is the main one":     {`"emails": [{"value": "home@example.com"}, {"value": "work@example.com"}]`, `{"email": "home@example.com"}`},
		"a user name that is an address is one":                {`"userName": "ada@example.com"`, `{"username": "ada@example.com", "email": "ada@example.com"}`},
		"a full name may be the display name":                  {`"name": {"givenName": "Ada"}, "displayName": "Ada Lovelace"`, `{"first_name": "Ada", "full_name": "Ada Lovelace"}`},
		"phones are told apart by their type":                  {`"phoneNumbers": [{"value": "1", "type": "mobile"}, {"value": "2", "type": "work"}]`, `{"phone": "2", "mobile_phone": "1"}`},
		"a phone without a type is no mobile one":              {`"phoneNumbers": [{"value": "2"}]`, `{"phone": "2", "mobile_phone": null}`},
		"phones that were taken away are cleared":              {`"phoneNumbers": []`, `{"phone": null, "mobile_phone": null}`},
		"the company and the department are in the extension":  {`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"organization": "Example Ltd", "department": "Analysis"}`, `{"company": "Example Ltd", "department": "Analysis"}`},
		"a manager's id, which means nobody here, is left out": {`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": {"value": "26118915"}}`, `{}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, err := connectortest.Rows(stream(t), connector.Record(`{"id": "1", `+test.record+`}`))
			require.NoError(t, err)
			var docs []struct{ Users []json.RawMessage }
			require.NoError(t, json.Unmarshal(rows, &docs))
			require.JSONEq(t, test.row, string(docs[0].Users[0]))
		})
	}
}
