package rest

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/vendorsync/vendorsync/connector"
)

// sleep waits for d or until ctx is done.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// A Limiter keeps requests within one rate limit. It is a
// [connector.Limiter], safe for concurrent use, and shared by all that use it.
type Limiter struct {
	rate *rate.Limiter

	mu   sync.Mutex
	held time.Time // no request before
}

// NewLimiter returns a limiter for one documented limit: Requests in Per evenly,
// and Burst of them, or else Requests, at once. A limit without numbers lets
// everything pass until [Limiter.Hold] says otherwise.
func NewLimiter(l connector.RateLimit) *Limiter {
	if l.Requests <= 0 || l.Per <= 0 {
		return &Limiter{rate: rate.NewLimiter(rate.Inf, 1)}
	}
	burst := l.Burst
	if burst <= 0 {
		burst = l.Requests
	}
	return &Limiter{rate: rate.NewLimiter(rate.Limit(float64(l.Requests)/l.Per.Seconds()), burst)}
}

// Wait blocks until one more request is allowed or ctx is done.
func (l *Limiter) Wait(ctx context.Context) error {
	for {
		l.mu.Lock()
		held := time.Until(l.held)
		l.mu.Unlock()
		if held <= 0 {
			break
		}
		connector.ReportWait(ctx, connector.Wait{For: held, Reason: "vendor's limit"})
		if err := sleep(ctx, held); err != nil {
			return err
		}
	}
	r := l.rate.Reserve()
	d := r.Delay()
	connector.ReportWait(ctx, connector.Wait{For: d, Reason: "rate limit"})
	if err := sleep(ctx, d); err != nil {
		r.Cancel()
		return err
	}
	return nil
}

// Hold lets no request pass before t. An earlier moment than one already held
// to changes nothing.
func (l *Limiter) Hold(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.After(l.held) {
		l.held = t
	}
}

// Limiters are the limiters of all integrations of a process, one for each
// credential and limit. The zero value is ready; its methods are safe for
// concurrent use.
type Limiters struct {
	mu  sync.Mutex
	all map[limiterKey]*Limiter
}

type limiterKey struct {
	owner string
	limit connector.RateLimit
}

// For returns what [connector.Config].Limiter takes, for all integrations of one
// owner: a connector's id and a credential's together, or whatever else the
// vendor counts by.
func (l *Limiters) For(owner string) func(connector.RateLimit) connector.Limiter {
	return func(limit connector.RateLimit) connector.Limiter {
		l.mu.Lock()
		defer l.mu.Unlock()
		key := limiterKey{owner, limit}
		if l.all == nil {
			l.all = map[limiterKey]*Limiter{}
		}
		if l.all[key] == nil {
			l.all[key] = NewLimiter(limit)
		}
		return l.all[key]
	}
}

// limitHeaders are the names that vendors give to what is left of a limit, and
// to the moment of its reset. The first pair is Okta's, the second GitHub's and
// many others', the third that of the drafts of the IETF's httpapi group.
var limitHeaders = []struct{ remaining, reset string }{
	{"X-Rate-Limit-Remaining", "X-Rate-Limit-Reset"},
	{"X-RateLimit-Remaining", "X-RateLimit-Reset"},
	{"RateLimit-Remaining", "RateLimit-Reset"},
}

// exhausted returns how long a limit stays used up, if the headers say that it
// is.
func exhausted(h http.Header, now time.Time) (time.Duration, bool) {
	for _, names := range limitHeaders {
		if strings.TrimSpace(h.Get(names.remaining)) == "0" {
			if d, ok := untilReset(h.Get(names.reset), now); ok {
				return d, true
			}
		}
	}
	return exhaustedField(h.Get("RateLimit"), now)
}

// exhaustedField reads the RateLimit header of the drafts of the IETF's httpapi
// group, in its older form "limit=100, remaining=0, reset=5" and in its newer one
// `"default";r=0;t=5`.
func exhaustedField(field string, now time.Time) (time.Duration, bool) {
	var remaining, reset string
	for _, part := range strings.FieldsFunc(field, func(r rune) bool { return r == ',' || r == ';' }) {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "remaining", "r":
			remaining = value
		case "reset", "t":
			reset = value
		}
	}
	if remaining != "0" {
		return 0, false
	}
	return untilReset(reset, now)
}

// Numbers from these on are moments, in milliseconds or seconds since 1970;
// smaller ones are seconds to go. No vendor asks for a wait of 15 years.
const (
	epochMillis  = 5e11
	epochSeconds = 5e8
)

// untilReset reads the moment of a reset: seconds to go, seconds or milliseconds
// since 1970, or a date.
func untilReset(text string, now time.Time) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return untilDate(text, now)
	case math.IsNaN(n) || n < 0:
		return 0, false
	case n >= epochMillis:
		return untilUnix(n/1000, now), true
	case n >= epochSeconds:
		return untilUnix(n, now), true
	}
	return seconds(n), true
}

func untilUnix(n float64, now time.Time) time.Duration {
	return max(0, seconds(n-float64(now.UnixMilli())/1000))
}

func untilDate(text string, now time.Time) (time.Duration, bool) {
	if t, err := http.ParseTime(text); err == nil {
		return max(0, t.Sub(now)), true
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return max(0, t.Sub(now)), true
	}
	return 0, false
}

// seconds turns a number of seconds into a Duration, the longest one where it
// does not fit.
func seconds(n float64) time.Duration {
	if n >= math.MaxInt64/float64(time.Second) {
		return math.MaxInt64
	}
	return time.Duration(n * float64(time.Second))
}

// retryAfter reads a Retry-After header: seconds, whole or decimal, as Microsoft
// Graph sends them, or a date (RFC 9110, section 10.2.3).
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	text := h.Get("Retry-After")
	if text == "" {
		return 0, false
	}
	return untilReset(text, now)
}

// vendorWait returns how long the vendor asks to wait before the next request.
func vendorWait(h http.Header, now time.Time) (time.Duration, bool) {
	if d, ok := retryAfter(h, now); ok {
		return d, true
	}
	return exhausted(h, now)
}
