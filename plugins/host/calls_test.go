package host_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
)

func TestEveryCallCrossesTheBoundary(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	p.wantOK(t)
	d, err := p.Describe(t.Context())
	if err != nil || d.Name != "scripted" || !d.StatusBy.Has(core.ByInvoice) {
		t.Errorf("%+v, %v", d, err)
	}
	page, err := p.ListProducts(t.Context(), core.ProductFilter{})
	if err != nil || len(page.Products) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
	quote, err := p.Inquire(t.Context(), core.InquiryRequest{Product: "ok", Account: account, Amount: core.IDR(5)})
	if err != nil || quote.Account != account {
		t.Errorf("%+v, %v", quote, err)
	}
	res, err := p.Status(t.Context(), core.StatusRequest{Invoice: "I-1", Original: core.PayRequest{Product: "ok", Account: account, Amount: core.IDR(5)}})
	if err != nil || res.Outcome != core.Succeeded {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestWhatCannotBeBelievedIsUnknown(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	before := pid(p.Plugin)
	for _, product := range []string{"panic", "other amount", "zero", "flood"} {
		res, err := p.pay(t.Context(), product)
		wantUnknown(t, res, err)
		p.wantOK(t)
	}
	if after := pid(p.Plugin); after != before {
		t.Errorf("the process did not live on: %s, then %s", before, after)
	}
}

func TestAnExitInTheMiddleOfPayIsUnknown(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	for n := range 2 {
		res, err := p.pay(t.Context(), "exit")
		wantUnknown(t, res, err)
		if core.CodeOf(err) != core.CodeTransportAfterSend {
			t.Errorf("code %s", core.CodeOf(err))
		}
		eventually(t, "a new process", func() bool { return p.State().Restarts > n && p.Ready(t.Context()) == nil })
		p.wantOK(t)
	}
	if log := p.log.String(); !strings.Contains(log, "exit status 7") {
		t.Errorf("the log doesn't say how the process ended:\n%s", log)
	}
}

func TestAKilledProcessIsReplaced(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	killed := p.State().PID
	if err := unix.Kill(killed, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a new process", func() bool { return p.State().Restarts == 1 })
	p.wantOK(t)
	if state := p.State(); state.PID == killed || state.PID == 0 || !strings.Contains(state.LastErr, "killed") {
		t.Errorf("%+v", state)
	}
}

func TestAHangIsUnknownAtTheDeadline(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	res, err := p.pay(ctx, "hang")
	wantUnknown(t, res, err)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	p.wantOK(t)
}

func TestThePluginsOwnWordArrivesBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if _, err := p.pay(ctx, "wait"); core.OutcomeOf(err) != core.NotSent {
		t.Errorf("%v", err)
	}
}

func TestPayIsNotSentWhereNobodyWasAsked(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, late := p.Pay(t.Context(), core.PayRequest{Product: "ok", Account: account, SendBefore: transport.BootTime() - time.Second})
	_, gone := p.pay(over, "ok")
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, stopped := p.pay(t.Context(), "ok")
	for name, err := range map[string]error{"too late": late, "caller gone": gone, "stopped": stopped} {
		if core.OutcomeOf(err) != core.NotSent || core.CodeOf(err) != core.CodeTransportNotSent {
			t.Errorf("%s: %v", name, err)
		}
	}
}
