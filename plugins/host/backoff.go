package host

import (
	"math/rand/v2"
	"time"
)

// backoff counts the processes that were lost one soon after the other. It outlives them all.
type backoff struct {
	cfg      Restart
	failures int
}

// lost counts a process that was ready for so long.
func (b *backoff) lost(lived time.Duration) {
	if lived >= b.cfg.HealthyAfter {
		b.failures = 0
	}
	b.failures++
}

// pause is the time to wait before the next start.
func (b *backoff) pause() time.Duration {
	longest := b.cfg.First
	for n := 1; n < b.failures && longest < b.cfg.Max; n++ {
		longest *= 2
	}
	longest = min(longest, b.cfg.Max)
	return longest - rand.N(longest/2+1) //nolint:gosec // spreads load, guards nothing
}
