package credentials_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/credentials"
)

// A certificate that signed itself, for 127.0.0.1, and its key.
var certificatePEM, privateKeyPEM = selfSigned()

func selfSigned() (certificate, key string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		panic(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	encode := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", pkcs8)
}

// status asks a server with the TLS settings of a credential.
func status(t *testing.T, url string, c credentials.Credential) (int, error) {
	t.Helper()
	config, err := c.TLS()
	require.NoError(t, err)
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

func TestASelfSignedServerIsTrustedByNamingItsCertificate(t *testing.T) {
	t.Parallel()
	pair, err := tls.X509KeyPair([]byte(certificatePEM), []byte(privateKeyPEM))
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 0 {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	server.Config.ErrorLog = nil
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)

	token := credentials.Credential{Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret(plain)}}
	_, err = status(t, server.URL, token)
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)

	token = token.With("ca", credentials.NewSecret(certificatePEM))
	code, err := status(t, server.URL, token)
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, code)

	mutual := credentials.Credential{Kind: credentials.MutualTLS, Values: map[string]credentials.Secret{
		"certificate": credentials.NewSecret(certificatePEM), "private_key": credentials.NewSecret(privateKeyPEM), "ca": credentials.NewSecret(certificatePEM),
	}}
	code, err = status(t, server.URL, mutual)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, code)
}

func TestCertificatesThatDoNotParseAreRefusedWithoutAQuote(t *testing.T) {
	t.Parallel()
	block := func(kind, content string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(content)}))
	}
	for name, test := range map[string]struct{ ca, fault string }{
		"no PEM":                   {plain, "there is no PEM block of type CERTIFICATE"},
		"a private key":            {privateKeyPEM, "block 1 is a PRIVATE KEY, not a CERTIFICATE"},
		"a key after the first":    {certificatePEM + privateKeyPEM, "block 2 is a PRIVATE KEY"},
		"a block of another name":  {block(plain, plain), "block 1 is a block of another type"},
		"a block that is no DER":   {block("CERTIFICATE", plain), "block 1: "},
		"a second that is no DER":  {certificatePEM + block("CERTIFICATE", plain), "block 2: "},
		"the password with spaces": {"  " + plain + "\n", "there is no PEM block"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := credentials.Credential{ID: "a", Values: map[string]credentials.Secret{"ca": credentials.NewSecret(test.ca)}}
			require.ErrorContains(t, c.Validate(), `credential "a": certificates to trust: `+test.fault)
			requireHidden(t, c.Validate().Error(), name)
		})
	}
	mutual := credentials.Credential{ID: "a", Kind: credentials.MutualTLS, Values: map[string]credentials.Secret{
		"certificate": credentials.NewSecret(certificatePEM), "private_key": credentials.NewSecret(plain),
	}}
	require.ErrorContains(t, mutual.Validate(), `credential "a": certificate and private key in PEM: `)
	requireHidden(t, mutual.Validate().Error(), "a key that is none")
}

func TestAHostsSettingsOfTLSAreAddedToAndLeftAsTheyAre(t *testing.T) {
	t.Parallel()
	asked := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &tls.Certificate{}, nil }
	host := &tls.Config{ServerName: "vendor.example", RootCAs: x509.NewCertPool(), GetClientCertificate: asked, MinVersion: tls.VersionTLS13}
	none := credentials.Credential{Kind: credentials.APIToken}
	got, err := none.AddTLS(host)
	require.NoError(t, err)
	require.Same(t, host, got)
	got, err = none.AddTLS(nil)
	require.NoError(t, err)
	require.Nil(t, got)

	block, _ := pem.Decode([]byte(certificatePEM))
	own, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	want := x509.NewCertPool()
	want.AddCert(own)
	mutual := credentials.Credential{Kind: credentials.MutualTLS, Values: map[string]credentials.Secret{
		"certificate": credentials.NewSecret(certificatePEM), "private_key": credentials.NewSecret(privateKeyPEM), "ca": credentials.NewSecret(certificatePEM),
	}}
	got, err = mutual.AddTLS(host)
	require.NoError(t, err)
	require.Equal(t, "vendor.example", got.ServerName)
	require.Equal(t, uint16(tls.VersionTLS13), got.MinVersion)
	require.True(t, want.Equal(got.RootCAs), "the host's pool, which was empty, and the credential's")
	require.Len(t, got.Certificates, 1)
	require.Nil(t, got.GetClientCertificate, "the credential's certificate is the one that is shown")
	require.True(t, x509.NewCertPool().Equal(host.RootCAs))
	require.Empty(t, host.Certificates)
	require.NotNil(t, host.GetClientCertificate)

	signer := credentials.Credential{Kind: credentials.JWTBearer, Values: mutual.Values}.With("ca", credentials.Secret{})
	got, err = signer.AddTLS(host)
	require.NoError(t, err)
	require.Same(t, host, got, "the certificate of a key that signs is no client certificate")
}

func FuzzTLS(f *testing.F) {
	f.Add(certificatePEM, privateKeyPEM)
	f.Add(plain, "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----")
	f.Fuzz(func(t *testing.T, certificate, key string) {
		for _, kind := range []credentials.Kind{credentials.None, credentials.MutualTLS} {
			c := credentials.Credential{Kind: kind, Values: map[string]credentials.Secret{
				"ca": credentials.NewSecret(certificate), "certificate": credentials.NewSecret(certificate), "private_key": credentials.NewSecret(key),
			}}
			config, err := c.TLS()
			if err == nil && config != nil {
				require.False(t, config.InsecureSkipVerify)
			}
		}
	})
}
