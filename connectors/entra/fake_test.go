package entra_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/connectors/entra"
	"github.com/vendorsync/vendorsync/credentials"
)

const (
	tenant       = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	clientID     = "0d1f2e3c-client"
	clientSecret = "entra~client-s3cret"
	endedSecret  = "entra~ended-s3cret"
)

// A fake is Microsoft's token service and Graph as far as the connector knows
// them.
type fake struct {
	users, devices []map[string]any
	permissions    []string
	most           int   // the largest page; 999 if it is 0
	life           int64 // how many requests a token is good for; 0 for any number
	distrust       bool  // no token is good
	next           string

	issued, used atomic.Int64
}

func newFake(t testing.TB) *fake {
	t.Helper()
	return &fake{
		users:       copies(t, "entra-users", entra.UsersStream, 2100),
		devices:     copies(t, "entra-devices", entra.DevicesStream, 120),
		permissions: []string{"User.Read.All", "Device.Read.All"},
	}
}

func (f *fake) server() *resttest.Server {
	return &resttest.Server{Handlers: map[string]http.HandlerFunc{
		"/" + tenant + "/oauth2/v2.0/token": f.token,
		"/acme.example/oauth2/v2.0/token": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusBadRequest, `{"error": "invalid_request", "error_description": "AADSTS90002: Tenant 'acme.example' not found."}`)
		},
		"/v1.0/users":   f.list("User.Read.All", f.users),
		"/v1.0/devices": f.list("Device.Read.All", f.devices),
	}}
}

func (f *fake) token(w http.ResponseWriter, r *http.Request) {
	graph := strings.NewReplacer("login.microsoftonline.com", "graph.microsoft.com", "login.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn").Replace(r.Host)
	switch {
	case r.PostFormValue("grant_type") != "client_credentials", r.PostFormValue("client_id") != clientID, r.PostFormValue("scope") != "https://"+graph+"/.default":
		answer(w, http.StatusBadRequest, `{"error": "invalid_request", "error_description": "AADSTS900144: a parameter is missing."}`)
	case r.PostFormValue("client_secret") == endedSecret:
		answer(w, http.StatusUnauthorized, `{"error": "invalid_client", "error_description": "AADSTS7000222: The provided client secret keys are expired.", "error_codes": [7000222]}`)
	case r.PostFormValue("client_secret") != clientSecret:
		answer(w, http.StatusUnauthorized, `{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided.", "error_codes": [7000215]}`)
	default:
		f.used.Store(0)
		answer(w, http.StatusOK, fmt.Sprintf(`{"token_type": "Bearer", "expires_in": 3599, "access_token": "issued-token-%d"}`, f.issued.Add(1)))
	}
}

// needed are the permissions that single fields take.
var needed = map[string]string{"signInActivity": "AuditLog.Read.All", "employeeLeaveDateTime": "User-LifeCycleInfo.Read.All"}

// list serves pages to those who have a token and the permissions.
func (f *fake) list(permission string, items []map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		fields := strings.Split(q.Get("$select"), ",")
		relation, _, _ := strings.Cut(q.Get("$expand"), "(")
		permitted := slices.Contains(f.permissions, permission)
		most := f.most
		if most == 0 {
			most = 999
		}
		for _, field := range fields {
			permitted = permitted && (needed[field] == "" || slices.Contains(f.permissions, needed[field]))
			if field == "signInActivity" {
				most = min(most, 120)
			}
		}
		size, err := strconv.Atoi(q.Get("$top"))
		from := 0
		if mark := q.Get("$skiptoken"); mark != "" && err == nil {
			from, err = strconv.Atoi(strings.TrimPrefix(mark, "after-"))
		}
		switch {
		case f.distrust, r.Header.Get("Authorization") != "Bearer issued-token-"+strconv.FormatInt(f.issued.Load(), 10), f.life > 0 && f.used.Add(1) > f.life:
			refuse(w, http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")
			return
		case !permitted:
			refuse(w, http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
			return
		case err != nil || from < 0 || from > len(items) || size < 1 || size > most:
			refuse(w, http.StatusBadRequest, "Request_UnsupportedQuery", fmt.Sprintf("Invalid page size specified: '%d'. Must be between 1 and %d inclusive.", size, most))
			return
		}
		to := min(from+size, len(items))
		page := map[string]any{"@odata.context": "https://" + r.Host + "/v1.0/$metadata", "value": chosen(items[from:to], append(fields, relation))}
		if to < len(items) {
			q.Set("$skiptoken", "after-"+strconv.Itoa(to))
			page["@odata.nextLink"] = "https://" + r.Host + r.URL.Path + "?" + q.Encode()
			if f.next != "" {
				page["@odata.nextLink"] = f.next
			}
		}
		answer(w, http.StatusOK, string(encode(page)))
	}
}

// chosen returns the items with some of their members alone.
func chosen(items []map[string]any, members []string) []map[string]any {
	out := make([]map[string]any, len(items))
	for i, item := range items {
		out[i] = maps.Clone(item)
		maps.DeleteFunc(out[i], func(member string, _ any) bool { return !slices.Contains(members, member) })
	}
	return out
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, fmt.Sprintf(`{"error": {"code": %q, "message": %q, "innerError": {"request-id": "b1c9", "date": "2026-01-01T00:00:00"}}}`, code, message))
}

// A shape is a stream as it comes from the vendor, with what the right mapping
// makes of it.
type shape struct {
	Records, Rows []json.RawMessage
}

func readShape(t testing.TB, name string) shape {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "mapping", "testdata", "vendors", name+".json"))
	require.NoError(t, err)
	var s shape
	require.NoError(t, json.Unmarshal(text, &s))
	return s
}

// copies returns n records made of a shape's first one, each with its own id and
// without one of the stream's fields.
func copies(t testing.TB, name, stream string, n int) []map[string]any {
	t.Helper()
	first := readShape(t, name).Records[0]
	def, ok := entra.New().Spec().Stream(stream)
	require.True(t, ok)
	optional := slices.DeleteFunc(slices.Clone(def.Fields), func(f connector.Field) bool { return f.Path == def.Key })
	require.Greater(t, n, len(optional))
	out := make([]map[string]any, n)
	for i := range out {
		require.NoError(t, json.Unmarshal(first, &out[i]))
		out[i]["id"] = strconv.Itoa(i + 1)
		if owners, ok := out[i]["registeredOwners"].([]any); ok {
			owner, _ := owners[0].(map[string]any)
			owner["userPrincipalName"] = "zoe.angstrom@example.com"
		}
		drop(out[i], optional[i%len(optional)].Path)
	}
	return out
}

// drop takes the value at a path out of a document, out of each item of a list.
func drop(v any, path string) {
	key, rest, deeper := strings.Cut(path, ".")
	name, every := strings.CutSuffix(key, "[]")
	doc, _ := v.(map[string]any)
	switch {
	case !deeper:
		delete(doc, name)
	case every:
		list, _ := doc[name].([]any)
		for _, item := range list {
			drop(item, rest)
		}
	default:
		drop(doc[name], rest)
	}
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func app(secret string) credentials.Source {
	return credentials.Static(credentials.Credential{Kind: credentials.ClientCredentials, Values: map[string]credentials.Secret{
		"client_id": credentials.NewSecret(clientID), "client_secret": credentials.NewSecret(secret),
	}})
}

// open opens the connector at a server.
func open(t testing.TB, s *resttest.Server, change ...func(*connector.Config)) (connector.Source, error) {
	t.Helper()
	transport := s.Transport()
	t.Cleanup(func() { require.NoError(t, transport.Close()) })
	settings, err := entra.New().Spec().Resolve(connector.Settings{"tenant_id": {tenant}})
	require.NoError(t, err)
	cfg := connector.Config{Settings: settings, Credential: app(clientSecret), Transport: transport}
	for _, f := range change {
		f(&cfg)
	}
	return entra.New().Open(t.Context(), cfg)
}

func set(name, value string) func(*connector.Config) {
	return func(c *connector.Config) { c.Settings[name] = []string{value} }
}

// read reads a stream to its end.
func read(t testing.TB, s *resttest.Server, stream string, change ...func(*connector.Config)) ([]connector.Record, error) {
	t.Helper()
	src, err := open(t, s, change...)
	if err != nil {
		return nil, err
	}
	defer func() { require.NoError(t, src.Close()) }()
	var out []connector.Record
	for page, err := range connector.Pages(t.Context(), src, connector.Request{Stream: stream}) {
		if err != nil {
			return out, err
		}
		out = append(out, page.Records...)
	}
	return out, nil
}
