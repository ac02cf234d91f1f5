package notice_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer/notice"
)

const mailPassword = "p4ss-w0rd-of-the-mail-server"

// mailTo returns a Mail to a server over TLS that is trusted, as options change
// it.
func mailTo(t *testing.T, s *mailServer, change ...func(*notice.MailOptions)) *notice.Mail {
	t.Helper()
	ca := newAuthority(t)
	if s.cert == nil {
		cert := ca.issue(t, nil)
		s.cert = &cert
	}
	opt := notice.MailOptions{From: "vendorsync <it-sync@example.com>", TLS: &tls.Config{RootCAs: ca.pool()}, Hello: "sync.example.com"}
	opt.Host, opt.Port = s.listen(t)
	if s.user != "" {
		opt.Username, opt.Password = "it-sync", credentials.NewSecret(mailPassword)
	}
	for _, f := range change {
		f(&opt)
	}
	m, err := notice.NewMail(opt)
	require.NoError(t, err)
	return m
}

// read parses a message, its body decoded.
func read(t *testing.T, d delivery) (mail.Header, string) {
	t.Helper()
	msg, err := mail.ReadMessage(strings.NewReader(d.data))
	require.NoError(t, err)
	require.Equal(t, "quoted-printable", msg.Header.Get("Content-Transfer-Encoding"))
	require.Equal(t, "text/plain; charset=UTF-8", msg.Header.Get("Content-Type"))
	body, err := io.ReadAll(quotedprintable.NewReader(msg.Body))
	require.NoError(t, err)
	return msg.Header, strings.ReplaceAll(string(body), "\r\n", "\n")
}

func decoded(t *testing.T, text string) string {
	t.Helper()
	out, err := (&mime.WordDecoder{}).DecodeHeader(text)
	require.NoError(t, err)
	return out
}

func TestAMailSaysWhatHappenedSinceWhenAndWhatToDo(t *testing.T) {
	t.Parallel()
	implicit := func(o *notice.MailOptions) { o.Security = notice.ImplicitTLS }
	tests := map[string]struct {
		server *mailServer
		change []func(*notice.MailOptions)
	}{
		"STARTTLS":                     {server: &mailServer{}},
		"STARTTLS, with a password":    {server: &mailServer{user: "it-sync:" + mailPassword}},
		"implicit TLS":                 {&mailServer{implicit: true}, []func(*notice.MailOptions){implicit}},
		"implicit TLS with a password": {&mailServer{implicit: true, user: "it-sync:" + mailPassword}, []func(*notice.MailOptions){implicit}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := test.server
			require.NoError(t, mailTo(t, server, test.change...).Notify(t.Context(), sample()))
			require.Len(t, server.deliveries(), 1)
			got := server.deliveries()[0]
			require.True(t, got.secure)
			require.Contains(t, got.from, "MAIL FROM:<it-sync@example.com>")
			require.Equal(t, "RCPT TO:<ada@example.com>", got.to)
			header, body := read(t, got)
			require.Equal(t, `"vendorsync" <it-sync@example.com>`, header.Get("From"))
			require.Equal(t, "<ada@example.com>", header.Get("To"))
			require.Equal(t, "vendorsync: Laptops – Zürich: a run has failed", decoded(t, header.Get("Subject")))
			require.Equal(t, "auto-generated", header.Get("Auto-Submitted"))
			require.Regexp(t, `^<[0-9a-f]{32}@example\.com>$`, header.Get("Message-ID"))
			require.Equal(t, `Laptops – Zürich: a run has failed

What:         list devices: 401 Unauthorized
Since:        Tue, 24 Nov 2026 04:00 UTC
What to do:   renew the credential
Integration:  laptops
Run:          run-1

Records of the run:
  fetched             3
  filtered            0
  created             2
  updated             0
  unchanged           0
  skipped             0
  failed              1

There will be one more message when this is over.
`, body)
			require.Contains(t, server.said(), "EHLO sync.example.com")
		})
	}
}

func TestAMailThatATroubleIsOverAnswersTheFirst(t *testing.T) {
	t.Parallel()
	server := &mailServer{}
	m := mailTo(t, server)
	n := sample()
	require.NoError(t, m.Notify(t.Context(), n))
	require.NoError(t, m.Notify(t.Context(), n))
	n.Key, n.Over, n.What, n.Counts = "run_failed-4567", true, "the run succeeded", nil
	require.NoError(t, m.Notify(t.Context(), n))
	first, _ := read(t, server.deliveries()[0])
	second, _ := read(t, server.deliveries()[1])
	end, body := read(t, server.deliveries()[2])
	require.Equal(t, first.Get("Message-ID"), second.Get("Message-ID"), "the same notice is the same message")
	require.NotEqual(t, first.Get("Message-ID"), end.Get("Message-ID"))
	require.Equal(t, first.Get("Message-ID"), end.Get("In-Reply-To"))
	require.Equal(t, first.Get("Message-ID"), end.Get("References"))
	require.Equal(t, `Laptops – Zürich: over: a run has failed

What:         the run succeeded
Since:        Tue, 24 Nov 2026 04:00 UTC
Over:         Tue, 24 Nov 2026 04:01 UTC
Integration:  laptops
Run:          run-1
`, body)
}

func TestEachContactGetsAMessageOfItsOwn(t *testing.T) {
	t.Parallel()
	server := &mailServer{}
	m := mailTo(t, server, func(o *notice.MailOptions) { o.To = []string{"Operators <ops@example.com>", "ADA@example.com"} })
	n := sample()
	n.Contacts = []string{"ada@example.com", "Bob Müller <bob@example.com>", "Ada@Example.com"}
	require.NoError(t, m.Notify(t.Context(), n))
	got := server.deliveries()
	require.Len(t, got, 3)
	ids := map[string]bool{}
	for i, address := range []string{"ada@example.com", "bob@example.com", "ops@example.com"} {
		require.Equal(t, "RCPT TO:<"+address+">", got[i].to)
		require.Equal(t, 1, strings.Count(got[i].data, "ada@example.com")+strings.Count(got[i].data, "bob@example.com")+strings.Count(got[i].data, "ops@example.com"), "nobody learns of the others")
		header, _ := read(t, got[i])
		ids[header.Get("Message-ID")] = true
	}
	require.Len(t, ids, 3)
	header, _ := read(t, got[1])
	require.Equal(t, "Bob Müller <bob@example.com>", decoded(t, header.Get("To")))
}

func TestNoHeaderComesFromANameOrAText(t *testing.T) {
	t.Parallel()
	evil := "x\r\nBcc: eve@example.com\r\n\r\n.\r\nMAIL FROM:<eve@example.com>\r\n"
	tests := map[string]func(n *notice.Notice){
		"the name":        func(n *notice.Notice) { n.Name = evil },
		"the integration": func(n *notice.Notice) { n.Name, n.Integration = "", evil },
		"the kind":        func(n *notice.Notice) { n.Kind = notice.Kind(evil) },
		"the key":         func(n *notice.Notice) { n.Key = evil },
		"the trouble":     func(n *notice.Notice) { n.Trouble = evil },
		"the text":        func(n *notice.Notice) { n.What, n.Remedy, n.Run = evil, evil, evil },
		"a long name":     func(n *notice.Notice) { n.Name = strings.Repeat("ü\n", 1000) },
		"a line feed":     func(n *notice.Notice) { n.Name = "x\nBcc: eve@example.com" },
		"no UTF-8":        func(n *notice.Notice) { n.Name, n.What = "\xff\x00\n", "\xff\x00\n" },
		"a line of one full stop": func(n *notice.Notice) {
			n.What = "x\r\n.\r\nx"
		},
		"text that is read from right to left": func(n *notice.Notice) { n.Name = "a\u202etxt.exe" },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &mailServer{}
			n := sample()
			change(&n)
			require.NoError(t, mailTo(t, server).Notify(t.Context(), n))
			require.Len(t, server.deliveries(), 1)
			got := server.deliveries()[0]
			header, body := read(t, got)
			require.Empty(t, header.Get("Bcc"))
			for key := range header {
				require.Contains(t, []string{"Date", "Mime-Version", "Message-Id", "Subject", "From", "To", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding", "In-Reply-To", "References"}, key)
			}
			require.NotContains(t, body, "\nBcc")
			require.NotContains(t, body, "\n.\n")
			require.NotContains(t, body+decoded(t, header.Get("Subject")), "\u202e")
			require.Equal(t, 1, strings.Count(server.said(), "MAIL FROM"))
			for _, line := range strings.Split(got.data, "\r\n") {
				require.LessOrEqual(t, len(line), 998, "RFC 5322, section 2.1.1")
				require.False(t, strings.ContainsAny(line, "\r\n"), line)
			}
		})
	}
}

func TestContactsThatAreNoAddresses(t *testing.T) {
	t.Parallel()
	for _, contact := range []string{
		"", "ada", "ada@", "@example.com", "ada@example.com, bob@example.com", "ada@example.com\r\nBcc: eve@example.com", "Ada\n <ada@example.com>",
		`"x> RCPT TO:<eve@example.com"@example.com`, `"a b"@example.com`, "<ada@example.com", "ada@example.com>", strings.Repeat("a", 250) + "@example.com",
		"=?utf-8?q?a=0D=0Ab?= <ada@example.com>", "ada@[127.0.0.1]",
	} {
		t.Run(contact, func(t *testing.T) {
			t.Parallel()
			server := &mailServer{}
			m := mailTo(t, server)
			n := sample()
			n.Contacts = []string{contact}
			err := m.Notify(t.Context(), n)
			require.ErrorIs(t, err, connector.ErrInvalid)
			require.Empty(t, server.said(), "nobody to write to, nobody to talk to")
			require.NotContains(t, err.Error(), "\n")

			n.Contacts = []string{contact, "bob@example.com"}
			err = m.Notify(t.Context(), n)
			var partial *notice.PartialError
			require.ErrorAs(t, err, &partial, "the others are told")
			require.ErrorContains(t, err, fmt.Sprintf("%.20q", contact)[:min(len(contact), 10)])
			require.Len(t, server.deliveries(), 1)
			require.Equal(t, "RCPT TO:<bob@example.com>", server.deliveries()[0].to)
		})
	}
}

func TestNobodyToWriteTo(t *testing.T) {
	t.Parallel()
	n := sample()
	n.Contacts = nil
	err := mailTo(t, &mailServer{}).Notify(t.Context(), n)
	require.ErrorIs(t, err, connector.ErrInvalid)
	require.ErrorContains(t, err, "give the integration a contact")
}

func TestAnAddressThatTheServerRefusesKeepsNoneFromTheOthers(t *testing.T) {
	t.Parallel()
	server := &mailServer{replies: map[string]string{"RCPT TO:<bob@": "550 5.1.1 no such\x1b[31m user"}}
	n := sample()
	n.Contacts = []string{"ada@example.com", "bob@example.com", "eve@example.com"}
	err := mailTo(t, server).Notify(t.Context(), n)
	var partial *notice.PartialError
	require.ErrorAs(t, err, &partial)
	require.ErrorContains(t, err, "bob@example.com was refused")
	require.ErrorContains(t, err, "550")
	require.NotContains(t, err.Error(), "ada@example.com")
	require.NotContains(t, err.Error(), "\x1b")
	require.Len(t, server.deliveries(), 2)
}

func TestWhatAMailServerMaySay(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		replies map[string]string
		user    string
		class   connector.Class // empty if the message is delivered
		says    string
	}{
		"it is busy":                          {replies: map[string]string{"": "421 4.3.2 come back later"}, class: connector.ErrUnavailable, says: "421"},
		"it wants nobody":                     {replies: map[string]string{"": "554 5.7.1 go away"}, class: connector.ErrInvalid, says: "554"},
		"it refuses the sender":               {replies: map[string]string{"MAIL": "550 5.7.1 not you"}, class: connector.ErrInvalid, says: "not you"},
		"it refuses the receiver":             {replies: map[string]string{"RCPT": "550 5.1.1 no such user"}, class: connector.ErrInvalid, says: "correct the addresses"},
		"it refuses the receiver for now":     {replies: map[string]string{"RCPT": "451 4.7.1 greylisted"}, class: connector.ErrUnavailable, says: "greylisted"},
		"it refuses the message":              {replies: map[string]string{"(message)": "552 5.3.4 too large"}, class: connector.ErrInvalid, says: "too large"},
		"it refuses the message for now":      {replies: map[string]string{"(message)": "452 4.3.1 disk full"}, class: connector.ErrUnavailable, says: "disk full"},
		"it refuses to begin TLS":             {replies: map[string]string{"STARTTLS": "454 4.7.0 no TLS today"}, class: connector.ErrUnavailable, says: "no TLS today"},
		"it does not offer TLS":               {replies: map[string]string{"EHLO": "250 mail.example.com"}, class: connector.ErrTLS, says: "offers STARTTLS"},
		"it refuses the password":             {user: "it-sync:another", class: connector.ErrAuth, says: "correct the user name and the password"},
		"it asks for a password":              {replies: map[string]string{"MAIL": "530 5.7.0 log in first"}, class: connector.ErrInvalid, says: "log in first"},
		"it talks nonsense":                   {replies: map[string]string{"": "HTTP/1.1 400 Bad Request"}, class: connector.ErrUnavailable, says: ""},
		"it talks without end":                {replies: map[string]string{"": "220-" + strings.Repeat("x", 2<<20)}, class: connector.ErrUnavailable, says: "more than it should"},
		"it forgets its manners at the end":   {replies: map[string]string{"QUIT": "500 what?"}},
		"it forgets its manners in between":   {replies: map[string]string{"RSET": "500 what?"}},
		"it knows no more than it has to say": {replies: map[string]string{"DATA": "503 5.5.1 not now"}, class: connector.ErrInvalid, says: "not now"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &mailServer{replies: test.replies, user: test.user}
			err := mailTo(t, server).Notify(t.Context(), sample())
			require.NotContains(t, server.said(), mailPassword)
			if test.class == "" {
				require.NoError(t, err)
				require.Len(t, server.deliveries(), 1)
				return
			}
			require.ErrorIs(t, err, test.class)
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), mailPassword)
			require.Less(t, len(err.Error()), 600)
			require.Empty(t, server.deliveries())
			var partial *notice.PartialError
			require.False(t, errors.As(err, &partial), "nobody was reached")
		})
	}
}

func TestAMailServerThatNobodyTrustsIsNotTalkedTo(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	certs := map[string]tls.Certificate{
		"of an authority that nobody knows": newAuthority(t).issue(t, nil),
		"expired":                           ca.issue(t, expiredCert),
		"of another host":                   ca.issue(t, otherHost),
	}
	for name, cert := range certs {
		for _, security := range []notice.Security{notice.StartTLS, notice.ImplicitTLS} {
			t.Run(name+", "+string(security), func(t *testing.T) {
				t.Parallel()
				server := &mailServer{cert: &cert, implicit: security == notice.ImplicitTLS, user: "it-sync:" + mailPassword}
				err := mailTo(t, server, func(o *notice.MailOptions) {
					o.Security, o.TLS = security, &tls.Config{RootCAs: ca.pool()}
				}).Notify(t.Context(), sample())
				require.ErrorIs(t, err, connector.ErrTLS)
				require.NotContains(t, server.said(), "AUTH")
				require.NotContains(t, server.said(), "MAIL")
			})
		}
	}
}

func TestMailOnLoopbackMayBePlain(t *testing.T) {
	t.Parallel()
	server := &mailServer{}
	m := mailTo(t, server, func(o *notice.MailOptions) { o.Security = notice.Plain })
	require.NoError(t, m.Notify(t.Context(), sample()))
	require.False(t, server.deliveries()[0].secure)
}

func TestAMailServerThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	tests := map[string]func(c net.Conn){
		"it never greets":  func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"it never answers": func(c net.Conn) { _, _ = io.WriteString(c, "220 hello\r\n"); _, _ = io.Copy(io.Discard, c) },
		"it answers a byte a second": func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, "2"); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		},
	}
	for name, serve := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var servers sync.WaitGroup
				defer servers.Wait() // each ends when the connection does
				m, err := notice.NewMail(notice.MailOptions{
					Host: "smtp.example.com", From: "it-sync@example.com",
					Dial: func(context.Context, string, string) (net.Conn, error) {
						here, there := net.Pipe()
						servers.Go(func() { serve(there) })
						return here, nil
					},
				})
				require.NoError(t, err)
				began := time.Now()
				require.ErrorIs(t, m.Notify(t.Context(), sample()), connector.ErrUnavailable)
				require.Equal(t, time.Minute, time.Since(began))

				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				began = time.Now()
				require.ErrorIs(t, m.Notify(ctx, sample()), context.DeadlineExceeded)
				require.Equal(t, 5*time.Second, time.Since(began), "whoever waits no longer is not made to")
			})
		})
	}
}

func TestAMailServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	refused := errors.New("connection refused")
	m, err := notice.NewMail(notice.MailOptions{
		Host: "smtp.example.com", From: "it-sync@example.com",
		Dial: func(_ context.Context, network, address string) (net.Conn, error) {
			return nil, fmt.Errorf("%s %s: %w", network, address, refused)
		},
	})
	require.NoError(t, err)
	err = m.Notify(t.Context(), sample())
	require.ErrorIs(t, err, connector.ErrUnavailable)
	require.ErrorIs(t, err, refused)
	require.ErrorContains(t, err, "tcp smtp.example.com:587")
}

func TestAMailNeedsWhatItNeeds(t *testing.T) {
	t.Parallel()
	password := credentials.NewSecret(mailPassword)
	tests := map[string]struct {
		change func(*notice.MailOptions)
		says   string
	}{
		"no host":                 {func(o *notice.MailOptions) { o.Host = "" }, "no host name"},
		"a host with a line feed": {func(o *notice.MailOptions) { o.Host = "a\nb" }, "no host name"},
		"a port that is none":     {func(o *notice.MailOptions) { o.Port = 65536 }, "65536 is no port"},
		"a security that is none": {func(o *notice.MailOptions) { o.Security = "none" }, "none of starttls"},
		"plain elsewhere":         {func(o *notice.MailOptions) { o.Security = notice.Plain }, "loopback"},
		"plain with a password": {func(o *notice.MailOptions) {
			o.Security, o.Host, o.Username, o.Password = notice.Plain, "localhost", "u", password
		}, "no password is sent"},
		"a user name without password": {func(o *notice.MailOptions) { o.Username = "u" }, "come together"},
		"a password without user name": {func(o *notice.MailOptions) { o.Password = password }, "come together"},
		"certificates not verified":    {func(o *notice.MailOptions) { o.TLS = &tls.Config{InsecureSkipVerify: true} }, "always verified"}, //nolint:gosec // It is refused.
		"no sender":                    {func(o *notice.MailOptions) { o.From = "" }, "the sender"},
		"a sender with a line feed":    {func(o *notice.MailOptions) { o.From = "a\r\nBcc: x <a@b>" }, "the sender"},
		"a receiver that is none":      {func(o *notice.MailOptions) { o.To = []string{"ops"} }, "the receiver of every notice"},
		"a greeting with a line feed":  {func(o *notice.MailOptions) { o.Hello = "a\r\nQUIT" }, "introduce"},
		"a negative time":              {func(o *notice.MailOptions) { o.Timeout = -1 }, "negative"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opt := notice.MailOptions{Host: "smtp.example.com", From: "it-sync@example.com"}
			_, err := notice.NewMail(opt)
			require.NoError(t, err)
			test.change(&opt)
			_, err = notice.NewMail(opt)
			require.ErrorIs(t, err, connector.ErrInvalid)
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error()+fmt.Sprintf("%+v", opt), mailPassword)
		})
	}
}
