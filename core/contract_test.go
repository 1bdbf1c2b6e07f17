package core_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
)

func TestCostAtARate(t *testing.T) {
	t.Parallel()
	money := func(value, currency string) core.Money {
		m, err := core.ParseMoney(value, currency)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for name, c := range map[string]struct {
		amount, flat core.Money
		rate, want   string
	}{
		"formula":              {core.IDR(100_000), core.IDR(2000), "", "102000 IDR"},
		"discount":             {core.IDR(100_000), core.IDR(0), "0.975", "97500 IDR"},
		"rounded up":           {core.IDR(10_001), core.IDR(0), "0.97", "9701 IDR"},
		"another currency":     {money("100000", "IDR"), money("0.00", "USD"), "0.000061", "6.10 USD"},
		"and a fee there":      {money("3", "USD"), money("0.25", "EUR"), "0.8333", "2.75 EUR"},
		"more digits than had": {money("3", "USD"), money("0.0000", "EUR"), "0.5", "1.5000 EUR"},
		"no common currency":   {money("3", "USD"), core.IDR(1), "", ""},
		"no number":            {core.IDR(1), core.IDR(1), "1e3", ""},
		"too much":             {core.IDR(1 << 62), core.IDR(0), "4", ""},
	} {
		cost, ok := core.Fee{Known: true, Rate: c.rate, Flat: c.flat}.Cost(c.amount)
		if ok != (c.want != "") || ok && cost.String() != c.want {
			t.Errorf("%s: %v, %v", name, cost, ok)
		}
	}
}

func TestAccountsAndFurtherFields(t *testing.T) {
	t.Parallel()
	d := core.Descriptor{Name: "p", Merchants: []core.MerchantSpec{
		{Merchant: "CARD", Account: core.AccountSpec{Kind: core.NoAccount}},
		{Merchant: "GAME", Account: core.AccountSpec{Kind: "player number", Pattern: `\d+`, Extra: []core.FieldSpec{
			{Name: "zone", Pattern: `\d{4}`}, {Name: "server", Optional: true},
		}}},
	}}
	for _, c := range []struct {
		product string
		account core.AccountNumber
		extra   map[string]string
		field   string
	}{
		{"CARD", "", nil, ""},
		{"CARD", "0812", nil, "account"},
		{"GAME", "12", map[string]string{"zone": "1234"}, ""},
		{"GAME", "", map[string]string{"zone": "1234"}, "account"},
		{"GAME", "12", nil, "extra.zone"},
		{"GAME", "12", map[string]string{"zone": "12"}, "extra.zone"},
	} {
		err := errors.Join(core.CheckOrder(d, c.product, c.account, core.IDR(1)), core.CheckExtra(d, c.product, c.extra))
		var said *core.OrderError
		if errors.As(err, &said) != (c.field != "") || said != nil && said.Field != c.field {
			t.Errorf("%s %q %v: %v", c.product, c.account, c.extra, err)
		}
	}
}

func TestAProductThatStandsForItsAmount(t *testing.T) {
	t.Parallel()
	d := core.Descriptor{Name: "p", StatusBy: core.ByRef, AmountInProduct: true}
	order := core.PayRequest{Ref: "R", Product: "XLD10", Account: "0812", Amount: core.IDR(10_000)}
	answer := core.Result{Outcome: core.Succeeded, Product: "XLD10", Account: "0812"}
	if _, err := core.CheckResult(d, order, answer); err != nil {
		t.Error(err)
	}
	answer.Amount = core.IDR(25_000)
	if _, err := core.CheckResult(d, order, answer); !errors.Is(err, core.ErrContradiction) {
		t.Errorf("another amount: %v", err)
	}
	answer.Amount, d.AmountInProduct = core.Money{}, false
	if _, err := core.CheckResult(d, order, answer); !errors.Is(err, core.ErrIncomplete) {
		t.Errorf("no amount: %v", err)
	}
}

func TestAGapThatIsTooLong(t *testing.T) {
	t.Parallel()
	d := core.Descriptor{Name: "p", Instance: "p@here", StatusGap: time.Hour}
	if err := core.CheckDescriptor(d); err != nil {
		t.Error(err)
	}
	d.StatusGap += time.Second
	if err := core.CheckDescriptor(d); !errors.Is(err, core.ErrIncomplete) {
		t.Errorf("a longer one: %v", err)
	}
}
