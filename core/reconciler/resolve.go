package reconciler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/internal/mutant"
	"github.com/jalurhq/jalur/core/journal"
)

// Errors of the operator's resolutions.
var (
	// ErrNotUnknown: only an attempt of which nobody knows what became of it can be resolved by hand.
	ErrNotUnknown = errors.New("the payment is not unknown")
	// ErrNotConfirmed: the provider's own status call did not confirm that the invoice is this order.
	ErrNotConfirmed = errors.New("the provider does not confirm that this invoice is this order")
	// ErrStillPending: the provider has the order and has not decided on it. A parked attempt waits for the decision with its person.
	ErrStillPending = errors.New("the provider still has it pending; it stays parked: ask again later")
	// ErrStillAsked: asking this provider sends the order again, so what was not executed yet may be executed by a question.
	ErrStillAsked = errors.New("its provider is still asked for it, and asking may send the order again: it can be called not executed once nobody asks any more")
)

// What asking by sending again is bound to.
const (
	sendWithin = 2 * time.Second          // of the raised fence; then no byte leaves
	settled    = sendWithin + time.Second // after a raised fence, nothing that was asked before it is sent any more
)

// ResolveInvoice takes an invoice number that an operator found in the provider's report. It is believed only where the
// provider, asked for that invoice, names product, account and amount of this order. Errors: ErrNotUnknown, ErrNotConfirmed, ErrStillPending,
// journal.ErrInvoiceTaken.
func (r *Reconciler) ResolveInvoice(ctx context.Context, p journal.Payment, invoice core.Invoice, by string) error {
	a := p.Last()
	if a.State != journal.Unknown && a.State != journal.Parked {
		return fmt.Errorf("%s: %w", p.State(), ErrNotUnknown)
	}
	a, res, err := r.askInvoice(ctx, p, invoice)
	if err != nil {
		return err
	}
	next := signed(a.Told(res), by)
	next.Invoice, next.NextAt = invoice, time.Time{}
	switch res.Outcome {
	case core.Succeeded:
		next.State = journal.Confirmed
	case core.Refunded:
		next.State = journal.Refunded
	case core.Pending:
		if a.State == journal.Parked {
			return fmt.Errorf("invoice %s: %w", invoice, ErrStillPending)
		}
		next.State, next.NextAt = journal.Accepted, r.Clock.Now().Add(firstBound)
	case core.Unknown, core.NotSent, core.Declined:
		return fmt.Errorf("it says %s: %w", res.Outcome, ErrNotConfirmed)
	}
	return r.resolve(ctx, a, next, journal.Cause{Actor: by, Why: "invoice brought by hand, confirmed by the provider", Evidence: journal.Evidence(res)})
}

func (r *Reconciler) askInvoice(ctx context.Context, p journal.Payment, invoice core.Invoice) (journal.Attempt, core.Result, error) {
	a := p.Last()
	if mutant.On("invoice-unconfirmed") {
		return a, core.Result{Outcome: core.Succeeded, Invoice: invoice}, nil
	}
	asked := p
	asked.Attempts = append([]journal.Attempt(nil), p.Attempts...)
	asked.Attempts[len(asked.Attempts)-1].Invoice = invoice
	q, err := r.request(ctx, asked)
	if err != nil {
		return a, core.Result{}, fmt.Errorf("%w: %w", ErrNotConfirmed, err)
	}
	a, res, err := r.ask(ctx, a, q)
	if err != nil {
		return a, core.Result{}, fmt.Errorf("%w: %w", ErrNotConfirmed, err)
	}
	if res.Invoice != invoice {
		return a, core.Result{}, fmt.Errorf("it answered for another invoice: %w", ErrNotConfirmed)
	}
	return a, res, nil
}

// ResolveNotExecuted takes an operator's word that the provider's report has no such order. Where asking sends the order again, it is taken only of a parked attempt,
// for which nobody asks by himself, and only once no question that was asked before can leave any more. Errors: ErrNotUnknown, ErrStillAsked.
func (r *Reconciler) ResolveNotExecuted(ctx context.Context, p journal.Payment, reason, by string) error {
	a := p.Last()
	if a.State != journal.Unknown && a.State != journal.Parked {
		return fmt.Errorf("%s: %w", p.State(), ErrNotUnknown)
	}
	a, err := r.quieten(ctx, a)
	if err != nil {
		return err
	}
	next := signed(a, by)
	next.State, next.NextAt, next.Outcome = journal.Failed, time.Time{}, core.Declined
	next.Code, next.Reason = core.CodeDeclined, reason
	return r.resolve(ctx, a, next, journal.Cause{Actor: by, Why: "not executed: " + reason})
}

// quieten sees to it that no order goes out any more on account of a question. It gives the attempt as it is held then.
func (r *Reconciler) quieten(ctx context.Context, a journal.Attempt) (journal.Attempt, error) {
	provider, ok := r.Router.Provider(a.Provider)
	if ok {
		d, err := provider.Describe(ctx)
		ok = err != nil || d.StatusResubmits // one that can't say is taken for one that does
	}
	if !ok || mutant.On("not-executed-at-once") {
		return a, nil
	}
	if a.State != journal.Parked {
		return a, ErrStillAsked
	}
	held, err := r.hold(ctx, a)
	if err != nil {
		return a, fmt.Errorf("hold attempt %s: %w", a.ID, err)
	}
	return held, r.Clock.Sleep(ctx, settled)
}

// signed names in the details whose word an attempt's end is: it isn't the provider's.
func signed(a journal.Attempt, by string) journal.Attempt {
	return a.Told(core.Result{
		Outcome: a.Outcome, Code: a.Code, ProviderCode: a.ProviderCode, Reason: a.Reason, Details: map[string]string{"resolved_by": by},
	})
}

// resolve is apply, except that somebody else's change in between is the operator's business.
func (r *Reconciler) resolve(ctx context.Context, was, next journal.Attempt, cause journal.Cause) error {
	next.UpdatedAt = r.Clock.Now()
	err := r.Store.Apply(ctx, journal.Change{From: was.State, FromFence: was.Fence, Attempt: next, Cause: cause})
	if err != nil {
		return fmt.Errorf("resolve attempt %s: %w", was.ID, err)
	}
	r.Changed(was.PaymentID)
	return nil
}
