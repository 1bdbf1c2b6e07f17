package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/journaltest"
	"github.com/jalurhq/jalur/core/journal/sqlite"
)

func gateway(path string) sqlite.Config {
	return sqlite.Config{Path: path, Role: sqlite.RoleGateway, URL: "http://127.0.0.1:8080"}
}

func command(path string) sqlite.Config { return sqlite.Config{Path: path, Role: sqlite.RoleCommand} }

func path(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "jalur.db")
}

func open(t testing.TB, config sqlite.Config) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, store) })
	return store
}

func closeStore(t testing.TB, store *sqlite.Store) {
	t.Helper()
	if err := store.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}

// raw gives a connection that knows nothing of the store's rules.
func raw(t testing.TB, path string) *sql.DB {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}

func exec(t testing.TB, pool *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := pool.ExecContext(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestStore(t *testing.T) {
	t.Parallel()
	var paths sync.Map
	journaltest.Suite{
		Open: func(t *testing.T) journal.Store {
			t.Helper()
			where := path(t)
			store := open(t, gateway(where))
			paths.Store(store, where)
			return store
		},
		Reopen: func(t *testing.T, s journal.Store) journal.Store {
			t.Helper()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			where, _ := paths.Load(s)
			return open(t, gateway(where.(string)))
		},
	}.Run(t)
}

func because() journal.Cause { return journal.Cause{Actor: "sender:gw-1", Why: "a test"} }

func submit(t testing.TB, s journal.Store, p journal.Payment) journal.Payment {
	t.Helper()
	p, created, err := s.Submit(context.Background(), p, because())
	if err != nil || !created {
		t.Fatalf("created %v, error %v", created, err)
	}
	return p
}

// Who opens the journal is alone with it, so the sender of before is dead.
func TestOpenWakesSending(t *testing.T) {
	t.Parallel()
	config := gateway(path(t))
	store := open(t, config)
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	sending, unknown := newPayment(1), newPayment(2)
	for _, p := range []journal.Payment{sending, unknown} {
		p.Attempts[0].NextAt = now.Add(time.Hour)
		submit(t, store, p)
	}
	c := journal.Change{From: journal.Sending, FromFence: 1, Attempt: unknown.Last(), Cause: because()}
	c.Attempt.State, c.Attempt.NextAt = journal.Unknown, now.Add(time.Hour)
	if err := store.Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	closeStore(t, store)

	config.Now = func() time.Time { return now }
	store = open(t, config)
	claimed, err := store.ClaimDue(t.Context(), journal.Claim{Owner: "gw-2", Now: now, Until: now.Add(time.Minute), Limit: 10})
	if err != nil || len(claimed) != 1 || claimed[0].ID != sending.ID {
		t.Fatalf("claimed %v, error %v", claimed, err)
	}
	a := claimed[0].Last()
	if a.State != journal.Sending || a.Fence != 2 {
		t.Errorf("it is %s under fence %d: opening changes no state", a.State, a.Fence)
	}
}

// A newer program may write a state that this one doesn't know. It is shown as it is and left alone.
func TestUnknownState(t *testing.T) {
	t.Parallel()
	where := path(t)
	store := open(t, gateway(where))
	p := submit(t, store, newPayment(1))
	pool := raw(t, where)
	pool.SetMaxOpenConns(1)
	exec(t, pool, "PRAGMA ignore_check_constraints = ON", "UPDATE attempt SET state = 'SLEEPING', next_at = 1")

	got, err := store.Payment(t.Context(), p.ID)
	if err != nil || got.Last().State != "SLEEPING" || got.State() != journal.StateUnknown {
		t.Errorf("read as %s (%s), error %v", got.Last().State, got.State(), err)
	}
	claimed, err := store.ClaimDue(t.Context(), journal.Claim{Now: time.Now(), Until: time.Now(), Limit: 10})
	if err != nil || len(claimed) != 0 {
		t.Errorf("claimed %d, error %v", len(claimed), err)
	}
	if err := store.Apply(t.Context(), confirmed(p)); !errors.Is(err, journal.ErrStale) {
		t.Errorf("as if it were known: %v", err)
	}
	if err := store.Apply(t.Context(), confirmed(got)); !errors.Is(err, journal.ErrIllegal) {
		t.Errorf("from what it is: %v", err)
	}
	again, err := store.Payment(t.Context(), p.ID)
	if err != nil || again.Last().State != "SLEEPING" || again.Last().Fence != got.Last().Fence {
		t.Errorf("it was touched: %+v, error %v", again.Last(), err)
	}
}

// What the store promises, the file keeps by itself.
func TestTablesDefendThemselves(t *testing.T) {
	t.Parallel()
	where := path(t)
	store := open(t, gateway(where))
	p := submit(t, store, newPayment(1))
	pool := raw(t, where)
	const second = `INSERT INTO attempt SELECT 'ATT2', payment_id, 2, provider, instance, product, quote, %s, fence, owner, next_at, checks,
		outcome, code, provider_code, reason, invoice, reference, receiver_name, cost, cashback, provider_time, details, started_at,
		ended_at, created_at, updated_at FROM attempt WHERE n = 1`
	for name, statement := range map[string]string{
		"change a payment":         "UPDATE payment SET amount = '1 IDR'",
		"delete a payment":         "DELETE FROM payment",
		"delete an attempt":        "DELETE FROM attempt",
		"move an attempt":          "UPDATE attempt SET provider = 'another'",
		"rename an attempt":        "UPDATE attempt SET id = 'another'",
		"change an event":          "UPDATE attempt_event SET why = 'another'",
		"delete an event":          "DELETE FROM attempt_event",
		"an unknown state":         "UPDATE attempt SET state = 'SLEEPING'",
		"an event of no change":    "INSERT INTO attempt_event VALUES (99, 'ATT', 'SENDING', 'SENDING', 1, '', '', NULL, 1)",
		"text for a time":          "UPDATE attempt SET next_at = 'soon'",
		"a second live attempt":    fmt.Sprintf(second, "'SENDING'"),
		"a second live attempt, 2": fmt.Sprintf(second, "'CONFIRMED'"),
	} {
		if _, err := pool.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("the tables allow to %s", name)
		}
	}
	// A second attempt beside a live one may be there, but it is never sent.
	exec(t, pool, fmt.Sprintf(second, "'CREATED'"))
	exec(t, pool, "UPDATE attempt SET next_at = n")
	due := journal.Claim{Now: time.UnixMicro(1), Until: time.UnixMicro(1), Limit: 10}
	if claimed, err := store.ClaimDue(t.Context(), due); err != nil || len(claimed) != 0 {
		t.Errorf("an attempt that isn't the last is claimed: %d, error %v", len(claimed), err)
	}
	p, err := store.Payment(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	c := journal.Change{From: journal.Created, FromFence: 1, Attempt: p.Last(), Cause: because()}
	c.Attempt.State, c.Attempt.Fence = journal.Sending, 2
	if err := store.Apply(t.Context(), c); !errors.Is(err, journal.ErrIllegal) {
		t.Errorf("a second live attempt: %v", err)
	}
}

// A journal that is closed is one file, which can be copied as it is, and its mark.
func TestCloseLeavesOneFile(t *testing.T) {
	t.Parallel()
	where := path(t)
	store := open(t, gateway(where))
	p := submit(t, store, newPayment(1))
	if _, err := store.Payment(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	closeStore(t, store)
	left, err := filepath.Glob(where + "*")
	if err != nil || len(left) != 2 || left[1] != where+".mark" {
		t.Errorf("left %q, %v", left, err)
	}
}
