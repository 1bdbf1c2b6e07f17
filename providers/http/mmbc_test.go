package httpspec_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
	httpspec "github.com/jalurhq/jalur/providers/http"
	"github.com/jalurhq/jalur/providers/mmbc"
	"github.com/jalurhq/jalur/providers/mmbc/sandbox"
)

const described = "../../examples/http/mmbc.yaml"

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

func read(t testing.TB, file string) []byte {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// settings are those of a description file, as a configuration gives them with ${file:…}.
func settings(t testing.TB, text, baseURL, direct string) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"base_url": baseURL, "max_body": 10_000, "spec": text,
		"vars": map[string]any{"direct": direct}, "secrets": map[string]any{"username": "toko", "password": "geheim"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func made(t testing.TB, raw json.RawMessage) core.Set {
	t.Helper()
	set, err := httpspec.Factory().New(raw)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func yamlMMBC(t testing.TB, baseURL string) core.Provider {
	return made(t, settings(t, string(read(t, described)), baseURL, "1")).Provider
}

func goMMBC(t testing.TB, baseURL string) core.Provider {
	t.Helper()
	p, err := mmbc.NewProvider(mmbc.Config{BaseURL: baseURL, Username: "toko", Password: "geheim"}, transport.New(transport.Config{MaxBody: 10_000}))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// upstream is a provider that always gives one answer, and counts.
type upstream struct {
	*httptest.Server

	calls  atomic.Int32
	status atomic.Int32           // of repeating; 0: 200
	body   atomic.Pointer[string] // the same
}

// repeating gives the answer that was stored last.
func repeating(t testing.TB) *upstream {
	t.Helper()
	up := &upstream{}
	up.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		up.calls.Add(1)
		if status := up.status.Load(); status != 0 {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(int(status))
		}
		_, _ = w.Write([]byte(*up.body.Load()))
	}))
	t.Cleanup(up.Close)
	return up
}

func answering(t testing.TB, answer http.HandlerFunc) *upstream {
	t.Helper()
	up := &upstream{}
	up.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		up.calls.Add(1)
		answer(w, r)
	}))
	t.Cleanup(up.Close)
	return up
}

func saying(t testing.TB, status int, body string) *upstream {
	t.Helper()
	return answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

// answers are what the tests of the Go client replay, and what they say themselves.
func answers(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../mmbc/testdata/*.*")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	all := map[string]string{}
	for _, file := range files {
		all[filepath.Base(file)] = string(read(t, file))
	}
	const told = `{"result":"ok","invoice":"123456789","merchant_code":"GOPAY","receiver_accountnumber":"0812345678","amount":"100000","status":"CONFIRM",`
	for _, rest := range []string{
		`"reference":"1018"}`, `"reference":"1018","reason":"Transaksi sukses"}`, `"reference":"1018","extra":{"note":["a"]}}`,
		`"reference":"1018","reason":"Saldo tidak cukup"}`, `"reference":"1018","data":{"result":"no","reason":"gagal"}}`,
		`"reference":"1018","data":[{"inner":{"STATUS":"REFUND"}}]}`, `"reference":"PENDING"}`, `"reference":"menunggu"}`, `"reference":null}`,
		`"reference":"1018","invoice":"987654321"}`, `"reference":"1018"} trailing`, `"reference":101837139231331999}`, `"reference":1e9}`,
	} {
		all[told+rest] = told + rest
	}
	for _, rest := range []string{
		`}`, `,"debet":"0","cashback":0,"invoice":"-"}`, `,"date":"2018-01-01 00:01:10"}`, `,"debet":"102000"}`, `,"cashback":"1500"}`,
		`,"invoice":123456789.0}`, `,"invoice":1.2e8}`, `,"status":"REFUND"}`, `,"reference":"1018"}`, `,"reason":"Saldo"}`,
	} {
		body := `{"result":"no","reason":"Gagal"` + rest
		all[body] = body
	}
	for _, reason := range []string{
		"", "-", "Saldo Anda tidak cukup", "saldo kurang dari minimal", "Minimal transaksi Rp. 50.000", "Merchant tidak ditemukan", "Nomor tujuan salah",
		"Akun tidak terdaftar", "Nomor akun merchant tidak terdaftar", "Bersaldo tidak cukup", "minimalis", "PASSWORD salah", "Transaksi sedang diproses",
		"Gangguan untuk toko dan geheim, 081234567890",
	} {
		all["reason "+reason] = `{"result":"no","reason":"` + reason + `"}`
	}
	for _, amount := range []string{
		`"100.000"`, `"100,000.00"`, `"Rp. 100.000,-"`, `100000.0`, `100.000`, `1e5`, `-1`, `"1.5"`, `null`, `"99999999999999999999"`, `{"a":1}`, `true`,
	} {
		if amount == `{"a":1}` {
			continue // twice is one too often here, and what is nested counts for nothing there
		}
		all["amount "+amount] = told + `"reference":"1018","debet":102000,"x":` + amount + `,"AMOUNT ":` + amount + `}`
		all["only amount "+amount] = strings.Replace(told, `"amount":"100000"`, `"amount":`+amount, 1) + `"reference":"1018"}`
	}
	return all
}

// outcomeOf is what a caller makes of an answer: core.CheckResult stands behind every provider.
func outcomeOf(t *testing.T, p core.Provider, asked core.PayRequest, res core.Result, err error) (core.Outcome, core.Code, core.Result) {
	t.Helper()
	d, describeErr := p.Describe(t.Context())
	if describeErr != nil {
		t.Fatal(describeErr)
	}
	if err == nil {
		res, err = core.CheckResult(d, asked, res)
	}
	if err != nil {
		return core.OutcomeOf(err), core.CodeOf(err), res
	}
	return res.Outcome, res.Code, res
}

// The description does what the Go client does: the same outcome, code and fields for every answer.
func TestMMBCAnswersAsTheGoClientDoes(t *testing.T) {
	t.Parallel()
	calls := map[string]func(core.Provider) (core.Result, error){
		"pay":    func(p core.Provider) (core.Result, error) { return p.Pay(t.Context(), order()) },
		"status": func(p core.Provider) (core.Result, error) { return p.Status(t.Context(), question()) },
	}
	up := repeating(t)
	written, described := goMMBC(t, up.URL), yamlMMBC(t, up.URL)
	for name, body := range answers(t) {
		up.body.Store(&body)
		for call, do := range calls {
			t.Run(call+"/"+name, func(t *testing.T) {
				res, err := do(written)
				outcome, code, want := outcomeOf(t, written, order(), res, err)
				res, err = do(described)
				gotOutcome, gotCode, got := outcomeOf(t, described, order(), res, err)
				if gotOutcome != outcome || gotCode != code && !stillRuns(call, body) {
					t.Errorf("%s/%s (%v), the Go client gives %s/%s", gotOutcome, gotCode, err, outcome, code)
				}
				if err == nil {
					sameResult(t, got, want)
				}
				wantNoSecret(t, err)
			})
		}
	}
}

// stillRuns: the description knows no refusal of a status call as one that contradicts itself; its code is all that differs, and nobody goes by it.
func stillRuns(call, body string) bool {
	return call == "status" && strings.Contains(body, "sedang diproses")
}

func sameResult(t *testing.T, got, want core.Result) {
	t.Helper()
	same := got.Invoice == want.Invoice && got.Reference == want.Reference && got.Product == want.Product && got.Account == want.Account &&
		got.Amount.Equal(want.Amount) && got.ReceiverName == want.ReceiverName && got.Cost.Equal(want.Cost) && got.Cashback.Equal(want.Cashback) &&
		got.ProviderTime.Equal(want.ProviderTime) && got.Reason == want.Reason && got.Details["duration"] == want.Details["duration"] &&
		got.Details["status"] == want.Details["status"]
	if !same {
		t.Errorf("got  %+v\nwant %+v", got, want)
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

func TestMMBCUnderAnErrorStatus(t *testing.T) {
	t.Parallel()
	const confirmed = `{"result":"ok","invoice":"123456789","amount":"100000","status":"CONFIRM","reference":"1018"}`
	up := repeating(t)
	p := yamlMMBC(t, up.URL)
	for _, status := range []int32{204, 302, 307, 400, 429, 500, 502, 503} {
		up.status.Store(status)
		for _, body := range []string{confirmed, `{"result":"no","reason":"saldo habis"}`, "<html>", ""} {
			up.body.Store(&body)
			before := up.calls.Load()
			res, err := p.Pay(t.Context(), order())
			if core.OutcomeOf(err) != core.Unknown || core.CodeOf(err) != core.CodeTransportAfterSend || res.Outcome != core.Unknown || res.Invoice != "" || up.calls.Load() != before+1 {
				t.Errorf("%d %s: %+v, %v after %d calls", status, body, res, err, up.calls.Load()-before)
			}
			if status > 204 && body == confirmed && res.Details["returned_invoice"] != "123456789" {
				t.Errorf("%d: no evidence: %v", status, res.Details)
			}
		}
	}
}

func TestMMBCInquiriesAndLists(t *testing.T) {
	t.Parallel()
	up := repeating(t)
	written, described := goMMBC(t, up.URL), yamlMMBC(t, up.URL)
	for name, body := range answers(t) {
		up.body.Store(&body)
		t.Run(name, func(t *testing.T) {
			want, wantErr := written.Inquire(t.Context(), inquiry())
			got, err := described.Inquire(t.Context(), inquiry())
			want.Details, got.Details = nil, nil
			if said(err) != said(wantErr) && !strings.Contains(body, "sedang diproses") || err == nil && !sameQuote(got, want) {
				t.Errorf("got %+v, %v; want %+v, %v", got, err, want, wantErr)
			}
			wantPage, wantErr := written.ListProducts(t.Context(), core.ProductFilter{})
			page, err := described.ListProducts(t.Context(), core.ProductFilter{})
			if said(err) != said(wantErr) && !strings.Contains(body, "sedang diproses") || len(page.Products) != len(wantPage.Products) {
				t.Fatalf("got %+v, %v; want %+v, %v", page, err, wantPage, wantErr)
			}
			for i := range page.Products {
				sameProduct(t, page.Products[i], wantPage.Products[i])
			}
		})
	}
}

func said(err error) string {
	var e *core.Error
	if !errors.As(err, &e) {
		return "nothing"
	}
	return e.Op + " " + e.Outcome.String() + " " + string(e.Code)
}

func sameQuote(a, b core.Quote) bool {
	return a.Product == b.Product && a.Account == b.Account && a.ReceiverName == b.ReceiverName && a.Amount.Equal(b.Amount) &&
		a.Cost.Equal(b.Cost) && a.Cashback.Equal(b.Cashback)
}

func sameProduct(t *testing.T, got, want core.Product) {
	t.Helper()
	cost, known := got.Fee.Cost(core.IDR(100_000))
	wantCost, wantKnown := want.Fee.Cost(core.IDR(100_000))
	if got.Code != want.Code || got.Name != want.Name || got.Fee.Expr != want.Fee.Expr || known != wantKnown || !cost.Equal(wantCost) ||
		!got.Cashback.Equal(want.Cashback) || got.Available != want.Available || got.Amounts != want.Amounts {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// playing starts a sandbox that the reloads count in.
func playing(t *testing.T, cfg sandbox.Config) (play *sandbox.Sandbox, server *httptest.Server, reloads *atomic.Int32) {
	t.Helper()
	cfg.Username, cfg.Password = "toko", "geheim"
	play, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	reloads = &atomic.Int32{}
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/reload_merchant") {
			reloads.Add(1)
		}
		play.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { _ = play.Close() })
	return play, server, reloads
}

// Whatever the provider does, an order is sent once, "nothing moved" is true and "succeeded" is true.
func TestMMBCThroughEveryFaultOfTheSandbox(t *testing.T) {
	t.Parallel()
	for _, fault := range sandbox.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			play, server, reloads := playing(t, sandbox.Config{
				Faults: []sandbox.Setting{{Name: fault.Name, Times: 1}}, HugeBytes: 20_000, LateBy: time.Nanosecond,
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			p := made(t, settings(t, string(read(t, described)), server.URL+"/json/multipayment", "0")).Provider
			res, err := p.Pay(ctx, order())
			outcome, _, _ := outcomeOf(t, p, order(), res, err)
			executed := play.Ledger().ByAccount["0812345678"]
			if outcome.NothingMoved() && executed != 0 || outcome == core.Succeeded && executed == 0 {
				t.Errorf("%s (%v), and %d were executed", outcome, err, executed)
			}
			if n := reloads.Load(); n != 1 {
				t.Errorf("the provider was told %d times", n)
			}
		})
	}
}

func TestMMBCInEveryReadingOfThePage(t *testing.T) {
	t.Parallel()
	text := string(read(t, described))
	for _, spelling := range sandbox.Spellings() {
		for _, values := range sandbox.ValueForms() {
			for _, encoding := range []string{"form", "json", "query"} {
				t.Run(strings.Join([]string{string(spelling), string(values), encoding}, "/"), func(t *testing.T) {
					t.Parallel()
					_, server, _ := playing(t, sandbox.Config{Spelling: spelling, Values: values, ReferenceAfter: time.Nanosecond})
					encoded := strings.ReplaceAll(text, " form: {", " "+encoding+": {")
					throughAllCalls(t, made(t, settings(t, encoded, server.URL+"/json/multipayment", "1")).Provider)
				})
			}
		}
	}
}

func throughAllCalls(t *testing.T, p core.Provider) {
	t.Helper()
	page, err := p.ListProducts(t.Context(), core.ProductFilter{Product: "GOPAY"})
	if err != nil || len(page.Products) != 1 || !page.Products[0].Fee.Known || !page.Products[0].Cashback.Known() {
		t.Fatalf("list: %+v, %v", page, err)
	}
	quote, err := p.Inquire(t.Context(), inquiry())
	if err != nil || quote.Account != order().Account || !quote.Cost.Known() {
		t.Fatalf("inquire: %+v, %v", quote, err)
	}
	paid, err := p.Pay(t.Context(), order())
	if err != nil || paid.Outcome != core.Pending {
		t.Fatalf("pay: %+v, %v", paid, err)
	}
	asked, err := p.Status(t.Context(), core.StatusRequest{Invoice: paid.Invoice, Original: order()})
	if err != nil || asked.Outcome != core.Succeeded {
		t.Fatalf("status: %+v, %v", asked, err)
	}
	_, err = p.Status(t.Context(), core.StatusRequest{Invoice: "1", Original: order()})
	if core.CodeOf(err) != core.CodeNotFound {
		t.Fatalf("status of no order: %v", err)
	}
}

// Both describe the same provider.
func TestMMBCDescribesItselfAlike(t *testing.T) {
	t.Parallel()
	want, err := goMMBC(t, "http://127.0.0.1:1/json").Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := yamlMMBC(t, "http://127.0.0.1:1/json").Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range want.Merchants {
		want.Merchants[i].Account.Pattern = strings.Trim(want.Merchants[i].Account.Pattern, "^$")
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// What would be refused is refused before anything is sent, and for the same reason.
func TestMMBCRefusesHere(t *testing.T) {
	t.Parallel()
	up := saying(t, http.StatusOK, "{}")
	written, described := goMMBC(t, up.URL), yamlMMBC(t, up.URL)
	cents, _ := core.ParseMoney("100000.50", "IDR")
	dollars, _ := core.ParseMoney("100000", "USD")
	for name, change := range map[string]func(*core.PayRequest){
		"below the least":     func(r *core.PayRequest) { r.Amount = core.IDR(49_999) },
		"no amount":           func(r *core.PayRequest) { r.Amount = core.Money{} },
		"cents":               func(r *core.PayRequest) { r.Amount = cents },
		"dollars":             func(r *core.PayRequest) { r.Amount = dollars },
		"no phone number":     func(r *core.PayRequest) { r.Account = "12345678" },
		"a phone as a card":   func(r *core.PayRequest) { r.Product = "KARTU EMONEY" },
		"a phone as a member": func(r *core.PayRequest) { r.Product = "PAYTREN" },
		"odd characters":      func(r *core.PayRequest) { r.Product, r.Account = "NEW", "08&x=1" },
		"no account":          func(r *core.PayRequest) { r.Product, r.Account = "NEW", "" },
		"no product":          func(r *core.PayRequest) { r.Product = "" },
	} {
		req := order()
		change(&req)
		_, want := written.Pay(t.Context(), req)
		_, got := described.Pay(t.Context(), req)
		if core.OutcomeOf(got) != core.NotSent || said(got) != said(want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	if n := up.calls.Load(); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestTransportSaysNotSent(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := yamlMMBC(t, server.URL).Pay(t.Context(), order())
	if core.OutcomeOf(err) != core.NotSent || core.CodeOf(err) != core.CodeTransportNotSent {
		t.Errorf("a closed port: %v", err)
	}
	up := saying(t, http.StatusOK, "{}")
	late := order()
	late.SendBefore = 1 // a nanosecond after the machine was started
	_, err = yamlMMBC(t, up.URL).Pay(t.Context(), late)
	if core.OutcomeOf(err) != core.NotSent || !errors.Is(err, transport.ErrTooLate) || up.calls.Load() != 0 {
		t.Errorf("too late: %v after %d calls", err, up.calls.Load())
	}
	if _, err = yamlMMBC(t, up.URL).Status(t.Context(), core.StatusRequest{Original: order()}); core.OutcomeOf(err) != core.Unknown || up.calls.Load() != 0 {
		t.Errorf("without an invoice: %v", err)
	}
}
