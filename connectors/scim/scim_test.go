package scim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/connectors/scim"
	"github.com/vendorsync/vendorsync/credentials"
)

const (
	baseURL     = "https://id.example.com/scim/v2"
	bearerToken = "known-token"
	people      = 250
)

// A provider answers as RFC 7644 has it.
type provider struct {
	users      []string
	most       int  // the largest count; a larger one is cut to it
	strict     bool // refuses a larger count
	whole      bool // sends all users, whatever it was asked for
	lie        int  // is added to the total
	shrinks    bool // a user is removed after each page
	filters    bool // knows meta.lastModified
	absent     bool // leaves an empty list out
	authorized func(r *http.Request) (status int, detail string)
}

func refuse(w http.ResponseWriter, status int, scimType, detail string) {
	w.Header().Set("Content-Type", "application/scim+json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"%d","scimType":%q,"detail":%q}`, status, scimType, detail)
}

// bearer tells three tokens from each other.
func bearer(r *http.Request) (int, string) {
	switch r.Header.Get("Authorization") {
	case "Bearer " + bearerToken:
		return 0, ""
	case "Bearer expired-token":
		return http.StatusUnauthorized, "the token has expired"
	case "Bearer weak-token":
		return http.StatusForbidden, "the token may not read users"
	}
	return http.StatusUnauthorized, "the token is not known"
}

func (p provider) list(w http.ResponseWriter, r *http.Request) {
	if status, detail := p.authorized(r); status != 0 {
		refuse(w, status, "", detail)
		return
	}
	q := r.URL.Query()
	start, errStart := strconv.Atoi(q.Get("startIndex"))
	count, errCount := strconv.Atoi(q.Get("count"))
	users := p.users
	switch filter := q.Get("filter"); {
	case errStart != nil || errCount != nil || start < 1 || p.strict && count > p.most:
		refuse(w, http.StatusBadRequest, "invalidValue", fmt.Sprintf("count must be 1 to %d", p.most))
		return
	case filter != "" && !p.filters:
		refuse(w, http.StatusBadRequest, "invalidFilter", "this server filters by userName alone")
		return
	case filter != "":
		users = changed(users, filter)
	}
	if p.whole {
		start, count, p.most = 1, len(users), len(users)
	}
	from := min(start-1, len(users))
	to := min(from+min(count, p.most), len(users))
	total := len(users) + p.lie
	if p.shrinks {
		total -= start
	}
	w.Header().Set("Content-Type", "application/scim+json")
	resources := fmt.Sprintf(`,"Resources":[%s]`, strings.Join(users[from:to], ","))
	if from == to && p.absent {
		resources = ""
	}
	_, _ = fmt.Fprintf(w, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":%d,"itemsPerPage":%d,"startIndex":%d%s}`, total, to-from, start, resources)
}

// changed returns the users that the filter names.
func changed(users []string, filter string) (out []string) {
	since, ok := strings.CutPrefix(filter, "meta.lastModified ge ")
	since = strings.Trim(since, `"`)
	for _, u := range users {
		var user struct{ Meta struct{ LastModified string } }
		if ok && json.Unmarshal([]byte(u), &user) == nil && user.Meta.LastModified >= since {
			out = append(out, u)
		}
	}
	return out
}

func (p provider) server() *resttest.Server {
	if p.most == 0 {
		p.most = 100
	}
	if p.authorized == nil {
		p.authorized = bearer
	}
	return &resttest.Server{Handlers: map[string]http.HandlerFunc{"/scim/v2/Users": p.list}}
}

// users returns n people, one in seven of whom is not ASCII.
func users(n int) []string {
	out := make([]string, n)
	for i := range out {
		name := fmt.Sprintf("Person %d", i)
		if i%7 == 0 {
			name = fmt.Sprintf("Zoë Łukasz %d", i)
		}
		out[i] = fmt.Sprintf(`{"id":"u-%d","userName":"p%d","active":%t,"password":"not-to-be-seen","name":{"formatted":%q},"emails":[{"value":"p%d@example.com","primary":true}],"meta":{"lastModified":"2026-01-%02dT00:00:00Z"}}`, i, i, i%5 != 0, name, i, 1+i%28)
	}
	return out
}

func token(text string) credentials.Source {
	return credentials.Static(credentials.Credential{Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret(text)}})
}

func serve(t *testing.T, s *resttest.Server) connector.Config {
	t.Helper()
	transport := s.Transport()
	t.Cleanup(func() { require.NoError(t, transport.Close()) })
	settings, err := scim.New().Spec().Resolve(connector.Settings{"base_url": {baseURL}})
	require.NoError(t, err)
	return connector.Config{Settings: settings, Credential: token(bearerToken), Transport: transport}
}

func open(t *testing.T, cfg connector.Config) connector.Source {
	t.Helper()
	src, err := scim.New().Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, src.Close()) })
	return src
}

func read(ctx context.Context, src connector.Source, req connector.Request) (records []connector.Record, err error) {
	req.Stream = scim.UserStream
	for page, err := range connector.Pages(ctx, src, req) {
		if err != nil {
			return records, err
		}
		records = append(records, page.Records...)
	}
	return records, nil
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		provider provider
		size     string
	}{
		"a server with pages":             {provider{}, "100"},
		"a server that sends fewer":       {provider{most: 40}, "100"},
		"a server that sends all at once": {provider{whole: true}, "100"},
		"a server whose total is too low": {provider{lie: -50}, "100"},
		"a last page that is full":        {provider{absent: true}, "50"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.provider.users, test.provider.filters = users(people), true
			cfg := serve(t, test.provider.server())
			cfg.Settings["page_size"] = []string{test.size}
			bad := func(base string) connector.Settings { return connector.Settings{"base_url": {base}} }
			connectortest.Run(t, scim.New(), connectortest.Options{
				Config:      cfg,
				BadSettings: []connector.Settings{bad("id.example.com"), bad("http://id.example.com/scim"), bad("https://ada@id.example.com/scim"), bad("https://id.example.com/scim?x=1"), {"base_url": {baseURL}, "page_size": {"0"}}},
				MinRecords:  people,
				Since:       time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC),
			})
		})
	}
}

func TestUsersComeInPages(t *testing.T) {
	t.Parallel()
	s := provider{users: users(people)}.server()
	records, err := read(t.Context(), open(t, serve(t, s)), connector.Request{Fields: []string{"password"}})
	require.NoError(t, err)
	require.Len(t, records, people)
	for i, want := range users(people) {
		require.Equal(t, want, records[i].String())
	}
	seen := s.Requests()
	require.Len(t, seen, 3)
	for i, want := range []string{"startIndex=1", "startIndex=101", "startIndex=201"} {
		require.Equal(t, "/scim/v2/Users?count=100&"+want, seen[i].URL)
		require.Contains(t, seen[i].Header.Get("Accept"), "application/scim+json")
	}
}

func TestUserNameAndPasswordAreTaken(t *testing.T) {
	t.Parallel()
	p := provider{users: users(3), authorized: func(r *http.Request) (int, string) {
		if resttest.Basic("ada", "pass-word")(r) {
			return 0, ""
		}
		return http.StatusUnauthorized, "the password is wrong"
	}}
	cfg := serve(t, p.server())
	for password, class := range map[string]connector.Class{"pass-word": "", "wrong-word": connector.ErrAuth} {
		cfg.Credential = credentials.Static(credentials.Credential{Kind: credentials.Basic, Values: map[string]credentials.Secret{"username": credentials.NewSecret("ada"), "password": credentials.NewSecret(password)}})
		records, err := read(t.Context(), open(t, cfg), connector.Request{})
		require.Equal(t, class, connector.ClassOf(err))
		require.Equal(t, class == "", len(records) == 3)
	}
}

func TestCheckTellsWhetherUsersMayBeRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		class connector.Class
		says  string
	}{
		"expired-token": {connector.ErrAuth, "the token has expired"},
		"wrong-token":   {connector.ErrAuth, "the token is not known"},
		"weak-token":    {connector.ErrPermission, "the token may not read users"},
	} {
		cfg := serve(t, provider{users: users(3)}.server())
		cfg.Credential = token(text)
		report, err := open(t, cfg).Check(t.Context())
		if want.class == connector.ErrAuth {
			require.ErrorIs(t, err, connector.ErrAuth)
			require.ErrorContains(t, err, want.says)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, "GET /Users", report.Permissions[0].Name)
		require.Equal(t, connector.Missing, report.Permissions[0].Grant)
		require.Contains(t, report.Permissions[0].Detail, want.says)
	}
	report, err := open(t, serve(t, provider{users: users(3)}.server())).Check(t.Context())
	require.NoError(t, err)
	require.Equal(t, connector.Granted, report.Permissions[0].Grant)
}

func TestChangesAreAskedForWithAFilter(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 1, 28, 1, 0, 0, 0, time.FixedZone("", 3600))
	s := provider{users: users(people), filters: true}.server()
	records, err := read(t.Context(), open(t, serve(t, s)), connector.Request{Since: since})
	require.NoError(t, err)
	require.Len(t, records, 8)
	require.Contains(t, s.Requests()[0].URL, "filter=meta.lastModified+ge+%222026-01-28T00%3A00%3A00Z%22")

	_, err = read(t.Context(), open(t, serve(t, provider{users: users(people)}.server())), connector.Request{Since: since})
	require.ErrorIs(t, err, connector.ErrUnsupported)
	require.ErrorContains(t, err, "filters by userName alone")
}

func TestWhatAServerMayDoWrongWithPages(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		provider provider
		class    connector.Class
		says     string
	}{
		"a total below zero":               {provider{lie: -people - 1}, connector.ErrMalformed, "no number"},
		"a user who is removed in between": {provider{shrinks: true}, connector.ErrCursor, "passed over"},
		"a page larger than it allows":     {provider{strict: true, most: 50}, connector.ErrInvalid, "count must be 1 to 50"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.provider.users = users(people)
			s := test.provider.server()
			_, err := read(t.Context(), open(t, serve(t, s)), connector.Request{})
			require.ErrorIs(t, err, test.class)
			require.ErrorContains(t, err, test.says)
			require.LessOrEqual(t, len(s.Requests()), 4)
		})
	}
}

func TestAnEmptyServerIsRead(t *testing.T) {
	t.Parallel()
	for _, absent := range []bool{false, true} {
		records, err := read(t.Context(), open(t, serve(t, provider{absent: absent}.server())), connector.Request{})
		require.NoError(t, err)
		require.Empty(t, records)
	}
}

func TestAnswersThatAreNoListsOfScim(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault resttest.Fault
		says  string
	}{
		"a page without a total": {resttest.Body("application/json", `{"Resources":[{"id":"u-1"}]}`), "totalResults"},
		"a list that is none":    {resttest.Body("application/json", `{"totalResults":1,"Resources":{"id":"u-1"}}`), "no list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := provider{users: users(people)}.server()
			s.Faults = map[int]resttest.Fault{2: test.fault}
			records, err := read(t.Context(), open(t, serve(t, s)), connector.Request{})
			require.ErrorIs(t, err, connector.ErrMalformed)
			require.ErrorContains(t, err, test.says)
			require.Len(t, records, 100, "the first page")
		})
	}
}

func TestAnAddressThatIsNotScimsIsNotFound(t *testing.T) {
	t.Parallel()
	cfg := serve(t, provider{}.server())
	cfg.Settings["base_url"] = []string{"https://id.example.com/api"}
	_, err := read(t.Context(), open(t, cfg), connector.Request{})
	require.ErrorIs(t, err, connector.ErrNotFound)
}

// FuzzCursor resumes at any text: an error or a page, and no panic.
func FuzzCursor(f *testing.F) {
	for _, mark := range []string{"at:101/250", "at:101/250 ", "at:0/1", "at:-1/3", "at:1", "at:/", "at:99999999999999999999/1", "101/250"} {
		f.Add(mark)
	}
	transport := provider{users: users(3)}.server().Transport()
	f.Cleanup(func() { _ = transport.Close() })
	src, err := scim.New().Open(f.Context(), connector.Config{Settings: connector.Settings{"base_url": {baseURL}, "page_size": {"2"}}, Credential: token(bearerToken), Transport: transport})
	require.NoError(f, err)
	f.Cleanup(func() { _ = src.Close() })
	f.Fuzz(func(t *testing.T, mark string) {
		records, err := read(t.Context(), src, connector.Request{Cursor: connector.Cursor(mark)})
		class := connector.ClassOf(err)
		require.Contains(t, []connector.Class{"", connector.ErrCursor, connector.ErrMalformed}, class)
		require.LessOrEqual(t, len(records), 3)
	})
}
