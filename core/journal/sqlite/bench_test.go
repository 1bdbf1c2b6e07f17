package sqlite_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

func newPayment(n int64) journal.Payment {
	now := time.Now()
	id := core.PaymentID(fmt.Sprintf("PAY%023d", n))
	return journal.Payment{
		ID: id, Client: "shop", Key: core.Key(fmt.Sprintf("key-%d", n)), Merchant: "GOPAY", Account: "081234567890",
		Amount: core.IDR(100000), CreatedAt: now, Attempts: []journal.Attempt{{
			ID: fmt.Sprintf("ATT%023d", n), PaymentID: id, N: 1, Provider: "mmbc", State: journal.Sending, Fence: 1,
			Owner: "gw-1", NextAt: now.Add(time.Minute), StartedAt: now, CreatedAt: now, UpdatedAt: now,
		}},
	}
}

func confirmed(p journal.Payment) journal.Change {
	a := p.Last()
	c := journal.Change{From: a.State, FromFence: a.Fence, Attempt: a, Cause: journal.Cause{Actor: "sender", Why: "succeeded"}}
	c.Attempt.State, c.Attempt.Outcome, c.Attempt.NextAt = journal.Confirmed, core.Succeeded, time.Time{}
	c.Attempt.Invoice, c.Attempt.EndedAt, c.Attempt.UpdatedAt = core.Invoice("INV-"+a.ID), time.Now(), time.Now()
	return c
}

// BenchmarkPayment is what a payment costs the journal: intent and claim in one durable commit, the outcome in another.
func BenchmarkPayment(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			store := open(b, gateway(path(b)))
			before := store.Commits()
			var left, serial atomic.Int64
			left.Store(int64(b.N))
			done := make(chan error, callers)
			b.ResetTimer()
			for range callers {
				go func() {
					var err error
					for err == nil && left.Add(-1) >= 0 {
						err = pay(b, store, newPayment(serial.Add(1)))
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
			b.ReportMetric(float64(store.Commits()-before)/float64(b.N), "commits/op")
		})
	}
}

func pay(b *testing.B, s journal.Store, p journal.Payment) error {
	b.Helper()
	p, _, err := s.Submit(b.Context(), p, journal.Cause{Actor: "sender", Why: "submitted"})
	if err != nil {
		return err
	}
	return s.Apply(b.Context(), confirmed(p))
}
