// Package examples_test holds the examples in other languages against the contract, as plugins of a real host.
package examples_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"

	"github.com/jalurhq/jalur/core/providertest"
	"github.com/jalurhq/jalur/examples/sandbox"
	"github.com/jalurhq/jalur/plugins/host"
	"github.com/jalurhq/jalur/plugins/plugintest"
)

func TestMain(m *testing.M) {
	otel.SetTextMapPropagator(propagation.TraceContext{})
	os.Exit(m.Run())
}

// The whole suite, through the same host as a gateway's, with a process of the other language behind it.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"provider-node/lapak", "provider-python/lapak"} {
		t.Run(filepath.Dir(program), func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(sandbox.New(sandbox.Key))
			t.Cleanup(server.Close)
			spec, err := os.ReadFile("spec.yaml")
			if err != nil {
				t.Fatal(err)
			}
			h, err := providertest.ReadSpec(spec, server.URL)
			if err != nil {
				t.Fatal(err)
			}
			providertest.Run(t, plugintest.Process(h, host.Config{Plugin: program}))
		})
	}
}
