package rest

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

// SettingProxy is the name of the setting that names a proxy, for connectors
// whose Spec has it.
const SettingProxy = "proxy"

// ProxySetting returns that setting, for the Spec of a vendor that may be reached
// through a proxy of its own. It is no secret: a proxy that asks who is there is
// named by the environment (HTTPS_PROXY).
func ProxySetting() connector.Setting {
	return connector.Setting{Name: SettingProxy, Label: "Proxy", Help: "The address of a proxy to go through: http://proxy.example.com:3128. Left out, it is what the environment names (HTTPS_PROXY)."}
}

// An API says how a vendor's HTTP interface works. It is data, and not changed
// once it is in use. In its texts, {name} stands for the setting of that name.
type API struct {
	// Base is what all paths are relative to: "https://{domain}/api/v1". A
	// setting in the host's place must be a host; one that is the whole text, a
	// URL. Only the loopback interface is spoken to without TLS.
	Base string
	// Hosts are patterns of hosts beside the Base's to which next links and
	// redirects may lead, and the credential with them: "files.slack.com". Without
	// any it is the Base's origin alone, since another host of the vendor's may be
	// another customer's.
	Hosts []string
	// Header is sent with each request. Accept defaults to application/json.
	Header map[string]string
	// Auth says how a credential of each kind is used.
	Auth map[credentials.Kind]Auth
	// Errors looks at each answer below status 400 and returns the error that it
	// tells of, nil if it is what was asked for. Nil trusts the status. Of an
	// ErrRateLimited or ErrUnavailable the request is tried again where that is
	// safe, after the error's RetryAfter if it has one.
	Errors func(*Response) error
	// Classify looks at each answer of status 400 and above and returns its
	// error's class, or "" for the one that the status has. Nil is as "". The same
	// classes are tried again as of Errors.
	Classify func(*Response) connector.Class
	// Messages are the paths of the error's text in an answer; the first that is
	// there is shown. Without any, the beginning of the answer is.
	Messages []string
	// Bounds are what no request and no read goes beyond.
	Bounds Bounds
	// Streams say how each stream of the Spec is read, by its name.
	Streams map[string]Stream
}

// Bounds keep a vendor that misbehaves from taking all time and memory. The
// zero value of each field is its default.
type Bounds struct {
	Body    int64         // bytes of one answer, decompressed; 64 MiB
	Depth   int           // of the nesting of an answer; 200
	Pages   int           // of one read; 1,000,000
	Read    time.Duration // for one read; 24 h
	Request time.Duration // for one try of a request, its answer read; 5 min
	Stall   time.Duration // without a byte from the vendor; 60 s
	Wait    time.Duration // that a vendor may ask for; more is ErrRateLimited; 15 min
	Retries int           // of one request; 5; negative for none
	Backoff time.Duration // before the first retry, doubled before each further one; 500 ms
}

func (b Bounds) withDefaults() Bounds {
	or(&b.Body, 64<<20)
	or(&b.Depth, 200)
	or(&b.Pages, 1_000_000)
	or(&b.Read, 24*time.Hour)
	or(&b.Request, 5*time.Minute)
	or(&b.Stall, time.Minute)
	or(&b.Wait, 15*time.Minute)
	or(&b.Retries, 5)
	or(&b.Backoff, 500*time.Millisecond)
	b.Retries = max(0, b.Retries)
	return b
}

func or[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// expand replaces each {name} in text with what lookup knows of it, escaped.
func expand(text string, lookup func(name string) (string, bool), escape func(string) string) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		value, known := lookup(name)
		if !closed || !known {
			return "", fmt.Errorf("nothing is known of {%s}", name)
		}
		b.WriteString(escape(value))
		text = after
	}
}

// expandPath fills in a path. A value stays within its segment.
func expandPath(text string, lookup func(string) (string, bool)) (string, error) {
	bad := ""
	path, err := expand(text, lookup, func(v string) string {
		if v == "" || v == "." || v == ".." {
			bad = v
		}
		return url.PathEscape(v)
	})
	if err == nil && strings.Contains(text, "{") && (bad != "" || strings.Contains(path, "//")) {
		err = fmt.Errorf("%q cannot stand in a path", bad)
	}
	return path, err
}

func same(v string) string { return v }

// settingsOf looks names up in an integration's settings.
func settingsOf(s connector.Settings) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := s[name]; return s.Get(name), ok && len(v) > 0 }
}

// baseURL makes the URL that paths are relative to.
func baseURL(spec connector.Spec, api API, settings connector.Settings) (*url.URL, error) {
	const op = "make the vendor's address"
	text, err := expand(api.Base, settingsOf(settings), same)
	if err != nil {
		return nil, connector.Errorf(connector.ErrInvalid, op, "%w", err)
	}
	whole := strings.HasPrefix(api.Base, "{")
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(text, "?") || strings.HasSuffix(text, "#"):
		return nil, connector.Errorf(connector.ErrInvalid, op, "%q is no address such as %s", text, example(whole))
	case !whole && u.EscapedPath() != pathOf(api.Base):
		return nil, connector.Errorf(connector.ErrInvalid, op, "%q has a path in its host's place", text)
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return nil, connector.Errorf(connector.ErrInvalid, op, "%q does not begin with https://, and a credential is not sent without TLS", text)
	case len(spec.Hosts) > 0 && !hostAllowed(u.Hostname(), spec.Hosts):
		return nil, connector.Errorf(connector.ErrInvalid, op, "%s is no host of %s, whose hosts are %s", u.Hostname(), spec.Name, strings.Join(spec.Hosts, ", "))
	}
	return u, nil
}

func example(whole bool) string {
	if whole {
		return "https://vendor.example.com"
	}
	return "acme.example.com, without https:// and without a path"
}

// pathOf returns the path of a Base whose placeholders stand in the host.
func pathOf(base string) string {
	_, rest, _ := strings.Cut(base, "://")
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[i:]
	}
	return ""
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// origin returns scheme, host and port, by which two addresses are the same
// server's.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// redacted returns a URL as it may be shown: without user and query, in which
// secrets travel.
func redacted(u *url.URL) string {
	if u == nil {
		return "the vendor"
	}
	text := u.Scheme + "://" + u.Host + u.EscapedPath()
	if u.RawQuery != "" {
		text += "?..."
	}
	return text
}
