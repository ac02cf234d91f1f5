package testserver

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"syscall"
	"testing"
)

// mariadbPackages hold the server, and what mariadb-install-db calls. They start
// no server of the system, as mariadb-server does.
const mariadbPackages = "mariadb-server-core mariadb-client-core"

// MariaDB starts a MariaDB server for a test. It needs mariadbd and
// mariadb-install-db, and fails the test without them.
func MariaDB(t testing.TB) *SQLServer {
	t.Helper()
	mariadbd := executable(t, "mariadbd", mariadbPackages)
	install := executable(t, "mariadb-install-db", mariadbPackages)
	owner, err := unprivileged("mysql", "nobody")
	if err != nil {
		t.Fatalf("MariaDB: %v", err)
	}
	s := &SQLServer{
		Host:     "127.0.0.1",
		Port:     freePort(t),
		User:     "vendorsync",
		Password: rand.Text(),
		Database: "vendorsync",
	}
	s.DSN = fmt.Sprintf("%s:%s@tcp(%s)/%s", s.User, s.Password, loopback(s.Port), s.Database)

	dir := newFolder(t, "mariadb", owner)
	data := dir.join("data")
	const smallLog = "--innodb-log-file-size=8M"
	const plainIO = "--skip-innodb-use-native-aio" // of the native, the system has too little for many servers
	err = runTool(t.Context(), dir.path, owner, install, "--no-defaults", "--datadir="+data,
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", smallLog, plainIO)
	if err != nil {
		t.Fatalf("preparing MariaDB: %v", err)
	}
	// Run at every start, before the server listens.
	prepare := dir.write(t, "prepare.sql", fmt.Sprintf(
		"CREATE DATABASE IF NOT EXISTS %[1]s;\n"+
			"CREATE USER IF NOT EXISTS '%[2]s'@'%[3]s' IDENTIFIED BY '%[4]s';\n"+
			"GRANT ALL ON *.* TO '%[2]s'@'%[3]s' WITH GRANT OPTION;\n",
		s.Database, s.User, s.Host, s.Password))
	s.daemon = launch(t, program{
		name: "MariaDB",
		path: mariadbd,
		args: []string{
			"--no-defaults",
			"--datadir=" + data,
			"--bind-address=" + s.Host,
			"--port=" + strconv.Itoa(s.Port),
			"--socket=mariadb.sock", // in the data folder: a longer path might be too long for a socket
			"--pid-file=mariadb.pid",
			"--init-file=" + prepare,
			"--skip-name-resolve",
			"--character-set-server=utf8mb4",
			"--default-time-zone=+00:00",
			"--innodb-buffer-pool-size=32M",
			"--innodb-flush-log-at-trx-commit=2", // to the system at each commit, to the disk each second
			smallLog,
			plainIO,
		},
		dir:      dir.path,
		account:  owner,
		answers:  func(ctx context.Context, _ int) error { return greetedByMariaDB(ctx, loopback(s.Port)) },
		end:      syscall.SIGTERM,
		orphaned: syscall.SIGKILL,
	})
	return s
}

// greetedByMariaDB reads the beginning of a server's greeting: a packet's header
// of four bytes and the version of the protocol, or 0xff for an error.
func greetedByMariaDB(ctx context.Context, addr string) error {
	greeting := make([]byte, 5)
	if err := ask(ctx, addr, nil, greeting); err != nil {
		return err
	}
	if greeting[4] != 10 {
		return fmt.Errorf("%w: it greets with %d", errNotReady, greeting[4])
	}
	return nil
}
