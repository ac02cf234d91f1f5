package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// start is the time at which every test begins. Stores tell leases by the times
// they are given, not by the clock.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// ttl is how long a lease lasts where a test does not say.
const ttl = time.Hour

// A probe tests one rule on one store and gathers what it finds wrong.
type probe struct {
	ctx    context.Context
	store  syncer.Store
	schema *mapping.Schema
	now    time.Time
	faults []string
	serial int // of the records made so far
}

// stop ends a rule's test.
type stop struct{}

// lack ends the test of a rule for which the store lacks an ability.
type lack string

// needs ends the test if the store does not have an ability besides.
func needs[Ability any](p *probe, name string) {
	if !is[Ability](p.store) {
		panic(lack(name))
	}
}

// errorf notes a fault and goes on.
func (p *probe) errorf(format string, args ...any) {
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

// fatalf notes a fault and ends the test.
func (p *probe) fatalf(format string, args ...any) {
	p.errorf(format, args...)
	panic(stop{})
}

// no ends the test if there is an error.
func (p *probe) no(err error, doing string) {
	if err != nil {
		p.fatalf("%s returned the error %q", doing, err)
	}
}

// equal notes a fault if what was got is not what was wanted.
func equal[V comparable](p *probe, what string, got, want V) {
	if got != want {
		p.errorf("%s is %v, not %v", what, show(got), show(want))
	}
}

// same notes a fault if two lists differ.
func same[V comparable](p *probe, what string, got, want []V) {
	if !slices.Equal(got, want) {
		p.errorf("%s are %v, not %v", what, got, want)
	}
}

// show quotes a text, and cuts what is long.
func show(v any) string {
	s := fmt.Sprintf("%+v", v)
	if text, ok := v.(string); ok {
		s = strconv.Quote(text)
	}
	if len(s) > 300 {
		return fmt.Sprintf("%s... (%d bytes)", s[:300], len(s))
	}
	return s
}

// readSchema reads the schema anew.
func (p *probe) readSchema() {
	schema, err := p.store.Schema(p.ctx)
	p.no(err, "Schema")
	p.schema = schema
}

// object returns an object of the schema.
func (p *probe) object(name string) *mapping.Object {
	o, ok := p.schema.Object(name)
	if !ok {
		p.fatalf("the schema has no object %q", name)
	}
	return o
}

// column returns the index of a field.
func (p *probe) column(object, field string) int {
	i := p.object(object).Field(field)
	if i < 0 {
		p.fatalf("the schema's object %s has no field %q", object, field)
	}
	return i
}

// A row is a reference to the record that a change of the batch makes, by the
// change's number.
type row int

// A set is values by field: a string, an int, a bool, a row, a mapping.Value, or
// nil for none.
type set map[string]any

func (p *probe) value(v any) mapping.Value {
	switch v := v.(type) {
	case nil:
		return mapping.Null
	case string:
		return mapping.TextValue(v)
	case int:
		return mapping.IntValue(int64(v))
	case bool:
		return mapping.BoolValue(v)
	case row:
		return mapping.RowValue(int(v))
	case mapping.Value:
		return v
	}
	p.fatalf("the test uses a value of type %T", v)
	return mapping.Value{}
}

// assign puts a set into a change, in the order of the object's fields.
func (p *probe) assign(c *syncer.Change, values set) {
	o := p.object(c.Object)
	for name := range values {
		p.column(c.Object, name)
	}
	for i := range o.Fields {
		if v, ok := values[o.Fields[i].Name]; ok {
			c.Columns = append(c.Columns, i)
			c.After = append(c.After, p.value(v))
		}
	}
}

// create returns a change that makes a record, with what the object requires
// filled in where values does not say.
func (p *probe) create(object string, values set) syncer.Change {
	return p.making(syncer.Create, object, values)
}

// ensure returns a change that makes a record unless its key is there.
func (p *probe) ensure(object string, values set) syncer.Change {
	return p.making(syncer.Ensure, object, values)
}

func (p *probe) making(op syncer.Op, object string, values set) syncer.Change {
	full := set{}
	for _, f := range p.object(object).Fields {
		if f.Required && !f.Link {
			p.serial++
			full[f.Name] = p.sample(f, p.serial)
		}
	}
	for name, v := range values {
		full[name] = v
	}
	c := syncer.Change{Object: object, Op: op}
	p.assign(&c, full)
	return c
}

// sample returns a text that a required field takes.
func (p *probe) sample(f mapping.Field, n int) string {
	switch {
	case len(f.Choices) > 0:
		return f.Choices[0]
	case f.Type == mapping.Email:
		return "person" + strconv.Itoa(n) + "@example.com"
	}
	return f.Name + " " + strconv.Itoa(n)
}

// write returns a change to a record as it is now.
func (p *probe) write(op syncer.Op, object, id string, values set) syncer.Change {
	hit := p.byID("", object, id)
	if hit == nil {
		p.fatalf("record %s of %s is not found by its id", id, object)
	}
	c := syncer.Change{Object: object, Op: op, Ref: syncer.Ref{ID: id}, Revision: hit.Revision}
	p.assign(&c, values)
	for _, col := range c.Columns {
		c.Before = append(c.Before, hit.Values[col])
	}
	return c
}

// update returns an update of a record as it is now.
func (p *probe) update(object, id string, values set) syncer.Change {
	return p.write(syncer.Update, object, id, values)
}

// unit returns a unit of changes without links.
func unit(changes ...syncer.Change) syncer.Unit { return syncer.Unit{Changes: changes} }

// linking returns a unit of links without changes.
func linking(links ...syncer.LinkChange) syncer.Unit { return syncer.Unit{Links: links} }

// to is a Ref to a record by its id.
func to(id string) syncer.Ref { return syncer.Ref{ID: id} }

// toChange is a Ref to the record of a change of the batch.
func toChange(n int) syncer.Ref { return syncer.Ref{Change: n} }

// A writer is a run of one integration that holds its lease.
type writer struct {
	p           *probe
	integration string
	run         string
	lease       syncer.Lease
	seq         int64
}

// claim returns a claim of an integration's lease at the time of the probe.
func (p *probe) claim(integration string) syncer.Claim {
	return syncer.Claim{Integration: integration, Owner: "owner of " + integration, TTL: ttl, Now: p.now}
}

// begin takes an integration's lease for a run of the name.
func (p *probe) begin(integration, run string) *writer {
	return p.claimed(p.claim(integration), run)
}

func (p *probe) claimed(c syncer.Claim, run string) *writer {
	lease, err := p.store.Begin(p.ctx, c)
	p.no(err, "Begin")
	return &writer{p: p, integration: c.Integration, run: run, lease: lease, seq: lease.Seq}
}

// writer takes the lease of a new integration.
func (p *probe) writer(integration string) *writer {
	return p.begin(integration, "run of "+integration)
}

// actor is the integration user.
func (w *writer) actor() string { return "user of " + w.integration }

// batch returns the next batch. Its checkpoint says which it is.
func (w *writer) batch(units ...syncer.Unit) *syncer.Batch {
	return &syncer.Batch{
		Integration: w.integration, Run: w.run, Actor: w.actor(), Fence: w.lease.Fence, Seq: w.seq + 1, At: w.p.now, Units: units,
		Seal: func([]syncer.Outcome) ([]byte, error) { return []byte(w.checkpoint(w.seq + 1)), nil },
	}
}

// checkpoint is what a writer's batches seal.
func (w *writer) checkpoint(seq int64) string { return fmt.Sprintf("%s after %d", w.integration, seq) }

// send applies a batch and returns its outcomes.
func (w *writer) send(b *syncer.Batch) ([]syncer.Outcome, error) {
	var outcomes []syncer.Outcome
	seal := b.Seal
	b.Seal = func(o []syncer.Outcome) ([]byte, error) {
		outcomes = slices.Clone(o)
		return seal(o)
	}
	err := w.p.store.Apply(w.p.ctx, b)
	if err == nil {
		w.seq = b.Seq
	}
	return outcomes, err
}

// apply applies the next batch, which must be written, and returns its outcomes.
func (w *writer) apply(units ...syncer.Unit) []syncer.Outcome {
	return w.must(w.batch(units...))
}

// must applies a batch, which must be written.
func (w *writer) must(b *syncer.Batch) []syncer.Outcome {
	outcomes, err := w.send(b)
	w.p.no(err, "Apply")
	if len(outcomes) != len(b.Units) {
		w.p.fatalf("Seal was given %d outcomes for %d units", len(outcomes), len(b.Units))
	}
	return outcomes
}

// undone applies a batch whose Seal fails.
func (w *writer) undone(units ...syncer.Unit) {
	b := w.batch(units...)
	b.Seal = func([]syncer.Outcome) ([]byte, error) { return nil, fmt.Errorf("undo batch %d", b.Seq) }
	if err := w.p.store.Apply(w.p.ctx, b); err == nil {
		w.p.errorf("Apply returned no error, although Seal did")
	}
}

// do writes one unit, none of which may conflict, and returns its records' ids.
func (w *writer) do(changes ...syncer.Change) []string { return w.doUnit(unit(changes...)) }

// doUnit writes one unit, which may not conflict, and returns its records' ids.
func (w *writer) doUnit(u syncer.Unit) []string {
	o := w.apply(u)[0]
	w.p.no(o.Err, "the unit of a batch that has only this one")
	if len(o.IDs) != len(u.Changes) {
		w.p.fatalf("the outcome has %d ids for %d changes", len(o.IDs), len(u.Changes))
	}
	return o.IDs
}

// make makes a record and returns its id.
func (w *writer) make(object string, values set) string {
	id := w.do(w.p.create(object, values))[0]
	if id == "" {
		w.p.fatalf("a new record of %s has no id", object)
	}
	return id
}

// linked makes a record with a link and returns its id.
func (w *writer) linked(object, vendorID string, values set) string {
	return w.doUnit(syncer.Unit{
		Changes: []syncer.Change{w.p.create(object, values)},
		Links:   []syncer.LinkChange{{Object: object, VendorID: vendorID, Ref: toChange(0), Hash: 1}},
	})[0]
}

// conflict notes a fault unless the outcome is a conflict.
func (p *probe) conflict(what string, o syncer.Outcome) {
	if !errors.Is(o.Err, syncer.ErrConflict) {
		p.errorf("%s: the outcome is %v, not ErrConflict", what, o.Err)
	}
}

// written notes a fault unless the outcome is none.
func (p *probe) written(what string, o syncer.Outcome) {
	if o.Err != nil {
		p.errorf("%s: the outcome is %q", what, o.Err)
	}
}

// match asks a question and checks the shape of the answer.
func (p *probe) match(q syncer.Query) [][]syncer.Hit {
	hits, err := p.store.Match(p.ctx, q)
	p.no(err, "Match")
	if len(hits) != len(q.Values) {
		p.fatalf("Match answered %d of %d values", len(hits), len(q.Values))
	}
	fields := len(p.object(q.Object).Fields)
	for _, found := range hits {
		for _, h := range found {
			if len(h.Values) != fields {
				p.fatalf("a hit has %d values, for %d fields of %s", len(h.Values), fields, q.Object)
			}
		}
	}
	return hits
}

// one asks about one value and returns the hit, nil if there is none.
func (p *probe) one(q syncer.Query) *syncer.Hit {
	hits := p.match(q)[0]
	switch len(hits) {
	case 0:
		return nil
	case 1:
		return &hits[0]
	}
	p.fatalf("%d records were found by %q", len(hits), q.Values[0])
	return nil
}

func (p *probe) byID(integration, object, id string) *syncer.Hit {
	return p.one(syncer.Query{Integration: integration, Object: object, By: syncer.ByID, Values: []string{id}})
}

func (p *probe) byLink(integration, object, vendorID string) *syncer.Hit {
	return p.one(syncer.Query{Integration: integration, Object: object, By: syncer.ByLink, Values: []string{vendorID}})
}

// byKey looks a record up by a unique field, given as it was written.
func (p *probe) byKey(object, field, text string) *syncer.Hit {
	return p.byFields(object, []string{field}, set{field: text})
}

// byComposite looks a record up by the object's composite key.
func (p *probe) byComposite(object string, values set) *syncer.Hit {
	return p.byFields(object, p.object(object).Key, values)
}

func (p *probe) byFields(object string, fields []string, values set) *syncer.Hit {
	return p.one(syncer.Query{Object: object, By: syncer.ByKey, Fields: fields, Values: []string{p.key(object, fields, values)}})
}

// key returns the normal form of a key.
func (p *probe) key(object string, fields []string, values set) string {
	o := p.object(object)
	return syncer.KeyOf(o, fields, func(i int) mapping.Value { return p.value(values[o.Fields[i].Name]) })
}

// children returns the records that point to a parent.
func (p *probe) children(integration, object, field, parent string) []syncer.Hit {
	return p.match(syncer.Query{Integration: integration, Object: object, By: syncer.ByParent, Fields: []string{field}, Values: []string{parent}})[0]
}

// found returns a record by its id, which must be there.
func (p *probe) found(integration, object, id string) *syncer.Hit {
	h := p.byID(integration, object, id)
	if h == nil {
		p.fatalf("record %s of %s is not found by its id", id, object)
	}
	return h
}

// holds notes a fault for each field of a record that has another value.
func (p *probe) holds(object, id string, want set) {
	p.holdsValues(object, p.found("", object, id).Values, want)
}

func (p *probe) holdsValues(object string, values []mapping.Value, want set) {
	for name, v := range want {
		got, wanted := values[p.column(object, name)], p.value(v)
		if got != wanted && (!got.IsEmpty() || !wanted.IsEmpty()) {
			p.errorf("%s of a record of %s is %s, not %s", name, object, show(got), show(wanted))
		}
	}
}

// gone notes a fault if a record is found by a unique field.
func (p *probe) gone(object, field, text string) {
	if h := p.byKey(object, field, text); h != nil {
		p.errorf("a record with the %s %q is there: %s", field, text, h.ID)
	}
}

// link returns the integration's live link to a record, which must be there.
func (p *probe) link(integration, object, id string) syncer.Link {
	l := p.found(integration, object, id).Link
	if l == nil {
		p.fatalf("the live link of %q to record %s of %s is not there", integration, id, object)
	}
	if l.ID != id {
		p.errorf("the link to record %s of %s names the record %q", id, object, l.ID)
	}
	return *l
}

// stale notes a fault unless the link to a record is as stale as said.
func (p *probe) stale(integration, object, id string, want bool, after string) {
	if l := p.link(integration, object, id); l.Stale != want {
		p.errorf("after %s, Stale of the link of %q to the record is %t", after, integration, l.Stale)
	}
}

// checkpointIs notes a fault unless an integration's checkpoint and the number of
// its last batch are these. It lets its lease run out.
func (p *probe) checkpointIs(integration string, seq int64, checkpoint string) {
	p.now = p.now.Add(100 * ttl)
	lease, err := p.store.Begin(p.ctx, p.claim(integration))
	p.no(err, "Begin after the lease has ended")
	equal(p, "Lease.Seq", lease.Seq, seq)
	equal(p, "Lease.Checkpoint", string(lease.Checkpoint), checkpoint)
}

// blocks returns the Seen blocks of a run, in the order of their text.
func (p *probe) blocks(lease syncer.Lease, run string, upTo int64) []string {
	if lease.Seen == nil {
		return nil
	}
	var blocks []string
	for b, err := range lease.Seen(p.ctx, run, upTo) {
		p.no(err, "Lease.Seen")
		blocks = append(blocks, string(b))
	}
	slices.Sort(blocks)
	return blocks
}
