package reconciler_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/reconciler"
)

func TestWhatIsDoneBecomesRefundedByItsProvidersWordOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		invoice core.Invoice
		says    func(core.StatusRequest) (core.Result, error)
		change  func(*core.Descriptor)
		want    journal.State
		err     error
		cases   int
	}{
		"given back":             {"I1", says(core.Refunded), nil, journal.Refunded, nil, 0},
		"still done":             {"I1", says(core.Succeeded), nil, journal.Confirmed, nil, 0},
		"refused now":            {"I1", says(core.Declined), nil, journal.Confirmed, reconciler.ErrContradicted, 1},
		"no answer":              {"I1", saysNothing, nil, journal.Confirmed, reconciler.ErrNotConfirmed, 0},
		"another invoice":        {"I2", says(core.Refunded), nil, journal.Confirmed, reconciler.ErrNotUnknown, 0},
		"asking would send it":   {"I1", says(core.Refunded), resubmits, journal.Confirmed, reconciler.ErrNotConfirmed, 0},
		"another account by now": {"I1", says(core.Refunded), func(d *core.Descriptor) { d.Instance = "live" }, journal.Confirmed, reconciler.ErrNotConfirmed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, journal.Confirmed, "I1")
			r.provider.status = c.says
			if c.change != nil {
				c.change(&r.provider.desc)
			}
			err := r.it.ResolveInvoice(t.Context(), r.payment(), c.invoice, "operator:siti")
			if got := r.payment().Last(); got.State != c.want || !errors.Is(err, c.err) {
				t.Errorf("%s: %v", got.State, err)
			}
			page, err := r.store.Cases(t.Context(), journal.CaseFilter{Open: true})
			if err != nil || len(page.Cases) != c.cases {
				t.Errorf("cases %v (%v)", page.Cases, err)
			}
		})
	}
}

func TestTwoPersonsSayThatALargePaymentWasNotExecuted(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Unknown, "I1")
	limited := r.it.Config
	limited.SecondPersonAbove = core.IDR(99_999)
	it := reconciler.New(limited)
	say := func(by string) error {
		return it.ResolveNotExecuted(context.Background(), r.payment(), "not in the report", by)
	}
	for _, by := range []string{"operator:siti", "operator:siti"} {
		if err := say(by); !errors.Is(err, reconciler.ErrSecondPerson) {
			t.Errorf("%s alone: %v", by, err)
		}
		if got := r.payment().Last(); got.State != journal.Unknown || got.Details[core.DetailNotExecutedBy] != "operator:siti" {
			t.Errorf("it is %s, with %v", got.State, got.Details)
		}
	}
	if err := say("operator:budi"); err != nil {
		t.Fatal(err)
	}
	events, err := r.store.Events(t.Context(), r.id)
	last := events[len(events)-1]
	if err != nil || last.To != journal.Failed || last.Actor != "operator:budi" || last.Why != "not executed: not in the report (first said by operator:siti)" {
		t.Errorf("the last event is %+v (%v)", last, err)
	}
}

func TestOnePersonIsEnoughUpToTheLimit(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Unknown, "I1")
	limited := r.it.Config
	limited.SecondPersonAbove = core.IDR(100_000)
	if err := reconciler.New(limited).ResolveNotExecuted(t.Context(), r.payment(), "not in the report", "operator:siti"); err != nil {
		t.Error(err)
	}
}
