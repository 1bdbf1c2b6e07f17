package jalur //nolint:testpackage // the watcher is looked at without its clock

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/jalurhq/jalur/config"
	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/host"
	"github.com/jalurhq/jalur/plugins/sdk"
	"github.com/jalurhq/jalur/providers/mmbc"
)

// deployment is a service over one plugin that is a file, and the configuration beside it.
type deployment struct {
	service *Service
	program string

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
	d.cfg = config.Config{
		Journal: "sqlite://" + filepath.Join(dir, "jalur.db"), Providers: map[string]config.Provider{"own": own},
		Routes: []config.Route{{Merchant: "*", Via: []config.Lane{{Provider: "own"}}}},
	}
	service, err := Open(t.Context(), d.cfg, Options{
		Shipped: sdk.Self(map[string]core.Factory{"mmbc": mmbc.Factory()}), Log: slog.New(slog.DiscardHandler),
		Reread: func() (config.Config, error) { d.mu.Lock(); defer d.mu.Unlock(); return d.cfg, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.service = service
	t.Cleanup(func() {
		if err := service.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return d
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

func (d *deployment) state() host.State { return d.service.plugins[0].State() }

func TestAReloadReadsTheConfigurationAgain(t *testing.T) {
	t.Parallel()
	d := deploy(t, nil)
	first := d.state().PID
	if err := d.service.ReloadPlugin(t.Context(), "own"); err != nil || d.state().PID == first {
		t.Errorf("%v, %+v", err, d.state())
	}
	second := d.state().PID
	d.configure(func(p *config.Provider) { p.SHA256 = strings.Repeat("0", 64) })
	if err := d.service.ReloadPlugin(t.Context(), "own"); !errors.Is(err, host.ErrPin) {
		t.Errorf("another pin: %v", err)
	}
	d.configure(func(p *config.Provider) { p.SHA256 = ""; p.Settings = map[string]any{"base_url": "nowhere"} })
	if err := d.service.ReloadPlugin(t.Context(), "own"); err == nil || !strings.Contains(err.Error(), "providers.own.settings.") {
		t.Errorf("other settings: %v", err)
	}
	d.configure(func(p *config.Provider) { p.Limits.Memory = "much" })
	if err := d.service.ReloadPlugin(t.Context(), "own"); err == nil || !strings.Contains(err.Error(), "limits") {
		t.Errorf("limits: %v", err)
	}
	d.mu.Lock()
	d.cfg.Providers = nil
	d.mu.Unlock()
	if err := d.service.ReloadPlugin(t.Context(), "own"); err == nil || !strings.Contains(err.Error(), "has it no more") {
		t.Errorf("gone: %v", err)
	}
	if err := d.service.ReloadPlugin(t.Context(), "other"); !errors.Is(err, ErrNoProvider) {
		t.Errorf("no such provider: %v", err)
	}
	if state := d.state(); state.PID != second || state.Phase != host.Ready {
		t.Errorf("%+v", state)
	}
}

func TestAChangedFileIsReloadedOnceItIsStableAndPinned(t *testing.T) {
	t.Parallel()
	d := deploy(t, func(p *config.Provider) { p.ReloadOnChange = true })
	d.service.files.Store("own", fingerprint(d.cfg.Providers["own"])) // as a gateway does at its start
	w := &watcher{service: d.service, provider: "own"}
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
	d.configure(func(p *config.Provider) { p.SHA256 = fourth })
	changed("by the pin that came later")

	// One that was reloaded by hand.
	d.configure(func(p *config.Provider) { p.SHA256 = d.write(t, "fifth") })
	if err := d.service.ReloadPlugin(t.Context(), "own"); err != nil {
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

func TestOneBadPluginDoesNotKeepTheOthersFromStarting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := &deployment{program: filepath.Join(dir, "plugin")}
	d.write(t, "first")
	settings := map[string]any{"base_url": "http://127.0.0.1:1/json", "username": "toko", "password": "sandbox-only"}
	service, err := Open(t.Context(), config.Config{
		Journal: "sqlite://" + filepath.Join(dir, "jalur.db"),
		Providers: map[string]config.Provider{
			"good":    {Plugin: d.program, Settings: settings},
			"missing": {Plugin: filepath.Join(dir, "nothing"), Settings: settings},
			"other":   {Plugin: d.program, SHA256: strings.Repeat("0", 64), Settings: settings},
			"broken":  {Plugin: "/bin/true", Settings: settings},
			"silent":  {Plugin: "/bin/cat", Settings: settings},
		},
	}, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close(context.Background())
	for _, p := range service.Providers(t.Context()) {
		if isGood := p.Name == "good"; (p.Health.Problem == "") != isGood || (p.Descriptor.Name == "mmbc") != isGood {
			t.Errorf("%+v", p)
		}
	}
}

func TestAPluginsPhaseIsCounted(t *testing.T) {
	t.Parallel()
	d := deploy(t, nil)
	reader := metric.NewManualReader()
	done, err := countPlugins(metric.NewMeterProvider(metric.WithReader(reader)), d.service.plugins)
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
