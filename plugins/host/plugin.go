package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/middleware/checked"
)

var (
	errStopped = errors.New("the plugin is stopped")
	errGaveUp  = errors.New("the plugin has given up for now")
	errCut     = errors.New("calls were cut; what became of them is unknown")
)

// Plugin is one configured provider in a process of its own, kept alive until Stop. It is safe for use by many goroutines.
type Plugin struct {
	cfg Config // as it was at the start; of what Reload may change nothing is read here

	running    context.Context    //nolint:containedctx // the supervision's
	halt       context.CancelFunc // ends it
	supervised chan struct{}      // closed when it has ended
	tried      chan struct{}      // closed when the first process runs or has failed
	firstErr   error              // why it failed; to be read once tried is closed
	successors chan *instance     // processes that Reload has started
	reloading  sync.Mutex         // one Reload at a time
	cut        context.CancelFunc // ends the waiting for calls of processes that are on their way out
	cutting    context.Context    //nolint:containedctx // it belongs to no call
	retiring   sync.WaitGroup

	mu      sync.Mutex
	program Config    // what is started next
	current *instance // nil unless Ready
	known   core.Descriptor
	state   State
	changed chan struct{} // closed at the next change of state
}

// Start begins to run the plugin, and does not wait for it: Started does. An error is something of Config that can't get better by itself. A program that is missing or not
// the pinned one is tried again as one that crashes. The context ends nothing; the process is watched and replaced until Stop.
func Start(ctx context.Context, cfg Config) (*Plugin, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, named(cfg.Name, err)
	}
	cfg.Logger = cfg.Logger.With("provider", cfg.Name)
	sweep(cfg.TempDir)
	p := &Plugin{
		cfg: cfg, program: cfg, supervised: make(chan struct{}), successors: make(chan *instance),
		tried: make(chan struct{}), state: State{Phase: Starting, Since: time.Now()}, changed: make(chan struct{}),
	}
	p.running, p.halt = context.WithCancel(context.WithoutCancel(ctx))
	p.cutting, p.cut = context.WithCancel(context.WithoutCancel(ctx))
	go p.supervise(p.running) //nolint:contextcheck // it outlives the start
	return p, nil
}

// Started waits for the first process. Its error is why that one could not be started, a *[SettingsError] if it is the settings, or the context's. Unless the settings
// are refused, the next process is on its way.
func (p *Plugin) Started(ctx context.Context) error {
	select {
	case <-p.tried:
		return p.firstErr
	case <-ctx.Done():
		return named(p.cfg.Name, fmt.Errorf("the plugin is still starting: %w", ctx.Err()))
	}
}

// Name gives the provider's name in the configuration.
func (p *Plugin) Name() string { return p.cfg.Name }

// named adds the provider's name where the error doesn't hold it.
func named(name string, err error) error {
	if _, ok := errors.AsType[*SettingsError](err); ok {
		return err
	}
	return fmt.Errorf("provider %s: %w", name, err)
}

// Provider gives what calls the plugin. Its errors carry the provider's name, and its answers have been checked.
func (p *Plugin) Provider() core.Provider {
	return core.Chain(&remote{plugin: p}, checked.New(p.cfg.Name))
}

// State tells how the process is.
func (p *Plugin) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// Ready waits until the plugin can be called. Its error is the context's, or why it never will.
func (p *Plugin) Ready(ctx context.Context) error {
	inside, err := p.enter(ctx)
	if err != nil {
		return err
	}
	inside.calls.Leave()
	return nil
}

// Stop lets no call begin, waits for those that run until the context ends (at most Config.Timeout), and ends the process. An error means that calls
// were cut. It may be called again.
func (p *Plugin) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	p.halt()
	<-p.supervised
	p.reloading.Lock()   // one that was under way ends at once, and none begins any more
	p.reloading.Unlock() //nolint:staticcheck // waited for is all that it is
	last := p.unpublish(State{Phase: Stopped})
	idle := true
	if last != nil {
		idle = last.drain(ctx)
		last.kill(p.cfg.Grace)
	}
	defer context.AfterFunc(ctx, p.cut)()
	p.retiring.Wait()
	p.cut()
	if !idle {
		return fmt.Errorf("provider %s: %w", p.cfg.Name, errCut)
	}
	return nil
}

// enter counts a call in at the process that is ready, and waits for one where there is none. After it comes calls.Leave.
func (p *Plugin) enter(ctx context.Context) (*instance, error) {
	for {
		current, state, changed := p.now()
		switch {
		case ctx.Err() != nil:
			return nil, p.notReady(state, ctx.Err())
		case current != nil && !current.process.hasExited() && current.calls.Enter():
			return current, nil
		case state.Phase == Stopped:
			return nil, p.notReady(state, errStopped)
		case state.Phase == GaveUp:
			return nil, p.notReady(state, errGaveUp)
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

func (p *Plugin) notReady(state State, err error) error {
	if state.LastErr == "" {
		return fmt.Errorf("the plugin is %s: %w", state.Phase, err)
	}
	return fmt.Errorf("the plugin is %s (%s): %w", state.Phase, state.LastErr, err)
}

func (p *Plugin) now() (current *instance, state State, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current, p.state, p.changed
}

func (p *Plugin) publish(i *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current, p.known, p.program = i, i.descriptor, i.cfg
	p.set(State{Phase: Ready, LastErr: p.state.LastErr, Restarts: p.state.Restarts, PID: int(i.process.pid.Load())})
}

// unpublish takes the process out of use and gives it back. The counts of the state go on.
func (p *Plugin) unpublish(next State) *instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := p.current
	p.current = nil
	next.Restarts += p.state.Restarts
	if next.LastErr == "" {
		next.LastErr = p.state.LastErr
	}
	p.set(next)
	return last
}

// set wants the lock held.
func (p *Plugin) set(next State) {
	next.Since = time.Now()
	p.state = next
	close(p.changed)
	p.changed = make(chan struct{})
}
