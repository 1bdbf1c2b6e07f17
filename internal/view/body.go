package view

import (
	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/payments"
)

// OrderBody is the body of POST /v1/payments. Fields that are not set are left out.
type OrderBody struct {
	Merchant core.MerchantCode  `json:"merchant" maxLength:"64" example:"GOPAY"`
	Account  core.AccountNumber `json:"account,omitempty" maxLength:"64" example:"081234567890" doc:"Left out where the merchant takes none."`
	Amount   core.Money         `json:"amount,omitzero"`
	Inquiry  string             `json:"inquiry,omitempty" doc:"The id of an inquiry, whose price and provider are then used. The amount may be left out."`
	MaxCost  core.Money         `json:"max_cost,omitzero"`
	Extra    map[string]string  `json:"extra,omitempty" doc:"Further fields that a provider wants; at most 20."`
	// Repeat says that a top-up is meant, although the same one was made a short while ago under another key.
	Repeat bool `json:"repeat,omitempty" doc:"The same top-up again is meant, although one was made a short while ago under another key."`
}

// Order gives the order as the service takes it.
func (b OrderBody) Order(client string, key core.Key) payments.Order {
	return payments.Order{
		Client: client, Key: key, Merchant: b.Merchant, Account: b.Account, Amount: b.Amount,
		MaxCost: b.MaxCost, Inquiry: b.Inquiry, Extra: b.Extra,
	}
}

// InquiryBody is the body of POST /v1/inquiries.
type InquiryBody struct {
	Merchant core.MerchantCode  `json:"merchant" maxLength:"64" example:"GOPAY"`
	Account  core.AccountNumber `json:"account,omitempty" maxLength:"64" example:"081234567890" doc:"Left out where the merchant takes none."`
	Amount   core.Money         `json:"amount,omitzero"`
	Extra    map[string]string  `json:"extra,omitempty" doc:"Further fields that a provider wants; at most 20."`
}

// Order gives the inquiry as the service takes it.
func (b InquiryBody) Order(client string) payments.Order {
	return payments.Order{Client: client, Merchant: b.Merchant, Account: b.Account, Amount: b.Amount, Extra: b.Extra}
}

// ResolveBody is the body of POST /v1/payments/{id}/resolve: an invoice, or not_executed with a reason.
type ResolveBody struct {
	Invoice     core.Invoice `json:"invoice,omitempty" doc:"The number of this order in the provider's report."`
	NotExecuted bool         `json:"not_executed,omitempty" doc:"The provider's report has no such order."`
	Reason      string       `json:"reason,omitempty" maxLength:"500" doc:"Required with not_executed."`
}

// Resolution gives the evidence as the service takes it.
func (b ResolveBody) Resolution(by string) payments.Resolution {
	return payments.Resolution{Invoice: b.Invoice, NotExecuted: b.NotExecuted, Reason: b.Reason, By: by}
}
