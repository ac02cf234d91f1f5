package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// version3 returns the path of a copy of the old file, to which something was
// done.
func version3(t *testing.T, done string) string {
	t.Helper()
	script, err := os.ReadFile(filepath.Join("testdata", "version3.sql"))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "inventory.db")
	db, err := sql.Open(driverName, "file:"+path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), string(script)+done)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	return path
}

// openVersion3 opens a copy of the old file with this version.
func openVersion3(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), version3(t, ""), Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// addVersion3Fields gives a new file the custom fields of the old one.
func addVersion3Fields(t *testing.T, s *Store) {
	t.Helper()
	for _, f := range []struct {
		object string
		field  mapping.Field
	}{
		{"assets", mapping.Field{Name: "rack", Type: mapping.Text, Unique: true}},
		{"assets", mapping.Field{Name: "slot", Type: mapping.Integer, Unique: true}},
		{"assets", mapping.Field{Name: "keeper", Type: mapping.Reference, Object: "users"}},
		{"saas_users", mapping.Field{Name: "laptop", Type: mapping.Reference, Object: "assets"}},
	} {
		require.NoError(t, s.AddField(t.Context(), f.object, f.field))
	}
}

func TestAnOldFileBecomesWhatANewOneIs(t *testing.T) {
	t.Parallel()
	old, fresh := openVersion3(t), openFile(t)
	addVersion3Fields(t, fresh)
	m, err := fresh.freshModel(t.Context())
	require.NoError(t, err)
	of, err := old.freshModel(t.Context())
	require.NoError(t, err)
	require.Equal(t, m.schema.Version(), of.schema.Version())
	require.Equal(t, tables(t, fresh.writer, m), tables(t, old.writer, m))
	const everything = "SELECT type, name, sql FROM sqlite_master WHERE type <> 'table' AND name NOT LIKE 'sqlite_%' ORDER BY type, name"
	require.Equal(t, rows(t, fresh.writer, everything), rows(t, old.writer, everything))
	lacks, err := missing(t.Context(), old.writer, of)
	require.NoError(t, err)
	require.Empty(t, lacks)
}

func TestAnOldFileKeepsWhatIsInIt(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := openVersion3(t)
	require.Equal(t, []string{"1|Ada|bob@example.com|", "2|bob||"}, rows(t, s.writer, "SELECT id, username, manager, manager_id FROM users"))
	require.Equal(t, []string{"1|C02XK1|ada's laptop|R1|7|bob|", "2|C02XK2|||||"}, rows(t, s.writer, "SELECT id, serial_number, device_name, rack, slot, keeper, keeper_id FROM assets"))

	for object, fields := range map[string]map[string][]syncer.Waiting{
		"users":      {"manager": {{ID: "1", Revision: 1, Text: "bob@example.com"}}},
		"assets":     {"assigned_to": {{ID: "1", Revision: 2, Text: "ada@example.com"}, {ID: "2", Revision: 2, Text: "cyd"}}, "keeper": {{ID: "1", Revision: 2, Text: "bob"}}},
		"saas_users": {"user": {{ID: "1", Revision: 1, Text: "Ada"}}, "laptop": {{ID: "1", Revision: 1, Text: "c02xk1"}}},
	} {
		for field, want := range fields {
			var got []syncer.Waiting
			for w, err := range s.ScanWaiting(ctx, object, field) {
				require.NoError(t, err)
				got = append(got, w)
			}
			require.ElementsMatch(t, want, got, field)
		}
	}

	hits, err := s.Match(ctx, syncer.Query{Integration: "laptops", Object: "assets", By: syncer.ByKey, Fields: []string{"slot"}, Values: []string{"7"}})
	require.NoError(t, err)
	require.Len(t, hits[0], 1)
	require.Equal(t, "1", hits[0][0].ID)
	require.Equal(t, &syncer.Link{VendorID: "l1", ID: "1", Hash: 1}, hits[0][0].Link)
	traces, err := s.Trace(ctx, "assets", []string{"1", "2"})
	require.NoError(t, err)
	assets := s.model.Load().layout("assets").object
	require.Equal(t, "run of laptops", traces[0].Origins[assets.Field("device_name")].Run)
	require.Zero(t, traces[0].Origins[assets.Field("keeper_id")])
	require.Equal(t, syncer.Origin{At: traces[1].Origins[assets.Field("notes")].At}, traces[1].Origins[assets.Field("notes")], "an edit by hand")
	require.NotZero(t, traces[1].Origins[assets.Field("notes")].At)

	// What the old version knew nothing of works on its records.
	require.NoError(t, s.Merge(ctx, syncer.Merge{Object: "assets", Into: "2", From: "1", IntoRevision: -1, FromRevision: -1}))
	require.Equal(t, []string{"2|R1|7|bob"}, rows(t, s.writer, "SELECT id, rack, slot, keeper FROM assets WHERE archived_at IS NULL"))
	require.Equal(t, []string{"2"}, rows(t, s.writer, "SELECT asset FROM software_installs"))
	require.NoError(t, s.SetUnique(ctx, "assets", "slot", false))
	require.Equal(t, []string{"1|7", "2|7"}, rows(t, s.writer, "SELECT id, slot FROM assets"))
}

func TestAnOldFileWithANameThatIsTakenSaysSo(t *testing.T) {
	t.Parallel()
	const add = `ALTER TABLE assets ADD COLUMN "%s" TEXT;
		INSERT INTO custom_fields (object, name, definition) VALUES ('assets', '%[1]s', '{"Name":"%[1]s","Type":"text","Custom":true}');`
	for _, name := range []string{"assigned_to_id", "keeper_id"} {
		path := version3(t, fmt.Sprintf(add, name))
		_, err := Open(t.Context(), path, Options{})
		require.ErrorIs(t, err, connector.ErrInvalid)
		require.ErrorContains(t, err, fmt.Sprintf("the custom field %q of assets", name))
		require.ErrorContains(t, err, "rename the column")

		db, err := sql.Open(driverName, "file:"+path)
		require.NoError(t, err)
		_, err = db.ExecContext(t.Context(), strings.ReplaceAll(`ALTER TABLE assets RENAME COLUMN %s TO number;
			UPDATE custom_fields SET name = 'number', definition = json_set(definition, '$.Name', 'number') WHERE name = '%s';`, "%s", name))
		require.NoError(t, err)
		require.NoError(t, db.Close())
		s, err := Open(t.Context(), path, Options{})
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
}

func TestManyMayOpenAnOldFileAtTheSameMoment(t *testing.T) {
	t.Parallel()
	path := version3(t, "")
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			s, err := Open(t.Context(), path, Options{})
			if err == nil {
				err = s.Close()
			}
			errs[i] = err
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
}
