package rest

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
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

// An Authorization is the log-in of a person at a vendor, by which a credential of
// kind AuthorizationCode gets its refresh token: OAuth 2.0 with an authorization
// code (RFC 6749, section 4.1), a state, and PKCE by S256 (RFC 7636), with or
// without a client secret. It takes the Spec alone, so that a console or a command
// does it for every connector.
//
// [Authorize] does it on the person's own machine. A program with a web page of
// its own sends the person to what [Authorization.Begin] returns, and gives the
// vendor's answer to [Authorization.Finish].
//
// The addresses are the method's or the credential's own, auth_url and token_url.
// They are reached by TLS, and are at the hosts that the Spec names, if it names
// any.
type Authorization struct {
	Spec connector.Spec
	// Method is the id of the AuthMethod. Empty means the only one of kind
	// AuthorizationCode.
	Method string
	// Settings fill the method's addresses, see [Authorization.Missing]. Others in
	// it do no harm. The setting named by [SettingProxy] is heeded.
	Settings connector.Settings
	// Credential is what there is so far: the client id, a secret if the vendor
	// gave one, and whatever else the kind has. A refresh token in it is replaced.
	Credential credentials.Credential
	// Transport carries the request for the token. Nil means the default one.
	Transport http.RoundTripper

	// Listen is host and port to take the vendor's answer at: 127.0.0.1, [::1] or
	// localhost, and 0 for a free port. Empty means those of the method's
	// Redirect. Authorize alone uses it, as the following.
	Listen string
	// Timeout is how long to wait for the person. Defaults to 5 min.
	Timeout time.Duration
	// Open shows an address to the person, who logs in there: it prints it or
	// starts a browser. It is called once, while the answer is being waited for; an
	// error ends the log-in, as the end of the log-in ends ctx.
	Open func(ctx context.Context, address string) error
}

// An Attempt is a log-in that has begun. A program keeps it where no one but the
// person's own session reaches it, and no longer than until the answer.
type Attempt struct {
	URL      string // where the person logs in
	State    string // tells this log-in's answer from any other
	Redirect string // where the answer goes
	Verifier credentials.Secret
}

const opLogIn = "log in at the vendor"

// Missing returns the settings that the addresses need and Settings does not have,
// to ask for them.
func (a Authorization) Missing() []connector.Setting {
	method, err := a.method()
	if err != nil {
		return nil
	}
	var out []connector.Setting
	for _, def := range a.Spec.Settings {
		mark := "{" + def.Name + "}"
		needed := strings.Contains(method.AuthURL, mark) && a.Credential.Value("auth_url").IsZero() ||
			strings.Contains(method.TokenURL, mark) && a.Credential.Value("token_url").IsZero()
		if _, ok := a.setting(def.Name); needed && !ok {
			out = append(out, def)
		}
	}
	return out
}

// setting returns a setting or its default.
func (a Authorization) setting(name string) (string, bool) {
	if v := a.Settings.Get(name); v != "" {
		return v, true
	}
	for _, def := range a.Spec.Settings {
		if def.Name == name {
			return def.Default, def.Default != ""
		}
	}
	return "", false
}

// Begin returns a new attempt, whose answer goes to redirect: an address that is
// registered at the vendor, by TLS or on this machine. Errors are of class
// ErrInvalid, and ErrUnsupported where the connector knows no log-in.
func (a Authorization) Begin(redirect string) (Attempt, error) {
	p, err := a.plan()
	if err != nil {
		return Attempt{}, err
	}
	u, err := url.Parse(redirect)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return Attempt{}, connector.Errorf(connector.ErrInvalid, opLogIn, "the vendor cannot answer to %q: it has to begin with https://, or be on this machine", redirect)
	}
	verifier := oauth2.GenerateVerifier()
	at := Attempt{State: rand.Text(), Redirect: redirect, Verifier: credentials.NewSecret(verifier)}
	cfg := oauth2.Config{ClientID: p.cred.Value("client_id").Reveal(), Endpoint: oauth2.Endpoint{AuthURL: p.authURL.String()}, RedirectURL: redirect, Scopes: p.scopes}
	at.URL = cfg.AuthCodeURL(at.State, oauth2.S256ChallengeOption(verifier))
	return at, nil
}

// answers reports whether an answer of the vendor, the query of its redirect, is
// this attempt's.
func (at Attempt) answers(answer url.Values) bool {
	return at.State != "" && subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(at.State)) == 1
}

// Finish takes the vendor's answer to an attempt, the query of its redirect, and
// returns the credential with its refresh token, complete, its expiry as the vendor
// says it. The code in the answer is good once, so that Finish is called once. Who
// does not consent, an answer to another attempt, and a code or client that the
// vendor does not take are errors of class ErrAuth; an answer without a refresh
// token is ErrInvalid. No error shows a secret.
func (a Authorization) Finish(ctx context.Context, at Attempt, answer url.Values) (credentials.Credential, error) {
	p, err := a.plan()
	if err != nil {
		return credentials.Credential{}, err
	}
	if !at.answers(answer) {
		return credentials.Credential{}, connector.Errorf(connector.ErrAuth, opLogIn, "the answer is not to this log-in: its state is another")
	}
	cred, err := p.finish(ctx, at, answer)
	if err != nil {
		return credentials.Credential{}, scrubbed(err, append(secretForms(p.cred, at.Verifier), secretForms(credentials.Credential{}, credentials.NewSecret(answer.Get("code")))...))
	}
	return cred, nil
}

// scrubbed takes secrets out of an error's message.
func scrubbed(err error, secrets []string) error {
	var e *connector.Error
	if !errors.As(err, &e) {
		return connector.Errorf(connector.ErrInternal, opLogIn, "%s", mask(err.Error(), secrets))
	}
	out := *e
	out.Message = mask(out.Message, secrets)
	return &out
}

// A plan is an Authorization that has been checked.
type plan struct {
	Authorization
	authURL, tokenURL *url.URL
	scopes            []string
	cred              credentials.Credential
}

// method returns the method of the log-in.
func (a Authorization) method() (connector.AuthMethod, error) {
	var found []connector.AuthMethod
	for _, m := range a.Spec.Auth {
		if m.Kind == credentials.AuthorizationCode && (a.Method == "" || m.ID == a.Method) {
			found = append(found, m)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return connector.AuthMethod{}, connector.Errorf(connector.ErrInvalid, opLogIn, "%s has several log-ins: name one", a.Spec.Name)
	case a.Method != "":
		return connector.AuthMethod{}, connector.Errorf(connector.ErrUnsupported, opLogIn, "%s has no log-in %q for a person", a.Spec.Name, a.Method)
	}
	return connector.AuthMethod{}, connector.Errorf(connector.ErrUnsupported, opLogIn, "%s has no log-in for a person", a.Spec.Name)
}

// plan checks everything that can be checked before the log-in.
func (a Authorization) plan() (plan, error) {
	method, err := a.method()
	if err != nil {
		return plan{}, err
	}
	p := plan{Authorization: a, cred: a.Credential, scopes: OAuth{Scopes: method.Scopes}.scopes(a.Credential)}
	or(&p.cred.Kind, credentials.AuthorizationCode)
	if p.cred.Kind != credentials.AuthorizationCode {
		return plan{}, connector.Errorf(connector.ErrInvalid, opLogIn, "a person logs in for a credential of kind %s, and this one is of kind %s", credentials.AuthorizationCode, p.cred.Kind)
	}
	if err := p.cred.With("refresh_token", credentials.NewSecret("to come")).Validate(); err != nil {
		return plan{}, connector.Errorf(connector.ErrInvalid, opLogIn, "%w", err)
	}
	if missing := a.Missing(); len(missing) > 0 {
		return plan{}, connector.Errorf(connector.ErrInvalid, opLogIn, "the setting %s is needed for the vendor's address", missing[0].Name)
	}
	if p.authURL, err = a.endpoint("auth_url", method.AuthURL); err != nil {
		return plan{}, err
	}
	p.tokenURL, err = a.endpoint("token_url", method.TokenURL)
	return p, err
}

// endpoint returns one of the two addresses.
func (a Authorization) endpoint(name, vendors string) (*url.URL, error) {
	u, err := oauthURL(name, a.Credential, vendors, a.setting)
	if err == nil {
		err = checkOAuthURL(name, u, a.Spec.Hosts)
	}
	var e *connector.Error
	if errors.As(err, &e) {
		e.Op = opLogIn
	}
	return u, err
}

// finish trades an answer for the credential.
func (p plan) finish(ctx context.Context, at Attempt, answer url.Values) (credentials.Credential, error) {
	if code := answer.Get("error"); code != "" {
		e := connector.Errorf(connector.ErrAuth, opLogIn, "the vendor refused:%s", vendorsWords(code, answer.Get("error_description")))
		switch code {
		case "access_denied":
			e.Remedy = "log in again, as a person who may grant this, and consent"
		case "invalid_scope", "unauthorized_client", "unsupported_response_type":
			e.Remedy = "let the application at the vendor use authorization codes with these scopes: " + strings.Join(p.scopes, " ")
		case "temporarily_unavailable", "server_error":
			e.Class = connector.ErrUnavailable
		}
		return credentials.Credential{}, e
	}
	code := answer.Get("code")
	if code == "" {
		return credentials.Credential{}, connector.Errorf(connector.ErrMalformed, opLogIn, "the vendor's answer has neither a code nor an error")
	}
	client, closeIdle, err := p.client()
	if err != nil {
		return credentials.Credential{}, err
	}
	defer closeIdle()
	token, err := request(ctx, client, clientcredentials.Config{
		ClientID: p.cred.Value("client_id").Reveal(), ClientSecret: p.cred.Value("client_secret").Reveal(),
		TokenURL: p.tokenURL.String(), AuthStyle: clientStyle(p.cred, oauth2.AuthStyleAutoDetect),
		EndpointParams: url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {at.Redirect}, "code_verifier": {at.Verifier.Reveal()}},
	})
	if err != nil {
		return credentials.Credential{}, codeError(err)
	}
	if token.RefreshToken == "" {
		e := connector.Errorf(connector.ErrInvalid, opLogIn, "the vendor gave no refresh token, without which the log-in would last an hour or so")
		e.Remedy = "ask for one: add the scope offline_access, or what the vendor calls it, to the credential's scope, and let the application at the vendor use refresh tokens"
		return credentials.Credential{}, e
	}
	cred := p.cred.With("refresh_token", credentials.NewSecret(token.RefreshToken))
	cred.ExpiresAt = refreshEnds(token, time.Now())
	if err := cred.Validate(); err != nil {
		return credentials.Credential{}, connector.Errorf(connector.ErrInvalid, opLogIn, "%w", err)
	}
	return cred, nil
}

// codeError classes an error of the request by which a code is traded.
func codeError(err error) error {
	out := exchangeError(opLogIn, credentials.AuthorizationCode, err)
	var refused *oauth2.RetrieveError
	var e *connector.Error
	if errors.As(out, &e) && errors.As(err, &refused) && refused.ErrorCode == "invalid_grant" {
		e.Remedy = "log in again, and see whether the redirect address is registered at the vendor as it is here"
	}
	return out
}

// client returns what the request for the token is sent with.
func (p plan) client() (*http.Client, func(), error) {
	rt, closeIdle, err := transport(connector.Config{Settings: p.Settings, Transport: p.Transport}, p.cred)
	if err != nil {
		return nil, nil, err
	}
	var bounds Bounds
	bounds = bounds.withDefaults()
	once := onceTransport{next: guard{next: rt, stall: bounds.Stall, limit: bounds.Request}, agent: UserAgent + " " + p.Spec.ID}
	return &http.Client{Transport: once, CheckRedirect: stay}, closeIdle, nil
}

// onceTransport sends a request with the library's name, and reads the answer
// whole.
type onceTransport struct {
	next  http.RoundTripper
	agent string
}

func (t onceTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", t.agent)
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("send the request: %w", err)
	}
	return readWhole(resp)
}
