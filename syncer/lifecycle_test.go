package syncer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// kept returns the integration as the journal has it.
func (f *feed) kept() syncer.Integration {
	f.Helper()
	in, err := f.store.Integration(f.Context(), f.in.ID)
	require.NoError(f, err)
	return in
}

// editsOf returns what was done to an integration, and by whom, as in
// "created by editor@example.com".
func editsOf(in syncer.Integration) []string {
	var lines []string
	for _, e := range in.Changes {
		lines = append(lines, e.What+" by "+e.By)
	}
	return lines
}

func TestAnIntegrationsLife(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"from draft to archive, with who and when": func(s *scene) {
			clock := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
			mdm := s.drafted(assets("mdm"))
			mdm.opt.Now = func() time.Time { return clock }
			sync := mdm.syncer()
			require.Equal(s, syncer.Draft, mdm.kept().State)
			require.NoError(s, sync.Launch(s.Context(), "mdm", "ada"))
			launched := mdm.kept()
			require.Equal(s, syncer.Active, launched.State)
			require.Equal(s, "ada", launched.LaunchedBy)
			require.Equal(s, clock, launched.LaunchedAt)
			clock = clock.Add(time.Hour)
			require.NoError(s, sync.Pause(s.Context(), "mdm", "bob"))
			require.Equal(s, syncer.Paused, mdm.kept().State)
			require.Equal(s, clock, mdm.kept().UpdatedAt)
			require.NoError(s, sync.Launch(s.Context(), "mdm", "cy"))
			require.Equal(s, "cy", mdm.kept().LaunchedBy)
			require.NoError(s, sync.Archive(s.Context(), "mdm", "dan"))
			require.Equal(s, syncer.Archived, mdm.kept().State)
			require.Equal(s, []string{
				"created by editor@example.com", "became active by ada", "became paused by bob", "became active by cy", "became archived by dan",
			}, editsOf(mdm.kept()))
		},
		"saving fills in what is usual": func(s *scene) {
			in := s.drafted(assets("mdm")).kept()
			require.Equal(s, "mdm", in.Name)
			require.Equal(s, syncer.CreateAndUpdate, in.Policy)
			require.Equal(s, syncer.Cloud, in.Installation)
			require.Equal(s, syncer.Keep, in.Absence)
			require.False(s, in.CreatedAt.IsZero())
			require.Equal(s, in.CreatedAt, in.UpdatedAt)
		},
		"saving cannot change the state, nor who launched it": func(s *scene) {
			mdm := s.drafted(assets("mdm"))
			mdm.edit(func(in *syncer.Integration) {
				in.State, in.LaunchedBy, in.Name = syncer.Active, "mallory", "Laptops"
				in.Changes = nil
			})
			in := mdm.kept()
			require.Equal(s, syncer.Draft, in.State)
			require.Empty(s, in.LaunchedBy)
			require.Len(s, in.Changes, 2)
			require.NoError(s, mdm.syncer().Launch(s.Context(), "mdm", "ada"))
			mdm.edit(func(in *syncer.Integration) { in.State, in.Name = syncer.Draft, "Other" })
			require.Equal(s, syncer.Active, mdm.kept().State, "it stays launched")
			require.Equal(s, "ada", mdm.kept().LaunchedBy)
		},
		"saving without a change leaves no trace": func(s *scene) {
			mdm := s.devices()
			before := mdm.kept()
			mdm.edit(func(*syncer.Integration) {})
			require.Equal(s, before, mdm.kept())
		},
		"a new name under the same id keeps links and history": func(s *scene) {
			mdm := s.devices().sends(device(1))
			mdm.run()
			mdm.edit(func(in *syncer.Integration) { in.Name = "Laptops" })
			s.expect(mdm.run(), "unchanged 1")
		},
		"edits are kept up to 200, the newest last": func(s *scene) {
			mdm := s.drafted(assets("mdm"))
			for i := range 250 {
				mdm.edit(func(in *syncer.Integration) { in.Name = fmt.Sprint("name ", i) })
			}
			require.Len(s, mdm.kept().Changes, 200)
			require.Equal(s, "name changed", mdm.kept().Changes[199].What)
		},
	})
	for name, tc := range map[string]struct {
		change func(in *syncer.Integration)
		told   string
	}{
		"name":             {func(in *syncer.Integration) { in.Name = "Laptops" }, "name changed"},
		"connector":        {func(in *syncer.Integration) { in.Connector = "other" }, "connector changed"},
		"stream":           {func(in *syncer.Integration) { in.Stream = "other" }, "connector changed"},
		"settings":         {func(in *syncer.Integration) { in.Settings = connector.Settings{"url": {"x"}} }, "settings changed"},
		"credential":       {func(in *syncer.Integration) { in.Credential = "okta-prod" }, "credential changed"},
		"policy":           {func(in *syncer.Integration) { in.Policy = syncer.UpdateOnly }, "policy changed"},
		"integration user": {func(in *syncer.Integration) { in.User = "other@example.com" }, "integration user changed"},
		"installation":     {func(in *syncer.Integration) { in.Installation = syncer.Local }, "installation changed"},
		"contacts":         {func(in *syncer.Integration) { in.Contacts = []string{"it@example.com"} }, "contacts changed"},
		"mapping":          {func(in *syncer.Integration) { in.Mapping.Fields[0].From = "sn" }, "mapping changed"},
		"sync keys":        {func(in *syncer.Integration) { in.Mapping.SyncKeys[0].Update = true }, "mapping changed"},
		"absence":          {func(in *syncer.Integration) { in.Absence = syncer.FlagAbsent }, "absence changed"},
		"archived":         {func(in *syncer.Integration) { in.RestoreArchived = true }, "restore archived changed"},
	} {
		t.Run("an edit is told: "+name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.drafted(assets("mdm"))
			mdm.edit(tc.change)
			require.Equal(t, []string{"created by editor@example.com", tc.told + " by editor@example.com"}, editsOf(mdm.kept()))
		})
	}
}

func TestMovesBetweenStates(t *testing.T) {
	t.Parallel()
	type verb func(*syncer.Syncer, context.Context, string, string) error
	launch, pause, archive := verb((*syncer.Syncer).Launch), verb((*syncer.Syncer).Pause), verb((*syncer.Syncer).Archive)
	for name, tc := range map[string]struct {
		before []verb
		do     verb
		after  syncer.State
		err    string
	}{
		"a draft is launched":             {nil, launch, syncer.Active, ""},
		"a draft is not paused":           {nil, pause, syncer.Draft, `integration "mdm" is draft and cannot become paused`},
		"a draft is archived":             {nil, archive, syncer.Archived, ""},
		"an active one is launched again": {[]verb{launch}, launch, syncer.Active, ""},
		"an active one is paused":         {[]verb{launch}, pause, syncer.Paused, ""},
		"an active one is archived":       {[]verb{launch}, archive, syncer.Archived, ""},
		"a paused one is launched":        {[]verb{launch, pause}, launch, syncer.Active, ""},
		"a paused one is paused again":    {[]verb{launch, pause}, pause, syncer.Paused, ""},
		"a paused one is archived":        {[]verb{launch, pause}, archive, syncer.Archived, ""},
		"an archived one is not launched": {[]verb{archive}, launch, syncer.Archived, `integration "mdm" is archived and cannot become active`},
		"an archived one is not paused":   {[]verb{archive}, pause, syncer.Archived, `integration "mdm" is archived and cannot become paused`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.drafted(assets("mdm"))
			for _, v := range tc.before {
				require.NoError(t, v(mdm.syncer(), t.Context(), "mdm", "ada"))
			}
			edits := len(mdm.kept().Changes)
			before := mdm.kept().State
			err := tc.do(mdm.syncer(), t.Context(), "mdm", "ada")
			if tc.err == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, tc.err)
			}
			require.Equal(t, tc.after, mdm.kept().State)
			if before == tc.after {
				require.Len(t, mdm.kept().Changes, edits, "nothing was done, and nothing told")
			}
		})
	}
	t.Run("of an integration that is not there", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		for _, v := range []verb{launch, pause, archive} {
			require.ErrorIs(t, v(s.devices().syncer(), t.Context(), "nobody", "ada"), syncer.ErrNotFound)
			s = newScene(t)
		}
	})
}

func TestSavingWhatIsWrongInItself(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(in *syncer.Integration)
		says   []string
	}{
		"no id":                     {func(in *syncer.Integration) { in.ID = "" }, []string{`the id "" must be small letters`}},
		"an id with odd characters": {func(in *syncer.Integration) { in.ID = "Laptops/1" }, []string{`the id "Laptops/1" must be small letters`}},
		"an id that is too long":    {func(in *syncer.Integration) { in.ID = strings.Repeat("a", 64) }, []string{"at most 63"}},
		"all faults together": {
			func(in *syncer.Integration) {
				in.ID, in.Policy, in.Installation, in.Absence = "A", "upsert", "moon", "delete"
			}, []string{`the id "A"`, `policy "upsert" is none of create-and-update, create-only, update-only`, `installation "moon" is none of cloud, local`, `absence "delete" is none of keep, flag, archive`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			sync := s.drafted(assets("mdm")).syncer()
			in := assets("mdm")
			tc.change(&in)
			_, err := sync.Save(t.Context(), in, "ada")
			for _, says := range tc.says {
				require.ErrorContains(t, err, says)
			}
			all, jerr := s.store.Integrations(t.Context())
			require.NoError(t, jerr)
			require.Len(t, all, 1)
		})
	}
}

func TestMissingSaysWhatAnIntegrationNeedsInAPersonsWords(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in       syncer.Integration
		change   func(in *syncer.Integration)
		describe func(spec *connector.Spec)
		want     []string
	}{
		"nothing": {in: assets("mdm")},
		"an integration user": {
			in: assets("mdm"), change: func(in *syncer.Integration) { in.User = "  " },
			want: []string{"an integration user, to whom the changes are attributed (integration_user)"},
		},
		"a connector that is there": {
			in: assets("mdm"), change: func(in *syncer.Integration) { in.Connector = "jamff" },
			want: []string{"a connector: find connector: there is no connector \"jamff\" [not_found: see `vendorsync catalog`; there are mdm]"},
		},
		"a stream that the connector has": {
			in: assets("mdm"), change: func(in *syncer.Integration) { in.Stream = "devices" },
			want: []string{`a stream: connector mdm has no stream "devices"; it has records`},
		},
		"settings, each by itself": {
			in: assets("mdm"), change: func(in *syncer.Integration) { in.Settings = connector.Settings{"page": {"many"}, "colour": {"red"}} },
			describe: func(spec *connector.Spec) {
				spec.Settings = []connector.Setting{{Name: "url", Label: "the address of your server", Required: true}, {Name: "page", Type: connector.Integer}}
			},
			want: []string{
				"a setting: colour: is no setting of mdm; it has url, page",
				`a setting: page: "many" is not a whole number`,
				"a setting: url: is required (the address of your server)",
			},
		},
		"a credential": {
			in: assets("mdm"), describe: func(spec *connector.Spec) {
				spec.Auth = []connector.AuthMethod{{ID: "token", Kind: credentials.APIToken}}
			},
			want: []string{"a credential: Fake needs one (credential)"},
		},
		"a target object": {
			in: assets("mdm"), change: func(in *syncer.Integration) { in.Mapping.Object = "gadgets" },
			want: []string{`a target object: there is no object "gadgets"`},
		},
		"a mapping without faults": {
			in: assets("mdm"), change: func(in *syncer.Integration) { in.Mapping.Fields[2].To = "devicename" },
			want: []string{`a mapping without faults: fields[2].to: assets have no field "devicename"; did you mean "device_name"?`},
		},
		"a sync key": {
			in: assets("mdm"), change: func(in *syncer.Integration) { in.Mapping.SyncKeys = nil },
			want: []string{"a sync key: a unique field of assets by which records are matched (sync_keys)"},
		},
		"a sync key on a unique field": {
			in: assets("mdm"), change: func(in *syncer.Integration) { in.Mapping.SyncKeys[0].Field = "device_name" },
			want: []string{`a mapping without faults: sync_keys[0]: "device_name" is not unique, so that no record can be found by it; the unique ones are serial_number, asset_tag, imei, udid`},
		},
		"username, e-mail and a role for users": {
			in: users("hr"), change: func(in *syncer.Integration) {
				in.Mapping.Fields = []mapping.FieldMapping{{To: "employee_id", From: "number"}}
				in.Mapping.SyncKeys = []mapping.SyncKey{{Field: "employee_id"}}
			},
			want: []string{
				"a mapping for username, which every record of users must have",
				"a mapping for email, which every record of users must have",
				"a mapping for role, which every record of users must have",
			},
		},
		"a stream that names every record, to act on absence": {
			in: assets("mdm"), change: func(in *syncer.Integration) { in.Absence = syncer.FlagAbsent },
			describe: func(spec *connector.Spec) { spec.Streams[0].Complete = false },
			want:     []string{"a stream that names every record, for absence: flag; records does not"},
		},
		"several things at once": {
			in: assets("mdm"), change: func(in *syncer.Integration) { in.User, in.Mapping.SyncKeys, in.Stream = "", nil, "x" },
			want: []string{
				"an integration user, to whom the changes are attributed (integration_user)",
				`a stream: connector mdm has no stream "x"; it has records`,
				"a sync key: a unique field of assets by which records are matched (sync_keys)",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			in := tc.in
			if tc.change != nil {
				tc.change(&in)
			}
			f := s.drafted(in)
			f.fake = &connectortest.Fake{ID: tc.in.Connector, Describe: tc.describe}
			missing, err := f.syncer().Missing(t.Context(), in.ID)
			require.NoError(t, err)
			require.Equal(t, tc.want, missing)
			err = f.syncer().Launch(t.Context(), in.ID, "ada")
			if tc.want == nil {
				require.NoError(t, err)
				return
			}
			var incomplete *syncer.MissingError
			require.ErrorAs(t, err, &incomplete)
			require.Equal(t, tc.want, incomplete.Missing)
			require.EqualError(t, err, fmt.Sprintf("integration %q is not complete: %s", in.ID, strings.Join(tc.want, "; ")))
			require.Equal(t, syncer.Draft, f.kept().State)
		})
	}
	t.Run("of an integration that is not there", func(t *testing.T) {
		t.Parallel()
		_, err := newScene(t).devices().syncer().Missing(t.Context(), "nobody")
		require.ErrorIs(t, err, syncer.ErrNotFound)
	})
	t.Run("a mapper of the host's own brings its columns", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		in := assets("mdm")
		in.Mapping.Fields = nil
		mdm := s.drafted(in)
		missing, err := mdm.syncer().Missing(t.Context(), "mdm")
		require.NoError(t, err)
		require.Len(t, missing, 1)
		mdm.opt.Mappers = map[string]mapping.Mapper{"mdm": ownMapper{}}
		missing, err = mdm.syncer().Missing(t.Context(), "mdm")
		require.NoError(t, err)
		require.Empty(t, missing)
	})
	t.Run("a mapper of the host's own that fills nothing", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		mdm := s.drafted(assets("mdm"))
		mdm.opt.Mappers = map[string]mapping.Mapper{"mdm": emptyMapper{}}
		missing, err := mdm.syncer().Missing(t.Context(), "mdm")
		require.NoError(t, err)
		require.Equal(t, []string{"a mapper that fills assets; this one fills nothing"}, missing)
		_, err = mdm.syncer().TestRun(t.Context(), "mdm", syncer.TestOptions{})
		require.ErrorIs(t, err, connector.ErrInvalid)
	})
	t.Run("a mapper of the host's own cannot match by what is not unique", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		mdm := s.drafted(assets("mdm")).sends(`alpha;A1`)
		mdm.opt.Mappers = map[string]mapping.Mapper{"mdm": ownMapper{}}
		mdm.edit(func(in *syncer.Integration) { in.Mapping.SyncKeys = []mapping.SyncKey{{Field: "device_name"}} })
		_, err := mdm.syncer().TestRun(t.Context(), "mdm", syncer.TestOptions{})
		require.ErrorIs(t, err, connector.ErrInvalid)
		require.ErrorContains(t, err, "no record of assets can be found by device_name, which is not unique")
	})
}

func TestTheConnectorGetsSettingsAndCredential(t *testing.T) {
	t.Parallel()
	vendor := &demanding{}
	vendor.ID = "mdm"
	newIntegration := func(s *scene) *feed {
		in := assets("mdm")
		in.Credential, in.Settings = "mdm-prod", connector.Settings{"url": {"https://mdm.example.com"}}
		return s.drafted(in)
	}
	t.Run("as the integration names them, with the defaults", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		mdm := newIntegration(s)
		mdm.opt.Dir = "/etc/vendorsync"
		mdm.opt.Credentials = func(_ context.Context, in syncer.Integration, _ credentials.Binding) (credentials.Source, error) {
			return credentials.Static(credentials.Credential{Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret("for " + in.Credential)}}), nil
		}
		asked := &demanding{}
		asked.ID = "mdm"
		run, err := mdm.syncerOf(asked).TestRun(t.Context(), "mdm", syncer.TestOptions{})
		require.NoError(t, err)
		require.Equal(t, syncer.Empty, run.Status)
		require.Equal(t, connector.Settings{"url": {"https://mdm.example.com"}, "page": {"50"}}, asked.config.Settings)
		require.Equal(t, "/etc/vendorsync", asked.config.Dir)
		credential, err := asked.config.Credential.Get(t.Context())
		require.NoError(t, err)
		require.Equal(t, "for mdm-prod", credential.Value("token").Reveal())
	})
	t.Run("a credential that cannot be had is told", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		mdm := newIntegration(s)
		mdm.opt.Credentials = func(context.Context, syncer.Integration, credentials.Binding) (credentials.Source, error) {
			return nil, fmt.Errorf("the variable MDM_TOKEN is not set")
		}
		_, err := mdm.syncerOf(vendor).TestRun(t.Context(), "mdm", syncer.TestOptions{})
		require.ErrorIs(t, err, connector.ErrAuth)
		require.ErrorContains(t, err, "resolve credential mdm-prod: the variable MDM_TOKEN is not set")
	})
	t.Run("a connector that panics when it is opened fails the run", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		broken := &demanding{panics: true}
		broken.ID = "mdm"
		run, err := newIntegration(s).syncerOf(broken).TestRun(t.Context(), "mdm", syncer.TestOptions{})
		require.ErrorIs(t, err, connector.ErrInternal)
		require.ErrorContains(t, err, "the connector panicked: no memory")
		require.Equal(t, syncer.Failed, run.Status)
	})
}

func TestCheckAsksWhatTheCredentialMayDo(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"and returns what the vendor says": func(s *scene) {
			mdm := s.devices()
			want := connector.Report{Permissions: []connector.PermissionStatus{{Name: "devices.read", Grant: connector.Missing, Detail: "403"}}}
			mdm.fake.CheckFunc = func(context.Context) (connector.Report, error) { return want, nil }
			report, err := mdm.syncer().Check(s.Context(), "mdm")
			require.NoError(s, err)
			require.Equal(s, want, report)
			require.EqualValues(s, 1, mdm.fake.Closes.Load())
		},
		"or that it could not be asked": func(s *scene) {
			mdm := s.devices()
			mdm.fake.CheckFunc = func(context.Context) (connector.Report, error) {
				return connector.Report{}, connector.Errorf(connector.ErrUnavailable, "check", "no route")
			}
			_, err := mdm.syncer().Check(s.Context(), "mdm")
			require.ErrorIs(s, err, connector.ErrUnavailable)
			require.ErrorContains(s, err, `check integration "mdm"`)
			require.EqualValues(s, 1, mdm.fake.Closes.Load())
		},
		"of an integration that is not there": func(s *scene) {
			_, err := s.devices().syncer().Check(s.Context(), "nobody")
			require.ErrorIs(s, err, syncer.ErrNotFound)
		},
	})
}

// An emptyMapper fills nothing.
type emptyMapper struct{}

func (emptyMapper) Targets() []mapping.Target { return nil }

func (emptyMapper) Map(connector.Record, *mapping.Out) error { return nil }

// A demanding connector wants settings and a credential.
type demanding struct {
	connectortest.Fake
	config connector.Config
	panics bool
}

func (d *demanding) Spec() connector.Spec {
	spec := d.Fake.Spec()
	spec.Settings = []connector.Setting{{Name: "url", Required: true}, {Name: "page", Type: connector.Integer, Default: "50"}}
	spec.Auth = []connector.AuthMethod{{ID: "token", Kind: credentials.APIToken}}
	return spec
}

func (d *demanding) Open(ctx context.Context, cfg connector.Config) (connector.Source, error) {
	if d.panics {
		panic("no memory")
	}
	d.config = cfg
	return d.Fake.Open(ctx, cfg)
}
