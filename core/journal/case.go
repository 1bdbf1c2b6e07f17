package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jalurhq/jalur/core"
)

// CaseKind says what a [Case] asks of a person.
type CaseKind string

// The kinds of cases.
const (
	// CaseParked: find out what became of an attempt that no machine can find out about. Every attempt that is Parked has one open, and nothing else has: the
	// [Store] opens it in the transaction that parks the attempt, with the cause's own words, and closes it in the one in which the attempt leaves Parked.
	CaseParked CaseKind = "parked"
	// CaseContradiction: a provider's word can't be true together with the end that the attempt has come to. The state is not edited.
	CaseContradiction CaseKind = "contradiction"
	// CaseInvoiceTaken: the provider named an invoice that belongs to another attempt.
	CaseInvoiceTaken CaseKind = "invoice_taken"
)

// CaseKinds lists them all.
func CaseKinds() []CaseKind { return []CaseKind{CaseParked, CaseContradiction, CaseInvoiceTaken} }

// Case is something that a person has to look at. Cases are never deleted, and change only by being closed. An attempt has at most one open case of a kind: a
// second one is silently the same.
type Case struct {
	ID        string // the store's own; a later case has a higher number
	PaymentID core.PaymentID
	AttemptID string
	Kind      CaseKind
	Why       string          // for people; no secret, no whole account number
	Evidence  json.RawMessage // what the provider said, or what is known of the attempt
	OpenedAt  time.Time

	ClosedAt   time.Time // zero: it is open
	ClosedBy   string
	Resolution string // what the person found out and did
}

// CaseFilter selects cases. Zero fields select all.
type CaseFilter struct {
	Open    bool // those only that are open
	Payment core.PaymentID
	Limit   int    // at most MaxPage; 0: DefaultPage
	Cursor  string // CasePage.Next of the page before
}

// CasePage is one page of cases, newest first. An empty Next ends the list.
type CasePage struct {
	Cases []Case
	Next  string
}

// CaseStore is the part of a [Store] that keeps the cases. [Store.Apply] opens them.
type CaseStore interface {
	// Cases gives a page of cases, newest first. Errors: ErrCursor.
	Cases(ctx context.Context, f CaseFilter) (CasePage, error)
	// CloseCase closes a case with who says so and what came of it; both are required. Errors: ErrNotFound; ErrStale where it is closed already; ErrIllegal for
	// one of the kind CaseParked, which closes with its attempt.
	CloseCase(ctx context.Context, id, by, resolution string, at time.Time) error
	// OpenCases counts the open cases of every kind that has some.
	OpenCases(ctx context.Context) (map[CaseKind]int, error)
}

// Contradicts reports whether what a provider says of an attempt can't be true together with the end that the attempt has come to: that nothing moved
// after it was done or given back, anything else after it failed, a refund of what is recorded as done, or another invoice. Of an attempt that is not
// at its end, anything may still be true.
func Contradicts(a Attempt, res core.Result) bool {
	switch a.State {
	case Failed:
		shows := res.Outcome == core.Succeeded || res.Outcome == core.Pending || res.Outcome == core.Refunded
		return shows || res.Invoice != "" && !res.Outcome.NothingMoved()
	case Confirmed:
		another := res.Invoice != "" && a.Invoice != "" && res.Invoice != a.Invoice
		return another || res.Outcome.NothingMoved() || res.Outcome == core.Refunded
	case Refunded:
		return res.Outcome.NothingMoved()
	case Created, Sending, Accepted, Unknown, Parked:
		return false
	default:
		return false
	}
}

// Contradiction gives the case of an answer that [Contradicts] the attempt's end.
func Contradiction(a Attempt, res core.Result, at time.Time) *Case {
	why := fmt.Sprintf("the attempt is %s, and its provider says %s", a.State, res.Outcome)
	if res.Invoice != "" && a.Invoice != "" && res.Invoice != a.Invoice {
		why += fmt.Sprintf(", invoice %s instead of %s", res.Invoice, a.Invoice)
	}
	return &Case{Kind: CaseContradiction, Why: why, Evidence: Evidence(res), OpenedAt: at}
}

// InvoiceTaken gives the case of an answer whose invoice belongs to another attempt.
func InvoiceTaken(res core.Result, at time.Time) *Case {
	why := fmt.Sprintf("the provider says %s with invoice %s, which belongs to another attempt", res.Outcome, res.Invoice)
	return &Case{Kind: CaseInvoiceTaken, Why: why, Evidence: Evidence(res), OpenedAt: at}
}

// OnlyCase reports whether a change opens a case and does nothing else: the attempt is at its end and stays as it is, whatever Attempt says beside what names it.
func (c Change) OnlyCase() bool {
	return c.Case != nil && c.From == c.Attempt.State && c.From.Payment().Final()
}

func (c Change) checkCase() error {
	switch opened := c.Case; {
	case opened == nil:
		return nil
	case opened.Kind == CaseParked || !slices.Contains(CaseKinds(), opened.Kind):
		return fmt.Errorf("a change can't bring a case of the kind %q: %w", opened.Kind, ErrIllegal)
	case opened.Why == "" || opened.OpenedAt.IsZero():
		return fmt.Errorf("a case lacks its reason or its time: %w", ErrIllegal)
	case c.OnlyCase() && (c.Next != nil || c.Attempt.Fence != c.FromFence):
		return fmt.Errorf("a case of an attempt that is %s beside another change: %w", c.From, ErrIllegal)
	default:
		return nil
	}
}
