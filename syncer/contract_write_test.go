package syncer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

func TestContract5Policy(t *testing.T) {
	t.Parallel()
	const known, unknown = `{"id": "v1", "serial": "A1", "name": "new"}`, `{"id": "v2", "serial": "A2", "name": "new"}`
	for name, tc := range map[string]struct {
		policy syncer.Policy
		told   []string
		after  []string
	}{
		"create and update, which is the default": {
			told: []string{"v1 updated", "v2 created"}, after: []string{"A1 new", "A2 new"},
		},
		"create only leaves what is there": {
			policy: syncer.CreateOnly,
			told:   []string{"v1 skipped: create only: the record is there already", "v2 created"}, after: []string{"A1 old", "A2 new"},
		},
		"update only makes nothing": {
			policy: syncer.UpdateOnly,
			told:   []string{"v1 updated", "v2 skipped: update only: no record matches"}, after: []string{"A1 new"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.inserts("assets", map[string]string{"serial_number": "A1", "device_name": "old"})
			in := assets("mdm")
			in.Policy = tc.policy
			mdm := s.launched(in).sends(known, unknown)
			require.Equal(t, tc.told, mdm.tells())
			require.Equal(t, tc.after, s.all("assets", "serial_number", "device_name"))
		})
	}
	stories(t, map[string]func(s *scene){
		"a skip is not an error": func(s *scene) {
			in := assets("mdm")
			in.Policy = syncer.UpdateOnly
			run := s.launched(in).sends(unknown).run()
			s.expect(run, "skipped 1")
			require.Equal(s, syncer.Succeeded, run.Status)
			require.Empty(s, run.Problems)
		},
		"create only skips what it created itself, changed or not": func(s *scene) {
			in := assets("mdm")
			in.Policy = syncer.CreateOnly
			mdm := s.launched(in)
			mdm.sends(known).run()
			require.Equal(s, []string{"v1 skipped: create only: the record is there already"}, mdm.tells())
			require.Equal(s, []string{"v1 skipped: create only: the record is there already"}, mdm.sends(`{"id": "v1", "serial": "A1", "name": "newer"}`).tells())
			require.Equal(s, "new", s.asset("A1").fields["device_name"])
		},
	})
}

func TestContract5AMatchOnAnArchivedRecord(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"is skipped": func(s *scene) {
			id := s.inserts("assets", map[string]string{"serial_number": "S1"})
			require.NoError(s, s.store.Archive(s.Context(), "person", "assets", id))
			mdm := s.devices().sends(device(1))
			require.Equal(s, []string{"v1 skipped: archived: the record 1 is archived; set restore_archived to take it back"}, mdm.tells())
			require.Equal(s, []string{"S1 - (archived)"}, s.all("assets", "serial_number", "device_name"))
			require.EqualValues(s, 2, s.asset("S1").Revision)
		},
		"is restored if the integration says so, and its fields written": func(s *scene) {
			id := s.inserts("assets", map[string]string{"serial_number": "S1"})
			require.NoError(s, s.store.Archive(s.Context(), "person", "assets", id))
			in := assets("mdm")
			in.RestoreArchived = true
			mdm := s.launched(in).sends(device(1))
			require.Equal(s, []string{"v1 updated: restored from the archive"}, mdm.tells())
			require.Equal(s, []string{"S1 device 1"}, s.all("assets", "serial_number", "device_name"))
			events := s.history("assets", id)
			require.Equal(s, syncer.Restore, events[len(events)-1].Op)
			s.expect(mdm.run(), "unchanged 1")
		},
		"is restored by its link too, though the vendor says the same as before": func(s *scene) {
			in := assets("mdm")
			mdm := s.launched(in)
			mdm.sends(device(1)).run()
			require.NoError(s, s.store.Archive(s.Context(), "person", "assets", "1"))
			s.expect(mdm.run(), "skipped 1")
			mdm.edit(func(in *syncer.Integration) { in.RestoreArchived = true })
			s.expect(mdm.run(), "updated 1")
			require.Equal(s, []string{"S1"}, s.all("assets", "serial_number"))
		},
		"under create only stays as it is": func(s *scene) {
			id := s.inserts("assets", map[string]string{"serial_number": "S1"})
			require.NoError(s, s.store.Archive(s.Context(), "person", "assets", id))
			in := assets("mdm")
			in.Policy, in.RestoreArchived = syncer.CreateOnly, true
			s.expect(s.launched(in).sends(device(1)).run(), "skipped 1")
			require.Equal(s, []string{"S1 (archived)"}, s.all("assets", "serial_number"))
		},
	})
}

func TestContract6WriteRules(t *testing.T) {
	t.Parallel()
	const absent, null, empty, value = `{"id": "v1", "serial": "A1"}`, `{"id": "v1", "serial": "A1", "name": null}`, `{"id": "v1", "serial": "A1", "name": "  "}`, `{"id": "v1", "serial": "A1", "name": "new"}`
	for name, tc := range map[string]struct {
		rule    mapping.WriteRule
		old     string // what the record has; empty for nothing
		record  string
		outcome string
		after   string
	}{
		"always: a value is written":                         {mapping.Always, "old", value, "updated 1", "new"},
		"always: absent leaves the target alone":             {mapping.Always, "old", absent, "unchanged 1", "old"},
		"always: null clears":                                {mapping.Always, "old", null, "updated 1", "-"},
		"always: a blank text clears":                        {mapping.Always, "old", empty, "updated 1", "-"},
		"always: null over nothing changes nothing":          {mapping.Always, "", null, "unchanged 1", "-"},
		"always is the default":                              {"", "old", value, "updated 1", "new"},
		"if empty: a value fills":                            {mapping.IfEmpty, "", value, "updated 1", "new"},
		"if empty: a value does not overwrite":               {mapping.IfEmpty, "old", value, "unchanged 1", "old"},
		"if empty: null does not clear":                      {mapping.IfEmpty, "old", null, "unchanged 1", "old"},
		"on create only: a record that exists is left alone": {mapping.OnCreate, "old", value, "unchanged 1", "old"},
		"on create only: an empty field too":                 {mapping.OnCreate, "", value, "unchanged 1", "-"},
		"on create only: null does not clear":                {mapping.OnCreate, "old", null, "unchanged 1", "old"},
		"never clear: a value is written":                    {mapping.NeverClear, "old", value, "updated 1", "new"},
		"never clear: null leaves the target alone":          {mapping.NeverClear, "old", null, "unchanged 1", "old"},
		"never clear: a blank text too":                      {mapping.NeverClear, "old", empty, "unchanged 1", "old"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.inserts("assets", map[string]string{"serial_number": "A1", "device_name": tc.old})
			in := assets("mdm")
			in.Mapping.Fields[2].Write = tc.rule
			mdm := s.launched(in)
			s.expect(mdm.sends(tc.record).run(), tc.outcome)
			require.Equal(t, []string{"A1 " + tc.after}, s.all("assets", "serial_number", "device_name"))
			s.expect(mdm.run(), "unchanged 1")
		})
	}
	for _, rule := range []mapping.WriteRule{mapping.Always, mapping.IfEmpty, mapping.OnCreate, mapping.NeverClear} {
		t.Run("a record is created with its value under "+string(rule), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			in := assets("mdm")
			in.Mapping.Fields[2].Write = rule
			s.expect(s.launched(in).sends(value).run(), "created 1")
			require.Equal(t, "new", s.asset("A1").fields["device_name"])
		})
	}
}

func TestContract6KeysDefaultsAndClearing(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"a secondary key is not written to a record that exists": func(s *scene) {
			s.inserts("assets", map[string]string{"serial_number": "A1", "asset_tag": "T1"})
			mdm := s.launched(byTagToo(assets("mdm"), false)).sends(`{"id": "v1", "serial": "A1", "tag": "T2"}`)
			s.expect(mdm.run(), "unchanged 1")
			require.Equal(s, []string{"A1 T1"}, s.all("assets", "serial_number", "asset_tag"))
		},
		"nor filled where it is empty": func(s *scene) {
			s.inserts("assets", map[string]string{"serial_number": "A1"})
			s.expect(s.launched(byTagToo(assets("mdm"), false)).sends(`{"id": "v1", "serial": "A1", "tag": "T2"}`).run(), "unchanged 1")
			require.Equal(s, []string{"A1 -"}, s.all("assets", "serial_number", "asset_tag"))
		},
		"unless it is to be updated": func(s *scene) {
			s.inserts("assets", map[string]string{"serial_number": "A1", "asset_tag": "T1"})
			s.expect(s.launched(byTagToo(assets("mdm"), true)).sends(`{"id": "v1", "serial": "A1", "tag": "T2"}`).run(), "updated 1")
			require.Equal(s, []string{"A1 T2"}, s.all("assets", "serial_number", "asset_tag"))
		},
		"a new record is made with all its keys": func(s *scene) {
			s.expect(s.launched(byTagToo(assets("mdm"), false)).sends(`{"id": "v1", "serial": "A1", "tag": "T2"}`).run(), "created 1")
			require.Equal(s, []string{"A1 T2"}, s.all("assets", "serial_number", "asset_tag"))
		},
		"a default applies on create, where the source has nothing": func(s *scene) {
			in := assets("mdm")
			in.Mapping.Fields[2].Default = "unnamed"
			s.expect(s.launched(in).sends(`{"id": "v1", "serial": "A1"}`, `{"id": "v2", "serial": "A2", "name": null}`, `{"id": "v3", "serial": "A3", "name": "named"}`).run(), "created 3")
			require.Equal(s, []string{"A1 unnamed", "A2 unnamed", "A3 named"}, s.all("assets", "serial_number", "device_name"))
		},
		"a default is not written to a record that exists": func(s *scene) {
			s.inserts("assets", map[string]string{"serial_number": "A1"})
			in := assets("mdm")
			in.Mapping.Fields[2].Default = "unnamed"
			s.expect(s.launched(in).sends(`{"id": "v1", "serial": "A1"}`).run(), "unchanged 1")
			require.Equal(s, []string{"A1 -"}, s.all("assets", "serial_number", "device_name"))
		},
		"a field that has a default alone gets it on create": func(s *scene) {
			in := assets("mdm")
			in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "status", Default: "in stock"})
			mdm := s.launched(in)
			mdm.sends(device(1)).run()
			require.Equal(s, "in stock", s.asset("S1").fields["status"])
			s.edits("assets", "1", map[string]string{"status": "in use"})
			s.expect(mdm.run(), "unchanged 1")
			require.Equal(s, "in use", s.asset("S1").fields["status"])
		},
		"a constant is written and put back": func(s *scene) {
			in := assets("mdm")
			in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "status", Value: "managed"})
			mdm := s.launched(in)
			mdm.sends(device(1)).run()
			s.edits("assets", "1", map[string]string{"status": "in use"})
			s.expect(mdm.run(), "updated 1")
			require.Equal(s, "managed", s.asset("S1").fields["status"])
		},
		"a sync key does not become empty": func(s *scene) {
			mdm := s.devices()
			mdm.sends(device(1), device(2), device(3)).run()
			run := mdm.sends(`{"id": "v1", "serial": null, "name": "new"}`, `{"id": "v2", "serial": "", "name": "new"}`, `{"id": "v3", "serial": "To be filled by O.E.M.", "name": "new"}`).run()
			s.expect(run, "failed 3")
			require.Equal(s, `v1 serial_number would clear: the source has no value for serial_number, which record 1 must keep; map it as never-clear or correct it at the vendor`, problems(run)[0])
			require.Equal(s, []string{"S1 device 1", "S2 device 2", "S3 device 3"}, s.all("assets", "serial_number", "device_name"))
		},
		"which mapping it as never-clear settles": func(s *scene) {
			for _, rule := range []mapping.WriteRule{mapping.NeverClear, mapping.OnCreate, mapping.IfEmpty} {
				s.Run(string(rule), func(t *testing.T) {
					s := newScene(t)
					in := assets("mdm")
					in.Mapping.Fields[0].Write = rule
					mdm := s.launched(in)
					mdm.sends(device(1)).run()
					s.expect(mdm.sends(`{"id": "v1", "serial": null, "name": "new"}`).run(), "updated 1")
					require.Equal(t, []string{"S1 new"}, s.all("assets", "serial_number", "device_name"))
				})
			}
		},
		"a required field does not become empty": func(s *scene) {
			hr := s.launched(users("hr"))
			hr.sends(`{"id": 1, "login": "ada", "email": "ada@example.com"}`).run()
			run := hr.sends(`{"id": 1, "login": "ada", "email": null, "name": "new"}`).run()
			s.expect(run, "failed 1")
			require.Equal(s, "email", run.Problems[0].Field)
			require.Equal(s, []string{"ada@example.com -"}, s.all("users", "email", "full_name"))
		},
		"nor does one that a mapper of the host's own would clear": func(s *scene) {
			hr := s.launched(users("hr"))
			hr.sends(`{"id": 1, "login": "ada", "email": "ada@example.com"}`).run()
			hr.opt.Mappers = map[string]mapping.Mapper{"hr": clearingMapper{}}
			run := hr.run()
			s.expect(run, "failed 1")
			require.Equal(s, []string{"1 role would clear: the source has no value for role, which record 1 must keep; map it as never-clear or correct it at the vendor"}, problems(run))
			require.Equal(s, []string{"member"}, s.all("users", "role"))
		},
		"a unique field that is no key may become empty": func(s *scene) {
			mdm := s.devices()
			mdm.sends(`{"id": "v1", "serial": "A1", "tag": "T1"}`).run()
			s.expect(mdm.sends(`{"id": "v1", "serial": "A1", "tag": null}`).run(), "updated 1")
			require.Equal(s, []string{"A1 -"}, s.all("assets", "serial_number", "asset_tag"))
		},
		"a secondary key that only matches is not cleared, and that is no fault": func(s *scene) {
			mdm := s.launched(byTagToo(assets("mdm"), false))
			mdm.sends(`{"id": "v1", "serial": "A1", "tag": "T1"}`).run()
			s.expect(mdm.sends(`{"id": "v1", "serial": "A1", "tag": null}`).run(), "unchanged 1")
			require.Equal(s, []string{"A1 T1"}, s.all("assets", "serial_number", "asset_tag"))
		},
		"a key that is empty already may stay so": func(s *scene) {
			mdm := s.launched(byTagToo(assets("mdm"), true))
			mdm.sends(`{"id": "v1", "serial": "A1"}`).run()
			s.expect(mdm.sends(`{"id": "v1", "serial": "A1", "tag": null, "name": "new"}`).run(), "updated 1")
		},
		"a reference keeps the source's text": func(s *scene) {
			in := assets("mdm")
			in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "assigned_to", From: "user"})
			s.launched(in).sends(`{"id": "v1", "serial": "A1", "user": "Ada@Example.com"}`).run()
			require.Equal(s, "Ada@Example.com", s.asset("A1").fields["assigned_to"])
		},
	})
}

// A clearingMapper says of everybody that they have no role.
type clearingMapper struct{}

func (clearingMapper) Targets() []mapping.Target {
	return []mapping.Target{{Object: "users", Columns: []mapping.Column{{Field: "username"}, {Field: "email"}, {Field: "role"}}}}
}

func (clearingMapper) Map(_ connector.Record, out *mapping.Out) error {
	out.VendorID = "1"
	_, values := out.AddRow(0, 3)
	values[0], values[1], values[2] = mapping.TextValue("ada"), mapping.TextValue("ada@example.com"), mapping.Null
	return nil
}

func TestContract7Diff(t *testing.T) {
	t.Parallel()
	for name, cache := range map[string]int{"links in memory": 0, "links looked up by batch": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synced := func(s *scene) *feed {
				mdm := s.devices()
				mdm.opt.MatchCache = cache
				s.expect(mdm.sends(device(1), device(2)).run(), "created 2")
				return mdm
			}
			stories(t, map[string]func(s *scene){
				"unchanged writes nothing per record": func(s *scene) {
					mdm := synced(s)
					before := dump(s, s.store)
					m := s.meddles()
					s.expect(mdm.run(), "unchanged 2")
					for _, b := range m.batches {
						require.Empty(s, b.Units)
					}
					require.Equal(s, []int{2}, m.read(), "the vendor ids go in one block")
					require.Equal(s, before, dump(s, s.store))
					require.Len(s, s.history("assets", "1"), 1)
				},
				"a changed record alone is updated": func(s *scene) {
					mdm := synced(s).sends(device(1), `{"id": "v2", "serial": "S2", "name": "new"}`)
					require.Equal(s, []string{"v1 unchanged", "v2 updated"}, mdm.tells())
					require.EqualValues(s, 1, s.asset("S1").Revision)
					require.EqualValues(s, 2, s.asset("S2").Revision)
					s.expect(mdm.run(), "unchanged 2")
				},
				"a value edited by hand is put back and counted updated": func(s *scene) {
					mdm := synced(s)
					s.edits("assets", "1", map[string]string{"device_name": "by hand"})
					require.Equal(s, []string{"v1 updated", "v2 unchanged"}, mdm.tells())
					require.Equal(s, "device 1", s.asset("S1").fields["device_name"])
					s.expect(mdm.run(), "unchanged 2")
				},
				"a value that is not mapped and edited by hand stays": func(s *scene) {
					mdm := synced(s)
					s.edits("assets", "1", map[string]string{"notes": "do not touch"})
					s.expect(mdm.run(), "unchanged 2")
					require.Equal(s, "do not touch", s.asset("S1").fields["notes"])
				},
				"a changed mapping over the same source updates": func(s *scene) {
					mdm := synced(s)
					mdm.edit(func(in *syncer.Integration) {
						in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "hostname", From: "name"})
					})
					s.expect(mdm.run(), "updated 2")
					require.Equal(s, "device 1", s.asset("S1").fields["hostname"])
					s.expect(mdm.run(), "unchanged 2")
				},
				"a changed mapping that comes to the same is unchanged": func(s *scene) {
					mdm := synced(s)
					mdm.edit(func(in *syncer.Integration) { in.Mapping.Fields[2].Write = mapping.NeverClear })
					s.expect(mdm.run(), "unchanged 2")
					require.EqualValues(s, 1, s.asset("S1").Revision)
				},
				"what another integration wrote makes the link stale": func(s *scene) {
					mdm := synced(s)
					edr := s.launched(assets("edr"))
					s.expect(edr.sends(`{"id": "e1", "serial": "S1", "name": "named by edr"}`).run(), "updated 1")
					s.expect(mdm.run(), "updated 1, unchanged 1")
					require.Equal(s, "device 1", s.asset("S1").fields["device_name"])
					s.expect(edr.run(), "updated 1")
				},
				"what another integration wrote beside it does not change the record": func(s *scene) {
					mdm := synced(s)
					in := assets("edr")
					in.Mapping.Fields = append(in.Mapping.Fields[:1:1], mapping.FieldMapping{To: "location", From: "place"})
					s.expect(s.launched(in).sends(`{"id": "e1", "serial": "S1", "place": "Bonn"}`).run(), "updated 1")
					s.expect(mdm.run(), "unchanged 2")
				},
				"a record archived and restored by hand is compared again": func(s *scene) {
					mdm := synced(s)
					require.NoError(s, s.store.Archive(s.Context(), "person", "assets", "1"))
					s.edits("assets", "1", map[string]string{"device_name": "by hand"})
					require.NoError(s, s.store.Restore(s.Context(), "person", "assets", "1"))
					s.expect(mdm.run(), "updated 1, unchanged 1")
				},
			})
		})
	}
}
