package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

// A Policy says where connections may go. The zero value allows every address
// but link-local ones, under which cloud machines hand out their own
// credentials.
type Policy struct {
	// DenyPrivate refuses loopback, private and other addresses that are not
	// public. It is applied to the address that a name resolved to, at the
	// moment of dialling. The environment's proxy is then not used, since it
	// would do the dialling.
	DenyPrivate bool
	// Proxy is the URL of the proxy to use. Empty means what the environment
	// names in HTTPS_PROXY, HTTP_PROXY and NO_PROXY. With DenyPrivate, the proxy
	// itself has to refuse private addresses, and is allowed to have one.
	Proxy string
}

// NewTransport returns a transport that holds to the policy, for
// [connector.Config].Transport. Certificates are always verified. The error is
// about the proxy's URL and of class ErrInvalid.
func NewTransport(p Policy) (*http.Transport, error) {
	dialer := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
	dialer.ControlContext = p.control
	t := &http.Transport{
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    15 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
	}
	switch {
	case p.Proxy != "":
		u, err := url.Parse(p.Proxy)
		if err != nil || u.Host == "" {
			return nil, connector.Errorf(connector.ErrInvalid, "set up the proxy", "the proxy is no URL such as http://proxy.example.com:3128")
		}
		t.Proxy = http.ProxyURL(u)
		t.DialContext = p.dialProxy(dialer, u)
	case !p.DenyPrivate:
		t.Proxy = http.ProxyFromEnvironment
	}
	return t, nil
}

// dialProxy dials the proxy without asking whether its address is private.
func (p Policy) dialProxy(dialer *net.Dialer, proxy *url.URL) func(ctx context.Context, network, addr string) (net.Conn, error) {
	port := proxy.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[proxy.Scheme]
	}
	own := net.JoinHostPort(proxy.Hostname(), port)
	open := *dialer
	open.ControlContext = Policy{}.control
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr == own {
			return open.DialContext(ctx, network, addr)
		}
		return dialer.DialContext(ctx, network, addr)
	}
}

// errAddress is what a refused address answers with.
type errAddress struct {
	addr netip.Addr
	what string
}

func (e *errAddress) Error() string {
	return fmt.Sprintf("connections to %s, a %s address, are not allowed", e.addr, e.what)
}

// control sees the address after the name has been resolved.
func (p Policy) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read the address to connect to: %w", err)
	}
	return p.allow(ap.Addr())
}

// nat64 is the prefix under which IPv4 addresses are reached from IPv6 (RFC
// 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// metadata are addresses outside the link-local ranges under which clouds hand
// out credentials: those of AWS over IPv6, of Alibaba Cloud and of Oracle Cloud.
var metadata = []netip.Addr{netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("192.0.0.192")}

// notPublic are ranges that netip does not call private: shared, documentation,
// benchmark and reserved addresses (RFC 6890).
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("fec0::/10"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("64:ff9b:1::/48"),
}

// allow says whether a connection to the address may be made.
func (p Policy) allow(addr netip.Addr) error {
	addr = addr.Unmap().WithZone("")
	if nat64.Contains(addr) {
		b := addr.As16()
		addr = netip.AddrFrom4([4]byte(b[12:]))
	}
	switch {
	case addr.IsLinkLocalUnicast() || addr.IsLinkLocalMulticast() || slices.Contains(metadata, addr):
		return &errAddress{addr, "link-local or metadata"}
	case addr.IsMulticast():
		return &errAddress{addr, "multicast"}
	case !p.DenyPrivate:
		return nil
	case addr.IsPrivate() || addr.IsLoopback() || addr.IsUnspecified(),
		slices.ContainsFunc(notPublic, func(n netip.Prefix) bool { return n.Contains(addr) }):
		return &errAddress{addr, "private"}
	}
	return nil
}

// transport returns the transport of one source: the host's or the default one,
// with the credential's certificate and CA. close frees what was made for it.
func transport(cfg connector.Config, cred credentials.Credential) (rt http.RoundTripper, closeIdle func(), err error) {
	own := credentialTLS(cred)
	base, plain := cfg.Transport.(*http.Transport)
	switch {
	case cfg.Transport != nil && !own:
		return cfg.Transport, func() {}, nil
	case cfg.Transport != nil && !plain:
		return nil, nil, connector.Errorf(connector.ErrUnsupported, "set up TLS", "the credential carries a certificate or a CA, and the host's transport takes none")
	case cfg.Transport == nil:
		if base, err = NewTransport(Policy{Proxy: cfg.Settings.Get(SettingProxy)}); err != nil {
			return nil, nil, err
		}
	default:
		base = base.Clone()
	}
	if own {
		if err := trust(base, cred); err != nil {
			return nil, nil, err
		}
	}
	return base, base.CloseIdleConnections, nil
}

func credentialTLS(cred credentials.Credential) bool {
	return !cred.Value("certificate").IsZero() || !cred.Value("ca").IsZero()
}

// trust adds a credential's certificate and CA, both PEM, to the transport.
func trust(t *http.Transport, cred credentials.Credential) error {
	const op = "set up TLS"
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.TLSClientConfig != nil {
		cfg = t.TLSClientConfig.Clone()
	}
	if ca := cred.Value("ca"); !ca.IsZero() {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if cfg.RootCAs != nil {
			pool = cfg.RootCAs.Clone()
		}
		if !pool.AppendCertsFromPEM([]byte(ca.Reveal())) {
			return connector.Errorf(connector.ErrInvalid, op, "the credential's CA holds no certificate in PEM form")
		}
		cfg.RootCAs = pool
	}
	if !cred.Value("certificate").IsZero() {
		pair, err := tls.X509KeyPair([]byte(cred.Value("certificate").Reveal()), []byte(cred.Value("private_key").Reveal()))
		if err != nil {
			return connector.Errorf(connector.ErrAuth, op, "the credential's certificate and private key do not fit together or are not in PEM form")
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	t.TLSClientConfig = cfg
	return nil
}

// hostAllowed reports whether a host matches one of the patterns. A pattern is a
// host, or "*." and a domain for every host below it.
func hostAllowed(host string, patterns []string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		pattern = strings.ToLower(pattern)
		if domain, ok := strings.CutPrefix(pattern, "*."); ok {
			below, ok := strings.CutSuffix(host, "."+domain)
			return ok && below != ""
		}
		return host == pattern
	})
}

// isAddressError returns the refused address among the causes of err.
func isAddressError(err error) (*errAddress, bool) {
	var refused *errAddress
	ok := errors.As(err, &refused)
	return refused, ok
}
