package resttest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vendorsync/vendorsync/connector"
)

// A lastingFault happens from one request for the list on, until the read has
// ended.
type lastingFault struct {
	name  string
	fault func(s *Server) Fault
	class connector.Class // of the error; empty if there is none
	says  string
	after time.Duration // what the error says of when to come again
	ends  bool          // the list, which is no error
	from  int           // the request for the list; 0 for the second, and to be gone on from
}

func always(fault Fault) func(*Server) Fault { return func(*Server) Fault { return fault } }

func (f *faultSuite) lastingFaults() []lastingFault {
	const (
		malformed   = connector.ErrMalformed
		unavailable = connector.ErrUnavailable
		limited     = connector.ErrRateLimited
	)
	out := []lastingFault{
		{name: "HTML in place of JSON", fault: always(HTML()), class: malformed, says: "HTML"},
		{name: "a page that breaks off", fault: always(Malformed()), class: malformed, says: "breaks off"},
		{name: "an answer without a body", fault: always(Body("application/json", "")), class: malformed, says: "no JSON"},
		{name: "a page of status 204", fault: always(noContent), class: f.opts.NoContent, ends: true},
		{name: "a nesting without end", fault: always(Body("application/json", strings.Repeat("[", 100_000))), class: malformed, says: "nested"},
		{name: "a server that stalls", fault: always(Stall()), class: unavailable, says: "nothing for too long"},
		{name: "a server that does not answer", fault: always(Silence()), class: unavailable, says: "nothing for too long"},
		{name: "a connection that breaks in the body", fault: always(CloseInBody()), class: unavailable, says: "broke off"},
		{name: "a server that is down", fault: always(Status(http.StatusServiceUnavailable)), class: unavailable, says: "503"},
		{name: "a server that fails", fault: always(Status(http.StatusInternalServerError)), class: unavailable, says: "500"},
		{name: "too many requests, again and again", fault: always(Status(http.StatusTooManyRequests, "Retry-After", "30")), class: limited, says: "429", after: 30 * time.Second},
		{name: "too many requests for hours", fault: always(Status(http.StatusTooManyRequests, "Retry-After", "7200")), class: limited, says: "429", after: 2 * time.Hour},
		{name: "a redirect to another host", fault: always(elsewhere), class: malformed, says: "elsewhere.invalid"},
		{name: "a redirect away from TLS", fault: always(plain), class: malformed, says: "not sent there"},
		{name: "redirects in a ring", fault: always(ring), class: malformed, says: "redirects again and again"},
		{name: "the first page again and again", fault: firstPage, class: malformed, says: "again and again", from: 1},
	}
	if f.opts.Total != "" {
		out = append(
			out,
			lastingFault{name: "a total that is too large", fault: total(f.opts.Total, 7), class: malformed, says: "has sent", from: 1},
			lastingFault{name: "a total that is too small", fault: total(f.opts.Total, -7), from: 1},
		)
	}
	return out
}

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func elsewhere(w http.ResponseWriter, r *http.Request) {
	Redirect("https://elsewhere.invalid"+r.URL.RequestURI())(w, r)
}

func plain(w http.ResponseWriter, r *http.Request) {
	Redirect("http://"+r.Host+r.URL.RequestURI())(w, r)
}

func ring(w http.ResponseWriter, r *http.Request) { Redirect(r.URL.RequestURI())(w, r) }

// firstPage answers every request as if it were the first.
func firstPage(s *Server) Fault {
	var (
		first *url.URL
		body  []byte
	)
	return func(w http.ResponseWriter, r *http.Request) {
		own, err := io.ReadAll(r.Body)
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		s.mu.Lock()
		if first == nil {
			first, body = r.URL, own
		}
		again := r.Clone(r.Context())
		again.URL, again.Body = first, io.NopCloser(bytes.NewReader(body))
		s.mu.Unlock()
		s.respond(w, again, nil, true)
	}
}

// total answers with a count of all records that is wrong.
func total(member string, by int) func(*Server) Fault {
	count := regexp.MustCompile(`("` + regexp.QuoteMeta(member) + `"\s*:\s*)(\d+)`)
	return func(s *Server) Fault {
		return func(w http.ResponseWriter, r *http.Request) {
			answer := httptest.NewRecorder()
			s.respond(answer, r, nil, true)
			for name, values := range answer.Header() {
				w.Header()[name] = values
			}
			w.WriteHeader(answer.Code)
			_, _ = w.Write(count.ReplaceAllFunc(answer.Body.Bytes(), func(m []byte) []byte {
				parts := count.FindSubmatch(m)
				n, _ := strconv.Atoi(string(parts[2]))
				return fmt.Appendf(nil, "%s%d", parts[1], max(0, n+by))
			}))
		}
	}
}

// A passingFault happens once.
type passingFault struct {
	name  string
	fault func() Fault
	wait  time.Duration // that the vendor asks for
}

func passingFaults() []passingFault {
	once := func(fault Fault) func() Fault { return func() Fault { return fault } }
	limit := func(header ...string) func() Fault { return once(Status(http.StatusTooManyRequests, header...)) }
	return []passingFault{
		{"too many requests, with the wait in seconds", limit("Retry-After", "30"), 30 * time.Second},
		{"too many requests, with the wait in decimals", limit("Retry-After", "2.128"), 2128 * time.Millisecond},
		{"too many requests, with the wait as a date", func() Fault {
			return Status(http.StatusTooManyRequests, "Retry-After", time.Now().Add(42*time.Second).UTC().Format(http.TimeFormat))
		}, 42 * time.Second},
		{"too many requests, with no wait at all", limit("Retry-After", "0"), 0},
		{"too many requests, and not until when", limit(), 0},
		{"a server that is down and says until when", once(Status(http.StatusServiceUnavailable, "Retry-After", "10")), 10 * time.Second},
		{"a server that is down for a moment", once(Status(http.StatusServiceUnavailable)), 0},
		{"a server that fails once", once(Status(http.StatusInternalServerError)), 0},
		{"a gateway without its server", once(Status(http.StatusBadGateway)), 0},
		{"a gateway that gives up", once(Status(http.StatusGatewayTimeout)), 0},
		{"a server that stalls once", once(Stall()), 0},
		{"a server that does not answer once", once(Silence()), 0},
		{"a connection that breaks in the body once", once(CloseInBody()), 0},
	}
}

// An addressFault is an address at which the vendor is not.
type addressFault struct {
	name   string
	dial   error // what a connection comes to
	always Fault // or what answers there
	class  connector.Class
	says   string
}

// RoundTrip fails as a connection does.
func (a addressFault) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: a.dial}
}

func addressFaults() []addressFault {
	return []addressFault{
		{name: "a domain that does not exist", dial: &net.DNSError{Err: "no such host", Name: "vendor.invalid", IsNotFound: true}, class: connector.ErrNotFound, says: "no such host"},
		{name: "a domain where nobody listens", dial: syscall.ECONNREFUSED, class: connector.ErrUnavailable},
		{name: "a domain of another service", always: Status(http.StatusNotFound), class: connector.ErrNotFound, says: "404"},
		{name: "a domain of a website", always: HTML(), class: connector.ErrMalformed},
	}
}

// A largeFault is an answer without end.
type largeFault struct {
	name  string
	fault Fault
}
