package digiflazz_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
	"github.com/jalurhq/jalur/providers/digiflazz"
	simulator "github.com/jalurhq/jalur/providers/digiflazz/sandbox"
	"github.com/jalurhq/jalur/providers/sandbox"
)

const (
	user   = "toko"
	key    = "rahasia-sekali"
	secret = "somesecretvalue"
	number = "081234567890"
)

// clock is a time that stands still until it is moved: 10:00 in Jakarta.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, time.November, 23, 3, 0, 0, 0, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// rig is the client at a sandbox, and what it sent there.
type rig struct {
	t     *testing.T
	clock *clock
	box   *simulator.Sandbox
	it    *digiflazz.Provider
	url   string

	mu   sync.Mutex
	sent []map[string]any // bodies of the calls, with their path
}

func newRig(t *testing.T, change func(*simulator.Config, *digiflazz.Config)) *rig {
	t.Helper()
	r := &rig{t: t, clock: newClock()}
	play := simulator.Config{Username: user, APIKey: key, Now: r.clock.Now, HugeBytes: 2 << 20, LateBy: time.Minute}
	cfg := digiflazz.Config{Username: user, APIKey: key, Now: r.clock.Now}
	if change != nil {
		change(&play, &cfg)
	}
	var err error
	if r.box, err = simulator.New(play); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(server.Close)
	t.Cleanup(func() { _ = r.box.Close() })
	r.url = server.URL
	cfg.BaseURL = server.URL + "/v1"
	r.it = r.client(cfg)
	return r
}

func (r *rig) client(cfg digiflazz.Config) *digiflazz.Provider {
	r.t.Helper()
	client := transport.New(transport.Config{})
	it, err := digiflazz.New(cfg, client)
	if err != nil {
		r.t.Fatal(err)
	}
	return it
}

func (r *rig) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	sent := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	_ = decoder.Decode(&sent)
	sent["path"] = strings.TrimPrefix(req.URL.Path, "/v1/")
	r.mu.Lock()
	r.sent = append(r.sent, sent)
	r.mu.Unlock()
	r.box.ServeHTTP(w, req)
}

// calls gives the bodies that were sent to a path.
func (r *rig) calls(path string) []map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []map[string]any
	for _, sent := range r.sent {
		if sent["path"] == path {
			found = append(found, sent)
		}
	}
	return found
}

func (r *rig) fault(name, call string) {
	r.t.Helper()
	if err := r.box.SetFault(sandbox.Setting{Name: name, Times: 1, Call: call}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) executed(account string) int { return r.box.Ledger().ByAccount[account] }

// order is a prepaid one.
func order(account string, n int) core.PayRequest {
	return core.PayRequest{
		Ref: fmt.Sprintf("REFERENCE%017d", n), Merchant: "XL", Product: "xld10", Account: core.AccountNumber(account), Amount: core.IDR(10_000),
	}
}

func inquiry(sku, account string) core.InquiryRequest {
	return core.InquiryRequest{Ref: "INQUIRY0000000000000000001", Merchant: "BILL", Product: sku, Account: core.AccountNumber(account)}
}

// answer is what a call came to, after core's own check.
type answer struct {
	core.Result

	err error
}

func (r *rig) checked(order core.PayRequest, res core.Result, err error) answer {
	r.t.Helper()
	d, problem := r.it.Describe(r.t.Context())
	if problem != nil {
		r.t.Fatal(problem)
	}
	if err == nil {
		res, err = core.CheckResult(d, order, res)
	}
	if err != nil {
		res.Outcome, res.Code = core.OutcomeOf(err), core.CodeOf(err)
	}
	return answer{res, err}
}

func (r *rig) pay(order core.PayRequest) answer {
	r.t.Helper()
	res, err := r.it.Pay(r.t.Context(), order)
	return r.checked(order, res, err)
}

// ask asks for an order that was first sent so long ago.
func (r *rig) ask(order core.PayRequest, age time.Duration) answer {
	r.t.Helper()
	res, err := r.it.Status(r.t.Context(), core.StatusRequest{Original: order, FirstSentAt: r.clock.Now().Add(-age)})
	return r.checked(order, res, err)
}

// quote inquires a bill and words its payment.
func (r *rig) quote(req core.InquiryRequest) (core.Quote, core.PayRequest) {
	r.t.Helper()
	quote, err := r.it.Inquire(r.t.Context(), req)
	if err != nil {
		r.t.Fatal(err)
	}
	return quote, core.PayRequest{
		Ref: "REFERENCE00000000000000001", Merchant: req.Merchant, Product: req.Product, Account: req.Account, Amount: quote.Amount, Quote: quote.Token,
		Extra: req.Extra,
	}
}

func (a answer) want(t *testing.T, outcome core.Outcome, code core.Code) {
	t.Helper()
	if a.Outcome != outcome || a.Code != code {
		t.Errorf("%s %q (%v), want %s %q", a.Outcome, a.Code, a.err, outcome, code)
	}
	for _, hidden := range []string{key, secret} {
		if strings.Contains(fmt.Sprint(a.err), hidden) || strings.Contains(fmt.Sprintf("%+v", a.Result), hidden) {
			t.Error("a secret shows")
		}
	}
	if strings.Contains(fmt.Sprint(a.err), number) {
		t.Error("an account number shows")
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
