package reconciler_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/reconciler"
)

func (r *rig) attempt() journal.Attempt {
	r.t.Helper()
	return r.payment().Last()
}

// prompt hands over a hint by our reference.
func (r *rig) prompt(want reconciler.Prompted) {
	r.t.Helper()
	_, did, err := r.it.Prompt(r.t.Context(), "one", core.CallbackOrder{Ref: r.attempt().ID})
	if err != nil || did != want {
		r.t.Errorf("the hint did %q (%v), want %q", did, err, want)
	}
}

// waiting gives a rig whose attempt was asked for some times, and waits for a question that is far off.
func waiting(t *testing.T, change func(*core.Descriptor)) *rig {
	t.Helper()
	r := newRig(t, journal.Accepted, "I1")
	change(&r.provider.desc)
	r.provider.status = says(core.Pending)
	for range 8 {
		r.sweep()
		r.clock.pass(max(5*time.Minute, r.provider.desc.StatusGap))
	}
	r.sweep()
	return r
}

func TestAHintBringsTheNextQuestionForward(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		gap, after, wait time.Duration
	}{
		"at once":               {0, time.Minute, 0},
		"the least":             {0, 0, 2 * time.Second},
		"the provider's gap":    {time.Minute, 20 * time.Second, 40 * time.Second},
		"the gap has passed":    {time.Minute, 61 * time.Second, 0},
		"just when it is over":  {time.Minute, time.Minute, 0},
		"a moment before it is": {time.Minute, time.Minute - time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := waiting(t, func(d *core.Descriptor) { d.StatusGap = c.gap })
			r.clock.pass(c.after)
			before, calls := r.attempt(), r.provider.calls
			r.prompt(reconciler.PromptedSooner)
			want := before
			want.NextAt = r.clock.now.Add(c.wait)
			if got := r.attempt(); !got.NextAt.Equal(want.NextAt) || got.Fence != want.Fence || got.State != want.State || !got.UpdatedAt.Equal(want.UpdatedAt) {
				t.Errorf("%+v, want %+v", got, want)
			}
			for range 50 { // a flood
				r.prompt(reconciler.PromptedNothing)
			}
			r.clock.pass(c.wait)
			r.provider.status = says(core.Succeeded)
			if got := r.sweep(); got.State != journal.Confirmed || r.provider.calls != calls+1 {
				t.Errorf("%s after %d questions", got.State, r.provider.calls-calls)
			}
		})
	}
}

func TestAFloodOfHintsIsNoFloodOfQuestions(t *testing.T) {
	t.Parallel()
	r := waiting(t, func(*core.Descriptor) {})
	calls := r.provider.calls
	for range 100 {
		if _, _, err := r.it.Prompt(t.Context(), "one", core.CallbackOrder{Ref: r.attempt().ID}); err != nil {
			t.Fatal(err)
		}
		r.sweep()
		r.clock.pass(100 * time.Millisecond)
	}
	if asked := r.provider.calls - calls; asked < 4 || asked > 6 { // ten seconds of it, at two seconds a question
		t.Errorf("%d questions", asked)
	}
}

func TestAHintNeverCutsIntoAQuestion(t *testing.T) {
	t.Parallel()
	r := waiting(t, func(*core.Descriptor) {})
	r.clock.pass(5 * time.Minute)
	r.provider.status = func(req core.StatusRequest) (core.Result, error) {
		before := r.attempt()
		r.clock.pass(30 * time.Second)
		r.prompt(reconciler.PromptedNothing)
		if now := r.attempt(); now.Fence != before.Fence || !now.NextAt.Equal(before.NextAt) {
			t.Errorf("fence %d became %d, next %v became %v", before.Fence, now.Fence, before.NextAt, now.NextAt)
		}
		return says(core.Succeeded)(req)
	}
	if got := r.sweep(); got.State != journal.Confirmed {
		t.Errorf("%s", got.State)
	}
}

func TestAHintThatChangesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state   journal.State
		invoice core.Invoice
		change  func(*core.Descriptor)
		want    reconciler.Prompted
	}{
		"before it was sent":         {journal.Created, "", nil, reconciler.PromptedNothing},
		"before our pay was told":    {journal.Sending, "", nil, reconciler.PromptedNothing},
		"nobody can be asked":        {journal.Unknown, "", nil, reconciler.PromptedNothing},
		"too old to be asked for":    {journal.Unknown, "I1", func(d *core.Descriptor) { d.StatusMaxAge = time.Second }, reconciler.PromptedNothing},
		"of another account":         {journal.Unknown, "I1", func(d *core.Descriptor) { d.Instance = "production" }, reconciler.PromptedStranger},
		"a person looks":             {journal.Parked, "I1", nil, reconciler.PromptedNothing},
		"given back":                 {journal.Refunded, "I1", nil, reconciler.PromptedNothing},
		"failed":                     {journal.Failed, "I1", nil, reconciler.PromptedNothing},
		"done, which asks elsewhere": {journal.Confirmed, "I1", nil, reconciler.PromptedDone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := c.state
			if start == journal.Parked {
				start = journal.Unknown
			}
			r := newRig(t, start, c.invoice)
			if c.state == journal.Parked {
				r.clock.pass(25 * time.Hour)
				r.sweep()
			}
			if c.change != nil {
				c.change(&r.provider.desc)
			}
			r.clock.pass(10 * time.Second)
			before := r.attempt()
			r.prompt(c.want)
			if got := r.attempt(); got.State != c.state || got.Fence != before.Fence || !got.NextAt.Equal(before.NextAt) || r.provider.calls != 0 {
				t.Errorf("%+v became %+v after %d questions", before, got, r.provider.calls)
			}
		})
	}
	r := newRig(t, journal.Unknown, "I1")
	for provider, order := range map[string]core.CallbackOrder{"one": {Ref: "another"}, "two": {Ref: r.attempt().ID}, "": {}} {
		if _, did, err := r.it.Prompt(t.Context(), provider, order); err != nil || did != reconciler.PromptedStranger {
			t.Errorf("%q of %q: %q, %v", order.Ref, provider, did, err)
		}
	}
}

func TestADoneOrderIsAskedForOnAHint(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		says  func(core.StatusRequest) (core.Result, error)
		want  journal.State
		cases []journal.CaseKind
	}{
		"given back":      {says(core.Refunded), journal.Refunded, nil},
		"still done":      {says(core.Succeeded), journal.Confirmed, nil},
		"pending again":   {says(core.Pending), journal.Confirmed, nil},
		"no such order":   {saysNothing, journal.Confirmed, nil},
		"refused":         {says(core.Declined), journal.Confirmed, []journal.CaseKind{journal.CaseContradiction}},
		"another invoice": {another, journal.Confirmed, nil}, // about another order: not believed at all
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, journal.Confirmed, "I1")
			r.clock.pass(time.Hour)
			r.provider.status = c.says
			if err := r.it.LookBack(t.Context(), r.payment()); err != nil {
				t.Fatal(err)
			}
			if got := r.attempt(); got.State != c.want || r.provider.calls != 1 {
				t.Errorf("%s after %d questions", got.State, r.provider.calls)
			}
			page, err := r.store.Cases(t.Context(), journal.CaseFilter{Open: true})
			if err != nil || len(page.Cases) != len(c.cases) || len(c.cases) > 0 && page.Cases[0].Kind != c.cases[0] {
				t.Errorf("%+v, %v", page.Cases, err)
			}
			events, err := r.store.Events(t.Context(), r.id)
			if err != nil {
				t.Fatal(err)
			}
			last := events[len(events)-1]
			if c.want == journal.Refunded && (last.Actor != "reconciler" || last.Evidence == nil || last.From != journal.Confirmed) {
				t.Errorf("%+v", last)
			}
		})
	}
}

func another(req core.StatusRequest) (core.Result, error) {
	res, err := says(core.Refunded)(req)
	res.Invoice = "I2"
	return res, err
}

func TestADoneOrderIsNotAskedForTooOften(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Confirmed, "I1")
	r.provider.desc.StatusGap = 10 * time.Minute
	r.provider.status = func(req core.StatusRequest) (core.Result, error) {
		if err := r.it.LookBack(t.Context(), r.payment()); err != nil { // another hint, while this one is asked for
			return core.Result{}, err
		}
		return says(core.Succeeded)(req)
	}
	began := r.clock.boot
	for range 3 {
		if err := r.it.LookBack(t.Context(), r.payment()); err != nil {
			t.Fatal(err)
		}
	}
	if took := r.clock.boot - began; r.provider.calls != 3 || took != 30*time.Minute {
		t.Errorf("%d questions in %s", r.provider.calls, took)
	}
}

func TestADoneOrderIsNotAskedForWhereItCannotBe(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*core.Descriptor){
		"asking sends again": func(d *core.Descriptor) { d.StatusResubmits, d.StatusBy = true, core.ByRef },
		"too old":            func(d *core.Descriptor) { d.StatusMaxAge = time.Second },
		"another account":    func(d *core.Descriptor) { d.Instance = "production" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, journal.Confirmed, "I1")
			change(&r.provider.desc)
			r.clock.pass(time.Hour)
			if err := r.it.LookBack(t.Context(), r.payment()); err != nil || r.provider.calls != 0 {
				t.Errorf("%d questions, %v", r.provider.calls, err)
			}
		})
	}
	r := newRig(t, journal.Accepted, "I1")
	if err := r.it.LookBack(t.Context(), r.payment()); err != nil || r.provider.calls != 0 {
		t.Errorf("an open order: %d questions, %v", r.provider.calls, err)
	}
}

// What was given back while a question waited for its turn is not asked for any more.
func TestAWaitingQuestionLooksAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, journal.Confirmed, "I1")
	r.provider.desc.StatusGap = time.Hour
	stale := r.payment()
	next := stale.Last()
	next.State, next.UpdatedAt = journal.Refunded, r.clock.now
	err := r.store.Apply(t.Context(), journal.Change{
		From: journal.Confirmed, FromFence: next.Fence, Attempt: next, Cause: journal.Cause{Actor: "operator:siti", Why: "given back"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.it.LookBack(t.Context(), stale); err != nil || r.provider.calls != 0 {
		t.Errorf("%d questions, %v", r.provider.calls, err)
	}
}

func TestAHintMeetsAJournalThatIsAway(t *testing.T) {
	t.Parallel()
	r := waiting(t, func(*core.Descriptor) {})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := r.it.Prompt(ctx, "one", core.CallbackOrder{Ref: r.attempt().ID}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// A provider that wants to be told where it can call back is told with a question that sends the order again, too.
func TestAQuestionCarriesTheCallbackURL(t *testing.T) {
	t.Parallel()
	for sends, want := range map[bool]string{true: "https://jalur.example/callbacks/one", false: ""} {
		r := newRig(t, journal.Accepted, "I1")
		r.provider.desc.SendsCallbacks = sends
		got := "none"
		r.provider.status = func(req core.StatusRequest) (core.Result, error) {
			got = req.Original.CallbackURL
			return says(core.Pending)(req)
		}
		r.sweep()
		if got != want {
			t.Errorf("sends callbacks %v: %q", sends, got)
		}
	}
}
