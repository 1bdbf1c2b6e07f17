package plugintest_test

import (
	"context"
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

func accounts() []core.MerchantSpec {
	return []core.MerchantSpec{
		{Merchant: "OVO", Account: core.AccountSpec{Kind: "phone number", Pattern: `0[0-9]+`}},
		{Merchant: "PLN", Account: core.AccountSpec{Kind: "meter number"}, Amounts: core.AmountSpec{Min: core.IDR(20_000)}},
		{Merchant: "GAME", Account: core.AccountSpec{Kind: "player", Extra: []core.FieldSpec{{Name: "zone", Pattern: `[0-9]+`}, {Name: "server", Optional: true}}}},
		{Merchant: "PBB", Account: core.AccountSpec{Kind: "tax object", Extra: []core.FieldSpec{{Name: "year", Pattern: `[0-9]{4}`}}}},
		{Merchant: "VOUCHER", Account: core.AccountSpec{Kind: core.NoAccount}},
	}
}

func TestEachModelOfCostCrossesTheWire(t *testing.T) {
	t.Parallel()
	sent := []core.Product{
		{Code: "FORMULA", Fee: core.Fee{Expr: "amount+2000", Known: true, Flat: core.IDR(2000)}, Available: true},
		{Code: "DISCOUNT", Fee: core.Fee{Expr: "amount-500", Known: true, Flat: core.IDR(-500)}, Cashback: core.IDR(5)},
		{Code: "PRICE", Fee: core.Fee{Known: true, Fixed: true, Flat: core.IDR(10_250)}, Stock: new(int64)},
		{Code: "RATE", Fee: core.Fee{Known: true, Flat: usd(t, "0.00"), Rate: "0.0000638"}, Stock: new(int64(7))},
		{Code: "ON INQUIRY", Fee: core.Fee{Expr: "ask"}},
		{Code: "NIGHTS", CutOffs: []core.DailyWindow{{Start: "23:45", End: "00:15", Zone: "Asia/Jakarta"}, {Start: "12:00", End: "12:05", Zone: "UTC"}}},
		{Code: "BOUNDS", Amounts: core.AmountSpec{Min: core.IDR(1), Max: core.IDR(2)}},
	}
	page, err := plugintest.OverWire(t, core.Set{Provider: kinds{descriptor: core.Descriptor{Name: "kinds", Instance: "test"}, products: sent}}).
		ListProducts(t.Context(), core.ProductFilter{})
	if err != nil || !reflect.DeepEqual(page.Products, sent) {
		t.Errorf("\n got %+v, %v\nwant %+v", page.Products, err, sent)
	}
	if cost, ok := page.Products[3].Fee.Cost(core.IDR(100_000)); !ok || !cost.Equal(usd(t, "6.38")) {
		t.Errorf("at a rate: %v, %v", cost, ok)
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
