package entra_test

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connectors/entra"
)

var update = flag.Bool("update", false, "write the rows anew; they are to be read before they are committed")

func stream(t testing.TB, name string) connector.Stream {
	t.Helper()
	st, ok := entra.New().Spec().Stream(name)
	require.True(t, ok)
	return st
}

func TestTheDefaultMappingMakesTheRightRows(t *testing.T) {
	t.Parallel()
	for name, shape := range map[string]string{entra.UsersStream: "entra-users", entra.DevicesStream: "entra-devices"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var records []connector.Record
			for _, rec := range readShape(t, shape).Records {
				records = append(records, connector.Record(rec))
			}
			connectortest.GoldenRows(t, filepath.Join("testdata", "rows_"+name+".json"), *update, stream(t, name), records...)
		})
	}
}

func TestNoFieldIsIndispensableButTheName(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for name, all := range map[string][]map[string]any{entra.UsersStream: f.users[:100], entra.DevicesStream: f.devices[:100]} {
		for _, rec := range all {
			rows, err := connectortest.Rows(stream(t, name), encode(rec))
			require.NoError(t, err)
			if _, named := rec["userPrincipalName"]; named || name == entra.DevicesStream {
				require.NotContains(t, string(rows), `"faults"`)
			} else {
				require.Contains(t, string(rows), `username: is required`)
			}
		}
	}
}

func TestTheDefaultMappingOfSingleValues(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ stream, record, row string }{
		"an account that is enabled is active":              {entra.UsersStream, `"accountEnabled": true`, `"status": "active"`},
		"one that is not is inactive":                       {entra.UsersStream, `"accountEnabled": false`, `"status": "inactive"`},
		"one without a mailbox is written to at its name":   {entra.UsersStream, `"mail": null, "userPrincipalName": "ada@example.com"`, `"email": "ada@example.com"`},
		"who has never signed in has no last login":         {entra.UsersStream, `"signInActivity": {"lastSignInDateTime": "0001-01-01T00:00:00Z"}`, `"last_login_at": null`},
		"a device belongs to its registered owner":          {entra.DevicesStream, `"registeredOwners": [{"id": "9", "userPrincipalName": "zoe@example.com"}]`, `"assigned_to": "zoe@example.com"`},
		"a phone that Intune for Android manages is mobile": {entra.DevicesStream, `"operatingSystem": "AndroidForWork"`, `"asset_type": "mobile"`},
		"and runs Android":                                  {entra.DevicesStream, `"operatingSystem": "AndroidForWork"`, `"os_name": "Android"`},
		"a Mac is a computer however it is written":         {entra.DevicesStream, `"operatingSystem": "MacOs"`, `"asset_type": "computer"`},
		"a system that is new is something other":           {entra.DevicesStream, `"operatingSystem": "Fuchsia"`, `"asset_type": "other"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, err := connectortest.Rows(stream(t, test.stream), connector.Record(`{"id": "1", `+test.record+`}`))
			require.NoError(t, err)
			require.Contains(t, string(rows), test.row)
		})
	}
}
