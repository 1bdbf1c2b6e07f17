package host

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jalurhq/jalur/core"
)

// ErrReloading: another Reload of this plugin is under way.
var ErrReloading = errors.New("a reload is under way already")

var (
	errOtherRules = errors.New("payments that are under way rely on it: stop the gateway and start it again")
	errNotWell    = errors.New("the new process doesn't say that it is well")
)

// Reload starts a further process, of the program, pin, settings and limits that cfg names, and once it is well puts it in the place of the one in use. That one ends the calls
// that it has, for at most Config.Timeout, while the new one takes all others: no call is refused or cut meanwhile. Of cfg nothing else counts.
//
// After an error everything is as before. It is a *[SettingsError] where the new process refuses its settings; [ErrPin]; [ErrReloading]; why the process can't be
// used, as a description by which a payment is planned otherwise; or the context's.
func (p *Plugin) Reload(ctx context.Context, cfg Config) error {
	if !p.reloading.TryLock() {
		return named(p.cfg.Name, ErrReloading)
	}
	defer p.reloading.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.running, cancel)() //nolint:contextcheck // the plugin's end ends a reload too
	cfg = p.cfg.withProgram(cfg)
	err := cfg.check()
	if err == nil {
		err = p.replace(ctx, cfg)
	}
	if err != nil {
		p.cfg.Logger.Warn("plugin was not reloaded", "error", err)
		return named(p.cfg.Name, err)
	}
	p.cfg.Logger.Info("plugin was reloaded", "pid", p.State().PID)
	return nil
}

// replace hands a new process over to the supervision.
func (p *Plugin) replace(ctx context.Context, cfg Config) error {
	next, err := p.start(ctx, cfg)
	if err != nil {
		return err
	}
	if !next.healthy(ctx) {
		next.kill(0)
		return errNotWell
	}
	select {
	case p.successors <- next:
		<-next.adopted
		return nil
	case <-ctx.Done():
		next.kill(0)
		return ctx.Err()
	}
}

// adopt puts a process of Reload's to use, in the place of the old one if there is one.
func (p *Plugin) adopt(next, old *instance) {
	p.publish(next)
	if old != nil {
		p.retire(old, old.drain)
	}
	close(next.adopted)
}

// start launches a process that stands by the rules by which payments may have been planned already.
func (p *Plugin) start(ctx context.Context, cfg Config) (*instance, error) {
	next, err := launch(ctx, cfg, newRedactor(cfg.Secrets))
	if err != nil {
		return nil, err
	}
	known, _ := p.description()
	if err := sameRules(known, next.descriptor); err != nil {
		next.kill(0)
		return nil, err
	}
	return next, nil
}

// sameRules refuses a description that differs in what a payment is planned by, between the plan and the call: whose account it is, how its reference is written and what that
// is worth, how it is asked for. Version, products, bounds and gaps may differ. Where nothing is known yet everything is taken.
func sameRules(known, next core.Descriptor) error {
	if known.Name == "" {
		return nil
	}
	var other []string
	for _, rule := range []struct {
		name       string
		was, isNow any
	}{
		{"name", known.Name, next.Name},
		{"instance", known.Instance, next.Instance},
		{"reference", known.Ref, next.Ref},
		{"status_by", known.StatusBy, next.StatusBy},
		{"status_resubmits", known.StatusResubmits, next.StatusResubmits},
		{"status_max_age", known.StatusMaxAge, next.StatusMaxAge},
		{"quarantine", known.Quarantine, next.Quarantine},
		{"quote_required", known.QuoteRequired, next.QuoteRequired},
		{"max_cost", known.MaxCost, next.MaxCost},
		{"amount_in_product", known.AmountInProduct, next.AmountInProduct},
	} {
		if rule.was != rule.isNow {
			other = append(other, fmt.Sprintf("%s was %v and is %v", rule.name, rule.was, rule.isNow))
		}
	}
	if other == nil {
		return nil
	}
	return fmt.Errorf("the plugin describes itself otherwise (%s): %w", strings.Join(other, ", "), errOtherRules)
}
