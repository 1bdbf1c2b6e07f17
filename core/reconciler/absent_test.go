package reconciler_test

import (
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

// lookup is a provider that can be asked by our reference, and whose "no such order" means something after an hour.
func lookup(d *core.Descriptor) {
	d.StatusBy, d.Ref.Mode, d.Quarantine = core.ByRef, core.RefRejectDuplicate, time.Hour
}

// asksFor asks every five minutes for so long, and gives the attempt as it then stands.
func (r *rig) asksFor(d time.Duration) journal.Attempt {
	r.t.Helper()
	got := r.sweep()
	for passed := time.Duration(0); passed < d; passed += 5 * time.Minute {
		r.clock.pass(5 * time.Minute)
		got = r.sweep()
	}
	return got
}

func TestNotFoundAgainAfterTheQuarantineFails(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Unknown, "")
	lookup(&r.provider.desc)
	if got := r.asksFor(time.Hour); got.State != journal.Unknown {
		t.Fatalf("within the quarantine: %s", got.State)
	}
	got := r.asksFor(5 * time.Minute)
	if got.State != journal.Failed || got.Code != core.CodeNotFound || got.Outcome != core.Declined || !got.NextAt.IsZero() {
		t.Errorf("after the quarantine: %s, %s, %s, next %v", got.State, got.Outcome, got.Code, got.NextAt)
	}
	events, err := r.store.Events(t.Context(), r.id)
	if err != nil || len(events[len(events)-1].Evidence) == 0 || events[len(events)-1].Actor != "reconciler" {
		t.Errorf("the last event is %+v (%v)", events[len(events)-1], err)
	}
}

func TestTheQuarantineIsNotOfTheWallClock(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Unknown, "")
	lookup(&r.provider.desc)
	r.sweep()
	r.clock.now = r.clock.now.Add(20 * time.Hour)
	if got := r.sweep(); got.State != journal.Unknown || r.provider.calls != 2 {
		t.Errorf("%s after %d calls: the clock was only set", got.State, r.provider.calls)
	}
}

func TestAnotherAnswerStartsTheQuarantineAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Unknown, "")
	lookup(&r.provider.desc)
	r.asksFor(time.Hour)
	r.failsWith(core.CodeInternal)
	if got := r.asksFor(time.Hour); got.State != journal.Unknown {
		t.Errorf("%s: the provider had said something else in between", got.State)
	}
	r.failsWith(core.CodeUpstreamTimeout)
	if got := r.asksFor(5 * time.Minute); got.State != journal.Failed {
		t.Errorf("%s: no answer is not another answer", got.State)
	}
}

// failsWith is a question that brings an error with the code.
func (r *rig) failsWith(code core.Code) {
	r.t.Helper()
	r.provider.status = func(core.StatusRequest) (core.Result, error) {
		return core.Result{}, &core.Error{Code: code, Err: errTest}
	}
	r.asksFor(5 * time.Minute)
	r.provider.status = saysNothing
}

func TestNotFoundProvesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state   journal.State
		invoice core.Invoice
		change  func(*core.Descriptor)
	}{
		"no quarantine":               {journal.Unknown, "", func(d *core.Descriptor) { d.Quarantine = 0 }},
		"it takes no reference":       {journal.Unknown, "", func(d *core.Descriptor) { d.Ref.Mode = core.RefNone }},
		"the reference is a label":    {journal.Unknown, "", func(d *core.Descriptor) { d.Ref.Mode = core.RefLabel }},
		"asking sends it again":       {journal.Unknown, "", func(d *core.Descriptor) { d.StatusResubmits = true }},
		"it was taken":                {journal.Accepted, "", func(*core.Descriptor) {}},
		"it gave an invoice":          {journal.Unknown, "I1", func(*core.Descriptor) {}},
		"it is asked by invoice only": {journal.Unknown, "I1", func(d *core.Descriptor) { d.StatusBy = core.ByInvoice }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.state, c.invoice)
			lookup(&r.provider.desc)
			c.change(&r.provider.desc)
			if got := r.asksFor(5 * time.Hour); got.State != c.state || r.provider.calls < 10 {
				t.Errorf("%s after %d questions", got.State, r.provider.calls)
			}
		})
	}
}
