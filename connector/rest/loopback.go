package rest

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

// logInTime is how long a person has to log in.
const logInTime = 5 * time.Minute

// Redirect returns the address to register at the vendor for [Authorize]. One
// without a port stands for every port. It is of class ErrInvalid where Listen is
// no address on this machine.
func (a Authorization) Redirect() (string, error) {
	u, err := a.redirect()
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

func (a Authorization) redirect() (*url.URL, error) {
	method, err := a.method()
	if err != nil {
		return nil, err
	}
	text := method.Redirect
	or(&text, "http://127.0.0.1/callback")
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || !isLoopback(u.Hostname()) {
		return nil, connector.Errorf(connector.ErrInternal, opLogIn, "%q is no redirect address on a person's own machine", text)
	}
	or(&u.Path, "/")
	if a.Listen == "" {
		return u, nil
	}
	host, port, err := net.SplitHostPort(a.Listen)
	if err != nil || !isLoopback(host) {
		return nil, connector.Errorf(connector.ErrInvalid, opLogIn, "%q is no place on this machine to take the vendor's answer at, such as 127.0.0.1:0", a.Listen)
	}
	u.Host = hostPort(host, port)
	return u, nil
}

// hostPort returns the host of an address, its port left out where it is any.
func hostPort(host, port string) string {
	joined := net.JoinHostPort(host, port)
	if port == "" || port == "0" {
		return joined[:len(joined)-len(port)-1]
	}
	return joined
}

// Authorize has a person log in at the vendor, in a browser on this machine, and
// returns the credential with its refresh token, complete. It listens on the
// loopback interface (RFC 8252, section 7.3) until the vendor's answer is there,
// ctx is done or the time is up; what does not answer this log-in is turned away,
// and the first answer counts. The errors are those of [Authorization.Begin] and
// [Authorization.Finish], and ErrAuth when nobody has logged in in time.
func Authorize(ctx context.Context, a Authorization) (credentials.Credential, error) {
	if a.Open == nil {
		return credentials.Credential{}, connector.Errorf(connector.ErrInvalid, opLogIn, "there is no way to show the vendor's page to the person")
	}
	if _, err := a.plan(); err != nil {
		return credentials.Credential{}, err
	}
	listener, redirect, err := a.listen(ctx)
	if err != nil {
		return credentials.Credential{}, err
	}
	defer func() { _ = listener.Close() }()
	attempt, err := a.Begin(redirect.String())
	if err != nil {
		return credentials.Credential{}, err
	}
	or(&a.Timeout, logInTime)
	waiting, cancel := context.WithTimeoutCause(ctx, a.Timeout, errNobody)
	defer cancel()
	l := &loopback{path: redirect.Path, attempt: attempt, came: make(chan logIn, 1), finish: func(answer url.Values) (credentials.Credential, error) {
		// Neither the end of the wait nor a page that is closed ends this: the code
		// is good once.
		ctx, cancel := context.WithTimeout(ctx, refreshTime)
		defer cancel()
		return a.Finish(ctx, attempt, answer)
	}}
	defer l.serve(listener)()
	opened := make(chan error, 1)
	go func() { opened <- a.Open(waiting, attempt.URL) }()
	for {
		select {
		case got := <-l.came:
			return got.cred, got.err
		case err := <-opened:
			if err != nil && waiting.Err() == nil {
				return credentials.Credential{}, connector.Errorf(connector.ErrUnsupported, opLogIn, "show the vendor's page: %w", err)
			}
			opened = nil
		case <-waiting.Done():
			if l.taken.Load() {
				got := <-l.came
				return got.cred, got.err
			}
			return credentials.Credential{}, l.over(waiting)
		}
	}
}

// errNobody ends the wait for a person.
var errNobody = errors.New("nobody has logged in in time")

// listen opens the port that the answer comes to.
func (a Authorization) listen(ctx context.Context) (net.Listener, *url.URL, error) {
	u, err := a.redirect()
	if err != nil {
		return nil, nil, err
	}
	port := u.Port()
	or(&port, "0")
	var cfg net.ListenConfig
	listener, err := cfg.Listen(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		e := connector.Errorf(connector.ErrInvalid, opLogIn, "listen for the vendor's answer: %w", err)
		e.Remedy = "choose another port, and register it at the vendor if that compares ports"
		return nil, nil, e
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok {
		u.Host = hostPort(u.Hostname(), strconv.Itoa(tcp.Port))
	}
	return listener, u, nil
}

// A loopback waits for one answer of the vendor.
type loopback struct {
	path    string
	attempt Attempt
	finish  func(answer url.Values) (credentials.Credential, error)
	came    chan logIn // what finish returned, once

	taken   atomic.Bool  // an answer was taken
	strange atomic.Int64 // answers to another log-in
}

// A logIn is what came of one.
type logIn struct {
	cred credentials.Credential
	err  error
}

// serve answers the browser until stop is called.
func (l *loopback) serve(listener net.Listener) (stop func()) {
	server := &http.Server{
		Handler:           l,
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      refreshTime + 10*time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	server.SetKeepAlivesEnabled(false)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // it ends when the server is closed
	}()
	return func() {
		_ = server.Close()
		<-served
	}
}

// over returns why the wait is over.
func (l *loopback) over(ctx context.Context) error {
	if !errors.Is(context.Cause(ctx), errNobody) {
		return connector.Errorf(connector.ErrUnavailable, opLogIn, "%w", context.Cause(ctx))
	}
	e := connector.Errorf(connector.ErrAuth, opLogIn, "%w", errNobody)
	e.Remedy = "begin the log-in again"
	if n := l.strange.Load(); n > 0 {
		e.Message += "; answers with another state came: " + strconv.FormatInt(n, 10)
	}
	return e
}

// ServeHTTP takes the vendor's answer from the browser.
func (l *loopback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := r.URL.Query()
	switch {
	case r.URL.Path != l.path:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "only GET is answered here", http.StatusMethodNotAllowed)
		return
	case !l.attempt.answers(answer):
		l.strange.Add(1)
		show(w, http.StatusBadRequest, "Not this log-in", "This is not the answer to the log-in that is being waited for. Begin it again where you began it.")
		return
	case l.taken.Swap(true):
		show(w, http.StatusConflict, "Answered already", "This log-in has had its answer. You can close this page.")
		return
	}
	cred, err := l.finish(answer)
	if err != nil {
		var e *connector.Error
		text := []string{err.Error()}
		if errors.As(err, &e) {
			text = []string{e.Message, "What to do: " + e.Fix() + "."}
		}
		show(w, http.StatusForbidden, "Not logged in", text...)
	} else {
		show(w, http.StatusOK, "Logged in", "You can close this page and go back to the program.")
	}
	l.came <- logIn{cred, err}
}

// page is what a person sees. It takes nothing from elsewhere.
var page = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Title}}</title>
<style>body{font:18px/1.5 system-ui,sans-serif;max-width:36em;margin:4em auto;padding:0 1em;overflow-wrap:anywhere}</style></head>
<body><h1>{{.Title}}</h1>{{range .Text}}<p>{{.}}</p>{{end}}</body></html>
`))

// show writes a page whole, so that closing the connection does not cut it.
func show(w http.ResponseWriter, status int, title string, text ...string) {
	var b bytes.Buffer
	if err := page.Execute(&b, struct {
		Title string
		Text  []string
	}{title, text}); err != nil {
		http.Error(w, title, http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer") // the address has the code in it
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
	_ = http.NewResponseController(w).Flush()
}
