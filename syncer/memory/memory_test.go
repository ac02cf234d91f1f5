package memory_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
	"github.com/vendorsync/vendorsync/syncer/storetest"
)

func TestStoreKeepsEveryRule(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(testing.TB) syncer.Store { return memory.New(memory.Options{}) })
}

func TestStoreHasEveryAbility(t *testing.T) {
	t.Parallel()
	require.Empty(t, storetest.Unsupported(memory.New(memory.Options{})))
}
