package prometheus_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
	"github.com/vendorsync/vendorsync/syncer/prometheus"
)

// The Exporter goes into the Syncer, and behind an address.
func Example() {
	ctx := context.Background()
	store := memory.New(memory.Options{})
	metrics, err := prometheus.New(prometheus.Options{Journal: store})
	if err != nil {
		log.Fatal(err)
	}
	registry, err := connector.NewRegistry(&connectortest.Fake{ID: "mdm", Records: []connector.Record{
		connector.Record(`{"id": "d-1", "serial": "C02XK1"}`),
		connector.Record(`{"id": "d-2", "serial": "C02XK2"}`),
	}})
	if err != nil {
		log.Fatal(err)
	}
	s, err := syncer.New(store, syncer.Options{Registry: registry, MeterProvider: metrics.MeterProvider()})
	if err != nil {
		log.Fatal(err)
	}
	if err := runLaptops(ctx, s); err != nil {
		log.Fatal(err)
	}

	server := httptest.NewServer(metrics)
	defer server.Close()
	page, err := get(ctx, server.URL)
	if err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "vendorsync_records_total") || strings.HasPrefix(line, "vendorsync_last_run_status") && strings.HasSuffix(line, " 1\n") {
			fmt.Print(line)
		}
	}
	// Output:
	// vendorsync_last_run_status{integration="laptops",status="succeeded"} 1
	// vendorsync_records_total{integration="laptops",outcome="created"} 2
	// vendorsync_records_total{integration="laptops",outcome="failed"} 0
	// vendorsync_records_total{integration="laptops",outcome="filtered"} 0
	// vendorsync_records_total{integration="laptops",outcome="skipped"} 0
	// vendorsync_records_total{integration="laptops",outcome="unchanged"} 0
	// vendorsync_records_total{integration="laptops",outcome="updated"} 0
}

// runLaptops makes a full run of a new integration.
func runLaptops(ctx context.Context, s *syncer.Syncer) error {
	_, err := s.Save(ctx, syncer.Integration{
		ID: "laptops", Connector: "mdm", Stream: "records", User: "it-sync@example.com",
		Mapping: mapping.Mapping{
			Object: "assets", Key: "id",
			Fields:   []mapping.FieldMapping{{To: "serial_number", From: "serial"}},
			SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
		},
	}, "ada@example.com")
	if err != nil {
		return err
	}
	if err := s.Launch(ctx, "laptops", "ada@example.com"); err != nil {
		return err
	}
	_, err = s.Run(ctx, "laptops", syncer.RunOptions{})
	return err
}

// get returns what stands at an address.
func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(resp.Body)
	if cerr := resp.Body.Close(); err == nil {
		err = cerr
	}
	return string(body), err
}
