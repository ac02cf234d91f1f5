package vendorsync_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// buildCommand builds the vendorsync command and returns where it is.
func buildCommand(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "vendorsync")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", name, "./cmd/vendorsync").CombinedOutput()
	require.NoError(t, err, string(out))
	return name
}

const (
	credentialsPage = "docs/credentials.md"
	servePage       = "docs/serve.md"
)

// TestTheCommandIsAsTheDocumentsSay needs Linux: the tour reads the machine it
// runs on.
func TestTheCommandIsAsTheDocumentsSay(t *testing.T) {
	t.Parallel()
	program := buildCommand(t)

	t.Run("the tour of the README works in an empty folder", func(t *testing.T) {
		t.Parallel()
		dir, steps := t.TempDir(), 0
		for _, script := range blocks(readFile(t, "README.md"), "sh") {
			for _, command := range commands(script) {
				args, ok := strings.CutPrefix(command, "vendorsync ")
				if !ok {
					continue
				}
				steps++
				cmd := exec.CommandContext(t.Context(), program, strings.Fields(args)...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir)
				cmd.Stdin = strings.NewReader("a-token-that-opens-nothing\n") // for credentials add
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, "%s\n%s", command, out)
			}
		}
		require.Positive(t, steps)
	})

	t.Run("the commands that documents name exist", func(t *testing.T) {
		t.Parallel()
		for _, page := range []string{"README.md", "CONTRIBUTING.md", "docs/troubleshooting.md", mappingPage, credentialsPage, servePage} {
			named := regexp.MustCompile("`vendorsync ((?:[a-z]+ ?)+)").FindAllStringSubmatch(readFile(t, page), -1)
			for _, m := range named {
				words := strings.TrimSpace(m[1])
				out, err := exec.CommandContext(t.Context(), program, append(strings.Fields(words), "--help")...).CombinedOutput()
				require.NoError(t, err, string(out))
				require.Regexp(t, "(?m)^  vendorsync "+words+"( |$)", string(out), "%s names a command that there is not", page)
			}
		}
		for _, script := range slices.Concat(blocks(readFile(t, mappingPage), "sh"), blocks(readFile(t, credentialsPage), "sh"), blocks(readFile(t, servePage), "sh")) {
			for _, command := range commands(script) {
				args := append(strings.Fields(strings.TrimPrefix(command, "vendorsync ")), "--help")
				out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
				require.NoError(t, err, "%s\n%s", command, out)
			}
		}
	})
}
