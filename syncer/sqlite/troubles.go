package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// SwapTrouble replaces what is kept under key, if that is old, by what is new, in
// one step, and reports whether it did. A nil old stands for nothing being kept, a
// nil new removes. It is on disk when SwapTrouble returns. With [Store.Troubles] it
// is what a notice.Watcher remembers by.
func (s *Store) SwapTrouble(ctx context.Context, key string, old, new []byte) (swapped bool, err error) {
	var query string
	var args []driver.Value
	switch {
	case old == nil && new == nil:
		query, args = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM troubles WHERE id = ?)", []driver.Value{key}
	case old == nil:
		query, args = "INSERT INTO troubles (id, document) VALUES (?, ?) ON CONFLICT (id) DO NOTHING", []driver.Value{key, new}
	case new == nil:
		query, args = "DELETE FROM troubles WHERE id = ? AND document = ?", []driver.Value{key, old}
	default:
		query, args = "UPDATE troubles SET document = ? WHERE id = ? AND document = ?", []driver.Value{new, key, old}
	}
	err = s.write(ctx, func(c *conn) error {
		if old == nil && new == nil {
			row, err := c.one(ctx, query, args...)
			swapped = row != nil
			return err
		}
		n, err := c.exec(ctx, query, args...)
		swapped = n > 0
		return err
	})
	return swapped && err == nil, s.explain(err, fmt.Sprintf("remember the trouble %q", key))
}

// Troubles returns all troubles that are remembered, by key. The map is the
// caller's.
func (s *Store) Troubles(ctx context.Context) (map[string][]byte, error) {
	all := map[string][]byte{}
	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT id, document FROM troubles", nil, func(v []driver.Value) error {
			all[text(v[0])] = []byte(text(v[1]))
			return nil
		})
	})
	return all, s.explain(err, "read the troubles")
}
