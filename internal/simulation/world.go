package simulation

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// killed ends a coroutine whose gateway is gone: what it had in memory goes with it.
type killed struct{}

// task is one line of work. It runs until it yields how long it waits.
type task struct {
	id    int
	gw    *Gateway // whose process it runs in; nil: nobody's, so that nothing can end it
	idle  bool     // a loop that by itself never ends
	next  func() (time.Duration, bool)
	stop  func()
	yield func(time.Duration) bool
	over  bool
}

// waiting is something that goes on at a time: a task, or a function of the world itself.
type waiting struct {
	at    time.Duration
	order uint64 // drawn, so that what happens at one time happens in any order
	task  *task
	do    func()
}

// World is one history: the machine's time, the gateways, the providers, and what goes wrong.
type World struct {
	rng     *rand.Rand
	profile profile
	boot    time.Duration
	jumped  time.Duration // how far the wall clock has been set off
	jumps   time.Duration // how far in all, there and back
	latest  time.Time     // the highest that any gateway's wall clock has shown
	queue   []waiting
	cur     *task
	tasks   int
	ids     int
	pending int  // things under way other than idle loops
	faults  bool // whether things still go wrong
	outage  time.Duration
	fallen  []*Gateway

	book      *Book
	gateways  []*Gateway
	companies []*company
	ledger    *ledger
	checker   *checker
	trace     *trace
	callers   callers
	stats     map[string]int
}

// limits of a history.
const (
	maxSteps = 300_000
	maxTime  = 40 * 24 * time.Hour
)

func (w *World) chance(p float64) bool { return p > 0 && w.rng.Float64() < p }

// between draws a duration whose order of magnitude is as likely as any other.
func (w *World) between(least, most time.Duration) time.Duration {
	return time.Duration(float64(least) * math.Pow(float64(most)/float64(least), w.rng.Float64()))
}

func (w *World) count(what string) { w.stats[what]++ }

// spawn starts a line of work after a while.
func (w *World) spawn(gw *Gateway, idle bool, after time.Duration, work func()) {
	w.tasks++
	t := &task{id: w.tasks, gw: gw, idle: idle}
	t.next, t.stop = iter.Pull(func(yield func(time.Duration) bool) {
		t.yield = yield
		defer w.ended()
		work()
	})
	if gw != nil {
		gw.tasks = append(gw.tasks, t)
	}
	if !idle {
		w.pending++
	}
	w.push(waiting{at: w.boot + after, task: t})
}

// ended is the end of a task, by itself or by a crash. A panic of the engine is a violation like any other.
func (w *World) ended() {
	if r := recover(); r != nil {
		if _, ok := r.(killed); !ok {
			w.checker.violatef("panic: %v\n%s", r, debug.Stack())
		}
	}
}

// after lets the world itself do something later.
func (w *World) after(d time.Duration, do func()) {
	w.pending++
	w.push(waiting{at: w.boot + d, do: do})
}

// sleep lets time pass for the task that runs.
func (w *World) sleep(d time.Duration) {
	if !w.cur.yield(max(d, 0)) {
		panic(killed{})
	}
}

// point is a place between two steps of a gateway, where anything may happen to it, and where others go on.
func (w *World) point(d time.Duration) {
	gw := w.cur.gw
	if gw == nil || !w.faults {
		w.sleep(d)
		return
	}
	switch p := &w.profile; {
	case w.chance(p.crash):
		gw.crash("at a point")
		panic(killed{})
	case w.chance(p.stall):
		stall := w.between(100*time.Millisecond, p.longest)
		if w.rng.IntN(2) == 0 {
			stall = w.between(p.stallLeast, p.stallMost)
		}
		w.count("pauses of one call")
		w.trace.addf(w, "%s: a call is paused for %s", gw.name, stall)
		d += stall
	case w.chance(p.freeze):
		gw.freeze(w.between(time.Second, p.longest))
	}
	w.sleep(d)
}

// step lets the next one go on. It reports false where there is nothing more to do.
func (w *World) step() bool {
	if len(w.queue) == 0 {
		return false
	}
	e := w.pop()
	w.boot = max(w.boot, e.at)
	if e.do != nil {
		w.pending--
		e.do()
	} else {
		w.resume(e.task)
	}
	w.bury()
	return true
}

func (w *World) resume(t *task) {
	if t.over {
		return
	}
	if t.gw != nil && t.gw.frozenUntil > w.boot {
		w.push(waiting{at: t.gw.frozenUntil, task: t})
		return
	}
	w.trace.mix(uint64(w.boot), uint64(t.id))
	w.cur = t
	d, more := t.next()
	w.cur = nil
	if !more {
		w.drop(t)
		return
	}
	w.push(waiting{at: w.boot + d, task: t})
}

func (w *World) drop(t *task) {
	if !t.over && !t.idle {
		w.pending--
	}
	t.over = true
}

// bury ends all that ran in a gateway that has crashed.
func (w *World) bury() {
	for _, gw := range w.fallen {
		gw.bury()
	}
	w.fallen = w.fallen[:0]
}

// end stops everything that still waits.
func (w *World) end() {
	for _, e := range w.queue {
		if e.task != nil && !e.task.over {
			e.task.over = true
			e.task.stop()
		}
	}
}

func (w *World) push(e waiting) {
	e.order = w.rng.Uint64()
	w.queue = append(w.queue, e)
	i := len(w.queue) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !w.queue[i].before(w.queue[parent]) {
			break
		}
		w.queue[i], w.queue[parent] = w.queue[parent], w.queue[i]
		i = parent
	}
}

func (e waiting) before(other waiting) bool {
	return e.at < other.at || e.at == other.at && e.order < other.order
}

func (w *World) pop() waiting {
	q := w.queue
	top, last := q[0], len(q)-1
	q[0] = q[last]
	q[last] = waiting{}
	w.queue = q[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if w.queue[child].before(w.queue[least]) {
				least = child
			}
		}
		if least == i {
			return top
		}
		w.queue[i], w.queue[least] = w.queue[least], w.queue[i]
		i = least
	}
}

// newID gives 26 characters of A–Z and 0–9, never twice the same.
func (w *World) newID() string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	w.ids++
	id := []byte("S0000000000000000000000000")
	for i, n := len(id)-1, w.ids; n > 0; i, n = i-1, n/len(digits) {
		id[i] = digits[n%len(digits)]
	}
	return string(id)
}

// epoch is when every history begins.
func epoch() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) }

// clock is the machine's time as one gateway sees it.
type clock struct {
	w  *World
	gw *Gateway
}

// Now is the wall clock, which may be set, and which differs between gateways.
func (c clock) Now() time.Time {
	now := epoch().Add(c.w.boot + c.w.jumped + c.gw.skew).Truncate(time.Microsecond)
	if now.After(c.w.latest) {
		c.w.latest = now
	}
	return now
}

// Boot is the boot-time clock, which nobody sets.
func (c clock) Boot() time.Duration { return c.w.boot }

// Sleep lets time pass.
func (c clock) Sleep(ctx context.Context, d time.Duration) error {
	c.w.point(d)
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("asleep: %w", ctx.Err())
	}
	return nil
}
