package testserver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A recorder stands for a test that may fail without failing the one around it.
type recorder struct {
	testing.TB
	said     []string
	failed   bool
	cleanups []func()
}

// record runs what a test would do, its cleanup too.
func record(t *testing.T, do func(testing.TB)) *recorder {
	t.Helper()
	r := &recorder{TB: t}
	r.aside(func() { do(r) })
	for len(r.cleanups) > 0 {
		last := len(r.cleanups) - 1
		f := r.cleanups[last]
		r.cleanups = r.cleanups[:last]
		r.aside(f)
	}
	return r
}

// aside runs a function that Fatalf may end.
func (r *recorder) aside(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Failed() bool     { return r.failed }

func (r *recorder) Logf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func (r *recorder) Errorf(format string, args ...any) {
	r.failed = true
	r.Logf(format, args...)
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) String() string { return strings.Join(r.said, "\n") }

// script is a program of the shell, which answers once it has made the file ready
// in the folder where it runs.
func script(t testing.TB, source string) program {
	t.Helper()
	dir := newFolder(t, "script", nil)
	return program{
		name: "the script",
		path: executable(t, "sh", "dash"),
		args: []string{"-c", source},
		dir:  dir.path,
		answers: func(context.Context, int) error {
			_, err := os.Stat(dir.join("ready"))
			return err
		},
		end:      syscall.SIGTERM,
		orphaned: syscall.SIGKILL,
	}
}

// shortLived is a program that ends soon after it has answered.
func shortLived(t testing.TB) program {
	t.Helper()
	p := script(t, "echo >ready; while [ -e ready ]; do sleep 0.01; done; echo out of memory >&2; exit 4")
	answers := p.answers
	p.answers = func(ctx context.Context, pid int) error {
		if err := answers(ctx, pid); err != nil {
			return err
		}
		return os.Remove(filepath.Join(p.dir, "ready"))
	}
	return p
}

func TestFaultsOfAServerFailTheTest(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		do   func(testing.TB)
		want []string
	}{
		"one that ends before it answers, with what it said": {
			do:   func(tb testing.TB) { launch(tb, script(tb, "echo the port is taken >&2; exit 3")) },
			want: []string{"starting the script: it ended: exit status 3", "the port is taken"},
		},
		"one that ends after it answered, with what it said": {
			do: func(tb testing.TB) {
				d := launch(tb, shortLived(tb))
				<-d.run.ended
			},
			want: []string{"the script ended by itself: exit status 4", "out of memory"},
		},
		"one that cannot be started": {
			do: func(tb testing.TB) {
				p := script(tb, "")
				p.path = filepath.Join(p.dir, "missing")
				launch(tb, p)
			},
			want: []string{"starting the script", "missing"},
		},
		"one that is not installed, with the packages to install": {
			do:   func(tb testing.TB) { executable(tb, "no-such-server", "this-package that-package") },
			want: []string{"needs no-such-server", "apt-get install this-package that-package"},
		},
		"one that ends before it is killed": {
			do: func(tb testing.TB) {
				d := launch(tb, shortLived(tb))
				<-d.run.ended
				d.kill()
			},
			want: []string{"the script ended by itself: exit status 4"},
		},
		"a directory whose entries are not LDIF": {
			do:   func(tb testing.TB) { LDAP(tb, LDAPOptions{LDIF: "no LDIF\n"}) },
			want: []string{"loading slapd", "slapadd"},
		},
		"a directory whose schema is none": {
			do:   func(tb testing.TB) { LDAP(tb, LDAPOptions{Schema: "attributetype ( nonsense )"}) },
			want: []string{"loading slapd", "nonsense"},
		},
		"a directory of a country, whose entry is missing": {
			do:   func(tb testing.TB) { LDAP(tb, LDAPOptions{Suffix: "c=NL"}) },
			want: []string{`the LDIF must hold the entry "c=NL"`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(t, test.do)
			require.True(t, r.failed)
			for _, want := range test.want {
				require.Contains(t, r.String(), want)
			}
		})
	}
}

func TestAServerThatFailsNothingSaysNothing(t *testing.T) {
	t.Parallel()
	r := record(t, func(tb testing.TB) {
		launch(tb, script(tb, "echo started; echo >ready; exec sleep 1000"))
	})
	require.False(t, r.failed)
	require.Empty(t, r.said)
}

func TestAServerThatWillNotEndIsKilled(t *testing.T) {
	t.Parallel()
	d := launch(t, script(t, `trap "" TERM; sleep 1000 & echo >ready; wait`))
	d.patience = 50 * time.Millisecond
	r := d.run
	d.stop()
	require.ErrorContains(t, r.err, "signal: killed")
}

func TestManyServersAtOnce(t *testing.T) {
	t.Parallel()
	starts := slices.Concat(
		slices.Repeat([]func(testing.TB) string{func(t testing.TB) string { return LDAP(t, LDAPOptions{}).Addr }}, 8),
		slices.Repeat([]func(testing.TB) string{func(t testing.TB) string { return loopback(PostgreSQL(t).Port) }}, 2),
		slices.Repeat([]func(testing.TB) string{func(t testing.TB) string { return loopback(MariaDB(t).Port) }}, 2),
	)
	var tests, starting sync.WaitGroup
	starting.Add(len(starts))
	addrs := make([]string, len(starts))
	results := make([]*recorder, len(starts))
	for i, start := range starts {
		tests.Go(func() {
			results[i] = record(t, func(tb testing.TB) {
				func() {
					defer starting.Done()
					addrs[i] = start(tb)
				}()
				starting.Wait() // all of them run now, until this returns
			})
		})
	}
	tests.Wait()
	for _, r := range results {
		require.False(t, r.failed, r.String())
	}
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(addrs))), len(starts))
}

func TestStopAndRestartAtAnyTime(t *testing.T) {
	t.Parallel()
	d := launch(t, script(t, "echo >ready; exec sleep 1000"))
	first := d.run.cmd.Process.Pid
	d.restart() // while it runs
	second := d.run.cmd.Process.Pid
	require.NotEqual(t, first, second)
	d.stop()
	d.stop() // while it is stopped
	d.kill()
	d.restart()
	require.NotEqual(t, second, d.run.cmd.Process.Pid)
}

func TestTailKeepsTheLastOfWhatIsSaid(t *testing.T) {
	t.Parallel()
	var w tail
	for range 3 {
		n, err := w.Write([]byte(strings.Repeat("a", logKept/2)))
		require.NoError(t, err)
		require.Equal(t, logKept/2, n)
	}
	_, err := w.Write([]byte("the end\n"))
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(w.String(), "aaa"+"the end"))
	require.Len(t, w.String(), logKept-len("\n"))
}
