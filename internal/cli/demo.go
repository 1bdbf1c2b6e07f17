package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/jalurhq/jalur/config"
	digiflazz "github.com/jalurhq/jalur/providers/digiflazz/sandbox"
	dtone "github.com/jalurhq/jalur/providers/dtone/sandbox"
	mmbc "github.com/jalurhq/jalur/providers/mmbc/sandbox"
)

// Where the demonstration keeps its journal and its sandboxes' ledgers, and where MMBC's sandbox is found unless that address is taken.
const (
	demoFolder  = ".jalur"
	demoSandbox = "127.0.0.1:9901"
	demoUser    = "toko"
	demoSecret  = "sandbox-only"
	onlyOwner   = 0o700
)

// stages are the demonstration's sandboxes.
type stages struct{ mmbc, digiflazz, dtone playing }

// runDemo serves with sandboxes in place of the providers: nothing of it moves money.
func (a *app) runDemo(ctx context.Context, address string) (err error) {
	if a.configFile != "" {
		return usage(errors.New("--demo brings its own configuration: leave -c out"))
	}
	if err := os.MkdirAll(demoFolder, onlyOwner); err != nil {
		return usage(fmt.Errorf("the demonstration's journal: %w", err))
	}
	listener, err := listenDemo(ctx, address)
	if err != nil {
		return err
	}
	boxes, err := startStages(ctx)
	defer func() { err = errors.Join(err, boxes.stop(ctx)) }()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return a.runOn(ctx, listener, demoConfig(urlOf(listener), boxes), func(url string) { a.greet(url, boxes) })
}

// listenDemo takes the address that is asked for. Where none is, and the usual one is taken, it takes another.
func listenDemo(ctx context.Context, address string) (net.Listener, error) {
	if address != "" {
		return listen(ctx, address)
	}
	listener, err := listen(ctx, config.DefaultListen)
	if err != nil {
		listener, err = listen(ctx, anyPort)
	}
	return listener, err
}

const anyPort = "127.0.0.1:0"

func startStages(ctx context.Context) (s stages, err error) {
	if s.mmbc, err = startStage(ctx, demoSandbox, demoMMBC); err != nil {
		return s, err
	}
	if s.digiflazz, err = startStage(ctx, digiflazzSandbox, demoDigiflazz(ctx)); err != nil {
		return s, err
	}
	s.dtone, err = startStage(ctx, demoDTOne, demoDTOneBox)
	return s, err
}

// startStage plays a sandbox, on another port where the usual one is taken.
func startStage(ctx context.Context, listen string, box func() (simulator, error)) (playing, error) {
	running, err := startAt(ctx, listen, box)
	if err != nil {
		running, err = startAt(ctx, anyPort, box)
	}
	return running, err
}

func startAt(ctx context.Context, listen string, box func() (simulator, error)) (playing, error) {
	made, err := box()
	if err != nil {
		return playing{}, err
	}
	return play(ctx, made, listen)
}

// ledgerOf is where a sandbox keeps what it has executed: one that forgot would take an order that is asked for by sending it again for a new one.
func ledgerOf(name string) string { return filepath.Join(demoFolder, name+".ledger") }

func demoMMBC() (simulator, error) {
	return mmbc.New(mmbc.Config{Username: demoUser, Password: demoSecret, LedgerFile: ledgerOf("mmbc")})
}

func demoDigiflazz(ctx context.Context) func() (simulator, error) {
	return func() (simulator, error) {
		box, err := digiflazz.New(digiflazz.Config{
			Username: demoUser, APIKey: demoSecret, WebhookSecret: demoSecret, LedgerFile: ledgerOf("digiflazz"),
		})
		if err != nil {
			return nil, err
		}
		go box.Run(ctx)
		return box, nil
	}
}

func demoDTOneBox() (simulator, error) {
	return dtone.New(dtone.Config{Key: demoUser, Secret: demoSecret, LedgerFile: ledgerOf("dtone")})
}

func (s stages) stop(ctx context.Context) error {
	var problems []error
	for _, running := range []playing{s.mmbc, s.digiflazz, s.dtone} {
		if running.stop != nil {
			problems = append(problems, running.stop(ctx))
		}
	}
	return errors.Join(problems...)
}

// denominations are the amounts that Digiflazz's products stand for, in rupiah: with them the router knows that another amount is not for Digiflazz.
func denominations() map[string]any {
	return map[string]any{"gopay": 100_000, "ovo100": 100_000, "xld10": 10_000, "pln20": 20_000} //nolint:mnd // a list of numbers
}

func demoConfig(gateway string, s stages) config.Config {
	return config.Config{
		Journal: "sqlite://" + filepath.Join(demoFolder, "demo.db"),
		Providers: map[string]config.Provider{
			"mmbc": {Plugin: "mmbc", Settings: map[string]any{
				"base_url": s.mmbc.url + "/json/multipayment", "username": demoUser, "password": demoSecret,
			}},
			"digiflazz": {Plugin: "digiflazz", Settings: map[string]any{
				"base_url": s.digiflazz.url + "/v1", "username": demoUser, "api_key": demoSecret, "webhook_secret": demoSecret,
				"denominations": denominations(),
			}},
			"dtone": {Plugin: "dtone", Settings: map[string]any{
				"base_url": s.dtone.url + "/v1", "key": demoUser, "secret": demoSecret, "calling_code": "62", "firm_quotes": true,
				"products": map[string]any{"7001": map[string]any{"account": "none"}},
			}},
		},
		Routes: demoRoutes(),
		Server: config.Server{Listen: strings.TrimPrefix(gateway, "http://"), PublicURL: gateway},
	}.WithDefaults()
}

// demoRoutes sell wallets by MMBC first and by Digiflazz where that fails, bills and credit by Digiflazz, and numbers abroad by DT One.
func demoRoutes() []config.Route {
	mmbc, abroad := config.Lane{Provider: "mmbc"}, "dtone"
	local := func(product string) config.Lane { return config.Lane{Provider: "digiflazz", Product: product} }
	over := func(merchant string, lanes ...config.Lane) config.Route {
		return config.Route{Merchant: merchant, Via: lanes}
	}
	return []config.Route{
		over("GOPAY", mmbc, local("gopay")),
		over("OVO", mmbc, local("ovo100")),
		over("XL10", local("xld10")),
		over("PLN20", local("pln20")),
		over("PLN", local("pln")),
		over("TELKOMSEL", config.Lane{Provider: abroad, Product: "5002"}),
		over("SINGTEL", config.Lane{Provider: abroad, Product: "5003"}),
		over("CLARO", config.Lane{Provider: abroad, Product: "6035"}),
		over("VOUCHER", config.Lane{Provider: abroad, Product: "7001"}),
		over("*", mmbc),
	}
}

// Orders that are good for a first try.
const (
	orderGoPay = `{"merchant":"GOPAY","account":"0812345678","amount":100000}`
	orderLow   = `{"merchant":"GOPAY","account":"081234999201","amount":100000}`
	orderXL    = `{"merchant":"XL10","account":"087800001230","amount":10000}`
	orderClaro = `{"merchant":"CLARO","account":"+593990000000","amount":{"value":"3","currency":"USD"}}`
)

func (a *app) greet(gateway string, s stages) {
	key := "demo-" + strings.ToLower(rand.Text()[:8])
	curl := func(suffix, order string) string {
		return fmt.Sprintf("curl -sS %s/v1/payments -H 'Content-Type: application/json' -H 'Prefer: wait=20' -H 'Idempotency-Key: %s' -d '%s'",
			gateway, key+suffix, order)
	}
	_, _ = fmt.Fprintf(a.Stdout, `
Jalur is running, with sandboxes in place of the providers: no money moves.

  console   %s/
  sandbox   %s/_ledger   (what MMBC really executed)
  sandbox   %s/_ledger   (Digiflazz)
  sandbox   %s/_ledger   (DT One)

Make a top-up:

  %s

One for which MMBC's deposit is too low, so that Digiflazz makes it; one that only Digiflazz sells; and one abroad, over DT One:

  %s
  %s
  %s

The same key again is the same payment. Ctrl-C ends all of it.

`, gateway, s.mmbc.url, s.digiflazz.url, s.dtone.url, curl("", orderGoPay), curl("-low", orderLow), curl("-xl", orderXL), curl("-claro", orderClaro))
}
