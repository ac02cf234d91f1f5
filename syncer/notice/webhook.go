package notice

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/internal/excerpt"
)

// WebhookOptions configure a Webhook. URL and Secret are required.
type WebhookOptions struct {
	// URL is where notices are posted to: https, or http on this machine's
	// loopback interface. Errors name its host alone, since others may hold a
	// secret.
	URL string
	// Secret signs each request. It has at least 16 bytes, and the receiver knows
	// it too.
	Secret credentials.Secret
	// Policy says where connections may go; with DenyPrivate, to public addresses
	// alone.
	Policy rest.Policy
	// Transport carries the requests, in place of one that holds to Policy.
	Transport http.RoundTripper
	// Timeout bounds each try, its answer included. Defaults to 10 s.
	Timeout time.Duration
	// Retries is how often a request is sent again that was not answered, or
	// answered by 408, 425, 429 or 5xx but 501. Defaults to 4; -1 for never.
	Retries int
	// Backoff is the pause before the first of them, doubled each time, unless the
	// receiver asks for another one. Defaults to 1 s.
	Backoff time.Duration
	// Now tells the time for the signature. Defaults to time.Now.
	Now func() time.Time
}

// The headers of a webhook's request.
const (
	// TimestampHeader is when the request was sent, in seconds since 1970.
	TimestampHeader = "X-Vendorsync-Timestamp"
	// SignatureHeader is "v1=" and the HMAC-SHA256, in hexadecimal, of the
	// timestamp, a full stop and the body.
	SignatureHeader = "X-Vendorsync-Signature"
	// IdempotencyHeader is the notice's Key: the same in each try.
	IdempotencyHeader = "Idempotency-Key"
)

// The bounds of a webhook.
const (
	minSecret = 16               // bytes
	maxPause  = time.Minute      // a receiver that asks for more is not waited for
	maxAnswer = 4 << 10          // bytes of an answer that are read
	webhookOp = "send a webhook" // what is being done, for errors
)

// A Webhook posts notices as JSON, signed, see [VerifyWebhook]. It follows no
// redirects. It is safe for concurrent use.
type Webhook struct {
	opt  WebhookOptions
	url  *url.URL
	http *http.Client
}

var _ Notifier = (*Webhook)(nil)

// NewWebhook returns a Webhook. The error is of class ErrInvalid and shows
// neither the secret nor the URL.
func NewWebhook(opt WebhookOptions) (*Webhook, error) {
	u, err := url.Parse(opt.URL)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return nil, connector.Errorf(connector.ErrInvalid, webhookOp, "the URL is none such as https://hooks.example.com/vendorsync")
	case u.User != nil:
		return nil, connector.Errorf(connector.ErrInvalid, webhookOp, "the URL has a user or password in it: the receiver knows the sender by the signature")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return nil, connector.Errorf(connector.ErrInvalid, webhookOp, "the URL does not begin with https://")
	case len(opt.Secret.Reveal()) < minSecret:
		return nil, connector.Errorf(connector.ErrInvalid, webhookOp, "the secret has less than %d bytes", minSecret)
	case opt.Timeout < 0 || opt.Backoff < 0 || opt.Retries < -1:
		return nil, connector.Errorf(connector.ErrInvalid, webhookOp, "a time or a number is negative")
	}
	if opt.Transport == nil {
		if opt.Transport, err = rest.NewTransport(opt.Policy); err != nil {
			return nil, fmt.Errorf("%s: %w", webhookOp, err)
		}
	}
	opt.Timeout = cmp.Or(opt.Timeout, 10*time.Second)
	opt.Backoff = cmp.Or(opt.Backoff, time.Second)
	opt.Retries = max(0, cmp.Or(opt.Retries, 4))
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Webhook{opt: opt, url: u, http: &http.Client{
		Transport:     opt.Transport,
		Timeout:       opt.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Notify posts the notice until the receiver has answered with 2xx or the tries
// are over. The error is a [connector.Error]: ErrUnavailable or ErrRateLimited
// where another time may do, ErrTLS where the receiver's certificate is not
// trusted, ErrInvalid for a redirect, else the class of the receiver's answer.
func (w *Webhook) Notify(ctx context.Context, n Notice) error {
	body, err := json.Marshal(n)
	if err != nil {
		return connector.Errorf(connector.ErrInternal, webhookOp, "encode the notice: %w", err)
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, w.url.String(), body)
	if err != nil {
		return connector.Errorf(connector.ErrInternal, webhookOp, "make the request to %s", w.receiver())
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", rest.UserAgent)
	req.Header.Set(IdempotencyHeader, n.Key)
	w.sign(req.Request, body)
	client := &retryablehttp.Client{
		HTTPClient:   w.http,
		RetryMax:     w.opt.Retries,
		RetryWaitMin: w.opt.Backoff,
		RetryWaitMax: maxPause,
		CheckRetry:   again,
		Backoff:      retryablehttp.DefaultBackoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
		PrepareRetry: func(r *http.Request) error { w.sign(r, body); return nil },
	}
	resp, err := client.Do(req)
	if resp != nil {
		defer func() { _ = resp.Body.Close() }()
	}
	if err != nil {
		return w.unanswered(ctx, err)
	}
	return w.judge(resp)
}

// sign sets the headers that prove where a request comes from, and when it was
// sent. The tries before it keep theirs.
func (w *Webhook) sign(r *http.Request, body []byte) {
	r.Header = r.Header.Clone()
	timestamp := timestampOf(w.opt.Now())
	r.Header.Set(TimestampHeader, timestamp)
	r.Header.Set(SignatureHeader, signaturePrefix+signature(w.opt.Secret, timestamp, body))
}

// again says whether a request is worth another try.
func again(ctx context.Context, resp *http.Response, err error) (bool, error) {
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case err != nil && connector.ClassOf(err) == connector.ErrTLS:
		return false, err
	case err != nil:
		return true, nil
	}
	return transient(resp.StatusCode) && retryablehttp.DefaultBackoff(0, 0, 0, resp) <= maxPause, nil
}

// transient reports whether an answer may be another one soon.
func transient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented:
		return false
	}
	return status >= 500
}

// unanswered returns the error that a request without an answer is.
func (w *Webhook) unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	var wrapped *url.Error // it quotes the whole URL
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	class := connector.ErrUnavailable
	if connector.ClassOf(err) == connector.ErrTLS {
		class = connector.ErrTLS
	}
	return connector.Errorf(class, webhookOp, "%s: %w", w.receiver(), err)
}

// judge turns an answer into an error, or none.
func (w *Webhook) judge(resp *http.Response) error {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	said, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // what came of it will do
	e := connector.Errorf(connector.StatusClass(resp.StatusCode), webhookOp, "%s answered %d: %q",
		w.receiver(), resp.StatusCode, excerpt.Of(strings.ToValidUTF8(string(said), "?")))
	e.Remedy = "look at the receiver's log, and compare the secrets of both"
	switch {
	case resp.StatusCode == http.StatusGone:
		e.Class = connector.ErrNotFound
	case resp.StatusCode < 400:
		e.Class, e.Remedy = connector.ErrInvalid, "redirects are not followed: give the receiver's final address"
	case e.Class == connector.ErrUnavailable || e.Class == connector.ErrRateLimited:
		e.RetryAfter = retryablehttp.DefaultBackoff(0, 0, 0, resp)
		e.Remedy = "see that the receiver works; the notice is sent again later"
	}
	return e
}

// receiver names the receiver without what may be secret in its URL.
func (w *Webhook) receiver() string { return w.url.Scheme + "://" + w.url.Host }

// String returns the receiver, without path and secret.
func (w *Webhook) String() string { return "webhook to " + w.receiver() }

// isLoopback reports whether a host is this machine, by its name or address.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
