package payments_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/router"
)

// flaky is a journal whose writes fail as the test says, before or after they have happened.
type flaky struct {
	journal.Store

	submit func() error // nil: as the journal does
	before func() error // of Apply; an error means that the write did not happen
	after  func() error // of Apply; the write has happened
}

func (f *flaky) Submit(ctx context.Context, p journal.Payment, cause journal.Cause) (journal.Payment, bool, error) {
	if f.submit != nil {
		if err := f.submit(); err != nil {
			return journal.Payment{}, false, err
		}
	}
	return f.Store.Submit(ctx, p, cause)
}

func (f *flaky) Apply(ctx context.Context, c journal.Change) error {
	if f.before != nil {
		if err := f.before(); err != nil {
			return err
		}
	}
	if err := f.Store.Apply(ctx, c); err != nil {
		return err
	}
	if f.after != nil {
		return f.after()
	}
	return nil
}

// times fails n times.
func times(n int32, err error) func() error {
	var failed atomic.Int32
	return func() error {
		if failed.Add(1) <= n {
			return err
		}
		return nil
	}
}

func TestNothingIsSentWithoutADurableIntent(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]error{"refused": journal.ErrNotWritten, "ambiguous": journal.ErrAmbiguous} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, p := newRig(t), newFake("one")
			s := r.serviceOn(&flaky{Store: r.store, submit: times(1, cause)}, router.Rule{}, p)
			_, err := s.Pay(t.Context(), order("k"))
			r.refused(err, payments.CodeJournalUnavailable)
			if p.paid() != 0 {
				t.Fatal("sent without a durable intent")
			}
			if got := pay(t, s, order("k")); got.State() != journal.StateSucceeded || p.paid() != 1 {
				t.Errorf("the next try: %s after %d pays", got.State(), p.paid())
			}
		})
	}
}

func TestAnOutcomeIsWrittenInTheEnd(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]flaky{
		"the write is refused":                  {before: times(3, journal.ErrNotWritten)},
		"the commit is lost":                    {before: times(2, journal.ErrAmbiguous)},
		"the commit happened, its answer lost":  {after: times(1, journal.ErrAmbiguous)},
		"lost once, then happened and was lost": {before: times(1, journal.ErrAmbiguous), after: times(1, journal.ErrAmbiguous)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, p := newRig(t), newFake("one")
			f.Store = r.store
			got := pay(t, r.serviceOn(&f, router.Rule{}, p), order("k"))
			if got.State() != journal.StateSucceeded || p.paid() != 1 {
				t.Errorf("%s after %d pays", got.State(), p.paid())
			}
			r.events(got, journal.Created, journal.Sending, journal.Confirmed)
		})
	}
}

func TestTheInvoiceOfAnotherOrderIsNotBelieved(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	p.pay = func(ctx context.Context, req core.PayRequest) (core.Result, error) {
		res, err := succeed(ctx, req)
		res.Invoice = "123"
		return res, err
	}
	s := r.service(p)
	pay(t, s, order("k"))
	second := pay(t, s, order("k2"))
	a := second.Last()
	if second.State() != journal.StateUnknown || a.Invoice != "" || a.Details["returned_invoice"] != "123" {
		t.Errorf("%s, invoice %q, details %v, next %s", second.State(), a.Invoice, a.Details, a.NextAt)
	}
	r.wantCase(second, journal.CaseInvoiceTaken)
}

// givenUp makes the journal look as if the sender's lease had passed: somebody else makes the attempt unknown while the pay still runs.
func givenUp(t *testing.T, store journal.Store, req core.PayRequest) {
	t.Helper()
	p, err := store.ByKey(context.Background(), "toko", "k")
	if err != nil {
		t.Error(err)
		return
	}
	due, err := store.ClaimDue(context.Background(), journal.Claim{
		Owner: "another", Now: p.Last().NextAt, Until: p.Last().NextAt.Add(time.Hour), Limit: 1,
	})
	if err != nil || len(due) != 1 || due[0].Last().ID != req.Ref {
		t.Errorf("claimed %d (%v)", len(due), err)
		return
	}
	was := due[0].Last()
	next := was
	next.State, next.NextAt = journal.Unknown, time.Time{}
	err = store.Apply(context.Background(), journal.Change{
		From: was.State, FromFence: was.Fence, Attempt: next, Cause: journal.Cause{Actor: "another", Why: "the lease has passed"},
	})
	if err != nil {
		t.Error(err)
	}
}

func TestALateAnswerIsEvidenceForSuccessOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pay  func(context.Context, core.PayRequest) (core.Result, error)
		want journal.PaymentState
	}{
		"success":  {succeed, journal.StateSucceeded},
		"decline":  {decline(core.CodeDepositEmpty), journal.StateUnknown},
		"not sent": {failWith(core.NotSent, core.CodeTransportNotSent), journal.StateUnknown},
		"unknown":  {failWith(core.Unknown, core.CodeTransportAfterSend), journal.StateUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, one, two := newRig(t), newFake("one"), newFake("two")
			one.pay = func(ctx context.Context, req core.PayRequest) (core.Result, error) {
				givenUp(t, r.store, req)
				return c.pay(ctx, req)
			}
			s := r.service(one, two)
			pay(t, s, order("k"))
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			got, err := r.store.ByKey(t.Context(), "toko", "k")
			if err != nil || got.State() != c.want || two.paid() != 0 {
				t.Errorf("%s (%v), %d pays at the second provider", got.State(), err, two.paid())
			}
		})
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	p.pay = failWith(core.Unknown, core.CodeTransportAfterSend)
	s := r.service(p)
	told := core.Result{}
	p.status = func(req core.StatusRequest) (core.Result, error) {
		if told.Outcome == core.Unknown {
			return core.Result{}, &core.Error{Code: core.CodeNotFound}
		}
		res := answer(req.Original, told.Outcome)
		res.Invoice = req.Invoice
		return res, nil
	}
	unknown := pay(t, s, order("k"))
	resolve := func(res payments.Resolution) (journal.Payment, error) { return s.Resolve(t.Context(), unknown, res) }
	wantRefusal := func(res payments.Resolution, code payments.Code) {
		t.Helper()
		_, err := resolve(res)
		if refusal, ok := errors.AsType[*payments.Refusal](err); !ok || refusal.Code != code {
			t.Errorf("%+v: %v, want %s", res, err, code)
		}
	}
	wantRefusal(payments.Resolution{}, payments.CodeInvalidRequest)
	wantRefusal(payments.Resolution{NotExecuted: true}, payments.CodeInvalidRequest)
	wantRefusal(payments.Resolution{NotExecuted: true, Reason: "x", Invoice: "1"}, payments.CodeInvalidRequest)
	wantRefusal(payments.Resolution{Invoice: "777"}, payments.CodeInvoiceNotConfirmed)
	told.Outcome = core.Declined
	wantRefusal(payments.Resolution{Invoice: "777"}, payments.CodeInvoiceNotConfirmed)
	told.Outcome = core.Succeeded
	got, err := resolve(payments.Resolution{Invoice: "777", By: "ani"})
	if err != nil || got.State() != journal.StateSucceeded || got.Last().Invoice != "777" || p.paid() != 1 {
		t.Fatalf("%s, %v", got.State(), err)
	}
	r.events(got, journal.Created, journal.Sending, journal.Unknown, journal.Confirmed)
	wantRefusal(payments.Resolution{NotExecuted: true, Reason: "too late"}, payments.CodeStateConflict)

	other := pay(t, s, order("k2"))
	if _, err := s.Resolve(t.Context(), other, payments.Resolution{Invoice: "777"}); err == nil {
		t.Error("one invoice resolved two payments")
	}
	failed, err := s.Resolve(t.Context(), other, payments.Resolution{NotExecuted: true, Reason: "not in the report", By: "ani"})
	if err != nil || failed.State() != journal.StateFailed || failed.Last().Reason != "not in the report" {
		t.Errorf("%s, %v", failed.State(), err)
	}
}
