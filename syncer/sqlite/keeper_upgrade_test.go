package sqlite

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/credentials/credentialstest"
)

func TestAnOldFileKeepsCredentialsAsANewOneDoes(t *testing.T) {
	t.Parallel()
	const table = "SELECT sql FROM sqlite_master WHERE tbl_name = 'credentials' AND sql IS NOT NULL"
	want := rows(t, openFile(t).writer, table)
	require.Len(t, want, 1)
	require.Equal(t, want, rows(t, openVersion3(t).writer, table))
	require.NoError(t, credentialstest.Check(t.Context(), func() (credentials.Keeper, error) { return openVersion3(t), nil }))
}
