package ldap

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/internal/testserver"
)

// These tests ask a real directory, OpenLDAP's slapd.

const (
	suffix     = "dc=example,dc=com"
	readerDN   = "cn=reader," + suffix
	crowdSize  = 1200
	deniedTree = "ou=Vault," + suffix
)

// ldif writes an entry; each value is text of any kind.
func ldif(b *strings.Builder, dn string, attrs ...string) {
	line := func(name, value string) {
		fmt.Fprintf(b, "%s:: %s\n", name, base64.StdEncoding.EncodeToString([]byte(value)))
	}
	line("dn", dn)
	for i := 0; i < len(attrs); i += 2 {
		line(attrs[i], attrs[i+1])
	}
	b.WriteByte('\n')
}

// people are the entries that the tests read.
func people(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	for _, ou := range []string{"People", "Crowd", "Hosts", "Vault"} {
		ldif(&b, "ou="+ou+","+suffix, "objectClass", "organizationalUnit", "ou", ou)
	}
	ldif(&b, readerDN, "objectClass", "applicationProcess", "objectClass", "simpleSecurityObject", "cn", "reader", "userPassword", readerPassword)
	for _, rec := range shapeRecords(t, "ldap-ad-inetorgperson") {
		attrs := []string{"objectClass", "inetOrgPerson"}
		for _, name := range slices.Sorted(keys(rec)) {
			for _, value := range texts(rec[name]) {
				if name != "dn" && value != "" { // LDAP has no empty values
					attrs = append(attrs, name, value)
				}
			}
		}
		ldif(&b, fmt.Sprint(rec["dn"]), attrs...)
	}
	for i := range crowdSize {
		uid := fmt.Sprintf("p%d", i)
		ldif(&b, "uid="+uid+",ou=Crowd,"+suffix, "objectClass", "inetOrgPerson", "uid", uid, "cn", "Zoë "+uid, "sn", "Łukasz",
			"mail", uid+"@example.com", "mail", uid+"@example.org", "manager", fmt.Sprintf("uid=p%d,ou=Crowd,%s", i%50, suffix),
			"modifyTimestamp", fmt.Sprintf("2026%02d01000000Z", 1+i%12), "jpegPhoto", "\xff\xd8\xff", "userPassword", "of "+uid)
	}
	for i := range 7 {
		cn := fmt.Sprintf("host%d", i)
		ldif(&b, "cn="+cn+",ou=Hosts,"+suffix, "objectClass", "device", "objectClass", "ipHost", "objectClass", "ieee802Device", "cn", cn,
			"serialNumber", "SN-"+cn, "macAddress", fmt.Sprintf("3c:58:c2:01:23:%02x", i), "ipHostNumber", fmt.Sprintf("192.0.2.%d", i+1), "l", "Berlin",
			"modifyTimestamp", fmt.Sprintf("2026%02d01000000Z", 1+i))
	}
	ldif(&b, "uid=kim,"+deniedTree, "objectClass", "inetOrgPerson", "uid", "kim", "cn", "Kim", "sn", "Oh")
	return b.String()
}

func slapd(t testing.TB, opt testserver.LDAPOptions) *testserver.LDAPServer {
	t.Helper()
	opt.Suffix, opt.LDIF, opt.Deny = suffix, people(t), []string{deniedTree}
	return testserver.LDAP(t, opt)
}

// account returns a credential that trusts certificates.
func account(user, password, ca string) credentials.Source {
	return credentials.Static(credentials.Credential{Kind: credentials.Basic, Values: map[string]credentials.Secret{
		"username": credentials.NewSecret(user), "password": credentials.NewSecret(password), "ca": credentials.NewSecret(ca),
	}})
}

// slapdConfig returns what opens a directory as the reader, with StartTLS unless
// the pairs say otherwise.
func slapdConfig(t testing.TB, s *testserver.LDAPServer, pairs ...string) connector.Config {
	t.Helper()
	return connector.Config{Settings: settings(t, s.URL, pairs...), Credential: account(readerDN, readerPassword, s.CA)}
}

func TestSlapd(t *testing.T) {
	t.Parallel()
	s := slapd(t, testserver.LDAPOptions{PageLimit: 600})
	wrongCA := testserver.LDAP(t, testserver.LDAPOptions{}).CA

	t.Run("it keeps the contract", func(t *testing.T) {
		t.Parallel()
		connectortest.Run(t, New(), connectortest.Options{
			Config:     slapdConfig(t, s, settingPageSize, "2", "computers_base_dn", "ou=Hosts,"+suffix, "users_base_dn", "ou=People,"+suffix),
			MinRecords: 6,
			Since:      time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
		})
	})
	t.Run("its people are mapped", func(t *testing.T) {
		t.Parallel()
		cfg := slapdConfig(t, s, settingPageSize, "2", settingBase, "ou=People,"+suffix)
		pages, err := read(t.Context(), open(t, cfg), connector.Request{})
		require.NoError(t, err)
		require.Greater(t, len(pages), 2)
		requireRows(t, "ldap-ad-inetorgperson", stream(t, UserStream), records(pages))
		connectortest.GoldenRows(t, filepath.Join("testdata", "rows_ldap_users.json"), *update, stream(t, UserStream), records(pages)...)
	})
	t.Run("its computers are mapped", func(t *testing.T) {
		t.Parallel()
		pages, err := read(t.Context(), open(t, slapdConfig(t, s, settingPageSize, "3")), connector.Request{Stream: ComputerStream})
		require.NoError(t, err)
		require.Len(t, pages, 3)
		rows, err := connectortest.Rows(stream(t, ComputerStream), records(pages)[0])
		require.NoError(t, err)
		require.Contains(t, string(rows), `"serial_number": "SN-host0"`)
		require.Contains(t, string(rows), `"3c:58:c2:01:23:00"`)
		require.Contains(t, string(rows), `"192.0.2.1"`)
	})
	t.Run("more come than a search may bring at once", func(t *testing.T) {
		t.Parallel()
		pages, err := read(t.Context(), open(t, slapdConfig(t, s, settingBase, "ou=Crowd,"+suffix)), connector.Request{Fields: []string{"entry.manager", "jpegPhoto", "userPassword"}})
		require.NoError(t, err)
		require.Len(t, pages, 3)
		all := records(pages)
		require.Len(t, all, crowdSize)
		for i, rec := range all {
			var got struct {
				UID, Mail, Manager, JPEGPhoto []string
				Entry                         map[string]string
				ModifyTimestamp               string
			}
			require.NoError(t, json.Unmarshal(rec, &got))
			uid := fmt.Sprintf("p%d", i)
			require.Equal(t, []string{uid}, got.UID)
			require.Equal(t, []string{uid + "@example.com", uid + "@example.org"}, got.Mail)
			require.Equal(t, []string{"/9j/"}, got.JPEGPhoto)
			require.Equal(t, fmt.Sprintf("p%d", i%50), got.Entry[memberManager])
			require.Equal(t, fmt.Sprintf("2026-%02d-01T00:00:00Z", 1+i%12), got.ModifyTimestamp)
			require.NotContains(t, rec.String(), "userPassword")
		}
	})
	t.Run("what has changed since a time", func(t *testing.T) {
		t.Parallel()
		pages, err := read(t.Context(), open(t, slapdConfig(t, s, settingBase, "ou=Crowd,"+suffix)), connector.Request{Since: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)})
		require.NoError(t, err)
		require.Len(t, records(pages), crowdSize/12)
	})
	t.Run("the administrator too sees no password", func(t *testing.T) {
		t.Parallel()
		cfg := slapdConfig(t, s, settingBase, "ou=Crowd,"+suffix)
		cfg.Credential = account(s.AdminDN, s.AdminPassword, s.CA)
		src := open(t, cfg)
		d, ok := src.(connector.Discoverer)
		require.True(t, ok)
		fields, err := d.Discover(t.Context(), UserStream)
		require.NoError(t, err)
		names := make([]string, len(fields))
		for i, f := range fields {
			names[i] = f.Path
		}
		require.Contains(t, names, "jpegPhoto")
		require.NotContains(t, names, "userPassword")
	})
	for name, test := range map[string]struct {
		change func(cfg *connector.Config)
		class  connector.Class
		says   string
	}{
		"StartTLS":                       {func(*connector.Config) {}, "", ""},
		"LDAPS":                          {func(cfg *connector.Config) { cfg.Settings[settingURL] = []string{s.TLSURL} }, "", ""},
		"no TLS on this machine":         {func(cfg *connector.Config) { cfg.Settings[settingStartTLS] = []string{"false"} }, "", ""},
		"the server's own certificate":   {func(cfg *connector.Config) { cfg.Credential = account(readerDN, readerPassword, s.Certificate) }, "", ""},
		"StartTLS, an authority unknown": {func(cfg *connector.Config) { cfg.Credential = basic(readerDN, readerPassword) }, connector.ErrTLS, "install a certificate issued by a CA on the server, or add the server's certificate or its CA to the trust list"},
		"StartTLS, another authority":    {func(cfg *connector.Config) { cfg.Credential = account(readerDN, readerPassword, wrongCA) }, connector.ErrTLS, "unknown authority"},
		"LDAPS, an authority unknown": {func(cfg *connector.Config) {
			cfg.Settings[settingURL], cfg.Credential = []string{s.TLSURL}, basic(readerDN, readerPassword)
		}, connector.ErrTLS, "or its CA to the trust list"},
		"a wrong password":                {func(cfg *connector.Config) { cfg.Credential = account(readerDN, "another-password", s.CA) }, connector.ErrAuth, "the user name or the password is wrong"},
		"a user name that is no DN":       {func(cfg *connector.Config) { cfg.Credential = account("reader", readerPassword, s.CA) }, connector.ErrAuth, "write the user name as a DN"},
		"nobody in particular":            {func(cfg *connector.Config) { cfg.Credential = nobody(s.CA) }, connector.ErrInvalid, "the account may not see it"},
		"a tree that the account may not": {func(cfg *connector.Config) { cfg.Settings[settingBase] = []string{deniedTree} }, connector.ErrInvalid, "the account may not see it"},
		"a tree that there is not":        {func(cfg *connector.Config) { cfg.Settings[settingBase] = []string{"ou=Nowhere," + suffix} }, connector.ErrInvalid, "correct the base DN"},
		"a tree of another directory":     {func(cfg *connector.Config) { cfg.Settings[settingBase] = []string{"dc=elsewhere"} }, connector.ErrInvalid, "dc=elsewhere"},
		"a page that is too large":        {func(cfg *connector.Config) { cfg.Settings[settingPageSize] = []string{"601"} }, connector.ErrPermission, "lower page_size"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := slapdConfig(t, s, settingBase, "ou=People,"+suffix)
			test.change(&cfg)
			src := open(t, cfg)
			pages, err := read(t.Context(), src, connector.Request{})
			require.Equal(t, test.class, connector.ClassOf(err), err)
			if test.class != "" {
				require.ErrorContains(t, err, test.says)
				return
			}
			require.NotEmpty(t, records(pages))
			report, err := src.Check(t.Context())
			require.NoError(t, err)
			require.Equal(t, connector.Granted, report.Permissions[0].Grant)
			require.Equal(t, connector.Unknown, report.Permissions[1].Grant, "there are no computers among the people")
		})
	}
}

// nobody is the credential of nobody in particular, with certificates to trust.
func nobody(ca string) credentials.Source {
	return credentials.Static(credentials.Credential{Kind: credentials.None, Values: map[string]credentials.Secret{"ca": credentials.NewSecret(ca)}})
}

func TestSlapdThatRequiresTLS(t *testing.T) {
	t.Parallel()
	s := slapd(t, testserver.LDAPOptions{RequireTLS: true})
	_, err := read(t.Context(), open(t, slapdConfig(t, s, settingStartTLS, "false")), connector.Request{})
	require.Equal(t, connector.ErrInvalid, connector.ClassOf(err), err)
	require.ErrorContains(t, err, "set start_tls to true")
	pages, err := read(t.Context(), open(t, slapdConfig(t, s, settingBase, "ou=People,"+suffix)), connector.Request{})
	require.NoError(t, err)
	require.NotEmpty(t, records(pages))
}

func TestSlapdThatStopsInBetween(t *testing.T) {
	t.Parallel()
	s := slapd(t, testserver.LDAPOptions{})
	src := open(t, slapdConfig(t, s, settingPageSize, "100", settingBase, "ou=Crowd,"+suffix))
	got := 0
	var failed error
	for page, err := range connector.Pages(t.Context(), src, connector.Request{Stream: UserStream}) {
		if err != nil {
			failed = err
			break
		}
		if got += len(page.Records); got == 300 {
			s.Stop()
		}
	}
	require.Equal(t, connector.ErrUnavailable, connector.ClassOf(failed), failed)
	require.Equal(t, 300, got)
	s.Restart()
	pages, err := read(t.Context(), src, connector.Request{})
	require.NoError(t, err)
	require.Len(t, records(pages), crowdSize)
}
