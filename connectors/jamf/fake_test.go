package jamf_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
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
	"github.com/vendorsync/vendorsync/connectors/jamf"
	"github.com/vendorsync/vendorsync/credentials"
)

const (
	clientID     = "3f1c7d9e-client"
	clientSecret = "jamf-client-s3cret"
	username     = "reader"
	password     = "jamf-passw0rd"
)

// A fake is a Jamf Pro server as far as the connector knows it.
type fake struct {
	computers, devices []string
	privileges         []string
	most               int   // the largest page; 2000 if it is 0
	life               int64 // how many requests a token is good for; 0 for any number
	distrust           bool  // no token is good, as when its client was disabled

	issued, used atomic.Int64
}

func newFake(t testing.TB) *fake {
	t.Helper()
	return &fake{
		computers:  copies(t, "jamf-pro-computers", jamf.ComputersStream, 250),
		devices:    copies(t, "jamf-pro-mobile-devices", jamf.MobileDevicesStream, 120),
		privileges: []string{"Read Computers", "Read Mobile Devices"},
	}
}

func (f *fake) server() *resttest.Server {
	return &resttest.Server{Handlers: map[string]http.HandlerFunc{
		"/api/oauth/token": func(w http.ResponseWriter, r *http.Request) {
			if r.PostFormValue("grant_type") != "client_credentials" || r.PostFormValue("client_id") != clientID || r.PostFormValue("client_secret") != clientSecret {
				answer(w, http.StatusUnauthorized, `{"error": "invalid_client"}`)
				return
			}
			answer(w, http.StatusOK, fmt.Sprintf(`{"access_token": %q, "scope": "api-role:1", "token_type": "Bearer", "expires_in": 1800}`, f.issue()))
		},
		"/api/v1/auth/token": func(w http.ResponseWriter, r *http.Request) {
			if user, pass, _ := r.BasicAuth(); r.Method != http.MethodPost || user != username || pass != password {
				refuse(w, http.StatusUnauthorized, "INVALID_CREDENTIALS", "Unauthorized")
				return
			}
			answer(w, http.StatusOK, fmt.Sprintf(`{"token": %q, "expires": "2099-01-01T00:00:00.000Z"}`, f.issue()))
		},
		"/api/v1/computers-inventory": f.list("Read Computers", func(q url.Values) []string { return inventory(f.computers, q) }),
		"/api/v3/computers-inventory": f.list("Read Computers", func(q url.Values) []string { return inventory(f.computers[:1], q) }),
		"/api/v2/mobile-devices":      f.list("Read Mobile Devices", func(url.Values) []string { return f.devices }),
	}}
}

func (f *fake) issue() string {
	f.used.Store(0)
	return "issued-token-" + strconv.FormatInt(f.issued.Add(1), 10)
}

// list serves pages to those who have a token and the privilege.
func (f *fake) list(privilege string, items func(url.Values) []string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		page, errPage := strconv.Atoi(q.Get("page"))
		size, errSize := strconv.Atoi(q.Get("page-size"))
		most := f.most
		if most == 0 {
			most = 2000
		}
		switch {
		case f.distrust, r.Header.Get("Authorization") != "Bearer issued-token-"+strconv.FormatInt(f.issued.Load(), 10), f.life > 0 && f.used.Add(1) > f.life:
			refuse(w, http.StatusUnauthorized, "INVALID_TOKEN", "Unauthorized")
			return
		case !slices.Contains(f.privileges, privilege):
			refuse(w, http.StatusForbidden, "INVALID_PRIVILEGE", "Forbidden")
			return
		case errPage != nil || errSize != nil || page < 0 || size < 1 || size > most || q.Get("sort") != "id:asc":
			refuse(w, http.StatusBadRequest, "INVALID_FIELD", fmt.Sprintf("page-size must be 1 to %d", most))
			return
		}
		all := items(q)
		from := min(page*size, len(all))
		answer(w, http.StatusOK, fmt.Sprintf(`{"totalCount": %d, "results": [%s]}`, len(all), strings.Join(all[from:min(from+size, len(all))], ", ")))
	}
}

// sections are the members of a computer and what they are asked for with.
var sections = map[string]string{
	"general": "GENERAL", "hardware": "HARDWARE", "operatingSystem": "OPERATING_SYSTEM", "userAndLocation": "USER_AND_LOCATION",
	"purchasing": "PURCHASING", "applications": "APPLICATIONS", "extensionAttributes": "EXTENSION_ATTRIBUTES",
}

// inventory returns the computers with the sections that are asked for, and those
// alone that the filter wants.
func inventory(computers []string, q url.Values) []string {
	since := strings.Trim(strings.TrimPrefix(q.Get("filter"), "general.reportDate>="), `"`)
	var out []string
	for _, text := range computers {
		var doc map[string]any
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			panic(err)
		}
		general, _ := doc["general"].(map[string]any)
		reported, _ := general["reportDate"].(string)
		if reported < since {
			continue
		}
		maps.DeleteFunc(doc, func(member string, _ any) bool {
			section, ok := sections[member]
			return ok && !slices.Contains(q["section"], section)
		})
		out = append(out, string(encode(doc)))
	}
	return out
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func refuse(w http.ResponseWriter, status int, code, description string) {
	answer(w, status, fmt.Sprintf(`{"httpStatus": %d, "errors": [{"code": %q, "description": %q, "id": "0", "field": null}]}`, status, code, description))
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
func copies(t testing.TB, name, stream string, n int) []string {
	t.Helper()
	first := readShape(t, name).Records[0]
	def, ok := jamf.New().Spec().Stream(stream)
	require.True(t, ok)
	optional := slices.DeleteFunc(slices.Clone(def.Fields), func(f connector.Field) bool { return f.Path == def.Key })
	require.Greater(t, n, len(optional))
	out := make([]string, n)
	for i := range out {
		var doc map[string]any
		require.NoError(t, json.Unmarshal(first, &doc))
		doc["id"], doc["udid"] = strconv.Itoa(i+1), fmt.Sprintf("UDID-%d", i+1)
		if general, ok := doc["general"].(map[string]any); ok {
			general["reportDate"] = fmt.Sprintf("2026-01-%02dT08:00:00.000Z", 1+i%20)
		}
		drop(doc, optional[i%len(optional)].Path)
		out[i] = string(encode(doc))
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

func apiClient(secret string) credentials.Source {
	return credential(credentials.ClientCredentials, "client_id", clientID, "client_secret", secret)
}

func account(secret string) credentials.Source {
	return credential(credentials.Session, "username", username, "password", secret)
}

func credential(kind credentials.Kind, namesAndValues ...string) credentials.Source {
	values := map[string]credentials.Secret{}
	for i := 0; i+1 < len(namesAndValues); i += 2 {
		values[namesAndValues[i]] = credentials.NewSecret(namesAndValues[i+1])
	}
	return credentials.Static(credentials.Credential{Kind: kind, Values: values})
}

// open opens the connector at a server, with an API client.
func open(t testing.TB, s *resttest.Server, change ...func(*connector.Config)) (connector.Source, error) {
	t.Helper()
	transport := s.Transport()
	t.Cleanup(func() { require.NoError(t, transport.Close()) })
	settings, err := jamf.New().Spec().Resolve(connector.Settings{"domain": {"acme.jamfcloud.com"}})
	require.NoError(t, err)
	cfg := connector.Config{Settings: settings, Credential: apiClient(clientSecret), Transport: transport}
	for _, f := range change {
		f(&cfg)
	}
	return jamf.New().Open(t.Context(), cfg)
}

// read reads a stream to its end.
func read(t testing.TB, s *resttest.Server, req connector.Request, change ...func(*connector.Config)) ([]connector.Record, error) {
	t.Helper()
	src, err := open(t, s, change...)
	if err != nil {
		return nil, err
	}
	defer func() { require.NoError(t, src.Close()) }()
	var out []connector.Record
	for page, err := range connector.Pages(t.Context(), src, req) {
		if err != nil {
			return out, err
		}
		out = append(out, page.Records...)
	}
	return out, nil
}
