package httpspec_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
	httpspec "github.com/jalurhq/jalur/providers/http"
)

const lastCase = "    - {when: body.state == 'none', outcome: unknown, code: not_found}\n"

// Where asking sends the order again, a question that comes too late is not sent.
func TestAQuestionThatSendsTheOrderAgain(t *testing.T) {
	t.Parallel()
	up := saying(t, http.StatusOK, `{"state":"done",`+echo+`}`)
	resubmitting := made(t, small(t, up.URL, "ref: {mode: replay}", "ref: {mode: replay, retention: 2160h}\n  status_resubmits: true\n  status_max_age: 2136h")).Provider
	asking := made(t, small(t, up.URL)).Provider
	late := order()
	late.SendBefore = 1 // a nanosecond after the machine was started
	if res, err := asking.Status(t.Context(), core.StatusRequest{Original: late}); err != nil || res.Outcome != core.Succeeded {
		t.Errorf("a plain question: %+v, %v", res, err)
	}
	_, err := resubmitting.Status(t.Context(), core.StatusRequest{Original: late})
	if !errors.Is(err, transport.ErrTooLate) || up.calls.Load() != 1 {
		t.Errorf("%v after %d calls", err, up.calls.Load())
	}
	d, err := resubmitting.Describe(t.Context())
	if err != nil || !d.StatusResubmits || d.Ref.Retention != 90*24*time.Hour || d.StatusMaxAge != 89*24*time.Hour {
		t.Errorf("%+v, %v", d, err)
	}
}

// A page leads to the next until there is none.
func TestPages(t *testing.T) {
	t.Parallel()
	up := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("key") != secretKey {
			t.Errorf("%s", r.URL)
		}
		switch r.FormValue("cursor") {
		case "":
			_, _ = io.WriteString(w, `{"rows":[{"c":"A","p":"10000","s":3,"up":true,"from":"23:45","to":"00:15"},{"c":"B","r":"0.97","f":"150","s":0,"up":false}],"next":2}`)
		case "2":
			_, _ = io.WriteString(w, `{"rows":[{"c":"C"},{"c":"D","p":"a lot"},{"c":"E","s":1.5},{"c":"F","up":"yes"},{},7]}`)
		default:
			_, _ = io.WriteString(w, `{"rows":[{},{"c":"G","up":1}]}`)
		}
	})
	p := made(t, small(t, up.URL, "  static: [{code: GOPAY}]", `
  request: {method: GET, path: /list, query: {cursor: cursor, product: product, key: secrets.key}}
  fields: {reason: "body.?error"}
  cases: [{when: has(body.rows), outcome: ok}, {when: said.reason != '', outcome: declined}]
  items: body.rows
  item: {code: item.c, price: "item.?p", rate: "item.?r", flat: "item.?f", stock: "item.?s", available: "has(item.up) ? item.up : true", cut_off_start: "item.?from", cut_off_end: "item.?to", cut_off_zone: "'Asia/Jakarta'"}
  next: body.?next`)).Provider
	first, err := p.ListProducts(t.Context(), core.ProductFilter{})
	if err != nil || len(first.Products) != 2 || first.Next != "2" {
		t.Fatalf("%+v, %v", first, err)
	}
	a, b := first.Products[0], first.Products[1]
	if cost, known := a.Fee.Cost(core.IDR(1)); !known || !cost.Equal(core.IDR(10000)) || *a.Stock != 3 || !a.Available || len(a.CutOffs) != 1 || a.CutOffs[0].End != "00:15" {
		t.Errorf("%+v", a)
	}
	if cost, known := b.Fee.Cost(core.IDR(10000)); !known || !cost.Equal(core.IDR(9850)) || b.Available || b.CutOffs != nil {
		t.Errorf("%+v", b)
	}
	second, err := p.ListProducts(t.Context(), core.ProductFilter{Cursor: first.Next})
	if err != nil || len(second.Products) != 1 || second.Products[0].Code != "C" || second.Products[0].Stock != nil || second.Next != "" {
		t.Errorf("%+v, %v", second, err)
	}
	if third, err := p.ListProducts(t.Context(), core.ProductFilter{Cursor: "3"}); core.OutcomeOf(err) != core.Unknown || len(third.Products) != 0 {
		t.Errorf("%+v, %v", third, err)
	}
}

// A bill is inquired first, and its token goes with the order, to a status that has a body of its own.
func TestQuotesAndBills(t *testing.T) {
	t.Parallel()
	var asked, paid string
	token := `"token":"T-1",`
	up := answering(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.HasSuffix(r.URL.Path, "/inquire") {
			asked = string(body)
			_, _ = io.WriteString(w, `{"ok":true,`+token+`"product":"GOPAY","account":"0812345678","amount":75000,"fee":"2.50","until":"2030-01-01 07:00:00"}`)
			return
		}
		paid = string(body)
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `{"state":"no","rc":17}`)
	})
	set := made(t, small(t, up.URL,
		"status_by: [ref]", "status_by: [ref]\n  quote_required: true\n  bills: true",
		"json: {to: order.account}", "json: {quote: order.quote, amount: order.amount, limit: order.max_cost, back: order.callback_url}",
		"  fields: &fields", "  statuses: [200, 500]\n  fields: &fields",
		lastCase, lastCase+`inquire:
  request: {path: /inquire, json: {to: order.account, back: order.callback_url}}
  fields:
    token: body.?token
    product: body.product
    account: body.account
    amount: body.amount
    cost: money(body.fee, 'USD')
    expires_at: read_date(body.until, '%Y-%m-%d %H:%M:%S', 'Asia/Jakarta')
  cases: [{when: body.ok, outcome: ok}]
`))
	bill := inquiry()
	bill.Amount, bill.CallbackURL = core.Money{}, "https://jalur.example/callbacks/small"
	quote, err := set.Provider.Inquire(t.Context(), bill)
	if err != nil || quote.Token != "T-1" || !quote.Amount.Equal(core.IDR(75000)) || !quote.Cost.Equal(parsed(t, "2.5", "USD")) ||
		!quote.ExpiresAt.Equal(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Fatalf("%+v, %v", quote, err)
	}
	if want := `{"back":"https://jalur.example/callbacks/small","to":"0812345678"}`; asked != want {
		t.Errorf("asked %s, want %s", asked, want)
	}
	req := order()
	req.Amount, req.Quote, req.MaxCost, req.CallbackURL = core.Money{}, quote.Token, core.IDR(80000), "https://jalur.example/callbacks/small"
	res, err := set.Provider.Pay(t.Context(), req)
	if err != nil || res.Outcome != core.Declined || res.Code != core.CodeDepositEmpty {
		t.Errorf("a body under 500 that is read: %+v, %v", res, err)
	}
	if want := `{"amount":"","back":"https://jalur.example/callbacks/small","limit":"80000","quote":"T-1"}`; paid != want {
		t.Errorf("sent %s, want %s", paid, want)
	}
	if _, err := set.Provider.Inquire(t.Context(), inquiry()); !errors.Is(err, core.ErrContradiction) {
		t.Errorf("a quote for another amount: %v", err)
	}
	token = ""
	if _, err := set.Provider.Inquire(t.Context(), bill); !errors.Is(err, core.ErrIncomplete) || core.OutcomeOf(err) != core.Unknown {
		t.Errorf("a quote without its token: %v", err)
	}
}

// An answer on which an expression runs for too long is unknown.
func TestTooMuchOfAnAnswer(t *testing.T) {
	t.Parallel()
	up := saying(t, http.StatusOK, `{"state":"done","list":[`+strings.Repeat("1,", 400)+`1],`+echo+`}`)
	p := made(t, small(t, up.URL, "when: body.state == 'done'", "when: 'body.list.all(a, body.list.all(b, a == b))'")).Provider
	res, err := p.Pay(t.Context(), order())
	if core.OutcomeOf(err) != core.Unknown || res.Outcome != core.Unknown || !strings.HasSuffix(err.Error(), "spec.pay.cases[0].when: it takes too many steps") {
		t.Errorf("%+v, %v", res, err)
	}
}

// What an order lacks is refused before anything is sent.
func TestFurtherFieldsOfAnOrder(t *testing.T) {
	t.Parallel()
	up := saying(t, http.StatusOK, `{"state":"done",`+echo+`}`)
	p := made(t, small(t, up.URL, "  other_merchants: true", "  merchants: [{merchant: GOPAY, extra: [{name: zone, pattern: '[0-9]{4}'}]}]")).Provider
	for zone, want := range map[string]core.Outcome{"": core.NotSent, "84": core.NotSent, "8483": core.Succeeded} {
		req := order()
		req.Extra = map[string]string{"zone": zone}
		res, err := p.Pay(t.Context(), req)
		outcome, _, _ := outcomeOf(t, p, req, res, err)
		if outcome != want {
			t.Errorf("zone %q: %s, %v", zone, outcome, err)
		}
	}
	if n := up.calls.Load(); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// What has come is read, also where the caller's time ended while it came.
func TestAnAnswerIsNotLostWithItsCaller(t *testing.T) {
	t.Parallel()
	p := made(t, small(t, "http://127.0.0.1:1", "when: body.state == 'done'", "when: 'body.list.all(a, a == 1)'")).Provider.(*httpspec.Provider)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	res, err := p.ReadPay(ctx, []byte(`{"list":[`+strings.Repeat("1,", 3000)+`1],`+echo+`}`), order())
	if err != nil || res.Outcome != core.Succeeded {
		t.Errorf("%+v, %v", res, err)
	}
}
