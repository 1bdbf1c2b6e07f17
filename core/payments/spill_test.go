package payments_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/spill"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/router"
)

var errDead = errors.New("the process is gone")

// dying is the clock of a process that dies when it would wait.
type dying struct{ clock.System }

func (dying) Sleep(context.Context, time.Duration) error { return errDead }

// engine gives one over a store and a spill.
func (r *rig) engine(store journal.Store, kept payments.Spill, time clock.Clock, providers ...*fake) *payments.Engine {
	r.t.Helper()
	return payments.NewEngine(payments.EngineConfig{
		Store: store, Spill: kept, Clock: time, Router: r.router(router.Rule{}, providers...), NewID: newID, Owner: "test", Log: slog.New(slog.DiscardHandler),
	})
}

// lose makes a payment whose outcome the journal does not take before the process dies, and gives it as the journal then has it.
func (r *rig) lose(path string, cause error, providers ...*fake) journal.Payment {
	r.t.Helper()
	kept := openSpill(r.t, path)
	e := r.engine(&flaky{Store: r.store, before: func() error { return cause }}, kept, dying{}, providers...)
	ticket, err := e.Submit(r.t.Context(), order("k"))
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := e.Send(r.t.Context(), ticket); err == nil {
		r.t.Fatal("the outcome was written")
	}
	if err := kept.Close(); err != nil {
		r.t.Fatal(err)
	}
	p := r.read()
	if p.Last().State != journal.Sending {
		r.t.Fatalf("it was left as %s", p.Last().State)
	}
	return p
}

func (r *rig) read() journal.Payment {
	r.t.Helper()
	p, err := r.store.ByKey(context.Background(), "toko", "k")
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

func TestTheNextProcessWritesWhatTheLastOneKnew(t *testing.T) {
	t.Parallel()
	unavailable := errors.Join(journal.ErrNotWritten, errors.New("no connection"))
	for name, c := range map[string]struct {
		pay   func(context.Context, core.PayRequest) (core.Result, error)
		cause error
		want  journal.State
	}{
		"succeeded, not written": {succeed, unavailable, journal.Confirmed},
		"succeeded, ambiguous":   {succeed, journal.ErrAmbiguous, journal.Confirmed},
		"succeeded, poisoned":    {succeed, errors.Join(journal.ErrNotWritten, journal.ErrPoisoned), journal.Confirmed},
		"refused":                {decline(core.CodeDepositEmpty), unavailable, journal.Failed},
		"not sent":               {failWith(core.NotSent, core.CodeTransportNotSent), unavailable, journal.Failed},
		"unknown":                {failWith(core.Unknown, core.CodeUpstreamTimeout), unavailable, journal.Unknown},
		"pending": {func(_ context.Context, req core.PayRequest) (core.Result, error) {
			return answer(req, core.Pending), nil
		}, unavailable, journal.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, one, two := newRig(t), newFake("one"), newFake("two")
			one.pay = c.pay
			path := filepath.Join(t.TempDir(), "spill")
			r.lose(path, c.cause, one)
			e := r.engine(r.store, openSpill(t, path), clock.System{}, one, two)
			if left := e.Replay(t.Context()); left != 0 {
				t.Errorf("%d are left", left)
			}
			got := r.read()
			a := got.Last()
			if a.State != c.want || one.paid() != 1 || two.paid() != 0 || len(got.Attempts) != 1 || a.EndedAt.IsZero() {
				t.Errorf("%s after %d and %d pays, in %d attempts", a.State, one.paid(), two.paid(), len(got.Attempts))
			}
			if c.want == journal.Confirmed && (a.Invoice != core.Invoice("I"+a.ID) || a.Reference != "R1" || !a.Cost.Equal(core.IDR(102000))) {
				t.Errorf("the evidence is lost: %+v", a)
			}
			r.events(got, journal.Created, journal.Sending, c.want)
			if e := r.engine(r.store, openSpill(t, path), clock.System{}, one); e.Replay(t.Context()) != 0 {
				t.Error("it was not settled")
			}
		})
	}
}

// What somebody else has given up meanwhile changes by good news only.
func TestALateOutcomeFromTheSpill(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pay  func(context.Context, core.PayRequest) (core.Result, error)
		want journal.State
	}{
		"succeeded": {succeed, journal.Confirmed},
		"refused":   {decline(core.CodeDepositEmpty), journal.Unknown},
		"not sent":  {failWith(core.NotSent, core.CodeTransportNotSent), journal.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, one := newRig(t), newFake("one")
			one.pay = c.pay
			path := filepath.Join(t.TempDir(), "spill")
			p := r.lose(path, journal.ErrNotWritten, one)
			givenUp(t, r.store, p.Order(p.Last()))
			if left := r.engine(r.store, openSpill(t, path), clock.System{}, one).Replay(t.Context()); left != 0 {
				t.Errorf("%d are left", left)
			}
			if got := r.read().Last().State; got != c.want {
				t.Errorf("it became %s", got)
			}
		})
	}
}

// While another asker has the attempt claimed nothing is said, and nothing is waited for.
func TestAnOutcomeWhoseAttemptSomebodyIsLookingAt(t *testing.T) {
	t.Parallel()
	r, one := newRig(t), newFake("one")
	path := filepath.Join(t.TempDir(), "spill")
	p := r.lose(path, journal.ErrNotWritten, one)
	at := p.Last().NextAt
	due, err := r.store.ClaimDue(t.Context(), journal.Claim{Owner: "another", Now: at, Until: at.Add(time.Hour), Limit: 1})
	if err != nil || len(due) != 1 {
		t.Fatalf("claimed %d (%v)", len(due), err)
	}
	e := r.engine(r.store, openSpill(t, path), clock.System{}, one)
	if left := e.Replay(t.Context()); left != 1 || r.read().Last().State != journal.Sending {
		t.Errorf("%d are left, and it is %s", left, r.read().Last().State)
	}
	was := due[0].Last()
	next := was
	next.State, next.NextAt = journal.Unknown, time.Time{}
	err = r.store.Apply(t.Context(), journal.Change{
		From: was.State, FromFence: was.Fence, Attempt: next, Cause: journal.Cause{Actor: "another", Why: "the lease has passed"},
	})
	if left := e.Replay(t.Context()); err != nil || left != 0 || r.read().State() != journal.StateSucceeded {
		t.Errorf("%d are left, and it is %s (%v)", left, r.read().State(), err)
	}
}

// sweeping is a journal that notes what the reconciler would have found.
type sweeping struct {
	flaky

	t     *testing.T
	found chan journal.State
}

func (s *sweeping) ClaimDue(ctx context.Context, c journal.Claim) ([]journal.Payment, error) {
	p, err := s.ByKey(ctx, "toko", "k")
	if err != nil {
		s.t.Error(err)
	}
	select {
	case s.found <- p.Last().State:
	default:
	}
	return s.flaky.ClaimDue(ctx, c)
}

func (s *sweeping) Ping(ctx context.Context) error {
	if err := s.before(); err != nil {
		return err
	}
	return s.flaky.Ping(ctx)
}

// A journal that is away at the start is waited for, and the reconciler waits as well.
func TestNobodyGivesUpWhatTheSpillKnows(t *testing.T) {
	t.Parallel()
	r, one := newRig(t), newFake("one")
	path := filepath.Join(t.TempDir(), "spill")
	r.lose(path, journal.ErrNotWritten, one)
	store := &sweeping{flaky{Store: r.store, before: times(5, journal.ErrNotWritten)}, t, make(chan journal.State, 1)}
	s := payments.New(payments.Config{
		Store: store, Spill: openSpill(t, path), Clock: clock.System{}, Router: r.router(router.Rule{}, one), NewID: newID, Log: slog.New(slog.DiscardHandler),
	})
	defer func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	if found := <-store.found; found != journal.Confirmed {
		t.Errorf("the reconciler looked while it was %s", found)
	}
}

// A change that the journal refuses for ever holds nobody up, and stays for a person.
func TestAnOutcomeThatTheJournalRefuses(t *testing.T) {
	t.Parallel()
	r, one := newRig(t), newFake("one")
	path := filepath.Join(t.TempDir(), "spill")
	r.lose(path, journal.ErrNotWritten, one)
	var slept atomic.Int32
	e := r.engine(&flaky{Store: r.store, before: func() error { return journal.ErrNotWritten }}, openSpill(t, path), hurried{naps: &slept}, one)
	if left := e.Replay(t.Context()); left != 1 || slept.Load() == 0 {
		t.Errorf("%d are left after %d pauses", left, slept.Load())
	}
}

// hurried is a clock on which no pause takes time.
type hurried struct {
	clock.System

	naps *atomic.Int32
}

func (h hurried) Sleep(context.Context, time.Duration) error {
	h.naps.Add(1)
	return nil
}

// tight is a spill that counts, and refuses as the test says.
type tight struct {
	payments.Spill

	unready func() error
	keep    func() error
	kept    atomic.Int32
}

func (s *tight) Ready() error {
	if s.unready == nil {
		return nil
	}
	return s.unready()
}

func (s *tight) Keep(outcome journal.Spilled) (func(), error) {
	s.kept.Add(1)
	if s.keep != nil {
		if err := s.keep(); err != nil {
			return nil, err
		}
	}
	return s.Spill.Keep(outcome)
}

func (r *rig) serviceWith(store journal.Store, kept payments.Spill, providers ...*fake) *payments.Service {
	r.t.Helper()
	s := payments.New(payments.Config{
		Store: store, Spill: kept, Clock: clock.System{}, Router: r.router(router.Rule{}, providers...), NewID: newID, Log: slog.New(slog.DiscardHandler),
	})
	r.t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			r.t.Error(err)
		}
	})
	return s
}

func TestAPaymentThatTheJournalTakesNeverTouchesTheSpill(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	kept := &tight{Spill: r.spill()}
	s := r.serviceWith(r.store, kept, p)
	pay(t, s, order("k"))
	p.pay = decline(core.CodeDeclined)
	pay(t, s, order("k2"))
	if kept.kept.Load() != 0 {
		t.Errorf("%d outcomes were spilled", kept.kept.Load())
	}
}

func TestAnOutcomeStaysInMemoryWhereTheSpillIsFull(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	kept := &tight{Spill: r.spill(), keep: times(2, errors.New("full"))}
	s := r.serviceWith(&flaky{Store: r.store, before: times(4, journal.ErrNotWritten)}, kept, p)
	if got := pay(t, s, order("k")); got.State() != journal.StateSucceeded || kept.kept.Load() != 3 {
		t.Errorf("%s, tried %d times", got.State(), kept.kept.Load())
	}
}

func TestNothingIsBegunThatMightFindNoRoom(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	s := r.serviceWith(r.store, &tight{Spill: r.spill(), unready: times(2, errors.New("full"))}, p)
	if err := s.Ready(t.Context()); err == nil {
		t.Error("it says that it is ready")
	}
	_, err := s.Pay(t.Context(), order("k"))
	r.refused(err, payments.CodeJournalUnavailable)
	if got := pay(t, s, order("k")); got.State() != journal.StateSucceeded || p.paid() != 1 {
		t.Errorf("with room again: %s after %d pays", got.State(), p.paid())
	}
}

func TestAPoisonedJournal(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	kept := &tight{Spill: r.spill()}
	s := r.serviceWith(&flaky{Store: r.store, before: func() error { return errors.Join(journal.ErrNotWritten, journal.ErrPoisoned) }}, kept, p)
	select {
	case <-s.Failed():
		t.Fatal("it has failed already")
	default:
	}
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-s.Failed()
		leave()
	}()
	got, err := s.Pay(ctx, order("k"))
	if err != nil || got.Payment.State() != journal.StatePending {
		t.Errorf("%s, %v", got.Payment.State(), err)
	}
	_, err = s.Pay(t.Context(), order("k2"))
	if refusal, ok := errors.AsType[*payments.Refusal](err); !ok || refusal.Code != payments.CodeHalted || p.paid() != 1 {
		t.Errorf("after it: %v, %d pays", err, p.paid())
	}
	if err := s.Close(t.Context()); err != nil || kept.kept.Load() != 1 {
		t.Errorf("at the end: %v, %d spilled", err, kept.kept.Load())
	}
	if err := s.Ready(t.Context()); err == nil {
		t.Error("it says that it is ready")
	}
}

func TestASpilledInvoiceOfAnotherOrderIsNotBelieved(t *testing.T) {
	t.Parallel()
	r, one := newRig(t), newFake("one")
	one.pay = func(ctx context.Context, req core.PayRequest) (core.Result, error) {
		res, err := succeed(ctx, req)
		res.Invoice = "123"
		return res, err
	}
	pay(t, r.service(one), order("k0"))
	path := filepath.Join(t.TempDir(), "spill")
	r.lose(path, journal.ErrNotWritten, one)
	if left := r.engine(r.store, openSpill(t, path), clock.System{}, one).Replay(t.Context()); left != 0 {
		t.Errorf("%d are left", left)
	}
	if a := r.read().Last(); a.State != journal.Unknown || a.Invoice != "" || a.Details["returned_invoice"] != "123" {
		t.Errorf("%s, invoice %q, details %v", a.State, a.Invoice, a.Details)
	}
}

// An outcome of a payment that the journal doesn't have, as after a restore, stays where a person finds it.
func TestAnOutcomeWithoutAPayment(t *testing.T) {
	t.Parallel()
	r, one := newRig(t), newFake("one")
	path := filepath.Join(t.TempDir(), "spill")
	before := openSpill(t, path)
	if _, err := before.Keep(journal.Spilled{Payment: "gone", Attempt: "gone", Fence: 1}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*spill.Folder{before, openSpill(t, path)} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := openSpill(t, path)
	if left := r.engine(r.store, s, clock.System{}, one).Replay(t.Context()); left != 1 {
		t.Errorf("%d are left", left)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if kept, err := openSpill(t, path).Left(); err != nil || len(kept) != 1 {
		t.Errorf("%d entries, %v", len(kept), err)
	}
}
