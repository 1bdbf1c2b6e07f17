package host

import (
	"os"
	"slices"
	"strings"
)

// environment gives what a plugin may see of the host's environment: nothing that could hold somebody else's secret. The headers of the OTLP
// exporter (OTEL_EXPORTER_OTLP_HEADERS) are passed on, since without them it couldn't export.
func environment(host []string, name string) []string {
	allowed := []string{
		"TZ", "ZONEINFO", "SSL_CERT_FILE", "SSL_CERT_DIR", "GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG", "GOTRACEBACK",
	}
	service := "jalur"
	var env []string
	for _, entry := range host {
		key, value, _ := strings.Cut(entry, "=")
		switch {
		case key == "OTEL_SERVICE_NAME":
			service = value
		case strings.HasPrefix(key, "OTEL_"), slices.Contains(allowed, key):
			env = append(env, entry)
		}
	}
	return append(env, "OTEL_SERVICE_NAME="+service+"-plugin-"+name)
}

func hostEnvironment(name string) []string {
	return append(environment(os.Environ(), name), faultPoint()...)
}
