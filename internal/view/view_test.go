package view_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/router"
	"github.com/jalurhq/jalur/internal/view"
)

func payment(attempts ...journal.Attempt) journal.Payment {
	at := time.Date(2026, 1, 31, 7, 0, 0, 0, time.FixedZone("WIB", 7*60*60))
	return journal.Payment{
		ID: "P", Key: "k", Merchant: "GOPAY", Account: "081234567890", Amount: core.IDR(100_000), CreatedAt: at, Attempts: attempts,
	}
}

func TestOutcomeOfAnAttempt(t *testing.T) {
	t.Parallel()
	for state, want := range map[journal.State]string{
		journal.Created: "null", journal.Sending: "null", journal.Unknown: `"unknown"`, journal.Parked: `"unknown"`,
	} {
		shown := view.PaymentOf(payment(journal.Attempt{N: 1, State: state}))
		got, err := json.Marshal(shown.Attempts[0].Outcome)
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", state, got, err)
		}
	}
}

func TestPaymentTellsItsLastAttempt(t *testing.T) {
	t.Parallel()
	shown := view.PaymentOf(payment(
		journal.Attempt{N: 1, State: journal.Failed, Provider: "a", Outcome: core.Declined, Code: core.CodeDepositEmpty, Reason: "saldo"},
		journal.Attempt{N: 2, State: journal.Confirmed, Provider: "b", Outcome: core.Succeeded, Invoice: "I", Cost: core.IDR(1)},
	))
	if shown.State != journal.StateSucceeded || shown.Provider != "b" || shown.Invoice != "I" || shown.Code != "" || shown.Reason != "" {
		t.Errorf("%+v", shown)
	}
	if len(shown.Attempts) != 2 || shown.Attempts[0].Code != core.CodeDepositEmpty {
		t.Errorf("%+v", shown.Attempts)
	}
}

func TestWhatHasFailedHasCostNothing(t *testing.T) {
	t.Parallel()
	a := journal.Attempt{N: 1, State: journal.Failed, Provider: "a", Outcome: core.Declined, Cost: core.IDR(5), Cashback: core.IDR(1)}
	if shown := view.PaymentOf(payment(a)); shown.Cost.Known() || shown.Cashback.Known() {
		t.Errorf("%+v", shown)
	}
	a.State, a.Outcome = journal.Refunded, core.Refunded
	if shown := view.PaymentOf(payment(a)); !shown.Cost.Equal(core.IDR(5)) {
		t.Errorf("given back: %+v", shown)
	}
}

func TestUnknownValues(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(view.PaymentOf(payment(journal.Attempt{N: 1, State: journal.Sending, Provider: "a"})))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"created_at":"2026-01-31T00:00:00Z"`, `"invoice":""`, `"cost":null`, `"provider_time":null`, `"details":{}`,
		`"started_at":null`, `"account":"081234567890"`,
	} {
		if !strings.Contains(string(text), part) {
			t.Errorf("%s isn't in %s", part, text)
		}
	}
	var back view.Payment
	if err := json.Unmarshal(text, &back); err != nil || back.Cost.Known() || !back.Amount.Equal(core.IDR(100_000)) {
		t.Errorf("read back: %+v, %v", back, err)
	}
	if printed := fmt.Sprintf("%v %+v", back, back); strings.Contains(printed, "081234567890") {
		t.Errorf("printed whole: %s", printed)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	seen := map[payments.Code]bool{}
	for _, kind := range view.ProblemKinds() {
		p := view.ProblemOf(fmt.Errorf("wrapped: %w", &payments.Refusal{Code: kind.Code, Field: "amount", Rule: "is wrong"}))
		if p.Code != kind.Code || p.Status != kind.Status || p.Title == "" || p.Field != "amount" || p.Detail != "amount is wrong" {
			t.Errorf("%+v", p)
		}
		if seen[kind.Code] {
			t.Errorf("%s stands twice", kind.Code)
		}
		seen[kind.Code] = true
	}
	for _, err := range []error{errors.New("secret"), &payments.Refusal{Code: "new", Rule: "x"}} {
		if p := view.ProblemOf(err); p.Code != view.CodeInternal || p.Status != 500 || strings.Contains(p.Error(), "secret") {
			t.Errorf("%+v", p)
		}
	}
	own := view.NewProblem(view.CodeForbidden, "", "no")
	if view.ProblemOf(fmt.Errorf("wrapped: %w", own)) != own {
		t.Error("a problem became another one")
	}
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	named := router.Provider{Name: "a"}
	shown := view.RouteOf(router.Order{Merchant: "GOPAY"}, router.Route{
		Rule: router.Rule{Merchant: router.AnyMerchant},
		Candidates: []router.Candidate{
			{Provider: named}, {Provider: named, Problem: "down"},
			{Provider: named, Problem: "down", Refusal: &core.OrderError{Field: "amount", Rule: "must be more", Code: core.CodeAmountInvalid}},
		},
	})
	var got strings.Builder
	for _, c := range shown.Candidates {
		fmt.Fprintf(&got, "%v %q %q; ", c.In, c.Reason, c.Code)
	}
	const want = `true "takes the order and is ready" ""; false "down" ""; false "amount must be more" "amount_invalid"; `
	if got.String() != want || shown.Route != "*" {
		t.Errorf("%s", got.String())
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	shown := view.ProvidersOf([]payments.ProviderStatus{
		{Name: "down"},
		{Name: "up", Descriptor: core.Descriptor{
			Name: "x", StatusGap: 1500 * time.Millisecond, StatusBy: core.ByInvoice | core.ByRef, Ref: core.RefSpec{Mode: core.RefReplay},
			Merchants: []core.MerchantSpec{
				{Merchant: "GOPAY"}, {Merchant: "ML", Account: core.AccountSpec{Kind: core.NoAccount, Extra: []core.FieldSpec{{Name: "zone"}, {Name: "note", Optional: true}}}},
			},
			Amounts: core.AmountSpec{Min: core.IDR(5)}, SendsCallbacks: true, TellsBalances: true, CancelsQuotes: true,
		}},
	}, map[string]payments.Balances{
		"up":  {At: time.Unix(7, 0), Balances: []core.Balance{{Available: core.IDR(1), Holding: core.IDR(2), Credit: core.IDR(3)}}},
		"ill": {At: time.Unix(7, 0), Problem: errors.New("no answer")}, "mute": {},
	}).Providers
	if b := shown[1].Balances; b == nil || b.Problem != "" || b.AskedAt.Location() != time.UTC || b.Balances[0] != (view.Balance{core.IDR(1), core.IDR(2), core.IDR(3)}) {
		t.Errorf("%+v", b)
	}
	if shown[0].Capabilities != nil || shown[0].Breaker == nil || shown[0].Balances != nil {
		t.Errorf("%+v", shown[0])
	}
	c := shown[1].Capabilities
	if c.StatusGap != 2 || len(c.StatusBy) != 2 || c.Ref.Mode != "replay" || !c.SendsCallbacks || !c.TellsBalances || !c.CancelsQuotes || !c.Merchants[0].Min.Equal(core.IDR(5)) {
		t.Errorf("%+v", c)
	}
	if ml := c.Merchants[1]; ml.Account != "none" || len(ml.Extra) != 2 || !ml.Extra[0].Required || ml.Extra[1].Required || c.Merchants[0].Extra == nil {
		t.Errorf("%+v", c.Merchants)
	}
}
