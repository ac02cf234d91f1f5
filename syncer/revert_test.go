package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// undoer is who reverts.
const undoer = "undoer@example.com"

// reverts puts a run back and returns what became of each record, as in
// "assets S1 updated", with what was put back and what was left.
func (f *feed) reverts(run string, opt syncer.RevertOptions) (syncer.Run, []string) {
	f.Helper()
	told := []string{}
	opt.By = undoer
	opt.Record = func(r syncer.RevertRecord) error {
		text := fmt.Sprintf("%s %s %s", r.Object, r.ID, r.Action)
		if r.Op != "" {
			text += " " + string(r.Op)
		}
		for _, d := range r.Changes {
			text += fmt.Sprintf(" %s:%s->%s", d.Field, d.Before, d.After)
		}
		told = append(told, text)
		return nil
	}
	got, err := f.syncer().Revert(f.Context(), run, opt)
	require.NoError(f, err)
	require.True(f, equation(got.Counts), "%+v", got.Counts)
	require.Equal(f, "revert", got.Trigger)
	return got, told
}

// values shows all that a store's records say, without what only counts writes.
func (s *scene) values() []string {
	s.Helper()
	return recordValues(s, s.store)
}

func recordValues(t require.TestingT, store *memory.Store) []string {
	ctx := context.Background()
	schema, err := store.Schema(ctx)
	require.NoError(t, err)
	lines := []string{}
	for _, o := range schema.Objects {
		for rec, err := range store.Records(ctx, syncer.RecordQuery{Object: o.Name, Archived: true}) {
			require.NoError(t, err)
			line := fmt.Sprintf("%s %s archived %v", o.Name, rec.ID, !rec.Archived.IsZero())
			for i, v := range rec.Values {
				if !v.IsEmpty() {
					line += fmt.Sprintf(" %s=%s", o.Fields[i].Name, o.Fields[i].Format(v))
				}
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func TestRevertPutsBackWhatARunChanged(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"fields get their values from before": func(s *scene) {
			mdm := s.devices().sends(device(1), device(2), device(3))
			mdm.run()
			before := s.values()
			run := mdm.sends(`{"id": "v1", "serial": "S1", "name": "wrong"}`, `{"id": "v2", "serial": "S9", "name": null, "memory": 8}`, device(3)).run()
			s.expect(run, "updated 2, unchanged 1")
			got, told := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "updated 2")
			require.Equal(s, syncer.Succeeded, got.Status)
			require.Empty(s, got.Problems)
			require.ElementsMatch(s, []string{
				`assets 1 updated device_name:"wrong"->"device 1"`,
				`assets 2 updated serial_number:"S9"->"S2" device_name:null->"device 2" memory_mb:8->null`,
			}, told)
			require.Equal(s, before, s.values())
		},
		"under its own run, by who asked for it, as a change from outside": func(s *scene) {
			mdm := s.devices().sends(device(1))
			mdm.run()
			run := mdm.sends(`{"id": "v1", "serial": "S1", "name": "wrong"}`).run()
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			events := s.history("assets", s.asset("S1").ID)
			last := events[len(events)-1]
			require.Equal(s, got.ID, last.Run)
			require.NotEqual(s, run.ID, last.Run)
			require.Equal(s, undoer, last.Actor)
			require.Empty(s, last.Integration)
			require.Equal(s, undoer, got.By)
			kept, err := s.store.Run(s.Context(), got.ID)
			require.NoError(s, err)
			require.Equal(s, got.Counts, kept.Counts)
			require.Equal(s, got.Status, kept.Status)
			require.Equal(s, "mdm", kept.Integration)
			require.False(s, kept.Finished.IsZero())
		},
		"records that the run created are archived, with the children and titles that came along": func(s *scene) {
			mdm := s.launched(withSoftware(assets("mdm"))).sends(`{"id": "v1", "serial": "S1", "apps": [{"name": "Firefox", "version": "1"}]}`)
			mdm.run()
			run := mdm.sends(`{"id": "v1", "serial": "S1", "apps": [{"name": "Firefox", "version": "1"}]}`,
				`{"id": "v2", "serial": "S2", "apps": [{"name": "Firefox", "version": "1"}, {"name": "Slack", "version": "2"}]}`).run()
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "updated 1")
			require.Equal(s, map[string]syncer.Effects{"software": {Archived: 1}, "software_installs": {Archived: 2}}, got.Effects)
			require.Equal(s, []string{"S1", "S2 (archived)"}, s.all("assets", "serial_number"))
			require.Equal(s, []string{"Firefox", "Slack (archived)"}, s.all("software", "name"))
			require.Equal(s, []string{"Firefox 1 (archived)", "Slack 2 (archived)"}, s.installs("S2"))
			require.Equal(s, []string{"Firefox 1"}, s.installs("S1"))
		},
		"a title that others have come to use stays": func(s *scene) {
			mdm := s.launched(withSoftware(assets("mdm")))
			run := mdm.sends(`{"id": "v1", "serial": "S1", "apps": [{"name": "Slack", "version": "2"}]}`).run()
			s.launched(withSoftware(assets("edr"))).sends(`{"id": "e2", "serial": "S2", "apps": [{"name": "slack", "version": "2"}]}`).run()
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			require.Empty(s, got.Problems)
			require.Equal(s, []string{"Slack"}, s.all("software", "name"))
			require.Equal(s, []string{"Slack 2"}, s.installs("S2"))
			require.Equal(s, []string{"Slack 2 (archived)"}, s.installs("S1"))
		},
		"what a run filled in at a shared title is taken out again": func(s *scene) {
			mdm := s.launched(withSoftware(assets("mdm"))).sends(`{"id": "v1", "serial": "S1", "apps": [{"name": "Slack", "version": "2"}]}`)
			mdm.run()
			run := mdm.sends(`{"id": "v1", "serial": "S1", "apps": [{"name": "Slack", "version": "2", "category": "chat"}]}`).run()
			require.Equal(s, []string{"Slack chat"}, s.all("software", "name", "category"))
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			require.Equal(s, map[string]syncer.Effects{"software": {Updated: 1}}, got.Effects)
			s.expect(got, "")
			require.Equal(s, []string{"Slack -"}, s.all("software", "name", "category"))
		},
		"what vanished and was archived comes back, and what was restored goes again": func(s *scene) {
			mdm := s.inStep(syncer.ArchiveAbsent, 2)
			run := mdm.sends(device(0)).run()
			require.EqualValues(s, 1, run.Vanished.Archived)
			got, told := mdm.reverts(run.ID, syncer.RevertOptions{KeepActive: true})
			s.expect(got, "updated 1")
			require.Equal(s, []string{"assets 2 updated restore"}, told)
			require.Equal(s, []string{"S0", "S1"}, s.all("assets", "serial_number"))

			require.NoError(s, s.store.Archive(s.Context(), "person", "assets", s.asset("S1").ID))
			mdm.edit(func(in *syncer.Integration) { in.RestoreArchived = true })
			run = mdm.sends(device(0), `{"id": "v1", "serial": "S1", "name": "back"}`).run()
			s.expect(run, "updated 1, unchanged 1")
			got, told = mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "updated 1")
			require.Equal(s, []string{`assets 2 updated archive device_name:"back"->"device 1"`}, told)
			require.Equal(s, []string{"S0 device 0", "S1 device 1 (archived)"}, s.all("assets", "serial_number", "device_name"))
		},
		"a child that was closed is open again, and is closed by the next run": func(s *scene) {
			mdm := s.launched(withSoftware(assets("mdm"))).sends(`{"id": "v1", "serial": "S1", "apps": [{"name": "Slack", "version": "2"}]}`)
			mdm.run()
			run := mdm.sends(`{"id": "v1", "serial": "S1", "apps": []}`).run()
			require.Equal(s, []string{"Slack 2 (archived)"}, s.installs("S1"))
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{KeepActive: true})
			require.Equal(s, map[string]syncer.Effects{"software_installs": {Restored: 1}}, got.Effects)
			require.Equal(s, []string{"Slack 2"}, s.installs("S1"))
			s.expect(mdm.run(), "updated 1")
			require.Equal(s, []string{"Slack 2 (archived)"}, s.installs("S1"))
		},
		"a key that one record handed to another goes back, whatever the order": func(s *scene) {
			mdm := s.devices().sends(device(1), device(2), device(3))
			mdm.run()
			before := s.values()
			run := mdm.sends(`{"id": "v1", "serial": "S9"}`, `{"id": "v2", "serial": "S1"}`, `{"id": "v3", "serial": "S2"}`).run()
			s.expect(run, "updated 3")
			for _, size := range []int{1, 2, 100} {
				mdm.opt.BatchSize = size
				dry, _ := mdm.reverts(run.ID, syncer.RevertOptions{DryRun: true})
				s.expect(dry, "updated 3")
				require.Empty(s, dry.Problems)
			}
			mdm.opt.BatchSize = 1
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "updated 3")
			require.Empty(s, got.Problems)
			require.Equal(s, before, s.values())
		},
		"a reference and the record that it means go back together": func(s *scene) {
			ada := s.inserts("users", map[string]string{"username": "ada", "email": "ada@example.com"})
			bob := s.inserts("users", map[string]string{"username": "bob", "email": "bob@example.com"})
			in := assets("mdm")
			in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "assigned_to", From: "user"})
			mdm := s.launched(in).sends(`{"id": "v1", "serial": "S1", "user": "ada@example.com"}`)
			mdm.run()
			require.Equal(s, ada, s.asset("S1").fields["assigned_to_id"])
			run := mdm.sends(`{"id": "v1", "serial": "S1", "user": "bob@example.com"}`).run()
			require.Equal(s, bob, s.asset("S1").fields["assigned_to_id"])
			mdm.reverts(run.ID, syncer.RevertOptions{})
			require.Equal(s, "ada@example.com", s.asset("S1").fields["assigned_to"])
			require.Equal(s, ada, s.asset("S1").fields["assigned_to_id"])
		},
		"a person's account goes with the person": func(s *scene) {
			in := users("idp")
			in.Mapping.Companions = []mapping.CompanionMapping{{Object: "saas_users", Application: "Chat", Fields: []mapping.FieldMapping{{To: "status", From: "state"}}}}
			idp := s.launched(in)
			run := idp.sends(`{"id": "u1", "login": "ada", "email": "ada@example.com", "state": "on"}`).run()
			require.Equal(s, []string{"u1 on"}, s.all("saas_users", "external_id", "status"))
			got, _ := idp.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "updated 1")
			require.Equal(s, map[string]syncer.Effects{"saas_users": {Archived: 1}, "saas_applications": {Archived: 1}}, got.Effects)
			require.Equal(s, []string{"u1 on (archived)"}, s.all("saas_users", "external_id", "status"))
			require.Equal(s, []string{"Chat (archived)"}, s.all("saas_applications", "name"))
		},
		"for some records alone, with what came along with them": func(s *scene) {
			mdm := s.launched(withSoftware(assets("mdm"))).sends(device(1), device(2))
			mdm.run()
			run := mdm.sends(
				`{"id": "v1", "serial": "S1", "name": "wrong", "apps": [{"name": "Slack", "version": "1"}, {"name": "Zoom", "version": "1"}]}`,
				`{"id": "v2", "serial": "S2", "name": "wrong", "apps": [{"name": "Slack", "version": "1"}]}`,
				device(3),
			).run()
			only := syncer.RevertOptions{Only: []string{s.asset("S1").ID}}
			for _, dry := range []bool{true, false} {
				only.DryRun = dry
				got, _ := mdm.reverts(run.ID, only)
				s.expect(got, "updated 1")
				require.Equal(s, map[string]syncer.Effects{"software": {Archived: 1}, "software_installs": {Archived: 2}}, got.Effects)
			}
			require.Equal(s, []string{"S1 device 1", "S2 wrong", "S3 device 3"}, s.all("assets", "serial_number", "device_name"))
			require.Equal(s, []string{"Slack", "Zoom (archived)"}, s.all("software", "name"))
			require.Equal(s, []string{"Slack 1 (archived)", "Zoom 1 (archived)"}, s.installs("S1"))
			require.Equal(s, []string{"Slack 1"}, s.installs("S2"))
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "updated 2, unchanged 1")
			require.Equal(s, []string{"S1 device 1", "S2 device 2", "S3 device 3 (archived)"}, s.all("assets", "serial_number", "device_name"))
		},
		"a run that wrote nothing leaves nothing to do": func(s *scene) {
			mdm := s.devices().sends(device(1))
			mdm.run()
			run := mdm.run()
			s.expect(run, "unchanged 1")
			before := dump(s, s.store)
			got, told := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "")
			require.Empty(s, told)
			require.Equal(s, syncer.Succeeded, got.Status)
			require.Equal(s, before, dump(s, s.store))
		},
	})
}

func TestRevertLeavesWhatWasChangedLater(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"by hand": func(s *scene) {
			mdm := s.devices().sends(device(1))
			mdm.run()
			run := mdm.sends(`{"id": "v1", "serial": "S1", "name": "wrong", "memory": 8}`).run()
			s.edits("assets", s.asset("S1").ID, map[string]string{"device_name": "by hand"})
			got, told := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "updated 1")
			require.Equal(s, syncer.WithProblems, got.Status)
			require.Equal(s, []string{"assets 1 updated memory_mb:8->null"}, told)
			require.Len(s, got.Problems, 1)
			require.Contains(s, problems(got)[0], "assets 1 device_name changed later: device_name was written again by person@example.com at ")
			require.Equal(s, []string{"S1 by hand -"}, s.all("assets", "serial_number", "device_name", "memory_mb"))
		},
		"by another integration, all of it": func(s *scene) {
			mdm := s.devices().sends(device(1))
			mdm.run()
			run := mdm.sends(`{"id": "v1", "serial": "S1", "name": "wrong"}`).run()
			later := s.launched(assets("edr")).sends(`{"id": "e1", "serial": "S1", "name": "edr's"}`).run()
			got, told := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "skipped 1")
			require.Equal(s, []string{"assets 1 skipped"}, told)
			require.Contains(s, problems(got)[0], "by edr@example.com in run "+later.ID+" of edr at ")
			require.Equal(s, "edr's", s.asset("S1").fields["device_name"])
		},
		"to what it was before, which is no problem": func(s *scene) {
			mdm := s.devices().sends(device(1))
			mdm.run()
			run := mdm.sends(`{"id": "v1", "serial": "S1", "name": "wrong"}`).run()
			s.edits("assets", s.asset("S1").ID, map[string]string{"device_name": "device 1"})
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "unchanged 1")
			require.Empty(s, got.Problems)
		},
		"a record that another integration brings by now is not archived": func(s *scene) {
			mdm := s.devices()
			run := mdm.sends(device(1), device(2)).run()
			s.launched(assets("edr")).sends(`{"id": "e1", "serial": "S1"}`).run()
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "updated 1, skipped 1")
			require.Equal(s, []string{"assets 1 in use: another integration brings the record, too; it was not archived"}, problems(got))
			require.Equal(s, []string{"S1", "S2 (archived)"}, s.all("assets", "serial_number"))
		},
		"a record to which a person has tied something is not archived": func(s *scene) {
			mdm := s.devices()
			run := mdm.sends(device(1)).run()
			title := s.inserts("software", map[string]string{"name": "Slack"})
			s.inserts("software_installs", map[string]string{"software": title, "asset": s.asset("S1").ID})
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "skipped 1")
			require.Equal(s, []string{"assets 1 in use: 1 record that others have tied to it would be left behind; it was not archived"}, problems(got))
			require.Equal(s, 1, s.live())
		},
		"a record that was taken out of the archive again stays": func(s *scene) {
			mdm := s.devices()
			run := mdm.sends(device(1)).run()
			mdm.reverts(run.ID, syncer.RevertOptions{})
			require.NoError(s, s.store.Restore(s.Context(), "person@example.com", "assets", s.asset("S1").ID))
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "skipped 1")
			require.Contains(s, problems(got)[0], "assets 1 changed later: the record was taken out of the archive again by person@example.com at ")
			require.Equal(s, 1, s.live())
		},
		"a record that was deleted": func(s *scene) {
			mdm := s.devices().sends(device(1))
			first := mdm.run()
			run := mdm.sends(`{"id": "v1", "serial": "S1", "name": "wrong"}`).run()
			require.NoError(s, s.store.Delete(s.Context(), "person", "assets", s.asset("S1").ID))
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "skipped 1")
			require.Equal(s, []string{"assets 1 changed later: the record was deleted"}, problems(got))
			got, _ = mdm.reverts(first.ID, syncer.RevertOptions{})
			s.expect(got, "unchanged 1")
			require.Empty(s, got.Problems, "it is gone, as before the run")
		},
		"a record that was merged into another": func(s *scene) {
			mdm := s.devices().sends(device(1), device(2))
			mdm.run()
			run := mdm.sends(`{"id": "v1", "serial": "S1", "name": "wrong"}`, device(2)).run()
			_, err := mdm.syncer().Merge(s.Context(), "assets", "2", "1", syncer.MergeOptions{})
			require.NoError(s, err)
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "skipped 1")
			require.Equal(s, []string{"assets 1 changed later: the record was merged into 2"}, problems(got))
		},
		"a unique value that another record holds by now": func(s *scene) {
			mdm := s.devices().sends(device(1))
			mdm.run()
			run := mdm.sends(`{"id": "v1", "serial": "S9", "name": "wrong"}`).run()
			s.inserts("assets", map[string]string{"serial_number": "s1"})
			dry, foretold := mdm.reverts(run.ID, syncer.RevertOptions{DryRun: true})
			got, told := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "updated 1")
			require.Equal(s, []string{`assets 1 updated device_name:"wrong"->"device 1"`}, told)
			require.Equal(s, []string{`assets 1 serial_number conflict: serial_number "S1" would go back to record 1, but record 2 holds it; correct it or merge the records`}, problems(got))
			require.Equal(s, told, foretold)
			require.Equal(s, problems(dry), problems(got))
			got, told = mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "failed 1")
			require.Equal(s, []string{"assets 1 failed"}, told)
		},
		"a reference to a record that was deleted": func(s *scene) {
			ada := s.inserts("users", map[string]string{"username": "ada", "email": "ada@example.com"})
			in := assets("mdm")
			in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "assigned_to", From: "user"})
			mdm := s.launched(in).sends(`{"id": "v1", "serial": "S1", "user": "ada@example.com"}`)
			mdm.run()
			run := mdm.sends(`{"id": "v1", "serial": "S1", "user": null}`).run()
			require.NoError(s, s.store.Delete(s.Context(), "person", "users", ada))
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			require.Equal(s, []string{"assets 2 assigned_to_id changed later: record " + ada + " of users, to which it referred, was deleted"}, problems(got))
			require.Equal(s, "ada@example.com", s.asset("S1").fields["assigned_to"])
			require.Empty(s, s.asset("S1").fields["assigned_to_id"])
		},
		"a reference to a record that was merged into another means that": func(s *scene) {
			for _, name := range []string{"ada", "bob"} {
				s.inserts("users", map[string]string{"username": name, "email": name + "@example.com"})
			}
			in := assets("mdm")
			in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "assigned_to", From: "user"})
			mdm := s.launched(in).sends(`{"id": "v1", "serial": "S1", "user": "ada"}`)
			mdm.run()
			run := mdm.sends(`{"id": "v1", "serial": "S1", "user": null}`).run()
			_, err := mdm.syncer().Merge(s.Context(), "users", "2", "1", syncer.MergeOptions{})
			require.NoError(s, err)
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			require.Empty(s, got.Problems)
			require.Equal(s, "2", s.asset("S1").fields["assigned_to_id"])
		},
		"a reference to what has become a part of the record itself": func(s *scene) {
			in := users("hr")
			in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "manager", From: "boss"})
			ada, bob := `{"id": "u1", "login": "ada", "email": "ada@example.com", "boss": "bob"}`, `{"id": "u2", "login": "bob", "email": "bob@example.com"}`
			hr := s.launched(in).sends(bob, ada)
			hr.run()
			run := hr.sends(bob, `{"id": "u1", "login": "ada", "email": "ada@example.com", "boss": null}`).run()
			_, err := hr.syncer().Merge(s.Context(), "users", s.one("users", "username", "ada").ID, s.one("users", "username", "bob").ID, syncer.MergeOptions{})
			require.NoError(s, err)
			got, _ := hr.reverts(run.ID, syncer.RevertOptions{})
			require.Len(s, got.Problems, 1)
			require.Contains(s, problems(got)[0], "manager_id changed later: record 1 of users, to which it referred, was merged into this one")
			require.Empty(s, s.one("users", "username", "ada").fields["manager_id"])
		},
		"a sensitive value, which history does not keep": func(s *scene) {
			mdm := s.devices()
			secret := func(records ...string) *feed {
				mdm.sends(records...)
				mdm.fake.Describe = func(spec *connector.Spec) {
					spec.Streams[0].Fields = []connector.Field{{Path: "name", Type: connector.StringField, Sensitive: true}}
				}
				return mdm
			}
			secret(`{"id": "v1", "serial": "S1", "name": "first"}`, `{"id": "v2", "serial": "S2"}`).run()
			run := secret(`{"id": "v1", "serial": "S1", "name": "second"}`, `{"id": "v2", "serial": "S2", "name": "third"}`).run()
			got, told := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "updated 1, skipped 1")
			require.ElementsMatch(s, []string{"assets 1 skipped", `assets 2 updated device_name:"********"->null`}, told)
			require.Equal(s, []string{"assets 1 device_name not kept: device_name is sensitive, and history masks its value from before; correct it by hand"}, problems(got))
			require.Equal(s, []string{"S1 second", "S2 -"}, s.all("assets", "serial_number", "device_name"))
			for _, e := range s.history("assets", s.asset("S2").ID) {
				require.NotContains(s, fmt.Sprint(e.Changes), "third")
			}
			s.edits("assets", s.asset("S2").ID, map[string]string{"device_name": "by hand"})
			got, _ = mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "skipped 2")
			require.Equal(s, []string{"S1 second", "S2 by hand"}, s.all("assets", "serial_number", "device_name"))
		},
	})
}

func TestRevertAndTheIntegration(t *testing.T) {
	t.Parallel()
	wrong := `{"id": "v1", "serial": "S1", "name": "wrong"}`
	stories(t, map[string]func(s *scene){
		"is paused, so that its next run does not write the same again": func(s *scene) {
			mdm := s.devices().sends(device(1))
			mdm.run()
			run := mdm.sends(wrong).run()
			mdm.reverts(run.ID, syncer.RevertOptions{})
			in, err := s.store.Integration(s.Context(), "mdm")
			require.NoError(s, err)
			require.Equal(s, syncer.Paused, in.State)
			require.Equal(s, undoer, in.Changes[len(in.Changes)-1].By)
			require.NoError(s, mdm.syncer().Launch(s.Context(), "mdm", "launcher"))
			s.expect(mdm.run(), "updated 1")
			require.Equal(s, "wrong", s.asset("S1").fields["device_name"])
		},
		"stays active if it is to, and its next run writes what the vendor says": func(s *scene) {
			mdm := s.launched(withSoftware(assets("mdm"))).sends(device(1))
			mdm.run()
			run := mdm.sends(`{"id": "v1", "serial": "S1", "name": "wrong", "apps": [{"name": "Slack", "version": "2"}]}`).run()
			mdm.reverts(run.ID, syncer.RevertOptions{KeepActive: true})
			require.Equal(s, "device 1", s.asset("S1").fields["device_name"])
			s.expect(mdm.run(), "updated 1")
			require.Equal(s, "wrong", s.asset("S1").fields["device_name"])
			require.Equal(s, []string{"Slack 2"}, s.installs("S1"))
		},
		"is not touched by a dry run, which writes nothing at all": func(s *scene) {
			mdm := s.devices().sends(device(1))
			mdm.run()
			run := mdm.sends(wrong, device(2)).run()
			before := dump(s, s.store)
			dry, foretold := mdm.reverts(run.ID, syncer.RevertOptions{DryRun: true})
			require.True(s, dry.Test)
			s.expect(dry, "updated 2")
			require.Equal(s, before, dump(s, s.store))
			_, err := s.store.Run(s.Context(), dry.ID)
			require.ErrorIs(s, err, syncer.ErrNotFound)
			in, err := s.store.Integration(s.Context(), "mdm")
			require.NoError(s, err)
			require.Equal(s, syncer.Active, in.State)
			got, told := mdm.reverts(run.ID, syncer.RevertOptions{})
			require.Equal(s, foretold, told)
			require.Equal(s, dry.Counts, got.Counts)
		},
		"reverting twice does nothing more": func(s *scene) {
			mdm := s.launched(withSoftware(assets("mdm"))).sends(device(1))
			mdm.run()
			run := mdm.sends(wrong, `{"id": "v2", "serial": "S2", "apps": [{"name": "Slack", "version": "2"}]}`).run()
			mdm.reverts(run.ID, syncer.RevertOptions{})
			before := dump(s, s.store)
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "unchanged 2")
			require.Empty(s, got.Problems)
			require.Empty(s, got.Effects)
			require.Equal(s, before, dump(s, s.store))
		},
		"a revert can be reverted": func(s *scene) {
			mdm := s.launched(withSoftware(assets("mdm"))).sends(device(1))
			mdm.run()
			run := mdm.sends(wrong, `{"id": "v2", "serial": "S2", "apps": [{"name": "Slack", "version": "2"}]}`).run()
			after := s.values()
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			require.NotEqual(s, after, s.values())
			back, _ := mdm.reverts(got.ID, syncer.RevertOptions{})
			s.expect(back, "updated 2")
			require.Equal(s, after, s.values())
		},
		"an interrupted run can be put back, and is not taken up again": func(s *scene) {
			mdm := s.devices().sendsPages(1, numbered(4, device)...)
			run := mdm.interruptedAfter(2)
			require.Equal(s, 2, s.live())
			mdm.reverts(run.ID, syncer.RevertOptions{KeepActive: true})
			require.Zero(s, s.live())
			mdm.edit(func(in *syncer.Integration) { in.RestoreArchived = true })
			next := mdm.run()
			require.NotEqual(s, run.ID, next.ID)
			require.Zero(s, next.Resumed)
			s.expect(next, "created 2, updated 2")
		},
		"a run whose process died can be put back": func(s *scene) {
			mdm := s.devices().sends(device(1))
			run := mdm.run()
			run.Status = syncer.Running
			require.NoError(s, s.store.SaveRun(s.Context(), run))
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "updated 1")
			kept, err := s.store.Run(s.Context(), run.ID)
			require.NoError(s, err)
			require.Equal(s, syncer.Interrupted, kept.Status)
			require.Contains(s, kept.Error, "put back by run "+got.ID)
		},
		"a revert that was interrupted can be made again, and no run goes on in its place": func(s *scene) {
			mdm := s.devices().sends(numbered(4, device)...)
			run := mdm.run()
			mdm.opt.BatchSize = 1
			ctx, cancel := context.WithCancel(s.Context())
			defer cancel()
			n := 0
			cut, err := mdm.syncer().Revert(ctx, run.ID, syncer.RevertOptions{By: undoer, KeepActive: true, Record: func(syncer.RevertRecord) error {
				if n++; n == 2 {
					cancel()
				}
				return nil
			}})
			require.ErrorIs(s, err, context.Canceled)
			require.Equal(s, syncer.Interrupted, cut.Status)
			s.expect(cut, "updated 2")
			require.Equal(s, 2, s.live())
			kept, err := s.store.Run(s.Context(), cut.ID)
			require.NoError(s, err)
			require.Equal(s, syncer.Interrupted, kept.Status)

			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{KeepActive: true})
			s.expect(got, "updated 2, unchanged 2")
			require.Zero(s, s.live())
			next := mdm.run()
			require.NotContains(s, []string{run.ID, cut.ID, got.ID}, next.ID)
			s.expect(next, "skipped 4")
		},
		"a revert that somebody cancels stops between two batches": func(s *scene) {
			mdm := s.devices().sends(numbered(3, device)...)
			run := mdm.run()
			mdm.opt.BatchSize = 1
			var reverting *syncer.Syncer
			mdm.opt.Progress = func(p syncer.Progress) {
				if p.Counts.Fetched == 1 && !p.Done {
					require.NoError(s, reverting.Cancel(s.Context(), p.Run))
				}
			}
			reverting = mdm.syncer()
			got, err := reverting.Revert(s.Context(), run.ID, syncer.RevertOptions{By: undoer})
			require.ErrorContains(s, err, "cancelled")
			require.Equal(s, syncer.Cancelled, got.Status)
			s.expect(got, "updated 1")
		},
		"an error of whoever listens ends it": func(s *scene) {
			mdm := s.devices().sends(device(1))
			run := mdm.run()
			full := errors.New("the disk is full")
			got, err := mdm.syncer().Revert(s.Context(), run.ID, syncer.RevertOptions{By: undoer, Record: func(syncer.RevertRecord) error { return full }})
			require.ErrorIs(s, err, full)
			require.Equal(s, syncer.Failed, got.Status)
			require.NotEmpty(s, got.Error)
			_, err = mdm.syncer().Revert(s.Context(), run.ID, syncer.RevertOptions{By: undoer})
			require.NoError(s, err, "the leases are free again")
		},
		"a store that is away for a moment is asked again, and nothing happens twice": func(s *scene) {
			mdm := s.devices().sends(device(1), device(2))
			mdm.run()
			run := mdm.sends(wrong, device(2)).run()
			m := s.meddles()
			times := 0
			m.apply = func(ctx context.Context, b *syncer.Batch) error {
				err := m.Store.Apply(ctx, b)
				if times++; err == nil && times <= 2 && len(b.Units) > 0 {
					return connector.Errorf(connector.ErrUnavailable, "apply", "the connection broke")
				}
				return err
			}
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "updated 1")
			require.Equal(s, "device 1", s.asset("S1").fields["device_name"])
			require.Len(s, s.history("assets", s.asset("S1").ID), 3)
		},
		"somebody who writes at the same moment is not overwritten": func(s *scene) {
			mdm := s.devices().sends(device(1))
			mdm.run()
			run := mdm.sends(`{"id": "v1", "serial": "S1", "name": "wrong", "memory": 8}`).run()
			id := s.asset("S1").ID
			m := s.meddles()
			once := false
			m.apply = func(ctx context.Context, b *syncer.Batch) error {
				if len(b.Units) > 0 && !once {
					once = true
					require.NoError(s, s.store.Edit(ctx, "person", "assets", id, map[string]string{"device_name": "quick"}))
				}
				return m.Store.Apply(ctx, b)
			}
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "updated 1")
			require.Contains(s, problems(got)[0], "assets 1 device_name changed later: ")
			require.Equal(s, []string{"S1 quick -"}, s.all("assets", "serial_number", "device_name", "memory_mb"))
		},
		"somebody who always writes at the same moment is left alone": func(s *scene) {
			mdm := s.devices().sends(device(1))
			mdm.run()
			run := mdm.sends(wrong).run()
			id := s.asset("S1").ID
			m := s.meddles()
			n := 0
			m.apply = func(ctx context.Context, b *syncer.Batch) error {
				if len(b.Units) > 0 {
					n++
					require.NoError(s, s.store.Edit(ctx, "person", "assets", id, map[string]string{"notes": fmt.Sprint("note ", n)}))
				}
				return m.Store.Apply(ctx, b)
			}
			got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
			s.expect(got, "failed 1")
			require.Contains(s, problems(got)[0], "assets 1 changed meanwhile: ")
			require.Less(s, n, 5)
		},
		"a lost lease ends it before it writes more": func(s *scene) {
			mdm := s.devices().sends(device(1), device(2))
			run := mdm.run()
			mdm.opt.BatchSize = 1
			n := 0
			got, err := mdm.syncer().Revert(s.Context(), run.ID, syncer.RevertOptions{By: undoer, Record: func(syncer.RevertRecord) error {
				if n++; n == 1 {
					_, err := s.store.Begin(s.Context(), syncer.Claim{Integration: "mdm", Owner: "another", TTL: time.Hour, Now: time.Now().Add(time.Hour)})
					require.NoError(s, err)
				}
				return nil
			}})
			require.ErrorIs(s, err, syncer.ErrFence)
			require.Equal(s, syncer.Interrupted, got.Status)
			require.Equal(s, 1, s.live())
		},
	})
}

func TestRevertRefusesWhatCannotBePutBack(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		run   func(s *scene, mdm *feed) string
		opt   syncer.RevertOptions
		is    error
		words string
	}{
		"a run that nobody knows": {
			run: func(*scene, *feed) string { return "no-such-run" }, is: syncer.ErrNotFound, words: `revert run "no-such-run"`,
		},
		"a test run": {
			run: func(s *scene, mdm *feed) string {
				run, _ := mdm.test(syncer.TestOptions{})
				return run.ID
			}, is: connector.ErrInvalid, words: "test run",
		},
		"a run that goes on": {
			run: func(s *scene, mdm *feed) string {
				_, err := s.store.Begin(s.Context(), syncer.Claim{Integration: "mdm", Owner: "elsewhere", TTL: time.Hour, Now: time.Now()})
				require.NoError(s, err)
				require.NoError(s, s.store.SaveRun(s.Context(), syncer.Run{ID: "on", Integration: "mdm", Status: syncer.Running, Started: time.Now()}))
				return "on"
			}, words: "is running already (elsewhere)",
		},
		"a dry run of a run that goes on": {
			run: func(s *scene, mdm *feed) string {
				require.NoError(s, s.store.SaveRun(s.Context(), syncer.Run{ID: "on", Integration: "mdm", Status: syncer.Running, Started: time.Now()}))
				return "on"
			}, opt: syncer.RevertOptions{DryRun: true}, is: connector.ErrInvalid, words: "it is running",
		},
		"a second revert at the same time": {
			run: func(s *scene, mdm *feed) string {
				run := mdm.run()
				_, err := s.store.Begin(s.Context(), syncer.Claim{Owner: "elsewhere", TTL: time.Hour, Now: time.Now()})
				require.NoError(s, err)
				return run.ID
			}, words: "another revert is under way (elsewhere)",
		},
		"nobody asks for it": {
			run: func(s *scene, mdm *feed) string { return mdm.run().ID }, opt: syncer.RevertOptions{By: " "}, is: connector.ErrInvalid, words: "who reverts",
		},
		"a store that does not know what a run wrote": {
			run: func(s *scene, mdm *feed) string {
				run := mdm.run()
				s.through = struct {
					syncer.Store
					syncer.Journal
				}{s.store, s.store}
				return run.ID
			}, is: connector.ErrUnsupported, words: "cannot tell what a run wrote",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.devices().sends(device(1))
			run := tc.run(s, mdm)
			before := dump(t, s.store)
			if tc.opt.By == "" {
				tc.opt.By = undoer
			}
			_, err := mdm.syncer().Revert(t.Context(), run, tc.opt)
			require.ErrorContains(t, err, tc.words)
			if tc.is != nil {
				require.ErrorIs(t, err, tc.is)
			} else {
				var busy *syncer.BusyError
				require.ErrorAs(t, err, &busy)
			}
			require.Equal(t, before, dump(t, s.store))
			in, err := s.store.Integration(t.Context(), "mdm")
			require.NoError(t, err)
			require.Equal(t, syncer.Active, in.State, "it was not paused")
		})
	}
}

func TestRevertDoesNotDependOnTheSizeOfBatches(t *testing.T) {
	t.Parallel()
	var first []string
	for _, size := range []int{1, 3, 1000} {
		s := newScene(t)
		mdm := s.launched(withSoftware(assets("mdm"))).serves(&connectortest.Fake{})
		mdm.sends(numbered(20, func(i int) string {
			return fmt.Sprintf(`{"id": "v%d", "serial": "S%d", "apps": [{"name": "app %d", "version": "1"}]}`, i, i, i%5)
		})...).run()
		renamed := numbered(20, func(i int) string {
			return fmt.Sprintf(`{"id": "v%d", "serial": "S%d", "apps": [{"name": "app %d", "version": "2"}, {"name": "new %d", "version": "1"}]}`, i, i+1, i%5, i%3)
		})
		slices.Reverse(renamed) // each serial number is free when the next one takes it
		run := mdm.sends(renamed...).run()
		s.expect(run, "updated 20")
		mdm.opt.BatchSize = size
		got, _ := mdm.reverts(run.ID, syncer.RevertOptions{})
		now := append(s.values(), tally(got.Counts), fmt.Sprint(got.Effects), strings.Join(problems(got), "\n"))
		if first == nil {
			first = now
		}
		require.Equal(t, first, now, "batches of %d", size)
	}
}
