package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

// credential returns what to log in with. A password does not travel in the
// clear.
func (s *source) credential(ctx context.Context, op string) (credentials.Credential, error) {
	if s.cfg.Credential == nil {
		return credentials.Credential{}, nil
	}
	cred, err := s.cfg.Credential.Get(ctx)
	switch {
	case err != nil:
		return cred, connector.Errorf(connector.ErrAuth, op, "get the credential: %w", err)
	case cred.Kind == "", cred.Kind == credentials.None:
		return cred, nil
	case cred.Kind != credentials.Basic:
		return cred, connector.Errorf(connector.ErrInvalid, op, "a directory takes a user name and a password, not a credential of the kind %q", cred.Kind)
	case cred.Value("username").IsZero() || cred.Value("password").IsZero():
		return cred, connector.Errorf(connector.ErrAuth, op, "the user name or the password is empty: the directory would take that for nobody")
	case !s.server.secret():
		return cred, &connector.Error{
			Class: connector.ErrInvalid, Op: op, Message: "the password would be sent to " + s.server.url + " for everyone to read",
			Remedy: useTLS,
		}
	}
	return cred, nil
}

// A session is one connection, logged in.
type session struct {
	wire    *wire
	conn    *goldap.Conn
	timeout time.Duration
	nobody  bool // it is not logged in
	scrub   func(string) string
}

// connect opens a session, again if the directory cannot be reached at once.
func (s *source) connect(ctx context.Context) (*session, error) {
	const op = "connect to the directory"
	var x *session
	err := persist(ctx, func() (again bool, err error) {
		x, err = s.tryConnect(ctx, op)
		return connector.ClassOf(err) == connector.ErrUnavailable && !errors.Is(err, errSilent), err
	})
	return x, err
}

func (s *source) tryConnect(ctx context.Context, op string) (*session, error) {
	cred, err := s.credential(ctx, op)
	if err != nil {
		return nil, err
	}
	dialing, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	raw, err := s.dial(dialing, "tcp", s.server.address)
	if err != nil {
		return nil, s.unreachable(ctx, op, err)
	}
	x := &session{wire: &wire{Conn: raw, raw: raw}, timeout: s.timeout, nobody: cred.Value("password").IsZero(), scrub: scrubber(cred)}
	if err := x.do(ctx, op, func(ctx context.Context) error { return s.encrypt(ctx, x, cred) }); err != nil {
		_ = raw.Close()
		return nil, err
	}
	x.conn = goldap.NewConn(x.wire, s.server.ldaps || s.server.startTLS)
	x.conn.Start()
	if err := s.logIn(ctx, x, cred); err != nil {
		x.close()
		return nil, err
	}
	return x, nil
}

// logIn binds, with the password policy control where the directory knows it. It
// says so itself, mostly to those too who are not logged in.
func (s *source) logIn(ctx context.Context, x *session, cred credentials.Credential) error {
	if x.nobody {
		return nil
	}
	dse, err := s.root(ctx, x)
	var refused refusal
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	var controls []goldap.Control
	if dse != nil && dse.policy {
		controls = append(controls, goldap.NewControlBeheraPasswordPolicy())
	}
	return x.bind(ctx, cred, controls)
}

// startTLSOID names the request for TLS, RFC 4511, section 4.14.
const startTLSOID = "1.3.6.1.4.1.1466.20037"

// encrypt puts TLS on the wire if that is asked for.
func (s *source) encrypt(ctx context.Context, x *session, cred credentials.Credential) error {
	if !s.server.ldaps && !s.server.startTLS {
		return nil
	}
	config, err := cred.TLS()
	switch {
	case err != nil:
		return connector.Errorf(connector.ErrInvalid, "set up TLS", "%w", err)
	case config == nil && s.trust.TLSClientConfig != nil:
		config = s.trust.TLSClientConfig.Clone()
	case config == nil:
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config.ServerName, config.NextProtos = s.server.host, nil
	if s.server.startTLS {
		if err := x.askForTLS(); err != nil {
			return err
		}
	}
	secure := tls.Client(x.wire.Conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return handshakeError(s.server, err)
	}
	x.wire = &wire{Conn: secure, raw: x.wire.raw}
	return nil
}

// askForTLS sends the request for TLS. What follows its answer belongs to TLS,
// so that not a byte more is read.
func (x *session) askForTLS() error {
	message := ber.NewSequence("LDAPMessage")
	message.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 1, "messageID"))
	request := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationExtendedRequest, nil, "ExtendedRequest")
	request.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, startTLSOID, "requestName"))
	message.AppendChild(request)
	if _, err := x.wire.Write(message.Bytes()); err != nil {
		return err
	}
	answer, err := ber.ReadPacket(x.wire)
	if err != nil {
		return err
	}
	if err := goldap.GetLDAPError(answer); err != nil {
		return &connector.Error{
			Class: connector.ErrInvalid, Op: "start TLS", Message: x.scrub("the directory does not start TLS: " + said(err)),
			Remedy: "use an address that begins with ldaps://, or give the directory's server a certificate",
		}
	}
	return nil
}

// bind logs in.
func (x *session) bind(ctx context.Context, cred credentials.Credential, controls []goldap.Control) error {
	const op = "log in to the directory"
	return x.do(ctx, op, func(context.Context) error {
		result, err := x.conn.SimpleBind(goldap.NewSimpleBindRequest(
			cred.Value("username").Reveal(), cred.Value("password").Reveal(), controls,
		))
		var refused *goldap.Error
		if errors.As(err, &refused) && refused.ResultCode < goldap.ErrorNetwork {
			return x.refusedBind(op, refused, result)
		}
		return err
	})
}

// search asks for entries, again if the directory is too busy.
func (x *session) search(ctx context.Context, op string, req *goldap.SearchRequest) (*goldap.SearchResult, error) {
	req.TimeLimit = int(x.timeout / time.Second)
	var result *goldap.SearchResult
	err := persist(ctx, func() (again bool, err error) {
		err = x.do(ctx, op, func(context.Context) error {
			var err error
			result, err = x.conn.Search(req)
			return err
		})
		return busy(err), err
	})
	return result, err
}

// one asks for a single entry, nil if the directory does not show it.
func (x *session) one(ctx context.Context, op, dn string, attributes ...string) (*goldap.Entry, error) {
	result, err := x.search(ctx, op, goldap.NewSearchRequest(dn, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 1, 0, false, anything, attributes, nil))
	switch {
	case hidden(err):
		return nil, nil //nolint:nilnil // no entry is an answer
	case err != nil:
		return nil, err
	case len(result.Entries) == 0:
		return nil, nil //nolint:nilnil // no entry is an answer
	}
	return result.Entries[0], nil
}

// errSilent is why a request ends that is not answered in time.
var errSilent = errors.New("the directory did not answer in time")

// do makes one request and returns its error with a class. The end of ctx, and a
// directory that does not answer in time, close the connection.
func (x *session) do(ctx context.Context, op string, request func(context.Context) error) error {
	timed, cancel := context.WithTimeoutCause(ctx, x.timeout, errSilent)
	defer cancel()
	used := x.wire
	used.room.Store(maxAnswer)
	stop := context.AfterFunc(timed, func() { _ = used.Close() })
	defer stop()
	err := request(timed)
	if err == nil {
		return nil
	}
	return x.failed(timed, op, err)
}

// close says good-bye and frees the connection, without waiting for a directory
// that does not listen.
func (x *session) close() {
	_ = x.wire.SetDeadline(time.Now().Add(time.Second))
	_ = x.conn.Unbind()
	_ = x.conn.Close()
}

// persist repeats f until it succeeds or says not to try again. The waits
// between are doubled, and told to whoever reads.
func persist(ctx context.Context, f func() (again bool, err error)) error {
	for try := 1; ; try++ {
		again, err := f()
		if err == nil || !again || try == maxTries || ctx.Err() != nil {
			return err
		}
		wait := firstWait << (try - 1)
		connector.ReportWait(ctx, connector.Wait{For: wait, Reason: "retry"})
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// A wire passes messages on one by one, and none that is larger than allowed, so
// that no directory can fill the memory. It is read by one goroutine.
type wire struct {
	net.Conn
	raw   net.Conn     // what Conn goes over
	room  atomic.Int64 // bytes that the answer may still have
	head  []byte       // the current message's tag and length, as far as they are not passed on
	left  int          // bytes of its content that are still to come
	fault atomic.Pointer[error]
}

// The faults of a wire.
var (
	errNoMessage = errors.New("what came is no LDAP message")
	errLarge     = errors.New("the answer is larger than allowed")
)

// Close does not wait, as TLS would, for the other side to hear of it.
func (w *wire) Close() error { return w.raw.Close() }

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.read(p)
	if err != nil {
		w.fault.CompareAndSwap(nil, &err)
	}
	return n, err
}

func (w *wire) read(p []byte) (int, error) {
	if len(w.head) == 0 && w.left == 0 {
		if err := w.next(); err != nil {
			return 0, err
		}
	}
	if len(w.head) > 0 {
		n := copy(p, w.head)
		w.head = w.head[n:]
		return n, nil
	}
	n, err := w.Conn.Read(p[:min(len(p), w.left)])
	w.left -= n
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next reads tag and length of a message: a sequence of definite length, RFC
// 4511, section 5.1.
func (w *wire) next() error {
	const sequence, long = 0x30, 0x80
	head := make([]byte, 6)
	if _, err := io.ReadFull(w.Conn, head[:2]); err != nil {
		return err
	}
	length, more := int64(head[1]), 0
	if head[1] >= long {
		length, more = 0, int(head[1]-long)
	}
	if head[0] != sequence || more == 0 && head[1] == long || more > 4 {
		return fmt.Errorf("%w: it begins with the bytes %x", errNoMessage, head[:2])
	}
	if _, err := io.ReadFull(w.Conn, head[2:2+more]); err != nil {
		return io.ErrUnexpectedEOF
	}
	for _, b := range head[2 : 2+more] {
		length = length<<8 | int64(b)
	}
	if length > maxMessage {
		return fmt.Errorf("%w: one message has %d bytes, and at most %d are read", errLarge, length, maxMessage)
	}
	if w.room.Add(-length) < 0 {
		return fmt.Errorf("%w: at most %d bytes are read", errLarge, maxAnswer)
	}
	w.head, w.left = head[:2+more], int(length)
	return nil
}

// broken returns what was wrong with the wire, nil if nothing was.
func (w *wire) broken() error {
	if err := w.fault.Load(); err != nil {
		return *err
	}
	return nil
}
