package memory

import (
	"context"

	"github.com/vendorsync/vendorsync/credentials"
)

var _ credentials.Keeper = (*Store)(nil)

// PutSealed keeps a sealed credential in the place of the one of its id whose
// revision is previous, an empty previous meaning that there is none yet. If
// somebody was faster, it changes nothing and returns an error that is
// credentials.ErrConflict.
func (s *Store) PutSealed(ctx context.Context, sealed credentials.Sealed, previous string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.sealed.PutSealed(ctx, sealed, previous)
}

// GetSealed returns a sealed credential, or an error that is
// credentials.ErrNotFound.
func (s *Store) GetSealed(ctx context.Context, id string) (credentials.Sealed, error) {
	if err := ctx.Err(); err != nil {
		return credentials.Sealed{}, err
	}
	return s.sealed.GetSealed(ctx, id)
}

// ListSealed returns all sealed credentials, ordered by the bytes of their ids.
func (s *Store) ListSealed(ctx context.Context) ([]credentials.Sealed, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.sealed.ListSealed(ctx)
}

// DeleteSealed removes the sealed credential of that id and revision. It returns
// an error that is credentials.ErrNotFound if there is none of that id, and one
// that is credentials.ErrConflict if its revision is another.
func (s *Store) DeleteSealed(ctx context.Context, id, revision string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.sealed.DeleteSealed(ctx, id, revision)
}
