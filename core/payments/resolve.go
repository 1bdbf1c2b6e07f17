package payments

import (
	"context"
	"errors"
	"strings"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/reconciler"
)

const (
	maxReason  = 500
	maxReloads = 3 // of a payment that changed while an operator's evidence was looked at
)

// Resolution is an operator's evidence about a payment that nobody knows the outcome of: either the invoice from the
// provider's report, or the word that there is none.
type Resolution struct {
	Invoice     core.Invoice
	NotExecuted bool
	Reason      string // required with NotExecuted
	By          string // who says so
}

func (r Resolution) check() error {
	r.Reason = strings.TrimSpace(r.Reason)
	switch {
	case r.NotExecuted && r.Invoice != "":
		return &Refusal{Code: CodeInvalidRequest, Field: "invoice", Rule: "and not_executed exclude each other"}
	case !r.NotExecuted && r.Invoice == "":
		return &Refusal{Code: CodeInvalidRequest, Field: "invoice", Rule: "or not_executed is required"}
	case r.NotExecuted && r.Reason == "":
		return &Refusal{Code: CodeInvalidRequest, Field: "reason", Rule: "is required with not_executed"}
	case len(r.Reason) > maxReason:
		return &Refusal{Code: CodeInvalidRequest, Field: "reason", Rule: "is longer than 500 bytes"}
	}
	return nil
}

// Resolve takes an operator's evidence. An invoice is believed only once the provider's own status call has confirmed
// merchant, account and amount. Where a second person has to say that a payment was not executed, it stays unknown until then, and its details name the first. Refusals: state_conflict, invoice_not_confirmed, invoice_taken.
func (s *Service) Resolve(ctx context.Context, p journal.Payment, r Resolution) (journal.Payment, error) {
	if err := r.check(); err != nil {
		return p, err
	}
	err := s.resolve(ctx, p, r)
	for tries := 0; errors.Is(err, journal.ErrStale) && tries < maxReloads; tries++ { // a claim or a parking in between leaves it to be resolved all the same
		seen := p.Last()
		if p, err = s.Payment(ctx, AnyClient, p.ID); err != nil {
			return p, err
		}
		if r.NotExecuted && !sameNews(seen, p.Last()) {
			return p, &Refusal{Code: CodeStateConflict, Rule: "the provider has said something of it just now: look at it again", Err: journal.ErrStale}
		}
		err = s.resolve(ctx, p, r)
	}
	if err != nil && !errors.Is(err, reconciler.ErrSecondPerson) {
		return p, resolveRefusal(err)
	}
	return s.Payment(ctx, AnyClient, p.ID)
}

// sameNews reports whether nothing was learned of an attempt between two looks: only then does a word about the one hold for the other.
func sameNews(a, b journal.Attempt) bool {
	return a.ID == b.ID && a.Outcome == b.Outcome && a.Invoice == b.Invoice && a.Reference == b.Reference
}

func (s *Service) resolve(ctx context.Context, p journal.Payment, r Resolution) error {
	by := "operator:" + r.By
	if r.NotExecuted {
		return s.reconciler.ResolveNotExecuted(ctx, p, r.Reason, by)
	}
	return s.reconciler.ResolveInvoice(ctx, p, r.Invoice, by)
}

func resolveRefusal(err error) error {
	switch {
	case errors.Is(err, reconciler.ErrNotUnknown), errors.Is(err, journal.ErrStale), errors.Is(err, journal.ErrIllegal):
		return &Refusal{Code: CodeStateConflict, Rule: "only a payment whose state is unknown can be resolved: " + err.Error(), Err: err}
	case errors.Is(err, reconciler.ErrStillAsked), errors.Is(err, reconciler.ErrContradicted):
		return &Refusal{Code: CodeStateConflict, Rule: err.Error(), Err: err}
	case errors.Is(err, reconciler.ErrNotConfirmed):
		return &Refusal{Code: CodeInvoiceNotConfirmed, Field: "invoice", Rule: "was not believed: " + err.Error(), Err: err}
	case errors.Is(err, reconciler.ErrStillPending):
		return &Refusal{Code: CodeStateConflict, Rule: reconciler.ErrStillPending.Error(), Err: err}
	case errors.Is(err, journal.ErrInvoiceTaken):
		return &Refusal{Code: CodeInvoiceTaken, Field: "invoice", Rule: "belongs to another payment", Err: err}
	default:
		return readRefusal(err)
	}
}
