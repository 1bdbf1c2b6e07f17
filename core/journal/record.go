package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/internal/mutant"
)

// The pauses between two tries to write a change that must not be lost.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 5 * time.Second
)

// Record makes a change that must not be lost, an outcome above all: where the journal can't take it, or nobody can say
// whether it did, the same guarded write is tried again until the context ends. Errors: ErrStale, ErrIllegal,
// ErrInvoiceTaken, ErrPoisoned and the context's.
func Record(ctx context.Context, store Store, c clock.Clock, change Change) error {
	unsure := false
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := store.Apply(ctx, change)
		switch {
		case errors.Is(err, ErrPoisoned):
			return err
		case errors.Is(err, ErrAmbiguous):
			unsure = true
			if mutant.On("ambiguous-taken-as-written") {
				return nil
			}
		case errors.Is(err, ErrStale) && unsure:
			if err = confirm(ctx, store, change); err == nil || errors.Is(err, ErrStale) || mutant.On("unread-taken-as-lost") {
				return err
			}
		case !errors.Is(err, ErrNotWritten), mutant.On("record-tries-once"):
			return err
		}
		if slept := c.Sleep(ctx, pause); slept != nil {
			return fmt.Errorf("attempt %s as %s: %w", change.Attempt.ID, change.Attempt.State, errors.Join(err, slept))
		}
	}
}

// confirm looks whether a change whose commit brought an error is there after all. ErrStale: it is not. Any other error: that can't be read just now.
func confirm(ctx context.Context, store Store, change Change) error {
	payment, err := store.Payment(ctx, change.Attempt.PaymentID)
	if errors.Is(err, ErrNotFound) {
		return ErrStale
	}
	if err != nil {
		return fmt.Errorf("after an ambiguous write: %w", err)
	}
	for _, a := range payment.Attempts {
		if a.ID == change.Attempt.ID && a.State == change.Attempt.State && a.Fence == change.Attempt.Fence || mutant.On("stale-taken-as-written") {
			return nil
		}
	}
	return ErrStale
}
