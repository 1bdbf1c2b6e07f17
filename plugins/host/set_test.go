package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/host"
)

// whole is scripted with all that may stand beside a provider.
type whole struct{ scripted }

const wholeSchema = `{
	"type": "object",
	"additionalProperties": false,
	"properties": {
		"file": {"type": "string"},
		"secret": {"type": "string", "minLength": 4, "writeOnly": true},
		"limits": {"type": "array", "items": {"type": "object", "properties": {"most": {"type": "integer"}}}}
	}
}`

func newWhole(settings json.RawMessage) (core.Set, error) {
	w := &whole{}
	if err := json.Unmarshal(settings, &w.scripted); err != nil {
		return core.Set{}, err
	}
	fmt.Fprintln(os.Stderr, "made with", w.Secret)
	return core.Set{Provider: w, Balances: w, Callbacks: w, Quotes: w}, nil
}

func (w *whole) Describe(ctx context.Context) (core.Descriptor, error) {
	d, err := w.scripted.Describe(ctx)
	d.TellsBalances, d.SendsCallbacks, d.CancelsQuotes = true, true, true
	return d, err
}

func (w *whole) Balances(context.Context) ([]core.Balance, error) {
	return []core.Balance{{Available: core.IDR(7), Holding: core.IDR(5)}}, nil
}

func (w *whole) ReadCallback(_ context.Context, req core.CallbackRequest) (core.Callback, error) {
	switch req.Path {
	case "/panic":
		panic("at the callback")
	case "/hang":
		select {}
	case "/flood":
		return core.Callback{Body: make([]byte, 8<<20)}, nil
	case "/status":
		return core.Callback{Status: 99}, nil
	case "/stranger":
		return core.Callback{}, &core.Error{Op: "read_callback", Outcome: core.Declined, Code: core.CodeAuth, Err: errors.New("no such signature")}
	case "/until file":
		w.untilFile()
	}
	return core.Callback{Orders: []core.CallbackOrder{{Ref: strings.Join(req.Header["X-Ref"], ","), Invoice: core.Invoice(req.Body)}}, Status: 202}, nil
}

func (w *whole) CancelQuote(_ context.Context, token string) error {
	if token == "exit" {
		os.Exit(7)
	}
	return nil
}

func TestAWholeSetCrossesTheBoundary(t *testing.T) {
	t.Parallel()
	set := start(t, func(c *host.Config) { c.Plugin = "whole" }).Set()
	if d, err := set.Provider.Describe(t.Context()); err != nil || !d.TellsBalances {
		t.Errorf("%+v, %v", d, err)
	}
	balances, err := set.Balances.Balances(t.Context())
	if err != nil || len(balances) != 1 || balances[0].Available != core.IDR(7) || balances[0].Credit.Known() {
		t.Errorf("%+v, %v", balances, err)
	}
	callback, err := set.Callbacks.ReadCallback(t.Context(), core.CallbackRequest{Header: map[string][]string{"X-Ref": {"R"}}, Body: []byte("I-1")})
	if err != nil || len(callback.Orders) != 1 || callback.Orders[0] != (core.CallbackOrder{Ref: "R", Invoice: "I-1"}) || callback.Status != 202 {
		t.Errorf("%+v, %v", callback, err)
	}
	if err := set.Quotes.CancelQuote(t.Context(), "T"); err != nil {
		t.Error(err)
	}
}

func TestWhatAPluginDoesNotDescribeItIsNotAsked(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	set := r.Set()
	_, balances := set.Balances.Balances(t.Context())
	_, callback := set.Callbacks.ReadCallback(t.Context(), core.CallbackRequest{})
	for op, err := range map[string]error{"balances": balances, "read_callback": callback, "cancel_quote": set.Quotes.CancelQuote(t.Context(), "T")} {
		if !errors.Is(err, errors.ErrUnsupported) || core.OutcomeOf(err) != core.NotSent || !strings.HasPrefix(err.Error(), "lane: "+op+": ") {
			t.Errorf("%s: %v", op, err)
		}
	}
}

func TestCallsBesidePayAreDistrustedToo(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *host.Config) { c.Plugin, c.Timeout = "whole", patience })
	set := r.Set()
	for path, code := range map[string]core.Code{
		"/panic": core.CodeInternal, "/flood": core.CodeTransportAfterSend, "/status": core.CodeInternal, "/stranger": core.CodeAuth, "/hang": core.CodeTransportAfterSend,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if path == "/hang" {
			ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
		}
		callback, err := set.Callbacks.ReadCallback(ctx, core.CallbackRequest{Path: path})
		cancel()
		if core.OutcomeOf(err) != core.Unknown || core.CodeOf(err) != code || !strings.HasPrefix(err.Error(), "lane: read_callback: unknown: ") || callback.Body != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := set.Quotes.CancelQuote(t.Context(), "exit"); core.OutcomeOf(err) != core.Unknown || core.CodeOf(err) != core.CodeTransportAfterSend {
		t.Errorf("%v", err)
	}
	eventually(t, "a new process", func() bool { return r.State().Restarts == 1 && r.Ready(t.Context()) == nil })
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := set.Balances.Balances(t.Context()); core.OutcomeOf(err) != core.NotSent || errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("stopped: %v", err)
	}
}

func TestStopWaitsForCallsBesidePay(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "go-on")
	r := start(t, func(c *host.Config) { c.Plugin, c.Settings = "whole", json.RawMessage(`{"file":"`+file+`"}`) })
	set := r.Set()
	asked := make(chan error, 1)
	go func() {
		_, err := set.Callbacks.ReadCallback(t.Context(), core.CallbackRequest{Path: "/until file", Body: []byte("I")})
		asked <- err
	}()
	eventually(t, "the call's beginning", func() bool { return exists(file + ".begun") })
	stopped := make(chan error, 1)
	go func() { stopped <- r.Stop(t.Context()) }()
	eventually(t, "no new calls", func() bool { return r.State().Phase == host.Stopped })
	if len(asked) != 0 || len(stopped) != 0 {
		t.Fatal("over before the call was")
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-asked, <-stopped); err != nil {
		t.Error(err)
	}
}

func TestSettingsAreHeldAgainstTheSchemaBeforeThePluginSeesThem(t *testing.T) {
	t.Parallel()
	for given, key := range map[string]string{
		`{"file":7}`:                   "file",
		`{"fil":"x"}`:                  "fil",
		`{"limits":[{"most":"many"}]}`: "limits[0].most",
		`[]`:                           "",
	} {
		cfg, r := config(t)
		cfg.Plugin, cfg.Settings = "whole", json.RawMessage(given)
		_, err := launch(t.Context(), cfg)
		var refused *host.SettingsError
		if !errors.As(err, &refused) || refused.Key != key || refused.Provider != "lane" {
			t.Errorf("%s: %v", given, err)
		}
		if log := r.log.String(); strings.Contains(log, "made with") {
			t.Errorf("%s: the plugin has seen its settings:\n%s", given, log)
		}
	}
}

func TestASchemaThatCannotBeReadStopsItsPluginOnly(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	cfg.Plugin = "misdescribed"
	_, err := launch(t.Context(), cfg)
	var refused *host.SettingsError
	if err == nil || errors.As(err, &refused) || !strings.HasPrefix(err.Error(), "provider lane: schema of the settings: ") {
		t.Errorf("%v", err)
	}
}

func TestWhatTheSchemaCallsASecretIsHidden(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *host.Config) { c.Plugin, c.Settings = "whole", json.RawMessage(`{"secret":"geheim-4711"}`) })
	eventually(t, "the plugin's words", func() bool { return strings.Contains(r.log.String(), "made with [redacted]") })
	if log := r.log.String(); strings.Contains(log, "geheim") {
		t.Errorf("the log shows it:\n%s", log)
	}
}

func TestSettingsCanBeCheckedWithoutAPlugin(t *testing.T) {
	t.Parallel()
	refused, err := host.CheckSettings("lane", json.RawMessage(wholeSchema), json.RawMessage(`{"secret":"x","limits":[{},{"most":true}],"more":1}`))
	var got []string
	for _, one := range refused {
		got = append(got, one.Error())
	}
	want := []string{
		"provider lane: setting limits[1].most: must be a whole number",
		"provider lane: setting more: is not known; there are file, limits, secret",
		"provider lane: setting secret: must have at least 4 characters",
	}
	if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := host.CheckSettings("lane", json.RawMessage(`{"type":"money"}`), nil); err == nil {
		t.Error("a schema that is none was taken")
	}
	if refused, err := host.CheckSettings("lane", nil, json.RawMessage(`{"any":"thing"}`)); err != nil || refused != nil {
		t.Errorf("%v, %v", refused, err)
	}
}
