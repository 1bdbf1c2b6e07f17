package sdk

import (
	"os"

	"golang.org/x/sys/unix"
)

// streams are the process's outputs, sorted out.
type streams struct {
	out, err  *os.File // both end in standard error
	handshake *os.File // what was standard output; no child process inherits it
}

// takeStdout keeps file 1 for the handshake and lets everything that prints to it print to file 2, the runtime and C code included.
func takeStdout() (streams, error) {
	kept, err := unix.FcntlInt(uintptr(unix.Stdout), unix.F_DUPFD_CLOEXEC, unix.Stderr+1)
	if err != nil {
		return streams{}, os.NewSyscallError("dup", err)
	}
	if err := unix.Dup2(unix.Stderr, unix.Stdout); err != nil {
		return streams{}, os.NewSyscallError("dup2", err)
	}
	return streams{out: os.Stdout, err: os.Stderr, handshake: os.NewFile(uintptr(kept), "handshake")}, nil
}

// restore undoes what go-plugin does to os.Stdout and os.Stderr just before it serves: the last words of a process that dies must not be on their
// way through a pipe of its own. It runs in the first call, which comes after.
func (s streams) restore() { os.Stdout, os.Stderr = s.out, s.err }
