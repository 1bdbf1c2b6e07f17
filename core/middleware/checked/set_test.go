package checked_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/middleware/checked"
)

// beside says what it was told to.
type beside struct {
	balances []core.Balance
	callback core.Callback
	err      error
}

func (b beside) Balances(context.Context) ([]core.Balance, error) { return b.balances, b.err }

func (b beside) ReadCallback(context.Context, core.CallbackRequest) (core.Callback, error) {
	return b.callback, b.err
}

func (b beside) CancelQuote(context.Context, string) error { return b.err }

func set(b beside) core.Set {
	return checked.Set("lane", core.Set{Provider: teller{}, Balances: b, Callbacks: b, Quotes: b})
}

func TestASetStaysAsWholeAsItWas(t *testing.T) {
	t.Parallel()
	if got := checked.Set("lane", core.Set{}); got != (core.Set{}) {
		t.Errorf("%+v", got)
	}
	told := beside{
		balances: []core.Balance{{Available: core.IDR(-5), Credit: core.IDR(10)}, {}, {Available: money(t, "1.50", "USD")}},
		callback: core.Callback{Orders: []core.CallbackOrder{{Ref: "R"}}, Status: 202, ContentType: "text/plain; charset=utf-8", Body: []byte("OK")},
	}
	balances, err := set(told).Balances.Balances(t.Context())
	if err != nil || !reflect.DeepEqual(balances, told.balances) {
		t.Errorf("%v, %v", balances, err)
	}
	callback, err := set(told).Callbacks.ReadCallback(t.Context(), core.CallbackRequest{})
	if err != nil || !reflect.DeepEqual(callback, told.callback) {
		t.Errorf("%+v, %v", callback, err)
	}
	if err := set(told).Quotes.CancelQuote(t.Context(), "T"); err != nil {
		t.Error(err)
	}
}

func TestBalancesThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, all := range map[string][]core.Balance{
		"too many":          make([]core.Balance, 65),
		"two currencies":    {{Available: core.IDR(1), Credit: money(t, "1", "USD")}},
		"negative holding":  {{Holding: core.IDR(-1)}},
		"negative credit":   {{}, {Credit: core.IDR(-1)}},
		"mixed, none first": {{Holding: core.IDR(1), Credit: money(t, "1", "USD")}},
	} {
		balances, err := set(beside{balances: all}).Balances.Balances(t.Context())
		if core.OutcomeOf(err) != core.Unknown || core.CodeOf(err) != core.CodeInternal || balances != nil {
			t.Errorf("%s: %v, %v", name, balances, err)
		}
		wantNamed(t, "balances", err)
	}
}

func TestCallbacksThatCannotBe(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("9", 300)
	for name, callback := range map[string]core.Callback{
		"too many orders":   {Orders: make([]core.CallbackOrder, 1001)},
		"an empty order":    {Orders: []core.CallbackOrder{{Ref: "R"}, {}}},
		"a long reference":  {Orders: []core.CallbackOrder{{Ref: long}}},
		"a long invoice":    {Orders: []core.CallbackOrder{{Invoice: core.Invoice(long)}}},
		"a long token":      {Orders: []core.CallbackOrder{{Quote: strings.Repeat("9", 2000)}}},
		"no such status":    {Status: 99},
		"an interim status": {Status: 103},
		"a large status":    {Status: 600},
		"a large reply":     {Body: make([]byte, 1<<20)},
		"a second header":   {ContentType: "text/plain\r\nSet-Cookie: a=b"},
		"a long type":       {ContentType: long},
	} {
		got, err := set(beside{callback: callback}).Callbacks.ReadCallback(t.Context(), core.CallbackRequest{})
		if core.OutcomeOf(err) != core.Unknown || core.CodeOf(err) != core.CodeInternal || !reflect.DeepEqual(got, core.Callback{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		wantNamed(t, "read_callback", err)
	}
}

func TestErrorsBesidePayKeepCodeAndCause(t *testing.T) {
	t.Parallel()
	refused := &core.Error{Op: "x", Outcome: core.Declined, Code: core.CodeAuth, Err: fmt.Errorf("so: %w", errors.ErrUnsupported)}
	s := set(beside{balances: []core.Balance{{}}, callback: core.Callback{Body: []byte("x")}, err: refused})
	balances, balancesErr := s.Balances.Balances(t.Context())
	callback, callbackErr := s.Callbacks.ReadCallback(t.Context(), core.CallbackRequest{})
	for op, err := range map[string]error{"balances": balancesErr, "read_callback": callbackErr, "cancel_quote": s.Quotes.CancelQuote(t.Context(), "T")} {
		if core.OutcomeOf(err) != core.Unknown || core.CodeOf(err) != core.CodeAuth || !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", op, err)
		}
		wantNamed(t, op, err)
	}
	if balances != nil || callback.Body != nil {
		t.Errorf("%v, %v", balances, callback)
	}
}

func TestWhatIsOddInAProductIsLeftOut(t *testing.T) {
	t.Parallel()
	fee := func(rate string) core.Fee { return core.Fee{Known: true, Flat: core.IDR(0), Rate: rate, Expr: rate} }
	window := core.DailyWindow{Start: "23:45", End: "00:15", Zone: "Asia/Jakarta"}
	page := core.ProductPage{Products: []core.Product{
		{Code: "GOOD", Fee: fee("0.8333"), Stock: new(int64), CutOffs: []core.DailyWindow{window}},
		{Code: "ODD", Fee: fee("1e3"), Stock: new(int64(-1)), CutOffs: []core.DailyWindow{{Start: "24:00", End: "01:00"}, window, {Start: "1:00", End: "02:00"}, {}}},
		{Code: "FREE", Fee: fee("0")},
		{Code: "NEGATIVE", Fee: fee("-1")},
	}}
	got, err := checked.New("lane")(teller{page: page}).ListProducts(t.Context(), core.ProductFilter{})
	if err != nil || len(got.Products) != 4 {
		t.Fatalf("%+v, %v", got, err)
	}
	if !reflect.DeepEqual(got.Products[0], page.Products[0]) {
		t.Errorf("%+v", got.Products[0])
	}
	if odd := got.Products[1]; odd.Stock != nil || !reflect.DeepEqual(odd.CutOffs, []core.DailyWindow{window}) {
		t.Errorf("%+v", odd)
	}
	for _, p := range got.Products[1:] {
		if p.Fee.Known || p.Fee.Expr == "" {
			t.Errorf("%s has the fee %+v", p.Code, p.Fee)
		}
	}
}
