package syncer

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/vendorsync/vendorsync/mapping"
)

// A sharedParent is a record that many records refer to, such as a software
// title: made once, its empty fields filled, never overwritten by a child.
type sharedParent struct {
	id     string        // empty while the batch that makes it is not committed
	label  string        // for a person
	batch  *pendingBatch // that makes it
	change int           // its number in batch
	filled uint64        // which columns of the target have a value
	failed bool          // the batch could not make it
}

// maxShared bounds how many shared parents a run keeps at hand.
const maxShared = 100_000

// parentKey returns the normal form of a shared row's key, and the fields it is
// made of.
func (t *target) parentKey(row mapping.Row) (fields []string, text string) {
	fields = t.object.Key
	if len(fields) == 0 {
		for _, c := range t.columns {
			if c.field.Unique {
				fields = []string{c.Field}
				break
			}
		}
	}
	if len(fields) == 0 {
		return nil, ""
	}
	return fields, KeyOf(t.object, fields, func(at int) mapping.Value {
		if c := t.index[at]; c >= 0 {
			return row.Values[c]
		}
		return mapping.Value{}
	})
}

// label is what a person calls the row: the first field of its key.
func (t *target) label(row mapping.Row) string {
	fields, _ := t.parentKey(row)
	parts := make([]string, 0, len(fields))
	for _, name := range fields {
		at := t.object.Field(name)
		if c := t.index[at]; c >= 0 && !row.Values[c].IsEmpty() {
			parts = append(parts, t.object.Fields[at].Format(row.Values[c]))
		}
	}
	return strings.Join(parts, " / ")
}

func (t *target) lookShared(row mapping.Row) (topic, string) {
	fields, text := t.parentKey(row)
	return topic{object: t.Object, by: ByKey, fields: strings.Join(fields, ",")}, text
}

func (r *session) lookShared(q *questions, t *target, row mapping.Row) {
	if topic, text := t.lookShared(row); text != "" {
		q.look(topic, text)
	}
}

func sharedName(t *target, text string) string { return t.Object + KeySeparator + text }

// sharedKnown returns the parent if this run has met it already.
func (r *session) sharedKnown(t *target, row mapping.Row) (p *sharedParent, text string, ok bool) {
	_, text = t.parentKey(row)
	p, ok = r.shared[sharedName(t, text)]
	return p, text, ok
}

// sharedText returns how a reference to a shared row stands in a key: the
// parent's own key for the view, its id for the store, empty if it has none.
func (r *session) sharedText(it *item, ref mapping.Value) (view, id string) {
	row := it.out.Rows[ref.Int]
	p, text, ok := r.sharedKnown(&r.targets[row.Target], row)
	if ok {
		id = p.id
	}
	return "\x00" + text, id
}

// resolveShared returns the parent that a row stands for; it adds the unit that
// makes or fills it to the batch.
func (r *session) resolveShared(ctx context.Context, b *pendingBatch, q *questions, t *target, row mapping.Row) (*sharedParent, error) {
	p, text, ok := r.sharedKnown(t, row)
	if text == "" {
		return nil, fmt.Errorf("%s without a name", t.Object)
	}
	name := sharedName(t, text)
	if !ok {
		var err error
		if p, err = r.findShared(ctx, q, t, row, name); err != nil {
			return nil, err
		}
		if p == nil {
			p = &sharedParent{}
			r.createShared(b, t, row, p)
		}
		if len(r.shared) >= maxShared {
			r.dropShared()
		}
		r.shared[strings.Clone(name)] = p
		r.rememberShared(name, p)
	}
	if p.label == "" {
		p.label = strings.Clone(t.label(row))
	}
	r.fillShared(b, t, row, name, p)
	return p, nil
}

// findShared looks for the parent in what a test run would have made, then in
// the store.
func (r *session) findShared(ctx context.Context, q *questions, t *target, row mapping.Row, name string) (*sharedParent, error) {
	if r.test != nil {
		if v, ok := r.view.get(viewKey(viewShared, name)); ok {
			id, filled, _ := strings.Cut(v, " ")
			mask, err := strconv.ParseUint(filled, 16, 64)
			if err != nil {
				return nil, fmt.Errorf("the view of %s is broken: %w", t.Object, err)
			}
			raw, err := hex.DecodeString(id)
			if err != nil {
				return nil, fmt.Errorf("the view of %s is broken: %w", t.Object, err)
			}
			return &sharedParent{id: string(raw), filled: mask}, nil
		}
	}
	topic, text := t.lookShared(row)
	hits, err := q.must(ctx, topic, text)
	if err != nil || len(hits) == 0 {
		return nil, err
	}
	p := &sharedParent{id: strings.Clone(hits[0].ID)}
	for i, c := range t.columns {
		if !hits[0].Values[c.at].IsEmpty() {
			p.filled |= 1 << i
		}
	}
	return p, nil
}

// rememberShared keeps what a test run would have made, which no look-up will
// ever find.
func (r *session) rememberShared(name string, p *sharedParent) {
	if r.test != nil {
		r.view.set(viewKey(viewShared, name), hex.EncodeToString([]byte(p.id))+" "+strconv.FormatUint(p.filled, 16))
	}
}

// dropShared forgets the parents that can be found again.
func (r *session) dropShared() {
	for name, p := range r.shared {
		if p.id != "" || r.test != nil {
			delete(r.shared, name)
		}
	}
}

func (r *session) createShared(b *pendingBatch, t *target, row mapping.Row, p *sharedParent) {
	c := Change{Object: t.Object, Op: Ensure}
	for i, v := range row.Values {
		if v.IsEmpty() {
			v = t.columns[i].Default
		}
		if v.IsEmpty() {
			continue
		}
		p.filled |= 1 << i
		c.Columns = append(c.Columns, t.columns[i].at)
		c.After = append(c.After, v)
	}
	p.batch, p.change = b, b.changes
	b.add(Unit{Changes: []Change{c}}, note{shared: p, object: t.Object, effects: map[string]Effects{t.Object: {Created: 1}}})
	b.delta.effect(t.Object, Effects{Created: 1})
	fields, text := t.parentKey(row)
	r.wrote(t.Object, strings.Join(fields, ","), text)
}

// fillShared writes the row's values into fields of the parent that are empty.
func (r *session) fillShared(b *pendingBatch, t *target, row mapping.Row, name string, p *sharedParent) {
	c := Change{Object: t.Object, Op: Update, Revision: -1}
	for i, v := range row.Values {
		if !v.IsEmpty() && p.filled&(1<<i) == 0 {
			p.filled |= 1 << i
			c.Columns = append(c.Columns, t.columns[i].at)
			c.Before = append(c.Before, mapping.Null)
			c.After = append(c.After, v)
		}
	}
	if len(c.Columns) == 0 {
		return
	}
	unit := len(b.Units)
	b.add(Unit{Changes: []Change{c}}, note{object: t.Object, effects: map[string]Effects{t.Object: {Updated: 1}}})
	b.refer(unit, 0, -1, p)
	b.delta.effect(t.Object, Effects{Updated: 1})
	r.rememberShared(name, p)
}
