package transport_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/jalurhq/jalur/core/transport"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(recorder))
	var traceparent string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		traceparent = r.Header.Get("Traceparent")
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(server.Close)
	client := transport.New(transport.Config{TracerProvider: provider})
	ctx, parent := provider.Tracer("test").Start(t.Context(), "pay")

	secretURL := strings.Replace(server.URL, "http://", "http://toko:geheim@", 1) + "/081234567890?username=toko&password=geheim"
	if _, err := client.Send(ctx, post(t, secretURL), 0); err != nil {
		t.Fatal(err)
	}
	spans := recorder.Ended()
	if len(spans) != 1 {
		t.Fatalf("%d spans", len(spans))
	}
	span := spans[0]
	if span.SpanKind() != oteltrace.SpanKindClient || span.Parent().SpanID() != parent.SpanContext().SpanID() {
		t.Errorf("span is %s under %s", span.SpanKind(), span.Parent().SpanID())
	}
	if span.Status().Code != codes.Error {
		t.Errorf("a 418 has the status %v", span.Status())
	}
	sent := propagation.TraceContext{}.Extract(t.Context(), propagation.MapCarrier{"traceparent": traceparent})
	if oteltrace.SpanContextFromContext(sent).SpanID() != span.SpanContext().SpanID() {
		t.Errorf("traceparent %q is not the span %s", traceparent, span.SpanContext().SpanID())
	}
	wantCleanSpan(t, span)
}

func TestSpanOfAFailure(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	client := transport.New(transport.Config{TracerProvider: trace.NewTracerProvider(trace.WithSpanProcessor(recorder))})
	_, err := client.Ask(t.Context(), post(t, "http://"+closedPort(t)+"/081234567890?password=geheim"))
	wantNotSent(t, err)
	span := recorder.Ended()[0]
	if span.Status().Code != codes.Error || span.Status().Description != "transport_not_sent" {
		t.Errorf("status %v", span.Status())
	}
	wantCleanSpan(t, span)
}

func wantCleanSpan(t *testing.T, span trace.ReadOnlySpan) {
	t.Helper()
	all := fmt.Sprint(span.Name(), span.Attributes(), span.Events(), span.Status())
	for _, secret := range []string{"geheim", "password", "toko", "081234567890", "amount"} {
		if strings.Contains(all, secret) {
			t.Errorf("the span shows %q: %s", secret, all)
		}
	}
}
