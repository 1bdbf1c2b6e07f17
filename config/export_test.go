package config

import (
	"maps"
	"slices"
)

// HintedKeys are the keys of which the published schema says more than their types do.
func HintedKeys() []string { return slices.Sorted(maps.Keys(hints(nil))) }
