package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// Apply writes one batch in one transaction, or nothing of it.
//
// It writes the units without savepoints first. Only if one of them conflicts,
// which takes a race with another writer, the batch is begun anew with a
// savepoint around each unit. Seal is called once, when no unit can fail any
// more; it must not call the store.
func (s *Store) Apply(ctx context.Context, b *syncer.Batch) error {
	err := s.apply(ctx, b, false)
	if errors.Is(err, syncer.ErrConflict) {
		err = s.apply(ctx, b, true)
	}
	return s.explain(err, fmt.Sprintf("apply batch %d of %q", b.Seq, b.Integration))
}

func (s *Store) apply(ctx context.Context, b *syncer.Batch, careful bool) error {
	var a *apply
	err := s.write(ctx, func(c *conn) error {
		a = &apply{conn: c, store: s, written: &s.written, b: b, at: timeText(b.At), careful: careful}
		return a.run(ctx)
	})
	if err == nil && a.indexed {
		s.vendorIndex.Store(true)
	}
	return err
}

// An apply is one batch being applied.
type apply struct {
	*conn
	store   *Store
	written *written
	b       *syncer.Batch
	at      string
	careful bool // a savepoint around each unit

	model       *model
	integration int64
	// linked are the objects that integrations have links to: this one, and others.
	linked, linkedByOthers map[int64]bool
	withheld               map[int64]bool // objects of which this integration may have something withheld
	// supersededKnown tells by object whether this integration has superseded
	// vendor ids.
	supersededKnown map[int64]bool
	merges          map[int64]bool       // objects, as far as known, of which records are merged
	vendors         map[int64]*vendorSet // by object
	indexed         bool                 // links can be looked up by vendor id

	changes []changed // so far, over all units
	nextIDs map[int64]*idCounter
	batch   int64 // number in ledger_batches, 0 until it is needed
	// exist are records that were there, or not, when this batch looked.
	exist   map[record]bool
	ledger  map[record]int64 // the last revision of records elsewhere
	links   linkBuffer
	history historyBuffer
	params  params
	scratch []byte
}

// A record is a record of an object. Its id is an int64, or a string where the
// records are elsewhere.
type record struct {
	object int64
	id     driver.Value
}

// A changed is what became of one change.
type changed struct {
	record driver.Value // the record's id, nil where the unit failed
	// fresh says that the record was made by this batch, so that nobody else has
	// anything to do with it yet.
	fresh bool
}

// An idCounter gives ids to new records.
type idCounter struct{ last int64 }

func (a *apply) run(ctx context.Context) error {
	l, err := a.begin(ctx)
	if err != nil {
		return err
	}
	outcomes, err := a.units(ctx)
	if err != nil {
		return err
	}
	if err := a.flush(ctx); err != nil {
		return err
	}
	for object, counter := range a.nextIDs {
		if _, err := a.exec(ctx, "INSERT INTO ledger_ids (object, last) VALUES (?, ?) ON CONFLICT (object) DO UPDATE SET last = excluded.last", object, counter.last); err != nil {
			return err
		}
	}
	if err := a.keepSeen(ctx, l); err != nil {
		return err
	}
	if a.b.Seal == nil {
		return errors.New("it has no Seal")
	}
	checkpoint, err := a.b.Seal(outcomes)
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.end(ctx, l, checkpoint)
}

// begin checks the lease and reads what the batch needs to know.
func (a *apply) begin(ctx context.Context) (lease, error) {
	var err error
	if a.model, err = a.store.currentModel(ctx, a.conn); err != nil {
		return lease{}, err
	}
	if a.integration, err = integrationNumber(ctx, a.conn, a.b.Integration); err != nil {
		return lease{}, err
	}
	l, err := readLease(ctx, a.conn, a.integration)
	switch {
	case err != nil:
		return lease{}, err
	case l.fence != a.b.Fence || l.until.IsZero():
		return lease{}, syncer.ErrFence
	case a.b.Seq != l.seq+1:
		return lease{}, fmt.Errorf("its number is out of turn: the last one was %d", l.seq)
	}
	if len(a.b.Units) == 0 {
		return l, nil
	}
	if err := adoptAll(ctx, a.conn, a.model); err != nil {
		return lease{}, err
	}
	a.written.serve(a.model)
	a.indexed = a.store.vendorIndex.Load()
	a.vendors = a.knownVendors()
	a.supersededKnown = map[int64]bool{}
	a.merges = map[int64]bool{}
	a.nextIDs = map[int64]*idCounter{}
	a.exist = map[record]bool{}
	a.ledger = map[record]int64{}
	return l, a.readLinked(ctx)
}

// readLinked finds out which objects integrations have links to.
func (a *apply) readLinked(ctx context.Context) error {
	a.linked, a.linkedByOthers, a.withheld = map[int64]bool{}, map[int64]bool{}, map[int64]bool{}
	return a.query(ctx, "SELECT object, integration, withheld FROM ledger_linked", nil, func(v []driver.Value) error {
		object := integer(v[0])
		if integer(v[1]) != a.integration {
			a.linkedByOthers[object] = true
			return nil
		}
		a.linked[object], a.withheld[object] = true, integer(v[2]) > 0
		return nil
	})
}

// knownVendors returns what is known of the vendor ids that have links. With an
// index there is no need to know more than this batch brings.
func (a *apply) knownVendors() map[int64]*vendorSet {
	if a.indexed {
		return map[int64]*vendorSet{}
	}
	return a.written.vendorSets(a.integration, a.b.Fence)
}

// units writes all units.
func (a *apply) units(ctx context.Context) ([]syncer.Outcome, error) {
	total := 0
	for i := range a.b.Units {
		total += len(a.b.Units[i].Changes)
	}
	a.changes = make([]changed, 0, total)
	outcomes := make([]syncer.Outcome, len(a.b.Units))
	ids := make([]string, 0, total)
	for i := range a.b.Units {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		u, o := &a.b.Units[i], &outcomes[i]
		err := a.unit(ctx, u, o)
		switch {
		case errors.Is(err, syncer.ErrConflict) && a.careful:
			*o = syncer.Outcome{Err: syncer.ErrConflict}
			continue
		case err != nil:
			return nil, fmt.Errorf("unit %d: %w", i, err)
		}
		first := len(ids)
		for _, c := range a.changes[len(a.changes)-len(u.Changes):] {
			ids = append(ids, idText(c.record))
		}
		o.IDs = ids[first:len(ids):len(ids)]
	}
	return outcomes, nil
}

func idText(id driver.Value) string {
	if n, ok := id.(int64); ok {
		return strconv.FormatInt(n, 10)
	}
	s, _ := id.(string)
	return s
}

// unit writes one unit. With savepoints it is undone if it fails.
func (a *apply) unit(ctx context.Context, u *syncer.Unit, o *syncer.Outcome) error {
	if !a.careful {
		return a.writeUnit(ctx, u, o)
	}
	if err := a.flush(ctx); err != nil {
		return err
	}
	if _, err := a.exec(ctx, "SAVEPOINT unit"); err != nil {
		return err
	}
	first, batch := len(a.changes), a.batch
	err := a.writeUnit(ctx, u, o)
	if err == nil {
		err = a.flush(ctx)
	}
	if err != nil {
		if !errors.Is(err, syncer.ErrConflict) {
			return err
		}
		if _, rerr := a.exec(ctx, "ROLLBACK TO unit"); rerr != nil {
			return rerr
		}
		a.changes = append(a.changes[:first], make([]changed, len(u.Changes))...)
		a.batch = batch
		if rerr := a.unlearn(ctx); rerr != nil {
			return rerr
		}
	}
	if _, rerr := a.exec(ctx, "RELEASE unit"); rerr != nil {
		return rerr
	}
	return err
}

// unlearn drops what an undone unit may have written.
func (a *apply) unlearn(ctx context.Context) error {
	a.links.clear()
	a.history.clear()
	clear(a.exist)
	clear(a.ledger)
	clear(a.supersededKnown)
	a.written.forget()
	a.vendors = a.knownVendors()
	return a.readLinked(ctx)
}

func (a *apply) writeUnit(ctx context.Context, u *syncer.Unit, o *syncer.Outcome) error {
	for i := range u.Changes {
		c, existed, err := a.change(ctx, &u.Changes[i])
		if err != nil {
			return err
		}
		a.changes = append(a.changes, c)
		if existed {
			if o.Existed == nil {
				o.Existed = make([]bool, len(u.Changes))
			}
			o.Existed[i] = true
		}
	}
	for i := range u.Links {
		if err := a.link(ctx, &u.Links[i]); err != nil {
			return err
		}
	}
	return nil
}

// resolve returns the record that a Ref names.
func (a *apply) resolve(ref syncer.Ref) (changed, error) {
	if ref.ID == "" {
		return a.earlier(int64(ref.Change))
	}
	if a.b.LedgerOnly {
		return changed{record: ref.ID}, nil
	}
	id, ok := recordID(ref.ID)
	if !ok {
		return changed{}, syncer.ErrConflict // no record can have this id
	}
	return changed{record: id}, nil
}

// earlier returns the record of an earlier change.
func (a *apply) earlier(change int64) (changed, error) {
	if change < 0 || change >= int64(len(a.changes)) {
		return changed{}, fmt.Errorf("there is no change %d before this one", change)
	}
	c := a.changes[change]
	if c.record == nil {
		return changed{}, syncer.ErrConflict
	}
	return c, nil
}

// change writes one change, and tells whether an Ensure found its record.
func (a *apply) change(ctx context.Context, c *syncer.Change) (changed, bool, error) {
	l, err := a.model.object(c.Object)
	if err != nil {
		return changed{}, false, err
	}
	if err := l.check(c); err != nil {
		return changed{}, false, err
	}
	if a.b.LedgerOnly {
		done, err := a.note(ctx, l, c)
		return done, false, err
	}
	switch c.Op {
	case syncer.Ensure:
		id, err := a.find(ctx, l, c)
		if err != nil || id > 0 {
			return changed{record: id}, true, err
		}
		done, err := a.create(ctx, l, c)
		return done, false, err
	case syncer.Create:
		done, err := a.create(ctx, l, c)
		return done, false, err
	case syncer.Update, syncer.Archive, syncer.Restore:
		done, err := a.update(ctx, l, c)
		return done, false, err
	case syncer.Delete, syncer.Merged, syncer.Split: // stand in history alone
	}
	return changed{}, false, fmt.Errorf("there is no change %q", c.Op)
}

// check keeps a malformed change from being taken for another one.
func (l *layout) check(c *syncer.Change) error {
	if len(c.After) != len(c.Columns) || c.Before != nil && len(c.Before) != len(c.Columns) || c.Hidden != nil && len(c.Hidden) != len(c.Columns) {
		return fmt.Errorf("a change of %s has %d columns, but %d values after, %d before and %d marks", l.object.Name, len(c.Columns), len(c.After), len(c.Before), len(c.Hidden))
	}
	for _, col := range c.Columns {
		if col < 0 || col >= len(l.columns) {
			return fmt.Errorf("%s have no column %d", l.object.Name, col)
		}
	}
	return nil
}

// bind returns a new value as it goes into its column. For a reference it is the
// record's id, which must exist.
func (a *apply) bind(ctx context.Context, l *layout, field int, v mapping.Value) (driver.Value, error) {
	c := &l.columns[field]
	switch v.Kind {
	case mapping.KindAbsent, mapping.KindNull:
		return nil, nil
	case mapping.KindRow:
		target, err := a.earlier(v.Int)
		if err != nil || c.link {
			return target.record, err
		}
		return idText(target.record), nil
	case mapping.KindText:
		if !c.link {
			return v.Text, nil
		}
		id, ok := recordID(v.Text)
		if !ok {
			return nil, syncer.ErrConflict
		}
		return id, a.mustExist(ctx, a.model.parent(l, field), id)
	case mapping.KindInt:
	}
	if c.integer {
		return v.Int, nil
	}
	return strconv.FormatInt(v.Int, 10), nil
}

// mustExist returns syncer.ErrConflict if a record was deleted meanwhile, or has
// become a part of another.
func (a *apply) mustExist(ctx context.Context, l *layout, id driver.Value) error {
	r := record{l.number, id}
	there, known := a.exist[r]
	if !known {
		n, err := a.number(ctx, "SELECT EXISTS (SELECT 1 FROM "+l.table+" WHERE \"id\" = ?)", id)
		if err != nil {
			return err
		}
		there = n > 0
		if there {
			merged, err := a.isMerged(ctx, l, id)
			if err != nil {
				return err
			}
			there = !merged
		}
		a.exist[r] = there
	}
	if !there {
		return syncer.ErrConflict
	}
	return nil
}

// find returns the record that has the key of an Ensure, 0 if there is none: the
// object's composite key or, where it has none, a unique field.
func (a *apply) find(ctx context.Context, l *layout, c *syncer.Change) (int64, error) {
	for i := range l.keys {
		k := &l.keys[i]
		if len(l.object.Key) > 0 && i < len(l.keys)-1 {
			continue
		}
		parts, err := a.keyParts(ctx, l, k, c)
		if err != nil || parts == nil {
			return 0, err
		}
		id, err := a.number(ctx, l.findSQL(k), parts...)
		if err != nil {
			return 0, err
		}
		if id > 0 {
			return a.root(ctx, l, id)
		}
	}
	return 0, nil
}

// findSQL selects the record that has a key.
func (l *layout) findSQL(k *key) string {
	query := "SELECT \"id\" FROM " + l.table + " WHERE " + k.where
	for _, e := range k.exprs {
		query += " AND " + e + " = ?"
	}
	return query
}

// keyParts returns what the parts of a new record's key are looked up by, nil if
// it has no such key.
func (a *apply) keyParts(ctx context.Context, l *layout, k *key, c *syncer.Change) ([]driver.Value, error) {
	parts := make([]driver.Value, len(k.fields))
	for i, f := range k.fields {
		var v mapping.Value
		for n, col := range c.Columns {
			if col == f {
				v = c.After[n]
			}
		}
		var err error
		if l.columns[f].integer {
			parts[i], err = a.bind(ctx, l, f, v)
		} else {
			parts[i] = l.object.Fields[f].Normalize(v)
		}
		if err != nil {
			return nil, err
		}
		if i == 0 && (parts[i] == nil || parts[i] == "") {
			return nil, nil
		}
	}
	return parts, nil
}

// newID returns the id of the next new record of an object.
func (a *apply) newID(ctx context.Context, l *layout) (int64, error) {
	counter := a.nextIDs[l.number]
	if counter == nil {
		last, err := a.number(ctx, "SELECT max(coalesce((SELECT last FROM ledger_ids WHERE object = ?), 0), coalesce((SELECT max(\"id\") FROM "+l.table+"), 0))", l.number)
		if err != nil {
			return 0, err
		}
		counter = &idCounter{last: last}
		a.nextIDs[l.number] = counter
	}
	counter.last++
	return counter.last, nil
}

// create makes a record.
func (a *apply) create(ctx context.Context, l *layout, c *syncer.Change) (changed, error) {
	id, err := a.newID(ctx, l)
	if err != nil {
		return changed{}, err
	}
	batch, err := a.batchNumber(ctx)
	if err != nil {
		return changed{}, err
	}
	a.params = a.params[:0]
	a.params.add(id)
	a.params.add(a.at)
	a.params.add(batch)
	shape := newShape(a.scratch, codeCreate, l)
	for i, col := range c.Columns {
		v := c.After[i]
		if v.IsEmpty() {
			continue
		}
		bound, err := a.bind(ctx, l, col, v)
		if err != nil {
			return changed{}, err
		}
		a.params.add(bound)
		var flags byte
		if c.Hidden != nil && c.Hidden[i] {
			flags |= shapeHidden
		}
		if l.columns[col].keyed != "" {
			if form := l.keyForm(col, v); form != nil {
				a.params.add(form)
				flags |= shapeKeyed
			}
		}
		shape = shape.with(col, flags)
	}
	a.scratch = shape
	sql, err := a.inserting(ctx, l, shape)
	if err != nil {
		return changed{}, err
	}
	if _, err := a.execParams(ctx, sql, a.params); err != nil {
		if takesUniqueKey(err) {
			return changed{}, syncer.ErrConflict
		}
		return changed{}, fmt.Errorf("create a record of %s: %w", l.object.Name, err)
	}
	return changed{record: id, fresh: true}, a.spoilParents(ctx, l, c)
}

// update writes to a record that is there.
func (a *apply) update(ctx context.Context, l *layout, c *syncer.Change) (changed, error) {
	target, err := a.resolve(c.Ref)
	if err != nil {
		return changed{}, err
	}
	revision := c.Revision
	if revision < 0 {
		if revision, err = a.number(ctx, "SELECT \"revision\" FROM "+l.table+" WHERE \"id\" = ?", target.record); err != nil {
			return changed{}, err
		}
	}
	if c.Op == syncer.Restore || c.Revision < 0 {
		if merged, err := a.isMerged(ctx, l, target.record); err != nil || merged {
			return changed{}, orConflict(err)
		}
	}
	if !target.fresh {
		if err := a.spoil(ctx, l, target.record); err != nil {
			return changed{}, err
		}
	}
	a.params = a.params[:0]
	a.params.add(a.at)
	shape := newShape(a.scratch, opCode(c.Op), l)
	if c.Op == syncer.Archive {
		a.params.add(a.at)
	}
	for i, col := range c.Columns {
		v := c.After[i]
		if v.Kind == mapping.KindAbsent {
			continue
		}
		bound, err := a.bind(ctx, l, col, v)
		if err != nil {
			return changed{}, err
		}
		a.params.add(bound)
		if l.columns[col].keyed != "" {
			a.params.add(l.keyForm(col, v))
		}
		shape = shape.with(col, 0)
	}
	a.scratch = shape
	a.params.add(target.record)
	a.params.add(revision)
	n, err := a.execParams(ctx, a.updating(l, c.Op, shape), a.params)
	if err != nil && takesUniqueKey(err) {
		if err := a.takeKeys(ctx, l, target.record, c); err != nil {
			return changed{}, err
		}
		n, err = a.execParams(ctx, a.updating(l, c.Op, shape), a.params)
	}
	switch {
	case err != nil && takesUniqueKey(err), err == nil && n == 0:
		return changed{}, syncer.ErrConflict
	case err != nil:
		return changed{}, fmt.Errorf("%s a record of %s: %w", c.Op, l.object.Name, err)
	}
	changes, err := a.changesJSON(ctx, l, c)
	if err != nil {
		return changed{}, err
	}
	if err := a.log(ctx, event{record: record{l.number, target.record}, revision: revision + 1, op: opCode(c.Op), changes: changes}); err != nil {
		return changed{}, err
	}
	if target.fresh {
		return target, nil
	}
	return target, a.spoilParents(ctx, l, c)
}

// spoil marks the links that other integrations have to a record as stale, and
// those to what it is a part of.
func (a *apply) spoil(ctx context.Context, l *layout, id driver.Value) error {
	if err := a.spoilLink(ctx, l.number, id); err != nil {
		return err
	}
	for _, f := range l.belongs {
		parent := a.model.parent(l, f)
		if !a.linkedByOthers[parent.number] {
			continue
		}
		held, err := a.number(ctx, "SELECT "+l.columns[f].name+" FROM "+l.table+" WHERE \"id\" = ?", id)
		if err != nil {
			return err
		}
		if held > 0 {
			if err := a.spoilLink(ctx, parent.number, held); err != nil {
				return err
			}
		}
	}
	return nil
}

// spoilParents marks the links that other integrations have to what a record is
// going to be a part of as stale.
func (a *apply) spoilParents(ctx context.Context, l *layout, c *syncer.Change) error {
	if len(l.belongs) == 0 {
		return nil
	}
	for i, col := range c.Columns {
		if !l.object.Fields[col].Belongs() || !a.linkedByOthers[a.model.parent(l, col).number] {
			continue
		}
		v := c.After[i]
		var target changed
		var err error
		switch v.Kind {
		case mapping.KindRow:
			target, err = a.earlier(v.Int)
		case mapping.KindText:
			target, err = a.resolve(syncer.Ref{ID: v.Text})
		case mapping.KindAbsent, mapping.KindNull, mapping.KindInt:
			continue
		}
		if err != nil {
			return err
		}
		if target.fresh {
			continue
		}
		if err := a.spoilLink(ctx, a.model.parent(l, col).number, target.record); err != nil {
			return err
		}
	}
	return nil
}

func (a *apply) spoilLink(ctx context.Context, object int64, id driver.Value) error {
	if !a.linkedByOthers[object] {
		return nil
	}
	_, err := a.exec(ctx, sqlSpoil, object, id, a.integration)
	return err
}

const sqlSpoil = "UPDATE ledger_links SET stale = 1 WHERE object = ? AND target = ? AND integration <> ? AND stale = 0"

// note keeps a change to a record that lives elsewhere: its history alone.
func (a *apply) note(ctx context.Context, l *layout, c *syncer.Change) (changed, error) {
	if c.Ref.ID == "" {
		return changed{}, fmt.Errorf("a change of %s in the ledger names no record", l.object.Name)
	}
	r := record{l.number, c.Ref.ID}
	revision, known := a.ledger[r]
	if !known {
		var err error
		if revision, err = a.number(ctx, sqlLastRevision, r.object, r.id); err != nil {
			return changed{}, err
		}
	}
	revision++
	a.ledger[r] = revision
	changes, err := a.changesJSON(ctx, l, c)
	if err != nil {
		return changed{}, err
	}
	if err := a.log(ctx, event{record: r, revision: revision, op: opCode(c.Op), changes: changes}); err != nil {
		return changed{}, err
	}
	return changed{record: r.id}, a.spoilLink(ctx, l.number, r.id)
}

const sqlLastRevision = "SELECT max(revision) FROM ledger_history WHERE object = ? AND record = ?"

// flush writes what is buffered.
func (a *apply) flush(ctx context.Context) error {
	if err := a.links.flush(ctx, a); err != nil {
		return fmt.Errorf("write links: %w", err)
	}
	if err := a.history.flush(ctx, a); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

// keepSeen keeps the batch's block of vendor ids, and forgets those of another
// run or, when the run is over, all.
func (a *apply) keepSeen(ctx context.Context, l lease) error {
	var err error
	switch {
	case a.b.Done:
		_, err = a.exec(ctx, "DELETE FROM ledger_seen WHERE integration = ?", a.integration)
		return err
	case l.run != a.b.Run:
		_, err = a.exec(ctx, "DELETE FROM ledger_seen WHERE integration = ? AND run <> ?", a.integration, a.b.Run)
	}
	if err != nil || a.b.Seen == nil {
		return err
	}
	_, err = a.exec(ctx, "INSERT INTO ledger_seen (integration, run, seq, ids) VALUES (?, ?, ?, ?)", a.integration, a.b.Run, a.b.Seq, a.b.Seen)
	return err
}

// end keeps the checkpoint and prolongs or ends the lease.
func (a *apply) end(ctx context.Context, l lease, checkpoint []byte) error {
	var until driver.Value
	if !a.b.Release {
		until = untilText(a.b.At.Add(l.ttl))
	} else {
		a.written.release(a.integration)
	}
	_, err := a.exec(ctx, "UPDATE ledger_leases SET until = ?, run = ?, seq = ?, checkpoint = ? WHERE integration = ?",
		until, a.b.Run, a.b.Seq, checkpoint, a.integration)
	return err
}
