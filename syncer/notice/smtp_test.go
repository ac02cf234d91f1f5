package notice_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A mailServer is a small SMTP server.
type mailServer struct {
	cert     *tls.Certificate // nil: no TLS
	implicit bool             // TLS from the first byte
	user     string           // "user:password"; empty: nobody has to log in
	// replies are what it answers in place of the common thing, by the beginning of
	// the line that it answers.
	replies map[string]string

	mu    sync.Mutex
	got   []delivery
	lines []string // all that clients said, but for messages
	wg    sync.WaitGroup
}

// A delivery is one message as it came.
type delivery struct {
	from, to string // as in the envelope
	data     string
	secure   bool
}

// listen starts the server, and returns where it listens.
func (s *mailServer) listen(t *testing.T) (host string, port int) {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr, ok := listener.Addr().(*net.TCPAddr)
	require.True(t, ok)
	s.wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		s.wg.Wait()
	})
	return "127.0.0.1", addr.Port
}

func (s *mailServer) deliveries() []delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

func (s *mailServer) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

// A session is one client's.
type session struct {
	*mailServer
	conn     net.Conn
	in       *bufio.Reader
	secure   bool
	loggedIn bool
	envelope delivery
}

func (s *mailServer) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	c := &session{mailServer: s, conn: conn}
	if s.implicit {
		c.upgrade()
	} else {
		c.in = bufio.NewReader(conn)
	}
	c.say(s.reply("", "220 mail.example.com ESMTP"))
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		s.mu.Lock()
		s.lines = append(s.lines, line)
		s.mu.Unlock()
		if !c.answer(line) {
			return
		}
	}
}

// upgrade goes on in TLS.
func (c *session) upgrade() {
	secure := tls.Server(c.conn, &tls.Config{Certificates: []tls.Certificate{*c.cert}, MinVersion: tls.VersionTLS12})
	c.conn, c.in, c.secure = secure, bufio.NewReader(secure), true
}

func (c *session) say(line string) { _, _ = io.WriteString(c.conn, line+"\r\n") }

// reply returns what the server was told to answer, or the common thing.
func (s *mailServer) reply(line, common string) string {
	for beginning, reply := range s.replies {
		if beginning == "" && line == "" || beginning != "" && strings.HasPrefix(line, beginning) {
			return reply
		}
	}
	return common
}

// answer answers one line, and reports whether the session goes on.
func (c *session) answer(line string) bool {
	reply := c.reply(line, "")
	verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
	switch {
	case reply != "":
		c.say(reply)
	case verb == "EHLO":
		c.say(c.greeting())
	case verb == "STARTTLS" && c.cert != nil && !c.secure:
		c.say("220 go ahead")
		c.upgrade()
	case verb == "AUTH":
		c.loggedIn = line == "AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00"+strings.Replace(c.user, ":", "\x00", 1)))
		c.say(map[bool]string{true: "235 welcome", false: "535 5.7.8 wrong user name or password"}[c.loggedIn])
	case verb == "MAIL" && c.user != "" && !c.loggedIn:
		c.say("530 5.7.0 log in first")
	case verb == "MAIL":
		c.envelope = delivery{from: line, secure: c.secure}
		c.say("250 fine")
	case verb == "RCPT":
		c.envelope.to = line
		c.say("250 fine")
	case verb == "DATA":
		c.say("354 go ahead")
		return c.data()
	case verb == "QUIT":
		c.say("221 bye")
		return false
	default:
		c.say("250 fine")
	}
	return true
}

func (c *session) greeting() string {
	lines := []string{"250-mail.example.com", "250-8BITMIME", "250-SMTPUTF8", "250-ENHANCEDSTATUSCODES"}
	if c.cert != nil && !c.secure {
		lines = append(lines, "250-STARTTLS")
	}
	if c.user != "" {
		lines = append(lines, "250-AUTH PLAIN LOGIN")
	}
	return strings.Join(append(lines, "250 SIZE 1000000"), "\r\n")
}

// data takes in a message.
func (c *session) data() bool {
	var b strings.Builder
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	c.envelope.data = b.String()
	reply := c.reply("(message)", "250 "+fmt.Sprint(b.Len())+" bytes taken")
	if strings.HasPrefix(reply, "250") {
		c.mu.Lock()
		c.got = append(c.got, c.envelope)
		c.mu.Unlock()
	}
	c.say(reply)
	return true
}
