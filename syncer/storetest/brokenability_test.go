package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// waitingFor replaces ScanWaiting by one that yields some references alone.
func waitingFor(keep func(s *store, object, field string, n int, w *syncer.Waiting) bool) func(*store) {
	return func(s *store) {
		s.scanWaiting = func(ctx context.Context, object, field string) iter.Seq2[syncer.Waiting, error] {
			n := 0
			return only(s.Store.ScanWaiting(ctx, object, field), func(w *syncer.Waiting) bool {
				n++
				return keep(s, object, field, n, w)
			})
		}
	}
}

// all returns all records of an object.
func (s *store) all(ctx context.Context, object string) map[string]syncer.Record {
	records := map[string]syncer.Record{}
	for r, err := range s.Store.Records(ctx, syncer.RecordQuery{Object: object, Archived: true}) {
		if err == nil {
			records[r.ID] = r
		}
	}
	return records
}

// waitsForever goes on to yield what waited once.
func waitsForever(s *store) {
	waited := map[string]syncer.Waiting{}
	s.scanWaiting = func(ctx context.Context, object, field string) iter.Seq2[syncer.Waiting, error] {
		for w, err := range s.Store.ScanWaiting(ctx, object, field) {
			if err != nil {
				return s.Store.ScanWaiting(ctx, object, field)
			}
			waited[w.ID] = w
		}
		var all []syncer.Waiting
		for _, w := range waited {
			all = append(all, w)
		}
		return listed(all)
	}
}

// scansAllRecords yields what waits of records that are merged, too.
func scansAllRecords(s *store) {
	s.scanWaiting = func(ctx context.Context, object, field string) iter.Seq2[syncer.Waiting, error] {
		o, _ := standard().Object(object)
		at := o.Field(field)
		var all []syncer.Waiting
		for id, r := range s.all(ctx, object) {
			if !r.Values[at].IsEmpty() && r.Values[o.Resolved(at)].IsEmpty() {
				all = append(all, syncer.Waiting{ID: id, Revision: r.Revision, Text: r.Values[at].Text})
			}
		}
		return listed(all)
	}
}

// silent yields nothing in the place of an error.
func silent[V any](seq iter.Seq2[V, error]) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		for v, err := range seq {
			if err != nil || !yield(v, nil) {
				return
			}
		}
	}
}

// tracing replaces Trace by one that answers as change makes it.
func tracing(change func(s *store, object string, ids []string, t []syncer.Trace)) func(*store) {
	return func(s *store) {
		s.trace = func(ctx context.Context, object string, ids []string) ([]syncer.Trace, error) {
			traces, err := s.Store.Trace(ctx, object, ids)
			change(s, object, ids, traces)
			return traces, err
		}
	}
}

// eachOrigin replaces Trace by one whose origins are as change makes them.
func eachOrigin(change func(o *syncer.Origin)) func(*store) {
	return tracing(func(_ *store, _ string, _ []string, traces []syncer.Trace) {
		for i := range traces {
			for j := range traces[i].Origins {
				change(&traces[i].Origins[j])
			}
		}
	})
}

// eachStake replaces Trace by one whose stakes are as change makes them.
func eachStake(change func(t *syncer.Stake)) func(*store) {
	return tracing(func(_ *store, _ string, _ []string, traces []syncer.Trace) {
		for i := range traces {
			for j := range traces[i].Stakes {
				change(&traces[i].Stakes[j])
			}
		}
	})
}

// forgetsClearings tells no origin of a field that is empty.
func forgetsClearings(s *store, object string, ids []string, traces []syncer.Trace) {
	records := s.all(context.Background(), object)
	for i := range traces {
		for j := range traces[i].Origins {
			if r, ok := records[ids[i]]; ok && r.Values[j].IsEmpty() {
				traces[i].Origins[j] = syncer.Origin{}
			}
		}
	}
}

// keepsWithheld keeps what was withheld once, whatever becomes of the link.
func keepsWithheld(s *store) {
	kept := map[string][]syncer.Said{}
	applying(func(b *syncer.Batch) {
		for _, u := range b.Units {
			for i := range u.Links {
				l := &u.Links[i]
				if l.Withheld == nil {
					l.Withheld = kept[b.Integration+l.VendorID]
				}
				kept[b.Integration+l.VendorID] = l.Withheld
			}
		}
	})(s)
}

// eventsOfRun replaces RunEvents by one that yields other events.
func eventsOfRun(change func(s *store, events []syncer.Event) []syncer.Event) func(*store) {
	return func(s *store) {
		s.runEvents = func(ctx context.Context, run string) iter.Seq2[syncer.Event, error] {
			var events []syncer.Event
			for e, err := range s.Store.RunEvents(ctx, run) {
				if err != nil {
					return func(yield func(syncer.Event, error) bool) { yield(e, err) }
				}
				events = append(events, e)
			}
			return listed(change(s, events))
		}
	}
}

// createdAsNow tells each creation with the values that the record has now.
func createdAsNow(s *store, events []syncer.Event) []syncer.Event {
	for _, e := range events {
		if e.Op == syncer.Create {
			creationAsNow(s, []syncer.Event{e})
		}
	}
	return events
}

// afterMerge replaces Merge by one that does something more.
func afterMerge(do func(ctx context.Context, s *store, m syncer.Merge) error) func(*store) {
	return func(s *store) {
		s.merge = func(ctx context.Context, m syncer.Merge) error {
			if err := s.Store.Merge(ctx, m); err != nil {
				return err
			}
			return do(ctx, s, m)
		}
	}
}

// overwrites lets the merged record's title go before the other's.
func overwrites(s *store) {
	s.merge = func(ctx context.Context, m syncer.Merge) error {
		from := s.all(ctx, m.Object)[m.From]
		o, _ := standard().Object(m.Object)
		err := s.Store.Merge(ctx, m)
		if at := o.Field("title"); err == nil && at >= 0 {
			return s.Edit(ctx, "", m.Object, m.Into, map[string]string{"title": from.Values[at].Text})
		}
		return err
	}
}

// pointsBack lets what held the merged record hold it again.
func pointsBack(s *store) {
	s.merge = func(ctx context.Context, m syncer.Merge) error {
		held := map[[3]string]bool{}
		schema := standard()
		for i := range schema.Objects {
			o := &schema.Objects[i]
			for id, r := range s.all(ctx, o.Name) {
				for at := range o.Fields {
					if f := &o.Fields[at]; f.Link && f.Object == m.Object && r.Values[at].Text == m.From {
						held[[3]string{o.Name, id, f.Name}] = true
					}
				}
			}
		}
		err := s.Store.Merge(ctx, m)
		for h := range held {
			err = errors.Join(err, s.Edit(ctx, "", h[0], h[1], map[string]string{h[2]: m.From}))
		}
		return err
	}
}

// losesBeside lets a merge undo what a batch has written, and hides conflicts.
func losesBeside(s *store) {
	withOutcomes(func(o *syncer.Outcome) { o.Err = nil })(s)
	afterMerge(func(ctx context.Context, s *store, m syncer.Merge) error {
		return s.Edit(ctx, "", m.Object, m.Into, map[string]string{"phone": "", "title": ""})
	})(s)
}

// settingUnique replaces SetUnique by one that returns other errors.
func settingUnique(do func(s *store, object, field string, unique bool, err error) error) func(*store) {
	return func(s *store) {
		s.setUnique = func(ctx context.Context, object, field string, unique bool) error {
			return do(s, object, field, unique, s.Store.SetUnique(ctx, object, field, unique))
		}
	}
}

// sharing returns the error of records that have the same value to a naive eye.
func sharing(s *store, object, field string, of func(v mapping.Value) bool) error {
	schema, err := s.Store.Schema(context.Background())
	if err != nil {
		return err
	}
	o, _ := schema.Object(object)
	at := o.Field(field)
	by := map[mapping.Value][]string{}
	for id, r := range s.all(context.Background(), object) {
		if v := r.Values[at]; of(v) {
			by[v] = append(by[v], id)
		}
	}
	for v, ids := range by {
		if len(ids) > 1 {
			return &syncer.DuplicatesError{Object: object, Field: field, Groups: []syncer.DuplicateGroup{{Value: v.Text, IDs: ids}}}
		}
	}
	return nil
}

func brokenInAnAbility() map[string]spoiled {
	return map[string]spoiled{
		"does not know the links beside references": {"reference-link", changing(func(c *syncer.Change) {
			o, ok := standard().Object(c.Object)
			c.After = slices.Clone(c.After)
			for i, col := range c.Columns {
				if ok && o.Fields[col].For != "" {
					c.After[i] = mapping.Value{}
				}
			}
		}, nil)},
		"makes the user's links stale with the asset's": {"link-stale-reference", linkOf(func(q syncer.Query, l *syncer.Link) { l.Stale = l.Stale || q.Object == "users" })},
		"does not make the user's links stale with an account's": {"link-stale-reference", linkOf(func(q syncer.Query, l *syncer.Link) {
			l.Stale = l.Stale && q.Object != "users"
		})},

		"finds no archived reference that waits": {"waiting", waitingFor(func(s *store, object, _ string, _ int, w *syncer.Waiting) bool {
			hits, err := s.Store.Match(context.Background(), syncer.Query{Object: object, By: syncer.ByID, Values: []string{w.ID}})
			return err == nil && !hits[0][0].Archived
		})},
		"finds a page of references that wait":          {"waiting", waitingFor(func(_ *store, _, _ string, n int, _ *syncer.Waiting) bool { return n <= 1000 })},
		"finds the normal forms of what waits":          {"waiting", waitingFor(func(_ *store, _, _ string, _ int, w *syncer.Waiting) bool { w.Text += " "; return true })},
		"finds what waited once":                        {"waiting-ends", waitsForever},
		"finds what waits in standard references alone": {"waiting-custom", waitingFor(func(_ *store, _, field string, _ int, _ *syncer.Waiting) bool { return field != "laptop" })},
		"finds nothing that waits in what is no reference": {"waiting-refused", func(s *store) {
			s.scanWaiting = func(ctx context.Context, object, field string) iter.Seq2[syncer.Waiting, error] {
				return silent(s.Store.ScanWaiting(ctx, object, field))
			}
		}},
		"goes on after a loop over what waits": {"waiting-stop", func(s *store) {
			s.scanWaiting = func(ctx context.Context, object, field string) iter.Seq2[syncer.Waiting, error] {
				return endless(s.Store.ScanWaiting(ctx, object, field))
			}
		}},

		"forgets of which run a value is":      {"trace-origins", eachOrigin(func(o *syncer.Origin) { o.Run = "" })},
		"forgets when a value was written":     {"trace-origins trace-clear", eachOrigin(func(o *syncer.Origin) { o.At = start })},
		"takes a clearing for nothing":         {"trace-clear", tracing(forgetsClearings)},
		"traces in another order":              {"trace-order", tracing(func(_ *store, _ string, _ []string, t []syncer.Trace) { slices.Reverse(t) })},
		"tells another order of integrations":  {"trace-stakes", tracing(func(_ *store, _ string, _ []string, t []syncer.Trace) { slices.Reverse(t[0].Stakes) })},
		"forgets since when a link is missing": {"trace-stakes", eachStake(func(t *syncer.Stake) { t.MissingSince = t.MissingSince.Truncate(ttl) })},
		"forgets what is withheld":             {"withheld-kept withheld-replaced withheld-undone", changing(nil, func(l *syncer.LinkChange) { l.Withheld = nil })},
		"keeps one value that is withheld":     {"withheld-kept withheld-replaced", changing(nil, func(l *syncer.LinkChange) { l.Withheld = l.Withheld[:min(len(l.Withheld), 1)] })},
		"shows what is withheld": {"withheld-hidden", changing(nil, func(l *syncer.LinkChange) {
			l.Withheld = slices.Clone(l.Withheld)
			for i := range l.Withheld {
				l.Withheld[i].Hidden = false
			}
		})},
		"keeps what was withheld": {"withheld-replaced withheld-removed", keepsWithheld},

		"traces records of its own alone": {"trace-ledger", tracing(func(s *store, object string, ids []string, traces []syncer.Trace) {
			for i := range traces {
				if _, here := s.all(context.Background(), object)[ids[i]]; !here {
					traces[i] = syncer.Trace{}
				}
			}
		})},
		"tells a run's changes of its own records": {"run-events-ledger", eventsOfRun(func(s *store, events []syncer.Event) []syncer.Event {
			return slices.DeleteFunc(events, func(e syncer.Event) bool {
				_, here := s.all(context.Background(), e.Object)[e.ID]
				return !here
			})
		})},
		"tells a run's changes of one object": {"run-events", eventsOfRun(func(_ *store, events []syncer.Event) []syncer.Event {
			return slices.DeleteFunc(events, func(e syncer.Event) bool { return e.Object == "software" })
		})},
		"tells a run's oldest changes first": {"run-events-newest", eventsOfRun(func(_ *store, events []syncer.Event) []syncer.Event {
			slices.Reverse(events)
			return events
		})},
		"tells a run's changes in the order of time": {"run-events-newest", eventsOfRun(func(_ *store, events []syncer.Event) []syncer.Event {
			slices.SortStableFunc(events, func(a, b syncer.Event) int { return int(b.Revision - a.Revision) })
			return events
		})},
		"tells a run's creation as the record is now": {"run-events-create", eventsOfRun(createdAsNow)},
		"tells a page of a run's changes": {"run-events-many", eventsOfRun(func(_ *store, events []syncer.Event) []syncer.Event {
			return events[:min(len(events), 1000)]
		})},
		"goes on after a loop over a run's changes": {"run-events-stop", func(s *store) {
			s.runEvents = func(ctx context.Context, run string) iter.Seq2[syncer.Event, error] {
				return endless(s.Store.RunEvents(ctx, run))
			}
		}},

		"finds nothing by a merged record": {"merge-found merge-chain merge-refused", func(s *store) {
			s.match = func(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
				hits, err := s.Store.Match(ctx, q)
				for i := range hits {
					if q.By == syncer.ByID && len(hits[i]) == 1 && hits[i][0].ID != q.Values[i] {
						hits[i] = nil
					}
				}
				return hits, err
			}
		}},
		"finds what two became twice": {"merge-found", hitting(func(hits [][]syncer.Hit) [][]syncer.Hit {
			for i := range hits {
				hits[i] = append(hits[i], hits[i]...)
			}
			return hits
		})},
		"takes the merged record's title": {"merge-fields merge-origin", overwrites},
		"counts a merge twice": {"merge-record", afterMerge(func(ctx context.Context, s *store, m syncer.Merge) error {
			return s.Edit(ctx, "", m.Object, m.Into, nil)
		})},
		"forgets who merged": {"merge-history", telling(func(e *syncer.Event) {
			if e.Op == syncer.Merged {
				e.Actor = ""
			}
		})},
		"takes a merge for a run": {"merge-history", telling(func(e *syncer.Event) { e.Run = "run of a" })},
		"shows what a merge moved": {"merge-hidden", telling(func(e *syncer.Event) {
			for i := range e.Changes {
				e.Changes[i].Hidden = e.Changes[i].Hidden && e.Run != ""
			}
		})},
		"forgets the hash of a link that moved": {"merge-links", linkOf(func(_ syncer.Query, l *syncer.Link) {
			if l.Stale {
				l.Hash = 0
			}
		})},
		"forgets vendor ids that a merge superseded": {"merge-links-both", func(s *store) {
			s.match = func(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
				hits, err := s.Store.Match(ctx, q)
				for i := range hits {
					if q.By == syncer.ByLink && len(hits[i]) == 1 && hits[i][0].Link.VendorID != q.Values[i] {
						hits[i] = nil
					}
				}
				return hits, err
			}
		}},
		"calls links fresh after a merge": {"merge-stale merge-links split-links", linkOf(func(_ syncer.Query, l *syncer.Link) { l.Stale = false })},
		"points nothing elsewhere":        {"merge-children merge-references merge-chain", pointsBack},
		"archives all children of a merged record": {"merge-children", afterMerge(func(ctx context.Context, s *store, m syncer.Merge) error {
			var err error
			for id := range s.all(ctx, "software_installs") {
				err = errors.Join(err, s.Archive(ctx, "", "software_installs", id))
			}
			return err
		})},
		"deletes what it merged": {"merge-found merge-keys merge-composite merge-history merge-chain merges split", afterMerge(func(ctx context.Context, s *store, m syncer.Merge) error {
			return s.Delete(ctx, "", m.Object, m.From)
		})},
		"says nothing of a merge that it does not make": {"merge-chain merge-refused merge-ledger", func(s *store) {
			s.merge = func(ctx context.Context, m syncer.Merge) error {
				_ = s.Store.Merge(ctx, m)
				return nil
			}
		}},
		"merges whatever the revision": {"merge-refused", func(s *store) {
			s.merge = func(ctx context.Context, m syncer.Merge) error {
				m.FromRevision, m.IntoRevision = -1, -1
				return s.Store.Merge(ctx, m)
			}
		}},
		"loses what is written beside a merge": {"merge-beside", losesBeside},
		"cannot merge beside a batch": {"merge-beside", func(s *store) {
			var mu sync.Mutex
			n := 0
			s.merge = func(ctx context.Context, m syncer.Merge) error {
				mu.Lock()
				defer mu.Unlock()
				if n++; n%7 == 0 {
					return errors.New("the database is locked")
				}
				return s.Store.Merge(ctx, m)
			}
		}},
		"forgets whose value a merge moved": {"merge-origin", eachOrigin(func(o *syncer.Origin) {
			if o.Integration == "" {
				o.Actor = ""
			}
		})},
		"finds what waits in merged records": {"merge-waiting waiting", scansAllRecords},
		"forgets merges": {"merges", func(s *store) {
			s.merges = func(context.Context, string) iter.Seq2[syncer.Merge, error] { return listed[syncer.Merge](nil) }
		}},
		"splits nothing": {"split split-links split-children split-changed split-whole split-refused split-again merge-waiting merges", func(s *store) {
			s.split = func(context.Context, syncer.Merge) ([]string, error) { return nil, nil }
		}},
		"says nothing of what a split left": {"split-changed", func(s *store) {
			s.split = func(ctx context.Context, m syncer.Merge) ([]string, error) {
				_, err := s.Store.Split(ctx, m)
				return nil, err
			}
		}},
		"splits whatever the revision": {"split-refused", func(s *store) {
			s.split = func(ctx context.Context, m syncer.Merge) ([]string, error) {
				m.IntoRevision = -1
				return s.Store.Split(ctx, m)
			}
		}},

		"makes nothing unique": {"unique-set unique-taken unique-many unique-cleared unique-refused", func(s *store) {
			s.setUnique = func(context.Context, string, string, bool) error { return nil }
		}},
		"does not list duplicates": {"unique-taken unique-many", settingUnique(func(_ *store, _, field string, _ bool, err error) error {
			var d *syncer.DuplicatesError
			if errors.As(err, &d) {
				return fmt.Errorf("%s has duplicates", field)
			}
			return err
		})},
		"lists all duplicates": {"unique-many", settingUnique(func(_ *store, _, _ string, _ bool, err error) error {
			var d *syncer.DuplicatesError
			if errors.As(err, &d) {
				d.Groups, d.More = append(d.Groups, make([]syncer.DuplicateGroup, d.More)...), 0
			}
			return err
		})},
		"counts records without a value": {"unique-empty", settingUnique(func(s *store, object, field string, _ bool, err error) error {
			return errors.Join(err, sharing(s, object, field, mapping.Value.IsEmpty))
		})},
		"makes a field unique whatever is written beside it": {"unique-beside", func(s *store) {
			withOutcomes(func(o *syncer.Outcome) { o.Err = nil })(s)
			settingUnique(func(*store, string, string, bool, error) error { return nil })(s)
		}},
		"counts what is merged": {"unique-merged", settingUnique(func(s *store, object, field string, _ bool, err error) error {
			return errors.Join(err, sharing(s, object, field, func(v mapping.Value) bool { return !v.IsEmpty() }))
		})},
		"says nothing of a field that it cannot make unique": {"unique-taken unique-many unique-refused", settingUnique(func(*store, string, string, bool, error) error { return nil })},

		"forgets the order of single fields": {"precedence-kept", func(s *store) {
			s.savePrec = func(ctx context.Context, p syncer.Precedence) error {
				p.Fields = nil
				return s.Store.SavePrecedence(ctx, p)
			}
		}},
		"has no name for what has no precedence": {"precedence-none precedence-removed", func(s *store) {
			s.precedence = func(ctx context.Context, object string) (syncer.Precedence, error) {
				p, err := s.Store.Precedence(ctx, object)
				if p.Order == nil && p.Fields == nil {
					p.Object = ""
				}
				return p, err
			}
		}},
		"keeps a precedence that orders nothing": {"precedence-removed", func(s *store) {
			s.savePrec = func(ctx context.Context, p syncer.Precedence) error {
				if len(p.Order) == 0 {
					p.Order = []string{"nobody"}
				}
				return s.Store.SavePrecedence(ctx, p)
			}
		}},
	}
}
