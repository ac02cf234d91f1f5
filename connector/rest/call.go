package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/vendorsync/vendorsync/connector"
)

type callKey struct{}

// A call is one request and its retries.
type call struct {
	client   *Client
	op       string
	safe     bool
	report   func(time.Duration)
	tries    int
	limiters []connector.Limiter
	wait     time.Duration // before the next try
	body     []byte
	of       *http.Response // that body is of; nil before one is read
	judged   *http.Response // that answer and fault are of
	answer   *Response
	fault    error
}

// retrying returns a client that sends x by h.
func (x *call) retrying(h *http.Client) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient:   h,
		RetryMax:     x.client.api.Bounds.Retries,
		CheckRetry:   x.check,
		Backoff:      x.pause,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// limited reports whether a refusal is about a limit and not about a right. So
// GitHub tells of its secondary limits.
func limited(h http.Header) bool {
	_, ok := vendorWait(h, time.Now())
	return ok
}

// check says whether to try again, and when.
func (x *call) check(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	var classed *connector.Error
	var dns *net.DNSError
	_, address := isAddressError(err)
	switch {
	case !x.safe, address, errors.As(err, &classed), connector.ClassOf(err) == connector.ErrTLS,
		errors.Is(err, errTooLarge), errors.Is(err, errEncoding), errors.As(err, &dns) && dns.IsNotFound:
		return false, err
	}
	x.wait = x.backoff()
	if err != nil {
		return true, nil
	}
	wait, asked := vendorWait(resp.Header, time.Now())
	if !transient(resp) {
		told := x.told(resp)
		if told == nil {
			return false, nil
		}
		if told.RetryAfter > 0 {
			wait, asked = told.RetryAfter, true
		}
	}
	switch {
	case asked && wait > x.client.api.Bounds.Wait:
		return false, nil
	case asked:
		x.wait = max(wait, minWait)
	}
	return true, nil
}

// minWait keeps a vendor that asks for no wait at all from being asked again at
// once.
const minWait = 100 * time.Millisecond

// transient reports whether an answer may be another one soon.
func transient(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusRequestTimeout, http.StatusTooEarly:
		return true
	case http.StatusForbidden:
		return limited(resp.Header)
	case http.StatusNotImplemented:
		return false
	}
	return resp.StatusCode >= 500
}

// told returns the error of an answer that passes although its status does not
// say so, once its body is read; nil if there is none. So Google tells of its
// limits by a 403, and Slack by a 200.
func (x *call) told(resp *http.Response) *connector.Error {
	if x.of != resp {
		return nil
	}
	var e *connector.Error
	if _, err := x.judge(resp); !errors.As(err, &e) || e.Class != connector.ErrRateLimited && e.Class != connector.ErrUnavailable {
		return nil
	}
	return e
}

// judge returns what the client makes of an answer whose body is read.
func (x *call) judge(resp *http.Response) (*Response, error) {
	if x.judged != resp {
		x.judged = resp
		x.answer, x.fault = x.client.judge(x.op, x, resp)
	}
	return x.answer, x.fault
}

// backoff returns the wait before the next try when the vendor asks for none:
// doubled each time, the half of it random, so that many do not come back at
// once.
func (x *call) backoff() time.Duration {
	full := x.client.api.Bounds.Backoff << min(x.tries, 10)
	return full/2 + rand.N(full/2+1) //nolint:gosec // spreading requests needs no secret numbers
}

// pause is asked for the wait right before it begins.
func (x *call) pause(_, _ time.Duration, _ int, _ *http.Response) time.Duration {
	x.tries++
	x.report(x.wait)
	return x.wait
}

func (c *Client) newCall(ctx context.Context, safe bool) *call {
	return &call{client: c, safe: safe, report: func(d time.Duration) { connector.ReportWait(ctx, connector.Wait{For: d, Reason: "retry"}) }}
}

// read takes in a body, up to the bound on decompressed bytes.
func (x *call) read(resp *http.Response) error {
	most := x.client.api.Bounds.Body
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return errEncoding
	}
	if resp.ContentLength > most {
		return fmt.Errorf("%w: it has %d bytes, and at most %d are read", errTooLarge, resp.ContentLength, most)
	}
	body := make([]byte, 0, max(resp.ContentLength+1, bytes.MinRead))
	for {
		if len(body) == cap(body) { // twice as large, and no larger than is read
			body = append(make([]byte, 0, min(2*int64(cap(body)), most+1)), body...)
		}
		n, err := resp.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > most:
			return fmt.Errorf("%w: at most %d bytes are read", errTooLarge, most)
		case errors.Is(err, io.EOF):
			x.body, x.of = body, resp
			return nil
		case err != nil:
			return fmt.Errorf("the answer broke off after %d bytes: %w", len(body), err)
		}
	}
}

// throttle waits until every limit that the call counts for allows a request.
func (x *call) throttle(ctx context.Context) error {
	for _, l := range x.limiters {
		if err := l.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// heed holds the limits back for as long as an answer says that they are used
// up.
func (x *call) heed(resp *http.Response) {
	d, ok := exhausted(resp.Header, time.Now())
	if resp.StatusCode == http.StatusTooManyRequests {
		if after, asked := retryAfter(resp.Header, time.Now()); asked {
			d, ok = after, true
		}
	}
	if !ok || d > x.client.api.Bounds.Wait {
		return
	}
	for _, l := range x.limiters {
		if held, can := l.(interface{ Hold(time.Time) }); can {
			held.Hold(time.Now().Add(d))
		}
	}
}

// A guard breaks off a request whose vendor falls silent or takes too long.
type guard struct {
	next         http.RoundTripper
	stall, limit time.Duration
}

func (g guard) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	w := &watch{cancel: cancel, stall: g.stall, ctxErr: func() error { return context.Cause(ctx) }}
	w.silent = time.AfterFunc(g.stall, func() { cancel(errStalled) })
	w.slow = time.AfterFunc(g.limit, func() { cancel(errSlow) })
	resp, err := g.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		err = w.cause(err)
		w.stop()
		return nil, err
	}
	w.silent.Reset(g.stall)
	resp.Body = &watchedBody{body: resp.Body, watch: w}
	return resp, nil
}

// A watch is over one try of a request.
type watch struct {
	cancel       context.CancelCauseFunc
	stall        time.Duration
	silent, slow *time.Timer
	ctxErr       func() error
	once         sync.Once
}

// cause returns why err came, if the guard is why.
func (w *watch) cause(err error) error {
	if why := w.ctxErr(); errors.Is(why, errStalled) || errors.Is(why, errSlow) {
		return why
	}
	return err
}

func (w *watch) stop() {
	w.once.Do(func() {
		w.silent.Stop()
		w.slow.Stop()
		w.cancel(nil)
	})
}

type watchedBody struct {
	body  io.ReadCloser
	watch *watch
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if n > 0 {
		b.watch.silent.Reset(b.watch.stall)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.watch.cause(err)
	}
	return n, err
}

func (b *watchedBody) Close() error {
	b.watch.stop()
	return b.body.Close()
}
