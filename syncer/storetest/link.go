package storetest

import (
	"fmt"
	"math"

	"github.com/vendorsync/vendorsync/syncer"
)

func linkRules() []rule {
	return []rule{
		{"link-made", "a link has its vendor id and hash, and is neither stale nor missing", linkMade},
		{"link-only", "linking a record writes nothing to it", linkOnly},
		{"link-one", "a record has at most one live link per integration", linkOne},
		{"link-moves", "a vendor id that is linked to another record leaves the first", linkMoves},
		{"link-own", "a hit has the link of the asking integration", linkOwn},
		{"link-stale", "anyone else's write to the record makes a link stale, and the integration's own does not", linkStale},
		{"link-stale-child", "anyone else's write to a child makes the link to its parent stale", linkStaleChild},
		{"link-renewed", "renewing a link makes it neither stale nor missing", linkRenewed},
		{"link-missing", "Missing keeps the link and marks it as missing and stale", linkMissing},
		{"link-superseded", "Supersedes keeps the old vendor id, by which the record and its holder are found", linkSuperseded},
		{"link-returns", "a superseded vendor id can take the record back", linkReturns},
		{"link-forget", "Forget removes the superseded vendor ids of a record, and nothing else", linkForget},
		{"link-remove", "Remove removes the link", linkRemove},
		{"link-child", "a child is linked by its record alone, without a vendor id", linkChild},
	}
}

func linkMade(p *probe) {
	w := p.writer("a")
	for i, hash := range []uint64{0, 1, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64} {
		vendorID := fmt.Sprintf("Vendor's/id %d 世界", i)
		id := w.doUnit(syncer.Unit{
			Changes: []syncer.Change{p.create("users", nil)},
			Links:   []syncer.LinkChange{{Object: "users", VendorID: vendorID, Ref: toChange(0), Hash: hash}},
		})[0]
		equal(p, "the link", p.link("a", "users", id), syncer.Link{VendorID: vendorID, ID: id, Hash: hash})
		h := p.byLink("a", "users", vendorID)
		if h == nil || h.ID != id || h.Link == nil || *h.Link != p.link("a", "users", id) {
			p.errorf("by the vendor id the record is found as %+v", h)
		}
	}
}

func linkOnly(p *probe) {
	w := p.writer("a")
	id := w.make("users", set{"title": "kept"})
	before := p.found("a", "users", id).Revision
	w.apply(linking(syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(id), Hash: 1}))
	equal(p, "the revision", p.found("a", "users", id).Revision, before)
	p.holds("users", id, set{"title": "kept"})
	equal(p, "the link", p.link("a", "users", id), syncer.Link{VendorID: "v", ID: id, Hash: 1})
	if r, ok := p.store.(syncer.Reader); ok {
		equal(p, "the number of events", len(p.history(r, "users", id)), 1)
	}
}

// live returns the live links of an integration by vendor id, if the store can
// name them.
func (p *probe) live(integration, object string) (links map[string]string, ok bool) {
	s, ok := p.store.(syncer.LinkScanner)
	if !ok {
		return nil, false
	}
	links = map[string]string{}
	for l, err := range s.ScanLinks(p.ctx, integration, object) {
		p.no(err, "ScanLinks")
		if l.SupersededBy == "" {
			links[l.VendorID] = l.ID
		}
	}
	return links, true
}

func linkOne(p *probe) {
	w := p.writer("a")
	id := w.linked("users", "old", nil)
	w.apply(linking(syncer.LinkChange{Object: "users", VendorID: "new", Ref: to(id), Hash: 2}))
	equal(p, "the link", p.link("a", "users", id), syncer.Link{VendorID: "new", ID: id, Hash: 2})
	if h := p.byLink("a", "users", "old"); h != nil {
		p.errorf("a vendor id that lost its record and was not superseded finds %+v", h)
	}
	if links, ok := p.live("a", "users"); ok && len(links) != 1 {
		p.errorf("the live links are %v", links)
	}
}

func linkMoves(p *probe) {
	w := p.writer("a")
	first, second := w.linked("users", "v", nil), w.make("users", nil)
	w.apply(linking(
		syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(second), Hash: 2},
		syncer.LinkChange{Object: "users", Ref: to(first), Remove: true},
	))
	equal(p, "the link", p.link("a", "users", second), syncer.Link{VendorID: "v", ID: second, Hash: 2})
	if h := p.byLink("a", "users", "v"); h == nil || h.ID != second {
		p.errorf("by the vendor id, %+v is found", h)
	}
	if l := p.found("a", "users", first).Link; l != nil {
		p.errorf("the first record has the link %+v", *l)
	}
	w.apply(linking(syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(first), Hash: 3}))
	equal(p, "the link, moved back", p.link("a", "users", first), syncer.Link{VendorID: "v", ID: first, Hash: 3})
	if l := p.found("a", "users", second).Link; l != nil {
		p.errorf("the second record has the link %+v", *l)
	}
}

func linkOwn(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	id := a.linked("users", "of a", nil)
	b.apply(linking(syncer.LinkChange{Object: "users", VendorID: "of b", Ref: to(id), Hash: 2}))
	equal(p, "the first integration's vendor id", p.link("a", "users", id).VendorID, "of a")
	equal(p, "the second integration's vendor id", p.link("b", "users", id).VendorID, "of b")
	if l := p.found("c", "users", id).Link; l != nil {
		p.errorf("an integration without links has the link %+v", *l)
	}
	b.apply(linking(syncer.LinkChange{Object: "users", VendorID: "of b", Ref: to(id), Remove: true}))
	equal(p, "the first integration's vendor id, the other's link removed", p.link("a", "users", id).VendorID, "of a")
}

func linkStale(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	id, other := a.linked("users", "v", nil), a.linked("users", "other", nil)
	a.do(p.update("users", id, set{"title": "a"}))
	p.stale("a", "users", id, false, "the integration's own write")
	b.apply(linking(syncer.LinkChange{Object: "users", VendorID: "w", Ref: to(id), Hash: 1}))
	p.stale("a", "users", id, false, "another integration's link, which writes nothing")
	for _, op := range []syncer.Op{syncer.Update, syncer.Archive, syncer.Restore} {
		b.do(p.write(op, "users", id, set{"notes": string(op)}))
		p.stale("a", "users", id, true, "another integration's "+string(op))
		p.stale("b", "users", id, false, "the integration's own "+string(op))
		p.stale("a", "users", other, false, "another integration's write to another record")
		a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(id), Hash: 1}))
	}
	undone := b.apply(unit(p.update("users", id, set{"notes": "undone"}), p.create("users", set{"username": p.text("users", id, "username")})))
	p.conflict("a unit that is to be undone", undone[0])
	p.stale("a", "users", id, false, "another integration's unit that was undone")
}

// text returns a field's text.
func (p *probe) text(object, id, field string) string {
	return p.found("", object, id).Values[p.column(object, field)].Text
}

func linkStaleChild(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	asset, other := a.linked("assets", "v", nil), a.linked("assets", "w", nil)
	title := a.make("software", nil)
	renew := func() {
		for vendorID, id := range map[string]string{"v": asset, "w": other} {
			a.apply(linking(syncer.LinkChange{Object: "assets", VendorID: vendorID, Ref: to(id), Hash: 1}))
		}
	}
	child := a.do(p.install(title, asset, "1"))[0]
	a.do(p.update("software_installs", child, set{"path": "/opt"}))
	p.stale("a", "assets", asset, false, "the integration's own writes to a child")
	b.do(p.install(title, asset, "2"))
	p.stale("a", "assets", asset, true, "another integration's creation of a child")
	p.stale("a", "assets", other, false, "a write to another record's child")
	renew()
	for _, op := range []syncer.Op{syncer.Update, syncer.Archive, syncer.Restore} {
		b.do(p.write(op, "software_installs", child, set{"path": string(op)}))
		p.stale("a", "assets", asset, true, "another integration's "+string(op)+" of a child")
		renew()
	}
	b.do(p.update("software_installs", child, set{"asset": other}))
	p.stale("a", "assets", asset, true, "another integration took a child away")
	p.stale("a", "assets", other, true, "another integration moved a child there")
}

func linkRenewed(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	id := a.linked("users", "v", nil)
	b.do(p.update("users", id, set{"title": "b"}))
	a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(id), Hash: 1, Missing: true}))
	a.doUnit(syncer.Unit{
		Changes: []syncer.Change{p.update("users", id, set{"title": "a"})},
		Links:   []syncer.LinkChange{{Object: "users", VendorID: "v", Ref: to(id), Hash: 7}},
	})
	equal(p, "the link", p.link("a", "users", id), syncer.Link{VendorID: "v", ID: id, Hash: 7})
}

func linkMissing(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	id := a.linked("users", "v", nil)
	b.apply(linking(syncer.LinkChange{Object: "users", VendorID: "w", Ref: to(id), Hash: 1}))
	a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(id), Hash: 1, Missing: true}))
	l := p.link("a", "users", id)
	equal(p, "VendorID", l.VendorID, "v")
	equal(p, "Missing", l.Missing, true)
	equal(p, "Stale", l.Stale, true)
	if h := p.byLink("a", "users", "v"); h == nil || h.Link == nil || !h.Link.Missing {
		p.errorf("by the vendor id the record is found as %+v", h)
	}
	equal(p, "the other integration's link", p.link("b", "users", id), syncer.Link{VendorID: "w", ID: id, Hash: 1})
	if h := p.found("a", "users", id); h.Archived {
		p.errorf("the record is archived")
	}
}

// supersede lets a vendor id take a record over from another.
func (w *writer) supersede(id, vendorID, old string) {
	w.apply(linking(syncer.LinkChange{Object: "users", VendorID: vendorID, Ref: to(id), Hash: 1, Supersedes: old}))
}

// holder notes a fault unless a vendor id finds the record with the holder's
// link.
func (p *probe) holder(vendorID, id, holder string) {
	h := p.byLink("a", "users", vendorID)
	if h == nil || h.ID != id || h.Link == nil || h.Link.VendorID != holder {
		p.errorf("by the vendor id %q, what is found is %+v, not the record %s with the link of %q", vendorID, h, id, holder)
	}
}

func linkSuperseded(p *probe) {
	w := p.writer("a")
	id := w.linked("users", "one", nil)
	w.supersede(id, "two", "one")
	equal(p, "the live link", p.link("a", "users", id), syncer.Link{VendorID: "two", ID: id, Hash: 1})
	p.holder("two", id, "two")
	p.holder("one", id, "two")
	w.supersede(id, "three", "two")
	p.holder("three", id, "three")
	p.holder("two", id, "three")
	w.apply(linking(syncer.LinkChange{Object: "users", VendorID: "three", Ref: to(id), Hash: 2}))
	p.holder("two", id, "three")
	if links, ok := p.live("a", "users"); ok && (len(links) != 1 || links["three"] != id) {
		p.errorf("the live links are %v", links)
	}
}

func linkReturns(p *probe) {
	w := p.writer("a")
	id := w.linked("users", "one", nil)
	w.supersede(id, "two", "one")
	w.supersede(id, "one", "two")
	p.holder("one", id, "one")
	p.holder("two", id, "one")
	other := w.make("users", nil)
	w.apply(linking(syncer.LinkChange{Object: "users", VendorID: "two", Ref: to(other), Hash: 1}))
	p.holder("two", other, "two")
	p.holder("one", id, "one")
}

func linkForget(p *probe) {
	w := p.writer("a")
	id, other := w.linked("users", "one", nil), w.linked("users", "eins", nil)
	w.supersede(id, "two", "one")
	w.supersede(other, "zwei", "eins")
	before := p.link("a", "users", id)
	w.apply(linking(syncer.LinkChange{Object: "users", Ref: to(id), Forget: true}))
	if h := p.byLink("a", "users", "one"); h != nil {
		p.errorf("the forgotten vendor id finds %+v", h)
	}
	p.holder("two", id, "two")
	equal(p, "the live link", p.link("a", "users", id), before)
	p.holder("eins", other, "zwei")
	fresh := w.make("users", nil)
	w.apply(linking(syncer.LinkChange{Object: "users", VendorID: "one", Ref: to(fresh), Hash: 1}))
	p.holder("one", fresh, "one")
	p.holder("two", id, "two")
}

func linkRemove(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	id, other := a.linked("users", "v", nil), a.linked("users", "other", nil)
	b.apply(linking(syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(id), Hash: 1}))
	a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(id), Remove: true}))
	h := p.found("a", "users", id)
	if h.Link != nil {
		p.errorf("the record has the link %+v", *h.Link)
	}
	if h := p.byLink("a", "users", "v"); h != nil {
		p.errorf("the vendor id finds %+v", h)
	}
	equal(p, "the vendor id of another record's link", p.link("a", "users", other).VendorID, "other")
	equal(p, "the vendor id of another integration's link", p.link("b", "users", id).VendorID, "v")
	a.apply(linking(syncer.LinkChange{Object: "users", Ref: to(other), Remove: true}))
	if l := p.found("a", "users", other).Link; l != nil {
		p.errorf("removed by its record alone, the link is still there: %+v", *l)
	}
	a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(other), Hash: 2}))
	equal(p, "the vendor id, linked again", p.link("a", "users", other), syncer.Link{VendorID: "v", ID: other, Hash: 2})
}

func linkChild(p *probe) {
	a := p.writer("a")
	asset, title := a.make("assets", nil), a.make("software", nil)
	var ids []string
	for i, version := range []string{"1", "2", "3"} {
		ids = append(ids, a.doUnit(syncer.Unit{
			Changes: []syncer.Change{p.install(title, asset, version)},
			Links:   []syncer.LinkChange{{Object: "software_installs", Ref: toChange(0), Hash: uint64(i)}},
		})[0])
	}
	for i, id := range ids {
		equal(p, "the link of a child", p.link("a", "software_installs", id), syncer.Link{ID: id, Hash: uint64(i)})
	}
	a.apply(linking(syncer.LinkChange{Object: "software_installs", Ref: to(ids[1]), Remove: true}))
	for _, h := range p.children("a", "software_installs", "asset", asset) {
		if linked := h.ID != ids[1]; linked != (h.Link != nil) {
			p.errorf("after the second child's link was removed, the child %s of %v has the link %+v", h.ID, ids, h.Link)
		}
		if other := p.found("b", "software_installs", h.ID); other.Shared != (h.ID != ids[1]) {
			p.errorf("to another integration, Shared of the child %s of %v is %t", h.ID, ids, other.Shared)
		}
	}
}
