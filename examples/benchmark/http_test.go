package benchmark

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/mapping"
)

// pageSize is how many records a page has, the most that the vendor gives.
const pageSize = 200

// deviceConnector reads the vendor's devices.
func deviceConnector() connector.Connector {
	return rest.New(connector.Spec{
		ID: "devices", Name: "Devices", Summary: "The devices of a vendor on this machine.",
		Settings: []connector.Setting{
			{Name: "address", Label: "Address", Type: connector.URL, Required: true},
			{Name: "rev", Label: "State of the vendor's data", Type: connector.Integer, Default: "1"},
		},
		Streams: []connector.Stream{{Name: "devices", Object: "assets", Key: "id", Complete: true}},
	}, rest.API{
		Base: "{address}",
		Streams: map[string]rest.Stream{
			"devices": {
				Path:     "/api/v1/devices",
				Query:    url.Values{"rev": {"{rev}"}},
				Records:  "results",
				Paging:   rest.Cursor{Param: "cursor", Path: "next_cursor", Size: "limit"},
				PageSize: pageSize,
			},
		},
	})
}

// deviceMapping brings all that assets have a field for, which is what the
// script's table has but for two columns: user_name and supervised.
func deviceMapping() mapping.Mapping {
	m := engineMapping()
	for _, f := range [][2]string{
		{"enrolled_at", "enrolled_at"},
		{"managed", "managed"},
		{"encrypted", "encrypted"},
		{"storage_gb", "storage_gb"},
		{"memory_mb", "{{ memory_gb * 1024 }}"},
		{"location", "site.name"},
	} {
		m.Fields = append(m.Fields, mapping.FieldMapping{To: f[0], From: f[1]})
	}
	return m
}

// deviceVendor serves n devices page by page, the pages made beforehand.
func deviceVendor(tb testing.TB, n int) string {
	tb.Helper()
	pages := map[string][][]byte{}
	for rev := 1; rev <= 2; rev++ {
		for at := 0; at < n; at += pageSize {
			pages[strconv.Itoa(rev)] = append(pages[strconv.Itoa(rev)], devicePage(at, n, rev))
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		page, _ := strconv.Atoi(q.Get("cursor"))
		all := pages[q.Get("rev")]
		if r.URL.Path != "/api/v1/devices" || page < 0 || page >= len(all) {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(all[page])))
		_, _ = w.Write(all[page])
	}))
	tb.Cleanup(server.Close)
	return server.URL
}

// devicePage returns the page that begins with record at of n.
func devicePage(at, n, rev int) []byte {
	page := []byte(`{"results":[`)
	end := min(n, at+pageSize)
	for i := at; i < end; i++ {
		if i > at {
			page = append(page, ',')
		}
		page = connectortest.AppendDevice(page, i, 1, connectortest.DeviceOptions{Rev: rev})
	}
	if end == n {
		return append(page, `],"next_cursor":null}`...)
	}
	return fmt.Appendf(page, `],"next_cursor":"%d"}`, end/pageSize)
}

// startVendor builds the vendor's server from its source, starts it with n
// devices and returns its address.
func startVendor(b *testing.B, source string, n int) string {
	b.Helper()
	program := filepath.Join(b.TempDir(), "vendor")
	build := exec.CommandContext(b.Context(), "go", "build", "-o", program, ".")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v: %s", build, err, out)
	}
	address := freeAddress(b)
	server := exec.CommandContext(b.Context(), program, "-addr", address, "-n", strconv.Itoa(n), "-page", strconv.Itoa(pageSize))
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Wait() }) // the end of the context has killed it
	await(b, address)
	return "http://" + address
}

func freeAddress(b *testing.B) string {
	b.Helper()
	var config net.ListenConfig
	l, err := config.Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// await waits until somebody listens at the address.
func await(b *testing.B, address string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 2*time.Minute)
	defer cancel()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			b.Fatalf("the vendor's server does not listen: %v", err)
		}
	}
}

// BenchmarkHTTP syncs devices from a vendor's server: all new, then all
// unchanged, then a tenth changed. Beside it runs the script that an
// administrator writes instead, if VENDORSYNC_SHARED names the folder that has
// it and its server.
func BenchmarkHTTP(b *testing.B) {
	workers := []string{"engine"}
	script, address := "", ""
	if shared := os.Getenv("VENDORSYNC_SHARED"); shared != "" {
		workers = append(workers, "script")
		script = filepath.Join(shared, "bench", "admin_script.py")
		address = startVendor(b, filepath.Join(shared, "bench", "vendor"), *records)
	} else {
		address = deviceVendor(b, *records)
		b.Run("script", func(b *testing.B) {
			b.Skip("VENDORSYNC_SHARED names no folder with a script to measure against: the engine runs alone")
		})
	}
	dir := b.TempDir()
	steps := []struct {
		name string
		rev  int
	}{{"new", 1}, {"unchanged", 1}, {"changed", 2}}
	got := map[string]map[string][]cost{}
	for round := range *rounds {
		for _, step := range steps {
			if got[step.name] == nil {
				got[step.name] = map[string][]cost{}
			}
			for _, who := range workers {
				database := filepath.Join(dir, fmt.Sprintf("%s-%d.db", who, round))
				var c cost
				if who == "script" {
					c = timed(b, exec.CommandContext(b.Context(), "python3", script, address, database, strconv.Itoa(step.rev)))
				} else {
					c = measure(b, job{Who: "http", Source: address, Rev: step.rev, Database: database})
				}
				got[step.name][who] = append(got[step.name][who], c)
			}
		}
		slices.Reverse(workers) // neither always runs in the other's wake
	}
	for _, step := range steps {
		b.Run(step.name, func(b *testing.B) {
			engine := median(got[step.name]["engine"])
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(engine.rate(), "rec/s")
			b.ReportMetric(float64(engine.PeakMB), "peak-MB")
			if script == "" {
				return
			}
			byHand := median(got[step.name]["script"])
			if engine.Read != byHand.Read || engine.Written != byHand.Written {
				b.Fatalf("the engine read %d records and wrote %d, the script %d and %d", engine.Read, engine.Written, byHand.Read, byHand.Written)
			}
			b.ReportMetric(byHand.rate(), "script-rec/s")
			b.ReportMetric(engine.rate()/byHand.rate(), "ratio")
		})
	}
}

// TestEngineSyncsOverHTTP runs the engine over a few records, so that the
// benchmark cannot rot.
func TestEngineSyncsOverHTTP(t *testing.T) {
	t.Parallel()
	j := job{Who: "http", Source: deviceVendor(t, 1000), Rev: 1, Database: filepath.Join(t.TempDir(), "http.db")}
	for _, step := range []struct {
		name         string
		rev, written int
	}{{"all new", 1, 1000}, {"none changed", 1, 0}, {"a tenth changed", 2, 100}} {
		j.Rev = step.rev
		if c := measure(t, j); c.Read != 1000 || c.Written != step.written {
			t.Errorf("%s: read %d records of 1000 and wrote %d instead of %d", step.name, c.Read, c.Written, step.written)
		}
	}
}
