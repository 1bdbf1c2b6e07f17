package mmbc_test

import (
	"os"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core/providertest"
	"github.com/jalurhq/jalur/providers/mmbc"
	"github.com/jalurhq/jalur/providers/mmbc/sandbox"
)

// It runs alone: one of the rules counts the goroutines of the whole process.
func TestConformance(t *testing.T) {
	_, server, _ := playing(t, sandbox.Config{Password: "sandbox-only", ReferenceAfter: 100 * time.Millisecond, HugeBytes: 2 << 20})
	spec, err := os.ReadFile("conformance.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h, err := providertest.ReadSpec(spec, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	h.New, h.Schema = providertest.InProcess(mmbc.Factory()), mmbc.Factory().Schema
	providertest.Run(t, h)
}
