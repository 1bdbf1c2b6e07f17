package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/internal/telemetry"
	"github.com/jalurhq/jalur/plugins/internal/server"
	"github.com/jalurhq/jalur/plugins/internal/wire"
)

const (
	gcPercent   = 400
	memoryLimit = 512 << 20
	lastExport  = 500 * time.Millisecond // for the spans that are left when the process ends
)

// Serve runs this process as a plugin until the host ends it, and then exits. Call it first in main.
func Serve(factory core.Factory) { serve(filepath.Base(os.Args[0]), factory) }

func serve(name string, factory core.Factory) {
	if !startedByHost() {
		fmt.Fprintln(os.Stderr, "this program is a plugin of Jalur: name its path in a configuration (providers: … plugin: …), and the gateway starts it")
		os.Exit(1)
	}
	std, err := takeStdout()
	if err != nil {
		fmt.Fprintln(os.Stderr, "standard output can't be kept for the handshake:", err)
		os.Exit(1)
	}
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	slog.SetDefault(slog.New(slog.NewJSONHandler(std.err, nil)))
	tuneMemory()
	flush := startTracing(name)
	go exitWithHost(flush)

	os.Stdout = std.handshake
	plugin.Serve(config(server.New(restoring(std, factory)), std.err))
	flush()
	os.Exit(0)
}

// restoring puts the process's outputs in order before any code of the author's runs.
func restoring(std streams, factory core.Factory) core.Factory {
	inner := factory.New
	factory.New = func(settings json.RawMessage) (core.Set, error) {
		std.restore()
		return inner(settings)
	}
	return factory
}

func startedByHost() bool {
	handshake := wire.Handshake()
	return os.Getenv(handshake.MagicCookieKey) == handshake.MagicCookieValue
}

func config(s *server.Server, log io.Writer) *plugin.ServeConfig {
	return &plugin.ServeConfig{
		HandshakeConfig: wire.Handshake(),
		Plugins:         plugin.PluginSet{wire.PluginName: &service{server: s}},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, server.Options()...)...)
		},
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: log, JSONFormat: true}),
	}
}

// startTracing gives what exports the spans that are left. Tracing that can't start is no reason for a plugin not to.
func startTracing(name string) (flush func()) {
	shutdown, err := telemetry.Setup(context.Background(), name)
	if err != nil {
		slog.Error("no tracing", "error", err)
		return func() {}
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), lastExport)
		defer cancel()
		if err := shutdown(ctx); err != nil {
			slog.Warn("spans were lost", "error", err)
		}
	}
}

// exitWithHost ends the process when standard input does: the host holds its other end, and nobody writes to it.
func exitWithHost(flush func()) {
	_, _ = io.Copy(io.Discard, os.Stdin) // the end of it is the news, however it came
	flush()
	os.Exit(0)
}

// tuneMemory trades memory for speed: with little live memory the collector would otherwise cost more than TLS.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}
