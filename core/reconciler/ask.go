package reconciler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/internal/mutant"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/router"
)

// Why a provider is not asked.
var (
	// ErrCannotAsk: it has no way to be asked for this order, as things are configured.
	ErrCannotAsk = errors.New("the provider can't be asked for this order")
	// errNoNumber: nor will it ever, unless a person brings the invoice.
	errNoNumber = fmt.Errorf("no invoice is known: %w", ErrCannotAsk)
)

// question is one Status call that may be made.
type question struct {
	provider   router.Provider
	descriptor core.Descriptor
	request    core.StatusRequest
}

// Ask asks the provider once for a payment's unresolved attempt, out of turn, and writes down what it says. A payment that is
// resolved, that can't be asked for, or that was asked for too lately is given back as it is.
func (r *Reconciler) Ask(ctx context.Context, p journal.Payment) (journal.Payment, error) {
	a := p.Last()
	if a.State != journal.Accepted && a.State != journal.Unknown {
		return p, nil
	}
	q, err := r.request(ctx, p)
	if errors.Is(err, ErrCannotAsk) || err == nil && r.Clock.Now().Sub(a.UpdatedAt) < q.descriptor.StatusGap {
		return p, nil
	}
	var res core.Result
	if err == nil {
		a, res, err = r.ask(ctx, a, q)
	}
	if err != nil {
		r.quiet(ctx, a, err)
		return p, nil
	}
	if err := r.learn(ctx, a, q.descriptor, res); err != nil {
		return p, err
	}
	return r.reload(ctx, p)
}

// askInTurn is Ask for an attempt that was due. It also sets the next time.
func (r *Reconciler) askInTurn(ctx context.Context, p journal.Payment) error {
	a := p.Last()
	if r.Clock.Now().Sub(a.StartedAt) >= parkAfter {
		return r.park(ctx, a, "not resolved within "+parkAfter.String())
	}
	q, err := r.request(ctx, p)
	if errors.Is(err, ErrCannotAsk) {
		return r.rest(ctx, a, err)
	}
	if err != nil { // the provider is down: that is no question asked
		r.quiet(ctx, a, err)
		return r.again(ctx, a, r.nextTime(a.Checks, core.Descriptor{}))
	}
	since := r.Clock.Boot()
	a, res, err := r.ask(ctx, a, q)
	if mutant.On("not-found-failed") && core.CodeOf(err) == core.CodeNotFound {
		res, err = core.Result{Outcome: core.Declined}, nil
	}
	if errors.Is(err, journal.ErrStale) {
		return nil
	}
	if core.CodeOf(err) == core.CodeNotFound && r.absent.proven(a, q.descriptor, since, r.Clock.Boot()) {
		return r.absence(ctx, a, q.descriptor)
	}
	if err == nil || core.CodeOf(err) == core.CodeInternal { // it said something of the order, believed or not
		r.absent.forget(a)
	}
	a.Checks++
	if err != nil {
		r.quiet(ctx, a, err)
		return r.again(ctx, a, r.nextTime(a.Checks, q.descriptor))
	}
	return r.learn(ctx, a, q.descriptor, res)
}

// ask makes the call, and gives the attempt as it is held then. Where asking sends the order again, only the holder of the fence may, and only within moments of having
// got it: somebody else may have resolved the attempt since. Errors: ErrStale, for one.
func (r *Reconciler) ask(ctx context.Context, a journal.Attempt, q question) (journal.Attempt, core.Result, error) {
	if q.descriptor.StatusResubmits && !mutant.On("resent-unheld") {
		q.request.Original.SendBefore = r.Clock.Boot() + sendWithin
		held, err := r.hold(ctx, a)
		if err != nil {
			return a, core.Result{}, fmt.Errorf("hold attempt %s: %w", a.ID, err)
		}
		a = held
	}
	res, err := q.ask(ctx)
	return a, res, err
}

// hold raises an attempt's fence: nobody who has read it before can change it any more. Errors: those of [journal.Store.Apply].
func (r *Reconciler) hold(ctx context.Context, a journal.Attempt) (journal.Attempt, error) {
	held := a
	held.Fence, held.Owner = a.Fence+1, r.Owner
	err := r.Store.Apply(ctx, journal.Change{From: a.State, FromFence: a.Fence, Attempt: held})
	if err != nil {
		return a, err
	}
	return held, nil
}

// ask makes the call. An answer to a question by invoice that names another invoice is about another order, however alike the two are.
func (q question) ask(ctx context.Context) (core.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, q.provider.Timeout)
	defer cancel()
	res, err := q.provider.Status(ctx, q.request)
	if err != nil {
		return res, err
	}
	asked := q.request.Invoice
	if q.descriptor.StatusBy.Has(core.ByInvoice) && asked != "" && res.Invoice != "" && res.Invoice != asked && !mutant.On("twin-believed") {
		return core.Result{}, fmt.Errorf("invoice: %w", core.ErrContradiction)
	}
	return res, nil
}

func (r *Reconciler) reload(ctx context.Context, p journal.Payment) (journal.Payment, error) {
	now, err := r.Store.Payment(ctx, p.ID)
	if err != nil {
		return p, fmt.Errorf("payment %s: %w", p.ID, err)
	}
	return now, nil
}

// request words the Status call for a payment's last attempt. Errors: ErrCannotAsk, or that the provider is down.
func (r *Reconciler) request(ctx context.Context, p journal.Payment) (question, error) {
	a := p.Last()
	provider, ok := r.Router.Provider(a.Provider)
	if !ok {
		return question{}, fmt.Errorf("%s is not configured any more: %w", a.Provider, ErrCannotAsk)
	}
	d, err := provider.Describe(ctx)
	if err != nil {
		return question{}, fmt.Errorf("describe: %w", err)
	}
	switch {
	case d.Instance != a.Instance && !mutant.On("another-account-asked"):
		return question{}, fmt.Errorf("%s is another account now: %w", a.Provider, ErrCannotAsk)
	case a.Invoice == "" && !d.StatusBy.Has(core.ByRef):
		return question{}, errNoNumber
	case d.StatusMaxAge > 0 && !mutant.On("asked-too-late") && r.Clock.Now().Sub(a.StartedAt) >= d.StatusMaxAge:
		return question{}, fmt.Errorf("older than %s: %w", d.StatusMaxAge, ErrCannotAsk)
	}
	if d.StatusResubmits && journal.Held(r.Store) != "" {
		return question{}, fmt.Errorf("asking %s may send again, and the journal is held: %w", a.Provider, ErrCannotAsk)
	}
	original := p.Order(a)
	original.CallbackURL = provider.CallbackFor(d)
	return question{provider, d, core.StatusRequest{Invoice: a.Invoice, Original: original, FirstSentAt: a.StartedAt}}, nil
}

// learn writes what the provider said. It is evidence whoever has raised the fence meanwhile, as long as the attempt stands where it stood.
func (r *Reconciler) learn(ctx context.Context, a journal.Attempt, d core.Descriptor, res core.Result) error {
	to, ok := learned(a.State, res.Outcome)
	if !ok {
		r.quiet(ctx, a, fmt.Errorf("outcome %s: %w", res.Outcome, core.ErrIncomplete))
		return r.again(ctx, a, r.nextTime(a.Checks, d))
	}
	var nextAt time.Time
	if to == journal.Accepted {
		nextAt = r.nextTime(a.Checks, d)
	}
	checks := a.Checks
	cause := journal.Cause{Actor: "reconciler", Why: "the provider was asked", Evidence: journal.Evidence(res)}
	change := func(now journal.Attempt) journal.Attempt {
		next := now.Told(res)
		next.State, next.NextAt, next.Checks = to, nextAt, checks
		return next
	}
	if to == journal.Failed && d.StatusResubmits && !mutant.On("failed-while-sent-again") {
		return r.failSentAgain(ctx, a, change(a), cause)
	}
	now, err := r.tell(ctx, a, journal.Change{Cause: cause}, change)
	if errors.Is(err, journal.ErrInvoiceTaken) {
		return r.stranger(ctx, a, d, res)
	}
	if err != nil {
		return err
	}
	return r.compare(ctx, now, res)
}

// failSentAgain writes down a refusal of an order that was sent again, once no older question can leave any more, and if no newer one was asked meanwhile.
func (r *Reconciler) failSentAgain(ctx context.Context, a, next journal.Attempt, cause journal.Cause) error {
	if err := r.Clock.Sleep(ctx, settled); err != nil {
		return fmt.Errorf("refusal of attempt %s: %w", a.ID, err) // it is asked for again
	}
	return r.apply(ctx, a, next, cause)
}

// learned gives where an outcome takes an attempt. The provider's definite refusal of an order that was unknown shows first that it has the order: asked
// once more, it says so again.
func learned(from journal.State, o core.Outcome) (to journal.State, ok bool) {
	switch o {
	case core.Succeeded:
		return journal.Confirmed, true
	case core.Refunded:
		if mutant.On("refund-ignored") {
			return journal.Confirmed, true
		}
		return journal.Refunded, true
	case core.Pending:
		if mutant.On("pending-failed") {
			return journal.Failed, true
		}
		return journal.Accepted, true
	case core.Declined:
		if from == journal.Unknown && !mutant.On("decline-believed-at-once") {
			return journal.Accepted, true
		}
		return journal.Failed, true
	case core.Unknown, core.NotSent:
		return from, false
	default:
		return from, false
	}
}

// quiet notes that nothing was learned.
func (r *Reconciler) quiet(ctx context.Context, a journal.Attempt, why error) {
	r.Log.LogAttrs(ctx, slog.LevelInfo, "no answer yet",
		slog.String("payment", string(a.PaymentID)), slog.String("provider", a.Provider), slog.String("why", why.Error()))
}

// again leaves the attempt as it is and sets the next time to look.
func (r *Reconciler) again(ctx context.Context, a journal.Attempt, at time.Time) error {
	a.NextAt = at
	if mutant.On("asked-once") {
		a.NextAt = time.Time{}
	}
	return r.apply(ctx, a, a, journal.Cause{})
}

// rest is for an attempt that can't be asked for. What only a person can change is for one; a configuration may be mended.
func (r *Reconciler) rest(ctx context.Context, a journal.Attempt, why error) error {
	nobody := errors.Is(why, errNoNumber) && a.State == journal.Unknown
	if nobody && !mutant.On("left-without-task") {
		return r.park(ctx, a, "nobody can be asked: "+errNoNumber.Error())
	}
	if nobody || mutant.On("accepted-left-alone") {
		return r.again(ctx, a, time.Time{})
	}
	r.quiet(ctx, a, why)
	return r.again(ctx, a, r.Clock.Now().Add(lastBound))
}

func (r *Reconciler) nextTime(checks int, d core.Descriptor) time.Time {
	return r.Clock.Now().Add(max(Pause(checks, r.Rand()), d.StatusGap))
}

// Pause gives how long to wait before an order is asked for again: a random part, in [0,1), of a bound that starts at
// two seconds and doubles with every time it was asked, up to five minutes.
func Pause(checks int, random float64) time.Duration {
	bound := firstBound
	for range min(checks, doublings) {
		bound = min(2*bound, lastBound)
	}
	return max(time.Duration(random*float64(bound)), leastPause)
}
