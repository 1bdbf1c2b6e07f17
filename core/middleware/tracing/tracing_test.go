package tracing_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/middleware/tracing"
)

// answers gives the same answer to every call.
type answers struct {
	res core.Result
	err error
}

func (a answers) Describe(context.Context) (core.Descriptor, error) { return core.Descriptor{}, a.err }
func (a answers) ListProducts(context.Context, core.ProductFilter) (core.ProductPage, error) {
	return core.ProductPage{}, a.err
}
func (a answers) Inquire(context.Context, core.InquiryRequest) (core.Quote, error) {
	return core.Quote{}, a.err
}
func (a answers) Pay(context.Context, core.PayRequest) (core.Result, error) { return a.res, a.err }
func (a answers) Status(context.Context, core.StatusRequest) (core.Result, error) {
	return a.res, a.err
}

func TestCallsLeaveSpansAndFiguresWithoutTheAccount(t *testing.T) {
	t.Parallel()
	const account = "081298765432"
	cause := &core.Error{Code: core.CodeTransportAfterSend, Err: errors.New("reset")}
	for name, c := range map[string]struct {
		answers answers
		outcome string
	}{
		"done":    {answers{res: core.Result{Outcome: core.Succeeded}}, "succeeded"},
		"unknown": {answers{err: cause}, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spans := tracetest.NewSpanRecorder()
			reader := metric.NewManualReader()
			layer, err := tracing.New(tracing.Config{
				Provider: "mmbc", Tracer: trace.NewTracerProvider(trace.WithSpanProcessor(spans)),
				Meter: metric.NewMeterProvider(metric.WithReader(reader)),
			})
			if err != nil {
				t.Fatal(err)
			}
			p := layer(c.answers)
			order := core.PayRequest{Ref: "A1", Merchant: "GOPAY", Account: account}
			res, err := p.Pay(t.Context(), order)
			if res.Outcome != c.answers.res.Outcome || !errors.Is(err, c.answers.err) {
				t.Errorf("the decorator changed the answer: %+v, %v", res, err)
			}
			_, _ = p.Status(t.Context(), core.StatusRequest{Original: order})
			_, _ = p.Inquire(t.Context(), core.InquiryRequest{Merchant: "GOPAY", Account: account})
			_, _ = p.ListProducts(t.Context(), core.ProductFilter{})
			var figures metricdata.ResourceMetrics
			if err := reader.Collect(t.Context(), &figures); err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprintf("%+v", figures)
			for _, span := range spans.Ended() {
				text += fmt.Sprintf(" %s %v", span.Name(), span.Attributes())
			}
			for _, want := range []string{"provider.pay", "provider.status", "provider.inquire", "provider.list_products", c.outcome, "A1", "mmbc"} {
				if !strings.Contains(text, want) {
					t.Errorf("%q is nowhere in spans and figures", want)
				}
			}
			if strings.Contains(text, account) {
				t.Error("the account number is shown")
			}
		})
	}
}
