package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vendorsync/vendorsync/mapping"
)

// adoptAll takes the edits that people made by hand into account, see [adopt].
func adoptAll(ctx context.Context, c *conn, m *model) error {
	for _, l := range m.layouts {
		if err := adopt(ctx, c, m, l); err != nil {
			return fmt.Errorf("take over edits of %s: %w", l.object.Name, err)
		}
	}
	return nil
}

// adoptChunk is how many rows are held in memory at a time.
const adoptChunk = 500

// A handmade row is one whose second columns are not right.
type handmade struct {
	id     int64
	rekey  int64
	values []mapping.Value
}

// handmadeSQL selects handmade rows, see [layout.handmade].
func (l *layout) handmadeSQL() string {
	return "SELECT t.\"id\", t." + colRekey + ", " + l.selected + " FROM " + l.table + " t WHERE t." + colRekey + " > 0 AND t.\"id\" > ? ORDER BY t.\"id\" LIMIT ?"
}

// handmade returns up to limit handmade rows with ids greater than after.
func (l *layout) handmade(ctx context.Context, c *conn, after int64, limit int) ([]handmade, error) {
	var args params
	args.add(after)
	args.add(int64(limit))
	var found []handmade
	err := c.query(ctx, l.handmadeSQL(), args, func(v []driver.Value) error {
		found = append(found, handmade{id: integer(v[0]), rekey: integer(v[1]), values: l.values(v[2:], make([]mapping.Value, len(l.columns)))})
		return nil
	})
	return found, err
}

// adopt gives rows that were edited by hand the normal forms of their keys, and
// those that were inserted by hand a place in the history, too. A row whose key
// another has stays as it is: look-ups find both, so that a person is told.
func adopt(ctx context.Context, c *conn, m *model, l *layout) error {
	for after := int64(0); ; {
		rows, err := l.handmade(ctx, c, after, adoptChunk)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			if r.rekey == rekeyInserted {
				if err := adoptInserted(ctx, c, m, l, r); err != nil {
					return err
				}
			}
			if err := rekey(ctx, c, l, r); err != nil {
				return err
			}
			after = r.id
		}
	}
}

// rekey writes a row's second columns, as far as no other row has the same key.
func rekey(ctx context.Context, c *conn, l *layout, r handmade) error {
	done := true
	for i := range l.keys {
		k := &l.keys[i]
		var sets []string
		var args params
		for _, f := range k.fields {
			if col := &l.columns[f]; col.keyed != "" {
				sets = append(sets, col.keyed+" = ?")
				args.add(l.keyForm(f, r.values[f]))
			}
		}
		if len(sets) == 0 {
			continue
		}
		args.add(r.id)
		n, err := c.execParams(ctx, "UPDATE OR IGNORE "+l.table+" SET "+strings.Join(sets, ", ")+" WHERE \"id\" = ?", args)
		if err != nil {
			return err
		}
		done = done && n > 0
	}
	state := int64(rekeyEdited)
	if done {
		state = 0
	}
	_, err := c.exec(ctx, "UPDATE "+l.table+" SET "+colRekey+" = ? WHERE \"id\" = ?", state, r.id)
	return err
}

// keyForm returns what the second column of a key field holds beside a value:
// the normal form where it differs from the visible text.
func (l *layout) keyForm(field int, v mapping.Value) driver.Value {
	if v.IsEmpty() || l.columns[field].integer && v.Kind == mapping.KindInt {
		return nil
	}
	normal := l.object.Fields[field].Normalize(v)
	if v.Kind == mapping.KindText && normal == v.Text {
		return nil
	}
	return normal
}

// adoptInserted writes down that a row was inserted by hand.
func adoptInserted(ctx context.Context, c *conn, m *model, l *layout, r handmade) error {
	var fields []string
	for i := range l.columns {
		if !r.values[i].IsEmpty() {
			fields = append(fields, l.object.Fields[i].Name)
		}
	}
	names, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	hidden, err := hiddenAmong(ctx, c, l, fields)
	if err != nil {
		return err
	}
	set, err := columnsNumber(ctx, c, l.number, string(names), hidden)
	if err != nil {
		return err
	}
	_, err = c.exec(ctx, "UPDATE "+l.table+` SET "revision" = max("revision", coalesce((SELECT max(revision) + 1 FROM ledger_history WHERE object = ? AND record = ?), 1)), "_batch" = NULL, "_columns" = NULL WHERE "id" = ?`, l.number, r.id, r.id)
	if err != nil {
		return err
	}
	_, err = c.exec(ctx, "INSERT INTO ledger_history (object, record, revision, op, changes, at) SELECT ?, \"id\", \"revision\", ?, ?, \"created_at\" FROM "+l.table+" WHERE \"id\" = ?",
		l.number, int64(codeCreate), set, r.id)
	if err != nil {
		return err
	}
	// An INSERT OR REPLACE takes the place of a record that has links.
	if _, err = c.exec(ctx, "UPDATE ledger_links SET stale = 1 WHERE object = ? AND target = ?", l.number, r.id); err != nil {
		return err
	}
	for _, f := range l.belongs {
		if parent, ok := recordID(r.values[f].Text); ok {
			if _, err := c.exec(ctx, "UPDATE ledger_links SET stale = 1 WHERE object = ? AND target = ?", m.parent(l, f).number, parent); err != nil {
				return err
			}
		}
	}
	return nil
}

// hiddenAmong returns, as a JSON array, those of the fields that are sensitive to
// some integration.
func hiddenAmong(ctx context.Context, c *conn, l *layout, fields []string) (string, error) {
	hidden := []string{}
	for _, f := range fields {
		is, err := isHidden(ctx, c, l, f)
		if err != nil {
			return "", err
		}
		if is {
			hidden = append(hidden, f)
		}
	}
	b, err := json.Marshal(hidden)
	return string(b), err
}

// isHidden reports whether a field is sensitive to some integration.
func isHidden(ctx context.Context, c *conn, l *layout, field string) (bool, error) {
	n, err := c.number(ctx, "SELECT EXISTS (SELECT 1 FROM ledger_hidden WHERE object = ? AND field = ?)", l.number, field)
	return n > 0, err
}

// columnsNumber returns the number under which a set of filled columns is kept.
func columnsNumber(ctx context.Context, c *conn, object int64, fields, hidden string) (int64, error) {
	const find = "SELECT number FROM ledger_columns WHERE object = ? AND fields = ? AND hidden = ?"
	n, err := c.number(ctx, find, object, fields, hidden)
	if err != nil || n > 0 {
		return n, err
	}
	return c.number(ctx, "INSERT INTO ledger_columns (object, fields, hidden) VALUES (?, ?, ?) RETURNING number", object, fields, hidden)
}
