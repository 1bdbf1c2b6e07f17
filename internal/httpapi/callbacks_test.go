package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/router"
	"github.com/jalurhq/jalur/internal/httpapi"
	"github.com/jalurhq/jalur/internal/httpapi/apitest"
	"github.com/jalurhq/jalur/internal/view"
)

// company is what a provider has beside Provider. It takes what is signed with "yes".
type company struct {
	mu       sync.Mutex
	requests []core.CallbackRequest
	answer   core.Callback
	err      error
	gone     []string
	broke    error // why it can't tell its balances
}

func (c *company) ReadCallback(_ context.Context, req core.CallbackRequest) (core.Callback, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, req)
	if signed := http.Header(req.Header).Get("X-Signature"); signed != "yes" && c.err == nil {
		return core.Callback{}, &core.Error{Op: "read_callback", Code: core.CodeAuth, Err: errors.New("signature " + signed)}
	}
	return c.answer, c.err
}

func (c *company) Balances(context.Context) ([]core.Balance, error) {
	return []core.Balance{{Available: core.IDR(5_000_000), Holding: core.IDR(102_000)}}, c.broke
}

func (c *company) CancelQuote(_ context.Context, token string) error {
	c.gone = append(c.gone, token)
	return nil
}

// beside runs a gateway whose provider has all of it.
func beside(t *testing.T, c *company, cfg apitest.Config) *apitest.Gateway {
	t.Helper()
	cfg.Beside = func(p *router.Provider) { p.Callbacks, p.Balances, p.Quotes = c, c, c }
	return apitest.Start(t, cfg)
}

func signed() header { return header{"X-Signature": "yes"} }

func TestACallbackReachesTheProvidersCodeAsItCame(t *testing.T) {
	t.Parallel()
	c := &company{answer: core.Callback{Status: 201, ContentType: "application/json", Body: []byte(`{"ok":true}`)}}
	g := beside(t, c, apitest.Config{Clients: httpapi.Clients{client("toko", "pay")}})
	for line, path := range map[string]string{
		"POST /callbacks/fake": "", "PUT /callbacks/fake/a/b?x=1&y=%20": "/a/b", "GET /callbacks/fake/": "/",
	} {
		c.requests = nil
		r := call(t, g, line, "raw \x00 body", signed())
		if r.status != 201 || r.text != `{"ok":true}` || r.header.Get("Content-Type") != "application/json" || r.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %v %s", line, r.status, r.header, r.text)
		}
		method, _, _ := strings.Cut(line, " ")
		_, query, _ := strings.Cut(line, "?")
		got := c.requests[0]
		if got.Method != method || got.Path != path || got.Query != query || string(got.Body) != "raw \x00 body" || got.Remote != "127.0.0.1" {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

func TestWhatACallbackIsAnswered(t *testing.T) {
	t.Parallel()
	failure := func(code core.Code) error {
		return &core.Error{Op: "read_callback", Code: code, Err: errors.New("hush")}
	}
	for name, c := range map[string]struct {
		company *company
		line    string
		headers header
		body    string
		status  int
		code    string // of the problem
	}{
		"nothing said":        {&company{}, "POST /callbacks/fake", signed(), "", 200, ""},
		"an odd status":       {&company{answer: core.Callback{Status: 100}}, "POST /callbacks/fake", signed(), "", 200, ""},
		"a larger one":        {&company{answer: core.Callback{Status: 600}}, "POST /callbacks/fake", signed(), "", 200, ""},
		"an answer too large": {&company{answer: core.Callback{Body: make([]byte, 64<<10+1)}}, "POST /callbacks/fake", signed(), "", 200, ""},
		"its own refusal":     {&company{answer: core.Callback{Status: 418}}, "POST /callbacks/fake", signed(), "", 418, ""},
		"forged":              {&company{}, "POST /callbacks/fake", nil, "", 401, "unauthorized"},
		"unreadable":          {&company{err: failure(core.CodeBadRequest)}, "POST /callbacks/fake", signed(), "", 422, "invalid_request"},
		"down":                {&company{err: failure(core.CodeTransportNotSent)}, "POST /callbacks/fake", signed(), "", 503, "provider_unavailable"},
		"another provider":    {&company{}, "POST /callbacks/mmbc", signed(), "", 404, "not_found"},
		"no provider":         {&company{}, "POST /callbacks/", signed(), "", 404, "not_found"},
		"another method":      {&company{}, "DELETE /callbacks/fake", signed(), "", 405, "method_not_allowed"},
		"too large":           {&company{}, "POST /callbacks/fake", signed(), strings.Repeat("x", 256<<10+1), 413, "body_too_large"},
		"just not too large":  {&company{}, "POST /callbacks/fake", signed(), strings.Repeat("x", 256<<10), 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := beside(t, c.company, apitest.Config{})
			r := call(t, g, c.line, c.body, c.headers)
			if c.code == "" && (r.status != c.status || r.text != "" || !strings.HasPrefix(r.header.Get("Content-Type"), "text/plain")) {
				t.Errorf("%d %v %s", r.status, r.header, r.text)
			}
			if c.code != "" {
				isProblem(t, r, c.status, c.code)
			}
			if strings.Contains(r.text, "hush") {
				t.Errorf("a stranger is told %s", r.text)
			}
		})
	}
}

// A provider calls by the public name, where nobody else may: nothing but callbacks is to be had there.
func TestACallbackComesUnderAnyName(t *testing.T) {
	t.Parallel()
	g := beside(t, &company{}, apitest.Config{})
	outside := header{"Host": "jalur.example", "Origin": "https://example.net", "X-Signature": "yes", "Idempotency-Key": "k"}
	for line, status := range map[string]int{
		"POST /callbacks/fake": 200, "POST /v1/payments": 403, "GET /v1/payments": 403,
		"POST /callbacks/../v1/payments": 404, "POST /callbacks/%2e%2e/v1/payments": 404, "GET /callbacks/fake/%2e%2e/%2e%2e/v1/payments": 200, // to its code
	} {
		if r := call(t, g, line, order, outside); r.status != status {
			t.Errorf("%s: %d %s", line, r.status, r.text)
		}
	}
	if page, err := g.Store.List(t.Context(), journal.Filter{AnyClient: true}); err != nil || len(page.Payments) > 0 {
		t.Errorf("%d payments, %v", len(page.Payments), err)
	}
}

func TestACallbackPromptsAQuestion(t *testing.T) {
	t.Parallel()
	asked := make(chan core.StatusRequest, 1)
	provider := &apitest.Provider{OnStatus: func(_ context.Context, r core.StatusRequest) (core.Result, error) {
		asked <- r
		return apitest.Answer(r.Original, core.Refunded), nil
	}}
	c := &company{}
	g := beside(t, c, apitest.Config{Provider: provider})
	p := into[view.Payment](t, pay(t, g, http.StatusCreated, order, key("k")))
	c.answer.Orders = []core.CallbackOrder{{Invoice: p.Invoice}, {Ref: "of nobody"}}
	if r := call(t, g, "POST /callbacks/fake", "", signed()); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.text)
	}
	<-asked
	if err := g.Service.Close(t.Context()); err != nil { // waits until the answer is written
		t.Fatal(err)
	}
	if p := into[view.Payment](t, call(t, g, "GET /v1/payments/"+string(p.ID), "", nil)); p.State != journal.StateRefunded {
		t.Errorf("it is %s", p.State)
	}
}

func TestCallbacksAreCountedByVerdict(t *testing.T) {
	t.Parallel()
	reader := metric.NewManualReader()
	c := &company{}
	g := beside(t, c, apitest.Config{Edit: func(cfg *httpapi.Config) { cfg.Meter = metric.NewMeterProvider(metric.WithReader(reader)) }})
	for line, headers := range map[string]header{"POST /callbacks/fake": signed(), "PUT /callbacks/fake": nil, "POST /callbacks/made-up": signed()} {
		call(t, g, line, "", headers)
	}
	var seen metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &seen); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, scope := range seen.ScopeMetrics {
		for _, m := range scope.Metrics {
			sum, ok := m.Data.(metricdata.Sum[int64])
			if !ok || m.Name != "jalur.callbacks" {
				continue
			}
			for _, point := range sum.DataPoints {
				provider, _ := point.Attributes.Value("provider")
				verdict, _ := point.Attributes.Value("verdict")
				counts[provider.AsString()+" "+verdict.AsString()] += point.Value
			}
		}
	}
	if want := map[string]int64{"fake taken": 1, "fake unverified": 1, " nobody": 1}; fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("%v, not %v", counts, want)
	}
}

func TestProvidersShowTheirBalances(t *testing.T) {
	t.Parallel()
	for name, broke := range map[string]error{"told": nil, "down": errors.New("no answer")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := beside(t, &company{broke: broke}, apitest.Config{})
			shown := into[view.Providers](t, call(t, g, "GET /v1/providers", "", nil)).Providers[0].Balances
			if shown == nil || shown.AskedAt.IsZero() || (shown.Problem == "") != (broke == nil) || broke == nil && !shown.Balances[0].Available.Equal(core.IDR(5_000_000)) {
				t.Errorf("%+v", shown)
			}
		})
	}
	r := call(t, apitest.Start(t, apitest.Config{}), "GET /v1/providers", "", nil)
	if shown := into[view.Providers](t, r).Providers[0].Balances; shown != nil {
		t.Errorf("one that tells none: %+v", shown)
	}
}

// reserve is an inquiry whose provider holds money for it.
func reserve(_ context.Context, r core.InquiryRequest) (core.Quote, error) {
	return core.Quote{Token: "T-" + r.Ref, Reserves: true, Product: r.Product, Account: r.Account, Amount: r.Amount, Cost: core.IDR(101_000)}, nil
}

func TestAnInquiryIsGivenUp(t *testing.T) {
	t.Parallel()
	c := &company{}
	g := beside(t, c, apitest.Config{Provider: &apitest.Provider{OnInquire: reserve}, Clients: httpapi.Clients{client("toko", "pay"), client("kios", "pay")}})
	made := into[view.Inquiry](t, call(t, g, "POST /v1/inquiries", order, as("toko")))
	path := "/v1/inquiries/" + made.ID
	if read := into[view.Inquiry](t, call(t, g, "GET "+path, "", as("toko"))); read.ID != made.ID || !read.Reserves || !made.Reserves {
		t.Errorf("%+v, %+v", made, read)
	}
	for _, line := range []string{"GET ", "DELETE "} {
		isProblem(t, call(t, g, line+path, "", as("kios")), 404, "not_found")
	}
	for range 2 {
		if r := call(t, g, "DELETE "+path, "", as("toko")); r.status != http.StatusOK || into[view.Inquiry](t, r).ID != made.ID {
			t.Errorf("%d %s", r.status, r.text)
		}
	}
	if len(c.gone) != 2 {
		t.Errorf("given up: %q", c.gone)
	}
}

func TestAnInquiryIsPaidOnceOverHTTP(t *testing.T) {
	t.Parallel()
	g := beside(t, &company{}, apitest.Config{Provider: &apitest.Provider{OnInquire: reserve}})
	made := into[view.Inquiry](t, call(t, g, "POST /v1/inquiries", order, nil))
	body := strings.Replace(order, "{", fmt.Sprintf(`{"inquiry":%q,`, made.ID), 1)
	pay(t, g, http.StatusCreated, body, key("first"))
	p := isProblem(t, call(t, g, "POST /v1/payments", body, key("second")), 422, "inquiry_used")
	if p.Outcome != "not_sent" || p.Field != "inquiry" {
		t.Errorf("%+v", p)
	}
	pay(t, g, http.StatusOK, body, key("first"))
	isProblem(t, call(t, g, "DELETE /v1/inquiries/"+made.ID, "", nil), 409, "state_conflict")
}

func TestOrdersWithoutAnAccountAndWithFurtherFields(t *testing.T) {
	t.Parallel()
	voucher := &apitest.Provider{Edit: func(d *core.Descriptor) {
		d.Merchants = []core.MerchantSpec{{Merchant: apitest.Merchant, Account: core.AccountSpec{
			Kind: core.NoAccount, Extra: []core.FieldSpec{{Name: "email", Pattern: ".+@.+"}},
		}}}
	}}
	g := apitest.Start(t, apitest.Config{Provider: voucher})
	const bare, full = `{"merchant":"GOPAY","amount":100000}`, `{"merchant":"GOPAY","amount":100000,"account":"","extra":{"email":"a@b"}}`
	if p := isProblem(t, call(t, g, "POST /v1/payments", bare, key("k")), 422, "invalid_request"); p.Field != "extra.email" {
		t.Errorf("%+v", p)
	}
	isProblem(t, call(t, g, "POST /v1/inquiries", bare, nil), 422, "invalid_request")
	isProblem(t, call(t, g, "POST /v1/payments", order, key("k")), 422, "account_invalid")
	first := into[view.Payment](t, pay(t, g, http.StatusCreated, full, key("k")))
	leftOut := strings.Replace(full, `"account":"",`, "", 1)
	if again := into[view.Payment](t, pay(t, g, http.StatusOK, leftOut, key("k"))); first.Account != "" || again.ID != first.ID {
		t.Errorf("%+v, %+v", first, again)
	}
	shown := into[view.Providers](t, call(t, g, "GET /v1/providers", "", nil)).Providers[0].Capabilities.Merchants[0]
	if shown.Account != "none" || len(shown.Extra) != 1 || shown.Extra[0].Name != "email" {
		t.Errorf("%+v", shown)
	}
}
