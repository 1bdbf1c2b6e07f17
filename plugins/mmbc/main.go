// Command mmbc is the provider mmbc as a plugin binary of its own.
package main

import (
	"github.com/jalurhq/jalur/plugins/sdk"
	"github.com/jalurhq/jalur/providers/mmbc"
)

func main() {
	sdk.Serve(mmbc.Factory())
}
