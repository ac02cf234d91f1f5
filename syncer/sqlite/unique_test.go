package sqlite_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

// withRacks returns a store with assets in racks, a custom field.
func withRacks(t *testing.T, racks ...string) (s *sqlite.Store, path string, r *run) {
	t.Helper()
	s, path = openAt(t, newPath(t))
	require.NoError(t, s.AddField(t.Context(), "assets", mapping.Field{Name: "rack", Type: mapping.Text}))
	r = begin(t, s, "laptops")
	for i, rack := range racks {
		r.makeAsset(map[string]string{"serial_number": fmt.Sprint("C", i+1)})
		shell(t, path, fmt.Sprintf("UPDATE assets SET rack = '%s' WHERE id = %d;", rack, i+1))
	}
	return s, path, r
}

// writeRack writes an asset's rack, as a run does.
func (r *run) writeRack(s *sqlite.Store, id, rack string) error {
	r.t.Helper()
	schema, err := s.Schema(r.t.Context())
	require.NoError(r.t, err)
	assets, _ := schema.Object("assets")
	return r.apply(syncer.Unit{Changes: []syncer.Change{{
		Object: "assets", Op: syncer.Update, Ref: syncer.Ref{ID: id}, Revision: -1,
		Columns: []int{assets.Field("rack")}, After: []mapping.Value{mapping.TextValue(rack)},
	}}})[0].Err
}

func byRack(rack string) syncer.Query {
	return syncer.Query{Object: "assets", By: syncer.ByKey, Fields: []string{"rack"}, Values: []string{rack}}
}

const columnsOfRack = "SELECT group_concat(name) FROM pragma_table_info('assets') WHERE name LIKE 'rack%';"

func TestAFieldBecomesUniqueAndStopsBeingIt(t *testing.T) {
	t.Parallel()
	s, path, r := withRacks(t, " R1 ", "r2", "None")
	require.NoError(t, r.writeRack(s, "2", "R2"), "its statement is made before the field is a key")
	for range 2 {
		require.NoError(t, s.SetUnique(t.Context(), "assets", "rack", true))
		require.NoError(t, s.SetUnique(t.Context(), "assets", "rack", true), "again")
		require.Equal(t, "rack,rack_key", shell(t, path, columnsOfRack))
		require.Equal(t, "1|r1\n2|r2\n3|", shell(t, path, "SELECT id, rack_key FROM assets;"))
		require.Equal(t, "1", found(t, s, byRack("r1"))[0].ID)
		require.ErrorIs(t, r.writeRack(s, "3", "R1"), syncer.ErrConflict)
		require.NoError(t, r.writeRack(s, "3", "R3"))
		require.Equal(t, "3", found(t, s, byRack("r3"))[0].ID)
		shell(t, path, "UPDATE assets SET rack = 'r9' WHERE id = 3;")
		require.Equal(t, "3", found(t, s, byRack("r9"))[0].ID, "a key edited by hand")

		require.NoError(t, s.SetUnique(t.Context(), "assets", "rack", false))
		require.Equal(t, "rack", shell(t, path, columnsOfRack))
		_, err := s.Match(t.Context(), byRack("r1"))
		require.ErrorContains(t, err, "(rack) is neither a unique field nor the object's key")
		require.NoError(t, r.writeRack(s, "3", "R1"), "a value that another has")
		require.NoError(t, r.writeRack(s, "3", "None"))
		shell(t, path, "UPDATE assets SET notes = 'x';")
		require.Equal(t, "ok", shell(t, path, "PRAGMA integrity_check;"))
	}
}

func TestDuplicatesStandInTheWayOfAUniqueField(t *testing.T) {
	t.Parallel()
	s, path, _ := withRacks(t, "R2", "R1", " r1", "R3", "R2 ", "none", "None", "")
	shell(t, path, "UPDATE assets SET archived_at = '2026-01-01' WHERE id = 5;")
	before := shell(t, path, "SELECT * FROM assets; SELECT sql FROM sqlite_master; SELECT count(*) FROM ledger_history;")
	err := s.SetUnique(t.Context(), "assets", "rack", true)
	var duplicates *syncer.DuplicatesError
	require.ErrorAs(t, err, &duplicates)
	require.Equal(t, &syncer.DuplicatesError{Object: "assets", Field: "rack", Groups: []syncer.DuplicateGroup{
		{Value: "R1", IDs: []string{"2", "3"}}, {Value: "R2", IDs: []string{"1", "5"}},
	}}, duplicates)
	require.Equal(t, before, shell(t, path, "SELECT * FROM assets; SELECT sql FROM sqlite_master; SELECT count(*) FROM ledger_history;"), "nothing was changed")
}

func TestARecordAndItsPartsAreNoDuplicates(t *testing.T) {
	t.Parallel()
	s, path, r := withRacks(t, "R1", "r1", "R1 ")
	merge(t, s, "assets", "1", "2")
	var duplicates *syncer.DuplicatesError
	require.ErrorAs(t, s.SetUnique(t.Context(), "assets", "rack", true), &duplicates)
	require.Equal(t, []syncer.DuplicateGroup{{Value: "R1", IDs: []string{"1", "2", "3"}}}, duplicates.Groups)
	merge(t, s, "assets", "2", "3")
	require.NoError(t, s.SetUnique(t.Context(), "assets", "rack", true))
	require.Equal(t, "3", found(t, s, byRack("r1"))[0].ID)
	require.Equal(t, "1|R1|\n2|r1|\n3|R1 |r1", shell(t, path, "SELECT id, rack, rack_key FROM assets;"))
	require.NoError(t, r.writeRack(s, "3", "R4"))
	require.Empty(t, found(t, s, byRack("r1")), "the parts have given it up")
}

func TestAnotherProcessLearnsThatAFieldIsUnique(t *testing.T) {
	t.Parallel()
	one, path, r := withRacks(t, "R1", "R2")
	two, _ := openAt(t, path)
	require.NoError(t, r.writeRack(one, "1", "R5"))
	require.NoError(t, two.SetUnique(t.Context(), "assets", "rack", true))
	require.Equal(t, "1", found(t, one, byRack("r5"))[0].ID)
	require.ErrorIs(t, r.writeRack(one, "1", "r2"), syncer.ErrConflict)
	require.NoError(t, r.writeRack(one, "1", "R6"))
	require.Equal(t, "1", found(t, two, byRack("r6"))[0].ID)
	require.NoError(t, two.SetUnique(t.Context(), "assets", "rack", false))
	require.NoError(t, r.writeRack(one, "1", "r2"))
}
