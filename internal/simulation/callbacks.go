package simulation

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/reconciler"
)

// callers are those who call back: the providers, truly, early, late, twice or in another order, and strangers who make it up. What they do is drawn apart from everything
// else, so that a world without them goes as it always went.
type callers struct {
	rng            *rand.Rand
	honest, forged float64 // how likely a provider says something, and how much is made up
}

// anotherPrime keeps what is drawn here apart.
const anotherPrime = 0xC2B2AE3D27D4EB4F

// mostForged is the most that strangers make up in one history.
const mostForged = 300

func drawCallers(seed uint64) callers {
	c := callers{rng: rand.New(rand.NewPCG(seed, anotherPrime))}
	if c.rng.IntN(3) > 0 {
		return c
	}
	c.honest = c.rng.Float64()
	if c.rng.IntN(2) == 0 {
		c.forged = c.rng.Float64()
	}
	return c
}

// strangers make callbacks up. They know every reference and every invoice.
func (w *World) strangers() {
	for range int(w.callers.forged * mostForged) {
		w.after(time.Duration(w.callers.rng.Float64()*float64(w.profile.active)), func() {
			if len(w.book.order) == 0 {
				return
			}
			a := w.book.order[w.callers.rng.IntN(len(w.book.order))].attempt
			name := core.CallbackOrder{Ref: a.ID, Invoice: a.Invoice}
			switch w.callers.rng.IntN(4) {
			case 0:
				name = core.CallbackOrder{Ref: "made up", Invoice: a.Invoice}
			case 1:
				name = core.CallbackOrder{Ref: w.newID()}
			}
			w.count("callbacks made up")
			w.deliver(a.Provider, name)
		})
	}
}

// callsBack is told when an order at a provider becomes something. The provider may say so, once or more, at once or much later, whatever it has become since.
func (c *company) callsBack(o *order) {
	w := c.w
	if w.callers.honest == 0 || w.callers.rng.Float64() >= w.callers.honest {
		return
	}
	name := core.CallbackOrder{Ref: o.Ref, Invoice: o.invoice}
	if c.desc.Ref.Mode == core.RefNone {
		name.Ref = ""
	}
	for range 1 + w.callers.rng.IntN(3) {
		const least, most = float64(time.Millisecond), float64(2 * time.Hour)
		late := time.Duration(least * math.Pow(most/least, w.callers.rng.Float64()))
		w.after(late, func() {
			w.count("callbacks")
			w.deliver(c.desc.Name, name)
		})
	}
}

// deliver hands a callback to any gateway that is up; it is lost where that one is not.
func (w *World) deliver(provider string, name core.CallbackOrder) {
	g := w.gateways[w.callers.rng.IntN(len(w.gateways))]
	if g.up && !g.stopping {
		w.spawn(g, false, time.Millisecond, func() { g.calledBack(provider, name) })
	}
}

// calledBack is what the service does with an order that a callback names.
func (g *Gateway) calledBack(provider string, name core.CallbackOrder) {
	var told heard
	ctx := context.WithValue(context.Background(), lookKey{}, &told)
	p, did, err := g.reconciler.Prompt(ctx, provider, name)
	g.w.count("callbacks that did " + string(did))
	g.w.trace.addf(g.w, "%s: a callback about %s %s: %s, %v", g.name, short(name.Ref), name.Invoice, did, err)
	if err != nil || did != reconciler.PromptedDone {
		return
	}
	if err := g.reconciler.LookBack(ctx, p); err != nil {
		g.w.trace.addf(g.w, "%s: %v", g.name, err)
		return
	}
	g.w.checker.looked(g, p.Last().ID, told)
}
