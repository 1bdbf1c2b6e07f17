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

// ErrCannotAsk: the provider has no way, or no way any more, to be asked for this order.
var ErrCannotAsk = errors.New("the provider can't be asked for this order")

// question is one Status call that may be made.
type question struct {
	provider   router.Provider
	descriptor core.Descriptor
	request    core.StatusRequest
}

// Ask asks the provider once for a payment's unresolved attempt and writes down what it says. A payment that is
// resolved, that can't be asked for, or that was asked for too lately is given back as it is.
func (r *Reconciler) Ask(ctx context.Context, p journal.Payment) (journal.Payment, error) {
	a := p.Last()
	if a.State != journal.Accepted && a.State != journal.Unknown {
		return p, nil
	}
	q, err := r.request(ctx, p)
	if errors.Is(err, ErrCannotAsk) {
		return p, r.rest(ctx, a, err)
	}
	if err != nil {
		return p, r.later(ctx, a, core.Descriptor{}, err)
	}
	if r.Clock.Now().Sub(a.UpdatedAt) < q.descriptor.StatusGap {
		return p, nil
	}
	res, err := q.ask(ctx)
	if mutant.On("not-found-failed") && core.CodeOf(err) == core.CodeNotFound {
		return p, r.finish(ctx, a, a, journal.Failed, journal.Cause{Actor: "reconciler", Why: "not found"})
	}
	if err != nil {
		return p, r.later(ctx, a, q.descriptor, err)
	}
	if err := r.learn(ctx, a, q.descriptor, res); err != nil {
		return p, err
	}
	return r.reload(ctx, p)
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
		return question{}, fmt.Errorf("no invoice is known: %w", ErrCannotAsk)
	case d.StatusMaxAge > 0 && r.Clock.Now().Sub(a.StartedAt) >= d.StatusMaxAge:
		return question{}, fmt.Errorf("older than %s: %w", d.StatusMaxAge, ErrCannotAsk)
	}
	return question{provider, d, core.StatusRequest{Invoice: a.Invoice, Original: p.Order(a), FirstSentAt: a.StartedAt}}, nil
}

// learn writes what the provider said.
func (r *Reconciler) learn(ctx context.Context, a journal.Attempt, d core.Descriptor, res core.Result) error {
	cause := journal.Cause{Actor: "reconciler", Why: "the provider was asked", Evidence: journal.Evidence(res)}
	next := a.Told(res)
	next.Checks++
	switch res.Outcome {
	case core.Succeeded:
		return r.finish(ctx, a, next, journal.Confirmed, cause)
	case core.Refunded:
		if mutant.On("refund-ignored") {
			return r.finish(ctx, a, next, journal.Confirmed, cause)
		}
		return r.finish(ctx, a, next, journal.Refunded, cause)
	case core.Declined:
		return r.decline(ctx, a, next, cause)
	case core.Pending:
		if mutant.On("pending-failed") {
			return r.finish(ctx, a, next, journal.Failed, cause)
		}
		next.State = journal.Accepted
		next.NextAt = r.nextTime(next.Checks, d)
		return r.apply(ctx, a, next, cause)
	case core.Unknown, core.NotSent:
		return r.later(ctx, a, d, fmt.Errorf("outcome %s: %w", res.Outcome, core.ErrIncomplete))
	default:
		return r.later(ctx, a, d, fmt.Errorf("outcome %s: %w", res.Outcome, core.ErrIncomplete))
	}
}

func (r *Reconciler) finish(ctx context.Context, was, next journal.Attempt, to journal.State, cause journal.Cause) error {
	next.State, next.NextAt = to, time.Time{}
	return r.apply(ctx, was, next, cause)
}

// decline takes the provider's definite refusal of an order that it knows. An unknown attempt is accepted first: the provider has shown that it has the order.
func (r *Reconciler) decline(ctx context.Context, was, next journal.Attempt, cause journal.Cause) error {
	if was.State == journal.Unknown && !mutant.On("decline-believed-at-once") {
		known := was
		known.State, known.NextAt = journal.Accepted, r.Clock.Now()
		return r.apply(ctx, was, known, cause)
	}
	return r.finish(ctx, was, next, journal.Failed, cause)
}

// later leaves the attempt as it is and sets the next time to ask.
func (r *Reconciler) later(ctx context.Context, a journal.Attempt, d core.Descriptor, why error) error {
	r.Log.LogAttrs(ctx, slog.LevelInfo, "no answer yet",
		slog.String("payment", string(a.PaymentID)), slog.String("provider", a.Provider), slog.String("why", why.Error()))
	next := a
	next.Checks++
	next.NextAt = r.nextTime(next.Checks, d)
	if mutant.On("asked-once") {
		next.NextAt = time.Time{}
	}
	return r.apply(ctx, a, next, journal.Cause{})
}

// rest leaves an attempt to a person: asking leads nowhere. What the provider had taken is parked, since a person resolves only what nobody knows.
func (r *Reconciler) rest(ctx context.Context, a journal.Attempt, why error) error {
	if a.NextAt.IsZero() && a.State != journal.Accepted {
		return nil
	}
	next := a
	next.NextAt = time.Time{}
	if a.State == journal.Accepted && !mutant.On("accepted-left-alone") {
		next.State = journal.Parked
	}
	return r.apply(ctx, a, next, journal.Cause{Actor: "reconciler", Why: "left to a person: " + why.Error()})
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
