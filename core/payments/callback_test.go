package payments_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/router"
)

// reader reads callbacks as the test says.
type reader func(core.CallbackRequest) (core.Callback, error)

func (r reader) ReadCallback(_ context.Context, req core.CallbackRequest) (core.Callback, error) {
	return r(req)
}

// naming is a reader that reads our reference out of the body.
func naming(req core.CallbackRequest) (core.Callback, error) {
	return core.Callback{Orders: []core.CallbackOrder{{Ref: string(req.Body)}}, Status: 202}, nil
}

// with runs a service over one provider that has something beside.
func (r *rig) with(p *fake, beside func(*router.Provider)) *payments.Service {
	r.t.Helper()
	running := p.running()
	beside(&running)
	routes, err := router.New([]router.Rule{{Merchant: router.AnyMerchant, Lanes: []router.Lane{{Provider: p.name}}}}, []router.Provider{running})
	if err != nil {
		r.t.Fatal(err)
	}
	s := payments.New(payments.Config{
		Store: r.store, Spill: r.spill(), Clock: clock.System{}, Router: routes, NewID: newID, Log: slog.New(slog.DiscardHandler),
	})
	r.t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			r.t.Error(err)
		}
	})
	return s
}

func TestWhatACallbackIsAnsweredWith(t *testing.T) {
	t.Parallel()
	failure := func(code core.Code) reader {
		return func(core.CallbackRequest) (core.Callback, error) {
			return core.Callback{}, &core.Error{Op: "read_callback", Code: code, Err: errors.New("no")}
		}
	}
	for name, c := range map[string]struct {
		provider string
		reader   core.CallbackReader
		want     error
	}{
		"taken":         {"one", reader(naming), nil},
		"no provider":   {"two", reader(naming), payments.ErrNoCallbacks},
		"it sends none": {"one", nil, payments.ErrNoCallbacks},
		"it knows none": {"one", reader(func(core.CallbackRequest) (core.Callback, error) {
			return core.Callback{}, &core.Error{Op: "read_callback", Err: errors.ErrUnsupported}
		}), payments.ErrNoCallbacks},
		"forged":     {"one", failure(core.CodeAuth), payments.ErrUnverified},
		"unreadable": {"one", failure(core.CodeBadRequest), payments.ErrUnreadable},
		"down":       {"one", failure(core.CodeTransportNotSent), payments.ErrCallbackBusy},
		"broken":     {"one", failure(core.CodeInternal), payments.ErrCallbackBusy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newRig(t).with(newFake("one"), func(p *router.Provider) { p.Callbacks = c.reader })
			said, err := s.Callback(t.Context(), c.provider, core.CallbackRequest{Body: []byte("none")})
			if !errors.Is(err, c.want) || (err == nil) != (said.Status == 202) {
				t.Errorf("%+v, %v", said, err)
			}
		})
	}
}

// accepted puts a payment into the journal whose provider has it, and whose next question is an hour off.
func (r *rig) accepted() journal.Payment {
	r.t.Helper()
	at := time.Now().Add(-time.Minute)
	p := journal.Payment{ID: core.PaymentID(newID()), Key: "k", Merchant: "GOPAY", Account: "0812345678", Amount: core.IDR(100000), CreatedAt: at}
	a := journal.Attempt{
		ID: newID(), PaymentID: p.ID, N: 1, Provider: "one", Instance: "test", Product: "GOPAY", State: journal.Sending, Fence: 1,
		NextAt: at, StartedAt: at, CreatedAt: at, UpdatedAt: at,
	}
	p.Attempts = []journal.Attempt{a}
	cause := journal.Cause{Actor: "test", Why: "set up"}
	if _, _, err := r.store.Submit(r.t.Context(), p, cause); err != nil {
		r.t.Fatal(err)
	}
	next := a
	next.State, next.Invoice, next.NextAt = journal.Accepted, "I1", time.Now().Add(time.Hour)
	if err := r.store.Apply(r.t.Context(), journal.Change{From: a.State, FromFence: a.Fence, Attempt: next, Cause: cause}); err != nil {
		r.t.Fatal(err)
	}
	return p
}

func TestACallbackHasTheOrderAskedFor(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	asked := make(chan string, 1)
	p.status = func(req core.StatusRequest) (core.Result, error) {
		asked <- req.Original.Ref
		return answer(req.Original, core.Succeeded), nil
	}
	pending := r.accepted()
	s := r.with(p, func(running *router.Provider) { running.Callbacks = reader(naming) })
	if _, err := s.Callback(t.Context(), "one", core.CallbackRequest{Body: []byte(pending.Last().ID)}); err != nil {
		t.Fatal(err)
	}
	if ref := <-asked; ref != pending.Last().ID {
		t.Errorf("asked for %s", ref)
	}
}

func TestACallbackOfARefundIsAskedForAndCounts(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	asked := make(chan core.StatusRequest, 1)
	p.status = func(req core.StatusRequest) (core.Result, error) {
		asked <- req
		return answer(req.Original, core.Refunded), nil
	}
	s := r.with(p, func(running *router.Provider) { running.Callbacks = reader(naming) })
	got := pay(t, s, order("k"))
	if _, err := s.Callback(t.Context(), "one", core.CallbackRequest{Body: []byte(got.Last().ID)}); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := s.Close(t.Context()); err != nil { // waits until the answer is written
		t.Fatal(err)
	}
	r.events(got, journal.Created, journal.Sending, journal.Confirmed, journal.Refunded)
}

// Callbacks of one provider that is stuck don't pile up, and the others' are read.
func TestAStuckReaderHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	var inside sync.WaitGroup
	inside.Add(16)
	release := make(chan struct{})
	stuck := reader(func(core.CallbackRequest) (core.Callback, error) {
		inside.Done()
		<-release
		return core.Callback{}, nil
	})
	s := newRig(t).with(newFake("one"), func(p *router.Provider) { p.Callbacks = stuck })
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() {
			if _, err := s.Callback(t.Context(), "one", core.CallbackRequest{}); err != nil {
				t.Error(err)
			}
		})
	}
	inside.Wait()
	if _, err := s.Callback(t.Context(), "one", core.CallbackRequest{}); !errors.Is(err, payments.ErrCallbackBusy) {
		t.Errorf("the seventeenth: %v", err)
	}
	close(release)
	callers.Wait()
}

func TestPayTellsWhereToCallBack(t *testing.T) {
	t.Parallel()
	for sends, want := range map[bool]string{true: "https://jalur.example/callbacks/one", false: ""} {
		p := newFake("one")
		p.desc.SendsCallbacks = sends
		var inquired string
		p.quote = func(req core.InquiryRequest) (core.Quote, error) {
			inquired = req.CallbackURL
			return core.Quote{Amount: req.Amount, Account: req.Account}, nil
		}
		s := newRig(t).with(p, func(running *router.Provider) { running.CallbackURL = "https://jalur.example/callbacks/one" })
		if _, err := s.Inquire(t.Context(), order("")); err != nil || inquired != want {
			t.Errorf("sends callbacks %v: the inquiry says %q, %v", sends, inquired, err)
		}
		pay(t, s, order("k"))
		if got := p.pays[0].CallbackURL; got != want {
			t.Errorf("sends callbacks %v: %q", sends, got)
		}
	}
}
