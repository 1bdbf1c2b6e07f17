package catalogue_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/catalogue"
	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/router"
)

// pages lists its products a page at a time.
type pages struct {
	core.Provider

	pages map[string]core.ProductPage
	err   error
	calls atomic.Int32
}

func (p *pages) ListProducts(_ context.Context, f core.ProductFilter) (core.ProductPage, error) {
	p.calls.Add(1)
	return p.pages[f.Cursor], p.err
}

func twoPages() *pages {
	return &pages{pages: map[string]core.ProductPage{
		"":  {Products: []core.Product{{Code: "GOPAY"}}, Next: "2"},
		"2": {Products: []core.Product{{Code: "OVO"}}},
	}}
}

func running(p core.Provider) router.Provider {
	return router.Provider{Provider: p, Name: "p", Timeout: time.Minute}
}

func TestAListIsReadOnceForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := twoPages()
		c := catalogue.New(clock.System{})
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if products, err := c.Products(t.Context(), running(p)); err != nil || len(products) != 2 {
					t.Errorf("%d products, %v", len(products), err)
				}
			})
		}
		callers.Wait()
		if got := p.calls.Load(); got != 2 {
			t.Errorf("%d pages were read, want each of the two once", got)
		}
		time.Sleep(5 * time.Minute) // the bubble's clock
		if _, err := c.Products(t.Context(), running(p)); err != nil || p.calls.Load() != 4 {
			t.Errorf("after a while: %d pages read, %v", p.calls.Load(), err)
		}
	})
}

func TestAListThatCannotBeReadIsNotKept(t *testing.T) {
	t.Parallel()
	p := twoPages()
	p.err = errors.New("down")
	c := catalogue.New(clock.System{})
	if _, err := c.Sells(t.Context(), running(p), "GOPAY"); !errors.Is(err, p.err) {
		t.Errorf("got %v", err)
	}
	p.err = nil
	for code, want := range map[string]bool{"GOPAY": true, "OVO": true, "DANA": false} {
		if got, err := c.Sells(t.Context(), running(p), code); err != nil || got != want {
			t.Errorf("%s: %v, %v", code, got, err)
		}
	}
}

func TestPagesThatNeverEndAreGivenUp(t *testing.T) {
	t.Parallel()
	p := &pages{pages: map[string]core.ProductPage{"": {Next: "x"}, "x": {Next: "x"}}}
	if _, err := catalogue.New(clock.System{}).Products(t.Context(), running(p)); err == nil {
		t.Error("an endless list ended well")
	}
}
