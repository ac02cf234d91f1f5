package rest

import (
	"context"
	"crypto/tls"
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
		t.Proxy = p.proxy(http.ProxyURL(u))
		t.DialContext = p.dialProxy(dialer, u)
	case !p.DenyPrivate:
		t.Proxy = p.proxy(http.ProxyFromEnvironment)
	}
	return t, nil
}

// proxy refuses the addresses that the policy does, before a proxy would dial
// them. Names are the proxy's to resolve.
func (p Policy) proxy(next func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(req *http.Request) (*url.URL, error) {
		if addr, err := netip.ParseAddr(req.URL.Hostname()); err == nil {
			if err := p.allow(addr); err != nil {
				return nil, err
			}
		}
		return next(req)
	}
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
// out credentials: those of AWS over IPv6, for machines and for pods, of Google
// Cloud over IPv6, of Alibaba Cloud, of Oracle Cloud, and of Azure's agent.
var metadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd00:ec2::23"), netip.MustParseAddr("fd20:ce::254"),
	netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("192.0.0.192"), netip.MustParseAddr("168.63.129.16"),
}

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
// with the credential's certificate and what it trusts. closeIdle frees what was
// made for it.
func transport(cfg connector.Config, cred credentials.Credential) (rt http.RoundTripper, closeIdle func(), err error) {
	const op = "set up TLS"
	var base *http.Transport
	switch host := cfg.Transport.(type) {
	case nil:
		if base, err = NewTransport(Policy{Proxy: cfg.Settings.Get(SettingProxy)}); err != nil {
			return nil, nil, err
		}
	case *http.Transport:
		base = host
	}
	var before *tls.Config
	if base != nil {
		before = base.TLSClientConfig
	}
	config, err := cred.AddTLS(before)
	switch {
	case err != nil:
		return nil, nil, connector.Errorf(connector.ErrAuth, op, "%w", err)
	case config == before && cfg.Transport != nil:
		return cfg.Transport, func() {}, nil
	case base == nil:
		return nil, nil, connector.Errorf(connector.ErrUnsupported, op, "the credential carries a certificate or a CA, and the host's transport takes none")
	case cfg.Transport != nil:
		base = base.Clone()
	}
	base.TLSClientConfig = config
	return base, base.CloseIdleConnections, nil
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
