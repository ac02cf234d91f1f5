package syncer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/spill"
	"github.com/vendorsync/vendorsync/mapping"
)

// Questions collects what a batch needs to know of the store, so that Match is
// called a few times a batch, not once a record. A question is put by looking
// its answer up; one that has none yet is asked with the next round.
type questions struct {
	r      *session
	topics map[topic]*answers
	open   int
	traces map[string]*Trace // by record; nil while it is asked for
	trace  []string          // asked for
}

// A topic is what the questions of one Match have in common.
type topic struct {
	object string
	by     By
	fields string // joined by commas
}

type answers struct {
	known  map[string][]Hit
	asked  map[string]bool
	asking []string
}

// rounds bounds how often one batch asks: a record's target, then its keys, then
// its children.
const rounds = 6

// filterPays is the number of questions about keys from which a scan of all
// keys is cheaper than asking.
const filterPays = 1000

func (r *session) newQuestions() *questions {
	return &questions{r: r, topics: map[topic]*answers{}, traces: map[string]*Trace{}}
}

// look returns what the store answered about value, or puts the question down
// for the next round.
func (q *questions) look(t topic, value string) (hits []Hit, known bool) {
	if t.by == ByKey && q.r.keys != nil && (q.r.keyless[t.object] || !q.r.keys.MayHave(filterKey(t, value))) {
		return nil, true
	}
	a := q.topics[t]
	if a == nil {
		a = &answers{known: map[string][]Hit{}, asked: map[string]bool{}}
		q.topics[t] = a
	}
	if hits, known = a.known[value]; known {
		return hits, true
	}
	if !a.asked[value] {
		a.asked[value] = true
		a.asking = append(a.asking, value)
		q.open++
	}
	return nil, false
}

// must is look for a decision that needs the answer now: the view has corrected
// what the rounds went by.
func (q *questions) must(ctx context.Context, t topic, value string) ([]Hit, error) {
	hits, known := q.look(t, value)
	if known {
		return hits, nil
	}
	if err := q.answer(ctx); err != nil {
		return nil, err
	}
	hits, _ = q.look(t, value)
	return hits, nil
}

// answer puts all open questions to the store.
func (q *questions) answer(ctx context.Context) error {
	if err := q.buildFilter(ctx); err != nil {
		return err
	}
	for t, a := range q.topics {
		if t.by == ByKey && q.r.keys != nil {
			a.asking = q.surelyNew(t, a)
		}
		if len(a.asking) == 0 {
			continue
		}
		query := Query{Integration: q.r.in.ID, Object: t.object, By: t.by, Values: a.asking}
		if t.fields != "" {
			query.Fields = strings.Split(t.fields, ",")
		}
		hits, err := q.r.s.store.Match(ctx, query)
		if err != nil {
			return fmt.Errorf("look up %s: %w", t.object, err)
		}
		if len(hits) != len(a.asking) {
			return connector.Errorf(connector.ErrInternal, "look up "+t.object, "the store answered %d of %d questions", len(hits), len(a.asking))
		}
		for i, value := range a.asking {
			a.known[value] = hits[i]
		}
		a.asking = nil
	}
	q.open = 0
	return q.answerTraces(ctx)
}

// surelyNew answers the questions about keys that the store cannot have and
// returns the others.
func (q *questions) surelyNew(t topic, a *answers) []string {
	left := a.asking[:0]
	for _, value := range a.asking {
		if q.r.keys.MayHave(filterKey(t, value)) {
			left = append(left, value)
		} else {
			a.known[value] = nil
		}
	}
	return left
}

// buildFilter scans the store's keys once, when enough is asked about them.
func (q *questions) buildFilter(ctx context.Context) error {
	r := q.r
	scanner, ok := r.s.store.(KeyScanner)
	if r.keys != nil || !ok || r.s.opt.MatchCache < 0 {
		return nil
	}
	asked := 0
	for t, a := range q.topics {
		if t.by == ByKey {
			asked += len(a.asking)
		}
	}
	if asked < filterPays {
		return nil
	}
	// What this run has decided is in the view until it is committed, and in the
	// filter if it is decided after the scan: so nothing may be between the two.
	if err := r.settle(ctx); err != nil {
		return err
	}
	keys := spill.NewFilter(filterPays)
	objects := map[string]bool{}
	scan := func(object string) error {
		if objects[object] {
			return nil
		}
		objects[object] = true
		r.keyless[object] = true
		for key, err := range scanner.ScanKeys(ctx, object) {
			if err != nil {
				return fmt.Errorf("read the keys of %s: %w", object, err)
			}
			r.keyless[object] = false
			keys.Add(filterKey(topic{object: object, fields: key.Field}, key.Text))
		}
		return nil
	}
	r.keyless = map[string]bool{}
	for _, t := range r.targets {
		if err := scan(t.Object); err != nil {
			return err
		}
	}
	for _, ref := range r.late {
		if err := scan(ref.object.Name); err != nil {
			return err
		}
	}
	r.keys = keys
	return nil
}

func filterKey(t topic, text string) spill.Key { return viewKey('k', t.object, t.fields, text) }

// wrote tells the filter about a key that this run gives to a record.
func (r *session) wrote(t topic, text string) {
	if r.keys != nil {
		r.keyless[t.object] = false
		r.keys.Add(filterKey(t, text))
	}
}

// ask puts all questions about the pages' records, round by round.
func (r *session) ask(ctx context.Context, pages []*mappedPage) (*questions, error) {
	q := r.newQuestions()
	for range rounds {
		for _, p := range pages {
			for i := range p.items {
				r.want(q, &p.items[i])
			}
		}
		if q.open == 0 {
			return q, nil
		}
		if err := q.answer(ctx); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// want puts the questions that deciding about it takes, as far as they can be
// foreseen from the answers so far.
func (r *session) want(q *questions, it *item) {
	if it.err != nil || it.out.VendorID == "" || len(it.out.Faults) > 0 {
		return
	}
	l, superseded, known := r.linkOf(q, it)
	if !known || superseded != "" || l.fresh(it) || len(it.out.Rows) == 0 {
		return
	}
	row := it.out.Rows[0]
	for _, row := range it.out.Rows[1:] {
		if t := &r.targets[row.Target]; t.Role == mapping.Shared {
			r.knowShared(q, t, row)
		}
	}
	var hit *Hit
	if l != nil {
		if hit, known = r.linkedHit(q, l); !known {
			return
		}
	}
	r.wantRefs(q, &r.targets[0], row, hit)
	r.wantCompanions(q, it, hit)
	if hit == nil {
		for i := range r.uniques {
			hits := r.lookUnique(q, i, row, it, nil)
			if hit == nil && i < r.syncKeys && len(hits) == 1 {
				hit = &hits[0]
			}
		}
	}
	if hit == nil {
		return
	}
	for i := range r.uniques {
		r.lookUnique(q, i, row, it, hit)
	}
	for _, g := range r.children {
		q.look(g.topic(), hit.ID)
	}
	r.rank.want(q, hit)
}

func (g childGroup) topic() topic {
	return topic{object: g.object.Name, by: ByParent, fields: g.object.Fields[g.parent].Name}
}

// A knownLink is what is known of an item's link.
type knownLink struct {
	link
	id  string
	hit *Hit // where the look-up brought the record too
}

// fresh reports whether link and record last agreed on just what the item says.
func (l *knownLink) fresh(it *item) bool {
	return l != nil && !l.stale && l.hash == it.hash
}

// linkOf returns the item's link, or the vendor id that has superseded it.
func (r *session) linkOf(q *questions, it *item) (l *knownLink, superseded string, known bool) {
	if by, ok := r.holderOf(it.out.VendorID); ok {
		return nil, by, true
	}
	if r.links.complete {
		e, ok := r.links.live[it.key]
		if !ok {
			return nil, "", true
		}
		return &knownLink{link: e}, "", true
	}
	hits, known := q.look(topic{object: r.object.Name, by: ByLink}, it.out.VendorID)
	if !known || len(hits) == 0 || hits[0].Link == nil {
		return nil, "", known
	}
	hit := &hits[0]
	if by := hit.Link.VendorID; by != it.out.VendorID {
		if later, ok := r.holderOf(by); ok {
			by = later
		}
		return nil, by, true
	}
	return &knownLink{link: link{hash: hit.Link.Hash, stale: hit.Link.Stale || hit.Link.Missing}, id: hit.ID, hit: hit}, "", true
}

// maxTakeovers bounds how far a chain of take-overs is followed.
const maxTakeovers = 1000

// holderOf returns the vendor id that has the record of a superseded one now,
// as far as this run has decided and the cache knows: the holder may have been
// superseded in its turn.
func (r *session) holderOf(vendorID string) (holder string, superseded bool) {
	if r.takeovers == 0 && len(r.links.superseded) == 0 {
		return "", false
	}
	for range maxTakeovers {
		by, ok := r.view.get(viewSupersededKey(vendorID))
		if !ok {
			by, ok = r.links.superseded[vendorKey(vendorID)]
		}
		if !ok {
			break
		}
		vendorID, holder, superseded = by, by, true
	}
	return holder, superseded
}

// linkedHit returns the record that a link points to, nil if it is deleted.
func (r *session) linkedHit(q *questions, l *knownLink) (hit *Hit, known bool) {
	if l.hit != nil {
		return l.hit, true
	}
	if l.id == "" {
		l.id = r.links.id(l.link)
	}
	hits, known := q.look(topic{object: r.object.Name, by: ByID}, l.id)
	if len(hits) == 0 {
		return nil, known
	}
	return &hits[0], known
}

// keyText returns the normal form that unique key i will have once row is
// written over hit (nil for a new record): view is what the view knows it by,
// store what the store does, empty while a part of it is not in the store.
//
// The texts of a new record are kept in the item, unless they hang on a shared
// parent whose id may become known.
func (r *session) keyText(i int, row mapping.Row, it *item, hit *Hit) (view, store string) {
	if hit != nil || r.uniques[i].linked {
		return r.newKeyText(i, row, it, hit)
	}
	if len(it.keys) == 0 {
		it.keys = slices.Grow(it.keys, len(r.uniques))[:len(r.uniques)]
		clear(it.keys) // of the record that was in this memory before
	}
	k := &it.keys[i]
	if !k.known {
		k.view, k.store = r.newKeyText(i, row, it, nil)
		k.known = true
	}
	return k.view, k.store
}

// A keyText is the normal form of one unique key of an item, for view and store.
type keyText struct {
	view, store string
	known       bool
}

func (r *session) newKeyText(i int, row mapping.Row, it *item, hit *Hit) (view, store string) {
	u := &r.uniques[i]
	t := &r.targets[0]
	var viewParts, storeParts [8]string
	stored := true
	for p, at := range u.at {
		f := &r.object.Fields[at]
		var v mapping.Value
		if hit != nil {
			v = hit.Values[at]
		}
		if c := t.index[at]; c >= 0 {
			if row.Values[c].Kind == mapping.KindRow {
				shared, entry := r.sharedText(it, row.Values[c])
				viewParts[p], storeParts[p] = shared, entry
				stored = stored && entry != ""
				continue
			}
			v, _ = t.columns[c].after(row.Values[c], v, hit != nil)
		}
		text := ""
		if !v.IsEmpty() {
			if f.Link {
				text = v.Text
			} else {
				text = f.Normalize(v)
			}
		}
		viewParts[p], storeParts[p] = text, text
	}
	n := len(u.at)
	if viewParts[0] == "" {
		return "", ""
	}
	if n == 1 && stored {
		return viewParts[0], storeParts[0]
	}
	view = strings.Join(viewParts[:n], KeySeparator)
	if stored {
		store = strings.Join(storeParts[:n], KeySeparator)
	}
	return view, store
}

// lookUnique asks who holds unique key i of the row. Over a record, hit, it asks
// only if the key changes.
func (r *session) lookUnique(q *questions, i int, row mapping.Row, it *item, hit *Hit) []Hit {
	_, text := r.keyText(i, row, it, hit)
	if text == "" || hit != nil && text == r.heldKey(i, hit) {
		return nil
	}
	hits, _ := q.look(r.uniques[i].topic, text)
	return hits
}

// heldKey returns the normal form of unique key i that hit has now.
func (r *session) heldKey(i int, hit *Hit) string {
	return KeyOf(r.object, r.uniques[i].fields, func(at int) mapping.Value { return hit.Values[at] })
}
