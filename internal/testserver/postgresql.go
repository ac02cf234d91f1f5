package testserver

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// PostgreSQL starts a PostgreSQL server for a test: the one on PATH, else the
// newest that is installed. It needs postgres and initdb, and fails the test
// without them.
func PostgreSQL(t testing.TB) *SQLServer {
	t.Helper()
	bin := postgresBinaries(t)
	owner, err := unprivileged("postgres", "nobody")
	if err != nil {
		t.Fatalf("PostgreSQL: %v", err)
	}
	s := &SQLServer{
		Host:     "127.0.0.1",
		Port:     freePort(t),
		User:     "vendorsync",
		Password: rand.Text(),
		Database: "postgres", // made by initdb
	}
	s.DSN = (&url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(s.User, s.Password),
		Host:     loopback(s.Port),
		Path:     s.Database,
		RawQuery: "sslmode=disable",
	}).String()

	dir := newFolder(t, "postgresql", owner)
	password := dir.write(t, "password", s.Password)
	data := dir.join("data")
	err = runTool(t.Context(), dir.path, owner, filepath.Join(bin, "initdb"),
		"--pgdata="+data, "--username="+s.User, "--pwfile="+password, "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=C", "--no-sync")
	if err != nil {
		t.Fatalf("preparing PostgreSQL: %v", err)
	}
	s.daemon = launch(t, program{
		name: "PostgreSQL",
		path: filepath.Join(bin, "postgres"),
		args: []string{
			"-D", data, "-p", strconv.Itoa(s.Port),
			"-c", "listen_addresses=" + s.Host,
			"-c", "unix_socket_directories=",
			"-c", "fsync=off", // but not full_page_writes: a killed server may leave half a page
			"-c", "shared_buffers=32MB",
			"-c", "timezone=UTC",
		},
		dir:     dir.path,
		account: owner,
		answers: func(_ context.Context, pid int) error { return postgresReady(data, pid) },
		// Its fast and its immediate shutdown. SIGTERM would wait for clients to
		// leave, and SIGKILL would leave a segment of shared memory behind.
		end:      syscall.SIGINT,
		orphaned: syscall.SIGQUIT,
	})
	t.Cleanup(func() { // before the server's own, so that it may run once more
		t.Helper()
		if _, err := os.Stat(filepath.Join(data, stateFile)); err == nil && s.daemon.run == nil {
			s.Restart() // one that was killed has left its shared memory, which the next start removes
		}
	})
	return s
}

// postgresBinaries returns the folder of PostgreSQL's executables.
func postgresBinaries(t testing.TB) string {
	t.Helper()
	var dirs []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"} { // Debian's, and PostgreSQL's own for Red Hat
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatalf("looking for PostgreSQL: %v", err)
		}
		dirs = append(dirs, found...)
	}
	slices.SortStableFunc(dirs, func(a, b string) int { return cmp.Compare(version(b), version(a)) })
	path, err := filepath.EvalSymlinks(executable(t, "postgres", "postgresql", dirs...))
	if err != nil {
		t.Fatalf("looking for PostgreSQL: %v", err)
	}
	return filepath.Dir(path)
}

// version reads the version in the path of a folder of executables, such as
// /usr/lib/postgresql/9.6/bin or /usr/pgsql-15/bin. It is 0 if there is none.
func version(bin string) float64 {
	name := filepath.Base(filepath.Dir(bin))
	v, err := strconv.ParseFloat(strings.TrimPrefix(name, "pgsql-"), 64)
	if err != nil {
		return 0
	}
	return v
}

// stateFile is where a server says how far it is, in its data folder. It is there
// for as long as the server runs, and after a crash.
const stateFile = "postmaster.pid"

// postgresReady reads the state file as pg_ctl does: the first line holds the
// server's process id, the eighth its state.
func postgresReady(data string, pid int) error {
	content, err := os.ReadFile(filepath.Join(data, stateFile)) //nolint:gosec // a file of the test's own folder
	if err != nil {
		return err
	}
	lines := strings.Split(string(content), "\n")
	if len(lines) < 8 || lines[0] != strconv.Itoa(pid) {
		return errNotReady
	}
	if state := strings.TrimSpace(lines[7]); state != "ready" {
		return fmt.Errorf("%w: it is %q", errNotReady, state)
	}
	return nil
}
