package template

import (
	"maps"
	"slices"
	"strings"
)

// absentStatements are the statements of Jinja that are no part of the language,
// and what to do instead.
var absentStatements = map[string]string{
	"for":        "a template has no loops; use filters such as map, select, join and sum",
	"include":    "a template reads no files",
	"import":     "a template reads no files",
	"from":       "a template reads no files",
	"extends":    "a template reads no files",
	"block":      "a template has no blocks",
	"macro":      "a template defines no macros",
	"call":       "a template defines no macros",
	"filter":     "write the filter behind the expression: {{ value | filter }}",
	"with":       "use {% set %}",
	"do":         "use {% set %}",
	"raw":        "write the text as a string: {{ '...' }}",
	"autoescape": "a template writes text, not HTML",
	"trans":      "a template has no translations",
	"break":      "a template has no loops",
	"continue":   "a template has no loops",
}

// closers are the statements that end the body of another.
var closers = map[string]string{
	"elif": "if", "else": "if", "endif": "if", "endset": "set", "endfor": "for",
}

// body reads text and tags up to the end, or to one of the closing statements,
// which it leaves.
func (p *parser) body(closing ...string) ([]part, error) {
	var parts []part
	for {
		t := p.next()
		switch t.kind {
		case tokenEnd:
			return parts, nil
		case tokenData:
			parts = append(parts, textPart(t.text))
		case tokenOpenValue:
			n, err := p.tuple(true, func(t token) bool { return t.kind == tokenCloseValue })
			if err != nil {
				return nil, err
			}
			if err := p.closeTag(tokenCloseValue, "}}"); err != nil {
				return nil, err
			}
			parts = append(parts, &valuePart{p.output(n), t.start})
		case tokenOpenBlock:
			name := p.peek()
			for _, c := range closing {
				if name.isName(c) {
					return parts, nil
				}
			}
			s, err := p.statement()
			if err != nil {
				return nil, err
			}
			parts = append(parts, s)
		default:
			return nil, p.fail(t.start, "%s has no meaning here", t.describe())
		}
	}
}

// closeTag goes past the end of a tag.
func (p *parser) closeTag(kind tokenKind, end string) error {
	t := p.peek()
	if t.kind == kind {
		p.pos++
		return nil
	}
	if t.kind == tokenName {
		return p.fail(t.start, "an operator, a filter or %s is missing before %s", end, t.describe())
	}
	return p.fail(t.start, "%s is missing before %s", end, t.describe())
}

// statement reads {% if %} or {% set %}, behind its {%.
func (p *parser) statement() (part, error) {
	t := p.next()
	if t.kind != tokenName {
		return nil, p.fail(t.start, "the name of a statement is missing; there are if and set")
	}
	switch t.text {
	case "if":
		return p.condition()
	case "set":
		return p.set()
	}
	if opener, ok := closers[t.text]; ok {
		return nil, p.fail(t.start, "{%% %s %%} without {%% %s %%} before it", t.text, opener)
	}
	if advice, ok := absentStatements[t.text]; ok {
		return nil, p.fail(t.start, "{%% %s %%} is no part of the language: %s", t.text, advice)
	}
	return nil, p.fail(t.start, "there is no statement %s; there are if and set", t.text)
}

// condition reads the rest of {% if %}, to its {% endif %}.
func (p *parser) condition() (part, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	at := p.tokens[p.pos-1].start
	never := p.fail(at, "this if is never ended; write {%% endif %%}")
	before := p.assigned
	var ends []map[string]bool // what is assigned at the end of each branch
	body := func(closing ...string) ([]part, error) {
		p.assigned = maps.Clone(before)
		parts, err := p.body(closing...)
		ends = append(ends, p.assigned)
		return parts, err
	}
	n := &ifPart{}
	for {
		test, err := p.tuple(false, func(t token) bool { return t.kind == tokenCloseBlock })
		if err != nil {
			return nil, err
		}
		if err := p.closeTag(tokenCloseBlock, "%}"); err != nil {
			return nil, err
		}
		parts, err := body("elif", "else", "endif")
		if err != nil {
			return nil, err
		}
		n.branches = append(n.branches, branch{test, parts})
		if !p.skipName("elif") {
			break
		}
	}
	last := before
	if p.skipName("else") {
		if err := p.closeTag(tokenCloseBlock, "%}"); err != nil {
			return nil, err
		}
		var err error
		if n.other, err = body("endif"); err != nil {
			return nil, err
		}
		last = p.assigned
		ends = ends[:len(ends)-1]
	}
	if !p.skipName("endif") {
		return nil, never
	}
	if err := p.joinBranches(at, before, ends, last); err != nil {
		return nil, err
	}
	return n, p.closeTag(tokenCloseBlock, "%}")
}

// joinBranches finds what is assigned behind an if, of what is before it and at
// the ends of its branches and of its else. In the compatible mode it counts as
// Jinja does: all elif together are one branch, there or not, and a name assigned
// in some but not all branches must be a variable.
func (p *parser) joinBranches(at int, before map[string]bool, ends []map[string]bool, last map[string]bool) error {
	every := slices.Concat(ends, []map[string]bool{last})
	if !p.typed {
		others := maps.Clone(before)
		for _, end := range ends[1:] {
			maps.Copy(others, end)
		}
		every = []map[string]bool{ends[0], others, last}
	}
	p.assigned = maps.Clone(before)
	for _, end := range every {
		for name := range end {
			in := 0
			for _, other := range every {
				if other[name] {
					in++
				}
			}
			switch {
			case in == len(every):
				p.assigned[name] = true
			case !p.typed && p.names != nil && !slices.Contains(p.names, name):
				return p.fail(at, "%s gets a value in some branches of this if and not in others; set it before the if", name)
			}
		}
	}
	return nil
}

// set reads the rest of {% set name = value %}.
func (p *parser) set() (part, error) {
	t := p.next()
	if t.kind != tokenName || isKeyword(t.text) {
		return nil, p.fail(t.start, "a name is missing behind set")
	}
	switch next := p.peek(); {
	case next.isOp("."):
		return nil, p.fail(next.start, "set gives a name a value, not a member of something; namespace is no part of the language")
	case next.isOp(","):
		return nil, p.fail(next.start, "set gives one name a value")
	case next.kind == tokenCloseBlock || next.isOp("|"):
		return nil, p.fail(next.start, "set needs a value: {%% set %s = ... %%}", t.text)
	}
	if err := p.expectOp("="); err != nil {
		return nil, err
	}
	value, err := p.tuple(true, func(t token) bool { return t.kind == tokenCloseBlock })
	if err != nil {
		return nil, err
	}
	slot, ok := p.locals[t.text]
	if !ok {
		slot = len(p.locals)
		p.locals[t.text] = slot
	}
	p.assigned[t.text] = true
	return &setPart{slot, value}, p.closeTag(tokenCloseBlock, "%}")
}

// callsMutator says that tokens call a method that changes its list or dict.
func callsMutator(tokens []token) bool {
	for i := 2; i < len(tokens); i++ {
		if tokens[i].isOp("(") && tokens[i-1].kind == tokenName && tokens[i-2].isOp(".") && mutators[tokens[i-1].text] {
			return true
		}
	}
	return false
}

// number gives the refs their slots, and returns the distinct ones.
func (p *parser) number() []Ref {
	var refs []Ref
	slots := map[string]int{}
	for _, n := range p.refs {
		end := len(n.path)
		for end > 0 && n.path[end-1].IsIndex {
			end--
		}
		for _, step := range n.path[end:] {
			n.indexes = append(n.indexes, step.Index)
		}
		n.path = n.path[:end]
		id := n.name + "\x00" + n.path.String()
		slot, ok := slots[id]
		if !ok {
			slot = len(refs)
			slots[id] = slot
			refs = append(refs, Ref{n.name, n.path})
		}
		n.slot = slot
	}
	return refs
}

// newlines writes line ends as \n.
func newlines(text string) string {
	if strings.IndexByte(text, '\r') < 0 {
		return text
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}
