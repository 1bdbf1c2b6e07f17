// Command dtone is the provider dtone as a plugin binary of its own.
package main

import (
	"github.com/jalurhq/jalur/plugins/sdk"
	"github.com/jalurhq/jalur/providers/dtone"
)

func main() {
	sdk.Serve(dtone.Factory())
}
