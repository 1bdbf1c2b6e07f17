package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/postgres"
	"github.com/jalurhq/jalur/internal/pgtest"
)

func TestRestoredCopyIsHeld(t *testing.T) {
	t.Parallel()
	name := server.Database(t)
	store := open(t, postgres.Config{DSN: server.DSN(name)})
	p := submit(t, store, newPayment(1))
	store.Close()
	copied := name + "_copy"
	server.Exec(t, "postgres", "CREATE DATABASE "+copied+" TEMPLATE "+name)
	store = open(t, postgres.Config{DSN: server.DSN(copied)})
	beside := open(t, postgres.Config{DSN: server.DSN(copied)})
	isHeld(t, store, "a restored or moved copy")
	settles(t, store, p)
	if err := store.Accept(t.Context(), "ops:siti", "statements compared"); err != nil {
		t.Fatal(err)
	}
	submit(t, store, newPayment(2))
	eventually(t, "a gateway that ran already hears of it", func() bool { return beside.Held() == "" })
	submit(t, beside, newPayment(3))
}

// A dump that was loaded into another server.
func TestDumpIsHeld(t *testing.T) {
	t.Parallel()
	name := server.Database(t)
	submit(t, open(t, postgres.Config{DSN: server.DSN(name)}), newPayment(1))
	other := pgtest.Start(t)
	dump := server.Run(t, "pg_dump", "--inserts", "--no-comments", server.DSN(name))
	restored := other.Database(t)
	text := make([]string, 0)
	for line := range strings.Lines(string(dump)) {
		if !strings.HasPrefix(line, "\\") { // psql's own words
			text = append(text, line)
		}
	}
	other.Exec(t, restored, strings.Join(text, ""))
	isHeld(t, open(t, postgres.Config{DSN: other.DSN(restored)}), "a restored or moved copy")
}

// What another connection of this process has read since is not missing from what was read before.
func TestANewerEpochIsNotMissed(t *testing.T) {
	t.Parallel()
	name := server.Database(t)
	store, other := open(t, postgres.Config{DSN: server.DSN(name)}), open(t, postgres.Config{DSN: server.DSN(name)})
	err := store.ReconsiderWhile(t.Context(), func() {
		if err := other.Accept(t.Context(), "ops:siti", "looked at it"); err != nil {
			t.Error(err)
		}
		if err := store.ReconsiderWhile(t.Context(), func() {}); err != nil {
			t.Error(err)
		}
	})
	if err != nil || store.Held() != "" {
		t.Errorf("held for %q, %v", store.Held(), err)
	}
}

func TestOperatorHolds(t *testing.T) {
	t.Parallel()
	config := postgres.Config{DSN: fresh(t)}
	store, other := open(t, config), open(t, config)
	p := submit(t, store, newPayment(1))
	for _, words := range [][2]string{{"", "why"}, {"ops:siti", ""}, {"gateway", "why"}} {
		if err := store.Hold(t.Context(), words[0], words[1]); !errors.Is(err, journal.ErrIllegal) {
			t.Errorf("by %q, since %q: %v", words[0], words[1], err)
		}
	}
	if err := store.Hold(t.Context(), "ops:siti", "restored from a base backup"); err != nil {
		t.Fatal(err)
	}
	isHeld(t, store, "ops:siti has held it: restored from a base backup")
	settles(t, store, p)
	eventually(t, "the other gateway hears of it", func() bool { return other.Held() != "" })
	isHeld(t, open(t, config), "restored from a base backup")
	if err := other.Accept(t.Context(), "ops:siti", "compared"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is accepted", func() bool { return store.Held() == "" })
	submit(t, store, newPayment(2))
	standing, err := store.Standing(t.Context())
	if err != nil || standing.Held != "" || len(standing.Epochs) != 3 || standing.Epochs[1].Home != "" || standing.Epochs[2].Why != "compared" {
		t.Errorf("its standing: %+v, %v", standing, err)
	}
}

// isHeld wants a store that sends nothing, and says why.
func isHeld(t *testing.T, store *postgres.Store, why string) {
	t.Helper()
	if held := store.Held(); !strings.Contains(held, why) {
		t.Errorf("held since %q, not since %q", held, why)
	}
	_, _, err := store.Submit(t.Context(), newPayment(99), because())
	if !errors.Is(err, journal.ErrNotWritten) || !errors.Is(err, journal.ErrHeld) || !strings.Contains(err.Error(), why) {
		t.Errorf("an order: %v", err)
	}
}

// settles wants a held store to answer, and to write down what becomes of a payment that was sent before, but not to try another provider.
func settles(t *testing.T, store *postgres.Store, p journal.Payment) {
	t.Helper()
	c := confirmed(p)
	another := c
	next := newPayment(98).Attempts[0]
	next.PaymentID, next.N = p.ID, 2
	another.Attempt.State, another.Next = journal.Failed, &next
	if err := store.Apply(t.Context(), another); !errors.Is(err, journal.ErrHeld) {
		t.Errorf("a fail-over: %v", err)
	}
	if err := errors.Join(store.Ping(t.Context()), store.Apply(t.Context(), c)); err != nil {
		t.Errorf("while it is held: %v", err)
	}
	if known, err := store.Payment(t.Context(), p.ID); err != nil || known.Last().State != journal.Confirmed {
		t.Errorf("reading: %+v, %v", known, err)
	}
}

func epochs(t *testing.T, dsn string) (all []string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), "SELECT by_whom || ': ' || why FROM journal_identity ORDER BY epoch")
	if err != nil {
		t.Fatal(err)
	}
	if all, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		t.Fatal(err)
	}
	return all
}

// machine is a server whose data folder a test can put back and promote.
type machine struct {
	*pgtest.Server

	t    *testing.T
	data string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	m := machine{Server: pgtest.Start(t), t: t}
	if err := m.Connect(t, "postgres").QueryRow(t.Context(), "SHOW data_directory").Scan(&m.data); err != nil {
		t.Fatal(err)
	}
	return m
}

// stopped does something to the data folder while the server is down.
func (m machine) stopped(do func()) {
	m.t.Helper()
	if err := m.Stop(); err != nil {
		m.t.Fatal(err)
	}
	do()
	if err := m.Up(); err != nil {
		m.t.Fatal(err)
	}
}

func (m machine) copy(from, to string) {
	m.t.Helper()
	for _, args := range [][]string{{"rm", "-rf", to}, {"cp", "-a", from, to}} {
		if out, err := exec.CommandContext(context.Background(), args[0], args[1:]...).CombinedOutput(); err != nil {
			m.t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
}

func (m machine) backUp()  { m.stopped(func() { m.copy(m.data, m.data+"-backup") }) }
func (m machine) restore() { m.stopped(func() { m.copy(m.data+"-backup", m.data) }) }

// promote makes the server a standby of nobody and promotes it: the same database on the next timeline.
func (m machine) promote(before func()) {
	m.t.Helper()
	m.stopped(func() {
		before()
		signal := filepath.Join(m.data, "standby.signal")
		info, err := os.Stat(m.data)
		if err != nil {
			m.t.Fatal(err)
		}
		err = os.WriteFile(signal, nil, 0o600)
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && err == nil {
			err = os.Chown(signal, int(owner.Uid), int(owner.Gid))
		}
		if err != nil {
			m.t.Fatal(err)
		}
	})
	m.Exec(m.t, "postgres", "SELECT pg_promote()")
}

func nothing() {}

// A standby that was promoted has everything: gateways that ran, and new ones, go on by themselves.
func TestPromotedStandbyGoesOn(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dsn := m.DSN(m.Database(t))
	store := open(t, postgres.Config{DSN: dsn})
	submit(t, store, newPayment(1))
	m.promote(nothing)
	eventually(t, "the store is back", func() bool { return store.Ping(t.Context()) == nil })
	submit(t, store, newPayment(2))
	submit(t, open(t, postgres.Config{DSN: dsn}), newPayment(3))
	if all := epochs(t, dsn); len(all) < 2 || all[len(all)-1] != "gateway: a standby was promoted" {
		t.Errorf("the epochs: %q", all)
	}
	if held := store.Held(); held != "" {
		t.Errorf("held: %s", held)
	}
}

// A gateway that has seen its successor doesn't write to an old primary, nor read from it; it isn't held once it is led to the right one again.
func TestOldPrimaryComesBack(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	store := open(t, postgres.Config{DSN: m.DSN(m.Database(t))})
	p := submit(t, store, newPayment(1))
	m.backUp()
	m.promote(nothing)
	eventually(t, "the store is back", func() bool { return store.Ping(t.Context()) == nil })
	submit(t, store, newPayment(2))
	m.stopped(func() {
		m.copy(m.data, m.data+"-primary")
		m.copy(m.data+"-backup", m.data)
	})
	refused := func(err error) bool {
		return err != nil && strings.Contains(err.Error(), "an old primary that has come back")
	}
	eventually(t, "the old primary is refused", func() bool { return refused(store.Ping(t.Context())) })
	if err := store.Apply(t.Context(), confirmed(p)); !refused(err) || !errors.Is(err, journal.ErrNotWritten) {
		t.Errorf("an outcome on the old primary: %v", err)
	}
	eventually(t, "reading it is refused", func() bool {
		_, err := store.Payment(t.Context(), p.ID)
		return refused(err)
	})
	m.stopped(func() { m.copy(m.data+"-primary", m.data) })
	eventually(t, "the store is back", func() bool { return store.Ping(t.Context()) == nil })
	submit(t, store, newPayment(3))
}

// A restore, to a point in time or of a backup, has the same server and database. Who ran while changes were lost knows it, and tells those who come later.
func TestLostTailIsHeld(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(m machine){
		"a backup put back": machine.restore,
		"a point in time":   func(m machine) { m.promote(func() { m.copy(m.data+"-backup", m.data) }) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			dsn := m.DSN(m.Database(t))
			store := open(t, postgres.Config{DSN: dsn})
			submit(t, store, newPayment(1))
			m.backUp()
			eventually(t, "the store is back", func() bool { return store.Ping(t.Context()) == nil })
			lost := submit(t, store, newPayment(2))
			lose(machine{m.Server, t, m.data})
			eventually(t, "the loss is noticed", func() bool { return store.Held() != "" })
			eventually(t, "and written down", func() bool {
				_ = store.Ping(t.Context())
				return strings.Contains(strings.Join(epochs(t, dsn), "\n"), "is not there")
			})
			isHeld(t, store, "is not there")
			later := open(t, postgres.Config{DSN: dsn})
			isHeld(t, later, "is not there")
			if _, err := later.Payment(t.Context(), lost.ID); !errors.Is(err, journal.ErrNotFound) {
				t.Errorf("what was lost: %v", err)
			}
			if err := later.Accept(t.Context(), "ops:siti", "statements compared"); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the one that knew of the loss heeds it", func() bool { return store.Held() == "" })
			submit(t, store, newPayment(3))
			submit(t, open(t, postgres.Config{DSN: dsn}), newPayment(4))
		})
	}
}

const onTimeline = `INSERT INTO journal_identity (system_id, database, timeline, by_whom, why, at)
	SELECT system_id, database, %d, by_whom, 'test', at FROM journal_identity ORDER BY epoch DESC LIMIT 1`

// A gateway that starts on an old primary is told by the journal itself, where that one has heard of its successor.
func TestLaterTimelineInTheJournal(t *testing.T) {
	t.Parallel()
	name := server.Database(t)
	config := postgres.Config{DSN: server.DSN(name)}
	submit(t, open(t, config), newPayment(1))
	server.Exec(t, name, fmt.Sprintf(onTimeline, 1000))
	isHeld(t, open(t, config), "an old primary that has come back")
}
