package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"iter"
	"time"

	"github.com/vendorsync/vendorsync/syncer"
)

// integrationNumber returns the number of an integration in the ledger, 0 if it
// is not known.
func integrationNumber(ctx context.Context, c *conn, id string) (int64, error) {
	return c.number(ctx, "SELECT number FROM ledger_integrations WHERE id = ?", id)
}

// A lease is a row of ledger_leases.
type lease struct {
	integration int64
	fence       int64
	owner       string
	ttl         time.Duration
	until       time.Time // zero once released
	run         string
	seq         int64
	checkpoint  []byte
}

// readLease returns the lease of an integration; its fence is 0 if there never
// was one.
func readLease(ctx context.Context, c *conn, integration int64) (lease, error) {
	l := lease{integration: integration}
	row, err := c.one(ctx, "SELECT fence, owner, ttl, until, run, seq, checkpoint FROM ledger_leases WHERE integration = ?", integration)
	if err != nil || row == nil {
		return l, err
	}
	l.fence, l.owner, l.ttl, l.run, l.seq = integer(row[0]), text(row[1]), time.Duration(integer(row[2])), text(row[4]), integer(row[5])
	if row[3] != nil {
		if l.until, err = time.Parse(time.RFC3339Nano, text(row[3])); err != nil {
			return l, fmt.Errorf("read when the lease ends: %w", err)
		}
	}
	l.checkpoint, _ = row[6].([]byte)
	return l, nil
}

// Begin takes the integration's lease, or returns a *syncer.BusyError.
func (s *Store) Begin(ctx context.Context, c syncer.Claim) (syncer.Lease, error) {
	var out syncer.Lease
	err := s.write(ctx, func(db *conn) error {
		m, err := s.currentModel(ctx, db)
		if err != nil {
			return err
		}
		if _, err := db.exec(ctx, "INSERT INTO ledger_integrations (id) VALUES (?) ON CONFLICT DO NOTHING", c.Integration); err != nil {
			return err
		}
		number, err := integrationNumber(ctx, db, c.Integration)
		if err != nil {
			return err
		}
		l, err := readLease(ctx, db, number)
		if err != nil {
			return err
		}
		if l.until.After(c.Now) && (c.Over == 0 || c.Over != l.fence) {
			return &syncer.BusyError{Integration: c.Integration, Owner: l.owner, Fence: l.fence, Until: l.until}
		}
		_, err = db.exec(ctx, `INSERT INTO ledger_leases (integration, fence, owner, ttl, until) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (integration) DO UPDATE SET fence = excluded.fence, owner = excluded.owner, ttl = excluded.ttl, until = excluded.until`,
			number, l.fence+1, c.Owner, int64(c.TTL), untilText(c.Now.Add(c.TTL)))
		if err != nil {
			return err
		}
		if err := adoptAll(ctx, db, m); err != nil {
			return err
		}
		out = syncer.Lease{Fence: l.fence + 1, Seq: l.seq, Checkpoint: l.checkpoint}
		blocks, err := db.number(ctx, "SELECT EXISTS (SELECT 1 FROM ledger_seen WHERE integration = ?)", number)
		if blocks > 0 {
			out.Seen = s.seen(number)
		}
		return err
	})
	return out, s.explain(err, fmt.Sprintf("begin a run of %q", c.Integration))
}

func untilText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// seen returns the Lease.Seen of an integration.
func (s *Store) seen(integration int64) func(context.Context, string, int64) iter.Seq2[[]byte, error] {
	return func(ctx context.Context, run string, upTo int64) iter.Seq2[[]byte, error] {
		return func(yield func([]byte, error) bool) {
			stopped := false
			err := s.read(ctx, func(c *conn) error {
				var args params
				args.add(integration)
				args.add(run)
				args.add(upTo)
				return c.query(ctx, "SELECT ids FROM ledger_seen WHERE integration = ? AND run = ? AND seq <= ?", args, func(v []driver.Value) error {
					ids, _ := v[0].([]byte)
					if !yield(ids, nil) {
						stopped = true
						return errStop
					}
					return nil
				})
			})
			if err != nil && !stopped {
				yield(nil, s.explain(err, "read what the run has seen"))
			}
		}
	}
}

// Renew prolongs a lease until the given time. It returns syncer.ErrFence if the
// lease was lost or released.
func (s *Store) Renew(ctx context.Context, integration string, fence int64, until time.Time) error {
	err := s.write(ctx, func(c *conn) error {
		n, err := c.exec(ctx, `UPDATE ledger_leases SET until = ?
			WHERE fence = ? AND until IS NOT NULL AND integration = (SELECT number FROM ledger_integrations WHERE id = ?)`,
			untilText(until), fence, integration)
		if err == nil && n == 0 {
			return syncer.ErrFence
		}
		return err
	})
	return s.explain(err, fmt.Sprintf("renew the lease of %q", integration))
}
