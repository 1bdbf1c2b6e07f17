package dtone_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
	"github.com/jalurhq/jalur/providers/dtone"
	"github.com/jalurhq/jalur/providers/dtone/sandbox"
)

const quoteRef = "01JD3X8Q5W6E7R8T9YQQQQQQQQ"

func inquiry(req core.PayRequest) core.InquiryRequest {
	return core.InquiryRequest{
		Ref: quoteRef, Merchant: req.Merchant, Product: req.Product, Account: req.Account, Amount: req.Amount, Extra: req.Extra,
	}
}

// quoted inquires, and gives the order that pays the quote.
func (r *rig) quoted(req core.PayRequest) (core.Quote, core.PayRequest) {
	r.t.Helper()
	quote, err := r.Inquire(r.t.Context(), inquiry(req))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Quote, req.Amount = quote.Token, quote.Amount
	return quote, req
}

func (r *rig) holding() string {
	r.t.Helper()
	balances, err := r.Balances(r.t.Context())
	if err != nil || len(balances) != 1 {
		r.t.Fatalf("%v, %v", balances, err)
	}
	return balances[0].Available.String() + ", " + balances[0].Holding.String()
}

func TestAFirmQuoteIsHeldAndPaid(t *testing.T) {
	t.Parallel()
	r := playing(t, sandbox.Config{Deposit: 100, CompleteAfter: time.Minute}, firm)
	quote, req := r.quoted(order(t))
	if !quote.Reserves || !quote.ExpiresAt.Equal(r.clock.Now().Add(time.Hour)) || !quote.Cost.Equal(usd(t, "3.6")) || quote.Token == "" || len(quote.Token) > 500 {
		t.Errorf("%+v", quote)
	}
	if quote.Details["operator"] != "Claro Ecuador" || r.holding() != "96.4 USD, 3.6 USD" {
		t.Errorf("%v, %s", quote.Details, r.holding())
	}
	res, err := r.pay(req)
	want{core.Pending, ""}.check(t, res, err)
	if res.Invoice == "" || res.Ref != "" {
		t.Errorf("%+v", res)
	}
	r.clock.advance(time.Minute)
	for _, invoice := range []core.Invoice{res.Invoice, ""} {
		res, err = r.ask(req, invoice)
		want{core.Succeeded, ""}.check(t, res, err)
	}
	if r.holding() != "96.4 USD, 0 USD" || len(r.box.Ledger().Executed) != 1 {
		t.Errorf("%s, %+v", r.holding(), r.box.Ledger())
	}
	// Twice is already confirmed: perhaps by this very order.
	res, err = r.pay(req)
	want{core.Unknown, core.CodeDuplicateRef}.check(t, res, err)
}

func TestALostConfirmationIsAskedFor(t *testing.T) {
	t.Parallel()
	for fault, end := range map[string]core.Outcome{"cut-after": core.Succeeded, "cut-before": core.Pending, "error-1009001-after": core.Succeeded, "error-1009001": core.Pending} {
		r := playing(t, quick(), firm)
		_, req := r.quoted(order(t))
		r.fault(fault, "confirm")
		res, err := r.pay(req)
		if outcome(res, err) != core.Unknown {
			t.Errorf("%s: %+v, %v", fault, res, err)
		}
		res, err = r.ask(req, "")
		want{end, ""}.check(t, res, err)
		r.clock.advance(time.Hour)
		res, err = r.ask(req, "")
		if end == core.Pending { // nobody has confirmed it in time
			want{core.Declined, core.CodeQuoteExpired}.check(t, res, err)
		} else {
			want{core.Succeeded, ""}.check(t, res, err)
		}
	}
}

func TestAQuoteThatIsGone(t *testing.T) {
	t.Parallel()
	for name, let := range map[string]func(*rig, core.PayRequest){
		"expired":   func(r *rig, _ core.PayRequest) { r.clock.advance(time.Hour) },
		"cancelled": func(r *rig, req core.PayRequest) { r.cancel(req.Quote) },
		"forgotten": func(r *rig, _ core.PayRequest) { r.must(r.box.Reset()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := playing(t, sandbox.Config{Deposit: 100}, firm)
			_, req := r.quoted(order(t))
			let(r, req)
			if r.holding() != "100 USD, 0 USD" {
				t.Errorf("held: %s", r.holding())
			}
			res, err := r.pay(req)
			want{core.Declined, core.CodeQuoteExpired}.check(t, res, err)
			r.cancel(req.Quote) // what is gone already is no error
		})
	}
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) cancel(token string) {
	r.t.Helper()
	r.must(r.CancelQuote(r.t.Context(), token))
}

func TestCancelling(t *testing.T) {
	t.Parallel()
	r := playing(t, quick(), firm)
	_, req := r.quoted(order(t))
	if _, err := r.pay(req); err != nil {
		t.Fatal(err)
	}
	if err := r.CancelQuote(t.Context(), req.Quote); err == nil {
		t.Error("a quote that is paid was cancelled")
	}
	if err := r.CancelQuote(t.Context(), "%"); err == nil {
		t.Error("what is no quote was cancelled")
	}
	r = playing(t, quick(), firm)
	_, other := r.quoted(order(t))
	r.fault("502-html", "cancel")
	if err := r.CancelQuote(t.Context(), other.Quote); core.OutcomeOf(err) != core.Unknown {
		t.Errorf("%v", err)
	}
	r.cancel(other.Quote)
}

// An answer about another transaction than the quote's is not about the order.
func TestAConfirmationOfAnother(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"wrong-external-id", "no-id", "wrong-account"} {
		r := playing(t, quick(), firm)
		_, req := r.quoted(order(t))
		r.fault(fault, "confirm")
		res, err := r.pay(req)
		want{core.Unknown, core.CodeInternal}.check(t, res, err)
		res, err = r.ask(req, "")
		want{core.Succeeded, ""}.check(t, res, err)
	}
}

// A transaction that was to wait and is carried out is no quote: nobody may take it for one that can be given up.
func TestAQuoteThatIsCarriedOut(t *testing.T) {
	t.Parallel()
	for class, word := range map[int]string{2: "CONFIRMED", 5: "SUBMITTED", 7: "COMPLETED", 8: "REVERSED", 4: "CANCELLED", 3: "REJECTED-INSUFFICIENT-BALANCE"} {
		name, _, _ := strings.Cut(word, "-")
		said := transactionOf(t, class, name, word)
		said["external_id"] = quoteRef
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.Contains(r.URL.Path, "/products/"):
				_, _ = io.WriteString(w, strings.Replace(fixture, `"type"`, `"operator":{"id":1},"required_credit_party_identifier_fields":[["mobile_number"]],"type"`, 1))
			case strings.Contains(r.URL.Path, "/lookup/"):
				_, _ = io.WriteString(w, `[{"id":1,"name":"Claro","identified":false}]`)
			default:
				_, _ = w.Write(body(t, said))
			}
		}))
		cfg := settings(server.URL)
		cfg.FirmQuotes = true
		p, err := dtone.NewProvider(cfg, transport.New(transport.Config{}))
		if err != nil {
			t.Fatal(err)
		}
		quote, err := p.Inquire(t.Context(), inquiry(order(t)))
		if err == nil || quote.Token != "" || class == 3 && core.CodeOf(err) != core.CodeDepositEmpty {
			t.Errorf("%s: %+v, %v", word, quote, err)
		}
		server.Close()
	}
}

// A quote pays for what it was asked for, and for nothing else.
func TestAQuoteIsForOneOrder(t *testing.T) {
	t.Parallel()
	r := playing(t, quick(), firm)
	_, req := r.quoted(order(t))
	for name, change := range map[string]func(*core.PayRequest){
		"another account": func(o *core.PayRequest) { o.Account = "+593990000000" },
		"another product": func(o *core.PayRequest) { o.Product = "5003" },
		"another amount":  func(o *core.PayRequest) { o.Amount = usd(t, "4") },
	} {
		other := req
		change(&other)
		if _, err := r.pay(other); core.OutcomeOf(err) != core.NotSent {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnInquiryHoldsNothingUnlessItIsFirm(t *testing.T) {
	t.Parallel()
	r := playing(t, sandbox.Config{Deposit: 100, CompleteAfter: -1})
	quote, req := r.quoted(order(t))
	if quote.Token != "" || quote.Reserves || !quote.Cost.Equal(usd(t, "3.6")) || r.holding() != "100 USD, 0 USD" {
		t.Errorf("%+v, %s", quote, r.holding())
	}
	res, err := r.pay(req)
	want{core.Succeeded, ""}.check(t, res, err)
	ranged := core.PayRequest{Product: "5002", Account: "081234567890", Amount: money(t, "150000", "IDR")}
	if quote, err := r.Inquire(t.Context(), inquiry(ranged)); err != nil || quote.Cost.String() != "10.06 USD" { // 10.05, and the rate has nine digits
		t.Errorf("%s, %v", quote.Cost, err)
	}
	voucher := core.PayRequest{Product: "7001"}
	if quote, err := r.Inquire(t.Context(), inquiry(voucher)); err != nil || quote.Amount.String() != "100000 IDR" || quote.Cost.String() != "6.4 USD" {
		t.Errorf("%+v, %v", quote, err)
	}
}

func TestBills(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*dtone.Config){"looked up": func(*dtone.Config) {}, "firm": firm} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := playing(t, quick(), change)
			bill := core.PayRequest{Ref: ref, Product: "8001", Account: "530012345"}
			quote, req := r.quoted(bill)
			if quote.Amount.String() != "185500 IDR" || quote.Details["bill_due"] != "2026-11-20" || quote.Details["bills"] != "2" || quote.Token == "" {
				t.Errorf("%+v", quote)
			}
			res, err := r.pay(req)
			want{core.Succeeded, ""}.check(t, res, err)
			if !res.Amount.Equal(quote.Amount) || res.Account != bill.Account {
				t.Errorf("%+v", res)
			}
			bill.Account = "530012349"
			_, err = r.Inquire(t.Context(), inquiry(bill))
			if core.CodeOf(err) != core.CodeBillUnavailable || !strings.Contains(err.Error(), "declined") {
				t.Errorf("no bill: %v", err)
			}
		})
	}
	r := playing(t, quick())
	second := core.PayRequest{Ref: ref, Product: "8001", Account: "530012345", Extra: map[string]string{"statement.reference": "BILL-530012345-12"}}
	if quote, err := r.Inquire(t.Context(), inquiry(second)); err != nil || quote.Amount.String() != "215000 IDR" {
		t.Errorf("%+v, %v", quote, err)
	}
	second.Extra["statement.reference"] = "BILL-1"
	if _, err := r.Inquire(t.Context(), inquiry(second)); core.CodeOf(err) != core.CodeBillUnavailable {
		t.Errorf("%v", err)
	}
}

// A quote for a bill is paid without its amount, as the gateway may leave it to the provider.
func TestABillWithoutAnAmount(t *testing.T) {
	t.Parallel()
	r := playing(t, quick())
	_, req := r.quoted(core.PayRequest{Ref: ref, Product: "8001", Account: "530012345"})
	req.Amount = core.Money{}
	res, err := r.pay(req)
	want{core.Succeeded, ""}.check(t, res, err)
	if res.Amount.String() != "185500 IDR" {
		t.Errorf("%s", res.Amount)
	}
}

func TestRefusedInquiries(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault, call string
		config      func(*dtone.Config)
		want        string
	}{
		"another operator's number": {"", "", nil, "declined: account_invalid"},
		"no look-up":                {"error-1009503", "mobile-number", nil, "unknown: maintenance"},
		"not the balance":           {"error-1006001", "", firm, "declined: deposit_empty"},
		"the reference was used":    {"error-1007001", "", firm, "unknown: duplicate_ref"},
		"no connection":             {"cut-after", "", firm, "unknown: transport_after_send"},
		"another transaction":       {"wrong-external-id", "", firm, "unknown: internal"},
		"another account":           {"wrong-account", "", firm, "unknown: internal"},
		"not held":                  {"unknown-class", "", firm, "unknown: internal"},
		"torn":                      {"both", "", firm, "unknown: internal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.config == nil {
				tc.config = func(*dtone.Config) {}
			}
			r := playing(t, quick(), tc.config)
			req := order(t)
			if tc.fault == "" {
				req.Account = "+6591234567"
			} else {
				r.fault(tc.fault, tc.call)
			}
			quote, err := r.Inquire(t.Context(), inquiry(req))
			if err == nil || !strings.Contains(err.Error(), tc.want) || quote.Token != "" {
				t.Errorf("%+v, %v", quote, err)
			}
		})
	}
}
