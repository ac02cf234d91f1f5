package storetest

import (
	"errors"
	"fmt"

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
			if g.Type != f.Type || g.Item != f.Item || g.Unique != f.Unique || g.Required != f.Required || g.Object != f.Object || g.Link != f.Link || g.Upper != f.Upper {
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

func ledgerOnly(p *probe) {
	w := p.writer("a")
	create := p.create("users", set{"username": "ada"})
	create.Ref = to("row/7 of theirs")
	b := w.batch(syncer.Unit{
		Changes: []syncer.Change{create},
		Links:   []syncer.LinkChange{{Object: "users", VendorID: "v7", Ref: toChange(0), Hash: 7}},
	})
	b.LedgerOnly = true
	o := w.must(b)
	p.written("the creation", o[0])
	same(p, "the ids of the outcome", o[0].IDs, []string{"row/7 of theirs"})
	p.gone("users", "username", "ada")

	update := syncer.Change{Object: "users", Op: syncer.Update, Ref: to("row/7 of theirs"), Revision: 41}
	p.assign(&update, set{"username": "bob"})
	update.Before = create.After[:1]
	b = w.batch(unit(update))
	b.LedgerOnly = true
	p.written("the update", w.must(b)[0])

	if h := p.byLink("a", "users", "v7"); h == nil || h.ID != "row/7 of theirs" || h.Link == nil || h.Link.Hash != 7 || h.Link.Stale {
		p.errorf("by its vendor id, the record is found as %+v", h)
	}
	if h := p.byID("a", "users", "row/7 of theirs"); h == nil || h.Link == nil || h.Link.VendorID != "v7" {
		p.errorf("by its id, the record is found as %+v", h)
	}
	if r, ok := p.store.(syncer.Reader); ok {
		events := p.history(r, "users", "row/7 of theirs")
		if len(events) != 2 {
			p.fatalf("the history has %d events, not 2: %+v", len(events), events)
		}
		p.eventChange(events[0], "username", nil, "ada")
		p.eventChange(events[1], "username", "ada", "bob")
	}
	p.checkpointIs("a", 2, w.checkpoint(2))
}
