// Package jalur is the front door of the framework: Open starts what a configuration names, and gives the service that
// makes top-ups. ARCHITECTURE.md shows what stands behind it.
package jalur

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/jalurhq/jalur/config"
	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/checker"
	"github.com/jalurhq/jalur/core/journal/postgres"
	"github.com/jalurhq/jalur/core/journal/spill"
	"github.com/jalurhq/jalur/core/journal/sqlite"
	"github.com/jalurhq/jalur/core/middleware/breaker"
	"github.com/jalurhq/jalur/core/middleware/tracing"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/router"
	"github.com/jalurhq/jalur/internal/fleet"
	"github.com/jalurhq/jalur/plugins/host"
	"github.com/jalurhq/jalur/plugins/sdk"
)

// startWait is how long Open, and later a call, waits for a plugin that is still starting.
const startWait = 5 * time.Second

// Options are what a host decides for itself; the zero Options serve.
type Options struct {
	// Shipped is what sdk.Self gave to main: the plugins that this program can start itself as. Without it every plugin must be a path.
	Shipped sdk.Shipped
	// GatewayURL is where this process serves the HTTP API. Empty: it serves none and holds the journal for a short time only. A journal on PostgreSQL isn't held.
	GatewayURL string
	// Reread gives the configuration as it is now, for [Service.ReloadPlugin]; nil: that works with the one of Open.
	Reread func() (config.Config, error)
	// KeepSending lets a gateway go on although its hourly check finds its journal broken: an operator has looked.
	KeepSending bool
	Log         *slog.Logger         // default slog.Default()
	Tracer      trace.TracerProvider // default OpenTelemetry's global one
	Meter       metric.MeterProvider // default OpenTelemetry's global one
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Tracer == nil {
		o.Tracer = otel.GetTracerProvider()
	}
	if o.Meter == nil {
		o.Meter = otel.GetMeterProvider()
	}
	return o
}

// Service makes top-ups. Its methods are those of [payments.Service]; Close ends what Open started.
type Service struct {
	*payments.Service

	store   journal.Store
	spill   *spill.Folder
	plugins []*host.Plugin
	fleet   *fleet.Fleet
	ended   []func() error // ends what counts and what watches
}

// Open checks the configuration, opens the journal, and starts a plugin for every provider. A setting that a plugin refuses is an error that names file, line
// and key; a plugin that can't run just now is not: its provider is down until it does. Where the spill's space can't be reserved it is an error. The context bounds the opening only.
func Open(ctx context.Context, cfg config.Config, options Options) (*Service, error) {
	options = options.withDefaults()
	cfg = cfg.WithDefaults()
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	store, err := openJournal(ctx, cfg, options)
	if err != nil {
		return nil, err
	}
	kept, err := spill.Open(spill.Config{Path: cfg.SpillPath()})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	s := &Service{store: store, spill: kept}
	if err := s.start(ctx, cfg, options); err != nil {
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// openJournal chooses the store. A SQLite file has one holder at a time; on PostgreSQL any number of gateways and commands work side by side.
func openJournal(ctx context.Context, cfg config.Config, options Options) (journal.Store, error) {
	if dsn := cfg.JournalDSN(); dsn != "" {
		return postgres.Open(ctx, postgres.Config{DSN: dsn, Logger: options.Log})
	}
	role := sqlite.RoleCommand
	if options.GatewayURL != "" {
		role = sqlite.RoleGateway
	}
	return sqlite.Open(ctx, sqlite.Config{Path: cfg.JournalPath(), Role: role, URL: options.GatewayURL, Logger: options.Log})
}

func (s *Service) start(ctx context.Context, cfg config.Config, options Options) error {
	var err error
	if s.plugins, err = startPlugins(ctx, cfg, options); err != nil {
		return err
	}
	providers := make([]router.Provider, 0, len(s.plugins))
	for _, plugin := range s.plugins {
		provider, err := wrap(plugin, cfg, options)
		if err != nil {
			return err
		}
		providers = append(providers, provider)
	}
	routes, err := router.New(rules(cfg.Routes), providers)
	if err != nil {
		return err
	}
	s.fleet = newFleet(s.plugins, cfg, options)
	if options.GatewayURL != "" {
		if err := s.watch(cfg, options.Meter); err != nil { //nolint:contextcheck // it ends with Close
			return err
		}
	}
	s.Service = payments.New(payments.Config{ //nolint:contextcheck // its background work ends with Close
		Store: s.store, Spill: s.spill, Clock: clock.System{}, Router: routes, NewID: func() string { return ulid.Make().String() }, Log: options.Log,
		Checks: checks(options), SecondPersonAbove: secondPersonAbove(cfg),
	})
	return nil
}

func newFleet(plugins []*host.Plugin, cfg config.Config, options Options) *fleet.Fleet {
	reread := options.Reread
	if reread == nil {
		reread = func() (config.Config, error) { return cfg, nil }
	}
	return fleet.New(fleet.Config{Plugins: plugins, Reread: reread, Launch: func(provider string, p config.Provider) (host.Config, error) {
		return pluginConfig(provider, p, options)
	}})
}

// ReloadPlugin reads the configuration again, starts a provider's plugin anew by what it says there (program, pin, settings, limits) and, once the new process is
// well, puts it in the place of the one in use; that one ends its calls first. Timeout, breaker and routes stay as they were at the start. After an error the
// plugin is as before. Errors: no such provider; a configuration that can't be used; those of [host.Plugin.Reload], a refused setting with its place in the configuration.
func (s *Service) ReloadPlugin(ctx context.Context, provider string) error {
	return s.fleet.Reload(ctx, provider)
}

// watch begins what only a gateway does beside its payments: it counts, and it looks for plugins that have changed.
func (s *Service) watch(cfg config.Config, meters metric.MeterProvider) error {
	for _, begin := range []func() (func() error, error){
		func() (func() error, error) { return countCases(meters, s.store) },
		func() (func() error, error) { return s.fleet.Watch(cfg, meters) },
	} {
		done, err := begin()
		if err != nil {
			return err
		}
		s.ended = append(s.ended, done)
	}
	return nil
}

func secondPersonAbove(cfg config.Config) core.Money {
	if cfg.Resolve.SecondPersonAbove == 0 {
		return core.Money{}
	}
	return core.IDR(int64(cfg.Resolve.SecondPersonAbove))
}

const meterName = "github.com/jalurhq/jalur"

// countCases offers the number of open cases, by kind, to whoever collects metrics. done ends it.
func countCases(meters metric.MeterProvider, cases journal.CaseStore) (done func() error, err error) {
	meter := meters.Meter(meterName)
	open, err := meter.Int64ObservableGauge("jalur.cases.open", metric.WithDescription("what people have to look at, by kind"))
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	registration, err := meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		counts, err := cases.OpenCases(ctx)
		if err != nil {
			return fmt.Errorf("open cases: %w", err)
		}
		for _, kind := range journal.CaseKinds() {
			counts[kind] += 0 // none is told too: an alert must be able to end
		}
		for kind, n := range counts {
			o.ObserveInt64(open, int64(n), metric.WithAttributes(attribute.String("kind", string(kind))))
		}
		return nil
	}, open)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return registration.Unregister, nil
}

// When a gateway looks over its journal. A command is gone before.
const (
	firstCheck = time.Minute
	checkEvery = time.Hour
)

func checks(options Options) payments.Checks {
	if options.GatewayURL == "" {
		return payments.Checks{}
	}
	return payments.Checks{First: firstCheck, Every: checkEvery, KeepSending: options.KeepSending}
}

// CheckJournal opens the configuration's journal as a command does, and holds it against its own invariants. progress is told of each page; it may be nil.
// Errors: a [*sqlite.HeldError] where a gateway holds the journal; what kept it from being read to its end, beside the report of what was read.
func CheckJournal(ctx context.Context, cfg config.Config, log *slog.Logger, progress func(checker.Report)) (report checker.Report, err error) {
	cfg = cfg.WithDefaults()
	store, err := openJournal(ctx, cfg, Options{Log: log})
	if err != nil {
		return checker.Report{}, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return checker.Check(ctx, store, checker.Options{Progress: progress})
}

// UseJournal opens the configuration's journal as a command does, for a look at whether it may be sent from, or for an operator's word about it.
// Errors: a [*sqlite.HeldError] where a gateway holds the file.
func UseJournal(ctx context.Context, cfg config.Config, log *slog.Logger, use func(journal.Holder) error) (err error) {
	store, err := openJournal(ctx, cfg.WithDefaults(), Options{Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	holder, ok := store.(journal.Holder)
	if !ok {
		return errors.New("this journal can't be held")
	}
	return use(holder)
}

// Close takes no more orders, waits until every call that has begun is written down or the context ends, stops the plugins and closes journal and spill. No process is left.
func (s *Service) Close(ctx context.Context) error {
	var problems []error
	if s.Service != nil {
		problems = append(problems, s.Service.Close(ctx))
	}
	for _, end := range s.ended {
		problems = append(problems, end())
	}
	problems = append(problems, stopPlugins(ctx, s.plugins), s.store.Close(), s.spill.Close())
	return errors.Join(problems...)
}

// CheckPlugins starts each provider's plugin for a moment, so that it looks at its own settings, and changes nothing. The error names file, line and key.
func CheckPlugins(ctx context.Context, cfg config.Config, options Options) error {
	plugins, err := startPlugins(ctx, cfg, options.withDefaults())
	if err == nil {
		for _, plugin := range plugins {
			err = errors.Join(err, plugin.Started(ctx))
		}
	}
	return errors.Join(err, stopPlugins(context.WithoutCancel(ctx), plugins))
}

// startPlugins starts all plugins side by side, and waits a while for each to be there. Only what can't get better by itself is an error.
func startPlugins(ctx context.Context, cfg config.Config, options Options) ([]*host.Plugin, error) {
	if err := checkSettings(cfg, options.Shipped); err != nil {
		return nil, err
	}
	var plugins []*host.Plugin
	var problems []error
	for name, p := range cfg.Providers {
		plugin, err := startPlugin(ctx, name, p, options)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		plugins = append(plugins, plugin)
	}
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	for _, plugin := range plugins {
		err := plugin.Started(ctx) // one that is not there in time, or not at once, is waited for by its callers
		if refused, ok := errors.AsType[*host.SettingsError](err); ok {
			problems = append(problems, cfg.SettingError(plugin.Name(), refused.Key, refused.Rule))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, errors.Join(err, stopPlugins(context.WithoutCancel(ctx), plugins))
	}
	return plugins, nil
}

// checkSettings holds the settings of shipped plugins against their schemas. Nothing is started for it; a binary of somebody else's is asked for its schema when it
// starts.
func checkSettings(cfg config.Config, shipped sdk.Shipped) error {
	var problems []error
	schemas := shipped.Schemas()
	for _, name := range slices.Sorted(maps.Keys(cfg.Providers)) {
		p := cfg.Providers[name]
		settings, err := json.Marshal(p.Settings)
		if err != nil {
			return fmt.Errorf("provider %s: settings: %w", name, err)
		}
		refused, err := host.CheckSettings(name, schemas[p.Plugin], settings)
		if err != nil {
			return err
		}
		for _, one := range refused {
			problems = append(problems, cfg.SettingError(name, one.Key, one.Rule))
		}
	}
	return errors.Join(problems...)
}

func startPlugin(ctx context.Context, name string, p config.Provider, options Options) (*host.Plugin, error) {
	cfg, err := pluginConfig(name, p, options)
	if err != nil {
		return nil, err
	}
	return host.Start(ctx, cfg)
}

func pluginConfig(name string, p config.Provider, options Options) (host.Config, error) {
	settings, err := json.Marshal(p.Settings)
	if err != nil {
		return host.Config{}, fmt.Errorf("provider %s: settings: %w", name, err)
	}
	memory, err := p.Limits.Bytes()
	if err != nil {
		return host.Config{}, fmt.Errorf("provider %s: limits: %w", name, err)
	}
	return host.Config{
		Name: name, Plugin: p.Plugin, SHA256: p.SHA256, Manifest: p.Manifest, Shipped: options.Shipped, Settings: settings, Secrets: p.Secrets,
		Limits: host.Limits{Memory: memory, CPUs: p.Limits.CPUs}, Logger: options.Log, Timeout: p.Timeout, StartWait: startWait,
	}, nil
}

func stopPlugins(ctx context.Context, plugins []*host.Plugin) error {
	problems := make([]error, len(plugins))
	var stopping sync.WaitGroup
	for i, plugin := range plugins {
		stopping.Go(func() { problems[i] = plugin.Stop(ctx) })
	}
	stopping.Wait()
	return errors.Join(problems...)
}

// wrap puts the decorators around a plugin: tracing outermost, so that a call that the breaker refuses shows as well.
func wrap(plugin *host.Plugin, cfg config.Config, options Options) (router.Provider, error) {
	settings, set := cfg.Providers[plugin.Name()], plugin.Set()
	traced, err := tracing.New(tracing.Config{Provider: plugin.Name(), Tracer: options.Tracer, Meter: options.Meter})
	if err != nil {
		return router.Provider{}, err
	}
	guarded := breaker.New(breaker.Config(settings.Breaker), set.Provider)
	return router.Provider{
		Provider: core.Chain(guarded, traced), Name: plugin.Name(), Timeout: settings.Timeout,
		Balances: set.Balances, Callbacks: set.Callbacks, Quotes: set.Quotes, CallbackURL: callbackURL(cfg.Server.PublicURL, plugin.Name()),
		Ready:  func(ctx context.Context) error { return ready(ctx, plugin, guarded) },
		Health: func() router.Health { return health(plugin.State(), guarded.States()) },
	}, nil
}

// callbackURL gives where a provider reaches the gateway by itself, where others than this machine do at all.
func callbackURL(public, provider string) string {
	if public == "" {
		return ""
	}
	return strings.TrimSuffix(public, "/") + "/callbacks/" + provider
}

func ready(ctx context.Context, plugin *host.Plugin, guarded *breaker.Breaker) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	if err := plugin.Ready(ctx); err != nil {
		return err
	}
	return guarded.Ready(ctx)
}

func health(state host.State, breakers map[string]string) router.Health {
	h := router.Health{State: string(state.Phase), Restarts: state.Restarts, Breakers: breakers}
	switch {
	case state.Phase != host.Ready && state.LastErr != "":
		h.Problem = fmt.Sprintf("its plugin is in %s: %s", state.Phase, state.LastErr)
	case state.Phase != host.Ready:
		h.Problem = fmt.Sprintf("its plugin is in %s", state.Phase)
	case breakers["pay"] == "open":
		h.Problem = "its breaker is open"
	}
	return h
}

func rules(routes []config.Route) []router.Rule {
	all := make([]router.Rule, len(routes))
	for i, route := range routes {
		all[i] = router.Rule{Merchant: core.MerchantCode(route.Merchant), InquireFirst: route.InquireFirst}
		for _, lane := range route.Via {
			all[i].Lanes = append(all[i].Lanes, router.Lane{Provider: lane.Provider, Product: lane.Product})
		}
	}
	return all
}
