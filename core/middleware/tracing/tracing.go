// Package tracing shows every call to a provider as a span and counts it by outcome. Neither names an account number.
package tracing

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/jalurhq/jalur/core"
)

const scope = "github.com/jalurhq/jalur/core/middleware/tracing"

// Config says where spans and figures go. Both are required; the no-op providers of OpenTelemetry switch them off.
type Config struct {
	Provider string // its name in the configuration
	Tracer   trace.TracerProvider
	Meter    metric.MeterProvider
}

// New gives the middleware. Figures: jalur.provider.calls, and jalur.provider.duration in seconds.
func New(cfg Config) (core.Middleware, error) {
	meter := cfg.Meter.Meter(scope)
	calls, err := meter.Int64Counter("jalur.provider.calls", metric.WithDescription("calls to providers, by outcome"))
	if err != nil {
		return nil, fmt.Errorf("jalur.provider.calls: %w", err)
	}
	duration, err := meter.Float64Histogram("jalur.provider.duration", metric.WithUnit("s"),
		metric.WithDescription("how long calls to providers take"))
	if err != nil {
		return nil, fmt.Errorf("jalur.provider.duration: %w", err)
	}
	o := observer{cfg.Provider, cfg.Tracer.Tracer(scope), calls, duration}
	return func(next core.Provider) core.Provider { return &traced{next, o} }, nil
}

type observer struct {
	provider string
	tracer   trace.Tracer
	calls    metric.Int64Counter
	duration metric.Float64Histogram
}

// observe begins a span; done ends it with what came of the call.
func (o observer) observe(ctx context.Context, op string, about ...attribute.KeyValue) (spanCtx context.Context, done func(outcome string, err error)) {
	start := time.Now()
	provider := attribute.String("jalur.provider", o.provider)
	ctx, span := o.tracer.Start(ctx, //nolint:spancheck // done ends it
		"provider."+op, trace.WithAttributes(append(about, provider)...))
	return ctx, func(outcome string, err error) { //nolint:spancheck // this is what ends it
		result := []attribute.KeyValue{attribute.String("jalur.outcome", outcome)}
		if err != nil {
			result = append(result, attribute.String("jalur.code", string(core.CodeOf(err))))
			span.SetStatus(codes.Error, outcome)
		}
		span.SetAttributes(result...)
		span.End()
		labels := metric.WithAttributes(append(result, provider, attribute.String("jalur.op", op))...)
		o.calls.Add(ctx, 1, labels)
		o.duration.Record(ctx, time.Since(start).Seconds(), labels)
	}
}

// asked words the end of a call that moves no money.
func asked(err error) string {
	if err != nil {
		return "error"
	}
	return "ok"
}

// told words the end of a call about an order.
func told(res core.Result, err error) string {
	if err != nil {
		return core.OutcomeOf(err).String()
	}
	return res.Outcome.String()
}

type traced struct {
	next core.Provider
	o    observer
}

// Describe is not a call to the provider and leaves no span.
func (t *traced) Describe(ctx context.Context) (core.Descriptor, error) {
	return t.next.Describe(ctx)
}

func (t *traced) ListProducts(ctx context.Context, f core.ProductFilter) (core.ProductPage, error) {
	ctx, done := t.o.observe(ctx, "list_products")
	page, err := t.next.ListProducts(ctx, f)
	done(asked(err), err)
	return page, err
}

func (t *traced) Inquire(ctx context.Context, req core.InquiryRequest) (core.Quote, error) {
	ctx, done := t.o.observe(ctx, "inquire", attribute.String("jalur.merchant", string(req.Merchant)))
	quote, err := t.next.Inquire(ctx, req)
	done(asked(err), err)
	return quote, err
}

func (t *traced) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	ctx, done := t.o.observe(ctx, "pay", order(req)...)
	res, err := t.next.Pay(ctx, req)
	done(told(res, err), err)
	return res, err
}

func (t *traced) Status(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	ctx, done := t.o.observe(ctx, "status", order(req.Original)...)
	res, err := t.next.Status(ctx, req)
	done(told(res, err), err)
	return res, err
}

func order(req core.PayRequest) []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("jalur.merchant", string(req.Merchant)), attribute.String("jalur.attempt", req.Ref)}
}
