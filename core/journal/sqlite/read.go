package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/internal/rules"
	"github.com/jalurhq/jalur/core/journal/sqlite/internal/db"
)

// Payment implements [journal.Store].
func (s *Store) Payment(ctx context.Context, id core.PaymentID) (journal.Payment, error) {
	rows, err := byID(ctx, s.reads, string(id))
	if err != nil {
		return journal.Payment{}, err
	}
	return onePayment(rows)
}

// ByKey implements [journal.Store].
func (s *Store) ByKey(ctx context.Context, client string, key core.Key) (journal.Payment, error) {
	rows, err := byKey(ctx, s.reads, client, key)
	if err != nil {
		return journal.Payment{}, err
	}
	return onePayment(rows)
}

func byKey(ctx context.Context, q *db.Queries, client string, key core.Key) ([]joined, error) {
	id, err := q.IDByKey(ctx, db.IDByKeyParams{Key: string(key), Client: client})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("payment by its key: %w", err)
	}
	return byID(ctx, q, id)
}

// Find implements [journal.Store].
func (s *Store) Find(ctx context.Context, n journal.Named) (journal.Payment, error) {
	id, err := rules.Find(n, rules.Lookups{
		ByRef: func() (string, error) {
			return s.reads.PaymentByRef(ctx, db.PaymentByRefParams{Ref: n.Ref, Provider: n.Provider, Instance: n.Instance})
		},
		ByQuote: func() (string, error) {
			return s.reads.PaymentByQuote(ctx, db.PaymentByQuoteParams{Provider: n.Provider, Instance: n.Instance, Quote: n.Quote})
		},
		ByInvoice: func() (string, error) {
			return s.reads.PaymentByInvoice(ctx, db.PaymentByInvoiceParams{
				Provider: n.Provider, Invoice: nullText(string(n.Invoice)), Instance: n.Instance,
			})
		},
		None: sql.ErrNoRows,
	})
	if err != nil {
		return journal.Payment{}, err
	}
	return s.Payment(ctx, id)
}

func byID(ctx context.Context, q *db.Queries, id string) ([]joined, error) {
	found, err := q.PaymentByID(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("payment %s: %w", id, err)
	}
	rows := make([]joined, len(found))
	for i, row := range found {
		rows[i] = joined(row)
	}
	return rows, nil
}

func byIDs(ctx context.Context, q *db.Queries, ids []string) ([]joined, error) {
	rows, err := q.PaymentsByIDs(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("%d payments: %w", len(ids), err)
	}
	return rows, nil
}

// Events implements [journal.Store].
func (s *Store) Events(ctx context.Context, id core.PaymentID) ([]journal.Event, error) {
	rows, err := s.reads.EventsOf(ctx, string(id))
	if err != nil {
		return nil, fmt.Errorf("events of payment %s: %w", id, err)
	}
	events := make([]journal.Event, len(rows))
	for i, row := range rows {
		events[i] = event(row)
	}
	return events, nil
}

// Inquiry implements [journal.Store].
func (s *Store) Inquiry(ctx context.Context, client, id string) (journal.Inquiry, error) {
	row, err := s.reads.InquiryByID(ctx, db.InquiryByIDParams{Client: client, ID: id})
	if errors.Is(err, sql.ErrNoRows) {
		return journal.Inquiry{}, fmt.Errorf("inquiry: %w", journal.ErrNotFound)
	}
	if err != nil {
		return journal.Inquiry{}, fmt.Errorf("inquiry: %w", err)
	}
	return inquiry(row)
}

// List implements [journal.Store]. A cursor that no page gave is an ErrCursor. Where the payments' state is asked for, it is that of
// the moment of the call.
func (s *Store) List(ctx context.Context, f journal.Filter) (journal.Page, error) {
	q, err := rules.Ask(f)
	if err != nil {
		return journal.Page{}, err
	}
	ids, rows, err := s.find(ctx, f, q)
	if err != nil {
		return journal.Page{}, fmt.Errorf("listing payments: %w", err)
	}
	found, err := payments(rows)
	if err != nil {
		return journal.Page{}, err
	}
	return rules.Page(ids, found, q.Size), nil
}

// find looks the ids up and then the payments, both in one view of the file.
func (s *Store) find(ctx context.Context, f journal.Filter, question rules.Question) ([]string, []joined, error) {
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	q := s.reads.WithTx(tx)
	ids, err := list(ctx, q, f, question)
	if err != nil || len(ids) == 0 {
		return nil, nil, err
	}
	rows, err := byIDs(ctx, q, ids)
	return ids, rows, err
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// list asks by the index that narrows most.
func list(ctx context.Context, q *db.Queries, f journal.Filter, by rules.Question) ([]string, error) {
	most, everybody := int64(by.Size)+1, flag(f.AnyClient)
	switch {
	case f.Key != "":
		return q.ListUnderKey(ctx, db.ListUnderKeyParams{
			Key: string(f.Key), AnyClient: everybody, Client: f.Client, Account: string(f.Account), Since: by.Since,
			BeforeAt: by.BeforeAt, BeforeID: by.BeforeID, State: by.State, StateToo: by.StateToo, Most: most,
		})
	case f.Account != "":
		return q.ListOfAccount(ctx, db.ListOfAccountParams{
			Account: string(f.Account), AnyClient: everybody, Client: f.Client, Since: by.Since,
			BeforeAt: by.BeforeAt, BeforeID: by.BeforeID, State: by.State, StateToo: by.StateToo, Most: most,
		})
	case f.State != "" && !f.State.Final():
		return q.ListOpen(ctx, db.ListOpenParams{
			State: by.State, StateToo: by.StateToo, AnyClient: everybody, Client: f.Client, Since: by.Since,
			BeforeAt: by.BeforeAt, BeforeID: by.BeforeID, Most: most,
		})
	case f.AnyClient:
		return q.ListAll(ctx, db.ListAllParams{
			Since: by.Since, BeforeAt: by.BeforeAt, BeforeID: by.BeforeID, State: by.State, StateToo: by.StateToo, Most: most,
		})
	default:
		return q.ListOfClient(ctx, db.ListOfClientParams{
			Client: f.Client, Since: by.Since, BeforeAt: by.BeforeAt, BeforeID: by.BeforeID,
			State: by.State, StateToo: by.StateToo, Most: most,
		})
	}
}
