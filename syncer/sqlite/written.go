package sqlite

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"iter"
	"strings"

	"github.com/vendorsync/vendorsync/syncer"
)

// Written is what the writing connection remembers from batch to batch. All of it
// can be found out again, and is, after a transaction was undone.
type written struct {
	model      *model               // that the statements are made for
	insertions map[string]string    // statements by shape, with the number of the columns
	updates    map[string]string    // statements by shape
	hidden     map[hiddenField]bool // known to be in ledger_hidden
	vendors    map[int64]vendorSets // by integration
}

// A shape is what changes have in common that one statement serves: what is done
// to which object, and the columns that are written, with flags.
type shape []byte

const (
	shapeKeyed  byte = 1 << iota // the second column is written, too
	shapeHidden                  // the field is sensitive
)

// newShape returns the shape of a change without columns, in the memory of an old
// one.
func newShape(memory []byte, does byte, l *layout) shape {
	return binary.AppendVarint(append(memory[:0], does), l.number)
}

// with adds a column.
func (s shape) with(field int, flags byte) shape {
	return append(binary.AppendVarint(s, int64(field)), flags)
}

// columns yields the columns with their flags.
func (s shape) columns() iter.Seq2[int, byte] {
	return func(yield func(int, byte) bool) {
		_, n := binary.Varint(s[1:])
		for rest := s[1+n:]; len(rest) > 0; {
			field, n := binary.Varint(rest)
			if !yield(int(field), rest[n]) {
				return
			}
			rest = rest[n+1:]
		}
	}
}

// maxShapes bounds how many shapes are remembered.
const maxShapes = 4096

type hiddenField struct {
	object int64
	field  int
}

func newWritten() written {
	return written{insertions: map[string]string{}, updates: map[string]string{}, hidden: map[hiddenField]bool{}, vendors: map[int64]vendorSets{}}
}

// serve drops the statements that were made for another model.
func (w *written) serve(m *model) {
	if w.model != m {
		clear(w.insertions)
		clear(w.updates)
		w.model = m
	}
}

// forget drops what an undone transaction may have written.
func (w *written) forget() {
	clear(w.insertions)
	clear(w.hidden)
	clear(w.vendors)
}

// inserting returns the statement that inserts records of a shape.
func (a *apply) inserting(ctx context.Context, l *layout, shape shape) (string, error) {
	if known, ok := a.written.insertions[string(shape)]; ok {
		return known, nil
	}
	names := []string{`"id"`, `"created_at"`, colBatch}
	fields, hidden := []string{}, []string{}
	for i, flags := range shape.columns() {
		name := l.object.Fields[i].Name
		names = append(names, l.columns[i].name)
		fields = append(fields, name)
		if flags&shapeKeyed != 0 {
			names = append(names, l.columns[i].keyed)
		}
		if flags&shapeHidden != 0 {
			hidden = append(hidden, name)
			if err := a.hide(ctx, l, i); err != nil {
				return "", err
			}
		}
	}
	fieldsJSON, err := json.Marshal(fields)
	if err != nil {
		return "", err
	}
	hiddenJSON, err := json.Marshal(hidden)
	if err != nil {
		return "", err
	}
	number, err := columnsNumber(ctx, a.conn, l.number, string(fieldsJSON), string(hiddenJSON))
	if err != nil {
		return "", err
	}
	sql := fmt.Sprintf("INSERT INTO %s (%s, %s, %s) VALUES (%s, %d, 0)", l.table, strings.Join(names, ", "), colColumns, colRekey, marks(len(names)), number)
	if len(a.written.insertions) >= maxShapes {
		clear(a.written.insertions)
	}
	a.written.insertions[string(shape)] = sql
	return sql, nil
}

// marks returns n question marks with commas between them.
func marks(n int) string { return strings.Repeat("?, ", n-1) + "?" }

// updating returns the statement for changes of a shape.
func (a *apply) updating(l *layout, op syncer.Op, shape shape) string {
	if known, ok := a.written.updates[string(shape)]; ok {
		return known
	}
	sets := []string{colRevision + " = " + colRevision + " + 1", `"updated_at" = ?`}
	switch op {
	case syncer.Archive:
		sets = append(sets, colArchived+" = ?")
	case syncer.Restore:
		sets = append(sets, colArchived+" = NULL")
	case syncer.Create, syncer.Ensure, syncer.Update, syncer.Delete, syncer.Merged, syncer.Split:
	}
	for i := range shape.columns() {
		c := &l.columns[i]
		sets = append(sets, c.name+" = ?")
		if c.keyed != "" {
			sets = append(sets, c.keyed+" = ?")
		}
	}
	sql := fmt.Sprintf("UPDATE %s SET %s WHERE \"id\" = ? AND %s = ?", l.table, strings.Join(sets, ", "), colRevision)
	if len(a.written.updates) >= maxShapes {
		clear(a.written.updates)
	}
	a.written.updates[string(shape)] = sql
	return sql
}

// hide remembers that a field is sensitive, so that edits by hand are masked, too.
func (a *apply) hide(ctx context.Context, l *layout, field int) error {
	h := hiddenField{l.number, field}
	if a.written.hidden[h] {
		return nil
	}
	_, err := a.exec(ctx, "INSERT INTO ledger_hidden (object, field) VALUES (?, ?) ON CONFLICT DO NOTHING", l.number, l.object.Fields[field].Name)
	if err == nil {
		a.written.hidden[h] = true
	}
	return err
}

// vendorSets are the vendor ids that an integration has links for, by object,
// as long as it holds the lease of that fence.
type vendorSets struct {
	fence   int64
	objects map[int64]*vendorSet
}

// A vendorSet holds hashes of the vendor ids that links, live and superseded,
// exist for, and of some that had one. With it, a link for a new vendor id is known
// to be new without an index on vendor ids, which costs most where they are random.
type vendorSet struct {
	seed  maphash.Seed
	slots []uint64 // open addressing; 0 is free
	used  int
}

func newVendorSet() *vendorSet {
	return &vendorSet{seed: maphash.MakeSeed(), slots: make([]uint64, 1024)}
}

// defaultMaxVendors is how many vendor ids are remembered of an integration's
// object, at most 32 bytes each; with more, the index answers.
const defaultMaxVendors = 2_000_000

// add puts a vendor id into the set and reports whether it was not there.
func (v *vendorSet) add(vendorID string) bool {
	if 2*v.used >= len(v.slots) {
		v.grow()
	}
	return v.put(max(maphash.String(v.seed, vendorID), 1))
}

func (v *vendorSet) put(hash uint64) bool {
	at := v.slot(hash)
	if v.slots[at] == hash {
		return false
	}
	v.slots[at] = hash
	v.used++
	return true
}

// slot returns where a hash stands, or would stand.
func (v *vendorSet) slot(hash uint64) int {
	mask := len(v.slots) - 1
	at := int(hash>>1) & mask
	for v.slots[at] != 0 && v.slots[at] != hash {
		at = (at + 1) & mask
	}
	return at
}

func (v *vendorSet) grow() {
	old := v.slots
	v.slots, v.used = make([]uint64, 2*len(old)), 0
	for _, hash := range old {
		if hash != 0 {
			v.put(hash)
		}
	}
}

// vendorSets returns the sets of an integration: empty ones, if another process
// may have written links since they were filled.
func (w *written) vendorSets(integration, fence int64) map[int64]*vendorSet {
	sets := w.vendors[integration]
	if sets.fence != fence || sets.objects == nil {
		sets = vendorSets{fence: fence, objects: map[int64]*vendorSet{}}
		w.vendors[integration] = sets
	}
	return sets.objects
}

// release forgets what was remembered for the holder of a lease.
func (w *written) release(integration int64) { delete(w.vendors, integration) }
