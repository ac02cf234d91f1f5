package entra_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/connectors/entra"
	"github.com/vendorsync/vendorsync/mapping"
)

func TestItKeepsTheContract(t *testing.T) {
	t.Parallel()
	for _, everything := range []string{"false", "true"} {
		t.Run("all optional fields: "+everything, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.users = f.users[:300] // the users in one page, or in three with their sign-in
			f.permissions = append(f.permissions, "AuditLog.Read.All", "User-LifeCycleInfo.Read.All")
			transport := f.server().Transport()
			t.Cleanup(func() { require.NoError(t, transport.Close()) })
			connectortest.Run(t, entra.New(), connectortest.Options{
				Config: connector.Config{
					Settings:   connector.Settings{"tenant_id": {tenant}, "sign_in_activity": {everything}, "leave_date": {everything}},
					Credential: app(clientSecret), Transport: transport,
				},
				BadSettings: []connector.Settings{
					{"tenant_id": {"acme.example/../evil"}},
					{"tenant_id": {".."}},
					{"tenant_id": {"a?b"}},
					{"tenant_id": {"a#b"}},
					{"tenant_id": {"{secret}"}},
					{"tenant_id": {tenant}, "cloud": {"mars"}},
					{},
				},
				MinRecords: 120,
			})
		})
	}
}

func TestEveryRecordComesOnceInPagesTheVendorAllows(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		stream string
		change func(*connector.Config)
		pages  int
	}{
		"users":                    {entra.UsersStream, set("cloud", "global"), 3},
		"users with their sign-in": {entra.UsersStream, set("sign_in_activity", "true"), 18},
		"devices":                  {entra.DevicesStream, set("cloud", "global"), 3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.permissions = append(f.permissions, "AuditLog.Read.All")
			f.devices = copies(t, "entra-devices", entra.DevicesStream, 2100)
			s := f.server()
			got, err := read(t, s, test.stream, test.change)
			require.NoError(t, err)
			require.Len(t, got, 2100)
			for i, rec := range got {
				require.Equal(t, strconv.Itoa(i+1), decode(t, rec)["id"])
			}
			require.Len(t, s.Requests(), 1+test.pages, "a token and the pages")
		})
	}
}

func decode(t *testing.T, rec connector.Record) map[string]any {
	t.Helper()
	var doc map[string]any
	require.NoError(t, json.Unmarshal(rec, &doc))
	return doc
}

func TestEveryDeclaredFieldIsAskedFor(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.permissions = append(f.permissions, "AuditLog.Read.All", "User-LifeCycleInfo.Read.All")
	for _, stream := range []string{entra.UsersStream, entra.DevicesStream} {
		s := f.server()
		_, err := read(t, s, stream, set("sign_in_activity", "true"), set("leave_date", "true"))
		require.NoError(t, err)
		u, err := url.Parse(s.Requests()[1].URL)
		require.NoError(t, err)
		relation, _, _ := strings.Cut(u.Query().Get("$expand"), "(")
		asked := append(strings.Split(u.Query().Get("$select"), ","), relation)
		def, ok := entra.New().Spec().Stream(stream)
		require.True(t, ok)
		for _, field := range def.Fields {
			member, _, _ := strings.Cut(field.Path, ".")
			require.Contains(t, asked, strings.TrimSuffix(member, "[]"))
		}
	}
}

func TestWhatTakesAnotherPermissionComesWhereASettingAsksForIt(t *testing.T) {
	t.Parallel()
	for setting, field := range map[string]string{"sign_in_activity": "signInActivity", "leave_date": "employeeLeaveDateTime"} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			got, err := read(t, f.server(), entra.UsersStream)
			require.NoError(t, err)
			for _, rec := range got {
				require.NotContains(t, decode(t, rec), field)
			}
			_, err = read(t, f.server(), entra.UsersStream, set(setting, "true"))
			require.ErrorIs(t, err, connector.ErrPermission)
			f.permissions = append(f.permissions, "AuditLog.Read.All", "User-LifeCycleInfo.Read.All")
			got, err = read(t, f.server(), entra.UsersStream, set(setting, "true"))
			require.NoError(t, err)
			require.Contains(t, decode(t, got[0]), field)
		})
	}
}

func TestEveryCloudIsAskedAtItsOwnHosts(t *testing.T) {
	t.Parallel()
	spec := entra.New().Spec()
	i := slices.IndexFunc(spec.Settings, func(s connector.Setting) bool { return s.Name == "cloud" })
	for _, cloud := range spec.Settings[i].Choices {
		s := &resttest.Server{}
		_, err := read(t, s, entra.UsersStream, set("cloud", cloud))
		require.ErrorIs(t, err, connector.ErrNotFound)
		require.Contains(t, spec.Hosts, s.Requests()[0].Host)
		require.True(t, strings.HasPrefix(s.Requests()[0].Host, "login."))
	}
	s := newFake(t).server()
	got, err := read(t, s, entra.UsersStream, set("cloud", "china"))
	require.NoError(t, err)
	require.Len(t, got, 2100)
	require.Equal(t, "login.chinacloudapi.cn", s.Requests()[0].Host)
	require.Equal(t, "microsoftgraph.chinacloudapi.cn", s.Requests()[3].Host)
}

func TestATokenThatEndsDuringAReadIsRenewed(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.life = 2
	got, err := read(t, f.server(), entra.UsersStream)
	require.NoError(t, err)
	require.Len(t, got, 2100)
	require.Equal(t, int64(2), f.issued.Load())
}

func TestWhatGoesWrongIsToldApart(t *testing.T) {
	t.Parallel()
	second := func(fault resttest.Fault) func(*fake, *resttest.Server, *connector.Config) {
		return func(_ *fake, s *resttest.Server, _ *connector.Config) { s.Faults = map[int]resttest.Fault{3: fault} }
	}
	next := func(link string) func(*fake, *resttest.Server, *connector.Config) {
		return func(f *fake, _ *resttest.Server, _ *connector.Config) { f.next = link }
	}
	tests := map[string]struct {
		change func(*fake, *resttest.Server, *connector.Config)
		class  connector.Class
		says   string
	}{
		"a wrong client secret":         {func(_ *fake, _ *resttest.Server, c *connector.Config) { c.Credential = app("another~s3cret") }, connector.ErrAuth, "AADSTS7000215"},
		"an expired client secret":      {func(_ *fake, _ *resttest.Server, c *connector.Config) { c.Credential = app(endedSecret) }, connector.ErrAuth, "AADSTS7000222"},
		"a token that is not taken":     {func(f *fake, _ *resttest.Server, _ *connector.Config) { f.distrust = true }, connector.ErrAuth, "Access token has expired"},
		"an app without the permission": {func(f *fake, _ *resttest.Server, _ *connector.Config) { f.permissions = nil }, connector.ErrPermission, "Insufficient privileges"},
		"a tenant that is not there":    {func(_ *fake, _ *resttest.Server, c *connector.Config) { set("tenant_id", "acme.example")(c) }, connector.ErrAuth, "AADSTS90002"},
		"a smaller page than asked for": {func(f *fake, _ *resttest.Server, _ *connector.Config) { f.most = 500 }, connector.ErrInvalid, "between 1 and 500"},
		"HTML in place of a token":      {func(_ *fake, s *resttest.Server, _ *connector.Config) { s.Always = resttest.HTML() }, connector.ErrMalformed, "get an access token"},
		"HTML in place of a page":       {second(resttest.HTML()), connector.ErrMalformed, "HTML"},
		"a page that breaks off":        {second(resttest.Malformed()), connector.ErrMalformed, "breaks off"},
		"a page without a list":         {second(resttest.Body("application/json", `{"value": {}}`)), connector.ErrMalformed, "no list of records"},
		"a redirect to another host":    {second(resttest.Redirect("https://evil.example/v1.0/users")), connector.ErrMalformed, "evil.example"},
		"a next page at another host":   {next("https://evil.example/v1.0/users?$top=999&$skiptoken=after-1"), connector.ErrMalformed, "evil.example"},
		"a next page that comes back":   {next("https://graph.microsoft.com/v1.0/users?$select=id&$top=999&$skiptoken=after-1"), connector.ErrMalformed, "again and again"},
	}
	said := map[string]string{}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { // one after another: each fills said
			f := newFake(t)
			s := f.server()
			_, err := read(t, s, entra.UsersStream, func(c *connector.Config) { test.change(f, s, c) })
			require.ErrorIs(t, err, test.class)
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), "s3cret")
			require.NotContains(t, err.Error(), "issued-token")
			for _, seen := range s.Requests() {
				require.Contains(t, []string{"login.microsoftonline.com", "graph.microsoft.com"}, seen.Host)
			}
			said[err.Error()] = name
		})
	}
	require.Len(t, said, len(tests), "each says something else")
}

func TestWhatPassesIsWaitedForAndNotSeen(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]resttest.Fault{
		"too many requests":    resttest.Status(http.StatusTooManyRequests, "Retry-After", "2.128"),
		"a service in trouble": resttest.Status(http.StatusServiceUnavailable, "Retry-After", "10"),
		"a gateway's timeout":  resttest.Status(http.StatusGatewayTimeout),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			synctest.Test(t, func(t *testing.T) {
				s := f.server()
				s.Faults = map[int]resttest.Fault{3: fault}
				got, err := read(t, s, entra.UsersStream)
				require.NoError(t, err)
				require.Len(t, got, 2100)
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
				s.Handlers["/v1.0/users"] = http.HandlerFunc(test.fault)
				_, err := read(t, s, entra.UsersStream)
				require.ErrorIs(t, err, test.class)
			})
		})
	}
}

func TestCheckTellsOfEachPermission(t *testing.T) {
	t.Parallel()
	const missing = connector.Missing
	const granted = connector.Granted
	tests := map[string]struct {
		permissions []string
		grants      []connector.Grant // users: users, sign-ins, leave dates; devices: devices, users
	}{
		"the necessary ones": {[]string{"User.Read.All", "Device.Read.All"}, []connector.Grant{granted, missing, missing, granted, granted}},
		"all":                {[]string{"User.Read.All", "Device.Read.All", "AuditLog.Read.All", "User-LifeCycleInfo.Read.All"}, []connector.Grant{granted, granted, granted, granted, granted}},
		"no devices":         {[]string{"User.Read.All", "AuditLog.Read.All"}, []connector.Grant{granted, granted, missing, missing, granted}},
		"devices alone":      {[]string{"Device.Read.All"}, []connector.Grant{missing, connector.Unknown, connector.Unknown, granted, missing}},
		"all but users":      {[]string{"Device.Read.All", "AuditLog.Read.All", "User-LifeCycleInfo.Read.All"}, []connector.Grant{missing, connector.Unknown, connector.Unknown, granted, missing}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.permissions = test.permissions
			src, err := open(t, f.server(), set("sign_in_activity", "true"))
			require.NoError(t, err)
			defer func() { require.NoError(t, src.Close()) }()
			report, err := src.Check(t.Context())
			require.NoError(t, err)
			var grants []connector.Grant
			for _, p := range report.Permissions {
				grants = append(grants, p.Grant)
				require.Equal(t, p.Grant != granted, strings.Contains(p.Detail, "Insufficient privileges"))
			}
			require.Equal(t, test.grants, grants)
		})
	}
	src, err := open(t, newFake(t).server(), func(c *connector.Config) { c.Credential = app(endedSecret) })
	require.NoError(t, err)
	defer func() { require.NoError(t, src.Close()) }()
	_, err = src.Check(t.Context())
	require.ErrorIs(t, err, connector.ErrAuth)
}

func program(t *testing.T, stream string) *mapping.Program {
	t.Helper()
	def, ok := entra.New().Spec().Stream(stream)
	require.True(t, ok)
	p, err := mapping.Compile(mapping.FromDefault(def), mapping.Standard(), mapping.Options{Fields: def.Fields})
	require.NoError(t, err)
	return p
}

func TestTheDefaultMappingMakesTheRightRows(t *testing.T) {
	t.Parallel()
	for stream, name := range map[string]string{entra.UsersStream: "entra-users", entra.DevicesStream: "entra-devices"} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			p, s := program(t, stream), readShape(t, name)
			require.Len(t, s.Rows, len(s.Records))
			for i, text := range s.Records {
				want, rec := decode(t, connector.Record(s.Rows[i])), decode(t, connector.Record(text))
				if stream == entra.DevicesStream { // they are told apart by the id of the registration
					rows, _ := want["assets"].([]any)
					row, _ := rows[0].(map[string]any)
					row["udid"], _ = rec["deviceId"].(string)
				}
				require.JSONEq(t, string(encode(want)), rowOf(t, p, connector.Record(text)), "record %d", i)
			}
		})
	}
}

func TestNoFieldIsIndispensableButNameAndMail(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for stream, records := range map[string][]map[string]any{entra.UsersStream: f.users[:100], entra.DevicesStream: f.devices[:100]} {
		p := program(t, stream)
		var out mapping.Out
		for _, rec := range records {
			out.Reset()
			require.NoError(t, p.Map(encode(rec), &out))
			for _, fault := range out.Faults {
				require.Regexp(t, `^(username|email): is required`, fault.String())
			}
		}
	}
}

func TestADeviceBelongsToItsRegisteredOwner(t *testing.T) {
	t.Parallel()
	got := rowOf(t, program(t, entra.DevicesStream), connector.Record(`{"id": "1", "deviceId": "d", "displayName": "LT-ÅNGSTRÖM", "registeredOwners": [{"id": "9", "userPrincipalName": "zoe@example.com"}]}`))
	require.JSONEq(t, `{"id": "1", "assets": [{"udid": "d", "device_name": "LT-ÅNGSTRÖM", "assigned_to": "zoe@example.com"}]}`, got)
}

// rowOf writes down what becomes of a record.
func rowOf(t *testing.T, p *mapping.Program, rec connector.Record) string {
	t.Helper()
	var out mapping.Out
	require.NoError(t, p.Map(rec, &out))
	require.Len(t, out.Rows, 1)
	target := p.Targets()[out.Rows[0].Target]
	object, ok := mapping.Standard().Object(target.Object)
	require.True(t, ok)
	row := map[string]any{}
	for i, v := range out.Rows[0].Values {
		if field := target.Columns[i].Field; v.Kind != mapping.KindAbsent {
			row[field] = json.RawMessage(object.Fields[object.Field(field)].AppendJSON(nil, v))
		}
	}
	doc := map[string]any{"id": out.VendorID, target.Object: []any{row}}
	var faults []string
	for _, f := range out.Faults {
		faults = append(faults, f.String())
	}
	if faults != nil {
		doc["faults"] = faults
	}
	return string(encode(doc))
}
