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
	links    map[string]*links              // by integration
}

func newTable() *table {
	return &table{
		records:  map[string]*record{},
		keys:     map[syncer.Key]string{},
		children: map[parent]map[string]struct{}{},
		links:    map[string]*links{},
	}
}

// A record is replaced when it changes, never written to.
type record struct {
	revision int64
	values   []mapping.Value // by field; shorter if fields were added since
	created  time.Time
	updated  time.Time
	archived time.Time
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

// keysOf returns the normal forms of a record's keys. An empty one is no key.
func keysOf(o *mapping.Object, r *record) []syncer.Key {
	var keys []syncer.Key
	add := func(fields ...string) {
		if text := syncer.KeyOf(o, fields, r.value); text != "" {
			keys = append(keys, syncer.Key{Field: strings.Join(fields, ","), Text: text})
		}
	}
	for i := range o.Fields {
		if o.Fields[i].Unique {
			add(o.Fields[i].Name)
		}
	}
	if len(o.Key) > 0 {
		add(o.Key...)
	}
	return keys
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

// replace puts a record in the place of the one with that id; nil for either is
// none. It returns syncer.ErrConflict if another record holds one of its keys.
func (t *table) replace(tx *tx, o *mapping.Object, id string, next *record) error {
	if old, ok := t.records[id]; ok {
		for _, k := range keysOf(o, old) {
			unset(tx, t.keys, k)
		}
		for _, p := range parentsOf(o, old) {
			unset(tx, t.children[p], id)
		}
		unset(tx, t.records, id)
	}
	if next == nil {
		return nil
	}
	for _, k := range keysOf(o, next) {
		if _, taken := t.keys[k]; taken {
			return syncer.ErrConflict
		}
		set(tx, t.keys, k, id)
	}
	for _, p := range parentsOf(o, next) {
		if t.children[p] == nil {
			t.children[p] = map[string]struct{}{}
		}
		set(tx, t.children[p], id, struct{}{})
	}
	set(tx, t.records, id, next)
	return nil
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
