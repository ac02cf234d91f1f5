package memory

import (
	"bytes"
	"context"
)

// SwapTrouble replaces what is kept under key, if that is old, by what is new, in
// one step, and reports whether it did. A nil old stands for nothing being kept, a
// nil new removes. With [Store.Troubles] it is what a notice.Watcher remembers by.
func (s *Store) SwapTrouble(ctx context.Context, key string, old, new []byte) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s.troubling.Lock()
	defer s.troubling.Unlock()
	have, kept := s.troubles[key]
	if kept != (old != nil) || !bytes.Equal(have, old) {
		return false, nil
	}
	if new == nil {
		delete(s.troubles, key)
		return true, nil
	}
	if s.troubles == nil {
		s.troubles = map[string][]byte{}
	}
	s.troubles[key] = bytes.Clone(new)
	return true, nil
}

// Troubles returns all troubles that are remembered, by key. The map is the
// caller's.
func (s *Store) Troubles(ctx context.Context) (map[string][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.troubling.Lock()
	defer s.troubling.Unlock()
	all := make(map[string][]byte, len(s.troubles))
	for key, document := range s.troubles {
		all[key] = bytes.Clone(document)
	}
	return all, nil
}
