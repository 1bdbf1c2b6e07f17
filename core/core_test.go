package core_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core"
)

func TestAccountNumbersPrintMasked(t *testing.T) {
	t.Parallel()
	const whole = "0812345678"
	account := core.AccountNumber(whole)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "account", account, "any", slog.AnyValue(account))
	prints := []string{
		account.String(), fmt.Sprintf("%v %s %q %#v", account, account, account, account),
		fmt.Sprintf("%+v", core.PayRequest{Account: account}), log.String(),
	}
	for _, printed := range prints {
		if strings.Contains(printed, whole) || strings.Contains(printed, "1234") {
			t.Errorf("shows the number: %s", printed)
		}
	}
	if account.String() != "08*****678" {
		t.Errorf("masked as %s", account)
	}
	for _, short := range []string{"", "1", "12", "12345", "123456789"} {
		masked := core.AccountNumber(short).String()
		if len(masked) != len(short) || len(short) > 1 && strings.Count(masked, "*")*2 < len(short) {
			t.Errorf("%q masked as %q", short, masked)
		}
	}
}

func TestOutcomeFailsSafe(t *testing.T) {
	t.Parallel()
	var zero core.Outcome
	if zero != core.Unknown || core.Outcome(200).String() != "unknown" {
		t.Error("the zero value and a foreign number must be unknown")
	}
	for o := core.Unknown; o <= core.Refunded; o++ {
		back, err := core.ParseOutcome(o.String())
		if err != nil || back != o {
			t.Errorf("%s: %s, %v", o, back, err)
		}
	}
	for _, name := range []string{"", "Succeeded", "ok"} {
		if o, err := core.ParseOutcome(name); err == nil || o != core.Unknown {
			t.Errorf("%q was taken as %s", name, o)
		}
	}
}

func TestOnlyNotSentIsBelievedOfAnError(t *testing.T) {
	t.Parallel()
	cases := []struct {
		err  error
		want core.Outcome
	}{
		{errors.New("anything"), core.Unknown},
		{&core.Error{}, core.Unknown},
		{&core.Error{Outcome: core.NotSent}, core.NotSent},
		{fmt.Errorf("wrapped: %w", &core.Error{Outcome: core.NotSent}), core.NotSent},
		{&core.Error{Outcome: core.Declined}, core.Unknown},
		{&core.Error{Outcome: core.Succeeded}, core.Unknown},
	}
	for _, c := range cases {
		if got := core.OutcomeOf(c.err); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
	if core.CodeOf(&core.Error{Code: "made_up"}) != core.CodeInternal {
		t.Error("a code outside the list was believed")
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	err := &core.Error{Op: "pay", Provider: "mmbc", Code: core.CodeTransportAfterSend, Err: errors.New("unexpected EOF")}
	if got := err.Error(); got != "mmbc: pay: unknown: transport_after_send: unexpected EOF" {
		t.Error(got)
	}
}

func TestCheckResult(t *testing.T) {
	t.Parallel()
	asked := core.PayRequest{Product: "GOPAY", Account: "0812345678", Amount: core.IDR(100000)}
	good := core.Result{Outcome: core.Succeeded, Invoice: "1", Product: "GOPAY", Account: "0812345678", Amount: core.IDR(100000)}
	cases := map[string]struct {
		change   func(*core.Result)
		outcome  core.Outcome
		invoice  core.Invoice
		returned string
	}{
		"good":               {func(*core.Result) {}, core.Succeeded, "1", ""},
		"amount with .00":    {func(r *core.Result) { r.Amount, _ = core.ParseMoney("100000.00", "IDR") }, core.Succeeded, "1", ""},
		"bare decline":       {func(r *core.Result) { *r = core.Result{Outcome: core.Declined} }, core.Declined, "", ""},
		"duplicate ref":      {func(r *core.Result) { *r = core.Result{Outcome: core.Declined, Code: core.CodeDuplicateRef} }, core.Unknown, "", ""},
		"no outcome":         {func(r *core.Result) { r.Outcome = core.Unknown }, core.Unknown, "1", ""},
		"not sent":           {func(r *core.Result) { r.Outcome = core.NotSent }, core.Unknown, "1", ""},
		"foreign outcome":    {func(r *core.Result) { r.Outcome = 99 }, core.Unknown, "1", ""},
		"no account":         {func(r *core.Result) { r.Account = "" }, core.Unknown, "1", ""},
		"no amount":          {func(r *core.Result) { r.Amount = core.Money{} }, core.Unknown, "1", ""},
		"no invoice":         {func(r *core.Result) { r.Invoice = "" }, core.Unknown, "", ""},
		"other amount":       {func(r *core.Result) { r.Amount = core.IDR(10000) }, core.Unknown, "", "1"},
		"other account":      {func(r *core.Result) { r.Account = "0899" }, core.Unknown, "", "1"},
		"other product":      {func(r *core.Result) { r.Product = "OVO" }, core.Unknown, "", "1"},
		"other currency":     {func(r *core.Result) { r.Amount, _ = core.ParseMoney("100000", "USD") }, core.Unknown, "", "1"},
		"decline of another": {func(r *core.Result) { r.Outcome, r.Account = core.Declined, "0899" }, core.Unknown, "", "1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := good
			c.change(&res)
			got, err := core.CheckResult(core.Descriptor{StatusBy: core.ByInvoice}, asked, res)
			if got.Outcome != c.outcome || got.Invoice != c.invoice || got.Details["returned_invoice"] != c.returned {
				t.Errorf("got %s, invoice %q, details %v", got.Outcome, got.Invoice, got.Details)
			}
			if (err != nil) != (c.outcome == core.Unknown) || err != nil && core.OutcomeOf(err) != core.Unknown {
				t.Errorf("error: %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "08") {
				t.Errorf("the error shows an account: %v", err)
			}
		})
	}
}

func TestCheckOrder(t *testing.T) {
	t.Parallel()
	d := core.Descriptor{
		Name:    "p",
		Amounts: core.AmountSpec{Min: core.IDR(50000), Max: core.IDR(1000000), Step: core.IDR(500)},
		Merchants: []core.MerchantSpec{
			{Merchant: "GOPAY", Account: core.AccountSpec{Kind: "phone number", Pattern: `08[0-9]{6,12}`}},
			{Merchant: "PLN", Amounts: core.AmountSpec{Min: core.IDR(20000)}},
		},
	}
	cases := []struct {
		product, account string
		amount           int64
		want             string
	}{
		{"GOPAY", "0812345678", 50000, ""},
		{"GOPAY", "0812345678", 49999, "amount must be at least 50000 IDR"},
		{"GOPAY", "0812345678", 1000500, "amount must be at most 1000000 IDR"},
		{"GOPAY", "0812345678", 50001, "amount must be a multiple of 500 IDR"},
		{"GOPAY", "0812345678", 0, "amount must be more than 0"},
		{"GOPAY", "0812345678", -50000, "amount must be more than 0"},
		{"GOPAY", "x0812345678", 50000, "account is not a phone number as this merchant takes it"},
		{"GOPAY", "0812345678\n", 50000, "account is not a phone number as this merchant takes it"},
		{"PLN", "532110000001", 20001, ""},
		{"OVO", "0812345678", 50000, `merchant p does not sell "OVO"`},
	}
	for _, c := range cases {
		err := core.CheckOrder(d, c.product, core.AccountNumber(c.account), core.IDR(c.amount))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s %s %d: %q, want %q", c.product, c.account, c.amount, got, c.want)
		}
	}
	if err := core.CheckOrder(d, "GOPAY", "0812345678", core.Money{}); err != nil {
		t.Errorf("a bill: %v", err)
	}
}

func TestFee(t *testing.T) {
	t.Parallel()
	flat := core.Fee{Known: true, Flat: core.IDR(2000)}
	if cost, ok := flat.Cost(core.IDR(100000)); !ok || !cost.Equal(core.IDR(102000)) {
		t.Errorf("amount+2000: %s, %v", cost, ok)
	}
	fixed := core.Fee{Known: true, Flat: core.IDR(10100), Fixed: true}
	if cost, ok := fixed.Cost(core.IDR(10000)); !ok || !cost.Equal(core.IDR(10100)) {
		t.Errorf("10100: %s, %v", cost, ok)
	}
	if _, ok := (core.Fee{Expr: "amount*2"}).Cost(core.IDR(1)); ok {
		t.Error("an unknown fee gave a cost")
	}
}

// named says its name before it passes a call on.
type named struct {
	core.Provider
	name string
}

func (n named) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	fmt.Println(n.name)
	if n.Provider == nil {
		return core.Result{Outcome: core.Succeeded}, nil
	}
	return n.Provider.Pay(ctx, req)
}

// The first middleware listed is the outermost.
func ExampleChain() {
	layer := func(name string) core.Middleware {
		return func(next core.Provider) core.Provider { return named{next, name} }
	}
	provider := core.Chain(named{name: "provider"}, layer("tracing"), layer("breaker"))
	_, _ = provider.Pay(context.Background(), core.PayRequest{})
	// Output:
	// tracing
	// breaker
	// provider
}
