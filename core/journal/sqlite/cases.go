package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/internal/rules"
	"github.com/jalurhq/jalur/core/journal/sqlite/internal/db"
)

func newCase(c journal.Change) db.InsertCaseParams {
	return db.InsertCaseParams{
		PaymentID: string(c.Attempt.PaymentID), AttemptID: c.Attempt.ID, Kind: string(c.Case.Kind), Why: c.Case.Why,
		Evidence: nullText(string(c.Case.Evidence)), OpenedAt: micros(c.Case.OpenedAt),
	}
}

// onlyCase opens a case of an attempt at its end, of which nothing is written.
func onlyCase(ctx context.Context, q *db.Queries, c journal.Change) error {
	a := c.Attempt
	n, err := q.AttemptStands(ctx, db.AttemptStandsParams{
		ID: a.ID, FromState: string(c.From), FromFence: c.FromFence, PaymentID: string(a.PaymentID), N: int64(a.N),
		Provider: a.Provider, Instance: a.Instance,
	})
	if err != nil {
		return fmt.Errorf("attempt %s: %w", a.ID, err)
	}
	if n == 0 {
		return rules.Stale(c)
	}
	return q.InsertCase(ctx, newCase(c))
}

// Cases implements [journal.Store].
func (s *Store) Cases(ctx context.Context, f journal.CaseFilter) (journal.CasePage, error) {
	by, err := rules.AskCases(f)
	if err != nil {
		return journal.CasePage{}, err
	}
	rows, err := s.findCases(ctx, f, by)
	if err != nil {
		return journal.CasePage{}, fmt.Errorf("listing cases: %w", err)
	}
	found := make([]journal.Case, len(rows))
	for i, row := range rows {
		found[i] = caseOf(row)
	}
	return rules.CasePage(found, by.Size), nil
}

func (s *Store) findCases(ctx context.Context, f journal.CaseFilter, by rules.CaseQuestion) ([]db.OperatorCase, error) {
	most := int64(by.Size) + 1
	switch {
	case f.Payment != "":
		return s.reads.CasesOfPayment(ctx, db.CasesOfPaymentParams{
			PaymentID: string(f.Payment), Before: by.Before, AnyToo: flag(!f.Open), Most: most,
		})
	case f.Open:
		return s.reads.CasesOpen(ctx, db.CasesOpenParams{Before: by.Before, Most: most})
	default:
		return s.reads.CasesAll(ctx, db.CasesAllParams{Before: by.Before, Most: most})
	}
}

func caseOf(row db.OperatorCase) journal.Case {
	c := journal.Case{
		ID: strconv.FormatInt(row.ID, 10), PaymentID: core.PaymentID(row.PaymentID), AttemptID: row.AttemptID, Kind: journal.CaseKind(row.Kind),
		Why: row.Why, OpenedAt: fromMicros(row.OpenedAt), ClosedAt: fromNullMicros(row.ClosedAt), ClosedBy: row.ClosedBy, Resolution: row.Resolution,
	}
	if row.Evidence.Valid {
		c.Evidence = json.RawMessage(row.Evidence.String)
	}
	return c
}

// CloseCase implements [journal.Store].
func (s *Store) CloseCase(ctx context.Context, id, by, resolution string, at time.Time) error {
	if err := rules.CheckClosing(by, resolution, at); err != nil {
		return err
	}
	number, err := rules.CaseNumber(id)
	if err != nil {
		return err
	}
	return s.do(ctx, func(ctx context.Context, q *db.Queries) error {
		n, err := q.CloseCase(ctx, db.CloseCaseParams{ClosedAt: nullMicros(at), ClosedBy: by, Resolution: resolution, ID: number})
		if err != nil || n == 1 {
			return err
		}
		row, err := q.CaseByID(ctx, number)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("case %s: %w", id, journal.ErrNotFound)
		}
		if err != nil {
			return err
		}
		return rules.Unclosed(caseOf(row))
	})
}

// OpenCases implements [journal.Store].
func (s *Store) OpenCases(ctx context.Context) (map[journal.CaseKind]int, error) {
	rows, err := s.reads.CountOpenCases(ctx)
	if err != nil {
		return nil, fmt.Errorf("counting cases: %w", err)
	}
	open := make(map[journal.CaseKind]int, len(rows))
	for _, row := range rows {
		open[journal.CaseKind(row.Kind)] = int(row.N)
	}
	return open, nil
}
