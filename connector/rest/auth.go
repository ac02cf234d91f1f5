package rest

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/oauth2/jwt"

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
}

// A Token is what a credential was exchanged for.
type Token struct {
	Value   credentials.Secret
	Expires time.Time // zero if the vendor does not say
}

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
}

// HeaderToken sends the value "token" in a header, behind a prefix such as
// "Bearer ".
func HeaderToken(header, prefix string) Auth {
	return Auth{Apply: func(req *http.Request, cred credentials.Credential, _ credentials.Secret) error {
		req.Header.Set(header, prefix+cred.Value("token").Reveal())
		return nil
	}}
}

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

// BasicAuth sends user name and password as RFC 7617 has it. {name} stands for a
// value of the credential, as in ("{username}/token", "{password}") for Zendesk
// or ("{token}", "x") for BambooHR.
func BasicAuth(user, password string) Auth {
	return Auth{Apply: func(req *http.Request, cred credentials.Credential, _ credentials.Secret) error {
		u, errUser := expand(user, valuesOf(cred), same)
		p, errPassword := expand(password, valuesOf(cred), same)
		if err := errors.Join(errUser, errPassword); err != nil {
			return connector.Errorf(connector.ErrAuth, "use the credential", "%w", err)
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
		req.Header.Set(header, prefix+token.Reveal())
		return nil
	}
}

// Where an OAuth endpoint wants client id and secret.
const (
	InForm   = oauth2.AuthStyleInParams // among the values of the form
	InHeader = oauth2.AuthStyleInHeader // as basic authorization
)

// An OAuth says how an OAuth 2.0 token is got.
type OAuth struct {
	// TokenURL is the token endpoint, absolute or below the API's base, with
	// {name} for a setting.
	TokenURL string
	Scopes   []string
	Params   map[string]string // further parameters, with {name} for a setting
	// Style says where client id and secret go: InForm or InHeader. Zero tries both.
	Style oauth2.AuthStyle
	// Assertion proves a client-credentials client with a JWT signed with the
	// value "private_key" (RFC 7523, section 2.2), as Okta asks for; its issuer
	// is the value "issuer".
	Assertion bool
}

// OAuthToken gets a bearer token by the grant that fits the credential's kind:
// client credentials, refresh token, password or JWT bearer (RS256). A rotated
// refresh token is saved before the access token that came with it is used.
func OAuthToken(o OAuth) Auth {
	return Auth{Apply: sendToken("Authorization", "Bearer "), Exchange: o.exchange}
}

func (o OAuth) exchange(ctx context.Context, x Exchange) (Token, error) {
	endpoint, err := o.endpoint(x)
	if err != nil {
		return Token{}, err
	}
	client := x.Safe
	if x.Credential.Kind == credentials.AuthorizationCode {
		client = x.Once // a refresh token that rotates is spent by the first try
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, client)
	token, err := o.grant(ctx, x, endpoint)
	if err != nil {
		return Token{}, exchangeError(err)
	}
	if token.AccessToken == "" {
		return Token{}, connector.Errorf(connector.ErrMalformed, opExchange, "the vendor's answer has no access token")
	}
	old := x.Credential.Value("refresh_token").Reveal()
	if x.Credential.Kind == credentials.AuthorizationCode && token.RefreshToken != "" && token.RefreshToken != old {
		if err := saveRotated(ctx, x, token.RefreshToken); err != nil {
			return Token{}, err
		}
	}
	return Token{Value: credentials.NewSecret(token.AccessToken), Expires: token.Expiry}, nil
}

const opExchange = "get an access token"

func (o OAuth) endpoint(x Exchange) (string, error) {
	text, err := expand(o.TokenURL, settingsOf(x.Settings), same)
	if err != nil {
		return "", connector.Errorf(connector.ErrInvalid, opExchange, "%w", err)
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", connector.Errorf(connector.ErrInvalid, opExchange, "the address of the token endpoint cannot be read")
	}
	if !u.IsAbs() {
		u = x.Base.JoinPath(u.Path)
	}
	if u.Scheme != "https" && !isLoopback(u.Hostname()) || u.Host == "" {
		return "", connector.Errorf(connector.ErrInvalid, opExchange, "the token endpoint %s is not reached by TLS", redacted(u))
	}
	return u.String(), nil
}

func (o OAuth) params(x Exchange) (url.Values, error) {
	out := url.Values{}
	for name, text := range o.Params {
		value, err := expand(text, settingsOf(x.Settings), same)
		if err != nil {
			return nil, connector.Errorf(connector.ErrInvalid, opExchange, "%w", err)
		}
		out.Set(name, value)
	}
	return out, nil
}

func (o OAuth) grant(ctx context.Context, x Exchange, endpoint string) (*oauth2.Token, error) {
	params, err := o.params(x)
	if err != nil {
		return nil, err
	}
	value := func(name string) string { return x.Credential.Value(name).Reveal() }
	kind := x.Credential.Kind
	switch {
	case o.Assertion:
		assertion, err := signAssertion(x.Credential, endpoint, time.Now())
		if err != nil {
			return nil, err
		}
		params.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		params.Set("client_assertion", assertion)
		cfg := clientcredentials.Config{TokenURL: endpoint, Scopes: o.Scopes, EndpointParams: params, AuthStyle: oauth2.AuthStyleInParams}
		return cfg.Token(ctx)
	case kind == credentials.ClientCredentials:
		cfg := clientcredentials.Config{ClientID: value("client_id"), ClientSecret: value("client_secret"), TokenURL: endpoint, Scopes: o.Scopes, EndpointParams: params, AuthStyle: o.Style}
		return cfg.Token(ctx)
	case kind == credentials.JWTBearer:
		cfg := jwt.Config{Email: value("issuer"), PrivateKey: []byte(value("private_key")), PrivateKeyID: value("key_id"), Subject: value("subject"), Scopes: o.Scopes, TokenURL: endpoint}
		if _, err := parseKey(x.Credential); err != nil {
			return nil, err
		}
		return cfg.TokenSource(ctx).Token()
	case kind == credentials.AuthorizationCode || kind == credentials.Password:
		cfg := oauth2.Config{ClientID: value("client_id"), ClientSecret: value("client_secret"), Endpoint: oauth2.Endpoint{TokenURL: endpoint, AuthStyle: o.Style}, Scopes: o.Scopes}
		if kind == credentials.Password {
			return cfg.PasswordCredentialsToken(ctx, value("username"), value("password"))
		}
		return cfg.TokenSource(ctx, &oauth2.Token{RefreshToken: value("refresh_token")}).Token()
	}
	return nil, connector.Errorf(connector.ErrUnsupported, opExchange, "a credential of kind %s is not exchanged by OAuth 2.0", kind)
}

// saveRotated gives the host the credential with its new refresh token.
func saveRotated(ctx context.Context, x Exchange, refresh string) error {
	cred := x.Credential
	cred.Values = map[string]credentials.Secret{}
	for name, v := range x.Credential.Values {
		cred.Values[name] = v
	}
	cred.Values["refresh_token"] = credentials.NewSecret(refresh)
	if err := x.Save(ctx, cred); err != nil {
		e := connector.Errorf(connector.ErrAuth, "save the rotated refresh token", "%w", err)
		e.Remedy = "keep the credential where its host can save it, and log in again: the vendor has replaced its refresh token"
		return e
	}
	return nil
}

// exchangeError turns an error of the token endpoint into a classed one, without
// the endpoint's whole answer, which may quote what was sent.
func exchangeError(err error) error {
	var e *connector.Error
	var refused *oauth2.RetrieveError
	var wrapped *url.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &refused):
		class, status := connector.ErrAuth, 0
		if refused.Response != nil {
			status = refused.Response.StatusCode
		}
		if status == http.StatusTooManyRequests || status >= 500 || status == http.StatusNotFound {
			class = connector.StatusClass(status)
		}
		return connector.Errorf(class, opExchange, "the token endpoint answered %d %s %s", status, excerpt([]byte(refused.ErrorCode)), excerpt([]byte(refused.ErrorDescription)))
	case errors.As(err, &wrapped):
		class := connector.ErrUnavailable
		if connector.ClassOf(wrapped.Err) == connector.ErrTLS {
			class = connector.ErrTLS
		}
		return connector.Errorf(class, opExchange, "%w", wrapped.Err)
	}
	return connector.Errorf(connector.ErrMalformed, opExchange, "the token endpoint's answer cannot be read: %v", err)
}

func parseKey(cred credentials.Credential) (*rsa.PrivateKey, error) {
	bad := connector.Errorf(connector.ErrAuth, opExchange, "the private key is not an RSA key in PEM form")
	block, _ := pem.Decode([]byte(cred.Value("private_key").Reveal()))
	if block == nil {
		return nil, bad
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	own, ok := key.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, bad
	}
	return own, nil
}

// signAssertion returns a JWT with which a client proves itself to audience, good
// for five minutes (RFC 7523, section 3; RFC 7518, section 3.3).
func signAssertion(cred credentials.Credential, audience string, now time.Time) (string, error) {
	key, err := parseKey(cred)
	if err != nil {
		return "", err
	}
	header := map[string]string{"alg": "RS256", "typ": "JWT"}
	if id := cred.Value("key_id").Reveal(); id != "" {
		header["kid"] = id
	}
	issuer := cred.Value("issuer").Reveal()
	claims := map[string]any{"iss": issuer, "sub": issuer, "aud": audience, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": rand.Text()}
	h, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(b)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", connector.Errorf(connector.ErrAuth, opExchange, "sign with the private key: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
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
	return Auth{Apply: sendToken(l.Header, l.Prefix), Exchange: l.exchange}
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
		return Token{}, exchangeError(err)
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

// An authorizer puts the credential on requests and renews its token.
type authorizer struct {
	c     *Client
	first credentials.Credential // as it was when the client was made
	auth  Auth

	turn chan struct{} // held by whoever exchanges

	mu     sync.Mutex
	token  Token
	got    time.Time              // when the token came
	source credentials.Credential // what it was exchanged for
	secret []string               // what messages must not show
}

func newAuthorizer(ctx context.Context, c *Client) (*authorizer, error) {
	const op = "use the credential"
	a := &authorizer{c: c, turn: make(chan struct{}, 1)}
	for _, def := range c.spec.Settings {
		if def.Secret {
			for _, v := range c.cfg.Settings[def.Name] {
				a.secret = append(a.secret, secretForms(credentials.Credential{}, credentials.NewSecret(v))...)
			}
		}
	}
	if c.cfg.Credential == nil {
		if c.spec.NeedsCredential() {
			return nil, connector.Errorf(connector.ErrAuth, op, "%s needs a credential, and there is none", c.spec.Name)
		}
		return a, nil
	}
	cred, err := c.cfg.Credential.Get(ctx)
	if err != nil {
		return nil, connector.Errorf(connector.ErrAuth, op, "%w", err)
	}
	auth, ok := c.api.Auth[cred.Kind]
	if !ok && (c.spec.NeedsCredential() || cred.Kind != credentials.None && cred.Kind != "") {
		return nil, connector.Errorf(connector.ErrAuth, op, "%s takes no credential of kind %q", c.spec.Name, cred.Kind)
	}
	if err := cred.Validate(); err != nil {
		return nil, connector.Errorf(connector.ErrAuth, op, "%w", err)
	}
	a.first, a.auth = cred, auth
	a.learn(cred, credentials.Secret{})
	return a, nil
}

// learn notes what messages must not show.
func (a *authorizer) learn(cred credentials.Credential, token credentials.Secret) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range secretForms(cred, token) {
		if !contains(a.secret, s) {
			a.secret = append(a.secret, s)
		}
	}
	const most = 200 // tokens of a long run; the newest are the ones that may come back
	if len(a.secret) > most {
		a.secret = append(a.secret[:most/4:most/4], a.secret[len(a.secret)-most/2:]...)
	}
}

// scrub masks secrets in a text.
func (a *authorizer) scrub(text string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.secret {
		text = strings.ReplaceAll(text, s, credentials.Mask)
	}
	return text
}

// authorize returns the request with the credential on it, and what it was.
func (a *authorizer) authorize(req *http.Request, stale credentials.Secret) (*http.Request, proof, error) {
	if a.c.cfg.Credential == nil {
		return req, proof{}, nil
	}
	ctx := req.Context()
	cred, err := a.c.cfg.Credential.Get(ctx)
	if err != nil {
		return nil, proof{}, connector.Errorf(connector.ErrAuth, "use the credential", "%w", err)
	}
	p := proof{cred: cred}
	if a.auth.Exchange != nil {
		if p.token, err = a.current(ctx, cred, stale); err != nil {
			return nil, proof{}, err
		}
	} else {
		a.learn(cred, credentials.Secret{})
	}
	out := req.Clone(ctx)
	if a.auth.Apply != nil {
		if err := a.auth.Apply(out, cred, p.token); err != nil {
			return nil, proof{}, err
		}
	}
	return out, p, nil
}

// A proof is what a request was authorized with.
type proof struct {
	cred  credentials.Credential
	token credentials.Secret
}

// current returns a token that is good and is not stale, getting a new one if
// need be. One caller does so at a time; the others take what it got.
func (a *authorizer) current(ctx context.Context, cred credentials.Credential, stale credentials.Secret) (credentials.Secret, error) {
	if token, ok := a.good(cred, stale); ok {
		return token, nil
	}
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return credentials.Secret{}, context.Cause(ctx)
	}
	// While this one waited, another may have got a token or the host may have
	// changed the credential.
	cred, err := a.c.cfg.Credential.Get(ctx)
	if err != nil {
		return credentials.Secret{}, connector.Errorf(connector.ErrAuth, "use the credential", "%w", err)
	}
	if token, ok := a.good(cred, stale); ok {
		return token, nil
	}
	a.learn(cred, credentials.Secret{})
	source := cred
	token, err := a.auth.Exchange(ctx, Exchange{
		Credential: cred,
		Settings:   a.c.cfg.Settings,
		Base:       a.c.base,
		Safe:       a.c.exchangeClient(true),
		Once:       a.c.exchangeClient(false),
		Save: func(ctx context.Context, c credentials.Credential) error {
			a.learn(c, credentials.Secret{})
			source = c
			return a.c.cfg.Credential.Save(ctx, c)
		},
	})
	if err != nil {
		return credentials.Secret{}, a.c.own(opExchange, err)
	}
	a.learn(source, token.Value)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.token, a.source, a.got = token, source, time.Now()
	return token.Value, nil
}

// good returns the token at hand if it is from this credential and lasts longer
// than a request takes to arrive: 30 s, or a tenth of a short life.
func (a *authorizer) good(cred credentials.Credential, stale credentials.Secret) (credentials.Secret, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.token
	if t.Value.IsZero() || t.Value.Reveal() == stale.Reveal() || !sameCredential(a.source, cred) {
		return credentials.Secret{}, false
	}
	if !t.Expires.IsZero() {
		margin := min(30*time.Second, t.Expires.Sub(a.got)/10)
		if time.Until(t.Expires) <= margin {
			return credentials.Secret{}, false
		}
	}
	return t.Value, true
}

func sameCredential(a, b credentials.Credential) bool {
	if a.Kind != b.Kind || len(a.Values) != len(b.Values) {
		return false
	}
	for name, v := range a.Values {
		if w, ok := b.Values[name]; !ok || v.Reveal() != w.Reveal() {
			return false
		}
	}
	return true
}

// An authTransport waits for the limits, puts the credential on each request,
// and once more, renewed, on one that was refused for it.
type authTransport struct{ c *Client }

func (t authTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	x, ok := req.Context().Value(callKey{}).(*call)
	if !ok {
		return nil, errors.New("a request without a call")
	}
	resp, p, err := t.send(x, req, credentials.Secret{})
	if err != nil || resp.StatusCode != http.StatusUnauthorized || t.c.cfg.Credential == nil || req.Body != nil && req.GetBody == nil {
		return resp, err
	}
	if t.c.auth.auth.Exchange == nil {
		cred, err := t.c.cfg.Credential.Get(req.Context())
		if err != nil || sameCredential(cred, p.cred) {
			return resp, nil //nolint:nilerr // the vendor's refusal says more
		}
	}
	_ = resp.Body.Close()
	again := req.Clone(req.Context())
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return nil, fmt.Errorf("send the request again: %w", err)
		}
	}
	resp, _, err = t.send(x, again, p.token)
	return resp, err
}

func (t authTransport) send(x *call, req *http.Request, stale credentials.Secret) (*http.Response, proof, error) {
	authorized, p, err := t.c.auth.authorize(req, stale)
	if err != nil {
		return nil, p, err
	}
	if err := x.throttle(req.Context()); err != nil {
		return nil, p, err
	}
	resp, err := t.c.wire.RoundTrip(authorized)
	if err == nil {
		x.heed(resp)
	}
	return resp, p, err
}

// exchangeClient returns a client for requests that carry their own proof.
func (c *Client) exchangeClient(safe bool) *http.Client {
	return &http.Client{Transport: exchangeTransport{c: c, safe: safe}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type exchangeTransport struct {
	c    *Client
	safe bool
}

func (t exchangeTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	r, err := retryablehttp.FromRequest(req)
	if err != nil {
		return nil, fmt.Errorf("prepare the request: %w", err)
	}
	r.Header.Set("User-Agent", t.c.header.Get("User-Agent"))
	x := t.c.newCall(req.Context(), t.safe)
	return x.retrying(&http.Client{Transport: t.c.wire, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
}
