package host

import (
	"context"
	"errors"
	"time"
)

// supervise keeps a process running. It is the only one who starts one.
func (p *Plugin) supervise(ctx context.Context) {
	defer close(p.supervised)
	pauses := backoff{cfg: p.cfg.Restart}
	running, err := p.try(ctx)
	p.firstErr = err
	close(p.tried)
	for {
		if running = p.tryOn(ctx, running, err, &pauses); running == nil {
			return
		}
		why := running.watch(ctx)
		if ctx.Err() != nil {
			return
		}
		pauses.lost(time.Since(running.readyAt))
		p.lose(running, why) //nolint:contextcheck // its last calls outlive the supervision
		running, err = nil, why
	}
}

// tryOn starts processes, after growing pauses, until one runs; nil means that there will be none.
func (p *Plugin) tryOn(ctx context.Context, running *instance, err error, pauses *backoff) *instance {
	for running == nil {
		if _, refused := errors.AsType[*SettingsError](err); refused || !sleep(ctx, pauses.pause()) {
			return nil
		}
		if running, err = p.try(ctx); err != nil {
			pauses.lost(0)
		}
	}
	return running
}

// lose takes a process out of use. One that hangs gets time for its last calls; a dead one has none.
func (p *Plugin) lose(i *instance, why error) {
	p.unpublish(State{Phase: Backoff, LastErr: why.Error(), Restarts: 1})
	hung := errors.Is(why, errHung)
	if !hung {
		p.cfg.Logger.Error("plugin lost", "error", why, "last_words", i.process.lastWords(maxLastWords))
	} else {
		p.cfg.Logger.Error("plugin lost", "error", why)
	}
	p.retiring.Go(func() {
		if hung {
			ctx, cancel := context.WithTimeout(p.cutting, p.cfg.Timeout)
			defer cancel()
			i.calls.Close(ctx)
		}
		i.kill(p.cfg.Grace)
	})
}

// try starts one process and puts it to use.
func (p *Plugin) try(ctx context.Context) (*instance, error) {
	p.unpublish(State{Phase: Starting})
	next, err := launch(ctx, p.cfg, p.hide)
	if err == nil {
		p.publish(next)
		p.cfg.Logger.Info("plugin runs", "pid", next.process.ID())
		return next, nil
	}
	err = named(p.cfg.Name, err)
	if _, refused := errors.AsType[*SettingsError](err); refused {
		p.unpublish(State{Phase: Stopped, LastErr: err.Error()})
		p.cfg.Logger.Error("plugin stopped for good", "error", err)
	} else if ctx.Err() == nil {
		p.unpublish(State{Phase: Backoff, LastErr: err.Error(), Restarts: 1})
		p.cfg.Logger.Error("plugin did not start", "error", err)
	}
	return nil, err
}

// sleep waits on a timer; false means that the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
