package telemetry_test

import (
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"

	"github.com/jalurhq/jalur/internal/telemetry"
)

// The tests set this process's environment and globals, so they don't run in parallel.
func TestTracingIsOffUnlessAskedFor(t *testing.T) {
	cases := map[string]struct {
		env  map[string]string
		want bool
	}{
		"nothing set":        {nil, false},
		"exporter":           {map[string]string{"OTEL_TRACES_EXPORTER": "console"}, true},
		"exporter none":      {map[string]string{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, false},
		"endpoint":           {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, true},
		"endpoint of traces": {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}, true},
		"endpoint of logs":   {map[string]string{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://127.0.0.1:1/v1/logs"}, false},
		"disabled":           {map[string]string{"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "true"}, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			before := otel.GetTracerProvider()
			t.Cleanup(func() { otel.SetTracerProvider(before) })
			for _, key := range []string{
				"OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SDK_DISABLED",
			} {
				t.Setenv(key, tc.env[key])
			}
			for key, value := range tc.env {
				t.Setenv(key, value)
			}
			shutdown, err := telemetry.Setup(t.Context(), "test")
			if err != nil {
				t.Fatal(err)
			}
			if on := otel.GetTracerProvider() != before; on != tc.want {
				t.Errorf("tracing on: %v, want %v", on, tc.want)
			}
			if err := shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTraceContextAlwaysTravels(t *testing.T) {
	if _, err := telemetry.Setup(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	if _, ok := otel.GetTextMapPropagator().(propagation.TraceContext); !ok {
		t.Errorf("propagator %T", otel.GetTextMapPropagator())
	}
}

func TestUnknownExporterIsAnError(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "pigeon")
	if _, err := telemetry.Setup(t.Context(), "test"); err == nil {
		t.Error("no error for an exporter that doesn't exist")
	}
}
