package payments_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/router"
)

// wrong is a wall clock that is off.
type wrong struct {
	clock.System

	by time.Duration
}

func (w *wrong) Now() time.Time { return w.System.Now().Add(w.by) }

// A lease lasts for as long as it was made for, however the wall clock is set meanwhile.
func TestLeasesAreNotOfTheWallClock(t *testing.T) {
	t.Parallel()
	const hours, lease, slack = 3 * time.Hour, 90 * time.Second, 30 * time.Second // the fake's timeout and 30 s; clocks that agree, and a slow machine
	for name, c := range map[string]struct{ made, looked time.Duration }{
		"made ahead":      {hours, 0},
		"made behind":     {-hours, 0},
		"looked at ahead": {0, hours},
		"looked at later": {0, -hours},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, one := newRig(t), newFake("one")
			clock := &wrong{by: c.made}
			e := payments.NewEngine(payments.EngineConfig{
				Store: r.store, Spill: openSpill(t, t.TempDir()), Clock: clock, Router: r.router(router.Rule{}, one), NewID: newID, Owner: "test",
				Log: slog.New(slog.DiscardHandler),
			})
			ticket, err := e.Submit(t.Context(), order("k"))
			if err != nil {
				t.Fatal(err)
			}
			clock.by = c.looked
			known, err := e.Store.Payment(t.Context(), ticket.Payment.ID)
			if left := known.Last().NextAt.Sub(clock.Now()); err != nil || left < lease-slack || left > lease+slack {
				t.Errorf("the lease lasts for %s (%v)", left, err)
			}
			for after, want := range map[time.Duration]int{0: 0, lease - slack: 0, lease + slack: 1} {
				now := clock.Now().Add(after)
				due, err := e.Store.ClaimDue(t.Context(), journal.Claim{Owner: "another", Now: now, Until: now, Limit: 1})
				if err != nil || len(due) != want {
					t.Errorf("%s later %d are due (%v)", after, len(due), err)
				}
			}
		})
	}
}

// What was put off while the wall clock was set, by a reading from before and one from after, is not put off for hours.
func TestWhatIsDueInHoursIsDue(t *testing.T) {
	t.Parallel()
	r, one := newRig(t), newFake("one")
	e := payments.NewEngine(payments.EngineConfig{
		Store: r.store, Spill: openSpill(t, t.TempDir()), Clock: clock.System{}, Router: r.router(router.Rule{}, one), NewID: newID, Owner: "test",
		Log: slog.New(slog.DiscardHandler),
	})
	ticket, err := e.Submit(t.Context(), order("k"))
	if err != nil {
		t.Fatal(err)
	}
	a := ticket.Payment.Last()
	next := a
	next.NextAt = a.NextAt.Add(6 * time.Hour)
	if err := e.Store.Apply(t.Context(), journal.Change{From: a.State, FromFence: a.Fence, Attempt: next}); err != nil {
		t.Fatal(err)
	}
	now := clock.System{}.Now()
	due, err := e.Store.ClaimDue(t.Context(), journal.Claim{Owner: "another", Now: now, Until: now.Add(time.Minute), Limit: 1})
	if err != nil || len(due) != 1 {
		t.Errorf("%d are due, %v", len(due), err)
	}
}
