package httpapi

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/vendorsync/vendorsync/internal/excerpt"
)

// A Problem is an answer that is no success, sent as application/problem+json (RFC
// 9457). It is an error too.
type Problem struct {
	Type   string `json:"type"`  // always about:blank: Status says it all
	Title  string `json:"title"` // the status in words
	Status int    `json:"status"`
	// Code is a word for programs: busy, cross_origin, ended, internal,
	// invalid, media_type, method, no_metrics, no_token, not_active, not_found,
	// not_running, not_seen, timeout, too_far, too_large, unauthorized, wrong_host.
	Code   string `json:"code"`
	Detail string `json:"detail"` // what is wrong, for people
	Remedy string `json:"remedy"` // what to do about it
	// Reasons are what is missing from an integration that cannot run.
	Reasons []string `json:"reasons,omitempty"`

	headers [][2]string
}

func newProblem(status int, code, format string, args ...any) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// remedy sets what to do about it.
func (p *Problem) remedy(text string) *Problem {
	p.Remedy = text
	return p
}

// header adds a header to the answer.
func (p *Problem) header(name, value string) *Problem {
	p.headers = append(p.headers, [2]string{name, value})
	return p
}

// Error returns what is wrong and what to do about it.
func (p *Problem) Error() string { return p.Detail + " [" + p.Remedy + "]" }

// write sends the Problem.
func (p *Problem) write(w http.ResponseWriter, r *http.Request) {
	for _, h := range p.headers {
		w.Header().Set(h[0], h[1])
	}
	body, _ := encode(p) // text and numbers always marshal
	writeBody(w, r, p.Status, "application/problem+json", body)
}

// writeBody sends an answer. If that fails, the client has gone.
func writeBody(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) //nolint:gosec // it is JSON, and nosniff says so
	}
}

func unknownPath(r *http.Request) *Problem {
	return newProblem(http.StatusNotFound, "not_found", "there is nothing at %q", excerpt.Of(r.URL.Path)).
		remedy("begin at /api/v1/integrations")
}

func internalProblem() *Problem {
	return newProblem(http.StatusInternalServerError, "internal", "something went wrong in the server").
		remedy("look at the server's log, then try again")
}

func invalid(format string, args ...any) *Problem {
	return newProblem(http.StatusBadRequest, "invalid", format, args...)
}
