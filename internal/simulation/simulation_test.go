package simulation_test

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jalurhq/jalur/internal/simulation"
)

// within is the number of seeds within which every planted bug must be found.
const within = 3000

// each plays the seeds 1 to n on all CPUs, until the visitor has seen enough.
func each(n uint64, cfg simulation.Config, enough func(seed uint64, r simulation.Result) bool) {
	var next atomic.Uint64
	var ended atomic.Bool
	var working sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		working.Go(func() {
			for seed := next.Add(1); seed <= n && !ended.Load(); seed = next.Add(1) {
				played := cfg
				played.Seed = seed
				if enough(seed, simulation.Run(played)) {
					ended.Store(true)
				}
			}
		})
	}
	working.Wait()
}

// show fails the test with the seed, what is wrong, and the end of the history.
func show(t *testing.T, seed uint64) {
	t.Helper()
	const lines = 60
	r := simulation.Run(simulation.Config{Seed: seed, Keep: true})
	history := strings.Split(r.History, "\n")
	t.Errorf("seed %d: %s\n%s\n\tthe whole of it: go run ./internal/simulation/cmd/simulate -seed %d",
		seed, r.Violation, strings.Join(history[max(0, len(history)-lines):], "\n"), seed)
}

func TestHistories(t *testing.T) {
	t.Parallel()
	var first atomic.Uint64
	each(histories, simulation.Config{}, func(seed uint64, r simulation.Result) bool {
		if r.Violation != "" {
			first.Store(seed)
		}
		return r.Violation != ""
	})
	if seed := first.Load(); seed != 0 {
		show(t, seed)
	}
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	file, err := os.Open("testdata/seeds.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	played := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		seed, err := strconv.ParseUint(fields[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if simulation.Run(simulation.Config{Seed: seed}).Violation != "" {
			show(t, seed)
		}
		played++
	}
	if played == 0 {
		t.Error("the corpus is empty")
	}
}

func TestSameSeedSameHistory(t *testing.T) {
	t.Parallel()
	const seeds = 40
	sums := map[uint64]bool{}
	for seed := uint64(1); seed <= seeds; seed++ {
		first := simulation.Run(simulation.Config{Seed: seed, Keep: true})
		again := simulation.Run(simulation.Config{Seed: seed, Keep: true})
		silent := simulation.Run(simulation.Config{Seed: seed})
		if first.History != again.History || first.Sum != again.Sum || silent.Sum != first.Sum || silent.Steps != first.Steps {
			t.Errorf("seed %d went two ways", seed)
		}
		sums[first.Sum] = true
	}
	if len(sums) != seeds {
		t.Errorf("%d seeds gave %d histories", seeds, len(sums))
	}
}

// The journal's own rules are part of the proof: a store that breaks one must show.
func TestFlaws(t *testing.T) {
	t.Parallel()
	for _, flaw := range []string{
		"fence-not-compared", "state-not-compared", "event-missing", "invoice-shared", "key-not-unique", "claim-keeps-fence", "lost-tail",
		"parked-without-task", "task-left-open",
	} {
		var found atomic.Uint64
		each(within, simulation.Config{Flaw: flaw}, func(seed uint64, r simulation.Result) bool {
			if r.Violation != "" {
				found.Store(seed)
			}
			return r.Violation != ""
		})
		if found.Load() == 0 {
			t.Errorf("a journal with the flaw %s is not found out in %d histories", flaw, within)
		}
	}
}
