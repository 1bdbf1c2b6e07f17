// Package e2e holds the tests that drive the built binary as its users do: real processes, real HTTP, real kills, against the sandbox's own
// ledger. It has no code of its own.
package e2e
