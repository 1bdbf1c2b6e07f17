package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/router"
	"github.com/jalurhq/jalur/internal/httpapi"
	"github.com/jalurhq/jalur/internal/httpapi/apitest"
	"github.com/jalurhq/jalur/internal/view"
)

func bodyOf(text string) (io.ReadCloser, int64) {
	return io.NopCloser(bytes.NewBufferString(text)), int64(len(text))
}

func keysOf(page view.Payments) []string {
	keys := []string{}
	for _, p := range page.Payments {
		keys = append(keys, string(p.Key))
	}
	return keys
}

func TestListing(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{Provider: &apitest.Provider{
		OnPay: func(_ context.Context, r core.PayRequest) (core.Result, error) {
			if r.Account == "081234567891" {
				return apitest.Answer(r, core.Pending), nil
			}
			return apitest.Answer(r, core.Succeeded), nil
		},
	}})
	for i := range 5 {
		body := fmt.Sprintf(`{"merchant":"GOPAY","account":"08123456789%d","amount":100000}`, i%2)
		if r := call(t, g, "POST /v1/payments", body, key(strconv.Itoa(i))); r.status > http.StatusAccepted {
			t.Fatal(r.text)
		}
	}
	later := time.Now().UTC().Add(time.Hour).Format(time.RFC3339)
	for query, want := range map[string][]string{
		"":                                  {"4", "3", "2", "1", "0"},
		"key=3":                             {"3"},
		"key=none":                          {},
		"state=pending":                     {"3", "1"},
		"state=succeeded":                   {"4", "2", "0"},
		"state=unknown":                     {},
		"account=081234567891":              {"3", "1"},
		"since=1h":                          {"4", "3", "2", "1", "0"},
		"since=2020-01-01T00:00:00Z":        {"4", "3", "2", "1", "0"},
		"since=" + later:                    {},
		"limit=2":                           {"4", "3"},
		"state=pending&limit=500":           {"3", "1"},
		"account=081234567890&key=2":        {"2"},
		"account=081234567890&key=3":        {},
		"since=2020-01-01T07:00:00%2B07:00": {"4", "3", "2", "1", "0"},
	} {
		r := call(t, g, "GET /v1/payments?"+query, "", nil)
		if got := keysOf(into[view.Payments](t, r)); r.status != http.StatusOK || !slices.Equal(got, want) {
			t.Errorf("%s: %d %v, not %v", query, r.status, got, want)
		}
	}
	first := into[view.Payments](t, call(t, g, "GET /v1/payments?limit=3", "", nil))
	second := into[view.Payments](t, call(t, g, "GET /v1/payments?limit=3&cursor="+first.Next, "", nil))
	if got := keysOf(second); !slices.Equal(got, []string{"1", "0"}) || second.Next != "" || first.Next == "" {
		t.Errorf("second page %v, next %q", got, second.Next)
	}
	if r := call(t, g, "GET /v1/payments?key=none", "", nil); !strings.Contains(r.text, `"payments":[]`) {
		t.Error(r.text)
	}
}

func TestParametersThatAreWrong(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{})
	for line, field := range map[string]string{
		"GET /v1/payments?state=done":          "state",
		"GET /v1/payments?state=PENDING":       "state",
		"GET /v1/payments?since=yesterday":     "since",
		"GET /v1/payments?since=-1h":           "since",
		"GET /v1/payments?limit=0":             "limit",
		"GET /v1/payments?limit=501":           "limit",
		"GET /v1/payments?limit=x":             "limit",
		"GET /v1/payments?cursor=x":            "cursor",
		"GET /v1/payments?acount=081234567890": "acount",
		"GET /v1/payments/x?ask=perhaps":       "ask",
		"GET /v1/routes/explain":               "merchant",
	} {
		p := isProblem(t, call(t, g, line, "", nil), 422, "invalid_request")
		if p.Field != field || p.Outcome != "" || strings.Contains(p.Detail, account) {
			t.Errorf("%s: %+v", line, p)
		}
	}
	isProblem(t, call(t, g, "GET /v1/routes/explain?merchant=GOPAY&amount=1e5", "", nil), 422, "amount_invalid")
	isProblem(t, call(t, g, "GET /v1/routes/explain?merchant=OVO", "", nil), 422, "no_route")
}

func TestReadingOne(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{})
	p := into[view.Payment](t, pay(t, g, http.StatusCreated, order, key("k")))
	r := call(t, g, "GET /v1/payments/"+string(p.ID), "", nil)
	if got := into[view.Payment](t, r); r.status != http.StatusOK || got.ID != p.ID || got.Account != account {
		t.Errorf("%d %s", r.status, r.text)
	}
	isProblem(t, call(t, g, "GET /v1/payments/none", "", nil), 404, "not_found")
}

func TestAskingIsOnlyDoneOnRequest(t *testing.T) {
	t.Parallel()
	provider := answering(core.Pending)
	provider.OnStatus = func(_ context.Context, r core.StatusRequest) (core.Result, error) {
		return apitest.Answer(r.Original, core.Succeeded), nil
	}
	g := apitest.Start(t, apitest.Config{Provider: provider})
	path := "GET /v1/payments/" + string(into[view.Payment](t, pay(t, g, http.StatusAccepted, order, key("k"))).ID)
	if p := into[view.Payment](t, call(t, g, path, "", nil)); p.State != journal.StatePending {
		t.Errorf("unasked: %s", p.State)
	}
	if p := into[view.Payment](t, call(t, g, path+"?ask=true", "", nil)); p.State != journal.StateSucceeded {
		t.Errorf("asked: %s", p.State)
	}
}

func TestResolving(t *testing.T) {
	t.Parallel()
	provider := answering(core.Unknown)
	provider.OnStatus = func(_ context.Context, r core.StatusRequest) (core.Result, error) {
		answer := apitest.Answer(r.Original, core.Succeeded)
		answer.Invoice = r.Invoice
		if r.Invoice == "OTHERS" {
			answer.Account = "089999999999"
			return core.Result{}, &core.Error{Op: "status", Outcome: core.Unknown, Code: core.CodeInternal, Err: core.ErrContradiction}
		}
		return answer, nil
	}
	g := apitest.Start(t, apitest.Config{Provider: provider})
	resolve := func(k, body string) reply {
		p := into[view.Payments](t, call(t, g, "GET /v1/payments?key="+k, "", nil)).Payments[0]
		return call(t, g, "POST /v1/payments/"+string(p.ID)+"/resolve", body, nil)
	}
	for _, k := range []string{"a", "b", "c"} {
		pay(t, g, http.StatusAccepted, order, key(k))
	}
	isProblem(t, resolve("a", `{"invoice":"OTHERS"}`), 422, "invoice_not_confirmed")
	if p := into[view.Payment](t, resolve("a", `{"invoice":"R1"}`)); p.State != journal.StateSucceeded || p.Invoice != "R1" {
		t.Errorf("%+v", p)
	}
	isProblem(t, resolve("b", `{"invoice":"R1"}`), 422, "invoice_taken")
	isProblem(t, resolve("b", `{"not_executed":true}`), 422, "invalid_request")
	isProblem(t, resolve("b", `{}`), 422, "invalid_request")
	isProblem(t, resolve("b", `{"not_executed":"yes"}`), 422, "invalid_request")
	if p := into[view.Payment](t, resolve("b", `{"not_executed":true,"reason":"not in the report"}`)); p.State != journal.StateFailed {
		t.Errorf("%+v", p)
	}
	isProblem(t, resolve("b", `{"not_executed":true,"reason":"not in the report"}`), 409, "state_conflict")
	isProblem(t, call(t, g, "POST /v1/payments/none/resolve", `{"invoice":"R1"}`, nil), 404, "not_found")
}

func TestProducts(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{})
	r := call(t, g, "GET /v1/products?merchant=GOPAY", "", nil)
	const want = `{"products":[{"provider":"fake","merchant":"GOPAY","code":"GOPAY","name":"GoPay","min":{"value":"50000","currency":"IDR"},` +
		`"max":null,"fee":{"value":"1000","currency":"IDR"},"cashback":null,"available":true}],"missing":{}}`
	if r.status != http.StatusOK || strings.TrimSpace(r.text) != want {
		t.Errorf("%d\n%s\n%s", r.status, r.text, want)
	}
	for _, p := range into[view.Products](t, call(t, g, "GET /v1/products", "", nil)).Products {
		if known := p.Fee.Known(); known != (p.Code == "GOPAY") {
			t.Errorf("%s: fee %s", p.Code, p.Fee)
		}
	}
	if r := call(t, g, "GET /v1/products?merchant=OVO", "", nil); !strings.Contains(r.text, `"products":[]`) {
		t.Error(r.text)
	}
}

func TestProvidersAndRoutes(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{})
	all := into[view.Providers](t, call(t, g, "GET /v1/providers", "", nil)).Providers
	if len(all) != 1 || all[0].Health.State != "ready" || all[0].Breaker["pay"] != "closed" || all[0].Capabilities.StatusBy[0] != "invoice" {
		t.Errorf("%+v", all)
	}
	route := into[view.RouteExplanation](t, call(t, g, "GET /v1/routes/explain?merchant=GOPAY&amount=100000", "", nil))
	if len(route.Candidates) != 1 || !route.Candidates[0].In || route.Candidates[0].Reason == "" {
		t.Errorf("%+v", route)
	}
	route = into[view.RouteExplanation](t, call(t, g, "GET /v1/routes/explain?merchant=GOPAY&amount=1", "", nil))
	if c := route.Candidates[0]; c.In || c.Code != core.CodeAmountInvalid || !strings.Contains(c.Reason, "50000 IDR") {
		t.Errorf("%+v", route)
	}
}

func TestInquiryRefusals(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{Provider: &apitest.Provider{
		OnInquire: func(_ context.Context, r core.InquiryRequest) (core.Quote, error) {
			if r.Account == "081234567891" {
				return core.Quote{}, &core.Error{Op: "inquire", Outcome: core.Declined, Code: core.CodeDeclined}
			}
			return core.Quote{}, &core.Error{Op: "inquire", Outcome: core.Unknown, Code: core.CodeUpstreamTimeout}
		},
	}})
	isProblem(t, call(t, g, "POST /v1/inquiries", order, nil), 503, "provider_unavailable")
	isProblem(t, call(t, g, "POST /v1/inquiries", strings.Replace(order, "890", "891", 1), nil), 422, "provider_refused")
	isProblem(t, call(t, g, "POST /v1/inquiries", strings.Replace(order, "100000", "1", 1), nil), 422, "amount_invalid")
	isProblem(t, call(t, g, "POST /v1/inquiries", `{"merchant":"GOPAY","account":"081234567890","inquiry":"x"}`, nil), 422, "invalid_request")
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config apitest.Config
		status int
		says   string
	}{
		"ready":       {status: http.StatusOK, says: `"ready":true`},
		"starting":    {config: apitest.Config{Provider: &apitest.Provider{Health: router.Health{State: "starting", Problem: "starting"}}}, status: 503, says: `"fake":{"state":"starting"`},
		"backing off": {config: apitest.Config{Provider: &apitest.Provider{Health: router.Health{State: "backoff", Problem: "died"}}}, status: 200, says: `"problem":"died"`},
		"other": {
			config: apitest.Config{Edit: func(c *httpapi.Config) {
				c.Ready = func(context.Context) error { return errors.New("no disk space") }
			}},
			status: 503, says: `"other":"no disk space"`,
		},
		"journal": {
			config: apitest.Config{Wrap: func(s journal.Store) journal.Store { return deaf{s} }},
			status: 503, says: `"journal":"journal: the disk is full"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := apitest.Start(t, c.config)
			if r := call(t, g, "GET /readyz", "", nil); r.status != c.status || !strings.Contains(r.text, c.says) {
				t.Errorf("%d %s", r.status, r.text)
			}
			if r := call(t, g, "GET /healthz", "", nil); r.status != http.StatusOK {
				t.Errorf("healthz: %d", r.status)
			}
		})
	}
}

// deaf is a journal that can't be written.
type deaf struct{ journal.Store }

func (deaf) Ping(context.Context) error { return errors.New("the disk is full") }

func TestCases(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{Provider: answering(core.Unknown)})
	p := into[view.Payment](t, pay(t, g, http.StatusAccepted, order, key("a")))
	list := func(query string) []view.Case {
		t.Helper()
		r := call(t, g, "GET /v1/cases"+query, "", nil)
		if r.status != http.StatusOK || strings.Contains(r.text, account) {
			t.Fatalf("%d %s", r.status, r.text)
		}
		return into[view.Cases](t, r).Cases
	}
	parked := list("?payment=" + string(p.ID))
	for deadline := time.Now().Add(30 * time.Second); len(parked) == 0 && time.Now().Before(deadline); { // the reconciler parks it
		parked = list("?payment=" + string(p.ID))
	}
	if len(parked) != 1 || parked[0].Kind != journal.CaseParked || parked[0].ClosedAt != nil || parked[0].Payment != p.ID || parked[0].Why == "" {
		t.Fatalf("%+v", parked)
	}
	closing := "POST /v1/cases/" + parked[0].ID + "/close"
	isProblem(t, call(t, g, closing, `{"resolution":"looked"}`, nil), 409, "state_conflict")
	isProblem(t, call(t, g, closing, `{"resolution":" "}`, nil), 422, "invalid_request")
	isProblem(t, call(t, g, closing, `{}`, nil), 422, "invalid_request")
	isProblem(t, call(t, g, closing, `{"why":"x"}`, nil), 422, "invalid_request")
	isProblem(t, call(t, g, "POST /v1/cases/999/close", `{"resolution":"looked"}`, nil), 404, "not_found")
	isProblem(t, call(t, g, "GET /v1/cases?cursor=x", "", nil), 422, "invalid_request")
	isProblem(t, call(t, g, "GET /v1/cases?state=open", "", nil), 422, "invalid_request")

	resolved := call(t, g, "POST /v1/payments/"+string(p.ID)+"/resolve", `{"not_executed":true,"reason":"not in the report"}`, nil)
	if got := into[view.Payment](t, resolved); got.State != journal.StateFailed {
		t.Fatalf("%d %s", resolved.status, resolved.text)
	}
	recorded, err := g.Store.Payment(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	a := recorded.Last()
	err = g.Store.Apply(t.Context(), journal.Change{
		From: a.State, FromFence: a.Fence, Attempt: a, Cause: journal.Cause{Actor: "test"},
		Case: journal.Contradiction(a, core.Result{Outcome: core.Succeeded, Invoice: "I1"}, time.Now()),
	})
	if err != nil {
		t.Fatal(err)
	}
	open := list("")
	if len(open) != 1 || open[0].Kind != journal.CaseContradiction || !strings.Contains(string(open[0].Evidence), `"I1"`) {
		t.Fatalf("%+v", open)
	}
	closing = "POST /v1/cases/" + open[0].ID + "/close"
	if r := call(t, g, closing, `{"resolution":"the provider has paid it back"}`, nil); r.status != http.StatusOK || into[view.Closed](t, r).ID != open[0].ID {
		t.Errorf("%d %s", r.status, r.text)
	}
	isProblem(t, call(t, g, closing, `{"resolution":"again"}`, nil), 409, "state_conflict")
	all := list("?open=false&limit=5")
	if len(list("")) != 0 || len(all) != 2 || all[0].Resolution != "the provider has paid it back" || all[0].ClosedBy == "" || all[1].ClosedAt == nil {
		t.Errorf("%+v", all)
	}
}
