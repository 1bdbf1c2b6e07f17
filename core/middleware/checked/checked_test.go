package checked_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/middleware/checked"
)

// teller answers every call with what it holds.
type teller struct {
	result core.Result
	quote  core.Quote
	page   core.ProductPage
	err    error
}

func (t teller) Describe(context.Context) (core.Descriptor, error) {
	return core.Descriptor{Name: "teller", StatusBy: core.ByInvoice}, nil
}

func (t teller) ListProducts(context.Context, core.ProductFilter) (core.ProductPage, error) {
	return t.page, t.err
}
func (t teller) Inquire(context.Context, core.InquiryRequest) (core.Quote, error) {
	return t.quote, t.err
}
func (t teller) Pay(context.Context, core.PayRequest) (core.Result, error) { return t.result, t.err }
func (t teller) Status(context.Context, core.StatusRequest) (core.Result, error) {
	return t.result, t.err
}

func order() core.PayRequest {
	return core.PayRequest{Ref: "R", Product: "GOPAY", Account: "081234567890", Amount: core.IDR(100_000)}
}

func done() core.Result {
	return core.Result{
		Outcome: core.Succeeded, Invoice: "I-1", Reference: "SN", Product: "GOPAY", Account: "081234567890", Amount: core.IDR(100_000),
	}
}

func with(change func(*core.Result)) core.Result {
	res := done()
	change(&res)
	return res
}

func TestResultsThatCannotBeBelievedAreUnknown(t *testing.T) {
	t.Parallel()
	cases := map[string]core.Result{
		"no outcome":        with(func(r *core.Result) { r.Outcome = core.Unknown }),
		"not sent":          with(func(r *core.Result) { r.Outcome = core.NotSent }),
		"outcome off list":  with(func(r *core.Result) { r.Outcome = 77 }),
		"other account":     with(func(r *core.Result) { r.Account = "089999999999" }),
		"other amount":      with(func(r *core.Result) { r.Amount = core.IDR(1) }),
		"no amount":         with(func(r *core.Result) { r.Amount = core.Money{} }),
		"no invoice":        with(func(r *core.Result) { r.Invoice = "" }),
		"endless invoice":   with(func(r *core.Result) { r.Invoice = core.Invoice(strings.Repeat("9", 300)) }),
		"endless reference": with(func(r *core.Result) { r.Reference = strings.Repeat("9", 3000) }),
		"empty":             {},
	}
	for name, res := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := checked.New("lane")(teller{result: res})
			for op, ask := range orderCalls(p) {
				got, err := ask(t.Context())
				if got.Outcome != core.Unknown || core.OutcomeOf(err) != core.Unknown || err == nil {
					t.Errorf("%s: outcome %s, error %v", op, got.Outcome, err)
				}
				wantNamed(t, op, err)
			}
		})
	}
}

func orderCalls(p core.Provider) map[string]func(context.Context) (core.Result, error) {
	return map[string]func(context.Context) (core.Result, error){
		"pay": func(ctx context.Context) (core.Result, error) { return p.Pay(ctx, order()) },
		"status": func(ctx context.Context) (core.Result, error) {
			return p.Status(ctx, core.StatusRequest{Original: order()})
		},
	}
}

func wantNamed(t *testing.T, op string, err error) {
	t.Helper()
	var e *core.Error
	if !errors.As(err, &e) || e.Provider != "lane" || e.Op != op {
		t.Errorf("%s: error without a name: %#v", op, err)
	}
	if strings.Contains(err.Error(), "081234567890") || strings.Contains(err.Error(), "089999999999") {
		t.Errorf("%s: an account number in %q", op, err)
	}
}

func TestGoodAnswersPass(t *testing.T) {
	t.Parallel()
	for op, ask := range orderCalls(checked.New("lane")(teller{result: done()})) {
		if res, err := ask(t.Context()); err != nil || res.Outcome != core.Succeeded || res.Invoice != "I-1" {
			t.Errorf("%s: %+v, %v", op, res, err)
		}
	}
}

func TestErrorsClaimNoMoreThanTheyMay(t *testing.T) {
	t.Parallel()
	plain := errors.New("boom")
	cases := []struct {
		op   string
		err  error
		want core.Outcome
	}{
		{"pay", &core.Error{Outcome: core.NotSent, Code: core.CodeTransportNotSent}, core.Unknown}, // there is an invoice
		{"status", &core.Error{Outcome: core.NotSent, Code: core.CodeTransportNotSent}, core.Unknown},
		{"pay", &core.Error{Outcome: core.Declined, Code: core.CodeDeclined}, core.Unknown},
		{"pay", &core.Error{Outcome: core.Succeeded}, core.Unknown},
		{"status", &core.Error{Outcome: core.Declined, Code: core.CodeNotFound}, core.Unknown},
		{"pay", plain, core.Unknown},
	}
	for _, tc := range cases {
		res, err := orderCalls(checked.New("lane")(teller{result: done(), err: tc.err}))[tc.op](t.Context())
		var e *core.Error
		if !errors.As(err, &e) || e.Outcome != tc.want || res.Outcome != core.Unknown {
			t.Errorf("%s with %v: %v, result %s", tc.op, tc.err, err, res.Outcome)
		}
		wantNamed(t, tc.op, err)
	}
	for _, notSent := range []error{&core.Error{Outcome: core.NotSent}, fmt.Errorf("outer: %w", &core.Error{Outcome: core.NotSent})} {
		_, err := orderCalls(checked.New("lane")(teller{err: notSent}))["pay"](t.Context())
		if core.OutcomeOf(err) != core.NotSent {
			t.Errorf("%v without an invoice: %v", notSent, err)
		}
	}
	if _, err := orderCalls(checked.New("lane")(teller{err: plain}))["pay"](t.Context()); !errors.Is(err, plain) {
		t.Errorf("the cause is lost in %v", err)
	}
}

func TestQuotesAreAboutWhatWasAsked(t *testing.T) {
	t.Parallel()
	asked := core.InquiryRequest{Product: "GOPAY", Account: "081234567890", Amount: core.IDR(100_000)}
	cases := map[string]struct {
		quote core.Quote
		ok    bool
	}{
		"nothing echoed":   {core.Quote{}, true},
		"all echoed":       {core.Quote{Product: "GOPAY", Account: "081234567890", Amount: core.IDR(100_000), Cost: core.IDR(100_500)}, true},
		"another account":  {core.Quote{Account: "089999999999"}, false},
		"another product":  {core.Quote{Product: "OVO"}, false},
		"another amount":   {core.Quote{Amount: core.IDR(10_000)}, false},
		"another currency": {core.Quote{Amount: money(t, "100000", "USD")}, false},
		"negative cost":    {core.Quote{Cost: core.IDR(-5)}, false},
	}
	for name, tc := range cases {
		_, err := checked.New("lane")(teller{quote: tc.quote}).Inquire(t.Context(), asked)
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			wantNamed(t, "inquire", err)
		}
	}
	refused := &core.Error{Outcome: core.Declined, Code: core.CodeAccountInvalid}
	_, err := checked.New("lane")(teller{err: refused}).Inquire(t.Context(), asked)
	var e *core.Error
	if !errors.As(err, &e) || e.Outcome != core.Declined || e.Code != core.CodeAccountInvalid {
		t.Errorf("a refusal became %v", err)
	}
}

func TestPagesMakeSense(t *testing.T) {
	t.Parallel()
	page := core.ProductPage{Products: []core.Product{
		{Code: "GOOD", Name: "good\x1b[2J", Amounts: core.AmountSpec{Min: core.IDR(10), Max: core.IDR(20)}, Fee: core.Fee{Known: true, Flat: core.IDR(-2)}},
		{Code: "NEGATIVE", Amounts: core.AmountSpec{Min: core.IDR(-1)}},
		{Code: "TURNED", Amounts: core.AmountSpec{Min: core.IDR(20), Max: core.IDR(10)}},
		{Code: "MIXED", Amounts: core.AmountSpec{Min: core.IDR(1), Max: money(t, "5", "USD")}},
		{Name: "no code"},
		{Code: "ODDFEE", Fee: core.Fee{Known: true, Expr: "?"}},
	}, Next: "2"}
	got, err := checked.New("lane")(teller{page: page}).ListProducts(t.Context(), core.ProductFilter{Cursor: "1"})
	if err != nil || len(got.Products) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if got.Products[0].Name != "good[2J" || !got.Products[0].Fee.Known {
		t.Errorf("%+v", got.Products[0])
	}
	if got.Products[1].Fee.Known {
		t.Error("a fee without an amount is known")
	}
	if _, err := checked.New("lane")(teller{page: page}).ListProducts(t.Context(), core.ProductFilter{Cursor: "2"}); err == nil {
		t.Error("a page that names itself as the next would never end")
	}
}

func TestTextsAreCut(t *testing.T) {
	t.Parallel()
	long := with(func(r *core.Result) {
		r.Reason = strings.Repeat("é", 4000)
		r.Details = map[string]string{}
		for n := range 200 {
			r.Details[fmt.Sprintf("k%03d", n)] = strings.Repeat("x", 5000)
		}
	})
	res, err := checked.New("lane")(teller{result: long}).Pay(t.Context(), order())
	if err != nil || len(res.Reason) > 1024 || len(res.Details) != 64 || len(res.Details["k000"]) != 1024 {
		t.Errorf("%d bytes of reason, %d details, %v", len(res.Reason), len(res.Details), err)
	}
}

func money(t *testing.T, value, currency string) core.Money {
	t.Helper()
	m, err := core.ParseMoney(value, currency)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestEvidenceAboutAnotherOrderIsDisowned(t *testing.T) {
	t.Parallel()
	told := done()
	told.Account = "089999999999"
	failed := &core.Error{Code: core.CodeInternal, Err: errors.New("contradicts itself")}
	for op, ask := range orderCalls(checked.New("lane")(teller{result: told, err: failed})) {
		res, err := ask(t.Context())
		if res.Invoice != "" || res.Details["returned_invoice"] != "I-1" || strings.Contains(res.Details["returned_account"], "99999") {
			t.Errorf("%s: invoice %q, details %v (%v)", op, res.Invoice, res.Details, err)
		}
	}
	told = done()
	told.Invoice = core.Invoice(strings.Repeat("9", 300))
	res, err := orderCalls(checked.New("lane")(teller{result: told}))["pay"](t.Context())
	if res.Invoice != "" || core.OutcomeOf(err) != core.Unknown {
		t.Errorf("an endless invoice: %d characters, %v", len(res.Invoice), err)
	}
}

func TestADescriptionWithoutAnInstanceIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := checked.New("lane")(nameless{}).Describe(t.Context()); err == nil {
		t.Error("it was taken")
	}
}

// nameless describes a provider that doesn't say which account it is.
type nameless struct{ core.Provider }

func (nameless) Describe(context.Context) (core.Descriptor, error) {
	return core.Descriptor{Name: "lane"}, nil
}
