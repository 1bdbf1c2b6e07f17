package sqlite

import (
	"context"
	"fmt"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/internal/rules"
	"github.com/jalurhq/jalur/core/journal/sqlite/internal/db"
)

// Submit implements [journal.Store]. Times are the caller's: the payment needs CreatedAt, the attempt CreatedAt and UpdatedAt.
func (s *Store) Submit(ctx context.Context, p journal.Payment, cause journal.Cause) (journal.Payment, bool, error) {
	if err := rules.CheckSubmit(p); err != nil {
		return journal.Payment{}, false, err
	}
	if err := s.mayNotSend(p.Sends()); err != nil {
		return journal.Payment{}, false, err
	}
	payment, attempt := paymentRow(p), newAttempt(p.Attempts[0], cause)
	var rows []joined
	created := false
	err := s.do(ctx, func(ctx context.Context, q *db.Queries) error {
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

// newcomer is an attempt that enters the journal, with the events of every step on its way.
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
	if err := rules.CheckChange(c); err != nil {
		return err
	}
	if err := s.mayNotSend(c.Sends()); err != nil {
		return err
	}
	if c.OnlyCase() {
		return s.do(ctx, func(ctx context.Context, q *db.Queries) error { return onlyCase(ctx, q, c) })
	}
	steps := newSteps(c)
	return s.do(ctx, func(ctx context.Context, q *db.Queries) error {
		n, err := q.UpdateAttempt(ctx, steps.update)
		if err != nil {
			return conflict(ctx, q, steps.row, err)
		}
		if n == 0 {
			return rules.Stale(c)
		}
		if err := insertEvents(ctx, q, steps.events); err != nil {
			return err
		}
		return steps.beside(ctx, q, c)
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
		s.events = append(s.events, eventRow(rules.Step{From: c.From, To: c.Attempt.State, At: c.Attempt.UpdatedAt}, c.Attempt, c.Cause))
	}
	if c.Next != nil {
		s.next = newAttempt(*c.Next, c.Cause)
	}
	return s
}

// beside writes what a change brings beside its attempt.
func (s steps) beside(ctx context.Context, q *db.Queries, c journal.Change) error {
	if c.Case != nil {
		if err := q.InsertCase(ctx, newCase(c)); err != nil {
			return fmt.Errorf("case of attempt %s: %w", c.Attempt.ID, err)
		}
	}
	if c.Next == nil {
		return nil
	}
	return s.next.insert(ctx, q)
}

// ClaimDue implements [journal.Store]. The payments come oldest first.
func (s *Store) ClaimDue(ctx context.Context, c journal.Claim) ([]journal.Payment, error) {
	var rows []joined
	err := s.do(ctx, func(ctx context.Context, q *db.Queries) error {
		ids, err := q.ClaimDue(ctx, db.ClaimDueParams{
			Owner: c.Owner, Until: nullMicros(c.Until), Now: nullMicros(c.Now), Beyond: nullMicros(c.Latest()), Most: int64(max(c.Limit, 0)),
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
	return s.do(ctx, func(ctx context.Context, q *db.Queries) error {
		return q.InsertInquiry(ctx, db.InsertInquiryParams(row))
	})
}
