package template

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vendorsync/vendorsync/internal/path"
)

// A Mode says how a template treats values and text.
type Mode int

const (
	// Typed keeps the type of a value, and never reads text as anything but text.
	Typed Mode = iota
	// Compatible prints values as Python does and reads the text that a template
	// makes as a Python literal, as the declarative manifest format wants it.
	Compatible
)

// Options say how a template is read and evaluated. The zero Options are those
// of a mapping: typed, any variable, the default limits.
type Options struct {
	Mode   Mode
	Names  []string         // the variables that may be used; another is an error at load. Nil is any.
	Limits Limits           // what the template may cost
	Now    func() time.Time // the clock; nil is time.Now. A Scratch's own goes first.

	// ValidTypes are the kinds that text may become in the compatible mode; text
	// that is a literal of another kind stays text. Nil is any.
	ValidTypes []Kind
}

// A Ref is a variable that a template uses, and the path inside it as far as the
// template names it by constants: record.addresses[0].city is the path
// addresses[0].city in record. An index at the end of a chain is no part of the
// path, because it may be one of a list or of a string: that of
// record.first_name[0] is first_name. In the compatible mode the path is empty.
type Ref struct {
	Name string
	Path path.Path
}

// A Scratch is memory that evaluations reuse, and an optional clock. The zero
// value is ready for use. One Scratch serves one evaluation at a time.
type Scratch struct {
	Now func() time.Time // the clock of the evaluations; nil is that of the Options

	run    run
	locals []Value
	args   []Value
	buffer []byte
}

// A Template is a template that was read. It is safe for concurrent use.
type Template struct {
	text       string
	lib        *library
	limits     Limits
	typed      bool
	mutates    bool
	fixed      bool // the result is always the same
	now        func() time.Time
	validTypes []Kind
	refs       []Ref
	locals     int
	before     []part // the statements before value
	value      node   // the one expression that the template is; nil if it makes text
	parts      []part
}

// Parse reads a template: text with {{ expressions }}, {% if %} and {% set %}
// statements and {# comments #}. An error is an *[Error].
func Parse(text string, o Options) (*Template, error) {
	return parse(text, o, func(p *parser, t *Template) (err error) {
		if p.tokens, err = lexTemplate(p.text); err != nil {
			return err
		}
		p.mutates = callsMutator(p.tokens)
		if t.parts, err = p.body(); err != nil {
			return err
		}
		t.before, t.value = single(t.parts)
		return nil
	})
}

// ParseExpression reads a bare expression, as it stands between {{ and }}. An
// error is an *[Error].
func ParseExpression(text string, o Options) (*Template, error) {
	return parse(text, o, func(p *parser, t *Template) (err error) {
		if p.tokens, err = lexExpression(p.text); err != nil {
			return err
		}
		p.mutates = callsMutator(p.tokens)
		if t.value, err = p.tuple(true, func(t token) bool { return t.kind == tokenEnd }); err != nil {
			return err
		}
		t.parts = []part{&valuePart{value: t.value}}
		if p.peek().kind != tokenEnd {
			return p.closeTag(tokenEnd, "the end")
		}
		return nil
	})
}

// parse reads a template with what reads its tokens.
func parse(text string, o Options, read func(*parser, *Template) error) (*Template, error) {
	limits := o.Limits.filled()
	if len(text) > limits.Template {
		return nil, errorAt(text, 0, ErrLimit, fmt.Sprintf("the template is longer than %d bytes", limits.Template))
	}
	text = newlines(text)
	typed := o.Mode == Typed
	t := &Template{text: text, lib: libraryOf(typed), limits: limits, typed: typed, now: o.Now, validTypes: o.ValidTypes}
	p := &parser{
		text: text, limits: limits, lib: t.lib, typed: typed, names: o.Names,
		locals: map[string]int{}, assigned: map[string]bool{},
	}
	if err := read(p, t); err != nil {
		return nil, err
	}
	t.refs = p.number()
	t.mutates = p.mutates
	t.locals = len(p.locals)
	t.fixed = len(t.refs) == 0 && !p.impure
	return t, nil
}

// single returns the one expression of a template that has no text beside it,
// and the statements before it.
func single(parts []part) ([]part, node) {
	for i, p := range parts {
		switch p := p.(type) {
		case *setPart:
		case *valuePart:
			if i+1 == len(parts) {
				return parts[:i], p.value
			}
			return nil, nil
		default:
			return nil, nil
		}
	}
	return nil, nil
}

// Text returns the template's text.
func (t *Template) Text() string { return t.text }

// Refs returns the distinct variables and paths that the template uses, in the
// order of their first use. The caller must not change them.
func (t *Template) Refs() []Ref { return t.refs }

// Eval evaluates the template: inputs[i] is the value of Refs()[i], an absent one
// undefined. In the typed mode the result of a template that is one expression,
// perhaps behind {% set %} statements, has the type of that expression; text
// beside it makes the result a string. In the compatible mode the text that the
// template makes is read as a Python literal if it is one. A nil s is a new
// Scratch. An error is an *[Error].
func (t *Template) Eval(inputs []Value, s *Scratch) (Value, error) {
	if s == nil {
		s = &Scratch{}
	}
	c, err := t.begin(inputs, s)
	if err != nil {
		return Value{}, err
	}
	if !t.typed {
		text, err := t.render(c)
		if err != nil {
			return Value{}, err
		}
		return t.literal(c, text)
	}
	if t.value == nil {
		text, err := t.render(c)
		if err != nil {
			return Value{}, err
		}
		return String(text), nil
	}
	if err := renderAll(c, t.before); err != nil {
		return Value{}, err
	}
	return t.value.eval(c)
}

// EvalText evaluates the template to text: in the compatible mode to the text
// before it is read as a literal. The rest is as for [Template.Eval].
func (t *Template) EvalText(inputs []Value, s *Scratch) (string, error) {
	if s == nil {
		s = &Scratch{}
	}
	c, err := t.begin(inputs, s)
	if err != nil {
		return "", err
	}
	return t.render(c)
}

// EvalVars evaluates the template over variables; one that is not there is
// undefined.
func (t *Template) EvalVars(vars map[string]Value) (Value, error) {
	return t.Eval(t.AppendInputs(nil, vars), nil)
}

// AppendInputs appends to dst the values of [Template.Refs] in variables, as
// [Template.Eval] wants them; what is not there is undefined.
func (t *Template) AppendInputs(dst []Value, vars map[string]Value) []Value {
	for _, r := range t.refs {
		dst = append(dst, vars[r.Name].At(r.Path))
	}
	return dst
}

// Constant returns the value of a template that has always the same: one without
// variables, clock and chance, whose evaluation does not fail.
func (t *Template) Constant() (Value, bool) {
	if !t.fixed {
		return Value{}, false
	}
	v, err := t.Eval(nil, nil)
	return v, err == nil
}

// begin prepares an evaluation.
func (t *Template) begin(inputs []Value, s *Scratch) (*run, error) {
	if len(inputs) != len(t.refs) {
		return nil, errorAt(t.text, 0, ErrValue, fmt.Sprintf("%d values were given for %d variables", len(inputs), len(t.refs)))
	}
	s.args, s.buffer, s.locals = s.args[:0], s.buffer[:0], s.locals[:0]
	for range t.locals {
		s.locals = append(s.locals, Value{kind: kindAbsent})
	}
	c := &s.run
	*c = run{t: t, s: s, inputs: inputs, limits: &t.limits, typed: t.typed}
	if !t.mutates {
		return c, nil
	}
	c.inputs = make([]Value, len(inputs))
	for i, v := range inputs {
		copied, err := c.copy(v, 0)
		if err != nil {
			return nil, c.fail(0, err)
		}
		c.inputs[i] = copied
	}
	return c, nil
}

// render writes the template as text.
func (t *Template) render(c *run) (string, error) {
	if err := renderAll(c, t.parts); err != nil {
		return "", err
	}
	return string(c.s.buffer), nil
}

// literal reads text as a Python literal.
func (t *Template) literal(c *run, text string) (Value, error) {
	v, ok, err := parseLiteral(text, c.limits)
	switch {
	case err != nil:
		return Value{}, c.fail(0, err)
	case !ok, t.validTypes != nil && !slices.Contains(t.validTypes, v.kind):
		return String(text), nil
	}
	return v, nil
}

// run is one evaluation.
type run struct {
	t      *Template
	s      *Scratch
	inputs []Value
	limits *Limits
	typed  bool
	steps  int
}

// work counts steps.
func (c *run) work(n int) error {
	if c.steps += n; c.steps > c.limits.Steps {
		return limitError("this takes more than %d steps", c.limits.Steps)
	}
	return nil
}

// time returns the time of the evaluation.
func (c *run) time() time.Time {
	switch {
	case c.s.Now != nil:
		return c.s.Now().UTC()
	case c.t.now != nil:
		return c.t.now().UTC()
	}
	return time.Now().UTC()
}

// fail gives an error its place, unless it has one.
func (c *run) fail(at int, err error) error { return locate(c.t.text, at, err) }

// locate gives an error its place in a text, unless it has one.
func locate(text string, at int, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	cause := ErrValue
	for _, one := range []error{ErrLimit, ErrUndefined} {
		if errors.Is(err, one) {
			cause = one
		}
	}
	return errorAt(text, at, cause, err.Error())
}

// writeText appends text to what is being made.
func (c *run) writeText(s string) error {
	if len(c.s.buffer)+len(s) > c.limits.Output {
		return limitError("the text becomes longer than %d bytes", c.limits.Output)
	}
	c.s.buffer = append(c.s.buffer, s...)
	return c.work(len(s) / bytesAStep)
}

// bytesAStep is how much text may be made or looked through in one step.
const bytesAStep = 32

// write appends a value's text.
func (c *run) write(v Value) error {
	if v.kind == KindString {
		return c.writeText(v.str)
	}
	w := writer{out: c.s.buffer, run: c, keepDigits: c.typed, counted: len(c.s.buffer)}
	err := w.text(v)
	c.s.buffer = w.out
	return err
}

// copy returns a value whose lists and dicts are the evaluation's own.
func (c *run) copy(v Value, depth int) (Value, error) {
	if depth > c.limits.JSONDepth {
		return Value{}, limitError("more than %d lists and dicts are in one another", c.limits.JSONDepth)
	}
	if err := c.work(1 + len(v.items())); err != nil {
		return Value{}, err
	}
	switch v.kind {
	case KindList, KindTuple, KindSet:
		items := make([]Value, len(v.items()))
		for i, item := range v.items() {
			copied, err := c.copy(item, depth+1)
			if err != nil {
				return Value{}, err
			}
			items[i] = copied
		}
		return Value{kind: v.kind, ref: &list{items}}, nil
	case KindDict:
		d := &dict{pairs: make([]Pair, 0, v.Len())}
		for _, p := range v.dict().pairs {
			copied, err := c.copy(p.Value, depth+1)
			if err != nil {
				return Value{}, err
			}
			if err := d.set(p.Key, copied); err != nil {
				return Value{}, err
			}
		}
		return Value{kind: KindDict, ref: d}, nil
	default:
		return v, nil
	}
}

// A FunctionDoc describes a filter, function, method or test of the language.
type FunctionDoc struct {
	Name      string
	Signature string // its arguments, as in "old, new, count=-1"
	Doc       string // what it does, in one line
	On        Kind   // the kind of value that a method belongs to
	TypedOnly bool   // there in the typed mode only
}
