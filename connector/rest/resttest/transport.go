package resttest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// forwarded says that the client asked by https, as a proxy in front would.
const forwarded = "X-Forwarded-Proto"

// A Transport leads requests for any host to one Server, over pipes within the
// process. TLS ends at the Transport.
type Transport struct {
	server *http.Server
	pipes  *pipes
	inner  *http.Transport
}

// Transport starts to serve; Close ends it.
func (s *Server) Transport() *Transport {
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	t := &Transport{pipes: p}
	t.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	t.inner = &http.Transport{DialContext: p.dial, MaxIdleConnsPerHost: 32}
	go func() { _ = t.server.Serve(p) }()
	return t
}

// RoundTrip sends a request to the server.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	inner := req.Clone(req.Context())
	if inner.Host == "" {
		inner.Host = req.URL.Host
	}
	if req.URL.Scheme == "https" {
		inner.URL.Scheme = "http"
		inner.Header.Set(forwarded, "https")
	}
	resp, err := t.inner.RoundTrip(inner)
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

// CloseIdleConnections closes the connections that carry no request.
func (t *Transport) CloseIdleConnections() { t.inner.CloseIdleConnections() }

// Close stops the server and closes its connections.
func (t *Transport) Close() error {
	t.inner.CloseIdleConnections()
	return t.server.Close()
}

// pipes is a listener without a network.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept waits for the next connection.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr says that there is no address.
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "resttest", Net: "pipe"} }
