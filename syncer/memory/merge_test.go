package memory_test

import (
	"context"
	"iter"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// join returns a merge of users for any revision.
func join(from, into string) syncer.Merge {
	return syncer.Merge{Object: "users", From: from, Into: into, FromRevision: -1, IntoRevision: -1, Actor: "cyd"}
}

// merge merges two users, and split takes them apart.
func (s *scene) merge(from, into string) {
	s.t.Helper()
	require.NoError(s.t, s.Merge(s.t.Context(), join(from, into)))
}

func (s *scene) split(from, into string) []string {
	s.t.Helper()
	left, err := s.Split(s.t.Context(), join(from, into))
	require.NoError(s.t, err)
	return left
}

// supersede lets a vendor id take a record over.
func (s *scene) supersede(vendorID, id, old string) {
	s.t.Helper()
	s.apply(syncer.Unit{Links: []syncer.LinkChange{{Object: "users", VendorID: vendorID, Ref: syncer.Ref{ID: id}, Hash: 1, Supersedes: old}}})
}

// apply applies one unit, as the integration's last batch.
func (s *scene) apply(u syncer.Unit) syncer.Outcome {
	s.t.Helper()
	s.lease.Seq++
	var outcome syncer.Outcome
	require.NoError(s.t, s.Apply(s.t.Context(), &syncer.Batch{
		Integration: "mdm", Run: "1", Fence: s.lease.Fence, Seq: s.lease.Seq, At: noon, Units: []syncer.Unit{u},
		Seal: func(o []syncer.Outcome) ([]byte, error) {
			outcome = o[0]
			return nil, nil
		},
	}))
	return outcome
}

// user makes a user, with values besides.
func (s *scene) user(name string, values map[string]string) string {
	s.t.Helper()
	all := map[string]string{"username": name, "email": name + "@example.com", "role": "member"}
	maps.Copy(all, values)
	return s.insert("users", all)
}

// waits returns the records whose reference waits.
func (s *scene) waits(object, field string) []string {
	s.t.Helper()
	var ids []string
	for w, err := range s.ScanWaiting(s.t.Context(), object, field) {
		require.NoError(s.t, err)
		ids = append(ids, w.ID)
	}
	return ids
}

func TestAReferenceToADeletedRecordWaitsAgain(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	ada := s.user("ada", nil)
	asset := s.insert("assets", map[string]string{"assigned_to": "ada", "assigned_to_id": ada})
	account := s.insert("saas_users", map[string]string{"application": s.insert("saas_applications", map[string]string{"name": "Mail"}), "external_id": "1", "user": "ada", "user_id": ada})
	own := s.user("bob", map[string]string{"manager": "ada", "manager_id": ada})
	s.link("assets", "v", asset)
	require.Empty(t, s.waits("assets", "assigned_to"))

	require.NoError(t, s.Delete(t.Context(), "cyd", "users", ada))
	require.Equal(t, []string{asset}, s.waits("assets", "assigned_to"))
	require.Equal(t, []string{account}, s.waits("saas_users", "user"))
	require.Equal(t, []string{own}, s.waits("users", "manager"))
	require.True(t, s.find("assets", asset).Link.Stale)
	require.Equal(t, []syncer.Event{{
		Object: "assets", ID: asset, Revision: 2, At: noon, Op: syncer.Update, Actor: "cyd",
		Changes: []syncer.FieldChange{{Field: "assigned_to_id", Before: mapping.TextValue(ada), After: mapping.Null}},
	}}, s.events("assets", asset)[1:])

	require.NoError(t, s.AddField(t.Context(), "software_installs", mapping.Field{Name: "spare", Type: mapping.Reference, Object: "assets"}))
	install := s.insert("software_installs", map[string]string{"asset": asset, "spare": "x", "spare_id": asset, "software": s.insert("software", map[string]string{"name": "Editor"})})
	require.NoError(t, s.Delete(t.Context(), "cyd", "assets", asset))
	require.Nil(t, s.find("software_installs", install), "tied to it by one field, and meaning it by another")

	myself := s.user("dan", nil)
	require.NoError(t, s.Edit(t.Context(), "dan", "users", myself, map[string]string{"manager": "dan", "manager_id": myself}))
	require.NoError(t, s.Delete(t.Context(), "dan", "users", myself))
	require.Nil(t, s.find("users", myself))
}

func TestAnEditByHandIsTheOriginOfAValue(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	o, _ := mapping.Standard().Object("assets")
	id := s.apply(syncer.Unit{Changes: []syncer.Change{{
		Object: "assets", Op: syncer.Create, Columns: []int{o.Field("device_name"), o.Field("model"), o.Field("cpu")},
		After: []mapping.Value{mapping.TextValue("one"), mapping.TextValue("M"), mapping.TextValue("C")},
	}}}).IDs[0]
	require.NoError(t, s.Edit(t.Context(), "ada", "assets", id, map[string]string{"device_name": "two", "model": ""}))
	traces, err := s.Trace(t.Context(), "assets", []string{id})
	require.NoError(t, err)
	byHand := syncer.Origin{Actor: "ada", At: noon}
	require.Equal(t, byHand, traces[0].Origins[o.Field("device_name")])
	require.Equal(t, byHand, traces[0].Origins[o.Field("model")], "a clearing is a write")
	require.Equal(t, syncer.Origin{Integration: "mdm", Run: "1", At: noon}, traces[0].Origins[o.Field("cpu")])

	require.NoError(t, s.Delete(t.Context(), "ada", "assets", id))
	traces, err = s.Trace(t.Context(), "assets", []string{id})
	require.NoError(t, err)
	require.Equal(t, []syncer.Trace{{}}, traces, "a record that is gone")
}

func TestAMergedRecordIsNotRestoredByHand(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	into, from := s.user("into", nil), s.user("from", nil)
	s.merge(from, into)
	require.ErrorIs(t, s.Restore(t.Context(), "ada", "users", from), syncer.ErrConflict)
	require.NoError(t, s.Edit(t.Context(), "ada", "users", from, map[string]string{"title": "in the archive"}))
	require.Empty(t, s.split(from, into))
	require.Equal(t, mapping.TextValue("in the archive"), s.value("users", from, "title"))
}

func TestDeletingOneOfTwoMergedRecordsEndsTheMerge(t *testing.T) {
	t.Parallel()
	merges := func(s *scene) (n int) {
		for _, err := range s.Merges(t.Context(), "users") {
			require.NoError(t, err)
			n++
		}
		return n
	}
	t.Run("the one that is left", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		into, from := s.user("into", nil), s.user("from", map[string]string{"employee_id": "E7"})
		s.merge(from, into)
		require.NoError(t, s.Delete(t.Context(), "ada", "users", into))
		require.Zero(t, merges(s))
		require.True(t, s.find("users", from).Archived)
		_, err := s.Split(t.Context(), join(from, into))
		require.ErrorIs(t, err, syncer.ErrNotFound)
		s.user("new", map[string]string{"employee_id": "E7"})
		require.NoError(t, s.Restore(t.Context(), "ada", "users", from))
	})
	t.Run("the one that became a part", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		into, from := s.user("into", nil), s.user("from", map[string]string{"employee_id": "E7"})
		s.merge(from, into)
		require.NoError(t, s.Delete(t.Context(), "ada", "users", from))
		require.Zero(t, merges(s))
		require.Nil(t, s.find("users", from))
		require.Equal(t, mapping.TextValue("E7"), s.value("users", into, "employee_id"))
		s.user("from", nil)
	})
}

func TestNobodyBecomesTheirOwnManagerByAMerge(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	into := s.user("into", nil)
	from := s.user("from", map[string]string{"manager": "into", "manager_id": into, "title": "T"})
	s.merge(from, into)
	require.True(t, s.value("users", into, "manager").IsEmpty())
	require.True(t, s.value("users", into, "manager_id").IsEmpty())
	require.Equal(t, mapping.TextValue("T"), s.value("users", into, "title"))
}

func TestARecordThatHeldWhatBecameAPartOfItHoldsItAgainAfterTheSplit(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	from := s.user("from", nil)
	into := s.user("into", map[string]string{"manager": "from", "manager_id": from})
	s.merge(from, into)
	require.Equal(t, mapping.TextValue(into), s.value("users", into, "manager_id"))
	require.Len(t, s.events("users", into), 2, "one event for all of the merge")
	require.Empty(t, s.split(from, into))
	require.Equal(t, mapping.TextValue(from), s.value("users", into, "manager_id"))
}

func TestASplitRecordIsArchivedIfItWasBefore(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	into, from := s.user("into", nil), s.user("from", map[string]string{"employee_id": "E7"})
	o, _ := mapping.Standard().Object("users")
	s.apply(syncer.Unit{Changes: []syncer.Change{{
		Object: "users", Op: syncer.Update, Ref: syncer.Ref{ID: into}, Revision: -1,
		Columns: []int{o.Field("employee_id")}, After: []mapping.Value{mapping.TextValue("N/A")},
	}}})
	require.NoError(t, s.Archive(t.Context(), "ada", "users", from))
	s.merge(from, into)
	require.Equal(t, mapping.TextValue("E7"), s.value("users", into, "employee_id"), "a placeholder is no value")
	require.Empty(t, s.split(from, into))
	require.True(t, s.find("users", from).Archived)
	require.Equal(t, mapping.TextValue("N/A"), s.value("users", into, "employee_id"))
}

func TestAMergeLeavesNothingIfItCannotBeMade(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	into, from := s.user("into", nil), s.user("from", nil)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Merge(cancelled, join(from, into)), context.Canceled)
	_, err := s.Split(cancelled, join(from, into))
	require.ErrorIs(t, err, context.Canceled)
	stale := join(from, into)
	stale.IntoRevision = 7
	require.ErrorContains(t, s.Merge(t.Context(), stale), "merge record 2 of users into 1: record 1 has the revision 1, not 7")
	require.ErrorContains(t, s.Merge(t.Context(), join(into, into)), "it is one record")
	require.Len(t, s.events("users", from), 1)
	require.False(t, s.find("users", from).Archived)
}

func TestALinkToAMergedRecordConflicts(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	into, from := s.user("into", nil), s.user("from", nil)
	s.merge(from, into)
	o := s.apply(syncer.Unit{Links: []syncer.LinkChange{{Object: "users", VendorID: "v", Ref: syncer.Ref{ID: from}, Hash: 1}}})
	require.ErrorIs(t, o.Err, syncer.ErrConflict)
	o = s.apply(syncer.Unit{Changes: []syncer.Change{{Object: "users", Op: syncer.Update, Ref: syncer.Ref{ID: from}, Revision: -1}}})
	require.ErrorIs(t, o.Err, syncer.ErrConflict)
}

func TestLinksAfterASplit(t *testing.T) {
	t.Parallel()
	byVendorID := func(s *scene, vendorID string) *syncer.Hit {
		return s.ask(syncer.Query{Integration: "mdm", Object: "users", By: syncer.ByLink, Values: []string{vendorID}})
	}
	for name, c := range map[string]struct {
		linked bool // the record that is left has a link of its own
		since  func(s *scene, into string)
		from   map[string]bool // by vendor id, whether it finds the split record
		left   string
	}{
		"a moved link goes back": {
			from: map[string]bool{"from": true, "old": true},
		},
		"a moved link that was superseded since stays": {
			since: func(s *scene, into string) { s.supersede("newer", into, "from") },
			from:  map[string]bool{"from": false, "old": false, "newer": false}, left: `the link of "mdm" to "from"`,
		},
		"a superseded link goes back": {
			linked: true,
			from:   map[string]bool{"from": true, "old": true, "into": false},
		},
		"a superseded link that took over since goes back, and the other is live again": {
			linked: true,
			since:  func(s *scene, into string) { s.supersede("from", into, "into") },
			from:   map[string]bool{"from": true, "old": true, "into": false},
		},
		"a link that was forgotten since is told of": {
			linked: true,
			since: func(s *scene, into string) {
				s.apply(syncer.Unit{Links: []syncer.LinkChange{{Object: "users", Ref: syncer.Ref{ID: into}, Forget: true}}})
			},
			from: map[string]bool{"into": false}, left: `the link of "mdm" to "from"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			into, from := s.user("into", nil), s.user("from", nil)
			s.link("users", "old", from)
			s.supersede("from", from, "old")
			if c.linked {
				s.link("users", "into", into)
			}
			s.merge(from, into)
			if c.since != nil {
				c.since(s, into)
			}
			left := s.split(from, into)
			if c.left == "" {
				require.Empty(t, left)
			} else {
				require.Len(t, left, 1)
				require.Contains(t, left[0], c.left)
			}
			for vendorID, isFrom := range c.from {
				h := byVendorID(s, vendorID)
				require.NotNil(t, h, vendorID)
				require.Equal(t, map[bool]string{true: from, false: into}[isFrom], h.ID, vendorID)
				require.NotNil(t, h.Link, vendorID)
				require.True(t, h.Link.Stale, vendorID)
			}
			for l, err := range s.ScanLinks(t.Context(), "mdm", "users") {
				require.NoError(t, err)
				require.Equal(t, l.ID, byVendorID(s, l.VendorID).ID)
			}
		})
	}
}

func TestASplitFollowsWhatAThirdRecordTook(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	one, two, three := s.user("one", map[string]string{"employee_id": "E1"}), s.user("two", nil), s.user("three", nil)
	asset := s.insert("assets", map[string]string{"assigned_to_id": one})
	s.link("users", "v", one)
	s.merge(one, two)
	s.merge(two, three)
	left := s.split(one, two)
	require.Len(t, left, 1)
	require.Contains(t, left[0], "the key employee_id of record "+one)
	require.Equal(t, mapping.TextValue("E1"), s.value("users", three, "employee_id"), "the third has it, and nobody asked for it")
	require.Equal(t, mapping.TextValue(one), s.value("assets", asset, "assigned_to_id"))
	require.Equal(t, one, s.ask(syncer.Query{Integration: "mdm", Object: "users", By: syncer.ByLink, Values: []string{"v"}}).ID)
	require.Equal(t, three, s.find("users", two).ID)
}

func TestASplitSaysWhatItLeaves(t *testing.T) {
	t.Parallel()
	joined := func(object, from, into string) syncer.Merge {
		return syncer.Merge{Object: object, From: from, Into: into, FromRevision: -1, IntoRevision: -1}
	}
	t.Run("a part of a key, without which a third title would be its like", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		into := s.insert("software", map[string]string{"name": "Editor"})
		from := s.insert("software", map[string]string{"name": "Editor", "publisher": "Acme", "category": "text"})
		s.insert("software", map[string]string{"name": "Paint"})
		m := joined("software", from, into)
		require.NoError(t, s.Merge(t.Context(), m))
		require.NoError(t, s.Edit(t.Context(), "ada", "software", into, map[string]string{"name": "Paint"}))
		left, err := s.Split(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, []string{"left as it is: publisher of record 1, without which another record would be its like"}, left)
		require.Equal(t, mapping.TextValue("Acme"), s.value("software", into, "publisher"))
		require.True(t, s.value("software", into, "category").IsEmpty())
	})
	t.Run("a child whose like the split record has got since", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		into, from := s.insert("assets", nil), s.insert("assets", nil)
		title := s.insert("software", map[string]string{"name": "Editor"})
		child := s.insert("software_installs", map[string]string{"asset": from, "software": title})
		gone := s.insert("software_installs", map[string]string{"asset": from, "software": title, "version": "2"})
		m := joined("assets", from, into)
		require.NoError(t, s.Merge(t.Context(), m))
		s.insert("software_installs", map[string]string{"asset": from, "software": title})
		require.NoError(t, s.Delete(t.Context(), "ada", "software_installs", gone))
		left, err := s.Split(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, []string{"left as it is: asset of record " + child + " of software_installs, which was changed since"}, left)
		require.Equal(t, mapping.TextValue(into), s.value("software_installs", child, "asset"))
	})
	t.Run("nothing of a child that somebody has restored", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		into, from := s.insert("assets", nil), s.insert("assets", nil)
		title := s.insert("software", map[string]string{"name": "Editor"})
		s.insert("software_installs", map[string]string{"asset": into, "software": title})
		twin := s.insert("software_installs", map[string]string{"asset": from, "software": title})
		m := joined("assets", from, into)
		require.NoError(t, s.Merge(t.Context(), m))
		require.NoError(t, s.Restore(t.Context(), "ada", "software_installs", twin))
		left, err := s.Split(t.Context(), m)
		require.NoError(t, err)
		require.Empty(t, left)
		require.Len(t, s.events("software_installs", twin), 3)
	})
}

func TestAKeyThatAMergeMovedIsFreeOnceTheFieldIsNotUnique(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	require.NoError(t, s.AddField(t.Context(), "users", mapping.Field{Name: "badge", Type: mapping.Text, Unique: true}))
	into, from := s.user("into", nil), s.user("from", map[string]string{"badge": "B 1"})
	s.merge(from, into)
	require.NoError(t, s.SetUnique(t.Context(), "users", "badge", false))
	third := s.user("third", map[string]string{"badge": "b 1"})
	var duplicates *syncer.DuplicatesError
	require.ErrorAs(t, s.SetUnique(t.Context(), "users", "badge", true), &duplicates)
	require.Equal(t, []syncer.DuplicateGroup{{Value: "B 1", IDs: []string{into, from, third}}}, duplicates.Groups)
	require.NoError(t, s.Edit(t.Context(), "ada", "users", third, map[string]string{"badge": ""}))
	require.NoError(t, s.SetUnique(t.Context(), "users", "badge", true))
	require.Empty(t, s.split(from, into))
	require.Equal(t, from, s.ask(syncer.Query{Object: "users", By: syncer.ByKey, Fields: []string{"badge"}, Values: []string{"b 1"}}).ID)
}

func TestARunsEventsBeginWithWhatWasDoneLast(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	o, _ := mapping.Standard().Object("assets")
	name := func(text string) syncer.Change {
		return syncer.Change{Object: "assets", Op: syncer.Create, Columns: []int{o.Field("device_name")}, After: []mapping.Value{mapping.TextValue(text)}}
	}
	first := s.apply(syncer.Unit{Changes: []syncer.Change{name("first")}}).IDs[0]
	second := s.apply(syncer.Unit{Changes: []syncer.Change{name("second")}}).IDs[0]
	again := name("first, again")
	again.Op, again.Ref, again.Revision = syncer.Update, syncer.Ref{ID: first}, -1
	s.apply(syncer.Unit{Changes: []syncer.Change{again}})
	var order []string
	for e, err := range s.RunEvents(t.Context(), "1") {
		require.NoError(t, err)
		order = append(order, string(e.Op)+" "+e.ID)
	}
	require.Equal(t, []string{"update " + first, "create " + first, "create " + second}, order)
}

func TestATextFieldThatBecomesUniqueKnowsPlaceholders(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	require.NoError(t, s.AddField(t.Context(), "assets", mapping.Field{Name: "badge", Type: mapping.Text}))
	for range 2 {
		s.insert("assets", map[string]string{"badge": "N/A"})
	}
	require.NoError(t, s.SetUnique(t.Context(), "assets", "badge", true))
	s.insert("assets", map[string]string{"badge": "n/a"})
	s.insert("assets", map[string]string{"badge": "B 1"})
	_, err := s.Insert(t.Context(), "ada", "assets", map[string]string{"badge": "b 1"})
	require.ErrorIs(t, err, syncer.ErrConflict)

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.SetUnique(cancelled, "assets", "badge", false), context.Canceled)
	for field, holds := range map[string]string{"colour": `assets have no field "colour"`, "serial_number": "serial_number is a standard field", "mac_addresses": "standard"} {
		err := s.SetUnique(t.Context(), "assets", field, true)
		require.ErrorIs(t, err, connector.ErrInvalid)
		require.ErrorContains(t, err, holds)
	}
	require.ErrorIs(t, s.SetUnique(t.Context(), "cars", "badge", true), syncer.ErrNotFound)

	require.NoError(t, s.SetUnique(t.Context(), "assets", "badge", false))
	schema, err := s.Schema(t.Context())
	require.NoError(t, err)
	o, _ := schema.Object("assets")
	require.Empty(t, o.Fields[o.Field("badge")].Placeholders)
}

func TestEveryAbilityHeedsTheContext(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Trace(ctx, "assets", nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Precedence(ctx, "assets")
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.SavePrecedence(ctx, syncer.Precedence{Object: "assets"}), context.Canceled)
	require.ErrorIs(t, firstError(s.ScanWaiting(ctx, "assets", "assigned_to")), context.Canceled)
	require.ErrorIs(t, firstError(s.RunEvents(ctx, "1")), context.Canceled)
	require.ErrorIs(t, firstError(s.Merges(ctx, "assets")), context.Canceled)
}

// firstError returns the error of the first step of a loop.
func firstError[V any](seq iter.Seq2[V, error]) error {
	for _, err := range seq {
		return err
	}
	return nil
}
