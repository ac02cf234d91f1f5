package httpapi_test

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer/httpapi"
)

func TestATokenIsAskedForByAllButTheProbes(t *testing.T) {
	t.Parallel()
	requests := []string{"GET /metrics", "GET /", "GET /nowhere", "PUT /api/v1/runs", "OPTIONS /api/v1/runs", "GET /healthz/", "GET /%2e/healthz/x"}
	for _, r := range routes {
		requests = append(requests, r.request)
	}
	s := newScene(t)
	s.opt.Token = secretToken
	for _, request := range requests {
		res := s.ask(request)
		if request == "GET /healthz" || request == "GET /readyz" {
			require.Equal(t, http.StatusOK, res.Code)
			continue
		}
		p := problem(t, res, http.StatusUnauthorized)
		require.Equal(t, "unauthorized", p.Code)
		require.Equal(t, `Bearer realm="vendorsync"`, res.Header().Get("WWW-Authenticate"))
	}
	require.Empty(t, s.runner.triggered)
}

func TestOnlyTheTokenItselfIsTheToken(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.opt.Token = secretToken
	for name, test := range map[string]struct {
		headers []string
		ok      bool
	}{
		"the token":                       {[]string{"Bearer " + token}, true},
		"the scheme in small letters":     {[]string{"bearer " + token}, true},
		"another token of that length":    {[]string{"Bearer correct-horse-batterY"}, false},
		"its beginning":                   {[]string{"Bearer correct-horse"}, false},
		"the token and more":              {[]string{"Bearer " + token + "1"}, false},
		"the token and other words":       {[]string{"Bearer " + token + " " + token}, false},
		"no token":                        {[]string{"Bearer"}, false},
		"an empty token":                  {[]string{"Bearer "}, false},
		"an empty header":                 {[]string{""}, false},
		"the token alone":                 {[]string{token}, false},
		"another scheme":                  {[]string{"Basic " + token}, false},
		"two headers, the first right":    {[]string{"Bearer " + token, "Bearer no"}, false},
		"two headers, both of them right": {[]string{"Bearer " + token, "Bearer " + token}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := s.ask("GET /api/v1/runs", func(r *http.Request) { r.Header["Authorization"] = test.headers })
			if test.ok {
				require.Equal(t, http.StatusOK, res.Code)
				return
			}
			p := problem(t, res, http.StatusUnauthorized)
			require.NotContains(t, p.Error(), token)
			require.Contains(t, res.Header().Get("WWW-Authenticate"), "invalid_token")
		})
	}
}

func TestTheTokenDoesNotCountInTheQuery(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.opt.Token = secretToken
	problem(t, s.ask("GET /api/v1/runs?access_token="+token), http.StatusUnauthorized)
}

func TestARequestNamesAHostThatTheServerAnswersTo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		host  string
		token bool
		hosts []string
		ok    bool
	}{
		"localhost":                             {host: "localhost:8620", ok: true},
		"localhost in capitals, without port":   {host: "LOCALHOST", ok: true},
		"localhost with its final dot":          {host: "localhost.:8620", ok: true},
		"127.0.0.1":                             {host: "127.0.0.1", ok: true},
		"another loopback address":              {host: "127.8.8.8:80", ok: true},
		"the loopback address of IPv6":          {host: "[::1]:8620", ok: true},
		"the same without port":                 {host: "[::1]", ok: true},
		"IPv4 in IPv6":                          {host: "[::ffff:127.0.0.1]:8620", ok: true},
		"a name that was made to lead here":     {host: "rebound.evil.example:8620"},
		"a name that begins like localhost":     {host: "localhost.evil.example"},
		"a name that begins like an address":    {host: "127.0.0.1.evil.example"},
		"a name that ends like localhost":       {host: "evil.localhost"},
		"a user before it":                      {host: "localhost@evil.example"},
		"a user before localhost":               {host: "evil.example@localhost"},
		"a path after it":                       {host: "localhost/evil"},
		"a port that is none":                   {host: "localhost:http"},
		"an address of all":                     {host: "0.0.0.0:8620"},
		"a private address":                     {host: "192.168.1.7"},
		"an address written as one number":      {host: "2130706433"},
		"no host":                               {host: ""},
		"a port alone":                          {host: ":8620"},
		"a zero byte":                           {host: "localhost\x00"},
		"an escape":                             {host: "%6cocalhost"},
		"a configured name":                     {host: "sync.example.com:8620", hosts: []string{"Sync.Example.com"}, ok: true},
		"a configured address":                  {host: "[2001:db8::1]:8620", hosts: []string{"2001:db8::1"}, ok: true},
		"a name beside the configured":          {host: "evil.example", hosts: []string{"sync.example.com"}},
		"localhost beside the configured":       {host: "localhost", hosts: []string{"sync.example.com"}, ok: true},
		"any name, with a token":                {host: "sync.example.com", token: true, ok: true},
		"no host, with a token":                 {host: "", token: true},
		"a configured name, with a token":       {host: "sync.example.com", token: true, hosts: []string{"sync.example.com"}, ok: true},
		"one beside the configured, with token": {host: "evil.example", token: true, hosts: []string{"sync.example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.opt.Hosts = test.hosts
			if test.token {
				s.opt.Token = secretToken
			}
			res := s.ask("POST /api/v1/integrations/laptops/run", withToken, func(r *http.Request) { r.Host = test.host })
			if test.ok {
				decodeAs[httpapi.Accepted](t, res, http.StatusAccepted)
				return
			}
			require.Equal(t, "wrong_host", problem(t, res, http.StatusMisdirectedRequest).Code)
			require.Empty(t, s.runner.triggered)
		})
	}
}

func TestProbesMayAskForAnAddressWhereThereIsAToken(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.opt.Token, s.opt.Hosts = secretToken, []string{"sync.example.com"}
	byAddress := func(r *http.Request) { r.Host = "10.4.2.7:8620" }
	require.Equal(t, "ok", decodeAs[httpapi.Health](t, s.ask("GET /healthz", byAddress), http.StatusOK).Status)
	problem(t, s.ask("GET /api/v1/runs", byAddress, withToken), http.StatusMisdirectedRequest)
}

func TestWhatAnotherSiteHasABrowserPostIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		headers map[string]string
		ok      bool
	}{
		"a program, which says nothing of sites":    {nil, true},
		"a page of the same origin":                 {map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8620"}, true},
		"an older browser, a page of the same":      {map[string]string{"Origin": "http://127.0.0.1:8620"}, true},
		"another site":                              {map[string]string{"Sec-Fetch-Site": "cross-site"}, false},
		"another port of this machine":              {map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:3000"}, false},
		"an older browser, another site":            {map[string]string{"Origin": "https://evil.example"}, false},
		"an older browser, another port":            {map[string]string{"Origin": "http://127.0.0.1:3000"}, false},
		"a page without origin, such as a document": {map[string]string{"Origin": "null"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, secret := range []credentials.Secret{{}, secretToken} {
				s := newScene(t)
				s.opt.Token = secret
				res := s.ask("POST /api/v1/integrations/laptops/run", withToken, func(r *http.Request) {
					for name, value := range test.headers {
						r.Header.Set(name, value)
					}
				})
				if test.ok {
					decodeAs[httpapi.Accepted](t, res, http.StatusAccepted)
					continue
				}
				require.Equal(t, "cross_origin", problem(t, res, http.StatusForbidden).Code)
				require.Empty(t, s.runner.triggered)
			}
		})
	}
}

// An addr is an address of a network that the net package does not know.
type addr struct{ network, text string }

func (a addr) Network() string { return a.network }
func (a addr) String() string  { return a.text }

func TestWithoutATokenOnlyThisMachineIsAnswered(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		local any
		token bool
		ok    bool
	}{
		"on loopback":                           {local: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8620}, ok: true},
		"on loopback of IPv6":                   {local: &net.TCPAddr{IP: net.IPv6loopback, Port: 8620}, ok: true},
		"on a socket in the file system":        {local: &net.UnixAddr{Net: "unix", Name: "/run/vendorsync.sock"}, ok: true},
		"on another kind of such a socket":      {local: addr{"unix", "@"}, ok: true},
		"in a server that does not say where":   {local: nil, ok: true},
		"on a private address":                  {local: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 8620}},
		"on an address that cannot be read":     {local: addr{"carrier pigeon", "coo"}},
		"in a server that says something else":  {local: "127.0.0.1:8620"},
		"on a private address, but with token":  {local: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7)}, token: true, ok: true},
		"on an unknown address, but with token": {local: addr{"carrier pigeon", "coo"}, token: true, ok: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			if test.token {
				s.opt.Token = secretToken
			}
			ctx := t.Context()
			if test.local != nil {
				ctx = context.WithValue(ctx, http.LocalAddrContextKey, test.local)
			}
			res := ask(ctx, s.api(), "GET /api/v1/runs", withToken)
			if test.ok {
				require.Equal(t, http.StatusOK, res.Code)
				return
			}
			require.Equal(t, "no_token", problem(t, res, http.StatusForbidden).Code)
		})
	}
}

func TestAnAddressThatOtherMachinesReachNeedsAToken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		addr  string
		token string
		fault string
	}{
		"loopback":                         {addr: "127.0.0.1:8620"},
		"loopback of IPv6":                 {addr: "[::1]:0"},
		"localhost":                        {addr: "localhost:8620"},
		"loopback and a token":             {addr: "127.0.0.1:8620", token: token},
		"all addresses":                    {addr: ":8620", fault: "no token"},
		"all addresses of IPv4":            {addr: "0.0.0.0:8620", fault: "no token"},
		"all addresses of IPv6":            {addr: "[::]:8620", fault: "no token"},
		"a name":                           {addr: "sync.example.com:8620", fault: "no token"},
		"a name that begins like loopback": {addr: "127.0.0.1.example.com:8620", fault: "no token"},
		"all addresses and a token":        {addr: ":8620", token: token},
		"a short token":                    {addr: ":8620", token: "hunter2", fault: "fewer than 16"},
		"a short token on loopback":        {addr: "127.0.0.1:8620", token: "hunter2", fault: "fewer than 16"},
		"a token with a line's end":        {addr: ":8620", token: token + "\n", fault: "printable"},
		"a token of other letters":         {addr: ":8620", token: "gänseblümchenwiese", fault: "printable"},
		"no port":                          {addr: "127.0.0.1", fault: "no address"},
		"nothing":                          {addr: "", fault: "no address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := httpapi.CheckAddress(test.addr, credentials.NewSecret(test.token))
			if test.fault == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, connector.ErrInvalid)
			require.ErrorContains(t, err, test.fault)
			if test.token != "" {
				require.NotContains(t, err.Error(), test.token)
			}
		})
	}
}
