package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed org.json
var orgJSON []byte

// An object is a record of the fake.
type object = map[string]any

// A fakeOkta answers like the Management API of a small Okta org, as far as the
// connector asks: API tokens, lists in pages that Link headers lead through,
// filters, and errors in Okta's words
// (https://developer.okta.com/docs/reference/core-okta-api/).
type fakeOkta struct {
	server *http.Server
	addr   string
	client http.Transport

	mu                   sync.Mutex
	users, devices, apps []object
	// tokens are the lists that the account of each API token may read.
	tokens map[string][]string
}

// pageSize is how many records a page has at most, whatever is asked for, so that
// a small org has several pages.
const pageSize = 3

// startFake serves a fake org on the loopback interface.
func startFake() (*fakeOkta, error) {
	var org struct{ Users, Devices, Apps []object }
	if err := json.Unmarshal(orgJSON, &org); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it listens at once
	if err != nil {
		return nil, err
	}
	f := &fakeOkta{addr: listener.Addr().String(), users: org.Users, devices: org.Devices, apps: org.Apps, tokens: map[string][]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/users", f.list("users", 200, f.listUsers))
	mux.HandleFunc("GET /api/v1/devices", f.list("devices", 200, f.listDevices))
	mux.HandleFunc("GET /api/v1/apps", f.list("apps", 200, f.listApps))
	mux.HandleFunc("GET /api/v1/apps/{app}/users", f.list("apps", 500, f.listAppUsers))
	f.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = f.server.Serve(listener) }()
	return f, nil
}

// Close stops the fake.
func (f *fakeOkta) Close() error {
	f.client.CloseIdleConnections()
	return f.server.Close()
}

// RoundTrip leads a request for any Okta org to the fake.
func (f *fakeOkta) RoundTrip(req *http.Request) (*http.Response, error) {
	to := req.Clone(req.Context())
	to.Host = req.URL.Host // as which org the fake is asked
	to.URL.Scheme, to.URL.Host = "http", f.addr
	resp, err := f.client.RoundTrip(to)
	if resp != nil {
		resp.Request = req // what was asked for, not where it was led to
	}
	return resp, err
}

// allow lets the account of a token read lists, and no others.
func (f *fakeOkta) allow(token string, lists ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens[token] = lists
}

// end makes a token invalid, as Okta does with one that nobody has used for 30
// days.
func (f *fakeOkta) end(token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.tokens, token)
}

// setProfile changes one attribute of a user or a device.
func (f *fakeOkta) setProfile(id, attribute string, value any, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, o := range slices.Concat(f.users, f.devices) {
		if profile, ok := o["profile"].(object); ok && o["id"] == id {
			profile[attribute] = value
			o["lastUpdated"] = at.UTC().Format(time.RFC3339)
		}
	}
}

// list answers with a page of what records returns, if the token may read it.
func (f *fakeOkta) list(name string, maxLimit int, records func(*http.Request) []object) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "SSWS ")
		lists, known := f.tokens[token]
		limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
		switch {
		case !known:
			refuse(w, http.StatusUnauthorized, "E0000011", "Invalid token provided")
		case !slices.Contains(lists, name):
			refuse(w, http.StatusForbidden, "E0000006", "You do not have permission to perform the requested action")
		case err != nil || limit < 1 || limit > maxLimit:
			refuse(w, http.StatusBadRequest, "E0000001", "Api validation failed: limit")
		default:
			writePage(w, r, records(r), min(limit, pageSize))
		}
	}
}

// writePage writes the records behind the cursor, and a link to what follows.
func writePage(w http.ResponseWriter, r *http.Request, records []object, size int) {
	query := r.URL.Query()
	after := 1 + slices.IndexFunc(records, func(o object) bool { return o["id"] == query.Get("after") })
	rest := records[after:]
	page := rest[:min(size, len(rest))]
	address := "https://" + r.Host + r.URL.Path + "?"
	w.Header().Add("Link", fmt.Sprintf(`<%s%s>; rel="self"`, address, query.Encode()))
	if len(page) < len(rest) {
		query.Set("after", fmt.Sprint(page[len(page)-1]["id"]))
		w.Header().Add("Link", fmt.Sprintf(`<%s%s>; rel="next"`, address, query.Encode()))
	}
	writeJSON(w, http.StatusOK, page)
}

func refuse(w http.ResponseWriter, status int, code, summary string) {
	writeJSON(w, status, object{"errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": "oae1", "errorCauses": []string{}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
}

var (
	statusFilter = regexp.MustCompile(`status eq "([A-Z_]+)"`)
	sinceFilter  = regexp.MustCompile(`lastUpdated gt "([^"]+)"`)
)

// listUsers lists users by the states that the filter names; without a filter,
// those that are deprovisioned are left out.
func (f *fakeOkta) listUsers(r *http.Request) []object {
	filter := r.URL.Query().Get("filter")
	return pick(f.users, func(o object) bool {
		for _, m := range statusFilter.FindAllStringSubmatch(filter, -1) {
			if o["status"] == m[1] {
				return changed(o, filter)
			}
		}
		return filter == "" && o["status"] != "DEPROVISIONED"
	})
}

func (f *fakeOkta) listDevices(r *http.Request) []object {
	out := []object{}
	for _, o := range f.devices {
		if !changed(o, r.URL.Query().Get("search")) {
			continue
		}
		o, ids := without(o, "users")
		if r.URL.Query().Get("expand") == "userSummary" {
			users := pick(f.users, func(u object) bool { return slices.Contains(ids, u["id"]) })
			embedded := make([]object, len(users))
			for i, u := range users {
				embedded[i] = object{"managementStatus": "MANAGED", "user": u}
			}
			o["_embedded"] = object{"users": embedded}
		}
		out = append(out, o)
	}
	return out
}

func (f *fakeOkta) listApps(*http.Request) []object {
	out := make([]object, len(f.apps))
	for i, o := range f.apps {
		out[i], _ = without(o, "users")
	}
	return out
}

func (f *fakeOkta) listAppUsers(r *http.Request) []object {
	out := []object{}
	for _, app := range pick(f.apps, func(o object) bool { return o["id"] == r.PathValue("app") }) {
		_, assigned := without(app, "users")
		for _, a := range assigned {
			a, ok := a.(object)
			if !ok {
				continue
			}
			a, _ = without(a, "_embedded")
			if r.URL.Query().Get("expand") == "user" {
				for _, u := range pick(f.users, func(u object) bool { return u["id"] == a["id"] }) {
					a["_embedded"] = object{"user": u}
				}
			}
			out = append(out, a)
		}
	}
	return out
}

// changed reports whether a record was updated after the moment that a filter
// names, if it names one.
func changed(o object, filter string) bool {
	m := sinceFilter.FindStringSubmatch(filter)
	if m == nil {
		return true
	}
	since, err := time.Parse(time.RFC3339, m[1])
	updated, ok := o["lastUpdated"].(string)
	at, parseErr := time.Parse(time.RFC3339, updated)
	return err == nil && ok && parseErr == nil && at.After(since)
}

func pick(all []object, keep func(object) bool) []object {
	return slices.DeleteFunc(slices.Clone(all), func(o object) bool { return !keep(o) })
}

// without returns a copy of a record without one of its members, which is a list.
func without(o object, member string) (rest object, items []any) {
	rest = object{}
	for name, v := range o {
		if name != member {
			rest[name] = v
		}
	}
	items, _ = o[member].([]any)
	return rest, items
}
