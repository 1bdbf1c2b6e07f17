package simulation

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

// Config names one history.
type Config struct {
	Seed uint64
	// Flaw plants a mistake in the simulated journal, by its name; empty: none.
	Flaw string
	// Keep has the history written down, line by line.
	Keep bool
}

// Result is what came of a history.
type Result struct {
	Violation string // empty: there was none
	Sum       uint64 // of the history: two with the same sum went the same way
	Steps     int
	Time      time.Duration // that passed in it
	History   string        // where Config.Keep is set
	Stats     map[string]int
}

// Run plays one history to its end: for a while things go wrong, then they no longer do, and all must come to rest.
func Run(cfg Config) Result {
	w := newWorld(cfg)
	defer w.end()
	steps := 0
	for ; w.checker.violation == "" && !w.quiet(); steps++ {
		if steps > maxSteps || w.boot > maxTime || !w.step() {
			w.checker.violatef("after %d steps and %s it has not come to rest: %s", steps, w.boot, w.unrest())
		}
	}
	if w.checker.violation == "" {
		w.checker.finish()
	}
	return Result{
		Violation: w.checker.violation, Sum: w.trace.sum, Steps: steps, Time: w.boot, History: w.trace.String(), Stats: w.stats,
	}
}

func newWorld(cfg Config) *World {
	w := &World{
		rng: rand.New(rand.NewPCG(cfg.Seed, prime)), book: NewBook(), trace: &trace{keep: cfg.Keep}, stats: map[string]int{},
		faults: true, latest: epoch(), callers: drawCallers(cfg.Seed),
	}
	w.profile = drawProfile(w)
	w.ledger = &ledger{w, map[string]*line{}}
	w.checker = newChecker(w)
	w.book.flaw, w.book.seen = cfg.Flaw, w.checker.wrote
	for _, name := range []string{"alpha", "beta", "gamma"}[:1+w.upTo(2)] {
		w.company(name)
	}
	for i := range w.profile.gateways {
		g := &Gateway{w: w, number: i + 1}
		if w.profile.skew {
			g.skew = time.Duration(w.rng.Int64N(int64(skewMost))) - skewMost/2
		}
		g.reserve = newReserve(w, g)
		w.gateways = append(w.gateways, g)
		g.start()
	}
	w.people()
	w.strangers()
	w.disasters()
	return w
}

// company founds a provider, and its other account beside it.
func (w *World) company(name string) {
	desc, timeout := w.descriptor(name, "live"), w.between(5*time.Second, time.Minute)
	echoes := desc.Ref.Mode != core.RefNone && w.rng.IntN(2) == 0
	for _, instance := range []string{"live", "test"} {
		desc.Instance = name + "@" + instance
		w.companies = append(w.companies, &company{w: w, desc: desc, timeout: timeout, echoes: echoes, underWay: map[string]int{}})
	}
}

// disasters draws what happens to the world as a whole, and when it ends.
func (w *World) disasters() {
	p := &w.profile
	often := func(n int, do func()) {
		for range n {
			w.after(time.Duration(w.rng.Float64()*float64(p.active)), do)
		}
	}
	someone := func() *Gateway { return w.gateways[w.rng.IntN(len(w.gateways))] }
	often(p.crashes, func() { someone().crash("by itself") })
	often(p.stops, func() { someone().stop() })
	often(p.leftovers, w.leftover)
	often(p.outages, func() {
		w.count("outages of the journal")
		w.outage = w.boot + w.between(time.Second, 10*time.Minute)
		w.trace.addf(w, "the journal is away until %s", w.outage)
	})
	often(p.jumps, func() {
		w.count("jumps of the wall clock")
		jump := w.between(time.Second, 6*time.Hour)
		if w.rng.IntN(2) == 0 {
			jump = -jump
		}
		w.jumped += jump
		w.jumps += max(jump, -jump)
		w.trace.addf(w, "the wall clock jumps by %s", jump)
	})
	w.after(p.active, func() {
		w.faults = false
		w.trace.addf(w, "nothing goes wrong any more")
	})
}

// quiet reports whether nothing more is going to happen.
func (w *World) quiet() bool {
	if w.faults || w.pending > 0 {
		return false
	}
	for _, s := range w.book.order {
		if !w.settled(s.attempt) {
			return false
		}
	}
	return !slices.ContainsFunc(w.gateways, func(g *Gateway) bool { return len(g.reserve.entries) > 0 })
}

// settled reports whether an attempt is at its end, or is left to a person who has done what he can.
func (w *World) settled(a journal.Attempt) bool {
	switch a.State {
	case journal.Confirmed, journal.Refunded, journal.Failed:
		return true
	case journal.Unknown, journal.Parked:
		return !w.book.waits(a) && !w.resolvable(a)
	case journal.Accepted:
		return a.NextAt.IsZero()
	case journal.Created, journal.Sending:
		return false
	}
	return false
}

func (w *World) unrest() string {
	for _, s := range w.book.order {
		if a := s.attempt; !w.settled(a) {
			return "attempt " + short(a.ID) + " is " + string(a.State) + " at " + a.Instance
		}
	}
	for _, g := range w.gateways {
		if len(g.reserve.entries) > 0 {
			return g.name + " has left " + short(g.reserve.entries[0].Attempt) + " in its spill"
		}
	}
	return "work is left"
}
