package rest_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
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

func cred(kind credentials.Kind, values ...string) credentials.Source {
	c := credentials.Credential{Kind: kind, Values: map[string]credentials.Secret{}}
	for i := 0; i < len(values); i += 2 {
		c.Values[values[i]] = credentials.NewSecret(values[i+1])
	}
	return credentials.Static(c)
}

func use(kind credentials.Kind, a rest.Auth) func(*connector.Spec, *rest.API) {
	return func(_ *connector.Spec, api *rest.API) { api.Auth = map[credentials.Kind]rest.Auth{kind: a} }
}

// tokens is a token endpoint that notes what it was sent.
func tokens(n *atomic.Int64, lifetime int, seen func(r *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if seen != nil {
			seen(r)
		}
		body := `{"access_token":"access-` + strconv.FormatInt(n.Add(1), 10) + `","token":"session-1","token_type":"Bearer","expires_in":` + strconv.Itoa(lifetime) + `,"expires":"2099-01-01T00:00:00Z"}`
		resttest.Body("application/json", body)(w, r)
	}
}

func TestEachKindOfCredentialIsUsedAsTheVendorWantsIt(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	keyPEM := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	form := func(name, want string) func(*testing.T, *http.Request) {
		return func(t *testing.T, r *http.Request) { t.Helper(); require.Equal(t, want, r.FormValue(name)) }
	}
	tests := map[string]struct {
		kind       credentials.Kind
		auth       rest.Auth
		cred       credentials.Source
		authorized func(*http.Request) bool
		exchange   func(*testing.T, *http.Request)
	}{
		"a header with a prefix": {credentials.APIToken, rest.HeaderToken("Authorization", "SSWS "), cred(credentials.APIToken, "token", secret), resttest.Header("Authorization", "SSWS "+secret), nil},
		"a query parameter":      {credentials.APIToken, rest.QueryToken("key"), cred(credentials.APIToken, "token", secret), resttest.Query("key", secret), nil},
		"basic":                  {credentials.Basic, rest.BasicAuth("{username}/token", "{password}"), cred(credentials.Basic, "username", "ada", "password", secret), resttest.Basic("ada/token", secret), nil},
		"client credentials":     {credentials.ClientCredentials, rest.OAuthToken(rest.OAuth{TokenURL: loginEndpoint, Scopes: []string{"users"}, Params: map[string]string{"account": "{domain}"}, Style: rest.InForm}), cred(credentials.ClientCredentials, "client_id", "c", "client_secret", secret), resttest.Bearer("access-1"), form("account", "eu.acme.example")},
		"password":               {credentials.Password, rest.OAuthToken(rest.OAuth{TokenURL: "/token", Style: rest.InForm}), cred(credentials.Password, "client_id", "c", "username", "ada", "password", secret), resttest.Bearer("access-1"), form("grant_type", "password")},
		"a JWT bearer":           {credentials.JWTBearer, rest.OAuthToken(rest.OAuth{TokenURL: loginEndpoint}), cred(credentials.JWTBearer, "private_key", keyPEM, "issuer", "svc"), resttest.Bearer("access-1"), form("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")},
		"a signed client assertion": {credentials.JWTBearer, rest.OAuthToken(rest.OAuth{TokenURL: loginEndpoint, Assertion: true}), cred(credentials.JWTBearer, "private_key", keyPEM, "issuer", "svc", "key_id", "k1"), resttest.Bearer("access-1"), func(t *testing.T, r *http.Request) {
			t.Helper()
			parts := strings.Split(r.FormValue("client_assertion"), ".")
			require.Len(t, parts, 3)
			b, err := base64.RawURLEncoding.DecodeString(parts[1])
			require.NoError(t, err)
			var claims struct{ Iss, Sub, Aud string }
			require.NoError(t, json.Unmarshal(b, &claims))
			require.Equal(t, struct{ Iss, Sub, Aud string }{"svc", "svc", loginEndpoint}, claims)
		}},
		"a session by basic authentication": {credentials.Session, rest.SessionToken(rest.Login{Path: "/token", Token: "token", Expires: "expires"}), cred(credentials.Session, "username", "ada", "password", secret), resttest.Bearer("session-1"), func(t *testing.T, r *http.Request) { t.Helper(); require.True(t, resttest.Basic("ada", secret)(r)) }},
		"a session by a body": {credentials.Session, rest.SessionToken(rest.Login{Path: "/token", Token: "token", Header: "X-Session", Body: map[string]string{"u": "{username}", "p": "{password}"}}), cred(credentials.Session, "username", "ada", "password", secret), resttest.Header("X-Session", "session-1"), func(t *testing.T, r *http.Request) {
			t.Helper()
			var body map[string]string
			require.NoError(t, json.NewDecoder(r.Body).Decode(&body))
			require.Equal(t, map[string]string{"u": "ada", "p": secret}, body)
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int64
			handler := tokens(&n, 3600, func(r *http.Request) { test.exchange(t, r) })
			s := &resttest.Server{Authorized: test.authorized, Lists: users(resttest.List{Form: resttest.NextURLs, Records: "users", Items: resttest.Items(250)}), Handlers: map[string]http.HandlerFunc{"/token": handler, "/api/token": handler}}
			cfg := serve(t, s)
			cfg.Credential = test.cred
			c := vendor(rest.Stream{Records: "users", Paging: rest.NextURL{Path: "next"}}, use(test.kind, test.auth))
			src, err := c.Open(t.Context(), cfg)
			require.NoError(t, err)
			count := 0
			for page, err := range connector.Pages(t.Context(), src, connector.Request{Stream: "users"}) {
				require.NoError(t, err)
				require.NotContains(t, string(page.Next), secret)
				count += len(page.Records)
			}
			require.NoError(t, src.Close())
			require.Equal(t, 250, count)
		})
	}
}

func TestATokenThatExpiresInMidRunIsRenewedByOneRequestAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		s := &resttest.Server{Delay: 10 * time.Second, Fixtures: map[string]string{"/api/users": "[]"}, Handlers: map[string]http.HandlerFunc{"/token": tokens(&n, 60, nil)}}
		s.Authorized = func(r *http.Request) bool {
			return r.Header.Get("Authorization") == "Bearer access-"+strconv.FormatInt(n.Load(), 10)
		}
		transport := s.Transport()
		defer func() { require.NoError(t, transport.Close()) }()
		cfg := config(transport)
		cfg.Credential = cred(credentials.ClientCredentials, "client_id", "c", "client_secret", secret)
		client, err := rest.NewClient(t.Context(), acmeSpec(), rest.API{Base: "https://{domain}/api", Auth: map[credentials.Kind]rest.Auth{credentials.ClientCredentials: rest.OAuthToken(rest.OAuth{TokenURL: loginEndpoint, Style: rest.InForm})}}, cfg)
		require.NoError(t, err)
		for round := 1; round <= 3; round++ {
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					_, err := client.Do(t.Context(), rest.Request{Op: "list", Path: "/users"})
					require.NoError(t, err)
				})
			}
			wg.Wait()
			require.Equal(t, int64(round), n.Load())
			time.Sleep(time.Minute)
		}
	})
}

func TestATokenEndpointsRefusalIsClassedAndShowsNoSecret(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault resttest.Fault
		class connector.Class
	}{
		"invalid client": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":"invalid_client","error_description":"no client with ` + r.FormValue("client_secret") + `"}`))
		}, connector.ErrAuth},
		"down":       {resttest.Status(503), connector.ErrUnavailable},
		"HTML":       {resttest.HTML(), connector.ErrMalformed},
		"a redirect": {resttest.Redirect("https://evil.example/token"), connector.ErrAuth},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &resttest.Server{Handlers: map[string]http.HandlerFunc{"/token": http.HandlerFunc(test.fault)}}
			cfg := serve(t, s)
			cfg.Credential = cred(credentials.ClientCredentials, "client_id", "c", "client_secret", secret)
			c := vendor(rest.Stream{}, use(credentials.ClientCredentials, rest.OAuthToken(rest.OAuth{TokenURL: loginEndpoint, Style: rest.InForm})), bounds(rest.Bounds{Retries: 1, Backoff: time.Millisecond}))
			_, err := read(t.Context(), c, cfg, connector.Request{})
			require.ErrorIs(t, err, test.class)
			require.NotContains(t, err.Error(), secret)
			for _, seen := range s.Requests() {
				require.Equal(t, "login.acme.example", seen.Host)
			}
		})
	}
}

func TestACredentialsCertificateAndCAAreUsed(t *testing.T) {
	t.Parallel()
	s := &resttest.Server{Lists: users(resttest.List{Items: resttest.Items(3)})}
	s.Authorized = func(r *http.Request) bool { return len(r.TLS.PeerCertificates) == 1 }
	server := httptest.NewUnstartedServer(s)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	own := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	require.NoError(t, err)
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]}))
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	_, err = tls.X509KeyPair([]byte(certificate), []byte(private))
	require.NoError(t, err)
	c := vendor(rest.Stream{}, use(credentials.MutualTLS, rest.Auth{}), func(spec *connector.Spec, api *rest.API) {
		api.Base, spec.Hosts = "{domain}/api", nil
	})
	cfg := connector.Config{Settings: connector.Settings{"domain": {server.URL}}}
	tests := map[string]struct {
		cred  credentials.Source
		class connector.Class
	}{
		"with both":                   {cred(credentials.MutualTLS, "certificate", certificate, "private_key", private, "ca", certificate), ""},
		"a CA that is none":           {cred(credentials.MutualTLS, "certificate", certificate, "private_key", private, "ca", "none"), connector.ErrAuth},
		"a key that is another's":     {cred(credentials.MutualTLS, "certificate", certificate, "private_key", "none", "ca", certificate), connector.ErrAuth},
		"a server nobody vouches for": {cred(credentials.MutualTLS, "certificate", certificate, "private_key", private), connector.ErrTLS},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := cfg
			cfg.Credential = test.cred
			got, err := read(t.Context(), c, cfg, connector.Request{})
			if test.class != "" {
				require.ErrorIs(t, err, test.class)
				require.NotContains(t, err.Error(), private)
				return
			}
			require.NoError(t, err)
			require.Len(t, got, 3)
		})
	}
}
