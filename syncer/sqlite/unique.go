package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// SetUnique makes a custom field unique, or an ordinary one again. It returns a
// *syncer.DuplicatesError, and changes nothing, if records share a value, archived
// ones included. A record and those that have been merged into it are one.
func (s *Store) SetUnique(ctx context.Context, object, field string, unique bool) error {
	doing := fmt.Sprintf("make %s of %s unique", field, object)
	if !unique {
		doing = fmt.Sprintf("let %s of %s be the same in many records", field, object)
	}
	err := s.write(ctx, func(c *conn) error {
		m, err := s.currentModel(ctx, c)
		if err != nil {
			return err
		}
		l, err := m.object(object)
		if err != nil {
			return err
		}
		if err := l.mayBeUnique(field, unique); err != nil {
			return err
		}
		if l.object.Fields[l.object.Field(field)].Unique == unique {
			return nil
		}
		if err := adopt(ctx, c, m, l); err != nil {
			return err
		}
		return s.setUnique(ctx, c, object, field, unique)
	})
	if err != nil {
		return s.explain(err, doing)
	}
	_, err = s.freshModel(ctx)
	return s.explain(err, "read the schema")
}

// mayBeUnique refuses fields that are unique, or not, for good.
func (l *layout) mayBeUnique(field string, unique bool) error {
	invalid := func(message, remedy string) error {
		return &connector.Error{Class: connector.ErrInvalid, Message: message, Remedy: remedy}
	}
	i := l.object.Field(field)
	if i < 0 {
		return invalid(fmt.Sprintf("%s have no field %q", l.object.Name, field), "name a custom field of the object")
	}
	f := &l.object.Fields[i]
	switch {
	case !f.Custom:
		return invalid(fmt.Sprintf("%s is a standard field", field), "name a custom field; which standard fields are unique is fixed")
	case unique && (f.Type == mapping.List || f.Type == mapping.Reference):
		return invalid(fmt.Sprintf("a field of type %s cannot be unique", f.Type), "name a field of another type")
	}
	return nil
}

// setUnique changes the field's definition, and its columns and indexes with it.
func (s *Store) setUnique(ctx context.Context, c *conn, object, field string, unique bool) error {
	if err := define(ctx, c, object, field, unique); err != nil {
		return err
	}
	m, err := s.readModel(ctx, c)
	if err != nil {
		return err
	}
	l := m.layout(object)
	if unique {
		err = l.addKey(ctx, c, l.object.Field(field))
	} else {
		err = l.removeKey(ctx, c, field)
	}
	if err != nil {
		return err
	}
	if err := ensureCustom(ctx, c, m); err != nil {
		return err
	}
	return ensureTriggers(ctx, c, m)
}

// define changes the definition of a custom field.
func define(ctx context.Context, c *conn, object, field string, unique bool) error {
	row, err := c.one(ctx, "SELECT definition FROM custom_fields WHERE object = ? AND name = ?", object, field)
	if err != nil || row == nil {
		return orNotFound(err)
	}
	var f mapping.Field
	if err := json.Unmarshal([]byte(text(row[0])), &f); err != nil {
		return fmt.Errorf("read its definition: %w", err)
	}
	f.Unique = unique
	definition, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, err = c.exec(ctx, "UPDATE custom_fields SET definition = ?, edits = edits + 1 WHERE object = ? AND name = ?", string(definition), object, field)
	return err
}

// removeKey takes a field's second column away. The trigger that mentions it is
// made anew afterwards.
func (l *layout) removeKey(ctx context.Context, c *conn, field string) error {
	for _, sql := range []string{
		"DROP INDEX " + l.indexName(field),
		"DROP TRIGGER IF EXISTS " + quote(l.object.Name+"_edited"),
		"ALTER TABLE " + l.table + " DROP COLUMN " + keyedName(field),
	} {
		if _, err := c.execWaiting(ctx, sql, nil); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// addKey gives a field its second column, and each record its normal form in it.
func (l *layout) addKey(ctx context.Context, c *conn, field int) error {
	keyed := l.columns[field].keyed
	if _, err := c.exec(ctx, "ALTER TABLE "+l.table+" ADD COLUMN "+keyed+" TEXT"); err != nil {
		return err
	}
	for after := int64(0); ; {
		rows, err := l.fieldValues(ctx, c, field, after)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			after = r.id
			form := l.keyForm(field, r.value)
			if form == nil {
				continue
			}
			if _, err := c.exec(ctx, "UPDATE "+l.table+" SET "+keyed+" = ? WHERE \"id\" = ?", form, r.id); err != nil {
				return err
			}
		}
	}
	return l.noDuplicates(ctx, c, field)
}

// A fieldValue is what a record has in one field.
type fieldValue struct {
	id    int64
	value mapping.Value
}

// fieldValues returns the next records that have a field, in the order of ids.
func (l *layout) fieldValues(ctx context.Context, c *conn, field int, after int64) ([]fieldValue, error) {
	col := &l.columns[field]
	var args params
	args.add(after)
	args.add(int64(adoptChunk))
	var found []fieldValue
	err := c.query(ctx, "SELECT \"id\", "+col.name+" FROM "+l.table+" WHERE "+col.name+" IS NOT NULL AND \"id\" > ? ORDER BY \"id\" LIMIT ?", args, func(v []driver.Value) error {
		found = append(found, fieldValue{integer(v[0]), col.value(v[1])})
		return nil
	})
	return found, err
}

// maxDuplicateGroups is how many groups a *syncer.DuplicatesError lists.
const maxDuplicateGroups = 100

// noDuplicates returns a *syncer.DuplicatesError if records have the same normal
// form of a field. Of a record and those merged into it, one keeps the key.
func (l *layout) noDuplicates(ctx context.Context, c *conn, field int) error {
	merged, err := readMerged(ctx, c, l)
	if err != nil {
		return err
	}
	found := &syncer.DuplicatesError{Object: l.object.Name, Field: l.object.Fields[field].Name}
	var yielding []int64
	var form string
	var group []fieldValue
	end := func() {
		defer func() { group = group[:0] }()
		keeps, same := merged.keeper(group)
		switch {
		case len(group) == 0:
		case same:
			for _, r := range group {
				if r.id != keeps {
					yielding = append(yielding, r.id)
				}
			}
		case len(found.Groups) == maxDuplicateGroups:
			found.More++
		default:
			g := syncer.DuplicateGroup{Value: l.object.Fields[field].Format(group[0].value)}
			for _, r := range group {
				g.IDs = append(g.IDs, idText(r.id))
			}
			found.Groups = append(found.Groups, g)
		}
	}
	k := l.key([]string{l.object.Fields[field].Name})
	expr := k.exprs[0]
	query := fmt.Sprintf(`SELECT %s AS form, "id", %s FROM %s WHERE %s IN (SELECT %s FROM %s WHERE %s GROUP BY 1 HAVING count(*) > 1) ORDER BY form, "id"`,
		expr, l.columns[field].name, l.table, expr, expr, l.table, k.where)
	err = c.query(ctx, query, nil, func(v []driver.Value) error {
		if t := text(v[0]); t != form {
			end()
			form = t
		}
		group = append(group, fieldValue{integer(v[1]), l.columns[field].value(v[2])})
		return nil
	})
	if err != nil {
		return err
	}
	if end(); len(found.Groups) > 0 {
		return found
	}
	for _, id := range yielding {
		if err := giveUp(ctx, c, l, k, id); err != nil {
			return err
		}
	}
	return nil
}

// mergedInto tells of merged records what they were merged into.
type mergedInto map[int64]int64

// readMerged returns the merged records of an object.
func readMerged(ctx context.Context, c *conn, l *layout) (mergedInto, error) {
	all := mergedInto{}
	var args params
	args.add(l.number)
	err := c.query(ctx, "SELECT record, target FROM ledger_merges WHERE object = ?", args, func(v []driver.Value) error {
		all[integer(v[0])] = integer(v[1])
		return nil
	})
	return all, err
}

// root returns the record that a record is a part of, or itself.
func (m mergedInto) root(id int64) int64 {
	for {
		target, ok := m[id]
		if !ok {
			return id
		}
		id = target
	}
}

// keeper returns which of the records keeps a key that they share, and whether
// they are one record.
func (m mergedInto) keeper(records []fieldValue) (id int64, one bool) {
	for i, r := range records {
		root := m.root(r.id)
		switch {
		case i == 0:
			id = r.id
		case root != m.root(id):
			return 0, false
		}
		if r.id == root {
			id = root
		}
	}
	return id, true
}
