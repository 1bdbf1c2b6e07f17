package sqlite

import (
	"context"
	"fmt"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/sqlite/internal/db"
)

// Submit implements [journal.Store]. Times are the caller's: the payment needs CreatedAt, the attempt CreatedAt and UpdatedAt.
func (s *Store) Submit(ctx context.Context, p journal.Payment, cause journal.Cause) (journal.Payment, bool, error) {
	if err := checkSubmit(p); err != nil {
		return journal.Payment{}, false, err
	}
	payment, attempt := paymentRow(p), newAttempt(p.Attempts[0], cause)
	var rows []joined
	created := false
	err := s.writer.do(ctx, func(ctx context.Context, q *db.Queries) error {
		n, err := q.InsertPayment(ctx, db.InsertPaymentParams(payment))
		if err != nil {
			return conflict(ctx, q, attempt.row, err)
		}
		if created = n == 1; !created {
			rows, err = byKey(ctx, q, p.Client, p.Key)
			return err
		}
		rows = []joined{{Payment: payment, Attempt: attempt.row}}
		return attempt.insert(ctx, q)
	})
	if err != nil {
		return journal.Payment{}, false, err
	}
	recorded, err := onePayment(rows)
	return recorded, created, err
}

func checkSubmit(p journal.Payment) error {
	if len(p.Attempts) != 1 || p.Attempts[0].N != 1 {
		return fmt.Errorf("payment %s has not exactly a first attempt: %w", p.ID, journal.ErrIllegal)
	}
	if p.ID == "" || p.Key == "" || p.CreatedAt.IsZero() {
		return fmt.Errorf("payment %s lacks its id, its key or its time: %w", p.ID, journal.ErrIllegal)
	}
	return checkNew(p.Attempts[0], p.ID == p.Attempts[0].PaymentID)
}

func checkNew(a journal.Attempt, ofPayment bool) error {
	switch {
	case a.State != journal.Created && a.State != journal.Sending && a.State != journal.Failed:
		return fmt.Errorf("attempt %s starts as %q: %w", a.ID, a.State, journal.ErrIllegal)
	case a.ID == "" || a.CreatedAt.IsZero() || a.UpdatedAt.IsZero():
		return fmt.Errorf("attempt %s lacks its id or its times: %w", a.ID, journal.ErrIllegal)
	case !ofPayment:
		return fmt.Errorf("attempt %s is of another payment: %w", a.ID, journal.ErrIllegal)
	default:
		return nil
	}
}

// newcomer is an attempt that enters the journal, with the events of every step on its way.
type newcomer struct {
	row    db.Attempt
	events []db.InsertEventParams
}

func newAttempt(a journal.Attempt, cause journal.Cause) newcomer {
	n := newcomer{row: attemptRow(a), events: []db.InsertEventParams{
		eventRow(step{"", journal.Created, a.CreatedAt}, a, cause),
	}}
	if a.State != journal.Created {
		n.events = append(n.events, eventRow(step{journal.Created, a.State, a.UpdatedAt}, a, cause))
	}
	return n
}

func (n newcomer) insert(ctx context.Context, q *db.Queries) error {
	if err := q.InsertAttempt(ctx, db.InsertAttemptParams(n.row)); err != nil {
		return conflict(ctx, q, n.row, err)
	}
	return insertEvents(ctx, q, n.events)
}

func insertEvents(ctx context.Context, q *db.Queries, events []db.InsertEventParams) error {
	for _, e := range events {
		if err := q.InsertEvent(ctx, e); err != nil {
			return fmt.Errorf("event of attempt %s: %w", e.AttemptID, err)
		}
	}
	return nil
}

// Apply implements [journal.Store]. The event's time is the attempt's UpdatedAt.
func (s *Store) Apply(ctx context.Context, c journal.Change) error {
	if err := checkChange(c); err != nil {
		return err
	}
	steps := newSteps(c)
	return s.writer.do(ctx, func(ctx context.Context, q *db.Queries) error {
		n, err := q.UpdateAttempt(ctx, steps.update)
		if err != nil {
			return conflict(ctx, q, steps.row, err)
		}
		if n == 0 {
			return fmt.Errorf("attempt %s is not %s under fence %d: %w", c.Attempt.ID, c.From, c.FromFence, journal.ErrStale)
		}
		if err := insertEvents(ctx, q, steps.events); err != nil || c.Next == nil {
			return err
		}
		return steps.next.insert(ctx, q)
	})
}

// steps are the rows of one change, made before the writer's time is taken.
type steps struct {
	row    db.Attempt
	update db.UpdateAttemptParams
	events []db.InsertEventParams
	next   newcomer // where the change has a Next
}

func newSteps(c journal.Change) steps {
	row := attemptRow(c.Attempt)
	s := steps{row: row, update: updateRow(row, c)}
	if c.From != c.Attempt.State {
		s.events = append(s.events, eventRow(step{c.From, c.Attempt.State, c.Attempt.UpdatedAt}, c.Attempt, c.Cause))
	}
	if c.Next != nil {
		s.next = newAttempt(*c.Next, c.Cause)
	}
	return s
}

func checkChange(c journal.Change) error {
	if err := c.Check(); err != nil {
		return err
	}
	if c.From == "" || c.Attempt.UpdatedAt.IsZero() {
		return fmt.Errorf("attempt %s lacks its state before or its time: %w", c.Attempt.ID, journal.ErrIllegal)
	}
	if c.Next == nil {
		return nil
	}
	return checkNew(*c.Next, c.Next.PaymentID == c.Attempt.PaymentID)
}

// ClaimDue implements [journal.Store]. The payments come oldest first.
func (s *Store) ClaimDue(ctx context.Context, c journal.Claim) ([]journal.Payment, error) {
	var rows []joined
	err := s.writer.do(ctx, func(ctx context.Context, q *db.Queries) error {
		ids, err := q.ClaimDue(ctx, db.ClaimDueParams{
			Owner: c.Owner, Until: nullMicros(c.Until), Now: nullMicros(c.Now), Most: int64(max(c.Limit, 0)),
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
	return s.writer.do(ctx, func(ctx context.Context, q *db.Queries) error {
		return q.InsertInquiry(ctx, db.InsertInquiryParams(row))
	})
}
