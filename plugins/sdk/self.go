package sdk

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/jalurhq/jalur/plugins/internal/wire"
)

// Shipped are the plugins that a program can start itself as. The zero Shipped are none.
type Shipped struct{ names []string }

// Names lists them in order.
func (s Shipped) Names() []string { return slices.Clone(s.names) }

// Has reports whether the plugin is one of them.
func (s Shipped) Has(name string) bool { return slices.Contains(s.names, name) }

// Self lets one binary be the host and its own plugins. Call it first in main and hand what it returns to the host. In a process that the host
// started as a plugin (its arguments are "jalur-plugin NAME") it serves that plugin and never returns.
func Self(factories map[string]Factory) Shipped {
	if name, asPlugin := selfName(); asPlugin {
		serveSelf(name, factories)
	}
	return Shipped{names: slices.Sorted(maps.Keys(factories))}
}

func serveSelf(name string, factories map[string]Factory) {
	factory, known := factories[name]
	if !known {
		fmt.Fprintf(os.Stderr, "no plugin %q is in this program\n", name)
		os.Exit(1)
	}
	serve(name, factory)
}

func selfName() (name string, asPlugin bool) {
	const args = 3 // the program, the word, the name
	if len(os.Args) != args || os.Args[1] != wire.SelfCommand || !startedByHost() {
		return "", false
	}
	return os.Args[2], true
}
