package vendorsync_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connectors"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/config"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// firstScreen is how many lines of a README a person sees at once.
const firstScreen = 24

// blocks returns a page's fenced code of one language, without its indent.
func blocks(page, language string) []string {
	var out []string
	for _, m := range regexp.MustCompile("(?ms)^( *)```"+language+"\n(.*?)^ *```$").FindAllStringSubmatch(page, -1) {
		out = append(out, regexp.MustCompile("(?m)^"+m[1]).ReplaceAllString(m[2], ""))
	}
	return out
}

// commands returns the commands of a shell script, less its comments.
func commands(script string) []string {
	var out []string
	for line := range strings.Lines(script) {
		command, _, _ := strings.Cut(line, "#")
		if command = strings.TrimSpace(command); command != "" {
			out = append(out, command)
		}
	}
	return out
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(b)
}

func TestTheFirstScreenHasTheTwoCommandsThatTheGateRuns(t *testing.T) {
	t.Parallel()
	lines := strings.SplitAfter(readFile(t, "README.md"), "\n")
	scripts := blocks(strings.Join(lines[:firstScreen], ""), "sh")
	require.Len(t, scripts, 1)
	readme := commands(scripts[0])
	require.Len(t, readme, 2)
	gate := commands(readFile(t, ".ci/run"))
	for _, command := range readme {
		step := regexp.MustCompile(`^step "[^"]+" (tests )?` + regexp.QuoteMeta(command) + `$`)
		found := 0
		for _, line := range gate {
			if step.MatchString(line) {
				found++
			}
		}
		require.Equal(t, 1, found, "a step of .ci/run that is %q", command)
	}
}

// TestGoCodeInDocumentsIsCompiled looks each block of Go up in the test files,
// where it stands word for word.
func TestGoCodeInDocumentsIsCompiled(t *testing.T) {
	t.Parallel()
	var compiled strings.Builder
	require.NoError(t, filepath.WalkDir(".", func(file string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(file, "_test.go") {
			compiled.WriteString(readFile(t, file))
		}
		return err
	}))
	for _, page := range []string{"README.md", "CONTRIBUTING.md"} {
		code := blocks(readFile(t, page), "go")
		require.NotEmpty(t, code, page)
		for _, block := range code {
			require.True(t, strings.Contains(compiled.String(), "\n"+block), "%s has code that stands in no test file:\n%s", page, block)
		}
	}
}

func TestTheConfigurationInTheREADMEHasNoFaults(t *testing.T) {
	t.Parallel()
	files := blocks(readFile(t, "README.md"), "yaml")
	require.NotEmpty(t, files)
	registry, err := connectors.Registry()
	require.NoError(t, err)
	for _, text := range files {
		file, err := config.Parse([]byte(text), config.Options{Name: "README.md", Registry: registry})
		require.NoError(t, err)
		_, err = file.Check(mapping.Standard())
		require.NoError(t, err)

		s, err := syncer.New(memory.New(memory.Options{}), syncer.Options{Registry: registry})
		require.NoError(t, err)
		applied, err := config.Apply(t.Context(), s, file, "ops@example.com")
		require.NoError(t, err)
		var all []string
		for _, e := range file.Integrations {
			all = append(all, e.ID)
		}
		require.Equal(t, all, applied.Launched, "nothing is missing")
	}
}

func TestLinksBetweenDocumentsLeadSomewhere(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("*.md")
	require.NoError(t, err)
	more, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	for _, page := range append(pages, more...) {
		for _, m := range regexp.MustCompile(`\]\(([^)#:]*)(#[^)]*)?\)`).FindAllStringSubmatch(readFile(t, page), -1) {
			target, anchor := page, m[2]
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(page), filepath.FromSlash(m[1]))
				require.FileExists(t, target, "linked from %s", page)
			}
			if anchor != "" {
				require.Contains(t, anchors(readFile(t, target)), anchor, "linked from %s", page)
			}
		}
	}
}

// anchors returns what links to a page's headings look like.
func anchors(page string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		out = append(out, "#"+strings.ReplaceAll(strings.ToLower(m[1]), " ", "-"))
	}
	return out
}

// TestASkippedTestFailsTheGate feeds the gate's filter with what go test says.
func TestASkippedTestFailsTheGate(t *testing.T) {
	t.Parallel()
	testlog := filepath.Join(t.TempDir(), "testlog.exe")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", testlog, ".ci/testlog.go").CombinedOutput()
	require.NoError(t, err, string(out))

	const (
		pass    = `{"Action":"pass","Package":"p","Test":"TestA"}` + "\n"
		skip    = `{"Action":"output","Package":"p","Test":"TestB","Output":"no network\n"}` + "\n" + `{"Action":"skip","Package":"p","Test":"TestB"}` + "\n"
		fail    = `{"Action":"output","Package":"p","Test":"TestC","Output":"want 1, got 2\n"}` + "\n" + `{"Action":"fail","Package":"p","Test":"TestC"}` + "\n"
		hanging = `{"Action":"output","Package":"p","Test":"TestD","Output":"about to exit\n"}` + "\n" + `{"Action":"fail","Package":"p"}` + "\n"
		empty   = `{"Action":"skip","Package":"q"}` + "\n"
		build   = `{"ImportPath":"r","Action":"build-output","Output":"r.go:1: no\n"}` + "\n" + `{"ImportPath":"r","Action":"build-fail"}` + "\n"
		race    = `{"Action":"output","Package":"p","Test":"TestA","Output":"WARNING: DATA RACE\n"}` + "\n"
		said    = `{"Action":"output","Package":"p","Test":"TestA","Output":"--- SKIP: {\"Action\":\"skip\"}\n"}` + "\n"
	)
	tests := map[string]struct {
		log    string
		ci     string
		passes bool
		shows  string
	}{
		"tests that pass":                             {log: pass, ci: "true", passes: true},
		"a skipped test in the gate":                  {log: pass + skip, ci: "true", shows: "p TestB"},
		"a skipped test outside of it":                {log: pass + skip, passes: true, shows: "no network"},
		"a package without tests":                     {log: pass + empty, ci: "true", passes: true},
		"a test that fails":                           {log: pass + fail, shows: "want 1, got 2"},
		"a test that ends the process":                {log: pass + hanging, shows: "about to exit"},
		"a package that does not build":               {log: pass + build, shows: "r.go:1: no"},
		"a test that only speaks of skipping":         {log: said + pass, ci: "true", passes: true},
		"a data race that another test is failed for": {log: race + pass + fail, shows: "DATA RACE"},
		"no test at all":                              {log: "", shows: "no test has run"},
		"what the go command itself says is no JSON":  {log: "pattern ./x: no such folder\n" + pass, passes: true, shows: "no such folder"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), testlog)
			cmd.Stdin = strings.NewReader(tt.log)
			cmd.Env = append(os.Environ(), "CI="+tt.ci)
			out, err := cmd.CombinedOutput()
			require.Equal(t, tt.passes, err == nil, string(out))
			require.Contains(t, string(out), tt.shows)
		})
	}
}
