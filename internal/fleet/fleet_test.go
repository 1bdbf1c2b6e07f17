package fleet //nolint:testpackage // the watcher is looked at without its clock

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/goleak"

	"github.com/jalurhq/jalur/config"
	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/host"
	"github.com/jalurhq/jalur/plugins/sdk"
	"github.com/jalurhq/jalur/providers/mmbc"
)

// TestMain makes the test binary the plugin that it starts.
func TestMain(m *testing.M) {
	sdk.Self(map[string]core.Factory{"mmbc": mmbc.Factory()})
	goleak.VerifyTestMain(m)
}

// deployment is a fleet of one plugin that is a file, and the configuration beside it.
type deployment struct {
	fleet    *Fleet
	refusals refusals
	program  string

	mu  sync.Mutex
	cfg config.Config
}

func deploy(t *testing.T, change func(*config.Provider)) *deployment {
	t.Helper()
	dir := t.TempDir()
	d := &deployment{program: filepath.Join(dir, "plugin")}
	d.write(t, "first")
	own := config.Provider{Plugin: d.program, Settings: map[string]any{
		"base_url": "http://127.0.0.1:1/json", "username": "toko", "password": "sandbox-only",
	}}
	if change != nil {
		change(&own)
	}
	d.cfg = config.Config{Providers: map[string]config.Provider{"own": own}}
	cfg, err := d.launch("own", own)
	if err != nil {
		t.Fatal(err)
	}
	plugin, err := host.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plugin.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := plugin.Started(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.fleet = New(Config{Plugins: []*host.Plugin{plugin}, Launch: d.launch, Reread: func() (config.Config, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.cfg, nil
	}})
	return d
}

func (d *deployment) launch(provider string, p config.Provider) (host.Config, error) {
	settings, err := json.Marshal(p.Settings)
	return host.Config{Name: provider, Plugin: p.Plugin, SHA256: p.SHA256, Settings: settings, Logger: slog.New(slog.NewTextHandler(&d.refusals, nil))}, err
}

// refusals counts the reloads that came to nothing, by the log.
type refusals struct{ atomic.Int64 }

func (r *refusals) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("was not reloaded")) {
		r.Add(1)
	}
	return len(line), nil
}

// write puts a new version of the program in the old one's place, as an installation does.
func (d *deployment) write(t *testing.T, version string) (sum string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := "#!/bin/sh\n# " + version + "\nexec '" + self + "' jalur-plugin mmbc\n"
	if err := errors.Join(os.WriteFile(d.program+".new", []byte(text), 0o700), os.Rename(d.program+".new", d.program)); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
}

func (d *deployment) configure(change func(*config.Provider)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	own := d.cfg.Providers["own"]
	change(&own)
	d.cfg.Providers = map[string]config.Provider{"own": own}
}

func (d *deployment) state() host.State { return d.fleet.Plugins[0].State() }

func TestAReloadReadsTheConfigurationAgain(t *testing.T) {
	t.Parallel()
	d := deploy(t, nil)
	first := d.state().PID
	if err := d.fleet.Reload(t.Context(), "own"); err != nil || d.state().PID == first {
		t.Errorf("%v, %+v", err, d.state())
	}
	second := d.state().PID
	d.configure(func(p *config.Provider) { p.SHA256 = strings.Repeat("0", 64) })
	if err := d.fleet.Reload(t.Context(), "own"); !errors.Is(err, host.ErrPin) {
		t.Errorf("another pin: %v", err)
	}
	d.configure(func(p *config.Provider) { p.SHA256 = ""; p.Settings = map[string]any{"base_url": "nowhere"} })
	if err := d.fleet.Reload(t.Context(), "own"); err == nil || !strings.Contains(err.Error(), "providers.own.settings.") {
		t.Errorf("other settings: %v", err)
	}
	d.mu.Lock()
	d.cfg.Providers = nil
	d.mu.Unlock()
	if err := d.fleet.Reload(t.Context(), "own"); err == nil || !strings.Contains(err.Error(), "has it no more") {
		t.Errorf("gone: %v", err)
	}
	if err := d.fleet.Reload(t.Context(), "other"); err == nil || !strings.Contains(err.Error(), `no provider "other"`) {
		t.Errorf("no such provider: %v", err)
	}
	if state := d.state(); state.PID != second || state.Phase != host.Ready {
		t.Errorf("%+v", state)
	}
}

func TestAChangedFileIsReloadedOnceItIsStableAndPinned(t *testing.T) {
	t.Parallel()
	d := deploy(t, func(p *config.Provider) { p.ReloadOnChange = true })
	d.fleet.files.Store("own", fingerprint(d.cfg.Providers["own"])) // as a gateway does at its start
	w := &watcher{fleet: d.fleet, provider: "own"}
	pid := d.state().PID
	same := func(when string) {
		t.Helper()
		if w.look(t.Context()); d.state().PID != pid {
			t.Fatalf("reloaded %s", when)
		}
	}
	changed := func(when string) {
		t.Helper()
		if w.look(t.Context()); d.state().PID == pid {
			t.Fatalf("not reloaded %s", when)
		}
		pid = d.state().PID
	}
	same("without a change")
	d.write(t, "second")
	same("at the first sight of another file")
	changed("once it was the same twice")
	same("again")

	// A pin that is there before its file, and one that comes after.
	third := d.write(t, "third")
	d.configure(func(p *config.Provider) { p.SHA256 = third })
	same("at the first sight of another file")
	changed("by its pin")
	fourth := d.write(t, "fourth")
	same("at the first sight of another file")
	same("though another is pinned")
	same("though another is pinned still")
	if refused := d.refusals.Load(); refused != 1 {
		t.Errorf("tried %d times", refused)
	}
	d.configure(func(p *config.Provider) { p.SHA256 = fourth })
	changed("by the pin that came later")

	// One that was reloaded by hand.
	d.configure(func(p *config.Provider) { p.SHA256 = d.write(t, "fifth") })
	if err := d.fleet.Reload(t.Context(), "own"); err != nil {
		t.Fatal(err)
	}
	pid = d.state().PID
	same("at the first sight of another file")
	same("by hand already")

	// What isn't there, or doesn't start, is left alone.
	if err := os.Rename(d.program, d.program+".away"); err != nil {
		t.Fatal(err)
	}
	same("without a file")
	same("without a file")
}

func TestAPluginsPhaseIsCounted(t *testing.T) {
	t.Parallel()
	d := deploy(t, nil)
	reader := metric.NewManualReader()
	done, err := d.fleet.Watch(d.cfg, metric.NewMeterProvider(metric.WithReader(reader)))
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	phases := map[string]int64{}
	for _, m := range all.ScopeMetrics[0].Metrics {
		if gauge, ok := m.Data.(metricdata.Gauge[int64]); ok && m.Name == "jalur.plugin.phase" {
			for _, point := range gauge.DataPoints {
				phase, _ := point.Attributes.Value("phase")
				phases[phase.AsString()] = point.Value
			}
		}
	}
	if len(phases) != len(host.Phases()) || phases["ready"] != 1 || phases["gave_up"] != 0 {
		t.Errorf("%v", phases)
	}
}
