package payments

import (
	"context"
	"errors"
	"fmt"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/router"
)

// plan is how an order is to be made: by which lane, and by which ones if nothing moved there.
type plan struct {
	amount core.Money
	lane   router.Candidate
	rest   []router.Candidate
	quote  string
	// problem is why no lane can send now; then the payment is recorded as failed, by its first lane.
	problem error
}

func (p plan) cause() journal.Cause {
	if p.problem != nil {
		return journal.Cause{Actor: "submit", Why: "no lane could send: " + p.problem.Error()}
	}
	return journal.Cause{Actor: "submit", Why: "ordered"}
}

// plan routes an order. Errors are refusals: nothing has been recorded.
func (e *Engine) plan(ctx context.Context, o Order) (plan, error) {
	inquiry, err := e.inquiryOf(ctx, o)
	if err != nil {
		return plan{}, err
	}
	amount := o.Amount
	if !amount.Known() {
		amount = inquiry.Amount
	}
	route, takers, err := e.takers(ctx, router.Order{Merchant: o.Merchant, Account: o.Account, Amount: amount, Extra: o.Extra}, inquiry.Provider)
	if err != nil {
		return plan{}, err
	}
	if inquiry.ID == "" && route.Rule.InquireFirst {
		return e.planByQuote(ctx, o, takers)
	}
	takers, err = e.affordable(ctx, takers, costLimit{amount, o.MaxCost, inquiry.Cost})
	if err != nil {
		return plan{}, err
	}
	made := plan{amount: amount, quote: inquiry.Token}
	made.lane, made.rest, made.problem = firstReady(ctx, takers)
	if made.problem != nil {
		made.lane = takers[0]
	}
	return made, nil
}

// takers gives the lanes that don't refuse the order; only those of one provider where a quote of its is to be used.
func (e *Engine) takers(ctx context.Context, o router.Order, provider string) (router.Route, []router.Candidate, error) {
	route, err := e.Router.Route(ctx, o, e.Catalogue)
	if err != nil {
		return route, nil, routeRefusal(o.Merchant, err)
	}
	takers, err := route.Takers()
	if err != nil {
		return route, nil, routeRefusal(o.Merchant, err)
	}
	if provider == "" {
		return route, takers, nil
	}
	for _, c := range takers {
		if c.Provider.Name == provider {
			return route, []router.Candidate{c}, nil
		}
	}
	return route, nil, &Refusal{Code: CodeNoRoute, Field: "inquiry", Rule: "was made at " + provider + ", which the route no longer names"}
}

// inquiryOf loads the quote that an order names, and holds the order against it.
func (e *Engine) inquiryOf(ctx context.Context, o Order) (journal.Inquiry, error) {
	if o.Inquiry == "" {
		return journal.Inquiry{}, nil
	}
	inquiry, err := e.Store.Inquiry(ctx, o.Client, o.Inquiry)
	if errors.Is(err, journal.ErrNotFound) {
		return inquiry, &Refusal{Code: CodeInquiryNotFound, Field: "inquiry", Rule: "is not known", Err: err}
	}
	if err != nil {
		return inquiry, journalRefusal(err)
	}
	switch {
	case inquiry.Merchant != o.Merchant || inquiry.Account != o.Account || o.Amount.Known() && !inquiry.Amount.Equal(o.Amount):
		return inquiry, &Refusal{Code: CodeInquiryMismatch, Field: "inquiry", Rule: "is about another merchant, account or amount"}
	case !inquiry.ExpiresAt.IsZero() && !e.Clock.Now().Before(inquiry.ExpiresAt):
		return inquiry, &Refusal{Code: CodeQuoteExpired, Field: "inquiry", Rule: "has expired: inquire again"}
	}
	return inquiry, nil
}

// planByQuote asks each lane for a quote, in order, until one gives it.
func (e *Engine) planByQuote(ctx context.Context, o Order, takers []router.Candidate) (plan, error) {
	var refused error
	for i, lane := range takers {
		quote, err := e.inquire(ctx, o, lane)
		if err == nil {
			err = checkCost(quote.Cost, o.MaxCost)
		}
		if err == nil {
			err = ready(ctx, lane)
		}
		if err != nil {
			refused = errors.Join(refused, err)
			continue
		}
		return plan{amount: quote.Amount, lane: lane, rest: takers[i+1:], quote: quote.Token}, nil
	}
	return plan{}, quoteRefusal(refused)
}

func (e *Engine) inquire(ctx context.Context, o Order, lane router.Candidate) (core.Quote, error) {
	ctx, cancel := context.WithTimeout(ctx, lane.Provider.Timeout)
	defer cancel()
	return lane.Provider.Inquire(ctx, core.InquiryRequest{
		Ref: e.NewID(), Merchant: o.Merchant, Product: lane.Product, Account: o.Account, Amount: o.Amount, Extra: o.Extra,
		CallbackURL: lane.Provider.CallbackFor(lane.Descriptor),
	})
}

// quoteRefusal words why nobody would give a quote.
func quoteRefusal(err error) error {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal
	}
	if said, ok := errors.AsType[*core.Error](err); ok && refuses(said) {
		return &Refusal{Code: declinedCode(said.Code), Rule: "the provider refused the inquiry: " + said.Error(), Err: err}
	}
	return &Refusal{Code: CodeProviderUnavailable, Rule: fmt.Sprintf("no provider answered the inquiry: %v", err), Err: err}
}

// refuses reports whether an inquiry failed by what the order is: the provider says so, or its code did before it asked.
func refuses(said *core.Error) bool {
	return said.Outcome == core.Declined || said.Outcome == core.NotSent && declinedCode(said.Code) != CodeProviderRefused
}

func declinedCode(c core.Code) Code {
	switch c {
	case core.CodeAmountInvalid:
		return CodeAmountInvalid
	case core.CodeAccountInvalid:
		return CodeAccountInvalid
	case core.CodeProductUnknown:
		return CodeMerchantUnknown
	default:
		return CodeProviderRefused
	}
}
