package torture_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take that is bound to happen.
const patience = 2 * 60 * time.Second

// process is a running binary whose output is kept.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{}

	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed at the next output
}

func (p *process) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.more)
	p.more = make(chan struct{})
	return p.text.Write(data)
}

func (p *process) output() (text string, more <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String(), p.more
}

// start runs a binary in a folder until the test ends.
func start(t *testing.T, dir string, env []string, binary string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(binary, args...), done: make(chan struct{}), more: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = dir, append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		running := !within(p.done, 0)
		p.kill() // also where it stands still
		if text, _ := p.output(); running && t.Failed() {
			t.Logf("%s %s printed:\n%s", filepath.Base(binary), strings.Join(args, " "), tail(text))
		}
	})
	return p
}

// kill ends the process at once.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// ends waits for the process's end and gives its exit status.
func (p *process) ends() int {
	p.t.Helper()
	if !within(p.done, patience) {
		text, _ := p.output()
		p.t.Fatalf("did not end:\n%s", tail(text))
	}
	return p.cmd.ProcessState.ExitCode()
}

// ended asks the process to end, and wants it to end well.
func (p *process) ended() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if status := p.ends(); status != 0 {
		text, _ := p.output()
		p.t.Errorf("it ended with %d:\n%s", status, tail(text))
	}
}

// printed waits for a line that starts with the prefix and gives the rest of it; ok is false where the process ended before.
func (p *process) printed(prefix string) (rest string, ok bool) {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		text, more := p.output()
		for line := range strings.Lines(text) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), prefix); ok && strings.HasSuffix(line, "\n") {
				return strings.TrimSpace(rest), true
			}
		}
		select {
		case <-more:
		case <-p.done:
			return "", false
		case <-deadline:
			p.t.Fatalf("did not print %q:\n%s", prefix, tail(text))
		}
	}
}

// counted waits until a text was printed so many times, the process has ended, or the time is over, and gives how often it was.
func (p *process) counted(what string, times int, longest time.Duration) int {
	deadline := time.After(longest)
	for {
		text, more := p.output()
		if n := strings.Count(text, what); n >= times {
			return n
		}
		select {
		case <-more:
		case <-p.done:
			return strings.Count(text, what)
		case <-deadline:
			return strings.Count(text, what)
		}
	}
}

func tail(text string) string { return text[max(0, len(text)-4000):] }

// within reports whether a channel is closed before the time is over.
func within(done <-chan struct{}, longest time.Duration) bool {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// eventually waits for what another process brings about.
func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !reached() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// plugins gives the children of a process that are still running.
func plugins(pid int) []int {
	var found []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		state, parent := processState(stat)
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(stat))); err == nil && parent == strconv.Itoa(pid) && state != "Z" {
			found = append(found, child)
		}
	}
	return found
}

func processState(stat string) (state, parent string) {
	data, err := os.ReadFile(stat)
	if err != nil {
		return "", ""
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	if len(fields) < 2 {
		return "", ""
	}
	return fields[0], fields[1]
}

func stopped(pid int) bool {
	state, _ := processState("/proc/" + strconv.Itoa(pid) + "/stat")
	return state == "T"
}

func killPlugins(pid int) int {
	n := 0
	for _, child := range plugins(pid) {
		if syscall.Kill(child, syscall.SIGKILL) == nil {
			n++
		}
	}
	return n
}
