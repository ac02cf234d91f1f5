package mapping

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/vendorsync/vendorsync/internal/path"
)

// A weight says how much a word changes the meaning of a name it is added to.
type weight uint8

const (
	plainWord     weight = iota // an ordinary word
	noiseWord                   // means nothing
	ownWord                     // names the thing itself
	containerWord               // names a part of the record
	foreignWord                 // makes it something else
)

// maxWords bounds the words of one name that are looked at.
const maxWords = 24

// A lexicon is the vocabulary for the records of one object. It is immutable.
type lexicon struct {
	weights  map[string]weight
	carriers map[string]bool
	dates    map[string]bool
	contexts map[string]map[string]bool // by field the words that mean nothing above it
	targets  map[string][]alias         // by field
}

// An alias is one name that a target field goes by.
type alias struct {
	words []string
	tier  float64 // the score of a name that is exactly this
}

// The scores of names.
const (
	certain = 0.95
	likely  = 0.75
	perhaps = 0.45
)

// vocabulary holds what does not depend on the object.
type vocabulary struct {
	known     map[string]bool // words that a longer one is taken apart into
	spellings map[string]string
	joints    map[string]string
	concepts  map[string]map[string]concept // by object and field
	aliases   map[string]map[string][]alias // their names, word by word
}

// theVocabulary returns the vocabulary, which is made once and only read.
var theVocabulary = sync.OnceValue(func() *vocabulary {
	v := &vocabulary{known: map[string]bool{}, spellings: spellings(), joints: joints(), concepts: synonyms(), aliases: map[string]map[string][]alias{}}
	for _, w := range v.spellings {
		v.learn(w)
	}
	for _, list := range []string{noiseWords, containerWords, carrierWords, foreignWords} {
		v.learn(list)
	}
	for object, fields := range v.concepts {
		v.learn(ownWords(object))
		for _, c := range fields {
			v.learn(strings.NewReplacer(",", " ").Replace(c.names + "," + c.near + "," + c.faint))
		}
	}
	for object, fields := range v.concepts { // once all words are known
		v.aliases[object] = map[string][]alias{}
		for field := range fields {
			v.aliases[object][field] = v.aliasesOf(fields[field])
		}
	}
	return v
})

// aliasesOf returns the names of a concept.
func (v *vocabulary) aliasesOf(c concept) []alias {
	var out []alias
	for _, tier := range []struct {
		names string
		score float64
	}{{c.names, certain}, {c.near, likely}, {c.faint, perhaps}} {
		for name := range strings.SplitSeq(tier.names, ",") {
			if split := v.split(name); len(split) > 0 {
				out = append(out, alias{split, tier.score})
			}
		}
	}
	return out
}

// learn adds the words of a text to those that are known.
func (v *vocabulary) learn(text string) {
	for word := range strings.FieldsSeq(text) {
		v.known[singular(word)] = true
	}
}

// split returns the words of a name, in lower case and in the singular,
// abbreviations written out.
func (v *vocabulary) split(name string) []string {
	if i := strings.LastIndexByte(name, ':'); i >= 0 && strings.HasPrefix(name, "urn:") {
		name = name[i+1:]
	}
	var out []string
	for _, word := range v.join(chunks(name)) {
		if len(word) > 2 && allDigits(word) {
			continue // the number of a custom field
		}
		out = v.appendWord(out, word)
		if len(out) > maxWords {
			return out[:maxWords]
		}
	}
	return out
}

// chunks takes a name apart where its case changes and at everything that is
// neither letter nor digit.
func chunks(name string) []string {
	var out []string
	start := -1
	flush := func(end int) {
		if start >= 0 && end > start && len(out) < maxWords {
			out = append(out, strings.ToLower(name[start:end]))
		}
		start = -1
	}
	var before rune
	for i, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush(i)
		case start >= 0 && breaks(before, r, name[i+utf8.RuneLen(max(r, 0)):]):
			flush(i)
			start = i
		case start < 0:
			start = i
		}
		before = r
	}
	flush(len(name))
	return out
}

// breaks reports whether a new word begins with r: after a small letter comes a
// capital one ("osVersion"), or the last of several capitals begins a word
// ("OSVersion"), or a letter comes after a digit or a digit after a letter.
func breaks(before, r rune, rest string) bool {
	if !unicode.IsUpper(r) {
		return unicode.IsDigit(r) != unicode.IsDigit(before)
	}
	if !unicode.IsUpper(before) {
		return true
	}
	next, _ := utf8.DecodeRuneInString(rest)
	return unicode.IsLower(next) && !plural(rest)
}

// plural reports whether a rest of a name is the s of a plural in capitals, as
// in "IDs".
func plural(rest string) bool {
	if !strings.HasPrefix(rest, "s") {
		return false
	}
	next, _ := utf8.DecodeRuneInString(rest[1:])
	return rest == "s" || !unicode.IsLower(next)
}

// join puts together what only its spelling took apart.
func (v *vocabulary) join(parts []string) []string {
	out := parts[:0:0]
	for i := 0; i < len(parts); i++ {
		if i+1 < len(parts) {
			if whole, ok := v.joints[parts[i]+" "+parts[i+1]]; ok {
				out = append(out, whole)
				i++
				continue
			}
		}
		out = append(out, parts[i])
	}
	return out
}

// appendWord appends what a chunk of a name means: one word, or several that
// were written together.
func (v *vocabulary) appendWord(out []string, chunk string) []string {
	if full, ok := v.spellings[chunk]; ok {
		return append(out, strings.Fields(full)...)
	}
	word := singular(chunk)
	if full, ok := v.spellings[word]; ok {
		return append(out, strings.Fields(full)...)
	}
	if v.known[word] {
		return append(out, word)
	}
	if parts := v.apart(chunk); parts != nil {
		for _, part := range parts {
			out = v.appendWord(out, part)
		}
		return out
	}
	return append(out, word)
}

// maxApart is the longest text that is taken apart into known words.
const maxApart = 48

// apart takes "samaccountname" apart into the fewest known words, or returns nil.
func (v *vocabulary) apart(text string) []string {
	if len(text) > maxApart || !isASCII(text) {
		return nil
	}
	// best[i] is where the last word of the best way to write text[:i] begins, and
	// count[i] how many words there are.
	best, count := make([]int, len(text)+1), make([]int, len(text)+1)
	for end := 1; end <= len(text); end++ {
		for start := range end - 1 { // a word has two letters at least
			if (start == 0 || count[start] > 0) && v.isWord(text[start:end]) && (count[end] == 0 || count[start]+1 < count[end]) {
				best[end], count[end] = start, count[start]+1
			}
		}
	}
	if count[len(text)] < 2 {
		return nil
	}
	var out []string
	for end := len(text); end > 0; end = best[end] {
		out = append(out, text[best[end]:end])
	}
	slices.Reverse(out)
	return out
}

func (v *vocabulary) isWord(text string) bool {
	if _, ok := v.spellings[text]; ok && len(text) > 3 {
		return true
	}
	return v.known[text] || v.known[singular(text)]
}

// singular takes the s of a plural off.
func singular(word string) string {
	switch {
	case len(word) <= 3, !strings.HasSuffix(word, "s"):
		return word
	case strings.HasSuffix(word, "sses"):
		return word[:len(word)-2]
	case strings.HasSuffix(word, "ies") && len(word) > 4:
		return word[:len(word)-3] + "y"
	case strings.HasSuffix(word, "ss"), strings.HasSuffix(word, "us"), strings.HasSuffix(word, "is"), strings.HasSuffix(word, "os"):
		return word
	}
	return word[:len(word)-1]
}

// newLexicon makes the vocabulary for an object and the names of its fields.
func newLexicon(o *Object) *lexicon {
	v := theVocabulary()
	l := &lexicon{weights: map[string]weight{}, carriers: wordSet(carrierWords), dates: wordSet(dateWords), contexts: map[string]map[string]bool{}, targets: map[string][]alias{}}
	for _, list := range []struct {
		words string
		weight
	}{{foreignWords, foreignWord}, {containerWords, containerWord}, {ownWords(o.Name), ownWord}, {noiseWords, noiseWord}} {
		for word := range wordSet(list.words) {
			l.weights[word] = list.weight
		}
	}
	for i := range o.Fields {
		f := &o.Fields[i]
		l.contexts[f.Name] = wordSet(v.concepts[o.Name][f.Name].context)
		for _, own := range []string{f.Name, f.Label} {
			if split := l.content(v.split(own)); len(split) > 0 {
				l.targets[f.Name] = append(l.targets[f.Name], alias{split, certain})
			}
		}
		l.targets[f.Name] = append(l.targets[f.Name], v.aliases[o.Name][f.Name]...)
	}
	return l
}

// wordSet returns the words of a list, in the singular.
func wordSet(list string) map[string]bool {
	out := map[string]bool{}
	for word := range strings.FieldsSeq(list) {
		out[singular(word)] = true
	}
	return out
}

// content returns the words that mean something; all of them if none does.
func (l *lexicon) content(all []string) []string {
	out := slices.DeleteFunc(slices.Clone(all), func(w string) bool { return l.weights[w] == noiseWord })
	if len(out) == 0 {
		return all
	}
	return out
}

// nameWords are the words of a path or a label, step by step from the top.
type nameWords struct {
	steps [][]string
	items bool // it leads into a list
	index int  // the largest index of an item on the way
	pairs bool // it leads into a list of attributes, which are in no order
}

// nameOf returns the name that a path is.
func nameOf(p path.Path) nameWords {
	var n nameWords
	for _, step := range p {
		if step.IsIndex {
			n.items = true
			n.index = max(n.index, step.Index)
			n.pairs = n.pairs || isPairs(n.leaf())
			continue
		}
		if w := theVocabulary().split(step.Key); len(w) > 0 {
			n.steps = append(n.steps, w)
		}
	}
	return n
}

// isPairs reports whether a list of that name holds attributes of all kinds.
func isPairs(list []string) bool {
	return slices.ContainsFunc(list, func(w string) bool {
		return w == "attribute" || w == "property" || w == "tag" || w == "custom" || w == "field"
	})
}

// leaf returns the words of the last step.
func (n *nameWords) leaf() []string {
	if len(n.steps) == 0 {
		return nil
	}
	return n.steps[len(n.steps)-1]
}

// has reports whether a word is in the name.
func (n *nameWords) has(word string) bool {
	return slices.ContainsFunc(n.steps, func(step []string) bool { return slices.Contains(step, word) })
}

// How much is left of a score for each word that an alias does not explain.
const (
	foreignInLeaf = 0.3
	plainInLeaf   = 0.5
	ownAnywhere   = 0.96
	carrierBeside = 0.85 // a carrier beside other words, as in "model_number"
	carrierAlone  = 0.98 // a carrier alone, as in "model.name"
	foreignAbove  = 0.35
	plainAbove    = 0.5
	aboveClear    = 0.8 // above a name of several words, which is clear by itself
	laterItem     = 0.5
	listOfPairs   = 0.5 // the items of attributes[], properties[]: whatever comes first
)

// A fit is how well a name goes with an alias.
type fit struct {
	score float64
	words int // how many words of the alias explain
}

// fit returns how well a name goes with an alias of a field: 0 where a word of
// the alias is missing, its tier where nothing but the alias is said.
func (l *lexicon) fit(n *nameWords, a *alias, field string, date bool) fit {
	for _, w := range a.words {
		if !n.has(w) {
			return fit{}
		}
	}
	leaf := l.leaf(n)
	if !l.anchored(n, a, leaf) {
		return fit{}
	}
	score := a.tier
	for i, step := range n.steps {
		for _, w := range step {
			switch {
			case i < leaf && isPairs(step): // such as type_fields, which holds fields of all kinds
				score *= ownAnywhere
			case slices.Contains(a.words, w), l.weights[w] == noiseWord, date && l.dates[w], i < leaf && l.contexts[field][w]:
			case i >= leaf:
				score *= l.inLeaf(w, len(step) == 1)
			default:
				score *= l.above(w, len(a.words) > 1)
			}
		}
	}
	if n.index > 0 {
		score *= laterItem
	}
	if n.pairs {
		score *= listOfPairs
	}
	return fit{score: score, words: len(a.words)}
}

// inLeaf returns what a word of the last step leaves of a score.
func (l *lexicon) inLeaf(w string, alone bool) float64 {
	switch {
	case l.carriers[w] && alone:
		return carrierAlone
	case l.carriers[w]:
		return carrierBeside
	}
	switch l.weights[w] {
	case foreignWord:
		return foreignInLeaf
	case ownWord, containerWord:
		return ownAnywhere
	default:
		return plainInLeaf
	}
}

// above returns what a word above the last step leaves of a score.
func (l *lexicon) above(w string, clearly bool) float64 {
	switch l.weights[w] {
	case foreignWord:
		return foreignAbove
	case ownWord, containerWord:
		return ownAnywhere
	default:
	}
	if clearly {
		return aboveClear
	}
	return plainAbove
}

// leaf returns the index of the last step that says something.
func (l *lexicon) leaf(n *nameWords) int {
	for i := len(n.steps) - 1; i > 0; i-- {
		if slices.ContainsFunc(n.steps[i], func(w string) bool { return l.weights[w] != noiseWord }) {
			return i
		}
	}
	return 0
}

// anchored reports whether a word of the alias stands in the last step, or in the
// one above where the last step only carries the value.
func (l *lexicon) anchored(n *nameWords, a *alias, leaf int) bool {
	if len(n.steps) == 0 {
		return false
	}
	in := func(w string) bool { return slices.Contains(a.words, w) }
	if slices.ContainsFunc(n.steps[leaf], in) {
		return true
	}
	carries := !slices.ContainsFunc(n.steps[leaf], func(w string) bool { return !l.carriers[w] && l.weights[w] != noiseWord })
	return carries && leaf > 0 && slices.ContainsFunc(n.steps[leaf-1], in)
}
