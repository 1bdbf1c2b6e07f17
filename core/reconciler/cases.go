package reconciler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/internal/mutant"
	"github.com/jalurhq/jalur/core/journal"
)

// adoptEvery is how often Run looks for what nobody would ever look at.
const adoptEvery = time.Hour

// park leaves an attempt to a person. The journal opens the task, with these words and what is known.
func (r *Reconciler) park(ctx context.Context, a journal.Attempt, why string) error {
	next := a
	next.State, next.NextAt = journal.Parked, time.Time{}
	err := r.apply(ctx, a, next, journal.Cause{Actor: "reconciler", Why: why, Evidence: known(a)})
	if err == nil {
		r.alarm(ctx, a, journal.CaseParked, why)
	}
	return err
}

// known gives what an attempt's row holds, for the person who looks at it.
func known(a journal.Attempt) json.RawMessage {
	return journal.Evidence(core.Result{
		Outcome: a.Outcome, Code: a.Code, ProviderCode: a.ProviderCode, Reason: a.Reason, Invoice: a.Invoice, Reference: a.Reference,
		Cost: a.Cost, Details: a.Details,
	})
}

// stranger notes an answer that carries another attempt's invoice. The answer isn't believed, and the attempt is asked for again.
func (r *Reconciler) stranger(ctx context.Context, a journal.Attempt, d core.Descriptor, res core.Result) error {
	opened := journal.InvoiceTaken(res, r.Clock.Now())
	if mutant.On("stranger-not-reported") {
		opened = nil
	}
	at, checks := r.nextTime(a.Checks, d), a.Checks
	cause := journal.Cause{Actor: "reconciler", Why: "the provider named another attempt's invoice"}
	r.alarm(ctx, a, journal.CaseInvoiceTaken, cause.Why)
	now, err := r.tell(ctx, a, journal.Change{Cause: cause, Case: opened}, func(next journal.Attempt) journal.Attempt {
		next.NextAt, next.Checks = at, checks
		return next
	})
	if err != nil {
		return err
	}
	return r.compare(ctx, now, res)
}

// compare holds an answer against the end that the attempt has come to, perhaps by somebody else's word meanwhile. The state stays; what can't both be true is for a person.
func (r *Reconciler) compare(ctx context.Context, now journal.Attempt, res core.Result) error {
	if !journal.Contradicts(now, res) || mutant.On("contradiction-not-reported") {
		return nil
	}
	opened := journal.Contradiction(now, res, r.Clock.Now())
	r.alarm(ctx, now, opened.Kind, opened.Why)
	change := journal.Change{From: now.State, FromFence: now.Fence, Attempt: now, Cause: journal.Cause{Actor: "reconciler", Why: opened.Why}, Case: opened}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), claimFor) // nobody asks for it again: what is known is written down
	defer cancel()
	if err := journal.Record(ctx, r.Store, r.Clock, change); err != nil && !errors.Is(err, journal.ErrStale) {
		return fmt.Errorf("case of attempt %s: %w", now.ID, err)
	}
	return nil
}

func (r *Reconciler) alarm(ctx context.Context, a journal.Attempt, kind journal.CaseKind, why string) {
	r.Log.LogAttrs(ctx, slog.LevelError, "a case for a person", slog.String("kind", string(kind)), slog.String("payment", string(a.PaymentID)),
		slog.String("attempt", a.ID), slog.String("provider", a.Provider), slog.String("invoice", string(a.Invoice)), slog.String("why", why))
}

// Adopt makes attempts due that are unknown and that nobody would ever look at: an older program has left them so.
func (r *Reconciler) Adopt(ctx context.Context) error {
	filter := journal.Filter{AnyClient: true, State: journal.StateUnknown, Limit: journal.MaxPage}
	for {
		page, err := r.Store.List(ctx, filter)
		if err != nil {
			return fmt.Errorf("what nobody looks at: %w", err)
		}
		for _, p := range page.Payments {
			if a := p.Last(); a.State == journal.Unknown && a.NextAt.IsZero() {
				err = errors.Join(err, r.again(ctx, a, r.Clock.Now()))
			}
		}
		if err != nil || page.Next == "" {
			return err
		}
		filter.Cursor = page.Next
	}
}
