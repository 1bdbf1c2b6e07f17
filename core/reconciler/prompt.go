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

// leastGap is the least time between two questions about one order that callbacks prompt, where its provider sets none.
const leastGap = firstBound

// Prompted is what came of a provider's hint.
type Prompted string

// What can come of a hint.
const (
	PromptedStranger Prompted = "stranger" // the journal has no such order at this provider
	PromptedNothing  Prompted = "nothing"  // nobody needs to ask, nobody can, or somebody does so soon
	PromptedSooner   Prompted = "sooner"   // its next question was brought forward
	PromptedDone     Prompted = "done"     // it is done: whether it was given back since is what LookBack asks
)

// Prompt takes a provider's hint that something has become of an order, and brings the order's next question forward: to now, or to where the provider may be asked
// again. Nothing that the hint says is believed, so one that is forged, late or a duplicate costs a question at most. It raises no fence and changes no state. An order that is being
// sent is left to its sender, whose answer brings the first question within seconds; so is one that somebody asks for just now, and one that is left to a person.
func (r *Reconciler) Prompt(ctx context.Context, provider string, order core.CallbackOrder) (journal.Payment, Prompted, error) {
	p, err := r.named(ctx, provider, order)
	if errors.Is(err, journal.ErrNotFound) {
		return p, PromptedStranger, nil
	}
	if err != nil {
		return p, PromptedNothing, err
	}
	a := p.Last()
	if mutant.On("callback-believed") && (a.State == journal.Accepted || a.State == journal.Unknown) {
		believed := a
		believed.State, believed.Outcome, believed.NextAt = journal.Confirmed, core.Succeeded, time.Time{}
		return p, PromptedSooner, r.apply(ctx, a, believed, journal.Cause{Actor: "reconciler", Why: "called back"})
	}
	switch a.State {
	case journal.Accepted, journal.Unknown:
		did, err := r.hasten(ctx, p)
		return p, did, err
	case journal.Confirmed:
		return p, PromptedDone, nil
	case journal.Created, journal.Sending, journal.Parked, journal.Refunded, journal.Failed:
		return p, PromptedNothing, nil
	default:
		return p, PromptedNothing, nil // a state of a newer program: not ours to touch
	}
}

// named finds the payment whose last attempt is meant. Errors: ErrNotFound, or that the provider or the journal is down.
func (r *Reconciler) named(ctx context.Context, provider string, order core.CallbackOrder) (journal.Payment, error) {
	running, ok := r.Router.Provider(provider)
	if !ok {
		return journal.Payment{}, fmt.Errorf("provider %s: %w", provider, journal.ErrNotFound)
	}
	d, err := running.Describe(ctx)
	if err != nil {
		return journal.Payment{}, fmt.Errorf("describe: %w", err)
	}
	return r.Store.Find(ctx, journal.Named{Provider: provider, Instance: d.Instance, CallbackOrder: order})
}

// hasten makes an attempt due that waits for its next question, under the fence that it has.
func (r *Reconciler) hasten(ctx context.Context, p journal.Payment) (Prompted, error) {
	a := p.Last()
	q, err := r.request(ctx, p)
	if a.Owner != "" || a.NextAt.IsZero() || errors.Is(err, ErrCannotAsk) {
		return PromptedNothing, nil
	}
	if err != nil {
		return PromptedNothing, err
	}
	at := latest(r.Clock.Now(), a.UpdatedAt.Add(max(q.descriptor.StatusGap, leastGap)))
	if !at.Before(a.NextAt) {
		return PromptedNothing, nil
	}
	sooner := a
	sooner.NextAt = at
	err = r.Store.Apply(ctx, journal.Change{From: a.State, FromFence: a.Fence, Attempt: sooner})
	if errors.Is(err, journal.ErrStale) { // somebody asks, or has asked
		return PromptedNothing, nil
	}
	if err != nil {
		return PromptedNothing, fmt.Errorf("attempt %s: %w", a.ID, err)
	}
	return PromptedSooner, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
