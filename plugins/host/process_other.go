//go:build unix && !linux

package host

import (
	"os/exec"
	"syscall"
)

// processAttributes put the plugin into a group of its own. It learns of our death by the end of its standard input.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// firstToGo is for Linux.
func firstToGo(int) {}

// reap waits for the process and kills what it started.
func reap(cmd *exec.Cmd, killGroup func()) error {
	err := cmd.Wait()
	killGroup()
	return err
}
