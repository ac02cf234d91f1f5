package testserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startLimit = 2 * time.Minute      // for a server to answer; a loaded machine starts many at once
	stopLimit  = 20 * time.Second     // for a server to end when asked; then it is killed
	pollPause  = 5 * time.Millisecond // between two looks whether it answers
	logKept    = 16 << 10             // bytes of what a server said last
)

// errNotReady is why a server that runs does not count as one that answers.
var errNotReady = errors.New("it is not ready")

// A program says how to run a server, how to know that it answers, and how to
// end it.
type program struct {
	name     string                                   // for messages
	path     string                                   // of the executable
	args     []string                                 // without the executable's name
	dir      string                                   // where it runs
	account  *account                                 // whom it runs as; nil is the current user
	answers  func(ctx context.Context, pid int) error // nil once it does
	end      syscall.Signal                           // ends it in order, whoever is connected
	orphaned syscall.Signal                           // ends it at once: sent when the test's process dies
}

// A daemon runs a program, and runs it again.
type daemon struct {
	t testing.TB
	program
	patience time.Duration // how long it may take to end when asked
	said     tail
	run      *run // nil while it is stopped
}

// A run is the life of one process.
type run struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended, and what it started too
	err   error         // how it ended; to be read after ended
}

// launch starts a program, which runs until the test ends.
func launch(t testing.TB, p program) *daemon {
	t.Helper()
	d := &daemon{t: t, program: p, patience: stopLimit}
	t.Cleanup(d.cleanup)
	d.restart()
	return d
}

// cleanup ends the program with the test.
func (d *daemon) cleanup() {
	d.t.Helper()
	d.stop()
	if d.t.Failed() {
		d.t.Logf("the last that %s said:\n%s", d.name, &d.said)
	}
}

// restart runs the program, after ending it if it runs.
func (d *daemon) restart() {
	d.t.Helper()
	d.stop()
	if err := d.start(); err != nil {
		d.t.Fatalf("starting %s: %v\n%s", d.name, err, &d.said)
	}
}

// runs reports whether the program runs. One that has ended by itself fails the
// test, which might not have noticed.
func (d *daemon) runs() bool {
	d.t.Helper()
	if d.run == nil {
		return false
	}
	select {
	case <-d.run.ended:
		d.t.Errorf("%s ended by itself: %v\n%s", d.name, d.run.err, &d.said)
		d.run = nil
		return false
	default:
		return true
	}
}

// stop asks the program to end, and kills it if it will not.
func (d *daemon) stop() {
	d.t.Helper()
	if !d.runs() {
		return
	}
	if err := d.run.cmd.Process.Signal(d.end); err != nil && !errors.Is(err, os.ErrProcessDone) {
		d.kill() // this system has no such signal
		return
	}
	select {
	case <-d.run.ended:
		d.run = nil
	case <-time.After(d.patience):
		d.kill()
	}
}

// kill ends the program and all that it started at once.
func (d *daemon) kill() {
	d.t.Helper()
	if !d.runs() {
		return
	}
	if err := killTree(d.run.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		d.t.Errorf("killing %s: %v", d.name, err)
	}
	<-d.run.ended
	d.run = nil
}

// start runs the program and waits until it answers.
func (d *daemon) start() error {
	ctx := context.WithoutCancel(d.t.Context()) // which ends before the test's cleanup, where the server is still of use
	r, err := d.spawn(ctx)
	if err != nil {
		return err
	}
	d.run = r
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for {
		err := d.answers(ctx, r.cmd.Process.Pid)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-r.ended:
			d.run = nil
			return fmt.Errorf("it ended: %w", r.err)
		case <-ctx.Done():
			return fmt.Errorf("no answer within %v: %w", startLimit, err)
		}
	}
}

// spawn starts the process. The system tells a child of its parent's death when
// the parent's thread ends, so one thread is kept for as long as the child lives.
func (d *daemon) spawn(ctx context.Context) (*run, error) {
	cmd := command(ctx, d.dir, d.account, d.path, d.args...)
	dieWithParent(cmd, d.orphaned)
	// Not files but pipes, which stay open while anything that the process has
	// started holds them: Wait waits for that too.
	cmd.Stdout, cmd.Stderr = &d.said, &d.said
	cmd.WaitDelay = d.patience
	r := &run{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			r.err = cmd.Wait()
			close(r.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return r, nil
}

// command prepares to run an executable in a folder, as a user, away from the
// settings in the environment of whoever runs the test. Its temporary files are in
// that folder too: MariaDB, for one, removes those of any other server.
func command(ctx context.Context, dir string, as *account, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // a server's own executable, found by its name
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + searchPath(), "HOME=" + dir, "TMPDIR=" + dir, "LC_ALL=C", "TZ=UTC"}
	runAs(cmd, as)
	return cmd
}

// runTool runs a server's tool to its end. An error quotes what the tool said.
func runTool(ctx context.Context, dir string, as *account, path string, args ...string) error {
	runtime.LockOSThread() // as in spawn
	defer runtime.UnlockOSThread()
	cmd := command(ctx, dir, as, path, args...)
	dieWithParent(cmd, syscall.SIGKILL)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", path, err, bytes.TrimSpace(out))
	}
	return nil
}

// loopback returns an address of the loopback interface.
func loopback(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// ask connects to a server, says something, and waits for the answer to fill the
// buffer.
func ask(ctx context.Context, addr string, say, answer []byte) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it has served its purpose
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := conn.Write(say); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, answer)
	return err
}

// A tail keeps the last of what is written to it. Its zero value is ready for use,
// by many goroutines at once.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (w *tail) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = append(w.kept, p...)
	if over := len(w.kept) - logKept; over > 0 {
		w.kept = append(w.kept[:0], w.kept[over:]...)
	}
	return len(p), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimSpace(string(w.kept))
}
