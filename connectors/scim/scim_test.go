package scim_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/connectors/scim"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/internal/path"
	"github.com/vendorsync/vendorsync/mapping"
)

const (
	baseURL     = "https://id.example.com/scim/v2"
	host        = "id.example.com"
	bearerToken = "known-token"
	people      = 250
)

// A provider answers as RFC 7644 has it.
type provider struct {
	users      []string
	most       int  // the largest count; a larger one is cut to it
	strict     bool // refuses a larger count
	whole      bool // sends all users, whatever it was asked for
	stuck      bool // sends the first page, whatever it was asked for
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
	switch {
	case p.whole:
		start, count, p.most = 1, len(users), len(users)
	case p.stuck:
		start = 1
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

func TestExpiredWrongAndWeakTokensAreToldApart(t *testing.T) {
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
		_, err := read(t.Context(), open(t, cfg), connector.Request{})
		require.ErrorIs(t, err, want.class)
		require.ErrorContains(t, err, want.says)
		require.NotContains(t, err.Error(), text)

		report, err := open(t, cfg).Check(t.Context())
		if want.class == connector.ErrAuth {
			require.ErrorIs(t, err, connector.ErrAuth)
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
		"a total that is too large":        {provider{lie: 7}, connector.ErrMalformed, "counts 257 users and has sent 250"},
		"a total below zero":               {provider{lie: -people - 1}, connector.ErrMalformed, "no number"},
		"the first page for ever":          {provider{stuck: true}, connector.ErrMalformed, "same page"},
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

func TestBadAnswersEndInAClass(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault resttest.Fault
		class connector.Class
		says  string
	}{
		"401":                        {resttest.Status(401), connector.ErrAuth, "401"},
		"403":                        {resttest.Status(403), connector.ErrPermission, "403"},
		"404":                        {resttest.Status(404), connector.ErrNotFound, "404"},
		"429 with a wait of hours":   {resttest.Status(429, "Retry-After", "7200"), connector.ErrRateLimited, "429"},
		"HTML in place of JSON":      {resttest.HTML(), connector.ErrMalformed, "HTML"},
		"a page that breaks off":     {resttest.Malformed(), connector.ErrMalformed, "breaks off"},
		"a page without a total":     {resttest.Body("application/json", `{"Resources":[{"id":"u-1"}]}`), connector.ErrMalformed, "totalResults"},
		"a list that is none":        {resttest.Body("application/json", `{"totalResults":1,"Resources":{"id":"u-1"}}`), connector.ErrMalformed, "no list"},
		"a redirect to another host": {resttest.Redirect("https://evil.example/scim/v2/Users"), connector.ErrMalformed, "evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := provider{users: users(people)}.server()
			s.Faults = map[int]resttest.Fault{2: test.fault}
			records, err := read(t.Context(), open(t, serve(t, s)), connector.Request{})
			require.ErrorIs(t, err, test.class)
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), bearerToken)
			require.Len(t, records, 100, "the first page")
			for _, seen := range s.Requests() {
				require.Equal(t, host, seen.Host)
			}
		})
	}
}

func TestWaitsAndFaultsThatPassAreNotSeen(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]resttest.Fault{"429": resttest.Status(429, "Retry-After", "30"), "503": resttest.Status(503)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := provider{users: users(people)}.server()
				s.Faults = map[int]resttest.Fault{2: fault}
				records, err := read(t.Context(), open(t, serve(t, s)), connector.Request{})
				require.NoError(t, err)
				require.Len(t, records, people)
			})
		})
	}
}

func TestAServerThatFallsSilentEndsTheRead(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]resttest.Fault{
		"a server that stalls":          resttest.Stall(),
		"a server that does not answer": resttest.Silence(),
		"a connection that breaks":      resttest.CloseInBody(),
		"a server that is down":         resttest.Status(503),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := provider{users: users(3)}.server()
				cfg := serve(t, s)
				s.Always = fault
				start := time.Now()
				records, err := read(t.Context(), open(t, cfg), connector.Request{})
				require.ErrorIs(t, err, connector.ErrUnavailable)
				require.Empty(t, records)
				require.Less(t, time.Since(start), 15*time.Minute)
				require.LessOrEqual(t, len(s.Requests()), 6)
			})
		})
	}
}

func TestASelfSignedServerIsTrustedByItsCertificateAlone(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(provider{users: users(3)}.server())
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	defer server.Close()
	settings := connector.Settings{"base_url": {server.URL + "/scim/v2"}, "page_size": {"100"}}

	_, err := read(t.Context(), open(t, connector.Config{Settings: settings, Credential: token(bearerToken)}), connector.Request{})
	require.ErrorIs(t, err, connector.ErrTLS)
	require.ErrorContains(t, err, "install a certificate issued by a CA on the server, or add the server's certificate or its CA to the trust list")

	cred, err := token(bearerToken).Get(t.Context())
	require.NoError(t, err)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	cred = cred.With("ca", credentials.NewSecret(string(ca)))
	records, err := read(t.Context(), open(t, connector.Config{Settings: settings, Credential: credentials.Static(cred)}), connector.Request{})
	require.NoError(t, err)
	require.Len(t, records, 3)
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

// A shape is one of the recorded vendor shapes with the rows that are right for
// it.
type shape struct {
	Records []json.RawMessage
	Rows    []struct {
		ID    string
		Users []map[string]any
	}
}

func shapes(t *testing.T) (out shape) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "mapping", "testdata", "vendors", "scim-users.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &out))
	return out
}

// mapper returns what makes a user of a record by the default mapping.
func mapper(t *testing.T) func(connector.Record) (map[string]any, []mapping.Fault) {
	t.Helper()
	st, ok := scim.New().Spec().Stream(scim.UserStream)
	require.True(t, ok)
	schema := mapping.Standard()
	p, err := mapping.Compile(mapping.FromDefault(st), schema, mapping.Options{Fields: st.Fields})
	require.NoError(t, err)
	object, ok := schema.Object("users")
	require.True(t, ok)
	return func(rec connector.Record) (map[string]any, []mapping.Fault) {
		var out mapping.Out
		require.NoError(t, p.Map(rec, &out))
		require.NotEmpty(t, out.VendorID)
		row := map[string]any{}
		for i, v := range out.Rows[0].Values {
			if v.Kind == mapping.KindAbsent {
				continue
			}
			name := p.Targets()[0].Columns[i].Field
			var value any
			require.NoError(t, json.Unmarshal(object.Fields[object.Field(name)].AppendJSON(nil, v), &value))
			row[name] = value
		}
		return row, out.Faults
	}
}

func TestTheDefaultMappingFillsUsers(t *testing.T) {
	t.Parallel()
	want := shapes(t)
	var list []string
	for _, rec := range want.Records {
		list = append(list, string(rec))
	}
	records, err := read(t.Context(), open(t, serve(t, provider{users: list, most: 3}.server())), connector.Request{})
	require.NoError(t, err)
	require.Len(t, records, len(want.Records))
	row := mapper(t)
	for i, rec := range records {
		got, faults := row(rec)
		require.Empty(t, faults)
		require.Equal(t, want.Rows[i].Users[0], got, "record %d", i)
	}
}

// drop removes what a path leads to.
func drop(v any, p path.Path) {
	switch v := v.(type) {
	case map[string]any:
		if len(p) == 1 {
			delete(v, p[0].Key)
			return
		}
		drop(v[p[0].Key], p[1:])
	case []any:
		for _, item := range v {
			drop(item, p[1:])
		}
	}
}

func TestEachOptionalFieldMayBeAbsent(t *testing.T) {
	t.Parallel()
	full := shapes(t).Records[0]
	row := mapper(t)
	whole, _ := row(connector.Record(full))
	st, _ := scim.New().Spec().Stream(scim.UserStream)
	fields := st.Fields[1:] // all but the id
	var list []string
	for _, f := range fields {
		var doc map[string]any
		require.NoError(t, json.Unmarshal(full, &doc))
		p, err := path.ParsePattern(f.Path)
		require.NoError(t, err)
		drop(doc, p)
		doc["id"] = "without " + f.Path
		rec, err := connector.JSON(doc)
		require.NoError(t, err)
		list = append(list, rec.String())
	}
	records, err := read(t.Context(), open(t, serve(t, provider{users: list}.server())), connector.Request{})
	require.NoError(t, err)
	require.Len(t, records, len(fields))
	for i, f := range fields {
		want := maps.Clone(whole)
		for _, m := range st.Mapping.Fields {
			if m.From == strings.ReplaceAll(f.Path, "[]", "[0]") {
				delete(want, m.To)
			}
		}
		got, _ := row(records[i])
		require.Equal(t, want, got, "without %s", f.Path)
	}
}
