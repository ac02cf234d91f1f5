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
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

// Where an OAuth endpoint wants client id and secret.
const (
	InForm   = oauth2.AuthStyleInParams // among the values of the form
	InHeader = oauth2.AuthStyleInHeader // as basic authorization
)

// An OAuth says how an OAuth 2.0 token is got. What a credential says of it, in
// its values "token_url", "scope", "client_auth" and "audience", comes first.
type OAuth struct {
	// TokenURL is the token endpoint, absolute or below the API's base, with
	// {name} for a setting. Empty means that the credential has to name it. The
	// secret goes there, so it is reached by TLS, and is at the API's base or at
	// one of the hosts that the Spec names. Where the Spec names none, a credential
	// may lead to any host: its token_url was entered together with its secret, and
	// nobody changes the one without entering the other anew.
	TokenURL string
	Scopes   []string
	Params   map[string]string // further parameters, with {name} for a setting
	// Style says where client id and secret go: InForm or InHeader. Zero tries the
	// header, and the form if the vendor then does not know the client.
	Style oauth2.AuthStyle
	// Assertion proves a client-credentials client with a JWT signed with the
	// value "private_key" (RFC 7523, section 2.2), as Okta asks for; its issuer
	// is the value "issuer".
	Assertion bool
}

// OAuthToken gets a bearer token by the grant that fits the credential's kind:
// client credentials, refresh token, password or JWT bearer (RS256). A rotated
// refresh token is saved before the access token that came with it is used. If
// another process was faster to rotate it, what that one saved is used.
func OAuthToken(o OAuth) Auth {
	return Auth{Apply: sendToken("Authorization", "Bearer "), Exchange: o.exchange, about: o.about}
}

// about names the token that is asked for. A fault in it shows in the exchange.
func (o OAuth) about(x Exchange) string {
	endpoint, _ := o.endpoint(x)
	params, _ := o.params(x)
	return endpoint + " " + strings.Join(o.scopes(x.Credential), " ") + " " + params.Encode()
}

// refreshTime bounds the use of a refresh token. It goes on when a run is
// cancelled, since the vendor may have replaced the token already.
const refreshTime = 30 * time.Second

const opExchange = "get an access token"

func (o OAuth) exchange(ctx context.Context, x Exchange) (Token, error) {
	cfg, err := o.grant(x)
	if err != nil {
		return Token{}, err
	}
	client, kind := x.Safe, x.Credential.Kind
	if kind == credentials.AuthorizationCode {
		client = x.Once // a refresh token that rotates is spent by the first try
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), refreshTime)
		defer cancel()
	}
	token, err := request(ctx, client, cfg)
	if err != nil {
		return Token{}, exchangeError(opExchange, kind, err)
	}
	if next := token.RefreshToken; kind == credentials.AuthorizationCode && next != "" && next != x.Credential.Value("refresh_token").Reveal() {
		if err := saveRotated(ctx, x, token); err != nil {
			return Token{}, err
		}
	}
	return Token{Value: credentials.NewSecret(token.AccessToken), Expires: token.Expiry}, nil
}

// endpoint returns the address of the token endpoint.
func (o OAuth) endpoint(x Exchange) (string, error) {
	u, err := oauthURL("token_url", x.Credential, o.TokenURL, settingsOf(x.Settings))
	if err != nil {
		return "", err
	}
	if u.Host == "" && !u.IsAbs() {
		u = x.Base.JoinPath(u.EscapedPath())
	}
	if x.Base != nil && origin(u) == origin(x.Base) {
		return u.String(), nil
	}
	return u.String(), checkOAuthURL("token_url", u, x.hosts)
}

// params returns the parameters that the vendor wants beside the grant's own.
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

// scopes returns what to ask for.
func (o OAuth) scopes(cred credentials.Credential) []string {
	if own := strings.Fields(cred.Value("scope").Reveal()); len(own) > 0 {
		return own
	}
	return o.Scopes
}

// clientStyle returns where client id and secret go.
func clientStyle(cred credentials.Credential, style oauth2.AuthStyle) oauth2.AuthStyle {
	switch cred.Value("client_auth").Reveal() {
	case "header":
		return InHeader
	case "body":
		return InForm
	}
	return style
}

// grant returns the request for a token by which the credential's kind is
// exchanged.
func (o OAuth) grant(x Exchange) (clientcredentials.Config, error) {
	endpoint, err := o.endpoint(x)
	if err != nil {
		return clientcredentials.Config{}, err
	}
	params, err := o.params(x)
	if err != nil {
		return clientcredentials.Config{}, err
	}
	value := func(name string) string { return x.Credential.Value(name).Reveal() }
	cfg := clientcredentials.Config{
		ClientID: value("client_id"), ClientSecret: value("client_secret"),
		TokenURL: endpoint, Scopes: o.scopes(x.Credential), EndpointParams: params, AuthStyle: clientStyle(x.Credential, o.Style),
	}
	switch kind := x.Credential.Kind; {
	case kind == credentials.JWTBearer:
		return cfg, o.assert(&cfg, x.Credential, time.Now())
	case kind == credentials.ClientCredentials:
	case kind == credentials.Password:
		params.Set("grant_type", "password")
		params.Set("username", value("username"))
		params.Set("password", value("password"))
	case kind == credentials.AuthorizationCode:
		params.Set("grant_type", "refresh_token")
		params.Set("refresh_token", value("refresh_token"))
		cfg.Scopes = nil // those that the person granted
	default:
		return cfg, connector.Errorf(connector.ErrUnsupported, opExchange, "a credential of kind %s is not exchanged by OAuth 2.0", kind)
	}
	return cfg, nil
}

// assert puts a signed assertion into a request: as the client's proof (RFC 7523,
// section 2.2), or as the grant itself (section 2.1).
func (o OAuth) assert(cfg *clientcredentials.Config, cred credentials.Credential, now time.Time) error {
	issuer := cred.Value("issuer").Reveal()
	audience := cred.Value("audience").Reveal()
	or(&audience, cfg.TokenURL)
	c := claims{Issuer: issuer, Subject: cred.Value("subject").Reveal(), Audience: audience, IssuedAt: now.Add(-skew).Unix(), Expires: now.Add(5 * time.Minute).Unix(), ID: rand.Text()}
	if o.Assertion {
		c.Subject = issuer
	} else {
		c.Scope, cfg.Scopes = strings.Join(cfg.Scopes, " "), nil
	}
	assertion, err := sign(cred, c)
	if err != nil {
		return err
	}
	if o.Assertion {
		cfg.EndpointParams.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		cfg.EndpointParams.Set("client_assertion", assertion)
		return nil
	}
	cfg.EndpointParams.Set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
	cfg.EndpointParams.Set("assertion", assertion)
	return nil
}

// skew is how far a vendor's clock may be behind.
const skew = 10 * time.Second

// request asks a token endpoint for a token. A style that is not known is the
// header's first, which each server has to take (RFC 6749, section 2.3.1). A
// client that is refused has spent neither code nor refresh token.
func request(ctx context.Context, client *http.Client, cfg clientcredentials.Config) (*oauth2.Token, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, client)
	if cfg.ClientSecret == "" {
		cfg.AuthStyle = InForm
	}
	if cfg.AuthStyle != oauth2.AuthStyleAutoDetect {
		return cfg.Token(ctx)
	}
	cfg.AuthStyle = InHeader
	token, err := cfg.Token(ctx)
	if clientRefused(err) {
		cfg.AuthStyle = InForm
		return cfg.Token(ctx)
	}
	return token, err
}

// clientRefused reports whether the vendor did not find the client in a request.
func clientRefused(err error) bool {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response == nil {
		return false
	}
	switch refused.Response.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized:
		return refused.ErrorCode == "invalid_client" || refused.ErrorCode == "invalid_request" || refused.ErrorCode == ""
	}
	return false
}

// saveRotated gives the host the credential with its new refresh token.
func saveRotated(ctx context.Context, x Exchange, token *oauth2.Token) error {
	cred := x.Credential.With("refresh_token", credentials.NewSecret(token.RefreshToken))
	if at := refreshEnds(token, time.Now()); !at.IsZero() {
		cred.ExpiresAt = at
	}
	if err := x.Save(ctx, cred); err != nil {
		e := connector.Errorf(connector.ErrAuth, "save the rotated refresh token", "%w", err)
		e.Remedy = "keep the credential where its host can save it, and log in again: the vendor has replaced its refresh token"
		return e
	}
	return nil
}

// refreshEnds returns when a refresh token ends, zero if the vendor does not say.
// GitHub says it in refresh_token_expires_in
// (https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens).
func refreshEnds(token *oauth2.Token, now time.Time) time.Time {
	n, ok := token.Extra("refresh_token_expires_in").(float64)
	const century = 100 * 365 * 24 * 3600
	if !ok || n <= 0 || n > century {
		return time.Time{}
	}
	return now.Add(seconds(n)).UTC().Truncate(time.Second)
}

// exchangeError turns an error of the token endpoint into a classed one, without
// the endpoint's whole answer, which may quote what was sent.
func exchangeError(op string, kind credentials.Kind, err error) error {
	var e *connector.Error
	var refused *oauth2.RetrieveError
	var wrapped *url.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &refused):
		return tokenRefused(op, kind, refused)
	case errors.As(err, &wrapped):
		class, remedy := unansweredClass(wrapped.Err)
		e = connector.Errorf(class, op, "%w", wrapped.Err)
		e.Remedy = remedy
		return e
	}
	return connector.Errorf(connector.ErrMalformed, op, "the token endpoint's answer cannot be read: %v", err)
}

// tokenRefused returns the error that a token endpoint tells of (RFC 6749, section
// 5.2).
func tokenRefused(op string, kind credentials.Kind, refused *oauth2.RetrieveError) *connector.Error {
	status := 0
	if refused.Response != nil {
		status = refused.Response.StatusCode
	}
	e := connector.Errorf(connector.ErrAuth, op, "the token endpoint answered %d%s", status, vendorsWords(refused.ErrorCode, refused.ErrorDescription))
	switch code := refused.ErrorCode; {
	case status == http.StatusTooManyRequests || status >= 500 || status == http.StatusNotFound:
		e.Class = connector.StatusClass(status)
	case code == "temporarily_unavailable" || code == "server_error":
		e.Class = connector.ErrUnavailable
	case code == "invalid_grant" && kind == credentials.AuthorizationCode:
		e.Remedy = "log in at the vendor again: what the last log-in brought has ended, was used before or was taken back"
	case code == "invalid_client" && kind != credentials.JWTBearer:
		e.Remedy = "enter client id and secret anew; if they are right, see whether the vendor wants them in the header or in the body"
	case code == "invalid_scope":
		e.Remedy = "ask for scopes that the vendor has granted to the application"
	}
	return e
}

// vendorsWords returns an error's code and description as the end of a sentence.
func vendorsWords(code, description string) string {
	out := ""
	if code != "" {
		out = " " + excerpt([]byte(code))
	}
	if description != "" {
		out += ": " + excerpt([]byte(description))
	}
	return out
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

// claims are what an assertion says (RFC 7523, section 3).
type claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub,omitempty"`
	Audience string `json:"aud"`
	Scope    string `json:"scope,omitempty"` // as Google has it
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	ID       string `json:"jti"`
}

// sign returns an assertion signed with the credential's key (RFC 7518, section
// 3.3). Its header names the key, and the certificate if there is one (RFC 7515,
// section 4.1.8).
func sign(cred credentials.Credential, c claims) (string, error) {
	key, err := parseKey(cred)
	if err != nil {
		return "", err
	}
	header := map[string]string{"alg": "RS256", "typ": "JWT"}
	if id := cred.Value("key_id").Reveal(); id != "" {
		header["kid"] = id
	}
	if text := cred.Value("certificate").Reveal(); text != "" {
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			return "", connector.Errorf(connector.ErrAuth, opExchange, "the certificate is not in PEM form")
		}
		sum := sha256.Sum256(block.Bytes)
		header["x5t#S256"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	h, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("encode the assertion's header: %w", err)
	}
	b, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode the assertion: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(b)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", connector.Errorf(connector.ErrAuth, opExchange, "sign with the private key: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// oauthURL returns the address of an endpoint: the credential's own, under the
// value of that name, or else the vendor's, with settings filled in. It is
// relative if the vendor's is.
func oauthURL(name string, cred credentials.Credential, vendors string, lookup func(string) (string, bool)) (*url.URL, error) {
	own := cred.Value(name).Reveal()
	switch {
	case own != "":
		u, err := url.Parse(own)
		if err != nil || u.Host == "" {
			return nil, connector.Errorf(connector.ErrInvalid, opExchange, "the credential's %s is no address such as https://login.example.com/oauth", name)
		}
		return u, nil
	case vendors == "":
		e := connector.Errorf(connector.ErrInvalid, opExchange, "the credential does not say where: it has no %s", name)
		e.Remedy = "give the credential the value " + name
		return nil, e
	}
	u, err := fillURL(vendors, lookup)
	if err != nil {
		return nil, connector.Errorf(connector.ErrInvalid, opExchange, "make the address %s: %w", vendors, err)
	}
	return u, nil
}

// checkOAuthURL refuses an endpoint that no secret may be sent to. Without hosts
// it may be at any.
func checkOAuthURL(name string, u *url.URL, hosts []string) error {
	switch {
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return connector.Errorf(connector.ErrInvalid, opExchange, "%s: %s is no address of an endpoint", name, redacted(u))
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return connector.Errorf(connector.ErrInvalid, opExchange, "%s: %s is not reached by TLS", name, redacted(u))
	case len(hosts) > 0 && !hostAllowed(u.Hostname(), hosts):
		return connector.Errorf(connector.ErrInvalid, opExchange, "%s: %s is no host of the vendor, whose hosts are %s", name, u.Hostname(), strings.Join(hosts, ", "))
	}
	return nil
}

// fillURL fills settings into an address: "https://{domain}/x/{tenant}?y={z}",
// "{base_url}/x", "/x". A value in the host's place stays there, one in the path's
// stays within its segment, and one in front may be a whole address.
func fillURL(text string, lookup func(string) (string, bool)) (*url.URL, error) {
	front, behind := splitURL(text)
	front, err := expand(front, lookup, same)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(front)
	whole := strings.HasPrefix(text, "{")
	if err != nil || u.User != nil || strings.ContainsAny(front, `?#\`) || front != "" && u.Host == "" || !whole && u.Path != "" {
		return nil, fmt.Errorf("%q cannot stand before a path", front)
	}
	path, query, _ := strings.Cut(behind, "?")
	if path, err = expandPath(path, lookup); err != nil {
		return nil, err
	}
	if u.RawQuery, err = expand(query, lookup, url.QueryEscape); err != nil {
		return nil, err
	}
	if front == "" {
		u.Path, err = url.PathUnescape(path)
		u.RawPath = path
		return u, err
	}
	if path != "" {
		or(&u.Path, "/")
		u = u.JoinPath(path)
	}
	return u, nil
}

// splitURL returns what stands before the path of an address, and the rest.
func splitURL(text string) (front, behind string) {
	if strings.HasPrefix(text, "{") {
		name, after, _ := strings.Cut(text, "}")
		return name + "}", after
	}
	scheme, after, absolute := strings.Cut(text, "://")
	if !absolute {
		return "", text
	}
	host, _, _ := strings.Cut(after, "/")
	return scheme + "://" + host, after[len(host):]
}
