package view

import (
	"errors"
	"net/http"
	"strings"

	"github.com/jalurhq/jalur/core/payments"
)

// Codes of problems that are about the request itself rather than about the order in it. Those of orders are in package payments.
const (
	CodeMalformedJSON        payments.Code = "malformed_json"
	CodeKeyMissing           payments.Code = "idempotency_key_missing"
	CodeUnauthorized         payments.Code = "unauthorized"
	CodeForbidden            payments.Code = "forbidden"
	CodeMethodNotAllowed     payments.Code = "method_not_allowed"
	CodeBodyTimeout          payments.Code = "body_timeout"
	CodeBodyTooLarge         payments.Code = "body_too_large"
	CodeUnsupportedMediaType payments.Code = "unsupported_media_type"
	CodeReloadFailed         payments.Code = "reload_failed"
	CodeInternal             payments.Code = "internal"
)

// ProblemKind is what all problems of one code have in common.
type ProblemKind struct {
	Code   payments.Code
	Status int
	Title  string
}

// ProblemKinds lists every code that an answer can carry. The list is closed; docs/http.md explains each.
func ProblemKinds() []ProblemKind {
	return []ProblemKind{
		{CodeMalformedJSON, http.StatusBadRequest, "The body is not one JSON object"},
		{CodeKeyMissing, http.StatusBadRequest, "The Idempotency-Key header is missing"},
		{CodeUnauthorized, http.StatusUnauthorized, "No client, or a wrong secret"},
		{CodeForbidden, http.StatusForbidden, "Not allowed for this client"},
		{payments.CodeNotFound, http.StatusNotFound, "There is no such thing"},
		{CodeMethodNotAllowed, http.StatusMethodNotAllowed, "No such method here"},
		{CodeBodyTimeout, http.StatusRequestTimeout, "The body did not arrive in time"},
		{payments.CodeStateConflict, http.StatusConflict, "The payment's state doesn't allow it"},
		{CodeBodyTooLarge, http.StatusRequestEntityTooLarge, "The body is too large"},
		{CodeUnsupportedMediaType, http.StatusUnsupportedMediaType, "The body is not JSON"},
		{payments.CodeInvalidRequest, http.StatusUnprocessableEntity, "A field or parameter breaks a rule"},
		{payments.CodeAmountInvalid, http.StatusUnprocessableEntity, "The amount breaks a rule"},
		{payments.CodeAccountInvalid, http.StatusUnprocessableEntity, "The account number breaks a rule"},
		{payments.CodeMerchantUnknown, http.StatusUnprocessableEntity, "No provider of the route sells this merchant"},
		{payments.CodeNoRoute, http.StatusUnprocessableEntity, "No route for this order"},
		{payments.CodePriceAboveLimit, http.StatusUnprocessableEntity, "It would cost more than allowed"},
		{payments.CodeCostUnknown, http.StatusUnprocessableEntity, "The cost isn't known before"},
		{payments.CodeInquiryNotFound, http.StatusUnprocessableEntity, "There is no such inquiry"},
		{payments.CodeInquiryMismatch, http.StatusUnprocessableEntity, "The inquiry is about another order"},
		{payments.CodeInquiryUsed, http.StatusUnprocessableEntity, "The inquiry was paid already"},
		{payments.CodeQuoteExpired, http.StatusUnprocessableEntity, "The inquiry has expired"},
		{payments.CodeKeyReused, http.StatusUnprocessableEntity, "The key was used for another order"},
		{payments.CodeInvoiceNotConfirmed, http.StatusUnprocessableEntity, "The provider doesn't confirm the invoice"},
		{payments.CodeInvoiceTaken, http.StatusUnprocessableEntity, "The invoice belongs to another payment"},
		{payments.CodeProviderRefused, http.StatusUnprocessableEntity, "The provider refused the inquiry"},
		{CodeReloadFailed, http.StatusUnprocessableEntity, "The plugin was not reloaded; what ran before goes on"},
		{CodeInternal, http.StatusInternalServerError, "The gateway failed"},
		{payments.CodeProviderUnavailable, http.StatusServiceUnavailable, "No provider could be asked"},
		{payments.CodeJournalUnavailable, http.StatusServiceUnavailable, "The journal is not available"},
		{payments.CodeStopping, http.StatusServiceUnavailable, "The gateway is stopping"},
		{payments.CodeHalted, http.StatusServiceUnavailable, "The gateway has stopped sending"},
	}
}

// kindOf gives the kind of a code; a code that isn't on the list is an internal problem.
func kindOf(code payments.Code) ProblemKind {
	for _, kind := range ProblemKinds() {
		if kind.Code == code {
			return kind
		}
	}
	return kindOf(CodeInternal)
}

// Problem is an error as RFC 9457 words it (application/problem+json), with the code that programs decide by.
type Problem struct { //nolint:errname // the word of RFC 9457
	Type    string        `json:"type" example:"urn:jalur:problem:amount_invalid"`
	Title   string        `json:"title"`
	Status  int           `json:"status" example:"422"`
	Detail  string        `json:"detail" doc:"What was wrong this time, for people."`
	Code    payments.Code `json:"code" example:"amount_invalid" doc:"One of a closed list."`
	Outcome string        `json:"outcome,omitempty" enum:"not_sent,unknown" doc:"Where money is concerned: what is known of the order."`
	Field   string        `json:"field,omitempty" example:"amount" doc:"The field or parameter that it is about."`
	Errors  []FieldError  `json:"errors,omitempty" nullable:"false" doc:"Where it is about several fields: all of them."`
}

// FieldError is one field with the rule that it breaks.
type FieldError struct {
	Field string `json:"field"`
	Rule  string `json:"rule"`
}

// NewProblem gives a problem of a code. field is "" where it is about no field.
func NewProblem(code payments.Code, field, detail string) *Problem {
	kind := kindOf(code)
	return &Problem{
		Type: "urn:jalur:problem:" + string(kind.Code), Title: kind.Title, Status: kind.Status,
		Detail: detail, Code: kind.Code, Field: field,
	}
}

// FieldProblem gives the problem of a code with everything that it is about.
func FieldProblem(code payments.Code, broken ...FieldError) *Problem {
	rules := make([]string, len(broken))
	for i, b := range broken {
		rules[i] = strings.TrimSpace(b.Field + " " + b.Rule)
	}
	p := NewProblem(code, broken[0].Field, strings.Join(rules, "; "))
	if len(broken) > 1 {
		p.Errors = broken
	}
	return p
}

// ProblemOf words any error. What isn't a refusal is an internal problem, and its text stays inside.
func ProblemOf(err error) *Problem {
	if problem, ok := errors.AsType[*Problem](err); ok {
		return problem
	}
	if refusal, ok := errors.AsType[*payments.Refusal](err); ok {
		return NewProblem(refusal.Code, refusal.Field, refusal.Error())
	}
	return NewProblem(CodeInternal, "", "the gateway failed; its log says why")
}

// Error gives "amount_invalid: amount must be at least 50000 IDR".
func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// GetStatus gives the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType gives the media type of a problem in place of that of an answer.
func (*Problem) ContentType(string) string { return ProblemType }

// ProblemType is the media type of a [Problem].
const ProblemType = "application/problem+json"
