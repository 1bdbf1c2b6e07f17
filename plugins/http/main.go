// Command http is the plugin http as a binary of its own: a provider that the settings describe.
package main

import (
	"github.com/jalurhq/jalur/plugins/sdk"
	httpspec "github.com/jalurhq/jalur/providers/http"
)

func main() {
	sdk.Serve(httpspec.Factory())
}
