package transport_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/jalurhq/jalur/core/transport"
)

// BenchmarkSend is what a connection of its own costs each Pay.
func BenchmarkSend(b *testing.B) {
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for name, start := range map[string]func(*httptest.Server){"http": (*httptest.Server).Start, "https": (*httptest.Server).StartTLS} {
		b.Run(name, func(b *testing.B) {
			server := httptest.NewUnstartedServer(handler)
			start(server)
			defer server.Close()
			client := transport.New(transport.Config{TLS: trust(server)})
			for b.Loop() {
				req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, server.URL, http.NoBody)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := client.Send(b.Context(), req, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
