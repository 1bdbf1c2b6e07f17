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

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/postgres"
)

// eventually waits for what the server brings about.
func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !reached() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// gateways opens several stores on one empty database at once.
func gateways(t *testing.T, n int) []*postgres.Store {
	t.Helper()
	dsn := fresh(t)
	stores, problems := make([]*postgres.Store, n), make([]error, n)
	var opening sync.WaitGroup
	for i := range stores {
		opening.Go(func() { stores[i], problems[i] = postgres.Open(context.Background(), postgres.Config{DSN: dsn}) })
	}
	opening.Wait()
	if err := errors.Join(problems...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, s := range stores {
			s.Close()
		}
	})
	return stores
}

func TestOneKeyOverThreeGateways(t *testing.T) {
	t.Parallel()
	stores := gateways(t, 3)
	const callers = 200
	var created atomic.Int32
	ids := make([]core.PaymentID, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			p := newPayment(int64(i))
			p.Key = "the same"
			recorded, made, err := stores[i%len(stores)].Submit(t.Context(), p, because())
			if err != nil {
				t.Errorf("caller %d: %v", i, err)
			}
			if made {
				created.Add(1)
			}
			ids[i] = recorded.ID
		})
	}
	group.Wait()
	if n := created.Load(); n != 1 {
		t.Errorf("created %d times", n)
	}
	for i, id := range ids {
		if id != ids[0] {
			t.Errorf("caller %d was told %s, caller 0 %s", i, id, ids[0])
		}
	}
}

// Two gateways that write the same rows in opposite orders don't stand in each other's way.
func TestManyKeysOverThreeGateways(t *testing.T) {
	t.Parallel()
	stores := gateways(t, 3)
	const keys = 100
	var created, confirmations atomic.Int32
	var group sync.WaitGroup
	for gw, store := range stores {
		for k := range keys {
			group.Go(func() {
				if gw == 1 {
					k = keys - 1 - k
				}
				p := newPayment(int64(gw*keys + k))
				p.Key = core.Key(fmt.Sprint("shared-", k))
				recorded, made, err := store.Submit(t.Context(), p, because())
				if err != nil {
					t.Error(err)
					return
				}
				if made {
					created.Add(1)
				}
				recorded.Attempts[0].State = journal.Sending
				switch err := store.Apply(t.Context(), confirmed(recorded)); {
				case err == nil:
					confirmations.Add(1)
				case !errors.Is(err, journal.ErrStale):
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	if created.Load() != keys || confirmations.Load() != keys {
		t.Errorf("%d created and %d confirmed, not %d", created.Load(), confirmations.Load(), keys)
	}
}

func TestTheGatewayFromBefore(t *testing.T) {
	t.Parallel()
	stores := gateways(t, 2)
	p := submit(t, stores[0], newPayment(1))
	due := p.Last().NextAt.Add(time.Second)
	claimed, err := stores[1].ClaimDue(t.Context(), journal.Claim{Owner: "gw-2", Now: due, Until: due.Add(time.Minute), Limit: 10})
	if err != nil || len(claimed) != 1 || claimed[0].Last().Fence != 2 || claimed[0].Last().Owner != "gw-2" {
		t.Fatalf("claimed %+v, error %v", claimed, err)
	}
	if err := stores[0].Apply(t.Context(), confirmed(p)); !errors.Is(err, journal.ErrStale) {
		t.Errorf("the one from before: %v", err)
	}
	now, err := stores[0].Payment(t.Context(), p.ID)
	if err != nil || now.Last().State != journal.Sending || now.Last().Fence != 2 {
		t.Errorf("it has changed: %+v, %v", now.Last(), err)
	}
	if err := stores[1].Apply(t.Context(), confirmed(claimed[0])); err != nil {
		t.Error(err)
	}
}

func TestOpeningLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	p := submit(t, open(t, postgres.Config{DSN: dsn}), newPayment(1))
	now := time.Now()
	claimed, err := open(t, postgres.Config{DSN: dsn}).ClaimDue(t.Context(), journal.Claim{Owner: "gw-2", Now: now, Until: now, Limit: 10})
	if err != nil || len(claimed) != 0 {
		t.Errorf("the second gateway has claimed %d of the first, whose lease lasts until %s: %v", len(claimed), p.Last().NextAt, err)
	}
}

func TestChangesAreTold(t *testing.T) {
	t.Parallel()
	name := server.Database(t)
	one, two := open(t, postgres.Config{DSN: server.DSN(name)}), open(t, postgres.Config{DSN: server.DSN(name)})
	ctx, cancel := context.WithCancel(t.Context())
	heard, ended := make(chan core.PaymentID, 1000), make(chan struct{})
	go func() {
		defer close(ended)
		one.Changes(ctx, func(id core.PaymentID) { heard <- id })
	}()
	n := int64(0)
	tell := func() {
		n++
		p := submit(t, two, newPayment(n))
		if err := two.Apply(t.Context(), confirmed(p)); err != nil {
			t.Fatal(err)
		}
	}
	hears := func() bool {
		tell()
		select {
		case id := <-heard:
			return strings.HasPrefix(string(id), "PAY")
		case <-time.After(200 * time.Millisecond):
			return false
		}
	}
	eventually(t, "the other gateway's change", hears)
	server.Exec(t, name, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()")
	for len(heard) > 0 {
		<-heard
	}
	eventually(t, "a change after the connection had broken", hears)
	cancel()
	<-ended
}

// What the server was about to say when the connection broke, nobody knows.
func TestCommitsThatNobodyHears(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	p, detour := through(t, dsn)
	store, direct := open(t, postgres.Config{DSN: detour}), open(t, postgres.Config{DSN: dsn})
	for i, test := range []struct {
		fate  fate
		there bool
	}{{loseReply, true}, {loseItself, false}, {loseReply, true}} {
		payment := newPayment(int64(i))
		p.next.Store(int32(test.fate))
		_, _, err := store.Submit(t.Context(), payment, because())
		if !errors.Is(err, journal.ErrAmbiguous) || errors.Is(err, journal.ErrNotWritten) {
			t.Errorf("%d: %v", i, err)
		}
		_, err = direct.Payment(t.Context(), payment.ID)
		if there := err == nil; there != test.there {
			t.Errorf("%d: is it there: %v (%v)", i, there, err)
		}
		recorded, created, err := store.Submit(t.Context(), payment, because())
		if err != nil || created == test.there || recorded.ID != payment.ID {
			t.Errorf("%d: again: created %v, %v", i, created, err)
		}
		p.next.Store(int32(test.fate))
		if err := journal.Record(t.Context(), store, clock.System{}, confirmed(recorded)); err != nil {
			t.Errorf("%d: the outcome: %v", i, err)
		}
		now, err := direct.Payment(t.Context(), payment.ID)
		if err != nil || now.Last().State != journal.Confirmed {
			t.Errorf("%d: it is %s, %v", i, now.Last().State, err)
		}
		events, err := direct.Events(t.Context(), payment.ID)
		if err != nil || len(events) != 3 {
			t.Errorf("%d: %d events, %v", i, len(events), err)
		}
	}
}

func TestServerIsGone(t *testing.T) {
	t.Parallel()
	p, detour := through(t, fresh(t))
	store := open(t, postgres.Config{DSN: detour})
	submit(t, store, newPayment(1))
	server := p.server
	p.listener.Close()
	dead, err := postgres.Open(t.Context(), postgres.Config{DSN: detour})
	if err == nil {
		dead.Close()
	}
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "postgres://jalur@127.0.0.1") {
		t.Errorf("a server at %s that isn't there: %v", server, err)
	}
}

// One bad change in a batch undoes no other.
func TestOneRefusalUndoesOneChange(t *testing.T) {
	t.Parallel()
	store := open(t, postgres.Config{DSN: fresh(t), Writers: 1})
	taken := submit(t, store, newPayment(1000))
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			p := newPayment(int64(i))
			bad := i%5 == 0
			if bad {
				p.Attempts[0].ID = taken.Last().ID
			}
			_, created, err := store.Submit(t.Context(), p, because())
			if bad != errors.Is(err, journal.ErrIllegal) || created == bad {
				t.Errorf("submit %d: created %v, %v", i, created, err)
			}
			if bad {
				return
			}
			c := confirmed(p)
			c.Attempt.Invoice = core.Invoice(fmt.Sprint("INV-", i/2))
			if err := store.Apply(t.Context(), c); err != nil && !errors.Is(err, journal.ErrInvoiceTaken) {
				t.Errorf("apply %d: %v", i, err)
			}
		})
	}
	group.Wait()
}

// A provider's words may hold what a text column refuses; the outcome is written all the same.
func TestStrangeWords(t *testing.T) {
	t.Parallel()
	store := open(t, postgres.Config{DSN: fresh(t)})
	c := confirmed(submit(t, store, newPayment(1)))
	c.Attempt.Reason, c.Attempt.Reference, c.Why = "a\x00b", "\xff", "\x00"
	if err := store.Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	p, err := store.Payment(t.Context(), c.Attempt.PaymentID)
	if err != nil || p.Last().Reason != "a\uFFFDb" || p.Last().Reference != "\uFFFD" {
		t.Errorf("%+v, %v", p.Last(), err)
	}
}
