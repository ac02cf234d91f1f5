package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/internal/excerpt"
)

// minToken is how many characters a token has at least.
const minToken = 16

// CheckAddress returns an error unless an API with this token may listen on addr,
// a host and port such as 127.0.0.1:8620: a token is needed for any address other
// than localhost and the loopback addresses; ":8620" is all of the machine's. The
// error is of class connector.ErrInvalid and does not show the token.
func CheckAddress(addr string, token credentials.Secret) error {
	const op = "listen for the HTTP API"
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return &connector.Error{
			Class: connector.ErrInvalid, Op: op, Message: fmt.Sprintf("%q is no address", excerpt.Of(addr)), Err: err,
			Remedy: "write host and port, as in 127.0.0.1:8620",
		}
	}
	if err := checkToken(token); err != nil {
		return connector.Errorf(connector.ErrInvalid, op, "%w", err)
	}
	if token.IsZero() && !isLoopback(host) {
		return needsToken(op, addr)
	}
	return nil
}

// needsToken is the error of an address that only a token makes safe.
func needsToken(op, addr string) error {
	return &connector.Error{
		Class: connector.ErrInvalid, Op: op, Message: fmt.Sprintf("%s is reached from other machines, and there is no token", excerpt.Of(addr)),
		Remedy: "set a token, or listen on 127.0.0.1",
	}
}

// checkToken returns an error for a token that is too easily guessed or that does
// not fit into a header.
func checkToken(token credentials.Secret) error {
	text := token.Reveal()
	switch {
	case text == "":
		return nil
	case len(text) < minToken:
		return fmt.Errorf("the token has fewer than %d characters", minToken)
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("the token has characters other than printable ASCII without spaces")
	}
	return nil
}

// isLoopback reports whether a host is this machine's own name or address for
// itself.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// hostNames returns names in the form in which requests are held to them.
func hostNames(names []string) (map[string]bool, error) {
	var errs []error
	known := map[string]bool{}
	for _, name := range names {
		if ip, err := netip.ParseAddr(name); err == nil && ip.Is6() {
			name = "[" + name + "]"
		}
		host, ok := hostOf(name)
		if _, _, err := net.SplitHostPort(name); !ok || err == nil {
			errs = append(errs, fmt.Errorf("%q is no host: write its name or address, without port", excerpt.Of(name)))
			continue
		}
		known[host] = true
	}
	return known, errors.Join(errs...)
}

// guard returns what is wrong with a request that is not to be answered, nil if
// nothing is.
func (a *API) guard(r *http.Request) *Problem {
	host, ok := hostOf(r.Host)
	switch {
	case !a.withToken() && !receivedLocally(r):
		return newProblem(http.StatusForbidden, "no_token", "without a token, only this machine is answered").
			remedy("give the server a token, or let it listen on 127.0.0.1 alone")
	case !(ok && a.answersTo(host)) && !(a.withToken() && open[r.URL.Path]): // probes ask for addresses
		return newProblem(http.StatusMisdirectedRequest, "wrong_host", "this server does not answer to the name %q", excerpt.Of(r.Host)).
			remedy("ask for 127.0.0.1 or localhost, or add the name to those that the server answers to")
	}
	if err := a.origin.Check(r); err != nil {
		return newProblem(http.StatusForbidden, "cross_origin", "a browser sent this for another site").
			remedy("ask from the command line, or from a page of the same origin")
	}
	if p := a.authenticate(r); p != nil {
		return p
	}
	if escaped := r.URL.EscapedPath(); path.Clean("/"+escaped) != escaped {
		return unknownPath(r)
	}
	return nil
}

// answersTo reports whether the API answers to a host's name.
func (a *API) answersTo(host string) bool {
	return isLoopback(host) || a.hosts[host] || len(a.hosts) == 0 && a.withToken()
}

// withToken reports whether clients must show a token.
func (a *API) withToken() bool { return !a.opt.Token.IsZero() }

// open are the paths that ask for no token.
var open = map[string]bool{"/healthz": true, "/readyz": true}

// authenticate returns what is wrong with a request's token. Digests are compared,
// so that the time taken tells neither what is right about a token nor how long it
// is.
func (a *API) authenticate(r *http.Request) *Problem {
	if !a.withToken() || open[r.URL.Path] {
		return nil
	}
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return unauthorized(`Bearer realm="vendorsync"`, "this needs a token")
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	digest := sha256.Sum256([]byte(strings.TrimSpace(token)))
	if subtle.ConstantTimeCompare(digest[:], a.token[:]) != 1 || !strings.EqualFold(scheme, "Bearer") || len(headers) > 1 {
		return unauthorized(`Bearer realm="vendorsync", error="invalid_token"`, "the token is not the server's")
	}
	return nil
}

// unauthorized returns the Problem of a request without the right token. The
// challenge is that of RFC 6750, section 3.
func unauthorized(challenge, detail string) *Problem {
	return newProblem(http.StatusUnauthorized, "unauthorized", "%s", detail).
		remedy("send the server's token in the header: Authorization: Bearer TOKEN").
		header("WWW-Authenticate", challenge)
}

// receivedLocally reports whether a request came in on a loopback address or a
// socket of this machine. Where nobody says, the server is the host's own affair.
func receivedLocally(r *http.Request) bool {
	switch addr := r.Context().Value(http.LocalAddrContextKey).(type) {
	case nil, *net.UnixAddr:
		return true
	case net.Addr:
		return isLocal(addr)
	}
	return false
}

// isLocal reports whether only this machine reaches an address.
func isLocal(addr net.Addr) bool {
	if addr.Network() == "unix" {
		return true
	}
	host, _, err := net.SplitHostPort(addr.String())
	return err == nil && isLoopback(host)
}

// hostOf returns the host of a Host header in small letters, without port,
// brackets and final dot. It is not ok if there is none.
func hostOf(header string) (host string, ok bool) {
	u, err := url.Parse("//" + header)
	if err != nil || u.Host != header { // more than a host and a port
		return "", false
	}
	host = strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	return host, host != ""
}

// secure sets what keeps a browser from doing anything with an answer but show it.
func secure(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}
