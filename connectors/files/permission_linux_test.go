package files_test

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
)

// asNobody runs f on a thread of its own whose access to files is that of a user
// without rights, whoever runs the test.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		// Never unlocked, so that the thread ends with the goroutine.
		runtime.LockOSThread()
		err := syscall.Setfsuid(65534)
		if err == nil {
			f()
		}
		done <- err
	}()
	require.NoError(t, <-done)
}

func TestAFileThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"open/secret.csv": "id\n1\n", "closed/a.csv": "id\n"})
	for _, path := range []string{dir, filepath.Dir(dir)} {
		require.NoError(t, os.Chmod(path, 0o755))
	}
	require.NoError(t, os.Chmod(filepath.Join(dir, "open"), 0o755))
	require.NoError(t, os.Chmod(filepath.Join(dir, "open", "secret.csv"), 0))
	require.NoError(t, os.Chmod(filepath.Join(dir, "closed"), 0))
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "closed"), 0o700) })

	tests := map[string]struct{ path, named string }{
		"a file":                        {"open/secret.csv", "open/secret.csv"},
		"a file in a closed folder":     {"closed/a.csv", "closed/a.csv"},
		"a file of a pattern":           {"open/*.csv", "open/secret.csv"},
		"a pattern in a closed folder":  {"closed/*.csv", "closed"},
		"a pattern with closed folders": {"closed/*/*.csv", "closed"},
	}
	for sentence, tt := range tests {
		t.Run(sentence, func(t *testing.T) {
			src := open(t, dir, "path", tt.path)
			var err error
			var report connector.Report
			asNobody(t, func() {
				for _, err = range src.Read(t.Context(), connector.Request{Stream: "records"}) {
					break
				}
				report, _ = src.Check(t.Context())
			})
			require.ErrorIs(t, err, connector.ErrPermission)
			require.ErrorContains(t, err, "read "+filepath.Join(dir, tt.named)+": permission denied")
			require.ErrorContains(t, err, "let the account that runs the sync read the file")
			require.Len(t, report.Permissions, 1)
			require.Equal(t, connector.Missing, report.Permissions[0].Grant)
			require.Contains(t, report.Permissions[0].Detail, "permission denied")
		})
	}
}

func TestAPipeIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	got := read(t, open(t, dir, "path", "pipe"), "")
	require.ErrorIs(t, got.err, connector.ErrInvalid)
	require.ErrorContains(t, got.err, "no regular file")
}
