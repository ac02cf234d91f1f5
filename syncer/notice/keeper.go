package notice

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"
)

// Troubles keeps which troubles are open, for as long as the store that is
// watched: over restarts, and shared by all servers that watch it. A store
// implements it with one table of a key and bytes, and needs nothing of this
// package for that; package noticetest checks an implementation.
//
// A key is at most 512 bytes of UTF-8. The bytes are a JSON document, at most
// 64 KiB, which a store keeps byte for byte. The methods are safe for concurrent
// use, in several processes if the store is shared by several.
type Troubles interface {
	// SwapTrouble replaces what is kept under key, if that is old, by next,
	// in one step, and reports whether it did. A nil old stands for nothing being
	// kept, a nil next removes; they are never both nil, and neither is ever empty
	// and not nil. What it has replaced is on disk when it returns. An error means that it may or may not
	// have happened.
	SwapTrouble(ctx context.Context, key string, old, next []byte) (bool, error)
	// Troubles returns all that is kept, by key. The map is the caller's.
	Troubles(ctx context.Context) (map[string][]byte, error)
}

// Memory keeps troubles in memory: for tests, and for hosts that do not mind to
// tell of them again after a restart. The zero value is ready; it is safe for
// concurrent use and is not copied.
type Memory struct {
	mu   sync.Mutex
	kept map[string][]byte
}

var _ Troubles = (*Memory)(nil)

// SwapTrouble replaces what is kept under key, see [Troubles].
func (m *Memory) SwapTrouble(_ context.Context, key string, old, next []byte) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was, found := m.kept[key]
	if found != (old != nil) || !bytes.Equal(was, old) {
		return false, nil
	}
	if next == nil {
		delete(m.kept, key)
		return true, nil
	}
	if m.kept == nil {
		m.kept = map[string][]byte{}
	}
	m.kept[key] = slices.Clone(next)
	return true, nil
}

// Troubles returns all that is kept.
func (m *Memory) Troubles(context.Context) (map[string][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make(map[string][]byte, len(m.kept))
	for key, data := range maps.All(m.kept) {
		all[key] = slices.Clone(data)
	}
	return all, nil
}
