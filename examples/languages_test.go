// Package examples_test holds the examples in other languages against the contract, as plugins of a real host.
package examples_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/providertest"
	"github.com/jalurhq/jalur/examples/sandbox"
	"github.com/jalurhq/jalur/plugins/host"
	"github.com/jalurhq/jalur/plugins/plugintest"
)

func TestMain(m *testing.M) {
	otel.SetTextMapPropagator(propagation.TraceContext{})
	os.Exit(m.Run())
}

// programs are the examples, each a script beside its modules.
func programs() map[string]string {
	return map[string]string{"node": "provider-node/lapak", "python": "provider-python/lapak"}
}

func harness(t *testing.T, language string) providertest.Harness {
	t.Helper()
	server := httptest.NewServer(sandbox.New(sandbox.Key))
	t.Cleanup(server.Close)
	spec, err := os.ReadFile(filepath.Join("provider-"+language, "spec.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := providertest.ReadSpec(spec, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ask asks the rules of a program.
func ask(t *testing.T, h providertest.Harness, program string) {
	t.Helper()
	h, err := plugintest.Process(t.Context(), h, host.Config{Plugin: program})
	if err != nil {
		t.Fatal(err)
	}
	providertest.Run(t, h)
}

// The whole suite, through the same host as a gateway's.
func TestConformance(t *testing.T) {
	t.Parallel()
	for language, program := range programs() {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			ask(t, harness(t, language), program)
		})
	}
}

// What happens in the provider's code ends no process and prints no account number.
func TestClumsyCode(t *testing.T) {
	t.Parallel()
	for language := range programs() {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			h := harness(t, language)
			sample := h.Samples[providertest.Succeeds]
			sample.Account = "081234567815"
			h.Samples[providertest.Panics] = sample
			sample.Account = "081234567816"
			h.Samples[providertest.Noisy] = sample
			h.Only = []string{"process-survives-a-panic", "process-keeps-stdout-clean", "process-logs-no-secrets"}
			ask(t, h, filepath.Join("testdata", language, "clumsy"))
		})
	}
}

// launch runs an example whose provider is at that address.
func launch(t *testing.T, program, address string) core.Provider {
	t.Helper()
	settings, err := json.Marshal(map[string]string{"base_url": address, "key": sandbox.Key})
	if err != nil {
		t.Fatal(err)
	}
	const patience = 20 * time.Second
	p, err := host.Start(t.Context(), host.Config{
		Name: "lapak", Plugin: program, Settings: settings, StartTimeout: patience, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err := p.Started(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p.Provider()
}

func pay(ctx context.Context, p core.Provider, account core.AccountNumber) (core.Result, error) {
	return p.Pay(ctx, core.PayRequest{
		Ref: "REF" + string(account), Merchant: "GOPAY", Product: "GOPAY", Account: account, Amount: core.IDR(50_000),
	})
}

// answers are what a provider can answer beside what it documents, by the account of the order. %s is the account.
func answers() map[string]string {
	const order = `{"status":"done","ref":"REF%[1]s","invoice":"7","product":"GOPAY","account":"%[1]s",`
	return map[string]string{
		"081000000001": order + `"reference":"half \ud800 a pair","amount":"50000"}`,
		"081000000002": order + "\"reference\":\"no \xff text\",\"amount\":\"50000\"}",
		"081000000003": order + `"amount":50000}`,
		"081000000004": order + `"amount":50000.0}`,
		"081000000005": order + `"amount":"5e4"}`,
		"081000000006": order + `"amount":["50000"]}`,
		"081000000007": `[` + order + `"amount":"50000"}]`,
		"081000000008": strings.Repeat("[", 100_000),
		"081000000009": `{"status":["done"],"amount":"50000"}`,
		"081000000010": `{"status":"__proto__","amount":"50000"}`,
		"081000000011": order + `"amount":"50000","more":"` + strings.Repeat("x", 2<<20) + `"}`,
	}
}

// oddly answers orders as their accounts want it. What has no answer drips without an end.
func oddly(w http.ResponseWriter, r *http.Request) {
	var order struct {
		Account string `json:"account"`
	}
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, json.Unmarshal(body, &order)); err != nil {
		panic(http.ErrAbortHandler)
	}
	if answer, known := answers()[order.Account]; known {
		_, _ = w.Write([]byte(strings.ReplaceAll(answer, "%[1]s", order.Account))) // the reader may have enough
		return
	}
	for {
		_, err := fmt.Fprint(w, " ")
		if err = errors.Join(err, http.NewResponseController(w).Flush()); err != nil {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond): // each drop by itself
		case <-r.Context().Done():
			return
		}
	}
}

func TestOddAnswers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(oddly))
	t.Cleanup(server.Close)
	believed := map[core.AccountNumber]bool{"081000000001": true, "081000000002": true}
	for language, program := range programs() {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			p := launch(t, program, server.URL)
			for account := range answers() {
				account := core.AccountNumber(account)
				switch res, err := pay(t.Context(), p, account); {
				case believed[account] && (err != nil || res.Outcome != core.Succeeded || res.Reference == ""):
					t.Errorf("%s: %+v, %v", string(account), res, err)
				case !believed[account] && (err == nil || core.OutcomeOf(err) != core.Unknown):
					t.Errorf("%s: %s, %v", string(account), res.Outcome, err)
				case err != nil && strings.Contains(err.Error(), "no answer from the plugin"):
					t.Errorf("%s: the plugin itself said nothing: %v", string(account), err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := pay(ctx, p, "081000000099")
			if core.CodeOf(err) != core.CodeTransportAfterSend || !strings.Contains(err.Error(), "no whole answer") {
				t.Errorf("an answer that drips: %v", err)
			}
		})
	}
}

// TLS that can't be agreed on proves that nothing was sent. SSL_CERT_FILE says whom to trust, so the test has the environment for itself.
func TestHTTPS(t *testing.T) {
	server := httptest.NewUnstartedServer(sandbox.New(sandbox.Key))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	for language, program := range programs() {
		_, err := pay(t.Context(), launch(t, program, server.URL), "081234567890")
		if core.OutcomeOf(err) != core.NotSent {
			t.Errorf("%s: a certificate that nobody trusts: %v", language, err)
		}
	}
	t.Setenv("SSL_CERT_FILE", file)
	for language, program := range programs() {
		if res, err := pay(t.Context(), launch(t, program, server.URL), "081234567890"); err != nil || res.Outcome != core.Succeeded {
			t.Errorf("%s: a certificate that is trusted: %+v, %v", language, res, err)
		}
	}
}
