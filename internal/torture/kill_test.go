package torture_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"
)

// After so many kills a journal is looked at and a new one begun. The look has to wait until the claims of the dead have passed: half a minute, but where there is
// one gateway on SQLite, which takes up at its start what it was sending itself.
const (
	epoch         = 100
	pendingEpoch  = 15 // where the provider answers "pending", and dead askers hold claims
	postgresEpoch = 200
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
		c.states[p.last()]++
	}
	c.kills += l.kills()
	c.tried += len(s.orders)
	c.executed += len(s.ledger)
	c.wrong += wrong
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("so far %d kills, %d violations", c.kills, c.wrong)
}

// campaign is a number of kills on many lanes.
type campaign struct {
	kills, lanes int
	most         func(lane int) int // how many kills a journal is good for
	setup        func(t *testing.T, lane int) setup
}

// TestKill9 kills gateways, plugins and both in the middle of load, and holds every journal against its provider's ledger.
func TestKill9(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		c := campaign{kills: *kills, lanes: *lanes}
		c.most = func(lane int) int { return []int{epoch, epoch, epoch, pendingEpoch}[lane%4] }
		c.setup = func(_ *testing.T, lane int) setup { return setup{direct: lane % 4 / 3} }
		c.run(t)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		c := campaign{kills: *postgresKills, lanes: 2}
		c.most = func(int) int { return min(postgresEpoch, (c.kills+c.lanes-1)/c.lanes) }
		c.setup = func(t *testing.T, lane int) setup {
			t.Helper()
			return setup{database: fresh(t), seats: 3, direct: lane % 2, timeout: "2s", pace: pace{callers: 3}}
		}
		c.run(t)
	})
}

// fresh gives the address of an empty database, which is dropped in the end.
func fresh(t *testing.T) string {
	t.Helper()
	name := server.Database(t)
	t.Cleanup(func() { server.Exec(t, "postgres", "DROP DATABASE "+name+" WITH (FORCE)") })
	return server.DSN(name)
}

func (c campaign) run(t *testing.T) {
	t.Helper()
	began := time.Now()
	sum := &tally{killed: map[string]int{}, states: map[string]int{}}
	left := &pool{left: c.kills}
	t.Run("lanes", func(t *testing.T) {
		for lane := range c.lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				c.lane(t, lane, left, sum)
			})
		}
	})
	t.Logf("seed %d: %d kills, %d payments tried, %d recorded %v, %d executed, %d violations, in %s",
		*seed, sum.kills, sum.tried, total(sum.states), sum.states, sum.executed, sum.wrong, time.Since(began).Round(time.Second))
	t.Logf("killed: %v", sum.killed)
	if c.kills > 0 && (sum.states["UNKNOWN"]+sum.states["PARKED"] == 0 || sum.states["CONFIRMED"] == 0) {
		t.Error("no kill met a call, or none succeeded: that shows nothing")
	}
}

// lane runs one journal after another until nothing is left to be killed.
func (c campaign) lane(t *testing.T, lane int, left *pool, sum *tally) {
	t.Helper()
	own := *seed + uint64(lane)<<32
	for n := left.take(c.most(lane)); n > 0; n = left.take(c.most(lane)) {
		own++
		t.Run(fmt.Sprint(own), func(t *testing.T) {
			s := c.setup(t, lane)
			s.seed = own
			torment(t, sum, s, n)
		})
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
	l.torment(most)
	seen := l.finish()
	wrong := seen.violations()
	report(t, s.seed, wrong)
	sum.add(l, seen, len(wrong))
	t.Logf("%d kills, %d payments, %d violations; %s", l.kills(), len(seen.payments), len(wrong), sum)
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
		l.seats[0].dieAt("after-pay", 5)
	}
	wrong := strings.Join(l.finish().violations(), "\n")
	for _, want := range []string{"FAILED, and executed 1 times", `reconciler made it from "SENDING" to "FAILED"`} {
		if !strings.Contains(wrong, want) {
			t.Errorf("not found: %s, in\n%s", want, wrong)
		}
	}
}
