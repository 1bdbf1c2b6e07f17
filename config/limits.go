package config

import (
	"fmt"
	"strconv"
)

// What a configuration may be at most. A real one is far below.
const (
	maxFile       = 1 << 20  // bytes of the file
	maxSecretFile = 64 << 10 // bytes of a file that a placeholder names
	maxNodes      = 20_000   // values, an alias counted each time it is used
	maxDepth      = 64
)

const ruleTopLevel = "must be a map of settings, such as {journal: …, providers: …}"

func ruleSize() string {
	return fmt.Sprintf("more than %d values, or nested more than %d deep", maxNodes, maxDepth)
}

func ruleTwice(first place) string {
	return "set twice; the first is in line " + strconv.Itoa(first.line)
}
