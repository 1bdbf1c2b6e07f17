package simulation

import (
	"fmt"
	"strings"
	"time"
)

// trace is a history: always as a number, and as text where somebody wants to read it.
type trace struct {
	sum   uint64
	keep  bool
	lines []string
}

const prime = 0x9E3779B97F4A7C15

func (t *trace) mix(numbers ...uint64) {
	for _, n := range numbers {
		t.sum = (t.sum ^ n) * prime
		t.sum ^= t.sum >> 29
	}
}

// addf writes one line. Only its text costs time, so it is made only where it is kept.
func (t *trace) addf(w *World, format string, args ...any) {
	if t.keep {
		t.lines = append(t.lines, stamp(w.boot)+" "+fmt.Sprintf(format, args...))
	}
}

func stamp(d time.Duration) string {
	return fmt.Sprintf("%13.6f", d.Seconds())
}

func (t *trace) String() string { return strings.Join(t.lines, "\n") }

// short gives the part of an id that tells it from the others.
func short[T ~string](id T) string {
	if s := strings.TrimLeft(strings.TrimPrefix(string(id), "S"), "0"); s != "" {
		return s
	}
	return "-"
}

// Kinds gives what must occur in enough histories, by the names of Result.Stats: every kind of fault, and every change that somebody makes today.
func Kinds() []string {
	kinds := []string{
		"ambiguous commits", "answers about a twin", "answers about another order", "answers about another order, not executed", "answers lost",
		"answers with a stranger's invoice", "answers with a stranger's invoice, not executed", "callers told", "contradictions", "crashes", "disks failed", "garbage",
		"gateways stopped", "gateways with another account", "jumps of the wall clock", "late executions", "orders not found", "orders refused",
		"outcomes found in the spill", "outcomes spilled",
		"outages of the journal", "pauses of a gateway", "pauses of one call", "plugins died", "readings that failed", "requests lost",
		"sends refused as too late", "slow writes", "spills that failed", "time-outs", "writes refused", "wrong amounts",
	}
	for _, r := range rules() {
		for _, who := range r.who {
			kinds = append(kinds, stepName(r.from, r.to, who))
		}
	}
	return kinds
}
