//go:build !faultpoints || !linux

package faultpoint

import "time"

// At is a fault point.
func At(string) {}

// Fails is a fault point at which something can be made to fail: it never does.
func Fails(string) bool { return false }

// Wall gives the wall clock's time as the process is to see it: as it is.
func Wall(now time.Time) time.Time { return now }
