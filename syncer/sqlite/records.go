package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// Records yields the records of an object, ordered by id. Beside the fields,
// q.Where may name id. A merged record is an archived one. It sees the database as
// it was when the first record was asked for.
func (s *Store) Records(ctx context.Context, q syncer.RecordQuery) iter.Seq2[syncer.Record, error] {
	return scan(ctx, s, "read the records of "+q.Object, func(c *conn, yield func(syncer.Record) error) error {
		m, err := s.currentModel(ctx, c)
		if err != nil {
			return err
		}
		l, err := m.object(q.Object)
		if err != nil {
			return err
		}
		w, err := l.where(q.Where)
		if err != nil {
			return err
		}
		query, args := l.recordsSQL(w, q.Archived)
		found := 0
		return c.query(ctx, query, args, func(row []driver.Value) error {
			r := l.record(row)
			if !w.matches(l, r) {
				return nil
			}
			if err := yield(r); err != nil {
				return err
			}
			if found++; found == q.Limit {
				return errStop
			}
			return nil
		})
	})
}

// A where holds the normal forms that fields must have.
type where struct {
	id    string
	byID  bool
	texts map[int]string // by field
}

// where reads the values of a query, and reports all faults together.
func (l *layout) where(texts map[string]string) (where, error) {
	w := where{texts: map[int]string{}}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		text := texts[name]
		if name == "id" {
			w.byID, w.id = true, strings.TrimSpace(text)
			continue
		}
		i := l.object.Field(name)
		if i < 0 {
			errs = append(errs, fmt.Errorf("%s have no field %q", l.object.Name, name))
			continue
		}
		f := &l.object.Fields[i]
		v := mapping.Null
		if strings.TrimSpace(text) != "" {
			var err error
			if v, err = f.Parse(text); err != nil {
				errs = append(errs, fmt.Errorf("%s %q: %w", name, text, err))
			}
		}
		w.texts[i] = f.Normalize(v)
	}
	if err := errors.Join(errs...); err != nil {
		return w, &connector.Error{Class: connector.ErrInvalid, Message: err.Error(), Remedy: "name fields of the object, and values of their types", Err: err}
	}
	return w, nil
}

func (w where) matches(l *layout, r syncer.Record) bool {
	if w.byID && r.ID != w.id {
		return false
	}
	for i, text := range w.texts {
		if l.object.Fields[i].Normalize(r.Values[i]) != text {
			return false
		}
	}
	return true
}

// recordsSQL selects the records that may match: by id, unique field or link
// where one is given, else all. Rows edited by hand may always match.
func (l *layout) recordsSQL(w where, archived bool) (string, params) {
	query := `SELECT t."id", t."revision", t."created_at", coalesce(t."updated_at", t."created_at"), t."archived_at", ` +
		fmt.Sprintf(`(SELECT min(missing_since) FROM ledger_links WHERE object = %d AND target = +t."id"), `, l.number) + l.selected + " FROM " + l.table + " t WHERE "
	condition := "1"
	var args params
	if w.byID {
		id, _ := recordID(w.id)
		condition = `t."id" = ?`
		args.add(id)
	} else if narrow, arg := l.narrow(w); narrow != "" {
		condition = fmt.Sprintf(`t."id" IN (SELECT "id" FROM %s WHERE %s UNION ALL SELECT "id" FROM %s WHERE %s > 0)`, l.table, narrow, l.table, colRekey)
		args.add(arg)
	}
	if !archived {
		condition += ` AND t."archived_at" IS NULL`
	}
	return query + condition + ` ORDER BY t."id"`, args
}

// narrow returns a condition that an index answers, empty if there is none.
func (l *layout) narrow(w where) (string, driver.Value) {
	for _, i := range slices.Sorted(maps.Keys(w.texts)) {
		v, ok := l.columns[i].normal(w.texts[i])
		if !ok || w.texts[i] == "" {
			continue
		}
		if l.columns[i].link {
			return l.columns[i].name + " = ?", v
		}
		if k := l.key([]string{l.object.Fields[i].Name}); k != nil {
			return k.where + " AND " + k.exprs[0] + " = ?", v
		}
	}
	return "", nil
}

func (l *layout) record(row []driver.Value) syncer.Record {
	return syncer.Record{
		ID: text(row[0]), Revision: integer(row[1]),
		CreatedAt: timeOf(row[2]), UpdatedAt: timeOf(row[3]), Archived: timeOf(row[4]), MissingSince: timeOf(row[5]),
		Values: l.values(row[6:], make([]mapping.Value, len(l.columns))),
	}
}
