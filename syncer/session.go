package syncer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/spill"
	"github.com/vendorsync/vendorsync/mapping"
)

// A session is one run at work. Its fields belong to the goroutine that decides,
// but for state while a batch is being applied.
type session struct {
	s    *Syncer
	log  *slog.Logger
	in   Integration
	test *testSink // nil for a full run
	// observe receives the forecast of every record; nil in a full run.
	observe func(TestRecord)
	limit   int     // records to look at; -1 for all
	reading Reading // how much it was asked to read

	object      *mapping.Object
	mapper      mapping.Mapper
	mask        func(connector.Record) connector.Record // what is sensitive
	targets     []target
	uniques     []uniqueKey // of the primary target, the sync keys first, in order
	syncKeys    int         // how many of uniques are sync keys
	children    []childGroup
	companions  []companionGroup
	late        []*softRef // references that this run may bring the record for
	selfRefs    []*softRef // those of any target to the primary object
	rank        *ranking   // nil where no precedence is declared
	paths       []string
	fingerprint []byte
	filter      func(connector.Record) bool
	stream      connector.Stream

	lease   Lease
	waited  atomic.Int64 // time spent on the vendor's limits, not yet in state
	fence   atomic.Int64 // of the lease; a batch may have to take it anew
	links   *links
	seen    *spill.Map // vendor ids read by this run, and how often
	again   int64      // records accounted for that reading again is still to bring, see checkpoint.Ahead
	reseen  *spill.Map // vendor ids read since the run reads again, and how often
	view    *view
	keys    *spill.Filter   // keys that the store may have; nil until it pays
	keyless map[string]bool // objects of which keys has none
	shared  map[string]*sharedParent
	ordinal int64 // of the record being decided, the place of one without vendor id
	// placedNow and placedBefore are where the records of this batch and of the one
	// before are, by vendor id, for references to them.
	placedNow, placedBefore map[string]*sharedParent
	foretold                map[string]int64 // by object: references that a test run's records wait for and would get
	leftBehind              bool             // the run before did not come to its end
	takeovers               int64            // vendor ids that this run has superseded
	skip                    int64            // records without vendor id that reading again will bring and that are counted already
	passed                  int64            // records without vendor id up to where the run reads now
	pool                    sync.Pool

	pending *pendingBatch // being applied
	state   checkpoint    // as of the last commit
	saved   time.Time     // when the run was last written to the journal
	watch   *observation  // nil in a revert
}

// A checkpoint is what a batch leaves for whoever goes on: it travels with the
// batch's data, so counts and data never disagree.
type checkpoint struct {
	Run         Run              `json:"run"`
	Fingerprint string           `json:"fingerprint"` // of the integration; a changed one does not resume
	Cursor      connector.Cursor `json:"cursor"`
	// Ahead is how many of the records after Cursor are accounted for: reading on
	// from it brings them again, and they are passed over in silence.
	Ahead int64 `json:"ahead,omitempty"`
	// Anonymous counts the records without vendor id so far, AnonymousAt those up
	// to Cursor.
	Anonymous   int64 `json:"anonymous,omitempty"`
	AnonymousAt int64 `json:"anonymous_at,omitempty"`
	Records     int64 `json:"records,omitempty"`   // that came as records, not as faults
	Broken      bool  `json:"broken,omitempty"`    // the read is not one unbroken read any more
	ReadDone    bool  `json:"read_done,omitempty"` // the last page is behind; what is left is absence
	Linked      int64 `json:"linked,omitempty"`    // linked records read so far
	Made        int64 `json:"made,omitempty"`      // links made so far
	Done        bool  `json:"done,omitempty"`
}

// A target is a mapper's target with the schema's fields beside its columns.
type target struct {
	mapping.Target
	object  *mapping.Object
	columns []column
	index   []int      // column by field of the object, -1 for none
	refs    []*softRef // by column, nil for what is no reference
}

type column struct {
	mapping.Column
	at        int // field of the object
	field     *mapping.Field
	matchOnly bool // a secondary sync key, not written to a record that exists
	key       bool // a sync key, or part of the object's key
}

// A uniqueKey is one key that the primary target maps: a unique field or the
// object's composite key.
type uniqueKey struct {
	fields []string
	at     []int // fields of the object
	name   string
	linked bool // a part of it is a link
	topic  topic
}

// A childGroup is all targets of one child object.
type childGroup struct {
	object  *mapping.Object
	targets []int
	parent  int   // the link field that holds the primary record
	rest    []int // the other fields of the child's key
}

var errCancelled = errors.New("the run was cancelled")

// Run makes one full run of an active integration and returns what came of it.
// A run that was interrupted is taken up at its last checkpoint. The error is
// nil if the run came to its end, records that failed included; with an error
// the Run tells how far it came.
//
// It is a *StateError if the integration is not active, a *MissingError if it has
// lost something mandatory since its launch, a *BusyError if it is running
// already, and ErrUnsupported if changes alone are asked for and the stream cannot
// tell them. When ctx ends, the batch under way is finished and the run
// is left interrupted, for the next Run to go on.
func (s *Syncer) Run(ctx context.Context, id string, opt RunOptions) (Run, error) {
	in, err := s.journal.Integration(ctx, id)
	if err != nil {
		return Run{}, fmt.Errorf("run integration %q: %w", id, err)
	}
	missing, err := s.missing(ctx, in)
	switch {
	case err != nil:
		return Run{}, fmt.Errorf("run integration %q: %w", id, err)
	case in.State != Active:
		return Run{}, &StateError{Integration: id, State: in.State, Missing: missing}
	case len(missing) > 0: // it was complete when it was launched
		return Run{}, &MissingError{Integration: id, Missing: missing}
	}
	if err := s.readable(in, opt.Reading); err != nil {
		return Run{}, fmt.Errorf("run integration %q: %w", id, err)
	}
	lease, err := s.begin(ctx, in.ID)
	if err != nil {
		return Run{}, fmt.Errorf("run integration %q: %w", id, err)
	}
	r := &session{s: s, in: in, lease: lease, limit: -1, reading: opt.Reading, log: s.log.With("integration", in.ID)}
	r.fence.Store(lease.Fence)
	r.observe = opt.Record
	if err := r.start(ctx, opt); err != nil {
		if errors.Is(err, errRanSince) {
			err = errors.Join(err, r.letGo(ctx))
		}
		return Run{}, fmt.Errorf("run integration %q: %w", id, err)
	}
	ctx = r.observed(ctx)
	return r.finish(ctx, r.work(ctx))
}

// begin takes the lease, over a holder of this host that is dead.
func (s *Syncer) begin(ctx context.Context, id string) (Lease, error) {
	claim := Claim{Integration: id, Owner: s.owner, TTL: s.opt.LeaseTTL, Now: s.opt.Now()}
	lease, err := s.store.Begin(ctx, claim)
	var busy *BusyError
	if errors.As(err, &busy) && holderDead(busy.Owner) {
		claim.Over = busy.Fence
		lease, err = s.store.Begin(ctx, claim)
	}
	return lease, err
}

// start makes the run's record, that of the run to be resumed if there is one.
func (r *session) start(ctx context.Context, opt RunOptions) error {
	now := r.s.opt.Now().UTC()
	fresh := checkpoint{
		Fingerprint: r.integrationFingerprint(),
		Run:         Run{ID: newID(), Integration: r.in.ID, Status: Running, Trigger: opt.Trigger, User: r.in.User, By: opt.By, Started: now, Effects: map[string]Effects{}, Problems: []Problem{}},
	}
	if fresh.Run.Trigger == "" {
		fresh.Run.Trigger = manualTrigger
	}
	r.state = fresh
	if len(r.lease.Checkpoint) > 0 {
		var last checkpoint
		if err := json.Unmarshal(r.lease.Checkpoint, &last); err != nil {
			return fmt.Errorf("the last checkpoint cannot be read: %w", err)
		}
		if ranSince(last, opt) {
			return errRanSince
		}
		if err := r.takeUp(ctx, last, fresh.Fingerprint); err != nil {
			return err
		}
	}
	if err := r.buryDead(ctx); err != nil {
		return err
	}
	return r.save(ctx)
}

// recentRuns is how far back a run looks for those that died.
const recentRuns = 20

// buryDead notes in the journal that runs have ended which say that they are
// running: they cannot be, since this one has the lease. They died before their
// first batch, so there is no checkpoint to take them up at.
func (r *session) buryDead(ctx context.Context) error {
	runs, err := r.s.journal.Runs(ctx, RunQuery{Integration: r.in.ID, Limit: recentRuns})
	if err != nil {
		return err
	}
	for _, run := range runs {
		if run.Status != Running || run.ID == r.state.Run.ID {
			continue
		}
		run.Status, run.Finished, run.Error = Interrupted, r.s.opt.Now().UTC(), "its process ended before it had written anything"
		if err := r.s.journal.SaveRun(ctx, run); err != nil {
			return err
		}
	}
	return nil
}

// takeUp decides what becomes of the last run: ended in the journal too, resumed,
// or left behind because the integration has changed since.
func (r *session) takeUp(ctx context.Context, last checkpoint, fingerprint string) error {
	known, err := r.s.journal.Run(ctx, last.Run.ID)
	switch {
	case errors.Is(err, ErrNotFound): // pruned
		return nil
	case err != nil:
		return err
	}
	switch {
	case last.Done:
		r.leftBehind = last.Run.Status == Failed || last.Run.Status == Cancelled || last.Run.Trigger == revertTrigger
		if known.Status.Ended() {
			return nil
		}
		return r.s.journal.SaveRun(ctx, last.Run)
	case known.Status.Ended():
		return nil
	}
	cancelled, err := r.s.journal.CancelRequested(ctx, last.Run.ID)
	if err != nil {
		return err
	}
	if cancelled || last.Fingerprint != fingerprint || r.reading == ReadAll && !last.Run.Since.IsZero() {
		r.leftBehind = true
		last.Run.Status, last.Run.Finished = Interrupted, r.s.opt.Now().UTC()
		if cancelled {
			last.Run.Status = Cancelled
		}
		return r.s.journal.SaveRun(ctx, last.Run)
	}
	r.state = last
	r.state.Run.Status, r.state.Run.Finished, r.state.Run.Error, r.state.Run.Remedy = Running, time.Time{}, "", ""
	r.state.Run.Resumed++
	r.state.Broken = true
	r.log.InfoContext(ctx, "resuming the interrupted run", "run", last.Run.ID, "fetched", last.Run.Counts.Fetched)
	return nil
}

// integrationFingerprint tells whether an interrupted run may go on.
func (r *session) integrationFingerprint() string {
	return fingerprintJSON([]any{r.in.Connector, r.in.Stream, r.in.Settings, r.in.Mapping, r.in.Policy})
}

// prepare reads schema and spec, compiles the mapping and loads what the run
// must know.
func (r *session) prepare(ctx context.Context) error {
	schema, err := r.s.store.Schema(ctx)
	if err != nil {
		return fmt.Errorf("read the schema: %w", err)
	}
	c, err := r.s.opt.Registry.Get(r.in.Connector)
	if err != nil {
		return err
	}
	spec := c.Spec()
	stream, ok := spec.Stream(r.in.Stream)
	if !ok {
		return connector.Errorf(connector.ErrNotFound, "open "+r.in.Connector, "it has no stream %q", r.in.Stream)
	}
	r.stream = stream
	declared := r.in.Mapping
	own, isOwn := r.s.opt.Mappers[r.in.ID]
	if isOwn { // all that is wanted of a program then is that it masks
		declared = mapping.Mapping{Object: declared.Object, Key: cmp.Or(stream.Key, "id")}
	}
	program, err := mapping.Compile(declared, schema, r.s.mappingOptions(r.in, stream, r.state.Run))
	if err != nil {
		return &connector.Error{Class: connector.ErrInvalid, Op: "compile the mapping", Err: err, Remedy: "correct the mapping"}
	}
	r.mapper, r.mask = program, program.Mask
	version := program.Version()
	if isOwn {
		r.mapper, version = own, fingerprintJSON(own.Targets())
	}
	r.paths = r.in.Mapping.Paths()
	r.filter = r.s.opt.Filters[r.in.ID]
	r.fingerprint = []byte(version)
	if err := r.bind(schema); err != nil {
		return err
	}
	r.state.Run.ConnectorVersion, r.state.Run.MappingVersion = spec.Version, version

	if r.links, err = loadLinks(ctx, r.s.store, r.in.ID, r.object.Name, r.s.opt.MatchCache); err != nil {
		return err
	}
	r.links.known -= r.state.Made // by the part of the run before it was interrupted
	r.seen = spill.New(spill.Options{Dir: r.s.opt.SpillDir, MaxInMemory: maxInMemory})
	r.reseen = spill.New(spill.Options{Dir: r.s.opt.SpillDir, MaxInMemory: maxInMemory})
	var all *spill.Map
	if r.test != nil {
		all = spill.New(spill.Options{Dir: r.s.opt.SpillDir, MaxInMemory: maxInMemory})
	}
	r.view = newView(all)
	r.shared = map[string]*sharedParent{}
	r.placedNow, r.placedBefore = map[string]*sharedParent{}, map[string]*sharedParent{}
	r.foretold = map[string]int64{}
	if err := r.loadRanking(ctx); err != nil {
		return err
	}
	if err := r.chooseReading(ctx, r.reading); err != nil {
		return err
	}
	return r.loadSeen(ctx)
}

// maxInMemory is how many entries of what a run remembers stay in memory, about
// 40 bytes each; the rest is spilled.
const maxInMemory = 1 << 18

// loadSeen reads back which vendor ids the resumed run has read.
func (r *session) loadSeen(ctx context.Context) error {
	r.ordinal = r.state.Records
	if err := r.goBack(); err != nil {
		return err
	}
	if r.state.Run.Resumed == 0 || r.lease.Seen == nil {
		return nil
	}
	for block, err := range r.lease.Seen(ctx, r.state.Run.ID, r.lease.Seq) {
		if err != nil {
			return fmt.Errorf("read what the interrupted run has seen: %w", err)
		}
		if len(block)%len(spill.Key{}) != 0 {
			return connector.Errorf(connector.ErrInternal, "read what the interrupted run has seen", "a block has %d bytes", len(block))
		}
		for key := range slices.Chunk(block, len(spill.Key{})) {
			if err := count(r.seen, spill.Key(key)); err != nil {
				return fmt.Errorf("remember what was seen: %w", err)
			}
		}
	}
	return nil
}

// bind looks up every name of the mapper in the schema.
func (r *session) bind(schema *mapping.Schema) error {
	invalid := func(format string, args ...any) error {
		return connector.Errorf(connector.ErrInvalid, "bind the mapping", format, args...)
	}
	secondary := map[string]bool{}
	keys := map[string]bool{}
	for i, k := range r.in.Mapping.SyncKeys {
		keys[k.Field] = true
		secondary[k.Field] = i > 0 && !k.Update
	}
	r.targets = nil
	for _, t := range r.mapper.Targets() {
		o, ok := schema.Object(t.Object)
		if !ok {
			return invalid("there is no object %q", t.Object)
		}
		bound := target{Target: t, object: o, index: slices.Repeat([]int{-1}, len(o.Fields))}
		for i, c := range t.Columns {
			at := o.Field(c.Field)
			if at < 0 {
				return invalid("object %s has no field %q", o.Name, c.Field)
			}
			col := column{Column: c, at: at, field: &o.Fields[at], key: slices.Contains(o.Key, c.Field)}
			if len(r.targets) == 0 {
				col.matchOnly = secondary[c.Field]
				col.key = col.key || keys[c.Field]
			}
			bound.index[at] = i
			bound.columns = append(bound.columns, col)
		}
		r.targets = append(r.targets, bound)
	}
	if len(r.targets) == 0 || r.targets[0].Role != mapping.Primary {
		return invalid("the mapper has no primary target")
	}
	r.object = r.targets[0].object
	for _, k := range r.in.Mapping.SyncKeys {
		if at := r.object.Field(k.Field); at >= 0 && !r.object.Fields[at].Unique && !slices.Contains(r.object.Key, k.Field) {
			return invalid("no record of %s can be found by %s, which is not unique", r.object.Name, k.Field)
		}
	}
	r.bindUniques()
	r.bindRefs(schema)
	if err := r.bindCompanions(); err != nil {
		return err
	}
	return r.bindChildren()
}

func (r *session) bindUniques() {
	primary := r.targets[0]
	r.uniques = nil
	add := func(fields ...string) {
		u := uniqueKey{fields: fields, name: strings.Join(fields, " + "), topic: topic{object: r.object.Name, by: ByKey, fields: strings.Join(fields, ",")}}
		for _, f := range fields {
			at := r.object.Field(f)
			u.at = append(u.at, at)
			u.linked = u.linked || r.object.Fields[at].Link
		}
		r.uniques = append(r.uniques, u)
	}
	mapped := func(f string) bool { at := r.object.Field(f); return at >= 0 && primary.index[at] >= 0 }
	composite := false
	addComposite := func() {
		if !composite {
			composite = true
			add(r.object.Key...)
		}
	}
	for _, k := range r.in.Mapping.SyncKeys {
		switch {
		case !mapped(k.Field):
		case r.object.Fields[r.object.Field(k.Field)].Unique:
			add(k.Field)
		default: // a part of the object's key, which finds records as a whole
			addComposite()
		}
	}
	if slices.ContainsFunc(r.object.Key, mapped) {
		addComposite()
	}
	r.syncKeys = len(r.uniques)
	for _, f := range r.object.Fields {
		if f.Unique && mapped(f.Name) && !slices.ContainsFunc(r.in.Mapping.SyncKeys, func(k mapping.SyncKey) bool { return k.Field == f.Name }) {
			add(f.Name)
		}
	}
}

func (r *session) bindChildren() error {
	byObject := map[string]int{}
	for i, t := range r.targets {
		if t.Role != mapping.Child {
			continue
		}
		g, ok := byObject[t.Object]
		if !ok {
			group := childGroup{object: t.object, parent: -1}
			for _, name := range t.object.Key {
				at := t.object.Field(name)
				if f := t.object.Fields[at]; f.Link && f.Object == r.object.Name {
					group.parent = at
				} else {
					group.rest = append(group.rest, at)
				}
			}
			if group.parent < 0 {
				return connector.Errorf(connector.ErrInvalid, "bind the mapping", "object %s is no child of %s", t.Object, r.object.Name)
			}
			g = len(r.children)
			byObject[t.Object] = g
			r.children = append(r.children, group)
		}
		r.children[g].targets = append(r.children[g].targets, i)
	}
	return nil
}

// work reads, decides and writes until the stream ends, then looks at what is
// gone.
func (r *session) work(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.s.opt.TimeLimit, fmt.Errorf("the run took longer than its limit of %s", r.s.opt.TimeLimit))
	defer cancel()
	ctx, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	defer r.close()
	r.report(false)
	if r.test == nil {
		stop := r.keepLease(ctx, lost)
		defer stop()
	}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	if !r.state.ReadDone {
		if err := r.readAll(ctx); err != nil {
			return errors.Join(err, r.settle(ctx))
		}
	}
	if err := r.settle(ctx); err != nil {
		return err
	}
	if err := r.lateReferences(ctx); err != nil {
		return err
	}
	return r.absent(ctx)
}

func (r *session) close() {
	for _, m := range []*spill.Map{r.seen, r.reseen, r.rank.revisited()} {
		if m != nil {
			if err := m.Close(); err != nil {
				r.log.Warn("remove a temporary file", "error", err)
			}
		}
	}
	if r.view != nil && r.view.all != nil {
		if err := r.view.all.Close(); err != nil {
			r.log.Warn("remove a temporary file", "error", err)
		}
	}
}

// keepLease prolongs the lease while a run waits for a slow vendor.
func (r *session) keepLease(ctx context.Context, lost context.CancelCauseFunc) (stop func()) {
	renewer, ok := r.s.store.(Renewer)
	if !ok {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		t := time.NewTicker(r.s.opt.LeaseTTL / 3)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
			err := renewer.Renew(ctx, r.in.ID, r.fence.Load(), r.s.opt.Now().Add(r.s.opt.LeaseTTL))
			if errors.Is(err, ErrFence) {
				lost(err)
				return
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// readAll reads the stream to its end, over restarts.
func (r *session) readAll(ctx context.Context) error {
	restarts, from, fetched := 0, r.state.Cursor, r.state.Run.Counts.Fetched
	for {
		err := r.readOnce(ctx)
		if err == nil {
			return nil
		}
		if serr := r.settle(ctx); serr != nil {
			return serr
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		// Reading again, the cursor moves without getting anywhere.
		if n := r.state.Run.Counts.Fetched; n > fetched || r.again == 0 && r.state.Cursor != from {
			restarts, from, fetched = 0, r.state.Cursor, n
		}
		var stop *stopError
		if errors.As(err, &stop) {
			return stop.err
		}
		if r.turnToAll(err) {
			continue
		}
		if !restartable(err) || restarts >= r.s.opt.MaxRestarts {
			return err
		}
		restarts++
		r.state.Run.Restarts++
		r.state.Broken = true
		if errors.Is(err, connector.ErrCursor) {
			r.state.Cursor, r.state.AnonymousAt = "", 0
			r.state.Ahead = r.state.Run.Counts.Fetched
		}
		if err := r.goBack(); err != nil {
			return err
		}
		r.watch.restart(err)
		r.log.WarnContext(ctx, "opening a new source after a failure", "run", r.state.Run.ID, "restart", restarts, "error", err)
		if err := r.pause(ctx, restarts, err); err != nil {
			return err
		}
	}
}

// goBack sets the run to read on from the last committed cursor.
func (r *session) goBack() error {
	r.again = r.state.Ahead
	r.passed = r.state.AnonymousAt
	r.skip = 0
	if r.again == 0 {
		return nil
	}
	r.skip = r.state.Anonymous - r.state.AnonymousAt
	if err := r.reseen.Close(); err != nil {
		return fmt.Errorf("remove a temporary file: %w", err)
	}
	r.reseen = spill.New(spill.Options{Dir: r.s.opt.SpillDir, MaxInMemory: maxInMemory})
	return nil
}

// A stopError is an error that no new Source will mend: the store's, the
// host's, a cancelled run.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }
func (e *stopError) Unwrap() error { return e.err }

// maxUnresumable bounds, in batches, what is read without a resume point before
// it is written all the same.
const maxUnresumable = 8

// readOnce reads from the last committed cursor with one Source.
func (r *session) readOnce(ctx context.Context) (err error) {
	src, err := r.s.Open(ctx, r.in)
	if err != nil {
		return err
	}
	pipe := r.readPages(connector.OnWait(ctx, func(w connector.Wait) {
		r.waited.Add(int64(w.For))
		r.watch.wait(ctx, w)
	}), src, r.state.Cursor)
	defer func() {
		pipe.stop()
		if cerr := src.Close(); cerr != nil && err == nil {
			r.log.WarnContext(ctx, "close the source", "error", cerr)
		}
	}()
	var (
		chunk  []*mappedPage
		size   int
		resume = -1 // the last page of chunk with a resume point
		cursor = r.state.Cursor
		left   = r.limit
	)
	flush := func(pages []*mappedPage, next connector.Cursor, resumable, last bool) error {
		if err := r.process(ctx, pages, next, resumable, last); err != nil {
			return &stopError{err}
		}
		return nil
	}
	for {
		var p *mappedPage
		var ok bool
		select {
		case <-ctx.Done():
			return &stopError{context.Cause(ctx)}
		case p, ok = <-pipe.pages:
		}
		if !ok {
			return &stopError{context.Cause(ctx)}
		}
		if p.err != nil {
			if resume >= 0 {
				if err := flush(chunk[:resume+1], cursor, true, false); err != nil {
					return err
				}
			}
			return p.err
		}
		if left >= 0 && len(p.items) >= left {
			p.items, p.last = p.items[:left], true
		}
		left -= len(p.items)
		chunk = append(chunk, p)
		size += len(p.items)
		if p.last {
			return flush(chunk, cursor, true, true)
		}
		if p.next != "" {
			resume, cursor = len(chunk)-1, p.next
		}
		atResume := resume == len(chunk)-1
		if (size >= r.s.opt.BatchSize && atResume) || size >= maxUnresumable*r.s.opt.BatchSize {
			if err := flush(chunk, cursor, atResume, false); err != nil {
				return err
			}
			chunk, size, resume = nil, 0, -1
		}
	}
}

// finish gives the run its status, releases the lease and writes the run down.
func (r *session) finish(ctx context.Context, err error) (Run, error) {
	interrupted := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx)
	r.countWaits()
	run := &r.state.Run
	run.Finished = r.s.opt.Now().UTC()
	switch {
	case err == nil && run.Counts.Fetched == 0 && !r.incremental():
		run.Status = Empty
	case err == nil && run.ProblemCount > 0:
		run.Status = WithProblems
	case err == nil:
		run.Status = Succeeded
	case errors.Is(err, ErrFence):
		run.Status = Interrupted
	case errors.Is(err, errCancelled):
		run.Status = Cancelled
	case interrupted:
		run.Status = Interrupted
	default:
		run.Status = Failed
	}
	if err != nil {
		run.Error = err.Error()
		var e *connector.Error
		if errors.As(err, &e) {
			run.Remedy = e.Fix()
		}
	}
	if r.test == nil && !errors.Is(err, ErrFence) {
		r.state.Done = run.Status.Ended()
		if rerr := r.release(ctx); rerr != nil {
			err = errors.Join(err, fmt.Errorf("release the lease: %w", rerr))
		}
	}
	if !errors.Is(err, ErrFence) {
		if serr := r.save(ctx); serr != nil {
			err = errors.Join(err, fmt.Errorf("write the run down: %w", serr))
		}
	}
	r.report(true)
	r.watch.end(ctx, *run, err)
	if err != nil {
		err = fmt.Errorf("run integration %q: %w", r.in.ID, err)
	}
	return cloneRun(*run), err
}

// countWaits takes the time that the source has waited into the run.
func (r *session) countWaits() { r.state.Run.Waited += time.Duration(r.waited.Swap(0)) }

// save writes the run to the journal.
func (r *session) save(ctx context.Context) error {
	r.saved = r.s.opt.Now()
	return r.s.journal.SaveRun(ctx, r.state.Run)
}

// report tells the host how far the run is.
func (r *session) report(done bool) {
	if r.s.opt.Progress != nil {
		run := r.state.Run
		r.s.opt.Progress(Progress{Run: run.ID, Integration: run.Integration, Test: run.Test, Counts: run.Counts, Restarts: run.Restarts, Done: done, Status: run.Status})
	}
}

// cloneRun returns a copy that shares nothing with later batches.
func cloneRun(run Run) Run {
	run.Problems = slices.Clone(run.Problems)
	run.Effects = maps.Clone(run.Effects)
	return run
}
