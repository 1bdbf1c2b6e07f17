// Command simulate plays many histories of the simulation, or one of them word by word.
package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jalurhq/jalur/internal/simulation"
)

// options are the flags of the command.
type options struct {
	seeds, from, seed uint64
	verbose           bool
	flaw              string
}

func main() {
	var o options
	flag.Uint64Var(&o.seeds, "seeds", 10_000, "how many histories to play")
	flag.Uint64Var(&o.from, "from", 1, "the first seed")
	flag.Uint64Var(&o.seed, "seed", 0, "play this one only")
	flag.BoolVar(&o.verbose, "v", false, "with -seed: print the history")
	flag.StringVar(&o.flaw, "flaw", "", "plant this mistake in the simulated journal")
	flag.Parse()
	if o.violations() > 0 {
		os.Exit(1)
	}
}

func (o options) violations() int {
	if o.seed != 0 {
		return one(os.Stdout, o)
	}
	return many(os.Stdout, os.Stderr, o)
}

func one(out io.Writer, o options) int {
	r := simulation.Run(simulation.Config{Seed: o.seed, Flaw: o.flaw, Keep: true})
	if o.verbose || r.Violation != "" {
		fmt.Fprintln(out, r.History)
	}
	fmt.Fprintf(out, "seed %d: %d steps, %s, sum %016x\n", o.seed, r.Steps, r.Time.Round(time.Second), r.Sum)
	if r.Violation == "" {
		return 0
	}
	fmt.Fprintf(out, "VIOLATION %s\n", r.Violation)
	return 1
}

// total is what came of many histories.
type total struct {
	mu     sync.Mutex
	stats  map[string]int
	steps  int
	hours  float64 // of virtual time
	failed int
}

// add counts one history, and tells of its violation at once.
func (t *total) add(out io.Writer, seed uint64, r simulation.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps += r.Steps
	t.hours += r.Time.Hours()
	for what, n := range r.Stats {
		t.stats[what] += n
	}
	if r.Violation != "" {
		t.failed++
		fmt.Fprintf(out, "seed %d: VIOLATION %s\n", seed, r.Violation)
	}
}

func many(out, progress io.Writer, o options) int {
	const every = 10_000
	t := &total{stats: map[string]int{}}
	started := time.Now()
	var next atomic.Uint64
	var working sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		working.Go(func() {
			for n := next.Add(1); n <= o.seeds; n = next.Add(1) {
				seed := o.from + n - 1
				t.add(out, seed, simulation.Run(simulation.Config{Seed: seed, Flaw: o.flaw}))
				if n%every == 0 {
					fmt.Fprintf(progress, "%d of %d histories, %s\n", n, o.seeds, time.Since(started).Round(time.Second))
				}
			}
		})
	}
	working.Wait()
	t.print(out, o, time.Since(started))
	return t.failed
}

func (t *total) print(out io.Writer, o options, took time.Duration) {
	for _, what := range slices.Sorted(maps.Keys(t.stats)) {
		fmt.Fprintf(out, "%12d %s\n", t.stats[what], what)
	}
	fmt.Fprintf(out, "%d histories from seed %d in %s (%.0f a second), %d steps, %.0f h of virtual time: %d violations\n",
		o.seeds, o.from, took.Round(time.Second/10), float64(o.seeds)/took.Seconds(), t.steps, t.hours, t.failed)
}
