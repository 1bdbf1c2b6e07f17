package journaltest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

// listed is one payment for every state, alternately of two clients and two accounts, each a second after the one before.
func listed(t *testing.T, s journal.Store) []journal.Payment {
	t.Helper()
	all := make([]journal.Payment, 0, len(journal.States()))
	for i, state := range journal.States() {
		p := payment(i)
		p.CreatedAt = at(i)
		if i%2 == 1 {
			p.Client = "another shop"
		}
		if i >= len(journal.States())/2 {
			p.Account = "089999999999"
		}
		all = append(all, inState(t, s, p, state))
	}
	failed := payment(100)
	failed.CreatedAt = at(100)
	failed = inState(t, s, failed, journal.Sending)
	c := after(failed.Last(), journal.Created)
	apply(t, s, c)
	return append(all, get(t, s, failed.ID))
}

func listFilters(t *testing.T, s journal.Store) {
	t.Helper()
	all := listed(t, s)
	type filter = journal.Filter
	cases := map[string]filter{
		"all":                       {AnyClient: true},
		"a client":                  {Client: client},
		"the client without name":   {},
		"a key of a client":         {Client: client, Key: all[2].Key},
		"a key of any":              {AnyClient: true, Key: all[3].Key},
		"another's key":             {Client: client, Key: all[3].Key},
		"an account":                {AnyClient: true, Account: "089999999999"},
		"a client's account":        {Client: client, Account: "089999999999"},
		"an account and a key":      {AnyClient: true, Account: "089999999999", Key: all[5].Key},
		"a key and another account": {AnyClient: true, Account: "089999999999", Key: all[1].Key},
		"since":                     {AnyClient: true, Since: at(4)},
		"since, of a client":        {Client: client, Since: at(4)},
		"since, of an account":      {AnyClient: true, Account: "081234567890", Since: at(2)},
		"since, under a key":        {AnyClient: true, Key: all[1].Key, Since: at(2)},
		"a state of no list":        {AnyClient: true, State: "sleeping"},
	}
	for _, state := range journal.PaymentStates() {
		cases["any "+string(state)] = filter{AnyClient: true, State: state}
		cases["a client's "+string(state)] = filter{Client: client, State: state}
		cases["an account's "+string(state)] = filter{AnyClient: true, Account: "089999999999", State: state}
		cases["under a key "+string(state)] = filter{AnyClient: true, Key: all[4].Key, State: state}
		cases["since "+string(state)] = filter{AnyClient: true, State: state, Since: at(4)}
	}
	for name, f := range cases {
		page, err := s.List(t.Context(), f)
		if err != nil || page.Next != "" {
			t.Errorf("%s: next %q, error %v", name, page.Next, err)
		}
		var want []journal.Payment
		for _, p := range slices.Backward(all) {
			if selects(f, p) {
				want = append(want, p)
			}
		}
		if len(page.Payments)+len(want) > 0 {
			same(t, page.Payments, want)
		}
	}
}

func selects(f journal.Filter, p journal.Payment) bool {
	return (f.AnyClient || p.Client == f.Client) &&
		(f.Key == "" || p.Key == f.Key) &&
		(f.Account == "" || p.Account == f.Account) &&
		(f.State == "" || p.State() == f.State) &&
		!p.CreatedAt.Before(f.Since)
}

func listPages(t *testing.T, s journal.Store) {
	t.Helper()
	const payments = 1000
	var group sync.WaitGroup
	for i := range payments {
		group.Go(func() {
			if _, _, err := s.Submit(t.Context(), payment(i), because()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for name, f := range map[string]journal.Filter{
		"all": {AnyClient: true, Limit: 7}, "a client": {Client: client, Limit: 250}, "the largest": {Client: client, Limit: 100000},
		"without a size": {Client: client}, "open": {AnyClient: true, State: journal.StateAccepted, Limit: 100},
		"an account": {AnyClient: true, Account: "081234567890", Limit: 333},
	} {
		seen := pages(t, s, f)
		if len(seen) != payments || !slices.IsSortedFunc(seen, func(a, b core.PaymentID) int { return strings.Compare(string(b), string(a)) }) {
			t.Errorf("%s: %d payments, in order: %v", name, len(seen), slices.IsSorted(seen))
		}
	}
}

func pages(t *testing.T, s journal.Store, f journal.Filter) []core.PaymentID {
	t.Helper()
	size := f.Limit
	if size == 0 {
		size = journal.DefaultPage
	}
	size = min(size, journal.MaxPage)
	var seen []core.PaymentID
	for {
		page, err := s.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(page.Payments); n > size || page.Next != "" && n != size {
			t.Fatalf("a page of %d, not %d", len(page.Payments), size)
		}
		for _, p := range page.Payments {
			seen = append(seen, p.ID)
		}
		if page.Next == "" {
			return seen
		}
		f.Cursor = page.Next
	}
}

func listStrangeCursor(t *testing.T, s journal.Store) {
	t.Helper()
	for _, cursor := range []string{"%", "bm8", "'; DROP TABLE payment; --"} {
		if _, err := s.List(t.Context(), journal.Filter{AnyClient: true, Cursor: cursor}); !errors.Is(err, journal.ErrCursor) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
}

func notFound(t *testing.T, s journal.Store) {
	t.Helper()
	submit(t, s, payment(1))
	_, byID := s.Payment(t.Context(), "PAY404")
	_, byKey := s.ByKey(t.Context(), "another shop", payment(1).Key)
	_, inquiry := s.Inquiry(t.Context(), client, "INQ404")
	for _, err := range []error{byID, byKey, inquiry} {
		if !errors.Is(err, journal.ErrNotFound) {
			t.Error(err)
		}
	}
	events, err := s.Events(t.Context(), "PAY404")
	if err != nil || len(events) != 0 {
		t.Errorf("%d events, error %v", len(events), err)
	}
}

// strangeNames are asked for by whoever calls: there is no such thing, and it is no fault of the database.
func strangeNames(t *testing.T, s journal.Store) {
	t.Helper()
	submit(t, s, payment(1))
	for _, name := range []string{"a\x00b", "\xff", "\x00"} {
		_, byID := s.Payment(t.Context(), core.PaymentID(name))
		_, byKey := s.ByKey(t.Context(), name, core.Key(name))
		_, inquiry := s.Inquiry(t.Context(), name, name)
		for what, err := range map[string]error{"a payment": byID, "a key": byKey, "an inquiry": inquiry} {
			if !errors.Is(err, journal.ErrNotFound) {
				t.Errorf("%s %q: %v", what, name, err)
			}
		}
		if events, err := s.Events(t.Context(), core.PaymentID(name)); err != nil || len(events) > 0 {
			t.Errorf("events of %q: %d, %v", name, len(events), err)
		}
		for _, f := range []journal.Filter{{Client: name}, {AnyClient: true, Key: core.Key(name)}, {Client: name, Account: core.AccountNumber(name)}} {
			if page, err := s.List(t.Context(), f); err != nil || len(page.Payments) > 0 {
				t.Errorf("%+v: %d payments, %v", f, len(page.Payments), err)
			}
		}
	}
}

func inquiries(t *testing.T, s journal.Store) {
	t.Helper()
	full := journal.Inquiry{
		ID: "INQ1", Client: client, Merchant: "GOPAY", Account: "081234567890", Amount: core.IDR(50000), Provider: "mmbc", Product: "GOPAY50",
		Token: "t-1", ReceiverName: "SITI · 素子", Cost: core.IDR(50500), Cashback: core.IDR(100),
		Details: map[string]string{"fee": "500"}, ExpiresAt: at(600), CreatedAt: epoch(), Reserves: true,
	}
	bare := journal.Inquiry{ID: "INQ2", Client: client, CreatedAt: epoch()}
	for _, want := range []journal.Inquiry{full, bare} {
		if err := s.SaveInquiry(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		got, err := s.Inquiry(t.Context(), client, want.ID)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, want)
		if _, err := s.Inquiry(t.Context(), "another shop", want.ID); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("another client: %v", err)
		}
	}
	changed := full
	changed.Amount = core.IDR(1)
	if err := s.SaveInquiry(t.Context(), changed); err == nil {
		t.Error("an inquiry was written over")
	}
}

func leftCaller(t *testing.T, s journal.Store) {
	t.Helper()
	p := submit(t, s, payment(1))
	events := audit(t, s, p.ID)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, submitted := s.Submit(ctx, payment(2), because())
	_, claimed := s.ClaimDue(ctx, claimAt(1000))
	for name, err := range map[string]error{
		"submit": submitted, "claim": claimed, "apply": s.Apply(ctx, to(p.Last(), journal.Sending)),
		"inquiry": s.SaveInquiry(ctx, journal.Inquiry{ID: "INQ1", CreatedAt: epoch()}), "ping": s.Ping(ctx),
	} {
		if !errors.Is(err, journal.ErrNotWritten) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Payment(ctx, p.ID); !errors.Is(err, context.Canceled) {
		t.Errorf("reading: %v", err)
	}
	unchanged(t, s, p, events)
	if _, err := s.Payment(t.Context(), payment(2).ID); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("the payment of a caller who had left: %v", err)
	}
}

func ping(t *testing.T, s journal.Store) {
	t.Helper()
	for range 2 {
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func closed(t *testing.T, s journal.Store) {
	t.Helper()
	p := submit(t, s, payment(1))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	_, _, submitted := s.Submit(t.Context(), payment(2), because())
	_, claimed := s.ClaimDue(t.Context(), claimAt(0))
	_, read := s.Payment(t.Context(), p.ID)
	_, listed := s.List(t.Context(), journal.Filter{AnyClient: true})
	for name, err := range map[string]error{
		"submit": submitted, "claim": claimed, "read": read, "list": listed,
		"apply": s.Apply(t.Context(), to(p.Last(), journal.Sending)), "ping": s.Ping(t.Context()),
	} {
		if err == nil {
			t.Errorf("%s works on a closed store", name)
		}
	}
	if !errors.Is(submitted, journal.ErrNotWritten) {
		t.Errorf("submit: %v", submitted)
	}
}

func (s Suite) durable(t *testing.T) {
	t.Helper()
	store := s.Open(t)
	want := listed(t, store)
	events := make([][]journal.Event, len(want))
	for i, p := range want {
		events[i] = audit(t, store, p.ID)
	}
	store = s.Reopen(t, store)
	for i, p := range want {
		got := get(t, store, p.ID)
		// The sender of before is dead, so a store may have made its attempts due.
		if p.State() == journal.StatePending {
			got.Attempts[0].NextAt = time.Time{}
		}
		same(t, got, p)
		same(t, audit(t, store, p.ID), events[i])
	}
	if _, created, err := store.Submit(t.Context(), want[0], because()); err != nil || created {
		t.Errorf("the same key after opening anew: created %v, error %v", created, err)
	}
	submit(t, store, payment(2000))
}
