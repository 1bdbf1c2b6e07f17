package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/internal/group"
	"github.com/jalurhq/jalur/core/journal/internal/rules"
	"github.com/jalurhq/jalur/core/journal/postgres/internal/db"
)

// Submit implements [journal.Store]. Times are the caller's: the payment needs CreatedAt, the attempt CreatedAt and UpdatedAt.
func (s *Store) Submit(ctx context.Context, p journal.Payment, cause journal.Cause) (journal.Payment, bool, error) {
	if err := rules.CheckSubmit(p); err != nil {
		return journal.Payment{}, false, err
	}
	row := submitRow(p, cause)
	c := &change{submit: &row, sends: p.Sends()}
	if err := s.mayNotSend(c); err != nil {
		return journal.Payment{}, false, err
	}
	if err := s.writing.Do(ctx, c); err != nil {
		return journal.Payment{}, false, err
	}
	if c.event != 0 {
		recorded, err := onePayment([]joined{submitted(row)})
		return recorded, true, err
	}
	known, err := s.ByKey(ctx, p.Client, p.Key)
	if err != nil {
		return journal.Payment{}, false, group.NotWritten(err) // the key stands for another payment; this one is not there
	}
	return known, false, nil
}

// submitted gives the rows that a submit has made, so that what is given back is what the journal holds.
func submitted(r db.SubmitParams) joined {
	return joined{
		Payment: db.Payment{
			ID: r.ID, Client: r.Client, Key: r.Key, Fingerprint: r.Fingerprint, Merchant: r.Merchant, Account: r.Account,
			Amount: r.Amount, MaxCost: r.MaxCost, Extra: r.Extra, Inquiry: r.Inquiry, CreatedAt: r.CreatedAt,
		},
		Attempt: db.Attempt{
			ID: r.AttemptID, PaymentID: r.ID, N: r.N, Provider: r.Provider, Instance: r.Instance, Product: r.Product, Quote: r.Quote,
			State: r.State, Fence: r.Fence, Owner: r.Owner, NextAt: r.NextAt, Checks: r.Checks, Outcome: r.Outcome, Code: r.Code,
			ProviderCode: r.ProviderCode, Reason: r.Reason, Invoice: r.Invoice, Reference: r.Reference, ReceiverName: r.ReceiverName,
			Cost: r.Cost, Cashback: r.Cashback, ProviderTime: r.ProviderTime, Details: r.Details, StartedAt: r.StartedAt,
			EndedAt: r.EndedAt, CreatedAt: r.AttemptCreatedAt, UpdatedAt: r.UpdatedAt,
		},
	}
}

// Apply implements [journal.Store]. The event's time is the attempt's UpdatedAt.
func (s *Store) Apply(ctx context.Context, c journal.Change) error {
	if err := rules.CheckChange(c); err != nil {
		return err
	}
	row := applyRow(c)
	one := &change{apply: &row}
	switch {
	case c.OnlyCase():
		one = &change{alone: func(ctx context.Context, q *db.Queries) (int64, error) { return 0, onlyCase(ctx, q, c) }}
	case c.Next != nil || c.Case != nil:
		one = &change{alone: func(ctx context.Context, q *db.Queries) (int64, error) { return applyBeside(ctx, q, row, c) }}
	}
	one.sends = c.Sends()
	if err := s.mayNotSend(one); err != nil {
		return err
	}
	err := s.writing.Do(ctx, one)
	if errors.Is(err, journal.ErrStale) {
		return rules.Stale(c)
	}
	return err
}

// newcomer is a further attempt of a payment, with the events of every step on its way.
type newcomer struct {
	row    db.Attempt
	events []db.InsertEventParams
}

func newAttempt(a journal.Attempt, cause journal.Cause) newcomer {
	n := newcomer{row: attemptRow(a)}
	for _, step := range rules.Entering(a) {
		n.events = append(n.events, eventRow(step, a, cause))
	}
	return n
}

// applyBeside makes a change that brings something beside its attempt: the next one, or a case.
func applyBeside(ctx context.Context, q *db.Queries, row db.ApplyParams, c journal.Change) (int64, error) {
	one := []*change{{apply: &row}}
	if err := applyAll(ctx, q, one); err != nil {
		return 0, err
	}
	if one[0].stale {
		return 0, journal.ErrStale
	}
	if c.Case != nil {
		if err := q.InsertCase(ctx, newCase(c)); err != nil {
			return 0, fmt.Errorf("case of attempt %s: %w", c.Attempt.ID, err)
		}
	}
	if c.Next == nil {
		return one[0].event, nil
	}
	return one[0].event, newAttempt(*c.Next, c.Cause).insert(ctx, q)
}

func (n newcomer) insert(ctx context.Context, q *db.Queries) error {
	if err := q.InsertAttempt(ctx, db.InsertAttemptParams(n.row)); err != nil {
		return err
	}
	for _, e := range n.events {
		if err := q.InsertEvent(ctx, e); err != nil {
			return fmt.Errorf("event of attempt %s: %w", e.AttemptID, err)
		}
	}
	return nil
}

// ClaimDue implements [journal.Store]. The payments come oldest first.
func (s *Store) ClaimDue(ctx context.Context, c journal.Claim) ([]journal.Payment, error) {
	var rows []joined
	err := s.alone(ctx, func(ctx context.Context, q *db.Queries) error {
		ids, err := q.ClaimDue(ctx, db.ClaimDueParams{
			Owner: c.Owner, Until: nullMicros(c.Until), Now: micros(c.Now), Beyond: micros(c.Latest()), Most: int64(max(c.Limit, 0)),
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		rows, err = byIDs(ctx, q, ids)
		return err
	})
	if err != nil {
		return nil, err
	}
	return payments(rows)
}

// SaveInquiry implements [journal.Store]. An id that is there already is an ErrNotWritten.
func (s *Store) SaveInquiry(ctx context.Context, inquiry journal.Inquiry) error {
	row := inquiryRow(inquiry)
	return s.alone(ctx, func(ctx context.Context, q *db.Queries) error {
		if err := q.InsertInquiry(ctx, row); err != nil {
			return group.NotWritten(err)
		}
		return nil
	})
}

// alone makes a change in a transaction of its own.
func (s *Store) alone(ctx context.Context, do func(context.Context, *db.Queries) error) error {
	return s.writing.Do(ctx, &change{alone: func(ctx context.Context, q *db.Queries) (int64, error) { return 0, do(ctx, q) }})
}

// The classes of SQLSTATE, and the codes in them, that mean something of their own here.
const (
	classIntegrity   = "23"
	invoiceIndex     = "attempt_invoice"
	quoteIndex       = "attempt_quote"
	codeDeadlock     = "40P01"
	codeWarning      = "01000"
	severityWarning  = "WARNING"
	lenSQLStateClass = 2
)

// refusal sorts the error of a statement: a rule of the tables that was broken is told by the rule's name.
func refusal(err error) error {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || errors.Is(err, journal.ErrNotWritten) || refused.Code[:min(lenSQLStateClass, len(refused.Code))] != classIntegrity {
		return group.Refusal(err)
	}
	switch refused.ConstraintName {
	case invoiceIndex:
		return fmt.Errorf("%w: %w", journal.ErrInvoiceTaken, err)
	case quoteIndex:
		return fmt.Errorf("%w: %w", journal.ErrQuoteUsed, err)
	}
	return fmt.Errorf("%w: %w", journal.ErrIllegal, err)
}
