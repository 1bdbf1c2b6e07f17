package transport

import "golang.org/x/sys/unix"

// On Linux CLOCK_MONOTONIC stands still while the machine sleeps; CLOCK_BOOTTIME doesn't.
const bootClock = unix.CLOCK_BOOTTIME
