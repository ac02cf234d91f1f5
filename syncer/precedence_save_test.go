package syncer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

func TestSetPrecedence(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		p     syncer.Precedence
		wrong []string // what the error says, each
	}{
		"an order": {p: syncer.Precedence{Object: "assets", Order: []string{"mdm", "edr"}}},
		"an order of some, with one for a field and a limit": {
			p: syncer.Precedence{Object: "assets", Order: []string{"edr"}, Fields: map[string][]string{"device_name": {"mdm"}, "assigned_to": {"edr", "mdm"}}, SilentAfter: 30},
		},
		"fields alone": {p: syncer.Precedence{Object: "assets", Fields: map[string][]string{"device_name": {"mdm"}}}},
		"what comes along with assets": {
			p: syncer.Precedence{Object: "software_installs", Order: []string{"mdm"}}, wrong: []string{`order: integration "mdm" feeds assets and not software_installs; those that do are: none`},
		},
		"accounts that go with people": {
			p: syncer.Precedence{Object: "saas_users", Order: []string{"idp"}}, wrong: []string{`order: integration "idp" feeds users and not saas_users; those that do are: none`},
		},
		"an object that nobody has": {
			p: syncer.Precedence{Object: "asset", Order: []string{"mdm"}}, wrong: []string{`there is no object "asset"; did you mean "assets"?`},
		},
		"an integration that nobody knows": {
			p: syncer.Precedence{Object: "assets", Order: []string{"mmd", "okta"}}, wrong: []string{`order: there is no integration "mmd"; did you mean "mdm"?`, `there is no integration "okta"; there are edr, mdm`},
		},
		"an integration of another object": {
			p: syncer.Precedence{Object: "assets", Order: []string{"idp"}}, wrong: []string{`order: integration "idp" feeds users and not assets; those that do are: edr, mdm`},
		},
		"one twice": {
			p: syncer.Precedence{Object: "assets", Order: []string{"mdm", "edr", "mdm"}}, wrong: []string{`order: "mdm" stands there twice`},
		},
		"a field that nobody has": {
			p:     syncer.Precedence{Object: "assets", Fields: map[string][]string{"devicename": {"mdm"}, "hostname": {"idp"}}},
			wrong: []string{`field devicename: assets have no such field to order; did you mean "device_name"?`, `field hostname: integration "idp" feeds users and not assets`},
		},
		"the record that a reference means": {
			p: syncer.Precedence{Object: "assets", Fields: map[string][]string{"assigned_to_id": {"mdm"}}}, wrong: []string{`field assigned_to_id: assets have no such field to order; it follows assigned_to`},
		},
		"fewer than no days": {
			p: syncer.Precedence{Object: "assets", Order: []string{"mdm"}, SilentAfter: -1}, wrong: []string{"silent_after is -1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			people := users("idp")
			people.Mapping.Companions = []mapping.CompanionMapping{{Object: "saas_users", Application: "Chat"}}
			s.drafted(people)
			s.drafted(withSoftware(assets("mdm")))
			edr := s.drafted(assets("edr"))
			edr.opt.Now = func() time.Time { return now }
			err := edr.syncer().SetPrecedence(t.Context(), tc.p, "ada@example.com")
			if tc.wrong != nil {
				require.ErrorIs(t, err, connector.ErrInvalid)
				for _, words := range tc.wrong {
					require.ErrorContains(t, err, words)
				}
				return
			}
			require.NoError(t, err)
			got, err := edr.syncer().Precedence(t.Context(), tc.p.Object)
			require.NoError(t, err)
			tc.p.UpdatedAt, tc.p.UpdatedBy = now, "ada@example.com"
			require.Equal(t, tc.p.Fields, got.Fields)
			require.ElementsMatch(t, tc.p.Order, got.Order)
			got.Order, got.Fields, tc.p.Order, tc.p.Fields = nil, nil, nil, nil
			require.Equal(t, tc.p, got)
		})
	}
}

func TestSetPrecedenceOnceMore(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mdm := s.drafted(assets("mdm"))
	set := func(p syncer.Precedence, by string) syncer.Precedence {
		t.Helper()
		p.Object = "assets"
		require.NoError(t, mdm.syncer().SetPrecedence(t.Context(), p, by))
		got, err := mdm.syncer().Precedence(t.Context(), "assets")
		require.NoError(t, err)
		return got
	}
	none, err := mdm.syncer().Precedence(t.Context(), "assets")
	require.NoError(t, err)
	require.Equal(t, "assets", none.Object)
	require.Empty(t, none.Order)

	first := set(syncer.Precedence{Order: []string{"mdm"}, Fields: map[string][]string{"device_name": {}}}, "ada")
	require.Empty(t, first.Fields, "an order of nobody is none")
	require.Equal(t, "ada", first.UpdatedBy)
	require.Equal(t, first, set(syncer.Precedence{Order: []string{"mdm"}}, "bob"), "who says the same changes nothing")
	require.Equal(t, "bob", set(syncer.Precedence{Order: []string{"mdm"}, SilentAfter: 7}, "bob").UpdatedBy)
	gone := set(syncer.Precedence{SilentAfter: 7}, "eve")
	require.Empty(t, gone.Order)
	require.Zero(t, gone.SilentAfter, "who orders nothing, removes it")
}

func TestPrecedenceNeedsAJournalThatKeepsIt(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.through = struct {
		syncer.Store
		syncer.Journal
	}{s.store, s.store}
	err := s.searcher().SetPrecedence(t.Context(), syncer.Precedence{Object: "assets"}, "ada")
	require.ErrorIs(t, err, connector.ErrUnsupported)
	require.ErrorContains(t, err, "cannot keep a precedence")
	_, err = s.searcher().Precedence(t.Context(), "assets")
	require.ErrorIs(t, err, connector.ErrUnsupported)
	_, err = newScene(t).searcher().Precedence(t.Context(), "asset")
	require.ErrorContains(t, err, `did you mean "assets"?`)
}
