package apiclient_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/internal/apiclient"
	"github.com/jalurhq/jalur/internal/httpapi"
	"github.com/jalurhq/jalur/internal/httpapi/apitest"
	"github.com/jalurhq/jalur/internal/view"
)

const account core.AccountNumber = "081234567890"

// secretSum is the SHA-256 of "secret".
const secretSum = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"

func order() view.OrderBody {
	return view.OrderBody{Merchant: apitest.Merchant, Account: account, Amount: core.IDR(100_000)}
}

func newClient(t *testing.T, server string) *apiclient.Client {
	t.Helper()
	c, err := apiclient.New(apiclient.Config{Server: server, Credentials: "toko:secret"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func gateway(t *testing.T, provider *apitest.Provider) *apiclient.Client {
	t.Helper()
	g := apitest.Start(t, apitest.Config{Provider: provider, Clients: httpapi.Clients{
		{ID: "toko", SecretSHA256: secretSum, Scopes: []string{"pay", "resolve"}},
	}})
	return newClient(t, g.URL)
}

func TestEveryCall(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	provider := &apitest.Provider{OnPay: func(_ context.Context, r core.PayRequest) (core.Result, error) {
		if r.Amount.Equal(core.IDR(100_000)) {
			return apitest.Answer(r, core.Succeeded), nil
		}
		return core.Result{}, &core.Error{Op: "pay", Code: core.CodeUpstreamTimeout}
	}}
	c := gateway(t, provider)
	paid, err := c.Pay(ctx, "k", order(), time.Second)
	if err != nil || paid.Replayed || paid.Payment.State != journal.StateSucceeded || paid.Payment.Account != account {
		t.Fatalf("%+v, %v", paid, err)
	}
	again, err := c.Pay(ctx, "k", order(), 0)
	if err != nil || !again.Replayed || again.Payment.ID != paid.Payment.ID {
		t.Errorf("%+v, %v", again, err)
	}
	for _, ask := range []bool{false, true} {
		if p, err := c.Payment(ctx, paid.Payment.ID, ask); err != nil || p.ID != paid.Payment.ID {
			t.Errorf("%+v, %v", p, err)
		}
	}
	if p, err := c.PaymentByKey(ctx, "k"); err != nil || p.ID != paid.Payment.ID {
		t.Errorf("%+v, %v", p, err)
	}
	unknown := order()
	unknown.Amount = core.IDR(200_000)
	lost, err := c.Pay(ctx, "k2", unknown, 0)
	if err != nil || lost.Payment.State != journal.StateUnknown {
		t.Fatalf("%+v, %v", lost, err)
	}
	page, err := c.Payments(ctx, apiclient.Filter{State: journal.StateUnknown, Account: account, Since: "1h", Limit: 5})
	if err != nil || len(page.Payments) != 1 || page.Payments[0].ID != lost.Payment.ID {
		t.Errorf("%+v, %v", page, err)
	}
	resolved, err := c.Resolve(ctx, lost.Payment.ID, view.ResolveBody{NotExecuted: true, Reason: "not in the report"})
	if err != nil || resolved.State != journal.StateFailed {
		t.Errorf("%+v, %v", resolved, err)
	}
	readTheMarket(t, c)
	readTheCases(t, c)
}

func readTheCases(t *testing.T, c *apiclient.Client) {
	t.Helper()
	if page, err := c.Cases(t.Context(), journal.CaseFilter{Open: true, Payment: "P1", Limit: 5}); err != nil || page.Cases == nil || len(page.Cases) != 0 {
		t.Errorf("%+v, %v", page, err)
	}
	_, err := c.CloseCase(t.Context(), "999", "looked")
	if problem, ok := errors.AsType[*view.Problem](err); !ok || problem.Code != payments.CodeNotFound {
		t.Errorf("a case that isn't there: %v", err)
	}
}

func readTheMarket(t *testing.T, c *apiclient.Client) {
	t.Helper()
	ctx := t.Context()
	if products, err := c.Products(ctx, apitest.Merchant, "fake"); err != nil || len(products.Products) != 1 {
		t.Errorf("%+v, %v", products, err)
	}
	quote, err := c.Inquire(ctx, view.InquiryBody{Merchant: apitest.Merchant, Account: account, Amount: core.IDR(100_000)})
	if err != nil || quote.ReceiverName != "BUDI" {
		t.Errorf("%+v, %v", quote, err)
	}
	if read, err := c.Inquiry(ctx, quote.ID); err != nil || read.ID != quote.ID {
		t.Errorf("%+v, %v", read, err)
	}
	_, err = c.CancelInquiry(ctx, quote.ID)
	if problem, ok := errors.AsType[*view.Problem](err); !ok || problem.Code != payments.CodeStateConflict {
		t.Errorf("an inquiry that holds nothing: %v", err)
	}
	if all, err := c.Providers(ctx); err != nil || len(all.Providers) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	if route, err := c.Explain(ctx, apitest.Merchant, core.IDR(1)); err != nil || route.Candidates[0].In {
		t.Errorf("%+v, %v", route, err)
	}
	if route, err := c.Explain(ctx, apitest.Merchant, core.Money{}); err != nil || !route.Candidates[0].In {
		t.Errorf("%+v, %v", route, err)
	}
}

func TestProblemsArriveWhole(t *testing.T) {
	t.Parallel()
	c := gateway(t, nil)
	small := order()
	small.Amount = core.IDR(1)
	_, err := c.Pay(t.Context(), "k", small, 0)
	var problem *view.Problem
	if !errors.As(err, &problem) || problem.Code != payments.CodeAmountInvalid || problem.Outcome != "not_sent" || errors.Is(err, apiclient.ErrUnresolved) {
		t.Errorf("%v", err)
	}
	for name, call := range map[string]func() error{
		"id":  func() error { _, err := c.Payment(t.Context(), "none", false); return err },
		"key": func() error { _, err := c.PaymentByKey(t.Context(), "none"); return err },
	} {
		problem = nil
		if err := call(); !errors.As(err, &problem) || problem.Code != payments.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever comes back that isn't the gateway's own word, and whatever doesn't come back, says nothing about the payment.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	say := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, handler := range map[string]http.HandlerFunc{
		"a proxy's page":        say(502, "text/html", "<h1>Bad Gateway</h1>"),
		"a proxy's JSON":        say(503, "application/json", `{"code":"stopping"}`),
		"a problem of others":   say(500, "application/problem+json", `{"title":"x"}`),
		"broken problem":        say(500, "application/problem+json", `{`),
		"nobody can say":        say(500, "application/problem+json", `{"code":"internal","outcome":"unknown"}`),
		"a redirect":            say(307, "text/html", ""),
		"a success in HTML":     say(200, "text/html", "welcome"),
		"the connection breaks": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"the answer breaks off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"id":"x"`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				handler(w, r)
			}))
			defer server.Close()
			_, err := newClient(t, server.URL).Pay(t.Context(), "k", order(), 0)
			if !errors.Is(err, apiclient.ErrUnresolved) || errors.Is(err, apiclient.ErrNotSent) || calls.Load() != 1 {
				t.Errorf("%v after %d calls", err, calls.Load())
			}
		})
	}
}

func TestGivingUpWhileItRuns(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-release
	}))
	defer server.Close()
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	if _, err := newClient(t, server.URL).Pay(ctx, "k", order(), 0); !errors.Is(err, apiclient.ErrUnresolved) {
		t.Errorf("%v", err)
	}
}

func TestNothingWasSent(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx    context.Context
		server string
	}{
		"nobody listens": {t.Context(), "http://" + closed.Addr().String()},
		"TLS fails":      {t.Context(), strings.Replace(plain.URL, "http", "https", 1)},
		"given up":       {done, plain.URL},
	} {
		_, err := newClient(t, c.server).Payments(c.ctx, apiclient.Filter{Account: account})
		if !errors.Is(err, apiclient.ErrNotSent) || errors.Is(err, apiclient.ErrUnresolved) {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(err.Error(), string(account)) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s shows what it must not: %v", name, err)
		}
	}
}

// On a connection that was kept, nobody could tell whether a lost call had been sent.
func TestEachCallHasItsConnection(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c := newClient(t, server.URL)
	for range 3 {
		if _, err := c.Providers(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections", n)
	}
}

func TestServersThatAreNone(t *testing.T) {
	t.Parallel()
	for _, server := range []string{"", "127.0.0.1:8080", "ftp://host", "http://", "http://toko:secret@host", "http://host?x=1", "http://host#x", "http://%zz"} {
		if _, err := apiclient.New(apiclient.Config{Server: server}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", server, err)
		}
	}
	if _, err := apiclient.New(apiclient.Config{Server: "http://host", Credentials: "toko"}); err == nil {
		t.Error("credentials without a secret are taken")
	}
}
