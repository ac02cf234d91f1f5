package mapping

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
)

// The limits of what is looked at, so that no source takes long or much memory.
const (
	maxSamples     = 100    // records
	maxColumns     = 10_000 // source fields
	maxSampleDepth = 12     // steps to a value in a sampled record
	maxColumnCells = 50     // values of one source field
	maxSampleSize  = 1 << 20
)

// A sourceField is a source field with the values it has in the sampled records.
type sourceField struct {
	path    string
	steps   path.Path
	name    nameWords
	label   nameWords
	typ     connector.FieldType // empty if nobody says
	cells   []cell              // what there is of it, without what is empty
	present int                 // records that have it, null or empty included
	filled  int                 // records that have a value there
	nested  bool                // it is a list or an object in some record
	last    int                 // the last record that had it, counted from 1
	traits  traits
	example bool // the cells are not of a record
}

// A cell is one value of a column.
type cell struct {
	raw  []byte // the JSON of it
	text string
}

// A table is all the columns of a source.
type table struct {
	columns []*sourceField
	byPath  map[string]*sourceField // by the path in its plain spelling
	opaque  map[string]bool         // lists that are declared, whose other items are not looked for
	items   map[string][]int        // the items that are declared, by the path of their list
	records int
}

// newTable gathers the columns of declared fields and of sampled records.
func newTable(fields []connector.Field, samples []connector.Record) *table {
	t := &table{byPath: map[string]*sourceField{}, opaque: map[string]bool{}, items: map[string][]int{}}
	for _, f := range fields {
		t.declare(f)
	}
	for _, r := range samples[:min(len(samples), maxSamples)] {
		t.sample(r)
	}
	t.markParents()
	for _, c := range t.columns {
		c.traits = traitsOf(c.cells)
	}
	t.columns = slices.DeleteFunc(t.columns, func(c *sourceField) bool { return c.nested })
	t.forgetCommonPrefix()
	return t
}

// declare adds a declared field. A field whose path cannot be read is none.
func (t *table) declare(f connector.Field) {
	pattern, err := path.ParsePattern(f.Path)
	if err != nil {
		return
	}
	if i := slices.IndexFunc(pattern, func(s path.Step) bool { return s.Every }); i >= 0 {
		t.opaque[pattern[:i].String()] = true
		return
	}
	key := pattern.String()
	if f.Type == connector.ListField {
		t.opaque[key] = true
	}
	if isTemplate(f.Path) || t.byPath[key] != nil || len(t.columns) >= maxColumns {
		return
	}
	for i, s := range pattern {
		if list := pattern[:i].String(); s.IsIndex && !slices.Contains(t.items[list], s.Index) {
			t.items[list] = append(t.items[list], s.Index)
			t.opaque[list] = true
		}
	}
	c := t.add(key, pattern)
	c.path, c.typ = f.Path, f.Type
	c.nested = f.Type == connector.ListField || f.Type == connector.ObjectField
	if f.Label != "" {
		c.label = nameWords{steps: [][]string{theVocabulary().split(f.Label)}}
	}
	if f.Example != "" {
		c.exemplify(f.Example)
	}
}

// markParents marks the columns that others stand in as lists or objects.
func (t *table) markParents() {
	for _, c := range t.columns {
		for i := range c.steps[1:] {
			if parent := t.byPath[c.steps[:i+1].String()]; parent != nil {
				parent.nested = true
			}
		}
	}
	for list := range t.opaque {
		if c := t.byPath[list]; c != nil {
			c.nested = true
		}
	}
}

// isTemplate reports whether a path would be read as a template where a mapping
// names it.
func isTemplate(p string) bool { return strings.Contains(p, "{{") || strings.Contains(p, "{%") }

// add adds a column that is not there.
func (t *table) add(key string, steps path.Path) *sourceField {
	c := &sourceField{path: key, steps: slices.Clone(steps), name: nameOf(steps)}
	t.columns = append(t.columns, c)
	t.byPath[key] = c
	return c
}

// exemplify takes a declared example for a value, until there are real ones.
func (c *sourceField) exemplify(text string) {
	raw := []byte(text)
	if c.typ != connector.NumberField && c.typ != connector.BooleanField || !isScalar(raw) {
		raw = appendString(nil, text)
	}
	c.cells = []cell{{raw: raw, text: text}}
	c.example = true
}

// isScalar reports whether a text is a JSON number, true or false.
func isScalar(raw []byte) bool {
	s := scanner{src: raw}
	var t token
	end := s.skip(0, 0, &t)
	return end == len(raw) && (t.kind == numberToken || t.kind == trueToken || t.kind == falseToken)
}

// sample adds the values of a record. One that is no JSON object, or that is
// very large, tells nothing.
func (t *table) sample(r connector.Record) {
	s := scanner{src: r}
	start := s.blank(0)
	if len(r) > maxSampleSize || start >= len(r) || r[start] != '{' {
		return
	}
	var whole token
	end := s.skip(start, 0, &whole)
	if end < 0 || s.blank(end) != len(r) {
		return
	}
	t.records++
	w := walker{table: t, s: &s}
	w.value(start, nil, false)
}

// A walker goes through a record whose grammar has been checked.
type walker struct {
	table *table
	s     *scanner
}

// value looks at the value at i and returns the index after it. Inside a list
// that is declared, known is true, and only what is declared is looked at.
func (w *walker) value(i int, at path.Path, known bool) int {
	var tok token
	end := w.s.skip(i, 0, &tok)
	if len(at) > maxSampleDepth {
		return end
	}
	key := at.String()
	switch tok.kind {
	case objectToken:
		w.table.note(key, at, known, cell{}, tok.kind)
		w.members(i, at, known)
	case arrayToken:
		w.table.note(key, at, known, cell{}, tok.kind)
		w.items(i, at, key, known)
	case nullToken:
		w.table.note(key, at, known, cell{}, tok.kind)
	default:
		w.table.note(key, at, known, cell{raw: w.s.src[i:end], text: textOf(w.s.src, tok)}, tok.kind)
	}
	return end
}

// pathTo returns the path to what stands inside the value at a path.
func pathTo(at path.Path, step path.Step) path.Path { return append(at[:len(at):len(at)], step) }

// members looks at the members of the object at i.
func (w *walker) members(i int, at path.Path, known bool) {
	s := w.s
	for i = s.blank(i + 1); s.src[i] != '}'; {
		if s.src[i] == ',' {
			i = s.blank(i + 1)
		}
		end, _, _ := s.text(i + 1)
		key := string(appendUnescaped(nil, s.src[i+1:end]))
		colon := s.blank(end + 1)
		i = s.blank(w.value(s.blank(colon+1), pathTo(at, path.Step{Key: key}), known))
	}
}

// items looks at the first item of the array at i, and at those that are
// declared. Of a list that is declared, it looks at these only.
func (w *walker) items(i int, at path.Path, key string, known bool) {
	s := w.s
	wanted := w.table.items[key]
	opaque := known || w.table.opaque[key]
	index := 0
	for i = s.blank(i + 1); s.src[i] != ']'; index++ {
		if s.src[i] == ',' {
			i = s.blank(i + 1)
		}
		if slices.Contains(wanted, index) || index == 0 && !opaque {
			i = s.blank(w.value(i, pathTo(at, path.Step{IsIndex: true, Index: index}), opaque))
			continue
		}
		var skipped token
		i = s.blank(s.skip(i, 0, &skipped))
	}
}

// textOf returns the text of a scalar.
func textOf(src []byte, tok token) string {
	if tok.escaped {
		return string(appendUnescaped(nil, src[tok.start:tok.end]))
	}
	return view(src[tok.start:tok.end])
}

// note adds a value of the record that is being looked at to its column.
func (t *table) note(key string, at path.Path, known bool, v cell, kind tokenKind) {
	c := t.byPath[key]
	if c == nil {
		if known || len(at) == 0 || len(key) > path.MaxLength || len(t.columns) >= maxColumns || isTemplate(key) || !utf8.ValidString(key) {
			return
		}
		c = t.add(key, at)
		if first := at[0].Key; len(at) > 1 && (first == "record" || first == "response") {
			c.path = "['" + first + "']" + strings.TrimPrefix(key, first) // without the quotes it would mean the whole record
		}
	}
	if c.last == t.records {
		return // the same key once more
	}
	c.last = t.records
	c.present++
	switch kind {
	case objectToken, arrayToken:
		c.nested = true
	case nullToken:
	default:
		c.take(v, kind)
	}
}

// take adds a value.
func (c *sourceField) take(v cell, kind tokenKind) {
	if c.typ == "" && kind != stringToken {
		c.typ = connector.NumberField
		if kind != numberToken {
			c.typ = connector.BooleanField
		}
	}
	if isBlank(v.text) {
		return
	}
	if c.example {
		c.example, c.cells = false, nil
	}
	c.filled++
	if len(c.cells) < maxColumnCells {
		c.cells = append(c.cells, v)
	}
}

// forgetCommonPrefix takes the words off the names that most of them begin with,
// such as the name of the vendor.
func (t *table) forgetCommonPrefix() {
	const fewest = 6
	for {
		count := map[string]int{}
		for _, c := range t.columns {
			if leaf := c.name.leaf(); len(leaf) > 1 {
				count[leaf[0]]++
			}
		}
		prefix := ""
		for word, n := range count {
			if 2*n > len(t.columns) && n >= fewest {
				prefix = word
			}
		}
		if prefix == "" {
			return
		}
		for _, c := range t.columns {
			if leaf := c.name.leaf(); len(leaf) > 1 && leaf[0] == prefix {
				c.name.steps[len(c.name.steps)-1] = leaf[1:]
			}
		}
	}
}
