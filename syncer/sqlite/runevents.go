package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// RunEvents yields the changes that a run made, those of one record in a row and
// the newest of them first: what belongs to others before what it belongs to. The
// history has no index on runs, so it reads all of it.
func (s *Store) RunEvents(ctx context.Context, run string) iter.Seq2[syncer.Event, error] {
	return scan(ctx, s, fmt.Sprintf("read the changes of run %q", run), func(c *conn, yield func(syncer.Event) error) error {
		m, err := s.currentModel(ctx, c)
		if err != nil {
			return err
		}
		batches, err := c.number(ctx, "SELECT EXISTS (SELECT 1 FROM ledger_batches WHERE run = ?)", run)
		if err != nil || batches == 0 {
			return err
		}
		for _, l := range slices.Backward(m.layouts) {
			stopped := false
			r := runEvents{conn: c, layout: l, yield: func(e syncer.Event) error {
				err := yield(e)
				stopped = err != nil
				return err
			}}
			if err := r.read(ctx, run); err != nil || stopped {
				return err
			}
		}
		return nil
	})
}

// A runEvents reads what a run did to the records of one object.
type runEvents struct {
	*conn
	layout *layout
	yield  func(syncer.Event) error
}

// runEventsSQL selects the events of a run: record, its revision now if the event
// is how the record was made, then what [past.read] reads, then the record's
// fields, where it has its revision still. Both parts come in the order of their
// keys, so that nothing is sorted.
func (l *layout) runEventsSQL() string {
	const batches = "IN (SELECT number FROM ledger_batches WHERE run = ?)"
	nulls := strings.Repeat(", NULL", len(l.columns))
	return fmt.Sprintf(`SELECT h.record AS record, NULL, h.revision AS revision, h.op, coalesce(h.at, b.at), coalesce(h.actor, b.actor), i.id, b.run,
		CASE WHEN typeof(h.changes) = 'text' THEN h.changes END, c.fields, c.hidden%s
		FROM ledger_history h
		CROSS JOIN ledger_batches b ON b.number = h.batch
		CROSS JOIN ledger_integrations i ON i.number = b.integration
		LEFT JOIN ledger_columns c ON typeof(h.changes) = 'integer' AND c.number = h.changes
		WHERE h.object = %d AND +h.batch %s
		UNION ALL
		SELECT t."id", t."revision", 1, %d, b.at, b.actor, i.id, b.run, NULL, c.fields, c.hidden, %s
		FROM %s t
		CROSS JOIN ledger_batches b ON b.number = t."_batch"
		CROSS JOIN ledger_integrations i ON i.number = b.integration
		LEFT JOIN ledger_columns c ON c.number = t."_columns"
		WHERE +t."_batch" %s
		ORDER BY record DESC, revision DESC`,
		nulls, l.number, batches, codeCreate, l.selected, l.table, batches)
}

func (r *runEvents) read(ctx context.Context, run string) error {
	var args params
	args.add(run)
	args.add(run)
	return r.query(ctx, r.layout.runEventsSQL(), args, func(v []driver.Value) error {
		e, err := r.event(ctx, v)
		if err != nil {
			return err
		}
		return r.yield(e)
	})
}

// event reads a row of [layout.runEventsSQL].
func (r *runEvents) event(ctx context.Context, v []driver.Value) (syncer.Event, error) {
	const fixed = 11
	p := past{Event: syncer.Event{Object: r.layout.object.Name, ID: idText(v[0])}}
	if err := p.read(v[2:]); err != nil {
		return syncer.Event{}, fmt.Errorf("record %s: %w", p.ID, err)
	}
	if p.fields == nil {
		return p.resolve(r.layout, map[string]mapping.Value{}), nil
	}
	if integer(v[1]) == 1 { // nothing has changed since
		state := make(map[string]mapping.Value, len(p.fields))
		for _, name := range p.fields {
			if i := r.layout.object.Field(name); i >= 0 {
				state[name] = r.layout.columns[i].value(v[fixed+i])
			}
		}
		return p.resolve(r.layout, state), nil
	}
	all, err := readHistory(ctx, r.conn, r.layout, p.ID)
	if err != nil {
		return syncer.Event{}, err
	}
	for _, e := range all {
		if e.Op == syncer.Create && e.Revision == p.Revision {
			return e, nil
		}
	}
	return p.resolve(r.layout, map[string]mapping.Value{}), nil
}
