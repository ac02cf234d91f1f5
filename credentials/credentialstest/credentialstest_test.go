package credentialstest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/credentials/credentialstest"
)

// A faulty keeper breaks one promise; what it leaves nil it keeps.
type faulty struct {
	*credentials.MemoryKeeper
	put  func(k *credentials.MemoryKeeper, s credentials.Sealed, previous string) error
	get  func(k *credentials.MemoryKeeper, id string) (credentials.Sealed, error)
	list func(k *credentials.MemoryKeeper) ([]credentials.Sealed, error)
	del  func(k *credentials.MemoryKeeper, id, revision string) error
}

func (f faulty) PutSealed(ctx context.Context, s credentials.Sealed, previous string) error {
	if f.put == nil {
		return f.MemoryKeeper.PutSealed(ctx, s, previous)
	}
	return f.put(f.MemoryKeeper, s, previous)
}

func (f faulty) GetSealed(ctx context.Context, id string) (credentials.Sealed, error) {
	if f.get == nil {
		return f.MemoryKeeper.GetSealed(ctx, id)
	}
	return f.get(f.MemoryKeeper, id)
}

func (f faulty) ListSealed(ctx context.Context) ([]credentials.Sealed, error) {
	if f.list == nil {
		return f.MemoryKeeper.ListSealed(ctx)
	}
	return f.list(f.MemoryKeeper)
}

func (f faulty) DeleteSealed(ctx context.Context, id, revision string) error {
	if f.del == nil {
		return f.MemoryKeeper.DeleteSealed(ctx, id, revision)
	}
	return f.del(f.MemoryKeeper, id, revision)
}

func TestTheMemoryKeeperKeepsEveryRule(t *testing.T) {
	t.Parallel()
	require.NoError(t, credentialstest.Check(t.Context(), func() (credentials.Keeper, error) { return &credentials.MemoryKeeper{}, nil }))
}

func TestABrokenKeeperIsCaughtByTheNameOfItsRule(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	tests := map[string]struct {
		keeper faulty
		rule   string
	}{
		"it finds what is not there": {
			faulty{get: func(k *credentials.MemoryKeeper, id string) (credentials.Sealed, error) {
				s, err := k.GetSealed(ctx, id)
				if err != nil {
					return credentials.Sealed{ID: id}, nil
				}
				return s, nil
			}},
			"an empty keeper has nothing",
		},
		"it takes the bytes for text": {
			faulty{put: func(k *credentials.MemoryKeeper, s credentials.Sealed, previous string) error {
				s.Data = []byte(strings.ToValidUTF8(string(s.Data), "?"))
				return k.PutSealed(ctx, s, previous)
			}},
			"a record comes back byte for byte",
		},
		"it shares its bytes": {
			sharing(),
			"what a caller does to its bytes later changes nothing",
		},
		"it overwrites as new": {
			faulty{put: func(k *credentials.MemoryKeeper, s credentials.Sealed, previous string) error {
				if old, err := k.GetSealed(ctx, s.ID); err == nil && previous == "" {
					previous = old.Revision
				}
				return k.PutSealed(ctx, s, previous)
			}},
			"an empty previous revision makes a record and replaces none",
		},
		"it overwrites at any revision": {
			faulty{put: func(k *credentials.MemoryKeeper, s credentials.Sealed, previous string) error {
				if old, err := k.GetSealed(ctx, s.ID); err == nil && previous != "" {
					previous = old.Revision
				}
				return k.PutSealed(ctx, s, previous)
			}},
			"a record is replaced at its revision alone",
		},
		"it deletes at any revision": {
			faulty{del: func(k *credentials.MemoryKeeper, id, _ string) error {
				s, err := k.GetSealed(ctx, id)
				if err != nil {
					return err
				}
				return k.DeleteSealed(ctx, id, s.Revision)
			}},
			"a record is deleted at its revision alone",
		},
		"it lists without regard to case": {
			faulty{list: func(k *credentials.MemoryKeeper) ([]credentials.Sealed, error) {
				all, err := k.ListSealed(ctx)
				slices.SortFunc(all, func(a, b credentials.Sealed) int {
					return strings.Compare(strings.ToLower(a.ID), strings.ToLower(b.ID))
				})
				return all, err
			}},
			"records are listed by the bytes of their ids",
		},
		"it compares first and writes later": {
			faulty{put: comparesFirst(8)},
			"of several that write at once one wins",
		},
		"a conflict has an error of its own": {
			faulty{put: func(k *credentials.MemoryKeeper, s credentials.Sealed, previous string) error {
				if k.PutSealed(ctx, s, previous) != nil {
					return errors.New("duplicate key")
				}
				return nil
			}},
			"an empty previous revision makes a record and replaces none",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := credentialstest.Check(t.Context(), func() (credentials.Keeper, error) {
				test.keeper.MemoryKeeper = &credentials.MemoryKeeper{}
				return test.keeper, nil
			})
			require.ErrorContains(t, err, test.rule+": ")
		})
	}
}

// sharing returns a keeper that gives out the very bytes it was given.
func sharing() faulty {
	type place struct {
		keeper *credentials.MemoryKeeper
		id     string
	}
	var held sync.Map // of []byte
	return faulty{
		put: func(k *credentials.MemoryKeeper, s credentials.Sealed, previous string) error {
			err := k.PutSealed(context.Background(), s, previous)
			if err == nil {
				held.Store(place{k, s.ID}, s.Data)
			}
			return err
		},
		get: func(k *credentials.MemoryKeeper, id string) (credentials.Sealed, error) {
			s, err := k.GetSealed(context.Background(), id)
			if data, ok := held.Load(place{k, id}); ok {
				s.Data, _ = data.([]byte)
			}
			return s, err
		},
	}
}

// comparesFirst returns a put that lets writers compare revisions together
// before any of them writes, where they replace the revision "r".
func comparesFirst(writers int) func(*credentials.MemoryKeeper, credentials.Sealed, string) error {
	var together sync.WaitGroup
	together.Add(writers)
	return func(k *credentials.MemoryKeeper, s credentials.Sealed, previous string) error {
		ctx := context.Background()
		if previous != "r" {
			return k.PutSealed(ctx, s, previous)
		}
		together.Done()
		together.Wait()
		for { // all have compared: each writes over whatever there is
			old, err := k.GetSealed(ctx, s.ID)
			if err != nil {
				return err
			}
			if err := k.PutSealed(ctx, s, old.Revision); err == nil {
				return nil
			}
		}
	}
}

func TestCheckNamesWhatCannotBeOpened(t *testing.T) {
	t.Parallel()
	err := credentialstest.Check(t.Context(), func() (credentials.Keeper, error) { return nil, errors.New("the disk is full") })
	for _, rule := range credentialstest.Rules() {
		require.ErrorContains(t, err, rule+": the disk is full")
	}
}
