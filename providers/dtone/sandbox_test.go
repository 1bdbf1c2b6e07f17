package dtone_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
	"github.com/jalurhq/jalur/providers/dtone"
	"github.com/jalurhq/jalur/providers/dtone/sandbox"
)

const (
	ref    = "01JD3X8Q5W6E7R8T9YABCDEFGH"
	claro  = "6035" // 3 USD
	number = "+593991234567"
)

// clock is a time that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)} }

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

// rig is the client of a sandbox that counts the calls which move money.
type rig struct {
	*dtone.Provider

	t     *testing.T
	clock *clock
	box   *sandbox.Sandbox
	url   string
	paid  *atomic.Int32
}

func settings(url string) dtone.Config {
	return dtone.Config{
		BaseURL: url + "/v1", Key: "fake_apikey", Secret: "fake_apisecret", CallingCode: "62",
		Products: map[string]dtone.ProductConfig{"7001": {Account: core.NoAccount}, "8001": {Account: "account_number"}},
	}
}

func playing(t *testing.T, cfg sandbox.Config, change ...func(*dtone.Config)) *rig {
	t.Helper()
	r := &rig{t: t, clock: newClock(), paid: &atomic.Int32{}}
	cfg.Key, cfg.Secret, cfg.Now = "fake_apikey", "fake_apisecret", r.clock.Now
	box, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if path := req.URL.Path; req.Method == http.MethodPost && (strings.HasSuffix(path, "/transactions") || strings.HasSuffix(path, "/confirm")) {
			r.paid.Add(1)
		}
		box.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { _ = box.Close() })
	mine := settings(server.URL)
	mine.Now = r.clock.Now
	for _, set := range change {
		set(&mine)
	}
	r.box, r.url = box, server.URL
	r.Provider, err = dtone.NewProvider(mine, transport.New(transport.Config{MaxBody: 100_000}))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// quick is a sandbox whose transactions are done at once.
func quick() sandbox.Config { return sandbox.Config{CompleteAfter: -1} }

func firm(cfg *dtone.Config) { cfg.FirmQuotes = true }

func (r *rig) fault(name, call string) {
	r.t.Helper()
	if err := r.box.SetFault(sandbox.Setting{Name: name, Times: 1, Call: call}); err != nil {
		r.t.Fatal(err)
	}
}

func usd(t *testing.T, value string) core.Money {
	t.Helper()
	return money(t, value, "USD")
}

func money(t *testing.T, value, currency string) core.Money {
	t.Helper()
	parsed, err := core.ParseMoney(value, currency)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func order(t *testing.T) core.PayRequest {
	t.Helper()
	return core.PayRequest{Ref: ref, Merchant: "PULSA", Product: claro, Account: number, Amount: usd(t, "3")}
}

func (r *rig) descriptor() core.Descriptor {
	r.t.Helper()
	d, err := r.Describe(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return d
}

// pay pays as the host does: what can't be believed of the answer is an error.
func (r *rig) pay(req core.PayRequest) (core.Result, error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Second)
	defer cancel()
	res, err := r.Pay(ctx, req)
	if err != nil {
		return res, err
	}
	return core.CheckResult(r.descriptor(), req, res)
}

func (r *rig) ask(req core.PayRequest, invoice core.Invoice) (core.Result, error) {
	r.t.Helper()
	res, err := r.Status(r.t.Context(), core.StatusRequest{Invoice: invoice, Original: req, FirstSentAt: r.clock.Now()})
	if err != nil {
		return res, err
	}
	return core.CheckResult(r.descriptor(), req, res)
}

func outcome(res core.Result, err error) core.Outcome {
	if err != nil {
		return core.OutcomeOf(err)
	}
	return res.Outcome
}

// Whatever the provider does, an order is sent once, "nothing moved" is true, "succeeded" is true, and asking finds the end of it.
func TestEveryFaultOfTheSandbox(t *testing.T) {
	t.Parallel()
	for _, fault := range sandbox.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			r := playing(t, sandbox.Config{HugeBytes: 200_000, LateBy: time.Nanosecond, CompleteAfter: time.Minute})
			r.fault(fault.Name, "")
			res, err := r.pay(order(t))
			executed := r.box.Ledger().ByAccount[number]
			got := outcome(res, err)
			if got.NothingMoved() && executed != 0 || got == core.Succeeded && executed == 0 {
				t.Errorf("%s (%v), and %d were executed", got, err, executed)
			}
			if n := r.paid.Load(); n != 1 {
				t.Errorf("the provider was told %d times", n)
			}
			if got.NothingMoved() {
				return
			}
			r.clock.advance(time.Hour)
			r.endsAsTheLedgerSays(fault)
		})
	}
}

func (r *rig) endsAsTheLedgerSays(fault sandbox.Fault) {
	r.t.Helper()
	res, err := r.ask(order(r.t), "")
	got, l := outcome(res, err), r.box.Ledger()
	var want core.Outcome
	switch {
	case fault.Name == "double": // which of the two it is can't be told apart by its reference
		return
	case len(l.Executed) == 0 && strings.HasPrefix(fault.Name, "end-"):
		want = core.Declined
	case len(l.Executed) == 0:
		if core.CodeOf(err) != core.CodeNotFound {
			r.t.Errorf("asked for nothing: %+v, %v", res, err)
		}
		return
	default:
		want = map[string]core.Outcome{"REVERSED": core.Refunded, "COMPLETED": core.Succeeded, "SUBMITTED": core.Pending}[l.Executed[0].State]
	}
	if got != want {
		r.t.Errorf("asked: %s (%v), want %s", got, err, want)
	}
}

// The faults of an answer to a question leave the order unknown, or say the truth.
func TestEveryFaultOfAQuestion(t *testing.T) {
	t.Parallel()
	for _, fault := range sandbox.Faults() {
		for _, call := range []string{"get", "list"} {
			t.Run(fault.Name+"/"+call, func(t *testing.T) {
				t.Parallel()
				r := playing(t, sandbox.Config{HugeBytes: 200_000, CompleteAfter: time.Nanosecond})
				paid, err := r.pay(order(t))
				if err != nil {
					t.Fatal(err)
				}
				r.clock.advance(time.Minute)
				r.fault(fault.Name, call)
				invoice := paid.Invoice
				if call == "list" {
					invoice = ""
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				res, err := r.Status(ctx, core.StatusRequest{Invoice: invoice, Original: order(t), FirstSentAt: r.clock.Now()})
				if err == nil {
					res, err = core.CheckResult(r.descriptor(), order(t), res)
				}
				if got := outcome(res, err); got != core.Unknown && got != core.Succeeded && got != core.Pending {
					t.Errorf("%s of an order that is done: %+v", got, res)
				}
				lies := fault.Name == "error-1008004" // the provider says that there is none
				if core.CodeOf(err) == core.CodeNotFound && !lies && err != nil {
					t.Errorf("not found: %v", err)
				}
			})
		}
	}
}
