package memory_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// A scene is a store with the links of an integration "mdm".
type scene struct {
	*memory.Store
	t     *testing.T
	lease syncer.Lease
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{Store: memory.New(memory.Options{Now: func() time.Time { return noon }}), t: t}
	var err error
	s.lease, err = s.Begin(t.Context(), syncer.Claim{Integration: "mdm", Owner: "test", TTL: time.Hour, Now: noon})
	require.NoError(t, err)
	return s
}

// insert makes a record.
func (s *scene) insert(object string, values map[string]string) string {
	s.t.Helper()
	id, err := s.Insert(s.t.Context(), "ada", object, values)
	require.NoError(s.t, err)
	return id
}

// link links a record to the integration, as its last batch.
func (s *scene) link(object, vendorID, id string) {
	s.t.Helper()
	s.lease.Seq++
	require.NoError(s.t, s.Apply(s.t.Context(), &syncer.Batch{
		Integration: "mdm", Run: "1", Fence: s.lease.Fence, Seq: s.lease.Seq, At: noon,
		Units: []syncer.Unit{{Links: []syncer.LinkChange{{Object: object, VendorID: vendorID, Ref: syncer.Ref{ID: id}, Hash: 1}}}},
		Seal:  func([]syncer.Outcome) ([]byte, error) { return nil, nil },
	}))
}

// find returns a record by its id, nil if there is none.
func (s *scene) find(object, id string) *syncer.Hit {
	s.t.Helper()
	return s.ask(syncer.Query{Integration: "mdm", Object: object, By: syncer.ByID, Values: []string{id}})
}

func (s *scene) ask(q syncer.Query) *syncer.Hit {
	s.t.Helper()
	hits, err := s.Match(s.t.Context(), q)
	require.NoError(s.t, err)
	if len(hits[0]) == 0 {
		return nil
	}
	return &hits[0][0]
}

// value returns the text or number of a field.
func (s *scene) value(object, id, field string) mapping.Value {
	s.t.Helper()
	schema, err := s.Schema(s.t.Context())
	require.NoError(s.t, err)
	o, _ := schema.Object(object)
	return s.find(object, id).Values[o.Field(field)]
}

func (s *scene) events(object, id string) []syncer.Event {
	s.t.Helper()
	var events []syncer.Event
	for e, err := range s.History(s.t.Context(), object, id) {
		require.NoError(s.t, err)
		events = append(events, e)
	}
	return events
}

func TestAWriteFromOutsideIsInHistoryUnderItsActor(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	id := s.insert("assets", map[string]string{"serial_number": "S1", "memory_mb": "8192"})
	require.NoError(t, s.Edit(t.Context(), "bob", "assets", id, map[string]string{"memory_mb": "16384", "serial_number": ""}))
	require.NoError(t, s.Archive(t.Context(), "cyd", "assets", id))
	require.NoError(t, s.Restore(t.Context(), "dan", "assets", id))
	event := func(revision int64, op syncer.Op, actor string, changes ...syncer.FieldChange) syncer.Event {
		return syncer.Event{Object: "assets", ID: id, Revision: revision, At: noon, Op: op, Actor: actor, Changes: changes}
	}
	require.Equal(t, []syncer.Event{
		event(1, syncer.Create, "ada", syncer.FieldChange{Field: "serial_number", After: mapping.TextValue("S1")}, syncer.FieldChange{Field: "memory_mb", After: mapping.IntValue(8192)}),
		event(2, syncer.Update, "bob", syncer.FieldChange{Field: "serial_number", Before: mapping.TextValue("S1"), After: mapping.Null}, syncer.FieldChange{Field: "memory_mb", Before: mapping.IntValue(8192), After: mapping.IntValue(16384)}),
		event(3, syncer.Archive, "cyd"),
		event(4, syncer.Restore, "dan"),
	}, s.events("assets", id))
	hit := s.find("assets", id)
	require.Equal(t, int64(4), hit.Revision)
	require.False(t, hit.Archived)
}

func TestAWriteFromOutsideMakesLinksStale(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(t *testing.T, s *scene, asset, install string) error{
		"an edit": func(t *testing.T, s *scene, asset, _ string) error {
			return s.Edit(t.Context(), "ada", "assets", asset, map[string]string{"notes": "by hand"})
		},
		"an edit of nothing": func(t *testing.T, s *scene, asset, _ string) error {
			return s.Edit(t.Context(), "ada", "assets", asset, nil)
		},
		"putting into the archive": func(t *testing.T, s *scene, asset, _ string) error {
			return s.Archive(t.Context(), "ada", "assets", asset)
		},
		"an edit of a child": func(t *testing.T, s *scene, _, install string) error {
			return s.Edit(t.Context(), "ada", "software_installs", install, map[string]string{"version": "2"})
		},
		"deleting a child": func(t *testing.T, s *scene, _, install string) error {
			return s.Delete(t.Context(), "ada", "software_installs", install)
		},
		"deleting what a child refers to": func(t *testing.T, s *scene, _, install string) error {
			return s.Delete(t.Context(), "ada", "software", s.value("software_installs", install, "software").Text)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			asset := s.insert("assets", nil)
			install := s.insert("software_installs", map[string]string{"asset": asset, "software": s.insert("software", map[string]string{"name": "Editor"})})
			other := s.insert("assets", nil)
			s.link("assets", "v", asset)
			s.link("assets", "w", other)
			require.NoError(t, write(t, s, asset, install))
			require.True(t, s.find("assets", asset).Link.Stale)
			require.False(t, s.find("assets", other).Link.Stale)
		})
	}
}

func TestAWriteFromOutsideThatCannotBeMadeLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	id := s.insert("assets", map[string]string{"serial_number": "S1"})
	other := s.insert("assets", map[string]string{"serial_number": "S2", "asset_tag": "T2"})
	before := s.find("assets", id)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()

	insert := func(ctx context.Context, object string, values map[string]string) error {
		_, err := s.Insert(ctx, "ada", object, values)
		return err
	}
	edit := func(id string, values map[string]string) error {
		return s.Edit(t.Context(), "ada", "assets", id, values)
	}
	for name, c := range map[string]struct {
		err   error
		is    error
		holds string
	}{
		"a taken key":              {err: insert(t.Context(), "assets", map[string]string{"asset_tag": "new", "serial_number": " s1"}), is: syncer.ErrConflict, holds: "insert into assets"},
		"an unknown object":        {err: insert(t.Context(), "cars", nil), is: syncer.ErrNotFound, holds: `object "cars"`},
		"an unknown field":         {err: insert(t.Context(), "assets", map[string]string{"colour": "red"}), holds: `there is no field "colour"`},
		"a text for a number":      {err: insert(t.Context(), "assets", map[string]string{"memory_mb": "much"}), holds: `memory_mb "much"`},
		"a parent that is no more": {err: insert(t.Context(), "software_installs", map[string]string{"asset": "99"}), is: syncer.ErrNotFound, holds: "record 99 of assets"},
		"a caller who left":        {err: insert(cancelled, "assets", map[string]string{"asset_tag": "new"}), is: context.Canceled},
		"another's key":            {err: edit(id, map[string]string{"notes": "lost", "asset_tag": "t2"}), is: syncer.ErrConflict},
		"an unknown record":        {err: edit("99", nil), is: syncer.ErrNotFound, holds: "update record 99 of assets"},
		"archiving no record":      {err: s.Archive(t.Context(), "ada", "assets", "99"), is: syncer.ErrNotFound},
		"restoring no record":      {err: s.Restore(t.Context(), "ada", "assets", "99"), is: syncer.ErrNotFound},
		"deleting no record":       {err: s.Delete(t.Context(), "ada", "assets", "99"), is: syncer.ErrNotFound},
		"deleting from no object":  {err: s.Delete(t.Context(), "ada", "cars", "1"), is: syncer.ErrNotFound},
		"deleting after leaving":   {err: s.Delete(cancelled, "ada", "assets", id), is: context.Canceled},
	} {
		require.ErrorContains(t, c.err, c.holds, name)
		if c.is != nil {
			require.ErrorIs(t, c.err, c.is, name)
		}
	}
	require.Equal(t, before, s.find("assets", id))
	require.NotNil(t, s.find("assets", other))
	require.Len(t, s.events("assets", id), 1)
	require.Nil(t, s.ask(syncer.Query{Object: "assets", By: syncer.ByKey, Fields: []string{"asset_tag"}, Values: []string{"NEW"}}))
}

func TestADeletedRecordIsGoneWithWhatIsTiedToIt(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	title := s.insert("software", map[string]string{"name": "Editor"})
	asset := s.insert("assets", map[string]string{"serial_number": "S1"})
	install := s.insert("software_installs", map[string]string{"asset": asset, "software": title})
	kept := s.insert("software_installs", map[string]string{"asset": s.insert("assets", nil), "software": title})
	s.link("assets", "v", asset)
	s.link("software_installs", "", install)

	require.NoError(t, s.Delete(t.Context(), "bob", "assets", asset))
	require.Nil(t, s.find("assets", asset))
	require.Nil(t, s.find("software_installs", install))
	require.Nil(t, s.ask(syncer.Query{Integration: "mdm", Object: "assets", By: syncer.ByLink, Values: []string{"v"}}))
	for _, object := range []string{"assets", "software_installs"} {
		for l, err := range s.ScanLinks(t.Context(), "mdm", object) {
			require.NoError(t, err)
			require.Fail(t, "a link to a deleted record", "%+v", l)
		}
	}
	require.NotNil(t, s.find("software", title))
	require.NotNil(t, s.find("software_installs", kept))
	for object, id := range map[string]string{"assets": asset, "software_installs": install} {
		events := s.events(object, id)
		require.Len(t, events, 2)
		require.Equal(t, syncer.Event{Object: object, ID: id, Revision: 2, At: noon, Op: syncer.Delete, Actor: "bob"}, events[1])
	}
	again := s.insert("assets", map[string]string{"serial_number": "s1"})
	require.NotEqual(t, asset, again, "an id is never given again")
	s.link("assets", "v", again)
	require.Equal(t, again, s.ask(syncer.Query{Integration: "mdm", Object: "assets", By: syncer.ByLink, Values: []string{"v"}}).ID)
}

func TestABatchThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	change := func(c syncer.Change) syncer.Unit { return syncer.Unit{Changes: []syncer.Change{c}} }
	one := []mapping.Value{mapping.TextValue("x")}
	for name, c := range map[string]struct {
		unit  syncer.Unit
		holds string
	}{
		"a column that is not there":         {change(syncer.Change{Object: "assets", Op: syncer.Create, Columns: []int{99}, After: one}), "assets have no column 99"},
		"fewer values than columns":          {change(syncer.Change{Object: "assets", Op: syncer.Create, Columns: []int{0, 1}, After: one}), "2 columns, but 1 values after"},
		"a row that is not there":            {change(syncer.Change{Object: "assets", Op: syncer.Create, Columns: []int{0}, After: []mapping.Value{mapping.RowValue(-1)}}), "no change -1"},
		"an op that is not there":            {change(syncer.Change{Object: "assets", Op: "explode"}), `no change "explode"`},
		"a link to an object that is none":   {syncer.Unit{Links: []syncer.LinkChange{{Object: "cars", Ref: syncer.Ref{ID: "1"}}}}, `object "cars"`},
		"a link to a change that is no more": {syncer.Unit{Links: []syncer.LinkChange{{Object: "assets", Ref: syncer.Ref{Change: 7}}}}, "no change 7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			b := &syncer.Batch{
				Integration: "mdm", Run: "1", Fence: s.lease.Fence, Seq: 1, At: noon, Units: []syncer.Unit{c.unit},
				Seal: func([]syncer.Outcome) ([]byte, error) { return nil, nil },
			}
			require.ErrorContains(t, s.Apply(t.Context(), b), c.holds)
			b.Units, b.Seal = nil, nil
			require.ErrorContains(t, s.Apply(t.Context(), b), "no Seal")
		})
	}
}

func TestAPanicOfSealUndoesTheBatch(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	b := &syncer.Batch{
		Integration: "mdm", Run: "1", Fence: s.lease.Fence, Seq: 1, At: noon,
		Units: []syncer.Unit{{Changes: []syncer.Change{{Object: "assets", Op: syncer.Create, Columns: []int{0}, After: []mapping.Value{mapping.TextValue("S1")}}}}},
		Seal:  func([]syncer.Outcome) ([]byte, error) { panic("boom") },
	}
	require.PanicsWithValue(t, "boom", func() { _ = s.Apply(t.Context(), b) })
	s.insert("assets", map[string]string{"serial_number": "S1"})
}
