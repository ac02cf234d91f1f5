package credentials

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// A Keeper keeps sealed records for a [Vault]. It is what a store implements:
// one table of an id, a revision and bytes will do. It never sees a secret. Its
// methods are safe for concurrent use, in several processes if the store is
// shared by several; package credentialstest checks an implementation.
type Keeper interface {
	// PutSealed keeps s in the place of the record of its id whose revision is
	// previous, in one step; an empty previous means that there is no record of
	// that id yet. Otherwise it changes nothing and returns an error that is
	// ErrConflict.
	PutSealed(ctx context.Context, s Sealed, previous string) error
	// GetSealed returns one record, or an error that is ErrNotFound.
	GetSealed(ctx context.Context, id string) (Sealed, error)
	// ListSealed returns all records, ordered by the bytes of their ids.
	ListSealed(ctx context.Context) ([]Sealed, error)
	// DeleteSealed removes the record of that id and revision. It returns an error
	// that is ErrNotFound if there is none of that id, and one that is ErrConflict
	// if its revision is another.
	DeleteSealed(ctx context.Context, id, revision string) error
}

// A Sealed is a credential as a [Keeper] keeps it.
type Sealed struct {
	ID string // at most 128 ASCII letters, digits and "._-"
	// Revision differs each time the record is written. The vault makes it, at most
	// 64 bytes of ASCII; a Keeper compares it and reads nothing in it.
	Revision string
	// Data is the record: a JSON document that says in clear what an Entry says, and
	// holds the secret sealed. A Keeper keeps it byte for byte; it has at most
	// 1 MiB.
	Data []byte
}

// The errors of a Keeper.
var (
	// ErrNotFound says that there is no credential of that id.
	ErrNotFound = errors.New("there is no such credential")
	// ErrConflict says that somebody else has changed the credential in the
	// meantime; nothing was written. Read it again.
	ErrConflict = errors.New("the credential was changed by somebody else in the meantime")
)

// A MemoryKeeper keeps sealed records in memory: for tests, and for hosts that
// need them no longer than they run. The zero value is ready to use.
type MemoryKeeper struct {
	mu      sync.Mutex
	records map[string]Sealed
}

var _ Keeper = (*MemoryKeeper)(nil)

// PutSealed keeps a record.
func (k *MemoryKeeper) PutSealed(_ context.Context, s Sealed, previous string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.records[s.ID].Revision != previous {
		return fmt.Errorf("keep %q: %w", s.ID, ErrConflict)
	}
	if k.records == nil {
		k.records = map[string]Sealed{}
	}
	s.Data = slices.Clone(s.Data)
	k.records[s.ID] = s
	return nil
}

// GetSealed returns a record, or ErrNotFound.
func (k *MemoryKeeper) GetSealed(_ context.Context, id string) (Sealed, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.records[id]
	if !ok {
		return Sealed{}, fmt.Errorf("get %q: %w", id, ErrNotFound)
	}
	s.Data = slices.Clone(s.Data)
	return s, nil
}

// ListSealed returns all records, ordered by id.
func (k *MemoryKeeper) ListSealed(context.Context) ([]Sealed, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := slices.SortedFunc(maps.Values(k.records), func(a, b Sealed) int { return strings.Compare(a.ID, b.ID) })
	for i := range all {
		all[i].Data = slices.Clone(all[i].Data)
	}
	return all, nil
}

// DeleteSealed removes a record of that revision.
func (k *MemoryKeeper) DeleteSealed(_ context.Context, id, revision string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.records[id]
	switch {
	case !ok:
		return fmt.Errorf("delete %q: %w", id, ErrNotFound)
	case s.Revision != revision:
		return fmt.Errorf("delete %q: %w", id, ErrConflict)
	}
	delete(k.records, id)
	return nil
}
