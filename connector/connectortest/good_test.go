package connectortest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/mapping"
)

func TestGoodConnectorsPass(t *testing.T) {
	t.Parallel()
	changed := func(i int) time.Time { return time.Unix(int64(i), 0) }
	tests := map[string]struct {
		connector connector.Connector
		opts      connectortest.Options
	}{
		"a fake with nothing set":                 {connector: &connectortest.Fake{}},
		"records in pages":                        {connector: &connectortest.Fake{Count: 250, Generate: record}, opts: connectortest.Options{MinRecords: 250}},
		"more resume points than the suite tries": {connector: &connectortest.Fake{Count: 95, Generate: record, PageSize: 7}},
		"a last page of its own":                  {connector: &connectortest.Fake{Count: 300, Generate: record, LastAlone: true}, opts: connectortest.Options{MinRecords: 300}},
		"no resume points":                        {connector: &connectortest.Fake{Count: 250, Generate: record, NoCursor: true}},
		"a resume point at every third page":      {connector: &connectortest.Fake{Count: 950, Generate: record, ResumeEvery: 3}},
		"pages as they are cut, empty ones too":   {connector: &connectortest.Fake{Pages: [][]connector.Record{{}, {record(0), record(1)}, {}, {record(2)}, {}}}},
		"devices with a sensitive field":          {connector: devices(), opts: connectortest.Options{MinRecords: 13}},
		"a mapping with templates and tables": {connector: onStream(func(st *connector.Stream) {
			st.Mapping.Fields = append(st.Mapping.Fields,
				connector.DefaultField{To: "hostname", From: "{{ record.name ~ '.' ~ site.name | lower }}"},
				connector.DefaultField{To: "asset_type", From: "os.name", Values: map[string]string{"iOS": "mobile"}, Otherwise: "computer"},
				connector.DefaultField{To: "location", Default: "Cloud"})
			st.Mapping.Children[0].Fields[1].From = "{{ item.version | default(record.os.version) }}"
		})},
		"a mapping for fields of a host's own": {
			connector: onStream(func(st *connector.Stream) { st.Mapping.Fields[1].To = "rack" }),
			opts:      connectortest.Options{Schema: racks(t)},
		},
		"more devices than the suite reads": {connector: connectortest.Devices(1_000_000, 1, connectortest.DeviceOptions{}), opts: connectortest.Options{MinRecords: 400, MaxPages: 2}},
		"a stream in parts":                 {connector: &connectortest.Fake{Count: 250, Generate: record, Partitions: []string{"a", "b", "c"}}},
		"an incremental stream":             {connector: &connectortest.Fake{Count: 250, Generate: record, ChangedAt: changed}, opts: connectortest.Options{Since: changed(200)}},
		"discovered fields":                 {connector: &connectortest.Fake{Count: 3, Generate: record, Discovered: []connector.Field{{Path: "id", Type: connector.NumberField}}}},
		"accounts":                          {connector: &connectortest.Fake{Accounts: []connector.Account{{ID: "ada"}}}, opts: connectortest.Options{Account: "ada"}},
		"faults among the records":          {connector: &connectortest.Fake{Count: 3, Generate: record, Script: map[int]connectortest.Step{0: {Faults: []connector.Fault{{Place: "line 2", Err: connector.ErrMalformed}}}}}},
		"a source without any ability":      {connector: &bent{good: devices()}},
		"a proxy":                           {connector: proxy{devices()}, opts: connectortest.Options{MinRecords: 13}},
		"a vendor behind HTTP":              {connector: web{url: server(t)}, opts: connectortest.Options{MinRecords: 25}},
		"a vendor behind HTTP on the host's transport": {
			connector: web{url: server(t)},
			opts: connectortest.Options{
				MinRecords:  25,
				Config:      connector.Config{Transport: &http.Transport{}, Credential: token("s3cr3t-token")},
				BadSettings: []connector.Settings{{"page_size": {"many"}}, {"page_size": {"-1"}}},
			},
		},
		"contents that change": {
			connector: &bent{good: &connectortest.Fake{Count: 3, Generate: func(i int) connector.Record {
				rec, _ := connector.JSON(map[string]any{"id": i, "now": time.Now()})
				return rec
			}}},
			opts: connectortest.Options{Volatile: true},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, connectortest.Check(t.Context(), test.connector, test.opts))
			connectortest.Run(t, test.connector, test.opts)
		})
	}
}

// racks is a target model in which assets stand in racks.
func racks(t *testing.T) *mapping.Schema {
	t.Helper()
	schema, err := mapping.Standard().With("assets", mapping.Field{Name: "rack", Type: mapping.Text})
	require.NoError(t, err)
	return schema
}

// proxy stands for a connector elsewhere: everything passes through a pipe, and
// its Source has every ability, whatever the connector has.
type proxy struct{ far connector.Connector }

func (p proxy) Spec() connector.Spec { return p.far.Spec() }

func (p proxy) Open(ctx context.Context, cfg connector.Config) (connector.Source, error) {
	src, err := p.far.Open(ctx, cfg)
	if err != nil {
		return nil, piped(err)
	}
	return proxySource{src}, nil
}

type proxySource struct{ far connector.Source }

type piece struct {
	page []byte
	err  error
}

func (s proxySource) Read(ctx context.Context, req connector.Request) sequence {
	return func(yield func(connector.Page, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		pipe := make(chan piece)
		done := make(chan struct{})
		defer func() {
			cancel()
			<-done
		}()
		go func() {
			defer close(done)
			defer close(pipe)
			for p, err := range s.far.Read(ctx, req) {
				b, encodeErr := json.Marshal(p)
				if encodeErr != nil {
					err = encodeErr
				}
				select {
				case pipe <- piece{b, err}:
				case <-ctx.Done():
					return
				}
			}
		}()
		for {
			select {
			case got := <-pipe:
				var p connector.Page
				if got.err != nil {
					yield(p, piped(got.err))
					return
				}
				if err := json.Unmarshal(got.page, &p); err != nil {
					yield(connector.Page{}, piped(err))
					return
				}
				if !yield(p, nil) || p.Last {
					return
				}
			case <-ctx.Done():
				yield(connector.Page{}, piped(ctx.Err()))
				return
			}
		}
	}
}

func (s proxySource) Check(ctx context.Context) (connector.Report, error) {
	report, err := s.far.Check(ctx)
	return report, piped(err)
}

func (s proxySource) Close() error { return piped(s.far.Close()) }

func (s proxySource) Discover(context.Context, string) ([]connector.Field, error) {
	return nil, piped(connector.ErrUnsupported)
}

func (s proxySource) Partitions(context.Context, string) ([]string, error) {
	return nil, piped(connector.ErrUnsupported)
}

func (s proxySource) ReadAccount(context.Context, string) (connector.Account, error) {
	return connector.Account{}, piped(connector.ErrUnsupported)
}

// piped is what is left of an error at the other end of a pipe.
func piped(err error) error {
	if err == nil {
		return nil
	}
	return &connector.Error{Class: connector.ClassOf(err), Op: "far", Message: err.Error()}
}

// web reads devices from a server, with connections of its own unless the host
// brings a transport.
type web struct{ url string }

func (w web) Spec() connector.Spec {
	spec := connectortest.Devices(0, 0, connectortest.DeviceOptions{}).Spec()
	spec.ID = "web"
	spec.Settings = []connector.Setting{{Name: "page_size", Type: connector.Integer, Default: "10"}}
	return spec
}

func (w web) Open(_ context.Context, cfg connector.Config) (connector.Source, error) {
	if cfg.Settings.Int("page_size") < 1 {
		return nil, connector.Errorf(connector.ErrInvalid, "open", "page_size is not above 0")
	}
	own := cfg.Transport == nil
	if own {
		cfg.Transport = &http.Transport{}
	}
	return &webSource{client: &http.Client{Transport: cfg.Transport}, own: own, url: w.url, size: cfg.Settings.Get("page_size")}, nil
}

type webSource struct {
	client    *http.Client
	own       bool
	url, size string
}

func (s *webSource) Read(ctx context.Context, req connector.Request) sequence {
	return connector.Paginate(ctx, req.Cursor, func(ctx context.Context, c connector.Cursor) (connector.Page, error) {
		var page connector.Page
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/"+req.Stream+"?size="+s.size+"&from="+string(c), http.NoBody)
		if err != nil {
			return page, connector.Errorf(connector.ErrInvalid, "list devices", "%w", err)
		}
		resp, err := s.client.Do(r)
		if err != nil {
			return page, connector.Errorf(connector.ClassOf(err), "list devices", "%w", err)
		}
		defer func() { _ = resp.Body.Close() }()
		if class := connector.StatusClass(resp.StatusCode); class != "" {
			return page, connector.Errorf(class, "list devices", "%s", resp.Status)
		}
		if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
			return page, connector.Errorf(connector.ErrMalformed, "list devices", "%w", err)
		}
		return page, nil
	})
}

func (s *webSource) Check(context.Context) (connector.Report, error) { return connector.Report{}, nil }

func (s *webSource) Close() error {
	if s.own {
		s.client.CloseIdleConnections()
	}
	return nil
}

// server serves 25 devices, and 410 for a cursor that it did not give.
func server(t *testing.T) string {
	t.Helper()
	const count = 25
	mux := http.NewServeMux()
	mux.HandleFunc("GET /devices", func(w http.ResponseWriter, r *http.Request) {
		from, err := strconv.Atoi("0" + r.URL.Query().Get("from"))
		if err != nil {
			w.WriteHeader(http.StatusGone)
			return
		}
		size, _ := strconv.Atoi(r.URL.Query().Get("size"))
		to := min(from+size, count)
		page := connector.Page{Last: to == count}
		for i := from; i < to; i++ {
			page.Records = append(page.Records, connectortest.AppendDevice(nil, i, 1, connectortest.DeviceOptions{}))
		}
		if !page.Last {
			page.Next = connector.Cursor(strconv.Itoa(to))
		}
		_ = json.NewEncoder(w).Encode(page)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}
