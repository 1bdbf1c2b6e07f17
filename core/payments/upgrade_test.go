package payments_test

import (
	"context"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/router"
)

// later is a journal in which a newer program has put every attempt into a state of its own. Nobody may write to those.
type later struct {
	journal.Store

	t *testing.T
}

func (l later) of(p journal.Payment) journal.Payment {
	p.Attempts = append([]journal.Attempt(nil), p.Attempts...)
	p.Attempts[len(p.Attempts)-1].State = "SLEEPING"
	return p
}

func (l later) Payment(ctx context.Context, id core.PaymentID) (journal.Payment, error) {
	p, err := l.Store.Payment(ctx, id)
	if err != nil {
		return p, err
	}
	return l.of(p), nil
}

func (l later) ByKey(ctx context.Context, client string, key core.Key) (journal.Payment, error) {
	p, err := l.Store.ByKey(ctx, client, key)
	if err != nil {
		return p, err
	}
	return l.of(p), nil
}

func (l later) Apply(_ context.Context, c journal.Change) error {
	l.t.Errorf("a write: from %s to %s", c.From, c.Attempt.State)
	return journal.ErrIllegal
}

// What a newer program has written is shown as unknown, and is neither sent again, asked for nor resolved by this one.
func TestAStateOfANewerProgramIsLeftAlone(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	first := pay(t, r.service(p), order("k"))
	s := r.serviceOn(later{r.store, t}, router.Rule{}, p)
	again, err := s.Pay(t.Context(), order("k"))
	if err != nil || !again.Replayed || again.Payment.ID != first.ID || again.Payment.State() != journal.StateUnknown || p.paid() != 1 {
		t.Errorf("the key again: %+v, %v, %d pays", again, err, p.paid())
	}
	asked, err := s.Ask(t.Context(), again.Payment)
	if err != nil || asked.State() != journal.StateUnknown {
		t.Errorf("asked: %s, %v", asked.State(), err)
	}
	for _, resolution := range []payments.Resolution{{Invoice: "I1", By: "siti"}, {NotExecuted: true, Reason: "not in the report", By: "siti"}} {
		_, err := s.Resolve(t.Context(), again.Payment, resolution)
		if refusal, ok := err.(*payments.Refusal); !ok || refusal.Code != payments.CodeStateConflict {
			t.Errorf("resolved by %+v: %v", resolution, err)
		}
	}
}
