package template

import (
	"maps"
	"slices"
	"strings"
)

// A function is a filter, function, method or test.
type function struct {
	name      string
	signature string // its arguments, as a reader of the documentation sees them
	doc       string
	call      func(c *run, v Value, a args) (Value, error) // v is the value that is filtered, tested or whose method it is
	passes    bool                                         // in the typed mode, undefined and null go through as they are
	impure    bool                                         // the result is not the same each time
	typedOnly bool
	on        Kind // of a method
	mutates   bool

	// prepare makes, at load, what constant arguments allow; one that is no
	// constant is absent.
	prepare func(lib *library, limits *Limits, constants args) (any, error)

	params    []param // read from signature
	rest      bool    // more arguments may follow: *
	namedRest bool    // more named arguments may follow: **
}

type param struct {
	name     string
	optional bool
}

// args are the arguments of a call: one for each parameter, an optional one absent
// perhaps, then the rest; the last of these may have names.
type args struct {
	values   []Value
	names    []string
	prepared any
}

// given says that an optional argument was given.
func (a args) given(i int) bool { return a.values[i].kind != kindAbsent }

// or returns an argument, or a default in its place.
func (a args) or(i int, byDefault Value) Value {
	if a.given(i) {
		return a.values[i]
	}
	return byDefault
}

// truth returns an argument's truth; an absent one is false.
func (a args) truth(i int) bool { return a.values[i].Truthy() }

// int returns a whole argument.
func (a args) int(i, byDefault int) (int, error) {
	v := a.values[i]
	if v.kind == kindAbsent || v.kind == KindNull {
		return byDefault, nil
	}
	n, ok := clampIndex(v)
	if !ok {
		return 0, typeError("a whole number is needed here, not %s", v.kind)
	}
	return n, nil
}

// string returns an argument that must be text.
func (a args) string(i int, byDefault string) (string, error) {
	v := a.values[i]
	switch v.kind {
	case kindAbsent:
		return byDefault, nil
	case KindString:
		return v.str, nil
	default:
		return "", typeError("text is needed here, not %s", v.kind)
	}
}

// use reads the signature.
func (f *function) use() {
	quoted := false
	for part := range strings.FieldsFuncSeq(f.signature, func(r rune) bool {
		quoted = quoted != (r == '\'')
		return r == ',' && !quoted
	}) {
		part = strings.TrimSpace(part)
		name, _, optional := strings.Cut(part, "=")
		switch {
		case strings.HasPrefix(part, "**"):
			f.namedRest = true
		case strings.HasPrefix(part, "*"):
			f.rest = true
		default:
			f.params = append(f.params, param{name, optional})
		}
	}
}

// usage returns how the function is written.
func (f *function) usage() string {
	if f.signature == "" {
		return f.name + " without arguments"
	}
	return f.name + "(" + f.signature + ")"
}

// A library is the functions that a template may use.
type library struct {
	filters, functions, tests map[string]*function
	methods                   map[string]*[kindCount]*function
}

var (
	typedLibrary      = newLibrary(true)
	compatibleLibrary = newLibrary(false)

	// mutators are the names of the methods that change a list or dict.
	mutators = mutatorNames(typedLibrary)
)

func libraryOf(typed bool) *library {
	if typed {
		return typedLibrary
	}
	return compatibleLibrary
}

func newLibrary(typed bool) *library {
	return &library{
		filters:   table(typed, filterTable()),
		functions: table(typed, functionTable()),
		tests:     table(typed, testTable()),
		methods:   methodTables(),
	}
}

// table makes a table by name; of several with one name the last counts. The
// names behind a | are aliases.
func table(typed bool, functions []function) map[string]*function {
	out := make(map[string]*function, len(functions))
	for _, f := range functions {
		if f.typedOnly && !typed {
			continue
		}
		f.use()
		for name := range strings.SplitSeq(f.name, "|") {
			one := f
			one.name = name
			out[name] = &one
		}
	}
	return out
}

func methodTables() map[string]*[kindCount]*function {
	out := map[string]*[kindCount]*function{}
	for _, f := range methodTable() {
		f.use()
		kinds := out[f.name]
		if kinds == nil {
			kinds = &[kindCount]*function{}
			out[f.name] = kinds
		}
		kinds[f.on] = &f
	}
	return out
}

func mutatorNames(lib *library) map[string]bool {
	out := map[string]bool{}
	for name, kinds := range lib.methods {
		for _, f := range kinds {
			if f != nil && f.mutates {
				out[name] = true
			}
		}
	}
	return out
}

// Filters lists the filters of the typed mode, by name. Without those that are
// TypedOnly they are the filters of the compatible mode.
func Filters() []FunctionDoc { return docs(typedLibrary.filters) }

// Functions lists the functions, by name.
func Functions() []FunctionDoc { return docs(typedLibrary.functions) }

// Tests lists the tests, by name.
func Tests() []FunctionDoc { return docs(typedLibrary.tests) }

// Methods lists the methods, by name and then by the kind of value that they are
// of.
func Methods() []FunctionDoc {
	var out []FunctionDoc
	for _, name := range slices.Sorted(maps.Keys(typedLibrary.methods)) {
		for _, f := range typedLibrary.methods[name] {
			if f != nil {
				out = append(out, f.describe())
			}
		}
	}
	return out
}

func docs(functions map[string]*function) []FunctionDoc {
	out := make([]FunctionDoc, 0, len(functions))
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		out = append(out, functions[name].describe())
	}
	return out
}

func (f *function) describe() FunctionDoc {
	return FunctionDoc{Name: f.name, Signature: f.signature, Doc: f.doc, On: f.on, TypedOnly: f.typedOnly}
}
