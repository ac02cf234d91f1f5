package sqlite_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

// make makes a record that is linked under its own vendor id, and returns its id.
func (r *run) make(object, vendorID string, values map[string]string) string {
	r.t.Helper()
	o := r.apply(syncer.Unit{
		Changes: []syncer.Change{change(r.t, syncer.Create, object, texts(values))},
		Links:   []syncer.LinkChange{{Object: object, VendorID: vendorID, Hash: 1}},
	})[0]
	require.NoError(r.t, o.Err)
	return o.IDs[0]
}

// stale reports whether an integration's link to a record is stale.
func stale(t testing.TB, s syncer.Store, integration, object, id string) bool {
	t.Helper()
	hits := found(t, s, syncer.Query{Integration: integration, Object: object, By: syncer.ByID, Values: []string{id}})
	require.Len(t, hits, 1)
	require.NotNil(t, hits[0].Link)
	return hits[0].Link.Stale
}

// waiting returns the ids of the records in which a reference waits.
func waiting(t testing.TB, s *sqlite.Store, object, field string) []string {
	t.Helper()
	ids := []string{}
	for w, err := range s.ScanWaiting(t.Context(), object, field) {
		require.NoError(t, err)
		ids = append(ids, w.ID)
	}
	return ids
}

// A household is a manager, a person, and what they have.
type household struct {
	store                          *sqlite.Store
	path                           string
	run                            *run
	boss, ada, asset, app, account string
}

func newHousehold(t *testing.T) household {
	t.Helper()
	s, path := openAt(t, newPath(t))
	r := begin(t, s, "all")
	h := household{store: s, path: path, run: r}
	h.boss = r.make("users", "boss", map[string]string{"username": "boss"})
	h.ada = r.make("users", "ada", map[string]string{"username": "ada", "manager": "boss", "manager_id": h.boss})
	h.asset = r.make("assets", "laptop", map[string]string{"serial_number": "C02XK1", "assigned_to": "ada", "assigned_to_id": h.ada})
	h.app = r.make("saas_applications", "chat", map[string]string{"name": "Chat"})
	h.account = r.make("saas_users", "account", map[string]string{"application": h.app, "external_id": "U1", "user": "ada", "user_id": h.ada})
	return h
}

func TestEditsOfAReferenceMakeStaleWhatItIsAPartOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit  string
		stale []string
	}{
		"an asset's user":             {"UPDATE assets SET assigned_to_id = :boss;", []string{"asset"}},
		"another field of the asset":  {"UPDATE assets SET notes = 'x';", []string{"asset"}},
		"a user who has an asset":     {"UPDATE users SET title = 'x' WHERE id = :ada;", []string{"ada"}},
		"a user whom others report":   {"UPDATE users SET title = 'x' WHERE id = :boss;", []string{"boss"}},
		"an account's user":           {"UPDATE saas_users SET user_id = :boss;", []string{"account", "app", "ada", "boss"}},
		"another field of an account": {"UPDATE saas_users SET status = 'x';", []string{"account", "app", "ada"}},
		"an account's application":    {"UPDATE saas_applications SET vendor = 'x';", []string{"account", "app", "ada"}},
		"a deleted asset":             {"DELETE FROM assets;", []string{}},
		"a deleted account":           {"DELETE FROM saas_users;", []string{"app", "ada"}},
		"an asset inserted by hand":   {"INSERT INTO assets (assigned_to_id) VALUES (:ada);", []string{}},
		"an account inserted by hand": {"INSERT INTO saas_users (application, external_id, user_id) VALUES (:app, 'U2', :boss);", []string{"app", "boss"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHousehold(t)
			shell(t, h.path, strings.NewReplacer(":boss", h.boss, ":ada", h.ada, ":app", h.app).Replace(test.edit))
			begin(t, h.store, "others") // takes insertions over
			got := []string{}
			for what, r := range map[string][2]string{"boss": {"users", h.boss}, "ada": {"users", h.ada}, "asset": {"assets", h.asset}, "app": {"saas_applications", h.app}, "account": {"saas_users", h.account}} {
				hits := found(t, h.store, syncer.Query{Integration: "all", Object: r[0], By: syncer.ByID, Values: []string{r[1]}})
				if len(hits) == 1 && hits[0].Link.Stale {
					got = append(got, what)
				}
			}
			require.ElementsMatch(t, test.stale, got)
		})
	}
}

func TestACustomReferenceToATitleIsNoUseOfIt(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	require.NoError(t, s.AddField(t.Context(), "users", mapping.Field{Name: "favorite", Type: mapping.Reference, Object: "software"}))
	r := begin(t, s, "all")
	title := r.make("software", "title", map[string]string{"name": "Firefox"})
	user := r.make("users", "ada", map[string]string{"username": "ada"})
	shell(t, path, "UPDATE users SET favorite = 'firefox', favorite_id = "+title+";")
	hits := found(t, s, syncer.Query{Object: "users", By: syncer.ByParent, Fields: []string{"favorite_id"}, Values: []string{title}})
	require.Len(t, hits, 1)
	require.Equal(t, user, hits[0].ID)
	require.NoError(t, r.apply(syncer.Unit{Links: []syncer.LinkChange{{Object: "users", VendorID: "ada", Ref: syncer.Ref{ID: user}, Hash: 2}}})[0].Err)
	shell(t, path, "UPDATE software SET publisher = 'Mozilla';")
	require.True(t, stale(t, s, "all", "software", title))
	require.False(t, stale(t, s, "all", "users", user))
}

func TestReferencesToARecordDeletedByHandWaitAgain(t *testing.T) {
	t.Parallel()
	h := newHousehold(t)
	require.Empty(t, waiting(t, h.store, "assets", "assigned_to"))
	shell(t, h.path, "DELETE FROM users WHERE id = "+h.ada+";")
	require.Equal(t, "ada|", shell(t, h.path, "SELECT assigned_to, assigned_to_id FROM assets;"))
	require.Equal(t, "ada|", shell(t, h.path, "SELECT user, user_id FROM saas_users;"), "the account is still there")
	require.Equal(t, []string{h.asset}, waiting(t, h.store, "assets", "assigned_to"))
	require.Equal(t, []string{h.account}, waiting(t, h.store, "saas_users", "user"))
	events := history(t, h.store, "assets", h.asset)
	require.Len(t, events, 2)
	require.Equal(t, int64(2), events[1].Revision)
	require.Equal(t, []syncer.FieldChange{{Field: "assigned_to_id", Before: mapping.TextValue(h.ada), After: mapping.Null}}, events[1].Changes)
	require.True(t, stale(t, h.store, "all", "assets", h.asset))

	other := newHousehold(t)
	shell(t, other.path, "DELETE FROM users WHERE id = "+other.boss+";")
	require.Equal(t, []string{other.ada}, waiting(t, other.store, "users", "manager"), "a reference within the table")
	require.Len(t, history(t, other.store, "users", other.ada), 2)
	require.Equal(t, "boss|", shell(t, other.path, "SELECT manager, manager_id FROM users;"))
}

func TestALateReferenceReadsWellInTheHistory(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	r := begin(t, s, "laptops")
	asset := r.makeAsset(map[string]string{"serial_number": "C02XK1", "assigned_to": "ada"})
	require.Equal(t, []string{asset}, waiting(t, s, "assets", "assigned_to"))
	people := begin(t, s, "people")
	ada := people.make("users", "ada", map[string]string{"username": "ada"})
	c := change(t, syncer.Update, "assets", texts(map[string]string{"assigned_to_id": ada}))
	c.Ref.ID, c.Revision, c.Before = asset, 1, []mapping.Value{mapping.Null}
	require.NoError(t, people.apply(syncer.Unit{Changes: []syncer.Change{c}})[0].Err)
	require.Equal(t, `2|update|people@example.com|people|{"assigned_to_id":[null,"`+ada+`"]}`,
		shell(t, path, "SELECT revision, op, actor, integration, changes FROM history WHERE object = 'assets' AND revision = 2;"))
	require.Equal(t, "C02XK1|ada", shell(t, path, "SELECT a.serial_number, u.username FROM assets a JOIN users u ON u.id = a.assigned_to_id;"))
	require.True(t, stale(t, s, "laptops", "assets", asset), "another integration's link")
}

func TestWhatIsWithheldIsNotInTheFileInTheClear(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	r := begin(t, s, "laptops")
	id := r.makeAsset(map[string]string{"serial_number": "C02XK1"})
	assets, _ := mapping.Standard().Object("assets")
	link := syncer.LinkChange{Object: "assets", VendorID: "vendor's C02XK1", Ref: syncer.Ref{ID: id}, Hash: 1, Withheld: []syncer.Said{
		{Field: assets.Field("notes"), Value: mapping.TextValue("the PIN is 1234"), Hidden: true},
		{Field: assets.Field("memory_mb"), Value: mapping.IntValue(8192)},
	}}
	require.NoError(t, r.apply(syncer.Unit{Links: []syncer.LinkChange{link}})[0].Err)
	require.Equal(t, `{"notes":["`+credentials.Mask+`",true],"memory_mb":[8192]}`, shell(t, path, "SELECT said FROM ledger_withheld;"))
	shell(t, path, "UPDATE assets SET notes = 'the PIN is 9999';")
	require.NotContains(t, shell(t, path, "SELECT * FROM history;"), "PIN", "a field that is sensitive to one is masked for all")
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + suffix)
		require.NoError(t, err)
		require.NotContains(t, string(b), "1234")
	}
	shell(t, path, "DELETE FROM assets;")
	require.Equal(t, "0", shell(t, path, "SELECT count(*) FROM ledger_withheld;"))
}

func TestNothingIsKeptForIntegrationsThatWithholdNothing(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	r := begin(t, s, "laptops")
	id := r.makeAsset(map[string]string{"serial_number": "C02XK1"})
	require.Equal(t, "0|0", shell(t, path, "SELECT max(withheld), (SELECT count(*) FROM ledger_withheld) FROM ledger_linked;"))
	link := syncer.LinkChange{Object: "assets", VendorID: "vendor's C02XK1", Ref: syncer.Ref{ID: id}, Hash: 1, Withheld: []syncer.Said{{Field: 0, Value: mapping.Null}}}
	taken := change(t, syncer.Create, "assets", texts(map[string]string{"serial_number": "C02XK1"}))
	o := r.apply(syncer.Unit{Links: []syncer.LinkChange{link}, Changes: []syncer.Change{taken}}, syncer.Unit{Links: []syncer.LinkChange{link}})
	require.ErrorIs(t, o[0].Err, syncer.ErrConflict)
	require.NoError(t, o[1].Err)
	require.Equal(t, "1|1", shell(t, path, "SELECT max(withheld), (SELECT count(*) FROM ledger_withheld) FROM ledger_linked;"))
	link.Withheld = nil
	require.NoError(t, r.apply(syncer.Unit{Links: []syncer.LinkChange{link}})[0].Err)
	require.Equal(t, "0", shell(t, path, "SELECT count(*) FROM ledger_withheld;"))
}

func TestAReferenceEditedByHandWaits(t *testing.T) {
	t.Parallel()
	h := newHousehold(t)
	shell(t, h.path, "UPDATE assets SET notes = 'x';")
	require.Equal(t, "ada|"+h.ada, shell(t, h.path, "SELECT assigned_to, assigned_to_id FROM assets;"), "another field changes nothing of it")
	shell(t, h.path, "UPDATE assets SET assigned_to = 'bob';")
	require.Equal(t, "bob|", shell(t, h.path, "SELECT assigned_to, assigned_to_id FROM assets;"))
	require.Equal(t, []string{h.asset}, waiting(t, h.store, "assets", "assigned_to"))
	shell(t, h.path, "UPDATE assets SET assigned_to = 'boss', assigned_to_id = "+h.boss+";")
	require.Equal(t, "boss|"+h.boss, shell(t, h.path, "SELECT assigned_to, assigned_to_id FROM assets;"), "both together are taken as they are")
	events := history(t, h.store, "assets", h.asset)
	last := events[len(events)-2]
	require.Equal(t, []syncer.FieldChange{
		{Field: "assigned_to", Before: mapping.TextValue("ada"), After: mapping.TextValue("bob")},
		{Field: "assigned_to_id", Before: mapping.TextValue(h.ada), After: mapping.Null},
	}, last.Changes)
}
