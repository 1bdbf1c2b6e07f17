package payments_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/router"
)

func TestAHaltedServiceSendsNothing(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	s := r.service(p)
	known := pay(t, s, order("known"))
	s.Halt("a test")
	s.Halt("another reason")
	_, err := s.Pay(t.Context(), order("new"))
	refusal, ok := err.(*payments.Refusal)
	if !ok || refusal.Code != payments.CodeHalted {
		t.Errorf("a new order: %v", err)
	}
	if page, err := r.store.List(t.Context(), journal.Filter{AnyClient: true}); err != nil || len(page.Payments) != 1 || p.paid() != 1 {
		t.Errorf("%d payments are recorded and %d sent, error %v", len(page.Payments), p.paid(), err)
	}
	if again, err := s.Pay(t.Context(), order("known")); err != nil || !again.Replayed || again.Payment.ID != known.ID {
		t.Errorf("a known key: %+v, error %v", again, err)
	}
	if err := s.Ready(t.Context()); err == nil || err.Error() != "nothing is sent until an operator has looked at the journal: a test" {
		t.Errorf("readiness: %v", err)
	}
}

func TestAHaltEndsTheFailOver(t *testing.T) {
	t.Parallel()
	r, one, two := newRig(t), newFake("one"), newFake("two")
	var s *payments.Service
	one.pay = func(ctx context.Context, req core.PayRequest) (core.Result, error) {
		s.Halt("a test")
		return failWith(core.NotSent, core.CodeTransportNotSent)(ctx, req)
	}
	s = r.service(one, two)
	if got := pay(t, s, order("k")); got.State() != journal.StateFailed || two.paid() != 0 {
		t.Errorf("%s after %d pays at the second provider", got.State(), two.paid())
	}
}

// A held journal keeps back what would move money, and nothing else; it is heeded at once, and so is its end.
func TestAHeldJournalSendsNothing(t *testing.T) {
	t.Parallel()
	r, one, two := newRig(t), newFake("one"), newFake("two")
	held := r.store.(journal.Holder)
	one.pay = func(ctx context.Context, req core.PayRequest) (core.Result, error) {
		if err := held.Hold(context.WithoutCancel(ctx), "ops:siti", "restored"); err != nil {
			t.Error(err)
		}
		return failWith(core.NotSent, core.CodeTransportNotSent)(ctx, req)
	}
	s := r.service(one, two)
	if got := pay(t, s, order("under way")); got.State() != journal.StateFailed || two.paid() != 0 {
		t.Errorf("%s after %d pays at the second provider", got.State(), two.paid())
	}
	_, err := s.Pay(t.Context(), order("new"))
	if refusal, ok := errors.AsType[*payments.Refusal](err); !ok || refusal.Code != payments.CodeHalted {
		t.Errorf("a new order: %v", err)
	}
	if again, err := s.Pay(t.Context(), order("under way")); err != nil || !again.Replayed {
		t.Errorf("a known key: %+v, error %v", again, err)
	}
	if err := s.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "ops:siti has held it: restored") {
		t.Errorf("readiness: %v", err)
	}
	if err := held.Accept(t.Context(), "ops:siti", "compared"); err != nil {
		t.Fatal(err)
	}
	one.pay = succeed
	if got := pay(t, s, order("after")); got.State() != journal.StateSucceeded || s.Ready(t.Context()) != nil {
		t.Errorf("after it was accepted: %s", got.State())
	}
}

// unheard is a journal that is held a moment after the service has asked it.
type unheard struct{ journal.Store }

func TestAJournalThatRefusesToSendIsAHalt(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	s := r.serviceOn(unheard{r.store}, router.Rule{}, p)
	if err := r.store.(journal.Holder).Hold(t.Context(), "ops:siti", "restored"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Pay(t.Context(), order("k"))
	r.refused(err, payments.CodeHalted)
	if p.paid() != 0 {
		t.Error("it was sent")
	}
}

// forgetful is a journal whose events are gone.
type forgetful struct{ journal.Store }

func (forgetful) Events(context.Context, core.PaymentID) ([]journal.Event, error) { return nil, nil }

// listener is a log that tells of its records.
type listener struct {
	slog.Handler

	mu      sync.Mutex
	seen    []string
	checked chan struct{} // closed at the end of the first check
}

func (l *listener) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Message == "the journal was checked" && !slices.Contains(l.seen, r.Message) {
		close(l.checked)
	}
	l.seen = append(l.seen, r.Level.String()+" "+r.Message)
	return nil
}

func (*listener) Enabled(context.Context, slog.Level) bool { return true }

func TestTheServiceChecksItsJournal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		broken, keepSending, halted bool
	}{
		"clean":                      {},
		"broken":                     {broken: true, halted: true},
		"broken, and somebody knows": {broken: true, keepSending: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, p := newRig(t), newFake("one")
			pay(t, r.service(p), order("before"))
			store := r.store
			if c.broken {
				store = forgetful{store}
			}
			log := &listener{Handler: slog.DiscardHandler, checked: make(chan struct{})}
			s := payments.New(payments.Config{
				Store: store, Spill: r.spill(), Clock: clock.System{}, Router: r.router(router.Rule{}, p), NewID: newID, Log: slog.New(log),
				Checks: payments.Checks{First: time.Millisecond, Every: time.Hour, KeepSending: c.keepSending},
			})
			<-log.checked
			_, err := s.Pay(t.Context(), order("after"))
			if halted := err != nil; halted != c.halted || p.paid() == 2 == halted || (s.Ready(t.Context()) != nil) != halted {
				t.Errorf("after the check: %v, %d pays", err, p.paid())
			}
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
			log.mu.Lock()
			defer log.mu.Unlock()
			if logged := slices.Contains(log.seen, "ERROR the journal breaks its own rules"); logged != c.broken {
				t.Errorf("the log: %q", log.seen)
			}
		})
	}
}
