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

func applyPairs(t *testing.T, s journal.Store) {
	t.Helper()
	n := 0
	for _, from := range journal.States() {
		for _, target := range append(journal.States(), "", "SLEEPING") {
			n++
			p := inState(t, s, payment(n), from)
			events := audit(t, s, p.ID)
			err := s.Apply(t.Context(), to(p.Last(), target))
			if legal := journal.CheckStep(from, target) == nil; !legal {
				if !errors.Is(err, journal.ErrIllegal) {
					t.Errorf("from %s to %q: %v", from, target, err)
				}
				unchanged(t, s, p, events)
				continue
			}
			if err != nil {
				t.Errorf("from %s to %s: %v", from, target, err)
				continue
			}
			if got := get(t, s, p.ID).Last().State; got != target {
				t.Errorf("from %s to %s: it is in %s", from, target, got)
			}
			audit(t, s, p.ID)
		}
	}
}

func applyExact(t *testing.T, s journal.Store) {
	t.Helper()
	p := inState(t, s, payment(1), journal.Sending)
	cost, err := core.ParseMoney("98750.25", "IDR")
	if err != nil {
		t.Fatal(err)
	}
	c := to(p.Last(), journal.Confirmed)
	a := &c.Attempt
	a.Product, a.Quote, a.Owner, a.NextAt, a.Checks = "GOPAY50", "q-2", "gw-2", at(60), 7
	a.Outcome, a.Code, a.ProviderCode, a.Reason = core.Succeeded, core.CodeRefunded, "00", "berhasil · ✓"
	a.Invoice, a.Reference, a.ReceiverName = "INV/2026/0001", "1234-5678", "NYI RORO"
	a.Cost, a.Cashback, a.ProviderTime = cost, core.IDR(-5), at(2)
	a.Details = map[string]string{"token": "0000 1111", "": "empty name", "ключ": "значение"}
	a.StartedAt, a.EndedAt = at(1), at(3)
	apply(t, s, c)
	p.Attempts[0] = c.Attempt
	same(t, get(t, s, p.ID), p)
}

func applyStale(t *testing.T, s journal.Store) {
	t.Helper()
	p := inState(t, s, payment(1), journal.Sending)
	events := audit(t, s, p.ID)
	for name, spoil := range map[string]func(c *journal.Change){
		"another state":    func(c *journal.Change) { c.From = journal.Unknown },
		"an older fence":   func(c *journal.Change) { c.FromFence-- },
		"a later fence":    func(c *journal.Change) { c.FromFence++; c.Attempt.Fence++ },
		"another provider": func(c *journal.Change) { c.Attempt.Provider = "digiflazz" },
		"another instance": func(c *journal.Change) { c.Attempt.Instance = "mmbc@production" },
	} {
		c := to(p.Last(), journal.Confirmed)
		spoil(&c)
		if err := s.Apply(t.Context(), c); !errors.Is(err, journal.ErrStale) {
			t.Errorf("%s: %v", name, err)
		}
		unchanged(t, s, p, events)
	}
}

func applyStranger(t *testing.T, s journal.Store) {
	t.Helper()
	a := attempt("PAY00000000000000000000404", 1)
	if err := s.Apply(t.Context(), to(a, journal.Sending)); !errors.Is(err, journal.ErrStale) {
		t.Error(err)
	}
}

func applyLowerFence(t *testing.T, s journal.Store) {
	t.Helper()
	p := inState(t, s, payment(1), journal.Sending)
	c := to(p.Last(), journal.Confirmed)
	c.Attempt.Fence--
	if err := s.Apply(t.Context(), c); !errors.Is(err, journal.ErrIllegal) {
		t.Error(err)
	}
}

func applyTogether(t *testing.T, s journal.Store) {
	t.Helper()
	p := submit(t, s, payment(1))
	var won atomic.Int32
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			switch err := s.Apply(t.Context(), to(p.Last(), journal.Sending)); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, journal.ErrStale):
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := won.Load(); n != 1 {
		t.Errorf("%d callers have claimed it", n)
	}
	audit(t, s, p.ID)
}

func applyStay(t *testing.T, s journal.Store) {
	t.Helper()
	p := inState(t, s, payment(1), journal.Unknown)
	events := audit(t, s, p.ID)
	c := to(p.Last(), journal.Unknown)
	c.Attempt.Checks, c.Attempt.NextAt = 3, at(120)
	apply(t, s, c)
	p.Attempts[0] = c.Attempt
	unchanged(t, s, p, events)
}

// after gives the change that ends an attempt as FAILED and makes the next one.
func after(a journal.Attempt, state journal.State) journal.Change {
	c := to(a, journal.Failed)
	next := attempt(a.PaymentID, a.N+1)
	next.State, next.Provider, next.Fence = state, "digiflazz", 1
	c.Next = &next
	return c
}

func failOver(t *testing.T, s journal.Store) {
	t.Helper()
	for i, state := range []journal.State{journal.Created, journal.Sending, journal.Failed} {
		p := inState(t, s, payment(i), journal.Sending)
		c := after(p.Last(), state)
		apply(t, s, c)
		p.Attempts = []journal.Attempt{c.Attempt, *c.Next}
		same(t, get(t, s, p.ID), p)
		audit(t, s, p.ID)
	}
}

func failOverWhole(t *testing.T, s journal.Store) {
	t.Helper()
	other := submit(t, s, payment(9))
	p := inState(t, s, payment(1), journal.Sending)
	events := audit(t, s, p.ID)
	for name, spoil := range map[string]func(c *journal.Change){
		"next of another payment": func(c *journal.Change) { c.Next.PaymentID = other.ID },
		"next that is done":       func(c *journal.Change) { c.Next.State = journal.Confirmed },
		"next out of order":       func(c *journal.Change) { c.Next.N = 3 },
		"next with a used id":     func(c *journal.Change) { c.Next.ID = other.Attempts[0].ID },
		"next without time":       func(c *journal.Change) { c.Next.CreatedAt = time.Time{} },
		"next beside a live one":  func(c *journal.Change) { c.Attempt.State = journal.Unknown },
	} {
		c := after(p.Last(), journal.Sending)
		spoil(&c)
		if err := s.Apply(t.Context(), c); !errors.Is(err, journal.ErrIllegal) {
			t.Errorf("%s: %v", name, err)
		}
		unchanged(t, s, p, events)
	}
	stale := after(p.Last(), journal.Sending)
	stale.FromFence--
	if err := s.Apply(t.Context(), stale); !errors.Is(err, journal.ErrStale) {
		t.Errorf("under an older fence: %v", err)
	}
	unchanged(t, s, p, events)
}

func invoiceOnce(t *testing.T, s journal.Store) {
	t.Helper()
	confirm := func(p journal.Payment, provider string) journal.Change {
		p.Attempts[0].Provider = provider
		p = inState(t, s, p, journal.Sending)
		c := to(p.Last(), journal.Confirmed)
		c.Attempt.Invoice = "INV-1"
		return c
	}
	first := apply(t, s, confirm(payment(1), "mmbc"))
	apply(t, s, confirm(payment(2), "digiflazz"))
	second := confirm(payment(3), "mmbc")
	before, events := get(t, s, second.Attempt.PaymentID), audit(t, s, second.Attempt.PaymentID)
	if err := s.Apply(t.Context(), second); !errors.Is(err, journal.ErrInvoiceTaken) {
		t.Errorf("the same invoice at the same provider: %v", err)
	}
	unchanged(t, s, before, events)
	second.Attempt.Invoice = ""
	apply(t, s, second)
	apply(t, s, to(first, journal.Refunded))
}
