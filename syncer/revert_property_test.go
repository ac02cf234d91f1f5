package syncer_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// A told revert is what it says became of each record, and its numbers.
type toldRevert struct {
	run     syncer.Run
	records []string
}

func (w *world) revert(t require.TestingT, h history, run string, opt syncer.RevertOptions) toldRevert {
	var got toldRevert
	opt.By = "tester"
	opt.Record = func(r syncer.RevertRecord) error {
		got.records = append(got.records, fmt.Sprintf("%+v", r))
		return nil
	}
	var err error
	got.run, err = w.syncer(t, h, round{}, nil).Revert(context.Background(), run, opt)
	require.NoError(t, err)
	require.True(t, equation(got.run.Counts), "%+v", got.run.Counts)
	slices.Sort(got.records)
	return got
}

// byRecord returns what a store's records say, by object and id.
func byRecord(t require.TestingT, store *memory.Store) map[string]string {
	all := map[string]string{}
	for _, line := range recordValues(t, store) {
		words := strings.SplitN(line, " ", 3)
		all[words[0]+" "+words[1]] = words[2]
	}
	return all
}

// conflicting returns the records of which something could not be put back, since
// a record that the run made keeps its keys in the archive.
func conflicting(t require.TestingT, run syncer.Run) map[string]bool {
	left := map[string]bool{}
	for _, p := range run.Problems {
		require.True(t, strings.HasPrefix(p.Reason, string(syncer.ReasonConflict)), "nothing but a key in the archive stands in the way: %v", p)
		left[p.Record] = true
	}
	return left
}

// The revert of the last run gives all records the values that they had before
// it. Those that it made are in the archive; a key that one of them holds there
// is the one thing that does not come back. A dry run foretells all of it, a
// second revert does nothing, and a revert of the revert is as good as no revert.
func TestRevertOfTheLastRunIsAsIfItHadNotBeen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := genHistory(t)
		w := &world{store: memory.New(memory.Options{}), page: 3, opt: syncer.Options{BatchSize: rapid.IntRange(1, 7).Draw(t, "batch"), MaxProblems: 10_000}}
		w.setUp(t, h)
		store, ok := w.store.(*memory.Store)
		require.True(t, ok)
		var before map[string]string
		var last told
		for n, r := range h.rounds {
			w.day = n
			for _, e := range r.edits {
				w.edit(t, e)
			}
			before = byRecord(t, store)
			last = w.run(t, h, r, -1)
		}
		after := byRecord(t, store)
		state := dump(t, store)

		foretold := w.revert(t, h, last.run.ID, syncer.RevertOptions{DryRun: true})
		require.Equal(t, state, dump(t, store), "a dry run writes nothing")
		got := w.revert(t, h, last.run.ID, syncer.RevertOptions{})
		require.Equal(t, foretold.records, got.records, "a dry run foretells each record")
		require.Equal(t, foretold.run.Counts, got.run.Counts)
		require.Equal(t, foretold.run.Effects, got.run.Effects)
		require.Equal(t, foretold.run.ProblemCount, got.run.ProblemCount)

		left := conflicting(t, got.run)
		now := byRecord(t, store)
		for name, values := range before {
			if left[name] {
				continue
			}
			require.Equal(t, values, now[name], "%s is as it was", name)
		}
		for name, values := range now {
			if _, old := before[name]; !old {
				require.True(t, strings.HasPrefix(values, "archived true"), "%s, which the run made, is in the archive: %s", name, values)
			}
		}

		state = dump(t, store)
		again := w.revert(t, h, last.run.ID, syncer.RevertOptions{})
		require.Zero(t, again.run.Counts.Updated, "%v", again.records)
		require.Empty(t, again.run.Effects)
		require.Equal(t, state, dump(t, store), "a second revert does nothing more")

		back := w.revert(t, h, got.run.ID, syncer.RevertOptions{})
		require.Empty(t, back.run.Problems)
		require.Equal(t, after, byRecord(t, store), "a revert of the revert is as good as no revert")
		require.Equal(t, slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(byRecord(t, store))))
	})
}

// What people write after a run, its revert leaves: every field has the value that
// it had before the run, or the one that it had when it was put back, and what was
// written by hand is as it was written.
func TestRevertNeverOverwritesWhatWasWrittenLater(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := genHistory(t)
		w := &world{store: memory.New(memory.Options{}), page: 3, opt: syncer.Options{BatchSize: rapid.IntRange(1, 7).Draw(t, "batch"), MaxProblems: 10_000}}
		w.setUp(t, h)
		store, ok := w.store.(*memory.Store)
		require.True(t, ok)
		var runs []told
		for n, r := range h.rounds {
			w.day = n
			runs = append(runs, w.run(t, h, r, -1))
		}
		reverted := rapid.SampledFrom(runs).Draw(t, "reverted").run
		for _, r := range h.rounds {
			for _, e := range r.edits {
				w.edit(t, e)
			}
		}
		wrote := writtenBy(t, store, reverted.ID)
		before := fieldsOf(t, store)
		w.revert(t, h, reverted.ID, syncer.RevertOptions{})
		for name, now := range fieldsOf(t, store) {
			_, mayChange := wrote[name]
			if now != before[name] {
				require.True(t, mayChange, "%s went from %s to %s, and the run did not write it", name, before[name], now)
				require.Equal(t, wrote[name].after, before[name], "%s was written again after the run", name)
				require.Equal(t, followed(t, store, name, wrote[name].before), now, "%s has the value from before the run", name)
			}
		}
	})
}

// A span is the value of a field before a run and after it.
type span struct{ before, after string }

// shown returns a value as a text that no other value has.
func shown(v mapping.Value) string {
	if v.IsEmpty() {
		return "-"
	}
	return fmt.Sprint(v.Kind, v.Int, v.Text)
}

// followed returns what a link that held a record holds by now, which may have
// been merged into another; any other value is what it was.
func followed(t require.TestingT, store *memory.Store, name, value string) string {
	ctx := context.Background()
	schema, err := store.Schema(ctx)
	require.NoError(t, err)
	words := strings.Fields(name)
	o, ok := schema.Object(words[0])
	require.True(t, ok)
	f := o.Fields[o.Field(words[2])]
	for i := range 1000 { // ids are small numbers
		id := fmt.Sprint(i)
		if !f.Link || value != shown(mapping.TextValue(id)) {
			continue
		}
		hits, err := store.Match(ctx, syncer.Query{Object: f.Object, By: syncer.ByID, Values: []string{id}})
		require.NoError(t, err)
		require.NotEmpty(t, hits[0], "%s was put back to a record that is gone", name)
		return shown(mapping.TextValue(hits[0][0].ID))
	}
	return value
}

// writtenBy returns what a run wrote to records that were there before it, by
// object, record and field.
func writtenBy(t require.TestingT, store *memory.Store, run string) map[string]span {
	fields, made := map[string]span{}, map[string]bool{}
	for e, err := range store.RunEvents(context.Background(), run) {
		require.NoError(t, err)
		record := e.Object + " " + e.ID
		made[record] = made[record] || e.Op == syncer.Create
		for _, c := range e.Changes {
			name := record + " " + c.Field
			s, known := fields[name]
			if !known {
				s.after = shown(c.After)
			}
			s.before = shown(c.Before)
			fields[name] = s
		}
	}
	maps.DeleteFunc(fields, func(name string, _ span) bool { return made[name[:strings.LastIndex(name, " ")]] })
	return fields
}

// fieldsOf returns the value of each field of each record.
func fieldsOf(t require.TestingT, store *memory.Store) map[string]string {
	ctx := context.Background()
	schema, err := store.Schema(ctx)
	require.NoError(t, err)
	all := map[string]string{}
	for _, o := range schema.Objects {
		for rec, err := range store.Records(ctx, syncer.RecordQuery{Object: o.Name, Archived: true}) {
			require.NoError(t, err)
			for i, v := range rec.Values {
				all[o.Name+" "+rec.ID+" "+o.Fields[i].Name] = shown(v)
			}
		}
	}
	return all
}
