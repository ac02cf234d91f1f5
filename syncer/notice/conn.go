package notice

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// dial connects to the mail server. The connection ends with ctx, and with a
// server that says too much.
func (m *Mail) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := m.opt.Dial(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	conn = &bounded{Conn: conn, left: maxReplies}
	if m.opt.Security != ImplicitTLS {
		return conn, nil
	}
	secure := tls.Client(conn, m.tls())
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("begin TLS: %w", err)
	}
	return secure, nil
}

// errTooMuch ends a conversation with a server that talks without end.
var errTooMuch = errors.New("the mail server says more than it should")

// A bounded connection gives out so many bytes at most.
type bounded struct {
	net.Conn
	left int
}

// Read reads what is left to be read.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
