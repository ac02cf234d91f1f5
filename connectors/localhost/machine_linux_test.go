package localhost

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
)

// The machine that the test runs on is not known, and its records still must be
// sound, and but for the time the same each time they are read.
func TestTheRealMachineReadsTheSameTwice(t *testing.T) {
	t.Parallel()
	src := open(t, New(), connector.Settings{"system": {"true"}})
	assetOnce := func() map[string]any {
		page, err := read(t.Context(), src, AssetStream)
		require.NoError(t, err)
		require.Len(t, page.Records, 1)
		var a map[string]any
		require.NoError(t, json.Unmarshal(page.Records[0], &a))
		require.NotEmpty(t, a["id"])
		require.NotEmpty(t, a["last_seen"])
		delete(a, "last_seen")
		return a
	}
	require.Equal(t, assetOnce(), assetOnce())

	peopleOnce := func() []connector.Record {
		page, err := read(t.Context(), src, PeopleStream)
		require.NoError(t, err)
		require.NotEmpty(t, page.Records)
		return page.Records
	}
	require.Equal(t, peopleOnce(), peopleOnce())
}

func TestConformanceOnTheRealMachine(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, New(), connectortest.Options{
		Config:     connector.Config{Settings: connector.Settings{"system": {"true"}}},
		MinRecords: 1,
		Volatile:   true, // the time of reading is in the asset
	})
}
