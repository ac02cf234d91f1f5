package rest_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/credentials"
)

// An authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Acme CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return authority{cert, key}
}

// issue returns a certificate for 127.0.0.1, by itself if a is zero.
func (a authority) issue(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "vendor"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	if change != nil {
		change(template)
	}
	parent, signer := template, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func certificatePEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// serveTLS returns the address of a server with that certificate.
func serveTLS(t *testing.T, h http.Handler, cert tls.Certificate) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// anywhere is a connector whose address is a setting.
func anywhere() connector.Connector {
	return vendor(rest.Stream{}, func(spec *connector.Spec, api *rest.API) { api.Base, spec.Hosts = "{domain}/api", nil })
}

func TestBothRemediesOfACertificateThatNobodyTrusts(t *testing.T) {
	t.Parallel()
	known, other := newAuthority(t), newAuthority(t)
	selfSigned, issued := authority{}.issue(t, nil), known.issue(t, nil)
	past := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	old := authority{}.issue(t, past)
	trusting := func(cert *x509.Certificate) http.RoundTripper { // as a system does that knows the authority
		transport, err := rest.NewTransport(rest.Policy{})
		require.NoError(t, err)
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		transport.TLSClientConfig.RootCAs.AddCert(cert)
		return transport
	}
	tests := map[string]struct {
		server    tls.Certificate
		ca        string
		transport http.RoundTripper
		trusted   bool
	}{
		"a server that signed for itself":                             {server: selfSigned},
		"first remedy: a certificate of a CA that the system knows":   {server: issued, transport: trusting(known.cert), trusted: true},
		"second remedy: the server's own certificate is trusted":      {server: selfSigned, ca: certificatePEM(selfSigned.Certificate[0]), trusted: true},
		"second remedy: the CA of the server's is trusted":            {server: issued, ca: certificatePEM(known.cert.Raw), trusted: true},
		"second remedy, beside what the host's transport trusts":      {server: issued, ca: certificatePEM(known.cert.Raw), transport: trusting(other.cert), trusted: true},
		"what the host trusts stays trusted beside the credential's":  {server: issued, ca: certificatePEM(other.cert.Raw), transport: trusting(known.cert), trusted: true},
		"another CA is trusted":                                       {server: issued, ca: certificatePEM(other.cert.Raw)},
		"another server's certificate is trusted":                     {server: selfSigned, ca: certificatePEM(issued.Certificate[0])},
		"a certificate of a CA that nobody knows":                     {server: issued},
		"a certificate for another name, of a CA that is trusted":     {server: known.issue(t, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"other.example"} }), ca: certificatePEM(known.cert.Raw)},
		"a certificate that has expired, of a CA that is trusted":     {server: known.issue(t, past), ca: certificatePEM(known.cert.Raw)},
		"a certificate of its own that has expired, which is trusted": {server: old, ca: certificatePEM(old.Certificate[0])},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := serveTLS(t, &resttest.Server{Lists: users(resttest.List{Items: resttest.Items(3)})}, test.server)
			values := []string{"token", secret}
			if test.ca != "" {
				values = append(values, "ca", test.ca)
			}
			cfg := connector.Config{Settings: connector.Settings{"domain": {address}}, Credential: cred(credentials.APIToken, values...), Transport: test.transport}
			got, err := read(t.Context(), anywhere(), cfg, connector.Request{})
			if test.trusted {
				require.NoError(t, err)
				require.Len(t, got, 3)
				return
			}
			require.ErrorIs(t, err, connector.ErrTLS)
			text := err.Error()
			first, second := strings.Index(text, "install a certificate issued by a CA"), strings.Index(text, "add the server's certificate or its CA to the trust list")
			require.True(t, first > 0 && second > first, text)
			require.NotContains(t, text, secret)
		})
	}
}

func TestAHostsTransportStaysAsItIs(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	own, err := rest.NewTransport(rest.Policy{})
	require.NoError(t, err)
	address := serveTLS(t, &resttest.Server{Lists: users(resttest.List{Items: resttest.Items(3)})}, ca.issue(t, nil))
	settings := connector.Settings{"domain": {address}}
	_, err = read(t.Context(), anywhere(), connector.Config{Settings: settings, Credential: cred(credentials.APIToken, "token", secret, "ca", certificatePEM(ca.cert.Raw)), Transport: own}, connector.Request{})
	require.NoError(t, err)
	_, err = read(t.Context(), anywhere(), connector.Config{Settings: settings, Credential: token(secret), Transport: own}, connector.Request{})
	require.ErrorIs(t, err, connector.ErrTLS, "another credential's CA is not trusted")
	require.Nil(t, own.TLSClientConfig.RootCAs)

	opaque := roundTripper(own.RoundTrip)
	_, err = read(t.Context(), anywhere(), connector.Config{Settings: settings, Credential: cred(credentials.APIToken, "token", secret, "ca", certificatePEM(ca.cert.Raw)), Transport: opaque}, connector.Request{})
	require.ErrorIs(t, err, connector.ErrUnsupported, "a CA is not silently left out")
}

func TestTheProxyOfTheSettingIsUsed(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	s := &resttest.Server{Authorized: resttest.Bearer(secret), Lists: users(resttest.List{Items: resttest.Items(3)})}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("Proxy-Authorization") == "" || !r.URL.IsAbs() {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	at := func(user *url.Userinfo) string {
		u, err := url.Parse(proxy.URL)
		require.NoError(t, err)
		u.User = user
		return u.String()
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	tests := map[string]struct {
		proxy string
		class connector.Class
		n     int64
	}{
		"a proxy with a password":   {at(url.UserPassword("u", "pr0xy-passw0rd")), "", 1},
		"a proxy that refuses":      {at(nil), connector.ErrAuth, 1},
		"a proxy that is not one":   {"proxy", connector.ErrInvalid, 0},
		"a proxy that is not there": {strings.Replace(gone.URL, "http://", "http://u:pr0xy-passw0rd@", 1), connector.ErrUnavailable, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := asked.Load()
			c := vendor(rest.Stream{}, func(spec *connector.Spec, api *rest.API) {
				api.Base, api.Bounds.Retries, spec.Hosts = "{domain}/api", -1, nil
				spec.Settings = append(spec.Settings, connector.Setting{Name: rest.SettingProxy})
			})
			cfg := connector.Config{Settings: connector.Settings{"domain": {"http://127.0.0.1:1"}, rest.SettingProxy: {test.proxy}}, Credential: token(secret)}
			got, err := read(t.Context(), c, cfg, connector.Request{})
			require.Equal(t, test.n, asked.Load()-before)
			if test.class == "" {
				require.NoError(t, err)
				require.Len(t, got, 3)
				return
			}
			require.ErrorIs(t, err, test.class)
			require.NotContains(t, err.Error(), "pr0xy-passw0rd")
		})
	}
}

func TestAPolicyLooksAtTheAddressThatANameResolvedTo(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			resttest.Redirect(to)(w, r)
		}
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	proxied := rest.Policy{Proxy: server.URL}
	tests := map[string]struct {
		policy  rest.Policy
		address string
		refused string
	}{
		"this machine":                                     {rest.Policy{}, server.URL, ""},
		"a name of this machine":                           {rest.Policy{}, "http://localhost:" + u.Port(), ""},
		"this machine, denied":                             {rest.Policy{DenyPrivate: true}, server.URL, "private"},
		"a name of this machine, denied after DNS":         {rest.Policy{DenyPrivate: true}, "http://localhost:" + u.Port(), "private"},
		"the metadata of a cloud":                          {rest.Policy{}, "http://169.254.169.254/latest/meta-data/", "metadata"},
		"the metadata of AWS over IPv6":                    {rest.Policy{}, "http://[fd00:ec2::254]/latest/meta-data/", "metadata"},
		"the metadata in IPv6 clothes":                     {rest.Policy{}, "http://[::ffff:169.254.169.254]/", "metadata"},
		"the metadata of Alibaba":                          {rest.Policy{}, "http://100.100.100.200/", "metadata"},
		"the agent of Azure":                               {rest.Policy{}, "http://168.63.129.16/", "metadata"},
		"a redirect to the metadata of a cloud":            {rest.Policy{}, server.URL + "?to=http://169.254.169.254/latest/", "metadata"},
		"a redirect to this machine":                       {rest.Policy{}, server.URL + "?to=" + server.URL, ""},
		"through a proxy":                                  {proxied, "http://vendor.example/", ""},
		"through a proxy to the metadata of a cloud":       {proxied, "http://169.254.169.254/latest/", "metadata"},
		"through a proxy to the metadata, by IPv6":         {proxied, "http://[fd00:ec2::254]/", "metadata"},
		"through a private proxy, private denied":          {rest.Policy{Proxy: server.URL, DenyPrivate: true}, "http://vendor.example/", ""},
		"through a proxy to a private address, denied":     {rest.Policy{Proxy: server.URL, DenyPrivate: true}, "http://10.0.0.1/", "private"},
		"through a proxy to a private address, not denied": {proxied, "http://10.0.0.1/", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport, err := rest.NewTransport(test.policy)
			require.NoError(t, err)
			t.Cleanup(transport.CloseIdleConnections)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, test.address, http.NoBody)
			require.NoError(t, err)
			resp, err := (&http.Client{Transport: transport}).Do(req)
			if test.refused == "" {
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				return
			}
			if err == nil {
				_ = resp.Body.Close()
			}
			require.ErrorContains(t, err, test.refused)
			require.ErrorContains(t, err, "are not allowed")
		})
	}
}

func TestAConnectorIsNotLedToAMetadataAddress(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"https://169.254.169.254/latest", "https://[fd00:ec2::254]/latest"} {
		_, err := read(t.Context(), anywhere(), connector.Config{Settings: connector.Settings{"domain": {address}}, Credential: token(secret)}, connector.Request{})
		require.ErrorIs(t, err, connector.ErrInvalid, address)
		require.ErrorContains(t, err, "not allowed")

		cfg := serve(t, &resttest.Server{Always: resttest.Redirect(address)})
		_, err = read(t.Context(), vendor(rest.Stream{}), cfg, connector.Request{})
		require.ErrorIs(t, err, connector.ErrMalformed)

		c := vendor(rest.Stream{}, use(credentials.ClientCredentials, rest.OAuthToken(rest.OAuth{TokenURL: address, Style: rest.InForm})), func(spec *connector.Spec, api *rest.API) {
			api.Base, spec.Hosts = "{domain}/api", nil
		})
		cfg = connector.Config{Settings: connector.Settings{"domain": {"https://127.0.0.1:1"}}, Credential: cred(credentials.ClientCredentials, "client_id", "c", "client_secret", secret)}
		_, err = read(t.Context(), c, cfg, connector.Request{})
		require.ErrorIs(t, err, connector.ErrInvalid, "the token endpoint: "+address)
		require.ErrorContains(t, err, "not allowed")
	}
}

func TestEachRequestSaysWhatItComesFrom(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	s := &resttest.Server{Lists: users(resttest.List{Items: resttest.Items(3)}), Handlers: map[string]http.HandlerFunc{"/token": tokens(&n, 3600, nil)}}
	cfg := serve(t, s)
	cfg.Credential = cred(credentials.ClientCredentials, "client_id", "c", "client_secret", secret)
	_, err := read(t.Context(), vendor(rest.Stream{}, use(credentials.ClientCredentials, rest.OAuthToken(rest.OAuth{TokenURL: loginEndpoint}))), cfg, connector.Request{})
	require.NoError(t, err)
	require.Len(t, s.Requests(), 2)
	for _, seen := range s.Requests() {
		require.Equal(t, fmt.Sprintf("%s acme", rest.UserAgent), seen.Header.Get("User-Agent"), seen.URL)
	}
}
