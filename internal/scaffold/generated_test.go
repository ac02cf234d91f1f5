//go:build !race

package scaffold_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/internal/scaffold"

	// What the connectors are built on, so that a change to it runs this test anew.
	_ "github.com/vendorsync/vendorsync/connector/connectortest"
	_ "github.com/vendorsync/vendorsync/connector/rest"
	_ "github.com/vendorsync/vendorsync/connector/rest/resttest"
	_ "github.com/vendorsync/vendorsync/mapping"
)

// TestEachKindOfConnectorPassesItsTests writes the connectors into a module of
// their own, beside this one, has all of them compiled and looked at by vet, and
// runs the tests of some in which each way occurs.
func TestEachKindOfConnectorPassesItsTests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	beside(t, dir)
	for _, c := range kinds() {
		place, err := scaffold.Locate(scaffold.Where{From: dir}, c.ID)
		require.NoError(t, err)
		c.ImportPath = place.ImportPath
		files, err := c.Files()
		require.NoError(t, err)
		require.NoError(t, place.Write(files))
	}
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod -buildvcs=false", "GOPROXY=off", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	require.Empty(t, run("vet", "./..."))
	args := []string{"test"}
	for _, c := range few() {
		name, err := scaffold.Package(c.ID)
		require.NoError(t, err)
		args = append(args, "./"+name)
	}
	passed := regexp.MustCompile(`(?m)^ok  \texample\.com/generated/\w+`).FindAllString(run(args...), -1)
	require.Len(t, passed, len(few()))
}

// beside makes a module that is built from this one's source and needs nothing
// that this one does not have.
func beside(t *testing.T, dir string) {
	t.Helper()
	source, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	goMod, err := os.ReadFile(filepath.Join(source, "go.mod"))
	require.NoError(t, err)
	goSum, err := os.ReadFile(filepath.Join(source, "go.sum"))
	require.NoError(t, err)
	text := strings.Replace(string(goMod), "module "+scaffold.Vendorsync, "module example.com/generated", 1)
	text += "\nrequire " + scaffold.Vendorsync + " v0.0.0\n\nreplace " + scaffold.Vendorsync + " => " + source + "\n"

	module, err := os.OpenRoot(dir)
	require.NoError(t, err)
	require.NoError(t, module.WriteFile("go.mod", []byte(text), 0o600))
	require.NoError(t, module.WriteFile("go.sum", goSum, 0o600))
	require.NoError(t, module.Close())
}
