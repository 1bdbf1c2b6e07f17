// Package reconciler finds out what became of attempts that are not resolved: it asks the provider, takes over from
// senders that died, and lets an operator bring evidence. It moves no money.
package reconciler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/internal/faultpoint"
	"github.com/jalurhq/jalur/core/internal/mutant"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/router"
)

// The pauses between two times that the same order is asked for: full jitter under a bound that doubles.
const (
	firstBound = 2 * time.Second
	lastBound  = 5 * time.Minute
	leastPause = 500 * time.Millisecond
	doublings  = 8 // from firstBound to beyond lastBound
)

// parkAfter is how long an attempt is asked for before it is left to a person.
const parkAfter = 24 * time.Hour

// claimFor is how long an attempt that is being asked for is left to the asker, beyond the provider's own timeout.
const claimFor = 30 * time.Second

// Config is what a Reconciler works with. All fields but SecondPersonAbove are required.
type Config struct {
	Store  journal.Store
	Clock  clock.Clock
	Router *router.Router
	Owner  string         // of this process, as it stands in the journal
	Rand   func() float64 // in [0,1); for jitter only
	Log    *slog.Logger
	// Changed is told of every payment that was changed.
	Changed func(core.PaymentID)
	// SecondPersonAbove: that a larger payment was not executed two persons must say. Zero Money: one is enough.
	SecondPersonAbove core.Money
}

// Reconciler resolves attempts, one step at a time; Run is the loop around the steps.
type Reconciler struct {
	Config

	absent absences
	backs  turns
}

// New gives a Reconciler.
func New(cfg Config) *Reconciler { return &Reconciler{Config: cfg} }

// Due claims attempts that somebody should look at now. Nobody else looks at them before the claim has passed.
func (r *Reconciler) Due(ctx context.Context, limit int) ([]journal.Payment, error) {
	now := r.Clock.Now()
	if mutant.On("lease-ignored") {
		now = now.Add(time.Hour)
	}
	due, err := r.Store.ClaimDue(ctx, journal.Claim{Owner: r.Owner, Now: now, Until: now.Add(r.claimTime()), Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("claim what is due: %w", err)
	}
	return due, nil
}

func (r *Reconciler) claimTime() time.Duration {
	longest := time.Duration(0)
	for _, p := range r.Router.Providers() {
		longest = max(longest, p.Timeout)
	}
	return longest + claimFor
}

// Look does what a claimed attempt needs: an attempt whose sender is gone becomes unknown, one that was never sent
// fails, and what is unresolved is asked for.
func (r *Reconciler) Look(ctx context.Context, p journal.Payment) error {
	a := p.Last()
	switch a.State {
	case journal.Created:
		return r.expire(ctx, a)
	case journal.Sending:
		return r.abandon(ctx, p)
	case journal.Accepted, journal.Unknown:
		return r.askInTurn(ctx, p)
	case journal.Parked, journal.Confirmed, journal.Refunded, journal.Failed:
		return nil
	default:
		return nil // a state of a newer program: not ours to touch
	}
}

// expire fails an attempt that provably nobody sent.
func (r *Reconciler) expire(ctx context.Context, a journal.Attempt) error {
	next := a.Told(core.Result{Outcome: core.NotSent, Code: core.CodeTransportNotSent, Reason: "nobody sent it in time"})
	next.State, next.EndedAt = journal.Failed, r.Clock.Now()
	return r.apply(ctx, a, next, journal.Cause{Actor: "reconciler", Why: "recorded, and never claimed for sending"})
}

// abandon makes an attempt unknown whose sender's lease has passed without an outcome, and asks for it where the provider can be asked.
func (r *Reconciler) abandon(ctx context.Context, p journal.Payment) error {
	a := p.Last()
	next := a.Told(core.Result{
		Outcome: core.Unknown, Code: core.CodeTransportAfterSend,
		Reason: "the gateway stopped before it could write down an answer",
	})
	next.State, next.EndedAt = journal.Unknown, r.Clock.Now()
	if provider, ok := r.Router.Provider(a.Provider); ok && mutant.On("sending-resent") {
		_, _ = provider.Pay(ctx, p.Order(a))
	}
	if _, err := r.request(ctx, p); errors.Is(err, errNoNumber) { // to be parked, unless the sender comes back within the time of one more lease
		next.NextAt = next.EndedAt.Add(r.claimTime())
	} else {
		next.NextAt = next.EndedAt
	}
	if mutant.On("abandoned-failed") {
		next.State, next.NextAt = journal.Failed, time.Time{}
	}
	return r.apply(ctx, a, next, journal.Cause{Actor: "reconciler", Why: "the sender is gone and wrote no outcome"})
}

// apply makes a change from the attempt as it was read. Somebody else's change in between is no error: theirs stands.
func (r *Reconciler) apply(ctx context.Context, was, next journal.Attempt, cause journal.Cause) error {
	next.UpdatedAt, next.Owner = r.Clock.Now(), "" // nobody works on it any more
	ctx = context.WithoutCancel(ctx)               // what is known is written down, however soon the asker stops
	faultpoint.At("before-reconciled-commit")
	err := r.Store.Apply(ctx, journal.Change{From: was.State, FromFence: was.Fence, Attempt: next, Cause: cause})
	faultpoint.At("after-reconciled-commit")
	if errors.Is(err, journal.ErrStale) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("attempt %s from %s to %s: %w", was.ID, was.State, next.State, err)
	}
	r.Changed(was.PaymentID)
	return nil
}

// tell makes a change that evidence asks for, whoever holds the fence: a change in between that left the state alone is looked at again. Where somebody
// else has changed the state, theirs stands. It gives the attempt as it then is. Of what, Cause and Case count.
func (r *Reconciler) tell(
	ctx context.Context, was journal.Attempt, what journal.Change, change func(journal.Attempt) journal.Attempt,
) (journal.Attempt, error) {
	ctx = context.WithoutCancel(ctx)
	for {
		what.From, what.FromFence, what.Attempt = was.State, was.Fence, change(was)
		if what.Attempt.State == was.State { // else whoever read the attempt before could write over it
			what.Attempt.Fence = was.Fence + 1
		}
		what.Attempt.UpdatedAt, what.Attempt.Owner = r.Clock.Now(), ""
		err := r.Store.Apply(ctx, what)
		if err == nil {
			r.Changed(was.PaymentID)
			return what.Attempt, nil
		}
		if !errors.Is(err, journal.ErrStale) {
			return was, fmt.Errorf("attempt %s from %s to %s: %w", was.ID, was.State, what.Attempt.State, err)
		}
		p, err := r.Store.Payment(ctx, was.PaymentID)
		if err != nil {
			return was, fmt.Errorf("attempt %s: %w", was.ID, err)
		}
		now := p.Last()
		if now.ID != was.ID || now.State != was.State {
			return now, nil
		}
		was = now
	}
}
