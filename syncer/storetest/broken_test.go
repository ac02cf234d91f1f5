package storetest

import (
	"context"
	"errors"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// A store is a sound store of which single methods are replaced.
type store struct {
	*memory.Store
	begin        func(context.Context, syncer.Claim) (syncer.Lease, error)
	apply        func(context.Context, *syncer.Batch) error
	match        func(context.Context, syncer.Query) ([][]syncer.Hit, error)
	scanLinks    func(ctx context.Context, integration, object string) iter.Seq2[syncer.Link, error]
	scanKeys     func(ctx context.Context, object string) iter.Seq2[syncer.Key, error]
	renew        func(ctx context.Context, integration string, fence int64, until time.Time) error
	addField     func(ctx context.Context, object string, f mapping.Field) error
	records      func(context.Context, syncer.RecordQuery) iter.Seq2[syncer.Record, error]
	history      func(ctx context.Context, object, id string) iter.Seq2[syncer.Event, error]
	saveRun      func(context.Context, syncer.Run) error
	runs         func(context.Context, syncer.RunQuery) ([]syncer.Run, error)
	pruneRuns    func(ctx context.Context, before time.Time, keep int) (int, error)
	payload      func(ctx context.Context, run string) iter.Seq2[syncer.TestRecord, error]
	integration  func(ctx context.Context, id string) (syncer.Integration, error)
	integrations func(ctx context.Context) ([]syncer.Integration, error)
	run          func(ctx context.Context, id string) (syncer.Run, error)
	cancelled    func(ctx context.Context, run string) (bool, error)
	schema       func(ctx context.Context) (*mapping.Schema, error)
	scanWaiting  func(ctx context.Context, object, field string) iter.Seq2[syncer.Waiting, error]
	trace        func(ctx context.Context, object string, ids []string) ([]syncer.Trace, error)
	runEvents    func(ctx context.Context, run string) iter.Seq2[syncer.Event, error]
	merge        func(context.Context, syncer.Merge) error
	split        func(context.Context, syncer.Merge) ([]string, error)
	merges       func(ctx context.Context, object string) iter.Seq2[syncer.Merge, error]
	setUnique    func(ctx context.Context, object, field string, unique bool) error
	savePrec     func(context.Context, syncer.Precedence) error
	precedence   func(ctx context.Context, object string) (syncer.Precedence, error)
}

func sound() *store {
	m := memory.New(memory.Options{})
	return &store{
		Store: m, begin: m.Begin, apply: m.Apply, match: m.Match, scanLinks: m.ScanLinks, scanKeys: m.ScanKeys, renew: m.Renew, addField: m.AddField,
		records: m.Records, history: m.History, saveRun: m.SaveRun, runs: m.Runs, pruneRuns: m.PruneRuns, payload: m.Payload, integration: m.Integration, integrations: m.Integrations,
		run: m.Run, cancelled: m.CancelRequested, schema: m.Schema,
		scanWaiting: m.ScanWaiting, trace: m.Trace, runEvents: m.RunEvents, merge: m.Merge, split: m.Split, merges: m.Merges, setUnique: m.SetUnique,
		savePrec: m.SavePrecedence, precedence: m.Precedence,
	}
}

func (s *store) Begin(ctx context.Context, c syncer.Claim) (syncer.Lease, error) {
	return s.begin(ctx, c)
}
func (s *store) Apply(ctx context.Context, b *syncer.Batch) error { return s.apply(ctx, b) }
func (s *store) Match(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
	return s.match(ctx, q)
}

func (s *store) ScanLinks(ctx context.Context, integration, object string) iter.Seq2[syncer.Link, error] {
	return s.scanLinks(ctx, integration, object)
}

func (s *store) ScanKeys(ctx context.Context, object string) iter.Seq2[syncer.Key, error] {
	return s.scanKeys(ctx, object)
}

func (s *store) Renew(ctx context.Context, integration string, fence int64, until time.Time) error {
	return s.renew(ctx, integration, fence, until)
}

func (s *store) AddField(ctx context.Context, object string, f mapping.Field) error {
	return s.addField(ctx, object, f)
}

func (s *store) Records(ctx context.Context, q syncer.RecordQuery) iter.Seq2[syncer.Record, error] {
	return s.records(ctx, q)
}

func (s *store) History(ctx context.Context, object, id string) iter.Seq2[syncer.Event, error] {
	return s.history(ctx, object, id)
}
func (s *store) SaveRun(ctx context.Context, r syncer.Run) error { return s.saveRun(ctx, r) }
func (s *store) Runs(ctx context.Context, q syncer.RunQuery) ([]syncer.Run, error) {
	return s.runs(ctx, q)
}

func (s *store) PruneRuns(ctx context.Context, before time.Time, keep int) (int, error) {
	return s.pruneRuns(ctx, before, keep)
}

func (s *store) Payload(ctx context.Context, run string) iter.Seq2[syncer.TestRecord, error] {
	return s.payload(ctx, run)
}

func (s *store) CancelRequested(ctx context.Context, run string) (bool, error) {
	return s.cancelled(ctx, run)
}

func (s *store) Schema(ctx context.Context) (*mapping.Schema, error) { return s.schema(ctx) }

func (s *store) Run(ctx context.Context, id string) (syncer.Run, error) { return s.run(ctx, id) }

func (s *store) Integrations(ctx context.Context) ([]syncer.Integration, error) {
	return s.integrations(ctx)
}

func (s *store) Integration(ctx context.Context, id string) (syncer.Integration, error) {
	return s.integration(ctx, id)
}

func (s *store) ScanWaiting(ctx context.Context, object, field string) iter.Seq2[syncer.Waiting, error] {
	return s.scanWaiting(ctx, object, field)
}

func (s *store) Trace(ctx context.Context, object string, ids []string) ([]syncer.Trace, error) {
	return s.trace(ctx, object, ids)
}

func (s *store) RunEvents(ctx context.Context, run string) iter.Seq2[syncer.Event, error] {
	return s.runEvents(ctx, run)
}

func (s *store) Merge(ctx context.Context, m syncer.Merge) error { return s.merge(ctx, m) }

func (s *store) Split(ctx context.Context, m syncer.Merge) ([]string, error) { return s.split(ctx, m) }

func (s *store) Merges(ctx context.Context, object string) iter.Seq2[syncer.Merge, error] {
	return s.merges(ctx, object)
}

func (s *store) SetUnique(ctx context.Context, object, field string, unique bool) error {
	return s.setUnique(ctx, object, field, unique)
}

func (s *store) SavePrecedence(ctx context.Context, p syncer.Precedence) error {
	return s.savePrec(ctx, p)
}

func (s *store) Precedence(ctx context.Context, object string) (syncer.Precedence, error) {
	return s.precedence(ctx, object)
}

// applying replaces Apply by one that gets a batch as change makes it.
func applying(change func(b *syncer.Batch)) func(*store) {
	return func(s *store) {
		s.apply = func(ctx context.Context, b *syncer.Batch) error {
			c := *b
			c.Units = slices.Clone(b.Units)
			for i := range c.Units {
				c.Units[i].Changes = slices.Clone(c.Units[i].Changes)
				c.Units[i].Links = slices.Clone(c.Units[i].Links)
			}
			change(&c)
			return s.Store.Apply(ctx, &c)
		}
	}
}

// changing replaces Apply by one that gets each change, or each link, as the
// functions make it.
func changing(change func(c *syncer.Change), link func(l *syncer.LinkChange)) func(*store) {
	return applying(func(b *syncer.Batch) {
		for i := range b.Units {
			for j := range b.Units[i].Changes {
				if change != nil {
					change(&b.Units[i].Changes[j])
				}
			}
			for j := range b.Units[i].Links {
				if link != nil {
					link(&b.Units[i].Links[j])
				}
			}
		}
	})
}

// valuing replaces Apply by one that gets each new value as change makes it.
func valuing(change func(v mapping.Value) mapping.Value) func(*store) {
	return changing(func(c *syncer.Change) {
		c.After = slices.Clone(c.After)
		for i, v := range c.After {
			c.After[i] = change(v)
		}
	}, nil)
}

// answering replaces Match by one whose hits are as change makes them.
func answering(change func(q syncer.Query, h *syncer.Hit)) func(*store) {
	return func(s *store) {
		s.match = func(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
			hits, err := s.Store.Match(ctx, q)
			for i := range hits {
				for j := range hits[i] {
					change(q, &hits[i][j])
				}
			}
			return hits, err
		}
	}
}

// linkOf calls change with the link of each hit that has one.
func linkOf(change func(q syncer.Query, l *syncer.Link)) func(*store) {
	return answering(func(q syncer.Query, h *syncer.Hit) {
		if h.Link != nil {
			change(q, h.Link)
		}
	})
}

// only yields what keep returns true for, as it left it.
func only[V any](seq iter.Seq2[V, error], keep func(v *V) bool) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		for v, err := range seq {
			if (err != nil || keep(&v)) && !yield(v, err) {
				return
			}
		}
	}
}

// telling replaces History by one whose events are as change makes them.
func telling(change func(e *syncer.Event)) func(*store) {
	return func(s *store) {
		s.history = func(ctx context.Context, object, id string) iter.Seq2[syncer.Event, error] {
			return only(s.Store.History(ctx, object, id), func(e *syncer.Event) bool {
				change(e)
				return true
			})
		}
	}
}

// reading replaces Records by one whose records are as change makes them.
func reading(change func(r *syncer.Record)) func(*store) {
	return func(s *store) {
		s.records = func(ctx context.Context, q syncer.RecordQuery) iter.Seq2[syncer.Record, error] {
			return only(s.Store.Records(ctx, q), func(r *syncer.Record) bool {
				change(r)
				return true
			})
		}
	}
}

// beginning replaces Begin by one whose claim and lease are as the functions make
// them.
func beginning(claim func(c *syncer.Claim), lease func(l *syncer.Lease)) func(*store) {
	return func(s *store) {
		s.begin = func(ctx context.Context, c syncer.Claim) (syncer.Lease, error) {
			if claim != nil {
				claim(&c)
			}
			l, err := s.Store.Begin(ctx, c)
			if lease != nil && err == nil {
				lease(&l)
			}
			return l, err
		}
	}
}

// takesAnyLease gives the lease to whoever asks.
func takesAnyLease(s *store) {
	s.begin = func(ctx context.Context, c syncer.Claim) (syncer.Lease, error) {
		l, err := s.Store.Begin(ctx, c)
		var busy *syncer.BusyError
		if errors.As(err, &busy) {
			c.Over = busy.Fence
			return s.Store.Begin(ctx, c)
		}
		return l, err
	}
}

// fences replaces the fences that the caller sees by others.
func fences(shown func(real int64) int64) func(*store) {
	return func(s *store) {
		real := map[string]int64{}
		s.begin = func(ctx context.Context, c syncer.Claim) (syncer.Lease, error) {
			if c.Over != 0 && c.Over == shown(real[c.Integration]) {
				c.Over = real[c.Integration]
			}
			l, err := s.Store.Begin(ctx, c)
			if err == nil {
				real[c.Integration] = l.Fence
				l.Fence = shown(l.Fence)
			}
			return l, err
		}
		s.apply = func(ctx context.Context, b *syncer.Batch) error {
			c := *b
			if c.Fence == shown(real[b.Integration]) {
				c.Fence = real[b.Integration]
			}
			return s.Store.Apply(ctx, &c)
		}
	}
}

// takesAnyFence applies a batch whatever its fence.
func takesAnyFence(s *store) {
	var mu sync.Mutex
	last := map[string]int64{}
	s.begin = func(ctx context.Context, c syncer.Claim) (syncer.Lease, error) {
		mu.Lock()
		defer mu.Unlock()
		l, err := s.Store.Begin(ctx, c)
		if err == nil {
			last[c.Integration] = l.Fence
		}
		return l, err
	}
	s.apply = func(ctx context.Context, b *syncer.Batch) error {
		c := *b
		mu.Lock()
		c.Fence = last[b.Integration]
		mu.Unlock()
		return s.Store.Apply(ctx, &c)
	}
}

// takesAnySeq applies a batch whatever its number.
func takesAnySeq(s *store) {
	var mu sync.Mutex
	next := map[string]int64{}
	s.apply = func(ctx context.Context, b *syncer.Batch) error {
		mu.Lock()
		defer mu.Unlock()
		c := *b
		c.Seq = next[b.Integration] + 1
		err := s.Store.Apply(ctx, &c)
		if err == nil {
			next[b.Integration]++
		}
		return err
	}
}

// ignoresSeal writes the batch although Seal returned an error.
func ignoresSeal(s *store) {
	s.apply = func(ctx context.Context, b *syncer.Batch) error {
		c := *b
		var sealed error
		c.Seal = func(o []syncer.Outcome) (checkpoint []byte, err error) {
			checkpoint, sealed = b.Seal(o)
			return checkpoint, nil
		}
		return errors.Join(s.Store.Apply(ctx, &c), sealed)
	}
}

// splitsUnits writes each change as a unit of its own.
func splitsUnits(s *store) {
	s.apply = func(ctx context.Context, b *syncer.Batch) error {
		c := *b
		c.Units = nil
		for _, u := range b.Units {
			for i := range u.Changes {
				c.Units = append(c.Units, syncer.Unit{Changes: u.Changes[i : i+1]})
			}
			c.Units = append(c.Units, syncer.Unit{Links: u.Links})
		}
		c.Seal = func(parts []syncer.Outcome) ([]byte, error) {
			outcomes := make([]syncer.Outcome, len(b.Units))
			for i, u := range b.Units {
				o := &outcomes[i]
				for _, part := range parts[:len(u.Changes)+1] {
					o.IDs, o.Existed = append(o.IDs, part.IDs...), append(o.Existed, part.Existed...)
					o.Err = errors.Join(o.Err, part.Err)
				}
				parts = parts[len(u.Changes)+1:]
			}
			return b.Seal(outcomes)
		}
		return s.Store.Apply(ctx, &c)
	}
}

// undoesAll undoes the batch if one of its units conflicts.
func undoesAll(s *store) {
	s.apply = func(ctx context.Context, b *syncer.Batch) error {
		c := *b
		c.Seal = func(o []syncer.Outcome) ([]byte, error) {
			for i := range o {
				if o[i].Err != nil {
					return nil, o[i].Err
				}
			}
			return b.Seal(o)
		}
		return s.Store.Apply(ctx, &c)
	}
}

// showsHalves lets Match see the first half of a batch's units before the rest: it
// applies them in a transaction each.
func showsHalves(s *store) {
	s.begin = func(ctx context.Context, c syncer.Claim) (syncer.Lease, error) {
		l, err := s.Store.Begin(ctx, c)
		l.Seq /= 2
		return l, err
	}
	s.apply = func(ctx context.Context, b *syncer.Batch) error {
		first, second := *b, *b
		half := len(b.Units) / 2
		first.Units, second.Units = b.Units[:half], b.Units[half:]
		first.Seq, second.Seq = 2*b.Seq-1, 2*b.Seq
		var outcomes []syncer.Outcome
		first.Seal = func(o []syncer.Outcome) ([]byte, error) {
			outcomes = slices.Clone(o)
			return nil, nil
		}
		second.Seal = func(o []syncer.Outcome) ([]byte, error) { return b.Seal(append(outcomes, o...)) }
		if err := s.Store.Apply(ctx, &first); err != nil {
			return err
		}
		return s.Store.Apply(ctx, &second)
	}
}

// answersLate answers from what Match saw before the last Apply.
func answersLate(s *store) {
	var mu sync.Mutex
	old := map[string][][]syncer.Hit{}
	s.match = func(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
		mu.Lock()
		defer mu.Unlock()
		key := q.Object + strconv.Itoa(int(q.By)) + strings.Join(append(q.Fields, q.Values...), "|")
		if hits, ok := old[key]; ok && hits[0] != nil {
			return hits, nil
		}
		hits, err := s.Store.Match(ctx, q)
		if len(hits) > 0 {
			old[key] = hits
		}
		return hits, err
	}
}

// losesCancel forgets a request to cancel when the run is saved.
func losesCancel(s *store) {
	saved := map[string]bool{}
	s.saveRun = func(ctx context.Context, r syncer.Run) error {
		requested, err := s.Store.CancelRequested(ctx, r.ID)
		saved[r.ID] = err == nil && requested
		return s.Store.SaveRun(ctx, r)
	}
	s.cancelled = func(ctx context.Context, run string) (bool, error) {
		requested, err := s.Store.CancelRequested(ctx, run)
		return requested && !saved[run], err
	}
}

// withOutcomes replaces Seal by one that gets each outcome as change makes it.
func withOutcomes(change func(o *syncer.Outcome)) func(*store) {
	return applying(func(b *syncer.Batch) {
		seal := b.Seal
		b.Seal = func(outcomes []syncer.Outcome) ([]byte, error) {
			for i := range outcomes {
				change(&outcomes[i])
			}
			return seal(outcomes)
		}
	})
}

// hitting replaces Match by one whose answers are as change makes them.
func hitting(change func(hits [][]syncer.Hit) [][]syncer.Hit) func(*store) {
	return func(s *store) {
		s.match = func(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
			hits, err := s.Store.Match(ctx, q)
			return change(hits), err
		}
	}
}

// leavingOut replaces Match by one that does not find some records.
func leavingOut(gone func(h syncer.Hit) bool) func(*store) {
	return hitting(func(hits [][]syncer.Hit) [][]syncer.Hit {
		for i := range hits {
			if hits[i] = slices.DeleteFunc(hits[i], gone); len(hits[i]) == 0 {
				hits[i] = nil
			}
		}
		return hits
	})
}

// asking replaces Match by one that answers another question.
func asking(change func(q *syncer.Query)) func(*store) {
	return func(s *store) {
		s.match = func(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
			change(&q)
			return s.Store.Match(ctx, q)
		}
	}
}

// querying replaces Records by one that selects others.
func querying(change func(q *syncer.RecordQuery)) func(*store) {
	return func(s *store) {
		s.records = func(ctx context.Context, q syncer.RecordQuery) iter.Seq2[syncer.Record, error] {
			change(&q)
			return s.Store.Records(ctx, q)
		}
	}
}

// scanning replaces ScanLinks by one that yields some links alone.
func scanning(keep func(l *syncer.Link) bool) func(*store) {
	return func(s *store) {
		s.scanLinks = func(ctx context.Context, integration, object string) iter.Seq2[syncer.Link, error] {
			return only(s.Store.ScanLinks(ctx, integration, object), keep)
		}
	}
}

// scanningKeys replaces ScanKeys by one that yields some keys alone.
func scanningKeys(keep func(s *store, object string, n int, k *syncer.Key) bool) func(*store) {
	return func(s *store) {
		s.scanKeys = func(ctx context.Context, object string) iter.Seq2[syncer.Key, error] {
			n := 0
			return only(s.Store.ScanKeys(ctx, object), func(k *syncer.Key) bool {
				n++
				return keep(s, object, n, k)
			})
		}
	}
}

func ofLiveRecord(s *store, object string, _ int, k *syncer.Key) bool {
	hits, err := s.Store.Match(context.Background(), syncer.Query{Object: object, By: syncer.ByKey, Fields: strings.Split(k.Field, ","), Values: []string{k.Text}})
	return err == nil && len(hits[0]) == 1 && !hits[0][0].Archived
}

// eventing replaces History by one that yields other events.
func eventing(change func(s *store, events []syncer.Event)) func(*store) {
	return func(s *store) {
		s.history = func(ctx context.Context, object, id string) iter.Seq2[syncer.Event, error] {
			var events []syncer.Event
			for e, err := range s.Store.History(ctx, object, id) {
				if err != nil {
					return func(yield func(syncer.Event, error) bool) { yield(syncer.Event{}, err) }
				}
				events = append(events, e)
			}
			change(s, events)
			return listed(events)
		}
	}
}

func listed[V any](all []V) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// creationAsNow tells the creation with the values that the record has now.
func creationAsNow(s *store, events []syncer.Event) {
	if len(events) == 0 {
		return
	}
	o, _ := standard().Object(events[0].Object)
	for r, err := range s.Store.Records(context.Background(), syncer.RecordQuery{Object: o.Name, Archived: true}) {
		if err != nil || r.ID != events[0].ID {
			continue
		}
		for i := range events[0].Changes {
			c := &events[0].Changes[i]
			c.After = r.Values[o.Field(c.Field)]
		}
	}
}

// refusesLate takes no batch after the lease's time.
func refusesLate(s *store) {
	var mu sync.Mutex
	until := map[string]time.Time{}
	prolong := func(integration string, from time.Time) {
		mu.Lock()
		defer mu.Unlock()
		until[integration] = from.Add(ttl)
	}
	s.begin = func(ctx context.Context, c syncer.Claim) (syncer.Lease, error) {
		l, err := s.Store.Begin(ctx, c)
		if err == nil {
			prolong(c.Integration, c.Now)
		}
		return l, err
	}
	s.apply = func(ctx context.Context, b *syncer.Batch) error {
		mu.Lock()
		late := b.At.After(until[b.Integration])
		mu.Unlock()
		if late {
			return syncer.ErrFence
		}
		prolong(b.Integration, b.At)
		return s.Store.Apply(ctx, b)
	}
}

// beginsByItself takes the lease for a batch that has none.
func beginsByItself(s *store) {
	s.apply = func(ctx context.Context, b *syncer.Batch) error {
		err := s.Store.Apply(ctx, b)
		if !errors.Is(err, syncer.ErrFence) {
			return err
		}
		c := syncer.Claim{Integration: b.Integration, TTL: ttl, Now: b.At}
		lease, err := s.Store.Begin(ctx, c)
		var busy *syncer.BusyError
		if errors.As(err, &busy) {
			c.Over = busy.Fence
			lease, err = s.Store.Begin(ctx, c)
		}
		if err != nil {
			return err
		}
		own := *b
		own.Fence = lease.Fence
		return s.Store.Apply(ctx, &own)
	}
}

// keepsSeen takes all runs for one.
func keepsSeen(s *store) {
	applying(func(b *syncer.Batch) { b.Run = "run" })(s)
	beginning(nil, func(l *syncer.Lease) {
		seen := l.Seen
		l.Seen = func(ctx context.Context, _ string, upTo int64) iter.Seq2[[]byte, error] {
			return seen(ctx, "run", upTo)
		}
	})(s)
}

func unknownObject(u syncer.Unit) bool {
	return slices.ContainsFunc(u.Changes, func(c syncer.Change) bool {
		_, ok := standard().Object(c.Object)
		return !ok
	})
}

func reversesUnits(s *store) {
	applying(func(b *syncer.Batch) {
		slices.Reverse(b.Units)
		seal := b.Seal
		b.Seal = func(o []syncer.Outcome) ([]byte, error) {
			slices.Reverse(o)
			return seal(o)
		}
	})(s)
}

// fillSerial writes a text for a serial number that is null.
func fillSerial(c *syncer.Change) {
	if c.Object != "assets" {
		return
	}
	c.After = slices.Clone(c.After)
	for i, v := range c.After {
		if c.Columns[i] == 0 && v.Kind == mapping.KindNull {
			c.After[i] = mapping.TextValue("SERIAL-7")
		}
	}
}

// hidesTheLast does not find what the last batch has made.
func hidesTheLast(s *store) {
	var mu sync.Mutex
	var last []string
	withOutcomes(func(o *syncer.Outcome) {
		mu.Lock()
		defer mu.Unlock()
		last = slices.Clone(o.IDs)
	})(s)
	leavingOut(func(h syncer.Hit) bool {
		mu.Lock()
		defer mu.Unlock()
		return slices.Contains(last, h.ID)
	})(s)
}

// linked returns the record that a vendor id is linked to, and the vendor id that
// a record is linked to.
func (s *store) linked(b *syncer.Batch, l *syncer.LinkChange) (id, vendorID string) {
	for by, value := range map[syncer.By]string{syncer.ByLink: l.VendorID, syncer.ByID: l.Ref.ID} {
		hits, err := s.Store.Match(context.Background(), syncer.Query{Integration: b.Integration, Object: l.Object, By: by, Values: []string{value}})
		if err != nil || len(hits[0]) == 0 || hits[0][0].Link == nil {
			continue
		}
		if by == syncer.ByLink {
			id = hits[0][0].ID
		} else {
			vendorID = hits[0][0].Link.VendorID
		}
	}
	return id, vendorID
}

// staysLinked leaves a vendor id with the record that it was linked to first.
func staysLinked(s *store) {
	applying(func(b *syncer.Batch) {
		for i := range b.Units {
			b.Units[i].Links = slices.DeleteFunc(b.Units[i].Links, func(l syncer.LinkChange) bool {
				id, _ := s.linked(b, &l)
				return id != "" && id != l.Ref.ID
			})
		}
	})(s)
}

// supersedesAlways keeps each vendor id that loses its record as superseded.
func supersedesAlways(s *store) {
	applying(func(b *syncer.Batch) {
		for i := range b.Units {
			for j := range b.Units[i].Links {
				l := &b.Units[i].Links[j]
				if _, old := s.linked(b, l); l.VendorID != "" && old != l.VendorID {
					l.Supersedes = old
				}
			}
		}
	})(s)
}

// writesWithLinks counts a link as a write to the record.
func writesWithLinks(s *store) {
	applying(func(b *syncer.Batch) {
		for i := range b.Units {
			for _, l := range b.Units[i].Links {
				b.Units[i].Changes = append(b.Units[i].Changes, syncer.Change{Object: l.Object, Op: syncer.Update, Ref: l.Ref, Revision: -1})
			}
		}
	})(s)
}

// endless goes on after the loop was left.
func endless[V any](seq iter.Seq2[V, error]) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		for v, err := range seq {
			yield(v, err)
		}
	}
}

// tellsAll tells the history of an object's first records as that of each.
func tellsAll(s *store) {
	s.history = func(ctx context.Context, object, id string) iter.Seq2[syncer.Event, error] {
		var all []syncer.Event
		for n := range 9 {
			for e, err := range s.Store.History(ctx, object, strconv.Itoa(n)) {
				if err != nil {
					return func(yield func(syncer.Event, error) bool) { yield(e, err) }
				}
				e.ID = id
				all = append(all, e)
			}
		}
		return listed(all)
	}
}

// leavesPayloads keeps the payloads of runs that it prunes.
func leavesPayloads(s *store) {
	left := map[string][]syncer.TestRecord{}
	s.pruneRuns = func(ctx context.Context, before time.Time, keep int) (int, error) {
		runs, err := s.Store.Runs(ctx, syncer.RunQuery{Test: true})
		for _, r := range runs {
			for rec, perr := range s.Store.Payload(ctx, r.ID) {
				err = errors.Join(err, perr)
				left[r.ID] = append(left[r.ID], rec)
			}
		}
		n, perr := s.Store.PruneRuns(ctx, before, keep)
		return n, errors.Join(err, perr)
	}
	s.payload = func(ctx context.Context, run string) iter.Seq2[syncer.TestRecord, error] {
		if kept, ok := left[run]; ok {
			return listed(kept)
		}
		return s.Store.Payload(ctx, run)
	}
}

// keepsMemory answers with the very texts that it was given.
func keepsMemory(s *store) {
	given := map[string]string{}
	valuing(func(v mapping.Value) mapping.Value {
		given[strings.Clone(v.Text)] = v.Text
		return v
	})(s)
	answering(func(_ syncer.Query, h *syncer.Hit) {
		for i, v := range h.Values {
			if text, ok := given[v.Text]; ok {
				h.Values[i].Text = text
			}
		}
	})(s)
}

// A spoiled store breaks the rules of these names.
type spoiled struct {
	rules string // with blanks between them
	spoil func(*store)
}

// brokenStores are broken stores, by what they do.
func brokenStores() map[string]spoiled {
	all := brokenAtHeart()
	maps.Copy(all, brokenInAnAbility())
	return all
}

func brokenAtHeart() map[string]spoiled {
	return map[string]spoiled{
		"gives the lease to whoever asks":          {"lease-busy begin-side-by-side", takesAnyLease},
		"does not let a dead holder be taken over": {"lease-over", beginning(func(c *syncer.Claim) { c.Over = 0 }, nil)},
		"has one lease for all integrations":       {"lease-apart", beginning(func(c *syncer.Claim) { c.Integration = "all" }, nil)},
		"has leases without end":                   {"lease-ends", beginning(func(c *syncer.Claim) { c.TTL *= 1000 }, nil)},
		"does not prolong the lease":               {"lease-prolonged", applying(func(b *syncer.Batch) { b.At = b.At.Add(-ttl) })},
		"does not release the lease":               {"lease-released", applying(func(b *syncer.Batch) { b.Release = false })},
		"has fences that go down":                  {"fence-greater", fences(func(n int64) int64 { return 1000 - n })},
		"has one fence for ever":                   {"fence-greater", fences(func(int64) int64 { return 7 })},
		"does not look at the fence":               {"fence-lost", takesAnyFence},
		"does not renew": {"renew", func(s *store) {
			s.renew = func(context.Context, string, int64, time.Time) error { return nil }
		}},
		"renews any lease": {"renew-lost", func(s *store) {
			s.renew = func(ctx context.Context, integration string, fence int64, until time.Time) error {
				for f := range fence + 10 {
					if s.Store.Renew(ctx, integration, f, until) == nil {
						return nil
					}
				}
				return nil
			}
		}},

		"does not look at the number of a batch":  {"seq-once", takesAnySeq},
		"forgets the checkpoint":                  {"checkpoint", beginning(nil, func(l *syncer.Lease) { l.Checkpoint = nil })},
		"writes though Seal returned an error":    {"seal-error history-undone waiting-undone trace-undone withheld-undone run-events-undone", ignoresSeal},
		"tells no ids":                            {"seal-outcomes", withOutcomes(func(o *syncer.Outcome) { clear(o.IDs) })},
		"does not say that Ensure found a record": {"ensure", withOutcomes(func(o *syncer.Outcome) { o.Existed = nil })},
		"hides conflicts":                         {"conflict-revision conflict-gone conflict-create conflict-update conflict-archived conflict-composite ref-failed unit-atomic", withOutcomes(func(o *syncer.Outcome) { o.Err = nil })},
		"forgets Seen blocks": {"seen-kept", applying(func(b *syncer.Batch) {
			b.Run += strconv.FormatInt(b.Seq, 10)
		})},
		"keeps no Seen blocks": {"seen-kept", beginning(nil, func(l *syncer.Lease) { l.Seen = nil })},
		"yields the Seen blocks of all batches": {"seen-kept", beginning(nil, func(l *syncer.Lease) {
			seen := l.Seen
			l.Seen = func(ctx context.Context, run string, _ int64) iter.Seq2[[]byte, error] {
				return seen(ctx, run, math.MaxInt64)
			}
		})},
		"does not look at the context": {"cancelled", func(s *store) {
			s.apply = func(ctx context.Context, b *syncer.Batch) error { return s.Store.Apply(context.WithoutCancel(ctx), b) }
		}},
		"writes and then says that it was cancelled": {"cancelled", func(s *store) {
			s.apply = func(ctx context.Context, b *syncer.Batch) error {
				return errors.Join(s.Store.Apply(context.WithoutCancel(ctx), b), ctx.Err())
			}
		}},
		"writes ledger entries as records": {"ledger-only", applying(func(b *syncer.Batch) { b.LedgerOnly = false })},

		"writes units in part":            {"unit-atomic history-undone", splitsUnits},
		"undoes a batch for one conflict": {"unit-atomic apply-side-by-side", undoesAll},
		"does not look at revisions":      {"conflict-revision merge-late", changing(func(c *syncer.Change) { c.Revision = -1 }, nil)},
		"makes what is to be ensured": {"ensure", changing(func(c *syncer.Change) {
			if c.Op == syncer.Ensure {
				c.Op = syncer.Create
			}
		}, nil)},
		"uses what is to be created": {"conflict-create", changing(func(c *syncer.Change) {
			if c.Op == syncer.Create {
				c.Op = syncer.Ensure
			}
		}, nil)},
		"restores without writing": {"archive-restore", changing(func(c *syncer.Change) {
			if c.Op == syncer.Restore {
				c.Columns, c.Before, c.After = nil, nil, nil
			}
		}, nil)},
		"archives nothing": {"archive-restore", changing(func(c *syncer.Change) {
			if c.Op == syncer.Archive {
				c.Op = syncer.Update
			}
		}, nil)},
		"writes references as numbers": {"ref-value", valuing(func(v mapping.Value) mapping.Value {
			if v.Kind == mapping.KindRow {
				return mapping.TextValue(strconv.FormatInt(v.Int, 10))
			}
			return v
		})},
		"trims text": {"values-kept", valuing(func(v mapping.Value) mapping.Value {
			v.Text = strings.TrimSpace(v.Text)
			return v
		})},
		"keeps numbers as floats": {"values-kept", valuing(func(v mapping.Value) mapping.Value {
			if v.Kind == mapping.KindInt {
				v.Int = int64(float64(v.Int))
			}
			return v
		})},
		"cuts long text": {"values-kept", valuing(func(v mapping.Value) mapping.Value {
			v.Text = v.Text[:min(len(v.Text), 65_535)]
			return v
		})},
		"keeps the memory of a batch": {"values-copied", keepsMemory},
		"takes null for absent": {"values-absent", valuing(func(v mapping.Value) mapping.Value {
			if v.Kind == mapping.KindNull {
				return mapping.Value{}
			}
			return v
		})},
		"takes absent for null": {"values-absent", valuing(func(v mapping.Value) mapping.Value {
			if v.Kind == mapping.KindAbsent {
				return mapping.Null
			}
			return v
		})},

		"answers in another order": {"match-order", hitting(func(hits [][]syncer.Hit) [][]syncer.Hit {
			slices.Reverse(hits)
			return hits
		})},
		"leaves out what it does not find": {"match-order", hitting(func(hits [][]syncer.Hit) [][]syncer.Hit {
			return slices.DeleteFunc(hits, func(h []syncer.Hit) bool { return len(h) == 0 })
		})},
		"finds an empty list": {"match-order", hitting(func(hits [][]syncer.Hit) [][]syncer.Hit {
			for i := range hits {
				hits[i] = append([]syncer.Hit{}, hits[i]...)
			}
			return hits
		})},
		"answers the first hundred values": {"match-many", hitting(func(hits [][]syncer.Hit) [][]syncer.Hit {
			clear(hits[min(len(hits), 100):])
			return hits
		})},
		"mixes up integrations": {"match-link link-own", asking(func(q *syncer.Query) { q.Integration = "a" })},
		"matches vendor ids whatever their case": {"match-link", func(s *store) {
			changing(nil, func(l *syncer.LinkChange) { l.VendorID = strings.ToLower(l.VendorID) })(s)
			asking(func(q *syncer.Query) {
				if q.By == syncer.ByLink {
					q.Values = strings.Split(strings.ToLower(strings.Join(q.Values, "\n")), "\n")
				}
			})(s)
		}},
		"matches the first part of a composite key": {"match-key", asking(func(q *syncer.Query) {
			q.Values = slices.Clone(q.Values)
			for i, v := range q.Values {
				if name, _, composite := strings.Cut(v, syncer.KeySeparator); composite {
					q.Values[i] = name + syncer.KeySeparator
				}
			}
		})},
		"finds one child": {"match-parent", hitting(func(hits [][]syncer.Hit) [][]syncer.Hit {
			for i := range hits {
				hits[i] = hits[i][:min(len(hits[i]), 1)]
			}
			return hits
		})},
		"does not say that a record is archived":        {"match-archived", answering(func(_ syncer.Query, h *syncer.Hit) { h.Archived = false })},
		"leaves out archived records":                   {"match-archived", leavingOut(func(h syncer.Hit) bool { return h.Archived })},
		"does not say that a record is shared":          {"match-shared", answering(func(_ syncer.Query, h *syncer.Hit) { h.Shared = false })},
		"says of every linked record that it is shared": {"match-shared", answering(func(_ syncer.Query, h *syncer.Hit) { h.Shared = h.Shared || h.Link != nil })},
		"answers from a cache":                          {"match-key-now", answersLate},
		"shows half a batch":                            {"match-all-or-nothing", showsHalves},

		"keeps 63 bits of a hash":     {"link-made", linkOf(func(_ syncer.Query, l *syncer.Link) { l.Hash &= math.MaxInt64 })},
		"never calls a link stale":    {"link-stale", linkOf(func(_ syncer.Query, l *syncer.Link) { l.Stale = false })},
		"calls every link stale":      {"link-stale link-made link-renewed", linkOf(func(_ syncer.Query, l *syncer.Link) { l.Stale = true })},
		"does not mark missing links": {"link-missing", linkOf(func(_ syncer.Query, l *syncer.Link) { l.Missing = false })},
		"does not mark a parent's link": {"link-stale-child", linkOf(func(q syncer.Query, l *syncer.Link) {
			l.Stale = l.Stale && q.Object != "assets"
		})},
		"loses missing links": {"link-missing", changing(nil, func(l *syncer.LinkChange) {
			l.Remove, l.Missing = l.Remove || l.Missing, false
		})},
		"drops superseded vendor ids":            {"link-superseded link-returns", changing(nil, func(l *syncer.LinkChange) { l.Supersedes = "" })},
		"renews the link it is to forget ids of": {"link-forget", changing(nil, func(l *syncer.LinkChange) { l.Forget = false })},
		"removes the link it is to forget ids of": {"link-forget", changing(nil, func(l *syncer.LinkChange) {
			l.Remove, l.Forget = l.Remove || l.Forget, false
		})},
		"removes links by their vendor id alone": {"link-remove", changing(nil, func(l *syncer.LinkChange) {
			l.Missing, l.Remove = l.Missing || l.VendorID == "" && l.Remove, l.Remove && l.VendorID != ""
		})},
		"has one child link for each integration": {"link-child", changing(nil, func(l *syncer.LinkChange) {
			if l.VendorID == "" {
				l.VendorID = "child"
			}
		})},

		"scans live links alone":  {"scan-links-superseded", scanning(func(l *syncer.Link) bool { return l.SupersededBy == "" })},
		"scans fresh links alone": {"scan-links", scanning(func(l *syncer.Link) bool { return !l.Stale })},
		"scans the links of one object for all": {"scan-links", func(s *store) {
			s.scanLinks = func(ctx context.Context, integration, _ string) iter.Seq2[syncer.Link, error] {
				return s.Store.ScanLinks(ctx, integration, "users")
			}
		}},
		"scans the keys of live records": {"scan-keys", scanningKeys(ofLiveRecord)},
		"scans a page of keys":           {"scan-keys", scanningKeys(func(_ *store, _ string, n int, _ *syncer.Key) bool { return n <= 500 })},

		"makes custom fields that are not unique": {"field-unique", func(s *store) {
			s.addField = func(ctx context.Context, object string, f mapping.Field) error {
				f.Unique = false
				return s.Store.AddField(ctx, object, f)
			}
		}},
		"says nothing of a field that it cannot add": {"field-refused", func(s *store) {
			s.addField = func(ctx context.Context, object string, f mapping.Field) error {
				_ = s.Store.AddField(ctx, object, f)
				return nil
			}
		}},

		"reads archived records always": {"records-archived", querying(func(q *syncer.RecordQuery) { q.Archived = true })},
		"reads without Where":           {"records-where", querying(func(q *syncer.RecordQuery) { q.Where = nil })},
		"reads without Limit":           {"records-order", querying(func(q *syncer.RecordQuery) { q.Limit = 0 })},
		"forgets when a record was made": {"records-times", reading(func(r *syncer.Record) {
			r.CreatedAt = r.UpdatedAt
		})},
		"forgets when a record was missed": {"records-missing", reading(func(r *syncer.Record) { r.MissingSince = time.Time{} })},

		"forgets who wrote":    {"history-create", telling(func(e *syncer.Event) { e.Actor = "" })},
		"forgets in which run": {"history-update", telling(func(e *syncer.Event) { e.Run = "" })},
		"forgets what a record was before": {"history-update", telling(func(e *syncer.Event) {
			for i := range e.Changes {
				e.Changes[i].Before = mapping.Null
			}
		})},
		"tells a creation as the record is now": {"history-kept", eventing(creationAsNow)},
		"tells the newest first":                {"history-order", eventing(func(_ *store, events []syncer.Event) { slices.Reverse(events) })},
		"does not hide":                         {"history-hidden run-events-hidden", changing(func(c *syncer.Change) { c.Hidden = nil }, nil)},

		"loses a request to cancel": {"cancel", losesCancel},
		"lists the oldest runs first": {"runs", func(s *store) {
			s.runs = func(ctx context.Context, q syncer.RunQuery) ([]syncer.Run, error) {
				runs, err := s.Store.Runs(ctx, q)
				slices.Reverse(runs)
				return runs, err
			}
		}},
		"prunes the newest runs": {"prune", func(s *store) {
			s.pruneRuns = func(ctx context.Context, before time.Time, _ int) (int, error) {
				return s.Store.PruneRuns(ctx, before, 0)
			}
		}},
		"loses a part of a payload": {"payload", func(s *store) {
			s.payload = func(ctx context.Context, run string) iter.Seq2[syncer.TestRecord, error] {
				return only(s.Store.Payload(ctx, run), func(r *syncer.TestRecord) bool {
					r.Reason = ""
					return true
				})
			}
		}},
		"finds every integration": {"integration-unknown", func(s *store) {
			s.integration = func(ctx context.Context, id string) (syncer.Integration, error) {
				in, err := s.Store.Integration(ctx, id)
				if errors.Is(err, syncer.ErrNotFound) {
					return syncer.Integration{ID: id}, nil
				}
				return in, err
			}
		}},

		"knows another model": {"schema-standard", func(s *store) {
			s.schema = func(context.Context) (*mapping.Schema, error) {
				schema := mapping.Standard()
				o, _ := schema.Object("assets")
				o.Fields[o.Field("serial_number")].Unique = false
				return schema, nil
			}
		}},
		"gives a new integration a checkpoint": {"lease-new", beginning(nil, func(l *syncer.Lease) {
			if l.Checkpoint == nil {
				l.Checkpoint = []byte("{}")
			}
		})},
		"refuses a lease that has ended":              {"lease-late", refusesLate},
		"begins by itself":                            {"fence-never fence-lost", beginsByItself},
		"forgets the Seen blocks with the lease":      {"seen-released", applying(func(b *syncer.Batch) { b.Done = b.Done || b.Release })},
		"keeps the Seen blocks of a run that is over": {"seen-done", applying(func(b *syncer.Batch) { b.Done = false })},
		"keeps the Seen blocks of all runs":           {"seen-kept seen-run", keepsSeen},
		"leaves out what it does not know":            {"batch-error", applying(func(b *syncer.Batch) { b.Units = slices.DeleteFunc(b.Units, unknownObject) })},
		"writes units in another order":               {"unit-order", reversesUnits},
		"takes every Ref for the first change":        {"ref-record", changing(func(c *syncer.Change) { c.Ref.Change = 0 }, func(l *syncer.LinkChange) { l.Ref.Change = 0 })},
		"takes no value for a key":                    {"conflict-empty", changing(fillSerial, nil)},
		"tells the same revision always":              {"revision-grows", answering(func(_ syncer.Query, h *syncer.Hit) { h.Revision = 1 })},
		"tells values in another order":               {"match-hit", answering(func(_ syncer.Query, h *syncer.Hit) { slices.Reverse(h.Values) })},
		"hides what the last batch made":              {"match-committed", hidesTheLast},
		"does not move a link":                        {"link-moves", staysLinked},
		"supersedes whatever it replaces":             {"link-one", supersedesAlways},
		"writes to a record when it is linked":        {"link-only", writesWithLinks},
		"goes on after a loop over links": {"scan-links-stop", func(s *store) {
			s.scanLinks = func(ctx context.Context, i, o string) iter.Seq2[syncer.Link, error] {
				return endless(s.Store.ScanLinks(ctx, i, o))
			}
		}},
		"goes on after a loop over keys": {"scan-keys-stop", func(s *store) {
			s.scanKeys = func(ctx context.Context, o string) iter.Seq2[syncer.Key, error] {
				return endless(s.Store.ScanKeys(ctx, o))
			}
		}},
		"goes on after a loop over records": {"records-stop", func(s *store) {
			s.records = func(ctx context.Context, q syncer.RecordQuery) iter.Seq2[syncer.Record, error] {
				return endless(s.Store.Records(ctx, q))
			}
		}},
		"finds values of standard fields alone": {"field-kept field-usable", answering(func(_ syncer.Query, h *syncer.Hit) { h.Values = h.Values[:min(len(h.Values), 32)] })},
		"forgets the revision":                  {"records-all", reading(func(r *syncer.Record) { r.Revision = 0 })},
		"tells no Archive": {"history-ops", func(s *store) {
			s.history = func(ctx context.Context, o, id string) iter.Seq2[syncer.Event, error] {
				return only(s.Store.History(ctx, o, id), func(e *syncer.Event) bool { return e.Op != syncer.Archive })
			}
		}},
		"tells the history of all records": {"history-own", tellsAll},
		"forgets the contacts": {"integration-kept", func(s *store) {
			s.integration = func(ctx context.Context, id string) (syncer.Integration, error) {
				in, err := s.Store.Integration(ctx, id)
				in.Contacts = nil
				return in, err
			}
		}},
		"lists integrations in another order": {"integrations", func(s *store) {
			s.integrations = func(ctx context.Context) ([]syncer.Integration, error) {
				all, err := s.Store.Integrations(ctx)
				slices.Reverse(all)
				return all, err
			}
		}},
		"forgets the problems of a run": {"run-kept", func(s *store) {
			s.run = func(ctx context.Context, id string) (syncer.Run, error) {
				r, err := s.Store.Run(ctx, id)
				r.Problems = nil
				return r, err
			}
		}},
		"forgets in a list since when runs read": {"run-since", func(s *store) {
			s.runs = func(ctx context.Context, q syncer.RunQuery) ([]syncer.Run, error) {
				runs, err := s.Store.Runs(ctx, q)
				for i := range runs {
					runs[i].Since = time.Time{}
				}
				return runs, err
			}
		}},
		"finds every run": {"run-unknown", func(s *store) {
			s.run = func(ctx context.Context, id string) (syncer.Run, error) {
				r, err := s.Store.Run(ctx, id)
				if errors.Is(err, syncer.ErrNotFound) {
					err = nil
				}
				return r, err
			}
		}},
		"leaves payloads behind": {"prune-payload", leavesPayloads},
		"panics": {"match-id", asking(func(q *syncer.Query) {
			if len(q.Fields) == 0 {
				panic("no fields")
			}
		})},
	}
}

// violated returns the names of the rules that an error of Check tells of.
func violated(t *testing.T, err error) []string {
	t.Helper()
	var names []string
	var walk func(err error)
	walk = func(err error) {
		var v *Violation
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				walk(e)
			}
			return
		}
		require.ErrorAs(t, err, &v)
		names = append(names, v.Rule)
	}
	if err != nil {
		walk(err)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
