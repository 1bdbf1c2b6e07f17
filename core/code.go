package core

import "slices"

// Code classes why a call ended as it did. The list is closed; a provider's own code travels beside it.
type Code string

// The codes, by whose problem each one is.
const (
	// The caller's request or our own software.
	CodeBadRequest Code = "bad_request"
	CodeInternal   Code = "internal" // also: an answer that nobody could map
	// The operator of this gateway.
	CodeAuth             Code = "auth"
	CodeIPNotAllowed     Code = "ip_not_allowed"
	CodeAccountSuspended Code = "account_suspended"
	CodeDepositEmpty     Code = "deposit_empty"
	CodeProductUnknown   Code = "product_unknown"
	// Nobody: it passes.
	CodeProductDown Code = "product_down"
	CodeOutOfStock  Code = "out_of_stock"
	CodeCutOff      Code = "cut_off"
	CodeMaintenance Code = "maintenance"
	CodeRateLimited Code = "rate_limited"
	// The router's choice.
	CodePriceAboveLimit Code = "price_above_limit"
	CodeAmountInvalid   Code = "amount_invalid"
	CodeQuoteExpired    Code = "quote_expired"
	// The customer.
	CodeAccountInvalid  Code = "account_invalid"
	CodeBillUnavailable Code = "bill_unavailable"
	// Possibly the trace of an earlier success.
	CodeRepeatTooSoon      Code = "repeat_too_soon"
	CodeDuplicateRef       Code = "duplicate_ref"
	CodeDuplicateElsewhere Code = "duplicate_elsewhere"
	// The provider's plain word.
	CodeDeclined Code = "declined"
	CodeRefunded Code = "refunded"
	CodeNotFound Code = "not_found" // on Status: no such order, which is not yet proof of anything
	// The way there and back.
	CodeUpstreamTimeout    Code = "upstream_timeout"
	CodeTransportNotSent   Code = "transport_not_sent"
	CodeTransportAfterSend Code = "transport_after_send"
)

// Codes lists every code, in the order of the documentation.
func Codes() []Code {
	return []Code{
		CodeBadRequest, CodeInternal,
		CodeAuth, CodeIPNotAllowed, CodeAccountSuspended, CodeDepositEmpty, CodeProductUnknown,
		CodeProductDown, CodeOutOfStock, CodeCutOff, CodeMaintenance, CodeRateLimited,
		CodePriceAboveLimit, CodeAmountInvalid, CodeQuoteExpired,
		CodeAccountInvalid, CodeBillUnavailable,
		CodeRepeatTooSoon, CodeDuplicateRef, CodeDuplicateElsewhere,
		CodeDeclined, CodeRefunded, CodeNotFound,
		CodeUpstreamTimeout, CodeTransportNotSent, CodeTransportAfterSend,
	}
}

// Valid reports whether the code is on the list.
func (c Code) Valid() bool {
	return slices.Contains(Codes(), c)
}

// AnotherProviderMayDiffer reports whether a refusal of this class says nothing about what another provider would
// answer. Together with [Outcome.NothingMoved] it is what allows a fail-over. A plain "declined" is not on the list: its cause isn't known.
func (c Code) AnotherProviderMayDiffer() bool {
	switch c {
	case CodeAuth, CodeIPNotAllowed, CodeAccountSuspended, CodeDepositEmpty, CodeProductUnknown,
		CodeProductDown, CodeOutOfStock, CodeCutOff, CodeMaintenance, CodePriceAboveLimit, CodeTransportNotSent:
		return true
	default:
		return false
	}
}
