// Package checker reads a whole journal and says where it breaks its own invariants. It shares no rule with the code that writes: what is legal
// stands here once more.
package checker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

// Invariant is the number of a rule that every journal keeps. docs/reliability.md explains each.
type Invariant int

// The invariants that a journal alone can show.
const (
	Evidenced  Invariant = 2  // a confirmed attempt has the provider's word, and its invoice is nobody else's
	NotMoved   Invariant = 3  // a failed attempt has proof that nothing moved
	Recorded   Invariant = 4  // a payment has its attempts, an attempt its payment
	Legal      Invariant = 6  // the changes form a chain of legal steps that ends at the state
	Terminal   Invariant = 7  // no end is left, except that what was confirmed may be refunded
	OneLive    Invariant = 8  // a payment has one attempt at a time that may move money
	Fenced     Invariant = 9  // no write under an older fence
	OneKey     Invariant = 10 // a key is one payment
	Attended   Invariant = 11 // what is due is looked at
	Tasked     Invariant = 12 // what is parked has an open task, and nothing else has
	Undamaged  Invariant = 16 // the database is whole
	lateAfter            = 15 * time.Minute
	rereadings           = 5
)

// Violation is one place where the journal breaks an invariant.
type Violation struct {
	Invariant Invariant      `json:"invariant"`
	Payment   core.PaymentID `json:"payment,omitempty"`
	Attempt   string         `json:"attempt,omitempty"`
	What      string         `json:"what"`
}

// String gives "invariant 8: payment P: two live attempts".
func (v Violation) String() string {
	where := ""
	if v.Payment != "" {
		where += "payment " + string(v.Payment) + ": "
	}
	if v.Attempt != "" {
		where += "attempt " + v.Attempt + ": "
	}
	return fmt.Sprintf("invariant %d: %s%s", v.Invariant, where, v.What)
}

// StopsSending reports whether money may go out twice or get lost while this stands. That somebody is late, or was not told, is no reason.
func (v Violation) StopsSending() bool { return v.Invariant != Attended && v.Invariant != Tasked }

// Report is what a check has seen so far, and at its end.
type Report struct {
	Payments   int         `json:"payments"`
	Attempts   int         `json:"attempts"`
	Events     int         `json:"events"`
	Violations []Violation `json:"violations"`
	Omitted    int         `json:"omitted"`   // violations beyond MaxViolations, which are counted only
	Unchecked  []string    `json:"unchecked"` // what could not be looked at, and why
}

// MaxViolations bounds the list in a [Report].
const MaxViolations = 1000

// StopsSending gives the first violation that is a reason to send nothing more, if there is one.
func (r Report) StopsSending() (Violation, bool) {
	i := slices.IndexFunc(r.Violations, Violation.StopsSending)
	if i < 0 {
		return Violation{}, false
	}
	return r.Violations[i], true
}

// Inspector is a [journal.Store] that can look at its own database: for damage, and for what no list of payments shows, such as an invoice that stands twice.
type Inspector interface {
	Inspect(ctx context.Context) (Inspection, error)
}

// Inspection is what a look at the database itself has found.
type Inspection struct {
	Violations []Violation
	Unchecked  []string // what it could not look at, and why
	// Newer: a newer program has made these tables, so a state that is not known may be one of its own.
	Newer bool
}

// Options of a check; the zero Options serve.
type Options struct {
	// Now is the time that lateness is measured by; default time.Now.
	Now func() time.Time
	// Watched is since when a gateway looks at what is due. Zero: none does, and nothing is late.
	Watched time.Time
	// Progress is told after each page.
	Progress func(Report)
}

// Check reads the journal page by page, newest first, while others may go on writing to it; what is submitted meanwhile is left for the next check.
// An error means that it could not be read to its end: the report is then of what was read.
func Check(ctx context.Context, store journal.Store, options Options) (Report, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	c := &check{Options: options, store: store, report: Report{Violations: []Violation{}, Unchecked: []string{}}}
	err := errors.Join(c.inspect(ctx), c.pages(ctx), c.tasks(ctx))
	return c.report, err
}

// check is one check under way. It holds one page at a time.
type check struct {
	Options

	store  journal.Store
	report Report
	newer  bool
}

func (c *check) add(found ...Violation) {
	room := min(len(found), MaxViolations-len(c.report.Violations))
	c.report.Violations = append(c.report.Violations, found[:room]...)
	c.report.Omitted += len(found) - room
}

func (c *check) inspect(ctx context.Context) error {
	inspector, ok := c.store.(Inspector)
	if !ok {
		c.report.Unchecked = append(c.report.Unchecked, "the database itself: this journal can't look at it")
		return nil
	}
	found, err := inspector.Inspect(ctx)
	c.add(found.Violations...)
	c.report.Unchecked = append(c.report.Unchecked, found.Unchecked...)
	c.newer = found.Newer
	if err != nil {
		return fmt.Errorf("looking at the database: %w", err)
	}
	return nil
}

func (c *check) pages(ctx context.Context) error {
	filter := journal.Filter{AnyClient: true, Limit: journal.MaxPage}
	for {
		page, err := c.store.List(ctx, filter)
		if err != nil {
			return fmt.Errorf("after %d payments: %w", c.report.Payments, err)
		}
		for _, p := range page.Payments {
			if err := c.payment(ctx, p); err != nil {
				return fmt.Errorf("payment %s: %w", p.ID, err)
			}
		}
		if c.Progress != nil {
			c.Progress(c.report)
		}
		if page.Next == "" {
			return nil
		}
		filter.Cursor = page.Next
	}
}

func (c *check) payment(ctx context.Context, p journal.Payment) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	events, err := c.store.Events(ctx, p.ID)
	if err != nil {
		return err
	}
	found := c.judge(p, events)
	if c.newer && ofNewerProgram(p, events) {
		found = nil
		if len(c.report.Unchecked) < MaxViolations {
			c.report.Unchecked = append(c.report.Unchecked, "payment "+string(p.ID)+": a newer program has written it, in a state that this one doesn't know")
		}
	}
	if len(found) > 0 {
		if found, err = c.judgeAgain(ctx, p.ID); err != nil {
			return err
		}
	}
	other, err := c.keyHolder(ctx, p)
	if err != nil {
		return err
	}
	untasked, err := c.tasked(ctx, p)
	if err != nil {
		return err
	}
	c.report.Payments++
	c.report.Attempts += len(p.Attempts)
	c.report.Events += len(events)
	c.add(slices.Concat(found, other, untasked)...)
	return nil
}

// judgeAgain is for a payment that may have changed between the reading of its attempts and that of its events: its events count where the
// attempts are the same before and after. One that keeps changing is left for the next check.
func (c *check) judgeAgain(ctx context.Context, id core.PaymentID) ([]Violation, error) {
	for range rereadings {
		before, err := c.store.Payment(ctx, id)
		if err != nil {
			return nil, err
		}
		events, err := c.store.Events(ctx, id)
		if err != nil {
			return nil, err
		}
		after, err := c.store.Payment(ctx, id)
		if err != nil {
			return nil, err
		}
		if slices.EqualFunc(before.Attempts, after.Attempts, unchanged) {
			return c.judge(before, events), nil
		}
	}
	return nil, nil
}

func unchanged(a, b journal.Attempt) bool {
	return a.ID == b.ID && a.State == b.State && a.Fence == b.Fence && a.UpdatedAt.Equal(b.UpdatedAt)
}

// keyHolder looks the payment up by its key: where two have the same, one of them is not what is found.
func (c *check) keyHolder(ctx context.Context, p journal.Payment) ([]Violation, error) {
	holder, err := c.store.ByKey(ctx, p.Client, p.Key)
	switch {
	case errors.Is(err, journal.ErrNotFound):
		return []Violation{{Invariant: OneKey, Payment: p.ID, What: "is not found by its key"}}, nil
	case err != nil:
		return nil, err
	case holder.ID != p.ID:
		return []Violation{{Invariant: OneKey, Payment: p.ID, What: "has the key of payment " + string(holder.ID)}}, nil
	default:
		return nil, nil
	}
}
