package router_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/router"
)

// described is a provider that only describes itself.
type described struct {
	core.Provider

	desc core.Descriptor
	err  error
}

func (d described) Describe(context.Context) (core.Descriptor, error) { return d.desc, d.err }

func provider(name string, d described, problem string) router.Provider {
	return router.Provider{
		Provider: d, Name: name,
		Ready:  func(context.Context) error { return nil },
		Health: func() router.Health { return router.Health{Problem: problem} },
	}
}

// sells is a catalogue: the products that it has, or that it can't be read.
type sells struct {
	products string
	err      error
}

func (s sells) Sells(_ context.Context, _ router.Provider, product string) (bool, error) {
	return strings.Contains(s.products, product), s.err
}

func rigged(t *testing.T) *router.Router {
	t.Helper()
	listed := core.Descriptor{
		Name: "p", Amounts: core.AmountSpec{Min: core.IDR(50000)},
		Merchants: []core.MerchantSpec{
			{Merchant: "GOPAY"}, {Merchant: "gp"}, {Merchant: "VOUCHER", Account: core.AccountSpec{Kind: core.NoAccount}},
			{Merchant: "ML", Account: core.AccountSpec{Extra: []core.FieldSpec{{Name: "zone", Pattern: "[0-9]{4}"}}}},
		},
	}
	open := listed
	open.OtherMerchants = true
	r, err := router.New([]router.Rule{
		{Merchant: "GOPAY", Lanes: []router.Lane{{Provider: "one"}, {Provider: "two", Product: "gp"}, {Provider: "down"}, {Provider: "mute"}}},
		{Merchant: "OVO", Lanes: []router.Lane{{Provider: "one"}}},
		{Merchant: "VOUCHER", Lanes: []router.Lane{{Provider: "one"}}},
		{Merchant: "ML", Lanes: []router.Lane{{Provider: "one"}}},
		{Merchant: "DANA", Lanes: []router.Lane{{Provider: "two"}}},
		{Merchant: "*", Lanes: []router.Lane{{Provider: "two"}}},
	}, []router.Provider{
		provider("one", described{desc: listed}, ""), provider("two", described{desc: open}, ""),
		provider("down", described{desc: listed}, "its breaker is open"),
		provider("mute", described{err: errors.New("still starting")}, ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCandidatesComeInOrderWithTheirReasons(t *testing.T) {
	t.Parallel()
	route, err := rigged(t).Route(t.Context(), router.Order{Merchant: "GOPAY", Account: "0812345678", Amount: core.IDR(60000)}, sells{})
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		provider, product string
		in                bool
		problem           string
	}{
		{"one", "GOPAY", true, ""}, {"two", "gp", true, ""}, {"down", "GOPAY", false, "breaker"}, {"mute", "GOPAY", false, "still starting"},
	}
	for i, c := range route.Candidates {
		w := want[i]
		if c.Provider.Name != w.provider || c.Product != w.product || c.In() != w.in || !strings.Contains(c.Problem, w.problem) || c.Refusal != nil {
			t.Errorf("candidate %d is %s by %s, in: %v, %q, %v; want %+v", i, c.Product, c.Provider.Name, c.In(), c.Problem, c.Refusal, w)
		}
	}
	takers, err := route.Takers()
	if err != nil || len(takers) != 4 {
		t.Errorf("%d takers (%v): health refuses no order", len(takers), err)
	}
}

func TestWhatNoLaneTakesIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		order     router.Order
		catalogue sells
		want      string // in the refusal; empty: taken
	}{
		"below the least":            {router.Order{Merchant: "GOPAY", Account: "0812345678", Amount: core.IDR(1)}, sells{}, "at least 50000"},
		"bad account":                {router.Order{Merchant: "GOPAY", Account: "?", Amount: core.IDR(60000)}, sells{}, "account"},
		"not sold":                   {router.Order{Merchant: "OVO", Account: "0812345678", Amount: core.IDR(60000)}, sells{products: "OVO"}, "does not sell"},
		"not in the catalogue":       {router.Order{Merchant: "DANA", Account: "0812345678", Amount: core.IDR(60000)}, sells{}, "does not sell"},
		"in the catalogue":           {router.Order{Merchant: "DANA", Account: "0812345678", Amount: core.IDR(60000)}, sells{products: "DANA"}, ""},
		"catalogue can't be read":    {router.Order{Merchant: "DANA", Account: "0812345678", Amount: core.IDR(60000)}, sells{err: errors.New("down")}, ""},
		"any merchant":               {router.Order{Merchant: "LINKAJA", Account: "0812345678", Amount: core.IDR(60000)}, sells{products: "LINKAJA"}, ""},
		"a bill without an amount":   {router.Order{Merchant: "GOPAY", Account: "0812345678"}, sells{}, ""},
		"explained without a number": {router.Order{Merchant: "GOPAY", Amount: core.IDR(60000), Open: true}, sells{}, ""},
		"no number":                  {router.Order{Merchant: "GOPAY", Amount: core.IDR(60000)}, sells{}, "account"},
		"no account, where none is":  {router.Order{Merchant: "VOUCHER", Amount: core.IDR(60000)}, sells{}, ""},
		"an account, where none is":  {router.Order{Merchant: "VOUCHER", Account: "0812345678", Amount: core.IDR(60000)}, sells{}, "must be empty"},
		"a field is missing":         {router.Order{Merchant: "ML", Account: "0812345678", Amount: core.IDR(60000)}, sells{}, "extra.zone is missing"},
		"a field is wrong":           {router.Order{Merchant: "ML", Account: "0812345678", Amount: core.IDR(60000), Extra: map[string]string{"zone": "x"}}, sells{}, "extra.zone"},
		"a field as it should be":    {router.Order{Merchant: "ML", Account: "0812345678", Amount: core.IDR(60000), Extra: map[string]string{"zone": "2001"}}, sells{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			route, err := rigged(t).Route(t.Context(), c.order, c.catalogue)
			if err != nil {
				t.Fatal(err)
			}
			if name := route.Candidates[len(route.Candidates)-1].Provider.Name; name == "mute" {
				route.Candidates = route.Candidates[:2] // the one that can't be asked refuses nothing
			}
			_, err = route.Takers()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("refusal %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestNoRoute(t *testing.T) {
	t.Parallel()
	r, err := router.New([]router.Rule{{Merchant: "GOPAY"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Route(t.Context(), router.Order{Merchant: "OVO"}, sells{}); !errors.Is(err, router.ErrNoRoute) {
		t.Errorf("got %v", err)
	}
	if _, err := router.New([]router.Rule{{Merchant: "OVO", Lanes: []router.Lane{{Provider: "none"}}}}, nil); err == nil {
		t.Error("a lane by a provider that is not there was taken")
	}
}

func TestMerchantOfAProduct(t *testing.T) {
	t.Parallel()
	r := rigged(t)
	for _, c := range []struct{ provider, product, want string }{{"two", "gp", "GOPAY"}, {"one", "gp", "gp"}, {"two", "OVO", "OVO"}} {
		if got := r.MerchantOf(c.provider, c.product); string(got) != c.want {
			t.Errorf("%s of %s is routed as %s, want %s", c.product, c.provider, got, c.want)
		}
	}
}
