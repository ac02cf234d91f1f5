package sqlite

import (
	"context"
	"database/sql/driver"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// hasMerges reports whether records of an object are merged. No merge can come
// between: it needs the lock that the batch has.
func (a *apply) hasMerges(ctx context.Context, l *layout) (bool, error) {
	has, known := a.merges[l.number]
	if known {
		return has, nil
	}
	has, err := hasMerges(ctx, a.conn, l)
	if err == nil {
		a.merges[l.number] = has
	}
	return has, err
}

// isMerged reports whether a record is a part of another.
func (a *apply) isMerged(ctx context.Context, l *layout, id driver.Value) (bool, error) {
	if has, err := a.hasMerges(ctx, l); err != nil || !has {
		return false, err
	}
	target, err := mergedTarget(ctx, a.conn, l, id)
	return target > 0, err
}

// root returns the record that a record is a part of, or itself.
func (a *apply) root(ctx context.Context, l *layout, id int64) (int64, error) {
	if has, err := a.hasMerges(ctx, l); err != nil || !has {
		return id, err
	}
	return mergeRoot(ctx, a.conn, l, id)
}

// takeKeys takes the keys that a change gives a record from those that are merged
// into it. It returns [syncer.ErrConflict] if another record has one.
func (a *apply) takeKeys(ctx context.Context, l *layout, id driver.Value, c *syncer.Change) error {
	if has, err := a.hasMerges(ctx, l); err != nil || !has {
		return orConflict(err)
	}
	e := editor{conn: a.conn, model: a.model}
	found, err := e.rows(ctx, l, `t."id" = ?`, id)
	if err != nil || len(found) == 0 {
		return orConflict(err)
	}
	r := found[0]
	for i, col := range c.Columns {
		v := c.After[i]
		switch v.Kind {
		case mapping.KindAbsent:
			continue
		case mapping.KindRow:
			target, err := a.earlier(v.Int)
			if err != nil {
				return err
			}
			v = mapping.TextValue(idText(target.record))
		case mapping.KindNull, mapping.KindText, mapping.KindInt:
		}
		r.values[col] = v
	}
	for i := range l.keys {
		if err := a.takeKey(ctx, l, &l.keys[i], r); err != nil {
			return err
		}
	}
	return nil
}

func (a *apply) takeKey(ctx context.Context, l *layout, k *key, r row) error {
	id, err := holder(ctx, a.conn, l, k, r.values)
	if err != nil || id == 0 || id == r.id {
		return err
	}
	root, err := mergeRoot(ctx, a.conn, l, id)
	switch {
	case err != nil:
		return err
	case root != r.id:
		return syncer.ErrConflict
	}
	return giveUp(ctx, a.conn, l, k, id)
}
