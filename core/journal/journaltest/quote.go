package journaltest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

// quoted gives a payment by a quote.
func quoted(n int, quote string) journal.Payment {
	p := payment(n)
	p.Attempts[0].Quote = quote
	return p
}

func quoteOnce(t *testing.T, s journal.Store) {
	t.Helper()
	for i, state := range journal.States() {
		token := "token-" + string(state)
		holder := inState(t, s, quoted(100+i, token), state)
		events := audit(t, s, holder.ID)
		second := quoted(200+i, token)
		_, created, err := s.Submit(t.Context(), second, because())
		if free := state == journal.Failed; free != (err == nil) || free != created || !free && !errors.Is(err, journal.ErrQuoteUsed) {
			t.Errorf("while the other is %s: created %v, %v", state, created, err)
		}
		if _, err := s.Payment(t.Context(), second.ID); state != journal.Failed && !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("while the other is %s: a refused payment is there: %v", state, err)
		}
		unchanged(t, s, holder, events)
	}
	submit(t, s, quoted(301, ""))
	submit(t, s, quoted(302, "")) // no quote is no quote twice
	elsewhere := quoted(303, "token-CONFIRMED")
	elsewhere.Attempts[0].Instance = "mmbc@production"
	submit(t, s, elsewhere)
	unsent := quoted(304, "token-CONFIRMED")
	unsent.Attempts[0].State = journal.Failed
	submit(t, s, unsent) // it was never sent
}

func quoteTogether(t *testing.T, s journal.Store) {
	t.Helper()
	const callers = 20
	var won atomic.Int32
	var group sync.WaitGroup
	for n := range callers {
		group.Go(func() {
			switch _, created, err := s.Submit(t.Context(), quoted(n+1, "token"), because()); {
			case err == nil && created:
				won.Add(1)
			case !errors.Is(err, journal.ErrQuoteUsed):
				t.Error(created, err)
			}
		})
	}
	group.Wait()
	if n := won.Load(); n != 1 {
		t.Errorf("%d payments by one quote", n)
	}
}

func findNamed(t *testing.T, s journal.Store) {
	t.Helper()
	one, two := inState(t, s, quoted(1, "token"), journal.Sending), inState(t, s, quoted(2, ""), journal.Unknown)
	done := to(one.Last(), journal.Confirmed)
	done.Attempt.Invoice = "INV-1"
	one.Attempts[0] = apply(t, s, done)
	failed := inState(t, s, quoted(3, "given up"), journal.Failed)
	for name, c := range map[string]struct {
		named core.CallbackOrder
		want  *journal.Payment // nil: nothing
	}{
		"by reference":              {core.CallbackOrder{Ref: two.Last().ID}, &two},
		"by quote":                  {core.CallbackOrder{Quote: "token"}, &one},
		"by invoice":                {core.CallbackOrder{Invoice: "INV-1"}, &one},
		"the reference comes first": {core.CallbackOrder{Ref: two.Last().ID, Quote: "token", Invoice: "INV-1"}, &two},
		"what is known counts":      {core.CallbackOrder{Ref: "none", Quote: "none", Invoice: "INV-1"}, &one},
		"the quote of a failed one": {core.CallbackOrder{Quote: "given up"}, nil},
		"a failed one by reference": {core.CallbackOrder{Ref: failed.Last().ID}, &failed},
		"nothing":                   {core.CallbackOrder{}, nil},
		"a stranger":                {core.CallbackOrder{Ref: "none", Quote: "none", Invoice: "none"}, nil},
		"a name no database has":    {core.CallbackOrder{Ref: "a\x00\xff", Quote: "a\x00\xff", Invoice: "a\x00\xff"}, nil},
	} {
		found, err := s.Find(t.Context(), journal.Named{Provider: "mmbc", Instance: "mmbc@sandbox", CallbackOrder: c.named})
		switch {
		case c.want == nil && !errors.Is(err, journal.ErrNotFound):
			t.Errorf("%s: %s, %v", name, found.ID, err)
		case c.want != nil && (err != nil || found.ID != c.want.ID):
			t.Errorf("%s: %s instead of %s, %v", name, found.ID, c.want.ID, err)
		}
	}
	for _, elsewhere := range []journal.Named{{Provider: "digiflazz", Instance: "mmbc@sandbox"}, {Provider: "mmbc", Instance: "mmbc@production"}} {
		elsewhere.CallbackOrder = core.CallbackOrder{Ref: one.Last().ID, Quote: "token", Invoice: "INV-1"}
		if found, err := s.Find(t.Context(), elsewhere); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("%+v: %s, %v", elsewhere, found.ID, err)
		}
	}
}
