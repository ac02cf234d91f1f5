package rest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAddressesOfEndpointsTakeSettings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, value, want string }{
		"in the host's place":             {"https://{x}/oauth/token", "acme.example", "https://acme.example/oauth/token"},
		"in the host's place with a port": {"https://{x}/token", "acme.example:8443", "https://acme.example:8443/token"},
		"in a part of the host":           {"https://{x}.vendor.example/token", "acme", "https://acme.vendor.example/token"},
		"in the path":                     {"https://vendor.example/{x}/token", "a/b c", "https://vendor.example/a%2Fb%20c/token"},
		"in the query":                    {"https://vendor.example/token?tenant={x}", "a&b=c", "https://vendor.example/token?tenant=a%26b%3Dc"},
		"in front":                        {"{x}/token", "https://acme.example/base/", "https://acme.example/base/token"},
		"in a path below the base":        {"/{x}/token", "acme", "/acme/token"},
		"nowhere":                         {"https://vendor.example", "", "https://vendor.example"},
		"a path in the host's place":      {"https://{x}/token", "evil.example/x", ""},
		"a query in the host's place":     {"https://{x}.vendor.example/token", "evil.example?", ""},
		"a fragment in the host's place":  {"https://{x}.vendor.example/token", "evil.example#", ""},
		"a user in the host's place":      {"https://{x}.vendor.example/token", "evil.example@", ""},
		"a backslash in the host's place": {"https://{x}.vendor.example/token", `evil.example\`, ""},
		"nothing in the host's place":     {"https://{x}/token", "", ""},
		"a query in front":                {"{x}/token", "https://evil.example/?x=", ""},
		"dots in the path":                {"https://vendor.example/{x}/token", "..", ""},
		"nothing in the path":             {"https://vendor.example/{x}/token", "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := fillURL(test.text, func(string) (string, bool) { return test.value, true })
			if test.want == "" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, got.String())
		})
	}
	_, err := fillURL("https://vendor.example/{x}", func(string) (string, bool) { return "", false })
	require.ErrorContains(t, err, "{x}")
}

func FuzzASettingDoesNotMoveAnEndpoint(f *testing.F) {
	for _, seed := range []string{"acme", "..", "a/b", "evil.example/", "evil.example#", "evil.example?", "a@b", `a\b`, "%2e%2e", "a:1", "[::1]", "é", "\x00", "a%2fb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		lookup := func(string) (string, bool) { return value, true }
		if u, err := fillURL("https://vendor.example/{x}/token?y={x}", lookup); err == nil {
			require.Equal(t, "vendor.example", u.Host)
			require.Equal(t, "/"+value+"/token", u.Path)
			again, err := url.Parse(u.String())
			require.NoError(t, err)
			require.Equal(t, value, again.Query().Get("y"))
			require.True(t, strings.HasSuffix(again.EscapedPath(), "/token"))
			require.Equal(t, 2, strings.Count(again.EscapedPath(), "/"))
		}
		if u, err := fillURL("https://{x}.vendor.example/token", lookup); err == nil {
			again, err := url.Parse(u.String())
			require.NoError(t, err)
			require.True(t, strings.HasSuffix(again.Hostname(), ".vendor.example"), again.Hostname())
			require.Equal(t, "/token", again.Path)
			require.Nil(t, again.User)
		}
	})
}

func TestChallenges(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fields []string
		want   challenge
	}{
		"RFC 6750's own example":         {[]string{`Bearer realm="example", error="invalid_token", error_description="The access token expired"`}, challenge{"invalid_token", "The access token expired", ""}},
		"without quotes":                 {[]string{`Bearer error=invalid_token,scope=a`}, challenge{"invalid_token", "", "a"}},
		"quotes in quotes":               {[]string{`Bearer error="x", error_description="a \"b\" \\ c, d=e"`}, challenge{"x", `a "b" \ c, d=e`, ""}},
		"white space":                    {[]string{"Bearer  error = \"x\" ,\t scope = \"a b\""}, challenge{"x", "", "a b"}},
		"another case":                   {[]string{`bearer ERROR="x"`}, challenge{"x", "", ""}},
		"several headers":                {[]string{`Basic realm="x"`, `Bearer error="x"`}, challenge{"x", "", ""}},
		"several challenges in a header": {[]string{`Negotiate, Basic realm="error=no", Bearer error="x"`}, challenge{"x", "", ""}},
		"a token in place of parameters": {[]string{`Negotiate TlRMTVNT==, Bearer error="x"`}, challenge{"x", "", ""}},
		"the first of two":               {[]string{`Bearer error="x", Bearer error="y"`}, challenge{"x", "", ""}},
		"one that breaks off":            {[]string{`Bearer error="x`}, challenge{"x", "", ""}},
		"none":                           {nil, challenge{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, challengeOf(http.Header{"Www-Authenticate": test.fields}))
		})
	}
}

func FuzzChallenges(f *testing.F) {
	f.Add(`Bearer realm="example", error="invalid_token", error_description="a \"b\""`)
	f.Add(`Basic, =, "", error=`)
	f.Add(`a=b=c,,,\"`)
	f.Fuzz(func(t *testing.T, field string) {
		c := challengeOf(http.Header{"Www-Authenticate": {field}})
		require.LessOrEqual(t, len(c.code)+len(c.description)+len(c.scope), len(field))
		told := c.tell("said")
		require.True(t, strings.HasPrefix(told, "said"))
		require.NotContains(t, told, "\n")
		require.LessOrEqual(t, len(told), 4*(maxExcerpt+20))
	})
}
