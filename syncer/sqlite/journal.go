package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/vendorsync/vendorsync/syncer"
)

// SaveIntegration inserts or replaces the integration of that id.
func (s *Store) SaveIntegration(ctx context.Context, in syncer.Integration) error {
	doing := fmt.Sprintf("save integration %q", in.ID)
	document, err := json.Marshal(in)
	if err != nil {
		return s.explain(err, doing)
	}
	err = s.write(ctx, func(c *conn) error {
		_, err := c.exec(ctx, `INSERT INTO integrations (id, name, connector, stream, object, state, updated_at, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, connector = excluded.connector, stream = excluded.stream, object = excluded.object,
			state = excluded.state, updated_at = excluded.updated_at, document = excluded.document`,
			in.ID, in.Name, in.Connector, in.Stream, in.Mapping.Object, string(in.State), timeText(in.UpdatedAt), string(document))
		return err
	})
	return s.explain(err, doing)
}

// Integration returns one integration, or an error that is syncer.ErrNotFound.
func (s *Store) Integration(ctx context.Context, id string) (syncer.Integration, error) {
	found, err := document[syncer.Integration](ctx, s, "SELECT document FROM integrations WHERE id = ?", id)
	return found, s.explain(err, fmt.Sprintf("read integration %q", id))
}

// Integrations returns all, ordered by id.
func (s *Store) Integrations(ctx context.Context) ([]syncer.Integration, error) {
	all := []syncer.Integration{}
	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT document FROM integrations ORDER BY id", nil, func(v []driver.Value) error {
			var in syncer.Integration
			err := json.Unmarshal([]byte(text(v[0])), &in)
			all = append(all, in)
			return err
		})
	})
	return all, s.explain(err, "read the integrations")
}

// document reads the one document that a query has, or returns
// syncer.ErrNotFound.
func document[V any](ctx context.Context, s *Store, query, id string) (found V, err error) {
	err = s.read(ctx, func(c *conn) error {
		row, err := c.one(ctx, query, id)
		switch {
		case err != nil:
			return err
		case row == nil:
			return syncer.ErrNotFound
		}
		return json.Unmarshal([]byte(text(row[0])), &found)
	})
	return found, err
}

// SaveRun inserts or replaces the run of that id. It leaves a request to cancel
// as it is.
func (s *Store) SaveRun(ctx context.Context, r syncer.Run) error {
	doing := fmt.Sprintf("save run %q", r.ID)
	document, err := json.Marshal(r)
	if err != nil {
		return s.explain(err, doing)
	}
	var finished, failure driver.Value
	if !r.Finished.IsZero() {
		finished = timeText(r.Finished)
	}
	if r.Error != "" {
		failure = r.Error
	}
	test := int64(0)
	if r.Test {
		test = 1
	}
	err = s.write(ctx, func(c *conn) error {
		n := r.Counts
		_, err := c.exec(ctx, `INSERT INTO runs (id, integration, status, test, started, finished, fetched, filtered, created, updated, unchanged, skipped, failed, problems, error, document)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET integration = excluded.integration, status = excluded.status, test = excluded.test, started = excluded.started,
			finished = excluded.finished, fetched = excluded.fetched, filtered = excluded.filtered, created = excluded.created, updated = excluded.updated,
			unchanged = excluded.unchanged, skipped = excluded.skipped, failed = excluded.failed, problems = excluded.problems, error = excluded.error, document = excluded.document`,
			r.ID, r.Integration, string(r.Status), test, timeText(r.Started), finished,
			n.Fetched, n.Filtered, n.Created, n.Updated, n.Unchanged, n.Skipped, n.Failed, r.ProblemCount, failure, string(document))
		return err
	})
	return s.explain(err, doing)
}

// Run returns one run, or an error that is syncer.ErrNotFound.
func (s *Store) Run(ctx context.Context, id string) (syncer.Run, error) {
	found, err := document[syncer.Run](ctx, s, "SELECT document FROM runs WHERE id = ?", id)
	return found, s.explain(err, fmt.Sprintf("read run %q", id))
}

// newestFirst orders runs; those that started in the same moment were saved one
// after another.
const newestFirst = " ORDER BY started DESC, number DESC"

// Runs returns the newest runs first.
func (s *Store) Runs(ctx context.Context, q syncer.RunQuery) ([]syncer.Run, error) {
	query := "SELECT document FROM runs WHERE 1"
	var args params
	if q.Integration != "" {
		query += " AND integration = ?"
		args.add(q.Integration)
	}
	if !q.Test {
		query += " AND test = 0"
	}
	query += newestFirst
	if q.Limit > 0 {
		query += " LIMIT ?"
		args.add(int64(q.Limit))
	}
	found := []syncer.Run{}
	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, query, args, func(v []driver.Value) error {
			var r syncer.Run
			err := json.Unmarshal([]byte(text(v[0])), &r)
			found = append(found, r)
			return err
		})
	})
	return found, s.explain(err, "read the runs")
}

// RequestCancel asks the run to stop; it returns an error that is
// syncer.ErrNotFound if there is none of that id.
func (s *Store) RequestCancel(ctx context.Context, run string) error {
	err := s.write(ctx, func(c *conn) error {
		n, err := c.exec(ctx, "UPDATE runs SET cancel_requested = 1 WHERE id = ?", run)
		if err == nil && n == 0 {
			return syncer.ErrNotFound
		}
		return err
	})
	return s.explain(err, fmt.Sprintf("cancel run %q", run))
}

// CancelRequested tells whether somebody has asked the run to stop.
func (s *Store) CancelRequested(ctx context.Context, run string) (requested bool, err error) {
	err = s.read(ctx, func(c *conn) error {
		row, err := c.one(ctx, "SELECT cancel_requested FROM runs WHERE id = ?", run)
		switch {
		case err != nil:
			return err
		case row == nil:
			return syncer.ErrNotFound
		}
		requested = integer(row[0]) != 0
		return nil
	})
	return requested, s.explain(err, fmt.Sprintf("read run %q", run))
}

// AppendPayload adds records to a test run's payload.
func (s *Store) AppendPayload(ctx context.Context, run string, records []syncer.TestRecord) error {
	doing := fmt.Sprintf("append to the payload of run %q", run)
	documents := make([]string, len(records))
	for i, r := range records {
		b, err := json.Marshal(r)
		if err != nil {
			return s.explain(err, doing)
		}
		documents[i] = string(b)
	}
	err := s.write(ctx, func(c *conn) error {
		if n, err := c.number(ctx, sqlRunExists, run); err != nil || n == 0 {
			return orNotFound(err)
		}
		for _, d := range documents {
			if _, err := c.exec(ctx, "INSERT INTO payloads (run, document) VALUES (?, ?)", run, d); err != nil {
				return err
			}
		}
		return nil
	})
	return s.explain(err, doing)
}

const sqlRunExists = "SELECT EXISTS (SELECT 1 FROM runs WHERE id = ?)"

// orNotFound returns err, or syncer.ErrNotFound where there is none.
func orNotFound(err error) error {
	if err == nil {
		return syncer.ErrNotFound
	}
	return err
}

// Payload yields a test run's payload in order.
func (s *Store) Payload(ctx context.Context, run string) iter.Seq2[syncer.TestRecord, error] {
	return scan(ctx, s, fmt.Sprintf("read the payload of run %q", run), func(c *conn, yield func(syncer.TestRecord) error) error {
		if n, err := c.number(ctx, sqlRunExists, run); err != nil || n == 0 {
			return orNotFound(err)
		}
		var args params
		args.add(run)
		return c.query(ctx, "SELECT document FROM payloads WHERE run = ? ORDER BY number", args, func(v []driver.Value) error {
			var r syncer.TestRecord
			if err := json.Unmarshal([]byte(text(v[0])), &r); err != nil {
				return err
			}
			return yield(r)
		})
	})
}

// PruneRuns removes runs that ended before the given time, with their payloads,
// but of each integration at least the newest keep.
func (s *Store) PruneRuns(ctx context.Context, before time.Time, keep int) (int, error) {
	removed := 0
	err := s.write(ctx, func(c *conn) error {
		old, err := prunable(ctx, c, before, keep)
		if err != nil {
			return err
		}
		for _, id := range old {
			for _, sql := range []string{"DELETE FROM payloads WHERE run = ?", "DELETE FROM runs WHERE id = ?"} {
				if _, err := c.exec(ctx, sql, id); err != nil {
					return err
				}
			}
		}
		removed = len(old)
		return nil
	})
	return removed, s.explain(err, "prune runs")
}

// prunable returns the ids of the runs that PruneRuns removes.
func prunable(ctx context.Context, c *conn, before time.Time, keep int) ([]string, error) {
	var old []string
	seen := map[string]int{}
	err := c.query(ctx, "SELECT id, integration, status, finished FROM runs"+newestFirst, nil, func(v []driver.Value) error {
		integration := text(v[1])
		seen[integration]++
		if seen[integration] > keep && syncer.Status(text(v[2])).Ended() && text(v[3]) < timeText(before) {
			old = append(old, text(v[0]))
		}
		return nil
	})
	return old, err
}

// SavePrecedence inserts or replaces the precedence of p.Object; one that orders
// nothing removes it. Neither the object nor the integrations have to be there.
func (s *Store) SavePrecedence(ctx context.Context, p syncer.Precedence) error {
	doing := "save the precedence of " + p.Object
	document, err := json.Marshal(p)
	if err != nil {
		return s.explain(err, doing)
	}
	err = s.write(ctx, func(c *conn) error {
		if ordersNothing(p) {
			_, err := c.exec(ctx, "DELETE FROM precedences WHERE object = ?", p.Object)
			return err
		}
		var updated driver.Value
		if !p.UpdatedAt.IsZero() {
			updated = timeText(p.UpdatedAt)
		}
		_, err := c.exec(ctx, `INSERT INTO precedences (object, updated_at, document) VALUES (?, ?, ?)
			ON CONFLICT (object) DO UPDATE SET updated_at = excluded.updated_at, document = excluded.document`, p.Object, updated, string(document))
		return err
	})
	return s.explain(err, doing)
}

func ordersNothing(p syncer.Precedence) bool {
	for _, order := range p.Fields {
		if len(order) > 0 {
			return false
		}
	}
	return len(p.Order) == 0
}

// Precedence returns the precedence of an object, a zero one with its name if
// there is none.
func (s *Store) Precedence(ctx context.Context, object string) (syncer.Precedence, error) {
	found, err := document[syncer.Precedence](ctx, s, "SELECT document FROM precedences WHERE object = ?", object)
	if errors.Is(err, syncer.ErrNotFound) {
		return syncer.Precedence{Object: object}, nil
	}
	return found, s.explain(err, "read the precedence of "+object)
}
