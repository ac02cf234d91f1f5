package rest_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/credentials"
)

// logInServer is a vendor with three users whose OAuth 2.0 side is i.
func logInServer(i *resttest.Issuer) *resttest.Server {
	return &resttest.Server{
		Lists:      users(resttest.List{Items: resttest.Items(3)}),
		Handlers:   map[string]http.HandlerFunc{"/authorize": i.Authorize, "/token": i.Token},
		Authorized: i.Authorized,
	}
}

// Where a person logs in, and where the code is traded.
const (
	loginPage = "https://{domain}/authorize?audience=api"
	codeTrade = "https://{domain}/token"
)

// logInSpec is a vendor at which a person logs in.
func logInSpec() connector.Spec {
	spec := acmeSpec()
	spec.Auth = append(spec.Auth, connector.AuthMethod{
		ID: "person", Label: "Log-in", Kind: credentials.AuthorizationCode,
		AuthURL: loginPage, TokenURL: codeTrade, Scopes: []string{"users:read", "offline_access"},
	})
	return spec
}

// applicant is a credential before the log-in.
func applicant(values ...string) credentials.Credential {
	c := credentials.Credential{ID: "acme", Kind: credentials.AuthorizationCode}.With("client_id", credentials.NewSecret("client-1"))
	for i := 0; i < len(values); i += 2 {
		c = c.With(values[i], credentials.NewSecret(values[i+1]))
	}
	return c
}

// A browser follows the log-in from the vendor back to this machine.
type browser struct {
	vendor http.RoundTripper
	server *resttest.Server
	done   sync.WaitGroup
	status int
	header http.Header
	page   string
}

// location returns where the vendor sends the person back to.
func (b *browser) location(ctx context.Context, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := b.vendor.RoundTrip(req)
	if err != nil {
		return "", err
	}
	return resp.Header.Get("Location"), resp.Body.Close()
}

func (b *browser) get(ctx context.Context, method, address string) error {
	req, err := http.NewRequestWithContext(ctx, method, address, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	b.status, b.header, b.page = resp.StatusCode, resp.Header, string(body)
	return err
}

func (b *browser) open(ctx context.Context, address string) error {
	defer b.done.Done()
	return b.visit(context.WithoutCancel(ctx), address) // the page is read to its end
}

func (b *browser) visit(ctx context.Context, address string) error {
	back, err := b.location(ctx, address)
	if err != nil {
		return err
	}
	return b.get(ctx, http.MethodGet, back)
}

// logIn is an Authorization of that vendor, and the browser for it.
func logIn(t *testing.T, i *resttest.Issuer, cred credentials.Credential) (rest.Authorization, *browser) {
	t.Helper()
	server := logInServer(i)
	transport := server.Transport()
	t.Cleanup(func() { require.NoError(t, transport.Close()) })
	b := &browser{vendor: transport, server: server}
	b.done.Add(1)
	return rest.Authorization{Spec: logInSpec(), Settings: connector.Settings{"domain": {"eu.acme.example"}}, Credential: cred, Transport: transport, Open: b.open}, b
}

func TestAPersonLogsInOnTheirOwnMachine(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		issuer   *resttest.Issuer
		cred     credentials.Credential
		listen   string
		requests int
		redirect string
		scope    string
	}{
		"a public client":                               {cred: applicant(), requests: 1, redirect: "http://127.0.0.1:", scope: "users:read offline_access"},
		"an old refresh token is replaced":              {cred: applicant("refresh_token", "refresh-old"), requests: 1, redirect: "http://127.0.0.1:", scope: "users:read offline_access"},
		"a secret in the header":                        {issuer: &resttest.Issuer{Secret: secret}, cred: applicant("client_secret", secret), requests: 1, redirect: "http://127.0.0.1:", scope: "users:read offline_access"},
		"a secret in the form, found out":               {issuer: &resttest.Issuer{Secret: secret, InForm: true}, cred: applicant("client_secret", secret), requests: 2, redirect: "http://127.0.0.1:", scope: "users:read offline_access"},
		"a secret in the form, as the credential says":  {issuer: &resttest.Issuer{Secret: secret, InForm: true}, cred: applicant("client_secret", secret, "client_auth", "body"), requests: 1, redirect: "http://127.0.0.1:", scope: "users:read offline_access"},
		"scopes and addresses of the credential's own":  {cred: applicant("scope", "all  offline", "auth_url", "https://login.acme.example/authorize", "token_url", "https://login.acme.example/token"), requests: 1, redirect: "http://127.0.0.1:", scope: "all offline"},
		"a name for this machine, as some vendors want": {cred: applicant(), listen: "localhost:0", requests: 1, redirect: "http://localhost:", scope: "users:read offline_access"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.issuer == nil {
				test.issuer = &resttest.Issuer{}
			}
			a, b := logIn(t, test.issuer, test.cred)
			a.Listen = test.listen
			var asked url.Values
			a.Open = func(ctx context.Context, address string) error {
				u, err := url.Parse(address)
				if err != nil {
					return err
				}
				asked = u.Query()
				return b.open(ctx, address)
			}
			got, err := rest.Authorize(t.Context(), a)
			require.NoError(t, err)
			require.NoError(t, got.Validate())
			require.Equal(t, test.cred.ID, got.ID)
			require.Equal(t, "refresh-1", got.Value("refresh_token").Reveal())
			require.Equal(t, test.cred.Value("client_secret").Reveal(), got.Value("client_secret").Reveal())
			require.Len(t, test.issuer.Requests(), test.requests)

			require.Equal(t, "client-1", asked.Get("client_id"))
			require.Equal(t, "code", asked.Get("response_type"))
			require.Equal(t, test.scope, asked.Get("scope"))
			require.True(t, strings.HasPrefix(asked.Get("redirect_uri"), test.redirect), asked.Get("redirect_uri"))
			require.True(t, strings.HasSuffix(asked.Get("redirect_uri"), "/callback"))
			seen := b.server.Requests()
			require.Equal(t, rest.UserAgent+" acme", seen[len(seen)-1].Header.Get("User-Agent"))

			b.done.Wait()
			require.Equal(t, http.StatusOK, b.status)
			require.Contains(t, b.page, "Logged in")
			require.Contains(t, b.header.Get("Content-Security-Policy"), "default-src 'none'")
			require.Equal(t, "no-referrer", b.header.Get("Referrer-Policy"))
			require.NotContains(t, b.page, "code-1")
			require.NotContains(t, b.page, "refresh-1")
			redirect, err := url.Parse(asked.Get("redirect_uri"))
			require.NoError(t, err)
			_, err = (&net.Dialer{}).DialContext(t.Context(), "tcp", redirect.Host)
			require.Error(t, err, "nobody listens any more")
		})
	}
}

func TestAFailedLogInSaysWhyToTheProgramAndThePerson(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		issuer *resttest.Issuer
		cred   credentials.Credential
		class  connector.Class
		says   []string
	}{
		"the person does not consent": {
			issuer: &resttest.Issuer{Denied: url.Values{"error": {"access_denied"}, "error_description": {`<script>alert("no")</script>`}}},
			class:  connector.ErrAuth, says: []string{"access_denied: <script>", "consent"},
		},
		"a scope that there is not":   {issuer: &resttest.Issuer{Denied: url.Values{"error": {"invalid_scope"}}}, class: connector.ErrAuth, says: []string{"invalid_scope", "users:read offline_access"}},
		"the vendor is busy":          {issuer: &resttest.Issuer{Denied: url.Values{"error": {"temporarily_unavailable"}}}, class: connector.ErrUnavailable, says: []string{"temporarily_unavailable"}},
		"neither a code nor an error": {issuer: &resttest.Issuer{Denied: url.Values{"other": {"1"}}}, class: connector.ErrMalformed, says: []string{"neither"}},
		"a wrong secret":              {issuer: &resttest.Issuer{Secret: "another"}, cred: applicant("client_secret", secret), class: connector.ErrAuth, says: []string{"401 invalid_client", "client id and secret"}},
		"no refresh token":            {issuer: &resttest.Issuer{Edit: func(body map[string]any) { delete(body, "refresh_token") }}, class: connector.ErrInvalid, says: []string{"no refresh token", "offline_access"}},
		"a code that is not taken":    {issuer: &resttest.Issuer{Refuse: refusal(http.StatusBadRequest, "invalid_grant")}, class: connector.ErrAuth, says: []string{"invalid_grant", "redirect address"}},
		"a server that is down":       {issuer: &resttest.Issuer{Refuse: resttest.Status(503)}, class: connector.ErrUnavailable, says: []string{"503"}},
		"too many requests":           {issuer: &resttest.Issuer{Refuse: resttest.Status(429)}, class: connector.ErrRateLimited, says: []string{"429"}},
		"a page in place of a token":  {issuer: &resttest.Issuer{Refuse: resttest.HTML()}, class: connector.ErrMalformed, says: []string{"cannot be read"}},
		"a redirect":                  {issuer: &resttest.Issuer{Refuse: resttest.Redirect("https://evil.example/token")}, class: connector.ErrAuth, says: []string{"302"}},
		"an answer without end":       {issuer: &resttest.Issuer{Refuse: resttest.Huge(1 << 30)}, class: connector.ErrMalformed, says: []string{"larger"}},
		"a connection that breaks":    {issuer: &resttest.Issuer{Refuse: resttest.CloseInBody()}, class: connector.ErrUnavailable, says: []string{"broke off"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.cred.ID == "" {
				test.cred = applicant()
			}
			a, b := logIn(t, test.issuer, test.cred)
			_, err := rest.Authorize(t.Context(), a)
			require.ErrorIs(t, err, test.class)
			for _, text := range test.says {
				require.ErrorContains(t, err, text)
			}
			require.NotContains(t, err.Error(), secret)
			require.NotContains(t, err.Error(), "code-1")
			b.done.Wait()
			require.Equal(t, http.StatusForbidden, b.status)
			require.Contains(t, b.page, "Not logged in")
			require.NotContains(t, b.page, "<script")
			require.LessOrEqual(t, len(test.issuer.Requests()), 2)
		})
	}
}

// refusal answers as a token endpoint refuses.
func refusal(status int, code string) resttest.Fault {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": "it was " + r.PostForm.Encode()})
	}
}

func TestOnlyTheFirstAnswerToThisLogInCounts(t *testing.T) {
	t.Parallel()
	var i resttest.Issuer
	a, b := logIn(t, &i, applicant())
	began := make(chan string, 1)
	a.Open = func(_ context.Context, address string) error {
		began <- address
		return nil
	}
	type outcome struct {
		cred credentials.Credential
		err  error
	}
	done := make(chan outcome, 1)
	// The request for the token waits until the others have been answered.
	entered, release := make(chan struct{}), make(chan struct{})
	vendor := a.Transport
	a.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
		close(entered)
		<-release
		return vendor.RoundTrip(req)
	})
	go func() {
		cred, err := rest.Authorize(t.Context(), a)
		done <- outcome{cred, err}
	}()
	back, err := b.location(t.Context(), <-began)
	require.NoError(t, err)
	u, err := url.Parse(back)
	require.NoError(t, err)
	other := func(change func(*url.URL, url.Values)) string {
		copied, q := *u, u.Query()
		change(&copied, q)
		copied.RawQuery = q.Encode()
		return copied.String()
	}
	for name, test := range map[string]struct {
		method, address string
		status          int
	}{
		"another state":          {http.MethodGet, other(func(_ *url.URL, q url.Values) { q.Set("state", "x") }), http.StatusBadRequest},
		"no state":               {http.MethodGet, other(func(_ *url.URL, q url.Values) { q.Del("state") }), http.StatusBadRequest},
		"an error without state": {http.MethodGet, other(func(_ *url.URL, q url.Values) { q.Del("state"); q.Set("error", "access_denied") }), http.StatusBadRequest},
		"another place":          {http.MethodGet, other(func(u *url.URL, _ url.Values) { u.Path = "/favicon.ico" }), http.StatusNotFound},
		"another method":         {http.MethodPost, back, http.StatusMethodNotAllowed},
	} {
		require.NoError(t, b.get(t.Context(), test.method, test.address), name)
		require.Equal(t, test.status, b.status, name)
	}
	require.Empty(t, i.Requests(), "no code was traded")
	first := make(chan error, 1)
	page := &browser{}
	go func() { first <- page.get(t.Context(), http.MethodGet, back) }()
	<-entered
	require.NoError(t, b.get(t.Context(), http.MethodGet, other(func(_ *url.URL, q url.Values) { q.Set("code", "again") })))
	require.Equal(t, http.StatusConflict, b.status)
	close(release)
	require.NoError(t, <-first)
	require.Equal(t, http.StatusOK, page.status)
	got := <-done
	require.NoError(t, got.err)
	require.Equal(t, "refresh-1", got.cred.Value("refresh_token").Reveal())
	require.Len(t, i.Requests(), 1)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestAWaitForAPersonEnds(t *testing.T) {
	t.Parallel()
	t.Run("when the time is up", func(t *testing.T) {
		t.Parallel()
		a, b := logIn(t, &resttest.Issuer{}, applicant())
		a.Timeout = 2 * time.Second
		a.Open = func(ctx context.Context, address string) error {
			back, err := b.location(ctx, address)
			return errors.Join(err, b.get(ctx, http.MethodGet, strings.Replace(back, "state=", "state=x", 1)))
		}
		_, err := rest.Authorize(t.Context(), a)
		require.ErrorIs(t, err, connector.ErrAuth)
		require.ErrorContains(t, err, "nobody has logged in in time; answers with another state came: 1")
	})
	t.Run("and not while an answer is being used", func(t *testing.T) {
		t.Parallel()
		a, b := logIn(t, &resttest.Issuer{}, applicant())
		a.Timeout = 2 * time.Second
		over := make(chan struct{})
		a.Open = func(ctx context.Context, address string) error {
			context.AfterFunc(ctx, func() { close(over) })
			return b.open(ctx, address)
		}
		vendor := a.Transport
		a.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
			<-over
			return vendor.RoundTrip(req)
		})
		got, err := rest.Authorize(t.Context(), a)
		require.NoError(t, err)
		require.Equal(t, "refresh-1", got.Value("refresh_token").Reveal())
	})
	t.Run("when it is given up", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		a, _ := logIn(t, &resttest.Issuer{}, applicant())
		a.Open = func(ctx context.Context, _ string) error {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		}
		_, err := rest.Authorize(ctx, a)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, connector.ErrUnavailable)
	})
	t.Run("when the page cannot be shown", func(t *testing.T) {
		t.Parallel()
		a, _ := logIn(t, &resttest.Issuer{}, applicant())
		a.Open = func(context.Context, string) error { return errors.New("there is no browser") }
		_, err := rest.Authorize(t.Context(), a)
		require.ErrorContains(t, err, "there is no browser")
	})
	t.Run("when the port is taken", func(t *testing.T) {
		t.Parallel()
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { require.NoError(t, listener.Close()) }()
		a, _ := logIn(t, &resttest.Issuer{}, applicant())
		a.Listen = listener.Addr().String()
		_, err = rest.Authorize(t.Context(), a)
		require.ErrorIs(t, err, connector.ErrInvalid)
		require.ErrorContains(t, err, "choose another port")
	})
}

func TestALogInThatCannotBeginSaysWhy(t *testing.T) {
	t.Parallel()
	const here = "https://console.example/callback"
	method := func(change func(*connector.AuthMethod)) func(*rest.Authorization) {
		return func(a *rest.Authorization) { change(&a.Spec.Auth[1]) }
	}
	own := func(values ...string) func(*rest.Authorization) {
		return func(a *rest.Authorization) { a.Credential = applicant(values...) }
	}
	domain := func(text string) func(*rest.Authorization) {
		return func(a *rest.Authorization) { a.Settings = connector.Settings{"domain": {text}} }
	}
	anywhere := func(next func(*rest.Authorization)) func(*rest.Authorization) {
		return func(a *rest.Authorization) {
			a.Spec.Hosts = nil
			next(a)
		}
	}
	tests := map[string]struct {
		change   func(*rest.Authorization)
		redirect string
		class    connector.Class
		says     string
	}{
		"all is well":                        {func(*rest.Authorization) {}, here, "", ""},
		"a redirect to this machine":         {func(*rest.Authorization) {}, "http://[::1]:1234/callback", "", ""},
		"hosts that nobody names":            {anywhere(own("auth_url", "https://a.example/x", "token_url", "https://b.example/y")), here, "", ""},
		"a redirect without TLS":             {func(*rest.Authorization) {}, "http://console.example/callback", connector.ErrInvalid, "https://"},
		"a redirect that is none":            {func(*rest.Authorization) {}, "callback", connector.ErrInvalid, "https://"},
		"a connector without a log-in":       {func(a *rest.Authorization) { a.Spec = acmeSpec() }, here, connector.ErrUnsupported, "no log-in"},
		"a method that there is not":         {func(a *rest.Authorization) { a.Method = "other" }, here, connector.ErrUnsupported, `"other"`},
		"two methods":                        {func(a *rest.Authorization) { a.Spec.Auth = append(a.Spec.Auth, a.Spec.Auth[1]) }, here, connector.ErrInvalid, "several"},
		"a credential of another kind":       {func(a *rest.Authorization) { a.Credential.Kind = credentials.APIToken }, here, connector.ErrInvalid, "api_token"},
		"no client id":                       {func(a *rest.Authorization) { a.Credential = credentials.Credential{} }, here, connector.ErrInvalid, "client_id"},
		"no setting":                         {func(a *rest.Authorization) { a.Settings = nil }, here, connector.ErrInvalid, "the setting domain"},
		"no address":                         {method(func(m *connector.AuthMethod) { m.AuthURL = "" }), here, connector.ErrInvalid, "give the credential the value auth_url"},
		"no token address":                   {method(func(m *connector.AuthMethod) { m.TokenURL = "" }), here, connector.ErrInvalid, "token_url"},
		"an address without TLS":             {own("auth_url", "http://eu.acme.example/authorize"), here, connector.ErrInvalid, "TLS"},
		"a token address without TLS":        {own("token_url", "http://eu.acme.example/token"), here, connector.ErrInvalid, "TLS"},
		"an address that is none":            {own("auth_url", "authorize"), here, connector.ErrInvalid, "no address"},
		"a foreign address":                  {own("auth_url", "https://evil.example/authorize"), here, connector.ErrInvalid, "evil.example is no host"},
		"a foreign token address":            {own("token_url", "https://evil.example/token"), here, connector.ErrInvalid, "evil.example is no host"},
		"a foreign domain":                   {domain("evil.example"), here, connector.ErrInvalid, "evil.example is no host"},
		"a domain with a path":               {anywhere(domain("evil.example/x")), here, connector.ErrInvalid, "cannot stand"},
		"a domain with a query":              {anywhere(domain("evil.example?x")), here, connector.ErrInvalid, "cannot stand"},
		"a domain with a user":               {domain("evil.example@eu.acme.example"), here, connector.ErrInvalid, "cannot stand"},
		"a user in an address":               {own("token_url", "https://a:b@eu.acme.example/token"), here, connector.ErrInvalid, "no address"},
		"a domain that comments the rest":    {domain("evil.example#.acme.example"), here, connector.ErrInvalid, "cannot stand"},
		"a transport without TLS of its own": {own("ca", "none"), here, connector.ErrInvalid, "certificates to trust"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, _ := logIn(t, &resttest.Issuer{}, applicant())
			test.change(&a)
			at, err := a.Begin(test.redirect)
			if test.class == "" {
				require.NoError(t, err)
				require.NotContains(t, at.URL, at.Verifier.Reveal())
				return
			}
			require.ErrorIs(t, err, test.class)
			require.ErrorContains(t, err, test.says)
			a.Open = func(context.Context, string) error { return errors.New("it was begun") }
			if !strings.HasPrefix(name, "a redirect") {
				_, err = rest.Authorize(t.Context(), a)
				require.ErrorIs(t, err, test.class)
			}
		})
	}
	for _, listen := range []string{"0.0.0.0:0", ":8080", "example.com:80", "127.0.0.1", "192.168.1.1:80"} {
		a, _ := logIn(t, &resttest.Issuer{}, applicant())
		a.Listen = listen
		_, err := rest.Authorize(t.Context(), a)
		require.ErrorIs(t, err, connector.ErrInvalid, listen)
	}
	a, _ := logIn(t, &resttest.Issuer{}, applicant())
	a.Open = nil
	_, err := rest.Authorize(t.Context(), a)
	require.ErrorIs(t, err, connector.ErrInvalid)
}

func TestAWebConsoleDoesTheTwoHalvesItself(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(url.Values)
		class  connector.Class
	}{
		"the answer is this log-in's": {func(url.Values) {}, ""},
		"another log-in's state":      {func(q url.Values) { q.Set("state", "other") }, connector.ErrAuth},
		"no state":                    {func(q url.Values) { q.Del("state") }, connector.ErrAuth},
		"another code":                {func(q url.Values) { q.Set("code", "code-of-somebody-else") }, connector.ErrAuth},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := resttest.Issuer{Secret: secret, Edit: func(body map[string]any) { body["refresh_token_expires_in"] = 86400 }}
			a, b := logIn(t, &i, applicant("client_secret", secret))
			at, err := a.Begin("https://console.example/vendors/callback")
			require.NoError(t, err)
			again, err := a.Begin("https://console.example/vendors/callback")
			require.NoError(t, err)
			require.NotEqual(t, at.State, again.State)
			require.NotEqual(t, at.Verifier.Reveal(), again.Verifier.Reveal())
			back, err := b.location(t.Context(), at.URL)
			require.NoError(t, err)
			u, err := url.Parse(back)
			require.NoError(t, err)
			require.Equal(t, "console.example", u.Host)
			q := u.Query()
			test.answer(q)
			before := time.Now()
			got, err := a.Finish(t.Context(), at, q)
			if test.class != "" {
				require.ErrorIs(t, err, test.class)
				require.NotContains(t, err.Error(), "code-of-somebody-else")
				require.NotContains(t, err.Error(), at.Verifier.Reveal())
				return
			}
			require.NoError(t, err)
			require.Equal(t, "refresh-1", got.Value("refresh_token").Reveal())
			require.WithinDuration(t, before.Add(24*time.Hour), got.ExpiresAt, time.Minute)
			_, err = a.Finish(t.Context(), at, q)
			require.ErrorIs(t, err, connector.ErrAuth, "a code is good once")
		})
	}
	_, err := (rest.Authorization{Spec: logInSpec(), Settings: connector.Settings{"domain": {"eu.acme.example"}}, Credential: applicant()}).Finish(t.Context(), rest.Attempt{}, url.Values{"code": {"c"}})
	require.ErrorIs(t, err, connector.ErrAuth, "an attempt that never began has no answer")
}

func TestALogInNamesWhatItNeeds(t *testing.T) {
	t.Parallel()
	names := func(settings []connector.Setting) []string {
		var out []string
		for _, s := range settings {
			out = append(out, s.Name)
		}
		return out
	}
	a := rest.Authorization{Spec: logInSpec(), Credential: applicant()}
	require.Equal(t, []string{"domain"}, names(a.Missing()))
	a.Settings = connector.Settings{"domain": {"eu.acme.example"}}
	require.Empty(t, a.Missing())
	a.Settings, a.Spec.Settings[0].Default = nil, "eu.acme.example"
	require.Empty(t, a.Missing())
	a.Spec.Settings[0].Default, a.Credential = "", applicant("auth_url", "https://x.acme.example", "token_url", "https://x.acme.example")
	require.Empty(t, a.Missing())

	for _, test := range []struct{ listen, method, want string }{
		{"", "", "http://127.0.0.1/callback"},
		{"", "http://localhost/back", "http://localhost/back"},
		{"", "http://127.0.0.1:8400/callback", "http://127.0.0.1:8400/callback"},
		{"127.0.0.1:9000", "http://localhost/callback", "http://127.0.0.1:9000/callback"},
		{"[::1]:0", "", "http://[::1]/callback"},
		{"", "http://evil.example/callback", ""},
		{"", "https://127.0.0.1/callback", ""},
	} {
		a.Listen, a.Spec.Auth[1].Redirect = test.listen, test.method
		got, err := a.Redirect()
		require.Equal(t, test.want == "", err != nil, err)
		require.Equal(t, test.want, got)
	}
}

func TestTheTokenEndpointsCertificateIsVerified(t *testing.T) {
	t.Parallel()
	var i resttest.Issuer
	server := httptest.NewUnstartedServer(logInServer(&i))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for name, test := range map[string]struct {
		ca    string
		class connector.Class
	}{"nobody vouches for it": {"", connector.ErrTLS}, "the credential trusts it": {ca, ""}} {
		t.Run(name, func(t *testing.T) {
			cred := applicant("auth_url", server.URL+"/authorize", "token_url", server.URL+"/token", "ca", test.ca)
			spec := logInSpec()
			spec.Hosts = nil
			a := rest.Authorization{Spec: spec, Settings: connector.Settings{"domain": {"eu.acme.example"}}, Credential: cred}
			b := &browser{vendor: server.Client().Transport}
			b.done.Add(1)
			a.Open = b.open
			got, err := rest.Authorize(t.Context(), a)
			if test.class != "" {
				require.ErrorIs(t, err, test.class)
				require.ErrorContains(t, err, "trust list")
				return
			}
			require.NoError(t, err)
			require.NotEmpty(t, got.Value("refresh_token").Reveal())
		})
	}
}
