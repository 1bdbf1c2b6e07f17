// Package pluginv1 is the plugin protocol, version 1: its source, and the Go code that is generated from it.
package pluginv1

import _ "embed" // for Source

// Source is provider.proto, for plugins that make their own stubs of it.
//
//go:embed provider.proto
var Source string
