package host

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// processAttributes put the plugin into a group of its own and let the kernel kill it when the thread that started it dies.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// firstToGo has the kernel end a plugin before the host when memory ends. Where that isn't allowed, it is no matter.
func firstToGo(pid int) {
	const rather, mode = "500", 0o600
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte(rather), mode)
}

// reap waits for the process, and kills what it started while its number, which is also the group's, can't be anybody else's yet.
func reap(cmd *exec.Cmd, killGroup func()) error {
	for errors.Is(unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
		continue
	}
	killGroup()
	return cmd.Wait()
}
