package memory_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// BenchmarkApply makes records with a link each, 1,000 in a batch.
func BenchmarkApply(b *testing.B) {
	s := memory.New(memory.Options{})
	lease, err := s.Begin(b.Context(), syncer.Claim{Integration: "mdm", TTL: time.Hour, Now: noon})
	if err != nil {
		b.Fatal(err)
	}
	batch := &syncer.Batch{
		Integration: "mdm", Run: "1", Fence: lease.Fence, At: noon,
		Seal: func([]syncer.Outcome) ([]byte, error) { return nil, nil },
	}
	n := 0
	for b.Loop() {
		batch.Units = batch.Units[:0]
		batch.Seq++
		for i := range 1000 {
			n++
			batch.Units = append(batch.Units, syncer.Unit{
				Changes: []syncer.Change{{Object: "assets", Op: syncer.Create, Columns: []int{0, 2}, After: []mapping.Value{mapping.TextValue(strconv.Itoa(n)), mapping.TextValue("name")}}},
				Links:   []syncer.LinkChange{{Object: "assets", VendorID: strconv.Itoa(n), Ref: syncer.Ref{Change: i}, Hash: 1}},
			})
		}
		if err := s.Apply(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}
