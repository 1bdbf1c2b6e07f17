package torture_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"
)

// After so many kills a journal is looked at and a new one begun. Where the provider answers "pending", the look has to wait until the claims of dead
// askers have passed: half a minute.
const (
	epoch        = 100
	pendingEpoch = 15
)

// pool is what is left to be killed.
type pool struct {
	mu   sync.Mutex
	left int
}

func (p *pool) take(most int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := min(most, p.left)
	p.left -= taken
	return taken
}

// tally adds up what the lanes did.
type tally struct {
	mu       sync.Mutex
	killed   map[string]int
	states   map[string]int
	kills    int
	tried    int
	executed int
	wrong    int
}

func (c *tally) add(l *lane, s snapshot, wrong int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for how, n := range l.killed {
		c.killed[how] += n
	}
	for _, p := range s.payments {
		c.states[p.attempts[len(p.attempts)-1].state]++
	}
	c.kills += l.kills()
	c.tried += len(s.orders)
	c.executed += len(s.ledger)
	c.wrong += wrong
}

// TestKill9 kills gateways, plugins and both in the middle of load, and holds every journal against its provider's ledger.
func TestKill9(t *testing.T) {
	began := time.Now()
	sum := &tally{killed: map[string]int{}, states: map[string]int{}}
	left := &pool{left: *kills}
	t.Run("lanes", func(t *testing.T) {
		for n := range *lanes {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				s, most := setup{seed: *seed + uint64(n)<<32}, epoch
				if n%4 == 3 {
					s.direct, most = 1, pendingEpoch
				}
				for n := left.take(most); n > 0; n = left.take(most) {
					s.seed++
					torment(t, sum, s, n)
				}
			})
		}
	})
	t.Logf("seed %d: %d kills, %d payments tried, %d recorded %v, %d executed, %d violations, in %s",
		*seed, sum.kills, sum.tried, total(sum.states), sum.states, sum.executed, sum.wrong, time.Since(began).Round(time.Second))
	t.Logf("killed: %v", sum.killed)
	if sum.states["UNKNOWN"]+sum.states["PARKED"] == 0 || sum.states["CONFIRMED"] == 0 {
		t.Error("no kill met a call, or none succeeded: that shows nothing")
	}
}

func total(counts map[string]int) int {
	n := 0
	for count := range maps.Values(counts) {
		n += count
	}
	return n
}

// torment runs one journal for so many kills.
func torment(t *testing.T, sum *tally, s setup, most int) {
	t.Helper()
	l := newLane(t, s)
	for l.kills() < most {
		l.cycle()
	}
	seen := l.finish()
	wrong := seen.violations()
	report(t, s.seed, wrong)
	sum.add(l, seen, len(wrong))
}

func report(t *testing.T, seed uint64, wrong []string) {
	t.Helper()
	const most = 20
	for i, text := range wrong {
		if i == most {
			t.Errorf("… and %d more", len(wrong)-most)
			return
		}
		t.Errorf("seed %d: %s", seed, text)
	}
}

// TestAPlantedBugIsFound runs the harness on a gateway that takes a dead sender's attempt for one that was never sent.
func TestAPlantedBugIsFound(t *testing.T) {
	t.Parallel()
	l := newLane(t, setup{mutant: "abandoned-failed", seed: 1})
	for range 3 {
		l.dieAt("after-pay", 5)
	}
	wrong := strings.Join(l.finish().violations(), "\n")
	for _, want := range []string{"FAILED, and executed 1 times", `reconciler made it from "SENDING" to "FAILED"`} {
		if !strings.Contains(wrong, want) {
			t.Errorf("not found: %s, in\n%s", want, wrong)
		}
	}
}
