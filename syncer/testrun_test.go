package syncer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// payload returns what the journal keeps of a test run.
func (s *scene) payload(run syncer.Run) []syncer.TestRecord {
	s.Helper()
	var kept []syncer.TestRecord
	for rec, err := range s.store.Payload(s.Context(), run.ID) {
		require.NoError(s, err)
		kept = append(kept, rec)
	}
	return kept
}

func TestATestRunLooksAtASample(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sample, page int
		want         int64
	}{
		"of 10 by default":              {0, 100, 10},
		"of 10 over several pages":      {0, 4, 10},
		"of as many as one wants":       {3, 100, 3},
		"of as many as a page holds":    {5, 5, 5},
		"of no more than there are":     {40, 7, 25},
		"of all of them":                {-1, 7, 25},
		"of all, whatever the negative": {-5, 100, 25},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mdm := s.devices().sends(numbered(25, device)...)
			mdm.fake.PageSize = tc.page
			run, foretold := mdm.test(syncer.TestOptions{Sample: tc.sample, By: "tester@example.com"})
			s.expect(run, fmt.Sprintf("created %d", tc.want))
			require.Len(t, foretold, int(tc.want))
			require.Equal(t, syncer.Succeeded, run.Status)
			require.True(t, run.Test)
			require.Equal(t, "tester@example.com", run.By)
			require.Empty(t, s.rows("assets"))
			if tc.sample > 0 && tc.sample < 25 {
				require.Equal(t, tc.sample, mdm.fake.Requests()[0].Limit, "the vendor is told")
			}
		})
	}
}

func TestATestRunWritesNothingToTheStore(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"no record, link, or lease": func(s *scene) {
			mdm := s.launched(withSoftware(assets("mdm")))
			mdm.sends(laptop(`[{"name": "Firefox", "version": "1"}]`)).run()
			before := dump(s, s.store)
			m := s.meddles()
			m.begin = func(context.Context, syncer.Claim) (syncer.Lease, error) {
				return syncer.Lease{}, errors.New("a test run needs no lease")
			}
			run, _ := mdm.sends(laptop(`[{"name": "Firefox", "version": "2"}]`), device(2)).test(syncer.TestOptions{Sample: -1})
			s.expect(run, "created 1, updated 1")
			require.Empty(s, m.batches)
			require.Equal(s, before, dump(s, s.store))
		},
		"and can be made while a full run is under way": func(s *scene) {
			mdm := s.devices().sendsPages(1, device(1), device(2))
			m := s.meddles()
			tested := false
			m.apply = func(ctx context.Context, b *syncer.Batch) error {
				if !tested {
					tested = true
					run, err := mdm.syncer().TestRun(ctx, "mdm", syncer.TestOptions{})
					require.NoError(s, err)
					s.expect(run, "created 2")
				}
				return m.Store.Apply(ctx, b)
			}
			s.expect(mdm.run(), "created 2")
			require.True(s, tested)
		},
		"and does not disturb an interrupted run": func(s *scene) {
			mdm := s.devices().sendsPages(2, numbered(6, device)...)
			interrupted := mdm.interruptedAfter(1)
			mdm.test(syncer.TestOptions{Sample: -1})
			run := mdm.run()
			require.Equal(s, interrupted.ID, run.ID)
			s.expect(run, "created 6")
		},
	})
}

func TestATestRunShowsEachRecord(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	in := withSoftware(assets("mdm"))
	in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "ip_addresses", From: "ips"}, mapping.FieldMapping{To: "managed", From: "managed"})
	mdm := s.launched(in)
	mdm.sends(`{"id": "v1", "serial": "S1", "name": "old", "memory": 8, "apps": [{"name": "Slack", "version": "2"}]}`).run()
	source := `{"id":"v1", "serial":"S1", "name":null, "memory":16, "ips":["10.0.0.1"], "managed":true, "apps":[{"name":"Firefox","version":"1"}], "extra":{"kept": 1.50}}`
	run, foretold := mdm.sends(source, `{"id": "v1"}`).test(syncer.TestOptions{})
	s.expect(run, "updated 1, skipped 1")
	require.Equal(t, map[string]syncer.Effects{"software": {Created: 1}, "software_installs": {Created: 1, Archived: 1}}, run.Effects)
	require.Len(t, foretold, 2)
	require.Equal(t, source, foretold[0].Source.String(), "byte for byte as the vendor sent it")
	shown, err := json.MarshalIndent(foretold[0], "", "  ")
	require.NoError(t, err)
	require.JSONEq(t, `{
		"record": "v1",
		"source": `+source+`,
		"mapped": {
			"serial_number": "S1", "device_name": null, "memory_mb": 16, "ip_addresses": ["10.0.0.1"], "managed": true,
			"software_installs": [{"software": "Firefox", "version": "1"}]
		},
		"action": "updated",
		"changes": [
			{"field": "device_name", "before": "old", "after": null},
			{"field": "memory_mb", "before": 8, "after": 16},
			{"field": "ip_addresses", "before": null, "after": ["10.0.0.1"]},
			{"field": "managed", "before": null, "after": true},
			{"object": "software_installs", "field": "software", "before": null, "after": "Firefox"},
			{"object": "software_installs", "field": "version", "before": null, "after": "1"},
			{"object": "software_installs", "field": "software", "before": "Slack", "after": null},
			{"object": "software_installs", "field": "version", "before": "2", "after": null}
		],
		"effects": {"software_installs": {"created": 1, "updated": 0, "archived": 1, "restored": 0}}
	}`, string(shown))
	require.Equal(t, "duplicate of v1", foretold[1].Reason)
	require.Equal(t, syncer.ActionSkipped, foretold[1].Action)

	var kept []syncer.TestRecord
	kept = append(kept, s.payload(run)...)
	require.Equal(t, len(foretold), len(kept))
	for i := range kept {
		require.Equal(t, show(foretold[i]), show(kept[i]), "the journal keeps the same")
	}

	var happened []string
	_, err = mdm.syncer().Run(t.Context(), "mdm", syncer.RunOptions{Record: func(r syncer.TestRecord) { happened = append(happened, show(r)) }})
	require.NoError(t, err)
	require.Equal(t, []string{show(foretold[0]), show(foretold[1])}, happened, "the full run does it")
}

func TestTheJournalKeepsABoundedPayload(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"of 10,000 records by default": func(s *scene) {
			mdm := s.devices().serves(&connectortest.Fake{Count: 10_020, Generate: func(i int) connector.Record { return connector.Record(device(i)) }})
			run, foretold := mdm.test(syncer.TestOptions{Sample: -1})
			s.expect(run, "created 10020")
			require.Len(s, foretold, 10_020, "the caller is told of all")
			kept := s.payload(run)
			require.Len(s, kept, 10_000)
			require.Equal(s, "v0", kept[0].Record)
			require.Equal(s, "v9999", kept[9999].Record)
		},
		"of as many as the host says": func(s *scene) {
			mdm := s.devices().sends(numbered(20, device)...)
			mdm.opt.PayloadLimit = 7
			run, _ := mdm.test(syncer.TestOptions{Sample: -1})
			s.expect(run, "created 20")
			require.Len(s, s.payload(run), 7)
		},
		"of a full run none": func(s *scene) {
			run := s.devices().sends(device(1)).run()
			require.Empty(s, s.payload(run))
		},
	})
}

func TestATestRunIsARunOfItsOwn(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"the journal has it, apart from the full runs": func(s *scene) {
			mdm := s.devices().sends(device(1), `{"id": "v2", "memory": "much"}`)
			tested, _ := mdm.test(syncer.TestOptions{})
			require.Equal(s, syncer.WithProblems, tested.Status)
			full := mdm.run()
			ids := func(q syncer.RunQuery) []string {
				runs, err := s.store.Runs(s.Context(), q)
				require.NoError(s, err)
				var ids []string
				for _, r := range runs {
					ids = append(ids, r.ID)
				}
				return ids
			}
			require.Equal(s, []string{full.ID}, ids(syncer.RunQuery{Integration: "mdm"}))
			require.Equal(s, []string{full.ID, tested.ID}, ids(syncer.RunQuery{Integration: "mdm", Test: true}))
			kept, err := s.store.Run(s.Context(), tested.ID)
			require.NoError(s, err)
			require.Equal(s, tested.Counts, kept.Counts)
			require.Equal(s, tested.Problems, kept.Problems)
		},
		"an empty source is told": func(s *scene) {
			run, foretold := s.devices().sends().test(syncer.TestOptions{})
			require.Equal(s, syncer.Empty, run.Status)
			require.Empty(s, foretold)
		},
		"a source that fails fails the test run": func(s *scene) {
			mdm := s.devices().sends(device(1)).scripts(map[int]connectortest.Step{0: {Err: &connector.Error{Class: connector.ErrAuth, Op: "list devices", Message: "the token has expired"}}})
			run, err := mdm.syncer().TestRun(s.Context(), "mdm", syncer.TestOptions{})
			require.ErrorIs(s, err, connector.ErrAuth)
			require.Equal(s, syncer.Failed, run.Status)
			require.Contains(s, run.Error, "the token has expired")
			require.Equal(s, "renew the credential and check it with `vendorsync check`", run.Remedy)
		},
		"an error of the caller's ends it": func(s *scene) {
			full := errors.New("the disk is full")
			mdm := s.devices().sends(numbered(5, device)...)
			n := 0
			run, err := mdm.syncer().TestRun(s.Context(), "mdm", syncer.TestOptions{Record: func(syncer.TestRecord) error {
				n++
				return full
			}})
			require.ErrorIs(s, err, full)
			require.Equal(s, syncer.Failed, run.Status)
			require.Equal(s, 1, n)
		},
		"it can be cancelled": func(s *scene) {
			mdm := s.devices().sendsPages(1, numbered(50, device)...)
			n := 0
			run, err := mdm.syncer().TestRun(s.Context(), "mdm", syncer.TestOptions{Sample: -1, Record: func(syncer.TestRecord) error {
				if n++; n == 3 {
					runs, err := s.store.Runs(s.Context(), syncer.RunQuery{Test: true})
					require.NoError(s, err)
					require.NoError(s, mdm.syncer().Cancel(s.Context(), runs[0].ID))
				}
				return nil
			}})
			require.ErrorContains(s, err, "cancelled")
			require.Equal(s, syncer.Cancelled, run.Status)
			require.Less(s, n, 50)
		},
		"of an integration that is not there": func(s *scene) {
			_, err := s.devices().syncer().TestRun(s.Context(), "nobody", syncer.TestOptions{})
			require.ErrorIs(s, err, syncer.ErrNotFound)
		},
	})
}

func TestADraftCanBeTestedAndNotRun(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"of what it has": func(s *scene) {
			in := assets("mdm")
			in.User, in.Mapping.SyncKeys = "", nil
			mdm := s.drafted(in).sends(device(1))
			run, foretold := mdm.test(syncer.TestOptions{})
			s.expect(run, "skipped 1")
			require.Equal(s, "no sync key: none of the mapped fields has a usable value", foretold[0].Reason)
			_, err := mdm.syncer().Run(s.Context(), "mdm", syncer.RunOptions{})
			var state *syncer.StateError
			require.ErrorAs(s, err, &state)
			require.Equal(s, syncer.Draft, state.State)
			require.Len(s, state.Missing, 2)
			require.Equal(s, `integration "mdm" is a draft: 2 things are missing`, state.Error())
			runs, err := s.store.Runs(s.Context(), syncer.RunQuery{})
			require.NoError(s, err)
			require.Empty(s, runs, "a run that cannot be is none")
		},
		"a complete one waits to be launched": func(s *scene) {
			mdm := s.drafted(assets("mdm")).sends(device(1))
			run, _ := mdm.test(syncer.TestOptions{})
			s.expect(run, "created 1")
			_, err := mdm.syncer().Run(s.Context(), "mdm", syncer.RunOptions{})
			require.EqualError(s, err, `integration "mdm" is a draft: launch it first`)
		},
		"a mapping with faults is told": func(s *scene) {
			in := assets("mdm")
			in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "serial_numbr", From: "serial"})
			run, err := s.drafted(in).sends(device(1)).syncer().TestRun(s.Context(), "mdm", syncer.TestOptions{})
			require.ErrorIs(s, err, connector.ErrInvalid)
			require.ErrorContains(s, err, `did you mean "serial_number"?`)
			require.Equal(s, syncer.Failed, run.Status)
			require.Equal(s, "correct the mapping", run.Remedy)
		},
	})
}

func TestSensitiveValuesAreMasked(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-pin"
	sensitive := func(spec *connector.Spec) {
		spec.Streams[0].Fields = []connector.Field{
			{Path: "owner.pin", Type: connector.StringField, Sensitive: true},
			{Path: "token", Type: connector.StringField, Sensitive: true},
			{Path: "apps[].license", Type: connector.StringField, Sensitive: true},
		}
	}
	record := func(id, pin string) string {
		return fmt.Sprintf(`{"id": %q, "serial": "S-%s", "owner": {"pin": %q}, "token": %q, "apps": [{"name": "Office", "license": %q}]}`, id, id, pin, secret+"-unmapped", pin)
	}
	newVault := func(s *scene) *feed {
		in := assets("mdm")
		in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "po_number", From: "owner.pin"})
		in.Mapping.Children = []mapping.ChildMapping{{Object: "software", From: "apps", Fields: []mapping.FieldMapping{
			{To: "name", From: "name"}, {To: "category", From: "license"}, {To: "path", From: "license"},
		}}}
		mdm := s.drafted(in)
		mdm.fake.Describe = sensitive
		require.NoError(s, mdm.syncer().Launch(s.Context(), "mdm", "launcher"))
		return mdm
	}
	send := func(mdm *feed, records ...string) *feed {
		mdm.sends(records...).fake.Describe = sensitive
		return mdm
	}
	hides := func(s *scene, what any) {
		s.Helper()
		text, err := json.Marshal(what)
		require.NoError(s, err)
		require.NotContains(s, string(text), secret)
	}
	stories(t, map[string]func(s *scene){
		"in the payload, where it is mapped": func(s *scene) {
			run, foretold := send(newVault(s), record("v1", secret)).test(syncer.TestOptions{})
			s.expect(run, "created 1")
			hides(s, foretold)
			hides(s, s.payload(run))
			require.Equal(s, "********", foretold[0].Mapped["po_number"])
			require.Contains(s, foretold[0].Changes, syncer.Difference{Field: "po_number", Before: json.RawMessage("null"), After: json.RawMessage(`"********"`)})
			require.Contains(s, foretold[0].Source.String(), `"pin":"********"`)
			require.NotContains(s, foretold[0].Source.String(), "token", "what is not mapped does not leave the connector")
		},
		"in the history, of the record, its children and their titles": func(s *scene) {
			mdm := newVault(s)
			send(mdm, record("v1", secret)).run()
			s.expect(send(mdm, record("v1", secret+"-2")).run(), "updated 1")
			require.Equal(s, secret+"-2", s.asset("S-v1").fields["po_number"], "the store itself has the value")
			seen := 0
			for _, object := range []string{"assets", "software", "software_installs"} {
				for _, r := range s.rows(object) {
					events := s.history(object, r.ID)
					hides(s, events)
					for _, e := range events {
						for _, c := range e.Changes {
							if c.Hidden {
								seen++
							}
						}
					}
				}
			}
			require.Equal(s, 5, seen, "the pin twice, the path twice, the category once")
		},
		"in what is told of software that is gone, and in the names of titles": func(s *scene) {
			mdm := newVault(s)
			mdm.edit(func(in *syncer.Integration) {
				in.Mapping.Children[0].Fields = []mapping.FieldMapping{{To: "name", From: "license"}, {To: "version", From: "license"}}
			})
			told := func() (all []syncer.TestRecord) {
				_, err := mdm.syncer().Run(s.Context(), "mdm", syncer.RunOptions{Record: func(r syncer.TestRecord) { all = append(all, r) }})
				require.NoError(s, err)
				require.Len(s, all, 1)
				return all
			}
			send(mdm, record("v1", secret))
			made := told()
			hides(s, made)
			require.Equal(s, map[string]any{"software": "********", "version": "********"}, made[0].Mapped["software_installs"].([]any)[0])
			send(mdm, `{"id": "v1", "serial": "S-v1", "apps": []}`)
			gone := told()
			hides(s, gone)
			require.Equal(s, []syncer.Difference{
				{Object: "software_installs", Field: "software", Before: json.RawMessage(`"********"`), After: json.RawMessage("null")},
				{Object: "software_installs", Field: "version", Before: json.RawMessage(`"********"`), After: json.RawMessage("null")},
			}, gone[0].Changes)
		},
		"in problems": func(s *scene) {
			mdm := newVault(s)
			mdm.edit(func(in *syncer.Integration) {
				in.Mapping.Fields = append(in.Mapping.Fields[:3:3], mapping.FieldMapping{To: "memory_mb", From: "owner.pin"})
			})
			run := send(mdm, record("v1", secret)).run()
			s.expect(run, "failed 1")
			require.Contains(s, run.Problems[0].Reason, "********")
			hides(s, run)
		},
		"in conflicts": func(s *scene) {
			mdm := newVault(s)
			mdm.edit(func(in *syncer.Integration) {
				in.Mapping.Fields = append(in.Mapping.Fields[:1:1], mapping.FieldMapping{To: "asset_tag", From: "owner.pin"})
				in.Mapping.Children = nil
			})
			run := send(mdm, record("v1", secret), record("v2", secret)).run()
			s.expect(run, "created 1, failed 1")
			require.Contains(s, run.Problems[0].Reason, "asset_tag ******** would go to a new record")
			hides(s, run)
		},
		"in the payload of a mapper of the host's own": func(s *scene) {
			mdm := newVault(s)
			mdm.opt.Mappers = map[string]mapping.Mapper{"mdm": pinMapper{}}
			_, foretold := send(mdm, record("v1", secret)).test(syncer.TestOptions{})
			require.Equal(s, syncer.ActionCreated, foretold[0].Action)
			hides(s, foretold)
		},
	})
}

// A pinMapper maps every record to the same device.
type pinMapper struct{}

func (pinMapper) Targets() []mapping.Target {
	return []mapping.Target{{Object: "assets", Columns: []mapping.Column{{Field: "serial_number"}}}}
}

func (pinMapper) Map(_ connector.Record, out *mapping.Out) error {
	out.VendorID = "v1"
	_, values := out.AddRow(0, 1)
	values[0] = mapping.TextValue("A1")
	return nil
}
