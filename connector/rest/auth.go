package rest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

// An Auth says how a credential of one kind goes with a request.
type Auth struct {
	// Apply puts the credential on a request; token is what Exchange gave. Nil
	// puts nothing on it, as with mutual TLS.
	Apply func(req *http.Request, cred credentials.Credential, token credentials.Secret) error
	// Exchange trades the credential for a token that is good for a while. Nil
	// means that the credential itself is sent. One exchange runs at a time.
	Exchange func(ctx context.Context, x Exchange) (Token, error)
	// Query are the parameters that Apply adds to the URL; they are taken out of
	// the addresses that the vendor sends, so that no cursor keeps them.
	Query []string

	query func(cred credentials.Credential) []string // Query, where the credential says it
	about func(x Exchange) string                    // what Exchange asks for; nil means that every setting counts
}

// A Token is what a credential was exchanged for.
type Token = connector.Token

// An Exchange is what a trade of a credential for a token has to work with.
type Exchange struct {
	Credential credentials.Credential
	Settings   connector.Settings
	Base       *url.URL
	// Safe sends requests and sends them again when they fail; Once does not.
	// Neither puts a credential on them or follows a redirect.
	Safe, Once *http.Client
	// Save gives a rotated credential back to the host.
	Save func(ctx context.Context, cred credentials.Credential) error

	hosts []string // the Spec's
}

// HeaderToken sends the value "token" in a header, behind a prefix such as
// "Bearer ", as this vendor has it: what the credential says of header and prefix
// is for [AnyToken].
func HeaderToken(header, prefix string) Auth {
	return Auth{Apply: func(req *http.Request, cred credentials.Credential, _ credentials.Secret) error {
		return setHeader(req, header, prefix+cred.Value("token").Reveal())
	}}
}

// setHeader puts a secret in a header, if it can stand there.
func setHeader(req *http.Request, name, value string) error {
	switch {
	case name == "" || strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune(nameRunes, r) }):
		return connector.Errorf(connector.ErrInvalid, opUse, "%q is no name of a header", name)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return connector.Errorf(connector.ErrAuth, opUse, "the secret has a line break or another control character in it, with which it cannot be sent")
	}
	req.Header.Set(name, value)
	return nil
}

// nameRunes make up the names of headers (RFC 9110, section 5.6.2).
const nameRunes = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// Bearer sends the value "token" as RFC 6750 has it.
func Bearer() Auth { return HeaderToken("Authorization", "Bearer ") }

// QueryToken sends the value "token" in a query parameter.
func QueryToken(name string) Auth {
	return Auth{Query: []string{name}, Apply: func(req *http.Request, cred credentials.Credential, _ credentials.Secret) error {
		q := req.URL.Query()
		q.Set(name, cred.Value("token").Reveal())
		req.URL.RawQuery = q.Encode()
		return nil
	}}
}

// AnyToken sends the value "token" as the credential itself says: its values
// "in", "name" and "prefix" are header or query, the name of the header or the
// parameter, and what stands before the token. A credential that says nothing has
// it sent in header behind prefix. It is for connectors that stand for no vendor
// in particular.
func AnyToken(header, prefix string) Auth {
	inQuery := func(cred credentials.Credential) bool { return cred.Value("in").Reveal() == "query" }
	return Auth{
		query: func(cred credentials.Credential) []string {
			if name := cred.Value("name").Reveal(); inQuery(cred) && name != "" {
				return []string{name}
			}
			return nil
		},
		Apply: func(req *http.Request, cred credentials.Credential, token credentials.Secret) error {
			name, before := cred.Value("name").Reveal(), cred.Value("prefix").Reveal()
			if inQuery(cred) {
				if name == "" {
					return connector.Errorf(connector.ErrInvalid, opUse, "the token goes into a query parameter, and the credential does not name it")
				}
				whole := credentials.NewSecret(before + cred.Value("token").Reveal())
				return QueryToken(name).Apply(req, cred.With("token", whole), token)
			}
			if before == "" && (name == "" || strings.EqualFold(name, header)) {
				before = prefix
			}
			or(&name, header)
			return HeaderToken(name, before).Apply(req, cred, token)
		},
	}
}

// opUse is what is being done when a credential goes with a request.
const opUse = "use the credential"

// BasicAuth sends user name and password as RFC 7617 has it. {name} stands for a
// value of the credential, as in ("{username}/token", "{password}") for Zendesk
// or ("{token}", "x") for BambooHR.
func BasicAuth(user, password string) Auth {
	return Auth{Apply: func(req *http.Request, cred credentials.Credential, _ credentials.Secret) error {
		u, errUser := expand(user, valuesOf(cred), same)
		p, errPassword := expand(password, valuesOf(cred), same)
		if err := errors.Join(errUser, errPassword); err != nil {
			return connector.Errorf(connector.ErrAuth, opUse, "%w", err)
		}
		req.SetBasicAuth(u, p)
		return nil
	}}
}

func valuesOf(cred credentials.Credential) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := cred.Values[name]; return v.Reveal(), ok }
}

// sendToken puts an exchanged token in a header.
func sendToken(header, prefix string) func(*http.Request, credentials.Credential, credentials.Secret) error {
	return func(req *http.Request, _ credentials.Credential, token credentials.Secret) error {
		return setHeader(req, header, prefix+token.Reveal())
	}
}

// A Login says how user name and password are exchanged for a session.
type Login struct {
	Path string // below the API's base
	// Body is sent as JSON, with {name} for a value of the credential; empty
	// sends user name and password as basic authentication.
	Body           map[string]string
	Token          string // path of the token in the answer: "token"
	Expires        string // path of the moment it ends, as RFC 3339 has it; empty if the vendor does not say
	Header, Prefix string // how the token is sent; default "Authorization", "Bearer "
}

// SessionToken logs in and sends the session's token, as Jamf Pro has it.
func SessionToken(l Login) Auth {
	or(&l.Header, "Authorization")
	if l.Header == "Authorization" {
		or(&l.Prefix, "Bearer ")
	}
	return Auth{Apply: sendToken(l.Header, l.Prefix), Exchange: l.exchange, about: func(x Exchange) string { return x.Base.JoinPath(l.Path).String() }}
}

const opLogin = "log in"

func (l Login) exchange(ctx context.Context, x Exchange) (Token, error) {
	var body io.Reader = http.NoBody
	if l.Body != nil {
		filled := map[string]string{}
		for name, text := range l.Body {
			value, err := expand(text, valuesOf(x.Credential), same)
			if err != nil {
				return Token{}, connector.Errorf(connector.ErrAuth, opLogin, "%w", err)
			}
			filled[name] = value
		}
		b, err := json.Marshal(filled)
		if err != nil {
			return Token{}, connector.Errorf(connector.ErrInternal, opLogin, "encode the request: %w", err)
		}
		body = strings.NewReader(string(b))
	}
	u := x.Base.JoinPath(l.Path)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), body)
	if err != nil {
		return Token{}, connector.Errorf(connector.ErrInvalid, opLogin, "the address %s cannot be used", redacted(u))
	}
	req.Header.Set("Accept", "application/json")
	if l.Body == nil {
		req.SetBasicAuth(x.Credential.Value("username").Reveal(), x.Credential.Value("password").Reveal())
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := x.Safe.Do(req)
	if err != nil {
		return Token{}, exchangeError(opLogin, x.Credential.Kind, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return Token{}, connector.Errorf(connector.ErrUnavailable, opLogin, "read the answer: %w", err)
	}
	if resp.StatusCode >= 400 {
		return Token{}, connector.Errorf(connector.StatusClass(resp.StatusCode), opLogin, "%s answered %d %s", redacted(u), resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	r := Response{Body: answer, depth: 100}
	token := r.Get(l.Token)
	if token == "" {
		return Token{}, connector.Errorf(connector.ErrMalformed, opLogin, "the answer has no token at %q", l.Token)
	}
	out := Token{Value: credentials.NewSecret(token)}
	if l.Expires != "" {
		if out.Expires, err = time.Parse(time.RFC3339, r.Get(l.Expires)); err != nil {
			return Token{}, connector.Errorf(connector.ErrMalformed, opLogin, "the answer has no moment at %q", l.Expires)
		}
	}
	return out, nil
}
