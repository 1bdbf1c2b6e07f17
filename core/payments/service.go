package payments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/catalogue"
	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/reconciler"
	"github.com/jalurhq/jalur/core/router"
)

// lookAgain is how often somebody who waits for a payment reads the journal even if nobody woke him.
const lookAgain = time.Second

// Config is what a Service works with. All fields but the last two are required.
type Config struct {
	Store  journal.Store
	Spill  Spill
	Clock  clock.Clock
	Router *router.Router
	NewID  func() string // 26 characters of A–Z and 0–9, never twice the same
	Log    *slog.Logger
	Checks Checks
	// SecondPersonAbove: that a larger payment was not executed two persons must say. Zero Money: one is enough.
	SecondPersonAbove core.Money
}

// Service is the engine as its callers share it: it runs each payment to its end whatever becomes of the caller, and reconciles in the
// background. Its methods are safe for many callers at once. Errors are a [*Refusal] where the request was not taken up.
type Service struct {
	engine     *Engine
	reconciler *reconciler.Reconciler
	catalogue  *catalogue.Catalogue
	store      journal.Store
	router     *router.Router
	hub        *hub
	log        *slog.Logger
	deposits   *deposits
	called     calledBack
	replayed   chan struct{} // closed when what was left in the spill has been tried: before, nobody gives an attempt up

	mu      sync.Mutex
	closed  bool
	working sync.WaitGroup
	stop    context.CancelFunc
}

// New gives a Service and starts its reconciler. Close ends both.
func New(cfg Config) *Service {
	owner, hub, products := cfg.NewID(), newHub(), catalogue.New(cfg.Clock)
	engine := NewEngine(EngineConfig{cfg.Store, cfg.Spill, cfg.Clock, cfg.Router, products, cfg.NewID, owner, cfg.Log})
	s := &Service{
		engine: engine,
		reconciler: reconciler.New(reconciler.Config{
			Store: engine.Store, Clock: cfg.Clock, Router: cfg.Router, Owner: owner,
			Rand: rand.Float64, Log: cfg.Log, Changed: hub.changed, SecondPersonAbove: cfg.SecondPersonAbove,
		}),
		catalogue: products, store: engine.Store, router: cfg.Router, hub: hub, log: cfg.Log,
		deposits: newDeposits(cfg.Clock), replayed: make(chan struct{}),
	}
	background, stop := context.WithCancel(context.Background())
	s.stop, s.called = stop, newCalledBack(background, cfg.Router.Providers())
	s.working.Go(func() { s.replay(background) })
	s.working.Go(func() {
		<-s.replayed
		s.reconciler.Run(background)
	})
	if store, ok := cfg.Store.(journal.Notifier); ok {
		s.working.Go(func() { store.Changes(background, hub.changed) })
	}
	if cfg.Checks.Every > 0 {
		s.working.Go(func() { s.check(background, cfg.Store, cfg.Checks) })
	}
	return s
}

// replayEvery is how often the spills of processes that have died meanwhile are looked for, and what is left is tried again.
const replayEvery = time.Minute

// replay settles what was left in the spill: once before the reconciler starts, and then from time to time.
func (s *Service) replay(ctx context.Context) {
	s.engine.Replay(ctx)
	close(s.replayed)
	for s.engine.Clock.Sleep(ctx, replayEvery) == nil {
		s.engine.Replay(ctx)
	}
}

// Failed is closed when the disk has failed under the journal. Nothing is sent from then on. The process is to close the service, which keeps the outcomes of
// calls that still run in the spill, and to start anew.
func (s *Service) Failed() <-chan struct{} { return s.engine.Failed() }

// Close takes no more orders, waits until every call that has begun is written down or the context ends, and stops the reconciler. It does not close the journal.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	done := make(chan struct{})
	go func() {
		s.working.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("calls are still running: %w", ctx.Err())
	}
}

// begin starts work that Close waits for.
func (s *Service) begin(work func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return &Refusal{Code: CodeStopping, Rule: "the gateway is stopping; nothing was sent: try again with the same key"}
	}
	s.working.Go(work)
	return nil
}

// Answer is what Pay gives back.
type Answer struct {
	Payment  journal.Payment
	Replayed bool // the key was seen before; nothing was sent on account of this call
}

// Pay makes a top-up under the order's key, once, or finds what became of it. It returns at the attempt's first known outcome; when the context
// ends before, it gives the payment as it stands. A payment that was recorded is carried on to its end whatever becomes of the context.
func (s *Service) Pay(ctx context.Context, o Order) (Answer, error) {
	type submitted struct {
		ticket Ticket
		err    error
	}
	recorded := make(chan submitted, 1)
	detached := context.WithoutCancel(ctx)
	err := s.begin(func() {
		ticket, err := s.engine.Submit(detached, o)
		recorded <- submitted{ticket, err}
		if err == nil && ticket.claim != nil {
			s.send(detached, ticket)
		}
	})
	if err != nil {
		return Answer{}, err
	}
	got := <-recorded
	if got.err != nil {
		return Answer{}, got.err
	}
	return Answer{s.await(ctx, got.ticket.Payment, outcomeKnown), got.ticket.Replayed}, nil
}

func (s *Service) send(ctx context.Context, t Ticket) {
	if _, err := s.engine.Send(ctx, t); err != nil {
		s.log.LogAttrs(ctx, slog.LevelError, "the outcome of a payment could not be written",
			slog.String("payment", string(t.Payment.ID)), slog.String("err", err.Error()))
	}
	s.hub.changed(t.Payment.ID)
}

func outcomeKnown(p journal.Payment) bool {
	state := p.Last().State
	return state != journal.Created && state != journal.Sending
}

func final(p journal.Payment) bool { return p.State().Final() }

// Await waits until the payment is in a final state, or the context ends, and gives it as it then stands.
func (s *Service) Await(ctx context.Context, p journal.Payment) journal.Payment {
	return s.await(ctx, p, final)
}

func (s *Service) await(ctx context.Context, p journal.Payment, reached func(journal.Payment) bool) journal.Payment {
	for !reached(p) && ctx.Err() == nil {
		changed, release := s.hub.watch(p.ID)
		if now, err := s.store.Payment(context.WithoutCancel(ctx), p.ID); err == nil {
			p = now // else it stands as it was last read: unresolved, which is never wrong
		}
		if !reached(p) {
			waitAny(ctx, changed)
		}
		release()
	}
	return p
}

func waitAny(ctx context.Context, changed <-chan struct{}) {
	timer := time.NewTimer(lookAgain)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Payment gives a client's payment by its id.
func (s *Service) Payment(ctx context.Context, client string, id core.PaymentID) (journal.Payment, error) {
	p, err := s.store.Payment(ctx, id)
	if err == nil && client != AnyClient && p.Client != client {
		err = journal.ErrNotFound // another client's payment is none of its business
	}
	if err != nil {
		return journal.Payment{}, readRefusal(err)
	}
	return p, nil
}

// AnyClient stands for every client, where an operator asks.
const AnyClient = "\x00any"

// PaymentByKey gives a client's payment by its key.
func (s *Service) PaymentByKey(ctx context.Context, client string, key core.Key) (journal.Payment, error) {
	p, err := s.store.ByKey(ctx, client, key)
	if err != nil {
		return journal.Payment{}, readRefusal(err)
	}
	return p, nil
}

// Payments gives a page of payments, newest first.
func (s *Service) Payments(ctx context.Context, f journal.Filter) (journal.Page, error) {
	page, err := s.store.List(ctx, f)
	if err != nil {
		return journal.Page{}, readRefusal(err)
	}
	return page, nil
}

// Events gives every recorded change of a payment, oldest first.
func (s *Service) Events(ctx context.Context, id core.PaymentID) ([]journal.Event, error) {
	events, err := s.store.Events(ctx, id)
	if err != nil {
		return nil, readRefusal(err)
	}
	return events, nil
}

func readRefusal(err error) error {
	if errors.Is(err, journal.ErrCursor) {
		return &Refusal{Code: CodeInvalidRequest, Field: "cursor", Rule: "is not one that a page gave", Err: err}
	}
	if errors.Is(err, journal.ErrNotFound) {
		return &Refusal{Code: CodeNotFound, Rule: "no such payment", Err: err}
	}
	return &Refusal{Code: CodeJournalUnavailable, Rule: "the journal can't be read", Err: err}
}

// Ask asks the provider now for a payment that isn't resolved, where it can be asked, and gives the payment as it then stands.
func (s *Service) Ask(ctx context.Context, p journal.Payment) (journal.Payment, error) {
	if p.State().Final() {
		return p, nil
	}
	if !outcomeKnown(p) {
		return s.takeOver(ctx, p)
	}
	asked, err := s.reconciler.Ask(ctx, p)
	if err != nil {
		return p, readRefusal(err)
	}
	return asked, nil
}

// takeOver looks after an attempt whose sender's lease has passed.
func (s *Service) takeOver(ctx context.Context, p journal.Payment) (journal.Payment, error) {
	if s.engine.Clock.Now().Before(p.Last().NextAt) {
		return p, nil
	}
	select {
	case <-s.replayed:
	case <-ctx.Done():
		return p, nil
	}
	if err := s.reconciler.Look(ctx, p); err != nil {
		return p, readRefusal(err)
	}
	return s.Payment(ctx, AnyClient, p.ID)
}

// Ready reports whether payments can be recorded.
func (s *Service) Ready(ctx context.Context) error {
	if reason := s.engine.Halted(); reason != "" {
		return fmt.Errorf("nothing is sent until an operator has looked at the journal: %s", reason)
	}
	if err := s.engine.Spill.Ready(); err != nil {
		return fmt.Errorf("spill: %w", err)
	}
	if err := s.store.Ping(ctx); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}
