package syncer_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// provenance returns where a record's values come from, as in "serial_number S1
// by mdm, edr: S-1".
func (s *scene) provenance(object, id string) (syncer.Provenance, []string) {
	s.Helper()
	p, err := s.searcher().Provenance(s.Context(), object, id)
	require.NoError(s, err)
	var lines []string
	for _, f := range p.Fields {
		require.True(s, json.Valid(f.Value), "%s", f.Value)
		line := fmt.Sprintf("%s %s by %s", f.Field, f.Text, strings.TrimSpace(f.Integration+" "+f.Actor))
		if f.Refers != nil {
			line += fmt.Sprintf(" is %s %s %s", f.Refers.Object, f.Refers.ID, f.Refers.Label)
		}
		for _, o := range f.Others {
			line += ", " + o.Integration + ": " + o.Text
			if o.Withheld {
				line += " withheld"
			} else {
				require.NotEmpty(s, o.Run)
				require.False(s, o.At.IsZero())
			}
		}
		lines = append(lines, line)
	}
	return p, lines
}

func TestProvenanceTellsWhoSetEachValue(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"one integration": func(s *scene) {
			run := s.devices().sends(`{"id": "v1", "serial": "S1", "name": "laptop", "memory": 8}`).run()
			p, lines := s.provenance("assets", "1")
			require.Equal(s, []string{"serial_number S1 by mdm mdm@example.com", "device_name laptop by mdm mdm@example.com", "memory_mb 8 by mdm mdm@example.com"}, lines)
			require.Equal(s, "laptop / S1", p.Label)
			require.Equal(s, []syncer.ProvenanceLink{{Integration: "mdm", VendorID: "v1"}}, p.Links)
			require.Equal(s, "8", string(p.Fields[2].Value))
			for _, f := range p.Fields {
				require.Equal(s, run.ID, f.Run)
				require.False(s, f.At.Before(run.Started))
			}
		},
		"two, the last of which counts, and what the other wrote": func(s *scene) {
			s.devices().sends(`{"id": "v1", "serial": "S1", "name": "mdm's", "memory": 8}`).run()
			s.launched(assets("edr")).sends(`{"id": "e1", "serial": "S1", "name": "edr's", "tag": "T1"}`).run()
			_, lines := s.provenance("assets", "1")
			require.Equal(s, []string{
				"serial_number S1 by mdm mdm@example.com", "asset_tag T1 by edr edr@example.com",
				"device_name edr's by edr edr@example.com, mdm: mdm's", "memory_mb 8 by mdm mdm@example.com",
			}, lines)
		},
		"a person, over what an integration says": func(s *scene) {
			s.devices().sends(`{"id": "v1", "serial": "S1", "name": "mdm's"}`).run()
			s.edits("assets", "1", map[string]string{"device_name": "ada's", "notes": "lent"})
			_, lines := s.provenance("assets", "1")
			require.Equal(s, []string{
				"serial_number S1 by mdm mdm@example.com", "device_name ada's by person@example.com, mdm: mdm's", "notes lent by person@example.com",
			}, lines)
		},
		"what somebody cleared": func(s *scene) {
			mdm := s.devices()
			mdm.sends(`{"id": "v1", "serial": "S1", "name": "laptop"}`).run()
			mdm.sends(`{"id": "v1", "serial": "S1", "name": null}`).run()
			p, lines := s.provenance("assets", "1")
			require.Equal(s, []string{"serial_number S1 by mdm mdm@example.com", "device_name  by mdm mdm@example.com"}, lines)
			require.Equal(s, "null", string(p.Fields[1].Value))
		},
		"an integration that has let go of the record says nothing": func(s *scene) {
			record := func(path string) string {
				return `{"id": "x", "serial": "S1", "apps": [{"name": "Slack", "version": "2", "path": "` + path + `"}]}`
			}
			mdm := s.launched(withSoftware(assets("mdm"))).sends(record("/a"))
			mdm.run()
			s.launched(withSoftware(assets("edr"))).sends(record("/b")).run()
			install := s.rows("software_installs")[0].ID
			_, lines := s.provenance("software_installs", install)
			require.Contains(s, lines, "path /b by edr edr@example.com, mdm: /a")
			mdm.sends(`{"id": "x", "serial": "S1", "apps": []}`).run()
			p, lines := s.provenance("software_installs", install)
			require.Contains(s, lines, "path /b by edr edr@example.com")
			require.Equal(s, []syncer.ProvenanceLink{{Integration: "edr"}}, p.Links)
		},
		"what precedence keeps from being written": func(s *scene) {
			mdm := s.devices().sends(`{"id": "v1", "serial": "S1", "name": "mdm's"}`)
			edr := s.launched(assets("edr")).sends(`{"id": "e1", "serial": "S1", "name": "edr's", "tag": "T1"}`)
			require.NoError(s, mdm.syncer().SetPrecedence(s.Context(), syncer.Precedence{Object: "assets", Order: []string{"mdm", "edr"}}, "ada"))
			mdm.run()
			edr.run()
			_, lines := s.provenance("assets", "1")
			require.Equal(s, []string{
				"serial_number S1 by mdm mdm@example.com", "asset_tag T1 by edr edr@example.com", "device_name mdm's by mdm mdm@example.com, edr: edr's withheld",
			}, lines)
		},
		"a reference with the record that it means": func(s *scene) {
			in := assets("mdm")
			in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "assigned_to", From: "user"})
			s.launched(in).sends(`{"id": "v1", "serial": "S1", "user": "ada@example.com"}`).run()
			_, lines := s.provenance("assets", "1")
			require.Contains(s, lines, "assigned_to ada@example.com by mdm mdm@example.com")
			s.launched(users("idp")).sends(`{"id": "u1", "login": "ada", "email": "ada@example.com", "name": "Ada L."}`).run()
			ada := s.one("users", "username", "ada").ID
			_, lines = s.provenance("assets", "1")
			require.Contains(s, lines, "assigned_to ada@example.com by mdm mdm@example.com is users "+ada+" Ada L. / ada")
			require.Len(s, lines, 2, "the record is told with its reference")
		},
		"a child, and what it belongs to": func(s *scene) {
			s.launched(withSoftware(assets("mdm"))).sends(`{"id": "v1", "serial": "S1", "name": "laptop", "apps": [{"name": "Slack", "version": "2"}]}`).run()
			install := s.rows("software_installs")[0]
			p, lines := s.provenance("software_installs", install.ID)
			require.Equal(s, []string{
				fmt.Sprintf("software %s by mdm mdm@example.com is software %s Slack", install.fields["software"], install.fields["software"]),
				fmt.Sprintf("asset %s by mdm mdm@example.com is assets %s laptop / S1", install.fields["asset"], install.fields["asset"]),
				"version 2 by mdm mdm@example.com",
			}, lines)
			require.Equal(s, []syncer.ProvenanceLink{{Integration: "mdm"}}, p.Links)
		},
		"a sensitive value is masked, whoever has it": func(s *scene) {
			mdm := s.devices().sends(`{"id": "v1", "serial": "S1", "name": "secret of mdm"}`)
			mdm.fake.Describe = func(spec *connector.Spec) {
				spec.Streams[0].Fields = []connector.Field{{Path: "name", Type: connector.StringField, Sensitive: true}}
			}
			mdm.run()
			p, lines := s.provenance("assets", "1")
			require.Contains(s, lines, "device_name ******** by mdm mdm@example.com")
			require.Equal(s, "S1", p.Label)
			s.launched(assets("edr")).sends(`{"id": "e1", "serial": "S1", "name": "secret of edr"}`).run()
			p, lines = s.provenance("assets", "1")
			require.Contains(s, lines, "device_name ******** by edr edr@example.com, mdm: ********")
			b, err := json.Marshal(p)
			require.NoError(s, err)
			require.NotContains(s, string(b), "secret")
		},
		"a sensitive value that is withheld": func(s *scene) {
			mdm := s.devices().sends(`{"id": "v1", "serial": "S1", "name": "mdm's"}`)
			edr := s.launched(assets("edr")).sends(`{"id": "e1", "serial": "S1", "name": "secret"}`)
			edr.fake.Describe = func(spec *connector.Spec) {
				spec.Streams[0].Fields = []connector.Field{{Path: "name", Type: connector.StringField, Sensitive: true}}
			}
			require.NoError(s, mdm.syncer().SetPrecedence(s.Context(), syncer.Precedence{Object: "assets", Order: []string{"mdm", "edr"}}, "ada"))
			mdm.run()
			edr.run()
			p, lines := s.provenance("assets", "1")
			require.Contains(s, lines, "device_name ******** by mdm mdm@example.com, edr: ******** withheld")
			require.NotContains(s, fmt.Sprint(p), "secret")
		},
		"a record that is missing, and archived": func(s *scene) {
			mdm := s.inStep(syncer.ArchiveAbsent, 2)
			mdm.sends(device(0)).run()
			p, _ := s.provenance("assets", "2")
			require.True(s, p.Archived)
			require.False(s, p.Links[0].MissingSince.IsZero())
		},
		"a record that was merged is told as the other": func(s *scene) {
			s.devices().sends(device(1), `{"id": "v2", "serial": "S2", "tag": "T2"}`).run()
			_, err := s.searcher().Merge(s.Context(), "assets", "1", "2", syncer.MergeOptions{By: "ada"})
			require.NoError(s, err)
			p, lines := s.provenance("assets", "2")
			require.Equal(s, "1", p.ID)
			require.Equal(s, "2", p.MergedFrom)
			require.Contains(s, lines, "asset_tag T2 by ada")
		},
		"a value that a revert put back": func(s *scene) {
			mdm := s.devices().sends(device(1))
			mdm.run()
			run := mdm.sends(`{"id": "v1", "serial": "S1", "name": "wrong"}`).run()
			mdm.reverts(run.ID, syncer.RevertOptions{})
			_, lines := s.provenance("assets", "1")
			require.Contains(s, lines, "device_name device 1 by "+undoer+", mdm: wrong")
		},
	})
}

func TestProvenanceIsNotToldOf(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	_, err := s.searcher().Provenance(t.Context(), "assets", "7")
	require.ErrorIs(t, err, syncer.ErrNotFound)
	_, err = s.searcher().Provenance(t.Context(), "asset", "7")
	require.ErrorIs(t, err, connector.ErrInvalid)
	require.ErrorContains(t, err, `did you mean "assets"?`)
	s.through = struct {
		syncer.Store
		syncer.Journal
	}{s.store, s.store}
	_, err = s.searcher().Provenance(t.Context(), "assets", "7")
	require.ErrorIs(t, err, connector.ErrUnsupported)
}

func TestProvenanceOfAFieldThatNobodyEverWrote(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := sceneWith(t, memory.Options{Now: func() time.Time { return at }})
	s.inserts("assets", map[string]string{"serial_number": "S1"})
	p, err := s.searcher().Provenance(t.Context(), "assets", "1")
	require.NoError(t, err)
	require.Equal(t, syncer.Provenance{
		Object: "assets", ID: "1", Label: "S1", Links: []syncer.ProvenanceLink{},
		Fields: []syncer.FieldProvenance{{Field: "serial_number", Value: json.RawMessage(`"S1"`), Text: "S1", Actor: "person@example.com", At: at}},
	}, p)
}
