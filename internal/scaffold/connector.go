package scaffold

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

// Vendorsync is the path of the module that connectors are written for.
const Vendorsync = "github.com/vendorsync/vendorsync"

// A Connector is what is to be written. The zero value of each field but ID and
// ImportPath is its default.
type Connector struct {
	ID         string // in the catalogue: "acme-fleet"
	ImportPath string // of its package: "example.com/inventory/acmefleet"
	Stream     string // the name of its list; that of Object's own, "devices" or "users"
	Object     string // the object that the list fills, one of Objects; "assets"
	Auth       string // how it proves who asks, one of Auths; "api_token"
	Paging     string // how the list comes in pages, one of Pagings; "cursor"
}

// A File is one file of a connector.
type File struct {
	Name  string // relative to the package's folder, with slashes
	Holds string // what is in it, for a person
	Data  []byte
}

// Objects returns the objects that a connector's list may fill.
func Objects() []string { return names(objects, func(o object) string { return o.Name }) }

// Auths returns the ways in which a connector may prove who asks.
func Auths() []string { return names(auths, func(a auth) string { return a.Name }) }

// Pagings returns the ways in which a connector's list may come in pages.
func Pagings() []string { return names(pagings, func(p paging) string { return p.Name }) }

func names[T any](table []T, name func(T) string) []string {
	out := make([]string, len(table))
	for i, row := range table {
		out[i] = name(row)
	}
	return out
}

// shape is what ids and names of streams look like, so that they can be typed on a
// command line and stand in a path.
var shape = regexp.MustCompile(`^[a-z][a-z0-9]*([_-][a-z0-9]+)*$`)

// Package returns the name of the package of the connector with that id, which is
// also that of its folder: the id without - and _.
func Package(id string) (string, error) {
	if !shape.MatchString(id) {
		return "", fmt.Errorf("%q is no id of a connector: it has to be lower-case letters and digits, with - or _ between, such as acme-fleet", id)
	}
	name := strings.NewReplacer("-", "", "_", "").Replace(id)
	used := []string{"cmd", "init", "internal", "main", "std", "testdata", "vendor"} // by Go, for something else
	if token.IsKeyword(name) || slices.Contains(used, name) {
		return "", fmt.Errorf("%q gives the package the name %s, which Go has another use for; choose another id", id, name)
	}
	return name, nil
}

// A page is what the templates are filled with.
type page struct {
	Connector
	Package, Name, Host, Label, Constant string
	Within                               bool // the vendorsync module itself
	Object                               object
	Auth                                 auth
	Paging                               paging
}

func (c Connector) page() (page, error) {
	name, err := Package(c.ID)
	if err != nil {
		return page{}, err
	}
	p := page{Connector: c, Package: name, Name: words(c.ID, " "), Host: strings.ReplaceAll(c.ID, "_", "-") + ".example"}
	p.Within = strings.HasPrefix(c.ImportPath, Vendorsync+"/")
	var errObject, errAuth, errPaging error
	p.Object, errObject = choose("object", objects, Objects(), c.Object)
	p.Auth, errAuth = choose("auth", auths, Auths(), c.Auth)
	p.Paging, errPaging = choose("paging", pagings, Pagings(), c.Paging)
	if err := errors.Join(errObject, errAuth, errPaging); err != nil {
		return page{}, err
	}
	p.Stream = cmp.Or(c.Stream, p.Object.Stream)
	if !shape.MatchString(p.Stream) {
		return page{}, fmt.Errorf("%q is no name of a stream: it has to be lower-case letters and digits, with - or _ between, such as devices", p.Stream)
	}
	p.Label, p.Constant = words(p.Stream, " "), words(p.Stream, "")+"Stream"
	for _, text := range []*string{&p.Auth.Doc, &p.Auth.Help} {
		if *text, err = fill("text", *text, p); err != nil {
			return page{}, err
		}
	}
	return p, nil
}

// choose returns the row of that name, the first for no name.
func choose[T any](what string, table []T, known []string, name string) (T, error) {
	if i := slices.Index(known, cmp.Or(name, known[0])); i >= 0 {
		return table[i], nil
	}
	var none T
	return none, fmt.Errorf("there is no %s %q; choose one of %s", what, name, strings.Join(known, ", "))
}

// words writes an id as words that begin with a capital.
func words(id, separator string) string {
	parts := strings.FieldsFunc(id, func(r rune) bool { return r == '-' || r == '_' })
	for i, part := range parts {
		parts[i] = strings.ToUpper(part[:1]) + part[1:]
	}
	return strings.Join(parts, separator)
}

//go:embed templates
var templates embed.FS

// Files returns the connector's files. It reports what is wrong with the Connector.
func (c Connector) Files() ([]File, error) {
	p, err := c.page()
	if err != nil {
		return nil, err
	}
	files := []File{
		{Name: "doc.go", Holds: "what a person creates at the vendor"},
		{Name: "spec.go", Holds: "the Spec: settings, fields, default mapping"},
		{Name: p.Package + ".go", Holds: "the API: authentication, paths, pages"},
		{Name: p.Package + "_test.go", Holds: "the conformance suite, and tests of the vendor's own ways"},
		{Name: "example_test.go", Holds: "an example of its use"},
	}
	for i, from := range []string{"doc.go", "spec.go", "connector.go", "connector_test.go", "example_test.go"} {
		if files[i].Data, err = source(from, p); err != nil {
			return nil, err
		}
	}
	if err := p.collide(files); err != nil {
		return nil, err
	}
	records, errRecords := templates.ReadFile(path.Join("templates", p.Object.Name+".json"))
	rows, errRows := templates.ReadFile(path.Join("templates", p.Object.Name+"_rows.json"))
	if err := errors.Join(errRecords, errRows); err != nil {
		return nil, err
	}
	return append(files,
		File{Name: "testdata/" + p.Stream + ".json", Holds: "records as the vendor sends them", Data: records},
		File{Name: "testdata/rows_" + p.Stream + ".json", Holds: "what the default mapping makes of them", Data: rows},
	), nil
}

// source fills a template of Go code.
func source(name string, p page) ([]byte, error) {
	text, err := templates.ReadFile(path.Join("templates", name+".tmpl"))
	if err != nil {
		return nil, err
	}
	code, err := fill(name, string(text), p)
	if err != nil {
		return nil, err
	}
	out, err := format.Source([]byte(code))
	if err != nil {
		return nil, fmt.Errorf("format %s: %w", name, err)
	}
	return out, nil
}

func fill(name, text string, p page) (string, error) {
	t, err := template.New(name).Delims("<<", ">>").Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return "", err
	}
	return b.String(), nil
}

// collide refuses a package whose name its own files or tests use for something
// else.
func (p page) collide(files []File) error {
	taken := map[string]bool{}
	for _, f := range files {
		if taken[f.Name] {
			return p.taken("one of its files")
		}
		taken[f.Name] = true
		if !strings.HasSuffix(f.Name, "_test.go") {
			continue // a package does not see its own name
		}
		code, err := parser.ParseFile(token.NewFileSet(), f.Name, f.Data, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parse %s: %w", f.Name, err)
		}
		if p.shadowed(code) {
			return p.taken("something in its tests")
		}
	}
	return nil
}

func (p page) taken(by string) error {
	return fmt.Errorf("%q gives the package the name %s, which %s has; choose another id", p.ID, p.Package, by)
}

// shadowed reports whether the package's name means something else in a file that
// imports it.
func (p page) shadowed(file *ast.File) bool {
	uses := map[*ast.Ident]bool{}
	found := false
	for _, spec := range file.Imports {
		imported := strings.Trim(spec.Path.Value, `"`)
		found = found || imported != p.ImportPath && path.Base(imported) == p.Package
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok {
				uses[x] = true // the package itself, or a use of what is declared elsewhere
			}
			uses[n.Sel] = true
		case *ast.Ident:
			found = found || n.Name == p.Package && !uses[n]
		}
		return true
	})
	return found
}
