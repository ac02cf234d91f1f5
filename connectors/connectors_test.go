package connectors_test

import (
	"cmp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors"
	"github.com/vendorsync/vendorsync/mapping"
)

func TestAllIsOrderedByIDAndMakesARegistry(t *testing.T) {
	t.Parallel()
	all := connectors.All()
	require.True(t, slices.IsSortedFunc(all, func(a, b connector.Connector) int {
		return cmp.Compare(a.Spec().ID, b.Spec().ID)
	}))
	registry, err := connectors.Registry()
	require.NoError(t, err)
	require.Len(t, registry.All(), len(all))
}

// What a catalogue page shows and a launch needs is there for every connector.
func TestEverySpecIsComplete(t *testing.T) {
	t.Parallel()
	for _, c := range connectors.All() {
		spec := c.Spec()
		t.Run(spec.ID, func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, spec.Name)
			require.NotEmpty(t, spec.Vendor)
			require.NotEmpty(t, spec.Version)
			require.NotEmpty(t, spec.Category)
			require.NotEmpty(t, spec.Summary)
			require.NotEmpty(t, spec.Streams)
			require.Regexp(t, "^https://", spec.DocsURL)
			for _, m := range spec.Auth {
				require.NotEmpty(t, m.Kind.Form(), "what the credential %s is made of", m.ID)
				require.NotEmpty(t, m.ID, "id of a credential")
				require.NotEmpty(t, m.Label, "label of the credential %s", m.ID)
				require.NotEmpty(t, m.Help, "help of the credential %s", m.ID)
			}
			for _, s := range spec.Settings {
				require.NotEmpty(t, s.Label, "label of the setting %s", s.Name)
				require.NotEmpty(t, s.Help, "help of the setting %s", s.Name)
			}
			for _, l := range spec.Limits {
				require.Regexp(t, "^https://", l.Source, "where the vendor says that %s is limited", l.Name)
			}
			for _, s := range spec.Streams {
				require.NotEmpty(t, s.Key, "key of the stream %s", s.Name)
				require.NotEmpty(t, s.Label, "label of the stream %s", s.Name)
				require.NotEmpty(t, s.Summary, "summary of the stream %s", s.Name)
				if len(spec.Auth) > 0 {
					require.NotEmpty(t, s.Permissions, "permissions of the stream %s", s.Name)
				}
				for _, p := range s.Permissions {
					require.NotEmpty(t, p.Why, "what the stream %s needs %s for", s.Name, p.Name)
				}
				if len(s.Mapping.Fields) == 0 {
					require.True(t, spec.Discovers, "the stream %s has neither a default mapping nor a way to find its fields", s.Name)
					continue
				}
				_, err := mapping.Compile(mapping.FromDefault(s), mapping.Standard(), mapping.Options{Fields: s.Fields})
				require.NoError(t, err, "default mapping of the stream %s", s.Name)
			}
		})
	}
}

// A catalogue page is made of what a program holds: all Specs take less than 5 ms.
func BenchmarkSpecs(b *testing.B) {
	for b.Loop() {
		for _, c := range connectors.All() {
			if c.Spec().ID == "" {
				b.Fatal("a connector without an id")
			}
		}
	}
}
