package config

import (
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/vendorsync/vendorsync/internal/excerpt"
)

// Notices say how people are told of troubles. The zero value tells nobody.
type Notices struct {
	Webhook *Webhook
	Mail    *Mail
	// Problems also tells of runs that succeeded with problems.
	Problems bool
}

// A Webhook is where notices are posted to.
type Webhook struct {
	URL    string
	Secret string // a reference: env:NAME or file:PATH
}

// A Mail is how notices are sent by mail, to the contacts of integrations and to
// those of To.
type Mail struct {
	Host               string
	Port               int    // 0 for the usual one
	Security           string // "starttls", "tls" or "plain"; empty means starttls
	Username, Password string // Password is a reference
	From               string
	To                 []string
}

// secretReference is a text that says where a secret is found.
func secretReference() form[string] {
	f := text()
	read := f.read
	f.read = func(r *reader, n *yaml.Node, path string) (string, bool) {
		v, ok := read(r, n, path)
		if ok && !isReference(v) {
			r.fault(n, path, "this is a secret and does not belong in the file: write where it is found, env:NAME or file:PATH")
			return "", false
		}
		return v, ok
	}
	return f
}

// port is the number of a port.
func port() form[int] {
	return form[int]{
		shape: shape{schema: schema{"type": "integer", "minimum": 1, "maximum": 65535}, node: toScalar},
		read: func(r *reader, n *yaml.Node, path string) (int, bool) {
			n, ok := scalar(r, n, path, "the number of a port")
			if !ok {
				return 0, false
			}
			p, err := strconv.ParseUint(n.Value, 10, 16)
			if err != nil || p == 0 {
				r.fault(n, path, "%q is no port; write 1 to 65535", excerpt.Of(n.Value))
				return 0, false
			}
			return int(p), true
		},
	}
}

// noticesForm is how people are told of troubles.
func noticesForm() form[Notices] {
	webhook := object(
		must(bind("url", "Where notices are posted to, by https.", text(), func(w *Webhook, v string) { w.URL = v })),
		must(bind("secret", "What the posts are signed with: env:NAME or file:PATH.", secretReference(), func(w *Webhook, v string) { w.Secret = v })),
	)
	mail := object(
		must(bind("host", "The mail server.", text(), func(m *Mail, v string) { m.Host = v })),
		bind("port", "Default: 587, or 465 with tls.", port(), func(m *Mail, v int) { m.Port = v }),
		bind("security", "How the connection is made safe: TLS by STARTTLS, TLS from the first byte, or none, on this machine alone. Default: starttls.",
			oneOf("starttls", "tls", "plain"), func(m *Mail, v string) { m.Security = v }),
		bind("username", "The account at the mail server, if it asks for one.", text(), func(m *Mail, v string) { m.Username = v }),
		bind("password", "Its password: env:NAME or file:PATH.", secretReference(), func(m *Mail, v string) { m.Password = v }),
		must(bind("from", "The sender: an address, or a name and an address in angle brackets.", text(), func(m *Mail, v string) { m.From = v })),
		bind("to", "Who gets every notice, beside the contacts of integrations.", texts(), func(m *Mail, v []string) { m.To = v }),
	)
	return object(
		bind("webhook", "Post notices as signed JSON.", webhook, func(n *Notices, v Webhook) { n.Webhook = &v }),
		bind("mail", "Send notices by mail.", mail, func(n *Notices, v Mail) { n.Mail = &v }),
		bind("problems", "Tell of runs that succeeded with problems, too. Default: false.", boolean(), func(n *Notices, v bool) { n.Problems = v }),
	)
}
