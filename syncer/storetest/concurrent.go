package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

func concurrencyRules() []rule {
	return []rule{
		{"match-all-or-nothing", "Match sees all or nothing of a batch that is being applied", matchWhole},
		{"match-committed", "Match sees every batch whose Apply has returned, in whatever goroutine", matchCommitted},
		{"apply-side-by-side", "two integrations can apply batches at the same time", applySideBySide},
		{"begin-side-by-side", "of many who claim a lease at the same time, one gets it", beginSideBySide},
		{"cancelled", "a context that is done leaves a batch written whole, or not at all and with an error", cancelled},
	}
}

// watched is how many records a batch changes together.
const watched = 60

// together returns what makes several records, and what sets the title of all of
// them.
func (p *probe) together(w *writer) (ids []string, title func(string) []syncer.Unit) {
	var units []syncer.Unit
	for range watched {
		units = append(units, unit(p.create("users", set{"title": "0"})))
	}
	for _, o := range w.apply(units...) {
		ids = append(ids, o.IDs[0])
	}
	return ids, func(text string) []syncer.Unit {
		var units []syncer.Unit
		for _, id := range ids {
			c := syncer.Change{Object: "users", Op: syncer.Update, Ref: to(id), Revision: -1}
			p.assign(&c, set{"title": text})
			c.Before = append(c.Before, p.value(nil))
			units = append(units, unit(c))
		}
		return units
	}
}

// titles returns the different titles that one Match sees.
func titles(ctx context.Context, store syncer.Store, ids []string, column int) (map[string]int, error) {
	hits, err := store.Match(ctx, syncer.Query{Integration: "b", Object: "users", By: syncer.ByID, Values: ids})
	if err != nil {
		return nil, err
	}
	seen := map[string]int{}
	for _, h := range hits {
		if len(h) != 1 {
			return nil, errors.New("a record was not found")
		}
		seen[h[0].Values[column].Text]++
	}
	return seen, nil
}

func matchWhole(p *probe) {
	w := p.writer("a")
	ids, title := p.together(w)
	column := p.column("users", "title")
	const readers, batches = 3, 20
	done := make(chan struct{})
	faults := make([]error, readers)
	var group sync.WaitGroup
	for i := range readers {
		group.Go(func() {
			for faults[i] == nil {
				seen, err := titles(p.ctx, p.store, ids, column)
				if err == nil && len(seen) != 1 {
					err = fmt.Errorf("records that are written together have the titles %v", seen)
				}
				faults[i] = err
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for n := range batches {
		w.apply(title(strconv.Itoa(n + 1))...)
	}
	close(done)
	group.Wait()
	if err := errors.Join(faults...); err != nil {
		p.errorf("beside Apply, %v", err)
	}

	// A Match that begins when all is written but not yet sealed sees nothing of
	// it, or waits for the end.
	var seen map[string]int
	var err error
	b := w.batch(title("sealed")...)
	b.Seal = func([]syncer.Outcome) ([]byte, error) {
		group.Go(func() { seen, err = titles(p.ctx, p.store, ids, column) })
		return nil, errors.New("undone")
	}
	if aerr := p.store.Apply(p.ctx, b); aerr == nil {
		p.errorf("Apply returned no error, although Seal did")
	}
	group.Wait()
	p.no(err, "Match beside Apply")
	if len(seen) != 1 || seen["sealed"] != 0 {
		p.errorf("beside a batch that was then undone, the titles are %v", seen)
	}
}

func matchCommitted(p *probe) {
	w := p.writer("a")
	for n := range 20 {
		name := fmt.Sprint("user ", n)
		w.make("users", set{"username": name})
		found := make(chan bool)
		go func() {
			hits, err := p.store.Match(p.ctx, syncer.Query{Object: "users", By: syncer.ByKey, Fields: []string{"username"}, Values: []string{name}})
			found <- err == nil && len(hits) == 1 && len(hits[0]) == 1
		}()
		if !<-found {
			p.errorf("a record whose Apply has returned is not found from another goroutine")
			return
		}
	}
}

// sideBySide is what one of several writers does; it gathers its own faults, for
// it runs beside the others.
func sideBySide(p *probe, w *writer, batches int) (won int, err error) {
	for n := range batches {
		b := w.batch(
			unit(w.own(n)),
			unit(w.shared(n)),
		)
		outcomes, err := w.send(b)
		if err != nil {
			return won, fmt.Errorf("apply batch %d of %q: %w", b.Seq, w.integration, err)
		}
		if outcomes[0].Err != nil {
			return won, fmt.Errorf("a record that nobody else makes: %w", outcomes[0].Err)
		}
		switch err := outcomes[1].Err; {
		case err == nil:
			won++
		case !errors.Is(err, syncer.ErrConflict):
			return won, err
		}
	}
	return won, p.ctx.Err()
}

// own and shared return creations of records that one writer, and that all of
// them try to make.
func (w *writer) own(n int) syncer.Change {
	return w.user(fmt.Sprintf("%s %d", w.integration, n))
}

func (w *writer) shared(n int) syncer.Change { return w.user(fmt.Sprintf("all %d", n)) }

func (w *writer) user(name string) syncer.Change {
	o, _ := w.p.schema.Object("users")
	c := syncer.Change{Object: "users", Op: syncer.Create}
	role := "member"
	if choices := o.Fields[o.Field("role")].Choices; len(choices) > 0 {
		role = choices[0]
	}
	for field, text := range map[string]string{"username": name, "email": name + "@example.com", "role": role} {
		c.Columns = append(c.Columns, o.Field(field))
		c.After = append(c.After, mapping.TextValue(text))
	}
	return c
}

func applySideBySide(p *probe) {
	const batches = 25
	writers := []*writer{p.writer("a"), p.writer("b"), p.writer("c")}
	errs, won := make([]error, len(writers)), make([]int, len(writers))
	var group sync.WaitGroup
	for i, w := range writers {
		group.Go(func() { won[i], errs[i] = sideBySide(p, w, batches) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		p.fatalf("side by side, %v", err)
	}
	equal(p, "the number of records that all tried to make and one did", won[0]+won[1]+won[2], batches)
	for n := range batches {
		for _, name := range []string{"a", "b", "c", "all"} {
			if p.byKey("users", "username", fmt.Sprintf("%s %d", name, n)) == nil {
				p.errorf("the record %d of %s is not there", n, name)
			}
		}
	}
	for _, w := range writers {
		p.checkpointIs(w.integration, batches, w.checkpoint(batches))
	}
}

func beginSideBySide(p *probe) {
	const claimants = 16
	errs := make([]error, claimants)
	var group sync.WaitGroup
	for i := range claimants {
		group.Go(func() { _, errs[i] = p.store.Begin(p.ctx, p.claim("a")) })
	}
	group.Wait()
	won := 0
	for _, err := range errs {
		var busy *syncer.BusyError
		switch {
		case err == nil:
			won++
		case !errors.As(err, &busy):
			p.errorf("Begin returned %q, which is no *BusyError", err)
		}
	}
	equal(p, "the number of leases given away", won, 1)
}

func cancelled(p *probe) {
	w := p.writer("a")
	id := w.make("users", set{"title": "before"})
	ctx, cancel := context.WithCancel(p.ctx)
	cancel()
	if err := p.store.Apply(ctx, w.batch(p.everything(id)...)); err == nil {
		p.fatalf("Apply with a context that was done before returned no error")
	}
	p.nothing(id)

	ctx, cancel = context.WithCancel(p.ctx)
	defer cancel()
	b := w.batch(p.everything(id)...)
	seal := b.Seal
	b.Seal = func(o []syncer.Outcome) ([]byte, error) {
		cancel()
		return seal(o)
	}
	if err := p.store.Apply(ctx, b); err != nil {
		p.nothing(id)
		w.apply(p.everything(id)...)
	}
	p.holds("users", id, set{"title": "after"})
	if p.byLink("a", "users", "new") == nil {
		p.errorf("the link of the batch is not there")
	}
	p.checkpointIs("a", 2, w.checkpoint(2))
}
