package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-plugin/runner"
	"golang.org/x/sys/unix"

	"github.com/jalurhq/jalur/plugins/internal/wire"
)

const (
	// After the process has ended, its last lines may take this long: somebody else could hold the other end of the pipe.
	lastLinesWait = 200 * time.Millisecond
	// A killed process is waited for this long: one that waits for a broken disk doesn't end, and must hold nobody up.
	killWait = 5 * time.Second
)

// process is one run of a plugin's program, as go-plugin's runner. It owns what go-plugin would get wrong: standard input is the death pipe, standard
// error is ours alone, and on standard output go-plugin sees nothing but the handshake.
type process struct {
	cmd *exec.Cmd
	log *lineLog

	stdin     *os.File // held by us alone: when we are gone, the plugin reads the end of it
	stdout    *io.PipeReader
	handshake atomic.Bool // whether it was seen
	aborted   atomic.Bool // whether it must not go on once it has started
	ended     atomic.Bool // whether we ended it

	readers sync.WaitGroup // of what it prints

	pid      atomic.Int64
	exited   chan struct{}
	exitedAs error // valid after exited
}

var _ runner.Runner = (*process)(nil)

func newProcess(path string, args, env []string, log *lineLog) *process {
	return &process{
		cmd: &exec.Cmd{Path: path, Args: args, Env: env, SysProcAttr: processAttributes()},
		log: log, exited: make(chan struct{}),
	}
}

// Start implements [runner.Runner].
func (p *process) Start(context.Context) error {
	pipes, err := newPipes()
	if err != nil {
		return err
	}
	defer pipes.closeTheirs()
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = pipes.stdin.theirs, pipes.stdout.theirs, pipes.stderr.theirs
	p.stdin = pipes.stdin.ours
	var words *io.PipeWriter
	p.stdout, words = io.Pipe()
	started := make(chan error, 1)
	go p.live(pipes, started)
	if err := <-started; err != nil {
		pipes.closeOurs()
		return err
	}
	p.readers.Go(func() { p.readStdout(pipes.stdout.ours, words) }) //nolint:contextcheck // it outlives the start
	p.readers.Go(func() { p.readStderr(pipes.stderr.ours) })        //nolint:contextcheck // as above
	if p.aborted.Load() {
		p.end(0)
	}
	return nil
}

// abort ends the process at once, also one that is about to start.
func (p *process) abort() {
	p.aborted.Store(true)
	p.end(0)
}

// live starts the process and waits for its end on one thread: the kernel's signal at the parent's death goes by the thread, not by the process.
func (p *process) live(pipes *pipes, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	p.pid.Store(int64(p.cmd.Process.Pid))
	firstToGo(p.cmd.Process.Pid)
	started <- nil
	p.exitedAs = reap(p.cmd, func() { p.signal(unix.SIGKILL) })
	pipes.endReadsSoon()
	close(p.exited)
}

// readStdout gives go-plugin the handshake and the log everything else.
func (p *process) readStdout(from *os.File, words *io.PipeWriter) {
	p.log.read(from, func(line []byte) []byte {
		noise, handshake, found := wire.FindHandshake(line)
		if !found || p.handshake.Swap(true) {
			return line
		}
		_, _ = words.Write(handshake) // it fails only where nobody waits for it any more
		_ = words.Close()
		return noise
	})
	_ = from.Close()
	if !p.handshake.Load() {
		p.awaitExit(lastLinesWait) // so that the end of the process, not the end of its words, is the news
	}
	_ = words.Close()
}

func (p *process) readStderr(from *os.File) {
	p.log.read(from, nil)
	_ = from.Close()
}

// end asks the process to end (its standard input ends, SIGTERM) and after the grace kills it. It returns when it is gone, or can't be made to go.
func (p *process) end(grace time.Duration) {
	if p.pid.Load() == 0 {
		return
	}
	_ = p.stdin.Close() // also after the process has ended by itself; closed twice is no matter
	if p.hasExited() {
		return
	}
	p.ended.Store(true)
	p.signal(unix.SIGTERM)
	if !p.awaitExit(grace) {
		p.signal(unix.SIGKILL)
		p.awaitExit(killWait)
	}
}

// isStuck reports whether the process was started and is still there.
func (p *process) isStuck() bool { return p.pid.Load() != 0 && !p.hasExited() }

// awaitExit waits so long for the end of the process and reports whether it has come.
func (p *process) awaitExit(longest time.Duration) bool {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
	}
	return p.hasExited()
}

func (p *process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// lastWords gives the end of what an ended process printed.
func (p *process) lastWords(limit int) string {
	p.readers.Wait()
	return p.log.lastWords(limit)
}

// signal reaches the whole process group. After the end there is nobody to reach.
func (p *process) signal(sig unix.Signal) {
	if !p.hasExited() {
		_ = unix.Kill(-int(p.pid.Load()), sig) // it fails only where there is nobody
	}
}

// Wait implements [runner.Runner].
func (p *process) Wait(context.Context) error {
	<-p.exited
	return p.exitedAs
}

// Kill implements [runner.Runner].
func (p *process) Kill(context.Context) error {
	p.end(0)
	return nil
}

// ID implements [runner.Runner]; it is empty before the start.
func (p *process) ID() string {
	if pid := p.pid.Load(); pid != 0 {
		return strconv.FormatInt(pid, 10)
	}
	return ""
}

// Stdout implements [runner.Runner].
func (p *process) Stdout() io.ReadCloser { return p.stdout }

// Stderr implements [runner.Runner]: nothing, since go-plugin panics on some lines.
func (p *process) Stderr() io.ReadCloser { return io.NopCloser(eof{}) }

// Name implements [runner.Runner].
func (p *process) Name() string { return p.cmd.Args[0] }

// Diagnose implements [runner.Runner].
func (p *process) Diagnose(context.Context) string { return "" }

// PluginToHost implements [runner.Runner]: both sides see the same files.
func (p *process) PluginToHost(network, addr string) (hostNet, hostAddr string, err error) {
	return network, addr, nil
}

// HostToPlugin implements [runner.Runner].
func (p *process) HostToPlugin(network, addr string) (pluginNet, pluginAddr string, err error) {
	return network, addr, nil
}

// exit tells how the process ended.
func (p *process) exit() error {
	<-p.exited
	var status *exec.ExitError
	switch {
	case p.exitedAs == nil:
		return errors.New("the process ended (exit status 0)") //nolint:err113 // for people
	case errors.As(p.exitedAs, &status):
		return fmt.Errorf("the process ended (%s)", status.ProcessState) //nolint:err113 // for people
	default:
		return fmt.Errorf("the process ended: %w", p.exitedAs)
	}
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
