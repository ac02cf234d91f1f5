package syncer_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

func TestContract1Rules(t *testing.T) {
	t.Parallel()
	laptop, phone := `{"id": "v1", "serial": "S1", "name": "laptop"}`, `{"id": "v2", "serial": "S2", "name": "phone"}`
	with := func(s *scene, change func(m *mapping.Mapping)) *feed {
		s.Helper()
		in := assets("mdm")
		change(&in.Mapping)
		return s.launched(in)
	}
	stories(t, map[string]func(s *scene){
		"a filter leaves records out, and a test run says which and why": func(s *scene) {
			mdm := with(s, func(m *mapping.Mapping) { m.Filter = "{{ record.name == 'laptop' }}" }).sends(laptop, phone)
			_, foretold := mdm.test(syncer.TestOptions{Sample: -1})
			require.Equal(s, `v2 filtered: filter: "{{ record.name == 'laptop' }}" is not true`, verdictOf(foretold[1]))
			s.expect(mdm.run(), "filtered 1, created 1")
		},
		"what is filtered is present: it is not missing": func(s *scene) {
			mdm := s.devices().sends(laptop, phone)
			mdm.edit(func(in *syncer.Integration) { in.Absence = syncer.ArchiveAbsent })
			mdm.run()
			mdm.edit(func(in *syncer.Integration) { in.Mapping.Filter = "{{ record.name == 'laptop' }}" })
			run := mdm.run()
			s.expect(run, "filtered 1, unchanged 1")
			require.Zero(s, run.Vanished.Missing)
			require.Equal(s, []string{"S1", "S2"}, s.all("assets", "serial_number"))
		},
		"a rule says which records may be created, another which may be updated": func(s *scene) {
			mdm := with(s, func(m *mapping.Mapping) {
				m.CreateIf, m.UpdateIf = "{{ record.name == 'laptop' }}", "{{ record.memory | default(0) > 4 }}"
			}).sends(laptop, phone)
			require.Equal(s, []string{"v1 created", `v2 filtered: filter: it would be created, and create_if "{{ record.name == 'laptop' }}" is not true`}, mdm.tells())
			mdm.sends(`{"id": "v1", "serial": "S1", "name": "new", "memory": 2}`)
			require.Equal(s, []string{`v1 filtered: filter: it is there, and update_if "{{ record.memory | default(0) > 4 }}" is not true`}, mdm.tells())
			s.expect(mdm.sends(`{"id": "v1", "serial": "S1", "name": "new", "memory": 8}`).run(), "updated 1")
		},
		"what its vendor has not seen for long is ignored": func(s *scene) {
			mdm := with(s, func(m *mapping.Mapping) {
				m.Fields = append(m.Fields, mapping.FieldMapping{To: "last_seen_at", From: "seen"})
				m.Unseen.Days = 90
			}).at(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
			mdm.sends(`{"id": "v1", "serial": "S1", "seen": "2026-05-01T00:00:00Z"}`, `{"id": "v2", "serial": "S2", "seen": "2026-01-01T00:00:00Z"}`, `{"id": "v3", "serial": "S3"}`)
			require.Equal(s, []string{"v1 created", "v2 filtered: filter: last_seen_at is 2026-01-01T00:00:00Z, more than 90 days ago", "v3 created"}, mdm.tells())
		},
		"a filter that fails fails its record, and the run goes on": func(s *scene) {
			mdm := with(s, func(m *mapping.Mapping) { m.Filter = "{{ record.memory < 100 }}" }).sends(`{"id": "v1", "serial": "S1", "memory": "much"}`, `{"id": "v2", "serial": "S2", "memory": 8}`)
			run := mdm.run()
			s.expect(run, "created 1, failed 1")
			require.Contains(s, problems(run)[0], `v1 filter invalid value: filter: cannot be made: template "{{ record.memory < 100 }}", column`)
		},
		"a template that is slow by design hits its limit in the record, not in the run": func(s *scene) {
			mdm := with(s, func(m *mapping.Mapping) {
				m.Fields[2].From = "{{ (record.name * 99999) | replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa') | length }}"
			}).sends(`{"id": "v1", "serial": "S1", "name": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`, `{"id": "v2", "serial": "S2", "name": ""}`)
			run := mdm.run()
			s.expect(run, "created 1, failed 1")
			require.Contains(s, problems(run)[0], "v1 device_name invalid value: device_name: cannot be made: template")
		},
		"the time of the run and a setting can be mapped": func(s *scene) {
			in := assets("mdm")
			in.Settings = connector.Settings{"site": {"Berlin"}}
			in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "location", Setting: "site"}, mapping.FieldMapping{To: "notes", From: "seen by {{ integration.name }} at {{ run.started_at.year }}"})
			in.Name = "Our MDM"
			fake := &connectortest.Fake{Records: []connector.Record{connector.Record(laptop)}, Describe: describing(connector.Setting{Name: "site", Label: "Site"})}
			mdm := s.drafted(in).serves(fake).at(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
			require.NoError(s, mdm.syncer().Launch(s.Context(), "mdm", "launcher@example.com"))
			mdm.run()
			require.Equal(s, []string{"Berlin seen by Our MDM at 2026"}, s.all("assets", "location", "notes"))
		},
		"a secret setting is nobody's record": func(s *scene) {
			in := assets("mdm")
			in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "location", Setting: "pin"})
			in.Settings = connector.Settings{"pin": {"1234"}}
			mdm := s.drafted(in).serves(&connectortest.Fake{Describe: describing(connector.Setting{Name: "pin", Label: "PIN", Secret: true})})
			missing, err := mdm.syncer().Missing(s.Context(), "mdm")
			require.NoError(s, err)
			require.Contains(s, missing[0], "there is no setting.pin")
		},
	})
}

// describing adds a setting to what a fake says of itself.
func describing(setting connector.Setting) func(*connector.Spec) {
	return func(spec *connector.Spec) { spec.Settings = append(spec.Settings, setting) }
}

// forgetful is a store whose model has lost a field.
type forgetful struct {
	*memory.Store
	object, field string
}

func (f forgetful) Schema(ctx context.Context) (*mapping.Schema, error) {
	s, err := f.Store.Schema(ctx)
	if err != nil {
		return nil, err
	}
	s = s.Clone()
	o, _ := s.Object(f.object)
	o.Fields = slices.DeleteFunc(o.Fields, func(field mapping.Field) bool { return field.Name == f.field })
	return s, nil
}

func TestAMappingToARemovedField(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	require.NoError(t, s.store.AddField(t.Context(), "assets", mapping.Field{Name: "rack", Type: mapping.Text}))
	in := assets("mdm")
	in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "rack", From: "rack"})
	mdm := s.launched(in).sends(`{"id": "v1", "serial": "S1", "rack": "R1"}`)
	s.expect(mdm.run(), "created 1")
	s.through = forgetful{s.store, "assets", "rack"}
	_, err := mdm.fails()
	var missing *syncer.MissingError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, []string{`a mapping without faults: fields[4].to: assets have no field "rack"`}, missing.Missing)
}

func TestOneSourceToSeveralTargets(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	in := assets("mdm")
	in.Mapping.Fields[1].From = "serial"
	in.Mapping.SyncKeys = []mapping.SyncKey{{Field: "serial_number"}, {Field: "asset_tag"}}
	id := s.inserts("assets", map[string]string{"asset_tag": "S1"})
	mdm := s.launched(in).sends(`{"id": "v1", "serial": "S1"}`)
	s.expect(mdm.run(), "updated 1")
	require.Equal(t, id, s.asset("S1").ID, "found by its tag, which the vendor calls its serial number")
}
