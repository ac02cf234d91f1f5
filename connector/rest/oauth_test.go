package rest_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/credentials"
)

// Places of tokens: one of the credential's own, and one for each tenant.
const (
	ownEndpoint    = "https://tokens.acme.example/mine"
	tenantEndpoint = "https://login.acme.example/{domain}/token"
)

// claimsOf reads an assertion's part: 0 is its header, 1 its claims.
func claimsOf(t *testing.T, assertion string, part int) map[string]any {
	t.Helper()
	parts := strings.Split(assertion, ".")
	require.Len(t, parts, 3)
	b, err := base64.RawURLEncoding.DecodeString(parts[part])
	require.NoError(t, err)
	var out map[string]any
	require.NoError(t, json.Unmarshal(b, &out))
	return out
}

func TestWhatACredentialSaysOfItsTokensComesFirst(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	keyPEM := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "svc"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	thumbprint := sha256.Sum256(der)

	tests := map[string]struct {
		cred      credentials.Source
		assertion bool
		check     func(*testing.T, *http.Request)
	}{
		"client credentials": {cred: cred(credentials.ClientCredentials, "client_id", "c", "client_secret", secret, "token_url", ownEndpoint, "scope", "own one", "client_auth", "header"), check: func(t *testing.T, r *http.Request) {
			t.Helper()
			require.True(t, resttest.Basic("c", secret)(r))
			require.Equal(t, url.Values{"grant_type": {"client_credentials"}, "scope": {"own one"}, "account": {"eu.acme.example"}}, r.PostForm)
		}},
		"password": {cred: cred(credentials.Password, "client_id", "c", "username", "ada", "password", secret, "token_url", ownEndpoint, "scope", "own"), check: func(t *testing.T, r *http.Request) {
			t.Helper()
			require.Equal(t, url.Values{"grant_type": {"password"}, "scope": {"own"}, "username": {"ada"}, "password": {secret}, "client_id": {"c"}, "account": {"eu.acme.example"}}, r.PostForm)
		}},
		"authorization code": {cred: cred(credentials.AuthorizationCode, "client_id", "c", "client_secret", secret, "refresh_token", "refresh-0", "token_url", ownEndpoint, "scope", "own", "client_auth", "header"), check: func(t *testing.T, r *http.Request) {
			t.Helper()
			require.True(t, resttest.Basic("c", secret)(r))
			require.Equal(t, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"refresh-0"}, "account": {"eu.acme.example"}}, r.PostForm, "the scope is that of the log-in")
		}},
		"a JWT bearer": {cred: cred(credentials.JWTBearer, "private_key", keyPEM, "issuer", "svc", "subject", "ada@acme.example", "key_id", "k1", "certificate", certificate, "audience", "https://audience.example/", "token_url", ownEndpoint, "scope", "own one"), check: func(t *testing.T, r *http.Request) {
			t.Helper()
			claims := claimsOf(t, r.PostForm.Get("assertion"), 1)
			require.Equal(t, []any{"svc", "ada@acme.example", "https://audience.example/", "own one"}, []any{claims["iss"], claims["sub"], claims["aud"], claims["scope"]})
			require.Equal(t, map[string]any{"alg": "RS256", "typ": "JWT", "kid": "k1", "x5t#S256": base64.RawURLEncoding.EncodeToString(thumbprint[:])}, claimsOf(t, r.PostForm.Get("assertion"), 0))
			require.Equal(t, "urn:ietf:params:oauth:grant-type:jwt-bearer", r.PostForm.Get("grant_type"))
			require.Empty(t, r.TLS, "the certificate is no client certificate")
		}},
		"a JWT bearer that says nothing": {cred: cred(credentials.JWTBearer, "private_key", keyPEM, "issuer", "svc", "token_url", ownEndpoint), check: func(t *testing.T, r *http.Request) {
			t.Helper()
			claims := claimsOf(t, r.PostForm.Get("assertion"), 1)
			require.Equal(t, []any{"svc", nil, ownEndpoint, "users"}, []any{claims["iss"], claims["sub"], claims["aud"], claims["scope"]})
		}},
		"a signed client assertion": {assertion: true, cred: cred(credentials.JWTBearer, "private_key", keyPEM, "issuer", "svc", "audience", "https://audience.example/", "token_url", ownEndpoint, "scope", "own"), check: func(t *testing.T, r *http.Request) {
			t.Helper()
			claims := claimsOf(t, r.PostForm.Get("client_assertion"), 1)
			require.Equal(t, []any{"svc", "svc", "https://audience.example/", nil}, []any{claims["iss"], claims["sub"], claims["aud"], claims["scope"]})
			require.Equal(t, "own", r.PostForm.Get("scope"))
			require.Equal(t, "client_credentials", r.PostForm.Get("grant_type"))
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int64
			s := &resttest.Server{Authorized: resttest.Bearer("access-1"), Lists: users(resttest.List{Items: resttest.Items(3)}), Handlers: map[string]http.HandlerFunc{
				"/mine": tokens(&n, 3600, func(r *http.Request) {
					require.NoError(t, r.ParseForm())
					require.Equal(t, "tokens.acme.example", r.Host)
					require.Equal(t, rest.UserAgent+" acme", r.UserAgent())
					test.check(t, r)
				}),
			}}
			cfg := serve(t, s)
			cfg.Credential = test.cred
			held, err := test.cred.Get(t.Context())
			require.NoError(t, err)
			c := vendor(rest.Stream{}, use(held.Kind, rest.OAuthToken(rest.OAuth{TokenURL: loginEndpoint, Scopes: []string{"users"}, Params: map[string]string{"account": "{domain}"}, Style: rest.InForm, Assertion: test.assertion})))
			got, err := read(t.Context(), c, cfg, connector.Request{})
			require.NoError(t, err)
			require.Len(t, got, 3)
			require.Equal(t, int64(1), n.Load())
		})
	}
}

func TestATokenEndpointIsWhereTheSecretMayGo(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		vendors, own string
		domain       string
		hosts        []string
		at           string // the host that is asked; empty if none is
		says         string
	}{
		"below the base":                            {vendors: "/token", hosts: []string{"*.acme.example"}, at: "eu.acme.example"},
		"at a host of the vendor":                   {vendors: loginEndpoint, hosts: []string{"*.acme.example"}, at: "login.acme.example"},
		"the credential's own, at the vendor":       {vendors: "/token", own: "https://sso.acme.example/token", hosts: []string{"*.acme.example"}, at: "sso.acme.example"},
		"the credential's own, anywhere":            {vendors: "/token", own: "https://sso.example.net/token", at: "sso.example.net"},
		"the credential's own alone":                {own: "https://sso.example.net/token", at: "sso.example.net"},
		"a setting in the path":                     {vendors: tenantEndpoint, hosts: []string{"*.acme.example"}, at: "login.acme.example"},
		"the credential's own, at another's":        {vendors: "/token", own: "https://evil.example/token", hosts: []string{"*.acme.example"}, says: "evil.example is no host of the vendor"},
		"the connector's, at another's":             {vendors: "https://evil.example/token", hosts: []string{"*.acme.example"}, says: "evil.example is no host of the vendor"},
		"without TLS":                               {vendors: "http://login.acme.example/token", says: "TLS"},
		"the credential's own without TLS":          {vendors: "/token", own: "http://sso.example.net/token", says: "TLS"},
		"the credential's own with a user":          {vendors: "/token", own: "https://somebody@sso.example.net/token", says: "no address"},
		"the credential's own, relative":            {vendors: "/token", own: "token", says: "no address"},
		"nowhere":                                   {says: "it has no token_url"},
		"a setting that nobody knows":               {vendors: "https://login.acme.example/{tenant}/token", says: "{tenant}"},
		"a setting that leaves its segment, at dot": {vendors: tenantEndpoint, domain: "..", says: "cannot stand in a path"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int64
			handler := tokens(&n, 3600, nil)
			s := &resttest.Server{Fixtures: map[string]string{"/api/users": "[]"}, Handlers: map[string]http.HandlerFunc{"/token": handler, "/api/token": handler, "/eu.acme.example/token": handler}}
			cfg := serve(t, s)
			spec := acmeSpec()
			spec.Hosts = test.hosts
			api := rest.API{Base: "https://eu.acme.example/api", Auth: map[credentials.Kind]rest.Auth{credentials.ClientCredentials: rest.OAuthToken(rest.OAuth{TokenURL: test.vendors})}}
			if test.domain != "" {
				cfg.Settings = connector.Settings{"domain": {test.domain}}
			}
			held := []string{"client_id", "c", "client_secret", secret}
			if test.own != "" {
				held = append(held, "token_url", test.own)
			}
			cfg.Credential = cred(credentials.ClientCredentials, held...)
			client, err := rest.NewClient(t.Context(), spec, api, cfg)
			require.NoError(t, err)
			_, err = client.Do(t.Context(), rest.Request{Op: "list", Path: "/users"})
			if test.at == "" {
				require.ErrorIs(t, err, connector.ErrInvalid)
				require.ErrorContains(t, err, test.says)
				require.Empty(t, s.Requests(), "nobody is asked")
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.at, s.Requests()[0].Host)
		})
	}
}

func TestWhereAClientShowsItsSecretIsFoundOutOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		issuer   resttestIssuer
		style    bool
		secret   string
		requests int
		class    connector.Class
	}{
		"the header":                      {resttestIssuer{Secret: secret}, false, secret, 1, ""},
		"the form":                        {resttestIssuer{Secret: secret, InForm: true}, false, secret, 2, ""},
		"the form, as the connector says": {resttestIssuer{Secret: secret, InForm: true}, true, secret, 1, ""},
		"neither, since it is wrong":      {resttestIssuer{Secret: secret}, false, "another", 2, connector.ErrAuth},
		"a server that is down":           {resttestIssuer{Refuse: resttest.Status(503)}, false, secret, 1, connector.ErrUnavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := test.issuer.new()
			cfg := serve(t, logInServer(i))
			cfg.Credential = cred(credentials.ClientCredentials, "client_id", "c", "client_secret", test.secret)
			o := rest.OAuth{TokenURL: codeTrade}
			if test.style {
				o.Style = rest.InForm
			}
			c := vendor(rest.Stream{}, use(credentials.ClientCredentials, rest.OAuthToken(o)), bounds(rest.Bounds{Retries: -1}))
			_, err := read(t.Context(), c, cfg, connector.Request{})
			if test.class != "" {
				require.ErrorIs(t, err, test.class)
			} else {
				require.NoError(t, err)
			}
			require.Len(t, i.Requests(), test.requests)
		})
	}
}

// A resttestIssuer is what a table says of an Issuer.
type resttestIssuer struct {
	Secret string
	InForm bool
	Refuse resttest.Fault
}

func (i resttestIssuer) new() *resttest.Issuer {
	return &resttest.Issuer{Secret: i.Secret, InForm: i.InForm, Refuse: i.Refuse}
}

func TestATokenIsSentAsTheCredentialSays(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		values     []string
		authorized func(*http.Request) bool
		class      connector.Class
	}{
		"as the connector has it":           {nil, resttest.Header("Authorization", "Bearer "+secret), ""},
		"with a prefix of its own":          {[]string{"prefix", "Token token="}, resttest.Header("Authorization", "Token token="+secret), ""},
		"in a header of its own":            {[]string{"in", "header", "name", "x-api-key"}, resttest.Header("X-Api-Key", secret), ""},
		"in a header with a prefix":         {[]string{"name", "X-Auth", "prefix", "key:"}, resttest.Header("X-Auth", "key:"+secret), ""},
		"in the same header, by name":       {[]string{"name", "authorization"}, resttest.Header("Authorization", "Bearer "+secret), ""},
		"in a query parameter":              {[]string{"in", "query", "name", "key"}, resttest.Query("key", secret), ""},
		"in a query parameter, prefixed":    {[]string{"in", "query", "name", "key", "prefix", "k-"}, resttest.Query("key", "k-"+secret), ""},
		"in a query parameter without name": {[]string{"in", "query"}, nil, connector.ErrInvalid},
		"in a header that cannot be":        {[]string{"name", "x y"}, nil, connector.ErrInvalid},
		"with a line break":                 {[]string{"prefix", "a\nX-Other: "}, nil, connector.ErrAuth},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &resttest.Server{Authorized: test.authorized, Lists: users(resttest.List{Form: resttest.NextURLs, Records: "users", Items: resttest.Items(250)})}
			cfg := serve(t, s)
			cfg.Credential = cred(credentials.APIToken, append([]string{"token", secret}, test.values...)...)
			c := vendor(rest.Stream{Records: "users", Paging: rest.NextURL{Path: "next"}}, use(credentials.APIToken, rest.AnyToken("Authorization", "Bearer ")))
			src, err := c.Open(t.Context(), cfg)
			require.NoError(t, err)
			defer func() { require.NoError(t, src.Close()) }()
			count := 0
			for page, err := range connector.Pages(t.Context(), src, connector.Request{Stream: "users"}) {
				if test.class != "" {
					require.ErrorIs(t, err, test.class)
					require.NotContains(t, err.Error(), secret)
					require.Empty(t, s.Requests())
					return
				}
				require.NoError(t, err)
				require.NotContains(t, string(page.Next), secret, "a cursor keeps no secret")
				count += len(page.Records)
			}
			require.Equal(t, 250, count)
		})
	}
}

// person opens a connector whose credential a person's log-in made.
func person(source credentials.Source, shared *connector.Tokens, transport http.RoundTripper) (connector.Connector, connector.Config) {
	c := vendor(rest.Stream{}, use(credentials.AuthorizationCode, rest.OAuthToken(rest.OAuth{TokenURL: codeTrade})))
	cfg := config(transport)
	cfg.Credential, cfg.Tokens = source, shared
	return c, cfg
}

var bound = credentials.Binding{Connector: "acme", Hosts: []string{"eu.acme.example"}}

// loggedIn is an issuer at which somebody has logged in, and a vault that holds
// what came of it.
func loggedIn(t *testing.T, lifetime int) (*resttest.Issuer, *credentials.Vault) {
	t.Helper()
	i := &resttest.Issuer{Lifetime: lifetime}
	a, b := logIn(t, i, applicant())
	at, err := a.Begin("http://127.0.0.1/callback")
	require.NoError(t, err)
	back, err := b.location(t.Context(), at.URL)
	require.NoError(t, err)
	u, err := url.Parse(back)
	require.NoError(t, err)
	got, err := a.Finish(t.Context(), at, u.Query())
	require.NoError(t, err)
	vault, err := credentials.NewVault(credentials.VaultOptions{Keeper: &credentials.MemoryKeeper{}, Key: credentials.NewKey()})
	require.NoError(t, err)
	_, err = vault.Add(t.Context(), got, bound, credentials.Details{}, "ada")
	require.NoError(t, err)
	return i, vault
}

func refreshToken(t *testing.T, vault *credentials.Vault) string {
	t.Helper()
	got, err := vault.Open(t.Context(), "acme", bound)
	require.NoError(t, err)
	return got.Value("refresh_token").Reveal()
}

// A saver is a Source that does something of its own when it saves.
type saver struct {
	credentials.Source
	save func(ctx context.Context, c credentials.Credential) error
}

func (s saver) Save(ctx context.Context, c credentials.Credential) error { return s.save(ctx, c) }

func TestACrashRightAfterARotationCostsNoLogIn(t *testing.T) {
	t.Parallel()
	i, vault := loggedIn(t, 3600)
	s := logInServer(i)
	transport := s.Transport()
	t.Cleanup(func() { require.NoError(t, transport.Close()) })
	ctx, crash := context.WithCancel(t.Context())
	kept := vault.Source("acme", bound, "run 1")
	c, cfg := person(saver{kept, func(ctx context.Context, c credentials.Credential) error {
		defer crash()
		return kept.Save(ctx, c)
	}}, nil, transport)
	_, err := read(ctx, c, cfg, connector.Request{})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, "refresh-2", refreshToken(t, vault))
	for _, seen := range s.Requests() {
		require.NotEqual(t, "/api/users", seen.URL, "the token was not used yet")
	}
	c, cfg = person(vault.Source("acme", bound, "run 2"), nil, transport)
	got, err := read(t.Context(), c, cfg, connector.Request{})
	require.NoError(t, err, "the old refresh token would have revoked everything")
	require.Len(t, got, 3)
	require.Equal(t, "refresh-3", refreshToken(t, vault))
}

func TestASaveThatFailsStopsTheRunUnlessItPasses(t *testing.T) {
	t.Parallel()
	busy := errors.New("the store is busy")
	tests := map[string]struct {
		fails error
		times int
		saves int
		class connector.Class
	}{
		"it passes":            {busy, 2, 3, ""},
		"it does not pass":     {busy, 9, 3, connector.ErrAuth},
		"the host keeps none":  {credentials.ErrNotSaved, 9, 1, connector.ErrAuth},
		"the binding is other": {credentials.ErrBound, 9, 1, connector.ErrAuth},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i, vault := loggedIn(t, 3600)
				s := logInServer(i)
				transport := s.Transport()
				defer func() { require.NoError(t, transport.Close()) }()
				kept := vault.Source("acme", bound, "run")
				saves := 0
				c, cfg := person(saver{kept, func(ctx context.Context, c credentials.Credential) error {
					if saves++; saves <= test.times {
						return test.fails
					}
					return kept.Save(ctx, c)
				}}, nil, transport)
				got, err := read(t.Context(), c, cfg, connector.Request{})
				require.Equal(t, test.saves, saves)
				require.Len(t, i.Requests(), 2, "the log-in and one refresh")
				if test.class == "" {
					require.NoError(t, err)
					require.Len(t, got, 3)
					require.Equal(t, "refresh-2", refreshToken(t, vault))
					return
				}
				require.ErrorIs(t, err, test.class)
				require.ErrorIs(t, err, test.fails)
				require.ErrorContains(t, err, "log in again")
				for _, seen := range s.Requests() {
					require.NotEqual(t, "/api/users", seen.URL, "a token that is not saved is not used")
				}
			})
		})
	}
}

func TestARefreshOutlivesTheRunThatWasCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, vault := loggedIn(t, 3600)
		s := logInServer(i)
		s.Delay = 10 * time.Second
		transport := s.Transport()
		defer func() { require.NoError(t, transport.Close()) }()
		c, cfg := person(vault.Source("acme", bound, "run"), nil, transport)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := read(ctx, c, cfg, connector.Request{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, "refresh-2", refreshToken(t, vault), "the vendor has replaced the old one")
	})
}

func TestSourcesOfOneCredentialShareItsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, vault := loggedIn(t, 60)
		s := logInServer(i)
		s.Delay = 2 * time.Second
		transport := s.Transport()
		defer func() { require.NoError(t, transport.Close()) }()
		shared := &connector.Tokens{}
		for round := 1; round <= 5; round++ {
			var wg sync.WaitGroup
			for _, run := range []string{"one", "two"} {
				c, cfg := person(vault.Source("acme", bound, run), shared, transport)
				for range 10 {
					wg.Go(func() {
						got, err := read(t.Context(), c, cfg, connector.Request{})
						require.NoError(t, err)
						require.Len(t, got, 3)
					})
				}
			}
			wg.Wait()
			require.Len(t, i.Requests(), 1+round, "the log-in, and one refresh a minute")
			time.Sleep(time.Minute)
		}
		require.Equal(t, "refresh-6", refreshToken(t, vault))
	})
}

func TestATokenIsSharedAmongEqualExchangesAlone(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	handler := tokens(&n, 3600, nil)
	s := &resttest.Server{Lists: users(resttest.List{Items: resttest.Items(3)}), Handlers: map[string]http.HandlerFunc{"/token": handler, "/eu.acme.example/token": handler, "/us.acme.example/token": handler, "/api/token": handler}}
	transport := s.Transport()
	t.Cleanup(func() { require.NoError(t, transport.Close()) })
	shared := &connector.Tokens{}
	one := []string{"client_id", "c", "client_secret", secret}
	custom := rest.Auth{Apply: rest.Bearer().Apply, Exchange: func(context.Context, rest.Exchange) (rest.Token, error) {
		n.Add(1)
		return rest.Token{Value: credentials.NewSecret("custom")}, nil
	}}
	session := rest.SessionToken(rest.Login{Path: "/token", Token: "token"})
	tenant := rest.OAuthToken(rest.OAuth{TokenURL: tenantEndpoint})
	fixed := rest.OAuthToken(rest.OAuth{TokenURL: loginEndpoint})
	for _, step := range []struct {
		name   string
		auth   rest.Auth
		kind   credentials.Kind
		values []string
		domain string
		size   string
		more   int64 // exchanges
	}{
		{"the first", fixed, credentials.ClientCredentials, one, "eu.acme.example", "1", 1},
		{"the same again", fixed, credentials.ClientCredentials, one, "eu.acme.example", "1", 0},
		{"a setting that says nothing of it", fixed, credentials.ClientCredentials, one, "eu.acme.example", "2", 0},
		{"another scope", rest.OAuthToken(rest.OAuth{TokenURL: loginEndpoint, Scopes: []string{"x"}}), credentials.ClientCredentials, one, "eu.acme.example", "1", 1},
		{"another secret", fixed, credentials.ClientCredentials, []string{"client_id", "c", "client_secret", "another"}, "eu.acme.example", "1", 1},
		{"one tenant", tenant, credentials.ClientCredentials, one, "eu.acme.example", "1", 1},
		{"another tenant", tenant, credentials.ClientCredentials, one, "us.acme.example", "1", 1},
		{"a session", session, credentials.Session, []string{"username", "u", "password", secret}, "eu.acme.example", "1", 1},
		{"the same session", session, credentials.Session, []string{"username", "u", "password", secret}, "eu.acme.example", "2", 0},
		{"the session of another server", session, credentials.Session, []string{"username", "u", "password", secret}, "us.acme.example", "2", 1},
		{"an exchange of the connector's own", custom, credentials.Session, []string{"username", "v", "password", secret}, "us.acme.example", "1", 1},
		{"which any setting may change", custom, credentials.Session, []string{"username", "v", "password", secret}, "us.acme.example", "2", 1},
	} {
		before := n.Load()
		c := vendor(rest.Stream{}, use(step.kind, step.auth), func(spec *connector.Spec, _ *rest.API) {
			spec.Settings = append(spec.Settings, connector.Setting{Name: "size"})
		})
		cfg := config(transport)
		cfg.Settings = connector.Settings{"domain": {step.domain}, "size": {step.size}}
		cfg.Credential, cfg.Tokens = cred(step.kind, step.values...), shared
		_, err := read(t.Context(), c, cfg, connector.Request{})
		require.NoError(t, err, step.name)
		require.Equal(t, step.more, n.Load()-before, step.name)
	}
}

// Two processes share a vault and nothing else.
func TestAnotherProcessThatWasFasterToRotateIsHeeded(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rotates  bool // the other process, while this one asks
		grace    bool // the vendor takes the old refresh token once more
		requests int
		class    connector.Class
	}{
		"the vendor refuses the old token": {rotates: true, requests: 2},
		"the vendor takes it once more":    {rotates: true, grace: true, requests: 2},
		"there is no other process":        {requests: 1, class: connector.ErrAuth},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, vault := loggedIn(t, 3600)
			other := vault.Source("acme", bound, "the other")
			var sent []string
			s := &resttest.Server{Authorized: resttest.Bearer("access-of-refresh-other"), Lists: users(resttest.List{Items: resttest.Items(3)})}
			s.Handlers = map[string]http.HandlerFunc{"/token": func(w http.ResponseWriter, r *http.Request) {
				brought := r.FormValue("refresh_token")
				sent = append(sent, brought)
				if brought == "refresh-1" && test.rotates {
					held, err := other.Get(r.Context())
					require.NoError(t, err)
					require.NoError(t, other.Save(r.Context(), held.With("refresh_token", credentials.NewSecret("refresh-other"))))
				}
				if brought == "refresh-1" && !test.grace {
					refusal(http.StatusBadRequest, "invalid_grant")(w, r)
					return
				}
				resttest.Body("application/json", `{"access_token":"access-of-`+brought+`","token_type":"Bearer","refresh_token":"`+brought+`-next"}`)(w, r)
			}}
			transport := s.Transport()
			t.Cleanup(func() { require.NoError(t, transport.Close()) })
			c, cfg := person(vault.Source("acme", bound, "this one"), nil, transport)
			got, err := read(t.Context(), c, cfg, connector.Request{})
			require.Len(t, sent, test.requests)
			if test.class != "" {
				require.ErrorIs(t, err, test.class)
				require.ErrorContains(t, err, "log in at the vendor again")
				require.NotContains(t, err.Error(), "refresh-1")
				return
			}
			require.NoError(t, err)
			require.Len(t, got, 3)
			require.Equal(t, []string{"refresh-1", "refresh-other"}, sent)
			require.Equal(t, "refresh-other-next", refreshToken(t, vault))
		})
	}
}

// An exchange of a connector's own need not know of it.
func TestAConflictIsSettledForAConnectorsOwnExchange(t *testing.T) {
	t.Parallel()
	_, vault := loggedIn(t, 3600)
	kept := vault.Source("acme", bound, "run")
	conflicts := 0
	source := saver{kept, func(ctx context.Context, c credentials.Credential) error {
		if conflicts++; conflicts == 1 {
			return credentials.ErrConflict
		}
		return kept.Save(ctx, c)
	}}
	s := &resttest.Server{Authorized: resttest.Bearer("access"), Lists: users(resttest.List{Items: resttest.Items(3)})}
	transport := s.Transport()
	t.Cleanup(func() { require.NoError(t, transport.Close()) })
	own := rest.Auth{
		Apply: func(req *http.Request, _ credentials.Credential, token credentials.Secret) error {
			req.Header.Set("Authorization", "Bearer "+token.Reveal())
			return nil
		},
		Exchange: func(ctx context.Context, x rest.Exchange) (rest.Token, error) {
			return rest.Token{Value: credentials.NewSecret("access")}, x.Save(ctx, x.Credential.With("refresh_token", credentials.NewSecret("refresh-own")))
		},
	}
	cfg := config(transport)
	cfg.Credential = source
	got, err := read(t.Context(), vendor(rest.Stream{}, use(credentials.AuthorizationCode, own)), cfg, connector.Request{})
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, 2, conflicts)
	require.Equal(t, "refresh-own", refreshToken(t, vault))
}

func TestARotationIsSavedThoughTheRunIsOver(t *testing.T) {
	t.Parallel()
	_, vault := loggedIn(t, 3600)
	s := &resttest.Server{}
	ctx, cancel := context.WithCancel(t.Context())
	own := rest.Auth{Exchange: func(ctx context.Context, x rest.Exchange) (rest.Token, error) {
		cancel()
		return rest.Token{Value: credentials.NewSecret("access")}, x.Save(ctx, x.Credential.With("refresh_token", credentials.NewSecret("refresh-own")))
	}}
	cfg := serve(t, s)
	cfg.Credential = vault.Source("acme", bound, "run")
	_, err := read(ctx, vendor(rest.Stream{}, use(credentials.AuthorizationCode, own)), cfg, connector.Request{})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, "refresh-own", refreshToken(t, vault))
	require.Empty(t, s.Requests())
}

func TestTwoProcessesDoNotTakeTheirTokensFromEachOther(t *testing.T) {
	t.Parallel()
	i, vault := loggedIn(t, 3600)
	s := logInServer(i)
	s.Authorized = func(r *http.Request) bool { return strings.HasPrefix(r.Header.Get("Authorization"), "Bearer access-") }
	transport := s.Transport()
	t.Cleanup(func() { require.NoError(t, transport.Close()) })
	sources := make([]connector.Source, 2)
	for n := range sources {
		c, cfg := person(vault.Source("acme", bound, strconv.Itoa(n)), nil, transport)
		src, err := c.Open(t.Context(), cfg)
		require.NoError(t, err)
		sources[n] = src
		t.Cleanup(func() { require.NoError(t, src.Close()) })
	}
	for range 10 {
		for _, src := range sources {
			for _, err := range connector.Pages(t.Context(), src, connector.Request{Stream: "users"}) {
				require.NoError(t, err)
			}
		}
	}
	require.Len(t, i.Requests(), 3, "the log-in, and one refresh of each")
}

func TestARefusedCredentialIsTriedOnceForAllWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &resttest.Issuer{Secret: "another"}
		s := logInServer(i)
		s.Delay = time.Second
		transport := s.Transport()
		defer func() { require.NoError(t, transport.Close()) }()
		cfg := config(transport)
		cfg.Credential = cred(credentials.ClientCredentials, "client_id", "c", "client_secret", secret, "client_auth", "header")
		client, err := rest.NewClient(t.Context(), acmeSpec(), rest.API{Base: "https://{domain}/api", Auth: map[credentials.Kind]rest.Auth{credentials.ClientCredentials: rest.OAuthToken(rest.OAuth{TokenURL: codeTrade})}}, cfg)
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, err := client.Do(t.Context(), rest.Request{Op: "list", Path: "/users"})
				require.ErrorIs(t, err, connector.ErrAuth)
				require.ErrorContains(t, err, "invalid_client")
			})
		}
		wg.Wait()
		require.Len(t, i.Requests(), 1, "an account is not locked by trying")
	})
}

func TestATokenEndpointThatCannotBeReachedIsNoMalformedAnswer(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	keyPEM := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	for name, source := range map[string]credentials.Source{
		"client credentials": cred(credentials.ClientCredentials, "client_id", "c", "client_secret", secret),
		"a JWT bearer":       cred(credentials.JWTBearer, "private_key", keyPEM, "issuer", "svc"),
		"password":           cred(credentials.Password, "client_id", "c", "username", "ada", "password", secret),
		"authorization code": cred(credentials.AuthorizationCode, "client_id", "c", "refresh_token", "refresh-0"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held, err := source.Get(t.Context())
			require.NoError(t, err)
			for what, test := range map[string]struct {
				fault resttest.Fault
				class connector.Class
			}{
				"breaks": {resttest.CloseInBody(), connector.ErrUnavailable}, "a page": {resttest.HTML(), connector.ErrMalformed},
				"is huge": {resttest.Huge(1 << 24), connector.ErrMalformed}, "is gone": {resttest.Status(404), connector.ErrNotFound},
				"is busy": {resttest.Status(429), connector.ErrRateLimited},
				"says so": {refusal(http.StatusBadRequest, "temporarily_unavailable"), connector.ErrUnavailable},
			} {
				s := &resttest.Server{Handlers: map[string]http.HandlerFunc{"/token": http.HandlerFunc(test.fault)}}
				cfg := serve(t, s)
				cfg.Credential = source
				c := vendor(rest.Stream{}, use(held.Kind, rest.OAuthToken(rest.OAuth{TokenURL: loginEndpoint, Style: rest.InForm})), bounds(rest.Bounds{Retries: -1}))
				_, err = read(t.Context(), c, cfg, connector.Request{})
				require.ErrorIs(t, err, test.class, what)
				require.NotContains(t, err.Error(), secret)
				require.NotContains(t, err.Error(), "refresh-0")
			}
		})
	}
}

func TestARefusalSaysWhatTheVendorSaysOfTheToken(t *testing.T) {
	t.Parallel()
	challenge := func(status int, value string) resttest.Fault {
		return resttest.Status(status, "WWW-Authenticate", value)
	}
	tests := map[string]struct {
		fault   resttest.Fault
		expires time.Duration // of the credential, from now
		class   connector.Class
		says    []string
	}{
		"it has expired":           {challenge(401, `Bearer realm="acme", error="invalid_token", error_description="The access token expired"`), 0, connector.ErrAuth, []string{"invalid_token: The access token expired"}},
		"it is wrong":              {challenge(401, `Bearer error="invalid_token", error_description="The signature is \"wrong\""`), 0, connector.ErrAuth, []string{`invalid_token: The signature is "wrong"`}},
		"a scope is missing":       {challenge(403, `Bearer error="insufficient_scope", scope="users:read"`), 0, connector.ErrPermission, []string{"insufficient_scope", "needs the scope users:read"}},
		"a scope, told by a 401":   {challenge(401, `Bearer error=insufficient_scope`), 0, connector.ErrPermission, []string{"insufficient_scope"}},
		"one challenge of several": {challenge(401, `Basic realm="x, y", Bearer error="invalid_token"`), 0, connector.ErrAuth, []string{"the token as invalid_token"}},
		"no word":                  {challenge(401, `Bearer realm="acme"`), 0, connector.ErrAuth, []string{"401 Unauthorized"}},
		"the secret itself":        {challenge(401, `Bearer error="invalid_token", error_description="who is `+secret+`?"`), 0, connector.ErrAuth, []string{"who is " + credentials.Mask}},
		"the host knows its end":   {resttest.Status(401), -time.Hour, connector.ErrAuth, []string{"this one has expired"}},
		"its end is to come":       {resttest.Status(401), time.Hour, connector.ErrAuth, []string{"renew the credential"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := serve(t, &resttest.Server{Always: test.fault})
			held, err := token(secret).Get(t.Context())
			require.NoError(t, err)
			if test.expires != 0 {
				held.ExpiresAt = time.Now().Add(test.expires)
			}
			cfg.Credential = credentials.Static(held)
			_, err = read(t.Context(), vendor(rest.Stream{}), cfg, connector.Request{})
			require.ErrorIs(t, err, test.class)
			for _, text := range test.says {
				require.ErrorContains(t, err, text)
			}
			require.NotContains(t, err.Error(), secret)
		})
	}
}

// A logged is a log in memory.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestNoErrorShowsASecretInAnyForm(t *testing.T) {
	t.Parallel()
	const hard = `p@ss w0rd/+"%`
	sources := map[credentials.Kind]struct {
		source credentials.Source
		auth   rest.Auth
	}{
		credentials.APIToken:          {cred(credentials.APIToken, "token", hard), rest.QueryToken("key")},
		credentials.Basic:             {cred(credentials.Basic, "username", "ada", "password", hard), rest.BasicAuth("{username}", "{password}")},
		credentials.ClientCredentials: {cred(credentials.ClientCredentials, "client_id", "client", "client_secret", hard), rest.OAuthToken(rest.OAuth{TokenURL: codeTrade, Style: rest.InForm})},
		credentials.Session:           {cred(credentials.Session, "username", "ada", "password", hard), rest.SessionToken(rest.Login{Path: "/token", Token: "token"})},
	}
	echo := func(status int) resttest.Fault {
		return func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="`+r.Header.Get("Authorization")+`"`)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(r.URL.String() + " " + r.Header.Get("Authorization") + " " + r.PostForm.Encode())) //nolint:gosec // the test looks for what is echoed
		}
	}
	faults := map[string]resttest.Fault{"401": echo(401), "403": echo(403), "400": echo(400), "500": echo(500), "a redirect": func(w http.ResponseWriter, r *http.Request) {
		resttest.Redirect("https://evil.example/?"+r.URL.RawQuery+"&"+url.Values{"x": {hard}}.Encode())(w, r)
	}, "a broken body": resttest.CloseInBody(), "no JSON": func(w http.ResponseWriter, r *http.Request) { echo(200)(w, r) }}
	forms := []string{hard, url.QueryEscape(hard), url.PathEscape(hard), base64.StdEncoding.EncodeToString([]byte(hard)), base64.StdEncoding.EncodeToString([]byte("ada:" + hard)), "session-1", "access-1"}
	for kind, with := range sources {
		for name, fault := range faults {
			t.Run(string(kind)+" "+name, func(t *testing.T) {
				t.Parallel()
				var n atomic.Int64
				handler := tokens(&n, 3600, nil)
				s := &resttest.Server{Handlers: map[string]http.HandlerFunc{"/token": handler, "/api/token": handler, "/api/users": http.HandlerFunc(fault)}}
				var log logged
				cfg := serve(t, s)
				cfg.Credential, cfg.Logger = with.source, log.logger()
				_, err := read(t.Context(), vendor(rest.Stream{}, use(kind, with.auth), bounds(rest.Bounds{Retries: 1, Backoff: time.Millisecond})), cfg, connector.Request{})
				require.Error(t, err)
				for _, form := range forms {
					require.NotContains(t, err.Error(), form)
					require.NotContains(t, log.String(), form)
				}
			})
		}
	}
}
