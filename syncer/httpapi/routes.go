package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/vendorsync/vendorsync/internal/excerpt"
)

// An answer is what a successful request gets, as JSON.
type answer struct {
	status   int // 200 if it is 0
	body     any
	location string
}

// A handler answers a request. An error that is no *Problem is the server's.
type handler func(r *http.Request) (answer, error)

// routes returns the API's routes. Of paths that it knows, other methods are
// answered by 405; everything else is unknown.
func (a *API) routes() *http.ServeMux {
	mux := http.NewServeMux()
	get := func(path string, h http.HandlerFunc) {
		mux.HandleFunc("GET "+path, h) // HEAD too
		mux.HandleFunc(path, wrongMethod("GET, HEAD"))
	}
	post := func(path string, h handler) {
		mux.HandleFunc("POST "+path, a.handle(func(r *http.Request) (answer, error) {
			if err := a.checkBody(r); err != nil {
				return answer{}, err
			}
			return h(r)
		}))
		mux.HandleFunc(path, wrongMethod("POST"))
	}
	get("/healthz", a.handle(a.alive))
	get("/readyz", a.handle(a.ready))
	get("/metrics", a.metrics)
	get("/api/v1/integrations", a.handle(a.listIntegrations))
	get("/api/v1/integrations/{id}", a.handle(a.oneIntegration))
	get("/api/v1/integrations/{id}/runs", a.handle(a.integrationRuns))
	post("/api/v1/integrations/{id}/run", a.startRun)
	post("/api/v1/integrations/{id}/cancel", a.cancelIntegration)
	get("/api/v1/runs", a.handle(a.allRuns))
	get("/api/v1/runs/{id}", a.handle(a.oneRun))
	post("/api/v1/runs/{id}/cancel", a.cancelRun)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { unknownPath(r).write(w, r) })
	return mux
}

// wrongMethod answers 405.
func wrongMethod(allowed string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		newProblem(http.StatusMethodNotAllowed, "method", "%s is not for %q", excerpt.Of(r.Method), excerpt.Of(r.URL.Path)).
			remedy("use "+allowed).header("Allow", allowed).write(w, r)
	}
}

// handle sends what a handler answers.
func (a *API) handle(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ans, err := h(r)
		if err != nil {
			a.problem(r, err).write(w, r)
			return
		}
		body, err := encode(ans.body)
		if err != nil {
			a.problem(r, fmt.Errorf("write the answer: %w", err)).write(w, r)
			return
		}
		if ans.location != "" {
			w.Header().Set("Location", ans.location)
		}
		if ans.status == 0 {
			ans.status = http.StatusOK
		}
		writeBody(w, r, ans.status, "application/json", body)
	}
}

// encode returns v as a line of JSON. Addresses keep their &: no answer is HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

// problem returns the Problem that an error is, or hides. What it hides goes to the
// log.
func (a *API) problem(r *http.Request, err error) *Problem {
	var p *Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(r.Context().Err(), context.Canceled): // nobody is left to read the answer
		return tooSlow()
	}
	a.opt.Logger.ErrorContext(r.Context(), "The HTTP API could not answer a request.",
		"method", r.Method, "path", excerpt.Of(r.URL.Path), "error", err)
	if errors.Is(r.Context().Err(), context.DeadlineExceeded) {
		return tooSlow()
	}
	return internalProblem()
}

func tooSlow() *Problem {
	return newProblem(http.StatusServiceUnavailable, "timeout", "the answer took too long").
		remedy("try again later; the server's log says more").header("Retry-After", "10")
}

// checkBody returns a Problem unless a request's body is empty or the JSON object
// {}. Of what a form on a web page can send, nothing but an empty body passes.
func (a *API) checkBody(r *http.Request) error {
	data, err := io.ReadAll(io.LimitReader(r.Body, a.opt.MaxBody+1))
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // what it cannot read is no JSON either
	switch {
	case err != nil:
		return invalid("the body could not be read: %v", err).remedy("send it again")
	case int64(len(data)) > a.opt.MaxBody:
		return newProblem(http.StatusRequestEntityTooLarge, "too_large", "the body has more than %d bytes", a.opt.MaxBody).
			remedy("send none").header("Connection", "close")
	case len(data) == 0 && r.Header.Get("Content-Type") == "":
		return nil
	case media != "application/json":
		return newProblem(http.StatusUnsupportedMediaType, "media_type", "the body's Content-Type is not application/json").
			remedy("send no body, or {} as application/json")
	case len(data) == 0:
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var none *struct{}
	if err := dec.Decode(&none); err != nil || none == nil || dec.Decode(&none) != io.EOF {
		return invalid("the body is not the JSON object {}").remedy("send no body, or {}")
	}
	return nil
}

// metrics answers with the host's page.
func (a *API) metrics(w http.ResponseWriter, r *http.Request) {
	if a.opt.Metrics == nil {
		newProblem(http.StatusNotFound, "no_metrics", "this server keeps no metrics").
			remedy("start it with metrics, or read /api/v1/integrations").write(w, r)
		return
	}
	a.opt.Metrics.ServeHTTP(w, r)
}
