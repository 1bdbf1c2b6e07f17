package plugintest_test

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/plugintest"
)

// traced remembers which trace a Pay belongs to.
type traced struct {
	scripted

	seen chan trace.TraceID
}

func (p traced) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	p.seen <- trace.SpanContextFromContext(ctx).TraceID()
	return p.scripted.Pay(ctx, req)
}

// The tracer provider is the whole process's, so this test doesn't run in parallel.
func TestATraceCrossesTheWireAsOneSpanASide(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	tracer, propagator := otel.GetTracerProvider(), otel.GetTextMapPropagator()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)))
	otel.SetTextMapPropagator(propagation.TraceContext{})
	t.Cleanup(func() {
		otel.SetTracerProvider(tracer)
		otel.SetTextMapPropagator(propagator)
	})
	provider := traced{seen: make(chan trace.TraceID, 1)}
	p := plugintest.OverWire(t, core.Set{Provider: provider})
	before := len(recorder.Ended())

	ctx, span := otel.Tracer("test").Start(t.Context(), "caller")
	if _, err := p.Pay(ctx, core.PayRequest{Product: "GOPAY", Account: "081234567890", Amount: core.IDR(1000)}); err != nil {
		t.Fatal(err)
	}
	if seen := <-provider.seen; seen != span.SpanContext().TraceID() {
		t.Errorf("trace %s in the plugin, not %s", seen, span.SpanContext().TraceID())
	}
	names := map[string]int{}
	for _, ended := range recorder.Ended()[before:] {
		names[ended.SpanKind().String()+" "+ended.Name()]++
	}
	if names["client jalur.plugin.v1.Provider/Pay"] != 1 || names["server jalur.plugin.v1.Provider/Pay"] > 1 {
		t.Errorf("%v", names)
	}
}
