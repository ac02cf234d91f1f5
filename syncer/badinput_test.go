package syncer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// nested returns a JSON value of so many levels.
func nested(levels int) string {
	return strings.Repeat(`{"a":[`, levels/2) + `1` + strings.Repeat(`]}`, levels/2)
}

func TestBadInputFailsItsRecordAndTheNextRunCompletes(t *testing.T) {
	t.Parallel()
	deep := `{"id": "v1", "serial": "S1", "extra": %s}`
	for name, tc := range map[string]struct {
		record  string
		problem string // of a record that fails
	}{
		"JSON 100 levels deep":                       {record: fmt.Sprintf(deep, nested(100))},
		"JSON 100,000 levels deep":                   {record: fmt.Sprintf(deep, nested(100_000)), problem: "record 1 malformed record: "},
		"a megabyte beside the mapped fields":        {record: fmt.Sprintf(deep, `"`+strings.Repeat("x", 1<<20)+`"`)},
		"a megabyte in a mapped field":               {record: `{"id": "v1", "serial": "S1", "name": "` + strings.Repeat("x", 1<<20) + `"}`, problem: "v1 device_name invalid value: "},
		"a vendor id of a megabyte":                  {record: `{"id": "` + strings.Repeat("x", 1<<20) + `", "serial": "S1"}`, problem: "record 1 no vendor id: "},
		"the same key twice":                         {record: `{"id": "v1", "serial": "S0", "serial": "S1"}`},
		"a mapped key that holds an object":          {record: `{"id": "v1", "serial": {"number": "S1"}}`, problem: "v1 serial_number invalid value: "},
		"a mapped key that holds a list":             {record: `{"id": "v1", "serial": ["S1"]}`, problem: "v1 serial_number invalid value: "},
		"a child list that is an object":             {record: `{"id": "v1", "serial": "S1", "apps": {"name": "Firefox"}}`, problem: "v1 apps invalid value: "},
		"a child list of texts":                      {record: `{"id": "v1", "serial": "S1", "apps": ["Firefox"]}`, problem: "v1 apps[0] invalid value: "},
		"a number that does not fit":                 {record: `{"id": "v1", "serial": "S1", "memory": 1e300}`, problem: "v1 memory_mb invalid value: "},
		"a NUL character":                            {record: `{"id": "v1", "serial": "S1", "name": "a\u0000b"}`, problem: "v1 device_name invalid value: "},
		"half a surrogate pair becomes a sign of it": {record: `{"id": "v1", "serial": "S1", "name": "a\ud800b"}`},
		"a vendor id of odd characters":              {record: `{"id": "v/1 \"ü\"\n\u001f", "serial": "S1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.launched(withSoftware(assets("mdm")))
			run := mdm.sends(tc.record, device(2)).run()
			if tc.problem == "" {
				s.expect(run, "created 2")
				require.NotEmpty(t, s.asset("S1").ID)
				s.expect(mdm.run(), "unchanged 2")
				return
			}
			s.expect(run, "created 1, failed 1")
			require.Len(t, run.Problems, 1)
			require.Contains(t, problems(run)[0], tc.problem)
			require.Less(t, len(run.Problems[0].Reason), 1000, "a problem can be read")
			require.Less(t, len(run.Problems[0].Record), 1000)
			s.expect(mdm.sends(device(1), device(2)).run(), "created 1, unchanged 1")
		})
	}
}

func TestManyChildrenInOneRecord(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	apps := numbered(5000, func(i int) string { return fmt.Sprintf(`{"name": "App %d", "version": "1"}`, i) })
	mdm := s.launched(withSoftware(assets("mdm"))).sends(laptop("[" + strings.Join(apps, ",") + "]"))
	run := mdm.run()
	s.expect(run, "created 1")
	require.Equal(t, effects{"software": {Created: 5000}, "software_installs": {Created: 5000}}, run.Effects)
	s.expect(mdm.run(), "unchanged 1")
	run = mdm.sends(laptop("[]")).run()
	s.expect(run, "updated 1")
	require.Equal(t, effects{"software_installs": {Archived: 5000}}, run.Effects)
}

func TestACustomFieldIsSyncedAsAnyOther(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mdm := s.devices()
	mdm.sends(`{"id": "v1", "serial": "S1", "badge": "B-1"}`).run()
	require.NoError(t, s.store.AddField(t.Context(), "assets", mapping.Field{Name: "badge", Type: mapping.Text, Unique: true}))
	s.expect(mdm.run(), "unchanged 1")
	mdm.edit(func(in *syncer.Integration) {
		in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "badge", From: "badge"})
		in.Mapping.SyncKeys = append(in.Mapping.SyncKeys, mapping.SyncKey{Field: "badge", Update: true})
	})
	s.expect(mdm.run(), "updated 1")
	require.Equal(t, "B-1", s.asset("S1").fields["badge"])
	s.expect(mdm.sends(`{"id": "v2", "badge": "b-1", "name": "found by its badge"}`).run(), "updated 1")
	require.Equal(t, "found by its badge", s.asset("S1").fields["device_name"])
}

func TestAVendorsErrorIsToldWhole(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mdm := s.devices().sends(device(1))
	mdm.fake.OpenErr = &connector.Error{Class: connector.ErrPermission, Op: "list devices", Message: "403 Forbidden", Remedy: "grant devices.read to the token"}
	run, err := mdm.fails()
	require.EqualError(t, err, `run integration "mdm": open mdm: list devices: 403 Forbidden [permission: grant devices.read to the token]`)
	require.Equal(t, "grant devices.read to the token", run.Remedy)
	require.Equal(t, "open mdm: list devices: 403 Forbidden [permission: grant devices.read to the token]", run.Error)
}
