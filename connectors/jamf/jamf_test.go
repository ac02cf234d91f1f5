package jamf_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/connectors/jamf"
	"github.com/vendorsync/vendorsync/credentials"
)

func TestItKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		credential credentials.Source
		devices    int
		least      int
		streams    []string
	}{
		"an API client":      {apiClient(clientSecret), 120, 120, nil},
		"a standard account": {account(password), 120, 250, []string{jamf.ComputersStream}},
		"mobile devices in more than one large page": {apiClient(clientSecret), 1100, 1100, []string{jamf.MobileDevicesStream}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.devices = copies(t, "jamf-pro-mobile-devices", jamf.MobileDevicesStream, test.devices)
			transport := f.server().Transport()
			t.Cleanup(func() { require.NoError(t, transport.Close()) })
			connectortest.Run(t, jamf.New(), connectortest.Options{
				Config: connector.Config{Settings: connector.Settings{"domain": {"jamf.acme.example:8443"}}, Credential: test.credential, Transport: transport},
				BadSettings: []connector.Settings{
					{"domain": {"https://acme.jamfcloud.com"}},
					{"domain": {"acme.jamfcloud.com/path"}},
					{"domain": {"user@acme.jamfcloud.com"}},
					{"domain": {"acme.jamfcloud.com"}, "inventory_version": {"v4"}},
				},
				Streams:    test.streams,
				MinRecords: test.least,
				Since:      time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC),
			})
		})
	}
}

func TestEveryRecordComesOnceInPagesTheVendorAllows(t *testing.T) {
	t.Parallel()
	for stream, test := range map[string]struct{ records, pages, size int }{
		jamf.ComputersStream:     {250, 3, 100},
		jamf.MobileDevicesStream: {2100, 3, 1000},
	} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.devices = copies(t, "jamf-pro-mobile-devices", jamf.MobileDevicesStream, 2100)
			s := f.server()
			def, ok := jamf.New().Spec().Stream(stream)
			require.True(t, ok)
			req := connector.Request{Stream: stream}
			for _, field := range def.Fields {
				req.Fields = append(req.Fields, field.Path)
			}
			got, err := read(t, s, req)
			require.NoError(t, err)
			require.Len(t, got, test.records)
			want := map[string][]string{jamf.ComputersStream: f.computers, jamf.MobileDevicesStream: f.devices}[stream]
			for i, rec := range got {
				require.JSONEq(t, want[i], rec.String(), "every section of it")
			}
			require.Len(t, s.Requests(), 1+test.pages, "a token and the pages")
			require.Contains(t, s.Requests()[1].URL, "page-size="+strconv.Itoa(test.size))
		})
	}
}

func member(t *testing.T, rec connector.Record, name string) any {
	t.Helper()
	var doc map[string]any
	require.NoError(t, json.Unmarshal(rec, &doc))
	return doc[name]
}

func TestAReadSinceATimeFiltersByTheInventoryReport(t *testing.T) {
	t.Parallel()
	s := newFake(t).server()
	since := time.Date(2026, 1, 15, 9, 0, 0, 0, time.FixedZone("", 3600)) // 08:00 in UTC
	got, err := read(t, s, connector.Request{Stream: jamf.ComputersStream, Since: since})
	require.NoError(t, err)
	require.NotEmpty(t, got)
	require.Less(t, len(got), 250)
	for _, rec := range got {
		general, _ := member(t, rec, "general").(map[string]any)
		require.GreaterOrEqual(t, general["reportDate"], "2026-01-15T08:00:00.000Z")
	}
	_, err = read(t, s, connector.Request{Stream: jamf.MobileDevicesStream, Since: since})
	require.ErrorIs(t, err, connector.ErrUnsupported)
}

func TestTheVersionOfTheInventoryIsTheSettings(t *testing.T) {
	t.Parallel()
	got, err := read(t, newFake(t).server(), connector.Request{Stream: jamf.ComputersStream}, func(c *connector.Config) { c.Settings["inventory_version"] = []string{"v3"} })
	require.NoError(t, err)
	require.Len(t, got, 1)
}

func TestATokenThatEndsDuringAReadIsRenewed(t *testing.T) {
	t.Parallel()
	for name, cred := range map[string]credentials.Source{"an API client": apiClient(clientSecret), "a standard account": account(password)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.life = 2
			got, err := read(t, f.server(), connector.Request{Stream: jamf.ComputersStream}, func(c *connector.Config) { c.Credential = cred })
			require.NoError(t, err)
			require.Len(t, got, 250)
			require.Equal(t, int64(2), f.issued.Load())
		})
	}
}

func TestFaultsOfJamfsOwn(t *testing.T) {
	t.Parallel()
	const quota = `{"fault": {"faultstring": "Rate limit quota violation", "detail": {"errorcode": "policies.ratelimit.QuotaViolation"}}}`
	pages := func(body string) func(*fake, *resttest.Server, *connector.Config) {
		return func(_ *fake, s *resttest.Server, _ *connector.Config) {
			s.Handlers["/api/v1/computers-inventory"] = http.HandlerFunc(resttest.Body("application/json", body))
		}
	}
	for name, test := range map[string]struct {
		change func(*fake, *resttest.Server, *connector.Config)
		class  connector.Class
		says   string
	}{
		"a wrong password":               {func(_ *fake, _ *resttest.Server, c *connector.Config) { c.Credential = account("another-passw0rd") }, connector.ErrAuth, "log in"},
		"a smaller page than asked for":  {func(f *fake, _ *resttest.Server, _ *connector.Config) { f.most = 50 }, connector.ErrInvalid, "page-size must be 1 to 50"},
		"a page without records":         {pages(`{"totalCount": 250, "results": []}`), connector.ErrMalformed, "counts 250 records and has sent 0"},
		"the quota used up, told by 200": {pages(quota), connector.ErrRateLimited, "quota is used up"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			synctest.Test(t, func(t *testing.T) { // a quota is waited for
				s := f.server()
				_, err := read(t, s, connector.Request{Stream: jamf.ComputersStream}, func(c *connector.Config) { test.change(f, s, c) })
				require.ErrorIs(t, err, test.class)
				require.ErrorContains(t, err, test.says)
				require.NotContains(t, err.Error(), "another-passw0rd")
			})
		})
	}
}

func TestCheckTellsOfEachPrivilege(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.privileges = []string{"Read Mobile Devices"}
	src, err := open(t, f.server())
	require.NoError(t, err)
	defer func() { require.NoError(t, src.Close()) }()
	report, err := src.Check(t.Context())
	require.NoError(t, err)
	require.Len(t, report.Permissions, 2)
	require.Equal(t, connector.Missing, report.Permissions[0].Grant)
	require.Equal(t, "Read Computers", report.Permissions[0].Name)
	require.Contains(t, report.Permissions[0].Detail, "403")
	require.Equal(t, connector.PermissionStatus{Name: "Read Mobile Devices", Stream: jamf.MobileDevicesStream, Grant: connector.Granted}, report.Permissions[1])

	src, err = open(t, f.server(), func(c *connector.Config) { c.Credential = apiClient("another-s3cret") })
	require.NoError(t, err)
	defer func() { require.NoError(t, src.Close()) }()
	_, err = src.Check(t.Context())
	require.ErrorIs(t, err, connector.ErrAuth)
}
