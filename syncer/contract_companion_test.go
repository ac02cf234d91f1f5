package syncer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// withAccount gives each person an account in an application.
func withAccount(in syncer.Integration, deactivate bool) syncer.Integration {
	in.Mapping.Companions = []mapping.CompanionMapping{{
		Object: "saas_users", Application: "Okta", Deactivate: deactivate,
		Fields: []mapping.FieldMapping{
			{To: "external_id", From: "account"},
			{To: "status", From: "state"},
			{To: "roles", From: "roles"},
			{To: "last_activity_at", From: "seen"},
		},
	}}
	return in
}

const (
	adaAccount = `{"id": "1", "login": "ada", "email": "ada@example.com", "name": "Ada", "account": "a1", "state": "active", "roles": ["admin", "user"], "seen": "2026-01-02T03:04:05Z"}`
	bobAccount = `{"id": "2", "login": "bob", "email": "bob@example.com", "account": "b1", "state": "active"}`
	noAccount  = `{"id": "3", "login": "cleo", "email": "cleo@example.com"}`
)

func TestContract9Companions(t *testing.T) {
	t.Parallel()
	accounts := func(s *scene) []string {
		s.Helper()
		return s.all("saas_users", "application", "external_id", "user", "user_id", "status")
	}
	stories(t, map[string]func(s *scene){
		"a person brings an account in an application that is made by name": func(s *scene) {
			hr := s.launched(withAccount(users("hr"), false)).sends(adaAccount, bobAccount, noAccount)
			foretold, records := hr.test(syncer.TestOptions{Sample: -1})
			run := hr.run()
			s.expect(run, "created 3")
			require.Equal(s, effects{"saas_applications": {Created: 1}, "saas_users": {Created: 2}}, run.Effects)
			require.Equal(s, run.Effects, foretold.Effects)
			require.Len(s, records[0].Mapped["saas_users"], 1)
			okta, ada, bob := s.one("saas_applications", "name", "Okta").ID, s.one("users", "username", "ada").ID, s.one("users", "username", "bob").ID
			require.Equal(s, []string{okta + " a1 ada@example.com " + ada + " active", okta + " b1 bob@example.com " + bob + " active"}, accounts(s))
			account := s.one("saas_users", "external_id", "a1").fields
			require.Equal(s, "admin, user", account["roles"])
			require.Equal(s, "Ada", account["full_name"], "taken from the person's own mapping")
			require.Equal(s, "2026-01-02T03:04:05Z", account["last_activity_at"])
			s.expect(hr.run(), "unchanged 3")
		},
		"an application that is there is found by name, or given by id": func(s *scene) {
			okta := s.inserts("saas_applications", map[string]string{"name": "okta"})
			hr := s.launched(withAccount(users("hr"), false)).sends(adaAccount)
			run := hr.run()
			require.Equal(s, effects{"saas_users": {Created: 1}}, run.Effects)
			require.Equal(s, okta, s.one("saas_users", "external_id", "a1").fields["application"])
			slack := s.inserts("saas_applications", map[string]string{"name": "Slack"})
			in := withAccount(users("it"), false)
			in.Mapping.Companions[0].Application, in.Mapping.Companions[0].ApplicationID = "", slack
			it := s.launched(in).sends(adaAccount)
			require.Equal(s, effects{"saas_users": {Created: 1}}, it.run().Effects)
			require.Equal(s, []string{okta, slack}, s.all("saas_users", "application"))
			s.expect(it.run(), "unchanged 1")
		},
		"a changed account makes an unchanged person updated": func(s *scene) {
			hr := s.launched(withAccount(users("hr"), false)).sends(bobAccount)
			hr.run()
			run := hr.sends(`{"id": "2", "login": "bob", "email": "bob@example.com", "account": "b1", "state": "locked"}`).run()
			s.expect(run, "updated 1")
			require.Equal(s, effects{"saas_users": {Updated: 1}}, run.Effects)
			require.EqualValues(s, 1, s.one("users", "username", "bob").Revision)
		},
		"an account edited by hand is put back": func(s *scene) {
			hr := s.launched(withAccount(users("hr"), false)).sends(bobAccount)
			hr.run()
			s.edits("saas_users", s.one("saas_users", "external_id", "b1").ID, map[string]string{"status": "by hand"})
			s.expect(hr.run(), "updated 1")
			require.Equal(s, "active", s.one("saas_users", "external_id", "b1").fields["status"])
		},
		"an account that another integration has brought already becomes the person's": func(s *scene) {
			in := syncer.Integration{ID: "okta", Connector: "okta", Stream: "records", User: "okta@example.com", Mapping: mapping.Mapping{
				Object: "saas_users", Key: "id",
				Fields:   []mapping.FieldMapping{{To: "application", Value: "Okta"}, {To: "external_id", From: "id"}, {To: "user", From: "login"}},
				SyncKeys: []mapping.SyncKey{{Field: "external_id"}},
			}}
			s.launched(in).sends(`{"id": "b1", "login": "bobby"}`).run()
			hr := s.launched(withAccount(users("hr"), false)).sends(bobAccount)
			run := hr.run()
			require.Equal(s, effects{"saas_users": {Updated: 1}}, run.Effects)
			require.Equal(s, s.one("users", "username", "bob").ID, s.one("saas_users", "external_id", "b1").fields["user_id"])
		},
		"two people with one account: the second fails, and says whose it is": func(s *scene) {
			hr := s.launched(withAccount(users("hr"), false)).sends(bobAccount, `{"id": "9", "login": "rob", "email": "rob@example.com", "account": "B1"}`)
			require.Equal(s, []string{"2 created", "9 failed: conflict: its account is that of the record 2 too; map another field to external_id"}, hr.tells())
		},
		"an account that vanished from a complete read is deactivated, and active again when it is back": func(s *scene) {
			hr := s.launched(withAccount(users("hr"), true)).sends(adaAccount, bobAccount)
			hr.run()
			hr.sends(adaAccount)
			foretold, _ := hr.test(syncer.TestOptions{Sample: -1})
			run := hr.run()
			s.expect(run, "unchanged 1")
			require.EqualValues(s, 1, run.Vanished.Deactivated)
			require.Equal(s, run.Vanished, foretold.Vanished)
			require.Equal(s, []string{"a1 active", "b1 deactivated"}, s.all("saas_users", "external_id", "status"))
			require.Equal(s, []string{"ada", "bob"}, s.all("users", "username"), "the person stays")
			require.Zero(s, hr.run().Vanished.Deactivated, "once")
			s.expect(hr.sends(adaAccount, bobAccount).run(), "updated 1, unchanged 1")
			require.Equal(s, []string{"a1 active", "b1 active"}, s.all("saas_users", "external_id", "status"))
		},
		"an incomplete read deactivates nobody": func(s *scene) {
			hr := s.launched(withAccount(users("hr"), true)).sends(adaAccount, bobAccount)
			hr.run()
			hr.sends(adaAccount).breaks()
			run := hr.run()
			require.Zero(s, run.Vanished.Deactivated)
			require.Equal(s, []string{"a1 active", "b1 active"}, s.all("saas_users", "external_id", "status"))
		},
		"a person with another account: the old one is deactivated": func(s *scene) {
			hr := s.launched(withAccount(users("hr"), true)).sends(bobAccount)
			hr.run()
			run := hr.sends(`{"id": "2", "login": "bob", "email": "bob@example.com", "account": "b2", "state": "active"}`).run()
			require.Equal(s, effects{"saas_users": {Created: 1, Updated: 1}}, run.Effects)
			require.Equal(s, []string{"b1 deactivated", "b2 active"}, s.all("saas_users", "external_id", "status"))
			s.expect(hr.run(), "unchanged 1")
		},
		"accounts that are a source's own records are deactivated too": func(s *scene) {
			in := syncer.Integration{ID: "okta", Connector: "okta", Stream: "records", User: "okta@example.com", Absence: syncer.DeactivateAbsent, Mapping: mapping.Mapping{
				Object: "saas_users", Key: "id",
				Fields:   []mapping.FieldMapping{{To: "application", Value: "Okta"}, {To: "external_id", From: "id"}, {To: "status", From: "state"}},
				SyncKeys: []mapping.SyncKey{{Field: "external_id"}},
			}}
			okta := s.launched(in).sends(`{"id": "1", "state": "on"}`, `{"id": "2", "state": "on"}`)
			okta.run()
			run := okta.sends(`{"id": "1", "state": "on"}`).run()
			require.EqualValues(s, 1, run.Vanished.Deactivated)
			require.Equal(s, []string{"1 on", "2 deactivated"}, s.all("saas_users", "external_id", "status"))
			s.expect(okta.sends(`{"id": "1", "state": "on"}`, `{"id": "2", "state": "on"}`).run(), "updated 1, unchanged 1")
		},
	})
}

func TestUsersNeedADefaultRole(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"a role from the vendor alone leaves it a draft that says so": func(s *scene) {
			in := users("hr")
			in.Mapping.Fields[2] = mapping.FieldMapping{To: "role", From: "kind"}
			hr := s.drafted(in)
			missing, err := hr.syncer().Missing(s.Context(), "hr")
			require.NoError(s, err)
			require.Equal(s, []string{"a default role for users, for whom the vendor gives none (default_role)"}, missing)
			hr.edit(func(in *syncer.Integration) { in.Mapping.Fields[2].Default = "member" })
			missing, err = hr.syncer().Missing(s.Context(), "hr")
			require.NoError(s, err)
			require.Empty(s, missing)
		},
		"an integration without username, e-mail or role says all three": func(s *scene) {
			in := users("hr")
			in.Mapping.Fields = in.Mapping.Fields[3:]
			in.Mapping.SyncKeys = []mapping.SyncKey{{Field: "employee_id"}}
			missing, err := s.drafted(in).syncer().Missing(s.Context(), "hr")
			require.NoError(s, err)
			require.Equal(s, []string{
				"a mapping for username, which every record of users must have",
				"a mapping for email, which every record of users must have",
				"a mapping for role, which every record of users must have",
			}, missing)
		},
		"deactivation is for accounts, whose status comes back": func(s *scene) {
			in := users("hr")
			in.Absence = syncer.DeactivateAbsent
			missing, err := s.drafted(in).syncer().Missing(s.Context(), "hr")
			require.NoError(s, err)
			require.Equal(s, []string{"accounts to deactivate: absence: deactivate is for saas_users; users can be flagged or archived"}, missing)
		},
	})
}
