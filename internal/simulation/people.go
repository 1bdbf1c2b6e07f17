package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
)

const shop = "shop"

// client is somebody who wants one top-up, and says so until it is told.
type client struct {
	told bool
}

// settle draws who orders what, and when.
func (w *World) people() {
	p := &w.profile
	account := ""
	for i := range p.keys {
		if account == "" || !p.alike && w.rng.IntN(3) > 0 { // else a twin: another key, and the same intent
			account = fmt.Sprintf("0812%06d", w.rng.IntN(1_000_000))
		}
		o := payments.Order{
			Client: shop, Key: core.Key(fmt.Sprintf("k%d", i+1)), Merchant: merchant,
			Account: core.AccountNumber(account), Amount: core.IDR(100_000),
		}
		start := time.Duration(w.rng.Float64() * float64(p.active) * 0.8)
		for range 1 + w.upTo(2) {
			copied := o
			if w.chance(p.otherContent) {
				copied.Amount = core.IDR(200_000)
			}
			w.spawn(nil, false, start+w.between(time.Millisecond, time.Minute), func() { w.client(copied) })
		}
	}
	w.spawn(nil, true, p.operatorComes, w.operator)
	if p.curious > 0 {
		w.spawn(nil, true, p.curious, w.curious)
	}
}

// curious asks for every payment, out of turn, at any gateway. The reconciler knows which of them there is something to ask for.
func (w *World) curious() {
	for rest := w.profile.curious; ; rest = min(rest+rest/8, 10*time.Minute) {
		for _, s := range w.book.order {
			g := w.gateways[w.rng.IntN(len(w.gateways))]
			if id := s.attempt.PaymentID; g.up && !g.stopping {
				w.spawn(g, false, w.between(time.Millisecond, time.Second), func() { g.ask(id) })
			}
		}
		w.sleep(w.between(rest, 3*rest))
	}
}

func (g *Gateway) ask(id core.PaymentID) {
	ctx := context.Background()
	p, err := g.engine.Store.Payment(ctx, id)
	if err != nil {
		return
	}
	g.w.count("questions out of turn")
	if _, err = g.reconciler.Ask(ctx, p); err != nil {
		g.w.trace.addf(g.w, "%s: asked for %s: %v", g.name, short(id), err)
	}
}

// client says its order, at any gateway, until it is told or gives up.
func (w *World) client(o payments.Order) {
	c := &client{}
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	for range 1 + w.upTo(4) {
		g := w.gateways[w.rng.IntN(len(w.gateways))]
		if g.up {
			g.request(ctx, c, o)
		}
		w.sleep(w.between(10*time.Millisecond, 30*time.Second))
		if c.told || w.chance(w.profile.impatient) {
			break
		}
	}
	if !w.chance(w.profile.impatient) {
		w.sleep(w.between(10*time.Millisecond, 2*time.Minute))
	}
	leave()
}

// leftover is a payment of an older program, which recorded its intent and died before it claimed it.
func (w *World) leftover() {
	now := epoch().Add(w.boot)
	id := core.PaymentID(w.newID())
	_, _, _ = w.book.Submit(context.Background(), journal.Payment{ // a book that never fails
		ID: id, Client: shop, Key: core.Key("old-" + id), Fingerprint: "old", Merchant: merchant, Account: "081200000000",
		Amount: core.IDR(100_000), CreatedAt: now, Attempts: []journal.Attempt{{
			ID: w.newID(), PaymentID: id, N: 1, Provider: w.companies[0].desc.Name, Instance: w.companies[0].desc.Instance,
			Product: merchant, State: journal.Created, NextAt: now.Add(time.Minute), CreatedAt: now, UpdatedAt: now,
		}},
	}, journal.Cause{Actor: "submit", Why: "ordered"})
}

// What an operator keeps to.
const (
	operatorWaits = time.Minute // after the claim, until he takes a report for complete
	operatorTries = 3           // without faults, of one attempt
)

// operator looks at what nobody knows, reads the provider's report, and brings what it says.
func (w *World) operator() {
	for rest := w.profile.operatorRests; ; rest = min(rest+rest/8, time.Minute) {
		for _, s := range w.book.order {
			a := s.attempt
			if w.resolvable(a) {
				w.resolve(a)
			}
			if w.givenBack(a) {
				w.askForRefund(a)
			}
		}
		w.sleep(w.between(rest, 60*rest))
	}
}

func (w *World) resolvable(a journal.Attempt) bool {
	if a.State != journal.Unknown && a.State != journal.Parked {
		return false
	}
	c := w.companyOf(a)
	if c == nil {
		return false
	}
	waited := w.boot-w.checker.claimed[a.ID] >= operatorWaits || c.desc.StatusResubmits // there the engine has to wait for him
	return waited && c.underWay[a.ID] == 0 && w.checker.tries[a.ID] < operatorTries
}

// givenBack reports whether the provider's report now has as given back what the journal has as done. He sees it once.
func (w *World) givenBack(a journal.Attempt) bool {
	c := w.companyOf(a)
	if a.State != journal.Confirmed || c == nil || w.checker.tries[a.ID] >= operatorTries {
		return false
	}
	o := c.byRef(a.ID)
	return o != nil && o.invoice == a.Invoice && (o.standing == returned || o.standing == reversed)
}

func (w *World) askForRefund(a journal.Attempt) {
	g := w.gateways[w.rng.IntN(len(w.gateways))]
	if !g.up || g.stopping {
		return
	}
	w.checker.tries[a.ID]++
	w.spawn(g, false, w.between(time.Millisecond, time.Second), func() { g.resolve(a, true, a.Invoice) })
}

func (w *World) companyOf(a journal.Attempt) *company {
	for _, c := range w.companies {
		if c.desc.Instance == a.Instance {
			return c
		}
	}
	return nil
}

// resolve hands the report's word to a gateway. He is slow, and now and then mistakes one line for another.
func (w *World) resolve(a journal.Attempt) {
	g := w.gateways[w.rng.IntN(len(w.gateways))]
	c := w.companyOf(a)
	o := c.byRef(a.ID)
	if !g.up || g.stopping || o != nil && o.standing == processing && w.rng.IntN(2) == 0 {
		return
	}
	toldToComeBack := c.desc.StatusResubmits && a.State == journal.Unknown
	if !w.faults && !toldToComeBack {
		w.checker.tries[a.ID]++
	}
	bringsInvoice := o.listed()
	invoice := core.Invoice("")
	if bringsInvoice {
		invoice = o.invoice
	}
	if w.fault(w.profile.operatorErrs) && len(c.orders) > 0 {
		wrong := c.orders[w.rng.IntN(len(c.orders))]
		bringsInvoice, invoice = true, wrong.invoice
		if wrong.Account == w.book.payments[a.PaymentID].Account && wrong.Ref != a.ID {
			return // nobody could tell twins apart by a report
		}
	}
	w.spawn(g, false, w.between(time.Millisecond, time.Second), func() { g.resolve(a, bringsInvoice, invoice) })
}

func (g *Gateway) resolve(a journal.Attempt, bringsInvoice bool, invoice core.Invoice) {
	ctx := context.Background()
	p, err := g.engine.Store.Payment(ctx, a.PaymentID)
	if err != nil || p.Last().ID != a.ID {
		return
	}
	if c := g.w.companyOf(a); c.desc.StatusResubmits && !bringsInvoice && (c.underWay[a.ID] > 0 || c.byRef(a.ID).listed()) {
		return // another operator's question has sent it again since: he looks into the report once more
	}
	if bringsInvoice {
		err = g.reconciler.ResolveInvoice(ctx, p, invoice, "operator:siti")
	} else {
		err = g.reconciler.ResolveNotExecuted(ctx, p, "not in the report", "operator:siti")
	}
	g.w.trace.addf(g.w, "%s: the operator brings %q for %s: %v", g.name, invoice, short(a.ID), err)
}
