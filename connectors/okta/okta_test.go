package okta_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/connectors/okta"
	"github.com/vendorsync/vendorsync/credentials"
)

const (
	apiToken = "00aBcDeFgHiJkLmNoPqRsT"
	since    = "2026-11-01T00:00:00.000Z"
	perPage  = 20 // the records of a page, however many are asked for
	appCount = 7
)

// fixture returns the full record of a file.
func fixture(t testing.TB, name string) map[string]any {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	var record map[string]any
	require.NoError(t, json.Unmarshal(b, &record))
	return record
}

// remove takes the value at a dotted path out of a record.
func remove(record map[string]any, path string) {
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		inner, ok := record[key].(map[string]any)
		if !ok {
			return
		}
		record = inner
	}
	delete(record, keys[len(keys)-1])
}

// records returns n records like the fixture, each with an id of its own; from
// the second on each lacks one of the stream's optional fields in turn.
func records(t testing.TB, name, stream string, n int) []string {
	t.Helper()
	st, ok := okta.New().Spec().Stream(stream)
	require.True(t, ok)
	fields := slices.DeleteFunc(slices.Clone(st.Fields), func(f connector.Field) bool {
		return f.Path == "id" || f.Path == "label" || f.Path == st.Key || strings.HasPrefix(f.Path, "app.") || strings.Contains(f.Path, "[")
	})
	out := make([]string, n)
	for i := range out {
		record := fixture(t, name)
		record["id"] = fmt.Sprintf("%s-%d", name, i)
		if i > 0 {
			remove(record, fields[(i-1)%len(fields)].Path)
		}
		b, err := json.Marshal(record)
		require.NoError(t, err)
		out[i] = string(b)
	}
	return out
}

func list(items []string, most, page int) *resttest.List {
	return &resttest.List{Form: resttest.Links, Items: items, MaxSize: most, Short: page}
}

// refusal answers as Okta does.
func refusal(status int, code, summary string) resttest.Fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"errorCode":%q,"errorSummary":%q,"errorLink":%q,"errorId":"oae1","errorCauses":[]}`, code, summary, code)
	}
}

// org returns an org of 60 users, 60 devices and 7 apps with 0 to 48 users, in
// pages that are shorter than asked for. One user and one device have changed.
func org(t testing.TB) *resttest.Server {
	t.Helper()
	s := &resttest.Server{
		Authorized: resttest.Header("Authorization", "SSWS "+apiToken),
		Lists: map[string]*resttest.List{
			"/api/v1/users":   list(records(t, "user", okta.UserStream, 60), 200, perPage),
			"/api/v1/devices": list(records(t, "device", okta.DeviceStream, 60), 200, perPage),
			"/api/v1/apps":    list(records(t, "app", okta.AppStream, appCount), 200, 3),
		},
	}
	for i := range appCount {
		s.Lists[fmt.Sprintf("/api/v1/apps/app-%d/users", i)] = list(records(t, "appuser", okta.AppUserStream, 8*i), 500, perPage)
	}
	changed := &resttest.Server{Authorized: s.Authorized, Lists: map[string]*resttest.List{
		"/api/v1/users":   list(s.Lists["/api/v1/users"].Items[3:4], 200, 0),
		"/api/v1/devices": list(s.Lists["/api/v1/devices"].Items[3:4], 200, 0),
	}}
	all := &resttest.Server{Authorized: s.Authorized, Lists: s.Lists}
	either := func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Query().Get("filter")+r.URL.Query().Get("search"), `lastUpdated gt "`+since+`"`) {
			changed.ServeHTTP(w, r)
			return
		}
		all.ServeHTTP(w, r)
	}
	s.Handlers = map[string]http.HandlerFunc{"/api/v1/users": either, "/api/v1/devices": either}
	return s
}

func credential(kind credentials.Kind, values map[string]string) credentials.Source {
	secrets := map[string]credentials.Secret{}
	for name, v := range values {
		secrets[name] = credentials.NewSecret(v)
	}
	return credentials.Static(credentials.Credential{Kind: kind, Values: secrets})
}

// config leads to the server with an API token.
func config(t testing.TB, s *resttest.Server) connector.Config {
	t.Helper()
	transport := s.Transport()
	t.Cleanup(func() { _ = transport.Close() })
	settings, err := okta.New().Spec().Resolve(connector.Settings{"domain": {"acme.okta.com"}})
	require.NoError(t, err)
	return connector.Config{
		Settings:   settings,
		Credential: credential(credentials.APIToken, map[string]string{"token": apiToken}),
		Transport:  transport,
	}
}

func open(t testing.TB, cfg connector.Config) connector.Source {
	t.Helper()
	src, err := okta.New().Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, src.Close()) })
	return src
}

func read(t testing.TB, src connector.Source, req connector.Request) (pages int, out []connector.Record, err error) {
	t.Helper()
	for page, err := range connector.Pages(t.Context(), src, req) {
		if err != nil {
			return pages, out, err
		}
		pages++
		out = append(out, page.Records...)
	}
	return pages, out, nil
}

func TestConformance(t *testing.T) {
	t.Parallel()
	moment, err := time.Parse(time.RFC3339, since)
	require.NoError(t, err)
	connectortest.Run(t, okta.New(), connectortest.Options{
		Config: config(t, org(t)),
		BadSettings: []connector.Settings{
			{},
			{"domain": {"https://acme.okta.com"}},
			{"domain": {"acme.okta.com/api"}},
			{"domain": {"acme-admin.okta.com"}},
			{"domain": {"acme.example.com"}},
			{"domain": {"acme.okta.com"}, "devices_per_page": {"many"}},
		},
		MinRecords: appCount,
		Since:      moment,
	})
}

func TestWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	moment, err := time.Parse(time.RFC3339, since)
	require.NoError(t, err)
	everyone := okta.New().Spec().Settings[1].Default
	for name, test := range map[string]struct {
		req            connector.Request
		path           string
		query          url.Values
		pages, records int
	}{
		"users of every status": {connector.Request{Stream: okta.UserStream}, "/api/v1/users", url.Values{"limit": {"200"}, "filter": {everyone}}, 3, 60},
		"users that have changed": {
			connector.Request{Stream: okta.UserStream, Since: moment},
			"/api/v1/users",
			url.Values{"limit": {"200"}, "filter": {"(" + everyone + `) and lastUpdated gt "` + since + `"`}},
			1, 1,
		},
		"devices with their users": {connector.Request{Stream: okta.DeviceStream}, "/api/v1/devices", url.Values{"limit": {"200"}, "expand": {"userSummary"}}, 3, 60},
		"devices that have changed": {
			connector.Request{Stream: okta.DeviceStream, Since: moment},
			"/api/v1/devices",
			url.Values{"limit": {"200"}, "expand": {"userSummary"}, "search": {`lastUpdated gt "` + since + `"`}},
			1, 1,
		},
		"apps":                    {connector.Request{Stream: okta.AppStream}, "/api/v1/apps", url.Values{"limit": {"200"}}, 3, appCount},
		"assignments of all apps": {connector.Request{Stream: okta.AppUserStream}, "/api/v1/apps/app-6/users", url.Values{"limit": {"500"}, "expand": {"user"}}, 12, 168},
		"assignments of one app":  {connector.Request{Stream: okta.AppUserStream, Partition: "app-6"}, "/api/v1/apps/app-6/users", url.Values{"limit": {"500"}, "expand": {"user"}}, 3, 48},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := org(t)
			pages, got, err := read(t, open(t, config(t, s)), test.req)
			require.NoError(t, err)
			require.Len(t, got, test.records)
			require.Equal(t, test.pages, pages)
			for _, seen := range s.Requests() {
				u, err := url.Parse(seen.URL)
				require.NoError(t, err)
				if u.Path == test.path && !u.Query().Has("after") {
					require.Equal(t, test.query, u.Query())
					return
				}
			}
			require.Fail(t, "nothing was asked of "+test.path)
		})
	}
}

func TestRecordsAreTheVendorsWithoutWhatIsSensitive(t *testing.T) {
	t.Parallel()
	s := org(t)
	_, got, err := read(t, open(t, config(t, s)), connector.Request{Stream: okta.UserStream})
	require.NoError(t, err)
	for i, rec := range got {
		var want map[string]any
		require.NoError(t, json.Unmarshal([]byte(s.Lists["/api/v1/users"].Items[i]), &want))
		for _, path := range []string{"credentials", "profile.secondEmail", "profile.streetAddress"} {
			remove(want, path)
		}
		text, err := json.Marshal(want)
		require.NoError(t, err)
		require.JSONEq(t, string(text), string(rec))
	}
}

func TestAnAssignmentTellsItsApp(t *testing.T) {
	t.Parallel()
	_, got, err := read(t, open(t, config(t, org(t))), connector.Request{Stream: okta.AppUserStream, Partition: "app-2"})
	require.NoError(t, err)
	require.Len(t, got, 16)
	var rec struct {
		ID, Assignment string
		App            map[string]string
	}
	require.NoError(t, json.Unmarshal(got[1], &rec))
	require.Equal(t, "appuser-1", rec.ID)
	require.Equal(t, "app-2/appuser-1", rec.Assignment)
	// The record of this app has no status.
	require.Equal(t, map[string]string{"id": "app-2", "name": "salesforce", "label": "Zażółć CRM", "status": ""}, rec.App)
}

func TestThePageOfDevicesIsASetting(t *testing.T) {
	t.Parallel()
	cfg := config(t, org(t))
	cfg.Settings["devices_per_page"] = []string{"201"}
	_, _, err := read(t, open(t, cfg), connector.Request{Stream: okta.DeviceStream})
	require.ErrorIs(t, err, connector.ErrInvalid)
	require.ErrorContains(t, err, "limit must be 1 to 200")
}

func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	s := org(t)
	s.Always = refusal(401, "E0000011", "Invalid token provided")
	_, err := open(t, config(t, s)).Check(t.Context())
	require.ErrorIs(t, err, connector.ErrAuth)
	require.ErrorContains(t, err, "Invalid token provided")

	cfg := config(t, org(t))
	cfg.Credential = credential(credentials.Basic, map[string]string{"username": "ada", "password": "secret"})
	_, err = okta.New().Open(t.Context(), cfg)
	require.ErrorIs(t, err, connector.ErrAuth)
}

func grants(t testing.TB, src connector.Source) map[string]connector.Grant {
	t.Helper()
	report, err := src.Check(t.Context())
	require.NoError(t, err)
	out := map[string]connector.Grant{}
	for _, p := range report.Permissions {
		out[p.Stream+" "+p.Name] = p.Grant
	}
	return out
}

func TestCheckTellsWhatIsGranted(t *testing.T) {
	t.Parallel()
	s := org(t)
	s.Handlers = nil
	s.Permitted = func(r *http.Request) bool { return r.URL.Path != "/api/v1/devices" }
	require.Equal(t, map[string]connector.Grant{
		"users okta.users.read":     connector.Granted,
		"devices okta.devices.read": connector.Missing,
		"apps okta.apps.read":       connector.Granted,
		"app_users okta.apps.read":  connector.Granted,
	}, grants(t, open(t, config(t, s))))
}

// A tokenEndpoint signs in one service app.
type tokenEndpoint struct {
	key     *rsa.PrivateKey
	granted []string
}

// serve denies a token if a scope is asked for that the app was not granted, as
// Okta does. The token is the scopes themselves.
func (e *tokenEndpoint) serve(w http.ResponseWriter, r *http.Request) {
	answer := func(status int, body map[string]any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	deny := func(status int, code, text string) {
		answer(status, map[string]any{"error": code, "error_description": text})
	}
	if err := r.ParseForm(); err != nil {
		deny(400, "invalid_request", err.Error())
		return
	}
	parts := strings.Split(r.PostForm.Get("client_assertion"), ".")
	if len(parts) != 3 || r.PostForm.Get("grant_type") != "client_credentials" || r.PostForm.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		deny(400, "invalid_request", "the assertion is missing")
		return
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Iss, Sub, Aud string
	}
	if err != nil || json.Unmarshal(b, &claims) != nil || claims.Iss != "0oaclient" || claims.Sub != claims.Iss || claims.Aud != "https://acme.okta.com/oauth2/v1/token" {
		deny(401, "invalid_client", "The client_assertion token is not for this org.")
		return
	}
	if !e.signed(parts) {
		deny(401, "invalid_client", "The client_assertion signature is invalid.")
		return
	}
	for _, scope := range strings.Fields(r.PostForm.Get("scope")) {
		if !slices.Contains(e.granted, scope) {
			deny(400, "invalid_scope", "The app was not granted "+scope)
			return
		}
	}
	answer(http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": 3600, "access_token": r.PostForm.Get("scope"), "scope": r.PostForm.Get("scope")})
}

// signed checks an RS256 signature.
func (e *tokenEndpoint) signed(parts []string) bool {
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return err == nil && rsa.VerifyPKCS1v15(&e.key.PublicKey, crypto.SHA256, sum[:], signature) == nil
}

func newKey(t testing.TB) (*rsa.PrivateKey, string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	b, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b}))
}

// serviceOrg returns an org that takes a service app's tokens, and the key of
// that app.
func serviceOrg(t testing.TB, granted ...string) (*resttest.Server, string) {
	t.Helper()
	key, text := newKey(t)
	endpoint := &tokenEndpoint{key: key, granted: granted}
	s := org(t)
	s.Handlers = map[string]http.HandlerFunc{"/oauth2/v1/token": endpoint.serve}
	s.Authorized = func(r *http.Request) bool {
		return strings.HasPrefix(r.Header.Get("Authorization"), "Bearer okta.")
	}
	s.Permitted = func(r *http.Request) bool {
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v1/"), "/")
		return strings.Contains(r.Header.Get("Authorization"), "okta."+name+".read")
	}
	return s, text
}

func serviceApp(t testing.TB, s *resttest.Server, key string) connector.Config {
	t.Helper()
	cfg := config(t, s)
	cfg.Credential = credential(credentials.JWTBearer, map[string]string{"issuer": "0oaclient", "key_id": "k1", "private_key": key})
	return cfg
}

func TestAServiceAppReads(t *testing.T) {
	t.Parallel()
	s, key := serviceOrg(t, "okta.users.read", "okta.devices.read", "okta.apps.read")
	_, got, err := read(t, open(t, serviceApp(t, s, key)), connector.Request{Stream: okta.UserStream})
	require.NoError(t, err)
	require.Len(t, got, 60)
	require.Equal(t, "Bearer okta.users.read okta.devices.read okta.apps.read", s.Requests()[1].Header.Get("Authorization"))
}

func TestAServiceAppWithoutAScopeReadsTheRest(t *testing.T) {
	t.Parallel()
	s, key := serviceOrg(t, "okta.users.read", "okta.apps.read")
	src := open(t, serviceApp(t, s, key))
	require.Equal(t, map[string]connector.Grant{
		"users okta.users.read":     connector.Granted,
		"devices okta.devices.read": connector.Missing,
		"apps okta.apps.read":       connector.Granted,
		"app_users okta.apps.read":  connector.Granted,
	}, grants(t, src))
	_, _, err := read(t, src, connector.Request{Stream: okta.DeviceStream})
	require.ErrorIs(t, err, connector.ErrPermission)
}

func TestAServiceAppThatIsRefused(t *testing.T) {
	t.Parallel()
	_, other := newKey(t)
	for name, test := range map[string]struct {
		change func(s *resttest.Server, key string) string // what becomes of the key
		class  connector.Class
		text   string
	}{
		"another app's key":   {func(*resttest.Server, string) string { return other }, connector.ErrAuth, "The client_assertion signature is invalid."},
		"no PEM":              {func(*resttest.Server, string) string { return "not a key" }, connector.ErrAuth, "not an RSA key in PEM form"},
		"no scope at all":     {func(s *resttest.Server, key string) string { return key }, connector.ErrAuth, "The app was not granted okta.users.read"},
		"a server in trouble": {trouble, connector.ErrNotFound, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, key := serviceOrg(t)
			_, _, err := read(t, open(t, serviceApp(t, s, test.change(s, key))), connector.Request{Stream: okta.UserStream})
			require.ErrorIs(t, err, test.class)
			require.ErrorContains(t, err, test.text)
		})
	}
}

// trouble denies the first token and is then not to be found.
func trouble(s *resttest.Server, key string) string {
	s.Faults = map[int]resttest.Fault{2: resttest.Status(http.StatusNotFound)}
	return key
}

func TestATokenThatEndsInMidReadIsRenewed(t *testing.T) {
	t.Parallel()
	s, key := serviceOrg(t, "okta.users.read", "okta.devices.read", "okta.apps.read")
	s.Faults = map[int]resttest.Fault{3: refusal(401, "E0000011", "Invalid token provided")}
	_, got, err := read(t, open(t, serviceApp(t, s, key)), connector.Request{Stream: okta.UserStream})
	require.NoError(t, err)
	require.Len(t, got, 60)
	require.Equal(t, "/oauth2/v1/token", s.Requests()[3].URL)
}
