package syncer

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vendorsync/vendorsync/mapping"
)

// A softRef is a reference that keeps its source's text, beside the link to the
// record that the text means. The same text keeps its link, whatever becomes of
// the other record's keys.
type softRef struct {
	owner      *mapping.Object
	text, link int // fields of owner
	object     *mapping.Object
	keys       []refKey // by which a text names one of its records
}

// A refKey is one unique field of the object that a reference points to.
type refKey struct {
	field  *mapping.Field
	topic  topic
	unique int // the unique key of the primary target that it is, -1 for none
}

// bindRefs finds the references of all targets, and those of the schema that
// this run can bring the record for.
func (r *session) bindRefs(schema *mapping.Schema) {
	r.late, r.selfRefs = nil, nil
	written := map[string]bool{}
	for i := range r.targets {
		t := &r.targets[i]
		written[t.Object] = true
		t.refs = make([]*softRef, len(t.columns))
		for c := range t.columns {
			link := t.object.Resolved(t.columns[c].at)
			if link < 0 || t.index[link] >= 0 { // or the mapper fills it
				continue
			}
			t.refs[c] = r.newRef(schema, t.object, t.columns[c].at)
			if t.refs[c].object == r.object {
				r.selfRefs = append(r.selfRefs, t.refs[c])
			}
		}
	}
	for i := range schema.Objects {
		o := &schema.Objects[i]
		for f := range o.Fields {
			if o.Resolved(f) >= 0 && (written[o.Name] || written[o.Fields[f].Object]) {
				r.late = append(r.late, r.newRef(schema, o, f))
			}
		}
	}
}

func (r *session) newRef(schema *mapping.Schema, o *mapping.Object, text int) *softRef {
	ref := &softRef{owner: o, text: text, link: o.Resolved(text)}
	ref.object, _ = schema.Object(o.Fields[text].Object)
	if ref.object.Name == r.object.Name {
		ref.object = r.object
	}
	for i := range ref.object.Fields {
		f := &ref.object.Fields[i]
		if !f.Unique {
			continue
		}
		k := refKey{field: f, topic: topic{object: ref.object.Name, by: ByKey, fields: f.Name}, unique: -1}
		if ref.object == r.object {
			k.unique = slices.IndexFunc(r.uniques, func(u uniqueKey) bool { return u.name == f.Name })
		}
		ref.keys = append(ref.keys, k)
	}
	return ref
}

// form is the form in which texts of the reference are compared.
func (ref *softRef) form(v mapping.Value) string { return ref.owner.Fields[ref.text].Normalize(v) }

// wantRefs puts the questions that resolving a row's references takes.
func (r *session) wantRefs(q *questions, t *target, row mapping.Row, hit *Hit) {
	for i, ref := range t.refs {
		if ref == nil || row.Values[i].IsEmpty() {
			continue
		}
		v := row.Values[i]
		if hit != nil && !hit.Values[ref.link].IsEmpty() && ref.form(v) == ref.form(hit.Values[ref.text]) {
			continue
		}
		for _, k := range ref.keys {
			if norm := k.field.Normalize(v); norm != "" {
				q.look(k.topic, norm)
			}
		}
	}
}

// A pointing is what becomes of the link beside a reference.
type pointing struct {
	link    int
	before  mapping.Value
	to      *sharedParent // nil to clear it
	hidden  bool
	waiting string // the form of a text that means no record yet
	problem string
	changed bool
	ref     *softRef
}

// point decides what becomes of a reference's link, given the text that it will
// have. hit is nil for a new record.
func (r *session) point(ctx context.Context, q *questions, ref *softRef, after mapping.Value, hit *Hit) (pointing, error) {
	p := pointing{link: ref.link, ref: ref}
	var cur mapping.Value
	if hit != nil {
		cur, p.before = hit.Values[ref.text], hit.Values[ref.link]
	}
	switch {
	case after.IsEmpty():
		p.changed = !p.before.IsEmpty()
		return p, nil
	case !p.before.IsEmpty() && ref.form(after) == ref.form(cur):
		return p, nil
	}
	to, several, err := r.meant(ctx, q, ref, after)
	if err != nil {
		return p, err
	}
	if len(several) > 1 {
		p.problem = ReasonReference.because("%q means %s; it stays unresolved until one of them is corrected", after.Text, orList(several))
	}
	if to == nil {
		p.waiting, p.changed = ref.form(after), !p.before.IsEmpty()
		return p, nil
	}
	p.to, p.changed = to, to.id == "" || to.id != p.before.Text
	return p, nil
}

// meant returns the record that a text means, by any of the unique fields of the
// object it refers to. It is nil if there is none, or several, whose names it
// returns then.
func (r *session) meant(ctx context.Context, q *questions, ref *softRef, text mapping.Value) (*sharedParent, []string, error) {
	var found *sharedParent
	var names []string
	add := func(name string, p *sharedParent) {
		if !slices.Contains(names, name) {
			found, names = p, append(names, name)
		}
	}
	for _, k := range ref.keys {
		norm := k.field.Normalize(text)
		if norm == "" {
			continue
		}
		if k.unique >= 0 {
			if holder, ok := r.view.get(r.holderKey(k.unique, norm)); ok {
				if p := r.placed(holder); p != nil {
					add(holderName(holder), p)
				}
				continue
			}
		}
		hits, err := q.must(ctx, k.topic, norm)
		if err != nil {
			return nil, nil, err
		}
		for i := range hits {
			h := &hits[i]
			name := "\x00" + h.ID
			if ref.object == r.object {
				if name, err = r.nameOf(h); err != nil {
					return nil, nil, err
				}
			}
			if k.unique >= 0 {
				if _, released := r.view.get(r.releasedKey(k.unique, norm, h.ID)); released {
					continue
				}
			}
			add(holderName(name), &sharedParent{id: strings.Clone(h.ID), label: holderName(name)})
		}
	}
	if len(names) != 1 {
		return nil, names, nil
	}
	return found, names, nil
}

// place remembers where the record of a vendor id is, as long as Match may not
// know what this run has decided about it.
func (r *session) place(vendorID string, p *sharedParent) {
	if r.test != nil {
		r.view.set(viewKey(viewPlaced, vendorID), p.id)
		return
	}
	r.placedNow[vendorID] = p
}

func (r *session) placed(vendorID string) *sharedParent {
	if r.test != nil {
		id, _ := r.view.get(viewKey(viewPlaced, vendorID))
		return &sharedParent{id: id, label: holderName(vendorID)}
	}
	p, ok := r.placedNow[vendorID]
	if !ok {
		p = r.placedBefore[vendorID]
	}
	return p
}

// addPoint decides about column i of a target, if it is a reference, given the
// text that it will have.
func (r *session) addPoint(ctx context.Context, q *questions, points []pointing, t *target, i int, after mapping.Value, hit *Hit) ([]pointing, error) {
	if t.refs[i] == nil {
		return points, nil
	}
	p, err := r.point(ctx, q, t.refs[i], after, hit)
	p.hidden = t.columns[i].Sensitive
	return append(points, p), err
}

// pointAt adds what becomes of the links to a change of the unit, and returns the
// change's references with those of the links.
func (u *unitBuilder) pointAt(r *session, change int, c *Change, points []pointing, hit *Hit, refs []reference) []reference {
	for _, p := range points {
		if p.problem != "" {
			u.b.delta.problem(Problem{Record: u.note.vendorID, Field: p.ref.owner.Fields[p.ref.text].Name, Reason: p.problem}, r.s.opt.MaxProblems)
		}
		r.noteWaiting(p, hit)
		if !p.changed {
			continue
		}
		if p.to != nil {
			refs = append(refs, reference{change: change, column: len(c.Columns), parent: p.to, soft: true})
		}
		c.addField(p.link, p.hidden, p.before, mapping.Null)
	}
	return refs
}

// noteWaiting tells a test run's view which references wait, so that it can
// foretell what the end of a full run would find.
func (r *session) noteWaiting(p pointing, hit *Hit) {
	if r.test == nil {
		return
	}
	if hit != nil {
		r.pointed(p.ref.owner, p.link, hit.ID)
	}
	if p.waiting == "" || p.ref.object != r.object {
		return
	}
	k := viewKey(viewWaiting, p.ref.owner.Name, p.ref.owner.Fields[p.link].Name, p.waiting)
	state, _ := r.view.get(k)
	n, holder := waitingState(state)
	r.view.set(k, strconv.FormatInt(n+1, 10)+" "+holder)
}

// pointed tells a test run's view that what a record's link holds is decided.
func (r *session) pointed(o *mapping.Object, link int, id string) {
	if r.test != nil {
		r.view.set(viewKey(viewPointed, o.Name, o.Fields[link].Name, id), "")
	}
}

func waitingState(s string) (n int64, holder string) {
	count, holder, _ := strings.Cut(s, " ")
	n, _ = strconv.ParseInt(count, 10, 64)
	return n, holder
}

// arrived foretells in a test run that references which waited for a key of the
// primary object will resolve, now that this vendor id gets it.
func (r *session) arrived(vendorID, key string) {
	if r.test == nil {
		return
	}
	form := strings.ToLower(key)
	for _, ref := range r.selfRefs {
		k := viewKey(viewWaiting, ref.owner.Name, ref.owner.Fields[ref.link].Name, form)
		state, ok := r.view.get(k)
		if !ok {
			continue
		}
		n, holder := waitingState(state)
		switch holder {
		case vendorID:
			continue
		case "":
			r.foretold[ref.owner.Name] += n
			holder = vendorID
		default: // two records: it means neither
			r.foretold[ref.owner.Name] -= n
			n = 0
		}
		r.view.set(k, strconv.FormatInt(n, 10)+" "+holder)
	}
}

// maxLate bounds how many resolved references are gathered before they are
// written.
const maxLate = 50_000

// lateReferences resolves what waits for a record that is there by now: brought
// by this run after the record that refers to it, or by another in between.
func (r *session) lateReferences(ctx context.Context) error {
	scanner, ok := r.s.store.(ReferenceScanner)
	if !ok || r.limit >= 0 {
		return nil
	}
	if r.test == nil { // all is committed, and Match knows it
		r.turn()
		r.turn()
	}
	r.keys = nil // another run may have brought keys since it was made
	for _, ref := range r.late {
		if may, err := r.mayHaveCome(ctx, ref); err != nil || !may {
			if err != nil {
				return err
			}
			continue
		}
		for {
			n, err := r.resolveWaiting(ctx, scanner, ref)
			if err != nil {
				return err
			}
			if n < maxLate || r.test != nil {
				break
			}
		}
	}
	for object, n := range r.foretold {
		r.state.add(delta{effects: map[string]Effects{object: {Updated: n}}}, r.s.opt.MaxProblems)
	}
	clear(r.foretold)
	return nil
}

// mayHaveCome reports whether there may be a record for a reference that found
// none when it was written: this run brings such records, or another did at the
// same time, or they come by hand.
func (r *session) mayHaveCome(ctx context.Context, ref *softRef) (bool, error) {
	if slices.ContainsFunc(r.targets, func(t target) bool { return t.Object == ref.object.Name }) {
		return true, nil
	}
	if !r.wroteAnything() {
		return false, nil
	}
	all, err := r.s.journal.Integrations(ctx)
	if err != nil {
		return false, fmt.Errorf("read the integrations: %w", err)
	}
	fed := false
	for _, in := range all {
		if in.Mapping.Object != ref.object.Name {
			continue
		}
		fed = true
		runs, err := r.s.journal.Runs(ctx, RunQuery{Integration: in.ID, Limit: recentRuns})
		if err != nil {
			return false, fmt.Errorf("read the runs of %q: %w", in.ID, err)
		}
		for _, run := range runs {
			if run.Finished.IsZero() || run.Finished.After(r.state.Run.Started) {
				return true, nil
			}
		}
	}
	if fed {
		return false, nil
	}
	return r.hasKeys(ctx, ref.object.Name)
}

// hasKeys reports whether the store has any record of an object, as far as it can
// tell.
func (r *session) hasKeys(ctx context.Context, object string) (bool, error) {
	scanner, ok := r.s.store.(KeyScanner)
	if !ok {
		return true, nil
	}
	for _, err := range scanner.ScanKeys(ctx, object) {
		if err != nil {
			return false, fmt.Errorf("read the keys of %s: %w", object, err)
		}
		return true, nil
	}
	return false, nil
}

func (r *session) wroteAnything() bool {
	run := &r.state.Run
	return run.Counts.Created+run.Counts.Updated > 0 || len(run.Effects) > 0 || r.leftBehind
}

// resolveWaiting resolves the waiting references of one field and returns how
// many it found a record for.
func (r *session) resolveWaiting(ctx context.Context, scanner ReferenceScanner, ref *softRef) (int, error) {
	var found []lateReference
	var chunk []Waiting
	flush := func() error {
		more, err := r.meantBy(ctx, ref, chunk)
		found, chunk = append(found, more...), chunk[:0]
		return err
	}
	for w, err := range scanner.ScanWaiting(ctx, ref.owner.Name, ref.owner.Fields[ref.text].Name) {
		if err != nil {
			return 0, fmt.Errorf("read the references that wait in %s: %w", ref.owner.Name, err)
		}
		if r.test != nil {
			if _, pointed := r.view.get(viewKey(viewPointed, ref.owner.Name, ref.owner.Fields[ref.link].Name, w.ID)); pointed {
				continue
			}
		}
		w.ID, w.Text = strings.Clone(w.ID), strings.Clone(w.Text)
		if chunk = append(chunk, w); len(chunk) >= r.s.opt.BatchSize {
			if err := flush(); err != nil {
				return 0, err
			}
			if len(found) >= maxLate && r.test == nil {
				break
			}
		}
	}
	if err := flush(); err != nil {
		return 0, err
	}
	for part := range slices.Chunk(found, r.s.opt.BatchSize) {
		b := r.newBatch(nil, "", false, false)
		for _, l := range part {
			c := Change{Object: ref.owner.Name, Op: Update, Ref: Ref{ID: l.ID}, Revision: l.Revision}
			c.addField(ref.link, false, mapping.Null, mapping.TextValue(l.to))
			effects := map[string]Effects{ref.owner.Name: {Updated: 1}}
			b.add(Unit{Changes: []Change{c}}, note{object: ref.owner.Name, effects: effects})
			b.delta.effect(ref.owner.Name, effects[ref.owner.Name])
		}
		if err := r.conclude(ctx, b); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

// A lateReference is a reference whose record has come.
type lateReference struct {
	Waiting
	to string // the record's id
}

// meantBy returns those of the waiting references that mean a record.
func (r *session) meantBy(ctx context.Context, ref *softRef, waiting []Waiting) ([]lateReference, error) {
	q := r.newQuestions()
	for _, w := range waiting {
		for _, k := range ref.keys {
			if norm := k.field.Normalize(mapping.TextValue(w.Text)); norm != "" {
				q.look(k.topic, norm)
			}
		}
	}
	if err := q.answer(ctx); err != nil {
		return nil, err
	}
	var found []lateReference
	for _, w := range waiting {
		p, _, err := r.meant(ctx, q, ref, mapping.TextValue(w.Text))
		if err != nil {
			return nil, err
		}
		if p != nil {
			found = append(found, lateReference{Waiting: w, to: p.id})
		}
	}
	return found, nil
}

// turn forgets what was decided two batches ago.
func (r *session) turn() {
	r.view.turn()
	r.placedBefore, r.placedNow = r.placedNow, r.placedBefore
	clear(r.placedNow)
}
