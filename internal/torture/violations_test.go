package torture_test

import (
	"strings"
	"testing"
)

// journey is an attempt that went through states under the hands of their actors.
func journey(steps ...string) attempt {
	a := attempt{id: "a"}
	for _, text := range steps {
		actor, to, _ := strings.Cut(text, " ")
		a.events = append(a.events, event{from: a.state, to: to, actor: actor})
		a.state = to
	}
	return a
}

func succeeded() attempt { return journey("submit CREATED", "submit SENDING", "sender CONFIRMED") }

// TestViolations holds forged snapshots against the checker: it must be able to fail.
func TestViolations(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		forge func(s *snapshot, a *attempt)
		want  string // "": nothing is wrong
	}{
		"all well":           {func(*snapshot, *attempt) {}, ""},
		"doubled":            {func(s *snapshot, _ *attempt) { s.ledger["1"] = 2 }, "executed 2 times"},
		"confirmed, unmoved": {func(s *snapshot, _ *attempt) { delete(s.ledger, "1") }, "CONFIRMED, and executed 0"},
		"failed, moved":      {func(_ *snapshot, a *attempt) { *a = journey("submit CREATED", "submit SENDING", "sender FAILED") }, "FAILED, and executed 1"},
		"no record":          {func(s *snapshot, _ *attempt) { s.ledger["2"] = 1 }, "no payment is recorded"},
		"forgotten":          {func(s *snapshot, _ *attempt) { s.acks["lost"] = ack{"p2", "pending"} }, "not in the journal"},
		"another payment":    {func(s *snapshot, _ *attempt) { s.acks["k"] = ack{"p2", "pending"} }, "was payment p2"},
		"taken back":         {func(s *snapshot, _ *attempt) { s.acks["k"] = ack{"p", "failed"} }, "was told to be failed"},
		"a gap":              {func(_ *snapshot, a *attempt) { a.events = append(a.events[:1], a.events[2:]...) }, `a step from "SENDING"`},
		"an illegal step":    {func(_ *snapshot, a *attempt) { *a = journey("submit CREATED", "sender CONFIRMED") }, `from "CREATED" to "CONFIRMED"`},
		"the wrong hand":     {func(_ *snapshot, a *attempt) { a.events[2].actor = "submit" }, "submit made it"},
		"unlogged":           {func(_ *snapshot, a *attempt) { a.state = "REFUNDED" }, `the last step is to "CONFIRMED"`},
		"an old fence":       {func(_ *snapshot, a *attempt) { a.events[1].fence = 2; a.fence = 2 }, "fence 0 after 2"},
		"never at its end":   {func(_ *snapshot, a *attempt) { *a = journey("submit CREATED", "submit SENDING") }, "still SENDING"},
		"soon to be parked": {func(_ *snapshot, a *attempt) {
			*a = journey("submit CREATED", "submit SENDING", "reconciler UNKNOWN")
			a.due = true
		}, ""},
		"unknown for ever": {func(_ *snapshot, a *attempt) {
			*a = journey("submit CREATED", "submit SENDING", "sender UNKNOWN")
		}, "nobody will ever look"},
		"unknown, with an invoice": {func(_ *snapshot, a *attempt) {
			*a = journey("submit CREATED", "submit SENDING", "sender UNKNOWN")
			a.due, a.askable = true, true
		}, "still asked for"},
		"a person's": {func(_ *snapshot, a *attempt) {
			*a = journey("submit CREATED", "submit SENDING", "sender UNKNOWN", "reconciler PARKED")
			a.tasks = 1
		}, ""},
		"nobody's task": {func(_ *snapshot, a *attempt) {
			*a = journey("submit CREATED", "submit SENDING", "sender UNKNOWN", "reconciler PARKED")
		}, "PARKED and has 0 open tasks"},
		"a task of nothing": {func(_ *snapshot, a *attempt) { a.tasks = 1 }, "CONFIRMED and has 1 open tasks"},
		"a broken file":     {func(s *snapshot, _ *attempt) { s.integrity = "page 3 is lost" }, "page 3 is lost"},
	} {
		s := snapshot{
			integrity: "ok", ledger: map[string]int{"1": 1}, acks: map[string]ack{"k": {"p", "pending"}}, shown: map[string]ack{"k": {"p", "succeeded"}},
		}
		a := succeeded()
		test.forge(&s, &a)
		s.payments = map[string]payment{"k": {id: "p", account: "1", attempts: []attempt{a}}}
		got := strings.Join(s.violations(), "\n")
		if !strings.Contains(got, test.want) || test.want == "" && got != "" {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	s := snapshot{integrity: "ok", ledger: map[string]int{"1": 1}, payments: map[string]payment{"k": {"p", "1", []attempt{succeeded(), succeeded()}}}}
	if got := strings.Join(s.violations(), "\n"); !strings.Contains(got, "2 live attempts") {
		t.Errorf("two live attempts: %q", got)
	}
}
