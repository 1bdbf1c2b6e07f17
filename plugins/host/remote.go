package host

import (
	"context"
	"errors"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/middleware/checked"
	"github.com/jalurhq/jalur/core/transport"
	"github.com/jalurhq/jalur/plugins/internal/client"
)

var errTooLate = errors.New("the time to send it has passed")

// Set gives what calls the plugin, whole: its errors carry the provider's name, and its answers have been checked. No part of it is nil, since what a plugin can is
// known only once it runs. A call that its description doesn't promise (TellsBalances, SendsCallbacks, CancelsQuotes) fails with [errors.ErrUnsupported] in the chain.
func (p *Plugin) Set() core.Set {
	r := &remote{plugin: p}
	return checked.Set(p.cfg.Name, core.Set{Provider: r, Balances: r, Callbacks: r, Quotes: r})
}

// remote is the plugin as a [core.Provider]. Every call has a deadline, and none is made twice.
type remote struct{ plugin *Plugin }

// Describe gives what the plugin said when it last started, and waits only for the first one.
func (r *remote) Describe(ctx context.Context) (core.Descriptor, error) {
	if known, ok := r.plugin.description(); ok {
		return known, nil
	}
	i, err := r.plugin.enterSoon(ctx)
	if err != nil {
		return core.Descriptor{}, notSent("describe", err)
	}
	defer i.calls.Leave()
	return i.descriptor, nil
}

func (p *Plugin) description() (known core.Descriptor, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known, p.known.Name != ""
}

// ListProducts implements [core.Provider].
func (r *remote) ListProducts(ctx context.Context, filter core.ProductFilter) (core.ProductPage, error) {
	return through(ctx, r.plugin, "list_products", func(ctx context.Context, p core.Provider) (core.ProductPage, error) {
		return p.ListProducts(ctx, filter)
	})
}

// Inquire implements [core.Provider].
func (r *remote) Inquire(ctx context.Context, req core.InquiryRequest) (core.Quote, error) {
	return through(ctx, r.plugin, "inquire", func(ctx context.Context, p core.Provider) (core.Quote, error) {
		return p.Inquire(ctx, req)
	})
}

// Balances implements [core.BalanceReader].
func (r *remote) Balances(ctx context.Context) ([]core.Balance, error) {
	return beside(ctx, r.plugin, asked[[]core.Balance]{
		op: "balances", has: func(d core.Descriptor) bool { return d.TellsBalances },
		call: func(ctx context.Context, c *client.Client) ([]core.Balance, error) { return c.Balances(ctx) },
	})
}

// ReadCallback implements [core.CallbackReader].
func (r *remote) ReadCallback(ctx context.Context, req core.CallbackRequest) (core.Callback, error) {
	return beside(ctx, r.plugin, asked[core.Callback]{
		op: "read_callback", has: func(d core.Descriptor) bool { return d.SendsCallbacks },
		call: func(ctx context.Context, c *client.Client) (core.Callback, error) { return c.ReadCallback(ctx, req) },
	})
}

// CancelQuote implements [core.QuoteCanceller].
func (r *remote) CancelQuote(ctx context.Context, token string) error {
	_, err := beside(ctx, r.plugin, asked[struct{}]{
		op: "cancel_quote", has: func(d core.Descriptor) bool { return d.CancelsQuotes },
		call: func(ctx context.Context, c *client.Client) (struct{}, error) {
			return struct{}{}, c.CancelQuote(ctx, token)
		},
	})
	return err
}

// Pay implements [core.Provider]. Until the plugin is asked it is NotSent; from then on only the plugin may say so.
func (r *remote) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	return through(ctx, r.plugin, "pay", func(ctx context.Context, p core.Provider) (core.Result, error) {
		if req.SendBefore > 0 && transport.BootTime() > req.SendBefore {
			return core.Result{}, notSent("pay", errTooLate)
		}
		return p.Pay(ctx, req)
	})
}

// Status implements [core.Provider].
func (r *remote) Status(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	return through(ctx, r.plugin, "status", func(ctx context.Context, p core.Provider) (core.Result, error) {
		return p.Status(ctx, req)
	})
}

// through makes one call of a provider.
func through[T any](ctx context.Context, p *Plugin, op string, call func(context.Context, core.Provider) (T, error)) (T, error) {
	return at(ctx, p, op, func(ctx context.Context, i *instance) (T, error) { return call(ctx, i.link.client) })
}

// asked is a call that only some plugins have.
type asked[T any] struct {
	op   string
	has  func(core.Descriptor) bool
	call func(context.Context, *client.Client) (T, error)
}

// beside makes a call that only some plugins have; of one that doesn't describe it, nothing is asked.
func beside[T any](ctx context.Context, p *Plugin, q asked[T]) (T, error) {
	return at(ctx, p, q.op, func(ctx context.Context, i *instance) (T, error) {
		if !q.has(i.descriptor) {
			var none T
			return none, client.Unsupported(q.op)
		}
		return q.call(ctx, i.link.client)
	})
}

// at makes one call at the process that is ready, waiting for it if need be.
func at[T any](ctx context.Context, p *Plugin, op string, call func(context.Context, *instance) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	i, err := p.enterSoon(ctx)
	if err != nil {
		var none T
		return none, notSent(op, err)
	}
	defer i.calls.Leave()
	answer, err := call(ctx, i)
	if errors.Is(err, client.ErrOtherCall) {
		p.cfg.Logger.Error("a plugin mixes its calls up: do not trust it", "op", op)
	}
	return answer, err
}

// enterSoon waits no longer than Config.StartWait.
func (p *Plugin) enterSoon(ctx context.Context) (*instance, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.StartWait)
	defer cancel()
	return p.enter(ctx)
}

func notSent(op string, cause error) error {
	return &core.Error{Op: op, Outcome: core.NotSent, Code: core.CodeTransportNotSent, Err: cause}
}
