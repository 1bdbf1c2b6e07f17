package jalur

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/jalurhq/jalur/core/journal"
)

const meterName = "github.com/jalurhq/jalur"

// countCases offers the number of open cases, by kind, to whoever collects metrics. done ends it.
func countCases(meters metric.MeterProvider, cases journal.CaseStore) (done func() error, err error) {
	meter := meters.Meter(meterName)
	open, err := meter.Int64ObservableGauge("jalur.cases.open", metric.WithDescription("what people have to look at, by kind"))
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	registration, err := meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		counts, err := cases.OpenCases(ctx)
		if err != nil {
			return fmt.Errorf("open cases: %w", err)
		}
		for _, kind := range journal.CaseKinds() {
			counts[kind] += 0 // none is told too: an alert must be able to end
		}
		for kind, n := range counts {
			o.ObserveInt64(open, int64(n), metric.WithAttributes(attribute.String("kind", string(kind))))
		}
		return nil
	}, open)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return registration.Unregister, nil
}
