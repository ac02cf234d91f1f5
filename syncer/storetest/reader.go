package storetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

func recordRules() []rule {
	return []rule{
		{"records-all", "Records yields each live record of the object once, with its values and revision", recordsAll},
		{"records-where", "Where keeps the records whose fields have these values, in their normal forms", recordsWhere},
		{"records-archived", "Records yields archived records only if asked to, with the time", recordsArchived},
		{"records-order", "Records are ordered by id, and Limit cuts them", recordsOrder},
		{"records-times", "a record tells when it was made and last written", recordsTimes},
		{"records-missing", "MissingSince is when a linked integration first missed the record, and zero if all bring it", recordsMissing},
		{"records-stop", "a loop over Records or History can be left, and can use the store", recordsStop},
	}
}

func historyRules() []rule {
	return []rule{
		{"history-create", "a creation lists the fields with their values, and who made it in which run", historyCreate},
		{"history-update", "an update lists what it wrote, before and after", historyUpdate},
		{"history-kept", "events stay as they were, whatever is written later", historyKept},
		{"history-ops", "Archive and Restore are events", historyOps},
		{"history-order", "History is ordered from the oldest to the newest, across integrations", historyOrder},
		{"history-hidden", "hidden columns are marked and masked", historyHidden},
		{"history-undone", "what was undone leaves no event", historyUndone},
		{"history-own", "each record has its own history", historyOwn},
	}
}

func (p *probe) reader() syncer.Reader {
	return p.store.(syncer.Reader) //nolint:errcheck // the part's rules run for readers alone
}

// records returns the records that a query selects.
func (p *probe) records(q syncer.RecordQuery) []syncer.Record {
	var records []syncer.Record
	for r, err := range p.reader().Records(p.ctx, q) {
		p.no(err, "Records")
		if len(r.Values) != len(p.object(q.Object).Fields) {
			p.fatalf("a record has %d values, for %d fields of %s", len(r.Values), len(p.object(q.Object).Fields), q.Object)
		}
		records = append(records, r)
	}
	return records
}

// record returns one record of an object.
func (p *probe) record(r syncer.Reader, object, id string) syncer.Record {
	for rec, err := range r.Records(p.ctx, syncer.RecordQuery{Object: object, Archived: true}) {
		p.no(err, "Records")
		if rec.ID == id {
			return rec
		}
	}
	p.fatalf("Records does not yield the record %s of %s", id, object)
	return syncer.Record{}
}

func idsOf(records []syncer.Record) []string {
	var ids []string
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return ids
}

func sortedIDs(ids ...string) []string {
	slices.Sort(ids)
	return ids
}

func recordsAll(p *probe) {
	w := p.writer("a")
	if n := len(p.records(syncer.RecordQuery{Object: "users"})); n != 0 {
		p.errorf("a new store has %d users", n)
	}
	ada := w.make("users", set{"username": "ada", "title": "Countess"})
	bob := w.make("users", set{"username": "bob"})
	w.make("assets", nil)
	w.do(p.update("users", bob, set{"title": "Builder"}))
	records := p.records(syncer.RecordQuery{Object: "users"})
	same(p, "the ids of the users", idsOf(records), sortedIDs(ada, bob))
	for _, r := range records {
		want := set{"username": "ada", "title": "Countess", "notes": nil}
		if r.ID == bob {
			want = set{"username": "bob", "title": "Builder", "notes": nil}
		}
		p.holdsValues("users", r.Values, want)
		equal(p, "the revision", r.Revision, p.found("", "users", r.ID).Revision)
	}
	for _, err := range p.reader().Records(p.ctx, syncer.RecordQuery{Object: "no such object"}) {
		if err == nil {
			p.errorf("an unknown object has a record")
		}
		return
	}
	p.errorf("Records of an unknown object yields no error")
}

func recordsWhere(p *probe) {
	w := p.writer("a")
	a := w.make("assets", set{"serial_number": "abc", "model": "Model One", "memory_mb": 8192, "managed": true, "storage_gb": "12.5", "purchase_date": "2026-01-02", "mac_addresses": `["00:1a:2b:3c:4d:5e"]`})
	b := w.make("assets", set{"serial_number": "def", "model": "Model One", "managed": false})
	title := w.make("software", nil)
	install := w.do(p.install(title, a, "1"), p.install(title, b, "2"))[0]
	select_ := func(object string, where map[string]string) []string {
		return idsOf(p.records(syncer.RecordQuery{Object: object, Where: where}))
	}
	for _, c := range []struct {
		where map[string]string
		want  []string
	}{
		{map[string]string{"serial_number": " ABC"}, []string{a}},
		{map[string]string{"model": "model ONE"}, sortedIDs(a, b)},
		{map[string]string{"model": "Model"}, nil},
		{map[string]string{"memory_mb": "8192"}, []string{a}},
		{map[string]string{"managed": "true"}, []string{a}},
		{map[string]string{"managed": "false"}, []string{b}},
		{map[string]string{"storage_gb": "12.5"}, []string{a}},
		{map[string]string{"purchase_date": "2026-01-02"}, []string{a}},
		{map[string]string{"model": "model one", "serial_number": "DEF"}, []string{b}},
		{map[string]string{"model": "model one", "serial_number": "none of them"}, nil},
		{map[string]string{"model": `" OR 1=1 --`}, nil},
	} {
		same(p, fmt.Sprintf("the records where %v", c.where), select_("assets", c.where), c.want)
	}
	same(p, "the installs of an asset", select_("software_installs", map[string]string{"asset": a}), []string{install})
	for _, err := range p.reader().Records(p.ctx, syncer.RecordQuery{Object: "assets", Where: map[string]string{"no_such_field": "x"}}) {
		if err == nil {
			p.errorf("a record was found by a field that is not there")
		}
		return
	}
	p.errorf("Where with a field that is not there yields no error")
}

func recordsArchived(p *probe) {
	w := p.writer("a")
	live, archived := w.make("users", nil), w.make("users", set{"title": "archived"})
	p.now = start.Add(time.Minute)
	w.do(p.write(syncer.Archive, "users", archived, nil))
	same(p, "the live records", idsOf(p.records(syncer.RecordQuery{Object: "users"})), []string{live})
	same(p, "the archived record, by a field", idsOf(p.records(syncer.RecordQuery{Object: "users", Where: map[string]string{"title": "archived"}})), nil)
	all := p.records(syncer.RecordQuery{Object: "users", Archived: true})
	same(p, "all records", idsOf(all), sortedIDs(live, archived))
	for _, r := range all {
		want := time.Time{}
		if r.ID == archived {
			want = p.now
		}
		p.at("Archived", r.Archived, want)
	}
	w.do(p.write(syncer.Restore, "users", archived, nil))
	p.at("Archived after Restore", p.record(p.reader(), "users", archived).Archived, time.Time{})
}

// at notes a fault unless two times are the same.
func (p *probe) at(what string, got, want time.Time) {
	if !got.Equal(want) {
		p.errorf("%s is %s, not %s", what, got, want)
	}
}

func recordsOrder(p *probe) {
	w := p.writer("a")
	for range 25 {
		w.make("users", set{"title": "many"})
	}
	var ids []string
	for _, r := range p.records(syncer.RecordQuery{Object: "users"}) {
		ids = append(ids, r.ID)
	}
	if !slices.IsSorted(ids) && !slices.IsSortedFunc(ids, compareNumbers) {
		p.errorf("the ids are ordered neither as texts nor as numbers: %v", ids)
	}
	equal(p, "the number of records", len(ids), 25)
	for _, limit := range []int{1, 7, 25, 26} {
		var first []string
		for _, r := range p.records(syncer.RecordQuery{Object: "users", Limit: limit, Where: map[string]string{"title": "many"}}) {
			first = append(first, r.ID)
		}
		same(p, fmt.Sprintf("the first %d", limit), first, ids[:min(limit, len(ids))])
	}
}

// compareNumbers compares ids that are numbers; others make no order.
func compareNumbers(a, b string) int {
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	switch {
	case errX != nil || errY != nil:
		return strings.Compare(a, b)
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func recordsTimes(p *probe) {
	w := p.writer("a")
	id := w.make("users", nil)
	times := func(created, updated time.Time) {
		r := p.record(p.reader(), "users", id)
		p.at("CreatedAt", r.CreatedAt, created)
		p.at("UpdatedAt", r.UpdatedAt, updated)
	}
	times(start, start)
	p.now = start.Add(time.Minute)
	w.do(p.update("users", id, set{"title": "later"}))
	times(start, p.now)
}

func recordsMissing(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	id := a.linked("users", "v", nil)
	b.apply(linking(syncer.LinkChange{Object: "users", VendorID: "w", Ref: to(id), Hash: 1}))
	missing := func(what string, want time.Time) {
		p.at(what, p.record(p.reader(), "users", id).MissingSince, want)
	}
	miss := func(w *writer, vendorID string, at time.Duration) {
		p.now = start.Add(at)
		w.apply(linking(syncer.LinkChange{Object: "users", VendorID: vendorID, Ref: to(id), Hash: 1, Missing: true}))
	}
	renew := func(w *writer, vendorID string) {
		w.apply(linking(syncer.LinkChange{Object: "users", VendorID: vendorID, Ref: to(id), Hash: 1}))
	}
	missing("MissingSince of a record that all bring", time.Time{})
	miss(a, "v", time.Minute)
	missing("MissingSince of a record that one misses", start.Add(time.Minute))
	miss(b, "w", 2*time.Minute)
	miss(a, "v", 3*time.Minute)
	missing("MissingSince of a record that both miss, one of them twice", start.Add(time.Minute))
	renew(a, "v")
	renew(b, "w")
	missing("MissingSince of a record that both bring again", time.Time{})
}

func recordsStop(p *probe) {
	w := p.writer("a")
	w.make("users", nil)
	id := w.make("users", nil)
	w.do(p.update("users", id, set{"title": "later"}))
	stoppable(p, p.reader().Records(p.ctx, syncer.RecordQuery{Object: "users"}), "users", id)
	stoppable(p, p.reader().History(p.ctx, "users", id), "users", id)
	w.make("users", nil)
}

// history returns the events of a record.
func (p *probe) history(r syncer.Reader, object, id string) []syncer.Event {
	var events []syncer.Event
	for e, err := range r.History(p.ctx, object, id) {
		p.no(err, "History")
		equal(p, "the object of an event", e.Object, object)
		equal(p, "the record of an event", e.ID, id)
		events = append(events, e)
	}
	return events
}

// events returns the n events of a record.
func (p *probe) events(object, id string, n int) []syncer.Event {
	events := p.history(p.reader(), object, id)
	if len(events) != n {
		p.fatalf("the record has %d events, not %d: %+v", len(events), n, events)
	}
	return events
}

// eventChange notes a fault unless an event has a field with these values before
// and after.
func (p *probe) eventChange(e syncer.Event, field string, before, after any) {
	for _, c := range e.Changes {
		if c.Field != field {
			continue
		}
		for what, v := range map[string][2]mapping.Value{"before": {c.Before, p.value(before)}, "after": {c.After, p.value(after)}} {
			if v[0] != v[1] && (!v[0].IsEmpty() || !v[1].IsEmpty()) {
				p.errorf("%s %s the %s is %s, not %s", field, what, e.Op, show(v[0]), show(v[1]))
			}
		}
		return
	}
	p.errorf("the %s lists no change of %s: %+v", e.Op, field, e.Changes)
}

// changed notes a fault unless an event lists just these fields.
func (p *probe) changed(e syncer.Event, fields ...string) {
	var got []string
	for _, c := range e.Changes {
		got = append(got, c.Field)
	}
	slices.Sort(got)
	slices.Sort(fields)
	same(p, "the fields of the "+string(e.Op), got, fields)
}

// wants notes a fault unless an event is of this kind, at this time, of this
// writer.
func (p *probe) wants(e syncer.Event, op syncer.Op, w *writer, at time.Time) {
	equal(p, "Op", e.Op, op)
	equal(p, "Actor", e.Actor, w.actor())
	equal(p, "Integration", e.Integration, w.integration)
	equal(p, "Run", e.Run, w.run)
	p.at("At", e.At, at)
}

func historyCreate(p *probe) {
	w := p.writer("a")
	asset := w.make("assets", set{"serial_number": " s1", "memory_mb": -1, "managed": false})
	e := p.events("assets", asset, 1)[0]
	p.wants(e, syncer.Create, w, start)
	equal(p, "Revision", e.Revision, p.found("", "assets", asset).Revision)
	p.changed(e, "serial_number", "memory_mb", "managed")
	p.eventChange(e, "serial_number", nil, " s1")
	p.eventChange(e, "memory_mb", nil, -1)
	p.eventChange(e, "managed", nil, false)
	o := w.apply(
		unit(p.ensure("software", set{"name": "Editor"})),
		unit(p.install(row(0), asset, "1")),
		unit(p.ensure("software", set{"name": "editor", "publisher": nil})),
	)
	e = p.events("software_installs", o[1].IDs[0], 1)[0]
	p.eventChange(e, "software", nil, o[0].IDs[0])
	p.eventChange(e, "asset", nil, asset)
	p.eventChange(p.events("software", o[0].IDs[0], 1)[0], "name", nil, "Editor")
}

func historyUpdate(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	id := a.make("assets", set{"device_name": "one", "memory_mb": 1})
	p.now = start.Add(time.Minute)
	b.do(p.update("assets", id, set{"device_name": "two", "model": "set", "memory_mb": nil, "notes": mapping.Value{}}))
	e := p.events("assets", id, 2)[1]
	p.wants(e, syncer.Update, b, p.now)
	equal(p, "Revision", e.Revision, p.found("", "assets", id).Revision)
	p.changed(e, "device_name", "model", "memory_mb")
	p.eventChange(e, "device_name", "one", "two")
	p.eventChange(e, "model", nil, "set")
	p.eventChange(e, "memory_mb", 1, nil)
}

func historyKept(p *probe) {
	w := p.writer("a")
	id := w.make("assets", set{"device_name": "0", "model": "first", "cpu": "stays", "memory_mb": 5})
	for i := range 4 {
		w.do(p.update("assets", id, set{"device_name": strconv.Itoa(i + 1)}))
	}
	w.do(p.update("assets", id, set{"model": nil, "memory_mb": 6, "hostname": "late"}))
	w.do(p.write(syncer.Archive, "assets", id, nil))
	w.do(p.write(syncer.Restore, "assets", id, set{"device_name": "restored", "model": "second"}))
	events := p.events("assets", id, 8)
	p.changed(events[0], "device_name", "model", "cpu", "memory_mb")
	p.eventChange(events[0], "device_name", nil, "0")
	p.eventChange(events[0], "model", nil, "first")
	p.eventChange(events[0], "cpu", nil, "stays")
	p.eventChange(events[0], "memory_mb", nil, 5)
	for i := range 4 {
		p.eventChange(events[i+1], "device_name", strconv.Itoa(i), strconv.Itoa(i+1))
	}
	p.eventChange(events[5], "model", "first", nil)
	p.eventChange(events[5], "memory_mb", 5, 6)
	p.eventChange(events[5], "hostname", nil, "late")
	p.eventChange(events[7], "device_name", "4", "restored")
	p.eventChange(events[7], "model", nil, "second")
}

func historyOps(p *probe) {
	w := p.writer("a")
	id := w.make("users", nil)
	w.do(p.write(syncer.Archive, "users", id, nil))
	w.do(p.write(syncer.Restore, "users", id, set{"title": "back"}))
	events := p.events("users", id, 3)
	p.wants(events[1], syncer.Archive, w, start)
	p.changed(events[1])
	p.wants(events[2], syncer.Restore, w, start)
	p.changed(events[2], "title")
}

func historyOrder(p *probe) {
	writers := []*writer{p.writer("a"), p.writer("b")}
	id := writers[0].make("users", set{"title": "0"})
	for i := range 12 {
		writers[i%2].do(p.update("users", id, set{"title": strconv.Itoa(i + 1)}))
	}
	writers[0].do(p.update("users", id, set{"notes": "one"}), func() syncer.Change {
		c := p.update("users", id, set{"notes": "two"})
		c.Revision, c.Before = -1, []mapping.Value{p.value("one")}
		return c
	}())
	events := p.events("users", id, 15)
	for i, e := range events[1:13] {
		p.eventChange(e, "title", strconv.Itoa(i), strconv.Itoa(i+1))
		equal(p, "Integration", e.Integration, writers[i%2].integration)
	}
	p.eventChange(events[13], "notes", nil, "one")
	p.eventChange(events[14], "notes", "one", "two")
	for i, e := range events[1:] {
		if e.Revision <= events[i].Revision {
			p.errorf("the revisions of two events in a row are %d and %d", events[i].Revision, e.Revision)
		}
	}
}

func historyHidden(p *probe) {
	w := p.writer("a")
	create := p.create("assets", set{"device_name": "open", "notes": "secret one", "memory_mb": 271828})
	create.Hidden = hide(p, create, "notes", "memory_mb")
	id := w.do(create)[0]
	p.holds("assets", id, set{"notes": "secret one", "memory_mb": 271828})
	update := p.update("assets", id, set{"device_name": "shown", "notes": "secret two", "memory_mb": 314159})
	update.Hidden = hide(p, update, "notes", "memory_mb")
	w.do(update)
	w.do(p.update("assets", id, set{"device_name": "plain"}))
	events := p.events("assets", id, 3)
	for _, e := range events[:2] {
		p.changed(e, "device_name", "notes", "memory_mb")
		for _, c := range e.Changes {
			if c.Hidden != (c.Field != "device_name") {
				p.errorf("Hidden of %s is %t", c.Field, c.Hidden)
			}
		}
		text := fmt.Sprintf("%+v", e)
		for _, secret := range []string{"secret", "271828", "314159"} {
			if strings.Contains(text, secret) {
				p.errorf("the %s shows the hidden value %q: %s", e.Op, secret, text)
			}
		}
	}
	p.eventChange(events[0], "device_name", nil, "open")
	p.eventChange(events[1], "device_name", "open", "shown")
}

// hide returns the marks that hide some fields of a change.
func hide(p *probe, c syncer.Change, fields ...string) []bool {
	hidden := make([]bool, len(c.Columns))
	for i, col := range c.Columns {
		hidden[i] = slices.Contains(fields, p.object(c.Object).Fields[col].Name)
	}
	return hidden
}

func historyUndone(p *probe) {
	w := p.writer("a")
	id := w.make("users", set{"username": "ada"})
	p.conflict("a unit that is to be undone", w.apply(unit(p.update("users", id, set{"title": "undone"}), p.create("users", set{"username": "ada"})))[0])
	w.undone(unit(p.update("users", id, set{"title": "undone, too"})))
	p.events("users", id, 1)
	w.do(p.update("users", id, set{"title": "done"}))
	p.eventChange(p.events("users", id, 2)[1], "title", nil, "done")
}

func historyOwn(p *probe) {
	w := p.writer("a")
	ada, bob := w.make("users", nil), w.make("users", nil)
	asset := w.make("assets", nil)
	w.do(p.update("users", ada, set{"title": "ada"}))
	p.events("users", ada, 2)
	p.events("users", bob, 1)
	p.events("assets", asset, 1)
	p.events("users", w.neverMade("users"), 0)
}
