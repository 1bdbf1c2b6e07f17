package reattach

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-plugin"
	"golang.org/x/sys/unix"

	"github.com/jalurhq/jalur/plugins/internal/wire"
	"github.com/jalurhq/jalur/plugins/sdk"
)

const (
	startTime = 30 * time.Second
	endTime   = 5 * time.Second
)

var errNoHandshake = errors.New("no handshake on its standard output")

// Program is a plugin to run.
type Program struct {
	Plugin  string      // a shipped plugin's name, or the path of a binary, which has a separator in it
	Shipped sdk.Shipped // what this program can start itself as
	Output  io.Writer   // what it prints goes there
}

// Running is a plugin that runs until Stop, or until it ends by itself.
type Running struct {
	Target Target
	Done   <-chan struct{} // closed when it has ended

	cmd   *exec.Cmd
	stdin io.Closer // it ends when this does
	dir   string
}

// Run starts the plugin and waits for its handshake. It serves one gateway after the other.
func Run(ctx context.Context, p Program) (*Running, error) {
	cmd, err := p.command()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "jalur-debug-")
	if err != nil {
		return nil, err
	}
	r := &Running{cmd: cmd, dir: dir}
	socket, err := r.start(ctx, p.Output)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("plugin %s: %w", p.Plugin, err), r.Stop())
	}
	r.Target = Target{PID: cmd.Process.Pid, Socket: socket}
	return r, nil
}

func (p Program) command() (*exec.Cmd, error) {
	if strings.ContainsRune(p.Plugin, filepath.Separator) {
		return exec.Command(p.Plugin), nil //nolint:gosec,noctx // the user's own plugin, which outlives the call
	}
	if !p.Shipped.Has(p.Plugin) {
		return nil, fmt.Errorf("no plugin %q is shipped; for a binary of your own give its path (\"./%s\")", p.Plugin, p.Plugin)
	}
	self, err := os.Executable()
	return exec.Command(self, wire.SelfCommand, p.Plugin), err //nolint:gosec,noctx // this very program, which outlives the call
}

// environment is what a plugin needs to serve, without a certificate of the host's, and what its runtime may want to know.
func (r *Running) environment() []string {
	handshake := wire.Handshake()
	env := []string{
		handshake.MagicCookieKey + "=" + handshake.MagicCookieValue,
		"PLUGIN_PROTOCOL_VERSIONS=" + strconv.FormatUint(uint64(handshake.ProtocolVersion), 10),
		plugin.EnvUnixSocketDir + "=" + r.dir,
	}
	for _, name := range []string{"PATH", "HOME", "TZ", "GODEBUG", "GOTRACEBACK", "NODE_OPTIONS", "PYTHONPATH"} {
		if value, there := os.LookupEnv(name); there {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// start gives the path of the socket.
func (r *Running) start(ctx context.Context, output io.Writer) (socket string, err error) {
	r.cmd.Env, r.cmd.Stderr = r.environment(), output
	r.cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true} // a Ctrl-C is for us
	if r.stdin, err = r.cmd.StdinPipe(); err != nil {
		return "", err
	}
	stdout, words := io.Pipe()
	r.cmd.Stdout = words
	if err := r.cmd.Start(); err != nil {
		return "", err
	}
	done, whole, found := make(chan struct{}), make(chan struct{}), make(chan string, 1)
	r.Done = done
	go func() {
		_ = r.cmd.Wait() // how it ended, the user sees
		_ = words.Close()
		<-whole
		close(done)
	}()
	go func() {
		read(stdout, output, found)
		close(whole)
	}()
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	select {
	case line := <-found:
		return socketOf(line)
	case <-timer.C:
	case <-done:
	case <-ctx.Done():
	}
	return "", errNoHandshake
}

// read finds the handshake, and passes everything else on until the end.
func read(from io.Reader, output io.Writer, found chan<- string) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		noise, handshake, ok := wire.FindHandshake(line)
		if ok {
			select {
			case found <- string(handshake):
			default: // it was found already
			}
		}
		_, _ = output.Write(noise) // whoever was to read it has gone
		if err != nil {
			return
		}
	}
}

// socketOf takes the socket out of "1|1|unix|/tmp/x|grpc|".
func socketOf(handshake string) (string, error) {
	const network, address = 2, 3
	parts := strings.Split(handshake, "|")
	if parts[network] != "unix" {
		return "", fmt.Errorf("it listens on %s, and only a Unix socket can be kept private", parts[network])
	}
	return parts[address], nil
}

// Stop ends the plugin: its standard input ends, and what has not ended then is killed.
func (r *Running) Stop() error {
	if r.Done != nil {
		_ = r.stdin.Close()
		timer := time.NewTimer(endTime)
		defer timer.Stop()
		select {
		case <-r.Done:
		case <-timer.C:
			_ = unix.Kill(-r.cmd.Process.Pid, unix.SIGKILL) // it fails only where there is nobody
			<-r.Done
		}
	}
	return os.RemoveAll(r.dir)
}
