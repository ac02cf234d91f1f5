package notice

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/internal/excerpt"
)

// A Security says how the connection to a mail server is made safe.
type Security string

// The ways to make it safe. The server's certificate is always verified.
const (
	StartTLS    Security = "starttls" // begins in clear and goes on in TLS, or not at all (RFC 3207)
	ImplicitTLS Security = "tls"      // TLS from the first byte (RFC 8314)
	Plain       Security = "plain"    // none: on the loopback interface alone, and without a password
)

// MailOptions configure a Mail. Host and From are required.
type MailOptions struct {
	// Host is the mail server: a name or an address, without a port.
	Host string
	// Port defaults to 587, to 465 with ImplicitTLS, and to 25 with Plain.
	Port int
	// Security defaults to StartTLS.
	Security Security
	// Username and Password log in by AUTH PLAIN (RFC 4616). Both empty means that
	// the server asks for none.
	Username string
	Password credentials.Secret
	// From is the sender: an address, or a name and an address in angle brackets.
	From string
	// To are addresses that get every notice, beside the integration's contacts.
	To []string
	// Hello is the name by which this machine introduces itself. Defaults to its
	// host name.
	Hello string
	// TLS says which authorities are trusted, if it is not the system's, and which
	// certificate is shown. It must verify the server.
	TLS *tls.Config
	// Dial connects to the server. Defaults to a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout bounds the whole conversation with the server. Defaults to 1 min.
	Timeout time.Duration
}

const mailOp = "send mail" // what is being done, for errors

// maxReplies is how many bytes a mail server may say in one conversation.
const maxReplies = 1 << 20

// A Mail sends notices by SMTP, one message to each contact: nobody reads from it
// who else gets one, and an address that the server refuses keeps none from the
// others. It is safe for concurrent use.
type Mail struct {
	opt  MailOptions
	from *mail.Address
	to   []*mail.Address
}

var _ Notifier = (*Mail)(nil)

// NewMail returns a Mail. It does not connect. The error is of class ErrInvalid.
func NewMail(opt MailOptions) (*Mail, error) {
	opt.Security = cmp.Or(opt.Security, StartTLS)
	opt.Port = cmp.Or(opt.Port, map[Security]int{StartTLS: 587, ImplicitTLS: 465, Plain: 25}[opt.Security])
	opt.Timeout = cmp.Or(opt.Timeout, time.Minute)
	if opt.Dial == nil {
		opt.Dial = (&net.Dialer{}).DialContext
	}
	if fault := opt.fault(); fault != "" {
		return nil, connector.Errorf(connector.ErrInvalid, mailOp, "%s", fault)
	}
	m := &Mail{opt: opt}
	var err error
	if m.from, err = address(opt.From); err != nil {
		return nil, connector.Errorf(connector.ErrInvalid, mailOp, "the sender: %w", err)
	}
	for _, text := range opt.To {
		to, err := address(text)
		if err != nil {
			return nil, connector.Errorf(connector.ErrInvalid, mailOp, "the receiver of every notice: %w", err)
		}
		m.to = append(m.to, to)
	}
	return m, nil
}

// fault says what is wrong with options, their addresses apart.
func (opt MailOptions) fault() string {
	switch {
	case opt.Host == "" || strings.ContainsAny(opt.Host, "/@ ") || strings.ContainsFunc(opt.Host, unicode.IsControl):
		return "the server is no host name or address such as smtp.example.com"
	case !slices.Contains([]Security{StartTLS, ImplicitTLS, Plain}, opt.Security):
		return fmt.Sprintf("%q is none of starttls, tls and plain", opt.Security)
	case opt.Port < 1 || opt.Port > 65535:
		return fmt.Sprintf("%d is no port", opt.Port)
	case opt.Security == Plain && !isLoopback(opt.Host):
		return "only a server on the loopback interface is talked to without TLS"
	case opt.Security == Plain && opt.Username != "":
		return "no password is sent without TLS"
	case (opt.Username == "") != opt.Password.IsZero():
		return "user name and password come together"
	case opt.TLS != nil && opt.TLS.InsecureSkipVerify:
		return "the server's certificate is always verified: add it, or its CA, to the trust list"
	case strings.ContainsFunc(opt.Hello, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }):
		return "the name to introduce this machine by has a space or control character"
	case opt.Timeout < 0:
		return "the time-out is negative"
	}
	return ""
}

// maxAddress is how long an address may be (RFC 5321, section 4.5.3.1.3, less the
// angle brackets).
const maxAddress = 254

// address reads an address. Those with a quoted local part, which few servers
// take, are refused.
func address(text string) (*mail.Address, error) {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return nil, fmt.Errorf("%q has a control character", excerpt.Of(text))
	}
	a, err := mail.ParseAddress(text)
	if err != nil || len(a.Address) > maxAddress || strings.ContainsAny(a.Address, "\"\\ <>()[],;:") || strings.ContainsFunc(a.Name, unicode.IsControl) {
		return nil, fmt.Errorf("%q is no mail address", excerpt.Of(text))
	}
	return a, nil
}

// Notify sends the notice to the integration's contacts and to those who get
// every notice, each address once. A *PartialError names those of them that it
// did not reach, if it has reached another. Any other error is a
// [connector.Error]: ErrInvalid where there is nobody to send it to, where the
// addresses are none or where the server refuses them for good, ErrAuth where it
// refuses the password, ErrTLS where the connection cannot be made safe,
// ErrUnavailable where another time may do.
func (m *Mail) Notify(ctx context.Context, n Notice) error {
	receivers, faults := m.receivers(n)
	switch {
	case len(receivers) == 0 && len(faults) > 0:
		return connector.Errorf(connector.ErrInvalid, mailOp, "nobody can be sent %q: %w", n.Subject(), errors.Join(faults...))
	case len(receivers) == 0:
		e := connector.Errorf(connector.ErrInvalid, mailOp, "nobody is to be sent %q", n.Subject())
		e.Remedy = "give the integration a contact"
		return e
	}
	messages := make([]*gomail.Msg, len(receivers))
	for i, to := range receivers {
		messages[i] = m.message(n, to)
	}
	err := m.send(ctx, messages)
	delivered := 0
	for i, message := range messages {
		var refused *gomail.SendError
		switch {
		case message.IsDelivered():
			delivered++
		case errors.As(message.SendError(), &refused):
			faults = append(faults, refusal(receivers[i], refused))
		default:
			faults = append(faults, fmt.Errorf("%s was not sent it", receivers[i].Address))
		}
	}
	switch {
	case delivered == len(messages) && len(faults) == 0:
		return nil // a connection that ends badly after that harms nobody
	case delivered > 0:
		return &PartialError{Err: errors.Join(faults...)}
	case err == nil:
		err = errors.Join(faults...)
	}
	return m.failed(ctx, err, faults)
}

// receivers returns whom a notice is for, each address once, and what is wrong
// with those that are no address.
func (m *Mail) receivers(n Notice) (all []*mail.Address, faults []error) {
	add := func(a *mail.Address) {
		if !slices.ContainsFunc(all, func(b *mail.Address) bool { return strings.EqualFold(a.Address, b.Address) }) {
			all = append(all, a)
		}
	}
	for _, text := range n.Contacts {
		a, err := address(text)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		add(a)
	}
	for _, a := range m.to {
		add(a)
	}
	return all, faults
}

// message writes the notice to one receiver. The message id is the same each time
// the notice is sent, and a notice that a trouble is over answers the one that it
// had begun.
func (m *Mail) message(n Notice, to *mail.Address) *gomail.Msg {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(m.from)
	msg.ToMailAddress(to)
	msg.Subject("vendorsync: " + n.Subject())
	msg.SetMessageIDWithValue(m.messageID(n.Key, to))
	if n.Trouble != n.Key {
		msg.SetGenHeader(gomail.HeaderInReplyTo, "<"+m.messageID(n.Trouble, to)+">")
		msg.SetGenHeader(gomail.HeaderReferences, "<"+m.messageID(n.Trouble, to)+">")
	}
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // so that nobody's absence answers (RFC 3834)
	msg.SetBodyString(gomail.TypeTextPlain, n.Text())
	return msg
}

// messageID returns a message id that tells nothing of the receiver.
func (m *Mail) messageID(key string, to *mail.Address) string {
	sum := sha256.Sum256([]byte(key + "\x00" + strings.ToLower(to.Address)))
	domain := "vendorsync.invalid"
	if _, d, ok := strings.Cut(m.from.Address, "@"); ok && isASCII(d) {
		domain = d
	}
	return hex.EncodeToString(sum[:16]) + "@" + domain
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// send has one conversation with the server.
func (m *Mail) send(ctx context.Context, messages []*gomail.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, m.opt.Timeout)
	defer cancel()
	dial := func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := m.dial(dialing, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = conn.Close() }) // at the latest when this function returns
		}
		return conn, err
	}
	client, err := gomail.NewClient(m.opt.Host, m.options(dial)...)
	if err != nil {
		return fmt.Errorf("prepare the connection: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, messages...)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("the mail server took too long: %w", context.Cause(ctx))
	}
	return err
}

// options are the client's.
func (m *Mail) options(dial gomail.DialContextFunc) []gomail.Option {
	policy := gomail.TLSMandatory
	if m.opt.Security != StartTLS { // dial has brought TLS, or there is none
		policy = gomail.NoTLS
	}
	options := []gomail.Option{
		gomail.WithPort(m.opt.Port), gomail.WithTimeout(m.opt.Timeout), gomail.WithTLSPolicy(policy),
		gomail.WithTLSConfig(m.tls()), gomail.WithDialContextFunc(dial), gomail.WithoutNoop(),
	}
	if m.opt.Hello != "" {
		options = append(options, gomail.WithHELO(m.opt.Hello))
	}
	if m.opt.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthPlain),
			gomail.WithUsername(m.opt.Username), gomail.WithPassword(m.opt.Password.Reveal()))
	}
	return options
}

// tls returns what the connection is made safe with.
func (m *Mail) tls() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if m.opt.TLS != nil {
		config = m.opt.TLS.Clone()
		config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	}
	config.ServerName = cmp.Or(config.ServerName, m.opt.Host)
	return config
}

// failed returns the error of a notice that reached nobody.
func (m *Mail) failed(ctx context.Context, err error, faults []error) error {
	e := &connector.Error{Op: mailOp, Class: connector.ErrUnavailable, Err: err}
	var reply *textproto.Error
	var refused *gomail.SendError
	switch {
	case ctx.Err() != nil:
		e.Err = context.Cause(ctx)
	case connector.ClassOf(err) == connector.ErrTLS:
		e.Class = connector.ErrTLS
	case strings.Contains(err.Error(), "does not support STARTTLS"):
		e.Class, e.Remedy = connector.ErrTLS, "use a server, or a port of it, that offers STARTTLS, or implicit TLS"
	case errors.As(err, &refused):
		e.Err = errors.Join(faults...)
		if refused.ErrorCode() >= 500 {
			e.Class, e.Remedy = connector.ErrInvalid, "correct the addresses, or have the mail server accept them"
		}
	case errors.As(err, &reply) && slices.Contains([]int{530, 534, 535, 538}, reply.Code):
		e.Class, e.Remedy = connector.ErrAuth, "correct the user name and the password of the mail server"
	case errors.As(err, &reply) && reply.Code >= 500:
		e.Class, e.Remedy = connector.ErrInvalid, "see what the mail server asks for"
	}
	e.Message = fmt.Sprintf("%s: %s", m.server(), oneLine(e.Err.Error()))
	return e
}

// refusal says what the server said about one receiver.
func refusal(to *mail.Address, refused *gomail.SendError) error {
	return fmt.Errorf("%s was refused: %s", to.Address, excerptOf(refused.Error(), 200))
}

// excerptOf returns the beginning of what a server said, in one line.
func excerptOf(text string, most int) string {
	text = oneLine(text)
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}

// server names the mail server.
func (m *Mail) server() string { return net.JoinHostPort(m.opt.Host, fmt.Sprint(m.opt.Port)) }

// String returns the server and the sender.
func (m *Mail) String() string { return "mail from " + m.from.Address + " by " + m.server() }
