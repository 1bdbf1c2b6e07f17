package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/jalurhq/jalur"
	"github.com/jalurhq/jalur/config"
	"github.com/jalurhq/jalur/internal/httpapi"
	"github.com/jalurhq/jalur/internal/telemetry"
)

func (a *app) serve() *cobra.Command {
	var listen string
	var demo bool
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the gateway until it is interrupted",
		Long: `Run the gateway until it is interrupted. Calls to providers that have begun are then finished and written down; a second
interrupt ends the program at once, and the next start finds out what became of them. It ends by itself, with status 1, when the disk fails under its journal.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("server") { // $JALUR_SERVER is for the commands that talk to a gateway
				return usage(errors.New("serve runs a gateway; --server is for talking to one"))
			}
			a.log = slog.New(slog.NewTextHandler(a.Stderr, nil))
			if demo {
				return a.runDemo(cmd.Context(), listen)
			}
			overrides := map[string]any{}
			if listen != "" {
				overrides["server.listen"] = listen
			}
			a.reread = func() (config.Config, error) { return a.settings(overrides) }
			cfg, err := a.reread()
			if err != nil {
				return err
			}
			return a.runGateway(cmd.Context(), cfg, func(url string) { a.say("gateway on " + url) })
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "`address` to listen on, in place of the configuration's")
	cmd.Flags().BoolVar(&a.keepSending, "keep-sending", false, "go on although the hourly check finds the journal broken: you have looked")
	cmd.Flags().BoolVar(&demo, "demo", false, "run without a configuration: an embedded journal in .jalur/, and a sandbox of each provider")
	return cmd
}

// runGateway serves until the context ends. started is told the gateway's URL once it answers.
func (a *app) runGateway(ctx context.Context, cfg config.Config, started func(url string)) error {
	listener, err := listen(ctx, cfg.Server.Listen)
	if err != nil {
		return err
	}
	return a.runOn(ctx, listener, cfg, started)
}

// listen takes the gateway's address.
func listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, usage(fmt.Errorf("server.listen: %w", err))
	}
	return listener, nil
}

// runOn is runGateway on an address that is taken already. It closes the listener.
func (a *app) runOn(ctx context.Context, listener net.Listener, cfg config.Config, started func(url string)) (err error) {
	defer func() { _ = listener.Close() }() // the server has closed it already, unless the start failed
	if cfg, err = a.reattached(cfg); err != nil {
		return err
	}
	shutdown, err := telemetry.Setup(ctx, "jalur")
	if err != nil {
		return usage(err)
	}
	defer func() { err = errors.Join(err, flush(ctx, shutdown)) }()
	g, err := a.openGateway(ctx, cfg, urlOf(listener))
	if err != nil {
		return err
	}
	if len(cfg.Server.Clients) == 0 {
		a.say("no clients are configured: whoever can reach this loopback address may make payments")
	}
	failed := make(chan error, 1)
	go func() { failed <- g.server.Serve(listener) }()
	started(g.url)
	select {
	case <-ctx.Done():
	case err = <-failed:
	case <-g.service.Failed():
		err = errJournalFailed
	}
	a.say("stopping: calls that have begun are finished first")
	return errors.Join(err, g.stop(ctx, longestCall(cfg)))
}

func urlOf(listener net.Listener) string { return "http://" + listener.Addr().String() }

// errJournalFailed is the end of a gateway whose journal's disk has failed.
var errJournalFailed = errors.New("the disk failed under the journal: nothing was sent since, and outcomes that could not be written are in the spill; " +
	"look at the disk, then start the gateway again")

// gateway is a service with its HTTP API.
type gateway struct {
	url      string
	service  *jalur.Service
	server   *http.Server
	stopping chan struct{}
}

func (a *app) openGateway(ctx context.Context, cfg config.Config, url string) (*gateway, error) {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	meter := metric.NewMeterProvider(metric.WithReader(exporter))
	service, err := jalur.Open(ctx, cfg, jalur.Options{
		Shipped: a.Shipped, GatewayURL: url, Reread: a.reread, KeepSending: a.keepSending, Log: a.log, Meter: meter,
	})
	if err != nil {
		return nil, err
	}
	g := &gateway{url: url, service: service, stopping: make(chan struct{})}
	handler, err := httpapi.New(httpapi.Config{ //nolint:contextcheck // each request brings its own
		Service: service.Service, Clients: clients(cfg.Server.Clients), Version: a.Version, Log: a.log, Stopping: g.stopping,
		Reload: service.ReloadPlugin, Metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), Meter: meter,
	})
	if err != nil {
		return nil, errors.Join(err, service.Close(ctx))
	}
	g.server = httpapi.Server(handler, cfg.Server.Listen, a.log)
	return g, nil
}

// stop ends the gateway: no new connections, the calls that have begun to their end, then plugins and journal.
func (g *gateway) stop(ctx context.Context, patience time.Duration) error {
	close(g.stopping)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return errors.Join(g.server.Shutdown(ctx), g.service.Close(ctx))
}

// longestCall is how long a call that has begun may take, with some time to write it down.
func longestCall(cfg config.Config) time.Duration {
	longest := drainTime
	for _, p := range cfg.Providers {
		longest = max(longest, p.Timeout+drainTime)
	}
	return longest
}

// flushTime bounds the export of the last spans: a collector that is away doesn't hold up the end.
const flushTime = 2 * time.Second

func flush(ctx context.Context, shutdown func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	if err := shutdown(ctx); err != nil {
		return fmt.Errorf("the last spans: %w", err)
	}
	return nil
}

func clients(configured []config.Client) httpapi.Clients {
	all := make(httpapi.Clients, len(configured))
	for i, c := range configured {
		all[i] = httpapi.Client{ID: c.ID, SecretSHA256: c.SecretSHA256, Scopes: c.Scopes}
	}
	return all
}
