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

// jobVar tells a process that it is to do one job and print its cost.
const jobVar = "VENDORSYNC_BENCHMARK_JOB"

// A job is one piece of work.
type job struct {
	Who      string `json:"who"`    // "loop", "engine", or "http" for the engine over HTTP
	Source   string `json:"source"` // a file, or the vendor's address
	Rev      int    `json:"rev"`    // of the vendor's data
	Database string `json:"database"`
}

// A cost is what one piece of work took.
type cost struct {
	Read    int     `json:"read"`
	Written int     `json:"written"`
	PeakMB  int     `json:"peak_mb"`
	Seconds float64 `json:"-"` // from the process's start to its end
}

func (c cost) rate() float64 { return float64(c.Read) / c.Seconds }

func TestMain(m *testing.M) {
	if text := os.Getenv(jobVar); text != "" {
		if err := work(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// work does one job and prints its cost.
func work(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	c, err := j.do(context.Background())
	if err != nil {
		return err
	}
	c.PeakMB = peakMB()
	return json.NewEncoder(os.Stdout).Encode(c)
}

func (j job) do(ctx context.Context) (cost, error) {
	switch j.Who {
	case "loop":
		n, err := runLoop(ctx, j.Source, j.Database)
		return cost{Read: n}, err
	case "http":
		return runEngine(ctx, j.Database, deviceConnector(), syncer.Integration{
			Connector: "devices", Stream: "devices", Mapping: deviceMapping(),
			Settings: connector.Settings{"address": {j.Source}, "rev": {strconv.Itoa(j.Rev)}},
		})
	}
	return runEngine(ctx, j.Database, files.New(), syncer.Integration{
		Connector: "files", Stream: "records", Mapping: engineMapping(),
		Settings: connector.Settings{"path": {j.Source}, "format": {"ndjson"}, "key": {"id"}},
	})
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

func runEngine(ctx context.Context, database string, c connector.Connector, in syncer.Integration) (cost, error) {
	store, err := sqlite.Open(ctx, database, sqlite.Options{})
	if err != nil {
		return cost{}, err
	}
	defer func() { _ = store.Close() }()
	registry, err := connector.NewRegistry(c)
	if err != nil {
		return cost{}, err
	}
	s, err := syncer.New(store, syncer.Options{Registry: registry})
	if err != nil {
		return cost{}, err
	}
	in.ID, in.User = "devices", "sync@example.com"
	if _, err := s.Save(ctx, in, "benchmark"); err != nil {
		return cost{}, err
	}
	if err := s.Launch(ctx, in.ID, "benchmark"); err != nil {
		return cost{}, err
	}
	run, err := s.Run(ctx, in.ID, syncer.RunOptions{})
	if err != nil {
		return cost{}, err
	}
	if run.ProblemCount > 0 {
		return cost{}, fmt.Errorf("%d problems, the first: %v", run.ProblemCount, run.Problems[0])
	}
	return cost{Read: int(run.Counts.Fetched), Written: int(run.Counts.Created + run.Counts.Updated)}, nil
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

// measure does the job in a process of its own.
func measure(tb testing.TB, j job) cost {
	tb.Helper()
	text, err := json.Marshal(j)
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.CommandContext(tb.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), jobVar+"="+string(text))
	return timed(tb, cmd)
}

// timed runs a process that prints its cost.
func timed(tb testing.TB, cmd *exec.Cmd) cost {
	tb.Helper()
	cmd.Stderr = os.Stderr
	start := time.Now()
	out, err := cmd.Output()
	c := cost{Seconds: time.Since(start).Seconds()}
	if err != nil {
		tb.Fatalf("%s: %v", cmd, err)
	}
	if err := json.Unmarshal(out, &c); err != nil {
		tb.Fatalf("%s: %v: %s", cmd, err, out)
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
					got[step.name][who] = append(got[step.name][who], measure(b, job{Who: who, Source: step.file, Database: database}))
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
		if c := measure(t, job{Who: who, Source: file, Database: filepath.Join(dir, who+".db")}); c.Read != 1000 {
			t.Errorf("%s read %d records of 1000", who, c.Read)
		}
	}
}
