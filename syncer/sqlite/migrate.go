package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"

	"github.com/pressly/goose/v3"

	"github.com/vendorsync/vendorsync/connector"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrateTries is how often the migrations are begun: where two processes open a
// new file at the same moment, the second fails at what the first has just made,
// and finds it made when it looks again.
const migrateTries = 3

// customFieldsVersion is the version since which a database has custom fields.
const customFieldsVersion = 1

// migrate brings the database to the newest version.
func (s *Store) migrate(ctx context.Context) (err error) {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {fmt.Sprintf("busy_timeout(%d)", s.opt.BusyTimeout.Milliseconds())}}
	db, err := sql.Open(driverName, s.dsn+"?"+q.Encode())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithSlog(s.log), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		if err = s.migrateOnce(ctx, p); err == nil || try == migrateTries || connector.ClassOf(err) == connector.ErrInvalid {
			break
		}
	}
	if err != nil {
		return err
	}
	m, err := s.currentModel(ctx, s.writer)
	if err != nil {
		return err
	}
	lacks, err := missing(ctx, s.writer, m)
	if err != nil {
		return err
	}
	if stale, err := staleTriggers(ctx, s.writer, m); err != nil || len(stale)+len(lacks) == 0 {
		return err
	}
	return s.writer.transact(ctx, "BEGIN IMMEDIATE", func() error {
		m, err := s.currentModel(ctx, s.writer)
		if err != nil {
			return err
		}
		if err := ensureCustom(ctx, s.writer, m); err != nil {
			return err
		}
		return ensureTriggers(ctx, s.writer, m)
	})
}

func (s *Store) migrateOnce(ctx context.Context, p *goose.Provider) error {
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the database: %w", err)
	}
	if current > target {
		return &connector.Error{
			Class:   connector.ErrInvalid,
			Message: fmt.Sprintf("a newer version of this program has written the database (its version is %d, this program knows %d)", current, target),
			Remedy:  "install the newer version",
		}
	}
	if current == target {
		return nil
	}
	if current >= customFieldsVersion {
		if _, err := s.readSchema(ctx, s.writer); err != nil {
			return err
		}
	}
	done, err := p.Up(ctx)
	if err != nil {
		return fmt.Errorf("bring the database to version %d: %w", target, err)
	}
	if len(done) > 0 {
		s.log.InfoContext(ctx, "the database was brought to a newer version", "database", s.path, "from", current, "to", target)
	}
	return nil
}
