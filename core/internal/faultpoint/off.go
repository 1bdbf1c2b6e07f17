//go:build !faultpoints || !linux

package faultpoint

// At is a fault point.
func At(string) {}

// Mutant reports whether a planted bug is on.
func Mutant(string) bool { return false }
