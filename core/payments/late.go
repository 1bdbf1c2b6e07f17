package payments

import (
	"context"
	"log/slog"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/internal/mutant"
	"github.com/jalurhq/jalur/core/journal"
)

// lateChange gives what a late answer changes, where it changes something: good news or an invoice that nobody knew, of an attempt that is still open,
// or a case, of one that is not.
func (e *Engine) lateChange(ctx context.Context, was journal.Attempt, c *claim, res core.Result) (change journal.Change, useful bool) {
	change = journal.Change{
		From: was.State, FromFence: was.Fence, Attempt: was, Case: c.found,
		Cause: journal.Cause{Actor: "sender", Why: "a late answer to the pay", Evidence: journal.Evidence(res)},
	}
	if was.ID != c.payment.Last().ID {
		return change, false // its own outcome was written, and the next attempt with it
	}
	to, news := lateState(was, res)
	now := e.Clock.Now()
	if news {
		change.Attempt = was.Told(res)
		change.Attempt.State, change.Attempt.NextAt = to, time.Time{}
		if to == journal.Accepted || to == journal.Unknown {
			change.Attempt.NextAt = now
		}
		if to == was.State { // else whoever read the attempt before could write over it
			change.Attempt.Fence++
		}
	}
	change.Attempt.UpdatedAt = now
	if journal.Contradicts(was, res) && !mutant.On("contradiction-not-reported") {
		change.Case = journal.Contradiction(was, res, now)
		e.alarm(ctx, c, change.Case)
	}
	return change, news || change.Case != nil
}

// lateState gives where a late answer takes an open attempt: to good news, or nowhere, with an invoice that nobody knew. What is parked stays so, unless the provider
// is done with it.
func lateState(was journal.Attempt, res core.Result) (to journal.State, news bool) {
	if was.State != journal.Unknown && was.State != journal.Parked {
		return was.State, false
	}
	switch to = stateOf(res.Outcome); to {
	case journal.Confirmed, journal.Refunded:
		return to, true
	case journal.Accepted:
		if was.State == journal.Parked {
			return was.State, true
		}
		return to, true
	case journal.Failed:
		return failedLate(was.State)
	default:
		return was.State, res.Invoice != "" && was.Invoice == ""
	}
}

// failedLate is for a late word that nothing moved: it changes nothing.
func failedLate(from journal.State) (to journal.State, news bool) {
	if mutant.On("late-decline-written") {
		return journal.Failed, true
	}
	return from, false
}

// foundInvoice gives the case of an answer with another attempt's invoice.
func (e *Engine) foundInvoice(ctx context.Context, c *claim, res core.Result) *journal.Case {
	if mutant.On("stranger-not-reported") {
		return nil
	}
	found := journal.InvoiceTaken(res, e.Clock.Now())
	e.alarm(ctx, c, found)
	return found
}

func (e *Engine) alarm(ctx context.Context, c *claim, opened *journal.Case) {
	a := c.payment.Last()
	e.Log.LogAttrs(ctx, slog.LevelError, "a case for a person", slog.String("kind", string(opened.Kind)), slog.String("payment", string(a.PaymentID)),
		slog.String("attempt", a.ID), slog.String("provider", a.Provider), slog.String("why", opened.Why))
}
