package vendorsync_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/vendorsync/vendorsync"

// layers says in which layer a folder's package stands; a name that ends in /...
// means everything below it.
var layers = map[string]int{
	"":                            5, // the tour
	"cmd/...":                     5,
	"examples/...":                5,
	"connectors":                  4,
	"connectors/...":              4,
	"syncer/config":               4,
	"syncer/httpapi":              4,
	"syncer/memory":               4,
	"syncer/prometheus":           4,
	"syncer/notice":               4,
	"syncer/notice/noticetest":    4,
	"syncer/report":               4,
	"syncer/sqlite":               4,
	"syncer":                      3,
	"syncer/storetest":            3,
	"connector/connectortest":     2,
	"connector/rest":              2,
	"connector/rest/resttest":     2,
	"credentials/credentialstest": 2,
	"mapping":                     2,
	"connector":                   1,
	"credentials":                 1,
	"schedule":                    1,
	"internal/...":                1,
}

// sideways are the imports within a layer that are meant to be.
var sideways = map[string][]string{
	"connector":        {"credentials"},
	"connectors":       {"connectors/..."},
	"internal/...":     {"internal/..."},
	"syncer/storetest": {"syncer"},

	"syncer/notice/noticetest": {"syncer/notice"},

	// The conformance suite holds default mappings to the target model.
	"connector/connectortest": {"mapping"},
}

// foreign are modules that a program must ask for by importing what needs them.
var foreign = []string{
	"google.golang.org/grpc",
	"github.com/aws/aws-sdk-go-v2",
	"github.com/jackc/pgx",
	"github.com/prometheus/client_golang",

	// The syncer tells spans and metrics through the API; what receives them is the
	// host's choice.
	"go.opentelemetry.io/otel/sdk",
	"go.opentelemetry.io/otel/exporters",
}

// core are the packages that link none of foreign.
var core = []string{"mapping", "syncer", "syncer/sqlite"}

// A listed is a package as go list shows it, with what it links.
type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

// list returns the packages of the module and all that they link, by import
// path. Test files do not count.
func list(t *testing.T, goos string) map[string]listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps", "./...")
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	packages := map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		}
		require.NoError(t, err)
		packages[p.ImportPath] = p
	}
}

// folder returns the folder of a package of the module.
func folder(importPath string) (string, bool) {
	rest, own := strings.CutPrefix(importPath, module)
	return strings.TrimPrefix(rest, "/"), own && (rest == "" || rest[0] == '/')
}

// place returns the name in layers that stands for a folder: its own, else the
// nearest above it that ends in /...
func place(folder string) (string, bool) {
	if _, ok := layers[folder]; ok {
		return folder, true
	}
	for up := folder; up != ""; {
		up = up[:max(0, strings.LastIndexByte(up, '/'))]
		if _, ok := layers[up+"/..."]; ok {
			return up + "/...", true
		}
	}
	return "", false
}

func TestLayers(t *testing.T) {
	t.Parallel()
	for _, goos := range []string{"linux", "darwin", "windows"} {
		t.Run(goos, func(t *testing.T) {
			t.Parallel()
			packages := list(t, goos)
			used := map[string]bool{}
			for _, p := range packages {
				from, own := folder(p.ImportPath)
				if !own {
					continue
				}
				at, ok := place(from)
				if !ok {
					t.Errorf("%q stands in no layer: name it in layers, and in .golangci.yml", from)
					continue
				}
				used[at] = true
				for _, imported := range p.Imports {
					checkImport(t, from, at, imported)
				}
				if layers[at] == 1 {
					checkStandard(t, packages, p)
				}
				if slices.Contains(core, from) {
					checkLinks(t, p)
				}
			}
			for at := range layers {
				if !used[at] {
					t.Errorf("there is no package %q, which layers names", at)
				}
			}
		})
	}
}

// checkImport holds one import to the order of the layers.
func checkImport(t *testing.T, from, at, imported string) {
	t.Helper()
	to, own := folder(imported)
	if !own {
		return
	}
	below, ok := place(to)
	switch {
	case !ok: // reported where it is listed itself
	case layers[below] > layers[at]:
		t.Errorf("%s, of layer %d, imports %s, of layer %d", from, layers[at], to, layers[below])
	case layers[below] == layers[at] && !slices.Contains(sideways[at], below):
		t.Errorf("%s imports %s, which stands beside it in layer %d", from, to, layers[at])
	}
}

// cron is the one module that layer 1 links beside the standard library: a parser
// of cron lines.
const cron = "github.com/netresearch/go-cron"

// checkStandard holds a package of layer 1 to the standard library.
func checkStandard(t *testing.T, packages map[string]listed, p listed) {
	t.Helper()
	for _, dep := range p.Deps {
		if _, own := folder(dep); !own && dep != cron && !packages[dep].Standard {
			t.Errorf("%s links %s: layer 1 uses the standard library alone", p.ImportPath, dep)
		}
	}
}

// checkLinks looks for foreign modules in what a package links.
func checkLinks(t *testing.T, p listed) {
	t.Helper()
	for _, dep := range p.Deps {
		for _, bad := range foreign {
			if strings.HasPrefix(dep, bad) {
				t.Errorf("%s links %s", p.ImportPath, dep)
			}
		}
	}
}
