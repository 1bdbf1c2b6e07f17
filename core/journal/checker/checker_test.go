package checker_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/checker"
	"github.com/jalurhq/jalur/core/journal/sqlite"
)

func start() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC) }

func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(context.Background(), sqlite.Config{Path: path, Role: sqlite.RoleGateway, Now: start})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func because() journal.Cause { return journal.Cause{Actor: "sender", Why: "a test"} }

// payment gives one in SENDING whose names come from its number.
func payment(n int) journal.Payment {
	id := core.PaymentID(fmt.Sprintf("P%d", n))
	return journal.Payment{
		ID: id, Client: "toko", Key: core.Key(fmt.Sprintf("k%d", n)), Fingerprint: "f", Merchant: "GOPAY", Account: "0812345678",
		Amount: core.IDR(100000), CreatedAt: start().Add(time.Duration(n) * time.Second), Attempts: []journal.Attempt{attempt(id, 1)},
	}
}

func attempt(id core.PaymentID, n int) journal.Attempt {
	return journal.Attempt{
		ID: fmt.Sprintf("A%d%s", n, id), PaymentID: id, N: n, Provider: "one", Instance: "test", Product: "GOPAY", State: journal.Sending,
		Fence: 1, NextAt: start().Add(time.Minute), StartedAt: start(), CreatedAt: start(), UpdatedAt: start(),
	}
}

// step moves a payment's last attempt.
func step(t testing.TB, s journal.Store, p journal.Payment, res core.Result, to journal.State, next *journal.Attempt) journal.Payment {
	t.Helper()
	was := p.Last()
	a := was.Told(res)
	a.State, a.NextAt, a.UpdatedAt = to, time.Time{}, was.UpdatedAt.Add(time.Second)
	cause := because()
	cause.Evidence = journal.Evidence(res)
	if err := s.Apply(context.Background(), journal.Change{From: was.State, FromFence: was.Fence, Attempt: a, Cause: cause, Next: next}); err != nil {
		t.Fatal(err)
	}
	now, err := s.Payment(context.Background(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// fill writes P1 confirmed, P2 failed over and then refunded, P3 unknown, P4 parked, P5 sending, P6 confirmed by our own number.
func fill(t testing.TB, s journal.Store) {
	t.Helper()
	all := map[int]journal.Payment{}
	for n := 1; n <= 6; n++ {
		p, created, err := s.Submit(context.Background(), payment(n), because())
		if err != nil || !created {
			t.Fatal(created, err)
		}
		all[n] = p
	}
	done := func(invoice core.Invoice) core.Result { return core.Result{Outcome: core.Succeeded, Invoice: invoice} }
	step(t, s, all[1], done("I1"), journal.Confirmed, nil)
	second := attempt("P2", 2)
	p := step(t, s, all[2], core.Result{Outcome: core.NotSent}, journal.Failed, &second)
	p = step(t, s, p, done("I2"), journal.Confirmed, nil)
	step(t, s, p, core.Result{Outcome: core.Refunded}, journal.Refunded, nil)
	step(t, s, all[3], core.Result{}, journal.Unknown, nil)
	p = step(t, s, all[4], core.Result{}, journal.Unknown, nil)
	step(t, s, p, core.Result{}, journal.Parked, nil)
	step(t, s, all[6], done(""), journal.Confirmed, nil)
}

// loose gives a connection on which no rule of the tables holds.
func loose(t testing.TB, path string) *sql.DB {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=ignore_check_constraints(1)&_pragma=foreign_keys(0)")
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(1)
	t.Cleanup(func() { pool.Close() })
	for _, name := range []string{
		"TRIGGER payment_never_changes", "TRIGGER payment_stays", "TRIGGER attempt_stays", "TRIGGER attempt_is_itself", "TRIGGER event_never_changes",
		"TRIGGER event_stays", "INDEX payment_key", "INDEX one_live_attempt", "INDEX attempt_invoice", "INDEX attempt_n",
	} {
		forge(t, pool, "DROP "+name)
	}
	return pool
}

func forge(t testing.TB, pool *sql.DB, text string) {
	t.Helper()
	if _, err := pool.ExecContext(context.Background(), text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func run(t testing.TB, s journal.Store) checker.Report {
	t.Helper()
	report, err := checker.Check(t.Context(), s, checker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestACleanJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "jalur.db")
	s := open(t, path)
	if report := run(t, s); report.Payments != 0 || report.Violations == nil || len(report.Violations) != 0 {
		t.Errorf("an empty journal: %+v", report)
	}
	fill(t, s)
	loose(t, path) // the rules of the tables are not what makes it clean
	report := run(t, s)
	if len(report.Violations) != 0 {
		t.Errorf("violations in a clean journal: %v", report.Violations)
	}
	if report.Payments != 6 || report.Attempts != 7 || report.Events != 22 {
		t.Errorf("%+v", report)
	}
	if _, stop := report.StopsSending(); stop {
		t.Error("a clean journal stops sending")
	}
}

const event = "INSERT INTO attempt_event (attempt_id, from_state, to_state, fence, actor, why, at) VALUES "

func forgeries() map[string]struct {
	text      string
	invariant checker.Invariant
	payment   core.PaymentID
	says      string
} {
	return map[string]struct {
		text      string
		invariant checker.Invariant
		payment   core.PaymentID
		says      string
	}{
		"confirmed without anything": {
			"UPDATE attempt SET invoice = NULL, reference = '' WHERE payment_id = 'P1'; UPDATE attempt_event SET evidence = NULL WHERE attempt_id = 'A1P1'",
			checker.Evidenced, "P1", "without invoice",
		},
		"one invoice twice":           {"UPDATE attempt SET invoice = 'I1' WHERE id = 'A2P2'", checker.Evidenced, "P1", "is that of 2 attempts"},
		"failed by a timeout":         {"UPDATE attempt SET outcome = 'unknown' WHERE id = 'A1P2'", checker.NotMoved, "P2", "no proof"},
		"a payment without attempts":  {"DELETE FROM attempt_event WHERE attempt_id = 'A1P3'; DELETE FROM attempt WHERE payment_id = 'P3'", checker.Recorded, "P3", "has no attempt"},
		"an attempt without payment":  {"DELETE FROM payment WHERE id = 'P3'", checker.Recorded, "", "belongs to no payment"},
		"a missing attempt":           {"DELETE FROM attempt_event WHERE attempt_id = 'A1P2'; DELETE FROM attempt WHERE id = 'A1P2'", checker.Recorded, "P2", "is number 2 in place 1"},
		"an illegal step":             {event + "('A1P3', 'UNKNOWN', 'SENDING', 1, 'x', 'x', 1); UPDATE attempt SET state = 'SENDING' WHERE id = 'A1P3'", checker.Legal, "P3", "no legal step"},
		"a gap in the events":         {"DELETE FROM attempt_event WHERE attempt_id = 'A1P4' AND to_state = 'UNKNOWN'", checker.Legal, "P4", "goes on from"},
		"no beginning":                {"DELETE FROM attempt_event WHERE attempt_id = 'A1P1' AND to_state = 'CREATED'", checker.Legal, "P1", "goes on from"},
		"no events":                   {"DELETE FROM attempt_event WHERE attempt_id = 'A1P1'", checker.Legal, "P1", `end at ""`},
		"a state without its event":   {"UPDATE attempt SET state = 'ACCEPTED' WHERE id = 'A1P3'", checker.Legal, "P3", "and it is"},
		"a state that nobody knows":   {"UPDATE attempt SET state = 'SLEEPING' WHERE id = 'A1P3'", checker.Legal, "P3", "none that is known"},
		"an end left":                 {event + "('A1P1', 'CONFIRMED', 'UNKNOWN', 1, 'x', 'x', 1); UPDATE attempt SET state = 'UNKNOWN' WHERE id = 'A1P1'", checker.Terminal, "P1", "leaves CONFIRMED"},
		"an end left without a trace": {"UPDATE attempt SET state = 'FAILED', outcome = 'declined' WHERE id = 'A1P1'", checker.Terminal, "P1", "end at CONFIRMED"},
		"two live attempts": {
			event + "('A1P2', 'CREATED', 'SENDING', 1, 'x', 'x', 1); UPDATE attempt SET state = 'UNKNOWN' WHERE id = 'A1P2'",
			checker.OneLive, "P2", "2 of its attempts",
		},
		"an attempt after an unknown": {"UPDATE attempt SET state = 'UNKNOWN' WHERE id = 'A1P2'", checker.OneLive, "P2", "another attempt was made after it"},
		"an attempt before the failure": {
			"UPDATE attempt_event SET id = 1000 WHERE attempt_id = 'A1P2' AND to_state = 'FAILED'", checker.OneLive, "P2", "before the attempt before it had failed",
		},
		"a fence that falls":         {"UPDATE attempt_event SET fence = 9 WHERE attempt_id = 'A1P4' AND to_state = 'UNKNOWN'; UPDATE attempt SET fence = 9 WHERE id = 'A1P4'", checker.Fenced, "P4", "after 9"},
		"a fence behind its events":  {"UPDATE attempt SET fence = 0 WHERE id = 'A1P3'", checker.Fenced, "P3", "its fence is 0"},
		"a key twice":                {"UPDATE payment SET key = 'k1' WHERE id = 'P2'", checker.OneKey, "", "has the key of payment"},
		"no fingerprint":             {"UPDATE payment SET fingerprint = '' WHERE id = 'P2'", checker.OneKey, "P2", "no fingerprint"},
		"a key that finds something": {"UPDATE payment SET key = 'k1', client = 'toko' WHERE id = 'P6'", checker.OneKey, "", "has the key of payment"},
	}
}

func TestForgedJournals(t *testing.T) {
	t.Parallel()
	for name, f := range forgeries() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "jalur.db")
			s := open(t, path)
			fill(t, s)
			forge(t, loose(t, path), f.text)
			report := run(t, s)
			found := slices.ContainsFunc(report.Violations, func(v checker.Violation) bool {
				return v.Invariant == f.invariant && (f.payment == "" || v.Payment == f.payment) && strings.Contains(v.What, f.says)
			})
			if !found {
				t.Errorf("want %q (invariant %d), found %v", f.says, f.invariant, report.Violations)
			}
			if _, stop := report.StopsSending(); !stop {
				t.Error("it doesn't stop sending")
			}
			if len(report.Violations) > 0 && !strings.HasPrefix(report.Violations[0].String(), "invariant ") {
				t.Errorf("worded as %q", report.Violations[0])
			}
		})
	}
}

func TestAttended(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "jalur.db")
	s := open(t, path)
	fill(t, s)
	pool := loose(t, path)
	forge(t, pool, "UPDATE attempt SET next_at = 4000000000000000 WHERE id = 'A1P3'")
	look := func(now, watched time.Duration) []checker.Violation {
		t.Helper()
		options := checker.Options{Now: func() time.Time { return start().Add(now) }}
		if watched >= 0 {
			options.Watched = start().Add(watched)
		}
		report, err := checker.Check(t.Context(), s, options)
		if err != nil {
			t.Fatal(err)
		}
		if _, stop := report.StopsSending(); stop {
			t.Errorf("lateness stops sending: %v", report.Violations)
		}
		return report.Violations
	}
	for _, fine := range [][2]time.Duration{{10 * time.Minute, 0}, {time.Hour, 50 * time.Minute}, {time.Hour, -1}} {
		if found := look(fine[0], fine[1]); len(found) != 0 {
			t.Errorf("%v: %v", fine, found)
		}
	}
	if found := look(time.Hour, 0); len(found) != 1 || found[0].Payment != "P5" || found[0].Invariant != checker.Attended {
		t.Errorf("late: %v", found)
	}
	for attempt, payment := range map[string]core.PaymentID{"A1P5": "P5", "A1P3": "P3"} {
		forge(t, pool, "UPDATE attempt SET next_at = 4000000000000000 WHERE payment_id IN ('P3', 'P5')")
		forge(t, pool, "UPDATE attempt SET next_at = NULL WHERE id = '"+attempt+"'")
		if found := look(0, 0); len(found) != 1 || found[0].Payment != payment {
			t.Errorf("never to be looked at: %v", found)
		}
	}
}

func TestADamagedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "jalur.db")
	s := open(t, path)
	submitMany(t, s, 300)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	page := rootOf(t, path, "payment_account")
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt(slices.Repeat([]byte{0xff}, 4096), (page-1)*4096); err != nil {
		t.Fatal(err)
	}
	report, err := checker.Check(t.Context(), open(t, path), checker.Options{})
	if len(report.Violations) == 0 || report.Violations[0].Invariant != checker.Undamaged {
		t.Errorf("found %v, error %v", report.Violations, err)
	}
}

// rootOf gives the number of the page at which an index begins.
func rootOf(t testing.TB, path, index string) (page int64) {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := pool.QueryRow("SELECT rootpage FROM sqlite_master WHERE name = ?", index).Scan(&page); err != nil {
		t.Fatal(err)
	}
	return page
}

// changing is a journal in which a payment is confirmed between the reading of its attempts and that of its events.
type changing struct {
	journal.Store

	change func()
}

func (c *changing) Events(ctx context.Context, id core.PaymentID) ([]journal.Event, error) {
	if id == "P5" && c.change != nil {
		c.change()
		c.change = nil
	}
	return c.Store.Events(ctx, id)
}

func TestAJournalInUse(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "jalur.db"))
	fill(t, s)
	before, err := s.Payment(t.Context(), "P5")
	if err != nil {
		t.Fatal(err)
	}
	changed := false
	report := run(t, &changing{s, func() {
		changed = true
		step(t, s, before, core.Result{Outcome: core.Succeeded, Invoice: "I5"}, journal.Confirmed, nil)
	}})
	if !changed || len(report.Violations) != 0 || report.Payments != 6 {
		t.Errorf("changed %v, %+v", changed, report)
	}
}

// submitMany submits side by side, so that the commits are shared.
func submitMany(t testing.TB, s journal.Store, many int) {
	t.Helper()
	var working sync.WaitGroup
	for n := range many {
		working.Go(func() {
			if _, _, err := s.Submit(context.Background(), payment(n), because()); err != nil {
				t.Error(err)
			}
		})
	}
	working.Wait()
}

func TestManyPages(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "jalur.db")
	s := open(t, path)
	const many = 2*journal.MaxPage + 3
	submitMany(t, s, many)
	pool := loose(t, path)
	forge(t, pool, "CREATE UNIQUE INDEX attempt_n ON attempt (payment_id, n)") // else it takes minutes
	forge(t, pool, "CREATE UNIQUE INDEX payment_key ON payment (key, client)")
	forge(t, pool, "UPDATE payment SET fingerprint = ''")
	forge(t, pool, "DELETE FROM attempt_event WHERE attempt_id = 'A1P700'; DELETE FROM attempt WHERE id = 'A1P700'")
	var seen []int
	report, err := checker.Check(t.Context(), s, checker.Options{Progress: func(r checker.Report) { seen = append(seen, r.Payments) }})
	if err != nil || report.Payments != many-1 || len(seen) != 3 || seen[2] != many-1 {
		t.Errorf("%d payments in pages up to %v, error %v", report.Payments, seen, err)
	}
	if len(report.Violations) != checker.MaxViolations || report.Omitted != many-checker.MaxViolations {
		t.Errorf("%d violations and %d more", len(report.Violations), report.Omitted)
	}
	ctx, cancel := context.WithCancel(t.Context())
	report, err = checker.Check(ctx, s, checker.Options{Progress: func(checker.Report) { cancel() }})
	if !errors.Is(err, context.Canceled) || report.Payments >= many-1 {
		t.Errorf("cancelled after %d payments: %v", report.Payments, err)
	}
}

func BenchmarkCheck(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "jalur.db"))
	const many = 2000
	submitMany(b, s, many)
	for b.Loop() {
		run(b, s)
	}
	b.ReportMetric(float64(many*b.N)/b.Elapsed().Seconds(), "payments/s")
}
