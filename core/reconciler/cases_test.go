package reconciler_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/reconciler"
)

// wantCase wants the journal to have these cases, and no other.
func (r *rig) wantCase(kinds ...journal.CaseKind) []journal.Case {
	r.t.Helper()
	page, err := r.store.Cases(r.t.Context(), journal.CaseFilter{Open: true, Payment: r.id})
	if err != nil || len(page.Cases) != len(kinds) {
		r.t.Fatalf("cases %+v, error %v; want %v", page.Cases, err, kinds)
	}
	for i, c := range page.Cases {
		if c.Kind != kinds[i] || c.Why == "" || c.Why != "was faster" && !json.Valid(c.Evidence) {
			r.t.Errorf("case %+v, want %s", c, kinds[i])
		}
	}
	return page.Cases
}

func (r *rig) payment() journal.Payment {
	r.t.Helper()
	p, err := r.store.Payment(r.t.Context(), r.id)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// change has somebody else change the attempt.
func (r *rig) change(state journal.State, spoil func(*journal.Attempt)) error {
	was := r.payment().Last()
	next := was
	next.State, next.NextAt = state, time.Time{}
	if spoil != nil {
		spoil(&next)
	}
	return r.store.Apply(r.t.Context(), journal.Change{
		From: was.State, FromFence: was.Fence, Attempt: next, Cause: journal.Cause{Actor: "another", Why: "was faster"},
	})
}

func TestWhatIsParkedHasATaskWithWhatIsKnown(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Unknown, "")
	if got := r.sweep(); got.State != journal.Parked {
		t.Fatalf("it is %s", got.State)
	}
	found := r.wantCase(journal.CaseParked)
	if found[0].AttemptID != r.payment().Last().ID || !found[0].OpenedAt.Equal(r.clock.now) {
		t.Errorf("the task is %+v", found[0])
	}
	if err := r.it.ResolveNotExecuted(t.Context(), r.payment(), "not in the report", "operator:ani"); err != nil {
		t.Fatal(err)
	}
	r.wantCase()
}

func TestAnInvoiceOfAnotherAttemptIsReported(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Accepted, "")
	mine := r.id
	if err := r.change(journal.Accepted, func(a *journal.Attempt) { a.NextAt = r.clock.now.Add(time.Hour) }); err != nil {
		t.Fatal(err)
	}
	r.key = "k2"
	r.submit(journal.Confirmed, "I1")
	r.id = mine
	r.provider.desc.StatusBy = core.ByRef
	r.provider.status = func(req core.StatusRequest) (core.Result, error) {
		return core.Result{Outcome: core.Succeeded, Invoice: "I1", Product: req.Original.Product}, nil
	}
	for range 3 {
		r.clock.now = r.clock.now.Add(time.Hour)
		got := r.sweep()
		if got.State != journal.Accepted || got.Invoice != "" || !got.NextAt.After(r.clock.now) {
			t.Errorf("%s, invoice %q, next %v", got.State, got.Invoice, got.NextAt)
		}
		r.wantCase(journal.CaseInvoiceTaken)
	}
	if r.provider.calls != 3 || r.payment().Last().Checks != 3 {
		t.Errorf("%d calls, of which %d count", r.provider.calls, r.payment().Last().Checks)
	}
}

func TestAnAnswerIsHeldAgainstTheEndThatSomebodyElseHasWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		theirs journal.State
		said   core.Outcome
		found  bool
	}{
		"done, and it is done":            {journal.Confirmed, core.Succeeded, false},
		"pending, and it is done":         {journal.Confirmed, core.Pending, false},
		"refused, and it is done":         {journal.Confirmed, core.Declined, true},
		"given back, and it is done":      {journal.Confirmed, core.Refunded, true},
		"done, and it has failed":         {journal.Failed, core.Succeeded, true},
		"pending, and it has failed":      {journal.Failed, core.Pending, true},
		"given back, and it has failed":   {journal.Failed, core.Refunded, true},
		"refused, and it has failed":      {journal.Failed, core.Declined, false},
		"done, and it was given back":     {journal.Refunded, core.Succeeded, false},
		"refused, and it was given back":  {journal.Refunded, core.Declined, true},
		"done, and it waits for a person": {journal.Parked, core.Succeeded, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, journal.Accepted, "I1")
			r.provider.status = func(req core.StatusRequest) (core.Result, error) {
				if err := r.change(c.theirs, nil); err != nil {
					return core.Result{}, err
				}
				return says(c.said)(req)
			}
			got := r.sweep()
			if got.State != c.theirs || got.Outcome != core.Unknown {
				t.Errorf("it is %s, outcome %s", got.State, got.Outcome)
			}
			switch {
			case c.found:
				r.wantCase(journal.CaseContradiction)
			case c.theirs == journal.Parked:
				r.wantCase(journal.CaseParked)
			default:
				r.wantCase()
			}
		})
	}
}

func TestResolvingWhatIsParked(t *testing.T) {
	t.Parallel()
	for said, want := range map[core.Outcome]struct {
		state journal.State
		err   error
	}{
		core.Succeeded: {journal.Confirmed, nil},
		core.Refunded:  {journal.Refunded, nil},
		core.Pending:   {journal.Parked, reconciler.ErrStillPending},
		core.Declined:  {journal.Parked, reconciler.ErrNotConfirmed},
	} {
		r := newRig(t, journal.Unknown, "")
		r.sweep()
		r.provider.status = says(said)
		err := r.it.ResolveInvoice(t.Context(), r.payment(), "I1", "operator:ani")
		if got := r.payment().Last().State; got != want.state || !errors.Is(err, want.err) {
			t.Errorf("%s: %s, %v", said, got, err)
		}
		if want.err != nil {
			r.wantCase(journal.CaseParked)
		} else {
			r.wantCase()
		}
	}
}

// An older program leaves what nobody can be asked for unknown, without a next time.
func TestWhatNobodyLooksAtIsAdopted(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Unknown, "")
	if err := r.change(journal.Unknown, nil); err != nil {
		t.Fatal(err)
	}
	if got := r.sweep(); got.State != journal.Unknown {
		t.Fatalf("it is %s", got.State)
	}
	if err := r.it.Adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.sweep(); got.State != journal.Parked {
		t.Errorf("it is %s", got.State)
	}
	r.wantCase(journal.CaseParked)
	if err := r.it.Adopt(t.Context()); err != nil || !r.payment().Last().NextAt.IsZero() {
		t.Errorf("what is parked was touched: %v", err)
	}
}
