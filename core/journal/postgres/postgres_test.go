package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/journaltest"
	"github.com/jalurhq/jalur/core/journal/postgres"
	"github.com/jalurhq/jalur/internal/pgtest"
)

// server is shared by the tests that don't hurt it; each has a database of its own.
var server *pgtest.Server

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if server, err = pgtest.New(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	status := m.Run()
	if err := errors.Join(server.Close(), goleak.Find()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(status, 1)
	}
	return status
}

func open(t testing.TB, config postgres.Config) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// fresh gives the address of an empty database.
func fresh(t testing.TB) string {
	t.Helper()
	return server.DSN(server.Database(t))
}

func TestStore(t *testing.T) {
	t.Parallel()
	var addresses sync.Map
	journaltest.Suite{
		Open: func(t *testing.T) journal.Store {
			t.Helper()
			dsn := fresh(t)
			store := open(t, postgres.Config{DSN: dsn})
			addresses.Store(store, dsn)
			return store
		},
		Reopen: func(t *testing.T, s journal.Store) journal.Store {
			t.Helper()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			dsn, _ := addresses.Load(s)
			return open(t, postgres.Config{DSN: dsn.(string)})
		},
	}.Run(t)
}

func because() journal.Cause { return journal.Cause{Actor: "sender:gw-1", Why: "a test"} }

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

func submit(t testing.TB, s journal.Store, p journal.Payment) journal.Payment {
	t.Helper()
	p, created, err := s.Submit(context.Background(), p, because())
	if err != nil || !created {
		t.Fatalf("created %v, error %v", created, err)
	}
	return p
}
