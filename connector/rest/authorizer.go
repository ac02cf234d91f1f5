package rest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

// An authorizer puts the credential on requests and renews its token.
type authorizer struct {
	c      *Client
	first  credentials.Credential // as it was when the client was made
	auth   Auth
	tokens *connector.Tokens // shared with the credential's other sources, if the host says so

	mu     sync.Mutex
	secret []string  // what messages must not show
	known  proof     // what was learned last, and is among them
	keyed  string    // the key of known, empty if it was not asked for
	ends   time.Time // when the credential expires, zero if nobody knows
}

func newAuthorizer(ctx context.Context, c *Client) (*authorizer, error) {
	a := &authorizer{c: c, tokens: c.cfg.Tokens}
	if a.tokens == nil {
		a.tokens = new(connector.Tokens)
	}
	for _, def := range c.spec.Settings {
		if def.Secret {
			for _, v := range c.cfg.Settings[def.Name] {
				a.secret = append(a.secret, secretForms(credentials.Credential{}, credentials.NewSecret(v))...)
			}
		}
	}
	if c.cfg.Credential == nil {
		if c.spec.NeedsCredential() {
			return nil, connector.Errorf(connector.ErrAuth, opUse, "%s needs a credential, and there is none", c.spec.Name)
		}
		return a, nil
	}
	cred, err := a.get(ctx)
	if err != nil {
		return nil, err
	}
	auth, ok := c.api.Auth[cred.Kind]
	if !ok && (c.spec.NeedsCredential() || cred.Kind != credentials.None && cred.Kind != "") {
		return nil, connector.Errorf(connector.ErrAuth, opUse, "%s takes no credential of kind %q", c.spec.Name, cred.Kind)
	}
	if err := cred.Validate(); err != nil {
		return nil, connector.Errorf(connector.ErrAuth, opUse, "%w", err)
	}
	if auth.query != nil {
		auth.Query = append(slices.Clone(auth.Query), auth.query(cred)...)
	}
	a.first, a.auth = cred, auth
	a.learn(cred, credentials.Secret{})
	return a, nil
}

// learn notes what messages must not show.
func (a *authorizer) learn(cred credentials.Credential, token credentials.Secret) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ends = cred.ExpiresAt
	same := sameCredential(a.known.cred, cred)
	if same && a.known.token.Reveal() == token.Reveal() {
		return
	}
	if !same {
		a.keyed = ""
	}
	a.known = proof{cred, token}
	a.note(secretForms(cred, token)...)
}

// learnHeader notes what Apply made of a secret, such as the encoding of user name
// and password.
func (a *authorizer) learnHeader(h http.Header) {
	_, sent, _ := strings.Cut(h.Get("Authorization"), " ")
	if len(sent) < minSecret {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.note(sent)
}

// note adds to the secrets; mu is held.
func (a *authorizer) note(secrets ...string) {
	for _, s := range secrets {
		if !slices.Contains(a.secret, s) {
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
	return mask(text, a.secret)
}

// expired reports whether the credential is known to have come to its end.
func (a *authorizer) expired(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.ends.IsZero() && !now.Before(a.ends)
}

// authorize returns the request with the credential on it, and what it was.
func (a *authorizer) authorize(req *http.Request, stale credentials.Secret) (*http.Request, proof, error) {
	if a.c.cfg.Credential == nil {
		return req, proof{}, nil
	}
	ctx := req.Context()
	cred, err := a.get(ctx)
	if err != nil {
		return nil, proof{}, err
	}
	p := proof{cred: cred}
	if a.auth.Exchange != nil {
		token, err := a.tokens.Get(ctx, a.key(cred), stale, a.exchange)
		if err != nil {
			return nil, proof{}, err
		}
		p.token = token.Value
	}
	a.learn(cred, p.token)
	out := req.Clone(ctx)
	if a.auth.Apply != nil {
		if err := a.auth.Apply(out, cred, p.token); err != nil {
			return nil, proof{}, err
		}
		a.learnHeader(out.Header)
	}
	return out, p, nil
}

// get returns the credential as it is now.
func (a *authorizer) get(ctx context.Context) (credentials.Credential, error) {
	cred, err := a.c.cfg.Credential.Get(ctx)
	if err != nil {
		return cred, connector.Errorf(connector.ErrAuth, opUse, "%w", err)
	}
	return cred, nil
}

// A proof is what a request was authorized with.
type proof struct {
	cred  credentials.Credential
	token credentials.Secret
}

// key returns what makeKey does, which is the same from request to request.
func (a *authorizer) key(cred credentials.Credential) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	same := sameCredential(a.known.cred, cred)
	if same && a.keyed != "" {
		return a.keyed
	}
	key := a.makeKey(cred)
	if same {
		a.keyed = key
	}
	return key
}

// makeKey tells the tokens apart that a credential is exchanged for: by what is
// asked for, where, and with which secret. A refresh token does not count: it is
// replaced with each exchange, and the tokens it brought before stay good.
func (a *authorizer) makeKey(cred credentials.Credential) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q", a.c.spec.ID, a.c.base, cred.Kind)
	if a.auth.about != nil {
		fmt.Fprintf(h, " %q", a.auth.about(a.exchangeOf(cred)))
	} else {
		for _, name := range slices.Sorted(maps.Keys(a.c.cfg.Settings)) {
			fmt.Fprintf(h, " %q=%q", name, a.c.cfg.Settings[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cred.Values)) {
		if name != "refresh_token" {
			fmt.Fprintf(h, " %q:%q", name, cred.Values[name].Reveal())
		}
	}
	return string(h.Sum(nil))
}

// exchangeOf returns what an exchange of cred has to work with.
func (a *authorizer) exchangeOf(cred credentials.Credential) Exchange {
	return Exchange{
		Credential: cred,
		Settings:   a.c.cfg.Settings,
		Base:       a.c.base,
		Safe:       a.c.exchangeClient(true),
		Once:       a.c.exchangeClient(false),
		Save: func(ctx context.Context, c credentials.Credential) error {
			a.learn(c, credentials.Secret{})
			return a.save(ctx, c)
		},
		hosts: a.c.spec.Hosts,
	}
}

// exchange trades the credential as it is now for a token. If another process has
// rotated it in the meantime, what that one saved is exchanged.
func (a *authorizer) exchange(ctx context.Context) (Token, error) {
	const most = 3
	for try := 1; ; try++ {
		cred, err := a.get(ctx)
		if err != nil {
			return Token{}, err
		}
		a.learn(cred, credentials.Secret{})
		token, err := a.auth.Exchange(ctx, a.exchangeOf(cred))
		if err == nil {
			return token, nil
		}
		if try == most || !a.overtaken(ctx, cred, err) {
			return Token{}, a.c.own(opExchange, err)
		}
	}
}

// overtaken reports whether an exchange failed since somebody else has changed
// the credential.
func (a *authorizer) overtaken(ctx context.Context, cred credentials.Credential, err error) bool {
	if errors.Is(err, credentials.ErrConflict) {
		return true
	}
	if connector.ClassOf(err) != connector.ErrAuth {
		return false
	}
	now, err := a.c.cfg.Credential.Get(ctx)
	return err == nil && !sameCredential(now, cred)
}

// save gives a rotated credential to the host, again if that fails for a reason
// that may pass: the vendor takes the old one no more.
func (a *authorizer) save(ctx context.Context, cred credentials.Credential) error {
	for _, pause := range []time.Duration{time.Second, 3 * time.Second} {
		err := a.c.cfg.Credential.Save(ctx, cred)
		if err == nil || lasting(err) || sleep(ctx, pause) != nil {
			return err
		}
	}
	return a.c.cfg.Credential.Save(ctx, cred)
}

// lasting reports whether saving again would fail again.
func lasting(err error) bool {
	return errors.Is(err, credentials.ErrNotSaved) || errors.Is(err, credentials.ErrConflict) || errors.Is(err, credentials.ErrBound) || errors.Is(err, credentials.ErrNotFound)
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
	return &http.Client{Transport: exchangeTransport{c: c, safe: safe}, CheckRedirect: stay}
}

// exchangeTransport sends a request that carries its own proof, and reads the
// answer whole.
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
	resp, err := x.retrying(&http.Client{Transport: t.c.wire, CheckRedirect: stay}).Do(r)
	if err != nil {
		return nil, err
	}
	return readWhole(resp)
}

// stay follows no redirect.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// maxAnswer bounds the answer of a token endpoint.
const maxAnswer = 1 << 20

// readWhole reads a body into memory, so that what goes wrong in it is an error of
// the request.
func readWhole(resp *http.Response) (*http.Response, error) {
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer broke off after %d bytes: %w", len(body), err)
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("%w: at most %d bytes are read", errTooLarge, maxAnswer)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
