package digiflazz_test

import (
	"context"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
	"github.com/jalurhq/jalur/providers/digiflazz"
	simulator "github.com/jalurhq/jalur/providers/digiflazz/sandbox"
)

func TestPrepaidTestNumbers(t *testing.T) {
	t.Parallel()
	for account, want := range map[string]struct {
		first, later core.Outcome
		code         core.Code
		executed     int
	}{
		"087800001230": {core.Succeeded, core.Succeeded, "", 1},
		"087800001232": {core.Declined, core.Declined, core.CodeDeclined, 0},
		"087800001233": {core.Pending, core.Succeeded, "", 1},
		"087800001234": {core.Pending, core.Declined, core.CodeDeclined, 0},
		"087800001235": {core.Succeeded, core.Refunded, core.CodeRefunded, 1},
		"087800001236": {core.Declined, core.Declined, core.CodeAccountInvalid, 0},
	} {
		t.Run(account, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			paid := order(account, 1)
			got := r.pay(paid)
			if same(t, "the first outcome", got.Outcome, want.first); got.Outcome == core.Succeeded {
				same(t, "the reference", got.Reference, "1234567890")
				same(t, "the cost", got.Cost, core.IDR(10_000))
				same(t, "the invoice", got.Invoice, paid.Ref)
			}
			r.clock.advance(time.Minute)
			later := r.ask(paid, time.Minute)
			later.want(t, want.later, want.code)
			same(t, "executed", r.executed(account), want.executed)
			held := 0
			if want.later == core.Succeeded {
				held = 10_000
			}
			same(t, "the deposit", r.box.Ledger().Deposit, 1_000_000_000_000-held)
		})
	}
}

func TestTheVendorsTestOrdersHaveTheVendorsDeposit(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(_ *simulator.Config, c *digiflazz.Config) { c.Testing = true })
	same(t, "after a success", r.pay(order("087800001230", 1)).BalanceAfter, core.IDR(990_000))
	same(t, "after a failure", r.pay(order("087800001232", 2)).BalanceAfter, core.IDR(1_000_000))
	if sent := r.calls("transaction"); sent[0]["testing"] != true {
		t.Errorf("sent %v", sent[0])
	}
}

func TestWhatAPrepaidOrderSends(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	paid := order("a.b@c", 1)
	paid.MaxCost, paid.CallbackURL = core.IDR(10_500), "https://toko.example/callbacks/digiflazz"
	r.pay(paid).want(t, core.Succeeded, "")
	sent := r.calls("transaction")[0]
	for field, want := range map[string]any{
		"username": user, "buyer_sku_code": "xld10", "customer_no": "a.b@c", "ref_id": paid.Ref, "sign": digiflazz.Sign(user, key, paid.Ref),
		"max_price": 10500, "cb_url": paid.CallbackURL, "allow_dot": true, "testing": nil, "commands": nil, "amount": nil,
	} {
		same(t, field, sent[field], want)
	}
	if got := r.ask(paid, time.Minute); got.Outcome != core.Succeeded {
		t.Errorf("%+v", got)
	}
	if again := r.calls("transaction")[1]; again["max_price"] == nil || again["ref_id"] != paid.Ref {
		t.Errorf("asked by %v", again)
	}
	same(t, "executed", r.executed("a.b@c"), 1)
}

func TestPriceAboveLimit(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	paid := order(number, 1)
	paid.MaxCost = core.IDR(9_999)
	r.pay(paid).want(t, core.Declined, core.CodePriceAboveLimit)
	same(t, "executed", r.executed(number), 0)
	var err error
	if paid.MaxCost, err = core.ParseMoney("3.50", "USD"); err != nil {
		t.Fatal(err)
	}
	r.pay(paid).want(t, core.NotSent, core.CodeBadRequest)
}

// Asking sends the order again: what never arrived is made then, and what arrived is not made twice.
func TestStatusSendsAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.fault("cut-before", "")
	r.pay(order(number, 1)).want(t, core.Unknown, core.CodeTransportAfterSend)
	same(t, "executed", r.executed(number), 0)
	for range 3 {
		r.clock.advance(time.Minute)
		r.ask(order(number, 1), time.Minute).want(t, core.Succeeded, "")
	}
	same(t, "executed", r.executed(number), 1)
}

func TestStatusIsNotAskedAfter89Days(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	r := newRig(t, nil)
	r.pay(order(number, 1)).want(t, core.Succeeded, "")
	r.clock.advance(91 * day)
	before := len(r.calls("transaction"))
	for _, age := range []time.Duration{89 * day, 91 * day, 400 * day} {
		r.ask(order(number, 1), age).want(t, core.Unknown, core.CodeBadRequest)
	}
	res, err := r.it.Status(t.Context(), core.StatusRequest{Original: order(number, 1)})
	r.checked(order(number, 1), res, err).want(t, core.Unknown, core.CodeBadRequest)
	same(t, "calls", len(r.calls("transaction")), before)

	r.ask(order(number, 1), 89*day-time.Second) // the trap is real: the provider has forgotten it
	same(t, "executed", r.executed(number), 2)
}

func TestStatusGoesOutInTimeOrNotAtAll(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	late := order(number, 1)
	late.SendBefore = 1 // a nanosecond after the machine was started
	r.pay(late).want(t, core.NotSent, core.CodeTransportNotSent)
	r.ask(late, time.Minute).want(t, core.Unknown, core.CodeTransportNotSent)
	same(t, "calls", len(r.calls("transaction")), 0)
	late.SendBefore = transport.BootTime() + time.Minute
	r.ask(late, time.Minute).want(t, core.Succeeded, "")
}

// A refusal of the question is no refusal of the order.
func TestStatusThatIsRefused(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]core.Code{
		"repeat-85": core.CodeRateLimited, "decline-41": core.CodeAuth, "decline-45": core.CodeIPNotAllowed, "decline-43": core.CodeProductUnknown,
		"decline-44": core.CodeDepositEmpty, "decline-63": core.CodeRepeatTooSoon, "decline-66": core.CodeCutOff, "decline-49": core.CodeDuplicateRef,
	} {
		r := newRig(t, nil)
		r.pay(order(number, 1)).want(t, core.Succeeded, "")
		r.clock.advance(time.Minute)
		r.fault(name, "")
		r.ask(order(number, 1), time.Minute).want(t, core.Unknown, code)
	}
	r := newRig(t, func(c *simulator.Config, _ *digiflazz.Config) { c.RepeatWithin = time.Minute })
	r.pay(order(number, 1)).want(t, core.Succeeded, "")
	r.clock.advance(time.Minute - time.Second)
	r.ask(order(number, 1), time.Minute).want(t, core.Unknown, core.CodeRateLimited)
	r.clock.advance(time.Minute)
	r.ask(order(number, 1), 2*time.Minute).want(t, core.Succeeded, "")
}

// A timeout that was called a failure is one only when it is said again.
func TestTimeoutsAreAskedAgain(t *testing.T) {
	t.Parallel()
	for _, rc := range []string{"01", "70"} {
		r := newRig(t, nil)
		r.fault("decline-"+rc, "")
		r.pay(order(number, 1)).want(t, core.Unknown, core.CodeUpstreamTimeout)
		r.ask(order(number, 1), 59*time.Second).want(t, core.Unknown, core.CodeUpstreamTimeout)
		r.clock.advance(time.Minute)
		r.ask(order(number, 1), time.Minute).want(t, core.Declined, core.CodeUpstreamTimeout)
		same(t, "executed", r.executed(number), 0)

		r.fault("doubt-"+rc, "")
		r.pay(order(number, 2)).want(t, core.Unknown, core.CodeUpstreamTimeout)
		r.clock.advance(time.Minute)
		r.ask(order(number, 2), time.Minute).want(t, core.Succeeded, "")
	}
}

func TestRefund(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *simulator.Config, _ *digiflazz.Config) { c.Deposit = 50_000 })
	r.fault("refund", "")
	r.pay(order(number, 1)).want(t, core.Succeeded, "")
	same(t, "the deposit", r.box.Ledger().Deposit, 40_000)
	r.clock.advance(time.Minute)
	r.ask(order(number, 1), time.Minute).want(t, core.Refunded, core.CodeRefunded)
	same(t, "the deposit", r.box.Ledger().Deposit, 50_000)
	same(t, "the state", r.box.Ledger().Executed[0].State, "Refund")
}

func TestRefusalsOfTheSandboxItself(t *testing.T) {
	t.Parallel()
	with := func(sku string, amount int64) core.PayRequest {
		o := order(number, 1)
		o.Product, o.Amount = sku, core.IDR(amount)
		return o
	}
	for name, test := range map[string]struct {
		order core.PayRequest
		setup func(*rig)
		code  core.Code
	}{
		"unknown product": {with("nothing", 10_000), nil, core.CodeProductUnknown},
		"seller is down":  {with("down10", 10_000), nil, core.CodeProductDown},
		"cut off":         {with("night10", 10_000), func(r *rig) { r.clock.advance(14 * time.Hour) }, core.CodeCutOff}, // midnight
		"once a day": {with("once10", 10_000), func(r *rig) {
			o := order(number, 2)
			o.Product = "once10"
			r.pay(o)
		}, core.CodeRepeatTooSoon},
		"out of stock": {with("few5", 5_000), func(r *rig) {
			for n := range 3 {
				o := order("0899900000"+string(rune('1'+n)), 10+n)
				o.Product, o.Amount = "few5", core.IDR(5_000)
				r.pay(o)
			}
		}, core.CodeOutOfStock},
		"no deposit": {with("gopay", 100_000), nil, core.CodeDepositEmpty},
	} {
		r := newRig(t, func(c *simulator.Config, _ *digiflazz.Config) { c.Deposit = 60_000 })
		if test.setup != nil {
			test.setup(r)
		}
		before := r.executed(number)
		got := r.pay(test.order)
		if got.Outcome != core.Declined || got.Code != test.code || r.executed(number) != before {
			t.Errorf("%s: %s %q (%v), %d executed", name, got.Outcome, got.Code, got.err, r.executed(number)-before)
		}
	}
}

func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, cfg := range []digiflazz.Config{{Username: "x", APIKey: key}, {Username: user, APIKey: "x"}} {
		cfg.BaseURL, cfg.Now = r.url+"/v1", r.clock.Now
		r.it = r.client(cfg)
		r.pay(order(number, 1)).want(t, core.Declined, core.CodeAuth)
		_, err := r.it.Balances(t.Context())
		same(t, "the balance's code", core.CodeOf(err), core.CodeAuth)
		_, err = r.it.ListProducts(t.Context(), core.ProductFilter{})
		same(t, "the list's code", core.CodeOf(err), core.CodeAuth)
	}
}

func TestBalance(t *testing.T) {
	t.Parallel()
	for _, values := range simulator.ValueForms() {
		r := newRig(t, func(c *simulator.Config, _ *digiflazz.Config) { c.Deposit, c.Values = 326_719_460, values })
		got, err := r.it.Balances(t.Context())
		if err != nil || len(got) != 1 || !got[0].Available.Equal(core.IDR(326_719_460)) || got[0].Holding.Known() {
			t.Errorf("%s: %v, %v", values, got, err)
		}
	}
}

// Whatever the provider does, "nothing moved" is true, "succeeded" is true, an order is sent once, and asking for it in its time never makes a second one of it.
func TestEveryFaultOfTheSandbox(t *testing.T) {
	t.Parallel()
	for _, fault := range simulator.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			r.pay(order(number, 1)).want(t, core.Succeeded, "") // the order before
			r.fault(fault.Name, "")
			r.holds(order("081111111111", 2), fault.Name)
		})
	}
}

// holds pays and asks until the order is resolved, and holds each outcome against the ledger.
func (r *rig) holds(paid core.PayRequest, fault string) {
	r.t.Helper()
	account := string(paid.Account)
	ctx, cancel := context.WithTimeout(r.t.Context(), 3*time.Second)
	defer cancel()
	before := len(r.calls("transaction"))
	res, err := r.it.Pay(ctx, paid)
	got := r.checked(paid, res, err)
	same(r.t, "sent", len(r.calls("transaction"))-before, 1)
	for age := time.Minute; age < 4*time.Minute; age += time.Minute {
		executed := r.executed(account)
		if got.Outcome.NothingMoved() && executed != 0 || got.Outcome == core.Succeeded && executed == 0 {
			r.t.Fatalf("%s (%v), and %d were executed", got.Outcome, got.err, executed)
		}
		if got.Outcome == core.Declined { // nobody asks for it any more
			break
		}
		r.clock.advance(time.Minute)
		got = r.ask(paid, age)
	}
	most := 1
	if fault == "double" || fault == "repeat-double" {
		most = 2 // which nobody can help
	}
	if executed := r.executed(account); executed > most {
		r.t.Errorf("%d were executed", executed)
	}
	if fault != "refund" && got.Outcome != core.Succeeded && got.Outcome != core.Declined && got.Code == "" {
		r.t.Errorf("it ends as %s %q (%v)", got.Outcome, got.Code, got.err)
	}
}

// The same for the payment of a bill, which is asked for by a command and never sent again.
func TestEveryFaultOfABill(t *testing.T) {
	t.Parallel()
	for _, fault := range simulator.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			_, paid := r.quote(inquiry("pln", "530000000001"))
			r.fault(fault.Name, "")
			r.holds(paid, fault.Name)
			payments := 0
			for _, sent := range r.calls("transaction") {
				if sent["commands"] == "pay-pasca" {
					payments++
				}
			}
			same(t, "payments sent", payments, 1)
		})
	}
}

// What a Pay comes to under the faults that matter most; that each of them holds against the ledger, the others show.
func TestWhatFaultsComeTo(t *testing.T) {
	t.Parallel()
	type end struct {
		outcome core.Outcome
		code    core.Code
	}
	lost, odd := end{core.Unknown, core.CodeTransportAfterSend}, end{core.Unknown, core.CodeInternal}
	unclear := end{core.Pending, core.CodeInternal}
	for name, want := range map[string]end{
		"500-ok": {core.Succeeded, ""}, "no-sn": {core.Succeeded, ""}, "slow-bytes": {core.Succeeded, ""}, "double": {core.Succeeded, ""},
		"502-html": lost, "503-html-before": lost, "200-html": lost, "empty-body": lost, "truncated-json": lost, "two-objects": lost, "cut-after": lost,
		"cut-before": lost, "cut-body": lost, "huge-body": lost, "gzip-garbage": lost, "redirect": lost, "late": lost,
		"array-body": odd, "no-data": odd, "no-ref": odd, "no-account": odd, "no-product": odd, "no-status": odd, "no-rc": odd,
		"wrong-ref": odd, "wrong-account": odd, "wrong-product": odd, "other-order": odd,
		"unknown-status": unclear, "unknown-rc": unclear, "disagree-pending": unclear, "disagree-failed": unclear, "disagree-success": unclear,
		"failed-unknown-rc": unclear,
		"doubt-01":          {core.Unknown, core.CodeUpstreamTimeout}, "doubt-47": {core.Unknown, core.CodeDuplicateElsewhere},
		"doubt-49": {core.Unknown, core.CodeDuplicateRef}, "doubt-50": {core.Unknown, core.CodeNotFound}, "doubt-99": odd,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(s *simulator.Config, _ *digiflazz.Config) { s.SlowInterval = time.Nanosecond })
			r.pay(order(number, 1))
			r.fault(name, "")
			r.pay(order("0811000000", 2)).want(t, want.outcome, want.code)
		})
	}
	r := newRig(t, nil)
	_, paid := r.quote(inquiry("pln", "530000000001"))
	r.fault("wrong-amount", "")
	r.pay(paid).want(t, core.Unknown, core.CodeInternal)
}
