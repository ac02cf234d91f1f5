package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// custom returns what the custom fields of an object need in its table: the
// statements that make columns, by quoted name, and those that make indexes.
func (l *layout) custom() (columns, indexes map[string]string) {
	columns, indexes = map[string]string{}, map[string]string{}
	for i := range l.columns {
		f, c := &l.object.Fields[i], &l.columns[i]
		if !f.Custom {
			continue
		}
		columns[c.name] = "ALTER TABLE " + l.table + " ADD COLUMN " + l.columnDefinition(i)
		if c.keyed != "" {
			columns[c.keyed] = "ALTER TABLE " + l.table + " ADD COLUMN " + c.keyed + " TEXT"
		}
		if k := l.key([]string{f.Name}); k != nil {
			indexes[l.indexName(f.Name)] = l.createKeyIndex(k)
		}
		if c.link {
			indexes[l.indexName(f.Name)] = l.createLinkIndex(i)
		}
	}
	return columns, indexes
}

// missing returns the statements that bring the tables to what the custom fields
// of the model need: one may be new, and a file of an older version may lack
// something.
func missing(ctx context.Context, c *conn, m *model) ([]string, error) {
	var all []string
	for _, l := range m.layouts {
		columns, indexes := l.custom()
		if len(columns) == 0 {
			continue
		}
		var args params
		args.add(l.object.Name)
		err := c.query(ctx, "SELECT name FROM pragma_table_info(?)", args, func(v []driver.Value) error {
			delete(columns, quote(text(v[0])))
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read the columns of %s: %w", l.object.Name, err)
		}
		for i := range l.columns { // in the order of the fields, as a person expects them
			for _, name := range []string{l.columns[i].name, l.columns[i].keyed} {
				if sql, ok := columns[name]; ok {
					all = append(all, sql)
				}
			}
		}
		err = c.query(ctx, "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", args, func(v []driver.Value) error {
			name := quote(text(v[0]))
			switch want, ok := indexes[name]; {
			case ok && want == text(v[1]):
				delete(indexes, name)
			case ok:
				all = append(all, "DROP INDEX "+name)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read the indexes of %s: %w", l.object.Name, err)
		}
		for _, sql := range indexes {
			all = append(all, sql)
		}
	}
	return all, nil
}

// ensureCustom makes what is missing for the custom fields.
func ensureCustom(ctx context.Context, c *conn, m *model) error {
	statements, err := missing(ctx, c, m)
	if err != nil {
		return err
	}
	for _, sql := range statements {
		if _, err := c.exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}
