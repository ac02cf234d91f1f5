package sqlite_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

// noon is when records are merged and split.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func asked(object, from, into string) syncer.Merge {
	return syncer.Merge{Object: object, From: from, Into: into, FromRevision: -1, IntoRevision: -1, Actor: "ada@example.com", At: noon}
}

func merge(t *testing.T, s *sqlite.Store, object, from, into string) {
	t.Helper()
	require.NoError(t, s.Merge(t.Context(), asked(object, from, into)))
}

func split(t *testing.T, s *sqlite.Store, object, from, into string) []string {
	t.Helper()
	left, err := s.Split(t.Context(), asked(object, from, into))
	require.NoError(t, err)
	return left
}

// twoAssets returns a store with two linked assets.
func twoAssets(t *testing.T) (s *sqlite.Store, path string, r *run, into, from string) {
	t.Helper()
	s, path = openAt(t, newPath(t))
	r = begin(t, s, "laptops")
	into = r.makeAsset(map[string]string{"serial_number": "C02XK1"})
	from = r.makeAsset(map[string]string{"serial_number": "C02XK2", "asset_tag": "T-2", "device_name": "ada's"})
	return s, path, r, into, from
}

func TestAPersonCanReadMerges(t *testing.T) {
	t.Parallel()
	s, path, _, into, from := twoAssets(t)
	merge(t, s, "assets", from, into)
	require.Equal(t, "assets|2|1|ada@example.com|2026-03-04T12:00:00.000Z", shell(t, path, "SELECT * FROM merges;"))
	require.Equal(t, "C02XK1|T-2|ada's|\nC02XK2|T-2|ada's|2026-03-04T12:00:00.000Z", shell(t, path, "SELECT serial_number, asset_tag, device_name, archived_at FROM assets;"))
	const events = "SELECT record, revision, at, op, actor, integration, changes FROM history WHERE revision > 1 ORDER BY record, revision;"
	require.Equal(t, strings.Join([]string{
		`1|2|2026-03-04T12:00:00.000Z|update|ada@example.com||{"asset_tag":[null,"T-2"],"device_name":[null,"ada's"]}`,
		`2|2|2026-03-04T12:00:00.000Z|merge|ada@example.com||{"merged_into":[null,"1"]}`,
	}, "\n"), shell(t, path, events))
	require.Equal(t, "assets|1|laptops|vendor's C02XK1|1|", shell(t, path, "SELECT * FROM links;"))

	require.Empty(t, split(t, s, "assets", from, into))
	require.Empty(t, shell(t, path, "SELECT * FROM merges;"))
	require.Equal(t, strings.Join([]string{
		`1|3|2026-03-04T12:00:00.000Z|update|ada@example.com||{"asset_tag":["T-2",null],"device_name":["ada's",null]}`,
		`2|3|2026-03-04T12:00:00.000Z|split|ada@example.com||{"merged_into":["1",null]}`,
	}, "\n"), shell(t, path, strings.Replace(events, "> 1", "> 2", 1)))
	require.Equal(t, "C02XK1||\nC02XK2|T-2|", shell(t, path, "SELECT serial_number, asset_tag, archived_at FROM assets;"))
}

func TestAMergedRecordEditedByHandIsStillAPart(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]string{
		"taken out of the archive": "UPDATE assets SET archived_at = NULL WHERE id = :from;",
		"another serial number":    "UPDATE assets SET serial_number = 'c02xk9' WHERE id = :from;",
		"the other's asset tag":    "UPDATE assets SET asset_tag = 't-2' WHERE id = :from;",
		"another revision":         "UPDATE assets SET revision = 9 WHERE id = :from;",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, path, r, into, from := twoAssets(t)
			merge(t, s, "assets", from, into)
			shell(t, path, strings.ReplaceAll(edit, ":from", from))
			serial := shell(t, path, "SELECT upper(serial_number) FROM assets WHERE id = "+from+";")
			for _, when := range []string{"before the next batch", "after it"} {
				for _, q := range []syncer.Query{
					{By: syncer.ByID, Values: []string{from}},
					{By: syncer.ByKey, Fields: []string{"serial_number"}, Values: []string{serial}},
					{By: syncer.ByKey, Fields: []string{"asset_tag"}, Values: []string{"T-2"}},
				} {
					q.Object, q.Integration = "assets", "laptops"
					hits := found(t, s, q)
					require.Len(t, hits, 1, "%s: %v", when, q)
					require.Equal(t, into, hits[0].ID, "%s: %v", when, q)
				}
				r.apply(syncer.Unit{})
			}
		})
	}
}

func TestDeletingByHandEndsAMerge(t *testing.T) {
	t.Parallel()
	s, path, r, into, from := twoAssets(t)
	merge(t, s, "assets", from, into)
	shell(t, path, "DELETE FROM assets WHERE id = "+into+";")
	require.Empty(t, shell(t, path, "SELECT * FROM merges;"))
	r.apply(syncer.Unit{})
	for field, text := range map[string]string{"serial_number": "C02XK2", "asset_tag": "T-2"} {
		hits := found(t, s, syncer.Query{Object: "assets", By: syncer.ByKey, Fields: []string{field}, Values: []string{text}})
		require.Len(t, hits, 1, field)
		require.Equal(t, from, hits[0].ID, field)
		require.True(t, hits[0].Archived, field)
	}
	_, err := s.Split(t.Context(), asked("assets", from, into))
	require.ErrorIs(t, err, syncer.ErrNotFound)

	s, path, _, into, from = twoAssets(t)
	merge(t, s, "assets", from, into)
	shell(t, path, "DELETE FROM assets WHERE id = "+from+";")
	require.Empty(t, shell(t, path, "SELECT * FROM merges;"))
	require.Empty(t, bySerial(t, s, "C02XK2"))
	require.Equal(t, into, bySerial(t, s, "C02XK1")[0].ID)
}

func TestARecordEditedByHandCanBeMerged(t *testing.T) {
	t.Parallel()
	s, path, _, into, from := twoAssets(t)
	shell(t, path, `UPDATE assets SET asset_tag = ' t-3 ' WHERE id = `+from+`;
		INSERT INTO assets (udid, notes) VALUES ('u-1', 'by hand');`)
	merge(t, s, "assets", from, into)
	merge(t, s, "assets", "3", into)
	require.Equal(t, "' t-3 '|T-3|u-1|U-1|by hand", shell(t, path, "SELECT quote(asset_tag), asset_tag_key, udid, udid_key, notes FROM assets WHERE id = "+into+";"))
	require.Equal(t, into, found(t, s, syncer.Query{Object: "assets", By: syncer.ByKey, Fields: []string{"udid"}, Values: []string{"U-1"}})[0].ID)
	require.Equal(t, syncer.Create, history(t, s, "assets", "3")[0].Op, "an insertion by hand is taken over first")
}

func TestATitleIsStillFoundAsItWasCalled(t *testing.T) {
	t.Parallel()
	s := open(t)
	r := begin(t, s, "laptops")
	plain := r.make("software", "1", map[string]string{"name": "Firefox"})
	whole := r.make("software", "2", map[string]string{"name": "Firefox", "publisher": "Mozilla"})
	find := func(publisher string) []syncer.Hit {
		return found(t, s, syncer.Query{Object: "software", By: syncer.ByKey, Fields: []string{"name", "publisher"}, Values: []string{"firefox" + syncer.KeySeparator + publisher}})
	}
	is := func(plainID, wholeID string) {
		t.Helper()
		for publisher, id := range map[string]string{"": plainID, "mozilla": wholeID} {
			hits := find(publisher)
			require.Len(t, hits, 1, publisher)
			require.Equal(t, id, hits[0].ID, publisher)
		}
	}
	for range 2 {
		merge(t, s, "software", whole, plain)
		is(plain, plain)
		o := r.apply(syncer.Unit{Changes: []syncer.Change{change(t, syncer.Ensure, "software", texts(map[string]string{"name": "Firefox"}))}})[0]
		require.Equal(t, []string{plain}, o.IDs, "a run that knows of no publisher makes no other title")
		require.Empty(t, split(t, s, "software", whole, plain))
		is(plain, whole)
	}
}

func TestASplitOfKeysLeavesNoRecordFoundTwice(t *testing.T) {
	t.Parallel()
	s, path, r, into, from := twoAssets(t)
	merge(t, s, "assets", from, into)
	c := change(t, syncer.Update, "assets", texts(map[string]string{"serial_number": "C02XK2", "asset_tag": "T-9"}))
	c.Ref.ID, c.Revision = into, 2
	require.NoError(t, r.apply(syncer.Unit{Changes: []syncer.Change{c}})[0].Err)
	other := r.makeAsset(map[string]string{"serial_number": "C02XK3", "asset_tag": "T-2"})

	require.Equal(t, []string{
		"asset_tag of record 1 stays as it is, since it was changed after the merge",
		"record 2 is not found by its serial_number, which is that of record 1 now",
		"record 2 is not found by its asset_tag, which is that of record " + other + " now",
	}, split(t, s, "assets", from, into))
	for text, id := range map[string]string{"C02XK2": into, "C02XK3": other} {
		hits := bySerial(t, s, text)
		require.Len(t, hits, 1, text)
		require.Equal(t, id, hits[0].ID, text)
	}
	require.Equal(t, "C02XK2|T-2", shell(t, path, "SELECT serial_number, asset_tag FROM assets WHERE id = "+from+";"), "it shows what it had")
}

func TestAUniqueNumberIsGivenUpAndComesBack(t *testing.T) {
	t.Parallel()
	s, path, r, into, from := twoAssets(t)
	require.NoError(t, s.AddField(t.Context(), "assets", mapping.Field{Name: "slot", Type: mapping.Integer, Unique: true}))
	schema, err := s.Schema(t.Context())
	require.NoError(t, err)
	assets, _ := schema.Object("assets")
	write := func(id string, slot int64) error {
		return r.apply(syncer.Unit{Changes: []syncer.Change{{
			Object: "assets", Op: syncer.Update, Ref: syncer.Ref{ID: id}, Revision: -1, Columns: []int{assets.Field("slot")}, After: []mapping.Value{mapping.IntValue(slot)},
		}}})[0].Err
	}
	find := func(slot string) string {
		hits := found(t, s, syncer.Query{Object: "assets", By: syncer.ByKey, Fields: []string{"slot"}, Values: []string{slot}})
		require.Len(t, hits, 1)
		return hits[0].ID
	}
	require.NoError(t, write(from, 7))
	merge(t, s, "assets", from, into)
	require.Equal(t, "7|\n7|", shell(t, path, "SELECT slot, slot_key FROM assets;"), "both show it")
	require.Equal(t, into, find("7"))
	require.ErrorIs(t, write(from, 8), syncer.ErrConflict, "a record that is a part of another")
	require.NoError(t, write(into, 8))
	require.Equal(t, []string{"slot of record 1 stays as it is, since it was changed after the merge"}, split(t, s, "assets", from, into))
	require.Equal(t, from, find("7"))
	require.Equal(t, into, find("8"))
	require.ErrorIs(t, write(into, 7), syncer.ErrConflict)
}

func TestNobodyBecomesTheirOwnManager(t *testing.T) {
	t.Parallel()
	s := open(t)
	r := begin(t, s, "people")
	into := r.make("users", "1", map[string]string{"username": "ada"})
	from := r.make("users", "2", map[string]string{"username": "ada.l", "manager": "ada", "manager_id": into})
	merge(t, s, "users", from, into)
	hits := found(t, s, syncer.Query{Object: "users", By: syncer.ByID, Values: []string{into}})
	users, _ := mapping.Standard().Object("users")
	require.Equal(t, mapping.Null, hits[0].Values[users.Field("manager_id")])
	require.Empty(t, split(t, s, "users", from, into))
}

func TestAMergeOfManyReferrersGoesThereAndBack(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	r := begin(t, s, "laptops")
	into := r.make("users", "1", map[string]string{"username": "ada"})
	from := r.make("users", "2", map[string]string{"username": "ada.l"})
	const many = 1200 // more than are held in memory at a time
	units := make([]syncer.Unit, many)
	for i := range units {
		units[i].Changes = []syncer.Change{change(t, syncer.Create, "assets", texts(map[string]string{"serial_number": fmt.Sprint("C", i), "assigned_to": "x", "assigned_to_id": from}))}
	}
	r.apply(units...)
	merge(t, s, "users", from, into)
	require.Equal(t, fmt.Sprint(into, "|2|", many), shell(t, path, "SELECT assigned_to_id, revision, count(*) FROM assets GROUP BY 1, 2;"))
	require.Empty(t, split(t, s, "users", from, into))
	require.Equal(t, fmt.Sprint(from, "|3|", many), shell(t, path, "SELECT assigned_to_id, revision, count(*) FROM assets GROUP BY 1, 2;"))
}
