package checked

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"unicode"

	"github.com/jalurhq/jalur/core"
)

// Limits of what stands beside the provider's own five calls.
const (
	maxBalances = 64
	maxOrders   = 1000
	maxReply    = 64 << 10 // bytes of the answer to a callback
)

// Set checks a whole set as [New] checks a provider. A part that is nil stays nil.
func Set(provider string, set core.Set) core.Set {
	l := &layer{name: provider}
	if set.Provider != nil {
		set.Provider = New(provider)(set.Provider)
	}
	if set.Balances != nil {
		set.Balances = balances{layer: l, next: set.Balances}
	}
	if set.Callbacks != nil {
		set.Callbacks = callbacks{layer: l, next: set.Callbacks}
	}
	if set.Quotes != nil {
		set.Quotes = quotes{layer: l, next: set.Quotes}
	}
	return set
}

type balances struct {
	*layer

	next core.BalanceReader
}

// Balances implements [core.BalanceReader].
func (b balances) Balances(ctx context.Context) ([]core.Balance, error) {
	const op = "balances"
	all, err := b.next.Balances(ctx)
	if err != nil {
		return nil, b.failed(op, err)
	}
	if err := checkBalances(all); err != nil {
		return nil, b.disbelieved(op, err)
	}
	return all, nil
}

func checkBalances(all []core.Balance) error {
	if len(all) > maxBalances {
		return errBalances
	}
	for _, b := range all {
		currency := cmp.Or(b.Available.Currency(), b.Holding.Currency(), b.Credit.Currency())
		for _, m := range []core.Money{b.Available, b.Holding, b.Credit} {
			if m.Known() && m.Currency() != currency {
				return errMixed
			}
		}
		if b.Holding.Sign() < 0 || b.Credit.Sign() < 0 {
			return errNegative
		}
	}
	return nil
}

type callbacks struct {
	*layer

	next core.CallbackReader
}

// ReadCallback implements [core.CallbackReader].
func (c callbacks) ReadCallback(ctx context.Context, req core.CallbackRequest) (core.Callback, error) {
	const op = "read_callback"
	callback, err := c.next.ReadCallback(ctx, req)
	if err != nil {
		return core.Callback{}, c.failed(op, err)
	}
	if err := checkCallback(callback); err != nil {
		return core.Callback{}, c.disbelieved(op, err)
	}
	return callback, nil
}

// checkCallback wants a reply that can be sent as it is, and orders that can be looked for.
func checkCallback(c core.Callback) error {
	switch {
	case len(c.Orders) > maxOrders:
		return errOrders
	case c.Status != 0 && (c.Status < http.StatusOK || c.Status > 599):
		return errStatus
	case len(c.Body) > maxReply, len(c.ContentType) > maxName, !printable(c.ContentType):
		return errReply
	}
	for _, o := range c.Orders {
		if err := checkCallbackOrder(o); err != nil {
			return err
		}
	}
	return nil
}

func printable(s string) bool {
	for _, r := range s {
		if r > unicode.MaxASCII || unicode.IsControl(r) {
			return false
		}
	}
	return true
}

func checkCallbackOrder(o core.CallbackOrder) error {
	switch {
	case o == core.CallbackOrder{}:
		return errNoOrder
	case len(o.Ref) > maxNumber, len(o.Invoice) > maxNumber, len(o.Quote) > maxProof:
		return fmt.Errorf("an order's number: %w", errTooLong)
	default:
		return nil
	}
}

type quotes struct {
	*layer

	next core.QuoteCanceller
}

// CancelQuote implements [core.QuoteCanceller].
func (q quotes) CancelQuote(ctx context.Context, token string) error {
	if err := q.next.CancelQuote(ctx, token); err != nil {
		return q.failed("cancel_quote", err)
	}
	return nil
}
