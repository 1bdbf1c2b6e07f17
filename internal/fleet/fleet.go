// Package fleet looks after the plugins of a running gateway: it reloads them, by command or since their files have changed, and offers their phases to whoever
// collects metrics.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/jalurhq/jalur/config"
	"github.com/jalurhq/jalur/plugins/host"
)

// Config is what a Fleet is made of. All of it is required.
type Config struct {
	Plugins []*host.Plugin
	Reread  func() (config.Config, error)                                 // the configuration as it is now
	Launch  func(provider string, p config.Provider) (host.Config, error) // how a provider's plugin is run
}

// Fleet is the plugins of one gateway.
type Fleet struct {
	Config

	files sync.Map // by provider: which state of its plugin's file runs
}

// New looks after plugins that run.
func New(cfg Config) *Fleet { return &Fleet{Config: cfg} }

// Reload reads the configuration again and has a provider's plugin replaced by what it says there. Errors: no such provider; a configuration that can't be used; those of
// [host.Plugin.Reload], a refused setting with its place in the configuration.
func (f *Fleet) Reload(ctx context.Context, provider string) error {
	plugin := f.plugin(provider)
	if plugin == nil {
		return fmt.Errorf("no provider %q is configured", provider)
	}
	all, err := f.Reread()
	if err != nil {
		return err
	}
	p, there := all.WithDefaults().Providers[provider]
	if !there {
		return fmt.Errorf("provider %s: the configuration has it no more: start the gateway anew", provider)
	}
	cfg, err := f.Launch(provider, p)
	if err != nil {
		return err
	}
	file := fingerprint(p)
	err = plugin.Reload(ctx, cfg)
	if err == nil {
		f.files.Store(provider, file)
	}
	if refused, ok := errors.AsType[*host.SettingsError](err); ok {
		return all.SettingError(provider, refused.Key, refused.Rule)
	}
	return err
}

func (f *Fleet) plugin(name string) *host.Plugin {
	for _, p := range f.Plugins {
		if p.Name() == name {
			return p
		}
	}
	return nil
}

// Watch reloads plugins whose files have changed, where the configuration wants that, and counts the phases of all of them. done ends it.
func (f *Fleet) Watch(cfg config.Config, meters metric.MeterProvider) (done func() error, err error) {
	uncount, err := f.count(meters)
	if err != nil {
		return nil, err
	}
	unwatch := f.watchPrograms(cfg)
	return func() error {
		unwatch()
		return uncount()
	}, nil
}

// lookEvery is how often a plugin's file is looked at. One that is the same twice is taken for whole.
const lookEvery = 2 * time.Second

func (f *Fleet) watchPrograms(cfg config.Config) (done func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	for name, p := range cfg.Providers {
		if p.ReloadOnChange {
			f.files.Store(name, fingerprint(p))
			w := &watcher{fleet: f, provider: name}
			watching.Go(func() { w.run(ctx) })
		}
	}
	return func() {
		cancel()
		watching.Wait()
	}
}

// watcher looks at the file of one plugin: its manifest, or its program where it is alone.
type watcher struct {
	fleet    *Fleet
	provider string
	seen     string // the file at the last look
	tried    string // the file and the pin that were tried last
}

func (w *watcher) run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			w.look(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// look reloads the plugin once its file is another one and stays so. What can't be used, for it is not what is pinned yet or for any other reason, is tried
// again when the file or the pin is another.
func (w *watcher) look(ctx context.Context) {
	cfg, err := w.fleet.Reread()
	p, there := cfg.Providers[w.provider]
	if err != nil || !there {
		return // a file that is being written; a reload by hand would say what is wrong with it
	}
	now := fingerprint(p)
	isStable := now == w.seen
	w.seen = now
	try := now + " " + p.SHA256
	used, _ := w.fleet.files.Load(w.provider)
	if now == "" || !isStable || now == used || try == w.tried {
		return
	}
	w.tried = try
	if err := w.fleet.Reload(ctx, w.provider); errors.Is(err, host.ErrReloading) {
		w.tried = ""
	}
}

// fingerprint tells one state of a plugin's file from another; "" where there is none.
func fingerprint(p config.Provider) string {
	file := p.Plugin
	if p.Manifest != "" {
		file = p.Manifest
	}
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	inode := uint64(0)
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		inode = stat.Ino
	}
	return fmt.Sprint(file, inode, info.Size(), info.ModTime().UnixNano())
}

const meterName = "github.com/jalurhq/jalur"

// count offers each plugin's phase, and how often its process was lost. done ends it.
func (f *Fleet) count(meters metric.MeterProvider) (done func() error, err error) {
	meter := meters.Meter(meterName)
	phase, err := meter.Int64ObservableGauge("jalur.plugin.phase", metric.WithDescription("1 for the phase that a provider's plugin is in, 0 for the others"))
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	lost, err := meter.Int64ObservableCounter("jalur.plugin.lost", metric.WithDescription("processes of a provider's plugin that ended, hung or did not start"))
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	registration, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, plugin := range f.Plugins {
			state, provider := plugin.State(), attribute.String("provider", plugin.Name())
			o.ObserveInt64(lost, int64(state.Restarts), metric.WithAttributes(provider))
			for _, each := range host.Phases() {
				is := int64(0)
				if each == state.Phase {
					is = 1
				}
				o.ObserveInt64(phase, is, metric.WithAttributes(provider, attribute.String("phase", string(each))))
			}
		}
		return nil
	}, phase, lost)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return registration.Unregister, nil
}
