package reconciler

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/internal/mutant"
	"github.com/jalurhq/jalur/core/journal"
)

// lookBackGap is the least time between two questions about an order that is done.
const lookBackGap = time.Minute

// LookBack asks whether a payment that is done has been given back since, once its provider may be asked again; it waits until then. Only the provider's own answer makes it
// refunded, and one that can't be true opens a case. It asks nobody where somebody else in this process waits with the same question, nor where asking sends the order again.
func (r *Reconciler) LookBack(ctx context.Context, p journal.Payment) error {
	a := p.Last()
	q, err := r.lookBackAt(ctx, p)
	if err != nil {
		return ignoreCannot(err)
	}
	gap := max(q.descriptor.StatusGap, lookBackGap)
	wait, mine := r.backs.take(a.ID, r.Clock.Boot())
	if !mine {
		return nil
	}
	defer func() { r.backs.done(a.ID, r.Clock.Boot()+gap) }()
	wait = max(wait, a.UpdatedAt.Add(q.descriptor.StatusGap).Sub(r.Clock.Now()))
	if wait > 0 {
		if err := r.Clock.Sleep(ctx, wait); err != nil {
			return err
		}
		if p, err = r.reload(ctx, p); err != nil {
			return err
		}
		if q, err = r.lookBackAt(ctx, p); err != nil {
			return ignoreCannot(err)
		}
	}
	res, err := q.ask(ctx)
	if err != nil {
		r.quiet(ctx, a, err)
		return nil
	}
	return r.learnBack(ctx, p.Last(), res)
}

func ignoreCannot(err error) error {
	if errors.Is(err, ErrCannotAsk) {
		return nil
	}
	return err
}

// lookBackAt words the question. Errors: those of request.
func (r *Reconciler) lookBackAt(ctx context.Context, p journal.Payment) (question, error) {
	if p.Last().State != journal.Confirmed {
		return question{}, ErrCannotAsk
	}
	q, err := r.request(ctx, p)
	if err == nil && q.descriptor.StatusResubmits {
		err = ErrCannotAsk
	}
	return q, err
}

func (r *Reconciler) learnBack(ctx context.Context, a journal.Attempt, res core.Result) error {
	if res.Outcome != core.Refunded && !mutant.On("callback-refunds") || res.Invoice != "" && res.Invoice != a.Invoice {
		return r.compare(ctx, a, res)
	}
	next := a.Told(res)
	next.State, next.NextAt = journal.Refunded, time.Time{}
	return r.apply(ctx, a, next, journal.Cause{Actor: "reconciler", Why: "given back, as the provider says", Evidence: journal.Evidence(res)})
}

// turns remembers when orders that are done may be asked for again, in memory: a callback that meets another gateway, or one that has started anew, costs one question more.
type turns struct {
	mu     sync.Mutex
	orders map[string]turn // by attempt
	pruned time.Duration
}

// turn is one order's.
type turn struct {
	at    time.Duration // of the machine's boot-time clock
	taken bool          // somebody waits for it, or asks
}

// take gives how long its taker has to wait. mine is false where somebody else has it.
func (t *turns) take(id string, now time.Duration) (wait time.Duration, mine bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.orders == nil {
		t.orders = map[string]turn{}
	}
	if now-t.pruned > lookBackGap {
		maps.DeleteFunc(t.orders, func(_ string, other turn) bool { return !other.taken && other.at <= now })
		t.pruned = now
	}
	known := t.orders[id]
	if known.taken {
		return 0, false
	}
	t.orders[id] = turn{known.at, true}
	return known.at - now, true
}

func (t *turns) done(id string, again time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.orders[id] = turn{again, false}
}
