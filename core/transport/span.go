package transport

import (
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/jalurhq/jalur/core"
)

const scope = "github.com/jalurhq/jalur/core/transport"

// attributes describe the client span, which is made here and not through otelhttp: that records the whole URL, whose query may hold
// credentials and whose path an account number. Host, port, method and status are enough to find a slow provider.
func attributes(req *http.Request) []attribute.KeyValue {
	described := []attribute.KeyValue{
		attribute.String("http.request.method", req.Method),
		attribute.String("server.address", req.URL.Hostname()),
	}
	if port, err := strconv.Atoi(req.URL.Port()); err == nil {
		described = append(described, attribute.Int("server.port", port))
	}
	return described
}

// tracer asks for the process's provider at each call, since it may be set after the client was made.
func (c *Client) tracer() trace.Tracer {
	if c.cfg.TracerProvider != nil {
		return c.cfg.TracerProvider.Tracer(scope)
	}
	return otel.Tracer(scope)
}

func conclude(span trace.Span, reply Reply, err error) {
	if err != nil {
		code := string(core.CodeOf(err))
		span.SetAttributes(attribute.String("error.type", code))
		span.SetStatus(codes.Error, code)
		return
	}
	span.SetAttributes(attribute.Int("http.response.status_code", reply.Status))
	if reply.Status >= http.StatusBadRequest {
		span.SetAttributes(attribute.String("error.type", strconv.Itoa(reply.Status)))
		span.SetStatus(codes.Error, "")
	}
}
