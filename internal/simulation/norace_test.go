//go:build !race

package simulation_test

// histories is how many seeds a test run plays.
const histories = 10_000
