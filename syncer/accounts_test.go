package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// chatAccounts is an integration of accounts in the application Chat.
func chatAccounts(id string) syncer.Integration {
	return syncer.Integration{
		ID: id, Connector: id, Stream: "records", User: id + "@example.com",
		Mapping: mapping.Mapping{
			Object: "saas_users", Key: "id",
			Fields: []mapping.FieldMapping{
				{To: "application", Value: "Chat"},
				{To: "external_id", From: "id"},
				{To: "username", From: "login"},
				{To: "email", From: "email"},
				{To: "user", From: "email"},
				{To: "status", From: "state", Values: map[string]string{"ACTIVE": "active", "BLOCKED": "suspended"}},
				{To: "roles", From: "roles"},
				{To: "last_activity_at", From: "seen"},
			},
			SyncKeys: []mapping.SyncKey{{Field: "external_id"}},
		},
	}
}

const (
	adaRecord = `{"id": "a1", "login": "ada", "email": "ada@example.com", "state": "ACTIVE", "roles": ["admin", "user"], "seen": "2026-01-02T15:04:05Z"}`
	bobRecord = `{"id": "a2", "login": "bob", "email": "bob@example.com", "state": "BLOCKED", "roles": [], "seen": null}`
)

func account(id, status string, roles ...string) connector.Account {
	return connector.Account{ID: id, Status: status, Roles: roles}
}

// chat is launched with the accounts of Ada and Bob in step, and a vendor that
// knows of these accounts now.
func (s *scene) chat(now ...connector.Account) *feed {
	s.Helper()
	chat := s.launched(chatAccounts("chat")).sends(adaRecord, bobRecord)
	s.expect(chat.run(), "created 2")
	chat.fake.Accounts = now
	if now == nil {
		chat.fake.Accounts = []connector.Account{}
	}
	return chat
}

// checks looks at the accounts of Chat and returns what was found of each, as in
// "a1 differs status:"active"->"suspended"".
func (f *feed) checks(opt syncer.AccountOptions) (syncer.AccountSummary, []string) {
	f.Helper()
	told := []string{}
	opt.Record = func(c syncer.AccountCheck) error {
		text := strings.TrimSpace(c.ExternalID + " " + string(c.State) + " " + c.Reason)
		for _, d := range c.Differences {
			text += fmt.Sprintf(" %s:%s->%s", d.Field, d.Before, d.After)
		}
		told = append(told, text)
		return nil
	}
	before := dump(f, f.store) + strings.Join(f.values(), "\n")
	got, err := f.syncer().CheckAccounts(f.Context(), "chat", opt)
	require.NoError(f, err)
	require.Equal(f, before, dump(f, f.store)+strings.Join(f.values(), "\n"), "a check writes nothing")
	require.Equal(f, got.Checked, got.Same+got.Differs+got.Gone+got.Unsupported+got.Failed)
	require.EqualValues(f, len(told), got.Checked)
	require.Equal(f, "Chat", got.Application)
	for _, other := range f.feeds {
		require.Equal(f, other.fake.Opens.Load(), other.fake.Closes.Load(), "every source is closed")
	}
	return got, told
}

func TestCheckAccountsComparesWithTheApplication(t *testing.T) {
	t.Parallel()
	seen := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	for name, tc := range map[string]struct {
		now  []connector.Account
		want []string
	}{
		"all the same": {
			now: []connector.Account{{ID: "a1", Status: "active", Roles: []string{"user", "Admin"}, LastActivity: seen}, account("a2", "BLOCKED")}, want: []string{"a1 same", "a2 same"},
		},
		"a status, in the words of the mapping": {
			now: []connector.Account{account("a1", "blocked", "user", "admin"), account("a2", "ACTIVE")}, want: []string{`a1 differs status:"active"->"suspended"`, `a2 differs status:"suspended"->"active"`},
		},
		"a status that the mapping has no word for": {
			now: []connector.Account{account("a1", "locked", "user", "admin"), account("a2", "suspended")}, want: []string{`a1 differs status:"active"->"locked"`, "a2 same"},
		},
		"roles": {
			now:  []connector.Account{{ID: "a1", Status: "active", Roles: []string{}}, account("a2", "BLOCKED", "owner")},
			want: []string{`a1 differs roles:["admin","user"]->null`, `a2 differs roles:null->["owner"]`},
		},
		"the last activity": {
			now:  []connector.Account{{ID: "a1", LastActivity: seen.Add(300 * time.Millisecond)}, {ID: "a2", LastActivity: seen}},
			want: []string{"a1 same", `a2 differs last_activity_at:null->"2026-01-02T15:04:05Z"`},
		},
		"what the vendor does not tell is not compared": {
			now: []connector.Account{{ID: "a1"}, {ID: "a2"}}, want: []string{"a1 same", "a2 same"},
		},
		"accounts that are gone": {now: []connector.Account{account("a2", "BLOCKED")}, want: []string{"a1 gone", "a2 same"}},
		"all gone":               {want: []string{"a1 gone", "a2 gone"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			chat := s.chat(tc.now...)
			_, told := chat.checks(syncer.AccountOptions{})
			require.Equal(t, tc.want, told)
			require.EqualValues(t, 2, chat.fake.Opens.Load(), "one source for all, beside that of the run")
		})
	}
}

func TestCheckAccountsOfOnePerson(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		user string
		want []string
	}{
		"by the account's e-mail":       {user: "Ada@Example.com", want: []string{"a1 same"}},
		"by the account's username":     {user: "bob", want: []string{"a2 same"}},
		"by its external id":            {user: " A2 ", want: []string{"a2 same"}},
		"by the person's employee id":   {user: "E7", want: []string{"a1 same"}},
		"by the person's own username":  {user: "ada.lovelace", want: []string{"a1 same"}},
		"all, if nobody is asked for":   {want: []string{"a1 same", "a2 same"}},
		"a person without account here": {user: "eve@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.inserts("users", map[string]string{"username": "ada.lovelace", "email": "ada@example.com", "employee_id": "E7"})
			chat := s.chat(connector.Account{ID: "a1"}, connector.Account{ID: "a2"})
			if tc.want == nil {
				_, err := chat.syncer().CheckAccounts(t.Context(), "Chat", syncer.AccountOptions{User: tc.user})
				require.ErrorIs(t, err, syncer.ErrNotFound)
				require.ErrorContains(t, err, tc.user)
				return
			}
			_, told := chat.checks(syncer.AccountOptions{User: tc.user})
			require.Equal(t, tc.want, told)
		})
	}
}

// A directory is a connector whose single accounts a test answers for.
type directory struct {
	connectortest.Fake
	read  func(ctx context.Context, id string) (connector.Account, error)
	asked []string
}

func (d *directory) Spec() connector.Spec {
	spec := d.Fake.Spec()
	spec.ReadsAccounts = true
	return spec
}

func (d *directory) Open(ctx context.Context, cfg connector.Config) (connector.Source, error) {
	src, err := d.Fake.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return directorySource{src, d}, nil
}

type directorySource struct {
	connector.Source
	*directory
}

func (s directorySource) ReadAccount(ctx context.Context, id string) (connector.Account, error) {
	s.asked = append(s.asked, id)
	return s.read(ctx, id)
}

// asks looks at the accounts of Chat with that directory in the place of the
// vendor.
func (f *feed) asks(ctx context.Context, d *directory) (syncer.AccountSummary, []string, error) {
	f.Helper()
	d.ID = f.in.Connector
	var told []string
	got, err := f.syncerOf(d).CheckAccounts(ctx, "Chat", syncer.AccountOptions{Record: func(c syncer.AccountCheck) error {
		told = append(told, strings.TrimSpace(c.ExternalID+" "+string(c.State)+" "+c.Reason))
		return nil
	}})
	require.Equal(f, d.Opens.Load(), d.Closes.Load(), "every source is closed")
	return got, told, err
}

func TestCheckAccountsWhereTheVendorFails(t *testing.T) {
	t.Parallel()
	class := func(c connector.Class) func(context.Context, string) (connector.Account, error) {
		return func(context.Context, string) (connector.Account, error) {
			return connector.Account{}, connector.Errorf(c, "read account", "the vendor's words")
		}
	}
	for name, tc := range map[string]struct {
		read  func(context.Context, string) (connector.Account, error)
		want  []string
		asked int
	}{
		"a wrong credential is tried once": {
			read: class(connector.ErrAuth), asked: 1,
			want: []string{"a1 failed read account: the vendor's words [auth: ", "a2 failed not asked, since read account: the vendor's words [auth: "},
		},
		"any other error is that account's": {
			read: class(connector.ErrUnavailable), asked: 2,
			want: []string{"a1 failed read account: the vendor's words [unavailable: ", "a2 failed read account: the vendor's words [unavailable: "},
		},
		"what the vendor cannot tell is never the same": {
			read: class(connector.ErrUnsupported), asked: 2,
			want: []string{"a1 unsupported read account: the vendor's words", "a2 unsupported "},
		},
		"a panic": {
			read: func(context.Context, string) (connector.Account, error) { panic("oh") }, asked: 2,
			want: []string{"a1 failed read account: the connector panicked: oh", "a2 failed read account: the connector panicked: oh"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			chat := s.chat()
			d := &directory{read: tc.read}
			_, told, err := chat.asks(t.Context(), d)
			require.NoError(t, err)
			require.Len(t, told, len(tc.want))
			for i, words := range tc.want {
				require.Contains(t, told[i], words)
			}
			require.Len(t, d.asked, tc.asked)
		})
	}
	stories(t, map[string]func(s *scene){
		"a source that does not open": func(s *scene) {
			chat := s.chat()
			d := &directory{}
			d.OpenErr = connector.Errorf(connector.ErrTLS, "open", "unknown CA")
			d.read = func(context.Context, string) (connector.Account, error) { return connector.Account{}, nil }
			ctx := s.Context()
			d.ID = "chat"
			got, err := chat.syncerOf(d).CheckAccounts(ctx, "Chat", syncer.AccountOptions{})
			require.NoError(s, err)
			require.Equal(s, syncer.AccountSummary{Application: "Chat", Checked: 2, Failed: 2}, got)
			require.EqualValues(s, 1, d.Opens.Load())
		},
		"a check that is told to stop": func(s *scene) {
			chat := s.chat()
			ctx, cancel := context.WithCancel(s.Context())
			defer cancel()
			d := &directory{read: func(ctx context.Context, _ string) (connector.Account, error) {
				cancel()
				return connector.Account{}, ctx.Err()
			}}
			_, told, err := chat.asks(ctx, d)
			require.ErrorIs(s, err, context.Canceled)
			require.Empty(s, told)
			require.Len(s, d.asked, 1)
		},
		"an error of whoever listens": func(s *scene) {
			chat := s.chat()
			full := errors.New("the disk is full")
			_, err := chat.syncer().CheckAccounts(s.Context(), "Chat", syncer.AccountOptions{Record: func(syncer.AccountCheck) error { return full }})
			require.ErrorIs(s, err, full)
			require.Equal(s, chat.fake.Opens.Load(), chat.fake.Closes.Load())
		},
		"an account that the vendor knows by the record's own id": func(s *scene) {
			in := chatAccounts("chat")
			in.Mapping.Fields[1].From = "login"
			chat := s.launched(in).sends(adaRecord)
			chat.run()
			d := &directory{read: func(_ context.Context, id string) (connector.Account, error) {
				if id != "a1" {
					return connector.Account{}, connector.ErrNotFound
				}
				return account("a1", "active"), nil
			}}
			_, told, err := chat.asks(s.Context(), d)
			require.NoError(s, err)
			require.Equal(s, []string{"ada same"}, told)
			require.Equal(s, []string{"ada", "a1"}, d.asked)
		},
		"an account that has another id by now": func(s *scene) {
			chat := s.chat()
			d := &directory{read: func(context.Context, string) (connector.Account, error) { return connector.Account{ID: "new"}, nil }}
			got, _, err := chat.asks(s.Context(), d)
			require.NoError(s, err)
			require.EqualValues(s, 2, got.Differs)
		},
	})
}

func TestCheckAccountsWaitsForTheVendorsLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		chat := s.chat()
		limited := true
		d := &directory{read: func(_ context.Context, id string) (connector.Account, error) {
			if limited = !limited; !limited {
				return connector.Account{}, &connector.Error{Class: connector.ErrRateLimited, Op: "read account", RetryAfter: 30 * time.Second}
			}
			return connector.Account{ID: id}, nil
		}}
		start := time.Now()
		got, _, err := chat.asks(t.Context(), d)
		require.NoError(t, err)
		require.EqualValues(t, 2, got.Same)
		require.Equal(t, time.Minute, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		limited = true
		_, _, err = chat.asks(ctx, d)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestCheckAccountsThroughTheIntegrationsThatBringThem(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"one that cannot look at single accounts": func(s *scene) {
			chat := s.chat()
			chat.fake.Accounts = nil
			got, told := chat.checks(syncer.AccountOptions{})
			require.Equal(s, []string{"a1 unsupported connector chat cannot look at a single account", "a2 unsupported connector chat cannot look at a single account"}, told)
			require.EqualValues(s, 2, got.Unsupported)
			require.EqualValues(s, 1, chat.fake.Opens.Load(), "nothing is opened for that")
		},
		"none, for an account that a person has made": func(s *scene) {
			chat := s.chat(connector.Account{ID: "a1"}, connector.Account{ID: "a2"})
			app := s.one("saas_applications", "name", "Chat").ID
			s.inserts("saas_users", map[string]string{"application": app, "external_id": "x"})
			_, told := chat.checks(syncer.AccountOptions{User: "x"})
			require.Equal(s, []string{"x unsupported no integration brings it"}, told)
		},
		"the one of people, for the accounts that go with them": func(s *scene) {
			in := users("idp")
			in.Mapping.Companions = []mapping.CompanionMapping{{Object: "saas_users", Application: "Chat", Fields: []mapping.FieldMapping{{To: "status", From: "state"}}}}
			idp := s.launched(in).sends(`{"id": "u1", "login": "ada", "email": "ada@example.com", "state": "on"}`)
			idp.run()
			idp.fake.Accounts = []connector.Account{account("u1", "off", "admin")}
			_, told := idp.checks(syncer.AccountOptions{})
			require.Equal(s, []string{`u1 differs status:"on"->"off"`}, told, "roles are neither mapped nor stored")
		},
		"one whose records the host maps itself": func(s *scene) {
			chat := s.chat(account("a1", "active", "admin", "user"), account("a2", "active"))
			program, err := mapping.Compile(chat.in.Mapping, mapping.Standard(), mapping.Options{})
			require.NoError(s, err)
			chat.opt.Mappers = map[string]mapping.Mapper{"chat": program}
			_, told := chat.checks(syncer.AccountOptions{})
			require.Equal(s, []string{"a1 same", `a2 differs status:"suspended"->"active"`}, told)
		},
		"several, each for itself": func(s *scene) {
			chat := s.chat(account("a1", "ACTIVE", "admin", "user"))
			audit := s.launched(chatAccounts("audit")).sends(adaRecord)
			audit.run()
			audit.fake.Accounts = []connector.Account{}
			_, told := chat.checks(syncer.AccountOptions{})
			require.Equal(s, []string{"a1 gone", "a1 same", "a2 gone"}, told)
		},
		"not one that is archived": func(s *scene) {
			chat := s.chat(connector.Account{ID: "a1"}, connector.Account{ID: "a2"})
			require.NoError(s, chat.syncer().Archive(s.Context(), "chat", "ada"))
			_, told := chat.checks(syncer.AccountOptions{User: "ada"})
			require.Equal(s, []string{"a1 unsupported integration chat is archived"}, told)
		},
		"accounts that are archived here are not asked for": func(s *scene) {
			chat := s.chat(connector.Account{ID: "a1"}, connector.Account{ID: "a2"})
			require.NoError(s, s.store.Archive(s.Context(), "person", "saas_users", s.one("saas_users", "external_id", "a1").ID))
			_, told := chat.checks(syncer.AccountOptions{})
			require.Equal(s, []string{"a2 same"}, told)
		},
		"a sensitive field differs without being shown": func(s *scene) {
			chat := s.chat(account("a1", "blocked", "admin", "user"))
			chat.fake.Describe = func(spec *connector.Spec) {
				spec.Streams[0].Fields = []connector.Field{{Path: "state", Type: connector.StringField, Sensitive: true}}
			}
			_, told := chat.checks(syncer.AccountOptions{User: "ada"})
			require.Equal(s, []string{`a1 differs status:"********"->"********"`}, told)
		},
	})
}

func TestCheckAccountsOfAnApplicationThatNobodyKnows(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	chat := s.chat()
	_, err := chat.syncer().CheckAccounts(t.Context(), "Chatt", syncer.AccountOptions{})
	require.ErrorIs(t, err, syncer.ErrNotFound)
	require.ErrorContains(t, err, `did you mean "Chat"?`)
	got, err := chat.syncer().CheckAccounts(t.Context(), s.one("saas_applications", "name", "Chat").ID, syncer.AccountOptions{})
	require.NoError(t, err, "its id is good, too")
	require.EqualValues(t, 2, got.Gone)
	s.inserts("saas_applications", map[string]string{"name": "Empty"})
	got, err = chat.syncer().CheckAccounts(t.Context(), "empty", syncer.AccountOptions{})
	require.NoError(t, err)
	require.Equal(t, syncer.AccountSummary{Application: "Empty"}, got)
}
