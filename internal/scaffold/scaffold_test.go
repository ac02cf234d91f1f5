package scaffold_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/internal/scaffold"
)

// kinds returns a connector for each way of proving who asks and each way of
// paging, of one object and the other in turn.
func kinds() (all []scaffold.Connector) {
	for i := range scaffold.Auths() {
		for k := range scaffold.Pagings() {
			all = append(all, kind(i, k))
		}
	}
	return append(all, scaffold.Connector{ID: "own", Stream: "managed-laptops_2"})
}

// few returns some of those, in which each way occurs.
func few() (some []scaffold.Connector) {
	for k := range scaffold.Pagings() {
		some = append(some, kind(k%len(scaffold.Auths()), k))
	}
	return append(some, scaffold.Connector{ID: "own", Stream: "managed-laptops_2"})
}

func kind(i, k int) scaffold.Connector {
	objects, auth, paging := scaffold.Objects(), scaffold.Auths()[i], scaffold.Pagings()[k]
	return scaffold.Connector{ID: "my_" + auth + "-" + paging, Object: objects[(i+k)%len(objects)], Auth: auth, Paging: paging}
}

func files(t *testing.T, c scaffold.Connector) map[string]string {
	t.Helper()
	name, err := scaffold.Package(c.ID)
	require.NoError(t, err)
	c.ImportPath = "example.com/connectors/" + name
	list, err := c.Files()
	require.NoError(t, err)
	out := map[string]string{}
	for _, f := range list {
		require.NotEmpty(t, f.Holds, f.Name)
		out[f.Name] = string(f.Data)
	}
	require.Len(t, out, len(list))
	return out
}

// lines counts the lines of code that are neither blank nor comment.
func lines(code string) (n int) {
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}

func TestAConnectorTakesAtMost60LinesBesideItsSpec(t *testing.T) {
	t.Parallel()
	require.Equal(t, 2, lines("// a\n\npackage a // b\n\t// c\nvar d int\n"))
	for _, c := range kinds() {
		name, err := scaffold.Package(c.ID)
		require.NoError(t, err)
		require.LessOrEqual(t, lines(files(t, c)[name+".go"]), 60, c.ID)
	}
}

func TestTheFilesAreFormattedAndSayNothingUnfinished(t *testing.T) {
	t.Parallel()
	for _, c := range kinds() {
		for name, text := range files(t, c) {
			require.NotRegexp(t, `(?i)\b(todo|fixme|xxx)\b|<<|>>`, text, name)
			if path.Ext(name) != ".go" {
				require.True(t, json.Valid([]byte(text)), name)
				continue
			}
			formatted, err := format.Source([]byte(text))
			require.NoError(t, err)
			require.Equal(t, string(formatted), text, name)
		}
	}
}

func TestWhatAConnectorIsCalled(t *testing.T) {
	t.Parallel()
	got := files(t, scaffold.Connector{ID: "acme_fleet-2", Stream: "managed-laptops", Auth: "basic", Paging: "link"})
	require.Contains(t, got["spec.go"], `ID:       "acme_fleet-2",`)
	require.Contains(t, got["spec.go"], `Name:     "Acme Fleet 2",`)
	require.Contains(t, got["spec.go"], `Hosts: []string{"*.acme-fleet-2.example"},`)
	require.Contains(t, got["spec.go"], `const ManagedLaptopsStream = "managed-laptops"`)
	require.Contains(t, got["spec.go"], `Object:  "assets",`)
	require.Contains(t, got["spec.go"], `Kind:  credentials.Basic,`)
	require.Contains(t, got["acmefleet2.go"], `rest.LinkHeader{`)
	require.Contains(t, got["doc.go"], "\n// An account of its own, under Administration, Accounts, whose role has the right\n// managed-laptops:read and no other.\n")
	require.Contains(t, got["acmefleet2_test.go"], "package acmefleet2_test")
	require.Contains(t, got, "testdata/managed-laptops.json")
}

func TestTheImportOfThePackageStandsWhereTheModulePutsIt(t *testing.T) {
	t.Parallel()
	c := scaffold.Connector{ID: "acme", ImportPath: "example.com/acme"}
	outside, err := c.Files()
	require.NoError(t, err)
	require.Contains(t, string(outside[3].Data), "vendorsync/credentials\"\n\n\t\"example.com/acme\"\n)")

	c.ImportPath = scaffold.Vendorsync + "/connectors/acme"
	within, err := c.Files()
	require.NoError(t, err)
	require.Contains(t, string(within[3].Data), "connector/rest/resttest\"\n\t\"github.com/vendorsync/vendorsync/connectors/acme\"\n\t\"github.com/vendorsync/vendorsync/credentials\"\n")
}

func TestConnectorsThatCannotBe(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		connector scaffold.Connector
		says      string
	}{
		"no id":                                      {scaffold.Connector{}, `"" is no id`},
		"an id with capitals":                        {scaffold.Connector{ID: "Acme"}, `"Acme" is no id`},
		"an id that begins with a digit":             {scaffold.Connector{ID: "1password"}, "is no id"},
		"an id with a blank":                         {scaffold.Connector{ID: "acme fleet"}, "is no id"},
		"an id that is a path":                       {scaffold.Connector{ID: "../acme"}, "is no id"},
		"an id with a line break":                    {scaffold.Connector{ID: "acme\n"}, "is no id"},
		"an id that ends in a dash":                  {scaffold.Connector{ID: "acme-"}, "is no id"},
		"an id with two dashes":                      {scaffold.Connector{ID: "acme--fleet"}, "is no id"},
		"an id of other letters":                     {scaffold.Connector{ID: "zoë"}, "is no id"},
		"a keyword of Go":                            {scaffold.Connector{ID: "go"}, "another use for"},
		"a keyword of Go, with a dash":               {scaffold.Connector{ID: "ra-nge"}, "the name range"},
		"a name that no package can have":            {scaffold.Connector{ID: "main"}, "another use for"},
		"a folder that Go passes over":               {scaffold.Connector{ID: "testdata"}, "another use for"},
		"a folder that nobody else may import":       {scaffold.Connector{ID: "internal"}, "another use for"},
		"a name of Go's own that the tests use":      {scaffold.Connector{ID: "string"}, "something in its tests has"},
		"a package that the tests import":            {scaffold.Connector{ID: "testing"}, "something in its tests has"},
		"a package of vendorsync that they import":   {scaffold.Connector{ID: "connector-test"}, "something in its tests has"},
		"a function of the tests":                    {scaffold.Connector{ID: "serve"}, "something in its tests has"},
		"a variable of the tests":                    {scaffold.Connector{ID: "t"}, "something in its tests has"},
		"a file of the same name":                    {scaffold.Connector{ID: "spec"}, "one of its files has"},
		"a file of the same name, of tests":          {scaffold.Connector{ID: "example"}, "one of its files has"},
		"a stream with a slash":                      {scaffold.Connector{ID: "acme", Stream: "a/b"}, `"a/b" is no name of a stream`},
		"an object that nobody has":                  {scaffold.Connector{ID: "acme", Object: "cars"}, `there is no object "cars"; choose one of assets, users`},
		"two faults at once, the one":                {scaffold.Connector{ID: "acme", Auth: "trust", Paging: "scroll"}, `there is no auth "trust"; choose one of api_token, basic, client_credentials`},
		"two faults at once, the other":              {scaffold.Connector{ID: "acme", Auth: "trust", Paging: "scroll"}, `there is no paging "scroll"; choose one of cursor, link, page, offset, next`},
		"a package that is named as one of its uses": {scaffold.Connector{ID: "require"}, "something in its tests has"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.connector.ImportPath = "example.com/" + strings.NewReplacer("-", "").Replace(test.connector.ID)
			_, err := test.connector.Files()
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestNamesOfFilesAreNoBuildConstraint(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"acme-linux", "acme_windows", "acme_test", "darwin"} {
		for name := range files(t, scaffold.Connector{ID: id}) {
			require.NotRegexp(t, `_(linux|windows|darwin|test_test)\.go$`, name)
		}
	}
}

func TestTheGoVersionIsTheModulesOwn(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	require.NoError(t, err)
	require.Equal(t, scaffold.GoVersion, string(regexp.MustCompile(`(?m)^go (.*)$`).FindSubmatch(text)[1]))
}

func TestWhereAConnectorGoes(t *testing.T) {
	t.Parallel()
	const other = "// Our own.\nmodule \"example.com/inventory\" // here\n\nrequire (\n\tgithub.com/vendorsync/vendorsync v0.3.0\n)\n"
	const own = "module github.com/vendorsync/vendorsync\n"
	tests := map[string]struct {
		goMod, below string // the go.mod, and the folder where the person stands
		where        scaffold.Where
		dir          string
		want         scaffold.Place
	}{
		"below connectors in vendorsync itself": {
			goMod: own, below: "docs", dir: "connectors/acmefleet",
			want: scaffold.Place{ImportPath: scaffold.Vendorsync + "/connectors/acmefleet", Module: scaffold.Vendorsync, Requires: true},
		},
		"where it is told, in vendorsync too": {
			goMod: own, where: scaffold.Where{Dir: "internal/lab"}, dir: "internal/lab/acmefleet",
			want: scaffold.Place{ImportPath: scaffold.Vendorsync + "/internal/lab/acmefleet", Module: scaffold.Vendorsync, Requires: true},
		},
		"in the current folder of another module": {
			goMod: other, dir: "acmefleet",
			want: scaffold.Place{ImportPath: "example.com/inventory/acmefleet", Module: "example.com/inventory", Requires: true},
		},
		"in a folder of another module": {
			goMod: other, below: "vendors/own", dir: "vendors/own/acmefleet",
			want: scaffold.Place{ImportPath: "example.com/inventory/vendors/own/acmefleet", Module: "example.com/inventory", Requires: true},
		},
		"in a module that does not require vendorsync yet": {
			goMod: "module example.com/x\nrequire example.com/y v1.0.0\n", dir: "acmefleet",
			want: scaffold.Place{ImportPath: "example.com/x/acmefleet", Module: "example.com/x"},
		},
		"in no module": {
			dir:  "acmefleet",
			want: scaffold.Place{ImportPath: "acme-fleet/acmefleet", Module: "acme-fleet", New: true},
		},
		"in no module, which gets a name": {
			where: scaffold.Where{Module: "example.com/new", Dir: "not/yet"}, dir: "not/yet/acmefleet",
			want: scaffold.Place{ImportPath: "example.com/new/acmefleet", Module: "example.com/new", New: true},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Join(root, test.below), 0o755))
			if test.goMod != "" {
				require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte(test.goMod), 0o600))
			}
			test.where.From = filepath.Join(root, test.below)
			got, err := scaffold.Locate(test.where, "acme-fleet")
			require.NoError(t, err)
			test.want.Dir = filepath.Join(root, filepath.FromSlash(test.dir))
			test.want.Root = root
			if test.want.New {
				test.want.Root = filepath.Dir(test.want.Dir)
			}
			require.Equal(t, test.want, got)
		})
	}
}

func TestPlacesThatCannotBe(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		goMod, id string
		where     scaffold.Where
		says      string
	}{
		"a bad id":                              {"", "Acme", scaffold.Where{}, "is no id of a connector"},
		"a new module in another":               {"module example.com/x\n", "acme", scaffold.Where{Module: "example.com/y"}, "is in the module example.com/x already"},
		"a go.mod that names no module":         {"go 1.26.0\n", "acme", scaffold.Where{}, "go.mod does not say which module it is"},
		"a folder that cannot be in an import":  {"module example.com/x\n", "acme", scaffold.Where{Dir: "my connectors"}, `"example.com/x/my connectors/acme" is no path that Go can import`},
		"a module's name that cannot be":        {"", "acme", scaffold.Where{Module: "example.com/a b"}, "is no path that Go can import"},
		"a module's name that begins elsewhere": {"", "acme", scaffold.Where{Module: "../x"}, "is no path that Go can import"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.where.From = t.TempDir()
			if test.goMod != "" {
				require.NoError(t, os.WriteFile(filepath.Join(test.where.From, "go.mod"), []byte(test.goMod), 0o600))
			}
			_, err := scaffold.Locate(test.where, test.id)
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestWhatIsThereIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	const own = "my own work"
	tests := map[string]string{ // what is there
		"a file of the same name":      "acme/acme.go",
		"another file in the folder":   "acme/notes.txt",
		"a file in the folder's place": "acme",
		"a go.mod that came just now":  "go.mod",
	}
	for name, there := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			place, err := scaffold.Locate(scaffold.Where{From: root}, "acme")
			require.NoError(t, err)
			files, err := scaffold.Connector{ID: "acme", ImportPath: place.ImportPath}.Files()
			require.NoError(t, err)

			there := filepath.Join(root, filepath.FromSlash(there))
			require.NoError(t, os.MkdirAll(filepath.Dir(there), 0o755))
			require.NoError(t, os.WriteFile(there, []byte(own), 0o600))
			before := tree(t, root)
			require.ErrorIs(t, place.Write(append(files, place.GoMod(""))), fs.ErrExist)
			require.Equal(t, before, tree(t, root))
		})
	}
}

func TestANewModuleRequiresTheVersionThatIsKnown(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"":       "module acme\n\ngo " + scaffold.GoVersion + "\n",
		"v0.4.0": "module acme\n\ngo " + scaffold.GoVersion + "\n\nrequire github.com/vendorsync/vendorsync v0.4.0\n",
	} {
		root := t.TempDir()
		place, err := scaffold.Locate(scaffold.Where{From: root}, "acme")
		require.NoError(t, err)
		require.NoError(t, place.Write([]scaffold.File{{Name: "testdata/a.json", Data: []byte("{}")}, place.GoMod(version)}))
		require.Equal(t, map[string]string{"acme/testdata/a.json": "{}", "go.mod": want}, tree(t, root))

		again, err := scaffold.Locate(scaffold.Where{From: root}, "acme-two")
		require.NoError(t, err)
		require.Equal(t, scaffold.Place{
			Dir: filepath.Join(root, "acmetwo"), ImportPath: "acme/acmetwo", Root: root, Module: "acme", Requires: version != "",
		}, again, "the module is there now")
	}
}

// tree returns the files of a folder.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	files := os.DirFS(root)
	require.NoError(t, fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		out[name] = string(text)
		return err
	}))
	return out
}

// FuzzConnector holds what is written to what Go takes: files that can be parsed,
// of one package, in which no import hides another.
func FuzzConnector(f *testing.F) {
	for _, id := range []string{"acme", "acme-fleet", "rest", "t", "fmt", "doc", "cmd", "nil"} {
		f.Add(id, "devices", "api_token", "cursor", "assets")
		f.Add(id, id, "client_credentials", "link", "users")
	}
	f.Fuzz(func(t *testing.T, id, stream, auth, paging, object string) {
		c := scaffold.Connector{ID: id, Stream: stream, Auth: auth, Paging: paging, Object: object}
		name, err := scaffold.Package(id)
		if err == nil {
			c.ImportPath = "example.com/connectors/" + name
		}
		list, err := c.Files()
		if err != nil {
			require.Empty(t, list)
			return
		}
		for _, file := range list {
			require.True(t, fs.ValidPath(file.Name), file.Name)
			if path.Ext(file.Name) == ".go" {
				checkCode(t, name, file)
			}
		}
	})
}

func checkCode(t *testing.T, name string, file scaffold.File) {
	t.Helper()
	code, err := parser.ParseFile(token.NewFileSet(), file.Name, bytes.NewReader(file.Data), parser.SkipObjectResolution)
	require.NoError(t, err)
	require.Equal(t, name, strings.TrimSuffix(code.Name.Name, "_test"))
	seen := map[string]bool{}
	for _, imported := range code.Imports {
		base := path.Base(strings.Trim(imported.Path.Value, `"`))
		require.False(t, seen[base], "two imports are called %s", base)
		seen[base] = true
	}
	for _, declared := range code.Decls {
		if fn, ok := declared.(*ast.FuncDecl); ok {
			require.False(t, seen[fn.Name.Name], "an import and a function are called %s", fn.Name.Name)
		}
	}
}
