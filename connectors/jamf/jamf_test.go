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
	"github.com/vendorsync/vendorsync/mapping"
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

func TestWhatGoesWrongIsToldApart(t *testing.T) {
	t.Parallel()
	const quota = `{"fault": {"faultstring": "Rate limit quota violation", "detail": {"errorcode": "policies.ratelimit.QuotaViolation"}}}`
	always := func(fault resttest.Fault) func(*fake, *resttest.Server, *connector.Config) {
		return func(_ *fake, s *resttest.Server, _ *connector.Config) { s.Faults = map[int]resttest.Fault{3: fault} }
	}
	tests := map[string]struct {
		change func(*fake, *resttest.Server, *connector.Config)
		class  connector.Class
		says   string
	}{
		"a wrong client secret":          {func(_ *fake, _ *resttest.Server, c *connector.Config) { c.Credential = apiClient("another-s3cret") }, connector.ErrAuth, "invalid_client"},
		"a wrong password":               {func(_ *fake, _ *resttest.Server, c *connector.Config) { c.Credential = account("another-passw0rd") }, connector.ErrAuth, "log in"},
		"a client that has been ended":   {func(f *fake, _ *resttest.Server, _ *connector.Config) { f.distrust = true }, connector.ErrAuth, "401 Unauthorized: Unauthorized"},
		"a role without the privilege":   {func(f *fake, _ *resttest.Server, _ *connector.Config) { f.privileges = nil }, connector.ErrPermission, "403 Forbidden: Forbidden"},
		"a smaller page than asked for":  {func(f *fake, _ *resttest.Server, _ *connector.Config) { f.most = 50 }, connector.ErrInvalid, "page-size must be 1 to 50"},
		"a domain of something else":     {func(_ *fake, s *resttest.Server, _ *connector.Config) { s.Handlers = nil }, connector.ErrNotFound, "404"},
		"a domain with a website":        {func(_ *fake, s *resttest.Server, _ *connector.Config) { s.Always = resttest.HTML() }, connector.ErrMalformed, "get an access token"},
		"HTML in place of a page":        {always(resttest.HTML()), connector.ErrMalformed, "HTML"},
		"a page that breaks off":         {always(resttest.Malformed()), connector.ErrMalformed, "breaks off"},
		"a page without records":         {always(resttest.Body("application/json", `{"totalCount": 250, "results": []}`)), connector.ErrMalformed, "counts 250 records and has sent 100"},
		"the quota used up, told by 200": {always(resttest.Body("application/json", quota)), connector.ErrRateLimited, "quota is used up"},
		"a redirect to another host":     {always(resttest.Redirect("https://evil.example/api")), connector.ErrMalformed, "evil.example"},
		"a page number that is not heard": {func(f *fake, s *resttest.Server, _ *connector.Config) {
			s.Faults = map[int]resttest.Fault{3: func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				q.Set("page", "0")
				r.URL.RawQuery = q.Encode()
				s.Handlers[r.URL.Path](w, r)
			}}
		}, connector.ErrMalformed, "same page again"},
	}
	said := map[string]string{}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { // one after another: each fills said
			f := newFake(t)
			s := f.server()
			_, err := read(t, s, connector.Request{Stream: jamf.ComputersStream}, func(c *connector.Config) { test.change(f, s, c) })
			require.ErrorIs(t, err, test.class)
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), "s3cret")
			require.NotContains(t, err.Error(), "passw0rd")
			require.NotContains(t, err.Error(), "issued-token")
			for _, seen := range s.Requests() {
				require.Equal(t, "acme.jamfcloud.com", seen.Host)
			}
			said[name] = err.Error()
		})
	}
	require.NotEqual(t, said["a wrong client secret"], said["a client that has been ended"])
	require.NotEqual(t, said["a client that has been ended"], said["a role without the privilege"])
}

func TestWhatPassesIsWaitedForAndNotSeen(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]resttest.Fault{
		"too many requests": resttest.Status(http.StatusTooManyRequests, "Retry-After", "30"),
		"a server restart":  resttest.Status(http.StatusServiceUnavailable),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			synctest.Test(t, func(t *testing.T) {
				s := f.server()
				s.Faults = map[int]resttest.Fault{3: fault}
				got, err := read(t, s, connector.Request{Stream: jamf.ComputersStream})
				require.NoError(t, err)
				require.Len(t, got, 250)
			})
		})
	}
}

func TestWhatDoesNotPassEndsWithItsClass(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault resttest.Fault
		class connector.Class
	}{
		"too many requests, always":     {resttest.Status(http.StatusTooManyRequests, "Retry-After", "30"), connector.ErrRateLimited},
		"a server that always fails":    {resttest.Status(http.StatusInternalServerError), connector.ErrUnavailable},
		"a server that breaks off":      {resttest.CloseInBody(), connector.ErrUnavailable},
		"a server that says no more":    {resttest.Stall(), connector.ErrUnavailable},
		"a body larger than any page's": {resttest.Huge(80 << 20), connector.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			synctest.Test(t, func(t *testing.T) {
				s := f.server()
				s.Handlers["/api/v1/computers-inventory"] = http.HandlerFunc(test.fault)
				_, err := read(t, s, connector.Request{Stream: jamf.ComputersStream})
				require.ErrorIs(t, err, test.class)
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

func TestTheDefaultMappingMakesTheRightRows(t *testing.T) {
	t.Parallel()
	for stream, name := range map[string]string{jamf.ComputersStream: "jamf-pro-computers", jamf.MobileDevicesStream: "jamf-pro-mobile-devices"} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			def, ok := jamf.New().Spec().Stream(stream)
			require.True(t, ok)
			p, err := mapping.Compile(mapping.FromDefault(def), mapping.Standard(), mapping.Options{Fields: def.Fields})
			require.NoError(t, err)
			s := readShape(t, name)
			require.Len(t, s.Rows, len(s.Records))
			for i, rec := range s.Records {
				require.JSONEq(t, string(s.Rows[i]), rowsOf(t, p, connector.Record(rec)), "record %d", i)
			}
		})
	}
}

func TestNoFieldIsIndispensableButAnApplicationsName(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for stream, records := range map[string][]string{jamf.ComputersStream: f.computers, jamf.MobileDevicesStream: f.devices[:100]} {
		def, ok := jamf.New().Spec().Stream(stream)
		require.True(t, ok)
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

// rowsOf writes down what becomes of a record; a link is the index of a row of
// the object that it points to.
func rowsOf(t *testing.T, p *mapping.Program, rec connector.Record) string {
	t.Helper()
	var out mapping.Out
	require.NoError(t, p.Map(rec, &out))
	doc := map[string]any{"id": out.VendorID}
	rows := map[string][]any{}
	at := make([]int, len(out.Rows))
	for i, row := range out.Rows {
		target := p.Targets()[row.Target]
		object, ok := mapping.Standard().Object(target.Object)
		require.True(t, ok)
		values := map[string]any{}
		for j, v := range row.Values {
			switch field := target.Columns[j].Field; v.Kind {
			case mapping.KindAbsent:
			case mapping.KindRow:
				values[field] = at[v.Int]
			default:
				values[field] = json.RawMessage(object.Fields[object.Field(field)].AppendJSON(nil, v))
			}
		}
		at[i] = len(rows[target.Object])
		rows[target.Object] = append(rows[target.Object], values)
		doc[target.Object] = rows[target.Object]
	}
	var whole []string
	for i, w := range out.Whole {
		if w {
			whole = append(whole, p.Targets()[i].Object)
		}
	}
	if whole != nil {
		doc["whole"] = whole
	}
	var faults []string
	for _, f := range out.Faults {
		faults = append(faults, f.String())
	}
	if faults != nil {
		doc["faults"] = faults
	}
	return string(encode(doc))
}
