package sqlite_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// inBatches writes n units in batches of 5,000 and returns the records' ids.
func (r *run) inBatches(n int, unit func(i, place int) syncer.Unit) []string {
	r.t.Helper()
	const size = 5000
	var ids []string
	for first := 0; first < n; first += size {
		units := make([]syncer.Unit, min(size, n-first))
		for i := range units {
			units[i] = unit(first+i, i)
		}
		for _, o := range r.apply(units...) {
			require.NoError(r.t, o.Err)
			ids = append(ids, o.IDs...)
		}
	}
	return ids
}

func TestALargeStoreStaysRight(t *testing.T) {
	t.Parallel()
	n := 100_000
	if testing.Short() {
		n = 1_000
	}
	s, path := openAt(t, newPath(t))
	a := begin(t, s, "a")
	serial := func(i int) string { return fmt.Sprintf("C%011d", int64(i)*61803398873%100_000_000_000) }
	ids := a.inBatches(n, func(i, place int) syncer.Unit {
		return syncer.Unit{
			Changes: []syncer.Change{change(t, syncer.Create, "assets", texts(map[string]string{"serial_number": serial(i)}))},
			Links:   []syncer.LinkChange{{Object: "assets", VendorID: "a" + serial(i), Ref: syncer.Ref{Change: place}, Hash: uint64(i)}},
		}
	})
	require.Len(t, ids, n)

	// Another integration brings every other record, and changes it.
	b := begin(t, s, "b")
	b.inBatches(n/2, func(i, _ int) syncer.Unit {
		c := change(t, syncer.Update, "assets", texts(map[string]string{"device_name": "of b"}))
		c.Ref, c.Revision, c.Before = syncer.Ref{ID: ids[2*i]}, 1, []mapping.Value{mapping.Null}
		return syncer.Unit{Changes: []syncer.Change{c}, Links: []syncer.LinkChange{{Object: "assets", VendorID: "b" + serial(2*i), Ref: c.Ref, Hash: 1}}}
	})
	stale, live := 0, 0
	for l, err := range s.ScanLinks(t.Context(), "a", "assets") {
		require.NoError(t, err)
		require.Equal(t, ids[l.Hash], l.ID)
		live++
		if l.Stale {
			stale++
		}
	}
	require.Equal(t, []int{n, n / 2}, []int{live, stale})

	for _, q := range []syncer.Query{
		{By: syncer.ByKey, Fields: []string{"serial_number"}},
		{By: syncer.ByLink},
	} {
		q.Integration, q.Object = "a", "assets"
		for i := range n {
			value := serial(i)
			if q.By == syncer.ByLink {
				value = "a" + value
			}
			q.Values = append(q.Values, value)
		}
		hits, err := s.Match(t.Context(), q)
		require.NoError(t, err)
		for i, h := range hits {
			require.Len(t, h, 1)
			require.Equal(t, ids[i], h[0].ID)
			require.Equal(t, i%2 == 0, h[0].Shared)
		}
	}
	require.Equal(t, fmt.Sprint(n+n/2), shell(t, path, "SELECT count(*) FROM history;"))
	require.Equal(t, "ok", shell(t, path, "PRAGMA integrity_check;"))
}
