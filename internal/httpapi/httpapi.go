// Package httpapi puts the payment service on HTTP: the calls of docs/http.md, their OpenAPI description, health, and a small
// page for people. It decides nothing about payments.
package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"

	"github.com/jalurhq/jalur/core/payments"
)

// Config is what the handler works with. Service and Log are required.
type Config struct {
	Service *payments.Service
	// Clients may call. None: everybody who can connect may, over a loopback name only.
	Clients Clients
	// Ready is asked by /readyz beside the journal and the providers; nil: nothing else is.
	Ready func(ctx context.Context) error
	// Reload starts a provider's plugin anew; nil: there are no plugins.
	Reload func(ctx context.Context, provider string) error
	// Metrics serves /metrics; nil: there is no such page.
	Metrics http.Handler
	// Also serves further patterns, as http.ServeMux takes them, behind the same log, spans and recovery. Who calls is their own affair.
	Also map[string]http.Handler
	// Stopping is closed when the server goes down: whoever waits for a payment is then answered at once. nil: never.
	Stopping <-chan struct{}
	// Version stands in the OpenAPI description; default "dev".
	Version string
	Meter   metric.MeterProvider // of the callbacks; default OpenTelemetry's global one
	Now     func() time.Time     // default time.Now
	Log     *slog.Logger
}

func (c Config) checked() (Config, error) {
	if c.Service == nil || c.Log == nil {
		return c, errors.New("httpapi: Service and Log are required")
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	if c.Meter == nil {
		c.Meter = otel.GetMeterProvider()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, c.Clients.check()
}

// server is the handler's own.
type server struct{ Config }

// New gives the handler of all calls. Errors: a Config that can't be used.
func New(cfg Config) (http.Handler, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	s := &server{cfg}
	mux := http.NewServeMux()
	description, err := s.describe(s.calls(mux))
	if err != nil {
		return nil, fmt.Errorf("httpapi: description: %w", err)
	}
	s.pages(mux, description)
	for pattern, handler := range cfg.Also {
		mux.Handle(pattern, handler)
	}
	called, err := s.callbacks()
	if err != nil {
		return nil, fmt.Errorf("httpapi: metrics: %w", err)
	}
	return traced(s.logged(s.recovered(split(called, s.guarded(worded(mux)))))), nil
}

// calls registers the API and gives it back for its description.
func (s *server) calls(mux *http.ServeMux) huma.API {
	api := humago.New(mux, huma.Config{
		OpenAPI:                      s.openAPI(),
		Formats:                      map[string]huma.Format{jsonType: huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                jsonType,
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{wordProblem},
	})
	s.paymentCalls(api)
	s.caseCalls(api)
	s.marketCalls(api)
	s.pluginCalls(api)
	return api
}

func (s *server) pages(mux *http.ServeMux, description []byte) {
	mux.Handle("GET /openapi.json", static("application/json", description))
	mux.Handle("GET /{$}", console())
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	if s.Metrics != nil {
		mux.Handle("GET /metrics", s.Metrics)
	}
}
