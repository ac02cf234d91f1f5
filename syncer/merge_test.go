package syncer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// twoOfOne is the store with one device as two records: 1, which mdm and edr
// bring, and 2, which mdm and cmdb do.
func (s *scene) twoOfOne() {
	s.Helper()
	mdm := s.launched(withSoftware(assets("mdm"))).sends(
		`{"id": "v1", "serial": "C02X1", "name": "laptop", "memory": 8, "apps": [{"name": "Slack", "version": "1"}]}`,
		`{"id": "v2", "tag": "T2", "serial": "C02-X1", "name": "ada's", "apps": [{"name": "Slack", "version": "1"}, {"name": "Zoom", "version": "5"}]}`,
	)
	s.expect(mdm.run(), "created 2")
	s.launched(assets("edr")).sends(`{"id": "e1", "serial": "C02X1"}`).run()
	s.launched(assets("cmdb")).sends(`{"id": "c2", "serial": "C02-X1"}`).run()
}

// ids returns the ids of the devices of those serial numbers.
func (s *scene) ids(serials ...string) []string {
	s.Helper()
	var ids []string
	for _, serial := range serials {
		ids = append(ids, s.asset(serial).ID)
	}
	return ids
}

func TestMergeTellsWhatItDoesAndDoesIt(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.twoOfOne()
	id := s.ids("C02X1", "C02-X1")
	before := dump(t, s.store)
	foretold, err := s.searcher().Merge(t.Context(), "assets", id[0], id[1], syncer.MergeOptions{By: "ada@example.com", DryRun: true})
	require.NoError(t, err)
	require.Equal(t, before, dump(t, s.store), "a dry run writes nothing")
	raw := func(text string) json.RawMessage { return json.RawMessage(text) }
	require.Equal(t, syncer.MergeReport{
		Object: "assets", Into: id[0], From: id[1], IntoLabel: "laptop / C02X1", FromLabel: "ada's / C02-X1",
		Fields: []syncer.MergeField{
			{Field: "serial_number", Into: raw(`"C02X1"`), From: raw(`"C02-X1"`), Key: true},
			{Field: "asset_tag", Into: raw(`null`), From: raw(`"T2"`), Taken: true, Key: true},
			{Field: "device_name", Into: raw(`"laptop"`), From: raw(`"ada's"`)},
		},
		Links:      []syncer.MergeLink{{Integration: "cmdb", VendorID: "c2"}, {Integration: "mdm", VendorID: "v2", SupersededBy: "v1"}},
		References: []syncer.MergeReferences{{Object: "software_installs", Field: "asset", Records: 2, Archived: 1}},
	}, foretold)

	done, err := s.searcher().Merge(t.Context(), "assets", id[0], id[1], syncer.MergeOptions{By: "ada@example.com"})
	require.NoError(t, err)
	require.Equal(t, foretold, done)
	require.Equal(t, []string{"C02X1 T2 laptop", "C02-X1 T2 ada's (archived)"}, s.all("assets", "serial_number", "asset_tag", "device_name"))
	require.Equal(t, []string{"Slack 1", "Zoom 5"}, s.installs("C02X1"))
	require.Equal(t, []string{"c2 -> " + id[0]}, s.links("cmdb"))
	require.Equal(t, []string{"v1 -> " + id[0], "v2 -> " + id[0] + ", superseded by v1"}, s.links("mdm"))
	events := s.history("assets", id[0])
	require.Equal(t, "ada@example.com", events[len(events)-1].Actor)

	left, err := s.searcher().Split(t.Context(), "assets", id[1], "ada@example.com")
	require.NoError(t, err)
	require.Empty(t, left)
	require.Equal(t, []string{"C02X1 - laptop", "C02-X1 T2 ada's"}, s.all("assets", "serial_number", "asset_tag", "device_name"))
	require.Equal(t, []string{"Slack 1"}, s.installs("C02X1"))
	require.Equal(t, []string{"Slack 1", "Zoom 5"}, s.installs("C02-X1"))
	require.Equal(t, []string{"c2 -> " + id[1]}, s.links("cmdb"))
	require.Equal(t, []string{"v1 -> " + id[0], "v2 -> " + id[1]}, s.links("mdm"))
}

func TestAfterAMergeRunsBringOneRecord(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"by its links, and by the key of either": func(s *scene) {
			s.twoOfOne()
			id := s.ids("C02X1", "C02-X1")
			_, err := s.searcher().Merge(s.Context(), "assets", id[0], id[1], syncer.MergeOptions{By: "ada"})
			require.NoError(s, err)
			cmdb := s.feeds[2]
			require.Equal(s, []string{"c2 updated"}, cmdb.sends(`{"id": "c2", "serial": "C02-X1", "memory": 16}`).tells())
			require.Equal(s, "16", s.row(id[0]).fields["memory_mb"])
			siem := s.launched(assets("siem"))
			require.Equal(s, []string{"s1 updated"}, siem.sends(`{"id": "s1", "serial": "C02-X1", "name": "siem's"}`).tells())
			require.Equal(s, "siem's", s.row(id[0]).fields["device_name"])
		},
		"a split that finds something changed says what it left": func(s *scene) {
			s.twoOfOne()
			id := s.ids("C02X1", "C02-X1")
			_, err := s.searcher().Merge(s.Context(), "assets", id[0], id[1], syncer.MergeOptions{By: "ada"})
			require.NoError(s, err)
			s.edits("assets", id[0], map[string]string{"asset_tag": "T7"})
			left, err := s.searcher().Split(s.Context(), "assets", id[1], "ada")
			require.NoError(s, err)
			require.Len(s, left, 1)
			require.Contains(s, left[0], "asset_tag")
			require.Equal(s, "T7", s.row(id[0]).fields["asset_tag"])
		},
		"a part of a part can be split off": func(s *scene) {
			for _, serial := range []string{"S1", "S2", "S3"} {
				s.inserts("assets", map[string]string{"serial_number": serial})
			}
			for _, pair := range [][2]string{{"2", "1"}, {"3", "2"}} {
				_, err := s.searcher().Merge(s.Context(), "assets", pair[0], pair[1], syncer.MergeOptions{By: "ada"})
				require.NoError(s, err)
			}
			require.Equal(s, []string{"S1 (archived)", "S2 (archived)", "S3"}, s.all("assets", "serial_number"))
			_, err := s.searcher().Split(s.Context(), "assets", "1", "ada")
			require.NoError(s, err)
			require.Equal(s, []string{"S1", "S2 (archived)", "S3"}, s.all("assets", "serial_number"))
		},
		"the merges that stand can be listed": func(s *scene) {
			s.twoOfOne()
			id := s.ids("C02X1", "C02-X1")
			_, err := s.searcher().Merge(s.Context(), "assets", id[0], id[1], syncer.MergeOptions{By: "ada"})
			require.NoError(s, err)
			var pairs []string
			for m, err := range s.searcher().Merges(s.Context(), "assets") {
				require.NoError(s, err)
				pairs = append(pairs, fmt.Sprintf("%s in %s by %s", m.From, m.Into, m.Actor))
			}
			require.Equal(s, []string{id[1] + " in " + id[0] + " by ada"}, pairs)
		},
	})
}

// row returns the device of that id.
func (s *scene) row(id string) row {
	s.Helper()
	for _, r := range s.rows("assets") {
		if r.ID == id {
			return r
		}
	}
	require.Fail(s, "there is no such device", id)
	return row{}
}

// A merging store has a test's hand in its merges.
type merging struct {
	*memory.Store
	before func()
}

func (m merging) Merge(ctx context.Context, d syncer.Merge) error {
	m.before()
	return m.Store.Merge(ctx, d)
}

func TestMergeAndSplitRefuse(t *testing.T) {
	t.Parallel()
	merge := func(into, from string) func(*scene) error {
		return func(s *scene) error {
			_, err := s.searcher().Merge(s.Context(), "assets", into, from, syncer.MergeOptions{By: "ada"})
			return err
		}
	}
	for name, tc := range map[string]struct {
		do    func(s *scene) error
		is    error
		words string
	}{
		"a record with itself":        {do: merge("1", "1"), is: connector.ErrInvalid, words: "with itself"},
		"into one that is not there":  {do: merge("99", "1"), is: syncer.ErrNotFound, words: "there is no record 99"},
		"from one that is not there":  {do: merge("1", "99"), is: syncer.ErrNotFound, words: "there is no record 99"},
		"from one that is merged":     {do: merge("1", "3"), is: connector.ErrInvalid, words: "record 3 is merged into 2 already"},
		"into one that is merged":     {do: merge("3", "1"), is: connector.ErrInvalid, words: "record 3 is merged into 2 already"},
		"a live one into the archive": {do: merge("4", "1"), is: connector.ErrInvalid, words: "record 4 is archived"},
		"an object that nobody has": {do: func(s *scene) error {
			_, err := s.searcher().Merge(s.Context(), "asets", "1", "2", syncer.MergeOptions{})
			return err
		}, is: connector.ErrInvalid, words: `did you mean "assets"?`},
		"records of different objects": {do: merge("1", "5"), is: syncer.ErrNotFound, words: "there is no record 5"},
		"a split of what is not merged": {do: func(s *scene) error {
			_, err := s.searcher().Split(s.Context(), "assets", "1", "ada")
			return err
		}, is: syncer.ErrNotFound, words: "it is not a part of another record"},
		"a split of an object that nobody has": {do: func(s *scene) error {
			_, err := s.searcher().Split(s.Context(), "asets", "1", "ada")
			return err
		}, is: connector.ErrInvalid, words: `did you mean "assets"?`},
		"what somebody changes at the same moment": {do: func(s *scene) error {
			s.through = merging{s.store, func() { s.edits("assets", "1", map[string]string{"device_name": "quick"}) }}
			return merge("1", "2")(s)
		}, is: syncer.ErrConflict, words: "at the same moment"},
		"a store that cannot merge": {do: func(s *scene) error {
			s.through = struct {
				syncer.Store
				syncer.Journal
			}{s.store, s.store}
			return merge("1", "2")(s)
		}, is: connector.ErrUnsupported, words: "cannot merge records"},
		"a store that cannot split": {do: func(s *scene) error {
			s.through = struct {
				syncer.Store
				syncer.Journal
			}{s.store, s.store}
			_, err := s.searcher().Split(s.Context(), "assets", "3", "ada")
			return err
		}, is: connector.ErrUnsupported, words: "cannot split records"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			for _, serial := range []string{"S1", "S2", "S3", "S4"} {
				s.inserts("assets", map[string]string{"serial_number": serial})
			}
			s.inserts("users", map[string]string{"username": "ada", "email": "ada@example.com"})
			require.NoError(t, s.store.Archive(t.Context(), "person", "assets", "4"))
			_, err := s.searcher().Merge(t.Context(), "assets", "2", "3", syncer.MergeOptions{By: "ada"})
			require.NoError(t, err)
			err = tc.do(s)
			require.ErrorIs(t, err, tc.is)
			require.ErrorContains(t, err, tc.words)
		})
	}
}

func TestMergeOfOtherObjects(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"people, with what is assigned to them": func(s *scene) {
			ada := s.inserts("users", map[string]string{"username": "ada", "email": "ada@example.com"})
			twin := s.inserts("users", map[string]string{"username": "ada.l", "email": "ada+x@example.com", "title": "Countess"})
			in := assets("mdm")
			in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "assigned_to", From: "user"})
			s.launched(in).sends(`{"id": "v1", "serial": "S1", "user": "ada.l"}`).run()
			report, err := s.searcher().Merge(s.Context(), "users", ada, twin, syncer.MergeOptions{By: "eve"})
			require.NoError(s, err)
			require.Equal(s, []syncer.MergeReferences{{Object: "assets", Field: "assigned_to", Records: 1}}, report.References)
			require.Equal(s, ada, s.asset("S1").fields["assigned_to_id"])
			require.Equal(s, "Countess", s.one("users", "username", "ada").fields["title"])
		},
		"two archived records": func(s *scene) {
			for _, serial := range []string{"S1", "S-1"} {
				require.NoError(s, s.store.Archive(s.Context(), "person", "assets", s.inserts("assets", map[string]string{"serial_number": serial})))
			}
			_, err := s.searcher().Merge(s.Context(), "assets", "1", "2", syncer.MergeOptions{By: "eve"})
			require.NoError(s, err)
		},
		"a store that does not tell who has links": func(s *scene) {
			s.inserts("assets", map[string]string{"serial_number": "S1"})
			s.inserts("assets", map[string]string{"serial_number": "S-1"})
			s.through = struct {
				syncer.Store
				syncer.Journal
				syncer.Merger
			}{s.store, s.store, s.store}
			report, err := s.searcher().Merge(s.Context(), "assets", "1", "2", syncer.MergeOptions{By: "eve"})
			require.NoError(s, err)
			require.Nil(s, report.Links)
		},
	})
}
