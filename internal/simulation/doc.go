// Package simulation plays the real engine and the real reconciler against a world that goes wrong on purpose, in virtual time and from a seed, and
// holds what comes of it against the invariants. The same seed gives the same history.
//
// Every line of work is a coroutine, and exactly one runs at a time: it runs until it calls the journal, a provider or
// the clock, and there the seed decides how long that takes, what becomes of it, and who goes on. So a crash, a pause or another gateway's
// step can come between any two calls, and never depends on the machine's own scheduling or clock.
package simulation
