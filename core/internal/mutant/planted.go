//go:build mutants

// Package mutant plants bugs in the engine, one at a time, to show that the simulation's checker finds them. Without the build tag "mutants" none exists:
// On is a constant, and the compiler drops what stands behind it.
package mutant

import "os"

// Variable names the environment variable that chooses the bug.
const Variable = "JALUR_MUTANT"

var planted = os.Getenv(Variable)

// On reports whether the bug of this name is planted.
func On(name string) bool { return name == planted }
