package digiflazz_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/providers/digiflazz"
	simulator "github.com/jalurhq/jalur/providers/digiflazz/sandbox"
)

func (r *rig) products(filter core.ProductFilter) map[string]core.Product {
	r.t.Helper()
	found := map[string]core.Product{}
	for {
		page, err := r.it.ListProducts(r.t.Context(), filter)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, p := range page.Products {
			found[p.Code] = p
		}
		if page.Next == "" {
			return found
		}
		filter.Cursor = page.Next
	}
}

func TestPriceLists(t *testing.T) {
	t.Parallel()
	for _, values := range simulator.ValueForms() {
		r := newRig(t, func(s *simulator.Config, c *digiflazz.Config) {
			s.Values = values
			c.Denominations = map[string]core.Money{"ml86": core.IDR(20_000)}
		})
		got := r.products(core.ProductFilter{})
		same(t, "products", len(got), 25)
		xl := got["xld10"]
		cost, known := xl.Fee.Cost(core.IDR(10_000))
		if xl.Name != "Xl 10.000" || !known || !cost.Equal(core.IDR(10_000)) || !xl.Available || xl.Stock != nil || xl.CutOffs != nil {
			t.Errorf("%s: %+v", values, xl)
		}
		same(t, "what it stands for", xl.Amounts, core.AmountSpec{Min: core.IDR(10_000), Max: core.IDR(10_000)})
		same(t, "as the settings say", got["ml86"].Amounts, core.AmountSpec{Min: core.IDR(20_000), Max: core.IDR(20_000)})
		same(t, "cut off", got["night10"].CutOffs, []core.DailyWindow{{Start: "23:45", End: "00:15", Zone: "Asia/Jakarta"}})
		same(t, "the seller's", got["down10"].Available, false)
		if left := got["few5"].Stock; left == nil || *left != 3 {
			t.Errorf("stock %v", left)
		}
		bill := got["pln"]
		if bill.Fee.Known || bill.Amounts != (core.AmountSpec{}) || bill.Fee.Expr[:10] != "by inquiry" {
			t.Errorf("%+v", bill)
		}
		same(t, "e-money", got["emoney"].Amounts, core.AmountSpec{Min: core.IDR(1_000), Step: core.IDR(1_000)})
	}
}

func TestPriceListsAreReadEveryFiveMinutesAtMost(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for range 4 {
		r.products(core.ProductFilter{})
		r.clock.advance(2 * time.Minute)
	}
	same(t, "read", len(r.calls("price-list")), 4) // both, twice
	same(t, "one of them", len(r.products(core.ProductFilter{Product: "xld10"})), 1)
	same(t, "none of them", len(r.products(core.ProductFilter{Product: "nothing"})), 0)
	same(t, "read", len(r.calls("price-list")), 4)
}

// Somebody else has read the list moments ago, so that it is refused: single products can still be asked for.
func TestPriceListThatIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.products(core.ProductFilter{})
	r.it = r.client(digiflazz.Config{Username: user, APIKey: key, Now: r.clock.Now, BaseURL: r.url + "/v1"})
	for range 2 {
		_, err := r.it.ListProducts(t.Context(), core.ProductFilter{})
		same(t, "the code", core.CodeOf(err), core.CodeRateLimited)
	}
	same(t, "read", len(r.calls("price-list")), 4) // and not again
	same(t, "one", r.products(core.ProductFilter{Product: "pln"})["pln"].Name, "Pln Pascabayar")
	same(t, "none", len(r.products(core.ProductFilter{Product: "nothing"})), 0)
	if quote, err := r.it.Inquire(t.Context(), inquiry("pln", "530000000001")); err != nil || quote.Token == "" {
		t.Error(err)
	}
	r.clock.advance(5 * time.Minute)
	same(t, "all", len(r.products(core.ProductFilter{})), 25)
}

// Where the provider fails, an older list is better than none, for an hour.
func TestAnOlderPriceList(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.products(core.ProductFilter{})
	r.clock.advance(59 * time.Minute)
	r.fault("502-html", "price-list")
	same(t, "all", len(r.products(core.ProductFilter{})), 25)
	r.clock.advance(time.Hour)
	r.fault("none", "price-list")
	r.fault("502-html", "price-list")
	same(t, "without the prepaid ones", len(r.products(core.ProductFilter{})), 15)
}

func TestPriceListsHavePages(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *simulator.Config, _ *digiflazz.Config) {
		for n := range 1500 {
			s.Products = append(s.Products, simulator.Product{SKU: fmt.Sprintf("more%d", n), Name: "More 1.000", Category: "Pulsa", Face: 1000, Price: 1100})
		}
	})
	page, err := r.it.ListProducts(t.Context(), core.ProductFilter{})
	if err != nil || len(page.Products) != 1000 || page.Next != "1000" {
		t.Errorf("%d products, then %q: %v", len(page.Products), page.Next, err)
	}
	same(t, "all", len(r.products(core.ProductFilter{})), 1525)
	for _, cursor := range []string{"x", "-1", "99999"} {
		_, err := r.it.ListProducts(t.Context(), core.ProductFilter{Cursor: cursor})
		same(t, cursor, core.CodeOf(err), core.CodeBadRequest)
	}
}

func TestPriceListsThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	for body, code := range map[string]core.Code{
		`<html>`:                       core.CodeTransportAfterSend,
		`[]`:                           core.CodeInternal,
		`{"data":{"rc":"83"}}`:         core.CodeRateLimited,
		`{"data":{}}`:                  core.CodeInternal,
		`{"data":[{"price":1}]}`:       core.CodeInternal,
		`{"data":{"rc":"xx"}}`:         core.CodeInternal,
		`{"data":"Limitasi"}`:          core.CodeInternal,
		`{"data":{"status":"Proses"}}`: core.CodeInternal,
	} {
		if got, err := decoder().List([]byte(body), false); err == nil || core.CodeOf(err) != code {
			t.Errorf("%s: %v, %v", body, got, err)
		}
	}
}
