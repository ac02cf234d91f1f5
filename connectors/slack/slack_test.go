package slack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
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
	"github.com/vendorsync/vendorsync/connectors/slack"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
)

const (
	botToken  = "xoxb-0123456789-abcdef"
	allScopes = "users:read,users:read.email"
	people    = 500
)

// A workspace answers as Slack documents users.list and auth.test.
type workspace struct {
	members []string
	scopes  string            // of the token
	most    int               // the largest page
	errors  map[string]string // by token, the error it gets
	silent  bool              // about the scopes
	repeat  bool              // the same cursor for ever
}

func answer(w http.ResponseWriter, format string, args ...any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = fmt.Fprintf(w, format, args...)
}

func (s workspace) refuses(w http.ResponseWriter, r *http.Request) bool {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	code, known := s.errors[token]
	if !known && token != botToken {
		code = "invalid_auth"
	}
	if code != "" {
		answer(w, `{"ok":false,"error":%q}`, code)
		return true
	}
	if !s.silent {
		w.Header().Set("X-OAuth-Scopes", s.scopes)
	}
	return false
}

func (s workspace) test(w http.ResponseWriter, r *http.Request) {
	if !s.refuses(w, r) {
		answer(w, `{"ok":true,"team_id":"T012AB3C4"}`)
	}
}

func (s workspace) list(w http.ResponseWriter, r *http.Request) {
	if s.refuses(w, r) {
		return
	}
	if !strings.Contains(s.scopes+",", "users:read,") {
		answer(w, `{"ok":false,"error":"missing_scope","needed":"users:read","provided":%q}`, s.scopes)
		return
	}
	q := r.URL.Query()
	size, err := strconv.Atoi(q.Get("limit"))
	if err != nil || size < 1 || size > s.most {
		answer(w, `{"ok":false,"error":"invalid_limit"}`)
		return
	}
	from := 0
	if cursor := q.Get("cursor"); cursor != "" {
		if from, err = strconv.Atoi(strings.TrimPrefix(cursor, "dXNlcjp")); err != nil || from > len(s.members) {
			answer(w, `{"ok":false,"error":"invalid_cursor"}`)
			return
		}
	}
	to := min(from+size, len(s.members))
	next := ""
	if to < len(s.members) {
		next = "dXNlcjp" + strconv.Itoa(to)
	}
	if s.repeat {
		next = "dXNlcjp1"
	}
	answer(w, `{"ok":true,"members":[%s],"cache_ts":1787293509,"response_metadata":{"next_cursor":%q}}`, strings.Join(s.members[from:to], ","), next)
}

// server returns Slack with one workspace.
func (s workspace) server() *resttest.Server {
	if s.scopes == "" {
		s.scopes = allScopes
	}
	if s.most == 0 {
		s.most = 1000
	}
	return &resttest.Server{Handlers: map[string]http.HandlerFunc{"/api/users.list": s.list, "/api/auth.test": s.test}}
}

// members returns n people, one in seven of whom is not ASCII, a bot and
// Slackbot.
func members(n int) []string {
	out := []string{
		`{"id":"USLACKBOT","name":"slackbot","is_bot":false,"deleted":false}`,
		`{"id":"U0BOT","name":"deploy","is_bot":true,"deleted":false}`,
	}
	for i := range n {
		name := fmt.Sprintf("Person %d", i)
		if i%7 == 0 {
			name = fmt.Sprintf("Zoë Łukasz %d", i)
		}
		out = append(out, fmt.Sprintf(`{"id":"U%06d","name":"p%d","deleted":%t,"real_name":%q,"is_bot":false,"profile":{"email":"p%d@example.com","status_text":"on holiday","fields":{"Xf01":{"value":"Sales"}}}}`, i, i, i%5 == 0, name, i))
	}
	return out
}

type free struct{}

func (free) Wait(context.Context) error { return nil }

// serve returns a Config that leads to the server, without the limit that would
// make tests slow.
func serve(t *testing.T, s *resttest.Server) connector.Config {
	t.Helper()
	transport := s.Transport()
	t.Cleanup(func() { require.NoError(t, transport.Close()) })
	settings, err := slack.New().Spec().Resolve(nil)
	require.NoError(t, err)
	return connector.Config{
		Settings:   settings,
		Credential: token(botToken),
		Transport:  transport,
		Limiter:    func(connector.RateLimit) connector.Limiter { return free{} },
	}
}

func token(text string) credentials.Source {
	return credentials.Static(credentials.Credential{Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret(text)}})
}

func open(t *testing.T, cfg connector.Config) connector.Source {
	t.Helper()
	src, err := slack.New().Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, src.Close()) })
	return src
}

func read(ctx context.Context, src connector.Source, req connector.Request) (records []connector.Record, err error) {
	req.Stream = slack.UserStream
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
	connectortest.Run(t, slack.New(), connectortest.Options{
		Config:      serve(t, workspace{members: members(people)}.server()),
		BadSettings: []connector.Settings{{"domain": {"slack.example.com"}}, {"domain": {"slack.com/evil"}}, {"domain": {"ada@slack.com"}}},
		MinRecords:  people,
	})
}

func TestPeopleComeInPagesWithoutBots(t *testing.T) {
	t.Parallel()
	s := workspace{members: members(people)}.server()
	cfg := serve(t, s)
	cfg.Settings["team_id"] = []string{"T012AB3C4"}
	records, err := read(t.Context(), open(t, cfg), connector.Request{Fields: []string{"profile.status_text", "profile.fields"}})
	require.NoError(t, err)
	require.Len(t, records, people)
	for i, want := range members(people)[2:] {
		require.Equal(t, want, records[i].String())
	}
	seen := s.Requests()
	require.Len(t, seen, 3)
	require.Equal(t, "/api/users.list?include_locale=true&limit=200&team_id=T012AB3C4", seen[0].URL)
	require.Equal(t, "slack.com", seen[0].Host)
	require.Contains(t, seen[1].URL, "cursor=dXNlcjp200&")
}

func TestSlackDoesNotTellWhatChanged(t *testing.T) {
	t.Parallel()
	_, err := read(t.Context(), open(t, serve(t, workspace{}.server())), connector.Request{Since: time.Unix(1, 0)})
	require.ErrorIs(t, err, connector.ErrUnsupported)
}

func TestEachErrorOfSlackHasItsClass(t *testing.T) {
	t.Parallel()
	for code, class := range map[string]connector.Class{
		"account_inactive": connector.ErrAuth, "invalid_auth": connector.ErrAuth, "not_authed": connector.ErrAuth,
		"token_expired": connector.ErrAuth, "token_revoked": connector.ErrAuth,
		"missing_scope": connector.ErrPermission, "access_denied": connector.ErrPermission, "not_allowed_token_type": connector.ErrPermission,
		"ratelimited": connector.ErrRateLimited, "internal_error": connector.ErrUnavailable, "fatal_error": connector.ErrUnavailable,
		"invalid_cursor": connector.ErrCursor, "limit_required": connector.ErrInvalid, "missing_argument": connector.ErrInvalid,
		"an_error_to_come": connector.ErrMalformed,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			src := open(t, serve(t, workspace{errors: map[string]string{botToken: code}}.server()))
			_, err := read(t.Context(), src, connector.Request{})
			require.ErrorIs(t, err, class)
			require.ErrorContains(t, err, code)
		})
	}
}

func TestExpiredWrongAndWeakTokensAreToldApart(t *testing.T) {
	t.Parallel()
	const expired = "xoxb-of-last-year"
	tests := map[string]struct {
		token  string
		scopes string
		class  connector.Class
		says   []string
	}{
		"an expired token":          {expired, allScopes, connector.ErrAuth, []string{"token_expired", "turn token rotation off"}},
		"a wrong token":             {"xoxb-never-seen", allScopes, connector.ErrAuth, []string{"invalid_auth", "enter the app's token anew"}},
		"an under-privileged token": {botToken, "team:read", connector.ErrPermission, []string{"needs the scope users:read, and the token has team:read", "add the scope to the app"}},
	}
	messages := map[string]bool{}
	for name, test := range tests {
		cfg := serve(t, workspace{scopes: test.scopes, errors: map[string]string{expired: "token_expired"}}.server())
		cfg.Credential = token(test.token)
		_, err := read(t.Context(), open(t, cfg), connector.Request{})
		require.ErrorIs(t, err, test.class, name)
		for _, text := range test.says {
			require.ErrorContains(t, err, text, name)
		}
		require.NotContains(t, err.Error(), test.token, name)
		messages[err.Error()] = true
	}
	require.Len(t, messages, 3)
}

func TestCheckTellsTheScopesByName(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		workspace   workspace
		list, email connector.Grant
		says        string
	}{
		"both are there":       {workspace{}, connector.Granted, connector.Granted, ""},
		"no e-mail addresses":  {workspace{scopes: "users:read,team:read"}, connector.Granted, connector.Missing, "the token has the scopes users:read,team:read"},
		"only e-mail":          {workspace{scopes: "users:read.email"}, connector.Missing, connector.Granted, "needs the scope users:read"},
		"Slack does not list":  {workspace{silent: true}, connector.Granted, connector.Unknown, "did not say"},
		"neither is there":     {workspace{scopes: "team:read"}, connector.Missing, connector.Missing, "team:read"},
		"another scope's name": {workspace{scopes: "users:read,users:read.email_domain"}, connector.Granted, connector.Missing, "users:read.email_domain"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.workspace.members = members(3)
			report, err := open(t, serve(t, test.workspace.server())).Check(t.Context())
			require.NoError(t, err)
			require.Len(t, report.Permissions, 2)
			require.Equal(t, "users:read", report.Permissions[0].Name)
			require.Equal(t, "users:read.email", report.Permissions[1].Name)
			require.Equal(t, test.list, report.Permissions[0].Grant)
			require.Equal(t, test.email, report.Permissions[1].Grant)
			require.Contains(t, report.Permissions[0].Detail+report.Permissions[1].Detail, test.says)
		})
	}
	t.Run("a token that Slack does not know fails the check", func(t *testing.T) {
		t.Parallel()
		cfg := serve(t, workspace{}.server())
		cfg.Credential = token("xoxb-never-seen")
		_, err := open(t, cfg).Check(t.Context())
		require.ErrorIs(t, err, connector.ErrAuth)
	})
}

func TestBadAnswersEndInAClass(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault resttest.Fault
		class connector.Class
		says  string
	}{
		"401":                        {resttest.Status(401), connector.ErrAuth, "401"},
		"403":                        {resttest.Status(403), connector.ErrPermission, "403"},
		"429 with a wait of hours":   {resttest.Status(429, "Retry-After", "7200"), connector.ErrRateLimited, "429"},
		"HTML in place of JSON":      {resttest.HTML(), connector.ErrMalformed, "HTML"},
		"a page that breaks off":     {resttest.Malformed(), connector.ErrMalformed, "breaks off"},
		"a page without a list":      {resttest.Body("application/json", `{"ok":true}`), connector.ErrMalformed, "no list"},
		"a redirect to another host": {resttest.Redirect("https://evil.example/api/users.list"), connector.ErrMalformed, "evil.example"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := workspace{members: members(people)}.server()
			s.Faults = map[int]resttest.Fault{2: test.fault}
			records, err := read(t.Context(), open(t, serve(t, s)), connector.Request{})
			require.ErrorIs(t, err, test.class)
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), botToken)
			require.Len(t, records, 200-2, "the first page, less the bots")
			for _, seen := range s.Requests() {
				require.Equal(t, "slack.com", seen.Host)
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
				s := workspace{members: members(people)}.server()
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
				s := workspace{members: members(3)}.server()
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

func TestTheTierLimitHoldsRequestsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := serve(t, workspace{members: members(30 * 200)}.server())
		cfg.Limiter = nil
		start := time.Now()
		_, err := read(t.Context(), open(t, cfg), connector.Request{})
		require.NoError(t, err)
		require.InDelta(t, 31-20, time.Since(start).Minutes()*20, 1, "31 requests, 20 of them at once")
	})
}

func TestARepeatedCursorEndsTheRead(t *testing.T) {
	t.Parallel()
	_, err := read(t.Context(), open(t, serve(t, workspace{members: members(people), repeat: true}.server())), connector.Request{})
	require.ErrorIs(t, err, connector.ErrMalformed)
	require.ErrorContains(t, err, "again and again")
}

func TestAPageLargerThanSlackAllowsIsRefused(t *testing.T) {
	t.Parallel()
	src := open(t, serve(t, workspace{members: members(people), most: 100}.server()))
	_, err := read(t.Context(), src, connector.Request{})
	require.ErrorIs(t, err, connector.ErrInvalid)
	require.ErrorContains(t, err, "invalid_limit")
}

func TestACursorThatSlackNoLongerKnowsIsACursorError(t *testing.T) {
	t.Parallel()
	_, err := read(t.Context(), open(t, serve(t, workspace{members: members(3)}.server())), connector.Request{Cursor: "at:dXNlcjp9999"})
	require.ErrorIs(t, err, connector.ErrCursor)
}

func TestAnotherDomainIsRefused(t *testing.T) {
	t.Parallel()
	for domain, refused := range map[string]bool{"slack.com": false, "slack-gov.com": false, "slack.com.evil.example": true, "evil.example": true, "": true} {
		cfg := serve(t, workspace{}.server())
		cfg.Settings["domain"] = []string{domain}
		src, err := slack.New().Open(t.Context(), cfg)
		if refused {
			require.ErrorIs(t, err, connector.ErrInvalid, domain)
			continue
		}
		require.NoError(t, err, domain)
		require.NoError(t, src.Close())
	}
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
	text, err := os.ReadFile(filepath.Join("..", "..", "mapping", "testdata", "vendors", "slack-users.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &out))
	return out
}

func TestTheDefaultMappingFillsUsers(t *testing.T) {
	t.Parallel()
	want := shapes(t)
	var list []string
	for _, rec := range want.Records {
		list = append(list, string(rec))
	}
	records, err := read(t.Context(), open(t, serve(t, workspace{members: list}.server())), connector.Request{})
	require.NoError(t, err)
	require.Len(t, records, len(want.Records)-1, "all but the bot")

	row := mapper(t)
	for i, rec := range records {
		got, faults := row(rec)
		require.Empty(t, faults)
		require.Equal(t, want.Rows[i].Users[0], got, "record %d", i)
	}
}

// mapper returns what makes a user of a record by the default mapping.
func mapper(t *testing.T) func(connector.Record) (map[string]any, []mapping.Fault) {
	t.Helper()
	st, ok := slack.New().Spec().Stream(slack.UserStream)
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

func TestEachOptionalFieldMayBeAbsent(t *testing.T) {
	t.Parallel()
	full := shapes(t).Records[0]
	row := mapper(t)
	whole, _ := row(connector.Record(full))
	st, _ := slack.New().Spec().Stream(slack.UserStream)
	var list []string
	fields := st.Fields[1:] // all but the id
	for _, f := range fields {
		var doc map[string]any
		require.NoError(t, json.Unmarshal(full, &doc))
		steps := strings.Split(f.Path, ".")
		inner := doc
		for _, step := range steps[:len(steps)-1] {
			inner = inner[step].(map[string]any)
		}
		require.Contains(t, inner, steps[len(steps)-1])
		delete(inner, steps[len(steps)-1])
		doc["id"] = "without " + f.Path
		rec, err := connector.JSON(doc)
		require.NoError(t, err)
		list = append(list, rec.String())
	}
	records, err := read(t.Context(), open(t, serve(t, workspace{members: list}.server())), connector.Request{})
	require.NoError(t, err)
	require.Len(t, records, len(fields))
	for i, f := range fields {
		want := maps.Clone(whole)
		for _, m := range st.Mapping.Fields {
			if m.From == f.Path {
				delete(want, m.To)
			}
		}
		got, _ := row(records[i])
		require.Equal(t, want, got, "without %s", f.Path)
	}
}
