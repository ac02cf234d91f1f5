package syncer_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// stories runs each story by itself, in a scene of its own.
func stories(t *testing.T, tells map[string]func(s *scene)) {
	t.Helper()
	for name, tell := range tells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tell(newScene(t))
		})
	}
}

// A scene is a store that vendors feed and people edit.
type scene struct {
	*testing.T
	store   *memory.Store
	through syncer.Store // what the Syncer is given; the store itself, unless a story puts something between
	feeds   []*feed
}

func newScene(t *testing.T) *scene {
	t.Helper()
	return sceneWith(t, memory.Options{})
}

func sceneWith(t *testing.T, o memory.Options) *scene {
	t.Helper()
	store := memory.New(o)
	return &scene{T: t, store: store, through: store}
}

// A feed is one integration with its vendor.
type feed struct {
	*scene
	in   syncer.Integration
	fake *connectortest.Fake
	opt  syncer.Options
}

// assets is an integration of devices, which are matched by serial number.
func assets(id string) syncer.Integration {
	return syncer.Integration{
		ID: id, Connector: id, Stream: "records", User: id + "@example.com",
		Mapping: mapping.Mapping{
			Object: "assets", Key: "id",
			Fields: []mapping.FieldMapping{
				{To: "serial_number", From: "serial"},
				{To: "asset_tag", From: "tag"},
				{To: "device_name", From: "name"},
				{To: "memory_mb", From: "memory"},
			},
			SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
		},
	}
}

// withSoftware adds the list of a device's applications.
func withSoftware(in syncer.Integration) syncer.Integration {
	in.Mapping.Children = []mapping.ChildMapping{{Object: "software", From: "apps", Fields: []mapping.FieldMapping{
		{To: "name", From: "name"},
		{To: "category", From: "category"},
		{To: "version", From: "version"},
		{To: "path", From: "path"},
	}}}
	return in
}

// users is an integration of people, who are matched by username, then by e-mail.
func users(id string) syncer.Integration {
	return syncer.Integration{
		ID: id, Connector: id, Stream: "records", User: id + "@example.com",
		Mapping: mapping.Mapping{
			Object: "users", Key: "id",
			Fields: []mapping.FieldMapping{
				{To: "username", From: "login"},
				{To: "email", From: "email"},
				{To: "role", Value: "member"},
				{To: "full_name", From: "name"},
				{To: "employee_id", From: "number"},
			},
			SyncKeys: []mapping.SyncKey{{Field: "username"}, {Field: "email"}},
		},
	}
}

// launched saves and launches an integration whose vendor sends nothing yet.
func (s *scene) launched(in syncer.Integration) *feed {
	s.Helper()
	f := s.drafted(in)
	require.NoError(s, f.syncer().Launch(s.Context(), in.ID, "launcher@example.com"))
	return f
}

// drafted saves an integration and leaves it a draft.
func (s *scene) drafted(in syncer.Integration) *feed {
	s.Helper()
	f := &feed{scene: s, in: in, fake: &connectortest.Fake{ID: in.Connector}, opt: syncer.Options{RestartDelay: 1}}
	s.feeds = append(s.feeds, f)
	_, err := f.syncer().Save(s.Context(), in, "editor@example.com")
	require.NoError(s, err)
	return f
}

// devices is launched with an integration of devices called mdm.
func (s *scene) devices() *feed {
	s.Helper()
	return s.launched(assets("mdm"))
}

// edit changes and saves the integration.
func (f *feed) edit(change func(in *syncer.Integration)) {
	f.Helper()
	change(&f.in)
	_, err := f.syncer().Save(f.Context(), f.in, "editor@example.com")
	require.NoError(f, err)
}

// sends makes these the vendor's records from now on.
func (f *feed) sends(records ...string) *feed {
	recs := make([]connector.Record, len(records))
	for i, r := range records {
		recs[i] = connector.Record(r)
	}
	return f.serves(&connectortest.Fake{Records: recs})
}

// sendsPages makes these the vendor's records from now on, n to a page and to a
// batch.
func (f *feed) sendsPages(n int, records ...string) *feed {
	f.sends(records...)
	f.fake.PageSize = n
	f.opt.BatchSize = n
	return f
}

// serves puts another fake in the place of the vendor.
func (f *feed) serves(fake *connectortest.Fake) *feed {
	fake.ID = f.in.Connector
	f.fake = fake
	return f
}

// scripts says what happens at pages of the vendor's.
func (f *feed) scripts(script map[int]connectortest.Step) *feed {
	f.fake.Script = script
	return f
}

// breaks makes the vendor send something unreadable along with the first page,
// so that the read is not complete.
func (f *feed) breaks() *feed {
	return f.scripts(map[int]connectortest.Step{0: {Faults: []connector.Fault{{Place: "line 7", Err: connector.Errorf(connector.ErrMalformed, "read line", "no JSON")}}}})
}

// syncer returns a new Syncer, as another process would have it.
func (f *feed) syncer() *syncer.Syncer {
	f.Helper()
	fakes := make([]connector.Connector, len(f.feeds))
	for i, other := range f.feeds {
		fakes[i] = other.fake
	}
	return f.syncerOf(fakes...)
}

// syncerOf returns a new Syncer that knows these connectors.
func (f *feed) syncerOf(connectors ...connector.Connector) *syncer.Syncer {
	f.Helper()
	opt := f.opt
	var err error
	opt.Registry, err = connector.NewRegistry(connectors...)
	require.NoError(f, err)
	s, err := syncer.New(f.through, opt)
	require.NoError(f, err)
	return s
}

// run makes a full run that must come to its end.
func (f *feed) run() syncer.Run {
	f.Helper()
	run, err := f.try(f.Context())
	require.NoError(f, err)
	return run
}

// try makes a full run, whatever comes of it.
func (f *feed) try(ctx context.Context) (syncer.Run, error) {
	f.Helper()
	run, err := f.syncer().Run(ctx, f.in.ID, syncer.RunOptions{})
	require.True(f, equation(run.Counts), "%+v", run.Counts)
	return run, err
}

// fails makes a full run that must end with an error.
func (f *feed) fails() (syncer.Run, error) {
	f.Helper()
	run, err := f.try(f.Context())
	require.Error(f, err)
	return run, err
}

// tells makes a full run and returns what became of each record, as in
// "v1 created" and "v2 skipped: duplicate of v1".
func (f *feed) tells() []string {
	f.Helper()
	var told []string
	run, err := f.syncer().Run(f.Context(), f.in.ID, syncer.RunOptions{Record: func(r syncer.TestRecord) { told = append(told, verdictOf(r)) }})
	require.NoError(f, err)
	require.True(f, equation(run.Counts), "%+v", run.Counts)
	return told
}

// test makes a test run over all records and returns what it foretells.
func (f *feed) test(opt syncer.TestOptions) (syncer.Run, []syncer.TestRecord) {
	f.Helper()
	var foretold []syncer.TestRecord
	opt.Record = func(r syncer.TestRecord) error {
		foretold = append(foretold, r)
		return nil
	}
	run, err := f.syncer().TestRun(f.Context(), f.in.ID, opt)
	require.NoError(f, err)
	return run, foretold
}

func verdictOf(r syncer.TestRecord) string {
	if r.Reason == "" {
		return fmt.Sprintf("%s %s", r.Record, r.Action)
	}
	return fmt.Sprintf("%s %s: %s", r.Record, r.Action, r.Reason)
}

// interruptedAfter makes a full run that its host ends once n batches are
// written.
func (f *feed) interruptedAfter(n int) syncer.Run {
	f.Helper()
	ctx, cancel := context.WithCancel(f.Context())
	defer cancel()
	m := f.meddles()
	m.apply = func(ctx context.Context, b *syncer.Batch) error {
		err := m.Store.Apply(ctx, b)
		if n--; n == 0 {
			cancel()
		}
		return err
	}
	run, err := f.try(ctx)
	require.ErrorIs(f, err, context.Canceled)
	require.Equal(f, syncer.Interrupted, run.Status)
	f.through = f.store
	return run
}

// A meddler is the store with a test's hand in it.
type meddler struct {
	*memory.Store
	match func(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error)
	apply func(ctx context.Context, b *syncer.Batch) error
	begin func(ctx context.Context, c syncer.Claim) (syncer.Lease, error)

	mu      sync.Mutex
	batches []syncer.Batch // as they were offered
}

// meddles puts a meddler between the Syncer and the store.
func (s *scene) meddles() *meddler {
	m := &meddler{Store: s.store}
	s.through = m
	return m
}

func (m *meddler) Match(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
	if m.match != nil {
		return m.match(ctx, q)
	}
	return m.Store.Match(ctx, q)
}

func (m *meddler) Begin(ctx context.Context, c syncer.Claim) (syncer.Lease, error) {
	if m.begin != nil {
		return m.begin(ctx, c)
	}
	return m.Store.Begin(ctx, c)
}

func (m *meddler) Apply(ctx context.Context, b *syncer.Batch) error {
	m.mu.Lock()
	m.batches = append(m.batches, *b)
	m.mu.Unlock()
	if m.apply != nil {
		return m.apply(ctx, b)
	}
	return m.Store.Apply(ctx, b)
}

// read returns how many vendor ids each batch brought.
func (m *meddler) read() []int {
	m.mu.Lock()
	defer m.mu.Unlock()
	var n []int
	for _, b := range m.batches {
		if len(b.Seen) > 0 {
			n = append(n, len(b.Seen)/16)
		}
	}
	return n
}

// A row is one record as a person sees it: its fields that have a value.
type row struct {
	syncer.Record
	fields map[string]string
}

// rows returns the records of an object, archived ones included.
func (s *scene) rows(object string) []row {
	s.Helper()
	schema, err := s.store.Schema(s.Context())
	require.NoError(s, err)
	o, ok := schema.Object(object)
	require.True(s, ok)
	rows := []row{}
	for rec, err := range s.store.Records(s.Context(), syncer.RecordQuery{Object: object, Archived: true}) {
		require.NoError(s, err)
		r := row{Record: rec, fields: map[string]string{}}
		for i, v := range rec.Values {
			if !v.IsEmpty() {
				r.fields[o.Fields[i].Name] = o.Fields[i].Format(v)
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// all returns the records of an object as text, as in "A1 laptop", in the order
// of their creation: the given fields, a dash for an empty one.
func (s *scene) all(object string, fields ...string) []string {
	s.Helper()
	texts := []string{}
	for _, r := range s.rows(object) {
		var parts []string
		for _, f := range fields {
			if r.fields[f] == "" {
				parts = append(parts, "-")
			} else {
				parts = append(parts, r.fields[f])
			}
		}
		if !r.Archived.IsZero() {
			parts = append(parts, "(archived)")
		}
		texts = append(texts, strings.Join(parts, " "))
	}
	return texts
}

// one returns the record whose field has that value.
func (s *scene) one(object, field, value string) row {
	s.Helper()
	rows := slices.DeleteFunc(s.rows(object), func(r row) bool { return r.fields[field] != value })
	require.Len(s, rows, 1, "%s with %s %q", object, field, value)
	return rows[0]
}

// asset returns the device of that serial number.
func (s *scene) asset(serial string) row {
	s.Helper()
	return s.one("assets", "serial_number", serial)
}

// installs returns what is installed on the device of that serial number, as in
// "Firefox 1".
func (s *scene) installs(serial string) []string {
	s.Helper()
	device := s.asset(serial).ID
	titles := map[string]string{}
	for _, r := range s.rows("software") {
		titles[r.ID] = r.fields["name"]
	}
	texts := []string{}
	for _, r := range s.rows("software_installs") {
		if r.fields["asset"] != device {
			continue
		}
		text := titles[r.fields["software"]] + " " + r.fields["version"]
		if !r.Archived.IsZero() {
			text += " (archived)"
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

// links returns an integration's links to devices, as in "v1 -> 1".
func (s *scene) links(integration string) []string {
	s.Helper()
	texts := []string{}
	for l, err := range s.store.ScanLinks(s.Context(), integration, "assets") {
		require.NoError(s, err)
		text := l.VendorID + " -> " + l.ID
		if l.SupersededBy != "" {
			text += ", superseded by " + l.SupersededBy
		}
		if l.Missing {
			text += ", missing"
		}
		texts = append(texts, text)
	}
	return texts
}

// history returns the events of one record.
func (s *scene) history(object, id string) []syncer.Event {
	s.Helper()
	events := []syncer.Event{}
	for e, err := range s.store.History(s.Context(), object, id) {
		require.NoError(s, err)
		events = append(events, e)
	}
	return events
}

// inserts makes a record by hand.
func (s *scene) inserts(object string, fields map[string]string) (id string) {
	s.Helper()
	id, err := s.store.Insert(s.Context(), "person@example.com", object, fields)
	require.NoError(s, err)
	return id
}

// edits writes to a record by hand.
func (s *scene) edits(object, id string, fields map[string]string) {
	s.Helper()
	require.NoError(s, s.store.Edit(s.Context(), "person@example.com", object, id, fields))
}

// expect holds what became of a run's records against a text such as
// "created 2, skipped 1".
func (s *scene) expect(run syncer.Run, want string) {
	s.Helper()
	require.Equal(s, want, tally(run.Counts), "problems: %v", run.Problems)
	require.True(s, equation(run.Counts), "%+v", run.Counts)
}

func tally(c syncer.Counts) string {
	var parts []string
	add := func(name string, n int64) {
		if n != 0 {
			parts = append(parts, fmt.Sprintf("%s %d", name, n))
		}
	}
	add("filtered", c.Filtered)
	add("created", c.Created)
	add("updated", c.Updated)
	add("unchanged", c.Unchanged)
	add("skipped", c.Skipped)
	add("failed", c.Failed)
	return strings.Join(parts, ", ")
}

// problems returns a run's problems as lines, each with record, field and
// reason.
func problems(run syncer.Run) []string {
	lines := []string{}
	for _, p := range run.Problems {
		lines = append(lines, strings.Join(strings.Fields(p.Record+" "+p.Field+" "+p.Reason), " "))
	}
	return lines
}

// numbered returns n records made by a function.
func numbered(n int, record func(i int) string) []string {
	records := make([]string, n)
	for i := range records {
		records[i] = record(i)
	}
	return records
}

// device returns a record that is told from others by its number.
func device(i int) string {
	return fmt.Sprintf(`{"id": "v%d", "serial": "S%d", "name": "device %d"}`, i, i, i)
}
