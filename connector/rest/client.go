package rest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/internal/path"
)

// UserAgent is what each request says it comes from, the connector's id behind
// it.
const UserAgent = "vendorsync (+https://github.com/vendorsync/vendorsync)"

// A Client sends single requests to one vendor with one integration's settings
// and credential: limited, retried, authorized, pinned to the vendor's hosts.
// It is safe for concurrent use.
type Client struct {
	spec   connector.Spec
	api    API
	cfg    connector.Config
	base   *url.URL
	limits map[string]connector.Limiter
	header http.Header
	auth   *authorizer
	wire   http.RoundTripper // the transport and its guard, without credential
	http   *http.Client
	idle   func()
}

// A Request is one request of a vendor's API.
type Request struct {
	Op     string     // what is being done, for errors: "list users"
	Method string     // empty means GET
	Path   string     // below the API's base
	URL    *url.URL   // in place of Path, as the vendor gave it; one without a host is at the base's
	Query  url.Values // added to what Path or URL have
	Header http.Header
	Body   any  // sent as JSON, if it is set
	Safe   bool // may be sent twice although its method is not GET or HEAD
	// Limits name the Spec's limits that the request counts for; empty means
	// all.
	Limits []string
}

// A Response is one answer, read whole.
type Response struct {
	Status int
	Header http.Header
	URL    *url.URL // after redirects
	Body   []byte
	depth  int
}

// Get returns the value at a path as text, "" if it is null, absent, an object
// or a list, or if the answer is no JSON.
func (r *Response) Get(text string) string {
	p, err := path.Parse(text)
	if err != nil {
		return ""
	}
	f, err := find(r.Body, p, r.depth)
	if err != nil {
		return ""
	}
	value, _ := textOf(f.value)
	return value
}

// NewClient returns a client for cfg, whose settings the Spec has resolved. The
// error is of class ErrInvalid where a setting is at fault, and of ErrAuth where
// a credential is needed and missing.
func NewClient(ctx context.Context, spec connector.Spec, api API, cfg connector.Config) (*Client, error) {
	api.Bounds = api.Bounds.withDefaults()
	c := &Client{spec: spec, api: api, cfg: cfg, header: http.Header{}, limits: map[string]connector.Limiter{}}
	var err error
	if c.base, err = baseURL(spec, api, cfg.Settings); err != nil {
		return nil, err
	}
	c.header.Set("Accept", "application/json")
	c.header.Set("User-Agent", UserAgent+" "+spec.ID)
	for name, text := range api.Header {
		value, err := expand(text, settingsOf(cfg.Settings), same)
		if err != nil {
			return nil, connector.Errorf(connector.ErrInvalid, "make the header "+name, "%w", err)
		}
		c.header.Set(name, value)
	}
	if c.auth, err = newAuthorizer(ctx, c); err != nil {
		return nil, err
	}
	var rt http.RoundTripper
	if rt, c.idle, err = transport(cfg, c.auth.first); err != nil {
		return nil, err
	}
	c.wire = guard{next: rt, stall: api.Bounds.Stall, limit: api.Bounds.Request}
	c.http = &http.Client{Transport: authTransport{c: c}, CheckRedirect: c.checkRedirect}
	for _, l := range spec.Limits {
		c.limits[l.Name] = c.limiter(l)
	}
	if len(c.limits) == 0 {
		c.limits[""] = c.limiter(connector.RateLimit{Name: "requests"})
	}
	return c, nil
}

func (c *Client) limiter(l connector.RateLimit) connector.Limiter {
	if c.cfg.Limiter != nil {
		if shared := c.cfg.Limiter(l); shared != nil {
			return shared
		}
	}
	return NewLimiter(l)
}

// Close frees the idle connections of a client that has a transport of its own.
func (c *Client) Close() { c.idle() }

// Do sends the request until it is answered or cannot be, and returns an answer
// of a status below 400 that API.Errors has no objection to. Every error is a
// [connector.Error].
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	req, err := c.request(ctx, r)
	if err != nil {
		return nil, err
	}
	x := c.newCall(ctx, r.Safe || req.Method == http.MethodGet || req.Method == http.MethodHead)
	x.op = r.Op
	for name, l := range c.limits {
		if len(r.Limits) == 0 || contains(r.Limits, name) {
			x.limiters = append(x.limiters, l)
		}
	}
	req.Request = req.WithContext(context.WithValue(ctx, callKey{}, x)).Request
	req.SetResponseHandler(x.read)
	resp, err := x.retrying(c.http).Do(req)
	if resp != nil && resp.Body != nil {
		defer func() { _ = resp.Body.Close() }()
	}
	if err == nil && x.of != resp {
		err = x.read(resp)
	}
	if err != nil {
		return nil, c.failed(ctx, r.Op, req.URL, err)
	}
	return x.judge(resp)
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// request builds the HTTP request.
func (c *Client) request(ctx context.Context, r Request) (*retryablehttp.Request, error) {
	var u *url.URL
	if r.URL != nil {
		u = c.base.ResolveReference(r.URL)
	} else {
		ref, err := url.Parse(r.Path)
		if err != nil {
			return nil, connector.Errorf(connector.ErrInternal, r.Op, "the path %q cannot be read", r.Path)
		}
		u = c.base.JoinPath(ref.EscapedPath())
		u.RawQuery = ref.RawQuery
	}
	if err := c.checkHost(r.Op, u); err != nil {
		return nil, err
	}
	if len(r.Query) > 0 {
		q := u.Query()
		maps.Copy(q, r.Query)
		u.RawQuery = q.Encode()
	}
	var body any
	if r.Body != nil {
		b, err := json.Marshal(r.Body)
		if err != nil {
			return nil, connector.Errorf(connector.ErrInternal, r.Op, "encode the request: %w", err)
		}
		body = b
	}
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, connector.Errorf(connector.ErrInternal, r.Op, "make the request to %s", redacted(u))
	}
	for _, h := range []http.Header{c.header, r.Header} {
		for name, values := range h {
			req.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// checkHost refuses an address that the credential must not be sent to.
func (c *Client) checkHost(op string, u *url.URL) error {
	if origin(u) == origin(c.base) || u.Scheme == "https" && u.User == nil && (u.Port() == "" || u.Port() == "443") && hostAllowed(u.Hostname(), c.api.Hosts) {
		return nil
	}
	return connector.Errorf(connector.ErrMalformed, op, "the vendor points to %s, which is not %s: the credential is not sent there", u.Scheme+"://"+u.Host, origin(c.base))
}

const maxRedirects = 5

func (c *Client) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return connector.Errorf(connector.ErrMalformed, "follow a redirect", "the vendor redirects again and again")
	}
	return c.checkHost("follow a redirect", req.URL)
}

// judge turns an answer into a Response or into the error it tells of.
func (c *Client) judge(op string, x *call, resp *http.Response) (*Response, error) {
	r := &Response{Status: resp.StatusCode, Header: resp.Header, URL: resp.Request.URL, Body: x.body, depth: c.api.Bounds.Depth}
	if r.Status >= 400 {
		return nil, c.refused(op, r)
	}
	if r.Status >= 300 {
		return nil, connector.Errorf(connector.ErrMalformed, op, "%s answered %d and named no other place", redacted(r.URL), r.Status)
	}
	if c.api.Errors != nil {
		if err := c.api.Errors(r); err != nil {
			return nil, c.own(op, err)
		}
	}
	return r, nil
}

// own gives an API's own error what it lacks, and takes secrets out of it.
func (c *Client) own(op string, err error) error {
	var e *connector.Error
	if !errors.As(err, &e) || e == nil {
		return &connector.Error{Class: connector.ClassOf(err), Op: op, Message: c.auth.scrub(err.Error())}
	}
	out := *e
	out.Message = c.auth.scrub(out.Message)
	if out.Op == "" {
		out.Op = op
	}
	return &out
}

// refused returns the error that an answer of status 400 or above is.
func (c *Client) refused(op string, r *Response) error {
	class := connector.StatusClass(r.Status)
	challenge := challengeOf(r.Header)
	switch {
	case r.Status == http.StatusForbidden && limited(r.Header):
		class = connector.ErrRateLimited
	case challenge.code == insufficientScope:
		class = connector.ErrPermission
	}
	if c.api.Classify != nil {
		if own := c.api.Classify(r); own != "" {
			class = own
		}
	}
	e := &connector.Error{Class: class, Op: op}
	if class == connector.ErrRateLimited || class == connector.ErrUnavailable {
		e.RetryAfter, _ = vendorWait(r.Header, time.Now())
	}
	said := c.said(r)
	if class == connector.ErrAuth || class == connector.ErrPermission {
		said = challenge.tell(said)
	}
	if class == connector.ErrAuth && c.auth.expired(time.Now()) {
		e.Remedy = "enter a new credential: this one has expired"
	}
	e.Message = c.auth.scrub(fmt.Sprintf("%s answered %d %s: %s", redacted(r.URL), r.Status, http.StatusText(r.Status), said))
	return e
}

// said returns the vendor's words of an error.
func (c *Client) said(r *Response) string {
	for _, p := range c.api.Messages {
		if text := r.Get(p); text != "" {
			return excerpt([]byte(text))
		}
	}
	if len(r.Body) == 0 {
		return "nothing more"
	}
	return excerpt(r.Body)
}

const maxExcerpt = 200

// excerpt returns the beginning of a body in one printable line.
func excerpt(body []byte) string {
	cut := len(body) > maxExcerpt
	if cut {
		body = body[:maxExcerpt]
	}
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(body), "?")), " ")
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, text)
	if cut {
		text += "..."
	}
	return text
}

// failed returns the error that a request without an answer is.
func (c *Client) failed(ctx context.Context, op string, u *url.URL, err error) error {
	var e *connector.Error
	if errors.As(err, &e) {
		return c.own(op, e)
	}
	if ctx.Err() != nil {
		cause := context.Cause(ctx)
		if errors.As(cause, &e) {
			return e
		}
		return connector.Errorf(connector.ErrUnavailable, op, "%w", cause)
	}
	var wrapped *url.Error // it quotes the whole URL
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	class, remedy := unansweredClass(err)
	return &connector.Error{Class: class, Op: op, Remedy: remedy, Message: c.auth.scrub(fmt.Sprintf("%s: %v", redacted(u), err))}
}

// minSecret is how long a secret is at least that is looked for in messages: a
// shorter one would mask common text.
const minSecret = 6

// mask masks secrets in a text.
func mask(text string, secrets []string) string {
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, credentials.Mask)
	}
	return text
}

// unansweredClass returns the class and remedy of the error that a request
// without an answer ended in.
func unansweredClass(err error) (class connector.Class, remedy string) {
	var dns *net.DNSError
	switch _, address := isAddressError(err); {
	case connector.ClassOf(err) == connector.ErrTLS:
		return connector.ErrTLS, ""
	case address:
		return connector.ErrInvalid, "use an address that the host allows"
	case errors.As(err, &dns) && dns.IsNotFound:
		return connector.ErrNotFound, ""
	case errors.Is(err, errTooLarge), errors.Is(err, errEncoding):
		return connector.ErrMalformed, ""
	}
	return connector.ErrUnavailable, ""
}

// secretForms returns the forms in which a secret may come back in a message.
func secretForms(cred credentials.Credential, token credentials.Secret) []string {
	var out []string
	add := func(s string) {
		if len(s) >= minSecret {
			out = append(out, s, url.QueryEscape(s), base64.StdEncoding.EncodeToString([]byte(s)))
		}
	}
	for name, v := range cred.Values {
		if !publicValues[name] {
			add(v.Reveal())
		}
	}
	add(token.Reveal())
	return out
}

// publicValues names the values of a credential that may be shown.
var publicValues = map[string]bool{"username": true, "client_id": true, "issuer": true, "subject": true, "key_id": true, "access_key_id": true, "role_arn": true, "certificate": true, "ca": true, "in": true, "name": true, "prefix": true, "scope": true, "token_url": true, "auth_url": true, "client_auth": true, "audience": true}

// The faults of a body.
var (
	errTooLarge = errors.New("the answer is larger than allowed")
	errEncoding = errors.New("the answer is compressed in a way that was not asked for")
	errStalled  = errors.New("the vendor sent nothing for too long")
	errSlow     = errors.New("the answer took too long")
)
