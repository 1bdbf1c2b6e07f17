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
