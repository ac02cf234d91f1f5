package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
	"github.com/vendorsync/vendorsync/syncer/storetest"
)

// newPath returns the path of a file that is not there yet.
func newPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "inventory.db")
}

// open opens a store in a new file.
func open(t testing.TB) *sqlite.Store {
	t.Helper()
	s, _ := openAt(t, newPath(t))
	return s
}

// openAt opens a store and returns it with its path.
func openAt(t testing.TB, path string) (*sqlite.Store, string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, path
}

func TestTheStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	empty := newPath(t)
	s, err := sqlite.Open(t.Context(), empty, sqlite.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	file, err := os.ReadFile(empty)
	require.NoError(t, err)
	storetest.Run(t, func(t testing.TB) syncer.Store {
		path := newPath(t)
		require.NoError(t, os.WriteFile(path, file, 0o600)) //nolint:gosec // in the test's own folder; it saves the migrations.
		s, _ := openAt(t, path)
		return s
	})
}
