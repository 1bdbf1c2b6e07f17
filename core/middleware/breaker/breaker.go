// Package breaker stops calling a provider that keeps failing: one circuit breaker for each kind of call, so that a
// broken product list does not stop anybody from asking what became of a payment.
package breaker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/jalurhq/jalur/core"
)

// Config bounds what a provider may get wrong before it is left alone for a while.
type Config struct {
	Calls   int           // least number of calls that say anything; default 20
	Within  time.Duration // the window that they are counted over; default 60 s
	Ratio   float64       // faults among them that open the breaker, in (0,1]; default 0.5
	OpenFor time.Duration // how long it then stays open; default 30 s
}

// The defaults of Config.
const (
	defaultCalls   = 20
	defaultWithin  = time.Minute
	defaultRatio   = 0.5
	defaultOpenFor = 30 * time.Second
	buckets        = 10 // of the rolling window
)

func (c Config) withDefaults() Config {
	if c.Calls <= 0 {
		c.Calls = defaultCalls
	}
	if c.Within <= 0 {
		c.Within = defaultWithin
	}
	if c.Ratio <= 0 || c.Ratio > 1 {
		c.Ratio = defaultRatio
	}
	if c.OpenFor <= 0 {
		c.OpenFor = defaultOpenFor
	}
	return c
}

func (c Config) settings() gobreaker.Settings {
	return gobreaker.Settings{
		MaxRequests: 1, Interval: c.Within, BucketPeriod: c.Within / buckets, Timeout: c.OpenFor,
		ReadyToTrip: func(n gobreaker.Counts) bool {
			calls := n.Requests - n.TotalExclusions
			return int64(calls) >= int64(c.Calls) && float64(n.TotalFailures) >= c.Ratio*float64(calls)
		},
		IsSuccessful: func(err error) bool { return !isFault(err) },
		IsExcluded:   func(err error) bool { return errors.Is(err, errCallerLeft) },
	}
}

// errCallerLeft marks a call that its caller gave up: that says nothing about the provider.
var errCallerLeft = errors.New("the caller gave up")

// isFault tells the provider's faults from its answers: a refusal, however worded, shows that it works.
func isFault(err error) bool {
	if err == nil {
		return false
	}
	switch core.CodeOf(err) {
	case core.CodeTransportNotSent, core.CodeTransportAfterSend, core.CodeUpstreamTimeout, core.CodeInternal:
		return true
	default:
		return false
	}
}

// Breaker is a provider behind its breakers. Make one with New.
type Breaker struct {
	next                       core.Provider
	list, inquire, pay, status *gobreaker.CircuitBreaker[any]
}

// New gives a provider behind breakers that are closed. It is a [core.Provider].
func New(cfg Config, next core.Provider) *Breaker {
	settings := cfg.withDefaults().settings()
	return &Breaker{
		next: next,
		list: gobreaker.NewCircuitBreaker[any](settings), inquire: gobreaker.NewCircuitBreaker[any](settings),
		pay: gobreaker.NewCircuitBreaker[any](settings), status: gobreaker.NewCircuitBreaker[any](settings),
	}
}

// States gives the state of each breaker by kind of call: "closed", "half-open" or "open".
func (b *Breaker) States() map[string]string {
	return map[string]string{
		"list_products": b.list.State().String(), "inquire": b.inquire.State().String(),
		"pay": b.pay.State().String(), "status": b.status.State().String(),
	}
}

// Ready reports whether a Pay would be let through. A half-open breaker is tried with a call that moves no money, never with a customer's
// payment. The error is NotSent.
func (b *Breaker) Ready(ctx context.Context) error {
	switch b.pay.State() {
	case gobreaker.StateClosed:
		return nil
	case gobreaker.StateHalfOpen:
		_, err := guard(ctx, b.pay, func() (core.ProductPage, error) {
			return b.next.ListProducts(ctx, core.ProductFilter{})
		})
		if err != nil {
			return notSent("pay", fmt.Errorf("the breaker tried the provider again: %w", err))
		}
		return nil
	case gobreaker.StateOpen:
		return notSent("pay", gobreaker.ErrOpenState)
	default:
		return notSent("pay", gobreaker.ErrOpenState)
	}
}

// Describe is not a call to the provider and passes.
func (b *Breaker) Describe(ctx context.Context) (core.Descriptor, error) {
	return b.next.Describe(ctx)
}

// ListProducts passes unless its breaker is open.
func (b *Breaker) ListProducts(ctx context.Context, f core.ProductFilter) (core.ProductPage, error) {
	return guard(ctx, b.list, func() (core.ProductPage, error) { return b.next.ListProducts(ctx, f) })
}

// Inquire passes unless its breaker is open.
func (b *Breaker) Inquire(ctx context.Context, req core.InquiryRequest) (core.Quote, error) {
	return guard(ctx, b.inquire, func() (core.Quote, error) { return b.next.Inquire(ctx, req) })
}

// Pay passes where the breaker is closed, and is NotSent otherwise.
func (b *Breaker) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	if err := b.Ready(ctx); err != nil {
		return core.Result{}, err
	}
	return guard(ctx, b.pay, func() (core.Result, error) { return b.next.Pay(ctx, req) })
}

// Status passes unless its breaker is open.
func (b *Breaker) Status(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	return guard(ctx, b.status, func() (core.Result, error) { return b.next.Status(ctx, req) })
}

// guard makes a call through a breaker and gives back exactly what the call gave, result and error.
func guard[T any](ctx context.Context, cb *gobreaker.CircuitBreaker[any], call func() (T, error)) (T, error) {
	var answer T
	var callErr error
	made := false
	_, err := cb.Execute(func() (any, error) {
		made = true
		answer, callErr = call()
		if callErr != nil && errors.Is(ctx.Err(), context.Canceled) {
			return nil, errCallerLeft
		}
		return nil, callErr
	})
	if !made {
		return answer, notSent("", err)
	}
	return answer, callErr
}

func notSent(op string, cause error) error {
	return &core.Error{Op: op, Outcome: core.NotSent, Code: core.CodeTransportNotSent, Err: cause}
}
