package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/syncer"
)

// Trace tells of each record who set its values and who has a link to it. It
// reads the history; nothing is kept for it.
func (s *Store) Trace(ctx context.Context, object string, ids []string) ([]syncer.Trace, error) {
	traces := make([]syncer.Trace, len(ids))
	err := s.read(ctx, func(c *conn) error {
		m, err := s.currentModel(ctx, c)
		if err != nil {
			return err
		}
		l, err := m.object(object)
		if err != nil {
			return err
		}
		elsewhere, err := hasElsewhere(ctx, c, l)
		if err != nil {
			return err
		}
		for i, id := range ids {
			t := tracing{conn: c, layout: l, trace: &traces[i]}
			if err := t.run(ctx, id, elsewhere); err != nil {
				return fmt.Errorf("record %s: %w", id, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, s.explain(err, "trace the values of "+object)
	}
	return traces, nil
}

// hasElsewhere reports whether some integration's records of an object are not in
// this database.
func hasElsewhere(ctx context.Context, c *conn, l *layout) (bool, error) {
	n, err := c.number(ctx, "SELECT EXISTS (SELECT 1 FROM ledger_linked WHERE object = ? AND elsewhere = 1)", l.number)
	return n > 0, err
}

// A tracing is one record being traced.
type tracing struct {
	*conn
	layout *layout
	trace  *syncer.Trace
	known  int // fields whose origin is found
}

const (
	// sqlTraceBirth is how a run made a record, if one did.
	sqlTraceBirth = `SELECT t."_rekey", b.at, b.actor, i.id, b.run, c.fields
		FROM %s t
		LEFT JOIN ledger_batches b ON b.number = t."_batch"
		LEFT JOIN ledger_integrations i ON i.number = b.integration
		LEFT JOIN ledger_columns c ON c.number = t."_columns"
		WHERE t."id" = ?`

	sqlTraceHistory = `SELECT h.op, coalesce(h.at, b.at), coalesce(h.actor, b.actor), i.id, b.run,
		CASE WHEN typeof(h.changes) = 'integer' THEN (SELECT c.fields FROM ledger_columns c WHERE c.number = h.changes) ELSE h.changes END
		FROM ledger_history h
		LEFT JOIN ledger_batches b ON b.number = h.batch
		LEFT JOIN ledger_integrations i ON i.number = b.integration
		WHERE h.object = ? AND h.record = ?
		ORDER BY h.revision DESC`

	sqlStakes = `SELECT i.id, l.vendor_id, l.missing_since, w.said
		FROM ledger_links l
		CROSS JOIN ledger_integrations i ON i.number = l.integration
		LEFT JOIN ledger_withheld w ON w.object = l.object AND w.target = l.target AND w.integration = l.integration
		WHERE l.object = ? AND l.target = ?`
)

func (l *layout) traceBirthSQL() string { return fmt.Sprintf(sqlTraceBirth, l.table) }

func (t *tracing) run(ctx context.Context, id string, elsewhere bool) error {
	if number, ok := recordID(id); ok {
		birth, err := t.one(ctx, t.layout.traceBirthSQL(), number)
		if err != nil {
			return err
		}
		if birth != nil {
			return t.here(ctx, number, birth)
		}
	}
	if !elsewhere {
		return nil
	}
	if err := t.stakes(ctx, id); err != nil || t.trace.Stakes == nil {
		return err
	}
	t.trace.Origins = make([]syncer.Origin, len(t.layout.columns))
	return t.history(ctx, id)
}

// here traces a record that is in this database.
func (t *tracing) here(ctx context.Context, id int64, birth []driver.Value) error {
	t.trace.Origins = make([]syncer.Origin, len(t.layout.columns))
	// Of a row inserted by hand a moment ago, the history knows nothing yet.
	if integer(birth[0]) != rekeyInserted {
		if err := t.history(ctx, id); err != nil {
			return err
		}
		if err := t.event(birth[1:]); err != nil {
			return err
		}
	}
	return t.stakes(ctx, id)
}

// history goes back to the event that made the record, or to where the origin of
// every field is known.
func (t *tracing) history(ctx context.Context, id driver.Value) error {
	var args params
	args.add(t.layout.number)
	args.add(id)
	return t.query(ctx, sqlTraceHistory, args, func(v []driver.Value) error {
		if err := t.event(v[1:]); err != nil {
			return err
		}
		if integer(v[0]) == codeCreate || t.known == len(t.layout.columns) {
			return errStop
		}
		return nil
	})
}

// event takes note of an event that is older than all before: time, actor,
// integration, run, and the fields it wrote.
func (t *tracing) event(v []driver.Value) error {
	var origin syncer.Origin
	return eachName(text(v[4]), func(name string) {
		i := t.layout.object.Field(name)
		if i < 0 || t.trace.Origins[i] != (syncer.Origin{}) {
			return
		}
		if origin.At.IsZero() {
			origin = syncer.Origin{At: timeOf(v[0]), Actor: text(v[1]), Integration: text(v[2]), Run: text(v[3])}
		}
		t.trace.Origins[i] = origin
		t.known++
	})
}

// eachName calls do with the names of the fields in the changes of an event,
// which are a JSON array of names or an object.
func eachName(changes string, do func(name string)) error {
	if changes == "" {
		return nil
	}
	if changes[0] == '[' {
		var names []string
		if err := json.Unmarshal([]byte(changes), &names); err != nil {
			return fmt.Errorf("read the names of fields: %w", err)
		}
		for _, name := range names {
			do(name)
		}
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(changes), &fields); err != nil {
		return fmt.Errorf("read changes: %w", err)
	}
	for name := range fields {
		do(name)
	}
	return nil
}

// stakes reads the live links to the record.
func (t *tracing) stakes(ctx context.Context, id driver.Value) error {
	var args params
	args.add(t.layout.number)
	args.add(id)
	err := t.query(ctx, sqlStakes, args, func(v []driver.Value) error {
		said, err := t.layout.readSaid(text(v[3]))
		if err != nil {
			return err
		}
		t.trace.Stakes = append(t.trace.Stakes, syncer.Stake{Integration: text(v[0]), VendorID: text(v[1]), MissingSince: timeOf(v[2]), Withheld: said})
		return nil
	})
	slices.SortFunc(t.trace.Stakes, func(a, b syncer.Stake) int { return strings.Compare(a.Integration, b.Integration) })
	return err
}
