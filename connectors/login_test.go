package connectors_test

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/connectors"
	"github.com/vendorsync/vendorsync/connectors/entra"
	"github.com/vendorsync/vendorsync/connectors/okta"
	"github.com/vendorsync/vendorsync/connectors/scim"
	"github.com/vendorsync/vendorsync/credentials"
)

// scimTrade is where a server of SCIM has its tokens.
const scimTrade = "https://login.example.net/token"

// own are values of a credential.
type own map[string]string

func (o own) credential() credentials.Credential {
	c := credentials.Credential{ID: "one", Kind: credentials.AuthorizationCode}
	for name, value := range o {
		c = c.With(name, credentials.NewSecret(value))
	}
	return c
}

// A person logs in once; the connector then reads with what the log-in brought,
// and each run leaves in the vault the refresh token that the next one needs.
func TestAPersonLogsInAndTheConnectorReads(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		connector connector.Connector
		settings  connector.Settings
		values    own
		page      string // where the person logs in
		trade     string // where tokens are
		scope     string
		redirect  string
		stream    string
		list      string
		answer    string
	}{
		"okta": {
			connector: okta.New(),
			settings:  connector.Settings{"domain": {"acme.okta.com"}},
			values:    own{"client_id": "0oa1"},
			page:      "https://acme.okta.com/oauth2/v1/authorize", trade: "/oauth2/v1/token",
			scope:    "okta.users.read okta.devices.read okta.apps.read offline_access",
			redirect: "http://127.0.0.1:8400/callback",
			stream:   "users", list: "/api/v1/users", answer: `[{"id":"00u1","status":"ACTIVE"}]`,
		},
		"entra": {
			connector: entra.New(),
			settings:  connector.Settings{"tenant_id": {"acme.onmicrosoft.com"}},
			values:    own{"client_id": "72f9"},
			page:      "https://login.microsoftonline.com/acme.onmicrosoft.com/oauth2/v2.0/authorize", trade: "/acme.onmicrosoft.com/oauth2/v2.0/token",
			scope:    "https://graph.microsoft.com/.default offline_access",
			redirect: "http://localhost/callback",
			stream:   "users", list: "/v1.0/users", answer: `{"value":[{"id":"1"}]}`,
		},
		"scim": {
			connector: scim.New(),
			settings:  connector.Settings{"base_url": {"https://id.example.com/scim/v2"}},
			values:    own{"client_id": "c", "auth_url": "https://login.example.net/authorize", "token_url": scimTrade, "scope": "scim offline_access"},
			page:      "https://login.example.net/authorize", trade: "/token",
			scope:    "scim offline_access",
			redirect: "http://127.0.0.1/callback",
			stream:   "users", list: "/scim/v2/Users", answer: `{"totalResults":1,"Resources":[{"id":"1","userName":"ada"}]}`,
		},
	}
	for id, test := range tests {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			c := test.connector
			settings, err := c.Spec().Resolve(test.settings)
			require.NoError(t, err)
			page, err := url.Parse(test.page)
			require.NoError(t, err)
			var issuer resttest.Issuer
			server := &resttest.Server{
				Authorized: issuer.Authorized,
				Handlers:   map[string]http.HandlerFunc{page.Path: issuer.Authorize, test.trade: issuer.Token},
				Fixtures:   map[string]string{test.list: test.answer},
			}
			transport := server.Transport()
			t.Cleanup(func() { require.NoError(t, transport.Close()) })

			a := rest.Authorization{Spec: c.Spec(), Settings: settings, Credential: test.values.credential(), Transport: transport}
			require.Empty(t, a.Missing())
			redirect, err := a.Redirect()
			require.NoError(t, err)
			require.Equal(t, test.redirect, redirect)
			attempt, err := a.Begin(redirect)
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(attempt.URL, test.page+"?"), attempt.URL)
			asked, err := url.Parse(attempt.URL)
			require.NoError(t, err)
			require.Equal(t, test.scope, asked.Query().Get("scope"))
			cred, err := a.Finish(t.Context(), attempt, answered(t, transport, attempt.URL))
			require.NoError(t, err)

			vault, err := credentials.NewVault(credentials.VaultOptions{Keeper: &credentials.MemoryKeeper{}, Key: credentials.NewKey()})
			require.NoError(t, err)
			binding := credentials.Binding{Connector: id, Hosts: []string{"vendor.example"}}
			_, err = vault.Add(t.Context(), cred, binding, credentials.Details{Owner: "ada"}, "ada")
			require.NoError(t, err)
			for _, next := range []string{"refresh-2", "refresh-3"} {
				src, err := c.Open(t.Context(), connector.Config{Settings: settings, Credential: vault.Source("one", binding, "integration"), Transport: transport})
				require.NoError(t, err)
				count := 0
				for page, err := range connector.Pages(t.Context(), src, connector.Request{Stream: test.stream}) {
					require.NoError(t, err)
					count += len(page.Records)
				}
				require.NoError(t, src.Close())
				require.Equal(t, 1, count)
				kept, err := vault.Open(t.Context(), "one", binding)
				require.NoError(t, err)
				require.Equal(t, next, kept.Value("refresh_token").Reveal())
			}
			hosts := map[string]bool{}
			for _, seen := range server.Requests() {
				hosts[seen.Host] = true
			}
			require.True(t, hosts[page.Host], hosts)
		})
	}
}

// Every log-in that a connector declares can be begun with its Spec alone, with
// addresses of its own or of the credential's.
func TestEveryDeclaredLogInCanBegin(t *testing.T) {
	t.Parallel()
	found := 0
	for _, c := range connectors.All() {
		spec := c.Spec()
		for _, method := range spec.Auth {
			if method.Kind != credentials.AuthorizationCode {
				require.Empty(t, method.AuthURL+method.TokenURL+method.Redirect, "%s %s", spec.ID, method.ID)
				continue
			}
			found++
			values := own{"client_id": "c"}
			if method.AuthURL == "" {
				values["auth_url"], values["token_url"] = "https://login.example.net/authorize", scimTrade
			} else {
				require.Contains(t, method.Scopes, "offline_access", spec.ID)
			}
			a := rest.Authorization{Spec: spec, Method: method.ID, Settings: connector.Settings{}, Credential: values.credential()}
			for _, def := range a.Missing() {
				a.Settings[def.Name] = []string{strings.TrimPrefix(cmp.Or(append(spec.Hosts, "acme.example")...), "*.")}
				if len(spec.Hosts) > 0 && strings.HasPrefix(spec.Hosts[0], "*.") {
					a.Settings[def.Name][0] = "acme." + a.Settings[def.Name][0]
				}
			}
			redirect, err := a.Redirect()
			require.NoError(t, err, spec.ID)
			_, err = a.Begin(redirect)
			require.NoError(t, err, spec.ID)
		}
	}
	require.GreaterOrEqual(t, found, 3)
}

// answered returns what the vendor sends back when a person has logged in.
func answered(t *testing.T, transport http.RoundTripper, address string) url.Values {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	resp, err := transport.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	back, err := resp.Location()
	require.NoError(t, err)
	return back.Query()
}
