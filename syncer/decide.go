package syncer

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/internal/spill"
	"github.com/vendorsync/vendorsync/mapping"
)

// A verdict is what a run does with one record.
type verdict struct {
	action  Action
	reason  string
	field   string // of a failure
	changes []Difference
	effects map[string]Effects
}

func skipped(reason string) verdict { return verdict{action: ActionSkipped, reason: reason} }

func filtered(reason string) verdict {
	return verdict{action: ActionFiltered, reason: ReasonFilter.because("%s", strings.Clone(reason))}
}

func failed(field, reason string) verdict {
	return verdict{action: ActionFailed, field: field, reason: reason}
}

func viewSupersededKey(vendorID string) spill.Key { return viewKey(viewSuperseded, vendorID) }

// decide says what becomes of one record and adds it to the batch. The error is
// the store's or the host's, never the record's.
func (r *session) decide(ctx context.Context, b *pendingBatch, q *questions, it *item) error {
	again, err := r.readAgain(it)
	if err != nil || again {
		return err
	}
	name := it.out.VendorID
	if it.place == "" {
		r.ordinal++
		b.delta.records++
	}
	if name == "" {
		b.delta.anonymous++
		r.passed++
		if name = it.place; name == "" {
			name = fmt.Sprintf("record %d", r.ordinal)
		}
	}
	v, err := r.judge(ctx, b, q, it)
	if err != nil {
		return err
	}
	b.delta.count(v.action)
	if v.action == ActionFailed {
		b.delta.problem(Problem{Record: strings.Clone(name), Field: v.field, Reason: v.reason}, r.s.opt.MaxProblems)
	}
	if r.observe != nil {
		r.observe(r.forecast(it, name, v))
	}
	return nil
}

// readAgain reports whether the item is accounted for already: the stream is
// being read again from a point before the last commit.
func (r *session) readAgain(it *item) (bool, error) {
	if r.again == 0 {
		return false, nil
	}
	if it.out.VendorID == "" {
		if r.skip == 0 {
			return false, nil
		}
		r.skip--
		r.passed++
		r.again--
		return true, nil
	}
	if err := count(r.reseen, it.key); err != nil {
		return false, err
	}
	now, err := times(r.reseen, it.key)
	if err != nil {
		return false, err
	}
	before, err := times(r.seen, it.key)
	if err != nil || now > before {
		return false, err
	}
	r.again--
	return true, nil
}

// times returns how often a key was counted.
func times(m *spill.Map, k spill.Key) (uint64, error) {
	value, ok, err := m.Get(k)
	if err != nil || !ok {
		return 0, err
	}
	if len(value) == 0 { // by far the most
		return 1, nil
	}
	n, _ := binary.Uvarint(value)
	return n, nil
}

func count(m *spill.Map, k spill.Key) error {
	n, err := times(m, k)
	if err != nil {
		return err
	}
	if n == 0 {
		return m.Put(k, nil)
	}
	return m.Put(k, binary.AppendUvarint(nil, n+1))
}

// judge walks one record through the contract, line by line.
func (r *session) judge(ctx context.Context, b *pendingBatch, q *questions, it *item) (verdict, error) {
	if it.err != nil {
		return failed("", ReasonMalformed.because("%v", it.err)), nil
	}
	out := &it.out
	rejected, panicked := r.rejects(it)
	if out.VendorID == "" {
		if rejected != "" {
			return filtered(rejected), nil
		}
		return r.faulty(out, ReasonNoVendorID), nil
	}
	seen, err := r.seen.Has(it.key)
	if err != nil {
		return verdict{}, err
	}
	b.Seen = append(b.Seen, it.key[:]...)
	if seen {
		return skipped(duplicateOf(strings.Clone(out.VendorID))), count(r.seen, it.key)
	}
	if err := r.seen.Put(it.key, nil); err != nil {
		return verdict{}, err
	}

	l, superseded, err := r.mustLink(ctx, q, it)
	if err != nil {
		return verdict{}, err
	}
	if l != nil {
		b.delta.linked++
	}
	if panicked != nil {
		return failed("", ReasonMalformed.because("%v", panicked)), nil
	}
	if rejected != "" {
		return filtered(rejected), nil
	}
	if len(out.Faults) > 0 {
		return r.faulty(out, ReasonInvalid), nil
	}
	if superseded != "" {
		return skipped(duplicateOf(superseded)), nil
	}
	revisit, err := r.rank.revisits(r, l)
	if err != nil {
		return verdict{}, err
	}
	if l.fresh(it) && !revisit {
		if r.in.Policy == CreateOnly {
			return skipped(ReasonCreateOnly.because("the record is there already")), nil
		}
		return verdict{action: ActionUnchanged}, nil
	}
	if err := r.knowParents(ctx, q, it); err != nil {
		return verdict{}, err
	}
	var hit *Hit
	if l != nil {
		if hit, err = r.mustLinkedHit(ctx, q, l); err != nil {
			return verdict{}, err
		}
	}
	var supersedes string
	if hit == nil {
		m, v, err := r.match(ctx, b, q, it)
		if err != nil || v.action != "" {
			return v, err
		}
		hit, supersedes = m.hit, m.supersedes
	}
	if hit != nil {
		if err := r.rank.weigh(ctx, r, q, it, hit); err != nil {
			return verdict{}, err
		}
	}
	switch {
	case hit == nil && out.NoCreate != "":
		return filtered(out.NoCreate), nil
	case hit != nil && out.NoUpdate != "":
		return filtered(out.NoUpdate), nil
	case hit == nil && r.in.Policy == UpdateOnly:
		return skipped(ReasonUpdateOnly.because("no record matches")), nil
	case hit != nil && r.in.Policy == CreateOnly:
		return skipped(ReasonCreateOnly.because("the record is there already")), nil
	case hit != nil && hit.Archived && !r.in.RestoreArchived:
		return skipped(ReasonArchived.because("the record %s is archived; set restore_archived to take it back", hit.ID)), nil
	}
	return r.write(ctx, b, q, it, hit, l, supersedes)
}

// rejects says why the mapping's filter or the host's leaves a record out. The
// host's is not asked about what is no record at all, which it would hide; its
// panic fails the record alone.
func (r *session) rejects(it *item) (rejected string, panicked error) {
	if it.out.Filtered != "" || r.filter == nil || len(it.out.Rows) == 0 {
		return it.out.Filtered, nil
	}
	defer func() {
		if p := recover(); p != nil {
			panicked = connector.Errorf(connector.ErrInternal, "filter record", "the filter panicked: %v", p)
		}
	}()
	if r.filter(it.record) {
		return "", nil
	}
	return "the host's filter leaves it out", nil
}

// faulty makes the verdict of a record that the mapper finds fault with.
func (r *session) faulty(out *mapping.Out, reason Reason) verdict {
	if len(out.Faults) == 0 {
		return failed("", reason.because("the mapper found no vendor id in it"))
	}
	f := out.Faults[0]
	if f.Field == "" && reason == ReasonNoVendorID && !strings.Contains(f.Reason, "vendor id") {
		reason = ReasonMalformed
	}
	texts := make([]string, len(out.Faults))
	for i, f := range out.Faults {
		texts[i] = strings.Clone(f.String())
	}
	return failed(strings.Clone(f.Field), reason.because("%s", strings.Join(texts, "; ")))
}

func (r *session) mustLink(ctx context.Context, q *questions, it *item) (l *knownLink, superseded string, err error) {
	l, superseded, known := r.linkOf(q, it)
	if !known {
		if err := q.answer(ctx); err != nil {
			return nil, "", err
		}
		l, superseded, _ = r.linkOf(q, it)
	}
	return l, superseded, nil
}

func (r *session) mustLinkedHit(ctx context.Context, q *questions, l *knownLink) (*Hit, error) {
	hit, known := r.linkedHit(q, l)
	if !known {
		if err := q.answer(ctx); err != nil {
			return nil, err
		}
		hit, _ = r.linkedHit(q, l)
	}
	return hit, nil
}

// A matched is what the sync keys found.
type matched struct {
	hit        *Hit
	supersedes string // the vendor id that loses the record
}

// match looks for the record by sync keys, in order. A verdict with an action
// ends the matter.
func (r *session) match(ctx context.Context, b *pendingBatch, q *questions, it *item) (matched, verdict, error) {
	row := it.out.Rows[0]
	usable := false
	var m matched
	for i := range r.syncKeys {
		viewText, text := r.keyText(i, row, it, nil)
		if viewText == "" {
			continue
		}
		usable = true
		if holder, ok := r.view.get(r.holderKey(i, viewText)); ok {
			if m.hit == nil {
				return m, skipped(duplicateOf(holder)), nil
			}
			r.elsewhere(b, it, i, holder)
			continue
		}
		if text == "" {
			continue
		}
		hits, err := r.holders(ctx, q, i, text)
		if err != nil {
			return m, verdict{}, err
		}
		switch {
		case m.hit != nil:
			if len(hits) > 0 && !slices.ContainsFunc(hits, func(h *Hit) bool { return h.ID == m.hit.ID }) {
				holder, err := r.nameOf(hits[0])
				if err != nil {
					return m, verdict{}, err
				}
				r.elsewhere(b, it, i, holder)
			}
		case len(hits) > 1:
			ids := make([]string, len(hits))
			for n, h := range hits {
				ids[n] = h.ID
			}
			slices.Sort(ids)
			return m, failed(r.uniques[i].name, ReasonAmbiguous.because("%s %s is held by the records %s; merge them or correct one", r.uniques[i].name, r.shown(i, text), orList(ids))), nil
		case len(hits) == 1:
			m.hit = hits[0]
			var v verdict
			if m.supersedes, v, err = r.takeOver(it, m.hit); err != nil || v.action != "" {
				return m, v, err
			}
		}
	}
	if !usable {
		return m, skipped(ReasonNoSyncKey.because("none of %s has a usable value", r.syncKeyNames())), nil
	}
	return m, verdict{}, nil
}

// takeOver returns the vendor id that would lose the record to the item; if this
// run has read it, the item is a duplicate of it.
func (r *session) takeOver(it *item, hit *Hit) (supersedes string, v verdict, err error) {
	holder, ok := r.view.get(viewKey(viewTaken, hit.ID))
	if !ok && hit.Link != nil {
		holder = hit.Link.VendorID
	}
	if holder == "" || holder == it.out.VendorID {
		return "", verdict{}, nil
	}
	holder = strings.Clone(holder)
	read, err := r.seen.Has(vendorKey(holder))
	if err != nil {
		return "", verdict{}, err
	}
	if read {
		return "", skipped(duplicateOf(holder)), nil
	}
	return holder, verdict{}, nil
}

// matchOnly reports whether sync key i finds but is not written.
func (r *session) matchOnly(i int) bool {
	t := &r.targets[0]
	return slices.ContainsFunc(r.uniques[i].at, func(at int) bool { c := t.index[at]; return c >= 0 && t.columns[c].matchOnly })
}

// elsewhere notes that a secondary sync key, which is not written, points to
// another record. One that is written will be a conflict.
func (r *session) elsewhere(b *pendingBatch, it *item, i int, holder string) {
	if !r.matchOnly(i) {
		return
	}
	b.delta.problem(Problem{
		Record: strings.Clone(it.out.VendorID), Field: r.uniques[i].name,
		Reason: ReasonElsewhere.because("this secondary sync key belongs to %s; it was not used", holderName(holder)),
	}, r.s.opt.MaxProblems)
}

func (r *session) syncKeyNames() string {
	names := make([]string, r.syncKeys)
	for i := range names {
		names[i] = r.uniques[i].name
	}
	if len(names) == 0 {
		return "the mapped fields"
	}
	return orList(names)
}

func (r *session) holderKey(i int, text string) spill.Key {
	return viewKey(viewHolder, r.uniques[i].name, text)
}

func (r *session) releasedKey(i int, text, id string) spill.Key {
	return viewKey(viewReleased, r.uniques[i].name, text, id)
}

// holders returns the records that hold unique key i: those of the store, less
// those that have given it up in this run.
func (r *session) holders(ctx context.Context, q *questions, i int, text string) ([]*Hit, error) {
	found, err := q.must(ctx, r.uniques[i].topic, text)
	if err != nil {
		return nil, err
	}
	var hits []*Hit
	for n := range found {
		if _, released := r.view.get(r.releasedKey(i, text, found[n].ID)); !released {
			hits = append(hits, &found[n])
		}
	}
	return hits, nil
}

// shown returns a key for a person, masked if it is sensitive.
func (r *session) shown(i int, text string) string {
	for _, at := range r.uniques[i].at {
		if c := r.targets[0].index[at]; c >= 0 && r.targets[0].columns[c].Sensitive {
			return credentials.Mask
		}
	}
	return fmt.Sprintf("%q", strings.ReplaceAll(strings.ReplaceAll(text, KeySeparator, " / "), "\x00", ""))
}

// conflict reports that a unique key the record would get is another's.
func (r *session) conflict(ctx context.Context, q *questions, it *item, hit *Hit) (verdict, error) {
	row := it.out.Rows[0]
	for i := range r.uniques {
		if r.matchOnly(i) && hit != nil {
			continue
		}
		viewText, text := r.keyText(i, row, it, hit)
		if viewText == "" || hit != nil && text != "" && text == r.heldKey(i, hit) {
			continue
		}
		holder, ok := r.view.get(r.holderKey(i, viewText))
		if !ok && text != "" {
			hits, err := r.holders(ctx, q, i, text)
			if err != nil {
				return verdict{}, err
			}
			for _, h := range hits {
				if hit != nil && h.ID == hit.ID {
					continue
				}
				if holder, err = r.nameOf(h); err != nil {
					return verdict{}, err
				}
				ok = true
				break
			}
		}
		if ok {
			self := "a new record"
			if hit != nil {
				self = "record " + hit.ID
			}
			return failed(r.uniques[i].name, ReasonConflict.because("%s %s would go to %s, but %s holds it; correct it at the vendor or merge the records", r.uniques[i].name, r.shown(i, viewText), self, holderName(holder))), nil
		}
	}
	return verdict{}, nil
}

// nameOf names a record by the vendor id that this run has read it under, else
// by its own id. A record that this run makes has no id yet in a test run, so
// both must say the same.
func (r *session) nameOf(h *Hit) (string, error) {
	if holder, ok := r.view.get(viewKey(viewTaken, h.ID)); ok {
		return holder, nil
	}
	if h.Link != nil {
		read, err := r.seen.Has(vendorKey(h.Link.VendorID))
		if err != nil {
			return "", err
		}
		if read {
			return strings.Clone(h.Link.VendorID), nil
		}
	}
	return "\x00" + h.ID, nil
}

func holderName(name string) string {
	if id, ok := strings.CutPrefix(name, "\x00"); ok {
		return "record " + id
	}
	return "the record of " + name
}

// after returns the value that a field has once v is written over cur, and
// whether that writes anything. matched tells a record that exists.
func (c *column) after(v, cur mapping.Value, matched bool) (mapping.Value, bool) {
	if !matched {
		if v.IsEmpty() {
			v = c.Default
		}
		return v, !v.IsEmpty()
	}
	switch {
	case v.Kind == mapping.KindAbsent, c.matchOnly, c.Write == mapping.OnCreate,
		c.Write == mapping.IfEmpty && !cur.IsEmpty(),
		c.Write == mapping.NeverClear && v.Kind == mapping.KindNull:
		return cur, false
	}
	return v, !same(v, cur)
}

func same(a, b mapping.Value) bool { return a == b || a.IsEmpty() && b.IsEmpty() }

// write decides what is written for a record, over hit if it is not nil.
func (r *session) write(ctx context.Context, b *pendingBatch, q *questions, it *item, hit *Hit, l *knownLink, supersedes string) (verdict, error) {
	t := &r.targets[0]
	row := it.out.Rows[0]
	if v, err := r.conflict(ctx, q, it, hit); err != nil || v.action != "" {
		return v, err
	}
	c := Change{Object: t.Object, Op: Create}
	if hit != nil {
		c.Op, c.Ref, c.Revision = Update, Ref{ID: hit.ID}, hit.Revision
		if hit.Archived {
			c.Op = Restore
		}
	}
	// Decide all before anything goes into the batch: a failed record leaves no
	// trace.
	if v, err := r.companionTaken(ctx, q, it, hit); err != nil || v.action != "" {
		return v, err
	}
	var points []pointing
	for i := range t.columns {
		col := &t.columns[i]
		v := row.Values[i]
		var cur mapping.Value
		if hit != nil {
			cur = hit.Values[col.at]
		}
		if v.Kind == mapping.KindRow {
			continue // below, once its record is known
		}
		after, written := col.after(v, cur, hit != nil)
		if written && after.IsEmpty() && (col.key || col.field.Required) {
			return failed(col.Field, ReasonClearing.because("the source has no value for %s, which record %s must keep; map it as never-clear or correct it at the vendor", col.Field, hit.ID)), nil
		}
		if written {
			c.add(col, cur, after)
		}
		var err error
		if points, err = r.addPoint(ctx, q, points, t, i, after, hit); err != nil {
			return verdict{}, err
		}
	}
	parents := make(map[int]*sharedParent)
	for i, parent := range it.out.Rows {
		if pt := &r.targets[parent.Target]; pt.Role == mapping.Shared {
			p, err := r.resolveShared(ctx, b, q, pt, parent)
			if err != nil {
				return verdict{}, err
			}
			parents[i] = p
		}
	}
	u := &unitBuilder{b: b, note: note{item: true, vendorID: strings.Clone(it.out.VendorID), effects: map[string]Effects{}}}
	for i := range t.columns {
		col := &t.columns[i]
		if v := row.Values[i]; v.Kind == mapping.KindRow {
			p := parents[int(v.Int)]
			if hit != nil && (hit.Values[col.at].Text == p.id && p.id != "" || col.Write == mapping.OnCreate || col.Write == mapping.IfEmpty && !hit.Values[col.at].IsEmpty()) {
				continue
			}
			var cur mapping.Value
			if hit != nil {
				cur = hit.Values[col.at]
			}
			u.refs = append(u.refs, reference{change: 0, column: len(c.Columns), parent: p})
			c.add(col, cur, mapping.Value{})
		}
	}
	u.refs = u.pointAt(r, 0, &c, points, hit, u.refs)
	action := ActionUnchanged
	self := Ref{Change: b.changes}
	switch {
	case hit == nil:
		action = ActionCreated
		u.unit.Changes = append(u.unit.Changes, c)
	case c.Op == Restore || len(c.Columns) > 0:
		action = ActionUpdated
		self = Ref{ID: hit.ID}
		u.unit.Changes = append(u.unit.Changes, c)
	default:
		self = Ref{ID: hit.ID}
	}
	v := verdict{action: action}
	if r.observe != nil {
		v.changes = r.differences("", t.object, c, u.refs)
	}
	if c.Op == Restore {
		v.reason = "restored from the archive"
	}
	if err := r.writeCompanions(ctx, q, it, hit, self, parents, u, &v); err != nil {
		return verdict{}, err
	}
	if err := r.writeChildren(ctx, q, it, hit, self, parents, u, &v); err != nil {
		return verdict{}, err
	}
	if len(u.note.effects) > 0 && action == ActionUnchanged {
		v.action = ActionUpdated
	}
	u.link(r, it, l, hit, self, supersedes, &v)
	u.note.action, v.effects = v.action, u.note.effects
	for object, e := range u.note.effects {
		b.delta.effect(object, e)
	}
	if supersedes != "" {
		b.delta.linked++ // the link that was taken over is not missing
	}
	if l == nil && supersedes == "" {
		b.delta.made++
	}
	r.remember(u, it, hit, supersedes)
	u.done()
	return v, nil
}

// add writes one column into the change.
func (c *Change) add(col *column, before, after mapping.Value) {
	c.addField(col.at, col.Sensitive, before, after)
}

// addField writes one field of the object into the change.
func (c *Change) addField(at int, hidden bool, before, after mapping.Value) {
	if c.Op != Create && c.Op != Ensure {
		c.Before = append(c.Before, before)
	}
	if hidden && c.Hidden == nil {
		c.Hidden = make([]bool, len(c.Columns), len(c.Columns)+1)
	}
	c.Columns = append(c.Columns, at)
	c.After = append(c.After, after)
	if c.Hidden != nil {
		c.Hidden = append(c.Hidden, hidden)
	}
}

// link ties the vendor id to the record, if the link does not say so already.
func (u *unitBuilder) link(r *session, it *item, l *knownLink, hit *Hit, self Ref, supersedes string, v *verdict) {
	u.unit.Links = append(u.unit.Links, LinkChange{Object: r.object.Name, VendorID: it.out.VendorID, Ref: self, Hash: it.hash, Supersedes: supersedes, Withheld: it.withheld})
	if supersedes != "" && v.reason == "" {
		v.reason = "takes the record over from " + supersedes
	}
	if l != nil && l.id != "" && (hit == nil || hit.ID != l.id) {
		u.unit.Links = append(u.unit.Links, LinkChange{Object: r.object.Name, Ref: Ref{ID: l.id}, Remove: true})
	}
}

// remember tells the view what the record's unit will have changed.
func (r *session) remember(u *unitBuilder, it *item, hit *Hit, supersedes string) {
	vendorID := strings.Clone(it.out.VendorID)
	row := it.out.Rows[0]
	if len(r.selfRefs) > 0 {
		p := &sharedParent{label: holderName(vendorID), batch: u.b, change: u.b.changes}
		if hit != nil {
			p.id, p.batch = strings.Clone(hit.ID), nil
		} else {
			u.note.shared = p
		}
		r.place(vendorID, p)
	}
	for i := range r.companions {
		r.companions[i].remember(r, it, vendorID)
	}
	for i := range r.uniques {
		if hit != nil && r.matchOnly(i) {
			continue
		}
		viewText, text := r.keyText(i, row, it, hit)
		held := ""
		if hit != nil {
			held = r.heldKey(i, hit)
			if text == held && text != "" {
				continue
			}
			if held != "" {
				r.view.set(r.releasedKey(i, held, strings.Clone(hit.ID)), "")
			}
		}
		if viewText != "" {
			r.view.set(r.holderKey(i, viewText), vendorID)
			r.arrived(vendorID, viewText)
			if text != "" {
				r.wrote(r.uniques[i].topic, text)
			}
		}
	}
	if hit != nil {
		r.view.set(viewKey(viewTaken, hit.ID), vendorID)
	}
	if supersedes != "" {
		r.takeovers++
		r.view.set(viewSupersededKey(supersedes), vendorID)
		r.links.supersede(supersedes, vendorID)
	}
}

// differences shows a change field by field.
func (r *session) differences(object string, o *mapping.Object, c Change, refs []reference) []Difference {
	out := make([]Difference, 0, len(c.Columns))
	for i, at := range c.Columns {
		f := &o.Fields[at]
		d := Difference{Object: object, Field: f.Name, Before: json.RawMessage("null")}
		if c.Before != nil {
			d.Before = f.AppendJSON(nil, c.Before[i])
		}
		d.After = f.AppendJSON(nil, c.After[i])
		for _, ref := range refs {
			if ref.column == i {
				d.After, _ = json.Marshal(ref.parent.label) // a string always marshals
			}
		}
		if c.Hidden != nil && c.Hidden[i] {
			d.Before, d.After = masked(d.Before), masked(d.After)
		}
		out = append(out, d)
	}
	return out
}

func masked(b json.RawMessage) json.RawMessage {
	if string(b) == "null" {
		return b
	}
	return json.RawMessage(`"` + credentials.Mask + `"`)
}

// forecast shows the verdict to a person.
func (r *session) forecast(it *item, name string, v verdict) TestRecord {
	rec := TestRecord{Record: strings.Clone(name), Source: slices.Clone(r.mask(it.record)), Action: v.action, Reason: v.reason, Changes: v.changes, Effects: v.effects}
	if len(rec.Effects) == 0 {
		rec.Effects = nil
	}
	if it.err != nil || len(it.out.Rows) == 0 || len(it.out.Faults) > 0 {
		return rec
	}
	rec.Mapped, rec.Withheld = r.shownRow(it, 0), it.explained
	for i, row := range it.out.Rows {
		if role := r.targets[row.Target].Role; role != mapping.Child && role != mapping.Companion {
			continue
		}
		object := r.targets[row.Target].Object
		list, _ := rec.Mapped[object].([]any)
		rec.Mapped[object] = append(list, r.shownRow(it, i))
	}
	return rec
}

// shownRow returns a row as JSON values by field name; a reference shows as the
// label of the record it refers to.
func (r *session) shownRow(it *item, i int) map[string]any {
	row := it.out.Rows[i]
	t := &r.targets[row.Target]
	m := make(map[string]any, len(row.Values))
	for n, v := range row.Values {
		col := &t.columns[n]
		switch {
		case v.Kind == mapping.KindAbsent:
		case v.Kind == mapping.KindRow && v.Int == 0 && (t.Role == mapping.Child || t.Role == mapping.Companion):
		case v.Kind == mapping.KindRow:
			parent := it.out.Rows[v.Int]
			m[col.Field] = strings.Clone(r.targets[parent.Target].label(parent))
		case col.Sensitive && v.Kind != mapping.KindNull:
			m[col.Field] = credentials.Mask
		default:
			m[col.Field] = json.RawMessage(col.field.AppendJSON(nil, v))
		}
	}
	return m
}

// process decides one batch of pages and hands it to be applied.
func (r *session) process(ctx context.Context, pages []*mappedPage, cursor connector.Cursor, resumable, last bool) error {
	b := r.newBatch(pages, cursor, resumable, last)
	deciding, end := r.watch.begin(ctx, stepDecide)
	err := r.decidePages(deciding, b)
	end(err, attrRecords.Int64(b.delta.counts.Fetched))
	if err != nil {
		return err
	}
	if r.test == nil {
		return r.apply(ctx, b)
	}
	if err := r.cancelled(ctx); err != nil {
		return err
	}
	return r.take(b)
}

// decidePages decides what becomes of the records of a batch.
func (r *session) decidePages(ctx context.Context, b *pendingBatch) error {
	r.turn()
	q, err := r.ask(ctx, b.pages)
	if err != nil {
		return err
	}
	for _, p := range b.pages {
		for i := range p.items {
			if err := r.decide(ctx, b, q, &p.items[i]); err != nil {
				return err
			}
		}
	}
	b.anonymousAt, b.again = r.passed, r.again
	if r.view.err != nil {
		return fmt.Errorf("remember what was decided: %w", r.view.err)
	}
	return nil
}

// cancelled reports whether somebody has asked the run to stop.
func (r *session) cancelled(ctx context.Context) error {
	stop, err := r.s.journal.CancelRequested(ctx, r.state.Run.ID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("ask whether the run is cancelled: %w", err)
	}
	if stop {
		return errCancelled
	}
	return nil
}
