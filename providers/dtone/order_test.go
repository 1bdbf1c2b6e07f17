package dtone_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
	"github.com/jalurhq/jalur/providers/dtone"
	"github.com/jalurhq/jalur/providers/dtone/sandbox"
)

// heard keeps the last request that moves money, and passes all to a sandbox.
type heard struct {
	mu   sync.Mutex
	path string
	auth string
	body string
}

func (h *heard) sent() (path, auth, body string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.path, h.auth, h.body
}

func listening(t *testing.T, change ...func(*dtone.Config)) (*dtone.Provider, *heard) {
	t.Helper()
	box, err := sandbox.New(sandbox.Config{Key: "fake_apikey", Secret: "fake_apisecret", CompleteAfter: -1})
	if err != nil {
		t.Fatal(err)
	}
	h := &heard{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/transactions") {
			said, _ := io.ReadAll(r.Body)
			h.mu.Lock()
			h.path, h.auth, h.body = r.URL.Path, r.Header.Get("Authorization"), string(said)
			h.mu.Unlock()
			r.Body = io.NopCloser(strings.NewReader(string(said)))
		}
		box.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { _ = box.Close() })
	cfg := settings(server.URL)
	for _, set := range change {
		set(&cfg)
	}
	p, err := dtone.NewProvider(cfg, transport.New(transport.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	return p, h
}

func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	idr := func(value string) core.Money { return money(t, value, "IDR") }
	cases := map[string]struct {
		order core.PayRequest
		body  string
	}{
		"a fixed product": {
			core.PayRequest{Product: claro, Account: number, Amount: usd(t, "3.00")},
			`"product_id":6035,"auto_confirm":true,"credit_party_identifier":{"mobile_number":"+593991234567"}}`,
		},
		"a fixed product without an amount": {
			core.PayRequest{Product: claro, Account: number},
			`"product_id":6035,"auto_confirm":true,"credit_party_identifier":{"mobile_number":"+593991234567"}}`,
		},
		"a local number": {
			core.PayRequest{Product: "5001", Account: "081234567890", Amount: idr("50000")},
			`"product_id":5001,"auto_confirm":true,"credit_party_identifier":{"mobile_number":"+6281234567890"}}`,
		},
		"a ranged product by what arrives": {
			core.PayRequest{Product: "5002", Account: "081234567890", Amount: idr("25000.00")},
			`"product_id":5002,"auto_confirm":true,"calculation_mode":"DESTINATION_AMOUNT",` +
				`"destination":{"unit_type":"CURRENCY","unit":"IDR","amount":25000},"credit_party_identifier":{"mobile_number":"+6281234567890"}}`,
		},
		"a ranged product by what is paid": {
			core.PayRequest{Product: "5002", Account: "081234567890", Amount: usd(t, "5.50")},
			`"product_id":5002,"auto_confirm":true,"calculation_mode":"SOURCE_AMOUNT",` +
				`"source":{"unit_type":"CURRENCY","unit":"USD","amount":5.5},"credit_party_identifier":{"mobile_number":"+6281234567890"}}`,
		},
		"a voucher": {
			core.PayRequest{Product: "7001", Amount: idr("100000")},
			`"product_id":7001,"auto_confirm":true}`,
		},
		"a bill that the order names": {
			core.PayRequest{Product: "8001", Account: "530012345", Amount: idr("185500"), Extra: map[string]string{"statement.reference": "BILL-1"}},
			`"product_id":8001,"auto_confirm":true,"calculation_mode":"DESTINATION_AMOUNT","destination":{"unit_type":"CURRENCY","unit":"IDR","amount":185500},` +
				`"credit_party_identifier":{"account_number":"530012345"},"statement_identifier":{"reference":"BILL-1"}}`,
		},
		"the first alternative": {
			core.PayRequest{Product: "8002", Account: "99887766", Amount: idr("10000"), Extra: map[string]string{
				"account_qualifier": "BCA", "sender.lastname": "Adi", "sender.firstname": "Budi", "somebody_elses": "x",
			}},
			`"product_id":8002,"auto_confirm":true,"calculation_mode":"DESTINATION_AMOUNT","destination":{"unit_type":"CURRENCY","unit":"IDR","amount":10000},` +
				`"credit_party_identifier":{"account_number":"99887766","account_qualifier":"BCA"},"sender":{"firstname":"Budi","lastname":"Adi"}}`,
		},
		"the second alternative": {
			core.PayRequest{Product: "8002", Account: "+6281234567890", Amount: idr("10000"), Extra: map[string]string{"sender.lastname": "Adi", "sender.firstname": "Budi"}},
			`"product_id":8002,"auto_confirm":true,"calculation_mode":"DESTINATION_AMOUNT","destination":{"unit_type":"CURRENCY","unit":"IDR","amount":10000},` +
				`"credit_party_identifier":{"mobile_number":"+6281234567890"},"sender":{"firstname":"Budi","lastname":"Adi"}}`,
		},
		"a callback": {
			core.PayRequest{Product: claro, Account: number, CallbackURL: "https://gw.example/callbacks/dtone"},
			`"product_id":6035,"auto_confirm":true,"callback_url":"` + dtone.CallbackAddress("fake_apisecret", "https://gw.example/callbacks/dtone", ref) +
				`","credit_party_identifier":{"mobile_number":"+593991234567"}}`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, h := listening(t)
			tc.order.Ref = ref
			res, err := p.Pay(t.Context(), tc.order)
			if err == nil {
				d, _ := p.Describe(t.Context())
				res, err = core.CheckResult(d, tc.order, res)
			}
			if outcome(res, err) != core.Succeeded {
				t.Errorf("%+v, %v", res, err)
			}
			path, auth, said := h.sent()
			if path != "/v1/async/transactions" || auth != "Basic ZmFrZV9hcGlrZXk6ZmFrZV9hcGlzZWNyZXQ=" {
				t.Errorf("sent to %s with %s", path, auth)
			}
			if want := `{"external_id":"` + ref + `",` + tc.body; said != want {
				t.Errorf("sent\n%s, want\n%s", said, want)
			}
		})
	}
}

func TestBasicAuth(t *testing.T) {
	t.Parallel()
	for credentials, want := range map[[2]string]string{
		{"fake_apikey", "fake_apisecret"}: "Basic ZmFrZV9hcGlrZXk6ZmFrZV9hcGlzZWNyZXQ=",
		{"api_key", "api_secret"}:         "Basic YXBpX2tleTphcGlfc2VjcmV0",
	} {
		p, h := listening(t, func(cfg *dtone.Config) { cfg.Key, cfg.Secret = credentials[0], credentials[1] })
		_, _ = p.Pay(t.Context(), order(t)) // the product can't be asked for with other credentials; then nothing is sent
		if _, got, _ := h.sent(); got != "" && got != want || got == "" && credentials[0] == "fake_apikey" {
			t.Errorf("%s, want %s", got, want)
		}
		var auth string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			auth = r.Header.Get("Authorization")
			_, _ = io.WriteString(w, "[]")
		}))
		cfg := settings(server.URL)
		cfg.Key, cfg.Secret = credentials[0], credentials[1]
		asking, err := dtone.NewProvider(cfg, transport.New(transport.Config{}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := asking.Balances(t.Context()); err != nil || auth != want {
			t.Errorf("%s, %v, want %s", auth, err, want)
		}
		server.Close()
	}
}

// What the provider would refuse never reaches it.
func TestRefusedHere(t *testing.T) {
	t.Parallel()
	idr := func(value string) core.Money { return money(t, value, "IDR") }
	cases := map[string]struct {
		change func(*core.PayRequest)
		code   core.Code
	}{
		"another amount than the product's": {func(r *core.PayRequest) { r.Amount = usd(t, "5") }, core.CodeAmountInvalid},
		"another currency":                  {func(r *core.PayRequest) { r.Amount = idr("3") }, core.CodeAmountInvalid},
		"below the range":                   {func(r *core.PayRequest) { r.Product, r.Account, r.Amount = "5002", "0812345678", idr("4000") }, core.CodeAmountInvalid},
		"above the range":                   {func(r *core.PayRequest) { r.Product, r.Account, r.Amount = "5002", "0812345678", idr("2000000") }, core.CodeAmountInvalid},
		"between the steps":                 {func(r *core.PayRequest) { r.Product, r.Account, r.Amount = "5002", "0812345678", idr("5500") }, core.CodeAmountInvalid},
		"euros":                             {func(r *core.PayRequest) { r.Product, r.Amount = "5002", money(t, "5", "EUR") }, core.CodeAmountInvalid},
		"no amount for a range":             {func(r *core.PayRequest) { r.Product, r.Account, r.Amount = "5002", "0812345678", core.Money{} }, core.CodeAmountInvalid},
		"no phone number":                   {func(r *core.PayRequest) { r.Account = "me@example.com" }, core.CodeAccountInvalid},
		"no account":                        {func(r *core.PayRequest) { r.Account = "" }, core.CodeAccountInvalid},
		"an account for a voucher":          {func(r *core.PayRequest) { r.Product, r.Amount = "7001", core.Money{} }, core.CodeAccountInvalid},
		"no sender":                         {func(r *core.PayRequest) { r.Product, r.Account, r.Amount = "8002", "0812345678", idr("10000") }, core.CodeBadRequest},
		"no bill":                           {func(r *core.PayRequest) { r.Product, r.Account, r.Amount = "8001", "530012345", idr("10000") }, core.CodeBadRequest},
		"no reference":                      {func(r *core.PayRequest) { r.Ref = "" }, core.CodeBadRequest},
		"a reference of 41":                 {func(r *core.PayRequest) { r.Ref = strings.Repeat("A", 41) }, core.CodeBadRequest},
		"a reference of blanks":             {func(r *core.PayRequest) { r.Ref = " " }, core.CodeBadRequest},
		"a product by name":                 {func(r *core.PayRequest) { r.Product = "GOPAY" }, core.CodeProductUnknown},
		"a product that isn't sold":         {func(r *core.PayRequest) { r.Product = "1" }, core.CodeProductUnknown},
		"dearer than allowed":               {func(r *core.PayRequest) { r.MaxCost = usd(t, "3.59") }, core.CodePriceAboveLimit},
		"a quote of somebody else's":        {func(r *core.PayRequest) { r.Quote = "e30" }, core.CodeQuoteExpired},
		"a quote that is none":              {func(r *core.PayRequest) { r.Quote = "%" }, core.CodeQuoteExpired},
		"too late":                          {func(r *core.PayRequest) { r.SendBefore = 1 }, core.CodeTransportNotSent},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := playing(t, quick())
			req := order(t)
			tc.change(&req)
			res, err := r.Pay(t.Context(), req)
			want{core.NotSent, tc.code}.check(t, res, err)
			if strings.Contains(err.Error(), string(req.Account)) && req.Account != "" || r.paid.Load() != 0 {
				t.Errorf("%d were sent, %v", r.paid.Load(), err)
			}
		})
	}
}

func TestTheDearestAllowed(t *testing.T) {
	t.Parallel()
	r := playing(t, quick())
	req := order(t)
	req.MaxCost = usd(t, "3.6")
	res, err := r.pay(req)
	want{core.Succeeded, ""}.check(t, res, err)
}

// While the product can't be asked for, nothing is sent, and another provider may be tried.
func TestTheProductCantBeAskedFor(t *testing.T) {
	t.Parallel()
	for fault, code := range map[string]core.Code{
		"cut-after": core.CodeTransportNotSent, "502-html": core.CodeTransportNotSent, "error-1000401": core.CodeAuth,
		"error-1009503": core.CodeMaintenance, "error-1000429": core.CodeTransportNotSent, "no-id": core.CodeTransportNotSent, "wrong-amount": "", "empty-body": core.CodeTransportNotSent,
	} {
		r := playing(t, quick())
		r.fault(fault, "product")
		res, err := r.pay(order(t))
		if code == "" {
			want{core.Succeeded, ""}.check(t, res, err)
			continue
		}
		want{core.NotSent, code}.check(t, res, err)
		if r.paid.Load() != 0 {
			t.Errorf("%s: it was sent", fault)
		}
	}
}

// The product is remembered, so that the next order costs one call.
func TestTheProductIsRemembered(t *testing.T) {
	t.Parallel()
	r := playing(t, quick())
	if _, err := r.pay(order(t)); err != nil {
		t.Fatal(err)
	}
	r.fault("502-html", "product")
	again := order(t)
	again.Ref = "01JD3X8Q5W6E7R8T9YABCDEFGJ"
	res, err := r.pay(again)
	want{core.Succeeded, ""}.check(t, res, err)
	r.clock.advance(5 * time.Minute)
	again.Ref = "01JD3X8Q5W6E7R8T9YABCDEFGK"
	res, err = r.pay(again)
	want{core.NotSent, core.CodeTransportNotSent}.check(t, res, err)
}

// A range that is answered without its amount is not believed, however little the descriptor asks for.
func TestARangeNeedsItsAmount(t *testing.T) {
	t.Parallel()
	r := playing(t, quick())
	req := order(t)
	req.Product, req.Account, req.Amount = "5002", "+6281234567890", money(t, "25000", "IDR")
	r.fault("no-requested", "")
	res, err := r.pay(req)
	want{core.Unknown, core.CodeInternal}.check(t, res, err)
	res, err = r.ask(req, "")
	want{core.Succeeded, ""}.check(t, res, err)
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	p, _ := listening(t, func(cfg *dtone.Config) {
		cfg.Products["8002"] = dtone.ProductConfig{Account: "mobile_number", Extra: []string{"sender.lastname"}}
		cfg.Products["8003"] = dtone.ProductConfig{Account: "meter_number"}
	})
	d, err := p.Describe(t.Context())
	if err != nil || core.CheckDescriptor(d) != nil {
		t.Fatal(err)
	}
	if d.Ref != (core.RefSpec{Mode: core.RefRejectDuplicate, MaxLen: 40}) || d.StatusBy != core.ByInvoice|core.ByRef || d.Quarantine != 0 || d.CancelsQuotes {
		t.Errorf("%+v", d)
	}
	for product, account := range map[string]core.AccountNumber{"7001": "", "8001": "530012345", "8002": "081234567890", "8003": "A1-22", "5001": "081234567890"} {
		if err := core.CheckOrder(d, product, account, core.Money{}); err != nil {
			t.Errorf("%s: %v", product, err)
		}
	}
	if core.CheckOrder(d, "7001", "0812345678", core.Money{}) == nil || core.CheckExtra(d, "8002", nil) == nil {
		t.Error("an account for nobody, and an order without its extra field")
	}
	if strings.Contains(d.Instance, "fake") {
		t.Errorf("the instance %s", d.Instance)
	}
	if set := p.Set(); set.Quotes != nil || set.Balances == nil || set.Callbacks == nil {
		t.Errorf("%+v", set)
	}
}

func TestRequestsAreJSON(t *testing.T) {
	t.Parallel()
	p, h := listening(t)
	req := order(t)
	req.Product, req.Account, req.Amount = "8002", `A"1`, money(t, "10000", "IDR")
	req.Extra = map[string]string{"account_qualifier": "ü\n", "sender.lastname": "<b>", "sender.firstname": "B"}
	_, _ = p.Pay(t.Context(), req)
	_, _, said := h.sent()
	var read map[string]any
	if err := json.Unmarshal([]byte(said), &read); err != nil || read["credit_party_identifier"].(map[string]any)["account_number"] != `A"1` {
		t.Errorf("%s, %v", said, err)
	}
}
