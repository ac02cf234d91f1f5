package vendorsync_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector/rest"
)

// TestWhatTheChapterOnConnectorsNamesIsThere looks up what CONTRIBUTING.md names of
// the packages that a connector is made with.
func TestWhatTheChapterOnConnectorsNamesIsThere(t *testing.T) {
	t.Parallel()
	page := readFile(t, "CONTRIBUTING.md")
	for _, folder := range []string{"connector", "connector/rest", "connector/rest/resttest", "connector/connectortest"} {
		there := exported(t, folder)
		named := regexp.MustCompile(`\b`+path.Base(folder)+`\.([A-Z]\w*)`).FindAllStringSubmatch(page, -1)
		require.NotEmpty(t, named, folder)
		for _, m := range named {
			require.Contains(t, there, m[1], "%s has no %s, which CONTRIBUTING.md names", folder, m[1])
		}
	}
	fields := reflect.VisibleFields(reflect.TypeFor[rest.Stream]())
	fields = append(fields, reflect.VisibleFields(reflect.TypeFor[rest.API]())...)
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	for _, m := range regexp.MustCompile("`(?:API|Stream)\\.([A-Z]\\w*)`").FindAllStringSubmatch(page, -1) {
		require.Contains(t, names, m[1])
	}
}

// exported returns the exported names that a package declares.
func exported(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(folder + "/*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					names = append(names, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						names = append(names, spec.Name.Name)
					case *ast.ValueSpec:
						for _, n := range spec.Names {
							names = append(names, n.Name)
						}
					}
				}
			}
		}
	}
	return names
}
