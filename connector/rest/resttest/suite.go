package resttest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

// FaultOptions say how a connector reads one stream of a vendor that does
// everything right.
type FaultOptions struct {
	// Server returns a new server of the vendor, at which the stream has three
	// pages or more and no record changes.
	Server func(t testing.TB) *Server
	// Config is what the connector is opened with, but for its Transport. Its
	// settings are checked against the Spec first, as a host does.
	Config connector.Config
	// Stream is the stream to read. It has no parts.
	Stream string
	// Path is where the server has the stream's list: "/api/v1/users".
	Path string
	// Expired, Wrong and Weak are a credential that was good once, one that
	// never was, and one without the permission for the stream.
	Expired, Wrong, Weak Refusal
	// Total is the member of a page that counts all records: "totalCount". Empty
	// if the vendor does not count them.
	Total string
	// NoContent is the class of the error that a page of status 204 is. Empty if
	// such a page ends the list.
	NoContent connector.Class
}

// A Refusal is a credential that the vendor refuses.
type Refusal struct {
	Credential credentials.Source         // nil for that of the Config
	Server     func(t testing.TB) *Server // that refuses it; nil for that of the options
	Says       []string                   // what the error holds: the vendor's own words, and what to do
}

// RunFaults holds a connector to what it owes its host when the vendor misbehaves,
// each fault a subtest: an error of the right class that says what is wrong and
// what to do, shows no secret and comes in bounded time and memory; before it
// whole pages alone and after it nothing; a read that goes on at the last cursor
// once the fault is over; and no request to a host that is not the vendor's. A
// fault that passes is not seen at all.
//
// Time is that of a testing/synctest bubble, but for the faults that need a real
// connection or much memory. What these take is measured for the whole process,
// so the caller's test is not parallel to others.
func RunFaults(t *testing.T, c connector.Connector, opts FaultOptions) {
	t.Helper()
	f, err := newFaultSuite(t, c, opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, lf := range largeFaults() {
		t.Run(lf.name, func(t *testing.T) {
			report(t, f.large(t, lf))
		})
	}
	t.Run("a certificate that nobody vouches for", func(t *testing.T) {
		report(t, f.selfSigned(t))
	})
	bubble := func(name string, test func(t *testing.T) error) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { report(t, test(t)) })
		})
	}
	bubble("an expired, a wrong and a weak credential", f.refusals)
	for _, lf := range f.lastingFaults() {
		bubble(lf.name, func(t *testing.T) error { return f.lasting(t, lf) })
	}
	for _, pf := range passingFaults() {
		bubble(pf.name, func(t *testing.T) error { return f.passing(t, pf) })
	}
	for _, ad := range addressFaults() {
		bubble(ad.name, func(t *testing.T) error { return f.address(t, ad) })
	}
}

func report(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// A faultSuite holds one connector to its duties.
type faultSuite struct {
	connector connector.Connector
	opts      FaultOptions
	config    connector.Config
	want      reading  // of a vendor without faults
	requests  int      // that it took
	hosts     []string // that they went to
	secrets   []string // that no error shows
}

// A reading is what came of one read.
type reading struct {
	records []string
	pages   []int // the number of records after each page
	next    connector.Cursor
	err     error
	broken  error // how the contract was broken
}

func newFaultSuite(t *testing.T, c connector.Connector, opts FaultOptions) (*faultSuite, error) {
	t.Helper()
	f := &faultSuite{connector: c, opts: opts, config: opts.Config}
	var err error
	if f.config.Settings, err = c.Spec().Resolve(opts.Config.Settings); err != nil {
		return nil, fmt.Errorf("the settings are at fault: %w", err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := opts.Server(t)
		f.want = f.read(t, s, f.config, "")
		f.note(t.Context(), s)
	})
	switch {
	case f.want.err != nil || f.want.broken != nil:
		return nil, fmt.Errorf("without a fault: %w", errors.Join(f.want.err, f.want.broken))
	case len(f.want.pages) < 3:
		return nil, fmt.Errorf("without a fault there are %d pages, and 3 are needed", len(f.want.pages))
	}
	return f, nil
}

// note keeps where the requests of a read went and what they proved themselves
// with.
func (f *faultSuite) note(ctx context.Context, s *Server) {
	f.secrets = secretsOf(ctx, f.config.Credential)
	for _, seen := range s.Requests() {
		f.requests++
		if !slices.Contains(f.hosts, seen.Host) {
			f.hosts = append(f.hosts, seen.Host)
		}
		if proof := strings.Fields(seen.Header.Get("Authorization")); len(proof) > 0 {
			f.secrets = append(f.secrets, proof[len(proof)-1])
		}
	}
}

// public are the values of a credential that may be shown.
var public = []string{"username", "client_id", "issuer", "subject", "key_id", "access_key_id", "role_arn", "certificate", "ca"}

func secretsOf(ctx context.Context, src credentials.Source) []string {
	if src == nil {
		return nil
	}
	cred, err := src.Get(ctx)
	if err != nil {
		return nil
	}
	var out []string
	for name, v := range cred.Values {
		if text := v.Reveal(); !slices.Contains(public, name) && len(text) >= 6 {
			out = append(out, text)
		}
	}
	return out
}

// read reads the stream from a server within the process.
func (f *faultSuite) read(t *testing.T, s *Server, cfg connector.Config, from connector.Cursor) reading {
	t.Helper()
	transport := s.Transport()
	defer func() { _ = transport.Close() }()
	cfg.Transport = transport
	return f.readWith(t.Context(), cfg, from)
}

// readWith reads the stream, and on after an error, where nothing may be.
func (f *faultSuite) readWith(ctx context.Context, cfg connector.Config, from connector.Cursor) (r reading) {
	src, err := f.connector.Open(ctx, cfg)
	if err != nil {
		return reading{err: err}
	}
	defer func() { r.broken = errors.Join(r.broken, src.Close()) }()
	last := false
	for page, err := range src.Read(ctx, connector.Request{Stream: f.opts.Stream, Cursor: from}) {
		switch {
		case r.err != nil || last:
			r.broken = errors.New("the read goes on after its end")
			return r
		case err != nil && (len(page.Records) > 0 || len(page.Faults) > 0 || page.Next != "" || page.Last):
			r.broken = fmt.Errorf("a page came with the error %w", err)
		case len(page.Faults) > 0:
			r.broken = fmt.Errorf("%s: %w", page.Faults[0].Place, page.Faults[0].Err)
		}
		if r.err = err; err != nil {
			continue
		}
		for _, rec := range page.Records {
			r.records = append(r.records, rec.String())
		}
		r.pages, r.next, last = append(r.pages, len(r.records)), page.Next, page.Last
	}
	if r.err == nil && !last {
		r.broken = errors.Join(r.broken, errors.New("the read just stops"))
	}
	return r
}

// told says what is wrong with the error that a fault should end in.
func (f *faultSuite) told(err error, class connector.Class, says string, secrets ...string) error {
	var e *connector.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("the read ends with %w, and not with a connector.Error of class %s", orNone(err), string(class))
	}
	text := err.Error()
	var out []error
	if e.Class != class {
		out = append(out, fmt.Errorf("the class is %s, and not %s: %w", string(e.Class), string(class), err))
	}
	if !strings.Contains(text, says) {
		out = append(out, fmt.Errorf("the error does not say %q: %w", says, err))
	}
	if e.Op == "" || e.Fix() == "" || strings.Contains(text, "\n") || len(text) > 1000 {
		out = append(out, fmt.Errorf("the error is no line that says what was done and what to do: %w", err))
	}
	for _, secret := range slices.Concat(f.secrets, secrets) {
		if strings.Contains(text, secret) {
			out = append(out, errors.New("the error shows a secret"))
		}
	}
	return errors.Join(out...)
}

func orNone(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return err
}

// within says whether requests went too far or were too many.
func (f *faultSuite) within(s *Server) error {
	const retries = 12
	seen := s.Requests()
	for _, r := range seen {
		if !slices.Contains(f.hosts, r.Host) {
			return fmt.Errorf("a request went to %s", r.Host)
		}
	}
	if len(seen) > f.requests+retries {
		return fmt.Errorf("there were %d requests, and %d without a fault", len(seen), f.requests)
	}
	return nil
}

// whole says what is missing of all records.
func (f *faultSuite) whole(r reading) error {
	if r.err == nil && !slices.Equal(r.records, f.want.records) {
		return fmt.Errorf("the read has %d records, which are not the %d that there are", len(r.records), len(f.want.records))
	}
	return errors.Join(r.err, r.broken)
}

// broken makes a server misbehave from the nth request for the list on, for as
// long as while says so.
func (f *faultSuite) broken(s *Server, from int, while func() bool, fault Fault) {
	n := 0
	s.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != f.opts.Path {
			return false
		}
		s.mu.Lock()
		n++
		now := n >= from && while()
		s.mu.Unlock()
		if now {
			fault(w, r)
		}
		return now
	}
}

// lasting holds the connector to a fault that stays until the read has ended.
func (f *faultSuite) lasting(t *testing.T, lf lastingFault) error {
	t.Helper()
	const patience = 30 * time.Minute // six tries, each a minute of silence, and waits
	s := f.opts.Server(t)
	on := true
	f.broken(s, cmp.Or(lf.from, 2), func() bool { return on }, lf.fault(s))
	start := time.Now()
	got := f.read(t, s, f.config, "")
	out := []error{got.broken, f.within(s)}
	if took := time.Since(start); took > patience {
		out = append(out, fmt.Errorf("it took %v", took))
	}
	if lf.class == "" {
		return errors.Join(append(out, f.ended(lf, got))...)
	}
	out = append(out, f.told(got.err, lf.class, lf.says))
	if n := len(got.records); !slices.Contains(f.want.pages, n) || !slices.Equal(got.records, f.want.records[:n]) || lf.from == 0 && n != f.want.pages[0] {
		out = append(out, fmt.Errorf("%d records came before the error, and the first page has %d", n, f.want.pages[0]))
	}
	var e *connector.Error
	if errors.As(got.err, &e) && e.RetryAfter != lf.after {
		out = append(out, fmt.Errorf("the error asks to wait %v, and the vendor %v", e.RetryAfter, lf.after))
	}
	on = false
	if lf.from == 0 && got.next != "" {
		rest := f.read(t, s, f.config, got.next)
		rest.records = slices.Concat(got.records, rest.records)
		if err := f.whole(rest); err != nil {
			out = append(out, fmt.Errorf("gone on at the last cursor: %w", err))
		}
	}
	return errors.Join(out...)
}

// ended holds the connector to a fault that is none: the list ends there, or is
// whole for all that.
func (f *faultSuite) ended(lf lastingFault, got reading) error {
	if !lf.ends {
		return f.whole(got)
	}
	if n := f.want.pages[0]; got.err != nil || !slices.Equal(got.records, f.want.records[:n]) {
		return fmt.Errorf("%d records came, and there are %d before the end: %w", len(got.records), n, orNone(got.err))
	}
	return nil
}

// passing holds the connector to a fault that happens once: it is not seen, but
// for the wait that the vendor asks for.
func (f *faultSuite) passing(t *testing.T, pf passingFault) error {
	t.Helper()
	s := f.opts.Server(t)
	left := 1
	f.broken(s, 2, func() bool { left--; return left >= 0 }, pf.fault())
	start := time.Now()
	var waited time.Duration
	cfg := f.config
	transport := s.Transport()
	defer func() { _ = transport.Close() }()
	cfg.Transport = transport
	ctx := connector.OnWait(t.Context(), func(w connector.Wait) { waited += w.For })
	got := f.readWith(ctx, cfg, "")
	out := []error{f.whole(got), f.within(s)}
	took := time.Since(start)
	if left >= 0 {
		out = append(out, errors.New("the fault did not happen"))
	}
	if took < pf.wait || waited < pf.wait {
		out = append(out, fmt.Errorf("it took %v, %v of them told as waits, and the vendor asked for a wait of %v", took, waited, pf.wait))
	}
	return errors.Join(out...)
}

// address holds the connector to an address that is not the vendor's.
func (f *faultSuite) address(t *testing.T, ad addressFault) error {
	t.Helper()
	cfg := f.config
	if ad.dial != nil {
		cfg.Transport = ad
	} else {
		transport := (&Server{Always: ad.always}).Transport()
		defer func() { _ = transport.Close() }()
		cfg.Transport = transport
	}
	got := f.readWith(t.Context(), cfg, "")
	if len(got.records) > 0 {
		return fmt.Errorf("%d records came", len(got.records))
	}
	return errors.Join(got.broken, f.told(got.err, ad.class, ad.says))
}

// refusals holds the connector to three credentials of no use, which it tells
// apart.
func (f *faultSuite) refusals(t *testing.T) error {
	t.Helper()
	var out []error
	texts := map[string]string{}
	for _, test := range []struct {
		name  string
		class connector.Class
		Refusal
	}{
		{"expired", connector.ErrAuth, f.opts.Expired},
		{"wrong", connector.ErrAuth, f.opts.Wrong},
		{"weak", connector.ErrPermission, f.opts.Weak},
	} {
		cfg, server := f.config, f.opts.Server
		if test.Credential != nil {
			cfg.Credential = test.Credential
		}
		if test.Server != nil {
			server = test.Server
		}
		got := f.read(t, server(t), cfg, "")
		err := errors.Join(got.broken, f.told(got.err, test.class, "", secretsOf(t.Context(), cfg.Credential)...))
		text := orNone(got.err).Error()
		for _, says := range test.Says {
			if !strings.Contains(text, says) {
				err = errors.Join(err, fmt.Errorf("the error does not say %q: %s", says, text))
			}
		}
		if len(got.records) > 0 {
			err = errors.Join(err, fmt.Errorf("%d records came", len(got.records)))
		}
		if other, ok := texts[text]; ok {
			err = errors.Join(err, fmt.Errorf("it says the same as a credential that is %s: %s", other, text))
		}
		texts[text] = test.name
		if err != nil {
			out = append(out, fmt.Errorf("a credential that is %s: %w", test.name, err))
		}
	}
	return errors.Join(out...)
}

// large holds the connector to an answer that is too large to be taken in.
func (f *faultSuite) large(t *testing.T, lf largeFault) error {
	t.Helper()
	const (
		memory   = 512 << 20 // of which a buffer that doubles takes most
		patience = time.Minute
	)
	s := f.opts.Server(t)
	f.broken(s, 2, func() bool { return true }, lf.fault)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	got := f.read(t, s, f.config, "")
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	out := []error{got.broken, f.within(s), f.told(got.err, connector.ErrMalformed, "larger than allowed")}
	if n := after.TotalAlloc - before.TotalAlloc; n > memory || took > patience {
		out = append(out, fmt.Errorf("it took %d bytes and %v", n, took))
	}
	if !slices.Equal(got.records, f.want.records[:f.want.pages[0]]) {
		out = append(out, fmt.Errorf("%d records came before the error, and the first page has %d", len(got.records), f.want.pages[0]))
	}
	return errors.Join(out...)
}
