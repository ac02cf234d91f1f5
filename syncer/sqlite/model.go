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
	custom  int64     // how many custom fields it has
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
func newModel(schema *mapping.Schema, custom int64, numbers map[string]int64) (*model, error) {
	m := &model{schema: schema, custom: custom}
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

// readModel reads the model: the standard schema with the database's custom
// fields.
func (s *Store) readModel(ctx context.Context, c *conn) (*model, error) {
	schema := mapping.Standard()
	if len(s.opt.Roles) > 0 {
		var err error
		if schema, err = schema.WithChoices("users", "role", s.opt.Roles); err != nil {
			return nil, err
		}
	}
	var custom int64
	err := c.query(ctx, "SELECT object, definition FROM custom_fields ORDER BY number", nil, func(v []driver.Value) error {
		var f mapping.Field
		if err := json.Unmarshal([]byte(text(v[1])), &f); err != nil {
			return fmt.Errorf("read a custom field of %s: %w", text(v[0]), err)
		}
		var err error
		if schema, err = schema.With(text(v[0]), f); err != nil {
			return fmt.Errorf("read the custom fields: %w", err)
		}
		custom++
		return nil
	})
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
	return newModel(schema, custom, numbers)
}

// countCustom tells a model of yesterday from that of today: custom fields are
// only ever added.
const countCustom = "SELECT count(*) FROM custom_fields"

// currentModel returns the model as the connection sees it, which another process
// may have extended since it was last read.
func (s *Store) currentModel(ctx context.Context, c *conn) (*model, error) {
	custom, err := c.number(ctx, countCustom)
	if err != nil {
		return nil, err
	}
	m := s.model.Load()
	if m != nil && m.custom >= custom {
		return m, nil
	}
	if m, err = s.readModel(ctx, c); err != nil {
		return nil, err
	}
	s.model.Store(m)
	return m, nil
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
// others, with an index if it is unique. The name cannot be that of another field
// or of a system column.
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
	schema, err := old.schema.With(object, f)
	if err != nil {
		return &connector.Error{Class: connector.ErrInvalid, Message: err.Error(), Remedy: "give the field another name or type", Err: err}
	}
	numbers := map[string]int64{}
	for _, l := range old.layouts {
		numbers[l.object.Name] = l.number
	}
	m, err := newModel(schema, old.custom+1, numbers)
	if err != nil {
		return err
	}
	l := m.layout(object)
	i := len(l.columns) - 1
	definition, err := json.Marshal(l.object.Fields[i])
	if err != nil {
		return err
	}
	if _, err := c.exec(ctx, "INSERT INTO custom_fields (object, name, definition) VALUES (?, ?, ?)", object, f.Name, string(definition)); err != nil {
		return err
	}
	statements := []string{"ALTER TABLE " + l.table + " ADD COLUMN " + l.columnDefinition(i)}
	if keyed := l.columns[i].keyed; keyed != "" {
		statements = append(statements, "ALTER TABLE "+l.table+" ADD COLUMN "+keyed+" TEXT")
	}
	if k := l.key([]string{f.Name}); k != nil {
		statements = append(statements, l.createKeyIndex(k))
	}
	for _, sql := range statements {
		if _, err := c.exec(ctx, sql); err != nil {
			return err
		}
	}
	return ensureTriggers(ctx, c, m)
}
