package digiflazz_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/providers/digiflazz"
	simulator "github.com/jalurhq/jalur/providers/digiflazz/sandbox"
)

// Every number that the vendor publishes for bills does what the vendor says.
func TestBillTestNumbers(t *testing.T) {
	t.Parallel()
	for _, known := range simulator.TestNumbers() {
		if known.SKU == "xld10" {
			continue
		}
		t.Run(known.SKU+"/"+known.Number, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			req := inquiry(known.SKU, known.Number)
			if known.SKU == "emoney" {
				req.Amount = core.IDR(50_000)
			}
			if strings.HasPrefix(known.Text, "the inquiry fails") {
				_, err := r.it.Inquire(t.Context(), req)
				same(t, "the refusal", core.CodeOf(err), core.CodeBillUnavailable)
				return
			}
			_, paid := r.quote(req)
			got := r.pay(paid)
			r.clock.advance(time.Minute)
			later := r.ask(paid, time.Minute)
			switch first, last, _ := strings.Cut(known.Text, ", then "); {
			case first == "pending":
				got.want(t, core.Pending, "")
				same(t, "later", later.Outcome == core.Succeeded, strings.HasPrefix(last, "success"))
				same(t, "later", later.Outcome == core.Declined, last == "failed")
			case strings.HasPrefix(first, "success"):
				got.want(t, core.Succeeded, "")
				later.want(t, core.Succeeded, "")
			default:
				got.want(t, core.Declined, core.CodeDeclined)
				later.want(t, core.Declined, core.CodeDeclined)
			}
			executed := 0
			if later.Outcome == core.Succeeded {
				executed = 1
			}
			same(t, "executed", r.executed(known.Number), executed)
		})
	}
}

func TestABillFromInquiryToProof(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	quote, paid := r.quote(inquiry("pln", "530000000002"))
	same(t, "the amount", quote.Amount, core.IDR(25_000)) // what the customer is charged
	same(t, "the cost", quote.Cost, core.IDR(23_000))     // what leaves the deposit
	same(t, "the receiver", quote.ReceiverName, "Nama Pelanggan Pertama")
	same(t, "the end", quote.ExpiresAt.UTC(), time.Date(2026, time.November, 23, 17, 0, 0, 0, time.UTC))
	for key, want := range map[string]string{
		"admin": "5000", "periode": "202611", "desc.tarif": "R1", "desc.daya": "1300", "desc.lembar_tagihan": "2", "desc.detail.1.nilai_tagihan": "8000",
	} {
		same(t, key, quote.Details[key], want)
	}
	got := r.pay(paid)
	got.want(t, core.Succeeded, "")
	same(t, "the amount", got.Amount, core.IDR(25_000))
	same(t, "the cost", got.Cost, core.IDR(23_000))
	same(t, "our reference", got.Ref, paid.Ref)
	same(t, "the invoice", got.Invoice, quote.Token)
	same(t, "the proof", got.Reference, "1234567890")
	r.ask(paid, time.Minute).want(t, core.Succeeded, "")
	var commands []any
	for _, sent := range r.calls("transaction") {
		commands = append(commands, sent["commands"])
		same(t, "the ref_id", sent["ref_id"], quote.Token)
		same(t, "the signature", sent["sign"], digiflazz.Sign(user, key, quote.Token))
	}
	same(t, "the commands", commands, []string{"inq-pasca", "pay-pasca", "status-pasca"})
	same(t, "executed", r.executed("530000000002"), 1)
}

func TestEMoney(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	req := inquiry("emoney", "082100000001")
	for _, amount := range []core.Money{core.IDR(50_500), {}} {
		req.Amount = amount
		_, err := r.it.Inquire(t.Context(), req)
		same(t, "the refusal of "+amount.String(), core.CodeOf(err), core.CodeAmountInvalid)
	}
	same(t, "calls", len(r.calls("transaction")), 0)
	req.Amount = core.IDR(50_000)
	quote, paid := r.quote(req)
	same(t, "the amount", quote.Amount, core.IDR(50_000))
	same(t, "the cost", quote.Cost, core.IDR(50_500))
	same(t, "the price", quote.Details["selling_price"], "51500")
	r.pay(paid).want(t, core.Succeeded, "")
	for _, sent := range r.calls("transaction") {
		same(t, "the amount sent", sent["amount"], 50_000)
	}
	same(t, "the ledger's amount", r.box.Ledger().Executed[0].Amount, "50000")
}

func TestTheYearOfALandTaxIsSent(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	req := inquiry("cimahi", "329801092375999991")
	req.Extra = map[string]string{"year": "2026", "colour": "red"}
	_, paid := r.quote(req)
	r.pay(paid).want(t, core.Succeeded, "")
	for _, sent := range r.calls("transaction") {
		same(t, "year", sent["year"], "2026")
		same(t, "colour", sent["colour"], nil)
	}
}

// A bill is paid on the calendar day of its inquiry, by Jakarta's clock.
func TestABillEndsAtMidnight(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.clock.advance(13*time.Hour + 59*time.Minute) // 23:59
	quote, paid := r.quote(inquiry("pdam", "1013226"))
	same(t, "the end", quote.ExpiresAt.Sub(r.clock.Now()), time.Minute)
	r.clock.advance(time.Minute)
	r.pay(paid).want(t, core.NotSent, core.CodeQuoteExpired)
	same(t, "calls", len(r.calls("transaction")), 1)

	again := inquiry("pdam", "1013226")
	again.Ref = "INQUIRY0000000000000000002"
	quote, paid = r.quote(again)
	same(t, "the end", quote.ExpiresAt.Sub(r.clock.Now()), 24*time.Hour)
	r.clock.advance(24*time.Hour - time.Second)
	r.pay(paid).want(t, core.Succeeded, "")
	r.clock.advance(time.Minute)
	r.ask(paid, time.Minute).want(t, core.Succeeded, "") // asking is not paying
}

// The provider takes no limit for a bill, so the client keeps it.
func TestTheLimitOfABill(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	_, paid := r.quote(inquiry("pln", "530000000001"))
	paid.MaxCost = core.IDR(9_999)
	r.pay(paid).want(t, core.NotSent, core.CodePriceAboveLimit)
	forgetful := digiflazz.Config{Username: user, APIKey: key, Now: r.clock.Now, BaseURL: r.url + "/v1"}
	paid.MaxCost = core.IDR(10_000)
	remembers := r.it
	r.it = r.client(forgetful)
	r.pay(paid).want(t, core.NotSent, core.CodeQuoteExpired)
	r.it = remembers
	r.pay(paid).want(t, core.Succeeded, "")
}

func TestWhatIsNotSent(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	if _, err := r.it.ListProducts(t.Context(), core.ProductFilter{}); err != nil {
		t.Fatal(err)
	}
	with := func(change func(*core.PayRequest)) core.PayRequest {
		o := order(number, 1)
		change(&o)
		return o
	}
	for name, test := range map[string]struct {
		order core.PayRequest
		code  core.Code
	}{
		"a bill without a token": {with(func(o *core.PayRequest) { o.Product = "pln" }), core.CodeBadRequest},
		"another amount":         {with(func(o *core.PayRequest) { o.Amount = core.IDR(25_000) }), core.CodeAmountInvalid},
		"no amount":              {with(func(o *core.PayRequest) { o.Amount = core.Money{} }), core.CodeAmountInvalid},
		"no product":             {with(func(o *core.PayRequest) { o.Product = "" }), core.CodeBadRequest},
		"no account":             {with(func(o *core.PayRequest) { o.Account = "" }), core.CodeBadRequest},
		"no reference":           {with(func(o *core.PayRequest) { o.Ref = "" }), core.CodeBadRequest},
		"a token of nobody":      {with(func(o *core.PayRequest) { o.Quote = "T" }), core.CodeBadRequest},
		"a token of no day":      {with(func(o *core.PayRequest) { o.Quote = "REFB261399" }), core.CodeBadRequest},
	} {
		res, err := r.it.Pay(t.Context(), test.order)
		got := r.checked(test.order, res, err)
		if got.Outcome != core.NotSent || got.Code != test.code {
			t.Errorf("%s: %s %q", name, got.Outcome, got.Code)
		}
	}
	same(t, "calls", len(r.calls("transaction")), 0)
}

func TestInquiriesOfPrepaidProducts(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	quote, err := r.it.Inquire(t.Context(), inquiry("pln20", "530000000001"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the meter's owner", quote.ReceiverName, "DAVID")
	same(t, "the amount", quote.Amount, core.IDR(20_000))
	same(t, "the cost", quote.Cost, core.IDR(20_150))
	same(t, "the token", quote.Token, "")
	same(t, "the power", quote.Details["segment_power"], "R1 /000001300")
	sent := r.calls("inquiry-pln")[0]
	same(t, "the signature", sent["sign"], digiflazz.Sign(user, key, "530000000001"))

	quote, err = r.it.Inquire(t.Context(), inquiry("once10", number))
	if err != nil || !quote.Cost.Equal(core.IDR(10_400)) || quote.Details["multi"] != "false" {
		t.Errorf("%+v, %v", quote, err)
	}
	r.fault("decline-86", "inquiry-pln")
	for name, test := range map[string]struct {
		sku  string
		what core.Code
	}{"limited": {"pln20", core.CodeRateLimited}, "not sold": {"nothing", core.CodeProductUnknown}} {
		_, err := r.it.Inquire(t.Context(), inquiry(test.sku, "530000000001"))
		same(t, name, core.CodeOf(err), test.what)
	}
	other := inquiry("xld10", number)
	other.Amount = core.IDR(5_000)
	_, err = r.it.Inquire(t.Context(), other)
	same(t, "another amount", core.CodeOf(err), core.CodeAmountInvalid)
}

func TestInquiriesThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]core.Code{
		"wrong-ref": core.CodeInternal, "wrong-account": core.CodeInternal, "wrong-product": core.CodeInternal, "no-data": core.CodeInternal,
		"no-status": core.CodeInternal, "no-rc": core.CodeInternal, "no-account": core.CodeInternal, "502-html": core.CodeTransportAfterSend,
		"decline-02": core.CodeDeclined, "disagree-success": core.CodeDeclined, "unknown-status": core.CodeInternal,
	} {
		r := newRig(t, nil)
		r.fault(name, "inq-pasca")
		quote, err := r.it.Inquire(t.Context(), inquiry("pln", "530000000001"))
		if err == nil || core.CodeOf(err) != code || quote.Token != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := newRig(t, nil)
	asked := inquiry("pln", "530000000001")
	asked.Amount = core.IDR(12_000)
	_, err := r.it.Inquire(t.Context(), asked)
	same(t, "another amount", core.CodeOf(err), core.CodeAmountInvalid)
	if !strings.Contains(fmt.Sprint(err), "declined") {
		t.Error(err)
	}
}
