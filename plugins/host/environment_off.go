//go:build !faultpoints

package host

// faultPoint is for binaries that are built to be killed.
func faultPoint() []string { return nil }
