package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// pid gives the server's own process, or 0.
func (s *Server) pid() int {
	lines := s.pidFile()
	pid, err := strconv.Atoi(lines[0])
	if err != nil || syscall.Kill(pid, 0) != nil {
		return 0
	}
	return pid
}

// Running reports whether there is a server.
func (s *Server) Running() bool { return s.pid() != 0 }

// pidFile gives the lines of what a running server says of itself; at least one.
func (s *Server) pidFile() []string {
	content, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return []string{""}
	}
	return strings.Split(string(content), "\n")
}

// tree gives the server's process and those that it has started, itself first.
func (s *Server) tree() []int {
	parent := s.pid()
	if parent == 0 {
		return nil
	}
	all := []int{parent}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is a good one
	for _, file := range stats {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			all = append(all, child)
		}
	}
	return all
}

// signal sends one to the server and all its processes.
func (s *Server) signal(sig syscall.Signal) error {
	var problems []error
	for _, pid := range s.tree() {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// Kill ends the server and all its processes at once, and waits until it is gone.
func (s *Server) Kill() error { return s.stop(syscall.SIGKILL) }

// Quit ends the server as pg_ctl -m immediate does: connections break, and it recovers at the next start.
func (s *Server) Quit() error { return s.stop(syscall.SIGQUIT) }

// Stop ends the server and its connections in order.
func (s *Server) Stop() error { return s.stop(syscall.SIGINT) }

// Freeze lets the server and all its processes stand still: connections stay and nobody answers. Thaw ends that.
func (s *Server) Freeze() error { return s.signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw() error { return s.signal(syscall.SIGCONT) }

func (s *Server) stop(signal syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return nil
	}
	err := s.end(signal)
	_ = s.alive.Close() // the shell ends with its server
	_ = s.cmd.Wait()    // with the server's status
	s.cmd = nil
	return err
}

// end ends the server's processes and waits for them.
func (s *Server) end(signal syscall.Signal) error {
	pid := s.pid()
	if pid == 0 {
		return nil
	}
	s.remember()
	var err error
	if signal == syscall.SIGKILL {
		err = s.signal(signal)
	} else {
		err = errors.Join(syscall.Kill(pid, signal), s.Thaw()) // a frozen one would not hear it
	}
	for s.pid() != 0 && !zombie(pid) {
		pause()
	}
	if signal == syscall.SIGKILL {
		s.sweep()
	}
	return err
}

// sweep kills who was being started when the rest was killed. All processes of a server work in its data folder.
func (s *Server) sweep() {
	folders, _ := filepath.Glob("/proc/[0-9]*/cwd") // the pattern is a good one
	for _, link := range folders {
		folder, err := os.Readlink(link)
		pid, notPID := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if err == nil && notPID == nil && folder == s.data() {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
		}
	}
}

// zombie reports whether a process has ended and only its parent hasn't looked yet.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || bytes.Contains(stat, []byte(") Z "))
}

// remember notes the server's shared memory: one that is killed leaves it behind, and only its own next start would take it away.
func (s *Server) remember() {
	const line = 6 // of the pid file: its key and its number
	if lines := s.pidFile(); len(lines) > line {
		if fields := strings.Fields(lines[line]); len(fields) == 2 {
			s.memory = append(s.memory, fields[1])
		}
	}
}

// Close stops the server and removes its folder and its shared memory.
func (s *Server) Close() error {
	err := s.Stop()
	for _, segment := range s.memory {
		_ = exec.CommandContext(context.Background(), "ipcrm", "-m", segment).Run() // most are gone: their server has ended in order, or has started again
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}
