package syncer_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// assigned is an integration of devices that says whose each is.
func assigned() syncer.Integration {
	in := assets("mdm")
	in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "assigned_to", From: "owner"})
	return in
}

// managed is an integration of people that says who their managers are.
func managed() syncer.Integration {
	in := users("hr")
	in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "manager", From: "boss"})
	return in
}

func person(id, login, boss string) string {
	if boss == "" {
		return fmt.Sprintf(`{"id": %q, "login": %q, "email": "%s@example.com"}`, id, login, login)
	}
	return fmt.Sprintf(`{"id": %q, "login": %q, "email": "%s@example.com", "boss": %q}`, id, login, login, boss)
}

func owned(id, serial, owner string) string {
	return fmt.Sprintf(`{"id": %q, "serial": %q, "owner": %q}`, id, serial, owner)
}

func TestContract10References(t *testing.T) {
	t.Parallel()
	late := func(object string, n int64) effects { return effects{object: {Updated: n}} }
	stories(t, map[string]func(s *scene){
		"an asset finds its user by e-mail, username or employee id, whatever the case": func(s *scene) {
			hr, mdm := s.launched(users("hr")), s.launched(assigned())
			hr.sends(`{"id": "1", "login": "ada", "email": "Ada@example.com", "number": "E-7"}`).run()
			run := mdm.sends(owned("v1", "S1", "ada@EXAMPLE.com"), owned("v2", "S2", " ADA "), owned("v3", "S3", "e-7"), owned("v4", "S4", "nobody")).run()
			s.expect(run, "created 4")
			require.Empty(s, run.Effects)
			require.Equal(s, []string{"S1 ada@EXAMPLE.com 1", "S2  ADA  1", "S3 e-7 1", "S4 nobody -"}, s.all("assets", "serial_number", "assigned_to", "assigned_to_id"))
			s.expect(mdm.run(), "unchanged 4")
		},
		"a user who comes later is found at the end of the run that brings him, under its actor": func(s *scene) {
			mdm, hr := s.launched(assigned()), s.launched(users("hr"))
			mdm.sends(owned("v1", "S1", "ada@example.com"), owned("v2", "S2", "bob"), owned("v3", "S3", "eve")).run()
			run := hr.sends(person("1", "ada", ""), person("2", "bob", "")).run()
			s.expect(run, "created 2")
			require.Equal(s, late("assets", 2), run.Effects)
			require.Equal(s, []string{"S1 4", "S2 5", "S3 -"}, s.all("assets", "serial_number", "assigned_to_id"))
			events := s.history("assets", s.asset("S1").ID)
			last := events[len(events)-1]
			require.Equal(s, "hr@example.com", last.Actor)
			require.Equal(s, "assigned_to_id", last.Changes[0].Field)
			run = hr.run()
			s.expect(run, "unchanged 2")
			require.Empty(s, run.Effects)
			s.expect(mdm.run(), "unchanged 3")
		},
		"the same text keeps its record, though the user's e-mail has changed since": func(s *scene) {
			hr, mdm := s.launched(users("hr")), s.launched(assigned())
			hr.sends(person("1", "ada", "")).run()
			mdm.sends(owned("v1", "S1", "ada@example.com")).run()
			hr.sends(`{"id": "1", "login": "ada", "email": "lovelace@example.com"}`).run()
			s.edits("assets", s.asset("S1").ID, map[string]string{"device_name": "by hand"})
			mdm.run()
			require.Equal(s, []string{"ada@example.com 1"}, s.all("assets", "assigned_to", "assigned_to_id"))
		},
		"a text edited by hand means nobody until a run finds out": func(s *scene) {
			hr, mdm := s.launched(users("hr")), s.launched(assets("mdm"))
			hr.sends(person("1", "ada", ""), person("2", "bob", "")).run()
			mdm.sends(`{"id": "v1", "serial": "S1"}`).run()
			id := s.asset("S1").ID
			s.edits("assets", id, map[string]string{"assigned_to": "ada"})
			run := hr.run()
			s.expect(run, "unchanged 2")
			require.Equal(s, late("assets", 1), run.Effects)
			require.Equal(s, []string{"ada 1"}, s.all("assets", "assigned_to", "assigned_to_id"))
			s.edits("assets", id, map[string]string{"assigned_to": "bob"})
			require.Equal(s, []string{"bob -"}, s.all("assets", "assigned_to", "assigned_to_id"))
			hr.run()
			require.Equal(s, []string{"bob 2"}, s.all("assets", "assigned_to", "assigned_to_id"))
		},
		"another text is another record, and one that means nobody yet points to nobody": func(s *scene) {
			hr, mdm := s.launched(users("hr")), s.launched(assigned())
			hr.sends(person("1", "ada", ""), person("2", "bob", "")).run()
			mdm.sends(owned("v1", "S1", "ada"), owned("v2", "S2", "ada"), owned("v3", "S3", "ada")).run()
			run := mdm.sends(owned("v1", "S1", "bob"), owned("v2", "S2", "eve"), owned("v3", "S3", "")).run()
			s.expect(run, "updated 3")
			require.Equal(s, []string{"S1 bob 2", "S2 eve -", "S3 - -"}, s.all("assets", "serial_number", "assigned_to", "assigned_to_id"))
		},
		"managers are found in the same run, before or after those they manage, over batches": func(s *scene) {
			for size := 1; size <= 5; size++ {
				s := newScene(s.T)
				hr := s.launched(managed())
				people := []string{person("1", "ada", "bob"), person("2", "bob", "cleo"), person("3", "cleo", "ada@example.com"), person("4", "dan", "dan"), person("5", "eve", "nobody")}
				run, foretold := hr.sendsPages(size, people...).test(syncer.TestOptions{Sample: -1})
				require.Len(s, foretold, 5)
				require.Equal(s, late("users", 3), run.Effects, "ada and bob wait for those after them, dan for himself")
				run = hr.run()
				s.expect(run, "created 5")
				require.Equal(s, late("users", 3), run.Effects, "with %d records in a batch", size)
				require.Equal(s, []string{"ada 2", "bob 3", "cleo 1", "dan 4", "eve -"}, s.all("users", "username", "manager_id"))
				s.expect(hr.run(), "unchanged 5")
			}
		},
		"a text that means two records stays unresolved and is a problem": func(s *scene) {
			hr, mdm := s.launched(users("hr")), s.launched(assigned())
			hr.sends(`{"id": "1", "login": "x1", "email": "a@example.com", "number": "x2"}`, `{"id": "2", "login": "x2", "email": "b@example.com"}`).run()
			run := mdm.sends(owned("v1", "S1", "x2")).run()
			s.expect(run, "created 1")
			require.Equal(s, []string{`v1 assigned_to unclear reference: "x2" means record 2, record 1; it stays unresolved until one of them is corrected`}, problems(run))
			require.Equal(s, []string{"x2 -"}, s.all("assets", "assigned_to", "assigned_to_id"))
		},
		"a test run foretells which references would resolve late": func(s *scene) {
			mdm, hr := s.launched(assigned()), s.launched(managed())
			mdm.sends(owned("v1", "S1", "ada"), owned("v2", "S2", "bob")).run()
			hr.sends(person("1", "ada", "bob"), person("2", "bob", ""))
			foretold, _ := hr.test(syncer.TestOptions{Sample: -1})
			run := hr.run()
			require.Equal(s, run.Effects, foretold.Effects)
			require.Equal(s, effects{"assets": {Updated: 2}, "users": {Updated: 1}}, run.Effects)
		},
		"a run that is taken up again resolves what its first half has written": func(s *scene) {
			hr := s.launched(managed())
			hr.sendsPages(1, person("1", "ada", "cleo"), person("2", "bob", "ada"), person("3", "cleo", ""))
			hr.interruptedAfter(2)
			run := hr.run()
			require.Equal(s, 1, run.Resumed)
			require.Equal(s, []string{"ada 3", "bob 1", "cleo -"}, s.all("users", "username", "manager_id"))
			require.Equal(s, late("users", 1), run.Effects)
		},
	})
}
