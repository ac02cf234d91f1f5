//go:build unix

package testserver

import (
	"os/exec"
	"syscall"
)

// runAs sets the user that a process runs as. Nil is the current one.
func runAs(cmd *exec.Cmd, as *account) {
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if as != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: as.uid, Gid: as.gid}
	}
}
