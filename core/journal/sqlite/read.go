package sqlite

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
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
	q, err := question(f)
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
	return page(ids, found, int(q.Most)-1), nil
}

// find looks the ids up and then the payments, both in one view of the file.
func (s *Store) find(ctx context.Context, f journal.Filter, question db.ListUnderKeyParams) ([]string, []joined, error) {
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

// question puts a filter into the words of the statements; those of ListUnderKey are all there are.
func question(f journal.Filter) (db.ListUnderKeyParams, error) {
	q := db.ListUnderKeyParams{
		Key: string(f.Key), Client: f.Client, Account: string(f.Account), AnyClient: flag(f.AnyClient),
		Since: math.MinInt64, BeforeAt: math.MaxInt64, Most: int64(limit(f.Limit)) + 1,
	}
	if !f.Since.IsZero() {
		q.Since = micros(f.Since)
	}
	q.State, q.StateToo = states(f.State)
	if f.Cursor == "" {
		return q, nil
	}
	var err error
	q.BeforeAt, q.BeforeID, err = readCursor(f.Cursor)
	return q, err
}

// states gives the attempt states that a payment's state stands for; there are at most two. A state that isn't on the list stands for none.
func states(s journal.PaymentState) (state, too string) {
	if s == "" {
		return "", ""
	}
	of := s.Attempts()
	if len(of) == 0 {
		return string(s), string(s)
	}
	return string(of[0]), string(of[len(of)-1])
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func limit(asked int) int {
	if asked <= 0 {
		return journal.DefaultPage
	}
	return min(asked, journal.MaxPage)
}

// list asks by the index that narrows most.
func list(ctx context.Context, q *db.Queries, f journal.Filter, by db.ListUnderKeyParams) ([]string, error) {
	switch {
	case f.Key != "":
		return q.ListUnderKey(ctx, by)
	case f.Account != "":
		return q.ListOfAccount(ctx, db.ListOfAccountParams{
			Account: by.Account, AnyClient: by.AnyClient, Client: by.Client, Since: by.Since,
			BeforeAt: by.BeforeAt, BeforeID: by.BeforeID, State: by.State, StateToo: by.StateToo, Most: by.Most,
		})
	case f.State != "" && !f.State.Final():
		return q.ListOpen(ctx, db.ListOpenParams{
			State: by.State, StateToo: by.StateToo, AnyClient: by.AnyClient, Client: by.Client, Since: by.Since,
			BeforeAt: by.BeforeAt, BeforeID: by.BeforeID, Most: by.Most,
		})
	case f.AnyClient:
		return q.ListAll(ctx, db.ListAllParams{
			Since: by.Since, BeforeAt: by.BeforeAt, BeforeID: by.BeforeID,
			State: by.State, StateToo: by.StateToo, Most: by.Most,
		})
	default:
		return q.ListOfClient(ctx, db.ListOfClientParams{
			Client: by.Client, Since: by.Since, BeforeAt: by.BeforeAt, BeforeID: by.BeforeID,
			State: by.State, StateToo: by.StateToo, Most: by.Most,
		})
	}
}

// page puts the payments into the order of their ids. One more than the size was asked for: it tells that there is a next page. A payment
// without an attempt, which no program writes, is passed over; [Store.Inspect] names it.
func page(ids []string, found []journal.Payment, size int) journal.Page {
	place := make(map[string]int, len(ids))
	for i, id := range ids {
		place[id] = i
	}
	slices.SortFunc(found, func(a, b journal.Payment) int { return place[string(a.ID)] - place[string(b.ID)] })
	if len(ids) <= size {
		return journal.Page{Payments: found}
	}
	found = slices.DeleteFunc(found, func(p journal.Payment) bool { return place[string(p.ID)] >= size })
	if len(found) == 0 {
		return journal.Page{}
	}
	return journal.Page{Payments: found, Next: cursor(found[len(found)-1])}
}

func cursor(p journal.Payment) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(micros(p.CreatedAt), 10) + ":" + string(p.ID)))
}

func readCursor(text string) (at int64, id string, err error) {
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		var number string
		number, id, _ = strings.Cut(string(plain), ":")
		at, err = strconv.ParseInt(number, 10, 64)
	}
	if err != nil {
		return 0, "", fmt.Errorf("page %q: %w", text, journal.ErrCursor)
	}
	return at, id, nil
}
