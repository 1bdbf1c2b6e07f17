package journaltest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

const client = "shop"

// epoch is a time with microseconds, which every store keeps.
func epoch() time.Time { return time.Date(2026, 3, 1, 9, 30, 0, 123456000, time.UTC) }

func at(seconds int) time.Time { return epoch().Add(time.Duration(seconds) * time.Second) }

func because() journal.Cause {
	return journal.Cause{Actor: "sender:gw-1", Why: "a test", Evidence: json.RawMessage(`{"said":"ya, \"benar\""}`)}
}

// payment gives a full payment with its first attempt in CREATED. The number makes its names unique.
func payment(n int) journal.Payment {
	id := core.PaymentID(fmt.Sprintf("PAY%023d", n))
	return journal.Payment{
		ID: id, Client: client, Key: core.Key(fmt.Sprintf("key-%d", n)), Fingerprint: "sha256:00ff",
		Merchant: "KARTU EMONEY", Account: "081234567890", Amount: core.IDR(100000), MaxCost: core.IDR(101500),
		Extra: map[string]string{"name": "Siti Nurhaliza", "note": "日本語 \u0000 \"'; -- 🙂"}, Inquiry: "INQ1",
		CreatedAt: epoch(), Attempts: []journal.Attempt{attempt(id, 1)},
	}
}

func attempt(id core.PaymentID, n int) journal.Attempt {
	name := fmt.Sprintf("ATT%d%s", n, string(id)[4:])
	return journal.Attempt{
		ID: name, PaymentID: id, N: n, Provider: "mmbc", Instance: "mmbc@sandbox",
		Product: "GOPAY", Quote: "q-" + name, State: journal.Created, CreatedAt: epoch(), UpdatedAt: epoch(),
	}
}

func submit(t *testing.T, s journal.Store, p journal.Payment) journal.Payment {
	t.Helper()
	recorded, created, err := s.Submit(t.Context(), p, because())
	if err != nil || !created {
		t.Fatalf("submit of %s: created %v, error %v", p.ID, created, err)
	}
	return recorded
}

// to gives the change of an attempt into a state, as its last writer would make it.
func to(a journal.Attempt, state journal.State) journal.Change {
	c := journal.Change{From: a.State, FromFence: a.Fence, Attempt: a, Cause: because()}
	c.Attempt.State = state
	c.Attempt.UpdatedAt = a.UpdatedAt.Add(time.Second)
	if state == journal.Sending {
		c.Attempt.Fence++
	}
	return c
}

func apply(t *testing.T, s journal.Store, c journal.Change) journal.Attempt {
	t.Helper()
	if err := s.Apply(t.Context(), c); err != nil {
		t.Fatalf("from %s to %s: %v", c.From, c.Attempt.State, err)
	}
	return c.Attempt
}

// way gives the states on a legal way to a state, from CREATED on.
func way(state journal.State) []journal.State {
	switch state {
	case journal.Created:
		return nil
	case journal.Sending:
		return []journal.State{journal.Sending}
	case journal.Parked:
		return []journal.State{journal.Sending, journal.Unknown, journal.Parked}
	case journal.Accepted, journal.Unknown, journal.Confirmed, journal.Refunded, journal.Failed:
		return []journal.State{journal.Sending, state}
	default:
		panic("no way to " + state)
	}
}

// inState submits a payment and brings it into a state.
func inState(t *testing.T, s journal.Store, p journal.Payment, state journal.State) journal.Payment {
	t.Helper()
	p = submit(t, s, p)
	for _, next := range way(state) {
		p.Attempts[0] = apply(t, s, to(p.Attempts[0], next))
	}
	return p
}

func get(t *testing.T, s journal.Store, id core.PaymentID) journal.Payment {
	t.Helper()
	p, err := s.Payment(t.Context(), id)
	if err != nil {
		t.Fatalf("payment %s: %v", id, err)
	}
	return p
}

func same[T any](t *testing.T, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

// unchanged asserts that a refused write has left no trace.
func unchanged(t *testing.T, s journal.Store, before journal.Payment, events []journal.Event) {
	t.Helper()
	same(t, get(t, s, before.ID), before)
	same(t, audit(t, s, before.ID), events)
}

// audit gives a payment's events after it has held them against the rules: for each attempt a gapless chain of legal steps from its making to the
// state that it is in.
func audit(t *testing.T, s journal.Store, id core.PaymentID) []journal.Event {
	t.Helper()
	events, err := s.Events(t.Context(), id)
	if err != nil {
		t.Fatalf("events of %s: %v", id, err)
	}
	states := map[string]journal.State{}
	var last int64
	for _, e := range events {
		if e.ID <= last {
			t.Errorf("event %d comes after %d", e.ID, last)
		}
		if e.From != states[e.AttemptID] {
			t.Errorf("attempt %s was in %q and the next event says %q", e.AttemptID, states[e.AttemptID], e.From)
		}
		if err := journal.CheckStep(e.From, e.To); err != nil || e.From == e.To {
			t.Errorf("event %d from %q to %q: %v", e.ID, e.From, e.To, err)
		}
		last, states[e.AttemptID] = e.ID, e.To
	}
	for _, a := range get(t, s, id).Attempts {
		if states[a.ID] != a.State {
			t.Errorf("attempt %s is in %s and its last event says %q", a.ID, a.State, states[a.ID])
		}
	}
	return events
}
