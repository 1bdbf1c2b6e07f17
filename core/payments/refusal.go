package payments

import (
	"errors"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/router"
)

// Code says why a request was refused. The list is closed; docs/http.md explains each.
type Code string

// The codes of a refusal. Nothing was recorded and nothing was sent for any of them.
const (
	CodeInvalidRequest      Code = "invalid_request"
	CodeAmountInvalid       Code = "amount_invalid"
	CodeAccountInvalid      Code = "account_invalid"
	CodeMerchantUnknown     Code = "merchant_unknown"
	CodeNoRoute             Code = "no_route"
	CodePriceAboveLimit     Code = "price_above_limit"
	CodeCostUnknown         Code = "cost_unknown"
	CodeInquiryNotFound     Code = "inquiry_not_found"
	CodeInquiryMismatch     Code = "inquiry_mismatch"
	CodeQuoteExpired        Code = "quote_expired"
	CodeInquiryUsed         Code = "inquiry_used"
	CodeKeyReused           Code = "idempotency_key_reused"
	CodeInvoiceNotConfirmed Code = "invoice_not_confirmed"
	CodeInvoiceTaken        Code = "invoice_taken"
	CodeStateConflict       Code = "state_conflict"
	CodeNotFound            Code = "not_found"
	CodeProviderRefused     Code = "provider_refused"
	CodeProviderUnavailable Code = "provider_unavailable"
	CodeJournalUnavailable  Code = "journal_unavailable"
	CodeStopping            Code = "stopping"
	CodeHalted              Code = "halted"
)

// Refusal is a request that was not taken up. It names the field and the rule, and nothing was changed.
type Refusal struct { //nolint:errname // the word callers and the API use
	Code  Code
	Field string // as the API names it; "" where it is about no field
	Rule  string
	Err   error
}

// Error gives "amount must be at least 50000 IDR".
func (r *Refusal) Error() string {
	if r.Field == "" {
		return r.Rule
	}
	return r.Field + " " + r.Rule
}

// Unwrap gives the cause.
func (r *Refusal) Unwrap() error { return r.Err }

// routeRefusal words what the router said.
func routeRefusal(merchant core.MerchantCode, err error) error {
	if errors.Is(err, router.ErrNoRoute) {
		return &Refusal{Code: CodeNoRoute, Field: "merchant", Rule: "has no route: " + string(merchant), Err: err}
	}
	var order *core.OrderError
	if !errors.As(err, &order) {
		return err
	}
	code := CodeInvalidRequest
	switch order.Field {
	case "amount":
		code = CodeAmountInvalid
	case "account":
		code = CodeAccountInvalid
	case "merchant":
		code = CodeMerchantUnknown
	}
	return &Refusal{Code: code, Field: order.Field, Rule: order.Rule, Err: err}
}

// haltRefusal words why a halted engine takes nothing up. What was found stands in the log and in the readiness: it is the operator's business.
func haltRefusal(reason string) error {
	return &Refusal{
		Code: CodeHalted, Err: errors.New(reason),
		Rule: "the gateway has stopped sending, since its journal breaks its own rules or may lack payments; nothing was sent: an operator must look",
	}
}

// spillRefusal words why nothing is begun while an outcome might find no place beside the journal.
func spillRefusal(err error) error {
	return &Refusal{
		Code: CodeJournalUnavailable, Err: err,
		Rule: "an outcome that the journal could not take would be lost, so nothing was sent: try again with the same key",
	}
}

// journalRefusal words a write of the journal that did not happen, or may not have. Nothing was sent on account of it.
func journalRefusal(err error) error {
	if errors.Is(err, journal.ErrNotFound) {
		return &Refusal{Code: CodeNotFound, Rule: "no such payment", Err: err}
	}
	if errors.Is(err, journal.ErrHeld) {
		return haltRefusal(err.Error())
	}
	if errors.Is(err, journal.ErrQuoteUsed) {
		return &Refusal{Code: CodeInquiryUsed, Field: "inquiry", Rule: "is being paid, or was paid, under another key: inquire again", Err: err}
	}
	return &Refusal{
		Code: CodeJournalUnavailable, Err: err,
		Rule: "the intent could not be made durable, so nothing was sent: try again with the same key",
	}
}
