package testserver

import (
	"bufio"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A database is a kind of server and its own client.
type database struct {
	start  func(testing.TB) *SQLServer
	client func(*testing.T, *SQLServer) *exec.Cmd // reads statements, answers with bare values
	large  string                                 // a query that computes for hours
	own    string                                 // a query for a folder that no other server may use
	dsn    func(*SQLServer) string
}

var databases = map[string]database{
	"PostgreSQL": {
		start: PostgreSQL,
		client: func(t *testing.T, s *SQLServer) *exec.Cmd {
			t.Helper()
			psql := filepath.Join(postgresBinaries(t), "psql")
			return exec.CommandContext(t.Context(), psql, "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", s.DSN, "-f", "-")
		},
		large: "SELECT count(*) FROM generate_series(1, 1e12::bigint)",
		own:   "SHOW data_directory",
		dsn: func(s *SQLServer) string {
			return fmt.Sprintf("postgres://%s:%s@%s:%d/%s?sslmode=disable", s.User, s.Password, s.Host, s.Port, s.Database)
		},
	},
	"MariaDB": {
		start: MariaDB,
		client: func(t *testing.T, s *SQLServer) *exec.Cmd {
			t.Helper()
			mariadb := executable(t, "mariadb", mariadbPackages)
			return exec.CommandContext(t.Context(), mariadb, "--no-defaults", "--batch", "--skip-column-names", "--unbuffered", "--default-character-set=utf8mb4",
				"--host="+s.Host, "--port="+strconv.Itoa(s.Port), "--user="+s.User, "--password="+s.Password, s.Database)
		},
		large: "SELECT benchmark(1000000000000, sha2('x', 512))",
		own:   "SELECT @@tmpdir", // one that starts removes what others have there
		dsn: func(s *SQLServer) string {
			return fmt.Sprintf("%s:%s@tcp(%s:%d)/%s", s.User, s.Password, s.Host, s.Port, s.Database)
		},
	},
}

// query has the server's client run statements.
func (d database) query(t *testing.T, s *SQLServer, statements string) (string, error) {
	t.Helper()
	cmd := d.client(t, s)
	cmd.Stdin = strings.NewReader(statements)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// session starts a client, has it run a statement, and returns once that is done.
// The client then waits for more. What is written to it next goes unanswered.
func (d database) session(t *testing.T, s *SQLServer, statement, next string) *exec.Cmd {
	t.Helper()
	cmd := d.client(t, s)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = fmt.Fprintf(in, "%s; SELECT 'done';\n", statement)
	require.NoError(t, err)
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "done\n", line)
	_, err = fmt.Fprintf(in, "%s;\n", next)
	require.NoError(t, err)
	return cmd
}

// eachDatabase runs a test with every kind of server.
func eachDatabase(t *testing.T, test func(*testing.T, database)) {
	t.Helper()
	for name, d := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, d)
		})
	}
}

func TestSQLAnswers(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, d database) {
		s := d.start(t)
		out, err := d.query(t, s, "CREATE TABLE t (name VARCHAR(20)); INSERT INTO t VALUES ('Zoë'); SELECT name FROM t;")
		require.NoError(t, err, out)
		require.Equal(t, "Zoë\n", out)

		stranger := *s
		stranger.Password = "another"
		stranger.DSN = d.dsn(&stranger)
		out, err = d.query(t, &stranger, "SELECT 1;")
		require.Error(t, err, out)
		require.Equal(t, d.dsn(s), s.DSN)

		out, err = d.query(t, s, d.own+";")
		require.NoError(t, err, out)
		require.True(t, strings.HasPrefix(out, s.daemon.dir), out)
	})
}

func TestSQLKeepsWhatIsCommitted(t *testing.T) {
	t.Parallel()
	ends := map[string]func(*SQLServer){
		"over Stop": (*SQLServer).Stop,
		"over Kill": (*SQLServer).Kill,
	}
	eachDatabase(t, func(t *testing.T, d database) {
		s := d.start(t)
		out, err := d.query(t, s, "CREATE TABLE t (n INTEGER);")
		require.NoError(t, err, out)
		want := ""
		for name, end := range ends { // one after the other
			out, err := d.query(t, s, "INSERT INTO t VALUES (1);")
			require.NoError(t, err, name+": "+out)
			want += "1\n"
			client := d.session(t, s, "BEGIN; INSERT INTO t VALUES (2)", d.large)
			end(s)
			require.Error(t, client.Wait(), name) // its connection is gone
			out, err = d.query(t, s, "SELECT n FROM t;")
			require.Error(t, err, name+": "+out)
			s.Restart()
			out, err = d.query(t, s, "SELECT n FROM t;")
			require.NoError(t, err, name+": "+out)
			require.Equal(t, want, out, name)
		}
	})
}

func TestVersionsOfPostgreSQL(t *testing.T) {
	t.Parallel()
	tests := map[string]float64{
		"/usr/lib/postgresql/15/bin":  15,
		"/usr/lib/postgresql/9.6/bin": 9.6,
		"/usr/pgsql-16/bin":           16,
		"/usr/local/bin":              0,
	}
	for dir, want := range tests {
		require.InDelta(t, want, version(dir), 0, dir)
	}
}
