package config

import (
	"fmt"
	"slices"
	"strings"
)

// suggest ends a rule about a name that isn't known: with the nearest of the known ones, or with all of them.
func suggest(name string, known []string) string {
	if best := nearest(name, known); best != "" {
		return fmt.Sprintf(", did you mean %q?", best)
	}
	if len(known) == 0 {
		return "; nothing is known here"
	}
	sorted := slices.Sorted(slices.Values(known))
	return "; known here: " + strings.Join(sorted, ", ")
}

// nearest gives the known name that is the fewest edits away, or "" where all are too far to be meant.
func nearest(name string, known []string) string {
	const farthest = 3
	best, least := "", min(farthest, (len(name)+1)/2)+1 // half of a short name may be wrong
	for _, candidate := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete or replace. Names that differ greatly in length are not compared.
func distance(a, b string) int {
	const tooLong = 64
	if len(a) > tooLong || len(b) > tooLong {
		return tooLong
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
