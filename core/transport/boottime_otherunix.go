//go:build unix && !linux

package transport

import "golang.org/x/sys/unix"

// On macOS and the BSDs CLOCK_MONOTONIC starts at boot and is the same for every process. On macOS it also counts the
// time asleep; on a BSD it may not, so there a machine that was suspended can send later than it was allowed to.
const bootClock = unix.CLOCK_MONOTONIC
