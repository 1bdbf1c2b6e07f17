package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/internal/rules"
	"github.com/jalurhq/jalur/core/journal/postgres/internal/db"
)

// reading bounds one question, its wait for a connection included, and gives what asks it.
func (s *Store) reading(ctx context.Context) (context.Context, context.CancelFunc, *db.Queries) {
	ctx, cancel := context.WithTimeout(ctx, s.config.StatementWait)
	return ctx, cancel, db.New(s.readers)
}

// Payment implements [journal.Store].
func (s *Store) Payment(ctx context.Context, id core.PaymentID) (journal.Payment, error) {
	ctx, cancel, q := s.reading(ctx)
	defer cancel()
	rows, err := byID(ctx, q, text(string(id)))
	if err != nil {
		return journal.Payment{}, err
	}
	return onePayment(rows)
}

// ByKey implements [journal.Store].
func (s *Store) ByKey(ctx context.Context, client string, key core.Key) (journal.Payment, error) {
	ctx, cancel, q := s.reading(ctx)
	defer cancel()
	id, err := q.IDByKey(ctx, db.IDByKeyParams{Key: text(string(key)), Client: text(client)})
	if errors.Is(err, pgx.ErrNoRows) {
		return journal.Payment{}, fmt.Errorf("payment: %w", journal.ErrNotFound)
	}
	if err != nil {
		return journal.Payment{}, fmt.Errorf("payment by its key: %w", err)
	}
	rows, err := byID(ctx, q, id)
	if err != nil {
		return journal.Payment{}, err
	}
	return onePayment(rows)
}

// Find implements [journal.Store].
func (s *Store) Find(ctx context.Context, n journal.Named) (journal.Payment, error) {
	asking, cancel, q := s.reading(ctx)
	defer cancel()
	provider, instance := text(n.Provider), text(n.Instance)
	id, err := rules.Find(n, rules.Lookups{
		ByRef: func() (string, error) {
			return q.PaymentByRef(asking, db.PaymentByRefParams{Ref: text(n.Ref), Provider: provider, Instance: instance})
		},
		ByQuote: func() (string, error) {
			return q.PaymentByQuote(asking, db.PaymentByQuoteParams{Provider: provider, Instance: instance, Quote: text(n.Quote)})
		},
		ByInvoice: func() (string, error) {
			return q.PaymentByInvoice(asking, db.PaymentByInvoiceParams{Provider: provider, Invoice: text(string(n.Invoice)), Instance: instance})
		},
		None: pgx.ErrNoRows,
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
	ctx, cancel, q := s.reading(ctx)
	defer cancel()
	rows, err := q.EventsOf(ctx, text(string(id)))
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
	ctx, cancel, q := s.reading(ctx)
	defer cancel()
	row, err := q.InquiryByID(ctx, db.InquiryByIDParams{Client: text(client), ID: text(id)})
	if errors.Is(err, pgx.ErrNoRows) {
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

// find looks the ids up and then the payments, both in one view of the database.
func (s *Store) find(ctx context.Context, f journal.Filter, question rules.Question) (ids []string, rows []joined, err error) {
	ctx, cancel, _ := s.reading(ctx)
	defer cancel()
	view := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, s.readers, view, func(tx pgx.Tx) error {
		q := db.New(tx)
		ids, err = list(ctx, q, f, question)
		if err != nil || len(ids) == 0 {
			return err
		}
		rows, err = byIDs(ctx, q, ids)
		return err
	})
	return ids, rows, err
}

// list asks by the index that narrows most.
func list(ctx context.Context, q *db.Queries, f journal.Filter, by rules.Question) ([]string, error) {
	most := int32(by.Size) + 1 //nolint:gosec // journal.MaxPage bounds it
	switch {
	case f.Key != "":
		return q.ListUnderKey(ctx, db.ListUnderKeyParams{
			Key: text(string(f.Key)), AnyClient: f.AnyClient, Client: text(f.Client), Account: text(string(f.Account)), Since: by.Since,
			BeforeAt: by.BeforeAt, BeforeID: text(by.BeforeID), State: by.State, StateToo: by.StateToo, Most: most,
		})
	case f.Account != "":
		return q.ListOfAccount(ctx, db.ListOfAccountParams{
			Account: text(string(f.Account)), AnyClient: f.AnyClient, Client: text(f.Client), Since: by.Since,
			BeforeAt: by.BeforeAt, BeforeID: text(by.BeforeID), State: by.State, StateToo: by.StateToo, Most: most,
		})
	case f.State != "" && !f.State.Final():
		return q.ListOpen(ctx, db.ListOpenParams{
			State: by.State, StateToo: by.StateToo, AnyClient: f.AnyClient, Client: text(f.Client), Since: by.Since,
			BeforeAt: by.BeforeAt, BeforeID: text(by.BeforeID), Most: most,
		})
	case f.AnyClient:
		return q.ListAll(ctx, db.ListAllParams{
			Since: by.Since, BeforeAt: by.BeforeAt, BeforeID: text(by.BeforeID), State: by.State, StateToo: by.StateToo, Most: most,
		})
	default:
		return q.ListOfClient(ctx, db.ListOfClientParams{
			Client: text(f.Client), Since: by.Since, BeforeAt: by.BeforeAt, BeforeID: text(by.BeforeID),
			State: by.State, StateToo: by.StateToo, Most: most,
		})
	}
}
