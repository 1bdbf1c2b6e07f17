package host

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jalurhq/jalur/plugins/internal/wire"
	"github.com/jalurhq/jalur/plugins/sdk"
)

// Config says which plugin to run, and how.
type Config struct {
	Name     string          // the provider's name in the configuration: stands in every error and log line
	Plugin   string          // a shipped plugin's name, or the path of a binary, which has a separator in it
	Shipped  sdk.Shipped     // what this program can start itself as: what sdk.Self gave
	SHA256   string          // of the program's file or, where there is one, of the manifest, as 64 small hex digits: another is not started; empty: any
	Manifest string          // lists every file of its folder, the program too, as sha256sum writes it; only with SHA256
	Settings json.RawMessage // the provider's own; default {}
	Secrets  []string        // texts that no log or error may show; shorter ones than 4 bytes can't be hidden
	Logger   *slog.Logger    // default slog.Default()

	Timeout      time.Duration // the longest that one call may take; default 30 s
	StartWait    time.Duration // how long a call waits for a process that is being restarted; default 5 s
	StartTimeout time.Duration // from the start of the process to its first answers; default 10 s
	Grace        time.Duration // between asking a process to end and killing it; default 2 s
	TempDir      string        // where the sockets' private folders are made; default $XDG_RUNTIME_DIR, else the system's
	Limits       Limits
	Health       Health
	Restart      Restart
}

// Limits are what a Go plugin keeps to by itself. For a limit that the system enforces, use the service manager's.
type Limits struct {
	Memory int64 // in bytes, the runtime's soft limit (GOMEMLIMIT); default the host's own, else what the SDK sets
	CPUs   int   // that run Go code at once (GOMAXPROCS); default the host's own, else the runtime's
}

// Health is how a process that lives but doesn't answer is found.
type Health struct {
	Every    time.Duration // default 5 s
	Deadline time.Duration // for one question; default 1 s
	Misses   int           // this many in a row mean that it hangs; default 3
}

// Restart is how long to wait before the next process: First, then twice as long each time, up to Max, each less up to a half at random. It begins anew after a
// process that was well for HealthyAfter. After Attempts processes that weren't, all within Within, the plugin has given up: it rests, and then begins anew.
type Restart struct {
	First        time.Duration // default 100 ms
	Max          time.Duration // default 30 s
	HealthyAfter time.Duration // default 60 s
	Attempts     int           // default 10
	Within       time.Duration // default 10 min
	Rest         time.Duration // default 15 min
}

// What Config's comments promise.
const (
	defaultTimeout      = 30 * time.Second
	defaultStartWait    = 5 * time.Second
	defaultStartTimeout = 10 * time.Second
	defaultGrace        = 2 * time.Second
	defaultHealthEvery  = 5 * time.Second
	defaultHealthMisses = 3
	defaultRestartFirst = 100 * time.Millisecond
	defaultRestartMax   = 30 * time.Second
	defaultAttempts     = 10
	defaultWithin       = 10 * time.Minute
	defaultRest         = 15 * time.Minute
)

var (
	errNoName   = errors.New("host: Config.Name is empty")
	errSettings = errors.New("host: Config.Settings is not JSON")
)

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if len(c.Settings) == 0 {
		c.Settings = json.RawMessage("{}")
	}
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	c.StartWait = cmp.Or(c.StartWait, defaultStartWait)
	c.StartTimeout = cmp.Or(c.StartTimeout, defaultStartTimeout)
	c.Grace = cmp.Or(c.Grace, defaultGrace)
	c.Health.Every = cmp.Or(c.Health.Every, defaultHealthEvery)
	c.Health.Deadline = cmp.Or(c.Health.Deadline, time.Second)
	c.Health.Misses = cmp.Or(c.Health.Misses, defaultHealthMisses)
	c.Restart.First = cmp.Or(c.Restart.First, defaultRestartFirst)
	c.Restart.Max = cmp.Or(c.Restart.Max, defaultRestartMax)
	c.Restart.HealthyAfter = cmp.Or(c.Restart.HealthyAfter, time.Minute)
	c.Restart.Attempts = cmp.Or(c.Restart.Attempts, defaultAttempts)
	c.Restart.Within = cmp.Or(c.Restart.Within, defaultWithin)
	c.Restart.Rest = cmp.Or(c.Restart.Rest, defaultRest)
	return c
}

// withProgram gives the configuration with another's program, settings and limits. Everything else is for as long as the plugin is.
func (c Config) withProgram(other Config) Config {
	c.Plugin, c.Manifest, c.SHA256, c.Limits = other.Plugin, other.Manifest, other.SHA256, other.Limits
	c.Settings, c.Secrets = other.withDefaults().Settings, other.Secrets
	return c
}

func (c Config) check() error {
	switch {
	case c.Name == "":
		return errNoName
	case !json.Valid(c.Settings):
		return errSettings
	case c.Manifest != "" && c.SHA256 == "":
		return fmt.Errorf("host: plugin %s: Config.Manifest without its SHA256", c.Name)
	case c.Manifest != "" && !c.isPath():
		return fmt.Errorf("host: plugin %s: Config.Manifest is for a plugin of a path", c.Name)
	case min(c.Timeout, c.StartWait, c.StartTimeout, c.Grace, c.Health.Every, c.Health.Deadline, c.Restart.First, c.Restart.Within, c.Restart.Rest) < 0:
		return fmt.Errorf("host: plugin %s: a negative duration in Config", c.Name)
	case c.Limits.Memory < 0 || c.Limits.CPUs < 0 || c.Restart.Attempts < 0:
		return fmt.Errorf("host: plugin %s: a negative number in Config", c.Name)
	case !c.isPath() && !c.Shipped.Has(c.Plugin):
		return c.notShipped()
	default:
		return nil
	}
}

func (c Config) isPath() bool { return strings.ContainsRune(c.Plugin, filepath.Separator) }

// command gives the program to start and its arguments, the program's own name first.
func (c Config) command() (path string, args []string, err error) {
	if c.isPath() {
		return c.Plugin, []string{c.Plugin}, checkBinary(c.Plugin)
	}
	self, err := os.Executable()
	if err != nil {
		return "", nil, fmt.Errorf("host: this program doesn't know its own path: %w", err)
	}
	args = []string{self, wire.SelfCommand, c.Plugin}
	if runtime.GOOS == "linux" {
		self = "/proc/self/exe" // the very file that runs, even after an upgrade has put another in its place
	}
	return self, args, nil
}

func (c Config) notShipped() error {
	if names := c.Shipped.Names(); len(names) > 0 {
		return fmt.Errorf("no plugin %q is shipped with this program, only %s; for a binary of your own give its path (\"./%s\")",
			c.Plugin, strings.Join(names, ", "), c.Plugin)
	}
	return fmt.Errorf("this program can't start itself as plugin %q: call sdk.Self first in main, or give a path to a plugin binary", c.Plugin)
}

func checkBinary(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("plugin binary %s does not exist: %w", path, fs.ErrNotExist)
	case err != nil:
		return fmt.Errorf("plugin binary: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("plugin binary %s is not a file", path)
	case info.Mode().Perm()&anyExecute == 0:
		return fmt.Errorf("plugin binary %s is not executable: %w", path, fs.ErrPermission)
	default:
		return nil
	}
}
