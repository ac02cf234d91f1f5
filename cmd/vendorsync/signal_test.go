//go:build unix && !race

// The race detector makes SQLite twenty times slower, and there is nothing for
// it to see between processes.

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/syncer"
)

// asCommand makes the test program be the command.
const asCommand = "VENDORSYNC_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	m.Run()
}

// A signal ends a run between two batches with a word of what to do, and the
// next run goes on.
func TestASignalInterruptsARun(t *testing.T) {
	t.Parallel()
	const records = 100_000
	for name, signal := range map[string]os.Signal{"SIGINT": os.Interrupt, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh := laptopShell(t)
			sh.memory = nil
			var text strings.Builder
			for i := range records {
				fmt.Fprintf(&text, `{"id": %d, "serial": "S%07d", "name": "device %d"}`+"\n", i, i, i)
			}
			sh.write("devices.ndjson", text.String())

			var out, said bytes.Buffer
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-c", sh.path("vendorsync.yaml"), "-v", "run", "laptops", "--json")
			cmd.Env = append(os.Environ(), asCommand+"=1")
			cmd.Stdout = &out
			logged, err := cmd.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			lines := bufio.NewScanner(logged)
			for sent := false; lines.Scan(); {
				said.WriteString(lines.Text() + "\n")
				if !sent && strings.Contains(lines.Text(), "reading file") {
					require.NoError(t, cmd.Process.Signal(signal))
					sent = true
				}
			}
			var exit *exec.ExitError
			require.ErrorAs(t, cmd.Wait(), &exit, "%s", &said)
			require.Equal(t, exitFailed, exit.ExitCode(), "%s", &said)
			require.Contains(t, said.String(), "`vendorsync run laptops` goes on from there")
			stopped := decodeJSON[syncer.Run](t, out.String())
			require.Equal(t, syncer.Interrupted, stopped.Status)
			require.Less(t, stopped.Counts.Fetched, int64(records))

			run := decodeJSON[syncer.Run](t, sh.done("run", "laptops", "--json"))
			require.Equal(t, stopped.ID, run.ID)
			require.Equal(t, syncer.Counts{Fetched: records, Created: records}, run.Counts)
		})
	}
}
