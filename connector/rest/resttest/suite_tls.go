package resttest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

// selfSigned holds the connector to a server whose certificate no CA issued: it
// sends nothing, names both remedies, and reads once the credential carries the
// certificate.
func (f *faultSuite) selfSigned(t *testing.T) error {
	t.Helper()
	pair, text, err := certificate(f.hosts)
	if err != nil {
		return err
	}
	s := f.opts.Server(t)
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	defer server.Close()
	var dialer net.Dialer
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "tcp", server.Listener.Addr().String())
	}}
	defer transport.CloseIdleConnections()

	cfg := f.config
	cfg.Transport = transport
	got := f.readWith(t.Context(), cfg, "")
	out := []error{got.broken, f.told(got.err, connector.ErrTLS, "certificate")}
	if issued, trusted := strings.Index(orNone(got.err).Error(), "issued by a CA"), strings.Index(orNone(got.err).Error(), "trust list"); issued < 0 || trusted < issued {
		out = append(out, fmt.Errorf("the error does not name both remedies, a certificate issued by a CA first: %w", orNone(got.err)))
	}
	if n := len(s.Requests()); n > 0 || len(got.records) > 0 {
		out = append(out, fmt.Errorf("%d requests were sent, and %d records came", n, len(got.records)))
	}
	if cfg.Credential == nil {
		return errors.Join(out...)
	}
	cred, err := cfg.Credential.Get(t.Context())
	if err != nil {
		return fmt.Errorf("get the credential: %w", err)
	}
	cfg.Credential = credentials.Static(cred.With("ca", credentials.NewSecret(text)))
	if err := f.whole(f.readWith(t.Context(), cfg, "")); err != nil {
		out = append(out, fmt.Errorf("with the certificate in the credential: %w", err))
	}
	return errors.Join(out...)
}

// certificate makes a certificate for hosts that vouches for itself, and its PEM
// form.
func certificate(hosts []string) (tls.Certificate, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, "", fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "resttest"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		template.DNSNames = append(template.DNSNames, host)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, "", fmt.Errorf("make a certificate: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(text), nil
}
