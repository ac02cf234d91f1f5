package mapping

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/internal/path"
	"github.com/vendorsync/vendorsync/internal/template"
)

// A Program is a compiled mapping: the [Mapper] that [Compile] makes. It goes
// over each record's bytes once. Its methods are safe for concurrent use.
type Program struct {
	targets  []Target
	fills    []fill // by target
	rules    recordRules
	children []childProgram
	// companions are in the order of the mapping.
	companions []companionProgram
	key        keySource
	root       *node // what is wanted of a record
	slots      int
	lists      int
	mask       *node // what is masked in a payload; nil for nothing
	unmapped   []string
	version    string
	works      sync.Pool // of *work
}

// A keySource is where the vendor id comes from.
type keySource struct {
	path string
	node *node
}

// A fill is how the columns of one target are filled.
type fill struct{ columns []column }

// A column is one field that is filled, and from what.
type column struct {
	Column
	coercion
	place      string      // of its mapping
	template   string      // the text of expression
	expression *expression // nil where the value comes from a path or is a constant
	lookup     *lookup     // nil where the value is taken as it is
	from       path.Path   // where its value is; nil for a constant
	node       *node       // of that path
	slot       int         // of that node
	constant   Value       // Absent for none
	required   bool        // an empty value is a fault
	automatic  bool        // filled by the program itself: the links of a child row

	// For a link, which a text names:
	linkedObject string
	linked       *Field // the field of that object that the text fills
	target       int    // the target of the linked row
}

// A childProgram fills the rows of one list inside the record.
type childProgram struct {
	list       *listNode
	from       path.Path
	sensitive  bool
	titles     int   // the target of the shared rows
	installs   int   // the target of the child rows; its first two columns are the links to the primary row and to the shared one
	titleKey   []int // the columns that tell one shared row from another
	installKey []int // the columns that tell one child row from another with the same shared row
}

// positions returns the columns of those fields that are filled.
func (f *fill) positions(fields []string) []int {
	var at []int
	for i := range f.columns {
		if slices.Contains(fields, f.columns[i].Field) {
			at = append(at, i)
		}
	}
	return at
}

// seal makes the program ready to run.
func (p *Program) seal(lists int) {
	p.slots = p.root.seal(0)
	p.lists = lists
	for _, f := range p.fills {
		for i := range f.columns {
			if c := &f.columns[i]; c.node != nil {
				c.slot = c.node.slot
			}
		}
	}
}

// Targets returns the objects and columns that the program fills: the mapped
// object first, then what its links name, then for each child list the shared
// object and the one that ties it to the record. Columns are in the order of the
// schema's fields.
func (p *Program) Targets() []Target { return p.targets }

// Unmapped names the required fields of the mapped object that nothing fills, in
// the order of the schema. A mapping is complete without any.
func (p *Program) Unmapped() []string { return slices.Clone(p.unmapped) }

// Version returns a fingerprint of the mapping and of what it uses of the schema.
// Programs with the same version do the same to every record.
func (p *Program) Version() string { return p.version }

// outcome is part of every version. It grows by one with each change of this
// package that makes other values of the same records.
const outcome = 2

func (p *Program) fingerprint(m Mapping, sensitive [][]string) string {
	h := sha256.New()
	fmt.Fprintf(h, "outcome %d\nkey %q\n", outcome, p.key.path)
	for i, target := range p.targets {
		fmt.Fprintf(h, "target %q %d\n", target.Object, target.Role)
		for k := range p.fills[i].columns {
			c := &p.fills[i].columns[k]
			if c.lookup != nil {
				fmt.Fprintf(h, "lookup %v %v %q\n", c.lookup.values, c.lookup.otherwise, c.lookup.unlisted)
			}
			fmt.Fprintf(h, "template %q\n", c.template)
			fmt.Fprintf(h, "column %q %q %#v %q %#v %t %t %t %t %q %d\n",
				c.Field, c.Write, c.Default, c.from, c.constant, c.required, c.Sensitive, c.MatchOnly, c.automatic, c.format, c.target)
			if c.coercion.field != nil {
				c.coercion.field.fingerprint(h)
			}
		}
	}
	for _, c := range p.companions {
		fmt.Fprintf(h, "companion %d %d %#v\n", c.target, c.application, c.name)
	}
	for _, c := range p.children {
		fmt.Fprintf(h, "child %q %v %v\n", c.from, c.titleKey, c.installKey)
	}
	fmt.Fprintf(h, "sync keys %+v\n", m.SyncKeys)
	fmt.Fprintf(h, "rules %q %q %q %+v\n", m.Filter, m.CreateIf, m.UpdateIf, m.Unseen)
	for _, s := range sensitive {
		fmt.Fprintf(h, "sensitive %q\n", s)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// work is what Map needs for one record and keeps for another.
type work struct {
	scan  scanner
	frame []token
	arena arena
	links []Value        // the texts of the primary row's links
	rows  map[string]int // the child rows of this record by their matching form
	row   []Value
	form  []byte

	inputs   []template.Value
	template template.Scratch
}

// chunk is how much memory is taken at a time for texts that have to be made.
const chunk = 4096

// Map fills out with one record's rows, see [Mapper]. Malformed JSON is one
// fault with its place, and nothing else; it never returns an error. It
// allocates nothing for a record whose values stand in it as they are wanted.
func (p *Program) Map(rec connector.Record, out *Out) error {
	w := p.begin(rec)
	defer p.end(w)
	if !w.scan.record(p.root) {
		out.AddFault(Fault{Reason: w.scan.reason()})
		return nil
	}
	for range p.targets {
		out.Whole = append(out.Whole, false)
	}
	r := run{Program: p, work: w, out: out}
	r.vendorID()
	if !r.passes() {
		return nil
	}
	r.primary()
	r.unseen()
	for i := range p.companions {
		r.companion(&p.companions[i])
	}
	for i := range p.children {
		r.child(&p.children[i])
	}
	return nil
}

// begin returns what is needed for a record.
func (p *Program) begin(rec connector.Record) *work {
	w, ok := p.works.Get().(*work)
	if !ok {
		w = &work{frame: make([]token, p.slots), arena: arena{chunk: chunk}}
		w.scan.lists = make([]list, p.lists)
	}
	clear(w.frame)
	w.scan.src, w.scan.frame = rec, w.frame
	w.links = w.links[:0]
	return w
}

// end lets go of the record and keeps the rest for another.
func (p *Program) end(w *work) {
	w.scan.src = nil
	p.works.Put(w)
}

// run maps one record.
type run struct {
	*Program
	*work
	out *Out
}

// vendorID takes the vendor's own id, a string or a number.
func (r *run) vendorID() {
	t := r.frame[r.key.node.slot]
	var id, reason string
	switch t.kind {
	case stringToken:
		id, reason = stringOf(r.scan.src, t, &r.arena)
	case numberToken:
		id = view(r.scan.src[t.start:t.end])
		if len(id) > maxText {
			reason = tooLong
		}
	default:
	}
	switch {
	case reason != "":
		r.out.AddFault(Fault{Reason: fmt.Sprintf("the vendor id at %q %s", r.key.path, reason)})
	case isBlank(id):
		r.out.AddFault(Fault{Reason: fmt.Sprintf("the record has no vendor id at %q", r.key.path)})
	default:
		r.out.VendorID = id
	}
}

// primary adds the row of the record itself, and those that its links name.
func (r *run) primary() {
	columns := r.fills[0].columns
	_, values := r.out.AddRow(0, len(columns))
	next := int64(1)
	for i := range columns {
		v, ok := r.value(&columns[i], r.frame, nil)
		if !ok {
			continue
		}
		if columns[i].linked != nil && !v.IsEmpty() {
			r.links = append(r.links, v)
			v = Value{Kind: KindRow, Int: next}
			next++
		}
		values[i] = v
	}
	if len(r.links) == 0 {
		return
	}
	linked := 0
	for i := range columns {
		if values[i].Kind == KindRow {
			_, named := r.out.AddRow(columns[i].target, 1)
			named[0] = r.links[linked]
			linked++
		}
	}
}

// value reads a column's value from a frame of tokens; item says in which item
// of a child list it is. It reports false for a fault.
func (r *run) value(c *column, frame []token, item *listItem) (Value, bool) {
	var v Value
	var shown, reason string
	switch {
	case c.expression != nil:
		var made template.Value
		if made, reason = r.evaluate(c.expression, frame); reason == "" {
			v, shown, reason = c.made(made, &r.arena)
		}
	case c.node == nil:
		return c.constant, true
	case c.lookup != nil:
		v, reason = r.lookedUp(c, frame[c.slot])
	default:
		v, reason = c.coercion.value(r.scan.src, frame[c.slot], &r.arena)
	}
	if reason == "" && v.IsEmpty() && c.required {
		if c.Default.Kind != KindAbsent {
			return Value{}, true // the default on create, and nothing else after it
		}
		reason = "is required, and " + c.nothing()
	}
	if reason != "" {
		if c.node != nil {
			shown = r.excerpt(frame[c.slot], false)
		}
		if c.Sensitive && shown != "" {
			shown = credentials.Mask
		}
		r.report(Fault{Field: item.place(c.Field), Value: excerpt(shown), Reason: reason})
		return Value{}, false
	}
	return v, true
}

// nothing says where a value was looked for and not found.
func (c *column) nothing() string {
	if c.expression != nil {
		return fmt.Sprintf("the template %q makes nothing of the record", c.template)
	}
	return "the record has nothing at " + c.from.String()
}

// lookedUp reads a column's value by way of its table of values.
func (r *run) lookedUp(c *column, t token) (Value, string) {
	var text string
	switch t.kind {
	case stringToken:
		var reason string
		if text, reason = stringOf(r.scan.src, t, &r.arena); reason != "" {
			return Value{}, reason
		}
	case numberToken, trueToken, falseToken:
		text = view(r.scan.src[t.start:t.end])
	case absentToken, nullToken, objectToken, arrayToken:
		return c.coercion.value(r.scan.src, t, &r.arena)
	}
	if !isBlank(text) {
		if v, reason, listed := c.lookup.find(text); listed {
			return v, reason
		}
	}
	return c.coercion.value(r.scan.src, t, &r.arena)
}

// maxFaults bounds what one record can say of itself.
const maxFaults = 100

// report notes a fault, unless there are too many.
func (r *run) report(f Fault) {
	switch n := len(r.out.Faults); {
	case n < maxFaults:
		r.out.AddFault(f)
	case n == maxFaults:
		r.out.AddFault(Fault{Reason: fmt.Sprintf("the record has more than %d faults; the others are left out", maxFaults)})
	}
}

// A listItem is an item of a child list.
type listItem struct {
	list  path.Path
	index int
}

// place names a field for a fault: "applications[3].version". An item that is
// nil is the record itself.
func (i *listItem) place(field string) string {
	switch {
	case i == nil:
		return field
	case field == "":
		return fmt.Sprintf("%s[%d]", i.list, i.index)
	}
	return fmt.Sprintf("%s[%d].%s", i.list, i.index, field)
}

// child adds the rows of a child list.
func (r *run) child(c *childProgram) {
	found := &r.scan.lists[c.list.index]
	switch found.token.kind {
	case absentToken:
		return
	case nullToken, arrayToken:
	default:
		r.report(Fault{Field: c.from.String(), Value: r.excerpt(found.token, c.sensitive), Reason: "is not a list"})
		return
	}
	r.out.Whole[c.installs] = true
	if r.rows == nil || len(r.rows) > manyRows {
		r.rows = map[string]int{}
	}
	clear(r.rows)
	for i := range len(found.frames) / c.list.size {
		item := listItem{list: c.from, index: i}
		frame := found.frames[i*c.list.size : (i+1)*c.list.size]
		if t := frame[c.list.item.slot]; t.kind != objectToken {
			r.report(Fault{Field: item.place(""), Value: r.excerpt(t, c.sensitive), Reason: "is not an object"})
			continue
		}
		r.childItem(c, frame, &item)
	}
}

// excerpt returns what a fault quotes of the record.
func (r *run) excerpt(t token, sensitive bool) string {
	switch {
	case t.kind == absentToken || t.kind == nullToken:
		return ""
	case sensitive:
		return credentials.Mask
	}
	return excerpt(view(r.scan.src[t.start:t.end]))
}

// manyRows is how many rows of one record are remembered in a map that the next
// record uses, too; clearing a larger one takes longer than making another.
const manyRows = 4096

// childItem adds the rows of one item of a child list: the shared one, unless
// the record has it already, and the one that ties it to the record, unless that
// is there twice.
func (r *run) childItem(c *childProgram, frame []token, item *listItem) {
	titles, installs := r.fills[c.titles].columns, r.fills[c.installs].columns
	r.row = slices.Grow(r.row[:0], len(titles)+len(installs))[:len(titles)+len(installs)]
	title, install := r.row[:len(titles)], r.row[len(titles):]
	titleOK := r.values(title, titles, frame, item)
	installOK := r.values(install, installs, frame, item)
	if !titleOK || !installOK {
		return
	}
	form := append(r.form[:0], 't')
	for _, i := range c.titleKey {
		form = appendForm(form, titles[i].field, title[i])
	}
	at, known := r.rows[string(form)]
	if !known {
		var values []Value
		at, values = r.out.AddRow(c.titles, len(titles))
		copy(values, title)
		r.rows[r.remember(form)] = at
	}
	form = binary.LittleEndian.AppendUint64(append(form[:0], 'i'), uint64(at)) //nolint:gosec // an index.
	for _, i := range c.installKey {
		form = appendForm(form, installs[i].field, install[i])
	}
	if _, twice := r.rows[string(form)]; !twice {
		n, values := r.out.AddRow(c.installs, len(installs))
		copy(values, install)
		values[0], values[1] = RowValue(0), RowValue(at)
		r.rows[r.remember(form)] = n
	}
	r.form = form
}

// values fills a row from a frame of tokens. It reports false if there was a
// fault.
func (r *run) values(row []Value, columns []column, frame []token, item *listItem) bool {
	whole := true
	for i := range columns {
		v, ok := r.value(&columns[i], frame, item)
		row[i] = v
		whole = whole && ok
	}
	return whole
}

func (w *work) remember(form []byte) string {
	return w.arena.keep(append(w.arena.buffer(len(form)), form...))
}

// appendForm appends the matching form of a value and an end to it that no form
// holds.
func appendForm(dst []byte, f *Field, v Value) []byte {
	return append(f.appendNormal(dst, v), 0)
}
