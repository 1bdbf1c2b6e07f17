package simulation

import (
	"time"

	"github.com/jalurhq/jalur/core"
)

// What an order is at its provider.
type standing uint8

const (
	processing standing = iota
	done
	refused
	returned // done, then given back, and called so
	reversed // done, then given back, and called refused
)

// order is one top-up in a provider's own books.
type order struct {
	core.PayRequest

	invoice  core.Invoice
	taken    time.Duration // when it reached the provider
	standing standing
	code     core.Code // why it was refused
	hidden   bool      // a refused order that the provider did not keep
}

// listed reports whether the provider's report has the order as one that moved money, or may.
func (o *order) listed() bool { return o != nil && o.standing != refused && o.standing != reversed }

// company is a provider: its books, and how it answers. It knows nothing of gateways.
type company struct {
	w        *World
	desc     core.Descriptor
	timeout  time.Duration
	echoes   bool // it repeats our reference
	orders   []*order
	underWay map[string]int // requests that have left a gateway and not arrived, by reference
}

// ledger is the truth: what has moved, by reference. No gateway can read or write it.
type ledger struct {
	w     *World
	lines map[string]*line
}

type line struct {
	executed, returned int
	invoices           []core.Invoice
}

// of gives what moved under a reference.
func (l *ledger) of(ref string) line {
	if found := l.lines[ref]; found != nil {
		return *found
	}
	return line{}
}

func (l *ledger) open(ref string) *line {
	if l.lines[ref] == nil {
		l.lines[ref] = &line{}
	}
	return l.lines[ref]
}

// take is the moment at which a request reaches the provider. It gives the answer.
func (c *company) take(req core.PayRequest) core.Result {
	if old := c.byRef(req.Ref); old != nil && c.desc.Ref.Mode == core.RefReplay && !c.forgot(old) {
		return c.answer(old)
	} else if old != nil && c.desc.Ref.Mode == core.RefRejectDuplicate {
		return core.Result{Outcome: core.Declined, Code: core.CodeDuplicateRef, Reason: "the reference was used"}
	}
	w, p := c.w, &c.w.profile
	if taken := c.takenInvoice(); taken != "" && w.fault(p.lyingInvoice) {
		w.count("answers with a stranger's invoice, not executed")
		return c.answer(&order{PayRequest: req, invoice: taken, standing: done})
	}
	if w.fault(p.strangersAnswer) {
		w.count("answers about another order, not executed")
		other := req
		other.Account = "999" + other.Account
		return c.answer(&order{PayRequest: other, invoice: c.newInvoice(), standing: done})
	}
	o := &order{PayRequest: req, taken: w.boot, invoice: c.newInvoice()}
	c.orders = append(c.orders, o)
	switch {
	case w.chance(p.declined):
		o.standing, o.code, o.hidden = refused, w.refusal(), w.chance(p.forgets) && !c.desc.StatusResubmits
		w.trace.addf(w, "%s refuses %s: %s", c.desc.Instance, short(req.Ref), o.code)
		c.callsBack(o)
	case w.chance(p.pendingPay):
		o.standing = processing
		c.callsBack(o)
		w.after(w.between(time.Second, 2*time.Hour), func() { c.decide(o) })
		w.trace.addf(w, "%s will decide on %s later", c.desc.Instance, short(req.Ref))
	default:
		c.execute(o)
		if w.chance(p.refundedPay) {
			c.giveBack(o, returned)
		}
	}
	return c.answer(o)
}

// forgot: after its retention, the same reference is a new order.
func (c *company) forgot(o *order) bool {
	return c.desc.Ref.Retention > 0 && c.w.boot-o.taken > c.desc.Ref.Retention
}

// decide is the end of an order that was answered as pending.
func (c *company) decide(o *order) {
	if c.w.chance(c.w.profile.declined) {
		o.standing, o.code = refused, c.w.refusal()
		c.w.trace.addf(c.w, "%s refuses %s after all: %s", c.desc.Instance, short(o.Ref), o.code)
		c.callsBack(o)
		return
	}
	c.execute(o)
}

// execute moves the money.
func (c *company) execute(o *order) {
	w := c.w
	o.standing = done
	entry := w.ledger.open(o.Ref)
	entry.executed++
	entry.invoices = append(entry.invoices, o.invoice)
	w.trace.addf(w, "%s EXECUTES %s as %s", c.desc.Instance, short(o.Ref), o.invoice)
	w.trace.mix(uint64(w.boot), uint64(len(c.orders)))
	w.checker.executed(o.Ref)
	c.callsBack(o)
	switch {
	case w.chance(w.profile.refundedLater):
		w.after(w.between(time.Second, 24*time.Hour), func() { c.giveBack(o, returned) })
	case w.chance(w.profile.reversedLater):
		w.after(w.between(time.Second, 24*time.Hour), func() { c.giveBack(o, reversed) })
	}
}

func (c *company) giveBack(o *order, as standing) {
	if o.standing != done {
		return
	}
	o.standing, o.code = as, core.CodeRefunded
	c.w.ledger.open(o.Ref).returned++
	c.w.trace.addf(c.w, "%s GIVES BACK %s", c.desc.Instance, short(o.Ref))
	c.callsBack(o)
}

// answer words how an order stands.
func (c *company) answer(o *order) core.Result {
	res := core.Result{Invoice: o.invoice, Ref: c.echo(o), Product: o.Product, Account: o.Account, Amount: o.Amount, Code: o.code}
	switch o.standing {
	case processing:
		res.Outcome, res.Code = core.Pending, ""
	case done:
		res.Outcome, res.Code, res.Reference = core.Succeeded, "", "SN"+string(o.invoice)
	case refused, reversed:
		res.Outcome, res.Reason = core.Declined, "no"
	case returned:
		res.Outcome = core.Refunded
	}
	return res
}

// echo is our reference in an answer, by providers that repeat it.
func (c *company) echo(o *order) string {
	if c.echoes {
		return o.Ref
	}
	return ""
}

// refusal draws why something is refused.
func (w *World) refusal() core.Code {
	codes := core.Codes()
	for {
		code := codes[w.rng.IntN(len(codes))]
		if !w.chance(w.profile.failsOver) || code.AnotherProviderMayDiffer() {
			return code
		}
	}
}

func (c *company) newInvoice() core.Invoice {
	return core.Invoice(c.desc.Name[:1] + "-" + short(c.w.newID()))
}

func (c *company) byRef(ref string) *order {
	for _, o := range c.orders {
		if o.Ref == ref {
			return o
		}
	}
	return nil
}

func (c *company) byInvoice(invoice core.Invoice) *order {
	for _, o := range c.orders {
		if o.invoice == invoice {
			return o
		}
	}
	return nil
}

// twin gives another order for the same account, product and amount, or the order itself.
func (c *company) twin(o *order) *order {
	for _, other := range c.orders {
		if other != o && other.Account == o.Account && other.Product == o.Product && other.Amount.Equal(o.Amount) && !other.hidden {
			return other
		}
	}
	return o
}

// takenInvoice draws an invoice that the journal has for another order, or none.
func (c *company) takenInvoice() core.Invoice {
	if len(c.orders) == 0 {
		return ""
	}
	o := c.orders[c.w.rng.IntN(len(c.orders))]
	if s := c.w.book.sheets[o.Ref]; s != nil && s.attempt.Invoice == o.invoice {
		return o.invoice
	}
	return ""
}

// find looks an order up as it was asked for. Nil: it has none.
func (c *company) find(req core.StatusRequest) *order {
	var o *order
	if req.Invoice != "" && c.desc.StatusBy.Has(core.ByInvoice) {
		o = c.byInvoice(req.Invoice)
	} else if c.desc.StatusBy.Has(core.ByRef) {
		o = c.byRef(req.Original.Ref)
	}
	if o == nil || o.hidden || !c.settled(o) && c.w.fault(c.w.profile.blindStatus) {
		return nil
	}
	return o
}

// settled: from here on a provider that names its quarantine shows an order.
func (c *company) settled(o *order) bool {
	return c.desc.Quarantine > 0 && c.w.boot-o.taken > c.desc.Quarantine-latest
}
