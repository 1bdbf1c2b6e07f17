package reconciler_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/sqlite"
	"github.com/jalurhq/jalur/core/reconciler"
	"github.com/jalurhq/jalur/core/router"
)

// tick is a clock that stands still until it is moved, or somebody sleeps.
type tick struct {
	now  time.Time
	boot time.Duration
}

func (c *tick) Now() time.Time      { return c.now }
func (c *tick) Boot() time.Duration { return c.boot }

func (c *tick) Sleep(_ context.Context, d time.Duration) error {
	c.pass(d)
	return nil
}

func (c *tick) pass(d time.Duration) {
	c.now, c.boot = c.now.Add(d), c.boot+d
}

// asked is a provider that is only ever asked.
type asked struct {
	core.Provider

	desc   core.Descriptor
	status func(core.StatusRequest) (core.Result, error)
	calls  int
}

func (a *asked) Describe(context.Context) (core.Descriptor, error) { return a.desc, nil }

func (a *asked) Status(_ context.Context, req core.StatusRequest) (core.Result, error) {
	a.calls++
	return a.status(req)
}

func says(o core.Outcome) func(core.StatusRequest) (core.Result, error) {
	return func(req core.StatusRequest) (core.Result, error) {
		return core.Result{Outcome: o, Invoice: req.Invoice, Reference: "R", Product: req.Original.Product}, nil
	}
}

func saysNothing(core.StatusRequest) (core.Result, error) {
	return core.Result{}, &core.Error{Code: core.CodeNotFound, Err: errors.New("no such order")}
}

// rig is a reconciler over a journal with one attempt in it.
type rig struct {
	t        *testing.T
	clock    *tick
	store    journal.Store
	provider *asked
	it       *reconciler.Reconciler
	id       core.PaymentID
	key      core.Key
}

func newRig(t *testing.T, state journal.State, invoice core.Invoice) *rig {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "jalur.db"), Role: sqlite.RoleGateway})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	r := &rig{
		t: t, key: "k", clock: &tick{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, store: store,
		provider: &asked{desc: core.Descriptor{Name: "one", Instance: "test", StatusBy: core.ByInvoice}, status: saysNothing},
	}
	running := router.Provider{
		Provider: r.provider, Name: "one", Timeout: time.Minute, CallbackURL: "https://jalur.example/callbacks/one",
		Ready: func(context.Context) error { return nil }, Health: func() router.Health { return router.Health{} },
	}
	routes, err := router.New([]router.Rule{{Merchant: "*", Lanes: []router.Lane{{Provider: "one"}}}}, []router.Provider{running})
	if err != nil {
		t.Fatal(err)
	}
	r.it = reconciler.New(reconciler.Config{
		Store: store, Clock: r.clock, Router: routes, Owner: "me", Rand: func() float64 { return 1 },
		Log: slog.New(slog.DiscardHandler), Changed: func(core.PaymentID) {},
	})
	r.submit(state, invoice)
	return r
}

// submit records a payment whose attempt stands in the state, due at once.
func (r *rig) submit(state journal.State, invoice core.Invoice) {
	r.t.Helper()
	now := r.clock.now
	p := journal.Payment{ID: core.PaymentID(ulid.Make().String()), Key: r.key, Merchant: "GOPAY", Account: "0812345678", Amount: core.IDR(100000), CreatedAt: now}
	a := journal.Attempt{
		ID: ulid.Make().String(), PaymentID: p.ID, N: 1, Provider: "one", Instance: "test", Product: "GOPAY",
		State: journal.Sending, Fence: 1, NextAt: now, StartedAt: now, CreatedAt: now, UpdatedAt: now,
	}
	if state == journal.Created {
		a.State, a.Fence = journal.Created, 0
	}
	p.Attempts = []journal.Attempt{a}
	cause := journal.Cause{Actor: "test", Why: "set up"}
	if _, _, err := r.store.Submit(r.t.Context(), p, cause); err != nil {
		r.t.Fatal(err)
	}
	r.id = p.ID
	if state == a.State {
		return
	}
	next := a
	next.State, next.Invoice = state, invoice
	if err := r.store.Apply(r.t.Context(), journal.Change{From: a.State, FromFence: a.Fence, Attempt: next, Cause: cause}); err != nil {
		r.t.Fatal(err)
	}
}

// sweep looks at what is due and gives the attempt as it then stands.
func (r *rig) sweep() journal.Attempt {
	r.t.Helper()
	due, err := r.it.Due(r.t.Context(), 10)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range due {
		if err := r.it.Look(r.t.Context(), p); err != nil {
			r.t.Fatal(err)
		}
	}
	p, err := r.store.Payment(r.t.Context(), r.id)
	if err != nil {
		r.t.Fatal(err)
	}
	return p.Last()
}

func TestWhatIsAskedBecomesWhatTheProviderSays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from journal.State
		says func(core.StatusRequest) (core.Result, error)
		want journal.State
	}{
		"pending, done":            {journal.Accepted, says(core.Succeeded), journal.Confirmed},
		"pending, given back":      {journal.Accepted, says(core.Refunded), journal.Refunded},
		"pending, refused":         {journal.Accepted, says(core.Declined), journal.Failed},
		"pending, still":           {journal.Accepted, says(core.Pending), journal.Accepted},
		"pending, no such order":   {journal.Accepted, saysNothing, journal.Accepted},
		"pending, nonsense":        {journal.Accepted, says(core.NotSent), journal.Accepted},
		"unknown, done":            {journal.Unknown, says(core.Succeeded), journal.Confirmed},
		"unknown, given back":      {journal.Unknown, says(core.Refunded), journal.Refunded},
		"unknown, taken":           {journal.Unknown, says(core.Pending), journal.Accepted},
		"unknown, no such order":   {journal.Unknown, saysNothing, journal.Unknown},
		"unknown, shown to be had": {journal.Unknown, says(core.Declined), journal.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.from, "I1")
			r.provider.status = c.says
			got := r.sweep()
			if got.State != c.want || r.provider.calls != 1 {
				t.Errorf("%s after %d calls, want %s after 1", got.State, r.provider.calls, c.want)
			}
			if got.State.Payment().Final() != got.NextAt.IsZero() {
				t.Errorf("%s is looked at again at %v", got.State, got.NextAt)
			}
		})
	}
}

func TestNothingFailsByAge(t *testing.T) {
	t.Parallel()
	for _, state := range []journal.State{journal.Accepted, journal.Unknown} {
		r := newRig(t, state, "I1")
		for range 23 {
			r.clock.now = r.clock.now.Add(time.Hour)
			if got := r.sweep(); got.State != state {
				t.Fatalf("%s became %s by age", state, got.State)
			}
		}
		r.clock.now = r.clock.now.Add(time.Hour)
		if got := r.sweep(); got.State != journal.Parked || !got.NextAt.IsZero() || r.provider.calls != 23 {
			t.Errorf("after a day %s is %s, asked for %d times", state, got.State, r.provider.calls)
		}
	}
}

func TestAskingOutOfTurnDelaysNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Accepted, "I1")
	for range 20 {
		p, err := r.store.Payment(t.Context(), r.id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.it.Ask(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.sweep(); r.provider.calls != 21 || got.Checks != 1 {
		t.Errorf("%d calls, of which %d count", r.provider.calls, got.Checks)
	}
}

func TestEvidenceStandsWhoeverHoldsTheFence(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Accepted, "I1")
	r.provider.status = func(req core.StatusRequest) (core.Result, error) {
		if _, err := r.it.Due(t.Context(), 1); err != nil { // another reconciler claims it while this one asks
			return core.Result{}, err
		}
		return says(core.Succeeded)(req)
	}
	p, err := r.store.Payment(t.Context(), r.id)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.it.Ask(t.Context(), p); err != nil || got.Last().State != journal.Confirmed || got.Last().Fence == p.Last().Fence {
		t.Errorf("%s under fence %d (%v)", got.Last().State, got.Last().Fence, err)
	}
}

func TestThePauseGrowsToABound(t *testing.T) {
	t.Parallel()
	for checks, want := range []float64{2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		if got := reconciler.Pause(checks, 1).Seconds(); got != want {
			t.Errorf("after %d checks: %v s, want %v s", checks, got, want)
		}
	}
	if got := reconciler.Pause(1<<40, 0.5); got != 150*time.Second {
		t.Errorf("after very many checks: %s", got)
	}
	if got := reconciler.Pause(0, 0); got < 100*time.Millisecond {
		t.Errorf("a pause of %s is none", got)
	}
}

func TestASenderThatIsGoneLeavesAnUnknown(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Sending, "")
	got := r.sweep()
	if got.State != journal.Unknown || got.Outcome != core.Unknown || r.provider.calls != 0 || got.NextAt.Sub(got.EndedAt) != 90*time.Second {
		t.Errorf("%s, outcome %s, %d calls, next %v", got.State, got.Outcome, r.provider.calls, got.NextAt)
	}
	r.clock.now = r.clock.now.Add(90 * time.Second) // one more lease, in which the sender may come back
	if got := r.sweep(); got.State != journal.Parked || r.provider.calls != 0 {
		t.Errorf("nobody can be asked, and it is %s after %d calls", got.State, r.provider.calls)
	}
	byRef := newRig(t, journal.Sending, "")
	byRef.provider.desc.StatusBy = core.ByRef
	byRef.provider.status = says(core.Succeeded)
	if got := byRef.sweep(); got.State != journal.Unknown || got.NextAt.IsZero() {
		t.Errorf("%s, next %v; want it unknown and asked for at once", got.State, got.NextAt)
	}
	if got := byRef.sweep(); got.State != journal.Confirmed {
		t.Errorf("asked by our reference: %s", got.State)
	}
}

func TestWhatWasNeverSentExpiresAsFailed(t *testing.T) {
	t.Parallel()
	if got := newRig(t, journal.Created, "").sweep(); got.State != journal.Failed || got.Outcome != core.NotSent {
		t.Errorf("%s, outcome %s", got.State, got.Outcome)
	}
}

func TestAnOrderThatCannotBeAskedForIsLeftToAPerson(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*core.Descriptor){
		"another account":   func(d *core.Descriptor) { d.Instance = "production" },
		"asking is too old": func(d *core.Descriptor) { d.StatusMaxAge = time.Nanosecond },
		"no number":         func(*core.Descriptor) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, journal.Unknown, "I1")
			state, want := journal.Unknown, r.clock.now.Add(time.Second+5*time.Minute) // the configuration may be mended
			if name == "no number" {
				r, state, want = newRig(t, journal.Unknown, ""), journal.Parked, time.Time{}
			}
			change(&r.provider.desc)
			r.clock.now = r.clock.now.Add(time.Second)
			if got := r.sweep(); got.State != state || r.provider.calls != 0 || !got.NextAt.Equal(want) {
				t.Errorf("%s after %d calls, next %v, want %v", got.State, r.provider.calls, got.NextAt, want)
			}
		})
	}
}

// What asks by sending the order again is no question while nothing may be sent.
func TestAHeldJournalAsksWhatMovesNoMoney(t *testing.T) {
	t.Parallel()
	for resubmits, calls := range map[bool]int{false: 1, true: 0} {
		r := newRig(t, journal.Unknown, "I1")
		r.provider.desc.StatusResubmits = resubmits
		if err := r.store.(journal.Holder).Hold(t.Context(), "ops:siti", "restored"); err != nil {
			t.Fatal(err)
		}
		r.clock.now = r.clock.now.Add(time.Second)
		if got := r.sweep(); got.State != journal.Unknown || r.provider.calls != calls || got.NextAt.IsZero() {
			t.Errorf("resubmits %v: %s after %d calls, next %v", resubmits, got.State, r.provider.calls, got.NextAt)
		}
	}
}

func TestTheLeastGapIsKept(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Accepted, "I1")
	r.provider.desc.StatusGap = time.Minute
	r.clock.now = r.clock.now.Add(time.Minute)
	r.sweep()
	p, err := r.store.Payment(t.Context(), r.id)
	if err != nil {
		t.Fatal(err)
	}
	r.clock.now = r.clock.now.Add(59 * time.Second)
	if _, err := r.it.Ask(t.Context(), p); err != nil || r.provider.calls != 1 {
		t.Errorf("asked %d times within the gap (%v)", r.provider.calls, err)
	}
	if p.Last().NextAt.Sub(p.Last().UpdatedAt) < time.Minute {
		t.Errorf("the next time is %s after the last", p.Last().NextAt.Sub(p.Last().UpdatedAt))
	}
}

func TestSomebodyElsesChangeStands(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Accepted, "I1")
	r.provider.status = func(req core.StatusRequest) (core.Result, error) {
		p, err := r.store.Payment(t.Context(), r.id)
		if err != nil {
			return core.Result{}, err
		}
		next := p.Last()
		next.State = journal.Confirmed
		err = r.store.Apply(t.Context(), journal.Change{
			From: journal.Accepted, FromFence: p.Last().Fence, Attempt: next, Cause: journal.Cause{Actor: "another", Why: "was faster"},
		})
		if err != nil {
			return core.Result{}, err
		}
		return says(core.Declined)(req)
	}
	if got := r.sweep(); got.State != journal.Confirmed {
		t.Errorf("a stale decline was written over a success: %s", got.State)
	}
	r.wantCase(journal.CaseContradiction)
}
