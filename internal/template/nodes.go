package template

import (
	"github.com/vendorsync/vendorsync/internal/excerpt"
	"github.com/vendorsync/vendorsync/internal/path"
)

// A node is an expression.
type node interface {
	eval(c *run) (Value, error)
}

type constNode struct{ v Value }

func (n constNode) eval(*run) (Value, error) { return n.v, nil }

// refNode is a variable, or what a constant path inside it leads to.
type refNode struct {
	name    string
	path    path.Path
	slot    int
	indexes []int // the indexes at the end of the path
}

// folds says that a constant step may become part of the ref.
func (n *refNode) folds(p *parser) bool {
	return p.typed && !p.mutates && len(n.path) < path.MaxSteps
}

func (n *refNode) eval(c *run) (Value, error) {
	v := c.inputs[n.slot]
	for _, i := range n.indexes {
		if v.nothing() {
			return v, nil
		}
		v = element(v, i)
	}
	return v, nil
}

// localNode is a name that {% set %} has given a value.
type localNode struct{ slot int }

func (n *localNode) eval(c *run) (Value, error) { return c.s.locals[n.slot], nil }

// maybeNode is a name that {% set %} may have given a value, or else what it is
// without one.
type maybeNode struct {
	slot  int
	other node
}

func (n *maybeNode) eval(c *run) (Value, error) {
	if v := c.s.locals[n.slot]; v.kind != kindAbsent {
		return v, nil
	}
	return n.other.eval(c)
}

// attrNode is a member named behind a dot.
type attrNode struct {
	object node
	name   string
	at     int
	source string // the object's text
}

func (n *attrNode) eval(c *run) (Value, error) {
	v, err := n.object.eval(c)
	if err != nil {
		return Value{}, err
	}
	if v.nothing() {
		return c.memberOfNothing(v, n.at, n.source)
	}
	if c.typed {
		if v.kind == KindDict {
			found, _ := v.dict().member(n.name)
			return found, nil
		}
		return attribute(v, n.name), nil
	}
	return c.attribute(v, n.name), nil
}

// memberOfNothing returns a member of undefined or null.
func (c *run) memberOfNothing(v Value, at int, source string) (Value, error) {
	switch {
	case c.typed:
		return v, nil
	case v.kind == KindNull:
		return Value{}, nil
	}
	return Value{}, c.fail(at, undefinedError("%s is not defined, so it has no members", excerpt.Of(source)))
}

// attribute returns what Python's getattr does for a value, or else its member.
func (c *run) attribute(v Value, name string) Value {
	if methods := c.t.lib.methods[name]; methods != nil && methods[v.kind] != nil {
		return Value{kind: kindMethod, str: name, num: uint64(v.kind)}
	}
	if v.kind == KindDict {
		found, _ := v.dict().member(name)
		return found
	}
	return attribute(v, name)
}

// itemNode is a member or an item named in brackets.
type itemNode struct {
	object, index node
	at            int
	source        string
}

func (n *itemNode) eval(c *run) (Value, error) {
	v, err := n.object.eval(c)
	if err != nil {
		return Value{}, err
	}
	i, err := n.index.eval(c)
	if err != nil {
		return Value{}, err
	}
	if v.nothing() {
		return c.memberOfNothing(v, n.at, n.source)
	}
	return c.item(v, i), nil
}

// item returns a member by its key, or an item by its index, or undefined.
func (c *run) item(v, i Value) Value {
	if v.kind == KindDict {
		if found, ok := v.dict().get(i); ok {
			return found
		}
	} else if index, ok := i.index(); ok {
		return element(v, index)
	}
	if i.kind != KindString {
		return Value{}
	}
	if c.typed {
		return attribute(v, i.str)
	}
	return c.attribute(v, i.str)
}

// index returns a value as an index: a whole number, or a boolean as in Python.
func (v Value) index() (int, bool) {
	switch v.kind {
	case KindBool:
		return int(v.num & 1), true
	case KindInt:
		n, ok := v.AsInt()
		return int(n), ok && n == int64(int(n))
	default:
		return 0, false
	}
}

// sliceNode is a part of a list or a string.
type sliceNode struct {
	object node
	bounds [3]node // from, to, step; nil where absent
	at     int
	source string
}

func (n *sliceNode) eval(c *run) (Value, error) {
	v, err := n.object.eval(c)
	if err != nil {
		return Value{}, err
	}
	var bounds [3]Value
	for i, b := range n.bounds {
		if b == nil {
			continue
		}
		if bounds[i], err = b.eval(c); err != nil {
			return Value{}, err
		}
	}
	if v.kind == KindUndefined || c.typed && v.kind == KindNull {
		return c.memberOfNothing(v, n.at, n.source)
	}
	out, err := c.slice(v, bounds)
	if err != nil {
		return Value{}, c.fail(n.at, err)
	}
	return out, nil
}

// condNode is one value or another.
type condNode struct{ test, then, other node }

func (n *condNode) eval(c *run) (Value, error) {
	v, err := n.test.eval(c)
	if err != nil {
		return Value{}, err
	}
	if v.Truthy() {
		return n.then.eval(c)
	}
	return n.other.eval(c)
}

// logicNode is and, or or; its value is that of an operand.
type logicNode struct {
	or          bool
	left, right node
}

func (n *logicNode) eval(c *run) (Value, error) {
	v, err := n.left.eval(c)
	if err != nil || v.Truthy() == n.or {
		return v, err
	}
	return n.right.eval(c)
}

type notNode struct{ operand node }

func (n *notNode) eval(c *run) (Value, error) {
	v, err := n.operand.eval(c)
	if err != nil {
		return Value{}, err
	}
	return Bool(!v.Truthy()), nil
}

type signNode struct {
	minus   bool
	operand node
	at      int
}

func (n *signNode) eval(c *run) (Value, error) {
	v, err := n.operand.eval(c)
	if err != nil {
		return Value{}, err
	}
	if v, err = signed(v, n.minus); err != nil {
		return Value{}, c.fail(n.at, err)
	}
	return v, nil
}

type mathNode struct {
	op          string
	left, right node
	at          int
}

func (n *mathNode) eval(c *run) (Value, error) {
	left, err := n.left.eval(c)
	if err != nil {
		return Value{}, err
	}
	right, err := n.right.eval(c)
	if err != nil {
		return Value{}, err
	}
	if err := c.work(1); err != nil {
		return Value{}, c.fail(n.at, err)
	}
	v, err := c.calculate(n.op, left, right)
	if err != nil {
		return Value{}, c.fail(n.at, err)
	}
	return v, nil
}

// concatNode is text made of values by ~.
type concatNode struct {
	parts []node
	at    int
}

func (n *concatNode) eval(c *run) (Value, error) {
	base := len(c.s.buffer)
	defer func() { c.s.buffer = c.s.buffer[:base] }()
	for _, part := range n.parts {
		v, err := part.eval(c)
		if err != nil {
			return Value{}, err
		}
		if err := c.write(v); err != nil {
			return Value{}, c.fail(n.at, err)
		}
	}
	return String(string(c.s.buffer[base:])), nil
}

// compareOp is a comparison's operator.
type compareOp uint8

const (
	opEqual compareOp = iota
	opNotEqual
	opLess
	opLessOrEqual
	opGreater
	opGreaterOrEqual
	opIn
	opNotIn
)

var compareOps = map[string]compareOp{
	"==": opEqual, "!=": opNotEqual, "<": opLess, "<=": opLessOrEqual, ">": opGreater, ">=": opGreaterOrEqual,
}

type comparison struct {
	op    compareOp
	right node
}

// compareNode is a chain of comparisons, each of neighbours: 1 < x < 3.
type compareNode struct {
	left node
	ops  []comparison
	at   int
}

func (n *compareNode) eval(c *run) (Value, error) {
	left, err := n.left.eval(c)
	if err != nil {
		return Value{}, err
	}
	for _, next := range n.ops {
		right, err := next.right.eval(c)
		if err != nil {
			return Value{}, err
		}
		holds, err := c.compare(next.op, left, right)
		if err != nil {
			return Value{}, c.fail(n.at, err)
		}
		if !holds {
			return Bool(false), nil
		}
		left = right
	}
	return Bool(true), nil
}

// listNode is a list or tuple written in the template.
type listNode struct {
	kind  Kind
	items []node
}

func (n *listNode) eval(c *run) (Value, error) {
	items := make([]Value, len(n.items))
	for i, item := range n.items {
		v, err := item.eval(c)
		if err != nil {
			return Value{}, err
		}
		items[i] = v
	}
	return Value{kind: n.kind, ref: &list{items}}, nil
}

// dictNode is a dict written in the template: keys and values by turns.
type dictNode struct {
	parts []node
	at    int
}

func (n *dictNode) eval(c *run) (Value, error) {
	d := &dict{pairs: make([]Pair, 0, len(n.parts)/2)}
	for i := 0; i < len(n.parts); i += 2 {
		k, err := n.parts[i].eval(c)
		if err != nil {
			return Value{}, err
		}
		v, err := n.parts[i+1].eval(c)
		if err != nil {
			return Value{}, err
		}
		if err := d.set(k, v); err != nil {
			return Value{}, c.fail(n.at, err)
		}
	}
	return Value{kind: KindDict, ref: d}, nil
}

// bound is a function with its arguments in their places.
type bound struct {
	fn       *function
	args     []node   // one for each parameter, then the rest
	names    []string // of the last of args, where they are named and no parameter's
	prepared any      // what the function made of constant arguments
}

// call evaluates the arguments and calls the function.
func (b *bound) call(c *run, receiver Value, at int) (Value, error) {
	base := len(c.s.args)
	for _, arg := range b.args {
		v, err := arg.eval(c)
		if err != nil {
			return Value{}, err
		}
		c.s.args = append(c.s.args, v)
	}
	end := len(c.s.args)
	v, err := c.invoke(b.fn, receiver, args{c.s.args[base:end:end], b.names, b.prepared})
	c.s.args = c.s.args[:base]
	if err != nil {
		return Value{}, c.fail(at, err)
	}
	return v, nil
}

// invoke calls a function.
func (c *run) invoke(fn *function, receiver Value, a args) (Value, error) {
	if err := c.work(1); err != nil {
		return Value{}, err
	}
	if c.typed && fn.passes && receiver.nothing() {
		return receiver, nil
	}
	return fn.call(c, receiver, a)
}

// callNode is the call of a function, filter or test.
type callNode struct {
	bound
	receiver node
	at       int
}

func (n *callNode) eval(c *run) (Value, error) {
	receiver, err := n.receiver.eval(c)
	if err != nil {
		return Value{}, err
	}
	return n.call(c, receiver, n.at)
}

// methodNode is the call of a method.
type methodNode struct {
	object node
	name   string
	at     int
	source string
	bound  [kindCount]*bound
	faults [kindCount]error // why the arguments do not fit the method of a kind
}

func (n *methodNode) eval(c *run) (Value, error) {
	v, err := n.object.eval(c)
	if err != nil {
		return Value{}, err
	}
	if b := n.bound[v.kind]; b != nil {
		return b.call(c, v, n.at)
	}
	switch {
	case n.faults[v.kind] != nil:
		return Value{}, n.faults[v.kind]
	case c.typed && v.nothing():
		return v, nil
	case v.kind == KindUndefined:
		return Value{}, c.fail(n.at, undefinedError("%s is not defined, so it has no method %s", excerpt.Of(n.source), n.name))
	}
	return Value{}, c.fail(n.at, undefinedError("%s is %s, which has no method %s", excerpt.Of(n.source), v.kind, n.name))
}

// A part is a piece of a template: text, a value, or a statement.
type part interface {
	render(c *run) error
}

type textPart string

func (p textPart) render(c *run) error {
	if err := c.writeText(string(p)); err != nil {
		return c.fail(0, err)
	}
	return nil
}

type valuePart struct {
	value node
	at    int
}

func (p *valuePart) render(c *run) error {
	v, err := p.value.eval(c)
	if err != nil {
		return err
	}
	if err := c.write(v); err != nil {
		return c.fail(p.at, err)
	}
	return nil
}

type branch struct {
	test node
	body []part
}

type ifPart struct {
	branches []branch
	other    []part
}

func (p *ifPart) render(c *run) error {
	for _, b := range p.branches {
		v, err := b.test.eval(c)
		if err != nil {
			return err
		}
		if v.Truthy() {
			return renderAll(c, b.body)
		}
	}
	return renderAll(c, p.other)
}

type setPart struct {
	slot  int
	value node
}

func (p *setPart) render(c *run) error {
	v, err := p.value.eval(c)
	if err != nil {
		return err
	}
	c.s.locals[p.slot] = v
	return nil
}

func renderAll(c *run, parts []part) error {
	for _, p := range parts {
		if err := p.render(c); err != nil {
			return err
		}
	}
	return nil
}
