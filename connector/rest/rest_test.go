package rest_test

import (
	"context"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/credentials"
)

const (
	secret        = "s3cr3t-token"
	loginEndpoint = "https://login.acme.example/token"
)

func config(rt http.RoundTripper) connector.Config {
	return connector.Config{Settings: connector.Settings{"domain": {"eu.acme.example"}}, Credential: token(secret), Transport: rt}
}

func serve(t *testing.T, s *resttest.Server) connector.Config {
	t.Helper()
	transport := s.Transport()
	t.Cleanup(func() { require.NoError(t, transport.Close()) })
	return config(transport)
}

// vendor is a connector with one stream, "users", read as st says.
func vendor(st rest.Stream, change ...func(*connector.Spec, *rest.API)) connector.Connector {
	spec := acmeSpec()
	st.Path = "/users"
	api := rest.API{
		Base:    "https://{domain}/api",
		Auth:    map[credentials.Kind]rest.Auth{credentials.APIToken: rest.Bearer()},
		Streams: map[string]rest.Stream{"users": st},
	}
	for _, f := range change {
		f(&spec, &api)
	}
	return rest.New(spec, api)
}

func bounds(b rest.Bounds) func(*connector.Spec, *rest.API) {
	return func(_ *connector.Spec, api *rest.API) { api.Bounds = b }
}

func users(l resttest.List) map[string]*resttest.List {
	return map[string]*resttest.List{"/api/users": &l}
}

func read(ctx context.Context, c connector.Connector, cfg connector.Config, req connector.Request) ([]connector.Record, error) {
	src, err := c.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { _ = src.Close() }()
	req.Stream = "users"
	var out []connector.Record
	for page, err := range connector.Pages(ctx, src, req) {
		if err != nil {
			return out, err
		}
		out = append(out, page.Records...)
	}
	return out, nil
}

func TestEveryFormOfPagingKeepsTheContract(t *testing.T) {
	t.Parallel()
	items := resttest.Items(250)
	tests := map[string]struct {
		stream rest.Stream
		list   resttest.List
	}{
		"a cursor":                                    {rest.Stream{Records: "users", Paging: rest.Cursor{Param: "cursor", Path: "next", Size: "limit"}, PageSize: 100}, resttest.List{Form: resttest.Cursors, Records: "users", Items: items}},
		"a cursor with short pages":                   {rest.Stream{Records: "users", Paging: rest.Cursor{Param: "cursor", Path: "next", Size: "limit"}, PageSize: 100}, resttest.List{Form: resttest.Cursors, Records: "users", Items: items, Short: 40}},
		"a link header":                               {rest.Stream{Paging: rest.LinkHeader{Size: "limit"}, PageSize: 100}, resttest.List{Form: resttest.Links, Items: items}},
		"the next address in the answer":              {rest.Stream{Records: "users", Paging: rest.NextURL{Path: "next", Size: "limit"}, PageSize: 100}, resttest.List{Form: resttest.NextURLs, Records: "users", Items: items}},
		"a relative address in the answer":            {rest.Stream{Records: "users", Paging: rest.NextURL{Path: "next", Size: "limit"}, PageSize: 100}, resttest.List{Form: resttest.Relative, Records: "users", Items: items}},
		"OData":                                       {rest.Stream{Records: "value", Paging: rest.OData()}, resttest.List{Form: resttest.ODataForm, Records: "value", Items: items}},
		"page numbers from 0 with a total":            {rest.Stream{Records: "users", Paging: rest.PageNumber{Param: "page", Size: "limit", Total: "total"}, PageSize: 100}, resttest.List{Form: resttest.Pages, Records: "users", Items: items}},
		"page numbers from 1 without a total":         {rest.Stream{Records: "users", Paging: rest.PageNumber{Param: "page", First: 1, Size: "limit"}, PageSize: 100}, resttest.List{Form: resttest.Pages, First: 1, Records: "users", Items: items}},
		"page numbers that end with 204":              {rest.Stream{Records: "users", Paging: rest.PageNumber{Param: "page", Size: "limit", Total: "total"}, PageSize: 50}, resttest.List{Form: resttest.Pages, Records: "users", Items: items, NoContent: true}},
		"offsets from 1, short pages":                 {rest.Stream{Records: "users", Paging: rest.Offset{Param: "offset", First: 1, Size: "limit"}, PageSize: 100}, resttest.List{Form: resttest.Offsets, First: 1, Records: "users", Items: items, Short: 70}},
		"offsets with a total and short pages":        {rest.Stream{Records: "users", Paging: rest.Offset{Param: "offset", Size: "limit", Total: "total"}, PageSize: 100}, resttest.List{Form: resttest.Offsets, Records: "users", Items: items, Short: 70}},
		"page numbers with a total that is too small": {rest.Stream{Records: "users", Paging: rest.PageNumber{Param: "page", Size: "limit", Total: "total"}, PageSize: 100}, resttest.List{Form: resttest.Pages, Records: "users", Items: items, Lie: -200}},
		"offsets of a server that sends all at once":  {rest.Stream{Records: "users", Paging: rest.Offset{Param: "offset", Size: "limit", Total: "total"}, PageSize: 100}, resttest.List{Form: resttest.Whole, Records: "users", Items: items, MaxSize: 100}},
		"a cursor in a header":                        {rest.Stream{Paging: rest.Cursor{Param: "cursor", Header: "After-Cursor", Size: "limit"}, PageSize: 100}, resttest.List{Form: resttest.Headers, Items: items}},
		"a cursor that is the last record's id":       {rest.Stream{Records: "users", Paging: rest.Cursor{Param: "after", Record: "id", More: "more", Size: "limit"}, PageSize: 100}, resttest.List{Form: resttest.Keys, Records: "users", Next: "more", Items: items}},
		"members within members":                      {rest.Stream{Records: "data.users", Paging: rest.Cursor{Param: "page[after]", Path: "data.page.after", Size: "page[size]"}, PageSize: 100}, resttest.List{Form: resttest.Cursors, Records: "data.users", Next: "data.page.after", Param: "page[after]", Size: "page[size]", Items: items}},
		"an object whose values are the records":      {rest.Stream{Records: "users", Keyed: true, Paging: rest.Offset{Param: "offset", Size: "limit"}, PageSize: 100}, resttest.List{Form: resttest.Offsets, Records: "users", Keyed: true, Items: items}},
		"a body that takes the cursor":                {rest.Stream{Body: map[string]any{"query": "{ users }", "variables": map[string]any{"all": true}}, Records: "users", Paging: rest.Cursor{Param: "variables.after", Path: "next", Size: "variables.first"}, PageSize: 100}, resttest.List{Form: resttest.Cursors, Records: "users", Param: "variables.after", Size: "variables.first", Items: items}},
		"a body that takes the offset":                {rest.Stream{Body: map[string]any{}, Records: "users", Paging: rest.Offset{Param: "skip", Size: "limit", Total: "total"}, PageSize: 100}, resttest.List{Form: resttest.Offsets, Records: "users", Param: "skip", Items: items}},
		"one page":                                    {rest.Stream{}, resttest.List{Items: items}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := serve(t, &resttest.Server{Authorized: resttest.Bearer(secret), Lists: users(test.list)})
			c := vendor(test.stream)
			got, err := read(t.Context(), c, cfg, connector.Request{})
			require.NoError(t, err)
			require.Len(t, got, len(items))
			for i, rec := range got {
				require.Equal(t, items[i], rec.String())
			}
			connectortest.Run(t, c, connectortest.Options{Config: cfg, MinRecords: 250, BadSettings: []connector.Settings{{"domain": {"evil.example"}}, {"domain": {"x.acme.example/../.."}}, {"domain": {"u@x.acme.example"}}}})
		})
	}
}

func TestAnswersThatAreNotWhatTheTableSays(t *testing.T) {
	t.Parallel()
	cursors := rest.Stream{Records: "users", Paging: rest.Cursor{Param: "cursor", Path: "next", More: "more"}}
	pages := rest.Stream{Records: "users", Paging: rest.PageNumber{Param: "page", Size: "limit", Total: "total"}, PageSize: 50}
	tests := map[string]struct {
		stream rest.Stream
		answer string
		class  connector.Class
		says   string
	}{
		"no list where it should be":  {cursors, `{"ok":true}`, connector.ErrMalformed, "no list"},
		"an object in a list's place": {cursors, `{"users":{}}`, connector.ErrMalformed, "no list"},
		"more, and not where":         {cursors, `{"users":[],"more":true}`, connector.ErrMalformed, "not where"},
		"a next page at another host": {rest.Stream{Records: "users", Paging: rest.NextURL{Path: "next"}}, `{"users":[],"next":"https://evil.example/x"}`, connector.ErrMalformed, "evil.example"},
		"a next page under no name":   {rest.Stream{Records: "users", Paging: rest.NextURL{Path: "next"}}, `{"users":[],"next":"//evil.example/x"}`, connector.ErrMalformed, "evil.example"},
		"a total that is no number":   {pages, `{"users":[],"total":"many"}`, connector.ErrMalformed, "no number"},
		"a total and nothing else":    {pages, `{"users":[],"total":9}`, connector.ErrMalformed, "counts 9 records and has sent 0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &resttest.Server{Always: resttest.Body("application/json", test.answer)}
			_, err := read(t.Context(), vendor(test.stream), serve(t, s), connector.Request{})
			require.ErrorIs(t, err, test.class)
			require.ErrorContains(t, err, test.says)
			for _, seen := range s.Requests() {
				require.Equal(t, "eu.acme.example", seen.Host)
			}
		})
	}
	s := &resttest.Server{Lists: users(resttest.List{Form: resttest.Pages, Records: "users", Items: resttest.Items(250), MaxSize: 10})}
	_, err := read(t.Context(), vendor(pages), serve(t, s), connector.Request{})
	require.ErrorIs(t, err, connector.ErrInvalid)
	require.ErrorContains(t, err, "limit must be 1 to 10")
}

func TestAVendorsWaitsAreHonouredInFullAndReported(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) func() string {
		return func() string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	}
	fixed := func(text string) func() string { return func() string { return text } }
	epoch := func(unit time.Duration) func() string {
		return func() string { return strconv.FormatInt(time.Now().Add(30*time.Second).UnixNano()/int64(unit), 10) }
	}
	tests := map[string]struct {
		status int
		header string
		value  func() string
		more   []string
		wait   time.Duration
	}{
		"Retry-After in seconds":                   {429, "Retry-After", fixed("30"), nil, 30 * time.Second},
		"Retry-After as a date":                    {503, "Retry-After", at(30 * time.Second), nil, 30 * time.Second},
		"Retry-After with decimals":                {429, "Retry-After", fixed("2.5"), nil, 2500 * time.Millisecond},
		"X-Rate-Limit-Reset in seconds since 1970": {429, "X-Rate-Limit-Reset", epoch(time.Second), []string{"X-Rate-Limit-Remaining", "0"}, 30 * time.Second},
		"X-RateLimit-Reset in milliseconds since":  {429, "X-RateLimit-Reset", epoch(time.Millisecond), []string{"X-RateLimit-Remaining", "0"}, 30 * time.Second},
		"X-RateLimit-Reset in seconds to go":       {429, "X-RateLimit-Reset", fixed("20"), []string{"X-RateLimit-Remaining", "0"}, 20 * time.Second},
		"X-RateLimit-Reset as a date":              {429, "X-RateLimit-Reset", func() string { return time.Now().Add(time.Minute).UTC().Format("2006-01-02T15:04Z") }, []string{"X-RateLimit-Remaining", "-1"}, time.Minute},
		"the names of two conventions":             {429, "RateLimit-Reset", fixed("9"), []string{"X-Rate-Limit-Remaining", "0"}, 9 * time.Second},
		"the longest of several limits":            {429, "RateLimit", fixed(`"a, b";r=0;t=4, "burst";r=0;t=1, "daily";r=80;t=3600`), nil, 4 * time.Second},
		"RateLimit-Reset in seconds to go":         {429, "RateLimit-Reset", fixed("12"), []string{"RateLimit-Remaining", "0"}, 12 * time.Second},
		"the combined RateLimit header":            {429, "RateLimit", fixed("limit=100, remaining=0, reset=5"), nil, 5 * time.Second},
		"the RateLimit header of the newer draft":  {429, "RateLimit", fixed(`"default";r=0;t=5`), nil, 5 * time.Second},
		"a secondary limit told by a 403":          {403, "Retry-After", fixed("60"), nil, time.Minute},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &resttest.Server{Lists: users(resttest.List{Items: resttest.Items(3)})}
				s.Faults = map[int]resttest.Fault{1: resttest.Status(test.status, append([]string{test.header, test.value()}, test.more...)...)}
				transport := s.Transport()
				defer func() { require.NoError(t, transport.Close()) }()
				start := time.Now()
				var waited time.Duration
				ctx := connector.OnWait(t.Context(), func(w connector.Wait) { waited += w.For })
				got, err := read(ctx, vendor(rest.Stream{}), config(transport), connector.Request{})
				require.NoError(t, err)
				require.Len(t, got, 3)
				require.InDelta(t, test.wait.Seconds(), time.Since(start).Seconds(), 0.01)
				require.InDelta(t, test.wait.Seconds(), waited.Seconds(), 0.01)
			})
		})
	}
}

func TestTheLimitsOfTheSpecAndTheHeadersHoldRequestsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &resttest.Server{
			Lists: users(resttest.List{Form: resttest.Cursors, Records: "users", Items: resttest.Items(1000)}),
			Limit: &resttest.Limit{Requests: 4, Per: time.Minute, Header: func(h http.Header, remaining int, reset time.Time, _ bool) {
				h.Set("X-Rate-Limit-Remaining", strconv.Itoa(remaining))
				h.Set("X-Rate-Limit-Reset", strconv.FormatInt(reset.Unix(), 10))
			}},
		}
		transport := s.Transport()
		defer func() { require.NoError(t, transport.Close()) }()
		var shared rest.Limiters
		cfg := config(transport)
		cfg.Limiter = shared.For("acme", "one")
		c := vendor(rest.Stream{Records: "users", Paging: rest.Cursor{Param: "cursor", Path: "next"}}, func(spec *connector.Spec, _ *rest.API) {
			spec.Limits = []connector.RateLimit{{Name: "all", Requests: 1, Per: time.Second, Burst: 1}}
		})
		start := time.Now()
		got, err := read(t.Context(), c, cfg, connector.Request{})
		require.NoError(t, err)
		require.Len(t, got, 1000)
		seen := s.Requests()
		require.Len(t, seen, 10, "no request was refused")
		require.GreaterOrEqual(t, time.Since(start), 2*time.Minute)
		for i := range seen[1:] {
			require.GreaterOrEqual(t, seen[i+1].At.Sub(seen[i].At), 999*time.Millisecond)
		}
	})
}

// A vault keeps one credential and what was saved.
type vault struct {
	cred  credentials.Credential
	saved int
	err   error
}

func (v *vault) Get(context.Context) (credentials.Credential, error) { return v.cred, nil }
func (v *vault) Save(_ context.Context, c credentials.Credential) error {
	if v.err == nil {
		v.cred, v.saved = c, v.saved+1
	}
	return v.err
}

func TestARotatedRefreshTokenIsSavedBeforeUse(t *testing.T) {
	t.Parallel()
	for name, saveErr := range map[string]error{"the host saves": nil, "the host cannot save": credentials.ErrNotSaved} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &vault{err: saveErr, cred: credentials.Credential{Kind: credentials.AuthorizationCode, Values: map[string]credentials.Secret{
				"client_id": credentials.NewSecret("client"), "client_secret": credentials.NewSecret("hush-hush"), "refresh_token": credentials.NewSecret("refresh-0"),
			}}}
			n := 0
			s := &resttest.Server{Lists: users(resttest.List{Items: resttest.Items(3)})}
			s.Handlers = map[string]http.HandlerFunc{"/token": func(w http.ResponseWriter, r *http.Request) {
				if r.FormValue("refresh_token") != "refresh-"+strconv.Itoa(n) {
					resttest.Status(400)(w, r)
					return
				}
				n++
				resttest.Body("application/json", `{"access_token":"access-`+strconv.Itoa(n)+`","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh-`+strconv.Itoa(n)+`"}`)(w, r)
			}}
			s.Authorized = func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer access-2" }
			cfg := serve(t, s)
			cfg.Credential = v
			c := vendor(rest.Stream{}, func(_ *connector.Spec, api *rest.API) {
				api.Auth = map[credentials.Kind]rest.Auth{credentials.AuthorizationCode: rest.OAuthToken(rest.OAuth{TokenURL: loginEndpoint, Style: rest.InForm})}
			})
			got, err := read(t.Context(), c, cfg, connector.Request{})
			if saveErr != nil {
				require.ErrorIs(t, err, connector.ErrAuth)
				require.ErrorContains(t, err, "save the rotated")
				require.Len(t, s.Requests(), 1, "the new token is not used")
				return
			}
			require.NoError(t, err, "the first token is refused once, and renewed")
			require.Len(t, got, 3)
			require.Equal(t, 2, v.saved)
			require.Equal(t, "refresh-2", v.cred.Value("refresh_token").Reveal())
		})
	}
}

func TestCheckTellsPermissionsFromRealRequests(t *testing.T) {
	t.Parallel()
	list := users(resttest.List{Form: resttest.Cursors, Records: "users", Items: resttest.Items(3)})
	tests := map[string]struct {
		server *resttest.Server
		grant  connector.Grant
		class  connector.Class
	}{
		"granted":                {server: &resttest.Server{Lists: list}, grant: connector.Granted},
		"missing":                {server: &resttest.Server{Lists: list, Permitted: func(*http.Request) bool { return false }}, grant: connector.Missing},
		"unknown":                {server: &resttest.Server{}, grant: connector.Unknown},
		"a credential of no use": {server: &resttest.Server{Lists: list, Authorized: resttest.Bearer("other")}, class: connector.ErrAuth},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src, err := newAcme().Open(t.Context(), serve(t, test.server))
			require.NoError(t, err)
			report, err := src.Check(t.Context())
			if test.class != "" {
				require.ErrorIs(t, err, test.class)
				return
			}
			require.NoError(t, err)
			require.Len(t, report.Permissions, 1)
			require.Equal(t, test.grant, report.Permissions[0].Grant)
			require.Equal(t, test.grant == connector.Granted, report.Permissions[0].Detail == "")
		})
	}
}

func TestASelfSignedServerGivesBothRemediesAndTheCredentialsCAIsTrusted(t *testing.T) {
	t.Parallel()
	s := &resttest.Server{Lists: users(resttest.List{Items: resttest.Items(3)})}
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	c := vendor(rest.Stream{}, func(spec *connector.Spec, api *rest.API) {
		api.Base, spec.Hosts = "{domain}/api", nil
	})
	cfg := config(nil)
	cfg.Settings = connector.Settings{"domain": {server.URL}}
	_, err := read(t.Context(), c, cfg, connector.Request{})
	require.ErrorIs(t, err, connector.ErrTLS)
	text := err.Error()
	first, second := strings.Index(text, "issued by a CA"), strings.Index(text, "trust list")
	require.True(t, first > 0 && second > first, text)

	pool := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	trusting, err := rest.NewTransport(rest.Policy{})
	require.NoError(t, err)
	trusting.TLSClientConfig.RootCAs = pool
	cfg.Transport = trusting
	got, err := read(t.Context(), c, cfg, connector.Request{})
	require.NoError(t, err)
	require.Len(t, got, 3)

	cfg.Transport = nil
	cfg.Credential = cred(credentials.APIToken, "token", secret, "ca", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	got, err = read(t.Context(), c, cfg, connector.Request{})
	require.NoError(t, err)
	require.Len(t, got, 3)

	denying, err := rest.NewTransport(rest.Policy{DenyPrivate: true})
	require.NoError(t, err)
	cfg.Transport, cfg.Credential = denying, token(secret)
	_, err = read(t.Context(), c, cfg, connector.Request{})
	require.ErrorIs(t, err, connector.ErrInvalid)
	require.ErrorContains(t, err, "private address")
}

func TestPartsAreReadSideBySideInOneOrder(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	s := &resttest.Server{Lists: map[string]*resttest.List{}}
	for i, name := range names {
		items := resttest.Items(20 + 7*i)
		for j := range items {
			items[j] = strings.Replace(items[j], `"u`, `"`+name, 1)
		}
		s.Lists["/api/users/"+name] = &resttest.List{Form: resttest.Cursors, Records: "users", Items: items, MaxSize: 10}
	}
	c := vendor(rest.Stream{}, func(spec *connector.Spec, api *rest.API) {
		spec.Streams[0].Partitioned = true
		api.Streams["users"] = rest.Stream{Path: "/users/{part}", Records: "users", Paging: rest.Cursor{Param: "cursor", Path: "next"}, Parts: &rest.Parts{List: rest.Fixed(names...), Parallel: 8}}
	})
	connectortest.Run(t, c, connectortest.Options{Config: serve(t, s), MinRecords: 200, MaxPages: 100})
	narrow := vendor(rest.Stream{}, func(spec *connector.Spec, api *rest.API) {
		spec.Streams[0].Partitioned = true
		api.Streams["users"] = rest.Stream{Path: "/users/{part}", Records: "users", Paging: rest.Cursor{Param: "cursor", Path: "next"}, Parts: &rest.Parts{List: rest.Fixed(names...), Parallel: 3}}
	})
	connectortest.Run(t, narrow, connectortest.Options{Config: serve(t, s), MinRecords: 200, MaxPages: 100})
	synctest.Test(t, func(t *testing.T) {
		slow := &resttest.Server{Lists: map[string]*resttest.List{}, Delay: 50 * time.Millisecond}
		for _, name := range names {
			slow.Lists["/api/users/"+name] = &resttest.List{Form: resttest.Cursors, Records: "users", Items: resttest.Items(80), MaxSize: 10}
		}
		transport := slow.Transport()
		defer func() { require.NoError(t, transport.Close()) }()
		start := time.Now()
		_, err := read(t.Context(), c, config(transport), connector.Request{})
		require.NoError(t, err)
		serial := time.Duration(len(slow.Requests())) * 50 * time.Millisecond
		require.Less(t, 5*time.Since(start), serial)
	})
}

func TestDetailsKeepTheOrderAndTheBudget(t *testing.T) {
	t.Parallel()
	s := &resttest.Server{Lists: users(resttest.List{Items: resttest.Items(20)}), Fixtures: map[string]string{}}
	for i := range 20 {
		if i != 4 { // gone in the meantime
			s.Fixtures["/api/users/u"+strconv.Itoa(i+1)+"/apps"] = `{"apps":[` + strconv.Itoa(i+1) + `]}`
		}
	}
	c := vendor(rest.Stream{Detail: &rest.Detail{Path: "/users/{id}/apps", Records: "apps", Into: "apps", Budget: 10}})
	got, err := read(t.Context(), c, serve(t, s), connector.Request{})
	require.NoError(t, err)
	require.Len(t, got, 20)
	for i, rec := range got {
		want := resttest.Items(20)[i]
		if i < 10 && i != 4 {
			want = strings.TrimSuffix(want, "}") + `,"apps":[` + strconv.Itoa(i+1) + "]}"
		}
		require.Equal(t, want, rec.String())
	}
	require.Len(t, s.Requests(), 11)
}

func TestErrorsInsideAnAnswerOfStatus200AreErrors(t *testing.T) {
	t.Parallel()
	s := &resttest.Server{Always: resttest.Body("application/json", `{"ok":false,"error":"invalid_auth"}`)}
	c := vendor(rest.Stream{Records: "members"}, func(_ *connector.Spec, api *rest.API) {
		api.Errors = func(r *rest.Response) error {
			if r.Get("ok") == "true" {
				return nil
			}
			return connector.Errorf(connector.ErrAuth, "", "%s", r.Get("error"))
		}
	})
	_, err := read(t.Context(), c, serve(t, s), connector.Request{})
	require.ErrorIs(t, err, connector.ErrAuth)
	require.ErrorContains(t, err, "read users: invalid_auth")
}

func TestAnExpiredCursorMeansFromTheStart(t *testing.T) {
	t.Parallel()
	s := &resttest.Server{Lists: users(resttest.List{Form: resttest.Cursors, Records: "users", Items: resttest.Items(3)})}
	_, err := read(t.Context(), newAcme(), serve(t, s), connector.Request{Cursor: "at:gone"})
	require.ErrorIs(t, err, connector.ErrCursor)
}

func TestAnIncrementalReadAsksForChanges(t *testing.T) {
	t.Parallel()
	s := &resttest.Server{Lists: users(resttest.List{Items: resttest.Items(3)})}
	cfg := serve(t, s)
	since := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	c := vendor(rest.Stream{Since: func(q url.Values, at time.Time) { q.Set("filter", `updated gt "`+at.Format(time.RFC3339)+`"`) }})
	_, err := read(t.Context(), c, cfg, connector.Request{Since: since})
	require.NoError(t, err)
	u, err := url.Parse(s.Requests()[0].URL)
	require.NoError(t, err)
	require.Equal(t, `updated gt "2026-11-01T00:00:00Z"`, u.Query().Get("filter"))
	_, err = read(t.Context(), vendor(rest.Stream{}), cfg, connector.Request{Since: since})
	require.ErrorIs(t, err, connector.ErrUnsupported)
}

func TestASensitiveFieldStaysUnlessItIsMapped(t *testing.T) {
	t.Parallel()
	items := resttest.Items(5)
	for i := range items {
		items[i] = strings.TrimSuffix(items[i], "}") + `,"profile":{"ssn":"1","x":1},"notes":[{"text":"a","n":1},{"text":"b"}]}`
	}
	cfg := serve(t, &resttest.Server{Lists: users(resttest.List{Items: items})})
	c := vendor(rest.Stream{}, func(spec *connector.Spec, _ *rest.API) {
		spec.Streams[0].Fields = append(spec.Streams[0].Fields,
			connector.Field{Path: "profile.ssn", Type: connector.StringField, Sensitive: true},
			connector.Field{Path: "notes[].text", Type: connector.StringField, Sensitive: true})
	})
	got, err := read(t.Context(), c, cfg, connector.Request{})
	require.NoError(t, err)
	require.Contains(t, got[0].String(), `"profile":{"x":1},"notes":[{"n":1},{}]`)
	connectortest.Run(t, c, connectortest.Options{Config: cfg, MinRecords: 5})
}

func TestPostIsTriedAgainOnlyWhereItIsSafe(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		safe bool
		n    int
	}{"declared safe": {true, 2}, "not declared": {false, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &resttest.Server{Faults: map[int]resttest.Fault{1: resttest.Status(503)}, Fixtures: map[string]string{"/api/search": `{"n":1}`}}
			client, err := rest.NewClient(t.Context(), acmeSpec(), rest.API{Base: "https://{domain}/api", Auth: map[credentials.Kind]rest.Auth{credentials.APIToken: rest.Bearer()}, Bounds: rest.Bounds{Backoff: time.Millisecond}}, serve(t, s))
			require.NoError(t, err)
			r, err := client.Do(t.Context(), rest.Request{Op: "search", Method: http.MethodPost, Path: "/search", Body: map[string]int{"a": 1}, Safe: test.safe})
			require.Len(t, s.Requests(), test.n)
			if test.safe {
				require.NoError(t, err)
				require.Equal(t, "1", r.Get("n"))
				return
			}
			require.True(t, errors.Is(err, connector.ErrUnavailable), err)
		})
	}
}

func TestTheSimplestVendorKeepsTheContract(t *testing.T) {
	t.Parallel()
	s := &resttest.Server{
		Authorized: resttest.Bearer(secret),
		Lists:      map[string]*resttest.List{"/api/users": {Form: resttest.Cursors, Records: "users", Items: resttest.Items(350)}},
	}
	connectortest.Run(t, newAcme(), connectortest.Options{Config: serve(t, s), MinRecords: 350, BadSettings: []connector.Settings{{"domain": {"acme.example"}}}})
}

func TestAReadLeavesOffAtABoundOnTimeOrPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &resttest.Server{Delay: 10 * time.Second, Lists: users(resttest.List{Form: resttest.Cursors, Records: "users", Items: resttest.Items(5000)})}
		transport := s.Transport()
		defer func() { require.NoError(t, transport.Close()) }()
		st := rest.Stream{Records: "users", Paging: rest.Cursor{Param: "cursor", Path: "next"}}
		start := time.Now()
		got, err := read(t.Context(), vendor(st, bounds(rest.Bounds{Read: 45 * time.Second})), config(transport), connector.Request{})
		require.ErrorIs(t, err, connector.ErrUnavailable)
		require.ErrorContains(t, err, "longer than 45s")
		require.Len(t, got, 400)
		require.Equal(t, 45*time.Second, time.Since(start))
		_, err = read(t.Context(), vendor(st, bounds(rest.Bounds{Pages: 3})), config(transport), connector.Request{})
		require.ErrorIs(t, err, connector.ErrMalformed)
		require.ErrorContains(t, err, "more than 3 pages")
	})
}
