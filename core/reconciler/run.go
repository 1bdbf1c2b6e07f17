package reconciler

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jalurhq/jalur/core/journal"
)

// How often the loop looks for what is due, and how many orders it asks for at once.
const (
	interval = 500 * time.Millisecond
	askers   = 32
)

// Run looks at what is due until the context ends, and returns once what it has begun is written down: questions that are still open then are cut
// short, since asking moves no money. A slow provider holds up only its own orders, until all askers are taken.
func (r *Reconciler) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	busy := make(chan struct{}, askers)
	adopted := time.Time{}
	for ctx.Err() == nil {
		if now := r.Clock.Now(); now.Sub(adopted) >= adoptEvery {
			adopted = now
			r.adopt(ctx)
		}
		for _, p := range r.due(ctx, askers-len(busy)) {
			busy <- struct{}{}
			working.Go(func() {
				defer func() { <-busy }()
				r.look(ctx, p)
			})
		}
		_ = r.Clock.Sleep(ctx, interval) // the loop's own condition sees the end
	}
}

// adopt is Adopt for the loop.
func (r *Reconciler) adopt(ctx context.Context) {
	if err := r.Adopt(ctx); err != nil && ctx.Err() == nil {
		r.Log.LogAttrs(ctx, slog.LevelError, "reconciler", slog.String("err", err.Error()))
	}
}

// due is Due for the loop: a journal that can't be read now is read again in the next round.
func (r *Reconciler) due(ctx context.Context, limit int) []journal.Payment {
	if limit == 0 {
		return nil
	}
	due, err := r.Due(ctx, limit)
	if err != nil && ctx.Err() == nil {
		r.Log.LogAttrs(ctx, slog.LevelError, "reconciler", slog.String("err", err.Error()))
	}
	return due
}

func (r *Reconciler) look(ctx context.Context, p journal.Payment) {
	if err := r.Look(ctx, p); err != nil {
		r.Log.LogAttrs(ctx, slog.LevelError, "reconciler",
			slog.String("payment", string(p.ID)), slog.String("err", err.Error()))
	}
}
