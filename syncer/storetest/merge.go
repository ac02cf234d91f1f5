package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

func mergerRules() []rule {
	return []rule{
		{"merge-found", "each look-up that would find the merged record finds the one that it is a part of, once", mergeFound},
		{"merge-fields", "a field that is empty takes the merged record's value, a reference with its record, and no other does", mergeFields},
		{"merge-record", "the merged record is archived and keeps its values, and both revisions go up by one", mergeRecord},
		{"merge-history", "a merge stands in the history of both records, under its actor and in no run", mergeHistory},
		{"merge-hidden", "a value that history hid stays hidden when a merge moves it", mergeHidden},
		{"merge-links", "a live link to the merged record becomes one to the other, with its hash and what is withheld", mergeLinks},
		{"merge-links-both", "where an integration has a link to each, the merged record's becomes superseded by the other's", mergeLinksBoth},
		{"merge-stale", "all links to the other record, and to what holds it, are stale after a merge", mergeStale},
		{"merge-children", "children of the merged record are the other's, but for those whose key that has, which are archived", mergeChildren},
		{"merge-references", "what holds the merged record holds the other, with history", mergeReferences},
		{"merge-keys", "a key of the merged record counts as the other's, to which no one else can have it", mergeKeys},
		{"merge-composite", "records with a composite key can be merged, and the one that is left is found by the keys of both, by an Ensure, too", mergeComposite},
		{"merge-chain", "a merge is followed to its end, and neither of two records may be merged already", mergeChain},
		{"merge-refused", "a merge with itself, of no record, or of another revision is refused and writes nothing", mergeRefused},
		{"merge-ledger", "a record that lives elsewhere cannot be merged, which is unsupported", mergeLedger},
		{"merge-late", "what a run decided on the merged record before the merge conflicts, Restore among it", mergeLate},
		{"merge-beside", "a merge beside batches loses nothing: a batch is written before it, or conflicts", mergeBeside},
		{"merge-origin", "a value that a merge moved comes from its actor, from outside of any run", mergeOrigin},
		{"merge-waiting", "a reference of a merged record does not wait", mergeWaiting},
		{"merges", "Merges yields the merges of the object that stand", mergesAll},
	}
}

func (p *probe) merger() syncer.Merger {
	return p.store.(syncer.Merger) //nolint:errcheck // the part's rules run for mergers alone
}

// judge is who asks for merges.
const judge = "the judge"

// asked returns a merge for any revision.
func (p *probe) asked(object, from, into string) syncer.Merge {
	return syncer.Merge{Object: object, From: from, Into: into, FromRevision: -1, IntoRevision: -1, Actor: judge, At: p.now}
}

// merge merges two records, which must work.
func (p *probe) merge(object, from, into string) {
	p.no(p.merger().Merge(p.ctx, p.asked(object, from, into)), "Merge")
}

// split takes two records apart, which must work, and returns what was left.
func (p *probe) split(object, from, into string) []string {
	left, err := p.merger().Split(p.ctx, p.asked(object, from, into))
	p.no(err, "Split")
	return left
}

// finds notes a fault unless a hit is this record.
func (p *probe) finds(what string, h *syncer.Hit, id string) {
	if h == nil {
		p.errorf("%s, nothing is found", what)
		return
	}
	equal(p, what+", the record that is found", h.ID, id)
	equal(p, what+", Archived of the record that is found", h.Archived, false)
}

func mergeFound(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	boss := a.make("users", nil)
	into := a.linked("users", "into", set{"username": "Into", "email": "into@example.com", "manager_id": boss})
	from := b.linked("users", "from", set{"username": "From", "email": "from@example.com", "employee_id": "E7", "manager_id": boss})
	other := a.make("users", set{"username": "other"})
	p.merge("users", from, into)

	p.finds("by its id", p.byID("a", "users", into), into)
	p.finds("by the merged record's id", p.byID("a", "users", from), into)
	p.finds("by its link", p.byLink("a", "users", "into"), into)
	p.finds("by the merged record's link", p.byLink("b", "users", "from"), into)
	for field, text := range map[string][]string{"username": {"into", "from"}, "email": {"into@example.com", "FROM@example.com"}, "employee_id": {"e7"}} {
		for _, t := range text {
			p.finds("by the "+field+" "+t, p.byKey("users", field, t), into)
		}
	}
	same(p, "what both ids and another find", p.ids(syncer.Query{Object: "users", By: syncer.ByID, Values: []string{from, other, into}}), []string{into, other, into})
	same(p, "what both usernames find", p.ids(syncer.Query{Object: "users", By: syncer.ByKey, Fields: []string{"username"}, Values: []string{"into", "none", "from"}}), []string{into, "", into})
	same(p, "whom a manager has of two that became one", p.ids(syncer.Query{Object: "users", By: syncer.ByParent, Fields: []string{"manager_id"}, Values: []string{boss}}), []string{into})
	if h := p.byID("a", "users", from); h != nil {
		p.holdsValues("users", h.Values, set{"username": "Into", "employee_id": "E7"})
		if h.Link == nil || h.Link.VendorID != "into" || !h.Shared {
			p.errorf("by the merged record's id, the link of %q is found as %+v, and Shared is %t", "a", h.Link, h.Shared)
		}
	}
	w := p.update("users", from, set{"title": "written"})
	w.Ref = to(into)
	p.written("an update of what was found", a.apply(unit(w))[0])
}

func mergeFields(p *probe) {
	w := p.writer("a")
	boss := w.make("users", nil)
	into := w.make("users", set{"username": "into", "title": "kept", "phone": nil})
	from := w.make("users", set{"username": "from", "title": "lost", "phone": "1", "department": "D", "manager": "the boss", "manager_id": boss, "start_date": "2026-01-02"})
	p.merge("users", from, into)
	p.holds("users", into, set{"username": "into", "title": "kept", "phone": "1", "department": "D", "manager": "the boss", "manager_id": boss, "start_date": "2026-01-02", "notes": nil})

	into = w.make("users", set{"manager": "somebody else"})
	from = w.make("users", set{"manager": "the boss", "manager_id": boss})
	p.merge("users", from, into)
	p.holds("users", into, set{"manager": "somebody else", "manager_id": nil})

	into = w.make("assets", set{"memory_mb": 0, "managed": false, "serial_number": "S1", "asset_tag": "None"})
	from = w.make("assets", set{"memory_mb": 8, "managed": true, "encrypted": true, "storage_gb": "12.5", "ip_addresses": `["192.0.2.1"]`, "serial_number": "S2", "asset_tag": "T2"})
	p.merge("assets", from, into)
	p.holds("assets", into, set{"memory_mb": 0, "managed": false, "encrypted": true, "storage_gb": "12.5", "ip_addresses": `["192.0.2.1"]`, "serial_number": "S1", "asset_tag": "T2"})
}

// parts returns a record and one that is merged into it, as they are to a reader.
func (p *probe) parts(object, into, from string) (one, other syncer.Record) {
	r, ok := p.store.(syncer.Reader)
	if !ok {
		return one, other
	}
	return p.record(r, object, into), p.record(r, object, from)
}

func mergeRecord(p *probe) {
	w := p.writer("a")
	into := w.make("users", set{"username": "into", "title": "kept"})
	from := w.make("users", set{"username": "from", "title": "its own", "employee_id": "E7"})
	w.do(p.update("users", from, set{"phone": "1"}))
	intoBefore, fromBefore := p.found("", "users", into).Revision, p.found("", "users", from).Revision
	p.now = start.Add(time.Minute)
	p.merge("users", from, into)
	equal(p, "the revision of the record", p.found("", "users", into).Revision, intoBefore+1)
	if !is[syncer.Reader](p.store) {
		return
	}
	one, other := p.parts("users", into, from)
	p.at("Archived of the record", one.Archived, time.Time{})
	p.at("UpdatedAt of the record", one.UpdatedAt, p.now)
	equal(p, "the revision of the merged record", other.Revision, fromBefore+1)
	p.at("Archived of the merged record", other.Archived, p.now)
	p.holdsValues("users", other.Values, set{"username": "from", "title": "its own", "employee_id": "E7", "phone": "1"})
	same(p, "the live users", idsOf(p.records(syncer.RecordQuery{Object: "users"})), []string{into})
	same(p, "all users", idsOf(p.records(syncer.RecordQuery{Object: "users", Archived: true})), sortedIDs(into, from))
}

// judged notes a fault unless an event is of this kind, of the judge, now, and in
// no run.
func (p *probe) judged(e syncer.Event, op syncer.Op) {
	equal(p, "Op", e.Op, op)
	equal(p, "Actor", e.Actor, judge)
	equal(p, "Integration", e.Integration, "")
	equal(p, "Run", e.Run, "")
	p.at("At", e.At, p.now)
}

// last returns the n-th and last event of a record.
func (p *probe) last(object, id string, n int) syncer.Event {
	return p.events(object, id, n)[n-1]
}

func mergeHistory(p *probe) {
	needs[syncer.Reader](p, "Reader")
	w := p.writer("a")
	into, from := w.make("users", set{"title": "kept"}), w.make("users", set{"title": "lost", "department": "D"})
	p.now = start.Add(time.Minute)
	p.merge("users", from, into)
	e := p.last("users", from, 2)
	p.judged(e, syncer.Merged)
	p.changed(e, "merged_into")
	p.eventChange(e, "merged_into", nil, into)
	e = p.last("users", into, 2)
	p.judged(e, syncer.Update)
	p.changed(e, "department")
	p.eventChange(e, "department", nil, "D")
	equal(p, "Revision", e.Revision, p.found("", "users", into).Revision)

	bare := w.make("users", nil)
	p.merge("users", bare, into)
	e = p.last("users", into, 3)
	p.judged(e, syncer.Update)
	p.changed(e, "merged")
	p.eventChange(e, "merged", nil, bare)
	if r, ok := p.store.(syncer.RunReader); ok {
		for e, err := range r.RunEvents(p.ctx, w.run) {
			p.no(err, "RunEvents")
			equal(p, "the Op of an event of the run", e.Op, syncer.Create)
		}
	}
}

func mergeHidden(p *probe) {
	needs[syncer.Reader](p, "Reader")
	w := p.writer("a")
	create := p.create("users", set{"notes": "top secret", "phone": "open"})
	create.Hidden = hide(p, create, "notes")
	from, into := w.do(create)[0], w.make("users", nil)
	p.merge("users", from, into)
	p.holds("users", into, set{"notes": "top secret", "phone": "open"})
	p.split("users", from, into)
	p.holds("users", into, set{"notes": nil, "phone": nil})
	for _, e := range p.events("users", into, 3)[1:] {
		p.changed(e, "notes", "phone")
		if text := fmt.Sprintf("%+v", e); strings.Contains(text, "top secret") {
			p.errorf("the event shows the hidden value: %s", text)
		}
		for _, c := range e.Changes {
			equal(p, "Hidden of "+c.Field, c.Hidden, c.Field == "notes")
		}
	}
}

func mergeLinks(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	into, from := b.linked("users", "of b", nil), a.linked("users", "old", nil)
	a.supersede(from, "new", "old")
	said := []syncer.Said{p.said("title", "a's")}
	a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "new", Ref: to(from), Hash: 7, Withheld: said}))
	p.merge("users", from, into)

	want := syncer.Link{VendorID: "new", ID: into, Hash: 7, Stale: true}
	equal(p, "the link", p.link("a", "users", into), want)
	p.holder("new", into, "new")
	p.holder("old", into, "new")
	equal(p, "the vendor id of another integration's link", p.link("b", "users", into).VendorID, "of b")
	if links, ok := p.live("a", "users"); ok && (len(links) != 1 || links["new"] != into) {
		p.errorf("the live links are %v", links)
	}
	if is[syncer.Tracer](p.store) {
		p.stakes("after the merge", p.trace("users", into), syncer.Stake{Integration: "a", VendorID: "new", Withheld: said}, syncer.Stake{Integration: "b", VendorID: "of b"})
		equal(p, "the number of links to the merged record", len(p.traces("users", from)[0].Stakes), 0)
	}
	a.apply(linking(syncer.LinkChange{Object: "users", VendorID: "new", Ref: to(into), Hash: 9}))
	equal(p, "the link, renewed", p.link("a", "users", into), syncer.Link{VendorID: "new", ID: into, Hash: 9})

	asset := a.make("assets", nil)
	gone, title, other := a.make("assets", nil), a.make("software", nil), a.make("software", nil)
	child := a.doUnit(syncer.Unit{
		Changes: []syncer.Change{p.install(other, gone, "1")},
		Links:   []syncer.LinkChange{{Object: "software_installs", Ref: toChange(0), Hash: 5}},
	})[0]
	p.merge("software", other, title)
	p.merge("assets", gone, asset)
	equal(p, "the link of a child", p.link("a", "software_installs", child), syncer.Link{ID: child, Hash: 5, Stale: true})
}

func mergeLinksBoth(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	into, from := a.linked("users", "one", nil), a.linked("users", "two", nil)
	a.supersede(from, "three", "two")
	a.supersede(into, "null", "one")
	b.apply(linking(syncer.LinkChange{Object: "users", VendorID: "b", Ref: to(from), Hash: 1}))
	p.merge("users", from, into)
	for _, vendorID := range []string{"null", "one", "two", "three"} {
		p.holder(vendorID, into, "null")
	}
	equal(p, "another integration's vendor id", p.link("b", "users", into).VendorID, "b")
	if is[syncer.LinkScanner](p.store) {
		holders := map[string]string{}
		for _, l := range p.scan("a", "users") {
			equal(p, "the record of the link of "+l.VendorID, l.ID, into)
			holders[l.VendorID] = l.SupersededBy
		}
		if want := map[string]string{"null": "", "one": "null", "two": "null", "three": "null"}; fmt.Sprint(holders) != fmt.Sprint(want) {
			p.errorf("the links, with who has superseded them, are %q, not %q", holders, want)
		}
	}
	a.supersede(into, "three", "null")
	p.holder("three", into, "three")
	p.holder("null", into, "three")
	a.apply(linking(syncer.LinkChange{Object: "users", Ref: to(into), Forget: true}))
	if h := p.byLink("a", "users", "two"); h != nil {
		p.errorf("a vendor id that was forgotten after the merge finds %+v", h)
	}
}

func mergeStale(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	into, from := a.linked("assets", "into", nil), b.linked("assets", "from", nil)
	user := a.linked("users", "user", nil)
	other := a.linked("assets", "other", nil)
	title, twin := a.linked("software", "title", nil), a.make("software", nil)
	a.do(p.install(twin, other, "1"))
	a.do(p.update("assets", from, set{"assigned_to_id": user}))
	p.merge("assets", from, into)
	p.stale("a", "assets", into, true, "the merge")
	p.stale("b", "assets", into, true, "the merge")
	p.stale("a", "users", user, false, "a merge of an asset of the user")
	p.stale("a", "assets", other, false, "a merge of two others")
	p.merge("software", twin, title)
	p.stale("a", "software", title, true, "a merge of titles")
	p.stale("a", "assets", other, true, "a merge of a title that an install of the asset is of")

	gone := a.make("users", nil)
	a.do(p.update("assets", other, set{"assigned_to_id": gone}))
	a.apply(linking(syncer.LinkChange{Object: "assets", VendorID: "other", Ref: to(other), Hash: 1}))
	p.merge("users", gone, user)
	p.stale("a", "users", user, true, "a merge of users")
	p.stale("a", "assets", other, true, "a merge of the user that the asset held")
}

func mergeChildren(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	into, from := a.make("assets", nil), a.make("assets", nil)
	editor, mail := a.make("software", set{"name": "Editor"}), a.make("software", set{"name": "Mail"})
	kept := a.do(p.install(editor, into, "1"))[0]
	twin, moved, later := a.do(p.install(editor, from, " 1"))[0], b.do(p.install(mail, from, "1"))[0], a.do(p.install(editor, from, "2"))[0]
	p.now = start.Add(time.Minute)
	p.merge("assets", from, into)

	var ids []string
	for _, h := range p.children("a", "software_installs", "asset", into) {
		ids = append(ids, h.ID)
		equal(p, "Archived of a child", h.Archived, false)
	}
	same(p, "the children", sortedIDs(ids...), sortedIDs(kept, moved, later))
	equal(p, "Archived of a child whose like was there", p.found("a", "software_installs", twin).Archived, true)
	if h := p.byComposite("software_installs", set{"asset": into, "software": editor, "version": "1"}); h == nil || h.ID != kept {
		p.errorf("by the key that two children had, %+v is found", h)
	}
	if h := p.byComposite("software_installs", set{"asset": into, "software": mail, "version": "1"}); h == nil || h.ID != moved {
		p.errorf("by the new key of a child, %+v is found", h)
	}
	if is[syncer.Reader](p.store) {
		e := p.last("software_installs", moved, 2)
		p.judged(e, syncer.Update)
		p.changed(e, "asset")
		p.eventChange(e, "asset", from, into)
		p.judged(p.last("software_installs", twin, 2), syncer.Archive)
		p.events("software_installs", kept, 1)
	}

	p.merge("software", mail, editor)
	equal(p, "Archived of a child that another's merge gave a key which was there", p.found("a", "software_installs", moved).Archived, true)
}

func mergeReferences(p *probe) {
	w := p.writer("a")
	into, from := w.make("users", set{"username": "into"}), w.make("users", set{"username": "from"})
	asset := w.make("assets", set{"assigned_to": "from", "assigned_to_id": from})
	report := w.make("users", set{"manager": "from", "manager_id": from})
	account := w.make("saas_users", set{"application": w.make("saas_applications", nil), "user": "from", "user_id": from})
	archived := w.make("assets", set{"assigned_to_id": from})
	w.do(p.write(syncer.Archive, "assets", archived, nil))
	unresolved := w.make("assets", set{"assigned_to": "from"})
	revision := p.found("", "assets", asset).Revision
	p.now = start.Add(time.Minute)
	p.merge("users", from, into)
	p.holds("assets", asset, set{"assigned_to": "from", "assigned_to_id": into})
	p.holds("users", report, set{"manager": "from", "manager_id": into})
	p.holds("saas_users", account, set{"user": "from", "user_id": into})
	p.holds("assets", archived, set{"assigned_to_id": into})
	p.holds("assets", unresolved, set{"assigned_to": "from", "assigned_to_id": nil})
	equal(p, "Archived of an archived record that held the merged one", p.found("", "assets", archived).Archived, true)
	if now := p.found("", "assets", asset).Revision; now <= revision {
		p.errorf("the revision of a record that held the merged one went from %d to %d", revision, now)
	}
	same(p, "what holds the merged record", p.ids(syncer.Query{Object: "assets", By: syncer.ByParent, Fields: []string{"assigned_to_id"}, Values: []string{from}}), []string{""})
	if is[syncer.SchemaEditor](p.store) {
		p.no(p.addField("users", mapping.Field{Name: "laptop", Type: mapping.Reference, Object: "assets"}), "AddField of a reference")
		holder := w.make("users", set{"laptop": "S1", "laptop_id": unresolved})
		p.merge("assets", unresolved, asset)
		p.holds("users", holder, set{"laptop": "S1", "laptop_id": asset})
	}
	if is[syncer.Reader](p.store) {
		for id, object := range map[string]string{archived: "assets", account: "saas_users"} {
			field := map[string]string{"assets": "assigned_to_id", "saas_users": "user_id"}[object]
			events := p.history(p.reader(), object, id)
			e := events[len(events)-1]
			p.judged(e, syncer.Update)
			p.changed(e, field)
			p.eventChange(e, field, from, into)
		}
	}
}

func mergeKeys(p *probe) {
	w := p.writer("a")
	into := w.make("assets", set{"serial_number": "S1"})
	from := w.make("assets", set{"serial_number": "S2", "asset_tag": "T2", "udid": "U2"})
	other := w.make("assets", set{"imei": "I3"})
	p.merge("assets", from, into)
	p.holds("assets", into, set{"serial_number": "S1", "asset_tag": "T2", "udid": "U2"})
	keys := func(when string, want ...string) {
		if is[syncer.KeyScanner](p.store) {
			same(p, "the keys "+when, p.keys("assets"), want)
		}
	}
	keys("after the merge", "asset_tag=T2", "imei=I3", "serial_number=S1", "serial_number=S2", "udid=U2")
	p.conflict("a creation with a key that the record took", w.apply(unit(p.create("assets", set{"asset_tag": "t2"})))[0])
	p.conflict("a creation with a key that the merged record kept", w.apply(unit(p.create("assets", set{"serial_number": "s2"})))[0])
	p.conflict("another's update to a key that the merged record kept", w.apply(unit(p.update("assets", other, set{"serial_number": "s2"})))[0])

	p.written("an update to the merged record's key", w.apply(unit(p.update("assets", into, set{"serial_number": "S2"})))[0])
	p.finds("by the key that was the merged record's", p.byKey("assets", "serial_number", "S2"), into)
	p.gone("assets", "serial_number", "S1")
	keys("after the record took the merged one's", "asset_tag=T2", "imei=I3", "serial_number=S2", "udid=U2")
	p.written("an update that gives keys up", w.apply(unit(p.update("assets", into, set{"serial_number": "S1", "udid": nil})))[0])
	p.written("another's update to a key that was given up", w.apply(unit(p.update("assets", other, set{"udid": "U2"})))[0])
	p.finds("by a key that was given up", p.byKey("assets", "udid", "U2"), other)
	if is[syncer.Reader](p.store) {
		_, part := p.parts("assets", into, from)
		p.holdsValues("assets", part.Values, set{"serial_number": "S2", "asset_tag": "T2", "udid": "U2"})
	}
}

func mergeComposite(p *probe) {
	w := p.writer("a")
	into, from := w.make("software", set{"name": "Editor"}), w.make("software", set{"name": "Editor", "publisher": "Acme", "category": "text"})
	old := w.make("software", set{"name": "Edit", "publisher": "Acme"})
	p.merge("software", from, into)
	p.merge("software", old, into)
	p.holds("software", into, set{"name": "Editor", "publisher": "Acme", "category": "text"})
	for _, values := range []set{{"name": "editor", "publisher": "ACME"}, {"name": "EDITOR"}, {"name": "Edit", "publisher": "acme"}} {
		p.finds(fmt.Sprintf("by the key %v", values), p.byComposite("software", values), into)
		o := w.apply(unit(p.ensure("software", values)))[0]
		p.written("an Ensure of a merged title", o)
		same(p, "what the Ensure of a merged title found", o.IDs, []string{into})
	}

	p.split("software", old, into)
	p.split("software", from, into)
	for id, values := range map[string]set{into: {"name": "editor"}, from: {"name": "editor", "publisher": "ACME"}, old: {"name": "Edit", "publisher": "Acme"}} {
		p.finds(fmt.Sprintf("after the split, by the key %v", values), p.byComposite("software", values), id)
	}

	application := w.make("saas_applications", nil)
	account := func(id string, values set) string {
		values["application"], values["external_id"] = application, id
		return w.make("saas_users", values)
	}
	first, second := account("1", set{"status": nil}), account("2", set{"status": "active", "roles": `["admin"]`})
	p.merge("saas_users", second, first)
	p.holds("saas_users", first, set{"external_id": "1", "status": "active", "roles": `["admin"]`})
	p.finds("by the merged account's key", p.byComposite("saas_users", set{"application": application, "external_id": "2"}), first)

	twin := w.make("saas_applications", nil)
	p.merge("saas_applications", application, twin)
	p.finds("by the key of an account whose application was merged", p.byComposite("saas_users", set{"application": twin, "external_id": "1"}), first)

	third := w.make("software", set{"name": "Paint", "publisher": "Acme"})
	bare := w.make("software", set{"name": "Paint"})
	full := w.make("software", set{"name": "Painter", "publisher": "Acme", "category": "pictures"})
	p.merge("software", full, bare) // whose key would be the third's with the publisher
	p.holds("software", bare, set{"name": "Paint", "category": "pictures", "publisher": nil})
	p.finds("by the key of a third title", p.byComposite("software", set{"name": "Paint", "publisher": "Acme"}), third)
}

// refused notes a fault unless a merge returns the error.
func (p *probe) refused(what string, m syncer.Merge, want error) {
	err := p.merger().Merge(p.ctx, m)
	switch {
	case err == nil:
		p.errorf("%s was done", what)
	case want != nil && !errors.Is(err, want):
		p.errorf("%s returned %q, not %q", what, err, want)
	}
}

func mergeChain(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	one := a.linked("users", "1", set{"username": "one", "phone": "1"})
	two, three := b.linked("users", "2", set{"username": "two"}), a.make("users", set{"username": "three"})
	asset := a.make("assets", set{"assigned_to_id": one})
	p.merge("users", one, two)
	p.refused("a merge of a record that is merged", p.asked("users", one, three), syncer.ErrConflict)
	p.refused("a merge into a record that is merged", p.asked("users", three, one), syncer.ErrConflict)
	p.refused("a merge that was done", p.asked("users", one, two), syncer.ErrConflict)
	p.refused("a merge into a part of it", p.asked("users", two, one), syncer.ErrConflict)
	p.merge("users", two, three)
	for id, what := range map[string]string{one: "the first's id", two: "the second's id", three: "its own id"} {
		p.finds("by "+what, p.byID("a", "users", id), three)
	}
	for _, name := range []string{"one", "two", "three"} {
		p.finds("by the username "+name, p.byKey("users", "username", name), three)
	}
	p.finds("by the first's link", p.byLink("a", "users", "1"), three)
	p.finds("by the second's link", p.byLink("b", "users", "2"), three)
	p.holds("assets", asset, set{"assigned_to_id": three})
	p.holds("users", three, set{"phone": "1"})
	p.written("an update to a key that the first holds", a.apply(unit(p.update("users", three, set{"username": "one"})))[0])
	p.finds("by the username one", p.byKey("users", "username", "one"), three)
}

func mergeRefused(p *probe) {
	w := p.writer("a")
	into, from := w.linked("users", "into", nil), w.linked("users", "from", set{"phone": "1"})
	none := w.neverMade("users")
	with := func(change func(m *syncer.Merge)) syncer.Merge {
		m := p.asked("users", from, into)
		change(&m)
		return m
	}
	before, other := *p.found("a", "users", into), *p.found("a", "users", from)
	p.refused("a merge of a record with itself", p.asked("users", into, into), nil)
	p.refused("a merge of no record", p.asked("users", none, into), syncer.ErrNotFound)
	p.refused("a merge into no record", p.asked("users", from, none), syncer.ErrNotFound)
	p.refused("a merge of an unknown object", p.asked("no such object", from, into), nil)
	p.refused("a merge of another revision", with(func(m *syncer.Merge) { m.FromRevision = other.Revision + 1 }), syncer.ErrConflict)
	p.refused("a merge into another revision", with(func(m *syncer.Merge) { m.IntoRevision = before.Revision + 1 }), syncer.ErrConflict)
	p.refused("a merge of the revision 0", with(func(m *syncer.Merge) { m.FromRevision = 0 }), syncer.ErrConflict)
	for id, was := range map[string]syncer.Hit{into: before, from: other} {
		h := p.found("a", "users", id)
		equal(p, "the record that is found after what was refused", h.ID, id)
		equal(p, "its revision", h.Revision, was.Revision)
		equal(p, "its link", *h.Link, *was.Link)
		same(p, "its values", h.Values, was.Values)
	}
	equal(p, "the number of merges", len(p.merges("users")), 0)
	p.no(p.merger().Merge(p.ctx, with(func(m *syncer.Merge) { m.IntoRevision, m.FromRevision = before.Revision, other.Revision })), "Merge of the revisions that there are")
	p.finds("by the merged record's id", p.byID("a", "users", from), into)
}

func mergeLedger(p *probe) {
	w := p.writer("a")
	const id = "row/7 of theirs"
	w.keep(linking(syncer.LinkChange{Object: "users", VendorID: "v7", Ref: to(id), Hash: 1}))
	here := w.make("users", nil)
	p.refused("a merge of a record that lives elsewhere", p.asked("users", id, here), connector.ErrUnsupported)
	p.refused("a merge into a record that lives elsewhere", p.asked("users", here, id), connector.ErrUnsupported)
	p.finds("by its id", p.byID("a", "users", here), here)
	if h := p.byLink("a", "users", "v7"); h == nil || h.ID != id {
		p.errorf("by its link, the record that lives elsewhere is found as %+v", h)
	}
}

func mergeLate(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	into, from := a.linked("users", "into", set{"title": "before"}), a.linked("users", "from", set{"title": "before"})
	asset := a.make("assets", nil)
	update, archive := p.update("users", from, set{"title": "late"}), p.write(syncer.Archive, "users", from, nil)
	restore := p.write(syncer.Restore, "users", from, set{"title": "late"})
	ofInto := p.update("users", into, set{"title": "late"})
	p.merge("users", from, into)
	for what, c := range map[string]syncer.Change{"an update": update, "Archive": archive, "Restore": restore, "an update of the other": ofInto} {
		p.conflict(what+" with the revision before the merge", b.apply(unit(c))[0])
	}
	restore.Revision = -1
	p.conflict("Restore of a merged record for any revision", b.apply(unit(restore))[0])
	p.finds("by the merged record's id", p.byID("a", "users", from), into)
	p.holds("users", into, set{"title": "before"})

	o := b.apply(linking(syncer.LinkChange{Object: "users", VendorID: "late", Ref: to(from), Hash: 1}))[0]
	h := p.byLink("b", "users", "late")
	switch {
	case o.Err == nil && (h == nil || h.ID != into):
		p.errorf("by a link to the merged record, which was made, %+v is found", h)
	case o.Err != nil:
		p.conflict("a link to the merged record", o)
		if h != nil {
			p.errorf("by a link that conflicted, %+v is found", h)
		}
	}
	p.written("a write to another record", b.apply(unit(p.update("assets", asset, set{"device_name": "x"})))[0])
}

// pairs is how many records are merged beside batches.
const pairs = 40

func mergeBeside(p *probe) {
	w := p.writer("a")
	var units []syncer.Unit
	for i := range pairs {
		units = append(units,
			unit(p.create("users", set{"username": fmt.Sprint("into ", i)})),
			unit(p.create("users", set{"username": fmt.Sprint("from ", i)})))
	}
	o := w.apply(units...)
	var batches []*syncer.Batch
	for i := range pairs {
		from, into := p.update("users", o[2*i+1].IDs[0], set{"title": "late"}), p.update("users", o[2*i].IDs[0], set{"phone": strconv.Itoa(i)})
		batches = append(batches, &syncer.Batch{
			Integration: "a", Run: w.run, Actor: w.actor(), Fence: w.lease.Fence, Seq: w.seq + 1 + int64(i), At: p.now, Units: []syncer.Unit{unit(from), unit(into)},
		})
	}
	outcomes := make([][]syncer.Outcome, pairs)
	var applied, merged error
	var group sync.WaitGroup
	group.Go(func() {
		for i, b := range batches {
			b.Seal = func(o []syncer.Outcome) ([]byte, error) {
				outcomes[i] = slices.Clone(o)
				return nil, nil
			}
			applied = errors.Join(applied, p.store.Apply(p.ctx, b))
		}
	})
	group.Go(func() {
		for i := range pairs {
			m := syncer.Merge{Object: "users", From: o[2*i+1].IDs[0], Into: o[2*i].IDs[0], FromRevision: -1, IntoRevision: -1, At: start}
			merged = errors.Join(merged, p.store.(syncer.Merger).Merge(p.ctx, m)) //nolint:errcheck // see merger
		}
	})
	group.Wait()
	p.no(applied, "Apply beside Merge")
	p.no(merged, "Merge beside Apply")
	for i := range pairs {
		into := o[2*i].IDs[0]
		p.finds("by the merged record's username", p.byKey("users", "username", fmt.Sprint("from ", i)), into)
		want := set{"title": nil, "phone": nil}
		if len(outcomes[i]) != 2 {
			p.fatalf("Seal was given %d outcomes for 2 units", len(outcomes[i]))
		}
		for n, field := range []string{"title", "phone"} {
			if err := outcomes[i][n].Err; err != nil {
				p.conflict("a batch beside a merge", outcomes[i][n])
				continue
			}
			want[field] = map[string]string{"title": "late", "phone": strconv.Itoa(i)}[field]
		}
		p.holds("users", into, want)
	}
}

func mergeOrigin(p *probe) {
	needs[syncer.Tracer](p, "Tracer")
	w := p.writer("a")
	into, from := w.make("users", set{"title": "kept"}), w.make("users", set{"title": "lost", "department": "D"})
	asset := w.make("assets", set{"assigned_to": "x", "assigned_to_id": from})
	p.now = start.Add(time.Minute)
	p.merge("users", from, into)
	outside := syncer.Origin{Actor: judge, At: p.now}
	t := p.trace("users", into)
	p.origin("which the merge left", t, "users", "title", w, start)
	p.originIs("which the merge moved", t, "users", "department", outside)
	t = p.trace("assets", asset)
	p.originIs("which the merge pointed elsewhere", t, "assets", "assigned_to_id", outside)
	p.origin("which the merge left", t, "assets", "assigned_to", w, start)
	p.split("users", from, into)
	p.originIs("which the split cleared", p.trace("users", into), "users", "department", outside)
}

func mergeWaiting(p *probe) {
	needs[syncer.ReferenceScanner](p, "ReferenceScanner")
	w := p.writer("a")
	into, from := w.make("assets", set{"assigned_to": "ada"}), w.make("assets", set{"assigned_to": "bob"})
	p.merge("assets", from, into)
	p.waits("after the merge", "assets", "assigned_to", map[string]string{into: "ada"})
	p.split("assets", from, into)
	p.waits("after the split", "assets", "assigned_to", map[string]string{into: "ada", from: "bob"})
}

// merges returns the merges of an object that stand, each as the record and what
// it is a part of.
func (p *probe) merges(object string) map[string]string {
	found := map[string]string{}
	for m, err := range p.merger().Merges(p.ctx, object) {
		p.no(err, "Merges")
		equal(p, "Object of a merge", m.Object, object)
		equal(p, "Actor of a merge", m.Actor, judge)
		p.at("At of a merge", m.At, start)
		found[m.From] = m.Into
	}
	return found
}

func mergesAll(p *probe) {
	w := p.writer("a")
	var ids []string
	for range 5 {
		ids = append(ids, w.make("users", nil))
	}
	are := func(when, object string, want map[string]string) {
		if got := p.merges(object); fmt.Sprint(got) != fmt.Sprint(want) {
			p.errorf("%s, the merges of %s are %v, not %v", when, object, got, want)
		}
	}
	first, second := w.make("assets", nil), w.make("assets", nil)
	are("in a new store", "users", map[string]string{})
	p.merge("users", ids[0], ids[1])
	p.merge("users", ids[1], ids[2])
	p.merge("users", ids[3], ids[4])
	p.merge("assets", first, second)
	are("after three", "users", map[string]string{ids[0]: ids[1], ids[1]: ids[2], ids[3]: ids[4]})
	are("after one", "assets", map[string]string{first: second})
	p.split("users", ids[3], ids[4])
	are("after a split", "users", map[string]string{ids[0]: ids[1], ids[1]: ids[2]})
	stoppable(p, p.merger().Merges(p.ctx, "users"), "users", ids[4])
	w.make("users", nil)
	for _, err := range p.merger().Merges(p.ctx, "no such object") {
		if err == nil {
			p.errorf("an unknown object has a merge")
		}
	}
}
