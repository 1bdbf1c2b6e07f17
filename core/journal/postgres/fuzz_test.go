package postgres_test

import (
	"testing"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/postgres"
)

// Whatever stands in a row's columns, it is read or refused, and nothing but the state's own word makes an end of it.
func FuzzRow(f *testing.F) {
	f.Add("CONFIRMED", "succeeded", "100000 IDR", `{"duration":"20 sec"}`)
	f.Add("SLEEPING", "made_up", "", "{}")
	f.Add("FAILED", "", "1e5 IDR", "[]")
	f.Fuzz(func(t *testing.T, state, outcome, money, details string) {
		p, err := postgres.ReadRow(state, outcome, money, details)
		if err != nil {
			return
		}
		a := p.Last()
		if p.State().Final() && string(a.State) != state || a.Outcome.String() != outcome && a.Outcome.IsAnswer() {
			t.Errorf("%q, %q is read as %s, %s", state, outcome, a.State, a.Outcome)
		}
		if a.State == journal.Confirmed && state != "CONFIRMED" {
			t.Errorf("%q is confirmed", state)
		}
	})
}
