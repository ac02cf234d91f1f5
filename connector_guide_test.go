package vendorsync_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
)

// A fleet reads the devices of a vendor whose API answers
// {"devices":[...],"next":"..."}, next being empty on the last page.
type fleet struct{}

func (fleet) Spec() connector.Spec {
	return connector.Spec{
		ID: "acme-fleet", Name: "Acme Fleet", Vendor: "Acme", Version: "1", Category: "device management",
		Summary:  "Reads the devices that Acme Fleet manages.",
		Settings: []connector.Setting{{Name: "url", Label: "Address", Help: "Such as https://acme.example.com", Required: true}},
		Streams: []connector.Stream{{
			Name: "devices", Label: "Devices", Object: "assets", Key: "id",
			Fields: []connector.Field{
				{Path: "id", Type: connector.StringField, Label: "Id"},
				{Path: "serial", Type: connector.StringField, Label: "Serial number", Example: "C02XG0FHJGH5"},
			},
			Mapping:  connector.DefaultMapping{Fields: []connector.DefaultField{{To: "serial_number", From: "serial"}}, SyncKeys: []string{"serial_number"}},
			Complete: true, // a full read names every device
		}},
	}
}

func (fleet) Open(_ context.Context, cfg connector.Config) (connector.Source, error) {
	base, err := url.Parse(cfg.Settings.Get("url"))
	if err != nil || base.Host == "" {
		return nil, connector.Errorf(connector.ErrInvalid, "open acme-fleet", "url: %q is no address", cfg.Settings.Get("url"))
	}
	return &fleetSource{http: &http.Client{Transport: cfg.Transport}, base: base}, nil
}

type fleetSource struct {
	http *http.Client
	base *url.URL
}

func (s *fleetSource) Check(ctx context.Context) (connector.Report, error) {
	_, err := s.page(ctx, "")
	return connector.Report{}, err // Acme has no permissions that one could lack
}

func (s *fleetSource) Read(ctx context.Context, req connector.Request) iter.Seq2[connector.Page, error] {
	if req.Stream != "devices" {
		return func(yield func(connector.Page, error) bool) {
			yield(connector.Page{}, connector.Errorf(connector.ErrNotFound, "read", "there is no stream %q", req.Stream))
		}
	}
	return connector.Paginate(ctx, req.Cursor, s.page)
}

// page fetches the page that begins after the cursor.
func (s *fleetSource) page(ctx context.Context, after connector.Cursor) (connector.Page, error) {
	const op = "list devices"
	address := s.base.JoinPath("devices")
	address.RawQuery = url.Values{"after": {string(after)}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return connector.Page{}, connector.Errorf(connector.ErrInvalid, op, "%w", err)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return connector.Page{}, &connector.Error{Class: connector.ClassOf(err), Op: op, Err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	if class := connector.StatusClass(resp.StatusCode); class != "" {
		return connector.Page{}, connector.Errorf(class, op, "%s", resp.Status)
	}
	var list struct {
		Devices []connector.Record `json:"devices"`
		Next    connector.Cursor   `json:"next"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(&list); err != nil {
		return connector.Page{}, connector.Errorf(connector.ErrMalformed, op, "%w", err)
	}
	return connector.Page{Records: list.Devices, Next: list.Next, Last: list.Next == ""}, nil
}

func (s *fleetSource) Close() error {
	s.http.CloseIdleConnections()
	return nil
}

func TestFleetKeepsTheContract(t *testing.T) {
	t.Parallel()
	vendor := httptest.NewServer(http.HandlerFunc(serveDevices))
	t.Cleanup(vendor.Close)
	connectortest.Run(t, fleet{}, connectortest.Options{
		Config:      connector.Config{Settings: connector.Settings{"url": {vendor.URL}}},
		BadSettings: []connector.Settings{{"url": {"not an address"}}},
		MinRecords:  7,
	})
}

// serveDevices plays the vendor: seven devices, three a page.
func serveDevices(w http.ResponseWriter, r *http.Request) {
	const count, size = 7, 3
	start := 0
	if after := r.FormValue("after"); after != "" {
		var err error
		if start, err = strconv.Atoi(after); err != nil {
			http.Error(w, "this cursor is no longer known", http.StatusGone)
			return
		}
	}
	list := struct {
		Devices []json.RawMessage `json:"devices"`
		Next    string            `json:"next"`
	}{}
	for i := start; i < min(start+size, count); i++ {
		list.Devices = append(list.Devices, json.RawMessage(fmt.Sprintf(`{"id":"d%d","serial":"ACME%04d"}`, i, i)))
	}
	if start+size < count {
		list.Next = strconv.Itoa(start + size)
	}
	_ = json.NewEncoder(w).Encode(list)
}
