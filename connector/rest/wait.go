package rest

import (
	"context"
	"math"
	"net/http"
	"slices"
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
// connector, credential and limit: a host has one value for as long as it runs.
// The zero value is ready; its methods are safe for concurrent use.
type Limiters struct {
	mu  sync.Mutex
	all map[limiterKey]*Limiter
}

type limiterKey struct {
	connector, credential string
	limit                 connector.RateLimit
}

// For returns what [connector.Config].Limiter takes, the same limiters for all
// integrations of a connector that use one credential, both told by their ids.
// Where there is no credential, whatever else the vendor counts by stands for
// it, such as the id of the integration.
func (l *Limiters) For(connectorID, credentialID string) func(connector.RateLimit) connector.Limiter {
	return func(limit connector.RateLimit) connector.Limiter {
		l.mu.Lock()
		defer l.mu.Unlock()
		key := limiterKey{connectorID, credentialID, limit}
		if l.all == nil {
			l.all = map[limiterKey]*Limiter{}
		}
		if l.all[key] == nil {
			l.all[key] = NewLimiter(limit)
		}
		return l.all[key]
	}
}

// The names that vendors give to what is left of a limit, and to the moment of
// its reset: Okta's, GitHub's and many others', and those of the older drafts of
// the IETF's httpapi group. Zendesk mixes them.
var (
	remainingHeaders = []string{"X-Rate-Limit-Remaining", "X-RateLimit-Remaining", "RateLimit-Remaining"}
	resetHeaders     = []string{"X-Rate-Limit-Reset", "X-RateLimit-Reset", "RateLimit-Reset"}
)

// exhausted returns how long a limit stays used up, if the headers say that it
// is.
func exhausted(h http.Header, now time.Time) (time.Duration, bool) {
	if slices.ContainsFunc(remainingHeaders, func(name string) bool { return usedUp(h.Get(name)) }) {
		for _, name := range resetHeaders {
			if d, ok := untilReset(h.Get(name), now); ok {
				return d, true
			}
		}
	}
	return exhaustedField(strings.Join(h.Values("RateLimit"), ","), now)
}

func usedUp(remaining string) bool {
	n, err := strconv.ParseFloat(strings.TrimSpace(remaining), 64)
	return err == nil && n <= 0
}

// exhaustedField reads the RateLimit header of the drafts of the IETF's httpapi
// group: in its older form "limit=100, remaining=0, reset=5" and in its newer
// one, a list of limits, `"burst";r=0;t=5, "daily";r=80;t=3600`, of which the
// longest counts.
func exhaustedField(field string, now time.Time) (longest time.Duration, found bool) {
	var remaining, reset string
	for field != "" {
		var member string
		member, field = cutUnquoted(field, ',')
		if _, params := cutUnquoted(member, ';'); params != "" {
			member, remaining, reset = params, "", ""
		}
		for member != "" {
			var param string
			param, member = cutUnquoted(member, ';')
			name, value, _ := strings.Cut(param, "=")
			switch strings.TrimSpace(name) {
			case "remaining", "r":
				remaining = value
			case "reset", "t":
				reset = value
			}
		}
		if d, ok := untilReset(reset, now); ok && usedUp(remaining) {
			longest, found = max(longest, d), true
		}
	}
	return longest, found
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
	t, err := http.ParseTime(text)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if err != nil {
			t, err = time.Parse(layout, text)
		}
	}
	return max(0, t.Sub(now)), err == nil
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
