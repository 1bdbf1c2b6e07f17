package httpspec_test

import (
	"testing"

	httpspec "github.com/jalurhq/jalur/providers/http"
)

// BenchmarkNew is what the description of MMBC costs at the start.
func BenchmarkNew(b *testing.B) {
	raw := settings(b, string(read(b, described)), "http://127.0.0.1:1", "1")
	for b.Loop() {
		if _, err := httpspec.New(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadPay is what an answer costs, compared with the time that a provider takes for it.
func BenchmarkReadPay(b *testing.B) {
	p := yamlMMBC(b, "http://127.0.0.1:1").(*httpspec.Provider)
	body := read(b, "../mmbc/testdata/reload_underscore.json")
	for b.Loop() {
		if res, err := p.ReadPay(b.Context(), body, order()); err != nil || res.Reference == "" {
			b.Fatal(res, err)
		}
	}
}
