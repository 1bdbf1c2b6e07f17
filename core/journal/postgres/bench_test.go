package postgres_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/postgres"
)

// BenchmarkPayment is what a payment costs the journal: intent and claim in one durable commit, the outcome in another. grouped is as the store works; alone
// gives each caller a connection, and each change a commit.
func BenchmarkPayment(b *testing.B) {
	for _, mode := range []struct {
		name    string
		writers func(callers int) int
	}{
		{"grouped-1", func(int) int { return 1 }}, {"grouped-2", func(int) int { return 2 }}, {"grouped-4", func(int) int { return 4 }},
		{"alone", func(callers int) int { return callers }},
	} {
		for _, callers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/callers=%d", mode.name, callers), func(b *testing.B) {
				payAll(b, open(b, postgres.Config{DSN: fresh(b), Writers: mode.writers(callers)}), callers)
			})
		}
	}
}

func payAll(b *testing.B, store journal.Store, callers int) {
	b.Helper()
	var left, serial atomic.Int64
	left.Store(int64(b.N))
	done := make(chan error, callers)
	b.ResetTimer()
	for range callers {
		go func() {
			var err error
			for err == nil && left.Add(-1) >= 0 {
				p := newPayment(serial.Add(1))
				if p, _, err = store.Submit(b.Context(), p, because()); err == nil {
					err = store.Apply(b.Context(), confirmed(p))
				}
			}
			done <- err
		}()
	}
	for range callers {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "payments/s")
}
