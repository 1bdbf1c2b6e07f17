package payments

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/router"
)

// balanceFresh is how long a provider's word on its balances is shown before it is asked again, and how long a failure is.
const balanceFresh = 30 * time.Second

// Balances is what one provider holds for us, as it was last told.
type Balances struct {
	Balances []core.Balance
	At       time.Time // when it was asked; zero: it tells none
	Problem  error     // why it could not be asked
}

// deposits keeps the balances of the providers for a short while.
type deposits struct {
	clock clock.Clock
	mu    sync.Mutex
	known map[string]*deposit
}

// deposit is one provider's. Its turn lets one caller ask while the others wait for that answer.
type deposit struct {
	turn chan struct{}
	last Balances
}

func newDeposits(c clock.Clock) *deposits { return &deposits{clock: c, known: map[string]*deposit{}} }

func (d *deposits) of(ctx context.Context, p router.Provider) Balances {
	if p.Balances == nil {
		return Balances{}
	}
	entry := d.entry(p.Name)
	select {
	case entry.turn <- struct{}{}:
		defer func() { <-entry.turn }()
	case <-ctx.Done():
		return Balances{At: d.clock.Now(), Problem: fmt.Errorf("balances of %s: %w", p.Name, ctx.Err())}
	}
	now := d.clock.Now()
	if !entry.last.At.IsZero() && now.Sub(entry.last.At) < balanceFresh {
		return entry.last
	}
	told := ask(ctx, p, now)
	if ctx.Err() == nil { // else it was the caller who had no time
		entry.last = told
	}
	return told
}

func ask(ctx context.Context, p router.Provider, now time.Time) Balances {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	balances, err := p.Balances.Balances(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		return Balances{}
	}
	if err != nil {
		return Balances{At: now, Problem: fmt.Errorf("balances of %s: %w", p.Name, err)}
	}
	return Balances{Balances: balances, At: now}
}

func (d *deposits) entry(provider string) *deposit {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known[provider] == nil {
		d.known[provider] = &deposit{turn: make(chan struct{}, 1)}
	}
	return d.known[provider]
}

// balancesTime bounds how long a look at all balances takes: a provider that is slow shows so.
const balancesTime = 5 * time.Second

// Balances gives what every provider that tells it holds for us, by the provider's name, at most half a minute old.
func (s *Service) Balances(ctx context.Context) map[string]Balances {
	ctx, cancel := context.WithTimeout(ctx, balancesTime)
	defer cancel()
	var mu sync.Mutex
	var asking sync.WaitGroup
	all := map[string]Balances{}
	for name, p := range s.router.Providers() {
		asking.Go(func() {
			told := s.deposits.of(ctx, p)
			mu.Lock()
			defer mu.Unlock()
			all[name] = told
		})
	}
	asking.Wait()
	return all
}
