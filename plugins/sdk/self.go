package sdk

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/internal/wire"
)

// Shipped are the plugins that a program can start itself as. The zero Shipped are none.
type Shipped struct{ schemas map[string]json.RawMessage }

// Names lists them in order.
func (s Shipped) Names() []string { return slices.Sorted(maps.Keys(s.schemas)) }

// Has reports whether the plugin is one of them.
func (s Shipped) Has(name string) bool {
	_, shipped := s.schemas[name]
	return shipped
}

// Schemas gives the JSON Schema of each plugin's settings, by the plugin's name; nil where it has none.
func (s Shipped) Schemas() map[string]json.RawMessage { return maps.Clone(s.schemas) }

// Self lets one binary be the host and its own plugins. Call it first in main and hand what it returns to the host. In a process that the host
// started as a plugin (its arguments are "jalur-plugin NAME") it serves that plugin and never returns.
func Self(factories map[string]core.Factory) Shipped {
	if name, asPlugin := selfName(); asPlugin {
		serveSelf(name, factories)
	}
	schemas := make(map[string]json.RawMessage, len(factories))
	for name, factory := range factories {
		schemas[name] = factory.Schema
	}
	return Shipped{schemas: schemas}
}

func serveSelf(name string, factories map[string]core.Factory) {
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
