package resttest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"iter"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/credentials"
)

type pages = iter.Seq2[connector.Page, error]

// A bent connector is a good one but for what it does to its configuration and
// to what it reads.
type bent struct {
	connector.Connector
	config func(*connector.Config)
	read   func(pages) pages
}

func (b bent) Open(ctx context.Context, cfg connector.Config) (connector.Source, error) {
	if b.config != nil {
		b.config(&cfg)
	}
	src, err := b.Connector.Open(ctx, cfg)
	return bentSource{src, b}, err
}

type bentSource struct {
	connector.Source
	bent bent
}

func (s bentSource) Read(ctx context.Context, req connector.Request) pages {
	if s.bent.read == nil {
		return s.Source.Read(ctx, req)
	}
	return s.bent.read(s.Source.Read(ctx, req))
}

const suiteToken = "a-token-of-the-suite"

func suiteCredential(text string) credentials.Source {
	return credentials.Static(credentials.Credential{Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret(text)}})
}

func acme(bounds rest.Bounds) connector.Connector {
	return rest.New(connector.Spec{
		ID: "acme", Name: "Acme", Hosts: []string{"*.acme.example"},
		Auth:     []connector.AuthMethod{{ID: "token", Kind: credentials.APIToken}},
		Settings: []connector.Setting{{Name: "domain", Required: true}},
		Streams:  []connector.Stream{{Name: "users", Key: "id", Object: "users"}},
	}, rest.API{
		Base:    "https://{domain}/api",
		Auth:    map[credentials.Kind]rest.Auth{credentials.APIToken: rest.Bearer()},
		Bounds:  bounds,
		Streams: map[string]rest.Stream{"users": {Path: "/users", Records: "users", Paging: rest.PageNumber{Param: "page", Size: "limit", Total: "total"}, PageSize: 5}},
	})
}

func suiteOptions() FaultOptions {
	return FaultOptions{
		Server: func(testing.TB) *Server {
			return &Server{
				Authorized: Bearer(suiteToken),
				Lists:      map[string]*List{"/api/users": {Form: Pages, Records: "users", Items: Items(12), MaxSize: 5}},
			}
		},
		Config:  connector.Config{Settings: connector.Settings{"domain": {"eu.acme.example"}}, Credential: suiteCredential(suiteToken)},
		Stream:  "users",
		Path:    "/api/users",
		Expired: Refusal{Server: func(testing.TB) *Server { return &Server{Always: Answer(401, `{"error": "it has expired"}`)} }, Says: []string{"it has expired"}},
		Wrong:   Refusal{Credential: suiteCredential("another"), Says: []string{"invalid token"}},
		Weak:    Refusal{Server: func(testing.TB) *Server { return &Server{Always: Answer(403, `{"error": "it may not"}`)} }, Says: []string{"it may not"}},
		Total:   "total",
	}
}

// each replaces what a good connector yields.
func each(change func(connector.Page, error) (connector.Page, error)) func(pages) pages {
	return func(good pages) pages {
		return func(yield func(connector.Page, error) bool) {
			for page, err := range good {
				if !yield(change(page, err)) {
					return
				}
			}
		}
	}
}

// changed replaces the errors of a good connector.
func changed(change func(e *connector.Error)) bent {
	return bent{Connector: acme(rest.Bounds{}), read: each(func(p connector.Page, err error) (connector.Page, error) {
		var e *connector.Error
		if !errors.As(err, &e) {
			return p, err
		}
		own := *e
		change(&own)
		return p, &own
	})}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func lastingNamed(t *testing.T, f *faultSuite, name string) lastingFault {
	t.Helper()
	for _, lf := range f.lastingFaults() {
		if lf.name == name {
			return lf
		}
	}
	require.Fail(t, "there is no such fault", name)
	return lastingFault{}
}

func TestTheSuiteSeesWhatAConnectorDoesWrong(t *testing.T) {
	t.Parallel()
	lasting := func(name string) func(*testing.T, *faultSuite) error {
		return func(t *testing.T, f *faultSuite) error { return f.lasting(t, lastingNamed(t, f, name)) }
	}
	down := lasting("a server that is down")
	refusals := func(t *testing.T, f *faultSuite) error { return f.refusals(t) }
	first := func(t *testing.T, f *faultSuite) error { return f.passing(t, passingFaults()[0]) }
	tests := map[string]struct {
		bent bent
		test func(*testing.T, *faultSuite) error
		says string // empty for a good one
	}{
		"a good connector, a server that is down": {bent{Connector: acme(rest.Bounds{})}, down, ""},
		"a good connector, a wait":                {bent{Connector: acme(rest.Bounds{})}, first, ""},
		"a good connector, credentials":           {bent{Connector: acme(rest.Bounds{})}, refusals, ""},
		"a good connector, a wrong total":         {bent{Connector: acme(rest.Bounds{})}, lasting("a total that is too large"), ""},
		"an error of another class":               {changed(func(e *connector.Error) { e.Class = connector.ErrInternal }), down, "the class is internal"},
		"an error that says nothing":              {changed(func(e *connector.Error) { e.Message = "it failed" }), down, `does not say "503"`},
		"an error that shows the token":           {changed(func(e *connector.Error) { e.Message += suiteToken }), down, "shows a secret"},
		"an error of many lines":                  {changed(func(e *connector.Error) { e.Message += "\n" }), down, "no line"},
		"an error that forgets the wait":          {changed(func(e *connector.Error) { e.RetryAfter = 0 }), lasting("too many requests for hours"), "asks to wait"},
		"one message for every credential":        {changed(func(e *connector.Error) { e.Message = "it has expired, is an invalid token, or it may not" }), refusals, "says the same"},
		"a credential's fault of the wrong class": {changed(func(e *connector.Error) { e.Class = connector.ErrAuth }), refusals, "and not permission"},
		"no retries":               {bent{Connector: acme(rest.Bounds{Retries: -1})}, first, "429"},
		"waits that are too short": {bent{Connector: acme(rest.Bounds{}), config: impatient}, first, "asked for a wait of 30s"},
		"patience without end":     {bent{Connector: acme(rest.Bounds{Stall: time.Hour, Request: 2 * time.Hour})}, lasting("a server that does not answer"), "it took"},
		"an end in place of an error": {bent{Connector: acme(rest.Bounds{}), read: each(func(p connector.Page, err error) (connector.Page, error) {
			p.Last = p.Last || err != nil
			return p, nil
		})}, down, "no error"},
		"a page with the error": {bent{Connector: acme(rest.Bounds{}), read: each(func(p connector.Page, err error) (connector.Page, error) {
			p.Last = p.Last || err != nil
			return p, err
		})}, down, "a page came with the error"},
		"half a page before the error":       {bent{Connector: acme(rest.Bounds{}), read: half}, down, "before the error"},
		"a read that goes on after an error": {bent{Connector: acme(rest.Bounds{}), read: twice}, down, "goes on after its end"},
		"a read that just stops":             {bent{Connector: acme(rest.Bounds{}), read: stops}, down, "just stops"},
		"a cursor that is not heard":         {bent{Connector: acme(rest.Bounds{}), read: each(func(p connector.Page, err error) (connector.Page, error) { p.Next = withoutPage(p.Next); return p, err })}, down, "gone on at the last cursor"},
		"a request to another host":          {bent{Connector: acme(rest.Bounds{}), config: elsewhereToo}, down, "went to elsewhere.invalid"},
		"many more requests":                 {bent{Connector: acme(rest.Bounds{Retries: 40, Backoff: time.Nanosecond})}, down, "requests, and"},
		"records of a page that are not the whole": {bent{Connector: acme(rest.Bounds{}), read: each(func(p connector.Page, err error) (connector.Page, error) {
			p.Records = p.Records[:min(4, len(p.Records))]
			return p, err
		})}, func(t *testing.T, f *faultSuite) error { return f.passing(t, passingFaults()[6]) }, "which are not the 12"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := newFaultSuite(t, acme(rest.Bounds{}), suiteOptions())
			require.NoError(t, err)
			f.connector = test.bent
			synctest.Test(t, func(t *testing.T) { err = test.test(t, f) })
			if test.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.says)
		})
	}
}

// impatient takes the waits out of every answer.
func impatient(c *connector.Config) {
	inner := c.Transport
	c.Transport = tripper(func(r *http.Request) (*http.Response, error) {
		resp, err := inner.RoundTrip(r)
		if err == nil {
			resp.Header.Del("Retry-After")
		}
		return resp, err
	})
}

// elsewhereToo asks another host first.
func elsewhereToo(c *connector.Config) {
	inner := c.Transport
	c.Transport = tripper(func(r *http.Request) (*http.Response, error) {
		other := r.Clone(r.Context())
		other.Host, other.URL.Host = "elsewhere.invalid", "elsewhere.invalid"
		resp, err := inner.RoundTrip(other)
		if err != nil {
			return nil, err
		}
		_ = resp.Body.Close()
		return inner.RoundTrip(r)
	})
}

func withoutPage(c connector.Cursor) connector.Cursor {
	if c == "" {
		return ""
	}
	return "at:2.5.10"
}

func half(good pages) pages {
	return func(yield func(connector.Page, error) bool) {
		for page, err := range good {
			if err != nil {
				yield(connector.Page{Records: []connector.Record{connector.Record(Items(6)[5])}, Next: "at:x"}, nil)
			}
			if !yield(page, err) {
				return
			}
		}
	}
}

func twice(good pages) pages {
	return func(yield func(connector.Page, error) bool) {
		for page, err := range good {
			if !yield(page, err) || err != nil && !yield(page, err) {
				return
			}
		}
	}
}

func stops(good pages) pages {
	return func(yield func(connector.Page, error) bool) {
		for page, err := range good {
			if err != nil || !yield(page, nil) {
				return
			}
		}
	}
}

func TestTheSuiteSeesAServerThatIsTrustedBlindly(t *testing.T) {
	t.Parallel()
	f, err := newFaultSuite(t, acme(rest.Bounds{}), suiteOptions())
	require.NoError(t, err)
	require.NoError(t, f.selfSigned(t))
	f.connector = bent{Connector: acme(rest.Bounds{}), config: func(c *connector.Config) {
		if own, ok := c.Transport.(*http.Transport); ok {
			own.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true} //nolint:gosec // what the suite has to see
		}
	}}
	require.ErrorContains(t, f.selfSigned(t), "requests were sent")
}

func TestTheSuiteSeesAnAddressThatIsNotToldApart(t *testing.T) {
	t.Parallel()
	f, err := newFaultSuite(t, acme(rest.Bounds{}), suiteOptions())
	require.NoError(t, err)
	for _, ad := range addressFaults() {
		synctest.Test(t, func(t *testing.T) { require.NoError(t, f.address(t, ad)) })
	}
	f.connector = changed(func(e *connector.Error) { e.Class = connector.ErrInvalid })
	for _, ad := range addressFaults() {
		synctest.Test(t, func(t *testing.T) { require.ErrorContains(t, f.address(t, ad), "the class is invalid_config") })
	}
}

func TestTheSuiteNeedsAVendorWithoutFaults(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]func(*FaultOptions){
		"the settings are at fault": func(o *FaultOptions) { o.Config.Settings = nil },
		"without a fault: ":         func(o *FaultOptions) { o.Stream = "none" },
		"3 are needed": func(o *FaultOptions) {
			o.Server = func(testing.TB) *Server {
				return &Server{Lists: map[string]*List{"/api/users": {Form: Pages, Records: "users", Items: Items(7)}}}
			}
		},
	} {
		opts := suiteOptions()
		change(&opts)
		_, err := newFaultSuite(t, acme(rest.Bounds{}), opts)
		require.ErrorContains(t, err, says)
	}
}

func TestTheSuiteSeesMemoryThatHasNoBound(t *testing.T) { // alone: memory is measured
	f, err := newFaultSuite(t, acme(rest.Bounds{}), suiteOptions())
	require.NoError(t, err)
	f.connector = bent{Connector: acme(rest.Bounds{}), config: func(*connector.Config) { _ = bytes.Repeat([]byte{'x'}, 600<<20) }}
	require.ErrorContains(t, f.large(t, largeFault{"a broken page", Malformed()}), "it took 6")
}
