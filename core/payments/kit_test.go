package payments_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/spill"
	"github.com/jalurhq/jalur/core/journal/sqlite"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/router"
)

// fake is a provider that does as its functions say, and counts what reached it.
type fake struct {
	core.Provider

	name   string
	desc   core.Descriptor
	pay    func(context.Context, core.PayRequest) (core.Result, error)
	status func(core.StatusRequest) (core.Result, error)
	quote  func(core.InquiryRequest) (core.Quote, error)
	list   []core.Product
	down   error // what Ready says

	mu      sync.Mutex
	pays    []core.PayRequest
	queries []core.StatusRequest
}

func newFake(name string) *fake {
	return &fake{name: name, desc: core.Descriptor{
		Name: name, Instance: "test", StatusBy: core.ByInvoice, OtherMerchants: false,
		Merchants: []core.MerchantSpec{{Merchant: "GOPAY", Account: core.AccountSpec{Pattern: `08[0-9]{6,12}`}}},
		Amounts:   core.AmountSpec{Min: core.IDR(50000)},
	}, pay: succeed}
}

// answer gives a result that echoes the order.
func answer(req core.PayRequest, outcome core.Outcome) core.Result {
	return core.Result{
		Outcome: outcome, Invoice: core.Invoice("I" + req.Ref), Product: req.Product, Account: req.Account, Amount: req.Amount,
	}
}

func succeed(_ context.Context, req core.PayRequest) (core.Result, error) {
	res := answer(req, core.Succeeded)
	res.Reference, res.Cost = "R1", core.IDR(102000)
	return res, nil
}

func failWith(outcome core.Outcome, code core.Code) func(context.Context, core.PayRequest) (core.Result, error) {
	return func(context.Context, core.PayRequest) (core.Result, error) {
		return core.Result{}, &core.Error{Outcome: outcome, Code: code, Err: errors.New("as the test wants it")}
	}
}

func decline(code core.Code) func(context.Context, core.PayRequest) (core.Result, error) {
	return func(context.Context, core.PayRequest) (core.Result, error) {
		return core.Result{Outcome: core.Declined, Code: code, Reason: "no"}, nil
	}
}

func (f *fake) Describe(context.Context) (core.Descriptor, error) { return f.desc, nil }

func (f *fake) ListProducts(context.Context, core.ProductFilter) (core.ProductPage, error) {
	return core.ProductPage{Products: f.list}, nil
}

func (f *fake) Inquire(_ context.Context, req core.InquiryRequest) (core.Quote, error) {
	return f.quote(req)
}

func (f *fake) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	f.mu.Lock()
	f.pays = append(f.pays, req)
	f.mu.Unlock()
	return f.pay(ctx, req)
}

func (f *fake) Status(_ context.Context, req core.StatusRequest) (core.Result, error) {
	f.mu.Lock()
	f.queries = append(f.queries, req)
	status := f.status
	f.mu.Unlock()
	return status(req)
}

// says sets what it says when it is asked, also while the reconciler may be asking.
func (f *fake) says(status func(core.StatusRequest) (core.Result, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status = status
}

func (f *fake) paid() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.pays)
}

func (f *fake) running() router.Provider {
	return router.Provider{
		Provider: f, Name: f.name, Timeout: time.Minute,
		Ready:  func(context.Context) error { return f.down },
		Health: func() router.Health { return router.Health{State: "ready"} },
	}
}

// rig is a journal with the services that a test runs over it.
type rig struct {
	t     *testing.T
	store journal.Store
}

func newRig(t *testing.T) *rig {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "jalur.db"), Role: sqlite.RoleGateway})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return &rig{t, store}
}

// spill gives an empty one, as a process of its own has it.
func (r *rig) spill() *spill.Folder {
	r.t.Helper()
	return openSpill(r.t, filepath.Join(r.t.TempDir(), "spill"))
}

func openSpill(t *testing.T, path string) *spill.Folder {
	t.Helper()
	s, err := spill.Open(spill.Config{Path: path, Size: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newID() string { return ulid.Make().String() }

// router routes GOPAY over the providers in order.
func (r *rig) router(rule router.Rule, providers ...*fake) *router.Router {
	r.t.Helper()
	var running []router.Provider
	rule.Merchant = router.AnyMerchant
	for _, p := range providers {
		running = append(running, p.running())
		rule.Lanes = append(rule.Lanes, router.Lane{Provider: p.name})
	}
	routes, err := router.New([]router.Rule{rule}, running)
	if err != nil {
		r.t.Fatal(err)
	}
	return routes
}

// service runs a service over the rig's journal, or over another store on top of it.
func (r *rig) service(providers ...*fake) *payments.Service {
	return r.serviceOn(r.store, router.Rule{}, providers...)
}

func (r *rig) serviceOn(store journal.Store, rule router.Rule, providers ...*fake) *payments.Service {
	r.t.Helper()
	s := payments.New(payments.Config{
		Store: store, Spill: r.spill(), Clock: clock.System{}, Router: r.router(rule, providers...), NewID: newID, Log: slog.New(slog.DiscardHandler),
	})
	r.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			r.t.Error(err)
		}
	})
	return s
}

func order(key string) payments.Order {
	return payments.Order{Client: "toko", Key: core.Key(key), Merchant: "GOPAY", Account: "0812345678", Amount: core.IDR(100000)}
}

// pay makes a payment that must be taken up.
func pay(t *testing.T, s *payments.Service, o payments.Order) journal.Payment {
	t.Helper()
	got, err := s.Pay(t.Context(), o)
	if err != nil {
		t.Fatalf("pay: %v", err)
	}
	return got.Payment
}

// refused wants a refusal with the code, and nothing in the journal.
func (r *rig) refused(err error, code payments.Code) {
	r.t.Helper()
	refusal, ok := errors.AsType[*payments.Refusal](err)
	if !ok || refusal.Code != code {
		r.t.Errorf("got %v, want a refusal with %s", err, code)
	}
	page, err := r.store.List(r.t.Context(), journal.Filter{AnyClient: true})
	if err != nil || len(page.Payments) != 0 {
		r.t.Errorf("the journal has %d payments (%v), want none", len(page.Payments), err)
	}
}

// events wants the states that a payment's attempts went through.
func (r *rig) events(p journal.Payment, want ...journal.State) {
	r.t.Helper()
	events, err := r.store.Events(r.t.Context(), p.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	var got []journal.State
	for _, e := range events {
		got = append(got, e.To)
		if e.Actor == "" || e.Why == "" {
			r.t.Errorf("the change to %s names no actor or reason", e.To)
		}
	}
	if len(got) != len(want) {
		r.t.Fatalf("went through %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			r.t.Fatalf("went through %v, want %v", got, want)
		}
	}
}
