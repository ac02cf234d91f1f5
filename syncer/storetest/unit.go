package storetest

import (
	"fmt"
	"strconv"

	"github.com/vendorsync/vendorsync/syncer"
)

func unitRules() []rule {
	return []rule{
		{"unit-atomic", "a unit that conflicts is undone alone and whole", unitAtomic},
		{"unit-order", "units are written one after another", unitOrder},
		{"conflict-revision", "a change conflicts if the record's revision is not the one it names; -1 is any", conflictRevision},
		{"conflict-gone", "a change conflicts if its record is not there, and a link to it is no link", conflictGone},
		{"conflict-create", "creating a record conflicts if a unique key is taken, in its normal form", conflictCreate},
		{"conflict-update", "an update conflicts if it writes a unique key that another record has", conflictUpdate},
		{"conflict-archived", "an archived record keeps its keys", conflictArchived},
		{"conflict-composite", "the parts of a composite key are unique together, in their normal forms", conflictComposite},
		{"conflict-empty", "records without a value in a unique field do not conflict", conflictEmpty},
		{"revision-grows", "every write makes the record's revision greater, and no other's", revisionGrows},
		{"ref-record", "a Ref names the record that an earlier change of the batch made", refRecord},
		{"ref-value", "a KindRow value becomes the id of the record that an earlier change made", refValue},
		{"ref-failed", "a change or link whose Ref is to a unit that failed fails too", refFailed},
		{"ensure", "Ensure makes a record, or uses the one that has the object's key as it is", ensureOnce},
		{"archive-restore", "Archive and Restore move a record, and Restore may write fields", archiveRestore},
	}
}

func unitAtomic(p *probe) {
	w := p.writer("a")
	id := w.linked("users", "v", set{"username": "taken", "title": "before"})
	before := p.found("a", "users", id)
	o := w.apply(
		unit(p.create("users", set{"username": "first"})),
		syncer.Unit{
			Changes: []syncer.Change{
				p.create("users", set{"username": "undone"}),
				p.update("users", id, set{"title": "after"}),
				p.create("users", set{"username": "taken"}),
			},
			Links: []syncer.LinkChange{
				{Object: "users", VendorID: "undone", Ref: toChange(1), Hash: 1},
				{Object: "users", VendorID: "v", Ref: to(id), Hash: 2},
			},
		},
		unit(p.create("users", set{"username": "last"})),
		unit(p.create("users", set{"username": "undone", "title": "second try"})),
	)
	p.written("the unit before", o[0])
	p.conflict("a unit whose third change creates a taken key", o[1])
	p.written("the unit after", o[2])
	p.written("a later unit that makes what was undone", o[3])
	for _, name := range []string{"first", "last"} {
		if p.byKey("users", "username", name) == nil {
			p.errorf("the record %q of a unit beside the one that failed is not there", name)
		}
	}
	if h := p.byKey("users", "username", "undone"); h != nil {
		p.holds("users", h.ID, set{"title": "second try"})
	}
	p.holds("users", id, set{"title": "before"})
	equal(p, "the revision of a record that the failed unit changed", p.found("a", "users", id).Revision, before.Revision)
	equal(p, "the hash of a link that the failed unit renewed", p.link("a", "users", id).Hash, before.Link.Hash)
	if p.byLink("a", "users", "undone") != nil {
		p.errorf("the failed unit has made a link")
	}
	if r, ok := p.store.(syncer.Reader); ok {
		equal(p, "the number of events of a record that the failed unit changed", len(p.history(r, "users", id)), 1)
	}
}

func unitOrder(p *probe) {
	w := p.writer("a")
	a := w.make("assets", set{"serial_number": "S1"})
	b := w.make("assets", set{"serial_number": "S2"})
	o := w.apply(
		unit(p.update("assets", a, set{"serial_number": "S3"})),
		unit(p.update("assets", b, set{"serial_number": "S1"})),
		unit(p.create("assets", set{"serial_number": "S2"})),
		unit(p.create("assets", set{"serial_number": "S3"})),
	)
	p.written("an update of a key", o[0])
	p.written("an update to the key that the unit before gave up", o[1])
	p.written("a creation with the key that the unit before gave up", o[2])
	p.conflict("a creation with the key that the first unit took", o[3])
	p.holds("assets", a, set{"serial_number": "S3"})
	p.holds("assets", b, set{"serial_number": "S1"})
}

func conflictRevision(p *probe) {
	w := p.writer("a")
	id := w.make("users", set{"title": "one"})
	old := p.update("users", id, set{"title": "lost"})
	w.do(p.update("users", id, set{"title": "two"}))
	ahead := p.update("users", id, set{"title": "lost"})
	ahead.Revision++
	for name, c := range map[string]syncer.Change{"the revision before": old, "a revision to come": ahead} {
		for _, op := range []syncer.Op{syncer.Update, syncer.Archive, syncer.Restore} {
			c.Op = op
			p.conflict(fmt.Sprintf("%s with %s", op, name), w.apply(unit(c))[0])
		}
	}
	p.holds("users", id, set{"title": "two"})
	if p.found("", "users", id).Archived {
		p.errorf("a change that conflicted has archived the record")
	}
	whatever := p.update("users", id, set{"title": "three"})
	whatever.Revision = -1
	p.written("an update with the revision -1", w.apply(unit(whatever))[0])
	p.holds("users", id, set{"title": "three"})
}

// neverMade returns the id of a record whose batch was undone.
func (w *writer) neverMade(object string) string {
	var id string
	b := w.batch(unit(w.p.create(object, nil)))
	b.Seal = func(o []syncer.Outcome) ([]byte, error) {
		if len(o) == 1 && len(o[0].IDs) == 1 {
			id = o[0].IDs[0]
		}
		return nil, fmt.Errorf("undo batch %d", b.Seq)
	}
	if err := w.p.store.Apply(w.p.ctx, b); err == nil || id == "" {
		w.p.fatalf("a batch whose Seal failed returned the error %v, and its record has the id %q", err, id)
	}
	return id
}

func conflictGone(p *probe) {
	w := p.writer("a")
	id := w.neverMade("users")
	for _, revision := range []int64{-1, 1} {
		c := syncer.Change{Object: "users", Op: syncer.Update, Ref: to(id), Revision: revision}
		p.assign(&c, set{"title": "lost"})
		c.Before = append(c.Before, p.value(nil))
		p.conflict(fmt.Sprintf("an update with the revision %d of a record that is not there", revision), w.apply(unit(c))[0])
	}
	w.apply(linking(syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(id), Hash: 1}))
	if h := p.byLink("a", "users", "v"); h != nil {
		p.errorf("by a link to a record that is not there, the record %s was found", h.ID)
	}
	if p.byID("a", "users", id) != nil {
		p.errorf("a record that was never made is found by its id")
	}
}

func conflictCreate(p *probe) {
	w := p.writer("a")
	w.make("users", set{"username": "Ada.Lovelace", "email": "Ada@Example.com", "employee_id": "E7"})
	w.make("assets", set{"serial_number": "abc-1", "asset_tag": "T1"})
	for name, c := range map[string]syncer.Change{
		"the same":                   p.create("users", set{"username": "Ada.Lovelace"}),
		"another case":               p.create("users", set{"username": "ada.lovelace"}),
		"blanks around":              p.create("users", set{"username": " ADA.Lovelace\t"}),
		"the second unique field":    p.create("users", set{"email": "ada@example.COM"}),
		"the third unique field":     p.create("users", set{"employee_id": "e7"}),
		"a serial number":            p.create("assets", set{"serial_number": "ABC-1"}),
		"an asset tag, with a blank": p.create("assets", set{"serial_number": "new", "asset_tag": "t1 "}),
	} {
		p.conflict("a creation with "+name, w.apply(unit(c))[0])
	}
	p.written("a creation with keys of its own", w.apply(unit(p.create("users", set{"username": "ada", "employee_id": "7"})))[0])
	o := w.apply(unit(p.create("users", set{"username": "twin"})), unit(p.create("users", set{"username": "TWIN"})))
	p.written("the first of two creations in one batch", o[0])
	p.conflict("the second of two creations in one batch", o[1])
	p.gone("assets", "serial_number", "new")
}

func conflictUpdate(p *probe) {
	w := p.writer("a")
	a := w.make("assets", set{"serial_number": "S1", "asset_tag": "T1"})
	b := w.make("assets", set{"serial_number": "S2"})
	p.conflict("an update to another's key", w.apply(unit(p.update("assets", b, set{"serial_number": " s1"})))[0])
	p.conflict("an update to another's second key", w.apply(unit(p.update("assets", b, set{"asset_tag": "t1"})))[0])
	p.written("an update of one's own key to another case", w.apply(unit(p.update("assets", a, set{"serial_number": "s1"})))[0])
	p.written("an update that clears a key", w.apply(unit(p.update("assets", a, set{"asset_tag": nil})))[0])
	p.written("an update to a key that was given up", w.apply(unit(p.update("assets", b, set{"asset_tag": "T1"})))[0])
	p.holds("assets", a, set{"serial_number": "s1", "asset_tag": nil})
	p.holds("assets", b, set{"serial_number": "S2", "asset_tag": "T1"})
}

func conflictArchived(p *probe) {
	w := p.writer("a")
	id := w.make("assets", set{"serial_number": "S1"})
	w.do(p.write(syncer.Archive, "assets", id, nil))
	p.conflict("a creation with an archived record's key", w.apply(unit(p.create("assets", set{"serial_number": "s1"})))[0])
}

func conflictComposite(p *probe) {
	w := p.writer("a")
	w.make("software", set{"name": "Editor", "publisher": "Acme"})
	w.make("software", set{"name": "Alone"})
	for name, c := range map[string]syncer.Change{
		"the same":        p.create("software", set{"name": "Editor", "publisher": "Acme"}),
		"another case":    p.create("software", set{"name": "EDITOR", "publisher": " acme"}),
		"no second part":  p.create("software", set{"name": "alone"}),
		"an empty second": p.create("software", set{"name": "alone", "publisher": nil}),
	} {
		p.conflict("a creation with "+name, w.apply(unit(c))[0])
	}
	for name, values := range map[string]set{
		"another second part": {"name": "Editor", "publisher": "Other"},
		"no second part":      {"name": "Editor"},
		"the parts swapped":   {"name": "Acme", "publisher": "Editor"},
		"the parts joined":    {"name": "EditorAcme"},
	} {
		o := w.apply(unit(p.create("software", values)))[0]
		p.written("a creation with "+name, o)
		if h := p.byComposite("software", values); o.Err == nil && (h == nil || h.ID != o.IDs[0]) {
			p.errorf("the record with %s is not found by its key", name)
		}
	}
	other := p.byComposite("software", set{"name": "Editor", "publisher": "Other"})
	if other == nil {
		return
	}
	p.conflict("an update to another's composite key", w.apply(unit(p.update("software", other.ID, set{"publisher": "ACME"})))[0])
	p.written("an update of one part", w.apply(unit(p.update("software", other.ID, set{"publisher": "Third"})))[0])
	if h := p.byComposite("software", set{"name": "editor", "publisher": "third"}); h == nil || h.ID != other.ID {
		p.errorf("after an update of one part, the record is not found by its new key")
	}
	if h := p.byComposite("software", set{"name": "editor", "publisher": "other"}); h != nil {
		p.errorf("after an update of one part, the record is found by its old key")
	}
}

func conflictEmpty(p *probe) {
	w := p.writer("a")
	for name, v := range map[string]any{"no value": nil, "blanks": "  ", "a placeholder": "To Be Filled By O.E.M."} {
		for range 2 {
			p.written("a creation with "+name+" in unique fields", w.apply(unit(p.create("assets", set{"serial_number": v, "asset_tag": v, "device_name": name})))[0])
		}
	}
}

func revisionGrows(p *probe) {
	w := p.writer("a")
	id := w.linked("users", "v", set{"title": "0"})
	other := w.make("users", nil)
	untouched := p.found("", "users", other).Revision
	last := p.found("", "users", id).Revision
	grown := func(after string) {
		now := p.found("", "users", id).Revision
		if now <= last {
			p.errorf("after %s, the revision is %d, and it was %d before", after, now, last)
		}
		last = now
	}
	w.do(p.update("users", id, set{"title": "1"}))
	grown("an update")
	w.do(p.write(syncer.Archive, "users", id, nil))
	grown("Archive")
	w.do(p.write(syncer.Restore, "users", id, set{"title": "2"}))
	grown("Restore")
	p.writer("b").do(p.update("users", id, set{"title": "3"}))
	grown("another integration's update")
	w.apply(linking(syncer.LinkChange{Object: "users", VendorID: "v", Ref: to(id), Hash: 9}))
	equal(p, "the revision after a link was renewed", p.found("", "users", id).Revision, last)
	equal(p, "the revision of another record", p.found("", "users", other).Revision, untouched)
}

func refRecord(p *probe) {
	w := p.writer("a")
	later := syncer.Change{Object: "users", Op: syncer.Update, Ref: toChange(1), Revision: -1}
	p.assign(&later, set{"title": "later"})
	later.Before = append(later.Before, p.value(nil))
	o := w.apply(
		unit(p.create("users", set{"username": "zero"}), p.create("users", set{"username": "one"})),
		unit(p.create("users", set{"username": "two"}), later),
		linking(
			syncer.LinkChange{Object: "users", VendorID: "v0", Ref: toChange(0), Hash: 1},
			syncer.LinkChange{Object: "users", VendorID: "v2", Ref: toChange(2), Hash: 1},
		),
	)
	for i := range o {
		p.written("unit "+strconv.Itoa(i), o[i])
	}
	for name, want := range map[string]set{"zero": {"title": nil}, "one": {"title": "later"}, "two": {"title": nil}} {
		h := p.byKey("users", "username", name)
		if h == nil {
			p.fatalf("the record %q is not there", name)
		}
		p.holds("users", h.ID, want)
	}
	for vendorID, name := range map[string]string{"v0": "zero", "v2": "two"} {
		h := p.byLink("a", "users", vendorID)
		if h == nil {
			p.fatalf("by the link %q nothing is found", vendorID)
		}
		p.holds("users", h.ID, set{"username": name})
	}
}

// install returns a change that makes a software install.
func (p *probe) install(software, asset any, version string) syncer.Change {
	return p.create("software_installs", set{"software": software, "asset": asset, "version": version})
}

func refValue(p *probe) {
	w := p.writer("a")
	old := w.make("software", set{"name": "Old"})
	o := w.apply(
		unit(p.ensure("software", set{"name": "Editor"})),
		unit(p.ensure("software", set{"name": "Old"})),
		unit(p.create("assets", set{"serial_number": "S0"})),
		unit(p.create("assets", set{"serial_number": "S1"}), p.install(row(0), row(3), "1"), p.install(row(1), row(3), "2"), p.install(old, row(2), "3")),
	)
	for i := range o {
		p.written("unit "+strconv.Itoa(i), o[i])
	}
	editor, s0, s1, ids := o[0].IDs[0], o[2].IDs[0], o[3].IDs[0], o[3].IDs
	p.holds("software_installs", ids[1], set{"software": editor, "asset": s1, "version": "1"})
	p.holds("software_installs", ids[2], set{"software": old, "asset": s1, "version": "2"})
	p.holds("software_installs", ids[3], set{"software": old, "asset": s0, "version": "3"})
	if h := p.byComposite("software_installs", set{"asset": s1, "software": old, "version": "2"}); h == nil || h.ID != ids[2] {
		p.errorf("the record is not found by a composite key of the ids it was given")
	}
}

func refFailed(p *probe) {
	w := p.writer("a")
	w.make("assets", set{"serial_number": "taken"})
	title := w.make("software", set{"name": "Editor"})
	byRef := syncer.Change{Object: "assets", Op: syncer.Update, Ref: toChange(1), Revision: -1}
	p.assign(&byRef, set{"device_name": "lost"})
	byRef.Before = append(byRef.Before, p.value(nil))
	o := w.apply(
		unit(p.create("assets", set{"serial_number": "S0"})),
		unit(p.create("assets", set{"serial_number": "S1"}), p.create("assets", set{"serial_number": "taken"})),
		unit(p.create("assets", set{"serial_number": "S3"}), p.install(title, row(1), "1")),
		unit(p.create("assets", set{"serial_number": "S5"}), byRef),
		syncer.Unit{
			Changes: []syncer.Change{p.create("assets", set{"serial_number": "S7"})},
			Links:   []syncer.LinkChange{{Object: "assets", VendorID: "v", Ref: toChange(2)}},
		},
		unit(p.create("assets", set{"serial_number": "S8"}), p.install(title, row(8), "1")),
	)
	p.written("the unit before", o[0])
	p.conflict("the unit that fails", o[1])
	p.conflict("a unit with a value that refers to it", o[2])
	p.conflict("a unit with a change of its record", o[3])
	p.conflict("a unit with a link to its record", o[4])
	p.written("a unit that refers to itself, its changes counted over the failed ones", o[5])
	for _, serial := range []string{"S1", "S3", "S5", "S7"} {
		p.gone("assets", "serial_number", serial)
	}
	if o[5].Err == nil {
		p.holds("software_installs", o[5].IDs[1], set{"asset": o[5].IDs[0]})
	}
}

func ensureOnce(p *probe) {
	w := p.writer("a")
	var first string
	for i, c := range []syncer.Change{
		p.ensure("software", set{"name": "Editor", "publisher": "Acme", "category": "one"}),
		p.ensure("software", set{"name": " EDITOR", "publisher": "acme", "category": "two"}),
	} {
		o := w.apply(unit(c))[0]
		p.written("Ensure", o)
		if i == 0 {
			first = o.IDs[0]
			if len(o.Existed) > 0 && o.Existed[0] {
				p.errorf("Existed is true of a record that Ensure made")
			}
			continue
		}
		equal(p, "the id that the second Ensure tells", o.IDs[0], first)
		if len(o.Existed) != 1 || !o.Existed[0] {
			p.errorf("Existed of a record that was there is %v", o.Existed)
		}
	}
	p.holds("software", first, set{"name": "Editor", "category": "one"})
	revision := p.found("", "software", first).Revision
	o := w.apply(unit(p.ensure("software", set{"name": "editor", "publisher": "ACME"}), p.ensure("software", set{"name": "Other"}), p.ensure("software", set{"name": "other", "publisher": nil})))[0]
	p.written("a unit with three of them", o)
	if len(o.IDs) != 3 || len(o.Existed) != 3 {
		p.fatalf("the outcome of three changes has %d ids and %d marks", len(o.IDs), len(o.Existed))
	}
	equal(p, "the first record's id", o.IDs[0], first)
	equal(p, "the third record's id", o.IDs[2], o.IDs[1])
	same(p, "Existed", o.Existed, []bool{true, false, true})
	equal(p, "the revision of a record that Ensure found", p.found("", "software", first).Revision, revision)

	o = w.apply(unit(p.ensure("saas_applications", set{"name": "Mail"})))[0]
	p.written("Ensure of an object without composite key", o)
	again := w.apply(unit(p.ensure("saas_applications", set{"name": "MAIL "})))[0]
	p.written("Ensure by a unique field", again)
	same(p, "the ids by a unique field", again.IDs, o.IDs)
}

func archiveRestore(p *probe) {
	w := p.writer("a")
	id := w.make("users", set{"username": "ada", "title": "before", "notes": "kept"})
	if p.found("", "users", id).Archived {
		p.errorf("a new record is archived")
	}
	w.do(p.write(syncer.Archive, "users", id, nil))
	h := p.byKey("users", "username", "ada")
	if h == nil || h.ID != id || !h.Archived {
		p.fatalf("after Archive, by its key the record is found as %+v", h)
	}
	p.holdsValues("users", h.Values, set{"title": "before", "notes": "kept"})
	w.do(p.update("users", id, set{"title": "in the archive"}))
	if !p.found("", "users", id).Archived {
		p.errorf("an update has taken the record out of the archive")
	}
	w.do(p.write(syncer.Restore, "users", id, set{"title": "after"}))
	if p.found("", "users", id).Archived {
		p.errorf("after Restore, the record is archived")
	}
	p.holds("users", id, set{"title": "after", "notes": "kept"})
}
