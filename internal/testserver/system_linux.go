package testserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// dieWithParent has a process sent the signal when the thread that starts it
// ends (prctl(2), PR_SET_PDEATHSIG), as it does when the test is killed.
func dieWithParent(cmd *exec.Cmd, sig syscall.Signal) {
	cmd.SysProcAttr.Pdeathsig = sig
}

// killTree kills a process and its children at once. The process is halted first,
// so that it starts none meanwhile.
func killTree(p *os.Process) error {
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("halting it: %w", err)
	}
	list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", p.Pid))
	if err != nil {
		return fmt.Errorf("listing its children: %w", err)
	}
	for _, field := range strings.Fields(string(list)) {
		child, err := strconv.Atoi(field)
		if err != nil {
			return fmt.Errorf("listing its children: %w", err)
		}
		if err := syscall.Kill(child, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("killing its child %d: %w", child, err)
		}
	}
	return p.Kill()
}

// freePort returns a port of the loopback interface that is the test's own until
// its end. A socket that is bound to the port but does not listen keeps it: the
// system gives the port to nobody else, refuses connections to it, and yet lets a
// server bind it that sets SO_REUSEADDR, as servers do. So no other test takes
// the port before the server starts, nor between its end and its next start.
func freePort(t testing.TB) int {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("opening a socket: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Close(socket); err != nil {
			t.Errorf("giving up a port: %v", err)
		}
	})
	if err := syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		t.Fatalf("sharing a port: %v", err)
	}
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatalf("taking a port: %v", err)
	}
	name, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatalf("taking a port: %v", err)
	}
	addr, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		t.Fatalf("taking a port: the socket has the address %v", name)
	}
	return addr.Port
}
