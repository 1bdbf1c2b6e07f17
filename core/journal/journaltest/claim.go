package journaltest

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/jalurhq/jalur/core/journal"
)

func claimAt(second int) journal.Claim {
	return journal.Claim{Owner: "gw-2", Now: at(second), Until: at(second + 30), Limit: 100}
}

func claim(t *testing.T, s journal.Store, c journal.Claim) []journal.Payment {
	t.Helper()
	payments, err := s.ClaimDue(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return payments
}

// dueAt brings a payment into a state and sets when somebody should look at it. A state at its end is written on the way there.
func dueAt(t *testing.T, s journal.Store, p journal.Payment, state journal.State, second int) journal.Payment {
	t.Helper()
	p.Attempts[0].NextAt = at(second)
	return inState(t, s, p, state)
}

func claimDue(t *testing.T, s journal.Store) {
	t.Helper()
	due := map[journal.State]bool{journal.Created: true, journal.Sending: true, journal.Accepted: true, journal.Unknown: true}
	for i, state := range journal.States() {
		p := dueAt(t, s, payment(i), state, 10)
		events := audit(t, s, p.ID)
		if early := claim(t, s, claimAt(9)); len(early) != 0 {
			t.Errorf("%s is claimed before it is due", state)
		}
		claimed := claim(t, s, claimAt(10))
		if !due[state] {
			if len(claimed) != 0 {
				t.Errorf("%s is claimed", state)
			}
			unchanged(t, s, p, events)
			continue
		}
		a := &p.Attempts[0]
		a.Fence, a.Owner, a.NextAt = a.Fence+1, "gw-2", at(40)
		same(t, claimed, []journal.Payment{p})
		unchanged(t, s, p, events)
	}
	submit(t, s, payment(50)) // nobody needs to look at it
	if never := claim(t, s, claimAt(11)); len(never) != 0 {
		t.Errorf("claimed %d without a time", len(never))
	}
}

// claimBeyond claims what is due later than anything can be, and nothing that is due as late as it may be.
func claimBeyond(t *testing.T, s journal.Store) {
	dueAt(t, s, payment(0), journal.Accepted, 3600)
	p := dueAt(t, s, payment(1), journal.Accepted, 3601)
	c := claimAt(10)
	c.Beyond = at(3600)
	claimed := claim(t, s, c)
	a := &p.Attempts[0]
	a.Fence, a.Owner, a.NextAt = a.Fence+1, "gw-2", at(40)
	same(t, claimed, []journal.Payment{p})
}

func claimOnce(t *testing.T, s journal.Store) {
	t.Helper()
	const each, payments = 10, 60
	for i := range payments {
		dueAt(t, s, payment(i), journal.Unknown, 0)
	}
	var mutex sync.Mutex
	times := map[string]int{}
	var group sync.WaitGroup
	for range 2 * payments / each {
		group.Go(func() {
			c := claimAt(1)
			c.Limit = each
			found, err := s.ClaimDue(t.Context(), c)
			if err != nil {
				t.Error(err)
			}
			mutex.Lock()
			defer mutex.Unlock()
			for _, p := range found {
				times[p.Last().ID]++
			}
		})
	}
	group.Wait()
	if len(times) != payments {
		t.Errorf("%d of %d were claimed", len(times), payments)
	}
	for id, n := range times {
		if n != 1 {
			t.Errorf("%s was claimed %d times", id, n)
		}
	}
}

func claimLimit(t *testing.T, s journal.Store) {
	t.Helper()
	const payments, limit = 5, 2
	for i := range payments {
		dueAt(t, s, payment(i), journal.Unknown, payments-i)
	}
	order := make([]string, 0, payments)
	for _, want := range []int{2, 2, 1, 0} {
		c := claimAt(payments)
		c.Limit = limit
		found := claim(t, s, c)
		if len(found) != want {
			t.Fatalf("claimed %d, not %d", len(found), want)
		}
		round := make([]string, 0, limit)
		for _, p := range found {
			round = append(round, string(p.ID))
		}
		slices.Sort(round)
		order = append(order, round...)
	}
	same(t, order, []string{
		string(payment(3).ID), string(payment(4).ID), string(payment(1).ID), string(payment(2).ID), string(payment(0).ID),
	})
	none := claimAt(1000)
	none.Limit = 0
	if found := claim(t, s, none); len(found) != 0 {
		t.Errorf("a claim of none gave %d", len(found))
	}
}

func claimFences(t *testing.T, s journal.Store) {
	t.Helper()
	p := dueAt(t, s, payment(1), journal.Sending, 0)
	late := to(p.Last(), journal.Confirmed)
	claimed := claim(t, s, claimAt(1))[0]
	events := audit(t, s, p.ID)
	if err := s.Apply(t.Context(), late); !errors.Is(err, journal.ErrStale) {
		t.Errorf("the writer from before: %v", err)
	}
	unchanged(t, s, claimed, events)
	apply(t, s, to(claimed.Last(), journal.Unknown))
}

func claimLast(t *testing.T, s journal.Store) {
	t.Helper()
	p := dueAt(t, s, payment(1), journal.Sending, 0)
	c := after(p.Last(), journal.Created)
	c.Next.NextAt = at(20)
	apply(t, s, c)
	if early := claim(t, s, claimAt(10)); len(early) != 0 {
		t.Error("the attempt that failed is claimed")
	}
	claimed := claim(t, s, claimAt(20))
	if len(claimed) != 1 || len(claimed[0].Attempts) != 2 || claimed[0].Last().Owner != "gw-2" || claimed[0].Attempts[0].Owner != "" {
		t.Errorf("claimed %+v", claimed)
	}
}
