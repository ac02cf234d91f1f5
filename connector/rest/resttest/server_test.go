package resttest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector/rest/resttest"
)

func get(t *testing.T, s *resttest.Server, target string, header ...string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	require.NoError(t, err)
	return w.Code, string(body)
}

func TestWhatTheServerAnswers(t *testing.T) {
	t.Parallel()
	items := []string{`{"id":1}`, `{"id":2}`, `{"id":3}`}
	s := &resttest.Server{
		Authorized: resttest.Bearer("good"),
		Permitted:  func(r *http.Request) bool { return r.URL.Path != "/forbidden" },
		Fixtures:   map[string]string{"/one": `{"id":1}`, "/one?v=2": `{"id":2}`},
		Lists: map[string]*resttest.List{
			"/links":   {Form: resttest.Links, Items: items, MaxSize: 2},
			"/cursors": {Form: resttest.Cursors, Records: "list", Items: items, MaxSize: 2, Lie: 7, Extra: `"ok": true`},
			"/pages":   {Form: resttest.Pages, First: 1, Items: items, MaxSize: 2, NoContent: true},
			"/offsets": {Form: resttest.Offsets, First: 1, Items: items, MaxSize: 2},
			"/next":    {Form: resttest.NextURLs, Records: "list", Items: items, MaxSize: 2},
			"/nested":  {Form: resttest.Cursors, Records: "data.list", Next: "data.page.after", Param: "after", Size: "first", Total: "data.count", Items: items, MaxSize: 2},
			"/keyed":   {Form: resttest.Offsets, Records: "list", Keyed: true, Items: items, MaxSize: 2},
			"/odata":   {Form: resttest.ODataForm, Records: "value", Items: items, MaxSize: 2},
		},
	}
	tests := map[string]struct {
		target string
		status int
		body   string
	}{
		"a fixture":                      {"/one", 200, `{"id":1}`},
		"a fixture with its query":       {"/one?v=2", 200, `{"id":2}`},
		"nothing":                        {"/none", 404, `{"error":"there is nothing at /none"}`},
		"what is not permitted":          {"/forbidden", 403, `{"error":"the scope is missing"}`},
		"the first page":                 {"/links", 200, `[{"id":1},{"id":2}]`},
		"the page after a link":          {"/links?after=c2", 200, `[{"id":3}]`},
		"a page larger than the maximum": {"/links?limit=3", 400, `{"error":"limit must be 1 to 2"}`},
		"a cursor and a total that lies": {"/cursors", 200, `{"list": [{"id":1},{"id":2}], "total": 10, "next": "c2", "ok": true}`},
		"the last page of a cursor":      {"/cursors?cursor=c2", 200, `{"list": [{"id":3}], "total": 10, "ok": true}`},
		"the second page":                {"/pages?page=2", 200, `[{"id":3}]`},
		"the page after the last":        {"/pages?page=3", 204, ``},
		"a page before the first":        {"/pages?page=0", 400, `{"error":"no such page"}`},
		"an offset":                      {"/offsets?offset=2", 200, `[{"id":2},{"id":3}]`},
		"members within members":         {"/nested?first=1&after=c1", 200, `{"data": {"list": [{"id":2}], "count": 3, "page": {"after": "c2"}}}`},
		"an object of records":           {"/keyed?offset=1", 200, `{"list": {"2": {"id":2}, "3": {"id":3}}, "total": 3}`},
		"OData":                          {"/odata?x=1", 200, `{"value": [{"id":1},{"id":2}], "total": 3, "@odata.nextLink": "http://example.com/odata?after=c2&x=1"}`},
		"the address of the next page":   {"/next?a=b", 200, `{"list": [{"id":1},{"id":2}], "total": 3, "next": "http://example.com/next?a=b&after=c2"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body := get(t, s, test.target, "Authorization", "Bearer good")
			require.Equal(t, test.status, status)
			require.Equal(t, test.body, body)
		})
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/nested", strings.NewReader(`{"first": 1, "after": "c2"}`))
	r.Header.Set("Authorization", "Bearer good")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	require.JSONEq(t, `{"data": {"list": [{"id":3}], "count": 3}}`, w.Body.String())
	status, _ := get(t, s, "/one", "Authorization", "Bearer bad")
	require.Equal(t, http.StatusUnauthorized, status)
}
