package payments_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/checker"
	"github.com/jalurhq/jalur/core/journal/sqlite"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/router"
)

// still is a clock that stands: nothing gets due, and whoever sleeps does so until the end.
type still struct{ clock.System }

func (still) Now() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC) }

func (still) Sleep(ctx context.Context, _ time.Duration) error {
	<-ctx.Done()
	return ctx.Err()
}

// entry is what the model knows of a payment.
type entry struct {
	id      core.PaymentID
	amount  int64
	state   journal.PaymentState
	invoice core.Invoice
}

// machine is a service over SQLite beside a model of it.
type machine struct {
	t        *testing.T
	path     string
	client   string
	store    *sqlite.Store
	service  *payments.Service
	provider *fake
	entries  map[core.Key]*entry
	sent     int // pays that the model expects in this run
	before   int // pays before it
}

func (m *machine) open() {
	m.t.Helper()
	var err error
	m.store, err = sqlite.Open(m.t.Context(), sqlite.Config{Path: m.path, Role: sqlite.RoleGateway})
	if err != nil {
		m.t.Fatal(err)
	}
	r := rig{m.t, m.store}
	m.service = payments.New(payments.Config{
		Store: m.store, Spill: r.spill(), Clock: still{}, Router: r.router(router.Rule{}, m.provider), NewID: newID, Log: slog.New(slog.DiscardHandler),
	})
}

func (m *machine) close() {
	m.t.Helper()
	if err := errors.Join(m.service.Close(context.Background()), m.store.Close()); err != nil {
		m.t.Fatal(err)
	}
}

// said gives the answer that a provider gives, by the state that the payment shall have.
func said(state journal.PaymentState, req core.PayRequest, invoice core.Invoice) (core.Result, error) {
	outcome, answered := map[journal.PaymentState]core.Outcome{
		journal.StateSucceeded: core.Succeeded, journal.StateRefunded: core.Refunded, journal.StatePending: core.Pending, journal.StateFailed: core.Declined,
	}[state]
	if !answered {
		return core.Result{}, &core.Error{Outcome: core.Unknown, Code: core.CodeTransportAfterSend, Err: errors.New("cut")}
	}
	res := answer(req, outcome)
	if res.Invoice = invoice; outcome == core.Declined {
		res = core.Result{Outcome: outcome, Code: core.CodeDeclined}
	}
	return res, nil
}

func drawState(rt *rapid.T) journal.PaymentState {
	return rapid.SampledFrom([]journal.PaymentState{
		journal.StateUnknown, journal.StatePending, journal.StateSucceeded, journal.StateFailed, journal.StateRefunded,
	}).Draw(rt, "answer")
}

func (m *machine) drawKey(rt *rapid.T) core.Key {
	return core.Key(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}).Draw(rt, "key"))
}

// known draws a payment that there is; where there is none yet, it makes one.
func (m *machine) known(rt *rapid.T) (core.Key, *entry) {
	if len(m.entries) == 0 {
		m.Pay(rt)
	}
	key := rapid.SampledFrom(slices.Sorted(maps.Keys(m.entries))).Draw(rt, "known")
	return key, m.entries[key]
}

// Pay submits: a new key, a known one, or a known one with other content.
func (m *machine) Pay(rt *rapid.T) {
	key, amount, state := m.drawKey(rt), int64(rapid.IntRange(100000, 100001).Draw(rt, "amount")), drawState(rt)
	m.provider.pay = func(_ context.Context, req core.PayRequest) (core.Result, error) {
		return said(state, req, core.Invoice("I"+req.Ref))
	}
	o := order(string(key))
	o.Client, o.Amount = m.client, core.IDR(amount)
	got, err := m.service.Pay(context.Background(), o)
	known := m.entries[key]
	switch {
	case known == nil:
		if err != nil || got.Replayed {
			rt.Fatalf("a new key: %+v, %v", got, err)
		}
		m.sent++
		m.entries[key] = &entry{got.Payment.ID, amount, state, got.Payment.Last().Invoice}
	case known.amount != amount:
		wantCode(rt, err, payments.CodeKeyReused)
	case err != nil || !got.Replayed || got.Payment.ID != known.id:
		rt.Fatalf("a known key: %+v, %v", got, err)
	}
}

// says sets what the provider says of one payment, and that it says nothing of all others: the reconciler asks by itself as well.
func (m *machine) says(rt *rapid.T, known *entry, state journal.PaymentState) {
	p, err := m.service.Payment(context.Background(), m.client, known.id)
	if err != nil {
		rt.Fatal(err)
	}
	m.provider.says(func(req core.StatusRequest) (core.Result, error) {
		if req.Original.Ref != p.Last().ID {
			return said(journal.StateUnknown, req.Original, req.Invoice)
		}
		return said(state, req.Original, req.Invoice)
	})
}

// Ask asks the provider, which can be asked by invoice only.
func (m *machine) Ask(rt *rapid.T) {
	_, known := m.known(rt)
	state := drawState(rt)
	m.says(rt, known, state)
	p, err := m.service.Payment(context.Background(), m.client, known.id)
	if err != nil {
		rt.Fatal(err)
	}
	if _, err := m.service.Ask(context.Background(), p); err != nil {
		rt.Fatal(err)
	}
	if known.state == journal.StatePending && state != journal.StateUnknown {
		known.state = state
	}
}

// NotExecuted brings an operator's word.
func (m *machine) NotExecuted(rt *rapid.T) {
	_, known := m.known(rt)
	if m.resolve(rt, known, payments.Resolution{NotExecuted: true, Reason: "not in the report", By: "test"}, "") {
		known.state = journal.StateFailed
	}
}

// BringInvoice brings an operator's invoice, which the provider may confirm, or which may be another payment's.
func (m *machine) BringInvoice(rt *rapid.T) {
	key, known := m.known(rt)
	state := rapid.SampledFrom([]journal.PaymentState{journal.StateSucceeded, journal.StateUnknown}).Draw(rt, "answer")
	invoice, refusal := core.Invoice(m.client+"-"+string(key)), payments.Code("")
	if other := m.entries[m.drawKey(rt)]; other != nil && other != known && other.invoice != "" {
		invoice, refusal = other.invoice, payments.CodeInvoiceTaken
	}
	if state == journal.StateUnknown {
		refusal = payments.CodeInvoiceNotConfirmed
	}
	m.says(rt, known, state)
	if m.resolve(rt, known, payments.Resolution{Invoice: invoice, By: "test"}, refusal) {
		known.state, known.invoice = journal.StateSucceeded, invoice
	}
}

// AskForRefund brings the invoice of a payment that is done: its provider is asked whether it was given back.
func (m *machine) AskForRefund(rt *rapid.T) {
	_, known := m.known(rt)
	if known.state != journal.StateSucceeded {
		return
	}
	state := rapid.SampledFrom([]journal.PaymentState{
		journal.StateSucceeded, journal.StateRefunded, journal.StateFailed, journal.StateUnknown,
	}).Draw(rt, "answer")
	refusal := map[journal.PaymentState]payments.Code{
		journal.StateFailed: payments.CodeStateConflict, journal.StateUnknown: payments.CodeInvoiceNotConfirmed,
	}[state]
	m.says(rt, known, state)
	p, err := m.service.Payment(context.Background(), m.client, known.id)
	if err != nil {
		rt.Fatal(err)
	}
	_, err = m.service.Resolve(context.Background(), p, payments.Resolution{Invoice: known.invoice, By: "test"})
	wantCode(rt, err, refusal)
	if state == journal.StateRefunded {
		known.state = state
	}
}

// resolve wants the refusal, or that only what is unknown can be resolved. It reports whether the payment is resolved.
func (m *machine) resolve(rt *rapid.T, known *entry, r payments.Resolution, refusal payments.Code) bool {
	p, err := m.service.Payment(context.Background(), m.client, known.id)
	if err != nil {
		rt.Fatal(err)
	}
	if r.Invoice != "" && r.Invoice == known.invoice {
		return false // see AskForRefund
	}
	_, err = m.service.Resolve(context.Background(), p, r)
	if known.state != journal.StateUnknown {
		refusal = payments.CodeStateConflict
	}
	wantCode(rt, err, refusal)
	return refusal == ""
}

// Restart ends the service and opens the journal anew, one time in four: it takes longer than all else.
func (m *machine) Restart(rt *rapid.T) {
	if rapid.IntRange(0, 3).Draw(rt, "really") > 0 {
		return
	}
	m.close()
	m.open()
}

// Check holds the journal and the provider against the model.
func (m *machine) Check(rt *rapid.T) {
	if got := m.provider.paid() - m.before; got != m.sent {
		rt.Fatalf("%d pays reached the provider, want %d", got, m.sent)
	}
	for key, known := range m.entries {
		p, err := m.service.PaymentByKey(context.Background(), m.client, key)
		if err != nil || p.ID != known.id || p.State() != known.state || p.Last().Invoice != known.invoice || len(p.Attempts) != 1 {
			rt.Fatalf("%s: %s, invoice %q, %d attempts (%v); want %+v", key, p.State(), p.Last().Invoice, len(p.Attempts), err, *known)
		}
	}
}

func wantCode(rt *rapid.T, err error, code payments.Code) {
	refusal, ok := errors.AsType[*payments.Refusal](err)
	if code == "" && err != nil || code != "" && (!ok || refusal.Code != code) {
		rt.Fatalf("got %v, want the code %q", err, code)
	}
}

func TestTheServiceIsItsModel(t *testing.T) {
	t.Parallel()
	m := &machine{t: t, path: filepath.Join(t.TempDir(), "jalur.db"), provider: newFake("one")}
	m.open()
	defer m.close()
	begin, runs, steps := time.Now(), 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		if time.Since(begin) > 10*time.Second {
			return // enough for one test on a slow machine
		}
		runs++
		m.client, m.entries, m.sent, m.before = fmt.Sprintf("client-%d", runs), map[core.Key]*entry{}, 0, m.provider.paid()
		actions := rapid.StateMachineActions(m)
		check := actions[""]
		actions[""] = func(rt *rapid.T) { steps++; check(rt) }
		rt.Repeat(actions)
	})
	report, err := checker.Check(t.Context(), m.store, checker.Options{})
	if err != nil || len(report.Violations) != 0 {
		t.Errorf("the journal at the end: %v, error %v", report.Violations, err)
	}
	t.Logf("%d runs, %d steps, %d payments", runs, steps, report.Payments)
}
