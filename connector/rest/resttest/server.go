package resttest

import (
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Server is a vendor's server, made of lists and fixtures. The fields are not
// changed while it serves; the zero value knows no address. Its methods are safe
// for concurrent use, and it is used by its pointer.
type Server struct {
	// Authorized looks at each request's credential; a request that it refuses is
	// answered with 401. Nil takes every request.
	Authorized func(r *http.Request) bool
	// Permitted says whether the credential may ask for this; if not, the answer
	// is 403. Nil permits everything.
	Permitted func(r *http.Request) bool
	// Lists are served by their path.
	Lists map[string]*List
	// Handlers answer what is no list, by path: "/oauth/token". They are asked
	// before the credential is looked at.
	Handlers map[string]http.HandlerFunc
	// Fixtures are served as they are, by path and query ("/users?page=2") or by
	// path alone.
	Fixtures map[string]string
	// Faults happen in place of the answer to the nth request, counted from 1.
	Faults map[int]Fault
	// Always happens in place of every answer. Nil is no fault.
	Always Fault
	// Limit is the rate limit. Nil is none.
	Limit *Limit
	// Delay is how long each answer takes.
	Delay time.Duration

	hook func(w http.ResponseWriter, r *http.Request) bool // answers a request in place of all else

	mu       sync.Mutex
	requests []Seen
	window   time.Time
	used     int
}

// Seen is a request that came in.
type Seen struct {
	Method string
	Host   string
	URL    string // path and query
	Header http.Header
	At     time.Time
}

// A Limit allows Requests in each window of Per and answers 429 to the others.
type Limit struct {
	Requests int
	Per      time.Duration
	// Header writes what the vendor says of the limit. Nil writes Retry-After in
	// seconds with a 429.
	Header func(h http.Header, remaining int, reset time.Time, refused bool)
}

// Bearer returns an Authorized that takes one bearer token.
func Bearer(token string) func(*http.Request) bool { return Header("Authorization", "Bearer "+token) }

// Header returns an Authorized that takes one value of a header.
func Header(name, value string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return subtle.ConstantTimeCompare([]byte(r.Header.Get(name)), []byte(value)) == 1
	}
}

// Basic returns an Authorized that takes one user name and password.
func Basic(user, password string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		u, p, ok := r.BasicAuth()
		return ok && u == user && p == password
	}
}

// Query returns an Authorized that takes one value of a query parameter.
func Query(name, value string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.URL.Query().Get(name) == value }
}

// Items returns n records with an id and a name, one in seven of which is not
// ASCII.
func Items(n int) []string {
	out := make([]string, n)
	for i := range out {
		name := fmt.Sprintf("Person %d", i+1)
		if i%7 == 3 {
			name = fmt.Sprintf("Zoë Łukasz %d", i+1)
		}
		out[i] = fmt.Sprintf(`{"id": "u%d", "name": %q, "number": %d.0}`, i+1, name, i+1)
	}
	return out
}

// Requests returns what has come in, in order.
func (s *Server) Requests() []Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Seen(nil), s.requests...)
}

// note counts a request and says whether the limit allows it.
func (s *Server) note(w http.ResponseWriter, r *http.Request) (number int, allowed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.requests = append(s.requests, Seen{Method: r.Method, Host: r.Host, URL: r.URL.RequestURI(), Header: r.Header.Clone(), At: now})
	number = len(s.requests)
	if s.Limit == nil {
		return number, true
	}
	if now.Sub(s.window) >= s.Limit.Per {
		s.window, s.used = now, 0
	}
	s.used++
	allowed = s.used <= s.Limit.Requests
	reset := s.window.Add(s.Limit.Per)
	switch {
	case s.Limit.Header != nil:
		s.Limit.Header(w.Header(), max(0, s.Limit.Requests-s.used), reset, !allowed)
	case !allowed:
		w.Header().Set("Retry-After", strconv.Itoa(int(reset.Sub(now).Seconds())+1))
	}
	return number, allowed
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	number, allowed := s.note(w, r)
	if s.Delay > 0 {
		select {
		case <-time.After(s.Delay):
		case <-r.Context().Done():
			return
		}
	}
	if s.hook != nil && s.hook(w, r) {
		return
	}
	fault := s.Always
	if own, ok := s.Faults[number]; ok {
		fault = own
	}
	s.respond(w, r, fault, allowed)
}

// respond answers with the fault, if there is one, or as the vendor does.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, fault Fault, allowed bool) {
	handler, handled := s.Handlers[r.URL.Path]
	switch {
	case fault != nil:
		fault(w, r)
	case !allowed:
		refuse(w, http.StatusTooManyRequests, "too many requests")
	case handled:
		handler(w, r)
	case s.Authorized != nil && !s.Authorized(r):
		refuse(w, http.StatusUnauthorized, "invalid token "+r.Header.Get("Authorization")+r.URL.RawQuery)
	case s.Permitted != nil && !s.Permitted(r):
		refuse(w, http.StatusForbidden, "the scope is missing")
	default:
		s.answer(w, r)
	}
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	if text, ok := s.Fixtures[r.URL.RequestURI()]; ok {
		write(w, text)
		return
	}
	if text, ok := s.Fixtures[r.URL.Path]; ok {
		write(w, text)
		return
	}
	if l, ok := s.Lists[r.URL.Path]; ok {
		l.serve(w, r)
		return
	}
	refuse(w, http.StatusNotFound, "there is nothing at "+r.URL.Path)
}

// refuse answers with an error as many vendors write it.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	b, err := json.Marshal(map[string]string{"error": message})
	if err == nil {
		_, _ = w.Write(b)
	}
}

func write(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(text))
}

// A Form is a way in which a list comes in pages.
type Form int

// The forms of paging.
const (
	Whole     Form = iota // in one page
	Links                 // a Link header with rel="next"
	Cursors               // a member "next" of the answer, sent back as "cursor"
	Headers               // a header "After-Cursor" of the answer, sent back as "cursor"
	Keys                  // the last record's id, sent back as "after"; a member "has_more" is true until the end
	NextURLs              // a member "next" of the answer that is an absolute address
	Relative              // as NextURLs, without scheme and host
	ODataForm             // a member "@odata.nextLink"
	Pages                 // the parameter "page", from First
	Offsets               // the parameter "offset", from First
)

// A List is a list of records in pages. What is asked for is a parameter of the
// query or, dotted names leading into objects, a member of a JSON body.
type List struct {
	Form    Form
	Items   []string
	Records string // the member that holds the records, "data.users"; empty for an answer that is the list
	Param   string // the parameter of the page; empty for that of the Form
	Size    string // the parameter of the page's size; empty for "limit"
	Next    string // the member or header of the next page, "meta.next"; empty for that of the Form
	Total   string // the member that counts all records; empty for "total"
	// Keyed sends the records as the values of an object.
	Keyed bool
	// MaxSize refuses larger pages with 400 and is the size of a page if none is
	// asked for. 0 means 100.
	MaxSize int
	First   int // the number of the first page or record, for Pages and Offsets
	// Short cuts every page to so many records, whatever was asked for, without
	// being the last.
	Short int
	// Lie is added to the total of all records.
	Lie int
	// Repeat answers every page with the first cursor again.
	Repeat bool
	// NoContent ends the list with a page of status 204.
	NoContent bool
	// Extra are further members of the answer: `"ok": true`.
	Extra string
}

func (l *List) serve(w http.ResponseWriter, r *http.Request) {
	asked, err := parameters(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	most := cmp.Or(l.MaxSize, 100)
	size := most
	if text := asked(cmp.Or(l.Size, "limit")); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("%s must be 1 to %d", cmp.Or(l.Size, "limit"), most))
			return
		}
		size = n
	}
	from, ok := l.from(asked, size)
	if !ok {
		refuse(w, http.StatusBadRequest, "no such page")
		return
	}
	if l.Short > 0 && l.Form != Pages {
		size = min(size, l.Short)
	}
	if l.Form == Whole {
		from, size = 0, len(l.Items)
	}
	from = min(from, len(l.Items))
	to := min(from+size, len(l.Items))
	if from == to && l.NoContent {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	l.write(w, r, from, to)
}

// parameters returns what a request asks for: its query, or its body.
func parameters(r *http.Request) (func(name string) string, error) {
	if r.Method != http.MethodPost {
		return r.URL.Query().Get, nil
	}
	var body any
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	if err := d.Decode(&body); err != nil {
		return nil, fmt.Errorf("the body is no JSON: %w", err)
	}
	return func(name string) string {
		v := body
		for step := range strings.SplitSeq(name, ".") {
			object, _ := v.(map[string]any)
			v = object[step]
		}
		if v == nil {
			return ""
		}
		return fmt.Sprint(v)
	}, nil
}

// ways are how each form names the next page in its answer and is asked for it.
var ways = map[Form]struct{ next, param string }{
	Links:     {"", "after"},
	Cursors:   {"next", "cursor"},
	Headers:   {"After-Cursor", "cursor"},
	Keys:      {"has_more", "after"},
	NextURLs:  {"next", "after"},
	Relative:  {"next", "after"},
	ODataForm: {"@odata.nextLink", "after"},
	Pages:     {"", "page"},
	Offsets:   {"", "offset"},
}

func (l *List) param() string { return cmp.Or(l.Param, ways[l.Form].param) }

// from returns the place of the page's first record.
func (l *List) from(asked func(string) string, size int) (int, bool) {
	first, step := 0, 1
	switch l.Form {
	case Whole:
		return 0, true
	case Pages:
		first, step = l.First, size
	case Offsets:
		first = l.First
	default:
	}
	text := asked(l.param())
	if text == "" {
		return 0, true
	}
	if l.Form == Keys {
		i := slices.IndexFunc(l.Items, func(item string) bool { return strings.Contains(item, strconv.Quote(text)) })
		return i + 1, i >= 0
	}
	n, err := strconv.Atoi(strings.TrimPrefix(text, "c"))
	return (n - first) * step, err == nil && n >= first
}

func (l *List) write(w http.ResponseWriter, r *http.Request, from, to int) {
	next := "c" + strconv.Itoa(to)
	if l.Repeat {
		next = "c1"
	}
	u := *r.URL
	q := u.Query()
	q.Set(l.param(), next)
	u.RawQuery = q.Encode()
	relative := u.RequestURI()
	absolute := "https://" + r.Host + relative
	if r.TLS == nil && r.Header.Get(forwarded) == "" {
		absolute = "http://" + r.Host + relative
	}
	name, value := cmp.Or(l.Next, ways[l.Form].next), ""
	if to < len(l.Items) || l.Repeat {
		value = map[Form]string{Cursors: next, Headers: next, NextURLs: absolute, Relative: relative, ODataForm: absolute, Links: absolute}[l.Form]
	}
	switch {
	case value == "":
	case l.Form == Headers:
		w.Header().Set(name, value)
	case l.Form == Links:
		w.Header().Add("Link", fmt.Sprintf(`<%s>; rel="self"`, "https://"+r.Host+r.URL.RequestURI()))
		w.Header().Add("Link", fmt.Sprintf(`<%s>; title="a, b"; rel="next"`, value))
	}
	if l.Records == "" {
		write(w, l.list(from, to))
		return
	}
	var answer object
	answer.set(l.Records, l.list(from, to))
	answer.set(cmp.Or(l.Total, "total"), strconv.Itoa(len(l.Items)+l.Lie))
	switch {
	case l.Form == Keys:
		answer.set(name, strconv.FormatBool(to < len(l.Items)))
	case l.Form != Headers && l.Form != Links && value != "":
		answer.set(name, strconv.Quote(value))
	}
	write(w, answer.text(l.Extra))
}

func (l *List) list(from, to int) string {
	if !l.Keyed {
		return "[" + strings.Join(l.Items[from:to], ",") + "]"
	}
	var members object
	for i := from; i < to; i++ {
		members = append(members, member{name: strconv.Itoa(i + 1), value: l.Items[i]})
	}
	return members.text("")
}

// An object is written member by member, as given.
type object []member

type member struct {
	name, value string // value is JSON; empty for an object
	object      object
}

// set sets the member at a dotted path.
func (o *object) set(path, value string) {
	name, rest, deeper := strings.Cut(path, ".")
	if strings.HasPrefix(path, "@") { // OData's names hold dots
		name, deeper = path, false
	}
	if !deeper {
		*o = append(*o, member{name: name, value: value})
		return
	}
	i := slices.IndexFunc(*o, func(m member) bool { return m.name == name })
	if i < 0 {
		i = len(*o)
		*o = append(*o, member{name: name})
	}
	(*o)[i].object.set(rest, value)
}

// text returns the object as JSON, with further members behind.
func (o object) text(extra string) string {
	var parts []string
	for _, m := range o {
		if m.object != nil {
			m.value = m.object.text("")
		}
		parts = append(parts, strconv.Quote(m.name)+": "+m.value)
	}
	if extra != "" {
		parts = append(parts, extra)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
