package benchmark

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connectors/files"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

var (
	records = flag.Int("records", 100_000, "how many records to sync")
	orders  = flag.String("ids", "ascending,random", "the orders of vendor ids to measure")
	rounds  = flag.Int("rounds", 1, "how often to measure each; the median counts")
)

// childVar tells a process that it is to do one piece of work and print what it
// took.
const childVar = "VENDORSYNC_BENCHMARK_WORK"

// A cost is what one piece of work took.
type cost struct {
	Records int     `json:"records"`
	Seconds float64 `json:"seconds"`
	PeakMB  int     `json:"peak_mb"`
}

func (c cost) rate() float64 { return float64(c.Records) / c.Seconds }

func TestMain(m *testing.M) {
	if work := os.Getenv(childVar); work != "" {
		if err := child(strings.Split(work, "|")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child does one piece of work: who, file, database.
func child(work []string) error {
	who, file, database := work[0], work[1], work[2]
	ctx := context.Background()
	run := runEngine
	if who == "loop" {
		run = runLoop
	}
	start := time.Now()
	n, err := run(ctx, file, database)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(cost{Records: n, Seconds: time.Since(start).Seconds(), PeakMB: peakMB()})
}

func peakMB() int {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
			kb, _ := strconv.Atoi(f[1])
			return kb / 1024
		}
	}
	return 0
}

func engineMapping() mapping.Mapping {
	m := mapping.Mapping{Object: "assets", Key: "id", SyncKeys: []mapping.SyncKey{{Field: "serial_number"}}}
	for _, f := range [][2]string{
		{"serial_number", "serial_number"},
		{"device_name", "name"},
		{"udid", "udid"},
		{"asset_tag", "asset_tag"},
		{"model", "model.name"},
		{"model_identifier", "model.identifier"},
		{"os_name", "os.name"},
		{"os_version", "os.version"},
		{"os_build", "os.build"},
		{"assigned_to", "user.email"},
		{"mac_addresses", "mac_address"},
		{"ip_addresses", "ip_address"},
		{"last_seen_at", "last_seen"},
		{"department", "department"},
		{"status", "status"},
	} {
		m.Fields = append(m.Fields, mapping.FieldMapping{To: f[0], From: f[1]})
	}
	return m
}

func runEngine(ctx context.Context, file, database string) (int, error) {
	store, err := sqlite.Open(ctx, database, sqlite.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { _ = store.Close() }()
	registry, err := connector.NewRegistry(files.New())
	if err != nil {
		return 0, err
	}
	s, err := syncer.New(store, syncer.Options{Registry: registry})
	if err != nil {
		return 0, err
	}
	_, err = s.Save(ctx, syncer.Integration{
		ID: "devices", Connector: "files", Stream: "records", User: "sync@example.com",
		Settings: connector.Settings{"path": {file}, "format": {"ndjson"}, "key": {"id"}}, Mapping: engineMapping(),
	}, "benchmark")
	if err != nil {
		return 0, err
	}
	if err := s.Launch(ctx, "devices", "benchmark"); err != nil {
		return 0, err
	}
	run, err := s.Run(ctx, "devices", syncer.RunOptions{})
	if err != nil {
		return 0, err
	}
	if run.ProblemCount > 0 {
		return 0, fmt.Errorf("%d problems, the first: %v", run.ProblemCount, run.Problems[0])
	}
	return int(run.Counts.Fetched), nil
}

// writeDevices writes n devices as NDJSON.
func writeDevices(tb testing.TB, path string, n int, opts connectortest.DeviceOptions) {
	tb.Helper()
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for i := range n {
		line = append(connectortest.AppendDevice(line[:0], i, 1, opts), '\n')
		if _, err := w.Write(line); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
}

func measure(tb testing.TB, who, file, database string) cost {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childVar+"="+strings.Join([]string{who, file, database}, "|"))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("%s: %v", who, err)
	}
	var c cost
	if err := json.Unmarshal(out, &c); err != nil {
		tb.Fatalf("%s: %v: %s", who, err, out)
	}
	return c
}

func median(costs []cost) cost {
	slices.SortFunc(costs, func(a, b cost) int { return int(1e6 * (a.Seconds - b.Seconds)) })
	return costs[len(costs)/2]
}

// BenchmarkSync syncs the standard work: all new, then all unchanged, then a
// tenth changed, with vendor ids in ascending order and at random.
func BenchmarkSync(b *testing.B) {
	for ids := range strings.SplitSeq(*orders, ",") {
		dir := b.TempDir()
		opts := connectortest.DeviceOptions{RandomIDs: ids == "random"}
		first, second := filepath.Join(dir, "first.ndjson"), filepath.Join(dir, "second.ndjson")
		writeDevices(b, first, *records, opts)
		opts.Rev = 2
		writeDevices(b, second, *records, opts)
		got := map[string]map[string][]cost{}
		steps := []struct{ name, file string }{{"new", first}, {"unchanged", first}, {"changed", second}}
		for round := range *rounds {
			for _, step := range steps {
				for _, who := range []string{"loop", "engine"} {
					database := filepath.Join(dir, fmt.Sprintf("%s-%d.db", who, round))
					if got[step.name] == nil {
						got[step.name] = map[string][]cost{}
					}
					got[step.name][who] = append(got[step.name][who], measure(b, who, step.file, database))
				}
			}
		}
		for _, step := range steps {
			b.Run(step.name+"/"+ids, func(b *testing.B) {
				engine, loop := median(got[step.name]["engine"]), median(got[step.name]["loop"])
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(engine.rate(), "rec/s")
				b.ReportMetric(loop.rate(), "loop-rec/s")
				b.ReportMetric(engine.rate()/loop.rate(), "ratio")
				b.ReportMetric(float64(engine.PeakMB), "peak-MB")
				b.ReportMetric(float64(loop.PeakMB), "loop-peak-MB")
			})
		}
	}
}

// TestEngineAndLoopSyncTheSame runs both over a few records, so that the
// benchmark cannot rot.
func TestEngineAndLoopSyncTheSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "devices.ndjson")
	writeDevices(t, file, 1000, connectortest.DeviceOptions{})
	for _, who := range []string{"loop", "engine"} {
		if c := measure(t, who, file, filepath.Join(dir, who+".db")); c.Records != 1000 {
			t.Errorf("%s read %d records of 1000", who, c.Records)
		}
	}
}
