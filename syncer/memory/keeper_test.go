package memory_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/credentials/credentialstest"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

func TestStoreKeepsCredentials(t *testing.T) {
	t.Parallel()
	require.NoError(t, credentialstest.Check(t.Context(), func() (credentials.Keeper, error) { return memory.New(memory.Options{}), nil }))
}

func TestNoCredentialIsTouchedOnceTheContextHasEnded(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	kept := credentials.Sealed{ID: "okta", Revision: "r1", Data: []byte("{}")}
	require.ErrorIs(t, store.PutSealed(ended, kept, ""), context.Canceled)
	require.NoError(t, store.PutSealed(t.Context(), kept, ""))
	require.ErrorIs(t, store.DeleteSealed(ended, "okta", "r1"), context.Canceled)
	_, err := store.GetSealed(ended, "okta")
	require.ErrorIs(t, err, context.Canceled)
	_, err = store.ListSealed(ended)
	require.ErrorIs(t, err, context.Canceled)
	got, err := store.GetSealed(t.Context(), "okta")
	require.NoError(t, err)
	require.Equal(t, kept, got)
}
