package httpspec_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core/providertest"
	httpspec "github.com/jalurhq/jalur/providers/http"
	"github.com/jalurhq/jalur/providers/mmbc/sandbox"
)

// The same spec as the Go plugin's. It runs alone: one of the rules counts the goroutines of the whole process.
func TestConformance(t *testing.T) {
	box, err := sandbox.New(sandbox.Config{Username: "toko", Password: "sandbox-only", ReferenceAfter: 100 * time.Millisecond, HugeBytes: 2 << 20})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box)
	defer server.Close()
	defer func() { _ = box.Close() }()
	h, err := providertest.ReadSpec(read(t, "../mmbc/conformance.yaml"), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if h.Settings, err = providertest.ReadSettings("../../examples/http/mmbc.settings.yaml", server.URL); err != nil {
		t.Fatal(err)
	}
	h.New, h.Schema = providertest.InProcess(httpspec.Factory()), httpspec.Factory().Schema
	providertest.Run(t, h)
}
