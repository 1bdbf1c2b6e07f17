package dtone_test

import (
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core/providertest"
	"github.com/jalurhq/jalur/providers/dtone"
	"github.com/jalurhq/jalur/providers/dtone/sandbox"
)

// It runs alone: one of the rules counts the goroutines of the whole process.
func TestConformance(t *testing.T) {
	box, err := sandbox.New(sandbox.Config{Key: "toko", Secret: "sandbox-only", CompleteAfter: 20 * time.Millisecond, Delays: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box)
	defer server.Close()
	defer func() { _ = box.Close() }()
	spec, err := os.ReadFile("conformance.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h, err := providertest.ReadSpec(spec, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	h.New, h.Schema = providertest.InProcess(dtone.Factory()), dtone.Factory().Schema
	providertest.Run(t, h)
}
