package simulation

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/catalogue"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/reconciler"
	"github.com/jalurhq/jalur/core/router"
)

// What the reconciler's own loop does.
const (
	interval = 500 * time.Millisecond
	askers   = 32
	idleMost = 5 * time.Minute
)

// Gateway is one process with the real engine and the real reconciler in it.
type Gateway struct {
	w           *World
	number      int
	name        string // of this life of it, and its owner in the journal
	lives       int
	up          bool
	stopping    bool
	poisoned    bool
	frozenUntil time.Duration
	skew        time.Duration
	tasks       []*task
	told        map[string]heard // of a pay, by the reference of its attempt
	unwritten   map[string]bool  // attempts whose outcome the journal did not take at once
	reserve     *reserve         // outlives the process

	engine     *payments.Engine
	reconciler *reconciler.Reconciler
}

// start begins a new life, with nothing in memory.
func (g *Gateway) start() {
	w := g.w
	g.lives++
	g.name = fmt.Sprintf("gw%d.%d", g.number, g.lives)
	g.up, g.stopping, g.poisoned, g.frozenUntil = true, false, false, 0
	g.tasks, g.told, g.unwritten, g.reserve.read = nil, map[string]heard{}, map[string]bool{}, false
	time, store, log := clock{w, g}, &session{w.book, w, g}, slog.New(slog.DiscardHandler)
	routes := g.routes()
	g.engine = payments.NewEngine(payments.EngineConfig{
		Store: store, Spill: g.reserve, Clock: time, Router: routes, Catalogue: catalogue.New(time), NewID: w.newID, Owner: g.name, Log: log,
	})
	g.reconciler = reconciler.New(reconciler.Config{
		Store: g.engine.Store, Clock: time, Router: routes, Owner: g.name, Rand: w.rng.Float64, Log: log, Changed: func(core.PaymentID) {},
	})
	w.trace.addf(w, "%s starts", g.name)
	w.spawn(g, true, 0, g.reconcile)
}

// routes gives the providers that this life is configured with: now and then one of them is another account.
func (g *Gateway) routes() *router.Router {
	w := g.w
	rule := router.Rule{Merchant: router.AnyMerchant}
	var running []router.Provider
	for i := 0; i < len(w.companies); i += 2 {
		c := w.companies[i]
		if w.fault(w.profile.switches) {
			c = w.companies[i+1]
			w.count("gateways with another account")
		}
		running = append(running, (&lane{w, g, c}).provider())
		rule.Lanes = append(rule.Lanes, router.Lane{Provider: c.desc.Name})
	}
	routes, err := router.New([]router.Rule{rule}, running)
	if err != nil {
		panic(err)
	}
	return routes
}

// reconcile is the loop around the reconciler's steps, once what was left in the spill has been tried. It sleeps over the rounds in which nothing would be due.
func (g *Gateway) reconcile() {
	ctx := context.Background()
	left := g.engine.Replay(ctx)
	for !g.stopping {
		if left > 0 {
			left = g.engine.Replay(ctx)
		}
		due, err := g.reconciler.Due(ctx, askers)
		if err != nil {
			g.w.trace.addf(g.w, "%s: %v", g.name, err)
		}
		for _, p := range due {
			g.w.trace.addf(g.w, "%s: claimed %s in %s under fence %d", g.name, short(p.Last().ID), p.Last().State, p.Last().Fence)
			g.w.spawn(g, false, g.w.between(time.Microsecond, time.Millisecond), func() { g.look(ctx, p) })
		}
		g.w.point(g.rest())
	}
}

func (g *Gateway) look(ctx context.Context, p journal.Payment) {
	var told heard
	if err := g.reconciler.Look(context.WithValue(ctx, lookKey{}, &told), p); err != nil {
		g.w.trace.addf(g.w, "%s: %v", g.name, err)
		return
	}
	g.w.checker.looked(g, p.Last().ID, told)
}

func (g *Gateway) rest() time.Duration {
	least := time.Duration(g.w.rng.Int64N(int64(interval)))
	earliest, some := g.w.book.earliest()
	if !some {
		return idleMost + least
	}
	return interval + least + min(max(earliest.Sub(clock{g.w, g}.Now()), 0), idleMost)
}

// request takes an order up as the service around the engine does: the work goes on whatever becomes of the caller.
func (g *Gateway) request(ctx context.Context, c *client, o payments.Order) {
	w := g.w
	w.spawn(g, false, w.between(time.Millisecond, 50*time.Millisecond), func() {
		if g.stopping {
			return
		}
		ticket, err := g.engine.Submit(context.WithoutCancel(ctx), o)
		if err != nil {
			w.trace.addf(w, "%s: refuses key %s: %v", g.name, o.Key, err)
			w.count("orders refused")
			return
		}
		w.point(w.between(time.Millisecond, 50*time.Millisecond))
		w.checker.acknowledged(g, o, ticket.Payment)
		c.told = true
		p, err := g.engine.Send(ctx, ticket)
		if !ticket.Replayed {
			w.checker.sent(g, ticket.Payment.ID, err)
		}
		if err == nil {
			w.checker.acknowledged(g, o, p)
		}
	})
}

// crash ends the process, with all that ran in it and all that it had in memory. What has left it is on its way all the same.
func (g *Gateway) crash(why string) {
	if !g.up {
		return
	}
	g.w.count("crashes")
	g.w.trace.addf(g.w, "%s CRASHES %s", g.name, why)
	g.up = false
	g.w.fallen = append(g.w.fallen, g)
	if g.w.book.flaw == "lost-tail" {
		g.w.book.forget()
	}
	g.w.after(g.w.between(100*time.Millisecond, time.Minute), g.start)
}

// bury ends the coroutines of a life that is over.
func (g *Gateway) bury() {
	if g.up {
		return
	}
	for _, t := range g.tasks {
		if t != g.w.cur && !t.over {
			g.w.drop(t)
			t.stop()
		}
	}
	g.tasks = nil
}

// freeze is a SIGSTOP, or a machine that is moved: nothing in the process goes on until then.
func (g *Gateway) freeze(d time.Duration) {
	g.w.count("pauses of a gateway")
	g.w.trace.addf(g.w, "%s is paused for %s", g.name, d)
	g.frozenUntil = max(g.frozenUntil, g.w.boot+d)
}

// poison is a disk that failed: nothing more can be written until the process starts anew.
func (g *Gateway) poison() {
	g.w.count("disks failed")
	g.poisoned = true
	life := g.lives
	g.w.after(g.w.between(time.Second, time.Minute), func() {
		if g.lives == life {
			g.crash("since the disk failed")
		}
	})
}

// stop is a SIGTERM: no more orders, and some time for what has begun.
func (g *Gateway) stop() {
	g.w.count("gateways stopped")
	g.w.trace.addf(g.w, "%s is told to stop", g.name)
	g.stopping = true
	life := g.lives
	g.w.after(g.w.between(time.Second, time.Minute), func() {
		if g.lives == life {
			g.crash("at the end of its time to stop")
		}
	})
}
