package payments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/internal/faultpoint"
	"github.com/jalurhq/jalur/core/internal/mutant"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/reconciler"
	"github.com/jalurhq/jalur/core/router"
)

var errNotDescribed = errors.New("is not there to be asked what it can do")

// settle writes the outcome of an attempt that was sent. Where nothing moved and another provider may differ, the
// next attempt is claimed in the same transaction.
func (e *Engine) settle(ctx context.Context, c *claim, res core.Result) (*claim, error) {
	keeper := e.keeper(c, res)
	next, err := e.write(ctx, keeper, c, res)
	if err == nil {
		keeper.done()
	}
	return next, err
}

func (e *Engine) write(ctx context.Context, keeper *keeper, c *claim, res core.Result) (*claim, error) {
	change, next := e.change(ctx, c, res)
	faultpoint.At("before-outcome-commit")
	err := journal.Record(ctx, keeper, e.Clock, change)
	faultpoint.At("after-outcome-commit")
	switch {
	case err == nil:
		return next, nil
	case errors.Is(err, journal.ErrInvoiceTaken):
		c.found = e.foundInvoice(ctx, c, res)
		return e.write(ctx, keeper, c, strangersInvoice(res))
	case errors.Is(err, journal.ErrStale) && !mutant.On("late-answer-dropped"):
		keeper.keep(ctx, err)
		return nil, e.lateAnswer(ctx, keeper, c, res)
	default:
		return nil, fmt.Errorf("outcome %s, invoice %q of attempt %s: %w", res.Outcome, res.Invoice, change.Attempt.ID, err)
	}
}

func (e *Engine) change(ctx context.Context, c *claim, res core.Result) (journal.Change, *claim) {
	if mutant.On("failover-on-unknown") && res.Outcome == core.Unknown || mutant.On("failover-on-pending") && res.Outcome == core.Pending {
		res.Outcome, res.Code = core.NotSent, core.CodeTransportNotSent
	}
	was := c.payment.Last()
	now := e.Clock.Now()
	a := was.Told(res)
	a.State, a.EndedAt, a.UpdatedAt, a.NextAt, a.Owner = stateOf(res.Outcome), now, now, time.Time{}, ""
	if a.State == journal.Accepted && !mutant.On("accepted-never-asked") || a.State == journal.Unknown { // who can't be asked for is parked then
		a.NextAt = now.Add(max(reconciler.Pause(0, 1), c.lane.Descriptor.StatusGap))
	}
	change := journal.Change{
		From: was.State, FromFence: was.Fence, Attempt: a,
		Cause: journal.Cause{Actor: "sender", Why: "the provider answered the pay, or did not", Evidence: journal.Evidence(res)},
		Case:  c.found,
	}
	next := e.failOver(ctx, c, res)
	if next != nil {
		attempt := next.payment.Last()
		change.Next = &attempt
	}
	return change, next
}

// stateOf gives where an attempt stands after its outcome.
func stateOf(o core.Outcome) journal.State {
	switch o {
	case core.Succeeded:
		return journal.Confirmed
	case core.Refunded:
		return journal.Refunded
	case core.Pending:
		return journal.Accepted
	case core.Declined, core.NotSent:
		return journal.Failed
	case core.Unknown:
		return journal.Unknown
	default:
		return journal.Unknown
	}
}

// failOver gives the claim of the next attempt, where the outcome proves that nothing moved and says nothing about what another provider would answer.
func (e *Engine) failOver(ctx context.Context, c *claim, res core.Result) *claim {
	if !res.Outcome.NothingMoved() || !res.Code.AnotherProviderMayDiffer() && !mutant.On("any-refusal-fails-over") || e.mayBegin() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, failOverWait) // the outcome of this attempt waits to be written meanwhile
	defer cancel()
	lane, rest, problem := firstReady(ctx, c.rest)
	if problem != nil || len(c.rest) == 0 {
		return nil
	}
	claimedAt := e.Clock.Boot()
	p := c.payment
	next := e.attempt(p.ID, p.Last().N+1, lane, e.Clock.Now())
	p.Attempts = append(append([]journal.Attempt(nil), p.Attempts...), next)
	return &claim{payment: p, lane: lane, rest: rest, sendBefore: claimedAt + sendLimit(lane)}
}

// firstReady gives the first lane that could send now, and those behind it. Where none can, problem is the last one's.
func firstReady(ctx context.Context, lanes []router.Candidate) (lane router.Candidate, rest []router.Candidate, problem error) {
	for i, candidate := range lanes {
		problem = ready(ctx, candidate)
		if problem == nil {
			return candidate, lanes[i+1:], nil
		}
	}
	return router.Candidate{}, nil, problem
}

// ready also refuses a lane whose provider could not be described: then nobody has held the order against its rules.
func ready(ctx context.Context, c router.Candidate) error {
	if c.Descriptor.Name == "" {
		return fmt.Errorf("%s: %w: %s", c.Provider.Name, errNotDescribed, c.Problem)
	}
	return c.Provider.Ready(ctx)
}

// strangersInvoice words an answer that carries an invoice which belongs to another order: nobody can say whose this answer is.
func strangersInvoice(res core.Result) core.Result {
	if mutant.On("stranger-believed") {
		res.Invoice = ""
		return res
	}
	res = core.Disown(res)
	res.Outcome, res.Code = core.Unknown, core.CodeInternal
	res.Reason = "the provider answered with the invoice of another order"
	return res
}

// lateAnswer is for a sender that comes back after somebody else took its attempt over: what it brings is evidence like any other. It can confirm the payment,
// or tell the invoice by which to ask; that nothing moved is left for a person to say, and so is what contradicts the end that the attempt has come to.
func (e *Engine) lateAnswer(ctx context.Context, keeper *keeper, c *claim, res core.Result) error {
	for {
		was, err := e.givenUp(ctx, c)
		if err != nil {
			return fmt.Errorf("late answer: %w", err)
		}
		change, useful := e.lateChange(ctx, was, c, res)
		if !useful {
			e.uselessAnswer(ctx, was, res)
			return nil
		}
		err = journal.Record(ctx, keeper, e.Clock, change)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, journal.ErrInvoiceTaken):
			c.found, res = e.foundInvoice(ctx, c, res), strangersInvoice(res)
		case !errors.Is(err, journal.ErrStale), mutant.On("late-answer-tried-once"): // stale: somebody changed it again; look again
			return fmt.Errorf("late answer: %w", err)
		}
	}
}

// uselessAnswer notes an answer that came too late to change anything.
func (e *Engine) uselessAnswer(ctx context.Context, was journal.Attempt, res core.Result) {
	e.Log.LogAttrs(ctx, slog.LevelWarn, "a late answer changes nothing", slog.String("payment", string(was.PaymentID)),
		slog.String("state", string(was.State)), slog.String("outcome", res.Outcome.String()), slog.String("invoice", string(res.Invoice)))
}

// givenUp gives the last attempt as somebody else left it. Between the claim of an attempt whose sender seems gone and the note that it is unknown, and while
// the journal can't be read, it waits: an answer that came is not lost over that.
func (e *Engine) givenUp(ctx context.Context, c *claim) (journal.Attempt, error) {
	for {
		p, err := e.Store.Payment(ctx, c.payment.ID)
		if errors.Is(err, journal.ErrNotFound) {
			return journal.Attempt{}, err
		}
		if err == nil && (p.Last().State != journal.Sending || mutant.On("swept-answer-dropped") || p.Last().ID != c.payment.Last().ID) {
			return p.Last(), nil
		}
		if slept := e.Clock.Sleep(ctx, lookAgain); slept != nil {
			return journal.Attempt{}, errors.Join(err, slept)
		}
	}
}
