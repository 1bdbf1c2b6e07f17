// Package router turns a merchant into the ordered providers that may make its top-up, and says of each why it is in
// or out.
package router

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jalurhq/jalur/core"
)

// AnyMerchant is the merchant of a rule that matches every other one.
const AnyMerchant core.MerchantCode = "*"

// Rule is one route of the configuration: the providers of a merchant, in order.
type Rule struct {
	Merchant     core.MerchantCode
	InquireFirst bool // Pay asks for a quote before it sends
	Lanes        []Lane
}

// Lane is one provider of a route, and the provider's own code for the merchant where it differs.
type Lane struct {
	Provider string
	Product  string // empty: the merchant code itself
}

// Provider is a running provider, behind its middleware.
type Provider struct {
	core.Provider

	Name    string
	Timeout time.Duration // of one call
	// Ready waits, no longer than the context allows, until a Pay could be sent, and otherwise says what is in the
	// way. Its error means that nothing was sent.
	Ready func(ctx context.Context) error
	// Health tells how the provider is, without waiting.
	Health func() Health

	// What only some providers have beside: nil, or failing with [errors.ErrUnsupported], where there is none.
	Balances  core.BalanceReader
	Callbacks core.CallbackReader
	Quotes    core.QuoteCanceller
	// CallbackURL is where it reaches us by itself; empty: nowhere.
	CallbackURL string
}

// CallbackFor gives where a provider that describes itself like this may tell us of an order, or "".
func (p Provider) CallbackFor(d core.Descriptor) string {
	if !d.SendsCallbacks {
		return ""
	}
	return p.CallbackURL
}

// Health is what an operator is shown of a provider.
type Health struct {
	State    string            // "ready", "starting", "backoff", "gave_up", "stopped"
	Problem  string            // why it isn't ready
	Restarts int               // of its plugin
	Breakers map[string]string // state by kind of call
}

// ErrNoRoute: no rule names the merchant.
var ErrNoRoute = errors.New("no route for this merchant")

// Router holds the rules. It does not change after New.
type Router struct {
	rules     []Rule
	providers map[string]Provider
}

// New checks that every lane names a provider.
func New(rules []Rule, providers []Provider) (*Router, error) {
	byName := make(map[string]Provider, len(providers))
	for _, p := range providers {
		byName[p.Name] = p
	}
	for _, rule := range rules {
		for _, lane := range rule.Lanes {
			if _, ok := byName[lane.Provider]; !ok {
				return nil, fmt.Errorf("route %q: provider %q is not configured", rule.Merchant, lane.Provider)
			}
		}
	}
	return &Router{rules: rules, providers: byName}, nil
}

// Provider gives a running provider by its name.
func (r *Router) Provider(name string) (Provider, bool) {
	p, ok := r.providers[name]
	return p, ok
}

// Providers gives all of them by name.
func (r *Router) Providers() map[string]Provider { return r.providers }

// MerchantOf gives the merchant under which a provider's product is routed: the one whose lane names it, or its own code.
func (r *Router) MerchantOf(provider, product string) core.MerchantCode {
	for _, rule := range r.rules {
		for _, lane := range rule.Lanes {
			if lane.Provider == provider && lane.Product == product && rule.Merchant != AnyMerchant {
				return rule.Merchant
			}
		}
	}
	return core.MerchantCode(product)
}

// Order is what a route is wanted for. A zero Amount is not checked.
type Order struct {
	Merchant core.MerchantCode
	Account  core.AccountNumber
	Amount   core.Money
	Extra    map[string]string
	// Open: account and further fields aren't known yet, and are not checked.
	Open bool
}

// Candidate is one lane of the route, with the reason why it is out where it is.
type Candidate struct {
	Provider   Provider
	Descriptor core.Descriptor // zero where the provider could not be asked for it
	Product    string
	// Refusal is why this lane can't take the order, whatever the provider's health: an [*core.OrderError], or nil.
	Refusal error
	// Problem is why it can't take any order just now.
	Problem string
}

// In reports whether the lane would be tried.
func (c Candidate) In() bool { return c.Refusal == nil && c.Problem == "" }

// Route is the answer for one order: the candidates in the order in which they would be tried.
type Route struct {
	Rule       Rule
	Candidates []Candidate
}

// Takers gives the candidates that don't refuse the order. Where there is none, the error is the first one's refusal.
func (r Route) Takers() ([]Candidate, error) {
	var takers []Candidate
	var refusal error
	for _, c := range r.Candidates {
		if c.Refusal == nil {
			takers = append(takers, c)
		} else if refusal == nil {
			refusal = c.Refusal
		}
	}
	if len(takers) > 0 {
		return takers, nil
	}
	return nil, refusal
}

// Catalogue tells whether a provider sells a product that its descriptor doesn't list.
type Catalogue interface {
	// Sells gives an error where nobody can say.
	Sells(ctx context.Context, provider Provider, product string) (bool, error)
}

// Route gives the candidates for an order. Errors: ErrNoRoute.
func (r *Router) Route(ctx context.Context, order Order, catalogue Catalogue) (Route, error) {
	rule, ok := r.match(order.Merchant)
	if !ok {
		return Route{}, fmt.Errorf("%q: %w", order.Merchant, ErrNoRoute)
	}
	route := Route{Rule: rule, Candidates: make([]Candidate, 0, len(rule.Lanes))}
	for _, lane := range rule.Lanes {
		product := lane.Product
		if product == "" {
			product = string(order.Merchant)
		}
		candidate := Candidate{Provider: r.providers[lane.Provider], Product: product}
		route.Candidates = append(route.Candidates, judge(ctx, candidate, order, catalogue))
	}
	return route, nil
}

func (r *Router) match(merchant core.MerchantCode) (Rule, bool) {
	for _, rule := range r.rules {
		if rule.Merchant == merchant || rule.Merchant == AnyMerchant {
			return rule, true
		}
	}
	return Rule{}, false
}

// judge looks at one lane. A provider that can't describe itself is down, which is no refusal: the order may be good.
func judge(ctx context.Context, c Candidate, order Order, catalogue Catalogue) Candidate {
	if health := c.Provider.Health(); health.Problem != "" {
		c.Problem = health.Problem
	}
	descriptor, err := c.Provider.Describe(ctx)
	if err != nil {
		c.Problem = err.Error()
		return c
	}
	c.Descriptor = descriptor
	c.Refusal = refusal(descriptor, c.Product, order)
	if c.Refusal == nil && !descriptor.Lists(c.Product) {
		c.Refusal = unsold(ctx, c, catalogue)
	}
	return c
}

func refusal(d core.Descriptor, product string, order Order) error {
	if order.Open {
		return core.CheckProduct(d, product, order.Amount)
	}
	if err := core.CheckOrder(d, product, order.Account, order.Amount); err != nil {
		return err
	}
	return core.CheckExtra(d, product, order.Extra)
}

// unsold asks the catalogue. Where that can't be read, the provider itself will say.
func unsold(ctx context.Context, c Candidate, catalogue Catalogue) error {
	if sells, err := catalogue.Sells(ctx, c.Provider, c.Product); err != nil || sells {
		return nil //nolint:nilerr // a catalogue that can't be read refuses nothing
	}
	return &core.OrderError{
		Field: "merchant",
		Rule:  fmt.Sprintf("%s does not sell %q", c.Provider.Name, c.Product),
		Code:  core.CodeProductUnknown,
	}
}
