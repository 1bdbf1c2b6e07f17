package payments_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/router"
)

func TestOutcomesBecomeStates(t *testing.T) {
	t.Parallel()
	outcome := func(o core.Outcome) func(context.Context, core.PayRequest) (core.Result, error) {
		return func(_ context.Context, req core.PayRequest) (core.Result, error) { return answer(req, o), nil }
	}
	cases := map[string]struct {
		pay   func(context.Context, core.PayRequest) (core.Result, error)
		state journal.PaymentState
		code  core.Code
	}{
		"succeeded": {succeed, journal.StateSucceeded, ""},
		"pending":   {outcome(core.Pending), journal.StatePending, ""},
		"refunded":  {outcome(core.Refunded), journal.StateRefunded, ""},
		"declined":  {decline(core.CodeDeclined), journal.StateFailed, core.CodeDeclined},
		"not sent":  {failWith(core.NotSent, core.CodeTransportNotSent), journal.StateFailed, core.CodeTransportNotSent},
		"unknown":   {failWith(core.Unknown, core.CodeTransportAfterSend), journal.StateUnknown, core.CodeTransportAfterSend},
		"an error that nobody knows": {func(context.Context, core.PayRequest) (core.Result, error) {
			return core.Result{}, errors.New("boom")
		}, journal.StateUnknown, core.CodeInternal},
		"an error that claims a decline": {failWith(core.Declined, core.CodeDeclined), journal.StateUnknown, core.CodeDeclined},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newFake("one")
			p.pay = c.pay
			got := pay(t, newRig(t).service(p), order("k"))
			if got.State() != c.state || got.Last().Code != c.code || p.paid() != 1 {
				t.Errorf("state %s, code %q after %d pays; want %s, %q after 1", got.State(), got.Last().Code, p.paid(), c.state, c.code)
			}
		})
	}
}

func TestIntentIsDurableBeforeTheProviderIsCalled(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	var seen journal.Payment
	p.pay = func(ctx context.Context, req core.PayRequest) (core.Result, error) {
		var err error
		if seen, err = r.store.ByKey(context.WithoutCancel(ctx), "toko", "k"); err != nil {
			t.Errorf("during the pay: %v", err)
		}
		return succeed(ctx, req)
	}
	got := pay(t, r.service(p), order("k"))
	if seen.ID != got.ID || seen.Last().State != journal.Sending || p.pays[0].Ref != seen.Last().ID {
		t.Errorf("during the pay the journal had %+v", seen)
	}
	if p.pays[0].SendBefore == 0 {
		t.Error("the pay had no limit for its first byte")
	}
	r.events(got, journal.Created, journal.Sending, journal.Confirmed)
}

func TestOneKeyIsOnePayment(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	s := r.service(p)
	var callers sync.WaitGroup
	var fresh atomic.Int32
	ids := make([]core.PaymentID, 200)
	for i := range ids {
		callers.Go(func() {
			got, err := s.Pay(t.Context(), order("k"))
			if err != nil {
				t.Errorf("caller %d: %v", i, err)
				return
			}
			if !got.Replayed {
				fresh.Add(1)
			}
			if got.Payment.State() != journal.StateSucceeded {
				t.Errorf("caller %d got %s", i, got.Payment.State())
			}
			ids[i] = got.Payment.ID
		})
	}
	callers.Wait()
	if p.paid() != 1 || fresh.Load() != 1 {
		t.Errorf("%d pays, %d callers that were told theirs was the first; want 1 and 1", p.paid(), fresh.Load())
	}
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("two payments under one key: %s, %s", id, ids[0])
		}
	}
}

func TestAKeyBelongsToAClientAndAnOrder(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	s := r.service(p)
	first := pay(t, s, order("k"))
	other := order("k")
	other.Client = "kios"
	if second := pay(t, s, other); second.ID == first.ID {
		t.Error("two clients share a payment")
	}
	for name, change := range map[string]func(*payments.Order){
		"amount":   func(o *payments.Order) { o.Amount = core.IDR(100001) },
		"account":  func(o *payments.Order) { o.Account = "0812345679" },
		"merchant": func(o *payments.Order) { o.Merchant = "OVO" },
		"max_cost": func(o *payments.Order) { o.MaxCost = core.IDR(1) },
		"extra":    func(o *payments.Order) { o.Extra = map[string]string{"zone": "1"} },
	} {
		o := order("k")
		change(&o)
		_, err := s.Pay(t.Context(), o)
		refusal, ok := errors.AsType[*payments.Refusal](err)
		if !ok || refusal.Code != payments.CodeKeyReused {
			t.Errorf("another %s under the same key: %v", name, err)
		}
	}
	if again := pay(t, s, order("k")); again.ID != first.ID {
		t.Error("the same order under the same key is another payment")
	}
	if p.paid() != 2 {
		t.Errorf("%d pays, want 2", p.paid())
	}
}

func TestRefusalsRecordAndSendNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*payments.Order)
		code   payments.Code
	}{
		"no key":           {func(o *payments.Order) { o.Key = "" }, payments.CodeInvalidRequest},
		"key with newline": {func(o *payments.Order) { o.Key = "a\nb" }, payments.CodeInvalidRequest},
		"no amount":        {func(o *payments.Order) { o.Amount = core.Money{} }, payments.CodeAmountInvalid},
		"no money":         {func(o *payments.Order) { o.Amount = core.IDR(0) }, payments.CodeAmountInvalid},
		"less than none":   {func(o *payments.Order) { o.Amount = core.IDR(-100000) }, payments.CodeAmountInvalid},
		"half a rupiah":    {func(o *payments.Order) { o.Amount, _ = core.ParseMoney("100000.5", "IDR") }, payments.CodeAmountInvalid},
		"a point":          {func(o *payments.Order) { o.Amount, _ = core.ParseMoney("100000.000", "IDR") }, payments.CodeAmountInvalid},
		"another currency": {func(o *payments.Order) { o.Amount, _ = core.ParseMoney("100000", "USD") }, payments.CodeAmountInvalid},
		"below the least":  {func(o *payments.Order) { o.Amount = core.IDR(49999) }, payments.CodeAmountInvalid},
		"bad account":      {func(o *payments.Order) { o.Account = "12" }, payments.CodeAccountInvalid},
		"no account":       {func(o *payments.Order) { o.Account = "" }, payments.CodeAccountInvalid},
		"foreign merchant": {func(o *payments.Order) { o.Merchant = "OVO" }, payments.CodeMerchantUnknown},
		"unknown inquiry":  {func(o *payments.Order) { o.Inquiry = "none" }, payments.CodeInquiryNotFound},
		"dear":             {func(o *payments.Order) { o.MaxCost = core.IDR(101999) }, payments.CodePriceAboveLimit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, p := newRig(t), newFake("one")
			p.list = []core.Product{{Code: "GOPAY", Fee: core.Fee{Known: true, Flat: core.IDR(2000)}}}
			o := order("k")
			c.change(&o)
			_, err := r.service(p).Pay(t.Context(), o)
			r.refused(err, c.code)
			if p.paid() != 0 {
				t.Error("something was sent")
			}
		})
	}
}

func TestMaxCost(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	s := r.service(p)
	o := order("k")
	o.MaxCost = core.IDR(102000)
	_, err := s.Pay(t.Context(), o)
	r.refused(err, payments.CodeCostUnknown)
	p2 := newFake("two")
	p2.list = []core.Product{{Code: "GOPAY", Fee: core.Fee{Known: true, Flat: core.IDR(2000)}}}
	if got := pay(t, r.service(p2), o); got.State() != journal.StateSucceeded {
		t.Errorf("a cost of just the limit: %s", got.State())
	}
}

func TestFailOverOnlyWhereNothingMovedAndAnotherMayDiffer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first  func(context.Context, core.PayRequest) (core.Result, error)
		second int // pays that the second provider sees
		state  journal.PaymentState
	}{
		"not sent":           {failWith(core.NotSent, core.CodeTransportNotSent), 1, journal.StateSucceeded},
		"deposit empty":      {decline(core.CodeDepositEmpty), 1, journal.StateSucceeded},
		"product down":       {decline(core.CodeProductDown), 1, journal.StateSucceeded},
		"plain decline":      {decline(core.CodeDeclined), 0, journal.StateFailed},
		"bad account":        {decline(core.CodeAccountInvalid), 0, journal.StateFailed},
		"unknown":            {failWith(core.Unknown, core.CodeTransportAfterSend), 0, journal.StateUnknown},
		"unknown, with auth": {failWith(core.Unknown, core.CodeAuth), 0, journal.StateUnknown},
		"pending": {func(_ context.Context, req core.PayRequest) (core.Result, error) {
			return answer(req, core.Pending), nil
		}, 0, journal.StatePending},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, one, two := newRig(t), newFake("one"), newFake("two")
			one.pay = c.first
			s := r.service(one, two)
			got := pay(t, s, order("k"))
			got = s.Await(expiring(t), got)
			if got.State() != c.state || one.paid() != 1 || two.paid() != c.second {
				t.Errorf("%s after %d and %d pays", got.State(), one.paid(), two.paid())
			}
			if c.second == 1 && (len(got.Attempts) != 2 || got.Attempts[0].State != journal.Failed || one.pays[0].Ref == two.pays[0].Ref) {
				t.Errorf("attempts: %+v", got.Attempts)
			}
		})
	}
}

// expiring gives a context for waits that may be in vain.
func expiring(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestALaneThatIsDownIsPassedOver(t *testing.T) {
	t.Parallel()
	r, one, two := newRig(t), newFake("one"), newFake("two")
	one.down = errors.New("its breaker is open")
	if got := pay(t, r.service(one, two), order("k")); got.State() != journal.StateSucceeded || one.paid() != 0 || len(got.Attempts) != 1 {
		t.Errorf("%s, %d pays at the first, %d attempts", got.State(), one.paid(), len(got.Attempts))
	}
}

func TestNoLaneReadyIsRecordedAsFailed(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	p.down = errors.New("still starting")
	s := r.service(p)
	got := pay(t, s, order("k"))
	if got.State() != journal.StateFailed || got.Last().Outcome != core.NotSent || p.paid() != 0 {
		t.Errorf("%s, outcome %s, %d pays", got.State(), got.Last().Outcome, p.paid())
	}
	r.events(got, journal.Created, journal.Failed)
	p.down = nil
	if again := pay(t, s, order("k")); again.State() != journal.StateFailed || p.paid() != 0 {
		t.Error("the same key was sent after it had failed")
	}
}

func TestACallerThatLeavesDoesNotStopThePay(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	called, proceed := make(chan struct{}), make(chan struct{})
	p.pay = func(ctx context.Context, req core.PayRequest) (core.Result, error) {
		close(called)
		<-proceed
		if err := ctx.Err(); err != nil {
			t.Errorf("the pay was cancelled: %v", err)
		}
		return succeed(ctx, req)
	}
	s := r.service(p)
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-called
		leave()
	}()
	got, err := s.Pay(ctx, order("k"))
	if err != nil || got.Payment.State() != journal.StatePending {
		t.Errorf("on leaving: %s, %v", got.Payment.State(), err)
	}
	close(proceed)
	if done := s.Await(t.Context(), got.Payment); done.State() != journal.StateSucceeded {
		t.Errorf("afterwards: %s", done.State())
	}
}

func TestCloseWaitsForCallsAndTakesNoMore(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	called, proceed := make(chan struct{}), make(chan struct{})
	p.pay = func(ctx context.Context, req core.PayRequest) (core.Result, error) {
		close(called)
		<-proceed
		return succeed(ctx, req)
	}
	s := r.service(p)
	go func() { _, _ = s.Pay(t.Context(), order("k")) }()
	<-called
	if err := s.Close(expiring(t)); err == nil {
		t.Error("closed in the middle of a call")
	}
	_, err := s.Pay(t.Context(), order("k2"))
	if refusal, ok := errors.AsType[*payments.Refusal](err); !ok || refusal.Code != payments.CodeStopping {
		t.Errorf("a pay while stopping: %v", err)
	}
	close(proceed)
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if got, err := r.store.ByKey(t.Context(), "toko", "k"); err != nil || got.State() != journal.StateSucceeded {
		t.Errorf("after the close: %s, %v", got.State(), err)
	}
}

func TestInquireFirst(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	p.quote = func(req core.InquiryRequest) (core.Quote, error) {
		return core.Quote{Token: "T", Account: req.Account, Product: req.Product, Amount: req.Amount, Cost: core.IDR(102000)}, nil
	}
	s := r.serviceOn(r.store, router.Rule{InquireFirst: true}, p)
	o := order("k")
	o.MaxCost = core.IDR(101000)
	_, err := s.Pay(t.Context(), o)
	r.refused(err, payments.CodePriceAboveLimit)
	pay(t, s, order("k"))
	if p.pays[0].Quote != "T" {
		t.Errorf("paid with the quote %q", p.pays[0].Quote)
	}
}

func TestPayFromAnInquiry(t *testing.T) {
	t.Parallel()
	r, one, two := newRig(t), newFake("one"), newFake("two")
	refuse := func(core.InquiryRequest) (core.Quote, error) {
		return core.Quote{}, &core.Error{Outcome: core.Declined, Code: core.CodeDepositEmpty}
	}
	bill := func(req core.InquiryRequest) (core.Quote, error) {
		return core.Quote{Token: "T", Account: req.Account, Product: req.Product, Amount: core.IDR(75000), Cost: core.IDR(76000)}, nil
	}
	one.quote, two.quote = refuse, bill
	s := r.service(one, two)
	ask := order("")
	ask.Amount = core.Money{}
	quote, err := s.Inquire(t.Context(), ask)
	if err != nil || quote.Provider != "two" || !quote.Amount.Equal(core.IDR(75000)) {
		t.Fatalf("inquiry: %+v, %v", quote, err)
	}
	o := ask
	o.Key, o.Inquiry = "k", quote.ID
	got := pay(t, s, o)
	if got.Last().Provider != "two" || two.pays[0].Quote != "T" || !two.pays[0].Amount.Equal(core.IDR(75000)) || one.paid() != 0 {
		t.Errorf("paid %+v", two.pays)
	}
	o.Key, o.Account = "k2", "0812345679"
	_, err = s.Pay(t.Context(), o)
	if refusal, ok := errors.AsType[*payments.Refusal](err); !ok || refusal.Code != payments.CodeInquiryMismatch {
		t.Errorf("another account by the same inquiry: %v", err)
	}
}

// What a quote said is held against the limit, also where the provider would refuse by itself: not every product of its need be refused by it.
func TestTheLimitOfAQuotedCost(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	p.desc.MaxCost = true
	p.quote = func(req core.InquiryRequest) (core.Quote, error) {
		return core.Quote{Token: "T", Account: req.Account, Product: req.Product, Amount: req.Amount, Cost: core.IDR(102000)}, nil
	}
	s := r.service(p)
	quote, err := s.Inquire(t.Context(), order(""))
	if err != nil {
		t.Fatal(err)
	}
	o := order("k")
	o.Inquiry, o.MaxCost = quote.ID, core.IDR(101999)
	_, err = s.Pay(t.Context(), o)
	r.refused(err, payments.CodePriceAboveLimit)
	o.MaxCost = core.IDR(102000)
	pay(t, s, o)
	if p.paid() != 1 {
		t.Errorf("paid %d times", p.paid())
	}
}
