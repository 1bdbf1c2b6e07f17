package payments

import (
	"context"
	"errors"
	"log/slog"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/internal/mutant"
	"github.com/jalurhq/jalur/core/journal"
)

// Spill keeps outcomes, while the journal can't take them, where they outlive the process; core/journal/spill is one. Its methods are safe for many callers
// at once.
type Spill interface {
	// Ready gives the reason why no new call should be begun, since its outcome might find no room; nil: there is room.
	Ready() error
	// Keep makes an outcome durable. settled is called once the journal has it, or needs it no more.
	Keep(outcome journal.Spilled) (settled func(), err error)
	// Left gives what processes that are gone have left behind, each entry once. Beside an error it gives what could be read.
	Left() ([]journal.Kept, error)
}

// keeper is the journal as the sender of one attempt writes to it: an outcome that the journal does not take at once goes into the spill as well.
type keeper struct {
	journal.Store

	spill   Spill
	log     *slog.Logger
	outcome journal.Spilled
	settled func() // nil: it is not in the spill
}

func (e *Engine) keeper(c *claim, res core.Result) *keeper {
	a := c.payment.Last()
	return &keeper{Store: e.Store, spill: e.Spill, log: e.Log, outcome: journal.Spilled{
		Payment: a.PaymentID, Attempt: a.ID, Fence: a.Fence, Result: res, At: e.Clock.Now(),
	}}
}

// Apply implements [journal.Store].
func (k *keeper) Apply(ctx context.Context, c journal.Change) error {
	err := k.Store.Apply(ctx, c)
	if errors.Is(err, journal.ErrNotWritten) || errors.Is(err, journal.ErrAmbiguous) {
		k.keep(ctx, err)
	}
	return err
}

// keep puts the outcome into the spill. Where that fails it is tried again with the next write.
func (k *keeper) keep(ctx context.Context, why error) {
	if k.settled != nil || mutant.On("outcome-not-kept") {
		return
	}
	about := []slog.Attr{
		slog.String("payment", string(k.outcome.Payment)), slog.String("attempt", k.outcome.Attempt), slog.String("why", why.Error()),
	}
	var err error
	if k.settled, err = k.spill.Keep(k.outcome); err != nil {
		k.log.LogAttrs(ctx, slog.LevelError, "an outcome is only in memory: neither the journal nor the spill takes it", append(about,
			slog.String("outcome", k.outcome.Result.Outcome.String()), slog.String("invoice", string(k.outcome.Result.Invoice)), slog.String("err", err.Error()))...)
		return
	}
	k.log.LogAttrs(ctx, slog.LevelWarn, "an outcome is kept in the spill until the journal takes it", about...)
}

// done is called when the journal has the outcome, or needs it no more.
func (k *keeper) done() {
	if k.settled != nil {
		k.settled()
	}
}
