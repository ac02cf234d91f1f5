package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

func keyEditorRules() []rule {
	return []rule{
		{"unique-set", "a custom field that becomes unique is a key like any other, with the values there are", uniqueSet},
		{"unique-taken", "a field of which records share a value, whatever its case and archived ones among them, cannot become unique, and the error lists them", uniqueTaken},
		{"unique-many", "a *DuplicatesError lists at most 100 groups, and how many more there are", uniqueMany},
		{"unique-empty", "records without a value share none", uniqueEmpty},
		{"unique-cleared", "a field that stops being unique is no key any more, and can become one again", uniqueCleared},
		{"unique-refused", "a standard field, a list and a reference cannot be changed, and one that is not there cannot either", uniqueRefused},
		{"unique-beside", "a field that becomes unique beside batches is shared by none of what they wrote", uniqueBeside},
		{"unique-merged", "a record and one that is a part of it share no value", uniqueMerged},
	}
}

// setUnique makes a field of assets unique, or not, and reads the schema anew.
func (p *probe) setUnique(field string, unique bool) error {
	return p.setUniqueOf("assets", field, unique)
}

func (p *probe) setUniqueOf(object, field string, unique bool) error {
	err := p.store.(syncer.KeyEditor).SetUnique(p.ctx, object, field, unique) //nolint:errcheck // the part's rules run for editors alone
	p.readSchema()
	return err
}

// badge adds a custom text to assets.
func (p *probe) badge() {
	needs[syncer.SchemaEditor](p, "SchemaEditor")
	p.no(p.addField("assets", mapping.Field{Name: "badge", Type: mapping.Text}), "AddField")
}

// isUnique notes a fault unless the schema says that badge is unique, or not.
func (p *probe) isUnique(when string, want bool) {
	equal(p, "Unique of the field "+when, p.object("assets").Fields[p.column("assets", "badge")].Unique, want)
}

// badges notes a fault unless ScanKeys yields these keys of assets.
func (p *probe) badges(when string, want ...string) {
	if is[syncer.KeyScanner](p.store) {
		same(p, "the keys "+when, p.keys("assets"), want)
	}
}

func uniqueSet(p *probe) {
	w := p.writer("a")
	p.badge()
	first, second := w.linked("assets", "v", set{"badge": " B 1", "serial_number": "S1"}), w.make("assets", set{"badge": "b 2"})
	w.make("assets", nil)
	before := *p.found("a", "assets", first)
	p.no(p.setUnique("badge", true), "SetUnique")
	p.no(p.setUnique("badge", true), "SetUnique of a unique field")
	p.isUnique("that became so", true)
	after := *p.found("a", "assets", first)
	equal(p, "the revision", after.Revision, before.Revision)
	equal(p, "the link", *after.Link, *before.Link)
	p.holdsValues("assets", after.Values, set{"badge": " B 1", "serial_number": "S1"})
	p.finds("by the new key", p.byKey("assets", "badge", "b 1"), first)
	p.badges("with those there were", "badge=b 1", "badge=b 2", "serial_number=S1")
	p.conflict("a creation with a taken value", w.apply(unit(p.create("assets", set{"badge": "B 2 "})))[0])
	p.conflict("an update to a taken value", w.apply(unit(p.update("assets", first, set{"badge": "B 2"})))[0])
	o := w.apply(unit(p.update("assets", first, set{"badge": "B 3"})), unit(p.update("assets", second, set{"badge": "B 1"})))
	p.written("an update to a free value", o[0])
	p.written("an update to a value that was given up", o[1])
	p.finds("by a key written since", p.byKey("assets", "badge", "B 3"), first)
	p.finds("by a key that moved", p.byKey("assets", "badge", "B 1"), second)
	p.gone("assets", "badge", "B 2")

	p.no(p.addField("users", mapping.Field{Name: "locker", Type: mapping.Integer}), "AddField")
	user := w.make("users", set{"locker": -7})
	p.no(p.setUniqueOf("users", "locker", true), "SetUnique of a number")
	p.conflict("a creation with a taken number", w.apply(unit(p.create("users", set{"locker": -7})))[0])
	if h := p.one(syncer.Query{Object: "users", By: syncer.ByKey, Fields: []string{"locker"}, Values: []string{"-7"}}); h == nil || h.ID != user {
		p.errorf("by its number the record is found as %+v", h)
	}
}

// duplicates returns the error that says why badge cannot become unique.
func (p *probe) duplicates() *syncer.DuplicatesError {
	err := p.setUnique("badge", true)
	var d *syncer.DuplicatesError
	if !errors.As(err, &d) {
		p.fatalf("SetUnique returned %v, which is no *DuplicatesError", err)
	}
	equal(p, "Object of the error", d.Object, "assets")
	equal(p, "Field of the error", d.Field, "badge")
	return d
}

func uniqueTaken(p *probe) {
	w := p.writer("a")
	p.badge()
	one, alone, two := w.make("assets", set{"badge": "Same"}), w.make("assets", set{"badge": "alone"}), w.make("assets", set{"badge": " SAME"})
	three, four := w.make("assets", set{"badge": "other"}), w.make("assets", set{"badge": "other"})
	five := w.make("assets", set{"badge": "same\t"})
	w.do(p.write(syncer.Archive, "assets", four, nil))
	d := p.duplicates()
	equal(p, "More", d.More, 0)
	groups := map[string][]string{}
	for _, g := range d.Groups {
		if !slices.IsSorted(g.IDs) && !slices.IsSortedFunc(g.IDs, compareNumbers) {
			p.errorf("the ids of a group are in no order: %v", g.IDs)
		}
		groups[strings.ToLower(strings.TrimSpace(g.Value))] = sortedIDs(slices.Clone(g.IDs)...)
	}
	equal(p, "the number of groups", len(groups), 2)
	same(p, "the records that share a text in another case", groups["same"], sortedIDs(one, two, five))
	same(p, "the records of which one is archived", groups["other"], sortedIDs(three, four))
	if text := d.Error(); !strings.Contains(text, "badge") || !strings.Contains(strings.ToLower(text), "same") {
		p.errorf("the error says %q", text)
	}

	p.isUnique("after what was refused", false)
	p.badges("after what was refused")
	p.written("a creation with a value of the field that did not become unique", w.apply(unit(p.create("assets", set{"badge": "alone"})))[0])
	w.do(p.update("assets", alone, set{"badge": "alone no more"}), p.update("assets", one, set{"badge": nil}), p.update("assets", two, set{"badge": "two"}), p.update("assets", four, set{"badge": "four"}))
	p.no(p.setUnique("badge", true), "SetUnique after what was shared was changed")
	p.isUnique("that became so after that", true)
	p.conflict("a creation with an archived record's value", w.apply(unit(p.create("assets", set{"badge": "four"})))[0])
	p.finds("by a value of three records before", p.byKey("assets", "badge", "same"), five)
}

func uniqueMany(p *probe) {
	w := p.writer("a")
	p.badge()
	var units []syncer.Unit
	for i := range 250 {
		units = append(units, unit(p.create("assets", set{"badge": "B" + strconv.Itoa(i/2)})))
	}
	for range 30 {
		units = append(units, unit(p.create("assets", set{"badge": "many"})))
	}
	w.apply(units...)
	d := p.duplicates()
	equal(p, "the number of groups", len(d.Groups), 100)
	equal(p, "More", d.More, 26)
	seen := map[string]bool{}
	for _, g := range d.Groups {
		want := 2
		if g.Value == "many" {
			want = 30
		}
		equal(p, "the number of records that share "+g.Value, len(g.IDs), want)
		for _, id := range g.IDs {
			if seen[id] {
				p.errorf("record %s is in two groups", id)
			}
			seen[id] = true
		}
	}
}

func uniqueEmpty(p *probe) {
	w := p.writer("a")
	p.badge()
	for _, v := range []any{nil, nil, "", "", "   ", "\t"} {
		w.make("assets", set{"badge": v})
	}
	w.make("assets", set{"badge": "B"})
	for range 2 {
		w.make("assets", set{"badge": "N/A"}) // a placeholder, as of any unique text
	}
	p.no(p.setUnique("badge", true), "SetUnique of a field without values")
	p.badges("of one record that has a value", "badge=b")
	for _, v := range []any{nil, " ", "n/a"} {
		p.written(fmt.Sprintf("a creation with %q", v), w.apply(unit(p.create("assets", set{"badge": v})))[0])
	}
}

func uniqueCleared(p *probe) {
	needs[syncer.SchemaEditor](p, "SchemaEditor")
	w := p.writer("a")
	p.no(p.addField("assets", mapping.Field{Name: "badge", Type: mapping.Text, Unique: true}), "AddField of a unique field")
	id := w.make("assets", set{"badge": "B 1", "serial_number": "S1"})
	p.no(p.setUnique("badge", false), "SetUnique")
	p.no(p.setUnique("badge", false), "SetUnique of a field that is not unique")
	p.isUnique("that is not so any more", false)
	p.badges("with a field less", "serial_number=S1")
	p.holds("assets", id, set{"badge": "B 1"})
	twin := w.apply(unit(p.create("assets", set{"badge": "B 1"})))[0]
	p.written("a creation with a value that was a key", twin)
	p.conflict("a creation with a key of another field", w.apply(unit(p.create("assets", set{"serial_number": "S1"})))[0])
	query := syncer.Query{Object: "assets", By: syncer.ByKey, Fields: []string{"badge"}, Values: []string{"b 1"}}
	if hits, err := p.store.Match(p.ctx, query); err == nil && len(hits[0]) > 0 {
		p.errorf("by a field that is no key any more, %+v is found", hits[0])
	}
	equal(p, "the number of groups", len(p.duplicates().Groups), 1)
	if twin.Err == nil {
		w.do(p.update("assets", twin.IDs[0], set{"badge": "B 2"}))
	}
	p.no(p.setUnique("badge", true), "SetUnique, again,")
	p.conflict("a creation with a key that was none in between", w.apply(unit(p.create("assets", set{"badge": "B 1"})))[0])
	p.finds("by a key that was none in between", p.byKey("assets", "badge", "b 1"), id)
}

func uniqueRefused(p *probe) {
	needs[syncer.SchemaEditor](p, "SchemaEditor")
	fields := map[string]mapping.Field{
		"tags":  {Name: "tags", Type: mapping.List},
		"owner": {Name: "owner", Type: mapping.Reference, Object: "users"},
	}
	for _, f := range fields {
		p.no(p.addField("assets", f), "AddField")
	}
	before := p.schema.Version()
	for why, field := range map[string]string{
		"is a standard one": "device_name", "is a list": "tags", "is a reference": "owner", "is the link beside a reference": "owner_id",
		"is a standard reference": "assigned_to", "is not there": "no_such_field", "is more than a name": `tags" OR "1`,
	} {
		if err := p.setUnique(field, true); err == nil {
			p.errorf("a field that %s became unique", why)
		}
	}
	if err := p.setUnique("serial_number", false); err == nil {
		p.errorf("a standard field stopped being unique")
	}
	if err := p.setUniqueOf("no_such_object", "badge", true); err == nil {
		p.errorf("a field of an unknown object became unique")
	}
	equal(p, "the version of the schema after what was refused", p.schema.Version(), before)
}

func uniqueBeside(p *probe) {
	p.badge()
	const batches = 30
	var errs [3]error
	var made [2][batches]bool
	var group sync.WaitGroup
	for i, w := range []*writer{p.writer("a"), p.writer("b")} {
		var all []*syncer.Batch
		for n := range batches {
			b := w.batch(unit(p.create("assets", set{"badge": fmt.Sprint("B ", n)})))
			b.Seq += int64(n)
			b.Seal = func(o []syncer.Outcome) ([]byte, error) {
				made[i][n] = o[0].Err == nil
				return nil, nil
			}
			all = append(all, b)
		}
		group.Go(func() {
			for _, b := range all {
				errs[i] = errors.Join(errs[i], p.store.Apply(p.ctx, b))
			}
		})
	}
	group.Go(func() {
		errs[2] = p.store.(syncer.KeyEditor).SetUnique(p.ctx, "assets", "badge", true) //nolint:errcheck // see setUniqueOf
	})
	group.Wait()
	p.no(errors.Join(errs[:2]...), "Apply beside SetUnique")
	var d *syncer.DuplicatesError
	refused := errors.As(errs[2], &d)
	if errs[2] != nil && !refused {
		p.fatalf("SetUnique beside Apply returned %q", errs[2])
	}
	p.readSchema()
	p.isUnique("after batches beside SetUnique", !refused)
	for n := range batches {
		one, other := made[0][n], made[1][n]
		if refused && (!one || !other) || !refused && one == other {
			p.errorf("the two creations of one value were written: %t and %t, and SetUnique returned %v", one, other, errs[2])
		}
	}
}

func uniqueMerged(p *probe) {
	needs[syncer.Merger](p, "Merger")
	w := p.writer("a")
	p.badge()
	into, from := w.make("assets", nil), w.make("assets", set{"badge": "B 1"})
	p.merge("assets", from, into)
	p.holds("assets", into, set{"badge": "B 1"})
	p.no(p.setUnique("badge", true), "SetUnique of a field whose value a merge moved")
	p.finds("by a value of both", p.byKey("assets", "badge", "b 1"), into)
	p.written("an update of the record that gives the value up", w.apply(unit(p.update("assets", into, set{"badge": "B 2"})))[0])
	p.conflict("a creation with the record's value", w.apply(unit(p.create("assets", set{"badge": "B 2"})))[0])
}
