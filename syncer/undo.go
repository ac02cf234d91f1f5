package syncer

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
)

// An undo is what the run did to one record, all its changes taken together.
type undo struct {
	object   *mapping.Object
	id       string
	revision int64 // after the run's last change
	made     bool
	// archival is how the run left the record: Archive, Restore, or empty if it is
	// as it was.
	archival    Op
	fields      []undoField // in the order of the object's; none for a record that was made
	integration string      // that wrote it
}

// An undoField is one field's value before the run and after it.
type undoField struct {
	at            int
	before, after mapping.Value
	hidden        bool
}

// undos yields what the run did, record by record.
func (r *reverter) undos(ctx context.Context) iter.Seq2[*undo, error] {
	return func(yield func(*undo, error) bool) {
		var events []Event // of one record
		flush := func() bool {
			if len(events) == 0 {
				return true
			}
			u := r.undoOf(events)
			events = events[:0]
			return u == nil || yield(u, nil)
		}
		for e, err := range r.events.RunEvents(ctx, r.of.ID) {
			if err != nil {
				yield(nil, fmt.Errorf("read what the run wrote: %w", err))
				return
			}
			if len(events) > 0 && (events[0].Object != e.Object || events[0].ID != e.ID) && !flush() {
				return
			}
			events = append(events, e)
		}
		flush()
	}
}

// undoOf takes the changes of one record together; nil if they come to nothing.
func (r *reverter) undoOf(events []Event) *undo {
	o, ok := r.schema.Object(events[0].Object)
	if !ok {
		return nil // nothing can be said of it, nor written to it
	}
	slices.SortFunc(events, func(a, b Event) int { return cmp.Compare(b.Revision, a.Revision) })
	u := &undo{object: o, id: events[0].ID, revision: events[0].Revision, integration: events[0].Integration}
	var first Op // the oldest of Archive and Restore
	fields := map[int]undoField{}
	for _, e := range events {
		switch e.Op {
		case Create, Ensure:
			u.made = true
		case Archive, Restore:
			u.archival = cmp.Or(u.archival, e.Op)
			first = e.Op
		case Update, Delete, Merged, Split:
		}
		for _, c := range e.Changes {
			at := o.Field(c.Field)
			if at < 0 {
				continue
			}
			f, known := fields[at]
			if !known {
				f = undoField{at: at, after: c.After}
			}
			f.before, f.hidden = c.Before, f.hidden || c.Hidden
			fields[at] = f
		}
	}
	if u.made {
		return u
	}
	if u.archival != first { // there and back
		u.archival = ""
	}
	for at := range o.Fields {
		if f, ok := fields[at]; ok && (f.hidden || !same(f.before, f.after)) {
			u.fields = append(u.fields, f)
		}
	}
	if u.archival == "" && len(u.fields) == 0 {
		return nil
	}
	return u
}

// An attempt is one record on its way back.
type attempt struct {
	*undo
	hit      *Hit // nil if it is gone
	put      []undoField
	op       Op // Archive, Restore, or empty
	problems []Problem
	asks     []wish // unique keys that it wants back
}

// A wish is a unique key that a record is to have again.
type wish struct {
	topic topic
	text  string
	at    []int // the fields of the key
}

func (a *attempt) name() string { return a.object.Name + " " + a.id }

func (a *attempt) leave(field string, reason Reason, format string, args ...any) {
	a.problems = append(a.problems, Problem{Record: a.name(), Field: field, Reason: reason.because(format, args...)})
}

// lostLink reports whether the run took the integration's claim off a child when
// it archived it.
func (r *reverter) lostLink(a *attempt) bool {
	return a.op == Restore && !r.primary(a.object) && a.integration == r.held.in.ID && a.hit.Link == nil
}

// unit returns the changes that put the record back.
func (a *attempt) unit() Unit {
	c := Change{Object: a.object.Name, Op: cmp.Or(a.op, Update)}
	if a.hit == nil || a.op == "" && len(a.put) == 0 {
		return Unit{}
	}
	c.Ref, c.Revision = Ref{ID: a.hit.ID}, a.hit.Revision
	if len(a.put) == 0 {
		return Unit{Changes: []Change{c}}
	}
	c.Hidden = make([]bool, len(a.put))
	for i, f := range a.put {
		v := f.before
		if v.Kind == mapping.KindAbsent {
			v = mapping.Null
		}
		c.Columns, c.Before, c.After, c.Hidden[i] = append(c.Columns, f.at), append(c.Before, a.hit.Values[f.at]), append(c.After, v), f.hidden
	}
	if a.op != Archive {
		return Unit{Changes: []Change{c}}
	}
	c.Op = Update
	return Unit{Changes: []Change{c, {Object: c.Object, Op: Archive, Ref: c.Ref, Revision: -1}}}
}

// differences shows what is put back, field by field.
func (a *attempt) differences() []Difference {
	var out []Difference
	for _, f := range a.put {
		field := &a.object.Fields[f.at]
		d := Difference{Field: field.Name, Before: field.AppendJSON(nil, a.hit.Values[f.at]), After: field.AppendJSON(nil, f.before)}
		if f.hidden {
			d.Before, d.After = masked(d.Before), masked(d.After)
		}
		out = append(out, d)
	}
	return out
}

// answersOf is what the store said of the questions that some attempts raise.
type answersOf map[topic]map[string][]Hit

// one returns the record of an id, nil if it is gone.
func (k answersOf) one(object, id string) *Hit {
	hits := k[topic{object: object, by: ByID}][id]
	if len(hits) == 0 {
		return nil
	}
	return &hits[0]
}

// match asks the store, and adds its answers.
func (r *reverter) match(ctx context.Context, known answersOf, asks map[topic][]string) error {
	for t, values := range asks {
		slices.Sort(values)
		values = slices.Compact(values)
		q := Query{Integration: r.held.in.ID, Object: t.object, By: t.by, Values: values}
		if t.fields != "" {
			q.Fields = strings.Split(t.fields, ",")
		}
		hits, err := r.held.s.store.Match(ctx, q)
		if err != nil {
			return fmt.Errorf("look up %s: %w", t.object, err)
		}
		if len(hits) != len(values) {
			return connector.Errorf(connector.ErrInternal, "look up "+t.object, "the store answered %d of %d questions", len(hits), len(values))
		}
		if known[t] == nil {
			known[t] = map[string][]Hit{}
		}
		for i, v := range values {
			known[t][v] = hits[i]
		}
	}
	return nil
}

// attempts looks the records up, says what can be put back as far as they are
// concerned, and asks what else it takes to know.
func (r *reverter) attempts(ctx context.Context, undos []*undo) ([]*attempt, answersOf, error) {
	known := answersOf{}
	asks := map[topic][]string{}
	for _, u := range undos {
		t := topic{object: u.object.Name, by: ByID}
		asks[t] = append(asks[t], u.id)
	}
	if err := r.match(ctx, known, asks); err != nil {
		return nil, nil, err
	}
	clear(asks)
	var attempts []*attempt
	for _, u := range undos {
		a := &attempt{undo: u, hit: known.one(u.object.Name, u.id)}
		if !r.selects(a) {
			continue
		}
		if err := r.judge(ctx, a); err != nil {
			return nil, nil, err
		}
		attempts = append(attempts, a)
		if u.made && a.op == Archive {
			for _, t := range r.users(u.object) {
				asks[t] = append(asks[t], u.id)
			}
		}
		for _, f := range a.put {
			if field := &u.object.Fields[f.at]; field.Link && !f.before.IsEmpty() {
				t := topic{object: field.Object, by: ByID}
				asks[t] = append(asks[t], f.before.Text)
			}
		}
		for _, w := range a.wishes() {
			asks[w.topic] = append(asks[w.topic], w.text)
		}
	}
	return attempts, known, r.match(ctx, known, asks)
}

// selects reports whether a record is one of those that are asked for, or belongs
// to one. A shared parent that the run made is: it stays while anybody uses it.
func (r *reverter) selects(a *attempt) bool {
	switch {
	case len(r.opt.Only) == 0:
		return true
	case r.primary(a.object):
		return slices.Contains(r.opt.Only, a.id)
	case a.hit == nil:
		return false
	case a.made && len(r.users(a.object)) > 0:
		return true
	}
	for at := range a.object.Fields {
		f := &a.object.Fields[at]
		if f.Belongs() && f.Object == r.held.in.Mapping.Object && slices.Contains(r.opt.Only, a.hit.Values[at].Text) {
			return true
		}
	}
	return false
}

// judge says what can be put back, going by the record alone.
func (r *reverter) judge(ctx context.Context, a *attempt) error {
	if a.hit == nil {
		if !a.made {
			a.leave("", ReasonLater, "the record was deleted")
		}
		return nil
	}
	if a.hit.ID != a.id {
		a.leave("", ReasonLater, "the record was merged into %s", a.hit.ID)
		return nil
	}
	later := &laterEvents{r: r, a: a}
	if a.made {
		if a.hit.Archived {
			return nil
		}
		by, err := later.find(ctx, func(e Event) bool { return e.Op == Restore })
		if err != nil {
			return err
		}
		if by != nil {
			a.leave("", ReasonLater, "the record was taken out of the archive again %s; it was left", writer(by))
			return nil
		}
		a.op = Archive
		return nil
	}
	if a.archival == Archive && a.hit.Archived {
		a.op = Restore
	}
	if a.archival == Restore && !a.hit.Archived {
		a.op = Archive
	}
	for _, f := range a.fields {
		if err := r.judgeField(ctx, a, f, later); err != nil {
			return err
		}
	}
	return nil
}

func (r *reverter) judgeField(ctx context.Context, a *attempt, f undoField, later *laterEvents) error {
	field := &a.object.Fields[f.at]
	cur := a.hit.Values[f.at]
	wrote := func(e Event) bool {
		return slices.ContainsFunc(e.Changes, func(c FieldChange) bool { return c.Field == field.Name })
	}
	if f.before.IsEmpty() && cur.IsEmpty() || !f.hidden && same(cur, f.before) {
		return nil // it is back already
	}
	changed := !f.hidden && !same(cur, f.after)
	var by *Event
	if changed || f.hidden {
		var err error
		if by, err = later.find(ctx, wrote); err != nil {
			return err
		}
	}
	switch {
	case changed, by != nil:
		if field.For == "" || !a.left(field.For) { // a reference and its record are one thing to a person
			a.leave(field.Name, ReasonLater, "%s was written again %s; it was left", field.Name, writer(by))
		}
	case field.For != "" && a.left(field.For):
	case f.hidden && !f.before.IsEmpty():
		a.leave(field.Name, ReasonNotKept, "%s is sensitive, and history masks its value from before; correct it by hand", field.Name)
	default:
		a.put = append(a.put, f)
	}
	return nil
}

// left reports whether a field is left as it is.
func (a *attempt) left(field string) bool {
	return slices.ContainsFunc(a.problems, func(p Problem) bool { return p.Field == field })
}

// laterEvents are the changes of a record after those of the run, read when they
// are asked for.
type laterEvents struct {
	r      *reverter
	a      *attempt
	read   bool
	events []Event
}

// find returns the last later event of a kind, nil if there is none.
func (l *laterEvents) find(ctx context.Context, is func(Event) bool) (*Event, error) {
	if l.a.hit.Revision == l.a.revision || l.r.reader == nil {
		return nil, nil //nolint:nilnil // there is none.
	}
	if !l.read {
		for e, err := range l.r.reader.History(ctx, l.a.object.Name, l.a.id) {
			if err != nil {
				return nil, fmt.Errorf("read the history of %s: %w", l.a.name(), err)
			}
			if e.Revision > l.a.revision {
				l.events = append(l.events, e)
			}
		}
		l.read = true
	}
	for i := len(l.events) - 1; i >= 0; i-- {
		if is(l.events[i]) {
			return &l.events[i], nil
		}
	}
	return nil, nil //nolint:nilnil // there is none.
}

// writer names who made a change, and when.
func writer(e *Event) string {
	if e == nil {
		return "since"
	}
	who := "by somebody"
	if e.Actor != "" {
		who = "by " + e.Actor
	}
	if e.Run != "" {
		who += " in run " + e.Run
	}
	if e.Integration != "" {
		who += " of " + e.Integration
	}
	return who + " at " + e.At.UTC().Format(time.RFC3339)
}

// wishes returns the unique keys that the record is to have again.
func (a *attempt) wishes() []wish {
	if a.asks != nil || len(a.put) == 0 {
		return a.asks
	}
	value := func(at int) mapping.Value {
		if i := slices.IndexFunc(a.put, func(f undoField) bool { return f.at == at }); i >= 0 {
			return a.put[i].before
		}
		return a.hit.Values[at]
	}
	for _, w := range keysOf(a.object) {
		if !slices.ContainsFunc(a.put, func(f undoField) bool { return slices.Contains(w.at, f.at) }) {
			continue
		}
		if w.text = KeyOf(a.object, w.fields(), value); w.text != "" {
			a.asks = append(a.asks, w)
		}
	}
	return a.asks
}

func (w wish) fields() []string { return strings.Split(w.topic.fields, ",") }

// keysOf returns the keys of an object, without texts.
func keysOf(o *mapping.Object) []wish {
	var keys []wish
	add := func(fields ...string) {
		w := wish{topic: topic{object: o.Name, by: ByKey, fields: strings.Join(fields, ",")}}
		for _, name := range fields {
			w.at = append(w.at, o.Field(name))
		}
		keys = append(keys, w)
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

// resolve goes by what else the store said: who else holds the keys, who uses a
// record that was made, which records the links meant. It reports whether another
// record's turn may change that.
func (r *reverter) resolve(a *attempt, known answersOf) (wait bool, err error) {
	if a.made && a.op == Archive {
		return false, r.resolveMade(a, known)
	}
	for i := range a.put {
		f := &a.put[i]
		field := &a.object.Fields[f.at]
		if !field.Link || f.before.IsEmpty() {
			continue
		}
		target := known.one(field.Object, f.before.Text)
		switch {
		case target == nil:
			a.leave(field.Name, ReasonLater, "record %s of %s, to which it referred, was deleted", f.before.Text, field.Object)
			continue
		case target.ID == a.hit.ID && field.Object == a.object.Name && f.before.Text != a.id:
			a.leave(field.Name, ReasonLater, "record %s of %s, to which it referred, was merged into this one", f.before.Text, field.Object)
			continue
		}
		f.before = mapping.TextValue(target.ID) // another one, if it was merged
	}
	for _, w := range a.asks {
		holder, err := r.holder(a, w, known)
		if err != nil {
			return false, err
		}
		if holder == "" {
			continue
		}
		wait = true
		name := strings.Join(w.fields(), " + ")
		text := fmt.Sprintf("%q", strings.ReplaceAll(w.text, KeySeparator, " / "))
		if slices.ContainsFunc(a.put, func(f undoField) bool { return f.hidden && slices.Contains(w.at, f.at) }) {
			text = "its value from before"
		}
		a.leave(name, ReasonConflict, "%s %s would go back to record %s, but record %s holds it; correct it or merge the records", name, text, a.id, holder)
	}
	a.put = slices.DeleteFunc(a.put, func(f undoField) bool {
		return a.left(a.object.Fields[f.at].Name) || slices.ContainsFunc(a.asks, func(w wish) bool {
			return slices.Contains(w.at, f.at) && a.left(strings.Join(w.fields(), " + "))
		})
	})
	return wait, nil
}

// holder returns which other record holds a key, "" if none does.
func (r *reverter) holder(a *attempt, w wish, known answersOf) (string, error) {
	for _, h := range known[w.topic][w.text] {
		if h.ID == a.hit.ID {
			continue
		}
		free, err := r.isForeseen(viewReleased, w.topic.object, w.topic.fields, w.text, h.ID)
		if err != nil || !free {
			return h.ID, err
		}
	}
	return "", nil
}

// resolveMade leaves a record that is in use. What the integration itself has
// tied to the records that it brings does not count: it goes with them.
func (r *reverter) resolveMade(a *attempt, known answersOf) error {
	if a.hit.Shared {
		a.op = ""
		a.leave("", ReasonInUse, "another integration brings the record, too; it was not archived")
		return nil
	}
	n := int64(0)
	for _, t := range r.users(a.object) {
		for _, user := range known[t][a.id] {
			own := r.primary(a.object) && user.Link != nil && !user.Shared
			if user.Archived || own {
				continue
			}
			archived, err := r.isForeseen(viewTaken, t.object, user.ID)
			if err != nil {
				return err
			}
			if !archived {
				n++
			}
		}
	}
	if n == 0 {
		return nil
	}
	a.op = ""
	if r.primary(a.object) {
		a.leave("", ReasonInUse, "%s that others have tied to it would be left behind; it was not archived", plural(n, "record"))
	}
	return nil
}

// foresee remembers, in a dry run, what the store would say after it.
func (r *reverter) foresee(a *attempt) error {
	if r.foreseen == nil {
		return nil
	}
	if a.op == Archive {
		if err := r.foreseen.Put(viewKey(viewTaken, a.object.Name, a.id), nil); err != nil {
			return err
		}
	}
	if a.hit == nil || len(a.put) == 0 {
		return nil
	}
	for _, w := range keysOf(a.object) {
		if !slices.ContainsFunc(a.put, func(f undoField) bool { return slices.Contains(w.at, f.at) }) {
			continue
		}
		held := KeyOf(a.object, w.fields(), func(at int) mapping.Value { return a.hit.Values[at] })
		if err := r.foreseen.Put(viewKey(viewReleased, w.topic.object, w.topic.fields, held, a.hit.ID), nil); err != nil {
			return err
		}
	}
	return nil
}

func (r *reverter) isForeseen(kind byte, parts ...string) (bool, error) {
	if r.foreseen == nil {
		return false, nil
	}
	return r.foreseen.Has(viewKey(kind, parts...))
}
