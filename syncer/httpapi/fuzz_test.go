package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vendorsync/vendorsync/syncer/httpapi"
)

// FuzzRequest holds that any request gets an answer of JSON: never a fault of the
// server, never a redirection, and nothing without the token but a probe's word.
func FuzzRequest(f *testing.F) {
	for _, r := range routes {
		method, target, _ := strings.Cut(r.request, " ")
		path, query, _ := strings.Cut(target, "?")
		f.Add(method, path, query, true)
	}
	for _, path := range []string{"", "*", "/", "//healthz", "/healthz/..", "/api/v1/integrations/%2e%2e/run", "/api/v1/runs/%00", "/api/v1/runs/%", "/api/v1/runs/a/b", "/\xff", "/api/v1/runs/r1;x"} {
		f.Add("GET", path, "limit=5&before=%00;", false)
	}
	f.Add("POST", "/api/v1/integrations/laptops/run", "a=b&a=c", true)
	f.Add("PATCH", "/api/v1/runs", "limit=1e3", true)
	s := newScene(f)
	s.opt.Token = secretToken
	api := s.api()
	f.Fuzz(func(t *testing.T, method, path, query string, shown bool) {
		res := ask(t.Context(), api, "GET /", func(r *http.Request) {
			u := &url.URL{Path: path, RawQuery: query}
			if unescaped, err := url.PathUnescape(path); err == nil {
				u.Path, u.RawPath = unescaped, path
			}
			r.Method, r.URL, r.RequestURI = method, u, path
			if shown {
				withToken(r)
			}
		})
		if res.Code >= http.StatusInternalServerError || res.Code < http.StatusOK || res.Code/100 == 3 {
			t.Fatalf("%s %q %q: %d", method, path, query, res.Code)
		}
		unescaped, err := url.PathUnescape(path)
		probe := slices.Contains([]string{"/healthz", "/readyz"}, path) || err == nil && slices.Contains([]string{"/healthz", "/readyz"}, unescaped)
		if !shown && !probe && res.Code != http.StatusUnauthorized {
			t.Fatalf("%s %q %q without token: %d", method, path, query, res.Code)
		}
		if method == http.MethodHead {
			return
		}
		var v struct{ Status any }
		if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
			t.Fatal(err)
		}
	})
}

// own is how this machine's own names and addresses are written.
var own = regexp.MustCompile(`^((?i:localhost)\.?|127\.\d+\.\d+\.\d+\.?|\[(?i:[0:]*1|[0:]*ffff:7f[0-9a-f:]*|[0:]*ffff:127\.[0-9.]*)\])(:\d*)?$`)

// FuzzHost holds that, of all the hosts that a request may name, only this
// machine's own get an answer.
func FuzzHost(f *testing.F) {
	for _, host := range []string{"localhost", "127.0.0.1:80", "[::1]:80", "[::1%25lo]", "localhost:", "evil.example", "localhost@evil.example", "[localhost]", "127.1", "0", "LOCALHOST.:1", "localhost..", "[::ffff:7f00:1]"} {
		f.Add(host)
	}
	api := newScene(f).api()
	f.Fuzz(func(t *testing.T, host string) {
		res := ask(t.Context(), api, "GET /api/v1/runs", func(r *http.Request) { r.Host = host })
		switch {
		case res.Code == http.StatusOK && !own.MatchString(host):
			t.Fatalf("%q: %d", host, res.Code)
		case res.Code != http.StatusOK && res.Code != http.StatusMisdirectedRequest:
			t.Fatalf("%q: %d", host, res.Code)
		}
	})
}

var _ http.Handler = (*httpapi.API)(nil)
