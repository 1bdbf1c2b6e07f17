// Package rules holds what every store does before it asks its database: it checks what enters, names the steps on an
// attempt's way, and cuts lists into pages.
package rules

import (
	"fmt"
	"time"

	"github.com/jalurhq/jalur/core/journal"
)

// CheckSubmit holds a payment against what a database can't say as plainly. Errors: [journal.ErrIllegal].
func CheckSubmit(p journal.Payment) error {
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

// CheckChange is CheckSubmit for a change.
func CheckChange(c journal.Change) error {
	if err := c.Check(); err != nil {
		return err
	}
	if c.From == "" || c.Attempt.UpdatedAt.IsZero() && !c.OnlyCase() {
		return fmt.Errorf("attempt %s lacks its state before or its time: %w", c.Attempt.ID, journal.ErrIllegal)
	}
	if c.Next == nil {
		return nil
	}
	return checkNew(*c.Next, c.Next.PaymentID == c.Attempt.PaymentID)
}

// CheckClosing holds the closing of a case against what it needs. Errors: [journal.ErrIllegal].
func CheckClosing(by, resolution string, at time.Time) error {
	if by == "" || resolution == "" || at.IsZero() {
		return fmt.Errorf("the closing of a case lacks who, what or when: %w", journal.ErrIllegal)
	}
	return nil
}

// Unclosed gives why a case was not closed that is there, open or not.
func Unclosed(c journal.Case) error {
	if !c.ClosedAt.IsZero() {
		return fmt.Errorf("case %s is closed already: %w", c.ID, journal.ErrStale)
	}
	return fmt.Errorf("case %s closes with its attempt: %w", c.ID, journal.ErrIllegal)
}

// Stale is the error of a change that found the attempt otherwise.
func Stale(c journal.Change) error {
	return fmt.Errorf("attempt %s is not %s under fence %d: %w", c.Attempt.ID, c.From, c.FromFence, journal.ErrStale)
}

// Step is one change of state.
type Step struct {
	From, To journal.State
	At       time.Time
}

// Entering gives the steps of an attempt that enters the journal.
func Entering(a journal.Attempt) []Step {
	steps := []Step{{"", journal.Created, a.CreatedAt}}
	if a.State != journal.Created {
		steps = append(steps, Step{journal.Created, a.State, a.UpdatedAt})
	}
	return steps
}
