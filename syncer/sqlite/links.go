package sqlite

import (
	"context"
	"database/sql/driver"
	"strings"

	"github.com/vendorsync/vendorsync/syncer"
)

// rowsAtOnce are the sizes of the statements that write many small rows: the
// first that fits is taken.
var rowsAtOnce = [...]int{64, 8, 1}

// sized returns the statements for each of these sizes.
func sized(statement func(rows int) string) map[int]string {
	all := map[int]string{}
	for _, n := range rowsAtOnce {
		all[n] = statement(n)
	}
	return all
}

var linkStatements = sized(linkSQL)

// A linkBuffer gathers the links to new records of a batch.
type linkBuffer struct{ rows []linkRow }

type linkRow struct {
	record
	vendorID driver.Value
	hash     int64
}

func (b *linkBuffer) clear() { b.rows = b.rows[:0] }

// linkSQL writes n links. One that a record has already is renewed.
func linkSQL(n int) string {
	return "INSERT INTO ledger_links (object, target, integration, vendor_id, hash) VALUES " + strings.Repeat("(?, ?, ?, ?, ?), ", n-1) + "(?, ?, ?, ?, ?)" +
		" ON CONFLICT (object, target, integration) DO UPDATE SET vendor_id = excluded.vendor_id, hash = excluded.hash, stale = 0, missing_since = NULL"
}

func (b *linkBuffer) flush(ctx context.Context, a *apply) error {
	defer b.clear()
	rows := b.rows
	for len(rows) > 0 {
		n := fitting(len(rows))
		a.params = a.params[:0]
		for _, r := range rows[:n] {
			a.params.add(r.object)
			a.params.add(r.id)
			a.params.add(a.integration)
			a.params.add(r.vendorID)
			a.params.add(r.hash)
		}
		if _, err := a.execParams(ctx, linkStatements[n], a.params); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// fitting returns how many of n rows one statement takes.
func fitting(n int) int {
	for _, size := range rowsAtOnce {
		if size <= n {
			return size
		}
	}
	return n
}

func vendorValue(vendorID string) driver.Value {
	if vendorID == "" {
		return nil
	}
	return vendorID
}

// signed and unsigned carry a hash through a column that holds signed integers.
func signed(hash uint64) int64 { return int64(hash) } //nolint:gosec // all 64 bits are kept.

func unsigned(column int64) uint64 { return uint64(column) } //nolint:gosec // all 64 bits are kept.

// link writes one link.
func (a *apply) link(ctx context.Context, c *syncer.LinkChange) error {
	l, err := a.model.object(c.Object)
	if err != nil {
		return err
	}
	target, err := a.resolve(c.Ref)
	if err != nil {
		return err
	}
	r := record{l.number, target.record}
	if c.Missing || c.Forget || c.Remove {
		return a.unlink(ctx, r, target.fresh, c)
	}
	if err := a.nowLinked(ctx, l); err != nil {
		return err
	}
	if err := a.renewOrConnect(ctx, l, r, target.fresh, c); err != nil {
		return err
	}
	return a.withhold(ctx, l, r, c.Withheld)
}

// renewOrConnect renews the link that a record has, or makes one.
func (a *apply) renewOrConnect(ctx context.Context, l *layout, r record, fresh bool, c *syncer.LinkChange) error {
	if !fresh {
		n, err := a.exec(ctx, sqlRenewLink, signed(c.Hash), r.object, r.id, a.integration, vendorValue(c.VendorID))
		if err != nil {
			return err
		}
		if n == 0 {
			return a.connect(ctx, l, r, c)
		}
		return a.supersede(ctx, r, c, c.VendorID)
	}
	taken, err := a.vendorTaken(ctx, l, c.VendorID)
	if err != nil {
		return err
	}
	if taken || c.Supersedes != "" {
		return a.connect(ctx, l, r, c)
	}
	a.links.rows = append(a.links.rows, linkRow{record: r, vendorID: vendorValue(c.VendorID), hash: signed(c.Hash)})
	return nil
}

const sqlRenewLink = "UPDATE ledger_links SET hash = ?, stale = 0, missing_since = NULL WHERE object = ? AND target = ? AND integration = ? AND vendor_id IS ?"

// nowLinked keeps that the integration has links to an object.
func (a *apply) nowLinked(ctx context.Context, l *layout) error {
	if a.linked[l.number] {
		return nil
	}
	var elsewhere int64
	if a.b.LedgerOnly {
		elsewhere = 1
	}
	_, err := a.exec(ctx, "INSERT INTO ledger_linked (object, integration, elsewhere) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", l.number, a.integration, elsewhere)
	if err == nil {
		a.linked[l.number] = true
	}
	return err
}

// connect makes a link that is not there yet, or in the place of that of another
// vendor id.
func (a *apply) connect(ctx context.Context, l *layout, r record, c *syncer.LinkChange) error {
	if err := a.links.flush(ctx, a); err != nil {
		return err
	}
	if !a.b.LedgerOnly {
		if err := a.mustExist(ctx, l, r.id); err != nil {
			return err
		}
	}
	taken, err := a.vendorTaken(ctx, l, c.VendorID)
	if err != nil {
		return err
	}
	if taken {
		if err := a.releaseVendor(ctx, r.object, c.VendorID); err != nil {
			return err
		}
	}
	held, err := a.one(ctx, "SELECT vendor_id FROM ledger_links WHERE object = ? AND target = ? AND integration = ?", r.object, r.id, a.integration)
	if err != nil {
		return err
	}
	var before string
	if held != nil {
		before = text(held[0])
	}
	if _, err := a.exec(ctx, linkStatements[1], r.object, r.id, a.integration, vendorValue(c.VendorID), signed(c.Hash)); err != nil {
		return err
	}
	return a.supersede(ctx, r, c, before)
}

// vendorTaken reports whether a vendor id may have a link, live or superseded,
// and takes note that it is going to have one.
func (a *apply) vendorTaken(ctx context.Context, l *layout, vendorID string) (bool, error) {
	if vendorID == "" {
		return false, nil
	}
	v, err := a.vendorSet(ctx, l)
	if err != nil {
		return false, err
	}
	if !v.add(vendorID) {
		return true, nil
	}
	if !a.indexed {
		return false, nil
	}
	n, err := a.number(ctx, sqlVendorTaken, a.integration, l.number, vendorID, a.integration, l.number, vendorID)
	return n > 0, err
}

const sqlVendorTaken = `SELECT EXISTS (SELECT 1 FROM ledger_links WHERE integration = ? AND object = ? AND vendor_id = ?)
	OR EXISTS (SELECT 1 FROM ledger_superseded WHERE integration = ? AND object = ? AND vendor_id = ?)`

// vendorSet returns the set of the vendor ids that have links to an object: of
// all, or where the index on vendor ids is there, of those that this batch has
// linked.
func (a *apply) vendorSet(ctx context.Context, l *layout) (*vendorSet, error) {
	v := a.vendors[l.number]
	if v != nil && !a.indexed && v.used >= a.store.maxVendors {
		if _, err := a.exec(ctx, sqlVendorIndex); err != nil {
			return nil, err
		}
		a.indexed = true
		a.written.release(a.integration)
		a.vendors = map[int64]*vendorSet{} // those of this batch so far are in the index once they are written
		v = nil
		if err := a.links.flush(ctx, a); err != nil {
			return nil, err
		}
	}
	if v != nil {
		return v, nil
	}
	v = newVendorSet()
	if !a.indexed {
		if err := a.fillVendors(ctx, l, v); err != nil {
			return nil, err
		}
	}
	a.vendors[l.number] = v
	return v, nil
}

// fillVendors reads the vendor ids of the integration's links to an object.
func (a *apply) fillVendors(ctx context.Context, l *layout, v *vendorSet) error {
	if err := a.links.flush(ctx, a); err != nil {
		return err
	}
	add := func(row []driver.Value) error {
		v.add(text(row[0]))
		return nil
	}
	a.params = a.params[:0]
	a.params.add(l.number)
	a.params.add(a.integration)
	if err := a.query(ctx, "SELECT vendor_id FROM ledger_links WHERE object = ? AND integration = ? AND vendor_id IS NOT NULL", a.params, add); err != nil {
		return err
	}
	return a.query(ctx, "SELECT vendor_id FROM ledger_superseded WHERE object = ? AND integration = ?", a.params, add)
}

// releaseVendor takes a vendor id from the record it is linked to. With a live
// link the record's superseded vendor ids go, too: there is nothing left that has
// superseded them.
func (a *apply) releaseVendor(ctx context.Context, object int64, vendorID string) error {
	n, err := a.exec(ctx, "DELETE FROM ledger_superseded WHERE integration = ? AND object = ? AND vendor_id = ?", a.integration, object, vendorID)
	if err != nil || n > 0 {
		return err
	}
	row, err := a.one(ctx, sqlHolder, object, a.integration, vendorID)
	if err != nil || row == nil {
		return err
	}
	return a.drop(ctx, record{object, row[0]})
}

const sqlHolder = "SELECT target FROM ledger_links WHERE object = ? AND integration = ? AND vendor_id = ?"

// drop removes the live link to a record with the vendor ids superseded by it.
func (a *apply) drop(ctx context.Context, r record) error {
	if _, err := a.exec(ctx, "DELETE FROM ledger_links WHERE object = ? AND target = ? AND integration = ?", r.object, r.id, a.integration); err != nil {
		return err
	}
	if err := a.withholdNothing(ctx, r); err != nil {
		return err
	}
	return a.forget(ctx, r)
}

// forget removes the superseded vendor ids of a record.
func (a *apply) forget(ctx context.Context, r record) error {
	if known, err := a.hasSuperseded(ctx, r.object); err != nil || !known {
		return err
	}
	_, err := a.exec(ctx, "DELETE FROM ledger_superseded WHERE object = ? AND target = ? AND integration = ?", r.object, r.id, a.integration)
	return err
}

// hasSuperseded reports whether the integration has any superseded vendor id.
func (a *apply) hasSuperseded(ctx context.Context, object int64) (bool, error) {
	known, asked := a.supersededKnown[object]
	if asked {
		return known, nil
	}
	n, err := a.number(ctx, "SELECT EXISTS (SELECT 1 FROM ledger_superseded WHERE integration = ? AND object = ?)", a.integration, object)
	a.supersededKnown[object] = n > 0
	return n > 0, err
}

// supersede keeps the vendor id that has just lost its record, unless it has
// another. before is the vendor id that the record was linked to.
func (a *apply) supersede(ctx context.Context, r record, c *syncer.LinkChange, before string) error {
	if c.Supersedes == "" || c.Supersedes == c.VendorID {
		return nil
	}
	if c.Supersedes != before {
		row, err := a.one(ctx, sqlHolder, r.object, a.integration, c.Supersedes)
		if err != nil || row != nil {
			return err
		}
	}
	if v := a.vendors[r.object]; v != nil {
		v.add(c.Supersedes)
	}
	a.supersededKnown[r.object] = true
	_, err := a.exec(ctx, "INSERT INTO ledger_superseded (integration, object, vendor_id, target) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", a.integration, r.object, c.Supersedes, r.id)
	return err
}

// unlink marks, forgets or removes.
func (a *apply) unlink(ctx context.Context, r record, fresh bool, c *syncer.LinkChange) error {
	if fresh {
		if err := a.links.flush(ctx, a); err != nil {
			return err
		}
	}
	if c.Missing {
		_, err := a.exec(ctx, "UPDATE ledger_links SET stale = 1, missing_since = coalesce(missing_since, ?) WHERE object = ? AND target = ? AND integration = ?", a.at, r.object, r.id, a.integration)
		if err != nil {
			return err
		}
	}
	if c.Forget {
		if err := a.forget(ctx, r); err != nil {
			return err
		}
	}
	if !c.Remove {
		return nil
	}
	n, err := a.exec(ctx, "DELETE FROM ledger_links WHERE object = ? AND target = ? AND integration = ? AND (? IS NULL OR vendor_id = ?)",
		r.object, r.id, a.integration, vendorValue(c.VendorID), vendorValue(c.VendorID))
	if err != nil {
		return err
	}
	if n > 0 {
		if err := a.withholdNothing(ctx, r); err != nil {
			return err
		}
		return a.forget(ctx, r)
	}
	_, err = a.exec(ctx, "DELETE FROM ledger_superseded WHERE integration = ? AND object = ? AND vendor_id = ? AND target = ?", a.integration, r.object, vendorValue(c.VendorID), r.id)
	return err
}

const vendorIndex = "ledger_links_vendor"

// sqlVendorIndex makes the index on vendor ids. It costs a fifth of the time of
// writing new links where vendor ids are random, so it is not made before
// somebody asks by vendor id.
const sqlVendorIndex = "CREATE INDEX IF NOT EXISTS " + vendorIndex + " ON ledger_links (integration, object, vendor_id) WHERE vendor_id IS NOT NULL"

// needVendorIndex makes the index on vendor ids, unless it is there.
func (s *Store) needVendorIndex(ctx context.Context) error {
	if s.vendorIndex.Load() {
		return nil
	}
	err := s.write(ctx, func(c *conn) error {
		_, err := c.execWaiting(ctx, sqlVendorIndex, nil)
		return err
	})
	if err == nil {
		s.vendorIndex.Store(true)
	}
	return err
}
