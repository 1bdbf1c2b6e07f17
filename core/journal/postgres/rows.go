package postgres

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/internal/rules"
	"github.com/jalurhq/jalur/core/journal/postgres/internal/db"
)

// joined is a payment beside one of its attempts.
type joined = db.PaymentsByIDsRow

func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }

func nullMicros(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	n := micros(t)
	return &n
}

func fromNullMicros(n *int64) time.Time {
	if n == nil {
		return time.Time{}
	}
	return fromMicros(*n)
}

func nullText(s string) *string {
	if s == "" {
		return nil
	}
	s = text(s)
	return &s
}

func fromNullText(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// text gives what a text column takes: the server refuses a NUL and what is no UTF-8, and an outcome must not fail on a provider's words.
func text(s string) string {
	if !strings.ContainsRune(s, 0) && utf8.ValidString(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, string(utf8.RuneError)), "\x00", string(utf8.RuneError))
}

func mapText(m map[string]string) string {
	if len(m) == 0 {
		return "{}"
	}
	data, err := json.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("a map of strings is always JSON: %v", err))
	}
	return string(data)
}

func submitRow(p journal.Payment, cause journal.Cause) db.SubmitParams {
	a := attemptRow(p.Attempts[0])
	row := db.SubmitParams{
		ID: string(p.ID), Client: p.Client, Key: string(p.Key), Fingerprint: p.Fingerprint,
		Merchant: string(p.Merchant), Account: string(p.Account), Amount: p.Amount.String(), MaxCost: p.MaxCost.String(),
		Extra: mapText(p.Extra), Inquiry: p.Inquiry, CreatedAt: micros(p.CreatedAt),
		AttemptID: a.ID, N: a.N, Provider: a.Provider, Instance: a.Instance, Product: a.Product, Quote: a.Quote,
		State: a.State, Fence: a.Fence, Owner: a.Owner, NextAt: a.NextAt, Checks: a.Checks, Outcome: a.Outcome, Code: a.Code,
		ProviderCode: a.ProviderCode, Reason: a.Reason, Invoice: a.Invoice, Reference: a.Reference, ReceiverName: a.ReceiverName,
		Cost: a.Cost, Cashback: a.Cashback, ProviderTime: a.ProviderTime, Details: a.Details, StartedAt: a.StartedAt,
		EndedAt: a.EndedAt, AttemptCreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
		Actor: text(cause.Actor), Why: text(cause.Why), Evidence: nullText(string(cause.Evidence)),
	}
	for _, step := range rules.Entering(p.Attempts[0]) {
		row.FromStates = append(row.FromStates, string(step.From))
		row.ToStates = append(row.ToStates, string(step.To))
		row.Ats = append(row.Ats, micros(step.At))
	}
	return row
}

func attemptRow(a journal.Attempt) db.Attempt {
	return db.Attempt{
		ID: a.ID, PaymentID: string(a.PaymentID), N: int64(a.N), Provider: a.Provider, Instance: a.Instance,
		Product: a.Product, Quote: a.Quote, State: string(a.State), Fence: a.Fence, Owner: a.Owner,
		NextAt: nullMicros(a.NextAt), Checks: int64(a.Checks), Outcome: a.Outcome.String(), Code: string(a.Code),
		ProviderCode: text(a.ProviderCode), Reason: text(a.Reason), Invoice: nullText(string(a.Invoice)), Reference: text(a.Reference),
		ReceiverName: text(a.ReceiverName), Cost: a.Cost.String(), Cashback: a.Cashback.String(),
		ProviderTime: nullMicros(a.ProviderTime), Details: mapText(a.Details),
		StartedAt: nullMicros(a.StartedAt), EndedAt: nullMicros(a.EndedAt),
		CreatedAt: micros(a.CreatedAt), UpdatedAt: micros(a.UpdatedAt),
	}
}

func applyRow(c journal.Change) db.ApplyParams {
	a := attemptRow(c.Attempt)
	return db.ApplyParams{
		ID: a.ID, FromState: string(c.From), FromFence: c.FromFence,
		PaymentID: a.PaymentID, N: a.N, Provider: a.Provider, Instance: a.Instance,
		Product: a.Product, Quote: a.Quote, State: a.State, Fence: a.Fence, Owner: a.Owner, NextAt: a.NextAt,
		Checks: a.Checks, Outcome: a.Outcome, Code: a.Code, ProviderCode: a.ProviderCode, Reason: a.Reason,
		Invoice: a.Invoice, Reference: a.Reference, ReceiverName: a.ReceiverName, Cost: a.Cost, Cashback: a.Cashback,
		ProviderTime: a.ProviderTime, Details: a.Details, StartedAt: a.StartedAt, EndedAt: a.EndedAt, UpdatedAt: a.UpdatedAt,
		Actor: text(c.Actor), Why: text(c.Why), Evidence: nullText(string(c.Evidence)),
	}
}

func eventRow(s rules.Step, a journal.Attempt, cause journal.Cause) db.InsertEventParams {
	return db.InsertEventParams{
		AttemptID: a.ID, FromState: string(s.From), ToState: string(s.To), Fence: a.Fence,
		Actor: text(cause.Actor), Why: text(cause.Why), Evidence: nullText(string(cause.Evidence)), At: micros(s.At),
	}
}

func event(row db.AttemptEvent) journal.Event {
	e := journal.Event{
		ID: row.ID, AttemptID: row.AttemptID, From: journal.State(row.FromState), To: journal.State(row.ToState),
		Fence: row.Fence, Cause: journal.Cause{Actor: row.Actor, Why: row.Why}, At: fromMicros(row.At),
	}
	if row.Evidence != nil {
		e.Evidence = json.RawMessage(*row.Evidence)
	}
	return e
}

func inquiryRow(i journal.Inquiry) db.InsertInquiryParams {
	return db.InsertInquiryParams{
		ID: i.ID, Client: i.Client, Merchant: string(i.Merchant), Account: string(i.Account), Amount: i.Amount.String(),
		Provider: i.Provider, Product: i.Product, Token: text(i.Token), ReceiverName: text(i.ReceiverName), Cost: i.Cost.String(),
		Cashback: i.Cashback.String(), Details: mapText(i.Details), ExpiresAt: nullMicros(i.ExpiresAt), CreatedAt: micros(i.CreatedAt),
		Reserves: i.Reserves,
	}
}

// reader turns columns into values and keeps what it could not read.
type reader struct {
	err error
}

func (r *reader) money(text string) core.Money {
	m, err := core.MoneyFromString(text)
	r.err = errors.Join(r.err, err)
	return m
}

func (r *reader) strings(text string) map[string]string {
	if text == "{}" {
		return nil
	}
	var m map[string]string
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		r.err = errors.Join(r.err, err)
	}
	return m
}

func (r *reader) payment(row db.Payment) journal.Payment {
	return journal.Payment{
		ID: core.PaymentID(row.ID), Client: row.Client, Key: core.Key(row.Key), Fingerprint: row.Fingerprint,
		Merchant: core.MerchantCode(row.Merchant), Account: core.AccountNumber(row.Account),
		Amount: r.money(row.Amount), MaxCost: r.money(row.MaxCost), Extra: r.strings(row.Extra),
		Inquiry: row.Inquiry, CreatedAt: fromMicros(row.CreatedAt),
	}
}

// attempt gives a state that this program doesn't know as it stands, and an outcome that it doesn't know as Unknown.
func (r *reader) attempt(row db.Attempt) journal.Attempt {
	outcome, err := core.ParseOutcome(row.Outcome)
	if err != nil {
		outcome = core.Unknown
	}
	return journal.Attempt{
		ID: row.ID, PaymentID: core.PaymentID(row.PaymentID), N: int(row.N), Provider: row.Provider, Instance: row.Instance,
		Product: row.Product, Quote: row.Quote, State: journal.State(row.State), Fence: row.Fence, Owner: row.Owner,
		NextAt: fromNullMicros(row.NextAt), Checks: int(row.Checks), Outcome: outcome, Code: core.Code(row.Code),
		ProviderCode: row.ProviderCode, Reason: row.Reason, Invoice: core.Invoice(fromNullText(row.Invoice)), Reference: row.Reference,
		ReceiverName: row.ReceiverName, Cost: r.money(row.Cost), Cashback: r.money(row.Cashback),
		ProviderTime: fromNullMicros(row.ProviderTime), Details: r.strings(row.Details),
		StartedAt: fromNullMicros(row.StartedAt), EndedAt: fromNullMicros(row.EndedAt),
		CreatedAt: fromMicros(row.CreatedAt), UpdatedAt: fromMicros(row.UpdatedAt),
	}
}

func inquiry(row db.Inquiry) (journal.Inquiry, error) {
	var r reader
	i := journal.Inquiry{
		ID: row.ID, Client: row.Client, Merchant: core.MerchantCode(row.Merchant), Account: core.AccountNumber(row.Account),
		Amount: r.money(row.Amount), Provider: row.Provider, Product: row.Product, Token: row.Token,
		ReceiverName: row.ReceiverName, Cost: r.money(row.Cost), Cashback: r.money(row.Cashback), Details: r.strings(row.Details),
		ExpiresAt: fromNullMicros(row.ExpiresAt), CreatedAt: fromMicros(row.CreatedAt), Reserves: row.Reserves,
	}
	return i, r.err
}

// payments gathers rows that stand in the order of their payments.
func payments(rows []joined) ([]journal.Payment, error) {
	var r reader
	var all []journal.Payment
	for _, row := range rows {
		if len(all) == 0 || string(all[len(all)-1].ID) != row.Payment.ID {
			all = append(all, r.payment(row.Payment))
		}
		last := &all[len(all)-1]
		last.Attempts = append(last.Attempts, r.attempt(row.Attempt))
	}
	return all, r.err
}

func onePayment(rows []joined) (journal.Payment, error) {
	all, err := payments(rows)
	if err != nil {
		return journal.Payment{}, err
	}
	if len(all) == 0 {
		return journal.Payment{}, fmt.Errorf("payment: %w", journal.ErrNotFound)
	}
	return all[0], nil
}
