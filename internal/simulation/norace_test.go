//go:build !race

package simulation_test

import (
	"sync"
	"testing"

	"github.com/jalurhq/jalur/internal/simulation"
)

// histories is how many seeds a test run plays.
const histories = 10_000

// A history in which nothing was tried shows nothing: every kind of fault and every legal change must occur.
func TestCoverage(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	each(histories, simulation.Config{}, func(_ uint64, r simulation.Result) bool {
		mu.Lock()
		defer mu.Unlock()
		for what, n := range r.Stats {
			seen[what] += n
		}
		return false
	})
	for _, what := range simulation.Kinds() {
		if seen[what] == 0 {
			t.Errorf("in %d histories there were no %s", histories, what)
		}
	}
}
