package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// lead is an integration's lease with the number of its last batch.
type lead struct {
	fence, seq int64
	outcomes   []syncer.Outcome
}

// take takes the lease, over the holder of that fence.
func take(t *testing.T, s *Store, over int64) *lead {
	t.Helper()
	lease, err := s.Begin(t.Context(), syncer.Claim{Integration: "laptops", Owner: "test", TTL: time.Minute, Now: noon, Over: over})
	require.NoError(t, err)
	return &lead{fence: lease.Fence, seq: lease.Seq}
}

func (l *lead) apply(ctx context.Context, s *Store, units ...syncer.Unit) error {
	err := s.Apply(ctx, &syncer.Batch{
		Integration: "laptops", Run: "run", Actor: "actor", Fence: l.fence, Seq: l.seq + 1, At: noon, Units: units,
		Seal: func(o []syncer.Outcome) ([]byte, error) {
			l.outcomes = o
			return nil, nil
		},
	})
	if err == nil {
		l.seq++
	}
	return err
}

// assetUnit makes an asset with a link, as change number n of its batch.
func assetUnit(n int, serial, vendorID string, hidden bool) syncer.Unit {
	assets, _ := mapping.Standard().Object("assets")
	return syncer.Unit{
		Changes: []syncer.Change{{
			Object: "assets", Op: syncer.Create, Columns: []int{assets.Field("serial_number"), assets.Field("notes")},
			After: []mapping.Value{mapping.TextValue(serial), mapping.TextValue("notes of " + serial)}, Hidden: []bool{false, hidden},
		}},
		Links: []syncer.LinkChange{{Object: "assets", VendorID: vendorID, Ref: syncer.Ref{Change: n}, Hash: uint64(n)}},
	}
}

func count(t *testing.T, s *Store, query string) int64 {
	t.Helper()
	var n int64
	require.NoError(t, s.read(t.Context(), func(c *conn) error {
		var err error
		n, err = c.number(t.Context(), query)
		return err
	}))
	return n
}

func TestAFullDiskLeavesNothingOfTheBatch(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := openFile(t)
	l := take(t, s, 0)
	require.NoError(t, l.apply(ctx, s, assetUnit(0, "A", "a", false)))

	pages, err := s.writer.number(ctx, "PRAGMA page_count")
	require.NoError(t, err)
	limit := func(pages int64) {
		_, err := s.writer.exec(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages))
		require.NoError(t, err)
	}
	limit(pages + 2)
	units := make([]syncer.Unit, 500)
	for i := range units {
		units[i] = assetUnit(i, fmt.Sprintf("B%d", i), fmt.Sprintf("b%d", i), false)
	}
	err = l.apply(ctx, s, units...)
	require.ErrorIs(t, err, connector.ErrUnavailable)
	require.ErrorContains(t, err, "is full")
	require.ErrorContains(t, err, "free space and run again; nothing of this batch was written")
	require.Equal(t, int64(1), count(t, s, "SELECT count(*) FROM assets"))
	require.Equal(t, int64(1), count(t, s, "SELECT count(*) FROM ledger_links"))

	limit(1 << 30)
	require.NoError(t, l.apply(ctx, s, units...))
	require.Equal(t, int64(501), count(t, s, "SELECT count(*) FROM assets"))
	require.Equal(t, int64(501), count(t, s, "SELECT count(*) FROM history"))
}

func TestABatchWithAConflictIsWrittenButForTheUnit(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := openFile(t)
	l := take(t, s, 0)
	require.NoError(t, l.apply(ctx, s, assetUnit(0, "A", "a", false)))
	units := []syncer.Unit{
		assetUnit(0, "B", "b", false),
		assetUnit(1, "A", "clash", true), // with columns that nothing else has, for which the ledger gets a row
		{Changes: []syncer.Change{{Object: "assets", Op: syncer.Archive, Ref: syncer.Ref{Change: 1}, Revision: 1}}},
		assetUnit(3, "C", "c", true),
		{Changes: []syncer.Change{{Object: "assets", Op: syncer.Archive, Ref: syncer.Ref{Change: 0}, Revision: 1}}},
	}
	require.NoError(t, l.apply(ctx, s, units...))
	var failed []int
	for i, o := range l.outcomes {
		if o.Err != nil {
			require.ErrorIs(t, o.Err, syncer.ErrConflict)
			failed = append(failed, i)
		}
	}
	require.Equal(t, []int{1, 2}, failed)
	require.Equal(t, []string{"A|", "B|" + timeText(noon), "C|"}, rows(t, s.writer, "SELECT serial_number, archived_at FROM assets ORDER BY serial_number"))
	require.Equal(t, []string{"a|A", "b|B", "c|C"}, rows(t, s.writer, "SELECT l.vendor_id, a.serial_number FROM ledger_links l JOIN assets a ON a.id = l.target ORDER BY 1"))
	require.Equal(t, []string{`A|create|["serial_number","notes"]`, `B|archive|`, `B|create|["serial_number","notes"]`, `C|create|["serial_number","notes"]`},
		rows(t, s.writer, "SELECT a.serial_number, h.op, h.changes FROM history h JOIN assets a ON a.id = h.record ORDER BY 1, 2"))
	require.Equal(t, []string{"notes"}, rows(t, s.writer, "SELECT field FROM ledger_hidden"))

	// What was remembered from batch to batch still holds.
	require.NoError(t, l.apply(ctx, s, assetUnit(0, "D", "d", true), assetUnit(1, "E", "clash", false)))
	require.Equal(t, int64(1), count(t, s, "SELECT count(*) FROM ledger_links WHERE vendor_id = 'clash'"))
}

func TestAnUndoneBatchIsForgotten(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := openFile(t)
	l := take(t, s, 0)
	boom := errors.New("boom")
	err := s.Apply(ctx, &syncer.Batch{
		Integration: "laptops", Run: "run", Fence: l.fence, Seq: 1, At: noon, Units: []syncer.Unit{assetUnit(0, "A", "a", true)},
		Seal: func([]syncer.Outcome) ([]byte, error) { return nil, boom },
	})
	require.ErrorIs(t, err, boom)
	for _, table := range []string{"assets", "ledger_links", "ledger_columns", "ledger_hidden", "ledger_batches", "ledger_linked", "ledger_ids", "history"} {
		require.Zero(t, count(t, s, "SELECT count(*) FROM "+table), table)
	}
	require.NoError(t, l.apply(ctx, s, assetUnit(0, "A", "a", true)))
	require.Equal(t, []string{`["serial_number","notes"]|["notes"]`}, rows(t, s.writer, "SELECT fields, hidden FROM ledger_columns"))
	require.Equal(t, int64(1), count(t, s, "SELECT count(*) FROM links"))
}

// linkOf returns the record that a vendor id is linked to, empty if none.
func linkOf(t *testing.T, s *Store, vendorID string) string {
	t.Helper()
	linked := rows(t, s.writer, "SELECT a.serial_number FROM ledger_links l JOIN assets a ON a.id = l.target WHERE l.object = 2 AND l.vendor_id = ?", vendorID)
	require.LessOrEqual(t, len(linked), 1, "a vendor id has one live link")
	return strings.Join(linked, "")
}

func TestAVendorIDLeavesItsRecordForAnother(t *testing.T) {
	t.Parallel()
	for name, indexed := range map[string]bool{"with an index on vendor ids": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			s := openFile(t)
			if indexed {
				require.NoError(t, s.needVendorIndex(ctx))
			}
			l := take(t, s, 0)
			require.NoError(t, l.apply(ctx, s, assetUnit(0, "A", "v", false), assetUnit(1, "B", "w", false)))
			second := syncer.Ref{ID: l.outcomes[1].IDs[0]}
			require.NoError(t, l.apply(ctx, s, syncer.Unit{Links: []syncer.LinkChange{{Object: "assets", VendorID: "v", Supersedes: "w", Ref: second, Hash: 9}}}))
			require.Equal(t, "B", linkOf(t, s, "v"))
			require.Empty(t, linkOf(t, s, "w"))
			require.Equal(t, []string{"w"}, rows(t, s.writer, "SELECT vendor_id FROM ledger_superseded"))

			require.NoError(t, l.apply(ctx, s, assetUnit(0, "C", "v", false), assetUnit(1, "D", "w", false)), "two new records")
			require.Equal(t, "C", linkOf(t, s, "v"))
			require.Equal(t, "D", linkOf(t, s, "w"))
			require.Empty(t, rows(t, s.writer, "SELECT vendor_id FROM ledger_superseded"))

			require.NoError(t, l.apply(ctx, s, assetUnit(0, "E", "x", false), assetUnit(1, "F", "x", false)), "twice in one batch")
			require.Equal(t, "F", linkOf(t, s, "x"))

			again := take(t, s, l.fence)
			require.NoError(t, again.apply(ctx, s, assetUnit(0, "G", "x", false)), "after another has held the lease")
			require.Equal(t, "G", linkOf(t, s, "x"))
		})
	}
}

func TestTheIndexOnVendorIDsIsMadeWhenSomebodyAsks(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := openFile(t)
	l := take(t, s, 0)
	require.NoError(t, l.apply(ctx, s, assetUnit(0, "A", "a", false)))
	indexes := "SELECT count(*) FROM sqlite_master WHERE name = '" + vendorIndex + "'"
	for q, want := range map[*syncer.Query]int64{
		{Integration: "laptops", Object: "assets", By: syncer.ByID, Values: []string{"1"}}:                                     0,
		{Integration: "laptops", Object: "assets", By: syncer.ByKey, Fields: []string{"serial_number"}, Values: []string{"A"}}: 0,
	} {
		_, err := s.Match(ctx, *q)
		require.NoError(t, err)
		require.Equal(t, want, count(t, s, indexes))
	}
	hits, err := s.Match(ctx, syncer.Query{Integration: "laptops", Object: "assets", By: syncer.ByLink, Values: []string{"a", "b"}})
	require.NoError(t, err)
	require.Len(t, hits[0], 1)
	require.Empty(t, hits[1])
	require.Equal(t, int64(1), count(t, s, indexes))
}

func TestPastABoundVendorIDsAreLookedUp(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := openFile(t)
	s.maxVendors = 3
	l := take(t, s, 0)
	for batch := range 4 {
		units := make([]syncer.Unit, 4)
		for i := range units {
			name := fmt.Sprintf("%d-%d", batch, i)
			units[i] = assetUnit(i, name, name, false)
		}
		require.NoError(t, l.apply(ctx, s, units...))
	}
	require.Equal(t, int64(16), count(t, s, "SELECT count(*) FROM links"))
	require.Equal(t, int64(1), count(t, s, "SELECT count(*) FROM sqlite_master WHERE name = '"+vendorIndex+"'"))
	require.NoError(t, l.apply(ctx, s, assetUnit(0, "Z", "0-0", false)))
	require.Equal(t, "Z", linkOf(t, s, "0-0"))
}

func TestACancelledBatchIsNotWritten(t *testing.T) {
	t.Parallel()
	s := openFile(t)
	l := take(t, s, 0)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Apply(ctx, &syncer.Batch{
		Integration: "laptops", Run: "run", Fence: l.fence, Seq: 1, At: noon, Units: []syncer.Unit{assetUnit(0, "A", "a", false)},
		Seal: func([]syncer.Outcome) ([]byte, error) {
			cancel()
			return nil, nil
		},
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, count(t, s, "SELECT count(*) FROM assets"))
	require.NoError(t, l.apply(t.Context(), s, assetUnit(0, "A", "a", false)))
}

func TestAMalformedBatchIsRefusedWhole(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := openFile(t)
	l := take(t, s, 0)
	good := assetUnit(0, "A", "a", false)
	for name, bad := range map[string]syncer.Unit{
		"an unknown object":         {Changes: []syncer.Change{{Object: "houses", Op: syncer.Create}}},
		"a link to it":              {Links: []syncer.LinkChange{{Object: "houses", Ref: syncer.Ref{ID: "1"}}}},
		"an unknown kind":           {Changes: []syncer.Change{{Object: "assets", Op: "paint"}}},
		"a column that is not":      {Changes: []syncer.Change{{Object: "assets", Op: syncer.Create, Columns: []int{99}, After: []mapping.Value{mapping.Null}}}},
		"a negative column":         {Changes: []syncer.Change{{Object: "assets", Op: syncer.Create, Columns: []int{-1}, After: []mapping.Value{mapping.Null}}}},
		"columns without values":    {Changes: []syncer.Change{{Object: "assets", Op: syncer.Create, Columns: []int{1}}}},
		"a change that is to come":  {Links: []syncer.LinkChange{{Object: "assets", Ref: syncer.Ref{Change: 7}}}},
		"a change before the first": {Links: []syncer.LinkChange{{Object: "assets", Ref: syncer.Ref{Change: -1}}}},
	} {
		err := l.apply(ctx, s, good, bad)
		require.Error(t, err, name)
		require.NotErrorIs(t, err, syncer.ErrConflict, name)
		require.Zero(t, count(t, s, "SELECT count(*) FROM assets"), name)
	}
}

func TestAnUnknownColumnOfAQueryIsNoSQL(t *testing.T) {
	t.Parallel()
	s := openFile(t)
	for _, name := range []string{"nope", `id" OR 1 = 1 --`, ""} {
		for _, err := range s.Records(t.Context(), syncer.RecordQuery{Object: "assets", Where: map[string]string{name: "x"}}) {
			require.ErrorIs(t, err, connector.ErrInvalid)
			require.ErrorContains(t, err, "have no field")
		}
	}
}

// FuzzChange reads the changes that history keeps.
func FuzzChange(f *testing.F) {
	for _, seed := range []string{`["a","b"]`, `[null,1]`, `[1.5,"x",true]`, `[]`, `{}`, `[[],{}]`, `["********","********",true]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c change
		if c.UnmarshalJSON(data) != nil {
			return
		}
		again := append(appendJSON([]byte{'['}, c.before), ',')
		again = append(appendJSON(again, c.after), ']')
		var back change
		require.NoError(t, back.UnmarshalJSON(again))
		require.Equal(t, []mapping.Value{c.before, c.after}, []mapping.Value{back.before, back.after})
	})
}

// FuzzKey takes a composite key apart.
func FuzzKey(f *testing.F) {
	f.Add("1\x1f2\x1f3.0")
	f.Add("\x1f\x1f")
	f.Add("01\x1f2\x1f")
	installs, _ := mapping.Standard().Object("software_installs")
	l := newLayout(installs, 1)
	k := l.key(installs.Key)
	f.Fuzz(func(t *testing.T, text string) {
		parts, ok := l.splitKey(k, text, syncer.KeySeparator)
		if ok {
			require.Equal(t, text, joinKey(parts))
		}
	})
}
