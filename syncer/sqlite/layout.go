package sqlite

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/vendorsync/vendorsync/mapping"
)

// A layout is how an object stands in its table.
//
// Records are matched by the normal forms of their keys. A key field has a second
// column, <field>_key, that holds its normal form where that differs from the
// visible text, and is NULL in a typical row. It is empty in a record that has
// given the key up to the one it was merged into. The unique indexes are on
// coalesce(<field>_key, <field>), and every look-up uses that expression.
type layout struct {
	object  *mapping.Object
	number  int64 // in ledger_objects
	table   string
	columns []column // by field
	keys    []key
	links   []int // the fields that are links
	belongs []int // those of them that make a record a part of another
	// selected are the columns of all fields, of a table called t.
	selected string
	lookups  sync.Map // the texts of statements, by lookup
}

// A column is one field.
type column struct {
	name    string // quoted
	keyed   string // the quoted name of its second column, empty if it has none
	integer bool   // the visible column holds integers
	link    bool
	// text is the quoted name of the reference whose record this link holds, empty
	// for a structural link.
	text string
}

// A key is a unique field or an object's composite key.
type key struct {
	name   string // the fields, joined by commas
	fields []int
	exprs  []string // the normal form of each, in SQL
	where  string   // holds for the rows that have the key
}

// The columns that every table has beside the fields, and that no field can be
// called.
const (
	colRevision = `"revision"`
	colArchived = `"archived_at"`
	// colBatch and colColumns are how a record came to be: its first event in the
	// history, which costs least here. They are NULL in a row inserted by hand.
	colBatch   = `"_batch"`   // in ledger_batches
	colColumns = `"_columns"` // in ledger_columns
	// colRekey is 0 where the second columns are right, rekeyEdited after an edit
	// by hand, and rekeyInserted, its default, in a row inserted by hand.
	colRekey      = `"_rekey"`
	rekeyEdited   = 1
	rekeyInserted = 2
)

// nowSQL is the present time in SQL, in the form of [timeText].
const nowSQL = `strftime('%Y-%m-%dT%H:%M:%fZ', 'now')`

func quote(name string) string { return `"` + name + `"` }

func newLayout(o *mapping.Object, number int64) *layout {
	l := &layout{object: o, number: number, table: quote(o.Name)}
	var selected strings.Builder
	for i := range o.Fields {
		f := &o.Fields[i]
		c := column{name: quote(f.Name), link: f.Link, integer: f.Link || f.Type == mapping.Integer || f.Type == mapping.Boolean}
		if !f.Link && (f.Unique || slices.Contains(o.Key, f.Name)) {
			c.keyed = keyedName(f.Name)
		}
		if f.For != "" {
			c.text = quote(f.For)
		}
		if f.Link {
			l.links = append(l.links, i)
		}
		if f.Belongs() {
			l.belongs = append(l.belongs, i)
		}
		l.columns = append(l.columns, c)
		if i > 0 {
			selected.WriteString(", ")
		}
		selected.WriteString("t." + c.name)
	}
	l.selected = selected.String()
	for i := range o.Fields {
		if o.Fields[i].Unique {
			l.keys = append(l.keys, l.newKey([]int{i}))
		}
	}
	if len(o.Key) > 0 {
		fields := make([]int, len(o.Key))
		for i, name := range o.Key {
			fields[i] = o.Field(name)
		}
		l.keys = append(l.keys, l.newKey(fields))
	}
	return l
}

func (l *layout) newKey(fields []int) key {
	k := key{fields: fields}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = l.object.Fields[f].Name
		c := &l.columns[f]
		switch {
		case c.keyed == "":
			k.exprs = append(k.exprs, c.name)
		case i == 0:
			k.exprs = append(k.exprs, "coalesce("+c.keyed+", "+c.name+")")
		default:
			k.exprs = append(k.exprs, "coalesce("+c.keyed+", "+c.name+", '')")
		}
	}
	k.name = strings.Join(names, ",")
	k.where = k.exprs[0] + " <> ''"
	if l.columns[fields[0]].keyed == "" {
		k.where = k.exprs[0] + " IS NOT NULL"
	}
	return k
}

// key returns the key made of these fields, nil if there is none.
func (l *layout) key(fields []string) *key {
	name := strings.Join(fields, ",")
	for i := range l.keys {
		if l.keys[i].name == name {
			return &l.keys[i]
		}
	}
	return nil
}

// linkField returns the index of a link field, or -1.
func (l *layout) linkField(name string) int {
	i := l.object.Field(name)
	if i < 0 || !l.columns[i].link {
		return -1
	}
	return i
}

// createTable returns the statement that makes the object's table.
func (l *layout) createTable() string {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + l.table + " (\n  \"id\" INTEGER PRIMARY KEY,\n")
	for i := range l.columns {
		b.WriteString("  " + l.columnDefinition(i) + ",\n")
	}
	b.WriteString("  " + colRevision + " INTEGER NOT NULL DEFAULT 1,\n")
	b.WriteString("  \"created_at\" TEXT NOT NULL DEFAULT (" + nowSQL + "),\n")
	b.WriteString("  \"updated_at\" TEXT,\n")
	b.WriteString("  " + colArchived + " TEXT,\n")
	for _, c := range l.columns {
		if c.keyed != "" {
			b.WriteString("  " + c.keyed + " TEXT,\n")
		}
	}
	b.WriteString("  " + colBatch + " INTEGER REFERENCES ledger_batches (number),\n")
	b.WriteString("  " + colColumns + " INTEGER REFERENCES ledger_columns (number),\n")
	b.WriteString("  " + colRekey + " INTEGER NOT NULL DEFAULT " + strconv.Itoa(rekeyInserted) + "\n)")
	return b.String()
}

// columnDefinition returns a field's column as it stands in CREATE TABLE.
func (l *layout) columnDefinition(field int) string {
	c := &l.columns[field]
	switch {
	case c.link:
		return c.name + " INTEGER REFERENCES " + quote(l.object.Fields[field].Object) + " (\"id\")"
	case c.integer:
		return c.name + " INTEGER"
	}
	return c.name + " TEXT"
}

// createIndexes returns the statements that make the table's indexes.
func (l *layout) createIndexes() []string {
	all := []string{"CREATE INDEX " + quote(l.object.Name+"_rekey") + " ON " + l.table + " (\"id\") WHERE " + colRekey + " > 0"}
	for i := range l.keys {
		all = append(all, l.createKeyIndex(&l.keys[i]))
	}
	for _, f := range l.links {
		if !slices.ContainsFunc(l.keys, func(k key) bool { return k.fields[0] == f }) {
			all = append(all, l.createLinkIndex(f))
		}
	}
	return all
}

// createLinkIndex returns the statement that makes the index of a link. That of
// a resolved reference holds the records that have it, and under NULL those that
// wait for it; it costs nothing for a record without the reference.
func (l *layout) createLinkIndex(field int) string {
	c := &l.columns[field]
	index := "CREATE INDEX " + l.indexName(l.object.Fields[field].Name) + " ON " + l.table + " (" + c.name + ")"
	if c.text != "" {
		index += " WHERE " + c.name + " IS NOT NULL OR " + c.text + " <> ''"
	}
	return index
}

// keyedName returns the quoted name of a field's second column.
func keyedName(field string) string { return quote(field + "_key") }

// indexName returns the quoted name of an index.
func (l *layout) indexName(of string) string { return quote(l.object.Name + "_" + of) }

func (l *layout) createKeyIndex(k *key) string {
	return "CREATE UNIQUE INDEX " + l.indexName(strings.ReplaceAll(k.name, ",", "_")) + " ON " + l.table + " (" + strings.Join(k.exprs, ", ") + ") WHERE " + k.where
}

// historyView returns the statement that makes the view of the whole history.
func (m *model) historyView() string {
	var b strings.Builder
	b.WriteString(`CREATE VIEW history AS
SELECT o.name AS object, h.record, h.revision, coalesce(h.at, b.at) AS at,
  CASE h.op WHEN 1 THEN 'create' WHEN 2 THEN 'update' WHEN 3 THEN 'archive' WHEN 4 THEN 'restore' WHEN 5 THEN 'delete' WHEN 6 THEN 'merge' WHEN 7 THEN 'split' END AS op,
  coalesce(h.actor, b.actor) AS actor, i.id AS integration, b.run,
  CASE typeof(h.changes) WHEN 'integer' THEN (SELECT c.fields FROM ledger_columns c WHERE c.number = h.changes) ELSE h.changes END AS changes
FROM ledger_history h
JOIN ledger_objects o ON o.number = h.object
LEFT JOIN ledger_batches b ON b.number = h.batch
LEFT JOIN ledger_integrations i ON i.number = b.integration`)
	for _, l := range m.layouts {
		fmt.Fprintf(&b, `
UNION ALL
SELECT '%s', t."id", 1, b.at, 'create', b.actor, i.id, b.run, c.fields
FROM %s t
JOIN ledger_batches b ON b.number = t."_batch"
JOIN ledger_integrations i ON i.number = b.integration
JOIN ledger_columns c ON c.number = t."_columns"`, l.object.Name, l.table)
	}
	return b.String()
}
