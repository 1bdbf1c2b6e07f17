package dtone_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
	"github.com/jalurhq/jalur/providers/dtone"
	"github.com/jalurhq/jalur/providers/dtone/sandbox"
)

func TestOldOrdersAreFound(t *testing.T) {
	t.Parallel()
	for _, age := range []time.Duration{0, time.Hour, 23*time.Hour + 30*time.Minute, 25 * time.Hour, 60 * 24 * time.Hour} {
		r := playing(t, quick())
		if _, err := r.pay(order(t)); err != nil {
			t.Fatal(err)
		}
		sent := r.clock.Now()
		r.clock.advance(age)
		res, err := r.Status(t.Context(), core.StatusRequest{Original: order(t), FirstSentAt: sent})
		want{core.Succeeded, ""}.check(t, res, err)
	}
}

// "No such order" is said only where it is in no list that it could be in.
func TestNotFound(t *testing.T) {
	t.Parallel()
	r := playing(t, quick())
	for _, sent := range []time.Time{r.clock.Now(), r.clock.Now().Add(-48 * time.Hour), r.clock.Now().Add(48 * time.Hour), {}} {
		res, err := r.Status(t.Context(), core.StatusRequest{Original: order(t), FirstSentAt: sent})
		want{core.Unknown, core.CodeNotFound}.check(t, res, err)
	}
	res, err := r.Status(t.Context(), core.StatusRequest{Original: order(t), Invoice: "2237512891"})
	want{core.Unknown, core.CodeNotFound}.check(t, res, err)
	for _, invoice := range []core.Invoice{"../balances", "x", "0"} {
		res, err = r.Status(t.Context(), core.StatusRequest{Original: order(t), Invoice: invoice})
		want{core.Unknown, core.CodeBadRequest}.check(t, res, err)
	}
	r.fault("error-1000404", "list") // that is no word on the order
	res, err = r.ask(order(t), "")
	want{core.Unknown, core.CodeProductUnknown}.check(t, res, err)
}

func answering(t *testing.T, status int, said string) *dtone.Provider {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, said)
	}))
	t.Cleanup(server.Close)
	p, err := dtone.NewProvider(settings(server.URL), transport.New(transport.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestListsThatSayNothing(t *testing.T) {
	t.Parallel()
	whole := transactionOf(t, 7, "COMPLETED", "COMPLETED")
	whole["requested_values"] = map[string]any{"destination": map[string]any{"unit_type": "CURRENCY", "unit": "USD", "amount": 3}}
	mine := string(body(t, whole))
	if res, err := answering(t, http.StatusOK, "["+mine+"]").Status(t.Context(), core.StatusRequest{Original: order(t)}); outcome(res, err) != core.Succeeded {
		t.Errorf("alone: %+v, %v", res, err)
	}
	other := transactionOf(t, 7, "COMPLETED", "COMPLETED")
	other["external_id"] = "SOMEBODYELSES"
	for name, said := range map[string]string{
		"null": "null", "an object": "{}", "words": "[", "a string": `[""]`, "two of them": "[" + mine + "," + mine + "]",
		"somebody else's": "[" + string(body(t, other)) + "]", "one and somebody else's": "[" + mine + "," + string(body(t, other)) + "]",
	} {
		res, err := answering(t, http.StatusOK, said).Status(t.Context(), core.StatusRequest{Original: order(t)})
		if outcome(res, err) != core.Unknown || core.CodeOf(err) == core.CodeNotFound {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
	for name, status := range map[string]int{"404 without a code": 404, "204": 204, "500 with a list": 500} {
		res, err := answering(t, status, "[]").Status(t.Context(), core.StatusRequest{Original: order(t)})
		if outcome(res, err) != core.Unknown || core.CodeOf(err) == core.CodeNotFound {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
}

// An answer to a question by number that has another number is about another order, however alike the two are.
func TestATwinIsNotTheOrder(t *testing.T) {
	t.Parallel()
	twin := string(body(t, transactionOf(t, 7, "COMPLETED", "COMPLETED")))
	res, err := answering(t, http.StatusOK, twin).Status(t.Context(), core.StatusRequest{Original: order(t), Invoice: "2237512892"})
	if outcome(res, err) != core.Unknown || res.Invoice != "" {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestARepeatedReferenceIsAskedFor(t *testing.T) {
	t.Parallel()
	r := playing(t, quick())
	first, err := r.pay(order(t))
	want{core.Succeeded, ""}.check(t, first, err)
	res, err := r.pay(order(t))
	want{core.Unknown, core.CodeDuplicateRef}.check(t, res, err)
	res, err = r.ask(order(t), "")
	want{core.Succeeded, ""}.check(t, res, err)
	if res.Invoice != first.Invoice || r.box.Ledger().ByAccount[number] != 1 {
		t.Errorf("%+v, %+v", res, r.box.Ledger())
	}
}

func TestGivenBack(t *testing.T) {
	t.Parallel()
	r := playing(t, sandbox.Config{Deposit: 100, CompleteAfter: time.Minute})
	r.fault("reversed", "")
	res, err := r.pay(order(t))
	want{core.Pending, ""}.check(t, res, err)
	for _, want := range []struct {
		want
		balance string
	}{{want{core.Pending, ""}, "96.4 USD, 3.6 USD"}, {want{core.Succeeded, ""}, "96.4 USD, 0 USD"}, {want{core.Refunded, core.CodeRefunded}, "100 USD, 0 USD"}} {
		res, err = r.ask(order(t), res.Invoice)
		want.check(t, res, err)
		if got := r.holding(); got != want.balance {
			t.Errorf("%s, want %s", got, want.balance)
		}
		r.clock.advance(time.Minute)
	}
}

func TestEveryTestNumber(t *testing.T) {
	t.Parallel()
	ends := map[string]want{
		"00": {core.Succeeded, ""}, "01": {core.Succeeded, ""}, "02": {core.Declined, core.CodeAccountInvalid}, "03": {core.Declined, core.CodeAccountInvalid},
		"04": {core.Declined, core.CodeProductDown}, "05": {core.Declined, core.CodeRepeatTooSoon}, "06": {core.Declined, core.CodeDeclined},
		"07": {core.Declined, core.CodeUpstreamTimeout}, "08": {core.Refunded, core.CodeRefunded},
	}
	r := playing(t, sandbox.Config{Delays: 2})
	for tail, end := range ends {
		for first, least := range map[string]time.Duration{"1": 3 * time.Second, "2": 20 * time.Second, "3": 5 * time.Minute} {
			req := order(t)
			req.Ref, req.Product, req.Account, req.Amount = "TEST"+first+tail, "5003", core.AccountNumber("+6595123"+first+tail), money(t, "10", "SGD")
			res, err := r.pay(req)
			want{core.Pending, ""}.check(t, res, err)
			r.clock.advance(2*least - 1)
			res, err = r.ask(req, res.Invoice)
			want{core.Pending, ""}.check(t, res, err)
			r.clock.advance(20 * time.Minute)
			res, err = r.ask(req, res.Invoice)
			end.check(t, res, err)
			if pin := res.Details["pin_serial"] != ""; pin != (tail == "01") {
				t.Errorf("%s%s: %v", first, tail, res.Details)
			}
		}
	}
}
