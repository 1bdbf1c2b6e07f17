package host

import (
	"context"
	"errors"
	"time"
)

// supervise replaces the process each time it is lost. It is the only one who starts one.
func (p *Plugin) supervise(ctx context.Context, running *instance) {
	defer close(p.supervised)
	pauses := backoff{cfg: p.cfg.Restart}
	for running != nil {
		why := running.watch(ctx)
		if ctx.Err() != nil {
			return
		}
		pauses.lost(time.Since(running.readyAt))
		p.lose(running, why) //nolint:contextcheck // its last calls outlive the supervision
		running = p.replace(ctx, &pauses)
	}
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

// replace starts the next process, however often that takes; nil means that there will be none.
func (p *Plugin) replace(ctx context.Context, pauses *backoff) *instance {
	for {
		if !sleep(ctx, pauses.pause()) {
			return nil
		}
		p.unpublish(State{Phase: Starting})
		next, err := launch(ctx, p.cfg, p.hide)
		_, refused := errors.AsType[*SettingsError](err)
		switch {
		case err == nil:
			p.publish(next)
			p.cfg.Logger.Info("plugin runs again", "pid", next.process.ID())
			return next
		case ctx.Err() != nil:
			return nil
		case refused:
			p.unpublish(State{Phase: Stopped, LastErr: err.Error()})
			p.cfg.Logger.Error("plugin stopped for good", "error", err)
			return nil
		}
		pauses.lost(0)
		p.unpublish(State{Phase: Backoff, LastErr: err.Error(), Restarts: 1})
		p.cfg.Logger.Error("plugin did not start", "error", err)
	}
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
