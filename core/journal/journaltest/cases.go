package journaltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

func contradiction() *journal.Case {
	return &journal.Case{
		Kind: journal.CaseContradiction, Why: "it can't be both", Evidence: json.RawMessage(`{"outcome":"succeeded"}`), OpenedAt: at(90),
	}
}

// noted gives the change that opens a case and leaves the attempt where it is.
func noted(a journal.Attempt, opened *journal.Case) journal.Change {
	return journal.Change{From: a.State, FromFence: a.Fence, Attempt: a, Cause: because(), Case: opened}
}

func cases(t *testing.T, s journal.Store, f journal.CaseFilter) []journal.Case {
	t.Helper()
	page, err := s.Cases(t.Context(), f)
	if err != nil || page.Next != "" {
		t.Fatalf("cases: next %q, error %v", page.Next, err)
	}
	return page.Cases
}

// one gives a payment's only case, without its id.
func one(t *testing.T, s journal.Store, id core.PaymentID) journal.Case {
	t.Helper()
	found := cases(t, s, journal.CaseFilter{Payment: id})
	if len(found) != 1 || found[0].ID == "" {
		t.Fatalf("payment %s has the cases %+v", id, found)
	}
	c := found[0]
	c.ID = ""
	return c
}

func parkedHasTask(t *testing.T, s journal.Store) {
	t.Helper()
	for i, state := range []journal.State{journal.Confirmed, journal.Refunded, journal.Failed} {
		p := inState(t, s, payment(i), journal.Unknown)
		if found := cases(t, s, journal.CaseFilter{Payment: p.ID}); len(found) != 0 {
			t.Fatalf("before it is parked: %+v", found)
		}
		parking := to(p.Last(), journal.Parked)
		parking.Why = "nobody can tell"
		a := apply(t, s, parking)
		want := journal.Case{
			PaymentID: p.ID, AttemptID: a.ID, Kind: journal.CaseParked, Why: "nobody can tell", Evidence: because().Evidence, OpenedAt: a.UpdatedAt,
		}
		same(t, one(t, s, p.ID), want)
		clue := to(a, journal.Parked)
		clue.Attempt.Invoice = core.Invoice(fmt.Sprintf("INV-%d", i))
		a = apply(t, s, clue)
		same(t, one(t, s, p.ID), want)
		resolving := to(a, state)
		resolving.Actor, resolving.Why = "operator:ani", "in the report"
		a = apply(t, s, resolving)
		want.ClosedAt, want.ClosedBy, want.Resolution = a.UpdatedAt, "operator:ani", "in the report"
		same(t, one(t, s, p.ID), want)
		audit(t, s, p.ID)
	}
}

func parkedOnceMany(t *testing.T, s journal.Store) {
	t.Helper()
	p := inState(t, s, payment(1), journal.Unknown)
	stale := to(p.Last(), journal.Parked)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if err := s.Apply(t.Context(), stale); err != nil && !errors.Is(err, journal.ErrStale) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	one(t, s, p.ID)
}

func caseBesideChange(t *testing.T, s journal.Store) {
	t.Helper()
	p := inState(t, s, payment(1), journal.Sending)
	c := to(p.Last(), journal.Unknown)
	c.Case = contradiction()
	c.Case.Kind = journal.CaseInvoiceTaken
	stale := c
	stale.FromFence--
	stale.Attempt.Fence--
	if err := s.Apply(t.Context(), stale); !errors.Is(err, journal.ErrStale) {
		t.Errorf("under another fence: %v", err)
	}
	if found := cases(t, s, journal.CaseFilter{}); len(found) != 0 {
		t.Fatalf("a change that was refused has opened %+v", found)
	}
	a := apply(t, s, c)
	want := *c.Case
	want.PaymentID, want.AttemptID = p.ID, a.ID
	same(t, one(t, s, p.ID), want)
	same(t, get(t, s, p.ID).Last(), a)
	again := to(a, journal.Unknown)
	again.Case, again.Attempt.Checks = contradiction(), 5
	again.Case.Kind, again.Case.Why = journal.CaseInvoiceTaken, "once more"
	a = apply(t, s, again)
	same(t, one(t, s, p.ID), want)
	same(t, get(t, s, p.ID).Last(), a)
	audit(t, s, p.ID)
}

func caseBesideFailOver(t *testing.T, s journal.Store) {
	t.Helper()
	p := inState(t, s, payment(1), journal.Sending)
	c := after(p.Last(), journal.Sending)
	c.Case = contradiction()
	apply(t, s, c)
	if got := one(t, s, p.ID); got.AttemptID != c.Attempt.ID || len(get(t, s, p.ID).Attempts) != 2 {
		t.Errorf("the case is of attempt %s", got.AttemptID)
	}
}

func caseAtTheEnd(t *testing.T, s journal.Store) {
	t.Helper()
	for i, state := range []journal.State{journal.Confirmed, journal.Refunded, journal.Failed} {
		p := inState(t, s, payment(i), state)
		events := audit(t, s, p.ID)
		c := noted(p.Last(), contradiction())
		c.Attempt.Reason, c.Attempt.Invoice, c.Attempt.UpdatedAt = "edited", "INV-9", at(99)
		if err := s.Apply(t.Context(), c); err != nil {
			t.Fatalf("%s: %v", state, err)
		}
		if err := s.Apply(t.Context(), c); err != nil {
			t.Fatalf("%s, again: %v", state, err)
		}
		unchanged(t, s, p, events)
		want := *contradiction()
		want.PaymentID, want.AttemptID = p.ID, p.Last().ID
		same(t, one(t, s, p.ID), want)
	}
}

func caseRefusals(t *testing.T, s journal.Store) {
	t.Helper()
	p := inState(t, s, payment(1), journal.Failed)
	events := audit(t, s, p.ID)
	for name, test := range map[string]struct {
		spoil func(c *journal.Change)
		want  error
	}{
		"another state":    {func(c *journal.Change) { c.From, c.Attempt.State = journal.Confirmed, journal.Confirmed }, journal.ErrStale},
		"another fence":    {func(c *journal.Change) { c.FromFence--; c.Attempt.Fence-- }, journal.ErrStale},
		"another payment":  {func(c *journal.Change) { c.Attempt.PaymentID = "PAY2" }, journal.ErrStale},
		"another instance": {func(c *journal.Change) { c.Attempt.Instance = "mmbc@production" }, journal.ErrStale},
		"no case":          {func(c *journal.Change) { c.Case = nil }, journal.ErrIllegal},
		"a task":           {func(c *journal.Change) { c.Case.Kind = journal.CaseParked }, journal.ErrIllegal},
		"no kind":          {func(c *journal.Change) { c.Case.Kind = "" }, journal.ErrIllegal},
		"no reason":        {func(c *journal.Change) { c.Case.Why = "" }, journal.ErrIllegal},
		"a higher fence":   {func(c *journal.Change) { c.Attempt.Fence++ }, journal.ErrIllegal},
		"another end":      {func(c *journal.Change) { c.Attempt.State = journal.Confirmed }, journal.ErrIllegal},
		"a fail-over":      {func(c *journal.Change) { c.Next = after(c.Attempt, journal.Sending).Next }, journal.ErrIllegal},
	} {
		c := noted(p.Last(), contradiction())
		test.spoil(&c)
		if err := s.Apply(t.Context(), c); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
		unchanged(t, s, p, events)
	}
	if found := cases(t, s, journal.CaseFilter{}); len(found) != 0 {
		t.Errorf("what was refused has opened %+v", found)
	}
}

func closeCase(t *testing.T, s journal.Store) {
	t.Helper()
	p := inState(t, s, payment(1), journal.Failed)
	apply(t, s, noted(p.Last(), contradiction()))
	id := cases(t, s, journal.CaseFilter{})[0].ID
	for name, err := range map[string]error{
		"nobody":     s.CloseCase(t.Context(), id, "", "looked", at(100)),
		"no outcome": s.CloseCase(t.Context(), id, "ani", "", at(100)),
	} {
		if !errors.Is(err, journal.ErrIllegal) {
			t.Errorf("closed by or with %s: %v", name, err)
		}
	}
	if err := s.CloseCase(t.Context(), id, "ani", "the provider has paid back", at(100)); err != nil {
		t.Fatal(err)
	}
	want := *contradiction()
	want.PaymentID, want.AttemptID = p.ID, p.Last().ID
	want.ClosedAt, want.ClosedBy, want.Resolution = at(100), "ani", "the provider has paid back"
	same(t, one(t, s, p.ID), want)
	if err := s.CloseCase(t.Context(), id, "budi", "again", at(101)); !errors.Is(err, journal.ErrStale) {
		t.Errorf("closed twice: %v", err)
	}
	same(t, one(t, s, p.ID), want)
	for _, stranger := range []string{"", "0", "999999", "abc", "0" + id, id + " "} {
		if err := s.CloseCase(t.Context(), stranger, "ani", "looked", at(100)); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("case %q: %v", stranger, err)
		}
	}
	apply(t, s, noted(p.Last(), contradiction()))
	if found := cases(t, s, journal.CaseFilter{Open: true}); len(found) != 1 || found[0].ID == id {
		t.Errorf("after the first was closed: %+v", found)
	}
}

func closeTask(t *testing.T, s journal.Store) {
	t.Helper()
	p := inState(t, s, payment(1), journal.Parked)
	id := cases(t, s, journal.CaseFilter{})[0].ID
	if err := s.CloseCase(t.Context(), id, "ani", "looked", at(100)); !errors.Is(err, journal.ErrIllegal) {
		t.Errorf("closed by hand: %v", err)
	}
	apply(t, s, to(p.Last(), journal.Failed))
	if err := s.CloseCase(t.Context(), id, "ani", "looked", at(100)); !errors.Is(err, journal.ErrStale) {
		t.Errorf("closed after its attempt: %v", err)
	}
}

func listCases(t *testing.T, s journal.Store) {
	t.Helper()
	const all = 60
	for i := range all {
		state := journal.Parked
		if i%2 == 0 {
			state = journal.Failed
		}
		p := inState(t, s, payment(i), state)
		if state == journal.Failed {
			apply(t, s, noted(p.Last(), contradiction()))
		}
	}
	open, err := s.OpenCases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, open, map[journal.CaseKind]int{journal.CaseParked: all / 2, journal.CaseContradiction: all / 2})
	first, err := s.Cases(t.Context(), journal.CaseFilter{})
	if err != nil || len(first.Cases) != journal.DefaultPage || first.Next == "" || first.Cases[0].PaymentID != payment(all-1).ID {
		t.Fatalf("%d cases, next %q, error %v", len(first.Cases), first.Next, err)
	}
	closed := first.Cases[1]
	if err := s.CloseCase(t.Context(), closed.ID, "ani", "looked", at(100)); err != nil {
		t.Fatal(err)
	}
	for filter, want := range map[journal.CaseFilter]int{
		{Limit: 7}: all, {Limit: 7, Open: true}: all - 1, {Payment: closed.PaymentID}: 1, {Payment: closed.PaymentID, Open: true}: 0, {Payment: "PAY"}: 0,
	} {
		if got := allCases(t, s, filter); got != want {
			t.Errorf("%+v: %d cases, want %d", filter, got, want)
		}
	}
	if _, err := s.Cases(t.Context(), journal.CaseFilter{Cursor: "first"}); !errors.Is(err, journal.ErrCursor) {
		t.Errorf("a strange cursor: %v", err)
	}
}

// allCases counts the cases on every page, each once and newest first.
func allCases(t *testing.T, s journal.Store, f journal.CaseFilter) int {
	t.Helper()
	n, last := 0, core.PaymentID("Z")
	for {
		page, err := s.Cases(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Cases {
			if n++; c.PaymentID >= last {
				t.Errorf("%s comes after %s", c.PaymentID, last)
			}
			last = c.PaymentID
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			return n
		}
	}
}
