package transport

import (
	"time"

	"golang.org/x/sys/windows"
)

// BootTime reads the machine's boot-time clock, which every process on it shares, which no change of the wall clock moves, and which counts
// the time asleep. On Windows it advances in steps of 10 to 16 ms.
func BootTime() time.Duration { return windows.DurationSinceBoot() }
