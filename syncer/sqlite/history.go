package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// How the kinds of change stand in ledger_history.
const (
	codeCreate  = 1
	codeUpdate  = 2
	codeArchive = 3
	codeRestore = 4
	codeDelete  = 5
	codeMerge   = 6
	codeSplit   = 7
)

func opCode(op syncer.Op) byte {
	switch op {
	case syncer.Create, syncer.Ensure:
		return codeCreate
	case syncer.Archive:
		return codeArchive
	case syncer.Restore:
		return codeRestore
	case syncer.Delete:
		return codeDelete
	case syncer.Merged:
		return codeMerge
	case syncer.Split:
		return codeSplit
	case syncer.Update:
	}
	return codeUpdate
}

func opOf(code int64) syncer.Op {
	switch code {
	case codeCreate:
		return syncer.Create
	case codeArchive:
		return syncer.Archive
	case codeRestore:
		return syncer.Restore
	case codeDelete:
		return syncer.Delete
	case codeMerge:
		return syncer.Merged
	case codeSplit:
		return syncer.Split
	}
	return syncer.Update
}

// An event is a row of ledger_history.
type event struct {
	record
	revision int64
	op       byte
	changes  driver.Value // JSON text or a number in ledger_columns
}

// A historyBuffer gathers the events of a batch.
type historyBuffer struct{ rows []event }

func (b *historyBuffer) clear() { b.rows = b.rows[:0] }

func historySQL(n int) string {
	return "INSERT INTO ledger_history (object, record, revision, batch, op, changes) VALUES " + strings.Repeat("(?, ?, ?, ?, ?, ?), ", n-1) + "(?, ?, ?, ?, ?, ?)"
}

var historyStatements = sized(historySQL)

// log adds an event to the history.
func (a *apply) log(ctx context.Context, e event) error {
	if _, err := a.batchNumber(ctx); err != nil {
		return err
	}
	a.history.rows = append(a.history.rows, e)
	return nil
}

// batchNumber returns the number of the batch in ledger_batches, where it stands
// if it changes anything.
func (a *apply) batchNumber(ctx context.Context) (int64, error) {
	if a.batch == 0 {
		var err error
		a.batch, err = a.number(ctx, "INSERT INTO ledger_batches (integration, run, actor, at) VALUES (?, ?, ?, ?) RETURNING number", a.integration, a.b.Run, a.b.Actor, a.at)
		if err != nil {
			return 0, err
		}
	}
	return a.batch, nil
}

func (b *historyBuffer) flush(ctx context.Context, a *apply) error {
	defer b.clear()
	rows := b.rows
	for len(rows) > 0 {
		n := fitting(len(rows))
		a.params = a.params[:0]
		for _, e := range rows[:n] {
			a.params.add(e.object)
			a.params.add(e.id)
			a.params.add(e.revision)
			a.params.add(a.batch)
			a.params.add(int64(e.op))
			a.params.add(e.changes)
		}
		if _, err := a.execParams(ctx, historyStatements[n], a.params); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// changesJSON returns the before and after of a change as the JSON text that
// [fieldChanges] reads, nil if nothing differs.
func (a *apply) changesJSON(ctx context.Context, l *layout, c *syncer.Change) (driver.Value, error) {
	b := a.scratch[:0]
	for i, col := range c.Columns {
		var before mapping.Value
		if c.Before != nil {
			before = c.Before[i]
		}
		after := c.After[i]
		if after.Kind == mapping.KindRow {
			target, err := a.earlier(after.Int)
			if err != nil {
				return nil, err
			}
			after = mapping.TextValue(idText(target.record))
		}
		if after.Kind == mapping.KindAbsent || before.IsEmpty() && after.IsEmpty() {
			continue
		}
		hidden := c.Hidden != nil && c.Hidden[i]
		if hidden {
			if err := a.hide(ctx, l, col); err != nil {
				return nil, err
			}
		}
		if len(b) == 0 {
			b = append(b, '{')
		} else {
			b = append(b, ',')
		}
		b = appendChange(b, l.object.Fields[col].Name, before, after, hidden)
	}
	a.scratch = b
	if len(b) == 0 {
		return nil, nil
	}
	a.scratch = append(b, '}')
	return string(a.scratch), nil
}

// appendChange appends a field's entry in the JSON text of changes.
func appendChange(b []byte, field string, before, after mapping.Value, hidden bool) []byte {
	if hidden {
		before, after = mask(before), mask(after)
	}
	b = append(b, '"')
	b = append(b, field...)
	b = append(b, `":[`...)
	b = appendJSON(b, before)
	b = append(b, ',')
	b = appendJSON(b, after)
	if hidden {
		b = append(b, ",true"...)
	}
	return append(b, ']')
}

// mask hides a value, but not that there is one.
func mask(v mapping.Value) mapping.Value {
	if v.IsEmpty() {
		return v
	}
	return mapping.TextValue(credentials.Mask)
}

// plainText formats texts as JSON strings and numbers as numbers, like the
// triggers do, so that a value reads back as it was.
var plainText = mapping.Field{Type: mapping.Text}

func appendJSON(b []byte, v mapping.Value) []byte { return plainText.AppendJSON(b, v) }

// A change is one field's entry in the JSON text of changes: before, after, and
// true where both are masked.
type change struct {
	before, after mapping.Value
	hidden        bool
}

// UnmarshalJSON reads [before, after] or [before, after, true].
func (c *change) UnmarshalJSON(b []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	if len(parts) < 2 {
		return fmt.Errorf("%s has no before and after", b)
	}
	var err error
	if c.before, err = valueOf(parts[0]); err != nil {
		return err
	}
	if c.after, err = valueOf(parts[1]); err != nil {
		return err
	}
	c.hidden = len(parts) > 2
	return nil
}

func valueOf(raw json.RawMessage) (mapping.Value, error) {
	if len(raw) > 0 && raw[0] == '"' {
		var s string
		err := json.Unmarshal(raw, &s)
		return mapping.TextValue(s), err
	}
	if string(raw) == "null" {
		return mapping.Null, nil
	}
	var n int64
	if err := json.Unmarshal(raw, &n); err != nil {
		return mapping.TextValue(string(raw)), nil //nolint:nilerr // a number with a fraction, put by hand into a column of integers.
	}
	return mapping.IntValue(n), nil
}

// History yields the changes of one record, oldest first, those of a record that
// no longer exists included. A change made by hand has no actor, integration or
// run; one of kind [syncer.Delete] is the last.
func (s *Store) History(ctx context.Context, object, id string) iter.Seq2[syncer.Event, error] {
	return func(yield func(syncer.Event, error) bool) {
		var events []syncer.Event
		err := s.read(ctx, func(c *conn) error {
			m, err := s.currentModel(ctx, c)
			if err != nil {
				return err
			}
			l, err := m.object(object)
			if err != nil {
				return err
			}
			events, err = readHistory(ctx, c, l, id)
			return err
		})
		if err != nil {
			yield(syncer.Event{}, s.explain(err, fmt.Sprintf("read the history of record %s of %s", id, object)))
			return
		}
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// A past is an event of the history with its changes as they are kept.
type past struct {
	syncer.Event
	fields, hidden []string // of a new record, whose values follow from the rest
	changes        map[string]change
}

// read takes the row of an event: revision, kind, time, actor, integration, run,
// changes, filled columns and those of them that are masked.
func (p *past) read(v []driver.Value) error {
	p.Revision, p.Op, p.At = integer(v[0]), opOf(integer(v[1])), timeOf(v[2])
	p.Actor, p.Integration, p.Run = text(v[3]), text(v[4]), text(v[5])
	for i, into := range []any{&p.changes, &p.fields, &p.hidden} {
		raw := text(v[6+i])
		if raw == "" {
			continue
		}
		if err := json.Unmarshal([]byte(raw), into); err != nil {
			return fmt.Errorf("read revision %d: %w", p.Revision, err)
		}
	}
	return nil
}

const (
	sqlHistory = `SELECT h.revision, h.op, coalesce(h.at, b.at), coalesce(h.actor, b.actor), i.id, b.run,
		CASE WHEN typeof(h.changes) = 'text' THEN h.changes END, c.fields, c.hidden
		FROM ledger_history h
		LEFT JOIN ledger_batches b ON b.number = h.batch
		LEFT JOIN ledger_integrations i ON i.number = b.integration
		LEFT JOIN ledger_columns c ON typeof(h.changes) = 'integer' AND c.number = h.changes
		WHERE h.object = ? AND h.record IN (?, ?)
		ORDER BY h.record, h.revision`

	// sqlBirth is the first event of a record that a run has made, then its fields.
	sqlBirth = `SELECT 1, %d, b.at, b.actor, i.id, b.run, NULL, c.fields, c.hidden, %s
		FROM %s t
		LEFT JOIN ledger_batches b ON b.number = t."_batch"
		LEFT JOIN ledger_integrations i ON i.number = b.integration
		LEFT JOIN ledger_columns c ON c.number = t."_columns"
		WHERE t."id" = ?`
)

func (l *layout) birthSQL() string { return fmt.Sprintf(sqlBirth, codeCreate, l.selected, l.table) }

func readHistory(ctx context.Context, c *conn, l *layout, id string) ([]syncer.Event, error) {
	var all []past
	state := map[string]mapping.Value{}
	number, isNumber := recordID(id)
	var args params
	args.add(number)
	err := c.query(ctx, l.birthSQL(), args, func(v []driver.Value) error {
		const fixed = 9
		for i := range l.columns {
			state[l.object.Fields[i].Name] = l.columns[i].value(v[fixed+i])
		}
		if v[2] == nil {
			return nil // somebody made it by hand, and the rest of the history says so
		}
		p := past{Event: syncer.Event{Object: l.object.Name, ID: id}}
		err := p.read(v)
		all = append(all, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	args = args[:0]
	args.add(l.number)
	args.add(nil)
	if isNumber {
		args[1].Value = number
	}
	args.add(id) // a record elsewhere
	err = c.query(ctx, sqlHistory, args, func(v []driver.Value) error {
		p := past{Event: syncer.Event{Object: l.object.Name, ID: id}}
		err := p.read(v)
		all = append(all, p)
		return err
	})
	events := make([]syncer.Event, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		events[i] = all[i].resolve(l, state)
	}
	return events, err
}

// resolve returns the event with its changes, given the values after it, and
// takes state back to those before it.
func (p *past) resolve(l *layout, state map[string]mapping.Value) syncer.Event {
	e := p.Event
	for _, name := range p.fields {
		f := syncer.FieldChange{Field: name, Before: mapping.Null, After: state[name], Hidden: slices.Contains(p.hidden, name)}
		if f.Hidden {
			f.After = mapping.TextValue(credentials.Mask)
		}
		e.Changes = append(e.Changes, f)
	}
	place := func(name string) int {
		if i := l.object.Field(name); i >= 0 {
			return i
		}
		return len(l.columns)
	}
	names := slices.SortedFunc(maps.Keys(p.changes), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a, b))
	})
	for _, name := range names {
		c := p.changes[name]
		before, after := linkText(l, name, c.before), linkText(l, name, c.after)
		e.Changes = append(e.Changes, syncer.FieldChange{Field: name, Before: before, After: after, Hidden: c.hidden})
		state[name] = before
	}
	return e
}

// linkText returns the value of a link field as the id that it is: an edit by
// hand knows it as a number.
func linkText(l *layout, field string, v mapping.Value) mapping.Value {
	if i := l.object.Field(field); i >= 0 && l.columns[i].link && v.Kind == mapping.KindInt {
		return mapping.TextValue(fmt.Sprint(v.Int))
	}
	return v
}
