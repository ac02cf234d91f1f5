package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// chunks are how many values one statement of Match takes. The last chunk of a
// question is filled up with NULL, which nothing equals.
var chunks = [...]int{250, 25, 1}

// chunkFor returns the smallest chunk that takes n values, or the largest.
func chunkFor(n int) int {
	size := chunks[0]
	for _, c := range chunks {
		if n <= c {
			size = c
		}
	}
	return size
}

// Match answers one question about many values at once. In the place of a record
// that was merged, it finds the one that it is a part of.
func (s *Store) Match(ctx context.Context, q syncer.Query) ([][]syncer.Hit, error) {
	found := make([][]syncer.Hit, len(q.Values))
	var err error
	if q.By == syncer.ByLink {
		err = s.needVendorIndex(ctx)
	}
	if err == nil {
		err = s.read(ctx, func(c *conn) error {
			m, err := s.currentModel(ctx, c)
			if err != nil {
				return err
			}
			l, err := m.object(q.Object)
			if err != nil {
				return err
			}
			return (&matching{conn: c, store: s, layout: l, q: &q, found: found}).run(ctx)
		})
	}
	if err != nil {
		return nil, s.explain(err, "look up "+q.Object)
	}
	return found, nil
}

// A matching is one question being answered.
type matching struct {
	*conn
	store  *Store
	layout *layout
	q      *syncer.Query
	found  [][]syncer.Hit

	integration int64
	others      bool // another integration has links to the object
	elsewhere   bool // the integration's records are elsewhere
	merges      bool // records of the object are merged
	merged      []found
	slab        []mapping.Value
}

// A found is a record that one of the values found.
type found struct {
	place int
	id    int64
}

func (m *matching) run(ctx context.Context) error {
	var err error
	if m.integration, err = integrationNumber(ctx, m.conn, m.q.Integration); err != nil {
		return err
	}
	if err := m.readLinked(ctx); err != nil {
		return err
	}
	if m.merges, err = hasMerges(ctx, m.conn, m.layout); err != nil {
		return err
	}
	if err := m.answer(ctx); err != nil {
		return err
	}
	for _, f := range m.merged {
		if err := m.alsoRecord(ctx, f.place, f.id); err != nil {
			return err
		}
	}
	return nil
}

func (m *matching) answer(ctx context.Context) error {
	switch m.q.By {
	case syncer.ByID:
		if m.elsewhere {
			if err := m.ask(ctx, lookup{by: byLedgerID}, m.textValue); err != nil {
				return err
			}
		}
		return m.askAbout(ctx, lookup{by: byID}, m.idValue, func(i int) bool { return m.found[i] == nil })
	case syncer.ByLink:
		live, superseded := lookup{by: byLink}, lookup{by: bySuperseded}
		if m.elsewhere {
			live, superseded = lookup{by: byLedgerLink}, lookup{by: byLedgerSuperseded}
		}
		if err := m.ask(ctx, live, m.textValue); err != nil {
			return err
		}
		return m.askSuperseded(ctx, superseded)
	case syncer.ByParent:
		if len(m.q.Fields) != 1 || m.layout.linkField(m.q.Fields[0]) < 0 {
			return m.invalid("(%s) is no link field", strings.Join(m.q.Fields, ", "))
		}
		return m.ask(ctx, lookup{by: byParent, field: m.layout.linkField(m.q.Fields[0])}, m.idValue)
	case syncer.ByKey:
		k := m.layout.key(m.q.Fields)
		if k == nil {
			return m.invalid("(%s) is neither a unique field nor the object's key", strings.Join(m.q.Fields, ", "))
		}
		return m.byKey(ctx, k)
	}
	return m.invalid("there is no look-up %d", m.q.By)
}

// readLinked finds out who has links to the object, and where its records are.
func (m *matching) readLinked(ctx context.Context) error {
	m.args = m.args[:0]
	m.args.add(m.layout.number)
	own := false
	return m.query(ctx, "SELECT integration, elsewhere FROM ledger_linked WHERE object = ?", m.args, func(v []driver.Value) error {
		elsewhere := integer(v[1]) > 0
		if integer(v[0]) == m.integration {
			own, m.elsewhere = true, elsewhere
			return nil
		}
		m.others = true
		m.elsewhere = m.elsewhere || elsewhere && !own
		return nil
	})
}

func (m *matching) invalid(format string, args ...any) error {
	return connector.Errorf(connector.ErrInvalid, "look up "+m.layout.object.Name, format, args...)
}

func (m *matching) textValue(v string) ([]driver.Value, bool) { return []driver.Value{v}, v != "" }

func (m *matching) idValue(v string) ([]driver.Value, bool) {
	id, ok := recordID(v)
	return []driver.Value{id}, ok
}

// A lookup is a kind of question, in as far as it takes a statement of its own.
type lookup struct {
	by     string
	field  int // of byParent
	key    string
	shared bool
	merges bool
	chunk  int
}

const (
	byID         = "id"
	byLink       = "link"
	bySuperseded = "superseded"
	byParent     = "parent"
	byKey        = "key"
	byLedgerID   = "ledger id"
	byLedgerLink = "ledger link"

	byLedgerSuperseded = "ledger superseded"
)

// lookupSQL returns the statement of a look-up. Its rows are the number of the
// value asked about, then what [matching.hit] reads. Its arguments are those of
// [matching.arguments].
func (l *layout) lookupSQL(k lookup) string {
	if known, ok := l.lookups.Load(k); ok {
		text, _ := known.(string)
		return text
	}
	sql := l.newLookupSQL(k)
	l.lookups.Store(k, sql)
	return sql
}

func (l *layout) newLookupSQL(k lookup) string {
	asked := k.valuesSQL()
	// The plus takes the column's type off the comparison, without which the key of
	// ledger_links, which has none, could not be used.
	own := func(target string) string {
		return fmt.Sprintf("ledger_links l ON l.object = %d AND l.target = %s AND l.integration = ?", l.number, target)
	}
	archived := `t."archived_at" IS NOT NULL`
	if k.merges {
		archived = fmt.Sprintf(`CASE WHEN EXISTS (SELECT 1 FROM ledger_merges g WHERE g.object = %d AND g.record = +t."id") THEN %d ELSE %s END`, l.number, stateMerged, archived)
	}
	selected := l.hitSQL(k.shared, `t."id", t."revision", `+archived, `+t."id"`) + ", " + l.selected
	switch k.by {
	case byID:
		return fmt.Sprintf(`%s FROM %s CROSS JOIN %s t ON t."id" = v.column2 LEFT JOIN %s`, selected, asked, l.table, own(`+t."id"`))
	case byParent:
		return fmt.Sprintf(`%s FROM %s CROSS JOIN %s t ON t.%s = v.column2 LEFT JOIN %s`, selected, asked, l.table, l.columns[k.field].name, own(`+t."id"`))
	case byKey:
		key := l.key(strings.Split(k.key, ","))
		on := key.where
		for i, e := range key.exprs {
			on += fmt.Sprintf(" AND %s = v.column%d", e, i+2)
		}
		return fmt.Sprintf(`%s FROM %s CROSS JOIN %s t ON %s LEFT JOIN %s`, selected, asked, l.table, on, own(`+t."id"`))
	case byLink:
		return fmt.Sprintf(`%s FROM %s CROSS JOIN %s CROSS JOIN %s t ON t."id" = l.target`, selected, asked, l.vendorJoin(), l.table)
	case bySuperseded:
		return fmt.Sprintf(`%s FROM %s CROSS JOIN %s CROSS JOIN %s CROSS JOIN %s t ON t."id" = s.target`, selected, asked, l.supersededJoin(), own("s.target"), l.table)
	}
	return l.newLedgerSQL(k)
}

// newLedgerSQL is newLookupSQL for records elsewhere, of which links and history
// are here.
func (l *layout) newLedgerSQL(k lookup) string {
	asked := k.valuesSQL()
	own := func(target string) string {
		return fmt.Sprintf("ledger_links l ON l.object = %d AND l.target = %s AND l.integration = ?", l.number, target)
	}
	selected := func(target string) string {
		revision := fmt.Sprintf("coalesce((SELECT max(revision) FROM ledger_history h WHERE h.object = %d AND h.record = %s), 0)", l.number, target)
		return l.hitSQL(k.shared, target+", "+revision+", 0", target)
	}
	switch k.by {
	case byLedgerLink:
		return fmt.Sprintf(`%s FROM %s CROSS JOIN %s`, selected("l.target"), asked, l.vendorJoin())
	case byLedgerSuperseded:
		return fmt.Sprintf(`%s FROM %s CROSS JOIN %s CROSS JOIN %s`, selected("s.target"), asked, l.supersededJoin(), own("s.target"))
	}
	return fmt.Sprintf(`%s FROM %s LEFT JOIN %s WHERE EXISTS (SELECT 1 FROM ledger_links o WHERE o.object = %d AND o.target = v.column2)`,
		selected("v.column2"), asked, own("v.column2"), l.number)
}

// vendorJoin joins the asking integration's links by vendor id.
func (l *layout) vendorJoin() string {
	return fmt.Sprintf("ledger_links l INDEXED BY %s ON l.object = %d AND l.vendor_id = v.column2 AND l.integration = ?", vendorIndex, l.number)
}

// supersededJoin joins the asking integration's superseded vendor ids.
func (l *layout) supersededJoin() string {
	return fmt.Sprintf("ledger_superseded s ON s.object = %d AND s.vendor_id = v.column2 AND s.integration = ?", l.number)
}

// stateMerged is what stands in the place of whether a record is archived for one
// that is a part of another.
const stateMerged = 2

// hitSQL selects what every hit has: the record's id, revision, and whether it is
// archived, then the asking integration's link, called l, and whether another has
// a link to the target.
func (l *layout) hitSQL(shared bool, record, target string) string {
	others := "0"
	if shared {
		others = fmt.Sprintf("EXISTS (SELECT 1 FROM ledger_links o WHERE o.object = %d AND o.target = %s AND o.integration <> ?)", l.number, target)
	}
	return "SELECT v.column1, " + record + ", " + others + ", l.hash, l.vendor_id, l.stale + 2 * (l.missing_since IS NOT NULL)"
}

// valuesSQL is a table of the values asked about, with their numbers.
func (k lookup) valuesSQL() string {
	parts := 1
	if k.by == byKey {
		parts = strings.Count(k.key, ",") + 1
	}
	var b strings.Builder
	b.WriteString("(VALUES ")
	for i := range k.chunk {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "(%d%s)", i, strings.Repeat(", ?", parts))
	}
	b.WriteString(") v")
	return b.String()
}

// arguments returns those of [layout.lookupSQL] for a chunk of values: the
// integration, if other integrations are asked about, the parts of each value,
// and the integration for each join.
func (m *matching) arguments(k lookup, chunk []driver.Value, parts int) params {
	m.args = m.args[:0]
	if k.shared {
		m.args.add(m.integration)
	}
	for _, v := range chunk {
		m.args.add(v)
	}
	for range k.chunk*parts - len(chunk) {
		m.args.add(nil)
	}
	m.args.add(m.integration)
	if k.by == bySuperseded || k.by == byLedgerSuperseded {
		m.args.add(m.integration)
	}
	return m.args
}

// ask puts a question about all values. parts returns what one of them is looked
// up by, and whether anything can have it.
func (m *matching) ask(ctx context.Context, k lookup, parts func(v string) ([]driver.Value, bool)) error {
	return m.askAbout(ctx, k, parts, func(int) bool { return true })
}

func (m *matching) askAbout(ctx context.Context, k lookup, parts func(v string) ([]driver.Value, bool), about func(i int) bool) error {
	k.shared, k.merges = m.others, m.merges
	var values []driver.Value
	var places []int
	each := 1
	flush := func() error {
		if len(places) == 0 {
			return nil
		}
		k.chunk = chunkFor(len(places))
		err := m.query(ctx, m.layout.lookupSQL(k), m.arguments(k, values, each), func(row []driver.Value) error {
			place := places[integer(row[0])]
			if integer(row[3]) == stateMerged {
				m.merged = append(m.merged, found{place, integer(row[1])})
				return nil
			}
			m.keep(place, m.hit(row[1:]))
			return nil
		})
		values, places = values[:0], places[:0]
		return err
	}
	for i, v := range m.q.Values {
		if !about(i) {
			continue
		}
		p, ok := parts(v)
		if !ok {
			continue
		}
		each = len(p)
		values, places = append(values, p...), append(places, i)
		if len(places) == chunks[0] {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// askSuperseded looks for vendor ids without a live link among the superseded
// ones.
func (m *matching) askSuperseded(ctx context.Context, k lookup) error {
	n, err := m.number(ctx, "SELECT EXISTS (SELECT 1 FROM ledger_superseded WHERE integration = ? AND object = ?)", m.integration, m.layout.number)
	if err != nil || n == 0 {
		return err
	}
	return m.askAbout(ctx, k, m.textValue, func(i int) bool { return m.found[i] == nil })
}

// byKey looks records up by a key. Those edited by hand since the last run are
// not found by the index; there are few, and they are looked at one by one.
func (m *matching) byKey(ctx context.Context, k *key) error {
	err := m.ask(ctx, lookup{by: byKey, key: k.name}, func(v string) ([]driver.Value, bool) {
		return m.layout.splitKey(k, v, syncer.KeySeparator)
	})
	if err != nil {
		return err
	}
	var places map[string]int
	for after := int64(0); ; {
		rows, err := m.layout.handmade(ctx, m.conn, after, adoptChunk)
		if err != nil || len(rows) == 0 {
			return err
		}
		if places == nil {
			places = make(map[string]int, len(m.q.Values))
			for i, v := range m.q.Values {
				places[v] = i
			}
		}
		for _, r := range rows {
			after = r.id
			if i, asked := places[m.layout.keyText(k, r.values)]; asked {
				if err := m.alsoRecord(ctx, i, r.id); err != nil {
					return err
				}
			}
		}
	}
}

// keyText returns the normal form of a record's key.
func (l *layout) keyText(k *key, values []mapping.Value) string {
	names := make([]string, len(k.fields))
	for i, f := range k.fields {
		names[i] = l.object.Fields[f].Name
	}
	return syncer.KeyOf(l.object, names, func(i int) mapping.Value { return values[i] })
}

// alsoRecord adds a record, or the one that it is a part of, to what was found,
// unless it is there already.
func (m *matching) alsoRecord(ctx context.Context, place int, id int64) error {
	if m.merges {
		var err error
		if id, err = mergeRoot(ctx, m.conn, m.layout, id); err != nil {
			return err
		}
	}
	text := idText(id)
	if slices.ContainsFunc(m.found[place], func(h syncer.Hit) bool { return h.ID == text }) {
		return nil
	}
	k := lookup{by: byID, shared: m.others, chunk: 1}
	return m.query(ctx, m.layout.lookupSQL(k), m.arguments(k, []driver.Value{id}, 1), func(row []driver.Value) error {
		m.keep(place, m.hit(row[1:]))
		return nil
	})
}

// keep adds a hit to what was found. Most values have one hit or none.
func (m *matching) keep(place int, h syncer.Hit) {
	m.found[place] = append(m.found[place], h)
}

// slabRows is for how many hits values are made room at once.
const slabRows = 64

// hit reads a row: see [layout.hitSQL], then the values of all fields, if the
// record is here.
func (m *matching) hit(row []driver.Value) syncer.Hit {
	const fixed = 7
	h := syncer.Hit{ID: idText(row[0]), Revision: integer(row[1]), Archived: integer(row[2]) != 0, Shared: integer(row[3]) != 0}
	n := len(m.layout.columns)
	if len(m.slab) < n {
		m.slab = make([]mapping.Value, slabRows*n)
	}
	h.Values, m.slab = m.slab[:n:n], m.slab[n:]
	if len(row) > fixed {
		m.layout.values(row[fixed:], h.Values)
	}
	if row[4] != nil {
		h.Link = newLink(row[0], row[4:])
	}
	return h
}

// newLink reads a link from its hash, vendor id and state.
func newLink(target driver.Value, row []driver.Value) *syncer.Link {
	state := integer(row[2])
	return &syncer.Link{VendorID: text(row[1]), ID: idText(target), Hash: unsigned(integer(row[0])), Stale: state&1 != 0, Missing: state&2 != 0}
}
