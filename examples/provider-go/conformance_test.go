package main

import (
	"net/http/httptest"
	"os"
	"testing"

	"github.com/jalurhq/jalur/core/providertest"

	"provider-go/sandbox"
)

// The same suite that `jalur plugin test` asks of the built plugin, in this process.
func TestConformance(t *testing.T) {
	server := httptest.NewServer(sandbox.New("k3y-of-the-sandbox"))
	defer server.Close()
	spec, err := os.ReadFile("spec.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h, err := providertest.ReadSpec(spec, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	h.New, h.Schema = providertest.InProcess(Factory()), Factory().Schema
	providertest.Run(t, h)
}
