package dtone_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
	"github.com/jalurhq/jalur/providers/dtone"
	"github.com/jalurhq/jalur/providers/dtone/sandbox"
)

func TestEveryPage(t *testing.T) {
	t.Parallel()
	r := playing(t, sandbox.Config{MoreProducts: 250})
	seen := map[string]bool{}
	var sizes []int
	filter := core.ProductFilter{}
	for {
		page, err := r.ListProducts(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(page.Products))
		for _, product := range page.Products {
			seen[product.Code] = true
		}
		if filter.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	if len(seen) != 259 || len(sizes) != 3 || sizes[0] != 100 {
		t.Errorf("%d products on pages of %v", len(seen), sizes)
	}
	for _, cursor := range []string{"x", "0", "-1"} {
		if _, err := r.ListProducts(t.Context(), core.ProductFilter{Cursor: cursor}); core.OutcomeOf(err) != core.NotSent {
			t.Errorf("%s: %v", cursor, err)
		}
	}
}

func TestProducts(t *testing.T) {
	t.Parallel()
	r := playing(t, quick())
	for code, want := range map[string]struct{ min, max, step, cost string }{
		"6035": {"3 USD", "3 USD", "", "3.6 USD"},
		"5001": {"50000 IDR", "50000 IDR", "", "3.25 USD"},
		"5002": {"5000 IDR", "1000000 IDR", "1000 IDR", "10.06 USD"},
		"7001": {"100000 IDR", "100000 IDR", "", "6.4 USD"},
		"7002": {"5 USD", "", "0.01 USD", ""},
		"8001": {"1 IDR", "", "1 IDR", "10.21 USD"},
		"9001": {"12 USD", "12 USD", "", "9.9 USD"},
	} {
		page, err := r.ListProducts(t.Context(), core.ProductFilter{Product: code})
		if err != nil || len(page.Products) != 1 {
			t.Errorf("%s: %+v, %v", code, page, err)
			continue
		}
		product := page.Products[0]
		cost, _ := product.Fee.Cost(money(t, "150000", "IDR"))
		if want.cost == "" {
			cost = core.Money{}
		}
		if product.Amounts.Min.String() != want.min || product.Amounts.Max.String() != want.max || product.Amounts.Step.String() != want.step || cost.String() != want.cost || !product.Available {
			t.Errorf("%+v costs %s", product, cost)
		}
	}
	for _, code := range []string{"1", "GOPAY", "", "../balances"} {
		page, err := r.ListProducts(t.Context(), core.ProductFilter{Product: code})
		if code == "" && len(page.Products) == 9 {
			continue
		}
		if len(page.Products) != 0 || err != nil && core.OutcomeOf(err) != core.NotSent {
			t.Errorf("%q: %+v, %v", code, page, err)
		}
	}
}

func TestOneCountry(t *testing.T) {
	t.Parallel()
	r := playing(t, quick(), func(cfg *dtone.Config) { cfg.Country = "SGP" })
	page, err := r.ListProducts(t.Context(), core.ProductFilter{})
	if err != nil || len(page.Products) != 2 {
		t.Errorf("%+v, %v", page, err)
	}
}

const fixture = `{"id":6035,"name":"3 USD","type":"FIXED_VALUE_RECHARGE","destination":{"unit_type":"CURRENCY","unit":"USD","amount":3},
	"prices":{"wholesale":{"unit_type":"CURRENCY","unit":"USD","amount":3.6,"fee":0}},"rates":{"wholesale":0.8333},"required_sender_fields":null}`

func TestAProductAsItIsListed(t *testing.T) {
	t.Parallel()
	product, err := dtone.Product([]byte(fixture))
	if err != nil || product.Fee.Expr != "3.6 USD" || !product.Fee.Fixed {
		t.Errorf("%+v, %v", product, err)
	}
	for name, change := range map[string][2]string{
		"no id": {`"id":6035,`, ""}, "an unknown type": {"FIXED_VALUE_RECHARGE", "SOMETHING"}, "no amount": {`"amount":3}`, `"amount":null}`},
		"megabytes": {`"unit_type":"CURRENCY","unit":"USD","amount":3}`, `"unit_type":"DATA","unit":"MB","amount":3}`},
		"two ids":   {`"id":6035`, `"id":6035,"ID":1`},
	} {
		if product, err := dtone.Product([]byte(strings.Replace(fixture, change[0], change[1], 1))); err == nil {
			t.Errorf("%s: %+v", name, product)
		}
	}
	product, err = dtone.Product([]byte(strings.Replace(fixture, `"prices"`, `"x"`, 1)))
	if err != nil || product.Fee.Known {
		t.Errorf("without a price: %+v, %v", product, err)
	}
}

func TestARangesFee(t *testing.T) {
	t.Parallel()
	ranged := strings.NewReplacer("FIXED", "RANGED", `"amount":3}`, `"amount":{"min":1,"max":-1,"increment":0}}`).Replace(fixture)
	for name, tc := range map[string]struct{ from, to, expr, cost string }{
		"the fixture":      {"", "", "amount / 0.8333 + 0.00 USD", "3.61 USD"}, // 3.60014…, rounded up
		"with a fee":       {`"fee":0`, `"fee":0.005`, "amount / 0.8333 + 0.005 USD", "3.606 USD"},
		"no rate":          {`0.8333`, `null`, "", ""},
		"a rate of 0":      {`0.8333`, `0`, "", ""},
		"no currency":      {`"wholesale":{"unit_type":"CURRENCY","unit":"USD"`, `"wholesale":{"unit_type":"CURRENCY","unit":"points"`, "amount / 0.8333", ""},
		"as many as there": {`0.8333`, `1`, "amount / 1 + 0.00 USD", "3.00 USD"},
	} {
		product, err := dtone.Product([]byte(strings.Replace(ranged, tc.from, tc.to, 1)))
		cost, _ := product.Fee.Cost(usd(t, "3"))
		if err != nil || product.Fee.Expr != tc.expr || cost.String() != tc.cost || product.Amounts.Max.Known() || product.Amounts.Step.Known() {
			t.Errorf("%s: %+v costs %s, %v", name, product, cost, err)
		}
	}
}

// A cost is never thought too low.
func TestARateIsRoundedUp(t *testing.T) {
	t.Parallel()
	for rate, want := range map[string]string{"3": "0.333333334", "0.7": "1.428571429", "0.5": "2", "1e3": "0.001"} {
		ranged := strings.NewReplacer("FIXED", "RANGED", `"amount":3}`, `"amount":{"min":1,"max":-1}}`, "0.8333", rate).Replace(fixture)
		if product, err := dtone.Product([]byte(ranged)); err != nil || product.Fee.Rate != want {
			t.Errorf("%s: %q, %v", rate, product.Fee.Rate, err)
		}
	}
}

// A page that can't be read, or that leads nowhere, is no page.
func TestPagesThatAreNone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body, next string
		ok         bool
	}{
		"good": {"[" + fixture + "]", "2", true}, "the last": {"[]", "", true}, "back": {"[" + fixture + "]", "1", true}, "one bad row": {"[{}," + fixture + "]", "", true},
		"only bad rows": {"[{}]", "", false}, "an object": {"{}", "", false}, "no number": {"[]", "x", false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Next-Page", tc.next)
			_, _ = w.Write([]byte(tc.body))
		}))
		p, err := dtone.NewProvider(settings(server.URL), transport.New(transport.Config{}))
		if err != nil {
			t.Fatal(err)
		}
		page, err := p.ListProducts(t.Context(), core.ProductFilter{})
		if (err == nil) != tc.ok || page.Next == "1" {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
		server.Close()
	}
}

func TestBalances(t *testing.T) {
	t.Parallel()
	rows := `[{"id":1,"unit_type":"CURRENCY","unit":"USD","available":1000.5,"holding":3.60,"credit_limit":-1},{"unit_type":"POINTS","unit":"P","available":1},
		{"unit_type":"CURRENCY","unit":"IDR","available":-5,"holding":null,"credit_limit":100}]`
	balances, err := answering(t, http.StatusOK, rows).Balances(t.Context())
	if err != nil || len(balances) != 2 {
		t.Fatalf("%+v, %v", balances, err)
	}
	first, second := balances[0], balances[1]
	if first.Available.String() != "1000.5 USD" || first.Holding.String() != "3.6 USD" || first.Credit.Known() ||
		second.Available.String() != "-5 IDR" || second.Holding.Known() || second.Credit.String() != "100 IDR" {
		t.Errorf("%+v", balances)
	}
	for _, said := range []string{"null", "{}", "", `[{"available":"x"}]`} {
		if _, err := answering(t, http.StatusOK, said).Balances(t.Context()); core.OutcomeOf(err) != core.Unknown || err == nil {
			t.Errorf("%s: %v", said, err)
		}
	}
	if _, err := answering(t, http.StatusUnauthorized, string(errorBody("1000401"))).Balances(t.Context()); core.CodeOf(err) != core.CodeAuth {
		t.Errorf("%v", err)
	}
}
