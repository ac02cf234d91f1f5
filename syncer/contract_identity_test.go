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

// byTagToo adds the asset tag as a second sync key.
func byTagToo(in syncer.Integration, update bool) syncer.Integration {
	in.Mapping.SyncKeys = append(in.Mapping.SyncKeys, mapping.SyncKey{Field: "asset_tag", Update: update})
	return in
}

func TestContract4AVendorIDIsReadOncePerRun(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"again it is skipped as a duplicate of itself": func(s *scene) {
			mdm := s.devices().sends(`{"id": "v1", "serial": "A1", "name": "first"}`, `{"id": "v1", "serial": "A2", "name": "second"}`)
			require.Equal(s, []string{"v1 created", "v1 skipped: duplicate of v1"}, mdm.tells())
			require.Equal(s, []string{"A1 first"}, s.all("assets", "serial_number", "device_name"))
		},
		"a number and a text of the same digits are one vendor id": func(s *scene) {
			s.expect(s.devices().sends(`{"id": 17, "serial": "A1"}`, `{"id": "17", "serial": "A2"}`).run(), "created 1, skipped 1")
		},
		"also when the first was filtered, failed or skipped": func(s *scene) {
			in := assets("mdm")
			in.Policy = syncer.CreateOnly
			s.inserts("assets", map[string]string{"serial_number": "A3"})
			mdm := s.launched(in).sends(
				`{"id": "v1", "serial": "A1", "kind": "printer"}`, `{"id": "v1", "serial": "A1", "kind": "laptop"}`,
				`{"id": "v2", "serial": "A2", "kind": "laptop", "memory": "much"}`, `{"id": "v2", "serial": "A2", "kind": "laptop"}`,
				`{"id": "v3", "serial": "A3", "kind": "laptop"}`, `{"id": "v3", "serial": "A4", "kind": "laptop"}`,
			)
			mdm.opt.Filters = filterBy(laptopsOnly)
			told := mdm.tells()
			require.Equal(s, "v1 filtered: filter: the host's filter leaves it out", told[0])
			require.Equal(s, "v1 skipped: duplicate of v1", told[1])
			require.Contains(s, told[2], "v2 failed: invalid value")
			require.Equal(s, "v2 skipped: duplicate of v2", told[3])
			require.Contains(s, told[4], "v3 skipped: create only")
			require.Equal(s, "v3 skipped: duplicate of v3", told[5])
			require.Equal(s, []string{"A3"}, s.all("assets", "serial_number"))
		},
		"also across pages, batches and a resume": func(s *scene) {
			mdm := s.devices().sendsPages(2, device(1), device(2), device(3), device(1), device(2), device(4))
			interrupted := mdm.interruptedAfter(1)
			s.expect(interrupted, "created 2")
			s.expect(mdm.run(), "created 4, skipped 2")
		},
		"also where the first was read before the resume and filtered": func(s *scene) {
			mdm := s.devices().sendsPages(1, `{"id": "v1", "serial": "A1", "kind": "printer"}`, `{"id": "v1", "serial": "A1", "kind": "laptop"}`)
			mdm.opt.Filters = filterBy(laptopsOnly)
			s.expect(mdm.interruptedAfter(1), "filtered 1")
			s.expect(mdm.run(), "filtered 1, skipped 1")
		},
		"the next run reads it again": func(s *scene) {
			mdm := s.devices().sends(device(1))
			s.expect(mdm.run(), "created 1")
			s.expect(mdm.run(), "unchanged 1")
		},
		"10,000 times the same": func(s *scene) {
			run := s.devices().sends(numbered(10_000, func(int) string { return device(1) })...).run()
			s.expect(run, "created 1, skipped 9999")
			require.Equal(s, syncer.Succeeded, run.Status)
			require.Zero(s, run.ProblemCount)
		},
		"10,000 vendor ids for the same device": func(s *scene) {
			mdm := s.devices().sends(numbered(10_000, func(i int) string { return fmt.Sprintf(`{"id": %d, "serial": "A1"}`, i) })...)
			mdm.opt.BatchSize = 700
			s.expect(mdm.run(), "created 1, skipped 9999")
			require.Equal(s, []string{"0 -> 1"}, s.links("mdm"))
		},
	})
}

func filterBy(keep func(rec connector.Record) bool) map[string]func(connector.Record) bool {
	return map[string]func(connector.Record) bool{"mdm": keep}
}

func TestContract4TheOwnLinkComesFirst(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"a changed serial number is a rename": func(s *scene) {
			mdm := s.devices()
			mdm.sends(`{"id": "v1", "serial": "A1"}`).run()
			s.expect(mdm.sends(`{"id": "v1", "serial": "A2"}`).run(), "updated 1")
			require.Equal(s, []string{"A2"}, s.all("assets", "serial_number"))
		},
		"a changed e-mail and username are a rename": func(s *scene) {
			hr := s.launched(users("hr"))
			hr.sends(`{"id": 1, "login": "ada", "email": "ada@example.com"}`).run()
			s.expect(hr.sends(`{"id": 1, "login": "ada.lovelace", "email": "lovelace@example.com"}`).run(), "updated 1")
			require.Equal(s, []string{"ada.lovelace ada@example.com"}, s.all("users", "username", "email"), "the e-mail is a secondary key, which is not written")
			hr.edit(func(in *syncer.Integration) { in.Mapping.SyncKeys[1].Update = true })
			s.expect(hr.run(), "updated 1")
			require.Equal(s, []string{"ada.lovelace lovelace@example.com"}, s.all("users", "username", "email"))
		},
		"a vendor id that comes with the serial number of another is a conflict, not that other": func(s *scene) {
			mdm := s.devices()
			mdm.sends(`{"id": "v1", "serial": "A1"}`, `{"id": "v2", "serial": "A2"}`).run()
			run := mdm.sends(`{"id": "v1", "serial": "A2"}`).run()
			s.expect(run, "failed 1")
			require.Equal(s, []string{"A1", "A2"}, s.all("assets", "serial_number"))
		},
		"two devices change names one after the other": func(s *scene) {
			mdm := s.devices()
			mdm.sends(`{"id": "v1", "serial": "A1"}`, `{"id": "v2", "serial": "A2"}`).run()
			s.expect(mdm.sends(`{"id": "v1", "serial": "A3"}`, `{"id": "v2", "serial": "A1"}`).run(), "updated 2")
			require.Equal(s, []string{"A3", "A1"}, s.all("assets", "serial_number"))
		},
		"an absent sync key is then no reason to skip": func(s *scene) {
			mdm := s.devices()
			mdm.sends(`{"id": "v1", "serial": "A1", "name": "old"}`).run()
			s.expect(mdm.sends(`{"id": "v1", "name": "new"}`).run(), "updated 1")
			require.Equal(s, []string{"A1 new"}, s.all("assets", "serial_number", "device_name"))
		},
		"a serial number that a person has changed in the store does not lose the link": func(s *scene) {
			mdm := s.devices()
			mdm.sends(device(1)).run()
			s.edits("assets", "1", map[string]string{"serial_number": "other"})
			s.expect(mdm.run(), "updated 1")
			require.Equal(s, []string{"S1"}, s.all("assets", "serial_number"))
		},
		"a link to a deleted record is no link": func(s *scene) {
			mdm := s.devices()
			mdm.sends(device(1)).run()
			require.NoError(s, s.store.Delete(s.Context(), "person", "assets", "1"))
			s.expect(mdm.run(), "created 1")
			require.Equal(s, []string{"v1 -> 2"}, s.links("mdm"))
		},
		"after a deletion the sync keys find the record's successor": func(s *scene) {
			mdm := s.devices()
			mdm.sends(device(1)).run()
			require.NoError(s, s.store.Delete(s.Context(), "person", "assets", "1"))
			id := s.inserts("assets", map[string]string{"serial_number": "s1"})
			s.expect(mdm.run(), "updated 1")
			require.Equal(s, []string{"v1 -> " + id}, s.links("mdm"))
		},
		"the links of another integration are its own": func(s *scene) {
			mdm, edr := s.devices(), s.launched(assets("edr"))
			mdm.sends(`{"id": "v1", "serial": "A1"}`).run()
			s.expect(edr.sends(`{"id": "v1", "serial": "B1"}`).run(), "created 1")
			require.Equal(s, []string{"v1 -> 1"}, s.links("mdm"))
			require.Equal(s, []string{"v1 -> 2"}, s.links("edr"))
		},
		"two integrations may have a link each to one record": func(s *scene) {
			mdm, edr := s.devices(), s.launched(assets("edr"))
			mdm.sends(`{"id": "v1", "serial": "A1"}`).run()
			s.expect(edr.sends(`{"id": "e1", "serial": "a1", "name": "named by edr"}`).run(), "updated 1")
			require.Equal(s, []string{"v1 -> 1"}, s.links("mdm"))
			require.Equal(s, []string{"e1 -> 1"}, s.links("edr"))
		},
	})
}

func TestContract4SyncKeysInOrderOfPriority(t *testing.T) {
	t.Parallel()
	const both = `{"id": "v1", "serial": "A1", "tag": "T1", "name": "new"}`
	stories(t, map[string]func(s *scene){
		"the first key with a match decides": func(s *scene) {
			s.inserts("assets", map[string]string{"serial_number": "A1", "device_name": "by serial"})
			s.inserts("assets", map[string]string{"asset_tag": "T1", "device_name": "by tag"})
			mdm := s.launched(byTagToo(assets("mdm"), false)).sends(both)
			run := mdm.run()
			s.expect(run, "updated 1")
			require.Equal(s, []string{"A1 - new", "- T1 by tag"}, s.all("assets", "serial_number", "asset_tag", "device_name"))
		},
		"the second key finds what the first does not, and the first is written": func(s *scene) {
			s.inserts("assets", map[string]string{"serial_number": "old", "asset_tag": "T1"})
			s.expect(s.launched(byTagToo(assets("mdm"), false)).sends(both).run(), "updated 1")
			require.Equal(s, []string{"A1 T1 new"}, s.all("assets", "serial_number", "asset_tag", "device_name"))
		},
		"the second key alone is usable": func(s *scene) {
			s.inserts("assets", map[string]string{"serial_number": "A1", "asset_tag": "T1"})
			s.expect(s.launched(byTagToo(assets("mdm"), false)).sends(`{"id": "v1", "serial": "None", "tag": "t1", "name": "new"}`, `{"id": "v2", "tag": "T2"}`).run(), "created 1, failed 1")
			require.Equal(s, []string{"A1 T1 -", "- T2 -"}, s.all("assets", "serial_number", "asset_tag", "device_name"))
		},
		"a secondary key that is not written and points elsewhere is a problem, not a failure": func(s *scene) {
			s.inserts("assets", map[string]string{"serial_number": "A1"})
			s.inserts("assets", map[string]string{"asset_tag": "T1"})
			run := s.launched(byTagToo(assets("mdm"), false)).sends(both).run()
			s.expect(run, "updated 1")
			require.Equal(s, syncer.WithProblems, run.Status)
			require.Equal(s, []string{"v1 asset_tag key elsewhere: this secondary sync key belongs to record 2; it was not used"}, problems(run))
			require.Equal(s, []string{"A1 -", "- T1"}, s.all("assets", "serial_number", "asset_tag"))
		},
		"a secondary key that is written and points elsewhere is a conflict": func(s *scene) {
			s.inserts("assets", map[string]string{"serial_number": "A1"})
			s.inserts("assets", map[string]string{"asset_tag": "T1"})
			run := s.launched(byTagToo(assets("mdm"), true)).sends(both).run()
			s.expect(run, "failed 1")
			require.Equal(s, []string{`v1 asset_tag conflict: asset_tag "T1" would go to record 1, but record 2 holds it; correct it at the vendor or merge the records`}, problems(run))
		},
		"a record that another vendor id of this run was matched to is taken": func(s *scene) {
			for name, size := range map[string]int{"in one batch": 10, "in two": 1} {
				s.Run(name, func(t *testing.T) {
					s := newScene(t)
					s.inserts("assets", map[string]string{"serial_number": "A1", "asset_tag": "T1"})
					mdm := s.launched(byTagToo(assets("mdm"), false)).sendsPages(size, `{"id": "v1", "serial": "A1"}`, `{"id": "v2", "tag": "T1"}`)
					require.Equal(t, []string{"v1 unchanged", "v2 skipped: duplicate of v1"}, mdm.tells())
					require.Equal(t, []string{"v1 -> 1"}, s.links("mdm"))
				})
			}
		},
		"more than one hit is ambiguous, with the ids, and nothing is guessed": func(s *scene) {
			s.inserts("assets", map[string]string{"serial_number": "A1"})
			s.inserts("assets", map[string]string{"serial_number": "A2"})
			m := s.meddles()
			m.match = func(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
				hits, err := m.Store.Match(ctx, q)
				if q.By == syncer.ByKey && q.Fields[0] == "serial_number" {
					all, err := m.Store.Match(ctx, syncer.Query{Integration: q.Integration, Object: q.Object, By: syncer.ByID, Values: []string{"2", "1"}})
					for i := range hits {
						hits[i] = append(all[0], all[1]...)
					}
					return hits, err
				}
				return hits, err
			}
			run := s.devices().sends(`{"id": "v1", "serial": "A1", "name": "new"}`).run()
			s.expect(run, "failed 1")
			require.Equal(s, []string{`v1 serial_number ambiguous: serial_number "A1" is held by the records 1, 2; merge them or correct one`}, problems(run))
			require.Equal(s, []string{"A1 -", "A2 -"}, s.all("assets", "serial_number", "device_name"))
			require.Empty(s, s.links("mdm"))
		},
		"no usable key is skipped, and the keys are named": func(s *scene) {
			mdm := s.launched(byTagToo(assets("mdm"), false)).sends(`{"id": "v1", "name": "nobody's"}`, `{"id": "v2", "serial": null, "tag": "N/A"}`)
			require.Equal(s, []string{
				"v1 skipped: no sync key: none of serial_number, asset_tag has a usable value",
				"v2 skipped: no sync key: none of serial_number, asset_tag has a usable value",
			}, mdm.tells())
			require.Empty(s, s.rows("assets"))
		},
		"a composite key finds the account of an application": func(s *scene) {
			saas := s.launched(accounts("okta"))
			s.expect(saas.sends(`{"id": "a", "app": "Slack", "account": "U1"}`, `{"id": "b", "app": "Zoom", "account": "U1"}`, `{"id": "c", "app": "slack", "account": "u1"}`).run(), "created 2, skipped 1")
			again := s.launched(accounts("azure"))
			s.expect(again.sends(`{"id": "z", "app": "SLACK", "account": "U1", "status": "active"}`).run(), "updated 1")
			require.Equal(s, []string{"U1 active", "U1 -"}, s.all("saas_users", "external_id", "status"))
			require.Equal(s, []string{"Slack", "Zoom"}, s.all("saas_applications", "name"))
		},
	})
}

// accounts is an integration of accounts in applications.
func accounts(id string) syncer.Integration {
	return syncer.Integration{ID: id, Connector: id, Stream: "records", User: id + "@example.com", Mapping: mapping.Mapping{
		Object: "saas_users", Key: "id",
		Fields: []mapping.FieldMapping{
			{To: "application", From: "app"}, {To: "external_id", From: "account"}, {To: "status", From: "status"},
		},
		SyncKeys: []mapping.SyncKey{{Field: "external_id"}},
	}}
}

func TestContract4ReEnrolment(t *testing.T) {
	t.Parallel()
	const (
		old    = `{"id": "v1", "serial": "A1", "name": "laptop"}`
		newer  = `{"id": "v2", "serial": "A1", "name": "laptop"}`
		newest = `{"id": "v3", "serial": "A1", "name": "laptop"}`
	)
	for name, cache := range map[string]int{"links in memory": 0, "links looked up by batch": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			enrolled := func(s *scene, records ...string) *feed {
				mdm := s.devices()
				mdm.opt.MatchCache = cache
				require.Equal(s, []string{"v1 created"}, mdm.sends(old).tells())
				return mdm.sends(records...)
			}
			stories(t, map[string]func(s *scene){
				"a new vendor id of the same device takes the record over": func(s *scene) {
					mdm := enrolled(s, newer)
					require.Equal(s, []string{"v2 unchanged: takes the record over from v1"}, mdm.tells())
					require.Equal(s, []string{"v1 -> 1, superseded by v2", "v2 -> 1"}, s.links("mdm"))
					require.EqualValues(s, 1, s.asset("A1").Revision)
				},
				"the old vendor id is skipped in the same run and in the next ones": func(s *scene) {
					mdm := enrolled(s, newer, old)
					require.Equal(s, []string{"v2 unchanged: takes the record over from v1", "v1 skipped: duplicate of v2"}, mdm.tells())
					for range 2 {
						require.Equal(s, []string{"v2 unchanged", "v1 skipped: duplicate of v2"}, mdm.tells())
					}
					require.Equal(s, []string{"v1 skipped: duplicate of v2", "v2 unchanged"}, mdm.sends(old, newer).tells(), "in whatever order")
				},
				"the old vendor id does not come back by another serial number": func(s *scene) {
					mdm := enrolled(s, newer, `{"id": "v1", "serial": "A7"}`)
					require.Equal(s, []string{"v2 unchanged: takes the record over from v1", "v1 skipped: duplicate of v2"}, mdm.tells())
					require.Equal(s, []string{"A1"}, s.all("assets", "serial_number"))
				},
				"it comes back only after a complete read that missed the holder": func(s *scene) {
					mdm := enrolled(s, newer)
					mdm.run()
					mdm.sends(old).breaks()
					require.Equal(s, []string{"v1 skipped: duplicate of v2", "line 7 failed: malformed record: read line: no JSON [malformed: look at the vendor's answer; it is not what its documentation says]"}, mdm.tells())
					require.Equal(s, []string{"v1 skipped: duplicate of v2"}, mdm.sends(old).tells(), "the read before was not complete")
					require.Equal(s, []string{"v1 unchanged: takes the record over from v2"}, mdm.sends(old).tells())
					require.Equal(s, []string{"v1 -> 1", "v2 -> 1, superseded by v1"}, s.links("mdm"))
				},
				"a vendor id that this run has read already keeps its record": func(s *scene) {
					mdm := enrolled(s, old, newer)
					require.Equal(s, []string{"v1 unchanged", "v2 skipped: duplicate of v1"}, mdm.tells())
					require.Equal(s, []string{"v1 -> 1"}, s.links("mdm"))
				},
				"also if it was read and failed": func(s *scene) {
					mdm := enrolled(s, `{"id": "v1", "serial": "A1", "memory": "much"}`, newer)
					require.Equal(s, "v2 skipped: duplicate of v1", mdm.tells()[1])
				},
				"a chain of take-overs ends at the last one": func(s *scene) {
					mdm := enrolled(s, newer)
					mdm.run()
					require.Equal(s, []string{
						"v3 unchanged: takes the record over from v2", "v1 skipped: duplicate of v3", "v2 skipped: duplicate of v3",
					}, mdm.sends(newest, old, newer).tells())
					require.Equal(s, []string{"v1 -> 1, superseded by v3", "v2 -> 1, superseded by v3", "v3 -> 1"}, s.links("mdm"))
				},
				"each record has one live link per integration": func(s *scene) {
					mdm := enrolled(s, newer)
					mdm.run()
					mdm.sends(newest).run()
					live := 0
					for l, err := range s.store.ScanLinks(s.Context(), "mdm", "assets") {
						require.NoError(s, err)
						if l.SupersededBy == "" {
							live++
						}
					}
					require.Equal(s, 1, live)
				},
				"what was taken over is not missing": func(s *scene) {
					mdm := enrolled(s, newer)
					run := mdm.run()
					require.True(s, run.Complete)
					require.Zero(s, run.Vanished)
				},
				"a linked record that gets the serial number of another does not take that over": func(s *scene) {
					mdm := enrolled(s, old, `{"id": "v2", "serial": "A2"}`)
					mdm.run()
					run := mdm.sends(`{"id": "v2", "serial": "A1"}`).run()
					s.expect(run, "failed 1")
					require.Equal(s, []string{"v1 -> 1", "v2 -> 2"}, s.links("mdm"))
				},
			})
		})
	}
}

func TestContract4AUniqueClashIsAConflictThatNamesBoth(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"a record that would be created": func(s *scene) {
			s.inserts("assets", map[string]string{"serial_number": "A1", "asset_tag": "T1"})
			run := s.devices().sends(`{"id": "v1", "serial": "A2", "tag": "t1"}`).run()
			s.expect(run, "failed 1")
			require.Equal(s, []string{`v1 asset_tag conflict: asset_tag "T1" would go to a new record, but record 1 holds it; correct it at the vendor or merge the records`}, problems(run))
			require.Len(s, s.rows("assets"), 1)
		},
		"a record that would be updated": func(s *scene) {
			mdm := s.devices()
			mdm.sends(device(1), device(2)).run()
			s.inserts("assets", map[string]string{"asset_tag": "T1"})
			run := mdm.sends(`{"id": "v1", "serial": "S1", "tag": "T1"}`, `{"id": "v2", "serial": "s1"}`).run()
			s.expect(run, "failed 2")
			require.Equal(s, []string{
				`v1 asset_tag conflict: asset_tag "T1" would go to record 1, but record 3 holds it; correct it at the vendor or merge the records`,
				`v2 serial_number conflict: serial_number "S1" would go to record 2, but the record of v1 holds it; correct it at the vendor or merge the records`,
			}, problems(run))
		},
		"two records of one run": func(s *scene) {
			for name, size := range map[string]int{"in one batch": 10, "in two": 1} {
				s.Run(name, func(t *testing.T) {
					s := newScene(t)
					run := s.devices().sendsPages(size, `{"id": "v1", "serial": "A1", "tag": "T1"}`, `{"id": "v2", "serial": "A2", "tag": "T1"}`).run()
					s.expect(run, "created 1, failed 1")
					require.Equal(s, []string{`v2 asset_tag conflict: asset_tag "T1" would go to a new record, but the record of v1 holds it; correct it at the vendor or merge the records`}, problems(run))
				})
			}
		},
		"a value that its holder gives up in the same run is free": func(s *scene) {
			mdm := s.devices()
			mdm.sends(`{"id": "v1", "serial": "A1", "tag": "T1"}`, `{"id": "v2", "serial": "A2"}`).run()
			s.expect(mdm.sends(`{"id": "v1", "serial": "A1", "tag": null}`, `{"id": "v2", "serial": "A2", "tag": "T1"}`).run(), "updated 2")
			require.Equal(s, []string{"A1 -", "A2 T1"}, s.all("assets", "serial_number", "asset_tag"))
		},
		"the holder may be in the archive": func(s *scene) {
			id := s.inserts("assets", map[string]string{"asset_tag": "T1"})
			require.NoError(s, s.store.Archive(s.Context(), "person", "assets", id))
			run := s.devices().sends(`{"id": "v1", "serial": "A1", "tag": "T1"}`).run()
			s.expect(run, "failed 1")
			require.Contains(s, problems(run)[0], "record 1 holds it")
		},
		"it is settled once the vendor corrects it": func(s *scene) {
			s.inserts("assets", map[string]string{"asset_tag": "T1"})
			mdm := s.devices()
			s.expect(mdm.sends(`{"id": "v1", "serial": "A1", "tag": "T1"}`).run(), "failed 1")
			s.expect(mdm.sends(`{"id": "v1", "serial": "A1", "tag": "T2"}`).run(), "created 1")
		},
	})
}
