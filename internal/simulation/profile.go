package simulation

import (
	"time"

	"github.com/jalurhq/jalur/core"
)

// profile is how one world goes wrong. Each kind of fault is drawn by itself, and many worlds lack it: a history full of everything rarely gets far.
type profile struct {
	gateways, keys int
	active         time.Duration // how long things go wrong
	longest        time.Duration // of a pause

	// For each point between two steps.
	crash, stall, freeze float64
	// For each write of the journal.
	refused, ambiguousDone, ambiguousLost, ambiguousLate, slow, crashBefore, crashAfter, poisoned float64
	unreadable                                                                                    float64 // each reading
	reserveFails                                                                                  float64 // each outcome that is to be spilled
	// For each call of a provider.
	dialRefused, notReady, lostBefore, lostAfter, silent, late, pluginDies, garbage, otherOrder, wrongAmount, duplicateInvoice             float64
	lyingInvoice, strangersAnswer, twins, declined, failsOver, pendingPay, refundedPay, refundedLater, reversedLater, forgets, blindStatus float64
	// Of the world.
	jumps, outages, stops, crashes, leftovers int
	otherContent, impatient, switches         float64
	operatorErrs                              float64
	operatorComes                             time.Duration // for the first time
	operatorRests                             time.Duration // at least, between two rounds
	curious                                   time.Duration // at least, between two rounds of somebody who asks for everything; 0: nobody does
	stallLeast, stallMost                     time.Duration // of half of the pauses of one call
	skew, alike, resubmits                    bool
}

// often draws a rate: none in half of the worlds, else anything up to the most.
func (w *World) often(most float64) float64 {
	if w.rng.IntN(2) == 0 {
		return 0
	}
	f := w.rng.Float64()
	return most * f * f
}

func (w *World) upTo(most int) int { return w.rng.IntN(most + 1) }

func drawProfile(w *World) profile {
	p := profile{gateways: 1 + w.upTo(3), keys: 1 + w.upTo(5)}
	p.stallLeast, p.stallMost = 20*time.Second, 3*time.Minute // about a lease, which is when others step in
	p.active = w.between(time.Minute, time.Hour)
	p.longest = w.between(5*time.Second, 6*time.Hour)
	p.crash, p.stall, p.freeze = w.often(.03), w.often(.15), w.often(.01)
	w.drawJournal(&p)
	w.drawProviders(&p)
	if w.rng.IntN(2) == 0 {
		p.jumps = w.upTo(3)
	}
	if w.rng.IntN(3) == 0 {
		p.outages = w.upTo(2)
	}
	p.stops, p.crashes, p.leftovers = w.upTo(1), w.upTo(3), w.upTo(1)
	p.otherContent, p.impatient, p.operatorErrs = w.often(.5), w.often(1), w.often(.6)
	if w.rng.IntN(8) == 0 {
		p.switches = .3
	}
	p.operatorComes, p.operatorRests = w.between(time.Minute, time.Hour), time.Minute
	switch w.rng.IntN(4) {
	case 0:
		p.operatorComes = w.between(time.Hour, 48*time.Hour)
	case 1:
		p.operatorComes, p.operatorRests = w.between(time.Second, time.Minute), time.Second
	}
	if w.rng.IntN(3) == 0 {
		p.curious = w.between(time.Second, time.Minute)
	}
	p.skew = w.rng.IntN(2) == 0
	switch w.rng.IntN(6) {
	case 0:
		p.lateAnswers()
	case 1:
		p.oneCustomer()
	case 2:
		p.sentAgain()
	case 3:
		p.contradictions()
	}
	return p
}

// sentAgain is a world in which asking sends the order again, many orders never arrive or are refused, and somebody asks for them, or looks into the report, all the time.
func (p *profile) sentAgain() {
	p.gateways = max(p.gateways, 2)
	p.resubmits, p.lostBefore, p.declined, p.stall, p.curious = true, .6, .3, .1, time.Second
	p.operatorComes, p.operatorRests = time.Second, time.Second
}

// lateAnswers is a world whose processes live, and whose senders come back when others have taken over.
func (p *profile) lateAnswers() {
	p.gateways = max(p.gateways, 2)
	p.crash, p.freeze, p.crashBefore, p.crashAfter, p.poisoned = 0, 0, 0, 0, 0
	p.stall, p.refused, p.ambiguousLost, p.ambiguousLate, p.unreadable, p.blindStatus = .1, .4, .3, .1, .2, .8
}

// contradictions is a world whose answers all arrive, many of them long after an operator or the provider itself has said otherwise.
func (p *profile) contradictions() {
	p.gateways = max(p.gateways, 2)
	p.crash, p.freeze, p.crashBefore, p.crashAfter, p.poisoned = 0, 0, 0, 0, 0
	p.lostBefore, p.lostAfter, p.silent, p.pluginDies, p.dialRefused = 0, 0, 0, 0, 0
	p.active, p.longest, p.stall = 2*time.Hour, time.Hour, .2
	p.operatorComes, p.operatorRests = time.Minute, 5*time.Second
	p.stallLeast, p.stallMost = 3*time.Minute, 40*time.Minute
	p.pendingPay, p.declined, p.lyingInvoice, p.refundedPay, p.unreadable = .4, .4, .3, .3, .1
}

// oneCustomer is a world in which all orders are alike.
func (p *profile) oneCustomer() {
	p.alike = true
	p.twins, p.pendingPay, p.lostAfter = .7, .5, 0
}

func (w *World) drawJournal(p *profile) {
	p.refused, p.ambiguousDone, p.ambiguousLost, p.ambiguousLate = w.often(.4), w.often(.4), w.often(.5), w.often(.3)
	p.slow, p.crashBefore, p.crashAfter, p.poisoned = w.often(.2), w.often(.1), w.often(.1), w.often(.03)
	p.unreadable, p.reserveFails = w.often(.6), w.often(.5)
}

func (w *World) drawProviders(p *profile) {
	p.dialRefused, p.notReady, p.lostBefore, p.lostAfter = w.often(.4), w.often(.3), w.often(.4), w.often(.5)
	p.silent, p.late, p.pluginDies = w.often(.4), w.often(.5), w.often(.3)
	p.garbage, p.otherOrder, p.wrongAmount = w.often(.3), w.often(.3), w.often(.3)
	p.duplicateInvoice, p.lyingInvoice = w.often(.3), w.often(.5)
	p.strangersAnswer, p.twins = w.often(.3), w.often(1)
	p.declined, p.failsOver, p.pendingPay = w.often(.6), w.often(1), w.often(1)
	p.refundedPay, p.refundedLater, p.reversedLater = w.often(.2), w.often(.4), w.often(.3)
	p.forgets, p.blindStatus = w.often(.4), w.often(.3)
}

// descriptor draws what a provider can do.
func (w *World) descriptor(name, instance string) core.Descriptor {
	d := core.Descriptor{
		Name: name, Instance: name + "@" + instance, StatusBy: core.ByInvoice,
		Merchants: []core.MerchantSpec{{Merchant: merchant, Account: core.AccountSpec{Pattern: `\d+`}}},
	}
	d.Ref.Mode = core.RefMode(w.rng.IntN(int(core.RefLabel) + 1)) // one of four
	if d.Ref.Mode != core.RefNone {
		d.StatusBy = core.StatusBy(1 + w.rng.IntN(3)) // by invoice, by reference, or both
	}
	if w.rng.IntN(3) == 0 {
		d.StatusGap = w.between(time.Second, time.Minute)
	}
	if w.rng.IntN(3) == 0 {
		d.StatusMaxAge = w.between(10*time.Minute, 48*time.Hour)
	}
	worth := d.Ref.Mode == core.RefReplay || d.Ref.Mode == core.RefRejectDuplicate
	switch {
	case d.Ref.Mode == core.RefReplay && w.rng.IntN(3) == 0 || w.profile.resubmits:
		d.Ref.Mode, d.StatusBy, d.StatusResubmits = core.RefReplay, core.ByRef, true
		d.StatusMaxAge = w.between(30*time.Minute, 40*time.Hour)
		d.Ref.Retention = d.StatusMaxAge + clocksDiffer
	case worth && w.rng.IntN(2) == 0:
		d.Quarantine = w.between(latest, 10*time.Hour)
	}
	return d
}

// What the providers' promises rest on.
const (
	latest       = 3 * time.Hour  // after it was sent, nothing arrives any more
	clocksDiffer = 20 * time.Hour // the most by which wall clocks may go wrong together
)
