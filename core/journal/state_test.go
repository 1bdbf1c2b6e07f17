package journal_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/jalurhq/jalur/core/journal"
)

// legal is docs/states.md once more, written down by hand: the code's own table can't be its own witness.
func legal() map[journal.State][]journal.State {
	return map[journal.State][]journal.State{
		"":                {journal.Created},
		journal.Created:   {journal.Created, journal.Sending, journal.Failed},
		journal.Sending:   {journal.Sending, journal.Accepted, journal.Unknown, journal.Confirmed, journal.Refunded, journal.Failed},
		journal.Accepted:  {journal.Accepted, journal.Parked, journal.Confirmed, journal.Refunded, journal.Failed},
		journal.Unknown:   {journal.Unknown, journal.Accepted, journal.Parked, journal.Confirmed, journal.Refunded, journal.Failed},
		journal.Parked:    {journal.Parked, journal.Confirmed, journal.Refunded, journal.Failed},
		journal.Confirmed: {journal.Confirmed, journal.Refunded},
		journal.Refunded:  {},
		journal.Failed:    {},
		"SLEEPING":        {},
	}
}

func TestCheckStep(t *testing.T) {
	t.Parallel()
	for from, allowed := range legal() {
		for _, to := range append(journal.States(), "SLEEPING") {
			err := journal.CheckStep(from, to)
			if want := slices.Contains(allowed, to); want != (err == nil) {
				t.Errorf("from %q to %q: %v", from, to, err)
			}
			if err != nil && !errors.Is(err, journal.ErrIllegal) {
				t.Errorf("from %q to %q: %v is no ErrIllegal", from, to, err)
			}
		}
		if from != "" && journal.CheckStep(from, "") == nil {
			t.Errorf("from %q to nothing is allowed", from)
		}
	}
}

// An attempt that may have moved money never gets to a state that would allow another one, except to FAILED on evidence.
func TestNoWayBack(t *testing.T) {
	t.Parallel()
	for _, from := range journal.States() {
		for _, to := range journal.States() {
			if from.Live() && !to.Live() && to != journal.Failed && journal.CheckStep(from, to) == nil {
				t.Errorf("from %s to %s is allowed", from, to)
			}
		}
	}
}

func TestPaymentState(t *testing.T) {
	t.Parallel()
	for state, want := range map[journal.State]struct {
		payment     journal.PaymentState
		live, final bool
	}{
		journal.Created:   {journal.StateAccepted, false, false},
		journal.Sending:   {journal.StatePending, true, false},
		journal.Accepted:  {journal.StatePending, true, false},
		journal.Unknown:   {journal.StateUnknown, true, false},
		journal.Parked:    {journal.StateUnknown, true, false},
		journal.Confirmed: {journal.StateSucceeded, true, true},
		journal.Refunded:  {journal.StateRefunded, true, true},
		journal.Failed:    {journal.StateFailed, false, true},
		"SLEEPING":        {journal.StateUnknown, true, false},
	} {
		got := state.Payment()
		if got != want.payment || state.Live() != want.live || got.Final() != want.final || !got.Valid() {
			t.Errorf("%s: %s, live %v, final %v", state, got, state.Live(), got.Final())
		}
		if state != "SLEEPING" && !slices.Contains(got.Attempts(), state) {
			t.Errorf("%s is not among the states of %s", state, got)
		}
	}
	if journal.PaymentState("sleeping").Valid() || journal.PaymentState("sleeping").Attempts() != nil {
		t.Error("a state that is on no list counts")
	}
}

func TestChangeCheck(t *testing.T) {
	t.Parallel()
	good := func() journal.Change {
		return journal.Change{
			From: journal.Sending, FromFence: 2, Attempt: journal.Attempt{N: 1, State: journal.Failed, Fence: 2},
			Next: &journal.Attempt{N: 2},
		}
	}
	for name, test := range map[string]struct {
		spoil func(c *journal.Change)
		fine  bool
	}{
		"a fail-over":           {func(*journal.Change) {}, true},
		"a failure":             {func(c *journal.Change) { c.Next = nil }, true},
		"a higher fence":        {func(c *journal.Change) { c.Attempt.Fence++ }, true},
		"a lower fence":         {func(c *journal.Change) { c.Attempt.Fence-- }, false},
		"an illegal step":       {func(c *journal.Change) { c.From = journal.Confirmed }, false},
		"a next out of order":   {func(c *journal.Change) { c.Next.N = 3 }, false},
		"the same number again": {func(c *journal.Change) { c.Next.N = 1 }, false},
		"a next beside unknown": {func(c *journal.Change) { c.Attempt.State = journal.Unknown }, false},
		"a next beside pending": {func(c *journal.Change) { c.Attempt.State = journal.Accepted }, false},
		"a next beside success": {func(c *journal.Change) { c.Attempt.State = journal.Confirmed }, false},
		"a next beside refund":  {func(c *journal.Change) { c.Attempt.State = journal.Refunded }, false},
	} {
		c := good()
		test.spoil(&c)
		if err := c.Check(); test.fine != (err == nil) || err != nil && !errors.Is(err, journal.ErrIllegal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
