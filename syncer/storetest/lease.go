package storetest

import (
	"bytes"
	"errors"
	"time"

	"github.com/vendorsync/vendorsync/syncer"
)

func leaseRules() []rule {
	return []rule{
		{"lease-new", "a new integration has Seq 0 and no checkpoint", leaseNew},
		{"lease-busy", "Begin returns a *BusyError that names the holder while a lease lasts", leaseBusy},
		{"lease-apart", "each integration has a lease of its own", leaseApart},
		{"lease-ends", "a lease ends by itself after its time", leaseEnds},
		{"lease-over", "Begin takes over the lease whose fence is Claim.Over, and no other", leaseOver},
		{"lease-prolonged", "each batch prolongs the lease by its time", leaseProlonged},
		{"lease-released", "a batch with Release ends the lease", leaseReleased},
		{"lease-late", "a lease that ended and that nobody took can still write", leaseLate},
		{"fence-greater", "each lease's fence is greater than all before it", fenceGreater},
		{"fence-lost", "Apply with a lost lease returns ErrFence and writes nothing", fenceLost},
		{"fence-never", "Apply without a lease returns ErrFence and writes nothing", fenceNever},
		{"seen-kept", "the Seen blocks of a run come back up to a batch's number", seenKept},
		{"seen-run", "the first batch of another run forgets the Seen blocks", seenRun},
		{"seen-released", "Seen blocks outlive the lease, since the run may be taken up", seenReleased},
		{"seen-done", "a batch with Done forgets the Seen blocks", seenDone},
	}
}

func leaseNew(p *probe) {
	lease, err := p.store.Begin(p.ctx, p.claim("a"))
	p.no(err, "Begin")
	equal(p, "Lease.Seq", lease.Seq, 0)
	if len(lease.Checkpoint) != 0 {
		p.errorf("Lease.Checkpoint is %q", lease.Checkpoint)
	}
	if blocks := p.blocks(lease, "run", 10); len(blocks) != 0 {
		p.errorf("Lease.Seen yields %q", blocks)
	}
}

// busy notes a fault unless Begin is refused.
func (p *probe) busy(c syncer.Claim, when string) { p.holderOf(c, when) }

// holderOf notes a fault unless Begin is refused, and returns what it says of the
// holder.
func (p *probe) holderOf(c syncer.Claim, when string) (holder syncer.BusyError) {
	lease, err := p.store.Begin(p.ctx, c)
	if err == nil {
		p.errorf("%s, Begin gave away the lease, with the fence %d", when, lease.Fence)
		return holder
	}
	var busy *syncer.BusyError
	if !errors.As(err, &busy) {
		p.errorf("%s, Begin returned %q, which is no *BusyError", when, err)
		return holder
	}
	return *busy
}

func leaseBusy(p *probe) {
	w := p.writer("a")
	c := p.claim("a")
	c.Owner = "another"
	busy := p.holderOf(c, "while the lease lasts")
	equal(p, "BusyError.Integration", busy.Integration, "a")
	equal(p, "BusyError.Owner", busy.Owner, "owner of a")
	equal(p, "BusyError.Fence", busy.Fence, w.lease.Fence)
	if until := p.now.Add(ttl); !busy.Until.Equal(until) {
		p.errorf("BusyError.Until is %s, not %s", busy.Until, until)
	}
	p.busy(p.claim("a"), "to the same owner, while the lease lasts,")
	if _, err := w.send(w.batch()); err != nil {
		p.errorf("after another's claim was refused, the holder's batch returned %q", err)
	}
}

func leaseApart(p *probe) {
	a, b := p.writer("a"), p.writer("b")
	a.apply()
	b.apply()
	a.apply()
	p.checkpointIs("a", 2, a.checkpoint(2))
	p.checkpointIs("b", 1, b.checkpoint(1))
}

func leaseEnds(p *probe) {
	w := p.writer("a")
	p.now = start.Add(ttl - time.Second)
	p.busy(p.claim("a"), "a second before the lease ends")
	p.now = start.Add(ttl + time.Second)
	next := p.begin("a", "run 2")
	if next.lease.Fence <= w.lease.Fence {
		p.errorf("the fence went from %d to %d", w.lease.Fence, next.lease.Fence)
	}
}

func leaseOver(p *probe) {
	w := p.writer("a")
	w.apply()
	c := p.claim("a")
	c.Over = w.lease.Fence + 1
	p.busy(c, "over a fence that is not the holder's")
	c.Over = w.lease.Fence
	next := p.claimed(c, "run 2")
	equal(p, "Lease.Seq of the lease taken over", next.lease.Seq, 1)
	equal(p, "Lease.Checkpoint of the lease taken over", string(next.lease.Checkpoint), w.checkpoint(1))
	if _, err := w.send(w.batch()); !errors.Is(err, syncer.ErrFence) {
		p.errorf("Apply of the one whose lease was taken over returned %v, not ErrFence", err)
	}
	p.busy(c, "over a fence that was taken over already")
	next.apply()
}

func leaseProlonged(p *probe) {
	w := p.writer("a")
	p.now = start.Add(ttl - time.Minute)
	w.apply()
	p.now = p.now.Add(ttl - time.Second)
	p.busy(p.claim("a"), "a second before the prolonged lease ends")
	p.now = p.now.Add(2 * time.Second)
	p.begin("a", "run 2")
}

func leaseReleased(p *probe) {
	w := p.writer("a")
	b := w.batch(unit(p.create("users", set{"username": "ada"})))
	b.Release = true
	w.must(b)
	next := p.begin("a", "run 2")
	equal(p, "Lease.Seq after Release", next.lease.Seq, 1)
	equal(p, "Lease.Checkpoint after Release", string(next.lease.Checkpoint), w.checkpoint(1))
	if p.byKey("users", "username", "ada") == nil {
		p.errorf("the record of the batch with Release is not there")
	}
}

func leaseLate(p *probe) {
	w := p.writer("a")
	p.now = start.Add(2 * ttl)
	if _, err := w.send(w.batch()); err != nil {
		p.errorf("Apply after the lease had ended, and nobody had taken it, returned %q", err)
	}
	p.busy(p.claim("a"), "after that batch prolonged the lease")
}

func fenceGreater(p *probe) {
	w := p.writer("a")
	last := w.lease.Fence
	next := func(how string, w *writer) *writer {
		if w.lease.Fence <= last {
			p.errorf("after %s, the fence is %d, and it was %d before", how, w.lease.Fence, last)
		}
		last = w.lease.Fence
		return w
	}
	c := p.claim("a")
	c.Over = last
	next("a take-over", p.claimed(c, "run 2"))
	p.now = p.now.Add(2 * ttl)
	w = next("the end of the lease", p.begin("a", "run 3"))
	b := w.batch()
	b.Release = true
	w.must(b)
	next("a release", p.begin("a", "run 4"))
}

// nothing notes a fault if a refused batch has written anything of what
// everything puts into it.
func (p *probe) nothing(id string) {
	p.gone("users", "username", "new")
	p.holds("users", id, set{"title": "before"})
	if h := p.byLink("a", "users", "new"); h != nil {
		p.errorf("the refused batch has made a link")
	}
}

// everything returns units that make a record and a link, and change a record.
func (p *probe) everything(id string) []syncer.Unit {
	return []syncer.Unit{
		{
			Changes: []syncer.Change{p.create("users", set{"username": "new"})},
			Links:   []syncer.LinkChange{{Object: "users", VendorID: "new", Ref: toChange(0), Hash: 1}},
		},
		unit(p.update("users", id, set{"title": "after"})),
	}
}

func fenceLost(p *probe) {
	w := p.writer("a")
	id := w.make("users", set{"title": "before"})
	c := p.claim("a")
	c.Over = w.lease.Fence
	next := p.claimed(c, "run 2")
	b := w.batch(p.everything(id)...)
	b.Seen = []byte("lost")
	if _, err := w.send(b); !errors.Is(err, syncer.ErrFence) {
		p.errorf("Apply returned %v, not ErrFence", err)
	}
	p.nothing(id)
	if blocks := p.blocks(next.lease, w.run, 10); len(blocks) != 0 {
		p.errorf("the refused batch has left the Seen blocks %q", blocks)
	}
	p.checkpointIs("a", 1, w.checkpoint(1))
}

func fenceNever(p *probe) {
	id := p.writer("b").make("users", set{"title": "before"})
	w := &writer{p: p, integration: "a", run: "run"}
	for _, fence := range []int64{0, 1, 7} {
		w.lease.Fence = fence
		if _, err := w.send(w.batch(p.everything(id)...)); !errors.Is(err, syncer.ErrFence) {
			p.errorf("Apply with the fence %d, which nobody was given, returned %v, not ErrFence", fence, err)
		}
	}
	p.nothing(id)
}

// saw applies a batch with a Seen block, whose bytes are changed after it.
func (w *writer) saw(block string) {
	b := w.batch()
	b.Seen = []byte(block)
	w.must(b)
	copy(b.Seen, bytes.Repeat([]byte{'?'}, len(block)))
}

func seenKept(p *probe) {
	w := p.writer("a")
	w.saw("one")
	w.apply()
	w.saw("three")
	w.saw("four")
	p.writer("b").saw("of another integration")
	c := p.claim("a")
	c.Over = w.lease.Fence
	lease := p.claimed(c, w.run).lease
	same(p, "the blocks up to batch 3", p.blocks(lease, w.run, 3), []string{"one", "three"})
	same(p, "the blocks up to batch 4", p.blocks(lease, w.run, 4), []string{"four", "one", "three"})
	same(p, "the blocks up to batch 0", p.blocks(lease, w.run, 0), nil)
	same(p, "the blocks of another run", p.blocks(lease, "run 2", 4), nil)
	if lease.Seen != nil {
		for _, err := range lease.Seen(p.ctx, w.run, 4) {
			p.no(err, "the first step of Lease.Seen")
			break // must leave the store usable
		}
	}
	same(p, "the blocks, read again", p.blocks(lease, w.run, 4), []string{"four", "one", "three"})
}

func seenRun(p *probe) {
	w := p.writer("a")
	w.saw("one")
	c := p.claim("a")
	c.Over = w.lease.Fence
	next := p.claimed(c, "run 2")
	same(p, "the blocks before the other run's first batch", p.blocks(next.lease, w.run, 9), []string{"one"})
	next.saw("two")
	c.Over = next.lease.Fence
	lease := p.claimed(c, "run 2").lease
	same(p, "the other run's blocks", p.blocks(lease, "run 2", 9), []string{"two"})
	same(p, "the first run's blocks", p.blocks(lease, w.run, 9), nil)
}

func seenReleased(p *probe) {
	w := p.writer("a")
	w.saw("one")
	b := w.batch()
	b.Release = true
	w.must(b)
	same(p, "the blocks after Release", p.blocks(p.begin("a", w.run).lease, w.run, 9), []string{"one"})
}

func seenDone(p *probe) {
	w := p.writer("a")
	w.saw("one")
	b := w.batch()
	b.Release, b.Done = true, true
	w.must(b)
	same(p, "the blocks after Done", p.blocks(p.begin("a", w.run).lease, w.run, 9), nil)
}
