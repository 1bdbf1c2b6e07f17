package checked

import (
	"errors"
	"fmt"

	"github.com/jalurhq/jalur/core"
)

// Limits of a page and of the numbers by which orders are found again.
const (
	maxProducts = 10_000
	maxNumber   = 256 // bytes of an invoice, a token, a cursor, a code
	maxProof    = 1024
)

var (
	errTooLong   = errors.New("too long")
	errTooMany   = errors.New("too many products in one page")
	errRepeating = errors.New("the page names itself as the next one")
	errInvoice   = errors.New("it says that nothing was sent, and yet it has an invoice")
	errNegative  = errors.New("a negative amount")
	errMixed     = errors.New("more than one currency in one balance")
	errOrders    = errors.New("too many orders in one callback")
	errNoOrder   = errors.New("an order that nothing names")
	errStatus    = errors.New("a status that no reply can have")
	errReply     = errors.New("the reply is not fit to be sent")
	errBalances  = errors.New("too many balances")
)

// checkNumbers refuses what may not be cut: a shortened invoice is somebody else's.
func checkNumbers(res core.Result) error {
	switch {
	case len(res.Invoice) > maxNumber:
		return fmt.Errorf("invoice: %w", errTooLong)
	case len(res.Reference) > maxProof:
		return fmt.Errorf("reference: %w", errTooLong)
	case len(res.Product) > maxNumber, len(res.Account) > maxNumber, len(res.Ref) > maxNumber:
		return fmt.Errorf("product, account or our reference: %w", errTooLong)
	default:
		return nil
	}
}

// checkQuote takes a field that isn't echoed as said, and one that differs as a lie. No value is repeated in the error.
func checkQuote(req core.InquiryRequest, quote core.Quote) error {
	switch {
	case quote.Account != "" && quote.Account != req.Account:
		return fmt.Errorf("account: %w", core.ErrContradiction)
	case quote.Product != "" && quote.Product != req.Product:
		return fmt.Errorf("product: %w", core.ErrContradiction)
	case quote.Amount.Known() && req.Amount.Known() && !quote.Amount.Equal(req.Amount):
		return fmt.Errorf("amount %s, not %s: %w", quote.Amount, req.Amount, core.ErrContradiction)
	case quote.Amount.Sign() < 0, quote.Cost.Sign() < 0:
		return fmt.Errorf("amount or cost: %w", errNegative)
	case len(quote.Token) > maxProof:
		return fmt.Errorf("token: %w", errTooLong)
	default:
		return nil
	}
}

// checkPage leaves out products that nobody could buy as described.
func checkPage(filter core.ProductFilter, page core.ProductPage) (core.ProductPage, error) {
	switch {
	case len(page.Products) > maxProducts:
		return core.ProductPage{}, errTooMany
	case len(page.Next) > maxProof:
		return core.ProductPage{}, fmt.Errorf("cursor: %w", errTooLong)
	case page.Next != "" && page.Next == filter.Cursor:
		return core.ProductPage{}, errRepeating
	}
	kept := make([]core.Product, 0, len(page.Products))
	for _, p := range page.Products {
		if sellable(p) {
			kept = append(kept, trimProduct(p))
		}
	}
	page.Products = kept
	return page, nil
}

func sellable(p core.Product) bool {
	return p.Code != "" && len(p.Code) <= maxNumber && sensible(p.Amounts)
}

// believable reports whether a cost can be reckoned with the fee.
func believable(f core.Fee) bool {
	return f.Known && f.Flat.Known() && (!f.Fixed || f.Flat.Sign() >= 0) && isRate(f.Rate)
}

func isRate(rate string) bool {
	if rate == "" {
		return true
	}
	factor, err := core.ParseMoney(rate, core.Rupiah)
	return err == nil && factor.Sign() > 0
}

func sensible(a core.AmountSpec) bool {
	if a.Min.Sign() < 0 || a.Max.Sign() < 0 || a.Step.Sign() < 0 {
		return false
	}
	if !a.Min.Known() || !a.Max.Known() {
		return true
	}
	order, err := a.Min.Cmp(a.Max)
	return err == nil && order <= 0
}
