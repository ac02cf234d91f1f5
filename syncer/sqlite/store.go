package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver of that name

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// driverName is the database/sql driver that the store uses.
const driverName = "sqlite"

// Options say how a Store works. The zero value works.
type Options struct {
	// Logger receives what the store does beside its work, such as bringing a file
	// to the newest version. Nil discards.
	Logger *slog.Logger
	// BusyTimeout is how long a write waits for another program that is writing to
	// the file. Defaults to 5 s.
	BusyTimeout time.Duration
	// CacheKiB is the size of the writing connection's page cache. Defaults to
	// 32,768, which is 32 MiB; the driver takes about twice as much for it.
	CacheKiB int
	// Roles are the roles that the host knows: what users.role may be. Empty allows
	// any.
	Roles []string
}

// A Store keeps one tenant's records in an SQLite file. It is safe for concurrent
// use, and several processes may have the same file open: writes wait for each
// other, reads wait for nothing.
type Store struct {
	path  string
	dsn   string
	opt   Options
	log   *slog.Logger
	model atomic.Pointer[model]

	maxVendors int // see [defaultMaxVendors]

	writing chan struct{} // holds one token while nobody writes
	writer  *conn         // whoever took the token
	written written       // likewise

	mu      sync.Mutex // guards all below
	readers []*conn    // idle ones
	closed  bool
	// vendorIndex says that links can be looked up by vendor id, see
	// [Store.needVendorIndex].
	vendorIndex atomic.Bool
}

// The abilities of a Store.
var (
	_ syncer.Store            = (*Store)(nil)
	_ syncer.LinkScanner      = (*Store)(nil)
	_ syncer.KeyScanner       = (*Store)(nil)
	_ syncer.ReferenceScanner = (*Store)(nil)
	_ syncer.Renewer          = (*Store)(nil)
	_ syncer.SchemaEditor     = (*Store)(nil)
	_ syncer.KeyEditor        = (*Store)(nil)
	_ syncer.Reader           = (*Store)(nil)
	_ syncer.RunReader        = (*Store)(nil)
	_ syncer.Tracer           = (*Store)(nil)
	_ syncer.Merger           = (*Store)(nil)
	_ syncer.Journal          = (*Store)(nil)
	_ syncer.PrecedenceKeeper = (*Store)(nil)
)

// How the connections are set up.
const (
	// pageSize keeps what a commit of scattered keys writes small: with a million
	// records, almost every one touches index pages of its own.
	pageSize = 4096
	// checkpointPages is how many pages gather in the log before they are moved to
	// the database: 64 MiB. Pages that are written again and again are moved once.
	checkpointPages = 16384
	readerCacheKiB  = 8192
	maxIdleReaders  = 4

	defaultBusyTimeout = 5 * time.Second
	defaultCacheKiB    = 32 << 10
)

// Open opens the database at path, which it creates with mode 0600 if it is not
// there, and brings it to the newest version. The folder must exist. Close the
// Store when it is no longer needed. Errors about the file are *connector.Error:
// ErrInvalid for one that cannot be used, ErrUnavailable for one that another
// program holds.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	o.BusyTimeout = cmp.Or(o.BusyTimeout, defaultBusyTimeout)
	o.CacheKiB = cmp.Or(o.CacheKiB, defaultCacheKiB)
	s := &Store{path: path, opt: o, log: o.Logger, maxVendors: defaultMaxVendors, writing: make(chan struct{}, 1)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.writing <- struct{}{}
	doing := "open database " + path
	if err := checkPath(path); err != nil {
		return nil, s.explain(err, doing)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, s.explain(err, doing)
	}
	s.dsn = dsn(abs)
	err = s.openFile(ctx, abs)
	if err == nil {
		err = s.setUp(ctx)
	}
	if err != nil {
		return nil, s.explain(errors.Join(err, s.Close()), doing)
	}
	return s, nil
}

// setUp makes the writing connection ready and brings the database up to date.
func (s *Store) setUp(ctx context.Context) error {
	if err := s.claim(ctx); err != nil {
		return err
	}
	for _, pragma := range []string{
		"journal_mode = WAL",
		"synchronous = FULL",
		fmt.Sprintf("cache_size = -%d", s.opt.CacheKiB),
		fmt.Sprintf("wal_autocheckpoint = %d", checkpointPages),
		"temp_store = MEMORY",
	} {
		if _, err := s.writer.exec(ctx, "PRAGMA "+pragma); err != nil {
			return fmt.Errorf("set %s: %w", pragma, err)
		}
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	s.written = newWritten()
	indexed, err := s.writer.number(ctx, "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = ?", vendorIndex)
	if err != nil {
		return err
	}
	s.vendorIndex.Store(indexed > 0)
	return nil
}

// checkPath refuses what is not the path of a file.
func checkPath(path string) error {
	switch {
	case path == "":
		return &connector.Error{Class: connector.ErrInvalid, Message: "it has no path", Remedy: "name a file, such as inventory.db"}
	case strings.Contains(path, ":memory:"), strings.HasPrefix(path, "file:"):
		return &connector.Error{Class: connector.ErrInvalid, Message: "the store needs the plain path of a file", Remedy: "name a file, such as inventory.db, or use package memory to keep nothing"}
	}
	return nil
}

// dsn returns the URI of a file, in which no character of the path has a meaning
// of its own.
func dsn(abs string) string {
	slashed := filepath.ToSlash(abs)
	if runtime.GOOS == "windows" {
		slashed = "/" + slashed
	}
	return (&url.URL{Scheme: "file", Path: slashed}).String()
}

// openFile opens the first connection. A file that is not there yet is created for
// its owner alone; SQLite gives the files that it puts beside it the same mode.
//
// The file itself is never opened by other means: closing it would, in POSIX
// systems, take the locks of all connections that this process has to it.
func (s *Store) openFile(ctx context.Context, path string) (err error) {
	busy := fmt.Sprintf("busy_timeout = %d", s.opt.BusyTimeout.Milliseconds())
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return &connector.Error{Class: connector.ErrInvalid, Message: path + " is a directory", Remedy: "name a file in it"}
	case err == nil:
		s.writer, err = openConn(ctx, s.dsn, busy)
		return err
	case !errors.Is(err, fs.ErrNotExist):
		return &connector.Error{Class: connector.ErrInvalid, Message: err.Error(), Remedy: "check that you may read the folder", Err: err}
	}
	model, err := os.CreateTemp(filepath.Dir(path), "vendorsync-*.tmp") // mode 0600
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &connector.Error{Class: connector.ErrInvalid, Message: "the folder does not exist", Remedy: "create the folder " + filepath.Dir(path), Err: err}
	case err != nil:
		return &connector.Error{Class: connector.ErrInvalid, Message: err.Error(), Remedy: "check that you may write to the folder", Err: err}
	}
	defer func() { err = errors.Join(err, model.Close(), os.Remove(model.Name())) }()
	s.writer, err = openConn(ctx, s.dsn+"?modeof="+escape(model.Name()), busy)
	return err
}

// escape makes a text a value of SQLite's URIs, which know no plus for a blank.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// applicationID marks a database file as the store's own: "vsyn".
const applicationID = 0x7673796e

// claim marks a new database as the store's own, and refuses that of another
// program.
func (s *Store) claim(ctx context.Context) error {
	id, err := s.writer.number(ctx, "PRAGMA application_id")
	if err != nil || id == applicationID {
		return err
	}
	// Two processes may come here at once: the second finds the mark of the first.
	if _, err := s.writer.exec(ctx, fmt.Sprintf("PRAGMA page_size = %d", pageSize)); err != nil {
		return err
	}
	return s.writer.transact(ctx, "BEGIN IMMEDIATE", func() error {
		id, err := s.writer.number(ctx, "PRAGMA application_id")
		if err != nil || id == applicationID {
			return err
		}
		tables, err := s.writer.number(ctx, "SELECT count(*) FROM sqlite_master")
		if err != nil {
			return err
		}
		if tables > 0 || id != 0 {
			return &connector.Error{Class: connector.ErrInvalid, Message: "the database belongs to another program", Remedy: "name another file"}
		}
		_, err = s.writer.exec(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
		return err
	})
}

// Close closes the database, once the batch being written is done. Reads that
// go on meanwhile are left to finish.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	idle := s.readers
	s.readers = nil
	s.mu.Unlock()
	var errs []error
	for _, c := range idle {
		errs = append(errs, c.close())
	}
	<-s.writing
	close(s.writing)
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if err := errors.Join(errs...); err != nil {
		return s.explain(err, "close database "+s.path)
	}
	return nil
}

// errClosed is returned by every method of a closed Store.
var errClosed = errors.New("the store is closed")

// write calls do on the writing connection within a transaction.
func (s *Store) write(ctx context.Context, do func(c *conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case _, open := <-s.writing:
		if !open {
			return errClosed
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.writing <- struct{}{} }()
	err := s.writer.transact(ctx, "BEGIN IMMEDIATE", func() error { return do(s.writer) })
	if err != nil {
		s.written.forget()
	}
	return err
}

// read calls do on a reading connection, with one steady view of the database.
func (s *Store) read(ctx context.Context, do func(c *conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := s.reader(ctx)
	if err != nil {
		return err
	}
	defer s.putReader(c)
	return c.transact(ctx, "BEGIN", func() error { return do(c) })
}

// reader takes an idle connection or opens one: a caller's loop over records may
// ask for more within, so that a bound could wait for itself.
func (s *Store) reader(ctx context.Context) (*conn, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, errClosed
	}
	if n := len(s.readers); n > 0 {
		c := s.readers[n-1]
		s.readers = s.readers[:n-1]
		s.mu.Unlock()
		return c, nil
	}
	s.mu.Unlock()
	return openConn(ctx, s.dsn,
		fmt.Sprintf("busy_timeout = %d", s.opt.BusyTimeout.Milliseconds()),
		fmt.Sprintf("cache_size = -%d", readerCacheKiB),
		"temp_store = MEMORY",
		"query_only = ON")
}

// putReader gives a connection back.
func (s *Store) putReader(c *conn) {
	s.mu.Lock()
	keep := !s.closed && len(s.readers) < maxIdleReaders
	if keep {
		s.readers = append(s.readers, c)
	}
	s.mu.Unlock()
	if keep {
		return
	}
	if err := c.close(); err != nil {
		s.log.Warn("a reading connection did not close", "database", s.path, "error", err)
	}
}

// Schema returns the target model, custom fields included.
func (s *Store) Schema(ctx context.Context) (*mapping.Schema, error) {
	m, err := s.freshModel(ctx)
	if err != nil {
		return nil, s.explain(err, "read the schema")
	}
	return m.schema, nil
}
