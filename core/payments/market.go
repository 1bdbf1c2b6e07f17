package payments

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/router"
)

// quoteLife is how long a quote without an end of its own can be paid from.
const quoteLife = 15 * time.Minute

// Listing is one product of one provider, under the merchant that it is routed by.
type Listing struct {
	Provider string
	Merchant core.MerchantCode
	Product  core.Product
}

// Products gives what the configured providers sell, of one merchant or provider where those are named. A provider that can't be asked is
// left out and named with the reason.
func (s *Service) Products(ctx context.Context, merchant core.MerchantCode, provider string) (listings []Listing, missing map[string]error) {
	var mu sync.Mutex
	var asking sync.WaitGroup
	missing = map[string]error{}
	for name, p := range s.router.Providers() {
		if provider != "" && provider != name {
			continue
		}
		asking.Go(func() {
			found, err := s.listings(ctx, p, merchant)
			mu.Lock()
			defer mu.Unlock()
			listings = append(listings, found...)
			if err != nil {
				missing[name] = err
			}
		})
	}
	asking.Wait()
	slices.SortFunc(listings, func(a, b Listing) int {
		return strings.Compare(string(a.Merchant)+"\x00"+a.Provider+"\x00"+a.Product.Code, string(b.Merchant)+"\x00"+b.Provider+"\x00"+b.Product.Code)
	})
	return listings, missing
}

func (s *Service) listings(ctx context.Context, p router.Provider, merchant core.MerchantCode) ([]Listing, error) {
	products, err := s.catalogue.Products(ctx, p)
	if err != nil {
		return nil, err
	}
	descriptor, err := p.Describe(ctx)
	if err != nil {
		return nil, err
	}
	var found []Listing
	for _, product := range products {
		if product.Amounts == (core.AmountSpec{}) {
			product.Amounts = descriptor.AmountsOf(product.Code)
		}
		listing := Listing{p.Name, s.router.MerchantOf(p.Name, product.Code), product}
		if merchant == "" || merchant == listing.Merchant {
			found = append(found, listing)
		}
	}
	return found, nil
}

// Inquire asks the route's providers, in order, what a top-up would cost and whom it would reach, and keeps the quote so that a payment can be made
// from it.
func (s *Service) Inquire(ctx context.Context, o Order) (journal.Inquiry, error) {
	if err := o.checkInquiry(); err != nil {
		return journal.Inquiry{}, err
	}
	_, takers, err := s.engine.takers(ctx, router.Order{Merchant: o.Merchant, Account: o.Account, Amount: o.Amount, Extra: o.Extra}, "")
	if err != nil {
		return journal.Inquiry{}, err
	}
	var refused error
	for _, lane := range takers {
		quote, err := s.engine.inquire(ctx, o, lane)
		if err == nil {
			return s.keepQuote(ctx, o, lane, quote)
		}
		refused = err
		if core.OutcomeOf(err) != core.NotSent && !core.CodeOf(err).AnotherProviderMayDiffer() {
			break
		}
	}
	return journal.Inquiry{}, quoteRefusal(refused)
}

func (s *Service) keepQuote(ctx context.Context, o Order, lane router.Candidate, quote core.Quote) (journal.Inquiry, error) {
	now := s.engine.Clock.Now()
	inquiry := journal.Inquiry{
		ID: s.engine.NewID(), Client: o.Client, Merchant: o.Merchant, Account: o.Account, Amount: quote.Amount,
		Provider: lane.Provider.Name, Product: lane.Product, Token: quote.Token, ReceiverName: quote.ReceiverName,
		Cost: quote.Cost, Cashback: quote.Cashback, Details: quote.Details, ExpiresAt: quote.ExpiresAt, CreatedAt: now,
		Reserves: quote.Reserves,
	}
	if inquiry.ExpiresAt.IsZero() {
		inquiry.ExpiresAt = now.Add(quoteLife)
	}
	if err := s.store.SaveInquiry(ctx, inquiry); err != nil {
		return journal.Inquiry{}, journalRefusal(err)
	}
	return inquiry, nil
}

// Explain gives the route of an order, each lane with why it is in or out.
func (s *Service) Explain(ctx context.Context, o router.Order) (router.Route, error) {
	o.Open = o.Account == ""
	route, err := s.router.Route(ctx, o, s.catalogue)
	if err != nil {
		return route, routeRefusal(o.Merchant, err)
	}
	return route, nil
}

// ProviderStatus is how one provider is and what it can do.
type ProviderStatus struct {
	Name       string
	Health     router.Health
	Descriptor core.Descriptor // zero where it could not be asked
}

// Providers gives all configured providers, by name.
func (s *Service) Providers(ctx context.Context) []ProviderStatus {
	providers := s.router.Providers()
	all := make([]ProviderStatus, 0, len(providers))
	for name, p := range providers {
		status := ProviderStatus{Name: name, Health: p.Health()}
		if status.Health.Problem == "" {
			status.Descriptor, _ = p.Describe(ctx) // an error shows in the health of the next look
		}
		all = append(all, status)
	}
	slices.SortFunc(all, func(a, b ProviderStatus) int { return strings.Compare(a.Name, b.Name) })
	return all
}
