package entra_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/connectors/entra"
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

func TestFaultsOfMicrosoftsOwn(t *testing.T) {
	t.Parallel()
	next := func(link string) func(*fake, *resttest.Server, *connector.Config) {
		return func(f *fake, _ *resttest.Server, _ *connector.Config) { f.next = link }
	}
	tests := map[string]struct {
		change func(*fake, *resttest.Server, *connector.Config)
		class  connector.Class
		says   string
	}{
		"a token that is not taken":     {func(f *fake, _ *resttest.Server, _ *connector.Config) { f.distrust = true }, connector.ErrAuth, "Access token has expired"},
		"a tenant that is not there":    {func(_ *fake, _ *resttest.Server, c *connector.Config) { set("tenant_id", "acme.example")(c) }, connector.ErrAuth, "AADSTS90002"},
		"a smaller page than asked for": {func(f *fake, _ *resttest.Server, _ *connector.Config) { f.most = 500 }, connector.ErrInvalid, "between 1 and 500"},
		"HTML in place of a token":      {func(_ *fake, s *resttest.Server, _ *connector.Config) { s.Always = resttest.HTML() }, connector.ErrMalformed, "get an access token"},
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
