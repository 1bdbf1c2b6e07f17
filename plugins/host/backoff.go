package host

import (
	"math/rand/v2"
	"slices"
	"time"
)

// backoff counts the processes that were lost one soon after the other. It outlives them all.
type backoff struct {
	cfg      Restart
	failures int
	lostAt   []time.Time // of processes that were not well for long, within cfg.Within
}

// lost counts a process that ended now and was ready for so long; one that never was, for 0.
func (b *backoff) lost(now time.Time, lived time.Duration) {
	if lived >= b.cfg.HealthyAfter {
		b.failures, b.lostAt = 1, nil
		return
	}
	b.failures++
	b.lostAt = slices.DeleteFunc(append(b.lostAt, now), func(at time.Time) bool { return now.Sub(at) > b.cfg.Within })
}

// isHopeless reports whether as many were lost that a further start isn't worth it now.
func (b *backoff) isHopeless() bool { return len(b.lostAt) >= b.cfg.Attempts }

// pause is the time to wait before the next start.
func (b *backoff) pause() time.Duration {
	longest := b.cfg.First
	for n := 1; n < b.failures && longest < b.cfg.Max; n++ {
		longest *= 2
	}
	longest = min(longest, b.cfg.Max)
	return longest - rand.N(longest/2+1) //nolint:gosec // spreads load, guards nothing
}
