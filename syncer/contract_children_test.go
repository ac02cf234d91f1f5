package syncer_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// laptop returns device v1 with a list of applications, as JSON.
func laptop(apps string) string {
	return fmt.Sprintf(`{"id": "v1", "serial": "S1", "apps": %s}`, apps)
}

type effects = map[string]syncer.Effects

func TestContract9Children(t *testing.T) {
	t.Parallel()
	const firefox, slack = `{"name": "Firefox", "version": "1"}`, `{"name": "Slack", "version": "2"}`
	synced := func(s *scene) *feed {
		s.Helper()
		mdm := s.launched(withSoftware(assets("mdm")))
		run := mdm.sends(laptop(`[` + firefox + `, ` + slack + `]`)).run()
		s.expect(run, "created 1")
		require.Equal(s, effects{"software": {Created: 2}, "software_installs": {Created: 2}}, run.Effects, "effects stand outside the equation")
		require.Equal(s, []string{"Firefox 1", "Slack 2"}, s.installs("S1"))
		return mdm
	}
	stories(t, map[string]func(s *scene){
		"the same again changes nothing": func(s *scene) {
			mdm := synced(s)
			before := dump(s, s.store)
			run := mdm.run()
			s.expect(run, "unchanged 1")
			require.Empty(s, run.Effects)
			require.Equal(s, before, dump(s, s.store))
		},
		"the order of the list does not matter": func(s *scene) {
			run := synced(s).sends(laptop(`[` + slack + `, ` + firefox + `]`)).run()
			s.expect(run, "unchanged 1")
			require.Empty(s, run.Effects)
		},
		"a new one makes an unchanged record updated": func(s *scene) {
			mdm := synced(s).sends(laptop(`[` + firefox + `, ` + slack + `, {"name": "Zoom", "version": "5"}]`))
			run := mdm.run()
			s.expect(run, "updated 1")
			require.Equal(s, effects{"software": {Created: 1}, "software_installs": {Created: 1}}, run.Effects)
			require.Equal(s, []string{"Firefox 1", "Slack 2", "Zoom 5"}, s.installs("S1"))
			require.EqualValues(s, 1, s.asset("S1").Revision, "nothing is written to the device itself")
			s.expect(mdm.run(), "unchanged 1")
		},
		"a title comes out of the archive when a record has it again": func(s *scene) {
			mdm := synced(s)
			require.NoError(s, s.store.Archive(s.Context(), "person@example.com", "software", s.one("software", "name", "Slack").ID))
			mdm.sends(laptop(`[` + firefox + `, ` + slack + `, {"name": "Zoom", "version": "5"}]`))
			foretold, _ := mdm.test(syncer.TestOptions{Sample: -1})
			run := mdm.run()
			require.Equal(s, effects{"software": {Created: 1, Restored: 1}, "software_installs": {Created: 1}}, run.Effects)
			require.Equal(s, run.Effects, foretold.Effects)
			require.Equal(s, []string{"Firefox", "Slack", "Zoom"}, s.all("software", "name"))
		},
		"two titles that were merged are one install": func(s *scene) {
			mdm := synced(s)
			require.NoError(s, s.store.Merge(s.Context(), syncer.Merge{
				Object: "software", Into: s.one("software", "name", "Firefox").ID, From: s.one("software", "name", "Slack").ID, IntoRevision: -1, FromRevision: -1,
			}))
			run := mdm.sends(`{"id": "v2", "serial": "S2", "apps": [{"name": "Firefox", "version": "3"}, {"name": "Slack", "version": "3"}]}`).run()
			s.expect(run, "created 1")
			require.Equal(s, effects{"software_installs": {Created: 1}}, run.Effects)
			s.expect(mdm.run(), "unchanged 1")
		},
		"a changed one is updated in place": func(s *scene) {
			mdm := synced(s).sends(laptop(`[{"name": "Firefox", "version": "1", "path": "/Applications"}, ` + slack + `]`))
			run := mdm.run()
			s.expect(run, "updated 1")
			require.Equal(s, effects{"software_installs": {Updated: 1}}, run.Effects)
			require.Equal(s, "/Applications", s.one("software_installs", "path", "/Applications").fields["path"])
		},
		"a new version is another install, and the old one is closed": func(s *scene) {
			mdm := synced(s).sends(laptop(`[{"name": "Firefox", "version": "2"}, ` + slack + `]`))
			run := mdm.run()
			s.expect(run, "updated 1")
			require.Equal(s, effects{"software_installs": {Created: 1, Archived: 1}}, run.Effects)
			require.Equal(s, []string{"Firefox 1 (archived)", "Firefox 2", "Slack 2"}, s.installs("S1"))
		},
		"one that is gone from the list is closed, once": func(s *scene) {
			mdm := synced(s).sends(laptop(`[` + firefox + `]`))
			run := mdm.run()
			s.expect(run, "updated 1")
			require.Equal(s, effects{"software_installs": {Archived: 1}}, run.Effects)
			require.Equal(s, []string{"Firefox 1", "Slack 2 (archived)"}, s.installs("S1"))
			require.Equal(s, []string{"Firefox", "Slack"}, s.all("software", "name"), "the title stays")
			run = mdm.run()
			s.expect(run, "unchanged 1")
			require.Empty(s, run.Effects)
		},
		"one that comes back is restored": func(s *scene) {
			mdm := synced(s)
			mdm.sends(laptop(`[` + firefox + `]`)).run()
			run := mdm.sends(laptop(`[` + firefox + `, ` + slack + `]`)).run()
			s.expect(run, "updated 1")
			require.Equal(s, effects{"software_installs": {Restored: 1}}, run.Effects)
			require.Equal(s, []string{"Firefox 1", "Slack 2"}, s.installs("S1"))
		},
		"a list that is absent closes nothing": func(s *scene) {
			run := synced(s).sends(`{"id": "v1", "serial": "S1"}`).run()
			s.expect(run, "unchanged 1")
			require.Empty(s, run.Effects)
			require.Equal(s, []string{"Firefox 1", "Slack 2"}, s.installs("S1"))
		},
		"a list that is null closes all": func(s *scene) {
			run := synced(s).sends(laptop(`null`)).run()
			s.expect(run, "updated 1")
			require.Equal(s, effects{"software_installs": {Archived: 2}}, run.Effects)
		},
		"a list that is empty closes all": func(s *scene) {
			run := synced(s).sends(laptop(`[]`)).run()
			s.expect(run, "updated 1")
			require.Equal(s, effects{"software_installs": {Archived: 2}}, run.Effects)
			require.Equal(s, []string{"Firefox 1 (archived)", "Slack 2 (archived)"}, s.installs("S1"))
		},
		"a list with a fault in it closes nothing": func(s *scene) {
			run := synced(s).sends(laptop(`[{"version": "1"}]`)).run()
			s.expect(run, "failed 1")
			require.Empty(s, run.Effects)
			require.Equal(s, []string{"Firefox 1", "Slack 2"}, s.installs("S1"))
		},
		"the same twice in a list is one": func(s *scene) {
			mdm := s.launched(withSoftware(assets("mdm")))
			run := mdm.sends(laptop(`[` + firefox + `, {"name": " firefox ", "version": "1"}]`)).run()
			s.expect(run, "created 1")
			require.Equal(s, effects{"software": {Created: 1}, "software_installs": {Created: 1}}, run.Effects)
		},
		"one edited by hand is put back, and the record counts as updated": func(s *scene) {
			mdm := synced(s)
			mdm.sends(laptop(`[{"name": "Firefox", "version": "1", "path": "/a"}]`)).run()
			s.edits("software_installs", s.one("software_installs", "path", "/a").ID, map[string]string{"path": "/b"})
			run := mdm.run()
			s.expect(run, "updated 1")
			require.Equal(s, effects{"software_installs": {Updated: 1}}, run.Effects)
			s.one("software_installs", "path", "/a")
		},
		"one that a person archived is restored": func(s *scene) {
			mdm := synced(s)
			require.NoError(s, s.store.Archive(s.Context(), "person", "software_installs", s.rows("software_installs")[0].ID))
			run := mdm.run()
			s.expect(run, "updated 1")
			require.Equal(s, effects{"software_installs": {Restored: 1}}, run.Effects)
		},
		"one that a person archived and the vendor drops is not archived again": func(s *scene) {
			mdm := synced(s)
			require.NoError(s, s.store.Archive(s.Context(), "person", "software_installs", s.rows("software_installs")[1].ID))
			run := mdm.sends(laptop(`[` + firefox + `]`)).run()
			s.expect(run, "unchanged 1")
			require.Empty(s, run.Effects)
			require.Equal(s, []string{"Firefox 1", "Slack 2 (archived)"}, s.installs("S1"))
		},
		"a list that a mapper of the host's own did not read whole closes nothing": func(s *scene) {
			mdm := synced(s)
			mdm.opt.Mappers = map[string]mapping.Mapper{"mdm": partMapper{}}
			run := mdm.run()
			s.expect(run, "updated 1")
			require.Equal(s, effects{"software": {Created: 1}, "software_installs": {Created: 1}}, run.Effects)
			require.Equal(s, []string{"Firefox 1", "Slack 2", "Zoom 5"}, s.installs("S1"))
		},
		"one that a person made is not closed": func(s *scene) {
			mdm := synced(s)
			title := s.inserts("software", map[string]string{"name": "Winamp"})
			s.inserts("software_installs", map[string]string{"asset": s.asset("S1").ID, "software": title, "version": "2.9"})
			run := mdm.run()
			s.expect(run, "unchanged 1")
			require.Equal(s, []string{"Firefox 1", "Slack 2", "Winamp 2.9"}, s.installs("S1"))
		},
		"one that a person made and the vendor names later is closed with the vendor's": func(s *scene) {
			mdm := synced(s)
			title := s.inserts("software", map[string]string{"name": "Winamp"})
			s.inserts("software_installs", map[string]string{"asset": s.asset("S1").ID, "software": title, "version": "2.9"})
			s.expect(mdm.sends(laptop(`[{"name": "winamp", "version": "2.9"}]`)).run(), "updated 1")
			require.Equal(s, []string{"Firefox 1 (archived)", "Slack 2 (archived)", "Winamp 2.9"}, s.installs("S1"))
			mdm.sends(laptop(`[]`)).run()
			require.Equal(s, []string{"Firefox 1 (archived)", "Slack 2 (archived)", "Winamp 2.9 (archived)"}, s.installs("S1"))
		},
		"history has the installs, under the same actor and run": func(s *scene) {
			mdm := synced(s)
			run := mdm.sends(laptop(`[]`)).run()
			events := s.history("software_installs", s.rows("software_installs")[0].ID)
			require.Len(s, events, 2)
			require.Equal(s, syncer.Create, events[0].Op)
			require.Equal(s, syncer.Archive, events[1].Op)
			require.Equal(s, "mdm@example.com", events[1].Actor)
			require.Equal(s, run.ID, events[1].Run)
		},
		"a record that fails leaves no child behind": func(s *scene) {
			s.inserts("assets", map[string]string{"asset_tag": "T1"})
			run := s.launched(withSoftware(assets("mdm"))).sends(`{"id": "v1", "serial": "S1", "tag": "T1", "apps": [` + firefox + `]}`).run()
			s.expect(run, "failed 1")
			require.Empty(s, run.Effects)
			require.Empty(s, s.rows("software"))
			require.Empty(s, s.rows("software_installs"))
		},
	})
}

// A partMapper has seen a part of the software of the device S1.
type partMapper struct{}

func (partMapper) Targets() []mapping.Target {
	return []mapping.Target{
		{Object: "assets", Columns: []mapping.Column{{Field: "serial_number"}}},
		{Object: "software", Role: mapping.Shared, Columns: []mapping.Column{{Field: "name"}}},
		{Object: "software_installs", Role: mapping.Child, Columns: []mapping.Column{{Field: "asset"}, {Field: "software"}, {Field: "version"}}},
	}
}

func (partMapper) Map(_ connector.Record, out *mapping.Out) error {
	out.VendorID = "v1"
	_, device := out.AddRow(0, 1)
	device[0] = mapping.TextValue("S1")
	n, title := out.AddRow(1, 1)
	title[0] = mapping.TextValue("Zoom")
	_, install := out.AddRow(2, 3)
	install[0], install[1], install[2] = mapping.RowValue(0), mapping.RowValue(n), mapping.TextValue("5")
	out.Whole = append(out.Whole, false, false, false)
	return nil
}

func TestContract9SharedTitles(t *testing.T) {
	t.Parallel()
	app := func(device int, app string) string {
		return fmt.Sprintf(`{"id": "v%d", "serial": "S%d", "apps": [%s]}`, device, device, app)
	}
	for name, size := range map[string]int{"in one batch": 100, "in batches of one": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stories(t, map[string]func(s *scene){
				"many devices share one title, whatever its letters": func(s *scene) {
					mdm := s.launched(withSoftware(assets("mdm"))).sendsPages(size, app(1, `{"name": "Firefox", "version": "1"}`), app(2, `{"name": "FIREFOX", "version": "1"}`), app(3, `{"name": " firefox", "version": "2"}`))
					run := mdm.run()
					s.expect(run, "created 3")
					require.Equal(s, effects{"software": {Created: 1}, "software_installs": {Created: 3}}, run.Effects)
					require.Equal(s, []string{"Firefox"}, s.all("software", "name"))
				},
				"a title's empty fields are filled, and none is overwritten": func(s *scene) {
					mdm := s.launched(withSoftware(assets("mdm"))).sendsPages(size,
						app(1, `{"name": "Firefox", "version": "1"}`),
						app(2, `{"name": "Firefox", "version": "1", "category": "browser"}`),
						app(3, `{"name": "Firefox", "version": "1", "category": "other"}`))
					run := mdm.run()
					s.expect(run, "created 3")
					require.Equal(s, effects{"software": {Created: 1, Updated: 1}, "software_installs": {Created: 3}}, run.Effects)
					require.Equal(s, []string{"Firefox browser"}, s.all("software", "name", "category"))
					s.expect(mdm.run(), "unchanged 3")
				},
				"a title that is there already is used": func(s *scene) {
					s.inserts("software", map[string]string{"name": "firefox", "category": "by hand"})
					run := s.launched(withSoftware(assets("mdm"))).sendsPages(size, app(1, `{"name": "Firefox", "version": "1", "category": "browser"}`), app(2, `{"name": "Firefox", "version": "1"}`)).run()
					s.expect(run, "created 2")
					require.Equal(s, effects{"software_installs": {Created: 2}}, run.Effects)
					require.Equal(s, []string{"firefox by hand"}, s.all("software", "name", "category"))
				},
				"a title that was just made is filled in a later run": func(s *scene) {
					mdm := s.launched(withSoftware(assets("mdm"))).sendsPages(size, app(1, `{"name": "Firefox", "version": "1"}`))
					mdm.run()
					run := mdm.sendsPages(size, app(1, `{"name": "Firefox", "version": "1", "category": "browser"}`)).run()
					require.Equal(s, effects{"software": {Updated: 1}}, run.Effects)
					require.Equal(s, []string{"Firefox browser"}, s.all("software", "name", "category"))
				},
				"titles of one name by two publishers are two": func(s *scene) {
					in := withSoftware(assets("mdm"))
					in.Mapping.Children[0].Fields = append(in.Mapping.Children[0].Fields, mapping.FieldMapping{To: "publisher", From: "by"})
					run := s.launched(in).sendsPages(size, app(1, `{"name": "Notes", "by": "Apple"}`), app(2, `{"name": "Notes", "by": "Other"}`), app(3, `{"name": "Notes"}`)).run()
					require.Equal(s, effects{"software": {Created: 3}, "software_installs": {Created: 3}}, run.Effects)
				},
			})
		})
	}
}

func TestContract9TwoIntegrationsDoNotCloseEachOthersInstalls(t *testing.T) {
	t.Parallel()
	const firefox, slack = `{"name": "Firefox", "version": "1"}`, `{"name": "Slack", "version": "2"}`
	both := func(s *scene) (mdm, edr *feed) {
		s.Helper()
		mdm, edr = s.launched(withSoftware(assets("mdm"))), s.launched(withSoftware(assets("edr")))
		mdm.sends(laptop(`[` + firefox + `]`)).run()
		run := edr.sends(laptop(`[` + slack + `]`)).run()
		s.expect(run, "updated 1")
		require.Equal(s, effects{"software": {Created: 1}, "software_installs": {Created: 1}}, run.Effects)
		require.Equal(s, []string{"Firefox 1", "Slack 2"}, s.installs("S1"))
		return mdm, edr
	}
	stories(t, map[string]func(s *scene){
		"each brings its own": func(s *scene) {
			mdm, edr := both(s)
			s.expect(mdm.run(), "unchanged 1")
			s.expect(edr.run(), "unchanged 1")
			require.Equal(s, []string{"Firefox 1", "Slack 2"}, s.installs("S1"))
		},
		"each closes its own": func(s *scene) {
			mdm, _ := both(s)
			mdm.sends(laptop(`[]`)).run()
			require.Equal(s, []string{"Firefox 1 (archived)", "Slack 2"}, s.installs("S1"))
		},
		"what both have is closed with the second": func(s *scene) {
			mdm, edr := both(s)
			run := edr.sends(laptop(`[` + firefox + `, ` + slack + `]`)).run()
			s.expect(run, "unchanged 1")
			require.Empty(s, run.Effects, "a claim on an install that is there changes nothing")
			mdm.sends(laptop(`[]`)).run()
			require.Equal(s, []string{"Firefox 1", "Slack 2"}, s.installs("S1"))
			run = edr.sends(laptop(`[` + slack + `]`)).run()
			require.Equal(s, effects{"software_installs": {Archived: 1}}, run.Effects)
			require.Equal(s, []string{"Firefox 1 (archived)", "Slack 2"}, s.installs("S1"))
		},
	})
}

func TestContract9AChildBelongsToItsRecordsUnit(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mdm := s.launched(withSoftware(assets("mdm")))
	m := s.meddles()
	var units []int
	m.apply = func(ctx context.Context, b *syncer.Batch) error {
		for _, u := range b.Units {
			units = append(units, len(u.Changes))
		}
		return m.Store.Apply(ctx, b)
	}
	mdm.sends(laptop(`[{"name": "Firefox", "version": "1"}, {"name": "Slack", "version": "2"}]`)).run()
	require.Equal(t, []int{1, 1, 3}, units, "two titles, each by itself, then the device with its two installs")
}
