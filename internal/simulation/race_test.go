//go:build race

package simulation_test

// histories is how many seeds a test run plays; with the race detector each takes much longer.
const histories = 300
