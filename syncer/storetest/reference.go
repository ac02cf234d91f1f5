package storetest

import (
	"errors"
	"fmt"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// referenceRules are those of every store: the link beside a reference.
func referenceRules() []rule {
	return []rule{
		{"reference-link", "the link beside a reference is a link field like any other: in values, look-ups and history", referenceLink},
		{"link-stale-reference", "a write to a record makes links to the record that it means stale only if it goes with that", linkStaleReference},
	}
}

func referenceLink(p *probe) {
	w := p.writer("a")
	o := w.apply(
		unit(p.create("users", set{"username": "ada"})),
		unit(p.create("assets", set{"serial_number": "S1", "assigned_to": "ada", "assigned_to_id": row(0)})),
		unit(p.create("assets", set{"serial_number": "S2", "assigned_to": "ada"})),
	)
	ada, first, second := o[0].IDs[0], o[1].IDs[0], o[2].IDs[0]
	p.holds("assets", first, set{"assigned_to": "ada", "assigned_to_id": ada})
	p.holds("assets", second, set{"assigned_to": "ada", "assigned_to_id": nil})
	assigned := func() []string {
		var ids []string
		for _, h := range p.children("", "assets", "assigned_to_id", ada) {
			ids = append(ids, h.ID)
		}
		return sortedIDs(ids...)
	}
	same(p, "the assets of a user", assigned(), []string{first})
	before := p.found("a", "assets", second).Revision
	w.do(p.update("assets", second, set{"assigned_to_id": ada}))
	same(p, "the assets of a user, one of them found later", assigned(), sortedIDs(first, second))
	if after := p.found("a", "assets", second).Revision; after <= before {
		p.errorf("a write of the link alone took the revision from %d to %d", before, after)
	}
	w.do(p.update("assets", first, set{"assigned_to": nil, "assigned_to_id": nil}))
	same(p, "the assets of a user, one of them given back", assigned(), []string{second})
	if r, ok := p.store.(syncer.Reader); ok {
		events := p.history(r, "assets", second)
		p.changed(events[len(events)-1], "assigned_to_id")
		p.eventChange(events[len(events)-1], "assigned_to_id", nil, ada)
	}
}

func linkStaleReference(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	boss, ada := a.linked("users", "boss", nil), a.linked("users", "ada", nil)
	asset := a.linked("assets", "asset", set{"assigned_to_id": ada})
	a.do(p.update("users", ada, set{"manager_id": boss}))
	application := a.make("saas_applications", nil)

	b.do(p.update("assets", asset, set{"device_name": "b's"}))
	b.do(p.update("assets", asset, set{"assigned_to_id": boss}))
	p.stale("a", "users", ada, false, "another integration's write to an asset of the user")
	p.stale("a", "users", boss, false, "another integration's assigning of an asset to the user")
	p.stale("a", "assets", asset, true, "another integration's write of its user alone")
	b.do(p.update("users", ada, set{"title": "b's"}))
	p.stale("a", "users", boss, false, "another integration's write to one whose manager the user is")
	a.apply(linking(
		syncer.LinkChange{Object: "assets", VendorID: "asset", Ref: to(asset), Hash: 1},
		syncer.LinkChange{Object: "users", VendorID: "ada", Ref: to(ada), Hash: 1},
	))
	b.do(p.update("users", boss, set{"title": "b's"}))
	p.stale("a", "assets", asset, false, "another integration's write to the user of an asset")
	p.stale("a", "users", ada, false, "another integration's write to the user's manager")
	a.do(p.update("assets", asset, set{"assigned_to_id": ada}))
	p.stale("a", "assets", asset, false, "the integration's own write of the user")

	account := b.do(p.create("saas_users", set{"application": application, "user_id": ada}))[0]
	p.stale("a", "users", ada, true, "another integration's creation of an account of the user")
	a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "ada", Ref: to(ada), Hash: 1}))
	b.do(p.update("saas_users", account, set{"status": "gone"}))
	p.stale("a", "users", ada, true, "another integration's write to an account of the user")
}

func referenceScannerRules() []rule {
	return []rule{
		{"waiting", "ScanWaiting yields the records whose reference has a text and no record, archived ones included, and no other", waiting},
		{"waiting-ends", "a reference waits until its record is set, and again when that is cleared", waitingEnds},
		{"waiting-undone", "what was undone leaves a reference as it was", waitingUndone},
		{"waiting-custom", "a custom reference waits, too", waitingCustom},
		{"waiting-refused", "ScanWaiting of a field that is no such reference yields an error", waitingRefused},
		{"waiting-stop", "a loop over ScanWaiting can be left, and can use the store", waitingStop},
	}
}

func (p *probe) referenceScanner() syncer.ReferenceScanner {
	return p.store.(syncer.ReferenceScanner) //nolint:errcheck // the part's rules run for scanners alone
}

// waiting returns the texts of the references that wait, by record.
func (p *probe) waiting(object, field string) map[string]string {
	texts := map[string]string{}
	for w, err := range p.referenceScanner().ScanWaiting(p.ctx, object, field) {
		p.no(err, "ScanWaiting")
		if _, twice := texts[w.ID]; twice {
			p.errorf("record %s of %s waits twice", w.ID, object)
		}
		texts[w.ID] = w.Text
		if h := p.byID("", object, w.ID); h == nil || h.Revision != w.Revision {
			p.errorf("record %s waits with the revision %d; by its id it is found as %+v", w.ID, w.Revision, h)
		}
	}
	return texts
}

// waits notes a fault unless these references wait, each given as record and
// text.
func (p *probe) waits(when, object, field string, want map[string]string) {
	if got := p.waiting(object, field); fmt.Sprint(got) != fmt.Sprint(want) {
		p.errorf("%s, what waits in %s of %s is %s, not %s", when, field, object, show(got), show(want))
	}
}

func waiting(p *probe) {
	w := p.writer("a")
	p.waits("in a new store", "assets", "assigned_to", map[string]string{})
	ada := w.make("users", set{"username": "ada", "manager": " Boss@Example.com "})
	first := w.make("assets", set{"assigned_to": "Ada"})
	w.make("assets", set{"assigned_to": "ada", "assigned_to_id": ada})
	w.make("assets", set{"assigned_to": nil})
	w.make("assets", set{"assigned_to": "  "})
	w.make("assets", nil)
	archived := w.make("assets", set{"assigned_to": "nobody"})
	w.do(p.write(syncer.Archive, "assets", archived, nil))
	account := w.make("saas_users", set{"application": w.make("saas_applications", nil), "user": "ada"})
	p.waits("of six assets", "assets", "assigned_to", map[string]string{first: "Ada", archived: "nobody"})
	p.waits("of one user", "users", "manager", map[string]string{ada: " Boss@Example.com "})
	p.waits("of one account", "saas_users", "user", map[string]string{account: "ada"})

	var units []syncer.Unit
	for i := range 1200 { // more than a page, whatever a store's page is
		units = append(units, unit(p.create("assets", set{"assigned_to": fmt.Sprint("person ", i)})))
	}
	w.apply(units...)
	equal(p, "the number of many references that wait", len(p.waiting("assets", "assigned_to")), 1202)
}

func waitingEnds(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	ada, asset := a.make("users", nil), a.make("assets", set{"assigned_to": "ada"})
	none := map[string]string{}
	step := func(when string, values set, want map[string]string) {
		b.do(p.update("assets", asset, values))
		p.waits(when, "assets", "assigned_to", want)
	}
	p.waits("before the record is set", "assets", "assigned_to", map[string]string{asset: "ada"})
	step("once the record is set", set{"assigned_to_id": ada}, none)
	step("after another write", set{"device_name": "x"}, none)
	step("once the record is cleared", set{"assigned_to_id": nil}, map[string]string{asset: "ada"})
	step("with another text", set{"assigned_to": "bob"}, map[string]string{asset: "bob"})
	step("without text", set{"assigned_to": nil}, none)
	step("with a text again", set{"assigned_to": "cyd"}, map[string]string{asset: "cyd"})
	a.do(p.write(syncer.Archive, "assets", asset, nil))
	p.waits("in the archive", "assets", "assigned_to", map[string]string{asset: "cyd"})
	step("once the record is set, in the archive", set{"assigned_to_id": ada}, none)
	a.do(p.write(syncer.Restore, "assets", asset, set{"assigned_to": "dan", "assigned_to_id": nil}))
	p.waits("restored without its record", "assets", "assigned_to", map[string]string{asset: "dan"})
}

func waitingUndone(p *probe) {
	w := p.writer("a")
	w.make("users", set{"username": "taken"})
	ada, asset, other := w.make("users", nil), w.make("assets", set{"assigned_to": "ada"}), w.make("assets", nil)
	o := w.apply(unit(p.update("assets", asset, set{"assigned_to_id": ada}), p.update("assets", other, set{"assigned_to": "ada"}), p.create("users", set{"username": "taken"})))
	p.conflict("a unit that is to be undone", o[0])
	p.waits("after a unit was undone", "assets", "assigned_to", map[string]string{asset: "ada"})
	w.undone(unit(p.update("assets", asset, set{"assigned_to_id": ada})), unit(p.create("assets", set{"assigned_to": "bob"})))
	p.waits("after a batch was undone", "assets", "assigned_to", map[string]string{asset: "ada"})
}

func waitingCustom(p *probe) {
	needs[syncer.SchemaEditor](p, "SchemaEditor")
	w := p.writer("a")
	old := w.make("users", nil)
	p.no(p.addField("users", mapping.Field{Name: "laptop", Type: mapping.Reference, Object: "assets"}), "AddField of a reference")
	p.waits("in a new field", "users", "laptop", map[string]string{})
	asset := w.make("assets", nil)
	w.do(p.update("users", old, set{"laptop": "S1"}))
	fresh := w.make("users", set{"laptop": "S2"})
	w.make("users", set{"laptop": "S3", "laptop_id": asset})
	p.waits("in a custom field", "users", "laptop", map[string]string{old: "S1", fresh: "S2"})
	w.do(p.update("users", old, set{"laptop_id": asset}))
	p.waits("in a custom field, once one was set", "users", "laptop", map[string]string{fresh: "S2"})

	p.no(p.addField("users", mapping.Field{Name: "car", Type: mapping.Reference, Object: "assets", Placeholders: []string{"pool car"}}), "AddField of a reference with placeholders")
	w.do(p.update("users", old, set{"car": " Pool Car"}), p.update("users", fresh, set{"car": "C1"}))
	p.waits("in a field with placeholders", "users", "car", map[string]string{fresh: "C1"})
}

func waitingRefused(p *probe) {
	p.writer("a").make("assets", set{"assigned_to": "ada"})
	for why, field := range map[string][2]string{
		"an unknown object":          {"no_such_object", "assigned_to"},
		"an unknown field":           {"assets", "no_such_field"},
		"a field that is no text":    {"assets", "memory_mb"},
		"a reference without a text": {"software_installs", "asset"},
		"the link beside one":        {"assets", "assigned_to_id"},
		"a field's name and more":    {"assets", `assigned_to" IS NOT NULL OR "1`},
	} {
		var failed error
		for _, err := range p.referenceScanner().ScanWaiting(p.ctx, field[0], field[1]) {
			failed = errors.Join(failed, err)
		}
		if failed == nil {
			p.errorf("ScanWaiting of %s yields no error", why)
		}
	}
}

func waitingStop(p *probe) {
	w := p.writer("a")
	w.make("assets", set{"assigned_to": "ada"})
	id := w.make("assets", set{"assigned_to": "bob"})
	stoppable(p, p.referenceScanner().ScanWaiting(p.ctx, "assets", "assigned_to"), "assets", id)
	w.make("assets", nil)
}
