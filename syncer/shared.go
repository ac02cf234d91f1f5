package syncer

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/vendorsync/vendorsync/credentials"
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
	// archived says that it is in the archive, out of which it comes once a record
	// refers to it again.
	archived bool
}

// maxShared bounds how many shared parents a run keeps at hand.
const maxShared = 100_000

// parentKey returns the normal form of a shared row's key, and the fields it is
// made of.
func (t *target) parentKey(row mapping.Row) (fields []string, text string) {
	fields = t.keyFields()
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

// keyFields returns the fields by which a shared record is found: the object's
// key, or else the first unique field that is mapped.
func (t *target) keyFields() []string {
	if len(t.object.Key) > 0 {
		return t.object.Key
	}
	for _, c := range t.columns {
		if c.field.Unique {
			return []string{c.Field}
		}
	}
	return nil
}

// label is what a person calls the row: the fields of its key.
func (t *target) label(row mapping.Row) string {
	return t.labelOf(func(c int) mapping.Value { return row.Values[c] })
}

// hitLabel is what a person calls a record that a look-up found.
func (t *target) hitLabel(hit *Hit) string {
	return t.labelOf(func(c int) mapping.Value { return hit.Values[t.columns[c].at] })
}

func (t *target) labelOf(value func(column int) mapping.Value) string {
	var parts []string
	for _, name := range t.keyFields() {
		c := t.index[t.object.Field(name)]
		switch {
		case c < 0 || value(c).IsEmpty():
		case t.columns[c].Sensitive:
			parts = append(parts, credentials.Mask)
		default:
			parts = append(parts, t.columns[c].field.Format(value(c)))
		}
	}
	return strings.Join(parts, " / ")
}

func (t *target) lookShared(row mapping.Row) (topic, string) {
	fields, text := t.parentKey(row)
	return topic{object: t.Object, by: ByKey, fields: strings.Join(fields, ",")}, text
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

// knowShared returns the parent that a row stands for, as far as this run or the
// store has it. It is not known before the store has answered.
func (r *session) knowShared(q *questions, t *target, row mapping.Row) (p *sharedParent, known bool) {
	p, text, ok := r.sharedKnown(t, row)
	if ok || text == "" {
		return p, true
	}
	name := sharedName(t, text)
	if p = r.viewShared(name); p == nil {
		topic, text := t.lookShared(row)
		hits, known := q.look(topic, text)
		if len(hits) == 0 {
			return nil, known
		}
		p = t.parentOf(&hits[0])
	}
	r.keepShared(name, p)
	return p, true
}

func (r *session) mustShared(ctx context.Context, q *questions, t *target, row mapping.Row) (*sharedParent, error) {
	p, known := r.knowShared(q, t, row)
	if !known {
		if err := q.answer(ctx); err != nil {
			return nil, err
		}
		p, _ = r.knowShared(q, t, row)
	}
	return p, nil
}

// knowParents makes the parents known that the record itself refers to: they may
// be part of its key.
func (r *session) knowParents(ctx context.Context, q *questions, it *item) error {
	for _, v := range it.out.Rows[0].Values {
		if v.Kind != mapping.KindRow {
			continue
		}
		row := it.out.Rows[v.Int]
		if _, err := r.mustShared(ctx, q, &r.targets[row.Target], row); err != nil {
			return err
		}
	}
	return nil
}

// resolveShared returns the parent that a row stands for; it adds the unit that
// makes or fills it to the batch.
func (r *session) resolveShared(ctx context.Context, b *pendingBatch, q *questions, t *target, row mapping.Row) (*sharedParent, error) {
	_, text := t.parentKey(row)
	if text == "" {
		return nil, fmt.Errorf("%s without a name", t.Object)
	}
	name := sharedName(t, text)
	p, err := r.mustShared(ctx, q, t, row)
	if err != nil {
		return nil, err
	}
	if p == nil {
		p = &sharedParent{}
		r.createShared(b, t, row, p)
		r.keepShared(name, p)
	}
	if p.label == "" {
		p.label = strings.Clone(t.label(row))
	}
	r.fillShared(b, t, row, name, p)
	return p, nil
}

// keepShared keeps a parent at hand.
func (r *session) keepShared(name string, p *sharedParent) {
	if len(r.shared) >= maxShared {
		r.dropShared()
	}
	r.shared[strings.Clone(name)] = p
	r.rememberShared(name, p)
}

// viewShared returns a parent that a test run has met before, or nil.
func (r *session) viewShared(name string) *sharedParent {
	if r.test == nil {
		return nil
	}
	v, ok := r.view.get(viewKey(viewShared, name))
	if !ok {
		return nil
	}
	id, rest, _ := strings.Cut(v, " ")
	filled, archived, _ := strings.Cut(rest, " ")
	mask, err := strconv.ParseUint(filled, 16, 64)
	if err != nil && r.view.err == nil {
		r.view.err = fmt.Errorf("the view of %q is broken: %w", name, err)
	}
	raw, err := hex.DecodeString(id)
	if err != nil && r.view.err == nil {
		r.view.err = fmt.Errorf("the view of %q is broken: %w", name, err)
	}
	return &sharedParent{id: string(raw), filled: mask, archived: archived == strconv.FormatBool(true)}
}

// parentOf returns the parent that a look-up found.
func (t *target) parentOf(hit *Hit) *sharedParent {
	p := &sharedParent{id: strings.Clone(hit.ID), archived: hit.Archived}
	for i, c := range t.columns {
		if !hit.Values[c.at].IsEmpty() {
			p.filled |= 1 << i
		}
	}
	return p
}

// rememberShared keeps what a test run would have made, which no look-up will
// ever find.
func (r *session) rememberShared(name string, p *sharedParent) {
	if r.test != nil {
		r.view.set(viewKey(viewShared, name), strings.Join([]string{hex.EncodeToString([]byte(p.id)), strconv.FormatUint(p.filled, 16), strconv.FormatBool(p.archived)}, " "))
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
		c.add(&t.columns[i], mapping.Null, v)
	}
	p.batch, p.change = b, b.changes
	b.add(Unit{Changes: []Change{c}}, note{shared: p, object: t.Object, effects: map[string]Effects{t.Object: {Created: 1}}})
	b.delta.effect(t.Object, Effects{Created: 1})
	key, text := t.lookShared(row)
	r.wrote(key, text)
}

// fillShared writes the row's values into fields of the parent that are empty, and
// takes it out of the archive.
func (r *session) fillShared(b *pendingBatch, t *target, row mapping.Row, name string, p *sharedParent) {
	c, e := Change{Object: t.Object, Op: Update, Revision: -1}, Effects{Updated: 1}
	if p.archived {
		c.Op, e, p.archived = Restore, Effects{Restored: 1}, false
	}
	for i, v := range row.Values {
		if !v.IsEmpty() && p.filled&(1<<i) == 0 {
			p.filled |= 1 << i
			c.add(&t.columns[i], mapping.Null, v)
		}
	}
	if len(c.Columns) == 0 && c.Op != Restore {
		return
	}
	unit := len(b.Units)
	b.add(Unit{Changes: []Change{c}}, note{object: t.Object, effects: map[string]Effects{t.Object: e}})
	b.refer(unit, reference{column: -1, parent: p})
	b.delta.effect(t.Object, e)
	r.rememberShared(name, p)
}
