package memory

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// A table holds the records of one object with what they are found by.
type table struct {
	records  map[string]*record // by id
	keys     map[syncer.Key]string
	children map[parent]map[string]struct{} // ids of the records that point to a parent
	waiting  map[int]map[string]struct{}    // ids of the records whose reference waits, by field
	links    map[string]*links              // by integration
	merged   map[string]merge               // the merges that stand, by the record that is a part of another
}

func newTable() *table {
	return &table{
		records:  map[string]*record{},
		keys:     map[syncer.Key]string{},
		children: map[parent]map[string]struct{}{},
		waiting:  map[int]map[string]struct{}{},
		links:    map[string]*links{},
		merged:   map[string]merge{},
	}
}

// A record is replaced when it changes, never written to.
type record struct {
	revision int64
	values   []mapping.Value // by field; shorter if fields were added since
	created  time.Time
	updated  time.Time
	archived time.Time
	// gaveUp are keys of the values that another record holds: the one that this
	// one is merged into.
	gaveUp []syncer.Key
	// keeps are keys that the record which this one is merged into had before it took
	// values.
	keeps []syncer.Key
}

// A parent is a record that others point to by a link field.
type parent struct {
	field int // the link field of the child
	id    string
}

// A recordRef names a record of any object.
type recordRef struct{ object, id string }

// value returns one field's value.
func (r *record) value(field int) mapping.Value {
	if field < len(r.values) {
		return r.values[field]
	}
	return mapping.Value{}
}

// padded returns a copy of the values, one for each field of the object.
func (r *record) padded(o *mapping.Object) []mapping.Value {
	values := make([]mapping.Value, len(o.Fields))
	copy(values, r.values)
	return values
}

// keysOf returns the normal forms of the keys that a record holds. An empty one
// is no key.
func keysOf(o *mapping.Object, r *record) []syncer.Key {
	keys := slices.Clone(r.keeps)
	for i := range o.Fields {
		if o.Fields[i].Unique {
			keys = append(keys, keyOf(o, r, o.Fields[i].Name))
		}
	}
	if len(o.Key) > 0 {
		keys = append(keys, keyOf(o, r, o.Key...))
	}
	return slices.DeleteFunc(keys, func(k syncer.Key) bool { return k.Text == "" || slices.Contains(r.gaveUp, k) })
}

// keyOf returns the key that a record's values make.
func keyOf(o *mapping.Object, r *record, fields ...string) syncer.Key {
	return syncer.Key{Field: strings.Join(fields, ","), Text: syncer.KeyOf(o, fields, r.value)}
}

// parentsOf returns what a record points to by its link fields.
func parentsOf(o *mapping.Object, r *record) []parent {
	var parents []parent
	for i := range o.Fields {
		if v := r.value(i); o.Fields[i].Link && v.Kind == mapping.KindText {
			parents = append(parents, parent{field: i, id: v.Text})
		}
	}
	return parents
}

// waitingOf returns the references of a record that wait: they have a text, and
// the link beside them is empty.
func waitingOf(o *mapping.Object, r *record) []int {
	var fields []int
	for i := range o.Fields {
		if link := o.Resolved(i); link >= 0 && r.value(link).IsEmpty() && o.Fields[i].Normalize(r.value(i)) != "" {
			fields = append(fields, i)
		}
	}
	return fields
}

// final returns the record that a record is a part of: itself, unless it is
// merged.
func (t *table) final(id string) string {
	for {
		m, merged := t.merged[id]
		if !merged {
			return id
		}
		id = m.into
	}
}

// replace puts a record in the place of the one with that id; nil for either is
// none. It returns syncer.ErrConflict if another record holds one of its keys;
// one that is merged into it gives the key up.
func (t *table) replace(tx *tx, o *mapping.Object, id string, next *record) error {
	if old, ok := t.records[id]; ok {
		for _, k := range keysOf(o, old) {
			unset(tx, t.keys, k)
		}
		for _, p := range parentsOf(o, old) {
			unset(tx, t.children[p], id)
		}
		for _, field := range waitingOf(o, old) {
			unset(tx, t.waiting[field], id)
		}
		unset(tx, t.records, id)
	}
	if next == nil {
		return nil
	}
	for _, k := range keysOf(o, next) {
		if holder, taken := t.keys[k]; taken {
			if t.final(holder) != id {
				return syncer.ErrConflict
			}
			t.giveUp(tx, holder, k)
		}
		set(tx, t.keys, k, id)
	}
	for _, p := range parentsOf(o, next) {
		if t.children[p] == nil {
			t.children[p] = map[string]struct{}{}
		}
		set(tx, t.children[p], id, struct{}{})
	}
	for _, field := range waitingOf(o, next) {
		if t.waiting[field] == nil {
			t.waiting[field] = map[string]struct{}{}
		}
		set(tx, t.waiting[field], id, struct{}{})
	}
	set(tx, t.records, id, next)
	return nil
}

// giveUp takes a key from a record, whose value stays as it is.
func (t *table) giveUp(tx *tx, id string, k syncer.Key) {
	r := *t.records[id]
	r.gaveUp = append(slices.Clip(r.gaveUp), k)
	set(tx, t.records, id, &r)
	unset(tx, t.keys, k)
}

// sorted returns ids in the order of their creation.
func sorted[V any](ids map[string]V) []string {
	out := make([]string, 0, len(ids))
	for id := range ids {
		out = append(out, id)
	}
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
	return out
}
