package httpapi

import (
	_ "embed"
	"net/http"
)

//go:embed console.html
var consolePage []byte

// console is the page for people: what can be called, and how. It needs nothing from anywhere else and may load nothing.
func console() http.Handler {
	page := static("text/html; charset=utf-8", consolePage)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		w.Header().Set("Referrer-Policy", "no-referrer")
		page.ServeHTTP(w, r)
	})
}

func static(contentType string, content []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(content) // the caller may be gone
	})
}
