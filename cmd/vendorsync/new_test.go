package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/internal/scaffold"
)

func TestNewConnector(t *testing.T) { // t.Chdir forbids t.Parallel
	tests := map[string]struct {
		goMod string // in the folder
		below string // where the command is given
		args  []string
		files string
		says  []string
	}{
		"in vendorsync's module": {
			goMod: "module github.com/vendorsync/vendorsync\n", below: "docs", args: []string{"acme-fleet"},
			files: `
FILE                                      HOLDS
../connectors/acmefleet/doc.go            what a person creates at the vendor
../connectors/acmefleet/spec.go           the Spec: settings, fields, default mapping
../connectors/acmefleet/acmefleet.go      the API: authentication, paths, pages
../connectors/acmefleet/acmefleet_test.go the conformance suite, and tests of the vendor's own ways
../connectors/acmefleet/example_test.go   an example of its use
../connectors/acmefleet/testdata/devices.json records as the vendor sends them
../connectors/acmefleet/testdata/rows_devices.json what the default mapping makes of them
`,
			says: []string{
				"Next: go test ../connectors/acmefleet/...\n",
				"connectors/connectors.go: its import, and acmefleet.New() in All",
				"README.md: go test . -run TestTheREADMEListsEveryConnector -update", "CHANGELOG.md", "layers_test.go and .golangci.yml",
			},
		},
		"in a module that requires vendorsync": {
			goMod: "module example.com/inventory\nrequire github.com/vendorsync/vendorsync v0.1.0\n", args: []string{"acme", "--object", "users", "--auth", "basic", "--paging", "link"},
			files: `
FILE                     HOLDS
acme/doc.go              what a person creates at the vendor
acme/spec.go             the Spec: settings, fields, default mapping
acme/acme.go             the API: authentication, paths, pages
acme/acme_test.go        the conformance suite, and tests of the vendor's own ways
acme/example_test.go     an example of its use
acme/testdata/users.json records as the vendor sends them
acme/testdata/rows_users.json what the default mapping makes of them
`,
			says: []string{
				"Next: go mod tidy, then go test ./acme/...\n",
				"connector.NewRegistry(append(connectors.All(), acme.New())...)",
			},
		},
		"in a module that does not, into a folder of it": {
			goMod: "module example.com/inventory\n", args: []string{"acme", "--dir", "vendors", "--stream", "laptops"},
			files: `
FILE                               HOLDS
vendors/acme/doc.go                what a person creates at the vendor
vendors/acme/spec.go               the Spec: settings, fields, default mapping
vendors/acme/acme.go               the API: authentication, paths, pages
vendors/acme/acme_test.go          the conformance suite, and tests of the vendor's own ways
vendors/acme/example_test.go       an example of its use
vendors/acme/testdata/laptops.json records as the vendor sends them
vendors/acme/testdata/rows_laptops.json what the default mapping makes of them
`,
			says: []string{
				"Next: go mod edit -replace github.com/vendorsync/vendorsync=FOLDER, then go mod tidy, then go test ./vendors/acme/...\n",
				"FOLDER is that of its source",
			},
		},
		"in no module": {
			args: []string{"acme", "--module", "example.com/new", "--dir", "new"},
			files: `
FILE                          HOLDS
new/acme/doc.go               what a person creates at the vendor
new/acme/spec.go              the Spec: settings, fields, default mapping
new/acme/acme.go              the API: authentication, paths, pages
new/acme/acme_test.go         the conformance suite, and tests of the vendor's own ways
new/acme/example_test.go      an example of its use
new/acme/testdata/devices.json records as the vendor sends them
new/acme/testdata/rows_devices.json what the default mapping makes of them
new/go.mod                    the module
`,
			says: []string{
				"Next: go -C new mod edit -replace github.com/vendorsync/vendorsync=FOLDER, then go -C new mod tidy, then go -C new test ./acme/...\n",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			sh := newShell(t)
			if test.goMod != "" {
				sh.write("go.mod", test.goMod)
			}
			require.NoError(t, os.MkdirAll(sh.path(test.below), 0o755))
			t.Chdir(sh.path(test.below))
			r := sh.run(append([]string{"new", "connector"}, test.args...)...)
			require.Equal(t, exitDone, r.code, r.err)
			require.Equal(t, squeezed(test.files), squeezed(filepath.ToSlash(r.out)))
			for _, text := range test.says {
				require.Contains(t, filepath.ToSlash(r.err), text)
			}
			for line := range strings.Lines(strings.SplitN(r.out, "\n", 2)[1]) {
				require.FileExists(t, strings.Fields(line)[0])
			}
		})
	}
}

// squeezed is a table's text whatever the widths of its columns.
func squeezed(table string) (rows []string) {
	for line := range strings.Lines(strings.TrimSpace(table)) {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	return rows
}

func TestNewConnectorAsJSON(t *testing.T) { // t.Chdir forbids t.Parallel
	sh := newShell(t)
	t.Chdir(sh.dir)
	got := decodeJSON[object](t, sh.done("new", "connector", "acme", "--json"))
	require.Equal(t, "acme", got["connector"])
	require.Equal(t, "acme/acme", got["import_path"])
	require.Len(t, got["files"], 8)
	require.Contains(t, got["files"], "go.mod")
	require.Len(t, got["next"], 3)
	require.FileExists(t, sh.path("acme/acme.go"))
}

func TestNewConnectorRefuses(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	sh.write("go.mod", "module example.com/inventory\n")
	sh.done("new", "connector", "acme", "--dir", sh.dir)
	sh.write("acme/acme.go", "package acme // my own work\n")
	tests := map[string]struct {
		code int
		args []string
		says string
	}{
		"a connector that is there":         {exitFailed, []string{"acme"}, "acme is there already and is left as it is (choose another name, or another folder with --dir)"},
		"an id of the catalogue":            {exitUsage, []string{"files"}, `the catalogue has a connector "files" already`},
		"a name that is none":               {exitUsage, []string{"Acme Fleet"}, `"Acme Fleet" is no id of a connector`},
		"a module within another":           {exitUsage, []string{"other", "--module", "example.com/y"}, "is in the module example.com/inventory already"},
		"a way of paging that is not there": {exitUsage, []string{"other", "--paging", "scroll"}, "choose one of cursor, link, page, offset, next"},
		"no name":                           {exitUsage, nil, "accepts 1 arg(s)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said := sh.fails(test.code, append([]string{"new", "connector", "--dir", sh.dir}, test.args...)...)
			require.Contains(t, said, test.says)
			require.NoFileExists(t, sh.path("other/other.go"))
			text, err := os.ReadFile(sh.path("acme/acme.go"))
			require.NoError(t, err)
			require.Equal(t, "package acme // my own work\n", string(text))
		})
	}
	require.Contains(t, sh.fails(exitUsage, "new", "connecter"), `did you mean "connector"?`)
	require.Contains(t, sh.done("new"), "vendorsync new [command]")
}

func TestNextSteps(t *testing.T) {
	t.Parallel()
	root, err := os.Getwd()
	require.NoError(t, err)
	tests := map[string]struct {
		place   scaffold.Place
		version string
		steps   []string
	}{
		"a new module, the version known": {scaffold.Place{New: true}, "v0.4.0", []string{"go mod tidy", "go test ./acme/..."}},
		"a new module":                    {scaffold.Place{New: true}, "", []string{"go mod edit -replace github.com/vendorsync/vendorsync=FOLDER", "go mod tidy", "go test ./acme/..."}},
		"a module without vendorsync":     {scaffold.Place{}, "v0.4.0", []string{"go get github.com/vendorsync/vendorsync@v0.4.0", "go mod tidy", "go test ./acme/..."}},
		"a module with it":                {scaffold.Place{Requires: true}, "v0.4.0", []string{"go mod tidy", "go test ./acme/..."}},
		"vendorsync itself":               {scaffold.Place{Requires: true, Module: scaffold.Vendorsync}, "v0.4.0", []string{"go test ./acme/..."}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.place.Root, test.place.Dir = root, filepath.Join(root, "acme")
			require.Equal(t, test.steps, nextSteps(test.place, test.version))
		})
	}
}
