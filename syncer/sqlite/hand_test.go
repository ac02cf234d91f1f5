package sqlite_test

import (
	"bytes"
	"database/sql"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

// shell runs SQL in the sqlite3 command, as a person does, and returns what it
// prints. The gate installs the command; on a machine without it, a plain
// connection, which has none of the store's functions either, stands in.
func shell(t *testing.T, path, query string) string {
	t.Helper()
	out, err := tryShell(t, path, query)
	require.NoError(t, err, out)
	return out
}

func tryShell(t *testing.T, path, query string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("sqlite3"); err != nil {
		return plainConnection(t, path, query)
	}
	cmd := exec.CommandContext(t.Context(), "sqlite3", "-batch", "-bail", path)
	cmd.Stdin = strings.NewReader(".timeout 5000\n" + query)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return strings.TrimSpace(out.String()), err
}

// plainConnection prints as the sqlite3 command does.
func plainConnection(t *testing.T, path, script string) (string, error) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	var lines []string
	for statement := range strings.SplitSeq(script, ";") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		printed, err := printRows(t, db, statement)
		if lines = append(lines, printed...); err != nil {
			return strings.Join(append(lines, err.Error()), "\n"), err
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n")), nil
}

func printRows(t *testing.T, db *sql.DB, statement string) ([]string, error) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), statement)
	if err != nil {
		return nil, err
	}
	defer func() { require.NoError(t, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var lines []string
	for rows.Next() {
		cells := make([]sql.NullString, len(columns))
		targets := make([]any, len(columns))
		for i := range cells {
			targets[i] = &cells[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return lines, err
		}
		texts := make([]string, len(cells))
		for i, c := range cells {
			texts[i] = c.String
		}
		lines = append(lines, strings.Join(texts, "|"))
	}
	return lines, rows.Err()
}

// A run is one integration's lease, with what it takes to write batches.
type run struct {
	t           testing.TB
	store       syncer.Store
	integration string
	lease       syncer.Lease
	seq         int64
}

var morning = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func begin(t testing.TB, s syncer.Store, integration string) *run {
	t.Helper()
	lease, err := s.Begin(t.Context(), syncer.Claim{Integration: integration, Owner: "test", TTL: time.Minute, Now: morning})
	require.NoError(t, err)
	return &run{t: t, store: s, integration: integration, lease: lease, seq: lease.Seq}
}

// batch returns the next batch. outcomes receives what came of its units.
func (r *run) batch(outcomes *[]syncer.Outcome, units ...syncer.Unit) *syncer.Batch {
	return &syncer.Batch{
		Integration: r.integration, Run: "run of " + r.integration, Actor: r.integration + "@example.com", Fence: r.lease.Fence, Seq: r.seq + 1, At: morning, Units: units,
		Seal: func(o []syncer.Outcome) ([]byte, error) {
			*outcomes = o
			return []byte("checkpoint"), nil
		},
	}
}

// apply writes units and returns what came of them.
func (r *run) apply(units ...syncer.Unit) []syncer.Outcome {
	r.t.Helper()
	var outcomes []syncer.Outcome
	require.NoError(r.t, r.store.Apply(r.t.Context(), r.batch(&outcomes, units...)))
	r.seq++
	return outcomes
}

// release ends the lease.
func (r *run) release() {
	r.t.Helper()
	var outcomes []syncer.Outcome
	b := r.batch(&outcomes)
	b.Release = true
	require.NoError(r.t, r.store.Apply(r.t.Context(), b))
}

// change returns a change with the values of fields by name, in the order of the
// object's fields.
func change(t testing.TB, op syncer.Op, object string, values map[string]mapping.Value) syncer.Change {
	t.Helper()
	o, ok := mapping.Standard().Object(object)
	require.True(t, ok, object)
	c := syncer.Change{Object: object, Op: op}
	for i, f := range o.Fields {
		if v, ok := values[f.Name]; ok {
			c.Columns, c.After = append(c.Columns, i), append(c.After, v)
		}
	}
	require.Len(t, c.Columns, len(values))
	return c
}

// texts turns texts into values.
func texts(values map[string]string) map[string]mapping.Value {
	all := map[string]mapping.Value{}
	for name, text := range values {
		all[name] = mapping.TextValue(text)
	}
	return all
}

// makeAsset makes an asset that is linked under its serial number, and returns
// its id.
func (r *run) makeAsset(values map[string]string) string {
	r.t.Helper()
	o := r.apply(syncer.Unit{
		Changes: []syncer.Change{change(r.t, syncer.Create, "assets", texts(values))},
		Links:   []syncer.LinkChange{{Object: "assets", VendorID: "vendor's " + values["serial_number"], Hash: 1}},
	})[0]
	require.NoError(r.t, o.Err)
	return o.IDs[0]
}

// install makes a title and its install on an asset, and returns their ids.
func (r *run) install(asset, title string) (software, install string) {
	r.t.Helper()
	o := r.apply(
		syncer.Unit{Changes: []syncer.Change{change(r.t, syncer.Ensure, "software", texts(map[string]string{"name": title}))}},
		syncer.Unit{
			Changes: []syncer.Change{change(r.t, syncer.Create, "software_installs", map[string]mapping.Value{"software": mapping.RowValue(0), "asset": mapping.TextValue(asset)})},
			Links:   []syncer.LinkChange{{Object: "software_installs", Ref: syncer.Ref{Change: 1}, Hash: 1}},
		},
	)
	require.NoError(r.t, o[0].Err)
	require.NoError(r.t, o[1].Err)
	return o[0].IDs[0], o[1].IDs[0]
}

// found returns the records that a question about one value finds.
func found(t testing.TB, s syncer.Store, q syncer.Query) []syncer.Hit {
	t.Helper()
	hits, err := s.Match(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, hits, len(q.Values))
	return hits[0]
}

func assetByID(t testing.TB, s syncer.Store, integration, id string) syncer.Hit {
	t.Helper()
	hits := found(t, s, syncer.Query{Integration: integration, Object: "assets", By: syncer.ByID, Values: []string{id}})
	require.Len(t, hits, 1, "asset %s", id)
	return hits[0]
}

func bySerial(t testing.TB, s syncer.Store, serial string) []syncer.Hit {
	t.Helper()
	return found(t, s, syncer.Query{Object: "assets", By: syncer.ByKey, Fields: []string{"serial_number"}, Values: []string{serial}})
}

func history(t testing.TB, s *sqlite.Store, object, id string) []syncer.Event {
	t.Helper()
	var all []syncer.Event
	for e, err := range s.History(t.Context(), object, id) {
		require.NoError(t, err)
		all = append(all, e)
	}
	return all
}

func TestAnEditByHandIsNoticed(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	r := begin(t, s, "laptops")
	id := r.makeAsset(map[string]string{"serial_number": "C02XK1", "device_name": "ada's", "notes": "old"})
	other := r.makeAsset(map[string]string{"serial_number": "C02XK2"})

	shell(t, path, `UPDATE assets SET device_name = 'bob''s "best"', memory_mb = 8192, notes = NULL WHERE serial_number = 'C02XK1';`)

	hit := assetByID(t, s, "laptops", id)
	require.Equal(t, int64(2), hit.Revision)
	require.True(t, hit.Link.Stale, "the link")
	require.False(t, assetByID(t, s, "laptops", other).Link.Stale, "the link to another record")
	events := history(t, s, "assets", id)
	require.Len(t, events, 2)
	require.WithinDuration(t, time.Now(), events[1].At, time.Minute)
	events[1].At = time.Time{}
	require.Equal(t, syncer.Event{Object: "assets", ID: id, Revision: 2, Op: syncer.Update, Changes: []syncer.FieldChange{
		{Field: "device_name", Before: mapping.TextValue("ada's"), After: mapping.TextValue(`bob's "best"`)},
		{Field: "memory_mb", Before: mapping.Null, After: mapping.IntValue(8192)},
		{Field: "notes", Before: mapping.TextValue("old"), After: mapping.Null},
	}}, events[1])
	require.Equal(t, []syncer.FieldChange{
		{Field: "serial_number", Before: mapping.Null, After: mapping.TextValue("C02XK1")},
		{Field: "device_name", Before: mapping.Null, After: mapping.TextValue("ada's")},
		{Field: "notes", Before: mapping.Null, After: mapping.TextValue("old")},
	}, events[0].Changes, "what the record was made with")
	require.Equal(t, "laptops@example.com", events[0].Actor)
	require.Equal(t, "run of laptops", events[0].Run)
	require.Equal(t, "laptops", events[0].Integration)

	old := syncer.Change{Object: "assets", Op: syncer.Archive, Ref: syncer.Ref{ID: id}, Revision: 1}
	require.ErrorIs(t, r.apply(syncer.Unit{Changes: []syncer.Change{old}})[0].Err, syncer.ErrConflict, "a change that does not know of the edit")
}

func TestAnEditThatChangesNothingIsNone(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	r := begin(t, s, "laptops")
	id := r.makeAsset(map[string]string{"serial_number": "C02XK1"})
	shell(t, path, `UPDATE assets SET serial_number = 'C02XK1';`)
	hit := assetByID(t, s, "laptops", id)
	require.Equal(t, int64(1), hit.Revision)
	require.False(t, hit.Link.Stale)
	require.Len(t, history(t, s, "assets", id), 1)
}

func TestKeysEditedByHandAreMatchedByTheirNormalForm(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	r := begin(t, s, "laptops")
	id := r.makeAsset(map[string]string{"serial_number": " c02xk1 "})
	require.Equal(t, "C02XK1", shell(t, path, "SELECT serial_number_key FROM assets;"), "the normal form beside the text")

	shell(t, path, `UPDATE assets SET serial_number = ' zz9 ' WHERE id = `+id+`;`)
	for _, when := range []string{"before the next run", "after it has begun"} {
		hits := bySerial(t, s, "ZZ9")
		require.Len(t, hits, 1, when)
		require.Equal(t, id, hits[0].ID, when)
		require.Empty(t, bySerial(t, s, "C02XK1"), when)
		keys := map[syncer.Key]bool{}
		for k, err := range s.ScanKeys(t.Context(), "assets") {
			require.NoError(t, err)
			keys[k] = true
		}
		require.True(t, keys[syncer.Key{Field: "serial_number", Text: "ZZ9"}], when)
		r = begin(t, s, "run "+when)
	}
	require.Equal(t, "ZZ9|0", shell(t, path, "SELECT serial_number_key, _rekey FROM assets;"))

	o := r.apply(syncer.Unit{Changes: []syncer.Change{change(t, syncer.Create, "assets", texts(map[string]string{"serial_number": "zz9"}))}})[0]
	require.ErrorIs(t, o.Err, syncer.ErrConflict, "another record of the same serial number")

	shell(t, path, `UPDATE assets SET serial_number = 'None';`)
	begin(t, s, "more")
	require.Empty(t, bySerial(t, s, "NONE"), "a placeholder identifies nothing")
}

func TestTwoRecordsWithTheSameKeyByHandAreBothFound(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	r := begin(t, s, "laptops")
	first := r.makeAsset(map[string]string{"serial_number": "C02XK1", "asset_tag": "T-1"})
	second := r.makeAsset(map[string]string{"serial_number": "C02XK2", "asset_tag": "T-2"})

	shell(t, path, `UPDATE assets SET serial_number = 'c02xk1', asset_tag = 't-3' WHERE id = `+second+`;`)
	r.release()
	begin(t, s, "laptops")
	hits := bySerial(t, s, "C02XK1")
	require.ElementsMatch(t, []string{first, second}, []string{hits[0].ID, hits[1].ID})
	require.Equal(t, "T-3|1", shell(t, path, "SELECT asset_tag_key, _rekey FROM assets WHERE id = "+second+";"), "the key that does not clash is right")

	_, err := tryShell(t, path, `UPDATE assets SET serial_number = 'C02XK1' WHERE id = `+second+`;`)
	require.Error(t, err, "the very text of another record's key")

	shell(t, path, `UPDATE assets SET serial_number = 'C02XK9' WHERE id = `+first+`;`)
	begin(t, s, "others")
	hits = bySerial(t, s, "C02XK1")
	require.Len(t, hits, 1)
	require.Equal(t, second, hits[0].ID)
	require.Equal(t, "0", shell(t, path, "SELECT sum(_rekey) FROM assets;"))
}

func TestARecordInsertedByHandIsTakenOver(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	r := begin(t, s, "laptops")
	r.makeAsset(map[string]string{"serial_number": "C02XK1"})
	shell(t, path, `INSERT INTO assets (serial_number, device_name) VALUES ('c02xk2', 'by hand');
		UPDATE assets SET device_name = 'by hand, again' WHERE serial_number = 'c02xk2';`)
	hits := bySerial(t, s, "C02XK2")
	require.Len(t, hits, 1, "before the next batch")
	third := r.makeAsset(map[string]string{"serial_number": "C02XK3"})

	events := history(t, s, "assets", hits[0].ID)
	require.Len(t, events, 1)
	require.Equal(t, syncer.Create, events[0].Op)
	require.Empty(t, events[0].Actor)
	require.Equal(t, []syncer.FieldChange{
		{Field: "serial_number", Before: mapping.Null, After: mapping.TextValue("c02xk2")},
		{Field: "device_name", Before: mapping.Null, After: mapping.TextValue("by hand, again")},
	}, events[0].Changes)
	require.Equal(t, events[0].Revision, assetByID(t, s, "laptops", hits[0].ID).Revision)
	require.NotEqual(t, hits[0].ID, third)

	shell(t, path, `INSERT OR REPLACE INTO assets (id, serial_number) VALUES (`+third+`, 'C02XK3');`)
	begin(t, s, "others")
	hit := assetByID(t, s, "laptops", third)
	require.True(t, hit.Link.Stale, "the link to a record that was replaced")
}

func TestARecordDeletedByHandTakesItsLinksAlong(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	r := begin(t, s, "laptops")
	asset := r.makeAsset(map[string]string{"serial_number": "C02XK1", "device_name": "ada's"})
	kept := r.makeAsset(map[string]string{"serial_number": "C02XK2"})
	_, install := r.install(asset, "Firefox")
	_, other := r.install(kept, "Firefox")
	o := r.apply(syncer.Unit{Links: []syncer.LinkChange{{Object: "assets", VendorID: "new id", Supersedes: "vendor's C02XK1", Ref: syncer.Ref{ID: asset}, Hash: 2}}})[0]
	require.NoError(t, o.Err)

	shell(t, path, "DELETE FROM assets WHERE id = "+asset+";")
	require.Equal(t, other, shell(t, path, "SELECT group_concat(id) FROM software_installs;"))
	require.Empty(t, found(t, s, syncer.Query{Integration: "laptops", Object: "assets", By: syncer.ByID, Values: []string{asset}}))
	for l, err := range s.ScanLinks(t.Context(), "laptops", "assets") {
		require.NoError(t, err)
		require.Equal(t, kept, l.ID)
	}
	for _, vendorID := range []string{"new id", "vendor's C02XK1"} {
		require.Empty(t, found(t, s, syncer.Query{Integration: "laptops", Object: "assets", By: syncer.ByLink, Values: []string{vendorID}}))
	}
	events := history(t, s, "assets", asset)
	require.Len(t, events, 2)
	require.Equal(t, []syncer.Op{syncer.Create, syncer.Delete}, []syncer.Op{events[0].Op, events[1].Op})
	require.Equal(t, "laptops@example.com", events[0].Actor)
	require.Equal(t, mapping.TextValue("ada's"), events[0].Changes[1].After, "what the record was made with")
	require.Len(t, history(t, s, "software_installs", install), 2)

	again := r.makeAsset(map[string]string{"serial_number": "C02XK1"})
	require.NotEqual(t, asset, again, "an id is given once")
	shell(t, path, "DELETE FROM assets;")
	require.NotEqual(t, again, r.makeAsset(map[string]string{"serial_number": "C02XK1"}))
}

func TestEditsOfWhatBelongsToARecordMakeItsLinksStale(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]string{
		"the install":             "UPDATE software_installs SET version = '2' WHERE id = :install;",
		"the title":               "UPDATE software SET publisher = 'Mozilla' WHERE id = :software;",
		"a deletion of the title": "DELETE FROM software WHERE id = :software;",
		"a deletion":              "DELETE FROM software_installs WHERE id = :install;",
		"an insertion":            "INSERT INTO software_installs (asset, software, version) VALUES (:asset, :software, '3');",
		"an archived install":     "UPDATE software_installs SET archived_at = '2026-01-01' WHERE id = :install;",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, path := openAt(t, newPath(t))
			r := begin(t, s, "laptops")
			asset := r.makeAsset(map[string]string{"serial_number": "C02XK1"})
			other := r.makeAsset(map[string]string{"serial_number": "C02XK2"})
			software, install := r.install(asset, "Firefox")
			require.False(t, assetByID(t, s, "laptops", asset).Link.Stale)
			shell(t, path, strings.NewReplacer(":install", install, ":software", software, ":asset", asset).Replace(edit))
			begin(t, s, "others")
			require.True(t, assetByID(t, s, "laptops", asset).Link.Stale)
			require.False(t, assetByID(t, s, "laptops", other).Link.Stale)
		})
	}
}

func TestArchivingByHandStandsInTheHistory(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	id := begin(t, s, "laptops").makeAsset(map[string]string{"serial_number": "C02XK1"})
	shell(t, path, "UPDATE assets SET archived_at = datetime('now'); UPDATE assets SET archived_at = NULL, notes = 'found';")
	events := history(t, s, "assets", id)
	require.Len(t, events, 3)
	require.Equal(t, []syncer.Op{syncer.Archive, syncer.Restore}, []syncer.Op{events[1].Op, events[2].Op})
	require.Empty(t, events[1].Changes)
	require.Equal(t, []syncer.FieldChange{{Field: "notes", Before: mapping.Null, After: mapping.TextValue("found")}}, events[2].Changes)
	require.Equal(t, []int64{1, 2, 3}, []int64{events[0].Revision, events[1].Revision, events[2].Revision})
}

func TestSensitiveFieldsAreMaskedInEditsByHand(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	r := begin(t, s, "laptops")
	c := change(t, syncer.Create, "assets", texts(map[string]string{"serial_number": "C02XK1", "notes": "the PIN is 1234"}))
	c.Hidden = []bool{false, true}
	id := r.apply(syncer.Unit{Changes: []syncer.Change{c}})[0].IDs[0]
	shell(t, path, "UPDATE assets SET notes = 'the PIN is 9999', device_name = 'x';")
	shell(t, path, "DELETE FROM assets;")
	for _, e := range history(t, s, "assets", id) {
		for _, f := range e.Changes {
			require.Equal(t, f.Field == "notes", f.Hidden, f.Field)
			require.NotContains(t, f.Before.Text+f.After.Text, "PIN", e.Op)
		}
	}
	require.NotContains(t, shell(t, path, "SELECT * FROM history;"), "PIN")
}

func TestSomeEditsByHandAreRefused(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	r := begin(t, s, "laptops")
	r.makeAsset(map[string]string{"serial_number": "C02XK1"})
	shell(t, path, "UPDATE assets SET notes = 'x';")
	for name, query := range map[string]string{
		"another id":            "UPDATE assets SET id = 77;",
		"an earlier revision":   "UPDATE assets SET revision = 1;",
		"a serial number twice": "INSERT INTO assets (serial_number) VALUES ('C02XK1');",
	} {
		out, err := tryShell(t, path, query)
		require.Error(t, err, name)
		require.NotEmpty(t, out, name)
	}
}

func TestAPersonCanReadTheTables(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	r := begin(t, s, "laptops")
	id := r.makeAsset(map[string]string{"serial_number": "C02XK1", "device_name": "ada's"})
	require.Equal(t, "C02XK1|ada's", shell(t, path, "SELECT serial_number, device_name FROM assets;"))
	require.Equal(t, "assets|"+id+"|laptops|vendor's C02XK1|0|", shell(t, path, "SELECT * FROM links;"))
	require.Equal(t, `assets|`+id+`|1|2026-03-04T05:06:07.000Z|create|laptops@example.com|laptops|run of laptops|["serial_number","device_name"]`, shell(t, path, "SELECT * FROM history;"))
	shell(t, path, "UPDATE assets SET device_name = 'bob''s';")
	require.Equal(t, `{"device_name":["ada's","bob's"]}`, shell(t, path, "SELECT changes FROM history WHERE object = 'assets' AND record = "+id+" AND revision = 2;"))
}
