package sqlite

import (
	"database/sql/driver"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlans(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), Options{})
	require.NoError(t, err)
	require.NoError(t, s.needVendorIndex(t.Context()))
	m := s.model.Load()
	for _, k := range []lookup{{by: byID}, {by: byLink}, {by: bySuperseded}, {by: byKey, key: "serial_number"}, {by: byLedgerID}, {by: byLedgerLink}, {by: byLedgerSuperseded}} {
		for _, shared := range []bool{false, true} {
			k.shared, k.chunk = shared, 250
			sql := m.layout("assets").lookupSQL(k)
			if k.by == byKey && !shared {
				t.Log(sql)
			}
			t.Log(k.by, shared, "\n"+plan(t, s.writer, sql))
		}
	}
	k := lookup{by: byKey, key: "asset,software,version", chunk: 250}
	t.Log(k.key, "\n"+plan(t, s.writer, m.layout("software_installs").lookupSQL(k)))
	k = lookup{by: byParent, field: 1, chunk: 250}
	t.Log(k.key, "\n"+plan(t, s.writer, m.layout("software_installs").lookupSQL(k)))
}

func plan(t *testing.T, c *conn, sql string) string {
	var lines []string
	var args params
	for range strings.Count(sql, "?") {
		args.add(nil)
	}
	require.NoError(t, c.query(t.Context(), "EXPLAIN QUERY PLAN "+sql, args, func(v []driver.Value) error {
		lines = append(lines, text(v[3]))
		return nil
	}))
	return strings.Join(lines, "\n")
}
