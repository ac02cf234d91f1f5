package storetest

import (
	"errors"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/syncer"
)

func splitRules() []rule {
	return []rule{
		{"split", "Split gives the record back what it had, and the other what it was", splitWhole},
		{"split-links", "Split gives links back, superseded ones as live ones, and all are stale", splitLinks},
		{"split-children", "Split gives children and references back, and takes those out of the archive that the merge put there", splitChildren},
		{"split-changed", "Split leaves what was changed since the merge, and says so", splitChanged},
		{"split-whole", "merges of whatever records, split in the other order, leave all as it was", splitRandom},
		{"split-refused", "a split of a record that is not merged, or of another revision, is refused", splitRefused},
		{"split-again", "records that were split are two, and can be merged again", splitAgain},
	}
}

func splitWhole(p *probe) {
	w := p.writer("a")
	boss := w.make("users", nil)
	own := set{"username": "into", "title": "kept", "department": nil, "employee_id": nil, "manager": nil, "manager_id": nil}
	its := set{"username": "from", "title": "its own", "department": "D", "employee_id": "E7", "manager": "boss", "manager_id": boss}
	into, from := w.make("users", own), w.make("users", its)
	intoBefore, fromBefore := p.found("", "users", into).Revision, p.found("", "users", from).Revision
	p.merge("users", from, into)
	p.now = start.Add(time.Minute)
	same(p, "what the split left", p.split("users", from, into), nil)

	p.intact("by its id", into, own)
	p.intact("by the split record's id", from, its)
	equal(p, "the revision of the record", p.found("", "users", into).Revision, intoBefore+2)
	equal(p, "the revision of the split record", p.found("", "users", from).Revision, fromBefore+2)
	p.finds("by its username", p.byKey("users", "username", "into"), into)
	p.finds("by the split record's username", p.byKey("users", "username", "from"), from)
	p.finds("by the split record's employee id", p.byKey("users", "employee_id", "e7"), from)
	p.conflict("the record's update to the split one's key", w.apply(unit(p.update("users", into, set{"employee_id": "E7"})))[0])
	p.conflict("a creation with the split record's key", w.apply(unit(p.create("users", set{"username": "from"})))[0])
	if is[syncer.KeyScanner](p.store) && !containsAll(p.keys("users"), "username=into", "username=from", "employee_id=e7") {
		p.errorf("the keys after the split are %v", p.keys("users"))
	}
	if is[syncer.Reader](p.store) {
		e := p.last("users", from, 3)
		p.judged(e, syncer.Split)
		e = p.last("users", into, 3)
		p.judged(e, syncer.Update)
		p.changed(e, "department", "employee_id", "manager", "manager_id")
		p.eventChange(e, "department", "D", nil)
		p.at("Archived of the split record", p.record(p.reader(), "users", from).Archived, time.Time{})
		for _, id := range []string{into, from} {
			for i, e := range p.events("users", id, 3) {
				equal(p, "the revision of an event", e.Revision, int64(i)+p.events("users", id, 3)[0].Revision)
			}
		}
	}
}

// intact notes a fault unless what is found is this user, with these values.
func (p *probe) intact(how, id string, want set) {
	h := p.byID("a", "users", id)
	p.finds(how, h, id)
	if h != nil {
		p.holdsValues("users", h.Values, want)
	}
}

// containsAll reports whether a list has all of the texts.
func containsAll(list []string, texts ...string) bool {
	has := map[string]bool{}
	for _, s := range list {
		has[s] = true
	}
	for _, s := range texts {
		if !has[s] {
			return false
		}
	}
	return true
}

func splitLinks(p *probe) {
	a, b, c := p.writer("a"), p.writer("b"), p.writer("c")
	into, from := a.linked("users", "one", nil), a.linked("users", "two", nil)
	a.supersede(from, "three", "two")
	b.apply(linking(syncer.LinkChange{Object: "users", VendorID: "b", Ref: to(from), Hash: 7}))
	c.apply(linking(syncer.LinkChange{Object: "users", VendorID: "c", Ref: to(into), Hash: 8}))
	p.merge("users", from, into)
	for _, w := range []*writer{a, b, c} {
		l := p.link(w.integration, "users", into)
		w.apply(linking(syncer.LinkChange{Object: "users", VendorID: l.VendorID, Ref: to(into), Hash: l.Hash}))
	}
	same(p, "what the split left", p.split("users", from, into), nil)
	p.holder("one", into, "one")
	p.holder("three", from, "three")
	p.holder("two", from, "three")
	equal(p, "the link that moved back", p.link("b", "users", from), syncer.Link{VendorID: "b", ID: from, Hash: 7, Stale: true})
	equal(p, "the link that did not move", p.link("c", "users", into), syncer.Link{VendorID: "c", ID: into, Hash: 8, Stale: true})
	p.stale("a", "users", into, true, "the split")
	p.stale("a", "users", from, true, "the split")
	for integration, id := range map[string]string{"b": into, "c": from} {
		if l := p.found(integration, "users", id).Link; l != nil {
			p.errorf("after the split, %q has the link %+v to the record that it had none to", integration, *l)
		}
	}
	a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "three", Ref: to(from), Hash: 9}))
	equal(p, "the link, renewed", p.link("a", "users", from), syncer.Link{VendorID: "three", ID: from, Hash: 9})
}

func splitChildren(p *probe) {
	w := p.writer("a")
	user := w.make("users", nil)
	into, from := w.make("assets", nil), w.make("assets", nil)
	editor, mail := w.make("software", set{"name": "Editor"}), w.make("software", set{"name": "Mail"})
	kept, twin := w.do(p.install(editor, into, "1"))[0], w.do(p.install(editor, from, "1"))[0]
	moved, fresh := w.do(p.install(mail, from, "1"))[0], ""
	gone := w.do(p.install(mail, from, "0"))[0]
	w.do(p.write(syncer.Archive, "software_installs", gone, nil))
	p.merge("assets", from, into)
	fresh = w.do(p.install(mail, into, "2"))[0]
	same(p, "what the split left", p.split("assets", from, into), nil)
	children := func(asset string) []string {
		var ids []string
		for _, h := range p.children("a", "software_installs", "asset", asset) {
			if !h.Archived {
				ids = append(ids, h.ID)
			}
		}
		return sortedIDs(ids...)
	}
	same(p, "the children of the record", children(into), sortedIDs(kept, fresh))
	same(p, "the children of the split record", children(from), sortedIDs(twin, moved))
	p.holds("software_installs", gone, set{"asset": from})
	equal(p, "Archived of a child that was so before the merge", p.found("", "software_installs", gone).Archived, true)

	other := w.make("users", nil)
	asset, late := w.make("assets", set{"assigned_to_id": other}), w.make("assets", nil)
	p.merge("users", other, user)
	w.do(p.update("assets", late, set{"assigned_to_id": user}))
	p.now = start.Add(time.Minute)
	same(p, "what the second split left", p.split("users", other, user), nil)
	p.holds("assets", asset, set{"assigned_to_id": other})
	p.holds("assets", late, set{"assigned_to_id": user})
	if is[syncer.Reader](p.store) {
		e := p.last("assets", asset, 3)
		p.judged(e, syncer.Update)
		p.eventChange(e, "assigned_to_id", user, other)
	}
}

func splitChanged(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	into, from := a.make("users", set{"username": "into"}), a.linked("users", "v", set{"username": "from", "title": "T", "department": "D", "employee_id": "E7", "phone": "1"})
	asset := a.make("assets", set{"assigned_to_id": from})
	third := a.make("users", nil)
	p.merge("users", from, into)
	b.do(p.update("users", into, set{"title": "b's", "employee_id": "E8", "phone": nil}))
	b.do(p.update("users", third, set{"employee_id": "E7"}))
	b.do(p.update("assets", asset, set{"assigned_to_id": third}))
	a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(third), Hash: 1}))
	left := p.split("users", from, into)
	if len(left) == 0 {
		p.errorf("the split says nothing of what it left")
	}
	for _, sentence := range left {
		if strings.TrimSpace(sentence) == "" {
			p.errorf("the split left something that it has no words for: %q", left)
		}
	}
	p.intact("by its id", into, set{"username": "into", "title": "b's", "employee_id": "E8", "phone": nil, "department": nil})
	p.intact("by the split record's id", from, set{"username": "from", "title": "T", "department": "D", "phone": "1"})
	p.finds("by a key that another took since", p.byKey("users", "employee_id", "E7"), third)
	p.finds("by a key that the record took since", p.byKey("users", "employee_id", "E8"), into)
	p.holds("assets", asset, set{"assigned_to_id": third})
	p.holder("v", third, "v")
	p.written("an update of the split record", a.apply(unit(p.update("users", from, set{"notes": "later"})))[0])
	p.finds("by a key that another took since, after an update of the split record", p.byKey("users", "employee_id", "E7"), third)
}

func splitRefused(p *probe) {
	w := p.writer("a")
	into, from, other := w.make("users", nil), w.make("users", set{"phone": "1"}), w.make("users", nil)
	refused := func(what string, m syncer.Merge, want error) {
		if left, err := p.merger().Split(p.ctx, m); !errors.Is(err, want) {
			p.errorf("%s left %q and returned %v, not %q", what, left, err, want)
		}
	}
	refused("a split before the merge", p.asked("users", from, into), syncer.ErrNotFound)
	p.merge("users", from, into)
	refused("a split of the record that it is a part of", p.asked("users", into, from), syncer.ErrNotFound)
	refused("a split of a record that has no part in it", p.asked("users", other, into), syncer.ErrNotFound)
	refused("a split of no record", p.asked("users", w.neverMade("users"), into), syncer.ErrNotFound)
	late := p.asked("users", from, into)
	late.IntoRevision = p.found("", "users", into).Revision + 1
	refused("a split of another revision", late, syncer.ErrConflict)
	p.finds("by the merged record's id, after what was refused", p.byID("a", "users", from), into)
	p.holds("users", into, set{"phone": "1"})
	late.IntoRevision--
	if _, err := p.merger().Split(p.ctx, late); err != nil {
		p.errorf("a split of the revision that there is returned %q", err)
	}
	refused("a second split", p.asked("users", from, into), syncer.ErrNotFound)
}

func splitAgain(p *probe) {
	w := p.writer("a")
	into, from := w.linked("users", "into", set{"username": "into"}), w.linked("users", "from", set{"username": "from", "employee_id": "E7"})
	for range 3 {
		p.merge("users", from, into)
		p.finds("by the merged record's link", p.byLink("a", "users", "from"), into)
		p.holds("users", into, set{"employee_id": "E7"})
		same(p, "what the split left", p.split("users", from, into), nil)
		p.finds("by the split record's link", p.byLink("a", "users", "from"), from)
		w.do(p.update("users", from, set{"title": "its own"}))
	}
	p.merge("users", into, from)
	p.finds("by the other's username, merged the other way round", p.byKey("users", "username", "into"), from)
	same(p, "what the last split left", p.split("users", into, from), nil)
	p.intact("by its id", into, set{"employee_id": nil, "title": nil})
	p.intact("by the other's id", from, set{"employee_id": "E7", "title": "its own"})

	one, two, three := w.make("users", set{"phone": "1"}), w.make("users", nil), w.make("users", nil)
	p.merge("users", one, two)
	p.merge("users", two, three)
	same(p, "what the split of a chain's end left", p.split("users", two, three), nil)
	p.finds("by the first's id", p.byID("a", "users", one), two)
	p.intact("by the third's id", three, set{"phone": nil})
	p.intact("by the second's id", two, set{"phone": "1"})
	same(p, "what the split of the rest left", p.split("users", one, two), nil)
	p.intact("by the first's id", one, set{"phone": "1"})
	p.intact("by the second's id", two, set{"phone": nil})
}
