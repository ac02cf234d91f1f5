package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
)

// openFile opens a store in a new file.
func openFile(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "inventory.db"), Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// rows returns the rows of a query, the columns of each joined by bars.
func rows(t *testing.T, c *conn, query string, args ...driver.Value) []string {
	t.Helper()
	var bound params
	for _, a := range args {
		bound.add(a)
	}
	var all []string
	require.NoError(t, c.query(t.Context(), query, bound, func(v []driver.Value) error {
		texts := make([]string, len(v))
		for i := range v {
			texts[i] = text(v[i])
		}
		all = append(all, strings.Join(texts, "|"))
		return nil
	}), query)
	return all
}

// tables describes the tables and indexes of a model as they are in a database.
func tables(t *testing.T, c *conn, m *model) []string {
	t.Helper()
	var all []string
	for _, l := range m.layouts {
		columns := rows(t, c, `SELECT ?1, name, type, "notnull", dflt_value, pk FROM pragma_table_info(?1)`, l.object.Name)
		slices.Sort(columns)
		all = append(all, columns...)
		all = append(all, rows(t, c, "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? ORDER BY name", l.object.Name)...)
	}
	return append(all, rows(t, c, "SELECT sql FROM sqlite_master WHERE name = 'history'")...)
}

func TestTheMigrationsMakeTheTablesOfTheModel(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := openFile(t)
	m, err := s.freshModel(ctx)
	require.NoError(t, err)

	scratch, err := openConn(ctx, dsn(filepath.Join(t.TempDir(), "scratch.db")))
	require.NoError(t, err)
	defer func() { require.NoError(t, scratch.close()) }()
	var statements []string
	for _, l := range m.layouts {
		statements = append(append(statements, l.createTable()), l.createIndexes()...)
	}
	for _, sql := range append(statements, m.historyView()) {
		_, err := scratch.exec(ctx, sql)
		require.NoError(t, err, sql)
	}
	require.Equal(t, tables(t, scratch, m), tables(t, s.writer, m))
}

func TestCustomFieldsBecomeColumnsThatTriggersKnow(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := openFile(t)
	require.NoError(t, s.AddField(ctx, "assets", mapping.Field{Name: "rack", Type: mapping.Text, Unique: true}))
	require.NoError(t, s.AddField(ctx, "assets", mapping.Field{Name: "order", Type: mapping.Integer, Unique: true}))
	require.Equal(t, []string{"rack|TEXT", "rack_key|TEXT", "order|INTEGER", "order_key|TEXT"},
		rows(t, s.writer, "SELECT name, type FROM pragma_table_info('assets') WHERE name IN ('rack', 'rack_key', 'order', 'order_key') ORDER BY cid"))
	m, err := s.freshModel(ctx)
	require.NoError(t, err)
	stale, err := staleTriggers(ctx, s.writer, m)
	require.NoError(t, err)
	require.Empty(t, stale)

	for name, f := range map[string]mapping.Field{
		"a field that is there":                  {Name: "serial_number", Type: mapping.Text},
		"a custom field that is there":           {Name: "rack", Type: mapping.Text},
		"a column of the store":                  {Name: "revision", Type: mapping.Integer},
		"the second column of another field":     {Name: "serial_number_key", Type: mapping.Text},
		"what is no name":                        {Name: `a"; DROP TABLE assets; --`, Type: mapping.Text},
		"a reference to what is no object":       {Name: "owner", Type: mapping.Reference, Object: "people"},
		"an id, which every table has, whatever": {Name: "id", Type: mapping.Integer},
	} {
		require.Error(t, s.AddField(ctx, "assets", f), name)
	}
	require.Error(t, s.AddField(ctx, "houses", mapping.Field{Name: "rooms", Type: mapping.Integer}))
}

// hotStatements returns the statements that run for each record, or many times a
// batch.
func hotStatements(m *model) map[string]string {
	all := map[string]string{
		"spoil":            sqlSpoil,
		"renew link":       sqlRenewLink,
		"vendor taken":     sqlVendorTaken,
		"holder":           sqlHolder,
		"last revision":    sqlLastRevision,
		"history":          sqlHistory,
		"links to records": linkSQL(3),
		"scan links":       sqlScanLinks,
		"scan superseded":  sqlScanSuperseded,
		"withhold":         sqlWithhold,
		"stakes":           sqlStakes,
		"trace history":    sqlTraceHistory,
	}
	for _, l := range m.layouts {
		lookups := []lookup{{by: byID}, {by: byLink}, {by: bySuperseded}, {by: byLedgerID}, {by: byLedgerLink}, {by: byLedgerSuperseded}}
		for _, k := range l.keys {
			lookups = append(lookups, lookup{by: byKey, key: k.name})
			all[l.object.Name+" find "+k.name] = l.findSQL(&k)
		}
		for _, f := range l.links {
			lookups = append(lookups, lookup{by: byParent, field: f})
			if l.columns[f].text != "" {
				all[l.object.Name+" referring "+l.columns[f].name] = l.rowsSQL(l.referring(f))
				all[l.object.Name+" waiting "+l.columns[f].name] = l.waitingSQL(f)
			}
		}
		for _, k := range lookups {
			for _, k.chunk = range chunks {
				for _, k.shared = range []bool{false, true} {
					for _, k.merges = range []bool{false, true} {
						all[fmt.Sprint(l.object.Name, " ", k)] = l.lookupSQL(k)
					}
				}
			}
		}
		all[l.object.Name+" edit by hand"] = "UPDATE " + l.table + " SET " + l.columns[0].name + " = ? WHERE \"id\" = ?"
		all[l.object.Name+" deletion by hand"] = "DELETE FROM " + l.table + " WHERE \"id\" = ?"
		all[l.object.Name+" handmade"] = l.handmadeSQL()
		all[l.object.Name+" birth"] = l.birthSQL()
		all[l.object.Name+" trace"] = l.traceBirthSQL()
		records, _ := l.recordsSQL(where{byID: true}, false)
		all[l.object.Name+" record"] = records
	}
	return all
}

// plan returns how SQLite runs a statement with all arguments bound to value.
func plan(ctx context.Context, c *conn, query string, value driver.Value) ([]string, error) {
	var args params
	for range strings.Count(query, "?") {
		args.add(value)
	}
	var steps []string
	err := c.query(ctx, "EXPLAIN QUERY PLAN "+query, args, func(v []driver.Value) error {
		steps = append(steps, text(v[3]))
		return nil
	})
	return steps, err
}

// scans reports whether a step of a plan reads all of a table, or less of a key
// than it could: what is compared with each target must come by its number.
func scans(step string) bool {
	switch {
	case strings.HasPrefix(step, "SCAN") && strings.Contains(step, "VALUES"), strings.HasPrefix(step, "SCAN CONSTANT"), step == "SCAN v":
		return false // the values asked about
	case strings.Contains(step, "_rekey"):
		return false // rows edited by hand alone
	}
	return strings.HasPrefix(step, "SCAN") || strings.Contains(step, "TEMP B-TREE") || strings.Contains(step, "AUTOMATIC") ||
		strings.HasSuffix(step, "(object=?)") || strings.HasSuffix(step, "(object=?) LEFT-JOIN") || strings.HasSuffix(step, "(integration=?)") || strings.HasSuffix(step, "(integration=? AND object=?)")
}

func TestEveryHotStatementUsesAnIndex(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := openFile(t)
	require.NoError(t, s.needVendorIndex(ctx))
	m, err := s.freshModel(ctx)
	require.NoError(t, err)
	full := map[string]bool{"scan links": true, "scan superseded": true} // these read all there is
	for name, query := range hotStatements(m) {
		// The plan may depend on the values: SQLite looks at them.
		for _, value := range []driver.Value{nil, int64(0), int64(1), int64(12), "C02XK1"} {
			steps, err := plan(ctx, s.writer, query, value)
			require.NoError(t, err, name)
			for _, step := range steps {
				require.False(t, scans(step) && !full[name], "%s with %v: %s\n%s", name, value, steps, query)
			}
		}
	}
	for name, query := range map[string]string{
		"without a key":        `SELECT * FROM assets WHERE device_name = ?`,
		"with the type":        `SELECT * FROM assets t LEFT JOIN ledger_links l ON l.object = 2 AND l.target = t."id" AND l.integration = ? WHERE t."id" = ?`,
		"with a sorter":        `SELECT * FROM assets WHERE "id" > ? ORDER BY device_name`,
		"by the visible text":  `SELECT * FROM assets WHERE serial_number = ?`,
		"all links to objects": `SELECT * FROM ledger_links WHERE object = ?`,
	} {
		steps, err := plan(ctx, s.writer, query, int64(1))
		require.NoError(t, err, name)
		require.True(t, slices.ContainsFunc(steps, scans), "%s: %s", name, steps)
	}
}

func TestReadingARunSortsNothing(t *testing.T) {
	t.Parallel()
	s := openFile(t)
	m, err := s.freshModel(t.Context())
	require.NoError(t, err)
	for _, l := range m.layouts {
		steps, err := plan(t.Context(), s.writer, l.runEventsSQL(), "run 1")
		require.NoError(t, err)
		require.NotContains(t, strings.Join(steps, "\n"), "TEMP B-TREE", l.object.Name)
	}
}
