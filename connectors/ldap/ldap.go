package ldap

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
)

// New returns the connector for LDAP directories and Active Directory.
func New() connector.Connector { return ldap{} }

type ldap struct{}

func (ldap) Spec() connector.Spec { return spec() }

// What no read goes beyond, whatever the directory sends.
const (
	maxPageSize = 1000      // entries; MaxPageSize of Active Directory
	maxMessage  = 8 << 20   // bytes of one entry
	maxAnswer   = 32 << 20  // bytes of one page
	maxValues   = 100_000   // of one attribute
	maxPages    = 1_000_000 // of one read
	maxEmpty    = 100       // pages without an entry, one after the other
	maxManagers = 10_000    // whose names are remembered
	maxTries    = 6         // of one request that the directory is too busy for
	firstWait   = 500 * time.Millisecond
)

// A source reads with the settings and the credential of one integration. Each
// read has a connection of its own, since the place in a paged list belongs to
// the connection it was begun on.
type source struct {
	spec     connector.Spec
	cfg      connector.Config
	server   server
	dial     dialFunc
	trust    *http.Transport // whose TLS settings hold where the credential has none
	timeout  time.Duration
	pageSize int

	mu     sync.Mutex
	dse    *rootDSE // once it is known
	schema schema   // the same
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Open checks the settings and does no I/O.
func (ldap) Open(ctx context.Context, cfg connector.Config) (connector.Source, error) {
	const op = "open ldap"
	s := &source{spec: spec(), cfg: cfg, pageSize: cfg.Settings.Int(settingPageSize)}
	var err error
	if s.server, err = parseURL(cfg.Settings.Get(settingURL), cfg.Settings.Bool(settingStartTLS)); err != nil {
		return nil, err
	}
	if s.pageSize < 1 || s.pageSize > maxPageSize {
		return nil, connector.Errorf(connector.ErrInvalid, op, "%s: %s is not between 1 and %d", settingPageSize, cfg.Settings.Get(settingPageSize), maxPageSize)
	}
	if s.timeout, err = time.ParseDuration(cfg.Settings.Get(settingTimeout)); err != nil || s.timeout < time.Second {
		return nil, connector.Errorf(connector.ErrInvalid, op, "%s: %q is no time of a second or more", settingTimeout, cfg.Settings.Get(settingTimeout))
	}
	for _, def := range s.spec.Streams {
		if err := s.checkSearch(op, def.Name); err != nil {
			return nil, err
		}
	}
	if s.dial, s.trust, err = dialer(op, cfg.Transport); err != nil {
		return nil, err
	}
	if _, err := s.credential(ctx, op); err != nil {
		return nil, err
	}
	return s, nil
}

// Close has nothing to free: each read closes its own connection.
func (s *source) Close() error { return nil }

// bases returns the DNs below which a stream is looked for, none if the
// directory is to say where.
func (s *source) bases(stream string) []string {
	if own := s.cfg.Settings[stream+suffixBase]; len(own) > 0 {
		return own
	}
	return s.cfg.Settings[settingBase]
}

// checkSearch checks a stream's filter and base DNs, none of which may lie below
// another: its entries would come twice.
func (s *source) checkSearch(op, stream string) error {
	if filter := s.cfg.Settings.Get(stream + suffixFilter); filter != "" {
		if _, err := goldap.CompileFilter(filter); err != nil {
			return connector.Errorf(connector.ErrInvalid, op, "%s%s: %q is no filter such as (objectClass=person)", stream, suffixFilter, filter)
		}
	}
	var parsed []*goldap.DN
	for _, base := range s.bases(stream) {
		dn, err := goldap.ParseDN(base)
		if err != nil {
			return connector.Errorf(connector.ErrInvalid, op, "base DN of %s: %q is no DN such as dc=example,dc=com", stream, base)
		}
		for _, other := range parsed {
			if dn.EqualFold(other) || dn.AncestorOfFold(other) || other.AncestorOfFold(dn) {
				return connector.Errorf(connector.ErrInvalid, op, "base DN of %s: one of %q and %q lies in the other", stream, other, dn)
			}
		}
		parsed = append(parsed, dn)
	}
	return nil
}

// A server is where a directory listens, and how.
type server struct {
	url      string // for errors
	host     string
	address  string // host and port
	ldaps    bool   // TLS from the first byte on
	startTLS bool   // TLS by request
}

func parseURL(text string, startTLS bool) (server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "ldap" && u.Scheme != "ldaps" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return server{}, connector.Errorf(connector.ErrInvalid, "open ldap", "%s: it is no address such as ldap://dc1.example.com or ldaps://dc1.example.com:636", settingURL)
	}
	at := server{host: u.Hostname(), url: u.Scheme + "://" + u.Host, ldaps: u.Scheme == "ldaps"}
	at.startTLS = startTLS && !at.ldaps
	port := goldap.DefaultLdapPort
	if at.ldaps {
		port = goldap.DefaultLdapsPort
	}
	at.address = net.JoinHostPort(at.host, cmp.Or(u.Port(), port))
	return at, nil
}

// secret reports whether what is sent to the server stays between the two.
func (s server) secret() bool {
	if s.ldaps || s.startTLS || s.host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(s.host)
	return err == nil && addr.IsLoopback()
}

// dialer returns how the host lets connections be made: by the dialler of its
// HTTP transport, which knows the addresses it refuses.
func dialer(op string, rt http.RoundTripper) (dialFunc, *http.Transport, error) {
	usual, err := rest.NewTransport(rest.Policy{})
	if err != nil {
		return nil, nil, err
	}
	switch own, ok := rt.(*http.Transport); {
	case rt == nil:
		return usual.DialContext, usual, nil
	case !ok:
		return nil, nil, &connector.Error{
			Class: connector.ErrUnsupported, Op: op, Message: "the host's transport carries HTTP alone and does not say how to make other connections",
			Remedy: "let the host give an *http.Transport",
		}
	case own.DialContext == nil:
		return usual.DialContext, own, nil
	default:
		return own.DialContext, own, nil
	}
}
