package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

func TestTheFileIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	begin(t, s, "laptops").makeAsset(map[string]string{"serial_number": "C02XK1"})
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), suffix)
	}
}

func TestAPathMayHaveAnyName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"plain", "100% of #1?mode=ro&x=y.db", "über uns.db", "a b;c'd.db"} {
		s, path := openAt(t, filepath.Join(dir, name))
		begin(t, s, "laptops").makeAsset(map[string]string{"serial_number": "C02XK1"})
		_, err := os.Stat(path)
		require.NoError(t, err, name)
		require.Len(t, bySerial(t, s, "C02XK1"), 1)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 4*3, "the files, with their logs")
}

func TestWhatCannotBeOpenedSaysWhyAndWhatToDo(t *testing.T) {
	t.Parallel()
	write := func(t *testing.T, content string) string {
		t.Helper()
		path := newPath(t)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	alter := func(t *testing.T, statements string) string {
		t.Helper()
		path := newPath(t)
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		require.NoError(t, err)
		require.NoError(t, s.Close())
		shell(t, path, statements)
		return path
	}
	for name, test := range map[string]struct {
		path          func(t *testing.T) string
		class         connector.Class
		says, suggest string
	}{
		"no path":               {func(*testing.T) string { return "" }, connector.ErrInvalid, "no path", "name a file"},
		"memory":                {func(*testing.T) string { return ":memory:" }, connector.ErrInvalid, "plain path", "package memory"},
		"a URI":                 {func(*testing.T) string { return "file:x.db?mode=memory" }, connector.ErrInvalid, "plain path", "name a file"},
		"a folder that is not":  {func(t *testing.T) string { return filepath.Join(t.TempDir(), "no", "x.db") }, connector.ErrInvalid, "folder does not exist", "create the folder"},
		"a folder":              {func(t *testing.T) string { return t.TempDir() }, connector.ErrInvalid, "is a directory", "name a file in it"},
		"what is no database":   {func(t *testing.T) string { return write(t, strings.Repeat("serial,name\n", 100)) }, connector.ErrInvalid, "not an SQLite database", "another file"},
		"another program's":     {func(t *testing.T) string { p := newPath(t); shell(t, p, "CREATE TABLE notes (text);"); return p }, connector.ErrInvalid, "another program", "another file"},
		"another program's own": {func(t *testing.T) string { p := newPath(t); shell(t, p, "PRAGMA application_id = 7;"); return p }, connector.ErrInvalid, "another program", "another file"},
		"a newer one": {
			func(t *testing.T) string {
				return alter(t, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1);")
			},
			connector.ErrInvalid, "newer version", "install the newer version",
		},
		"half of one": {
			func(t *testing.T) string {
				p := alter(t, "PRAGMA wal_checkpoint(TRUNCATE);")
				require.NoError(t, os.Truncate(p, 5*8192))
				return p
			},
			connector.ErrInvalid, "is damaged", "restore it from a backup",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sqlite.Open(t.Context(), test.path(t), sqlite.Options{})
			require.Error(t, err)
			var e *connector.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, test.class, connector.ClassOf(err))
			require.Contains(t, err.Error(), test.says)
			require.Contains(t, err.Error(), test.suggest)
		})
	}
}

func TestEverythingIsThereAfterOpeningAgain(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	require.NoError(t, s.AddField(t.Context(), "assets", mapping.Field{Name: "rack", Type: mapping.Text, Unique: true}))
	id := begin(t, s, "laptops").makeAsset(map[string]string{"serial_number": "C02XK1"})
	before, err := s.Schema(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "twice")

	again, _ := openAt(t, path)
	after, err := again.Schema(t.Context())
	require.NoError(t, err)
	require.Equal(t, before.Version(), after.Version())
	require.Equal(t, id, bySerial(t, again, "C02XK1")[0].ID)
	require.Len(t, history(t, again, "assets", id), 1)
}

func TestAClosedStoreSaysSo(t *testing.T) {
	t.Parallel()
	s, err := sqlite.Open(t.Context(), newPath(t), sqlite.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	_, err = s.Match(t.Context(), syncer.Query{Object: "assets", Values: []string{"1"}})
	require.ErrorContains(t, err, "closed")
	_, err = s.Begin(t.Context(), syncer.Claim{Integration: "laptops", TTL: time.Minute, Now: morning})
	require.ErrorContains(t, err, "closed")
}

func TestRolesAreThoseOfTheHost(t *testing.T) {
	t.Parallel()
	s, err := sqlite.Open(t.Context(), newPath(t), sqlite.Options{Roles: []string{"admin", "member"}})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	schema, err := s.Schema(t.Context())
	require.NoError(t, err)
	users, ok := schema.Object("users")
	require.True(t, ok)
	require.Equal(t, []string{"admin", "member"}, users.Fields[users.Field("role")].Choices)
}

func TestManyMayOpenANewFileAtTheSameMoment(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() {
			if i%2 == 0 {
				errs[i] = childProcess(t.Context(), "open", path).Run()
				return
			}
			s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			if err == nil {
				err = s.Close()
			}
			errs[i] = err
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
}

func TestTwoStoresOnOneFileSeeWhatTheOtherDoes(t *testing.T) {
	t.Parallel()
	one, path := openAt(t, newPath(t))
	two, _ := openAt(t, path)
	a, b := begin(t, one, "a"), begin(t, two, "b")
	id := a.makeAsset(map[string]string{"serial_number": "C02XK1"})
	require.Equal(t, id, bySerial(t, two, "C02XK1")[0].ID)
	require.NotEqual(t, id, b.makeAsset(map[string]string{"serial_number": "C02XK2"}))
	_, err := two.Begin(t.Context(), syncer.Claim{Integration: "a", Owner: "two", TTL: time.Minute, Now: morning})
	var busy *syncer.BusyError
	require.ErrorAs(t, err, &busy)

	require.NoError(t, one.AddField(t.Context(), "assets", mapping.Field{Name: "rack", Type: mapping.Text}))
	schema, err := two.Schema(t.Context())
	require.NoError(t, err)
	o, _ := schema.Object("assets")
	require.GreaterOrEqual(t, o.Field("rack"), 0)
	c := change(t, syncer.Create, "assets", texts(map[string]string{"serial_number": "C02XK3"}))
	c.Columns, c.After = append(c.Columns, o.Field("rack")), append(c.After, mapping.TextValue("R7"))
	rackID := b.apply(syncer.Unit{Changes: []syncer.Change{c}})[0].IDs[0]
	require.Equal(t, mapping.TextValue("R7"), assetByID(t, one, "a", rackID).Values[o.Field("rack")])
}

// hold locks the file for writing as another program does, until the returned
// function is called.
func hold(t *testing.T, path string) (letGo func()) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	c, err := db.Conn(ctx)
	require.NoError(t, err)
	_, err = c.ExecContext(ctx, "BEGIN IMMEDIATE")
	require.NoError(t, err)
	return func() {
		require.NoError(t, c.Close())
		require.NoError(t, db.Close())
	}
}

func TestALockedDatabaseIsUnavailable(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{BusyTimeout: 20 * time.Millisecond})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	r := begin(t, s, "laptops")
	r.makeAsset(map[string]string{"serial_number": "C02XK1"})
	letGo := hold(t, path)

	var outcomes []syncer.Outcome
	batch := r.batch(&outcomes, syncer.Unit{Changes: []syncer.Change{change(t, syncer.Create, "assets", texts(map[string]string{"serial_number": "C02XK2"}))}})
	err = s.Apply(t.Context(), batch)
	require.ErrorIs(t, err, connector.ErrUnavailable)
	require.ErrorContains(t, err, "another program holds the database "+path)
	require.ErrorContains(t, err, "nothing of this batch was written")
	require.Len(t, bySerial(t, s, "C02XK1"), 1, "reading goes on")
	other, err := sqlite.Open(t.Context(), path, sqlite.Options{BusyTimeout: 20 * time.Millisecond})
	require.NoError(t, err, "opening for reading goes on")
	require.NoError(t, other.Close())

	letGo()
	require.NoError(t, s.Apply(t.Context(), batch))
	require.Len(t, bySerial(t, s, "C02XK2"), 1)
}

func TestWaitingForALockEndsWithTheContext(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{BusyTimeout: time.Hour})
	require.NoError(t, err)
	r := begin(t, s, "laptops")
	letGo := hold(t, path)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var outcomes []syncer.Outcome
	require.ErrorIs(t, s.Apply(ctx, r.batch(&outcomes)), context.DeadlineExceeded)
	letGo()
	require.NoError(t, s.Close())
}

// TestMain is the main function of the processes that tests start, too.
func TestMain(m *testing.M) {
	if task := os.Getenv("VENDORSYNC_SQLITE_TASK"); task != "" {
		if err := child(task, os.Getenv("VENDORSYNC_SQLITE_PATH")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1) //nolint:forbidigo // the main function of another process.
		}
		return
	}
	m.Run()
}

func childProcess(ctx context.Context, task, path string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), "VENDORSYNC_SQLITE_TASK="+task, "VENDORSYNC_SQLITE_PATH="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// child does a task in a process of its own.
func child(task, path string) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return err
	}
	if task == "write" {
		return writeForever(ctx, s)
	}
	return s.Close()
}

const childBatch = 200

// writeForever writes batches of new assets and says on standard output what it
// is about to do, and what it has done.
func writeForever(ctx context.Context, s *sqlite.Store) error {
	lease, err := s.Begin(ctx, syncer.Claim{Integration: "laptops", Owner: "child", TTL: time.Nanosecond, Now: time.Now()})
	if err != nil {
		return err
	}
	assets, _ := mapping.Standard().Object("assets")
	for seq := lease.Seq + 1; ; seq++ {
		units := make([]syncer.Unit, childBatch)
		for i := range units {
			serial := fmt.Sprintf("C%d-%d", seq, i)
			units[i] = syncer.Unit{
				Changes: []syncer.Change{{Object: "assets", Op: syncer.Create, Columns: []int{assets.Field("serial_number")}, After: []mapping.Value{mapping.TextValue(serial)}}},
				Links:   []syncer.LinkChange{{Object: "assets", VendorID: serial, Ref: syncer.Ref{Change: i}, Hash: 1}},
			}
		}
		err := s.Apply(ctx, &syncer.Batch{
			Integration: "laptops", Run: "run", Fence: lease.Fence, Seq: seq, At: time.Now(), Units: units, Seen: []byte(fmt.Sprint(seq)),
			Seal: func([]syncer.Outcome) ([]byte, error) {
				_, err := fmt.Fprintln(os.Stdout, "sealing")
				return []byte(fmt.Sprint(seq)), err
			},
		})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(os.Stdout, "applied"); err != nil {
			return err
		}
	}
}

func TestAKilledWriterLeavesWholeBatches(t *testing.T) {
	t.Parallel()
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	path := newPath(t)
	total := 0
	for round := range rounds {
		// Killed between Seal and commit in one round, between two batches in the next.
		at, count := []string{"sealing", "applied"}[round%2], 1+round/2
		cmd := childProcess(t.Context(), "write", path)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		for lines := bufio.NewScanner(out); count > 0; {
			require.True(t, lines.Scan(), "the process ended by itself")
			if lines.Text() == at {
				count--
			}
		}
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed

		s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		require.NoError(t, err)
		lease, err := s.Begin(t.Context(), syncer.Claim{Integration: "laptops", Owner: "test", TTL: time.Nanosecond, Now: time.Now()})
		require.NoError(t, err)
		if lease.Seq > 0 {
			require.Equal(t, fmt.Sprint(lease.Seq), string(lease.Checkpoint))
		}
		want := int(lease.Seq) * childBatch
		require.GreaterOrEqual(t, want, total, "what was applied stays")
		total = want
		links, keys, blocks := 0, 0, int64(0)
		for _, err := range s.ScanLinks(t.Context(), "laptops", "assets") {
			require.NoError(t, err)
			links++
		}
		for _, err := range s.ScanKeys(t.Context(), "assets") {
			require.NoError(t, err)
			keys++
		}
		if lease.Seen != nil {
			for _, err := range lease.Seen(t.Context(), "run", lease.Seq+1) {
				require.NoError(t, err)
				blocks++
			}
		}
		require.Equal(t, []int{want, want}, []int{links, keys})
		require.Equal(t, lease.Seq, blocks)
		require.NoError(t, s.Close())
		require.Equal(t, "ok", shell(t, path, "PRAGMA integrity_check;"))
	}
	require.NotZero(t, total)
}
