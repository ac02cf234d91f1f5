//go:build !linux

package testserver

import (
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// dieWithParent does nothing: only Linux tells a process of its parent's death.
func dieWithParent(*exec.Cmd, syscall.Signal) {}

// killTree kills a process. Its children end when they miss it.
func killTree(p *os.Process) error { return p.Kill() }

// freePort returns a port of the loopback interface that was free a moment ago.
func freePort(t testing.TB) int {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("finding a free port: %v", err)
	}
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("finding a free port: the address is %v", l.Addr())
	}
	if err := l.Close(); err != nil {
		t.Fatalf("finding a free port: %v", err)
	}
	return addr.Port
}
