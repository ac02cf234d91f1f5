package noticetest_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/syncer/notice"
	"github.com/vendorsync/vendorsync/syncer/notice/noticetest"
)

// A broken store breaks one promise by its swap or its all.
type broken struct {
	mu   sync.Mutex
	kept map[string][]byte
	swap func(b *broken, key string, old, next []byte) bool
	all  func(b *broken) map[string][]byte
}

func (b *broken) SwapTrouble(_ context.Context, key string, old, next []byte) (bool, error) {
	if b.swap != nil {
		return b.swap(b, key, old, next), nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.put(key, old, bytes.Clone(next)), nil
}

// put swaps as a store should, but for the copy.
func (b *broken) put(key string, old, next []byte) bool {
	was, found := b.kept[key]
	if found != (old != nil) || !bytes.Equal(was, old) {
		return false
	}
	if delete(b.kept, key); next != nil {
		b.kept[key] = next
	}
	return true
}

func (b *broken) Troubles(context.Context) (map[string][]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all != nil {
		return b.all(b), nil
	}
	all := map[string][]byte{}
	for key, data := range b.kept {
		all[key] = bytes.Clone(data)
	}
	return all, nil
}

func TestMemoryKeepsEveryRule(t *testing.T) {
	t.Parallel()
	require.NoError(t, noticetest.Check(t.Context(), func() (notice.Troubles, error) { return &notice.Memory{}, nil }))
}

func TestTheStoreThatTheBrokenOnesAreMadeOfKeepsEveryRule(t *testing.T) {
	t.Parallel()
	require.NoError(t, noticetest.Check(t.Context(), func() (notice.Troubles, error) { return &broken{kept: map[string][]byte{}}, nil }))
}

func TestABrokenStoreIsCaughtByTheNameOfItsRule(t *testing.T) {
	t.Parallel()
	locked := func(swap func(b *broken, key string, old, next []byte) bool) func(*broken, string, []byte, []byte) bool {
		return func(b *broken, key string, old, next []byte) bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			return swap(b, key, old, bytes.Clone(next))
		}
	}
	tests := map[string]*broken{
		"an empty store has nothing": {all: func(b *broken) map[string][]byte {
			if len(b.kept) == 0 {
				return map[string][]byte{"a": nil}
			}
			return b.kept
		}},
		"what is kept comes back byte for byte": {swap: locked(func(b *broken, key string, old, next []byte) bool {
			return b.put(key, old, next[:min(len(next), 1000)])
		})},
		"what a caller does to its bytes later changes nothing": {swap: func(b *broken, key string, old, next []byte) bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.put(key, old, next)
		}},
		"without an old one a trouble is made and none replaced": {swap: locked(func(b *broken, key string, old, next []byte) bool {
			if old == nil {
				old = b.kept[key]
			}
			return b.put(key, old, next)
		})},
		"a trouble is replaced if the old one is there, and only then": {swap: locked(func(b *broken, key string, old, next []byte) bool {
			if was := b.kept[key]; was != nil && bytes.EqualFold(was, old) {
				old = was
			}
			return b.put(key, old, next)
		})},
		"a trouble is removed if the old one is there, and only then": {swap: locked(func(b *broken, key string, old, next []byte) bool {
			if next == nil {
				old = b.kept[key]
			}
			return b.put(key, old, next)
		})},
		"keys are told apart byte by byte": {swap: locked(func(b *broken, key string, old, next []byte) bool {
			return b.put(strings.ToLower(key), old, next)
		})},
		"of several that swap at once one wins": {swap: locked(func(b *broken, key string, old, next []byte) bool {
			return b.put(key, old, next) || bytes.Contains(next, []byte("round 3"))
		})},
	}
	for rule, store := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, noticetest.Rules(), rule)
			err := noticetest.Check(t.Context(), func() (notice.Troubles, error) {
				return &broken{kept: map[string][]byte{}, swap: store.swap, all: store.all}, nil
			})
			require.ErrorContains(t, err, rule+": ")
		})
	}
	require.Len(t, tests, len(noticetest.Rules()), "each rule has a store that breaks it")
}

func TestAStoreThatCannotBeOpenedOrReadIsReported(t *testing.T) {
	t.Parallel()
	gone := errors.New("the disk is gone")
	require.ErrorIs(t, noticetest.Check(t.Context(), func() (notice.Troubles, error) { return nil, gone }), gone)
	require.ErrorIs(t, noticetest.Check(t.Context(), func() (notice.Troubles, error) { return failing{gone}, nil }), gone)
}

type failing struct{ err error }

func (f failing) SwapTrouble(context.Context, string, []byte, []byte) (bool, error) {
	return false, f.err
}
func (f failing) Troubles(context.Context) (map[string][]byte, error) { return nil, f.err }
