package syncer_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// laptopsOnly keeps the records that say that they are laptops.
func laptopsOnly(rec connector.Record) bool {
	var r struct{ Kind string }
	return json.Unmarshal(rec, &r) == nil && r.Kind == "laptop"
}

func TestContract1Filter(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"a record that the filter rejects is filtered and written nowhere": func(s *scene) {
			mdm := s.devices()
			mdm.opt.Filters = map[string]func(connector.Record) bool{"mdm": laptopsOnly}
			mdm.sends(`{"id": "v1", "serial": "A1", "kind": "laptop"}`, `{"id": "v2", "serial": "A2", "kind": "printer"}`)
			s.expect(mdm.run(), "filtered 1, created 1")
			require.Equal(s, []string{"A1"}, s.all("assets", "serial_number"))
			require.Equal(s, []string{"v1 -> 1"}, s.links("mdm"))
		},
		"the filter is asked before the mapping is found faulty": func(s *scene) {
			mdm := s.devices()
			mdm.opt.Filters = map[string]func(connector.Record) bool{"mdm": laptopsOnly}
			mdm.sends(`{"id": "v1", "memory": "much", "kind": "printer"}`, `{"kind": "printer"}`)
			run := mdm.run()
			s.expect(run, "filtered 2")
			require.Equal(s, syncer.Succeeded, run.Status)
		},
		"what is no record is failed, not filtered": func(s *scene) {
			mdm := s.devices()
			mdm.opt.Filters = map[string]func(connector.Record) bool{"mdm": laptopsOnly}
			mdm.sends(`{"id": "v1", `)
			s.expect(mdm.run(), "failed 1")
		},
		"a filter is one integration's own": func(s *scene) {
			mdm := s.devices()
			mdm.opt.Filters = map[string]func(connector.Record) bool{"other": func(connector.Record) bool { return false }}
			s.expect(mdm.sends(device(1)).run(), "created 1")
		},
		"a record that was synced and is filtered now stays as it is, and is present": func(s *scene) {
			in := assets("mdm")
			in.Absence = syncer.ArchiveAbsent
			mdm := s.launched(in)
			s.expect(mdm.sends(device(1), device(2)).run(), "created 2")
			mdm.opt.Filters = map[string]func(connector.Record) bool{"mdm": func(rec connector.Record) bool { return !strings.Contains(rec.String(), "v2") }}
			run := mdm.run()
			s.expect(run, "filtered 1, unchanged 1")
			require.Zero(s, run.Vanished)
			require.Equal(s, []string{"S1", "S2"}, s.all("assets", "serial_number"))
		},
		"a filter that panics fails the record alone": func(s *scene) {
			mdm := s.devices()
			mdm.opt.Filters = map[string]func(connector.Record) bool{"mdm": func(rec connector.Record) bool {
				if strings.Contains(rec.String(), "v1") {
					panic("no such kind")
				}
				return true
			}}
			run := mdm.sends(device(1), device(2)).run()
			s.expect(run, "created 1, failed 1")
			require.Contains(s, problems(run)[0], "v1 malformed record")
			require.Contains(s, problems(run)[0], "no such kind")
		},
	})
}

func TestContract2Map(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"a value of the wrong type fails its record with field, value and reason, and the run goes on": func(s *scene) {
			mdm := s.devices()
			run := mdm.sends(device(1), `{"id": "v2", "serial": "S2", "memory": "much"}`, device(3)).run()
			s.expect(run, "created 2, failed 1")
			require.Equal(s, syncer.WithProblems, run.Status)
			require.Len(s, run.Problems, 1)
			require.Equal(s, "v2", run.Problems[0].Record)
			require.Equal(s, "memory_mb", run.Problems[0].Field)
			require.Contains(s, run.Problems[0].Reason, `invalid value: memory_mb "much": `)
			require.Equal(s, []string{"S1", "S3"}, s.all("assets", "serial_number"))
		},
		"all faults of a record are told together, and it is counted once": func(s *scene) {
			in := assets("mdm")
			in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "managed", From: "managed"})
			run := s.launched(in).sends(`{"id": "v1", "serial": "S1", "memory": "much", "managed": "perhaps"}`).run()
			s.expect(run, "failed 1")
			require.EqualValues(s, 1, run.ProblemCount)
			require.Contains(s, run.Problems[0].Reason, `memory_mb "much"`)
			require.Contains(s, run.Problems[0].Reason, `managed "perhaps"`)
		},
		"a record without a required field is failed": func(s *scene) {
			run := s.launched(users("hr")).sends(`{"id": 1, "login": "ada", "email": "ada@example.com"}`, `{"id": 2, "login": "bob"}`, `{"id": 3, "login": "cy", "email": " "}`).run()
			s.expect(run, "created 1, failed 2")
			for i, id := range []string{"2", "3"} {
				require.Equal(s, id, run.Problems[i].Record)
				require.Equal(s, "email", run.Problems[i].Field)
				require.Contains(s, run.Problems[i].Reason, "required")
			}
		},
		"a fault inside a child list fails the record with the item's place": func(s *scene) {
			mdm := s.launched(withSoftware(assets("mdm")))
			run := mdm.sends(`{"id": "v1", "serial": "S1", "apps": [{"name": "Firefox"}, {"version": "2"}]}`).run()
			s.expect(run, "failed 1")
			require.Contains(s, run.Problems[0].Field, "apps[1]")
			require.Empty(s, s.rows("assets"))
			require.Empty(s, s.rows("software"))
		},
		"a failed record keeps what was synced before": func(s *scene) {
			mdm := s.devices()
			mdm.sends(device(1)).run()
			s.expect(mdm.sends(`{"id": "v1", "serial": "S1", "name": "new name", "memory": "much"}`).run(), "failed 1")
			require.Equal(s, "device 1", s.asset("S1").fields["device_name"])
		},
		"numbers that are texts stay texts": func(s *scene) {
			s.devices().sends(`{"id": "v1", "serial": "5E10", "tag": "007"}`, `{"id": 2, "serial": 12345678901234567890}`).run()
			require.Equal(s, []string{"5E10 007", "12345678901234567890 -"}, s.all("assets", "serial_number", "asset_tag"))
			require.Equal(s, []string{"2 -> 2", "v1 -> 1"}, s.links("mdm"))
		},
		"a mapper of the host's own fills the object as a declared one does": func(s *scene) {
			mdm := s.devices()
			mdm.opt.Mappers = map[string]mapping.Mapper{"mdm": ownMapper{}}
			run := mdm.sends(`alpha;A1`, `beta;A2`, `gamma;fault`).run()
			s.expect(run, "created 2, failed 1")
			require.Equal(s, []string{"A1 alpha", "A2 beta"}, s.all("assets", "serial_number", "device_name"))
			require.Equal(s, []string{`gamma serial_number invalid value: serial_number "fault": will not do`}, problems(run))
			s.expect(mdm.run(), "unchanged 2, failed 1")
			s.expect(mdm.sends(`alpha;A9`).run(), "updated 1")
		},
		"a mapper that returns an error or panics fails the record alone": func(s *scene) {
			mdm := s.devices()
			mdm.opt.Mappers = map[string]mapping.Mapper{"mdm": ownMapper{}}
			run := mdm.sends(`alpha;A1`, `beta;error`, `gamma;panic`, `delta;A4`).run()
			s.expect(run, "created 2, failed 2")
			require.Contains(s, problems(run)[0], "record 2 malformed record: it is torn")
			require.Contains(s, problems(run)[1], "record 3 malformed record: map record: the mapper panicked: out of range")
		},
	})
}

// An ownMapper reads records such as "alpha;A1".
type ownMapper struct{}

func (ownMapper) Targets() []mapping.Target {
	return []mapping.Target{{Object: "assets", Columns: []mapping.Column{{Field: "device_name"}, {Field: "serial_number"}}}}
}

func (ownMapper) Map(rec connector.Record, out *mapping.Out) error {
	name, serial, _ := strings.Cut(string(rec), ";")
	switch serial {
	case "error":
		return errors.New("it is torn")
	case "panic":
		panic("out of range")
	case "fault":
		out.AddFault(mapping.Fault{Field: "serial_number", Value: serial, Reason: "will not do"})
	}
	out.VendorID = name
	_, values := out.AddRow(0, 2)
	values[0], values[1] = mapping.TextValue(name), mapping.TextValue(serial)
	return nil
}

func TestContract2MapNeverDropsARecordSilently(t *testing.T) {
	t.Parallel()
	unreadable := connector.Fault{Place: "line 17", Err: connector.Errorf(connector.ErrMalformed, "read line", "it is longer than 16 MB")}
	for name, tc := range map[string]struct {
		record  string
		fault   *connector.Fault
		problem string // begins the only problem
	}{
		"truncated JSON":            {record: `{"id": "v1", "serial": `, problem: "record 2 malformed record: the record's JSON is truncated: it ends at offset 23"},
		"JSON and something after":  {record: `{"id": "v1"} {}`, problem: "record 2 malformed record: "},
		"a list":                    {record: `[{"id": "v1"}]`, problem: "record 2 malformed record: "},
		"a text":                    {record: `"v1"`, problem: "record 2 malformed record: "},
		"nothing at all":            {record: ``, problem: "record 2 malformed record: "},
		"no vendor id":              {record: `{"serial": "S1"}`, problem: "record 2 no vendor id: "},
		"a vendor id that is null":  {record: `{"id": null, "serial": "S1"}`, problem: "record 2 no vendor id: "},
		"a vendor id that is blank": {record: `{"id": "  ", "serial": "S1"}`, problem: "record 2 no vendor id: "},
		"a vendor id with no sense": {record: `{"id": {"a": 1}, "serial": "S1"}`, problem: "record 2 no vendor id: "},
		"text in a wrong encoding":  {record: "{\"id\": \"v1\", \"serial\": \"S1\", \"name\": \"M\xfcller\"}", problem: "v1 device_name invalid value: "},
		"what the connector cannot read has its place": {fault: &unreadable, problem: "line 17 malformed record: read line: it is longer than 16 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.devices()
			want := "created 2, failed 1"
			if tc.fault != nil {
				mdm.sends(device(8), device(9)).scripts(map[int]connectortest.Step{0: {Faults: []connector.Fault{*tc.fault}}})
			} else {
				mdm.sends(device(8), tc.record, device(9))
			}
			run := mdm.run()
			s.expect(run, want)
			require.Equal(t, syncer.WithProblems, run.Status)
			require.Len(t, run.Problems, 1)
			require.True(t, strings.HasPrefix(problems(run)[0], tc.problem), "%s", problems(run)[0])
		})
	}
}

func TestContract3NormaliseMatchesWhatAPersonTakesForTheSame(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		integration   func(id string) syncer.Integration
		stored        map[string]string
		record        string
		field, want   string // what the field reads after the run
		customAddress bool
	}{
		"an e-mail in other letters": {
			integration: users, stored: map[string]string{"username": "other", "email": "Ada@Example.com", "role": "member"},
			record: `{"id": 1, "login": "ada", "email": "ada@example.COM"}`, field: "username", want: "ada",
		},
		"an e-mail with blanks around it": {
			integration: users, stored: map[string]string{"username": "other", "email": "ada@example.com", "role": "member"},
			record: `{"id": 1, "login": "ada", "email": "  ada@example.com\t"}`, field: "username", want: "ada",
		},
		"a username in other letters, with blanks": {
			integration: users, stored: map[string]string{"username": "Ada.L", "email": "ada@example.com", "role": "member"},
			record: `{"id": 1, "login": " ada.l ", "email": "ada@example.com", "name": "Ada"}`, field: "full_name", want: "Ada",
		},
		"a serial number in small letters, with blanks": {
			integration: assets, stored: map[string]string{"serial_number": "C02-XK1"},
			record: `{"id": 1, "serial": " c02-xk1 ", "name": "mac"}`, field: "device_name", want: "mac",
		},
		"a serial number in letters outside ASCII": {
			integration: assets, stored: map[string]string{"serial_number": "GERÄT-1"},
			record: `{"id": 1, "serial": "gerät-1", "name": "mac"}`, field: "device_name", want: "mac",
		},
		"a MAC address in another notation": {
			integration: byAddress, customAddress: true, stored: map[string]string{"primary_mac": "aa:bb:cc:dd:ee:ff"},
			record: `{"id": 1, "mac": "AABB.CCDD.EEFF", "name": "mac"}`, field: "device_name", want: "mac",
		},
		"a MAC address with dashes": {
			integration: byAddress, customAddress: true, stored: map[string]string{"primary_mac": "AA-BB-CC-DD-EE-FF"},
			record: `{"id": 1, "mac": "aa:bb:cc:dd:ee:ff", "name": "mac"}`, field: "device_name", want: "mac",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			if tc.customAddress {
				require.NoError(t, s.store.AddField(t.Context(), "assets", mapping.Field{Name: "primary_mac", Type: mapping.MAC, Unique: true}))
			}
			in := tc.integration("vendor")
			s.inserts(in.Mapping.Object, tc.stored)
			vendor := s.launched(in)
			s.expect(vendor.sends(tc.record).run(), "updated 1")
			rows := s.rows(in.Mapping.Object)
			require.Len(t, rows, 1)
			require.Equal(t, tc.want, rows[0].fields[tc.field])
			s.expect(vendor.run(), "unchanged 1")
		})
	}
}

// byAddress is an integration of devices that are matched by a field of the
// host's own.
func byAddress(id string) syncer.Integration {
	in := assets(id)
	in.Mapping.Fields = []mapping.FieldMapping{{To: "primary_mac", From: "mac"}, {To: "device_name", From: "name"}}
	in.Mapping.SyncKeys = []mapping.SyncKey{{Field: "primary_mac"}}
	return in
}

func TestContract3PlaceholdersCountAsEmpty(t *testing.T) {
	t.Parallel()
	for _, serial := range []string{
		`"To Be Filled By O.E.M."`, `"to be filled by o.e.m."`, `"None"`, `" none "`, `"Default string"`, `"System Serial Number"`, `"0"`, `0`, `"00000000"`,
		`"N/A"`, `"unknown"`, `"XXXXXXXX"`, `"-"`, `""`, `"   "`, `null`,
	} {
		t.Run(serial, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.devices().sends(`{"id": "v1", "serial": `+serial+`}`, `{"id": "v2", "serial": `+serial+`}`)
			require.Equal(t, []string{
				"v1 skipped: no sync key: none of serial_number has a usable value",
				"v2 skipped: no sync key: none of serial_number has a usable value",
			}, mdm.tells())
			require.Empty(t, s.rows("assets"))
		})
	}
	t.Run("a host adds placeholders of its own", func(t *testing.T) {
		t.Parallel()
		s := sceneWith(t, memory.Options{Schema: mapping.Standard().WithPlaceholders("see sticker")})
		s.expect(s.devices().sends(`{"id": "v1", "serial": "See Sticker"}`, device(2)).run(), "created 1, skipped 1")
	})
	t.Run("a placeholder in a field that identifies nothing is a value", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		s.devices().sends(`{"id": "v1", "serial": "A1", "name": "None"}`).run()
		require.Equal(t, "None", s.asset("A1").fields["device_name"])
	})
}

func TestTheRecordOfAFailedMappingIsToldAsItCame(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	_, foretold := s.devices().sends(`{"id": "v1", "memory": "much"}`).test(syncer.TestOptions{})
	require.Len(t, foretold, 1)
	require.JSONEq(t, `{"id": "v1", "memory": "much"}`, foretold[0].Source.String())
	require.Nil(t, foretold[0].Mapped)
	require.Equal(t, syncer.ActionFailed, foretold[0].Action)
}
