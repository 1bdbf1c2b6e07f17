package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/checker"
	"github.com/jalurhq/jalur/core/journal/postgres"
	"github.com/jalurhq/jalur/internal/pgtest"
)

func TestKilledServerKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	own := pgtest.Start(t)
	name := own.Database(t)
	store := open(t, postgres.Config{DSN: own.DSN(name)})
	const callers, rounds = 8, 3
	var acknowledged sync.Map
	var serial, count atomic.Int64
	for round := range rounds {
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				for ctx.Err() == nil {
					p := newPayment(serial.Add(1))
					if _, created, err := store.Submit(ctx, p, because()); err == nil && created {
						acknowledged.Store(p.ID, p)
						count.Add(1)
					}
				}
			})
		}
		before := count.Load()
		eventually(t, "100 payments", func() bool { return count.Load() > before+100 })
		if err := own.Kill(); err != nil {
			t.Fatal(err)
		}
		cancel()
		group.Wait()
		if err := own.Up(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the store is back", func() bool { return store.Ping(t.Context()) == nil })
		t.Logf("round %d: %d acknowledged", round, count.Load())
	}
	conn := own.Connect(t, name)
	acknowledged.Range(func(id, _ any) bool {
		var there bool
		err := conn.QueryRow(context.Background(), "SELECT EXISTS (SELECT 1 FROM payment JOIN attempt ON payment_id = payment.id WHERE payment.id = $1)", id).Scan(&there)
		if err != nil || !there {
			t.Errorf("payment %s was acknowledged and is not there (%v)", id, err)
		}
		return true
	})
}

func waiting(t *testing.T, conn *pgx.Conn) (n int) {
	t.Helper()
	if err := conn.QueryRow(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A commit that waits for a standby which doesn't answer is ambiguous, stays invisible, is never cancelled by us, and no further ones pile up behind it.
func TestStandbyDoesNotAnswer(t *testing.T) {
	t.Parallel()
	own := pgtest.Start(t)
	name := own.Database(t)
	store := open(t, postgres.Config{DSN: own.DSN(name), Writers: 1, CommitWait: 300 * time.Millisecond, StatementWait: 2 * time.Second})
	patient := open(t, postgres.Config{DSN: own.DSN(name), CommitWait: time.Minute})
	submit(t, store, newPayment(1))
	var serial atomic.Int64
	serial.Store(100)
	standbys := func(names string) {
		own.Exec(t, name, "SET synchronous_commit = off", "ALTER SYSTEM SET synchronous_standby_names = '"+names+"'", "SELECT pg_reload_conf()")
	}
	standbys("FIRST 1 (ghost)")
	conn := own.Connect(t, name)
	lost := newPayment(100)
	eventually(t, "a commit that waits: the server's own processes read the setting one after another", func() bool {
		lost = newPayment(serial.Add(1))
		_, _, err := store.Submit(t.Context(), lost, because())
		if err != nil && !errors.Is(err, journal.ErrAmbiguous) {
			t.Errorf("a commit without a standby: %v", err)
		}
		return err != nil
	})
	if _, err := store.Payment(t.Context(), lost.ID); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("it can be seen before any standby has it: %v", err)
	}
	eventually(t, "further changes are refused before they are begun", func() bool {
		_, _, err := store.Submit(t.Context(), newPayment(3), because())
		if !errors.Is(err, journal.ErrAmbiguous) && !errors.Is(err, journal.ErrNotWritten) {
			t.Errorf("while it waits: %v", err)
		}
		return errors.Is(err, postgres.ErrNoStandby) && errors.Is(err, journal.ErrNotWritten)
	})
	stuck := waiting(t, conn)
	if stuck == 0 {
		t.Fatal("the commit was cancelled")
	}
	for range 5 {
		_, _, _ = store.Submit(t.Context(), newPayment(4), because())
	}
	if now := waiting(t, conn); now > stuck {
		t.Errorf("%d commits wait, and then %d", stuck, now)
	}

	// Somebody else cancels the wait: the server says so in a warning and calls it a success.
	told := make(chan error, 1)
	go func() {
		_, _, err := patient.Submit(context.Background(), newPayment(5), because())
		told <- err
	}()
	eventually(t, "the patient one waits as well", func() bool { return waiting(t, conn) > stuck })
	own.Exec(t, name, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
	if err := <-told; !errors.Is(err, journal.ErrAmbiguous) || !strings.Contains(err.Error(), "synchronous replication") {
		t.Errorf("a wait that was cancelled: %v", err)
	}

	standbys("")
	for _, s := range []*postgres.Store{store, patient} {
		eventually(t, "writing again", func() bool { return s.Ping(t.Context()) == nil })
	}
	if _, created, err := store.Submit(t.Context(), lost, because()); err != nil || created {
		t.Errorf("what was cancelled is there by now: created %v, %v", created, err)
	}
}

// A server that starts after a crash shows what it had committed and no standby has. A failover would lose it, so nobody is told of it.
func TestUnreplicatedIsNotShown(t *testing.T) {
	t.Parallel()
	own := pgtest.Start(t)
	name := own.Database(t)
	config := postgres.Config{DSN: own.DSN(name), CommitWait: 300 * time.Millisecond, StatementWait: 2 * time.Second}
	submit(t, open(t, config), newPayment(1))
	if err := errors.Join(own.Configure("synchronous_standby_names = 'FIRST 1 (ghost)'"), own.Kill(), own.Up()); err != nil {
		t.Fatal(err)
	}
	lost := newPayment(2)
	_, _, err := open(t, config).Submit(t.Context(), lost, because())
	if err == nil {
		t.Fatal("a commit without a standby succeeded")
	}
	if err := errors.Join(own.Kill(), own.Up()); err != nil {
		t.Fatal(err)
	}
	store := open(t, config)
	for range 3 {
		if p, err := store.ByKey(t.Context(), lost.Client, lost.Key); err == nil || errors.Is(err, journal.ErrNotFound) {
			t.Fatalf("a payment that is on no standby: %s, %v", p.ID, err)
		}
	}
	if waits := waiting(t, own.Connect(t, name)); waits > 2 {
		t.Errorf("%d connections wait for the standby", waits)
	}
	own.Exec(t, name, "SET synchronous_commit = off", "ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()")
	eventually(t, "what is there is shown again", func() bool {
		_, err := store.ByKey(t.Context(), "shop", newPayment(1).Key)
		return err == nil
	})
}

// What a restarted primary shows and no standby has may be gone on the next one: it is not missed there.
func TestUnreplicatedIsNotMissed(t *testing.T) {
	t.Parallel()
	own := pgtest.Start(t)
	name := own.Database(t)
	config := postgres.Config{DSN: own.DSN(name), CommitWait: 300 * time.Millisecond, StatementWait: 2 * time.Second}
	submit(t, open(t, config), newPayment(1))
	if err := errors.Join(own.Configure("synchronous_standby_names = 'FIRST 1 (ghost)'"), own.Kill(), own.Up()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(t, config).Submit(t.Context(), newPayment(2), because()); err == nil {
		t.Fatal("a commit without a standby succeeded")
	}
	if err := errors.Join(own.Kill(), own.Up()); err != nil {
		t.Fatal(err)
	}
	store := open(t, config) // it sees the second payment
	own.Exec(t, name, "SET synchronous_commit = off", "SET session_replication_role = replica",
		"DELETE FROM attempt_event WHERE id > 2", "DELETE FROM attempt WHERE payment_id <> '"+string(newPayment(1).ID)+"'",
		"DELETE FROM payment WHERE id <> '"+string(newPayment(1).ID)+"'",
		"ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()")
	eventually(t, "payments are taken", func() bool {
		_, created, err := store.Submit(t.Context(), newPayment(3), because())
		return err == nil && created
	})
	if held := store.Held(); held != "" {
		t.Errorf("it is held: %s", held)
	}
}

// pgx's own way to end a statement would cancel it. Should that change, guard can go.
func TestNothingIsCancelled(t *testing.T) {
	t.Parallel()
	name := server.Database(t)
	watcher := server.Connect(t, name)
	conn, err := postgres.Guarded(t.Context(), server.DSN(name))
	if err != nil {
		t.Fatal(err)
	}
	pid := conn.PgConn().PID()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := conn.Exec(ctx, "SELECT pg_sleep(2)"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the statement: %v", err)
	}
	var running int
	err = watcher.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'", pid).Scan(&running)
	if err != nil || running != 1 {
		t.Errorf("%d are running, %v", running, err)
	}
}

func TestNewerTables(t *testing.T) {
	t.Parallel()
	name := server.Database(t)
	config := postgres.Config{DSN: server.DSN(name)}
	open(t, config).Close()
	server.Exec(t, name, "INSERT INTO journal_version (version_id, is_applied) VALUES (99, true)", "ALTER TABLE attempt ADD COLUMN later TEXT NOT NULL DEFAULT 'x'",
		"CREATE TABLE later (id TEXT)")
	submit(t, open(t, config), newPayment(1)) // an older program beside a newer one
	server.Exec(t, name, "UPDATE schema_compat SET oldest = 99")
	store, err := postgres.Open(t.Context(), config)
	if err == nil {
		store.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "use the newer program") {
		t.Errorf("tables that don't allow this program: %v", err)
	}
}

// A gateway that runs notices that a newer program has changed the tables beyond it.
func TestOutgrown(t *testing.T) {
	t.Parallel()
	name := server.Database(t)
	store := open(t, postgres.Config{DSN: server.DSN(name)})
	p := submit(t, store, newPayment(1))
	server.Exec(t, name, "INSERT INTO journal_version (version_id, is_applied) VALUES (99, true)", "UPDATE schema_compat SET oldest = 99")
	eventually(t, "it sends nothing more", func() bool { return store.Held() != "" })
	isHeld(t, store, "use the newer program")
	settles(t, store, p)
}

// A newer program may write a state that this one doesn't know. It is shown as it is and left alone.
func TestUnknownState(t *testing.T) {
	t.Parallel()
	name := server.Database(t)
	store := open(t, postgres.Config{DSN: server.DSN(name)})
	p := newPayment(1)
	p.Fingerprint = "f"
	p = submit(t, store, p)
	server.Exec(t, name, "ALTER TABLE attempt DROP CONSTRAINT attempt_state_check", "UPDATE attempt SET state = 'SLEEPING', next_at = 1")
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
	report, err := checker.Check(t.Context(), store, checker.Options{})
	if _, stops := report.StopsSending(); err != nil || !stops {
		t.Errorf("without newer tables it is a broken journal: %+v, %v", report, err)
	}
	server.Exec(t, name, "INSERT INTO journal_version (version_id, is_applied) VALUES (99, true)")
	report, err = checker.Check(t.Context(), store, checker.Options{})
	if v, stops := report.StopsSending(); err != nil || stops || !strings.Contains(strings.Join(report.Unchecked, ""), "a newer program has written it") {
		t.Errorf("beside a newer program: %+v, %+v, %v", v, report.Unchecked, err)
	}
}

// What the store promises, the database keeps by itself.
func TestTablesDefendThemselves(t *testing.T) {
	t.Parallel()
	name := server.Database(t)
	store := open(t, postgres.Config{DSN: server.DSN(name)})
	submit(t, store, newPayment(1))
	conn := server.Connect(t, name)
	const second = `INSERT INTO attempt SELECT 'ATT2', payment_id, 2, provider, instance, product, quote, %s, fence, owner, next_at, checks,
		outcome, code, provider_code, reason, invoice, reference, receiver_name, cost, cashback, provider_time, details, started_at,
		ended_at, created_at, updated_at FROM attempt WHERE n = 1`
	for what, statement := range map[string]string{
		"change a payment":         "UPDATE payment SET amount = '1 IDR'",
		"delete a payment":         "DELETE FROM payment",
		"delete an attempt":        "DELETE FROM attempt",
		"empty the journal":        "TRUNCATE payment CASCADE",
		"empty the events":         "TRUNCATE attempt_event",
		"move an attempt":          "UPDATE attempt SET provider = 'another'",
		"rename an attempt":        "UPDATE attempt SET id = 'another'",
		"change an event":          "UPDATE attempt_event SET why = 'another'",
		"delete an event":          "DELETE FROM attempt_event",
		"forget an epoch":          "DELETE FROM journal_identity",
		"an unknown state":         "UPDATE attempt SET state = 'SLEEPING'",
		"an event of no change":    "INSERT INTO attempt_event VALUES (DEFAULT, (SELECT id FROM attempt), 'SENDING', 'SENDING', 1, '', '', NULL, 1)",
		"a second live attempt":    fmt.Sprintf(second, "'SENDING'"),
		"a second live attempt, 2": fmt.Sprintf(second, "'CONFIRMED'"),
	} {
		if _, err := conn.Exec(t.Context(), statement); err == nil {
			t.Errorf("the tables allow to %s", what)
		}
	}
	if _, err := conn.Exec(t.Context(), fmt.Sprintf(second, "'CREATED'")); err != nil {
		t.Fatal(err)
	}
	p, err := store.Payment(t.Context(), newPayment(1).ID)
	if err != nil {
		t.Fatal(err)
	}
	c := journal.Change{From: journal.Created, FromFence: 1, Attempt: p.Last(), Cause: because()}
	c.Attempt.State, c.Attempt.Fence = journal.Sending, 2
	if err := store.Apply(t.Context(), c); !errors.Is(err, journal.ErrIllegal) {
		t.Errorf("a second live attempt: %v", err)
	}
}

func TestServersThatWouldLose(t *testing.T) {
	t.Parallel()
	good := postgres.Facts{Version: 150003, ReadOnly: "off", SyncCommit: "on", Fsync: "on"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for says, spoil := range map[string]func(*postgres.Facts){
		"older than 13":             func(f *postgres.Facts) { f.Version = 120015 },
		"is a standby":              func(f *postgres.Facts) { f.Recovering = true },
		"read-only":                 func(f *postgres.Facts) { f.ReadOnly = "on" },
		"fsync is off":              func(f *postgres.Facts) { f.Fsync = "off" },
		"synchronous_commit is off": func(f *postgres.Facts) { f.SyncCommit = "off" },
		"a failover would lose":     func(f *postgres.Facts) { f.SyncCommit, f.Standbys = "local", "FIRST 1 (a)" },
	} {
		f := good
		spoil(&f)
		if err := f.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
	for says, option := range map[string]string{
		"synchronous_commit is off": "synchronous_commit=off", "read-only": "default_transaction_read_only=on",
	} {
		store, err := postgres.Open(t.Context(), postgres.Config{DSN: fresh(t) + "&" + option})
		if err == nil {
			store.Close()
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", option, err)
		}
	}
}

func TestClocks(t *testing.T) {
	t.Parallel()
	store := open(t, postgres.Config{DSN: fresh(t), Skew: time.Second})
	now := time.Now()
	for off, fine := range map[time.Duration]bool{0: true, -500 * time.Millisecond: true, 500 * time.Millisecond: true, -time.Hour: false, time.Hour: false} {
		if err := store.CheckClock(now, now.Add(off)); fine != (err == nil) {
			t.Errorf("%s apart: %v", off, err)
		}
	}
}

// A gateway needs no rights beyond its own database.
func TestOrdinaryRole(t *testing.T) {
	t.Parallel()
	name := server.Database(t)
	role := "role_" + name
	server.Exec(t, name, "CREATE ROLE "+role+" LOGIN", "ALTER DATABASE "+name+" OWNER TO "+role)
	config := postgres.Config{DSN: strings.Replace(server.DSN(name), "jalur@", role+"@", 1)}
	p := submit(t, open(t, config), newPayment(1))
	if err := open(t, config).Apply(t.Context(), confirmed(p)); err != nil {
		t.Error(err)
	}
}
