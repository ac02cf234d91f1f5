package okta_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/connectors/okta"
	"github.com/vendorsync/vendorsync/mapping"
)

var update = flag.Bool("update", false, "write the rows anew; they are to be read before they are committed")

func stream(t testing.TB, name string) connector.Stream {
	t.Helper()
	st, ok := okta.New().Spec().Stream(name)
	require.True(t, ok)
	return st
}

// mapped is the request for what the default mapping reads.
func mapped(st connector.Stream) connector.Request {
	return connector.Request{Stream: st.Name, Fields: mapping.FromDefault(st).Paths()}
}

func TestTheDefaultMappingMakesTheRightRows(t *testing.T) {
	t.Parallel()
	for _, name := range []string{okta.UserStream, okta.DeviceStream} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(filepath.Join("..", "..", "mapping", "testdata", "vendors", "okta-"+name+".json"))
			require.NoError(t, err)
			var shape struct{ Records []json.RawMessage }
			require.NoError(t, json.Unmarshal(b, &shape))
			items := make([]string, len(shape.Records))
			for i, rec := range shape.Records {
				items[i] = string(rec)
			}
			s := &resttest.Server{Lists: map[string]*resttest.List{"/api/v1/" + name: list(items, 200, 3)}}
			st := stream(t, name)
			pages, got, err := read(t, open(t, config(t, s)), mapped(st))
			require.NoError(t, err)
			require.Equal(t, 3, pages)
			require.Len(t, got, len(items))
			connectortest.GoldenRows(t, filepath.Join("testdata", "rows_"+name+".json"), *update, st, got...)
		})
	}
}

func TestTheDefaultMappingOfWhatTheFixturesHold(t *testing.T) {
	t.Parallel()
	for _, name := range []string{okta.DeviceStream, okta.AppStream, okta.AppUserStream} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := stream(t, name)
			_, got, err := read(t, open(t, config(t, org(t))), mapped(st))
			require.NoError(t, err)
			connectortest.GoldenRows(t, filepath.Join("testdata", "rows_fixture_"+name+".json"), *update, st, got[0])
			all, err := connectortest.Rows(st, got...)
			require.NoError(t, err)
			require.NotContains(t, string(all), `"faults"`)
		})
	}
}

func TestAUsersStatusAndNameAreTold(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ record, row string }{
		"one who is yet to be activated is inactive":          {`"status": "STAGED"`, `"status": "inactive"`},
		"one who is yet to set a password is active":          {`"status": "PROVISIONED"`, `"status": "active"`},
		"one who is locked out is active":                     {`"status": "LOCKED_OUT"`, `"status": "active"`},
		"one who is suspended is suspended":                   {`"status": "SUSPENDED"`, `"status": "suspended"`},
		"one who is deprovisioned is deprovisioned":           {`"status": "DEPROVISIONED"`, `"status": "deprovisioned"`},
		"an unknown status is a fault":                        {`"status": "ASLEEP"`, `"status \"ASLEEP\": is not in the table of values`},
		"no status at all clears it":                          {`"status": null`, `"status": null`},
		"the display name is the full name":                   {`"profile": {"displayName": "Countess Lovelace", "firstName": "Ada", "lastName": "Lovelace"}`, `"full_name": "Countess Lovelace"`},
		"first and last name are, where there is none":        {`"profile": {"displayName": null, "firstName": "Ada", "lastName": "Lovelace"}`, `"full_name": "Ada Lovelace"`},
		"a single name is a full name, too":                   {`"profile": {"lastName": "Lovelace"}`, `"full_name": "Lovelace"`},
		"names that were taken away are cleared":              {`"profile": {"displayName": "", "firstName": "", "lastName": null}`, `"full_name": null`},
		"the manager is who is known by the id":               {`"profile": {"managerId": "07104", "manager": "Charles Babbage"}`, `"manager": "07104"`},
		"the employee number keeps the zero at its beginning": {`"profile": {"employeeNumber": "07100"}`, `"employee_id": "07100"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, err := connectortest.Rows(stream(t, okta.UserStream), connector.Record(`{"id": "1", `+test.record+`}`))
			require.NoError(t, err)
			require.Contains(t, string(rows), test.row)
		})
	}
}

func TestADevicesKindAndEncryptionAreTold(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ profile, row string }{
		"a Mac is a computer":                     {`"platform": "MACOS"`, `"asset_type": "computer"`},
		"a phone is mobile":                       {`"platform": "IOS"`, `"asset_type": "mobile"`},
		"a system that is new is something other": {`"platform": "VISIONOS"`, `"asset_type": "other"`},
		"and keeps its name":                      {`"platform": "VISIONOS"`, `"os_name": "VISIONOS"`},
		"a whole disk is encrypted":               {`"diskEncryptionType": "ALL_INTERNAL_VOLUMES"`, `"encrypted": true`},
		"no disk is not":                          {`"diskEncryptionType": "NONE"`, `"encrypted": false`},
		"a new kind of encryption says nothing":   {`"diskEncryptionType": "SOMEHOW"`, `"encrypted": null`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, err := connectortest.Rows(stream(t, okta.DeviceStream), connector.Record(`{"id": "1", "profile": {`+test.profile+`}}`))
			require.NoError(t, err)
			require.Contains(t, string(rows), test.row)
		})
	}
}
