package simulation

import (
	"context"
	"errors"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/middleware/checked"
	"github.com/jalurhq/jalur/core/router"
)

const merchant = "GOPAY"

var (
	errTooLate  = errors.New("the time to send has passed")
	errReset    = errors.New("connection reset")
	errDial     = errors.New("connection refused")
	errDied     = errors.New("the plugin died")
	errDeadline = errors.New("no answer in time")
	errNoOrder  = errors.New("no such order")
	errDown     = errors.New("the provider is down")
)

// lane is a gateway's client of a provider: the plugin, its transport and the network between.
type lane struct {
	w       *World
	gw      *Gateway
	company *company
}

func failed(op string, outcome core.Outcome, code core.Code, err error) *core.Error {
	return &core.Error{Op: op, Outcome: outcome, Code: code, Err: err}
}

// fault draws whether something goes wrong now.
func (w *World) fault(p float64) bool { return w.faults && w.chance(p) }

// provider gives the lane as the router knows it: behind the layer that believes nobody, and with a witness of what the engine was told.
func (l *lane) provider() router.Provider {
	name := l.company.desc.Name
	return router.Provider{
		Provider: &witness{Provider: checked.New(name)(l), gw: l.gw}, Name: name, Timeout: l.company.timeout,
		Ready:  func(context.Context) error { return l.ready() },
		Health: func() router.Health { return router.Health{State: "ready"} },
	}
}

func (l *lane) ready() error {
	l.w.point(l.w.between(100*time.Microsecond, 10*time.Millisecond))
	if l.w.fault(l.w.profile.notReady) {
		return failed("pay", core.NotSent, core.CodeTransportNotSent, errDown)
	}
	return nil
}

// Describe implements [core.Provider].
func (l *lane) Describe(context.Context) (core.Descriptor, error) {
	if l.w.fault(l.w.profile.notReady / 4) {
		return core.Descriptor{}, failed("describe", core.NotSent, core.CodeTransportNotSent, errDown)
	}
	return l.company.desc, nil
}

// ListProducts implements [core.Provider].
func (l *lane) ListProducts(context.Context, core.ProductFilter) (core.ProductPage, error) {
	return core.ProductPage{}, nil
}

// Inquire implements [core.Provider].
func (l *lane) Inquire(context.Context, core.InquiryRequest) (core.Quote, error) {
	return core.Quote{}, failed("inquire", core.Unknown, core.CodeInternal, errDown)
}

// Pay implements [core.Provider]. Between the look at the clock and the first byte nothing can come, as in the transport.
func (l *lane) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	const op = "pay"
	w, p := l.w, &l.w.profile
	w.point(w.between(time.Millisecond, 100*time.Millisecond))
	switch {
	case w.fault(p.dialRefused):
		return core.Result{}, failed(op, core.NotSent, core.CodeTransportNotSent, errDial)
	case w.fault(p.pluginDies / 2):
		return core.Result{}, failed(op, core.Unknown, core.CodeTransportAfterSend, errDied)
	case req.SendBefore != 0 && w.boot > req.SendBefore:
		w.count("sends refused as too late")
		w.trace.addf(w, "%s: the guard refuses to send %s", l.gw.name, short(req.Ref))
		return core.Result{}, failed(op, core.NotSent, core.CodeTransportNotSent, errTooLate)
	}
	w.checker.firstByte(l.company, req)
	w.trace.addf(w, "%s: sends %s to %s", l.gw.name, short(req.Ref), l.company.desc.Instance)
	return l.wait(ctx, l.send(req))
}

// exchange is one request on its way.
type exchange struct {
	answer   core.Result
	err      error // instead of an answer
	answered time.Duration
}

// send puts a request on its way. What becomes of it there no longer depends on the gateway.
func (l *lane) send(req core.PayRequest) *exchange {
	w, p, c := l.w, &l.w.profile, l.company
	x := &exchange{}
	arrives := w.between(5*time.Millisecond, 2*time.Second)
	if w.fault(p.late) {
		w.count("late executions")
		arrives = w.between(time.Second, latest)
	}
	x.answered = arrives + w.between(5*time.Millisecond, 5*time.Second)
	switch {
	case w.fault(p.lostBefore):
		w.count("requests lost")
		w.trace.addf(w, "%s: the request for %s is lost", l.gw.name, short(req.Ref))
		x.err = errReset
		return x
	case w.fault(p.silent):
		x.answered = c.timeout * 2
	case w.fault(p.lostAfter):
		w.count("answers lost")
		x.err = errReset
	case w.fault(p.pluginDies):
		w.count("plugins died")
		x.err, x.answered = errDied, time.Duration(w.rng.Float64()*float64(x.answered))
	}
	c.underWay[req.Ref]++
	w.after(arrives, func() {
		c.underWay[req.Ref]--
		x.answer = l.spoil(c.take(req))
	})
	return x
}

// wait is for the answer, or for the time-out.
func (l *lane) wait(ctx context.Context, x *exchange) (core.Result, error) {
	const op = "pay"
	w := l.w
	if x.answered >= l.company.timeout {
		w.point(l.company.timeout)
		w.count("time-outs")
		return core.Result{}, failed(op, core.Unknown, core.CodeUpstreamTimeout, errDeadline)
	}
	w.point(x.answered)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return core.Result{}, failed(op, core.Unknown, core.CodeTransportAfterSend, ctx.Err())
	case x.err != nil:
		return core.Result{}, failed(op, core.Unknown, core.CodeTransportAfterSend, x.err)
	}
	return x.answer, nil
}

// spoil is what may be wrong with an answer.
func (l *lane) spoil(res core.Result) core.Result {
	w, p := l.w, &l.w.profile
	switch {
	case w.fault(p.garbage):
		w.count("garbage")
		return w.garbage(res)
	case w.fault(p.otherOrder):
		w.count("answers about another order")
		res.Account = "999" + res.Account
	case w.fault(p.wrongAmount):
		w.count("wrong amounts")
		res.Amount = core.IDR(1)
	case w.fault(p.duplicateInvoice):
		if taken := l.company.takenInvoice(); taken != "" && l.company.byInvoice(taken).Account != res.Account {
			w.count("answers with a stranger's invoice")
			res.Invoice = taken
		}
	}
	return res
}

func (w *World) garbage(res core.Result) core.Result {
	switch w.rng.IntN(4) {
	case 0:
		return core.Result{}
	case 1:
		res.Outcome = 77
	case 2:
		res.Outcome = core.NotSent
	default:
		res.Account = ""
	}
	return res
}

// Status implements [core.Provider].
func (l *lane) Status(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	const op = "status"
	w, p := l.w, &l.w.profile
	w.point(w.between(time.Millisecond, time.Second))
	w.checker.asked(l, req)
	if l.company.desc.StatusResubmits {
		return l.resubmit(ctx, req.Original)
	}
	switch {
	case w.fault(p.silent):
		w.point(l.company.timeout)
		return core.Result{}, failed(op, core.Unknown, core.CodeUpstreamTimeout, errDeadline)
	case w.fault(p.dialRefused), w.fault(p.pluginDies):
		return core.Result{}, failed(op, core.NotSent, core.CodeTransportNotSent, errDial)
	}
	o := l.company.find(req)
	if o == nil {
		w.count("orders not found")
		w.point(w.between(time.Millisecond, time.Second))
		return core.Result{}, failed(op, core.Unknown, core.CodeNotFound, errNoOrder)
	}
	byInvoice := l.company.desc.StatusBy.Has(core.ByInvoice) && o.invoice == req.Invoice
	if (byInvoice || l.company.echoes) && w.fault(p.twins) { // else nobody could tell
		w.count("answers about a twin")
		o = l.company.twin(o)
	}
	res := l.spoil(l.company.answer(o))
	w.point(w.between(time.Millisecond, time.Second))
	return res, nil
}

// resubmit asks by sending the order again, with all that may happen to an order on its way.
func (l *lane) resubmit(ctx context.Context, req core.PayRequest) (core.Result, error) {
	w := l.w
	w.point(w.between(100*time.Millisecond, 3*time.Second))
	if req.SendBefore != 0 && w.boot > req.SendBefore {
		w.count("questions refused as too late")
		return core.Result{}, failed("status", core.NotSent, core.CodeTransportNotSent, errTooLate)
	}
	w.count("orders sent again")
	w.trace.addf(w, "%s: sends %s again to %s", l.gw.name, short(req.Ref), l.company.desc.Instance)
	w.checker.sentAgain(l.company, req.Ref)
	return l.wait(ctx, l.send(req))
}

// witness remembers what the engine was told of each attempt.
type witness struct {
	core.Provider

	gw *Gateway
}

// Pay implements [core.Provider].
func (p *witness) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	res, err := p.Provider.Pay(ctx, req)
	told := res
	if err != nil {
		told.Outcome = core.OutcomeOf(err)
	}
	p.gw.told[req.Ref] = heard{told, p.gw.w.boot}
	p.gw.w.trace.addf(p.gw.w, "%s: is told %s of %s (%v)", p.gw.name, told.Outcome, short(req.Ref), err)
	return res, err
}

// Status implements [core.Provider].
func (p *witness) Status(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	res, err := p.Provider.Status(ctx, req)
	another := req.Invoice != "" && res.Invoice != req.Invoice // an answer about another order
	if told, ok := ctx.Value(lookKey{}).(*heard); ok && err == nil && !another {
		*told = heard{res, p.gw.w.boot}
	}
	return res, err
}
