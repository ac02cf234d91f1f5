// Testlog reads what go test -json writes, from standard input, and shows what a
// person wants to see of it: a line a package, and all that a failed or skipped
// test has said. With CI=true in the environment a skipped test counts as failed.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

func main() {
	l := &testlog{out: os.Stdout, said: map[string]*strings.Builder{}}
	err := l.read(os.Stdin)
	if err == nil {
		err = l.verdict(os.Getenv("CI") == "true")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testlog:", err)
		os.Exit(1) //nolint:forbidigo // This is a program.
	}
}

// An event is one line of go test -json, see go doc test2json.
type event struct {
	Action     string
	Package    string
	ImportPath string // of a package that does not build
	Test       string // empty for the package as a whole
	Output     string
}

func (e event) name() string { return strings.TrimSpace(e.Package + " " + e.Test) }

type testlog struct {
	out     io.Writer
	said    map[string]*strings.Builder // by test, until it ends
	passed  int
	failed  []string
	skipped []string
}

func (l *testlog) read(in io.Reader) error {
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil {
				l.take(e)
			} else {
				l.print(string(line)) // the go command itself has something to say
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
	}
}

func (l *testlog) take(e event) {
	switch e.Action {
	case "output":
		l.keep(e)
	case "build-output":
		l.print(e.Output)
	case "build-fail":
		l.failed = append(l.failed, e.ImportPath)
	case "pass":
		l.passed++
		// The race detector reports through whichever test has the word.
		if b := l.said[e.name()]; b != nil && strings.Contains(b.String(), "WARNING: DATA RACE") {
			l.print(b.String())
		}
		delete(l.said, e.name())
	case "fail":
		l.failed = append(l.failed, e.name())
		l.tell(e)
	case "skip":
		if e.Test != "" { // else a package without tests
			l.skipped = append(l.skipped, e.name())
			l.tell(e)
		}
	}
}

// keep keeps what a test says until it is known whether it passes. What a package
// says is shown at once. Lines that go test shows with -v alone are left out.
func (l *testlog) keep(e event) {
	switch {
	case strings.HasPrefix(e.Output, "=== "), e.Test == "" && e.Output == "PASS\n":
		return
	case e.Test == "":
		l.print(e.Output)
		return
	}
	b := l.said[e.name()]
	if b == nil {
		b = &strings.Builder{}
		l.said[e.name()] = b
	}
	b.WriteString(e.Output)
}

// tell shows what a test has said; for a package, what its tests that never ended
// have said.
func (l *testlog) tell(e event) {
	for _, name := range slices.Sorted(maps.Keys(l.said)) {
		if name == e.name() || e.Test == "" && strings.HasPrefix(name, e.Package+" ") {
			l.print(l.said[name].String())
			delete(l.said, name)
		}
	}
}

func (l *testlog) print(text string) { _, _ = io.WriteString(l.out, text) }

func (l *testlog) verdict(strict bool) error {
	switch {
	case len(l.failed) > 0:
		return fmt.Errorf("failed:\n\t%s", strings.Join(l.failed, "\n\t"))
	case len(l.skipped) > 0 && strict:
		return fmt.Errorf("skipped, which counts as failed here:\n\t%s", strings.Join(l.skipped, "\n\t"))
	case l.passed == 0:
		return errors.New("no test has run")
	}
	return nil
}
