package host

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/internal/client"
	"github.com/jalurhq/jalur/plugins/internal/drain"
	"github.com/jalurhq/jalur/plugins/internal/wire"
)

const (
	lastWordsInError = 1 << 10
	drainMost        = 2 * time.Second // for handlers that go on after their callers have gone
)

var errHung = errors.New("the process lives but doesn't answer")

// instance is one process, ready to be called. It is never started again.
type instance struct {
	cfg     Config
	process *process
	plugin  *plugin.Client
	dir     *socketDir
	link    *link

	descriptor core.Descriptor
	calls      drain.Gate
	readyAt    time.Time
}

// launch starts a process, hands it its settings and asks who it is. Where that fails nothing stays behind. Settings that the plugin refuses are a
// *SettingsError.
func launch(ctx context.Context, cfg Config, hide *redactor) (*instance, error) {
	path, args, err := cfg.command()
	if err != nil {
		return nil, err
	}
	file, err := cfg.pinned(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // where nothing is pinned there is no file, and that is no matter
	dir, err := newSocketDir(cfg.TempDir)
	if err != nil {
		return nil, err
	}
	i := &instance{
		cfg: cfg, dir: dir,
		process: newProcess(path, args, hostEnvironment(cfg.Name), &lineLog{logger: cfg.Logger, hide: hide}),
	}
	i.process.execute(file)
	i.plugin = plugin.NewClient(i.clientConfig(hide))
	defer context.AfterFunc(ctx, i.process.abort)()
	if err := i.connect(ctx); err != nil {
		i.kill(0)
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		return nil, err
	}
	i.readyAt = time.Now()
	return i, nil
}

func (i *instance) clientConfig(hide *redactor) *plugin.ClientConfig {
	return &plugin.ClientConfig{
		HandshakeConfig: wire.Handshake(),
		Plugins:         plugin.PluginSet{wire.PluginName: &dispenser{hide: hide}},
		RunnerFunc: func(_ hclog.Logger, made *exec.Cmd, _ string) (runner.Runner, error) {
			i.process.cmd.Env = append(i.process.cmd.Env, made.Env...)
			return i.process, nil
		},
		SkipHostEnv:      true,
		AutoMTLS:         true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		StartTimeout:     i.cfg.StartTimeout,
		GRPCDialOptions:  client.Options(),
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: i.dir.path},
		Logger:           hclog.NewNullLogger(),
	}
}

func (i *instance) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, i.cfg.StartTimeout)
	defer cancel()
	protocol, err := i.plugin.Client()
	if err != nil {
		return i.notStarted(err)
	}
	dispensed, err := protocol.Dispense(wire.PluginName)
	if err != nil {
		return fmt.Errorf("plugin: %w", err)
	}
	i.link = dispensed.(*link) //nolint:errcheck,forcetypeassert // our own dispenser makes nothing else
	if err := i.configure(ctx); err != nil {
		return err
	}
	if i.descriptor, err = i.link.client.Describe(ctx); err != nil {
		return err
	}
	return core.CheckDescriptor(i.descriptor)
}

// notStarted says in our own words what go-plugin says in many.
func (i *instance) notStarted(err error) error {
	switch {
	case i.process.ID() == "":
		return fmt.Errorf("plugin %s can't be started: %w", i.cfg.Plugin, err)
	case i.process.handshake.Load():
		return fmt.Errorf("plugin %s: %w", i.cfg.Plugin, err)
	case !i.process.ended.Load():
		return fmt.Errorf("%s is no plugin of Jalur, or it failed at its start: %w%s", i.cfg.Plugin, i.process.exit(), i.lastWords())
	default:
		return fmt.Errorf("%s is no plugin of Jalur: no handshake on its standard output within %s%s", i.cfg.Plugin, i.cfg.StartTimeout, i.lastWords())
	}
}

func (i *instance) lastWords() string {
	if words := i.process.lastWords(lastWordsInError); words != "" {
		return "; it printed: " + words
	}
	return ""
}

// watch returns when the process is gone or hangs, or with the context's error.
func (i *instance) watch(ctx context.Context) error {
	ticker := time.NewTicker(i.cfg.Health.Every)
	defer ticker.Stop()
	for misses := 0; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-i.link.gone:
			return i.process.exit()
		case <-ticker.C:
			if i.healthy(ctx) {
				misses = 0
			} else if misses++; misses >= i.cfg.Health.Misses {
				return errHung
			}
		}
	}
}

// healthy asks with a deadline of our own; go-plugin's Ping has none.
func (i *instance) healthy(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, i.cfg.Health.Deadline)
	defer cancel()
	resp, err := i.link.health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: plugin.GRPCServiceName})
	return err == nil && resp.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING
}

// drain lets nobody in any more and waits for those inside; false means that the context ended first.
func (i *instance) drain(ctx context.Context) bool {
	if !i.calls.Close(ctx) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, drainMost)
	defer cancel()
	_, _ = i.link.client.Drain(ctx) // the calls that we wait for have ended; these are courtesy
	return true
}

// kill ends the process and everything around it. go-plugin's Kill comes last: before the process has ended it could wait for ever.
func (i *instance) kill(grace time.Duration) {
	i.process.end(grace)
	i.plugin.Kill()
	if err := i.dir.remove(); err != nil {
		i.cfg.Logger.Warn("a folder of sockets stays behind", "error", err)
	}
}

// link is what go-plugin dispenses: the connection to one process.
type link struct {
	client *client.Client
	hide   *redactor
	health grpc_health_v1.HealthClient
	gone   <-chan struct{} // closed when the process has ended
}

// dispenser makes the link.
type dispenser struct {
	plugin.NetRPCUnsupportedPlugin

	hide *redactor
}

var errCallsOnly = errors.New("this side calls only")

// GRPCServer implements [plugin.GRPCPlugin].
func (*dispenser) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return errCallsOnly }

// GRPCClient implements [plugin.GRPCPlugin]. go-plugin ends the context when the process has ended.
func (d *dispenser) GRPCClient(ctx context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return &link{client: client.New(conn, d.hide.text), hide: d.hide, health: grpc_health_v1.NewHealthClient(conn), gone: ctx.Done()}, nil
}
