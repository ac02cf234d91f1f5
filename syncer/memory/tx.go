package memory

// A tx remembers how to undo what has been written since it began, so that a
// unit, or a whole batch, can be taken back. Where a host has a database, this
// is the database's transaction with its savepoints.
type tx struct {
	undo []func()
}

// mark returns a point to roll back to.
func (t *tx) mark() int { return len(t.undo) }

// rollback undoes what was written since the mark, the latest first.
func (t *tx) rollback(mark int) {
	for i := len(t.undo) - 1; i >= mark; i-- {
		t.undo[i]()
	}
	t.undo = t.undo[:mark]
}

// set writes an entry of a map. All that the store holds is in maps whose values
// are replaced, never changed in place, so this and unset are the only writes.
func set[K comparable, V any](t *tx, m map[K]V, k K, v V) {
	remember(t, m, k)
	m[k] = v
}

// unset removes an entry of a map.
func unset[K comparable, V any](t *tx, m map[K]V, k K) {
	remember(t, m, k)
	delete(m, k)
}

func remember[K comparable, V any](t *tx, m map[K]V, k K) {
	old, had := m[k]
	t.undo = append(t.undo, func() {
		if had {
			m[k] = old
		} else {
			delete(m, k)
		}
	})
}
