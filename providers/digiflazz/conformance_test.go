package digiflazz_test

import (
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core/providertest"
	"github.com/jalurhq/jalur/providers/digiflazz"
	simulator "github.com/jalurhq/jalur/providers/digiflazz/sandbox"
)

// It runs alone: one of the rules counts the goroutines of the whole process.
func TestConformance(t *testing.T) {
	box, err := simulator.New(simulator.Config{
		Username: "toko", APIKey: "sandbox-only", WebhookSecret: secret, PendingFor: 3 * time.Second, ListEvery: -1, CodeEvery: -1, HugeBytes: 2 << 20,
	})
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
	h.New, h.Schema = providertest.InProcess(digiflazz.Factory()), digiflazz.Factory().Schema
	providertest.Run(t, h)
}
