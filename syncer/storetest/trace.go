package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

func tracerRules() []rule {
	return []rule{
		{"trace-origins", "Trace tells by field who last wrote it, in which run and when, and nothing of a field that nobody wrote", traceOrigins},
		{"trace-clear", "a clearing is a write like any other", traceClear},
		{"trace-order", "element i of what Trace returns belongs to id i, and is zero for a record that is not there", traceOrder},
		{"trace-undone", "what was undone has no origin", traceUndone},
		{"trace-stakes", "Trace tells the live links to the record, ordered by integration, and since when one is missing", traceStakes},
		{"trace-ledger", "Trace tells of a record that lives elsewhere, as far as the ledger knows it", traceLedger},
		{"withheld-kept", "what is withheld comes back with the link, as it was given", withheldKept},
		{"withheld-hidden", "a hidden value that is withheld is masked", withheldHidden},
		{"withheld-replaced", "what is withheld is kept until the link is made or renewed, which puts another in its place", withheldReplaced},
		{"withheld-removed", "what is withheld goes with its link", withheldRemoved},
		{"withheld-undone", "what was undone leaves what is withheld as it was", withheldUndone},
	}
}

// traces returns where the values of records come from.
func (p *probe) traces(object string, ids ...string) []syncer.Trace {
	traces, err := p.store.(syncer.Tracer).Trace(p.ctx, object, ids) //nolint:errcheck // the part's rules run for tracers alone
	p.no(err, "Trace")
	if len(traces) != len(ids) {
		p.fatalf("Trace answered %d of %d ids", len(traces), len(ids))
	}
	return traces
}

// trace returns where the values of a record come from, which must be there.
func (p *probe) trace(object, id string) syncer.Trace {
	t := p.traces(object, id)[0]
	if want := len(p.object(object).Fields); len(t.Origins) != want {
		p.fatalf("a trace has %d origins, for %d fields of %s", len(t.Origins), want, object)
	}
	return t
}

// origin notes a fault unless a field was last written by this writer at this
// time; nil is nobody.
func (p *probe) origin(what string, t syncer.Trace, object, field string, w *writer, at time.Time) {
	want := syncer.Origin{}
	if w != nil {
		want = syncer.Origin{Integration: w.integration, Run: w.run, Actor: w.actor(), At: at}
	}
	p.originIs(what, t, object, field, want)
}

func (p *probe) originIs(what string, t syncer.Trace, object, field string, want syncer.Origin) {
	got := t.Origins[p.column(object, field)]
	p.at("the time at which "+field+" was written, "+what+",", got.At, want.At)
	got.At, want.At = time.Time{}, time.Time{}
	equal(p, "the origin of "+field+", "+what+",", got, want)
}

func traceOrigins(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	create := p.create("assets", set{"serial_number": "S1", "device_name": "one", "notes": "secret", "memory_mb": 1, "managed": false, "cpu": mapping.Value{}})
	create.Hidden = hide(p, create, "notes")
	id := a.do(create)[0]
	t := p.trace("assets", id)
	for _, field := range []string{"serial_number", "device_name", "notes", "memory_mb", "managed"} {
		p.origin("after the creation", t, "assets", field, a, start)
	}
	for _, field := range []string{"model", "cpu", "assigned_to_id"} {
		p.origin("which nobody wrote", t, "assets", field, nil, time.Time{})
	}

	p.now = start.Add(time.Minute)
	b.do(p.update("assets", id, set{"device_name": "two", "model": "M", "cpu": mapping.Value{}}))
	p.now = start.Add(2 * time.Minute)
	a.run = "second run of a"
	a.do(p.update("assets", id, set{"memory_mb": 2, "assigned_to_id": a.make("users", nil)}))
	a.do(p.write(syncer.Archive, "assets", id, nil))
	p.now = start.Add(3 * time.Minute)
	b.do(p.write(syncer.Restore, "assets", id, set{"notes": "secret, too"}))
	t = p.trace("assets", id)
	p.originIs("after other fields were written", t, "assets", "serial_number", syncer.Origin{Integration: "a", Run: "run of a", Actor: a.actor(), At: start})
	p.origin("after another integration's update", t, "assets", "device_name", b, start.Add(time.Minute))
	p.origin("after another integration's update", t, "assets", "model", b, start.Add(time.Minute))
	p.origin("after the second run's update", t, "assets", "memory_mb", a, start.Add(2*time.Minute))
	p.origin("after the second run's update", t, "assets", "assigned_to_id", a, start.Add(2*time.Minute))
	p.origin("after Restore", t, "assets", "notes", b, start.Add(3*time.Minute))
	p.origin("which nobody wrote", t, "assets", "cpu", nil, time.Time{})

	if is[syncer.SchemaEditor](p.store) {
		p.no(p.addField("assets", mapping.Field{Name: "floor", Type: mapping.Integer}), "AddField")
		p.origin("of a field that is new", p.trace("assets", id), "assets", "floor", nil, time.Time{})
		b.do(p.update("assets", id, set{"floor": 3}))
		t = p.trace("assets", id)
		p.origin("of a custom field", t, "assets", "floor", b, p.now)
		p.origin("beside a custom field", t, "assets", "device_name", b, start.Add(time.Minute))
	}
}

func traceClear(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	id := a.make("assets", set{"device_name": "one", "memory_mb": 1})
	p.now = start.Add(time.Minute)
	b.do(p.update("assets", id, set{"device_name": nil, "memory_mb": nil}))
	t := p.trace("assets", id)
	p.origin("after a clearing", t, "assets", "device_name", b, p.now)
	p.origin("after a clearing", t, "assets", "memory_mb", b, p.now)
	p.now = start.Add(2 * time.Minute)
	a.do(p.update("assets", id, set{"memory_mb": 0}))
	t = p.trace("assets", id)
	p.origin("after a clearing and a write of another", t, "assets", "device_name", b, start.Add(time.Minute))
	p.origin("after a clearing and a write", t, "assets", "memory_mb", a, p.now)
}

func traceOrder(p *probe) {
	w := p.writer("a")
	var units []syncer.Unit
	for i := range 1000 { // more than a page, whatever a store's page is
		units = append(units, syncer.Unit{
			Changes: []syncer.Change{p.create("users", nil)},
			Links:   []syncer.LinkChange{{Object: "users", VendorID: fmt.Sprint("v", i), Ref: toChange(i), Hash: 1}},
		})
	}
	var ids []string
	for _, o := range w.apply(units...) {
		p.written("a unit of many", o)
		ids = append(ids, o.IDs[0])
	}
	slices.Reverse(ids)
	ids[500] = w.neverMade("users")
	for i, t := range p.traces("users", ids...) {
		if i == 500 {
			equal(p, "the number of origins of a record that is not there", len(t.Origins), 0)
			equal(p, "the number of links to a record that is not there", len(t.Stakes), 0)
			continue
		}
		if len(t.Stakes) != 1 || t.Stakes[0].VendorID != fmt.Sprint("v", 999-i) || len(t.Origins) == 0 {
			p.fatalf("trace %d, of the record with the vendor id v%d, is %s", i, 999-i, show(t))
		}
		p.origin("of one of many", t, "users", "username", w, start)
	}
	equal(p, "the number of traces of no records", len(p.traces("users")), 0)
	if _, err := p.store.(syncer.Tracer).Trace(p.ctx, "no such object", ids[:1]); err == nil { //nolint:errcheck // see traces
		p.errorf("Trace of an unknown object returned no error")
	}
}

func traceUndone(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	id := a.linked("users", "v", set{"username": "ada", "title": "before"})
	p.conflict("a unit that is to be undone", b.apply(syncer.Unit{
		Changes: []syncer.Change{p.update("users", id, set{"title": "undone"}), p.create("users", set{"username": "ada"})},
		Links:   []syncer.LinkChange{{Object: "users", VendorID: "w", Ref: to(id), Hash: 1}},
	})[0])
	b.undone(unit(p.update("users", id, set{"title": "undone, too"})), linking(syncer.LinkChange{Object: "users", VendorID: "w", Ref: to(id), Hash: 1}))
	t := p.trace("users", id)
	p.origin("after two writes were undone", t, "users", "title", a, start)
	p.stakes("after two links were undone", t, syncer.Stake{Integration: "a", VendorID: "v"})
}

// stakes notes a fault unless a trace has these stakes.
func (p *probe) stakes(when string, t syncer.Trace, want ...syncer.Stake) {
	if len(t.Stakes) != len(want) {
		p.errorf("%s, the stakes are %s, not %s", when, show(t.Stakes), show(want))
		return
	}
	for i, got := range t.Stakes {
		equal(p, when+", the integration of a stake", got.Integration, want[i].Integration)
		equal(p, when+", the vendor id of a stake", got.VendorID, want[i].VendorID)
		p.at(when+", the time since when a stake is missing", got.MissingSince, want[i].MissingSince)
		same(p, when+", the values withheld", got.Withheld, want[i].Withheld)
	}
}

func traceStakes(p *probe) {
	c, a, b := p.writer("c"), p.writer("a"), p.writer("b")
	id := c.linked("users", "of c", nil)
	a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "of a", Ref: to(id), Hash: 1}))
	b.apply(linking(syncer.LinkChange{Object: "users", VendorID: "of b", Ref: to(id), Hash: 1}))
	other := b.linked("users", "other", nil)
	is := func(when string, want ...syncer.Stake) { p.stakes(when, p.trace("users", id), want...) }
	ofA, ofB, ofC := syncer.Stake{Integration: "a", VendorID: "of a"}, syncer.Stake{Integration: "b", VendorID: "of b"}, syncer.Stake{Integration: "c", VendorID: "of c"}
	is("with three links", ofA, ofB, ofC)

	miss := func(at time.Duration) {
		p.now = start.Add(at)
		b.apply(linking(syncer.LinkChange{Object: "users", VendorID: "of b", Ref: to(id), Hash: 1, Missing: true}))
	}
	miss(time.Minute)
	miss(2 * time.Minute)
	missing := ofB
	missing.MissingSince = start.Add(time.Minute)
	is("with a missing link", ofA, missing, ofC)
	b.apply(linking(syncer.LinkChange{Object: "users", VendorID: "of b", Ref: to(id), Hash: 1}))
	is("with a link that was missing", ofA, ofB, ofC)

	a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "new of a", Ref: to(id), Hash: 1, Supersedes: "of a"}))
	c.apply(linking(syncer.LinkChange{Object: "users", VendorID: "of c", Ref: to(id), Remove: true}))
	ofA.VendorID = "new of a"
	is("with a link superseded and one removed", ofA, ofB)
	p.stakes("of another record", p.trace("users", other), syncer.Stake{Integration: "b", VendorID: "other"})
	p.stakes("of a record without links", p.trace("users", a.make("users", nil)))

	asset := a.make("assets", nil)
	child := a.doUnit(syncer.Unit{
		Changes: []syncer.Change{p.install(a.make("software", nil), asset, "1")},
		Links:   []syncer.LinkChange{{Object: "software_installs", Ref: toChange(0), Hash: 1}},
	})[0]
	p.stakes("of a child", p.trace("software_installs", child), syncer.Stake{Integration: "a"})
}

func traceLedger(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	const id = "row/7 of theirs"
	memory := p.column("assets", "memory_mb")
	said := []syncer.Said{{Field: memory, Value: mapping.IntValue(12)}}
	a.keep(syncer.Unit{
		Changes: []syncer.Change{{Object: "assets", Op: syncer.Create, Ref: to(id), Columns: []int{memory}, After: []mapping.Value{mapping.IntValue(12)}}},
		Links:   []syncer.LinkChange{{Object: "assets", VendorID: "v7", Ref: to(id), Hash: 7, Withheld: said}},
	})
	p.now = start.Add(time.Minute)
	b.keep(syncer.Unit{
		Changes: []syncer.Change{{Object: "assets", Op: syncer.Update, Ref: to(id), Revision: -1, Columns: []int{memory}, Before: []mapping.Value{mapping.IntValue(12)}, After: []mapping.Value{mapping.IntValue(24)}}},
		Links:   []syncer.LinkChange{{Object: "assets", VendorID: "w", Ref: to(id), Hash: 8}},
	})
	t := p.trace("assets", id)
	p.origin("in the ledger", t, "assets", "memory_mb", b, p.now)
	p.origin("in the ledger", t, "assets", "serial_number", nil, time.Time{})
	p.stakes("in the ledger", t, syncer.Stake{Integration: "a", VendorID: "v7", Withheld: said}, syncer.Stake{Integration: "b", VendorID: "w"})
}

// said returns a value of a field of users.
func (p *probe) said(field string, v any) syncer.Said {
	return syncer.Said{Field: p.column("users", field), Value: p.value(v)}
}

// withhold renews the link to a user with what is withheld.
func (w *writer) withhold(vendorID, id string, said ...syncer.Said) {
	w.apply(linking(syncer.LinkChange{Object: "users", VendorID: vendorID, Ref: to(id), Hash: 1, Withheld: said}))
}

// withheld notes a fault unless this is all that is withheld of a user.
func (p *probe) withheld(when, id string, want map[string][]syncer.Said) {
	got := map[string][]syncer.Said{}
	for _, s := range p.trace("users", id).Stakes {
		got[s.Integration] = s.Withheld
		for i := range s.Withheld {
			if i > 0 && s.Withheld[i-1].Field > s.Withheld[i].Field {
				p.errorf("%s, the values withheld have another order: %s", when, show(s.Withheld))
			}
		}
	}
	for _, integration := range []string{"a", "b", "c"} {
		same(p, fmt.Sprintf("%s, the values withheld from %q", when, integration), got[integration], want[integration])
	}
}

func withheldKept(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	o := p.object("users")
	var said []syncer.Said
	for i := range o.Fields {
		if o.Fields[i].Link {
			continue
		}
		samples := p.samples(o.Fields[i], false)
		said = append(said, syncer.Said{Field: i, Value: samples[i%len(samples)]})
	}
	said[0].Value = mapping.Null
	id := a.linked("users", "v", set{"title": "kept"})
	before := p.found("a", "users", id)
	a.withhold("v", id, said...)
	b.withhold("w", id, p.said("title", "b's"))
	p.withheld("with values of all types", id, map[string][]syncer.Said{"a": said, "b": {p.said("title", "b's")}})
	p.holds("users", id, set{"title": "kept"})
	equal(p, "the revision of a record of which values are withheld", p.found("a", "users", id).Revision, before.Revision)
	p.origin("of which b's value is withheld", p.trace("users", id), "users", "title", a, start)

	page := []byte("a page of the vendor's")
	c := p.writer("c")
	c.withhold("x", id, p.said("title", shared(page)))
	copy(page, "another page of theirs")
	p.withheld("after the batch's memory was used again", id, map[string][]syncer.Said{"a": said, "b": {p.said("title", "b's")}, "c": {p.said("title", "a page of the vendor's")}})

	fresh := a.doUnit(syncer.Unit{
		Changes: []syncer.Change{p.create("users", nil)},
		Links:   []syncer.LinkChange{{Object: "users", VendorID: "fresh", Ref: toChange(0), Hash: 1, Withheld: []syncer.Said{p.said("title", "of a new record")}}},
	})[0]
	p.withheld("of a record that the unit makes", fresh, map[string][]syncer.Said{"a": {p.said("title", "of a new record")}})
}

func withheldHidden(p *probe) {
	w := p.writer("a")
	id := w.linked("users", "v", nil)
	hidden, empty := p.said("notes", "top secret"), p.said("phone", nil)
	hidden.Hidden, empty.Hidden = true, true
	w.withhold("v", id, p.said("title", "shown"), empty, hidden)
	t := p.trace("users", id)
	if text := fmt.Sprintf("%+v", t); strings.Contains(text, "top secret") {
		p.errorf("the trace shows the hidden value: %s", text)
	}
	hidden.Value = mapping.TextValue(credentials.Mask)
	if len(t.Stakes) != 1 || len(t.Stakes[0].Withheld) != 3 {
		p.fatalf("the stakes are %s", show(t.Stakes))
	}
	for _, want := range []syncer.Said{p.said("title", "shown"), hidden, empty} {
		if !slices.Contains(t.Stakes[0].Withheld, want) {
			p.errorf("the values withheld are %s, without %+v", show(t.Stakes[0].Withheld), want)
		}
	}
}

func withheldReplaced(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	id := a.linked("users", "v", nil)
	title, notes := p.said("title", "a's"), p.said("notes", "a's")
	ofB := []syncer.Said{p.said("title", "b's")}
	b.withhold("w", id, ofB...)
	is := func(when string, said ...syncer.Said) {
		p.withheld(when, id, map[string][]syncer.Said{"a": said, "b": ofB})
	}
	is("before anything is withheld")
	a.withhold("v", id, title, notes)
	is("with two values", title, notes)
	b.do(p.update("users", id, set{"title": "another's"}))
	is("after another integration's write", title, notes)
	a.do(p.update("users", id, set{"phone": "1"}))
	is("after the integration's own write", title, notes)
	a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(id), Hash: 1, Missing: true}))
	is("with a missing link", title, notes)
	a.apply(linking(syncer.LinkChange{Object: "users", Ref: to(id), Forget: true}))
	is("after Forget", title, notes)
	title.Value = p.value("a's later")
	a.withhold("v", id, title)
	is("renewed with one value", title)
	a.withhold("v", id)
	is("renewed without values")
	a.withhold("v", id, notes)
	is("renewed with another value", notes)
	a.apply(linking(
		syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(id), Hash: 1, Withheld: []syncer.Said{title, notes}},
		syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(id), Hash: 2, Withheld: []syncer.Said{title}},
	))
	is("renewed twice in a unit", title)
}

func withheldRemoved(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	id, other := a.linked("users", "v", nil), a.make("users", nil)
	title := []syncer.Said{p.said("title", "a's")}
	ofB := []syncer.Said{p.said("title", "b's")}
	link := func(vendorID, id string) syncer.LinkChange {
		return syncer.LinkChange{Object: "users", VendorID: vendorID, Ref: to(id), Hash: 1}
	}
	b.withhold("w", id, ofB...)
	a.withhold("v", id, title...)
	remove := link("v", id)
	remove.Remove = true
	a.apply(linking(remove))
	p.withheld("after the link was removed", id, map[string][]syncer.Said{"b": ofB})
	a.apply(linking(link("v", id)))
	p.withheld("after the link was made anew", id, map[string][]syncer.Said{"b": ofB})

	a.withhold("v", id, title...)
	a.apply(linking(link("v", other)))
	p.withheld("of the record that a vendor id left", id, map[string][]syncer.Said{"b": ofB})
	p.withheld("of the record that it went to", other, nil)
	a.apply(linking(link("v", id)))
	p.withheld("of the record that it came back to", id, map[string][]syncer.Said{"b": ofB})

	a.withhold("v", id, title...)
	superseding := link("v2", id)
	superseding.Supersedes = "v"
	a.apply(linking(superseding))
	p.withheld("after the link was superseded", id, map[string][]syncer.Said{"b": ofB})
	back := link("v", id)
	back.Supersedes = "v2"
	a.apply(linking(back))
	p.withheld("after the superseded link came back", id, map[string][]syncer.Said{"b": ofB})
}

func withheldUndone(p *probe) {
	w := p.writer("a")
	w.make("users", set{"username": "taken"})
	id := w.linked("users", "v", nil)
	title := p.said("title", "before")
	w.withhold("v", id, title)
	renew := syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(id), Hash: 1, Withheld: []syncer.Said{p.said("title", "undone")}}
	remove := syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(id), Remove: true}
	for what, l := range map[string]syncer.LinkChange{"a renewal": renew, "a removal": remove} {
		w.undone(linking(l))
		p.withheld("after the batch of "+what+" was undone", id, map[string][]syncer.Said{"a": {title}})
		last := syncer.LinkChange{Object: "users", VendorID: "lost", Ref: to(w.neverMade("users")), Hash: 1}
		p.conflict("a unit of "+what+" and a link to no record", w.apply(linking(l, last))[0])
		p.withheld("after the unit of "+what+" was undone", id, map[string][]syncer.Said{"a": {title}})
	}
}
