package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
)

func mustPath(t testing.TB, text string) path.Path {
	t.Helper()
	p, err := path.ParsePattern(text)
	require.NoError(t, err)
	return p
}

func FuzzFindAgreesWithEncodingJSON(f *testing.F) {
	for _, seed := range []string{
		`{"data":{"users":[{"id":1},{"id":"2\u00e9"}]},"next":null}`, `{"data":{"users":{"7":{"id":7},"8":[]}}}`, `[]`, `[1,2.5e-3,-0,"a\"b"]`, `{"a":[}`, `{"data":{}}`, `01`, `1.`, `-`, `"\x"`, `{"a":1,}`, `[1 2]`, ` null `, `{"d\u0061ta":{"users":[1]}}`, `truex`, "\"\x01\"", `{"data":{"users":[1]},"data":{"users":[2,3]}}`,
		`{"data":{"users":["0123456789\"\\abcdefghijk\u00e9lmnopq","éééééééééééé"]}}`, `"0123456789` + "\x1f" + `abcdefgh"`, `"0123456789\xabcdefgh"`, `"0123456789abcdef`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := find(src, mustPath(t, "data.users"), 1000)
		require.Equal(t, json.Valid(src), err == nil, "%v", err)
		if err != nil {
			return
		}
		for _, item := range got.items {
			require.True(t, json.Valid(item))
		}
		keyed := &finder{src: src, maxDepth: 1000, keyed: true}
		require.NoError(t, keyed.find(mustPath(t, "data.users")))
		require.Equal(t, string(got.value), string(keyed.value))
		for _, item := range keyed.items {
			require.True(t, json.Valid(item))
		}
		if len(got.value) > 0 && got.value[0] == '[' {
			var want []json.RawMessage
			require.NoError(t, json.Unmarshal(got.value, &want))
			require.Len(t, got.items, len(want))
			for i := range want {
				require.Equal(t, string(want[i]), string(got.items[i]))
			}
		}
	})
}

func FuzzWithoutLeavesNothingAndBreaksNothing(f *testing.F) {
	for _, seed := range []string{`{"a":{"b":1,"c":2},"d":[{"e":1},{"f":2}]}`, `{"a":{"b":1}}`, `{"d":[]}`, `{"a":1`, `{"a":{"b":1},"a":{"b":2}}`, `[]`, `{"d":[{"e":1,"e":2}]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := without(src, []path.Path{mustPath(t, "a.b"), mustPath(t, "d[].e")}, 1000)
		require.Equal(t, json.Valid(src), err == nil)
		if err != nil {
			return
		}
		require.True(t, json.Valid(got), "%s", got)
		f, err := find(got, mustPath(t, "a.b"), 1000)
		require.NoError(t, err)
		require.Nil(t, f.value)
		again, err := without(got, []path.Path{mustPath(t, "a.b"), mustPath(t, "d[].e")}, 1000)
		require.NoError(t, err)
		require.Equal(t, string(got), string(again))
	})
}

func FuzzHeadersOfLimits(f *testing.F) {
	f.Add("1", "0", "5", "limit=1, remaining=0, reset=2", "<a>; rel=next")
	f.Add("-1", "-1", "2026-01-01T00:00Z", `"a, \"b;r=0";r=0;t=4, c;r=0, limit=1`, "")
	f.Add("2.128", "0", "1e400", `"x";r=0;t=NaN`, `<a>; title="x, <b>"; rel="prev", <c>; rel="next last"`)
	f.Add("Wed, 21 Oct 2026 07:28:00 GMT", "", "-1", "", "<a")
	f.Fuzz(func(t *testing.T, after, remaining, reset, field, link string) {
		h := http.Header{"Retry-After": {after}, "X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset": {reset}, "Ratelimit": {field}, "Link": {link}}
		d, _ := vendorWait(h, time.Unix(1_790_000_000, 0))
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.NotContains(t, nextLink(h), ">")
	})
}

func TestNextLinks(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fields []string
		want   string
	}{
		"one":                              {[]string{`<https://x/?after=1>; rel="next"`}, "https://x/?after=1"},
		"several headers, as Okta sends":   {[]string{`<https://x/>; rel="self"`, `<https://x/?after=2>; rel="next"`}, "https://x/?after=2"},
		"several in one header":            {[]string{`<a>; rel="first", <b,c>; rel="next", <d>; rel="last"`}, "b,c"},
		"a comma and a bracket in a title": {[]string{`<a>; title="x, <z>; rel=next"; rel=prev, <b>; rel=next`}, "b"},
		"several relations, other case":    {[]string{`<b>; REL="last NEXT"`}, "b"},
		"none":                             {[]string{`<a>; rel="prev"`}, ""},
		"a link that is not closed":        {[]string{`<a; rel="next"`}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, nextLink(http.Header{"Link": test.fields}))
		})
	}
}

func TestAddressesThatAPolicyAllows(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ always, denied bool }{ // refused by every policy, by DenyPrivate
		"93.184.216.34": {false, false}, "2606:4700::1111": {false, false},
		"127.0.0.1": {false, true}, "::1": {false, true}, "10.1.2.3": {false, true}, "::ffff:10.1.2.3": {false, true}, "fc00::1": {false, true}, "100.64.0.1": {false, true}, "0.0.0.0": {false, true}, "64:ff9b::a00:1": {false, true},
		"169.254.169.254": {true, true}, "::ffff:169.254.169.254": {true, true}, "64:ff9b::a9fe:a9fe": {true, true}, "fe80::1": {true, true}, "fd00:ec2::254": {true, true}, "100.100.100.200": {true, true}, "224.0.0.1": {true, true},
	}
	for text, test := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			addr := netip.MustParseAddr(text)
			require.Equal(t, test.always, Policy{}.allow(addr) != nil)
			require.Equal(t, test.denied, Policy{DenyPrivate: true}.allow(addr) != nil)
		})
	}
}

func TestHostPatterns(t *testing.T) {
	t.Parallel()
	patterns := []string{"*.okta.com", "api.meraki.com"}
	for host, want := range map[string]bool{"acme.okta.com": true, "ACME.OKTA.COM.": true, "a.b.okta.com": true, "okta.com": false, "evilokta.com": false, "acme.okta.com.evil.example": false, "api.meraki.com": true, "x.api.meraki.com": false, ".okta.com": false} {
		require.Equal(t, want, hostAllowed(host, patterns), host)
	}
}

func TestBaseAddresses(t *testing.T) {
	t.Parallel()
	spec := connector.Spec{Name: "Acme", Hosts: []string{"*.acme.example"}}
	tests := map[string]struct{ base, value, want string }{
		"a host":                        {"https://{domain}/api", "eu.acme.example", "https://eu.acme.example/api"},
		"a host with a port":            {"https://{domain}", "eu.acme.example:8443", "https://eu.acme.example:8443"},
		"a whole address":               {"{domain}/api", "https://eu.acme.example", "https://eu.acme.example/api"},
		"a part of a host":              {"https://{domain}.acme.example/v2", "eu", "https://eu.acme.example/v2"},
		"another host":                  {"https://{domain}/api", "evil.example", ""},
		"a host that ends another":      {"https://{domain}.acme.example", "evil.example/x?", ""},
		"a host that comments the rest": {"https://{domain}.acme.example", "evil.example#", ""},
		"a user in front":               {"https://{domain}.acme.example", "evil.example@x", ""},
		"a backslash":                   {"https://{domain}.acme.example", `evil.example\`, ""},
		"no TLS":                        {"{domain}", "http://eu.acme.example", ""},
		"nothing":                       {"https://{domain}", "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := baseURL(spec, API{Base: test.base}, connector.Settings{"domain": {test.value}})
			if test.want == "" {
				require.ErrorIs(t, err, connector.ErrInvalid)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, got.String())
		})
	}
}

func TestAPathTakesAValueIntoOneSegment(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{"a b": "/x/a%20b/y", "a/b": "/x/a%2Fb/y", "..": "", ".": "", "": "", "é?#": "/x/%C3%A9%3F%23/y"} {
		got, err := expandPath("/x/{id}/y", func(string) (string, bool) { return value, true })
		if want == "" {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, want, got)
		u, err := url.Parse("https://h/api")
		require.NoError(t, err)
		require.Equal(t, "/api"+want, u.JoinPath(got).EscapedPath())
	}
}

func TestAddMember(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{`{}`: `{"a\"":[1]}`, ` { "x":1 } `: `{"x":1,"a\"":[1]}`, `[]`: "", ``: ""} {
		got, err := AddMember(connector.Record(in), `a"`, []int{1})
		require.Equal(t, want == "", err != nil)
		require.Equal(t, want, string(got))
	}
}

func BenchmarkFind(b *testing.B) {
	record := `{"id":"00u1","status":"ACTIVE","profile":{"login":"ada@example.com","firstName":"Ada","lastName":"Lovelace","title":"Countess"},"n":12.5,"list":[1,2,3]}`
	body := []byte(`{"users":[` + strings.TrimSuffix(strings.Repeat(record+",", 1000), ",") + `],"next":"x"}`)
	p := mustPath(b, "users")
	b.Run("find", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			f, err := find(body, p, 200)
			if err != nil || len(f.items) != 1000 {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding json", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			var v struct{ Users []json.RawMessage }
			if err := json.NewDecoder(bytes.NewReader(body)).Decode(&v); err != nil || len(v.Users) != 1000 {
				b.Fatal(err)
			}
		}
	})
}

func TestTheCredentialStaysWithItsOwnCustomer(t *testing.T) {
	t.Parallel()
	base, err := url.Parse("https://acme.okta.com/api")
	require.NoError(t, err)
	c := &Client{base: base, spec: connector.Spec{Hosts: []string{"*.okta.com"}}, api: API{Hosts: []string{"files.okta.com"}}}
	for address, allowed := range map[string]bool{
		"https://acme.okta.com/api/v1/users?after=2": true,
		"https://files.okta.com/x":                   true, // the API says so
		"https://other.okta.com/api/v1/users":        false,
		"http://acme.okta.com/api/v1/users":          false,
		"https://files.okta.com:8443/x":              false,
	} {
		u, err := url.Parse(address)
		require.NoError(t, err)
		require.Equal(t, allowed, c.checkHost("follow", u) == nil, address)
	}
}
