package storetest

import (
	"fmt"
	"slices"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

func matchRules() []rule {
	return []rule{
		{"match-order", "element i of what Match returns belongs to value i, and is nil if there is none", matchOrder},
		{"match-many", "Match answers a thousand values at once", matchMany},
		{"match-id", "ByID finds records by their ids, of the one object", matchID},
		{"match-link", "ByLink finds records by the vendor ids of the asking integration", matchLink},
		{"match-key", "ByKey finds records by the normal form of a unique field or the composite key", matchKey},
		{"match-key-now", "ByKey finds records by the keys they have now", matchKeyNow},
		{"match-parent", "ByParent finds all records that point to a record by the link field", matchParent},
		{"match-archived", "Match finds archived records and says so", matchArchived},
		{"match-hit", "a hit has the record's revision and its values by field", matchHit},
		{"match-shared", "Shared says that another integration has a live link to the record", matchShared},
	}
}

// ids returns for each value the id of the hit, or "".
func (p *probe) ids(q syncer.Query) []string {
	hits := p.match(q)
	ids := make([]string, len(hits))
	for i, h := range hits {
		if h != nil && len(h) == 0 {
			p.errorf("the answer about a value that nothing has is not nil but empty")
		}
		if len(h) > 1 {
			p.errorf("%d records were found by %q", len(h), q.Values[i])
		}
		if len(h) == 1 {
			ids[i] = h[0].ID
		}
	}
	return ids
}

func matchOrder(p *probe) {
	w := p.writer("a")
	var ids []string
	for _, name := range []string{"ada", "bob", "cyd"} {
		ids = append(ids, w.linked("users", "v-"+name, set{"username": name}))
	}
	ada, bob, cyd, none := ids[0], ids[1], ids[2], w.neverMade("users")
	same(p, "what ByID found", p.ids(syncer.Query{Integration: "a", Object: "users", By: syncer.ByID, Values: []string{cyd, none, ada, bob}}), []string{cyd, "", ada, bob})
	same(p, "what ByLink found", p.ids(syncer.Query{Integration: "a", Object: "users", By: syncer.ByLink, Values: []string{"none", "v-bob", "v-cyd", "nor this", "v-ada"}}), []string{"", bob, cyd, "", ada})
	same(p, "what ByKey found", p.ids(syncer.Query{Integration: "a", Object: "users", By: syncer.ByKey, Fields: []string{"username"}, Values: []string{"cyd", "ada", "none", "bob"}}), []string{cyd, ada, "", bob})
	for _, by := range []syncer.By{syncer.ByID, syncer.ByLink} {
		if hits := p.match(syncer.Query{Integration: "a", Object: "users", By: by}); len(hits) != 0 {
			p.errorf("asked about no values, Match answered %d", len(hits))
		}
	}
}

func matchMany(p *probe) {
	const n = 1000
	w := p.writer("a")
	key := p.object("software_installs").Key
	var units []syncer.Unit
	for i := range n / 2 {
		units = append(units, syncer.Unit{
			Changes: []syncer.Change{
				p.create("assets", set{"serial_number": fmt.Sprint("S", i)}),
				p.create("software", set{"name": fmt.Sprint("Title ", i)}),
				p.install(row(4*i+1), row(4*i), "1"),
				p.create("assets", nil), // without installs
			},
			Links: []syncer.LinkChange{{Object: "assets", VendorID: fmt.Sprint("v", i), Ref: toChange(4 * i), Hash: uint64(i)}},
		})
	}
	o := w.apply(units...)
	assets, installs := make([]string, n), make([]string, n) // what is to be found
	serials, vendorIDs, parents, keys := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i := range n {
		j := i * 7 % n // in scattered order; every other one finds nothing
		p.written("a unit of many", o[j/2])
		ids := o[j/2].IDs
		if j%2 == 0 {
			assets[i], installs[i] = ids[0], ids[2]
			serials[i], vendorIDs[i], parents[i] = fmt.Sprint("S", j/2), fmt.Sprint("v", j/2), ids[0]
		} else {
			serials[i], vendorIDs[i], parents[i] = fmt.Sprint("X", j), fmt.Sprint("x", j), ids[3]
		}
		keys[i] = p.key("software_installs", key, set{"asset": parents[i], "software": ids[1], "version": "1"})
	}
	same(p, "the records found by many keys", p.ids(syncer.Query{Object: "assets", By: syncer.ByKey, Fields: []string{"serial_number"}, Values: serials}), assets)
	same(p, "the records found by many links", p.ids(syncer.Query{Integration: "a", Object: "assets", By: syncer.ByLink, Values: vendorIDs}), assets)
	same(p, "the records found by many parents", p.ids(syncer.Query{Object: "software_installs", By: syncer.ByParent, Fields: []string{"asset"}, Values: parents}), installs)
	same(p, "the records found by many composite keys", p.ids(syncer.Query{Object: "software_installs", By: syncer.ByKey, Fields: key, Values: keys}), installs)
	same(p, "the records found by many ids", p.ids(syncer.Query{Object: "assets", By: syncer.ByID, Values: parents}), parents)
}

func matchID(p *probe) {
	w := p.writer("a")
	var users []string
	for range 3 {
		users = append(users, w.make("users", nil))
	}
	asset := w.make("assets", set{"device_name": "of assets"})
	p.holds("assets", asset, set{"device_name": "of assets"})
	for _, id := range users {
		if h := p.byID("a", "assets", id); h != nil && h.ID != asset {
			p.errorf("by the id %s of a user, the asset %s was found", id, h.ID)
		}
		equal(p, "the id of a hit", p.found("a", "users", id).ID, id)
	}
	if _, err := p.store.Match(p.ctx, syncer.Query{Object: "no such object", By: syncer.ByID, Values: []string{asset}}); err == nil {
		p.errorf("Match of an unknown object returned no error")
	}
}

func matchLink(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	first := a.linked("users", "1", nil)
	second := b.linked("users", "1", nil)
	asset := a.linked("assets", "1", nil)
	find := func(integration, object, vendorID string) string {
		h := p.byLink(integration, object, vendorID)
		if h == nil {
			return ""
		}
		return h.ID
	}
	equal(p, "what the first integration's vendor id finds", find("a", "users", "1"), first)
	equal(p, "what the second integration's vendor id finds", find("b", "users", "1"), second)
	equal(p, "what the vendor id of another object finds", find("a", "assets", "1"), asset)
	equal(p, "what a third integration's vendor id finds", find("c", "users", "1"), "")
	for _, other := range []string{"01", "1 ", "１", "2"} {
		equal(p, fmt.Sprintf("what the vendor id %q finds", other), find("a", "users", other), "")
	}
	upper := a.linked("users", "Key", nil)
	lower := a.linked("users", "key", nil)
	equal(p, "what a vendor id with a capital finds", find("a", "users", "Key"), upper)
	equal(p, "what a vendor id without a capital finds", find("a", "users", "key"), lower)
}

func matchKey(p *probe) {
	w := p.writer("a")
	user := w.make("users", set{"username": " Ada ", "email": "Ada@Example.COM", "employee_id": "e-7"})
	asset := w.make("assets", set{"serial_number": "abc", "asset_tag": "Tag 1"})
	for field, text := range map[string]string{"username": "ADA", "email": " ada@example.com", "employee_id": "E-7"} {
		if h := p.byKey("users", field, text); h == nil || h.ID != user {
			p.errorf("by its %s the user is found as %+v", field, h)
		}
	}
	for field, text := range map[string]string{"serial_number": "ABC", "asset_tag": "TAG 1"} {
		if h := p.byKey("assets", field, text); h == nil || h.ID != asset {
			p.errorf("by its %s the asset is found as %+v", field, h)
		}
	}
	p.gone("users", "employee_id", "ada")
	p.gone("assets", "asset_tag", "abc")
	full := w.make("software", set{"name": "Editor", "publisher": "Acme"})
	half := w.make("software", set{"name": "Editor"})
	for id, values := range map[string]set{full: {"name": "EDITOR", "publisher": "acme "}, half: {"name": "editor"}} {
		if h := p.byComposite("software", values); h == nil || h.ID != id {
			p.errorf("by the composite key %v the record is found as %+v", values, h)
		}
	}
	if h := p.byComposite("software", set{"name": "Editor", "publisher": "None of them"}); h != nil {
		p.errorf("by a composite key that nothing has, %s was found", h.ID)
	}
}

func matchKeyNow(p *probe) {
	w := p.writer("a")
	id := w.make("assets", set{"serial_number": "old", "asset_tag": "T1"})
	w.do(p.update("assets", id, set{"serial_number": "new"}))
	p.gone("assets", "serial_number", "old")
	if h := p.byKey("assets", "serial_number", "NEW"); h == nil || h.ID != id {
		p.errorf("by its new key the record is found as %+v", h)
	}
	w.do(p.update("assets", id, set{"serial_number": nil}))
	p.gone("assets", "serial_number", "new")
	if h := p.byKey("assets", "asset_tag", "t1"); h == nil || h.ID != id {
		p.errorf("by a key that did not change the record is found as %+v", h)
	}
}

func matchParent(p *probe) {
	w := p.writer("a")
	x, y := w.make("assets", nil), w.make("assets", nil)
	editor, mail := w.make("software", nil), w.make("software", nil)
	var wanted []string
	for _, version := range []string{"1", "2", "3"} {
		wanted = append(wanted, w.do(p.install(editor, x, version))[0])
	}
	moved := w.do(p.install(mail, y, "1"))[0]
	find := func(field, id string) []string {
		var ids []string
		for _, h := range p.children("a", "software_installs", field, id) {
			ids = append(ids, h.ID)
		}
		slices.Sort(ids)
		return ids
	}
	slices.Sort(wanted)
	same(p, "the children of an asset", find("asset", x), wanted)
	same(p, "the children of a software title", find("software", editor), wanted)
	same(p, "the child of another asset", find("asset", y), []string{moved})
	same(p, "the children of none", find("asset", w.neverMade("assets")), nil)
	w.do(p.update("software_installs", moved, set{"asset": x}))
	same(p, "the children of an asset whose child was moved", find("asset", y), nil)
	equal(p, "the number of children with the one that was moved", len(find("asset", x)), 4)
}

func matchArchived(p *probe) {
	w := p.writer("a")
	asset := w.linked("assets", "v", set{"serial_number": "S1"})
	child := w.do(p.install(w.make("software", nil), asset, "1"))[0]
	live := w.make("assets", set{"serial_number": "S2"})
	w.do(p.write(syncer.Archive, "assets", asset, nil), p.write(syncer.Archive, "software_installs", child, nil))
	for how, h := range map[string]*syncer.Hit{"its id": p.byID("a", "assets", asset), "its link": p.byLink("a", "assets", "v"), "its key": p.byKey("assets", "serial_number", "S1")} {
		if h == nil || !h.Archived || h.ID != asset {
			p.errorf("by %s the archived record is found as %+v", how, h)
		}
	}
	if l := p.link("a", "assets", asset); l.VendorID != "v" {
		p.errorf("the link to an archived record is %+v", l)
	}
	children := p.children("a", "software_installs", "asset", asset)
	if len(children) != 1 || !children[0].Archived {
		p.errorf("by its parent the archived child is found as %+v", children)
	}
	if p.found("a", "assets", live).Archived {
		p.errorf("a record that was not archived is found as archived")
	}
}

func matchHit(p *probe) {
	w := p.writer("a")
	id := w.linked("assets", "v", set{"serial_number": "S1", "memory_mb": 8192, "managed": true, "mac_addresses": `["00:1a:2b:3c:4d:5e"]`})
	w.do(p.update("assets", id, set{"memory_mb": 16384}))
	hits := map[string]*syncer.Hit{"id": p.byID("a", "assets", id), "link": p.byLink("a", "assets", "v"), "key": p.byKey("assets", "serial_number", "S1")}
	for how, h := range hits {
		if h == nil {
			p.fatalf("by its %s the record is not found", how)
		}
		p.holdsValues("assets", h.Values, set{"serial_number": "S1", "memory_mb": 16384, "managed": true, "mac_addresses": `["00:1a:2b:3c:4d:5e"]`, "model": nil})
		equal(p, "the revision, by "+how, h.Revision, hits["id"].Revision)
	}
	for i, v := range hits["id"].Values {
		if v.Kind == mapping.KindRow {
			p.errorf("the value of %s is a KindRow", p.object("assets").Fields[i].Name)
		}
	}
	p.written("an update with the revision of a hit", w.apply(unit(p.update("assets", id, set{"model": "M"})))[0])
}

func matchShared(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	id := a.linked("users", "v", nil)
	shared := func(integration string) bool { return p.found(integration, "users", id).Shared }
	equal(p, "Shared of a record with the asking integration's link alone", shared("a"), false)
	equal(p, "Shared of a record with another integration's link alone", shared("b"), true)
	b.apply(linking(syncer.LinkChange{Object: "users", VendorID: "w", Ref: to(id), Hash: 1}))
	equal(p, "Shared of a record with both their links", shared("a"), true)
	a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(id), Remove: true}))
	equal(p, "Shared after the own link was removed, as the other sees it", shared("b"), false)
	equal(p, "Shared after the own link was removed", shared("a"), true)
}
