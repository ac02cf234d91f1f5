package rest_test

import (
	"net/http"
	"testing"

	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
)

// threeTokens answers 401 and 403 as many vendors do.
func threeTokens(l resttest.List) func(testing.TB) *resttest.Server {
	return func(testing.TB) *resttest.Server {
		good := resttest.Server{Lists: users(l)}
		return &resttest.Server{Handlers: map[string]http.HandlerFunc{"/api/users": func(w http.ResponseWriter, r *http.Request) {
			switch r.Header.Get("Authorization") {
			case "Bearer " + secret:
				good.ServeHTTP(w, r)
			case "Bearer expired-token":
				resttest.Answer(http.StatusUnauthorized, `{"error": "the token has expired"}`)(w, r)
			case "Bearer weak-token":
				resttest.Answer(http.StatusForbidden, `{"error": "the scope users:read is missing"}`)(w, r)
			default:
				resttest.Answer(http.StatusUnauthorized, `{"error": "the token is not known"}`)(w, r)
			}
		}}}
	}
}

func TestTheFaultsOfVendors(t *testing.T) { // alone: memory is measured
	items := resttest.Items(250)
	for name, test := range map[string]struct {
		stream rest.Stream
		list   resttest.List
		total  string
	}{
		"a cursor":         {rest.Stream{Records: "users", Paging: rest.Cursor{Param: "cursor", Path: "next", Size: "limit"}, PageSize: 100}, resttest.List{Form: resttest.Cursors, Records: "users", Items: items}, ""},
		"a link header":    {rest.Stream{Paging: rest.LinkHeader{Size: "limit"}, PageSize: 100}, resttest.List{Form: resttest.Links, Items: items}, ""},
		"the next address": {rest.Stream{Records: "users", Paging: rest.NextURL{Path: "next", Size: "limit"}, PageSize: 100}, resttest.List{Form: resttest.NextURLs, Records: "users", Items: items}, ""},
		"page numbers":     {rest.Stream{Records: "users", Paging: rest.PageNumber{Param: "page", Size: "limit", Total: "total"}, PageSize: 100}, resttest.List{Form: resttest.Pages, Records: "users", Items: items}, "total"},
		"offsets":          {rest.Stream{Records: "users", Paging: rest.Offset{Param: "offset", Size: "limit", Total: "total"}, PageSize: 100}, resttest.List{Form: resttest.Offsets, Records: "users", Items: items}, "total"},
	} {
		t.Run(name, func(t *testing.T) {
			resttest.RunFaults(t, vendor(test.stream), resttest.FaultOptions{
				Server:  threeTokens(test.list),
				Config:  config(nil),
				Stream:  "users",
				Path:    "/api/users",
				Expired: resttest.Refusal{Credential: token("expired-token"), Says: []string{"has expired"}},
				Wrong:   resttest.Refusal{Credential: token("another-token"), Says: []string{"not known"}},
				Weak:    resttest.Refusal{Credential: token("weak-token"), Says: []string{"users:read is missing"}},
				Total:   test.total,
			})
		})
	}
}
