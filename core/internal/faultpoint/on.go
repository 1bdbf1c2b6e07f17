//go:build faultpoints && linux

package faultpoint

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// plan is what the environment asks for.
type plan struct {
	name   string // of the point
	hit    int64  // the one that counts
	signal syscall.Signal
	fails  bool // instead of a signal
}

// The environment is read once: a process has one plan, and every point counts towards it.
var (
	planned = sync.OnceValue(read)
	hits    atomic.Int64
)

func read() plan {
	p := plan{signal: syscall.SIGKILL}
	name, rest, _ := strings.Cut(os.Getenv("JALUR_FAULTPOINT"), ":")
	number, how, _ := strings.Cut(rest, ":")
	if hit, err := strconv.ParseInt(number, 10, 64); err == nil {
		p.name, p.hit = name, hit
	}
	if how == "stop" {
		p.signal = syscall.SIGSTOP
	}
	p.fails = how == "fail"
	return p
}

// Fails is a fault point at which something can be made to fail.
func Fails(name string) bool {
	p := planned()
	return p.fails && p.name == name && hits.Add(1) == p.hit
}

// At is a fault point.
func At(name string) {
	p := planned()
	if p.fails || p.name != name || hits.Add(1) != p.hit {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Tgkill(syscall.Getpid(), syscall.Gettid(), p.signal); err != nil { // to this thread: it must not get one step further
		panic(err)
	}
}

// Wall gives the wall clock's time as the process is to see it: off by what stands in the file that JALUR_CLOCK names. A file that can't be read is no offset.
func Wall(now time.Time) time.Time {
	text, err := os.ReadFile(os.Getenv("JALUR_CLOCK"))
	if err != nil {
		return now
	}
	offset, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		return now
	}
	return now.Add(offset)
}
