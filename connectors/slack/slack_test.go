package slack_test

import (
	"context"
	"fmt"
	"net/http"
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
			synctest.Test(t, func(t *testing.T) { // some of them are tried again
				src := open(t, serve(t, workspace{errors: map[string]string{botToken: code}}.server()))
				_, err := read(t.Context(), src, connector.Request{})
				require.ErrorIs(t, err, class)
				require.ErrorContains(t, err, code)
			})
		})
	}
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
