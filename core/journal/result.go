package journal

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/jalurhq/jalur/core"
)

// Order gives the request of an attempt as it is, or was, sent.
func (p Payment) Order(a Attempt) core.PayRequest {
	return core.PayRequest{
		Ref: a.ID, Merchant: p.Merchant, Product: a.Product, Account: p.Account, Amount: p.Amount,
		Quote: a.Quote, MaxCost: p.MaxCost, Extra: p.Extra,
	}
}

// Told gives the attempt with what a provider's answer says about it. What the answer leaves out stays as it was known before.
func (a Attempt) Told(res core.Result) Attempt {
	a.Outcome, a.Code, a.ProviderCode, a.Reason = res.Outcome, res.Code, res.ProviderCode, res.Reason
	keep(&a.Invoice, res.Invoice)
	keep(&a.Reference, res.Reference)
	keep(&a.ReceiverName, res.ReceiverName)
	keep(&a.Cost, res.Cost)
	keep(&a.Cashback, res.Cashback)
	keep(&a.ProviderTime, res.ProviderTime)
	a.Details = merged(a.Details, res.Details)
	return a
}

func keep[T comparable](field *T, told T) {
	var nothing T
	if told != nothing {
		*field = told
	}
}

func merged(old, told map[string]string) map[string]string {
	if len(old)+len(told) == 0 {
		return nil
	}
	all := make(map[string]string, len(old)+len(told))
	for _, details := range []map[string]string{old, told} {
		maps.Copy(all, details)
	}
	return all
}

// evidence is a provider's answer as an event keeps it. It holds no account number: the payment has that.
type evidence struct {
	Outcome      core.Outcome      `json:"outcome"`
	Code         core.Code         `json:"code,omitempty"`
	ProviderCode string            `json:"provider_code,omitempty"`
	Reason       string            `json:"reason,omitempty"`
	Invoice      core.Invoice      `json:"invoice,omitempty"`
	Reference    string            `json:"reference,omitempty"`
	Amount       core.Money        `json:"amount"`
	Cost         core.Money        `json:"cost"`
	Details      map[string]string `json:"details,omitempty"`
}

// Evidence gives an answer as JSON for [Cause.Evidence].
func Evidence(res core.Result) json.RawMessage {
	details := maps.Clone(res.Details)
	maps.DeleteFunc(details, func(name, _ string) bool { return strings.Contains(name, "account") })
	data, err := json.Marshal(evidence{
		Outcome: res.Outcome, Code: res.Code, ProviderCode: res.ProviderCode, Reason: res.Reason, Invoice: res.Invoice,
		Reference: res.Reference, Amount: res.Amount, Cost: res.Cost, Details: details,
	})
	if err != nil {
		return nil // strings, and Money that marshals itself without an error
	}
	return data
}
