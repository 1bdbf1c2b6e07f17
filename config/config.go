package config

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// The values that stand where a configuration says nothing.
const (
	DefaultJournal = "sqlite://jalur.db"
	DefaultSpill   = "jalur.spill"
	DefaultListen  = "127.0.0.1:8080"

	DefaultTimeout        = 30 * time.Second
	DefaultBreakerCalls   = 20
	DefaultBreakerWithin  = 60 * time.Second
	DefaultBreakerRatio   = 0.5
	DefaultBreakerOpenFor = 30 * time.Second
)

// StrategyPriority takes a route's lanes in the order in which they are listed. It is the only strategy of this version.
const StrategyPriority = "priority"

// Scope is one thing that a client of the server may do.
type Scope = string

// The scopes, from the least to the most.
const (
	ScopeRead    Scope = "read"
	ScopePay     Scope = "pay"
	ScopeResolve Scope = "resolve"
	ScopeAdmin   Scope = "admin"
)

// Scopes lists every scope.
func Scopes() []Scope { return []Scope{ScopeRead, ScopePay, ScopeResolve, ScopeAdmin} }

// Config is everything that a gateway is told. What [Load] returns has its defaults filled in, its paths absolute and its rules checked.
type Config struct {
	// Journal is "sqlite://PATH" or "postgres://USER@HOST/DATABASE"; default [DefaultJournal]. A relative path starts at the file's folder. See
	// [Config.JournalPath] and [Config.JournalDSN].
	Journal string `koanf:"journal"`
	// Spill is the folder in which outcomes are kept while the journal can't take them. Default: the SQLite journal's path with ".spill" behind it, or
	// [DefaultSpill] where the journal is on PostgreSQL. A relative path starts at the file's folder. See [Config.SpillPath].
	Spill     string              `koanf:"spill"`
	Providers map[string]Provider `koanf:"providers"`
	Routes    []Route             `koanf:"routes"`
	Server    Server              `koanf:"server"`
	Resolve   Resolve             `koanf:"resolve"`

	src *source // where each value stands; nil for a Config that was built in Go
}

// Provider is one configured provider and how it is called.
type Provider struct {
	// Plugin is the name of a shipped plugin ("mmbc"), or the path of a plugin binary, which holds a slash.
	Plugin string `koanf:"plugin"`
	// SHA256 pins the binary, or the manifest where there is one: 64 hex digits, or empty for any.
	SHA256 string `koanf:"sha256"`
	// Manifest is the path of a list of all files of the plugin's folder, as sha256sum writes it; empty: the plugin is one file.
	Manifest string `koanf:"manifest"`
	// ReloadOnChange: a gateway reloads the plugin by itself once its file, or its manifest, is another.
	ReloadOnChange bool `koanf:"reload_on_change"`
	// Settings are the provider's own. The plugin checks them; see [Config.SettingError].
	Settings map[string]any `koanf:"settings"`
	// Timeout bounds one call; default 30 s.
	Timeout time.Duration `koanf:"timeout"`
	Breaker Breaker       `koanf:"breaker"`
	Limits  Limits        `koanf:"limits"`
	// Secrets are values among the settings that no log may show: what came from the environment or a file, and what a name gives away
	// ("password", "api_key"). The longest stands first; what is shorter than four characters is left out.
	Secrets []string `koanf:"-"`
}

// Breaker says when a provider is left alone: once Ratio of at least Calls calls Within a time were faults, for OpenFor.
type Breaker struct {
	Calls   int           `koanf:"calls"`    // default 20
	Within  time.Duration `koanf:"within"`   // default 60 s
	Ratio   float64       `koanf:"ratio"`    // more than 0, at most 1; default 0.5
	OpenFor time.Duration `koanf:"open_for"` // default 30 s
}

// Limits are what a plugin's Go runtime is told to keep to.
type Limits struct {
	// Memory is a soft limit, as a number with its unit: "512MiB"; default 512 MiB. See [Limits.Bytes].
	Memory string `koanf:"memory"`
	CPUs   int    `koanf:"cpus"` // that it computes on at once; default all
}

// Route is the ordered providers of a merchant.
type Route struct {
	// Merchant is a merchant's code, or "*" for every merchant that has no route of its own.
	Merchant string `koanf:"merchant"`
	// Strategy is how the lanes are ordered; default [StrategyPriority].
	Strategy string `koanf:"strategy"`
	// InquireFirst: a payment asks for a quote before it pays.
	InquireFirst bool   `koanf:"inquire_first"`
	Via          []Lane `koanf:"via"`
}

// Lane is one provider of a route.
type Lane struct {
	Provider string `koanf:"provider"`
	// Product is the provider's own code for the merchant; empty: the merchant's code.
	Product string `koanf:"product"`
}

// Server is the gateway's own HTTP side.
type Server struct {
	// Listen is HOST:PORT; default [DefaultListen]. Without clients it must be a loopback address.
	Listen string `koanf:"listen"`
	// PublicURL is where providers reach /callbacks/{provider}; empty: nowhere.
	PublicURL string   `koanf:"public_url"`
	Clients   []Client `koanf:"clients"`
}

// Resolve bounds what an operator may say of a payment that nobody knows the outcome of.
type Resolve struct {
	// SecondPersonAbove, in whole rupiah: that a larger payment was not executed two persons must say; default 0, which stands for none: one is always enough.
	SecondPersonAbove int `koanf:"second_person_above"`
}

// Client is somebody who may call the server.
type Client struct {
	ID string `koanf:"id"`
	// SecretSHA256 is the SHA-256 of the client's secret, as 64 hex digits.
	SecretSHA256 string  `koanf:"secret_sha256"`
	Scopes       []Scope `koanf:"scopes"`
}

// WithDefaults gives a copy in which every value that isn't set has its default, hashes are lower case and Secrets hold the settings that a
// name gives away. The receiver stays as it is; the settings are shared.
func (c Config) WithDefaults() Config {
	c.Journal = orDefault(c.Journal, DefaultJournal)
	c.Server.Listen = orDefault(c.Server.Listen, DefaultListen)
	c.Server.Clients = slices.Clone(c.Server.Clients)
	for i := range c.Server.Clients {
		c.Server.Clients[i].SecretSHA256 = strings.ToLower(c.Server.Clients[i].SecretSHA256)
	}
	c.Routes = slices.Clone(c.Routes)
	for i := range c.Routes {
		c.Routes[i].Strategy = orDefault(c.Routes[i].Strategy, StrategyPriority)
	}
	c.Providers = maps.Clone(c.Providers)
	for name, p := range c.Providers {
		c.Providers[name] = p.withDefaults()
	}
	return c
}

func (p Provider) withDefaults() Provider {
	p.SHA256 = strings.ToLower(p.SHA256)
	p.Timeout = orDefault(p.Timeout, DefaultTimeout)
	p.Breaker = Breaker{
		Calls:   orDefault(p.Breaker.Calls, DefaultBreakerCalls),
		Within:  orDefault(p.Breaker.Within, DefaultBreakerWithin),
		Ratio:   orDefault(p.Breaker.Ratio, DefaultBreakerRatio),
		OpenFor: orDefault(p.Breaker.OpenFor, DefaultBreakerOpenFor),
	}
	p.Secrets = compactSecrets(append(slices.Clone(p.Secrets), namedSecrets(p.Settings)...))
	return p
}

func orDefault[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}

// JournalDSN gives the address of a PostgreSQL journal, which may hold a password; "" where the journal is a file.
func (c Config) JournalDSN() string {
	if isPostgres(c.Journal) {
		return c.Journal
	}
	return ""
}

// JournalPath gives the file of a SQLite journal: absolute after [Load], otherwise as it was written.
func (c Config) JournalPath() string {
	return strings.TrimPrefix(orDefault(c.Journal, DefaultJournal), sqliteScheme)
}

// SpillPath gives the folder of the spill: absolute after [Load], otherwise as it was written.
func (c Config) SpillPath() string {
	switch {
	case c.Spill != "":
		return c.Spill
	case c.JournalDSN() != "":
		return DefaultSpill
	default:
		return c.JournalPath() + ".spill"
	}
}

// IsPath reports whether the plugin is a binary's path rather than the name of a shipped plugin.
func (p Provider) IsPath() bool { return strings.Contains(p.Plugin, "/") }

// String names the plugin and the settings without their values.
func (p Provider) String() string {
	return fmt.Sprintf("{plugin %s, settings %v}", p.Plugin, slices.Sorted(maps.Keys(p.Settings)))
}

// GoString is String: a dump with %#v must not show the settings either.
func (p Provider) GoString() string { return p.String() }

// LogValue is String for log/slog.
func (p Provider) LogValue() slog.Value { return slog.StringValue(p.String()) }
