// Package catalogue keeps what each provider sells, as it was last told, for a few minutes.
package catalogue

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/router"
)

// fresh is how long a list is believed. Vendors ask not to be asked for the whole list more often than this.
const fresh = 5 * time.Minute

// maxPages bounds one reading, so that a provider whose pages never end can't hold a caller.
const maxPages = 1000

// Catalogue caches the product lists of the providers. It is safe for many callers at once.
type Catalogue struct {
	clock clock.Clock
	mu    sync.Mutex
	lists map[string]*list
}

// list is one provider's products. Its turn lets one caller read while the others wait for that reading, each no longer than it wants to.
type list struct {
	turn     chan struct{}
	products []core.Product
	read     time.Time
}

// New gives an empty catalogue.
func New(c clock.Clock) *Catalogue {
	return &Catalogue{clock: c, lists: map[string]*list{}}
}

// Products gives all that a provider sells, at most five minutes old.
func (c *Catalogue) Products(ctx context.Context, p router.Provider) ([]core.Product, error) {
	entry := c.entry(p.Name)
	select {
	case entry.turn <- struct{}{}:
		defer func() { <-entry.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("products of %s: %w", p.Name, ctx.Err())
	}
	now := c.clock.Now()
	if !entry.read.IsZero() && now.Sub(entry.read) < fresh {
		return entry.products, nil
	}
	products, err := readAll(ctx, p)
	if err != nil {
		return nil, err
	}
	entry.products, entry.read = products, now
	return products, nil
}

// Find gives one product; ok is false where the provider doesn't sell it.
func (c *Catalogue) Find(ctx context.Context, p router.Provider, code string) (product core.Product, ok bool, err error) {
	products, err := c.Products(ctx, p)
	if err != nil {
		return core.Product{}, false, err
	}
	for _, product := range products {
		if product.Code == code {
			return product, true, nil
		}
	}
	return core.Product{}, false, nil
}

// Sells reports whether the provider lists the product.
func (c *Catalogue) Sells(ctx context.Context, p router.Provider, code string) (bool, error) {
	_, ok, err := c.Find(ctx, p, code)
	return ok, err
}

func (c *Catalogue) entry(provider string) *list {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lists[provider] == nil {
		c.lists[provider] = &list{turn: make(chan struct{}, 1)}
	}
	return c.lists[provider]
}

func readAll(ctx context.Context, p router.Provider) ([]core.Product, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	var all []core.Product
	var filter core.ProductFilter
	for range maxPages {
		page, err := p.ListProducts(ctx, filter)
		if err != nil {
			return nil, fmt.Errorf("products of %s: %w", p.Name, err)
		}
		all = append(all, page.Products...)
		if page.Next == "" {
			return all, nil
		}
		filter.Cursor = page.Next
	}
	return nil, fmt.Errorf("products of %s: more than %d pages", p.Name, maxPages)
}
