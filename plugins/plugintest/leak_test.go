package plugintest_test

import (
	"os"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.uber.org/goleak"

	"github.com/jalurhq/jalur/plugins/sdk"
)

// TestMain makes the test binary its own plugins, and fails where a test leaves a goroutine behind.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[2] == "outlives" {
		os.Stdin, _, _ = os.Pipe() // whose end never comes
	}
	sdk.Self(factories())
	otel.SetTextMapPropagator(propagation.TraceContext{})
	goleak.VerifyTestMain(m)
}
