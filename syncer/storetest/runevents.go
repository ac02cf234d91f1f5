package storetest

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

func runReaderRules() []rule {
	return []rule{
		{"run-events", "RunEvents yields every change of the run, over all objects and batches, and none of another run", runEvents},
		{"run-events-newest", "RunEvents yields the changes of one record in a row, the newest first", runEventsNewest},
		{"run-events-create", "a creation has the values that it was made with, whatever is written later", runEventsCreate},
		{"run-events-hidden", "RunEvents masks hidden columns", runEventsHidden},
		{"run-events-ledger", "RunEvents yields changes to records that live elsewhere, too", runEventsLedger},
		{"run-events-undone", "RunEvents yields nothing of what was undone, and nothing of a run that nobody knows", runEventsUndone},
		{"run-events-many", "RunEvents yields the changes of a long run, each once", runEventsMany},
		{"run-events-stop", "a loop over RunEvents can be left, and can use the store", runEventsStop},
	}
}

func (p *probe) runReader() syncer.RunReader {
	return p.store.(syncer.RunReader) //nolint:errcheck // the part's rules run for such readers alone
}

// runEvents returns the changes of a run.
func (p *probe) runEvents(run string) []syncer.Event {
	var events []syncer.Event
	for e, err := range p.runReader().RunEvents(p.ctx, run) {
		p.no(err, "RunEvents")
		equal(p, "the run of an event", e.Run, run)
		events = append(events, e)
	}
	return events
}

// written lists what events did, each as op, object and id, in an order of its
// own.
func written(events []syncer.Event) []string {
	var all []string
	for _, e := range events {
		all = append(all, fmt.Sprint(e.Op, " ", e.Object, " ", e.ID))
	}
	slices.Sort(all)
	return all
}

func runEvents(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	known := b.do(p.ensure("software", set{"name": "Known"}))[0]
	o := a.apply(
		unit(p.ensure("software", set{"name": "Known"})),
		unit(p.ensure("software", set{"name": "New"})),
		unit(p.create("assets", set{"serial_number": "S1"}), p.install(row(0), row(2), "1"), p.install(row(1), row(2), "1")),
	)
	fresh, asset, first, second := o[1].IDs[0], o[2].IDs[0], o[2].IDs[1], o[2].IDs[2]
	b.do(p.update("assets", asset, set{"device_name": "b's"}))
	p.now = start.Add(time.Minute)
	a.do(p.update("assets", asset, set{"device_name": "a's"}))
	a.do(p.write(syncer.Archive, "software_installs", second, nil))
	a.apply(linking(syncer.LinkChange{Object: "assets", VendorID: "v", Ref: to(asset), Hash: 1}))
	user := a.make("users", nil)
	a.run = "second run of a"
	a.do(p.update("assets", asset, set{"device_name": "a's, later"}))

	events := p.runEvents("run of a")
	want := []string{
		"archive software_installs " + second, "create assets " + asset, "create software " + fresh, "create software_installs " + first,
		"create software_installs " + second, "create users " + user, "update assets " + asset,
	}
	slices.Sort(want)
	same(p, "the changes of a run", written(events), want)
	for _, e := range events {
		at := start
		if e.Op != syncer.Create || e.Object == "users" {
			at = start.Add(time.Minute)
		}
		a.run = "run of a"
		p.wants(e, e.Op, a, at)
		switch {
		case e.Op == syncer.Update:
			p.changed(e, "device_name")
			p.eventChange(e, "device_name", "b's", "a's")
		case e.ID == first && e.Object == "software_installs":
			p.eventChange(e, "software", nil, known)
			p.eventChange(e, "asset", nil, asset)
		}
		p.inHistory(e)
	}
	same(p, "the changes of a second run", written(p.runEvents("second run of a")), []string{"update assets " + asset})
	same(p, "the changes of another integration's run", written(p.runEvents("run of b")), []string{"create software " + known, "update assets " + asset})
}

// inHistory notes a fault unless an event stands in the record's history, too.
func (p *probe) inHistory(e syncer.Event) {
	r, ok := p.store.(syncer.Reader)
	if !ok {
		return
	}
	order := func(e *syncer.Event) {
		e.At = e.At.UTC()
		slices.SortFunc(e.Changes, func(a, b syncer.FieldChange) int { return strings.Compare(a.Field, b.Field) })
	}
	order(&e)
	for _, h := range p.history(r, e.Object, e.ID) {
		order(&h)
		if reflect.DeepEqual(h, e) {
			return
		}
	}
	p.errorf("the event %s stands not in the record's history", show(e))
}

func runEventsNewest(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	ids := []string{a.make("users", set{"title": "0"}), a.make("users", set{"title": "0"})}
	asset := a.make("assets", set{"device_name": "0"})
	for i := range 12 {
		for _, id := range ids {
			a.do(p.update("users", id, set{"title": strconv.Itoa(i + 1)}))
		}
		a.do(p.update("assets", asset, set{"device_name": strconv.Itoa(i + 1)}))
		if i%3 == 0 {
			b.do(p.update("users", ids[0], set{"notes": strconv.Itoa(i)}))
		}
	}
	twice := p.update("users", ids[0], set{"title": "14"})
	twice.Revision, twice.Before = -1, []mapping.Value{p.value("13")}
	a.do(p.update("users", ids[0], set{"title": "13"}), twice)

	events := p.runEvents("run of a")
	equal(p, "the number of changes of the run", len(events), 3*13+2)
	seen := map[string]bool{}
	for i, e := range events {
		key := e.Object + " " + e.ID
		if i > 0 && key == events[i-1].Object+" "+events[i-1].ID {
			if before := events[i-1]; cmp.Compare(before.Revision, e.Revision) <= 0 {
				p.errorf("the change to the revision %d of a record comes before that to %d", before.Revision, e.Revision)
			}
			continue
		}
		if seen[key] {
			p.errorf("the changes of record %s of %s stand not in a row", e.ID, e.Object)
		}
		seen[key] = true
	}
	equal(p, "the number of records of the run", len(seen), 3)
}

func runEventsCreate(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	made := set{"serial_number": "S1", "device_name": "first", "memory_mb": 5, "managed": false, "cpu": "stays"}
	id := a.make("assets", made)
	a.do(p.update("assets", id, set{"device_name": "second", "hostname": "late"}))
	b.do(p.update("assets", id, set{"memory_mb": nil, "model": "b's"}))
	a.run = "second run of a"
	a.do(p.update("assets", id, set{"device_name": "third", "managed": true}))
	events := p.runEvents("run of a")
	if len(events) != 2 {
		p.fatalf("the run has %d changes, not 2: %s", len(events), show(events))
	}
	p.changed(events[0], "device_name", "hostname")
	p.eventChange(events[0], "device_name", "first", "second")
	p.changed(events[1], "serial_number", "device_name", "memory_mb", "managed", "cpu")
	for field, v := range made {
		p.eventChange(events[1], field, nil, v)
	}
	p.inHistory(events[1])
}

func runEventsHidden(p *probe) {
	w := p.writer("a")
	create := p.create("assets", set{"device_name": "open", "notes": "secret one"})
	create.Hidden = hide(p, create, "notes")
	id := w.do(create)[0]
	update := p.update("assets", id, set{"device_name": "shown", "notes": "secret two"})
	update.Hidden = hide(p, update, "notes")
	w.do(update)
	events := p.runEvents("run of a")
	equal(p, "the number of changes", len(events), 2)
	for _, e := range events {
		if text := fmt.Sprintf("%+v", e); strings.Contains(text, "secret") {
			p.errorf("the %s shows a hidden value: %s", e.Op, text)
		}
		for _, c := range e.Changes {
			equal(p, "Hidden of "+c.Field, c.Hidden, c.Field == "notes")
		}
	}
}

func runEventsLedger(p *probe) {
	w := p.writer("a")
	const id = "row/7 of theirs"
	name := p.column("assets", "device_name")
	change := func(op syncer.Op, before, after string) syncer.Change {
		return syncer.Change{Object: "assets", Op: op, Ref: to(id), Revision: -1, Columns: []int{name}, Before: []mapping.Value{p.value(before)}, After: []mapping.Value{p.value(after)}}
	}
	create := change(syncer.Create, "", "one")
	create.Before = nil
	w.keep(unit(create))
	w.keep(unit(change(syncer.Update, "one", "two")))
	events := p.runEvents("run of a")
	if len(events) != 2 {
		p.fatalf("the run has %d changes, not 2: %s", len(events), show(events))
	}
	for _, e := range events {
		equal(p, "the record of an event", e.ID, id)
	}
	p.wants(events[0], syncer.Update, w, start)
	p.eventChange(events[0], "device_name", "one", "two")
	p.wants(events[1], syncer.Create, w, start)
	p.eventChange(events[1], "device_name", nil, "one")
}

func runEventsUndone(p *probe) {
	w := p.writer("a")
	id := w.make("users", set{"username": "ada"})
	w.run = "undone"
	p.conflict("a unit that is to be undone", w.apply(unit(p.update("users", id, set{"title": "undone"}), p.create("users", set{"username": "ada"})))[0])
	w.neverMade("users")
	w.apply(unit(p.ensure("saas_applications", set{"name": "Mail"})))
	w.run = "nothing new"
	w.apply(unit(p.ensure("saas_applications", set{"name": "Mail"})))
	equal(p, "the number of changes of a run of which one was not undone", len(p.runEvents("undone")), 1)
	equal(p, "the number of changes of a run that found all as it was", len(p.runEvents("nothing new")), 0)
	for _, run := range []string{"never begun", "undone ", "UNDONE", "%", ""} {
		equal(p, fmt.Sprintf("the number of changes of the run %q", run), len(p.runEvents(run)), 0)
	}
}

func runEventsMany(p *probe) {
	w := p.writer("a")
	var units []syncer.Unit
	for range 700 { // more than a page, whatever a store's page is
		units = append(units, unit(p.create("users", set{"title": "0"})))
	}
	var want []string
	var second []syncer.Unit
	for _, o := range w.apply(units...) {
		want = append(want, "create users "+o.IDs[0], "update users "+o.IDs[0])
		second = append(second, unit(p.update("users", o.IDs[0], set{"title": "1"})))
	}
	w.apply(second...)
	slices.Sort(want)
	same(p, "the changes of a long run", written(p.runEvents("run of a")), want)
}

func runEventsStop(p *probe) {
	w := p.writer("a")
	w.make("users", nil)
	id := w.make("users", nil)
	stoppable(p, p.runReader().RunEvents(p.ctx, "run of a"), "users", id)
	w.make("users", nil)
}
