package storetest

import (
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

func linkScannerRules() []rule {
	return []rule{
		{"scan-links", "ScanLinks yields every link of the integration to the object, and no other", scanLinks},
		{"scan-links-superseded", "ScanLinks yields superseded links with their holder, until they are forgotten", scanSuperseded},
		{"scan-links-stop", "a loop over ScanLinks can be left, and can use the store", scanLinksStop},
	}
}

// scan returns the links that ScanLinks yields, ordered by vendor id and record.
func (p *probe) scan(integration, object string) []syncer.Link {
	var links []syncer.Link
	for l, err := range p.store.(syncer.LinkScanner).ScanLinks(p.ctx, integration, object) { //nolint:errcheck // the part's rules run for scanners alone
		p.no(err, "ScanLinks")
		links = append(links, l)
	}
	slices.SortFunc(links, func(a, b syncer.Link) int {
		return strings.Compare(a.VendorID+"\x00"+a.ID, b.VendorID+"\x00"+b.ID)
	})
	return links
}

func scanLinks(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	same(p, "the links of a new integration", p.scan("a", "users"), nil)
	same(p, "the links to an object that nobody has heard of", p.scan("a", "contracts"), nil)
	ada, bob, cyd := a.linked("users", "1 ada", nil), a.linked("users", "2 bob", nil), a.linked("users", "3 cyd", nil)
	asset := a.linked("assets", "4 asset", nil)
	install := a.doUnit(syncer.Unit{
		Changes: []syncer.Change{p.install(a.make("software", nil), asset, "1")},
		Links:   []syncer.LinkChange{{Object: "software_installs", Ref: toChange(0), Hash: 5}},
	})[0]
	b.linked("users", "of b", nil)
	b.do(p.update("users", ada, set{"title": "b"}))
	a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "2 bob", Ref: to(bob), Hash: 1, Missing: true}))
	a.do(p.write(syncer.Archive, "users", cyd, nil))
	a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "gone", Ref: to(a.make("users", nil)), Hash: 1}))
	a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "gone", Ref: to(p.byLink("a", "users", "gone").ID), Remove: true}))
	same(p, "the links to users", p.scan("a", "users"), []syncer.Link{
		{VendorID: "1 ada", ID: ada, Hash: 1, Stale: true},
		{VendorID: "2 bob", ID: bob, Hash: 1, Stale: true, Missing: true},
		{VendorID: "3 cyd", ID: cyd, Hash: 1},
	})
	same(p, "the links to assets", p.scan("a", "assets"), []syncer.Link{{VendorID: "4 asset", ID: asset, Hash: 1}})
	same(p, "the links to children", p.scan("a", "software_installs"), []syncer.Link{{ID: install, Hash: 5}})
}

func scanSuperseded(p *probe) {
	w := p.writer("a")
	id := w.linked("users", "one", nil)
	w.supersede(id, "two", "one")
	found := func() map[string]string {
		holders := map[string]string{}
		for _, l := range p.scan("a", "users") {
			equal(p, "the record of the link of "+l.VendorID, l.ID, id)
			holders[l.VendorID] = l.SupersededBy
		}
		return holders
	}
	holders := found()
	if len(holders) != 2 || holders["one"] != "two" || holders["two"] != "" {
		p.errorf("the links, with who has superseded them, are %q", holders)
	}
	w.apply(linking(syncer.LinkChange{Object: "users", Ref: to(id), Forget: true}))
	holders = found()
	if _, there := holders["two"]; len(holders) != 1 || !there {
		p.errorf("after Forget, the links are %q", holders)
	}
}

// stoppable notes a fault if leaving a loop early, or using the store inside of
// it, does not work.
func stoppable[V any](p *probe, seq iter.Seq2[V, error], object, id string) {
	for _, err := range seq {
		p.no(err, "the first step of the loop")
		p.found("a", object, id)
		break
	}
	p.found("a", object, id)
	n := 0
	for _, err := range seq {
		p.no(err, "a step of the loop")
		n++
	}
	if n < 2 {
		p.errorf("looped over again, there are %d of at least 2", n)
	}
}

func scanLinksStop(p *probe) {
	w := p.writer("a")
	w.linked("users", "1", nil)
	id := w.linked("users", "2", nil)
	stoppable(p, p.store.(syncer.LinkScanner).ScanLinks(p.ctx, "a", "users"), "users", id) //nolint:errcheck // see scan
	w.make("users", nil)
}

func keyScannerRules() []rule {
	return []rule{
		{"scan-keys", "ScanKeys yields the normal form of every key, archived records included, and no other", scanKeys},
		{"scan-keys-stop", "a loop over ScanKeys can be left, and can use the store", scanKeysStop},
	}
}

// keys returns what ScanKeys yields, each as field and text, ordered.
func (p *probe) keys(object string) []string {
	var keys []string
	for k, err := range p.store.(syncer.KeyScanner).ScanKeys(p.ctx, object) { //nolint:errcheck // the part's rules run for scanners alone
		p.no(err, "ScanKeys")
		keys = append(keys, k.Field+"="+k.Text)
	}
	slices.Sort(keys)
	return keys
}

func scanKeys(p *probe) {
	w := p.writer("a")
	same(p, "the keys of no records", p.keys("assets"), nil)
	first := w.make("assets", set{"serial_number": " abc ", "asset_tag": "Tag"})
	w.make("assets", set{"udid": "u1", "device_name": "no key"})
	w.make("assets", set{"serial_number": "None"}) // a placeholder
	w.do(p.write(syncer.Archive, "assets", w.make("assets", set{"imei": "archived"}), nil))
	w.do(p.update("assets", first, set{"asset_tag": "New"}))
	p.conflict("a unit that is to be undone", w.apply(unit(p.create("assets", set{"serial_number": "undone"}), p.create("assets", set{"serial_number": "abc"})))[0])
	same(p, "the keys of assets", p.keys("assets"), []string{"asset_tag=NEW", "imei=ARCHIVED", "serial_number=ABC", "udid=U1"})
	w.make("software", set{"name": "Editor", "publisher": "Acme"})
	w.make("software", set{"name": "Alone"})
	same(p, "the keys of software", p.keys("software"), []string{
		"name,publisher=alone" + syncer.KeySeparator,
		"name,publisher=editor" + syncer.KeySeparator + "acme",
	})
	w.make("users", set{"username": "Ada", "email": "Ada@Example.com"})
	same(p, "the keys of users", p.keys("users"), []string{"email=ada@example.com", "username=ada"})
	for i := range 600 { // more than a page, whatever a store's page is
		w.p.serial = i + 1000
		w.make("saas_applications", nil)
	}
	equal(p, "the number of keys of many", len(p.keys("saas_applications")), 600)
}

func scanKeysStop(p *probe) {
	w := p.writer("a")
	w.make("users", nil)
	id := w.make("users", nil)
	stoppable(p, p.store.(syncer.KeyScanner).ScanKeys(p.ctx, "users"), "users", id) //nolint:errcheck // see keys
	w.make("users", nil)
}

func renewerRules() []rule {
	return []rule{
		{"renew", "Renew prolongs the lease until the given time", renew},
		{"renew-lost", "Renew of a lost lease returns ErrFence and prolongs nothing", renewLost},
	}
}

func (p *probe) renewer() syncer.Renewer {
	return p.store.(syncer.Renewer) //nolint:errcheck // the part's rules run for renewers alone
}

func renew(p *probe) {
	w := p.writer("a")
	p.no(p.renewer().Renew(p.ctx, "a", w.lease.Fence, start.Add(3*ttl)), "Renew")
	p.now = start.Add(3*ttl - time.Second)
	p.at("BusyError.Until", p.holderOf(p.claim("a"), "a second before the renewed lease ends").Until, start.Add(3*ttl))
	p.now = start.Add(3*ttl + time.Second)
	next := p.begin("a", "run 2")
	equal(p, "Lease.Seq", next.lease.Seq, 0)
}

func renewLost(p *probe) {
	w := p.writer("a")
	c := p.claim("a")
	c.Over = w.lease.Fence
	p.claimed(c, "run 2")
	for fence, whose := range map[int64]string{w.lease.Fence: "the lost lease", w.lease.Fence + 100: "no lease"} {
		if err := p.renewer().Renew(p.ctx, "a", fence, start.Add(9*ttl)); !errors.Is(err, syncer.ErrFence) {
			p.errorf("Renew with the fence of %s returned %v, not ErrFence", whose, err)
		}
	}
	if err := p.renewer().Renew(p.ctx, "never begun", 1, start.Add(9*ttl)); !errors.Is(err, syncer.ErrFence) {
		p.errorf("Renew of an integration that never began returned %v, not ErrFence", err)
	}
	p.now = start.Add(2 * ttl)
	p.begin("a", "run 3") // the second lease has ended in its own time
}

func schemaEditorRules() []rule {
	return []rule{
		{"field-usable", "a custom field can be written, matched and read as soon as it is added", fieldUsable},
		{"field-kept", "adding a field leaves the records as they are, without a value in it", fieldKept},
		{"field-unique", "a unique custom field is unique from then on", fieldUnique},
		{"field-refused", "a field that is there already, or that the schema cannot have, is refused", fieldRefused},
	}
}

// addField adds a custom field and reads the schema anew.
func (p *probe) addField(object string, f mapping.Field) error {
	err := p.store.(syncer.SchemaEditor).AddField(p.ctx, object, f) //nolint:errcheck // the part's rules run for editors alone
	p.readSchema()
	return err
}

func fieldUsable(p *probe) {
	w := p.writer("a")
	fields := map[string]mapping.Type{}
	for _, t := range mapping.Types() {
		f := mapping.Field{Name: "own_" + string(t), Label: "Own", Type: t}
		if t == mapping.Reference {
			f.Object = "users"
		}
		p.no(p.addField("assets", f), "AddField of type "+string(t))
		fields[f.Name] = t
	}
	o := p.object("assets")
	for name, t := range fields {
		f := o.Fields[p.column("assets", name)]
		if f.Type != t || !f.Custom {
			p.errorf("the schema has the new field as %+v", f)
		}
		samples := p.samples(f, false)
		first, last := samples[0], samples[len(samples)-1]
		id := w.make("assets", set{name: first, "device_name": "beside it"})
		p.holds("assets", id, set{name: first, "device_name": "beside it"})
		w.do(p.update("assets", id, set{name: last}))
		p.holds("assets", id, set{name: last})
		if r, ok := p.store.(syncer.Reader); ok {
			p.holdsValues("assets", p.record(r, "assets", id).Values, set{name: last, "device_name": "beside it"})
			events := p.history(r, "assets", id)
			p.eventChange(events[len(events)-1], name, first, last)
		}
		w.do(p.update("assets", id, set{name: nil}))
		p.holds("assets", id, set{name: nil, "device_name": "beside it"})
	}
}

func fieldKept(p *probe) {
	w := p.writer("a")
	id := w.linked("assets", "v", set{"serial_number": "S1", "notes": "kept"})
	revision := p.found("a", "assets", id).Revision
	p.no(p.addField("assets", mapping.Field{Name: "floor", Type: mapping.Integer}), "AddField")
	h := p.byLink("a", "assets", "v")
	if h == nil || len(h.Values) != len(p.object("assets").Fields) {
		p.fatalf("after a field was added, the record is found as %+v", h)
	}
	p.holdsValues("assets", h.Values, set{"serial_number": "S1", "notes": "kept", "floor": nil})
	equal(p, "the revision", h.Revision, revision)
	equal(p, "the link", *h.Link, syncer.Link{VendorID: "v", ID: id, Hash: 1})
	w.do(p.update("assets", id, set{"floor": -3}))
	p.holds("assets", id, set{"serial_number": "S1", "notes": "kept", "floor": -3})
}

func fieldUnique(p *probe) {
	w := p.writer("a")
	old := w.make("assets", nil)
	w.make("assets", nil)
	p.no(p.addField("assets", mapping.Field{Name: "badge", Type: mapping.Text, Unique: true}), "AddField of a unique field, with records there,")
	w.do(p.update("assets", old, set{"badge": "B 1"}))
	p.conflict("a creation with a taken value", w.apply(unit(p.create("assets", set{"badge": " b 1"})))[0])
	p.written("a creation with another value", w.apply(unit(p.create("assets", set{"badge": "B 2"})))[0])
	if h := p.byKey("assets", "badge", "b 1"); h == nil || h.ID != old {
		p.errorf("by the new field the record is found as %+v", h)
	}
	if is[syncer.KeyScanner](p.store) {
		same(p, "the keys", p.keys("assets"), []string{"badge=b 1", "badge=b 2"})
	}
}

func fieldRefused(p *probe) {
	p.no(p.addField("assets", mapping.Field{Name: "floor", Type: mapping.Integer}), "AddField")
	p.no(p.addField("assets", mapping.Field{Name: "keeper_id", Type: mapping.Text}), "AddField")
	for why, f := range map[string]mapping.Field{
		"has the name of a standard field":    {Name: "serial_number", Type: mapping.Text},
		"has the name of a custom field":      {Name: "floor", Type: mapping.Text},
		"has the name of a system column":     {Name: "id", Type: mapping.Text},
		"has a capital in its name":           {Name: "Floor", Type: mapping.Text},
		"has no name":                         {Type: mapping.Text},
		"has a quote in its name":             {Name: `a"; drop table assets; --`, Type: mapping.Text},
		"has no type":                         {Name: "untyped"},
		"refers to an object that is not one": {Name: "owner", Type: mapping.Reference, Object: "nobody"},
		"has the name of a reference's link":  {Name: "assigned_to_id", Type: mapping.Text},
		"needs a link whose name is taken":    {Name: "keeper", Type: mapping.Reference, Object: "users"},
	} {
		before := len(p.object("assets").Fields)
		if err := p.addField("assets", f); err == nil {
			p.errorf("a field that %s was added", why)
		}
		equal(p, "the number of fields after one that "+why, len(p.object("assets").Fields), before)
	}
	if err := p.addField("no_such_object", mapping.Field{Name: "floor", Type: mapping.Integer}); err == nil {
		p.errorf("a field was added to an object that is not there")
	}
	equal(p, "the type of the first field", p.object("assets").Fields[p.column("assets", "floor")].Type, mapping.Integer)
}
