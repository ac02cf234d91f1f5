package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// An editor writes changes that no run makes, within a transaction: each with its
// history, and the links it makes stale.
type editor struct {
	*conn
	model *model
	actor driver.Value // nil if unknown
	at    string
}

func newEditor(c *conn, m *model, actor, at string) *editor {
	e := &editor{conn: c, model: m, at: at}
	if actor != "" {
		e.actor = actor
	}
	return e
}

// A row is a record as it stands in its table.
type row struct {
	id, revision int64
	archived     driver.Value // nil for a live one
	values       []mapping.Value
	keyed        []driver.Value // the second columns, by field
}

// rowsSQL selects rows, then what a condition says.
func (l *layout) rowsSQL(condition string) string {
	var b strings.Builder
	b.WriteString(`SELECT t."id", t."revision", t."archived_at", ` + l.selected)
	for _, c := range l.columns {
		if c.keyed == "" {
			b.WriteString(", NULL")
		} else {
			b.WriteString(", t." + c.keyed)
		}
	}
	b.WriteString(" FROM " + l.table + " t WHERE " + condition)
	return b.String()
}

// rows returns the rows for which a condition holds.
func (e *editor) rows(ctx context.Context, l *layout, condition string, args ...driver.Value) ([]row, error) {
	const fixed = 3
	var bound params
	for _, a := range args {
		bound.add(a)
	}
	n := len(l.columns)
	var all []row
	err := e.query(ctx, l.rowsSQL(condition), bound, func(v []driver.Value) error {
		r := row{id: integer(v[0]), revision: integer(v[1]), archived: v[2], values: l.values(v[fixed:fixed+n], make([]mapping.Value, n))}
		r.keyed = append(r.keyed, v[fixed+n:]...)
		all = append(all, r)
		return nil
	})
	return all, err
}

// row returns one row, nil if it is not there.
func (e *editor) row(ctx context.Context, l *layout, id int64) (*row, error) {
	found, err := e.rows(ctx, l, `t."id" = ?`, id)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// An edit is what is written to one row.
type edit struct {
	op      byte
	columns []string // quoted, beside those that every edit sets
	values  []driver.Value
	changes []syncer.FieldChange
}

// set adds a column.
func (ed *edit) set(column string, v driver.Value) {
	ed.columns, ed.values = append(ed.columns, column), append(ed.values, v)
}

// setField adds a field, with its second column and its place in the history.
func (ed *edit) setField(l *layout, field int, before, after mapping.Value) {
	ed.set(l.columns[field].name, l.bound(field, after))
	if keyed := l.columns[field].keyed; keyed != "" {
		ed.set(keyed, l.keyForm(field, after))
	}
	ed.change(l.object.Fields[field].Name, before, after)
}

// change adds a change to the history alone.
func (ed *edit) change(name string, before, after mapping.Value) {
	ed.changes = append(ed.changes, syncer.FieldChange{Field: name, Before: before, After: after})
}

// bound returns a value as it goes into its column.
func (l *layout) bound(field int, v mapping.Value) driver.Value {
	switch {
	case v.IsEmpty():
		return nil
	case v.Kind == mapping.KindInt:
		return v.Int
	case l.columns[field].link:
		if id, ok := recordID(v.Text); ok {
			return id
		}
	}
	return v.Text
}

// write makes an edit. Its error is [syncer.ErrConflict] if another row has a key
// that it writes.
func (e *editor) write(ctx context.Context, l *layout, r *row, ed edit) error {
	sets := []string{colRevision + " = " + colRevision + " + 1", `"updated_at" = ?`}
	var args params
	args.add(e.at)
	for i, c := range ed.columns {
		sets = append(sets, c+" = ?")
		args.add(ed.values[i])
	}
	args.add(r.id)
	_, err := e.execParams(ctx, "UPDATE "+l.table+" SET "+strings.Join(sets, ", ")+" WHERE \"id\" = ?", args)
	switch {
	case takesUniqueKey(err):
		return syncer.ErrConflict
	case err != nil:
		return fmt.Errorf("write record %d of %s: %w", r.id, l.object.Name, err)
	}
	r.revision++
	changes, err := e.changesJSON(ctx, l, ed.changes)
	if err != nil {
		return err
	}
	_, err = e.exec(ctx, "INSERT INTO ledger_history (object, record, revision, op, at, actor, changes) VALUES (?, ?, ?, ?, ?, ?, ?)",
		l.number, r.id, r.revision, int64(ed.op), e.at, e.actor, changes)
	if err != nil {
		return err
	}
	return e.spoil(ctx, l, r)
}

// changesJSON returns changes as the JSON text of the history, nil if there are
// none. Fields that are sensitive to any integration are masked.
func (e *editor) changesJSON(ctx context.Context, l *layout, changes []syncer.FieldChange) (driver.Value, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	b := []byte{'{'}
	for i, c := range changes {
		hidden, err := isHidden(ctx, e.conn, l, c.Field)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = appendChange(b, c.Field, c.Before, c.After, hidden)
	}
	return string(append(b, '}')), nil
}

// spoil marks the links to a record, and to what it is a part of, as stale.
func (e *editor) spoil(ctx context.Context, l *layout, r *row) error {
	if err := e.spoilLinks(ctx, l, r.id); err != nil {
		return err
	}
	for _, f := range l.belongs {
		if parent, ok := recordID(r.values[f].Text); ok {
			if err := e.spoilLinks(ctx, e.model.parent(l, f), parent); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *editor) spoilLinks(ctx context.Context, l *layout, id int64) error {
	_, err := e.exec(ctx, "UPDATE ledger_links SET stale = 1 WHERE object = ? AND target = ? AND stale = 0", l.number, id)
	return err
}

// spoilUsers marks the links of all that use a shared record as stale.
func (e *editor) spoilUsers(ctx context.Context, l *layout, id int64) error {
	for _, sql := range e.model.usersOf(l, "?1") {
		if _, err := e.exec(ctx, sql, id); err != nil {
			return err
		}
	}
	return nil
}
