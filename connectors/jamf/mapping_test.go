package jamf_test

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connectors/jamf"
	"github.com/vendorsync/vendorsync/mapping"
)

var update = flag.Bool("update", false, "write the rows anew; they are to be read before they are committed")

func stream(t testing.TB, name string) connector.Stream {
	t.Helper()
	st, ok := jamf.New().Spec().Stream(name)
	require.True(t, ok)
	return st
}

func TestTheDefaultMappingMakesTheRightRows(t *testing.T) {
	t.Parallel()
	for name, shape := range map[string]string{jamf.ComputersStream: "jamf-pro-computers", jamf.MobileDevicesStream: "jamf-pro-mobile-devices"} {
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

func TestNoFieldIsIndispensableButAnApplicationsName(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for name, records := range map[string][]string{jamf.ComputersStream: f.computers, jamf.MobileDevicesStream: f.devices[:100]} {
		def := stream(t, name)
		p, err := mapping.Compile(mapping.FromDefault(def), mapping.Standard(), mapping.Options{Fields: def.Fields})
		require.NoError(t, err)
		var out mapping.Out
		for _, rec := range records {
			out.Reset()
			require.NoError(t, p.Map(connector.Record(rec), &out))
			require.NotEmpty(t, out.Rows)
			for _, fault := range out.Faults {
				require.Regexp(t, `^applications\[\d+\]\.name: is required`, fault.String())
			}
		}
	}
}

func TestTheDefaultMappingOfSingleValues(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ stream, record, row string }{
		"a Mac whose startup disk is encrypted is":    {jamf.ComputersStream, `"operatingSystem": {"fileVault2Status": "BOOT_ENCRYPTED"}`, `"encrypted": true`},
		"one of whose disks only some are is not":     {jamf.ComputersStream, `"operatingSystem": {"fileVault2Status": "SOME_ENCRYPTED"}`, `"encrypted": false`},
		"where FileVault cannot be, nobody knows":     {jamf.ComputersStream, `"operatingSystem": {"fileVault2Status": "NOT_APPLICABLE"}`, `"encrypted": null`},
		"a Mac has both its network cards":            {jamf.ComputersStream, `"hardware": {"macAddress": "AC:DE:48:00:00:01", "altMacAddress": "AC:DE:48:00:00:02"}`, "\"ac:de:48:00:00:01\",\n          \"ac:de:48:00:00:02\""},
		"or the one that it has":                      {jamf.ComputersStream, `"hardware": {"macAddress": "AC:DE:48:00:00:01", "altMacAddress": ""}`, "[\n          \"ac:de:48:00:00:01\"\n        ]"},
		"the address that the Mac reports counts":     {jamf.ComputersStream, `"general": {"lastReportedIp": "10.0.0.1", "lastIpAddress": "198.51.100.1"}`, `"10.0.0.1"`},
		"else the one that it was seen at":            {jamf.ComputersStream, `"general": {"lastReportedIp": null, "lastIpAddress": "198.51.100.1"}`, `"198.51.100.1"`},
		"a user without an e-mail address has a name": {jamf.ComputersStream, `"userAndLocation": {"email": "", "username": "ada"}`, `"assigned_to": "ada"`},
		"a Mac that was given back is nobody's":       {jamf.ComputersStream, `"userAndLocation": {"email": "", "username": ""}`, `"assigned_to": null`},
		"an application is known without its ending":  {jamf.ComputersStream, `"applications": [{"name": "Slack.app", "version": "4"}]`, `"name": "Slack"`},
		"an iPad is mobile":                           {jamf.MobileDevicesStream, `"type": "ios"`, `"asset_type": "mobile"`},
		"an Apple TV is not":                          {jamf.MobileDevicesStream, `"type": "tvos"`, `"asset_type": "other"`},
		"and has a system of its own":                 {jamf.MobileDevicesStream, `"type": "tvos"`, `"os_name": "tvOS"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, err := connectortest.Rows(stream(t, test.stream), connector.Record(`{"id": "1", `+test.record+`}`))
			require.NoError(t, err)
			require.Contains(t, string(rows), test.row)
			require.NotContains(t, string(rows), `"faults"`)
		})
	}
}

func TestASectionThatDoesNotComeLeavesAlone(t *testing.T) {
	t.Parallel()
	rows, err := connectortest.Rows(stream(t, jamf.ComputersStream), connector.Record(`{"id": "1"}`))
	require.NoError(t, err)
	require.JSONEq(t, `[{"id": "1", "assets": [{"asset_type": "computer"}]}]`, string(rows))
}
