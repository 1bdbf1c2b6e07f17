package payments_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
)

// wantCase wants the payment to have these cases open, beside its task, and no other.
func (r *rig) wantCase(p journal.Payment, kinds ...journal.CaseKind) {
	r.t.Helper()
	page, err := r.store.Cases(r.t.Context(), journal.CaseFilter{Open: true, Payment: p.ID})
	if err != nil {
		r.t.Fatal(err)
	}
	var got []journal.CaseKind
	for _, c := range page.Cases {
		if c.Kind == journal.CaseParked {
			continue
		}
		got = append(got, c.Kind)
		if c.Why == "" || len(c.Evidence) == 0 || strings.Contains(string(c.Evidence), "0812345678") {
			r.t.Errorf("case %+v", c)
		}
	}
	if len(got) != len(kinds) || len(kinds) > 0 && got[0] != kinds[0] {
		r.t.Errorf("cases %v, want %v", got, kinds)
	}
}

// bring has somebody else bring the attempt on, while its pay still runs.
func (r *rig) bring(key core.Key, states ...journal.State) {
	r.t.Helper()
	for _, state := range states {
		p, err := r.store.ByKey(context.Background(), "toko", key)
		if err != nil {
			r.t.Error(err)
			return
		}
		next := p.Last()
		next.State, next.NextAt = state, time.Time{}
		err = r.store.Apply(context.Background(), journal.Change{
			From: p.Last().State, FromFence: p.Last().Fence, Attempt: next, Cause: journal.Cause{Actor: "operator:ani", Why: "meanwhile"},
		})
		if err != nil {
			r.t.Error(err)
		}
	}
}

func withInvoice(outcome core.Outcome, invoice core.Invoice) func(context.Context, core.PayRequest) (core.Result, error) {
	return func(_ context.Context, req core.PayRequest) (core.Result, error) {
		res := answer(req, outcome)
		res.Invoice = invoice
		return res, nil
	}
}

func TestALateAnswerMeetsWhatOthersHaveWritten(t *testing.T) {
	t.Parallel()
	const contradiction = journal.CaseContradiction
	parked := []journal.State{journal.Parked}
	failed, confirmed := []journal.State{journal.Failed}, []journal.State{journal.Confirmed}
	for name, c := range map[string]struct {
		meanwhile []journal.State
		pay       func(context.Context, core.PayRequest) (core.Result, error)
		want      journal.State
		invoice   core.Invoice
		cases     []journal.CaseKind
	}{
		"parked, done":                {parked, withInvoice(core.Succeeded, "I9"), journal.Confirmed, "I9", nil},
		"parked, given back":          {parked, withInvoice(core.Refunded, "I9"), journal.Refunded, "I9", nil},
		"parked, pending":             {parked, withInvoice(core.Pending, "I9"), journal.Parked, "I9", nil},
		"parked, an invoice":          {parked, withInvoice(core.Unknown, "I9"), journal.Parked, "I9", nil},
		"parked, refused":             {parked, decline(core.CodeDepositEmpty), journal.Parked, "", nil},
		"parked, a stranger's":        {parked, withInvoice(core.Succeeded, "TAKEN"), journal.Parked, "", []journal.CaseKind{journal.CaseInvoiceTaken}},
		"failed, done":                {failed, withInvoice(core.Succeeded, "I9"), journal.Failed, "", []journal.CaseKind{contradiction}},
		"failed, pending":             {failed, withInvoice(core.Pending, "I9"), journal.Failed, "", []journal.CaseKind{contradiction}},
		"failed, given back":          {failed, withInvoice(core.Refunded, "I9"), journal.Failed, "", []journal.CaseKind{contradiction}},
		"failed, an invoice":          {failed, withInvoice(core.Unknown, "I9"), journal.Failed, "", []journal.CaseKind{contradiction}},
		"failed, refused":             {failed, decline(core.CodeDepositEmpty), journal.Failed, "", nil},
		"failed, not sent":            {failed, failWith(core.NotSent, core.CodeTransportNotSent), journal.Failed, "", nil},
		"failed, nobody knows":        {failed, failWith(core.Unknown, core.CodeTransportAfterSend), journal.Failed, "", nil},
		"done, refused":               {confirmed, decline(core.CodeDepositEmpty), journal.Confirmed, "", []journal.CaseKind{contradiction}},
		"done, not sent":              {confirmed, failWith(core.NotSent, core.CodeTransportNotSent), journal.Confirmed, "", []journal.CaseKind{contradiction}},
		"done, given back":            {confirmed, withInvoice(core.Refunded, "I9"), journal.Confirmed, "", []journal.CaseKind{contradiction}},
		"done, done":                  {confirmed, withInvoice(core.Succeeded, "I9"), journal.Confirmed, "", nil},
		"unknown, a stranger's":       {nil, withInvoice(core.Succeeded, "TAKEN"), journal.Unknown, "", []journal.CaseKind{journal.CaseInvoiceTaken}},
		"parked and failed, and done": {[]journal.State{journal.Parked, journal.Failed}, withInvoice(core.Succeeded, "I9"), journal.Failed, "", []journal.CaseKind{contradiction}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, one := newRig(t), newFake("one")
			one.pay = withInvoice(core.Succeeded, "TAKEN")
			s := r.service(one)
			pay(t, s, order("other"))
			one.pay = func(ctx context.Context, req core.PayRequest) (core.Result, error) {
				givenUp(t, r.store, req)
				r.bring("k", c.meanwhile...)
				return c.pay(ctx, req)
			}
			pay(t, s, order("k"))
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			p, err := r.store.ByKey(t.Context(), "toko", "k")
			if err != nil {
				t.Fatal(err)
			}
			got := p.Last().State
			if got == journal.Parked && c.want == journal.Unknown {
				got = journal.Unknown // the reconciler has looked already
			}
			if got != c.want || p.Last().Invoice != c.invoice {
				t.Errorf("%s, invoice %q", got, p.Last().Invoice)
			}
			r.wantCase(p, c.cases...)
		})
	}
}

// An operator who has looked before the news came doesn't write over it.
func TestLateNewsAreNotWrittenOver(t *testing.T) {
	t.Parallel()
	for name, outcome := range map[string]core.Outcome{"pending": core.Pending, "an invoice": core.Unknown} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, one := newRig(t), newFake("one")
			var seen journal.Attempt
			one.pay = func(ctx context.Context, req core.PayRequest) (core.Result, error) {
				givenUp(t, r.store, req)
				r.bring("k", journal.Parked)
				p, err := r.store.ByKey(ctx, "toko", "k")
				seen = p.Last()
				if err != nil {
					t.Error(err)
				}
				return withInvoice(outcome, "I9")(ctx, req)
			}
			s := r.service(one)
			pay(t, s, order("k"))
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			failed := seen
			failed.State = journal.Failed
			err := r.store.Apply(t.Context(), journal.Change{
				From: seen.State, FromFence: seen.Fence, Attempt: failed, Cause: journal.Cause{Actor: "operator:ani", Why: "not in the report"},
			})
			if !errors.Is(err, journal.ErrStale) {
				t.Errorf("what was seen before the news: %v", err)
			}
		})
	}
}

// What an operator has seen before the news is not said of the payment after them, though a mere claim in between would not matter.
func TestNotExecutedIsNotSaidOverNews(t *testing.T) {
	t.Parallel()
	r, one := newRig(t), newFake("one")
	one.pay = failWith(core.Unknown, core.CodeUpstreamTimeout)
	s := r.service(one)
	seen := pay(t, s, order("k"))
	for err := journal.ErrStale; errors.Is(err, journal.ErrStale); {
		p, read := r.store.ByKey(t.Context(), "toko", "k")
		if read != nil {
			t.Fatal(read)
		}
		news := p.Last()
		news.Invoice, news.Fence = "I9", news.Fence+1
		err = r.store.Apply(t.Context(), journal.Change{From: news.State, FromFence: news.Fence - 1, Attempt: news, Cause: journal.Cause{Actor: "sender", Why: "late"}})
	}
	got, err := s.Resolve(t.Context(), seen, payments.Resolution{NotExecuted: true, Reason: "not in the report", By: "ani"})
	if refusal, ok := errors.AsType[*payments.Refusal](err); !ok || refusal.Code != payments.CodeStateConflict {
		t.Errorf("said over the news: %v", err)
	}
	if got.State() != journal.StateUnknown || got.Last().Invoice != "I9" {
		t.Errorf("%s, invoice %q", got.State(), got.Last().Invoice)
	}
}
