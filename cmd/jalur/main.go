// Command jalur is the gateway, its command line, and the plugins that it ships, in one binary.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/internal/cli"
	"github.com/jalurhq/jalur/plugins/reattach"
	"github.com/jalurhq/jalur/plugins/sdk"
	"github.com/jalurhq/jalur/providers/digiflazz"
	"github.com/jalurhq/jalur/providers/dtone"
	httpspec "github.com/jalurhq/jalur/providers/http"
	"github.com/jalurhq/jalur/providers/mmbc"
)

// version is set by the build.
var version = "dev"

func main() {
	shipped := sdk.Self(map[string]core.Factory{
		"digiflazz": digiflazz.Factory(), "dtone": dtone.Factory(), "http": httpspec.Factory(), "mmbc": mmbc.Factory(), reattach.Name: reattach.Factory(),
	})
	interrupted, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(interrupted, release) // a second interrupt ends the program at once
	os.Exit(cli.Run(cli.Program{
		Version: version, Shipped: shipped, Env: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr, Interrupted: interrupted,
	}, os.Args[1:]))
}
