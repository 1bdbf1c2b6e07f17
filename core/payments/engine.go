// Package payments accepts an order once, records it, routes it, sends it, and settles what came of it. Its Engine is
// a set of steps over a clock, a journal and providers, without a goroutine of its own; Service is the thin shell around
// it that callers share.
package payments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/catalogue"
	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/internal/faultpoint"
	"github.com/jalurhq/jalur/core/internal/mutant"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/router"
)

// Bounds of one payment.
const (
	// planTime bounds all that happens before the intent is recorded: routing, waiting for a plugin that starts, a quote.
	planTime = 8 * time.Second
	// failOverWait bounds how long another lane may take to be ready.
	failOverWait = time.Second
	// leaseExtra is how much longer than the provider's timeout a sender may take before it counts as gone.
	leaseExtra = 30 * time.Second
	// sendWithin is the most that may pass between the claim and the first byte. A sender that was paused for longer must not send: somebody may have given its attempt up.
	sendWithin = 2 * time.Second
)

// EngineConfig is what an Engine works with. All fields are required.
type EngineConfig struct {
	Store     journal.Store
	Spill     Spill
	Clock     clock.Clock
	Router    *router.Router
	Catalogue *catalogue.Catalogue
	NewID     func() string // 26 characters of A–Z and 0–9, never twice the same
	Owner     string        // of this process, as it stands in the journal
	Log       *slog.Logger
}

// Engine makes payments, step by step. Its steps are safe for many callers at once, but each claim is sent by the one who got it.
type Engine struct {
	EngineConfig

	halted atomic.Pointer[string]
	failed chan struct{} // closed when the disk has failed under the journal
	left   []*leftover   // what Replay has still to settle
}

// NewEngine gives an Engine.
func NewEngine(cfg EngineConfig) *Engine {
	e := &Engine{EngineConfig: cfg, failed: make(chan struct{})}
	e.Store = watched{newLeased(cfg.Store, cfg.Clock), sync.OnceFunc(e.fail)}
	return e
}

// Halt makes the engine send nothing more: new orders are refused, and no further lane is tried. Calls that have begun are settled. The first
// reason stays; there is no way back but a new Engine.
func (e *Engine) Halt(reason string) { e.halted.CompareAndSwap(nil, &reason) }

// Halted gives the reason why nothing is sent, or "": it was halted, or its journal is held.
func (e *Engine) Halted() string {
	if reason := e.halted.Load(); reason != nil {
		return *reason
	}
	return journal.Held(e.Store)
}

// mayBegin gives the refusal where no call may be begun now.
func (e *Engine) mayBegin() error {
	if reason := e.Halted(); reason != "" {
		return haltRefusal(reason)
	}
	if err := e.Spill.Ready(); err != nil {
		return spillRefusal(err)
	}
	return nil
}

// Ticket is an order that the journal has.
type Ticket struct {
	Payment  journal.Payment
	Replayed bool   // the key was seen before; Payment is what it stands for
	claim    *claim // what this caller, and nobody else, is to send; nil: nothing
}

// claim is the right to send one attempt, once.
type claim struct {
	payment    journal.Payment
	lane       router.Candidate
	rest       []router.Candidate // where to go on if nothing moved
	sendBefore time.Duration
	found      *journal.Case // what its answer showed to be wrong, to be opened with its outcome
}

// Submit records an order under its key, or finds what is recorded there. When it returns a ticket with a claim, the intent to send
// is durable and Send is to be called with it. An error is a [*Refusal]: nothing was recorded, unless its code is journal_unavailable and the commit was
// ambiguous; nothing was or will be sent in any case.
func (e *Engine) Submit(ctx context.Context, o Order) (Ticket, error) {
	if err := o.check(); err != nil {
		return Ticket{}, err
	}
	if t, err := e.replay(ctx, o); t.Replayed || err != nil {
		return t, err
	}
	planning, cancel := context.WithTimeout(ctx, planTime)
	defer cancel()
	plan, err := e.plan(planning, o)
	if err != nil {
		return Ticket{}, err
	}
	if err := e.mayBegin(); err != nil {
		return Ticket{}, err
	}
	return e.record(ctx, o, plan)
}

// replay finds the payment that the key stands for already.
func (e *Engine) replay(ctx context.Context, o Order) (Ticket, error) {
	known, err := e.Store.ByKey(ctx, o.Client, o.Key)
	if errors.Is(err, journal.ErrNotFound) {
		return Ticket{}, nil
	}
	if err != nil {
		return Ticket{}, journalRefusal(err)
	}
	return replayed(o, known)
}

func replayed(o Order, known journal.Payment) (Ticket, error) {
	if known.Fingerprint != o.fingerprint() && !mutant.On("fingerprint-ignored") {
		return Ticket{}, &Refusal{Code: CodeKeyReused, Field: "key", Rule: "was used for another order"}
	}
	return Ticket{Payment: known, Replayed: true}, nil
}

// record makes the intent durable, and claims the attempt in the same transaction. The clock is read before, so that the time the commit takes counts
// against the claim.
func (e *Engine) record(ctx context.Context, o Order, plan plan) (Ticket, error) {
	claimedAt := e.Clock.Boot()
	p := e.payment(o, plan)
	faultpoint.At("before-intent")
	recorded, created, err := e.Store.Submit(ctx, p, plan.cause())
	faultpoint.At("after-intent-commit")
	if mutant.On("acknowledged-before-intent") && err != nil {
		plan.problem, recorded, created, err = err, p, true, nil
	}
	if mutant.On("sent-on-ambiguous-intent") && errors.Is(err, journal.ErrAmbiguous) {
		recorded, created, err = p, true, nil
	}
	if mutant.On("claim-timed-late") {
		claimedAt = e.Clock.Boot()
	}
	if err != nil {
		return Ticket{}, journalRefusal(err)
	}
	if !created && !mutant.On("replay-sent") {
		return replayed(o, recorded)
	}
	t := Ticket{Payment: recorded}
	if plan.problem == nil {
		t.claim = &claim{payment: recorded, lane: plan.lane, rest: plan.rest, sendBefore: claimedAt + sendLimit(plan.lane)}
	}
	return t, nil
}

func (e *Engine) payment(o Order, plan plan) journal.Payment {
	now := e.Clock.Now()
	p := journal.Payment{
		ID: core.PaymentID(e.NewID()), Client: o.Client, Key: o.Key, Fingerprint: o.fingerprint(),
		Merchant: o.Merchant, Account: o.Account, Amount: plan.amount, MaxCost: o.MaxCost, Extra: o.Extra,
		Inquiry: o.Inquiry, CreatedAt: now,
	}
	a := e.attempt(p.ID, 1, plan.lane, now)
	a.Quote = plan.quote
	if plan.problem != nil {
		a = unsent(a, plan.problem, now)
	}
	p.Attempts = []journal.Attempt{a}
	return p
}

// attempt gives a claimed attempt: its sender has until NextAt.
func (e *Engine) attempt(id core.PaymentID, n int, lane router.Candidate, now time.Time) journal.Attempt {
	return journal.Attempt{
		ID: e.NewID(), PaymentID: id, N: n, Provider: lane.Provider.Name, Instance: lane.Descriptor.Instance, Product: lane.Product,
		State: journal.Sending, Fence: 1, Owner: e.Owner, NextAt: now.Add(lease(lane)),
		StartedAt: now, CreatedAt: now, UpdatedAt: now,
	}
}

// unsent turns a claimed attempt into one that was given up before anything was sent.
func unsent(a journal.Attempt, problem error, now time.Time) journal.Attempt {
	a.State, a.Fence, a.NextAt, a.StartedAt, a.EndedAt = journal.Failed, 0, time.Time{}, time.Time{}, now
	a.Outcome, a.Code, a.Reason = core.NotSent, core.CodeTransportNotSent, problem.Error()
	return a
}

func lease(lane router.Candidate) time.Duration {
	if mutant.On("lease-too-short") {
		return lane.Provider.Timeout / 2
	}
	return lane.Provider.Timeout + leaseExtra
}

func sendLimit(lane router.Candidate) time.Duration { return min(sendWithin, lease(lane)/2) }

// Send makes the call that a ticket claims, writes down what came of it, and goes on to the next lane only where nothing moved. It is called
// once a ticket. It gives the payment as it then stands. The caller's cancellation does not reach the provider.
func (e *Engine) Send(ctx context.Context, t Ticket) (journal.Payment, error) {
	if !mutant.On("caller-cancels-pay") {
		ctx = context.WithoutCancel(ctx)
	}
	for c := t.claim; c != nil; {
		next, err := e.sendOne(ctx, c)
		if err != nil {
			return t.Payment, err
		}
		c = next
	}
	p, err := e.Store.Payment(ctx, t.Payment.ID)
	if err != nil {
		return t.Payment, fmt.Errorf("payment %s: %w", t.Payment.ID, err)
	}
	return p, nil
}

// sendOne sends one attempt and settles it. It gives the claim of the next attempt, if there is to be one.
func (e *Engine) sendOne(ctx context.Context, c *claim) (*claim, error) {
	a := c.payment.Last()
	request := c.payment.Order(a)
	request.CallbackURL = c.lane.Provider.CallbackFor(c.lane.Descriptor)
	if !mutant.On("guard-ignored") {
		request.SendBefore = c.sendBefore
	}
	calling, cancel := context.WithTimeout(ctx, c.lane.Provider.Timeout)
	faultpoint.At("before-pay")
	res, err := c.lane.Provider.Pay(calling, request)
	faultpoint.At("after-pay")
	if mutant.On("pay-repeated") && err != nil && core.OutcomeOf(err) == core.Unknown {
		res, err = c.lane.Provider.Pay(calling, request)
	}
	cancel()
	if err != nil {
		res = unanswered(res, err)
		e.Log.LogAttrs(ctx, slog.LevelWarn, "no answer to a pay",
			slog.String("payment", string(c.payment.ID)), slog.String("outcome", res.Outcome.String()), slog.String("err", err.Error()))
	}
	return e.settle(ctx, c, res)
}

// unanswered words an error as a result, with what was read of the answer kept as evidence. Nobody but the error's own word makes it NotSent.
func unanswered(res core.Result, err error) core.Result {
	res.Outcome, res.Code = core.OutcomeOf(err), core.CodeOf(err)
	if mutant.On("error-failed") || mutant.On("timeout-failed") && res.Code == core.CodeUpstreamTimeout {
		res.Outcome = core.Declined
	}
	if res.Reason == "" {
		res.Reason = err.Error()
	}
	return res
}
