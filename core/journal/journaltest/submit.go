package journaltest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

func submitExact(t *testing.T, s journal.Store) {
	t.Helper()
	least, err := core.ParseMoney("0.10", "USD")
	if err != nil {
		t.Fatal(err)
	}
	p := payment(1)
	p.Amount, p.MaxCost = least, core.Money{}
	p.CreatedAt = p.CreatedAt.In(time.FixedZone("WIB", 7*60*60))
	want := payment(1)
	want.Amount, want.MaxCost = least, core.Money{}
	same(t, submit(t, s, p), want)
	same(t, get(t, s, p.ID), want)
	byKey, err := s.ByKey(t.Context(), p.Client, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	same(t, byKey, want)
}

func submitReplay(t *testing.T, s journal.Store) {
	t.Helper()
	first := inState(t, s, payment(1), journal.Confirmed)
	again := payment(2)
	again.Key, again.Fingerprint = first.Key, "another"
	recorded, created, err := s.Submit(t.Context(), again, because())
	if err != nil || created {
		t.Fatalf("created %v, error %v", created, err)
	}
	same(t, recorded, first)
	if _, err := s.Payment(t.Context(), again.ID); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("the second payment is there: %v", err)
	}
	if got := len(audit(t, s, first.ID)); got != 3 {
		t.Errorf("%d events, not 3", got)
	}
}

func submitTwoClients(t *testing.T, s journal.Store) {
	t.Helper()
	one, two := payment(1), payment(2)
	two.Client, two.Key = "another shop", one.Key
	submit(t, s, one)
	submit(t, s, two)
	for _, p := range []journal.Payment{one, two} {
		found, err := s.ByKey(t.Context(), p.Client, p.Key)
		if err != nil || found.ID != p.ID {
			t.Errorf("client %q has %s, not %s: %v", p.Client, found.ID, p.ID, err)
		}
	}
}

func submitTogether(t *testing.T, s journal.Store) {
	t.Helper()
	const callers = 200
	var created atomic.Int32
	ids := make([]core.PaymentID, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			p := payment(i)
			p.Key = "the same"
			recorded, made, err := s.Submit(t.Context(), p, because())
			if err != nil {
				t.Errorf("caller %d: %v", i, err)
			}
			if made {
				created.Add(1)
			}
			ids[i] = recorded.ID
		})
	}
	group.Wait()
	if n := created.Load(); n != 1 {
		t.Errorf("created %d times", n)
	}
	for i, id := range ids {
		if id != ids[0] {
			t.Errorf("caller %d was told %s, caller 0 %s", i, id, ids[0])
		}
	}
}

func submitSteps(t *testing.T, s journal.Store) {
	t.Helper()
	for i, state := range []journal.State{journal.Created, journal.Sending, journal.Failed} {
		p := payment(i)
		a := &p.Attempts[0]
		a.State, a.Fence, a.Owner, a.UpdatedAt = state, 1, "gw-1", at(1)
		submit(t, s, p)
		same(t, get(t, s, p.ID), p)
		want := []journal.Event{{AttemptID: a.ID, To: journal.Created, Fence: 1, Cause: because(), At: a.CreatedAt}}
		if state != journal.Created {
			want = append(want, journal.Event{
				AttemptID: a.ID, From: journal.Created, To: state, Fence: 1, Cause: because(), At: a.UpdatedAt,
			})
		}
		events := audit(t, s, p.ID)
		for i := range events {
			events[i].ID = 0
		}
		same(t, events, want)
	}
}

func submitRefusals(t *testing.T, s journal.Store) {
	t.Helper()
	type change = func(p *journal.Payment)
	for name, spoil := range map[string]change{
		"no attempt":                func(p *journal.Payment) { p.Attempts = nil },
		"two attempts":              func(p *journal.Payment) { p.Attempts = append(p.Attempts, attempt(p.ID, 2)) },
		"a second attempt":          func(p *journal.Payment) { p.Attempts[0].N = 2 },
		"an attempt of another":     func(p *journal.Payment) { p.Attempts[0].PaymentID = "another" },
		"an attempt that is done":   func(p *journal.Payment) { p.Attempts[0].State = journal.Confirmed },
		"an attempt that is parked": func(p *journal.Payment) { p.Attempts[0].State = journal.Parked },
		"a state that nobody knows": func(p *journal.Payment) { p.Attempts[0].State = "SLEEPING" },
		"no key":                    func(p *journal.Payment) { p.Key = "" },
		"no id":                     func(p *journal.Payment) { p.ID, p.Attempts[0].PaymentID = "", "" },
		"no time":                   func(p *journal.Payment) { p.CreatedAt = time.Time{} },
		"no time of the attempt":    func(p *journal.Payment) { p.Attempts[0].UpdatedAt = time.Time{} },
	} {
		p := payment(1)
		spoil(&p)
		if _, created, err := s.Submit(t.Context(), p, because()); !errors.Is(err, journal.ErrIllegal) || created {
			t.Errorf("%s: created %v, error %v", name, created, err)
		}
	}
	taken := submit(t, s, payment(1))
	for name, spoil := range map[string]change{
		"a used id":           func(p *journal.Payment) { p.ID, p.Attempts[0].PaymentID = taken.ID, taken.ID },
		"a used attempt's id": func(p *journal.Payment) { p.Attempts[0].ID = taken.Attempts[0].ID },
	} {
		p := payment(2)
		spoil(&p)
		if _, created, err := s.Submit(t.Context(), p, because()); !errors.Is(err, journal.ErrIllegal) || created {
			t.Errorf("%s: created %v, error %v", name, created, err)
		}
		if _, err := s.ByKey(t.Context(), p.Client, p.Key); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("%s: left a payment behind: %v", name, err)
		}
	}
}
