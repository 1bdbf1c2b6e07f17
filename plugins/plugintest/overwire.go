// Package plugintest runs a provider over the real wire inside a test's own process: same messages, same checks, a Unix socket in between, no child
// process.
package plugintest

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/middleware/checked"
	"github.com/jalurhq/jalur/plugins/internal/client"
	"github.com/jalurhq/jalur/plugins/internal/server"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// OverWire is SetOverWire for those who want the provider alone.
func OverWire(tb testing.TB, set core.Set) core.Provider {
	tb.Helper()
	return SetOverWire(tb, set).Provider
}

// SetOverWire serves the set and gives it back as a host would call it: each call crosses the plugin protocol and package checked. Calls that the set
// doesn't have fail with errors.ErrUnsupported in the chain. All of it ends with the test.
func SetOverWire(tb testing.TB, set core.Set) core.Set {
	tb.Helper()
	made := server.New(core.Factory{New: func(json.RawMessage) (core.Set, error) { return set, nil }})
	plugin := client.New(dial(tb, serve(tb, made)), func(s string) string { return s })
	if err := plugin.Configure(tb.Context(), json.RawMessage("{}")); err != nil {
		tb.Fatal("configure:", err)
	}
	d, err := plugin.Describe(tb.Context())
	if err != nil {
		tb.Fatal("describe:", err)
	}
	return checked.Set(d.Name, core.Set{Provider: plugin, Balances: plugin, Callbacks: plugin, Quotes: plugin})
}

// serve gives the path of the socket. It lies in a folder of our own: that of the test can have too long a name.
func serve(tb testing.TB, plugin *server.Server) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "wire")
	if err != nil {
		tb.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "unix", socket)
	if err != nil {
		tb.Fatal(err)
	}
	over := grpc.NewServer(server.Options()...)
	pb.RegisterProviderServer(over, plugin)
	served := make(chan error, 1)
	go func() { served <- over.Serve(listener) }()
	tb.Cleanup(func() {
		over.Stop()
		if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			tb.Error(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	return socket
}

func dial(tb testing.TB, socket string) *grpc.ClientConn {
	tb.Helper()
	options := append(client.Options(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}))
	conn, err := grpc.NewClient("passthrough:///plugin", options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := conn.Close(); err != nil {
			tb.Error(err)
		}
	})
	return conn
}
