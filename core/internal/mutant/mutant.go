//go:build !mutants

// Package mutant plants bugs in the engine, one at a time, to show that the simulation's checker finds them. Without the build tag "mutants" none exists:
// On is a constant, and the compiler drops what stands behind it.
package mutant

// On reports whether the bug of this name is planted: it never is.
func On(string) bool { return false }
