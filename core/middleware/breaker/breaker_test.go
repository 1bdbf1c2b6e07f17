package breaker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/middleware/breaker"
)

// provider answers as its fields say and counts what reached it.
type provider struct {
	err                  error
	pays, lists, queries int
}

func (p *provider) Describe(context.Context) (core.Descriptor, error) { return core.Descriptor{}, nil }

func (p *provider) ListProducts(context.Context, core.ProductFilter) (core.ProductPage, error) {
	p.lists++
	return core.ProductPage{}, p.err
}

func (p *provider) Inquire(context.Context, core.InquiryRequest) (core.Quote, error) {
	return core.Quote{}, p.err
}

func (p *provider) Pay(context.Context, core.PayRequest) (core.Result, error) {
	p.pays++
	return core.Result{Invoice: "evidence"}, p.err
}

func (p *provider) Status(context.Context, core.StatusRequest) (core.Result, error) {
	p.queries++
	return core.Result{}, p.err
}

func fault() error {
	return &core.Error{Outcome: core.Unknown, Code: core.CodeTransportAfterSend}
}

func payTimes(t *testing.T, b *breaker.Breaker, n int) {
	t.Helper()
	for range n {
		_, _ = b.Pay(t.Context(), core.PayRequest{})
	}
}

func TestFaultsOpenTheBreakerOfTheirKindOnly(t *testing.T) {
	t.Parallel()
	p := &provider{err: fault()}
	b := breaker.New(breaker.Config{}, p)
	payTimes(t, b, 30)
	if p.pays != 20 {
		t.Errorf("%d pays reached the provider, want the 20 that open the breaker", p.pays)
	}
	_, err := b.Pay(t.Context(), core.PayRequest{})
	if core.OutcomeOf(err) != core.NotSent {
		t.Errorf("pay at an open breaker: %v, want NotSent", err)
	}
	if _, err := b.Status(t.Context(), core.StatusRequest{}); core.OutcomeOf(err) != core.Unknown || p.queries != 1 {
		t.Errorf("status: %v after %d calls, want its own fault", err, p.queries)
	}
	if got := b.States()["pay"]; got != "open" {
		t.Errorf("state of pay: %q", got)
	}
}

func TestAnErrorPassesWithItsEvidence(t *testing.T) {
	t.Parallel()
	b := breaker.New(breaker.Config{}, &provider{err: fault()})
	res, err := b.Pay(t.Context(), core.PayRequest{})
	if res.Invoice != "evidence" || core.CodeOf(err) != core.CodeTransportAfterSend {
		t.Errorf("got %+v, %v", res, err)
	}
}

func TestRefusalsAndLeavingCallersAreNotCounted(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx context.Context
		err error
	}{
		"refused before it was sent": {t.Context(), &core.Error{Outcome: core.NotSent, Code: core.CodeAccountInvalid}},
		"no such order":              {t.Context(), &core.Error{Code: core.CodeNotFound}},
		"the caller left":            {cancelled, &core.Error{Code: core.CodeTransportAfterSend, Err: context.Canceled}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &provider{err: c.err}
			b := breaker.New(breaker.Config{}, p)
			for range 50 {
				_, _ = b.Pay(c.ctx, core.PayRequest{})
			}
			if p.pays != 50 {
				t.Errorf("%d of 50 pays passed", p.pays)
			}
		})
	}
}

func TestAHalfOpenBreakerIsNeverTriedWithAPay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &provider{err: fault()}
		b := breaker.New(breaker.Config{OpenFor: time.Second}, p)
		payTimes(t, b, 20)
		time.Sleep(2 * time.Second) // the bubble's clock: the breaker is half-open now
		err := b.Ready(t.Context())
		if core.OutcomeOf(err) != core.NotSent || p.lists != 1 || p.pays != 20 {
			t.Fatalf("ready: %v after %d lists and %d pays, want one list that failed", err, p.lists, p.pays)
		}
		time.Sleep(2 * time.Second)
		p.err = nil
		if _, err := b.Pay(t.Context(), core.PayRequest{}); err != nil || p.lists != 2 || p.pays != 21 {
			t.Fatalf("pay: %v after %d lists and %d pays, want it to follow one good list", err, p.lists, p.pays)
		}
	})
}

func TestTheRatioIsOverAWindow(t *testing.T) {
	t.Parallel()
	p := &provider{}
	b := breaker.New(breaker.Config{Calls: 10, Ratio: 0.5}, p)
	payTimes(t, b, 6)
	p.err = errors.New("an error that nobody knows is a fault")
	payTimes(t, b, 5)
	if got := b.States()["pay"]; got != "closed" {
		t.Fatalf("5 faults of 11: %s", got)
	}
	payTimes(t, b, 1)
	if got := b.States()["pay"]; got != "open" {
		t.Fatalf("6 faults of 12: %s", got)
	}
}
