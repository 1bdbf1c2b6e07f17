package sqlite_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

type change = func(run func(sql string) error) error

// together runs a test on a store whose writer is held up until release is called. Every goroutine that was started before then waits in the
// queue, so all of them come into the next batch.
func together(t *testing.T, test func(t *testing.T, store *sqlite.Store, release func())) {
	t.Helper()
	where := path(t)
	synctest.Test(t, func(t *testing.T) {
		store, err := sqlite.Open(t.Context(), gateway(where))
		if err != nil {
			t.Fatal(err)
		}
		gate := make(chan struct{})
		go store.Write(context.Background(), func(func(string) error) error {
			<-gate
			return nil
		})
		synctest.Wait()
		test(t, store, sync.OnceFunc(func() {
			synctest.Wait()
			close(gate)
		}))
		closeStore(t, store)
	})
}

func find(t *testing.T, store *sqlite.Store, id core.PaymentID) bool {
	t.Helper()
	_, err := store.Payment(context.Background(), id)
	if err != nil && !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("payment %s: %v", id, err)
	}
	return err == nil
}

func TestCommitsAreGrouped(t *testing.T) {
	t.Parallel()
	for callers, want := range map[int]int64{1: 1, 128: 1, 129: 2, 300: 3} {
		together(t, func(t *testing.T, store *sqlite.Store, release func()) {
			before := store.Commits()
			var group sync.WaitGroup
			for i := range callers {
				group.Go(func() { submit(t, store, newPayment(int64(i))) })
			}
			release()
			group.Wait()
			const heldUp = 1
			if n := store.Commits() - before - heldUp; n != want {
				t.Errorf("%d changes took %d commits, not %d", callers, n, want)
			}
		})
	}
}

func TestOneRefusalUndoesOneChange(t *testing.T) {
	t.Parallel()
	together(t, func(t *testing.T, store *sqlite.Store, release func()) {
		var group sync.WaitGroup
		const callers = 20
		for i := range callers {
			group.Go(func() { submit(t, store, newPayment(int64(i))) })
			group.Go(func() {
				err := store.Write(t.Context(), func(run func(string) error) error {
					return errors.Join(run("INSERT INTO heartbeat VALUES (1, 1)"), errors.New("no"))
				})
				if !errors.Is(err, journal.ErrNotWritten) {
					t.Errorf("the refused change: %v", err)
				}
			})
		}
		release()
		group.Wait()
		for i := range callers {
			if !find(t, store, newPayment(int64(i)).ID) {
				t.Errorf("payment %d is not there", i)
			}
		}
		if err := store.Write(t.Context(), func(run func(string) error) error { return run("INSERT INTO heartbeat VALUES (1, 1)") }); err != nil {
			t.Errorf("a refused change has left a row: %v", err)
		}
	})
}

// spoiled runs submits in one batch with a change that spoils it and gives their answers.
func spoiled(t *testing.T, spoil change, check func(t *testing.T, store *sqlite.Store, answers []error)) {
	t.Helper()
	together(t, func(t *testing.T, store *sqlite.Store, release func()) {
		const callers = 5
		answers := make([]error, callers+1)
		var group sync.WaitGroup
		for i := range callers {
			group.Go(func() { _, _, answers[i] = store.Submit(context.Background(), newPayment(int64(i)), because()) })
		}
		group.Go(func() { answers[callers] = store.Write(context.Background(), spoil) })
		release()
		group.Wait()
		for i := range callers {
			if find(t, store, newPayment(int64(i)).ID) {
				t.Errorf("payment %d is there", i)
			}
		}
		check(t, store, answers)
	})
}

func TestCommitFails(t *testing.T) {
	t.Parallel()
	const orphan = "INSERT INTO attempt_event VALUES (NULL, 'nobody', '', 'CREATED', 1, '', '', NULL, 1)"
	spoil := func(run func(string) error) error {
		return errors.Join(run("PRAGMA defer_foreign_keys = ON"), run(orphan))
	}
	spoiled(t, spoil, func(t *testing.T, store *sqlite.Store, answers []error) {
		for i, err := range answers {
			if !errors.Is(err, journal.ErrAmbiguous) || errors.Is(err, journal.ErrNotWritten) {
				t.Errorf("caller %d: %v", i, err)
			}
		}
		submit(t, store, newPayment(0)) // on a new connection
	})
}

// A full disk can make SQLite undo the whole transaction in the middle.
func TestTransactionIsLost(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]error{"unnoticed": nil, "with an error": errors.New("disk full")} {
		spoil := func(run func(string) error) error { return errors.Join(run("ROLLBACK"), answer) }
		spoiled(t, spoil, func(t *testing.T, store *sqlite.Store, answers []error) {
			for i, err := range answers {
				if !errors.Is(err, journal.ErrNotWritten) || errors.Is(err, journal.ErrAmbiguous) {
					t.Errorf("%s: caller %d: %v", name, i, err)
				}
			}
			submit(t, store, newPayment(0))
		})
	}
}

// coded is an error as SQLite gives it.
type coded int

func (c coded) Error() string { return "disk I/O error" }
func (c coded) Code() int     { return int(c) }

func TestDiskFails(t *testing.T) {
	t.Parallel()
	store := open(t, gateway(path(t)))
	p := submit(t, store, newPayment(1))
	store.FailCommit(coded(sqlite3.SQLITE_IOERR_FSYNC))
	if err := store.Apply(t.Context(), confirmed(p)); !errors.Is(err, journal.ErrAmbiguous) || !errors.Is(err, journal.ErrPoisoned) {
		t.Errorf("the commit that failed: %v", err)
	}
	for range 2 {
		if err := store.Ping(t.Context()); !errors.Is(err, journal.ErrPoisoned) || !errors.Is(err, journal.ErrNotWritten) {
			t.Errorf("after it: %v", err)
		}
	}
	if !find(t, store, p.ID) {
		t.Error("what was acknowledged before can't be read")
	}
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	store := open(t, gateway(path(t)))
	pragma := func(text string) {
		if err := store.Write(t.Context(), func(run func(string) error) error { return run(text) }); err != nil {
			t.Fatal(err)
		}
	}
	pragma("PRAGMA max_page_count = 60")
	kept := int64(0)
	for {
		p := newPayment(kept)
		p.Extra = map[string]string{"note": strings.Repeat("x", 2000)}
		if _, _, err := store.Submit(t.Context(), p, because()); err != nil {
			if !errors.Is(err, journal.ErrNotWritten) || errors.Is(err, journal.ErrPoisoned) {
				t.Errorf("a full disk: %v", err)
			}
			break
		}
		kept++
	}
	for i := range kept {
		if !find(t, store, newPayment(i).ID) {
			t.Errorf("payment %d of %d is not there", i, kept)
		}
	}
	if kept == 0 || find(t, store, newPayment(kept).ID) {
		t.Errorf("%d were acknowledged, and one more is there", kept)
	}
	pragma("PRAGMA max_page_count = 100000")
	submit(t, store, newPayment(kept))
}

func TestCallerLeavesTheQueue(t *testing.T) {
	t.Parallel()
	together(t, func(t *testing.T, store *sqlite.Store, release func()) {
		ctx, cancel := context.WithCancel(context.Background())
		left := make(chan error, 1)
		go func() {
			_, _, err := store.Submit(ctx, newPayment(1), because())
			left <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-left; !errors.Is(err, journal.ErrNotWritten) || !errors.Is(err, context.Canceled) {
			t.Errorf("who left the queue: %v", err)
		}
		release()
		submit(t, store, newPayment(2))
		if find(t, store, newPayment(1).ID) {
			t.Error("the payment of the one who left is there")
		}
	})
}

func TestCallerLeavesTheBatch(t *testing.T) {
	t.Parallel()
	together(t, func(t *testing.T, store *sqlite.Store, release func()) {
		ctx, cancel := context.WithCancel(context.Background())
		begun, gate, left := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go store.Write(context.Background(), func(func(string) error) error {
			close(begun)
			<-gate
			return nil
		})
		synctest.Wait()
		go func() {
			_, _, err := store.Submit(ctx, newPayment(1), because())
			left <- err
		}()
		release()
		<-begun
		cancel() // his change is in the batch and has not begun
		close(gate)
		if err := <-left; !errors.Is(err, journal.ErrNotWritten) || !errors.Is(err, context.Canceled) {
			t.Errorf("who left the batch: %v", err)
		}
		if find(t, store, newPayment(1).ID) {
			t.Error("the payment of the one who left is there")
		}
	})
}

func TestCallerWaitsForTheTruth(t *testing.T) {
	t.Parallel()
	together(t, func(t *testing.T, store *sqlite.Store, release func()) {
		ctx, cancel := context.WithCancel(context.Background())
		begun, gate, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			done <- store.Write(ctx, func(run func(string) error) error {
				close(begun)
				<-gate
				return run("INSERT INTO heartbeat VALUES (1, 7)")
			})
		}()
		release()
		<-begun
		cancel()
		synctest.Wait()
		select {
		case err := <-done:
			t.Errorf("he left in the middle: %v", err)
		default:
		}
		close(gate)
		if err := <-done; err != nil {
			t.Errorf("the change was made and he was told: %v", err)
		}
	})
}

func TestCloseWhileWriting(t *testing.T) {
	t.Parallel()
	where := path(t)
	store := open(t, gateway(where))
	const callers = 50
	answers := make([]error, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() { _, _, answers[i] = store.Submit(context.Background(), newPayment(int64(i)), because()) })
	}
	closeStore(t, store)
	group.Wait()
	store = open(t, gateway(where))
	for i, err := range answers {
		if err != nil && !errors.Is(err, journal.ErrNotWritten) {
			t.Errorf("caller %d: %v", i, err)
		}
		if there := find(t, store, newPayment(int64(i)).ID); there != (err == nil) {
			t.Errorf("caller %d was told %v; is it there: %v", i, err, there)
		}
	}
}

func TestPingWrites(t *testing.T) {
	t.Parallel()
	where := path(t)
	config := gateway(where)
	config.Now = func() time.Time { return time.UnixMicro(42) }
	store := open(t, config)
	if err := store.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	var at int64
	if err := raw(t, where).QueryRow("SELECT at FROM heartbeat").Scan(&at); err != nil || at != 42 {
		t.Errorf("at %d, error %v", at, err)
	}
}
