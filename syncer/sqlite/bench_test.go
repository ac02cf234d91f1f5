package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

// benchRecords is how many records a benchmark writes in one round.
const benchRecords = 100_000

// benchBatch is how many units go into one batch.
const benchBatch = 5000

// deviceFields are the 15 columns of a device, in the order of [device].
var deviceFields = []string{
	"serial_number", "asset_tag", "device_name", "udid", "model", "model_identifier", "os_name", "os_version",
	"assigned_to", "mac_addresses", "ip_addresses", "last_seen_at", "department", "status", "location",
}

// device returns the values of device i. Serial numbers and UDIDs come in
// scattered order.
func device(r *rand.Rand, i int) []string {
	serial := fmt.Sprintf("C%011d", int64(i)*61803398873%100_000_000_000)
	return []string{
		serial, fmt.Sprintf("AT-%07d", i), fmt.Sprintf("host-%07d", i), fmt.Sprintf("%016X%016X", r.Uint64(), r.Uint64()),
		"MacBook Pro (14-inch, 2023)", "Mac14,9", "macOS", "14.3.2", fmt.Sprintf("user%06d@example.com", r.IntN(1_000_000)),
		fmt.Sprintf(`["%02x:%02x:%02x:%02x:%02x:%02x"]`, r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256)),
		`["10.1.2.3"]`, "2025-03-04T05:06:07Z", "Engineering", "deployed", "Site 12",
	}
}

// deviceUnits returns units that each make a device and a link to it.
func deviceUnits(b *testing.B, first, n int, random bool) []syncer.Unit {
	b.Helper()
	assets, ok := mapping.Standard().Object("assets")
	require.True(b, ok)
	columns := make([]int, len(deviceFields))
	for i, f := range deviceFields {
		columns[i] = assets.Field(f)
	}
	r := rand.New(rand.NewPCG(1, uint64(first)))
	units := make([]syncer.Unit, n)
	for i := range units {
		after := make([]mapping.Value, len(columns))
		for k, text := range device(r, first+i) {
			after[k] = mapping.TextValue(text)
		}
		vendorID := strconv.Itoa(first + i)
		if random {
			vendorID = fmt.Sprintf("%08x-%04x-4%03x-%016x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.Uint64())
		}
		units[i] = syncer.Unit{
			Changes: []syncer.Change{{Object: "assets", Op: syncer.Create, Columns: columns, After: after}},
			Links:   []syncer.LinkChange{{Object: "assets", VendorID: vendorID, Ref: syncer.Ref{Change: i % benchBatch}, Hash: r.Uint64()}},
		}
	}
	return units
}

// applyAll writes all units in batches and returns how long that took.
func applyAll(b *testing.B, s syncer.Store, units []syncer.Unit) time.Duration {
	b.Helper()
	ctx := b.Context()
	lease, err := s.Begin(ctx, syncer.Claim{Integration: "bench", Owner: "benchmark", TTL: time.Hour, Now: time.Now()})
	require.NoError(b, err)
	start := time.Now()
	for seq := lease.Seq + 1; len(units) > 0; seq++ {
		n := min(benchBatch, len(units))
		batch := &syncer.Batch{
			Integration: "bench", Run: "run", Actor: "bench@example.com", Fence: lease.Fence, Seq: seq, At: time.Now(), Units: units[:n],
			Seal: func(outcomes []syncer.Outcome) ([]byte, error) {
				for i, o := range outcomes {
					if o.Err != nil {
						return nil, fmt.Errorf("unit %d: %w", i, o.Err)
					}
				}
				return []byte("checkpoint"), nil
			},
		}
		require.NoError(b, s.Apply(ctx, batch))
		units = units[n:]
	}
	return time.Since(start)
}

// baseline writes the same devices as a hand-written loop does: one table with
// one unique index, one prepared upsert, transactions of 10,000.
func baseline(b *testing.B, path string, rows [][]string) time.Duration {
	b.Helper()
	ctx := context.WithoutCancel(b.Context())
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)")
	require.NoError(b, err)
	defer func() { require.NoError(b, db.Close()) }()
	c, err := db.Conn(ctx)
	require.NoError(b, err)
	defer func() { require.NoError(b, c.Close()) }()
	exec := func(query string) {
		_, err := c.ExecContext(ctx, query)
		require.NoError(b, err)
	}
	exec("CREATE TABLE devices (pk INTEGER PRIMARY KEY, " + strings.Join(deviceFields, " TEXT, ") + " TEXT, hash INTEGER)")
	exec("CREATE UNIQUE INDEX devices_serial ON devices (serial_number)")
	sets := make([]string, 0, len(deviceFields))
	for _, f := range deviceFields[1:] {
		sets = append(sets, f+" = excluded."+f)
	}
	upsert, err := c.PrepareContext(ctx, "INSERT INTO devices ("+strings.Join(deviceFields, ", ")+", hash) VALUES ("+strings.Repeat("?, ", len(deviceFields))+
		"?) ON CONFLICT (serial_number) DO UPDATE SET hash = excluded.hash, "+strings.Join(sets, ", "))
	require.NoError(b, err)
	defer func() { require.NoError(b, upsert.Close()) }()

	start := time.Now()
	args := make([]any, len(deviceFields)+1)
	exec("BEGIN IMMEDIATE")
	for i, row := range rows {
		for k, text := range row {
			args[k] = text
		}
		args[len(row)] = int64(i) * 7919
		_, err := upsert.ExecContext(ctx, args...)
		require.NoError(b, err)
		if i%10_000 == 9_999 {
			exec("COMMIT")
			exec("BEGIN IMMEDIATE")
		}
	}
	exec("COMMIT")
	return time.Since(start)
}

// BenchmarkApply writes new devices with links and history, and beside it, in the
// same round, what a hand-written loop writes.
func BenchmarkApply(b *testing.B) {
	for _, order := range []string{"ascending", "random"} {
		b.Run(order+" vendor ids", func(b *testing.B) {
			rows := make([][]string, benchRecords)
			r := rand.New(rand.NewPCG(1, 1))
			for i := range rows {
				rows[i] = device(r, i)
			}
			units := deviceUnits(b, 0, benchRecords, order == "random")
			var base, ours time.Duration
			for b.Loop() {
				dir := b.TempDir()
				base += baseline(b, filepath.Join(dir, "baseline.db"), rows)
				s, err := sqlite.Open(b.Context(), filepath.Join(dir, "store.db"), sqlite.Options{})
				require.NoError(b, err)
				ours += applyAll(b, s, units)
				require.NoError(b, s.Close())
			}
			total := float64(benchRecords) * float64(b.N)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(total/base.Seconds(), "baseline/s")
			b.ReportMetric(total/ours.Seconds(), "units/s")
			b.ReportMetric(base.Seconds()/ours.Seconds(), "ratio")
		})
	}
}

// BenchmarkRead reads the links, looks records up and scans keys in a store of
// many devices.
func BenchmarkRead(b *testing.B) {
	s := open(b)
	applyAll(b, s, deviceUnits(b, 0, benchRecords, true))
	ctx := b.Context()
	var ids, vendorIDs []string
	b.Run("ScanLinks", func(b *testing.B) {
		for b.Loop() {
			ids, vendorIDs = ids[:0], vendorIDs[:0]
			for l, err := range s.ScanLinks(ctx, "bench", "assets") {
				require.NoError(b, err)
				ids, vendorIDs = append(ids, l.ID), append(vendorIDs, l.VendorID)
			}
		}
		report(b, len(ids), "links/s")
	})
	b.Run("ScanKeys", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n = 0
			for _, err := range s.ScanKeys(ctx, "assets") {
				require.NoError(b, err)
				n++
			}
		}
		report(b, n, "keys/s")
	})
	r := rand.New(rand.NewPCG(1, 2))
	serials := make([]string, benchRecords)
	for i := range serials {
		serials[i] = fmt.Sprintf("C%011d", int64(i)*61803398873%100_000_000_000)
	}
	for _, q := range []syncer.Query{
		{By: syncer.ByID, Values: ids},
		{By: syncer.ByKey, Fields: []string{"serial_number"}, Values: serials},
		{By: syncer.ByLink, Values: vendorIDs},
	} {
		q.Integration, q.Object = "bench", "assets"
		r.Shuffle(len(q.Values), func(i, k int) { q.Values[i], q.Values[k] = q.Values[k], q.Values[i] })
		b.Run([]string{"Match by id", "Match by link", "Match by key"}[q.By], func(b *testing.B) {
			for b.Loop() {
				for first := 0; first < len(q.Values); first += benchBatch {
					part := q
					part.Values = q.Values[first:min(first+benchBatch, len(q.Values))]
					found, err := s.Match(ctx, part)
					require.NoError(b, err)
					require.Len(b, found[0], 1)
				}
			}
			report(b, len(q.Values), "values/s")
		})
	}
}

func report(b *testing.B, n int, unit string) {
	b.Helper()
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), unit)
}
