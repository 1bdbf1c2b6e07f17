package plugintest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/providertest"
	"github.com/jalurhq/jalur/plugins/host"
	"github.com/jalurhq/jalur/plugins/plugintest"
	"github.com/jalurhq/jalur/plugins/sdk"
	"github.com/jalurhq/jalur/providers/mmbc"
	"github.com/jalurhq/jalur/providers/mmbc/sandbox"
)

const (
	panicAccount = "081234000001"
	noisyAccount = "081234000002"
)

// flawed is MMBC with one flaw of its process.
type flawed struct {
	core.Provider

	flaw     string
	settings json.RawMessage
}

func factories() map[string]core.Factory {
	made := map[string]core.Factory{"mmbc": mmbc.Factory()}
	for _, flaw := range []string{"none", "dies-at-sigterm", "outlives", "hasty", "forgets", "crashes", "prints-and-dies", "opens-files", "talks", "tells-proofs", "traceless"} {
		made[flaw] = core.Factory{Schema: mmbc.Factory().Schema, New: func(settings json.RawMessage) (core.Set, error) {
			set, err := mmbc.New(settings)
			if flaw == "dies-at-sigterm" {
				asked := make(chan os.Signal, 1)
				signal.Notify(asked, syscall.SIGTERM)
				go func() {
					<-asked
					os.Exit(0)
				}()
			}
			set.Provider = flawed{set.Provider, flaw, settings}
			return set, err
		}}
	}
	return made
}

func (p flawed) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	switch {
	case p.flaw == "crashes" && req.Account == panicAccount, p.flaw == "prints-and-dies" && req.Account == noisyAccount:
		os.Exit(1)
	case req.Account == panicAccount:
		panic("at the account that wants it")
	case req.Account == noisyAccount:
		fmt.Println("1|1|unix|/tmp/nowhere|grpc|")
		fmt.Fprintln(os.Stderr, `{"@level":"error","@message":`, strings.Repeat("x", 1<<20))
		fmt.Fprintln(os.Stderr, `{"@level":7,"@message":{"a":[]}`)
	case p.flaw == "hasty":
		time.AfterFunc(50*time.Millisecond, func() { os.Exit(1) })
	case p.flaw == "opens-files":
		if _, err := syscall.Open("/dev/null", syscall.O_RDONLY, 0); err != nil {
			return core.Result{}, err
		}
	case p.flaw == "talks":
		fmt.Fprintf(os.Stderr, "settings %s\n", p.settings)
	case p.flaw == "traceless":
		ctx = trace.ContextWithSpanContext(ctx, trace.SpanContext{})
	}
	return p.Provider.Pay(ctx, req)
}

func (p flawed) Status(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	if p.flaw == "forgets" && req.Invoice == "" {
		return core.Result{Outcome: core.Declined, Code: core.CodeDeclined}, nil
	}
	if p.flaw == "traceless" {
		ctx = trace.ContextWithSpanContext(ctx, trace.SpanContext{})
	}
	res, err := p.Provider.Status(ctx, req)
	if p.flaw == "tells-proofs" {
		fmt.Fprintln(os.Stderr, "delivered:", res.Reference)
	}
	return res, err
}

// harness gives MMBC's harness over the real host.
func harness(t *testing.T, plugin string) providertest.Harness {
	t.Helper()
	play, err := sandbox.New(sandbox.Config{
		Username: "toko", Password: "sandbox-only", ReferenceAfter: time.Nanosecond, HugeBytes: 2 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(play.ServeHTTP))
	t.Cleanup(server.Close)
	t.Cleanup(func() { _ = play.Close() })
	spec, err := os.ReadFile("../../providers/mmbc/conformance.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h, err := providertest.ReadSpec(spec, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if plugin != "mmbc" {
		for name, account := range map[string]core.AccountNumber{providertest.Panics: panicAccount, providertest.Noisy: noisyAccount} {
			h.Samples[name] = providertest.Sample{Product: "GOPAY", Account: account, Amount: core.IDR(100_000)}
		}
	}
	h, err = plugintest.Process(t.Context(), h, host.Config{Plugin: plugin, Shipped: sdk.Self(factories()), Restart: host.Restart{First: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestMMBCOverTheWire(t *testing.T) {
	t.Parallel()
	providertest.Run(t, harness(t, "mmbc"))
}

func TestProcessMutants(t *testing.T) {
	t.Parallel()
	mutants := map[string][]string{
		"process-ignores-sigterm":      {"dies-at-sigterm"},
		"process-ends-with-its-host":   {"outlives"},
		"process-finishes-its-calls":   {"hasty"},
		"process-killed-while-paying":  {"forgets"},
		"process-survives-a-panic":     {"crashes"},
		"process-keeps-stdout-clean":   {"prints-and-dies"},
		"process-leaves-no-files-open": {"opens-files"},
		"process-logs-no-secrets":      {"talks", "tells-proofs"},
		"trace-context":                {"traceless"}, // which only here crosses two processes
	}
	for _, rule := range harness(t, "none").Extra {
		if len(mutants[rule.Name]) == 0 {
			t.Errorf("no mutant shows that %s can fail", rule.Name)
		}
	}
	for rule, flaws := range mutants {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if got := only(t, rule, "none"); got.Verdict != providertest.Held {
				t.Errorf("the correct one: %s %q", got.Verdict, got.Findings)
			}
			for _, flaw := range flaws {
				got := only(t, rule, flaw)
				if got.Verdict != providertest.Broken {
					t.Errorf("the mutant %s: %s", flaw, got.Verdict)
				}
				t.Log(got.Findings)
			}
		})
	}
}

// only asks one rule about a plugin, behind one that makes it work.
func only(t *testing.T, rule, plugin string) providertest.RuleReport {
	t.Helper()
	h := harness(t, plugin)
	h.Only = []string{"pay-succeeds", rule}
	report, err := providertest.Check(t.Context(), h, nil)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(report.Rules, func(r providertest.RuleReport) bool { return r.Rule == rule })
	if at < 0 {
		t.Fatalf("%s was not asked: %s", rule, strings.TrimSpace(report.Score()))
	}
	return report.Rules[at]
}
