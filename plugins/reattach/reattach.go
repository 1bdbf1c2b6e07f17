// Package reattach lets a gateway use a plugin that runs already, under a debugger for instance, and that it neither starts nor ends. It is for development only:
// nothing is pinned or encrypted, and only the private folder of the socket keeps others out.
//
// [Run] runs such a plugin and tells where it is. The gateway starts a bridge in its place, a plugin of its own ([New]) that passes every call on.
package reattach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/internal/client"
)

const (
	// Name is what the bridge is called among the shipped plugins.
	Name = "reattach"
	// Variable is the environment variable that tells a gateway of such plugins, as [Parse] reads it.
	Variable = "JALUR_REATTACH"
)

const connectTime = 10 * time.Second

// Target is where a plugin runs.
type Target struct {
	PID    int    `json:"pid"`
	Socket string `json:"socket"` // a Unix socket, in a folder that is the user's alone
}

// Parse reads {"PROVIDER":{"pid":123,"socket":"/tmp/…"}}.
func Parse(text string) (map[string]Target, error) {
	targets := map[string]Target{}
	if text == "" {
		return targets, nil
	}
	if err := json.Unmarshal([]byte(text), &targets); err != nil {
		return nil, fmt.Errorf("%s is not what `jalur plugin run` printed: %w", Variable, err)
	}
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		if err := targets[name].check(); err != nil {
			return nil, fmt.Errorf("%s: provider %s: %w", Variable, name, err)
		}
	}
	return targets, nil
}

// check wants a socket that nobody else can reach.
func (t Target) check() error {
	const others = 0o077
	info, err := os.Stat(t.Socket)
	if err != nil {
		return fmt.Errorf("the plugin doesn't run any more: %w", err)
	}
	folder, err := os.Stat(filepath.Dir(t.Socket))
	switch {
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("%s is no socket", t.Socket)
	case folder.Mode().Perm()&others != 0:
		return fmt.Errorf("the folder of %s is open to others", t.Socket)
	default:
		return nil
	}
}

// settings are the bridge's.
type settings struct {
	Socket   string          `json:"socket"`
	Settings json.RawMessage `json:"settings"` // the plugin's own
}

// Settings gives the settings of the bridge to a plugin with these settings.
func (t Target) Settings(own map[string]any) map[string]any {
	if own == nil {
		own = map[string]any{}
	}
	return map[string]any{"socket": t.Socket, "settings": own}
}

// Factory makes the bridge.
func Factory() core.Factory { return core.Factory{New: New} }

// New makes the bridge from its settings. A plugin that has its settings already keeps them.
func New(raw json.RawMessage) (core.Set, error) {
	var given settings
	if err := json.Unmarshal(raw, &given); err != nil || given.Socket == "" {
		return core.Set{}, errors.New("the plugin reattach is for $" + Variable + " and not for a configuration")
	}
	set, _, err := Connect(Target{Socket: given.Socket}, given.Settings) // the bridge's process ends with its host
	return set, err
}

// Connect calls a plugin that runs, by no other way than its socket: what it answers is not checked. done ends the connection. An error in whose chain is a method
// SettingKey() string is the plugin's refusal of its settings.
func Connect(t Target, own json.RawMessage) (set core.Set, done func() error, err error) {
	plugin, done, err := dial(t)
	if err != nil {
		return core.Set{}, nil, err
	}
	if err := configure(plugin, own); err != nil {
		return core.Set{}, nil, errors.Join(err, done())
	}
	return core.Set{Provider: plugin, Balances: plugin, Callbacks: plugin, Quotes: plugin}, done, nil
}

// Schema asks a plugin that runs for the JSON Schema of its settings; nil where it has none.
func Schema(ctx context.Context, t Target) (schema json.RawMessage, err error) {
	plugin, done, err := dial(t)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	return plugin.Schema(ctx)
}

func dial(t Target) (*client.Client, func() error, error) {
	conn, err := grpc.NewClient("passthrough:///plugin", append(client.Options(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", t.Socket)
		}))...)
	if err != nil {
		return nil, nil, err
	}
	return client.New(conn, func(text string) string { return text }), conn.Close, nil // the gateway hides what must be hidden
}

func configure(plugin *client.Client, own json.RawMessage) error {
	ctx, cancel := context.WithTimeout(context.Background(), connectTime)
	defer cancel()
	err := plugin.Configure(ctx, own)
	if refused, ok := errors.AsType[*core.SettingError](err); ok {
		return refused
	}
	if err == nil {
		return nil
	}
	if _, described := plugin.Describe(ctx); described != nil {
		return err
	}
	slog.Warn("the plugin has been used before: it keeps the settings that it got first")
	return nil
}
