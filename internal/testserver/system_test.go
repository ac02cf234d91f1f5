package testserver

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUnprivilegedUsers(t *testing.T) {
	t.Parallel()
	first, err := unprivileged("no-such-user", "nobody")
	require.NoError(t, err)
	none, noneErr := unprivileged("no-such-user")
	if os.Geteuid() == 0 {
		require.NotNil(t, first)
		require.NotZero(t, first.uid)
		require.NotZero(t, first.gid)
		require.ErrorContains(t, noneErr, "none of the users no-such-user exists")
		return
	}
	require.Nil(t, first) // as oneself
	require.Nil(t, none)
	require.NoError(t, noneErr)
}

func TestAFolderIsGoneAfterTheTest(t *testing.T) {
	t.Parallel()
	owner, err := unprivileged("nobody")
	require.NoError(t, err)
	var path string
	t.Run("test", func(t *testing.T) {
		dir := newFolder(t, "any", owner)
		path = dir.write(t, "file", "content")
		require.NoError(t, os.Mkdir(filepath.Join(dir.path, "more"), 0o700))
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode())
	})
	require.NoDirExists(t, filepath.Dir(path))
}

func TestPortsAreOfOneTestEach(t *testing.T) {
	t.Parallel()
	taken := map[int]bool{}
	for range 200 {
		port := freePort(t)
		require.False(t, taken[port], "port %d is given twice", port)
		taken[port] = true
	}
}
