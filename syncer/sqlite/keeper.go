package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/vendorsync/vendorsync/credentials"
)

var _ credentials.Keeper = (*Store)(nil)

// PutSealed keeps a sealed credential in the place of the one of its id whose
// revision is previous, an empty previous meaning that there is none yet. It is on
// disk when PutSealed returns. If somebody, in this process or another, was faster,
// it writes nothing and returns an error that is credentials.ErrConflict.
func (s *Store) PutSealed(ctx context.Context, sealed credentials.Sealed, previous string) error {
	data := sealed.Data
	if data == nil {
		data = []byte{} // nil would be NULL
	}
	err := s.write(ctx, func(c *conn) error {
		query, args := "INSERT INTO credentials (revision, sealed, id) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING", []driver.Value{sealed.Revision, data, sealed.ID}
		if previous != "" {
			query, args = "UPDATE credentials SET revision = ?, sealed = ? WHERE id = ? AND revision = ?", append(args, previous)
		}
		n, err := c.exec(ctx, query, args...)
		if err == nil && n == 0 {
			return credentials.ErrConflict
		}
		return err
	})
	return s.explain(err, fmt.Sprintf("keep credential %q", sealed.ID))
}

// GetSealed returns a sealed credential, or an error that is
// credentials.ErrNotFound.
func (s *Store) GetSealed(ctx context.Context, id string) (sealed credentials.Sealed, err error) {
	err = s.read(ctx, func(c *conn) error {
		row, err := c.one(ctx, "SELECT id, revision, sealed FROM credentials WHERE id = ?", id)
		switch {
		case err != nil:
			return err
		case row == nil:
			return credentials.ErrNotFound
		}
		sealed = sealedOf(row)
		return nil
	})
	return sealed, s.explain(err, fmt.Sprintf("read credential %q", id))
}

// ListSealed returns all sealed credentials, ordered by the bytes of their ids.
func (s *Store) ListSealed(ctx context.Context) ([]credentials.Sealed, error) {
	all := []credentials.Sealed{}
	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT id, revision, sealed FROM credentials ORDER BY id", nil, func(v []driver.Value) error {
			all = append(all, sealedOf(v))
			return nil
		})
	})
	return all, s.explain(err, "read the credentials")
}

// sealedOf returns the columns id, revision and sealed as a record with bytes of
// its own. Somebody may have put text into a column of bytes by hand.
func sealedOf(row []driver.Value) credentials.Sealed {
	return credentials.Sealed{ID: text(row[0]), Revision: text(row[1]), Data: []byte(text(row[2]))}
}

// DeleteSealed removes the sealed credential of that id and revision. It returns
// an error that is credentials.ErrNotFound if there is none of that id, and one
// that is credentials.ErrConflict if its revision is another.
//
// As with any DELETE, the bytes may stay in unused pages of the file, its log and
// its backups. They are as sealed there as they were in the table, and open with
// the same key: see the package's documentation.
func (s *Store) DeleteSealed(ctx context.Context, id, revision string) error {
	err := s.write(ctx, func(c *conn) error {
		n, err := c.exec(ctx, "DELETE FROM credentials WHERE id = ? AND revision = ?", id, revision)
		if err != nil || n > 0 {
			return err
		}
		others, err := c.number(ctx, "SELECT count(*) FROM credentials WHERE id = ?", id)
		switch {
		case err != nil:
			return err
		case others > 0:
			return credentials.ErrConflict
		}
		return credentials.ErrNotFound
	})
	return s.explain(err, fmt.Sprintf("delete credential %q", id))
}
