package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheStoryIsTold runs the example as a person would: its servers are processes
// of their own, one of which is killed.
func TestTheStoryIsTold(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "serve.exe")
	built, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(built))
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err, string(out))
	told := string(out)
	require.Contains(t, told, "The first server was killed in the middle of reading the fleet.")
	require.Regexp(t, `(?m)^  fleet    every minute \(UTC\) +succeeded: 5000 records, `, told)
	require.Regexp(t, `(?m)^  people   every 30 minutes \(UTC\) +succeeded: 2 records, `, told)
	require.Contains(t, told, "The fleet was not read from the start again: true")
	require.Regexp(t, `vendorsync_runs_total\{integration="fleet",status="succeeded"\} [1-9]`, told)
}
