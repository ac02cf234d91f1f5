package syncer_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/syncer"
)

func TestContract8ABatchEndsOnlyAtAPageWithAResumePoint(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fake  *connectortest.Fake
		batch int
		want  []int // records in each batch
	}{
		"every page has one":                     {&connectortest.Fake{PageSize: 2}, 2, []int{2, 2, 2, 2, 2, 2, 2}},
		"a batch is made of whole pages":         {&connectortest.Fake{PageSize: 3}, 4, []int{6, 6, 2}},
		"a page is larger than a batch":          {&connectortest.Fake{PageSize: 10}, 4, []int{10, 4}},
		"every third page has one":               {&connectortest.Fake{PageSize: 2, ResumeEvery: 3}, 2, []int{6, 6, 2}},
		"every third page, and batches of eight": {&connectortest.Fake{PageSize: 2, ResumeEvery: 3}, 8, []int{12, 2}},
		"one batch holds all":                    {&connectortest.Fake{PageSize: 2}, 100, []int{14}},
		"the last page is empty":                 {&connectortest.Fake{PageSize: 2, LastAlone: true}, 100, []int{14}},
		"no page has one: eight batches' worth":  {&connectortest.Fake{PageSize: 1, NoCursor: true}, 1, []int{8, 6}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.devices().serves(tc.fake)
			mdm.fake.Generate, mdm.fake.Count = func(i int) connector.Record { return connector.Record(device(i)) }, 14
			mdm.opt.BatchSize = tc.batch
			m := s.meddles()
			s.expect(mdm.run(), "created 14")
			require.Equal(t, tc.want, m.read())
			for i := range m.batches {
				require.EqualValues(t, i+1, m.batches[i].Seq)
				require.Equal(t, m.batches[0].Fence, m.batches[i].Fence)
			}
			require.True(t, m.batches[len(m.batches)-1].Release)
		})
	}
}

func TestContract8History(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mdm := s.devices()
	first := mdm.sends(`{"id": "v1", "serial": "A1", "name": "old", "memory": 8}`).run()
	second := mdm.sends(`{"id": "v1", "serial": "A1", "name": "new", "memory": null}`).run()
	mdm.run()

	events := s.history("assets", "1")
	require.Len(t, events, 2, "an unchanged record leaves none")
	created, updated := events[0], events[1]

	require.Equal(t, syncer.Create, created.Op)
	require.Equal(t, "mdm@example.com", created.Actor)
	require.Equal(t, "mdm", created.Integration)
	require.Equal(t, first.ID, created.Run)
	require.EqualValues(t, 1, created.Revision)
	require.False(t, created.At.Before(first.Started))
	require.Equal(t, []string{"serial_number: nothing -> A1", "device_name: nothing -> old", "memory_mb: nothing -> 8"}, changesOf(s, created), "a creation is one event with all its fields")

	require.Equal(t, syncer.Update, updated.Op)
	require.Equal(t, "mdm@example.com", updated.Actor)
	require.Equal(t, second.ID, updated.Run)
	require.NotEqual(t, first.ID, second.ID)
	require.EqualValues(t, 2, updated.Revision)
	require.Equal(t, []string{"device_name: old -> new", "memory_mb: 8 -> nothing"}, changesOf(s, updated))
}

// changesOf shows what an event of a device changed.
func changesOf(s *scene, e syncer.Event) []string {
	s.Helper()
	schema, err := s.store.Schema(s.Context())
	require.NoError(s, err)
	o, _ := schema.Object(e.Object)
	var lines []string
	for _, c := range e.Changes {
		before, after := "nothing", "nothing"
		f := &o.Fields[o.Field(c.Field)]
		if !c.Before.IsEmpty() {
			before = f.Format(c.Before)
		}
		if !c.After.IsEmpty() {
			after = f.Format(c.After)
		}
		lines = append(lines, fmt.Sprintf("%s: %s -> %s", c.Field, before, after))
	}
	return lines
}

// racing does something in the moment between the decisions about the first
// batch and its being written.
func (s *scene) racing(do func()) {
	m := s.meddles()
	m.apply = func(ctx context.Context, b *syncer.Batch) error {
		if do != nil {
			do()
			do = nil
		}
		return m.Store.Apply(ctx, b)
	}
}

func TestContract8ARaceFailsItsUnitAlone(t *testing.T) {
	t.Parallel()
	const raced = "changed meanwhile: somebody else changed the record while the run was writing it; the next run will try again"
	stories(t, map[string]func(s *scene){
		"a record that a person edits in that moment": func(s *scene) {
			mdm := s.devices()
			mdm.sends(device(1), device(2)).run()
			mdm.sends(`{"id": "v1", "serial": "S1", "name": "new 1"}`, `{"id": "v2", "serial": "S2", "name": "new 2"}`)
			s.racing(func() { s.edits("assets", "1", map[string]string{"notes": "mine"}) })
			run := mdm.run()
			s.expect(run, "updated 1, failed 1")
			require.Equal(s, []string{"v1 " + raced}, problems(run))
			require.Equal(s, []string{"S1 device 1 mine", "S2 new 2 -"}, s.all("assets", "serial_number", "device_name", "notes"))
			s.expect(mdm.run(), "updated 1, unchanged 1")
			require.Equal(s, []string{"S1 new 1 mine", "S2 new 2 -"}, s.all("assets", "serial_number", "device_name", "notes"))
		},
		"a record that a person makes in that moment": func(s *scene) {
			mdm := s.devices().sends(device(1), device(2))
			s.racing(func() { s.inserts("assets", map[string]string{"serial_number": "s1"}) })
			run := mdm.run()
			s.expect(run, "created 1, failed 1")
			require.Equal(s, []string{"v1 " + raced}, problems(run))
			s.expect(mdm.run(), "updated 1, unchanged 1")
			require.Equal(s, []string{"S1 device 1", "S2 device 2"}, s.all("assets", "serial_number", "device_name"))
		},
		"a record that a person deletes in that moment": func(s *scene) {
			mdm := s.devices()
			mdm.sends(device(1), device(2)).run()
			mdm.sends(`{"id": "v1", "serial": "S1", "name": "new 1"}`, `{"id": "v2", "serial": "S2", "name": "new 2"}`)
			s.racing(func() { require.NoError(s, s.store.Delete(s.Context(), "person", "assets", "1")) })
			s.expect(mdm.run(), "updated 1, failed 1")
			s.expect(mdm.run(), "created 1, unchanged 1")
		},
		"takes the record's software with it, uncounted": func(s *scene) {
			mdm := s.launched(withSoftware(assets("mdm")))
			mdm.sends(device(1)).run()
			mdm.sends(`{"id": "v1", "serial": "S1", "name": "new", "apps": [{"name": "Firefox", "version": "1"}]}`, `{"id": "v2", "serial": "S2", "apps": [{"name": "Firefox", "version": "1"}]}`)
			s.racing(func() { s.edits("assets", "1", map[string]string{"notes": "mine"}) })
			run := mdm.run()
			s.expect(run, "created 1, failed 1")
			require.Equal(s, map[string]syncer.Effects{"software": {Created: 1}, "software_installs": {Created: 1}}, run.Effects)
			require.Empty(s, s.installs("S1"))
			require.Equal(s, []string{"Firefox 1"}, s.installs("S2"))
			run = mdm.run()
			s.expect(run, "updated 1, unchanged 1")
			require.Equal(s, map[string]syncer.Effects{"software_installs": {Created: 1}}, run.Effects)
			require.Equal(s, []string{"Firefox 1"}, s.installs("S1"))
		},
		"a title that somebody makes in that moment is used, and not counted as made": func(s *scene) {
			mdm := s.launched(withSoftware(assets("mdm")))
			mdm.sends(`{"id": "v1", "serial": "S1", "apps": [{"name": "Firefox", "version": "1"}]}`)
			s.racing(func() { s.inserts("software", map[string]string{"name": "firefox"}) })
			run := mdm.run()
			s.expect(run, "created 1")
			require.Equal(s, map[string]syncer.Effects{"software_installs": {Created: 1}}, run.Effects)
			require.Equal(s, []string{"firefox"}, s.all("software", "name"))
		},
		"a raced record is no reason to call others gone": func(s *scene) {
			in := assets("mdm")
			in.Absence = syncer.ArchiveAbsent
			mdm := s.launched(in)
			mdm.sends(device(1)).run()
			mdm.sends(`{"id": "v1", "serial": "S1", "name": "new"}`)
			s.racing(func() { s.edits("assets", "1", map[string]string{"notes": "mine"}) })
			run := mdm.run()
			s.expect(run, "failed 1")
			require.True(s, run.Complete)
			require.Zero(s, run.Vanished)
		},
	})
}

func TestContract8WhatIsCountedIsWhatIsWritten(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mdm := s.devices().sendsPages(3, numbered(20, device)...)
	var heard []int64
	mdm.opt.Progress = func(p syncer.Progress) { heard = append(heard, p.Counts.Created) }
	m := s.meddles()
	m.apply = func(ctx context.Context, b *syncer.Batch) error {
		err := m.Store.Apply(ctx, b)
		run, rerr := m.Run(ctx, b.Run)
		require.NoError(t, rerr)
		var written int64
		for _, rerr := range m.Records(ctx, syncer.RecordQuery{Object: "assets"}) {
			require.NoError(t, rerr)
			written++
		}
		require.LessOrEqual(t, run.Counts.Created, written, "the journal is never ahead of the records")
		return err
	}
	s.expect(mdm.run(), "created 20")
	require.True(t, slices.IsSorted(heard))
	require.EqualValues(t, 20, heard[len(heard)-1])
}
