package reconciler_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/reconciler"
)

var errTest = errors.New("no")

// resubmits is a provider that is asked by sending the order again.
func resubmits(d *core.Descriptor) {
	d.StatusBy, d.Ref.Mode, d.StatusResubmits = core.ByRef, core.RefReplay, true
}

func TestAQuestionThatSendsAgainHasATimeToSend(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Unknown, "")
	resubmits(&r.provider.desc)
	r.clock.boot = time.Hour
	var asked core.StatusRequest
	r.provider.status = func(req core.StatusRequest) (core.Result, error) {
		asked = req
		return saysNothing(req)
	}
	before := r.payment().Last().Fence
	if got := r.sweep(); got.Fence != before+2 { // the claim, and the hold
		t.Errorf("fence %d after %d", got.Fence, before)
	}
	if asked.Original.SendBefore != time.Hour+2*time.Second {
		t.Errorf("to be sent before %s", asked.Original.SendBefore)
	}
}

func TestAQuestionThatSendsAgainIsNotAskedOfAnAttemptThatChanged(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Unknown, "")
	resubmits(&r.provider.desc)
	asked := r.payment()
	if err := r.change(journal.Parked, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.it.Ask(t.Context(), asked); err != nil || r.provider.calls != 0 {
		t.Errorf("sent %d times (%v)", r.provider.calls, err)
	}
}

func TestNotExecutedWhereAskingSendsAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Unknown, "")
	resubmits(&r.provider.desc)
	if err := r.it.ResolveNotExecuted(t.Context(), r.payment(), "not in the report", "operator:siti"); !errors.Is(err, reconciler.ErrStillAsked) {
		t.Errorf("while it is asked for: %v", err)
	}
	if err := r.change(journal.Parked, nil); err != nil {
		t.Fatal(err)
	}
	seen, started := r.payment(), r.clock.boot
	if err := r.it.ResolveInvoice(t.Context(), seen, "I1", "operator:budi"); !errors.Is(err, reconciler.ErrNotConfirmed) || r.provider.calls != 1 {
		t.Errorf("%d questions: %v", r.provider.calls, err)
	}
	if err := r.it.ResolveNotExecuted(t.Context(), seen, "not in the report", "operator:siti"); !errors.Is(err, reconciler.ErrStillAsked) {
		t.Errorf("although it was sent again since: %v", err)
	}
	if err := r.it.ResolveNotExecuted(t.Context(), r.payment(), "not in the report", "operator:siti"); err != nil {
		t.Fatal(err)
	}
	if got := r.payment().Last(); got.State != journal.Failed || r.clock.boot-started < 3*time.Second {
		t.Errorf("%s after %s", got.State, r.clock.boot-started)
	}
}
