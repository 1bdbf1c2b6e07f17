package journal_test

import (
	"slices"
	"testing"

	"github.com/jalurhq/jalur/core/journal"
)

// A state that is none of the list is unknown to callers, never an end.
func FuzzState(f *testing.F) {
	for _, state := range journal.States() {
		f.Add(string(state))
	}
	f.Add("SLEEPING")
	f.Add("confirmed")
	f.Fuzz(func(t *testing.T, text string) {
		state := journal.State(text)
		if !slices.Contains(journal.States(), state) && (state.Payment() != journal.StateUnknown || state.Payment().Final()) {
			t.Errorf("%q shows as %s", text, state.Payment())
		}
	})
}
