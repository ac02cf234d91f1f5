package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
)

// A model is the schema with the layouts of its tables. It is immutable.
type model struct {
	schema  *mapping.Schema
	layouts []*layout // in the order of the schema's objects
	// version goes up with each custom field, and each change of one.
	version int64
}

// layout returns the layout of an object, nil if there is none.
func (m *model) layout(object string) *layout {
	for _, l := range m.layouts {
		if l.object.Name == object {
			return l
		}
	}
	return nil
}

// object returns the layout of an object that a caller names.
func (m *model) object(name string) (*layout, error) {
	if l := m.layout(name); l != nil {
		return l, nil
	}
	return nil, &connector.Error{Class: connector.ErrInvalid, Message: fmt.Sprintf("there is no object %q", name), Remedy: "name an object of the schema, such as assets"}
}

// newModel lays out a schema. Numbers are the objects' numbers in the ledger.
func newModel(schema *mapping.Schema, version int64, numbers map[string]int64) (*model, error) {
	m := &model{schema: schema, version: version}
	for i := range schema.Objects {
		o := &schema.Objects[i]
		number, ok := numbers[o.Name]
		if !ok {
			return nil, fmt.Errorf("the database has no table of %s", o.Name)
		}
		m.layouts = append(m.layouts, newLayout(o, number))
	}
	return m, nil
}

// readSchema reads the schema: the standard one with the database's custom fields.
func (s *Store) readSchema(ctx context.Context, c *conn) (*mapping.Schema, error) {
	schema := mapping.Standard()
	if len(s.opt.Roles) > 0 {
		var err error
		if schema, err = schema.WithChoices("users", "role", s.opt.Roles); err != nil {
			return nil, err
		}
	}
	err := c.query(ctx, "SELECT object, definition FROM custom_fields ORDER BY number", nil, func(v []driver.Value) error {
		var f mapping.Field
		if err := json.Unmarshal([]byte(text(v[1])), &f); err != nil {
			return fmt.Errorf("read a custom field of %s: %w", text(v[0]), err)
		}
		var err error
		if schema, err = schema.With(text(v[0]), f); err != nil {
			return &connector.Error{
				Class: connector.ErrInvalid, Message: fmt.Sprintf("this version has a use of its own for the name of the custom field %q of %s: %v", f.Name, text(v[0]), err),
				Remedy: "with the sqlite3 command, rename the column, and the field in the table custom_fields", Err: err,
			}
		}
		return nil
	})
	return schema, err
}

// readModel reads the model.
func (s *Store) readModel(ctx context.Context, c *conn) (*model, error) {
	schema, err := s.readSchema(ctx, c)
	if err != nil {
		return nil, err
	}
	version, err := c.number(ctx, sqlVersion)
	if err != nil {
		return nil, err
	}
	numbers := map[string]int64{}
	err = c.query(ctx, "SELECT name, number FROM ledger_objects", nil, func(v []driver.Value) error {
		numbers[text(v[0])] = integer(v[1])
		return nil
	})
	if err != nil {
		return nil, err
	}
	return newModel(schema, version, numbers)
}

// sqlVersion tells a model of yesterday from that of today: custom fields are
// only ever added and changed.
const sqlVersion = "SELECT count(*) + coalesce(sum(edits), 0) FROM custom_fields"

// currentModel returns the model as the connection sees it, which another process
// may have changed since it was last read. A reader may also see an older one than
// the last.
func (s *Store) currentModel(ctx context.Context, c *conn) (*model, error) {
	version, err := c.number(ctx, sqlVersion)
	if err != nil {
		return nil, err
	}
	last := s.model.Load()
	if last != nil && last.version == version {
		return last, nil
	}
	m, err := s.readModel(ctx, c)
	if err == nil && (last == nil || last.version < m.version) {
		s.model.CompareAndSwap(last, m)
	}
	return m, err
}

// freshModel is currentModel on a connection of its own.
func (s *Store) freshModel(ctx context.Context) (m *model, err error) {
	err = s.read(ctx, func(c *conn) error {
		m, err = s.currentModel(ctx, c)
		return err
	})
	return m, err
}

// AddField adds a custom field to an object: a column of its own, after all
// others, with an index if it is unique. A reference brings the column of the
// record it means along. The name cannot be that of another field or of a system
// column.
func (s *Store) AddField(ctx context.Context, object string, f mapping.Field) error {
	err := s.write(ctx, func(c *conn) error { return s.addField(ctx, c, object, f) })
	if err != nil {
		return s.explain(err, fmt.Sprintf("add field %q to %s", f.Name, object))
	}
	_, err = s.freshModel(ctx)
	return s.explain(err, "read the schema")
}

func (s *Store) addField(ctx context.Context, c *conn, object string, f mapping.Field) error {
	old, err := s.currentModel(ctx, c)
	if err != nil {
		return err
	}
	if _, err := old.object(object); err != nil {
		return err
	}
	if _, err := old.schema.With(object, f); err != nil {
		return &connector.Error{Class: connector.ErrInvalid, Message: err.Error(), Remedy: "give the field another name or type", Err: err}
	}
	definition, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if _, err := c.exec(ctx, "INSERT INTO custom_fields (object, name, definition) VALUES (?, ?, ?)", object, f.Name, string(definition)); err != nil {
		return err
	}
	m, err := s.readModel(ctx, c)
	if err != nil {
		return err
	}
	if err := ensureCustom(ctx, c, m); err != nil {
		return err
	}
	return ensureTriggers(ctx, c, m)
}
