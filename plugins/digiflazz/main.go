// Command digiflazz is the provider digiflazz as a plugin binary of its own.
package main

import (
	"github.com/jalurhq/jalur/plugins/sdk"
	"github.com/jalurhq/jalur/providers/digiflazz"
)

func main() {
	sdk.Serve(digiflazz.Factory())
}
