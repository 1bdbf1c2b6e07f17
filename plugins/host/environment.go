package host

import (
	"os"
	"slices"
	"strconv"
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

// environment is what a process of this configuration gets: the host's allowed variables, and the limits over them.
func (c Config) environment() []string {
	return append(c.Limits.over(environment(os.Environ(), c.Name)), faultPoint()...)
}

// over puts the limits in the place of the host's own.
func (l Limits) over(env []string) []string {
	for name, value := range map[string]int64{"GOMEMLIMIT": l.Memory, "GOMAXPROCS": int64(l.CPUs)} {
		if value == 0 {
			continue
		}
		env = slices.DeleteFunc(env, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
		env = append(env, name+"="+strconv.FormatInt(value, 10))
	}
	return env
}
