//go:build unix

package transport

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// BootTime reads the machine's boot-time clock, which every process on it shares and which no change of the wall clock moves. Where
// the clock can't be read it gives the largest duration: every limit has then passed, and nothing is sent.
func BootTime() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(bootClock, &now); err != nil {
		return math.MaxInt64
	}
	return time.Duration(now.Nano())
}
