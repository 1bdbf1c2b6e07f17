package checker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

// tasked wants each of a payment's attempts that is parked to have one open task. What is taken out of PARKED never comes back: an attempt that still is there after its cases
// were read was there meanwhile.
func (c *check) tasked(ctx context.Context, p journal.Payment) ([]Violation, error) {
	if !slices.ContainsFunc(p.Attempts, isParked) {
		return nil, nil
	}
	open, err := c.openTasks(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	now, err := c.store.Payment(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	var found []Violation
	for _, a := range now.Attempts {
		was := slices.ContainsFunc(p.Attempts, func(b journal.Attempt) bool { return b.ID == a.ID && isParked(b) })
		if n := open[a.ID]; was && isParked(a) && n != 1 {
			found = append(found, Violation{Tasked, p.ID, a.ID, fmt.Sprintf("it is parked and has %d open tasks", n)})
		}
	}
	return found, nil
}

func isParked(a journal.Attempt) bool { return a.State == journal.Parked }

// openTasks counts a payment's open tasks, by attempt.
func (c *check) openTasks(ctx context.Context, id core.PaymentID) (map[string]int, error) {
	open := map[string]int{}
	err := c.eachTask(ctx, journal.CaseFilter{Open: true, Payment: id, Limit: journal.MaxPage}, func(task journal.Case) error {
		open[task.AttemptID]++
		return nil
	})
	return open, err
}

// eachTask visits the tasks among the cases that a filter selects.
func (c *check) eachTask(ctx context.Context, f journal.CaseFilter, visit func(journal.Case) error) error {
	for {
		page, err := c.store.Cases(ctx, f)
		if err != nil {
			return err
		}
		for _, task := range page.Cases {
			if task.Kind != journal.CaseParked {
				continue
			}
			if err := visit(task); err != nil {
				return err
			}
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			return nil
		}
	}
}

// tasks wants each open task to be of an attempt that is parked.
func (c *check) tasks(ctx context.Context) error {
	err := c.eachTask(ctx, journal.CaseFilter{Open: true, Limit: journal.MaxPage}, func(task journal.Case) error { return c.task(ctx, task) })
	if err != nil {
		return fmt.Errorf("looking at the cases: %w", err)
	}
	return nil
}

func (c *check) task(ctx context.Context, task journal.Case) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p, err := c.store.Payment(ctx, task.PaymentID)
	if err != nil && !errors.Is(err, journal.ErrNotFound) {
		return err
	}
	if slices.ContainsFunc(p.Attempts, func(a journal.Attempt) bool { return a.ID == task.AttemptID && isParked(a) }) {
		return nil
	}
	open, err := c.openTasks(ctx, task.PaymentID) // it may have left meanwhile, and its task with it
	if err != nil {
		return err
	}
	if open[task.AttemptID] > 0 {
		c.add(Violation{Tasked, task.PaymentID, task.AttemptID, "it is not parked, and its task " + task.ID + " is open"})
	}
	return nil
}
