package notice_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/notice"
)

const hookSecret = "b3RoZXIgdGhhbiB0aGlz"

// sample is a notice with all there is.
func sample() notice.Notice {
	return notice.Notice{
		Key: "run_failed-0123", Trouble: "run_failed-0123", Kind: notice.RunFailed, Integration: "laptops", Name: "Laptops – Zürich", Run: "run-1",
		Since: start, At: start.Add(time.Minute), What: "list devices: 401 Unauthorized", Remedy: "renew the credential",
		Counts: &syncer.Counts{Fetched: 3, Created: 2, Failed: 1}, Contacts: []string{"ada@example.com"},
	}
}

// A receiver is the other side of a webhook. It answers the first tries as it is
// told to, and the others with 204.
type receiver struct {
	mu      sync.Mutex
	answers []func(w http.ResponseWriter)
	bodies  [][]byte
	headers []http.Header
	times   []time.Time
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies, r.headers, r.times = append(r.bodies, body), append(r.headers, req.Header.Clone()), append(r.times, time.Now())
	if n := len(r.bodies); n <= len(r.answers) {
		r.answers[n-1](w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// RoundTrip lets a receiver be reached without a network.
func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	r.ServeHTTP(rec, req)
	if rec.Code == 0 || rec.Header().Get("X-Drop") != "" {
		return nil, errors.New("connection reset by peer")
	}
	return rec.Result(), nil
}

func answer(status int, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "said\r\nthe receiver")
	}
}

func drop(w http.ResponseWriter) { w.Header().Set("X-Drop", "yes") }

func times(n int, f func(http.ResponseWriter)) []func(http.ResponseWriter) {
	all := make([]func(http.ResponseWriter), n)
	for i := range all {
		all[i] = f
	}
	return all
}

func newWebhook(t *testing.T, opt notice.WebhookOptions) *notice.Webhook {
	t.Helper()
	if opt.URL == "" {
		opt.URL = "https://hooks.example.com/services/T0K3N"
	}
	opt.Secret = credentials.NewSecret(hookSecret)
	w, err := notice.NewWebhook(opt)
	require.NoError(t, err)
	return w
}

func TestAWebhookBringsTheNoticeSigned(t *testing.T) {
	t.Parallel()
	there := &receiver{}
	server := httptest.NewServer(there)
	defer server.Close()
	require.NoError(t, newWebhook(t, notice.WebhookOptions{URL: server.URL + "/hook"}).Notify(t.Context(), sample()))
	require.Len(t, there.bodies, 1)
	var got notice.Notice
	require.NoError(t, json.Unmarshal(there.bodies[0], &got))
	require.Equal(t, sample(), got)
	require.Equal(t, "run_failed-0123", there.headers[0].Get("Idempotency-Key"))
	require.Equal(t, "application/json", there.headers[0].Get("Content-Type"))
	require.NoError(t, notice.VerifyWebhook(credentials.NewSecret(hookSecret), there.headers[0], there.bodies[0], time.Now(), time.Minute))
	require.NotContains(t, fmt.Sprint(there.headers[0])+string(there.bodies[0]), hookSecret)
}

func TestTheJSONOfAWebhook(t *testing.T) {
	t.Parallel()
	there := &receiver{}
	require.NoError(t, newWebhook(t, notice.WebhookOptions{Transport: there}).Notify(t.Context(), sample()))
	require.JSONEq(t, `{
		"key": "run_failed-0123", "trouble": "run_failed-0123", "kind": "run_failed", "over": false,
		"integration": "laptops", "name": "Laptops – Zürich", "run": "run-1",
		"since": "2026-11-24T04:00:00Z", "at": "2026-11-24T04:01:00Z",
		"what": "list devices: 401 Unauthorized", "remedy": "renew the credential",
		"counts": {"fetched": 3, "filtered": 0, "created": 2, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 1},
		"contacts": ["ada@example.com"]}`, string(there.bodies[0]))
}

func TestWhenAWebhookIsSentAgain(t *testing.T) {
	t.Parallel()
	const s = time.Second
	tests := map[string]struct {
		answers []func(http.ResponseWriter)
		waits   []time.Duration
		class   connector.Class // empty if it is delivered
		says    string
	}{
		"taken at once":                      {},
		"200 will do":                        {answers: times(1, answer(200))},
		"a server that is down for a moment": {answers: times(2, answer(503)), waits: []time.Duration{s, 2 * s}},
		"a connection that breaks":           {answers: times(1, drop), waits: []time.Duration{s}},
		"too many requests":                  {answers: times(1, answer(429)), waits: []time.Duration{s}},
		"a time-out at the receiver":         {answers: times(1, answer(408)), waits: []time.Duration{s}},
		"the receiver names a pause":         {answers: times(1, answer(429, "Retry-After", "7")), waits: []time.Duration{7 * s}},
		"the receiver names a moment":        {answers: times(1, answer(503, "Retry-After", "Sat, 01 Jan 2000 00:00:30 GMT")), waits: []time.Duration{30 * s}},
		"the receiver names a long pause":    {answers: times(9, answer(429, "Retry-After", "3600")), class: connector.ErrRateLimited, says: "answered 429"},
		"a server that stays down":           {answers: times(9, answer(500)), waits: []time.Duration{s, 2 * s, 4 * s, 8 * s}, class: connector.ErrUnavailable, says: `https://hooks.example.com answered 500: "said\r\nthe receiver"`},
		"a connection that breaks each time": {answers: times(9, drop), waits: []time.Duration{s, 2 * s, 4 * s, 8 * s}, class: connector.ErrUnavailable, says: "connection reset by peer"},
		"a request that is refused":          {answers: times(9, answer(400)), class: connector.ErrInvalid, says: "answered 400"},
		"a signature that is refused":        {answers: times(9, answer(401)), class: connector.ErrAuth, says: "compare the secrets"},
		"an address that is gone":            {answers: times(9, answer(410)), class: connector.ErrNotFound, says: "answered 410"},
		"what the server cannot do":          {answers: times(9, answer(501)), class: connector.ErrUnsupported, says: "answered 501"},
		"a redirect":                         {answers: times(9, answer(307, "Location", "https://elsewhere.example.com")), class: connector.ErrInvalid, says: "redirects are not followed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				there := &receiver{answers: test.answers}
				err := newWebhook(t, notice.WebhookOptions{Transport: there}).Notify(t.Context(), sample())
				var waits []time.Duration
				for i := 1; i < len(there.times); i++ {
					waits = append(waits, there.times[i].Sub(there.times[i-1]))
				}
				require.Equal(t, test.waits, waits)
				if test.class == "" {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, test.class)
					require.ErrorContains(t, err, test.says)
					require.NotContains(t, err.Error(), "T0K3N")
					require.NotContains(t, err.Error(), hookSecret)
				}
				for i, header := range there.headers {
					require.NoError(t, notice.VerifyWebhook(credentials.NewSecret(hookSecret), header, there.bodies[i], there.times[i], time.Second), "each try is signed when it is sent")
					require.Equal(t, "run_failed-0123", header.Get("Idempotency-Key"))
				}
			})
		})
	}
}

func TestAWebhookWithoutRetries(t *testing.T) {
	t.Parallel()
	there := &receiver{answers: times(9, answer(500))}
	require.ErrorIs(t, newWebhook(t, notice.WebhookOptions{Transport: there, Retries: -1}).Notify(t.Context(), sample()), connector.ErrUnavailable)
	require.Len(t, there.bodies, 1)
}

// pipeTo returns a transport whose connections go to serve.
func pipeTo(serve func(net.Conn)) *http.Transport {
	return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go serve(there)
		return here, nil
	}}
}

func TestAReceiverThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	endless := "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 1000000\r\n\r\n"
	tests := map[string]func(c net.Conn){
		"it never reads":   func(net.Conn) {},
		"it never answers": func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"it never ends its answer": func(c net.Conn) {
			in := bufio.NewReader(c)
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(c, endless+"so")
			_, _ = io.Copy(io.Discard, in)
		},
	}
	for name, serve := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := pipeTo(serve)
				defer transport.CloseIdleConnections()
				hook := newWebhook(t, notice.WebhookOptions{URL: "http://127.0.0.1/hook", Transport: transport, Timeout: 10 * time.Second, Retries: 2})
				began := time.Now()
				require.ErrorIs(t, hook.Notify(t.Context(), sample()), connector.ErrUnavailable)
				require.Equal(t, 33*time.Second, time.Since(began), "three tries, and the pauses between them")

				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				began = time.Now()
				err := hook.Notify(ctx, sample())
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, 5*time.Second, time.Since(began), "whoever waits no longer is not made to")
			})
		})
	}
}

func TestAnAnswerWithoutEndIsNotRead(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		for { // until the sender has had enough
			if _, err := w.Write(bytes.Repeat([]byte("no "), 1<<10)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	err := newWebhook(t, notice.WebhookOptions{URL: server.URL}).Notify(t.Context(), sample())
	require.ErrorIs(t, err, connector.ErrInvalid)
	require.Less(t, len(err.Error()), 400)
}

func TestACertificateThatNobodyTrustsIsNotTalkedTo(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	tests := map[string]struct {
		cert    tls.Certificate
		trusted bool
	}{
		"of an authority that is trusted":        {ca.issue(t, nil), true},
		"of an authority that nobody knows":      {newAuthority(t).issue(t, nil), false},
		"expired":                                {ca.issue(t, expiredCert), false},
		"of another host":                        {ca.issue(t, otherHost), false},
		"expired, of an authority nobody trusts": {newAuthority(t).issue(t, expiredCert), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			there := &receiver{}
			server := httptest.NewUnstartedServer(there)
			server.TLS = &tls.Config{Certificates: []tls.Certificate{test.cert}, MinVersion: tls.VersionTLS12}
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			server.StartTLS()
			defer server.Close()
			transport, err := rest.NewTransport(rest.Policy{})
			require.NoError(t, err)
			defer transport.CloseIdleConnections()
			transport.TLSClientConfig.RootCAs = ca.pool()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			hook := newWebhook(t, notice.WebhookOptions{URL: server.URL, Transport: transport, Backoff: time.Hour}) // another try changes nothing
			err = hook.Notify(ctx, sample())
			if test.trusted {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, connector.ErrTLS)
			require.Empty(t, there.bodies)
		})
	}
}

func TestPrivateAddressesAreRefusedOnRequest(t *testing.T) {
	t.Parallel()
	there := &receiver{}
	server := httptest.NewServer(there)
	defer server.Close()
	hook := newWebhook(t, notice.WebhookOptions{URL: server.URL, Policy: rest.Policy{DenyPrivate: true}, Retries: -1})
	require.ErrorContains(t, hook.Notify(t.Context(), sample()), "a private address, are not allowed")
	require.Empty(t, there.bodies)
}

func TestAWebhookNeedsWhatItNeeds(t *testing.T) {
	t.Parallel()
	long := credentials.NewSecret(hookSecret)
	tests := map[string]struct {
		opt  notice.WebhookOptions
		says string // empty if it is fine
	}{
		"https":                            {notice.WebhookOptions{URL: "https://hooks.example.com/x?y=z", Secret: long}, ""},
		"http on loopback":                 {notice.WebhookOptions{URL: "http://localhost:8080/", Secret: long}, ""},
		"http on loopback by IPv6":         {notice.WebhookOptions{URL: "http://[::1]:8080/", Secret: long}, ""},
		"http elsewhere":                   {notice.WebhookOptions{URL: "http://hooks.example.com/", Secret: long}, "https://"},
		"http to a name like this machine": {notice.WebhookOptions{URL: "http://localhost.example.com/", Secret: long}, "https://"},
		"another scheme":                   {notice.WebhookOptions{URL: "ftp://hooks.example.com/", Secret: long}, "https://"},
		"no host":                          {notice.WebhookOptions{URL: "https:///x", Secret: long}, "the URL is none"},
		"no URL":                           {notice.WebhookOptions{Secret: long}, "the URL is none"},
		"no readable URL":                  {notice.WebhookOptions{URL: "https://T0K3N%zz", Secret: long}, "the URL is none"},
		"a password in the URL":            {notice.WebhookOptions{URL: "https://user:T0K3N@hooks.example.com/", Secret: long}, "user or password"},
		"no secret":                        {notice.WebhookOptions{URL: "https://hooks.example.com/"}, "less than 16 bytes"},
		"a short secret":                   {notice.WebhookOptions{URL: "https://hooks.example.com/", Secret: credentials.NewSecret("T0K3N")}, "less than 16 bytes"},
		"a negative time":                  {notice.WebhookOptions{URL: "https://hooks.example.com/", Secret: long, Timeout: -1}, "negative"},
		"no readable proxy":                {notice.WebhookOptions{URL: "https://hooks.example.com/", Secret: long, Policy: rest.Policy{Proxy: ":"}}, "proxy"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hook, err := notice.NewWebhook(test.opt)
			if test.says == "" {
				require.NoError(t, err)
				require.NotContains(t, fmt.Sprintf("%v %s", hook, hook), hookSecret)
				require.NotContains(t, fmt.Sprintf("%+v %#v", test.opt, test.opt), hookSecret)
				return
			}
			require.ErrorIs(t, err, connector.ErrInvalid)
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), "T0K3N")
		})
	}
}

func TestMultiTellsAll(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	good, broken := &recorder{}, &recorder{fails: func(notice.Notice) error { return down }}
	require.NoError(t, notice.Multi{good, good}.Notify(t.Context(), sample()))
	require.Len(t, good.take(), 2)
	require.NoError(t, notice.Multi{}.Notify(t.Context(), sample()))

	err := notice.Multi{good, broken}.Notify(t.Context(), sample())
	require.ErrorIs(t, err, down)
	var partial *notice.PartialError
	require.ErrorAs(t, err, &partial)
	require.Len(t, good.take(), 1)

	err = notice.Multi{broken, broken}.Notify(t.Context(), sample())
	require.ErrorIs(t, err, down)
	partial = nil
	require.False(t, errors.As(err, &partial), "nobody has heard it")
}

func TestVerifyWebhook(t *testing.T) {
	t.Parallel()
	body, now := []byte(`{"key":"x"}`), time.Unix(1700000000, 0)
	// Made with: printf '1700000000.{"key":"x"}' | openssl dgst -sha256 -hmac b3RoZXIgdGhhbiB0aGlz
	const good = "v1=331001b18c1ac98e0fceacbaee9e4670929f3350f9ae440c431de8f9741924a7"
	tests := map[string]struct {
		timestamp, signature []string
		body                 string
		now                  time.Time
		tolerance            time.Duration
		secret               string
		says                 string // empty if it is good
	}{
		"good":                               {},
		"good, in capitals":                  {signature: []string{"v1=" + strings.ToUpper(strings.TrimPrefix(good, "v1="))}},
		"good, beside that of an old secret": {signature: []string{"v1=00, " + good}},
		"good, before one of another make":   {signature: []string{good + ",v2=xyz"}},
		"five minutes old":                   {now: now.Add(5 * time.Minute)},
		"older":                              {now: now.Add(5*time.Minute + time.Second), says: "it was made 5m1s ago, and 5m0s is allowed"},
		"five minutes ahead":                 {now: now.Add(-5 * time.Minute)},
		"farther ahead":                      {now: now.Add(-5*time.Minute - time.Second), says: "it was made -5m1s ago"},
		"older than another tolerance":       {now: now.Add(2 * time.Second), tolerance: time.Second, says: "1s is allowed"},
		"another body":                       {body: `{"key":"y"}`, says: "no signature of this body"},
		"another secret":                     {secret: "another", says: "no signature of this body by this secret"},
		"another time":                       {timestamp: []string{"1700000001"}, says: "no signature"},
		"no secret at the receiver":          {secret: "-", says: "the receiver has no secret"},
		"no timestamp":                       {timestamp: []string{}, says: "X-Vendorsync-Timestamp is there 0 times"},
		"two timestamps":                     {timestamp: []string{"1700000000", "1700000000"}, says: "is there 2 times"},
		"no number":                          {timestamp: []string{"now"}, says: "no number of seconds"},
		"a number in another form":           {timestamp: []string{"+1700000000"}, says: "no number of seconds"},
		"a number too large":                 {timestamp: []string{"99999999999999999"}, says: "no number of seconds"},
		"a negative number":                  {timestamp: []string{"-1"}, says: "no number of seconds"},
		"no signature":                       {signature: []string{}, says: "X-Vendorsync-Signature is there 0 times"},
		"two signature headers":              {signature: []string{good, good}, says: "is there 2 times"},
		"an empty signature":                 {signature: []string{""}, says: "no signature"},
		"a signature of another make":        {signature: []string{"v0" + strings.TrimPrefix(good, "v1")}, says: "no signature"},
		"a signature without its make":       {signature: []string{strings.TrimPrefix(good, "v1=")}, says: "no signature"},
		"half a signature":                   {signature: []string{good[:len(good)/2]}, says: "no signature"},
		"a good one after many":              {signature: []string{strings.Repeat("v1=00,", 4) + good}, says: "no signature"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{notice.TimestampHeader: {"1700000000"}, notice.SignatureHeader: {good}}
			if test.timestamp != nil {
				header[notice.TimestampHeader] = test.timestamp
			}
			if test.signature != nil {
				header[notice.SignatureHeader] = test.signature
			}
			secret, sent, at := hookSecret, body, now
			switch test.secret {
			case "":
			case "-":
				secret = ""
			default:
				secret = test.secret
			}
			if test.body != "" {
				sent = []byte(test.body)
			}
			if !test.now.IsZero() {
				at = test.now
			}
			err := notice.VerifyWebhook(credentials.NewSecret(secret), header, sent, at, test.tolerance)
			if test.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, notice.ErrSignature)
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), hookSecret)
		})
	}
}

func FuzzVerifyWebhook(f *testing.F) {
	f.Add("1700000000", "v1=00", []byte("{}"))
	f.Add("", ",,,,,,", []byte(nil))
	f.Add("-0", "v1=,v1=v1=", []byte("x"))
	there := &receiver{}
	hook, err := notice.NewWebhook(notice.WebhookOptions{URL: "https://hooks.example.com", Secret: credentials.NewSecret(hookSecret), Transport: there})
	if err != nil {
		f.Fatal(err)
	}
	if err := hook.Notify(f.Context(), sample()); err != nil {
		f.Fatal(err)
	}
	timestamp, signature, body := there.headers[0].Get(notice.TimestampHeader), there.headers[0].Get(notice.SignatureHeader), there.bodies[0]
	f.Add(timestamp, signature, body)
	secret, now := credentials.NewSecret(hookSecret), there.times[0]
	f.Fuzz(func(t *testing.T, ts, sig string, b []byte) {
		header := http.Header{notice.TimestampHeader: {ts}, notice.SignatureHeader: {sig}}
		err := notice.VerifyWebhook(secret, header, b, now, time.Hour)
		// Who does not know the secret has only what was sent to go by.
		sent := ts == timestamp && bytes.Equal(b, body) && strings.Contains(strings.ToLower(sig), signature)
		if err == nil && !sent {
			t.Fatalf("%q with %q is good for %q", ts, sig, b)
		}
		if err != nil && !errors.Is(err, notice.ErrSignature) {
			t.Fatalf("another error: %v", err)
		}
	})
}
