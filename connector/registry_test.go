package connector_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
)

// entry is a connector that is a catalogue entry alone.
type entry connector.Spec

func (e entry) Spec() connector.Spec { return connector.Spec(e) }

func (e entry) Open(context.Context, connector.Config) (connector.Source, error) {
	return nil, connector.Errorf(connector.ErrUnsupported, "open", "this is an entry alone")
}

func catalogue(t *testing.T) *connector.Registry {
	t.Helper()
	r, err := connector.NewRegistry(
		entry{ID: "okta", Name: "Okta", Vendor: "Okta, Inc.", Category: "identity"},
		entry{ID: "jamf", Name: "Jamf Pro", Vendor: "Jamf", Category: "device management", Aliases: []string{"Casper Suite"}},
		entry{ID: "files", Name: "Files", Category: "files"},
	)
	require.NoError(t, err)
	return r
}

func ids(connectors []connector.Connector) string {
	var out []string
	for _, c := range connectors {
		out = append(out, c.Spec().ID)
	}
	return strings.Join(out, " ")
}

func TestRegistryIsSearched(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ word, want string }{
		"by id":                         {"okta", "okta"},
		"by name, whatever the case":    {"JAMF pro", "jamf"},
		"by vendor":                     {"inc.", "okta"},
		"by category":                   {"device", "jamf"},
		"by alias":                      {"casper", "jamf"},
		"by a part that several have":   {"f", "files jamf"},
		"space around is not looked at": {"  files ", "files"},
		"nothing fits":                  {"intune", ""},
		"an empty word finds all":       {"", "files jamf okta"},
	}
	r := catalogue(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, ids(r.Search(test.word)))
		})
	}
}

func TestRegistryGets(t *testing.T) {
	t.Parallel()
	r := catalogue(t)
	c, err := r.Get("jamf")
	require.NoError(t, err)
	require.Equal(t, "Jamf Pro", c.Spec().Name)
	for _, id := range []string{"", "Jamf", "intune"} {
		_, err = r.Get(id)
		require.ErrorIs(t, err, connector.ErrNotFound)
		require.ErrorContains(t, err, "there are files, jamf, okta")
	}
}

func TestRegistryGivesItsListAway(t *testing.T) {
	t.Parallel()
	r := catalogue(t)
	all := r.All()
	all[0] = nil
	require.Equal(t, "files jamf okta", ids(r.All()))
	require.Equal(t, "okta", ids(r.Search("okta")))
	require.Equal(t, "files jamf okta", ids(r.All()))
}

func TestAnEmptyRegistry(t *testing.T) {
	t.Parallel()
	empty, err := connector.NewRegistry()
	require.NoError(t, err)
	for name, r := range map[string]*connector.Registry{"nil": nil, "zero": {}, "of none": empty} {
		require.Empty(t, r.All(), name)
		require.Empty(t, r.Search("okta"), name)
		_, err := r.Get("okta")
		require.ErrorIs(t, err, connector.ErrNotFound, name)
		require.ErrorContains(t, err, "there are none", name)
	}
}

func TestRegistryRefusesBadIDs(t *testing.T) {
	t.Parallel()
	_, err := connector.NewRegistry(entry{ID: "okta"}, entry{Name: "nameless"}, entry{ID: "okta"}, entry{ID: "jamf"})
	require.ErrorContains(t, err, `two connectors have the id "okta"`)
	require.ErrorContains(t, err, "connector connector_test.entry has no id")
}
