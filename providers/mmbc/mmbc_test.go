package mmbc_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
	"github.com/jalurhq/jalur/providers/mmbc"
)

func order() core.PayRequest {
	return core.PayRequest{
		Ref: "01J0000000000000000000000A", Merchant: "GOPAY", Product: "GOPAY", Account: "0812345678", Amount: core.IDR(100000),
	}
}

func inquiry() core.InquiryRequest {
	return core.InquiryRequest{Merchant: "GOPAY", Product: "GOPAY", Account: "0812345678", Amount: core.IDR(100000)}
}

func question() core.StatusRequest {
	return core.StatusRequest{Invoice: "123456789", Original: order()}
}

func recorded(t testing.TB, file string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// upstream is a provider that always gives one answer, and counts.
type upstream struct {
	*httptest.Server

	calls atomic.Int32
}

func answering(t *testing.T, answer http.HandlerFunc) *upstream {
	t.Helper()
	up := &upstream{}
	up.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		up.calls.Add(1)
		answer(w, r)
	}))
	t.Cleanup(up.Close)
	return up
}

func replaying(t *testing.T, file string) *upstream {
	t.Helper()
	body := recorded(t, file)
	return answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
}

func config(baseURL string) mmbc.Config {
	return mmbc.Config{BaseURL: baseURL, Username: "toko", Password: "geheim"}
}

func provider(t *testing.T, cfg mmbc.Config) *mmbc.Provider {
	t.Helper()
	p, err := mmbc.NewProvider(cfg, transport.New(transport.Config{MaxBody: 10_000}))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// want is what a reply must lead to. For an answer outcome stands with code, for none the error's.
type want struct {
	outcome core.Outcome
	code    core.Code
	invoice core.Invoice
	ref     string
	details map[string]string // these at least
}

func (w want) check(t *testing.T, res core.Result, err error) {
	t.Helper()
	outcome, code := res.Outcome, res.Code
	if err != nil {
		outcome, code = core.OutcomeOf(err), core.CodeOf(err)
		if res.Outcome != core.Unknown {
			t.Errorf("beside the error the Result says %s", res.Outcome)
		}
	}
	if outcome != w.outcome || code != w.code {
		t.Errorf("got %s/%s (%v), want %s/%s", outcome, code, err, w.outcome, w.code)
	}
	if res.Invoice != w.invoice || res.Reference != w.ref {
		t.Errorf("got invoice %q and reference %q, want %q and %q", res.Invoice, res.Reference, w.invoice, w.ref)
	}
	for key, value := range w.details {
		if res.Details[key] != value {
			t.Errorf("details %q is %q, want %q (all: %v)", key, res.Details[key], value, res.Details)
		}
	}
}

const (
	sampleInvoice   = "123456789"
	sampleReference = "101837139231331"
)

func TestPay(t *testing.T) {
	t.Parallel()
	done := want{outcome: core.Succeeded, invoice: sampleInvoice, ref: sampleReference}
	unreadable := want{code: core.CodeTransportAfterSend}
	cases := map[string]want{
		"reload_underscore.json":    done,
		"reload_space.json":         done,
		"reload_odd.json":           done,
		"reload_other_account.json": done, // core.CheckResult sees that it's another order
		"reload_no_echo.json":       done, // and here that there is nothing to compare
		"reload_no_reference.json":  {outcome: core.Pending, invoice: sampleInvoice},
		"reload_refund.json":        {outcome: core.Refunded, code: core.CodeRefunded, invoice: sampleInvoice},
		"reload_other_status.json":  {outcome: core.Pending, invoice: sampleInvoice, ref: sampleReference, details: map[string]string{"status": "PROSES"}},
		"reload_no_status.json":     {outcome: core.Pending, invoice: sampleInvoice, ref: sampleReference},
		"reload_no_invoice.json":    {code: core.CodeInternal, ref: sampleReference},
		"reload_conflict.json":      {code: core.CodeInternal, invoice: sampleInvoice, ref: sampleReference},
		"reload_duplicate_invoice.json": {
			code: core.CodeInternal, ref: sampleReference, details: map[string]string{"invoice conflict": "123456789 | 987654321"},
		},
		"refused.json":                {outcome: core.Declined, code: core.CodeAuth},
		"refused_saldo.json":          {outcome: core.Declined, code: core.CodeDepositEmpty},
		"refused_unheard_of.json":     {outcome: core.Declined, code: core.CodeDeclined},
		"refused_without_reason.json": {code: core.CodeInternal},
		"refused_null_reason.json":    {code: core.CodeInternal},
		"refused_confirmed.json":      {code: core.CodeInternal, invoice: sampleInvoice},
		"refused_nested.json":         {code: core.CodeInternal},
		"refused_running.json":        {code: core.CodeInternal},
		"refused_array.json":          {code: core.CodeInternal},
		"result_other.json":           {code: core.CodeInternal, invoice: sampleInvoice},
		"result_missing.json":         {code: core.CodeInternal, invoice: sampleInvoice, ref: sampleReference},
		"trailing.txt":                unreadable,
		"truncated.txt":               unreadable,
		"page.html":                   unreadable,
	}
	for file, want := range cases {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			up := replaying(t, file)
			res, err := provider(t, config(up.URL)).Pay(t.Context(), order())
			want.check(t, res, err)
			if n := up.calls.Load(); n != 1 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// The page's own figures, in every spelling, arrive in every field.
func TestPayFields(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"reload_underscore.json", "reload_space.json", "reload_odd.json"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			res, err := provider(t, config(replaying(t, file).URL)).Pay(t.Context(), order())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := core.CheckResult(descriptor(t), order(), res); err != nil {
				t.Errorf("core doesn't believe it: %v", err)
			}
			if res.ReceiverName != "GOPAY MMBC TOUR TRAVEL" || !res.Cost.Equal(core.IDR(102000)) || !res.Cashback.Equal(core.IDR(1500)) {
				t.Errorf("got %q, cost %s, cashback %s", res.ReceiverName, res.Cost, res.Cashback)
			}
			if at := time.Date(2017, 12, 31, 17, 1, 10, 0, time.UTC); !res.ProviderTime.Equal(at) {
				t.Errorf("provider time %s, want %s", res.ProviderTime, at)
			}
			if !strings.HasPrefix(res.Details["duration"], "20") {
				t.Errorf("details %v", res.Details)
			}
		})
	}
}

func TestPayKeepsTheProvidersSpelling(t *testing.T) {
	t.Parallel()
	res, err := provider(t, config(replaying(t, "reload_odd.json").URL)).Pay(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	if res.Details["merchant_code"] != "gopay" || res.Details["receiver_accountnumber"] != "+62 812-345-678" {
		t.Errorf("details %v", res.Details)
	}
}

func TestReasonsAreClean(t *testing.T) {
	t.Parallel()
	res, err := provider(t, config(replaying(t, "refused_unheard_of.json").URL)).Pay(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	if res.Reason != "Gangguan untuk *** dan ***, 08*******890" {
		t.Errorf("reason %q", res.Reason)
	}
}

func descriptor(t testing.TB) core.Descriptor {
	t.Helper()
	set, err := mmbc.New(json.RawMessage(`{"base_url":"http://127.0.0.1:1","username":"toko","password":"geheim"}`))
	if err != nil {
		t.Fatal(err)
	}
	d, err := set.Provider.Describe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestStatus(t *testing.T) {
	t.Parallel()
	done := want{outcome: core.Succeeded, invoice: sampleInvoice, ref: sampleReference}
	cases := map[string]want{
		"status_underscore.json":      done,
		"status_space.json":           done,
		"status_pending.json":         {outcome: core.Pending, invoice: sampleInvoice},
		"status_refund.json":          {outcome: core.Refunded, code: core.CodeRefunded, invoice: sampleInvoice, ref: sampleReference},
		"status_other_invoice.json":   {code: core.CodeInternal, ref: sampleReference, details: map[string]string{"returned_invoice": "987654321"}},
		"status_not_found.json":       {code: core.CodeNotFound},
		"refused.json":                {code: core.CodeAuth},
		"refused_unheard_of.json":     {code: core.CodeDeclined},
		"refused_without_reason.json": {code: core.CodeInternal},
		"result_other.json":           {code: core.CodeInternal, invoice: sampleInvoice},
		"reload_no_invoice.json":      {code: core.CodeInternal, ref: sampleReference},
		"truncated.txt":               {code: core.CodeTransportAfterSend},
		"page.html":                   {code: core.CodeTransportAfterSend},
	}
	for file, want := range cases {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			res, err := provider(t, config(replaying(t, file).URL)).Status(t.Context(), question())
			want.check(t, res, err)
			wantNoSecret(t, err)
		})
	}
}

func TestStatusWantsAnInvoice(t *testing.T) {
	t.Parallel()
	up := replaying(t, "status_underscore.json")
	_, err := provider(t, config(up.URL)).Status(t.Context(), core.StatusRequest{Original: order()})
	if core.OutcomeOf(err) != core.Unknown || core.CodeOf(err) != core.CodeBadRequest || up.calls.Load() != 0 {
		t.Fatalf("got %v after %d calls", err, up.calls.Load())
	}
}

func TestInquire(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"inquiry_underscore.json", "inquiry_space.json"} {
		quote, err := provider(t, config(replaying(t, file).URL)).Inquire(t.Context(), inquiry())
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		right := quote.Product == "GOPAY" && quote.Account == "0812345678" && quote.ReceiverName == "GOPAY MMBC TOUR TRAVEL" &&
			quote.Amount.Equal(core.IDR(100000)) && quote.Cost.Equal(core.IDR(102000)) && quote.Cashback.Equal(core.IDR(1500))
		if !right {
			t.Errorf("%s: got %+v", file, quote)
		}
	}
}

func TestInquireRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]want{
		"refused.json":                {outcome: core.Declined, code: core.CodeAuth},
		"refused_unheard_of.json":     {outcome: core.Declined, code: core.CodeDeclined},
		"refused_without_reason.json": {code: core.CodeInternal},
		"inquiry_other_account.json":  {code: core.CodeInternal},
		"reload_conflict.json":        {code: core.CodeInternal},
		"result_other.json":           {code: core.CodeInternal},
		"page.html":                   {code: core.CodeTransportAfterSend},
	}
	for file, want := range cases {
		_, err := provider(t, config(replaying(t, file).URL)).Inquire(t.Context(), inquiry())
		var e *core.Error
		if !errors.As(err, &e) || e.Outcome != want.outcome || e.Code != want.code || e.Op != "inquire" {
			t.Errorf("%s: got %v, want %s/%s", file, err, want.outcome, want.code)
		}
		wantNoSecret(t, err)
	}
}

func wantNoSecret(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, secret := range []string{"toko", "geheim", "0812345678", "081234567890"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows %q: %v", secret, err)
		}
	}
}

func TestListProducts(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"list_underscore.json", "list_space.json"} {
		page, err := provider(t, config(replaying(t, file).URL)).ListProducts(t.Context(), core.ProductFilter{})
		if err != nil || len(page.Products) != 3 || page.Next != "" {
			t.Fatalf("%s: got %+v, %v", file, page, err)
		}
		gopay := page.Products[0]
		cost, known := gopay.Fee.Cost(core.IDR(100000))
		if gopay.Code != "GOPAY" || !known || !cost.Equal(core.IDR(102000)) || !gopay.Cashback.Equal(core.IDR(1500)) || !gopay.Available {
			t.Errorf("%s: got %+v", file, gopay)
		}
	}
}

func TestListProductsOdd(t *testing.T) {
	t.Parallel()
	p := provider(t, config(replaying(t, "list_wrapped_odd.json").URL))
	page, err := p.ListProducts(t.Context(), core.ProductFilter{})
	if err != nil || len(page.Products) != 3 {
		t.Fatalf("got %+v, %v", page, err)
	}
	costs := map[string]core.Money{}
	for _, product := range page.Products {
		costs[product.Code], _ = product.Fee.Cost(core.IDR(100000))
	}
	expected := map[string]core.Money{"KARTU EMONEY": core.IDR(99500), "BRIZZI": core.IDR(52500), "OVO": {}}
	if !maps.EqualFunc(costs, expected, core.Money.Equal) {
		t.Errorf("costs %v, want %v", costs, expected)
	}
	page, err = p.ListProducts(t.Context(), core.ProductFilter{Product: "kartu_emoney"})
	if err != nil || len(page.Products) != 1 {
		t.Errorf("filtered: got %+v, %v", page, err)
	}
}

func TestListProductsRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]core.Code{
		"refused.json": core.CodeAuth, "refused_without_reason.json": core.CodeInternal, "result_missing.json": core.CodeInternal,
		"page.html": core.CodeTransportAfterSend, "truncated.txt": core.CodeTransportAfterSend,
	}
	for file, code := range cases {
		_, err := provider(t, config(replaying(t, file).URL)).ListProducts(t.Context(), core.ProductFilter{})
		if core.CodeOf(err) != code {
			t.Errorf("%s: got %v, want %s", file, err, code)
		}
	}
	page, err := provider(t, config(replaying(t, "list_empty.json").URL)).ListProducts(t.Context(), core.ProductFilter{})
	if err != nil || len(page.Products) != 0 {
		t.Errorf("empty: got %+v, %v", page, err)
	}
}

// saying is a provider that gives one answer to every call.
func saying(t *testing.T, status int, body string) *upstream {
	t.Helper()
	return answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func TestARefusalIsBelievedOnlyIfItSaysNothingElse(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]core.Outcome{
		`{"result":"no","reason":"Gagal"}`:                                        core.Declined,
		`{"result":"no","reason":"Gagal","debet":"0","cashback":0,"invoice":"-"}`: core.Declined,
		`{"result":"no","reason":"Gagal","date":"2018-01-01 00:01:10"}`:           core.Declined,
		`{"result":"no","reason":""}`:                                             core.Unknown,
		`{"result":"no","reason":"-"}`:                                            core.Unknown,
		`{"result":"no","reason":null}`:                                           core.Unknown,
		`{"result":"no","reason":"Gagal","debet":"102000"}`:                       core.Unknown,
		`{"result":"no","reason":"Gagal","cashback":"1500"}`:                      core.Unknown,
		`{"result":"no","reason":"Gagal","invoice":123456789.0}`:                  core.Unknown,
		`{"result":"no","reason":"Gagal","invoice":1.2e8}`:                        core.Unknown,
		`{"result":"no","reason":"Gagal","status":"REFUND"}`:                      core.Unknown,
		`{"result":"no","reason":"Gagal","reference":"1018"}`:                     core.Unknown,
	} {
		res, err := provider(t, config(saying(t, http.StatusOK, body).URL)).Pay(t.Context(), order())
		if res.Outcome != want || (err != nil) != (want == core.Unknown) {
			t.Errorf("%s: %s, %v; want %s", body, res.Outcome, err, want)
		}
	}
}

func TestASuccessIsBelievedOnlyWithoutARefusalInIt(t *testing.T) {
	t.Parallel()
	const told = `{"result":"ok","invoice":"123456789","merchant_code":"GOPAY","receiver_accountnumber":"0812345678","amount":"100000","status":"CONFIRM",`
	for rest, want := range map[string]core.Outcome{
		`"reference":"1018"}`:                                         core.Succeeded,
		`"reference":"1018","reason":"Transaksi sukses"}`:             core.Succeeded,
		`"reference":"1018","extra":{"note":["a"]}}`:                  core.Succeeded,
		`"reference":"1018","reason":"Saldo tidak cukup"}`:            core.Unknown,
		`"reference":"1018","data":{"result":"no","reason":"gagal"}}`: core.Unknown,
		`"reference":"1018","data":[{"inner":{"STATUS":"REFUND"}}]}`:  core.Unknown,
		`"reference":"PENDING"}`:                                      core.Pending,
		`"reference":"menunggu"}`:                                     core.Pending,
		`"reference":null}`:                                           core.Pending,
		`"reference":"1018","invoice":"987654321"}`:                   core.Unknown,
		`"reference":"1018"} trailing`:                                core.Unknown,
	} {
		res, err := provider(t, config(saying(t, http.StatusOK, told+rest).URL)).Pay(t.Context(), order())
		if res.Outcome != want || (err != nil) != (want == core.Unknown) {
			t.Errorf("%s: %s, %v; want %s", rest, res.Outcome, err, want)
		}
	}
}

func TestAnAnswerUnderAnErrorStatusIsEvidenceOnly(t *testing.T) {
	t.Parallel()
	const body = `{"result":"ok","invoice":"123456789","amount":"100000","status":"CONFIRM","reference":"1018"}`
	res, err := provider(t, config(saying(t, http.StatusInternalServerError, body).URL)).Pay(t.Context(), order())
	if core.OutcomeOf(err) != core.Unknown || res.Invoice != "" || res.Details["returned_invoice"] != "123456789" {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestTheInstanceIsTheAccount(t *testing.T) {
	t.Parallel()
	describe := func(change func(*mmbc.Config)) core.Descriptor {
		cfg := config("http://127.0.0.1:1/json")
		change(&cfg)
		d, err := provider(t, cfg).Describe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	usual := describe(func(*mmbc.Config) {})
	for name, c := range map[string]struct {
		change func(*mmbc.Config)
		same   bool
	}{
		"password": {func(c *mmbc.Config) { c.Password = "another-one" }, true},
		"user":     {func(c *mmbc.Config) { c.Username = "another" }, false},
		"address":  {func(c *mmbc.Config) { c.BaseURL = "http://127.0.0.1:2/json" }, false},
	} {
		if got := describe(c.change); (got.Instance == usual.Instance) != c.same {
			t.Errorf("another %s: instance %q, before %q", name, got.Instance, usual.Instance)
		}
	}
}
