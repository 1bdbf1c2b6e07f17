// Package checked is the middleware that believes nobody: it checks every answer of a provider, in process or not, before anything is made of it, and puts
// the provider's name on every error.
package checked

import (
	"context"
	"errors"
	"fmt"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/internal/mutant"
)

// New gives the middleware for the provider of that name. What leaves it is in order: an error is a [*core.Error] with the name on it, a result of Pay and
// Status has passed [core.CheckResult], a quote is about what was asked, a page makes sense, and no text is longer than is good for a journal.
//
// An answer that fails is Unknown for Pay and Status, with the rest of it as evidence, and an error for the others.
func New(provider string) core.Middleware {
	return func(next core.Provider) core.Provider { return &layer{name: provider, next: next} }
}

type layer struct {
	name string
	next core.Provider
}

// Describe implements [core.Provider].
func (l *layer) Describe(ctx context.Context) (core.Descriptor, error) {
	d, err := l.next.Describe(ctx)
	if err != nil {
		return core.Descriptor{}, l.failed("describe", err)
	}
	if err := core.CheckDescriptor(d); err != nil {
		return core.Descriptor{}, l.disbelieved("describe", err)
	}
	return d, nil
}

// ListProducts implements [core.Provider]. A product that can't be sold as it is described is left out.
func (l *layer) ListProducts(ctx context.Context, filter core.ProductFilter) (core.ProductPage, error) {
	const op = "list_products"
	page, err := l.next.ListProducts(ctx, filter)
	if err != nil {
		return core.ProductPage{}, l.failed(op, err)
	}
	page, err = checkPage(filter, page)
	if err != nil {
		return core.ProductPage{}, l.disbelieved(op, err)
	}
	return page, nil
}

// Inquire implements [core.Provider].
func (l *layer) Inquire(ctx context.Context, req core.InquiryRequest) (core.Quote, error) {
	const op = "inquire"
	quote, err := l.next.Inquire(ctx, req)
	if err != nil {
		return core.Quote{}, l.failed(op, err)
	}
	if err := checkQuote(req, quote); err != nil {
		return core.Quote{}, l.disbelieved(op, err)
	}
	return trimQuote(quote), nil
}

// Pay implements [core.Provider].
func (l *layer) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	const op = "pay"
	d, err := l.next.Describe(ctx)
	if err != nil { // nobody was paid: without the descriptor no answer could be checked
		return core.Result{}, l.named(op, core.NotSent, core.CodeTransportNotSent, err)
	}
	res, err := l.next.Pay(ctx, req)
	return l.order(call{op, d, req}, res, err)
}

// Status implements [core.Provider].
func (l *layer) Status(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	const op = "status"
	d, err := l.next.Describe(ctx)
	if err != nil {
		return core.Result{}, l.failed(op, err)
	}
	res, err := l.next.Status(ctx, req)
	return l.order(call{op, d, req.Original}, res, err)
}

// call is what an answer about an order is held against.
type call struct {
	op         string
	descriptor core.Descriptor
	order      core.PayRequest
}

// order settles an answer about an order. With an error the result is evidence and nothing else; and nobody who has seen an invoice can say that nothing was sent.
func (l *layer) order(c call, res core.Result, err error) (core.Result, error) {
	tooLong := checkNumbers(res)
	if tooLong != nil {
		res = core.Disown(res)
	}
	res = trimResult(res)
	switch {
	case err != nil:
		if res.Invoice != "" && core.OutcomeOf(err) == core.NotSent {
			err = errInvoice
		}
		return l.evidence(c, res), l.failed(c.op, err)
	case tooLong != nil:
		return l.evidence(c, res), l.disbelieved(c.op, tooLong)
	}
	if mutant.On("contradiction-believed") {
		return res, nil
	}
	res, err = core.CheckResult(c.descriptor, c.order, res)
	if err != nil {
		return res, l.failed(c.op, err)
	}
	return res, nil
}

// evidence is what remains of an answer that isn't believed. An invoice that came with another order's data isn't this order's.
func (l *layer) evidence(c call, res core.Result) core.Result {
	if res.Contradicts(c.order) {
		res = core.Disown(res)
	}
	res.Outcome = core.Unknown
	return res
}

// failed puts the name on an error. Of what an error may not claim, Unknown is made: an error is no answer, and a question about an order that was not
// sent says nothing about the order.
func (l *layer) failed(op string, err error) error {
	var known *core.Error
	if !errors.As(err, &known) {
		return l.named(op, core.Unknown, core.CodeInternal, err)
	}
	out := core.Unknown
	if known.Outcome == core.NotSent && op != "status" || known.Outcome == core.Declined && op == "inquire" {
		out = known.Outcome
	}
	cause := err
	if error(known) == err { //nolint:errorlint // only what nothing was wrapped around is taken apart
		cause = known.Err
	}
	return l.named(op, out, core.CodeOf(known), cause)
}

func (l *layer) disbelieved(op string, err error) error {
	return l.named(op, core.Unknown, core.CodeInternal, fmt.Errorf("the answer is not believed: %w", err))
}

func (l *layer) named(op string, out core.Outcome, code core.Code, cause error) error {
	return &core.Error{Op: op, Provider: l.name, Outcome: out, Code: code, Err: cause}
}
