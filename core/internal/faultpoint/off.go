//go:build !faultpoints || !linux

package faultpoint

import "time"

// At is a fault point.
func At(string) {}

// Wall gives the wall clock's time as the process is to see it: as it is.
func Wall(now time.Time) time.Time { return now }
