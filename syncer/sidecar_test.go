package syncer_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// A hostTable is a host's own table of assets, by its own ids.
type hostTable struct {
	rows   map[string]syncer.HostRecord
	writes []syncer.Op
	refuse string // the serial number that the host does not take
}

func (h *hostTable) find(_ context.Context, field string, values []string) ([][]syncer.HostRecord, error) {
	found := make([][]syncer.HostRecord, len(values))
	for i, v := range values {
		for id, row := range h.rows {
			if field == "" && id == v || field != "" && strings.EqualFold(row.Fields[field], v) {
				found[i] = append(found[i], row)
			}
		}
	}
	return found, nil
}

func (h *hostTable) write(_ context.Context, w syncer.HostWrite) (string, error) {
	if h.refuse != "" && w.Fields["serial_number"] == h.refuse {
		return "", errors.New("the warehouse knows no such device")
	}
	h.writes = append(h.writes, w.Op)
	row, ok := h.rows[w.ID]
	if !ok {
		w.ID = "row-" + strconv.Itoa(len(h.rows)+1)
		row = syncer.HostRecord{ID: w.ID, Fields: map[string]string{}}
	}
	for field, value := range w.Fields {
		row.Fields[field] = value
	}
	row.Archived = w.Op == syncer.Archive || row.Archived && w.Op != syncer.Restore
	h.rows[w.ID] = row
	return w.ID, nil
}

// sidecar returns a run over the host's table of whatever records it is given.
func (h *hostTable) sidecar(t *testing.T, opt syncer.Options) func(absence syncer.Absence, records ...string) syncer.Run {
	t.Helper()
	h.rows = map[string]syncer.HostRecord{}
	ledger := memory.New(memory.Options{})
	store, err := syncer.Sidecar(ledger, syncer.HostTable{Object: "assets", Find: h.find, Write: h.write})
	require.NoError(t, err)
	return func(absence syncer.Absence, records ...string) syncer.Run {
		t.Helper()
		h.writes = nil
		fake := &connectortest.Fake{}
		for _, rec := range records {
			fake.Records = append(fake.Records, connector.Record(rec))
		}
		opt.Registry, err = connector.NewRegistry(fake)
		require.NoError(t, err)
		s, err := syncer.New(store, opt)
		require.NoError(t, err)
		in := syncer.Integration{ID: "devices", Connector: "fake", Stream: "records", User: "sync@example.com", Absence: absence, Mapping: mapping.Mapping{
			Object: "assets", Key: "id", SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
			Fields: []mapping.FieldMapping{{To: "serial_number", From: "serial"}, {To: "device_name", From: "name"}, {To: "managed", From: "managed"}, {To: "mac_addresses", From: "macs"}, {To: "memory_mb", From: "memory"}},
		}}
		_, err = s.Save(t.Context(), in, "tester")
		require.NoError(t, err)
		require.NoError(t, s.Launch(t.Context(), in.ID, "tester"))
		run, err := s.Run(t.Context(), in.ID, syncer.RunOptions{})
		require.NoError(t, err)
		return run
	}
}

func TestAHostsOwnTableIsKeptInStep(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]syncer.Options{"with the links in memory": {}, "with links looked up": {MatchCache: -1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &hostTable{}
			run := h.sidecar(t, opt)
			one, two := `{"id":"1","serial":"S1","name":"alpha","managed":true,"macs":["0a0b0c0d0e0f","0A-0B-0C-0D-0E-10"],"memory":8192}`, `{"id":"2","serial":"S2","name":"beta"}`

			h.rows["row-0"] = syncer.HostRecord{ID: "row-0", Fields: map[string]string{"serial_number": "s2", "device_name": "old"}}
			r := run(syncer.Keep, one, two)
			require.Equal(t, syncer.Counts{Fetched: 2, Created: 1, Updated: 1}, r.Counts)
			require.Equal(t, "beta", h.rows["row-0"].Fields["device_name"], "a row of the host's is found by its key")
			require.Equal(t, map[string]string{
				"serial_number": "S1", "device_name": "alpha", "managed": "true", "mac_addresses": `["0a:0b:0c:0d:0e:0f","0a:0b:0c:0d:0e:10"]`, "memory_mb": "8192",
			}, h.rows["row-2"].Fields)

			r = run(syncer.Keep, one, two)
			require.Equal(t, syncer.Counts{Fetched: 2, Unchanged: 2}, r.Counts)
			require.Empty(t, h.writes)

			h.rows["row-2"].Fields["device_name"] = "edited"
			r = run(syncer.Keep, one, two)
			require.Equal(t, syncer.Counts{Fetched: 2, Updated: 1, Unchanged: 1}, r.Counts, "an edit in the host's table is put back")
			require.Equal(t, "alpha", h.rows["row-2"].Fields["device_name"])

			r = run(syncer.Keep, strings.Replace(one, "S1", "S9", 1), two)
			require.Equal(t, syncer.Counts{Fetched: 2, Updated: 1, Unchanged: 1}, r.Counts, "the vendor's id leads to the row")
			require.Equal(t, "S9", h.rows["row-2"].Fields["serial_number"])

			r = run(syncer.ArchiveAbsent, two)
			require.Equal(t, syncer.Vanished{Missing: 1, Archived: 1}, r.Vanished)
			require.True(t, h.rows["row-2"].Archived)
		})
	}
}

func TestAHostMayRefuseAWrite(t *testing.T) {
	t.Parallel()
	h := &hostTable{refuse: "S1"}
	run := h.sidecar(t, syncer.Options{})
	one, two := `{"id":"1","serial":"S1"}`, `{"id":"2","serial":"S2"}`
	r := run(syncer.Keep, one, two)
	require.Equal(t, syncer.Counts{Fetched: 2, Created: 1, Failed: 1}, r.Counts)
	require.Len(t, r.Problems, 1)
	require.Equal(t, "1", r.Problems[0].Record)
	require.Contains(t, r.Problems[0].Reason, "refused: the host refused the write: the warehouse knows no such device")
	h.refuse = ""
	require.Equal(t, syncer.Counts{Fetched: 2, Created: 1, Unchanged: 1}, run(syncer.Keep, one, two).Counts)
}

func TestASidecarNeedsBothFunctions(t *testing.T) {
	t.Parallel()
	_, err := syncer.Sidecar(memory.New(memory.Options{}), syncer.HostTable{Object: "assets"})
	require.ErrorIs(t, err, connector.ErrInvalid)
	_, err = syncer.Sidecar(struct{ syncer.Store }{memory.New(memory.Options{})}, syncer.HostTable{Object: "assets", Find: (&hostTable{}).find, Write: (&hostTable{}).write})
	require.ErrorIs(t, err, connector.ErrUnsupported)
}
