package payments_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/router"
)

func refusedAs(t *testing.T, err error, code payments.Code) {
	t.Helper()
	refusal, ok := errors.AsType[*payments.Refusal](err)
	if code == "" && err != nil || code != "" && (!ok || refusal.Code != code) {
		t.Errorf("got %v, want %q", err, code)
	}
}

// canceller gives quotes up as the test says, and notes which.
type canceller struct {
	err  error
	gone []string
}

func (c *canceller) CancelQuote(_ context.Context, token string) error {
	c.gone = append(c.gone, token)
	return c.err
}

// reserving is a provider that holds money for its quotes, each with a token of its own.
func reserving(token func() string) *fake {
	p := newFake("one")
	p.desc.CancelsQuotes = true
	p.quote = func(req core.InquiryRequest) (core.Quote, error) {
		return core.Quote{Token: token(), Reserves: true, Account: req.Account, Product: req.Product, Amount: req.Amount, Cost: core.IDR(102000)}, nil
	}
	return p
}

func TestAnInquiryIsPaidOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pay  func(context.Context, core.PayRequest) (core.Result, error)
		want payments.Code // of the second payment
	}{
		"done":     {succeed, payments.CodeInquiryUsed},
		"pending":  {func(_ context.Context, r core.PayRequest) (core.Result, error) { return answer(r, core.Pending), nil }, payments.CodeInquiryUsed},
		"unknown":  {failWith(core.Unknown, core.CodeTransportAfterSend), payments.CodeInquiryUsed},
		"refunded": {func(_ context.Context, r core.PayRequest) (core.Result, error) { return answer(r, core.Refunded), nil }, payments.CodeInquiryUsed},
		"refused":  {decline(core.CodeDeclined), ""},
		"not sent": {failWith(core.NotSent, core.CodeTransportNotSent), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, p := newRig(t), reserving(newID)
			p.pay = c.pay
			p.status = func(core.StatusRequest) (core.Result, error) {
				return core.Result{}, &core.Error{Code: core.CodeNotFound}
			}
			s := r.service(p)
			quote, err := s.Inquire(t.Context(), order(""))
			if err != nil {
				t.Fatal(err)
			}
			o := order("first")
			o.Inquiry = quote.ID
			first := pay(t, s, o)
			if again := pay(t, s, o); again.ID != first.ID {
				t.Error("the same key is another payment")
			}
			o.Key = "second"
			_, err = s.Pay(t.Context(), o)
			refusedAs(t, err, c.want)
			if _, err := r.store.ByKey(t.Context(), "toko", "second"); c.want != "" && err == nil {
				t.Error("a refused payment is in the journal")
			}
			if want := map[payments.Code]int{"": 2, payments.CodeInquiryUsed: 1}[c.want]; p.paid() != want {
				t.Errorf("sent %d times", p.paid())
			}
		})
	}
}

func TestGivingUpAnInquiry(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		beside *canceller
		token  string
		paid   bool
		client string
		want   payments.Code
	}{
		"given up":        {&canceller{}, "T", false, "toko", ""},
		"paid":            {&canceller{}, "T", true, "toko", payments.CodeStateConflict},
		"nothing is held": {&canceller{}, "", false, "toko", payments.CodeStateConflict},
		"none such known": {&canceller{err: &core.Error{Err: errors.ErrUnsupported}}, "T", false, "toko", payments.CodeStateConflict},
		"no such call":    {nil, "T", false, "toko", payments.CodeStateConflict},
		"somebody else's": {&canceller{}, "T", false, "kios", payments.CodeNotFound},
		"refused":         {&canceller{err: &core.Error{Outcome: core.Declined, Code: core.CodeDeclined}}, "T", false, "toko", payments.CodeProviderRefused},
		"down":            {&canceller{err: &core.Error{Outcome: core.NotSent, Code: core.CodeTransportNotSent}}, "T", false, "toko", payments.CodeProviderUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.with(reserving(func() string { return c.token }), func(p *router.Provider) {
				if c.beside != nil {
					p.Quotes = c.beside
				}
			})
			quote, err := s.Inquire(t.Context(), order(""))
			if err != nil || !quote.Reserves {
				t.Fatalf("%+v, %v", quote, err)
			}
			if c.paid {
				o := order("k")
				o.Inquiry = quote.ID
				pay(t, s, o)
			}
			_, err = s.CancelInquiry(t.Context(), c.client, quote.ID)
			refusedAs(t, err, c.want)
			reached := c.want == "" || c.want == payments.CodeProviderRefused || c.want == payments.CodeProviderUnavailable
			if c.beside != nil && !errors.Is(c.beside.err, errors.ErrUnsupported) && reached != (len(c.beside.gone) == 1) {
				t.Errorf("given up: %q", c.beside.gone)
			}
			if read, err := s.Inquiry(t.Context(), "toko", quote.ID); err != nil || read.ID != quote.ID {
				t.Errorf("%+v, %v", read, err)
			}
		})
	}
}

// deposit tells balances as the test says, and counts.
type deposit struct {
	err   error
	calls int
}

func (d *deposit) Balances(context.Context) ([]core.Balance, error) {
	d.calls++
	return []core.Balance{{Available: core.IDR(7)}}, d.err
}

func TestBalancesAreKeptForAWhile(t *testing.T) {
	t.Parallel()
	for name, told := range map[string]*deposit{"told": {}, "down": {err: &core.Error{Outcome: core.NotSent, Code: core.CodeTransportNotSent}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newRig(t).with(newFake("one"), func(p *router.Provider) { p.Balances = told })
			first := s.Balances(t.Context())["one"]
			again := s.Balances(t.Context())["one"]
			if told.calls != 1 || !first.At.Equal(again.At) || first.At.IsZero() || (first.Problem == nil) != (told.err == nil) || (len(first.Balances) == 1) != (told.err == nil) {
				t.Errorf("%d calls, %+v, %+v", told.calls, first, again)
			}
		})
	}
	mute := newRig(t).with(newFake("one"), func(p *router.Provider) { p.Balances = &deposit{err: &core.Error{Err: errors.ErrUnsupported}} })
	if told := mute.Balances(t.Context())["one"]; !told.At.IsZero() || told.Problem != nil {
		t.Errorf("one that knows none: %+v", told)
	}
	s := newRig(t).service(newFake("one"))
	if mute := s.Balances(t.Context())["one"]; !mute.At.IsZero() {
		t.Errorf("one that tells none: %+v", mute)
	}
}

func TestWhatAnOrderMustHave(t *testing.T) {
	t.Parallel()
	p := newFake("one")
	p.desc.Merchants = []core.MerchantSpec{
		{Merchant: "GOPAY", Account: core.AccountSpec{Pattern: "08[0-9]{6,12}", Extra: []core.FieldSpec{{Name: "zone", Pattern: "[0-9]{4}"}, {Name: "note", Optional: true}}}},
		{Merchant: "VOUCHER", Account: core.AccountSpec{Kind: core.NoAccount}},
	}
	for name, c := range map[string]struct {
		change func(*payments.Order)
		want   payments.Code
		field  string
	}{
		"all there":                 {func(o *payments.Order) { o.Extra = map[string]string{"zone": "2001"} }, "", ""},
		"a field is missing":        {func(*payments.Order) {}, payments.CodeInvalidRequest, "extra.zone"},
		"a field is wrong":          {func(o *payments.Order) { o.Extra = map[string]string{"zone": "x"} }, payments.CodeInvalidRequest, "extra.zone"},
		"no account":                {func(o *payments.Order) { o.Account, o.Extra = "", map[string]string{"zone": "2001"} }, payments.CodeAccountInvalid, "account"},
		"none is taken":             {func(o *payments.Order) { o.Merchant, o.Account = "VOUCHER", "" }, "", ""},
		"none is taken, one given":  {func(o *payments.Order) { o.Merchant = "VOUCHER" }, payments.CodeAccountInvalid, "account"},
		"a limit in another money":  {func(o *payments.Order) { o.Merchant, o.Account, o.MaxCost = "VOUCHER", "", core.IDR(200000) }, payments.CodeInvalidRequest, "max_cost"},
		"a limit that is not kept":  {func(o *payments.Order) { o.Merchant, o.Account, o.MaxCost = "VOUCHER", "", usd(t, "5.99") }, payments.CodePriceAboveLimit, "max_cost"},
		"a limit that can be kept":  {func(o *payments.Order) { o.Merchant, o.Account, o.MaxCost = "VOUCHER", "", usd(t, "6.00") }, "", ""},
		"the amount is checked too": {func(o *payments.Order) { o.Merchant, o.Account, o.Amount = "VOUCHER", "", core.IDR(1) }, payments.CodeAmountInvalid, "amount"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, one := newRig(t), newFake("one")
			one.desc = p.desc
			one.list = []core.Product{{Code: "VOUCHER", Fee: core.Fee{Known: true, Rate: "0.00006", Flat: usd(t, "0.00")}}}
			s := r.service(one)
			o := order("k")
			c.change(&o)
			ask := o
			ask.MaxCost = core.Money{}
			one.quote = func(req core.InquiryRequest) (core.Quote, error) {
				return core.Quote{Account: req.Account, Product: req.Product, Amount: req.Amount}, nil
			}
			if c.field != "max_cost" {
				_, err := s.Inquire(t.Context(), ask)
				refusedAs(t, err, c.want)
			}
			got, err := s.Pay(t.Context(), o)
			refusedAs(t, err, c.want)
			if c.want == "" && (got.Payment.Account != o.Account || one.pays[0].Account != o.Account) {
				t.Errorf("%+v", one.pays)
			}
			if refusal, ok := errors.AsType[*payments.Refusal](err); ok && refusal.Field != c.field {
				t.Errorf("field %q", refusal.Field)
			}
		})
	}
}

func usd(t *testing.T, value string) core.Money {
	t.Helper()
	m, err := core.ParseMoney(value, "USD")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A bill that was inquired is paid without an amount, once, and never above what its own currency allows.
func TestABillEndToEnd(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), reserving(newID)
	bill := p.quote
	p.quote = func(req core.InquiryRequest) (core.Quote, error) {
		if req.Amount.Known() {
			t.Errorf("a bill was asked for with %s", req.Amount)
		}
		req.Amount = core.IDR(77000)
		quote, err := bill(req)
		quote.ExpiresAt = time.Now().Add(time.Hour)
		return quote, err
	}
	s := r.service(p)
	ask := order("")
	ask.Amount = core.Money{}
	quote, err := s.Inquire(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	o := ask
	o.Key, o.Inquiry, o.MaxCost = "k", quote.ID, core.IDR(101999)
	_, err = s.Pay(t.Context(), o)
	refusedAs(t, err, payments.CodePriceAboveLimit)
	o.MaxCost = core.IDR(102000)
	if got := pay(t, s, o); !got.Amount.Equal(core.IDR(77000)) || p.pays[0].Quote != quote.Token || !p.pays[0].Amount.Equal(core.IDR(77000)) {
		t.Errorf("%+v", p.pays)
	}
	o.Key = "k2"
	_, err = s.Pay(t.Context(), o)
	refusedAs(t, err, payments.CodeInquiryUsed)
}

// What the provider's code refuses before it asks is the order's fault as much as what the provider refuses.
func TestARefusedInquiry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		outcome core.Outcome
		code    core.Code
		want    payments.Code
	}{
		{core.Declined, core.CodeAmountInvalid, payments.CodeAmountInvalid},
		{core.Declined, core.CodeDepositEmpty, payments.CodeProviderRefused},
		{core.NotSent, core.CodeAmountInvalid, payments.CodeAmountInvalid},
		{core.NotSent, core.CodeAccountInvalid, payments.CodeAccountInvalid},
		{core.NotSent, core.CodeProductUnknown, payments.CodeMerchantUnknown},
		{core.NotSent, core.CodeTransportNotSent, payments.CodeProviderUnavailable},
		{core.Unknown, core.CodeAmountInvalid, payments.CodeProviderUnavailable},
	} {
		p := newFake("one")
		p.quote = func(core.InquiryRequest) (core.Quote, error) {
			return core.Quote{}, &core.Error{Op: "inquire", Outcome: c.outcome, Code: c.code}
		}
		_, err := newRig(t).service(p).Inquire(t.Context(), order(""))
		refusedAs(t, err, c.want)
	}
}
