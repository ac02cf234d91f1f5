package template

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/vendorsync/vendorsync/internal/excerpt"
	"github.com/vendorsync/vendorsync/internal/nearest"
	"github.com/vendorsync/vendorsync/internal/path"
)

// parser reads tokens into nodes. An operator's priority is the function that
// reads it, as in Jinja, whose grammar this is: or, and, not, comparison, + and -,
// ~, * / // %, **, sign, filter and test, member and call.
type parser struct {
	text   string
	tokens []token
	pos    int
	depth  int
	limits Limits
	lib    *library
	typed  bool
	names  []string // nil is any

	locals   map[string]int  // the slot of each name that {% set %} gives a value
	assigned map[string]bool // those that have one at this place, whatever the conditions were
	refs     []*refNode
	mutates  bool // a method is called that changes a list or dict
	impure   bool // a function is called whose result is not the same each time
}

// chainFactor is how many times longer a row of operators may be than their
// nesting is deep.
const chainFactor = 10

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) next() token {
	t := p.tokens[p.pos]
	if t.kind != tokenEnd {
		p.pos++
	}
	return t
}

// isOp says that the token is an operator.
func (t token) isOp(op string) bool { return t.kind == tokenOperator && t.text == op }

// isName says that the token is a name.
func (t token) isName(name string) bool { return t.kind == tokenName && t.text == name }

// skipOp goes past an operator if it is the next token.
func (p *parser) skipOp(op string) bool {
	if p.peek().isOp(op) {
		p.pos++
		return true
	}
	return false
}

// skipName goes past a name if it is the next token.
func (p *parser) skipName(name string) bool {
	if p.peek().isName(name) {
		p.pos++
		return true
	}
	return false
}

func (p *parser) fail(at int, format string, args ...any) error {
	return errorAt(p.text, at, ErrSyntax, fmt.Sprintf(format, args...))
}

// expectOp goes past an operator that must be there.
func (p *parser) expectOp(op string) error {
	if p.skipOp(op) {
		return nil
	}
	t := p.peek()
	return p.fail(t.start, "%s is missing before %s", op, t.describe())
}

// describe names a token for a message.
func (t token) describe() string {
	switch t.kind {
	case tokenEnd:
		return "the end of the text"
	case tokenData:
		return "text"
	case tokenString:
		return "a string"
	case tokenName:
		return strconv.Quote(t.text)
	default:
		return t.text
	}
}

// enter goes one expression deeper.
func (p *parser) enter() error {
	if p.depth++; p.depth > p.limits.Depth {
		return errorAt(p.text, p.peek().start, ErrLimit,
			fmt.Sprintf("more than %d expressions are nested in one another here", p.limits.Depth))
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// chain bounds the length of a row of operators.
func (p *parser) chain(n int) error {
	if most := chainFactor * p.limits.Depth; n > most {
		return errorAt(p.text, p.peek().start, ErrLimit,
			fmt.Sprintf("more than %d operators are in a row here", most))
	}
	return nil
}

// expression reads an expression with its condition.
func (p *parser) expression() (node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	value, err := p.or()
	if err != nil {
		return nil, err
	}
	for n := 1; p.skipName("if"); n++ {
		if err := p.chain(n); err != nil {
			return nil, err
		}
		cond := &condNode{then: value, other: constNode{}}
		if cond.test, err = p.or(); err != nil {
			return nil, err
		}
		if p.skipName("else") {
			if cond.other, err = p.expression(); err != nil {
				return nil, err
			}
		}
		value = cond
	}
	return value, nil
}

// tuple reads an expression, or several with commas between them.
func (p *parser) tuple(withCondition bool, end func(token) bool) (node, error) {
	read := p.expression
	if !withCondition {
		read = p.or
	}
	first, err := read()
	if err != nil || !p.peek().isOp(",") {
		return first, err
	}
	items := []node{first}
	for p.skipOp(",") {
		if end(p.peek()) {
			break
		}
		item, err := read()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return p.literal(&listNode{kind: KindTuple, items: items}, items), nil
}

// literal returns a list, tuple or dict whose parts are constants as a constant,
// unless a method may change it.
func (p *parser) literal(n node, parts []node) node {
	if p.mutates {
		return n
	}
	for _, part := range parts {
		if _, ok := part.(constNode); !ok {
			return n
		}
	}
	var s Scratch
	c := &run{t: &Template{text: p.text}, s: &s, limits: &p.limits, typed: p.typed}
	v, err := n.eval(c)
	if err != nil {
		return n // the fault is one of the evaluation
	}
	return constNode{v}
}

func (p *parser) or() (node, error)  { return p.logical("or", p.and) }
func (p *parser) and() (node, error) { return p.logical("and", p.not) }

func (p *parser) logical(op string, operand func() (node, error)) (node, error) {
	left, err := operand()
	for n := 1; err == nil && p.skipName(op); n++ {
		if err := p.chain(n); err != nil {
			return nil, err
		}
		var right node
		if right, err = operand(); err != nil {
			return nil, err
		}
		left = &logicNode{or: op == "or", left: left, right: right}
	}
	return left, err
}

func (p *parser) not() (node, error) {
	if !p.skipName("not") {
		return p.compare()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	operand, err := p.not()
	if err != nil {
		return nil, err
	}
	return &notNode{operand}, nil
}

// comparison returns the comparison that comes next, if one does.
func (p *parser) comparison() (op compareOp, ok bool) {
	t := p.peek()
	switch {
	case t.kind == tokenOperator:
		op, ok = compareOps[t.text]
	case t.isName("in"):
		op, ok = opIn, true
	case t.isName("not") && p.tokens[p.pos+1].isName("in"):
		p.pos++
		op, ok = opNotIn, true
	}
	if ok {
		p.pos++
	}
	return op, ok
}

func (p *parser) compare() (node, error) {
	left, err := p.sum()
	if err != nil {
		return nil, err
	}
	at := p.peek().start
	op, ok := p.comparison()
	if !ok {
		return left, p.singleEquals()
	}
	n := &compareNode{left: left, at: at}
	for ok {
		if err := p.chain(len(n.ops)); err != nil {
			return nil, err
		}
		right, err := p.sum()
		if err != nil {
			return nil, err
		}
		n.ops = append(n.ops, comparison{op, right})
		op, ok = p.comparison()
	}
	return n, p.singleEquals()
}

// singleEquals finds = where == is meant.
func (p *parser) singleEquals() error {
	if t := p.peek(); t.isOp("=") {
		return p.fail(t.start, "= has no meaning here; write == to compare")
	}
	return nil
}

// binary reads operands with operators of one priority between them.
func (p *parser) binary(operand func() (node, error), ops ...string) (node, error) {
	left, err := operand()
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		t := p.peek()
		if t.kind != tokenOperator || !slices.Contains(ops, t.text) {
			return left, nil
		}
		if err := p.chain(n); err != nil {
			return nil, err
		}
		p.pos++
		right, err := operand()
		if err != nil {
			return nil, err
		}
		left = &mathNode{op: t.text, left: left, right: right, at: t.start}
	}
}

func (p *parser) sum() (node, error) { return p.binary(p.concat, "+", "-") }

func (p *parser) concat() (node, error) {
	first, err := p.product()
	if err != nil || !p.peek().isOp("~") {
		return first, err
	}
	n := &concatNode{parts: []node{first}, at: p.peek().start}
	for p.skipOp("~") {
		part, err := p.product()
		if err != nil {
			return nil, err
		}
		n.parts = append(n.parts, part)
	}
	return n, nil
}

func (p *parser) product() (node, error) { return p.binary(p.power, "*", "/", "//", "%") }

func (p *parser) power() (node, error) {
	return p.binary(func() (node, error) { return p.unary(true) }, "**")
}

func (p *parser) unary(withFilter bool) (node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	t := p.peek()
	var (
		n   node
		err error
	)
	if t.isOp("-") || t.isOp("+") {
		p.pos++
		operand, err := p.unary(false)
		if err != nil {
			return nil, err
		}
		n = p.sign(t, operand)
	} else if n, err = p.primary(); err != nil {
		return nil, err
	}
	if n, err = p.postfix(n, t.start); err != nil || !withFilter {
		return n, err
	}
	return p.filters(n)
}

// sign returns an operand with its sign; that of a constant number is read now.
func (p *parser) sign(t token, operand node) node {
	n := &signNode{minus: t.text == "-", operand: operand, at: t.start}
	if c, ok := operand.(constNode); ok {
		if v, err := signed(c.v, n.minus); err == nil {
			return constNode{v}
		}
	}
	return n
}

func (p *parser) primary() (node, error) {
	t := p.next()
	switch t.kind {
	case tokenName:
		return p.name(t)
	case tokenString:
		text := t.text
		for p.peek().kind == tokenString {
			text += p.next().text
		}
		return constNode{String(text)}, nil
	case tokenInt:
		return p.integer(t)
	case tokenFloat:
		f, _ := strconv.ParseFloat(t.text, 64) // out of range is infinite, as in Python
		return constNode{Float(f)}, nil
	case tokenOperator:
		switch t.text {
		case "(":
			return p.parenthesis()
		case "[":
			return p.list()
		case "{":
			return p.dict()
		}
	case tokenCloseValue, tokenCloseBlock, tokenEnd:
		return nil, p.fail(t.start, "an expression is missing before %s", t.describe())
	default:
	}
	return nil, p.fail(t.start, "an expression does not begin with %s", t.describe())
}

// integer reads a whole number of any base.
func (p *parser) integer(t token) (node, error) {
	if n, err := strconv.ParseInt(t.text, 0, 64); err == nil && !strings.HasPrefix(t.text, "00") {
		return constNode{Int(n)}, nil
	}
	if strings.Trim(t.text, "0") == "" {
		return constNode{Int(0)}, nil
	}
	n, ok := new(big.Int), false
	if len(t.text) <= p.limits.Bits/3 {
		n, ok = n.SetString(t.text, 0)
	}
	if !ok || n.BitLen() > p.limits.Bits {
		return nil, errorAt(p.text, t.start, ErrLimit, "this number is too large, or none")
	}
	return constNode{bigInt(n)}, nil
}

// name reads a constant, a variable, or the call of a function.
func (p *parser) name(t token) (node, error) {
	switch t.text {
	case "true", "True":
		return constNode{Bool(true)}, nil
	case "false", "False":
		return constNode{Bool(false)}, nil
	case "none", "None":
		return constNode{Null()}, nil
	case "null":
		if p.names != nil && !slices.Contains(p.names, "null") {
			return nil, p.fail(t.start, "there is no null here; write none")
		}
	}
	if isKeyword(t.text) {
		return nil, p.fail(t.start, "an expression does not begin with %s", t.describe())
	}
	slot, local := p.locals[t.text]
	if local && p.assigned[t.text] {
		return &localNode{slot}, nil
	}
	isVariable := slices.Contains(p.names, t.text)
	fn := p.lib.functions[t.text]
	switch {
	case fn != nil && !local && p.peek().isOp("(") && !isVariable:
		return p.call(fn, nil, t)
	case t.text == "namespace" && p.peek().isOp("("):
		return nil, p.fail(t.start, "namespace is no part of the language; {%% set %%} keeps its value behind {%% endif %%}")
	case p.peek().isOp("(") && !isVariable && !local:
		return nil, p.unknown(t.start, "function", t.text, keysOf(p.lib.functions))
	case fn != nil && !local && !isVariable && p.names != nil:
		return nil, p.fail(t.start, "%s is a function; write %s()", t.text, t.text)
	case p.names == nil || isVariable:
		n := p.newRef(t.text)
		if local {
			return &maybeNode{slot, n}, nil
		}
		return n, nil
	case local && p.typed:
		return &maybeNode{slot, constNode{}}, nil
	}
	return nil, p.unknown(t.start, "variable", t.text, p.names)
}

// unknown returns the error for a name that is none of the names there are.
func (p *parser) unknown(at int, what, name string, names []string) error {
	names = slices.Sorted(slices.Values(names))
	if n := nearest.Name(name, names); n != "" {
		return p.fail(at, "there is no %s %s here; did you mean %s?", what, name, n)
	}
	if what == "variable" && len(names) > 0 && len(names) <= 12 {
		return p.fail(at, "there is no variable %s here; there are %s", name, strings.Join(names, ", "))
	}
	return p.fail(at, "there is no %s %s here", what, name)
}

func keysOf[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}

// parenthesis reads what is in parentheses.
func (p *parser) parenthesis() (node, error) {
	if p.skipOp(")") {
		return constNode{tuple()}, nil
	}
	n, err := p.tuple(true, func(t token) bool { return t.isOp(")") })
	if err != nil {
		return nil, err
	}
	return n, p.expectOp(")")
}

func (p *parser) list() (node, error) {
	var items []node
	for !p.skipOp("]") {
		if len(items) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
			if p.skipOp("]") {
				break
			}
		}
		item, err := p.expression()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return p.literal(&listNode{kind: KindList, items: items}, items), nil
}

func (p *parser) dict() (node, error) {
	at := p.tokens[p.pos-1].start
	var parts []node
	for !p.skipOp("}") {
		if len(parts) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
			if p.skipOp("}") {
				break
			}
		}
		key, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.expectOp(":"); err != nil {
			return nil, err
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		parts = append(parts, key, value)
	}
	return p.literal(&dictNode{parts: parts, at: at}, parts), nil
}

// postfix reads the members, items and calls behind an expression that begins at
// a byte.
func (p *parser) postfix(n node, start int) (node, error) {
	for i := 1; ; i++ {
		if err := p.chain(i); err != nil {
			return nil, err
		}
		t := p.peek()
		var err error
		switch {
		case t.isOp("."):
			n, err = p.member(n, start)
		case t.isOp("["):
			n, err = p.subscript(n, start)
		case t.isOp("("):
			return nil, p.fail(t.start, "%s cannot be called; functions and methods can", excerpt.Of(p.text[start:p.tokens[p.pos-1].end]))
		default:
			return n, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// member reads a dot and what it names.
func (p *parser) member(n node, start int) (node, error) {
	dot := p.next()
	source := p.text[start:dot.start]
	t := p.next()
	switch t.kind {
	case tokenInt:
		index, err := p.integer(t)
		if err != nil {
			return nil, err
		}
		return p.item(n, index, dot.start, source), nil
	case tokenName:
	default:
		return nil, p.fail(t.start, "a member's name is missing behind the dot; one with other characters is written ['in brackets']")
	}
	if p.peek().isOp("(") {
		return p.method(n, t, source)
	}
	if ref, ok := n.(*refNode); ok && ref.folds(p) {
		ref.path = append(ref.path, path.Step{Key: t.text})
		return ref, nil
	}
	return &attrNode{object: n, name: t.text, at: t.start, source: source}, nil
}

// item returns an item node, or a longer ref if it is named by a constant.
func (p *parser) item(n, index node, at int, source string) node {
	ref, isRef := n.(*refNode)
	c, isConst := index.(constNode)
	if isRef && isConst && ref.folds(p) {
		switch i, ok := c.v.AsInt(); {
		case c.v.kind == KindString:
			ref.path = append(ref.path, path.Step{Key: c.v.str})
			return ref
		case ok && i == int64(int(i)):
			ref.path = append(ref.path, path.Step{Index: int(i), IsIndex: true})
			return ref
		}
	}
	return &itemNode{object: n, index: index, at: at, source: source}
}

// subscript reads brackets with a key, an index or a slice.
func (p *parser) subscript(n node, start int) (node, error) {
	open := p.next()
	source := p.text[start:open.start]
	if p.peek().isOp("]") {
		return nil, p.fail(open.start, "a key or an index is missing between the brackets")
	}
	var bounds [3]node
	slices, at := false, 0
	for !p.peek().isOp("]") {
		switch {
		case p.peek().isOp(":") && at < 2:
			p.pos++
			slices = true
			at++
			continue
		case p.peek().isOp(","):
			return nil, p.fail(p.peek().start, "one key or index stands between brackets")
		case bounds[at] != nil:
			return nil, p.expectOp("]")
		}
		bound, err := p.expression()
		if err != nil {
			return nil, err
		}
		bounds[at] = bound
	}
	if err := p.expectOp("]"); err != nil {
		return nil, err
	}
	if slices {
		return &sliceNode{object: n, bounds: bounds, at: open.start, source: source}, nil
	}
	return p.item(n, bounds[0], open.start, source), nil
}

// output returns a node that is written. Jinja reads one of constants at load, and
// is lenient only then: a slice of what has no parts gives undefined.
func (p *parser) output(value node) node {
	n, ok := value.(*sliceNode)
	if p.typed || !ok {
		return value
	}
	var bounds [3]Value
	for i, b := range n.bounds {
		c, ok := b.(constNode)
		if b != nil && !ok {
			return n
		}
		bounds[i] = c.v
	}
	object, ok := n.object.(constNode)
	if !ok {
		return n
	}
	c := &run{t: &Template{}, limits: &p.limits}
	if _, err := c.slice(object.v, bounds); err != nil && !errors.Is(err, ErrLimit) {
		return constNode{}
	}
	return n
}

// newRef returns a node for a variable.
func (p *parser) newRef(name string) *refNode {
	n := &refNode{name: name}
	p.refs = append(p.refs, n)
	return n
}

// filters reads the filters and tests behind an expression.
func (p *parser) filters(n node) (node, error) {
	for i := 1; ; i++ {
		if err := p.chain(i); err != nil {
			return nil, err
		}
		t := p.peek()
		var err error
		switch {
		case t.isOp("|"):
			n, err = p.filter(n)
		case t.isName("is"):
			n, err = p.test(n)
		case t.isOp("("):
			return nil, p.fail(t.start, "the result of a filter or test cannot be called")
		default:
			return n, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) filter(n node) (node, error) {
	p.pos++
	t := p.next()
	if t.kind != tokenName {
		return nil, p.fail(t.start, "a filter's name is missing before %s", t.describe())
	}
	fn := p.lib.filters[t.text]
	if fn == nil {
		return nil, p.unknown(t.start, "filter", t.text, keysOf(p.lib.filters))
	}
	return p.call(fn, n, t)
}

func (p *parser) test(n node) (node, error) {
	p.pos++
	negated := p.skipName("not")
	t := p.next()
	if t.kind != tokenName {
		return nil, p.fail(t.start, "a test's name is missing before %s", t.describe())
	}
	fn := p.lib.tests[t.text]
	if fn == nil {
		return nil, p.unknown(t.start, "test", t.text, keysOf(p.lib.tests))
	}
	var (
		out node
		err error
	)
	if next := p.peek(); next.isOp("(") || !p.beginsOperand(next) {
		out, err = p.call(fn, n, t)
	} else {
		if next.isName("is") {
			return nil, p.fail(next.start, "one test follows another; write and between them")
		}
		var arg node
		if arg, err = p.primary(); err == nil {
			arg, err = p.postfix(arg, next.start)
		}
		if err == nil {
			out, err = p.bind(fn, n, t, []argument{{value: arg}})
		}
	}
	if err != nil || !negated {
		return out, err
	}
	return &notNode{out}, nil
}

// beginsOperand says that a token begins the argument of a test without
// parentheses.
func (p *parser) beginsOperand(t token) bool {
	switch t.kind {
	case tokenName:
		return t.text == "is" || t.text == "not" || !isKeyword(t.text)
	case tokenString, tokenInt, tokenFloat:
		return true
	case tokenOperator:
		return t.text == "[" || t.text == "{"
	default:
		return false
	}
}

// An argument is one of a call, by place or by name.
type argument struct {
	name  string
	value node
	at    int
}

// arguments reads the arguments of a call, if it has any.
func (p *parser) arguments() ([]argument, error) {
	if !p.skipOp("(") {
		return nil, nil
	}
	var out []argument
	for !p.skipOp(")") {
		if len(out) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
			if p.skipOp(")") {
				break
			}
		}
		t := p.peek()
		a := argument{at: t.start}
		switch {
		case t.isOp("*") || t.isOp("**"):
			return nil, p.fail(t.start, "arguments are given one by one; %s is not part of the language", t.text)
		case t.kind == tokenName && p.tokens[p.pos+1].isOp("="):
			a.name = t.text
			p.pos += 2
		case len(out) > 0 && out[len(out)-1].name != "":
			return nil, p.fail(t.start, "an argument without a name stands before those with one")
		}
		var err error
		if a.value, err = p.expression(); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// call reads the arguments of a function, filter or test.
func (p *parser) call(fn *function, receiver node, t token) (node, error) {
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	return p.bind(fn, receiver, t, args)
}

// bind returns the call of a function with its arguments put in their places.
func (p *parser) bind(fn *function, receiver node, t token, args []argument) (node, error) {
	b, err := p.bound(fn, t, args)
	if err != nil {
		return nil, err
	}
	p.impure = p.impure || fn.impure
	n := &callNode{bound: *b, receiver: receiver, at: t.start}
	if receiver == nil {
		n.receiver = constNode{}
	}
	return n, nil
}

// bound puts arguments in their places.
func (p *parser) bound(fn *function, t token, given []argument) (*bound, error) {
	b := &bound{fn: fn, args: make([]node, len(fn.params))}
	for i, a := range given {
		place := i
		if a.name != "" {
			place = slices.IndexFunc(fn.params, func(q param) bool { return q.name == a.name })
		}
		switch {
		case place >= 0 && place < len(fn.params):
			if b.args[place] != nil {
				return nil, p.fail(a.at, "%s gets its argument %s twice", fn.name, a.name)
			}
			b.args[place] = a.value
		case a.name != "" && fn.namedRest:
			b.args = append(b.args, a.value)
			b.names = append(b.names, a.name)
		case a.name != "":
			return nil, p.fail(a.at, "%s has no argument %s; it is written %s", fn.name, a.name, fn.usage())
		case fn.rest:
			b.args = append(b.args, a.value)
		default:
			return nil, p.fail(a.at, "%s has too many arguments; it is written %s", fn.name, fn.usage())
		}
	}
	for i, q := range fn.params {
		switch {
		case b.args[i] != nil:
		case q.optional:
			b.args[i] = constNode{Value{kind: kindAbsent}}
		default:
			return nil, p.fail(t.start, "%s needs its argument %s; it is written %s", fn.name, q.name, fn.usage())
		}
	}
	if fn.prepare == nil {
		return b, nil
	}
	constants := make([]Value, len(b.args))
	for i, a := range b.args {
		constants[i] = Value{kind: kindAbsent}
		if c, ok := a.(constNode); ok {
			constants[i] = c.v
		}
	}
	prepared, err := fn.prepare(p.lib, &p.limits, args{values: constants, names: b.names})
	if err != nil {
		return nil, locate(p.text, t.start, err)
	}
	b.prepared = prepared
	return b, nil
}

// method reads the call of a method. Which one it is depends on the kind of the
// value, so its arguments are put in place for every kind that has one.
func (p *parser) method(object node, t token, source string) (node, error) {
	kinds := p.lib.methods[t.text]
	if kinds == nil {
		return nil, p.unknown(t.start, "method", t.text, keysOf(p.lib.methods))
	}
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	n := &methodNode{object: object, name: t.text, at: t.start, source: source}
	var first error
	fits := false
	for kind, fn := range kinds {
		if fn == nil {
			continue
		}
		b, err := p.bound(fn, t, args)
		if err != nil {
			n.faults[kind] = err
			if first == nil {
				first = err
			}
			continue
		}
		fits = true
		n.bound[kind] = b
	}
	if !fits {
		return nil, first
	}
	return n, nil
}
