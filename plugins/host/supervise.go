package host

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// supervise keeps a process running. Beside it only Reload starts one, which comes into use here.
func (p *Plugin) supervise(ctx context.Context) {
	defer close(p.supervised)
	losses := backoff{cfg: p.cfg.Restart}
	running, err := p.try(ctx, &losses)
	p.firstErr = err
	close(p.tried)
	for ctx.Err() == nil {
		if running == nil {
			running, err = p.again(ctx, err, &losses)
			continue
		}
		next, why := running.watch(ctx, p.successors)
		switch {
		case next != nil:
			p.adopt(next, running) //nolint:contextcheck // the last calls of the old one outlive the supervision
			running, losses = next, backoff{cfg: p.cfg.Restart}
		case ctx.Err() == nil:
			losses.lost(time.Now(), time.Since(running.readyAt))
			p.lose(running, why) //nolint:contextcheck // as above
			running, err = nil, why
		}
	}
}

// again starts the next process after a pause, or adopts one that Reload brings meanwhile. err is why there is none.
func (p *Plugin) again(ctx context.Context, err error, losses *backoff) (*instance, error) {
	pause := losses.pause()
	_, refused := errors.AsType[*SettingsError](err)
	switch {
	case refused:
		pause = 0
	case losses.isHopeless():
		pause = p.cfg.Restart.Rest
		p.giveUp(err, losses)
		*losses = backoff{cfg: p.cfg.Restart}
	}
	if next := p.await(ctx, pause); next != nil {
		p.adopt(next, nil) //nolint:contextcheck // there is no old one whose calls would end
		*losses = backoff{cfg: p.cfg.Restart}
		return next, nil
	}
	if ctx.Err() != nil {
		return nil, err
	}
	return p.try(ctx, losses)
}

func (p *Plugin) giveUp(err error, losses *backoff) {
	rest := p.cfg.Restart.Rest
	p.cfg.Logger.Error("plugin gave up", "processes_lost", len(losses.lostAt), "tried_again_in", rest, "error", err)
	p.unpublish(State{Phase: GaveUp, LastErr: fmt.Sprintf("%d processes were lost one soon after the other; the next try is at %s: %v",
		len(losses.lostAt), time.Now().Add(rest).Format(time.RFC3339), err)})
}

// await waits so long, without a pause for ever, for a process that Reload has started.
func (p *Plugin) await(ctx context.Context, pause time.Duration) *instance {
	var over <-chan time.Time
	if pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case next := <-p.successors:
		return next
	case <-over:
	case <-ctx.Done():
	}
	return nil
}

// lose takes a process out of use. One that hangs gets time for its last calls; a dead one has none.
func (p *Plugin) lose(i *instance, why error) {
	p.unpublish(State{Phase: Backoff, LastErr: why.Error(), Restarts: 1})
	if errors.Is(why, errHung) {
		p.cfg.Logger.Error("plugin lost", "error", why)
		p.retire(i, i.calls.Close)
		return
	}
	p.cfg.Logger.Error("plugin lost", "error", why, "last_words", i.process.lastWords(maxLastWords))
	p.retire(i, func(context.Context) bool { return true })
}

// retire ends a process that is out of use, once its calls have ended or have taken too long.
func (p *Plugin) retire(i *instance, drain func(context.Context) bool) {
	p.retiring.Go(func() {
		ctx, cancel := context.WithTimeout(p.cutting, p.cfg.Timeout)
		defer cancel()
		if !drain(ctx) {
			p.cfg.Logger.Warn("calls of a plugin's last process were cut", "pid", i.process.ID())
		}
		i.kill(p.cfg.Grace)
	})
}

// try starts one process and puts it to use.
func (p *Plugin) try(ctx context.Context, losses *backoff) (*instance, error) {
	p.unpublish(State{Phase: Starting})
	next, err := p.start(ctx, p.nextProgram())
	if err == nil {
		p.publish(next)
		p.cfg.Logger.Info("plugin runs", "pid", next.process.ID())
		return next, nil
	}
	err = named(p.cfg.Name, err)
	if _, refused := errors.AsType[*SettingsError](err); refused {
		p.unpublish(State{Phase: Stopped, LastErr: err.Error()})
		p.cfg.Logger.Error("plugin stopped until its settings are changed", "error", err)
	} else if ctx.Err() == nil {
		losses.lost(time.Now(), 0)
		p.unpublish(State{Phase: Backoff, LastErr: err.Error(), Restarts: 1})
		p.cfg.Logger.Error("plugin did not start", "error", err)
	}
	return nil, err
}

func (p *Plugin) nextProgram() Config {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.program
}
