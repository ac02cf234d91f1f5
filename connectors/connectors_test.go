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
			for _, s := range spec.Settings {
				require.NotEmpty(t, s.Help, "help of the setting %s", s.Name)
			}
			for _, s := range spec.Streams {
				require.NotEmpty(t, s.Key, "key of the stream %s", s.Name)
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
