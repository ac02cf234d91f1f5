package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer"
)

const apiToken = "00aBcD3fGh1jKlMnOpQrStUvWxYz"

// org plays an Okta org of three people, which takes one token.
func org() *resttest.Server {
	person := func(id, login string) string {
		return `{"id": "` + id + `", "status": "ACTIVE", "profile": {"login": "` + login + `", "email": "` + login + `", "firstName": "A", "lastName": "B"}}`
	}
	return &resttest.Server{
		Authorized: resttest.Header("Authorization", "SSWS "+apiToken),
		Lists: map[string]*resttest.List{"/api/v1/users": {Form: resttest.Links, MaxSize: 200, Items: []string{
			person("00u1", "ada@example.com"), person("00u2", "zoë@example.com"), person("00u3", "bob@example.com"),
		}}},
	}
}

const oktaUsers = `store: sqlite:inventory.db
integrations:
  - id: okta-users
    connector: okta
    stream: users
    settings: {domain: acme.okta.com}
    integration_user: it-sync@example.com
    default_role: Employee
    launch: true
`

// oktaShell has a draft that reads the people of an org, and lacks a credential.
func oktaShell(t *testing.T) *shell {
	t.Helper()
	sh := newShell(t)
	transport := org().Transport()
	t.Cleanup(func() { _ = transport.Close() })
	sh.transport = transport
	sh.write("vendorsync.yaml", oktaUsers)
	return sh
}

// From a draft that lacks a credential to people in the store.
func TestStoryOfACredential(t *testing.T) {
	t.Parallel()
	sh := oktaShell(t)
	require.Equal(t, "a credential: Okta needs one (credential)\n", sh.done("missing", "okta-users"))
	require.Contains(t, sh.run("credentials", "list").err, "there are no credentials yet")
	require.Contains(t, sh.fails(exitFailed, "credentials", "rm", "okta"), "there is no such credential")
	require.Contains(t, sh.fails(exitFailed, "credentials", "show", "okta"), "there is no such credential")
	require.NoDirExists(t, sh.path("vendorsync"), "no key is made for nothing")

	sh.in = apiToken + "\n"
	r := sh.run("credentials", "add", "okta", "--for", "okta-users", "--kind", "api_token", "--owner", "ada", "--expires", "2026-03-08")
	require.Equal(t, exitDone, r.code, r.err)
	require.Equal(t, "kept credential okta for connector okta and hosts acme.okta.com, and okta-users reads with it\n", r.out)
	require.Contains(t, r.err, "note: made the key of the vault in "+sh.path("vendorsync/vault.key"))
	require.Contains(t, r.err, "Next: vendorsync check okta-users")
	require.Contains(t, sh.config(), "credential: okta")
	info, err := os.Stat(sh.path("vendorsync/vault.key"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	require.Contains(t, sh.done("check", "okta-users"), "granted")
	require.Contains(t, sh.done("credentials", "test", "okta"), "granted")
	run := decodeJSON[syncer.Run](t, sh.done("run", "okta-users", "--json"))
	require.Equal(t, syncer.Counts{Fetched: 3, Created: 3}, run.Counts)

	r = sh.run("credentials", "list")
	require.Regexp(t, `(?m)^okta +api_token +okta +acme\.okta\.com +ada +2026-03-08 +okta-users +vault$`, r.out)
	require.Contains(t, r.err, `warning: credential "okta" of ada expires on 2026-03-08, in 6 days: enter a new secret`)
	require.Contains(t, sh.run("run", "okta-users").err, "expires on 2026-03-08")
	require.Contains(t, sh.fails(exitFailed, "credentials", "rm", "okta"), `remove credential "okta": it is in use by okta-users`)

	shown := sh.done("credentials", "show", "okta")
	require.Regexp(t, `(?m)^may go to +acme\.okta\.com$`, shown)
	require.Regexp(t, `(?m)^2026-03-01 13:00:00 +ada +created$`, shown)
	view := decodeJSON[credentialView](t, sh.done("credentials", "show", "okta", "--json"))
	require.Equal(t, []string{"okta-users"}, view.UsedBy)
	require.NotContains(t, shown+sh.done("credentials", "list", "--json")+sh.config(), apiToken)

	sh.done("archive", "okta-users")
	require.Equal(t, "removed credential okta\n", sh.done("credentials", "rm", "okta"))
	require.Contains(t, sh.fails(exitFailed, "credentials", "show", "okta"), "there is no such credential (see `vendorsync credentials list`)")
}

// Whoever edits the domain enters the secret again.
func TestStoryOfADomainThatChanges(t *testing.T) {
	t.Parallel()
	sh := oktaShell(t)
	sh.in = apiToken + "\n"
	sh.done("credentials", "add", "okta", "--for", "okta-users", "--kind", "api_token")
	sh.done("run", "okta-users")
	sh.done("edit", "okta-users", "--set", "domain=evil.okta.com")
	require.Contains(t, sh.done("missing", "okta-users"), "enter its secret again")
	require.Contains(t, sh.fails(exitFailed, "run", "okta-users"), "it does not open for another connector or other hosts: enter its secret again")
	sh.in = ""
	require.Contains(t, sh.fails(exitUsage, "credentials", "edit", "okta", "--for", "okta-users"), "Token is missing: give it with --file token=PATH, or as a line of standard input")
	sh.in = apiToken + "\n"
	require.Equal(t, "changed credential okta\n", sh.done("credentials", "edit", "okta", "--for", "okta-users"))
	require.Contains(t, sh.done("credentials", "show", "okta"), "secret entered again; from connector okta and hosts acme.okta.com to connector okta and hosts evil.okta.com")
	require.Equal(t, "okta-users lacks nothing and is active\n", sh.done("missing", "okta-users"))
}

func TestCredentialsThatAreNotTaken(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   string
		args []string
		code int
		want string
	}{
		"a secret on the command line":       {"", []string{"--connector", "okta", "--kind", "api_token", "--set", "domain=acme.okta.com", "--set", "token=" + apiToken}, exitUsage, "token is a secret, which a command line shows to others: type it when asked, or give it with --file token=PATH"},
		"neither for whom nor for what":      {"", nil, exitUsage, "say what reads with it: --for INTEGRATION, or --connector ID"},
		"a way to authenticate not chosen":   {"", []string{"--connector", "okta"}, exitUsage, "choose one of the ways to authenticate of Okta with --kind: "},
		"one that the connector has not":     {"", []string{"--connector", "okta", "--kind", "aws"}, exitUsage, "choose one of the ways to authenticate of Okta with --kind: "},
		"a connector that needs none":        {"", []string{"--connector", "localhost"}, exitUsage, "needs no credential"},
		"a connector that there is not":      {"", []string{"--connector", "otka"}, exitUsage, `there is no connector "otka"`},
		"a value that nobody knows":          {"", []string{"--connector", "okta", "--kind", "api_token", "--set", "colour=red"}, exitUsage, `"colour" is neither a setting of Okta nor a value of a credential of kind api_token`},
		"a host that is an address":          {"", []string{"--connector", "okta", "--kind", "api_token", "--set", "domain=https://acme.okta.com"}, exitUsage, "is no host name such as acme.example.com"},
		"a file that is not there":           {"", []string{"--connector", "okta", "--kind", "api_token", "--set", "domain=acme.okta.com", "--file", "token=none.txt"}, exitFailed, "no such file"},
		"a day that is none":                 {"", []string{"--connector", "okta", "--expires", "soon"}, exitUsage, `--expires "soon" is no day such as 2027-01-31, nor never`},
		"an empty secret":                    {"\n", []string{"--connector", "okta", "--kind", "api_token", "--set", "domain=acme.okta.com"}, exitFailed, "token is missing"},
		"an integration that there is not":   {"", []string{"--for", "nobody"}, exitFailed, `there is no integration "nobody"`},
		"a name that the file has":           {"", []string{"--connector", "okta"}, exitUsage, `names a credential "okta" by reference already`},
		"a domain that is asked for and not": {"", []string{"--connector", "okta", "--kind", "api_token"}, exitUsage, "Okta domain is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh := newShell(t)
			sh.write("vendorsync.yaml", "store: sqlite:inventory.db\n")
			if name == "a name that the file has" {
				sh.write("vendorsync.yaml", "credentials: {okta: {kind: api_token, token: env:VENDORSYNC_OKTA}}\n")
			}
			sh.in = tt.in
			require.Contains(t, sh.fails(tt.code, append([]string{"credentials", "add", "okta"}, tt.args...)...), tt.want)
			require.NotContains(t, sh.done("credentials", "list", "--json"), `"vault"`)
			require.NoDirExists(t, sh.path("vendorsync"), "no key is made for nothing")
		})
	}
}

func TestDetailsOfACredentialChangeWithoutItsSecret(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	sh.write("vendorsync.yaml", "store: sqlite:inventory.db\n")
	sh.write("token.txt", apiToken+"\n")
	out := sh.done("credentials", "add", "okta", "--connector", "okta", "--kind", "api_token", "--set", "domain=acme.okta.com", "--file", "token="+sh.path("token.txt"))
	require.Equal(t, "kept credential okta for connector okta and hosts acme.okta.com\n", out)
	require.Contains(t, sh.fails(exitFailed, "credentials", "add", "okta", "--connector", "okta", "--kind", "api_token", "--set", "domain=acme.okta.com"), "there is a credential of that id already (change it with `vendorsync credentials edit`)")
	require.Contains(t, sh.fails(exitUsage, "credentials", "edit", "okta"), "say what to change")
	sh.done("credentials", "edit", "okta", "--owner", "bob", "--name", "Okta, read-only", "--expires", "2026-12-31", "--warn", "30")
	view := decodeJSON[credentialView](t, sh.done("credentials", "edit", "okta", "--expires", "never", "--json"))
	require.Equal(t, "bob", view.Owner)
	require.Equal(t, "Okta, read-only", view.Label)
	require.True(t, view.Expires.IsZero())
	require.Len(t, view.Changes, 3)
	require.Empty(t, view.Warning)
}

// The key that seals credentials is another's to keep, and can be changed.
func TestStoryOfTheKey(t *testing.T) {
	t.Parallel()
	sh := oktaShell(t)
	sh.in = apiToken + "\n"
	sh.done("credentials", "add", "okta", "--for", "okta-users", "--kind", "api_token")
	old := sh.path("vendorsync/vault.key")
	require.NoError(t, os.Rename(old, sh.path("old.key")))
	said := sh.fails(exitFailed, "credentials", "list")
	require.Contains(t, said, "there is no key for the vault of credentials: neither VENDORSYNC_KEY is set nor is there a file "+old+"; it holds 1")
	require.Contains(t, said, "give its key in VENDORSYNC_KEY or VENDORSYNC_KEY_FILE")
	require.Contains(t, sh.fails(exitFailed, "credentials", "add", "more", "--connector", "okta", "--kind", "api_token", "--set", "domain=acme.okta.com"), "it holds 1 that are sealed under one", "no second key is made")
	require.Contains(t, sh.fails(exitFailed, "run", "okta-users"), "there is no key for the vault")

	sh.env = map[string]string{keyVariable: credentials.NewKey().Reveal()}
	require.Contains(t, sh.fails(exitFailed, "run", "okta-users"), "the vault was not given the key it is sealed under")
	require.Contains(t, sh.fails(exitUsage, "credentials", "rekey"), "say where the old key is")
	require.Equal(t, "1 sealed anew, 0 under this key already, 0 failed\n", sh.done("credentials", "rekey", "--old-key-file", sh.path("old.key")))
	sh.done("run", "okta-users")
	require.Contains(t, sh.done("credentials", "show", "okta"), "sealed under a new key")

	sh.env = map[string]string{keyFileVariable: sh.path("open.key")}
	sh.write("open.key", credentials.NewKey().Reveal())
	require.NoError(t, os.Chmod(sh.path("open.key"), 0o644))
	require.Contains(t, sh.fails(exitFailed, "run", "okta-users"), "run chmod 600 on it")
	sh.env = map[string]string{keyVariable: "a pass-phrase"}
	require.Contains(t, sh.fails(exitFailed, "credentials", "list"), "the variable VENDORSYNC_KEY: a key is 32 random bytes")
}

// A local installation reads with a reference, and nothing of it is stored.
func TestStoryOfAReference(t *testing.T) {
	t.Parallel()
	sh := oktaShell(t)
	file := "credentials:\n  okta: {kind: api_token, token: env:NAME}\n" + strings.Replace(oktaUsers, "    launch", "    credential: okta\n    launch", 1)
	sh.write("vendorsync.yaml", strings.Replace(file, "NAME", "OKTA_TOKEN", 1))
	sh.env = map[string]string{"OKTA_TOKEN": apiToken}
	require.Contains(t, sh.done("missing", "okta-users"), "the host does not allow reading the variable OKTA_TOKEN")
	sh.env[envVariable] = "JAMF_*, OKTA_*"
	sh.done("run", "okta-users")
	require.Regexp(t, `(?m)^okta +api_token +okta-users +reference$`, sh.done("credentials", "list"))
	require.Regexp(t, `(?m)^token +env:OKTA_TOKEN$`, sh.done("credentials", "show", "okta"))
	require.Contains(t, sh.done("credentials", "test", "okta"), "granted")
	for _, command := range []string{"rm", "edit", "login"} {
		require.Contains(t, sh.fails(exitUsage, "credentials", command, "okta"), "by reference")
	}
	sealed, err := sh.memory.(credentials.Keeper).ListSealed(t.Context())
	require.NoError(t, err)
	require.Empty(t, sealed)

	key := credentials.NewKey()
	sh.env[keyVariable] = key.Reveal()
	sh.write("vendorsync.yaml", strings.Replace(file, "NAME", keyVariable, 1))
	sh.env[envVariable] = "*"
	require.Contains(t, sh.done("missing", "okta-users"), "it holds a key of the vault, which no reference may read")

	sh.env[filesVariable] = sh.dir
	sh.write("okta.token", apiToken+"\n")
	sh.write("vendorsync.yaml", strings.Replace(file, "env:NAME", "file:okta.token", 1))
	sh.done("run", "okta-users")
}

// What a vendor answers to a credential is told in three different ways.
func TestCheckTellsWhatIsWrongWithACredential(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		vendor func(s *resttest.Server)
		want   string
	}{
		"a wrong one":           {func(s *resttest.Server) { s.Authorized = resttest.Header("Authorization", "SSWS other") }, "401"},
		"one that may not read": {func(s *resttest.Server) { s.Permitted = func(*http.Request) bool { return false } }, "missing"},
		"one that the vendor limits": {func(s *resttest.Server) {
			s.Always = resttest.Status(http.StatusTooManyRequests, "Retry-After", "100000")
		}, "rate_limited"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh := newShell(t)
			server := org()
			tt.vendor(server)
			transport := server.Transport()
			t.Cleanup(func() { _ = transport.Close() })
			sh.transport = transport
			sh.write("vendorsync.yaml", oktaUsers)
			sh.in = apiToken + "\n"
			sh.done("credentials", "add", "okta", "--connector", "okta", "--kind", "api_token", "--set", "domain=acme.okta.com")
			r := sh.run("credentials", "test", "okta")
			require.Equal(t, exitFailed, r.code)
			require.Contains(t, r.out+r.err, tt.want)
			require.NotContains(t, r.out+r.err, apiToken)
		})
	}
}

// provider plays an OAuth provider and the SCIM server behind it.
func provider(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		back := q.Get("redirect_uri") + "?" + url.Values{"code": {"c0de"}, "state": {q.Get("state")}}.Encode()
		http.Redirect(w, r, back, http.StatusFound) //nolint:gosec // It leads where the client asks, as a provider does that knows the client.
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.FormValue("grant_type") == "authorization_code" && r.FormValue("code") == "c0de" && r.FormValue("code_verifier") != "":
			answer(w, map[string]any{"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "refresh-1"})
		case r.FormValue("grant_type") == "refresh_token" && r.FormValue("refresh_token") == "refresh-1":
			answer(w, map[string]any{"access_token": "access-2", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "refresh-2"})
		default:
			w.WriteHeader(http.StatusBadRequest)
			answer(w, map[string]any{"error": "invalid_grant"})
		}
	})
	mux.HandleFunc("/scim/v2/", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer access-2" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(w, map[string]any{"totalResults": 1, "startIndex": 1, "itemsPerPage": 1, "Resources": []any{map[string]any{"id": "1", "userName": "ada@example.com", "active": true}}})
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// A person logs in with a browser; the refresh token that the vendor rotates is
// kept before it is used.
func TestStoryOfALogIn(t *testing.T) {
	t.Parallel()
	server := provider(t)
	sh := newShell(t)
	sh.write("vendorsync.yaml", "store: sqlite:inventory.db\n")
	sh.browse = func(ctx context.Context, address string) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		require.NoError(t, err)
		go func() {
			resp, err := http.DefaultClient.Do(req)
			if err == nil {
				_ = resp.Body.Close()
			}
		}()
		return nil
	}
	args := []string{
		"credentials", "add", "people", "--connector", "scim", "--kind", "authorization_code", "--set", "base_url=" + server.URL + "/scim/v2",
		"--set", "auth_url=" + server.URL + "/authorize", "--set", "token_url=" + server.URL + "/token", "--set", "client_id=vendorsync",
	}
	r := sh.run(args...)
	require.Equal(t, exitDone, r.code, r.err)
	require.Contains(t, r.err, "must allow the redirect to http://127.0.0.1")
	require.Contains(t, r.err, "Log in at ")
	require.Contains(t, sh.done("credentials", "test", "people", "--set", "base_url="+server.URL+"/scim/v2"), "granted")
	require.Contains(t, sh.done("credentials", "show", "people"), "rotated")

	require.Contains(t, sh.done("credentials", "login", "people", "--set", "base_url="+server.URL+"/scim/v2"), "logged in; credential people is kept")
	changes := decodeJSON[credentialView](t, sh.done("credentials", "show", "people", "--json")).Changes
	require.Equal(t, "secret entered again", changes[len(changes)-1].What)
	require.Contains(t, sh.fails(exitUsage, "credentials", "login", "--no-browser", "people"), "Base URL is missing")
}

// The samples of `map` and the fields of `add` are read with the credential.
func TestSamplesAreReadWithTheCredential(t *testing.T) {
	t.Parallel()
	sh := oktaShell(t)
	sh.in = apiToken + "\n"
	sh.done("credentials", "add", "okta", "--for", "okta-users", "--kind", "api_token")
	require.Contains(t, sh.done("map", "okta-users"), "ada@example.com")
}
