package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// maxStatements bounds the prepared statements that a connection keeps.
const maxStatements = 512

// A conn is one connection to the database file, used by one goroutine at a
// time. It talks to the driver below database/sql: what that package does for
// each statement takes a quarter of the time that writing a row does.
type conn struct {
	raw        driver.Conn
	statements map[string]statement
	queries    int // that are being read
	args       params
}

// A statement is prepared once and executed many times.
type statement struct {
	exec  driver.StmtExecContext
	query driver.StmtQueryContext
	close func() error
}

// params are the arguments of one execution.
type params []driver.NamedValue

// add appends an argument: nil, int64, string or []byte.
func (p *params) add(v driver.Value) {
	*p = append(*p, driver.NamedValue{Ordinal: len(*p) + 1, Value: v})
}

// openConn opens a connection and runs the pragmas on it.
func openConn(ctx context.Context, dsn string, pragmas ...string) (*conn, error) {
	db, err := sql.Open(driverName, dsn) // connects to nothing yet
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // it holds no connection, only the driver.
	raw, err := db.Driver().Open(dsn)
	if err != nil {
		return nil, err
	}
	c := &conn{raw: raw, statements: map[string]statement{}}
	for _, p := range pragmas {
		if _, err := c.exec(ctx, "PRAGMA "+p); err != nil {
			return nil, errors.Join(fmt.Errorf("set %s: %w", p, err), c.close())
		}
	}
	return c, nil
}

// close closes the connection and its statements.
func (c *conn) close() error {
	c.forgetStatements()
	return c.raw.Close()
}

// forgetStatements closes the prepared statements.
func (c *conn) forgetStatements() {
	for _, s := range c.statements {
		_ = s.close() // reports the statement's last error again
	}
	clear(c.statements)
}

// prepare returns the statement of that text.
func (c *conn) prepare(ctx context.Context, query string) (statement, error) {
	if s, ok := c.statements[query]; ok {
		return s, nil
	}
	preparer, ok := c.raw.(driver.ConnPrepareContext)
	if !ok {
		return statement{}, fmt.Errorf("the driver's %T cannot prepare statements", c.raw)
	}
	prepared, err := preparer.PrepareContext(ctx, query)
	if err != nil {
		return statement{}, err
	}
	s := statement{close: prepared.Close}
	var execs, queries bool
	s.exec, execs = prepared.(driver.StmtExecContext)
	s.query, queries = prepared.(driver.StmtQueryContext)
	if !execs || !queries {
		return statement{}, errors.Join(fmt.Errorf("the driver's %T takes no context", prepared), prepared.Close())
	}
	if len(c.statements) >= maxStatements && c.queries == 0 {
		c.forgetStatements()
	}
	c.statements[query] = s
	return s, nil
}

// exec runs a statement and returns how many rows it changed.
func (c *conn) exec(ctx context.Context, query string, args ...driver.Value) (int64, error) {
	c.args = c.args[:0]
	for _, a := range args {
		c.args.add(a)
	}
	return c.execParams(ctx, query, c.args)
}

// execParams is exec with arguments that are put together already. The statement
// itself is not interrupted when the context ends: it is short, and watching
// takes longer than running it. [conn.execWaiting] is for the others.
func (c *conn) execParams(ctx context.Context, query string, args params) (int64, error) {
	return c.execWaiting(context.WithoutCancel(ctx), query, args)
}

// execWaiting runs a statement that may take long or wait for a lock, and stops
// it when the context ends.
func (c *conn) execWaiting(ctx context.Context, query string, args params) (int64, error) {
	s, err := c.prepare(ctx, query)
	if err != nil {
		return 0, err
	}
	result, err := s.exec.ExecContext(ctx, args)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// errStop ends a query early without being an error.
var errStop = errors.New("stop")

// query runs a statement and calls row with each row, whose values hold until
// the next one: nil, int64, float64, string or []byte. An error of row ends the
// query and is returned, but for errStop.
func (c *conn) query(ctx context.Context, query string, args params, row func(v []driver.Value) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	s, err := c.prepare(ctx, query)
	if err != nil {
		return err
	}
	rows, err := s.query.QueryContext(context.WithoutCancel(ctx), args)
	if err != nil {
		return err
	}
	c.queries++
	defer func() {
		c.queries--
		if cerr := rows.Close(); err == nil {
			err = cerr
		}
	}()
	values := make([]driver.Value, len(rows.Columns()))
	for n := 1; ; n++ {
		if n%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		switch err := rows.Next(values); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		switch err := row(values); {
		case errors.Is(err, errStop):
			return nil
		case err != nil:
			return err
		}
	}
}

// one returns the first row of a query, nil if there is none.
func (c *conn) one(ctx context.Context, query string, args ...driver.Value) ([]driver.Value, error) {
	c.args = c.args[:0]
	for _, a := range args {
		c.args.add(a)
	}
	var found []driver.Value
	err := c.query(ctx, query, c.args, func(v []driver.Value) error {
		found = v
		return errStop
	})
	return found, err
}

// number returns the integer that a query has in its first row and column, 0 if
// there is none.
func (c *conn) number(ctx context.Context, query string, args ...driver.Value) (int64, error) {
	row, err := c.one(ctx, query, args...)
	if err != nil || len(row) == 0 {
		return 0, err
	}
	n, _ := row[0].(int64)
	return n, nil
}

// transact calls do within a transaction that begin starts, and undoes it if do
// or the commit fails.
func (c *conn) transact(ctx context.Context, begin string, do func() error) (err error) {
	if _, err := c.execWaiting(ctx, begin, nil); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			// After some errors, a full disk among them, SQLite has rolled back
			// already and reports that there is nothing left to undo.
			_, _ = c.exec(ctx, "ROLLBACK")
		}
	}()
	if err := do(); err != nil {
		return err
	}
	_, err = c.exec(ctx, "COMMIT")
	return err
}
