package reconciler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
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
	// ErrContradicted: the provider now says something that can't be true together with the payment's end. The end stays, and a case is open.
	ErrContradicted = errors.New("the provider now says otherwise; the payment stays as it is, and a case is open")
	// ErrSecondPerson: the word that it was not executed is noted, and waits for another person to say so.
	ErrSecondPerson = errors.New("a second person has to say that it was not executed")
	// ErrStillAsked: asking this provider sends the order again, so what was not executed yet may be executed by a question.
	ErrStillAsked = errors.New("its provider is still asked for it, and asking may send the order again: it can be called not executed once nobody asks any more")
)

// What asking by sending again is bound to.
const (
	sendWithin = 2 * time.Second          // of the raised fence; then no byte leaves
	settled    = sendWithin + time.Second // after a raised fence, nothing that was asked before it is sent any more
)

// ResolveInvoice takes an invoice number that an operator found in the provider's report. It is believed only where the
// provider, asked for that invoice, names product, account and amount of this order. A payment that is done can be brought with its own invoice: then
// the provider is asked whether it has given it back since. Errors: ErrNotUnknown, ErrNotConfirmed, ErrStillPending, ErrContradicted, journal.ErrInvoiceTaken.
func (r *Reconciler) ResolveInvoice(ctx context.Context, p journal.Payment, invoice core.Invoice, by string) error {
	a := p.Last()
	if a.State == journal.Confirmed && a.Invoice == invoice {
		return r.givenBack(ctx, p, by)
	}
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

// givenBack asks for a payment that is done. Only its provider's own word makes it refunded.
func (r *Reconciler) givenBack(ctx context.Context, p journal.Payment, by string) error {
	a := p.Last()
	q, err := r.request(ctx, p)
	if err == nil && q.descriptor.StatusResubmits {
		err = fmt.Errorf("asking sends the order again: %w", ErrCannotAsk)
	}
	var res core.Result
	if err == nil {
		res, err = q.ask(ctx)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrNotConfirmed, err)
	case res.Outcome == core.Refunded && (res.Invoice == "" || res.Invoice == a.Invoice):
		next := signed(a.Told(res), by)
		next.State, next.NextAt = journal.Refunded, time.Time{}
		return r.resolve(ctx, a, next, journal.Cause{Actor: by, Why: "given back, as the provider says", Evidence: journal.Evidence(res)})
	case journal.Contradicts(a, res):
		return errors.Join(fmt.Errorf("it says %s: %w", res.Outcome, ErrContradicted), r.compare(ctx, a, res))
	default:
		return nil
	}
}

// ResolveNotExecuted takes an operator's word that the provider's report has no such order. Where asking sends the order again, it is taken only of a parked attempt,
// for which nobody asks by himself, and only once no question that was asked before can leave any more. Of a larger payment the first person's word is noted,
// and a second one's counts. Errors: ErrNotUnknown, ErrStillAsked, ErrSecondPerson.
func (r *Reconciler) ResolveNotExecuted(ctx context.Context, p journal.Payment, reason, by string) error {
	a := p.Last()
	if a.State != journal.Unknown && a.State != journal.Parked {
		return fmt.Errorf("%s: %w", p.State(), ErrNotUnknown)
	}
	first := a.Details[core.DetailNotExecutedBy]
	if r.wantsTwo(p.Amount) && (first == "" || first == by) {
		return r.noteFirst(ctx, a, by)
	}
	a, err := r.quieten(ctx, a)
	if err != nil {
		return err
	}
	next := signed(a, by)
	next.State, next.NextAt, next.Outcome = journal.Failed, time.Time{}, core.Declined
	next.Code, next.Reason = core.CodeDeclined, reason
	why := "not executed: " + reason
	if first != "" {
		why += " (first said by " + first + ")"
	}
	err = r.resolve(ctx, a, next, journal.Cause{Actor: by, Why: why})
	if errors.Is(err, journal.ErrStale) && a.Fence != p.Last().Fence { // an operator's question was on its way
		return ErrStillAsked
	}
	return err
}

// wantsTwo reports whether one person's word is not enough for a payment of the amount. One in another currency than the limit's counts as above it.
func (r *Reconciler) wantsTwo(amount core.Money) bool {
	limit := r.SecondPersonAbove
	if !limit.Known() {
		return false
	}
	above, err := amount.Cmp(limit)
	return err != nil || above > 0
}

// noteFirst writes down whose word waits for a second person's.
func (r *Reconciler) noteFirst(ctx context.Context, a journal.Attempt, by string) error {
	if a.Details[core.DetailNotExecutedBy] == by {
		return ErrSecondPerson
	}
	next := a
	next.Fence = a.Fence + 1 // whoever read the attempt before can't write over it
	next.Details = maps.Clone(a.Details)
	if next.Details == nil {
		next.Details = map[string]string{}
	}
	next.Details[core.DetailNotExecutedBy] = by
	return cmp.Or(r.resolve(ctx, a, next, journal.Cause{}), ErrSecondPerson)
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
	if errors.Is(err, journal.ErrStale) {
		return a, ErrStillAsked
	}
	if err != nil {
		return a, fmt.Errorf("hold attempt %s: %w", a.ID, err)
	}
	return held, r.Clock.Sleep(ctx, settled)
}

// signed names in the details whose word an attempt's end is: it isn't the provider's.
func signed(a journal.Attempt, by string) journal.Attempt {
	return a.Told(core.Result{
		Outcome: a.Outcome, Code: a.Code, ProviderCode: a.ProviderCode, Reason: a.Reason, Details: map[string]string{core.DetailResolvedBy: by},
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
