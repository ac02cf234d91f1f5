package spill

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
)

// A Key is a 128-bit hash of whatever is being remembered.
type Key [16]byte

func compare(a, b Key) int { return bytes.Compare(a[:], b[:]) }

// Options say how much a Map keeps in memory, and where the rest goes.
type Options struct {
	// MaxInMemory is how many entries are kept in memory before they are written
	// to a file. 0 means 1<<20, which takes some 30 to 60 MB. Values longer than
	// 64 bytes on average count for more.
	MaxInMemory int
	// Dir is the folder of the temporary files. Empty means [os.TempDir].
	Dir string
}

const (
	defaultInMemory = 1 << 20
	valueBytes      = 64 // in memory for each entry, before it counts for more
	// fanIn is how many runs of a level are merged into one of the next, so that
	// n entries lie in at most fanIn-1 runs for each power of fanIn that n is
	// of MaxInMemory.
	fanIn = 8
)

// A Map goes from keys to small byte strings. It is not safe for concurrent use.
type Map struct {
	dir      string
	maxKeys  int
	maxBytes int
	// fresh holds the newest entries, by where in arena the value lies; the empty
	// value lies at 0.
	fresh  map[Key]uint32
	arena  []byte
	runs   []*run // oldest first
	length int
	block  []byte // room to read a run's block into
	closed bool
}

// New returns an empty Map. It touches no file before it has to spill.
func New(o Options) *Map {
	if o.MaxInMemory <= 0 {
		o.MaxInMemory = defaultInMemory
	}
	return &Map{
		dir:      o.Dir,
		maxKeys:  o.MaxInMemory,
		maxBytes: min(max(o.MaxInMemory, 1024), math.MaxInt32/valueBytes) * valueBytes,
		fresh:    map[Key]uint32{},
		arena:    make([]byte, 1),
	}
}

// Put sets a key's value, which may be empty and replaces the one it had. If it
// returns an error, such as that of a full disk, the Map holds what it held
// before and can be used on.
func (m *Map) Put(k Key, value []byte) error {
	if m.closed {
		return errClosed
	}
	known, err := m.Has(k)
	if err != nil {
		return err
	}
	if err := m.makeRoom(); err != nil {
		return err
	}
	m.fresh[k] = m.keep(value)
	if !known {
		m.length++
	}
	return nil
}

// keep puts a value into the arena and returns its place.
func (m *Map) keep(value []byte) uint32 {
	if len(value) == 0 {
		return 0
	}
	at := uint32(len(m.arena)) //nolint:gosec // makeRoom keeps the arena below 2 GiB
	m.arena = appendValue(m.arena, value)
	return at
}

// kept returns the value at a place in the arena.
func (m *Map) kept(at uint32) []byte {
	if at == 0 {
		return nil
	}
	value, _, err := decodeValue(m.arena[at:])
	if err != nil {
		return nil // keep wrote it whole
	}
	return value
}

// Get returns the value of a key, and whether it has been put. The value is the
// caller's own.
func (m *Map) Get(k Key) (value []byte, ok bool, err error) {
	value, ok, err = m.find(k)
	return bytes.Clone(value), ok, err
}

// Has reports whether a key has been put.
func (m *Map) Has(k Key) (bool, error) {
	_, ok, err := m.find(k)
	return ok, err
}

// find returns a value that is good until the next call.
func (m *Map) find(k Key) (value []byte, ok bool, err error) {
	if m.closed {
		return nil, false, errClosed
	}
	if at, ok := m.fresh[k]; ok {
		return m.kept(at), true, nil
	}
	for _, r := range slices.Backward(m.runs) {
		value, ok, m.block, err = r.get(k, m.block)
		if ok || err != nil {
			return value, ok, err
		}
	}
	return nil, false, nil
}

// Len returns how many different keys have been put.
func (m *Map) Len() int { return m.length }

// makeRoom writes the entries in memory to a file if there are too many, and
// merges files that have become too many.
func (m *Map) makeRoom() error {
	if len(m.fresh) < m.maxKeys && len(m.arena) < m.maxBytes {
		return nil
	}
	r, err := m.spill()
	if err != nil {
		return err
	}
	m.runs = append(m.runs, r)
	clear(m.fresh)
	m.arena = m.arena[:1]
	return m.compact()
}

func (m *Map) spill() (*run, error) {
	keys := make([]Key, 0, len(m.fresh))
	for k := range m.fresh {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compare)
	w, err := newRunWriter(m.dir, len(keys), 0)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if err := w.add(k, m.kept(m.fresh[k])); err != nil {
			return w.finish(err)
		}
	}
	return w.finish(nil)
}

// compact merges the newest runs as long as fanIn of them have the same level.
func (m *Map) compact() error {
	for {
		first := len(m.runs)
		for first > 0 && m.runs[first-1].level == m.runs[len(m.runs)-1].level {
			first--
		}
		old := m.runs[first:]
		if len(old) < fanIn {
			return nil
		}
		merged, err := merge(m.dir, old)
		if err != nil {
			return err
		}
		m.runs = append(slices.Clone(m.runs[:first]), merged)
		if err := removeAll(old); err != nil {
			return err
		}
	}
}

func removeAll(runs []*run) error {
	var errs []error
	for _, r := range runs {
		if err := r.file.remove(); err != nil {
			errs = append(errs, fmt.Errorf("remove spilled keys: %w", err))
		}
	}
	return errors.Join(errs...)
}

var errClosed = fmt.Errorf("spilled keys: %w", os.ErrClosed)

// Close frees the memory and removes the files. Further calls do nothing; all
// other methods but Len return an error that is [os.ErrClosed].
func (m *Map) Close() error {
	runs := m.runs
	m.runs, m.fresh, m.arena, m.block, m.closed = nil, nil, nil, nil, true
	return removeAll(runs)
}
