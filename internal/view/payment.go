package view

import (
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

// Payment is one top-up under one key. What became of it is told by its last attempt.
type Payment struct {
	ID           core.PaymentID       `json:"id" doc:"Names the payment, whoever made it."`
	Key          core.Key             `json:"key" doc:"The caller's own idempotency key."`
	Merchant     core.MerchantCode    `json:"merchant" example:"GOPAY"`
	Account      core.AccountNumber   `json:"account" doc:"The whole number, as it was ordered."`
	Amount       core.Money           `json:"amount"`
	State        journal.PaymentState `json:"state" enum:"accepted,pending,unknown,succeeded,failed,refunded" doc:"failed always means that no money moved."`
	Provider     string               `json:"provider" doc:"Where the last attempt was made."`
	Invoice      core.Invoice         `json:"invoice" doc:"The provider's number for the order."`
	Reference    string               `json:"reference" doc:"The proof of delivery that the customer is shown."`
	ReceiverName string               `json:"receiver_name"`
	Cost         core.Money           `json:"cost" doc:"What left the deposit."`
	Cashback     core.Money           `json:"cashback"`
	Reason       string               `json:"reason" doc:"The provider's own words, for people."`
	Code         core.Code            `json:"code" doc:"Why it stands as it does: one of a closed list."`
	ProviderCode string               `json:"provider_code" doc:"The provider's own code."`
	ProviderTime *time.Time           `json:"provider_time"`
	Details      map[string]string    `json:"details" doc:"What else the provider said."`
	CreatedAt    time.Time            `json:"created_at"`
	UpdatedAt    time.Time            `json:"updated_at"`
	Attempts     []Attempt            `json:"attempts" nullable:"false" doc:"In order. At most one of them can have moved money."`
}

// Attempt is one order at one provider.
type Attempt struct {
	N            int           `json:"n" minimum:"1" doc:"1 for the first."`
	Provider     string        `json:"provider"`
	Outcome      *core.Outcome `json:"outcome" enum:"not_sent,declined,pending,unknown,succeeded,refunded" doc:"null while the provider has not been heard of."`
	Code         core.Code     `json:"code"`
	ProviderCode string        `json:"provider_code"`
	Reason       string        `json:"reason"`
	StartedAt    *time.Time    `json:"started_at" doc:"When it was claimed for sending; null where it never was."`
	EndedAt      *time.Time    `json:"ended_at" doc:"When its outcome was first known."`
}

// Payments is one page of payments, newest first.
type Payments struct {
	Payments []Payment `json:"payments" nullable:"false"`
	Next     string    `json:"next" doc:"The cursor of the next page; empty at the end."`
}

// PaymentOf shows a payment of the journal.
func PaymentOf(p journal.Payment) Payment {
	last := p.Last()
	if p.State() == journal.StateFailed { // what it was to cost, said while it was pending
		last.Cost, last.Cashback = core.Money{}, core.Money{}
	}
	return Payment{
		ID: p.ID, Key: p.Key, Merchant: p.Merchant, Account: p.Account, Amount: p.Amount, State: p.State(),
		Provider: last.Provider, Invoice: last.Invoice, Reference: last.Reference, ReceiverName: last.ReceiverName,
		Cost: last.Cost, Cashback: last.Cashback, Reason: last.Reason, Code: last.Code, ProviderCode: last.ProviderCode,
		ProviderTime: timeOf(last.ProviderTime), Details: detailsOf(last.Details),
		CreatedAt: p.CreatedAt.UTC(), UpdatedAt: p.UpdatedAt().UTC(), Attempts: attemptsOf(p.Attempts),
	}
}

// PaymentsOf shows a page of the journal.
func PaymentsOf(page journal.Page) Payments {
	shown := Payments{Payments: make([]Payment, len(page.Payments)), Next: page.Next}
	for i, p := range page.Payments {
		shown.Payments[i] = PaymentOf(p)
	}
	return shown
}

func attemptsOf(attempts []journal.Attempt) []Attempt {
	shown := make([]Attempt, len(attempts))
	for i, a := range attempts {
		shown[i] = Attempt{
			N: a.N, Provider: a.Provider, Outcome: outcomeOf(a), Code: a.Code, ProviderCode: a.ProviderCode, Reason: a.Reason,
			StartedAt: timeOf(a.StartedAt), EndedAt: timeOf(a.EndedAt),
		}
	}
	return shown
}

// outcomeOf is nil for an attempt that is not over: its zero Outcome would read "unknown", which means something else.
func outcomeOf(a journal.Attempt) *core.Outcome {
	if a.State == journal.Created || a.State == journal.Sending {
		return nil
	}
	return &a.Outcome
}

func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func detailsOf(details map[string]string) map[string]string {
	if details == nil {
		return map[string]string{}
	}
	return details
}
