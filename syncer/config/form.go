package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/vendorsync/vendorsync/internal/excerpt"
	"github.com/vendorsync/vendorsync/internal/nearest"
	"github.com/vendorsync/vendorsync/internal/path"
)

// A form is what may stand at one place of the file. Parser, JSON Schema and
// editor all go by the same forms, so that they cannot drift apart.
type form[V any] struct {
	shape
	// read returns what a node holds. False means that it holds nothing that can
	// be used; the reader knows the fault, or the node is empty.
	read func(r *reader, n *yaml.Node, path string) (V, bool)
}

// A shape is a form without its type.
type shape struct {
	// schema is what the JSON Schema says of the place.
	schema schema
	// node makes a value typed by a person into a node.
	node func(text string) (*yaml.Node, error)
	// keys are the shapes of an object's values by key; nil for all else.
	keys map[string]shape
	// names are the keys in the order of their declaration.
	names []string
	// any is the shape of every value of an object whose keys are free.
	any *shape
}

// A schema is one JSON Schema object.
type schema map[string]any

// A place is where a node stands in the file.
type place struct{ line, column int }

// places say where in the file things stand.
type places struct {
	at map[string]place // by path
	// written is the path at which a part of a mapping is written, where that is
	// another than the mapping itself would give: "fields[2]" as "fields.model".
	written map[string]string
}

func newPlaces() places { return places{at: map[string]place{}, written: map[string]string{}} }

// find returns the path under which something is written, and its place or that
// of the nearest thing above it.
func (p places) find(at string) (string, place) {
	if steps, err := path.Parse(at); err == nil {
		at = steps.String()
	}
	for up := at; up != ""; up = parent(up) {
		if written, ok := p.written[up]; ok {
			at = written + at[len(up):]
			break
		}
	}
	for up := at; ; up = parent(up) {
		if found, ok := p.at[up]; ok || up == "" {
			return at, found
		}
	}
}

// A reader gathers the faults of a document and the places of its values.
type reader struct {
	places
	problems []Problem
	visited  int
}

// maxVisited bounds the work that aliases of aliases can cause.
const maxVisited = 250_000

func (r *reader) fault(n *yaml.Node, path, format string, args ...any) {
	r.problems = append(r.problems, Problem{Line: n.Line, Column: n.Column, Path: path, Message: fmt.Sprintf(format, args...)})
}

// visit notes where a value stands and returns the node that an alias means.
// False means that the node is empty or that enough is enough.
func (r *reader) visit(n *yaml.Node, path string) (*yaml.Node, bool) {
	if _, ok := r.at[path]; !ok {
		r.at[path] = place{n.Line, n.Column}
	}
	r.visited++
	if r.visited == maxVisited {
		r.fault(n, path, "the aliases of this file unfold to more than %d values", maxVisited)
	}
	if r.visited >= maxVisited {
		return nil, false
	}
	for range maxAliases {
		if n.Kind != yaml.AliasNode {
			break
		}
		n = n.Alias
	}
	return n, !isNull(n)
}

// maxAliases bounds a chain of aliases; a sound file has chains of one.
const maxAliases = 10

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// what names a node's kind for a person.
func what(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		return fmt.Sprintf("%q", excerpt.Of(n.Value))
	default:
		return "something else"
	}
}

// plainTags are the types of scalar whose text is taken as it is written.
var plainTags = []string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}

func scalar(r *reader, n *yaml.Node, path, wanted string) (*yaml.Node, bool) {
	n, ok := r.visit(n, path)
	if !ok {
		return nil, false
	}
	if bareTemplate(n) {
		r.fault(n, path, "a text that begins with {{ stands in quotes: \"{{ ... }}\"")
		return nil, false
	}
	if n.Kind != yaml.ScalarNode {
		r.fault(n, path, "must be %s, not %s", wanted, what(n))
		return nil, false
	}
	if !slices.Contains(plainTags, n.ShortTag()) {
		r.fault(n, path, "the tag %s means nothing here", n.ShortTag())
		return nil, false
	}
	return n, true
}

// bareTemplate reports whether a node is what YAML makes of a template that is not
// quoted: {{ x }} is an object whose key is an object.
func bareTemplate(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0 && len(n.Content) > 0 && n.Content[0].Kind == yaml.MappingNode
}

// scalarNode returns a scalar that reads as exactly this text, without quotes
// where it can do without.
func scalarNode(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if tag := n.ShortTag(); tag != "!!str" && slices.Contains(plainTags, tag) {
		n.Tag = tag
		return n
	}
	n = &yaml.Node{}
	n.SetString(text)
	if n.Style&yaml.LiteralStyle != 0 || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' }) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// toScalar is what a person typed as a text.
func toScalar(text string) (*yaml.Node, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("%q is not UTF-8", excerpt.Of(text))
	}
	return scalarNode(text), nil
}

// text is any scalar, taken as it is written.
func text() form[string] {
	return form[string]{
		shape: shape{schema: schema{"type": []any{"string", "number", "boolean"}}, node: toScalar},
		read: func(r *reader, n *yaml.Node, path string) (string, bool) {
			n, ok := scalar(r, n, path, "a text")
			if !ok {
				return "", false
			}
			return n.Value, true
		},
	}
}

// oneOf is one of some words.
func oneOf[S ~string](words ...S) form[S] {
	names := make([]string, len(words))
	enum := make([]any, len(words))
	for i, w := range words {
		names[i], enum[i] = string(w), string(w)
	}
	return form[S]{
		shape: shape{schema: schema{"type": "string", "enum": enum}, node: toScalar},
		read: func(r *reader, n *yaml.Node, path string) (S, bool) {
			n, ok := scalar(r, n, path, "one of "+strings.Join(names, ", "))
			if !ok {
				return "", false
			}
			if !slices.Contains(names, n.Value) {
				near := ""
				if s := nearest.Name(n.Value, names); s != "" {
					near = fmt.Sprintf("; did you mean %q?", s)
				}
				r.fault(n, path, "%q is none of %s%s", excerpt.Of(n.Value), strings.Join(names, ", "), near)
				return "", false
			}
			return S(n.Value), true
		},
	}
}

// boolean is true or false.
func boolean() form[bool] {
	return form[bool]{
		shape: shape{
			schema: schema{"type": "boolean"},
			node: func(text string) (*yaml.Node, error) {
				if text != "true" && text != "false" {
					return nil, fmt.Errorf("%q is neither true nor false", text)
				}
				return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: text}, nil
			},
		},
		read: func(r *reader, n *yaml.Node, path string) (bool, bool) {
			n, ok := scalar(r, n, path, "true or false")
			if !ok {
				return false, false
			}
			var b bool
			if n.ShortTag() != "!!bool" || n.Decode(&b) != nil {
				r.fault(n, path, "must be true or false, not %s", what(n))
				return false, false
			}
			return b, true
		},
	}
}

// list is a list of items. An empty one is not nil.
func list[V any](item form[V]) form[[]V] {
	return form[[]V]{
		shape: shape{
			schema: schema{"type": "array", "items": item.schema},
			node:   itemsNode(item.shape),
		},
		read: func(r *reader, n *yaml.Node, path string) ([]V, bool) {
			n, ok := r.visit(n, path)
			if !ok {
				return nil, false
			}
			if n.Kind != yaml.SequenceNode {
				r.fault(n, path, "must be a list, not %s", what(n))
				return nil, false
			}
			out := make([]V, 0, len(n.Content))
			for i, c := range n.Content {
				at := fmt.Sprintf("%s[%d]", path, i)
				if isNull(c) {
					r.fault(c, at, "this item is empty")
				} else if v, ok := item.read(r, c, at); ok {
					out = append(out, v)
				}
			}
			return out, true
		},
	}
}

// itemsNode makes a list of what a person typed: items of text between commas,
// or a list in YAML.
func itemsNode(item shape) func(string) (*yaml.Node, error) {
	return func(text string) (*yaml.Node, error) {
		if strings.HasPrefix(strings.TrimSpace(text), "[") || item.keys != nil {
			return flowNode(text)
		}
		out := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			n, err := item.node(part)
			if err != nil {
				return nil, err
			}
			out.Content = append(out.Content, n)
		}
		return out, nil
	}
}

// flowNode reads a value written in YAML and lays it out in one line.
func flowNode(text string) (*yaml.Node, error) {
	doc, err := decode([]byte(text))
	if err != nil || doc == nil {
		return nil, fmt.Errorf("%q is no value in YAML", excerpt.Of(text))
	}
	inOneLine(doc)
	return doc, nil
}

func inOneLine(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	switch n.Kind {
	case yaml.MappingNode, yaml.SequenceNode:
		n.Style = yaml.FlowStyle
	case yaml.ScalarNode:
		if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || strings.Contains(n.Value, "\n") {
			n.Style = yaml.DoubleQuotedStyle
		}
	default:
	}
	for _, c := range n.Content {
		inOneLine(c)
	}
}

// texts is one text or a list of them.
func texts() form[[]string] {
	one, many := text(), list(text())
	return form[[]string]{
		shape: shape{schema: schema{"anyOf": []any{one.schema, many.schema}}, node: many.node},
		read: func(r *reader, n *yaml.Node, path string) ([]string, bool) {
			target, ok := r.visit(n, path)
			if !ok {
				return nil, false
			}
			if target.Kind == yaml.SequenceNode {
				return many.read(r, n, path)
			}
			v, ok := one.read(r, n, path)
			return []string{v}, ok
		},
	}
}

// either is a short form, or an object that says more.
func either[V any](short, full form[V]) form[V] {
	return form[V]{
		shape: shape{
			schema: schema{"anyOf": []any{short.schema, full.schema}},
			node: func(text string) (*yaml.Node, error) {
				if t := strings.TrimSpace(text); strings.HasPrefix(t, "{") && !strings.HasPrefix(t, "{{") {
					return full.node(text)
				}
				return short.node(text)
			},
		},
		read: func(r *reader, n *yaml.Node, path string) (V, bool) {
			target, ok := r.visit(n, path)
			if !ok {
				var none V
				return none, false
			}
			if target.Kind == yaml.MappingNode && !bareTemplate(target) {
				return full.read(r, n, path)
			}
			return short.read(r, n, path)
		},
	}
}

// as is a form whose values are made into something else.
func as[V, W any](f form[V], make func(V) W) form[W] {
	return form[W]{shape: f.shape, read: func(r *reader, n *yaml.Node, path string) (W, bool) {
		v, ok := f.read(r, n, path)
		return make(v), ok
	}}
}

// maxDays is the longest age that a file may name: a hundred years.
const maxDays = 36_500

// dayPattern is how an age is written; a number alone counts days.
var dayPattern = regexp.MustCompile(`^([0-9]{1,6})([dw]?)$`)

// days is an age in days or weeks: 90d, 13w, 90.
func days() form[int] {
	parse := func(text string) (int, error) {
		m := dayPattern.FindStringSubmatch(text)
		if m == nil {
			return 0, fmt.Errorf("%q is no age such as 90d or 13w", excerpt.Of(text))
		}
		n, err := strconv.Atoi(m[1])
		if m[2] == "w" {
			n *= 7
		}
		if err != nil || n > maxDays {
			return 0, fmt.Errorf("%q is longer than a hundred years", excerpt.Of(text))
		}
		return n, nil
	}
	return form[int]{
		shape: shape{
			schema: schema{"type": []any{"string", "integer"}, "pattern": dayPattern.String(), "minimum": 0, "maximum": maxDays},
			node: func(text string) (*yaml.Node, error) {
				if _, err := parse(text); err != nil {
					return nil, err
				}
				return scalarNode(text), nil
			},
		},
		read: func(r *reader, n *yaml.Node, path string) (int, bool) {
			n, ok := scalar(r, n, path, "an age such as 90d")
			if !ok {
				return 0, false
			}
			v, err := parse(n.Value)
			if err != nil {
				r.fault(n, path, "%v", err)
			}
			return v, err == nil
		},
	}
}

// table is an object of texts whose keys are texts, none of them left out.
func table() form[map[string]string] {
	value := text()
	return form[map[string]string]{
		shape: shape{schema: schema{"type": "object", "additionalProperties": value.schema}, node: flowNode, any: &value.shape},
		read: func(r *reader, n *yaml.Node, path string) (map[string]string, bool) {
			out := map[string]string{}
			ok := r.entries(n, path, func(key, node *yaml.Node, at string) {
				if isNull(node) {
					r.fault(key, at, "is empty: say what is written in its place")
				} else if v, ok := value.read(r, node, at); ok {
					out[key.Value] = v
				}
			})
			return out, ok
		},
	}
}

// setting is texts that a person types as one text, commas included.
func setting() form[[]string] {
	f := texts()
	f.node = toScalar
	return f
}

// A named is a value of an object whose keys are free.
type named[V any] struct {
	name  string
	value V
}

// free is an object whose keys are free, in the order of the file.
func free[V any](value form[V]) form[[]named[V]] {
	return form[[]named[V]]{
		shape: shape{schema: schema{"type": "object", "additionalProperties": nullable(value.schema)}, node: flowNode, any: &value.shape},
		read: func(r *reader, n *yaml.Node, path string) ([]named[V], bool) {
			out := []named[V]{}
			ok := r.entries(n, path, func(key, node *yaml.Node, at string) {
				if v, ok := value.read(r, node, at); ok {
					out = append(out, named[V]{key.Value, v})
				}
			})
			return out, ok
		},
	}
}

// A key is one key of an object whose values go into a T.
type key[T any] struct {
	name, help string
	required   bool
	shape      shape
	read       func(r *reader, n *yaml.Node, path string, into *T) bool
}

// bind declares a key: its name, what it means, what it holds, where that goes.
func bind[T, V any](name, help string, f form[V], set func(*T, V)) key[T] {
	return key[T]{name: name, help: help, shape: f.shape, read: func(r *reader, n *yaml.Node, path string, into *T) bool {
		v, ok := f.read(r, n, path)
		if ok {
			set(into, v)
		}
		return ok
	}}
}

// must makes a key one that has to be there.
func must[T any](k key[T]) key[T] {
	k.required = true
	return k
}

// object is an object of these keys.
func object[T any](keys ...key[T]) form[T] {
	f := form[T]{shape: shape{node: flowNode, keys: map[string]shape{}}}
	byName := map[string]key[T]{}
	properties := schema{}
	var required []any
	for _, k := range keys {
		byName[k.name] = k
		f.names = append(f.names, k.name)
		f.keys[k.name] = k.shape
		s := k.shape.schema
		if k.required {
			required = append(required, k.name)
		} else {
			s = nullable(s)
		}
		properties[k.name] = s.with("description", k.help)
	}
	f.schema = schema{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		f.schema["required"] = required
	}
	f.read = func(r *reader, n *yaml.Node, path string) (T, bool) {
		var out T
		there := map[string]bool{}
		ok := r.entries(n, path, func(name, node *yaml.Node, at string) {
			k, known := byName[name.Value]
			if !known {
				r.fault(name, at, "there is no key %q here; %s", excerpt.Of(name.Value), meant(name.Value, f.names))
				return
			}
			there[k.name] = !isNull(node)
			k.read(r, node, at, &out)
		})
		for _, k := range keys {
			if ok && k.required && !there[k.name] {
				r.fault(n, join(path, k.name), "is missing: %s", k.help)
			}
		}
		return out, ok
	}
	return f
}

// entries calls yield for each key of an object.
func (r *reader) entries(n *yaml.Node, path string, yield func(key, value *yaml.Node, at string)) bool {
	n, ok := r.visit(n, path)
	if !ok {
		return false
	}
	if n.Kind != yaml.MappingNode {
		r.fault(n, path, "must be keys with values, not %s", what(n))
		return false
	}
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.ScalarNode && k.ShortTag() == "!!merge" {
			r.fault(k, path, "keys are not merged with << here; write them out")
			continue
		}
		if k.Kind != yaml.ScalarNode {
			r.fault(k, path, "a key must be a text, not %s", what(k))
			continue
		}
		at := join(path, k.Value)
		if line, twice := first[k.Value]; twice {
			r.fault(k, at, "this key is there already, in line %d", line)
			continue
		}
		first[k.Value] = k.Line
		yield(k, v, at)
	}
	return true
}

// join adds a key to a path.
func join(parent, key string) string {
	step := path.Path{{Key: key}}.String()
	if parent == "" || strings.HasPrefix(step, "[") {
		return parent + step
	}
	return parent + "." + step
}

// with returns the schema with one more keyword.
func (s schema) with(keyword string, value any) schema {
	out := make(schema, len(s)+1)
	for k, v := range s {
		out[k] = v
	}
	out[keyword] = value
	return out
}

// nullable returns the schema of a value that may be left empty.
func nullable(s schema) schema {
	switch t := s["type"].(type) {
	case string:
		s = s.with("type", []any{t, "null"})
	case []any:
		s = s.with("type", append(slices.Clone(t), "null"))
	}
	if enum, ok := s["enum"].([]any); ok {
		s = s.with("enum", append(slices.Clone(enum), nil))
	}
	if any, ok := s["anyOf"].([]any); ok {
		s = s.with("anyOf", append(slices.Clone(any), schema{"type": "null"}))
	}
	return s
}
