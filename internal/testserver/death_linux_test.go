package testserver

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// running counts the processes that run in a folder, as servers do in their own.
// One that is dead but not yet reaped does not.
func running(t *testing.T, dir string) int {
	t.Helper()
	places, err := filepath.Glob("/proc/[0-9]*/cwd")
	require.NoError(t, err)
	n := 0
	for _, place := range places {
		at, err := os.Readlink(place)
		if err == nil && (at == dir || strings.HasPrefix(at, dir+"/")) {
			n++
		}
	}
	return n
}

// servers start each kind and return the folder where it runs.
var servers = map[string]func(testing.TB) string{
	"LDAP":       func(t testing.TB) string { return LDAP(t, LDAPOptions{}).daemon.dir },
	"PostgreSQL": func(t testing.TB) string { return PostgreSQL(t).daemon.dir },
	"MariaDB":    func(t testing.TB) string { return MariaDB(t).daemon.dir },
}

func TestNothingIsLeftOfADirectory(t *testing.T) {
	t.Parallel()
	var dir string
	t.Run("test", func(t *testing.T) {
		s := LDAP(t, LDAPOptions{})
		dir = s.daemon.dir
		require.NotZero(t, running(t, dir))
		s.Stop()
		require.Zero(t, running(t, dir))
		s.Restart()
		require.NotZero(t, running(t, dir))
	})
	require.Zero(t, running(t, dir))
	require.NoDirExists(t, dir)
}

func TestNothingIsLeftOfADatabase(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, d database) {
		var dir string
		t.Run("test", func(t *testing.T) {
			s := d.start(t)
			dir = s.daemon.dir
			require.NotZero(t, running(t, dir))
			client := d.session(t, s, "SELECT 1 WHERE 1 = 2", d.large) // its process is too busy to miss its parent
			s.Kill()
			require.Zero(t, running(t, dir))
			require.Error(t, client.Wait())
			s.Restart()
			require.NotZero(t, running(t, dir))
		})
		require.Zero(t, running(t, dir))
		require.NoDirExists(t, dir)
	})
}

// holds names the environment variable that makes TestAServerDiesWithItsTest the
// test that is killed: it holds the server of that name.
const holds = "VENDORSYNC_TEST_HOLDS"

func TestAServerDiesWithItsTest(t *testing.T) {
	if name := os.Getenv(holds); name != "" {
		hold(t, name)
		return
	}
	t.Parallel()
	for name := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			owner, err := unprivileged("nobody")
			require.NoError(t, err)
			dir := newFolder(t, "killed", owner)
			require.NoError(t, os.Chmod(dir.path, 0o711)) // for a server's user to pass through
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAServerDiesWithItsTest$")
			cmd.Env = append(os.Environ(), holds+"="+name, "TMPDIR="+dir.path)
			_, err = cmd.StdinPipe() // open, so that it waits
			require.NoError(t, err)
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			line, err := bufio.NewReader(out).ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "started\n", line)
			require.NotZero(t, running(t, dir.path))

			require.NoError(t, cmd.Process.Kill())
			require.ErrorContains(t, cmd.Wait(), "signal: killed")
			require.Eventually(t, func() bool { return running(t, dir.path) == 0 }, time.Minute, 10*time.Millisecond)
		})
	}
}

// hold starts a server and waits to be killed.
func hold(t *testing.T, name string) {
	t.Helper()
	servers[name](t)
	_, err := os.Stdout.WriteString("started\n")
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, os.Stdin)
	require.NoError(t, err)
}

// The system takes the end of the thread that started a process for the end of
// its parent, and a goroutine may take its thread with it.
func TestAServerOutlivesThreads(t *testing.T) {
	t.Parallel()
	daemons := make([]*daemon, 10)
	for i := range daemons {
		daemons[i] = launch(t, script(t, "echo >ready; exec sleep 1000"))
	}
	endThreads(t, 50)
	for _, d := range daemons {
		select {
		case <-d.run.ended:
			require.NoError(t, d.run.err)
		default:
		}
	}
}

// endThreads ends so many threads of this process, those without work first.
func endThreads(t *testing.T, n int) {
	t.Helper()
	ids := make([]int, n)
	var running sync.WaitGroup
	running.Add(n)
	for i := range ids {
		go func() {
			runtime.LockOSThread() // until the goroutine ends, and the thread with it
			ids[i] = syscall.Gettid()
			running.Done()
			running.Wait() // each on its own
		}()
	}
	running.Wait()
	for _, id := range ids {
		if id == os.Getpid() {
			continue // the first thread stays
		}
		require.Eventually(t, func() bool {
			_, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", id))
			return os.IsNotExist(err)
		}, time.Minute, time.Millisecond)
	}
}
