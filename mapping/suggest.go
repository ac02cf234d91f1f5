package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
)

// A Proposal is what [Suggest] would map.
type Proposal struct {
	Key      string          // path of the vendor id; empty if nothing looks like one
	Fields   []Suggestion    // one for each target field that has a clear source, in the order of the object's fields
	SyncKeys []KeySuggestion // among Fields, in order of priority
	Doubtful []Suggestion    // what comes near for fields that are left unmapped, the best first
}

// A Suggestion is a source for a target field.
type Suggestion struct {
	To     string  // the target field
	From   string  // path of the source value
	Format Format  // how a date is written at the source; empty for what is no date
	Score  float64 // from 0 to 1
	Reason string  // one sentence for people
}

// A KeySuggestion is a sync key.
type KeySuggestion struct {
	Field  string // a unique target field
	Reason string // one sentence for people
}

// The scores from which a source is proposed, and from which it is worth being
// shown.
const (
	proposedFrom = 0.74
	doubtfulFrom = 0.2
)

// maxCandidates bounds the sources of one field that are looked at closely.
const maxCandidates = 24

// Suggest proposes how a vendor's records fill an object: which source for which
// field, by which fields records are matched, and where the vendor's own id is.
// It goes by the fields that the stream declares or that were discovered, by
// sampled records, or best by both; with neither it is an error.
//
// Every source is scored against every target by its path and label, word by
// word and by what vendors call the same, by its declared type, and by what its
// values look like. The assignment with the best total counts: one source for a
// field and one field for a source, but that a username may come from the e-mail
// address where there is nothing else. Lists and objects are never proposed; what
// is doubtful stays unmapped and is listed apart. A sync key is a unique field
// whose sampled values all differ and are no placeholders.
//
// The same input gives the same proposal. Of 10,000 fields, 100 records and 1 MiB
// of a record at most is taken note; the rest is passed over. A proposal is for a
// person to look at: roles, choices and units are not translated.
func Suggest(object string, s *Schema, source []connector.Field, samples []connector.Record) (Proposal, error) {
	o, ok := s.Object(object)
	if !ok {
		return Proposal{}, fmt.Errorf("suggest a mapping: %w", s.unknownObject(object))
	}
	if len(source) == 0 && len(samples) == 0 {
		return Proposal{}, errors.New("suggest a mapping: there are neither source fields nor sampled records; give one of them")
	}
	sg := newSuggester(o, newTable(source, samples))
	sg.rank()
	chosen := sg.assign()
	sg.shareEmail(chosen)
	p := Proposal{Key: sg.vendorID()}
	for i := range o.Fields {
		if c, ok := chosen[i]; ok {
			p.Fields = append(p.Fields, c.suggestion(&o.Fields[i]))
		}
	}
	p.Doubtful = sg.doubtful(chosen)
	p.SyncKeys = sg.syncKeys(chosen)
	if p.Key == "" {
		p.Key = sg.keyFor(chosen, p.SyncKeys)
	}
	return p, nil
}

// A candidate is a column for a field.
type candidate struct {
	column   *sourceField
	order    int     // of the column
	name     float64 // what its name says
	byLabel  bool    // its label says it
	score    float64
	evidence evidence
	shared   bool // it is the source of another field, too
}

// A suggester finds the sources of an object's fields.
type suggester struct {
	object     *Object
	lexicon    *lexicon
	table      *table
	concepts   map[string]concept
	ids        []alias
	spoilt     map[string]bool // fields whose names mean something else in these records
	fits       []columnFit     // by column
	candidates [][]candidate   // by field, the best first
}

func newSuggester(o *Object, t *table) *suggester {
	s := &suggester{
		object: o, lexicon: newLexicon(o), table: t, concepts: theVocabulary().concepts[o.Name], ids: idNames(o.Name),
		spoilt: map[string]bool{}, candidates: make([][]candidate, len(o.Fields)),
	}
	for field, c := range s.concepts {
		s.spoilt[field] = c.unless != "" && t.mentions(theVocabulary().split(c.unless))
	}
	for _, c := range t.columns {
		s.fits = append(s.fits, s.fit(c))
	}
	return s
}

// rank scores every column against every field that a mapping can fill.
func (s *suggester) rank() {
	for i := range s.object.Fields {
		if f := &s.object.Fields[i]; !f.Link {
			s.candidates[i] = s.named(f)
		}
	}
	j := &judge{table: s.table, ids: s.identities()}
	for i := range s.object.Fields {
		f := &s.object.Fields[i]
		list := s.candidates[i]
		for k := range list {
			list[k].judge(j, f, s.concepts[f.Name].looks)
		}
		slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	}
}

// named returns the columns whose names come near a field's, the best first.
func (s *suggester) named(f *Field) []candidate {
	var list []candidate
	for order, c := range s.table.columns {
		byPath, byLabel := s.fits[order].of(f.Name)
		best := max(byPath, byLabel)
		if best < doubtfulFrom/2 && !(f.Type == Email || f.Item == MAC) {
			continue
		}
		list = append(list, candidate{column: c, order: order, name: max(best, unnamed), byLabel: byLabel > byPath})
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(b.name, a.name) })
	return list[:min(len(list), maxCandidates)]
}

const (
	labelWeight = 0.95 // a label says a little less than a path
	unnamed     = 0.1  // the score of a column whose values alone speak for it
	inList      = 0.97 // what is left of the first item of a list: who knows what comes first
	partly      = 0.6  // what is left of a name that says more of another field
)

// A columnFit is how well the names of one column go with each field.
type columnFit struct {
	path, label map[string]fit
	words       [2]int // the words of the path and of the label that the best field explains
}

// of returns how well the path and the label go with a field. A name that says
// more words of another field is rather that field's: "user name" is no "name".
func (f *columnFit) of(field string) (byPath, byLabel float64) {
	score := func(fit fit, words int) float64 {
		if fit.words < words {
			return partly * fit.score
		}
		return fit.score
	}
	return score(f.path[field], f.words[0]), labelWeight * score(f.label[field], f.words[1])
}

// fit compares the names of a column with all fields.
func (s *suggester) fit(c *sourceField) columnFit {
	out := columnFit{path: s.fitName(&c.name), label: s.fitName(&c.label)}
	for i, fits := range []map[string]fit{out.path, out.label} {
		best := fit{}
		for k := range s.object.Fields {
			if f := fits[s.object.Fields[k].Name]; f.score > likely && f.words > best.words {
				best = f
			}
		}
		out.words[i] = best.words
	}
	return out
}

// fitName compares a name with all fields.
func (s *suggester) fitName(n *nameWords) map[string]fit {
	out := map[string]fit{}
	for i := range s.object.Fields {
		f := &s.object.Fields[i]
		best := fit{}
		for k := range s.lexicon.targets[f.Name] {
			a := &s.lexicon.targets[f.Name][k]
			got := s.lexicon.fit(n, a, f.Name, f.isDate())
			if s.spoilt[f.Name] && a.tier == likely {
				got.score *= perhaps
			}
			if got.score > best.score {
				best = got
			}
		}
		if best.score > 0 {
			out[f.Name] = best
		}
	}
	return out
}

// mentions reports whether any column has all these words in its name.
func (t *table) mentions(all []string) bool {
	return slices.ContainsFunc(t.columns, func(c *sourceField) bool {
		return !slices.ContainsFunc(all, func(w string) bool { return !c.name.has(w) })
	})
}

// identities returns the values by which the sampled users are known.
func (s *suggester) identities() map[string]bool {
	ids := map[string]bool{}
	if s.object.Name != "users" {
		return ids
	}
	for _, field := range []string{"username", "email", "employee_id"} {
		i := s.object.Field(field)
		if i < 0 {
			continue
		}
		for _, c := range s.candidates[i] {
			if c.name < likely {
				continue
			}
			for _, v := range c.column.cells {
				ids[strings.ToLower(trim(v.text))] = true
			}
		}
	}
	return ids
}

// judge gives a candidate its score.
func (c *candidate) judge(j *judge, f *Field, looks looks) {
	c.evidence = j.weigh(c.column, f, looks)
	c.score = c.name
	switch e := c.evidence.weight; {
	case looks == looksRole && !roleFits(c.column, f):
		c.evidence = against(0.5, "the host has roles of its own")
		c.score *= 0.5
	case e < 0:
		c.score *= 1 + e
	default: // good values make a fair name better, and not a bad one good
		c.score += (1 - c.score) * e * min(1, c.name/perhaps)
	}
	if c.column.name.items {
		c.score *= inList
	}
	if j.table.records > 0 {
		c.score *= 0.9 + 0.1*float64(c.column.filled)/float64(j.table.records)
	}
	c.score = math.Round(c.score*1000) / 1000
}

// assign gives each field at most one column and each column to at most one
// field, so that the sum of the scores is the greatest.
func (s *suggester) assign() map[int]candidate {
	var fields []int
	columns := map[int]int{} // by the order of a column its place in the matrix
	for i, list := range s.candidates {
		wanted := false
		for _, c := range list {
			if c.score >= proposedFrom {
				wanted = true
				if _, ok := columns[c.order]; !ok {
					columns[c.order] = len(columns)
				}
			}
		}
		if wanted {
			fields = append(fields, i)
		}
	}
	gains := make([][]int64, len(fields))
	at := make([]map[int]candidate, len(fields))
	for row, i := range fields {
		gains[row] = make([]int64, len(columns))
		at[row] = map[int]candidate{}
		for _, c := range s.candidates[i] {
			if c.score >= proposedFrom {
				k := columns[c.order]
				gains[row][k] = int64(c.score*1000)*maxColumns*2 - int64(c.order) // the first of equals
				at[row][k] = c
			}
		}
	}
	chosen := map[int]candidate{}
	for row, k := range bestAssignment(gains) {
		if c, ok := at[row][k]; ok {
			chosen[fields[row]] = c
		}
	}
	return chosen
}

// shareEmail lets a username and an e-mail address have one source: both are
// required, and people do sign in with their address.
func (s *suggester) shareEmail(chosen map[int]candidate) {
	username, email := s.object.Field("username"), s.object.Field("email")
	if username < 0 || email < 0 || !s.object.Fields[username].Required {
		return
	}
	name, hasName := chosen[username]
	mail, hasMail := chosen[email]
	switch {
	case hasMail && !hasName:
		mail.shared = true
		chosen[username] = mail
	case hasName && !hasMail && name.column.traits.total > 0 && name.column.traits.most(name.column.traits.email):
		name.shared = true
		chosen[email] = name
	}
}

// doubtful returns the best of what is left for the fields that are.
func (s *suggester) doubtful(chosen map[int]candidate) []Suggestion {
	used := map[int]bool{}
	for _, c := range chosen {
		used[c.order] = true
	}
	var out []Suggestion
	for i, list := range s.candidates {
		if _, ok := chosen[i]; ok {
			continue
		}
		if k := slices.IndexFunc(list, func(c candidate) bool { return !used[c.order] && c.score >= doubtfulFrom }); k >= 0 {
			out = append(out, list[k].suggestion(&s.object.Fields[i]))
		}
	}
	slices.SortStableFunc(out, func(a, b Suggestion) int { return cmp.Compare(b.Score, a.Score) })
	return out
}

// suggestion says what a candidate is, and why.
func (c candidate) suggestion(f *Field) Suggestion {
	return Suggestion{To: f.Name, From: c.column.path, Format: c.evidence.format, Score: c.score, Reason: c.reason(f)}
}

// reason says in one sentence why a candidate has its score.
func (c candidate) reason(f *Field) string {
	what := "path"
	if c.byLabel {
		what = "label"
	}
	var named string
	switch {
	case c.shared:
		named = "there is nothing else, and people sign in with their address"
	case c.name >= labelWeight*certain:
		named = fmt.Sprintf("the %s says %s", what, strings.ToLower(f.Label))
	case c.name >= labelWeight*likely:
		named = fmt.Sprintf("the %s is a usual name for %s", what, strings.ToLower(f.Label))
	case c.name > unnamed:
		named = fmt.Sprintf("the %s comes near %s", what, strings.ToLower(f.Label))
	default:
		named = fmt.Sprintf("the %s says nothing of it", what)
	}
	if c.evidence.why != "" {
		named += ", and " + c.evidence.why
	}
	return strings.ToUpper(named[:1]) + named[1:] + "."
}
