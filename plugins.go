package jalur

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

// ErrNoProvider: no provider of this name is configured.
var ErrNoProvider = errors.New("no provider of this name is configured")

// ReloadPlugin reads the configuration again, starts a provider's plugin anew by what it says there (program, pin, settings, limits) and, once the new process is
// well, puts it in the place of the one in use; that one ends its calls first. Timeout, breaker and routes stay as they were at the start. After an error the
// plugin is as before. Errors: [ErrNoProvider]; a configuration that can't be used; those of [host.Plugin.Reload], a refused setting with its place in the configuration.
func (s *Service) ReloadPlugin(ctx context.Context, provider string) error {
	plugin := s.plugin(provider)
	if plugin == nil {
		return fmt.Errorf("provider %s: %w", provider, ErrNoProvider)
	}
	all, err := s.reread()
	if err != nil {
		return err
	}
	p, there := all.WithDefaults().Providers[provider]
	if !there {
		return fmt.Errorf("provider %s: the configuration has it no more: start the gateway anew", provider)
	}
	cfg, err := pluginConfig(provider, p, s.options)
	if err != nil {
		return err
	}
	file := fingerprint(p)
	err = plugin.Reload(ctx, cfg)
	if err == nil {
		s.files.Store(provider, file)
	}
	if refused, ok := errors.AsType[*host.SettingsError](err); ok {
		return all.SettingError(provider, refused.Key, refused.Rule)
	}
	return err
}

func (s *Service) plugin(name string) *host.Plugin {
	for _, p := range s.plugins {
		if p.Name() == name {
			return p
		}
	}
	return nil
}

// lookEvery is how often a plugin's file is looked at. One that is the same twice is taken for whole.
const lookEvery = 2 * time.Second

// watchPrograms reloads plugins whose files have changed, where the configuration wants that. done ends it.
func (s *Service) watchPrograms(cfg config.Config) (done func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	for name, p := range cfg.Providers {
		if p.ReloadOnChange {
			s.files.Store(name, fingerprint(p))
			w := &watcher{service: s, provider: name}
			watching.Go(func() { w.run(ctx) })
		}
	}
	return func() error {
		cancel()
		watching.Wait()
		return nil
	}
}

// watcher looks at the file of one plugin: its manifest, or its program where it is alone.
type watcher struct {
	service  *Service
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
	cfg, err := w.service.reread()
	p, there := cfg.Providers[w.provider]
	if err != nil || !there {
		return // a file that is being written; a reload by hand would say what is wrong with it
	}
	now := fingerprint(p)
	isStable := now == w.seen
	w.seen = now
	try := now + " " + p.SHA256
	used, _ := w.service.files.Load(w.provider)
	if now == "" || !isStable || now == used || try == w.tried {
		return
	}
	w.tried = try
	if err := w.service.ReloadPlugin(ctx, w.provider); errors.Is(err, host.ErrReloading) {
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

// countPlugins offers each plugin's phase, and how often its process was lost, to whoever collects metrics. done ends it.
func countPlugins(meters metric.MeterProvider, plugins []*host.Plugin) (done func() error, err error) {
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
		for _, plugin := range plugins {
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
