package payments

import (
	"context"
	"errors"
	"log/slog"

	"github.com/jalurhq/jalur/core/journal"
)

// watched is the journal with an eye on its disk: failed is called when that has failed, whoever was writing.
type watched struct {
	journal.Store

	failed func()
}

func (w watched) look(err error) error {
	if errors.Is(err, journal.ErrPoisoned) {
		w.failed()
	}
	return err
}

// Held passes on what [journal.Held] asks for.
func (w watched) Held() string { return journal.Held(w.Store) }

// Submit implements [journal.Store].
func (w watched) Submit(ctx context.Context, p journal.Payment, cause journal.Cause) (journal.Payment, bool, error) {
	recorded, created, err := w.Store.Submit(ctx, p, cause)
	return recorded, created, w.look(err)
}

// Apply implements [journal.Store].
func (w watched) Apply(ctx context.Context, c journal.Change) error {
	return w.look(w.Store.Apply(ctx, c))
}

// ClaimDue implements [journal.Store].
func (w watched) ClaimDue(ctx context.Context, c journal.Claim) ([]journal.Payment, error) {
	due, err := w.Store.ClaimDue(ctx, c)
	return due, w.look(err)
}

// SaveInquiry implements [journal.Store].
func (w watched) SaveInquiry(ctx context.Context, q journal.Inquiry) error {
	return w.look(w.Store.SaveInquiry(ctx, q))
}

// Ping implements [journal.Store].
func (w watched) Ping(ctx context.Context) error {
	return w.look(w.Store.Ping(ctx))
}

// fail is the end of an engine whose journal's disk has failed: nothing more is sent, and outcomes go into the spill.
func (e *Engine) fail() {
	e.Halt(journal.ErrPoisoned.Error())
	e.Log.LogAttrs(context.Background(), slog.LevelError, "nothing is sent any more: "+journal.ErrPoisoned.Error())
	close(e.failed)
}

// Failed is closed when the disk has failed under the journal. The process is to end then, and to start anew: what it knows and could not write is in the spill.
func (e *Engine) Failed() <-chan struct{} { return e.failed }
