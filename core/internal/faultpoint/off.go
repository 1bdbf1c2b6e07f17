//go:build !faultpoints || !linux

package faultpoint

// At is a fault point.
func At(string) {}

// Fails is a fault point at which something can be made to fail: it never does.
func Fails(string) bool { return false }
