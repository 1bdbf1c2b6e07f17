// Package apitest runs a whole gateway inside a test: the HTTP API over the real service and a real journal, with a provider that plays what
// the test tells it to.
package apitest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/spill"
	"github.com/jalurhq/jalur/core/journal/sqlite"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/router"
	"github.com/jalurhq/jalur/internal/httpapi"
)

// Merchant is what the provider sells, from 50000 IDR on, to phone numbers.
const Merchant core.MerchantCode = "GOPAY"

// What the provider asks for, in rupiah.
const (
	least = 50_000
	fee   = 1_000
	fixed = 9_000
	cost  = 101_000
)

// Provider is a provider whose answers the test sets. A nil answer is a success, or for Status "no such order".
type Provider struct {
	OnPay     func(context.Context, core.PayRequest) (core.Result, error)
	OnStatus  func(context.Context, core.StatusRequest) (core.Result, error)
	OnInquire func(context.Context, core.InquiryRequest) (core.Quote, error)
	Health    router.Health // zero: ready
	Edit      func(*core.Descriptor)

	mu   sync.Mutex
	pays int
}

// Pays tells how often Pay was called.
func (p *Provider) Pays() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pays
}

// Describe implements core.Provider.
func (p *Provider) Describe(context.Context) (core.Descriptor, error) {
	d := core.Descriptor{
		Name: "fake", Version: "1", Instance: "test", StatusBy: core.ByInvoice,
		Merchants: []core.MerchantSpec{{Merchant: Merchant, Account: core.AccountSpec{Kind: "phone number", Pattern: "08[0-9]{8,11}"}}},
		Amounts:   core.AmountSpec{Min: core.IDR(least), Step: core.IDR(1)},
	}
	if p.Edit != nil {
		p.Edit(&d)
	}
	return d, nil
}

// ListProducts implements core.Provider.
func (p *Provider) ListProducts(context.Context, core.ProductFilter) (core.ProductPage, error) {
	return core.ProductPage{Products: []core.Product{
		{Code: string(Merchant), Name: "GoPay", Fee: core.Fee{Known: true, Flat: core.IDR(fee)}, Available: true},
		{Code: "FIXED", Name: "a fixed price", Fee: core.Fee{Known: true, Fixed: true, Flat: core.IDR(fixed)}},
		{Code: "UNTOLD", Name: "a fee nobody can read", Fee: core.Fee{Expr: "ask"}},
	}}, nil
}

// Inquire implements core.Provider.
func (p *Provider) Inquire(ctx context.Context, r core.InquiryRequest) (core.Quote, error) {
	if p.OnInquire != nil {
		return p.OnInquire(ctx, r)
	}
	return core.Quote{Product: r.Product, Account: r.Account, Amount: r.Amount, ReceiverName: "BUDI", Cost: core.IDR(cost)}, nil
}

// Pay implements core.Provider.
func (p *Provider) Pay(ctx context.Context, r core.PayRequest) (core.Result, error) {
	p.mu.Lock()
	p.pays++
	p.mu.Unlock()
	if p.OnPay != nil {
		return p.OnPay(ctx, r)
	}
	return Answer(r, core.Succeeded), nil
}

// Status implements core.Provider.
func (p *Provider) Status(ctx context.Context, r core.StatusRequest) (core.Result, error) {
	if p.OnStatus != nil {
		return p.OnStatus(ctx, r)
	}
	return core.Result{}, &core.Error{Op: "status", Outcome: core.Unknown, Code: core.CodeNotFound}
}

// Answer is a well-formed answer to an order.
func Answer(r core.PayRequest, outcome core.Outcome) core.Result {
	return core.Result{
		Outcome: outcome, Invoice: core.Invoice("INV-" + r.Ref), Product: r.Product, Account: r.Account, Amount: r.Amount,
		Reference: "SN-1", Cost: core.IDR(cost), Details: map[string]string{"duration": "2"},
	}
}

// Gateway is a running gateway.
type Gateway struct {
	*httptest.Server

	Service *payments.Service
	Store   journal.Store
}

// Config is what a Gateway is made of. Zero fields: a provider that succeeds, no clients, no log.
type Config struct {
	Provider *Provider
	Clients  httpapi.Clients
	Log      *slog.Logger
	Edit     func(*httpapi.Config)               // the rest of the handler's configuration
	Beside   func(*router.Provider)              // what the provider has beside
	Wrap     func(journal.Store) journal.Store   // around the journal
	Serve    func(http.Handler) *httptest.Server // default httptest.NewServer
}

// Start runs a gateway until the test ends.
func Start(t *testing.T, cfg Config) *Gateway {
	t.Helper()
	if cfg.Provider == nil {
		cfg.Provider = &Provider{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Serve == nil {
		cfg.Serve = httptest.NewServer
	}
	store := open(t)
	if cfg.Wrap != nil {
		store = cfg.Wrap(store)
	}
	service := serve(t, cfg, store)
	api := httpapi.Config{Service: service, Clients: cfg.Clients, Log: cfg.Log}
	if cfg.Edit != nil {
		cfg.Edit(&api)
	}
	handler, err := httpapi.New(api)
	if err != nil {
		t.Fatal(err)
	}
	server := cfg.Serve(handler)
	t.Cleanup(server.Close)
	return &Gateway{Server: server, Service: service, Store: store}
}

func open(t *testing.T) journal.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "journal.db"), Role: sqlite.RoleGateway})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

const spillSize = 64 << 10

func serve(t *testing.T, cfg Config, store journal.Store) *payments.Service {
	t.Helper()
	running := router.Provider{
		Provider: cfg.Provider, Name: "fake", Timeout: time.Minute,
		Ready:  func(context.Context) error { return nil },
		Health: func() router.Health { return healthOf(cfg.Provider) },
	}
	if cfg.Beside != nil {
		cfg.Beside(&running)
	}
	routes, err := router.New([]router.Rule{{Merchant: Merchant, Lanes: []router.Lane{{Provider: "fake"}}}}, []router.Provider{running})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := spill.Open(spill.Config{Path: filepath.Join(t.TempDir(), "spill"), Size: spillSize})
	if err != nil {
		t.Fatal(err)
	}
	service := payments.New(payments.Config{Store: store, Spill: kept, Clock: clock.System{}, Router: routes, NewID: ids(), Log: cfg.Log})
	t.Cleanup(func() {
		if err := errors.Join(service.Close(context.Background()), kept.Close()); err != nil {
			t.Error(err)
		}
	})
	return service
}

func healthOf(p *Provider) router.Health {
	health := p.Health
	if health.State == "" {
		health.State = "ready"
	}
	health.Breakers = map[string]string{"pay": "closed"}
	return health
}

// ids counts: 26 characters of A–Z and 0–9.
func ids() func() string {
	var mu sync.Mutex
	n := 0
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return fmt.Sprintf("TEST%022d", n)
	}
}
