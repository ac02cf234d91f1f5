package storetest

import (
	"errors"
	"fmt"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

func batchRules() []rule {
	return []rule{
		{"schema-standard", "Schema returns a valid model with the standard objects and fields", schemaStandard},
		{"seq-once", "a batch whose Seq is not one more than the last is an error and writes nothing", seqOnce},
		{"checkpoint", "what Seal returns is the checkpoint of the next lease", checkpointKept},
		{"seal-outcomes", "Seal is called once, with an outcome for each unit that tells the records' ids", sealOutcomes},
		{"seal-error", "an error of Seal undoes the batch", sealError},
		{"batch-error", "an error that is no conflict undoes the batch", batchError},
		{"ledger-only", "a LedgerOnly batch keeps links, history and checkpoint of records that live elsewhere", ledgerOnly},
	}
}

func schemaStandard(p *probe) {
	if err := p.schema.Validate(); err != nil {
		p.errorf("the schema is not valid: %v", err)
	}
	for _, want := range standard().Objects {
		got := p.object(want.Name)
		equal(p, "the key of "+want.Name, fmt.Sprint(got.Key), fmt.Sprint(want.Key))
		for _, f := range want.Fields {
			i := got.Field(f.Name)
			if i < 0 {
				p.errorf("%s have no field %q", want.Name, f.Name)
				continue
			}
			g := got.Fields[i]
			if g.Type != f.Type || g.Item != f.Item || g.Unique != f.Unique || g.Required != f.Required || g.Object != f.Object || g.Link != f.Link || g.For != f.For || g.Companion != f.Companion || g.Upper != f.Upper {
				p.errorf("the field %s of %s is %+v, not %+v", f.Name, want.Name, g, f)
			}
		}
	}
}

func seqOnce(p *probe) {
	w := p.writer("a")
	id := w.make("users", set{"title": "before"})
	for _, seq := range []int64{1, 3, 0, -1} {
		b := w.batch(p.everything(id)...)
		b.Seq = seq
		if err := p.store.Apply(p.ctx, b); err == nil {
			p.fatalf("after batch 1, a batch with the number %d was applied", seq)
		}
		p.nothing(id)
	}
	w.apply(p.everything(id)...)
	if p.byKey("users", "username", "new") == nil {
		p.errorf("the batch in turn has not made its record")
	}
	p.checkpointIs("a", 2, w.checkpoint(2))
}

func checkpointKept(p *probe) {
	w := p.writer("a")
	kept := []byte("with \x00 any \xff bytes")
	b := w.batch()
	b.Seal = func([]syncer.Outcome) ([]byte, error) { return kept, nil }
	w.must(b)
	copy(kept, "changed by its owner")
	c := p.claim("a")
	c.Over = w.lease.Fence
	next := p.claimed(c, "run 2")
	equal(p, "Lease.Checkpoint", string(next.lease.Checkpoint), "with \x00 any \xff bytes")

	copy(next.lease.Checkpoint, "changed by its reader")
	c.Over = next.lease.Fence
	next = p.claimed(c, "run 3")
	equal(p, "Lease.Checkpoint, read again", string(next.lease.Checkpoint), "with \x00 any \xff bytes")

	b = next.batch()
	b.Seal = func([]syncer.Outcome) ([]byte, error) { return nil, nil }
	next.must(b)
	p.checkpointIs("a", 2, "")
}

func sealOutcomes(p *probe) {
	w := p.writer("a")
	taken := w.make("users", set{"username": "taken", "title": "before"})
	stale := p.update("users", taken, set{"title": "after"})
	stale.Revision += 5
	calls := 0
	b := w.batch(
		unit(p.create("users", set{"username": "ada"}), p.create("users", set{"username": "bob"})),
		unit(stale),
		unit(p.update("users", taken, set{"title": "after"})),
		unit(p.ensure("saas_applications", set{"name": "Mail"})),
		unit(p.ensure("saas_applications", set{"name": "Mail"})),
		unit(),
	)
	seal := b.Seal
	b.Seal = func(o []syncer.Outcome) ([]byte, error) {
		calls++
		return seal(o)
	}
	o := w.must(b)
	equal(p, "the number of calls of Seal", calls, 1)
	p.conflict("an update with another revision", o[1])
	for i, changes := range []int{2, 0, 1, 1, 1, 0} {
		if i == 1 {
			continue
		}
		p.written(fmt.Sprintf("unit %d", i), o[i])
		if len(o[i].IDs) != changes {
			p.fatalf("the outcome of unit %d has %d ids for %d changes", i, len(o[i].IDs), changes)
		}
	}
	for i, name := range []string{"ada", "bob"} {
		h := p.byKey("users", "username", name)
		if h == nil {
			p.fatalf("the record %q is not there", name)
		}
		equal(p, "the id in the outcome of "+name, o[0].IDs[i], h.ID)
	}
	equal(p, "the id in the outcome of an update", o[2].IDs[0], taken)
	equal(p, "the id in the outcome of a second Ensure", o[4].IDs[0], o[3].IDs[0])
}

func sealError(p *probe) {
	w := p.writer("a")
	id := w.linked("users", "old", set{"title": "before"})
	hit := p.found("a", "users", id)
	b := w.batch(p.everything(id)...)
	b.Units = append(b.Units, linking(syncer.LinkChange{Object: "users", VendorID: "old", Ref: to(id), Hash: 99}))
	b.Seen, b.Release = []byte("undone"), true
	b.Seal = func([]syncer.Outcome) ([]byte, error) { return []byte("undone"), errors.New("no") }
	if err := p.store.Apply(p.ctx, b); err == nil {
		p.errorf("Apply returned no error")
	}
	p.nothing(id)
	equal(p, "the revision of a record that the batch changed", p.found("a", "users", id).Revision, hit.Revision)
	equal(p, "the hash of a link that the batch changed", p.link("a", "users", id).Hash, hit.Link.Hash)
	p.busy(p.claim("a"), "after a batch with Release was undone")
	w.apply(p.everything(id)...) // the number is still free, and so are the keys
	c := p.claim("a")
	c.Over = w.lease.Fence
	same(p, "the Seen blocks", p.blocks(p.claimed(c, w.run).lease, w.run, 9), nil)
	p.checkpointIs("a", 2, w.checkpoint(2))
}

func batchError(p *probe) {
	w := p.writer("a")
	id := w.make("users", set{"title": "before"})
	unknown := syncer.Change{Object: "no such object", Op: syncer.Create}
	early := p.update("users", id, set{"title": "after"})
	early.Ref = toChange(99)
	odd := p.update("users", id, set{"title": "after"})
	odd.Op = "no such op"
	for name, c := range map[string]syncer.Change{"an unknown object": unknown, "a Ref to no earlier change": early, "an unknown op": odd} {
		b := w.batch(append(p.everything(id), unit(c))...)
		if err := p.store.Apply(p.ctx, b); err == nil {
			p.fatalf("a batch with %s was applied", name)
		}
		p.nothing(id)
	}
	p.checkpointIs("a", 1, w.checkpoint(1))
}

// keep applies a unit of a ledger, of which nothing may conflict.
func (w *writer) keep(u syncer.Unit) syncer.Outcome {
	b := w.batch(u)
	b.LedgerOnly = true
	o := w.must(b)[0]
	w.p.written("a unit of the ledger", o)
	return o
}

func ledgerOnly(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	const id = "row/7 of theirs"
	text, number := mapping.TextValue, mapping.IntValue
	assets := p.object("assets")
	tag, memory := assets.Field("asset_tag"), assets.Field("memory_mb")
	link := func(vendorID string, hash uint64) syncer.LinkChange {
		return syncer.LinkChange{Object: "assets", VendorID: vendorID, Ref: to(id), Hash: hash}
	}
	o := a.keep(syncer.Unit{
		Changes: []syncer.Change{{Object: "assets", Op: syncer.Create, Ref: to(id), Columns: []int{tag, memory}, After: []mapping.Value{text("C-1"), number(12)}}},
		Links:   []syncer.LinkChange{link("v7", 7)},
	})
	same(p, "the ids of the outcome", o.IDs, []string{id})
	p.kept("a", syncer.Link{VendorID: "v7", ID: id, Hash: 7})

	update := syncer.Change{Object: "assets", Op: syncer.Update, Ref: to(id), Revision: -1, Columns: []int{memory}, Before: []mapping.Value{number(12)}, After: []mapping.Value{number(24)}}
	b.keep(syncer.Unit{Changes: []syncer.Change{update}, Links: []syncer.LinkChange{link("w", 8)}})
	p.kept("a", syncer.Link{VendorID: "v7", ID: id, Hash: 7, Stale: true})
	p.kept("b", syncer.Link{VendorID: "w", ID: id, Hash: 8})
	superseding := link("v8", 9)
	superseding.Supersedes = "v7"
	a.keep(linking(superseding))
	p.kept("a", syncer.Link{VendorID: "v7", ID: id, SupersededBy: "v8"}, syncer.Link{VendorID: "v8", ID: id, Hash: 9})
	if h := p.byLink("a", "assets", "v8"); h == nil || h.ID != id || h.Link == nil || h.Link.Hash != 9 {
		p.errorf("by its vendor id, the record is found as %+v", h)
	}
	if h := p.byID("a", "assets", id); h == nil || h.Link == nil || h.Link.VendorID != "v8" || !h.Shared {
		p.errorf("by its id, the record is found as %+v", h)
	}
	p.gone("assets", "asset_tag", "c-1")
	a.keep(linking(syncer.LinkChange{Object: "assets", Ref: to(id), Remove: true}))

	if r, ok := p.store.(syncer.Reader); ok {
		events := p.history(r, "assets", id)
		if len(events) != 2 {
			p.fatalf("the history has %d events, not 2: %+v", len(events), events)
		}
		p.wants(events[0], syncer.Create, a, start)
		p.eventChange(events[0], "asset_tag", nil, "C-1")
		p.eventChange(events[0], "memory_mb", nil, 12)
		p.wants(events[1], syncer.Update, b, start)
		p.changed(events[1], "memory_mb")
		p.eventChange(events[1], "memory_mb", 12, 24)
	}
	p.checkpointIs("a", 3, a.checkpoint(3))
}

// kept notes a fault unless the ledger has these links of an integration.
func (p *probe) kept(integration string, want ...syncer.Link) {
	if !is[syncer.LinkScanner](p.store) {
		return
	}
	links := p.scan(integration, "assets")
	for i := range links {
		if links[i].SupersededBy != "" { // the rest of such a link says nothing
			links[i].Hash, links[i].Stale, links[i].Missing = 0, false, false
		}
	}
	same(p, "the links of the ledger", links, want)
}
