package plugintest_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/plugintest"
)

// kinds is a provider of every kind that the field knows: what it says of itself, of its products and of a quote is given.
type kinds struct {
	scripted

	descriptor core.Descriptor
	products   []core.Product
	quote      core.Quote
	asked      chan core.InquiryRequest
	paid       chan core.PayRequest
}

func (k kinds) Describe(context.Context) (core.Descriptor, error) { return k.descriptor, nil }

func (k kinds) ListProducts(context.Context, core.ProductFilter) (core.ProductPage, error) {
	return core.ProductPage{Products: k.products}, nil
}

func (k kinds) Inquire(_ context.Context, req core.InquiryRequest) (core.Quote, error) {
	k.asked <- req
	return k.quote, nil
}

func (k kinds) Pay(_ context.Context, req core.PayRequest) (core.Result, error) {
	k.paid <- req
	return core.Result{Outcome: core.Succeeded, Invoice: "I-1", Product: req.Product, Account: req.Account, Ref: req.Ref}, nil
}

// described gives what a host reads of a description with a change in it.
func described(t *testing.T, change func(*core.Descriptor)) (sent, got core.Descriptor) {
	t.Helper()
	sent = core.Descriptor{Name: "kinds", Version: "1", Instance: "test", StatusBy: core.ByInvoice}
	change(&sent)
	got, err := plugintest.OverWire(t, core.Set{Provider: kinds{descriptor: sent}}).Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sent, got
}

func TestEachKindOfProviderCrossesTheWire(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*core.Descriptor){
		"no reference": func(d *core.Descriptor) { d.Ref.Mode = core.RefNone },
		"replayed for 90 days": func(d *core.Descriptor) {
			d.Ref = core.RefSpec{Mode: core.RefReplay, MaxLen: 20, Retention: 90 * 24 * time.Hour}
		},
		"duplicates refused": func(d *core.Descriptor) { d.Ref = core.RefSpec{Mode: core.RefRejectDuplicate}; d.StatusBy = core.ByRef },
		"a label":            func(d *core.Descriptor) { d.Ref.Mode = core.RefLabel; d.StatusBy |= core.ByRef },
		"asking sends it again": func(d *core.Descriptor) {
			d.StatusResubmits, d.StatusGap, d.StatusMaxAge = true, time.Minute, 24*time.Hour
		},
		"a quarantine":           func(d *core.Descriptor) { d.Quarantine = time.Hour },
		"a quote first":          func(d *core.Descriptor) { d.QuoteRequired = true },
		"a limit of cost":        func(d *core.Descriptor) { d.MaxCost = true },
		"amounts are products":   func(d *core.Descriptor) { d.AmountInProduct = true },
		"all that stands beside": func(d *core.Descriptor) { d.TellsBalances, d.SendsCallbacks, d.CancelsQuotes = true, true, true },
		"some of it":             func(d *core.Descriptor) { d.SendsCallbacks = true },
		"amounts in steps": func(d *core.Descriptor) {
			d.Amounts = core.AmountSpec{Min: core.IDR(1), Max: core.IDR(9), Step: core.IDR(2)}
		},
		"other merchants":         func(d *core.Descriptor) { d.OtherMerchants = true },
		"each kind of an account": func(d *core.Descriptor) { d.Merchants = accounts() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if sent, got := described(t, change); !reflect.DeepEqual(got, sent) {
				t.Errorf("\n got %+v\nwant %+v", got, sent)
			}
		})
	}
}

// accounts are all kinds of them, and what goes with some.
func accounts() []core.MerchantSpec {
	return []core.MerchantSpec{
		{Merchant: "OVO", Account: core.AccountSpec{Kind: "phone number", Pattern: `(\+62|0)8[0-9]+`}},
		{Merchant: "BRIZZI", Account: core.AccountSpec{Kind: "card number", Pattern: `[0-9]{14,19}`}},
		{Merchant: "PLN", Account: core.AccountSpec{Kind: "meter number"}, Amounts: core.AmountSpec{Min: core.IDR(20_000)}},
		{Merchant: "PDAM", Account: core.AccountSpec{Kind: "customer number", Pattern: `[0-9A-Z/.-]+`}},
		{Merchant: "PAYTREN", Account: core.AccountSpec{Kind: "member number", Pattern: `TNO[0-9]+`}},
		{Merchant: "GAME", Account: core.AccountSpec{Kind: "player", Extra: []core.FieldSpec{{Name: "zone", Pattern: `[0-9]+`}, {Name: "server", Optional: true}}}},
		{Merchant: "PBB", Account: core.AccountSpec{Kind: "tax object", Extra: []core.FieldSpec{{Name: "year", Pattern: `[0-9]{4}`}}}},
		{Merchant: "BPJS", Account: core.AccountSpec{Kind: "virtual account", Extra: []core.FieldSpec{{Name: "nik", Pattern: `[0-9]{16}`, Optional: true}}}},
		{Merchant: "GIFT", Account: core.AccountSpec{Kind: "email", Pattern: `[^@]+@[^@]+`, Extra: []core.FieldSpec{{Name: "account_qualifier", Optional: true}}}},
		{Merchant: "VOUCHER", Account: core.AccountSpec{Kind: core.NoAccount}},
	}
}

func TestAnOrderForEachKindOfAccountCrossesTheWire(t *testing.T) {
	t.Parallel()
	k := kinds{
		descriptor: core.Descriptor{Name: "kinds", Instance: "test", StatusBy: core.ByInvoice, AmountInProduct: true, Merchants: accounts()},
		paid:       make(chan core.PayRequest, 1),
	}
	p := plugintest.OverWire(t, core.Set{Provider: k})
	orders := map[core.MerchantCode]core.PayRequest{
		"OVO": {Account: "+6281234567890"}, "BRIZZI": {Account: "6013500601234567"}, "PLN": {Account: "01428800700"}, "PDAM": {Account: "AB-12/34.5"},
		"PAYTREN": {Account: "TNO1234"}, "GAME": {Account: "12345678", Extra: map[string]string{"zone": "2042", "server": "asia"}},
		"PBB": {Account: "329801092375999991", Extra: map[string]string{"year": "2019"}}, "BPJS": {Account: "8888801234567890"},
		"GIFT": {Account: "ani@toko.example", Extra: map[string]string{"account_qualifier": "Ünï & 水"}}, "VOUCHER": {},
	}
	for _, spec := range accounts() {
		order, ok := orders[spec.Merchant]
		if !ok {
			t.Errorf("%s: no order", spec.Merchant)
			continue
		}
		order.Ref, order.Merchant, order.Product, order.Amount = "R", spec.Merchant, string(spec.Merchant), core.IDR(20_000)
		res, err := p.Pay(t.Context(), order)
		if err != nil || res.Outcome != core.Succeeded {
			t.Errorf("%s: %+v, %v", spec.Merchant, res, err)
			continue
		}
		if paid := <-k.paid; !reflect.DeepEqual(paid, order) {
			t.Errorf("\n got %+v\nwant %+v", paid, order)
		}
	}
}

func TestEachModelOfCostCrossesTheWire(t *testing.T) {
	t.Parallel()
	sent := []core.Product{
		{Code: "FORMULA", Fee: core.Fee{Expr: "amount+2000", Known: true, Flat: core.IDR(2000)}, Available: true},
		{Code: "DISCOUNT", Fee: core.Fee{Expr: "amount-500", Known: true, Flat: core.IDR(-500)}, Cashback: core.IDR(5)},
		{Code: "PRICE", Fee: core.Fee{Known: true, Fixed: true, Flat: core.IDR(10_250)}, Stock: new(int64)},
		{Code: "RATE", Fee: core.Fee{Known: true, Flat: usd(t, "0.00"), Rate: "0.0000638"}, Stock: new(int64(7))},
		{Code: "PERCENT", Fee: core.Fee{Expr: "3 % off", Known: true, Flat: core.IDR(0), Rate: "0.97"}},
		{Code: "ADMIN AND COMMISSION", Fee: core.Fee{Expr: "admin 2500, commission 800", Known: true, Flat: core.IDR(2500)}, Cashback: core.IDR(800)},
		{Code: "ON INQUIRY", Fee: core.Fee{Expr: "ask"}},
		{Code: "NIGHTS", CutOffs: []core.DailyWindow{{Start: "23:45", End: "00:15", Zone: "Asia/Jakarta"}, {Start: "12:00", End: "12:05", Zone: "UTC"}}},
		{Code: "BOUNDS", Amounts: core.AmountSpec{Min: core.IDR(1), Max: core.IDR(2)}},
	}
	page, err := plugintest.OverWire(t, core.Set{Provider: kinds{descriptor: core.Descriptor{Name: "kinds", Instance: "test"}, products: sent}}).
		ListProducts(t.Context(), core.ProductFilter{})
	if err != nil || !reflect.DeepEqual(page.Products, sent) {
		t.Errorf("\n got %+v, %v\nwant %+v", page.Products, err, sent)
	}
	for i, want := range []core.Money{core.IDR(102_000), core.IDR(99_500), core.IDR(10_250), usd(t, "6.38"), core.IDR(97_000), core.IDR(102_500)} {
		if cost, ok := page.Products[i].Fee.Cost(core.IDR(100_000)); !ok || !cost.Equal(want) {
			t.Errorf("%s: %v, %v", page.Products[i].Code, cost, ok)
		}
	}
	if cost, ok := page.Products[6].Fee.Cost(core.IDR(100_000)); ok {
		t.Errorf("what is only told on inquiry costs %v", cost)
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

func TestAQuoteAndItsOrderCrossTheWire(t *testing.T) {
	t.Parallel()
	quote := core.Quote{
		Token: "T-1", ExpiresAt: time.Unix(1_900_000_000, 0).UTC(), Reserves: true, Product: "PBB", Account: "123", ReceiverName: "ANI",
		Amount: core.IDR(75_000), Cost: usd(t, "4.90"), Details: map[string]string{"year": "2026"},
	}
	k := kinds{
		descriptor: core.Descriptor{Name: "kinds", Instance: "test", StatusBy: core.ByInvoice, AmountInProduct: true},
		quote:      quote, asked: make(chan core.InquiryRequest, 1), paid: make(chan core.PayRequest, 1),
	}
	p := plugintest.OverWire(t, core.Set{Provider: k})
	bill := core.InquiryRequest{
		Ref: "R", Merchant: "PBB", Product: "PBB", Account: "123", Extra: map[string]string{"year": "2026"},
		CallbackURL: "https://jalur.example/callbacks/kinds",
	}
	got, err := p.Inquire(t.Context(), bill)
	if asked := <-k.asked; err != nil || !reflect.DeepEqual(got, quote) || !reflect.DeepEqual(asked, bill) {
		t.Errorf("\n got %+v, %v\nwant %+v\nasked %+v", got, err, quote, asked)
	}
	order := core.PayRequest{
		Ref: "R", Merchant: "PBB", Product: "PBB", Account: "123", Amount: core.IDR(75_000), Quote: "T-1", MaxCost: usd(t, "5"),
		Extra: map[string]string{"year": "2026"}, CallbackURL: "https://jalur.example/callbacks/kinds", SendBefore: time.Hour,
	}
	res, err := p.Pay(t.Context(), order)
	if paid := <-k.paid; err != nil || res.Outcome != core.Succeeded || !reflect.DeepEqual(paid, order) {
		t.Errorf("%+v, %v\nasked %+v", res, err, paid)
	}
}

func TestAnOrderWithoutAnAccountCrossesTheWire(t *testing.T) {
	t.Parallel()
	k := kinds{descriptor: core.Descriptor{Name: "kinds", Instance: "test", StatusBy: core.ByInvoice, AmountInProduct: true}, paid: make(chan core.PayRequest, 1)}
	res, err := plugintest.OverWire(t, core.Set{Provider: k}).Pay(t.Context(), core.PayRequest{Ref: "R", Product: "VOUCHER-10", Amount: core.IDR(10_000)})
	if paid := <-k.paid; err != nil || res.Outcome != core.Succeeded || paid.Account != "" {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestEachKindOfQuoteCrossesTheWire(t *testing.T) {
	t.Parallel()
	midnight := time.Date(2026, time.March, 1, 17, 0, 0, 0, time.UTC)
	for name, quote := range map[string]core.Quote{
		"a price alone":                {Account: "1", Amount: core.IDR(50_000), Cost: core.IDR(50_250), Cashback: core.IDR(100)},
		"our reference, for one day":   {Token: "R", ExpiresAt: midnight, Account: "1", Amount: core.IDR(50_000), ReceiverName: "ANI"},
		"a number of the bill":         {Token: "9100654", Account: "1", Amount: core.IDR(50_000), Cost: core.IDR(52_500), Details: map[string]string{"period": "202601"}},
		"an order that is not sent":    {Token: `{"id":1,"sku":"ä"}`, ExpiresAt: midnight.Add(time.Nanosecond), Account: "1", Amount: core.IDR(50_000)},
		"an order that reserves money": {Token: "2237735", Reserves: true, Account: "1", Amount: core.IDR(50_000), Cost: usd(t, "3.19")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := kinds{
				descriptor: core.Descriptor{Name: "kinds", Instance: "test", StatusBy: core.ByInvoice, QuoteRequired: quote.Token != ""},
				quote:      quote, asked: make(chan core.InquiryRequest, 1), paid: make(chan core.PayRequest, 1),
			}
			p := plugintest.OverWire(t, core.Set{Provider: k})
			got, err := p.Inquire(t.Context(), core.InquiryRequest{Ref: "R", Product: "P", Account: "1", Amount: core.IDR(50_000)})
			if err != nil || !reflect.DeepEqual(got, quote) {
				t.Fatalf("\n got %+v, %v\nwant %+v", got, err, quote)
			}
			_, _ = p.Pay(t.Context(), core.PayRequest{Ref: "R", Product: "P", Account: "1", Amount: got.Amount, Quote: got.Token})
			if asked, paid := <-k.asked, <-k.paid; asked.Ref != paid.Ref || paid.Quote != quote.Token {
				t.Errorf("asked by %q, paid by %q with the token %q", asked.Ref, paid.Ref, paid.Quote)
			}
		})
	}
}

// referring is a provider that treats a repeated reference by its rule.
type referring struct {
	scripted

	mode core.RefMode
	made map[string]core.Invoice
}

func (r referring) Describe(context.Context) (core.Descriptor, error) {
	return core.Descriptor{Name: "referring", Instance: "test", StatusBy: core.ByInvoice, Ref: core.RefSpec{Mode: r.mode}}, nil
}

func (r referring) Pay(_ context.Context, req core.PayRequest) (core.Result, error) {
	invoice, known := r.made[req.Ref]
	switch {
	case known && r.mode == core.RefRejectDuplicate:
		return core.Result{}, &core.Error{Op: "pay", Code: core.CodeDuplicateRef, Err: errors.New("the reference is known")}
	case !known || r.mode != core.RefReplay:
		invoice += "I"
		r.made[req.Ref] = invoice
	}
	return core.Result{Outcome: core.Succeeded, Ref: req.Ref, Invoice: invoice, Product: req.Product, Account: req.Account, Amount: req.Amount}, nil
}

func TestEachRuleOfReferencesCrossesTheWire(t *testing.T) {
	t.Parallel()
	for mode, want := range map[core.RefMode]struct {
		invoice core.Invoice
		code    core.Code
	}{
		core.RefReplay: {"I", ""}, core.RefRejectDuplicate: {"", core.CodeDuplicateRef}, core.RefLabel: {"II", ""}, core.RefNone: {"II", ""},
	} {
		p := plugintest.OverWire(t, core.Set{Provider: referring{mode: mode, made: map[string]core.Invoice{}}})
		order := core.PayRequest{Ref: "01J0000000000000000000000A", Product: "P", Account: "1", Amount: core.IDR(1)}
		if first, err := p.Pay(t.Context(), order); err != nil || first.Invoice != "I" {
			t.Errorf("mode %v: %+v, %v", mode, first, err)
		}
		second, err := p.Pay(t.Context(), order)
		if second.Invoice != want.invoice || (err == nil) != (want.code == "") {
			t.Errorf("mode %v, again: %+v, %v", mode, second, err)
		}
		if err != nil && (core.CodeOf(err) != want.code || core.OutcomeOf(err) != core.Unknown) {
			t.Errorf("mode %v, again: %+v, %v", mode, second, err)
		}
	}
}
