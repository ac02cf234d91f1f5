package syncer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/syncer"
)

// precedence declares who goes before whom.
func (s *scene) precedence(p syncer.Precedence) {
	s.Helper()
	p.Object = "assets"
	require.NoError(s, s.store.SavePrecedence(s.Context(), p))
}

// at makes the feed's clock stand still.
func (f *feed) at(t time.Time) *feed {
	f.opt.Now = func() time.Time { return t }
	return f
}

func TestContract6Precedence(t *testing.T) {
	t.Parallel()
	const jamf, intune = `{"id": "j1", "serial": "S1", "name": "of jamf"}`, `{"id": "i1", "serial": "S1", "name": "of intune", "memory": 8}`
	named := func(s *scene) []string { return s.all("assets", "device_name", "memory_mb") }
	day := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	stories(t, map[string]func(s *scene){
		"a lower one fills gaps and does not overwrite, whoever comes first": func(s *scene) {
			s.precedence(syncer.Precedence{Order: []string{"jamf", "intune"}})
			high, low := s.launched(assets("jamf")).sends(jamf), s.launched(assets("intune")).sends(intune)
			low.run()
			require.Equal(s, []string{"of intune 8"}, named(s))
			high.run()
			require.Equal(s, []string{"of jamf 8"}, named(s))
			run := low.run()
			s.expect(run, "unchanged 1")
			require.Equal(s, []string{"of jamf 8"}, named(s))
			s.expect(high.run(), "unchanged 1")
			s.expect(low.run(), "unchanged 1")
			low.sends(`{"id": "i1", "serial": "S1", "name": "new of intune", "memory": 16}`)
			_, foretold := low.test(syncer.TestOptions{Sample: -1})
			require.Equal(s, []string{`device_name: "new of intune" is not written, jamf has set it`}, foretold[0].Withheld)
			s.expect(low.run(), "updated 1")
			require.Equal(s, []string{"of jamf 16"}, named(s))
			s.expect(high.run(), "unchanged 1")
		},
		"without precedence the last one writes, as ever": func(s *scene) {
			high, low := s.launched(assets("jamf")).sends(jamf), s.launched(assets("intune")).sends(intune)
			high.run()
			low.run()
			require.Equal(s, []string{"of intune 8"}, named(s))
			s.expect(high.run(), "updated 1")
			require.Equal(s, []string{"of jamf 8"}, named(s))
		},
		"a field can have an order of its own": func(s *scene) {
			s.precedence(syncer.Precedence{Order: []string{"jamf", "intune"}, Fields: map[string][]string{"device_name": {"intune", "jamf"}}})
			high, low := s.launched(assets("jamf")).sends(`{"id": "j1", "serial": "S1", "name": "of jamf", "memory": 4}`), s.launched(assets("intune")).sends(intune)
			high.run()
			low.run()
			high.run()
			low.run()
			require.Equal(s, []string{"of intune 4"}, named(s))
		},
		"one that is not named comes after all that are": func(s *scene) {
			s.precedence(syncer.Precedence{Order: []string{"jamf"}})
			high, low := s.launched(assets("jamf")).sends(jamf), s.launched(assets("intune")).sends(intune)
			high.run()
			low.run()
			require.Equal(s, []string{"of jamf 8"}, named(s))
		},
		"an empty value clears what its own integration has set, and fills no gap": func(s *scene) {
			s.precedence(syncer.Precedence{Order: []string{"jamf", "intune"}})
			high, low := s.launched(assets("jamf")).sends(jamf), s.launched(assets("intune")).sends(intune)
			high.run()
			low.run()
			high.sends(`{"id": "j1", "serial": "S1", "name": null, "memory": null}`).run()
			require.Equal(s, []string{"- 8"}, named(s), "what intune has set stays")
			low.run()
			require.Equal(s, []string{"of intune 8"}, named(s), "and the gap is filled")
			s.expect(high.run(), "unchanged 1")
			s.expect(low.run(), "unchanged 1")
		},
		"what is edited by hand is put back": func(s *scene) {
			s.precedence(syncer.Precedence{Order: []string{"jamf", "intune"}})
			high, low := s.launched(assets("jamf")).sends(jamf), s.launched(assets("intune")).sends(intune)
			high.run()
			low.run()
			s.edits("assets", s.asset("S1").ID, map[string]string{"device_name": "by hand"})
			high.run()
			low.run()
			require.Equal(s, []string{"of jamf 8"}, named(s))
		},
		"one that is silent about a record for long loses its precedence on it, and gets it back": func(s *scene) {
			s.precedence(syncer.Precedence{Order: []string{"jamf", "intune"}, SilentAfter: 30})
			other := `{"id": "j2", "serial": "S2", "name": "another"}`
			high, low := s.launched(assets("jamf")).sends(jamf, other).at(day), s.launched(assets("intune")).sends(intune).at(day)
			high.run()
			low.run()
			high.sends(other).at(day.AddDate(0, 0, 1)).run()
			s.expect(low.at(day.AddDate(0, 0, 20)).run(), "unchanged 1")
			require.Equal(s, "of jamf", s.asset("S1").fields["device_name"], "19 days are not long")
			high.at(day.AddDate(0, 0, 40)).run()
			s.expect(low.at(day.AddDate(0, 0, 40)).run(), "updated 1")
			require.Equal(s, "of intune", s.asset("S1").fields["device_name"])
			s.expect(low.run(), "unchanged 1")
			high.sends(jamf, other).run()
			low.run()
			require.Equal(s, "of jamf", s.asset("S1").fields["device_name"])
		},
		"one that has not run for long loses all its precedence": func(s *scene) {
			s.precedence(syncer.Precedence{Order: []string{"jamf", "intune"}, SilentAfter: 30})
			high, low := s.launched(assets("jamf")).sends(jamf).at(day), s.launched(assets("intune")).sends(intune).at(day)
			high.run()
			low.run()
			s.expect(low.at(day.AddDate(0, 0, 31)).run(), "updated 1")
			require.Equal(s, []string{"of intune 8"}, named(s))
			s.expect(high.at(day.AddDate(0, 0, 31)).run(), "updated 1")
			require.Equal(s, []string{"of jamf 8"}, named(s))
		},
		"one that is archived, or maps the field no more, has no say": func(s *scene) {
			s.precedence(syncer.Precedence{Order: []string{"jamf", "intune"}})
			high, low := s.launched(assets("jamf")).sends(jamf), s.launched(assets("intune")).sends(intune)
			high.run()
			high.edit(func(in *syncer.Integration) {
				in.Mapping.Fields = append(in.Mapping.Fields[:2:2], in.Mapping.Fields[3])
			})
			low.run()
			require.Equal(s, []string{"of intune 8"}, named(s))
		},
		"a new order counts at the next run, though nothing has changed at the vendor": func(s *scene) {
			high, low := s.launched(assets("jamf")).sends(jamf), s.launched(assets("intune")).sends(intune)
			high.run()
			low.run()
			s.precedence(syncer.Precedence{Order: []string{"jamf", "intune"}})
			s.expect(low.run(), "unchanged 1")
			s.expect(high.run(), "updated 1")
			require.Equal(s, []string{"of jamf 8"}, named(s))
		},
	})
}
