package mmbc_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
	"github.com/jalurhq/jalur/providers/mmbc"
)

const confirmed = `{"result":"ok","invoice":"123456789","reference":"101837139231331","status":"CONFIRM"}`

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// Whatever goes wrong once a connection was there, nobody knows what became of the order, and it is not sent again.
func TestPayFaults(t *testing.T) {
	t.Parallel()
	faults := map[string]http.HandlerFunc{
		"closed before reading": func(w http.ResponseWriter, _ *http.Request) { hangUp(w, "") },
		"closed after reading":  func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); hangUp(w, "") },
		"truncated body": func(w http.ResponseWriter, _ *http.Request) {
			hangUp(w, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"result\"")
		},
		"500 with an answer": status(http.StatusInternalServerError, confirmed),
		"502 html":           status(http.StatusBadGateway, "<html>"),
		"503 with a refusal": status(http.StatusServiceUnavailable, `{"result":"no","reason":"saldo habis"}`),
		"429":                status(http.StatusTooManyRequests, ""),
		"400 with a refusal": status(http.StatusBadRequest, `{"result":"no","reason":"saldo habis"}`),
		"307":                status(http.StatusTemporaryRedirect, confirmed),
		"302":                status(http.StatusFound, confirmed),
		"200 html":           status(http.StatusOK, "<html>"),
		"200 empty":          status(http.StatusOK, ""),
		"204":                status(http.StatusNoContent, ""),
		"huge":               status(http.StatusOK, `{"result":"no","reason":"`+strings.Repeat("x", 20_000)+`"}`),
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := answering(t, fault)
			res, err := provider(t, config(up.URL)).Pay(t.Context(), order())
			want{code: core.CodeTransportAfterSend}.check(t, res, err)
			wantNoSecret(t, err)
			if n := up.calls.Load(); n != 1 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

func hangUp(w http.ResponseWriter, first string) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_, _ = io.WriteString(conn, first)
		_ = conn.Close()
	}
}

func TestPaySlow(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	up := answering(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel() // the caller's time is over
		<-r.Context().Done()
	})
	res, err := provider(t, config(up.URL)).Pay(ctx, order())
	want{code: core.CodeTransportAfterSend}.check(t, res, err)
	if n := up.calls.Load(); n != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d calls, %v", n, err)
	}
}

func TestPayRefusedConnection(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	for _, encoding := range []mmbc.Encoding{mmbc.EncodingForm, mmbc.EncodingQuery} {
		cfg := config(server.URL)
		cfg.Encoding = encoding
		res, err := provider(t, cfg).Pay(t.Context(), order())
		want{outcome: core.NotSent, code: core.CodeTransportNotSent}.check(t, res, err)
		wantNoSecret(t, err)
	}
}

func TestPayTooLate(t *testing.T) {
	t.Parallel()
	up := replaying(t, "reload_underscore.json")
	late := order()
	late.SendBefore = 1 // a nanosecond after the machine was started
	res, err := provider(t, config(up.URL)).Pay(t.Context(), late)
	want{outcome: core.NotSent, code: core.CodeTransportNotSent}.check(t, res, err)
	if !errors.Is(err, transport.ErrTooLate) || up.calls.Load() != 0 {
		t.Errorf("%d calls, %v", up.calls.Load(), err)
	}
}

func TestRefusedHere(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*core.PayRequest)
		code   core.Code
	}{
		"below the least":     {func(r *core.PayRequest) { r.Amount = core.IDR(49_999) }, core.CodeAmountInvalid},
		"no amount":           {func(r *core.PayRequest) { r.Amount = core.Money{} }, core.CodeAmountInvalid},
		"cents":               {func(r *core.PayRequest) { r.Amount = money(t, "100000.50", "IDR") }, core.CodeAmountInvalid},
		"dollars":             {func(r *core.PayRequest) { r.Amount = money(t, "100000", "USD") }, core.CodeAmountInvalid},
		"no phone number":     {func(r *core.PayRequest) { r.Account = "12345678" }, core.CodeAccountInvalid},
		"a short phone":       {func(r *core.PayRequest) { r.Account = "0812345" }, core.CodeAccountInvalid},
		"a phone as a card":   {func(r *core.PayRequest) { r.Product = "KARTU EMONEY" }, core.CodeAccountInvalid},
		"a phone as a member": {func(r *core.PayRequest) { r.Product = "PAYTREN" }, core.CodeAccountInvalid},
		"odd characters":      {func(r *core.PayRequest) { r.Product, r.Account = "NEW", "08&x=1" }, core.CodeAccountInvalid},
		"no account":          {func(r *core.PayRequest) { r.Product, r.Account = "NEW", "" }, core.CodeAccountInvalid},
		"no product":          {func(r *core.PayRequest) { r.Product = "" }, core.CodeBadRequest},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := replaying(t, "reload_underscore.json")
			p, req := provider(t, config(up.URL)), order()
			tc.change(&req)
			res, err := p.Pay(t.Context(), req)
			want{outcome: core.NotSent, code: tc.code}.check(t, res, err)
			_, err = p.Inquire(t.Context(), core.InquiryRequest{Product: req.Product, Account: req.Account, Amount: req.Amount})
			want{outcome: core.NotSent, code: tc.code}.check(t, core.Result{}, err)
			if n := up.calls.Load(); n != 0 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

func money(t *testing.T, value, currency string) core.Money {
	t.Helper()
	parsed, err := core.ParseMoney(value, currency)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestTaken(t *testing.T) {
	t.Parallel()
	up := answering(t, status(http.StatusOK, confirmed))
	for product, account := range map[string]core.AccountNumber{
		"OVO": "+6281234567890", "TCASH": "6281234567890", "GRABPAY": "081234567890", "PAYTREN": "tno12345",
		"KARTU EMONEY": "6032981012345678", "BRIZZI": "60139812345678", "BNI TAP CASH": "7546123412341234", "LINKAJA": "me@example.com",
	} {
		req := order()
		req.Product, req.Account, req.Amount = product, account, core.IDR(50_000)
		if _, err := provider(t, config(up.URL)).Pay(t.Context(), req); err != nil {
			t.Errorf("%s: %v", product, err)
		}
	}
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	params := url.Values{
		"username": {"toko"}, "password": {"geheim"}, "merchant_code": {"KARTU EMONEY"}, "merchant_accountnumber": {"6032981012345678"},
		"amount": {"100000"}, "direct": {"1"},
	}
	cases := map[mmbc.Encoding]struct{ contentType, query, body string }{
		mmbc.EncodingForm:  {"application/x-www-form-urlencoded", "", params.Encode()},
		mmbc.EncodingQuery: {"", params.Encode(), ""},
		mmbc.EncodingJSON: {"application/json", "", `{"amount":"100000","direct":"1","merchant_accountnumber":"6032981012345678",` +
			`"merchant_code":"KARTU EMONEY","password":"geheim","username":"toko"}`},
	}
	for encoding, want := range cases {
		t.Run(string(encoding), func(t *testing.T) {
			t.Parallel()
			up := answering(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if r.Method != http.MethodPost || r.URL.Path != "/json/multipayment/reload_merchant" {
					t.Errorf("got %s %s", r.Method, r.URL.Path)
				}
				if r.Header.Get("Content-Type") != want.contentType || r.URL.RawQuery != want.query || string(body) != want.body {
					t.Errorf("got %q, query %q, body %q", r.Header.Get("Content-Type"), r.URL.RawQuery, body)
				}
				_, _ = io.WriteString(w, confirmed)
			})
			cfg := config(up.URL + "/json/multipayment/")
			cfg.Encoding = encoding
			req := order()
			req.Product, req.Account = "KARTU EMONEY", "6032981012345678"
			req.Amount = money(t, "100000.00", "IDR")
			if _, err := provider(t, cfg).Pay(t.Context(), req); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestCallsAndParameters(t *testing.T) {
	t.Parallel()
	var path string
	var got url.Values
	up := answering(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		path, got = r.URL.Path, r.PostForm
		_, _ = io.WriteString(w, "{}")
	})
	cfg := config(up.URL)
	cfg.AwaitReference = true
	p := provider(t, cfg)
	credentials := "password=geheim&username=toko"
	account := "&merchant_accountnumber=0812345678&merchant_code=GOPAY&"
	for want, call := range map[string]func() error{
		"/list_merchant " + credentials: func() error { _, err := p.ListProducts(t.Context(), core.ProductFilter{}); return err },
		"/inquiry_merchant amount=100000" + account + credentials: func() error {
			_, err := p.Inquire(t.Context(), inquiry())
			return err
		},
		"/reload_merchant amount=100000&direct=0" + account + credentials: func() error { _, err := p.Pay(t.Context(), order()); return err },
		"/status_reload invoice=123456789&" + credentials:                 func() error { _, err := p.Status(t.Context(), question()); return err },
	} {
		if err := call(); err == nil {
			t.Errorf("{} was believed")
		}
		if sent := path + " " + got.Encode(); sent != want {
			t.Errorf("sent %s, want %s", sent, want)
		}
	}
}
