package simulation

import (
	"errors"
	"slices"
	"time"

	"github.com/jalurhq/jalur/core/journal"
)

var errReserve = errors.New("the spill's disk failed")

// reserve is the spill of a gateway's machine: what is in it outlives the process.
type reserve struct {
	w       *World
	gw      *Gateway
	entries []*journal.Spilled // until all are settled
	settled map[*journal.Spilled]bool
	refused map[string]bool // attempts whose outcome it did not take
	read    bool            // in this life of the gateway
}

func newReserve(w *World, gw *Gateway) *reserve {
	return &reserve{w: w, gw: gw, settled: map[*journal.Spilled]bool{}, refused: map[string]bool{}}
}

// Ready implements [payments.Spill].
func (r *reserve) Ready() error {
	if r.w.fault(r.w.profile.reserveFails / 8) {
		return errReserve
	}
	return nil
}

// Keep implements [payments.Spill]. The process may die before the entry is durable, and after.
func (r *reserve) Keep(outcome journal.Spilled) (settled func(), err error) {
	w := r.w
	w.point(w.between(100*time.Microsecond, 10*time.Millisecond))
	if w.fault(w.profile.reserveFails) {
		w.count("spills that failed")
		r.refused[outcome.Attempt] = true
		return nil, errReserve
	}
	w.count("outcomes spilled")
	w.trace.addf(w, "%s: spills %s of %s", r.gw.name, outcome.Result.Outcome, short(outcome.Attempt))
	r.entries = append(r.entries, &outcome)
	w.checker.spilled = append(w.checker.spilled, outcome)
	w.point(w.between(100*time.Microsecond, 10*time.Millisecond))
	return func() { r.settle(&outcome) }, nil
}

// Left implements [payments.Spill].
func (r *reserve) Left() ([]journal.Kept, error) {
	if r.read {
		return nil, nil
	}
	r.read = true
	var kept []journal.Kept
	for _, outcome := range r.entries {
		r.w.count("outcomes found in the spill")
		r.w.trace.addf(r.w, "%s: finds %s of %s in its spill", r.gw.name, outcome.Result.Outcome, short(outcome.Attempt))
		kept = append(kept, journal.Kept{Spilled: *outcome, Settled: func() { r.settle(outcome) }})
	}
	return kept, nil
}

// settle empties the spill when nothing in it is open; until then what was settled is found again by the next life.
func (r *reserve) settle(outcome *journal.Spilled) {
	r.settled[outcome] = true
	if !slices.ContainsFunc(r.entries, func(o *journal.Spilled) bool { return !r.settled[o] }) {
		r.entries = nil
	}
}

func (r *reserve) holds(attempt string) bool {
	return slices.ContainsFunc(r.entries, func(o *journal.Spilled) bool { return o.Attempt == attempt })
}
