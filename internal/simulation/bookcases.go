package simulation

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jalurhq/jalur/core/journal"
)

// keepTask opens the task of what is parked, and closes that of what no longer is.
func (b *Book) keepTask(s *sheet, from, to journal.State, cause journal.Cause, at time.Time) {
	if to == journal.Parked && b.flaw != "parked-without-task" {
		b.openCase(s.attempt, journal.Case{Kind: journal.CaseParked, Why: cause.Why, Evidence: cause.Evidence, OpenedAt: at})
	}
	if from != journal.Parked || b.flaw == "task-left-open" {
		return
	}
	for i, c := range b.cases {
		if c.AttemptID == s.attempt.ID && c.Kind == journal.CaseParked && c.ClosedAt.IsZero() {
			b.cases[i].ClosedAt, b.cases[i].ClosedBy, b.cases[i].Resolution = moment(at), cause.Actor, cause.Why
		}
	}
}

// openCase opens a case, unless there is an open one of its kind.
func (b *Book) openCase(a journal.Attempt, c journal.Case) {
	if b.hasCase(a.ID, c.Kind, true) {
		return
	}
	b.cases = append(b.cases, journal.Case{
		ID: strconv.Itoa(len(b.cases) + 1), PaymentID: a.PaymentID, AttemptID: a.ID, Kind: c.Kind, Why: c.Why,
		Evidence: slices.Clone(c.Evidence), OpenedAt: moment(c.OpenedAt),
	})
}

func (b *Book) hasCase(attempt string, kind journal.CaseKind, open bool) bool {
	return slices.ContainsFunc(b.cases, func(c journal.Case) bool {
		return c.AttemptID == attempt && c.Kind == kind && (c.ClosedAt.IsZero() || !open)
	})
}

// Cases implements [journal.Store].
func (b *Book) Cases(ctx context.Context, f journal.CaseFilter) (journal.CasePage, error) {
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return journal.CasePage{}, err
	}
	before := len(b.cases) + 1
	if f.Cursor != "" {
		var err error
		if before, err = strconv.Atoi(f.Cursor); err != nil {
			return journal.CasePage{}, fmt.Errorf("page %q: %w", f.Cursor, journal.ErrCursor)
		}
	}
	size := journal.DefaultPage
	if f.Limit > 0 {
		size = min(f.Limit, journal.MaxPage)
	}
	var page journal.CasePage
	for i, c := range slices.Backward(b.cases) {
		if i+1 >= before || f.Open && !c.ClosedAt.IsZero() || f.Payment != "" && c.PaymentID != f.Payment {
			continue
		}
		if len(page.Cases) == size {
			page.Next = page.Cases[size-1].ID
			break
		}
		page.Cases = append(page.Cases, c)
	}
	return page, nil
}

// CloseCase implements [journal.Store].
func (b *Book) CloseCase(ctx context.Context, id, by, resolution string, at time.Time) error {
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return notWritten(err)
	}
	if by == "" || resolution == "" || at.IsZero() {
		return fmt.Errorf("case %s without who, what or when: %w", id, journal.ErrIllegal)
	}
	i := slices.IndexFunc(b.cases, func(c journal.Case) bool { return c.ID == id })
	switch {
	case i < 0:
		return fmt.Errorf("case %s: %w", id, journal.ErrNotFound)
	case !b.cases[i].ClosedAt.IsZero():
		return fmt.Errorf("case %s is closed: %w", id, journal.ErrStale)
	case b.cases[i].Kind == journal.CaseParked:
		return fmt.Errorf("case %s closes with its attempt: %w", id, journal.ErrIllegal)
	}
	b.cases[i].ClosedAt, b.cases[i].ClosedBy, b.cases[i].Resolution = moment(at), by, resolution
	return nil
}

// OpenCases implements [journal.Store].
func (b *Book) OpenCases(ctx context.Context) (map[journal.CaseKind]int, error) {
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return nil, err
	}
	open := map[journal.CaseKind]int{}
	for _, c := range b.cases {
		if c.ClosedAt.IsZero() {
			open[c.Kind]++
		}
	}
	return open, nil
}
