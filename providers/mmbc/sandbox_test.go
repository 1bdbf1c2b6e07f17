package mmbc_test

import (
	"cmp"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/providers/mmbc"
	"github.com/jalurhq/jalur/providers/mmbc/sandbox"
)

// playing starts a sandbox that the reloads count in.
func playing(t *testing.T, cfg sandbox.Config) (play *sandbox.Sandbox, server *httptest.Server, reloads *atomic.Int32) {
	t.Helper()
	cfg.Username, cfg.Password = "toko", cmp.Or(cfg.Password, "geheim")
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
func TestEveryFaultOfTheSandbox(t *testing.T) {
	t.Parallel()
	for _, fault := range sandbox.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			play, server, reloads := playing(t, sandbox.Config{
				Faults: []sandbox.Setting{{Name: fault.Name, Times: 1}}, HugeBytes: 20_000, LateBy: time.Nanosecond,
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			cfg := config(server.URL + "/json/multipayment")
			cfg.AwaitReference = true
			res, err := provider(t, cfg).Pay(ctx, order())
			if err == nil {
				res, err = core.CheckResult(descriptor(t), order(), res)
			}
			outcome := res.Outcome
			if err != nil {
				outcome = core.OutcomeOf(err)
			}
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

func TestEveryReadingOfThePage(t *testing.T) {
	t.Parallel()
	for _, spelling := range sandbox.Spellings() {
		for _, values := range sandbox.ValueForms() {
			for _, encoding := range []mmbc.Encoding{mmbc.EncodingForm, mmbc.EncodingJSON, mmbc.EncodingQuery} {
				t.Run(strings.Join([]string{string(spelling), string(values), string(encoding)}, "/"), func(t *testing.T) {
					t.Parallel()
					_, server, _ := playing(t, sandbox.Config{Spelling: spelling, Values: values, ReferenceAfter: time.Nanosecond})
					cfg := config(server.URL + "/json/multipayment")
					cfg.Encoding = encoding
					throughAllCalls(t, provider(t, cfg))
				})
			}
		}
	}
}

func throughAllCalls(t *testing.T, p *mmbc.Provider) {
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
	if _, err := core.CheckResult(descriptor(t), order(), asked); err != nil {
		t.Fatalf("status: %v", err)
	}
	_, err = p.Status(t.Context(), core.StatusRequest{Invoice: "1", Original: order()})
	if core.CodeOf(err) != core.CodeNotFound {
		t.Fatalf("status of no order: %v", err)
	}
}
