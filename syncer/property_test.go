package syncer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// A history is a random story of two vendors of devices and one of people that
// feed one store, and of people who edit it in between.
type history struct {
	integrations [3]syncer.Integration
	precedence   syncer.Precedence
	rounds       []round
}

// A round is what happens before one run, and the run.
type round struct {
	edits       []edit
	integration int
	reading     syncer.Reading
	records     []connector.Record
	changed     []int                   // the round before whose run each record last changed
	faults      map[int]connector.Fault // by page of 3, where the vendor sends something unreadable
}

// An edit is one write by a person: to the nth record there is.
type edit struct {
	object string
	nth    int
	other  int    // the record that is merged into the nth
	what   string // edit, archive, restore, delete, insert, merge, split
	values map[string]string
}

var (
	serials = []string{"S1", "s1", " S1 ", "S2", "S3", "S4", "S5", "5E10", "None", "0000", ""}
	tags    = []string{"T1", "t1", "T2", "T3", "T4", "T5", ""}
	names   = []string{"alpha", "beta", "gamma", ""}
	titles  = []string{"Firefox", "firefox", "Slack", "Zoom"}
	logins  = []string{"ada", "bob", "Bob", "cleo", "dan"}
	owners  = []string{"ada", "ADA@example.com", "bob", "cleo@example.com", "e1", "e2", "nobody", ""}
)

// genPerson returns a person with a manager and, mostly, an account.
func genPerson(t *rapid.T) connector.Record {
	login := rapid.SampledFrom(logins).Draw(t, "login")
	m := map[string]any{"id": fmt.Sprintf("u%d", rapid.IntRange(1, 6).Draw(t, "id")), "login": login}
	m["email"] = rapid.SampledFrom([]string{login, login, login, "ada"}).Draw(t, "email") + "@example.com"
	optional := func(name string, pool []string) {
		switch rapid.IntRange(0, 4).Draw(t, name+" how") {
		case 0:
		case 1:
			m[name] = nil
		default:
			m[name] = rapid.SampledFrom(pool).Draw(t, name)
		}
	}
	optional("boss", owners)
	optional("number", []string{"e1", "E2", "e3"})
	optional("account", []string{"a1", "a2", "A2", "a3"})
	optional("state", []string{"on", "off"})
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// genPeople returns an integration of people, whose accounts it brings, too.
func genPeople(t *rapid.T) syncer.Integration {
	in := managed()
	in.Policy = rapid.SampledFrom([]syncer.Policy{syncer.CreateAndUpdate, syncer.CreateAndUpdate, syncer.UpdateOnly}).Draw(t, "policy")
	in.RestoreArchived = rapid.Bool().Draw(t, "restore")
	in.Absence = rapid.SampledFrom([]syncer.Absence{syncer.Keep, syncer.ArchiveAbsent}).Draw(t, "absence")
	if rapid.Bool().Draw(t, "accounts") {
		in.Mapping.Companions = []mapping.CompanionMapping{{
			Object: "saas_users", Application: "Okta", Deactivate: rapid.Bool().Draw(t, "deactivate"),
			Fields: []mapping.FieldMapping{{To: "external_id", From: "account"}, {To: "status", From: "state"}},
		}}
	}
	return in
}

func genRecord(t *rapid.T) connector.Record {
	if rapid.IntRange(0, 40).Draw(t, "broken") == 0 {
		return connector.Record(rapid.SampledFrom([]string{`{"id": "v1", `, `[1]`, `{"serial": "S9"}`, `{"id": null}`, `{"id": "v3", "memory": "much"}`}).Draw(t, "garbage"))
	}
	m := map[string]any{"id": fmt.Sprintf("v%d", rapid.IntRange(1, 9).Draw(t, "id"))}
	field := func(name string, pool []string) {
		switch rapid.IntRange(0, 7).Draw(t, name+" how") {
		case 0: // absent
		case 1:
			m[name] = nil
		default:
			m[name] = rapid.SampledFrom(pool).Draw(t, name)
		}
	}
	field("serial", serials)
	field("tag", tags)
	field("name", names)
	field("owner", owners)
	if rapid.Bool().Draw(t, "has memory") {
		m["memory"] = rapid.SampledFrom([]int{8, 16}).Draw(t, "memory")
	}
	switch rapid.IntRange(0, 4).Draw(t, "apps") {
	case 0:
	case 1:
		m["apps"] = nil
	default:
		apps := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "apps") {
			app := map[string]any{"name": rapid.SampledFrom(titles).Draw(t, "title"), "version": rapid.SampledFrom([]string{"1", "2"}).Draw(t, "version")}
			if rapid.Bool().Draw(t, "has category") {
				app["category"] = rapid.SampledFrom([]string{"web", "chat"}).Draw(t, "category")
			}
			if rapid.Bool().Draw(t, "has path") {
				app["path"] = rapid.SampledFrom([]string{"/a", "/b"}).Draw(t, "path")
			}
			apps = append(apps, app)
		}
		m["apps"] = apps
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func genIntegration(t *rapid.T, id string) syncer.Integration {
	rule := func(name string) mapping.WriteRule {
		return rapid.SampledFrom([]mapping.WriteRule{"", mapping.IfEmpty, mapping.OnCreate, mapping.NeverClear}).Draw(t, name+" write")
	}
	m := mapping.Mapping{
		Object: "assets", Key: "id",
		Fields: []mapping.FieldMapping{
			{To: "serial_number", From: "serial"},
			{To: "device_name", From: "name", Write: rule("name"), Default: rapid.SampledFrom([]string{"", "unnamed"}).Draw(t, "default")},
			{To: "memory_mb", From: "memory", Write: rule("memory")},
			{To: "status", Value: "from " + id},
		},
		SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
	}
	if rapid.Bool().Draw(t, "owner") {
		m.Fields = append(m.Fields, mapping.FieldMapping{To: "assigned_to", From: "owner", Write: rule("owner")})
	}
	if rapid.Bool().Draw(t, "templates") {
		m.Fields = append(m.Fields,
			mapping.FieldMapping{To: "notes", From: "{{ record.name ~ '/' ~ record.tag | upper }}"},
			mapping.FieldMapping{To: "model", From: "name", Values: map[string]string{"Alpha": "A", "beta": ""}, Unlisted: mapping.FaultUnlisted},
		)
	}
	if rapid.Bool().Draw(t, "filter") {
		m.Filter = "{{ record.name != 'gamma' }}"
		m.CreateIf = rapid.SampledFrom([]string{"", "{{ record.memory }}"}).Draw(t, "create if")
		m.UpdateIf = rapid.SampledFrom([]string{"", "{{ record.memory != 16 }}"}).Draw(t, "update if")
	}
	if rapid.Bool().Draw(t, "tag") {
		m.Fields = append(m.Fields, mapping.FieldMapping{To: "asset_tag", From: "tag"})
		switch rapid.IntRange(0, 2).Draw(t, "tag is key") {
		case 0:
			m.SyncKeys = append(m.SyncKeys, mapping.SyncKey{Field: "asset_tag"})
		case 1:
			m.SyncKeys = append(m.SyncKeys, mapping.SyncKey{Field: "asset_tag", Update: true})
		}
	}
	if rapid.Bool().Draw(t, "children") {
		m.Children = []mapping.ChildMapping{{Object: "software", From: "apps", Fields: []mapping.FieldMapping{
			{To: "name", From: "name"}, {To: "category", From: "category"}, {To: "version", From: "version"}, {To: "path", From: "path", Write: rule("path")},
		}}}
	}
	return syncer.Integration{
		ID: id, Connector: id, Stream: "records", User: id + "@example.com", Mapping: m,
		Policy:          rapid.SampledFrom([]syncer.Policy{syncer.CreateAndUpdate, syncer.CreateAndUpdate, syncer.CreateOnly, syncer.UpdateOnly}).Draw(t, "policy"),
		Absence:         rapid.SampledFrom([]syncer.Absence{syncer.Keep, syncer.FlagAbsent, syncer.ArchiveAbsent}).Draw(t, "absence"),
		RestoreArchived: rapid.Bool().Draw(t, "restore"),
		FullEvery:       rapid.SampledFrom([]int{0, 0, 2}).Draw(t, "full every"),
	}
}

func genHistory(t *rapid.T) history {
	var h history
	h.integrations = [3]syncer.Integration{genIntegration(t, "left"), genIntegration(t, "right"), genPeople(t)}
	h.precedence = syncer.Precedence{
		Object: "assets", Order: rapid.SampledFrom([][]string{nil, {"left", "right"}, {"right"}}).Draw(t, "order"),
		SilentAfter: rapid.IntRange(0, 3).Draw(t, "silent after"),
	}
	if rapid.Bool().Draw(t, "order of a field") {
		h.precedence.Fields = map[string][]string{"device_name": {"right", "left"}}
	}
	last := [3]round{}
	for n := range rapid.IntRange(1, 6).Draw(t, "rounds") {
		r := round{integration: rapid.IntRange(0, 2).Draw(t, "which"), faults: map[int]connector.Fault{}}
		r.reading = rapid.SampledFrom([]syncer.Reading{syncer.AsConfigured, syncer.AsConfigured, syncer.ReadAll, syncer.ReadChanged}).Draw(t, "reading")
		add := func(rec connector.Record, changed int) {
			r.records, r.changed = append(r.records, rec), append(r.changed, changed)
		}
		for range rapid.IntRange(0, 2).Draw(t, "edits") {
			if rapid.IntRange(0, 3).Draw(t, "of whom") == 0 {
				r.edits = append(r.edits, edit{
					object: "users",
					nth:    rapid.IntRange(0, 4).Draw(t, "nth"),
					other:  rapid.IntRange(0, 4).Draw(t, "other"),
					what:   rapid.SampledFrom([]string{"edit", "archive", "delete", "merge", "split"}).Draw(t, "what"),
					values: map[string]string{
						"username": rapid.SampledFrom([]string{"ada", "bob", "eve"}).Draw(t, "username"),
						"manager":  rapid.SampledFrom(owners).Draw(t, "manager"),
					},
				})
				continue
			}
			if rapid.IntRange(0, 5).Draw(t, "a title") == 0 {
				r.edits = append(r.edits, edit{
					object: "software", nth: rapid.IntRange(0, 3).Draw(t, "nth"), other: rapid.IntRange(0, 3).Draw(t, "other"),
					what: rapid.SampledFrom([]string{"archive", "restore", "merge"}).Draw(t, "what"),
				})
				continue
			}
			r.edits = append(r.edits, edit{
				object: "assets",
				nth:    rapid.IntRange(0, 8).Draw(t, "nth"),
				other:  rapid.IntRange(0, 8).Draw(t, "other"),
				what:   rapid.SampledFrom([]string{"edit", "edit", "archive", "restore", "delete", "insert", "merge", "split"}).Draw(t, "what"),
				values: map[string]string{rapid.SampledFrom([]string{"serial_number", "asset_tag", "device_name"}).Draw(t, "field"): rapid.SampledFrom(
					[]string{"S1", "S2", "S6", "T1", "T2", "hand", ""}).Draw(t, "value")},
			})
		}
		gen := genRecord
		if r.integration == 2 {
			gen = genPerson
		}
		if old := last[r.integration]; old.records != nil && rapid.Bool().Draw(t, "mostly the same") {
			for i, rec := range old.records {
				switch rapid.IntRange(0, 9).Draw(t, "keep") {
				case 0: // gone
				case 1:
					add(gen(t), n)
				default:
					add(rec, old.changed[i])
				}
			}
		} else {
			for range rapid.IntRange(0, 14).Draw(t, "records") {
				add(gen(t), n)
			}
		}
		if len(r.records) > 0 && rapid.IntRange(0, 5).Draw(t, "fault") == 0 {
			r.faults[0] = connector.Fault{Place: "line 1", Err: errors.New("unreadable")}
		}
		last[r.integration] = r
		h.rounds = append(h.rounds, r)
	}
	return h
}

// changedAt is when a record last changed: half a day before the round's run.
func (r round) changedAt(i int) time.Time { return day(1 + r.changed[i]).Add(-12 * time.Hour) }

// sent is how many records and faults the vendor sends for changes since then.
func (r round) sent(since time.Time) int {
	n := len(r.faults)
	for i := range r.records {
		if !r.changedAt(i).Before(since) {
			n++
		}
	}
	return n
}

// A world is a store with a way of working: how large batches and pages are,
// whether links are cached.
type world struct {
	store syncer.Store
	fakes [3]*connectortest.Fake
	opt   syncer.Options
	page  int
	day   int // how many have gone by
}

func (w *world) syncer(t require.TestingT, h history, r round, step map[int]connectortest.Step) *syncer.Syncer {
	for i := range w.fakes {
		w.fakes[i] = &connectortest.Fake{ID: h.integrations[i].ID, PageSize: w.page, ChangedAt: r.changedAt}
	}
	f := w.fakes[r.integration]
	f.Records = r.records
	f.Script = map[int]connectortest.Step{}
	for page, fault := range r.faults {
		f.Script[page] = connectortest.Step{Faults: []connector.Fault{fault}}
	}
	for page, s := range step {
		s.Faults = f.Script[page].Faults
		f.Script[page] = s
	}
	registry, err := connector.NewRegistry(w.fakes[0], w.fakes[1], w.fakes[2])
	require.NoError(t, err)
	opt := w.opt
	opt.Registry = registry
	opt.RestartDelay = 1
	now := day(1 + w.day)
	opt.Now = func() time.Time { return now }
	s, err := syncer.New(w.store, opt)
	require.NoError(t, err)
	return s
}

func (w *world) setUp(t require.TestingT, h history) {
	ctx := context.Background()
	s := w.syncer(t, h, round{}, nil)
	for _, in := range h.integrations {
		_, err := s.Save(ctx, in, "tester")
		require.NoError(t, err)
		require.NoError(t, s.Launch(ctx, in.ID, "tester"))
	}
	if keeper, ok := w.store.(syncer.PrecedenceKeeper); ok {
		require.NoError(t, keeper.SavePrecedence(ctx, h.precedence))
	}
}

// apply makes a person's edits; one that the store refuses is refused in every
// world.
func (w *world) edit(t require.TestingT, e edit) string {
	ctx := context.Background()
	store := w.store.(*memory.Store)
	var ids []string
	for rec, err := range store.Records(ctx, syncer.RecordQuery{Object: e.object, Archived: true}) {
		require.NoError(t, err)
		ids = append(ids, rec.ID)
	}
	if e.what == "insert" {
		_, err := store.Insert(ctx, "person", e.object, e.values)
		return fmt.Sprint(err)
	}
	if e.nth >= len(ids) {
		return "none"
	}
	id := ids[e.nth]
	var err error
	switch e.what {
	case "edit":
		err = store.Edit(ctx, "person", e.object, id, e.values)
	case "archive":
		err = store.Archive(ctx, "person", e.object, id)
	case "restore":
		err = store.Restore(ctx, "person", e.object, id)
	case "delete":
		err = store.Delete(ctx, "person", e.object, id)
	case "merge":
		if e.other >= len(ids) {
			return "none"
		}
		err = store.Merge(ctx, syncer.Merge{Object: e.object, Into: id, From: ids[e.other], IntoRevision: -1, FromRevision: -1, Actor: "person", At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	case "split":
		_, err = store.Split(ctx, syncer.Merge{Object: e.object, From: id, Actor: "person", At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	}
	return fmt.Sprint(err)
}

// A told is what a run says became of its records.
type told struct {
	records []string
	run     syncer.Run
}

func show(rec syncer.TestRecord) string {
	b, err := json.Marshal(rec)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func numbers(r syncer.Run) string {
	problems := make([]string, len(r.Problems))
	for i, p := range r.Problems {
		problems[i] = fmt.Sprint(p)
	}
	sort.Strings(problems)
	b, err := json.MarshalIndent(map[string]any{
		"counts": r.Counts, "effects": r.Effects, "vanished": r.Vanished, "problems": problems, "n": r.ProblemCount, "complete": r.Complete, "status": r.Status,
		"since": r.Since, "why all": r.ReadAll,
	}, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// dump shows all that a store holds, ids, links and revisions included.
func dump(t require.TestingT, store syncer.Store) string {
	ctx := context.Background()
	var b strings.Builder
	var links []string
	for _, object := range []string{"assets", "software", "software_installs", "users", "saas_applications", "saas_users"} {
		for rec, err := range store.(syncer.Reader).Records(ctx, syncer.RecordQuery{Object: object, Archived: true}) {
			require.NoError(t, err)
			fmt.Fprintf(&b, "%s %s rev %d archived %v missing %v", object, rec.ID, rec.Revision, !rec.Archived.IsZero(), !rec.MissingSince.IsZero())
			for _, v := range rec.Values {
				if v.IsEmpty() {
					b.WriteString(" -")
				} else {
					fmt.Fprintf(&b, " %d:%s", v.Int, v.Text)
				}
			}
			b.WriteByte('\n')
		}
	}
	for id, object := range map[string]string{"left": "assets", "right": "assets", "hr": "users"} {
		for l, err := range store.(syncer.LinkScanner).ScanLinks(ctx, id, object) {
			require.NoError(t, err)
			links = append(links, fmt.Sprintf("link %s %s -> %s stale %v missing %v superseded by %q", id, l.VendorID, l.ID, l.Stale, l.Missing, l.SupersededBy))
		}
	}
	sort.Strings(links)
	b.WriteString(strings.Join(links, "\n") + "\n")
	return b.String()
}

func equation(c syncer.Counts) bool {
	return c.Fetched == c.Filtered+c.Created+c.Updated+c.Unchanged+c.Skipped+c.Failed
}

// run makes one full run, interrupted before the given page if it is not
// negative, and taken up again.
func (w *world) run(t require.TestingT, h history, r round, interrupt int) told {
	var got told
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opt := syncer.RunOptions{Reading: r.reading, Record: func(rec syncer.TestRecord) { got.records = append(got.records, show(rec)) }}
	step := map[int]connectortest.Step{}
	if interrupt >= 0 {
		step[interrupt] = connectortest.Step{Do: cancel}
	}
	s := w.syncer(t, h, r, step)
	id := h.integrations[r.integration].ID
	run, err := s.Run(ctx, id, opt)
	if err != nil && ctx.Err() != nil {
		require.Equal(t, syncer.Interrupted, run.Status, "%v", err)
		run, err = s.Run(context.Background(), id, opt)
	}
	require.NoError(t, err)
	got.run = run
	return got
}

// A full test run foretells the full run record by record, whatever the size of
// batches and pages, and with or without a cache of links; the counts add up,
// over a resume too.
func TestAFullTestRunForetellsTheFullRun(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := genHistory(t)
		size := func(name string) int { return rapid.IntRange(1, 6).Draw(t, name) }
		worlds := []*world{
			{store: memory.New(memory.Options{}), page: 3},
			{store: memory.New(memory.Options{}), page: size("page"), opt: syncer.Options{BatchSize: size("batch")}},
			{store: memory.New(memory.Options{}), page: size("page"), opt: syncer.Options{BatchSize: size("batch"), MatchCache: -1}},
			{store: memory.New(memory.Options{}), page: size("page"), opt: syncer.Options{BatchSize: size("batch")}},
		}
		for _, w := range worlds {
			w.setUp(t, h)
		}
		for n, r := range h.rounds {
			var first told
			var state string
			for i, w := range worlds {
				w.day = n
				var edits []string
				for _, e := range r.edits {
					edits = append(edits, w.edit(t, e))
				}
				var foretold told
				before := dump(t, w.store)
				s := w.syncer(t, h, r, nil)
				run, err := s.TestRun(t.Context(), h.integrations[r.integration].ID, syncer.TestOptions{Sample: -1, Reading: r.reading, Record: func(rec syncer.TestRecord) error {
					foretold.records = append(foretold.records, show(rec))
					return nil
				}})
				require.NoError(t, err)
				foretold.run = run
				require.Equal(t, before, dump(t, w.store), "a test run writes nothing")

				interrupt := -1
				if i == 3 {
					interrupt = rapid.IntRange(0, 3).Draw(t, "interrupt")
				}
				got := w.run(t, h, r, interrupt)
				require.True(t, equation(got.run.Counts), "%+v", got.run.Counts)
				require.EqualValues(t, r.sent(got.run.Since), got.run.Counts.Fetched)
				if i != 3 { // an interrupted run tells what it decided and did not write, too
					require.Equal(t, slices.Sorted(slices.Values(foretold.records)), slices.Sorted(slices.Values(got.records)), "round %d, world %d: a test run foretells each record", n, i)
				}
				require.Equal(t, numbers(foretold.run), numbers(got.run), "round %d, world %d: a test run foretells the numbers", n, i)
				now := dump(t, w.store) + strings.Join(edits, "\n")
				if i == 0 {
					first, state = got, now
					continue
				}
				require.Equal(t, numbers(first.run), numbers(got.run), "round %d, world %d: outcomes do not depend on sizes", n, i)
				require.Equal(t, state, now, "round %d, world %d: the store is the same", n, i)
			}
		}
	})
}

// As long as nobody but the vendor changes anything, and nothing vanishes, runs
// that read changes alone leave what runs that read everything would.
func TestIncrementalRunsLeaveWhatFullOnesWould(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := history{integrations: [3]syncer.Integration{withSoftware(assets("left")), assets("right"), managed()}}
		gen := func(id int) connector.Record {
			name, app := rapid.SampledFrom(names).Draw(t, "name"), rapid.SampledFrom(titles).Draw(t, "title")
			return connector.Record(fmt.Sprintf(`{"id": "v%d", "serial": "S%d", "name": %q, "apps": [{"name": %q, "version": "1"}]}`, id, id, name, app))
		}
		full := &world{store: memory.New(memory.Options{}), page: 3}
		incremental := &world{store: memory.New(memory.Options{}), page: rapid.IntRange(1, 6).Draw(t, "page")}
		full.setUp(t, h)
		incremental.setUp(t, h)
		var r round
		for n := range rapid.IntRange(1, 6).Draw(t, "rounds") {
			for i := range r.records {
				if rapid.IntRange(0, 3).Draw(t, "changes") == 0 {
					r.records[i], r.changed[i] = gen(i), n
				}
			}
			for range rapid.IntRange(0, 3).Draw(t, "new") {
				r.records, r.changed = append(r.records, gen(len(r.records))), append(r.changed, n)
			}
			full.day, incremental.day = n, n
			r.reading = syncer.ReadAll
			whole := full.run(t, h, r, -1)
			r.reading = syncer.ReadChanged
			part := incremental.run(t, h, r, -1)
			require.Equal(t, dump(t, full.store), dump(t, incremental.store), "round %d", n)
			require.Equal(t, whole.run.Counts.Created, part.run.Counts.Created)
			require.Equal(t, whole.run.Counts.Updated, part.run.Counts.Updated)
		}
	})
}
